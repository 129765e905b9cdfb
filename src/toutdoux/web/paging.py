"""Lists that go over several pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict


@dataclass(frozen=True, slots=True)
class Pages:
    """Where one is in a list that goes over several pages."""

    number: int
    last: int
    asked: QueryDict

    def address(self, number: int) -> str:
        """The address of another page, with all else that was asked for."""
        query = self.asked.copy()
        query.pop("page", None)
        if number > 1:
            query["page"] = str(number)
        return f"?{query.urlencode()}"

    @property
    def shown(self) -> list[int | None]:
        """The numbers to choose from; None where some are left out."""
        near = {1, self.last, *range(self.number - 1, self.number + 2)}
        numbers = sorted(one for one in near if 1 <= one <= self.last)
        shown: list[int | None] = []
        for one in numbers:
            before = shown[-1] if shown else 0
            if before is not None and one - before == 2:
                shown.append(one - 1)
            elif before is not None and one - before > 2:
                shown.append(None)
            shown.append(one)
        return shown


def number_asked(asked: Mapping[str, str]) -> int:
    """The page that an address names; the first, if it names none."""
    told = asked.get("page", "1")
    return max(1, int(told)) if told.isascii() and told.isdigit() and len(told) < 7 else 1


def last_of(count: int, at_once: int) -> int:
    """The last page of a list of so many."""
    return max(1, -(-count // at_once))


@dataclass(frozen=True, slots=True)
class Part:
    """What a page shows of a list."""

    rows: list[Any]
    count: int
    """Of the whole list."""
    pages: Pages


def part_of(rows: Any, asked: QueryDict, at_once: int) -> Part:
    """The part of a list that an address names, or the nearest there is.

    Args:
        rows: the whole list, or a query for it.
        asked: the address's parameters.
        at_once: how many rows are on a page.
    """
    count = len(rows) if isinstance(rows, list) else rows.count()
    last = last_of(count, at_once)
    number = min(number_asked(asked), last)
    here = list(rows[(number - 1) * at_once : number * at_once])
    return Part(here, count, Pages(number, last, asked))
