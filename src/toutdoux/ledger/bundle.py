"""Bundles: a ledger's entries in a file, without a text or a name, for anybody to verify.

JSON Lines, ASCII, each line ended by one line feed and written exactly so, without blanks:

    {"association":"<id>","format":"toutdoux-ledger","head":"<hash>","length":<n>,"version":1}
    {"entry":<the entry's bytes, as they were hashed>,"hash":"<hash>"}
    …

`docs/ledger.md` says all that it takes to write another verifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import orjson

from toutdoux.core.chain import FORMAT, Broken, canonical
from toutdoux.core.words import Refusal, say

from .unfinished import replacing

_FORMAT = "toutdoux-ledger"
FIRST_LINE = 10_000
"""How long the first line may be, in bytes."""
_LONGEST_LINE = 64 * 1024 * 1024
_BEFORE, _BETWEEN, _AFTER = b'{"entry":', b',"hash":"', b'"}\n'
_HASH = re.compile(r"[0-9a-f]{64}")
_EXPORT = say("export it again with toutdoux export")
_TAIL = len(_BETWEEN) + 64 + len(_AFTER)


def write_bundle(
    file: Path | BinaryIO,
    association: str,
    length: int,
    head: str,
    rows: Iterator[tuple[int, bytes, str]],
    progress: Callable[[int], None],
) -> None:
    """Write a bundle: into a file whole, or not at all; or into a stream as it comes."""
    first = {
        "association": association,
        "format": _FORMAT,
        "head": head,
        "length": length,
        "version": FORMAT,
    }
    if not isinstance(file, Path):
        _write(file, first, rows, progress)
        return
    with replacing(file, private=False) as out:  # it holds nothing that anybody may not read
        _write(out, first, rows, progress)


def _write(
    out: BinaryIO,
    first: dict[str, object],
    rows: Iterator[tuple[int, bytes, str]],
    progress: Callable[[int], None],
) -> None:
    out.write(canonical(first) + b"\n")
    for seq, body, hash in rows:
        out.write(_BEFORE + body + _BETWEEN + hash.encode() + _AFTER)
        progress(seq)


def is_bundle(file: Path) -> bool:
    """Whether a file looks like a bundle, of whatever version: one may take its place."""
    if not file.is_file():
        return False
    with open(file, "rb") as lines:
        line = lines.readline(FIRST_LINE)
    try:
        return bool(orjson.loads(line)["format"] == _FORMAT)
    except (ValueError, KeyError, TypeError):
        return False


class Bundle:
    """A bundle to be verified."""

    def __init__(self, file: Path) -> None:
        """Raises `Refusal` where it is no bundle of this format."""
        self.file = file
        with open(file, "rb") as lines:
            line = lines.readline(FIRST_LINE)
        try:
            first = orjson.loads(line)
            format, version = first["format"], first["version"]
        except (ValueError, KeyError, TypeError):
            format = version = None
        if format != _FORMAT or type(version) is not int:  # neither true nor 1.0
            raise Refusal(
                say("this is no bundle of toutdoux, or its first line was changed"), _EXPORT
            )
        if version != FORMAT:
            raise Refusal(
                say("this bundle is of a version that this program does not know"),
                say("verify it with the version of toutdoux that wrote it, or a newer one"),
            )
        if line.endswith(b"\r\n"):
            raise Refusal(
                say("the lines of this bundle were given other ends (CR LF) on its way"),
                say("have it sent again as it is, byte by byte, not as a text"),
            )
        try:
            self.association: str = first["association"]
            self.head: str = first["head"]
            self.length: int = first["length"]
            types = (type(self.association), type(self.head), type(self.length))
            whole = canonical(first) + b"\n" == line and len(first) == 5
        except (ValueError, KeyError, TypeError):
            whole = False
        if not (whole and types == (str, str, int) and _HASH.fullmatch(self.head)):
            raise Refusal(say("the first line of this bundle was changed"), _EXPORT)

    def rows(self) -> Iterator[tuple[int, bytes, str]]:
        """The entries as the file has them. Raises `Broken` at the first that is not written as it
        must be, and where the file ends early or goes on too long."""
        seq, hash = 0, ""
        with open(self.file, "rb") as lines:
            lines.readline(FIRST_LINE)
            for seq, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE), b""), 1):
                tail = line[-_TAIL:]
                hash = tail[len(_BETWEEN) : -len(_AFTER)].decode("ascii", "replace")
                if (
                    seq > self.length
                    or line[: len(_BEFORE)] != _BEFORE
                    or tail[: len(_BETWEEN)] != _BETWEEN
                    or tail[-len(_AFTER) :] != _AFTER
                    or not _HASH.fullmatch(hash)
                ):
                    raise Broken(seq, say("it is no entry of this format"))
                yield seq, line[len(_BEFORE) : -_TAIL], hash
        if seq < self.length:
            raise Broken(
                seq + 1,
                say("it is missing: the bundle ends after {n} of {all}", n=seq, all=self.length),
            )
        if hash != self.head:
            raise Broken(
                seq, say("it is not the one that the bundle's first line names as the last")
            )
