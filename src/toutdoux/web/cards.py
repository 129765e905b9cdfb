"""An action as pages show it: its words, its tally, and what the reader may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from toutdoux.association.models import Member
from toutdoux.core.action import Action, Ballot
from toutdoux.core.charter import Base, Threshold
from toutdoux.core.history import AmendCharter, BallotName, Choice, State, Tally
from toutdoux.core.replay import Standing
from toutdoux.core.voters import decides, on_roll, open_ballots


@dataclass(frozen=True, slots=True)
class Bar:
    """The tally, drawn along the roll: for from the left, against from the right."""

    roll: int
    for_: int
    against: int
    abstain: int
    enough: int | None
    """How many for adopt it (of a counter-vote: cancel it) at once; None where no number does."""

    @property
    def missing(self) -> int:
        return max(0, self.roll - self.for_ - self.against - self.abstain)

    @property
    def reached(self) -> bool:
        return self.enough is not None and self.for_ >= self.enough

    def share(self, votes: int) -> str:
        """Where something is along the bar, of 1000 wide, as the drawing has it."""
        return f"{1000 * votes / self.roll:.1f}" if self.roll else "0"


@dataclass(frozen=True, slots=True)
class Poll:
    """One ballot of an action as it is shown."""

    name: BallotName
    ballot: Ballot
    bar: Bar
    closes_at: datetime
    open: bool
    mine: Choice | None
    """The reader's vote in force, or their opinion."""
    decides: bool
    """Whether votes on it decide something still."""
    then: Tally | None
    """Its figures when the action was decided, if they are others by now."""


@dataclass(frozen=True, slots=True)
class Card:
    """One action on a page."""

    action: Action
    leader: str
    """Their name."""
    polls: tuple[Poll, ...]
    """Its own ballot, then the counter-vote's if one was called."""
    counts: bool
    """Whether the reader's vote counts."""

    @property
    def ref(self) -> str:
        return self.action.ref

    @property
    def wording(self) -> str:
        """What tells its object from another: a vote is for the one that was read."""
        return wording_of(self.action.object)

    @property
    def open_poll(self) -> Poll | None:
        """The ballot that is to be voted on: the counter-vote's before its own."""
        return next((poll for poll in reversed(self.polls) if poll.open), None)

    @property
    def poll(self) -> Poll:
        """The ballot that says most about it."""
        under = self.action.state is State.COUNTER_VOTE
        return self.polls[-1] if under else self.polls[0]

    @property
    def changes_rules(self) -> bool:
        """Whether it brings a new version of the charter."""
        return any(isinstance(one, AmendCharter) for one in self.action.effects)


def wording_of(object: str) -> str:
    return sha256(object.encode()).hexdigest()[:16]


def card(standing: Standing, action: Action, me: str, names: Mapping[str, str]) -> Card:
    """An action for the page of the member `me`; empty for a visitor."""
    return Card(
        action=action,
        leader=names.get(action.leader, ""),
        polls=tuple(_polls(standing, action, me)),
        counts=bool(me) and on_roll(standing, action, me),
    )


def _polls(standing: Standing, action: Action, me: str) -> Iterable[Poll]:
    opened = {name for name, _, _ in open_ballots(action, standing.at)}
    for name in BallotName:
        ballot = action.ballot_named(name)
        if ballot is None:
            continue
        counter = action.counter_vote if name is BallotName.COUNTER_VOTE else None
        rules = action.rules
        threshold = (
            rules.counter_vote.cancels if counter and rules.counter_vote else rules.adopted_early
        )
        opinion = ballot.opinions.get(me)
        decision = action.decision
        then = None
        if decision is not None:
            then = decision.counter_vote if counter else decision.tally
        yield Poll(
            name,
            ballot,
            bar_of(ballot, action.roll_size, threshold),
            counter.closes_at if counter else action.closes_at,
            name in opened,
            ballot.votes.get(me) or (opinion.choice if opinion else None),
            decides(action, name),
            then if then != ballot.tally else None,
        )


def bar_of(ballot: Ballot, roll: int, threshold: Threshold) -> Bar:
    if threshold.base is Base.ROLL:
        enough = threshold.least(roll)  # where it stays, once it is passed
        if enough is not None and enough > roll:
            enough = None
    else:
        more = threshold.missing(ballot.for_, roll, ballot.expressed)
        enough = None if more is None else ballot.for_ + more
    return Bar(roll, ballot.for_, ballot.against, ballot.abstain, enough)


def names_of(ids: Iterable[str], erased: str) -> dict[str, str]:
    """The members' names by id, in one query."""
    rows = Member.objects.filter(pk__in=set(ids)).values_list("id", "name")
    return {id: name or erased for id, name in rows}
