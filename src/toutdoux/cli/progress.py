"""How far something is that takes long, shown on a terminal while it goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_QUIET = 1.0  # seconds without a word, before anything is shown
_STEP = 0.1  # seconds between two looks at it


@contextmanager
def progress(
    title: str, *, at_once: bool = False, forks: bool = False
) -> Iterator[Callable[[int, int], None]]:
    """Show how far something is that takes over a second; nothing where nobody looks on.

    Args:
        title: what goes on, in the terminal's language.
        at_once: show it from the beginning: it takes long, and does not say how far it is.
        forks: the process forks meanwhile. It may have no thread then, so that the bar moves only
            as it is told.

    Yields:
        What is to be told how much is done, and of how much.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = _Bar(title, with_thread=not forks)
    try:
        if at_once:
            bar.start()
        yield bar.tell
    finally:
        bar.stop()


class _Bar:
    def __init__(self, title: str, *, with_thread: bool) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._bar = Progress(console=console, transient=True, auto_refresh=with_thread)
        self._task = self._bar.add_task(title, total=None)
        self._next = time.monotonic() + _QUIET

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _STEP
            self.start()
            self._bar.update(self._task, completed=done, total=total, refresh=True)

    def start(self) -> None:
        self._bar.start()  # again changes nothing

    def stop(self) -> None:
        self._bar.stop()
