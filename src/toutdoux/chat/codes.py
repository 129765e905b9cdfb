"""Codes that tie a chat account to a member: said to the bot in private, once.

Whoever has a code can act as that member, so who made it for somebody else is an entry in the
ledger, as for the link to an account (`member.invited`); and so is its use (`account.claimed`).
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from django.db import transaction

from toutdoux.actions import commands
from toutdoux.core.words import Refusal, say

from .models import Account, Code, Handled

VALID = timedelta(days=7)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""None that is taken for another."""
_LENGTH = 10


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


def use(request: commands.Request, server: str, person: str, code: str) -> str:
    """Tie a chat account to the member whose code it is. Returns their name.

    What the account showed as votes before, and was not taken, is taken from now on.

    Raises:
        Refusal: there is no such code, or not any more.
    """
    with transaction.atomic():
        known = Code.objects.filter(
            digest=_digest(code),
            until__gt=request.now,
            member__association=request.association,
        ).select_related("member")
        found = known.first()
        if found is None:
            raise Refusal(
                say("this code is not known, was used already, or is too old"),
                say("ask for another on your page, or of a référent·e"),
            )
        commands.claim_account(replace(request, by=found.member_id), found.member_id)
        Account.objects.update_or_create(
            association_id=request.association,
            server=server,
            person=person,
            defaults={"member": found.member},
        )
        here = {"post__association": request.association, "post__server": server}
        Handled.objects.filter(**here, person=person, taken=False).delete()
        found.delete()
    return found.member.name


def _digest(code: str) -> str:
    bare = "".join(char for char in code.upper() if char.isalnum())
    return sha256(f"chat code {bare}".encode()).hexdigest()
