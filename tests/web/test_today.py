"""Today: what awaits a member comes first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

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
