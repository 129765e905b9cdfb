"""The bot: for every connection, one thread that listens and one that acts.

What is heard waits in a queue for a moment, so that many reactions are taken at once. If the
server is away, the bot waits, longer each time, and then reads all that it missed. One
association's trouble stops no other's. Of several processes one works, and the others wait: who
works holds a lease in the database, and renews it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic

from django.db import DatabaseError, IntegrityError, close_old_connections, connection
from django.db.models import Q, QuerySet

from toutdoux.actions.models import ReadChat
from toutdoux.association.models import Association
from toutdoux.core.words import Refusal

from . import http, models
from .brain import Brain
from .connections import Connection, connections
from .place import Place
from .sending import PutOff
from .system import Chat, Forbidden, News, Unreachable

GATHERED = 0.02
"""Seconds in which what is heard is gathered before it is acted on."""
BETWEEN_TELLING = 1.0
"""Seconds between two edits of a card, at least."""
HELD = timedelta(seconds=15)
"""How long the lease lasts if it is not renewed."""
_SECONDS_AFTER_REFUSAL = 60.0
_BETWEEN_LOOKS = 2.0
"""Seconds between two looks at which chats are set up."""

log = logging.getLogger("toutdoux")

Heard = News | None | Exception


class _Superseded(Exception):
    """Another process works."""


class Bot:
    """One connection, served until told to stop."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.name = f"{connection.association} in {connection.system}"
        self.me = secrets.token_hex(8)
        self._trouble = ""
        self._put_off: dict[int, PutOff] = {}

    def run(self, stopping: Event) -> None:
        attempt = 0
        while not stopping.is_set():
            wait = BETWEEN_TELLING
            try:
                self._live(stopping)
                attempt = 0
            except _Superseded:
                wait = HELD.total_seconds() / 3
            except Unreachable as error:
                attempt += 1
                wait = http.pause(attempt, error.wait)
                self._say_once(f"the server does not answer ({error}); it is tried again")
            except Forbidden as error:
                wait = _SECONDS_AFTER_REFUSAL
                self._say_once(f"the server refuses ({error}): try toutdoux chat check")
            except Association.DoesNotExist:
                wait = _SECONDS_AFTER_REFUSAL
                self._say_once("the association is not there any more: toutdoux chat remove")
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

    def _live(self, stopping: Event) -> None:
        """Work until something happens, or another process does."""
        association = Association.objects.get(slug=self.connection.association)
        chat = self.connection.open()
        self._hold(association, chat.server)
        place = Place(association, chat, self.connection.habits())
        place.outbox.put_off = self._put_off
        brain = Brain(place, self._beside)
        heard: SimpleQueue[Heard] = SimpleQueue()
        ended = Event()
        Thread(target=_listen, args=(chat, heard, ended), daemon=True).start()
        of_lease = (association, chat.server, heard, ended)
        keeper = Thread(target=self._keep, args=of_lease, daemon=True)
        keeper.start()
        try:
            self._work(brain, heard, stopping)
        finally:
            ended.set()
            keeper.join()
            if stopping.is_set():
                self._let_go(association, chat.server)

    def _beside(self, job: Callable[[], None]) -> None:
        """Do what takes long in a thread of its own; what goes wrong with it stops nothing else."""

        def work() -> None:
            try:
                job()
            except Exception:
                log.exception("%s: the bot met a fault, and goes on", self.name)
            finally:
                connection.close()

        Thread(target=work, daemon=True).start()

    def _work(self, brain: Brain, heard: SimpleQueue[Heard], stopping: Event) -> None:
        told = 0.0
        while not stopping.is_set():
            patience = 0.0 if brain.place.outbox.is_sending else BETWEEN_TELLING
            brain.hear_all(_gathered(heard, patience), _now())
            # What happened before may change what there is to tell: first that is read.
            if brain.has_read and monotonic() - told >= BETWEEN_TELLING:
                told = monotonic()
                brain.tell(_now())
                if self._trouble:
                    log.info("%s: all is well again", self.name)
                    self._trouble = ""

    def _keep(
        self, association: Association, server: str, heard: SimpleQueue[Heard], ended: Event
    ) -> None:
        """Renew the lease, however long it takes to act on what was heard."""
        try:
            while not ended.wait(HELD.total_seconds() / 5):
                with suppress(DatabaseError):  # whoever acts meets it as well
                    self._hold(association, server)
        except Exception as error:
            heard.put(error)
        finally:
            connection.close()

    def _hold(self, association: Association, server: str) -> None:
        """Take or renew the lease. Raises `_Superseded` if another process has it."""
        now = _now()
        lease = models.Lease.objects.filter(association=association, server=server)
        mine = lease.filter(Q(holder=self.me) | Q(until__lt=now))
        if mine.update(holder=self.me, until=now + HELD):
            return
        if lease.exists():
            raise _Superseded
        try:
            models.Lease.objects.create(
                association=association, server=server, holder=self.me, until=now + HELD
            )
        except IntegrityError:
            raise _Superseded from None

    def _let_go(self, association: Association, server: str) -> None:
        lease = models.Lease.objects.filter(association=association, server=server)
        lease.filter(holder=self.me).delete()


