"""`toutdoux replay`: where every action stands, as a table and as JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from .running import COMMAND, ENGLISH, FRENCH, SMALL, environment, run

KEYS = [
    "ref", "kind", "number", "leader", "state", "how", "decided_at", "closes_at", "for", "against",
    "abstain", "expressed", "opinions", "roll", "counter_vote", "follow_up",
]  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> Path:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL, "utf-8")
    return file


def data(*arguments: object) -> dict[str, Any]:
    done = run("replay", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    read = json.loads(done.stdout)
    assert isinstance(read, dict)
    return read


# --- JSON ----------------------------------------------------------------------------------------


def test_the_json_is_what_the_rules_say_key_by_key(history: Path) -> None:
    assert data(history, "--at", "2021-03-05T00:00:00Z") == {
        "at": "2021-03-05T00:00:00Z",
        "actions": [
            {
                "ref": "AE27",
                "kind": "extraordinary",
                "number": 27,
                "leader": "bob",
                "state": "adopted",
                "how": "majority",
                "decided_at": "2021-03-02T17:02:00Z",
                "closes_at": "2021-03-08T09:00:00Z",
                "for": 2,
                "against": 0,
                "abstain": 1,
                "expressed": 3,
                "opinions": 0,
                "roll": 3,
                "counter_vote": None,
                "follow_up": "to_do",
            },
            {
                "ref": "AO14",
                "kind": "ordinary",
                "number": 14,
                "leader": "eva",
                "state": "open",
                "how": None,
                "decided_at": None,
                "closes_at": "2021-03-11T09:00:00Z",
                "for": 0,
                "against": 1,
                "abstain": 0,
                "expressed": 1,
                "opinions": 0,
                "roll": 3,
                "counter_vote": None,
                "follow_up": "to_do",
            },
        ],
    }


def test_the_keys_of_the_json_are_in_the_order_of_the_rules(history: Path) -> None:
    read = data(history)
    assert list(read) == ["at", "actions"]
    assert [list(action) for action in read["actions"]] == [KEYS, KEYS]


def test_a_counter_vote_in_json(history: Path) -> None:
    history.write_text(
        SMALL
        + "  - {at: 2021-03-05 10:00, counter_vote: AO14, by: bob, reason: non}\n"
        + "  - {at: 2021-03-05 11:00, vote: AO14, ballot: counter_vote, by: bob, choice: for}\n",
        "utf-8",
    )
    action = data(history, "--at", "2021-03-06")["actions"][1]
    assert action["state"] == "counter_vote"
    assert list(action["counter_vote"].items()) == [
        ("called_by", "bob"),
        ("for", 1),
        ("against", 0),
        ("abstain", 0),
        ("closes_at", "2021-03-12T09:00:00Z"),
    ]


def test_instants_have_a_fraction_only_if_there_is_one(history: Path) -> None:
    history.write_text(SMALL.replace("2021-03-02 18:02", "2021-03-02T17:02:00.25Z"), "utf-8")
    assert data(history)["actions"][0]["decided_at"] == "2021-03-02T17:02:00.250000Z"


def test_letters_of_all_kinds_stay_letters_in_json(history: Path) -> None:
    history.write_text(SMALL.replace("id: ana", "id: zoé").replace("by: ana", "by: zoé"), "utf-8")
    assert "\\u" not in run("replay", history, "--format", "json", "--explain").stdout


def test_json_explains_when_asked_to(history: Path) -> None:
    action = data(history, "--explain")["actions"][0]
    assert list(action) == [*KEYS, "explanation"]
    assert list(action["explanation"]) == ["why", "next"]
    assert action["explanation"]["why"][0] == (
        "Adopted on 2 March 2021 at 18:02: 2 votes for, more than half of the 3 on the roll."
    )


# --- at ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "instant"),
    [
        ("2021-03-04", "2021-03-03T23:00:00Z"),
        ("2021-03-04 10:00", "2021-03-04T09:00:00Z"),
        ("2021-03-04T10:00", "2021-03-04T09:00:00Z"),
        ("2021-03-04T10:00:00+05:00", "2021-03-04T05:00:00Z"),
        ("2021-03-04T10:00:00Z", "2021-03-04T10:00:00Z"),
        ("2021-07-04", "2021-07-03T22:00:00Z"),
    ],
)
def test_at_is_a_date_a_local_time_or_an_instant(history: Path, at: str, instant: str) -> None:
    assert data(history, "--at", at)["at"] == instant


def test_what_was_proposed_after_at_is_left_out(history: Path) -> None:
    refs = [one["ref"] for one in data(history, "--at", "2021-03-04 09:59")["actions"]]
    assert refs == ["AE27"]


def test_what_was_proposed_at_that_very_instant_is_there(history: Path) -> None:
    refs = [one["ref"] for one in data(history, "--at", "2021-03-04 10:00")["actions"]]
    assert refs == ["AE27", "AO14"]


def test_without_at_it_is_now(history: Path) -> None:
    """Long after all of it: nobody called a counter-vote on AO14."""
    action = data(history)["actions"][1]
    assert (action["state"], action["how"]) == ("adopted", "no_counter_vote")


def test_before_everything_there_is_nothing(history: Path) -> None:
    assert data(history, "--at", "2019-01-01") == {"at": "2018-12-31T23:00:00Z", "actions": []}


def test_actions_are_in_order_of_proposal(history: Path) -> None:
    more = "  - {at: 2021-03-05 10:00, propose: extraordinary, number: 3, by: eva, object: o}\n"
    history.write_text(SMALL + more, "utf-8")
    assert [one["ref"] for one in data(history)["actions"]] == ["AE27", "AO14", "AE3"]


def test_the_whole_file_is_checked_also_after_at(history: Path) -> None:
    history.write_text(SMALL + "  - {at: 2021-03-09, done: AO14, by: bob}\n", "utf-8")
    done = run("replay", history, "--at", "2021-03-01")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{history}:16: bob does not lead AO14, eva does → ")


# --- the table -----------------------------------------------------------------------------------


def row(text: str, ref: str) -> str:
    """The line of one action, its columns one space apart."""
    (line,) = [one for one in text.splitlines() if one.split()[:1] == [ref]]
    return " ".join(line.split())


def test_the_table_in_english(history: Path) -> None:
    text = run("replay", history, "--at", "2021-03-05").stdout
    assert text.splitlines()[0].strip() == "Les Loutres libres, 5 March 2021 at 0:00"
    assert re.fullmatch(
        r"AE27 Bob Leroy adopted,? by majority 2021-03-02 18:02 2/3 0/3 (1 )?3 to do",
        row(text, "AE27"),
    )
    assert re.fullmatch(r"AO14 Eva Petit open 0/1 1/1 (0 )?3 to do", row(text, "AO14"))


@pytest.mark.parametrize(
    "title", ["ID", "Leader", "State", "Decided on", "For", "Against", "Roll", "Follow-up"]
)
def test_the_columns_of_the_table_have_their_titles(history: Path, title: str) -> None:
    (titles,) = [one for one in run("replay", history).stdout.splitlines() if " ID " in f" {one}"]
    assert f" {title} " in f" {titles} "


def test_the_table_in_french(history: Path) -> None:
    text = run("replay", history, "--at", "2021-03-05", env=FRENCH).stdout
    assert "5 mars 2021 à 0 h" in text
    assert "02-03-2021 18:02" in text
    assert "Meneur·se" in text
    assert "Adoptée" in text or "adoptée" in text


def test_the_table_has_no_colour_code_in_a_file(history: Path) -> None:
    assert "\x1b" not in run("replay", history).stdout


def test_a_scenario_without_actions_is_no_error(history: Path) -> None:
    history.write_text("members: []\n", "utf-8")
    assert run("replay", history).returncode == 0


def test_the_explanation_in_english(history: Path) -> None:
    told = run("replay", history, "--at", "2021-03-05", "--explain").stdout
    assert "AE27  Un **service**, une capsule\n" in told
    assert (
        "  Adopted on 2 March 2021 at 18:02: 2 votes for, more than half of the 3 on the roll.\n"
        in told
    )
    assert "  → " in told


def test_the_explanation_in_french(history: Path) -> None:
    told = run("replay", history, "--at", "2021-03-05", "--explain", env=FRENCH).stdout
    told = told.replace("\u00a0", " ").replace("\u202f", " ")
    assert (
        "Adoptée le 2 mars 2021 à 18 h 02 : 2 voix pour, plus de la moitié des 3 inscrit·es" in told
    )


def test_the_explanation_says_what_would_change_it(history: Path) -> None:
    """AO14: nobody for; two votes for of a roll of three adopt it at once."""
    told = run("replay", history, "--at", "2021-03-05", "--explain").stdout
    assert "2 more votes for adopt it at once." in told


# --- the language --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({}, "Meneur·se"),
        ({"LANG": "C"}, "Meneur·se"),
        ({"LANG": "fr_FR.UTF-8"}, "Meneur·se"),
        ({"LANG": "en_US.UTF-8"}, "Leader"),
        ({"LANG": "en_GB.UTF-8"}, "Leader"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "Leader"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, "Meneur·se"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "Meneur·se"),
        ({"LANG": "de_DE.UTF-8"}, "Meneur·se"),
    ],
)
def test_the_language_is_french_unless_the_locale_asks_for_english(
    history: Path, env: dict[str, str], word: str
) -> None:
    assert word in run("replay", history, env={**env, "PYTHONUTF8": "1"}).stdout


@pytest.mark.parametrize(("lang", "word"), [("fr", "Meneur·se"), ("en", "Leader")])
def test_lang_goes_before_the_locale(history: Path, lang: str, word: str) -> None:
    for env in (ENGLISH, FRENCH):
        assert word in run("replay", history, "--lang", lang, env=env).stdout


def test_a_terminal_without_our_letters_still_gets_a_table(history: Path) -> None:
    done = run("replay", history, env={"LANG": "C", "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "AE27" in done.stdout


# --- escape sequences ----------------------------------------------------------------------------

HOSTILE = r"""
association: {name: "Loutres\e]0;title\a", time_zone: UTC}
members:
  - {id: ana, name: "Ana\e[31m\x9b31m\u202eBrun\r\b", joined: 2020-01-01, founder: true}
  - {id: bob, joined: 2020-01-01, founder: true}
