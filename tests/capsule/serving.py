"""A server in a thread, and a client that does as it is told, rightly or wrongly."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from toutdoux.capsule.certificate import Identity, made
from toutdoux.capsule.greed import Greed
from toutdoux.capsule.protocol import Request, Response, page
from toutdoux.capsule.server import Patience, Server, Service, listen

PATIENT = 20.0
"""Seconds that a test waits for what must come."""


def agunua() -> Any:
    """A client that others made; the test is skipped where it cannot be."""
    why = "Agunua needs a part of Python that 3.13 has no more"
    return pytest.importorskip("Agunua", reason=why, exc_type=ImportError)


@cache
def identity(*hosts: str) -> Identity:
    """A certificate for some hosts: one for all the tests."""
    return made(hosts or ("localhost",), datetime.now(UTC))


def home_page(request: Request) -> Response:
    return page(f"# {request.host}\n", "fr")


@dataclass
class Serving:
    """A server that runs."""

    server: Server
    port: int

    def open(self, host: str | None = "localhost", **settings: Any) -> ssl.SSLSocket:
        """A connection, its handshake done."""
        return connect(self.port, host, **settings)

    def ask(self, line: str | bytes, host: str | None = "localhost", **settings: Any) -> bytes:
        """Send a line, and read the response to its close_notify."""
        sent = line if isinstance(line, bytes) else f"{line}\r\n".encode()
        with self.open(host, **settings) as tls:
            tls.sendall(sent)
            return read(tls)

    def url(self, path: str = "/", host: str = "localhost") -> str:
        return f"gemini://{host}:{self.port}{path}"


@contextmanager
def serving(
    answer: Any = home_page,
    *,
    hosts: dict[str, Identity] | None = None,
    patience: Patience | None = None,
    greed: Greed | None = None,
    kept: Any = lambda request: None,
    abroad: Any = lambda request: False,
    sockets: Sequence[socket.socket] = (),
    **settings: Any,
) -> Iterator[Serving]:
    sockets = sockets or listen("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    told = hosts or {"localhost": identity()}
    server = Server(
        sockets,
        Service(told, answer, kept, abroad, port=port),
        patience=patience,
        greed=greed,
        **settings,
    )
    stopping = Event()
    thread = Thread(target=server.run, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield Serving(server, port)
    finally:
        stopping.set()
        thread.join(PATIENT)
        assert not thread.is_alive()


def connect(
    port: int,
    host: str | None = "localhost",
    *,
    shows: Path | None = None,
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    most: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ciphers: str = "DEFAULT",
) -> ssl.SSLSocket:
    """Connect to a server of this machine, by the name of a host or without one.

    `shows` is the file of a certificate and its key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(ciphers)
    context.minimum_version, context.maximum_version = least, most
    if shows is not None:
        context.load_cert_chain(shows)
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENT)
    try:
        # Without close_notify the end is an error.
        return context.wrap_socket(plain, server_hostname=host, suppress_ragged_eofs=False)
    except BaseException:
        plain.close()
        raise


def read(tls: ssl.SSLSocket) -> bytes:
    """All that comes until the server says goodbye; an error if it goes without."""
    pieces = []
    while piece := tls.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def shown(port: int) -> str:
    """The fingerprint of the certificate that a server shows."""
    with connect(port) as tls:
        der = tls.getpeercert(binary_form=True)
    assert der is not None
    return sha256(der).hexdigest()
