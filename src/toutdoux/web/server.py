"""Everything in one process: the pages, the clock, the mail.

Waitress answers in a few threads: pages are short, and what is long (a report) takes one of them.
One more thread is the clock (`toutdoux.web.clock`). Asked to end, it takes nothing new, finishes
what it began, and goes: what was acknowledged was committed before, so even `kill -9` loses none.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.server import create_server

from .clock import run
from .errors import LONGEST_REQUEST
from .wsgi import application

THREADS = 6
CONNECTIONS = 2_000
"""How many browsers may be there at once; each waits for news in a connection of its own."""
_SECONDS_TO_FINISH = 15

log = logging.getLogger("toutdoux")


class Server:
    """The pages and the clock, or one of them."""

    def __init__(
        self,
        bind: str,
        port: int,
        *,
        pages: bool = True,
        clock: bool = True,
        beside: Sequence[Callable[[Event], None]] = (),
    ) -> None:
        """`beside` is what else runs in threads of its own, until the event is set. Raises
        `OSError` if the address is taken."""
        self.stopping = Event()
        self._pages: Any = None
        if pages:
            # Taken at once, so that whoever comes too early waits, and is not sent away.
            listening = socket.create_server(
                (bind, port), family=socket.AF_INET6 if ":" in bind else socket.AF_INET
            )
            self._pages = create_server(
                application(),
                sockets=[listening],
                threads=THREADS,
                connection_limit=CONNECTIONS,
                asyncore_use_poll=True,
                channel_timeout=60,
                # What is too long for us is told so in our words; this much is thrown away.
                max_request_body_size=4 * LONGEST_REQUEST,
                ident=None,
                clear_untrusted_proxy_headers=False,
            )
        works = [*([run] if clock else []), *beside]
        self._threads = [Thread(target=self._work, args=(one,), daemon=True) for one in works]
        self._failed = False

    @property
    def port(self) -> int:
        return int(self._pages.effective_port)

    def run(self, ready: Callable[[], None] = lambda: None) -> bool:
        """Serve until the process is asked to end. Returns whether that is why it ended: False
        if something that ran beside could not go on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        for thread in self._threads:
            thread.start()
        ready()
        if self._pages is not None:
            while not self.stopping.is_set():
                self._turn()
            self._finish()
        else:
            self.stopping.wait()
        for thread in self._threads:
            thread.join(_SECONDS_TO_FINISH)
        return not self._failed

    def _work(self, work: Callable[[Event], None]) -> None:
        """In a thread: run what runs beside the pages. What cannot go on by itself (the clock and
        the chats do) ends everything, so that whoever looks after the process starts it anew:
        half of it gone, and nobody would notice."""
        try:
            work(self.stopping)
        except Exception:
            log.exception("a part of toutdoux serve met a fault, and all of it ends")
            self._failed = True
            self._end()

    def _end(self) -> None:
        self.stopping.set()
        if self._pages is not None:
            self._pages.pull_trigger()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.stopping.is_set():  # asked twice: at once
            os._exit(128 + number)
        self._end()

    def _turn(self) -> None:
        wasyncore.loop(timeout=1, use_poll=True, map=self._pages._map, count=1)

    def _finish(self) -> None:
        """Take nothing new, and let what was begun be answered."""
        until = time.monotonic() + _SECONDS_TO_FINISH
        server = self._pages
        wasyncore.dispatcher.close(server)
        while time.monotonic() < until and any(
            channel.requests or channel.total_outbufs_len
            for channel in server.active_channels.values()
        ):
            wasyncore.loop(timeout=0.1, use_poll=True, map=server._map, count=1)
        server.task_dispatcher.shutdown(timeout=1)
