"""One HTML file with nothing outside it: no script, no font, no image, its style inlined.

The page is built as a tree and serialised by the standard library, so text is escaped by
construction; the one thing that is not is the style sheet, which is ours.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from toutdoux.reports.document import (
    Bar,
    Block,
    Blocks,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    Column,
    ColumnKind,
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
from toutdoux.reports.markdown import clean, is_safe_url
from toutdoux.reports.render.plain import one_line, words_of_blocks

_NO_HEADINGS = 0
"""The level of a place where a heading would disturb the outline, such as a cell."""


def render(document: Document) -> bytes:
    """Render a report as one self-contained HTML5 page, in UTF-8."""
    page = Element("html", {"lang": document.language})
    _head(page, document)
    body = _sub(page, "body")
    _title_block(body, document)
    _contents(body, document)
    main = _sub(body, "main")
    for section in document.sections:
        _section(main, section, 2)
    html = ElementTree.tostring(page, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{html}\n".encode()


# --- building ------------------------------------------------------------------------------------

_IN_A_LINE = frozenset({"a", "br", "code", "em", "rect", "s", "span", "strong", "svg", "time"})


def _sub(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """Add an element; `class_` and `aria_label` stand for `class` and `aria-label`."""
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    element = SubElement(parent, tag, named)
    if text:
        element.text = clean(text)
    if tag not in _IN_A_LINE:
        element.tail = "\n"  # so that the source, too, can be read
    return element


def _add_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + clean(text)
    else:
        parent.text = (parent.text or "") + clean(text)


# --- the page ------------------------------------------------------------------------------------


@cache
def _style() -> str:
    return resources.files(__package__).joinpath("report.css").read_text("utf-8")


def _policy() -> str:
    """A Content-Security-Policy that lets the page's own style in, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _head(page: Element, document: Document) -> None:
    title = one_line(f"{document.title} — {document.association}")
    head = _sub(page, "head")
    _sub(head, "meta", charset="utf-8")
    _sub(head, "meta", http_equiv="Content-Security-Policy", content=_policy())
    _sub(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _sub(head, "title", title)
    _meta(head, "description", f"{title}. {document.subtitle}")
    _meta(head, "author", ", ".join(document.authors))
    _meta(head, "dcterms.date", document.date_iso)
    _meta(head, "referrer", "no-referrer")
    _meta(head, "color-scheme", "light dark")
    _sub(head, "style").text = _style()


def _meta(head: Element, name: str, content: str) -> None:
    if content:
        _sub(head, "meta", name=name, content=one_line(content))


def _title_block(body: Element, document: Document) -> None:
    header = _sub(body, "header")
    _sub(header, "p", document.association, class_="association")
    _sub(header, "h1", document.title)
    _sub(header, "p", document.subtitle, class_="period")
    by = _sub(header, "p", class_="by")
    for author in document.authors:
        _add_text(by, f"{author} · ")
    _sub(by, "time", document.date, datetime=one_line(document.date_iso))


def _contents(body: Element, document: Document) -> None:
    nav = _sub(body, "nav", aria_labelledby="contents")
    _sub(nav, "h2", document.contents_title, id="contents")
    _contents_list(nav, document.sections)


def _contents_list(parent: Element, sections: tuple[Section, ...]) -> None:
    if not sections:
        return
    entries = _sub(parent, "ol")
    for section in sections:
        entry = _sub(entries, "li")
        _numbered(_sub(entry, "a", href=f"#{section.anchor}"), section)
        _contents_list(entry, section.sections)


def _numbered(parent: Element, section: Section) -> None:
    _sub(parent, "span", section.number, class_="number")
    _add_text(parent, " ")
    _sub(parent, "span", section.title)


def _section(parent: Element, section: Section, level: int) -> None:
    element = _sub(parent, "section", id=section.anchor)
    _numbered(_sub(element, f"h{min(level, 6)}"), section)
    _blocks(element, section.blocks, level, section.title)
    for child in section.sections:
        _section(element, child, level + 1)


# --- blocks --------------------------------------------------------------------------------------


def _blocks(parent: Element, blocks: Blocks, level: int, heading: str = "") -> None:
    """Add blocks that stand under a heading of this level."""
    last = level
    for block in blocks:
        if isinstance(block, Subheading) and level != _NO_HEADINGS:
            # Members skip levels; an outline read aloud must not.
            last = min(level + block.level, last + 1, 6)
        _block(parent, block, last, heading)


def _block(parent: Element, block: Block, level: int, heading: str) -> None:
    match block:
        case Paragraph(children):
            _inlines(_sub(parent, "p"), children)
        case Subheading(_, children):
            tag = "p" if level == _NO_HEADINGS else f"h{level}"
            _inlines(_sub(parent, tag, class_="subheading"), children)
        case BulletList(items):
            _items(_sub(parent, "ul"), items, level)
        case NumberedList(start, items):
            counted = {} if start == 1 else {"start": str(start)}
            _items(_sub(parent, "ol", **counted), items, level)
        case Quote(children):
            _blocks(_sub(parent, "blockquote"), children, level)
        case CodeBlock(text):
            _sub(_sub(parent, "pre"), "code", text)
        case Divider():
            _sub(parent, "hr")
        case Facts(pairs):
            _facts(parent, pairs)
        case Table():
            _table(parent, block, heading)
        case Chart():
            _chart(parent, block, heading)


def _items(parent: Element, items: tuple[Blocks, ...], level: int) -> None:
    for item in items:
        element = _sub(parent, "li")
        match item:
            case (Paragraph(children), *rest):  # an item's first line needs no room of its own
                _inlines(element, children)
                _blocks(element, tuple(rest), level)
            case _:
                _blocks(element, item, level)


def _facts(parent: Element, pairs: tuple[tuple[str, Inlines], ...]) -> None:
    facts = _sub(parent, "dl")
    for label, value in pairs:
        pair = _sub(facts, "div")
        _sub(pair, "dt", label)
        _inlines(_sub(pair, "dd"), value)


# --- tables --------------------------------------------------------------------------------------


def _table(parent: Element, table: Table, heading: str) -> None:
    # The roles say again what the elements mean: where the style turns rows into cards, some
    # browsers would no longer tell that this is a table.
    element = _sub(parent, "table", role="table")
    _caption(element, "caption", table.caption, heading)
    titles = _sub(_sub(element, "thead", role="rowgroup"), "tr", role="row")
    for column in table.columns:
        attributes = {"class": column.kind.value, "scope": "col", "role": "columnheader"}
        _sub(titles, "th", column.title, **attributes)
    body = _sub(element, "tbody", role="rowgroup")
    for row in table.rows:
        _row(_sub(body, "tr", role="row"), table.columns, row)


def _caption(parent: Element, tag: str, caption: str, heading: str) -> None:
    """Say what a table or chart shows; out of sight where the heading has just said it."""
    if one_line(caption):
        repeats = one_line(caption).casefold() == one_line(heading).casefold()
        _sub(parent, tag, caption, **({"class": "unseen"} if repeats else {}))


def _row(parent: Element, columns: tuple[Column, ...], row: tuple[Blocks, ...]) -> None:
    key = ""
    for column, cell in zip(columns, row, strict=True):
        attributes = {"class": column.kind.value, "data-label": one_line(column.title)}
        if column.kind is ColumnKind.KEY:
            key = words_of_blocks(cell)
            element = _sub(parent, "th", scope="row", role="rowheader", **attributes)
        else:
            element = _sub(parent, "td", role="cell", **attributes)
        _cell(element, cell)
        if column.kind is ColumnKind.LINK and key:
            _name_links(element, key)


def _cell(element: Element, cell: Blocks) -> None:
    # One element holds the value, so that the style can set it beside its column's title.
    match cell:
        case ():
            element.set("class", f"{element.get('class')} empty")
        case (Paragraph(children),):
            _inlines(_sub(element, "span"), children)
        case _:
            _blocks(_sub(element, "div"), cell, _NO_HEADINGS)


def _name_links(element: Element, key: str) -> None:
    """Tell the links of a column apart for those who hear them out of their rows."""
    for link in element.iter("a"):
        link.set("aria-label", one_line(f"{''.join(link.itertext())} {key}"))


# --- charts --------------------------------------------------------------------------------------


def _chart(parent: Element, chart: Chart, heading: str) -> None:
    """Bars beside their figures in words: the drawing needs no words of its own."""
    figure = _sub(parent, "figure")
    _caption(figure, "figcaption", chart.caption, heading)
    bars = _sub(figure, "ul", class_="chart")
    scale = max((bar.whole for bar in chart.bars), default=0)
    for bar in chart.bars:
        entry = _sub(bars, "li")
        _sub(entry, "span", bar.label, class_="label")
        _add_text(entry, " ")
        _bar(entry, bar, scale)
        _add_text(entry, " ")
        _sub(entry, "span", bar.words, class_="figures")


def _bar(parent: Element, bar: Bar, scale: int) -> None:
    drawing = _sub(parent, "svg", aria_hidden="true", width="100%", height="12")
    whole, value = max(bar.whole, 0), min(max(bar.value, 0), max(bar.whole, 0))
    for name, length in (("whole", whole), ("value", value)):
        share = f"{100 * length / scale:.2f}%" if scale > 0 else "0%"
        _sub(drawing, "rect", class_=name, width=share, height="12", rx="2")


# --- inside a line -------------------------------------------------------------------------------


def _inlines(parent: Element, inlines: Inlines) -> None:
    for inline in inlines:
        _inline(parent, inline)


def _inline(parent: Element, inline: Inline) -> None:
    match inline:
        case Text(text):
            _add_text(parent, text)
        case Emphasis(children):
            _inlines(_sub(parent, "em"), children)
        case Strong(children):
            _inlines(_sub(parent, "strong"), children)
        case Struck(children):
            _inlines(_sub(parent, "s"), children)
        case Code(text):
            _sub(parent, "code", text)
        case LineBreak():
            _sub(parent, "br")
        case Link(url, children) if is_safe_url(url):
            link = _sub(parent, "a", href=clean(url), rel="noopener noreferrer")
            _inlines(link, children or (Text(url),))
        case Link(_, children):
            _inlines(parent, children)
