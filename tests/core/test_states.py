"""Each row of the table of "States" in the rules: the state, how, and when it was decided."""

from .story import Story, day, outcome


def test_adopted_by_majority_the_instant_of_the_vote_that_passed_the_threshold():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.vote("AE1", "for", "dan", day=2, hour=3, minute=4)
    story.vote("AE1", "for", "eva", day=3)
    assert outcome(story.ends()["AE1"]) == ("adopted", "majority", day(2, hours=3, minutes=4))


def test_adopted_by_majority_the_instant_of_the_departure_that_passed_the_threshold():
    story = Story(roll=6)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    story.leaves("eva", on=2)
    assert outcome(story.ends()["AE1"]) == ("adopted", "majority", day(2))


def test_adopted_unopposed_at_the_end_of_the_window():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", day=1)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(7))


def contested():
    """Bob and cleo are against; contested from day 7 on."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", "cleo", day=1)
    return story


def test_adopted_unopposed_the_instant_the_last_vote_against_was_withdrawn():
    story = contested()
    story.unvote("AE1", "bob", day=8)
    story.unvote("AE1", "cleo", day=9)
    assert story.at(day=8)["AE1"].state == "contested"
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(9))


def test_adopted_unopposed_the_instant_the_last_vote_against_was_changed():
    story = contested()
    story.vote("AE1", "for", "bob", day=8)
    story.vote("AE1", "abstain", "cleo", day=9)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(9))


def test_adopted_unopposed_the_instant_the_last_one_against_left():
    story = contested()
    story.leaves("bob", on=8)
    story.leaves("cleo", on=9)
    assert outcome(story.ends()["AE1"]) == ("adopted", "unopposed", day(9))


def test_adopted_without_counter_vote_at_the_end_of_an_ordinary_actions_window():
    story = Story(roll=7)
    story.propose("ordinary")
    story.vote("AO1", "against", "bob", day=1)
    assert outcome(story.ends()["AO1"]) == ("adopted", "no_counter_vote", day(7))


def test_adopted_without_counter_vote_at_the_end_of_an_extraordinary_actions_contest_window():
    assert outcome(contested().ends()["AE1"]) == ("adopted", "no_counter_vote", day(14))


def test_adopted_when_the_counter_vote_failed_at_the_end_of_the_counter_vote():
    story = contested()
    story.call("AE1", "bob", day=9)
    assert outcome(story.ends()["AE1"]) == ("adopted", "counter_vote_failed", day(16))


def test_adopted_by_plurality_at_the_end_of_the_window():
    story = Story(roll=7, charter="simple-majority")
    story.propose()
    story.vote("AE1", "for", "ana", "bob", "cleo", day=1)
    assert outcome(story.ends()["AE1"]) == ("adopted", "plurality", day(7))


def test_cancelled_as_opposed_the_instant_that_made_against_reach_the_threshold():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", day=1)
    story.vote("AE1", "against", "dan", day=2, minute=5)
    assert outcome(story.ends()["AE1"]) == ("cancelled", "opposed", day(2, minutes=5))


def test_cancelled_by_counter_vote_the_instant_that_made_it_reach_the_threshold():
    story = contested()
    story.call("AE1", "bob", day=9)
    story.counter("AE1", "for", "ana", "bob", "cleo", day=10)
    story.counter("AE1", "for", "dan", day=11, hour=1)
    assert outcome(story.ends()["AE1"]) == ("cancelled", "counter_vote", day(11, hours=1))


def test_cancelled_as_not_adopted_at_the_end_of_the_window():
    story = Story(roll=7, charter="simple-majority")
    story.propose()
    story.vote("AE1", "for", "ana", "bob", day=1)
    assert outcome(story.ends()["AE1"]) == ("cancelled", "not_adopted", day(7))


def test_withdrawn_the_instant_it_was_withdrawn():
    story = Story(roll=7)
    story.propose()
    story.withdraw("AE1", day=3, hour=1)
    assert outcome(story.ends()["AE1"]) == ("withdrawn", None, day(3, hours=1))


def test_from_open_through_contested_and_counter_vote_to_adopted():
    story = contested()
    story.call("AE1", "bob", day=9)
    states = [story.at(day=number)["AE1"].state for number in (0, 7, 9, 16)]
    assert states == ["open", "contested", "counter_vote", "adopted"]


def test_an_amendment_leads_back_to_open():
    story = contested()
    story.call("AE1", "bob", day=9)
    story.amend("AE1", day=10)
    assert story.at(day=10)["AE1"].state == "open"


def test_a_contested_action_that_somebody_else_opposes_later_stays_contested():
    """Cleo's vote against comes before bob's goes away."""
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "bob", day=1)
    story.vote("AE1", "against", "cleo", day=8)
    story.unvote("AE1", "bob", day=9)
    assert story.at(day=9)["AE1"].state == "contested"


def test_an_ordinary_action_is_contested_under_a_charter_that_gives_it_a_contest_window():
    charter = {"preset": "tout-doux-cratie", "ordinary": {"contest_window": "2 days"}}
    story = Story(roll=7, charter=charter)
    story.propose("ordinary")
    story.vote("AO1", "against", "bob", day=1)
    assert story.at(day=7)["AO1"].state == "contested"
    assert outcome(story.ends()["AO1"]) == ("adopted", "no_counter_vote", day(9))
