"""What the tests of tables share."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

import pytest

from toutdoux.language import Language
from toutdoux.tables import TableError

Rows = Sequence[Sequence[str]]


def separated(rows: Rows, separator: str) -> str:
    """Rows as a spreadsheet writes them."""
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue()


def marked_down(rows: Rows) -> str:
    """Rows as a Markdown table."""
    titles, *others = rows
    lines = [titles, ["---"] * len(titles), *others]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


def refused(read: Callable[[], object]) -> tuple[int | None, str]:
    """The line and the sentence of what is refused, which both languages can say."""
    with pytest.raises(TableError) as caught:
        read()
    error = caught.value
    for code in ("fr", "en"):
        language = Language(code)
        assert language.say(error.why)
        assert language.say(error.remedy)
    return error.line, Language("en").say(error.why)
