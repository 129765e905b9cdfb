"""A program in a terminal, driven as a person does: keys go in, and the screen is looked at."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import pyte

from .serving import PATIENT

ROWS, COLUMNS = 60, 100


class Terminal:
    """What a program shows, and the keyboard it is at."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)

    @property
    def shown(self) -> str:
        """The words on the screen, one space between them, whatever frames stand around."""
        return " ".join(" ".join(self._screen.display).translate(_FRAMES).split())

    def type(self, keys: str) -> None:
        os.write(self._handle, keys.encode())

    def see(self, *words: str) -> None:
        """Wait until all these words are on the screen."""
        until = time.monotonic() + PATIENT
        while not all(one in self.shown for one in words):
            assert time.monotonic() < until, f"{words} not in\n" + "\n".join(self._screen.display)
            self._look()

    def _look(self) -> None:
        ready, _, _ = select.select([self._handle], [], [], 0.1)
        with suppress(OSError):  # the program has ended
            self._stream.feed(os.read(self._handle, 65536) if ready else b"")


_FRAMES = str.maketrans(dict.fromkeys("╔═╗║╚╝▒█│─┌┐└┘", " "))


@contextmanager
def terminal(command: list[str], environment: Mapping[str, str]) -> Iterator[Terminal]:
    """Run a program in a terminal of its own; it is ended in the end."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm", **environment},
    )
    os.close(theirs)
    try:
        yield Terminal(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
