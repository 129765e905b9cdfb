"""What happens by itself: ballots close, mails go out. No cron: one thread that looks.

    1. Let every association's due decisions take place, and be written down.
    2. Tag actions with the hashtags of what the ledgers have told since.
    3. Make notices of it, and of the ballots that close soon.
    4. Put them in letters, and send the letters that are due.
    5. Once a night, verify every ledger.

Each step may be stopped at any point and goes on from there: what is done is in the database. What
goes wrong with a step, or with an association, keeps no other waiting.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from threading import Event

from django.db import DatabaseError, close_old_connections

from toutdoux.actions import commands
from toutdoux.ledger.models import Ledger

from . import mail, notices, tags, verification
from .looks import apart, going_on_from

EVERY = 2.0
"""Seconds between two looks."""

log = logging.getLogger("toutdoux")


def run(stopping: Event) -> None:
    """Look again and again until told to stop."""
    while not stopping.is_set():
        try:
            tick(datetime.now(UTC), stopping)  # noqa: TID251 (the clock itself)
        except DatabaseError as error:
            # It is away, or busy: what is due waits.
            log.warning("the clock will look again: %s", error)
        except Exception:
            log.exception("the clock met a fault, and goes on")
        close_old_connections()
        stopping.wait(EVERY)


def tick(now: datetime, stopping: Event | None = None) -> None:
    """One look.

    Args:
        now: the present instant, in UTC.
        stopping: between two letters it is asked whether to go on.
    """
    clock = going_on_from(now)
    due = Ledger.objects.filter(due_at__lte=now)
    for id, slug in due.values_list("id", "association__slug"):
        with apart(f"what is due in {slug}"):
            commands.settle(commands.Request(association=id, now=clock(), via="clock"))
    with apart("the hashtags"):
        tags.gather()
    with apart("the notices"):
        notices.gather(clock())
    with apart("writing letters"):
        notices.write_letters(clock())
    with apart("sending letters"):
        mail.send_due(clock(), stopping)
    with apart("verifying ledgers"):
        verification.verify_nightly(clock(), every=timedelta(days=1))
