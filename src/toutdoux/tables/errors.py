"""What is wrong with a table, and where."""

from __future__ import annotations

from toutdoux.core.words import Refusal, Sentence


class TableError(Exception):
    """One thing that is wrong: the file, the line (counted from 1, if there is one), the reason."""

    def __init__(self, file: str, line: int | None, why: Sentence, remedy: Sentence) -> None:
        super().__init__(why.message)
        self.file = file
        self.line = line
        self.why = why
        self.remedy = remedy

    @classmethod
    def at(cls, file: str, line: int | None, refusal: Refusal) -> TableError:
        return cls(file, line, refusal.why, refusal.remedy)
