"""The audit: what was done without the action it needed, or before that action might start.

Source: the charter's rules of procedure (`needs_action`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from .action import Action
from .charter import Kind
from .chronicle import Chronicle
from .entries import ImportedAction
from .history import State
from .instants import first_instant
from .journal import Entry, Period, told_in
from .replay import Standing
from .words import Sentence, say


@dataclass(frozen=True, slots=True)
class Finding:
    entry: Entry
    needed: Kind
    """The kind of action it needs; for an ordinary one either kind will do."""
    why: Sentence


def audit(chronicle: Chronicle, standing: Standing, period: Period) -> Iterator[Finding]:
    """Go through what is told in a period, in order of date.

    An entry has a day, not an hour: it is in order if its action might start before that day was
    over, and had not ended before it began. What comes after the standing's instant is left out.
    """
    imported = {one.ref: one for one in chronicle.imported}
    known: dict[str, Action | ImportedAction] = {**imported, **standing.actions}
    for entry in sorted(chronicle.journal, key=lambda one: one.dates.first):
        if told_in(entry, period):
            begin = first_instant(entry.dates.first, chronicle.zone)
            if begin > standing.at:
                continue
            end = chronicle.end_of(entry.dates.first)
            charter = standing.charter_at(end - timedelta(microseconds=1)).charter
            needed = charter.needs_action.get(entry.kind)
            why = needed and _missing(known, entry, needed, chronicle)
            if needed and why:
                yield Finding(entry, needed, why)


def _missing(
    known: Mapping[str, Action | ImportedAction], entry: Entry, needed: Kind, chronicle: Chronicle
) -> Sentence | None:
    """What was missing; None when an action covers the entry as it should."""
    if not entry.actions:
        return say("no action covers it")
    covering = [known[ref] for ref in entry.actions if ref in known]
    if not covering:
        return say("{ref} was not proposed yet", ref=entry.actions[0])
    fitting = [one for one in covering if needed is Kind.ORDINARY or one.kind is needed]
    if not fitting:
        refs = ", ".join(one.ref for one in covering)
        return say("it is covered only by {refs}", refs=refs)
    reasons = [_not_covered(action, entry.dates.first, chronicle) for action in fitting]
    return None if None in reasons else reasons[0]


def _not_covered(
    action: Action | ImportedAction, day: date, chronicle: Chronicle
) -> Sentence | None:
    """Why an action does not cover what was done on a day; None when it does."""
    begin, end = first_instant(day, chronicle.zone), chronicle.end_of(day)
    if isinstance(action, ImportedAction):
        course = action.course
        if course is not None and course.state is State.CANCELLED and course.decided_at <= begin:
            return say(
                "{ref} was {state} on {at}",
                ref=action.ref,
                state=course.state,
                at=course.decided_at,
            )
        # Of the others nothing more is known than that they were kept, from a day on.
        return (
            say("{ref} might not start before {at}", ref=action.ref, at=action.date)
            if action.date > day
            else None
        )
    since, decision = action.may_start_at, action.decision
    if (
        decision is not None
        and action.state in (State.CANCELLED, State.WITHDRAWN)
        and (since is None or decision.at <= begin)
    ):
        return say("{ref} was {state} on {at}", ref=action.ref, state=action.state, at=decision.at)
    if since is None:
        if action.state is State.ADOPTED:
            return say("the condition of {ref} was not recorded as met", ref=action.ref)
        return say("{ref} is not adopted", ref=action.ref)
    if since >= end:
        return say("{ref} might not start before {at}", ref=action.ref, at=since)
    return None
