"""What everybody may read, once the association turned it on; and what other programs follow.

Nobody's vote is ever shown here, nor who leads an action: see `masking`.
"""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse

from toutdoux.actions import reading, searching
from toutdoux.actions.chronicle import periods as periods_of
from toutdoux.core.action import Action
from toutdoux.core.history import UNFINISHED, BallotName, FollowUp
from toutdoux.core.replay import Standing
from toutdoux.core.voters import awaiting, open_ballots
from toutdoux.core.words import say
from toutdoux.journal.models import Publication
from toutdoux.language import Language
from toutdoux.ledger.models import Ledger

from ..cards import card
from ..door import Visit, page, seats_of, settle
from ..feeds import Deadline, News, Task, atom, calendar, stable_id
from ..markdown import to_text
from ..masking import mask, masks
from ..models import Seat
from ..speech import absolute

LATEST = 30
"""Entries of the feed."""

MOST_OPEN = 25
"""Open actions on the public home."""


def _standing(visit: Visit, refs: list[str]) -> Standing:
    """Where some actions stand, as the visit may read them."""
    standing = reading.standing(visit.id, visit.now, visit.erased, only=refs)
    if masks(visit):
        for one in standing.actions.values():
            mask(one)
    return standing


def home(visit: Visit) -> HttpResponse:
    """An association's home for those who are no members of it: what it shows to everybody."""
    shows = visit.settings
    cards = []
    count = 0
    if shows.public_actions:
        visit.settle()
        refs = searching.open_refs(visit.id, visit.now, decided=False)
        count = len(refs)
        standing = _standing(visit, refs[:MOST_OPEN])
        actions = sorted(standing.actions.values(), key=lambda one: one.closes_at)
        cards = [card(standing, one, "", {}) for one in actions]
    periods = []
    if shows.public_inventory:
        periods = sorted(periods_of(visit.id), key=lambda one: one.first, reverse=True)
    reports = []
    if shows.public_reports:
        published = Publication.objects.filter(association=visit.id).order_by("-published_at")
        reports = list(dict.fromkeys(published.values_list("period", flat=True)))
    return visit.render(
        "public_home.html", cards=cards, count=count, periods=periods, reports=reports
    )


# --- for other programs --------------------------------------------------------------------------


def _address(name: str, slug: str, **arguments: object) -> str:
    return absolute(reverse(name, kwargs={"slug": slug, **arguments}))


def _own_language(visit: Visit) -> Language:
    """The association's: what is followed is the same for everybody."""
    return Language(visit.association.language, visit.language.zone)


def _line(action: Action) -> str:
    """The beginning of an action's object."""
    text = " ".join(to_text(action.object).split())
    return text if len(text) <= 100 else text[:99].rstrip() + "…"


@page(public="actions", program=True)
def feed(visit: Visit) -> HttpResponse:
    """The latest actions and decisions, as the public reads them, whoever asks."""
    _only_if_public(visit)
    visit.settle()
    language = _own_language(visit)
    refs = searching.latest_refs(visit.id, LATEST)
    standing = reading.standing(visit.id, visit.now, language.word("(erased)"), only=refs)
    news: list[News] = []
    for action in standing.actions.values():
        if not visit.settings.show_mentions:
            mask(action)
        news += news_of(visit.id, language, action, _address("action", visit.slug, ref=action.ref))
    news.sort(key=lambda one: (one.updated, one.id), reverse=True)
    latest = news[:LATEST]
    begun = Ledger.objects.get(id=visit.id).recorded_at if not latest else None
    content = atom(
        id=stable_id(visit.id, "feed"),
        title=visit.association.name,
        language=language.code,
        author=visit.association.name,
        url=_address("feed", visit.slug),
        page=_address("actions", visit.slug),
        updated=latest[0].updated if latest else begun or visit.now,
        news=latest,
    )
    return HttpResponse(content, content_type="application/atom+xml; charset=utf-8")


def news_of(association: str, language: Language, action: Action, url: str) -> list[News]:
    """What there is to tell of an action: that it was proposed, then how it was decided.

    Args:
        association: its id.
        language: in which it is told.
        action: the action, masked where it must be.
        url: the address of its page.
    """
    opened = action.opening.at
    what = say("{ref}, {kind}: {object}", ref=action.ref, kind=action.kind, object=_line(action))
    closes = say("The vote is open until {at}.", at=action.window_end)
    told = [
        News(
            id=stable_id(association, action.ref, "proposed"),
            title=language.say(what),
            text=f"{to_text(action.object)}\n\n{language.say(closes)}",
            url=url,
            published=action.proposed_at,
            updated=opened,
        )
    ]
    decision = action.decision
    if decision is not None:
        outcome = language.outcome(action.state, decision.how)
        title = say(
            "{ref} is {outcome}: {object}", ref=action.ref, outcome=outcome, object=_line(action)
        )
        told.append(
            News(
                id=stable_id(association, action.ref, "decided"),
                title=language.say(title),
                text=to_text(action.object),
                url=url,
                published=decision.at,
                updated=decision.at,
            )
        )
    return told


