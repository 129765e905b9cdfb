"""What a member may be told by mail, and when unless they choose otherwise."""

from __future__ import annotations

from enum import StrEnum

from toutdoux.core.words import Sentence, say


class Kind(StrEnum):
    NEW_ACTION = "new_action"
    REMINDER = "reminder"
    OBJECTION = "objection"
    COUNTER_VOTE = "counter_vote"
    DECISION = "decision"
    ASSIGNED = "assigned"
    MENTION = "mention"


class Pace(StrEnum):
    NOW = "now"
    DAILY = "daily"
    NEVER = "never"


LABELS: dict[StrEnum, Sentence] = {
    Kind.NEW_ACTION: say("a new action, or one whose vote starts again"),
    Kind.REMINDER: say("a ballot that closes within a day, where my vote is missing"),
    Kind.OBJECTION: say("a vote against what I lead"),
    Kind.COUNTER_VOTE: say("a counter-vote that is called"),
    Kind.DECISION: say("a decision"),
    Kind.ASSIGNED: say("an action that I am to lead"),
    Kind.MENTION: say("a comment that mentions me"),
    Pace.NOW: say("at once"),
    Pace.DAILY: say("once a day"),
    Pace.NEVER: say("never"),
}

DEFAULTS = {
    Kind.NEW_ACTION: Pace.NOW,
    Kind.REMINDER: Pace.NOW,
    Kind.OBJECTION: Pace.NOW,
    Kind.COUNTER_VOTE: Pace.NOW,
    Kind.DECISION: Pace.DAILY,
    Kind.ASSIGNED: Pace.NOW,
    Kind.MENTION: Pace.NOW,
}


def pace(chosen: dict[str, str], kind: Kind) -> Pace:
    """When somebody is told of a kind of thing, by what they chose."""
    return Pace(chosen.get(kind, DEFAULTS[kind]))
