"""The counter-vote.

Source: "The counter-vote" in the rules.
"""

import pytest

from .story import Story, counted, day, outcome, tally


def under_counter_vote(kind="extraordinary"):
    """Proposed on day 0 in an association of seven, countered by bob on day 1."""
    story = Story(roll=7)
    story.propose(kind)
    story.call("AE1" if kind == "extraordinary" else "AO1", "bob", day=1)
    return story


@pytest.mark.parametrize("caller", ["ana", "bob", "cleo"])
def test_any_member_on_the_roll_may_call_one(caller):
    """The leader, somebody against, somebody for."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.vote("AE1", "for", "cleo")
    story.call("AE1", caller, reason="It smells", day=2)
    action = story.at(day=2)["AE1"]
    counter = action.counter_vote
    assert (action.state, counter.called_by, counter.reason) == (
        "counter_vote",
        caller,
        "It smells",
    )


def test_a_member_off_the_roll_may_not_call_one():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    with story.refused("zoe is not on the roll of AE1"):
        story.call("AE1", "zoe", day=1)


def test_somebody_struck_off_the_roll_may_not_call_one():
    story = Story(roll=7)
    story.leaves("bob", on=1)
    story.member("bob", joined=2)
    story.propose()
    with story.refused("bob is not on the roll of AE1"):
        story.call("AE1", "bob", day=3)


def test_one_can_be_called_while_open_or_contested():
    for number in (1, 8):
        story = Story(roll=7)
        story.propose()
        story.vote("AE1", "against", "bob", hour=1)
        story.call("AE1", "bob", day=number)
        assert story.at(day=number)["AE1"].state == "counter_vote"


def test_there_is_one_at_a_time():
    story = under_counter_vote()
    with story.refused("a counter-vote on AE1 is already under way"):
        story.call("AE1", "cleo", day=2)


@pytest.mark.parametrize("end", ["adopted", "cancelled", "withdrawn"])
def test_none_can_be_called_on_a_decided_action(end):
    story = Story(roll=7)
    story.propose()
    if end == "withdrawn":
        story.withdraw("AE1", day=1)
    else:
        choice = "for" if end == "adopted" else "against"
        story.vote("AE1", choice, "ana", "bob", "cleo", "dan", day=1)
    with story.refused("AE1 is already decided"):
        story.call("AE1", "bob", day=2)


def test_none_can_be_called_before_the_proposal():
    with (story := Story(roll=7)).refused("AE1 was not proposed before"):
        story.call("AE1", "bob")


def test_only_the_counter_vote_decides_whatever_the_actions_own_ballot_says():
    """All seven are for on the action's own ballot; four are for cancelling."""
    story = under_counter_vote()
    story.vote("AE1", "for", *story.members, day=2)
    story.counter("AE1", "for", "ana", "bob", "cleo", "dan", day=3)
    assert outcome(story.ends()["AE1"]) == ("cancelled", "counter_vote", day(3))


def test_the_end_of_the_actions_own_window_decides_nothing_under_a_counter_vote():
    story = under_counter_vote()
    assert story.at(day=7)["AE1"].state == "counter_vote"
    assert outcome(story.ends()["AE1"]) == ("adopted", "counter_vote_failed", day(8))


def test_the_last_vote_against_going_away_decides_nothing_under_a_counter_vote():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.call("AE1", "bob", day=2)
    story.unvote("AE1", "bob", day=3)
    assert story.at(day=7, hour=1)["AE1"].state == "counter_vote"


def test_the_actions_own_ballot_stays_open_to_the_end_of_its_window_for_the_record():
    story = under_counter_vote()
    story.vote("AE1", "for", "cleo", day=7, microsecond=-1)
    action = story.at(day=7)["AE1"]
    assert (tally(action), action.closes_at) == ((1, 0, 0), day(7))


