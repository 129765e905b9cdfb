"""Axe finds nothing on any page: for visitors, members and référent·es, in both themes and
languages, on a phone; and no page is wider than 320 px."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver, resolve

from toutdoux.actions import commands
from toutdoux.association.models import Member
from toutdoux.core.history import Choice, FollowUp
from toutdoux.reports.files import write_all
from toutdoux.web import accounts
from toutdoux.web.models import Account, Comment, Tag

from ..browsers import needs_chromium
from .browsing import PHONE, browser
from .conftest import Living
from .test_serve import serving

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = needs_chromium
__all__ = ["browser"]

NARROW = 320
SESSION = "toutdoux"
TEXT = """Un *atelier* le **samedi** :

- des outils ;
- du café.

> Qui vient ?

`sudo reboot` et https://example.org/a-rather-long-address-that-goes-on-and-on-and-on
"""

# What is below an association's address, and the names of the pages that come from there.
VISITORS = [
    "",
    "actions",
    "actions?kind=ordinary",
    "actions/AE1",
    "charter",
    "inventory",
    "inventory/A26",
    "reports",
    "reports/A26",
]
EVERYBODYS = [
    "/",
    "/legal",
    "/privacy",
    "/privacy/register",
    "/accessibility",
    "/source",
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/join/unheard-of",
    "/setup/unheard-of",
    "/nowhere",
]
MEMBERS = [
    *VISITORS,
    "actions/AE2",
    "actions/AE3",
    "actions/AO1",
    "actions/AE1/discussion",
    "actions?q=atelier&state=open",
    "todo",
    "todo?show=done",
    "todo/AO1",
    "members",
    "members?all=1",
    "members/ana",
    "members/eve",
    "journal",
    "journal/1",
    "audit/A26",
    "charter/propose",
    "verify",
    "propose",
    "me",
    "chat",
    "capsule",
    "me/leave",
    "/account/logout/",
    "/account/password/change/",
    "/account/email/",
    "/account/2fa/webauthn/",
]
STEWARDS = [
    "members/eve",
    "members/bob",
    "members/+add",
    "members/+import",
    "members/+invitations",
    "members/bob/change",
    "members/bob/membership",
    "members/zoe/membership",
    "journal/new",
    "journal/new/event",
    "journal/new/request",
    "journal/new/grant",
    "journal/1/edit",
    "reports/A26",
    "reports/A26/edit",
    "settings",
    "members/bob?everyone=1",
]
NO_PAGES = {
    *("openid_connect_login", "openid_connect_callback"),
    *("health", "robots", "comfort", "feed", "calendar", "my_calendar", "source_archive"),
    *("me_export", "verify_bundle", "report_download", "report_published", "live"),
    *("propose_draft", "home", "demo", "unsubscribe", "account_email_confirm"),
    "report_preview",  # a report, not a page of ours: tests/reports/test_html_axe.py
}
"""The names of addresses that answer with something else, or send on, or have tests here of their
own."""


def lived(living: Living) -> str:
    """Have something of everything happen. Returns an invitation's address."""
    request = living.request
    by = living.ids
    chloe, today = by["chloe"], datetime.now(UTC).date()
    living.propose("extraordinary", f"Ouvrir un atelier\n\n{TEXT}", "ana")
    living.vote("AE1", ana="for", bob="against", chloe="abstain")
    living.propose("extraordinary", "Fêter les dix ans, avec @chloe", "bob")
    living.vote("AE2", chloe="against")
    commands.call_counter_vote(request(), "AE2", "Le local ferme.", by=chloe)
    commands.vote(request(), "AE2", Choice.FOR, by=chloe, ballot="counter_vote")  # type: ignore[arg-type]
    living.propose("extraordinary", "Une autre idée", "ana")
    commands.amend(request(), "AE3", "Une autre idée, meilleure", by=by["ana"])
    commands.withdraw(request(), "AE3", by=by["ana"])
    for number, state in enumerate([None, FollowUp.DONE, FollowUp.STANDING, FollowUp.DOING], 1):
        living.propose("ordinary", f"Acheter {number} disques", "ana" if number < 4 else "driss")
        living.vote(f"AO{number}", ana="for", bob="for", chloe="for")
        if state is not None:
            leader = by["ana"] if number < 4 else by["driss"]
            commands.follow_up(request(), f"AO{number}", state, by=leader, note="C’est noté.")
    eve = commands.add_member(request(), "Ève Morin", handle="eve", email="eve@example.org")
    zoe = commands.add_member(request(), "Zoé d’Arc", handle="zoe")
    commands.end_membership(request(), zoe)
    commands.end_membership(request(), by["driss"])
    commands.give_role(request(), by["bob"], "trésorier", today, today + timedelta(days=300))
    days = today - timedelta(days=30), today + timedelta(days=30)
    commands.add_period(request(), "A26", *days)
    event = {"date": str(today), "kind": "event", "title": "Un bal", "text": TEXT}
    for content in (event, {**event, "kind": "service_opened", "title": "Des cartes"}):
        commands.add_to_journal(request(by=by["ana"]), content)
    commands.word_report(request(by=by["ana"]), "A26", {"title": "Six mois"})
    content = b"Six mois"
    name = sha256(content).hexdigest()
    folder = Path(settings.MEDIA_ROOT) / "reports" / living.id / "for-everybody"
    write_all(folder, {f"{name}.md": content})
    commands.publish_report(request(by=by["ana"]), "A26", {"md": name, "pdf": "0" * 64})
    public = ("actions", "inventory", "reports", "charter")
    commands.change_settings(request(), {f"public_{one}": True for one in public})
    for name in ("ana", "bob"):
        Comment.objects.create(
            association_id=living.id,
            action="AE1",
            member_id=by[name],
            text=TEXT,
            at=datetime.now(UTC),
            key=name,
        )
    Tag.objects.create(association_id=living.id, action="AE1", word="atelier")
    return accounts.invite(request(by=by["ana"]), Member.objects.get(pk=eve), "")


