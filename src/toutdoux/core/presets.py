"""The three charters that come with the product, in the very words a charter is written in.

Source: "The charter" in the rules. `needs_action` is the preset's rule of procedure: which kinds
of journal entries need an action, and of which kind.
"""

from __future__ import annotations

from collections.abc import Mapping

_NEEDS_ACTION = {
    "life": "none",
    "service_opened": "extraordinary",
    "service_closed": "extraordinary",
    "service": "none",
    "account_opened": "ordinary",
    "access_given": "ordinary",
    "outreach": "none",
    "event": "none",
    "course_opened": "extraordinary",
    "course": "none",
    "request": "none",
    "grant": "extraordinary",
}

_TOUT_DOUX = {
    "window": "7 days",
    "adopted_early": "more than 1/2 of roll",
    "cancelled_early": "at least 1/2 of roll",
    "at_end": "unopposed",
    "counter_vote": {"window": "7 days", "cancels": "at least 1/2 of roll"},
}

_LAZY = {
    "window": "72 hours",
    "adopted_early": "none",
    "cancelled_early": "1 votes",
    "at_end": "unopposed",
    "contest_window": "none",
    "counter_vote": "none",
}

_SIMPLE = {
    "window": "7 days",
    "adopted_early": "none",
    "cancelled_early": "none",
    "at_end": "plurality",
    "quorum": "at least 1/3 of roll",
    "contest_window": "none",
    "counter_vote": "none",
}

PRESETS: Mapping[str, Mapping[str, object]] = {
    "tout-doux-cratie": {
        "voting_right_delay": "10 days",
        "correction": "5 minutes",
        "needs_action": _NEEDS_ACTION,
        "ordinary": {"starts": "when proposed", "contest_window": "none", **_TOUT_DOUX},
        "extraordinary": {"starts": "when adopted", "contest_window": "7 days", **_TOUT_DOUX},
    },
    "lazy-consensus": {
        "voting_right_delay": "10 days",
        "correction": "5 minutes",
        "needs_action": _NEEDS_ACTION,
        "ordinary": {"starts": "when proposed", **_LAZY},
        "extraordinary": {"starts": "when adopted", **_LAZY},
    },
    "simple-majority": {
        "voting_right_delay": "10 days",
        "correction": "5 minutes",
        "needs_action": _NEEDS_ACTION,
        "ordinary": {"starts": "when proposed", **_SIMPLE},
        "extraordinary": {"starts": "when adopted", **_SIMPLE},
    },
}
