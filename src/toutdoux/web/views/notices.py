"""Being told no more: the link at the foot of every letter."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .. import unsubscribing
from ..kinds import LABELS, Pace
from ..models import Seat
from ..speech import render


# Mail programs send the form for their users, without a page of ours before (RFC 8058). All that
# it can do is to send fewer mails, and only to whoever has the letter.
@csrf_exempt
def unsubscribe(request: Any, token: str) -> HttpResponse:
    """Looking at it changes nothing; sending its form does."""
    id, kinds = unsubscribing.told(token) or (0, [])
    seat = Seat.objects.select_related("member__association").filter(pk=id).first()
    if seat is None:
        raise Http404
    if request.method == "POST":
        seat.notices |= {one.value: Pace.NEVER.value for one in kinds}
        seat.save(update_fields=["notices"])
    return render(
        request,
        "unsubscribe.html",
        {
            "association": seat.member.association,
            "kinds": [LABELS[one] for one in kinds],
            "done": request.method == "POST",
        },
    )


urls = [path("unsubscribe/<str:token>", unsubscribe, name="unsubscribe")]
