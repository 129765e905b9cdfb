"""Writing into a ledger: one transaction, one writer, one more entry.

What an entry changes in other tables is written in the same transaction, by whoever registered for
its kind (`projects`): so the tables never say what the ledger does not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction

from toutdoux.core.chain import NONCE_BYTES, START, Body, canonical, commitment, digest, stamp
from toutdoux.core.entries import Draft
from toutdoux.core.words import Refusal, say

from . import tables
from .models import Entry, Ledger, Operator, Said, Text

Projector = Callable[["Writer", Body], None]

_projectors: dict[str, list[Projector]] = {}

_ENTRY = ("ledger_id", "seq", "body", "hash", "subject")
_OPERATOR = ("name", "commitment")
_INSERT = f"INSERT INTO ledger_entry ({', '.join(_ENTRY)}) VALUES (%s, %s, %s, %s, %s)"
_AT_ONCE = 500


def projects(*kinds: str) -> Callable[[Projector], Projector]:
    """Register what an entry of a kind changes in other tables; those registered first go first."""

    def register(projector: Projector) -> Projector:
        for kind in kinds:
            _projectors.setdefault(kind, []).append(projector)
        return projector

    return register


class _Ledger(NamedTuple):
    """A ledger's row."""

    id: str
    length: int = 0
    head: str = START
    recorded_at: datetime | None = None
    played_until: datetime | None = None
    due_at: datetime | None = None


