"""The HTML of posts as blocks that gemtext has: paragraphs, headings, items, quotes, code.

nh3 reads it first, as browsers do, whatever it is, and leaves well-formed HTML of the few elements
below. What follows then only has to walk through it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from html.parser import HTMLParser
from urllib.parse import urlsplit

import nh3

LONGEST = 100_000
"""Characters of HTML that are read at most of one post."""
MOST_TAGS = 3_000
"""Tags that are read at most of one post: reading takes the square of how deep they nest."""
DEEPEST = 5
"""How deep quotes and lists are shown to nest."""


def _names(told: str) -> frozenset[str]:
    return frozenset(told.split())


_BLOCKS = _names(
    "address article aside blockquote center dd details div dl dt fieldset figcaption figure footer"
    " form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tr ul"
)
_INLINE = _names("a br del img q s span strike sup td th")
_INVISIBLE = _names(
    "head iframe noembed noframes noscript object script select style template title"
)
_ATTRIBUTES = {
    "a": {"href", "class"},
    "span": {"class"},
    "img": {"src", "alt", "class"},
    "ol": {"start"},
}
SCHEMES = _names(
    "finger gemini gopher http https irc ircs magnet mailto matrix sip spartan tel xmpp"
)
"""Schemes of the links that are kept; the text of the others stays."""
_SPACES = re.compile("[ \t\n\r\f\v\x1c-\x1f\x85\u2028\u2029]+")
_NEWLINES = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")


class Kind(Enum):
    PARAGRAPH = auto()
    HEADING = auto()
    ITEM = auto()
    QUOTE = auto()
    CODE = auto()


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a post. `classes` tell mentions (`mention`) from hashtags (`hashtag`)."""

    address: str
    label: str
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a post, with the links that go after it.

    The text of a paragraph, a quote or code may have several lines; it is empty where there is
    nothing but links.
    """

    kind: Kind
    text: str
    links: tuple[Link, ...] = ()


def blocks(html: str, base: str = "") -> tuple[list[Block], bool]:
    """What a post says, in order.

    Args:
        html: of anybody's making.
        base: what links without a host are relative to; without it they are text.

    Returns:
        Its blocks, and whether some of it was left out because there is too much.
    """
    read = _cut(html)
    clean = nh3.clean(
        read,
        tags=set(_BLOCKS | _INLINE),
        clean_content_tags=set(_INVISIBLE),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        link_rel=None,
        url_schemes=set(SCHEMES),
        url_relative=("rewrite_with_base", base) if _absolute(base) else "deny",
    )
    walker = _Walker()
    walker.feed(clean)
    walker.close()
    return walker.finish(), len(read) < len(html)


def words(html: str) -> str:
    """What a text of which little is expected says, in one line."""
    told = (one.text or " ".join(link.label for link in one.links) for one in blocks(html)[0])
    return " ".join(" ".join(told).split("\n"))


def _cut(html: str) -> str:
    html = html[:LONGEST]
    if html.count("<") <= MOST_TAGS:
        return html
    return "<".join(html.split("<", MOST_TAGS + 1)[: MOST_TAGS + 1])


def _absolute(address: str) -> bool:
    try:
        told = urlsplit(address)
        return told.scheme in {"http", "https"} and bool(told.hostname)
    except ValueError:
        return False


class _Walker(HTMLParser):
    """Walks through well-formed HTML of the elements above."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[Block] = []
        self._pieces: list[str] = []
        self._links: list[Link] = []
        self._waiting: list[Link] = []
        """Links of a list or a quote, which go after the whole of it."""
        self._bare = False
        """Whether the block has words outside of links."""
        self._quotes = 0
        self._lists: list[int | None] = []
        """The lists one is in; of those with numbers, the next."""
        self._marker: str | None = None
        """What the next text begins with, where it is the first of an item."""
        self._code = 0
        self._heading = False
        self._spans: list[str] = []
        self._hidden = 0
        self._raised = False
        self._anchor: tuple[str, frozenset[str], int] | None = None
        """The link one is in: its address, its classes, and with which piece its label begins."""

    # --- what the parser tells -------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._open(tag, told)
            return
        match tag:
            case "br":
                self._pieces.append("\n")
            case "a":
                classes = frozenset(told.get("class", "").split())
                self._anchor = (told.get("href", ""), classes, len(self._pieces))
            case "span":
                self._spans.append(told.get("class", ""))
                self._hidden += "invisible" in told.get("class", "").split()
            case "img" if not self._hidden:
                self._image(told)
            case "q":
                self._text("“")
            case "del" | "s" | "strike":
                self._text("~~")
            case "sup":
                self._raised = True
            case "td" | "th" if self._line().strip():
                self._pieces.append(" | ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._close(tag)
            return
        match tag:
            case "a":
                self._end_anchor()
            case "span" if self._spans:
                told = self._spans.pop().split()
                self._hidden -= "invisible" in told
                if "ellipsis" in told:
                    self._pieces.append("…")
            case "q":
                self._text("”")
            case "del" | "s" | "strike":
                self._text("~~")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._raised and data[:1].isdigit():
            self._pieces.append("^")  # 10^6 is not 106
        self._raised = False
        self._text(data)

    def finish(self) -> list[Block]:
        self._flush()
        self._end_anchor()
        self._flush()
        self._release()
        return self._blocks

    # --- inside a line ---------------------------------------------------------------------------

    def _text(self, text: str) -> None:
        """Add what is read. Line breaks of the source are spaces, but in code."""
        text = _NEWLINES.sub("\n", text) if self._code else _SPACES.sub(" ", text)
        self._pieces.append(text)
        if not self._anchor and text.strip():
            self._bare = True

    def _image(self, told: dict[str, str]) -> None:
        """An image in the middle of a text: what it shows; if it is no emoji, a link to it."""
        alt = _SPACES.sub(" ", told.get("alt", "")).strip()
        self._text(alt)
        if "emoji" not in told.get("class", "").split() and not self._anchor and told.get("src"):
            self._links.append(Link(told["src"], alt or told["src"]))

    def _end_anchor(self) -> None:
        if self._anchor is None:
            return
        address, classes, begin = self._anchor
        self._anchor = None
        label = " ".join(_SPACES.split("".join(self._pieces[begin:]))).strip()
        if _scheme(address) in SCHEMES and all(one.address != address for one in self._links):
            self._links.append(Link(address, label or address, classes))
        elif label:
            self._bare = True  # no link line says it

    # --- blocks ----------------------------------------------------------------------------------

    def _open(self, tag: str, told: dict[str, str]) -> None:
        self._flush()
        match tag:
            case "blockquote":
                self._quotes += 1
            case "ul":
                self._lists.append(None)
            case "ol":
                start = told.get("start", "")
                number = int(start) if re.fullmatch("[0-9]{1,6}", start) else 1
                self._lists.append(number)
            case "li":
                self._marker = self._next_marker()
            case "pre":
                self._code += 1
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._heading = True

    def _close(self, tag: str) -> None:
        self._flush()
        match tag:
            case "blockquote":
                self._quotes = max(0, self._quotes - 1)
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "li":
                self._marker = None
            case "pre":
                self._code = max(0, self._code - 1)
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._heading = False
        if not self._lists and not self._quotes:
            self._release()

    def _next_marker(self) -> str:
        """`– ` for each list around the item's own; then its number, if it has one."""
        number = self._lists[-1] if self._lists else None
        if number is not None:
            self._lists[-1] = number + 1
        depth = min(max(len(self._lists) - 1, 0), DEEPEST)
        return "– " * depth + (f"{number}. " if number is not None else "")

    def _line(self) -> str:
        return "".join(self._pieces)

    def _flush(self) -> None:
        """End the block that is being read."""
        if self._anchor and "".join(self._pieces[self._anchor[2] :]).strip():
            self._end_anchor()  # else the link is around the blocks that follow
        text, links, bare = self._line(), self._links, self._bare
        self._pieces, self._links, self._bare = [], [], False
        if self._anchor:
            self._anchor = (*self._anchor[:2], 0)
        if self._code:
            text = text.strip("\n").rstrip() if text.strip() else ""
        else:
            lines = (" ".join(_SPACES.split(line)).strip(" ") for line in text.split("\n"))
            text = re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
        if self._lists or self._quotes:
            self._waiting += [one for one in links if one not in self._waiting]
            links = []
        elif links and not bare and not self._code and not self._heading:
            text = ""  # its links say all of it
        if text or links:
            self._blocks.append(self._block(text, tuple(links)))

    def _block(self, text: str, links: tuple[Link, ...]) -> Block:
        marker, self._marker = self._marker, None
        if self._quotes:
            prefix = "> " * (min(self._quotes, DEEPEST) - 1)
            text = text if marker is None else f"* {marker}{text}"
            return Block(Kind.QUOTE, "\n".join(prefix + line for line in text.split("\n")), links)
        if self._code:
            return Block(Kind.CODE, text, links)
        line = " ".join(text.split("\n"))
        if marker is not None:
            return Block(Kind.ITEM, marker + line, links)
        if self._heading:
            return Block(Kind.HEADING, line, links)
        return Block(Kind.PARAGRAPH, text, links)

    def _release(self) -> None:
        """Show the links of a list or a quote that is over."""
        if self._waiting:
            self._blocks.append(Block(Kind.PARAGRAPH, "", tuple(self._waiting)))
            self._waiting = []


def _scheme(address: str) -> str:
    try:
        return urlsplit(address).scheme.lower()
    except ValueError:
        return ""
