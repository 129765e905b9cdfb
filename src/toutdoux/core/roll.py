"""Who may vote: members, their memberships, the right to vote.

Source: "The roll" and "Late knowledge" in the rules.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from .words import Refusal, say


@dataclass(frozen=True, slots=True)
class Membership:
    """One period of membership, `[joined, left)`.

    A change of membership acts on open ballots when it is recorded, never earlier:
    `joined_recorded` and `left_recorded` say when that was, where it was after the fact. A ballot
    that was itself told later than the change knows of it from its very day.
    """

    joined: datetime
    left: datetime | None = None
    joined_recorded: datetime | None = None
    left_recorded: datetime | None = None
    since: datetime | None = None
    """When the person joined, where this goes on from a membership that it touches."""
    begins: datetime = field(init=False)
    """The instant from which it acts on ballots that were open when it was recorded."""
    ends: datetime | None = field(init=False)
    """The instant at which its end acts on them."""

    def __post_init__(self) -> None:
        begins = max(self.joined, self.joined_recorded or self.joined)
        object.__setattr__(self, "begins", begins)
        ends = self.left and max(self.left, self.left_recorded or self.left)
        object.__setattr__(self, "ends", ends)

    def as_known(self, known: datetime) -> tuple[datetime, datetime | None]:
        """When it begins and ends for what was recorded at `known`: what was recorded by then
        acts on its very day."""
        told_in = self.joined_recorded is None or self.joined_recorded <= known
        told_out = self.left_recorded is None or self.left_recorded <= known
        return self.joined if told_in else self.begins, self.left if told_out else self.ends

    def known_from(self, first: datetime) -> Membership:
        """The same for ballots all of which were recorded at `first` or later: what was recorded
        by then need not be told apart from what was always known."""
        joined, left = self.joined_recorded, self.left_recorded
        return replace(
            self,
            joined_recorded=None if joined is None or joined <= first else joined,
            left_recorded=None if left is None or left <= first else left,
        )


@dataclass(slots=True)
class Member:
    """A person and their memberships. `id` is how the history names them."""

    id: str
    name: str
    memberships: Sequence[Membership]
    founder: bool = False

    def __post_init__(self) -> None:
        self.memberships = joined_up(self.memberships)

    def membership(self, at: datetime, known: datetime | None = None) -> Membership | None:
        """The membership that is acting at an instant.

        Args:
            at: the instant it is asked about.
            known: by what was recorded until when; None for `at` itself.
        """
        for one in self.memberships:
            if known is None or known <= at:
                begins, ends = one.begins, one.ends
            else:
                begins, ends = one.as_known(known)
            if begins <= at and (ends is None or at < ends):
                return one
        return None

    def is_member(self, at: datetime) -> bool:
        """Whether they were a member, by what is known now (for counts and reports)."""
        return any(
            one.joined <= at and (one.left is None or at < one.left) for one in self.memberships
        )


def joined_up(memberships: Iterable[Membership]) -> tuple[Membership, ...]:
    """Sort memberships, and make one of those that touch. Raises `Refusal` where they overlap."""
    result: list[Membership] = []
    for one in sorted(memberships, key=lambda membership: membership.joined):
        if one.left is not None and one.left <= one.joined:
            raise Refusal(
                say("a membership ends before it begins"),
                say("correct one of the two dates: one leaves after one has joined"),
            )
        last = result[-1] if result else None
        if last is not None and (last.left is None or one.joined < last.left):
            raise Refusal(
                say("two memberships of one person overlap"),
                say("end the first before the second begins"),
            )
        if last is not None and last.left == one.joined:
            # One membership; but where that became known only after its first part had ended, the
            # end has acted on ballots, and stands.
            ended = last.ends is not None and one.begins > last.ends
            since = last.since or last.joined
            if ended:
                result.append(replace(one, since=since))
            else:
                result[-1] = replace(last, left=one.left, left_recorded=one.left_recorded)
        else:
            result.append(one)
    return tuple(result)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the roll of a vote depends on: when it opened, and the delay in force then.

    `place` is the opening's place in the order of what was recorded, for the grants that were
    recorded at the very instant it opened; `known`, when the opening was recorded.
    """

    at: datetime
    delay: timedelta
    place: int
    known: datetime


