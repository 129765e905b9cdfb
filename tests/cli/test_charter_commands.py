"""`charter show`, `diff` and `propose`: the rules in words, compared, and changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toutdoux.core.charter import read_charter
from toutdoux.scenario import read_charter_file

from .ledger_home import Home, copy_of

LONGER = "preset: tout-doux-cratie\nextraordinary:\n  window: 14 days\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_of("quiet", tmp_path)


def adopt(home: Home, ref: str) -> None:
    for member in ("bob", "eva", "ida"):
        home.says("vote", ref, "for", "--by", member)


@pytest.fixture
def longer(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yaml"
    file.write_text(LONGER, "utf-8")
    return file


def propose(home: Home, rules: object) -> str:
    done = home.says("charter", "propose", rules, "--by", "ana", "--object", "Plus de temps")
    return done.strip()


def test_the_rules_in_force_are_told_with_their_figures(home: Home) -> None:
    text = home.says("charter", "show")
    assert text.startswith("Charter, version 1, from the beginning\nModel: Tout-Doux-Cratie.\n")
    for words in (
        "the right to vote 10 days after joining",
        "adopted at once when the votes for are more than half of the roll",
        "otherwise contested for 7 days",
        "a counter-vote cancels when, within 7 days",
    ):
        assert words in text


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_the_rules_as_data_are_read_back_as_they_were(
    home: Home, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"rules.{form}"
    file.write_text(home.says("charter", "show", "--format", form), "utf-8")
    assert read_charter_file(file) == read_charter("tout-doux-cratie")
    if form == "json":
        assert read_charter(json.loads(file.read_text("utf-8"))) == read_charter("tout-doux-cratie")


def test_a_charter_is_proposed_and_in_force_once_adopted(home: Home, longer: Path) -> None:
    assert propose(home, longer) == "AE1"
    assert "version 1," in home.says("charter", "show")
    adopt(home, "AE1")
    text = home.says("charter", "show")
    assert text.startswith("Charter, version 2, in force since ")
    assert " by AE1\nModel: Tout-Doux-Cratie, with rules of its own.\n" in text
    assert "its vote is open for 14 days" in text
    assert "version 1," in home.says("charter", "show", "--version", 1)
    assert "version 1," in home.says("charter", "show", "--at", "2020-01-01")


def test_versions_are_compared_the_last_two_unless_told(home: Home, longer: Path) -> None:
    adopt(home, propose(home, longer))
    adopt(home, propose(home, "lazy-consensus"))
    text = home.says("charter", "diff", 1, 2)
    assert "Charter, from version 1 to version 2\n" in text
    assert "  - its vote is open for 7 days\n" in text
    assert "  + its vote is open for 14 days\n" in text
    assert "Ordinary actions" not in text
    assert home.data("charter", "diff", 1, 2)["changes"] == [
        {"rule": "extraordinary.window", "from": "7 days", "to": "14 days"}
    ]
    data = home.data("charter", "diff")
    assert (data["from"]["version"], data["to"]["version"]) == (2, 3)
    assert data["to"]["by_action"] == "AE2"
    assert home.data("charter", "diff", 1)["to"]["version"] == 3


def test_with_one_version_there_is_nothing_to_compare(home: Home) -> None:
    assert home.says("charter", "diff") == "There is no other version to compare with.\n"
    assert home.data("charter", "diff")["changes"] == []


def test_a_version_that_there_is_not_is_refused(home: Home) -> None:
    why = "the charter has no version 2 → its versions go from 1 to 1"
    home.refuses("charter", "show", "--version", 2, saying=why)
    home.refuses("charter", "diff", 1, 2, saying=why)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("preset: tout-doux-cratie\nordinary:\n  windw: 3 days\n", ":3: “windw” is not a key"),
        ("ordinary: {window: 3 days}\n", "the charter names no preset"),
        ("preset: [\n", "this is not YAML"),
        ("", "the file is empty"),
    ],
)
def test_rules_that_make_no_sense_are_refused_with_their_line(
    home: Home, longer: Path, rules: str, words: str
) -> None:
    longer.write_text(rules, "utf-8")
    proposal = ("charter", "propose", longer, "--by", "ana", "--object", "Plus de temps")
    home.refuses(*proposal, saying=words)


def test_a_preset_that_there_is_not_is_refused(home: Home) -> None:
    proposal = ("charter", "propose", "lazy", "--by", "ana", "--object", "Plus vite")
    home.refuses(*proposal, saying="there is no preset charter “lazy” → use one of tout-doux")


def test_a_version_compared_with_itself_has_the_same_rules(home: Home) -> None:
    assert home.says("charter", "diff", "1", "1") == "The rules are the same.\n"
