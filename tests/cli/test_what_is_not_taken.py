"""What makes no sense is not taken, and what is somebody else's is not written over."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest

from .ledger_home import Home, copy_of
from .running import FRENCH, assert_one_sentence


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return copy_of("busy", tmp_path)


@pytest.fixture
def quiet(tmp_path: Path) -> Home:
    return copy_of("quiet", tmp_path)


# --- being asked ---------------------------------------------------------------------------------


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y", "yes", "o", "Oui"])
def test_what_is_to_be_forgotten_is_agreed_to_in_either_language(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.cli import keeping

    monkeypatch.setattr("sys.stdin", _Terminal(f"{answer}\n"))
    keeping._ask()


@pytest.mark.parametrize("answer", ["", "n", "perhaps"])
def test_what_is_not_agreed_to_is_not_forgotten(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.cli import keeping

    monkeypatch.setattr("sys.stdin", _Terminal(f"{answer}\n"))
    with pytest.raises(click.Abort):
        keeping._ask()


def test_what_is_to_be_forgotten_is_told_as_french_writes_it(quiet: Home) -> None:
    quiet.says("propose", "ordinary", "Un goûter", "--by", "ana")
    told = quiet.run("erase", "text", "AO1", "object", "--yes", **FRENCH).stderr
    assert re.search(r"^  \w+ : Un goûter$", told, re.MULTILINE)


# --- files ---------------------------------------------------------------------------------------


def test_a_bundle_takes_the_place_of_nothing_but_a_bundle(quiet: Home, tmp_path: Path) -> None:
    file, other = tmp_path / "a.jsonl", tmp_path / "letter.txt"
    other.write_text("Chère Ana,\n")
    quiet.says("export", file)
    quiet.says("export", file)
    quiet.refuses("export", other, saying="there is something else of this name")
    quiet.refuses("export", quiet.path / "toutdoux.sqlite3", saying="something else of this name")
    assert other.read_text() == "Chère Ana,\n"


def test_a_bundle_goes_through_a_symbolic_link(quiet: Home, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("a.jsonl")
    quiet.says("export", link)
    assert link.is_symlink()
    assert (tmp_path / "a.jsonl").is_file()


def test_a_bundle_is_written_into_a_stream(quiet: Home, tmp_path: Path) -> None:
    quiet.says("export", tmp_path / "a.jsonl")
    done = quiet.run("export", "-")
    assert done.stdout == (tmp_path / "a.jsonl").read_text()
    assert "entries, head" in done.stderr
    assert quiet.run("export", "/dev/null").returncode == 0
    assert not Path("/dev/null").is_file()


def test_a_bundle_is_verified_from_a_pipe(quiet: Home) -> None:
    bundle = quiet.run("export", "-").stdout
    for name in ("-", "/dev/stdin"):
        assert ": whole: " in quiet.says("verify", "--bundle", name, stdin=bundle)
    done = quiet.run("verify", "--bundle", "-", stdin=bundle[:-2])
    assert done.returncode == 1
    assert "differs" in done.stderr


@pytest.mark.parametrize(
    ("key", "value"), [("length", b"true"), ("length", b"1.0"), ("version", b"true")]
)
def test_the_first_line_of_a_bundle_is_read_strictly(
    quiet: Home, tmp_path: Path, key: str, value: bytes
) -> None:
    file = tmp_path / "a.jsonl"
    quiet.says("export", file)
    first, rest = file.read_bytes().split(b"\n", 1)
    told = re.sub(rb'"%s":\d+' % key.encode(), b'"%s":%s' % (key.encode(), value), first)
    file.write_bytes(told + b"\n" + rest)
    assert_one_sentence(quiet.run("verify", "--bundle", file), "was changed")


def test_a_bundle_goes_into_a_folder_that_is_made(quiet: Home, tmp_path: Path) -> None:
    quiet.says("export", tmp_path / "new" / "a.jsonl")
    assert [one.name for one in (tmp_path / "new").iterdir()] == ["a.jsonl"]
    assert (tmp_path / "new" / "a.jsonl").stat().st_mode & 0o444 == 0o444


def test_a_bundle_that_cannot_be_written_is_called_by_its_own_name(
    quiet: Home, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    file = tmp_path / "file" / "a.jsonl"
    done = quiet.run("export", file)
    assert_one_sentence(done, f"{file}: this cannot be written")
    assert "part" not in done.stderr


def test_a_bundle_that_is_that_of_nobody_is_refused_before_its_end(quiet: Home) -> None:
    assert_one_sentence(quiet.run("verify", "--bundle", "/dev/zero"), "this is no bundle")


def test_a_bundle_that_was_changed_on_its_way(quiet: Home, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    quiet.says("export", file)
    whole = file.read_bytes()
    for changed, why in (
        (whole.replace(b"\n", b"\r\n"), "other ends (CR LF)"),
        (whole.replace(b":", b": ", 1), "the first line of this bundle was changed"),
        (whole.replace(b'"version":1', b'"version":9', 1), "version"),
        (b"Bonjour,\n", "this is no bundle"),
    ):
        file.write_bytes(changed)
        assert_one_sentence(quiet.run("verify", "--bundle", file), why)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/full"])
def test_a_device_is_no_backup(quiet: Home, device: str) -> None:
    quiet.refuses("restore", device, "--replace", saying="this is not a file")
    quiet.refuses("backup", device, saying="there is something else of this name")


def test_a_backup_goes_through_a_symbolic_link(quiet: Home, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("a.toutdoux")
    quiet.says("backup", link)
    quiet.says("backup", link)
    assert link.is_symlink()
    assert zipfile.is_zipfile(tmp_path / "a.toutdoux")


@pytest.mark.slow
def test_a_backup_that_would_swell_is_not_read(quiet: Home, tmp_path: Path) -> None:
    file = tmp_path / "a.toutdoux"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * (65 << 20))
    quiet.refuses("restore", file, "--replace", saying="no backup of toutdoux")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("manifest.json", b"{}")
    quiet.refuses("restore", file, "--replace", saying="no backup of toutdoux")


@pytest.mark.slow
def test_only_backups_that_may_hold_a_text_are_named(quiet: Home, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    castors = copy_of("two", tmp_path / "other")
    backups = quiet.path / "backups"
    quiet.says("backup", backups / "before.toutdoux")
    castors.says("backup", backups / "other.toutdoux")
    quiet.says("propose", "ordinary", "Un gâteau au miel", "--by", "ana")
    quiet.says("backup", backups / "after.toutdoux")
    done = quiet.run("erase", "text", "AO1", "object", "--yes")
    assert done.returncode == 0, done.stderr
    assert "after.toutdoux" in done.stderr
    assert "before.toutdoux" not in done.stderr
    assert "other.toutdoux" not in done.stderr


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["loutres", "", "javascript:alert(1)", "/etc/passwd"])
def test_a_link_that_is_none(home: Home, link: str) -> None:
    propose = ("propose", "ordinary", "Un goûter", "--by", "ana", "--link", link)
    home.refuses(*propose, saying="is not a link")
    home.refuses("done", "AO2", "--by", "bob", "--link", link, saying="is not a link")


def test_a_condition_that_says_nothing(home: Home) -> None:
    propose = ("propose", "extraordinary", "Un goûter", "--by", "ana", "--condition", " ")
    home.refuses(*propose, saying="the condition is empty")


def test_a_condition_is_met_once(home: Home) -> None:
    home.says("condition-met", "AE3", "--by", "bob")
    home.refuses("condition-met", "AE3", "--by", "bob", saying="is met already, since")


def test_an_address_that_is_none(home: Home) -> None:
    for email in ("ana", "@", "ana@", "a b@c"):
        add = ("member", "add", "Max Moreau", "--email", email)
        home.refuses(*add, saying="is not an e-mail address")
    home.refuses("member", "rename", "ana", "--email", "ana", saying="is not an e-mail address")
    home.says("member", "rename", "ana", "--email", "")


def test_a_field_with_two_columns(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    file.write_text("Qui,Nom complet\nMax,Max Moreau\n")
    mapped = ("member", "import", file, "--map", "name=Qui", "--map", "name=Nom complet")
    home.refuses(*mapped, saying="name is given two columns")


def test_an_entry_of_the_journal_that_is_told_nothing_new(home: Home) -> None:
    home.says("journal", "add", "event", "La nuit", "--date", "2021-05-28")
    home.refuses("journal", "edit", "J1", saying="nothing is said to change")
    before = home.length
    assert "nothing is changed" in home.says("journal", "edit", "J1", "--title", "La nuit")
    assert home.length == before


def test_rules_that_are_in_force_are_not_proposed(home: Home) -> None:
    same = ("charter", "propose", "tout-doux-cratie", "--by", "ana", "--object", "Rien")
    home.refuses(*same, saying="these are the rules that are in force")
    effect = "amend_charter=tout-doux-cratie"
    propose = ("propose", "extraordinary", "Rien", "--by", "ana", "--effect", effect)
    home.refuses(*propose, saying="these are the rules that are in force")


def test_a_file_that_is_no_charter_is_not_told_in_full(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text("".join(f"user{number}:x:{number}\n" for number in range(100)))
    effect = f"amend_charter={file}"
    done = home.run("propose", "extraordinary", "Rien", "--by", "ana", "--effect", effect)
    assert_one_sentence(done, "user1:", "…")
    assert "user20" not in done.stderr


def test_an_association_whose_name_makes_no_short_name(tmp_path: Path) -> None:
    done = Home(tmp_path).run("init", "--name", "日本", "--time-zone", "Asia/Tokyo")
    assert_one_sentence(done, "no short name can be made of “日本”", "--slug")


# --- inventories ---------------------------------------------------------------------------------

TITLES = "ID,Objet,Meneur·se,Date,Pour,Contre\n"


def test_an_action_of_a_day_that_is_still_to_come(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "inventory.csv"
    coming = (datetime.now(UTC) + timedelta(days=3)).date()
    file.write_text(f"{TITLES}AO7,Un goûter,Ana,{coming},1,0\n")
    home.refuses("import", "inventory", file, saying="inventory.csv:2: ")
    home.refuses("import", "inventory", file, saying="is still to come")


def test_a_row_with_the_hashtags_of_both_kinds(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "inventory.csv"
    row = "7,Un goûter #action-ordinaire #action-extraordinaire,Ana,2021-03-01,1,0\n"
    file.write_text(f"Actions ordinaires\n\n{TITLES}{row}")
    home.refuses("import", "inventory", file, saying="inventory.csv:4: this row has the hashtags")
    home.says("import", "inventory", file, "--kind", "ordinary")


def test_an_inventory_that_names_a_leader_otherwise_says_the_same(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "inventory.csv"
    for leader in ("ana", "Ana Brun", "@ana"):
        file.write_text(f"{TITLES}AO7,Un goûter,{leader},2021-03-01,1,0\n")
        home.says("import", "inventory", file)
    file.write_text(f"{TITLES}AO7,Un goûter,Bob Leroy,2021-03-01,1,0\n")
    home.refuses("import", "inventory", file, saying="there already with other data")