def test_the_counter_vote_has_the_actions_roll():
    """Zoe, who has the right to vote by day 1, was not on the roll of day 0."""
    story = Story(roll=7)
    story.member("zoe", joined=-9)
    story.propose()
    story.call("AE1", "bob", day=2)
    story.counter("AE1", "for", "zoe", "bob", day=3)
    action = story.at(day=3)["AE1"]
    assert (action.roll_size, counted(action)) == (7, (1, 0, 0))


def test_the_action_is_cancelled_the_instant_the_votes_for_cancelling_reach_half_of_the_roll():
    story = under_counter_vote()
    story.counter("AE1", "for", "ana", "bob", "cleo", day=2)
    story.counter("AE1", "for", "dan", day=3, hour=4)
    assert outcome(story.ends()["AE1"]) == ("cancelled", "counter_vote", day(3, hours=4))


def test_otherwise_the_action_is_adopted_at_its_end():
    story = under_counter_vote()
    story.counter("AE1", "for", "ana", "bob", "cleo", day=2)
    assert outcome(story.ends()["AE1"]) == ("adopted", "counter_vote_failed", day(8))


def test_votes_against_cancelling_do_not_end_a_counter_vote_early():
    story = under_counter_vote()
    story.counter("AE1", "against", *story.members, day=2)
    assert story.at(day=3)["AE1"].state == "counter_vote"


def test_an_action_whose_counter_vote_failed_is_adopted_for_good():
    story = under_counter_vote()
    with story.refused("AE1 is already decided"):
        story.call("AE1", "cleo", day=8)


def test_an_ordinary_action_may_be_countered_too():
    story = under_counter_vote("ordinary")
    story.counter("AO1", "for", "ana", "bob", "cleo", "dan", day=2)
    assert outcome(story.ends()["AO1"]) == ("cancelled", "counter_vote", day(2))


def test_an_ordinary_action_that_started_is_told_to_pause_meanwhile():
    told = under_counter_vote("ordinary").at(day=2).next("AO1")
    assert "It may have started: it should pause meanwhile." in told


def test_an_extraordinary_action_that_could_not_start_is_not_told_to_pause():
    told = under_counter_vote().at(day=2).next("AE1")
    assert not [sentence for sentence in told if "pause" in sentence]


def test_when_a_short_counter_vote_fails_the_actions_own_ballot_goes_on_to_its_end():
    charter = {"preset": "tout-doux-cratie", "ordinary": {"counter_vote": {"window": "1 days"}}}
    story = Story(roll=7, charter=charter)
    story.propose("ordinary")
    story.call("AO1", "bob", day=1)
    story.vote("AO1", "for", "cleo", day=6)
    action = story.at(day=6)["AO1"]
    assert outcome(action) == ("adopted", "counter_vote_failed", day(2))
    assert (tally(action), action.closes_at) == ((1, 0, 0), day(7))


def test_a_counter_vote_without_a_threshold_always_fails():
    charter = {"preset": "tout-doux-cratie", "ordinary": {"counter_vote": {"cancels": "none"}}}
    story = Story(roll=7, charter=charter)
    story.propose("ordinary")
    story.call("AO1", "bob", day=1)
    story.counter("AO1", "for", *story.members, day=2)
    assert outcome(story.ends()["AO1"]) == ("adopted", "counter_vote_failed", day(8))


def test_a_counter_vote_can_be_decided_by_the_votes_expressed_on_it():
    """Two of three expressed are for cancelling: two thirds."""
    cancels = {"counter_vote": {"cancels": "at least 2/3 of expressed"}}
    story = Story(roll=7, charter={"preset": "tout-doux-cratie", "ordinary": cancels})
    story.propose("ordinary")
    story.call("AO1", "bob", day=1)
    story.counter("AO1", "against", "ana", day=2)
    story.counter("AO1", "for", "bob", day=3)
    story.counter("AO1", "for", "cleo", day=4)
    assert outcome(story.ends()["AO1"]) == ("cancelled", "counter_vote", day(4))
