"""What entries about an action say, in words."""

import pytest

from toutdoux.core.telling import entry_in_words

from .story import english

NAMES = {"a1": "Ana Brun"}

SAID = [
    ("action.proposed", {}, "proposed it"),
    ("action.proposed", {"leader": "a1"}, "proposed it, to be led by Ana Brun"),
    ("vote.cast", {"ballot": "action", "choice": "for"}, "voted for"),
    ("vote.cast", {"ballot": "action", "choice": "abstain"}, "voted neutral"),
    ("vote.cast", {"ballot": "counter_vote", "choice": "for"}, "voted for cancelling it"),
    ("vote.withdrawn", {"ballot": "action"}, "took their vote back"),
    (
        "counter_vote.called",
        {"texts": {"reason": "Trop\ncher"}},
        "called a counter-vote: “Trop cher”",
    ),
    ("action.handed_over", {"to": "a1"}, "handed it over to Ana Brun"),
    ("condition.met", {}, "recorded that its condition is met"),
    (
        "action.followed_up",
        {"follow_up": "done", "texts": {"note": "Fini"}},
        "said that it is done: “Fini”",
    ),
    ("action.adopted", {"how": "majority"}, "adopted, by majority"),
    ("action.cancelled", {"how": "counter_vote"}, "cancelled, by counter-vote"),
    ("something.new", {}, "something.new"),
]


@pytest.mark.parametrize(("kind", "data", "said"), SAID)
def test_an_entry_is_told_as_it_goes_after_a_name(kind, data, said):
    entry = {"kind": kind, "data": data}
    assert english(entry_in_words(entry, NAMES.__getitem__)) == said
