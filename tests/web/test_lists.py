"""All actions with their filters, and the inventory of a period."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tests.cli.running import ENGLISH, run
from toutdoux.actions import commands
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction
from toutdoux.web.models import Seat, Tag

from .conftest import PEOPLE, Living, found

Signed = Callable[[str], Client]


@contextmanager
def counted() -> Iterator[list[str]]:
    """The queries made meanwhile, but for those that begin and end transactions."""
    queries: list[str] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        queries.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(note):
        yield queries


def english(client: Client) -> Client:
    client.cookies["lang"] = "en"
    return client


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode())


def import_one(loutres: Living, text: str, day: date, leader: str | None = "Ana Brun") -> None:
    one = ImportedAction(
        ref="AE3",
        kind=Kind.EXTRAORDINARY,
        number=3,
        object=text,
        leader=leader or "",
        leader_id=None,
        date=day,
        for_=12,
        against=1,
        expressed=14,
        link=None,
    )
    commands.import_actions(loutres.request(), [one])


def add_period(loutres: Living, name: str, first: int, last: int) -> None:
    today = datetime.now(UTC).date()
    commands.add_period(
        loutres.request(), name, today + timedelta(days=first), today + timedelta(days=last)
    )


@pytest.fixture
def anywhere(both_databases: Path) -> Living:
    """An association, once on SQLite and once on PostgreSQL."""
    return found("Les Loutres libres", "loutres", PEOPLE)


def signed_in(loutres: Living, handle: str) -> Client:
    made = english(Client())
    account = Seat.objects.get(member_id=loutres.ids[handle]).account
    made.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return made


def test_a_search_finds_words_whatever_their_case_and_accents(anywhere: Living) -> None:
    anywhere.propose("ordinary", "Réparer l’Électricité de l’atelier", "ana")
    anywhere.propose("ordinary", "Planter un pommier", "bob")
    page = text_of(signed_in(anywhere, "ana"), anywhere.url("actions?q=electricite+REPARER"))
    assert "atelier" in page
    assert "pommier" not in page


def test_a_search_reads_the_last_wording_only(loutres: Living, client_of: Signed) -> None:
    ref = loutres.propose("ordinary", "Planter un poirier", "ana")
    commands.amend(loutres.request(0.5), ref, "Planter un pommier", by=loutres.ids["ana"])
    ana = client_of("ana")
    assert ref in text_of(ana, loutres.url("actions?q=pommier"))
    assert ref not in text_of(ana, loutres.url("actions?q=poirier"))


@pytest.mark.parametrize("sought", ["%", "_", "(", "[a", "\\", "a" * 5000, "%00", "+" * 9])
def test_signs_in_a_search_mean_themselves(anywhere: Living, sought: str) -> None:
    anywhere.propose("ordinary", "Planter un pommier", "ana")
    answer = signed_in(anywhere, "ana").get(anywhere.url("actions"), {"q": sought})
    assert answer.status_code == 200
    assert sought in ("+" * 9, "%00") or "pommier" not in answer.content.decode()


def test_an_action_is_found_by_its_reference(loutres: Living, client_of: Signed) -> None:
    ref = loutres.propose("ordinary", "Planter un pommier", "ana")
    assert "pommier" in text_of(client_of("ana"), loutres.url(f"actions?q={ref.lower()}"))


def test_filters_go_together(loutres: Living, client_of: Signed) -> None:
    pommier = loutres.propose("ordinary", "Planter un pommier", "ana")
    loutres.propose("ordinary", "Planter un poirier", "bob")
    loutres.propose("extraordinary", "Planter un cerisier", "ana")
    commands.withdraw(
        loutres.request(),
        loutres.propose("ordinary", "Planter un prunier", "ana"),
        by=loutres.ids["ana"],
    )
    Tag.objects.create(association_id=loutres.id, action=pommier, word="jardin")
    query = "actions?q=planter&state=open&kind=ordinary&leader=brun&tag=jardin"
    page = text_of(client_of("bob"), loutres.url(query))
    assert "pommier" in page
    for other in ("poirier", "cerisier", "prunier"):
        assert other not in page


def test_what_a_table_kept_by_hand_tells_is_listed_too_by_its_date(anywhere: Living) -> None:
    import_one(anywhere, "Fonder l’atelier", date(2020, 3, 1))
    anywhere.propose("ordinary", "Planter un pommier", "ana")
    page = text_of(signed_in(anywhere, "ana"), anywhere.url("actions"))
    assert page.index("pommier") < page.index("Fonder")
    assert "Fonder" in text_of(signed_in(anywhere, "ana"), anywhere.url("actions?state=imported"))
    assert "Fonder" not in text_of(signed_in(anywhere, "ana"), anywhere.url("actions?state=open"))


def test_a_filter_by_period_takes_what_was_proposed_in_it(
    loutres: Living, client_of: Signed
) -> None:
    add_period(loutres, "P1", -20, 10)
    add_period(loutres, "P0", -400, -21)
    loutres.propose("ordinary", "Planter un pommier", "ana")
    ana = client_of("ana")
    assert "pommier" in text_of(ana, loutres.url("actions?period=P1"))
    assert "pommier" not in text_of(ana, loutres.url("actions?period=P0"))


def test_a_filter_there_is_not_is_nowhere(loutres: Living, client_of: Signed) -> None:
    ana = client_of("ana")
    for query in ("state=lost", "kind=royal", "period=P77"):
        assert ana.get(loutres.url(f"actions?{query}")).status_code == 404


def test_a_long_list_goes_over_pages_that_keep_the_filters(
    loutres: Living, client_of: Signed
) -> None:
    for number in range(27):
        loutres.propose("ordinary", f"Planter le pommier {number}.", "ana")
    ana = english(client_of("ana"))
    first = text_of(ana, loutres.url("actions?q=pommier"))
    assert "27 actions" in first
    assert "pommier 26." in first
    assert "pommier 0." not in first
    assert "?q=pommier&amp;page=2" in first
    assert "pommier 0." in text_of(ana, loutres.url("actions?q=pommier&page=2"))
    assert "pommier 0." in text_of(ana, loutres.url("actions?q=pommier&page=999"))


def test_what_was_typed_is_shown_as_text(loutres: Living, client_of: Signed) -> None:
    loutres.propose("ordinary", "<script>alert(1)</script>", "ana")
    page = text_of(client_of("ana"), loutres.url("actions?q=<script>&leader=<b>&tag=<i>"))
    assert "<script>alert" not in page + text_of(client_of("ana"), loutres.url("actions"))
    assert "<b>" not in page
    assert "<i>" not in page


def test_lists_hold_nothing_of_another_association(loutres: Living, client_of: Signed) -> None:
    other = found("Les Castors", "castors", {"eva": "Eva Noir"})
    other.propose("ordinary", "Bâtir un barrage", "eva")
    add_period(other, "P9", -20, 10)
    ana = client_of("ana")
    assert "barrage" not in text_of(ana, loutres.url("actions"))
    assert ana.get(loutres.url("inventory/P9")).status_code == 404
    assert ana.get(other.url("actions")).status_code == 404
    assert ana.get(other.url("todo")).status_code == 404
    assert ana.get(other.url("inventory/P9")).status_code == 404


def test_an_inventory_is_the_one_of_the_command_line(
    anywhere: Living, both_databases: Path
) -> None:
    add_period(anywhere, "P1", -20, 10)
    import_one(anywhere, "Fonder l’atelier", datetime.now(UTC).date() - timedelta(days=12))
    ref = anywhere.propose("ordinary", "Planter *un* pommier | ou deux", "ana")
    anywhere.vote(ref, ana="for", bob="against", chloe="abstain")
    ana = signed_in(anywhere, "ana")
    for form in ("csv", "json", "markdown"):
        shown = ana.get(anywhere.url(f"inventory/P1?format={form}"))
        home = {"TOUTDOUX_HOME": str(both_databases)}
        told = run("inventory", "P1", "--format", form, env={**ENGLISH, **home})
        assert shown.content.decode() == told.stdout
        assert "attachment" in shown["Content-Disposition"]
    page = text_of(ana, anywhere.url("inventory/P1"))
    assert "1/3" in page
    assert "12/14" in page
    assert "17 votes expressed" in page


def test_an_inventory_is_taken_day_by_day_in_the_association_s_time_zone(
    loutres: Living, client_of: Signed
) -> None:
    # In Paris it is the second of the month already.
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    commands.propose(
        commands.Request(association=loutres.id, now=datetime.now(UTC), via="cli", at=late),
        Kind.ORDINARY,
        "Planter un pommier",
        by=loutres.ids["ana"],
    )
    day = date(2026, 3, 1)
    commands.add_period(loutres.request(), "first", day, day)
    commands.add_period(loutres.request(), "second", day + timedelta(1), day + timedelta(1))
    ana = client_of("ana")
    assert "pommier" not in text_of(ana, loutres.url("inventory/first"))
    assert "pommier" in text_of(ana, loutres.url("inventory/second"))


def test_a_period_may_have_any_name(loutres: Living, client_of: Signed) -> None:
    add_period(loutres, "2025/26 é?#", -20, 10)
    ana = client_of("ana")
    page = text_of(ana, loutres.url("inventory"))
    address = page.split('<a href="/a/loutres/inventory/')[1].split('"')[0]
    assert ana.get(loutres.url(f"inventory/{address}")).status_code == 200
    download = ana.get(loutres.url(f"inventory/{address}?format=csv"))
    assert next(csv.reader(io.StringIO(download.content.decode())))[0] == "ID"


def test_a_list_and_an_inventory_take_twelve_queries_at_most(
    loutres: Living, client_of: Signed
) -> None:
    add_period(loutres, "P1", -20, 10)
    import_one(loutres, "Fonder l’atelier", datetime.now(UTC).date() - timedelta(days=12))
    for number in range(12):
        ref = loutres.propose(
            "ordinary", f"Planter le pommier {number}.", ["ana", "bob"][number % 2]
        )
        loutres.vote(ref, ana="for", bob="against")
    ana = client_of("ana")
    for path in ("actions?q=pommier&period=P1", "inventory/P1", "inventory/P1?format=json", "todo"):
        with counted() as queries:
            assert ana.get(loutres.url(path)).status_code == 200
        assert len(queries) <= 12, "\n".join(queries)


def test_a_download_of_data_is_data(loutres: Living, client_of: Signed) -> None:
    add_period(loutres, "P1", -20, 10)
    ref = loutres.propose("ordinary", "Planter un pommier", "ana")
    rows = json.loads(text_of(client_of("bob"), loutres.url("inventory/P1?format=json")))
    assert [row["ref"] for row in rows] == [ref]
    assert client_of("bob").get(loutres.url("inventory/P1?format=exe")).status_code == 404


def test_a_long_inventory_goes_over_pages_and_its_totals_and_downloads_stay_whole(
    loutres: Living, client_of: Signed
) -> None:
    add_period(loutres, "P1", -20, 10)
    refs = [
        loutres.propose("ordinary", f"Planter le pommier {number}.", "ana")
        for number in range(1, 103)
    ]
    for ref in (refs[0], refs[-1]):
        loutres.vote(ref, bob="for")
    ana = english(client_of("ana"))
    first, second = (text_of(ana, loutres.url(f"inventory/P1{end}")) for end in ("", "?page=2"))
    assert "pommier 100." in first
    assert "pommier 101." not in first
    assert "pommier 100." not in second
    assert "pommier 102." in second
    for page in (first, second):
        assert "102 actions" in page
        assert "2 votes expressed" in page
    assert '<a href="?page=2" rel="next">' in first
    assert '<a href="?" rel="prev">' in second
    assert text_of(ana, loutres.url("inventory/P1?page=99")).count("pommier") == 2
    rows = json.loads(text_of(ana, loutres.url("inventory/P1?format=json")))
    assert len(rows) == 102
