"""The generated pages: sound gemtext in both languages, shown and masked as on the web."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote
from xml.etree import ElementTree as xml
from zoneinfo import ZoneInfo

import pytest

from tests.web.conftest import Living, loutres  # noqa: F401  a fixture
from tests.web.test_lists import add_period, import_one
from toutdoux.actions import commands
from toutdoux.actions.chronicle import periods
from toutdoux.association.models import Association
from toutdoux.capsule import pages
from toutdoux.capsule.gemtext import Line, LineKind, parse
from toutdoux.capsule.protocol import Request, Response
from toutdoux.capsule.site import Visit
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.history import AmendCharter
from toutdoux.language import Language
from toutdoux.web import publishing

URL = "gemini://loutres.example"
PERIOD = "Été/21"
HOSTILE = (
    "# un titre",
    "#",
    "### ",
    "* ",
    "*sans espace",
    "=> gemini://evil.example/ ici",
    "> cité",
    "```",
    "```\n=> /x",
    "    ```\n    code",
    '[lien](gemini://[mauvais/ "t")',
    "[](https://example.org/a b)",
    "https://example.org/é?q=%zz",
    "a\u2028b\x0bc\x1b[31md\x85e\ufefff",
    "- - - =>\n1. # x\n2. * y",
    "> # a\n> * b\n> ```\n> c",
    "| a | b |\n|---|---|\n| ``` | => |",
    "",
    "\u202etête-bêche",
)


def turn_on(living: Living, *names: str) -> None:
    commands.change_settings(living.request(), dict.fromkeys(names, True))


def ask(living: Living, path: str, *, days: float = 0) -> Response | None:
    association = Association.objects.select_related("ledger").get(pk=living.id)
    segments = tuple(
        part.replace("%2F", "/").replace("%C3%89", "É").replace("%C3%A9", "é")
        for part in path[1:].split("/")
    )
    now = datetime.now(UTC) + timedelta(days=days)
    request = Request("loutres.example", path, segments, None, None, "127.0.0.1", now)
    language = Language(association.language, ZoneInfo(association.time_zone))
    return pages.answer(Visit(request, association, language, URL))


def read(living: Living, path: str) -> str:
    answer = ask(living, path)
    assert answer is not None, path
    assert answer.status == 20, (path, answer)
    return answer.body.decode()


def links(living: Living, path: str) -> Iterator[Line]:
    return (one for one in parse(read(living, path)) if one.kind is LineKind.LINK)


def publish(living: Living, *, mentions: bool = False) -> None:
    period = next(one for one in periods(living.id) if one.name == PERIOD)
    association = Association.objects.get(pk=living.id)
    publishing.publish(living.request(), association, period, mentions=mentions, audit=False)


def tell(living: Living, title: str, text: str = "", day: int = -2) -> int:
    date = (datetime.now(UTC) + timedelta(days=day)).date().isoformat()
    content = {"kind": "event", "title": title, "date": date, "text": text, "actions": ["AO1"]}
    return commands.add_to_journal(living.request(), content)


@pytest.fixture
def lively(loutres: Living, monkeypatch: pytest.MonkeyPatch) -> Living:  # noqa: F811
    """The association with something of everything, and a published report that tells it."""
    quick = {
        form: lambda document, form=form: f"{form} {document!r}".encode()
        for form in ("pdf", "html", "md")
    }
    monkeypatch.setattr(publishing, "RENDERERS", {**publishing.RENDERERS, **quick})
    add_period(loutres, PERIOD, -20, 10)
    loutres.propose("ordinary", "Planter un **pommier** avec @chloe", "bob")
    loutres.vote("AO1", bob="for", chloe="for", driss="for", ana="for")
    import_one(loutres, "Acheter @eva@social.example", datetime.now(UTC).date())
    charter = AmendCharter(read_charter("simple-majority"))
    commands.propose(
        loutres.request(), Kind.EXTRAORDINARY, "D’autres règles", by=loutres.ids["ana"],
        effects=[charter],
    )  # fmt: skip
    loutres.propose("ordinary", "Réparer la barque", "ana")
    tell(loutres, "La fête avec @bob", "Il y avait **du monde**, et @chloe.")
    publish(loutres)
    return loutres


SHOWN_BY = {
    "/actions": "public_actions",
    "/actions/AO1": "public_actions",
    "/actions/AE3": "public_actions",
    "/actions/AE4": "public_actions",
    "/decisions": "public_actions",
    "/members": "public_actions",
    "/verify": "public_actions",
    "/inventory": "public_inventory",
    f"/inventory/{quote(PERIOD, safe='')}": "public_inventory",
    f"/inventory/{quote(PERIOD, safe='')}/1": "public_inventory",
    "/reports": "public_reports",
    f"/reports/{quote(PERIOD, safe='')}": "public_reports",
    "/journal": "public_reports",
    "/journal/1": "public_reports",
    "/charter": "public_charter",
    "/charter/1": "public_charter",
}
FEEDS = {"/decisions.atom": "public_actions", "/journal.atom": "public_reports"}
ALL = ("public_actions", "public_inventory", "public_reports", "public_charter")


@pytest.mark.parametrize("code", ["", "/fr", "/en"])
def test_every_page_is_gemtext_to_the_letter(lively: Living, code: str) -> None:
    turn_on(lively, *ALL)
    for path in ("/", *SHOWN_BY):
        check_page(lively, code, path)


def check_page(lively: Living, code: str, path: str) -> None:
    answer = ask(lively, code + path)
    assert answer is not None
    assert answer.status == 20
    assert f"lang={code[1:] or 'fr'}" in answer.meta
    lines = parse(answer.body.decode())
    assert lines[0].kind is LineKind.HEADING
    assert lines[0].level == 1
    assert [one for one in lines if one.kind is LineKind.HEADING and one.level == 1] == lines[:1]
    assert answer.keep


@pytest.mark.parametrize("code", ["", "/fr", "/en"])
def test_every_link_of_the_home_page_and_beyond_leads_somewhere(lively: Living, code: str) -> None:
    turn_on(lively, *ALL)
    seen, todo = set(), [f"{code}/"]
    while todo:
        path = todo.pop()
        if path in seen or not path.startswith("/") or path.endswith(("/me", "/certificate")):
            continue
        seen.add(path)
        answer = ask(lively, path)
        assert answer is not None, path
        assert answer.status == 20, path
        if answer.meta.startswith("text/gemini"):
            lines = parse(answer.body.decode())
            todo += [one.url for one in lines if one.kind is LineKind.LINK]
    assert len(seen) > len(SHOWN_BY)


@pytest.mark.parametrize("switch", ALL)
def test_a_page_is_shown_by_its_switch_and_no_other(lively: Living, switch: str) -> None:
    def shown() -> set[str]:
        answers = {path: ask(lively, path) for path in (*SHOWN_BY, *FEEDS)}
        assert {one.status for one in answers.values() if one} <= {20}
        return {path for path, one in answers.items() if one}

    assert not shown()
    turn_on(lively, switch)
    assert shown() == {path for path, one in {**SHOWN_BY, **FEEDS}.items() if one == switch}


@pytest.mark.parametrize("switch", ALL)
def test_the_home_page_links_to_what_is_shown_alone(lively: Living, switch: str) -> None:
    turn_on(lively, switch)
    shown = {path for path, one in SHOWN_BY.items() if one == switch}
    told = {one.url for one in links(lively, "/")}
    assert not told & ({*SHOWN_BY} - shown)
    assert told & shown


def test_who_shows_nothing_has_a_home_page_all_the_same(lively: Living) -> None:
    page = read(lively, "/")
    assert "pommier" not in page
    assert "=> /me " in page


def test_nobody_is_named_but_who_leads_in_an_inventory(lively: Living) -> None:
    turn_on(lively, *ALL)
    for path in (*SHOWN_BY, *FEEDS):
        page = read(lively, path)
        for told in ("@chloe", "@bob", "@eva", "social.example", "Chloé", "Driss"):
            assert told not in page, path
        assert path.startswith("/inventory/") == ("Bob Petit" in page)


def test_mentions_are_shown_where_the_association_says_so(lively: Living) -> None:
    turn_on(lively, *ALL, "show_mentions")
    assert "@chloe" in read(lively, "/actions/AO1")
    assert "@eva" in read(lively, f"/inventory/{quote(PERIOD, safe='')}")
    assert "@bob" in read(lively, "/journal")


def test_no_text_becomes_markup(lively: Living) -> None:
    turn_on(lively, *ALL)
    paths = ["/", "/actions", "/journal", f"/inventory/{quote(PERIOD, safe='')}"]
    for text in HOSTILE:
        ref = lively.propose("ordinary", text + "\n\nfin", "bob")
        number = tell(lively, text.strip() or "Sans titre", text)
        paths += [f"/actions/{ref}", f"/journal/{number}"]
    publish(lively)
    for path in paths:
        told = [one.url for one in parse(read(lively, path)) if one.kind is LineKind.LINK]
        assert "/x" not in told
        assert path == "/" or told[-1] == "/"
    for path in FEEDS:
        xml.fromstring(read(lively, path))


def test_an_action_tells_its_tally_and_why_it_stands_where_it_does(lively: Living) -> None:
    turn_on(lively, "public_actions")
    page = read(lively, "/en/actions/AO1")
    assert "# AO1 · Ordinary action 1" in page
    assert "4 for · 0 against · 0 neutral" in page
    assert "## Why is it in this state?" in page


def test_an_action_that_changes_the_rules_tells_what_changes(lively: Living) -> None:
    turn_on(lively, "public_actions")
    page = read(lively, "/en/actions/AE4")
    assert "## What it changes in the rules" in page
    assert "Simple majority" in page


def test_decisions_can_be_subscribed_to(lively: Living) -> None:
    turn_on(lively, "public_actions")
    today = datetime.now(ZoneInfo("Europe/Paris")).date().isoformat()
    entries = [one for one in links(lively, "/decisions") if one.text.startswith(today)]
    assert [one.url for one in entries] == ["/actions/AO1"]
    feed = xml.fromstring(read(lively, "/decisions.atom"))
    atom = "{http://www.w3.org/2005/Atom}"
    (entry,) = feed.findall(f"{atom}entry")
    link = entry.find(f"{atom}link")
    assert link is not None
    assert link.get("href") == f"{URL}/actions/AO1"


def test_the_journal_tells_what_a_report_told_and_no_more(lively: Living) -> None:
    turn_on(lively, "public_reports")
    later = tell(lively, "Un secret de plus")
    assert "fête" in read(lively, "/journal")
    assert "secret" not in read(lively, "/journal") + read(lively, "/journal.atom")
    hidden = ask(lively, f"/journal/{later}")
    assert hidden is not None
    assert hidden.status == 51
    publish(lively)
    assert "secret" in read(lively, "/journal")


def test_the_journal_is_not_told_where_the_report_is_not(lively: Living) -> None:
    turn_on(lively, "public_reports", "show_mentions")
    tell(lively, "Chez @driss")
    publish(lively, mentions=True)
    assert "driss" in read(lively, "/journal")
    commands.change_settings(lively.request(), {"show_mentions": False})
    assert "Chez" not in read(lively, "/journal")


def test_a_report_is_read_as_it_was_published(lively: Living) -> None:
    turn_on(lively, "public_reports")
    where = f"/reports/{quote(PERIOD, safe='')}"
    told = {one.text: one.url for one in links(lively, where)}
    pdf, gmi = ask(lively, told["PDF"]), ask(lively, told["Gemtext"])
    assert pdf is not None
    assert (pdf.meta, pdf.body[:4]) == ("application/pdf", b"pdf ")
    assert gmi is not None
    assert gmi.meta == "text/gemini; charset=utf-8; lang=fr"
    parse(gmi.body.decode())
    assert "@" not in gmi.body.decode().replace("@…", "")


def test_what_is_not_there_is_said_to_be_not_there(lively: Living) -> None:
    turn_on(lively, *ALL)
    period = quote(PERIOD, safe="")
    actions = ["/actions/AO99", "/actions/x", "/inventory/P99"]
    numbers = [f"/inventory/{period}/{one}" for one in ("2", "0", "²", "01")]
    others = ["/reports/P99", "/reports/P99/x.pdf", f"/reports/{period}/x.pdf", "/journal/99"]
    charter = ["/charter/9", "/charter/x", "/charter/1/changes", "/charter/0"]
    for path in (*actions, *numbers, *others, *charter, "/journal/x"):
        answer = ask(lively, path)
        assert answer is not None
        assert answer.status == 51, path
        assert answer.meta.endswith(".")


def test_what_is_no_page_is_left_to_others(lively: Living) -> None:
    turn_on(lively, *ALL)
    for path in ("/me", "/me/vote", "/fediverse", "/nowhere", "/actions/AO1/x", "/en/nowhere"):
        assert ask(lively, path) is None


def test_a_language_is_a_folder(lively: Living) -> None:
    answer = ask(lively, "/en")
    assert answer is not None
    assert answer.header() == b"31 /en/\r\n"


def test_a_list_leaves_out_the_hashtags_that_an_action_was_proposed_with(lively: Living) -> None:
    turn_on(lively, "public_actions")
    text = "@bob #action-ordinaire #jardin Semer des #soucis"
    ref = lively.propose("ordinary", text, "ana")
    labels = {one.url: one.text for one in links(lively, "/en/actions")}
    assert labels[f"/en/actions/{ref}"].startswith(f"{ref} · Semer des #soucis (")
    assert "#action-ordinaire #jardin Semer des #soucis" in read(lively, f"/actions/{ref}")


def test_members_are_counted_and_not_named(lively: Living) -> None:
    turn_on(lively, "public_actions")
    page = read(lively, "/en/members")
    assert "4 members" in page
    assert "1 person" in page
    assert "Ana" not in page


def test_the_ledgers_head_and_length_are_told(lively: Living) -> None:
    turn_on(lively, "public_actions")
    ledger = Association.objects.select_related("ledger").get(pk=lively.id).ledger
    page = read(lively, "/en/verify")
    assert f"{ledger.length} entries" in page
    assert ledger.head in page
    assert "toutdoux verify" in page


def test_the_source_of_what_runs_is_there(lively: Living) -> None:
    where = next(one.url for one in links(lively, "/") if "/source/" in one.url)
    answer = ask(lively, where)
    assert answer is not None
    assert answer.meta == "application/gzip"
    assert answer.body[:2] == b"\x1f\x8b"
