"""Amending, correcting, withdrawing, handing over.

Source: "Amending, withdrawing, handing over" in the rules.
"""

import pytest

from toutdoux.core.charter import read_charter
from toutdoux.core.history import AmendCharter

from .story import Story, day, outcome, tally


def undecided(state):
    """An action of ana's that is in a state on day 8."""
    story = Story(roll=7)
    if state == "open":
        story.propose(day=2)
    else:
        story.propose(day=0)
        story.vote("AE1", "against", "bob", day=3)
    if state == "counter_vote":
        story.call("AE1", "bob", day=4)
    assert story.at(day=8)["AE1"].state == state
    return story


EVERY_STATE = pytest.mark.parametrize("state", ["open", "contested", "counter_vote"])


# --- amending ------------------------------------------------------------------------------------


@EVERY_STATE
def test_an_undecided_action_can_be_amended_and_is_open_again(state):
    story = undecided(state)
    story.amend("AE1", object="Paint it blue", day=8)
    action = story.at(day=8)["AE1"]
    assert (action.state, action.object, action.window_end) == ("open", "Paint it blue", day(15))


@EVERY_STATE
def test_nobody_but_the_leader_can_amend(state):
    story = undecided(state)
    with story.refused("bob does not lead AE1, ana does"):
        story.amend("AE1", by="bob", day=8)


def test_an_amendment_frees_the_votes_and_the_opinions():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    story.vote("AE1", "for", "bob", "cleo", day=1)
    story.vote("AE1", "against", "dan", "zoe")
    story.amend("AE1", day=2)
    action = story.at(day=2)["AE1"]
    assert (tally(action), len(action.ballot.opinions)) == ((0, 0, 0), 0)


def test_a_vote_from_before_the_amendment_cannot_be_withdrawn():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.amend("AE1", day=2)
    with story.refused("bob has no vote in force"):
        story.unvote("AE1", "bob", day=3)


def test_the_window_of_an_amended_action_is_whole_again():
    story = Story(roll=7)
    story.propose()
    story.amend("AE1", day=6)
    story.vote("AE1", "for", "bob", day=12)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(13))


def test_the_roll_of_an_amended_action_is_taken_afresh():
    """Zoe reaches the delay on day 1; bob leaves on day 1."""
    story = Story(roll=7)
    story.member("zoe", joined=-9)
    story.member("yan", joined=-9, left=2)
    story.leaves("bob", "cleo", on=1)
    story.propose()
    story.amend("AE1", day=2)
    assert story.at(day=1)["AE1"].roll_size == 5
    assert story.at(day=2)["AE1"].roll_size == 6


def test_somebody_struck_off_who_has_returned_is_on_the_roll_after_an_amendment():
    story = Story(roll=7)
    story.leaves("bob", on=1)
    story.member("bob", joined=2)
    story.propose()
    story.amend("AE1", day=3)
    story.vote("AE1", "for", "bob", day=4)
    action = story.at(day=4)["AE1"]
    assert (action.roll_size, tally(action)) == (7, (1, 0, 0))


def test_the_new_roll_is_taken_by_the_associations_delay_of_that_instant():
    """The charter of the proposal asks for 10 days; the one in force at the amendment, for 1."""
    story = Story(roll=3)
    story.member("zoe", joined=-2)
    story.propose()
    one_day = read_charter({"preset": "tout-doux-cratie", "voting_right_delay": "1 days"})
    story.propose(effects=(AmendCharter(one_day),))
    story.vote("AE2", "for", "ana", "bob", day=1)
    story.amend("AE1", day=2)
    now = story.at(day=2)
    assert (now["AE1"].roll_size, now["AE1"].charter.number) == (4, 1)


def test_the_charter_of_an_amended_action_stays_the_one_of_its_proposal():
    story = Story(roll=3)
    story.propose()
    story.propose(effects=(AmendCharter(read_charter("lazy-consensus")),))
    story.vote("AE2", "for", "ana", "bob", day=1)
    story.amend("AE1", day=2)
    action = story.at(day=2)["AE1"]
    assert (action.charter.number, action.window_end) == (1, day(9))


