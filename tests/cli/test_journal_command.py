"""`toutdoux journal`: telling what the association did."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .ledger_home import Home
from .running import FRENCH, SMALL, run


@pytest.fixture(scope="module")
def _imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the small history in its ledger."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "history.yaml").write_text(SMALL, "utf-8")
    Home(folder / "home").says("import", "scenario", folder / "history.yaml")
    return folder / "home"


@pytest.fixture
def home(_imported: Path, tmp_path: Path) -> Home:
    shutil.copytree(_imported, tmp_path / "home")
    return Home(tmp_path / "home")


def test_an_entry_is_added_and_its_number_printed(home: Home) -> None:
    assert (
        home.says("journal", "add", "event", "La nuit du libre", "--date", "2021-05-28") == "J1\n"
    )
    assert home.says("journal", "add", "life", "Deux", "--date", "2021-05-29") == "J2\n"
    assert home.data("journal", "list") == [
        {"id": "J1", "kind": "event", "title": "La nuit du libre", "date": "2021-05-28"},
        {"id": "J2", "kind": "life", "title": "Deux", "date": "2021-05-29"},
    ]


def test_everything_that_an_entry_says_is_kept_in_the_words_of_a_scenario(home: Home) -> None:
    home.says(
        *("journal", "add", "course", "Le terminal", "--from", "2021-06-28", "--to", "2021-07-02"),
        *("--text", "Une **semaine**.", "--partner", "Les Castors", "--partner", "La Récolte"),
        *("--link", "https://a.example/?q=1", "--link", "Supports=gemini://b.example/"),
        *("--attendance", "about 30 inscrit·es", "--attendance", "more than 20"),
        *("--attendance", "12", "--action", "ae27", "--period", "P21"),
    )
    assert home.data("journal", "show", "J1") == {
        "id": "J1",
        "kind": "course",
        "title": "Le terminal",
        "date": {"first": "2021-06-28", "last": "2021-07-02"},
        "text": "Une **semaine**.",
        "partners": ["Les Castors", "La Récolte"],
        "links": ["https://a.example/?q=1", {"title": "Supports", "url": "gemini://b.example/"}],
        "attendance": [
            {"label": "inscrit·es", "about": "30"},
            {"more_than": "20"},
            {"exact": "12"},
        ],
        "actions": ["AE27"],
        "period": "P21",
    }


def test_what_it_shows_can_be_added_again_from_a_file(home: Home, tmp_path: Path) -> None:
    home.says("journal", "add", "event", "Un", "--date", "2021-05-28", "--date", "2021-05-30")
    file = tmp_path / "entry.yaml"
    file.write_text(home.says("journal", "show", "J1"), "utf-8")
    assert home.says("journal", "add", "--file", file) == "J2\n"
    one, two = home.data("journal", "list")
    assert {**one, "id": ""} == {**two, "id": ""}


def test_a_grant_is_told_in_a_file(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "grant.yaml"
    file.write_text(
        "- kind: grant\n"
        "  title: Une machine\n"
        "  grant: {funder: Fonds des mares, asked: {amount: 1000 EUR, date: 2021-03-18}}\n",
        "utf-8",
    )
    assert home.says("journal", "add", "--file", file) == "J1\n"
    assert home.data("journal", "list")[0]["grant"]["asked"]["amount"] == "1000 EUR"
    file.write_text(file.read_text("utf-8").replace("1000 EUR", "beaucoup"), "utf-8")
    home.refuses("journal", "add", "--file", file, saying=f"{file}:3: “beaucoup” is not an amount")


def test_what_is_given_replaces_and_an_empty_word_takes_out(home: Home) -> None:
    home.says(
        *("journal", "add", "event", "Un", "--date", "2021-05-28"),
        *("--text", "Long", "--partner", "A", "--partner", "B", "--action", "AO14"),
    )
    assert home.says("journal", "edit", "J1", "--title", "Deux", "--partner", "C") == "J1\n"
    home.says("journal", "edit", "j1", "--text", "", "--action", "", "--kind", "life")
    assert home.data("journal", "list") == [
        {"id": "J1", "kind": "life", "title": "Deux", "date": "2021-05-28", "partners": ["C"]}
    ]


def test_an_entry_that_is_taken_out_is_gone_and_its_number_is_not_used_again(home: Home) -> None:
    home.says("journal", "add", "life", "Un", "--date", "2021-05-28")
    assert home.says("journal", "remove", "J1") == "J1\n"
    assert home.data("journal", "list") == []
    home.refuses("journal", "remove", "J1", saying="there is no journal entry 1")
    home.refuses("journal", "edit", "J1", "--title", "x", saying="there is no journal entry 1")
    assert home.says("journal", "add", "life", "Deux", "--date", "2021-05-28") == "J2\n"


def test_the_list_goes_by_date_and_can_be_of_a_period_or_a_kind(home: Home) -> None:
    home.says("period", "add", "A21", "2021-09-01", "2022-01-31")
    home.says("journal", "add", "event", "Tard", "--date", "2021-10-01")
    home.says("journal", "add", "event", "Tôt", "--date", "2021-03-01")
    home.says("journal", "add", "life", "Oublié", "--date", "2021-03-02", "--period", "A21")

    def titles(*options: str) -> list[str]:
        return [one["title"] for one in home.data("journal", "list", *options)]

    assert titles() == ["Tôt", "Oublié", "Tard"]
    assert titles("--period", "A21") == ["Oublié", "Tard"]
    assert titles("--period", "P21", "--kind", "event") == ["Tôt"]
    table = home.says("journal", "list")
    assert "J2  2021-03-01  event" in table
    home.refuses("journal", "list", "--period", "P99", saying="no period P99 → use one of P21, A21")
    home.refuses("journal", "list", "--kind", "fête", saying="--kind cannot be “fête”")


BAD: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "an entry has a kind and a title"),
    "a kind alone": (["event"], "an entry has a kind and a title"),
    "no such kind": (["fête", "X", "--date", "2021-05-28"], "kind cannot be “fête”"),
    "no date": (["event", "X"], "has no date → give it one with --date"),
    "no such date": (["event", "X", "--date", "2021-02-30"], "date: the date 2021-02-30 does not"),
    "half a span": (["event", "X", "--from", "2021-05-28"], "a first and a last day"),
    "a span and a day": (
        ["event", "X", "--from", "2021-05-28", "--to", "2021-05-29", "--date", "2021-05-28"],
        "a first and a last day",
    ),
    "a span backwards": (
        ["event", "X", "--from", "2021-05-28", "--to", "2021-05-27"],
        "ends before it begins",
    ),
    "no such action": (
        ["event", "X", "--date", "2021-05-28", "--action", "AE99"],
        "AE99 was never proposed",
    ),
    "no such period": (
        ["event", "X", "--date", "2021-05-28", "--period", "P99"],
        "there is no period P99 → use one of P21",
    ),
    "no count": (["event", "X", "--date", "2021-05-28", "--attendance", "lots"], "how many came"),
    "no link": (["event", "X", "--date", "2021-05-28", "--link", "loutres"], "is not a link"),
    "an empty title": (["event", "", "--date", "2021-05-28"], "a journal entry has no title"),
    "a grant without facts": (["grant", "X"], "add it with --file"),
}


@pytest.mark.parametrize(("arguments", "words"), BAD.values(), ids=BAD)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    home: Home, arguments: list[str], words: str
) -> None:
    home.refuses("journal", "add", *arguments, saying=words)


def test_what_is_told_after_the_fact_keeps_its_instant(home: Home) -> None:
    assert home.says(
        "journal", "add", "life", "Un", "--date", "2021-05-28", "--at", "2021-05-28 20:00"
    )
    home.refuses(
        *("journal", "add", "life", "Deux", "--date", "2021-05-28", "--at", "2999-01-01"),
        saying="still to come",
    )


@pytest.mark.parametrize("command", ["", "add", "edit", "remove", "list", "show"])
def test_every_command_has_a_help_with_an_example(command: str) -> None:
    words = [command] if command else []
    assert f"  toutdoux journal {command}" in run("journal", *words, "--help").stdout
    assert "Exemples" in run("journal", *words, "--help", env=FRENCH).stdout
