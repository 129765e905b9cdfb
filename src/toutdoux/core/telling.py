"""What entries of the ledger say about an action, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .chain import Body
from .history import BallotName, Choice, FollowUp, How, State
from .words import Sentence, say

_VOTES = {
    (BallotName.ACTION, Choice.FOR): say("voted for"),
    (BallotName.ACTION, Choice.AGAINST): say("voted against"),
    (BallotName.ACTION, Choice.ABSTAIN): say("voted neutral"),
    (BallotName.COUNTER_VOTE, Choice.FOR): say("voted for cancelling it"),
    (BallotName.COUNTER_VOTE, Choice.AGAINST): say("voted against cancelling it"),
    (BallotName.COUNTER_VOTE, Choice.ABSTAIN): say("voted neutral in the counter-vote"),
}
_TAKEN_BACK = {
    BallotName.ACTION: say("took their vote back"),
    BallotName.COUNTER_VOTE: say("took their vote in the counter-vote back"),
}
_FOLLOW_UPS = {
    FollowUp.TO_DO: say("put it back among the things to do"),
    FollowUp.DOING: say("started it"),
    FollowUp.DONE: say("said that it is done"),
    FollowUp.ABANDONED: say("gave it up"),
    FollowUp.STANDING: say("made it a rule in force"),
}


def entry_in_words(entry: Body, name: Callable[[str], str]) -> Sentence:
    """What somebody did, as it goes after their name: "voted for".

    Args:
        entry: an entry about an action, its texts in the place of their commitments.
        name: gives a member's name by their id.
    """
    data: Mapping[str, Any] = entry["data"]
    match entry["kind"]:
        case "action.proposed" if "leader" in data:
            return say("proposed it, to be led by {name}", name=name(data["leader"]))
        case "action.proposed":
            return say("proposed it")
        case "vote.cast":
            return _VOTES[BallotName(data["ballot"]), Choice(data["choice"])]
        case "vote.withdrawn":
            return _TAKEN_BACK[BallotName(data["ballot"])]
        case "counter_vote.called":
            return _with(say("called a counter-vote"), entry, "reason")
        case "action.amended":
            return say("amended the object")
        case "action.withdrawn":
            return say("withdrew it")
        case "action.handed_over":
            return say("handed it over to {name}", name=name(data["to"]))
        case "condition.met":
            return _with(say("recorded that its condition is met"), entry, "note")
        case "action.followed_up":
            return _with(_FOLLOW_UPS[FollowUp(data["follow_up"])], entry, "note")
        case "action.adopted":
            return say("{state}, {how}", state=State.ADOPTED, how=How(data["how"]))
        case "action.cancelled":
            return say("{state}, {how}", state=State.CANCELLED, how=How(data["how"]))
        case "action.imported" if "votes" in data:
            return say("imported from the chat it was voted on in")
        case "action.imported":
            return say("imported from a table that was kept by hand")
    return say("{text}", text=entry["kind"])


def _with(what: Sentence, entry: Body, text: str) -> Sentence:
    """The same with what was said at it, on one line."""
    words = " ".join(entry["data"].get("texts", {}).get(text, "").split())
    return say("{what}: “{text}”", what=what, text=words) if words else what
