"""Finding actions: a page of all there are, those of a period, the board of things to do.

Read from the tables as they were last written down, so settle first. Each takes a few queries,
however many actions there are, and reads the texts of those it returns only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models.functions import Cast, RowNumber

from toutdoux.association import people
from toutdoux.association.models import Association, Member, Membership
from toutdoux.core import action as core
from toutdoux.core.charter import Kind, Starts
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.entries import ImportedAction
from toutdoux.core.history import CharterVersion, FollowUp, History, State
from toutdoux.core.instants import first_instant
from toutdoux.core.journal import Period
from toutdoux.core.replay import UNDECIDED, Standing
from toutdoux.core.roll import Member as OnRoll
from toutdoux.ledger.models import Entry, Ledger, Text

from . import models
from .rows import STORED, action_of, course_of

IMPORTED = "imported"
"""The state of what is known from a table kept by hand, where one looks for it."""

LEADERLESS = "leaderless"
"""The part of the board for what has lost its leader and is not over."""

_LONGEST = 200
_MOST_WORDS = 8


def due(association: str, now: datetime) -> bool:
    """Whether something is to be settled. One query, and none of the ledger's locks."""
    due_at = Ledger.objects.values_list("due_at", flat=True).get(id=association)
    return due_at is not None and due_at <= now


# --- a page of all actions -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which actions are looked for; what is empty does not matter."""

    text: str = ""
    """Words of the object, all of them, whatever their case and accents; or a reference."""
    state: str = ""
    """A `State`, or `IMPORTED`."""
    kind: str = ""
    leader: str = ""
    """A handle, or a part of a name."""
    period: Period | None = None
    among: QuerySet[Any] | None = None
    """The references to look among."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An action in a list."""

    ref: str
    kind: Kind
    state: State | None
    """None where only its tally is known."""
    object: str
    leader: str
    """The leader's name."""
    day: date
    """The day it was proposed, local time."""
    closes_at: datetime | None
    for_: int
    against: int
    expressed: int
    link: str | None

    @property
    def abstain(self) -> int:
        return self.expressed - self.for_ - self.against


def find(
    association: Association, wanted: Wanted, first: int, many: int, erased: str
) -> tuple[int, list[Listed]]:
    """How many actions are as wanted, and some of them, the newest first.

    Args:
        association: its row.
        wanted: which ones.
        first: how many of them to leave out.
        many: how many to return at most.
        erased: what stands for a text that was forgotten.
    """
    zone = ZoneInfo(association.time_zone)
    live, past = _live(association.pk, wanted, zone), _past(association.pk, wanted)
    day = Cast("date", DateTimeField())
    columns = ("at", "place", "id", "past")
    both = (
        live.order_by()
        .annotate(at=F("proposed_at"), place=F("order"), past=Value(0))
        .values_list(*columns)
        .union(
            past.order_by()
            .annotate(at=day, place=F("number"), past=Value(1))
            .values_list(*columns),
            all=True,
        )
    )
    count = both.count()
    page = list(both.order_by("-at", "-place", "-id")[first : first + many]) if count else []
    told: dict[tuple[int, int], Listed] = {}
    if here := [id for _, _, id, is_past in page if not is_past]:
        told |= {(0, row["id"]): _listed(row, zone, erased) for row in _live_rows(here)}
    if here := [id for _, _, id, is_past in page if is_past]:
        rows = _told_by_hand(models.ImportedAction.objects.filter(pk__in=here))
        told |= {(1, row["id"]): _listed_past(row, erased) for row in rows}
    return count, [told[is_past, id] for _, _, id, is_past in page if (is_past, id) in told]


def _live(association: str, wanted: Wanted, zone: ZoneInfo) -> QuerySet[models.Action]:
    rows = models.Action.objects.filter(association=association)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.period is not None:
        rows = rows.filter(_proposed_in(wanted.period, zone))
    if wanted.leader:
        rows = rows.filter(leader__in=_called(association, wanted.leader).values("id"))
    if wanted.text:
        later = models.Version.objects.filter(
            action=OuterRef("action"), number__gt=OuterRef("number")
        )
        said = models.Version.objects.filter(
            ~Exists(later),
            action__association=association,
            object__in=_saying(association, wanted.text),
        )
        rows = rows.filter(Q(pk__in=said.values("action")) | Q(ref__iexact=wanted.text.strip()))
    return _either(rows, wanted)


