"""Who there is, from the command line: `member`, `role`."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .home import Home
from .running import assert_one_sentence

TODAY = datetime.now(UTC).date()
PAHEKO = """\
Numéro de membre;Nom;Prénom;Adresse e-mail;Date d'inscription
1;Brun;Ana;Ana@example.org;15/09/2020
2;Leroy;Bob;;15/09/2020
3;Noir;Émile;emile@example.org;01/03/2021
"""


def days_ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two founders, ana and bob, and zoe, who joined three days ago."""
    home = Home(tmp_path_factory.mktemp("template") / "home")
    home.done("init", "--name", "Les Loutres libres", "--time-zone", "Europe/Paris")
    ana = ("--founder", "--joined", "2020-09-15", "--email", "ana@example.org")
    home.done("member", "add", "Ana Brun", *ana)
    home.done("member", "add", "Bob Leroy", "--founder", "--joined", "2020-09-15")
    home.done("member", "add", "Zoé Petit", "--joined", days_ago(3))
    return home


@pytest.fixture
def home(template: Home, tmp_path: Path) -> Home:
    return template.copy(tmp_path / "home")


def listed(home: Home, *options: object) -> dict[str, Any]:
    """The list's members by handle, and its counts."""
    data = home.json("member", "list", *options)
    return {**{one["handle"]: one for one in data["list"]}, "counts": counts(data)}


def counts(data: Any) -> tuple[int, int]:
    return data["members"], data["right_to_vote"]


# --- joining and leaving -------------------------------------------------------------------------


def test_who_joins_gets_a_handle_made_of_their_name(home: Home) -> None:
    assert home.done("member", "add", "Émile Noir", "--joined", "2021-03-01") == "emile\n"
    assert home.done("member", "add", "Émile Noir", "--joined", "2021-03-01") == "emile-noir\n"
    assert home.done("member", "add", "Ida", "--handle", "@ida.b", "--by", "ana") == "ida.b\n"


def test_a_handle_that_is_taken_or_cannot_be_one_is_refused(home: Home) -> None:
    length = home.length()
    assert_one_sentence(home.run("member", "add", "Ana Zed", "--handle", "ana"), "“ana”")
    assert_one_sentence(home.run("member", "add", "Ana Zed", "--handle", "Ana Z"), "“Ana Z”")
    assert_one_sentence(home.run("member", "rename", "bob", "--handle", "ana"), "“ana”")
    assert home.length() == length


def test_nobody_is_a_founder_after_the_first_action(home: Home) -> None:
    home.done("propose", "ordinary", "Ranger le wiki", "--by", "ana")
    done = home.run("member", "add", "Carl", "--founder")
    assert_one_sentence(done, "before the first action", "without --founder")


def test_a_member_s_name_is_not_empty(home: Home) -> None:
    assert_one_sentence(home.run("member", "add", "  "), "name is empty")


def test_nobody_leaves_before_joining_nor_twice(home: Home) -> None:
    done = home.run("member", "leave", "zoe", "--on", "2020-01-01")
    assert_one_sentence(done, "ends before it begins")
    home.done("member", "leave", "zoe", "--on", days_ago(1))
    assert_one_sentence(home.run("member", "leave", "zoe"), "zoe left already")


def test_a_membership_that_overlaps_another_is_refused(home: Home) -> None:
    assert_one_sentence(home.run("member", "return", "zoe"), "zoe is a member")
    home.done("member", "leave", "zoe", "--on", days_ago(1))
    assert_one_sentence(home.run("member", "return", "zoe", "--on", days_ago(2)), "overlap")
    home.done("member", "return", "zoe", "--on", days_ago(1))
    assert listed(home)["counts"] == (3, 2)


def test_a_date_that_makes_no_sense_names_its_option(home: Home) -> None:
    done = home.run("member", "leave", "zoe", "--on", "hier")
    assert_one_sentence(done, "--on: “hier” is not an instant")


def test_somebody_nobody_knows_is_answered_with_who_is_close(home: Home) -> None:
    assert_one_sentence(home.run("member", "leave", "anna"), "did you mean ana?")


def test_a_departure_says_which_open_actions_it_acts_on(home: Home) -> None:
    home.done("propose", "ordinary", "Ranger le wiki", "--by", "ana")
    assert "off the roll of an open action: AO1." in home.done("member", "leave", "bob")
    # zoe has no right to vote yet, so she is on no roll.
    assert "roll" not in home.done("member", "leave", "zoe")


