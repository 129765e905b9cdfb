"""My own page: who I am here, what I am told of, my keys, and all that is kept of me."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from toutdoux.actions import commands, reading
from toutdoux.actions.models import Action, Vote
from toutdoux.association import roster
from toutdoux.association.stewards import stewards
from toutdoux.core.chain import Body
from toutdoux.core.instants import utc_text
from toutdoux.core.words import Refusal, say
from toutdoux.language import LANGUAGES
from toutdoux.ledger.models import Entry

from .. import kinds, tokens
from ..door import Visit, page
from ..forms import Form
from ..models import Comment, Draft, Seat, Token, secret
from .members import name_form, renamed
from .site import A_YEAR

TOKENS = 20
"""How many tokens somebody may have."""


@require_GET
@page
def me(visit: Visit) -> HttpResponse:
    return _my_page(visit)


def seat_of(visit: Visit) -> Seat:
    assert visit.seat is not None
    return visit.seat


def _my_page(visit: Visit, status: int = 200, **context: Any) -> HttpResponse:
    seat = seat_of(visit)
    assert visit.member is not None
    return visit.render(
        "me.html",
        status,
        account=seat.account,
        enrolment=roster.enrolled(visit.id, visit.now, [visit.me])[visit.me],
        roles=list(roster.roles(visit.id, visit.today, [visit.me])),
        kinds=[(one, kinds.LABELS[one], kinds.pace(seat.notices, one)) for one in kinds.Kind],
        paces=[(one, kinds.LABELS[one]) for one in kinds.Pace],
        mail=settings.MAIL_IS_SENT,
        tokens=list(seat.tokens.order_by("-made")),
        calendar=calendar_of(visit),
        **{"form": name_form(visit.member), "token_form": Form(), "token": None} | context,
    )


def calendar_of(visit: Visit) -> str:
    """The whole address of the member's own calendar."""
    own = visit.url("my_calendar", secret=seat_of(visit).secret)
    return f"{settings.PUBLIC_URL}{own}"


# --- who I am, and how I am spoken to ------------------------------------------------------------


@require_POST
@page
def profile(visit: Visit) -> HttpResponse:
    assert visit.member is not None
    form = Form(visit.request.POST)
    if renamed(visit, visit.member, form):
        return visit.to("me", say("This is noted"))
    return _my_page(visit, form.status, form=form)


@require_POST
@page
def display(visit: Visit) -> HttpResponse:
    """Keep the language and the colours, for this browser and for the next."""
    posted = visit.request.POST
    account = seat_of(visit).account
    response = visit.to("me", say("This is noted"))
    for name, cookie, known in (
        ("language", "lang", LANGUAGES),
        ("theme", "theme", ("light", "dark")),
    ):
        told = posted.get(name, "")
        setattr(account, name, told if told in known else "")
        if told in known:
            secure = visit.request.is_secure()
            response.set_cookie(cookie, told, max_age=A_YEAR, samesite="Lax", secure=secure)
        else:
            response.delete_cookie(cookie, samesite="Lax")
    account.save(update_fields=["language", "theme"])
    return response


@require_POST
@page
def notices(visit: Visit) -> HttpResponse:
    """Keep what I am told of, and when."""
    seat = seat_of(visit)
    told = {kind: visit.request.POST.get(kind.value) for kind in kinds.Kind}
    known = {kind: kinds.Pace(pace) for kind, pace in told.items() if pace in {*kinds.Pace}}
    seat.notices |= {kind.value: pace.value for kind, pace in known.items()}
    # What is as everybody has it is not kept, and follows if that ever changes.
    seat.notices = {
        kind: pace for kind, pace in seat.notices.items() if kinds.DEFAULTS.get(kind) != pace
    }
    seat.save(update_fields=["notices"])
    return visit.to("me", say("This is noted"))


# --- keys ----------------------------------------------------------------------------------------


