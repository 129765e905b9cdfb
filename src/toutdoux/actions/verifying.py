"""Verifying an association: its chain, its decisions, and what the tables make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import orjson
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection

from toutdoux.association.models import (
    Association,
    CharterVersion,
    Member,
    Membership,
    Period,
    Role,
)
from toutdoux.core.chain import Body, Broken, Checked, commitment, stamp
from toutdoux.core.entries import Record, Subjects, charter_data, read_instant
from toutdoux.core.replay import Standing
from toutdoux.core.verification import Verified, verify
from toutdoux.core.words import Sentence, say
from toutdoux.journal.models import JournalEntry, Publication, ReportWords
from toutdoux.ledger import book
from toutdoux.ledger.backup import one_moment
from toutdoux.ledger.checking import CheckedElsewhere, Progress, is_long, no_collector
from toutdoux.ledger.models import Entry, Ledger, Operator, Text

from . import models
from .comparing import Stored, differing, stored
from .rows import COURSE, course_columns
from .stage import next_due


def ledgers() -> dict[str, str]:
    """What every ledger's association is called, by the ledger's id.

    Whatever there is a trace of is there, be it a ledger without its association or entries without
    their ledger: what is not there is not verified. Without its name, it is called by its id.
    """
    with one_moment():
        names = dict(Association.objects.order_by("slug").values_list("pk", "name"))
        found = [*names, *Ledger.objects.order_by("id").values_list("id", flat=True)]
        last: str | None = ""
        while last is not None:
            # One after the other by the index: there may be millions of entries.
            after = Entry.objects.filter(ledger_id__gt=last).order_by("ledger_id", "seq")
            last = after.values_list("ledger_id", flat=True).first()
            found += [last] if last is not None else []
    return {id: names.get(id, id) for id in found}


def verify_association(association: str, progress: Progress = lambda _: None) -> Verified:
    """Verify a ledger and the tables made from it, as they are at one moment.

    Raises:
        Broken: at the first entry that differs, or the last one about what the tables differ in.
    """
    with no_collector():
        if is_long(_ledger(association).length):
            verified = _with_two_processes(association, progress)
            if verified is not None:
                return verified
        with one_moment():
            ledger = _ledger(association)
            verified = verify(
                lambda: book.rows(association, last=ledger.length),
                ledger.played_until,
                lambda _: _checked(ledger),
            )
            _compare(ledger, verified)
            return verified


def _with_two_processes(association: str, progress: Progress) -> Verified | None:
    """The same for a long ledger. Another process reads its entries over a connection of its own,
    and what the tables say of actions. None if somebody wrote meanwhile: entries never change, but
    then the tables say more."""
    ledger = _ledger(association)
    connection.close()  # what is open can't be shared with another process
    chain = CheckedElsewhere(
        lambda: _checked(ledger), progress, beside=lambda: _actions(association)
    )
    verified = verify(
        lambda: book.rows(association, last=ledger.length), ledger.played_until, lambda _: chain
    )
    try:
        with one_moment():
            now = _ledger(association)
            if _played_on(ledger, now):
                return None
            _compare(now, verified, chain.read_beside())
    except Broken:
        # The other process may have read what was written after that moment.
        if _played_on(ledger, _ledger(association)):
            return None
        raise
    return verified


def _ledger(association: str) -> Ledger:
    """How far the tables say that a ledger goes. Raises `Broken` if they say no such thing."""
    with _as_commands_write():
        ledger = Ledger.objects.filter(id=association).first()
    if ledger is None:
        raise Broken(0, say("the tables do not say how far the ledger goes"))
    if type(ledger.length) is not int:  # SQLite keeps whatever somebody puts there
        raise Broken(0, say("the tables say otherwise about how far the ledger goes"))
    return ledger


def _actions(association: str) -> Iterator[list[Stored]]:
    with _as_commands_write():
        yield from stored(association)


@contextmanager
def _as_commands_write() -> Iterator[None]:
    """Read what only commands write. Raises `Broken` where it can't be read as such: whoever
    changes tables by hand can put anything there."""
    try:
        yield
    except (*_UNREADABLE, DatabaseError) as error:
        # Of a blob among the votes, it is SQLite that says so.
        if isinstance(error, DatabaseError) and "JSON cannot hold" not in str(error):
            raise
        why = say("the tables hold what no command writes ({problem})", problem=str(error))
        raise Broken(0, why) from error


_UNREADABLE = (TypeError, ValueError, AttributeError, LookupError, ObjectDoesNotExist)


def _played_on(before: Ledger, now: Ledger) -> bool:
    return (before.length, before.played_until, before.due_at) != (
        now.length,
        now.played_until,
        now.due_at,
    )


StoredRow = tuple[int, bytes, str, str]
"""Number, bytes, hash, and what the entry is said to be about."""


def _stored(ledger: Ledger) -> Iterator[StoredRow]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            "SELECT seq, body, hash, subject FROM ledger_entry"
            " WHERE ledger_id = %s AND seq <= %s ORDER BY seq",
            [ledger.id, ledger.length],
        )
        # Few at once: they are looked at while they are still in the processor's cache.
        while chunk := cursor.fetchmany(100):
            yield from chunk


def _checked(ledger: Ledger) -> Checked:
    """A chain as it is stored: it is checked as well what each entry is said to be about."""
    return Checked(_stored(ledger), Subjects().of)


def _compare(
    ledger: Ledger, verified: Verified, told: Iterable[list[Stored]] | None = None
) -> None:
    """Compare what the entries say with what the tables say; `told` is what they say of actions,
    if it was read before."""
    association = ledger.id
    if (verified.length, verified.head) != (ledger.length, ledger.head):
        raise Broken(
            verified.length + 1, say("it is missing: the ledger is said to go further than it does")
        )
    record = verified.record
    if record.founding["data"]["association"] != association:
        raise Broken(1, say("it founds another association"))
    if not Association.objects.filter(pk=association).exists():
        raise Broken(1, say("the tables don't have the association that it founds"))
    with _as_commands_write():
        _compare_tables(ledger, verified, told)


def _compare_tables(
    ledger: Ledger, verified: Verified, told: Iterable[list[Stored]] | None
) -> None:
    association, record = ledger.id, verified.record
    texts = _checked_texts(association, record)
    _check_operators(association, record, texts)
    for ref in differing(association, verified.standing, told=told):
        raise _tables_differ(association, ref, say("the tables say otherwise about {ref}", ref=ref))
    _check_members(association, record, verified.standing, texts)
    _check_charters(association, verified.standing)
    _check_imported(association, record)
    _check_others(association, record, texts)
    _check_instants(ledger, verified.standing)


def _check_instants(ledger: Ledger, standing: Standing) -> None:
    """When the last entry was recorded, and how far time was played; nothing that is due may be
    slept through."""
    last = Entry.objects.get(ledger_id=ledger.id, seq=ledger.length)
    recorded_at = read_instant(orjson.loads(bytes(last.body))["recorded_at"])
    due, played = next_due(ledger.id, ledger.played_until), ledger.played_until
    if (
        ledger.recorded_at != recorded_at
        or (standing.actions and (played is None or played < standing.at))
        or (due is not None and (ledger.due_at is None or due < ledger.due_at))
    ):
        raise Broken(0, say("the tables say otherwise about how far the ledger goes"))


def _tables_differ(association: str, subject: str, why: Sentence) -> Broken:
    last = Entry.objects.filter(ledger_id=association, subject=subject).order_by("seq").last()
    return Broken(last.seq if last else 0, why)


def _checked_texts(association: str, record: Record) -> dict[str, str]:
    """The texts by their commitments, but for those that were erased.

    Every text must be the one that was committed to; every commitment have a text, or a place where
    it was erased, and an entry that says so.
    """
    missing = record.operators | record.commitments
    kept = {}
    rows = Text.objects.filter(ledger_id=association).values_list("commitment", "nonce", "text")
    for name, nonce, text in rows.iterator(chunk_size=2_000):
        if name not in missing:
            raise Broken(0, say("the tables have a text that no entry tells of"))
        seq, erased = missing.pop(name), record.erased.get(name)
        if erased is not None:
            if text is not None or nonce is not None:
                raise Broken(erased, say("a text that it erases is still there"))
        elif text is None or nonce is None:
            raise Broken(seq, say("its text was emptied, and no entry says so"))
        elif (
            not isinstance(nonce, bytes | memoryview)
            or not isinstance(text, str)
            or commitment(bytes(nonce), text) != name
        ):
            raise Broken(seq, say("its text is not the one that was recorded"))
        else:
            kept[name] = text
    for seq in sorted(missing.values()):
        raise Broken(seq, say("its text is missing"))
    return kept


def _check_operators(association: str, record: Record, texts: Mapping[str, str]) -> None:
    """Everybody who acted for others is known by the text that their entries commit to."""
    told = dict(record.operators)
    for row in Operator.objects.filter(ledger_id=association):
        seq = told.pop(row.commitment, 0)
        # Who was erased is nobody, and nobody else.
        if not seq or row.name != texts.get(row.commitment, f"#{row.pk}"):
            raise Broken(seq, say("the tables say otherwise about who acted"))
    for seq in sorted(told.values()):
        raise Broken(seq, say("the tables say otherwise about who acted"))


def _check_members(
    association: str, record: Record, standing: Standing, texts: Mapping[str, str]
) -> None:
    people = {one.id: one for one in Member.objects.filter(association=association)}
    periods: dict[str, list[tuple[Any, ...]]] = {}
    for row in Membership.objects.filter(member__association=association).order_by("joined", "id"):
        dates = (row.joined, row.left, row.joined_recorded, row.left_recorded)
        periods.setdefault(row.member_id, []).append(dates)
    for person in record.people.values():
        row_ = people.pop(person.id, None)
        told = [
            (one.joined, one.left, one.joined_recorded, one.left_recorded)
            for one in sorted(person.memberships, key=lambda one: one.joined)
        ]
        granted = standing.granted.get(person.id)
        if (
            row_ is None
            or periods.get(person.id) != told
            or row_.founder != person.founder
            or row_.granted_at != (granted and granted[0])
            or row_.name != texts.get(person.name, "")
            or row_.handle != texts.get(person.handle, person.id)
            or row_.email != texts.get(person.email, "")
            or row_.erased != (person.id in record.forgotten)
        ):
            why = say("the tables say otherwise about the member {member}", member=person.id)
            raise _tables_differ(association, person.id, why)
    for id in people:
        raise Broken(0, say("the tables have a member {member} that no entry tells of", member=id))


def _check_charters(association: str, standing: Standing) -> None:
    rows = CharterVersion.objects.filter(association=association).order_by("number")
    there = [(one.number, one.rules, one.since, one.by_action) for one in rows]
    told = [
        (one.number, dict(charter_data(one.charter)), one.since, one.by_action)
        for one in standing.charters
    ]
    if there != told:
        raise Broken(1, say("the tables say otherwise about the charter"))


def _check_imported(association: str, record: Record) -> None:
    fields = ("ref", "object", "leader", "leader_id", "date", "link")
    votes = ("votes_for", "votes_against", "expressed", *COURSE)
    rows = models.ImportedAction.objects.filter(association=association)
    there = {one[0]: one for one in rows.values_list(*fields, *votes)}
    for ref, one in record.imported.items():
        told = (ref, one.object, one.leader or None, one.leader_id, one.date, one.link)
        course = course_columns(one.course).values()
        if there.pop(ref, None) != (*told, one.for_, one.against, one.expressed, *course):
            why = say("the tables say otherwise about {ref}", ref=ref)
            raise _tables_differ(association, ref, why)
    for ref in there:
        raise Broken(0, say("the tables have an action {ref} that no entry tells of", ref=ref))


_OTHERS = {
    "association": say("the association"),
    "setting": say("the settings"),
    "period": say("the periods"),
    "role": say("the roles"),
    "journal": say("the journal"),
    "report": say("the words of a report"),
    "publication": say("the published reports"),
}


def _check_others(association: str, record: Record, texts: Mapping[str, str]) -> None:
    """Names, periods, roles, the journal, reports: what their entries say, one after the other."""
    there, told = _others_there(association), _Others(texts).told(record)
    for key in sorted(there.keys() | told.keys()):
        if there.get(key) != told.get(key):
            what = _OTHERS.get(key[0], key[0])
            raise Broken(0, say("the tables say otherwise about {what}", what=what))


def _others_there(association: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    row = Association.objects.get(pk=association)
    there: dict[tuple[str, str], tuple[Any, ...]] = {
        ("association", ""): (row.name, row.time_zone, row.language),
        ("association", "slug"): (row.slug,),
    }
    for name, value in row.settings.items():
        there["setting", name] = (value,)
    of = {"association": association}
    for period in Period.objects.filter(**of):
        there["period", period.id] = (period.name, period.first, period.last)
    for role in Role.objects.filter(member__association=association):
        there["role", role.id] = (role.member_id, role.role_id, role.first, role.last)
    for entry in JournalEntry.objects.filter(**of):
        there["journal", entry.id] = (entry.number, entry.content_id, entry.removed)
    for words in ReportWords.objects.filter(**of):
        there["report", words.period] = (words.content_id,)
    for file in Publication.objects.filter(**of):
        at = stamp(file.published_at)
        there["publication", f"{at} {file.period} {file.format}"] = (file.sha256,)
    return there


class _Others:
    """What the entries that no rule looks at come to."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts
        self.come_to: dict[tuple[str, str], tuple[Any, ...]] = {}

    def told(self, record: Record) -> dict[tuple[str, str], tuple[Any, ...]]:
        for entry in (record.founding, *record.others):
            self._take(entry["kind"], entry["data"], entry)
        return self.come_to

    def _text(self, commitment: str) -> str:
        return self.texts.get(commitment, "")

    def _take(self, kind: str, data: Body, entry: Body) -> None:
        come_to, texts = self.come_to, data.get("texts", {})
        match kind:
            case "association.founded":
                name = self._text(texts["name"])
                come_to["association", ""] = (name, data["time_zone"], data["language"])
                come_to["association", "slug"] = (self._text(texts["slug"]),)
            case "association.changed":
                name, zone, language = come_to["association", ""]
                come_to["association", ""] = (
                    self._text(texts["name"]) if "name" in texts else name,
                    data.get("time_zone", zone),
                    data.get("language", language),
                )
            case "settings.changed":
                for name, value in (data.get("switches", {}) | texts).items():
                    come_to["setting", name] = (value,)
            case "period.added":
                come_to["period", data["period"]] = (self._text(texts["name"]), *_days(data))
            case "period.changed":
                name = come_to["period", data["period"]][0]
                come_to["period", data["period"]] = (name, *_days(data))
            case "period.removed":
                del come_to["period", data["period"]]
            case "role.given":
                come_to["role", data["role"]] = (data["member"], texts["role"], *_days(data))
            case "role.ended":
                *given, _ = come_to["role", data["role"]]
                come_to["role", data["role"]] = (*given, date.fromisoformat(data["last"]))
            case "journal.added":
                come_to["journal", data["entry"]] = (data["number"], texts["content"], False)
            case "journal.changed":
                number, _, removed = come_to["journal", data["entry"]]
                come_to["journal", data["entry"]] = (number, texts["content"], removed)
            case "journal.removed":
                number, content, _ = come_to["journal", data["entry"]]
                come_to["journal", data["entry"]] = (number, content, True)
            case "report.worded":
                come_to["report", self._text(texts["period"])] = (texts["content"],)
            case "report.published":
                period = self._text(texts["period"])
                for name, hash in data["files"].items():
                    come_to["publication", f"{entry['at']} {period} {name}"] = (hash,)


def _days(data: Body) -> tuple[date, date | None]:
    last = data.get("last")
    return date.fromisoformat(data["first"]), date.fromisoformat(last) if last else None
