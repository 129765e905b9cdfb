"""The documentation holds: its commands run, its output is what comes out, its links lead on.

A page tells the reader what to type; the same is typed here, in an empty folder:

- a code block after `<!-- file: NAME -->` is saved under that name;
- in a ```console block, each line that begins with `$ toutdoux` is run, and what stands below it,
  up to the next one, is what it must print; a line `…` stands for any lines;
- in a ```sh block, each line that begins with `toutdoux` is run;
- before it there may be variables, as in `TOUTDOUX_HOME=elsewhere toutdoux …`;
- what stands in a ```bash block is not run: it takes a server, or another machine;
- each must end with status 0, or with the one in `<!-- status: 2 -->` before the block.

Each page has a ledger of its own, in the folder `home`: commands find what those before them kept.
French pages are read with a French locale, the others with an English one. When the software says
something new on purpose, `UPDATE_DOCS=1 python -m pytest tests/docs` writes it into the pages.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import click
import pytest

import toutdoux
from toutdoux.cli.main import cli
from toutdoux.core.charter import Kind
from toutdoux.core.instants import read_instant
from toutdoux.core.journal import EntryKind, Precision, ReportSection
from toutdoux.core.presets import PRESETS
from toutdoux.scenario import read_scenario
from toutdoux.scenario import reader as scenario_reader
from toutdoux.scenario.life import ENTRY_KEYS
from toutdoux.scenario.source import Fields, parse

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FRENCH = (
    "README.fr.md",
    "utiliser.md",
    "regles.fr.md",
    "installer.md",
    "mattermost.fr.md",
    "matrix.fr.md",
    "capsule.fr.md",
    "fediverse.fr.md",
)
UPDATE = bool(os.environ.get("UPDATE_DOCS"))

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*toutdoux ")
_NOTE = re.compile(r"<!-- (file|status): (\S+) -->\s*\Z")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def page(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@dataclass
class Block:
    """A code block, with what the comment before it says of it."""

    language: str
    body: str
    begin: int
    end: int
    file: str | None = None
    status: int = 0


def blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        block = Block(match["language"], match["body"], match.start("body"), match.end("body"))
        note = _NOTE.search(text, 0, match.start())
        if note and note[1] == "file":
            block.file = note[2]
        elif note:
            block.status = int(note[2])
        yield block


@dataclass
class Command:
    line: str
    shown: str | None
    """What the page says it prints; None where it says nothing."""


def commands(block: Block) -> list[Command]:
    if block.language == "sh":
        return [Command(line, None) for line in block.body.splitlines() if _COMMAND.match(line)]
    if block.language != "console":
        return []
    parts = re.split(r"^\$ (.*)\n", block.body, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with a command"
    return [
        Command(line, shown)
        for line, shown in zip(parts[1::2], parts[2::2], strict=True)
        if _COMMAND.match(line)
    ]


def tidy(text: str) -> str:
    """Without what nobody sees: spaces at the end of lines, empty lines around."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def fits(shown: str, printed: str) -> bool:
    pattern = "".join(
        "(?:.*\n)*" if line == "…" else re.escape(line) + "\n" for line in tidy(shown).split("\n")
    )
    return re.fullmatch(pattern, tidy(printed) + "\n") is not None


def rewritten(shown: str, printed: str) -> str:
    """What a page is to show of what is printed now: where it broke off, it does again."""
    lines = tidy(printed).split("\n")
    kept = tidy(shown).split("\n")
    return "\n".join([*lines[: len(kept) - 1], "…"] if kept[-1] == "…" else lines)


