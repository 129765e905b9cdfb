"""What a list of members changes: who joins, who leaves, who comes back.

Pure: it is told who is known, and says what to record. Nobody leaves for not being in a list,
unless that is asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum

from toutdoux.core.instants import first_instant
from toutdoux.core.words import Refusal, Sentence, say, say_n

from .columns import folded
from .errors import TableError, Wrong
from .members import MemberRow


class What(StrEnum):
    JOINS = "joins"
    RETURNS = "returns"
    LEAVES = "leaves"


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is a member, or was."""

    id: str
    handle: str
    name: str
    email: str
    memberships: Sequence[tuple[datetime, datetime | None]]
    """In order; the last one has no end while they are a member."""


@dataclass(eq=False, slots=True)
class Person:
    """Somebody in the list: their rows, one for each period, and who they are if they are known."""

    rows: list[MemberRow]
    known: Known | None = None

    @property
    def name(self) -> str:
        return self.rows[0].name

    @property
    def line(self) -> int:
        return self.rows[0].line

    @property
    def email(self) -> str:
        return next((row.email for row in self.rows if row.email), "")

    @property
    def handle(self) -> str | None:
        told = next((row.handle for row in self.rows if row.handle), None)
        return as_handle(told) if told else None


@dataclass(frozen=True, slots=True)
class Change:
    what: What
    person: Person
    at: datetime
    line: int | None
    """None for somebody who leaves because they are not in the list."""


@dataclass(slots=True)
class Changes:
    changes: list[Change] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)
    """What was guessed, or left as it is, for whoever imports the list to know."""


def changes(
    rows: Iterable[MemberRow],
    known: Sequence[Known],
    *,
    file: str,
    zone: tzinfo,
    joined: datetime,
    missing: datetime | None = None,
) -> Changes:
    """Say what a list of members changes.

    Args:
        rows: the list.
        known: everybody who is or was a member.
        file: the list's name, for messages.
        zone: the association's time zone, in which days begin and end.
        joined: when those joined whose row does not say it, in UTC.
        missing: when those left who are members and not in the list; None to leave them.

    Raises:
        TableError: a row may mean several people.
    """
    told = Changes()
    people = _people(rows)
    wrong = Wrong(file)
    _recognize(people, known, wrong, told)
    _check_namesakes(people, wrong)
    undated = 0
    for person in people:
        timeline = _Timeline(person, zone, joined, told)
        for row in sorted(person.rows, key=lambda row: (row.joined or date.min, row.line)):
            timeline.read(row)
        undated += timeline.undated
    if undated:
        told.notes.append(
            say_n(
                "{n} row without a joining date: taken as {at}",
                "{n} rows without a joining date: taken as {at}",
                undated,
                at=joined.astimezone(zone).date(),
            )
        )
    if missing is not None:
        there = {person.known.id for person in people if person.known}
        for one in known:
            since, left = one.memberships[-1]
            if one.id not in there and left is None and since < missing:
                person = Person([MemberRow(one.name, None, None, None, None, None, 0)], one)
                told.changes.append(Change(What.LEAVES, person, missing, None))
    return told


