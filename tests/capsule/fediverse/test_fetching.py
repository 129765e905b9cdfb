"""Instances are asked politely, briefly, and only those that are allowed."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.capsule.fediverse.instance import NOW, Asked, Reply, StandIn, took
from tests.capsule.serving import PATIENT
from toutdoux.capsule.fediverse import fetching
from toutdoux.capsule.fediverse.cache import Cache, Kept
from toutdoux.capsule.fediverse.fetching import Fetcher, NotThere, Unavailable, is_outside
from toutdoux.capsule.fediverse.instances import Instance, allowed

DAY = "Tue, 01 Dec 2026"
LATER = NOW + timedelta(hours=3)


def ask(fetcher: Fetcher, path: str = "/a", now: datetime = NOW) -> fetching.Answer:
    return fetcher.get(fetcher.allowed.instances[0], path, now)


def why(fetcher: Fetcher, path: str = "/a", now: datetime = NOW) -> str:
    with pytest.raises(Unavailable) as problem:
        ask(fetcher, path, now)
    return problem.value.why.message


# --- what is asked -------------------------------------------------------------------------------


def test_an_instance_is_told_who_asks(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply([1])
    answer = ask(instance.fetcher(tmp_path))
    assert (answer.body, answer.at, answer.old) == ([1], NOW, None)
    told = instance.asked[0].headers
    assert told["User-Agent"] == "Test/1 (+https://x.example/)"
    assert told["Host"] == instance.name
    assert told["Accept"] == "application/json"
    assert "Authorization" not in told


def test_a_token_goes_to_its_own_instance_also_where_it_leads_on(
    instance: StandIn, tmp_path: Path
) -> None:
    instance.replies["/a"] = Reply(None, 302, {"Location": f"{instance.address}/b"})
    instance.replies["/b"] = Reply([1])
    fetcher = instance.fetcher(tmp_path, tokens={instance.name: "secret"})
    assert ask(fetcher).body == [1]
    assert [one.headers["Authorization"] for one in instance.asked] == ["Bearer secret"] * 2


def test_answers_may_be_compressed(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply(gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    assert ask(instance.fetcher(tmp_path)).body == [1]


# --- what goes wrong -----------------------------------------------------------------------------


def test_what_is_not_there_is_not_there(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/gone"] = Reply({}, 410)
    fetcher = instance.fetcher(tmp_path)
    with pytest.raises(NotThere) as unknown:
        ask(fetcher, "/unknown")
    with pytest.raises(NotThere) as gone:
        ask(fetcher, "/gone")
    assert (unknown.value.gone, gone.value.gone) == (False, True)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(b"<!doctype html><p>Welcome", type="text/html"), "something that is no post"),
        (Reply(b"<html>", type="application/json"), "something that is no post"),
        (Reply(b""), "something that is no post"),
        (Reply(b"[" * 100_000), "something that is no post"),
        (Reply(b"\xff\xfe\x00["), "something that is no post"),
        (Reply({}, 500), "has trouble"),
        (Reply({}, 200 + 6), "has trouble"),
        (Reply({}, 304), "has trouble"),
        (Reply({}, 401), "only to those it knows"),
        (Reply({}, 403), "only to those it knows"),
        (Reply({"a": 1}, short=3), "broke off"),
        (Reply([1], headers={"Content-Encoding": "gzip"}), "broke off"),
        (Reply(None, 302, {"Location": "https://elsewhere.example/"}), "leads elsewhere"),
        (Reply(None, 302, {"Location": "https://[/"}), "leads elsewhere"),
        (Reply(None, 302), "leads in circles"),
        (Reply(None, 301, {"Location": "/a"}), "leads in circles"),
    ],
)
def test_an_answer_that_is_none_is_told_in_words(
    instance: StandIn, tmp_path: Path, reply: Reply, says: str
) -> None:
    instance.replies["/a"] = reply
    assert says in why(instance.fetcher(tmp_path))
    assert len(instance.asked) <= 4


def test_a_server_that_talks_no_http_is_told_of(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_greet, args=[server], daemon=True).start()
        fetcher = _reaching(server.getsockname()[1], tmp_path)
        assert "broke off" in why(fetcher)


def test_an_instance_that_is_down_is_told_of_and_left_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    fetcher = _reaching(port, tmp_path)
    assert "does not answer" in why(fetcher)
    assert "does not answer" in why(fetcher, now=NOW + timedelta(seconds=29))


def _greet(server: socket.socket) -> None:
    line = server.accept()[0]
    line.sendall(b"220 mail.example ESMTP\r\n")
    line.close()


def _reaching(port: int, folder: Path) -> Fetcher:
    told = allowed({"inside": [f"http://127.0.0.1:{port}"]})
    return Fetcher(told, Cache(folder / "cache"), "Test", time=2)


# --- limits --------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [Reply([1], wait=30), Reply([1] * 100, drip=0.2)])
def test_a_slow_answer_is_not_waited_for(instance: StandIn, tmp_path: Path, reply: Reply) -> None:
    instance.replies["/a"] = reply
    fetcher = instance.fetcher(tmp_path, seconds=0.6)
    assert took(lambda: ask(fetcher)) < 2
    assert "too long" in why(fetcher)
    assert len(instance.asked) == 1, "nobody else waits for it within half a minute"


def test_headers_that_never_end_are_not_waited_for(tmp_path: Path) -> None:
    def drip(server: socket.socket) -> None:
        line = server.accept()[0]
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                line.sendall(b"X")
                stop.wait(0.05)
        except OSError:
            pass

    stop = Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=drip, args=[server], daemon=True).start()
        fetcher = Fetcher(
            allowed({"inside": [f"http://127.0.0.1:{server.getsockname()[1]}"]}),
            Cache(tmp_path / "cache"),
            "Test",
            time=0.6,
        )
        assert took(lambda: ask(fetcher)) < 2
        assert "too long" in why(fetcher)


def test_fifty_megabytes_are_not_read(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply(b'"' + b"x" * 50_000_000 + b'"')
    assert "more than can be read" in why(instance.fetcher(tmp_path))


def test_an_answer_without_an_end_is_not_read(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply(endless=True)
    assert "more than can be read" in why(instance.fetcher(tmp_path))


def test_little_that_unpacks_to_much_is_not_read(instance: StandIn, tmp_path: Path) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    instance.replies["/a"] = Reply(packed, headers={"Content-Encoding": "gzip"})
    assert "more than can be read" in why(instance.fetcher(tmp_path))


def test_a_name_that_takes_long_to_resolve_is_not_waited_for(tmp_path: Path) -> None:
    def resolve(name: str, port: int) -> list[str]:
        Event().wait(5)
        return ["1.1.1.1"]

    told = allowed({"instances": ["slow.example"]})
    fetcher = Fetcher(told, Cache(tmp_path / "cache"), "Test", resolve=resolve, time=0.3)
    assert took(lambda: ask(fetcher)) < 1.5


def test_one_instance_is_not_asked_too_often(
    instance: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "A_MINUTE", 3)
    instance.replies |= {f"/{n}": Reply([n]) for n in range(9)}
    fetcher = instance.fetcher(tmp_path)
    for n in range(3):
        ask(fetcher, f"/{n}")
    assert "asked a lot" in why(fetcher, "/4")
    assert ask(fetcher, "/1").body == [1], "what is kept can be read on"


def test_a_slow_instance_holds_up_nobody_who_asks_another(
    instance: StandIn, tmp_path: Path
) -> None:
    slow, came = StandIn(), Event()

    def wait(asked: Asked) -> Reply:
        came.wait(PATIENT)
        return Reply({})

    slow.replies["/a"] = slow.replies["/b"] = slow.replies["/c"] = wait
    instance.replies["/a"] = Reply({"of": "the other"})
    fetcher = instance.fetcher(tmp_path, seconds=PATIENT, instances=[], inside=[
        slow.address, instance.address,
    ])  # fmt: skip
    first, other = fetcher.allowed.instances
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(fetcher.get, first, f"/{one}", NOW) for one in "abc"]
        told = fetcher.get(other, "/a", NOW).body
        came.set()
        done = [one.exception(PATIENT) for one in waiting]
    slow.stop()
    assert told == {"of": "the other"}
    assert done.count(None) >= fetching.AT_ONCE


def test_who_asks_for_the_same_at_once_gets_one_answer(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply([1], wait=0.2)
    fetcher = instance.fetcher(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: ask(fetcher).body, range(8)))
    assert told == [[1]] * 8
    assert len(instance.asked) == 1


# --- nothing inside ------------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "239.1.1.1", "255.255.255.255", "240.0.0.1", "192.0.2.1",
    "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1",
    "fec0::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "100::1",
    "", "x", "1.1.1.1.",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_inside_however_it_is_written(address: str) -> None:
    assert not is_outside(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "2a01:e0a::1", "::ffff:1.1.1.1"])
def test_a_public_address_is_outside(address: str) -> None:
    assert is_outside(address)


@given(st.ip_addresses(v=4))
def test_an_address_carried_in_another_is_no_way_in(address: object) -> None:
    number = int(ip_address(str(address)))
    assert is_outside(f"::ffff:{address}") == is_outside(str(address))
    assert not is_outside(f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}")
    assert not is_outside(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1")


class Connected(Exception):
    """To an address that was checked."""


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are connected to; none of them answers."""
    found: list[str] = []

    def connect(address: tuple[str, int], *args: object, **more: object) -> socket.socket:
        found.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    return found


