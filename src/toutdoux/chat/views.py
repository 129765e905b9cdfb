"""The page by which a member ties their chat account to themself."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from toutdoux.core.words import say
from toutdoux.web.door import Visit, page

from . import codes
from .connections import connections
from .models import Account


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


urlpatterns = [
    path("a/<str:slug>/chat", chat, name="chat"),
    path("a/<str:slug>/chat/code", code, name="chat_code"),
    path("a/<str:slug>/chat/untie", untie, name="chat_untie"),
]
