"""The two worked cases at the end of the rules, to the letter."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from toutdoux import demo
from toutdoux.core.history import GrantVotingRight
from toutdoux.scenario import load_scenario

from .story import Story, counted, day, outcome, tally

# --- case 1: the semester ------------------------------------------------------------------------

SUMMER = datetime(2021, 7, 19, tzinfo=UTC)


@pytest.fixture(scope="module")
def semester():
    return load_scenario(Path(demo.__file__).with_name("loutres.yaml"))


@pytest.fixture(scope="module")
def actions(semester):
    return semester.judge(SUMMER).actions


def test_there_are_29_members_in_the_end(semester):
    assert semester.chronicle.members_on(date(2021, 7, 18)) == 29


def test_extraordinary_27_to_32_and_ordinary_14_to_19_were_proposed(actions):
    expected = {f"AE{number}" for number in range(27, 33)}
    expected |= {f"AO{number}" for number in range(14, 20)}
    assert set(actions) == expected


@pytest.mark.parametrize(
    ("ref", "votes"), [("AE28", 15), ("AE29", 15), ("AE30", 18), ("AE31", 15), ("AE32", 17)]
)
def test_extraordinary_28_to_32_are_adopted_by_majority_at_the_15th_vote_for(actions, ref, votes):
    action = actions[ref]
    assert (action.state, action.decision.how) == ("adopted", "majority")
    assert action.decision.tally.for_ == 15
    assert action.roll_size in (28, 29)
    assert (action.ballot.for_, action.ballot.expressed) == (votes, votes)
    assert action.decision.at < action.closes_at


def test_extraordinary_27_gathers_10_for_and_3_neutral_and_is_adopted_unopposed(actions):
    action = actions["AE27"]
    assert (tally(action), action.ballot.expressed) == ((10, 0, 3), 13)
    assert outcome(action) == ("adopted", "unopposed", action.proposed_at + timedelta(days=7))


def test_ordinary_15_gathers_14_of_14_and_is_adopted_unopposed(actions):
    action = actions["AO15"]
    assert (tally(action), action.ballot.expressed) == ((14, 0, 0), 14)
    assert action.roll_size >= 2 * 14
    assert outcome(action) == ("adopted", "unopposed", action.proposed_at + timedelta(days=7))


def test_extraordinary_32_gives_somebody_the_right_to_vote_before_the_10_days_are_over(
    semester, actions
):
    action = actions["AE32"]
    (effect,) = action.effects
    assert isinstance(effect, GrantVotingRight)
    members = {member.id: member for member in semester.chronicle.history.members}
    joined = members[effect.member].memberships[-1].joined
    assert joined <= action.decision.at < joined + timedelta(days=10)


def test_29_and_31_carry_a_condition(actions):
    assert {ref for ref, action in actions.items() if action.condition} == {"AE29", "AE31"}


def test_27_and_ordinary_19_are_standing(actions):
    standing = {ref for ref, action in actions.items() if action.follow_up == "standing"}
    assert standing == {"AE27", "AO19"}


# --- case 2: a counter-vote ----------------------------------------------------------------------


def case_2():
    """Roll of 7. Day 0: proposed, extraordinary. Day 1: three for, one against."""
    story = Story(roll=7)
    story.propose("extraordinary", day=0)
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.vote("AE1", "against", "dan", day=1)
    return story


def countered():
    """Day 9: the person against calls a counter-vote. Day 10: three for cancelling."""
    story = case_2()
    story.call("AE1", "dan", day=9)
    story.counter("AE1", "for", "dan", "eva", "fay", day=10)
    return story


def test_case_2_is_contested_on_day_7():
    story = case_2()
    assert story.at(day=6)["AE1"].state == "open"
    assert story.at(day=7)["AE1"].state == "contested"
    assert story.at(day=7)["AE1"].roll_size == 7


def test_case_2_three_of_seven_for_cancelling_is_less_than_half():
    action = countered().at(day=10)["AE1"]
    assert (action.state, counted(action)) == ("counter_vote", (3, 0, 0))


def test_case_2_is_adopted_on_day_16_because_the_counter_vote_failed():
    story = countered()
    assert story.at(day=15)["AE1"].state == "counter_vote"
    assert outcome(story.at(day=16)["AE1"]) == ("adopted", "counter_vote_failed", day(16))


def test_case_2_had_a_fourth_person_voted_for_cancelling_on_day_12():
    story = countered()
    story.counter("AE1", "for", "gus", day=12)
    assert outcome(story.at(day=16)["AE1"]) == ("cancelled", "counter_vote", day(12))


@pytest.mark.parametrize("gone", ["ana", "bob", "cleo", "gus"])
def test_case_2_had_one_of_the_four_who_had_not_voted_for_cancelling_left_on_day_11(gone):
    """3 of 6 is half."""
    story = countered()
    story.leaves(gone, on=11)
    action = story.at(day=16)["AE1"]
    assert outcome(action) == ("cancelled", "counter_vote", day(11))
    assert action.roll_size == 6
