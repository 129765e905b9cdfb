"""What a letter's link to fewer mails holds: whose mails, of which kind. It opens nothing else."""

from __future__ import annotations

from django.core.signing import BadSignature, Signer

from .models import Seat

_signer = Signer(sep=".", salt="unsubscribe")


def token(seat: Seat, kind: str) -> str:
    """What stands in the link of a seat's letter of a kind, or of `all`."""
    return _signer.sign(f"{seat.pk}.{kind}")


def told(token: str) -> tuple[int, str] | None:
    """The seat's id and the kind that a link holds; None if it is none of ours."""
    try:
        id, _, kind = _signer.unsign(token).partition(".")
    except BadSignature:
        return None
    return int(id), kind
