"""What a letter's link to fewer mails holds: whose mails, of which kinds. It opens nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.signing import BadSignature, Signer

from .kinds import Kind
from .models import Seat

_signer = Signer(sep=".", salt="unsubscribe")


def token(seat: Seat, kinds: Iterable[Kind]) -> str:
    """What stands in the link of a seat's letter of some kinds."""
    return _signer.sign(f"{seat.pk}.{'-'.join(sorted(kinds))}")


def told(token: str) -> tuple[int, list[Kind]] | None:
    """The seat's id and the kinds that a link holds; None if it is none of ours."""
    try:
        id, _, kinds = _signer.unsign(token).partition(".")
        # Letters of several kinds once had links for all there are.
        return int(id), list(Kind) if kinds == "all" else [Kind(one) for one in kinds.split("-")]
    except (BadSignature, ValueError):
        return None
