"""Today: what awaits a member comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from toutdoux.actions import commands
from toutdoux.core.charter import Kind
from toutdoux.core.history import BallotName, Choice
from toutdoux.web import middleware

from .conftest import Living


def test_an_open_ballot_without_my_vote_comes_with_its_buttons(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    page = client_of("bob").get(loutres.url()).content.decode()
    assert "Ouvrir un service de podcasts" in page
    assert 'value="against"' in page


def test_once_i_voted_it_awaits_me_no_more(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    ref = loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    loutres.vote(ref, bob="for")
    page = client_of("bob").get(loutres.url()).content.decode()
    assert "Nothing awaits your vote" in page
    assert 'value="against"' not in page


def test_it_takes_twelve_queries_with_twenty_open_cards(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    for n in range(20):
        loutres.propose("extraordinary", f"Projet {n}", ("ana", "chloe", "driss")[n % 3])
    client = client_of("bob")
    with CaptureQueriesContext(connection) as queries:
        page = client.get(loutres.url())
    assert page.content.decode().count('value="against"') == 20
    assert len(queries) <= 12, [one["sql"][:90] for one in queries]


def test_each_member_sees_their_own_votes_and_things_to_do_whoever_looked_before(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    for handle in ("ana", "bob"):
        ref = loutres.propose("ordinary", f"Acheter un disque pour {handle}", handle)
        loutres.vote(ref, **dict.fromkeys(("ana", "bob", "chloe", "driss"), "for"))
    ref = loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    loutres.vote(ref, bob="for")
    for _ in range(2):
        for handle, other in (("ana", "bob"), ("bob", "ana"), ("chloe", "ana")):
            page = client_of(handle).get(loutres.url()).content.decode()
            mine = page.split("Mine to do</h2>")[1].split("<h2>")[0]
            assert (f"Acheter un disque pour {handle}" in mine) == (handle != "chloe")
            assert f"Acheter un disque pour {other}" not in mine
            assert ('value="against"' in page) == (handle != "bob")


def test_what_others_do_is_there_at_once(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    bob = client_of("bob")
    assert "Nothing awaits your vote" in bob.get(loutres.url()).content.decode()
    ref = loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    assert "Ouvrir un service de podcasts" in bob.get(loutres.url()).content.decode()
    loutres.vote(ref, chloe="for")
    assert "1 for · 0 against" in bob.get(loutres.url()).content.decode()


def test_a_ballot_that_has_ended_awaits_nobody_although_nothing_was_recorded(
    loutres: Living, client_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    loutres.propose("ordinary", "Acheter un disque", "ana")
    bob = client_of("bob")
    assert 'value="against"' in bob.get(loutres.url()).content.decode()

    class Later(datetime):
        @classmethod
        def now(cls, zone: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=40)

    monkeypatch.setattr(middleware, "datetime", Later)
    assert 'value="against"' not in bob.get(loutres.url()).content.decode()


def part(page: str, title: str) -> str:
    """What stands under a heading of a page; nothing if it is not there."""
    return page.partition(f">{title}</h2>")[2].partition("<h2>")[0]


def test_what_is_adopted_already_comes_after_what_is_still_to_be_decided(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    adopted = loutres.propose("ordinary", "Acheter un disque", "ana")
    loutres.vote(adopted, ana="for", bob="for", chloe="for")
    loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    page = client_of("driss").get(loutres.url()).content.decode()
    first, last = page.partition(">Adopted already</h2>")[::2]
    assert "1 vote awaits yours" in first
    assert "podcasts" in first
    assert "Acheter un disque" not in first
    assert "Acheter un disque" in last.partition("<h2>")[0]


def test_under_a_counter_vote_the_vote_on_the_action_awaits_nobody(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    ref = loutres.propose("extraordinary", "Ouvrir un service", "ana")
    commands.call_counter_vote(loutres.request(), ref, "Trop cher", by=loutres.ids["bob"])
    page = client_of("chloe").get(loutres.url()).content.decode()
    assert page.count("Cancel it</button>") == page.count("Keep it</button>") == 1
    assert "Against</button>" not in page
    assert "0 to cancel it · 0 to keep it · 0 neutral · 4 to come" in page
    commands.vote(
        loutres.request(),
        ref,
        Choice.AGAINST,
        by=loutres.ids["chloe"],
        ballot=BallotName.COUNTER_VOTE,
    )
    page = client_of("chloe").get(loutres.url()).content.decode()
    assert "Nothing awaits your vote" in page
    assert "0 to cancel it · 1 to keep it" in part(page, "Under discussion")


def test_what_was_handed_over_to_me_is_told(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    ref = loutres.propose("extraordinary", "Ouvrir un service", "ana")
    commands.hand_over(loutres.request(), ref, loutres.ids["bob"], by=loutres.ids["ana"])
    for handle, leads in (("bob", True), ("ana", False), ("chloe", False)):
        page = client_of(handle).get(loutres.url()).content.decode()
        assert ("Ouvrir un service" in part(page, "What I lead, not decided yet")) == leads


def test_a_card_tells_on_what_it_depends_and_no_marks_of_its_text(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    commands.propose(
        loutres.request(),
        Kind.EXTRAORDINARY,
        "Ouvrir **un** service\n\n- de *podcasts*",
        by=loutres.ids["ana"],
        condition="quand la subvention est arrivée",
    )
    page = client_of("bob").get(loutres.url()).content.decode()
    assert "On condition: quand la subvention est arrivée" in page
    assert "Ouvrir un service\n• de podcasts" in page
