"""Instants, windows, what comes first at one instant, and clocks that change.

Source: "Time" in the rules.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from toutdoux.core.charter import read_charter
from toutdoux.core.history import AmendCharter
from toutdoux.core.instants import (
    first_instant,
    local_instant,
    read_date,
    read_duration,
    read_instant,
    utc_text,
)
from toutdoux.core.words import Refusal
from toutdoux.scenario import read_scenario

from .story import TICK, Story, day, english, outcome, tally

PARIS = ZoneInfo("Europe/Paris")


def read(text, zone="Europe/Paris"):
    return utc_text(read_instant(text, ZoneInfo(zone)))


# --- reading and writing instants ----------------------------------------------------------------


def test_an_instant_with_an_offset_is_that_instant():
    assert read("2021-03-01T10:00:00+01:00") == "2021-03-01T09:00:00Z"
    assert read("2021-03-01T10:00:00Z") == "2021-03-01T10:00:00Z"


def test_a_local_time_is_read_in_the_associations_time_zone():
    assert read("2021-03-01 10:00") == "2021-03-01T09:00:00Z"
    assert read("2021-07-01T10:00:00") == "2021-07-01T08:00:00Z"


def test_a_date_is_its_first_instant_in_the_associations_time_zone():
    assert read("2021-03-01") == "2021-02-28T23:00:00Z"


def test_a_local_time_that_exists_twice_is_the_first():
    """On 31 October 2021 the clocks go from 3:00 back to 2:00: 2:30 is first 0:30 UTC."""
    assert read("2021-10-31T02:30:00") == "2021-10-31T00:30:00Z"


def test_a_local_time_that_does_not_exist_is_the_first_instant_after_the_gap():
    """On 28 March 2021 the clocks go from 2:00 to 3:00, at 1:00 UTC."""
    for inside in ("02:00:00", "02:30:00", "02:59:59"):
        assert read(f"2021-03-28T{inside}") == "2021-03-28T01:00:00Z"
    assert read("2021-03-28T01:59:59") == "2021-03-28T00:59:59Z"
    assert read("2021-03-28T03:00:00") == "2021-03-28T01:00:00Z"


@pytest.mark.parametrize(
    ("zone", "text", "instant"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"),  # midnight is skipped
        ("America/Havana", "2021-11-07", "2021-11-07T04:00:00Z"),  # midnight exists twice
        ("Australia/Lord_Howe", "2021-10-03T02:10:00", "2021-10-02T15:30:00Z"),  # half an hour
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"),  # the whole day is skipped
    ],
)
def test_unusual_clocks_are_read_alike(zone, text, instant):
    assert read(text, zone) == instant


def test_reading_a_local_time_and_a_date_agree():
    assert local_instant(datetime(2021, 3, 28, 2, 30), PARIS) == datetime(
        2021, 3, 28, 1, tzinfo=UTC
    )
    assert first_instant(date(2021, 3, 28), PARIS) == datetime(2021, 3, 27, 23, tzinfo=UTC)


def test_instants_are_written_in_utc_to_the_second_with_a_fraction_only_if_there_is_one():
    assert utc_text(datetime(2021, 3, 2, 18, 2, tzinfo=PARIS)) == "2021-03-02T17:02:00Z"
    half = datetime(2021, 3, 2, 17, 2, 0, 500_000, tzinfo=UTC)
    assert read(utc_text(half)) == utc_text(half)
    assert utc_text(half).startswith("2021-03-02T17:02:00.5")


@pytest.mark.parametrize(
    "text", ["2021-02-30", "2021-02-30T10:00:00", "2021-03-01T25:00:00", "tomorrow", "1614590000"]
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(Refusal) as caught:
        read(text)
    assert text in english(caught.value.why)


def test_a_date_that_does_not_exist_is_refused():
    with pytest.raises(Refusal):
        read_date("2021-02-29")
    assert read_date("2020-02-29") == date(2020, 2, 29)


def test_seven_days_are_seven_times_twenty_four_hours():
    assert read_duration("7 days") == timedelta(hours=168)


def test_seven_days_across_a_clock_change_end_an_hour_later_by_the_clock():
    """Proposed on 25 March at 18:00 in Paris; on 28 March the clocks go forward."""
    text = """
association: {name: Les Loutres libres, time_zone: Europe/Paris}
members:
  - {id: ana, joined: 2020-01-01, founder: true}
events:
  - {at: 2021-03-25 18:00, propose: extraordinary, by: ana, object: x}
