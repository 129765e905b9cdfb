"""What instances answered, kept in a file of its own: pages survive a restart and an outage.

Several processes share it. It is a cache: it may be deleted at any time, and is begun anew when it
is damaged.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TypeVar

MOST = 64 * 1024 * 1024
"""Bytes of answers that are kept."""

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS kept (
    key TEXT PRIMARY KEY, body BLOB NOT NULL, link TEXT NOT NULL, etag TEXT NOT NULL,
    modified TEXT NOT NULL, at REAL NOT NULL, fresh_until REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS kept_at ON kept (at);
CREATE TABLE IF NOT EXISTS waits (
    instance TEXT PRIMARY KEY, until REAL NOT NULL, why TEXT NOT NULL
) WITHOUT ROWID;
"""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer.

    Attributes:
        body: its JSON.
        link: its header `Link`.
        etag: what to ask with if it still is the same; `modified` likewise.
        at: when the instance last said it, in seconds of Unix time.
        fresh_until: until when the instance lets it be taken for the present, likewise.
    """

    body: bytes
    link: str
    etag: str
    modified: str
    at: float
    fresh_until: float


class Cache:
    """Never an obstacle: what it can't read isn't there, what it can't write it forgets."""

    def __init__(self, file: Path, most: int = MOST) -> None:
        self._file = file
        self._most = most
        self._lock = Lock()
        self._open: sqlite3.Connection | None = None

    def get(self, key: str) -> Kept | None:
        found = self._do(
            lambda db: db.execute(
                "SELECT body, link, etag, modified, at, fresh_until FROM kept WHERE key = ?", [key]
            ).fetchone()
        )
        return Kept(*found) if found else None

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer; the oldest ones go where there are too many."""

        def write(db: sqlite3.Connection) -> None:
            told = (kept.body, kept.link, kept.etag, kept.modified, kept.at, kept.fresh_until)
            db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?, ?)", [key, *told])
            size = db.execute("SELECT total(length(body)) FROM kept").fetchone()[0]
            while size > self._most:
                oldest = db.execute(
                    "DELETE FROM kept WHERE key IN (SELECT key FROM kept ORDER BY at LIMIT 50)"
                    " RETURNING length(body)"
                ).fetchall()
                size -= sum(one[0] for one in oldest) or size

        self._do(write)

    def drop(self, key: str) -> None:
        self._do(lambda db: db.execute("DELETE FROM kept WHERE key = ?", [key]))

    def drop_before(self, at: float) -> None:
        """Forget what was said before an instant, in seconds of Unix time."""
        self._do(lambda db: db.execute("DELETE FROM kept WHERE at < ?", [at]))

    def wait(self, instance: str, until: float, why: str) -> None:
        """Leave an instance alone until an instant, in seconds of Unix time."""
        self._do(
            lambda db: db.execute(
                "INSERT INTO waits VALUES (?, ?, ?) ON CONFLICT (instance) DO UPDATE"
                " SET until = excluded.until, why = excluded.why WHERE until < excluded.until",
                [instance, until, why],
            )
        )

    def waits(self, instance: str) -> tuple[float, str] | None:
        """Until when an instance is left alone, and why."""
        found: tuple[float, str] | None = self._do(
            lambda db: db.execute(
                "SELECT until, why FROM waits WHERE instance = ?", [instance]
            ).fetchone()
        )
        return found

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open.close()
                self._open = None

    def _do(self, what: Callable[[sqlite3.Connection], _T]) -> _T | None:
        with self._lock:
            for attempt in range(2):
                try:
                    db = self._database()
                    with db:
                        return what(db)
                except sqlite3.OperationalError:
                    return None  # a full disk, a writer that takes too long
                except (sqlite3.DatabaseError, OSError):
                    if attempt:
                        return None
                    self._begin_anew()
        return None

    def _database(self) -> sqlite3.Connection:
        if self._open is None:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # What an instance says to a token is nobody else's business.
            os.close(os.open(self._file, os.O_CREAT | os.O_RDWR, 0o600))
            made = sqlite3.connect(self._file, timeout=2, check_same_thread=False)
            try:
                made.executescript(_TABLES)
            except sqlite3.Error:
                made.close()
                raise
            self._open = made
        return self._open

    def _begin_anew(self) -> None:
        if self._open:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._file.with_name(self._file.name + ending).unlink()
