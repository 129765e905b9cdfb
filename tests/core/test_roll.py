"""Who may vote, and who is on the roll of an action.

Source: "The roll" in the rules.
"""

import pytest

from toutdoux.core.history import GrantVotingRight
from toutdoux.core.roll import Member, Membership
from toutdoux.core.words import Refusal

from .story import LONG_AGO, TICK, Story, counted, day, english, outcome, tally


def roll_on(story, number=0):
    """The size of the roll of an action proposed on a day."""
    story.propose(day=number)
    return story.at(day=number)["AE1"].roll_size


# --- the right to vote ---------------------------------------------------------------------------


def test_a_member_of_less_than_the_delay_has_no_right_to_vote():
    story = Story(roll=7)
    story.member("zoe", joined=day(-10) + TICK)
    assert roll_on(story) == 7


def test_the_instant_the_delay_is_reached_is_included():
    story = Story(roll=7)
    story.member("zoe", joined=-10)
    assert roll_on(story) == 8


def test_the_delay_is_the_charters():
    story = Story(roll=7, charter={"preset": "tout-doux-cratie", "voting_right_delay": "2 days"})
    story.member("zoe", joined=-2)
    story.member("yan", joined=-1)
    assert roll_on(story) == 8


def test_a_founder_has_the_right_from_the_first_instant_of_membership():
    story = Story(roll=7)
    story.member("zoe", joined=0, founder=True)
    assert roll_on(story) == 8


def test_somebody_who_was_granted_the_right_has_it_before_the_delay():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.grant("zoe", day=0)
    assert roll_on(story) == 8


def test_a_right_that_is_granted_after_the_opening_is_too_late_for_that_roll():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(day=0)
    story.grant("zoe", day=1)
    story.vote("AE1", "for", "zoe", day=2)
    action = story.at(day=3)["AE1"]
    assert (action.roll_size, tally(action), len(action.ballot.opinions)) == (7, (0, 0, 0), 1)


def test_the_right_of_somebody_who_was_granted_it_is_for_good():
    story = Story(roll=7)
    story.member("zoe", joined=-9, left=1)
    story.grant("zoe", day=0)
    story.member("zoe", joined=2)
    assert roll_on(story, 3) == 8


def test_somebody_who_is_no_member_any_more_has_no_right():
    story = Story(roll=7)
    story.leaves("bob", on=-1)
    assert roll_on(story) == 6


def test_somebody_who_leaves_at_the_instant_of_the_opening_is_not_on_the_roll():
    story = Story(roll=7)
    story.leaves("bob", on=0)
    assert roll_on(story) == 6


def test_the_delay_starts_again_with_a_new_membership():
    story = Story(roll=7)
    story.member("zoe", joined=LONG_AGO, left=-20)
    story.member("zoe", joined=-9)
    assert roll_on(story) == 7


def test_memberships_that_touch_are_one():
    story = Story(roll=7)
    story.member("zoe", joined=LONG_AGO, left=-9)
    story.member("zoe", joined=-9)
    assert roll_on(story) == 8


def test_a_membership_that_goes_on_at_the_instant_it_ends_is_no_departure():
    story = Story(roll=7)
    story.leaves("bob", on=2)
    story.member("bob", joined=2)
    story.propose(day=0)
    story.vote("AE1", "for", "bob", day=1)
    action = story.at(day=3)["AE1"]
    assert (action.roll_size, tally(action)) == (7, (1, 0, 0))


def test_a_member_without_the_right_may_propose_and_is_not_on_the_roll():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(by="zoe")
    story.vote("AE1", "for", "zoe")
    action = story.at(day=0)["AE1"]
    assert (action.leader, action.roll_size, len(action.ballot.opinions)) == ("zoe", 7, 1)


def test_somebody_who_is_no_member_cannot_propose():
    story = Story(roll=7)
    story.member("zoe", joined=1)
    with story.refused("zoe is no member"):
        story.propose(by="zoe", day=0)


def test_nobody_unknown_can_act():
    story = Story(roll=7)
    with story.refused("nobody here is called “nemo”"):
        story.propose(by="nemo")
    story.propose()
    with story.refused("nobody here is called “nemo”"):
        story.vote("AE1", "for", "nemo")
    with story.refused("nobody here is called “nemo”"):
        story.grant("nemo")


