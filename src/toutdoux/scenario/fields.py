"""Reading the fields of a mapping, each as what it is, with the line of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from toutdoux.core.charter import unknown_key
from toutdoux.core.instants import read_date, read_instant
from toutdoux.core.journal import Amount
from toutdoux.core.words import Refusal, Sentence, say

from .errors import ScenarioError
from .source import Fields, Items, Node, Scalar

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

_AMOUNT = re.compile(
    r"(\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d{1,12})(?:[.,](\d{1,2}))?\s*([A-Z]{3}|€|\$|£)"
)
_CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP"}
_YES = {"true": True, "yes": True, "false": False, "no": False}


class Row:
    """One mapping being read. `where` names it in messages ("a member", "a vote")."""

    __slots__ = ("empty", "fields", "line", "where")

    def __init__(self, node: Node, where: Sentence) -> None:
        if not isinstance(node, Fields):
            raise ScenarioError(
                say("{where} is not a mapping", where=where),
                say("write it as key: value pairs, as docs/scenario.md shows"),
                node.line,
            )
        self.line = node.line
        self.fields = node.fields
        self.empty = node.empty
        self.where = where

    def has(self, key: str) -> bool:
        return key in self.fields

    def only(self, known: Iterable[str]) -> None:
        """Refuse keys that nobody knows, rather than pass over what somebody meant."""
        for key, value in self.fields.items():
            if key not in known:
                raise ScenarioError.at(value.line, unknown_key(key, known, self.where))
        for name, key in (self.empty or {}).items():
            if name not in known:
                raise ScenarioError.at(key.line, unknown_key(name, known, self.where))

    def line_of(self, key: str) -> int:
        node = self.fields.get(key)
        return self.line if node is None else node.line

    def fail(self, key: str, refusal: Refusal) -> ScenarioError:
        named = say("{key}: {why}", key=key, why=refusal.why)
        return ScenarioError(named, refusal.remedy, self.line_of(key))

    # --- one value -------------------------------------------------------------------------------

    def text(self, key: str) -> str:
        """A text that must be there and say something."""
        node = self.fields.get(key)
        if node is None:
            raise ScenarioError(
                say("{where} has no {key}", where=self.where, key=key),
                say("add {key}:", key=key),
                self.line,
            )
        if not isinstance(node, Scalar):
            raise ScenarioError(
                say("{key} is not a single value", key=key),
                say("write one value after {key}:", key=key),
                node.line,
            )
        if not node.strip():
            raise ScenarioError(say("{key} is empty", key=key), say("fill it in"), node.line)
        return str(node)

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if key in self.fields else None

    def day(self, key: str) -> date:
        return self._as(key, read_date)

    def day_or_none(self, key: str) -> date | None:
        return self.day(key) if key in self.fields else None

    def instant(self, key: str, zone: tzinfo) -> datetime:
        return self._as(key, lambda text: read_instant(text, zone))

    def instant_or_none(self, key: str, zone: tzinfo) -> datetime | None:
        return self.instant(key, zone) if key in self.fields else None

    def count(self, key: str, least: int = 0) -> int:
        text = self.text(key)
        if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
            raise ScenarioError(
                say("{key} cannot be “{text}”", key=key, text=text),
                say("write a whole number from {least}", least=least),
                self.line_of(key),
            )
        return int(text)

    def truth(self, key: str) -> bool:
        if key not in self.fields:
            return False
        text = self.text(key)
        if text.lower() not in _YES:
            raise ScenarioError(
                say("{key} cannot be “{text}”", key=key, text=text),
                say("write true or false"),
                self.line_of(key),
            )
        return _YES[text.lower()]

    def choice(self, key: str, kind: type[E]) -> E:
        text = self.text(key)
        try:
            return kind(text)
        except ValueError:
            raise ScenarioError(
                say("{key} cannot be “{text}”", key=key, text=text),
                say("use one of {names}", names=", ".join(kind)),
                self.line_of(key),
            ) from None

    def amount(self, key: str) -> Amount:
        text = self.text(key)
        match = _AMOUNT.fullmatch(text.strip())
        if match is None:
            raise ScenarioError(
                say("“{text}” is not an amount of money", text=text),
                say("write a number and a currency, for instance 1000 EUR"),
                self.line_of(key),
            )
        whole = re.sub(r"\D", "", match[1])
        value = Decimal(f"{whole}.{(match[2] or '').ljust(2, '0')}")
        return Amount(value, _CURRENCIES.get(match[3], match[3]))

    def _as(self, key: str, read: Callable[[str], T]) -> T:
        try:
            return read(self.text(key))
        except Refusal as refusal:
            raise self.fail(key, refusal) from None

    # --- several ---------------------------------------------------------------------------------

    def row(self, key: str) -> Row:
        return Row(self.fields[key], say("{key}:", key=key))

    def rows(self, key: str, where: Sentence) -> Iterator[Row]:
        """The mappings of a list that may be left out."""
        for node in self._items(key):
            yield Row(node, where)

    def rows_or_one(self, key: str, where: Sentence) -> Iterator[Row]:
        node = self.fields.get(key)
        if isinstance(node, Fields):
            yield Row(node, where)
        else:
            yield from self.rows(key, where)

    def texts(self, key: str) -> Iterator[Scalar]:
        for node in self._items(key):
            if not isinstance(node, Scalar) or not node.strip():
                raise ScenarioError(
                    say("{key} is a list of texts", key=key),
                    say("write one text an item"),
                    node.line,
                )
            yield node

    def nodes(self, key: str) -> list[Node]:
        return self._items(key)

    def _items(self, key: str) -> list[Node]:
        node = self.fields.get(key)
        if node is None:
            return []
        if not isinstance(node, Items):
            raise ScenarioError(
                say("{key} is not a list", key=key),
                say("write its items with a dash each, or in square brackets"),
                node.line,
            )
        return node.items


def plain(node: Node) -> object:
    """A node as plain mappings, lists and text, for who needs no lines. Empty keys hold None."""
    if isinstance(node, Fields):
        return {
            **dict.fromkeys(node.empty or ()),
            **{key: plain(value) for key, value in node.fields.items()},
        }
    if isinstance(node, Items):
        return [plain(value) for value in node.items]
    return str(node)
