"""Inventories, audits and reports of the ledger, and a scenario brought into it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from .ledger_home import Home
from .running import DEMO, ENGLISH, SMALL, assert_one_sentence, run


@pytest.fixture(scope="module")
def _imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the demo semester in its ledger."""
    folder = tmp_path_factory.mktemp("demo") / "home"
    assert "229 events" in Home(folder).says("import", "scenario", DEMO)
    return folder


@pytest.fixture
def home(_imported: Path, tmp_path: Path) -> Home:
    shutil.copytree(_imported, tmp_path / "home")
    return Home(tmp_path / "home")


def test_the_ledger_and_the_scenario_give_the_same_inventories(home: Home) -> None:
    for form in ("table", "csv", "markdown", "json"):
        for at in ([], ["--at", "2021-05-20 12:00"]):
            asked = ["inventory", "P21", "--format", form, *at]
            assert home.says(*asked) == home.says(*asked, "--scenario", DEMO)


def test_and_the_same_audit(home: Home) -> None:
    for form in ("table", "json"):
        asked = ["audit", "P21", "--format", form]
        assert home.says(*asked) == home.says(*asked, "--scenario", DEMO)


def test_and_the_same_report_in_the_associations_own_language(home: Home, tmp_path: Path) -> None:
    for folder, source in (("a", []), ("b", ["--scenario", DEMO])):
        asked = ["report", "P21", "--format", "md,html,gmi", "--audit", "--out", tmp_path / folder]
        home.says(*asked, *source)
    written = sorted(one.name for one in (tmp_path / "a").iterdir())
    assert written == ["bilan-moral-P21.gmi", "bilan-moral-P21.html", "bilan-moral-P21.md"]
    for name in written:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_what_is_published_is_recorded_with_its_hash(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "site"
    before = home.length
    told = home.says("report", "P21", "--format", "md,gmi", "--out", out, "--publish")
    sums = {
        form: hashlib.sha256((out / f"bilan-moral-P21.{form}").read_bytes()).hexdigest()
        for form in ("md", "gmi")
    }
    assert told.splitlines() == [
        f"{sums[form]}  {out / f'bilan-moral-P21.{form}'}" for form in ("md", "gmi")
    ]
    assert home.length == before + 1


def test_what_is_published_is_kept_for_the_pages_without_mentions(
    home: Home, tmp_path: Path
) -> None:
    asked = ["report", "P21", "--format", "md", "--publish"]
    sums = []
    for mentions in (False, True):
        if mentions:
            home.says("association", "change", "--set", "show_mentions=on")
        sum, path = home.says(*asked, "--out", tmp_path).strip().split("  ")
        assert ("@yuki" in Path(path).read_text("utf-8")) is mentions
        (kept,) = home.path.rglob(f"{sum}.md")
        assert kept.read_bytes() == Path(path).read_bytes()
        sums.append(sum)
    assert sums[0] != sums[1]


def test_without_publish_nothing_is_recorded(home: Home, tmp_path: Path) -> None:
    before = home.length
    home.says("report", "P21", "--format", "md", "--out", tmp_path)
    assert home.length == before


def test_the_report_of_a_period_that_is_not_over_is_provisional(home: Home, tmp_path: Path) -> None:
    asked = ["report", "P21", "--format", "md", "--lang", "en", "--out", tmp_path]
    done = home.run(*asked, "--at", "2021-05-20 12:00")
    assert done.returncode == 0
    assert done.stderr == "The period P21 is not over: the report is provisional.\n"
    text = Path(done.stdout.strip()).read_text("utf-8")
    assert "20 May 2021, provisional" in text
    assert "The period is not over" in text
    home.says(*asked)
    assert "provisional" not in Path(done.stdout.strip()).read_text("utf-8")


def test_a_scenario_is_published_nowhere(tmp_path: Path) -> None:
    done = run("report", "P21", "--scenario", DEMO, "--publish", "--out", tmp_path / "out")
    assert_one_sentence(done, "keeps no record of what was published")
    assert not (tmp_path / "out").exists()


def test_actions_of_a_table_kept_by_hand_are_listed_among_the_others(
    home: Home, tmp_path: Path
) -> None:
    table = tmp_path / "before.csv"
    table.write_text(
        "ID,Objet,Meneur·se,Date,Pour,Contre,Lien\n"
        "#13,#action-ordinaire Repeindre la mare,Quelqu’un,08-02-2021,10/13,1/13,\n",
        "utf-8",
    )
    home.says("import", "inventory", table)
    first = next(one for one in home.data("inventory", "P21") if one["kind"] == "ordinary")
    assert first == {
        "ref": "AO13",
        "number": 13,
        "kind": "ordinary",
        "object": "#action-ordinaire Repeindre la mare",
        "leader": "Quelqu’un",
        "date": "2021-02-08",
        "for": 10,
        "against": 1,
        "expressed": 13,
        "link": None,
        "state": None,
        "imported": True,
    }
    home.says("report", "P21", "--format", "md", "--out", tmp_path)
    assert "Repeindre la mare" in (tmp_path / "bilan-moral-P21.md").read_text("utf-8")


@pytest.mark.parametrize("command", ["inventory", "audit", "report"])
def test_a_period_that_is_not_there_is_one_sentence(home: Home, command: str) -> None:
    home.refuses(command, "P99", saying="there is no period P99 → use one of A20, P21")


@pytest.mark.parametrize("command", ["inventory", "audit", "report"])
def test_without_an_association_one_is_told_how_to_found_it(tmp_path: Path, command: str) -> None:
    done = run(command, "P21", env={**ENGLISH, "TOUTDOUX_HOME": str(tmp_path / "home")})
    assert_one_sentence(done, "there is no association here yet", "toutdoux init")


@pytest.mark.parametrize("command", ["inventory", "audit", "report"])
def test_a_file_and_an_association_are_not_asked_together(command: str) -> None:
    done = run(command, "P21", "--scenario", DEMO, "--association", "loutres")
    assert_one_sentence(done, "a scenario file holds one association")


# --- a scenario in the ledger --------------------------------------------------------------------


def test_the_same_file_again_says_so_and_changes_nothing(home: Home) -> None:
    before = home.length
    told = home.says("import", "scenario", DEMO)
    assert told == "This file is in the ledger of les-loutres-libres already: nothing changed.\n"
    assert home.length == before


def test_another_file_goes_into_an_association_of_its_own(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL, "utf-8")
    home.refuses("import", "scenario", file, saying="with --association NAME")
    told = home.says("import", "scenario", file, "--association", "petites")
    assert told == "6 events are in the ledger of petites now.\n"
    assert len(home.data("inventory", "P21", "--association", "petites")) == 2
    home.refuses("inventory", "P21", saying="there are several associations here")


def test_a_file_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL + "  - {at: 2021-03-05, vote: AE99, by: ana, choice: for}\n", "utf-8")
    env = {**ENGLISH, "TOUTDOUX_HOME": str(tmp_path / "home")}
    line = len(SMALL.splitlines()) + 1
    done = run("import", "scenario", file, env=env)
    assert_one_sentence(done, f"{file}:{line}: AE99 was not proposed before")


def test_a_vote_goes_on_from_what_was_imported(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    file = tmp_path / "history.yaml"
    file.write_text(SMALL, "utf-8")
    home.says("import", "scenario", file)
    assert home.says("propose", "ordinary", "Un goûter encore", "--by", "ana").startswith("AO15")
    home.says("vote", "AO15", "for", "--by", "bob")
    home.says("verify")
