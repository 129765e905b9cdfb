"""The server, over real TLS connections: what it answers, and whom it doesn't wait for."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import time
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from toutdoux.capsule.certificate import made
from toutdoux.capsule.files import find
from toutdoux.capsule.greed import Greed, neighbourhood
from toutdoux.capsule.protocol import Request, Response, content, page
from toutdoux.capsule.server import Patience, Server, Service, listen
from toutdoux.core.words import Sentence

from .serving import PATIENT, Serving, connect, home_page, identity, read, serving

HOME = b"20 text/gemini; charset=utf-8; lang=fr\r\n# localhost\n"


@pytest.fixture(scope="module")
def served():  # type: ignore[no-untyped-def]
    with serving() as one:
        yield one


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client's certificate with its key, signed by itself."""
    file = tmp_path_factory.mktemp("client") / "ana.pem"
    file.write_bytes(made(("ana",), datetime.now(UTC)).pem)
    return file


# --- a request and its response ------------------------------------------------------------------


def test_a_page_is_served_and_ends_with_close_notify(served: Serving) -> None:
    assert served.ask(served.url()) == HOME


@pytest.mark.parametrize(
    ("line", "status"),
    [("nonsense", 59), ("", 59), ("http://localhost/", 53), ("gemini://elsewhere.example/", 53)],
)
def test_every_refusal_ends_with_close_notify(served: Serving, line: str, status: int) -> None:
    assert served.ask(line).startswith(b"%d " % status)


def test_a_url_of_1024_bytes_is_answered(served: Serving) -> None:
    assert served.ask(served.url().ljust(1024, "0")) == HOME


def test_a_url_of_1025_bytes_is_refused(served: Serving) -> None:
    assert served.ask(served.url().ljust(1025, "0")).startswith(b"59 ")


def test_a_line_without_an_end_is_refused_before_it_ends(served: Serving) -> None:
    assert served.ask(served.url().ljust(1026, "0").encode()).startswith(b"59 ")


def test_a_refusal_arrives_though_the_client_goes_on_sending(served: Serving) -> None:
    assert served.ask(b"x" * 300_000).startswith(b"59 ")


def test_what_follows_the_line_is_not_read(served: Serving) -> None:
    assert served.ask(f"{served.url()}\r\n{served.url('/b')}\r\nmore".encode()) == HOME


def test_a_line_may_come_byte_by_byte(served: Serving) -> None:
    with served.open() as tls:
        for byte in f"{served.url()}\r\n".encode():
            tls.sendall(bytes([byte]))
        assert read(tls) == HOME


def test_nobody_waits_for_another_client(served: Serving) -> None:
    with served.open() as first:
        first.sendall(b"gemini://")
        assert served.ask(served.url()) == HOME
        first.sendall(f"localhost:{served.port}/\r\n".encode())
        assert read(first) == HOME


def test_a_client_that_has_said_all_may_close_its_side(served: Serving) -> None:
    with socket.create_connection(("127.0.0.1", served.port), PATIENT) as plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_hostname="localhost")
        told = b""
        asked = False
        while True:
            try:
                if not asked:
                    tls.do_handshake()
                    tls.write(f"{served.url()}\r\n".encode())
                    asked = True
                    plain.sendall(going.read())
                    plain.shutdown(socket.SHUT_WR)
                if not (piece := tls.read()):
                    break
                told += piece
            except ssl.SSLWantReadError:
                if going.pending:
                    plain.sendall(going.read())
                come = plain.recv(65536)
                assert come
                coming.write(come)
        assert told == HOME


def test_a_large_file_arrives_whole() -> None:
    body = bytes(range(256)) * 40_000
    with serving(lambda request: content(body, "application/octet-stream")) as one:
        assert one.ask(one.url()) == b"20 application/octet-stream\r\n" + body


LONG = b"20 application/octet-stream\r\n" + bytes(10_000_000)


