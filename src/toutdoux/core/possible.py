"""What somebody can do with an action as it stands, so that one is offered only that.

Whoever does it all the same is told why not: the rules themselves are in `toutdoux.core.replay`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from .action import Action
from .history import State
from .replay import UNDECIDED, Standing
from .voters import on_roll


class Deed(StrEnum):
    VOTE = "vote"
    COUNTER_VOTE = "counter_vote"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    HAND_OVER = "hand_over"
    TAKE_ON = "take_on"
    """Lead it, its leader having left."""
    CONDITION = "condition"
    FOLLOW_UP = "follow_up"


def possible(standing: Standing, action: Action, member: str) -> set[Deed]:
    """What a member can do with an action.

    Args:
        standing: where the association stands.
        action: one of its actions.
        member: the id of one of its members; a former one can do nothing.
    """
    if standing.members[member].membership(standing.at) is None:
        return set()
    return set(_possible(standing, action, member))


def _possible(standing: Standing, action: Action, member: str) -> Iterator[Deed]:
    leads = action.leader == member
    undecided = action.state in UNDECIDED
    counter = action.counter_vote
    if standing.at < action.closes_at or (counter and standing.at < counter.closes_at):
        yield Deed.VOTE
    if undecided and leads:
        yield Deed.AMEND
        yield Deed.WITHDRAW
    if (
        undecided
        and counter is None
        and action.rules.counter_vote is not None
        and on_roll(standing, action, member)
    ):
        yield Deed.COUNTER_VOTE
    if action.state in (State.CANCELLED, State.WITHDRAWN):
        return
    if leads:
        yield Deed.HAND_OVER
    elif standing.members[action.leader].membership(standing.at) is None:
        yield Deed.TAKE_ON
    if action.condition is not None and action.condition_met_at is None:
        yield Deed.CONDITION
    if leads and action.follow_up is not None:
        yield Deed.FOLLOW_UP
