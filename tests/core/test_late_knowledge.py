"""What becomes known after the fact, and when a decision may be recorded.

Source: "Late knowledge" in the rules.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from toutdoux.core.charter import read_charter
from toutdoux.core.explanation import explain
from toutdoux.core.history import AmendCharter
from toutdoux.core.late import Recording, may_record
from toutdoux.core.replay import EventRefused

from .story import TICK, Story, day, outcome, tally

# --- votes ---------------------------------------------------------------------------------------


def test_a_vote_made_on_monday_and_read_on_tuesday_counts_on_monday():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.vote("AE1", "for", "dan", day=2, known=day(3))
    assert outcome(story.at(day=3)["AE1"]) == ("adopted", "majority", day(2))


def test_a_vote_made_in_time_and_read_after_the_window_counts_while_nothing_is_recorded():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=6, known=day(7, hours=20))
    assert story.at(day=8)["AE1"].state == "contested"


def test_votes_count_in_order_of_when_they_were_made():
    """Bob voted for on day 1 and against on day 2; the first became known last."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=2)
    story.vote("AE1", "for", "bob", day=1, known=day(3))
    assert tally(story.at(day=3)["AE1"]) == (0, 1, 0)


def unopposed_and_recorded():
    """Three of seven are for; adopted as unopposed on day 7, which is recorded on day 8."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.record_decision("AE1", known=day(8))
    return story


def test_recording_a_decision_changes_nothing_by_itself():
    story = unopposed_and_recorded()
    assert outcome(story.at(day=9)["AE1"]) == ("adopted", "unopposed", day(7))


def test_a_vote_against_known_after_the_decision_was_recorded_is_an_opinion_with_both_instants():
    story = unopposed_and_recorded()
    story.vote("AE1", "against", "dan", day=2, known=day(9))
    action = story.at(day=9)["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(7))
    assert tally(action) == (3, 0, 0)
    opinion = action.ballot.opinions["dan"]
    assert (opinion.choice, opinion.at, opinion.recorded_at) == ("against", day(2), day(9))


def test_a_vote_for_known_after_the_decision_was_recorded_does_not_make_it_a_majority():
    story = unopposed_and_recorded()
    story.vote("AE1", "for", "dan", day=2, known=day(9))
    assert outcome(story.at(day=9)["AE1"]) == ("adopted", "unopposed", day(7))


def test_a_changed_vote_known_after_the_decision_was_recorded_leaves_the_vote_that_counted():
    story = unopposed_and_recorded()
    story.vote("AE1", "against", "bob", day=2, known=day(9))
    action = story.at(day=9)["AE1"]
    assert (tally(action), action.ballot.opinions["bob"].choice) == ((3, 0, 0), "against")


def recorded_majority():
    """Four of seven are for on day 1, which is recorded on day 2."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", hour=12)
    story.vote("AE1", "for", "dan", day=1)
    story.record_decision("AE1", known=day(2))
    return story


def test_a_withdrawal_known_after_the_decision_was_recorded_does_not_undo_it():
    story = recorded_majority()
    story.unvote("AE1", "ana", hour=18, known=day(3))
    action = story.at(day=3)["AE1"]
    assert (outcome(action), tally(action)) == (("adopted", "majority", day(1)), (4, 0, 0))


def test_a_vote_of_the_decisions_very_instant_known_later_does_not_undo_it():
    """Votes of one instant are taken together, but this one became known only on day 3."""
    story = recorded_majority()
    story.vote("AE1", "abstain", "dan", day=1, known=day(3))
    assert outcome(story.at(day=3)["AE1"]) == ("adopted", "majority", day(1))


def test_a_vote_made_after_a_recorded_majority_is_counted_while_the_ballot_is_open():
    story = recorded_majority()
    story.vote("AE1", "for", "eva", day=3, known=day(5))
    action = story.at(day=9)["AE1"]
    assert (outcome(action), tally(action)) == (("adopted", "majority", day(1)), (5, 0, 0))


def test_a_vote_known_after_a_cancellation_was_recorded_does_not_undo_it():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", "dan", day=2)
    story.record_decision("AE1", known=day(3))
    story.vote("AE1", "for", "dan", "eva", "fay", "gus", day=1, known=day(4))
    assert outcome(story.at(day=4)["AE1"]) == ("cancelled", "opposed", day(2))


