"""Rows read and written with SQL that is put together once.

Django puts a query together anew each time, and wraps each in several layers, which takes several
times as long as the query itself. The few that every vote makes go through here, straight to the
database's driver; all others are Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections, models

Model = type[models.Model]
_Reader = Callable[[Any], Any]
_Writer = Callable[[Any, Any], Any]


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
    return [_read(readers, row) for row in _run(query, _prepared(model, equal))]


def insert(model: Model, values: Mapping[str, object]) -> None:
    _run(_inserting(model, tuple(values)), _prepared(model, values))


def update(model: Model, values: Mapping[str, object], **equal: object) -> None:
    arguments = _prepared(model, values) + _prepared(model, equal)
    _run(_updating(model, tuple(values), tuple(equal)), arguments)


def delete(model: Model, **equal: object) -> None:
    _run(_deleting(model, tuple(equal)), _prepared(model, equal))


def _run(query: str, arguments: list[Any]) -> list[tuple[Any, ...]]:
    database = connections[DEFAULT_DB_ALIAS]
    if database.queries_logged:  # somebody counts: only Django's own cursor tells of its queries
        with database.cursor() as cursor:
            cursor.execute(query, arguments)
            return cursor.fetchall() if cursor.description else []
    database.ensure_connection()
    if database.vendor == "sqlite":
        query = _for_sqlite(query)
    with database.wrap_database_errors:
        cursor = database.connection.execute(query, arguments)
        return cursor.fetchall() if cursor.description else []


@lru_cache(maxsize=256)
def _for_sqlite(query: str) -> str:
    return query.replace("%s", "?")


def _read(readers: tuple[tuple[int, _Reader], ...], row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = list(row)
    for place, read in readers:
        if values[place] is not None:
            values[place] = read(values[place])
    return tuple(values)


def _prepared(model: Model, values: Mapping[str, object]) -> list[Any]:
    writers, database = _writers(model), connections[DEFAULT_DB_ALIAS]
    return [
        value if (write := writers[name]) is None else write(value, database)
        for name, value in values.items()
    ]


@lru_cache(maxsize=256)
def _selecting(
    model: Model, columns: tuple[str, ...], equal: tuple[str, ...], order: str
) -> tuple[str, tuple[tuple[int, _Reader], ...]]:
    wanted = ", ".join(_quoted(columns))
    sorting = f" ORDER BY {order}" if order else ""
    fields = _fields(model)
    readers = [(place, _reader(fields[name])) for place, name in enumerate(columns)]
    return (
        f"SELECT {wanted} FROM {_table(model)}{_where(equal)}{sorting}",
        tuple((place, read) for place, read in readers if read is not None),
    )


@lru_cache(maxsize=256)
def _inserting(model: Model, columns: tuple[str, ...]) -> str:
    places = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {_table(model)} ({', '.join(_quoted(columns))}) VALUES ({places})"


@lru_cache(maxsize=256)
def _updating(model: Model, columns: tuple[str, ...], equal: tuple[str, ...]) -> str:
    changes = ", ".join(f"{name} = %s" for name in _quoted(columns))
    return f"UPDATE {_table(model)} SET {changes}{_where(equal)}"


@lru_cache(maxsize=256)
def _deleting(model: Model, equal: tuple[str, ...]) -> str:
    return f"DELETE FROM {_table(model)}{_where(equal)}"


def _table(model: Model) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(columns: Iterable[str]) -> list[str]:
    return [connection.ops.quote_name(name) for name in columns]


def _where(equal: tuple[str, ...]) -> str:
    if not equal:
        return ""
    return " WHERE " + " AND ".join(f"{name} = %s" for name in _quoted(equal))


@lru_cache(maxsize=64)
def _fields(model: Model) -> dict[str, Any]:
    return {field.attname: field for field in model._meta.concrete_fields}


@lru_cache(maxsize=64)
def _writers(model: Model) -> dict[str, _Writer | None]:
    """How the values of the columns that are kept as something else are written."""
    return {
        name: None if _reader(field) is None else field.get_db_prep_save
        for name, field in _fields(model).items()
    }


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
