"""Carrying out what a list of members changes: who joins, who leaves, who comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from toutdoux.association.models import Association, Member
from toutdoux.core.instants import first_instant
from toutdoux.core.words import Refusal, Sentence
from toutdoux.tables import MemberRow
from toutdoux.tables.changes import Change, Changes, Known, Person, What, changes
from toutdoux.tables.errors import Wrong

from . import commands
from .commands import Request

Progress = Callable[[int, int], None]
"""Told how many of how many changes are recorded."""


@dataclass(frozen=True, slots=True)
class Done:
    """One change that was recorded."""

    what: What
    member: str
    """Their id."""
    handle: str
    name: str
    day: date
    """The day it counts from, in the association's time zone."""
    line: int | None
    """The line of the list; None for somebody who leaves for not being in it."""


@dataclass(frozen=True, slots=True)
class MembersImported:
    done: list[Done]
    notes: list[Sentence]
    """What was guessed, or left as it is."""


def import_members(
    request: Request,
    rows: Sequence[MemberRow],
    *,
    file: str,
    joined: datetime | None = None,
    missing: datetime | None = None,
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> MembersImported:
    """Carry out what a list of members changes, all of it or nothing.

    Each change counts from its own day, whatever the request says of that, and has no key.

    Args:
        request: who asks for it.
        rows: the list.
        file: its name, for messages.
        joined: when those joined whose row does not tell, in UTC; the first instant of today.
        missing: when those left who are members and not in the list; None to leave them.
        dry_run: take everything back at the end.
        progress: told after each change.

    Raises:
        TableError: a row makes no sense, or what it says cannot be; its sentences name members by
            their handles, and it knows what else is wrong.
    """
    zone = ZoneInfo(Association.objects.get(pk=request.association).time_zone)
    today = first_instant(request.now.astimezone(zone).date(), zone)
    with transaction.atomic():
        told = changes(
            rows,
            _known(request.association),
            file=file,
            zone=zone,
            joined=today if joined is None else joined,
            missing=missing,
        )
        done = []
        for one in _carry_out(request, told, file, zone):
            done.append(one)
            progress(len(done), len(told.changes))
        if dry_run:
            transaction.set_rollback(True)
    return MembersImported(done, told.notes)


def _known(association: str) -> list[Known]:
    rows = Member.objects.filter(association=association, erased=False)
    return [
        Known(
            row.id,
            row.handle,
            row.name,
            row.email,
            [(one.joined, one.left) for one in row.memberships.all()],
        )
        for row in rows.prefetch_related("memberships")
    ]


def _carry_out(request: Request, told: Changes, file: str, zone: ZoneInfo) -> Iterator[Done]:
    """Record the changes. Raises `TableError`, which knows all that cannot be recorded."""
    new: dict[Person, str] = {}
    wrong = Wrong(file)
    failed: set[Person] = set()
    for change in told.changes:
        if change.person in failed:
            continue  # what follows from what could not be recorded is no mistake of its own
        id = ""
        with wrong.line(change.line):
            try:
                id = _record(request, change, new)
            except Refusal as refusal:
                failed.add(change.person)
                raise commands.names_in(refusal, request.association) from None
        if not id:
            continue
        row = Member.objects.get(pk=id)
        day = change.at.astimezone(zone).date()
        yield Done(change.what, id, row.handle, row.name, day, change.line)
    wrong.tell()


def _record(request: Request, change: Change, new: dict[Person, str]) -> str:
    """Record a change. Returns the member's id; of those who join it is kept in `new`."""
    person = change.person
    # What is past is told after the fact, so that it counts from its own day.
    asked = replace(request, at=change.at if change.at <= request.now else None, key=None)
    if change.what is What.JOINS:
        new[person] = commands.add_member(
            asked, person.name, handle=person.handle, joined=change.at, email=person.email
        )
        return new[person]
    id = person.known.id if person.known else new[person]
    ending = change.what is What.LEAVES
    command = commands.end_membership if ending else commands.begin_membership
    command(asked, id, change.at)
    return id
