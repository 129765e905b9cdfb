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
from django.db.models import Q

from toutdoux.association import people
from toutdoux.association.models import Member, Membership
from toutdoux.core import action as core
from toutdoux.core.chain import Body
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction, Record
from toutdoux.core.replay import UNDECIDED, Play, Standing, replay
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger, Text

from . import models
from .rows import STORED, VoteRow, action_of

_OPEN = [state.value for state in UNDECIDED]


def standing(
    association: str,
    now: datetime,
    erased: str,
    votes_of: Collection[str] = (),
    only: Collection[str] | None = None,
) -> Standing:
    """Where an association stands at the present instant, from the tables.

    Args:
        association: its id.
        now: the present instant, in UTC. What is due by then has taken place in what is returned,
            whether it was written down or not.
        erased: what stands for a text that was forgotten.
        votes_of: the references of the actions whose votes are wanted, person by person; those of
            undecided actions and on open ballots are always there, and so are opinions.
        only: the references of the only actions that are wanted. It then takes the same time
            however many others there are; the charters and rights are those last written down.
    """
    play = _play(association, erased, whole=only is None)
    found = models.Action.objects.filter(association=association).order_by("order")
    rows = list((found if only is None else found.filter(ref__in=only)).values(*STORED))
    wanted = [
        row["id"]
        for row in rows
        if row["ref"] in votes_of or row["state"] in _OPEN or row["closes_at"] > now
    ]
    here = None if only is None else [row["id"] for row in rows]
    votes, versions = _votes(association, wanted, here), _versions(association, here)
    for row in rows:
        told = votes.get(row["id"], ())
        play.put(action_of(row, play.charters, told, versions[row["id"]]))
    for member in _leaving(association, play.now) if only is not None else play.members:
        play.expect_departures(play.members[member])
    if play.now is None or now > play.now:
        play.settle(now)
    said = play.standing()
    give_texts(said.actions.values(), erased)
    return replace(said, at=now)


def _play(association: str, erased: str, *, whole: bool) -> Play:
    ledger = Ledger.objects.get(id=association)
    granted: dict[str, tuple[datetime, int]] = {}
    members = people.Members(association, granted, forgotten=erased)
    if whole:
        members.read_all()
    return Play(members, people.charters(association), now=ledger.played_until, granted=granted)


def _leaving(association: str, played: datetime | None) -> list[str]:
    """Who leaves, by what is recorded, after what was played."""
    after = Q() if played is None else Q(left__gt=played) | Q(left_recorded__gt=played)
    rows = Membership.objects.filter(after, member__association=association, left__isnull=False)
    return list(rows.order_by().values_list("member_id", flat=True).distinct())


def _votes(
    association: str, actions: list[int], only: list[int] | None
) -> dict[int, list[VoteRow]]:
    """All opinions, and the votes on some actions."""
    votes: dict[int, list[VoteRow]] = {}
    opinions = models.Vote.objects.filter(action__association=association, counted=False)
    if only is not None:
        opinions = opinions.filter(action_id__in=only)
    wanted = [
        models.Vote.objects.filter(action_id__in=actions[start : start + 500], counted=True)
        for start in range(0, len(actions), 500)
    ]
    for rows in (opinions, *wanted):
        for action, *vote in rows.order_by("pk").values_list(
            "action_id", "ballot", "member", "counted", "choice", "at", "recorded_at"
        ):
            votes.setdefault(action, []).append(tuple(vote))  # type: ignore[arg-type]
    return votes


def _versions(association: str, only: list[int] | None) -> dict[int, list[core.Version]]:
    rows = models.Version.objects.filter(action__association=association)
    if only is not None:
        rows = rows.filter(action_id__in=only)
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


def refs(association: str) -> list[str]:
    """The references of all its actions, those of tables kept by hand among them."""
    tables = (models.Action, models.ImportedAction)
    return [
        ref
        for table in tables
        for ref in table._default_manager.filter(association=association).values_list(
            "ref", flat=True
        )
    ]


def entries_about(association: str, subject: str, erased: str) -> list[Body]:
    """The entries about an action or a member, with texts in the place of their commitments."""
    bodies: list[Body] = [
        orjson.loads(bytes(one.body)) for one in book.entries_about(association, subject)
    ]
    found = texts_of(
        commitment
        for body in bodies
        for commitment in (*body["data"].get("texts", {}).values(), body.get("operator"))
        if commitment
    )
    for body in bodies:
        texts = body["data"].get("texts", {})
        for name, commitment in texts.items():
            texts[name] = found.get(commitment, erased)
        if "operator" in body:
            body["operator"] = found.get(body["operator"], erased)
    return bodies
