"""Verifying a ledger: everything is hashed again, and decided again.

It needs the entries and nothing else, so anybody can do it with a bundle; and it says what the
entries lead to, so that whoever has the tables can compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from . import history as h
from .chain import Body, Broken, Checked, Rows
from .entries import BALLOTS, CHOICES, STAMP, Record, Vote, vote_event
from .replay import STEP, EventRefused, Play, Standing, replay
from .words import Refusal, say


class Chain(Protocol):
    """The entries of a chain, checked; whole entries, or of a vote only what `brief` says."""

    length: int
    head: str

    def __iter__(self) -> Iterator[Body | Vote]: ...


@dataclass(frozen=True, slots=True)
class Verified:
    """What a ledger says, once it was found whole."""

    length: int
    head: str
    record: Record
    standing: Standing
    decisions: int
    """How many recorded decisions were decided again."""


def verify(
    rows: Callable[[], Rows],
    at: datetime | None = None,
    check: Callable[[Callable[[], Rows]], Chain] = lambda rows: Checked(rows()),
) -> Verified:
    """Hash and decide everything again.

    Args:
        rows: gives the entries, from the first; it may be asked several times.
        at: the instant that the standing is wanted for, in UTC; None, and any before the last
            event, for that one.
        check: checks the chain; another one may do so in another process.

    Returns:
        What the ledger says.

    Raises:
        Broken: at the first entry that differs from what it must be.
    """
    try:
        return _Follower(check(rows)).verified(at)
    except _OutOfTheOrdinary:
        pass  # and let go of what was read
    return _replayed(rows, check(rows), at)


# --- as it comes ---------------------------------------------------------------------------------


class _OutOfTheOrdinary(Exception):
    """What can't be followed entry by entry."""