def as_handle(text: str) -> str | None:
    """A nickname as a handle: `Ana.Brün` is `ana.brun`; None if nothing of it is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._-]+", "-", plain).strip("._-")[:60].strip("._-") or None


# --- who is who ----------------------------------------------------------------------------------


def _people(rows: Iterable[MemberRow]) -> list[Person]:
    """The rows, person by person: the same number, else the same name and address."""
    people: dict[tuple[str, ...], Person] = {}
    for row in rows:
        keys: list[tuple[str, ...]] = []
        if row.number:
            keys.append(("number", row.number))
        if row.email or not row.number:
            keys.append(("name", folded(row.name), (row.email or "").casefold()))
        person = next((people[key] for key in keys if key in people), None)
        if person is None:
            person = Person([])
        person.rows.append(row)
        people |= dict.fromkeys(keys, person)
    return list(dict.fromkeys(people.values()))


def _recognize(
    people: Sequence[Person], known: Sequence[Known], wrong: Wrong, told: Changes
) -> None:
    """Find who is known: by address, else by handle, else by name; the surest ones first."""

    def address(one: Person | Known) -> str:
        return one.email.casefold()

    def name(one: Person | Known) -> str:
        return folded(one.name)

    ways: tuple[Callable[[Person | Known], object], ...] = (
        lambda one: address(one) and (address(one), name(one)),
        address,
        lambda one: one.handle,
        name,
    )
    for way in ways:
        unclaimed = {one.id: one for one in known}
        for person in people:
            if person.known:
                unclaimed.pop(person.known.id, None)
        candidates: dict[object, list[Known]] = {}
        for one in unclaimed.values():
            candidates.setdefault(way(one), []).append(one)
        asking: dict[object, list[Person]] = {}
        for person in people:
            if person.known is None and way(person) and way(person) in candidates:
                asking.setdefault(way(person), []).append(person)
        for key, persons in asking.items():
            with wrong.line(persons[0].line):
                _claim(persons, candidates[key], wrong.file)
        wrong.tell()
    for person in people:
        if person.known and name(person.known) != name(person):
            told.notes.append(
                say(
                    "line {line}: {name} is taken for {handle}, who is called {known} here",
                    line=person.line,
                    name=person.name,
                    handle=person.known.handle,
                    known=person.known.name,
                )
            )


def _claim(people: Sequence[Person], known: Sequence[Known], file: str) -> None:
    person = people[0]
    if len(people) > 1 or len(known) > 1:
        handles = ", ".join(one.handle for one in known)
        why = (
            say("{name} may be any of {handles}", name=person.name, handles=handles)
            if len(known) > 1
            else say(
                "lines {line} and {other} may both be {handles}",
                line=person.line,
                other=people[1].line,
                handles=handles,
            )
        )
        remedy = say("give each an e-mail address of their own, in the file and with member rename")
        raise TableError(file, person.line, why, remedy)
    one = known[0]
    if person.email and one.email and person.email.casefold() != one.email.casefold():
        raise TableError(
            file,
            person.line,
            say(
                "{name} has another e-mail address than {handle}",
                name=person.name,
                handle=one.handle,
            ),
            say(
                "if they are one person, toutdoux member rename {handle} --email …;"
                " if not, toutdoux member add",
                handle=one.handle,
            ),
        )
    person.known = one


def _check_namesakes(people: Sequence[Person], wrong: Wrong) -> None:
    """Refuse new people of one name whom nothing tells apart: next time, nobody could."""
    alike: dict[str, Person] = {}
    for person in people:
        if person.known is None and not person.email and not person.handle:
            other = alike.setdefault(folded(person.name), person)
            if other is not person:
                with wrong.line(person.line):
                    raise Refusal(
                        say("{name} is also on line {line}", name=person.name, line=other.line),
                        say("give each an e-mail address or a handle that tells them apart"),
                    )
    wrong.tell()


# --- what changes --------------------------------------------------------------------------------


class _Timeline:
    """The memberships of one person, as the list goes on telling them."""

    def __init__(self, person: Person, zone: tzinfo, joined: datetime, told: Changes) -> None:
        self.person = person
        self.zone = zone
        self.joined = joined
        self.told = told
        self.undated = 0
        self.memberships = [*person.known.memberships] if person.known else []

    def read(self, row: MemberRow) -> None:
        if not self.memberships:
            self._begin(What.JOINS, row)
        elif row.left is not None and any(
            self._is_on(end, row.left) for _, end in self.memberships
        ):
            return
        elif self.memberships[-1][1] is None:
            self._read_of_member(row, self.memberships[-1][0])
        else:
            self._read_of_former(row, self.memberships[-1][1])

    def _read_of_member(self, row: MemberRow, since: datetime) -> None:
        known_day = any(
            row.joined and self._is_on(begin, row.joined) for begin, _ in self.memberships
        )
        if row.left is not None:
            left = first_instant(row.left, self.zone)
            if left > since:
                self._end(row, left)
            else:
                self._keep(row, since)
        elif row.joined is not None and not known_day:
            self._keep(row, since)

    def _read_of_former(self, row: MemberRow, left: datetime) -> None:
        """They come back if the list says that they joined since, or lists them without dates."""
        if row.joined is None:
            back = row.left is None and self.joined >= first_instant(self._day(left), self.zone)
        else:
            back = row.joined >= self._day(left)
        if back:
            self._begin(What.RETURNS, row, left)
        else:
            self.told.notes.append(
                say(
                    "line {line}: {name} left on {day} here; nothing is changed",
                    line=row.line,
                    name=row.name,
                    day=self._day(left),
                )
            )

    def _keep(self, row: MemberRow, since: datetime) -> None:
        self.told.notes.append(
            say(
                "line {line}: {name} is a member since {day} here; nothing is changed",
                line=row.line,
                name=row.name,
                day=self._day(since),
            )
        )

    def _begin(self, what: What, row: MemberRow, after: datetime | None = None) -> None:
        at = self.joined if row.joined is None else first_instant(row.joined, self.zone)
        if after is not None:
            at = max(at, after)  # who left in the middle of a day comes back later that day
        self.undated += row.joined is None
        self.memberships.append((at, None))
        self.told.changes.append(Change(what, self.person, at, row.line))
        if row.left is not None:
            self._end(row, first_instant(row.left, self.zone))

    def _end(self, row: MemberRow, at: datetime) -> None:
        self.memberships[-1] = (self.memberships[-1][0], at)
        self.told.changes.append(Change(What.LEAVES, self.person, at, row.line))

    def _is_on(self, instant: datetime | None, day: date) -> bool:
        return instant is not None and self._day(instant) == day

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()