class Writer:
    """A ledger while somebody writes into it. Nobody else can, until the transaction is over."""

    def __init__(self, ledger: _Ledger, now: datetime, via: str, operator: str | None) -> None:
        self.id = ledger.id
        self.length = ledger.length
        self.head = ledger.head
        self._last = last = ledger.recorded_at
        self.now = max(now, last) if last is not None else now
        """When what is written now is recorded: never earlier than the entry before."""
        self.played_until = ledger.played_until
        self.due_at = ledger.due_at
        self.via = via
        self.projecting = True
        """Whether entries change what they change as they come."""
        self._waiting: list[tuple[str, int, bytes, str, str]] | None = None
        self._operator = operator
        self.operators: dict[str | None, str | None] = {}
        """The commitments to the names of those who ever acted for others, by name."""
        self._before = (self.length, self.played_until, self.due_at)

    def append(
        self, draft: Draft, *, at: datetime, by: str | None = None, subject: str = ""
    ) -> Body:
        """Write one more entry, and let it change what it changes.

        Args:
            draft: what it says.
            at: when it counts, in UTC.
            by: the id of the member who did it, if one did.
            subject: what it is about, to find it by.

        Raises:
            Refusal: it makes no sense; then the transaction must be given up.
        """
        if at < self.now and self._last is not None and self.now <= self._last:
            # What is told after the fact is known from an instant of its own on, so that one can
            # say what was known when.
            self.now = self._last + timedelta.resolution
        body: Body = {
            "seq": self.length + 1,
            "at": stamp(at),
            "recorded_at": stamp(self.now),
            "kind": draft.kind,
            "via": self.via,
            "data": dict(draft.data),
            "prev": self.head,
        }
        if by is not None:
            body["by"] = by
        if self._operator:
            body["operator"] = self._operator_commitment(self._operator)
        if draft.texts:
            body["data"]["texts"] = self._commit(draft.texts)
        self._insert(body, subject)
        if self.projecting:
            for project in _projectors.get(draft.kind, ()):
                project(self, body)
        return body

    def _insert(self, body: Body, subject: str) -> None:
        written = canonical(body)
        self.length, self.head = body["seq"], digest(written)
        row = (self.id, self.length, written, self.head, subject)
        if self._waiting is not None:
            self._waiting.append(row)
            if len(self._waiting) == _AT_ONCE:
                self._write_waiting()
            return
        tables.insert(Entry, dict(zip(_ENTRY, row, strict=True)))

    @contextmanager
    def in_bulk(self) -> Iterator[None]:
        """Write many entries quickly. They change nothing else: whoever writes them does that
        afterwards."""
        self.projecting, self._waiting = False, []
        yield
        self._write_waiting()
        self.projecting, self._waiting = True, None

    def _write_waiting(self) -> None:
        if self._waiting:
            with connection.cursor() as cursor:
                cursor.executemany(_INSERT, self._waiting)
            self._waiting.clear()

    def _commit(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Keep texts apart, and give their commitments."""
        kept = {}
        rows = []
        for name, text in texts.items():
            nonce = secrets.token_bytes(NONCE_BYTES)
            kept[name] = commitment(nonce, text)
            rows.append(Text(commitment=kept[name], ledger_id=self.id, nonce=nonce, text=text))
        Text.objects.bulk_create(rows)
        return kept

    def _operator_commitment(self, name: str) -> str:
        known = self.operators.get(name)
        if known is None:
            known = self.operators[name] = self._commit({"operator": name})["operator"]
            Operator.objects.create(ledger_id=self.id, name=name, commitment=known)
        return known

    def expect(self, due: datetime | None) -> None:
        """Have time looked at again at an instant, if not before."""
        if due is not None and (self.due_at is None or due < self.due_at):
            self.due_at = due

    def save(self) -> None:
        """Write down how far the ledger now goes."""
        if self._before == (self.length, self.played_until, self.due_at):
            return
        changes = {
            "head": self.head,
            "length": self.length,
            "played_until": self.played_until,
            "due_at": self.due_at,
        }
        if self._before[0] != self.length:
            changes["recorded_at"] = self.now
        tables.update(Ledger, changes, id=self.id)


def found(ledger: str, now: datetime, via: str, operator: str | None) -> Writer:
    """Begin a ledger, within a transaction."""
    begun = _Ledger(ledger)
    Ledger.objects.create(id=begun.id, head=begun.head)
    return Writer(begun, now.astimezone(UTC), via, operator)


@contextmanager
def writing(
    ledger: str, *, now: datetime, via: str, operator: str | None = None
) -> Iterator[Writer]:
    """Write into a ledger: all that is done within is committed together, or nothing is.

    Args:
        ledger: its id.
        now: the present instant, in UTC.
        via: the channel it comes through (`cli`, `web` …).
        operator: who acts for others there; only the command line has one.
    """
    with transaction.atomic():
        rows = tables.find_with(
            Ledger, _Ledger._fields, Operator, _OPERATOR, "ledger_id", lock=True, id=ledger
        )
        if not rows:
            raise Refusal(
                say("there is no ledger {id}", id=ledger), say("name another association")
            )
        width = len(_Ledger._fields)
        writer = Writer(_Ledger(*rows[0][:width]), now, via, operator)
        writer.operators = {row[width]: row[width + 1] for row in rows}
        yield writer
        writer.save()


def answer_to(ledger: str, key: str) -> str | None:
    """What was answered to a command that was said before; None if it was not."""
    said = tables.find(Said, ("answer",), ledger_id=ledger, key=key)
    return said[0][0] if said else None


def remember(ledger: str, key: str, answer: str) -> None:
    tables.insert(Said, {"ledger_id": ledger, "key": key, "answer": answer})


def rows(ledger: str, first: int = 1, last: int | None = None) -> Iterator[tuple[int, bytes, str]]:
    """The entries as they are stored, in order: number, bytes, hash."""
    query = "SELECT seq, body, hash FROM ledger_entry WHERE ledger_id = %s AND seq >= %s"
    arguments: list[str | int] = [ledger, first]
    if last is not None:
        query += " AND seq <= %s"
        arguments.append(last)
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"{query} ORDER BY seq", arguments)
        while chunk := cursor.fetchmany(2_000):
            yield from chunk


def texts(ledger: str) -> dict[str, str]:
    """All texts that were not forgotten, by commitment."""
    kept = Text.objects.filter(ledger_id=ledger, text__isnull=False)
    told = kept.values_list("commitment", "text").iterator()
    return {commitment: text for commitment, text in told if text is not None}


def newest_about(ledger: str, subject: str, before: int) -> Iterator[bytes]:
    """What was written about something before the entry of a number, the newest first."""
    query = (
        "SELECT body FROM ledger_entry WHERE ledger_id = %s AND subject = %s AND seq < %s"
        " ORDER BY seq DESC"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [ledger, subject, before])
        while chunk := cursor.fetchmany(100):
            for (body,) in chunk:
                yield body


def entries_about(ledger: str, subject: str) -> list[Entry]:
    return list(Entry.objects.filter(ledger_id=ledger, subject=subject).order_by("seq"))
