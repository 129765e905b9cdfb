"""What members wrote, as HTML: plain Markdown, and nothing that a page could mind.

Their HTML is shown as they typed it; pictures become links; headings become strong lines, so that
the page's own stay in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

_TAGS = {"p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr"}
_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\"'.,;:!?)\]}»…]")


@lru_cache(maxsize=1_000)
def to_html(text: str, *, breaks: bool = True) -> Markup:
    """A text in Markdown as HTML that is safe in any page.

    `breaks` says whether a line's end is one, as in a chat; in what is told at length it is not.
    """
    return Markup(
        nh3.clean(
            (_chat if breaks else _prose).render(text),
            tags=_TAGS,
            attributes={"a": {"href"}, "ol": {"start"}},
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener noreferrer",
        )
    )


_MARKED = re.compile(r"[*_`~\[<>\\&#]|^\s*(?:[-+=]|\d+[.)])|  $", re.MULTILINE)


@lru_cache(maxsize=4_000)
def to_text(text: str) -> str:
    """A text in Markdown as plain text, for a title or a list: without its marks."""
    if not _MARKED.search(text):  # nearly always
        return text
    lines: list[str] = []
    marks: list[str] = []
    mark = ""
    for token in _chat.parse(text):
        if token.type in ("bullet_list_open", "ordered_list_open"):
            marks.append("• " if token.type[0] == "b" else "{}. ")
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            marks.pop()
        elif token.type == "list_item_open":
            mark = marks[-1].format(token.info)
        elif token.type in ("inline", "fence", "code_block"):
            lines.append(mark + "".join(_said(token.children or [token])).rstrip("\n"))
            mark = ""
    return "\n".join(lines) or text


def _said(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        yield "\n" if token.type in ("softbreak", "hardbreak") else token.content


def _link_addresses(state: StateCore) -> None:
    """Make links of the addresses that stand in the text."""
    for block in state.tokens:
        if block.children:
            linked = []
            within = 0
            for token in block.children:
                within += {"link_open": 1, "link_close": -1}.get(token.type, 0)
                linked += _split(token) if token.type == "text" and not within else [token]
            block.children = linked


def _split(token: Token) -> list[Token]:
    made, end = [], 0
    for found in _ADDRESS.finditer(token.content):
        made += [
            Token("text", "", 0, content=token.content[end : found.start()]),
            Token("link_open", "a", 1, attrs={"href": found[0]}),
            Token("text", "", 0, content=found[0]),
            Token("link_close", "a", -1),
        ]
        end = found.end()
    return [*made, Token("text", "", 0, content=token.content[end:])] if made else [token]


def _made(*, breaks: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": breaks})
    made.enable("strikethrough").disable("image")
    made.core.ruler.push("addresses", _link_addresses)
    made.add_render_rule("heading_open", lambda *_: "<p><strong>")
    made.add_render_rule("heading_close", lambda *_: "</strong></p>\n")
    return made


_chat, _prose = _made(breaks=True), _made(breaks=False)
