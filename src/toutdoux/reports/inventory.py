"""The inventory: the actions of a period, as tables and as data."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from toutdoux.core.charter import Kind
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.entries import ImportedAction
from toutdoux.core.history import State
from toutdoux.core.instants import first_instant
from toutdoux.core.journal import Period
from toutdoux.core.replay import Standing
from toutdoux.language import Language

KINDS = (Kind.EXTRAORDINARY, Kind.ORDINARY)
"""In the order in which inventories tell them."""


@dataclass(frozen=True, slots=True)
class InventoryRow:
    ref: str
    number: int
    kind: Kind
    object: str
    leader: str
    """The leader's name."""
    date: date
    """The day it was proposed, local time; as it was written where it is imported."""
    for_: int
    against: int
    expressed: int
    link: str | None
    state: State | None
    """None where only its tally is known."""
    imported: bool = False
    """Whether it was voted on by hand, and is known from a table or a chat."""

    def as_data(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "number": self.number,
            "kind": self.kind,
            "object": self.object,
            "leader": self.leader,
            "date": self.date.isoformat(),
            "for": self.for_,
            "against": self.against,
            "expressed": self.expressed,
            "link": self.link,
            "state": self.state,
            "imported": self.imported,
        }


def inventory(
    chronicle: Chronicle, standing: Standing, period: Period, kinds: Sequence[Kind] = KINDS
) -> list[InventoryRow]:
    """The actions proposed from the first to the last day of a period, kind by kind.

    Tallies are those of the standing's instant. Where a kind has actions that come from a table
    kept by hand, it goes by number, as that table did.
    """
    rows = [
        InventoryRow(
            ref=action.ref,
            number=action.number,
            kind=action.kind,
            object=action.object,
            leader=standing.members[action.leader].name,
            date=day,
            for_=action.ballot.for_,
            against=action.ballot.against,
            expressed=action.ballot.expressed,
            link=action.link,
            state=action.state,
        )
        for action in standing.actions.values()
        if period.holds(day := chronicle.local_date(action.proposed_at))
    ]
    past = [
        _imported(one, standing)
        for one in chronicle.imported
        if period.holds(one.date) and first_instant(one.date, chronicle.zone) <= standing.at
    ]
    return [row for kind in kinds for row in _of_kind(kind, rows, past)]


def _imported(action: ImportedAction, standing: Standing) -> InventoryRow:
    leader = standing.members.get(action.leader_id) if action.leader_id else None
    return InventoryRow(
        ref=action.ref,
        number=action.number,
        kind=action.kind,
        object=action.object,
        leader=leader.name if leader else action.leader,
        date=action.date,
        for_=action.for_,
        against=action.against,
        expressed=action.expressed,
        link=action.link,
        state=action.course.state if action.course else None,
        imported=True,
    )


def _of_kind(
    kind: Kind, rows: Sequence[InventoryRow], past: Sequence[InventoryRow]
) -> list[InventoryRow]:
    here = [row for row in rows if row.kind is kind]
    before = [row for row in past if row.kind is kind]
    return sorted([*before, *here], key=lambda row: row.number) if before else here


def shows_state(rows: Sequence[InventoryRow]) -> bool:
    """Whether a table of these rows needs a column for the outcome."""
    return any(row.state not in (State.ADOPTED, None) for row in rows)


def titles(language: Language, rows: Sequence[InventoryRow]) -> list[str]:
    """The columns' titles, as associations know them."""
    names = [
        language.word("ID"),
        language.word("Object"),
        language.word("Leader"),
        language.word("Date"),
        language.word("For"),
        language.word("Against"),
        language.word("Link"),
    ]
    return [*names, language.word("Outcome")] if shows_state(rows) else names


def cells(language: Language, row: InventoryRow, *, with_state: bool, one_kind: bool) -> list[str]:
    """A row's cells as text; `#27` within a table of one kind, else `AE27`."""
    values = [
        f"#{row.number}" if one_kind else row.ref,
        row.object,
        row.leader,
        language.short_date(row.date),
        f"{row.for_}/{row.expressed}",
        f"{row.against}/{row.expressed}",
        row.link or "",
    ]
    outcome = language.name(row.state) if row.state else ""
    return [*values, outcome] if with_state else values


def as_csv(language: Language, rows: Sequence[InventoryRow], *, one_kind: bool) -> str:
    """One table with commas, for spreadsheets; cells hold what members wrote, untouched."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(titles(language, rows))
    with_state = shows_state(rows)
    for row in rows:
        writer.writerow(cells(language, row, with_state=with_state, one_kind=one_kind))
    return out.getvalue()


def kind_title(language: Language, kind: Kind) -> str:
    if kind is Kind.EXTRAORDINARY:
        return language.word("Inventory of extraordinary actions")
    return language.word("Inventory of ordinary actions")
