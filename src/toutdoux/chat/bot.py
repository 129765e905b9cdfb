"""The bot: for every connection, one thread that listens and one that acts.

What is heard waits in a queue for a moment, so that many reactions are taken at once. If the
server is away, the bot waits, longer each time, and then reads all that it missed. One
association's trouble stops no other's. Of several processes one works, and the others wait: who
works holds a lease in the database, and renews it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic

from django.db import DatabaseError, IntegrityError, close_old_connections
from django.db.models import Q

from toutdoux.association.models import Association

from . import http, models
from .brain import Brain
from .connections import Connection
from .system import Chat, Forbidden, News, Unreachable

GATHERED = 0.02
"""Seconds in which what is heard is gathered before it is acted on."""
BETWEEN_TELLING = 1.0
"""Seconds between two edits of a card, at least."""
HELD = timedelta(seconds=15)
"""How long the lease lasts if it is not renewed."""
_SECONDS_AFTER_REFUSAL = 60.0

log = logging.getLogger("toutdoux")

Heard = News | None | Exception


class Bot:
    """One connection, served until told to stop."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.name = f"{connection.association} in {connection.system}"
        self.me = secrets.token_hex(8)
        self._trouble = ""

    def run(self, stopping: Event) -> None:
        attempt = 0
        while not stopping.is_set():
            wait = BETWEEN_TELLING
            try:
                with_lease = self._live(stopping)
                attempt = 0 if with_lease else attempt
                wait = BETWEEN_TELLING if with_lease else HELD.total_seconds() / 3
            except Unreachable as error:
                attempt += 1
                wait = http.pause(attempt, error.wait)
                self._say_once(f"the server does not answer ({error}); it is tried again")
            except Forbidden as error:
                wait = _SECONDS_AFTER_REFUSAL
                self._say_once(f"the server refuses ({error}): try toutdoux chat check")
            except DatabaseError as error:
                attempt += 1
                wait = http.pause(attempt)
                self._say_once(f"the database is away, or busy ({type(error).__name__})")
            except Exception:
                attempt += 1
                wait = http.pause(attempt)
                log.exception("%s: the bot met a fault, and goes on", self.name)
            finally:
                close_old_connections()
            stopping.wait(wait)

    def _say_once(self, trouble: str) -> None:
        """Into the log, once for as long as it lasts."""
        if trouble != self._trouble:
            log.warning("%s: %s", self.name, trouble)
        self._trouble = trouble

    def _live(self, stopping: Event) -> bool:
        """Work until something happens. False if another process does."""
        association = Association.objects.get(slug=self.connection.association)
        chat = self.connection.open()
        if not self._hold(association, chat.server):
            return False
        brain = Brain(association, chat, self.connection.habits())
        heard: SimpleQueue[Heard] = SimpleQueue()
        ended = Event()
        listener = Thread(target=_listen, args=(chat, heard, ended), daemon=True)
        listener.start()
        try:
            told = 0.0
            while not stopping.is_set():
                patience = 0.0 if brain.outbox.is_sending else BETWEEN_TELLING
                brain.hear_all(_gathered(heard, patience), _now())
                if monotonic() - told >= BETWEEN_TELLING:
                    told = monotonic()
                    if not self._hold(association, chat.server):
                        return False
                    if not brain.has_read:
                        continue  # what happened meanwhile may change what there is to tell
                    brain.tell(_now())
                    if self._trouble:
                        log.info("%s: all is well again", self.name)
                        self._trouble = ""
        finally:
            ended.set()
            if stopping.is_set():
                self._let_go(association, chat.server)
        return True

    def _hold(self, association: Association, server: str) -> bool:
        """Take or renew the lease. False if another process has it."""
        now = _now()
        lease = models.Lease.objects.filter(association=association, server=server)
        mine = lease.filter(Q(holder=self.me) | Q(until__lt=now))
        if mine.update(holder=self.me, until=now + HELD):
            return True
        if lease.exists():
            return False
        try:
            models.Lease.objects.create(
                association=association, server=server, holder=self.me, until=now + HELD
            )
        except IntegrityError:
            return False
        return True

    def _let_go(self, association: Association, server: str) -> None:
        lease = models.Lease.objects.filter(association=association, server=server)
        lease.filter(holder=self.me).delete()


def run(connections: Sequence[Connection], stopping: Event) -> None:
    """Serve all connections until told to stop."""
    threads = [Thread(target=Bot(one).run, args=(stopping,), daemon=True) for one in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(1)


def _listen(chat: Chat, heard: SimpleQueue[Heard], ended: Event) -> None:
    try:
        for news in chat.news(ended):
            heard.put(news)
            if ended.is_set():
                return
    except Exception as error:
        heard.put(error)
    else:
        heard.put(Unreachable("the line was cut"))


def _gathered(heard: SimpleQueue[Heard], patience: float) -> list[News | None]:
    """What was heard, after so many seconds at most. Raises what the listener met."""
    found: list[News | None] = []
    until = monotonic() + patience
    while True:
        try:
            one = heard.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            return found
        if isinstance(one, Exception):
            raise one
        if not found:
            until = min(until, monotonic() + GATHERED)
        found.append(one)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (the bot lives in time)