def test_a_vote_on_a_counter_vote_known_after_its_end_was_recorded_does_not_cancel():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "bob", "cleo", "dan", day=2)
    story.record_decision("AE1", known=day(9))
    story.counter("AE1", "for", "eva", day=3, known=day(10))
    action = story.at(day=10)["AE1"]
    assert outcome(action) == ("adopted", "counter_vote_failed", day(8))
    assert action.counter_vote.ballot.opinions["eva"].recorded_at == day(10)


@pytest.mark.parametrize("tell", [Story.amend, Story.withdraw])
def test_what_would_have_changed_a_recorded_decision_is_refused(tell):
    story = unopposed_and_recorded()
    with story.refused("the decision on AE1 was recorded before this was known"):
        tell(story, "AE1", day=2, known=day(9))


def test_a_counter_vote_known_after_the_decision_was_recorded_is_refused():
    story = unopposed_and_recorded()
    with story.refused("the decision on AE1 was recorded before this was known"):
        story.call("AE1", "bob", day=2, known=day(9))


def test_a_late_vote_by_somebody_who_was_no_member_is_refused_all_the_same():
    story = Story(roll=7)
    story.leaves("gus", on=1)
    story.propose()
    story.record_decision("AE1", known=day(8))
    with story.refused("gus is no member"):
        story.vote("AE1", "for", "gus", day=2, known=day(9))


def test_a_vote_from_before_an_amendment_that_becomes_known_after_it_does_not_count():
    story = Story(roll=7)
    story.propose()
    story.amend("AE1", day=2)
    story.vote("AE1", "for", "bob", day=1, known=day(3))
    action = story.at(day=3)["AE1"]
    assert (tally(action), len(action.ballot.opinions)) == ((0, 0, 0), 0)


def test_a_recorded_decision_is_not_changed_by_a_late_vote_on_another_action():
    """AE2 is adopted by majority on day 3 and recorded. Then a vote of day 2 becomes known, which
    adopts AE1 on that day, and with it lazy consensus, which knows no majority."""
    story = Story(roll=7)
    story.propose(effects=(AmendCharter(read_charter("lazy-consensus")),))
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.propose(day=2, hour=1)
    story.vote("AE2", "for", "ana", "bob", "cleo", "dan", day=3)
    story.record_decision("AE2", known=day(4))
    story.vote("AE1", "for", "dan", day=2, known=day(5))
    assert outcome(story.at(day=5)["AE2"]) == ("adopted", "majority", day(3))


# --- memberships ---------------------------------------------------------------------------------


def test_a_departure_acts_on_open_ballots_when_it_is_recorded():
    story = Story(roll=7)
    story.leaves("bob", on=2, known=5)
    story.propose()
    story.vote("AE1", "for", "bob", "cleo", day=1)
    before, after = story.at(day(5) - TICK)["AE1"], story.at(day=5)["AE1"]
    assert (before.roll_size, tally(before)) == (7, (2, 0, 0))
    assert (after.roll_size, tally(after)) == (6, (1, 0, 0))


def test_a_departure_decides_at_the_instant_it_is_recorded():
    story = Story(roll=7)
    story.leaves("gus", on=2, known=5)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", day=1)
    assert outcome(story.ends()["AE1"]) == ("cancelled", "opposed", day(5))


def test_a_departure_recorded_after_the_decision_changes_nothing():
    story = Story(roll=7)
    story.leaves("gus", on=2, known=8)
    story.propose()
    story.vote("AE1", "for", "ana", "gus", day=1)
    action = story.ends()["AE1"]
    assert outcome(action) == ("adopted", "unopposed", day(7))
    assert (action.roll_size, tally(action)) == (7, (2, 0, 0))


def test_a_membership_recorded_after_the_fact_puts_nobody_on_an_earlier_roll():
    story = Story(roll=7)
    story.member("zoe", joined=-20, joined_known=2)
    story.propose(day=1)
    story.propose(day=3)
    now = story.at(day=3)
    assert (now["AE1"].roll_size, now["AE2"].roll_size) == (7, 8)


def test_a_return_recorded_after_the_fact_does_not_undo_the_departure():
    """Gus leaves on day 2, and that cancels: 3 of 6. On day 5 it is recorded that he had joined
    again at that very instant."""
    story = Story(roll=7)
    story.leaves("gus", on=2)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", day=1)
    assert outcome(story.at(day=4)["AE1"]) == ("cancelled", "opposed", day(2))
    story.member("gus", joined=2, joined_known=5)
    assert outcome(story.at(day=5)["AE1"]) == ("cancelled", "opposed", day(2))


def test_members_are_counted_by_what_is_known_now():
    story = Story(roll=1)
    story.leaves("ana", on=2, known=5)
    member = story.members["ana"]
    assert [member.is_member(day(number)) for number in (1, 2, 4)] == [True, False, False]


