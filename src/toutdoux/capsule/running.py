"""The capsule beside everything else: opened first, so that what is wrong is told at once; then
served until the process is asked to end, with what changed in its setup taken up meanwhile."""

from __future__ import annotations

import logging
import resource
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from socket import socket
from threading import Event, Thread

from django.db import close_old_connections

from toutdoux.core.words import Refusal

from .greed import Greed
from .hosts import Setup, marks, read_setup
from .server import Patience, Server, listen
from .site import Site, parts

_LOOKS_EVERY = 5.0
"""Seconds between two looks at whether the setup or a certificate has changed."""

log = logging.getLogger("toutdoux")


class Capsules:
    """All the capsules of an installation.

    Args:
        setup: which there are.
        now: the present instant, in UTC.

    Raises:
        OSError: the address is taken or isn't this machine's.
        Refusal: a certificate cannot be read, or is too weak.
    """

    def __init__(self, setup: Setup, now: datetime) -> None:
        self._setup = setup
        self._marks = marks()
        _allow_connections(Patience().connections)
        sockets: Sequence[socket] = listen(setup.bind, setup.port)
        try:
            port = sockets[0].getsockname()[1]
            service = Site(replace(setup, port=port), parts()).service(now)
            self.server = Server(sockets, service, greed=Greed(), after=close_old_connections)
        except BaseException:
            for one in sockets:
                one.close()
            raise

    def run(self, stopping: Event) -> None:
        """Serve until the event is set, or the last capsule is removed."""
        ending = Event()
        looking = Thread(target=self._look, args=(stopping, ending), daemon=True)
        looking.start()
        self.server.run(ending)

    def _look(self, stopping: Event, ending: Event) -> None:
        """Take up what changed: new names, a next certificate that took the place; say when it is
        time to end."""
        while not stopping.wait(_LOOKS_EVERY):
            try:
                found = marks()
                if found == self._marks:
                    continue
                self._marks = found
                setup = replace(read_setup(), bind=self._setup.bind, port=self.server.port)
                if not setup.capsules:
                    log.info("no capsule is set up any more: none is served")
                    break
                now = datetime.now(UTC)  # noqa: TID251 (the thread's own clock)
                self.server.service = Site(setup, parts()).service(now)
            except Refusal as refusal:
                log.warning("the capsule goes on as it was: %s", refusal.why)
            except Exception:
                log.exception("the capsule met a fault, and goes on as it was")
            finally:
                close_old_connections()
        ending.set()


def _allow_connections(number: int) -> None:
    """Let the process have so many connections open, as far as it may, each with a file."""
    wanted = 2 * number + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
