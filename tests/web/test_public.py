"""What everybody may read, and what nobody is told there."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from xml.etree import ElementTree as xml

import pytest
from django.test import Client

from toutdoux.actions import commands
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction
from toutdoux.core.history import Choice, GrantVotingRight
from toutdoux.web.feeds import Deadline, calendar
from toutdoux.web.masking import masked
from toutdoux.web.models import Seat

from .conftest import Living, found
from .test_lists import add_period, import_one

Signed = Callable[[str], Client]
ATOM = "{http://www.w3.org/2005/Atom}"

SHOWN_BY = {
    "actions": "public_actions",
    "feed.atom": "public_actions",
    "calendar.ics": "public_actions",
    "inventory": "public_inventory",
    "inventory/P1": "public_inventory",
    "inventory/P1?format=csv": "public_inventory",
    "": "public_charter",
}


def turn_on(loutres: Living, *names: str) -> None:
    commands.change_settings(loutres.request(), dict.fromkeys(names, True))


def visitor() -> Client:
    return Client(headers={"accept-language": "en"})


def read(loutres: Living, path: str = "") -> str:
    answer = visitor().get(loutres.url(path))
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize("path", SHOWN_BY)
def test_a_visitor_sees_nothing_until_the_association_turns_it_on(
    loutres: Living, path: str
) -> None:
    add_period(loutres, "P1", -20, 10)
    turn_on(loutres, *{*SHOWN_BY.values()} - {SHOWN_BY[path]} if path else ())
    hidden = visitor().get(loutres.url(path))
    nowhere = visitor().get(f"/a/no-such-place/{path}")
    # Programs that follow a feed or a calendar have no use for a page to sign in.
    is_page = not path.endswith((".atom", ".ics"))
    assert hidden.status_code == nowhere.status_code == (302 if is_page else 404)
    if is_page:
        assert hidden["Location"].replace("loutres", "no-such-place") == nowhere["Location"]
    assert hidden["X-Robots-Tag"] == "noindex"
    turn_on(loutres, SHOWN_BY[path])
    answer = visitor().get(loutres.url(path))
    assert answer.status_code == 200
    assert "X-Robots-Tag" not in answer


@pytest.mark.parametrize("path", SHOWN_BY)
def test_to_a_member_of_another_association_there_is_nothing(
    loutres: Living, client_of: Signed, path: str
) -> None:
    add_period(loutres, "P1", -20, 10)
    found("Les Castors", "castors", {"eva": "Eva Noir"})
    eva = client_of("eva")
    assert eva.get(loutres.url(path)).status_code == 404
    turn_on(loutres, SHOWN_BY[path])
    assert eva.get(loutres.url(path)).status_code == 200


def test_what_members_see_is_not_for_search_engines(loutres: Living, client_of: Signed) -> None:
    turn_on(loutres, "public_actions")
    assert client_of("ana").get(loutres.url("actions"))["X-Robots-Tag"] == "noindex"
    assert "Disallow" in visitor().get("/robots.txt").content.decode()


def test_the_public_home_lists_what_is_shown_and_nothing_else(loutres: Living) -> None:
    add_period(loutres, "P1", -20, 10)
    loutres.propose("ordinary", "Planter un pommier", "ana")
    turn_on(loutres, "public_inventory")
    page = read(loutres)
    assert loutres.url("inventory/P1") in page
    assert "pommier" not in page
    assert "feed.atom" not in page
    turn_on(loutres, "public_actions")
    page = read(loutres)
    assert "pommier" in page
    assert "feed.atom" in page


def test_in_public_nobody_s_vote_nor_name_is_shown(loutres: Living) -> None:
    add_period(loutres, "P1", -20, 10)
    ref = loutres.propose("ordinary", "Planter un pommier", "bob")
    loutres.vote(ref, chloe="for", driss="against")
    turn_on(loutres, "public_actions")
    for path in ("", "actions", "feed.atom", "calendar.ics"):
        page = read(loutres, path)
        assert "pommier" in page
        for name in ("Bob", "Chloé", "Driss", "Ana"):
            assert name not in page


def test_what_is_decided_is_no_open_action_of_the_public_home(loutres: Living) -> None:
    turn_on(loutres, "public_actions")
    ref = loutres.propose("ordinary", "Acheter un disque", "ana")
    assert "Acheter un disque" in read(loutres)
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    assert "Acheter un disque" not in read(loutres)


def test_an_inventory_names_leaders_as_published_reports_do(loutres: Living) -> None:
    add_period(loutres, "P1", -20, 10)
    ref = loutres.propose("ordinary", "Planter un pommier", "bob")
    loutres.vote(ref, chloe="for")
    turn_on(loutres, "public_inventory")
    page = read(loutres, "inventory/P1")
    assert "Bob Petit" in page
    assert "Chloé" not in page


PUBLIC = (
    "",
    "actions",
    "feed.atom",
    "calendar.ics",
    "inventory/P1",
    *(f"inventory/P1?format={form}" for form in ("csv", "json", "markdown")),
)


def test_mentions_are_masked_unless_the_association_says_otherwise(loutres: Living) -> None:
    add_period(loutres, "P1", -20, 10)
    loutres.propose("ordinary", "Planter un pommier, avec @driss-lang", "bob")
    import_one(loutres, "Tailler, avec @driss", datetime.now(UTC).date() - timedelta(days=12))
    turn_on(loutres, "public_actions", "public_inventory")
    for path in PUBLIC:
        page = read(loutres, path)
        assert "pommier" in page
        assert "driss" not in page
    turn_on(loutres, "show_mentions")
    for path in PUBLIC:
        assert "driss" in read(loutres, path)


def test_a_search_does_not_tell_a_visitor_what_is_masked(loutres: Living) -> None:
    loutres.propose("ordinary", "Planter un pommier, avec @driss", "bob")
    turn_on(loutres, "public_actions")
    everything = len(re.findall('class="card"', read(loutres, "actions")))
    for query in ("q=driss", "q=xyz", "leader=bob", "leader=xyz", "tag=x"):
        page = read(loutres, f"actions?{query}")
        assert len(re.findall('class="card"', page)) == everything


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("avec @ana.", "avec @…."),
        ("@jean-luc_2 et (@Zoé)", "@… et (@…)"),
        ("**@ana**, _@bob_", "**@…**, _@…"),
        ("@ana@chat.example.org vient", "@… vient"),
        ("écrire à ana@example.org", "écrire à ana@example.org"),
        ("à 5 € @ la pièce", "à 5 € @ la pièce"),
        ("avec &commat;ana, &#64;bob et &#x40;zo&eacute;", "avec @…, @… et @…"),
        ("avec @**Ana Brun**, @_bob_ et @`zoe`", "avec @…, @… et @…"),
        ("avec @[ana](https://m.example/12)", "avec @…"),
        ("avec @\\_ana et @\u200bbob", "avec @… et @…"),
        ("avec @ane\u0301lie", "avec @…"),
        (
            "&Eacute;crire &agrave; 3 * 4 &lt; 13 &ast;",
            "&Eacute;crire &agrave; 3 * 4 &lt; 13 &ast;",
        ),
    ],
)
def test_a_mention_is_masked_and_an_address_is_not(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("voir https://m.example/@ana/12, puis @bob", "voir …, puis @…"),
        ("voir https://m.example/%40ana/12", "voir …"),
        ("(https://m.example/12?a=b), avec @bob", "(https://m.example/12?a=b), avec @…"),
        ("[le fil de @ana](https://m.example/@ana/12).", "le fil de @…."),
        ('[le fil](<https://m.example/@ana> "d’@ana") ici', "le fil ici"),
        ("[https://m.example/@ana](https://m.example/@ana)", "…"),
        ('[le fil](https://m.example/12 "d’@ana")', '[le fil](https://m.example/12 "d’@…")'),
        ("[a_(b)](https://m.example/@ana_(b))!", "a_(b)!"),
        ("<https://m.example/@ana>", "<…>"),
        ("![image](https://m.example/@ana.png)", "image"),
        ("[fil]: https://m.example/@ana 'titre'\nsuite", "fil\nsuite"),
        ("[fil]: https://m.example/12\nsuite de @ana", "[fil]: https://m.example/12\nsuite de @…"),
    ],
)
def test_a_link_in_a_text_is_left_out_whole_or_kept_whole(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a-",
        "[",
        "[x](a://",
        "[x](https://a(",
        "https://)",
        "a://@",
        "@*",
        "@[",
        "&#64",
        "@\u200b",
    ],
)
def test_no_text_takes_long_to_be_masked(text: str) -> None:
    begun = perf_counter()
    masked(text * (20_000 // len(text)) + "@ana")
    masked("[x](https://" + text * (20_000 // len(text)) + "@ana")
    assert perf_counter() - begun < 1


def entries(loutres: Living) -> dict[str, xml.Element]:
    feed = xml.fromstring(visitor().get(loutres.url("feed.atom")).content)
    assert feed.tag == f"{ATOM}feed"
    found = {one.findtext(f"{ATOM}title", ""): one for one in feed.iter(f"{ATOM}entry")}
    for one in (feed, *found.values()):
        assert one.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
        assert one.findtext(f"{ATOM}updated", "").endswith("Z")
        assert one.find(f"{ATOM}link[@rel='alternate']") is not None
    return found


def test_the_feed_tells_of_actions_and_decisions_with_stable_ids(loutres: Living) -> None:
    turn_on(loutres, "public_actions")
    assert entries(loutres) == {}
    ref = loutres.propose("ordinary", "Planter <b>un</b> pommier & deux \x0b poiriers", "ana")
    (before,) = entries(loutres).values()
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    after = list(entries(loutres).values())
    assert len(after) == 2
    assert [one.findtext(f"{ATOM}id") for one in after].count(before.findtext(f"{ATOM}id")) == 1
    one = visitor().get(loutres.url("feed.atom"))
    assert one["Content-Type"].startswith("application/atom+xml")
    again = visitor().get(loutres.url("feed.atom"), headers={"if-none-match": one["ETag"]})
    assert again.status_code == 304


def test_a_member_s_feed_is_the_public_s(loutres: Living, client_of: Signed) -> None:
    loutres.propose("ordinary", "Planter un pommier, avec @driss", "bob")
    ana = client_of("ana")
    assert ana.get(loutres.url("feed.atom")).status_code == 404
    turn_on(loutres, "public_actions")
    assert ana.get(loutres.url("feed.atom")).content == read(loutres, "feed.atom").encode()


def unfolded(content: bytes) -> list[str]:
    for line in content.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()
    assert b"\n" not in content.replace(b"\r\n", b"")
    return content.replace(b"\r\n ", b"").decode().split("\r\n")


def test_a_calendar_folds_its_lines_between_letters() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    text = "é" * 100 + "; \\ , \n" + "🦦" * 50
    one = Deadline("id-1", text, text, "https://example.org/a/1", at, at)
    lines = unfolded(calendar("Les Loutres, libres", [one]))
    assert "DTSTART:20260301T120000Z" in lines
    escaped = "é" * 100 + "\\; \\\\ \\, \\n" + "🦦" * 50
    assert f"SUMMARY:{escaped}" in lines
    assert "NAME:Les Loutres\\, libres" in lines
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]


def test_the_public_calendar_tells_when_votes_end(loutres: Living) -> None:
    turn_on(loutres, "public_actions")
    loutres.propose("extraordinary", "Planter un pommier", "ana")
    first, second = (visitor().get(loutres.url("calendar.ics")).content for _ in range(2))
    assert first == second
    lines = unfolded(first)
    assert lines.count("BEGIN:VEVENT") == 1
    assert any(re.fullmatch(r"DTSTART:\d{8}T\d{6}Z", line) for line in lines)


def own_calendar(loutres: Living, handle: str, slug: str = "") -> str:
    secret = Seat.objects.get(member_id=loutres.ids[handle]).secret
    return f"/a/{slug or loutres.slug}/calendar/{secret}.ics"


def test_a_member_s_own_calendar_has_votes_and_things_to_do(loutres: Living) -> None:
    loutres.propose("extraordinary", "Planter un pommier, avec @bob", "ana")
    done = loutres.propose("extraordinary", "Planter un cerisier", "ana")
    loutres.vote(done, ana="for", bob="for", chloe="for")
    answer = visitor().get(own_calendar(loutres, "ana"))
    assert answer["Content-Type"].startswith("text/calendar")
    assert answer["X-Robots-Tag"] == "noindex"
    lines = unfolded(answer.content)
    assert lines.count("BEGIN:VEVENT") == 2
    assert lines.count("BEGIN:VTODO") == 1
    assert "@bob" in "".join(lines)
    bob = unfolded(visitor().get(own_calendar(loutres, "bob")).content)
    assert bob.count("BEGIN:VTODO") == 0


def test_a_calendar_s_secret_opens_nothing_else(loutres: Living) -> None:
    found("Les Castors", "castors", {"eva": "Eva Noir"})
    assert visitor().get(loutres.url("calendar/guessed.ics")).status_code == 404
    assert visitor().get(own_calendar(loutres, "ana", "castors")).status_code == 404
    commands.end_membership(loutres.request(), loutres.ids["driss"])
    assert visitor().get(own_calendar(loutres, "driss")).status_code == 404


def test_public_pages_say_what_they_are_to_those_who_link_them(loutres: Living) -> None:
    turn_on(loutres, "public_actions", "public_inventory")
    add_period(loutres, "P1", -20, 10)
    for path in ("", "actions", "inventory", "inventory/P1"):
        page = read(loutres, path)
        assert '<meta property="og:title"' in page
        assert '<meta property="og:description"' in page


def test_a_contested_action_is_shown_without_who_was_against(loutres: Living) -> None:
    ref = commands.propose(
        loutres.request(-8), Kind.EXTRAORDINARY, "Planter un pommier", by=loutres.ids["ana"]
    )
    driss = loutres.ids["driss"]
    commands.vote(loutres.request(-7.5), ref, Choice.AGAINST, by=driss)
    commands.call_counter_vote(loutres.request(), ref, "Parce que @bob", by=driss)
    turn_on(loutres, "public_actions")
    for path in ("", "actions"):
        page = read(loutres, path)
        assert "pommier" in page
        assert "Driss" not in page
        assert "@bob" not in page


def test_a_public_action_names_neither_its_leader_nor_who_called_a_counter_vote(
    loutres: Living,
) -> None:
    born = datetime.now(UTC) - timedelta(days=30)
    eva = commands.add_member(loutres.request(), "Eva Noir", joined=born)
    ref = commands.propose(
        loutres.request(-8),
        Kind.EXTRAORDINARY,
        "Accueillir quelqu'un",
        by=loutres.ids["ana"],
        effects=[GrantVotingRight(eva)],
    )
    driss = loutres.ids["driss"]
    commands.vote(loutres.request(-7.5), ref, Choice.AGAINST, by=driss)
    commands.call_counter_vote(loutres.request(), ref, "Parce que", by=driss)
    import_one(loutres, "Tailler", datetime.now(UTC).date() - timedelta(days=12))
    turn_on(loutres, "public_actions", "public_inventory", "show_mentions")
    told = read(loutres, f"actions/{ref}") + read(loutres, "actions/AE3")
    assert "Under a counter-vote since" in told
    assert "gives a member the right to vote" in told
    for name in ("Ana", "Bob", "Chloé", "Driss", "Eva Noir"):
        assert name not in told


@pytest.mark.parametrize(
    "link", ["https://m.example/@bob/12", "https://m.example/%40bob/12", "https://m.example/12"]
)
def test_a_link_that_holds_a_mention_is_left_out(loutres: Living, link: str) -> None:
    add_period(loutres, "P1", -20, 10)
    asked = loutres.request()
    ana = loutres.ids["ana"]
    commands.propose(asked, Kind.ORDINARY, "Planter un pommier", by=ana, link=link)
    imported = ImportedAction(
        ref="AO9",
        kind=Kind.ORDINARY,
        number=9,
        object="Planter un pommier",
        leader="",
        leader_id=None,
        date=datetime.now(UTC).date(),
        for_=1,
        against=0,
        expressed=1,
        link=link,
    )
    commands.import_actions(loutres.request(), [imported])
    turn_on(loutres, "public_actions", "public_inventory")
    shown = link.endswith(".example/12")
    for path in PUBLIC:
        page = read(loutres, path)
        assert "pommier" in page
        assert shown or "bob" not in page
    assert (link in read(loutres, "inventory/P1")) is shown
    turn_on(loutres, "show_mentions")
    assert link in read(loutres, "inventory/P1")
    assert link in read(loutres, "actions")
