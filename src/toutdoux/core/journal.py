"""The journal: what the association did, beside its actions. Facts only, kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from urllib.parse import urlsplit

from .words import Refusal, Sentence, say


class EntryKind(StrEnum):
    LIFE = "life"
    SERVICE_OPENED = "service_opened"
    SERVICE_CLOSED = "service_closed"
    SERVICE = "service"
    ACCOUNT_OPENED = "account_opened"
    ACCESS_GIVEN = "access_given"
    OUTREACH = "outreach"
    EVENT = "event"
    COURSE_OPENED = "course_opened"
    COURSE = "course"
    REQUEST = "request"
    GRANT = "grant"


@dataclass(frozen=True, slots=True)
class Dates:
    """One day, several days, or a span from `first` to `last`, both included."""

    days: tuple[date, ...]
    """In order; the first and the last day of a span."""
    span: bool = False

    @property
    def first(self) -> date:
        return self.days[0]

    @property
    def last(self) -> date:
        return self.days[-1]


class Precision(StrEnum):
    EXACT = "exact"
    ABOUT = "about"
    MORE_THAN = "more_than"
    FEWER_THAN = "fewer_than"


@dataclass(frozen=True, slots=True)
class Attendance:
    count: int
    precision: Precision
    label: str | None = None
    """Who was counted ("inscrit·es"); None for those who took part."""


@dataclass(frozen=True, slots=True)
class WebLink:
    url: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    value: Decimal
    currency: str
    """An ISO 4217 code: `EUR`."""


@dataclass(frozen=True, slots=True)
class Request:
    """A formal request to an authority."""

    to: str
    sent: date
    answered: date | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """Money asked for; `granted` is None while there is no answer and when it was refused."""

    funder: str
    asked: Amount
    asked_on: date
    purpose: str | None = None
    answered_on: date | None = None
    refused: bool = False
    granted: Amount | None = None
    set_aside: Amount | None = None
    set_aside_for: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the association did."""

    kind: EntryKind
    title: str
    dates: Dates
    text: str = ""
    """Markdown."""
    partners: tuple[str, ...] = ()
    links: tuple[WebLink, ...] = ()
    attendance: tuple[Attendance, ...] = ()
    actions: tuple[str, ...] = ()
    """References of the actions that cover it."""
    period: str | None = None
    """The period it is told in, when that is not the one of its date."""
    request: Request | None = None
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """A named period with its first and last day, both included, local time."""

    name: str
    first: date
    last: date

    def holds(self, day: date) -> bool:
        return self.first <= day <= self.last


def period_named(periods: Iterable[Period], name: str, to_add: Sentence | None = None) -> Period:
    """The period of a name.

    Args:
        periods: those there are.
        name: as it was said.
        to_add: how to add one, where there is none; with `toutdoux period add` unless given.

    Raises:
        Refusal: there is none of this name.
    """
    known = {one.name: one for one in periods}
    if name not in known:
        if to_add is None:
            to_add = say("add it: toutdoux period add {name} 2021-02-01 2021-07-18", name=name)
        raise Refusal(
            say("there is no period {name}", name=name),
            say("use one of {names}", names=", ".join(known)) if known else to_add,
        )
    return known[name]


@dataclass(frozen=True, slots=True)
class Role:
    """Who held a role, from the first to the last day, both included."""

    role: str
    member: str
    first: date
    last: date | None = None

    def held_in(self, period: Period) -> bool:
        return self.first <= period.last and (self.last is None or self.last >= period.first)


class ReportSection(StrEnum):
    INTRODUCTION = "introduction"
    LIFE = "life"
    SERVICES = "services"
    OUTREACH = "outreach"
    EVENTS = "events"
    COURSES = "courses"
    ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class SectionWords:
    """What somebody wrote for a section of a report; None keeps the usual title, no text."""

    title: str | None = None
    text: str | None = None
    """Markdown."""


@dataclass(frozen=True, slots=True)
class ReportWords:
    """What somebody wrote for a period's report."""

    title: str | None
    authors: tuple[str, ...]
    date: date | None
    sections: Mapping[ReportSection, SectionWords]


def told_in(entry: Entry, period: Period) -> bool:
    """Whether an entry is told in a period: that of its first date, unless it names another."""
    return entry.period == period.name if entry.period else period.holds(entry.dates.first)


def check_link(text: str) -> None:
    """Raises `Refusal` for what cannot be followed: not http, https, gemini or mailto."""
    try:
        scheme = urlsplit(text).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https", "gemini", "mailto"):
        raise Refusal(
            say("“{text}” is not a link", text=text),
            say("write it whole, beginning with https://"),
        )
