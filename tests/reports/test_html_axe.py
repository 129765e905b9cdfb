"""The HTML report in a browser: axe finds nothing, and nothing scrolls sideways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browsers import ARGUMENTS, CHROMIUM, needs_chromium
from toutdoux.reports.document import Document
from toutdoux.reports.render.html import render

pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


Scheme = Literal["light", "dark"]


def opened(browser: Browser, path: Path, report: Document, width: int, scheme: Scheme) -> Page:
    path.write_bytes(render(report))
    # Axe is injected: the page's own policy would, rightly, not let it in.
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_no_violation(
    browser: Browser, report: Document, tmp_path: Path, width: int, scheme: Scheme
) -> None:
    page = opened(browser, tmp_path / "report.html", report, width, scheme)
    # Off by default: text at 7:1, and targets that a thumb can hit.
    stricter = {name: {"enabled": True} for name in ("color-contrast-enhanced", "target-size")}
    results = Axe().run(page, options={"resultTypes": ["violations"], "rules": stricter})
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_nothing_scrolls_sideways(
    browser: Browser, report: Document, tmp_path: Path, width: int
) -> None:
    page = opened(browser, tmp_path / "report.html", report, width, "light")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hostile_report_scrolls_no_further_and_runs_nothing(
    browser: Browser, hostile_report: Document, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render(hostile_report))
    page = browser.new_page(viewport={"width": 320, "height": 900})
    events: list[object] = []
    page.on("request", lambda request: events.append(request.url))
    page.on("pageerror", lambda error: events.append(str(error)))
    page.on("console", lambda message: events.append(message.text))
    page.goto(path.as_uri())
    assert events == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_policy_lets_the_page_have_its_style(
    browser: Browser, report: Document, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render(report))
    page = browser.new_page(color_scheme="light")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(path.as_uri())
    assert complaints == []
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == "rgb(251, 248, 242)"
