"""The home of a member: what awaits them first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from toutdoux.actions import reading
from toutdoux.actions.models import Action
from toutdoux.association.models import Association
from toutdoux.core.history import UNFINISHED, State
from toutdoux.core.replay import UNDECIDED, Standing
from toutdoux.core.voters import awaiting, decides
from toutdoux.ledger.models import Ledger

from ..asked import Asked
from ..cards import card
from ..door import Visit, page, seats_of
from ..live import settled
from ..speech import render
from . import public

LATELY = 5


def home(request: Any) -> HttpResponse:
    """Where somebody comes in without saying where to."""
    if not request.user.is_authenticated:
        if not Association.objects.exists():
            return render(request, "not_founded.html")
        return HttpResponseRedirect(reverse("account_login"))
    seats = seats_of(request.user, request.now)
    slugs = [seat.member.association.slug for seat in seats.order_by("since")]
    if len(slugs) == 1:
        return HttpResponseRedirect(reverse("today", kwargs={"slug": slugs[0]}))
    return render(
        request, "home.html", {"associations": [seat.member.association for seat in seats]}
    )


@page(public="anything")
def today(visit: Visit) -> HttpResponse:
    if visit.member is None:
        return public.home(visit)
    standing = _standing(visit)
    names = {one.leader: standing.members[one.leader].name for one in standing.actions.values()}
    cards = {one.ref: card(standing, one, visit.me, names) for one in standing.actions.values()}
    # A vote that decides nothing any more is asked for last, or not at all by a counter-vote.
    asked = awaiting(standing, visit.me)
    awaited = [one.action.ref for one in asked if decides(one.action, one.ballot)]
    counted = [one.action.ref for one in asked if one.action.decision is not None]
    return visit.render(
        "today.html",
        awaited=[cards[ref] for ref in awaited],
        counted=[cards[ref] for ref in counted],
        contested=[
            one
            for one in cards.values()
            if one.action.state in (State.CONTESTED, State.COUNTER_VOTE) and one.ref not in awaited
        ],
        open=[
            one
            for one in cards.values()
            if one.action.state is State.OPEN and one.ref not in awaited
        ],
        led=[
            one
            for one in cards.values()
            if one.action.leader == visit.me and one.action.state in UNDECIDED
        ],
        mine=sorted(
            (
                one
                for one in cards.values()
                if one.action.leader == visit.me and one.action.follow_up in UNFINISHED
            ),
            key=lambda one: one.action.order,
        ),
        decided=sorted(
            (one for one in cards.values() if one.action.decision is not None),
            key=lambda one: one.action.decision.at,  # type: ignore[union-attr]
            reverse=True,
        )[:LATELY],
    )


# --- where it stands -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Kept:
    """Where an association stood, and what tells whether it still does."""

    ledger: tuple[object, ...]
    standing: Standing


_MOST = 32
_kept: dict[tuple[str, str], _Kept] = {}
"""What concerns everybody is the same for all who come until something is recorded or falls due:
so it is kept in the process, by the association and by how its language says what was forgotten."""


def _standing(visit: Visit) -> Standing:
    """Where the actions stand that concern everybody today, and those the member has to do.

    There may be others, which other members have to do.
    """
    ledger = settled(visit)
    key, now = (visit.id, visit.erased), visit.now
    version = (ledger.head, ledger.played_until, ledger.due_at)
    kept = _kept.get(key)
    if kept is not None and kept.ledger == version and _holds(kept.standing, ledger, now):
        return _with_mine(visit, ledger, replace(kept.standing, at=now))
    refs = reading.refs_for(visit.id, visit.me, now, decided=LATELY)
    standing = reading.standing(
        visit.id, now, visit.erased, only=refs, ledger=ledger, members=[visit.me]
    )
    if len(_kept) >= _MOST and key not in _kept:
        _kept.clear()
    _kept[key] = _Kept(version, standing)
    return standing


def _holds(standing: Standing, ledger: Ledger, now: datetime) -> bool:
    """Whether time changed nothing since: what was due later is not due yet."""
    return standing.at <= now and (ledger.due_at is None or now < ledger.due_at)


def _with_mine(visit: Visit, ledger: Ledger, standing: Standing) -> Standing:
    rows = _MINE(association=visit.id, member=visit.me)
    refs = [ref for (ref,) in rows if ref not in standing.actions]
    if not refs:
        return standing
    mine = reading.standing(visit.id, visit.now, visit.erased, only=refs, ledger=ledger)
    return replace(standing, actions={**standing.actions, **mine.actions})


_MINE = Asked(
    lambda association, member: Action.objects.filter(
        association=association,
        leader=member,
        state=State.ADOPTED.value,
        followed_up__in=[one.value for one in UNFINISHED],
    ).values_list("ref"),
    association=str,
    member=str,
)


urls = [path("", today, name="today")]
