"""Keys to the API: made on a member's page, shown once, known afterwards by what they hash to."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.db.models import Q

from .models import Seat, Token

LONGEST_NAME = 60
_BEGIN = "toutdoux_"
"""So that whoever finds one lying about knows what it is."""
_NOTED_EVERY = timedelta(minutes=1)


def make(seat: Seat, name: str, now: datetime, *, writes: bool) -> str:
    """Make a token for a member's seat. Returns it: it can't be shown again.

    Args:
        seat: whose rights it has, in their association.
        name: what its owner calls it, to know it again by.
        now: the present instant, in UTC.
        writes: whether it may change things, beside reading them.
    """
    text = _BEGIN + secrets.token_urlsafe(32)
    Token.objects.create(
        seat=seat, name=name[:LONGEST_NAME], code=_code(text), writes=writes, made=now
    )
    return text


def token_of(text: str) -> Token | None:
    """The token that somebody shows; None if there is none such, or it was taken back."""
    found = Token.objects.select_related("seat__account", "seat__member__association")
    return found.filter(code=_code(text)).first()


def note_use(token: Token, now: datetime) -> None:
    """Keep when a token was used last, to the minute."""
    before = now - _NOTED_EVERY
    if token.used is None or token.used <= before:
        rows = Token.objects.filter(Q(used__isnull=True) | Q(used__lte=before), pk=token.pk)
        rows.update(used=now)


def _code(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
