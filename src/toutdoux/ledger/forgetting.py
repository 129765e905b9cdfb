"""Forgetting texts: finding what is to be forgotten, emptying it, and leaving nothing behind.

The entries stay, with the commitments to texts that are no longer there; so the chain is as whole
as it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import orjson
from django.db import connection

from toutdoux.core.chain import Body

from . import book
from .models import Operator, Text

_AT_ONCE = 500
_PERSON = ("member.joined", "member.renamed")
_OTHERS = ("association.", "settings.", "period.", "role.", "action.imported")
"""The entries whose texts are the association's own, whoever wrote them down."""
_NAMES = ("name", "slug", "handle", "email", "period")
"""The texts that other tables hold copies of: of the association, its members and periods."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A text that is still known."""

    what: str
    """What it is: `name`, `object`, `reason` …"""
    commitment: str
    text: str


def of_member(ledger: str, member: str, *, written: bool = False) -> list[Kept]:
    """The texts that say who a member is or was; with `written` also all that they wrote.

    Among them are the names that a table kept by hand had for them before they joined, and those
    under which they acted for others.
    """
    from toutdoux.tables.columns import folded  # much to load, for all who never forget

    told, strangers = _commitments_of(ledger, member, written)
    found = _kept(told)
    names = {folded(one.text) for one in found if one.what == "name"}
    handles = {one.text for one in found if one.what == "handle"}
    # As an import knows them.
    led = [
        one
        for one in _kept(("leader", commitment) for commitment in strangers)
        if folded(one.text) in names or one.text.strip().removeprefix("@").lower() in handles
    ]
    own = {one.text for one in found if one.what in ("name", "handle")}
    acted = Operator.objects.filter(ledger_id=ledger, name__in=own)
    return found + led + _kept(("operator", one.commitment) for one in acted)


def _commitments_of(
    ledger: str, member: str, written: bool
) -> tuple[list[tuple[str, str]], list[str]]:
    """What they are called and wrote, and what imported actions call leaders who were no members
    then."""
    told: list[tuple[str, str]] = []
    strangers: list[str] = []
    needles = (member.encode(), b'"action.imported"')
    for _, body, _ in book.rows(ledger):
        if not _holds(body, needles):
            continue
        entry: Body = orjson.loads(body)
        data = entry["data"]
        texts: dict[str, str] = data.get("texts", {})
        if entry["kind"] in _PERSON:
            # Whoever took somebody in did not write that person's name.
            told += texts.items() if data["member"] == member else ()
        elif entry["kind"] == "action.imported" and "leader" in texts:
            if data.get("leader") == member:
                told.append(("leader", texts["leader"]))
            elif "leader" not in data:
                strangers.append(texts["leader"])
        elif written and entry.get("by") == member and not entry["kind"].startswith(_OTHERS):
            told += ((what, one) for what, one in texts.items() if what != "period")
    return told, strangers


def _holds(body: bytes, needles: Iterable[bytes]) -> bool:
    """Whether an entry may be one that is looked for: few are, and reading all takes long."""
    written = bytes(body)
    return any(needle in written for needle in needles)


def known(ledger: str, commitments: Iterable[str]) -> set[str]:
    """Those among commitments that this ledger still has a text for."""
    found: set[str] = set()
    for part in _parts(commitments):
        rows = Text.objects.filter(ledger_id=ledger, commitment__in=part, text__isnull=False)
        found.update(rows.values_list("commitment", flat=True))
    return found


def names_among(ledger: str, commitments: Collection[str]) -> list[Kept]:
    """Those among commitments that are names by which others find the association, a period or a
    member."""
    keys = [f'"{name}":'.encode() for name in _NAMES]
    found = []
    for _, body, _ in book.rows(ledger):
        if _holds(body, keys):
            texts = orjson.loads(body)["data"].get("texts", {})
            found += [(name, texts[name]) for name in _NAMES if texts.get(name) in commitments]
    return _kept(found)


def about(ledger: str, subject: str, whats: Iterable[str] = ()) -> list[Kept]:
    """The texts of what was told of an action or a journal entry, in the order of time.

    Args:
        ledger: its id.
        subject: the action's reference, or the journal entry's (`J3`).
        whats: which of them (`object`, `note` …); all of them if none is named.
    """
    wanted = {*whats}
    entries: list[Body] = [orjson.loads(one.body) for one in book.entries_about(ledger, subject)]
    entries.sort(key=lambda entry: (entry["at"], entry["seq"]))
    return _kept(
        (what, commitment)
        for entry in entries
        for what, commitment in entry["data"].get("texts", {}).items()
        if not wanted or what in wanted
    )


def _kept(found: Iterable[tuple[str, str]]) -> list[Kept]:
    """Those that were not forgotten yet, each once."""
    wanted = {commitment: what for what, commitment in found}
    texts: dict[str, str | None] = {}
    for part in _parts(wanted):
        rows = Text.objects.filter(commitment__in=part, text__isnull=False)
        texts |= dict(rows.values_list("commitment", "text"))
    return [
        Kept(what, commitment, text)
        for commitment, what in wanted.items()
        if (text := texts.get(commitment)) is not None
    ]


def _parts(all: Iterable[str]) -> Iterator[list[str]]:
    listed = list(all)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))


def forget(ledger: str, commitments: Iterable[str]) -> None:
    """Empty texts, with their nonces, and what the ledger's other tables hold of them."""
    for part in _parts(commitments):
        Text.objects.filter(ledger_id=ledger, commitment__in=part).update(text=None, nonce=None)
        for operator in Operator.objects.filter(ledger_id=ledger, commitment__in=part):
            operator.name = f"#{operator.pk}"  # nobody's, and nobody else's
            operator.save()


def scrub(*tables: str) -> bool:
    """Leave no trace of what was forgotten in the database's files; after the commit.

    SQLite overwrites what is deleted, but not what it has moved about in its pages: so the file is
    written anew, and the write-ahead log emptied. PostgreSQL writes the tables and their statistics
    anew; what its own write-ahead log, its archives and its replicas hold is beyond this program:
    it goes as they are recycled.

    Args:
        tables: other tables than the ledger's own that held copies.

    Returns:
        Whether it is done. False: another program is reading, and keeps SQLite's log from being
        emptied.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return not cursor.fetchone()[0]
        for table in (Text._meta.db_table, Operator._meta.db_table, *tables):
            cursor.execute(f"VACUUM (FULL, ANALYZE) {connection.ops.quote_name(table)}")
        cursor.execute("VACUUM FULL pg_catalog.pg_statistic")
    return True
