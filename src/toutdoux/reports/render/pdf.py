"""The report as a PDF, set by Typst.

The template `report.typ` is fixed; a document reaches it as JSON, in memory, and is only ever shown
there as strings, so nothing a member wrote can become markup. Typst itself checks the result
against PDF/UA-1, and the same document gives the same bytes on every machine: no system font, no
clock.
"""

from __future__ import annotations

import json
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    Divider,
    Document,
    Emphasis,
    Facts,
    Inline,
    Inlines,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Section,
    Strong,
    Struck,
    Subheading,
    Table,
    Text,
)
from toutdoux.reports.markdown import clean, is_safe_url, words
from toutdoux.reports.render.plain import encoded_url

if TYPE_CHECKING:
    import typst

_TEMPLATE = Path(__file__).with_name("report.typ")
_FONTS = Path(__file__).parents[1] / "fonts"

_Node = dict[str, object]
"""What the template gets as a dictionary."""


class RenderError(Exception):
    """The PDF could not be made; its text is one sentence to show as it is."""


def render(document: Document) -> bytes:
    """The report as a tagged PDF (PDF/UA-1): the same bytes for the same document."""
    try:
        import typst  # Loaded here, because only those who want a PDF need it.
    except ImportError as error:
        raise RenderError("Typst, which sets it, is not installed") from error

    # No font has every character, and Typst refuses what it cannot draw, naming all of it at once.
    # So ask it, and show those characters by their code instead ("[U+4E2D]").
    missing: frozenset[str] = frozenset()
    while True:
        try:
            return _compile(document, missing)
        except typst.TypstError as error:
            newly = _without_glyph(error) - missing
            if not newly:
                raise RenderError(f"Typst says “{error.message}”") from error
            missing |= newly


def _compile(document: Document, missing: frozenset[str]) -> bytes:
    import typst

    return typst.compile(
        _TEMPLATE,
        root=_TEMPLATE.parent,
        font_paths=_fonts(),
        sys_inputs={"report": json.dumps(_Tree(missing).document(document))},
        pdf_standards="ua-1",
        timestamp=0,  # The document has a date of its own; this only keeps the clock out.
    )


@cache
def _fonts() -> typst.Fonts:
    import typst

    return typst.Fonts(include_system_fonts=False, font_paths=[_FONTS])


# --- characters ----------------------------------------------------------------------------------

_REFUSED = re.compile(
    r'PDF/UA-1 error: the text (?:`"(.+?)"` could not be displayed'
    r'|contains the disallowed codepoint `"(.+?)"`)'
)
# Typst names a whole cluster when one character of it has no glyph. Latin letters always have one,
# and what only joins, orders or varies other characters has nothing to show.
_NEVER_MISSING = re.compile("[\0-\u02ff\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufe00-\ufe0f]")
# For private use: a font has there whatever it pleases, which is not what was meant.
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_LONGEST_ADDRESS = 8000
"""Typst refuses longer ones."""


def _without_glyph(error: typst.TypstError) -> frozenset[str]:
    """The characters that Typst says it cannot draw."""
    named = "".join(one + other for one, other in _REFUSED.findall(error.diagnostic))
    characters = re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), named)
    return frozenset(_NEVER_MISSING.sub("", characters))