periods: [{name: "P\e[2J", first: 2021-01-01, last: 2021-12-31}]
events:
  - {at: 2021-03-01, propose: ordinary, by: ana, object: "Un\e[31m\x9b2J\u202eobjet\r\n\x7f",
     link: "https://x.example/\e[31m", condition: "si\e[31m\x9b1m"}
  - {at: 2021-03-02, counter_vote: AO1, by: bob, reason: "non\e[31m\x9b1m"}
journal:
  - kind: grant
    title: "Argent\e[31m\x9b1m"
    grant: {funder: f, asked: {amount: 1 EUR, date: 2021-03-01}}
"""
PERIOD = "P\x1b[2J"


def on_a_terminal(*arguments: object) -> str:
    """What a terminal gets to see."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment(**ENGLISH, TERM="dumb"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ):
        os.close(theirs)
        seen = b""
        try:
            while some := os.read(ours, 65536):
                seen += some
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(ours)
    return seen.decode("utf-8")


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "FILE"),
        ("replay", "FILE", "--at", "2021-03-03"),
        ("replay", "FILE", "--at", "2021-03-03", "--explain"),
        ("replay", "FILE", "--explain", "--format", "json"),
        ("inventory", PERIOD, "--scenario", "FILE"),
        ("inventory", PERIOD, "--scenario", "FILE", "--format", "markdown"),
        ("inventory", PERIOD, "--scenario", "FILE", "--format", "csv"),
        ("inventory", PERIOD, "--scenario", "FILE", "--format", "json"),
        ("inventory", "other", "--scenario", "FILE"),
        ("audit", PERIOD, "--scenario", "FILE"),
        ("audit", PERIOD, "--scenario", "FILE", "--format", "json"),
    ],
    ids=lambda one: f"{one[0]} {'of another period ' * ('other' in one)}{' '.join(one[2:])}"[:60],
)
def test_no_escape_sequence_of_a_file_reaches_the_terminal(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "history.yaml"
    file.write_text(HOSTILE, "utf-8")
    seen = on_a_terminal(*(str(file) if one == "FILE" else one for one in arguments))
    assert seen
    assert not [hex(ord(sign)) for sign in seen if sign in "\x1b\x9b\x07\x08\x7f\u202e"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r'  - {at: 2021-03-05, vote: AO14, by: "ana\e[31m\x9b1m", choice: for}', "nobody here"),
        (r'  - {at: 2021-03-05, vote: AO14, by: ana, choice: "x\e[31m\x9b1m\n\ny"}', "choice"),
        (r'  - {at: 2021-03-05, vote: AO14, by: ana, "x\e[31m\x9b1m": for}', "not a key"),
    ],
)
def test_no_escape_sequence_of_a_file_reaches_an_error(
    tmp_path: Path, line: str, words: str
) -> None:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL + line, "utf-8")
    done = run("replay", file)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not {*"\x1b\x9b\r"} & {*done.stderr}


