"""Actions as the core knows them, from and to the rows of the tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from toutdoux.association.people import charter_of
from toutdoux.core import action as core
from toutdoux.core import history as h
from toutdoux.core.charter import Kind
from toutdoux.core.entries import Course, charter_data, course_data, read_votes
from toutdoux.core.roll import Opening

Row = Mapping[str, Any]
"""A row of the table of actions, by column."""

VoteRow = tuple[str, str, bool, str, datetime | None, datetime | None]
"""Ballot, member, whether it counts, choice, and an opinion's two instants."""

VOTE = ("ballot", "member", "counted", "choice", "at", "recorded_at")
"""The columns of the same."""


def columns(action: core.Action) -> dict[str, Any]:
    """What an action's row holds, but for its votes and versions."""
    counter = action.counter_vote
    own = action.ballot
    return {
        "ref": action.ref,
        "kind": action.kind.value,
        "number": action.number,
        "order": action.order,
        "proposer": action.proposer,
        "leader": action.leader,
        "proposed_at": action.proposed_at,
        "link": action.link,
        "condition": action.condition,
        "effects": [_effect_data(effect) for effect in action.effects],
        "charter": action.charter.number,
        "opened_at": action.opening.at,
        "opened_known": action.opening.known,
        "opened_delay": action.opening.delay,
        "window_end": action.window_end,
        "closes_at": action.closes_at,
        "roll": action.roll_size,
        "struck": sorted(action.struck),
        "votes_for": own.for_,
        "votes_against": own.against,
        "votes_abstain": own.abstain,
        "used": own.used,
        "called_by": counter and counter.called_by,
        "called_at": counter and counter.called_at,
        "reason": (counter.reason or None) if counter else None,
        "counter_window_end": counter and counter.window_end,
        "counter_closes_at": counter and counter.closes_at,
        "counter_for": counter.ballot.for_ if counter else 0,
        "counter_against": counter.ballot.against if counter else 0,
        "counter_abstain": counter.ballot.abstain if counter else 0,
        "counter_used": counter.ballot.used if counter else False,
        "state": action.state.value,
        "decision": _decision_data(action.decision),
        "decided_at": action.decision and action.decision.at,
        "recorded": action.recorded,
        "due_at": due_at(action),
        "condition_met_at": action.condition_met_at,
        "followed_up": action.followed_up.value,
        "note": action.note or None,
        "links": "\n".join(action.links) or None,
    }


COLUMNS = (
    "ref",
    "kind",
    "number",
    "order",
    "proposer",
    "leader",
    "proposed_at",
    "link",
    "condition",
    "effects",
    "charter",
    "opened_at",
    "opened_known",
    "opened_delay",
    "window_end",
    "closes_at",
    "roll",
    "struck",
    "votes_for",
    "votes_against",
    "votes_abstain",
    "used",
    "called_by",
    "called_at",
    "reason",
    "counter_window_end",
    "counter_closes_at",
    "counter_for",
    "counter_against",
    "counter_abstain",
    "counter_used",
    "state",
    "decision",
    "decided_at",
    "recorded",
    "due_at",
    "condition_met_at",
    "followed_up",
    "note",
    "links",
)
"""The columns that `columns` fills, in its order."""

STORED = ("id", "opened_place", *COLUMNS)
"""All columns that an action is made from."""


def due_at(action: core.Action) -> datetime | None:
    """When it has to be looked at again: what time changes, or a decision to be written down."""
    if action.decision is None:
        return action.next_end
    return None if action.recorded else action.decision.at


def _effect_data(effect: h.Effect) -> dict[str, Any]:
    if isinstance(effect, h.GrantVotingRight):
        return {"grant_voting_right": effect.member}
    return {"amend_charter": dict(charter_data(effect.charter))}


def _effect(data: Mapping[str, Any]) -> h.Effect:
    if "amend_charter" in data:
        return h.AmendCharter(charter_of(data["amend_charter"]))
    return h.GrantVotingRight(data["grant_voting_right"])


