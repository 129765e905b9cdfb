"""What the outputs in plain characters share: words without marks, addresses, bars of ▰ and ▱."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    Divider,
    Facts,
    Inlines,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Subheading,
    Table,
    Text,
)
from toutdoux.reports.markdown import clean, is_safe_url, words

BAR_CELLS = 30
"""The longest bar: up to a roll of thirty each cell is a person, and it fits a small terminal."""


def one_line(text: str) -> str:
    """Clean a text and put it on one line.

    Only spaces, tabs and line ends are folded: a no-break space is part of French typography.
    """
    return re.sub(r"[ \t\n]+", " ", clean(text)).strip(" ")


def words_of_blocks(blocks: Blocks) -> str:
    """Fold blocks onto one line of plain words, for a place that has room for no more."""
    return one_line(" ".join(_words_of_block(block) for block in blocks))


def _words_of_block(block: Block) -> str:
    match block:
        case Paragraph(children) | Subheading(_, children):
            return words(children)
        case BulletList(items) | NumberedList(_, items):
            return " ; ".join(words_of_blocks(item) for item in items)
        case Quote(children):
            return words_of_blocks(children)
        case CodeBlock(text):
            return text
        case Facts(pairs):
            return " ; ".join(f"{label} {words(value)}" for label, value in pairs)
        case Table(_, _, rows):
            return " ; ".join(words_of_blocks(cell) for row in rows for cell in row)
        case Chart(_, bars):
            return " ; ".join(f"{bar.label} {bar.words}" for bar in bars)
        case Divider():
            return "—"


def links(inlines: Inlines) -> Iterator[Link]:
    """Find the links of a line that may be offered, in order."""
    for inline in inlines:
        match inline:
            case Link(url) if is_safe_url(url):
                yield inline
            case Text() | Code() | LineBreak() | Link():
                pass
            case _:
                yield from links(inline.children)


def encoded_url(url: str) -> str:
    """Percent-encode whatever could end an address early: spaces, line ends, quotes, non-ASCII."""
    return quote(clean(url).strip(), safe="%/:?#[]@!$&'()*+,;=~-._")


def bar_lines(chart: Chart) -> list[str]:
    """Draw a chart as aligned lines: label, bar of ▰▱ as long as its whole, figures in words."""
    labels = [one_line(bar.label) for bar in chart.bars]
    scale = max((bar.whole for bar in chart.bars), default=0)
    cells = min(scale, BAR_CELLS)
    width = max(map(len, labels), default=0)
    return [
        f"{label:<{width}}  {_bar(bar.value, bar.whole, scale, cells):<{cells}}  "
        f"{one_line(bar.words)}".strip()
        for label, bar in zip(labels, chart.bars, strict=True)
    ]


def _bar(value: int, whole: int, scale: int, cells: int) -> str:
    if whole <= 0 or scale <= 0:
        return ""
    length = max(1, round(whole * cells / scale))
    filled = round(value * cells / scale)
    if 0 < value < whole:  # some is never drawn as none, nor as all
        filled = min(max(filled, 1), length - 1) if length > 1 else 0
    filled = min(max(filled, 0), length)
    return "▰" * filled + "▱" * (length - filled)
