"""Verifying ledgers and bundles, with two processors where there are two.

Checking the chain (read, hash, parse) and deciding again take about as long as each other: the one
goes on in another process, which hands the entries over as it goes.
"""

from __future__ import annotations

import gc
import marshal
import os
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from toutdoux.core.chain import START, Body, Broken, Checked, Rows
from toutdoux.core.entries import Vote, brief
from toutdoux.core.verification import Chain, Verified, verify
from toutdoux.core.words import Sentence, say

from .bundle import Bundle

Progress = Callable[[int], None]
"""Told now and then how many entries were read."""

_WORTH_A_PROCESS = 20_000
_AT_ONCE = 4_000
_SIZE = struct.Struct("<Q")


def verify_bundle(bundle: Bundle, progress: Progress = lambda _: None) -> Verified:
    """Verify a bundle. Raises `Broken` at the first entry that differs."""
    with no_collector():
        verified = verify(bundle.rows, None, checking(bundle.length, progress))
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


def checking(length: int, progress: Progress) -> Callable[[Callable[[], Rows]], Chain]:
    """How a chain of a length is best checked."""
    if is_long(length):
        return lambda rows: CheckedElsewhere(lambda: Checked(rows()), progress)
    return lambda rows: Checked(rows())


class CheckedElsewhere:
    """A chain that is checked by another process; otherwise like `core.chain.Checked`.

    The other process ends with this one: it writes into a pipe that nobody reads any more.
    """

    def __init__(self, chain: Callable[[], Checked], progress: Progress) -> None:
        self.chain = chain
        self.progress = progress
        self.length = 0
        self.head = START

    def __iter__(self) -> Iterator[Body | Vote]:
        read_end, write_end = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            _serve(self.chain, write_end)
        os.close(write_end)
        try:
            with open(read_end, "rb") as pipe:
                yield from self._receive(pipe)
        finally:
            os.waitpid(child, 0)

    def _receive(self, pipe: BinaryIO) -> Iterator[Body | Vote]:
        read = 0
        while True:
            size = pipe.read(_SIZE.size)
            if len(size) < _SIZE.size:
                raise OSError("the checking process ended early")
            what, told = marshal.loads(pipe.read(_SIZE.unpack(size)[0]))
            if what == "entries":
                yield from told
                read += len(told)
                self.progress(read)
            elif what == "broken":
                seq, message, values = told
                raise Broken(seq, Sentence(message, values))
            elif what == "fault":
                raise OSError(told)
            else:
                self.length, self.head = told
                return


def _serve(chain: Callable[[], Checked], write_end: int) -> None:
    """What the other process does: check, hand over, end."""
    status = 1
    try:
        with open(write_end, "wb") as pipe:
            try:
                _hand_over(chain(), pipe)
            except Broken as broken:
                _send(pipe, "broken", (broken.seq, broken.why.message, dict(broken.why.values)))
            except Exception as error:
                _send(pipe, "fault", str(error))
        status = 0
    finally:
        os._exit(status)  # nothing of the parent's is flushed or closed twice


def _hand_over(chain: Checked, pipe: BinaryIO) -> None:
    batch: list[Body | Vote] = []
    operators = {None}
    try:
        for entry in chain:
            try:
                vote = brief(entry)
                operator = entry.get("operator")
                if vote is None or operator not in operators:
                    operators.add(operator)  # whose commitment is looked at once
                    vote = None
            except (KeyError, TypeError):
                vote = None  # whoever reads it says what is wrong with it
            batch.append(vote or entry)
            if len(batch) == _AT_ONCE:
                _send(pipe, "entries", batch)
                batch = []
    finally:
        _send(pipe, "entries", batch)  # before what is wrong with the next one
    _send(pipe, "end", (chain.length, chain.head))


def _send(pipe: BinaryIO, what: str, told: Any) -> None:
    written = marshal.dumps((what, told))
    pipe.write(_SIZE.pack(len(written)))
    pipe.write(written)
