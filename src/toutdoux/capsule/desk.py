"""What the generated pages share: their language, their addresses, and what is masked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from toutdoux.core.action import Action
from toutdoux.core.words import Sentence, say
from toutdoux.language import LANGUAGES, Language
from toutdoux.reports.document import Blocks
from toutdoux.reports.markdown import clean, read
from toutdoux.reports.render.gemtext import blocks_to_gemtext
from toutdoux.reports.typesetting import typeset
from toutdoux.web.feeds import News, atom, stable_id
from toutdoux.web.markdown import to_text
from toutdoux.web.masking import mask, masked

from . import gemtext
from .protocol import Response, Status, redirect

if TYPE_CHECKING:
    from .site import Visit

LONGEST_TITLE = 100
"""Characters of an object in a link's label."""
_HASHTAGS = re.compile(r"^(?:@\S+ )*(?:#\S+(?: |$))+")
"""Hashtags that a text begins with, and who was called before them."""


class Written(gemtext.Page):
    """A page that what members wrote in Markdown can be put into."""

    def blocks(self, blocks: Blocks) -> None:
        """Put what was written in Markdown; a heading or an item without a word is left out."""
        fenced = False
        for line in blocks_to_gemtext(blocks).split("\n")[:-1]:
            fenced ^= line.startswith("```")
            if fenced or line.rstrip() not in {"#", "##", "###", "*"}:
                self._lines.append(line)


@dataclass
class Desk:
    """A visit whose pages are told in one language.

    Attributes:
        visit: as it came, in the language that is asked for.
        parts: of the path, decoded, without the language's and without a last "".
        base: how the addresses of pages in this language begin: "" in the association's own.
    """

    visit: Visit
    parts: tuple[str, ...]
    base: str

    @property
    def language(self) -> Language:
        return self.visit.language

    @property
    def erased(self) -> str:
        """What stands for a text that was forgotten."""
        return self.language.word("(erased)")

    # --- words -----------------------------------------------------------------------------------

    def tell(self, sentence: Sentence) -> str:
        """A sentence as it stands on a page: the language's spaces, and a capital."""
        text = self.language.typographic(self.language.say(sentence))
        return text[:1].upper() + text[1:]

    @property
    def masks(self) -> bool:
        """Whether mentions are masked. Nobody who reads these pages is known."""
        return not self.visit.settings.show_mentions

    def shown(self, text: str) -> str:
        """What a member wrote, as everybody may read it."""
        return masked(text) if self.masks else text

    def public(self, action: Action) -> Action:
        """An action, as everybody may read it. It is changed."""
        if self.masks:
            mask(action)
        return action

    def title(self, text: str) -> str:
        """The beginning of what a member wrote in Markdown, on one line, without the hashtags by
        which it was proposed in a chat: lists say anyhow what it is."""
        line = gemtext.one_line(clean(to_text(text)))
        line = _HASHTAGS.sub("", line) or line
        return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + "…"

    def markdown(self, text: str) -> Blocks:
        """What a member wrote in Markdown."""
        return typeset(read(text), self.language) if text else ()

    # --- addresses -------------------------------------------------------------------------------

    def path(self, *parts: object) -> str:
        """The address of a page of this language."""
        return self.base + "/" + "/".join(quote(str(one), safe="") for one in parts)

    def url(self, *parts: object) -> str:
        """The whole address of a page of this language."""
        return self.visit.url + self.path(*parts)

    def number(self, text: str, last: int) -> int | None:
        """A page's or a version's number, of those from 1 to `last`; None if it is none."""
        sound = text.isascii() and text.isdigit() and len(text) < 9 and not text.startswith("0")
        return int(text) if sound and int(text) <= last else None

    # --- answers ---------------------------------------------------------------------------------

    def page(self, written: gemtext.Page, *back: tuple[str, Sentence]) -> Response:
        """A page, with links back at its end: to some pages, and home."""
        written.blank()
        for address, label in (*back, (self.path(), say("Home"))):
            written.link(address, self.tell(label))
        return self.visit.page(written, keep=True)

    def nothing(self, why: Sentence) -> Response:
        return self.visit.refuse(Status.NOT_FOUND, why)

    def atom(self, name: str, title: Sentence, news: Sequence[News]) -> Response:
        """A feed of the page `name`, the newest first."""
        association = self.visit.association
        begun = association.ledger.recorded_at or self.visit.now
        body = atom(
            id=stable_id(self.visit.id, "capsule", name, self.language.code),
            title=f"{association.name} · {self.tell(title)}",
            language=self.language.code,
            author=association.name,
            url=self.url(f"{name}.atom"),
            page=self.url(name),
            updated=max((one.updated for one in news), default=begun),
            news=news,
            type="text/gemini",
        )
        return Response(Status.SUCCESS, "application/atom+xml; charset=utf-8", body, keep=True)


def desk_of(visit: Visit) -> Desk | Response:
    """Who answers a visit: in the language its path begins with, or else in the association's."""
    code = visit.association.language
    segments, base = visit.request.segments, ""
    if segments[0] in LANGUAGES:
        if len(segments) == 1:
            return redirect(f"/{segments[0]}/", for_good=True)
        code, segments = segments[0], segments[1:]
        base = f"/{code}"
    # One does not know who reads.
    language = Language(code, ZoneInfo(visit.association.time_zone), formal=True)
    parts = segments[:-1] if not segments[-1] else segments
    return Desk(replace(visit, language=language), parts, base)
