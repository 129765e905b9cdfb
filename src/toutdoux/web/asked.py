"""Queries that Django puts together once.

Putting a query together takes Django several times as long as the database takes to answer it. The
few that every page makes are kept as they were sent; only their values change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

_MARKS: Mapping[type, Callable[[int], Any]] = {
    str: lambda place: f"value {place}",
    int: lambda place: 1_000_000_000 + place,
    datetime: lambda place: datetime(1, 1, 1 + place, tzinfo=UTC),
}
"""What stands for a value until there is one."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A query as a database is sent it."""

    sql: str
    arguments: tuple[tuple[str | None, Any], ...]
    """What fills its places: the name of a value, or else what it always is."""
    converters: tuple[tuple[int, list[Any], Any], ...]
    """How the columns that the database keeps as something else are read."""


class Asked:
    """A query that is asked again and again, each time with other values.

        names = Asked(lambda who: Member.objects.filter(pk=who).values_list("name"), who=str)
        names(who="12ab")

    The values are compared with columns as they are: nothing may be worked out from them, and what
    the query is may depend on nothing else.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], **kinds: type) -> None:
        """
        Args:
            make: makes the query, by `values_list`, from the values by their names.
            kinds: what each value is: `str`, `int` or `datetime`.
        """
        self._make = make
        self._marks = {name: _MARKS[kind](n) for n, (name, kind) in enumerate(kinds.items())}
        self._kept: dict[str, _Kept] = {}

    def __call__(self, **values: Any) -> list[tuple[Any, ...]]:
        """The rows, each with the columns that were asked for."""
        kept = self._kept.get(connection.vendor) or self._put_together()
        sent = {name: _sent(value) for name, value in values.items()}
        with connection.cursor() as cursor:
            cursor.execute(
                kept.sql,
                [same if name is None else sent[name] for name, same in kept.arguments],
            )
            rows = cursor.fetchall()
        return [_read(row, kept) for row in rows]

    def _put_together(self) -> _Kept:
        compiler = self._make(**self._marks).query.get_compiler(connection=connection)
        sql, arguments = compiler.as_sql()
        names = {_sent(mark): name for name, mark in self._marks.items()}
        converters = compiler.get_converters([one for one, _, _ in compiler.select])
        kept = self._kept[connection.vendor] = _Kept(
            sql,
            tuple((names.get(one), one) for one in arguments),
            tuple((place, *one) for place, one in converters.items()),
        )
        return kept


def _sent(value: Any) -> Any:
    """A value as the driver of the database takes it."""
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


def _read(row: tuple[Any, ...], kept: _Kept) -> tuple[Any, ...]:
    if not kept.converters:
        return row
    values = list(row)
    for place, converters, expression in kept.converters:
        for convert in converters:
            values[place] = convert(values[place], expression, connection)
    return tuple(values)
