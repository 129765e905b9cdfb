"""Where an association stands: read from the tables for now, played from the entries for any
other instant."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from itertools import groupby
from operator import itemgetter

import orjson
from django.db.models import Q

from toutdoux.association import people
from toutdoux.association.models import Member, Membership
from toutdoux.core import action as core
from toutdoux.core import history as h
from toutdoux.core.chain import Body
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction, Record
from toutdoux.core.history import UNFINISHED, State
from toutdoux.core.replay import STEP, UNDECIDED, Play, Standing, replay
from toutdoux.core.words import Refusal, say
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger, Text

from . import models
from .rows import STORED, Row, VoteRow, action_of, course_of

_OPEN = [state.value for state in UNDECIDED]


def standing(
    association: str,
    now: datetime,
    erased: str,
    votes_of: Collection[str] = (),
    only: Collection[str] | None = None,
    *,
    ledger: Ledger | None = None,
    members: Collection[str] = (),
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
        ledger: its ledger's row, where it was read already.
        members: the ids of members who will be asked about, beside those that the actions name.
    """
    ledger = ledger or Ledger.objects.get(id=association)
    said = _stand(ledger, now, erased, votes_of, only, members)
    give_texts(said.actions.values(), erased)
    return said


def _stand(
    ledger: Ledger,
    now: datetime,
    erased: str,
    votes_of: Collection[str],
    only: Collection[str] | None,
    members: Collection[str] | people.Members | None = (),
) -> Standing:
    """The same, with commitments in the place of the texts; `members` None reads everybody, and
    those who were read already are taken as they are."""
    association = ledger.id
    if isinstance(members, people.Members):
        known = members
    else:
        known = people.Members(association, forgotten=erased)
    # A play of its own may give the right to vote to more.
    granted = dict(known.granted_before) if known is members else known.granted
    play = Play(known, people.charters(association), now=ledger.played_until, granted=granted)
    rows, versions = _rows(association, only)
    wanted = [
        row["id"]
        for row in rows
        if row["ref"] in votes_of or row["state"] in _OPEN or row["closes_at"] > now
    ]
    votes = _votes(association, wanted, None if only is None else [row["id"] for row in rows])
    if only is None or members is None:
        known.read_all()
    elif known is not members:
        known.read([*members, *_named(rows)])
    for row in rows:
        told = votes.get(row["id"], ())
        play.put(action_of(row, play.charters, told, versions[row["id"]]))
    if only is None:
        leaving = list(play.members)
    elif ledger.due_at is not None and ledger.due_at <= now:
        leaving = _leaving(association, play.now)
    else:
        leaving = []  # whoever leaves by now is due by now
    for member in leaving:
        play.expect_departures(play.members[member])
    if play.now is None or now > play.now:
        play.settle(now)
    return replace(play.standing(), at=now)


def _rows(
    association: str, only: Collection[str] | None
) -> tuple[list[Row], dict[int, list[core.Version]]]:
    """The rows of actions, in order of proposal, and their versions."""
    if only is None:
        found = models.Action.objects.filter(association=association).order_by("order")
        return list(found.values(*STORED)), _versions(association)
    # A few: both in one query.
    told = models.Version.objects.filter(action__association=association, action__ref__in=only)
    of_action = [f"action__{name}" for name in STORED]
    rows: dict[int, Row] = {}
    versions: dict[int, list[core.Version]] = {}
    for at, text, *values in told.order_by("action__order", "number").values_list(
        "at", "object", *of_action
    ):
        row = dict(zip(STORED, values, strict=True))
        rows.setdefault(row["id"], row)
        versions.setdefault(row["id"], []).append(core.Version(at, text))
    return list(rows.values()), versions


def _named(rows: Iterable[Row]) -> Iterator[str]:
    """The members whom actions name."""
    for row in rows:
        yield row["leader"]
        yield row["proposer"]
        if row["called_by"] is not None:
            yield row["called_by"]
        for effect in row["effects"]:
            if "grant_voting_right" in effect:
                yield effect["grant_voting_right"]


def _leaving(association: str, played: datetime | None) -> list[str]:
    """Who leaves, by what is recorded, after what was played."""
    after = Q() if played is None else Q(left__gt=played) | Q(left_recorded__gt=played)
    rows = Membership.objects.filter(after, member__association=association, left__isnull=False)
    return list(rows.order_by().values_list("member_id", flat=True).distinct())


def _votes(
    association: str, actions: list[int], only: list[int] | None
) -> dict[int, list[VoteRow]]:
    """All opinions, and the votes on some actions; `only` are those whose opinions are wanted."""
    votes: dict[int, list[VoteRow]] = {}
    if only is not None:
        told = Q(action_id__in=only, counted=False) | Q(action_id__in=actions)
        found = [models.Vote.objects.filter(told)]
    else:
        found = [models.Vote.objects.filter(action__association=association, counted=False)]
        found += [
            models.Vote.objects.filter(action_id__in=actions[start : start + 500], counted=True)
            for start in range(0, len(actions), 500)
        ]
    for rows in found:
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
    _give(actions, texts_of(_commitments(actions)), erased)


def _commitments(actions: Iterable[core.Action]) -> Iterator[str]:
    for action in actions:
        for text in (
            action.link,
            action.condition,
            action.note,
            *action.links,
            *(one.object for one in action.versions),
            action.counter_vote.reason if action.counter_vote else None,
        ):
            if text:
                yield text


