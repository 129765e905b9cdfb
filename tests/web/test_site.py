"""What belongs to the installation: who answers for it, its source, languages and colours."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from toutdoux import __version__
from toutdoux.actions import commands
from toutdoux.web.models import Account

from .conftest import Living, found

PAGES = ("/legal", "/privacy", "/privacy/register", "/accessibility", "/source")


def visitor(language: str = "en") -> Client:
    return Client(headers={"accept-language": language}, SERVER_NAME="localhost")


@pytest.mark.parametrize("address", PAGES)
def test_the_pages_are_there_before_there_is_an_association(home: Path, address: str) -> None:
    for language in ("fr", "en"):
        answer = visitor(language).get(address)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert page.count("<h1") == 1
        assert f'<html lang="{language}"' in page


def test_they_are_filled_from_the_settings(loutres: Living) -> None:
    said = {
        "publisher": "Les Loutres libres\n1 quai des Joncs, Ardelune",
        "contact": "bureau@loutres.example",
        "host": "Les Loutres libres elles-mêmes",
    }
    commands.change_settings(loutres.request(), said)
    legal = visitor().get("/legal").content.decode()
    assert "1 quai des Joncs" in legal
    assert "Les Loutres libres elles-mêmes" in legal
    assert "mailto:bureau@loutres.example" in legal
    assert "1 quai des Joncs" in visitor().get("/privacy/register").content.decode()
    for address in ("/privacy", "/accessibility"):
        assert "bureau@loutres.example" in visitor().get(address).content.decode()


def test_an_association_that_shows_nothing_is_not_named(loutres: Living) -> None:
    for address in PAGES:
        assert "Loutres" not in visitor().get(address).content.decode()


def test_where_there_are_several_none_answers_for_all(loutres: Living) -> None:
    commands.change_settings(loutres.request(), {"publisher": "1 quai des Joncs"})
    found("Les Castors", "castors", {"gus": "Gus Bois"})
    assert "quai des Joncs" not in visitor().get("/legal").content.decode()


def test_a_contact_cannot_bring_a_script_along(loutres: Living) -> None:
    commands.change_settings(loutres.request(), {"publisher": "<script>alert(1)</script>"})
    page = visitor().get("/legal").content.decode()
    assert "<script>alert" not in page


def test_what_it_is_not_for_is_said_plainly(home: Path) -> None:
    page = visitor().get("/legal").content.decode()
    assert "secret ballots" in page
    assert "general assembly" in page
    assert "secret ballots" in visitor().get("/privacy").content.decode()


def test_the_running_source_is_there_to_be_read(home: Path) -> None:
    address = f"/source/toutdoux-{__version__}.tar.gz"
    assert address in visitor().get("/source").content.decode()
    answer = visitor().get(address)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        names = archive.getnames()
    root = f"toutdoux-{__version__}"
    assert f"{root}/src/toutdoux/core/replay.py" in names
    assert f"{root}/src/toutdoux/web/templates/base.html" in names
    assert f"{root}/pyproject.toml" in names
    assert not [name for name in names if "__pycache__" in name or "sqlite" in name]
    assert visitor().get("/source/toutdoux-0.0.tar.gz").status_code == 404


def test_somebody_who_changed_it_says_where_theirs_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "SOURCE", "https://code.example/toutdoux")
    assert "https://code.example/toutdoux" in visitor().get("/source").content.decode()
    monkeypatch.setattr(settings, "SOURCE", "javascript:alert(1)")
    assert "javascript:" not in visitor().get("/source").content.decode()


def test_language_and_colours_are_kept_and_lead_back(home: Path) -> None:
    client = visitor("fr")
    answer = client.post("/comfort", {"lang": "en", "next": "/privacy"})
    assert answer.headers["Location"] == "/privacy"
    assert '<html lang="en"' in client.get("/privacy").content.decode()
    client.post("/comfort", {"theme": "dark"})
    assert 'data-theme="dark"' in client.get("/privacy").content.decode()
    elsewhere = client.post("/comfort", {"lang": "fr", "next": "https://evil.example/"})
    assert elsewhere.headers["Location"] == "/"


def test_language_and_colours_are_kept_of_who_is_signed_in(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    client = client_of("bob")
    assert client.post("/comfort", {"lang": "en", "next": "/privacy"}).status_code == 302
    assert client.post("/comfort", {"theme": "dark"}).status_code == 302
    account = Account.objects.get(email="bob@example.org")
    assert (account.language, account.theme) == ("en", "dark")


@pytest.mark.parametrize("n", [2_600_000, 13_000_000])
def test_what_is_too_long_is_told_so_with_the_limit(
    loutres: Living, client_of: Callable[[str], Client], n: int
) -> None:
    ref = loutres.propose("ordinary", "Un service", by="ana")
    address = loutres.url(f"actions/{ref}/comments")
    body = "text=" + "x" * n
    answer = client_of("bob").post(address, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert re.search("20.?000 characters at most", answer.content.decode())
