"""What no page ever meets: texts that are none, a database that is locked or at fault."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import DataError, OperationalError
from django.test import Client

from toutdoux.actions import commands
from toutdoux.actions.models import Vote
from toutdoux.web.models import Account, Comment, Tag

from .conftest import Living, found
from .test_serve import serving

ClientOf = Callable[[str], Client]


def client(**more: object) -> Client:
    return Client(headers={"accept-language": "en"}, **more)  # type: ignore[arg-type]


@pytest.mark.usefixtures("both_databases")
def test_a_sign_that_is_no_text_is_refused_wherever_it_is() -> None:
    loutres = found("Les Loutres libres", "loutres", {"ana": "Ana Brun", "bob": "Bob Petit"})
    commands.change_settings(loutres.request(), {"public_actions": True})
    ref = loutres.propose("ordinary", "Un service", "ana")
    bob = client()
    bob.force_login(
        Account.objects.get(email="bob@example.org"),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    for one in (client(), bob):
        for path in ("actions/%00", "actions/A%00E1", "members/%00", "%00", "inventory/%00"):
            assert one.get(loutres.url(path)).status_code == 404, path
        assert one.get("/a/%00/").status_code == 404
        assert one.get("/%00").status_code == 404
        for path in ("actions?tag=%00", "actions?leader=%00", "journal?q=%00", "members?x%00=1"):
            assert one.get(loutres.url(path)).status_code == 400, path
        assert one.post("/account/login/", {"login": "a\0@example.org"}).status_code == 400
    for path, sent in (
        ("tags", {"word": "a\0b"}),
        ("tags", {"remove": "a\0b"}),
        ("comments", {"text": "a", "key": "\0"}),
        ("do", {"deed": "hand_over", "to": "\0"}),
        ("vote", {"choice": "for", "key": "\0"}),
    ):
        answer = bob.post(loutres.url(f"actions/{ref}/{path}"), sent)
        assert answer.status_code == 400, path
    assert not Comment.objects.exists()
    assert not Tag.objects.exists()
    bob.cookies["toutdoux"] = "a\0b"
    assert bob.get(loutres.url()).status_code == 400


@pytest.mark.parametrize(
    ("error", "status"),
    [(OperationalError("database is locked"), 503), (DataError("out of range"), 500)],
)
def test_only_a_database_that_does_not_answer_is_to_be_tried_again(
    loutres: Living,
    client_of: ClientOf,
    error: Exception,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def vote(*_: object, **__: object) -> None:
        raise error

    ref = loutres.propose("ordinary", "Un service", "ana")
    monkeypatch.setattr(commands, "vote", vote)
    bob = client_of("bob")
    bob.raise_request_exception = False
    with caplog.at_level(logging.ERROR, "django.request"):
        answer = bob.post(loutres.url(f"actions/{ref}/vote"), {"choice": "for", "key": "k"})
    assert answer.status_code == status
    told = [one for one in caplog.records if one.exc_info]
    assert bool(told) is (status == 500)


def test_pages_wait_less_for_another_writer_than_commands_do(home: Path) -> None:
    def waits(web: bool) -> int:
        code = (
            f"from toutdoux.config.start import start; start(web={web});"
            "from django.db import connection as one;"
            "print(one.settings_dict['OPTIONS']['timeout'])"
        )
        return int(subprocess.check_output([sys.executable, "-c", code]))

    assert waits(web=True) == 5
    assert waits(web=False) == 20


def test_nobody_pushes_their_attempts_to_sign_in_out_with_others(home: Path) -> None:
    cache.set("attempts", 4)
    for n in range(2_000):
        cache.set(f"another-{n}", 1)
    assert cache.get("attempts") == 4


def test_a_form_s_key_is_its_member_s_own(loutres: Living, client_of: ClientOf) -> None:
    ref = loutres.propose("extraordinary", "Un service", "ana")
    for who, choice in (("bob", "for"), ("chloe", "against"), ("driss", "for")):
        sent = {"choice": choice, "key": "the same"}
        assert client_of(who).post(loutres.url(f"actions/{ref}/vote"), sent).status_code == 302
    assert Vote.objects.filter(action__ref=ref).count() == 3
    withdraws = {"deed": "withdraw", "key": "k" * 5_000}
    assert client_of("ana").post(loutres.url(f"actions/{ref}/do"), withdraws).status_code == 302


# --- what is asked in another way than it is answered --------------------------------------------


def test_a_forms_own_address_says_that_it_is_no_page(loutres: Living, client_of: ClientOf) -> None:
    ref = loutres.propose("ordinary", "Un service", "ana")
    answer = client_of("bob").get(loutres.url(f"actions/{ref}/vote"))
    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert "takes what a form sends" in answer.content.decode()


def test_who_votes_when_the_session_is_over_is_told_and_comes_back(loutres: Living) -> None:
    page = loutres.url(f"actions/{loutres.propose('ordinary', 'Un service', 'ana')}")
    late = client()
    answer = late.post(f"{page}/vote", {"choice": "for"}, HTTP_REFERER=f"http://testserver{page}")
    assert answer["Location"] == f"/account/login/?next={page}"
    assert "the session was over" in late.get(answer["Location"]).content.decode()
    for elsewhere in ("https://elsewhere.example/x", ""):
        answer = late.post(f"{page}/vote", {"choice": "for"}, HTTP_REFERER=elsewhere)
        assert answer["Location"] == f"/account/login/?next={loutres.url()}"
    assert not Vote.objects.exists()


def test_nothing_follows_the_headers_that_were_asked_for_alone(home: Path) -> None:
    with serving(home, "--only", "web") as (process, _):
        asked = b"%s /account/login/ HTTP/1.1\r\nHost: localhost\r\nConnection: %s\r\n\r\n"
        with socket.create_connection(("localhost", process.port), 10) as line:  # type: ignore[attr-defined]
            line.sendall(asked % (b"HEAD", b"keep-alive"))
            line.sendall(asked % (b"GET", b"close"))
            told = b"".join(iter(lambda: line.recv(65536), b""))
    first, _, second = told.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert b"content-length: " in first.lower()
    assert second.startswith(b"HTTP/1.1 200 OK")
