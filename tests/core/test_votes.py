"""Voting, changing and withdrawing a vote, until when, and what the tallies show.

Source: "Votes" in the rules.
"""

from .story import Story, counted, day, outcome, tally


def test_a_vote_is_for_against_or_neutral():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", "cleo", day=1)
    story.vote("AE1", "against", "dan")
    story.vote("AE1", "abstain", "eva", "fay", "gus")
    action = story.at(day=1)["AE1"]
    assert (tally(action), action.ballot.expressed) == ((2, 1, 3), 6)


def test_a_later_vote_replaces_the_one_before():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.vote("AE1", "against", "bob", day=2)
    assert tally(story.at(day=2)["AE1"]) == (0, 1, 0)


def test_of_several_choices_of_one_instant_the_one_added_last_counts():
    story = Story(roll=7)
    story.propose()
    for choice in ("for", "abstain", "against"):
        story.vote("AE1", choice, "bob", day=1)
    assert tally(story.at(day=1)["AE1"]) == (0, 1, 0)


def test_the_same_vote_again_changes_nothing():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.vote("AE1", "for", "bob", day=2)
    assert tally(story.at(day=2)["AE1"]) == (1, 0, 0)


def test_a_vote_that_is_withdrawn_leaves_none():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.vote("AE1", "against", "bob", day=2)
    story.unvote("AE1", "bob", day=3)
    assert tally(story.at(day=3)["AE1"]) == (0, 0, 0)


def test_a_vote_that_was_withdrawn_can_be_cast_again():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.unvote("AE1", "bob", day=2)
    story.vote("AE1", "abstain", "bob", day=3)
    assert tally(story.at(day=3)["AE1"]) == (0, 0, 1)


def test_a_vote_that_was_not_in_force_cannot_be_withdrawn():
    story = Story(roll=7)
    story.propose()
    with story.refused("bob has no vote in force on AE1"):
        story.unvote("AE1", "bob", day=1)
    story.vote("AE1", "for", "bob", day=1)
    story.unvote("AE1", "bob", day=2)
    with story.refused("bob has no vote in force on AE1"):
        story.unvote("AE1", "bob", day=3)


def test_each_person_has_one_vote_on_each_of_the_two_ballots():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.call("AE1", "bob", day=2)
    story.counter("AE1", "for", "bob", day=3)
    action = story.at(day=3)["AE1"]
    assert (tally(action), counted(action)) == ((1, 0, 0), (1, 0, 0))


def test_a_vote_on_the_counter_vote_can_be_changed_and_withdrawn():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "bob", day=2)
    story.counter("AE1", "against", "bob", day=3)
    assert counted(story.at(day=3)["AE1"]) == (0, 1, 0)
    story.uncounter("AE1", "bob", day=4)
    assert counted(story.at(day=4)["AE1"]) == (0, 0, 0)


def test_a_vote_is_withdrawn_on_the_ballot_it_was_cast_on():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    story.call("AE1", "cleo", day=2)
    with story.refused("bob has no vote in force on AE1"):
        story.uncounter("AE1", "bob", day=3)


def test_proposing_is_not_voting():
    story = Story(roll=7)
    story.propose(by="ana")
    assert tally(story.at(day=1)["AE1"]) == (0, 0, 0)


def test_calling_is_not_voting():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    assert counted(story.at(day=1)["AE1"]) == (0, 0, 0)


def test_a_vote_before_the_proposal_is_refused():
    story = Story(roll=7)
    with story.refused("AE1 was not proposed before"):
        story.vote("AE1", "for", "bob")


def test_a_vote_on_a_counter_vote_that_was_not_called_is_refused():
    story = Story(roll=7)
    story.propose()
    with story.refused("no counter-vote was called on AE1"):
        story.counter("AE1", "for", "bob", day=1)


def test_withdrawing_a_vote_is_too_late_when_voting_is():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "bob", day=1)
    with story.refused("the ballot of AE1 closed on"):
        story.unvote("AE1", "bob", day=7)


# --- an adoption reached early -------------------------------------------------------------------