def _by_code(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def _printable(text: str) -> str:
    return _PRIVATE.sub(lambda found: _by_code(found[0]), clean(text))


def _address(url: str) -> str:
    """The address in the ASCII that a PDF asks for, or nothing if it cannot be offered."""
    address = encoded_url(url)
    return address if is_safe_url(address) and len(address) <= _LONGEST_ADDRESS else ""


def _day(iso: str) -> _Node | None:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return None
    return {"year": day.year, "month": day.month, "day": day.day}


# --- the tree ------------------------------------------------------------------------------------

_DEEPEST = 12
"""What is nested deeper is shown at this depth: further in there is no room left on the page."""

_UNNAMED = "…"
"""For a title that is empty: PDF/UA allows none."""


class _Tree:
    """The document as the dictionaries that the template walks."""

    def __init__(self, missing: frozenset[str]) -> None:
        self._missing = {ord(character): _by_code(character) for character in missing}
        self._heading = 0
        """The level of the heading before: PDF/UA wants the next at most one deeper."""

    def document(self, it: Document) -> _Node:
        return {
            "metadata": {
                "title": _printable(it.title) or _UNNAMED,
                "description": _printable(f"{it.association}, {it.subtitle}"),
                "authors": [_printable(author) for author in it.authors],
                "date": _day(it.date_iso),
            },
            "language": it.language,
            "title": self._text(it.title) or _UNNAMED,
            "subtitle": self._text(it.subtitle),
            "association": self._text(it.association),
            "authors": [self._text(author) for author in it.authors],
            "date": self._text(it.date),
            "contents_title": self._text(it.contents_title) or _UNNAMED,
            "sections": [self._section(section, 1) for section in it.sections],
        }

    def _section(self, it: Section, level: int) -> _Node:
        self._heading = level
        return {
            "level": level,
            "number": self._text(it.number),
            "title": self._text(it.title) or _UNNAMED,
            "blocks": self._blocks(it.blocks, level),
            "sections": [self._section(section, level + 1) for section in it.sections],
        }

    def _text(self, text: str) -> str:
        return self._lines(text).replace("\n", " ").replace("\t", " ")

    def _lines(self, text: str) -> str:
        return _printable(text).translate(self._missing)

    def _blocks(self, blocks: Blocks, section: int, depth: int = 0) -> list[_Node]:
        """The blocks under a section of level `section`, within `depth` lists and quotes."""
        nodes: list[_Node] = []
        for it in blocks:
            if depth >= _DEEPEST and isinstance(it, BulletList | NumberedList | Quote):
                insides = (it.children,) if isinstance(it, Quote) else it.items
                for inside in insides:
                    nodes += self._blocks(inside, section, depth)
            elif not (isinstance(it, Subheading) and not self._text(words(it.children))):
                nodes.append({"node": type(it).__name__} | self._block(it, section, depth))
        return nodes

    def _block(self, it: Block, section: int, depth: int) -> _Node:
        match it:
            case Paragraph(children):
                return {"children": self._inlines(children)}
            case Subheading(level, children):
                self._heading = min(section + level, self._heading + 1)
                return {"level": self._heading, "children": self._inlines(children)}
            case BulletList(items):
                return {"items": [self._blocks(item, section, depth + 1) for item in items]}
            case NumberedList(start, items):
                inside = [self._blocks(item, section, depth + 1) for item in items]
                return {"start": start, "items": inside}
            case Quote(children):
                return {"children": self._blocks(children, section, depth + 1)}
            case CodeBlock(text):
                return {"text": self._lines(text)}
            case Divider():
                return {}
            case Facts(pairs):
                return {"pairs": [[self._text(name), self._inlines(fact)] for name, fact in pairs]}
            case Table():
                return self._table(it, section, depth)
            case Chart():
                return self._chart(it)

    def _table(self, it: Table, section: int, depth: int) -> _Node:
        return {
            "columns": [
                {"title": self._text(column.title), "kind": column.kind.value}
                for column in it.columns
            ],
            "rows": [[self._blocks(cell, section, depth) for cell in row] for row in it.rows],
        }

    def _chart(self, it: Chart) -> _Node:
        told = "; ".join(f"{bar.label}: {bar.words}" for bar in it.bars)
        bars = [
            {"label": self._text(bar.label), "value": bar.value, "whole": bar.whole}
            for bar in it.bars
        ]
        alt = _printable(f"{it.caption}. {told}.")
        return {"caption": self._text(it.caption), "alt": alt, "bars": bars}

    def _inlines(self, inlines: Inlines, depth: int = 0) -> list[_Node]:
        nodes: list[_Node] = []
        for it in inlines:
            if depth >= _DEEPEST and isinstance(it, Emphasis | Strong | Struck):
                nodes += self._inlines(it.children, depth)
            else:
                nodes.append({"node": type(it).__name__} | self._inline(it, depth))
        return nodes

    def _inline(self, it: Inline, depth: int) -> _Node:
        match it:
            case Text(text) | Code(text):
                return {"text": self._text(text)}
            case Link(url, children):
                return {"url": _address(url), "children": self._inlines(children, depth + 1)}
            case LineBreak():
                return {}
            case _:
                return {"children": self._inlines(it.children, depth + 1)}