def test_a_departure_says_what_it_decides(home: Home) -> None:
    home.done("propose", "extraordinary", "Ouvrir un service", "--by", "ana")
    home.done("vote", "AE1", "for", "--by", "ana")
    assert "AE1 (adopted)" in home.done("member", "leave", "bob")


def test_a_departure_to_come_acts_when_it_comes(home: Home) -> None:
    home.done("propose", "ordinary", "Ranger le wiki", "--by", "ana")
    told = home.done("member", "leave", "bob", "--on", (TODAY + timedelta(days=30)).isoformat())
    assert "roll" not in told
    assert listed(home)["counts"] == (3, 2)


def test_a_name_a_handle_and_an_address_can_change(home: Home) -> None:
    home.done("member", "rename", "ana", "--name", "Ana Brun-Petit", "--handle", "@anab")
    shown = home.json("member", "show", "anab")
    assert (shown["name"], shown["email"]) == ("Ana Brun-Petit", "ana@example.org")
    length = home.length()
    assert "nothing is changed" in home.done("member", "rename", "anab", "--handle", "anab")
    assert_one_sentence(home.run("member", "rename", "anab"), "nothing is said to change")
    assert home.length() == length


# --- who there is --------------------------------------------------------------------------------


def test_the_list_counts_the_members_and_those_with_the_right_to_vote(home: Home) -> None:
    told = home.done("member", "list")
    assert told.splitlines()[-1] == "3 members, 2 with the right to vote"
    zoe = listed(home)["zoe"]
    assert not zoe["right_to_vote"]
    assert zoe["right_from"].startswith((days_ago(-6), days_ago(-7)))


def test_the_day_somebody_leaves_is_no_longer_one_of_membership(home: Home) -> None:
    home.done("member", "leave", "bob", "--on", "2021-06-08")
    assert listed(home, "--at", "2021-06-07 23:59")["counts"] == (2, 2)
    assert listed(home, "--at", "2021-06-08")["counts"] == (1, 1)


def test_the_list_at_a_date_knows_what_was_recorded_since(home: Home) -> None:
    home.done("member", "add", "Émile Noir", "--joined", "2021-03-01")
    assert listed(home, "--at", "2021-02-28")["counts"] == (2, 2)
    assert listed(home, "--at", "2021-03-05")["counts"] == (3, 2)
    assert listed(home, "--at", "2021-03-11")["counts"] == (3, 3)


