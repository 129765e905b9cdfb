"""What is wrong with a table, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from toutdoux.core.words import Refusal, Sentence

MOST = 20
"""How many things that are wrong are told at once."""


class TableError(Exception):
    """One thing that is wrong: the file, the line (counted from 1, if there is one), the reason."""

    others: Sequence[TableError] = ()
    """What else is wrong in the file, as far as it was read."""

    def __init__(self, file: str, line: int | None, why: Sentence, remedy: Sentence) -> None:
        super().__init__(why.message)
        self.file = file
        self.line = line
        self.why = why
        self.remedy = remedy

    @classmethod
    def at(cls, file: str, line: int | None, refusal: Refusal) -> TableError:
        return cls(file, line, refusal.why, refusal.remedy)


class Wrong:
    """What is wrong in a file, gathered so that it can be told all at once.

    with wrong.line(12):
        …  # may raise `Refusal` or `TableError`
    wrong.tell()
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[TableError] = []

    @contextmanager
    def line(self, line: int | None) -> Iterator[None]:
        try:
            yield
        except Refusal as refusal:
            self._add(TableError.at(self.file, line, refusal))
        except TableError as error:
            self._add(error)

    def _add(self, error: TableError) -> None:
        self.errors.append(error)
        if len(self.errors) == MOST:
            self.tell()

    def tell(self) -> None:
        """Raises the first `TableError`, which knows the others, if there is any."""
        if self.errors:
            first, *others = sorted(self.errors, key=lambda one: one.line or 0)
            first.others = others
            raise first from None