def test_a_counter_vote_that_was_running_ends_without_effect():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "bob", "cleo", "dan", day=2)
    story.amend("AE1", day=3)
    action = story.at(day=3)["AE1"]
    assert (action.state, action.counter_vote) == ("open", None)
    with story.refused("no counter-vote was called on AE1"):
        story.counter("AE1", "for", "eva", day=4)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(10))


def test_another_counter_vote_can_be_called_after_an_amendment():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.amend("AE1", day=2)
    story.call("AE1", "cleo", day=3)
    counter = story.at(day=3)["AE1"].counter_vote
    assert (counter.called_by, counter.closes_at) == ("cleo", day(10))


def test_all_versions_are_kept():
    story = Story(roll=7)
    story.propose(object="Paint the door")
    story.amend("AE1", object="Paint it blue", day=1)
    story.amend("AE1", object="Paint it green", day=2)
    versions = [(one.at, one.object) for one in story.at(day=2)["AE1"].versions]
    assert versions == [
        (day(0), "Paint the door"),
        (day(1), "Paint it blue"),
        (day(2), "Paint it green"),
    ]


def test_a_decided_action_cannot_be_amended():
    story = Story(roll=7)
    story.propose()
    with story.refused("AE1 is already decided"):
        story.amend("AE1", day=7)


# --- correcting ----------------------------------------------------------------------------------


def test_an_amendment_within_five_minutes_before_any_vote_changes_only_the_text():
    story = Story(roll=7)
    story.propose()
    story.amend("AE1", object="Paint the doors", minute=5, microsecond=-1)
    action = story.at(day=1)["AE1"]
    assert (action.object, action.window_end) == ("Paint the doors", day(7))
    assert [one.object for one in action.versions] == ["Paint the doors"]


def test_an_amendment_after_five_minutes_starts_the_vote_again():
    story = Story(roll=7)
    story.propose()
    story.amend("AE1", minute=5)
    assert story.at(day=1)["AE1"].window_end == day(7, minutes=5)


def test_an_amendment_after_a_vote_is_no_correction():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", minute=1)
    story.amend("AE1", minute=2)
    action = story.at(day=1)["AE1"]
    assert (action.window_end, tally(action)) == (day(7, minutes=2), (0, 0, 0))


def test_an_amendment_after_an_opinion_is_no_correction():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose()
    story.vote("AE1", "for", "zoe", minute=1)
    story.amend("AE1", minute=2)
    assert story.at(day=1)["AE1"].window_end == day(7, minutes=2)


def test_an_amendment_after_a_vote_that_was_withdrawn_is_no_correction():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", minute=1)
    story.unvote("AE1", "bob", minute=2)
    story.amend("AE1", minute=3)
    assert story.at(day=1)["AE1"].window_end == day(7, minutes=3)


def test_five_minutes_after_an_amendment_it_can_be_corrected_too():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.amend("AE1", object="Paint it bleu", day=2)
    story.amend("AE1", object="Paint it blue", day=2, minute=4)
    action = story.at(day=3)["AE1"]
    assert (action.object, action.window_end) == ("Paint it blue", day(9))
    assert [one.object for one in action.versions] == ["Paint the door", "Paint it blue"]


def test_the_time_to_correct_is_the_charters():
    story = Story(roll=7, charter={"preset": "tout-doux-cratie", "correction": "2 hours"})
    story.propose()
    story.amend("AE1", hour=1)
    assert story.at(day=1)["AE1"].window_end == day(7)


# --- withdrawing ---------------------------------------------------------------------------------


@EVERY_STATE
def test_an_undecided_action_can_be_withdrawn(state):
    story = undecided(state)
    story.withdraw("AE1", day=8)
    assert outcome(story.at(day=8)["AE1"]) == ("withdrawn", None, day(8))


@EVERY_STATE
def test_nobody_but_the_leader_can_withdraw(state):
    story = undecided(state)
    with story.refused("bob does not lead AE1, ana does"):
        story.withdraw("AE1", by="bob", day=8)