def long_file(request: Request) -> Response:
    return content(bytes(10_000_000), "application/octet-stream")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A long file."""
    file = tmp_path / "film.mp4"
    file.write_bytes(bytes(range(256)) * 80_000)
    return file


def answer_from(folder: Path) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        found = find(folder, request.segments, "fr")
        assert found is not None
        return found

    return answer


def test_a_long_file_arrives_whole(film: Path) -> None:
    with serving(answer_from(film.parent)) as one:
        assert one.ask(one.url("/film.mp4")) == b"20 video/mp4\r\n" + film.read_bytes()


def test_those_who_take_a_long_file_slowly_hold_no_copy_of_it(film: Path) -> None:
    tracemalloc.start()
    try:
        with serving(answer_from(film.parent)) as one, ExitStack() as stack:
            for _ in range(3):
                tls = stack.enter_context(one.open())
                tls.sendall(f"{one.url('/film.mp4')}\r\n".encode())
                assert tls.recv(5) == b"20 vi"
            _, most = tracemalloc.get_traced_memory()
        assert most < film.stat().st_size
    finally:
        tracemalloc.stop()


def test_a_file_that_becomes_shorter_ends_without_a_goodbye(film: Path) -> None:
    with serving(answer_from(film.parent)) as one, one.open() as tls:
        tls.sendall(f"{one.url('/film.mp4')}\r\n".encode())
        assert tls.recv(5) == b"20 vi"
        os.truncate(film, 100_000)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            read(tls)


def test_a_long_file_that_is_kept_and_was_taken_away_is_not_found(film: Path) -> None:
    kept = find(film.parent, ("film.mp4",), "fr")
    film.unlink()
    with serving(lambda request: kept, kept=lambda request: kept) as one:
        assert one.ask(one.url("/film.mp4")).startswith(b"51 ")


def take_all(tls: SSL.Connection, told: list[bytes]) -> None:
    while True:
        told.append(tls.recv(65536))


def test_a_response_is_whole_though_something_comes_after_the_request() -> None:
    with serving(long_file) as one, one.open() as tls:
        tls.sendall(f"{one.url()}\r\n".encode())
        time.sleep(0.3)  # it is being sent
        tls.sendall(b"\r\n")
        assert read(tls) == LONG


def test_a_response_is_whole_though_the_client_says_goodbye_before() -> None:
    with (
        serving(long_file) as one,
        socket.create_connection(("127.0.0.1", one.port), PATIENT) as plain,
    ):
        plain.setblocking(True)
        tls = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), plain)
        tls.set_connect_state()
        tls.sendall(f"{one.url()}\r\n".encode())
        time.sleep(0.3)
        tls.shutdown()
        told: list[bytes] = []
        with pytest.raises(SSL.ZeroReturnError):  # the server's goodbye
            take_all(tls, told)
    assert b"".join(told) == LONG


def test_who_stays_after_the_response_leaves_the_place_to_the_next() -> None:
    with serving(patience=Patience(connections=1, leaving=0.3)) as one, one.open() as tls:
        tls.sendall(f"{one.url()}\r\n".encode())
        assert read(tls) == HOME
        assert one.ask(one.url()) == HOME


def test_a_page_that_is_kept_needs_no_worker() -> None:
    def answer(request: Request) -> Response:
        raise AssertionError(request)

    with serving(answer, kept=home_page) as one:
        assert one.ask(one.url()) == HOME


def test_who_waits_for_another_machine_holds_up_nobody_else() -> None:
    came = Event()

    def slow(request: Request) -> Response:
        if request.path == "/abroad":
            came.wait(PATIENT)
        return home_page(request)

    with serving(slow, abroad=lambda request: request.path == "/abroad") as one:
        readers = [one.open() for _ in range(20)]  # more than all workers together
        for reader in readers:
            reader.sendall(f"{one.url('/abroad')}\r\n".encode())
        assert one.ask(one.url()) == HOME
        came.set()
        for reader in readers:
            assert read(reader) == HOME
            reader.close()


def test_where_too_many_wait_for_other_machines_the_next_is_told_so() -> None:
    came = Event()

    def slow(request: Request) -> Response:
        came.wait(PATIENT)
        return home_page(request)

    with serving(slow, abroad=lambda request: True) as one:
        readers = [one.open() for _ in range(32)]
        for reader in readers:
            reader.sendall(f"{one.url()}\r\n".encode())
        assert one.ask(one.url()).startswith(b"41 ")
        came.set()
        for reader in readers:
            assert read(reader) == HOME
            reader.close()


def test_a_fault_is_told_as_40_and_the_next_request_is_answered() -> None:
    def answer(request: Request) -> Response:
        if request.segments == ("fault",):
            raise RuntimeError
        return home_page(request)

    with serving(answer) as one:
        assert one.ask(one.url("/fault")).startswith(b"40 ")
        assert one.ask(one.url()) == HOME


def test_many_are_answered_at_once() -> None:
    with serving() as one:
        answers: list[bytes] = []
        threads = [Thread(target=lambda: answers.append(one.ask(one.url()))) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENT)
        assert answers == [HOME] * 40


# --- TLS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(served: Serving, version: ssl.TLSVersion) -> None:
    assert served.ask(served.url(), least=version, most=version) == HOME


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_refused(served: Serving, version: ssl.TLSVersion) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)version|alert"):
        served.open(least=version, most=version, ciphers="ALL:@SECLEVEL=0")


def test_what_is_not_tls_gets_no_page(served: Serving) -> None:
    with socket.create_connection(("127.0.0.1", served.port), PATIENT) as plain:
        plain.sendall(f"{served.url()}\r\n".encode())
        told = b""
        try:
            while piece := plain.recv(1000):
                told += piece
        except ConnectionResetError:
            pass
    assert b"20 " not in told


def test_the_certificate_is_the_one_that_was_made(served: Serving) -> None:
    with served.open() as tls:
        shown = tls.getpeercert(binary_form=True)
    assert shown == identity().certificate.public_bytes(Encoding.DER)


# --- several hosts -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two():  # type: ignore[no-untyped-def]
    hosts = {one: identity(one) for one in ("a.example", "b.example")}
    with serving(hosts=hosts) as one:
        yield one


@pytest.mark.parametrize("host", ["a.example", "b.example"])
def test_each_host_has_its_certificate_and_its_pages(two: Serving, host: str) -> None:
    with two.open(host) as tls:
        tls.sendall(f"{two.url(host=host)}\r\n".encode())
        told = read(tls)
        shown = tls.getpeercert(binary_form=True)
    assert told.endswith(f"# {host}\n".encode())
    assert shown == identity(host).certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("named", [None, "c.example"])
def test_a_client_that_names_no_host_of_ours_gets_the_first_certificate_and_its_pages(
    two: Serving, named: str | None
) -> None:
    with two.open(named) as tls:
        tls.sendall(f"{two.url(host='a.example')}\r\n".encode())
        assert read(tls).endswith(b"# a.example\n")
        shown = tls.getpeercert(binary_form=True)
    assert shown == identity("a.example").certificate.public_bytes(Encoding.DER)


@pytest.mark.parametrize("named", [None, "c.example"])
def test_under_the_first_certificate_no_other_associations_page_is_served(
    two: Serving, named: str | None
) -> None:
    assert two.ask(two.url(host="b.example"), host=named).startswith(b"53 ")


def test_all_names_of_one_association_are_served_to_a_client_that_names_none() -> None:
    ours = identity("a.example", "also.example")
    with serving(hosts={"a.example": ours, "also.example": ours}) as one:
        assert one.ask(one.url(host="also.example"), host=None).endswith(b"# also.example\n")


def test_another_hosts_page_is_refused_on_a_connection_to_one(two: Serving) -> None:
    assert two.ask(two.url(host="b.example"), host="a.example").startswith(b"53 ")


def test_a_host_that_is_not_served_is_refused(two: Serving) -> None:
    assert two.ask(two.url(host="c.example"), host="c.example").startswith(b"53 ")


# --- clients' certificates -----------------------------------------------------------------------


def telling(request: Request) -> Response:
    shown = request.certificate
    return page(f"{shown.fingerprint} {shown.subject}" if shown else "nobody", "fr")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_nobody_vouches_for_is_told(mine: Path, version: ssl.TLSVersion) -> None:
    certificate = x509.load_pem_x509_certificate(mine.read_bytes())
    from cryptography.hazmat.primitives.hashes import SHA256

    with serving(telling) as one:
        told = one.ask(one.url(), shows=mine, least=version, most=version)
    assert told.endswith(f"{certificate.fingerprint(SHA256()).hex()} ana".encode())


def test_without_a_certificate_nobody_is_told() -> None:
    with serving(telling) as one:
        assert one.ask(one.url()).endswith(b"nobody")


def test_a_certificate_whose_time_is_over_is_told_with_its_time(tmp_path: Path) -> None:
    file = tmp_path / "old.pem"
    file.write_bytes(made(("ana",), datetime.now(UTC) - timedelta(days=40 * 365)).pem)

    def answer(request: Request) -> Response:
        assert request.certificate is not None
        return page(str(request.certificate.valid(request.at)), "fr")

    with serving(answer) as one:
        assert one.ask(one.url(), shows=file).endswith(b"False")


# --- the slow and the greedy ---------------------------------------------------------------------


def test_a_request_that_never_ends_is_told_so_in_time() -> None:
    with serving(patience=Patience(asking=0.3)) as one:
        assert one.ask(one.url().encode()).startswith(b"59 ")


def test_a_line_feed_alone_ends_no_request() -> None:
    with serving(patience=Patience(asking=0.3)) as one:
        assert one.ask(f"{one.url()}\n".encode()).startswith(b"59 ")


def test_a_client_that_says_nothing_is_sent_away() -> None:
    with (
        serving(patience=Patience(asking=0.3)) as one,
        socket.create_connection(("127.0.0.1", one.port), PATIENT) as plain,
    ):
        assert plain.recv(1) == b""


def test_clients_that_go_while_they_are_told_so_take_nobody_along() -> None:
    with serving(patience=Patience(asking=0.3)) as one:
        late = [one.open() for _ in range(3)]

        def speak(sentence: Sentence, host: str) -> str:
            for client in late:  # a reset, at the worst moment
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
            late.clear()
            return sentence.message

        one.server.service = replace(one.server.service, speak=speak)
        deadline = time.monotonic() + PATIENT
        while late:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert one.ask(one.url()) == HOME


def test_a_client_that_takes_nothing_is_sent_away() -> None:
    body = bytes(30_000_000)
    with (
        serving(lambda request: content(body, "x/y"), patience=Patience(taking=0.3)) as one,
        one.open() as tls,
    ):
        tls.sendall(f"{one.url()}\r\n".encode())
        time.sleep(2)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            read(tls)


def test_the_greedy_are_told_to_wait_and_then_answered() -> None:
    greed = Greed(a_second=2, at_once=3, spare_this_machine=False)
    with serving(greed=greed) as one:
        told = [one.ask(one.url())[:3] for _ in range(5)]
        assert told[:3] == [b"20 "] * 3
        assert b"44 " in told
        time.sleep(1.5)
        assert one.ask(one.url()) == HOME


def test_44_tells_how_many_seconds_to_wait() -> None:
    greed = Greed(a_second=0.1, at_once=2, spare_this_machine=False)
    told = [greed.wait("192.0.2.1", 100.0) for _ in range(3)]
    assert told == [0, 0, 10]
    assert greed.wait("192.0.2.1", 121.0) == 0


def test_who_never_waits_is_let_in_no_more_for_a_while() -> None:
    greed = Greed(a_second=1, at_once=5, spare_this_machine=False)
    for _ in range(20):
        greed.wait("192.0.2.1", 0)
    assert greed.shuts_out("192.0.2.1", 0)
    assert not greed.shuts_out("192.0.2.2", 0)
    assert not greed.shuts_out("192.0.2.1", 5)


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_a_house_shares_what_it_may_ask(address: str, shared: str) -> None:
    assert neighbourhood(address) == shared


def test_one_address_has_so_many_connections_and_no_more() -> None:
    patience = Patience(of_one_address=2)
    with serving(patience=patience, greed=Greed(spare_this_machine=False)) as one:
        with one.open(), one.open(), pytest.raises((ssl.SSLError, OSError)):
            one.open()
        deadline = time.monotonic() + PATIENT
        while True:  # those that closed are noticed at once, but not before
            try:
                assert one.ask(one.url()) == HOME
                break
            except (ssl.SSLError, OSError):
                assert time.monotonic() < deadline


def test_a_house_has_so_many_connections_whatever_addresses_it_has() -> None:
    sockets = [*listen("127.0.0.1", 0), *listen("::", 0)]  # told there as ::ffff:127.0.0.1
    ports = [one.getsockname()[1] for one in sockets]
    greed = Greed(spare_this_machine=False)
    with (
        serving(sockets=sockets, patience=Patience(of_one_address=2), greed=greed),
        connect(ports[0]),
        connect(ports[0]),
        pytest.raises((ssl.SSLError, OSError)),
    ):
        connect(ports[1])


def test_who_connects_and_asks_nothing_is_counted_as_well() -> None:
    greed = Greed(a_second=0.01, at_once=3, spare_this_machine=False)
    with serving(greed=greed) as one:
        for _ in range(3):
            one.open().close()
        assert one.ask(one.url()).startswith(b"44 ")


def test_who_connects_again_and_again_without_a_handshake_is_let_in_no_more() -> None:
    greed = Greed(a_second=0.01, at_once=3, spare_this_machine=False)
    with serving(greed=greed) as one:
        for _ in range(8):
            socket.create_connection(("127.0.0.1", one.port), PATIENT).close()
        with pytest.raises((ssl.SSLError, OSError)):
            one.open()


def test_where_all_places_are_taken_the_next_waits_for_one() -> None:
    with serving(patience=Patience(connections=2)) as one:
        first, second = one.open(), one.open()
        told: list[bytes] = []
        third = Thread(target=lambda: told.append(one.ask(one.url())))
        third.start()
        third.join(0.5)
        assert not told
        first.close()
        second.close()
        third.join(PATIENT)
        assert told == [HOME]


# --- the end -------------------------------------------------------------------------------------


def test_asked_to_end_it_finishes_what_it_began() -> None:
    asked, may_go = Event(), Event()

    def answer(request: Request) -> Response:
        asked.set()
        may_go.wait(PATIENT)
        return home_page(request)

    sockets = listen("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    server = Server(sockets, Service({"localhost": identity()}, answer, port=port))
    stopping = Event()
    thread = Thread(target=server.run, args=(stopping,), daemon=True)
    thread.start()
    with connect(port) as busy, connect(port):
        busy.sendall(f"gemini://localhost:{port}/\r\n".encode())
        assert asked.wait(PATIENT)
        stopping.set()
        time.sleep(0.7)
        with pytest.raises(OSError):  # noqa: PT011 (refused, whatever the system calls it)
            connect(port)
        may_go.set()
        assert read(busy) == HOME
    thread.join(PATIENT)
    assert not thread.is_alive()


def test_two_may_serve_at_one_port() -> None:
    first = listen("127.0.0.1", 0)
    port = first[0].getsockname()[1]
    second = listen("127.0.0.1", port)
    assert second[0].getsockname()[1] == port
    for one in (*first, *second):
        one.close()


def test_localhost_is_both_of_the_machines_own_addresses() -> None:
    sockets = listen("localhost", 0)
    ports = {one.getsockname()[1] for one in sockets}
    assert len(ports) == 1
    for one in sockets:
        one.close()


def test_another_certificate_is_taken_up_without_an_end() -> None:
    with serving() as one:
        other = made(("localhost",), datetime.now(UTC))
        one.server.service = Service({"localhost": other}, home_page, port=one.port)
        with one.open() as tls:
            assert tls.getpeercert(binary_form=True) == other.certificate.public_bytes(Encoding.DER)