@dataclass(slots=True)
class Electorate:
    """The members and their right to vote, followed through time.

    It is kept up to date, so that opening a vote costs nothing however many members there are;
    whether somebody is on the roll of an earlier one is derived from their memberships.
    """

    members: Mapping[str, Member]
    delay: timedelta
    granted: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    """Who was given the right early: the instant, and the place in the order."""
    size: int = 0
    """How many members have the right to vote, as of the last `advance`."""
    _entitled: dict[str, datetime] = field(default_factory=dict)
    """Who has the right, and since when without a break, as far as it was followed."""
    _coming: list[tuple[datetime, str]] = field(default_factory=list)
    _now: datetime | None = None

    def has_right(self, member: Member, opening: Opening) -> bool:
        """Whether a member had the right to vote when a vote opened.

        Source: "A member has the right to vote at an instant if they are a member then, and have
        been for the `voting_right_delay` of the charter in force then, or were granted the right
        by then, or are a founder."
        """
        since = self._entitled.get(member.id)
        if since is not None and since < opening.at == opening.known:
            return True  # nearly always, and every vote asks
        return self._derived(member, opening)

    def _derived(self, member: Member, opening: Opening) -> bool:
        """The same, from their memberships."""
        membership = member.membership(opening.at, opening.known)
        if membership is None:
            return False
        if member.founder or (membership.since or membership.joined) + opening.delay <= opening.at:
            return True
        granted = self.granted.get(member.id)
        return granted is not None and granted < (opening.at, opening.place)

    def open(self, at: datetime, place: int, known: datetime) -> tuple[Opening, int]:
        """Open a vote: what its roll depends on, and how many are on it."""
        self.advance(at, place)
        opening = Opening(at, self.delay, place, known)
        if known > at and any(self._told_between(at, known)):
            return opening, sum(self.has_right(one, opening) for one in self.members.values())
        return opening, self.size

    def _told_between(self, at: datetime, known: datetime) -> Iterator[bool]:
        """The changes up to `at` that only somebody who looks back from `known` knows of."""
        for member in self.members.values():
            for one in member.memberships:
                yield one.joined <= at < one.begins and (one.begins <= known)
                if one.left is not None and one.ends is not None:
                    yield one.left <= at < one.ends and (one.ends <= known)

    def advance(self, to: datetime, place: int) -> None:
        """Follow the members up to an instant, that instant included."""
        if self._now is None:
            self._start_over(to, place)
            return
        self._now = to
        coming = self._coming
        while coming and coming[0][0] <= to:
            self._look_at(heapq.heappop(coming)[1], to, place)

    def grant(self, member: str, at: datetime, place: int) -> None:
        """Give somebody the right to vote for good, from this place in the order on."""
        self.granted.setdefault(member, (at, place))
        if self._now is not None:
            self.advance(at, place)
            self._look_at(member, at, place + 1)

    def change_delay(self, delay: timedelta, at: datetime, place: int) -> None:
        """A new charter is in force: its delay is asked of everybody from now on."""
        self.delay = delay
        self._start_over(at, place + 1)

    def look_again(self, member: Member) -> None:
        """A member's memberships have changed: what has begun or ended is looked at next."""
        for instant in self._instants(member):
            heapq.heappush(self._coming, (instant, member.id))

    def _instants(self, member: Member) -> Iterator[datetime]:
        """When somebody's right to vote may begin or end."""
        for one in member.memberships:
            yield one.begins
            yield (one.since or one.joined) + self.delay
            if one.ends is not None:
                yield one.ends

    def _look_at(self, id: str, at: datetime, place: int) -> None:
        if self._derived(self.members[id], Opening(at, self.delay, place, at)):
            self._entitled.setdefault(id, at)
        else:
            self._entitled.pop(id, None)
        self.size = len(self._entitled)

    def _start_over(self, at: datetime, place: int) -> None:
        self._now = at
        self._coming, self._entitled = [], {}
        for id, member in self.members.items():
            for instant in self._instants(member):
                if instant > at:
                    self._coming.append((instant, id))
            self._look_at(id, at, place)
        heapq.heapify(self._coming)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Somebody's membership at an instant, and their right to vote."""

    since: datetime
    """When they became a member, this time."""
    votes: bool
    votes_from: datetime
    """When they have the right to vote from; where they have it, an instant that is past."""


def enrolments(
    members: Mapping[str, Member],
    delay: timedelta,
    granted: Mapping[str, tuple[datetime, int]],
    at: datetime,
) -> dict[str, Enrolment]:
    """Who is a member at an instant, and who may vote, by all that is known now.

    Args:
        members: everybody there has ever been, by id.
        delay: the `voting_right_delay` of the charter in force at that instant.
        granted: who was given the right early: the instant, and the place in the order.
        at: the instant, in UTC.
    """
    known = datetime.max.replace(tzinfo=UTC)
    opening = Opening(at, delay, sys.maxsize, known)
    electorate = Electorate(members, delay, dict(granted))
    found = {}
    for id, member in members.items():
        membership = member.membership(at, known)
        if membership is not None:
            since = membership.since or membership.joined
            votes = electorate.has_right(member, opening)
            found[id] = Enrolment(since, votes, min(at, since + delay) if votes else since + delay)
    return found
