"""What others do on an action's page while one reads it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from toutdoux.actions import commands
from toutdoux.web import live
from toutdoux.web.models import Account, Comment, Seat

from .conftest import Living

ClientOf = Callable[[str], Client]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The part is made anew as often as it changes."""
    monkeypatch.setattr(live, "_AT_MOST", timedelta(0))


@pytest.fixture
def ref(loutres: Living) -> str:
    return loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")


def asking(page: object) -> str:
    """Where a page asks again."""
    found = re.search(r'id="live" hx-get="([^"]+)"', page.content.decode())  # type: ignore[attr-defined]
    assert found
    return html.unescape(found[1])


def test_nothing_changed_is_said_in_four_queries_however_often_one_asks(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    bob = client_of("bob")
    address = asking(bob.get(loutres.url(f"actions/{ref}")))
    with CaptureQueriesContext(connection) as queries:
        responses = [bob.get(address) for _ in range(3)]
    if all(one.status_code == 204 for one in responses):  # unless a minute has just begun
        assert len(queries) <= 4 + 2  # and two more, should it take over 0.2 seconds


def test_a_vote_of_somebody_else_comes_with_its_tally_and_name(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client = client_of("bob")
    address = asking(client.get(loutres.url(f"actions/{ref}")))
    loutres.vote(ref, chloe="against")
    response = client.get(address)
    assert response.status_code == 200
    assert "Chloé Roy" in response.content.decode()
    assert "csrfmiddlewaretoken" not in response.content.decode()
    assert asking(response) != address


def test_a_new_name_comes_with_the_next_vote_whoever_was_read_before(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client, page = client_of("bob"), loutres.url(f"actions/{ref}")
    for choice in ("for", "against"):
        loutres.vote(ref, chloe=choice)
        assert "Driss Lang<" in client.get(page).content.decode()
    commands.rename_member(loutres.request(), loutres.ids["driss"], name="Driss Lang-Roy")
    loutres.vote(ref, chloe="for")
    assert "Driss Lang-Roy<" in client.get(page).content.decode()


def test_a_comment_of_somebody_else_comes_and_its_change_too(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client = client_of("ana")
    address = asking(client.get(loutres.url(f"actions/{ref}")))
    client_of("bob").post(loutres.url(f"actions/{ref}/comments"), {"text": "Bonjour", "key": "k"})
    response = client.get(address)
    assert "Bonjour" in response.content.decode()
    one = Comment.objects.get()
    changed = loutres.url(f"actions/{ref}/comments/{one.pk}")
    client_of("bob").post(changed, {"text": "Bonsoir", "do": "save"})
    assert "Bonsoir" in client.get(loutres.url(f"actions/{ref}")).content.decode()


def test_it_is_made_once_for_all_who_ask(
    loutres: Living, client_of: ClientOf, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = [client_of(who) for who in ("bob", "chloe")]
    addresses = [(one, asking(one.get(loutres.url(f"actions/{ref}")))) for one in clients]
    loutres.vote(ref, driss="for")
    made = []
    before = live._make

    def make(*arguments: object) -> object:
        made.append(arguments)
        return before(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(live, "_make", make)
    for client, address in addresses * 3:
        assert client.get(address).status_code == 200
    assert len(made) <= 2  # twice if a minute has just begun


def test_buttons_come_anew_when_another_ballot_opens(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client = client_of("bob")
    address = asking(client.get(loutres.url(f"actions/{ref}")))
    loutres.vote(ref, chloe="for")
    assert "HX-Trigger" not in client.get(address).headers
    commands.call_counter_vote(loutres.request(), ref, "Trop cher", by=loutres.ids["driss"])
    page = client_of("bob").get(loutres.url(f"actions/{ref}"))
    assert page.content.decode().count('name="choice" value="for"') == 2
    assert client.get(address).headers["HX-Trigger"] == "ballots-changed"


def test_only_an_address_that_a_page_gave_is_answered(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    bob = client_of("bob")
    address = asking(bob.get(loutres.url(f"actions/{ref}")))
    assert bob.get(loutres.url(f"actions/{ref}/live")).status_code == 404
    for name in ("me", "lang", "formal", "hold", "from", "key"):
        other = re.sub(rf"\b{name}=[^&]*", f"{name}=7", address)
        assert other != address
        assert bob.get(other).status_code == 404
    assert bob.get(address.replace(f"actions/{ref}", "actions/AO1")).status_code == 404


def asks_no_more(client: Client, address: str) -> bool:
    live._lately.clear()  # ten seconds later
    response = client.get(address)
    return response.status_code == 286 and not response.content  # htmx asks no more


def test_whoever_left_is_told_no_more(loutres: Living, client_of: ClientOf, ref: str) -> None:
    bob = client_of("bob")
    address = asking(bob.get(loutres.url(f"actions/{ref}")))
    commands.end_membership(loutres.request(), loutres.ids["bob"])
    assert asks_no_more(bob, address)


def test_whoever_is_not_signed_in_is_told_nothing(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    bob = client_of("bob")
    address = asking(bob.get(loutres.url(f"actions/{ref}")))
    kept = Client()
    kept.cookies.update(bob.cookies.copy())
    assert asks_no_more(Client(), address)
    assert asks_no_more(client_of("chloe"), address)
    assert asks_no_more(client_of("bob"), address)  # another time that they signed in
    assert kept.get(address).status_code in (200, 204)
    bob.post("/account/logout/")
    assert asks_no_more(bob, address)
    assert asks_no_more(kept, address)


@pytest.mark.parametrize("what", ["closed", "given to another account", "password changed"])
def test_another_account_or_password_is_told_no_more(
    loutres: Living, client_of: ClientOf, ref: str, what: str
) -> None:
    bob = client_of("bob")
    address = asking(bob.get(loutres.url(f"actions/{ref}")))
    seat = Seat.objects.select_related("account").get(member__handle="bob")
    if what == "password changed":
        seat.account.set_password("une-autre-phrase")
        seat.account.save()
    else:
        seat.delete()
    if what == "given to another account":
        other = Account.objects.create_user("b@example.org", created=seat.since)
        Seat.objects.create(account=other, member_id=seat.member_id, since=seat.since)
    assert asks_no_more(bob, address)


def test_a_page_asks_for_a_day_and_asking_makes_it_no_younger(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    bob = client_of("bob")
    address = asking(bob.get(loutres.url(f"actions/{ref}")))
    loutres.vote(ref, chloe="for")
    again = asking(bob.get(address))
    first, then = (re.search(r"from=(\d+)", one) for one in (address, again))
    assert first
    assert then
    assert first[1] == then[1]
    told = live.asking_again("loutres", ref, QueryDict(again.partition("?")[2]))
    assert told
    session = bob.cookies["toutdoux"].value
    for hours, may in ((23, True), (25, False)):
        live._lately.clear()
        at = datetime.now(UTC) + timedelta(hours=hours)
        assert bool(live.may_ask(told, "loutres", session, at)) is may
