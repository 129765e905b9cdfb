"""What members wrote in Markdown, read into the nodes of `toutdoux.reports.document`.

CommonMark, with GFM's strikethrough and tables, and bare `https://…` links made links. Raw HTML
stays text, images become links (a report loads nothing), and only links that are safe to offer
remain links. Whatever the text holds, the tree that comes out is shallow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, image
from markdown_it.token import Token

from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Code,
    CodeBlock,
    Column,
    ColumnKind,
    Divider,
    Emphasis,
    Inline,
    Inlines,
    LineBreak,
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

MAX_LENGTH = 100_000
"""A text longer than this is not read as Markdown."""
MAX_PARAGRAPH = 5_000
"""Nor is a longer paragraph: marks and brackets can cost the square of its length."""
MAX_DEPTH = 10
"""Lists, quotes and marks nested deeper than this lose their nesting and keep their words."""
PARSER_DEPTH = 60
"""Where the parser would begin to drop text; what nests so deep is shown as it was typed."""

# --- characters ----------------------------------------------------------------------------------


def _replacements() -> dict[int, str | None]:
    removed = chain(
        range(0x00, 0x20),  # C0
        range(0x7F, 0xA0),  # DEL and C1
        range(0x202A, 0x202F),  # bidi embeddings and overrides: they reorder what follows
        range(0x2066, 0x2070),  # bidi isolates, and format characters no longer in use
        range(0xFFF9, 0xFFFC),  # interlinear annotations
        (0xFEFF, 0xFFFE, 0xFFFF),  # byte order mark, and what no XML may hold
    )
    table: dict[int, str | None] = dict.fromkeys(removed)
    table.update(dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"))
    table.update(dict.fromkeys(map(ord, "\n\r\x85\u2028\u2029"), "\n"))
    table.update({ord("\t"): "\t", ord("\v"): " ", ord("\f"): " "})
    return table


_REPLACEMENTS = _replacements()


def clean(text: str) -> str:
    """Free a text from what could break a format or reorder a page.

    Control characters go (line ends all become `\\n`, tabs stay), bidirectional overrides and
    isolates go, and a lone surrogate becomes U+FFFD, so that the text can always be encoded.
    """
    return text.replace("\r\n", "\n").translate(_REPLACEMENTS)


def _in_line(text: str) -> str:
    # Cleaned after the parser as well: `&#x202e;` only becomes a character there.
    return clean(text).replace("\n", " ").replace("\t", " ")


# --- links ---------------------------------------------------------------------------------------

_SAFE_URL = re.compile(r"(?:(?:https?|gemini)://[^/\s]|mailto:[^\s])", re.IGNORECASE)
_BARE_URL = re.compile(r"://[^\s<>]+")
_BARE_SCHEME = re.compile(r"(?:^|(?<=[^\w]))(?:https?|gemini)\Z", re.IGNORECASE)
_CLOSING = {")": "(", "]": "[", "}": "{"}


def is_safe_url(url: str) -> bool:
    """Whether a report may offer this link: an absolute http, https, mailto or gemini URL."""
    return _SAFE_URL.match(url) is not None


def _without_trailing_punctuation(url: str) -> str:
    """End a bare link where its sentence goes on, keeping brackets that the link itself opened."""
    while url:
        last = url[-1]
        opening = _CLOSING.get(last)
        if opening is not None and url.count(last) <= url.count(opening):
            break
        if opening is None and last not in "?!.,:;*_~'\"`|»”’…":
            break
        url = url[:-1]
    return url


def _bare_link(state: StateInline, silent: bool) -> bool:
    """Inline rule: make `https://…` a link; tried where the text rule stops, at the colon."""
    if silent or state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _BARE_SCHEME.search(state.pending[-12:])
    rest = _BARE_URL.match(state.src, state.pos, min(state.posMax, state.pos + 2_000))
    if scheme is None or rest is None:
        return False
    url = _without_trailing_punctuation(scheme[0] + rest[0])
    if not is_safe_url(url):
        return False
    state.pending = state.pending[: -len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(url)}
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[0])
    return True


def _one_image(state: StateInline, silent: bool) -> bool:
    """Inline rule: an image whose description holds no other image.

    The parser reads a description with no bound on depth: images inside images would overflow it.
    """
    if state.env.get("in image"):
        return False
    state.env["in image"] = True
    try:
        return image(state, silent)
    finally:
        del state.env["in image"]


def _inline_of_bounded_length(state: StateCore) -> None:
    """Core rule: read the marks of each paragraph, but take a huge one as plain text."""
    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        if len(token.content) > MAX_PARAGRAPH:
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": PARSER_DEPTH})
    parser.enable(["strikethrough", "table"])
    parser.core.ruler.at("inline", _inline_of_bounded_length)
    parser.inline.ruler.after("text", "bare_link", _bare_link)
    parser.inline.ruler.at("image", _one_image)
    # A refused link would come out as its Markdown source. Let them all through: `_wrapped` drops
    # those that are not safe and keeps their words.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    return parser


_PARSER = _parser()

# --- nodes ---------------------------------------------------------------------------------------


def words(inlines: Inlines) -> str:
    """Say what a reader sees of a line, without its marks: for a place that holds none."""
    seen = ""
    for inline in inlines:
        match inline:
            case Text(text) | Code(text):
                seen += text
            case LineBreak():
                seen += " "
            case _:
                seen += words(inline.children)
    return seen


def joined_texts(inlines: Sequence[Inline]) -> Inlines:
    """Join neighbouring texts, and leave out the empty ones."""
    merged: list[Inline] = []
    for is_text, run in groupby(inlines, lambda inline: isinstance(inline, Text)):
        if is_text:
            text = "".join(inline.text for inline in run if isinstance(inline, Text))
            merged.extend([Text(text)] if text else [])
        else:
            merged.extend(run)
    return tuple(merged)


# --- reading -------------------------------------------------------------------------------------


def read(text: str) -> Blocks:
    """Read a member's Markdown into blocks."""
    text = clean(text)
    if len(text) > MAX_LENGTH:
        return _as_typed(text)
    tokens = _PARSER.parse(text)
    if any(token.level >= PARSER_DEPTH - 1 for token in tokens):
        return _as_typed(text)
    return _blocks(iter(_with_headings_from_the_first_level(tokens)), 0)


