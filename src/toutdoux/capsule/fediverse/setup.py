"""What each association lets be read: a file in the home folder that only its user can read,
because of the tokens.

    {"loutres": {"accounts": ["loutres@social.example"], "instances": ["other.example"],
                 "inside": ["http://localhost:8080"], "tokens": {"social.example": "…"}}}
"""

from __future__ import annotations

import os
from typing import Any

import orjson

from toutdoux.config.home import home
from toutdoux.core.words import Refusal, say

from .instances import Allowed, allowed

FILE = "fediverse.json"
CACHE = "fediverse-cache.sqlite3"


def told(slug: str) -> dict[str, Any]:
    """What is written for an association, not looked at any further.

    Raises:
        Refusal: the file can't be read.
    """
    found = _all().get(slug, {})
    if not isinstance(found, dict):
        raise _not_read(slug)
    return found


def allowed_by(slug: str) -> Allowed:
    """What an association lets be read. Raises `Refusal` where that can't be understood."""
    return allowed(told(slug))


def keep(slug: str, what: dict[str, Any]) -> None:
    """Write down what an association lets be read, whole or not at all.

    Raises:
        Refusal: something in it is no account, no instance or no address.
        OSError: it can't be written.
    """
    allowed(what)
    everything = _all() | {slug: {key: one for key, one in what.items() if one}}
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    part = home() / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
        made.write(orjson.dumps(everything, option=orjson.OPT_INDENT_2))
    part.replace(home() / FILE)


def changed_at() -> int:
    """When it was last written, in nanoseconds; for comparing only."""
    try:
        return (home() / FILE).stat().st_mtime_ns
    except OSError:
        return 0


def _all() -> dict[str, Any]:
    try:
        found = orjson.loads((home() / FILE).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, orjson.JSONDecodeError) as error:
        raise _not_read(str(error)) from None
    if not isinstance(found, dict):
        raise _not_read("{")
    return found


def _not_read(problem: str) -> Refusal:
    return Refusal(
        say("{file} cannot be read: {problem}", file=str(home() / FILE), problem=problem),
        say("put it right, or remove it and type toutdoux capsule fediverse allow"),
    )
