"""The chain: entries written as canonical JSON, each holding the hash of the one before it.

An entry's hash is SHA-256 over its bytes. The bytes are canonical JSON (RFC 8785: sorted, compact,
and with ASCII keys, strings and integers only, so that sorting is simple), and they are what is
stored: checking a chain hashes what is there, and never writes JSON again.

What can be forgotten is never in an entry, only a commitment to it: SHA-256 over 32 random bytes
and the text. Who has both can show that this was the text; without the bytes, nobody can guess it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from .words import Sentence, say

START = "0" * 64
"""What stands for the hash before the first entry."""

FORMAT = 1
"""The version of the entries' format; the first entry names it."""

NONCE_BYTES = 32

Body = dict[str, Any]
"""An entry as it is read from its bytes."""

Rows = Iterable[tuple[Any, ...]]
"""Number, bytes and hash of every entry, in order; and what else there is to a row."""


class Broken(Exception):
    """A chain that is not what was recorded: the first entry that differs, and how."""

    def __init__(self, seq: int, why: Sentence) -> None:
        super().__init__(why.message)
        self.seq = seq
        self.why = why


def canonical(value: object) -> bytes:
    """Write a value as canonical JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()


def commitment(nonce: bytes, text: str) -> str:
    """What an entry holds in place of a text."""
    return sha256(nonce + text.encode("utf-8", "surrogatepass")).hexdigest()


def stamp(instant: datetime) -> str:
    """An instant as entries hold it: always with six digits, so that texts sort as instants do."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


class Checked:
    """The entries of a chain, checked one by one while they are gone through.

    `subject` says what an entry is about, and raises whatever it likes of one that is none: then
    the fourth of every row must say the same.
    """

    def __init__(self, rows: Rows, subject: Callable[[Body], str] | None = None) -> None:
        self.rows = rows
        self.subject = subject
        self.row: tuple[Any, ...] = ()
        """The row that was checked last, with whatever more it holds."""
        self.length = 0
        self.head = START

    def __iter__(self) -> Iterator[Body]:
        """Raises `Broken` at the first entry that is not what was recorded."""
        hash_of, read, subject = sha256, orjson.loads, self.subject
        prev, recorded_at = START, ""
        expected = 0
        for expected, row in enumerate(self.rows, 1):
            self.row = row
            seq, body, hash = row[:3]
            if seq != expected:
                raise Broken(expected, say("it is missing"))
            try:
                # A database that somebody changed may hold anything in the place of bytes.
                if hash_of(body).hexdigest() != hash:
                    raise Broken(seq, say("its content is not what was recorded"))
                entry = read(body)
                if entry["prev"] != prev or entry["seq"] != seq:
                    raise Broken(seq, say("it does not follow the entry before it"))
                if entry["recorded_at"] < recorded_at:
                    raise Broken(seq, say("it was recorded before the entry before it"))
                recorded_at = entry["recorded_at"]
            except (ValueError, KeyError, TypeError):
                raise Broken(seq, say("it is no entry of this format")) from None
            if subject is not None:
                try:
                    told = subject(entry)
                except (KeyError, TypeError, AttributeError):
                    told = row[3]  # whoever reads it says what is wrong with it
                if told != row[3]:
                    raise Broken(seq, say("the tables say that it is about something else"))
            prev = hash
            yield entry
        self.length, self.head = expected, prev
