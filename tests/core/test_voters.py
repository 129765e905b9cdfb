"""Who is on a roll, whose vote is awaited, and why a vote does not count.

Source: "The roll" and "Votes" in the rules.
"""

from toutdoux.core.history import BallotName
from toutdoux.core.voters import awaiting, on_roll, roll_of, why_off_roll

from .story import Story, english


def awaited(story, member, **when):
    return [(one.action.ref, one.ballot) for one in awaiting(story.at(**when).standing, member)]


def proposed():
    story = Story(roll=3)
    story.propose()
    return story


def test_an_open_action_awaits_everybody_on_its_roll():
    assert awaited(proposed(), "bob", day=1) == [("AE1", BallotName.ACTION)]


def test_a_vote_in_force_is_no_longer_awaited():
    story = proposed()
    story.vote("AE1", "abstain", "bob", day=1)
    assert awaited(story, "bob", day=1) == []
    story.unvote("AE1", "bob", day=2)
    assert awaited(story, "bob", day=2) == [("AE1", BallotName.ACTION)]


def test_a_ballot_that_closed_awaits_nobody():
    assert awaited(proposed(), "bob", day=7) == []


def test_a_ballot_that_is_open_after_an_early_adoption_awaits_who_has_not_voted():
    story = proposed()
    story.vote("AE1", "for", "ana", "cleo", day=1)
    assert story.at(day=2)["AE1"].state == "adopted"
    assert awaited(story, "bob", day=2) == [("AE1", BallotName.ACTION)]


def test_under_a_counter_vote_both_ballots_await_a_vote():
    story = proposed()
    story.call("AE1", by="ana", day=1)
    assert awaited(story, "bob", day=2) == [
        ("AE1", BallotName.ACTION),
        ("AE1", BallotName.COUNTER_VOTE),
    ]


def test_the_soonest_end_comes_first():
    story = proposed()
    story.call("AE1", by="ana", day=3)
    story.propose(day=4)
    assert awaited(story, "bob", day=5) == [
        ("AE1", BallotName.ACTION),
        ("AE1", BallotName.COUNTER_VOTE),
        ("AE2", BallotName.ACTION),
    ]


def test_who_is_off_the_roll_is_not_awaited():
    story = proposed()
    story.member("zed", joined=-3)
    assert awaited(story, "zed", day=1) == []
    assert awaited(story, "zed", day=30) == []


def test_who_left_is_awaited_no_longer():
    story = proposed()
    story.vote("AE1", "for", "ana", "cleo", day=1)
    story.leaves("bob", on=2)
    assert awaited(story, "bob", day=1.5) == [("AE1", BallotName.ACTION)]
    assert awaited(story, "bob", day=3) == []


def test_the_roll_is_as_long_as_the_action_says():
    story = proposed()
    story.member("zed", joined=-3)
    story.leaves("bob", on=2)
    for when in (1, 3):
        now = story.at(day=when)
        people = roll_of(now.standing, now["AE1"])
        assert len(people) == now["AE1"].roll_size
        assert [one.id for one in people] == (
            ["ana", "bob", "cleo"] if when == 1 else ["ana", "cleo"]
        )


def test_a_right_given_early_puts_on_the_rolls_that_open_after_it():
    story = proposed()
    story.member("zed", joined=-3)
    story.grant("zed", day=1)
    story.propose(day=2)
    now = story.at(day=3)
    assert not on_roll(now.standing, now["AE1"], "zed")
    assert on_roll(now.standing, now["AE2"], "zed")


def why(story, member, **when):
    now = story.at(**when)
    return english(why_off_roll(now.standing, now["AE1"], member))


def test_why_a_vote_of_somebody_new_does_not_count_says_from_when_theirs_will():
    story = proposed()
    story.member("zed", joined=-3)
    assert why(story, "zed", day=1) == (
        "Zed may vote on what is proposed from 8 March 2021 at 10:00 on, "
        "and this vote opened on 1 March 2021 at 10:00"
    )


def test_why_a_vote_of_somebody_who_joined_later_does_not_count():
    story = proposed()
    story.member("zed", joined=1)
    assert "from 12 March 2021 at 10:00 on" in why(story, "zed", day=2)


def test_why_a_vote_of_somebody_who_came_back_does_not_count():
    story = proposed()
    story.leaves("bob", on=1)
    story.member("bob", joined=2)
    assert why(story, "bob", day=3) == (
        "Bob left the association during the vote and is no longer on its roll"
    )


def test_a_right_that_was_given_early_tells_when_it_was():
    story = proposed()
    story.member("zed", joined=-3)
    story.grant("zed", day=1)
    assert "from 2 March 2021 at 10:00 on" in why(story, "zed", day=2)
