"""Sentences before they are said: the core finds the words, `toutdoux.language` says them.

A `Sentence` holds an English message (the gettext message id) and the values that go into it, as
values: instants, durations, counts, members' names. How a date or a number is written is the
language's business, so the core stays free of locales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Union

Value = Union[str, int, datetime, date, timedelta, Fraction, StrEnum, "Sentence"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A message and its values; `plural` and `count` are set when its form depends on a count."""

    message: str
    values: Mapping[str, Value] = field(default_factory=dict)
    plural: str | None = None
    count: int = 1

    def __str__(self) -> str:
        """In English and in the plainest way, for logs."""
        one = self.message if self.plural is None or self.count == 1 else self.plural
        return one.format(**self.values)


def say(message: str, **values: Value) -> Sentence:
    """Make a sentence. The message is the English text, with `{name}` where a value goes."""
    return Sentence(message, values)


def say_n(singular: str, plural: str, count: int, **values: Value) -> Sentence:
    """Make a sentence whose form depends on `count`, which is also the value `{n}`."""
    return Sentence(singular, {"n": count, **values}, plural, count)


class Refusal(Exception):
    """Something that cannot be taken: says why, and what one can do instead.

    `path` leads to what is wrong in a nested value (a charter), key by key.
    """

    def __init__(self, why: Sentence, remedy: Sentence, path: Sequence[str] = ()) -> None:
        super().__init__(why.message)
        self.why = why
        self.remedy = remedy
        self.path = path


class Unknown(Refusal):
    """It speaks of somebody or something that there is not."""


class TooLate(Refusal):
    """Its time is over; all that helps is to tell that it happened before, if it did."""