def test_the_right_to_vote_follows_the_charter_in_force_at_the_date(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "charte.yaml"
    file.write_text("preset: tout-doux-cratie\nvoting_right_delay: 2 days\n")
    home.done("member", "add", "Ida", "--joined", "2021-03-01")
    propose = ("charter", "propose", file, "--object", "Aller plus vite", "--by", "ana")
    home.done(*propose, "--at", "2021-03-02 10:00")
    for name in ("ana", "bob"):
        home.done("vote", "AE1", "for", "--by", name, "--at", "2021-03-05 10:00")
    assert not listed(home, "--at", "2021-03-05 09:00")["ida"]["right_to_vote"]
    assert listed(home, "--at", "2021-03-05 11:00")["ida"]["right_to_vote"]


def test_an_adopted_action_gives_the_right_early(home: Home) -> None:
    effect = ("--effect", "grant_voting_right=zoe")
    home.done("propose", "extraordinary", "Que Zoé vote", "--by", "ana", *effect)
    for name in ("ana", "bob"):
        home.done("vote", "AE1", "for", "--by", name)
    assert listed(home)["zoe"]["right_to_vote"]


def test_those_who_left_are_listed_with_all(home: Home) -> None:
    home.done("member", "leave", "zoe", "--on", days_ago(1))
    assert "zoe" not in listed(home)
    everybody = listed(home, "--all")
    assert not everybody["zoe"]["member"]
    assert everybody["zoe"]["left"] is not None
    assert everybody["counts"] == (2, 2)


def test_the_list_is_a_table_that_a_spreadsheet_reads(home: Home) -> None:
    rows = list(csv.reader(io.StringIO(home.done("member", "list", "--format", "csv"))))
    assert rows[0][:2] == ["Handle", "Name"]
    assert [row[0] for row in rows[1:]] == ["ana", "bob", "zoe"]


def test_a_member_s_page_shows_all_their_memberships(home: Home) -> None:
    home.done("member", "leave", "bob", "--on", "2021-06-08")
    home.done("member", "return", "bob", "--on", "2022-01-01")
    told = home.done("member", "show", "bob")
    assert "from 15 September 2020 to 8 June 2021" in told
    assert "since 1 January 2022" in told


# --- roles ---------------------------------------------------------------------------------------


def test_a_role_has_a_term(home: Home) -> None:
    home.done("role", "give", "ana", "Financière", "--from", "2021-02-01")
    home.done("role", "give", "bob", "Technique", "--from", "2021-02-01", "--to", "2021-07-18")
    home.done("role", "end", "ana", "financiere", "--on", "2021-05-01")
    (first, second) = home.json("role", "list", "--at", "2021-05-01")
    assert (first["member"], first["role"], first["last"]) == ("ana", "Financière", "2021-05-01")
    assert second["member"] == "bob"
    assert [one["member"] for one in home.json("role", "list", "--at", "2021-05-02")] == ["bob"]
    assert home.json("role", "list") == []
    assert listed(home, "--at", "2021-03-01")["ana"]["roles"] == ["Financière"]


def test_the_last_steward_names_another_first(home: Home) -> None:
    home.done("role", "give", "ana", "Référent·e", "--from", "2021-02-01")
    done = home.run("member", "leave", "ana")
    assert_one_sentence(done, "ana is the last référent·e → give another member this role first")
    assert_one_sentence(home.run("role", "end", "ana", "référente"), "“référente”")
    assert_one_sentence(home.run("role", "end", "ana", "référent.e"), "ana is the last référent·e")
    home.done("role", "give", "bob", "référent")
    home.done("member", "leave", "ana")


def test_a_role_that_makes_no_sense_is_refused(home: Home) -> None:
    give = ("role", "give", "ana", "Technique", "--from", "2021-02-01")
    assert_one_sentence(home.run(*give, "--to", "2021-01-01"), "ends before it begins")
    home.done(*give)
    assert_one_sentence(home.run(*give), "already")
    assert_one_sentence(home.run("role", "end", "ana", "Banque"), "use one of Technique")
    assert_one_sentence(home.run("role", "end", "bob", "Banque"), "toutdoux role list")
    done = home.run("role", "end", "ana", "Technique", "--on", "2021-01-01")
    assert_one_sentence(done, "ends before it begins")


# --- importing -----------------------------------------------------------------------------------


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "membres.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def changes(home: Home, *arguments: object) -> list[tuple[str, str, str]]:
    told = home.json("member", "import", *arguments)["changes"]
    return [(one["change"], one["handle"], one["date"]) for one in told]


def test_new_people_join_and_known_ones_are_recognized(home: Home, tmp_path: Path) -> None:
    assert changes(home, write(tmp_path, PAHEKO)) == [("joins", "emile", "2021-03-01")]


def test_importing_twice_changes_nothing(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, PAHEKO)
    home.done("member", "import", file)
    length = home.length()
    assert "nothing is changed" in home.done("member", "import", file)
    assert home.length() == length


def test_a_dry_run_shows_the_same_and_changes_nothing(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, PAHEKO)
    length = home.length()
    dry = home.done("member", "import", file, "--dry-run")
    assert home.length() == length
    table, done = dry.rsplit("\n", 2)[0], home.done("member", "import", file)
    assert done.startswith(table)
    assert "1 change would be recorded." in dry
    assert "1 change is recorded." in done


def test_known_people_leave_and_come_back(home: Home, tmp_path: Path) -> None:
    text = "name,joined,left\nBOB LEROY,2020-09-15,2021-06-08\nBOB LEROY,2022-01-01,\n"
    file = write(tmp_path, text)
    assert changes(home, file) == [
        ("leaves", "bob", "2021-06-08"),
        ("returns", "bob", "2022-01-01"),
    ]
    assert changes(home, file) == []
    assert listed(home, "--at", "2021-12-31")["counts"] == (1, 1)


def test_without_dates_people_join_today_and_it_is_said(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, "Nom complet\nLou Sansdate\n")
    done = home.run("member", "import", file, "--dry-run")
    assert "1 row without a joining date" in done.stderr
    assert changes(home, file, "--joined", "2021-03-01") == [("joins", "lou", "2021-03-01")]
    assert changes(home, file) == []


def test_nobody_leaves_for_not_being_there_unless_asked(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, "name,email\nAna B.,ANA@example.org\n")
    assert changes(home, file) == []
    assert changes(home, file, "--leave-missing", days_ago(1)) == [
        ("leaves", "bob", days_ago(1)),
        ("leaves", "zoe", days_ago(1)),
    ]
    assert changes(home, file, "--leave-missing", days_ago(1)) == []


def test_who_is_recognized_under_another_name_is_said(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, "name,email\nAnna Martin,ana@example.org\n")
    assert "Anna Martin is taken for ana" in home.run("member", "import", file).stderr


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_any_separator_and_latin_1_are_read(home: Home, tmp_path: Path, separator: str) -> None:
    text = PAHEKO.replace(";", separator).encode("latin-1")
    assert changes(home, write(tmp_path, text), "--dry-run") == [("joins", "emile", "2021-03-01")]
    done = home.run("member", "import", write(tmp_path, text))
    assert "Windows-1252" in done.stderr
    assert "Émile Noir" in done.stdout


def test_any_column_can_be_named(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, "Qui,Arrivé le\nLou Noir,2021-03-01\n")
    assert_one_sentence(home.run("member", "import", file), f"{file}:1:", "Qui, Arrivé le", "--map")
    columns = ("--map", "name=Qui", "--map", "joined=arrive le")
    assert changes(home, file, *columns) == [("joins", "lou", "2021-03-01")]
    wrong = home.run("member", "import", file, "--map", "name=Nom")
    assert_one_sentence(wrong, "there is no column “Nom”; there are Qui, Arrivé le")
    assert_one_sentence(home.run("member", "import", file, "--map", "nom=Qui"), "“nom”", "name")
    assert_one_sentence(home.run("member", "import", file, "--map", "Qui"), "--map: “Qui”")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file"),
        (b"", "the file is empty"),
        (b"name,joined\nLou,31/02/2021\n", ":2: the date 31/02/2021 does not exist"),
        (b"name,joined,left\nLou,2021-03-01,2020-03-01\n", ":2: Lou left on 1 March 2020"),
        (b"name,left\nBob Leroy,2019-01-01\nLou,2019-01-01\n", ":3: a membership ends before"),
        (b"name\nLou\n\xc3\xa9\n, \n" + b'"', "quote"),
        (b"name,handle\nLou,x\nLou B,x\n", ":3: "),
    ],
)
def test_a_file_that_makes_no_sense_changes_nothing(
    home: Home, tmp_path: Path, text: bytes, words: str
) -> None:
    length = home.length()
    file = write(tmp_path, text)
    assert_one_sentence(home.run("member", "import", file), str(file), words)
    assert home.length() == length


