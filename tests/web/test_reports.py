"""A period's report: worded, looked at, published; the public sees what was published alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from django.test import Client

from toutdoux.actions import commands
from toutdoux.actions.chronicle import chronicle, period_told, periods
from toutdoux.actions.reading import standing
from toutdoux.core.charter import Kind
from toutdoux.journal.models import Publication
from toutdoux.language import Language
from toutdoux.reports.content import build_report

from .conftest import Living

Clients = Callable[[str], Client]


@pytest.fixture
def spring(loutres: Living) -> Living:
    """The association with a period of today, and an action that mentions somebody."""
    today = datetime.now(UTC).date()
    days = timedelta(days=30)
    commands.add_period(loutres.request(), "P21", today - days, today + days)
    loutres.propose("ordinary", "Fêter les dix ans avec @chloe", "bob")
    return loutres


def was(page: str) -> str:
    return page.split('name="was" value="', 1)[1].split('"', 1)[0]


def publish(client: Client, living: Living, **more: str) -> None:
    answer = client.post(living.url("reports/P21/publish"), {"key": "one", **more})
    assert answer.status_code == 302, answer.content.decode()


def test_a_period_s_report_is_the_one_of_all_that_is_known(spring: Living) -> None:
    commands.add_period(
        spring.request(),
        "Avant",
        datetime(2020, 1, 1, tzinfo=UTC).date(),
        datetime(2020, 6, 1, tzinfo=UTC).date(),
    )
    now, french = datetime.now(UTC), Language("fr")
    for period in periods(spring.id):
        all_of_it = chronicle(spring.id, "?"), standing(spring.id, now, "?")
        of_period = period_told(spring.id, period, now, "?")
        assert build_report(*all_of_it, period, french) == build_report(*of_period, period, french)


@pytest.mark.parametrize(
    ("place", "member", "visitor"),
    [
        ("reports", 200, 302),
        ("reports/P21", 200, 302),
        ("reports/P21/preview", 200, 302),
        ("reports/P21/download/md", 200, 302),
        ("reports/P21/download/exe", 404, 302),
        ("reports/P21/edit", 403, 302),
        ("reports/P99", 404, 302),
    ],
)
def test_who_sees_what(
    spring: Living, client_of: Clients, place: str, member: int, visitor: int
) -> None:
    assert client_of("bob").get(spring.url(place)).status_code == member
    assert Client().get(spring.url(place)).status_code == visitor


def test_the_preview_is_a_document_of_its_own_where_nothing_runs(
    spring: Living, client_of: Clients
) -> None:
    answer = client_of("bob").get(spring.url("reports/P21/preview"))
    assert "Fêter les dix ans" in answer.content.decode()
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "sandbox" in answer["Content-Security-Policy"]


def test_texts_are_kept_and_told_in_the_report(spring: Living, client_of: Clients) -> None:
    where, ana = spring.url("reports/P21/edit"), client_of("ana")
    typed = {
        "was": was(ana.get(where).content.decode()),
        "title": "Notre printemps",
        "authors": "@ana\r\nLe collectif",
        "life.text": "Nous avons **ri**.",
        "life.title": "La vie",
    }
    assert ana.post(where, typed).status_code == 302
    report = ana.get(spring.url("reports/P21/download/md")).content.decode()
    for told in ("Notre printemps", "Ana Brun", "Le collectif", "**ri**", "La vie"):
        assert told in report
    assert "@ana\nLe collectif" in ana.get(where).content.decode()


def test_a_date_that_is_none_is_said_beside_its_field(spring: Living, client_of: Clients) -> None:
    answer = client_of("ana").post(
        spring.url("reports/P21/edit"), {"date": "hier", "life.text": "Ici"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "is not a date" in page.split('id="p-date"', 1)[1].split("</p>", 1)[0]
    assert ">Ici</textarea>" in page


def test_whoever_words_it_second_is_told_and_loses_nothing(
    spring: Living, client_of: Clients
) -> None:
    where, ana = spring.url("reports/P21/edit"), client_of("ana")
    seen = was(ana.get(where).content.decode())
    ana.post(where, {"was": seen, "life.text": "Le premier texte"})
    answer = ana.post(where, {"was": seen, "life.text": "Le second texte"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Le premier texte" in page
    assert ">Le second texte</textarea>" in page
    again = {"was": was(page), "life.text": "Les deux"}
    assert ana.post(where, again).status_code == 302


def test_what_is_published_is_kept_as_it_was_with_its_sums(
    spring: Living, client_of: Clients
) -> None:
    publish(client_of("ana"), spring)
    sums = dict(Publication.objects.values_list("format", "sha256"))
    assert set(sums) == {"pdf", "html", "md", "gmi"}
    page = client_of("bob").get(spring.url("reports/P21")).content.decode()
    for form, sum in sums.items():
        assert sum in page
        file = client_of("bob").get(spring.url(f"reports/P21/published/{sum}.{form}"))
        assert sha256(file.content).hexdigest() == sum
    publish(client_of("ana"), spring)  # the same form, sent twice
    assert Publication.objects.count() == 4


def test_the_preview_leads_back(spring: Living, client_of: Clients) -> None:
    page = client_of("bob").get(spring.url("reports/P21/preview?audit=1")).content.decode()
    assert f'href="{spring.url("reports/P21")}?audit=1">Back to the report of P21</a>' in page
    file = client_of("bob").get(spring.url("reports/P21/download/html")).content.decode()
    assert "Back to the report" not in file


def test_one_is_warned_before_a_period_that_is_not_over_is_published(
    spring: Living, client_of: Clients
) -> None:
    warning = "The period is not over. What you publish now is kept as a provisional report"
    assert warning in client_of("ana").get(spring.url("reports/P21")).content.decode()
    report = client_of("ana").get(spring.url("reports/P21/download/md")).content.decode()
    assert "provisoire" in report or "provisional" in report
    day = datetime(2020, 1, 1, tzinfo=UTC).date()
    commands.add_period(spring.request(), "Avant", day, day)
    assert warning not in client_of("ana").get(spring.url("reports/Avant")).content.decode()


def test_published_files_begin_with_the_pdf_and_their_sums_are_folded(
    spring: Living, client_of: Clients
) -> None:
    publish(client_of("ana"), spring)
    page = client_of("bob").get(spring.url("reports/P21")).content.decode()
    told = page.split("<h2>Published</h2>", 1)[1]
    forms = [told.index(f'.{form}"') for form in ("pdf", "html", "md", "gmi")]
    assert forms == sorted(forms)
    assert told.index("<summary>Fingerprints</summary>") > forms[-1]


def test_a_member_publishes_nothing(spring: Living, client_of: Clients) -> None:
    assert client_of("bob").post(spring.url("reports/P21/publish")).status_code == 403


def test_the_public_sees_published_reports_alone_and_only_where_it_is_turned_on(
    spring: Living, client_of: Clients
) -> None:
    publish(client_of("ana"), spring)
    visitor, sum = Client(), Publication.objects.get(format="md").sha256
    file = spring.url(f"reports/P21/published/{sum}.md")
    assert visitor.get(file).status_code == 302
    commands.change_settings(spring.request(), {"public_reports": True})
    assert "P21" in visitor.get(spring.url("reports")).content.decode()
    assert sum in visitor.get(spring.url("reports/P21")).content.decode()
    assert visitor.get(file).status_code == 200
    assert visitor.get(spring.url("reports/P21/download/md")).status_code == 302
    assert visitor.get(spring.url("reports/P99")).status_code == 404


def test_what_is_published_mentions_nobody_unless_the_association_says_so(
    spring: Living, client_of: Clients
) -> None:
    spring.propose(
        "ordinary", "Jouer avec @**chloe**, &#64;chloe et @[chloe](https://m.example)", "bob"
    )
    commands.change_settings(spring.request(), {"public_reports": True})
    publish(client_of("ana"), spring)
    file = f"reports/P21/published/{Publication.objects.get(format='md').sha256}.md"
    assert "chloe" not in Client().get(spring.url(file)).content.decode()
    commands.change_settings(spring.request(), {"show_mentions": True})
    publish(client_of("ana"), spring, key="two")
    other = Publication.objects.filter(format="md").latest("id").sha256
    open = spring.url(f"reports/P21/published/{other}.md")
    assert "@chloe" in Client().get(open).content.decode()
    commands.change_settings(spring.request(), {"show_mentions": False})
    assert Client().get(open).status_code == 404
    assert client_of("bob").get(open).status_code == 200


def test_links_with_mentions_are_left_out_of_what_is_published_and_others_kept_whole(
    spring: Living, client_of: Clients
) -> None:
    asked, ana = spring.request(), spring.ids["ana"]
    for text, link in (
        ("Lire [le fil](https://m.example/@chloe/12) et https://m.example/@chloe/13", None),
        ("Lire [la suite](https://m.example/14) et https://m.example/a_15, avec @chloe", None),
        ("Répondre au fil", "https://m.example/@chloe/16"),
        ("Répondre à la suite", "https://m.example/17"),
    ):
        commands.propose(asked, Kind.ORDINARY, text, by=ana, link=link)
    commands.change_settings(asked, {"public_reports": True})
    publish(client_of("ana"), spring)
    for form in ("md", "html", "gmi"):
        file = f"reports/P21/published/{Publication.objects.get(format=form).sha256}.{form}"
        told = Client().get(spring.url(file)).content.decode()
        assert "chloe" not in told
        assert "@…/" not in told
        assert "le fil" in told
        for link in ("https://m.example/14", "https://m.example/17"):
            assert link in told
        assert "m.example/a_15" in told.replace("\\", "")


def test_a_file_that_was_changed_on_the_disk_is_not_given_out(
    spring: Living, client_of: Clients, home: Path
) -> None:
    publish(client_of("ana"), spring)
    sum = Publication.objects.get(format="md").sha256
    (kept,) = home.rglob(f"{sum}.md")
    kept.write_text("Autre chose")
    file = spring.url(f"reports/P21/published/{sum}.md")
    assert client_of("bob").get(file).status_code == 404
