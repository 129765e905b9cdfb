"""What the public is not told.

Nobody is named to it, but those who lead an action, in the inventories and the reports, as any
report tells them: not on an action's page, not in a list, and nowhere who voted, called a
counter-vote or is given the right to vote. Whom members mention in what they wrote is masked, and a
link that holds a mention left out whole, unless the association says otherwise: half of an address
leads nowhere.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from toutdoux.core.action import Action, Version

from .door import Visit

# Not what comes after a letter or a figure: that is an e-mail address.
_MENTION = re.compile(r"(?<![^\W_])[@＠]\w(?:[\w.·-]*\w)?(?:@\w[\w.-]*\w)?")

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
    if "@" not in text and "＠" not in text and "%" not in text:  # nearly always
        return text
    return _MENTION.sub("@…", _LINKS.sub(_without, text))


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