class _Follower:
    """Plays a ledger on while it is being read, as long as it comes in order of time.

    Most ledgers do. Whatever is out of the ordinary is left to a replay of the whole, which reads
    it again, says the same of what is in order, and names what is not.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.record = Record()
        self.play: Play | None = None
        self.decisions = 0
        self.told_late = False
        """Whether any vote was opened after the fact."""

    def verified(self, at: datetime | None) -> Verified:
        try:
            for seq, entry in enumerate(self.chain, 1):
                if isinstance(entry, tuple):
                    self._vote(entry, seq)
                else:
                    self._take(entry)
        except (Refusal, KeyError, TypeError, ValueError):
            raise _OutOfTheOrdinary from None
        if self.play is None:
            raise _OutOfTheOrdinary
        if at is not None and self.play.now is not None:
            at = max(at, self.play.now)
        self.play.settle(at)
        standing, length, head = self.play.standing(), self.chain.length, self.chain.head
        return Verified(length, head, self.record, standing, self.decisions)

    def _vote(self, vote: Vote, seq: int) -> None:
        """Nearly all entries are votes: this is as short as it can be."""
        told, recorded, ref, by, choice, ballot = vote
        if len(told) != STAMP or told[-1] != "Z":
            raise _OutOfTheOrdinary  # as `read_instant` would refuse it
        at = datetime.fromisoformat(told)
        play = self.play
        if recorded is not None or play is None or play.now is None or at <= play.now:
            self._play(vote_event(vote), seq)
        else:
            play.take_vote(at, STEP * seq, ref, by, CHOICES[choice], BALLOTS[ballot])

    def _take(self, entry: Body) -> None:
        event = self.record.add(entry)
        if event is not None:
            self.record.forget_events()
            self._play(event, entry["seq"])
        elif self.play is not None and entry["kind"].startswith("member."):
            self._change(self.play, entry)

    def _change(self, play: Play, entry: Body) -> None:
        """A membership that changes where play already is changes what was played."""
        # What was told when it was over knows of a departure from its very day.
        acts_at = min if self.told_late else max
        if play.now is not None:
            instant = datetime.fromisoformat(acts_at(entry["at"], entry["recorded_at"]))
            if instant <= play.now:
                raise _OutOfTheOrdinary
        play.change_member(self.record.people[entry["data"]["member"]].member())

    def _play(self, event: h.Event, seq: int) -> None:
        play = self.play or self._begin(event)
        if isinstance(event, h.Proposed | h.Amended) and event.recorded_at is not None:
            self.told_late = True
        if play.now is not None and event.at < play.now:
            raise _OutOfTheOrdinary
        if type(event) is h.DecisionRecorded:
            self._confirm(play, event)
        elif isinstance(event, h.ActionEvent) and _may_be_late(play, event):
            raise _OutOfTheOrdinary
        else:
            play.take(event, STEP * seq)

    def _begin(self, event: h.Event) -> Play:
        record = self.record
        if type(event) is not h.Proposed or record.charter is None:
            raise _OutOfTheOrdinary
        people = [person.member() for person in record.people.values()]
        history = h.History(
            charter=record.charter, members=people, events=[event], imported=record.imported
        )
        self.play = Play.of(history)
        return self.play

    def _confirm(self, play: Play, event: h.DecisionRecorded) -> None:
        """A decision that was written down must be the one that was reached."""
        play.settle(event.at)
        action = play.actions.get(event.action)
        if (
            action is None
            or action.recorded
            or action.decision is None
            or event.decision.differs(action.decision)
            or event.charter != action.charter
        ):
            raise _OutOfTheOrdinary
        action.decision, action.recorded = event.decision, True
        self.decisions += 1


def _may_be_late(play: Play, event: h.ActionEvent) -> bool:
    action = play.actions.get(event.action)
    return (
        action is not None
        and action.recorded
        and action.decision is not None
        and event.at <= action.decision.at
    )


# --- all of it at once ---------------------------------------------------------------------------


def _replayed(rows: Callable[[], Rows], chain: Chain, at: datetime | None) -> Verified:
    """The same for a ledger that does not come in order of time."""
    record = Record()
    _read(chain, record)
    try:
        history = record.history()
        if at is not None:
            at = max([at, *(event.at for event in history.events)])
        standing = replay(history, at)
    except Refusal as refusal:
        raise Broken(1, refusal.why) from None
    except EventRefused as refused:
        raise Broken(record.seqs[refused.index], refused.refusal.why) from None
    seqs = {
        event.action: seq
        for event, seq in zip(reversed(history.events), reversed(record.seqs), strict=True)
        if type(event) is h.DecisionRecorded
    }
    for ref in sorted(standing.disputed, key=seqs.__getitem__):
        _decide_again(rows, ref, seqs[ref])
    return Verified(chain.length, chain.head, record, standing, len(seqs))


def _read(chain: Iterable[Body | Vote], record: Record, until: int | None = None) -> None:
    """Read a chain into a record, up to an entry."""
    for seq, entry in enumerate(chain, 1):
        try:
            if isinstance(entry, tuple):
                record.add_vote(entry, seq)
            elif seq == 1 and entry["kind"] != "association.founded":
                raise Broken(1, say("it founds no association"))
            else:
                record.add(entry)
        except Refusal as refusal:
            raise Broken(seq, refusal.why) from None
        except (KeyError, TypeError, ValueError):
            raise Broken(seq, say("it is no entry of this format")) from None
        if seq == until:
            break


def _decide_again(rows: Callable[[], Rows], ref: str, seq: int) -> None:
    """Decide one action by what was recorded before its decision, and by nothing else.

    Late knowledge may explain why a decision does not follow from all that is known today; it must
    have followed from what was known then.
    """
    record = Record()
    _read(Checked(rows()), record, until=seq)
    told = record.events.pop()
    assert isinstance(told, h.DecisionRecorded)
    try:
        action = replay(record.history(), told.at).actions[ref]
    except (EventRefused, KeyError):
        action = None
    decided = action.decision if action else None
    if (
        action is None
        or decided is None
        or told.decision.differs(decided)
        or told.charter != action.charter
    ):
        raise Broken(seq, say("the decision does not follow from what was recorded before it"))
