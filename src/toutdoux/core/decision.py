"""What the charter says of an action: one function, to be read beside the statutes.

Source: the tables "The charter" and "States", and "Votes" and "The counter-vote" in the rules.
"""

from __future__ import annotations

import sys
from datetime import datetime

from .action import Action
from .charter import AtEnd, Threshold
from .history import How, State

# What can follow: the rows of the table "States".
OPEN = (State.OPEN, None)
CONTESTED = (State.CONTESTED, None)
UNDER_COUNTER_VOTE = (State.COUNTER_VOTE, None)
CANCELLED_BY_COUNTER_VOTE = (State.CANCELLED, How.COUNTER_VOTE)
ADOPTED_AS_COUNTER_VOTE_FAILED = (State.ADOPTED, How.COUNTER_VOTE_FAILED)
ADOPTED_BY_MAJORITY = (State.ADOPTED, How.MAJORITY)
CANCELLED_AS_OPPOSED = (State.CANCELLED, How.OPPOSED)
ADOPTED_BY_PLURALITY = (State.ADOPTED, How.PLURALITY)
CANCELLED_AS_NOT_ADOPTED = (State.CANCELLED, How.NOT_ADOPTED)
ADOPTED_AS_UNOPPOSED = (State.ADOPTED, How.UNOPPOSED)
ADOPTED_WITHOUT_COUNTER_VOTE = (State.ADOPTED, How.NO_COUNTER_VOTE)


def settling(action: Action) -> tuple[int, int]:
    """Say how many votes for, and how many against, it takes at the least for a vote to change what
    `decide` says.

    While every ballot has fewer of both, votes alone change nothing: only time can, or a change of
    the roll, and then this must be asked anew. It may be too few, never too many.
    """
    rules, roll = action.rules, action.roll_size
    if action.state is State.OPEN:
        # The window still runs: only the early thresholds end it.
        return _least(rules.adopted_early, roll), _least(rules.cancelled_early, roll)
    if action.state is State.COUNTER_VOTE and rules.counter_vote is not None:
        return _least(rules.counter_vote.cancels, roll), sys.maxsize
    return 0, 0  # contested: whoever is against no more may be the last one


def _least(threshold: Threshold, roll: int) -> int:
    least = threshold.least(roll)
    return sys.maxsize if least is None else least


def decide(action: Action, now: datetime) -> tuple[State, How | None]:
    """Say in which state an undecided action is, and how it was decided if it now is.

    Args:
        action: an action that is open, contested or under a counter-vote, with its votes and its
            roll as they are at `now`.
        now: the instant it is asked about, in UTC. A window that ends at `now` has ended.

    Returns:
        The state, and for adopted and cancelled also how.
    """
    rules, roll, votes = action.rules, action.roll_size, action.ballot

    # Under a counter-vote, only the counter-vote decides.
    counter = action.counter_vote
    if counter is not None and rules.counter_vote is not None:
        if rules.counter_vote.cancels.reached(counter.ballot.for_, roll, counter.ballot.expressed):
            return CANCELLED_BY_COUNTER_VOTE
        if now >= counter.window_end:
            return ADOPTED_AS_COUNTER_VOTE_FAILED
        return UNDER_COUNTER_VOTE

    # The early thresholds hold at any moment, also while contested; adoption comes first.
    if rules.adopted_early.reached(votes.for_, roll, votes.expressed):
        return ADOPTED_BY_MAJORITY
    if rules.cancelled_early.reached(votes.against, roll, votes.expressed):
        return CANCELLED_AS_OPPOSED

    if now < action.window_end:
        return OPEN

    # The window is over.
    if rules.at_end is AtEnd.PLURALITY:
        quorum = rules.quorum
        if votes.for_ > votes.against and (
            quorum is None or quorum.reached(votes.expressed, roll, votes.expressed)
        ):
            return ADOPTED_BY_PLURALITY
        return CANCELLED_AS_NOT_ADOPTED

    if votes.against == 0:
        return ADOPTED_AS_UNOPPOSED

    # Somebody is against: they have the contest window, if there is one, to call a counter-vote.
    if rules.contest_window is None or now >= action.window_end + rules.contest_window:
        return ADOPTED_WITHOUT_COUNTER_VOTE
    return CONTESTED
