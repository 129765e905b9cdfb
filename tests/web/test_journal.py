"""The journal is written by the référent·es, read by all; the audit says what lacked its action."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from toutdoux.actions import commands
from toutdoux.core.history import Choice
from toutdoux.journal.reading import content_of

from .conftest import Living

Clients = Callable[[str], Client]
TODAY = datetime.now(ZoneInfo("Europe/Paris")).date()
NIGHT = {"title": "La nuit du libre", "first": "2021-05-28"}


def write(client: Client, loutres: Living, kind: str = "event", **fields: str) -> int:
    """Write an entry, which must be taken. Returns its number."""
    answer = client.post(loutres.url(f"journal/new/{kind}"), NIGHT | fields)
    assert answer.status_code == 302, answer.content.decode()
    return int(answer["Location"].rsplit("/", 1)[1])


@pytest.mark.parametrize("place", ["journal/new", "journal/new/event", "journal/1/edit"])
def test_only_stewards_write(loutres: Living, client_of: Clients, place: str) -> None:
    write(client_of("ana"), loutres)
    assert client_of("ana").get(loutres.url(place)).status_code == 200
    assert client_of("bob").get(loutres.url(place)).status_code == 403
    assert Client().get(loutres.url(place)).status_code == 302


def test_members_read_the_latest_first(loutres: Living, client_of: Clients) -> None:
    write(client_of("ana"), loutres, title="La première", first="2021-01-01")
    write(client_of("ana"), loutres, title="La seconde", first="2021-02-01")
    page = client_of("bob").get(loutres.url("journal")).content.decode()
    assert page.index("La seconde") < page.index("La première")


def test_entries_are_found_by_kind_and_period(loutres: Living, client_of: Clients) -> None:
    day = datetime(2021, 2, 1, tzinfo=UTC).date()
    commands.add_period(loutres.request(), "P21", day, day + timedelta(days=150))
    ana = client_of("ana")
    write(ana, loutres, title="Au printemps")
    write(ana, loutres, title="En automne", first="2021-10-01")
    write(ana, loutres, kind="outreach", title="À la radio")
    page = ana.get(loutres.url("journal?kind=event&period=P21")).content.decode()
    assert "Au printemps" in page
    assert "En automne" not in page
    assert "À la radio" not in page


def test_all_that_a_form_says_is_kept(loutres: Living, client_of: Clients) -> None:
    ref = loutres.propose("ordinary", "Une nuit du libre", "ana")
    number = write(
        client_of("ana"),
        loutres,
        last="2021-05-29",
        text="Une **nuit**\r\nentière.",
        actions=f"#{ref.lower()}",
        partners="Le Fournil\r\nLa Récolte",
        links="https://example.org/\r\nLes supports = https://example.org/a=b",
        **{"attendance.0.how": "about", "attendance.0.count": "30", "attendance.0.label": "gens"},
    )
    kept = content_of(loutres.id, number)
    assert kept == {
        "kind": "event",
        "title": "La nuit du libre",
        "date": {"first": "2021-05-28", "last": "2021-05-29"},
        "text": "Une **nuit**\nentière.",
        "actions": [ref],
        "partners": ["Le Fournil", "La Récolte"],
        "links": ["https://example.org/", {"title": "Les supports", "url": "https://example.org/a=b"}],
        "attendance": [{"about": "30", "label": "gens"}],
    }  # fmt: skip
    page = client_of("bob").get(loutres.url(f"journal/{number}")).content.decode()
    for told in ("<strong>nuit</strong>", "about 30 gens", f">{ref}</a>", "Written by Ana Brun"):
        assert told in page


def test_editing_without_a_change_keeps_every_word(loutres: Living, client_of: Clients) -> None:
    ana = client_of("ana")
    content = {
        "kind": "grant",
        "title": "Une machine",
        "grant": {
            "funder": "Le Fonds",
            "asked": {"amount": "1000 EUR", "date": "2021-03-20"},
            "answered": {"granted": "900 EUR", "date": "2021-04-30"},
            "set_aside": {"amount": "100 EUR", "for": "le courant"},
        },
    }
    number = commands.add_to_journal(loutres.request(), content)
    where = loutres.url(f"journal/{number}/edit")
    page = ana.get(where)
    form = {
        "was": page.context["version"] if page.context else was(page.content.decode()),
        "title": "Une machine",
        "grant.funder": "Le Fonds",
        "grant.asked.amount": "1000 EUR",
        "grant.asked.date": "2021-03-20",
        "grant.outcome": "granted",
        "grant.answered.granted": "900 EUR",
        "grant.answered.date": "2021-04-30",
        "grant.set_aside.amount": "100 EUR",
        "grant.set_aside.for": "le courant",
    }
    for name, value in list(form.items())[1:]:
        assert f'name="{name}"' in page.content.decode(), name
        assert value in page.content.decode(), name
    assert ana.post(where, form).status_code == 302
    assert content_of(loutres.id, number) == content


def was(page: str) -> str:
    return page.split('name="was" value="', 1)[1].split('"', 1)[0]


@pytest.mark.parametrize(
    ("kind", "typed", "field", "sentence"),
    [
        ("event", {"title": ""}, "title", "The title is empty"),
        ("event", {"first": "demain"}, "first", "“demain” is not a date"),
        ("event", {"last": "2021-05-01"}, "last", "ends before it begins"),
        ("event", {"days": "2021-06-31"}, "days", "the date 2021-06-31 does not exist"),
        ("event", {"links": "javascript:alert(1)"}, "links", "is not a link"),
        ("event", {"actions": "AE99"}, "actions", "AE99 was never proposed"),
        ("event", {"attendance.1.count": "trente"}, "attendance.1", "write a whole number"),
        ("request", {"request.sent": "2021-01-02"}, "request.to", "Write it in"),
        ("grant", {"grant.asked.amount": "beaucoup"}, "grant.asked.amount", "no"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    loutres: Living,
    client_of: Clients,
    kind: str,
    typed: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    filled = NIGHT | {"grant.funder": "Le Fonds", "grant.asked.date": "2021-03-20"} | typed
    answer = client_of("ana").post(loutres.url(f"journal/new/{kind}"), filled)
    page = answer.content.decode()
    assert answer.status_code == 422
    beside = page.split(f'id="p-{field}"', 1)[1].split("</p>", 1)[0]
    assert sentence.casefold() in beside.casefold()
    assert filled["title"] in page
    assert content_of(loutres.id, 1) is None


def test_whoever_saves_second_is_told_and_loses_nothing(
    loutres: Living, client_of: Clients
) -> None:
    ana = client_of("ana")
    number = write(ana, loutres)
    where = loutres.url(f"journal/{number}/edit")
    seen = was(ana.get(where).content.decode())
    ana.post(where, NIGHT | {"was": seen, "title": "La première à temps"})
    answer = ana.post(where, NIGHT | {"was": seen, "title": "La seconde trop tard"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "somebody else changed this meanwhile" in page.casefold()
    assert "La seconde trop tard" in page
    assert "La première à temps" in page
    again = ana.post(where, NIGHT | {"was": was(page), "title": "La seconde trop tard"})
    assert again.status_code == 302


def test_a_form_sent_twice_is_one_entry(loutres: Living, client_of: Clients) -> None:
    ana = client_of("ana")
    assert write(ana, loutres, key="once") == write(ana, loutres, key="once")
    assert content_of(loutres.id, 2) is None


def test_an_entry_that_is_taken_out_is_told_no_more(loutres: Living, client_of: Clients) -> None:
    ana = client_of("ana")
    number = write(ana, loutres)
    assert client_of("bob").post(loutres.url(f"journal/{number}/remove")).status_code == 403
    assert ana.post(loutres.url(f"journal/{number}/remove")).status_code == 302
    assert ana.get(loutres.url(f"journal/{number}")).status_code == 404
    assert "La nuit du libre" not in ana.get(loutres.url("journal")).content.decode()


def test_what_members_wrote_is_no_markup(loutres: Living, client_of: Clients) -> None:
    bad = "<script>alert(1)</script>"
    number = write(client_of("ana"), loutres, title=bad, text=bad, partners=bad)
    for place in ("journal", f"journal/{number}", f"journal/{number}/edit"):
        assert bad not in client_of("ana").get(loutres.url(place)).content.decode()


def test_the_audit_names_what_lacked_its_action_until_it_is_tied_to_one(
    loutres: Living, client_of: Clients
) -> None:
    commands.add_period(loutres.request(), "Là", TODAY - timedelta(days=30), TODAY)
    ana = client_of("ana")
    number = write(ana, loutres, "service_opened", title="Un service", first=TODAY.isoformat())
    page = client_of("bob").get(loutres.url("audit/Là")).content.decode()
    assert "Un service" in page
    assert "No action covers it" in page
    ref = loutres.propose("extraordinary", "Ouvrir un service", "ana")
    for handle in ("ana", "bob", "chloe"):
        commands.vote(loutres.request(), ref, Choice.FOR, by=loutres.ids[handle])
    where = loutres.url(f"journal/{number}/edit")
    typed = {"title": "Un service", "first": TODAY.isoformat(), "actions": ref}
    ana.post(where, typed | {"was": was(ana.get(where).content.decode())})
    page = client_of("bob").get(loutres.url("audit/Là")).content.decode()
    assert "All that needed an action had one" in page
    assert client_of("bob").get(loutres.url("audit/P99")).status_code == 404