def _past(association: str, wanted: Wanted) -> QuerySet[models.ImportedAction]:
    rows = models.ImportedAction.objects.filter(association=association)
    if wanted.state not in ("", IMPORTED):
        rows = rows.filter(state=wanted.state)
    if wanted.period is not None:
        rows = rows.filter(date__gte=wanted.period.first, date__lte=wanted.period.last)
    if wanted.leader:
        members = _called(association, wanted.leader)
        named = Q(leader__in=_saying(association, wanted.leader), leader_id__isnull=True)
        rows = rows.filter(named | Q(leader_id__in=members.values("id")))
    if wanted.text:
        said = Q(object__in=_saying(association, wanted.text))
        rows = rows.filter(said | Q(ref__iexact=wanted.text.strip()))
    return _either(rows, wanted)


def _either(rows: QuerySet[Any], wanted: Wanted) -> QuerySet[Any]:
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    return rows if wanted.among is None else rows.filter(ref__in=wanted.among)


def _proposed_in(period: Period, zone: ZoneInfo) -> Q:
    return Q(
        proposed_at__gte=first_instant(period.first, zone),
        proposed_at__lt=first_instant(period.last + timedelta(days=1), zone),
    )


def _called(association: str, name: str) -> QuerySet[Member]:
    """The members of a handle, or else those whose names have all these words."""
    members = Member.objects.filter(association=association, erased=False).order_by()
    handle = name.strip().removeprefix("@").lower()
    exactly = members.filter(handle=handle)
    words = Q(*(Q(name__iregex=pattern) for pattern in _patterns(name)))
    return members.filter(Q(handle=handle) | (words & ~Q(Exists(exactly))))


def _saying(association: str, text: str) -> QuerySet[Any]:
    """The commitments to texts that have all these words in them."""
    texts = Text.objects.filter(ledger=association)
    for pattern in _patterns(text):
        texts = texts.filter(text__iregex=pattern)
    return texts.order_by().values("commitment")


def _accented() -> Mapping[str, str]:
    """Letters, each with all those of Latin scripts that it is the base of, in both cases."""
    found: dict[str, str] = {}
    for letter in map(chr, range(0xC0, 0x180)):
        base = _bare(letter)
        if len(base) == 1 and base.isascii():
            found[base] = found.get(base, "") + letter
    return found