def adopted_early():
    """Four of seven are for on day 1."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    return story


def test_an_adoption_reached_early_is_final():
    story = adopted_early()
    story.unvote("AE1", "ana", "bob", "cleo", day=2)
    story.vote("AE1", "against", "ana", "bob", "cleo", "eva", "fay", "gus", day=3)
    action = story.ends()["AE1"]
    assert outcome(action) == ("adopted", "majority", day(1))
    assert tally(action) == (1, 6, 0)


def test_the_ballot_of_an_action_adopted_early_stays_open_to_the_end_of_its_window():
    story = adopted_early()
    story.vote("AE1", "for", "eva", day=7, microsecond=-1)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "fay", day=7)
    action = story.ends()["AE1"]
    assert (tally(action), action.closes_at) == ((5, 0, 0), day(7))


def test_the_tally_at_closing_is_shown_and_the_tally_of_the_decision_is_kept():
    story = adopted_early()
    story.vote("AE1", "for", "eva", day=2)
    action = story.ends()["AE1"]
    assert (action.ballot.for_, action.decision.tally.for_) == (5, 4)


def test_an_action_adopted_early_cannot_be_countered():
    story = adopted_early()
    with story.refused("AE1 is already decided"):
        story.call("AE1", "gus", day=2)


def test_an_action_adopted_early_cannot_be_amended():
    story = adopted_early()
    with story.refused("AE1 is already decided"):
        story.amend("AE1", day=2)


def test_an_action_adopted_early_cannot_be_withdrawn():
    story = adopted_early()
    with story.refused("AE1 is already decided"):
        story.withdraw("AE1", day=2)


# --- until when ----------------------------------------------------------------------------------


def test_the_ballot_of_a_contested_action_stays_open_until_it_is_decided():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.vote("AE1", "for", "ana", day=7)
    story.vote("AE1", "for", "cleo", day=14, microsecond=-1)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "dan", day=14)
    assert tally(story.ends()["AE1"]) == (2, 1, 0)


def test_the_ballot_of_a_contested_action_closes_when_it_is_decided_early():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.vote("AE1", "for", "ana", "cleo", "dan", "eva", day=8)
    action = story.at(day=8)["AE1"]
    assert outcome(action) == ("adopted", "majority", day(8))
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "fay", day=9)


def test_the_ballot_of_a_contested_action_closes_when_a_counter_vote_is_called():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.call("AE1", "bob", day=8)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "cleo", day=8)


def test_the_ballot_of_an_action_that_is_countered_while_open_stays_open_for_the_record():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.vote("AE1", "for", "ana", "cleo", "dan", "eva", day=2)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "fay", day=7)
    action = story.at(day=7)["AE1"]
    assert (action.state, tally(action)) == ("counter_vote", (4, 0, 0))


def test_a_cancelled_actions_ballots_close_at_once():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", "dan", day=1)
    assert outcome(story.at(day=1)["AE1"]) == ("cancelled", "opposed", day(1))
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "eva", day=2)


def test_both_ballots_close_at_once_when_a_counter_vote_cancels():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "ana", "bob", "cleo", "dan", day=2)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "eva", day=3)
    with story.refused("the counter-vote on AE1 closed on"):
        story.counter("AE1", "for", "eva", day=3)


def test_a_withdrawn_actions_ballots_close_at_once():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.withdraw("AE1", day=2)
    with story.refused("the ballot of AE1 closed on"):
        story.vote("AE1", "for", "eva", day=2)
    with story.refused("the counter-vote on AE1 closed on"):
        story.counter("AE1", "for", "eva", day=2)


# --- when the thresholds are looked at -----------------------------------------------------------


def test_the_early_thresholds_apply_while_contested():
    for choice, expected in (
        ("for", ("adopted", "majority")),
        ("against", ("cancelled", "opposed")),
    ):
        story = Story(roll=7)
        story.propose()
        story.vote("AE1", "against", "gus", day=1)
        story.vote("AE1", choice, "ana", "bob", "cleo", "dan", day=9)
        assert outcome(story.at(day=9)["AE1"]) == (*expected, day(9))


def test_the_early_thresholds_do_not_apply_while_a_counter_vote_runs():
    for choice in ("for", "against"):
        story = Story(roll=7)
        story.propose()
        story.call("AE1", "gus", day=1)
        story.vote("AE1", choice, "ana", "bob", "cleo", "dan", day=2)
        assert story.at(day=2)["AE1"].state == "counter_vote"


def test_a_withdrawn_vote_can_reach_a_threshold_of_the_votes_expressed():
    """2 for of 3 expressed is not more than two thirds; 2 of 2 is."""
    charter = {
        "preset": "tout-doux-cratie",
        "extraordinary": {"adopted_early": "more than 2/3 of expressed"},
    }
    story = Story(roll=7, charter=charter)
    story.propose()
    story.vote("AE1", "abstain", "cleo", day=1)
    story.vote("AE1", "for", "ana", "bob")
    assert story.at(day=1)["AE1"].state == "open"
    story.unvote("AE1", "cleo", day=2)
    assert outcome(story.at(day=2)["AE1"]) == ("adopted", "majority", day(2))


def test_eighteen_of_nineteen_and_none_of_nineteen_mean_eighteen_for_and_one_neutral():
    story = Story(roll=29)
    story.propose()
    story.vote("AE1", "for", *list(story.members)[:18], day=1)
    story.vote("AE1", "abstain", list(story.members)[18], day=2)
    ballot = story.ends()["AE1"].ballot
    assert f"{ballot.for_}/{ballot.expressed}" == "18/19"
    assert f"{ballot.against}/{ballot.expressed}" == "0/19"


# --- numbers -------------------------------------------------------------------------------------


def test_actions_are_numbered_from_one_in_each_kind():
    story = Story(roll=7)
    for kind in ("ordinary", "extraordinary", "ordinary"):
        story.propose(kind)
    assert list(story.at(day=0).standing.actions) == ["AO1", "AE1", "AO2"]


def test_a_number_that_is_left_out_is_one_more_than_the_highest_ever_used_of_its_kind():
    story = Story(roll=7)
    story.propose(number=27)
    story.propose(number=12)
    story.propose()
    story.propose("ordinary")
    assert list(story.at(day=0).standing.actions) == ["AE27", "AE12", "AE28", "AO1"]


def test_a_number_is_never_used_twice():
    story = Story(roll=7)
    story.propose(number=27)
    story.withdraw("AE27")
    with story.refused("the number of AE27 is already used"):
        story.propose(number=27)