def resolving(*answers: Sequence[str]) -> fetching.Resolve:
    """A name server: one answer after the other, then the last again and again."""
    left = list(answers)
    return lambda name, port: list(left.pop(0) if len(left) > 1 else left[0])


@pytest.mark.parametrize("address", [one for one in INSIDE if one])
def test_a_name_that_leads_inside_is_not_followed(
    address: str, tmp_path: Path, lines: list[str]
) -> None:
    told = allowed({"instances": ["sly.example"]})
    fetcher = Fetcher(told, Cache(tmp_path / "c"), "Test", resolve=resolving([address]))
    assert "not public" in why(fetcher)
    assert lines == []


def test_of_a_name_that_leads_in_and_out_only_the_outside_is_asked(
    tmp_path: Path, lines: list[str]
) -> None:
    told = allowed({"instances": ["sly.example"]})
    found = resolving(["10.0.0.1", "1.1.1.1", "::1"])
    assert "does not answer" in why(Fetcher(told, Cache(tmp_path / "c"), "Test", resolve=found))
    assert lines == ["1.1.1.1"]


def test_a_name_that_changes_after_the_check_changes_nothing(
    tmp_path: Path, lines: list[str]
) -> None:
    told = allowed({"instances": ["sly.example"]})
    found = resolving(["1.1.1.1"], ["127.0.0.1"])
    assert "does not answer" in why(Fetcher(told, Cache(tmp_path / "c"), "Test", resolve=found))
    assert lines == ["1.1.1.1"], "the very address that was checked"


