"""What happens to an action once it may start; conditions.

Source: "States" in the rules, from "From the instant it may start" on.
"""

import pytest

from .story import TICK, Story, day

STATES = ["to_do", "doing", "done", "abandoned", "standing"]


def adopted():
    """Adopted on day 1."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    return story


def follow_up(story, **when):
    return story.at(**when)["AE1"].follow_up


def test_an_extraordinary_action_has_no_follow_up_before_it_is_adopted():
    story = adopted()
    assert story.at(day(1) - TICK)["AE1"].follow_up is None
    assert follow_up(story, day=1) == "to_do"


def test_an_ordinary_action_is_to_do_from_its_proposal_on():
    story = Story(roll=7)
    story.propose("ordinary")
    assert story.at(day=0)["AO1"].follow_up == "to_do"


def test_a_follow_up_before_the_action_may_start_is_refused():
    story = Story(roll=7)
    story.propose()
    with story.refused("AE1 may not start before it is adopted"):
        story.follow_up("AE1", "doing", day=1)


def test_an_action_may_start_at_the_instant_it_is_adopted():
    story = Story(roll=7)
    story.propose()
    story.follow_up("AE1", "doing", day=7)
    assert follow_up(story, day=7) == "doing"


@pytest.mark.parametrize("after", STATES)
@pytest.mark.parametrize("before", STATES)
def test_any_follow_up_may_follow_any_other(before, after):
    story = adopted()
    story.follow_up("AE1", before, day=2)
    story.follow_up("AE1", after, day=3)
    assert (follow_up(story, day=2), follow_up(story, day=3)) == (before, after)


def test_only_the_leader_follows_up():
    story = adopted()
    with story.refused("bob does not lead AE1, ana does"):
        story.follow_up("AE1", "done", by="bob", day=2)
    story.hand_over("AE1", to="bob", day=3)
    story.follow_up("AE1", "done", by="bob", day=4)
    assert follow_up(story, day=4) == "done"


def test_adoption_leaves_the_follow_up_as_it_is():
    story = Story(roll=7)
    story.propose("ordinary")
    story.follow_up("AO1", "doing", day=1)
    assert story.ends()["AO1"].follow_up == "doing"


def test_an_amendment_leaves_the_follow_up_as_it_is():
    story = Story(roll=7)
    story.propose("ordinary")
    story.follow_up("AO1", "doing", day=1)
    story.amend("AO1", day=2)
    assert story.at(day=2)["AO1"].follow_up == "doing"


def test_a_counter_vote_leaves_the_follow_up_as_it_is():
    story = Story(roll=7)
    story.propose("ordinary")
    story.follow_up("AO1", "doing", day=1)
    story.call("AO1", "bob", day=2)
    assert story.at(day=3)["AO1"].follow_up == "doing"
    story.follow_up("AO1", "done", day=4)
    assert story.ends()["AO1"].follow_up == "done"


def test_a_cancelled_action_has_no_follow_up_even_if_it_was_done():
    story = Story(roll=7)
    story.propose("ordinary")
    story.follow_up("AO1", "done", day=1)
    story.vote("AO1", "against", "ana", "bob", "cleo", "dan", day=2)
    assert story.at(day=2)["AO1"].follow_up is None
    with story.refused("AO1 was cancelled, there is nothing to do"):
        story.follow_up("AO1", "doing", day=3)


def test_a_withdrawn_action_has_no_follow_up():
    story = Story(roll=7)
    story.propose("ordinary")
    story.withdraw("AO1", day=1)
    assert story.at(day=1)["AO1"].follow_up is None
    with story.refused("AO1 was withdrawn, there is nothing to do"):
        story.follow_up("AO1", "doing", day=3)


# --- conditions ----------------------------------------------------------------------------------


def conditional(kind="extraordinary"):
    story = Story(roll=7)
    story.propose(kind, condition="if somebody helps")
    return story


def test_an_adopted_action_with_a_condition_may_start_when_it_was_recorded_as_met():
    story = conditional()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    story.met("AE1", day=3)
    assert follow_up(story, day=2) is None
    assert follow_up(story, day=3) == "to_do"
    assert story.at(day=3)["AE1"].may_start_at == day(3)


def test_a_condition_that_is_met_before_the_adoption_leaves_it_to_the_adoption():
    story = conditional()
    story.met("AE1", day=1)
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=2)
    assert follow_up(story, day=1) is None
    assert story.at(day=2)["AE1"].may_start_at == day(2)


def test_a_follow_up_before_the_condition_is_met_is_refused():
    story = conditional()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    with story.refused("the condition of AE1 was not recorded as met"):
        story.follow_up("AE1", "doing", day=2)


def test_a_condition_holds_back_an_ordinary_action_too():
    story = conditional("ordinary")
    story.met("AO1", day=2)
    assert story.at(day=1)["AO1"].follow_up is None
    assert story.at(day=2)["AO1"].follow_up == "to_do"


def test_an_amendment_leaves_a_met_condition_met():
    story = conditional("ordinary")
    story.met("AO1", day=1)
    story.amend("AO1", day=2)
    assert story.at(day=2)["AO1"].may_start_at == day(1)


def test_a_condition_can_only_be_met_where_there_is_one():
    story = adopted()
    with story.refused("AE1 has no condition"):
        story.met("AE1", day=2)


def test_a_condition_does_not_hold_back_the_decision():
    story = conditional()
    assert story.at(day=7)["AE1"].state == "adopted"
