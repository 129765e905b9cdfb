"""Writing gemtext that says what was meant, whoever wrote the words; and reading it strictly.

Gemtext knows a line by its first characters, so anybody's words could become a heading, a link, or
open a block that swallows the rest of the page. A line of text that begins like markup therefore
gets one space in front: to every client it then is text, and nothing one can see was added. What
moves a terminal's cursor or ends a line in some other way (control characters, U+2028 …) is left
out or becomes an end of line.

Specification: gemini://geminiprotocol.net/docs/gemtext-specification.gmi, version 0.24.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from urllib.parse import quote, urlsplit, urlunsplit

from .protocol import in_ascii

_MARKUP = ("#", "*", "=>", ">", "```")
# Every character at which some program ends a line; gemtext itself has only CRLF and LF.
_ENDS = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls but tab, lone surrogates, and the mark some programs begin a file with.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")
# What RFC 3986 lets stand in a URL, beside percent-encoding.
_URL = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_SAFE = "-._~:/?#[]@!$&'()*+,;="
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def lines_of(words: str) -> list[str]:
    """The lines of somebody's words, without anything unseen and without spaces at their ends."""
    return [_UNSEEN.sub("", line).rstrip() for line in _ENDS.split(words)]


def one_line(words: str) -> str:
    """Somebody's words on one line, single spaces between them."""
    return " ".join(_UNSEEN.sub("", _ENDS.sub(" ", words)).split())


def as_text(line: str) -> str:
    """One line, such that every client takes it for text."""
    return f" {line}" if line.startswith(_MARKUP) else line


def url_of(url: str) -> str:
    """A URL, absolute or relative, with everything else than URL characters percent-encoded.

    A host's name in other letters becomes its ASCII form (punycode), as Gemini wants it.
    """
    url = "".join(lines_of(url)).strip()
    if not url.isascii():
        try:
            parts = urlsplit(url)
            user, at, rest = parts.netloc.rpartition("@")
            host, colon, port = rest.partition(":")
            named = f"{user}{at}{in_ascii(host)}{colon}{port}"
            url = urlunsplit(parts._replace(netloc=named))
        except ValueError:
            pass  # nothing that has a host: encoded as it stands
    # A relative name with a colon in its first part would be taken for a scheme; ours never are.
    return quote(_STRAY_PERCENT.sub("%25", url), safe=_SAFE + "%")


class Page:
    """A page of gemtext, written from top to bottom. Every method returns the page.

    >>> page = Page().heading(1, "Actions").text("# is no heading here").link("/a/1", "The first")
    >>> print(page, end="")
    # Actions
    <BLANKLINE>
     # is no heading here
    => /a/1 The first
    """

    def __init__(self) -> None:
        self._lines: list[str] = []

    def __str__(self) -> str:
        """The gemtext; lines end with LF, the last one as well."""
        return "\n".join([*self._without_blank_end(), ""])

    def heading(self, level: int, words: str) -> Page:
        """A heading of level 1 to 3, with a blank line before it (unless it is the first) and
        after it."""
        self.blank()
        self._lines += [f"{'#' * min(max(level, 1), 3)} {one_line(words) or '…'}", ""]
        return self

    def text(self, words: str) -> Page:
        """Paragraphs: each line of `words` is a line, and stays text whatever it begins with."""
        self._lines += [as_text(line) for line in lines_of(words)]
        return self

    def link(self, url: str, label: str = "") -> Page:
        """A link line. Without a label clients show the URL; without a URL the label is text."""
        url, label = url_of(url), one_line(label)
        if not url:
            return self.text(label)
        self._lines.append(f"=> {url} {label}".rstrip())
        return self

    def entry(self, url: str, day: date, title: str) -> Page:
        """A link that subscribers' clients take for a dated entry ("Subscribing to Gemini pages").
        `day` is a day in the association's time zone."""
        return self.link(url, f"{day.isoformat()} - {title}")

    def items(self, items: Iterable[str]) -> Page:
        """A list, one line an item."""
        self._lines += [f"* {one_line(item) or '…'}" for item in items]
        return self

    def quote(self, words: str) -> Page:
        """A quotation, line by line."""
        self._lines += [f"> {line}".rstrip() for line in lines_of(words)]
        return self

    def preformatted(self, content: str, alt: str = "") -> Page:
        """Text in columns, with what it shows in words for those who can't see it.

        A line of it that begins with ``` would end it, and so gets a space in front.
        """
        self._lines.append(f"```{one_line(alt).lstrip('`')}")
        self._lines += [
            f" {line}" if line.startswith("```") else line for line in lines_of(content)
        ]
        self._lines.append("```")
        return self

    def blank(self) -> Page:
        """A blank line, unless there is one already or nothing yet."""
        if self._lines and self._lines[-1]:
            self._lines.append("")
        return self

    def _without_blank_end(self) -> list[str]:
        end = len(self._lines)
        while end and not self._lines[end - 1]:
            end -= 1
        return self._lines[:end]


