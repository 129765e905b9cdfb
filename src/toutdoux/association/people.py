"""Members and charters read back as the core knows them."""

from __future__ import annotations

from collections.abc import Collection, ItemsView, Iterable, ValuesView
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from django.db import connection
from django.db.models import Q, QuerySet

from toutdoux.core import history as h
from toutdoux.core import roll
from toutdoux.core.charter import Charter, read_charter
from toutdoux.ledger import tables

from . import models

_DATES = ("joined", "left", "joined_recorded", "left_recorded")
_PERSON = ("id", "handle", "name", "founder", "granted_at", "granted_place")
_HEAD = range(len(_PERSON))
_IN_ORDER = "association_membership.joined, association_membership.id"


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
        self.handles: dict[str, str] = {}
        """Of those who were read."""
        self._all = False

    def __missing__(self, id: str) -> roll.Member:
        if self._all:
            raise KeyError(id)
        rows = tables.find_with(
            models.Member,
            _PERSON,
            models.Membership,
            _DATES,
            "member_id",
            _IN_ORDER,
            id=id,
            association_id=self.association,
        )
        if not rows:
            raise KeyError(id)
        self._take(_memberships(rows), *rows[0][: len(_PERSON)])
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
        """Read everybody there is, in one query."""
        if not self._all:
            self._read(
                tables.find_with(
                    models.Member,
                    _PERSON,
                    models.Membership,
                    _DATES,
                    "member_id",
                    f"association_member.id, {_IN_ORDER}",
                    association_id=self.association,
                )
            )
            self._all = True

    def read(self, ids: Collection[str]) -> None:
        """Read some at once, who would be read one by one."""
        wanted = [id for id in dict.fromkeys(ids) if not dict.__contains__(self, id)]
        for start in range(0, len(wanted), 500):
            some = models.Member.objects.filter(
                association=self.association, id__in=wanted[start : start + 500]
            )
            dates = (f"memberships__{name}" for name in _DATES)
            told = some.order_by("id", "memberships__joined", "memberships__id")
            self._read(told.values_list(*_PERSON, *dates))

    def _read(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for person, periods in groupby(rows, key=itemgetter(*_HEAD)):
            if not dict.__contains__(self, person[0]):
                self._take(_memberships(periods), *person)

    def _take(
        self,
        memberships: list[roll.Membership],
        id: str,
        handle: str,
        name: str,
        founder: bool,
        at: datetime | None,
        place: int | None,
    ) -> None:
        self.handles[id] = handle
        self[id] = roll.Member(id, name or self.forgotten, memberships, founder)
        if at is not None and place is not None:
            self.granted[id] = self.granted_before[id] = (at, place)


def _memberships(rows: Iterable[tuple[Any, ...]]) -> list[roll.Membership]:
    """The memberships of a person, in rows that begin with what is the person's own."""
    dates = (row[len(_PERSON) :] for row in rows)
    return [roll.Membership(*one) for one in dates if one[0] is not None]


def memberships_at(at: datetime) -> QuerySet[models.Membership]:
    """The memberships that run at an instant, by what is known now: whose they are is a member."""
    lasting = Q(left__isnull=True) | Q(left__gt=at)
    return models.Membership.objects.filter(lasting, joined__lte=at)


_WHO_LEFT = (
    "SELECT one.member_id FROM association_membership one"
    " JOIN association_member person ON person.id = one.member_id"
    ' WHERE one."left" IS NOT NULL AND person.association_id = %s'
    ' AND (one."left" BETWEEN %s AND %s OR one.left_recorded BETWEEN %s AND %s)'
)


def who_left(association: str, first: datetime, last: datetime) -> set[str]:
    """Who left, or whose leaving became known, between two instants, both included. It is asked of
    every vote that becomes known late: Django would take ten times as long to put it together."""
    between = [connection.ops.adapt_datetimefield_value(one) for one in (first, last)]
    with connection.cursor() as cursor:
        cursor.execute(_WHO_LEFT, [association, *between, *between])
        return {id for (id,) in cursor.fetchall()}


def are_members(ids: Collection[str], at: datetime) -> set[str]:
    """Those among some people who are members at an instant, by what is known now."""
    return set(memberships_at(at).filter(member__in=ids).values_list("member_id", flat=True))


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
