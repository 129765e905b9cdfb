"""The page by which a member ties their chat account to themself; where Mattermost asks what
somebody said by a slash command."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from toutdoux.association.models import Association
from toutdoux.core.words import Refusal, say
from toutdoux.web import limits
from toutdoux.web.door import Visit, page

from . import codes
from .cards import digest
from .connections import Connection, connections
from .models import Account, Outgoing

LONGEST_COMMAND = 100_000
"""The longest form that Mattermost may send, in bytes: a message takes a third of that."""

log = logging.getLogger("toutdoux")


@page
def chat(visit: Visit) -> HttpResponse:
    """The chats there are, and which of one's accounts are tied; a code for another."""
    return _page(visit)


def _page(visit: Visit, code: str = "") -> HttpResponse:
    accounts = Account.objects.filter(association=visit.id, member=visit.me).order_by("server")
    return visit.render(
        "chat.html",
        chats=[one for one in connections() if one.association == visit.slug],
        accounts=accounts,
        code=code,
    )


@require_POST
@page
def code(visit: Visit) -> HttpResponse:
    """Make a code, and show it this once."""
    return _page(visit, codes.make(visit.asks(), visit.me))


@require_POST
@page
def untie(visit: Visit) -> HttpResponse:
    """Have a chat account be nobody's again; the votes that came from it stand."""
    Account.objects.filter(
        association=visit.id, member=visit.me, pk=_number(visit.request.POST.get("account", ""))
    ).delete()
    return visit.to("chat", say("This chat account is no longer tied to you"))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0


# --- the slash command ---------------------------------------------------------------------------


# Mattermost sends it, without a page of ours before: it shows who it is by its token.
@csrf_exempt
@require_POST
def command(request: Any, slug: str) -> HttpResponse:
    """Answer what somebody says by Mattermost's slash command, as the bot does in private: nobody
    else sees it. Whoever does not know the token is told nothing."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST_COMMAND:
        return HttpResponse(status=413)
    told = request.POST
    try:
        connection = _connection_of(slug, told)
    except Refusal as refusal:
        log.error("the slash command is not answered: %s", refusal.why.message)
        return HttpResponse(status=503)
    association = Association.objects.filter(slug=slug).first()
    person = told.get("user_id", "")
    if connection is None or association is None or not 0 < len(person) <= 255:
        return HttpResponse(status=401)
    text = _answered(association, connection, person, told, request.now)
    # As it is: not read as Slack's own marks.
    shown = {"response_type": "ephemeral", "text": text, "skip_slack_parsing": True}
    return JsonResponse(shown)


def _connection_of(slug: str, told: Mapping[str, str]) -> Connection | None:
    """Whose command it is, by its token and its team."""
    for one in connections():
        if (one.association, one.system) == (slug, "mattermost"):
            known = one.command_is(told.get("token", ""))
            if known and one.team_is(told.get("team_id", ""), told.get("team_domain", "")):
                return one
    return None


def _answered(
    association: Association,
    connection: Connection,
    person: str,
    told: Mapping[str, str],
    now: datetime,
) -> str:
    """What somebody is answered. A file cannot be in it: the bot sends it in private."""
    from .asking import answer, refused, who_asks

    said = told.get("text", "").strip()
    # Of each use of the command there is one, which nobody can guess.
    key = f"slash {person} {told.get('trigger_id') or secrets.token_hex()} {said}"
    asker = who_asks(association, connection.open(), person, now, key, connection.habits())
    try:
        limits.count("slash", digest(f"{asker.server} {person}"), now)
    except limits.TooOften as refusal:
        return refused(asker, refusal).text
    found = answer(asker, said or "help")
    if not found.files:
        return found.text
    Outgoing.objects.get_or_create(
        association=association,
        server=asker.server,
        key=f"slash {digest(key)}",
        defaults={
            "person": person,
            "text": found.text,
            "files": [one.kept() for one in found.files],
        },
    )
    return " ".join((found.text, asker.say(say("I send it to you in a private message."))))


urlpatterns = [
    path("a/<str:slug>/chat/command", command, name="chat_command"),
    path("a/<str:slug>/chat", chat, name="chat"),
    path("a/<str:slug>/chat/code", code, name="chat_code"),
    path("a/<str:slug>/chat/untie", untie, name="chat_untie"),
]