def _with_headings_from_the_first_level(tokens: list[Token]) -> list[Token]:
    """Make the highest heading of a text an `h1`: it stands under a heading of the report."""
    headings = [token for token in tokens if token.type == "heading_open"]
    above = min((int(token.tag[1:]) for token in headings), default=1) - 1
    for token in headings:
        token.tag = f"h{int(token.tag[1:]) - above}"
    return tokens


def _as_typed(text: str) -> Blocks:
    """Paragraphs of plain text, for what is not worth parsing."""
    paragraphs = (_in_line(part).strip(" ") for part in re.split(r"\n[ \t]*\n", text))
    return tuple(Paragraph((Text(part),)) for part in paragraphs if part)


def _blocks(tokens: Iterator[Token], depth: int) -> Blocks:
    """Read up to the end of the container that was last opened."""
    blocks: list[Block] = []
    for token in tokens:
        if token.nesting < 0:
            break
        blocks.extend(_block(token, tokens, depth))
    return tuple(blocks)


def _block(token: Token, rest: Iterator[Token], depth: int) -> Blocks:
    match token.type:
        case "paragraph_open":
            children = _content(rest)
            return (Paragraph(children),) if children else ()
        case "heading_open":
            children = _content(rest)
            return (Subheading(int(token.tag[1:]), children),) if children else ()
        case "bullet_list_open":
            items = _items(rest, depth)
            return (BulletList(items),) if depth < MAX_DEPTH else tuple(chain(*items))
        case "ordered_list_open":
            items = _items(rest, depth)
            start = int(token.attrGet("start") or 0) if "start" in token.attrs else 1
            return (NumberedList(start, items),) if depth < MAX_DEPTH else tuple(chain(*items))
        case "blockquote_open":
            quoted = _blocks(rest, depth + 1)
            return (Quote(quoted),) if depth < MAX_DEPTH else quoted
        case "table_open":
            return (_table(rest),)
        case "fence" | "code_block":
            return (CodeBlock(clean(token.content).removesuffix("\n")),)
        case "hr":
            return (Divider(),)
    raise AssertionError(f"a kind of block that this parser was not told to read: {token.type}")


