"""What a report is made of, before anyone renders it.

The content is built once (`toutdoux.reports.content`) as a tree of these values; every output
(`toutdoux.reports.render.*`) only walks the tree. All text here is plain text: a renderer escapes
it for its own format, so that nothing a member wrote can become markup.

What members wrote in Markdown has already been read into the same nodes
(`toutdoux.reports.markdown`), so a renderer never sees Markdown either.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# --- inside a line -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """Plain characters. May hold any Unicode but no control character."""

    text: str


@dataclass(frozen=True, slots=True)
class Emphasis:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Strong:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Struck:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Code:
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link; its `url` has a scheme that is safe to offer (http, https, mailto, gemini)."""

    url: str
    children: Inlines


@dataclass(frozen=True, slots=True)
class LineBreak:
    """A line break the author asked for."""


Inline = Text | Emphasis | Strong | Struck | Code | Link | LineBreak
Inlines = tuple[Inline, ...]

# --- blocks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paragraph:
    children: Inlines


@dataclass(frozen=True, slots=True)
class Subheading:
    """A heading inside a text a member wrote: never numbered, never in the contents."""

    level: int
    """1 for the highest of the text, up to 6."""
    children: Inlines


@dataclass(frozen=True, slots=True)
class BulletList:
    items: tuple[Blocks, ...]


@dataclass(frozen=True, slots=True)
class NumberedList:
    start: int
    items: tuple[Blocks, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    children: Blocks


@dataclass(frozen=True, slots=True)
class CodeBlock:
    text: str


@dataclass(frozen=True, slots=True)
class Divider:
    """A thematic break (`---`)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Labelled facts of one thing, in order: ("Demandé", "1 000 € le 12 mars 2021")."""

    pairs: tuple[tuple[str, Inlines], ...]


class ColumnKind(Enum):
    """What a column holds, so that each output can set it as it deserves."""

    KEY = "key"
    """A short reference that names the row (`#27`)."""
    WORDS = "words"
    """A few words (a name)."""
    PROSE = "prose"
    """Long text: takes the room that is left, and breaks over pages."""
    FIGURE = "figure"
    """Figures or a date: tabular figures, never broken."""
    LINK = "link"
    """One link, or nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: ColumnKind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, one cell a column; a cell is a sequence of blocks, often one paragraph."""

    caption: str
    """What the table shows, for those who cannot see it; shown only where the output has a place
    for it that does not repeat the heading."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Blocks, ...], ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart: `value` out of `whole`, e.g. 18 voters out of a roll of 28."""

    label: str
    value: int
    whole: int
    words: str
    """The same figures in words ("18 votes sur 28 inscrit·es")."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Horizontal bars in one colour, all on one scale (the largest `whole`)."""

    caption: str
    bars: tuple[Bar, ...]


Block = (
    Paragraph
    | Subheading
    | BulletList
    | NumberedList
    | Quote
    | CodeBlock
    | Divider
    | Facts
    | Table
    | Chart
)
Blocks = tuple[Block, ...]

# --- the whole -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered heading with what stands under it."""

    number: str
    """As printed and as in the contents: `2`, `2.1`."""
    title: str
    blocks: Blocks
    sections: tuple[Section, ...] = ()

    @property
    def anchor(self) -> str:
        """A name for links to this section: `section-2-1`."""
        return "section-" + self.number.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report, ready to be rendered."""

    language: str
    """`fr` or `en`: what the generated words are written in."""
    title: str
    """"Bilan moral P21"."""
    subtitle: str
    """The period in words ("Du 1er février au 18 juillet 2021")."""
    association: str
    authors: tuple[str, ...]
    date: str
    """In words, as shown."""
    date_iso: str
    """`2021-07-18`, for metadata."""
    contents_title: str
    """"Table des matières"."""
    sections: tuple[Section, ...]
