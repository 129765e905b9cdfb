"""The page by which a member has a certificate be theirs, and revokes those they have."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from toutdoux.chat import codes
from toutdoux.core.words import Refusal, say
from toutdoux.web.door import Visit, page

from . import ties
from .hosts import read_setup


@page
def capsule(visit: Visit) -> HttpResponse:
    """Where the capsule is, and which certificates are one's own; a code for another."""
    return _page(visit)


def _page(visit: Visit, code: str = "") -> HttpResponse:
    rows = ties.of_association(visit.id).filter(member=visit.me)
    return visit.render("capsule.html", certificates=rows, code=code, address=_address(visit.slug))


def _address(slug: str) -> str:
    """Where the members' part is; empty if the association has no capsule."""
    try:
        setup = read_setup()
    except Refusal:  # the capsule itself says so
        return ""
    one = setup.of(slug)
    return f"{setup.url(one)}/me" if one else ""


@require_POST
@page
def code(visit: Visit) -> HttpResponse:
    """Make a code, and show it this once."""
    return _page(visit, codes.make(visit.asks(), visit.me))


@require_POST
@page
def revoke(visit: Visit) -> HttpResponse:
    fingerprint = visit.request.POST.get("certificate", "")[:64]
    mine = ties.of_association(visit.id).filter(member=visit.me, fingerprint=fingerprint)
    if (one := mine.first()) is not None:
        ties.revoke(one)
    return visit.to("capsule", say("This certificate is no longer yours"))


urlpatterns = [
    path("a/<str:slug>/capsule", capsule, name="capsule"),
    path("a/<str:slug>/capsule/code", code, name="capsule_code"),
    path("a/<str:slug>/capsule/revoke", revoke, name="capsule_revoke"),
]
