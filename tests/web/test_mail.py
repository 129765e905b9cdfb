"""Sending letters: once each, in the end, and without keeping anybody else waiting."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.message import sanitize_address

from toutdoux.actions import commands
from toutdoux.core.words import Refusal
from toutdoux.web import looks, mail
from toutdoux.web.models import Letter

from .conftest import Living

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Server:
    """A mail server that does what the test says with every letter."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.tried: list[str] = []
        self.does: Callable[[str], None] = lambda to: None
        self.opens: Callable[[], None] = lambda: None

    def open(self) -> None:
        self.opens()

    def close(self) -> None:
        pass

    def send_messages(self, messages: list[EmailMessage]) -> None:
        (message,) = messages
        (to,) = message.to
        message.message()
        sanitize_address(to, "utf-8")  # as Django does before it sends
        self.tried.append(to)
        self.does(to)
        self.sent.append(to)


@pytest.fixture
def server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    from django.conf import settings

    made = Server()
    monkeypatch.setattr(settings, "MAIL_IS_SENT", True)
    monkeypatch.setattr(mail, "get_connection", lambda *_: made)
    return made


def post(*addresses: str) -> list[Letter]:
    return [mail.post(to, "Une nouvelle", "Bonjour", NOW) for to in addresses]


def raising(error: Exception) -> Callable[..., None]:
    def do(*_: str) -> None:
        raise error

    return do


def rounds(n: int, every: timedelta = timedelta(days=2)) -> None:
    for i in range(n):
        mail.send_due(NOW + i * every)


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPSenderRefused(530, b"authentication required", "toutdoux@example.org"),
        smtplib.SMTPDataError(554, b"quota of your account exceeded"),
        smtplib.SMTPRecipientsRefused({"ana@example.org": (450, b"come back later")}),
        smtplib.SMTPServerDisconnected("closed"),
        TimeoutError("timed out"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_be_mended_is_tried_again_and_given_up_in_the_end(
    server: Server, error: Exception
) -> None:
    (letter,) = post("ana@example.org")
    server.does = raising(error)
    mail.send_due(NOW)
    letter.refresh_from_db()
    assert (letter.refused, letter.text, letter.tries) == (None, "Bonjour", 1)
    rounds(40)
    letter.refresh_from_db()
    assert letter.refused is not None
    assert (letter.text, letter.tries) == ("", 11)


def test_an_address_that_is_refused_for_good_is_given_up_at_once(server: Server) -> None:
    (letter,) = post("ana@example.org")
    server.does = raising(smtplib.SMTPRecipientsRefused({"ana@example.org": (550, b"nobody")}))
    mail.send_due(NOW)
    letter.refresh_from_db()
    assert letter.refused is not None
    assert letter.text == ""


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPSenderRefused(530, b"authentication required", "toutdoux@example.org"),
        smtplib.SMTPServerDisconnected("closed"),
        TimeoutError("timed out"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_takes_nothing_is_left_alone_for_a_minute(
    server: Server, error: Exception
) -> None:
    post(*(f"n{i}@example.org" for i in range(5)))
    server.does = raising(error)
    mail.send_due(NOW)
    mail.send_due(NOW + timedelta(seconds=30))
    assert server.tried == ["n0@example.org"]
    server.does = lambda to: None
    mail.send_due(NOW + timedelta(minutes=2))
    assert sorted(server.sent) == [f"n{i}@example.org" for i in range(5)]


def test_a_silent_server_is_waited_for_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name, value in {
            "MAIL_IS_SENT": True,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": silent.getsockname()[1],
            "EMAIL_TIMEOUT": 1,
        }.items():
            monkeypatch.setattr(settings, name, value, raising=False)
        post(*(f"n{i}@example.org" for i in range(6)))
        begun = monotonic()
        mail.send_due(NOW)
        assert monotonic() - begun < 3
    assert Letter.objects.filter(sent=None, refused=None).count() == 6


def test_a_password_that_cannot_be_sent_gives_no_letter_up(server: Server) -> None:
    (letter,) = post("ana@example.org")
    server.opens = raising(UnicodeEncodeError("ascii", "é", 0, 1, "no"))
    mail.send_due(NOW)
    letter.refresh_from_db()
    assert letter.refused is None


@pytest.mark.parametrize("address", ["a,b@x.org", "a@b@c", "<x>@y"])
def test_an_address_of_which_no_letter_can_be_made_keeps_no_other_waiting(
    server: Server, address: str
) -> None:
    broken, _ = post(address, "ana@example.org")
    mail.send_due(NOW)
    broken.refresh_from_db()
    assert broken.refused is not None
    assert server.sent == ["ana@example.org"]


def test_a_letter_that_takes_long_is_not_sent_by_another_process_too(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(looks, "monotonic", lambda: seconds[0])
    post("n0@example.org", "n1@example.org")
    meanwhile: list[Any] = [70, 10 * 60]

    def slowly(to: str) -> None:
        if meanwhile:
            seconds[0] += meanwhile.pop(0)
            mail.send_due(NOW + timedelta(seconds=seconds[0]))

    server.does = slowly
    mail.send_due(NOW)
    assert sorted(server.tried) == ["n0@example.org", "n1@example.org"]


def test_a_slow_server_leaves_time_for_everything_else(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(looks, "monotonic", lambda: seconds[0])

    def slowly(to: str) -> None:
        seconds[0] += 15

    server.does = slowly
    post(*(f"n{i}@example.org" for i in range(5)))
    assert mail.send_due(NOW) == 2
    assert mail.send_due(NOW) == 2


@pytest.mark.parametrize(
    "address",
    [
        *("a,b@x.org", "a@b@c", "a@b@c.org", "<x>@y", "<x>@y.org", "x@y,z@w.org", "a\x7f@x.org"),
        *('"a@x.org', "ana@", "@x.org", "ana", "ana brun@x.org", '"\x01"@x.org', "ana@x.org."),
    ],
)
def test_what_is_no_single_address_is_refused(loutres: Living, address: str) -> None:
    with pytest.raises(Refusal) as refused:
        commands.add_member(loutres.request(), "Eve Tran", email=address)
    assert refused.value.path == ("email",)


@pytest.mark.parametrize(
    "address",
    [
        *("ana@example.org", "ana.brun+vote@xn--bb-eka.example", "o'neil@loutres.example"),
        *("ana@écluse.example", "ana@localhost"),
    ],
)
def test_an_address_that_is_taken_can_be_written_to(
    loutres: Living, server: Server, address: str
) -> None:
    commands.add_member(loutres.request(), "Eve Tran", email=address)
    post(address)
    assert mail.send_due(NOW) == 1