def test_the_proposer_who_does_not_lead_cannot_withdraw():
    story = Story(roll=7)
    story.propose(by="ana", leader="bob")
    with story.refused("ana does not lead AE1, bob does"):
        story.withdraw("AE1", by="ana", day=1)
    story.withdraw("AE1", by="bob", day=1)
    assert story.at(day=1)["AE1"].state == "withdrawn"


@pytest.mark.parametrize("tell", [Story.withdraw, Story.amend])
def test_a_decided_action_cannot_be_withdrawn_or_amended(tell):
    story = Story(roll=7)
    story.propose()
    story.withdraw("AE1", day=1)
    with story.refused("AE1 is already decided"):
        tell(story, "AE1", day=2)


# --- handing over --------------------------------------------------------------------------------


def test_the_leader_is_the_proposer_unless_said_otherwise():
    story = Story(roll=7)
    story.propose(by="ana")
    story.propose(by="ana", leader="bob")
    now = story.at(day=0)
    assert (now["AE1"].leader, now["AE2"].leader) == ("ana", "bob")
    assert now["AE2"].proposer == "ana"


def test_the_leader_can_hand_over_to_another_member():
    story = Story(roll=7)
    story.propose()
    story.hand_over("AE1", to="bob", day=1)
    story.amend("AE1", by="bob", day=2)
    with story.refused("ana does not lead AE1, bob does"):
        story.withdraw("AE1", by="ana", day=3)
    assert story.at(day=2)["AE1"].leader == "bob"


@pytest.mark.parametrize("end", ["adopted", "cancelled", "withdrawn"])
def test_the_leader_can_hand_over_at_any_time(end):
    story = Story(roll=7)
    story.propose()
    if end == "withdrawn":
        story.withdraw("AE1", day=1)
    else:
        choice = "for" if end == "adopted" else "against"
        story.vote("AE1", choice, "ana", "bob", "cleo", "dan", day=1)
    story.hand_over("AE1", to="bob", day=9)
    action = story.at(day=9)["AE1"]
    assert (action.state, action.leader) == (end, "bob")


def test_handing_over_changes_nothing_else():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    before = story.at(day=2).data("AE1")
    story.hand_over("AE1", to="bob", day=2)
    assert story.at(day=2).data("AE1") == {**before, "leader": "bob"}


def test_nobody_but_the_leader_can_hand_over():
    story = Story(roll=7)
    story.propose()
    with story.refused("bob does not lead AE1, ana does"):
        story.hand_over("AE1", by="bob", to="cleo", day=1)


def test_an_action_is_handed_over_to_a_member():
    story = Story(roll=7)
    story.member("zoe", joined=5)
    story.propose()
    with story.refused("zoe is no member"):
        story.hand_over("AE1", to="zoe", day=1)


def test_an_action_is_handed_over_to_another_member():
    story = Story(roll=7)
    story.propose()
    with story.refused("ana already leads AE1"):
        story.hand_over("AE1", to="ana", day=1)


def test_when_the_leader_leaves_the_association_nothing_stops():
    story = Story(roll=7)
    story.leaves("ana", on=1)
    story.propose()
    action = story.ends()["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(7))
    assert (action.leader, action.follow_up) == ("ana", "to_do")


def test_a_leader_who_left_cannot_act():
    story = Story(roll=7)
    story.leaves("ana", on=1)
    story.propose()
    with story.refused("ana is no member"):
        story.withdraw("AE1", day=2)


def test_a_member_can_take_over_an_action_whose_leader_has_left():
    """The page says only that the action needs somebody; this is how somebody comes forward."""
    story = Story(roll=7)
    story.leaves("ana", on=1)
    story.propose()
    with story.refused("bob does not lead AE1"):
        story.hand_over("AE1", by="bob", to="bob", day=0, hour=1)
    story.hand_over("AE1", by="bob", to="bob", day=2)
    assert story.at(day=2)["AE1"].leader == "bob"


def test_nobody_can_be_volunteered_for_an_action_whose_leader_has_left():
    story = Story(roll=7)
    story.leaves("ana", on=1)
    story.propose()
    with story.refused("bob does not lead AE1"):
        story.hand_over("AE1", by="bob", to="cleo", day=2)
