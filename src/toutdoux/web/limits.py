"""How often one member may say something: as often as people do, and not as machines."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

from toutdoux.core.words import Refusal, say

A_MINUTE = 10
"""How many comments, and how many tags, a member writes within a minute at most."""


class TooOften(Refusal):
    """Somebody writes faster than anybody reads."""


def count(what: str, member: str, now: datetime) -> None:
    """Count one more of a member's comments or tags. Raises `TooOften` if that makes too many
    within one minute of the clock."""
    key = f"{what}-{member}-{int(now.timestamp() // 60)}"
    cache.add(key, 0, timeout=120)
    if cache.incr(key) > A_MINUTE:
        raise TooOften(
            say("there are over {n} within a minute", n=A_MINUTE),
            say("wait a minute, then send it again"),
        )
