"""Today: what awaits a member comes first."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

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
