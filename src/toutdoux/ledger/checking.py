"""Verifying ledgers and bundles, with two processors where there are two.

Checking the chain (read, hash, parse) and deciding again take about as long as each other: the one
goes on in another process, which hands the entries over as it goes.
"""

from __future__ import annotations

import fcntl
import gc
import marshal
import os
import pickle
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain as chained
from typing import Any, BinaryIO

from toutdoux.core.chain import START, Body, Broken, Checked, Rows
from toutdoux.core.entries import Vote, brief
from toutdoux.core.form import WellFormed
from toutdoux.core.verification import Chain, Verified, verify
from toutdoux.core.words import Sentence, say

from .bundle import Bundle

Progress = Callable[[int], None]
"""Told now and then how many entries were read."""

_WORTH_A_PROCESS = 20_000
_AT_ONCE = 200
"""How many entries are handed over at once: few, so that they are still in the processor's cache
when they are read."""
_PROGRESS_EVERY = 20 * _AT_ONCE
_AHEAD = 1 << 20
"""How many bytes the other process may be ahead, so that neither waits for the other's batch."""
_SIZE = struct.Struct("<Q")
_PLAIN = 2
"""The version of Python's own format that looks for nothing that is told twice, which takes longer
than to tell it twice."""


def verify_bundle(bundle: Bundle, progress: Progress = lambda _: None) -> Verified:
    """Verify a bundle. Raises `Broken` at the first entry that differs."""
    with no_collector():
        verified = verify(bundle.rows, None, _checking(bundle.length, progress))
    if verified.record.founding["data"]["association"] != bundle.association:
        raise Broken(1, say("it founds another association than the bundle's first line names"))
    return verified


@contextmanager
def no_collector() -> Iterator[None]:
    """Leave Python's garbage collector out: it looks through millions of things again and again,
    none of which is garbage."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def is_long(length: int) -> bool:
    """Whether a chain is checked faster by another process."""
    return length >= _WORTH_A_PROCESS


def _checking(length: int, progress: Progress) -> Callable[[Callable[[], Rows]], Chain]:
    """How a bundle of a length is best checked."""
    if is_long(length):
        return lambda rows: CheckedElsewhere(lambda: WellFormed(rows()), progress)
    return lambda rows: WellFormed(rows())


class CheckedElsewhere:
    """A chain that is checked by another process; otherwise like `core.chain.Checked`.

    The other process ends with this one: it writes into a pipe that nobody reads any more.

    `beside` is what it reads afterwards, piece by piece, for whoever then asks for `read_beside`.
    """

    def __init__(
        self,
        chain: Callable[[], Checked],
        progress: Progress,
        beside: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self.chain = chain
        self.progress = progress
        self.beside = beside
        self.length = 0
        self.head = START
        self._messages: Iterator[tuple[str, Any]] = iter(())

    def __iter__(self) -> Iterator[Body | Vote]:
        self._messages = _elsewhere(self.chain, self.beside)
        return chained.from_iterable(self._batches())

    def read_beside(self) -> Iterator[Any]:
        """What is read once the chain was gone through, piece by piece; each is given once."""
        for _, piece in self._messages:
            yield pickle.loads(piece)

    def _batches(self) -> Iterator[list[Body | Vote]]:
        read = 0
        for what, told in self._messages:
            if what == "end":
                self.length, self.head = told
                return
            yield told
            read += len(told)
            if read % _PROGRESS_EVERY == 0 or len(told) < _AT_ONCE:
                self.progress(read)


def _elsewhere(
    chain: Callable[[], Checked], beside: Callable[[], Iterable[Any]]
) -> Iterator[tuple[str, Any]]:
    """Have another process check a chain and read what is beside it. Gives what it tells; whoever
    lets go of this ends it."""
    read_end, write_end = os.pipe()
    _widen(write_end)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _serve(chain, beside, write_end)
    os.close(write_end)
    try:
        with open(read_end, "rb") as pipe:
            yield from _receive(pipe)
    finally:
        os.waitpid(child, 0)


def _receive(pipe: BinaryIO) -> Iterator[tuple[str, Any]]:
    while True:
        size = pipe.read(_SIZE.size)
        if len(size) < _SIZE.size:
            raise OSError("the checking process ended early")
        what, told = marshal.loads(pipe.read(_SIZE.unpack(size)[0]))
        if what == "over":
            return
        if what == "broken":
            seq, message, values = told
            raise Broken(seq, Sentence(message, values))
        if what == "fault":
            raise OSError(told)
        yield what, told


def _widen(pipe: int) -> None:
    with suppress(OSError, AttributeError):  # some systems don't, or not for everybody
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _AHEAD)


def _serve(
    chain: Callable[[], Checked], beside: Callable[[], Iterable[Any]], write_end: int
) -> None:
    """What the other process does: check, hand over, end."""
    status = 1
    try:
        with open(write_end, "wb") as pipe:
            try:
                _hand_over(chain(), pipe)
                for piece in beside():
                    _send(pipe, "beside", pickle.dumps(piece))
                _send(pipe, "over", None)
            except Broken as broken:
                _send(pipe, "broken", (broken.seq, broken.why.message, dict(broken.why.values)))
            except Exception as error:
                _send(pipe, "fault", str(error))
        status = 0
    finally:
        os._exit(status)  # nothing of the parent's is flushed or closed twice


def _hand_over(chain: Checked, pipe: BinaryIO) -> None:
    batch: list[Body | Vote] = []
    operators = set()
    try:
        for entry in chain:
            vote: Vote | None = None
            try:
                if "operator" not in entry or entry["operator"] in operators:
                    vote = brief(entry)
                else:  # whose commitment is looked at once
                    operators.add(entry["operator"])
            except (KeyError, TypeError):
                pass  # whoever reads it says what is wrong with it
            batch.append(vote or entry)
            if len(batch) == _AT_ONCE:
                _send(pipe, "entries", batch)
                batch = []
    finally:
        _send(pipe, "entries", batch)  # before what is wrong with the next one
    _send(pipe, "end", (chain.length, chain.head))


def _send(pipe: BinaryIO, what: str, told: Any) -> None:
    written = marshal.dumps((what, told), _PLAIN)
    pipe.write(_SIZE.pack(len(written)))
    pipe.write(written)