def test_the_leader_of_a_proposal_is_a_member():
    story = Story(roll=7)
    story.member("zoe", joined=1)
    with story.refused("zoe is no member"):
        story.propose(leader="zoe", day=0)


def test_a_membership_ends_after_it_begins():
    for left in (day(0), day(-1)):
        with pytest.raises(Refusal) as caught:
            Member("zoe", "Zoe", [Membership(day(0), left)])
        assert "ends before it begins" in english(caught.value.why)


def test_the_memberships_of_one_person_do_not_overlap():
    with pytest.raises(Refusal) as caught:
        Member("zoe", "Zoe", [Membership(day(0), day(9)), Membership(day(5))])
    assert "overlap" in english(caught.value.why)


# --- the roll of an action -----------------------------------------------------------------------


def test_the_roll_never_gains_anyone():
    """Zoe reaches the delay on day 1, yan joins on day 1: neither is on the roll of day 0."""
    story = Story(roll=7)
    story.member("zoe", joined=-9)
    story.member("yan", joined=1, founder=True)
    story.propose(day=0)
    story.vote("AE1", "for", "zoe", "yan", day=2)
    action = story.at(day=2)["AE1"]
    assert (action.roll_size, tally(action), len(action.ballot.opinions)) == (7, (0, 0, 0), 2)


def test_somebody_who_leaves_before_the_decision_is_struck_off_with_their_vote():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", "cleo", day=1)
    story.leaves("bob", on=2)
    before, after = story.at(day(2) - TICK)["AE1"], story.at(day=2)["AE1"]
    assert (before.roll_size, tally(before)) == (7, (2, 0, 0))
    assert (after.roll_size, tally(after)) == (6, (1, 0, 0))


def test_somebody_who_leaves_before_the_decision_is_struck_off_with_their_votes_on_both_ballots():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", "cleo", day=1)
    story.call("AE1", "bob", day=2)
    story.counter("AE1", "for", "bob", "cleo", day=3)
    story.leaves("bob", on=4)
    action = story.at(day=4)["AE1"]
    assert (action.roll_size, tally(action), counted(action)) == (6, (0, 1, 0), (1, 0, 0))


def test_the_vote_of_somebody_who_leaves_is_struck_off_a_ballot_that_has_closed():
    """The action's own ballot closed with the counter-vote's call; the action is undecided."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", "cleo", day=1)
    story.vote("AE1", "against", "dan")
    story.call("AE1", "dan", day=8)
    story.leaves("bob", on=9)
    action = story.at(day=10)["AE1"]
    assert (action.roll_size, tally(action), action.closes_at) == (6, (1, 1, 0), day(8))


def test_a_departure_alone_can_adopt_by_majority():
    """3 of 6 for is not more than half; 3 of 5 is."""
    story = Story(roll=6)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.leaves("fay", on=2)
    action = story.at(day=9)["AE1"]
    assert outcome(action) == ("adopted", "majority", day(2))
    assert action.roll_size == 5


def test_a_departure_alone_can_cancel():
    """3 of 7 against is less than half; 3 of 6 is half."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", day=1)
    story.leaves("gus", on=2)
    assert outcome(story.at(day=9)["AE1"]) == ("cancelled", "opposed", day(2))


def test_a_departure_alone_can_let_a_counter_vote_cancel():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "bob", "cleo", "dan", day=2)
    story.leaves("gus", on=3)
    assert outcome(story.at(day=9)["AE1"]) == ("cancelled", "counter_vote", day(3))


def test_the_departure_of_the_last_one_against_adopts_a_contested_action():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.leaves("bob", on=9)
    action = story.at(day=10)["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(9))
    assert (action.closes_at, action.roll_size) == (day(9), 6)


def test_the_departure_of_the_last_one_against_leaves_an_open_action_open():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.leaves("bob", on=2)
    assert story.at(day=3)["AE1"].state == "open"
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(7))


def test_the_departure_of_somebody_off_the_roll_changes_nothing():
    story = Story(roll=7)
    story.member("zoe", joined=-1, left=2)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", day=1)
    action = story.at(day=3)["AE1"]
    assert (action.state, action.roll_size) == ("open", 7)


