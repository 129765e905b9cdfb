"""Members and charters read back as the core knows them."""

from __future__ import annotations

from collections.abc import ItemsView, ValuesView
from datetime import datetime
from functools import lru_cache

import orjson

from toutdoux.core import history as h
from toutdoux.core import roll
from toutdoux.core.charter import Charter, read_charter
from toutdoux.ledger import tables

from . import models

_DATES = ("joined", "left", "joined_recorded", "left_recorded")


class Members(dict[str, roll.Member]):
    """The members of an association, by id, each read when they are first asked for.

    With each comes into `granted` when they were given the right to vote early, if they were.
    `forgotten` is the name of those whose own was forgotten.
    """

    def __init__(
        self,
        association: str,
        granted: dict[str, tuple[datetime, int]] | None = None,
        forgotten: str = "",
    ) -> None:
        super().__init__()
        self.association = association
        self.forgotten = forgotten
        self.granted = {} if granted is None else granted
        self.granted_before: dict[str, tuple[datetime, int]] = {}
        self._all = False

    def __missing__(self, id: str) -> roll.Member:
        if self._all:
            raise KeyError(id)
        people = tables.find(
            models.Member,
            ("id", "name", "founder", "granted_at", "granted_place"),
            id=id,
            association_id=self.association,
        )
        if not people:
            raise KeyError(id)
        periods = tables.find(models.Membership, _DATES, "joined, id", member_id=id)
        self._take([roll.Membership(*dates) for dates in periods], *people[0])
        return dict.__getitem__(self, id)

    def get(self, id: str, default: object = None) -> roll.Member:
        try:
            return self[id]
        except KeyError:
            return default  # type: ignore[return-value]

    def __contains__(self, id: object) -> bool:
        return self.get(str(id)) is not None

    def values(self) -> ValuesView[roll.Member]:  # type: ignore[override]
        self.read_all()
        return super().values()

    def items(self) -> ItemsView[str, roll.Member]:  # type: ignore[override]
        self.read_all()
        return super().items()

    def read_all(self) -> None:
        if not self._all:
            self._read()
            self._all = True

    def _read(self) -> None:
        periods: dict[str, list[roll.Membership]] = {}
        rows = models.Membership.objects.filter(member__association=self.association)
        rows = rows.order_by("joined", "id")
        for id, joined, left, joined_recorded, left_recorded in rows.values_list(
            "member_id", "joined", "left", "joined_recorded", "left_recorded"
        ):
            one = roll.Membership(joined, left, joined_recorded, left_recorded)
            periods.setdefault(id, []).append(one)
        people = models.Member.objects.filter(association=self.association).order_by()
        for row in people.values_list("id", "name", "founder", "granted_at", "granted_place"):
            if not dict.__contains__(self, row[0]):
                self._take(periods.get(row[0], []), *row)

    def _take(
        self,
        memberships: list[roll.Membership],
        id: str,
        name: str,
        founder: bool,
        at: datetime | None,
        place: int | None,
    ) -> None:
        self[id] = roll.Member(id, name or self.forgotten, memberships, founder)
        if at is not None and place is not None:
            self.granted[id] = self.granted_before[id] = (at, place)


def granted(association: str) -> dict[str, tuple[datetime, int]]:
    """Who was given the right to vote early: the instant, and the place in the order."""
    rows = models.Member.objects.filter(association=association, granted_at__isnull=False)
    told = rows.order_by().values_list("id", "granted_at", "granted_place")
    return {id: (at, place) for id, at, place in told if at is not None and place is not None}


@lru_cache(maxsize=64)
def _charter(rules: bytes) -> Charter:
    return read_charter(orjson.loads(rules))


def charter_of(rules: object) -> Charter:
    return _charter(orjson.dumps(rules))


def charters(association: str) -> list[h.CharterVersion]:
    """All versions there have been, the one in force last."""
    rows = tables.find(
        models.CharterVersion,
        ("id", "number", "since", "by_action"),
        "number",
        association_id=association,
    )
    return [_version(association, *row) for row in rows]


@lru_cache(maxsize=256)
def _version(
    association: str, id: int, number: int, since: datetime | None, by_action: str | None
) -> h.CharterVersion:
    """A version of a charter. A row is never changed, only made anew: it is read once."""
    (rules,) = tables.find(models.CharterVersion, ("rules",), id=id)
    return h.CharterVersion(number, charter_of(rules[0]), since, by_action)