class LineKind(StrEnum):
    """What a line of gemtext is."""

    TEXT = "text"
    LINK = "link"
    HEADING = "heading"
    ITEM = "item"
    QUOTE = "quote"
    PREFORMATTED = "preformatted"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a client shows it.

    Attributes:
        kind: what it is.
        text: its words, without the markup: a link's label, a heading's title …
        url: where a link leads.
        level: 1 to 3 for a heading.
        alt: what the block of a preformatted line shows, in words.
    """

    kind: LineKind
    text: str
    url: str = ""
    level: int = 0
    alt: str = ""


class NotGemtext(ValueError):
    """A page that is not gemtext to the letter, or that clients could read in several ways."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"line {number}: {why}")
        self.number = number


def parse(page: str) -> list[Line]:
    """Read gemtext strictly: what clients understand differently is an error here.

    Args:
        page: the whole body, decoded.

    Raises:
        NotGemtext: an unseen character, a link that leads nowhere or is no URL, a heading without
            a space or without words, a list item without its space, a block that nobody closed.
    """
    lines: list[Line] = []
    block: str | None = None
    opened = 0
    if page and not page.endswith("\n"):
        raise NotGemtext(page.count("\n") + 1, "the last line does not end")
    for number, line in enumerate(page.split("\n")[:-1], 1):
        if found := _CONTROL.search(line):
            raise NotGemtext(number, f"the character U+{ord(found[0]):04X}")
        if line.startswith("```"):
            if block is None:
                block, opened = line[3:].strip(), number
            elif line != "```":
                raise NotGemtext(number, "a block's end says something")
            else:
                block = None
        elif block is not None:
            lines.append(Line(LineKind.PREFORMATTED, line, alt=block))
        elif line.startswith("=>"):
            words = line[2:].split(maxsplit=1)
            if not words or not _URL.fullmatch(words[0]):
                raise NotGemtext(number, "a link without a URL")
            lines.append(Line(LineKind.LINK, words[1] if words[1:] else "", url=words[0]))
        elif line.startswith("#"):
            marks, _, title = line.partition(" ")
            if marks not in {"#", "##", "###"} or not title.strip():
                raise NotGemtext(number, "not a heading of level 1 to 3 with words")
            lines.append(Line(LineKind.HEADING, title.strip(), level=len(marks)))
        elif line.startswith("*"):
            if not line.startswith("* ") or not line[2:].strip():
                raise NotGemtext(number, "a list item without a space or without words")
            lines.append(Line(LineKind.ITEM, line[2:].strip()))
        elif line.startswith(">"):
            lines.append(Line(LineKind.QUOTE, line[1:].removeprefix(" ")))
        else:
            lines.append(Line(LineKind.TEXT, line))
    if block is not None:
        raise NotGemtext(opened, "a block that is never closed")
    return lines