@dataclass(frozen=True, slots=True)
class _Running:
    """A bot at work, or about to end."""

    connection: Connection
    ending: Event
    thread: Thread

    @property
    def place(self) -> tuple[str, str]:
        return self.connection.association, self.connection.system


def run(stopping: Event, told: Callable[[], Sequence[Connection]] = connections) -> None:
    """Serve every chat that is set up until told to stop: those too that are set up, changed or
    given up meanwhile.

    Args:
        stopping: set to end it.
        told: the chats that are set up.
    """
    running: list[_Running] = []
    begun, trouble = False, ""
    while not stopping.is_set():
        try:
            wanted = told()
            if not begun:
                for association in Association.objects.filter(pk__in=_waiting_for_chats()):
                    forget_unwatched(association, wanted)
                begun = True
            running, trouble = _follow(running, wanted), ""
        except (Refusal, DatabaseError) as error:
            why = str(error.why if isinstance(error, Refusal) else error)
            if why != trouble:
                log.warning("which chats are set up cannot be told: %s", why)
            trouble = why
        finally:
            close_old_connections()
        stopping.wait(_BETWEEN_LOOKS)
    for one in running:
        one.ending.set()
    for one in running:
        one.thread.join()


def _follow(running: Sequence[_Running], wanted: Sequence[Connection]) -> list[_Running]:
    """End the bots that are not wanted any more, and start those that are not there."""
    left = []
    for one in running:
        if one.connection not in wanted:
            one.ending.set()
        if one.thread.is_alive():
            left.append(one)
        else:
            # Only now is nothing noted any more of what it watched.
            _forget_after(one, wanted)
    places = {one.place for one in left}
    return left + [_start(one) for one in wanted if (one.association, one.system) not in places]


def _start(connection: Connection) -> _Running:
    ending = Event()
    thread = Thread(target=Bot(connection).run, args=(ending,), daemon=True)
    thread.start()
    return _Running(connection, ending, thread)


def _forget_after(ended: _Running, wanted: Sequence[Connection]) -> None:
    changed = [one for one in wanted if (one.association, one.system) == ended.place]
    association = Association.objects.filter(slug=ended.connection.association).first()
    if association is not None:
        forget_unwatched(association, wanted, *changed)


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


def _waiting_for_chats() -> QuerySet[ReadChat, str]:
    return ReadChat.objects.values_list("association", flat=True)


def forget_unwatched(
    association: Association, wanted: Sequence[Connection], changed: Connection | None = None
) -> None:
    """Have no decision wait for what is watched no more, and send nothing there.

    Args:
        association: whose.
        wanted: the chats that are set up.
        changed: the one that was set up anew, whose channels are others now. The rooms of any
            other may have been replaced since it was set up, which the bot follows.
    """
    servers = {one.open().server for one in wanted if one.association == association.slug}
    read = ReadChat.objects.filter(association=association)
    read.exclude(server__in=servers).delete()
    if changed is not None and changed.ids:
        there = read.filter(server=changed.open().server)
        there.exclude(channel__in=changed.ids.values()).delete()
    waiting = models.Outgoing.objects.filter(association=association, sent="")
    waiting.exclude(server__in=servers).delete()
