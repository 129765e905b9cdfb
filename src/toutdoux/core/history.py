"""What was recorded: the events of an association's life that the rules look at.

An event is immutable and says only what somebody did. `at` is when it counts; `recorded_at`, when
it became known (the same unless it is told after the fact). A history is told in the order in
which it was recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
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


UNFINISHED = (FollowUp.TO_DO, FollowUp.DOING)
"""What is still to be done."""

GOING_ON = (*UNFINISHED, FollowUp.STANDING)
"""What its leader still answers for."""


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
class CharterVersion:
    """A charter and since when it is in force; `number` counts from 1."""

    number: int
    charter: Charter
    since: datetime | None
    """None for the one the history begins with."""
    by_action: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A count of votes."""

    for_: int = 0
    against: int = 0
    abstain: int = 0

    @property
    def expressed(self) -> int:
        return self.for_ + self.against + self.abstain


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and with which figures."""

    state: State
    how: How | None
    at: datetime
    roll: int
    tally: Tally
    counter_vote: Tally | None
    contested: bool
    """Whether the action was contested when it was decided."""
    unread: bool = False
    """Whether it was recorded although a chat could not be read for 24 hours."""

    def differs(self, other: Decision) -> bool:
        """Whether the two do not say the same; how it came to be recorded says nothing."""
        return replace(self, unread=False) != replace(other, unread=False)


@dataclass(frozen=True, slots=True)
class GrantVotingRight:
    member: str


@dataclass(frozen=True, slots=True)
class AmendCharter:
    charter: Charter


Effect = GrantVotingRight | AmendCharter


@dataclass(slots=True, kw_only=True)
class Event:
    """Nobody changes an event. It is not frozen, because a frozen one takes three times as long to
    make, and every vote is one."""

    at: datetime
    recorded_at: datetime | None = None
    """When it became known; None when that was at once."""

    @property
    def known(self) -> datetime:
        return self.recorded_at or self.at


@dataclass(slots=True, kw_only=True)
class Proposed(Event):
    kind: Kind
    by: str
    object: str
    number: int
    leader: str | None = None
    link: str | None = None
    condition: str | None = None
    effects: tuple[Effect, ...] = ()


@dataclass(slots=True, kw_only=True)
class ActionEvent(Event):
    """Something about an action that was proposed before; `action` is its reference (`AE27`)."""

    action: str
    by: str


@dataclass(slots=True, kw_only=True)
class VoteCast(ActionEvent):
    choice: Choice
    ballot: BallotName = BallotName.ACTION
    kept: bool = False
    """Said where nothing can be refused (a chat): too late to be a vote, it is an opinion."""


@dataclass(slots=True, kw_only=True)
class VoteWithdrawn(ActionEvent):
    ballot: BallotName = BallotName.ACTION
    kept: bool = False
    """It takes back an opinion that was too late to be a vote."""


@dataclass(slots=True, kw_only=True)
class CounterVoteCalled(ActionEvent):
    reason: str


@dataclass(slots=True, kw_only=True)
class Amended(ActionEvent):
    object: str


@dataclass(slots=True, kw_only=True)
class Withdrawn(ActionEvent):
    pass


@dataclass(slots=True, kw_only=True)
class HandedOver(ActionEvent):
    to: str


@dataclass(slots=True, kw_only=True)
class ConditionMet(ActionEvent):
    note: str = ""


@dataclass(slots=True, kw_only=True)
class FollowedUp(ActionEvent):
    follow_up: FollowUp
    note: str = ""
    links: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class RightGranted(Event):
    member: str
    by: str | None = None


@dataclass(slots=True, kw_only=True)
class DecisionRecorded(Event):
    """A decision that was written down; `at` is its true instant. It stands as recorded: nothing
    that becomes known later changes it."""

    action: str
    decision: Decision
    charter: CharterVersion
    """The one that it was judged by."""


def next_number(highest: int) -> int:
    """The number of a new action: one more than the highest ever used of its kind."""
    return highest + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that the rules need to know of an association.

    `events` are in the order in which they were recorded.
    """

    charter: Charter
    members: Sequence[Member]
    events: Sequence[Event]
    imported: Collection[str] = ()
    """The references of actions known only from a table that was kept by hand: they are used."""
    seqs: Sequence[int] = ()
    """For each event its number in the ledger, if it comes from one."""
