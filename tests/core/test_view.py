"""The JSON object that `toutdoux replay` prints.

Source: the end of "A scenario: history as a file" in the rules, bullet by bullet.
"""

import json
from datetime import timedelta

from toutdoux.core.instants import utc_text
from toutdoux.core.view import standing_as_data

from .story import TICK, Story, day


def told(story, **when):
    return story.at(**when).data("AE1")


def proposed():
    story = Story(roll=7)
    story.propose()
    return story


def contested():
    """Three for, bob against; contested from day 7 on."""
    story = proposed()
    story.vote("AE1", "for", "ana", "cleo", "dan", day=1)
    story.vote("AE1", "against", "bob")
    return story


def test_the_whole_object():
    story = Story(roll=28)
    people = list(story.members)
    story.propose(number=27, by="bob", leader="ana")
    story.vote("AE27", "for", *people[:15], day=1, hour=7, minute=2)
    story.follow_up("AE27", "done", day=4)
    printed = json.loads(json.dumps(standing_as_data(story.at(day=7).standing)))
    assert printed == {
        "at": "2021-03-08T10:00:00Z",
        "actions": [
            {
                "ref": "AE27",
                "kind": "extraordinary",
                "number": 27,
                "leader": "ana",
                "state": "adopted",
                "how": "majority",
                "decided_at": "2021-03-02T17:02:00Z",
                "closes_at": "2021-03-08T10:00:00Z",
                "for": 15,
                "against": 0,
                "abstain": 0,
                "expressed": 15,
                "opinions": 0,
                "roll": 28,
                "counter_vote": None,
                "follow_up": "done",
            }
        ],
    }


def test_the_keys_are_in_the_order_of_the_page():
    keys = " ".join(told(proposed(), day=0))
    assert keys == (
        "ref kind number leader state how decided_at closes_at for against abstain expressed "
        "opinions roll counter_vote follow_up"
    )


def test_actions_are_in_order_of_proposal():
    story = Story(roll=7)
    story.propose(number=9)
    story.propose("ordinary")
    story.propose(number=3)
    data = standing_as_data(story.at(day=0).standing)
    assert [action["ref"] for action in data["actions"]] == ["AE9", "AO1", "AE3"]


def test_actions_proposed_after_the_instant_are_left_out():
    story = proposed()
    story.propose(day=2)
    assert len(standing_as_data(story.at(day(2) - TICK).standing)["actions"]) == 1
    assert len(standing_as_data(story.at(day(2)).standing)["actions"]) == 2


def test_instants_have_a_fraction_only_if_there_is_one():
    story = proposed()
    instant = day(1) + timedelta(milliseconds=500)
    assert standing_as_data(story.at(day(1)).standing)["at"] == "2021-03-02T10:00:00Z"
    assert standing_as_data(story.at(instant).standing)["at"].startswith("2021-03-02T10:00:00.5")


# --- how, decided_at -----------------------------------------------------------------------------


def test_how_and_decided_at_are_null_when_undecided():
    story = contested()
    story.call("AE1", "bob", day=8)
    for number in (1, 7, 8):
        data = told(story, day=number)
        assert (data["how"], data["decided_at"]) == (None, None)


def test_how_is_null_and_decided_at_is_not_when_withdrawn():
    story = proposed()
    story.withdraw("AE1", day=2)
    data = told(story, day=3)
    assert (data["state"], data["how"]) == ("withdrawn", None)
    assert data["decided_at"] == utc_text(day(2))


# --- tallies, roll -------------------------------------------------------------------------------


def test_the_tallies_are_those_of_the_instant_and_move_until_the_ballot_closes():
    story = proposed()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    story.vote("AE1", "abstain", "eva", day=2)
    story.vote("AE1", "against", "fay", day=3)
    keys = ("for", "against", "abstain", "expressed")
    tallies = [
        tuple(told(story, day=number)[key] for key in keys) for number in (0, 1, 2, 3, 7, 99)
    ]
    assert tallies == [
        (0, 0, 0, 0),
        (4, 0, 0, 4),
        (4, 0, 1, 5),
        (4, 1, 1, 6),
        (4, 1, 1, 6),
        (4, 1, 1, 6),
    ]


def test_the_roll_moves_only_until_the_decision():
    story = proposed()
    story.leaves("gus", on=1)
    story.leaves("fay", on=3)
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=2)
    assert [told(story, day=number)["roll"] for number in (0, 1, 2, 3)] == [7, 6, 6, 6]


# --- closes_at -----------------------------------------------------------------------------------


def closes(story, **when):
    return told(story, **when)["closes_at"]


def test_closes_at_is_the_end_of_the_window():
    assert closes(proposed(), day=0) == utc_text(day(7))


def test_closes_at_is_the_end_of_the_window_when_adopted_early():
    story = proposed()
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    assert closes(story, day=2) == utc_text(day(7))


def test_closes_at_is_the_end_of_the_contest_window_while_contested():
    story = contested()
    assert closes(story, day=6) == utc_text(day(7))
    assert closes(story, day=7) == utc_text(day(14))
    assert closes(story, day=99) == utc_text(day(14))


def test_closes_at_is_the_decision_when_decided_while_contested():
    story = contested()
    story.unvote("AE1", "bob", day=9)
    assert closes(story, day=10) == utc_text(day(9))


