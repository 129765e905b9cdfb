"""What is wrong with a scenario, and where."""

from __future__ import annotations

from datetime import UTC, tzinfo

from toutdoux.core.words import Refusal, Sentence


class ScenarioError(Exception):
    """One thing that is wrong: the file, the line (counted from 1, if there is one), the reason."""

    def __init__(self, why: Sentence, remedy: Sentence, line: int | None = None) -> None:
        super().__init__(why.message)
        self.why = why
        self.remedy = remedy
        self.line = line
        self.file: str | None = None
        self.zone: tzinfo = UTC
        """The time zone in which its instants are told: the association's, once it is known."""

    @classmethod
    def at(cls, line: int | None, refusal: Refusal) -> ScenarioError:
        return cls(refusal.why, refusal.remedy, line)