Who = Literal["visitor", "member", "steward"]
WHO = {"member": "bob", "steward": "ana"}


def pages_of(living: Living, who: Who, invitation: str) -> Iterator[str]:
    paths = {"visitor": [*VISITORS, *EVERYBODYS], "member": MEMBERS, "steward": STEWARDS}[who]
    for path in paths:
        yield path if path.startswith("/") else living.url(path)
    if who == "visitor":
        yield urlsplit(invitation).path
    if who == "member":
        for id in Comment.objects.filter(member=living.ids[WHO[who]]).values_list("pk", flat=True):
            yield living.url(f"actions/AE1/comments/{id}")


def context_of(
    browser: Browser, address: str, who: Who, theme: Any, language: str
) -> BrowserContext:
    # Axe is injected: the pages' own policy would, rightly, not let it in.
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]
        color_scheme=theme,
        locale=language,
        bypass_csp=True,
    )
    cookies = [{"name": "lang", "value": language, "url": address}]
    if who != "visitor":
        client = Client()
        account = Account.objects.get(email=f"{WHO[who]}@example.org")
        backend = "allauth.account.auth_backends.AuthenticationBackend"
        client.force_login(account, backend=backend)
        session = client.session
        # As if they had just given their password: some pages ask for it again.
        session["account_authentication_methods"] = [
            {"method": "password", "at": datetime.now(UTC).timestamp()}
        ]
        session.save()
        cookies.append({"name": SESSION, "value": client.cookies[SESSION].value, "url": address})
    context.add_cookies(cookies)  # type: ignore[arg-type]
    return context


CASES = [
    (who, theme, language)
    for who in ("visitor", "member", "steward")
    for theme in ("light", "dark")
    for language in ("fr", "en")
]


@pytest.mark.slow
@pytest.mark.parametrize(("who", "theme", "language"), CASES)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, loutres: Living, home: Path, who: Who, theme: str, language: str
) -> None:
    invitation = lived(loutres)
    problems: list[str] = []
    with serving(home, "--only", "web") as (process, _):
        address = f"http://localhost:{process.port}"  # type: ignore[attr-defined]
        page = context_of(browser, address, who, theme, language).new_page()
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        for path in pages_of(loutres, who, invitation):
            answer = page.goto(address + path)
            assert answer is not None
            gone = {"/join/unheard-of": 410, "/setup/unheard-of": 404, "/nowhere": 404}
            if answer.status != gone.get(path, 200):
                problems.append(f"{path}: {answer.status}")
                continue
            if page.locator("html").get_attribute("lang") != language:
                problems.append(f"{path}: another language")
            problems += (told(path, one) for one in violations(page))
            page.set_viewport_size({"width": NARROW, "height": 700})
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > NARROW:
                problems.append(f"{path}: {width} px wide")
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert not problems, "\n".join(problems)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["visitor", "member", "steward"])
def test_no_word_is_wider_than_a_phone(
    browser: Browser, loutres: Living, home: Path, who: Who
) -> None:
    invitation = lived(loutres)
    word = "Donaudampfschifffahrtsgesellschaftskapitän" * 4
    request, by = loutres.request, loutres.ids
    commands.change_association(request(), name=word[:90])
    commands.rename_member(request(), by["bob"], name=word[:150])
    commands.give_role(request(), by["bob"], word[:80], datetime.now(UTC).date())
    loutres.propose("extraordinary", f"{word}\n\n`{word}` ![{word}]({word}) [{word}](x)", "bob")
    loutres.vote("AE4", ana="against")
    today = str(datetime.now(UTC).date())
    told = {"date": today, "kind": "event", "title": word, "text": word}
    commands.add_to_journal(request(by=by["ana"]), told)
    Tag.objects.create(association_id=loutres.id, action="AE4", word=word[:40])
    wide: list[str] = []
    with serving(home, "--only", "web") as (process, _):
        address = f"http://localhost:{process.port}"  # type: ignore[attr-defined]
        page = context_of(browser, address, who, "light", "fr").new_page()
        page.set_viewport_size({"width": NARROW, "height": 700})
        for path in [*pages_of(loutres, who, invitation), loutres.url("actions/AE4")]:
            page.goto(address + path)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > NARROW:
                wide.append(f"{path}: {width} px wide")
    assert not wide, "\n".join(wide)


