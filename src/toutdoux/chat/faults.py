"""What goes wrong with one thing stops no other."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from .system import Forbidden, Unreachable

log = logging.getLogger("toutdoux")

PASSING = (Unreachable, Forbidden, OperationalError, InterfaceError)
"""What is nothing's own fault: a server or a database that is away, or busy. All waits for it."""


class Faults:
    """The faults that were met, each told of once for as long as it lasts: most is tried again and
    again."""

    def __init__(self) -> None:
        self._met: set[str] = set()

    def tried(self, what: str, does: Callable[[], object]) -> bool:
        """Do something. Returns whether it was done: not if it met a fault of its own."""
        try:
            does()
        except PASSING:
            raise
        except Exception:
            self.tell_of(what)
            return False
        self.over(what)
        return True

    def tell_of(self, what: str) -> None:
        """Have the fault that is being handled be in the log. `what` met it."""
        if what not in self._met:
            log.exception("%s met a fault; all else goes on", what)
        self._met.add(what)

    def over(self, what: str) -> None:
        self._met.discard(what)