def _decision_data(decision: h.Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    counter = decision.counter_vote
    return {
        "how": decision.how and decision.how.value,
        "roll": decision.roll,
        "tally": _tally_data(decision.tally),
        "counter_vote": counter and _tally_data(counter),
        "contested": decision.contested,
        "unread": decision.unread,
    }


def _tally_data(tally: h.Tally) -> list[int]:
    return [tally.for_, tally.against, tally.abstain]


def _decision(row: Row) -> h.Decision | None:
    data = row["decision"]
    if data is None or row["decided_at"] is None:
        return None
    counter = data["counter_vote"]
    return h.Decision(
        state=h.State(row["state"]),
        how=h.How(data["how"]) if data["how"] else None,
        at=row["decided_at"],
        roll=data["roll"],
        tally=h.Tally(*data["tally"]),
        counter_vote=h.Tally(*counter) if counter else None,
        contested=data["contested"],
        unread=data["unread"],
    )


def action_of(
    row: Row,
    charters: Sequence[h.CharterVersion],
    votes: Iterable[VoteRow] = (),
    versions: Iterable[core.Version] = (),
) -> core.Action:
    """An action as the core knows it. Its tallies are the row's, whoever's votes are given."""
    charter = charters[row["charter"] - 1]
    own = _ballot(row["votes_for"], row["votes_against"], row["votes_abstain"], row["used"])
    counter = _counter_vote(row)
    for ballot, member, counted, choice, at, recorded_at in votes:
        target = own if ballot == h.BallotName.ACTION else counter and counter.ballot
        if not target:
            continue
        if counted:
            target.votes[member] = h.Choice(choice)
        elif at is not None:
            target.opinions[member] = core.Opinion(h.Choice(choice), at, recorded_at)
    kind = Kind(row["kind"])
    return core.Action(
        ref=row["ref"],
        kind=kind,
        number=row["number"],
        proposer=row["proposer"],
        leader=row["leader"],
        proposed_at=row["proposed_at"],
        link=row["link"],
        condition=row["condition"],
        effects=tuple(_effect(one) for one in row["effects"]),
        charter=charter,
        rules=charter.charter.rules(kind),
        order=row["order"],
        opening=Opening(
            row["opened_at"], row["opened_delay"], row["opened_place"], row["opened_known"]
        ),
        window_end=row["window_end"],
        closes_at=row["closes_at"],
        roll_size=row["roll"],
        versions=list(versions),
        ballot=own,
        struck=set(row["struck"]),
        counter_vote=counter,
        state=h.State(row["state"]),
        decision=_decision(row),
        recorded=row["recorded"],
        condition_met_at=row["condition_met_at"],
        followed_up=h.FollowUp(row["followed_up"]),
        note=row["note"] or "",
        links=tuple((row["links"] or "").split("\n")) if row["links"] else (),
    )


def _ballot(for_: int, against: int, abstain: int, used: bool) -> core.Ballot:
    return core.Ballot(
        for_=for_,
        against=against,
        abstain=abstain,
        expressed=for_ + against + abstain,
        used=used,
    )


def _counter_vote(row: Row) -> core.CounterVote | None:
    if row["called_by"] is None:
        return None
    assert row["called_at"] is not None
    assert row["counter_window_end"] is not None
    assert row["counter_closes_at"] is not None
    return core.CounterVote(
        called_by=row["called_by"],
        called_at=row["called_at"],
        reason=row["reason"] or "",
        window_end=row["counter_window_end"],
        closes_at=row["counter_closes_at"],
        ballot=_ballot(
            row["counter_for"], row["counter_against"], row["counter_abstain"], row["counter_used"]
        ),
    )


def course_columns(course: Course | None) -> dict[str, Any]:
    """What an imported action's row holds of how its vote went."""
    if course is None:
        return dict.fromkeys(COURSE)
    return {
        "proposed_at": course.proposed_at,
        "state": course.state.value,
        "how": course.how.value,
        "decided_at": course.decided_at,
        "votes": course_data(course)["votes"],
    }


COURSE = ("proposed_at", "state", "how", "decided_at", "votes")
"""The columns that `course_columns` fills, in its order."""


def course_of(row: Row) -> Course | None:
    """And back."""
    if row["state"] is None:
        return None
    return Course(
        proposed_at=row["proposed_at"],
        state=h.State(row["state"]),
        how=h.How(row["how"]),
        decided_at=row["decided_at"],
        votes=read_votes(row["votes"]),
    )


def ballots_of(action: core.Action) -> Iterator[tuple[str, core.Ballot]]:
    """An action's ballots, by name."""
    for name in h.BallotName:
        ballot = action.ballot_named(name)
        if ballot is not None:
            yield name.value, ballot


def opinions_of(action: core.Action) -> Iterator[VoteRow]:
    """The rows of an action's opinions."""
    for name, ballot in ballots_of(action):
        for member, one in ballot.opinions.items():
            yield name, member, False, one.choice.value, one.at, one.recorded_at


def votes_of(action: core.Action) -> dict[tuple[str, str, bool], VoteRow]:
    """The rows of an action's votes and opinions, by what makes them one."""
    rows: list[VoteRow] = [
        (name, member, True, choice.value, None, None)
        for name, ballot in ballots_of(action)
        for member, choice in ballot.votes.items()
    ]
    return {row[:3]: row for row in (*rows, *opinions_of(action))}
