"""All that is known of an association: what the inventory, the audit and the report are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from .entries import ImportedAction
from .history import History
from .instants import first_instant
from .journal import Entry, Period, ReportWords, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Chronicle:
    name: str
    zone: tzinfo
    """The association's time zone, in which its dates are told."""
    language: str
    history: History
    periods: Sequence[Period] = ()
    roles: Sequence[Role] = ()
    journal: Sequence[Entry] = ()
    reports: Mapping[str, ReportWords]
    """By the name of the period."""
    imported: Sequence[ImportedAction] = ()
    """The actions known only from tables that were kept by hand."""

    def local_date(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def end_of(self, day: date) -> datetime:
        """The instant at which a day is over (the first one that is no longer part of it)."""
        return first_instant(date.fromordinal(day.toordinal() + 1), self.zone)

    def members_on(self, day: date) -> int:
        """How many members there were at the end of a day, by what is known now."""
        last = self.end_of(day) - timedelta(microseconds=1)
        return sum(member.is_member(last) for member in self.history.members)
