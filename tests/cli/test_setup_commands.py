"""Founding an association from the command line: `init`, `association`, `period`."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from toutdoux.cli.setup import _zone_of_system

from .home import Home
from .running import ENGLISH, FRENCH, assert_one_sentence

NAME = "Les Loutres libres"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("template") / "home")
    home.done("init", "--name", NAME, "--time-zone", "Europe/Paris")
    return home


@pytest.fixture
def founded(template: Home, home: Home) -> Home:
    return template.copy(home.folder)


def test_init_says_where_the_data_is_and_what_comes_next(home: Home) -> None:
    done = home.run("init", "--name", NAME, "--time-zone", "Europe/Paris")
    assert done.returncode == 0
    assert str(home.folder) in done.stdout
    assert "toutdoux member add" in done.stdout
    assert (home.folder / "toutdoux.sqlite3").exists()


def test_without_a_time_zone_the_machine_s_is_taken_and_said(home: Home) -> None:
    env = {**ENGLISH, "TZ": "Europe/Lisbon"}
    done = home.run("init", "--name", NAME, env=env)
    assert "Europe/Lisbon, as on this machine" in done.stdout


def test_the_machine_tells_its_time_zone_by_variable_by_link_or_by_file(tmp_path: Path) -> None:
    assert _zone_of_system({"TZ": ":Europe/Rome"}, tmp_path) == "Europe/Rome"
    (tmp_path / "timezone").write_text("Europe/Oslo\n")
    assert _zone_of_system({}, tmp_path) == "Europe/Oslo"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Madrid")
    assert _zone_of_system({"TZ": "CET-1CEST"}, tmp_path) == "Europe/Madrid"
    assert _zone_of_system({}, tmp_path / "nowhere") is None


def test_the_time_zone_is_found_whatever_its_case(home: Home) -> None:
    data = home.json("init", "--name", NAME, "--time-zone", "europe/paris")
    assert data["time_zone"] == "Europe/Paris"
    assert ZoneInfo(str(data["time_zone"]))


@pytest.mark.parametrize(
    ("typed", "meant"), [("Europe/Pari", "Europe/Paris"), ("brussels", "Europe/Brussels")]
)
def test_a_time_zone_that_there_is_not_is_refused_with_the_closest(
    home: Home, typed: str, meant: str
) -> None:
    done = home.run("init", "--name", NAME, "--time-zone", typed)
    assert_one_sentence(done, typed, f"did you mean {meant}?")
    assert not home.folder.exists()


def test_the_language_is_the_terminal_s_unless_told(home: Home) -> None:
    home.run("init", "--name", "A", "--slug", "a", env=FRENCH)
    home.run("init", "--name", "B", "--slug", "b", "--lang", "en", env=FRENCH)
    assert home.json("association", "show", "--association", "a")["language"] == "fr"
    assert home.json("association", "show", "--association", "b")["language"] == "en"


def test_several_associations_live_in_one_installation(founded: Home) -> None:
    data = founded.json("init", "--name", "The Otters", "--time-zone", "UTC")
    assert data["slug"] == "the-otters"
    assert_one_sentence(founded.run("association", "show"), "les-loutres-libres, the-otters")


def test_a_short_name_that_is_taken_is_refused(founded: Home) -> None:
    assert_one_sentence(founded.run("init", "--name", NAME), "les-loutres-libres", "--slug")
    assert founded.run("init", "--name", NAME, "--slug", "loutres-2").returncode == 0


def test_a_name_without_a_letter_asks_for_a_short_name(home: Home) -> None:
    assert_one_sentence(home.run("init", "--name", "!!!"), "short name")
    assert_one_sentence(home.run("init", "--name", "  "), "name is empty")


def test_the_charter_is_a_preset_or_a_file(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "charte.yaml"
    file.write_text("preset: lazy-consensus\nvoting_right_delay: 2 weeks\n")
    done = home.run("init", "--name", NAME, "--charter", file)
    assert "lazy-consensus, with rules of its own" in done.stdout
    data = home.json("init", "--name", "B", "--charter", "simple-majority")
    assert data["charter"] == "simple-majority"


def test_a_charter_copied_with_its_key_from_a_scenario_is_read_too(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "charte.yaml"
    file.write_text("charter:\n  preset: simple-majority\n")
    assert home.json("init", "--name", NAME, "--charter", file)["charter"] == "simple-majority"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"preset: lazy-consensus\nordinary: {window: 3 dayz}\n", ":2: ordinary.window"),
        (b"\x89PNG\r\n\x1a\n\x00", "not text in UTF-8"),
        (b"", "the file is empty"),
        (b"- a\n", "a charter is a preset's name or a mapping"),
        (b"lazzy\n", "no preset charter “lazzy”"),
    ],
)
def test_a_charter_file_that_makes_no_sense_founds_nothing(
    home: Home, tmp_path: Path, text: bytes, words: str
) -> None:
    file = tmp_path / "charte.yaml"
    file.write_bytes(text)
    assert_one_sentence(home.run("init", "--name", NAME, "--charter", file), words, str(file))
    assert not home.folder.exists()


def test_a_charter_that_there_is_not_is_refused(home: Home) -> None:
    assert_one_sentence(home.run("init", "--name", NAME, "--charter", "nope"), "tout-doux-cratie")
    done = home.run("init", "--name", NAME, "--charter", "nope.yaml")
    assert_one_sentence(done, "nope.yaml", "does not exist")


def test_a_home_that_is_a_file_is_one_sentence(home: Home) -> None:
    home.folder.write_text("not a folder")
    assert_one_sentence(home.run("init", "--name", NAME), str(home.folder))


def test_a_database_s_password_is_never_shown(home: Home, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/secret-name.db"
    done = home.run("init", "--name", NAME, env={**ENGLISH, "DATABASE_URL": url})
    assert done.returncode == 0, done.stderr
    assert "secret-name" not in done.stdout


def test_what_an_association_is_called_can_change(founded: Home) -> None:
    done = founded.run("association", "change", "--name", "Les Loutres du lac", "--lang", "en")
    assert done.returncode == 0, done.stderr
    founded.run("association", "change", "--time-zone", "europe/brussels")
    data = founded.json("association", "show")
    assert data["name"] == "Les Loutres du lac"
    assert data["slug"] == "les-loutres-libres"
    assert data["language"] == "en"
    assert data["time_zone"] == "Europe/Brussels"


def test_changing_nothing_is_said_and_recorded_nowhere(founded: Home) -> None:
    assert_one_sentence(founded.run("association", "change"), "nothing is said to change")
    done = founded.run("association", "change", "--name", NAME)
    assert "nothing is changed" in done.stdout


def test_settings_are_shown_and_set(founded: Home) -> None:
    said = founded.done("association", "show")
    assert "  public_inventory  off\n" in said
    assert "  use_tu            on\n" in said
    change = ("association", "change", "--set", "public_inventory=on", "--set", "use_tu=NON")
    founded.done(*change, "--set", "publisher=Les Loutres, 1 rue de l’Étang")
    settings = founded.json("association", "show")["settings"]
    assert settings["public_inventory"] is True
    assert settings["use_tu"] is False
    assert settings["publisher"] == "Les Loutres, 1 rue de l’Étang"
    assert settings["public_actions"] is False
    founded.done("association", "change", "--set", "publisher=")
    assert founded.json("association", "show")["settings"]["publisher"] == ""


def test_setting_what_is_set_already_records_nothing(founded: Home) -> None:
    length = founded.length()
    done = founded.run("association", "change", "--set", "public_inventory=off", "--name", NAME)
    assert "nothing is changed" in done.stdout
    assert founded.length() == length


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("public_inventory", "does not say what a setting is to be"),
        ("public_inventory=perhaps", "“perhaps” → say on or off"),
        ("public_minutes=on", "no setting “public_minutes” → use one of public_inventory, "),
        ("contact=la loutre", "neither an e-mail address nor a link"),
    ],
)
def test_a_setting_that_makes_no_sense_changes_nothing(founded: Home, told: str, why: str) -> None:
    length = founded.length()
    done = founded.run("association", "change", "--name", "Les Castors", "--set", told)
    assert_one_sentence(done, why)
    assert founded.length() == length


def test_periods_are_named_changed_and_taken_back(founded: Home) -> None:
    first = founded.run("period", "add", "P21", "2021-02-01", "2021-07-18")
    assert first.stdout == "P21: from 1 February to 18 July 2021.\n"
    again = founded.run("period", "add", "P21", "2021-02-01", "2021-07-18")
    assert "nothing is changed" in again.stdout
    changed = founded.run("period", "add", "P21", "2021-02-01", "2021-07-20")
    assert "it was from 1 February to 18 July 2021" in changed.stdout
    assert founded.json("period", "list") == [
        {"name": "P21", "first": "2021-02-01", "last": "2021-07-20"}
    ]
    assert founded.run("period", "remove", "P21").returncode == 0
    assert founded.json("period", "list") == []


def test_a_period_that_makes_no_sense_is_refused(founded: Home) -> None:
    done = founded.run("period", "add", "P21", "2021-07-18", "2021-02-01")
    assert_one_sentence(done, "ends before it begins")
    assert_one_sentence(founded.run("period", "add", "P21", "01/02/2021", "2021-07-18"), "a date")
    assert_one_sentence(founded.run("period", "remove", "P22"), "no period P22")
    long = founded.run("period", "add", "P" * 61, "2021-02-01", "2021-07-18")
    assert_one_sentence(long, "60 characters")


def test_before_there_is_an_association_one_is_told_how_to_found_it(home: Home) -> None:
    assert_one_sentence(home.run("association", "show"), "toutdoux init")