def test_closes_at_is_the_cancellation():
    story = proposed()
    story.vote("AE1", "against", "ana", "bob", "cleo", "dan", day=2)
    assert closes(story, day=3) == utc_text(day(2))


def test_closes_at_is_the_withdrawal():
    story = proposed()
    story.withdraw("AE1", day=2)
    assert closes(story, day=3) == utc_text(day(2))


def test_closes_at_is_the_call_when_a_contested_action_is_countered():
    story = contested()
    story.call("AE1", "bob", day=9)
    assert closes(story, day=10) == utc_text(day(9))
    assert closes(story, day=99) == utc_text(day(9))


def test_closes_at_stays_the_call_when_the_action_is_withdrawn_later():
    story = contested()
    story.call("AE1", "bob", day=9)
    story.withdraw("AE1", day=10)
    assert closes(story, day=11) == utc_text(day(9))


def test_a_call_on_an_open_action_does_not_change_closes_at():
    story = proposed()
    story.call("AE1", "bob", day=2)
    assert closes(story, day=3) == utc_text(day(7))


def test_closes_at_is_the_cancellation_when_a_counter_vote_on_an_open_action_cancels():
    story = proposed()
    story.call("AE1", "bob", day=2)
    story.counter("AE1", "for", "ana", "bob", "cleo", "dan", day=3)
    assert closes(story, day=4) == utc_text(day(3))


def test_closes_at_begins_again_with_an_amendment():
    story = contested()
    story.amend("AE1", day=8)
    assert closes(story, day=8) == utc_text(day(15))


# --- opinions ------------------------------------------------------------------------------------


def test_opinions_count_persons_with_an_opinion_in_force():
    story = proposed()
    story.member("zoe", joined=-1)
    story.member("yan", joined=-1)
    story.vote("AE1", "for", "zoe", "yan", day=1)
    story.vote("AE1", "against", "zoe", day=2)
    story.unvote("AE1", "yan", day=3)
    assert [told(story, day=number)["opinions"] for number in (1, 2, 3)] == [2, 2, 1]


def test_opinions_are_those_on_the_actions_own_ballot():
    story = proposed()
    story.member("zoe", joined=-1)
    story.call("AE1", "bob", day=1)
    story.counter("AE1", "for", "zoe", day=2)
    assert told(story, day=2)["opinions"] == 0


def test_an_opinion_stays_when_its_author_leaves():
    story = proposed()
    story.member("zoe", joined=-1, left=2)
    story.vote("AE1", "for", "zoe", day=1)
    assert told(story, day=3)["opinions"] == 1


def test_a_vote_that_was_struck_off_does_not_become_an_opinion():
    story = proposed()
    story.leaves("bob", on=2)
    story.vote("AE1", "for", "bob", day=1)
    data = told(story, day=3)
    assert (data["for"], data["opinions"]) == (0, 0)


# --- counter_vote --------------------------------------------------------------------------------


def test_counter_vote_is_null_when_none_was_called():
    assert told(proposed(), day=9)["counter_vote"] is None


def test_counter_vote_says_who_called_it_its_tallies_and_the_end_of_its_window():
    story = proposed()
    story.call("AE1", "bob", day=2)
    story.counter("AE1", "for", "bob", "cleo", day=3)
    story.counter("AE1", "against", "ana")
    story.counter("AE1", "abstain", "dan")
    assert told(story, day=3)["counter_vote"] == {
        "called_by": "bob",
        "for": 2,
        "against": 1,
        "abstain": 1,
        "closes_at": utc_text(day(9)),
    }


def test_a_counter_vote_that_failed_closed_at_the_end_of_its_window():
    story = proposed()
    story.call("AE1", "bob", day=2)
    assert told(story, day=99)["counter_vote"]["closes_at"] == utc_text(day(9))


def test_a_counter_vote_that_cancelled_closed_with_the_decision():
    story = proposed()
    story.call("AE1", "bob", day=2)
    story.counter("AE1", "for", "ana", "bob", "cleo", "dan", day=3)
    assert told(story, day=99)["counter_vote"]["closes_at"] == utc_text(day(3))


def test_a_counter_vote_closed_with_the_withdrawal_of_its_action():
    story = proposed()
    story.call("AE1", "bob", day=2)
    story.withdraw("AE1", day=3)
    assert told(story, day=99)["counter_vote"]["closes_at"] == utc_text(day(3))


def test_counter_vote_is_the_last_one_called_since_the_last_opening():
    story = proposed()
    story.call("AE1", "bob", day=1)
    story.amend("AE1", day=2)
    story.call("AE1", "cleo", day=3)
    assert told(story, day=1)["counter_vote"]["called_by"] == "bob"
    assert told(story, day=2)["counter_vote"] is None
    assert told(story, day=3)["counter_vote"]["called_by"] == "cleo"


# --- follow_up -----------------------------------------------------------------------------------


def test_follow_up_is_null_before_the_action_may_start_and_once_it_is_cancelled_or_withdrawn():
    story = proposed()
    assert told(story, day=6)["follow_up"] is None
    assert told(story, day=7)["follow_up"] == "to_do"
    story.withdraw("AE1", day=1)
    assert told(story, day=7)["follow_up"] is None
