"""Rows read and written with SQL that is put together once.

Django puts a query together anew each time, and wraps each in several layers, which takes several
times as long as the query itself. The few that every vote makes go through here, straight to the
database's driver; all others are Django's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper

Model = type[models.Model]
_Reader = Callable[[Any], Any]
_Writer = Callable[[Any, Any], Any]


def find(
    model: Model,
    columns: tuple[str, ...],
    order: str = "",
    *,
    among: tuple[str, Sequence[int]] | None = None,
    lock: bool = False,
    **equal: object,
) -> list[tuple[Any, ...]]:
    """The rows whose columns equal what is given.

    Args:
        model: the table.
        columns: the columns that are wanted (`association_id`, not `association`).
        order: the columns to sort by, as SQL.
        among: a column, and the numbers one of which it must be.
        lock: keep others from changing them until the transaction is over.
    """
    database = connections[DEFAULT_DB_ALIAS]
    column, numbers = among or ("", ())
    query, readers = _selecting(
        database.vendor, model, columns, tuple(equal), order, column, len(numbers)
    )
    if lock and database.features.has_select_for_update:
        query += " FOR UPDATE"
    rows = _ask(database, query, [*_prepared(database, model, equal), *numbers])
    return [_read(readers, row) for row in rows] if readers else rows


def find_with(
    model: Model,
    columns: tuple[str, ...],
    other: Model,
    other_columns: tuple[str, ...],
    link: str,
    order: str = "",
    *,
    lock: bool = False,
    **equal: object,
) -> list[tuple[Any, ...]]:
    """The rows whose columns equal what is given, each with those of another table that name it in
    `link`, or with `None` throughout where none does; sorted by columns of the other. Only the rows
    of the first table are locked."""
    database = connections[DEFAULT_DB_ALIAS]
    query, readers = _selecting_with(
        database.vendor, model, columns, other, other_columns, link, order, tuple(equal)
    )
    if lock and database.features.has_select_for_update:
        query += f" FOR UPDATE OF {_table(model)}"
    return [_read(readers, row) for row in _ask(database, query, _prepared(database, model, equal))]


def insert(model: Model, values: Mapping[str, object]) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    _write(database, _inserting(model, tuple(values)), _prepared(database, model, values))


def update(model: Model, values: Mapping[str, object], **equal: object) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    arguments = _prepared(database, model, values) + _prepared(database, model, equal)
    _write(database, _updating(model, tuple(values), tuple(equal)), arguments)


def delete(model: Model, **equal: object) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    _write(database, _deleting(model, tuple(equal)), _prepared(database, model, equal))


def _ask(database: BaseDatabaseWrapper, query: str, arguments: list[Any]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]]
    if database.force_debug_cursor:  # somebody counts: only Django's own cursor tells of it
        with database.cursor() as counted:
            counted.execute(query, arguments)
            rows = counted.fetchall()
    else:
        with database.wrap_database_errors:
            rows = _execute(database, query, arguments).fetchall()
    return rows


def _write(database: BaseDatabaseWrapper, query: str, arguments: list[Any]) -> None:
    if database.force_debug_cursor:
        with database.cursor() as counted:
            counted.execute(query, arguments)
            return
    with database.wrap_database_errors:
        _execute(database, query, arguments)


def _execute(database: BaseDatabaseWrapper, query: str, arguments: list[Any]) -> Any:
    if database.connection is None:
        database.ensure_connection()
    if database.vendor == "sqlite":
        query = _for_sqlite(query)
    return database.connection.execute(query, arguments)


@lru_cache(maxsize=256)
def _for_sqlite(query: str) -> str:
    return query.replace("%s", "?")


def _read(readers: tuple[tuple[int, _Reader], ...], row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = list(row)
    for place, read in readers:
        if values[place] is not None:
            values[place] = read(values[place])
    return tuple(values)


def _prepared(
    database: BaseDatabaseWrapper, model: Model, values: Mapping[str, object]
) -> list[Any]:
    writers = _writers(model, database.vendor)
    return [
        value if (write := writers[name]) is None else write(value, database)
        for name, value in values.items()
    ]


@lru_cache(maxsize=256)
def _selecting(
    vendor: str,
    model: Model,
    columns: tuple[str, ...],
    equal: tuple[str, ...],
    order: str,
    column: str,
    of: int,
) -> tuple[str, tuple[tuple[int, _Reader], ...]]:
    wanted = ", ".join(_wanted(vendor, model, columns))
    sorting = f" ORDER BY {order}" if order else ""
    query = f"SELECT {wanted} FROM {_table(model)}{_where(equal, column, of)}{sorting}"
    return query, _readers([_fields(model)[name] for name in columns])


@lru_cache(maxsize=64)
def _selecting_with(
    vendor: str,
    model: Model,
    columns: tuple[str, ...],
    other: Model,
    other_columns: tuple[str, ...],
    link: str,
    order: str,
    equal: tuple[str, ...],
) -> tuple[str, tuple[tuple[int, _Reader], ...]]:
    one, two = _table(model), _table(other)
    mine = _wanted(vendor, model, columns, f"{one}.")
    theirs = _wanted(vendor, other, other_columns, f"{two}.")
    key = f"{one}.{_quoted([model._meta.pk.attname])[0]}"
    asked = " AND ".join(f"{one}.{name} = %s" for name in _quoted(equal))
    sorting = f" ORDER BY {order}" if order else ""
    query = (
        f"SELECT {', '.join(mine + theirs)} FROM {one}"
        f" LEFT JOIN {two} ON {two}.{_quoted([link])[0]} = {key} WHERE {asked}{sorting}"
    )
    fields = [_fields(model)[name] for name in columns]
    return query, _readers(fields + [_fields(other)[name] for name in other_columns])


def _wanted(vendor: str, model: Model, columns: tuple[str, ...], table: str = "") -> list[str]:
    """Columns as they are asked for. Of instants SQLite's driver makes what we read, slowly; of an
    expression, it gives the text."""
    fields = _fields(model)
    return [
        f"+{table}{quoted}"
        if vendor == "sqlite" and isinstance(fields[name], models.DateTimeField)
        else f"{table}{quoted}"
        for name, quoted in zip(columns, _quoted(columns), strict=True)
    ]


def _readers(fields: list[models.Field[Any, Any]]) -> tuple[tuple[int, _Reader], ...]:
    readers = ((place, _reader(field)) for place, field in enumerate(fields))
    return tuple((place, read) for place, read in readers if read is not None)


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


def _where(equal: tuple[str, ...], column: str = "", of: int = 0) -> str:
    asked = [f"{name} = %s" for name in _quoted(equal)]
    if column:
        asked.append(f"{_quoted([column])[0]} IN ({', '.join(['%s'] * of)})")
    return f" WHERE {' AND '.join(asked)}" if asked else ""


@lru_cache(maxsize=64)
def _fields(model: Model) -> dict[str, Any]:
    return {field.attname: field for field in model._meta.concrete_fields}


@lru_cache(maxsize=64)
def _writers(model: Model, vendor: str) -> dict[str, _Writer | None]:
    """How the values of the columns that are kept as something else are written."""
    return {name: _writer(field, vendor) for name, field in _fields(model).items()}


def _writer(field: models.Field[Any, Any], vendor: str) -> _Writer | None:
    if _reader(field) is None:
        return None
    if vendor == "sqlite" and isinstance(field, models.DateTimeField):
        return _instant_in_sqlite  # several in every vote: Django's way takes ten times as long
    return field.get_db_prep_save


def _reader(field: models.Field[Any, Any]) -> _Reader | None:
    """How a column's value is read: SQLite keeps some things as others."""
    for kind, read in _READERS.items():
        if isinstance(field, kind):
            return read
    return None


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value + "+00:00")  # as SQLite keeps it: in UTC, unsaid
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no instant")
    return value


def _instant_in_sqlite(value: datetime | None, database: BaseDatabaseWrapper) -> str | None:
    return None if value is None else str(value.astimezone(UTC))[: -len("+00:00")]


def _day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _duration(value: Any) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta(microseconds=value)


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def _truth(value: Any) -> Any:
    return bool(value) if value in (0, 1) else value


_READERS: dict[type[models.Field[Any, Any]], _Reader] = {
    models.DateTimeField: _instant,
    models.DateField: _day,
    models.DurationField: _duration,
    models.JSONField: _json,
    models.BooleanField: _truth,
    models.BinaryField: bytes,
}
