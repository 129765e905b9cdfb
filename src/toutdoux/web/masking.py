"""What the public is not told.

Nobody is named to it, but those who lead an action, in the inventories and the reports, as any
report tells them: not on an action's page, not in a list, and nowhere who voted, called a
counter-vote or is given the right to vote. Whom members mention in what they wrote is masked, and a
link that holds a mention left out, unless the association says otherwise.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from toutdoux.core.action import Action, Version

from .door import Visit

# Not what comes after a letter or a figure: that is an e-mail address.
_MENTION = re.compile(r"(?<![^\W_])[@＠]\w(?:[\w.·-]*\w)?(?:@\w[\w.-]*\w)?")


def masked(text: str) -> str:
    """A text without its mentions: `@ana` becomes `@…`."""
    return _MENTION.sub("@…", text)


def masks(visit: Visit) -> bool:
    """Whether what the visit is shown is masked: for the public, unless the association says
    otherwise."""
    return visit.member is None and not visit.settings.show_mentions


def shown(visit: Visit, text: str) -> str:
    """A text that a member wrote, as the visit may read it."""
    return masked(text) if masks(visit) else text


def shown_link(visit: Visit, link: str | None) -> str | None:
    """A link, if the visit may follow it: many hold the name of an account."""
    return None if link and masks(visit) and _tells(link) else link


def _tells(link: str) -> bool:
    return any(masked(text) != text for text in (link, unquote(link)))


def mask(action: Action) -> None:
    """Mask all that an action says. It is changed: it must be one of this page's own."""
    action.link = None if action.link and _tells(action.link) else action.link
    action.links = tuple(one for one in action.links if not _tells(one))
    action.versions = [Version(one.at, masked(one.object)) for one in action.versions]
    action.note = masked(action.note)
    if action.condition is not None:
        action.condition = masked(action.condition)
    if action.counter_vote is not None:
        action.counter_vote.reason = masked(action.counter_vote.reason)
