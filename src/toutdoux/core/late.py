"""When a decision that is due may be written down.

Source: "Late knowledge" in the rules: a reaction made on Monday and read on Tuesday counts on
Monday; therefore a decision waits until every chat that carries the ballot has been read past its
instant, or 24 hours, and then it says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

PATIENCE = timedelta(hours=24)


class Recording(StrEnum):
    WAIT = "wait"
    """Something that would count may still be unread."""
    READ = "read"
    """Every chat was read past the decision: it can be recorded."""
    UNREAD = "unread"
    """It waited 24 hours for a chat in vain: it can be recorded, and must say so."""


def may_record(decided_at: datetime, read_until: Iterable[datetime], now: datetime) -> Recording:
    """Say whether a decision that is due may be recorded.

    Args:
        decided_at: the instant of the decision, as the votes known now have it.
        read_until: for every chat that carries the ballot, the instant up to which it was read.
        now: the present instant. All are in UTC.
    """
    if now > decided_at and all(instant > decided_at for instant in read_until):
        return Recording.READ
    if now >= decided_at + PATIENCE:
        return Recording.UNREAD
    return Recording.WAIT
