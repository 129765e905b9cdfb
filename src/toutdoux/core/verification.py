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
from .entries import Record, Vote
from .replay import EventRefused, Standing, replay
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
        at: the instant that the standing is wanted for, in UTC, not before the last event; None
            for that one.
        check: checks the chain; another one may do so in another process.

    Returns:
        What the ledger says.

    Raises:
        Broken: at the first entry that differs from what it must be.
    """
    chain = check(rows)
    record = _read(chain)
    try:
        history = record.history()
    except Refusal as refusal:
        raise Broken(1, refusal.why) from None
    try:
        standing = replay(history, at)
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


def _read(chain: Iterable[Body | Vote], until: int | None = None) -> Record:
    """Read a chain into a record, up to an entry."""
    record = Record()
    add, add_vote = record.add, record.add_vote
    for seq, entry in enumerate(chain, 1):
        try:
            if isinstance(entry, tuple):
                add_vote(entry)
            elif seq == 1 and entry["kind"] != "association.founded":
                raise Broken(1, say("it founds no association"))
            else:
                add(entry)
        except Refusal as refusal:
            raise Broken(seq, refusal.why) from None
        except (KeyError, TypeError, ValueError):
            raise Broken(seq, say("it is no entry of this format")) from None
        if seq == until:
            break
    return record


def _decide_again(rows: Callable[[], Rows], ref: str, seq: int) -> None:
    """Decide one action by what was recorded before its decision, and by nothing else.

    Late knowledge may explain why a decision does not follow from all that is known today; it must
    have followed from what was known then.
    """
    record = _read(Checked(rows()), until=seq)
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
