"""What an adopted action does by itself.

Source: "States" in the rules ("An action may carry effects"), and "The charter".
"""

from toutdoux.core.charter import read_charter
from toutdoux.core.history import AmendCharter, GrantVotingRight

from .story import Story, day, outcome

FOUR = ("ana", "bob", "cleo", "dan")
LAZY = AmendCharter(read_charter("lazy-consensus"))


def test_a_granted_right_takes_effect_at_the_instant_of_adoption_and_not_before():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(effects=(GrantVotingRight("zoe"),))
    story.propose(day=1, hour=-1)
    story.vote("AE1", "for", *FOUR, day=1)
    story.propose()
    now = story.at(day=1)
    assert (now["AE2"].roll_size, now["AE3"].roll_size) == (7, 8)


def test_a_right_is_granted_by_an_ordinary_action_too():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose("ordinary", effects=(GrantVotingRight("zoe"),))
    story.propose(day=7)
    assert story.at(day=7)["AE1"].roll_size == 8


def test_an_ordinary_action_that_may_start_has_no_effect_before_it_is_adopted():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose("ordinary", effects=(GrantVotingRight("zoe"),))
    story.propose(day=1)
    assert story.at(day=1)["AE1"].roll_size == 7


def test_a_cancelled_action_has_no_effect():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(effects=(GrantVotingRight("zoe"), LAZY))
    story.vote("AE1", "against", *FOUR, day=1)
    story.propose(day=2)
    action = story.at(day=2)["AE2"]
    assert (action.roll_size, action.charter.number) == (7, 1)


def test_a_withdrawn_action_has_no_effect():
    story = Story(roll=7)
    story.propose(effects=(LAZY,))
    story.withdraw("AE1", day=1)
    assert len(story.ends().standing.charters) == 1


def test_open_actions_keep_their_roll():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(effects=(GrantVotingRight("zoe"),))
    story.propose()
    story.vote("AE1", "for", *FOUR, day=1)
    story.vote("AE2", "for", "zoe", day=2)
    action = story.at(day=2)["AE2"]
    assert (action.roll_size, len(action.ballot.opinions)) == (7, 1)


def test_open_actions_keep_their_charter_for_ever():
    """AE2, proposed before the charter changed, is not cancelled by one vote against."""
    story = Story(roll=7)
    story.propose(effects=(LAZY,))
    story.propose()
    story.vote("AE1", "for", *FOUR, day=1)
    story.vote("AE2", "against", "bob", day=2)
    assert outcome(story.ends()["AE2"]) == ("adopted", "no_counter_vote", day(14))


def test_the_new_charter_is_in_force_from_the_instant_of_adoption():
    story = Story(roll=7)
    story.propose(effects=(LAZY,))
    story.vote("AE1", "for", *FOUR, day=1)
    story.propose()
    story.vote("AE2", "against", "bob", day=2)
    now = story.at(day=2)
    assert outcome(now["AE2"]) == ("cancelled", "opposed", day(2))
    version = now["AE2"].charter
    assert (version.number, version.since, version.by_action) == (2, day(1), "AE1")


def test_an_ordinary_action_cannot_amend_the_charter():
    story = Story(roll=7)
    with story.refused("an ordinary action cannot amend the charter"):
        story.propose("ordinary", effects=(LAZY,))


def test_a_new_charter_is_never_relative_to_the_one_in_force():
    """The charter in force has a window of 14 days; the new one names its preset alone."""
    story = Story(
        roll=7, charter={"preset": "tout-doux-cratie", "extraordinary": {"window": "14 days"}}
    )
    story.propose(effects=(AmendCharter(read_charter("tout-doux-cratie")),))
    story.vote("AE1", "for", *FOUR, day=1)
    story.propose(day=2)
    assert story.at(day=2)["AE2"].window_end == day(9)


def test_a_new_delay_is_asked_of_everybody_from_then_on():
    """Founders aside, zoe has been a member for 20 days: the new charter asks for 30."""
    story = Story(roll=7)
    story.member("zoe", joined=-20)
    longer = read_charter({"preset": "tout-doux-cratie", "voting_right_delay": "30 days"})
    story.propose(effects=(AmendCharter(longer),))
    story.vote("AE1", "for", *FOUR, "eva", day=1)
    story.propose(day=2)
    story.propose(day=10)
    now = story.at(day=10)
    assert [now[ref].roll_size for ref in ("AE1", "AE2", "AE3")] == [8, 7, 8]


def test_an_action_may_carry_several_effects():
    story = Story(roll=7)
    story.member("zoe", joined=-1)
    story.propose(effects=(GrantVotingRight("zoe"), LAZY))
    story.vote("AE1", "for", *FOUR, day=1)
    story.propose()
    action = story.at(day=1)["AE2"]
    assert (action.roll_size, action.charter.number) == (8, 2)


def test_a_right_granted_to_somebody_unknown_is_refused():
    story = Story(roll=7)
    with story.refused("nobody here is called “nemo”"):
        story.propose(effects=(GrantVotingRight("nemo"),))


def test_an_effect_of_a_decision_by_departure_is_in_force_at_that_instant():
    story = Story(roll=6)
    story.propose(effects=(LAZY,))
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.leaves("fay", on=2)
    story.propose(day=2)
    assert story.at(day=2)["AE2"].charter.number == 2


def test_of_two_charters_adopted_by_the_votes_of_one_instant_the_later_proposal_has_the_last_word():
    for order in (("AE1", "AE2"), ("AE2", "AE1")):
        story = Story(roll=7)
        story.propose(effects=(AmendCharter(read_charter("simple-majority")),))
        story.propose(effects=(LAZY,))
        for ref in order:
            story.vote(ref, "for", *FOUR, day=1)
        story.propose()
        assert story.at(day=1)["AE3"].charter.charter.preset == "lazy-consensus"
