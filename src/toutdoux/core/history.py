"""What was recorded: the events of an association's life that the rules look at.

An event is immutable and says only what somebody did. `at` is when it counts; `recorded_at`, when
it became known (the same unless it is told after the fact). A history is told in the order in
which it was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .charter import Charter, Kind
from .roll import Member


class Choice(StrEnum):
    FOR = "for"
    AGAINST = "against"
    ABSTAIN = "abstain"


class BallotName(StrEnum):
    ACTION = "action"
    COUNTER_VOTE = "counter_vote"


class FollowUp(StrEnum):
    TO_DO = "to_do"
    DOING = "doing"
    DONE = "done"
    ABANDONED = "abandoned"
    STANDING = "standing"


class State(StrEnum):
    OPEN = "open"
    CONTESTED = "contested"
    COUNTER_VOTE = "counter_vote"
    ADOPTED = "adopted"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class How(StrEnum):
    """How an action was adopted or cancelled."""

    MAJORITY = "majority"
    UNOPPOSED = "unopposed"
    NO_COUNTER_VOTE = "no_counter_vote"
    COUNTER_VOTE_FAILED = "counter_vote_failed"
    PLURALITY = "plurality"
    OPPOSED = "opposed"
    COUNTER_VOTE = "counter_vote"
    NOT_ADOPTED = "not_adopted"


@dataclass(frozen=True, slots=True)
class GrantVotingRight:
    member: str


@dataclass(frozen=True, slots=True)
class AmendCharter:
    charter: Charter


Effect = GrantVotingRight | AmendCharter


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: datetime
    recorded_at: datetime | None = None
    """When it became known; None when that was at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed(Event):
    kind: Kind
    by: str
    object: str
    number: int | None = None
    leader: str | None = None
    link: str | None = None
    condition: str | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEvent(Event):
    """Something about an action that was proposed before; `action` is its reference (`AE27`)."""

    action: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast(ActionEvent):
    choice: Choice
    ballot: BallotName = BallotName.ACTION


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteWithdrawn(ActionEvent):
    ballot: BallotName = BallotName.ACTION


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterVoteCalled(ActionEvent):
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended(ActionEvent):
    object: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn(ActionEvent):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver(ActionEvent):
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionMet(ActionEvent):
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedUp(ActionEvent):
    follow_up: FollowUp
    note: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RightGranted(Event):
    member: str
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecorded(Event):
    """A decision that was written down; `at` is its true instant. It stands as recorded: nothing
    that becomes known later changes it."""

    action: str
    state: State
    how: How | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that the rules need to know of an association.

    `events` are in the order in which they were recorded.
    """

    charter: Charter
    members: Sequence[Member]
    events: Sequence[Event]
