"""What makes no sense is an error that names the line and says what to do, in both languages.

In each scenario the line that the error is to name ends in `# wrong`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from toutdoux.language import Language
from toutdoux.scenario import ScenarioError, load_scenario

from .telling import MARK, THREE, judged, marked_line, refused

PROPOSED = """\
events:
  - {at: 2021-03-01 10:00, propose: extraordinary, number: 1, by: ana, object: o}
"""
COUNTERED = PROPOSED + "  - {at: 2021-03-02, counter_vote: AE1, by: bob, reason: non}\n"
ADOPTED = (
    PROPOSED
    + """\
  - {at: 2021-03-02 10:00, vote: AE1, by: ana, choice: for}
  - {at: 2021-03-02 11:00, vote: AE1, by: bob, choice: for}
"""
)
P21 = "periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]\n"

# What is wrong, the end of the scenario that begins with three founders, words of the sentence.
RULES = {
    "a vote by nobody": (
        PROPOSED + "  - {at: 2021-03-02, vote: AE1, by: zed, choice: for}  # wrong",
        "nobody here is called “zed”",
    ),
    "a proposal by nobody": (
        "events:\n  - {at: 2021-03-02, propose: ordinary, by: zed, object: o}  # wrong",
        "nobody here is called “zed”",
    ),
    "a leader who is nobody": (
        "events:\n  - {at: 2021-03-02, propose: ordinary, by: ana, leader: zed, "
        "object: o}  # wrong",
        "nobody here is called “zed”",
    ),
    "handed over to nobody": (
        PROPOSED + "  - {at: 2021-03-02, hand_over: AE1, by: ana, to: zed}  # wrong",
        "nobody here is called “zed”",
    ),
    "a right granted to nobody": (
        "events:\n  - {at: 2021-03-02, grant_voting_right: zed}  # wrong",
        "nobody here is called “zed”",
    ),
    "an effect for nobody": (
        "events:\n  - {at: 2021-03-02, propose: ordinary, by: ana, object: o, "
        "effects: [{grant_voting_right: zed}]}  # wrong",
        "nobody here is called “zed”",
    ),
    "a role of nobody": (
        "roles:\n  - {role: financier, member: zed, from: 2021-02-01}  # wrong",
        "nobody here is called “zed”",
    ),
    "somebody acts before joining": (
        "  - {id: leo, joined: 2021-06-01}\n"
        + PROPOSED
        + "  - {at: 2021-03-02, vote: AE1, by: leo, choice: for}  # wrong",
        "leo is no member on 2 March 2021",
    ),
    "somebody acts on the day they left": (
        "  - {id: leo, joined: 2020-06-01, left: 2021-03-02}\n"
        + PROPOSED
        + "  - {at: 2021-03-02 09:00, vote: AE1, by: leo, choice: for}  # wrong",
        "leo is no member on 2 March 2021",
    ),
    "somebody proposes while no member": (
        "  - {id: leo, joined: 2021-06-01}\n"
        "events:\n  - {at: 2021-03-02, propose: ordinary, by: leo, object: o}  # wrong",
        "leo is no member",
    ),
    "somebody leads while no member": (
        "  - {id: leo, joined: 2021-06-01}\n"
        "events:\n  - {at: 2021-03-02, propose: ordinary, by: ana, leader: leo, "
        "object: o}  # wrong",
        "leo is no member",
    ),
    "handed over to somebody who is no member": (
        "  - {id: leo, joined: 2021-06-01}\n"
        + PROPOSED
        + "  - {at: 2021-03-02, hand_over: AE1, by: ana, to: leo}  # wrong",
        "leo is no member",
    ),
    "an event earlier than the one before it": (
        PROPOSED + "  - {at: 2021-03-01 09:59, vote: AE1, by: ana, choice: for}  # wrong",
        "earlier than the one before it",
    ),
    "a vote before the proposal": (
        "events:\n"
        "  - {at: 2021-03-01, vote: AE1, by: ana, choice: for}  # wrong\n"
        "  - {at: 2021-03-02, propose: extraordinary, number: 1, by: ana, object: o}",
        "AE1 was not proposed before",
    ),
    "a vote at the last instant of the window": (
        PROPOSED + "  - {at: 2021-03-08 10:00, vote: AE1, by: ana, choice: for}  # wrong",
        "the ballot of AE1 closed on 8 March 2021",
    ),
    "a vote on a cancelled action": (
        PROPOSED
        + "  - {at: 2021-03-02 10:00, vote: AE1, by: ana, choice: against}\n"
        + "  - {at: 2021-03-02 11:00, vote: AE1, by: bob, choice: against}\n"
        + "  - {at: 2021-03-02 12:00, vote: AE1, by: eva, choice: for}  # wrong",
        "the ballot of AE1 closed on 2 March 2021 at 11:00",
    ),
    "a vote on a counter-vote that does not exist": (
        PROPOSED
        + "  - {at: 2021-03-02, vote: AE1, ballot: counter_vote, by: ana, choice: for}  # wrong",
        "no counter-vote was called on AE1",
    ),
    "a vote on a counter-vote that is over": (
        COUNTERED
        + "  - {at: 2021-03-09, vote: AE1, ballot: counter_vote, by: ana, choice: for}  # wrong",
        "the counter-vote on AE1 closed on 9 March 2021",
    ),
    "a vote withdrawn that was never cast": (
        PROPOSED + "  - {at: 2021-03-02, withdraw_vote: AE1, by: bob}  # wrong",
        "bob has no vote in force on AE1",
    ),
    "a vote withdrawn twice": (
        PROPOSED
        + "  - {at: 2021-03-02, vote: AE1, by: bob, choice: abstain}\n"
        + "  - {at: 2021-03-03, withdraw_vote: AE1, by: bob}\n"
        + "  - {at: 2021-03-04, withdraw_vote: AE1, by: bob}  # wrong",
        "bob has no vote in force on AE1",
    ),
    "a vote withdrawn on the other ballot": (
        COUNTERED
        + "  - {at: 2021-03-03, vote: AE1, by: bob, choice: abstain}\n"
        + "  - {at: 2021-03-04, withdraw_vote: AE1, ballot: counter_vote, by: bob}  # wrong",
        "bob has no vote in force on AE1",
    ),
    "a vote withdrawn once the ballot is closed": (
        PROPOSED
        + "  - {at: 2021-03-02, vote: AE1, by: bob, choice: abstain}\n"
        + "  - {at: 2021-03-08 10:00, withdraw_vote: AE1, by: bob}  # wrong",
        "the ballot of AE1 closed",
    ),
    "a number used twice": (
        PROPOSED
        + "  - {at: 2021-03-02, propose: extraordinary, number: 1, by: bob, object: o}  # wrong",
        "the number of AE1 is already used",
    ),
    "a counter-vote while one runs": (
        COUNTERED + "  - {at: 2021-03-03, counter_vote: AE1, by: eva, reason: non}  # wrong",
        "a counter-vote on AE1 is already under way",
    ),
    "a counter-vote by somebody off the roll": (
        "  - {id: leo, joined: 2021-02-28}\n"
        + PROPOSED
        + "  - {at: 2021-03-03, counter_vote: AE1, by: leo, reason: non}  # wrong",
        "leo is not on the roll of AE1",
    ),
    "a counter-vote on a decided action": (
        ADOPTED + "  - {at: 2021-03-03, counter_vote: AE1, by: eva, reason: non}  # wrong",
        "AE1 is already decided, since 2 March 2021 at 11:00",
    ),
    "a counter-vote under a charter without them": (
        "charter: lazy-consensus\n"
        + PROPOSED
        + "  - {at: 2021-03-02, counter_vote: AE1, by: bob, reason: non}  # wrong",
        "the charter of AE1 has no counter-votes",
    ),
    "an amendment by another than the leader": (
        PROPOSED + "  - {at: 2021-03-02, amend: AE1, by: bob, object: p}  # wrong",
        "bob does not lead AE1, ana does",
    ),
    "an amendment by the proposer who does not lead": (
        "events:\n"
        "  - {at: 2021-03-01, propose: ordinary, by: ana, leader: bob, object: o}\n"
        "  - {at: 2021-03-02, amend: AO1, by: ana, object: p}  # wrong",
        "ana does not lead AO1, bob does",
    ),
    "a withdrawal by another than the leader": (
        PROPOSED + "  - {at: 2021-03-02, withdraw: AE1, by: bob}  # wrong",
        "bob does not lead AE1, ana does",
    ),
    "an amendment once decided": (
        ADOPTED + "  - {at: 2021-03-03, amend: AE1, by: ana, object: p}  # wrong",
        "AE1 is already decided",
    ),
    "a withdrawal once decided": (
        ADOPTED + "  - {at: 2021-03-03, withdraw: AE1, by: ana}  # wrong",
        "AE1 is already decided",
    ),
    "a withdrawal twice": (
        PROPOSED
        + "  - {at: 2021-03-02, withdraw: AE1, by: ana}\n"
        + "  - {at: 2021-03-03, withdraw: AE1, by: ana}  # wrong",
        "AE1 is already decided",
    ),
    "handed over by another than the leader": (
        PROPOSED + "  - {at: 2021-03-02, hand_over: AE1, by: bob, to: eva}  # wrong",
        "bob does not lead AE1, ana does",
    ),
    "a follow-up by another than the leader": (
        ADOPTED + "  - {at: 2021-03-03, done: AE1, by: bob}  # wrong",
        "bob does not lead AE1, ana does",
    ),
    "a follow-up before the action may start": (
        PROPOSED + "  - {at: 2021-03-03, start: AE1, by: ana}  # wrong",
        "AE1 may not start before it is adopted",
    ),
    "a follow-up before the condition was met": (
        "events:\n"
        "  - {at: 2021-03-01, propose: ordinary, by: ana, object: o, condition: si Eva veut}\n"
        "  - {at: 2021-03-03, start: AO1, by: ana}  # wrong",
        "the condition of AO1 was not recorded as met",
    ),
    "a follow-up of a withdrawn action": (
        "events:\n"
        "  - {at: 2021-03-01, propose: ordinary, by: ana, object: o}\n"
        "  - {at: 2021-03-02, withdraw: AO1, by: ana}\n"
        "  - {at: 2021-03-03, start: AO1, by: ana}  # wrong",
        "AO1 was withdrawn, there is nothing to do",
    ),
    "left before joined": (
        "  - {id: leo, joined: 2021-06-01, left: 2021-05-31}  # wrong",
        "a membership ends before it begins",
    ),
    "left at the very instant of joining": (
        "  - {id: leo, joined: 2021-06-01, left: 2021-06-01}  # wrong",
        "a membership ends before it begins",
    ),
    "an ordinary action that amends the charter": (
        "events:\n  - {at: 2021-03-01, propose: ordinary, by: ana, object: o, "
        "effects: [{amend_charter: lazy-consensus}]}  # wrong",
        "an ordinary action cannot amend the charter",
    ),
}

FILE = {
    "a member twice": (
        "  - {id: ana, joined: 2021-06-01}  # wrong",
        "the member “ana” is there twice",
    ),
    "two memberships that overlap": (
        "  - {id: leo, periods: [{joined: 2020-01-01}, {joined: 2021-01-01}]}  # wrong",
        "two memberships of one person overlap",
    ),
    "a member without a membership": ("  - {id: leo}  # wrong", "has no joined"),
    "a member with no period": ("  - {id: leo, periods: []}  # wrong", "has no period"),
    "a member with two ways to tell a membership": (
        "  - {id: leo, joined: 2020-01-01, periods: [{joined: 2021-01-01}]}  # wrong",
        "either periods or joined and left",
    ),
    "a member without an id": ("  - {name: Léo, joined: 2020-01-01}  # wrong", "has no id"),
    "a founder that is neither true nor false": (
        "  - {id: leo, joined: 2020-01-01, founder: maybe}  # wrong",
        "founder cannot be “maybe”",
    ),
    "a date that does not exist": (
        "  - {id: leo, joined: 2021-02-29}  # wrong",
        "2021-02-29 does not exist",
    ),
    "a date that is none": ("  - {id: leo, joined: hier}  # wrong", "“hier” is not an instant"),
    "an hour that does not exist": (
        "events:\n  - {at: 2021-03-01 25:00, grant_voting_right: ana}  # wrong",
        "2021-03-01 25:00 does not exist",
    ),
    "an event without an instant": (
        "events:\n  - {grant_voting_right: ana}  # wrong",
        "has no at",
    ),
    "a key nobody knows": (
        "events:\n  - {at: 2021-03-01, propose: ordinary, by: ana, objet: o}  # wrong",
        "“objet” is not a key of",
    ),
    "a key nobody knows at the top": ("event: []  # wrong", "“event” is not a key of"),
    "an event that says nothing": (
        "events:\n  - {at: 2021-03-01, by: ana}  # wrong",
        "does not say what happened",
    ),
    "an event that says two things": (
        "events:\n  - {at: 2021-03-01, start: AO1, done: AO1, by: ana}  # wrong",
        "says two things: start, done",
    ),
    "an event that is no mapping": ("events:\n  - vote  # wrong", "event is not a mapping"),
    "events that are no list": ("events: {at: 2021-03-01}  # wrong", "events is not a list"),
    "a reference that is none": (
        "events:\n  - {at: 2021-03-01, vote: '27', by: ana, choice: for}  # wrong",
        "“27” is not the reference of an action",
    ),
    "a choice that is none": (
        "events:\n  - {at: 2021-03-01, vote: AO1, by: ana, choice: maybe}  # wrong",
        "choice cannot be “maybe”",
    ),
    "a ballot that is none": (
        "events:\n  - {at: 2021-03-01, vote: AO1, ballot: x, by: ana, choice: for}  # wrong",
        "ballot cannot be “x”",
    ),
    "a kind of action that is none": (
        "events:\n  - {at: 2021-03-01, propose: normal, by: ana, object: o}  # wrong",
        "propose cannot be “normal”",
    ),
    "a number below one": (
        "events:\n  - {at: 2021-03-01, propose: ordinary, number: 0, by: ana, object: o}  # wrong",
        "number cannot be “0”",
    ),
    "an empty object": (
        'events:\n  - {at: 2021-03-01, propose: ordinary, by: ana, object: " "}  # wrong',
        "object is empty",
    ),
    "a proposal without an object": (
        "events:\n  - {at: 2021-03-01, propose: ordinary, by: ana}  # wrong",
        "has no object",
    ),
    "a counter-vote without a reason": (
        "events:\n  - {at: 2021-03-01, counter_vote: AO1, by: ana}  # wrong",
        "has no reason",
    ),
    "an effect that is none": (
        "events:\n  - {at: 2021-03-01, propose: ordinary, by: ana, object: o, "
        "effects: [{dance: ana}]}  # wrong",
        "“dance” is not a key of",
    ),
    "a period that ends before it begins": (
        "periods:\n  - {name: P21, first: 2021-07-18, last: 2021-02-01}  # wrong",
        "ends before it begins: 1 February 2021 is before 18 July 2021",
    ),
    "a role that ends before it begins": (
        "roles:\n  - {role: r, member: ana, from: 2021-02-02, to: 2021-02-01}  # wrong",
        "ends before it begins",
    ),
    "a kind of entry that is none": (
        "journal:\n  - {kind: party, title: t, date: 2021-03-01}  # wrong",
        "kind cannot be “party”",
    ),
    "an entry without a date": (
        "journal:\n  - {kind: life, title: t}  # wrong",
        "has no date",
    ),
    "an entry whose span ends before it begins": (
        "journal:\n"
        "  - {kind: life, title: t, date: {first: 2021-03-02, last: 2021-03-01}}  # wrong",
        "ends before it begins",
    ),
    "an entry told in a period that is none": (
        "journal:\n  - {kind: life, title: t, date: 2021-03-01, period: P99}  # wrong",
        "there is no period P99",
    ),
    "an entry covered by what was never proposed": (
        "journal:\n  - {kind: life, title: t, date: 2021-03-01, actions: [AE1]}  # wrong",
        "AE1 was never proposed",
    ),
    "an attendance with two counts": (
        "journal:\n"
        "  - {kind: life, title: t, date: 2021-03-01, attendance: {exact: 3, about: 4}}  # wrong",
        "an attendance has one count",
    ),
    "an attendance below zero": (
        "journal:\n  - {kind: life, title: t, date: 2021-03-01, attendance: {exact: -3}}  # wrong",
        "exact cannot be “-3”",
    ),
    "a link that is none": (
        "journal:\n"
        '  - {kind: life, title: t, date: 2021-03-01, links: ["javascript:alert(1)"]}  # wrong',
        "“javascript:alert(1)” is not a link",
    ),
    "a request without its facts": (
        "journal:\n  - {kind: request, title: t, date: 2021-03-01}  # wrong",
        "has no request",
    ),
    "a request on another kind of entry": (
        "journal:\n  - {kind: life, title: t, date: 2021-03-01, "
        "request: {to: x, sent: 2021-03-01}}  # wrong",
        "only an entry of kind request has request:",
    ),
    "a request answered before it was sent": (
        "journal:\n"
        "  - {kind: request, title: t, "
        "request: {to: x, sent: 2021-03-02, answered: 2021-03-01}}  # wrong",
        "ends before it begins",
    ),
    "a grant without an amount": (
        "journal:\n"
        "  - {kind: grant, title: t, grant: {funder: x, asked: {date: 2021-03-02}}}  # wrong",
        "has no amount",
    ),
    "an amount without a currency": (
        "journal:\n  - {kind: grant, title: t, "
        "grant: {funder: x, asked: {amount: 1000, date: 2021-03-02}}}  # wrong",
        "“1000” is not an amount of money",
    ),
    "a grant both given and refused": (
        "journal:\n"
        "  - {kind: grant, title: t, grant: {funder: x, asked: {amount: 1 EUR, date: 2021-03-02}, "
        "answered: {granted: 1 EUR, refused: true}}}  # wrong",
        "answered with an amount granted, or refused",
    ),
    "a report of a period that is none": (
        "reports:\n  - {period: P99, title: t}  # wrong",
        "there is no period P99",
    ),
    "a section that is none": (
        P21 + "reports:\n  - {period: P21, sections: {party: {title: t}}}  # wrong",
        "“party” is not a key of",
    ),
    "a time zone that is none": (
        "association: {time_zone: Europe/Pariss}  # wrong",
        "there is no time zone “Europe/Pariss”",
    ),
    "a language that is none": (
        "association: {language: de}  # wrong",
        "the language cannot be “de”",
    ),
    "a charter that is none": (
        "charter: monarchy  # wrong",
        "there is no preset charter “monarchy”",
    ),
    "a charter without a preset": (
        "charter: {correction: 5 minutes}  # wrong",
        "the charter names no preset",
    ),
    "a duration that is none": (
        "charter: {preset: lazy-consensus, correction: soon}  # wrong",
        "correction: “soon” is not a duration",
    ),
    "a duration of zero": (
        "charter: {preset: lazy-consensus, correction: 0 minutes}  # wrong",
        "correction: “0 minutes” is not a duration",
    ),
    "a threshold that is none": (
        "charter: {preset: lazy-consensus, ordinary: {adopted_early: 0.5 of roll}}  # wrong",
        "ordinary.adopted_early cannot be “0.5 of roll”",
    ),
    "a plurality without a quorum": (
        "charter: {preset: lazy-consensus, ordinary: {at_end: plurality}}  # wrong",
        "ordinary.at_end is plurality, which needs a quorum",
    ),
    "an entry of needs_action that is none": (
        "charter: {preset: lazy-consensus, needs_action: {party: ordinary}}  # wrong",
        "“party” is not a key of",
    ),
    "a key said twice": (
        "association:\n  name: Loutres\n  name: Castors  # wrong",
        "“name” is said twice here",
    ),
    "a key said twice, once without a value": (
        "association:\n  name:\n  name: Castors  # wrong",
        "“name” is said twice here",
    ),
    "a key nobody knows, without a value": (
        "association:\n  name: Castors\n  nam:  # wrong",
        "“nam” is not a key of",
    ),
    "a merge key": ("association:\n  <<: {name: Castors}  # wrong", "“<<” is not a key"),
    "an anchor": ("association: &a {name: Loutres}  # wrong", "anchors and aliases"),
    "an alias": ("association: *a  # wrong", "anchors and aliases"),
    "a second document": ("---  # wrong\nmembers: []", "a second document begins here"),
    "a tab": ("association:\n\tname: Loutres  # wrong", "this is not YAML"),
    "a nesting without end": (f"events: {'[' * 50}{']' * 50}  # wrong", "nested deeper"),
    "a key that is a list": ("? [a, b]  # wrong\n: c", "a key is a single word"),
}
CASES = [
    pytest.param(THREE + text, words, id=name) for name, (text, words) in (RULES | FILE).items()
]


def say(error: ScenarioError, code: str) -> tuple[str, str]:
    language = Language(code, UTC)
    return language.say(error.why), language.say(error.remedy)


@pytest.mark.parametrize(("text", "words"), CASES)
def test_the_error_says_what_is_wrong_in_english(text: str, words: str) -> None:
    why, _ = say(refused(text), "en")
    assert words in why


@pytest.mark.parametrize(("text", "words"), CASES)
def test_the_error_names_the_line(text: str, words: str) -> None:
    assert refused(text).line == marked_line(text)


@pytest.mark.parametrize("code", ["en", "fr"])
@pytest.mark.parametrize(("text", "words"), CASES)
def test_the_error_has_a_remedy_and_no_blank_left_to_fill(text: str, words: str, code: str) -> None:
    why, remedy = say(refused(text), code)
    assert why
    assert remedy
    assert not re.search(r"\{[a-z_]+\}", why + remedy)
    assert "\n" not in why + remedy


@pytest.mark.parametrize(("text", "words"), CASES)
def test_the_error_is_said_in_french_too(text: str, words: str) -> None:
    error = refused(text)
    for french, english in zip(say(error, "fr"), say(error, "en"), strict=True):
        assert french != english


def test_a_period_is_there_only_once() -> None:
    text = """\
