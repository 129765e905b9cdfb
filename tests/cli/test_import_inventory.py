"""Taking inventories that were kept by hand: `import inventory`."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from .home import Home
from .running import COMMAND, ENGLISH, assert_one_sentence, environment

ORDINARY = (
    "ID\tObjet\tMeneur.se\tDate\tPour\tContre\tLien\n"
    "#14\t@all #action-ordinaire Ranger le **wiki** et ses « pages »\tAna Brun\t01-03-2021"
    "\t10/13\t0/13\thttps://chat.example/p/1\n"
    "\n"
    "ID\tObjet\tMeneur.se\tDate\tPour\tContre\tLien\n"
    '#15\t#action-ordinaire Acheter un "câble"\t@bob\t15/03/2021\t9/9\t0/9\t\n'
)
MORE = (
    "Nr,Objet\n"  # prose, no inventory
    "| Pour | Contre | ID | Objet | Meneuse | Date |\n"
    "|---|---|---|---|---|---|\n"
    "| 5/6 | 1/6 | 27 | #action-extraordinaire Ouvrir un service | quelqu'une | 2021-03-20 |\n"
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Ana and bob, and nothing else."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    home.done("init", "--name", "Les Loutres libres", "--time-zone", "Europe/Paris")
    home.done("member", "add", "Ana Brun", "--founder", "--joined", "2020-09-15")
    home.done("member", "add", "Bob Leroy", "--founder", "--joined", "2020-09-15")
    home.done("period", "add", "P21", "2021-02-01", "2021-07-18")
    return home


@pytest.fixture
def home(template: Home, tmp_path: Path) -> Home:
    return template.copy(tmp_path / "home")


def write(folder: Path, text: str | bytes, name: str = "inventaire.txt") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def inventory(home: Home) -> dict[str, Any]:
    return {row["ref"]: row for row in home.json("inventory", "P21")}


def test_what_is_imported_shows_in_the_inventory_as_it_was(home: Home, tmp_path: Path) -> None:
    told = home.json("import", "inventory", write(tmp_path, ORDINARY))
    assert told["imported"] == ["AO14", "AO15"]
    rows = inventory(home)
    first = rows["AO14"]
    assert first["object"] == "@all #action-ordinaire Ranger le **wiki** et ses « pages »"
    assert (first["for"], first["against"], first["expressed"]) == (10, 0, 13)
    assert first["date"] == "2021-03-01"
    assert first["link"] == "https://chat.example/p/1"
    assert first["imported"]
    assert rows["AO15"]["object"] == '#action-ordinaire Acheter un "câble"'


def test_a_leader_is_known_by_name_or_handle_else_kept_as_written(
    home: Home, tmp_path: Path
) -> None:
    home.done("import", "inventory", write(tmp_path, ORDINARY))
    told = home.done("import", "inventory", write(tmp_path, MORE))
    assert "Nobody here is known as quelqu'une: kept as written." in told
    leaders = {ref: row["leader"] for ref, row in inventory(home).items()}
    assert leaders["AO14"] == "Ana Brun"
    assert leaders["AE27"] == "quelqu'une"


def test_importing_twice_changes_nothing(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, ORDINARY)
    assert "2 actions are imported; 0 were there already." in home.done("import", "inventory", file)
    length = home.length()
    assert "0 actions are imported; 2 were there already." in home.done("import", "inventory", file)
    assert home.length() == length


def test_importing_again_once_the_leader_is_a_member_changes_nothing(
    home: Home, tmp_path: Path
) -> None:
    file = write(tmp_path, MORE.replace("quelqu'une", "Zoé Petit"))
    home.done("import", "inventory", file)
    home.done("member", "add", "Zoé Petit", "--joined", "2021-01-01")
    assert "1 was there already" in home.done("import", "inventory", file)


def test_a_dry_run_says_what_would_be_imported(home: Home, tmp_path: Path) -> None:
    file, length = write(tmp_path, ORDINARY), home.length()
    told = home.done("import", "inventory", file, "--dry-run")
    assert "2 actions would be imported; 0 were there already." in told
    assert home.length() == length


def test_a_number_that_is_there_with_other_data_imports_nothing(home: Home, tmp_path: Path) -> None:
    home.done("import", "inventory", write(tmp_path, ORDINARY))
    length = home.length()
    other = write(tmp_path, ORDINARY.replace("9/9", "8/9").replace("#14", "#13"))
    for options in ((), ("--dry-run",)):
        done = home.run("import", "inventory", other, *options)
        assert_one_sentence(done, str(other), "AO15", "9/9", "8/9", "nothing was imported")
    assert home.length() == length


def test_a_number_that_was_voted_on_here_is_refused(home: Home, tmp_path: Path) -> None:
    home.done("propose", "ordinary", "Ranger", "--by", "ana", "--number", "14")
    done = home.run("import", "inventory", write(tmp_path, ORDINARY))
    assert_one_sentence(done, "AO14", "voted on here")


def test_the_next_number_comes_after_the_imported_ones(home: Home, tmp_path: Path) -> None:
    home.done("import", "inventory", write(tmp_path, ORDINARY))
    assert "AO16" in home.done("propose", "ordinary", "Ranger encore", "--by", "ana")


def test_the_kind_is_asked_for_where_nothing_tells_it(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, ORDINARY.replace("#action-ordinaire ", ""))
    assert_one_sentence(home.run("import", "inventory", file), f"{file}:2:", "--kind")
    told = home.json("import", "inventory", file, "--kind", "extraordinary")
    assert told["imported"] == ["AE14", "AE15"]


def test_the_standard_input_is_a_file_too(home: Home) -> None:
    done = subprocess.run(
        [*COMMAND, "import", "inventory", "-"],
        env=environment(**ENGLISH, TOUTDOUX_HOME=str(home.folder)),
        input=ORDINARY.encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"2 actions are imported" in done.stdout


@pytest.mark.parametrize("separator", ["\t", ";"])
def test_latin_1_and_any_separator_are_read(home: Home, tmp_path: Path, separator: str) -> None:
    text = ORDINARY.replace("\t", separator).encode("cp1252")
    done = home.run("import", "inventory", write(tmp_path, text))
    assert "2 actions are imported" in done.stdout
    assert "Windows-1252" in done.stderr
    assert "« pages »" in inventory(home)["AO14"]["object"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file"),
        (b"", "the file is empty"),
        (b"Qui,Quoi\nAna,ranger\n", ":1: no inventory of actions begins here: Qui, Quoi"),
        (ORDINARY.replace("15/03", "31/02").encode(), ":5: the date 31/02/2021 does not exist"),
        (ORDINARY.replace("10/13", "14/13").encode(), ":2: 14/13 for"),
        (ORDINARY.replace("#15", "#14").encode(), ":5: AO14 is also on line 2"),
    ],
)
def test_a_file_that_makes_no_sense_changes_nothing(
    home: Home, tmp_path: Path, text: bytes, words: str
) -> None:
    length, file = home.length(), write(tmp_path, text)
    assert_one_sentence(home.run("import", "inventory", file), str(file), words)
    assert home.length() == length


def test_a_file_that_is_not_there_is_one_sentence(home: Home, tmp_path: Path) -> None:
    assert_one_sentence(home.run("import", "inventory", tmp_path / "x"), "it does not exist")
    assert_one_sentence(home.run("import", "inventory", tmp_path), "it is a folder")
