"""Being asked to stop: what is half done is cleaned up, as after Ctrl-C."""

from __future__ import annotations

import signal
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """The system asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status = 128 + number


def heed() -> None:
    """From here on those who ask the program to end are heard, and it cleans up before."""
    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has it go on
            signal.signal(number, _stop)


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(number)


def see_it_through() -> None:
    """From here on it is too late to stop: what is left takes a moment, then it says so."""
    for number in (signal.SIGINT, *_ENDING):
        signal.signal(number, signal.SIG_IGN)