@page(public="actions", program=True)
def deadlines(visit: Visit) -> HttpResponse:
    """The ends of the votes that are open, as the public reads them, whoever asks."""
    _only_if_public(visit)
    visit.settle()
    language = _own_language(visit)
    refs = searching.open_refs(visit.id, visit.now)
    standing = reading.standing(visit.id, visit.now, language.word("(erased)"), only=refs)
    if not visit.settings.show_mentions:
        for action in standing.actions.values():
            mask(action)
    items = _deadlines(visit.id, visit.slug, language, standing)
    return _calendar(visit.association.name, items)


def _only_if_public(visit: Visit) -> None:
    # A member who asks in their browser gets what a visitor would get.
    if not visit.settings.public_actions:
        raise Http404


def mine(request: Any, slug: str, secret: str) -> HttpResponse:
    """A member's own calendar, by an address that only they know."""
    if "\0" in slug + secret:
        raise Http404
    seat = (
        Seat.objects.select_related("account")
        .filter(secret=secret, account__is_active=True, member__association__slug=slug)
        .first()
    )
    # Whoever left has none any more.
    seat = seat and seats_of(seat.account, request.now).filter(pk=seat.pk).first()
    if seat is None:
        raise Http404
    association, me = seat.member.association, seat.member_id
    settle(association.pk, request.now)
    zone = ZoneInfo(association.time_zone)
    language = Language(seat.account.language or association.language, zone)
    erased = language.word("(erased)")
    refs = reading.refs_for(association.pk, me, request.now, decided=0)
    standing = reading.standing(association.pk, request.now, erased, only=refs)
    awaited = {(one.action.ref, one.ballot) for one in awaiting(standing, me)}
    items: list[Deadline | Task] = [*_deadlines(association.pk, slug, language, standing, awaited)]
    for action in standing.actions.values():
        if action.leader == me and action.follow_up in UNFINISHED:
            title = say("To do: {ref}, {object}", ref=action.ref, object=_line(action))
            items.append(
                Task(
                    id=stable_id(association.pk, action.ref, "task"),
                    title=language.say(title),
                    text=to_text(action.object),
                    url=_address("action", slug, ref=action.ref),
                    since=action.may_start_at or action.proposed_at,
                    begun=action.follow_up is FollowUp.DOING,
                )
            )
    return _calendar(association.name, items)


def _deadlines(
    association: str,
    slug: str,
    language: Language,
    standing: Standing,
    awaited: set[tuple[str, BallotName]] | None = None,
) -> list[Deadline]:
    """The ends of the open votes; for a member, with which ones await theirs."""
    found = []
    for action in standing.actions.values():
        for name, _, closes_at in open_ballots(action, standing.at):
            counter = action.counter_vote if name is BallotName.COUNTER_VOTE else None
            ends = (
                say("{ref}: the vote on cancelling it ends", ref=action.ref)
                if counter
                else say("{ref}: the vote ends", ref=action.ref)
            )
            text = action.object
            if awaited is not None and (action.ref, name) in awaited:
                text = "\n\n".join((language.say(say("Your vote is awaited.")), text))
            found.append(
                Deadline(
                    id=stable_id(association, action.ref, name),
                    title=f"{language.say(ends)} · {_line(action)}",
                    text=text,
                    url=_address("action", slug, ref=action.ref),
                    at=closes_at,
                    since=counter.called_at if counter else action.opening.at,
                )
            )
    return sorted(found, key=lambda one: (one.at, one.id))


def _calendar(name: str, items: list[Any]) -> HttpResponse:
    return HttpResponse(calendar(name, items), content_type="text/calendar; charset=utf-8")


def robots(request: HttpRequest) -> HttpResponse:
    """For search engines: what is not public says so itself, in a header."""
    text = "User-agent: *\nDisallow: /account/\nDisallow: /api/\n"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


urls = [
    path("feed.atom", feed, name="feed"),
    path("calendar.ics", deadlines, name="calendar"),
    path("calendar/<str:secret>.ics", mine, name="my_calendar"),
]
