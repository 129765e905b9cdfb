"""The three presets, row by row.

Source: the table of "The charter" in the rules, and the paragraph after it.
"""

from datetime import timedelta

import pytest

from toutdoux.core.charter import read_charter

from .story import TICK, Story, day, outcome

BOTH = pytest.mark.parametrize(("kind", "ref"), [("ordinary", "AO1"), ("extraordinary", "AE1")])


def proposed(kind, charter="tout-doux-cratie", roll=7):
    story = Story(roll=roll, charter=charter)
    story.propose(kind)
    return story


@pytest.mark.parametrize("preset", ["tout-doux-cratie", "lazy-consensus", "simple-majority"])
def test_all_presets_give_the_right_to_vote_after_ten_days_and_five_minutes_to_correct(preset):
    charter = read_charter(preset)
    assert charter.voting_right_delay == timedelta(days=10)
    assert charter.correction == timedelta(minutes=5)


# --- tout-doux-cratie ----------------------------------------------------------------------------


def test_an_ordinary_action_may_start_when_proposed():
    assert proposed("ordinary").at(day=0)["AO1"].may_start_at == day(0)


def test_an_extraordinary_action_may_start_when_adopted():
    story = proposed("extraordinary")
    assert story.at(day(7) - TICK)["AE1"].may_start_at is None
    assert story.at(day(7))["AE1"].may_start_at == day(7)


@BOTH
def test_the_vote_is_open_for_seven_days(kind, ref):
    assert proposed(kind).at(day=0)[ref].window_end == day(7)


@BOTH
@pytest.mark.parametrize(("roll", "enough"), [(6, 4), (7, 4), (8, 5), (1, 1)])
def test_adopted_early_when_for_is_more_than_half_of_the_roll(kind, ref, roll, enough):
    story = proposed(kind, roll=roll)
    people = list(story.members)
    story.vote(ref, "for", *people[: enough - 1], day=1)
    story.vote(ref, "for", people[enough - 1], day=2)
    assert story.at(day=1)[ref].state == "open"
    assert outcome(story.at(day=2)[ref]) == ("adopted", "majority", day(2))


@BOTH
@pytest.mark.parametrize(("roll", "enough"), [(6, 3), (7, 4), (8, 4), (1, 1)])
def test_cancelled_early_when_against_is_at_least_half_of_the_roll(kind, ref, roll, enough):
    story = proposed(kind, roll=roll)
    people = list(story.members)
    story.vote(ref, "against", *people[: enough - 1], day=1)
    story.vote(ref, "against", people[enough - 1], day=2)
    assert story.at(day=1)[ref].state == "open"
    assert outcome(story.at(day=2)[ref]) == ("cancelled", "opposed", day(2))


@BOTH
def test_adopted_at_the_end_of_the_window_when_nobody_is_against(kind, ref):
    story = proposed(kind)
    story.vote(ref, "for", "bob", day=1)
    story.vote(ref, "abstain", "cleo")
    assert outcome(story.ends()[ref]) == ("adopted", "unopposed", day(7))


@BOTH
def test_adopted_at_the_end_of_the_window_when_nobody_voted(kind, ref):
    assert outcome(proposed(kind).ends()[ref]) == ("adopted", "unopposed", day(7))


@BOTH
def test_nobody_is_against_when_everybody_who_was_has_thought_better_of_it(kind, ref):
    story = proposed(kind)
    story.vote(ref, "against", "bob", "cleo", day=1)
    story.unvote(ref, "bob", day=2)
    story.vote(ref, "abstain", "cleo", day=3)
    assert story.at(day=3)[ref].state == "open"
    assert outcome(story.ends()[ref]) == ("adopted", "unopposed", day(7))


def test_an_ordinary_action_is_adopted_at_the_end_of_the_window_when_somebody_is_against():
    story = proposed("ordinary")
    story.vote("AO1", "against", "bob", day=1)
    assert outcome(story.ends()["AO1"]) == ("adopted", "no_counter_vote", day(7))


def test_an_extraordinary_action_is_contested_at_the_end_of_the_window_when_somebody_is_against():
    story = proposed("extraordinary")
    story.vote("AE1", "for", "ana", "cleo", "dan", day=1)
    story.vote("AE1", "against", "bob")
    action = story.at(day=7)["AE1"]
    assert (action.state, action.decision, action.closes_at) == ("contested", None, day(14))


def test_a_contested_action_is_adopted_when_no_counter_vote_was_called_in_seven_more_days():
    story = proposed("extraordinary")
    story.vote("AE1", "against", "bob", day=1)
    assert story.at(day(14) - TICK)["AE1"].state == "contested"
    assert outcome(story.at(day(14))["AE1"]) == ("adopted", "no_counter_vote", day(14))


@BOTH
def test_a_counter_vote_is_open_for_seven_days(kind, ref):
    story = proposed(kind)
    story.call(ref, "bob", day=2)
    assert story.at(day=2)[ref].counter_vote.closes_at == day(9)


