"""The whole capsule, asked rightly and wrongly: what public torture tests for Gemini servers look
for, and whatever else a program may send."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toutdoux.actions import commands
from toutdoux.capsule import site
from toutdoux.capsule.gemtext import parse
from toutdoux.capsule.protocol import Response, Status

from .den import Den
from .serving import connect, read

Ask = Callable[..., bytes]


@pytest.fixture
def ask(den: Den) -> Ask:
    """Send a line, as a member or as anybody; what comes back, to the end that TLS wants."""
    shows = ("public_actions", "public_inventory", "public_reports", "public_charter")
    commands.change_settings(den.living.request(), dict.fromkeys(shows, True))
    den.living.propose("ordinary", "Planter un pommier", "bob")

    member = den.member("bob").certificate

    def send(line: str | bytes, as_member: bool = False) -> bytes:
        sent = line if isinstance(line, bytes) else line.replace("HERE", f"localhost:{den.port}")
        with connect(den.port, shows=member if as_member else None) as tls:
            tls.sendall((sent if isinstance(sent, bytes) else sent.encode()) + b"\r\n")
            return read(tls)

    return send


# --- what torture tests look for -----------------------------------------------------------------


def test_the_root_is_the_same_with_and_without_its_slash(ask: Ask) -> None:
    assert ask("gemini://HERE") == ask("gemini://HERE/")


def test_a_page_has_one_space_after_its_status_and_says_what_it_is(ask: Ask) -> None:
    head, _, body = ask("gemini://HERE/").partition(b"\r\n")
    assert re.fullmatch(rb"20 text/gemini; charset=utf-8; lang=fr", head)
    assert body


def test_a_pages_lines_all_end_the_same_way(ask: Ask) -> None:
    body = ask("gemini://HERE/").partition(b"\r\n")[2]
    assert b"\r" not in body
    assert body.endswith(b"\n")


def test_what_is_not_there_is_51_and_has_no_body(ask: Ask) -> None:
    told = ask("gemini://HERE/09pdsakjo73hjn12id78")
    assert told.startswith(b"51 ")
    assert told.count(b"\r\n") == 1
    assert told.endswith(b"\r\n")


@pytest.mark.parametrize("path", ["/../../", "/..", "/%2e%2e/%2e%2e/etc/passwd", "/a/../../b"])
def test_no_dots_lead_out(ask: Ask, path: str) -> None:
    assert ask(f"gemini://HERE{path}").startswith(b"59 ")


def test_a_line_feed_alone_gets_no_page(den: Den) -> None:
    with connect(den.port) as tls:
        tls.sendall(f"gemini://localhost:{den.port}/\n".encode())
        tls.settimeout(1)
        with pytest.raises((TimeoutError, ssl.SSLError)):
            tls.recv(1)


def test_the_certificate_is_for_its_host_and_of_now(den: Den) -> None:
    with connect(den.port) as tls:
        der = tls.getpeercert(binary_form=True)
    assert der is not None
    shown = x509.load_der_x509_certificate(der)
    assert shown.not_valid_before_utc <= datetime.now(UTC) <= shown.not_valid_after_utc
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert shown.issuer == shown.subject


# --- whatever is sent ----------------------------------------------------------------------------

_WORDS = """
    fr en me actions AO1 AE1 decisions decisions.atom inventory reports journal journal.atom 1 0
    charter changes members verify certificate fediverse post tag before source robots.txt vote
    for none code comment discussion certificates revoke -1 99999999999 ² .. . é ' % \\
"""
_KNOWN = st.sampled_from([*_WORDS.split(), "\0"])
_PARTS = st.lists(_KNOWN | st.text(max_size=8) | st.just(""), max_size=6)
_patient = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def sound(told: bytes) -> int:
    """The status of a response that is one to the letter."""
    head, end, body = told.partition(b"\r\n")
    assert end
    assert re.fullmatch(rb"[1-6][0-9] \S.{0,1022}", head, re.DOTALL), head
    head.decode()
    if head.startswith(b"20 text/gemini"):
        parse(body.decode())
    elif not head.startswith(b"20 "):
        assert not body
    return int(head[:2])


@_patient
@given(line=st.binary(max_size=1100).filter(lambda line: b"\r\n" not in line))
def test_whatever_is_sent_is_answered(ask: Ask, line: bytes) -> None:
    assert sound(ask(line)) in (53, 59)


@_patient
@given(
    parts=_PARTS,
    typed=st.none() | st.text(max_size=20),
    begin=st.sampled_from(["/", "/fr/", "/me/", "/en/me/"]),
    as_member=st.booleans(),
)
def test_whatever_is_asked_for_is_a_page_or_a_refusal_and_no_fault(
    ask: Ask,
    caplog: pytest.LogCaptureFixture,
    parts: list[str],
    typed: str | None,
    begin: str,
    as_member: bool,
) -> None:
    path = begin + "/".join(quote(part, safe="") for part in parts)
    line = f"gemini://HERE{path}" + ("" if typed is None else f"?{quote(typed, safe='')}")
    with caplog.at_level(logging.WARNING, "toutdoux"):
        assert sound(ask(line, as_member)) != 40
    assert not caplog.records


# --- what is kept --------------------------------------------------------------------------------


def test_of_addresses_without_end_none_is_kept(den: Den, ask: Ask) -> None:
    kept = den.server.service.answer.__self__._shelf._pages  # type: ignore[attr-defined]
    ask("gemini://HERE/")
    assert len(kept) == 1
    for n in range(5):
        assert ask(f"gemini://HERE/?{n}").startswith(b"20 ")
    assert len(kept) == 1


def test_pages_take_room_though_they_are_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_KEPT", 10 * site._APART)
    shelf, now = site._Shelf(), datetime.now(UTC)
    for n in range(50):
        shelf.put("loutres", f"/{n}", 1, now, Response(Status.REDIRECT, "/"))
    assert [url for _, url in shelf._pages] == [f"/{n}" for n in range(40, 50)]