@pytest.mark.parametrize(
    "leads",
    [
        "http://127.0.0.1:{other}/a",
        "http://localhost:{port}/a",
        "http://127.0.0.1/a",
        "//127.0.0.1:{other}/a",
        "http://user@127.0.0.1:{port}/a",
        "http://[::1]:{port}/a",
        "http://2130706433:{port}/a",
        "https://127.0.0.1:{port}/a",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/",
    ],
)
def test_a_redirect_does_not_lead_inside(leads: str, instance: StandIn, tmp_path: Path) -> None:
    other = StandIn()
    other.replies["/a"] = Reply([1])
    to = leads.format(port=instance.port, other=other.port)
    instance.replies["/a"] = Reply(None, 307, {"Location": to})
    assert "leads elsewhere" in why(instance.fetcher(tmp_path))
    assert other.asked == []
    assert len(instance.asked) == 1
    other.stop()


def test_nobody_outside_leads_to_what_is_allowed_inside(
    instance: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = instance.fetcher(
        tmp_path, instances=["social.example"], tokens={instance.name: "secret"}
    )
    ask_one = Fetcher._ask

    def ask_outside(self: Fetcher, one: Instance, *about: Any) -> Any:
        if one.inside:
            return ask_one(self, one, *about)
        to = urllib3.HTTPHeaderDict({"Location": f"{instance.address}/a"})
        return fetching._Told(302, to, b"")

    monkeypatch.setattr(Fetcher, "_ask", ask_outside)
    (outside,) = [one for one in fetcher.allowed.instances if not one.inside]
    with pytest.raises(Unavailable, match="leads elsewhere"):
        fetcher.get(outside, "/a", NOW)
    assert instance.asked == []


def test_one_inside_does_not_lead_to_another_inside(instance: StandIn, tmp_path: Path) -> None:
    other = StandIn()
    instance.replies["/a"] = Reply(None, 302, {"Location": f"{other.address}/a"})
    other.replies["/a"] = Reply([1])
    fetcher = instance.fetcher(tmp_path, inside=[instance.address, other.address])
    assert "leads elsewhere" in why(fetcher)
    assert other.asked == []
    other.stop()


def test_a_token_is_shown_to_nobody_whom_another_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = allowed(
        {"instances": ["a.example", "b.example"], "tokens": {"a.example": "A", "b.example": "B"}}
    )
    leads = {
        "https://a.example/a": "https://b.example/a",
        "https://b.example/a": "https://a.example/b",
    }
    shown = []

    def ask_one(self: Fetcher, one: Instance, address: str, *about: Any) -> Any:
        shown.append((address, one.token))
        to = urllib3.HTTPHeaderDict({"Location": leads[address]} if address in leads else {})
        return fetching._Told(302 if to else 200, to, b"[1]")

    monkeypatch.setattr(Fetcher, "_ask", ask_one)
    first = told.instances[0]
    assert Fetcher(told, Cache(tmp_path / "c"), "Test").get(first, "/a", NOW).body == [1]
    assert shown == [
        ("https://a.example/a", "A"),
        ("https://b.example/a", ""),
        ("https://a.example/b", ""),
    ]


@pytest.mark.parametrize(
    "headers", [{"Cache-Control": "max-age=\xb2"}, {"Cache-Control": "max-age=60", "Age": "\xb2"}]
)
def test_what_only_looks_like_a_number_is_none(
    headers: dict[str, str], instance: StandIn, tmp_path: Path
) -> None:
    instance.replies["/a"] = Reply([1], headers=headers)
    assert ask(instance.fetcher(tmp_path)).body == [1]


def test_who_asks_to_wait_for_no_number_is_waited_for_as_usual(
    instance: StandIn, tmp_path: Path
) -> None:
    instance.replies["/a"] = Reply(None, 429, {"Retry-After": "\xb2"})
    assert "left alone" in why(instance.fetcher(tmp_path))


def test_a_redirect_is_followed_within_what_is_allowed(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply(None, 301, {"Location": "/b?c=d"})
    instance.replies["/b?c=d"] = Reply([2])
    assert ask(instance.fetcher(tmp_path)).body == [2]


def test_an_instance_is_never_asked_over_http_unless_it_is_inside(tmp_path: Path) -> None:
    told = allowed({"accounts": ["ana@social.example"], "instances": ["other.example:8443"]})
    assert [one.origin for one in told.instances] == [
        ("https", "social.example", 443),
        ("https", "other.example", 8443),
    ]


# --- TLS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proves", "says"),
    [("social.example", None), ("other.example", "cannot prove"), (None, "cannot prove")],
)
def test_an_instance_proves_its_name_at_the_address_that_was_checked(
    proves: str | None, says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`proves` None: with a certificate that nobody trusts."""
    monkeypatch.setattr(fetching, "is_outside", lambda address: True)
    trusted, server = _tls(tmp_path, proves or "social.example")
    if proves is None:
        trusted = ssl.create_default_context()
    stand_in = StandIn()
    stand_in.replies["/a"] = Reply([1])
    stand_in._server.socket = server.wrap_socket(stand_in._server.socket, server_side=True)
    told = allowed({"instances": [f"social.example:{stand_in.port}"]})
    fetcher = Fetcher(
        told, Cache(tmp_path / "c"), "Test", resolve=resolving(["127.0.0.1"]), tls=trusted
    )
    if says:
        assert says in why(fetcher)
        assert stand_in.asked == []
    else:
        assert ask(fetcher).body == [1]
        assert stand_in.asked[0].headers["Host"] == f"social.example:{stand_in.port}"
    stand_in.stop()


def _tls(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Who trusts a certificate for a name, and who has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "tls.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return ssl.create_default_context(cadata=made.public_bytes(pem).decode()), server


# --- keeping answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Cache-Control": "max-age=300, public"}, 300),
        ({"Cache-Control": "public, max-age=300, s-maxage=10"}, 10),
        ({"Cache-Control": "max-age=300", "Age": "100"}, 200),
        ({"Cache-Control": "no-cache"}, 0),
        ({"Cache-Control": "max-age=0"}, 0),
        ({"Cache-Control": 'max-age="200"'}, 200),
        ({"Cache-Control": "max-age=99999999999"}, 86400),
        ({"Date": f"{DAY} 12:00:00 GMT", "Expires": f"{DAY} 12:05:00 GMT"}, 300),
        ({"Date": f"{DAY} 09:00:00 GMT", "Expires": f"{DAY} 09:05:00 GMT"}, 300),
        ({"Expires": "0"}, 0),
    ],
)
def test_an_answer_is_the_present_for_as_long_as_the_instance_says(
    instance: StandIn, tmp_path: Path, headers: dict[str, str], seconds: int
) -> None:
    instance.replies["/a"] = Reply([1], headers=headers)
    fetcher = instance.fetcher(tmp_path)
    ask(fetcher)
    if seconds:
        ask(fetcher, now=NOW + timedelta(seconds=seconds - 1))
        assert len(instance.asked) == 1
    ask(fetcher, now=NOW + timedelta(seconds=seconds))
    assert len(instance.asked) == 2


@pytest.mark.parametrize("told", ["no-store", "private, max-age=300", "Private"])
def test_what_may_not_be_kept_is_not_kept(instance: StandIn, tmp_path: Path, told: str) -> None:
    instance.replies["/a"] = Reply([1], headers={"Cache-Control": told})
    fetcher = instance.fetcher(tmp_path)
    ask(fetcher)
    ask(fetcher)
    assert len(instance.asked) == 2
    instance.replies["/a"] = Reply({}, 500)
    assert "has trouble" in why(fetcher)


@pytest.mark.parametrize(
    ("header", "asks"), [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")]
)
def test_it_is_asked_whether_an_answer_still_holds(
    instance: StandIn, tmp_path: Path, header: str, asks: str
) -> None:
    mark = '"v1"' if header == "ETag" else "Tue, 01 Dec 2026 11:00:00 GMT"
    instance.replies["/a"] = lambda asked: (
        Reply(None, 304) if asked.headers.get(asks) == mark else Reply([1], headers={header: mark})
    )
    fetcher = instance.fetcher(tmp_path)
    ask(fetcher)
    again = ask(fetcher, now=LATER)
    assert (again.body, again.at, again.old) == ([1], LATER, None)
    ask(fetcher, now=LATER + timedelta(seconds=59))
    assert len(instance.asked) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply({}, 500),
        Reply(b"<html>", type="text/html"),
        Reply([2], wait=30),
        Reply({}, 429, {"Retry-After": "60"}),
        Reply({}, 401),
        Reply(b"[" + b"1," * 5_000_000),
    ],
)
def test_what_is_kept_is_shown_when_there_is_no_answer(
    instance: StandIn, tmp_path: Path, reply: Reply
) -> None:
    instance.replies["/a"] = Reply([1])
    fetcher = instance.fetcher(tmp_path, seconds=0.8)
    ask(fetcher)
    instance.replies["/a"] = reply
    answer = ask(fetcher, now=LATER)
    assert (answer.body, answer.at) == ([1], NOW)
    assert answer.old is not None


def test_what_is_kept_survives_a_restart_and_not_a_week(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply([1])
    ask(instance.fetcher(tmp_path))
    instance.replies["/a"] = Reply({}, 500)
    assert ask(instance.fetcher(tmp_path), now=NOW + timedelta(days=6)).body == [1]
    why(instance.fetcher(tmp_path), now=NOW + timedelta(days=7))


def test_what_was_deleted_is_forgotten(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = Reply([1])
    fetcher = instance.fetcher(tmp_path)
    ask(fetcher)
    del instance.replies["/a"]
    with pytest.raises(NotThere):
        ask(fetcher, now=LATER)
    instance.replies["/a"] = Reply({}, 500)
    why(fetcher, now=LATER)


def test_what_one_token_sees_is_not_kept_for_another(instance: StandIn, tmp_path: Path) -> None:
    instance.replies["/a"] = lambda asked: Reply([asked.headers.get("Authorization")])
    for token in ("one", "two"):
        fetcher = instance.fetcher(tmp_path, tokens={instance.name: token})
        assert ask(fetcher).body == [f"Bearer {token}"]


# --- when it asks to wait ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "120"}, 120),
        (429, {"Retry-After": "Tue, 01 Dec 2026 12:02:00 GMT"}, 120),
        (429, {"X-RateLimit-Reset": "2026-12-01T12:02:00.000Z"}, 120),
        (429, {"Retry-After": "soon"}, 60),
        (429, {}, 60),
        (429, {"Retry-After": "-5"}, 60),
        (429, {"Retry-After": "999999999999"}, 86400),
        (503, {"Retry-After": "120"}, 120),
    ],
)
def test_an_instance_that_asks_to_wait_is_left_alone(
    instance: StandIn, tmp_path: Path, status: int, headers: dict[str, str], seconds: int
) -> None:
    instance.replies["/a"] = Reply({}, status, headers)
    instance.replies["/b"] = Reply([2])
    assert "left alone" in why(instance.fetcher(tmp_path))
    # Another process, and another page: it is the instance that is left alone.
    assert "left alone" in why(
        instance.fetcher(tmp_path), "/b", now=NOW + timedelta(seconds=seconds - 1)
    )
    assert len(instance.asked) == 1
    assert ask(instance.fetcher(tmp_path), "/b", now=NOW + timedelta(seconds=seconds)).body == [2]


# --- the cache -----------------------------------------------------------------------------------


def _kept(body: bytes, at: float = 0) -> Kept:
    return Kept(body, "", "", "", at, at)


def test_the_cache_never_grows_beyond_its_size(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", most=1000)
    for n in range(100):
        cache.put(str(n), _kept(b"x" * 100, n))
    assert cache.get("99")
    assert cache.get("0") is None


def test_only_its_user_reads_the_cache(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "folder" / "cache")
    cache.put("a", _kept(b"1"))
    assert (tmp_path / "folder" / "cache").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", [b"no database at all", b"", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_cache_is_begun_anew(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "cache"
    file.write_bytes(damage)
    cache = Cache(file)
    cache.put("a", _kept(b"1"))
    assert cache.get("a") == _kept(b"1")


def test_a_cache_that_cannot_be_written_is_no_obstacle(instance: StandIn, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    instance.replies["/a"] = Reply([1])
    fetcher = Fetcher(
        allowed({"inside": [instance.address]}), Cache(tmp_path / "file" / "cache"), "Test"
    )
    assert ask(fetcher).body == [1]