@BOTH
@pytest.mark.parametrize(("roll", "enough"), [(6, 3), (7, 4), (8, 4), (2, 1)])
def test_a_counter_vote_cancels_when_half_of_the_roll_is_for_cancelling(kind, ref, roll, enough):
    story = proposed(kind, roll=roll)
    people = list(story.members)
    story.call(ref, "bob", day=1)
    story.counter(ref, "for", *people[: enough - 1], day=2)
    story.counter(ref, "for", people[enough - 1], day=3)
    assert story.at(day=2)[ref].state == "counter_vote"
    assert outcome(story.at(day=3)[ref]) == ("cancelled", "counter_vote", day(3))


def test_every_number_is_a_parameter():
    """Windows of 3, 2 and 1 days; a third adopts, a quarter cancels, one counter-vote is enough."""
    rules = {
        "window": "3 days",
        "adopted_early": "at least 1/3 of roll",
        "cancelled_early": "at least 1/4 of roll",
        "contest_window": "2 days",
        "counter_vote": {"window": "1 days", "cancels": "1 votes"},
    }
    charter = {"preset": "tout-doux-cratie", "ordinary": rules}
    told = [
        (lambda s: s.vote("AO1", "for", "ana", "bob", "cleo", day=1), ("adopted", "majority", 1)),
        (lambda s: s.vote("AO1", "against", "ana", "bob", day=1), ("cancelled", "opposed", 1)),
        (lambda s: s.vote("AO1", "against", "ana", day=1), ("adopted", "no_counter_vote", 5)),
        (lambda s: s.call("AO1", "ana", day=2), ("adopted", "counter_vote_failed", 3)),
    ]
    for tell, (state, how, number) in told:
        story = proposed("ordinary", charter)
        tell(story)
        assert outcome(story.ends()["AO1"]) == (state, how, day(number))


# --- lazy-consensus ------------------------------------------------------------------------------


@BOTH
def test_lazy_consensus_takes_72_hours(kind, ref):
    assert proposed(kind, "lazy-consensus").at(day=0)[ref].window_end == day(0, hours=72)


@BOTH
def test_in_lazy_consensus_one_vote_against_cancels_at_once(kind, ref):
    story = proposed(kind, "lazy-consensus")
    story.vote(ref, "against", "bob", day=1)
    assert outcome(story.at(day=1)[ref]) == ("cancelled", "opposed", day(1))


@BOTH
def test_in_lazy_consensus_an_action_is_otherwise_adopted_at_the_end(kind, ref):
    story = proposed(kind, "lazy-consensus")
    story.vote(ref, "for", *story.members, day=1)
    assert story.at(day=2)[ref].state == "open"
    assert outcome(story.ends()[ref]) == ("adopted", "unopposed", day(3))


# --- simple-majority -----------------------------------------------------------------------------


@BOTH
def test_in_a_simple_majority_nothing_is_early(kind, ref):
    for choice in ("for", "against"):
        story = proposed(kind, "simple-majority")
        story.vote(ref, choice, *story.members, day=1)
        assert story.at(day(7) - TICK)[ref].state == "open"
        assert story.at(day(7))[ref].state != "open"


@BOTH
def test_a_simple_majority_adopts_at_the_end_when_for_is_more_than_against(kind, ref):
    story = proposed(kind, "simple-majority")
    story.vote(ref, "for", "ana", "bob", day=1)
    story.vote(ref, "against", "cleo")
    assert outcome(story.ends()[ref]) == ("adopted", "plurality", day(7))


@BOTH
def test_a_simple_majority_cancels_at_the_end_when_for_is_not_more_than_against(kind, ref):
    story = proposed(kind, "simple-majority")
    story.vote(ref, "for", "ana", "bob", day=1)
    story.vote(ref, "against", "cleo", "dan")
    assert outcome(story.ends()[ref]) == ("cancelled", "not_adopted", day(7))


@BOTH
def test_a_simple_majority_counts_neutral_votes_towards_its_quorum_of_a_third(kind, ref):
    """A third of 9 is 3."""
    for neutral, expected in ((1, ("cancelled", "not_adopted")), (2, ("adopted", "plurality"))):
        story = proposed(kind, "simple-majority", roll=9)
        story.vote(ref, "for", "ana", day=1)
        story.vote(ref, "abstain", *("bob", "cleo")[:neutral])
        assert outcome(story.ends()[ref]) == (*expected, day(7))


@BOTH
def test_a_simple_majority_cancels_at_the_end_when_nobody_voted(kind, ref):
    assert outcome(proposed(kind, "simple-majority").ends()[ref])[1] == "not_adopted"


# --- both ----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("preset", ["lazy-consensus", "simple-majority"])
def test_neither_of_the_two_has_counter_votes(kind, ref, preset):
    story = proposed(kind, preset)
    with story.refused(f"the charter of {ref} has no counter-votes"):
        story.call(ref, "bob", day=1)


@pytest.mark.parametrize("preset", ["lazy-consensus", "simple-majority"])
def test_in_both_only_an_ordinary_action_may_start_before_it_is_adopted(preset):
    assert proposed("ordinary", preset).at(day=0)["AO1"].follow_up == "to_do"
    assert proposed("extraordinary", preset).at(day=0)["AE1"].follow_up is None
