"""Three members take an action from the set-up to a published report: on a phone, in French."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from toutdoux.actions import commands
from toutdoux.web.models import Account

from ..browsers import needs_chromium
from .browsing import PHONE, browser
from .conftest import PASSWORD as LIVING_PASSWORD
from .conftest import Living
from .test_serve import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = needs_chromium
__all__ = ["browser"]

PASSWORD = "trois-mots-de-passe"
LIVE = 3_000
"""How soon what others do must appear, in milliseconds."""


class Phone:
    """Somebody's browser."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.address = address
        self.context: BrowserContext = browser.new_context(
            viewport=PHONE,  # type: ignore[arg-type]
            locale="fr-FR",
            has_touch=True,
            permissions=["clipboard-read", "clipboard-write"],
        )
        self.page: Page = self.context.new_page()
        self.wrong: list[str] = []
        """What went wrong in a page's scripts, or was forbidden by its policy."""
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._told)

    def _told(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(message.text)

    def goes(self, path: str) -> None:
        answer = self.page.goto(path if "://" in path else self.address + path)
        assert answer is not None
        assert answer.status == 200, path
        self.looks()

    def looks(self) -> None:
        """What every page is: French, with one title, and no wider than the phone."""
        assert self.page.locator("html").get_attribute("lang") == "fr"
        assert self.page.locator("h1").count() == 1
        assert self.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    def types(self, **fields: str) -> None:
        for name, text in fields.items():
            self.page.fill(f"#f-{name}", text)

    def sends(self, button: str) -> None:
        """Tap a button that leads to a page."""
        with self.page.expect_navigation():
            self.page.click(button)
        self.looks()

    def stays(self) -> None:
        """From now on, the page is not loaded again."""
        self.page.evaluate("window.stayed = true")

    def stayed(self) -> bool:
        return self.page.evaluate("window.stayed === true") is True

    def sees_soon(self, text: str) -> None:
        """What others did appears by itself."""
        self.page.locator("#live .tally", has_text=re.compile(text)).first.wait_for(timeout=LIVE)

    def votes(self, choice: str, ballot: str = "action") -> None:
        self.sends(f'form:has(input[name=ballot][value="{ballot}"]) .votes [value="{choice}"]')

    def pressed(self, choice: str) -> bool:
        button = self.page.locator(f'#mine .votes [value="{choice}"]').first
        return button.get_attribute("aria-pressed") == "true"


def founded(browser: Browser, link: str) -> Phone:
    """The one-time link, and the form behind it."""
    ana = Phone(browser, re.sub(r"/setup/.*", "", link))
    ana.goes(link)
    ana.types(name="Les Loutres libres", member="Ana Brun", email="ana@example.org")
    ana.types(password=PASSWORD)
    ana.page.check('[name=charter][value="tout-doux-cratie"]')
    ana.sends("main form button:not([type=button])")
    assert ana.page.url.endswith("/a/les-loutres-libres/")
    return ana


HERE = "/a/les-loutres-libres/"


def joined(browser: Browser, ana: Phone, name: str, handle: str) -> Phone:
    """Ana takes somebody in and copies a link; they make their account with it."""
    ana.goes(f"{HERE}members/+add")
    ana.types(name=name)
    ana.page.check("[name=founder]")
    ana.sends("main form button:not([type=button])")
    ana.sends('form[action$="/invite"] button')
    ana.page.click("[data-copy]")
    link = ana.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{ana.address}/join/")
    other = Phone(browser, ana.address)
    other.goes(link)
    assert name in other.page.inner_text("main")
    other.types(email=f"{handle}@example.org", password=PASSWORD)
    other.sends('form[data-keep="join"] button')
    assert other.page.url.endswith(HERE)
    ana.goes(f"{HERE}members/{handle}")
    assert "Ana Brun" in ana.page.inner_text(".history")  # who invited them: all see it
    return other


def proposed(phone: Phone, kind: str, text: str) -> str:
    phone.goes(f"{HERE}propose")
    phone.page.check(f'[name=kind][value="{kind}"]')
    phone.types(object=text)
    phone.sends('[name=do][value="preview"]')
    assert text in phone.page.inner_text(".preview")
    phone.sends('[name=do][value="send"]')
    found = re.search(r"/actions/(A[EO]\d+)", phone.page.url)
    assert found, phone.page.url
    return found[1]


def vote_together(ana: Phone, bob: Phone, chloe: Phone, ref: str) -> None:
    """Three votes in three browsers: each appears with the others, who go on writing."""
    for one in (ana, bob, chloe):
        one.goes(f"{HERE}actions/{ref}")
        one.stays()
        one.page.fill("#comment-text", f"Je réfléchis à {ref}…")
    bob.votes("abstain")
    for one in (ana, chloe):
        one.sees_soon("0 pour · 0 contre · 1 neutre")
    ana.votes("for")
    for one in (bob, chloe):
        one.sees_soon("1 pour · 0 contre · 1 neutre")
    assert chloe.stayed()
    assert chloe.page.input_value("#comment-text") == f"Je réfléchis à {ref}…"
    ana.stays()
    ana.page.fill("#comment-text", "Merci à vous deux.")
    bob.stays()
    chloe.votes("for")
    for one in (ana, bob):
        one.sees_soon("2 pour · 0 contre · 1 neutre")
        one.page.locator("#live .state.adopted").wait_for(timeout=LIVE)
        assert one.stayed()
    assert ana.page.input_value("#comment-text") == "Merci à vous deux."


def counter_vote(ana: Phone, bob: Phone, chloe: Phone, ref: str) -> None:
    """One is against, another calls the counter-vote, and the two of them cancel the action."""
    chloe.goes(f"{HERE}actions/{ref}")
    chloe.votes("against")
    assert chloe.page.locator("#thanks").count() == 1  # she may say why, and need not
    bob.goes(f"{HERE}actions/{ref}")
    bob.page.click("#deed-counter_vote > summary")
    bob.page.fill("#counter-reason", "Le local ferme ce mois-là.")
    chloe.goes(f"{HERE}actions/{ref}")
    chloe.stays()
    bob.sends("#deed-counter_vote button")
    chloe.page.locator("#live .state.counter_vote").wait_for(timeout=LIVE)
    chloe.page.locator('#mine [value="counter_vote"]').first.wait_for(state="attached")
    assert chloe.stayed()
    assert "Le local ferme ce mois-là." in chloe.page.inner_text("#live")
    bob.votes("for", "counter_vote")
    chloe.sees_soon("1 pour")
    chloe.votes("for", "counter_vote")
    chloe.page.locator("#live .state.cancelled").wait_for()
    ana.goes(f"{HERE}actions/{ref}")
    assert ana.page.locator("#live .state.cancelled").count() == 1


def reported(ana: Phone) -> bytes:
    """A period, its report, published; and the PDF that anybody of the members downloads."""
    today = datetime.now(UTC).date()
    ana.goes(f"{HERE}settings")
    ana.page.fill("#f-period", "A26")
    ana.types(first=str(today - timedelta(days=30)), last=str(today + timedelta(days=30)))
    ana.sends('form[action*="/settings/periods#"] button')
    ana.goes(f"{HERE}reports")
    ana.page.click('main a[href$="/reports/A26"]')
    with ana.page.expect_navigation():
        ana.page.click('main a[href$="/preview"]')
    assert "Les Loutres libres" in ana.page.inner_text("body")
    ana.goes(f"{HERE}reports/A26")
    ana.sends('form[action$="/publish"] button')
    published = ana.page.locator('main li:has-text("PDF") a[href*="/published"]').first
    address = published.get_attribute("href")
    assert address is not None
    return ana.context.request.get(ana.address + address).body()


@pytest.mark.slow
def test_from_the_set_up_to_a_published_report(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path / "home") as (_, said):
        link = re.search(r"http://localhost:\d+/setup/\S+", said)
        assert link, said
        ana = founded(browser, link[0])
        bob = joined(browser, ana, "Bob Petit", "bob")
        chloe = joined(browser, ana, "Chloé Roy", "chloe")
        phones = (ana, bob, chloe)

        adopted = proposed(ana, "extraordinary", "Ouvrir un atelier de réparation au local.")
        vote_together(*phones, adopted)

        cancelled = proposed(ana, "extraordinary", "Fêter les dix ans de l’association.")
        counter_vote(*phones, cancelled)

        ana.goes(f"{HERE}todo")
        ana.page.click(f"summary:has-text('{adopted}')")
        ana.page.select_option(f"#s-{adopted}", "done")
        ana.page.fill(f"#n-{adopted}", "Il ouvre samedi.")
        ana.sends(f'form[action$="/todo/{adopted}"] button')
        bob.goes(f"{HERE}todo")
        assert "Il ouvre samedi." in bob.page.inner_text('[aria-labelledby="part-done"]')

        assert reported(ana).startswith(b"%PDF")
        for one in phones:
            assert one.wrong == []


def test_a_vote_by_the_keyboard_alone(browser: Browser, loutres: Living, home: Path) -> None:
    ref = loutres.propose("extraordinary", "Un service", "bob")
    # Kept as `serve` reads it; other tests keep passwords faster.
    slow = PBKDF2PasswordHasher().encode(LIVING_PASSWORD, "some salt", iterations=1_000)
    Account.objects.filter(email="ana@example.org").update(password=slow)
    with serving(home, "--only", "web") as (process, _):
        ana = Phone(browser, f"http://localhost:{process.port}")  # type: ignore[attr-defined]
        ana.goes("/account/login/")
        ana.page.keyboard.press("Tab")
        tab_to(ana, "[name=login]")
        ana.page.keyboard.type("ana@example.org")
        tab_to(ana, "[name=password]")
        ana.page.keyboard.type(LIVING_PASSWORD)
        with ana.page.expect_navigation():
            ana.page.keyboard.press("Enter")
        tab_to(ana, f'form[action$="/{ref}/vote"] [value="for"]')
        with ana.page.expect_navigation():
            ana.page.keyboard.press("Enter")
        ana.goes(f"{loutres.url()}actions/{ref}")
        assert ana.pressed("for")
        # The first stop of a page leads past its menu.
        ana.page.keyboard.press("Tab")
        assert ana.page.evaluate("document.activeElement.className") == "skip"
        ana.page.keyboard.press("Enter")
        tab_to(ana, '#mine .votes [value="against"]', most=12)
        with ana.page.expect_navigation():
            ana.page.keyboard.press("Space")
        assert ana.pressed("against")


def test_what_one_types_is_kept_for_oneself_and_an_amended_object_is_shown(
    browser: Browser, loutres: Living, home: Path
) -> None:
    ref = loutres.propose("extraordinary", "Un vélo", "bob")
    slow = PBKDF2PasswordHasher().encode(LIVING_PASSWORD, "some salt", iterations=1_000)
    Account.objects.all().update(password=slow)
    with serving(home, "--only", "web") as (process, _):
        phone = Phone(browser, f"http://localhost:{process.port}")  # type: ignore[attr-defined]
        page, action = phone.page, f"{loutres.url()}actions/{ref}"

        def sign_in(who: str) -> None:
            phone.goes("/account/login/")
            page.fill("[name=login]", f"{who}@example.org")
            page.fill("[name=password]", LIVING_PASSWORD)
            with page.expect_navigation():
                page.press("[name=password]", "Enter")
            phone.goes(action)

        sign_in("bob")
        page.fill("#comment-text", "Un brouillon")
        page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
        page.fill("#amend-object", "Un vélo bleu")
        phone.goes(action)
        assert page.input_value("#comment-text") == "Un brouillon"
        assert page.input_value("#amend-object") == "Un vélo bleu"
        commands.amend(loutres.request(), ref, "Un vélo rouge", by=loutres.ids["bob"])
        page.wait_for_selector("#object:has-text('Un vélo rouge')", timeout=20_000)
        phone.goes("/account/logout/")
        with page.expect_navigation():
            page.click("main form[action$='/logout/'] button")
        sign_in("ana")
        assert page.input_value("#comment-text") == ""


def tab_to(phone: Phone, selector: str, most: int = 40) -> None:
    """Press Tab until something has the focus, which must be seen at every stop."""
    for _ in range(most):
        seen = phone.page.evaluate(
            """() => {
                const one = document.activeElement, style = getComputedStyle(one);
                return one === document.body || one.id === "main"
                    || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
            }"""
        )
        assert seen, phone.page.evaluate("document.activeElement.outerHTML")
        if phone.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        phone.page.keyboard.press("Tab")
    pytest.fail(f"{selector} has no focus after {most} stops")
