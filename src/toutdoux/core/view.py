"""Where actions stand, as data: what `toutdoux replay --format json` prints.

Source: "A scenario: history as a file" in the rules.
"""

from __future__ import annotations

from .action import Action
from .instants import utc_text
from .replay import Standing


def standing_as_data(standing: Standing) -> dict[str, object]:
    """The object that `replay` prints, in order of proposal."""
    return {
        "at": utc_text(standing.at),
        "actions": [action_as_data(action) for action in standing.actions.values()],
    }


def action_as_data(action: Action) -> dict[str, object]:
    decision, ballot, counter = action.decision, action.ballot, action.counter_vote
    return {
        "ref": action.ref,
        "kind": action.kind,
        "number": action.number,
        "leader": action.leader,
        "state": action.state,
        "how": decision.how if decision else None,
        "decided_at": utc_text(decision.at) if decision else None,
        "closes_at": utc_text(action.closes_at),
        "for": ballot.for_,
        "against": ballot.against,
        "abstain": ballot.abstain,
        "expressed": ballot.expressed,
        "opinions": len(ballot.opinions),
        "roll": action.roll_size,
        "counter_vote": counter
        and {
            "called_by": counter.called_by,
            "for": counter.ballot.for_,
            "against": counter.ballot.against,
            "abstain": counter.ballot.abstain,
            "closes_at": utc_text(counter.closes_at),
        },
        "follow_up": action.follow_up,
    }
