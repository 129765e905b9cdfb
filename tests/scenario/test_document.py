"""docs/scenario.md and the reader know the same keys."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from toutdoux.core.charter import AtEnd, Starts
from toutdoux.core.journal import EntryKind, Precision, ReportSection
from toutdoux.core.presets import PRESETS
from toutdoux.scenario import ScenarioError, read_scenario, reader

from .telling import judged

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scenario.md").read_text("utf-8")
FENCED = re.findall(r"^(<!--.*?-->\n)?```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
WHOLE = [text for comment, language, text in FENCED if language == "yaml" and comment]
"""The examples that are scenarios by themselves; the others are parts of one."""
BLOCKS = [text for comment, language, text in FENCED if language == "yaml" and not comment]


def keys_in_code() -> set[str]:
    """Every key that the reader's `only(…)` lets pass, and every word of an event."""
    keys = {*reader._TOP, *reader._KEYS, *(key for row in reader._KEYS.values() for key in row)}
    for file in sorted((ROOT / "src" / "toutdoux" / "scenario").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "only"
            ):
                keys |= {
                    one.value
                    for argument in node.args
                    for one in ast.walk(argument)
                    if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    from toutdoux.scenario.life import ENTRY_KEYS

    return keys | set(ENTRY_KEYS) | {*Precision} | {*ReportSection}


def charter_keys() -> set[str]:
    from toutdoux.core.charter import _COUNTER_VOTE_KEYS, _KIND_KEYS

    top = {key for preset in PRESETS.values() for key in preset}
    return {"preset", *top, *_KIND_KEYS, *_COUNTER_VOTE_KEYS}


def keys_in_page() -> set[str]:
    """Every key in the page's examples, and every word between backticks."""
    found = set(re.findall(r"(?<![\w/])([a-z_]+):(?=\s)", "\n".join(BLOCKS)))
    for quoted in re.findall(r"`([^`\n]+)`", PAGE):
        found |= set(re.findall(r"[a-z_]+", quoted))
    return found


def test_the_page_has_its_examples() -> None:
    assert len(BLOCKS) >= 7


@pytest.mark.parametrize("key", sorted(keys_in_code() | charter_keys()))
def test_every_key_of_the_reader_is_in_the_document(key: str) -> None:
    assert key in keys_in_page()


def all_examples() -> str:
    """The page's examples as one scenario, with the proposal that its journal speaks of."""
    proposal = "  - {at: 2021-03-21, propose: extraordinary, number: 29, by: ana, object: o}\n"
    parts: dict[str, str] = {}
    for one in BLOCKS:
        key, rest = one.split("\n", 1)
        parts[key] = parts.get(key, "") + rest
    parts["events:"] += proposal
    return "".join(f"{key}\n{rest}" for key, rest in parts.items())


@pytest.mark.parametrize("text", WHOLE)
def test_an_example_that_is_whole_is_judged(text: str) -> None:
    judged(text)


def test_every_example_of_the_document_is_read() -> None:
    chronicle = read_scenario(all_examples()).chronicle
    assert chronicle.name == "Les Loutres libres"
    assert [member.id for member in chronicle.history.members][:2] == ["ana", "bob"]
    told = sum(one.count("- {at: ") for one in BLOCKS)
    assert len(chronicle.history.events) == told + 1  # the proposal
    assert len(chronicle.journal) == 3
    assert chronicle.history.charter.differs
    assert set(chronicle.reports) == {"P21"}


def test_no_key_of_an_example_goes_unread() -> None:
    """A reader that passed over a key would pass over a misspelt one too."""
    text = re.sub(r" +# .*", "", all_examples())
    for match in re.finditer(r"(?<![\w/\"])([a-z_]+):(?=\s)", text):
        misspelt = f"{text[: match.start()]}zz{match[1]}{text[match.end() - 1 :]}"
        assert is_refused(misspelt), match[1]


def is_refused(text: str) -> bool:
    try:
        read_scenario(text)
    except ScenarioError:
        return True
    return False


def test_the_examples_are_yaml_to_others_as_well() -> None:
    assert isinstance(yaml.safe_load(all_examples()), dict)


@pytest.mark.parametrize("kind", [*EntryKind])
def test_every_kind_of_entry_is_in_the_document(kind: EntryKind) -> None:
    assert f"`{kind}`" in PAGE


@pytest.mark.parametrize("value", [*Starts, *AtEnd, *PRESETS])
def test_every_word_of_a_charter_is_in_the_document(value: str) -> None:
    assert f"`{value}`" in PAGE


def test_every_kind_of_entry_in_the_document_is_read() -> None:
    rows = re.search(r"\| `kind` \| what it is \|.*\n.*?\n((?:\|.*\n)+)", PAGE)
    assert rows is not None
    named = {
        one for row in rows[1].splitlines() for one in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == {*EntryKind}
