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
from toutdoux.scenario.source import node_of

from . import models

Content = Mapping[str, Any]
"""An entry, or a report's words, in the words of a scenario."""


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
    try:
        return read_entry(node_of(content))
    except ScenarioError as error:
        raise Refusal(error.why, error.remedy) from None


def report_words(association: str, names: Mapping[str, str]) -> dict[str, ReportWords]:
    """What was written for reports, by the name of the period.

    `names` are the members' names, by what stands for them among the authors.
    """
    rows = models.ReportWords.objects.filter(association=association, content__text__isnull=False)
    return {
        period: read_words(node_of({"period": period, **orjson.loads(text or "")}), names)
        for period, text in rows.values_list("period", "content__text")
    }
