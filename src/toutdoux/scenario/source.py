"""YAML with line numbers, in bounded memory.

Only structure is taken from YAML: mappings, lists and text. What a text means (a date, a number)
is for the field it stands in, so none of YAML's guesses (`no` is false, `12:30` is 750) happen.
The parser is libyaml's, event by event; nothing is kept that the scenario does not need.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from toutdoux.core.words import say

from .errors import ScenarioError

LARGEST = 64 * 1024 * 1024
"""The largest scenario that is read, in bytes. A history beyond it belongs in a ledger."""
MOST = 4_000_000
"""The most values that are read: some 300,000 votes. It bounds the memory that reading takes."""
_DEEPEST = 20
# What YAML does not allow in a text.
_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(str):
    """A text, and the line it stands on."""

    __slots__ = ("line",)
    line: int


@dataclass(slots=True)
class Items:
    """A list, and the line it begins on."""

    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Fields:
    """A mapping, and the line it begins on. Keys without a value stand apart."""

    line: int
    fields: dict[str, Node] = field(default_factory=dict)
    empty: dict[str, Scalar] | None = None


Node = Scalar | Items | Fields


def node_of(value: object) -> Node:
    """Mappings, lists and values from elsewhere as a file would give them, all on line 0.

    None and empty texts are left out of mappings, as keys without a value are.
    """
    if isinstance(value, Mapping):
        told = {str(key): one for key, one in value.items() if one is not None and one != ""}
        return Fields(0, {key: node_of(one) for key, one in told.items()})
    if isinstance(value, list | tuple):
        return Items(0, [node_of(one) for one in value])
    scalar = Scalar(value)
    scalar.line = 0
    return scalar


def parse(text: str) -> Node:
    """Read one YAML document. Raises `ScenarioError` for anything that is not plain YAML."""
    _check_characters(text)
    events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
    try:
        return _document(events)
    except yaml.YAMLError as error:
        # The parser's own words are for those who know YAML by heart, and in English only.
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise ScenarioError(
            say("this is not YAML: the fault is on this line or just before it"),
            say("check the indentation, the brackets, and quotes around texts with : or #"),
            None if mark is None else mark.line + 1,
        ) from None


def _check_characters(text: str) -> None:
    found = _NOT_TEXT.search(text)
    if found is not None:
        raise ScenarioError(
            say("there is a character here that is not text (code {code})", code=ord(found[0])),
            say("take it out"),
            text.count("\n", 0, found.start()) + 1,
        )


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _document(events: Iterator[Any]) -> Node:
    root: Node | None = None
    events = _counted(events)
    for event in events:
        if type(event) is yaml.DocumentStartEvent:
            if root is not None:
                raise ScenarioError(
                    say("a second document begins here"),
                    say("keep one document in a file, without a second ---"),
                    _line(event),
                )
            root = _node(next(events), events, 0)
    if root is None:
        raise ScenarioError(say("the file is empty"), say("write a scenario in it"))
    return root


def _counted(events: Iterator[Any]) -> Iterator[Any]:
    for count, event in enumerate(events):
        if count == MOST:
            raise ScenarioError(
                say("this file holds more than the {n} values of a scenario", n=MOST),
                say("split it, or keep its history in a ledger"),
                _line(event),
            )
        yield event


def _node(event: Any, events: Iterator[Any], depth: int) -> Node:
    kind, line = type(event), int(event.start_mark.line) + 1
    # Every node has an anchor, None as a rule; an alias has the one that it stands for.
    if event.anchor is not None:
        raise ScenarioError(
            say("anchors and aliases (& and *) are not read"), say("write the value out"), line
        )
    if kind is yaml.ScalarEvent:
        scalar = Scalar(event.value)
        scalar.line = line
        return scalar
    if depth == _DEEPEST:
        raise ScenarioError(
            say("this is nested deeper than any scenario"), say("check the brackets"), line
        )
    if kind is yaml.SequenceStartEvent:
        items = Items(line)
        for item in events:
            if type(item) is yaml.SequenceEndEvent:
                return items
            items.items.append(_node(item, events, depth + 1))
    return _mapping(Fields(line), events, depth)


def _mapping(fields: Fields, events: Iterator[Any], depth: int) -> Fields:
    for event in events:
        if type(event) is yaml.MappingEndEvent:
            break
        key = _node(event, events, depth + 1)
        if not isinstance(key, Scalar):
            raise ScenarioError(say("a key is a single word"), say("check the brackets"), key.line)
        following = next(events)
        value = _node(following, events, depth + 1)
        if key in fields.fields or (fields.empty and key in fields.empty):
            raise ScenarioError(
                say("“{key}” is said twice here", key=str(key)), say("keep one of them"), key.line
            )
        if _is_null(following):
            fields.empty = fields.empty or {}
            fields.empty[str(key)] = key
        else:
            fields.fields[sys.intern(str(key))] = value
    return fields


def _is_null(event: Any) -> bool:
    return (
        type(event) is yaml.ScalarEvent
        and not event.style
        and event.value in ("", "~", "null", "Null", "NULL")
    )