periods:
  - {name: P21, first: 2021-02-01, last: 2021-07-18}
  - {name: P21, first: 2021-02-01, last: 2021-07-18}  # wrong
"""
    error = refused(text)
    assert (say(error, "en")[0], error.line) == ("the period P21 is there twice", 3)


def test_a_report_is_there_only_once() -> None:
    error = refused(P21 + "reports:\n  - {period: P21}\n  - {period: P21}\n")
    assert (say(error, "en")[0], error.line) == ("the report of P21 is there twice", 4)


def test_a_misspelt_key_gets_the_one_that_was_meant() -> None:
    error = refused("event: []")
    assert say(error, "en")[1] == "did you mean events?"


@pytest.mark.parametrize("name", ["a vote by nobody", "a number used twice", "left before joined"])
def test_the_whole_file_is_checked_whatever_the_instant(name: str) -> None:
    text = THREE + RULES[name][0]
    error = refused(text, datetime(2020, 6, 1, tzinfo=UTC))
    assert error.line == marked_line(text)


@pytest.mark.parametrize("name", RULES)
def test_what_is_wrong_is_wrong_only_because_of_that_line(name: str) -> None:
    """Without the line, the rest of each scenario makes sense: the error is about nothing else."""
    text = THREE + RULES[name][0]
    judged("\n".join(one for one in text.splitlines() if not one.rstrip().endswith(MARK)))


def test_only_the_first_thing_wrong_is_told() -> None:
    error = refused(
        THREE
        + "events:\n"
        + "  - {at: 2021-03-01, vote: AE1, by: ana, choice: for}\n"
        + "  - {at: 2021-03-02, vote: AE2, by: ana, choice: for}\n"
    )
    assert error.line == 6


def test_the_error_of_a_file_names_the_file(tmp_path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text("event: []\n", "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    assert caught.value.file == str(file)


def test_the_error_of_a_judgement_names_the_file(tmp_path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text(THREE + RULES["a vote by nobody"][0], "utf-8")
    scenario = load_scenario(file)
    with pytest.raises(ScenarioError) as caught:
        scenario.judge(datetime(2022, 1, 1, tzinfo=UTC))
    assert caught.value.file == str(file)


def test_what_is_not_utf_8_names_the_line_of_the_first_wrong_byte(tmp_path) -> None:
    file = tmp_path / "history.yaml"
    file.write_bytes("association:\n  name: Ça\n".encode("latin-1"))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    assert caught.value.line == 2
    assert say(caught.value, "en")[0] == "this is not text in UTF-8"


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x7f"])
def test_a_control_character_names_its_line(sign: str) -> None:
    error = refused(f"association:\n  name: a{sign}b\n")
    assert error.line == 2


@pytest.mark.parametrize(
    "zone",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "Europe",
        "Europe/",
        "",
        ".",
        "..",
        "zone.tab",
        "tzdata.zi",
        "__init__.py",
        "x" * 5000,
        "Europe/Paris\\0",
        "Été/Paris",
        "europe/PARIS/",
    ],
)
def test_no_word_for_a_time_zone_does_more_than_be_refused(zone: str) -> None:
    error = refused(f'association: {{time_zone: "{zone}"}}\n')
    assert error.line == 1


# --- charters ------------------------------------------------------------------------------------


def test_a_mistake_in_a_charter_names_its_own_line() -> None:
    text = (
        THREE + "charter:\n  preset: tout-doux-cratie\n"
        "  ordinary: {window: 3 days}\n  extraordinary:\n    windw: 3 days  # wrong\n"
    )
    assert refused(text).line == marked_line(text)


def test_an_unknown_key_of_a_charter_is_an_error_even_if_it_is_empty() -> None:
    text = THREE + "charter:\n  preset: tout-doux-cratie\n  extraordinray:  # wrong\n"
    assert refused(text).line == marked_line(text)


def test_very_many_empty_keys_are_read_in_time_that_grows_with_their_number() -> None:
    text = THREE + "association:\n" + "".join(f"  k{n}:\n" for n in range(50_000))
    assert "is not a key of" in say(refused(text), "en")[0]
