"""Rows of Markdown tables, and what a cell held before Markdown was made of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from markdown_it import MarkdownIt

_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*")
_PIPE = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"(?<![\\`])(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_BREAK = re.compile(r"(?:(?<!\\)<br */?>\s*)+", re.IGNORECASE)
_LINK = re.compile(
    r"\[(?:[^\[\]\\]|\\.)*+\]"
    r"\((?:<(?P<held>[^<>]*)>|(?P<bare>[^()\s]*+(?:\([^()\s]*\)[^()\s]*+)*+))"
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'))?\)"
)
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]+:[^\s<>]*)>")
_LONGEST = 5_000
"""What is longer is not read as Markdown: marks can cost the square of a text's length."""


def is_rule(line: str) -> bool:
    """Whether it is the `--- | :---:` under the titles."""
    return "-" in line and _RULE.fullmatch(line) is not None


def begins_table(line: str, below: str) -> bool:
    if not is_rule(below) or not ("|" in line or "|" in below):
        return False
    return not is_rule(line) and len(split_row(line)) == len(split_row(below))


def split_row(line: str, wanted: int = 0) -> list[str]:
    """The cells of a row; `\\|` is a bar in a cell.

    A bar in `code` ends a cell, as on GitHub, unless that makes more cells than the `wanted`.
    """
    cells = _split(line)
    if wanted and len(cells) > wanted:
        held = _CODE.sub(lambda code: re.sub(r"(?<!\\)\|", r"\\|", code[0]), line)
        others = _split(held)
        if len(others) == wanted:
            return others
    return cells


def _split(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [cell.replace("\\|", "|").strip() for cell in _PIPE.split(line)]


def as_words(cell: str) -> str:
    """A cell that holds a name or a figure: nothing in it is markup, so no escape stays."""
    return _ESCAPE.sub(r"\1", cell)


def as_written(cell: str) -> str:
    """A cell that holds Markdown, as its member wrote it before it was put in a table.

    An escape goes where the text reads the same without it (`2\\*3`, `\\<b>`), and stays where it
    is needed (`\\*so\\*`). A line break becomes the end of a paragraph.
    """
    cell = _outside_code(cell, lambda text: _BREAK.sub("\n\n", text)).strip()
    if len(cell) > _LONGEST or "\\" not in cell:
        return cell
    plain = _outside_code(cell, lambda text: _ESCAPE.sub(r"\1", text))
    bare_link = "http\\://" in cell or "https\\://" in cell or "www\\." in cell
    return plain if not bare_link and _read(plain) == _read(cell) else cell


def link_target(cell: str) -> str:
    """The address of `[text](address)` or `<address>`; any other cell as it is."""
    found = _LINK.fullmatch(cell)
    if found:
        return _ESCAPE.sub(r"\1", found["held"] if found["held"] is not None else found["bare"])
    found = _AUTOLINK.fullmatch(cell)
    return found[1] if found else cell


def _outside_code(cell: str, change: Callable[[str], str]) -> str:
    out, at = [], 0
    for code in _CODE.finditer(cell):
        out += [change(cell[at : code.start()]), code[0]]
        at = code.end()
    return "".join((*out, change(cell[at:])))


def _read(text: str) -> str:
    return str(_parser().render(text))


@cache
def _parser() -> MarkdownIt:
    # As the reports read it: HTML stays text.
    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
