"""The home of a member: what awaits them first."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path, reverse

from toutdoux.actions import reading
from toutdoux.core.history import UNFINISHED, State
from toutdoux.core.voters import awaiting

from ..cards import card
from ..door import Visit, page, seats_of
from ..live import settled
from ..speech import render
from . import public

LATELY = 5


def home(request: Any) -> HttpResponse:
    """Where somebody comes in without saying where to."""
    if not request.user.is_authenticated:
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
    ledger = settled(visit)
    refs = reading.refs_for(visit.id, visit.me, visit.now, decided=LATELY)
    standing = reading.standing(
        visit.id, visit.now, visit.erased, only=refs, ledger=ledger, members=[visit.me]
    )
    names = {one.leader: standing.members[one.leader].name for one in standing.actions.values()}
    cards = {one.ref: card(standing, one, visit.me, names) for one in standing.actions.values()}
    awaited = list(dict.fromkeys(one.action.ref for one in awaiting(standing, visit.me)))
    return visit.render(
        "today.html",
        awaited=[cards[ref] for ref in awaited],
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
        mine=[
            one
            for one in cards.values()
            if one.action.leader == visit.me and one.action.follow_up in UNFINISHED
        ],
        decided=sorted(
            (one for one in cards.values() if one.action.decision is not None),
            key=lambda one: one.action.decision.at,  # type: ignore[union-attr]
            reverse=True,
        )[:LATELY],
    )


urls = [path("", today, name="today")]
