"""An association that lives, and browsers of its members.

loutres           the association: ana (référente), bob, chloe and driss, all founders
client_of("bob")  a client signed in as bob
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from toutdoux.actions import commands
from toutdoux.association.models import Member
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.history import Choice
from toutdoux.web.models import Account, Seat

PASSWORD = "motdepasse-long"
PEOPLE = {"ana": "Ana Brun", "bob": "Bob Petit", "chloe": "Chloé Roy", "driss": "Driss Lang"}


@dataclass
class Living:
    """An association in the middle of its life."""

    id: str
    slug: str
    ids: dict[str, str]
    """Members' ids by handle."""

    def request(self, days: float = 0, **more: object) -> commands.Request:
        """A request of the command line, some days from now."""
        now = datetime.now(UTC) + timedelta(days=days)
        return commands.Request(association=self.id, now=now, via="cli", **more)  # type: ignore[arg-type]

    def propose(self, kind: str, text: str, by: str) -> str:
        return commands.propose(self.request(), Kind(kind), text, by=self.ids[by])

    def vote(self, ref: str, **choices: str) -> None:
        for handle, choice in choices.items():
            commands.vote(self.request(), ref, Choice(choice), by=self.ids[handle])

    def url(self, path: str = "") -> str:
        return f"/a/{self.slug}/{path}"


def found(name: str, slug: str, people: dict[str, str]) -> Living:
    """Found an association two years ago, with accounts; its first member is référent·e."""
    born = datetime.now(UTC) - timedelta(days=700)
    id = commands.found(
        name,
        now=born,
        via="cli",
        slug=slug,
        time_zone="Europe/Paris",
        language="fr",
        charter=read_charter("tout-doux-cratie"),
    )
    living = Living(id, slug, {})
    for handle, person in people.items():
        request = commands.Request(association=id, now=born, via="cli")
        living.ids[handle] = commands.add_member(request, person, handle=handle, founder=True)
        account = Account.objects.create_user(
            f"{handle}@example.org", PASSWORD, created=born, language="fr"
        )
        Seat.objects.create(account=account, member_id=living.ids[handle], since=born)
    first = next(iter(living.ids.values()))
    commands.give_role(
        commands.Request(association=id, now=born, via="cli"), first, "référent·e", born.date()
    )
    return living


@pytest.fixture
def loutres(home: Path) -> Living:
    return found("Les Loutres libres", "loutres", PEOPLE)


@pytest.fixture
def client_of(home: Path) -> Callable[[str], Client]:
    def client(handle: str) -> Client:
        made = Client(SERVER_NAME="localhost")
        made.cookies["lang"] = "en"  # whatever their accounts say
        member = Member.objects.get(handle=handle)
        backend = "allauth.account.auth_backends.AuthenticationBackend"
        made.force_login(member.seat.account, backend=backend)
        return made

    return client
