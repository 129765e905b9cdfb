"""What the public is not told.

Nobody is named to it, but those who lead an action, in the inventories and the reports, as any
report tells them: not on an action's page, not in a list, and nowhere who voted, called a
counter-vote or is given the right to vote. Whom members mention in what they wrote is masked, and a
link that holds a mention left out whole, unless the association says otherwise: half of an address
leads nowhere.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

from toutdoux.core.action import Action, Version

if TYPE_CHECKING:  # the command line masks as well, and has no pages
    from .door import Visit

# What shows as nothing, and accents that stand apart, are parts of a name.
_UNSEEN = "\u00ad\u0300-\u036f\u200b-\u200d\u2060\ufeff"
_NAME = rf"[\w{_UNSEEN}](?:[\w{_UNSEEN}.·-]*[\w{_UNSEEN}])?"
_MENTION = re.compile(
    # Not what comes after a letter or a figure: that is an e-mail address.
    r"(?<![^\W_])[@＠](?:"
    # A name that Markdown shows without what is around it, such as `@**Ana Brun**`.
    r"(?P<marks>[*_`~]{1,3})(?!\s)[^*_`~\n]{1,80}(?P=marks)"
    r"|\[[^\[\]\n]{1,80}\](?:\([^\s()]{0,200}\))?"
    rf"|\\?{_NAME}(?:@\w[\w.-]*\w)?)"
)
_BEGUN = re.compile(rf"(?<![^\W_])[@＠][{_UNSEEN}]*$")
_BY_ITS_NAME = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
"""A sign that is written by its number or its name, as Markdown reads it."""

_ADDRESS = r"[a-z][a-z0-9+.-]{1,20}://[^\s<>\"]*[^\s<>\"'.,;:!?)\]}»…]"
# Where it ends is clear at every character: no text takes long to read.
_BRACKETED = r"[a-z][a-z0-9+.-]{1,20}://[^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*"
_LINKS = re.compile(
    # A link of Markdown: `[words](address "title")`, or on a line of its own `[words]: address`.
    r"!?\[(?P<words>[^\[\]]*)\](?:"
    rf"\(\s*<?(?P<within>{_BRACKETED})>?(?:\s[^()\n]*)?\)|:[ \t]*<?(?P<defined>{_ADDRESS})[^\n]*)"
    # Any other.
    rf"|(?P<address>{_ADDRESS})",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """A text, in Markdown or not, without its mentions: `@ana` becomes `@…`, and a link that holds
    a mention its words, or `…` where it has none. All other links stay as they are."""
    if not any(sign in text for sign in "@＠%&"):  # nearly always
        return text
    told = unicodedata.normalize("NFC", _BY_ITS_NAME.sub(_spelt, text))
    hidden = _MENTION.sub("@…", _LINKS.sub(_without, told))
    return text if hidden == told else hidden


def _spelt(named: re.Match[str]) -> str:
    """A letter, a figure or an at sign as itself; any other would be read as a mark of Markdown."""
    sign = html.unescape(named[0])
    return sign if sign.isalnum() or sign in "@＠" else named[0]


def asks(text: str) -> bool:
    """Whether a text ends where the name of a mention would begin."""
    return _BEGUN.search(text) is not None


def _without(link: re.Match[str]) -> str:
    address = link["within"] or link["defined"] or link["address"]
    if not tells(address):
        return link[0]
    return "…" if link["words"] is None else _LINKS.sub(_without, link["words"])


def tells(address: str) -> bool:
    """Whether an address holds a mention: many hold the name of an account."""
    return any(_MENTION.search(text) for text in (address, unquote(address)))


def masks(visit: Visit) -> bool:
    """Whether what the visit is shown is masked: for the public, unless the association says
    otherwise."""
    return visit.member is None and not visit.settings.show_mentions


def shown(visit: Visit, text: str) -> str:
    """A text that a member wrote, as the visit may read it."""
    return masked(text) if masks(visit) else text


def shown_link(visit: Visit, link: str | None) -> str | None:
    """A link, if the visit may follow it."""
    return None if link and masks(visit) and tells(link) else link


def mask(action: Action) -> None:
    """Mask all that an action says. It is changed: it must be one of this page's own."""
    action.link = None if action.link and tells(action.link) else action.link
    action.links = tuple(one for one in action.links if not tells(one))
    action.versions = [Version(one.at, masked(one.object)) for one in action.versions]
    action.note = masked(action.note)
    if action.condition is not None:
        action.condition = masked(action.condition)
    if action.counter_vote is not None:
        action.counter_vote.reason = masked(action.counter_vote.reason)