def test_after_the_decision_the_roll_no_longer_changes():
    """Adopted by majority on day 1; bob leaves on day 2, while the ballot is still open."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    story.leaves("bob", on=2)
    action = story.at(day=9)["AE1"]
    assert (action.roll_size, tally(action)) == (7, (4, 0, 0))


def test_somebody_who_leaves_and_returns_before_the_decision_is_off_the_roll():
    story = Story(roll=7)
    story.leaves("bob", on=2)
    story.member("bob", joined=3)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.vote("AE1", "against", "bob", day=4)
    action = story.at(day=5)["AE1"]
    assert (action.roll_size, tally(action), len(action.ballot.opinions)) == (6, (0, 0, 0), 1)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(7))


# --- opinions ------------------------------------------------------------------------------------


def test_a_vote_by_a_member_off_the_roll_is_an_opinion_shown_apart():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    story.vote("AE1", "for", "zoe", "ana", day=1)
    action = story.at(day=1)["AE1"]
    assert tally(action) == (1, 0, 0)
    assert action.ballot.opinions["zoe"].choice == "for"


def test_an_opinion_against_does_not_make_anybody_against():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    story.vote("AE1", "against", "zoe", day=1)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(7))


def test_opinions_never_reach_a_threshold():
    story = Story(roll=1)
    for name in ("vera", "will", "xena"):
        story.member(name, joined=-1)
    story.propose()
    story.vote("AE1", "for", "vera", "will", "xena", day=1)
    assert story.at(day=1)["AE1"].state == "open"


def test_an_opinion_can_be_changed_and_withdrawn_like_a_vote():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    story.vote("AE1", "for", "zoe", day=1)
    story.vote("AE1", "against", "zoe", day=2)
    assert story.at(day=2)["AE1"].ballot.opinions["zoe"].choice == "against"
    story.unvote("AE1", "zoe", day=3)
    assert not story.at(day=3)["AE1"].ballot.opinions


def test_what_is_said_after_the_end_where_it_cannot_be_refused_is_an_opinion():
    """Source: "Votes" in the rules."""
    story = Story(roll=3)
    story.propose()
    story.vote("AE1", "for", "ana", day=1)
    story.vote("AE1", "against", "ana", "bob", day=7, kept=True)
    action = story.at(day=8)["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(7))
    assert tally(action) == (1, 0, 0)
    assert {by: one.choice for by, one in action.ballot.opinions.items()} == {
        "ana": "against",
        "bob": "against",
    }


def test_what_is_said_in_time_where_it_cannot_be_refused_is_a_vote():
    story = Story(roll=3)
    story.propose()
    story.vote("AE1", "against", "bob", day=1, kept=True)
    action = story.at(day=1)["AE1"]
    assert (tally(action), action.ballot.opinions) == ((0, 1, 0), {})


def test_an_opinion_of_after_the_end_can_be_taken_back_and_leaves_the_vote():
    story = Story(roll=3)
    story.propose()
    story.vote("AE1", "for", "ana", day=1)
    story.vote("AE1", "against", "ana", day=8, kept=True)
    story.unvote("AE1", "ana", day=9, kept=True)
    action = story.at(day=9)["AE1"]
    assert (tally(action), action.ballot.opinions) == ((1, 0, 0), {})


def test_no_opinion_is_kept_on_a_counter_vote_that_nobody_called():
    story = Story(roll=3)
    story.propose()
    with story.refused("no counter-vote was called"):
        story.counter("AE1", "for", "bob", day=8, kept=True)


def test_an_opinion_on_a_counter_vote_counts_for_nothing():
    story = Story(roll=2)
    story.member("zoe", joined=-1)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "zoe", day=2)
    action = story.at(day=2)["AE1"]
    assert (action.state, counted(action)) == ("counter_vote", (0, 0, 0))


def test_a_vote_by_somebody_who_is_no_member_is_refused():
    story = Story(roll=7)
    story.leaves("bob", on=1)
    story.propose()
    with story.refused("bob is no member"):
        story.vote("AE1", "for", "bob", day=1)


def test_nobody_on_the_roll_is_nobody_against():
    story = Story(roll=0)
    story.member("zoe", joined=-1)
    story.propose(by="zoe")
    action = story.ends()["AE1"]
    assert (outcome(action), action.roll_size) == (("adopted", "unopposed", day(7)), 0)


def test_granting_by_effect_and_by_record_are_the_same_right():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(effects=(GrantVotingRight("zoe"),))
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    story.propose(day=2)
    assert story.at(day=2)["AE2"].roll_size == 8