def violations(page: Page) -> list[Any]:
    """What axe finds on a page, with all of it unfolded: a menu covers what is under it, so the
    page is looked at without, and then the menu."""
    found: list[Any] = []
    for place, other in (("main", "header"), ("header", "main")):
        page.evaluate(UNFOLD, [place, other])
        context = None if place == "main" else place
        found += Axe().run(page, context=context, options=OPTIONS).response["violations"]
    return found


UNFOLD = """([place, other]) => {
    for (const one of document.querySelectorAll(`${place} details`)) one.open = true
    for (const one of document.querySelectorAll(`${other} details`)) one.open = false
}"""


OPTIONS = {
    "resultTypes": ["violations"],
    # Off by default: targets that a thumb can hit.
    "rules": {"target-size": {"enabled": True}},
}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_where_an_association_is_founded(
    browser: Browser, tmp_path: Path, theme: str
) -> None:
    with serving(tmp_path / "home", "--only", "web") as (_, said):
        link = re.search(r"http://localhost:\d+/setup/\S+", said)
        assert link, said
        page = context_of(browser, link[0], "visitor", theme, "fr").new_page()
        page.goto(link[0])
        problems = [told("first", one) for one in violations(page)]
        # And again, with what is to be corrected.
        page.fill("#f-name", "Les Loutres libres")
        page.fill("#f-member", "Ana Brun")
        page.fill("#f-email", "ana@example.org")
        page.fill("#f-password", "court")
        with page.expect_navigation():
            page.click("main form button")
        assert page.locator(".wrong").count() == 1
        problems += (told("corrected", one) for one in violations(page))
    assert not problems, "\n".join(problems)


def told(path: str, violation: Any) -> str:
    where = ", ".join(node["html"][:150] for node in violation["nodes"][:3])
    why = violation["nodes"][0]["failureSummary"].replace("\n", " ")[:200]
    return f"{path}: {violation['id']}: {where} ({why})"


def test_no_page_is_forgotten(loutres: Living) -> None:
    """Every address that answers somebody's look is among those above."""
    lived(loutres)
    looked_at = {
        resolve(path.partition("?")[0]).url_name
        for who in ("visitor", "member", "steward")
        for path in pages_of(loutres, who, "http://x/join/x")  # type: ignore[arg-type]
        if path != "/nowhere"
    }
    client = Client()
    account = Account.objects.get(email="ana@example.org")
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    forgotten = set()
    for name, (path, arguments) in ours().items():
        if name in looked_at or name in NO_PAGES:
            continue
        status = client.get(path.format(**dict.fromkeys(arguments, "1"))).status_code
        if status != 405:
            forgotten.add((name, status))
    assert forgotten == set()


def ours() -> dict[str, tuple[str, list[str]]]:
    """The addresses of our own pages: their names, what they look like and what they take."""
    told = {}
    for name, places in get_resolver().reverse_dict.lists():
        if not isinstance(name, str) or name.startswith(("account_", "mfa_", "socialaccount_")):
            continue
        pattern, arguments = places[0][0][0]
        if pattern.startswith("api/"):
            continue
        text = "/" + pattern.replace("%(", "{").replace(")s", "}")
        told[name] = text.replace("{slug}", "loutres"), [*arguments]
    return told