def test_time_zones_are_the_same_on_every_machine(tmp_path: Path) -> None:
    """A machine whose own Europe/Paris is wrong judges like any other."""
    zone = tmp_path / "zones" / "Europe" / "Paris"
    zone.parent.mkdir(parents=True)
    zone.write_bytes(files("tzdata.zoneinfo.Asia").joinpath("Tokyo").read_bytes())
    history = tmp_path / "history.yaml"
    history.write_text(SMALL)
    env = {**ENGLISH, "PYTHONTZPATH": str(tmp_path / "zones")}
    there = run("replay", history, "--at", "2021-03-05", "--format", "json", env=env)
    here = run("replay", history, "--at", "2021-03-05", "--format", "json")
    assert there.stdout == here.stdout != ""


def test_a_counter_vote_that_no_number_can_win_is_explained(tmp_path: Path) -> None:
    history = tmp_path / "history.yaml"
    history.write_text(
        "charter: {preset: tout-doux-cratie, extraordinary: {counter_vote: {cancels: none}}}\n"
        "members: [{id: ana, joined: 2020-01-01}, {id: bob, joined: 2020-01-01}]\n"
        "events:\n"
        "  - {at: 2021-03-01 10:00, propose: extraordinary, by: ana, object: o}\n"
        "  - {at: 2021-03-02 10:00, counter_vote: AE1, by: bob, reason: r}\n"
    )
    done = run("replay", history, "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    assert "where it took more than any number of votes" in done.stdout
