"""What the web lets go: with the ledger's texts, and when an account is closed."""

from __future__ import annotations

from toutdoux.core.chain import Body
from toutdoux.ledger.book import Writer, projects

from .models import Account, Comment, Invitation, Letter, Notice, Seat


@projects("texts.erased")
def _forget(writer: Writer, entry: Body) -> None:
    _write_letters_again(writer.id)
    member = entry["data"].get("member")
    if member is None:
        return
    Comment.objects.filter(member_id=member).update(text="")
    accounts = Account.objects.filter(seats__member_id=member)
    Letter.objects.filter(to__in=list(accounts.values_list("email", flat=True))).delete()
    _take_seat(member)
    Invitation.objects.filter(member_id=member).delete()


@projects("account.closed")
def _close(writer: Writer, entry: Body) -> None:
    _take_seat(entry["data"]["member"])


def _take_seat(member: str) -> None:
    """Take an account's place away, with all that it lets in: sessions here, tokens, the calendar's
    address, links that still wait."""
    ids = list(Account.objects.filter(seats__member_id=member).values_list("pk", flat=True))
    Seat.objects.filter(member_id=member).delete()
    Invitation.objects.filter(member_id=member, used=None).delete()
    # An account that is nobody any more is of no use to anyone.
    Account.objects.filter(pk__in=ids, seats__isnull=True).delete()


def _write_letters_again(association: str) -> None:
    """Letters that still wait may hold what is forgotten: they are written anew."""
    waiting = Letter.objects.filter(
        notices__seat__member__association=association, sent__isnull=True, refused__isnull=True
    )
    ids = list(waiting.values_list("pk", flat=True).distinct())
    Notice.objects.filter(letter_id__in=ids).update(written=None)
    Letter.objects.filter(pk__in=ids).delete()