"""
    action = read_scenario(text).judge(datetime(2022, 1, 1, tzinfo=UTC)).actions["AE1"]
    assert action.decision.at.astimezone(PARIS) == datetime(2021, 4, 1, 19, 0, tzinfo=PARIS)
    assert action.decision.at - action.proposed_at == timedelta(hours=168)


# --- windows -------------------------------------------------------------------------------------


def test_a_vote_just_before_the_end_of_the_window_counts():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=7, microsecond=-1)
    assert tally(story.ends()["AE1"]) == (1, 0, 0)


def test_a_vote_at_the_end_of_the_window_is_too_late():
    story = Story(roll=7)
    story.propose()
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "bob", day=7)


def test_a_vote_at_the_instant_of_the_proposal_counts():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana")
    assert tally(story.at(day=0)["AE1"]) == (1, 0, 0)


def test_a_counter_votes_window_ends_before_a_vote_of_that_instant():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "bob", day=8, microsecond=-1)
    with story.refused("the counter-vote on AE1 closed on"):
        story.counter("AE1", "for", "cleo", day=8)


def test_a_counter_vote_called_at_the_end_of_the_contest_window_is_too_late():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    with story.refused("AE1 is already decided"):
        story.call("AE1", "bob", day=14)


def test_a_counter_vote_called_at_the_end_of_an_ordinary_actions_window_is_too_late():
    story = Story(roll=7)
    story.propose("ordinary")
    story.vote("AO1", "against", "bob", day=1)
    with story.refused("AO1 is already decided"):
        story.call("AO1", "bob", day=7)


def test_an_amendment_when_the_correction_is_over_starts_the_vote_again():
    story = Story(roll=7)
    story.propose()
    story.amend("AE1", minute=5)
    assert story.at(day=1)["AE1"].window_end == day(7, minutes=5)


# --- the instant that is asked about -------------------------------------------------------------


def test_a_window_has_ended_at_the_instant_of_its_end():
    story = Story(roll=7)
    story.propose()
    assert story.at(day(7) - TICK)["AE1"].state == "open"
    assert outcome(story.at(day(7))["AE1"]) == ("adopted", "unopposed", day(7))


def test_what_happens_at_the_instant_that_is_asked_about_has_happened():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=2)
    assert story.at(day(2) - TICK)["AE1"].state == "open"
    assert outcome(story.at(day(2))["AE1"]) == ("adopted", "majority", day(2))


def test_what_comes_after_the_instant_is_left_out():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", day=1)
    story.vote("AE1", "against", "bob", day=2)
    story.propose(day=3)
    now = story.at(day(2) - TICK)
    assert tally(now["AE1"]) == (1, 0, 0)
    assert list(now.standing.actions) == ["AE1"]


def test_the_state_is_the_same_however_often_it_is_asked():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", day=1)
    assert story.at(day=3).data("AE1") == story.at(day=3).data("AE1")


# --- at one instant ------------------------------------------------------------------------------


def test_at_one_instant_windows_end_before_departures():
    """Bob, against, leaves when the window ends: he is still counted, so it is contested; then he
    is struck off at that very instant, and nobody is against any more."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.leaves("bob", on=7)
    action = story.at(day=7)["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(7))
    assert action.decision.contested
    assert action.roll_size == 6


def test_somebody_who_leaves_when_the_window_ends_is_on_the_roll_of_that_decision():
    story = Story(roll=7)
    story.propose()
    story.leaves("bob", on=7)
    action = story.at(day=7)["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(7))
    assert action.roll_size == 7


def test_at_one_instant_departures_come_before_votes():
    """Three of seven against; gus leaves on day 1: three of six cancel, and dan is too late."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", hour=1)
    story.leaves("gus", on=1)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "dan", day=1)
    assert outcome(story.at(day=1)["AE1"]) == ("cancelled", "opposed", day(1))


def test_all_departures_of_an_instant_happen_together():
    """Three of eight are against when two of them and two others leave: one of four remains.

    One after another, gus and hal leaving first would make it three of six, and cancel.
    """
    story = Story(roll=8)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", day=1)
    story.leaves("gus", "hal", "ana", "bob", on=2)
    action = story.at(day=2)["AE1"]
    assert action.state == "open"
    assert (tally(action), action.roll_size) == ((0, 1, 0), 4)


def test_departures_of_an_instant_happen_together_whatever_the_names():
    story = Story(roll=8)
    story.propose()
    story.vote("AE1", "against", "fay", "gus", "hal", day=1)
    story.leaves("ana", "bob", "gus", "hal", on=2)
    assert story.at(day=2)["AE1"].state == "open"


def test_windows_that_end_at_one_instant_end_in_order_of_proposal():
    """AE1 and AE2 both change the charter on day 7: AE2, proposed later, has the last word."""
    story = Story(roll=7)
    for preset in ("lazy-consensus", "simple-majority"):
        story.propose(effects=(AmendCharter(read_charter(preset)),))
    story.propose("ordinary", day=7)
    assert story.at(day=7)["AO1"].charter.charter.preset == "simple-majority"
    charters = story.at(day=7).standing.charters
    assert [version.by_action for version in charters] == [None, "AE1", "AE2"]


def test_what_a_windows_end_brings_about_is_in_force_for_what_follows_at_that_instant():
    story = Story(roll=7)
    story.propose(effects=(AmendCharter(read_charter("lazy-consensus")),))
    story.propose("ordinary", day=7)
    assert story.at(day=7)["AO1"].window_end == day(10)


def test_the_rest_of_an_instant_happens_in_the_order_it_was_recorded():
    """A proposal recorded before the grant of that instant does not have zoe on its roll."""
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    story.grant("zoe")
    story.propose()
    now = story.at(day=0)
    assert (now["AE1"].roll_size, now["AE2"].roll_size) == (7, 8)


def test_the_order_of_votes_by_different_people_at_one_instant_does_not_matter():
    """Four for make a majority of seven, three others are against at that very instant."""
    votes = [("ana", "for"), ("bob", "for"), ("cleo", "for"), ("dan", "for")]
    votes += [("eva", "against"), ("fay", "against"), ("gus", "against")]
    for order in (votes, votes[::-1]):
        story = Story(roll=7)
        story.propose()
        for name, choice in order:
            story.vote("AE1", choice, name, day=1)
        action = story.at(day=1)["AE1"]
        assert outcome(action) == ("adopted", "majority", day(1))
        assert tally(action) == (4, 3, 0)


def test_a_majority_comes_before_a_cancellation_of_the_same_instant():
    charter = {
        "preset": "tout-doux-cratie",
        "extraordinary": {"adopted_early": "1 votes", "cancelled_early": "1 votes"},
    }
    for names in (("for", "against"), ("against", "for")):
        story = Story(roll=7, charter=charter)
        story.propose()
        for choice in names:
            story.vote("AE1", choice, {"for": "ana", "against": "bob"}[choice], day=1)
        assert outcome(story.at(day=1)["AE1"]) == ("adopted", "majority", day(1))


def test_a_cancellation_comes_before_nobody_being_against():
    """Contested by bob; at one instant he becomes neutral, and the two it takes are against."""
    charter = {
        "preset": "tout-doux-cratie",
        "extraordinary": {"cancelled_early": "2 votes"},
    }
    story = Story(roll=7, charter=charter)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.vote("AE1", "abstain", "bob", day=8)
    story.vote("AE1", "against", "cleo", "dan")
    assert outcome(story.at(day=8)["AE1"]) == ("cancelled", "opposed", day(8))


def test_the_fourth_vote_for_and_a_withdrawal_at_one_instant_leave_it_open():
    for reverse in (False, True):
        story = Story(roll=7)
        story.propose()
        story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
        told = [
            lambda s: s.vote("AE1", "for", "dan", day=2),
            lambda s: s.unvote("AE1", "ana", day=2),
        ]
        for tell in told[::-1] if reverse else told:
            tell(story)
        assert story.at(day=2)["AE1"].state == "open"


def test_votes_of_an_instant_are_settled_before_a_counter_vote_of_that_instant():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    with story.refused("AE1 is already decided"):
        story.call("AE1", "gus")


def test_an_action_adopted_by_votes_may_start_at_that_very_instant():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    story.follow_up("AE1", "doing")
    assert story.at(day=1)["AE1"].follow_up == "doing"


def test_the_proposal_of_another_action_does_not_come_between_votes_of_one_instant():
    """Dan's vote would adopt AE1; ana withdraws hers at that instant, after an unrelated AE2 was
    proposed: the order of their votes does not matter."""
    for first, second in (("dan", "ana"), ("ana", "dan")):
        story = Story(roll=7)
        story.propose()
        story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
        for name in (first, second):
            if name == "dan":
                story.vote("AE1", "for", "dan", day=2)
            else:
                story.unvote("AE1", "ana", day=2)
            if name == first:
                story.propose(by="eva")
        assert story.at(day=2)["AE1"].state == "open"