def _bare(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


_ACCENTED = _accented()


def _patterns(text: str) -> list[str]:
    """What finds each word of a text, with or without its accents, on every database."""
    words = _bare(text.replace("\0", " ")[:_LONGEST]).split()[:_MOST_WORDS]
    return ["".join(map(_pattern, word)) for word in words]


def _pattern(char: str) -> str:
    if char in _ACCENTED:
        return f"[{char}{char.upper()}{_ACCENTED[char]}]"
    return re.escape(char) if char.isascii() else char


def _text(column: str) -> Subquery:
    """The text of a commitment; NULL where it was forgotten."""
    return Subquery(Text.objects.filter(pk=OuterRef(column)).values("text")[:1])


def _name(column: str) -> Subquery:
    return Subquery(Member.objects.filter(pk=OuterRef(column)).order_by().values("name")[:1])


def _worded(rows: QuerySet[models.Action]) -> QuerySet[models.Action]:
    """With the text of the last wording as `object`."""
    last = models.Version.objects.filter(action=OuterRef("pk")).order_by("-number")
    rows = rows.annotate(wording=Subquery(last.values("object")[:1]))
    return rows.annotate(object=_text("wording"))


def _live_rows(ids: Sequence[int]) -> QuerySet[Any, Any]:
    rows = _worded(models.Action.objects.filter(pk__in=ids))
    return rows.annotate(leader_name=_name("leader"), link_text=_text("link")).values(
        "id",
        "ref",
        "kind",
        "state",
        "object",
        "leader_name",
        "proposed_at",
        "closes_at",
        "votes_for",
        "votes_against",
        "votes_abstain",
        "link_text",
    )


def _listed(row: Mapping[str, Any], zone: ZoneInfo, erased: str) -> Listed:
    return Listed(
        ref=row["ref"],
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        object=row["object"] or erased,
        leader=row["leader_name"] or erased,
        day=row["proposed_at"].astimezone(zone).date(),
        closes_at=row["closes_at"],
        for_=row["votes_for"],
        against=row["votes_against"],
        expressed=row["votes_for"] + row["votes_against"] + row["votes_abstain"],
        link=row["link_text"],
    )


def _told_by_hand(rows: QuerySet[models.ImportedAction]) -> QuerySet[Any, Any]:
    texts = {f"{name}_text": _text(name) for name in ("object", "leader", "link")}
    return rows.annotate(**texts, leader_name=_name("leader_id")).values()


def _imported(row: Mapping[str, Any], erased: str) -> ImportedAction:
    return ImportedAction(
        ref=row["ref"],
        kind=Kind(row["kind"]),
        number=row["number"],
        object=row["object_text"] or erased,
        leader=(row["leader_text"] or erased) if row["leader"] else "",
        leader_id=row["leader_id"],
        date=row["date"],
        for_=row["votes_for"],
        against=row["votes_against"],
        expressed=row["expressed"],
        link=(row["link_text"] or erased) if row["link"] else None,
        course=course_of(row),
    )


def _listed_past(row: Mapping[str, Any], erased: str) -> Listed:
    one = _imported(row, erased)
    return Listed(
        ref=one.ref,
        kind=one.kind,
        state=one.course.state if one.course else None,
        object=one.object,
        leader=(row["leader_name"] or erased) if row["leader_id"] else one.leader,
        day=one.date,
        closes_at=None,
        for_=one.for_,
        against=one.against,
        expressed=one.expressed,
        link=row["link_text"],
    )


# --- some of them, as the core knows them --------------------------------------------------------


def _actions(
    rows: QuerySet[models.Action], charters: Sequence[CharterVersion], erased: str
) -> list[core.Action]:
    """Actions as the core knows them, with their tallies and their last wording; without votes,
    and without the follow-up's links."""
    rows = _worded(rows).annotate(link_text=_text("link"), note_text=_text("note"))
    actions = []
    for row in rows.values(*STORED, "object", "link_text", "note_text"):
        version = core.Version(row["opened_at"], row["object"] or erased)
        action = action_of(row, charters, (), [version])
        action.link = row["link_text"]
        action.note = (row["note_text"] or erased) if row["note"] else ""
        action.links = ()
        actions.append(action)
    return actions


def of_period(
    association: Association, period: Period, now: datetime, erased: str
) -> tuple[Chronicle, Standing]:
    """What the inventory of a period is made of: its actions and their leaders, nothing else."""
    zone = ZoneInfo(association.time_zone)
    charters = people.charters(association.pk)
    rows = models.Action.objects.filter(_proposed_in(period, zone), association=association)
    actions = _actions(rows.order_by("order"), charters, erased)
    past = models.ImportedAction.objects.filter(
        association=association, date__gte=period.first, date__lte=period.last
    )
    imported = [_imported(row, erased) for row in _told_by_hand(past)]
    leaders = {one.leader for one in actions} | {one.leader_id for one in imported}
    named = Member.objects.filter(pk__in=leaders - {None}).order_by().values_list("id", "name")
    members = {id: OnRoll(id, name or erased, []) for id, name in named}
    chronicle = Chronicle(
        name=association.name,
        zone=zone,
        language=association.language,
        history=History(charter=charters[0].charter, members=[], events=()),
        periods=[period],
        reports={},
        imported=imported,
    )
    by_ref = {one.ref: one for one in actions}
    return chronicle, Standing(now, by_ref, tuple(charters), members)


# --- the board of things to do -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the board: a follow-up's value, or `LEADERLESS`."""

    count: int
    """How many actions it has in all."""
    actions: Sequence[core.Action]
    """Some of them, those that something was last recorded about first."""


def board(
    association: str,
    now: datetime,
    erased: str,
    *,
    part: str = "",
    first: int = 0,
    many: int = 25,
) -> dict[str, Part]:
    """The actions that may have started, by where they are among the things to do.

    Args:
        association: its id.
        now: the present instant, in UTC.
        erased: what stands for a text that was forgotten.
        part: the only part that is wanted.
        first: of each part, how many actions to leave out.
        many: of each part, how many actions to return at most.
    """
    charters = people.charters(association)
    rows = _started(association, charters).annotate(part=_part(now))
    if part:
        rows = rows.filter(part=part)
    last = Entry.objects.filter(ledger=association, subject=OuterRef("ref")).order_by("-seq")
    touched = Subquery(last.values("seq")[:1], output_field=IntegerField())
    ranked = (
        rows.order_by()
        .annotate(
            rank=Window(
                RowNumber(), partition_by=F("part"), order_by=[touched.desc(), F("order").desc()]
            ),
            count=Window(Count("pk"), partition_by=F("part")),
        )
        .filter(rank__gt=first, rank__lte=first + many)
        .values_list("ref", "part", "count", "rank")
    )
    places = {ref: (name, count, rank) for ref, name, count, rank in ranked}
    wanted = models.Action.objects.filter(association=association, ref__in=places)
    found: dict[str, list[tuple[int, core.Action]]] = {}
    for action in _actions(wanted, charters, erased) if places else ():
        name, _, rank = places[action.ref]
        if action.follow_up is not None:
            found.setdefault(name, []).append((rank, action))
    counts = {name: count for name, count, _ in places.values()}
    return {
        name: Part(counts[name], [one for _, one in sorted(some, key=lambda pair: pair[0])])
        for name, some in found.items()
    }


def _started(association: str, charters: Iterable[CharterVersion]) -> QuerySet[models.Action]:
    """What has a follow-up, as `core.action.Action.follow_up` says."""
    undecided = [state.value for state in UNDECIDED]
    may = Q(state=State.ADOPTED)
    for version in charters:
        for kind in Kind:
            if version.charter.rules(kind).starts is Starts.WHEN_PROPOSED:
                may |= Q(state__in=undecided, charter=version.number, kind=kind.value)
    rows = models.Action.objects.filter(may, association=association)
    return rows.filter(Q(condition__isnull=True) | Q(condition_met_at__isnull=False))


def _part(now: datetime) -> Case:
    there = Membership.objects.filter(
        Q(left__isnull=True) | Q(left__gt=now), member=OuterRef("leader"), joined__lte=now
    )
    over = Q(followed_up__in=[FollowUp.DONE.value, FollowUp.ABANDONED.value])
    return Case(
        When(~over & ~Q(Exists(there)), then=Value(LEADERLESS)),
        default=F("followed_up"),
        output_field=CharField(),
    )


def one_to_do(association: str, ref: str, erased: str) -> core.Action | None:
    """An action that has a follow-up; None if there is none of this reference."""
    charters = people.charters(association)
    rows = _started(association, charters).filter(ref=ref)
    return next((one for one in _actions(rows, charters, erased) if one.follow_up), None)


# --- what goes out -------------------------------------------------------------------------------


def open_refs(association: str, now: datetime, *, decided: bool = True) -> list[str]:
    """The references of the actions on which votes are taken, the soonest end first.

    `decided` says whether with those that are decided already, where everyone can still be counted.
    """
    taken = Q(state__in=[state.value for state in UNDECIDED])
    if decided:
        taken |= Q(closes_at__gt=now)
    opened = models.Action.objects.filter(taken, association=association)
    return list(opened.order_by("closes_at").values_list("ref", flat=True))


def latest_refs(association: str, many: int) -> list[str]:
    """The references of what was proposed, amended or decided last."""
    rows = models.Action.objects.filter(association=association)
    lately = [
        *rows.order_by("-opened_at").values_list("ref", flat=True)[:many],
        *rows.filter(decided_at__isnull=False)
        .order_by("-decided_at")
        .values_list("ref", flat=True)[:many],
    ]
    return list(dict.fromkeys(lately))
