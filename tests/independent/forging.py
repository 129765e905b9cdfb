"""Bundles written anew by somebody who knows how: every number and every hash is right again."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

Write = Callable[[dict[str, Any]], bytes]


def canonical(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def forged(bundle: bytes, which: int, write: Write) -> bytes:
    """A bundle in which an entry (a number below 0 counts from the end) is written otherwise."""
    first, *lines = bundle.splitlines()
    told, prev, written = json.loads(first), "0" * 64, []
    for place, line in enumerate(lines):
        entry = json.loads(line)["entry"] | {"prev": prev}
        body = write(entry) if place == which % len(lines) else canonical(entry)
        prev = sha256(body).hexdigest()
        written.append(b'{"entry":%b,"hash":"%b"}\n' % (body, prev.encode()))
    return canonical(told | {"head": prev}) + b"\n" + b"".join(written)


def _with(**changes: Any) -> Write:
    return lambda entry: canonical(entry | changes)


def _without(key: str) -> Write:
    return lambda entry: canonical({name: entry[name] for name in entry if name != key})


def _with_data(**changes: Any) -> Write:
    return lambda entry: canonical(entry | {"data": entry["data"] | changes})


FORGED: dict[str, Write] = {
    "a key twice": lambda entry: canonical(entry)[:-1] + b',"via":"cli"}',
    "a blank": lambda entry: canonical(entry).replace(b":", b": ", 1),
    "keys in another order": lambda entry: json.dumps(
        dict(sorted(entry.items(), reverse=True)), separators=(",", ":")
    ).encode(),
    "an escape that is not needed": lambda entry: canonical(entry).replace(
        b'"via"', b'"\\u0076ia"'
    ),
    "a fraction": _with_data(more=1.5),
    "a fraction of nothing": lambda entry: canonical(entry).replace(
        b'"seq":%d' % entry["seq"], b'"seq":%d.0' % entry["seq"]
    ),
    "true": _with_data(more=True),
    "null": _with_data(more=None),
    "null in a list": _with_data(more=[1, [None]]),
    "an integer too great": _with_data(more=2**53),
    "a key that is not ASCII": _with_data(été="1"),
    "no channel": _without("via"),
    "a channel that is a number": _with(via=3),
    "no instant": _without("at"),
    "an instant that is a number": _with(at=3),
    "an instant without its fraction": lambda entry: canonical(
        entry | {"at": entry["at"][:-8] + "Z"}
    ),
    "an instant with an offset": lambda entry: canonical(
        entry | {"at": entry["at"][:-1] + "+00:00"}
    ),
    "an instant with a blank": lambda entry: canonical(
        entry | {"at": entry["at"].replace("T", " ")}
    ),
    "an operator that is null": _with(operator=None),
    "one key more": _with(note="x"),
}
"""Ways to write an entry that no page allows; each is given the entry, its `prev` right."""


def extra_in_data(entry: dict[str, Any]) -> bytes:
    """What only somebody who knows the kinds of entries can refuse."""
    return _with_data(more="x")(entry)