def test_two_people_of_one_name_must_be_told_apart(home: Home, tmp_path: Path) -> None:
    two = write(tmp_path, "number,name\n1,Lou Noir\n2,Lou Noir\n")
    assert_one_sentence(home.run("member", "import", two), ":3: Lou Noir is also on line 2")
    home.done("member", "add", "Ana Brun", "--handle", "ana2", "--joined", "2021-03-01")
    unknown = write(tmp_path, "name\nAna Brun\n")
    assert_one_sentence(home.run("member", "import", unknown), ":2: Ana Brun", "ana, ana2")


def test_two_people_of_one_name_are_told_apart_by_their_addresses(
    home: Home, tmp_path: Path
) -> None:
    file = write(tmp_path, "name,email\nLou Noir,a@example.org\nLou Noir,b@example.org\n")
    assert [handle for _, handle, _ in changes(home, file)] == ["lou", "lou-noir"]
    assert changes(home, file) == []


def test_another_address_for_a_known_name_is_asked_about(home: Home, tmp_path: Path) -> None:
    file = write(tmp_path, "name,email\nAna Brun,autre@example.org\n")
    assert_one_sentence(home.run("member", "import", file), ":2:", "member rename ana --email")


def test_all_is_imported_or_nothing(home: Home, tmp_path: Path) -> None:
    text = "name,joined,left\nLou,2021-03-01,\nIda,2021-03-01,\nBob Leroy,,2020-01-01\n"
    length = home.length()
    assert_one_sentence(
        home.run("member", "import", write(tmp_path, text.replace("Ida,", "Ida,x"))), ":3:"
    )
    assert home.length() == length


def test_leaving_before_joining_names_both_dates(home: Home) -> None:
    why = "a membership ends before it begins → correct one of the two dates"
    assert_one_sentence(home.run("member", "leave", "zoe", "--on", "2019-01-01"), why)
