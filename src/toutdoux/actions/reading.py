"""Where an association stands: read from the tables for now, played from the entries for any
other instant."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from itertools import groupby
from operator import itemgetter

import orjson

from toutdoux.association import people
from toutdoux.association.models import Member
from toutdoux.core import action as core
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction, Record
from toutdoux.core.replay import UNDECIDED, Play, Standing, replay
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger, Text

from . import models
from .rows import VoteRow, action_of

_OPEN = [state.value for state in UNDECIDED]


def standing(
    association: str, now: datetime, erased: str, votes_of: Collection[str] = ()
) -> Standing:
    """Where an association stands at the present instant, from the tables.

    Args:
        association: its id.
        now: the present instant, in UTC. What is due by then has taken place in what is returned,
            whether it was written down or not.
        erased: what stands for a text that was forgotten.
        votes_of: the references of the actions whose votes are wanted, person by person; those of
            undecided actions are always there.
    """
    play = _play(association)
    rows = list(models.Action.objects.filter(association=association).order_by("order"))
    wanted = [row.pk for row in rows if row.ref in votes_of or row.state in _OPEN]
    votes, versions = _votes(wanted), _versions(association)
    for row in rows:
        told = votes.get(row.pk, ())
        play.put(action_of(row, play.charters, told, versions[row.pk]))
    for member in play.members.values():
        play.expect_departures(member)
    if play.now is None or now > play.now:
        play.settle(now)
    said = play.standing()
    give_texts(said.actions.values(), erased)
    return replace(said, at=now)


def _play(association: str) -> Play:
    ledger = Ledger.objects.get(id=association)
    granted: dict[str, tuple[datetime, int]] = {}
    members = people.Members(association, granted)
    members.read_all()
    return Play(members, people.charters(association), now=ledger.played_until, granted=granted)


def _votes(actions: list[int]) -> dict[int, list[VoteRow]]:
    votes: dict[int, list[VoteRow]] = {}
    for start in range(0, len(actions), 500):
        rows = models.Vote.objects.filter(action_id__in=actions[start : start + 500])
        for action, *vote in rows.order_by("pk").values_list(
            "action_id", "ballot", "member", "counted", "choice", "at", "recorded_at"
        ):
            votes.setdefault(action, []).append(tuple(vote))  # type: ignore[arg-type]
    return votes


def _versions(association: str) -> dict[int, list[core.Version]]:
    rows = models.Version.objects.filter(action__association=association)
    told = rows.order_by("action_id", "number").values_list("action_id", "at", "object")
    return {
        action: [core.Version(at, text) for _, at, text in group]
        for action, group in groupby(told.iterator(), key=itemgetter(0))
    }


def give_texts(actions: Iterable[core.Action], erased: str) -> None:
    """Put texts in the place of their commitments."""
    actions = list(actions)
    wanted = [
        text
        for action in actions
        for text in (
            action.link,
            action.condition,
            action.note,
            *action.links,
            *(one.object for one in action.versions),
            action.counter_vote.reason if action.counter_vote else None,
        )
        if text
    ]
    texts = texts_of(wanted)

    def told(commitment: str) -> str:
        return texts.get(commitment, erased) if commitment else ""

    for action in actions:
        action.link = action.link and texts.get(action.link)
        action.condition = action.condition and told(action.condition)
        action.note = told(action.note)
        action.links = tuple(link for one in action.links for link in told(one).split())
        action.versions = [core.Version(one.at, told(one.object)) for one in action.versions]
        if action.counter_vote:
            action.counter_vote.reason = told(action.counter_vote.reason)


def texts_of(commitments: Iterable[str]) -> dict[str, str]:
    """Texts by their commitments, but for those that were forgotten."""
    wanted = list(commitments)
    found: dict[str, str] = {}
    for start in range(0, len(wanted), 500):
        rows = Text.objects.filter(commitment__in=wanted[start : start + 500], text__isnull=False)
        found |= {commitment: text or "" for commitment, text in rows.values_list("pk", "text")}
    return found


def standing_at(association: str, at: datetime, erased: str) -> Standing:
    """Where an association stood at an instant, by all that is known now: played from the entries.

    Raises `core.replay.EventRefused` if the entries don't follow from each other.
    """
    texts = book.texts(association)
    record = Record(lambda commitment: texts.get(commitment, erased))
    for _, body, _ in book.rows(association):
        record.add(orjson.loads(body))
    return replay(record.history(), at)


def imported(
    association: str, ref: str | None = None, erased: str = ""
) -> dict[str, ImportedAction]:
    """The actions known only from tables kept by hand, by reference."""
    rows = models.ImportedAction.objects.filter(association=association)
    if ref is not None:
        rows = rows.filter(ref=ref)
    texts = texts_of(
        one for row in rows for one in (row.object, row.leader, row.link) if one is not None
    )
    return {
        row.ref: ImportedAction(
            ref=row.ref,
            kind=Kind(row.kind),
            number=row.number,
            object=texts.get(row.object, erased),
            leader=texts.get(row.leader, erased) if row.leader else "",
            leader_id=row.leader_id,
            date=row.date,
            for_=row.votes_for,
            against=row.votes_against,
            expressed=row.expressed,
            link=texts.get(row.link, erased) if row.link else None,
        )
        for row in rows
    }


def member_called(association: str, name: str) -> Member | None:
    """The member of a handle (with or without @), an id, or a name that only one of them has."""
    members = Member.objects.filter(association=association)
    handle = name.strip().removeprefix("@")
    for found in (members.filter(handle=handle.lower()), members.filter(id=handle)):
        if one := found.first():
            return one
    named = [one for one in members if one.name.casefold() == name.strip().casefold()]
    return named[0] if len(named) == 1 else None


def handles_like(association: str, name: str) -> str | None:
    """The handle that comes closest to what was typed, if one does."""
    handles = Member.objects.filter(association=association).values_list("handle", flat=True)
    close = get_close_matches(name.casefold().removeprefix("@"), list(handles), 1, 0.6)
    return close[0] if close else None
