"""A passkey, made and used in a real browser with a key of its own."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from waitress.server import create_server

from toutdoux.web.models import Account

from ..browsers import CHROMIUM, needs_chromium
from .conftest import PASSWORD, Living

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def site(loutres: Living) -> Iterator[str]:
    from toutdoux.web.wsgi import application

    server: Any = create_server(application(), host="127.0.0.1", port=0, threads=2)
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://localhost:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()


@needs_chromium
def test_a_passkey_takes_the_passwords_place(site: str) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(locale="en")
        page = context.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        device = context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        device.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})

        page.goto(f"{site}/account/login/?next=/account/2fa/webauthn/add/")
        page.fill("[name=login]", "bob@example.org")
        page.fill("[name=password]", PASSWORD)
        page.click("main form:first-of-type button")
        page.fill("[name=password]", PASSWORD)  # is it still you?
        page.click("main button")
        page.fill("[name=name]", "Mon téléphone")
        page.click("[data-passkey] button")
        page.wait_for_url("**/account/2fa/webauthn/")
        assert "Mon téléphone" in page.inner_text("main ul")

        context.clear_cookies()
        page.goto(f"{site}/account/login/")
        page.click("[data-passkey] button")
        page.wait_for_url("**/a/loutres/")

        page.goto(f"{site}/account/2fa/webauthn/reauthenticate/?next=/account/email/")
        page.click("[data-passkey] button")
        page.wait_for_url("**/account/email/")
        browser.close()
    assert not wrong
    assert Account.objects.get(email="bob@example.org").has_usable_password()
