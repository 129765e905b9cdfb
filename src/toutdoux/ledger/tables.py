"""Rows read and written with SQL that is put together once.

Django puts a query together anew each time, which takes several times as long as the query itself.
The few that every vote makes go through here; all others are Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, models

Model = type[models.Model]
_Reader = Callable[[Any], Any]


def find(
    model: Model,
    columns: tuple[str, ...],
    order: str = "",
    *,
    lock: bool = False,
    **equal: object,
) -> list[tuple[Any, ...]]:
    """The rows whose columns equal what is given.

    Args:
        model: the table.
        columns: the columns that are wanted (`association_id`, not `association`).
        order: the columns to sort by, as SQL.
        lock: keep others from changing them until the transaction is over.
    """
    query, readers = _selecting(model, columns, tuple(equal), order)
    if lock and connection.features.has_select_for_update:
        query += " FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(query, _prepared(model, equal))
        rows = cursor.fetchall()
    return [
        tuple(
            value if read is None or value is None else read(value)
            for read, value in zip(readers, row, strict=True)
        )
        for row in rows
    ]


def insert(model: Model, values: Mapping[str, object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_inserting(model, tuple(values)), _prepared(model, values))


def update(model: Model, values: Mapping[str, object], **equal: object) -> None:
    with connection.cursor() as cursor:
        arguments = _prepared(model, values) + _prepared(model, equal)
        cursor.execute(_updating(model, tuple(values), tuple(equal)), arguments)


def delete(model: Model, **equal: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_table(model)}{_where(tuple(equal))}", _prepared(model, equal)
        )


def _prepared(model: Model, values: Mapping[str, object]) -> list[Any]:
    fields = _fields(model)
    return [fields[name].get_db_prep_save(value, connection) for name, value in values.items()]


@lru_cache(maxsize=256)
def _selecting(
    model: Model, columns: tuple[str, ...], equal: tuple[str, ...], order: str
) -> tuple[str, tuple[_Reader | None, ...]]:
    wanted = ", ".join(_quoted(columns))
    sorting = f" ORDER BY {order}" if order else ""
    fields = _fields(model)
    readers = tuple(_reader(fields[name]) for name in columns)
    return f"SELECT {wanted} FROM {_table(model)}{_where(equal)}{sorting}", readers


@lru_cache(maxsize=256)
def _inserting(model: Model, columns: tuple[str, ...]) -> str:
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {_table(model)} ({', '.join(_quoted(columns))}) VALUES ({places})"


@lru_cache(maxsize=256)
def _updating(model: Model, columns: tuple[str, ...], equal: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = %s" for name in _quoted(columns))
    return f"UPDATE {_table(model)} SET {changes}{_where(equal)}"


def _table(model: Model) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(columns: Iterable[str]) -> list[str]:
    return [connection.ops.quote_name(name) for name in columns]


def _where(equal: tuple[str, ...]) -> str:
    return " WHERE " + " AND ".join(f"{name} = %s" for name in _quoted(equal)) if equal else ""


@lru_cache(maxsize=64)
def _fields(model: Model) -> dict[str, Any]:
    return {field.attname: field for field in model._meta.concrete_fields}


def _reader(field: models.Field[Any, Any]) -> _Reader | None:
    """How a column's value is read: SQLite keeps some things as others."""
    for kind, read in _READERS.items():
        if isinstance(field, kind):
            return read
    return None


def _instant(value: Any) -> datetime:
    assert isinstance(value, datetime)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


def _day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _duration(value: Any) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(microseconds=value)


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


_READERS: dict[type[models.Field[Any, Any]], _Reader] = {
    models.DateTimeField: _instant,
    models.DateField: _day,
    models.DurationField: _duration,
    models.JSONField: _json,
    models.BooleanField: bool,
    models.BinaryField: bytes,
}
