"""What the public is not told: whom members named in what they wrote."""

from __future__ import annotations

import re

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


def mask(action: Action) -> None:
    """Mask all that an action says. It is changed: it must be one of this page's own."""
    action.versions = [Version(one.at, masked(one.object)) for one in action.versions]
    action.note = masked(action.note)
    if action.condition is not None:
        action.condition = masked(action.condition)
    if action.counter_vote is not None:
        action.counter_vote.reason = masked(action.counter_vote.reason)
