"""Whatever file it is given: one sentence, exit status 2, nothing written, in bounded memory."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .running import COMMAND, DEMO, ENGLISH, FRENCH, SMALL, assert_one_sentence, environment, run

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
MEMBERS = "members:\n  - {id: ana, joined: 2020-01-01}\n"
LAUGHS = "a: &a [ha, ha]\n" + "".join(
    f"{later}: &{later} [*{one}, *{one}, *{one}, *{one}]\n"
    for one, later in zip("abcdefgh", "bcdefghi", strict=True)
)

# What stands in the file, and the line and some words of the sentence.
FILES: dict[str, tuple[bytes, str]] = {
    "a picture": (PNG, "not text in UTF-8"),
    "a list": (b"- ana\n- bob\n", ":1: this is not a scenario"),
    "a word": (b"Bonjour\n", ":1: this is not a scenario"),
    "a web page": (b"<!doctype html>\n<html lang=fr><title>Loutres</title></html>\n", ""),
    "latin-1": (f"# Les élèves\n{MEMBERS}".encode("latin-1"), ":1: this is not text in UTF-8"),
    "UTF-16": (MEMBERS.encode("utf-16"), ":1: this is not text in UTF-8"),
    "UTF-16 without a mark": (
        MEMBERS.encode("utf-16-le"),
        ":1: there is a character here that is not text",
    ),
    "nothing": (b"", "the file is empty"),
    "white space": (b"\n  \n\n", "the file is empty"),
    "only comments": (b"# rien\n# encore rien\n", "the file is empty"),
    "only a beginning": (b"---\n", "this is not a scenario"),
    "a million aliases": (
        b"a: &a b\nevents:\n" + b"  - *a\n" * 1_000_000,
        ":1: anchors and aliases",
    ),
    "a million aliases of nothing": (
        b"events:\n" + b"  - *a\n" * 1_000_000,
        ":2: anchors and aliases",
    ),
    "a billion laughs": (LAUGHS.encode(), ":1: anchors and aliases"),
    "an anchor": (b"association: &a {name: x}\n", ":1: anchors and aliases"),
    "brackets nested 100,000 deep": (b"events: " + b"[" * 100_000, ":1: this is nested deeper"),
    "braces nested 100,000 deep": (b"events: " + b"{a: " * 100_000, ":1: this is nested deeper"),
    "dashes nested 100,000 deep": (b"- " * 100_000 + b"a", ":1: this is nested deeper"),
    "keys nested 100,000 deep": (b"? " * 100_000 + b"a", ":1: "),
    "a key twice": (b"members: []\nevents: []\nmembers: []\n", ":3: “members” is said twice here"),
    "a date that does not exist": (
        b"members:\n  - {id: ana, joined: 2021-02-30}\n",
        ":2: joined: the date 2021-02-30 does not exist",
    ),
    "a member twice": (
        MEMBERS.encode() + b"  - {id: ana, joined: 2021-01-01}\n",
        ":3: the member “ana” is there twice",
    ),
    "a period that ends before it starts": (
        b"periods:\n  - {name: P21, first: 2021-07-18, last: 2021-02-01}\n",
        ":2: this ends before it begins",
    ),
    "an unknown time zone": (
        b"association: {time_zone: Europe/Lutece}\n",
        ":1: there is no time zone “Europe/Lutece”",
    ),
    "a path for a time zone": (
        b"association: {time_zone: ../../etc/passwd}\n",
        ":1: there is no time zone “../../etc/passwd”",
    ),
    "a folder for a time zone": (
        b"association: {time_zone: Europe}\n",
        ":1: there is no time zone “Europe”",
    ),
    "tabs": (b"association:\n\tname: Loutres\n", ":2: this is not YAML"),
    "two documents": (b"members: []\n---\nmembers: []\n", ":2: a second document begins here"),
    "a NUL": (
        b"association: {name: a\x00b}\n",
        ":1: there is a character here that is not text (code 0)",
    ),
    "an escape": (
        b"association: {name: a\x1b[31mb}\n",
        ":1: there is a character here that is not text (code 27)",
    ),
    "a lone surrogate": (b"association: {name: \xed\xa0\x80}\n", "this is not text in UTF-8"),
    "half a surrogate pair": (b'association: {name: "\\ud800"}\n', ":1: this is not YAML"),
    "an unfinished quote": (b'association: {name: "Loutres}\n', "this is not YAML"),
    "a Python object": (b"!!python/object/apply:os.system ['true']\n", "this is not a scenario"),
    "an event that makes no sense": (
        SMALL.encode() + b"  - {at: 2021-03-05, vote: AE99, by: ana, choice: for}\n",
        ":16: AE99 was not proposed before",
    ),
}


@pytest.mark.parametrize(("content", "words"), FILES.values(), ids=FILES)
def test_a_file_that_is_wrong(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "history.yaml"
    file.write_bytes(content)
    assert_one_sentence(run("replay", file, before=at_most_one_gigabyte), str(file), words)
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("command", ["inventory", "audit", "report"])
def test_every_command_reads_a_file_alike(tmp_path: Path, command: str) -> None:
    file = tmp_path / "history.yaml"
    file.write_text("members: []\nmembers: []\n", "utf-8")
    done = run(command, "P21", "--scenario", file, cwd=tmp_path)
    assert_one_sentence(done, f"{file}:2: “members” is said twice here")
    assert [*tmp_path.iterdir()] == [file]


def test_the_sentence_is_in_french_for_the_french(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    file.write_bytes(b"")
    french = run("replay", file, env=FRENCH)
    assert_one_sentence(french, str(file))
    assert french.stderr != run("replay", file).stderr


@pytest.mark.parametrize(
    "content", [b"association:\n\tname: x\n", b"a: [\n", b"a: 'b\n", b"a\x00b", b"a: b: c\n"]
)
def test_in_french_no_word_of_the_parser_is_left_in_english(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "history.yaml"
    file.write_bytes(content)
    done = run("replay", file, env=FRENCH)
    assert_one_sentence(done)
    for word in ("found", "expected", "allowed", "while", "character", "could not", "did not"):
        assert word not in done.stderr


def test_in_french_no_word_of_the_system_is_left_in_english(tmp_path: Path) -> None:
    done = run("replay", tmp_path / "absent.yaml", env=FRENCH)
    assert "No such file" not in done.stderr


# --- what is no file, or a huge one --------------------------------------------------------------


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "absent.yaml"
    assert_one_sentence(run("replay", file), str(file), "cannot be read")


def test_a_folder(tmp_path: Path) -> None:
    assert_one_sentence(run("replay", tmp_path), str(tmp_path), "cannot be read")


def test_a_file_name_with_escape_sequences_is_shown_without_them(tmp_path: Path) -> None:
    done = run("replay", tmp_path / "\x1b[31mred\nline\r.yaml")
    assert_one_sentence(done)
    assert "\x1b" not in done.stderr
    assert "\r" not in done.stderr


def test_a_file_name_that_is_not_utf_8(tmp_path: Path) -> None:
    file = bytes(tmp_path) + b"/\xe9t\xe9.yaml"
    done = subprocess.run(
        [*COMMAND, "replay", file], env=environment(**ENGLISH), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1)


def at_most_one_gigabyte() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def test_a_file_of_one_gigabyte_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 30)
    done = run("replay", file, before=at_most_one_gigabyte, timeout=10)
    assert_one_sentence(done, str(file), "larger than the 64 MiB of a scenario")


def test_what_never_ends_is_not_read_to_the_end() -> None:
    done = run("replay", "/dev/zero", before=at_most_one_gigabyte, timeout=20)
    assert_one_sentence(done, "/dev/zero", "larger than the 64 MiB of a scenario")


@pytest.mark.parametrize("end", ["\n", ""])
def test_one_line_without_end(tmp_path: Path, end: str) -> None:
    file = tmp_path / "history.yaml"
    file.write_text("a" * 20_000_000 + end, "utf-8")
    assert_one_sentence(run("replay", file, before=at_most_one_gigabyte), "not a scenario")


JUNK: dict[str, Callable[[], bytes]] = {  # made when they are asked for: they are large
    "a list of letters": lambda: b"[" + b"a," * 30_000_000 + b"]\n",
    "events that are letters": lambda: b"events: [" + b"a," * 30_000_000 + b"]\n",
    "lines of dashes": lambda: b"- a\n" * 15_000_000,
    "keys": lambda: b"".join(b"k%d: v\n" % n for n in range(4_500_000)),
    "lists within lists": lambda: b"- [[[[[[[[[[[[[[a]]]]]]]]]]]]]]\n" * 1_900_000,
    "brackets": lambda: b"[" + b"[]," * 20_000_000 + b"]\n",
    "texts": lambda: (
        b"journal:\n" + b"  - {kind: life, title: t, date: 2021-03-01, txt: aaaaaa}\n" * 1_000_000
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", JUNK)
def test_sixty_megabytes_of_junk_take_bounded_memory(tmp_path: Path, name: str) -> None:
    file = tmp_path / "history.yaml"
    file.write_bytes(JUNK[name]())
    assert file.stat().st_size > 50_000_000
    done = run("replay", file, before=at_most_one_gigabyte, timeout=300)
    assert_one_sentence(done, str(file))


# --- what is asked of it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["replay", DEMO, "--at", "nonsense"], "--at: “nonsense” is not an instant"),
        (["replay", DEMO, "--at", ""], "--at: “” is not an instant"),
        (["replay", DEMO, "--at", "2021-02-30"], "2021-02-30 does not exist"),
        (["replay", DEMO, "--at", "0001-01-01"], "out of reach"),
        (["replay", DEMO, "--format", "nonsense"], "'nonsense'"),
        (["replay", DEMO, "--lang", "de"], "'de'"),
        (["replay", DEMO, "--nonsense"], "--nonsense"),
        (["replay", DEMO, "more"], "more"),
        (["replay"], "FILE"),
        (["nonsense"], "nonsense"),
        (["inventory", "P99", "--scenario", DEMO], "there is no period P99 → use one of A20, P21"),
        (["inventory", "P21", "--scenario"], "--scenario"),
        (["inventory", "P21", "--scenario", DEMO, "--kind", "weird"], "weird"),
        (["inventory", "P21", "--scenario", DEMO, "--format", "pdf"], "pdf"),
        (["audit", "P99", "--scenario", DEMO], "there is no period P99"),
        (["audit", "P21", "--scenario", DEMO, "--format", "csv"], "csv"),
        (["report", "P99", "--scenario", DEMO], "there is no period P99"),
        (["report", "P21", "--scenario", DEMO, "--format", "docx"], "docx"),
        (["report", "P21", "--scenario", DEMO, "--format", "md,docx"], "docx"),
        (["report", "P21", "--scenario", DEMO, "--format", ","], "format"),
        (["report", "P21", "--scenario", DEMO, "--format", ""], "format"),
        (["demo", "--nonsense"], "--nonsense"),
    ],
    ids=lambda value: " ".join(map(str, value[:2] + value[-1:])) if isinstance(value, list) else "",
)
def test_what_cannot_be_asked(tmp_path: Path, arguments: list[object], words: str) -> None:
    assert_one_sentence(run(*arguments, cwd=tmp_path), words)
    assert not [*tmp_path.iterdir()]


def test_without_a_command_the_help_is_shown_in_its_lines() -> None:
    done = run()
    assert len((done.stdout + done.stderr).splitlines()) > 10


def test_a_period_can_be_unknown_in_a_file_that_has_none(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text("members: []\n", "utf-8")
    assert_one_sentence(run("inventory", "P21", "--scenario", file), "there is no period P21")


def test_a_fault_of_the_program_itself_is_one_sentence_too() -> None:
    program = (
        "import sys, toutdoux.cli, toutdoux.cli.judging as judging\n"
        "sys.argv = ['toutdoux', 'replay', 'x']\n"
        "def broken(file): raise ZeroDivisionError('seven')\n"
        "judging.load_scenario = broken; toutdoux.cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(**ENGLISH),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "toutdoux: this is a fault of toutdoux itself (ZeroDivisionError: seven) → please report "
        "it, with the command and the file"
    ]