@require_POST
@page
def make_token(visit: Visit) -> HttpResponse:
    """Make a key to the API. It is shown now, and never again."""
    seat = seat_of(visit)
    form = Form(visit.request.POST)
    name = form.line("name", say("the token's name"))
    if len(name) > tokens.LONGEST_NAME:
        form.problems["name"] = say(
            "{what} is over {n} characters long",
            what=say("the token's name"),
            n=tokens.LONGEST_NAME,
        )
    if seat.tokens.count() >= TOKENS:
        form.problem = Refusal(
            say("there are {n} tokens already", n=TOKENS),
            say("revoke one that is not used any more"),
        )
    if not form.sound:
        return _my_page(visit, form.status, token_form=form)
    return _my_page(visit, token=tokens.make(seat, name, visit.now, writes=form.on("writes")))


@require_POST
@page
def revoke_token(visit: Visit, id: int) -> HttpResponse:
    if not Token.objects.filter(seat=seat_of(visit), pk=id).delete()[0]:
        raise Http404
    return visit.to("me", say("The token is revoked"))


def renew_calendar(visit: Visit) -> None:
    """Give the private calendar another address: the one there was leads nowhere from now on."""
    seat = seat_of(visit)
    seat.secret = secret()
    seat.save(update_fields=["secret"])


@require_POST
@page
def renew_secret(visit: Visit) -> HttpResponse:
    renew_calendar(visit)
    return visit.to("me", say("Your calendar has a new address"))


# --- what is kept of me --------------------------------------------------------------------------


@require_GET
@page
def export(visit: Visit) -> HttpResponse:
    """All that is kept of the member, to be taken away."""
    content = orjson.dumps(my_data(visit), option=orjson.OPT_INDENT_2)
    response = HttpResponse(content, content_type="application/json")
    name = f"{visit.slug}-{visit.today.isoformat()}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def my_data(visit: Visit) -> dict[str, Any]:
    """What is kept of a member. Instants are in UTC."""
    row = visit.member
    assert row is not None
    return {
        "made": utc_text(visit.now),
        "association": {"name": visit.association.name, "slug": visit.slug},
        "profile": {
            "name": row.name,
            "handle": row.handle,
            "email": row.email,
            "founder": row.founder,
            "right_to_vote_granted": _utc(row.granted_at),
        },
        "memberships": [
            {"joined": _utc(one.joined), "left": _utc(one.left)} for one in row.memberships.all()
        ],
        "roles": [
            {"role": text, "first": role.first, "last": role.last}
            for role, text in roster.roles(visit.id, members=[row.id])
        ],
        "votes": list(_my_votes(visit)),
        "actions": list(_my_actions(visit)),
        "comments": [
            {
                "action": one.action,
                "at": _utc(one.at),
                "changed": _utc(one.changed),
                "text": one.text,
            }
            for one in Comment.objects.filter(member=row)
        ],
        "journal": _my_journal(visit),
        "chat_accounts": [
            {"server": one.server, "id": one.person}
            for one in row.chat_accounts.order_by("server", "pk")
        ],
        "certificates": [
            {"fingerprint": one.fingerprint, "name": one.note, "since": _utc(one.since)}
            for one in row.client_certificates.order_by("since", "pk")
        ],
        "account": _my_account(seat_of(visit)),
    }


def _utc(instant: datetime | None) -> str | None:
    return None if instant is None else utc_text(instant)


def _my_account(seat: Seat) -> dict[str, Any]:
    account = seat.account
    return {
        "email": account.email,
        "created": _utc(account.created),
        "language": account.language,
        "theme": account.theme,
        "member_since": _utc(seat.since),
        "notifications": {one.value: kinds.pace(seat.notices, one).value for one in kinds.Kind},
        "tokens": [
            {
                "name": one.name,
                "writes": one.writes,
                "made": _utc(one.made),
                "used": _utc(one.used),
            }
            for one in seat.tokens.all()
        ],
        "drafts": [
            {"form": one.form, "at": _utc(one.at), "content": one.content}
            for one in Draft.objects.filter(seat=seat)
        ],
    }