def run(line: str, folder: Path, french: bool) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    environment.pop("DATABASE_URL", None)
    environment |= {
        "TOUTDOUX_HOME": str(folder / "home"),
        "TOUTDOUX_OPERATOR": "ana",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "LC_ALL": "fr_FR.UTF-8" if french else "en_GB.UTF-8",
        "PYTHONUTF8": "1",
        "COLUMNS": "110",
    }
    return subprocess.run(
        ["/bin/sh", "-c", line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


LONG = ("use.md", "utiliser.md")
"""Pages with over a hundred commands."""


@pytest.mark.parametrize(
    "path",
    [pytest.param(one, marks=pytest.mark.slow if one.name in LONG else ()) for one in PAGES],
    ids=[name(one) for one in PAGES],
)
def test_commands_do_what_the_page_says(path: Path, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    updated, done = [], 0
    for block in blocks(text):
        if block.file:
            (tmp_path / block.file).write_text(block.body, "utf-8")
        body, place = block.body, 0
        for command in commands(block):
            ran = run(command.line, tmp_path, path.name in FRENCH)
            assert ran.returncode == block.status, f"{command.line}\n{ran.stdout}"
            if command.shown is None:
                continue
            says = says_now = f"$ {command.line}\n{command.shown}"
            if not fits(command.shown, ran.stdout):
                assert UPDATE, f"{command.line}\nprints\n{ran.stdout}\nand the page says otherwise"
                says_now = f"$ {command.line}\n{rewritten(command.shown, ran.stdout)}\n"
            place = body.index(says, place)
            body = body[:place] + says_now + body[place + len(says) :]
            place += len(says_now)
        updated.append(text[done : block.begin] + body)
        done = block.end
    if UPDATE:
        path.write_text("".join(updated) + text[done:], "utf-8")


# --- links ---------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    return {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    }


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_and_images_lead_somewhere(path: Path) -> None:
    text = _FENCE.sub("", path.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", text):
        link = target[0] or target[1]
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), f"{link} leads nowhere"
        assert there.is_relative_to(ROOT), f"{link} leads out of the project"
        if anchor:
            assert anchor in anchors(there.read_text("utf-8")), f"{link}: no such heading"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_picture_says_what_it_shows(path: Path) -> None:
    for image in re.findall(r"<img.*?>|!\[.*?\]", path.read_text("utf-8"), re.DOTALL):
        assert re.search(r'alt="[^"]{10,}"|!\[.{10,}\]', image), f"{image} has no description"


@pytest.mark.parametrize("image", sorted((ROOT / "docs/images").glob("*")), ids=name)
def test_pictures_are_small_and_used(image: Path) -> None:
    assert image.stat().st_size < 250_000
    assert any(image.name in one.read_text("utf-8") for one in PAGES)


def test_every_page_can_be_reached() -> None:
    linked = {"README.md", "README.fr.md"}
    for path in PAGES:
        for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", path.read_text("utf-8")):
            if not re.match(r"[a-z]+:", link):
                linked.add(os.path.relpath((path.parent / link).resolve(), ROOT))
    assert {name(path) for path in PAGES} <= linked


# --- the two languages ---------------------------------------------------------------------------


def headings(text: str) -> list[int]:
    return [len(mark) for mark in re.findall(r"^(#+) ", _FENCE.sub("", text), re.MULTILINE)]


def typed(text: str) -> list[tuple[str, ...]]:
    """What a page tells to type, without what is in its language: files, names, sentences."""
    lines = []
    for block in blocks(text):
        if block.language == "sh":
            lines += block.body.splitlines()
        else:
            lines += [command.line for command in commands(block)]
    plain = []
    for line in lines:
        words = shlex.split(re.sub(r"--lang \w+", "", line))
        kept = [word for word in words if not re.search(r".\.| ", word)]
        named = {kept.index(one) + 1 for one in ("--out", "--slug", "--association") if one in kept}
        plain.append(tuple(word for index, word in enumerate(kept) if index not in named))
    return plain


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("README.md", "README.fr.md"),
        ("docs/use.md", "docs/utiliser.md"),
        ("docs/capsule.md", "docs/capsule.fr.md"),
        ("docs/fediverse.md", "docs/fediverse.fr.md"),
    ],
)
def test_both_languages_have_the_same_sections_and_commands(english: str, french: str) -> None:
    one, other = page(english), page(french)
    assert headings(one) == headings(other)
    for here, there in zip_longest(typed(one), typed(other)):
        assert here == there


def test_both_languages_tell_the_same_rules() -> None:
    one, other = page("docs/rules.en.md"), page("docs/regles.fr.md")
    assert headings(one) == headings(other)
    assert one.count("\n|") == other.count("\n|"), "a table has more rows in one language"


# --- the command line ----------------------------------------------------------------------------


def every_command(
    group: click.Group = cli, context: click.Context | None = None
) -> Iterator[tuple[str, click.Command]]:
    """All commands by what is typed after `toutdoux`, those of groups too."""
    context = context or click.Context(cli)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        yield word, command
        if isinstance(command, click.Group):
            yield from ((f"{word} {name}", one) for name, one in every_command(command, context))


def options(command: click.Command) -> set[str]:
    return {
        text
        for option in command.params
        if isinstance(option, click.Option)
        for text in option.opts
        if text not in ("-h", "--help", "--version")
    }


COMMANDS = {
    name: command for name, command in every_command() if not isinstance(command, click.Group)
}
REFERENCES = ["docs/use.md", "docs/utiliser.md"]


def sections(path: str) -> dict[str, str]:
    """The commands that have a section in a page's reference."""
    return dict(re.findall(r"^### `toutdoux (\w+).*?`\n(.*?)(?=^#|\Z)", page(path), re.M | re.S))


def listed(path: str) -> list[tuple[str, set[str]]]:
    """The commands that have a row there, each with its options."""
    rows = re.findall(r"^\| `([a-z -]+)` \|((?: `--[\w-]+`)*) \|$", page(path), re.MULTILINE)
    return [(name, set(re.findall(r"--[\w-]+", its))) for name, its in rows]


@pytest.mark.parametrize("path", REFERENCES)
def test_every_command_is_documented_once(path: str) -> None:
    names = [*sections(path), *(name for name, _ in listed(path))]
    assert sorted(names) == sorted(COMMANDS)


@pytest.mark.parametrize("path", REFERENCES)
def test_every_option_is_documented(path: str) -> None:
    for command, section in sections(path).items():
        rows = re.findall(r"^\| `(--[\w-]+)", section, re.MULTILINE)
        assert set(rows) == options(COMMANDS[command]), f"options of {command}"
        assert len(rows) == len(set(rows))
    for command, its in listed(path):
        there = [one for one in COMMANDS[command].params if isinstance(one, click.Option)]
        assert its == {one.opts[0] for one in there}, f"options of {command}"


@pytest.mark.parametrize("path", REFERENCES)
def test_choices_of_options_are_those_there_are(path: str) -> None:
    for command, section in sections(path).items():
        for option in COMMANDS[command].params:
            if isinstance(option.type, click.Choice):
                written = r"\|".join(str(choice) for choice in option.type.choices)
                assert f"| `{option.opts[0]} {written}` |" in section


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_option_is_named_that_does_not_exist(path: Path) -> None:
    there = {"--help", "--version"}.union(*(options(command) for _, command in every_command()))
    for line in path.read_text("utf-8").splitlines():
        for command in re.findall(r"(?:^|[\s/`-])toutdoux ([a-z][^`|]*)", line):
            assert set(re.findall(r"(?<![\w-])--[a-z][\w-]*", command)) <= there, line


def test_every_target_of_the_makefile_is_documented() -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", page("Makefile"), re.MULTILINE)
    assert targets
    for target in targets:
        assert f"`make {target}`" in page("docs/change.md"), f"make {target}"


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_every_make_target_typed_exists(path: Path) -> None:
    targets = re.findall(r"^([a-z-]+):.*## ", page("Makefile"), re.MULTILINE)
    for block in blocks(path.read_text("utf-8")):
        for line in re.findall(r"^make (.*)$", block.body, re.MULTILINE):
            assert set(line.split()) <= set(targets), f"make {line}"


def test_the_changelog_tells_this_version() -> None:
    assert re.search(rf"^## {re.escape(toutdoux.__version__)} \(", page("CHANGELOG.md"), re.M)


# --- the format of a scenario --------------------------------------------------------------------

SCENARIO = page("docs/scenario.md")
# What the examples speak of, for those that do not bring it along.
_AROUND = {
    "members": "members: [{id: ana, joined: 2020-01-01}, {id: bob, joined: 2020-01-01}]\n",
    "periods": "periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]\n",
    "events": "events: [{at: 2021-03-01, propose: extraordinary, number: 29, by: ana, object: x}]",
}


@pytest.mark.parametrize("block", [one for one in blocks(SCENARIO) if one.language == "yaml"])
def test_every_example_of_the_format_is_read(block: Block) -> None:
    tree = parse(block.body)
    assert isinstance(tree, Fields)
    around = "".join(text for key, text in _AROUND.items() if key not in tree.fields)
    scenario = read_scenario(f"{block.body}\n{around}\n")
    assert scenario.chronicle.name


def test_the_whole_example_is_judged() -> None:
    (whole,) = [one for one in blocks(SCENARIO) if one.file]
    scenario = read_scenario(whole.body)
    standing = scenario.judge(read_instant("2022-01-01", scenario.chronicle.zone))
    assert len(standing.actions) == 2


def test_every_key_of_the_format_is_documented() -> None:
    keys = {*scenario_reader._TOP, *ENTRY_KEYS, *EntryKind, *Precision, *ReportSection, *Kind}
    for event, of_event in scenario_reader._KEYS.items():
        keys |= {event, *of_event}
    for preset, rules in PRESETS.items():
        keys |= {preset, *rules}
        for kind in Kind:
            keys |= {*rules[kind]}
    for key in keys:
        assert re.search(rf"(?<![\w-]){re.escape(str(key))}(?![\w-])", SCENARIO), f"{key}"


def test_the_presets_are_told_as_they_are() -> None:
    section = SCENARIO.partition("### The presets")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \| (.*?) \| (.*?) \|$", section, re.MULTILINE)
    told = {row[0]: list(row[1:]) for row in rows}
    wanted = {path: [_value(preset, path) for preset in PRESETS.values()] for path in _paths()}
    assert told == wanted


def _paths() -> Iterator[str]:
    yield from ("voting_right_delay", "correction")
    for kind in Kind:
        for key in ("starts", "window", "adopted_early", "cancelled_early", "at_end", "quorum"):
            yield f"{kind}.{key}"
        yield from (f"{kind}.contest_window", f"{kind}.counter_vote.window")
        yield f"{kind}.counter_vote.cancels"


def _value(preset: object, path: str) -> str:
    for key in path.split("."):
        preset = preset.get(key) if isinstance(preset, dict) else None
    return f"`{preset}`" if preset else "—"


def test_what_needs_an_action_is_told_as_it_is() -> None:
    section = SCENARIO.partition("## The journal")[2].partition("\n## ")[0]
    told = {}
    for kinds, needed in re.findall(r"^\| (`\w+`[^|]*?) \| [^|]+ \| (\w+) \|$", section, re.M):
        for kind in re.findall(r"`(\w+)`", kinds):
            told[kind] = needed
    for preset in PRESETS.values():
        assert told == preset["needs_action"]


# --- nothing that does not belong there ----------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_no_page_names_a_machine_or_a_place_outside(path: Path) -> None:
    text = path.read_text("utf-8")
    for block in blocks(text):
        if block.language == "console":  # what is printed may break an address over two lines
            text = text.replace(block.body, "")
    for url in re.findall(r"(?:https?|gemini)://[^\s)\]}\"'`>,]+", text):
        host = url.split("/")[2]
        here = host.endswith((".example", "example.org")) or host.startswith("localhost")
        assert here or "…" in url, f"{url} is a real place"
    assert not re.search(r"/(?:home|root|work|opt)/", path.read_text("utf-8"))


def test_every_module_of_the_core_has_its_line_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    modules = {path.name for path in (ROOT / "src" / "toutdoux" / "core").glob("*.py")}
    assert set(re.findall(r"^\| `(\w+\.py)` \|", page, re.MULTILINE)) == modules - {"__init__.py"}


# --- the ledger ----------------------------------------------------------------------------------


def test_every_kind_of_entry_has_its_row() -> None:
    section = page("docs/ledger.md").partition("## The kinds of entries")[2].partition("\n## ")[0]
    told = [
        kind
        for row in re.findall(r"^\| (`\w+\.\w+`.*?) \|", section, re.MULTILINE)
        for kind in re.findall(r"`(\w+\.\w+)`", row)
    ]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "toutdoux").rglob("*.py"))
    projected = re.findall(r"@projects\((.*?)\)", source, re.DOTALL)
    known = re.findall(r'Draft\("(\w+\.\w+)"', source)
    known += re.findall(r'"(\w+\.\w+)"', "".join(projected))
    assert len(told) == len(set(told))
    assert set(told) == set(known)
