"""A language's typography, put into what members wrote: no-break spaces, nothing else."""

from __future__ import annotations

from dataclasses import replace

from toutdoux.language import Language

from .document import (
    Block,
    Blocks,
    BulletList,
    Emphasis,
    Inline,
    Inlines,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Strong,
    Struck,
    Subheading,
    Table,
    Text,
)


def typeset(blocks: Blocks, language: Language) -> Blocks:
    """The same blocks with the language's spaces in their text. Code stays as it is."""
    return tuple(_block(block, language) for block in blocks)


def _block(block: Block, language: Language) -> Block:
    match block:
        case Paragraph() | Subheading():
            return replace(block, children=_inlines(block.children, language))
        case Quote():
            return replace(block, children=typeset(block.children, language))
        case BulletList() | NumberedList():
            return replace(block, items=tuple(typeset(item, language) for item in block.items))
        case Table():
            rows = tuple(tuple(typeset(cell, language) for cell in row) for row in block.rows)
            return replace(block, rows=rows)
    return block


def _inlines(inlines: Inlines, language: Language) -> Inlines:
    return tuple(_inline(inline, language) for inline in inlines)


def _inline(inline: Inline, language: Language) -> Inline:
    match inline:
        case Text():
            return Text(language.typographic(inline.text))
        case Emphasis() | Strong() | Struck() | Link():
            return replace(inline, children=_inlines(inline.children, language))
    return inline
