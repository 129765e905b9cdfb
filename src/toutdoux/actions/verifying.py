"""Verifying an association: its chain, its decisions, and what the tables make of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.db import connection

from toutdoux.association.models import (
    Association,
    CharterVersion,
    Member,
    Membership,
    Period,
    Role,
)
from toutdoux.core.chain import Body, Broken, commitment, stamp
from toutdoux.core.entries import Record, charter_data
from toutdoux.core.replay import Standing
from toutdoux.core.verification import Verified, verify
from toutdoux.core.words import Sentence, say
from toutdoux.journal.models import JournalEntry, Publication, ReportWords
from toutdoux.ledger import book
from toutdoux.ledger.checking import Progress, checking, no_collector
from toutdoux.ledger.models import Entry, Ledger, Text

from . import models
from .stage import differing


def verify_association(association: str, progress: Progress = lambda _: None) -> Verified:
    """Verify a ledger and the tables made from it.

    Raises:
        Broken: at the first entry that differs, or the last one about what the tables differ in.
    """
    ledger = Ledger.objects.get(id=association)
    connection.close()  # where another process checks, it opens its own

    def rows() -> Iterator[tuple[int, bytes, str]]:
        return book.rows(association, last=ledger.length)

    with no_collector():
        verified = verify(rows, ledger.played_until, checking(ledger.length, progress))
        return _compared(ledger, verified)


def _compared(ledger: Ledger, verified: Verified) -> Verified:
    """Compare what the entries say with what the tables say."""
    association = ledger.id
    if (verified.length, verified.head) != (ledger.length, ledger.head):
        raise Broken(
            verified.length + 1, say("it is missing: the ledger is said to go further than it does")
        )
    record = verified.record
    _check_texts(association, record)
    for ref in differing(association, verified.standing):
        raise _tables_differ(association, ref, say("the tables say otherwise about {ref}", ref=ref))
    _check_members(association, record, verified.standing)
    _check_charters(association, verified.standing)
    _check_imported(association, record)
    _check_others(association, record)
    return verified


def _tables_differ(association: str, subject: str, why: Sentence) -> Broken:
    last = Entry.objects.filter(ledger_id=association, subject=subject).order_by("seq").last()
    return Broken(last.seq if last else 0, why)


def _check_texts(association: str, record: Record) -> None:
    """Every text must be the one that was committed to; every commitment have a text, or a place
    where it was forgotten."""
    missing = dict(record.commitments)
    rows = Text.objects.filter(ledger_id=association).values_list("commitment", "nonce", "text")
    for name, nonce, text in rows.iterator(chunk_size=2_000):
        seq = missing.pop(name, 0)
        if text is not None and (nonce is None or commitment(bytes(nonce), text) != name):
            raise Broken(seq, say("its text is not the one that was recorded"))
    for seq in missing.values():
        raise Broken(seq, say("its text is missing"))


def _check_members(association: str, record: Record, standing: Standing) -> None:
    people = {one.id: one for one in Member.objects.filter(association=association)}
    periods: dict[str, list[tuple[Any, ...]]] = {}
    for row in Membership.objects.filter(member__association=association).order_by("joined", "id"):
        dates = (row.joined, row.left, row.joined_recorded, row.left_recorded)
        periods.setdefault(row.member_id, []).append(dates)
    texts = book.texts(association)
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
    votes = ("votes_for", "votes_against", "expressed")
    rows = models.ImportedAction.objects.filter(association=association)
    there = {one[0]: one for one in rows.values_list(*fields, *votes)}
    for ref, one in record.imported.items():
        told = (ref, one.object, one.leader or None, one.leader_id, one.date, one.link)
        if there.pop(ref, None) != (*told, one.for_, one.against, one.expressed):
            why = say("the tables say otherwise about {ref}", ref=ref)
            raise _tables_differ(association, ref, why)
    for ref in there:
        raise Broken(0, say("the tables have an action {ref} that no entry tells of", ref=ref))


def _check_others(association: str, record: Record) -> None:
    """Names, periods, roles, the journal, reports: what their entries say, one after the other."""
    there, told = _others_there(association), _Others(association).told(record)
    for key in sorted(there.keys() | told.keys()):
        if there.get(key) != told.get(key):
            raise Broken(0, say("the tables say otherwise about {what}", what=key[0]))


def _others_there(association: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    row = Association.objects.get(pk=association)
    there: dict[tuple[str, str], tuple[Any, ...]] = {
        ("association", ""): (row.name, row.time_zone, row.language)
    }
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

    def __init__(self, association: str) -> None:
        self.texts = book.texts(association)
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
            case "association.changed":
                name, zone, language = come_to["association", ""]
                come_to["association", ""] = (
                    self._text(texts["name"]) if "name" in texts else name,
                    data.get("time_zone", zone),
                    data.get("language", language),
                )
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
