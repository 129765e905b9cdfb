"""What ties a certificate to a member: a code, the same kind as for a chat account."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.db.models import QuerySet

from toutdoux.actions import commands
from toutdoux.chat import codes
from toutdoux.core.words import Refusal, say

from .gemtext import one_line
from .models import ClientCertificate
from .protocol import Certificate

_LONGEST_NOTE = 100
_FEWEST = 8
"""Digits of a fingerprint that name a certificate."""


def tie(request: commands.Request, certificate: Certificate, code: str) -> None:
    """Have a certificate be the member's whose code it is; the code is used up.

    Raises:
        Refusal: there is no such code, or not any more; or they are no member now.
    """
    with transaction.atomic():
        member = codes.spend(request, code)
        commands.claim_account(replace(request, by=member.pk), member.pk)
        ClientCertificate.objects.update_or_create(
            association_id=request.association,
            fingerprint=certificate.fingerprint,
            defaults={
                "member": member,
                "since": request.now,
                "note": one_line(certificate.subject)[:_LONGEST_NOTE],
            },
        )


def of_association(association: str) -> QuerySet[ClientCertificate]:
    """All certificates of an association's members, the latest of each member first."""
    rows = ClientCertificate.objects.filter(association=association).select_related("member")
    return rows.order_by("member__handle", "-since", "-pk")


def named(association: str, fingerprint: str) -> ClientCertificate:
    """The certificate whose fingerprint begins so; colons and capitals are as good as none.

    Raises:
        Refusal: there is none, or several.
    """
    digits = fingerprint.replace(":", "").strip().lower()
    found = list(of_association(association).filter(fingerprint__startswith=digits)[:2])
    if len(digits) >= _FEWEST and len(found) == 1:
        return found[0]
    raise Refusal(
        say("no certificate of a member is known by {print}", print=fingerprint),
        say("give at least {n} digits of its fingerprint", n=_FEWEST),
    )


def revoke(one: ClientCertificate) -> None:
    """Have a certificate be nobody's again; the votes that came by it stand."""
    ClientCertificate.objects.filter(pk=one.pk).delete()