def _give(actions: Iterable[core.Action], texts: Mapping[str, str], erased: str) -> None:
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
    """The actions that were voted on by hand, by reference."""
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
            course=course_of(vars(row)),
        )
        for row in rows
    }


def member_called(association: str, name: str) -> Member | None:
    """The member of a handle (with or without @), an id, or a name, if there is one.

    Raises `Refusal` where several members have this name.
    """
    members = Member.objects.filter(association=association)
    handle = name.strip().removeprefix("@")
    for found in (members.filter(handle=handle.lower()), members.filter(id=handle)):
        if one := found.first():
            return one
    named = Names(association).whom(name)
    if len(named) > 1:
        handles = members.filter(id__in=named).order_by("handle").values_list("handle", flat=True)
        raise Refusal(
            say(
                "{n} members are called so: {handles}",
                n=len(named),
                handles=", ".join(handles),
            ),
            say("name one by their handle"),
        )
    return members.get(id=named[0]) if named else None


class Names:
    """Whom one means by what somebody is called, for many to be asked about."""

    def __init__(self, association: str) -> None:
        self._handles: dict[str, str] = {}
        self._names: dict[str, list[tuple[str, str]]] = {}
        rows = Member.objects.filter(association=association, erased=False)
        for id, handle, name in rows.values_list("id", "handle", "name"):
            self._handles[handle] = id
            self._names.setdefault(_alike(name), []).append((id, name))

    def whom(self, text: str) -> list[str]:
        """The ids of those who are called so: by a handle, with or without @; else by their whole
        name, as it is written, or else whatever its case and accents. Several may have one name."""
        handle = self._handles.get(text.strip().removeprefix("@").lower())
        if handle is not None:
            return [handle]
        named = self._names.get(_alike(text), [])
        exactly = [id for id, name in named if name == " ".join(text.split())]
        return exactly or [id for id, _ in named]


def _alike(name: str) -> str:
    from toutdoux.tables.columns import folded  # much to load, where a handle is given

    return folded(name) or name.strip().casefold()  # a name may be all signs


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
    bodies = _bodies(association, subject)
    _fill(bodies, texts_of(_committed(bodies)), erased)
    return bodies


def _bodies(association: str, subject: str) -> list[Body]:
    return [orjson.loads(bytes(one.body)) for one in book.entries_about(association, subject)]


def _committed(bodies: Iterable[Body]) -> Iterator[str]:
    for body in bodies:
        for commitment in (*body["data"].get("texts", {}).values(), body.get("operator")):
            if commitment:
                yield commitment


def _fill(bodies: Iterable[Body], texts: Mapping[str, str], erased: str) -> None:
    for body in bodies:
        told = body["data"].get("texts", {})
        for name, commitment in told.items():
            told[name] = texts.get(commitment, erased)
        if "operator" in body:
            body["operator"] = texts.get(body["operator"], erased)


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is known of one action."""

    standing: Standing
    """With every member, and every vote on it."""
    action: core.Action
    entries: Sequence[Body]
    """What the ledger says of it."""
    handles: Mapping[str, str]
    """The members' handles, by id."""


def whole(
    ledger: Ledger, ref: str, now: datetime, erased: str, members: people.Members | None = None
) -> Whole | None:
    """All that is known of one action at the present instant; None if there is none such.

    Six queries, however much there is. The arguments are those of `standing`; `members` are all
    there are, if they were read before.
    """
    standing = _stand(ledger, now, erased, [ref], [ref], members)
    action = standing.actions.get(ref)
    if action is None:
        return None
    entries = _bodies(ledger.id, ref)
    texts = texts_of([*_commitments([action]), *_committed(entries)])
    _give([action], texts, erased)
    _fill(entries, texts, erased)
    assert isinstance(standing.members, people.Members)
    return Whole(standing, action, entries, standing.members.handles)


def preview(association: str, event: h.Proposed, erased: str) -> tuple[Standing, core.Action]:
    """What an action would be if it were proposed, and the standing with nothing but that.

    The core plays it as it will when it is proposed; nothing is written.

    Raises:
        Refusal: it makes no sense.
    """
    ledger = Ledger.objects.get(id=association)
    members, charters = everybody(association, erased)
    play = Play(members, charters, now=ledger.played_until, granted=members.granted)
    play.take(event, STEP * (ledger.length + 1))
    standing = replace(play.standing(), at=event.at)
    (action,) = standing.actions.values()
    return standing, action


def everybody(association: str, erased: str) -> tuple[people.Members, list[h.CharterVersion]]:
    """All members there have been, and the charter's versions, the one in force last."""
    members = people.Members(association, forgotten=erased)
    members.read_all()
    return members, people.charters(association)


def refs_for(association: str, member: str, now: datetime, *, decided: int) -> list[str]:
    """The references of the actions that concern a member today: what is open, what they have to
    do, and the last `decided` that were decided."""
    rows = models.Action.objects.filter(association=association).order_by()
    lately = rows.filter(decided_at__isnull=False).order_by("-decided_at")[:decided]
    # Apart, because an index serves each; what is undecided is due some day.
    wanted = (
        rows.filter(due_at__isnull=False, state__in=_OPEN),
        rows.filter(closes_at__gt=now),
        rows.filter(leader=member, state=State.ADOPTED, followed_up__in=UNFINISHED),
        rows.filter(pk__in=list(lately.values_list("pk", flat=True))),
    )
    refs = [one.values_list("order", "ref") for one in wanted]
    return [ref for _, ref in sorted(refs[0].union(*refs[1:]))]
