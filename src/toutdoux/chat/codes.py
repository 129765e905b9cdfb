"""What ties a chat account to a member: a code, said to the bot in private, once; or an e-mail
address that the chat's server has verified, where the association wants that.

Whoever has a code can act as that member, so who made it for somebody else is an entry in the
ledger, as for the link to an account (`member.invited`); and so is every tie (`account.claimed`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from toutdoux.actions import commands
from toutdoux.association.models import Member
from toutdoux.association.people import memberships_at
from toutdoux.core.words import Refusal, say
from toutdoux.ledger.models import Ledger

from .models import Account, Code, Handled

VALID = timedelta(days=7)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that is taken for another."""
_NEVER = datetime(1, 1, 2, tzinfo=UTC)
"""Before anything: a reaction that was last taken then is taken once more."""
_LENGTH = 10
_SHAPE = re.compile(f"[{_LETTERS}]{{5}}-[{_LETTERS}]{{5}}", re.IGNORECASE)
_SAID = re.compile(rf"(?=\b([{_LETTERS}]{{5}}[-\s]?[{_LETTERS}]{{5}})\b)", re.IGNORECASE)
"""What may be one among other words."""


def make(request: commands.Request, member: str) -> str:
    """Make a code for a member. Theirs from before is void.

    Raises:
        Refusal: they are no member now.
    """
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    with transaction.atomic():
        if request.by != member:
            commands.invite_member(request, member)
        Code.objects.filter(member_id=member).delete()
        Code.objects.create(
            digest=_digest(code), member_id=member, by=request.by or "", until=request.now + VALID
        )
    return f"{code[:5]}-{code[5:]}"


def looks_like_one(text: str) -> bool:
    """Whether a text is nothing but a code."""
    return _SHAPE.fullmatch(text.strip()) is not None


def void(association: str, text: str) -> bool:
    """Have every code that stands in a text be void: it was shown to others. Returns whether there
    was one."""
    told = [_digest(code) for code in _SAID.findall(text)]
    codes = Code.objects.filter(digest__in=told, member__association=association)
    return bool(told) and codes.delete()[0] > 0


def use(request: commands.Request, server: str, person: str, code: str) -> str:
    """Tie a chat account to the member whose code it is. Returns their name.

    Raises:
        Refusal: there is no such code, or not any more.
    """
    with transaction.atomic():
        member = spend(request, code)
        tie(request, server, person, member)
    return member.name


def spend(request: commands.Request, code: str) -> Member:
    """The member whose code it is; it is void from then on. To be called in a transaction.

    Raises:
        Refusal: there is no such code, or not any more.
    """
    # Of two that use it at once, one does.
    Ledger.objects.select_for_update().get(id=request.association)
    known = Code.objects.filter(
        digest=_digest(code), until__gt=request.now, member__association=request.association
    )
    found = known.select_related("member").first()
    if found is None:
        raise Refusal(
            say("this code is not known, was used already, or is too old"),
            say("ask for another on your page, or of a référent·e"),
        )
    found.delete()
    return found.member


def tie(request: commands.Request, server: str, person: str, member: Member) -> None:
    """Have a chat account be a member's.

    What it shows as votes is theirs from now on, if it was nobody's before, or somebody else's.

    Raises:
        Refusal: they are no member now.
    """
    with transaction.atomic():
        commands.claim_account(replace(request, by=member.pk), member.pk)
        Account.objects.update_or_create(
            association_id=request.association,
            server=server,
            person=person,
            defaults={"member": member},
        )
        here = {"post__association": request.association, "post__server": server}
        theirs = Handled.objects.filter(**here, person=person)
        theirs.exclude(member=member.pk).update(at=_NEVER)


def addressed(association: str, server: str, email: str, now: datetime) -> Member | None:
    """The one present member whose e-mail address this is: the one others know them by, or the one
    they sign in with. None where there is none or several, or they have an account on the server.
    """
    told = Member.objects.filter(association=association, erased=False)
    theirs = told.filter(Q(email__iexact=email) | Q(seat__account__email__iexact=email))
    present = memberships_at(now).filter(member__association=association).values("member")
    found = [
        one
        for one in theirs.filter(pk__in=present).select_related("seat__account").distinct()
        if _is_of(one, email)
    ]
    if len(found) != 1 or found[0].chat_accounts.filter(server=server).exists():
        return None
    return found[0]


def _is_of(member: Member, email: str) -> bool:
    """Whether an address is a member's. A database may take other letters for the same that look
    alike: only those of ASCII are, and only in their case."""
    seat = getattr(member, "seat", None)
    own = [member.email] if seat is None else [member.email, seat.account.email]
    return email.encode().lower() in [one.encode().lower() for one in own]


def _digest(code: str) -> str:
    bare = "".join(char for char in code.upper() if char.isalnum())
    return sha256(f"chat code {bare}".encode()).hexdigest()
