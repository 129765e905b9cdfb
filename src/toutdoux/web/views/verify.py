"""Verifying: how long the ledger is, whether it is whole, and how anybody can see that."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from django.http import FileResponse, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from toutdoux.core.words import Refusal, say
from toutdoux.ledger import book
from toutdoux.ledger.bundle import write_bundle
from toutdoux.ledger.models import Ledger

from .. import verification
from ..door import Visit, page
from ..models import Verified


@page(public="actions")
def verify(visit: Visit) -> HttpResponse:
    return _page(visit)


def _page(visit: Visit, refusal: Refusal | None = None) -> HttpResponse:
    if refusal is None and visit.member:
        visit.settle()
    ledger = Ledger.objects.get(id=visit.id)
    return visit.render(
        "verify.html",
        429 if refusal else 200,
        ledger=ledger,
        last=Verified.objects.filter(association=visit.id).first(),
        running=verification.is_running(visit.id),
        refusal=refusal,
        bundle=_name(visit),
    )


@require_POST
@page
def now(visit: Visit) -> HttpResponse:
    """Verify it now: at once if it is short."""
    try:
        done = verification.begin(visit.id, visit.now)
    except Refusal as refusal:
        return _page(visit, refusal)
    if done:
        return visit.to("verify", say("The ledger was verified just now"))
    return visit.to("verify", say("The ledger is being verified; look here again in a minute"))


@page
def bundle(visit: Visit) -> HttpResponse:
    """The whole ledger as a file, for anybody to verify.

    It is for members only. It names nobody, but says which votes are of one person, and what else
    that person did: with what is public one could guess who it is.
    """
    ledger = Ledger.objects.get(id=visit.id)
    file = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 (it is gone when it was sent)
    entries = book.rows(ledger.id, last=ledger.length)
    write_bundle(file, ledger.id, ledger.length, ledger.head, entries, lambda _: None)
    file.seek(0)
    response: Any = FileResponse(
        file, as_attachment=True, filename=_name(visit), content_type="application/jsonl"
    )
    return response  # type: ignore[no-any-return]


def _name(visit: Visit) -> str:
    return f"toutdoux-{visit.slug}.jsonl"


urls = [
    path("verify", verify, name="verify"),
    path("verify/now", now, name="verify_now"),
    path("verify/bundle", bundle, name="verify_bundle"),
]
