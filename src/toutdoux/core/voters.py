"""Who may vote on an action, and whose vote is still awaited.

Source: "The roll" and "Votes" in the rules. Everything is derived from the memberships each time
it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from .action import Action, Ballot
from .history import BallotName
from .replay import Standing
from .roll import Electorate, Member, Opening
from .words import Sentence, say


@dataclass(frozen=True, slots=True)
class Awaited:
    """An open ballot that awaits somebody's vote."""

    action: Action
    ballot: BallotName
    closes_at: datetime


def on_roll(standing: Standing, action: Action, member: str) -> bool:
    """Whether somebody's vote on an action counts.

    Args:
        standing: where the association stands.
        action: one of its actions.
        member: the id of one of its members.
    """
    return member not in action.struck and _had_right(
        standing, standing.members[member], action.opening
    )


def roll_of(standing: Standing, action: Action) -> list[Member]:
    """The members whose vote on an action counts, in order of their names."""
    members = (one for one in standing.members.values() if on_roll(standing, action, one.id))
    return sorted(members, key=lambda member: member.name.casefold())


def _had_right(standing: Standing, member: Member, opening: Opening) -> bool:
    granted = standing.granted.get(member.id)
    electorate = Electorate(
        standing.members, opening.delay, {} if granted is None else {member.id: granted}
    )
    return electorate.has_right(member, opening)


def open_ballots(action: Action, at: datetime) -> Iterator[tuple[BallotName, Ballot, datetime]]:
    """The ballots of an action on which votes are taken at an instant, with their ends."""
    for name in BallotName:
        ballot = action.open_ballot(name, at)
        if ballot is not None:
            counter = action.counter_vote if name is BallotName.COUNTER_VOTE else None
            yield name, ballot, counter.closes_at if counter else action.closes_at


def decides(action: Action, name: BallotName) -> bool:
    """Whether votes on a ballot of an action still decide something.

    Once a counter-vote is called only it does; once the action is decided none does, even where
    votes are still taken so that everyone can be counted.
    """
    if action.decision is not None:
        return False
    return (name is BallotName.COUNTER_VOTE) == (action.counter_vote is not None)


def awaiting(standing: Standing, member: str) -> list[Awaited]:
    """The open ballots on which somebody may vote and has no vote in force, the soonest end first.

    The standing must know the votes of every open ballot, person by person.
    """
    if standing.members[member].membership(standing.at) is None:
        return []
    found = [
        Awaited(action, name, closes_at)
        for action in standing.actions.values()
        for name, ballot, closes_at in open_ballots(action, standing.at)
        if member not in ballot.votes and on_roll(standing, action, member)
    ]
    return sorted(found, key=lambda one: one.closes_at)


def why_opinion(
    standing: Standing, action: Action, name: BallotName, member: str
) -> Sentence | None:
    """Why what somebody said on a ballot is an opinion; None if they have none there."""
    ballot = action.ballot_named(name)
    opinion = ballot.opinions.get(member) if ballot is not None else None
    if opinion is None:
        return None
    if opinion.recorded_at is not None:
        return say("it became known after the decision was recorded")
    if action.is_late(name, opinion):
        return action.closing(name)
    return why_off_roll(standing, action, member)


def why_off_roll(standing: Standing, action: Action, member: str) -> Sentence:
    """Why somebody's vote on an action does not count, and from when on theirs will."""
    person = standing.members[member]
    opened = action.opening.at
    if member in action.struck:
        return say(
            "{name} left the association during the vote and is no longer on its roll",
            name=person.name,
        )
    membership = person.membership(standing.at) or person.membership(opened)
    if membership is None:
        return say(
            "{name} was no member when the vote opened, on {at}", name=person.name, at=opened
        )
    since = membership.since or membership.joined
    may_vote = since + standing.charter_at(standing.at).charter.voting_right_delay
    granted = standing.granted.get(member)
    if granted is not None:
        may_vote = min(may_vote, granted[0])
    return say(
        "{name} may vote on what is proposed from {from_} on, and this vote opened on {at}",
        name=person.name,
        from_=may_vote,
        at=opened,
    )