def _content(rest: Iterator[Token]) -> Inlines:
    inline = next(rest)
    next(rest)  # the end of the paragraph or heading
    return _inlines(inline.children or ())


def _items(rest: Iterator[Token], depth: int) -> tuple[Blocks, ...]:
    items: list[Blocks] = []
    for token in rest:
        if token.nesting < 0:
            break
        items.append(_blocks(rest, depth + 1))
    return tuple(items)


def _table(rest: Iterator[Token]) -> Table:
    titles: list[str] = []
    rows: list[list[Blocks]] = []
    for token in rest:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            titles.append(words(_inlines(next(rest).children or ())))
        elif token.type == "td_open":
            children = _inlines(next(rest).children or ())
            rows[-1].append((Paragraph(children),) if children else ())
    columns = tuple(Column(title, ColumnKind.PROSE) for title in titles)
    return Table("", columns, tuple(tuple(row) for row in rows[1:]))


def _inlines(tokens: Iterable[Token]) -> Inlines:
    """Nest the parser's flat list of tokens, with a stack: their depth has no bound."""
    opened: list[Token] = []
    levels: list[list[Inline]] = [[]]
    for token in tokens:
        if token.nesting > 0:
            opened.append(token)
            levels.append([])
        elif token.nesting < 0:
            children = joined_texts(levels.pop())
            levels[-1].extend(_wrapped(opened.pop(), children, len(opened)))
        else:
            in_link = any(outer.type == "link_open" for outer in opened)
            if token.type == "hardbreak":
                levels[-1] = _without_space_at_end(levels[-1])
            levels[-1].extend(_leaf(token, in_link))
    return joined_texts(levels[0])


def _without_space_at_end(inlines: Sequence[Inline]) -> list[Inline]:
    """What comes before a line break: a space there is not seen, and not read again."""
    joined = list(joined_texts(inlines))
    if joined and isinstance(joined[-1], Text):
        joined[-1] = Text(joined[-1].text.rstrip(" "))
    return joined


def _wrapped(opening: Token, children: Inlines, depth: int) -> Inlines:
    if opening.type == "link_open":
        return _link(str(opening.attrGet("href") or ""), children)
    if depth >= MAX_DEPTH or not children:
        return children
    match opening.type:
        case "em_open":
            return (Emphasis(children),)
        case "strong_open":
            return (Strong(children),)
        case "s_open":
            return (Struck(children),)
    raise AssertionError(f"a mark that this parser was not told to read: {opening.type}")


def _link(url: str, children: Inlines) -> Inlines:
    if not is_safe_url(url):
        return children
    return (Link(url, children or (Text(_in_line(url)),)),)


def _leaf(token: Token, in_link: bool) -> Inlines:
    match token.type:
        case "text" | "text_special":
            return (Text(_in_line(token.content)),)
        case "softbreak":
            return (Text(" "),)
        case "hardbreak":
            return (LineBreak(),)
        case "code_inline":
            return (Code(_in_line(token.content)),)
        case "image":
            description = words(_inlines(token.children or ()))
            described: Inlines = (Text(description),) if description else ()
            return described if in_link else _link(str(token.attrGet("src") or ""), described)
    raise AssertionError(f"an inline that this parser was not told to read: {token.type}")
