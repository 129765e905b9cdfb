"""Gemtext, read in terminals and on phones: one line a paragraph, links on lines of their own.

In gemtext the first characters of a line say what the line is, so safety is a matter of lines:
no text may begin one, and none that begins with text may look like anything but text. The
helpers are public: the Gemini capsule writes its pages with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    ColumnKind,
    Divider,
    Document,
    Facts,
    Inlines,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Section,
    Struck,
    Subheading,
    Table,
    Text,
)
from toutdoux.reports.markdown import clean, is_safe_url, words
from toutdoux.reports.render.plain import (
    bar_lines,
    encoded_url,
    links,
    one_line,
    words_of_blocks,
)

_MARKUP = ("=>", "#", ">", "*", "```")


def render(document: Document) -> bytes:
    """Render a report as one gemtext page, in UTF-8."""
    who = [*document.authors, document.date]
    lines = [
        heading_line(1, document.title),
        "",
        text_line(document.association),
        text_line(document.subtitle),
        text_line(" · ".join(part for part in who if part)),
        "",
        heading_line(2, document.contents_title),
        "",
        *_contents(document.sections),
    ]
    for section in document.sections:
        lines += ["", *_section_lines(section)]
    return ("\n".join(lines) + "\n").encode()


def text_line(text: str) -> str:
    """Fold a text onto one line that every client shows as text.

    A text that begins like markup gets a space before it: a line's type is decided by its very
    first characters, so the space makes it text for every client, adds nothing invisible that a
    copy would carry along, and is the least that can be seen.
    """
    line = one_line(text)
    return f" {line}" if line.startswith(_MARKUP) else line


def heading_line(level: int, text: str) -> str:
    """Write a heading; gemtext has three levels, deeper ones stay at the third."""
    return f"{'#' * min(max(level, 1), 3)} {one_line(text)}".rstrip()


def link_line(url: str, label: str) -> str:
    """Write a link on its own line; the address is encoded, so it ends where it should."""
    return f"=> {encoded_url(url)} {one_line(label)}".rstrip()


def preformatted(lines: list[str], alternative: str) -> list[str]:
    """Fence lines that keep their spaces, with an alternative text for those who hear the page."""
    # Three backticks would end the block: the space before them is seen, the rest stays intact.
    kept = [f" {line}" if line.startswith("```") else line for line in lines]
    return [f"```{one_line(alternative).lstrip('`')}", *kept, "```"]


def blocks_to_gemtext(blocks: Blocks) -> str:
    """Render blocks as gemtext lines, each ended."""
    return "".join(f"{line}\n" for line in _lines(blocks))


# --- sections ------------------------------------------------------------------------------------


def _contents(sections: tuple[Section, ...]) -> Iterator[str]:
    # Gemtext has no links inside a page: the contents are there to be read.
    for section in sections:
        yield f"* {one_line(section.number)} {one_line(section.title)}"
        yield from _contents(section.sections)


def _section_lines(section: Section) -> list[str]:
    # Every numbered section is a second-level heading: the number tells the depth, and the third
    # level is left to the rows of inventories and to the headings that members wrote.
    lines = [heading_line(2, f"{section.number} {section.title}")]
    if section.blocks:
        lines += ["", *_lines(section.blocks)]
    for child in section.sections:
        lines += ["", *_section_lines(child)]
    return lines


# --- blocks --------------------------------------------------------------------------------------


def _lines(blocks: Blocks) -> list[str]:
    lines: list[str] = []
    for block in blocks:
        rendered = _block_lines(block)
        if lines and rendered:
            lines.append("")
        lines += rendered
    return lines


def _block_lines(block: Block) -> list[str]:
    match block:
        case Paragraph(children):
            return _sentence(children)
        case Subheading(_, children):
            return [heading_line(3, words(children)), *_link_lines(children)]
        case BulletList() | NumberedList():
            return _list_lines(block, 0)
        case Quote(children):
            return _quote_lines(_lines(children))
        case CodeBlock(text):
            return preformatted(clean(text).split("\n"), "code")
        case Divider():
            return ["———"]
        case Facts(pairs):
            return _facts_lines(pairs)
        case Table():
            return _table_lines(block)
        case Chart(caption, _):
            drawn = preformatted(bar_lines(block), caption)
            return [text_line(caption), *drawn] if one_line(caption) else drawn


def _sentence(children: Inlines, marker: str = "") -> list[str]:
    """A paragraph, then its links; numbered where there are several, so one sees which is which."""
    found = list(links(children))
    numbers = count(1) if len(found) > 1 else None
    if len(found) == 1 and isinstance(children[0], Link) and len(children) == 1:
        return _link_lines(children)  # nothing but a link: the link line says it all
    parts = _spoken(children, numbers).split("\n")
    lines = [line for part in parts if (line := text_line(part))]
    if marker:
        lines = [marker + one_line(" ".join(parts))]
    return lines + _link_lines(children)


def _spoken(inlines: Inlines, numbers: Iterator[int] | None) -> str:
    """The words of a line, with the few marks that change the meaning; `\\n` at line breaks."""
    spoken = ""
    for inline in inlines:
        match inline:
            case Text(text):
                spoken += clean(text).replace("\n", " ")
            case Code(text):
                spoken += f"`{one_line(text)}`"
            case LineBreak():
                spoken += "\n"
            case Struck(children):
                spoken += f"~~{_spoken(children, numbers)}~~"
            case Link(url, children) if is_safe_url(url):
                spoken += words(children) or url
                spoken += f" [{next(numbers)}]" if numbers else ""
            case _:
                spoken += _spoken(inline.children, numbers)
    return spoken


def _link_lines(inlines: Inlines) -> list[str]:
    found = list(links(inlines))
    lines = []
    for number, link in enumerate(found, 1):
        label = one_line(words(link.children))
        if label == link.url:  # clients show the address where there is no label
            label = ""
        shown = f"[{number}] {label}" if len(found) > 1 else label
        lines.append(link_line(link.url, shown))
    return lines


def _list_lines(block: BulletList | NumberedList, depth: int) -> list[str]:
    """Gemtext lists have one level: a dash for each level that is missing tells the depth."""
    lines: list[str] = []
    for index, item in enumerate(block.items):
        dashes = "– " * depth
        if isinstance(block, NumberedList):
            number = f"{block.start + index}. "
            marker = f"* {dashes}{number}" if depth else number
        else:
            marker = f"* {dashes}"
        lines += _item_lines(item, marker, depth)
    return lines


def _item_lines(item: Blocks, marker: str, depth: int) -> list[str]:
    lines: list[str] = []
    for index, block in enumerate(item):
        if isinstance(block, BulletList | NumberedList):
            lines += _list_lines(block, depth + 1)
        elif isinstance(block, Paragraph) and index == 0:
            lines += _sentence(block.children, marker)
        else:
            lines += _block_lines(block)
    return lines


def _quote_lines(lines: list[str]) -> list[str]:
    """Put lines that are gemtext already into a quote, which holds only text: links follow it."""
    quoted: list[str] = []
    after: list[str] = []
    fenced = False
    for line in lines:
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            quoted.append(f"> {line}".rstrip())
        elif line.startswith("=>"):
            after.append(line)
        elif line.startswith("* "):
            quoted.append(f"> • {line.removeprefix('* ')}")
        elif line:
            # A heading loses its signs, a quote in a quote its own, a text the space that kept it
            # from looking like markup.
            quoted.append("> " + re.sub(r"^(?:#{1,3} |> | )", "", line))
    return quoted + after


def _facts_lines(pairs: tuple[tuple[str, Inlines], ...]) -> list[str]:
    lines: list[str] = []
    links: list[str] = []
    for label, value in pairs:
        if all(isinstance(one, Link) or one == Text(", ") for one in value):
            # Links say what they are: a line that only names them would say it twice.
            links += _link_lines(value)
        else:
            lines += _sentence((Text(f"{one_line(label)} — "), *value), "* ")
    return lines + links


# --- tables --------------------------------------------------------------------------------------


def _table_lines(table: Table) -> list[str]:
    """A block a row; a row of a few figures is an item of a list."""
    kinds = {column.kind for column in table.columns}
    if kinds.isdisjoint({ColumnKind.PROSE, ColumnKind.LINK}):
        return [f"* {_row_title(table, row)}" for row in table.rows]
    lines: list[str] = []
    for row in table.rows:
        lines += [""] if lines else []
        lines += _row_lines(table, row)
    return lines


def _row_title(table: Table, row: tuple[Blocks, ...]) -> str:
    parts = (_names(table, row), _figures(table, row))
    return " · ".join(part for part in parts if part)


def _names(table: Table, row: tuple[Blocks, ...]) -> str:
    kinds = (ColumnKind.KEY, ColumnKind.WORDS)
    cells = zip(table.columns, row, strict=True)
    said = (words_of_blocks(cell) for column, cell in cells if column.kind in kinds)
    return " · ".join(part for part in said if part)


def _figures(table: Table, row: tuple[Blocks, ...]) -> str:
    cells = zip(table.columns, row, strict=True)
    figures = ((c.title, words_of_blocks(cell)) for c, cell in cells if c.kind is ColumnKind.FIGURE)
    return " · ".join(f"{one_line(title)} {figure}" for title, figure in figures if figure)


def _row_lines(table: Table, row: tuple[Blocks, ...]) -> list[str]:
    names, figures = _names(table, row), _figures(table, row)
    lines = [heading_line(3, names)] if names else []
    lines += _prose_lines(table, row)
    if figures:
        lines += ["", text_line(figures)] if lines else [text_line(figures)]
    cells = list(zip(table.columns, row, strict=True))
    key = " ".join(words_of_blocks(cell) for c, cell in cells if c.kind is ColumnKind.KEY)
    for column, cell in cells:
        if column.kind is ColumnKind.LINK:
            lines += _cell_links(cell, key)
    return lines


def _prose_lines(table: Table, row: tuple[Blocks, ...]) -> list[str]:
    """The long texts of a row; with its column's title where there are several."""
    cells = zip(table.columns, row, strict=True)
    prose = [(c.title, cell) for c, cell in cells if c.kind is ColumnKind.PROSE and cell]
    several = sum(column.kind is ColumnKind.PROSE for column in table.columns) > 1
    lines: list[str] = []
    for title, cell in prose:
        match cell:
            case (Paragraph(children),) if several:
                label = f"{one_line(title)} — " if one_line(title) else ""
                lines += _sentence((Text(label), *children))
            case _:
                lines += [text_line(title)] if several and one_line(title) else []
                lines += _lines(cell)
    return lines


def _cell_links(cell: Blocks, key: str) -> list[str]:
    """The links of a row, each named after it: a client may list links without their place."""
    found = [link for b in cell if isinstance(b, Paragraph) for link in links(b.children)]
    about = f" ({key})" if key else ""
    if not found and cell:  # what stands there cannot be offered as a link
        return [text_line(words_of_blocks(cell))]
    return [link_line(link.url, words(link.children) + about) for link in found]