def _my_votes(visit: Visit) -> Iterator[dict[str, Any]]:
    votes = Vote.objects.filter(action__association=visit.id, member=visit.me)
    for one in votes.select_related("action").order_by("action__order", "pk"):
        yield {
            "action": one.action.ref,
            "ballot": one.ballot,
            "choice": one.choice,
            "counts": one.counted,
        }


def _my_actions(visit: Visit) -> Iterator[dict[str, Any]]:
    """What the member proposed, led or called a counter-vote on."""
    rows = Action.objects.filter(association=visit.id)
    mine = rows.filter(Q(proposer=visit.me) | Q(leader=visit.me) | Q(called_by=visit.me))
    refs = list(mine.order_by("order").values_list("ref", flat=True))
    for start in range(0, len(refs), 500):
        part = refs[start : start + 500]
        standing = reading.standing(visit.id, visit.now, visit.erased, only=part)
        for ref in part:
            one = standing.actions[ref]
            yield {
                "ref": one.ref,
                "kind": one.kind,
                "proposed_by_me": one.proposer == visit.me,
                "led_by_me": one.leader == visit.me,
                "state": one.state,
                "follow_up": one.follow_up,
                "objects": [{"at": _utc(told.at), "object": told.object} for told in one.versions],
                "condition": one.condition,
                "link": one.link,
                "note": one.note,
                "links": list(one.links),
                "counter_vote_by_me": one.counter_vote.reason
                if one.counter_vote and one.counter_vote.called_by == visit.me
                else None,
            }


def _my_journal(visit: Visit) -> list[dict[str, Any]]:
    """The entries of the journal that the member wrote or changed, in the words of each time."""
    rows = Entry.objects.filter(ledger=visit.id, subject__gte="J", subject__lt="K").order_by("seq")
    bodies: list[Body] = [orjson.loads(bytes(body)) for body in rows.values_list("body", flat=True)]
    mine = [
        body
        for body in bodies
        if body.get("by") == visit.me and "content" in body["data"].get("texts", {})
    ]
    numbers = {
        body["data"]["entry"]: body["data"]["number"] for body in bodies if "number" in body["data"]
    }
    texts = reading.texts_of(body["data"]["texts"]["content"] for body in mine)
    return [
        {
            "number": numbers.get(body["data"]["entry"]),
            "at": body["at"],
            "content": orjson.loads(texts[told])
            if (told := body["data"]["texts"]["content"]) in texts
            else None,
        }
        for body in mine
    ]


# --- leaving -------------------------------------------------------------------------------------


@page
def leave(visit: Visit) -> HttpResponse:
    form = Form(visit.request.POST)
    if visit.request.method == "POST":
        if not form.on("sure"):
            form.problems["sure"] = say("tick this to leave")
        if form.sound:
            with form.taking(visit.id):
                commands.end_membership(visit.asks(), visit.me)
                return _left(visit)
    leads = Action.objects.filter(association=visit.id, leader=visit.me, recorded=False).count()
    return visit.render(
        "me_leave.html",
        form.status,
        form=form,
        leads=leads,
        alone=stewards(visit.id, visit.today) == {visit.me},
    )


def _left(visit: Visit) -> HttpResponse:
    """A last word to somebody whom the other pages no longer know."""
    visit.request.visit = None
    from ..speech import render

    return render(visit.request, "me_left.html", {"association": visit.association})


urls = [
    path("me", me, name="me"),
    path("me/profile", profile, name="me_profile"),
    path("me/display", display, name="me_display"),
    path("me/notices", notices, name="me_notices"),
    path("me/tokens", make_token, name="me_tokens"),
    path("me/tokens/<int:id>/revoke", revoke_token, name="me_revoke_token"),
    path("me/calendar", renew_secret, name="me_calendar"),
    path("me/data", export, name="me_export"),
    path("me/leave", leave, name="me_leave"),
]
