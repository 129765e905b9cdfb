"""The journal and the reports' words, read back from their tables.

They are kept as a scenario would write them, and the scenario's own reader reads them: there is
one place that knows what an entry may say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from toutdoux.core.journal import Entry, ReportWords
from toutdoux.core.words import Refusal
from toutdoux.scenario import ScenarioError
from toutdoux.scenario.life import read_entry, read_words
from toutdoux.scenario.source import Fields, Items, Node, node_of

from . import models

Content = Mapping[str, Any]
"""An entry, or a report's words, in the words of a scenario."""
Path = tuple[str, ...]
"""The keys and places that lead to a value, from outside in."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """An entry of the journal with the number that people name it by."""

    number: int
    content: Content
    entry: Entry


def numbered(association: str) -> Iterator[Numbered]:
    """The entries of an association's journal, by number, but for those that were forgotten."""
    rows = models.JournalEntry.objects.filter(
        association=association, removed=False, content__text__isnull=False
    )
    for number, text in rows.order_by("number").values_list("number", "content__text"):
        content = orjson.loads(text or "")
        yield Numbered(number, content, read_entry(node_of(content)))


def journal(association: str) -> list[Entry]:
    return [one.entry for one in numbered(association)]


def content_of(association: str, number: int) -> Content | None:
    """What an entry says; None if there is none of that number."""
    row = models.JournalEntry.objects.filter(
        association=association, number=number, removed=False, content__text__isnull=False
    ).select_related("content")
    text = next((one.content.text for one in row), None)
    return orjson.loads(text) if text else None


def checked(content: Content) -> Entry:
    """What an entry in the words of a scenario says. Raises `Refusal`, which names the field."""
    node, paths = _traced(content)
    try:
        return read_entry(node)
    except ScenarioError as error:
        raise Refusal(error.why, error.remedy, paths[error.line or 0]) from None


def check_words(content: Content) -> None:
    """Refuse words for a report that say what cannot be. Raises `Refusal`, with the field."""
    node, paths = _traced({"period": "P", **content})
    try:
        read_words(node, {})
    except ScenarioError as error:
        raise Refusal(error.why, error.remedy, paths[error.line or 0]) from None


def _traced(content: Content) -> tuple[Node, list[Path]]:
    """What somebody told as a file would give it, each value on a line of its own, and the path
    that leads to the value on each line: so what is wrong can be said where it is."""
    paths: list[Path] = []

    def number(node: Node, path: Path) -> None:
        node.line = len(paths)
        paths.append(path)
        if isinstance(node, Fields):
            for key, one in node.fields.items():
                number(one, (*path, key))
        elif isinstance(node, Items):
            for place, one in enumerate(node.items):
                number(one, (*path, str(place)))

    node = node_of(content)
    number(node, ())
    return node, paths


def words_content(association: str, period: str) -> Content:
    """What was written for a period's report; nothing if that is nothing."""
    row = models.ReportWords.objects.filter(
        association=association, period=period, content__text__isnull=False
    )
    text = row.values_list("content__text", flat=True).first()
    return orjson.loads(text) if text else {}


def report_words(association: str, names: Mapping[str, str]) -> dict[str, ReportWords]:
    """What was written for reports, by the name of the period.

    `names` are the members' names, by what stands for them among the authors.
    """
    rows = models.ReportWords.objects.filter(association=association, content__text__isnull=False)
    return {
        period: read_words(node_of({"period": period, **orjson.loads(text or "")}), names)
        for period, text in rows.values_list("period", "content__text")
    }
