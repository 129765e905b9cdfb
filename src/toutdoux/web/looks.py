"""What the steps of one look of the clock share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from django.db import DatabaseError

from toutdoux.core.words import Refusal

log = logging.getLogger("toutdoux")


@contextmanager
def apart(what: str) -> Iterator[None]:
    """Keep what goes wrong within from what comes after it: it is logged, and due again at the next
    look.

    Args:
        what: what is done, and for whom, as the log tells it.
    """
    try:
        yield
    except (DatabaseError, Refusal) as error:
        # The database is away, or busy: what is due waits.
        log.warning("the clock will look again at %s: %s", what, error)
    except Exception:
        log.exception("the clock met a fault in %s, and goes on", what)


def going_on_from(now: datetime) -> Callable[[], datetime]:
    """A clock that says `now`, in UTC, and goes on from there: a look may take a while."""
    begun = monotonic()
    return lambda: now + timedelta(seconds=monotonic() - begun)