# --- when a decision may be recorded -------------------------------------------------------------

HOUR = timedelta(hours=1)
DECIDED = day(7)


def test_a_decision_is_recorded_when_every_chat_was_read_past_its_instant():
    read = [DECIDED + TICK, DECIDED + HOUR]
    assert may_record(DECIDED, read, now=DECIDED + HOUR) is Recording.READ


def test_a_decision_waits_for_a_chat_that_was_not_read_past_its_instant():
    for behind in (DECIDED, DECIDED - HOUR):
        read = [DECIDED + HOUR, behind]
        assert may_record(DECIDED, read, now=DECIDED + 2 * HOUR) is Recording.WAIT


def test_after_24_hours_a_decision_is_recorded_and_says_that_a_chat_was_not_read():
    read = [DECIDED - HOUR]
    assert may_record(DECIDED, read, now=DECIDED + 24 * HOUR - TICK) is Recording.WAIT
    assert may_record(DECIDED, read, now=DECIDED + 24 * HOUR) is Recording.UNREAD


def test_a_decision_that_is_not_due_is_not_recorded():
    assert may_record(DECIDED, [], now=DECIDED - TICK) is Recording.WAIT


def test_a_ballot_that_no_chat_carries_waits_for_nobody():
    assert may_record(DECIDED, [], now=DECIDED + TICK) is Recording.READ


# --- what was recorded stands, whatever becomes known --------------------------------------------


def test_a_recorded_decision_keeps_its_figures_and_the_charter_it_was_judged_by():
    """As above; the late vote changes the charter under AE2, which stays judged by the first."""
    story = Story(roll=7)
    story.propose(effects=(AmendCharter(read_charter("lazy-consensus")),))
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.propose(day=2, hour=1)
    story.vote("AE2", "for", "ana", "bob", "cleo", "dan", day=3)
    before = story.at(day=4)["AE2"]
    story.record_decision("AE2", known=day(4))
    story.vote("AE1", "for", "dan", day=2, known=day(5))
    after = story.at(day=5)["AE2"]
    assert (after.decision, after.charter) == (before.decision, before.charter)


def test_a_proposal_known_late_takes_no_number_and_no_vote_of_another():
    story = Story(roll=7)
    story.propose(day=2, object="First")
    story.vote("AE1", "for", "bob", "cleo", day=3)
    story.propose(day=1, known=day(4), object="Late")
    now = story.at(day=4)
    assert [(now[ref].object, tally(now[ref])) for ref in ("AE1", "AE2")] == [
        ("First", (2, 0, 0)),
        ("Late", (0, 0, 0)),
    ]


def test_a_counter_vote_on_what_turns_out_to_have_been_adopted_before_is_void():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.call("AE1", by="eva", day=3)
    story.vote("AE1", "for", "dan", day=2, known=day(4))
    now = story.at(day=4)
    assert outcome(now["AE1"]) == ("adopted", "majority", day(2))
    assert [type(story.events[index]).__name__ for index in now.standing.void] == [
        "CounterVoteCalled"
    ]


def test_late_knowledge_does_not_hide_what_never_made_sense():
    story = Story(roll=7)
    story.propose()
    story.vote("AE9", "for", "bob", day=3)
    story.vote("AE1", "for", "dan", day=2, known=day(4))
    with pytest.raises(EventRefused):
        story.at(day=5)


def test_a_decision_is_recorded_once():
    story = unopposed_and_recorded()
    with story.refused("the decision on AE1 is recorded twice"):
        story.tell(replace(story.events[-1], recorded_at=day(9)))


def test_a_vote_replaces_the_opinion_that_an_earlier_late_vote_left():
    """Adopted on day 2 and recorded; a vote of dan's from day 1 becomes known, then dan votes."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", "eva", day=2)
    story.record_decision("AE1", known=day(3))
    story.vote("AE1", "against", "dan", day=1, known=day(4))
    story.vote("AE1", "for", "dan", day=5)
    action = story.at(day=6)["AE1"]
    assert (tally(action), len(action.ballot.opinions)) == ((5, 0, 0), 0)


def test_a_decision_recorded_although_a_chat_was_not_read_says_so():
    story = unopposed_and_recorded()
    event = story.events.pop()
    story.events.append(replace(event, decision=replace(event.decision, unread=True)))
    now = story.at(day=9)
    told = [one.message for one in explain(now.standing, now["AE1"]).why]
    assert "It was recorded although a chat could not be read for 24 hours." in told
