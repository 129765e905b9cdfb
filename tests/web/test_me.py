"""My own page: each member looks after themselves, and takes all that is theirs with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from toutdoux.actions import commands
from toutdoux.association.models import Member, Membership
from toutdoux.ledger.models import Entry
from toutdoux.web.kinds import Kind, Pace, pace
from toutdoux.web.models import Account, Seat, Token
from toutdoux.web.tokens import token_of

from .conftest import Living, found
from .english import signed_in

Clients = Callable[[str], Client]


@pytest.fixture
def client_of(home: Path) -> Clients:
    return signed_in


def seat(handle: str) -> Seat:
    return Seat.objects.get(member__handle=handle)


def test_a_member_renames_themselves(loutres: Living, client_of: Clients) -> None:
    form = {"name": "Bob Leroy", "handle": "leroy", "email": "bob@loutres.example"}
    assert client_of("bob").post(loutres.url("me/profile"), form).status_code == 302
    row = Member.objects.get(pk=loutres.ids["bob"])
    assert (row.name, row.handle, row.email) == ("Bob Leroy", "leroy", "bob@loutres.example")
    body = bytes(Entry.objects.filter(ledger=loutres.id).latest("seq").body)
    assert f'"by":"{loutres.ids["bob"]}"'.encode() in body


def test_a_handle_that_is_taken_is_said_beside_it(loutres: Living, client_of: Clients) -> None:
    form = {"name": "Bob <Leroy>", "handle": "ana", "email": ""}
    response = client_of("bob").post(loutres.url("me/profile"), form)
    page = response.content.decode()
    assert response.status_code == 422
    assert re.search('id="p-handle">[^<]*already called', page)
    assert 'value="Bob &lt;Leroy&gt;"' in page


def test_nothing_to_change_changes_nothing(loutres: Living, client_of: Clients) -> None:
    before = Entry.objects.count()
    form = {"name": "Bob Petit", "handle": "bob", "email": ""}
    assert client_of("bob").post(loutres.url("me/profile"), form).status_code == 302
    assert Entry.objects.count() == before


def test_language_and_colours_are_kept_with_the_account(
    loutres: Living, client_of: Clients
) -> None:
    client = client_of("bob")
    client.post(loutres.url("me/display"), {"language": "en", "theme": "dark"})
    account = Account.objects.get(email="bob@example.org")
    assert (account.language, account.theme) == ("en", "dark")
    page = client.get(loutres.url("me")).content.decode()
    assert '<html lang="en" data-theme="dark">' in page
    client.post(loutres.url("me/display"), {"language": "auto", "theme": "auto"})
    account.refresh_from_db()
    assert (account.language, account.theme) == ("", "")


def test_no_choice_that_is_needed_is_empty(loutres: Living, client_of: Clients) -> None:
    """Browsers take an empty one for none."""
    page = client_of("bob").get(loutres.url("me")).content.decode()
    for select in re.findall(r"<select[^>]*required.*?</select>", page, re.DOTALL):
        assert 'value=""' not in select
    assert '<option value="auto" selected>as my device says' in page


def test_each_kind_of_mail_is_chosen(loutres: Living, client_of: Clients) -> None:
    form = {kind.value: Pace.NEVER.value for kind in Kind} | {Kind.DECISION.value: "now", "x": "y"}
    client_of("bob").post(loutres.url("me/notices"), form)
    chosen = seat("bob").notices
    assert pace(chosen, Kind.NEW_ACTION) is Pace.NEVER
    assert pace(chosen, Kind.DECISION) is Pace.NOW
    assert "x" not in chosen
    client_of("bob").post(loutres.url("me/notices"), {Kind.REMINDER.value: "whenever"})
    assert pace(seat("bob").notices, Kind.REMINDER) is Pace.NEVER


def test_a_token_is_shown_once_and_revoked(loutres: Living, client_of: Clients) -> None:
    client = client_of("bob")
    page = client.post(loutres.url("me/tokens"), {"name": "script"}).content.decode()
    told = re.search('data-copy="([^"]+)" data-copied', page)
    assert told is not None
    made = Token.objects.get()
    assert token_of(told[1]) == made
    assert not made.writes
    assert told[1] not in client.get(loutres.url("me")).content.decode()
    other = client_of("ana").post(loutres.url(f"me/tokens/{made.id}/revoke"))
    assert other.status_code == 404
    client.post(loutres.url(f"me/tokens/{made.id}/revoke"))
    assert not Token.objects.exists()


def test_a_token_that_may_write_says_so(loutres: Living, client_of: Clients) -> None:
    client_of("bob").post(loutres.url("me/tokens"), {"name": "bot", "writes": "1"})
    assert Token.objects.get().writes


def test_a_token_has_a_name(loutres: Living, client_of: Clients) -> None:
    response = client_of("bob").post(loutres.url("me/tokens"), {"name": " "})
    assert response.status_code == 422
    assert not Token.objects.exists()


def test_the_private_calendar_gets_another_address(loutres: Living, client_of: Clients) -> None:
    client, before = client_of("bob"), seat("bob").secret
    assert before in client.get(loutres.url("me")).content.decode()
    client.post(loutres.url("me/calendar"))
    after = seat("bob").secret
    assert after != before
    assert after in client.get(loutres.url("me")).content.decode()


def test_my_data_is_all_mine_and_nobody_elses(loutres: Living, client_of: Clients) -> None:
    ref = loutres.propose("extraordinary", "Ouvrir un service", "bob")
    other = loutres.propose("ordinary", "Acheter des gâteaux", "ana")
    loutres.vote(ref, bob="for", ana="against")
    loutres.vote(other, bob="abstain")
    content = {"kind": "life", "date": "2025-03-01", "title": "Atelier"}
    commands.add_to_journal(loutres.request(by=loutres.ids["bob"]), content)
    commands.add_to_journal(loutres.request(by=loutres.ids["ana"]), content)
    response = client_of("bob").get(loutres.url("me/data"))
    assert "attachment" in response["Content-Disposition"]
    data = json.loads(response.content)
    assert data["profile"]["name"] == "Bob Petit"
    assert len(data["memberships"]) == 1
    assert {(one["action"], one["choice"]) for one in data["votes"]} == {
        (ref, "for"),
        (other, "abstain"),
    }
    assert [one["ref"] for one in data["actions"]] == [ref]
    assert data["actions"][0]["objects"][0]["object"] == "Ouvrir un service"
    assert [one["number"] for one in data["journal"]] == [1]
    assert data["journal"][0]["content"] == content
    assert data["account"]["email"] == "bob@example.org"
    assert "Ana Brun" not in response.content.decode()


def test_a_member_leaves_once_they_are_sure(loutres: Living, client_of: Clients) -> None:
    client = client_of("bob")
    unsure = client.post(loutres.url("me/leave"), {})
    assert unsure.status_code == 422
    assert Membership.objects.get(member=loutres.ids["bob"]).left is None
    done = client.post(loutres.url("me/leave"), {"sure": "1"})
    assert "You have left Les Loutres libres" in done.content.decode()
    assert Membership.objects.get(member=loutres.ids["bob"]).left is not None
    assert client.get(loutres.url("me")).status_code == 403


def test_the_last_steward_is_told_before_trying_to_leave(
    loutres: Living, client_of: Clients
) -> None:
    told = "You are the only référent·e"
    assert told in client_of("ana").get(loutres.url("me/leave")).content.decode()
    assert told not in client_of("bob").get(loutres.url("me/leave")).content.decode()


def test_the_last_steward_cannot_leave(loutres: Living, client_of: Clients) -> None:
    response = client_of("ana").post(loutres.url("me/leave"), {"sure": "1"})
    assert response.status_code == 409
    assert "last référent·e" in response.content.decode()
    assert Membership.objects.get(member=loutres.ids["ana"]).left is None


def test_one_account_in_two_associations_is_two_members(
    loutres: Living, client_of: Clients
) -> None:
    castors = found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    Seat.objects.filter(member=castors.ids["zoe"]).update(
        account=Account.objects.get(email="bob@example.org")
    )
    client = client_of("bob")
    assert "Bob Petit" in client.get(loutres.url("me")).content.decode()
    page = client.get(castors.url("me")).content.decode()
    assert "Zoé Castor" in page
    assert "Bob Petit" not in page
