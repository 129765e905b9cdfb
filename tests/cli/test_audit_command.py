"""`toutdoux audit`: what was done without the action that the charter asks for."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from toutdoux.core.audit import Finding, audit
from toutdoux.core.journal import EntryKind
from toutdoux.language import Language
from toutdoux.scenario import read_scenario

from .running import DEMO, FRENCH, run

NEEDS = {
    "service_opened": "extraordinary",
    "service_closed": "extraordinary",
    "course_opened": "extraordinary",
    "grant": "extraordinary",
    "account_opened": "ordinary",
    "access_given": "ordinary",
}
GRANT = "grant: {funder: Fonds, asked: {amount: 1 EUR, date: 2021-03-10}}"

HEAD = """\
association: {time_zone: Europe/Paris}
members:
  - {id: ana, joined: 2020-01-01, founder: true}
  - {id: bob, joined: 2020-01-01, founder: true}
  - {id: eva, joined: 2020-01-01, founder: true}
periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]
"""
EXTRAORDINARY = (
    "  - {at: 2021-03-01 10:00, propose: extraordinary, number: 1, by: ana, object: o}\n"
)
ORDINARY = "  - {at: 2021-03-01 10:00, propose: ordinary, number: 1, by: ana, object: o}\n"


def votes(ref: str, day: str, choice: str = "for") -> str:
    """Two of three votes: AE1 or AO1 is decided at noon of that day."""
    return (
        f"  - {{at: {day} 11:00, vote: {ref}, by: ana, choice: {choice}}}\n"
        f"  - {{at: {day} 12:00, vote: {ref}, by: bob, choice: {choice}}}\n"
    )


def findings(
    events: str,
    kind: str = "service_opened",
    day: str = "2021-03-10",
    actions: str = "",
    charter: str = "tout-doux-cratie",
    period: str = "",
) -> list[Finding]:
    """The findings on one entry of the journal, or none."""
    text = (
        HEAD
        + f"charter: {charter}\n"
        + (f"events:\n{events}" if events else "")
        + f"journal:\n  - {{kind: {kind}, title: Fait, date: {day}, actions: [{actions}]"
        + (f", {GRANT}" if kind == "grant" else "")
        + (f", period: {period}" if period else "")
        + "}\n"
    )
    scenario = read_scenario(text)
    standing = scenario.judge(datetime(2030, 1, 1, tzinfo=UTC))
    return [*audit(scenario.chronicle, standing, scenario.chronicle.periods[0])]


def why(events: str, **more: str) -> str | None:
    """Why the only entry is found; None when it is in order."""
    found = findings(events, **more)
    assert len(found) <= 1
    zone = read_scenario(HEAD).chronicle.zone
    return Language("en", zone).say(found[0].why) if found else None


# --- what needs an action ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [one for one in EntryKind if one is not EntryKind.REQUEST])
def test_the_preset_says_which_entries_need_which_action(kind: EntryKind) -> None:
    needed = [str(finding.needed) for finding in findings("", kind=kind)]
    assert needed == ([NEEDS[kind]] if kind in NEEDS else [])


def test_a_request_needs_none() -> None:
    text = HEAD + ("journal:\n  - {kind: request, title: t, request: {to: x, sent: 2021-03-10}}\n")
    scenario = read_scenario(text)
    standing = scenario.judge(datetime(2030, 1, 1, tzinfo=UTC))
    assert not [*audit(scenario.chronicle, standing, scenario.chronicle.periods[0])]


@pytest.mark.parametrize("preset", ["lazy-consensus", "simple-majority"])
def test_the_other_presets_ask_for_the_same(preset: str) -> None:
    assert [str(one.needed) for one in findings("", charter=preset)] == ["extraordinary"]
    assert not findings("", kind="event", charter=preset)


def test_an_association_may_ask_for_more() -> None:
    charter = "{preset: tout-doux-cratie, needs_action: {event: ordinary}}"
    assert [str(one.needed) for one in findings("", kind="event", charter=charter)] == ["ordinary"]


def test_an_association_may_ask_for_less() -> None:
    charter = "{preset: tout-doux-cratie, needs_action: {service_opened: none}}"
    assert not findings("", charter=charter)


# --- by what -------------------------------------------------------------------------------------


def test_without_an_action_it_went_past_them() -> None:
    assert why("") == "no action covers it"


def test_an_extraordinary_action_that_was_adopted_before_covers_it() -> None:
    assert why(EXTRAORDINARY + votes("AE1", "2021-03-02"), actions="AE1") is None


def test_an_ordinary_action_does_not_do_for_an_extraordinary_one() -> None:
    assert why(ORDINARY, actions="AO1") == "it is covered only by AO1"


@pytest.mark.parametrize("kind", ["account_opened", "access_given"])
def test_either_kind_does_where_an_ordinary_action_is_needed(kind: str) -> None:
    assert why(ORDINARY, kind=kind, actions="AO1") is None
    assert why(EXTRAORDINARY + votes("AE1", "2021-03-02"), kind=kind, actions="AE1") is None


def test_one_fitting_action_among_several_is_enough() -> None:
    events = EXTRAORDINARY + ORDINARY + votes("AE1", "2021-03-02")
    assert why(events, actions="AO1, AE1") is None


# --- when ----------------------------------------------------------------------------------------


def test_it_was_done_on_the_very_day_the_action_was_adopted() -> None:
    """An entry has a day, not an hour."""
    events = EXTRAORDINARY + votes("AE1", "2021-03-02")
    assert why(events, actions="AE1", day="2021-03-02") is None


def test_it_was_done_the_day_before_the_action_was_adopted() -> None:
    events = EXTRAORDINARY + votes("AE1", "2021-03-02")
    assert (
        why(events, actions="AE1", day="2021-03-01")
        == "AE1 might not start before 2 March 2021 at 12:00"
    )


def test_it_was_done_on_the_day_an_ordinary_action_was_proposed() -> None:
    assert why(ORDINARY, kind="access_given", actions="AO1", day="2021-03-01") is None


def test_it_was_done_before_an_ordinary_action_was_proposed() -> None:
    assert (
        why(ORDINARY, kind="access_given", actions="AO1", day="2021-02-28")
        == "AO1 might not start before 1 March 2021 at 10:00"
    )


def test_the_day_is_the_local_one() -> None:
    """Adopted at 0:30 on 3 March in Paris, which is still 2 March in UTC."""
    events = EXTRAORDINARY + (
        "  - {at: 2021-03-02 11:00, vote: AE1, by: ana, choice: for}\n"
        "  - {at: 2021-03-03 00:30, vote: AE1, by: bob, choice: for}\n"
    )
    assert why(events, actions="AE1", day="2021-03-03") is None
    assert why(events, actions="AE1", day="2021-03-02") is not None


def test_a_span_counts_from_its_first_day() -> None:
    events = EXTRAORDINARY + votes("AE1", "2021-03-02")
    span = "{first: 2021-03-01, last: 2021-03-20}"
    assert why(events, actions="AE1", day=span) is not None
    span = "{first: 2021-03-02, last: 2021-03-20}"
    assert why(events, actions="AE1", day=span) is None


# --- what became of the action -------------------------------------------------------------------


def test_an_action_that_is_still_open_does_not_cover_it() -> None:
    text = (
        HEAD
        + f"events:\n{EXTRAORDINARY}"
        + (
            "journal:\n  - {kind: grant, title: t, actions: [AE1], "
            "grant: {funder: f, asked: {amount: 1 EUR, date: 2021-03-02}}}\n"
        )
    )
    scenario = read_scenario(text)
    standing = scenario.judge(datetime(2021, 3, 3, tzinfo=UTC))
    (found,) = audit(scenario.chronicle, standing, scenario.chronicle.periods[0])
    assert Language("en").say(found.why) == "AE1 is not adopted"


def test_an_action_that_was_cancelled_does_not_cover_it() -> None:
    events = EXTRAORDINARY + votes("AE1", "2021-03-02", "against")
    assert why(events, actions="AE1") == "AE1 was cancelled on 2 March 2021 at 12:00"


def test_an_action_that_was_withdrawn_does_not_cover_it() -> None:
    events = EXTRAORDINARY + "  - {at: 2021-03-02 12:00, withdraw: AE1, by: ana}\n"
    assert why(events, actions="AE1") == "AE1 was withdrawn on 2 March 2021 at 12:00"


def test_what_was_done_before_an_ordinary_action_was_cancelled_is_in_order() -> None:
    events = ORDINARY + votes("AO1", "2021-03-05", "against")
    assert why(events, kind="access_given", actions="AO1", day="2021-03-04") is None
    assert why(events, kind="access_given", actions="AO1", day="2021-03-05") is None
    assert why(events, kind="access_given", actions="AO1", day="2021-03-06") is not None


def test_a_condition_that_was_not_met_keeps_an_action_from_covering_it() -> None:
    events = EXTRAORDINARY.replace("object: o", "object: o, condition: si Eva veut")
    events += votes("AE1", "2021-03-02")
    assert why(events, actions="AE1") == "the condition of AE1 was not recorded as met"


def test_a_condition_that_was_met_too_late_does_so_too() -> None:
    events = EXTRAORDINARY.replace("object: o", "object: o, condition: si Eva veut")
    events += votes("AE1", "2021-03-02")
    events += "  - {at: 2021-03-08 09:00, condition_met: AE1, by: ana}\n"
    assert why(events, actions="AE1") is None
    assert (
        why(events, actions="AE1", day="2021-03-07")
        == "AE1 might not start before 8 March 2021 at 9:00"
    )


# --- by which charter ----------------------------------------------------------------------------

AMENDED = (
    "  - {at: 2021-03-01 10:00, propose: extraordinary, number: 1, by: ana, object: o, effects: "
    "[{amend_charter: {preset: tout-doux-cratie, needs_action: {service_opened: none}}}]}\n"
) + votes("AE1", "2021-03-02")


def test_it_is_judged_by_the_charter_that_was_in_force_on_that_day() -> None:
    assert why(AMENDED, day="2021-03-01") == "no action covers it"
    assert why(AMENDED, day="2021-03-03") is None


def test_a_charter_that_came_into_force_during_the_day_counts_for_it() -> None:
    assert why(AMENDED, day="2021-03-02") is None


# --- of which period -----------------------------------------------------------------------------


def test_what_is_told_in_the_period_is_audited_whenever_it_was_done() -> None:
    assert why("", day="2020-11-12", period="P21") == "no action covers it"


def test_what_is_told_elsewhere_is_not() -> None:
    assert not findings("", day="2020-11-12")


# --- the command ---------------------------------------------------------------------------------


def test_the_audit_of_the_demo_finds_the_two_things_that_lack_an_action() -> None:
    done = run("audit", "P21", "--scenario", DEMO, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout)
    assert [
        (one["date"], one["kind"], one["needs"], one["actions"], one["why"]) for one in data
    ] == [
        ("2021-03-18", "grant", "extraordinary", [], "no action covers it"),
        ("2021-06-19", "service_opened", "extraordinary", [], "no action covers it"),
    ]
    assert list(data[0]) == ["date", "kind", "title", "needs", "actions", "why"]


def test_the_audit_as_a_table() -> None:
    text = run("audit", "P21", "--scenario", DEMO).stdout
    for word in ("2021-03-18", "2021-06-19", "an extraordinary action", "no action covers it"):
        assert word in text


def test_the_audit_in_french() -> None:
    text = run("audit", "P21", "--scenario", DEMO, env=FRENCH).stdout
    for word in ("18-03-2021", "19-06-2021", "une action extraordinaire"):
        assert word in text


def test_nothing_to_say_is_said(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text(HEAD, "utf-8")
    done = run("audit", "P21", "--scenario", file)
    assert (done.returncode, done.stdout) == (0, "All that needed an action had one.\n")
