"""The server: many connections in one thread, pages made in a few others.

Nearly all that a Gemini request costs is its TLS handshake, so what matters is that nothing stands
around it: one thread takes what the sockets have, gives it to OpenSSL in memory, and sends back
what comes of it, two reads and two writes a request. A page that is kept is answered there and
then; another is made by a worker, and nobody waits for it but who asked. Started several times
with the same port, the processes share what comes (SO_REUSEPORT).

A connection goes through these stages, each of which may wait for the client, but not for long:

    HANDSHAKE   TLS 1.2 or 1.3; a client may show a certificate, whoever signed it
    REQUEST     one line
    ANSWERING   a worker makes the page
    SENDING     the response, then close_notify
    LEAVING     what the client still sends (its own close_notify, for one) is thrown away until it
                closes, so that the kernel doesn't reset the connection under a response that
                wasn't read yet
"""

from __future__ import annotations

import errno
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Event
from time import monotonic
from typing import BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from toutdoux.core.words import Sentence, say

from .certificate import Identity
from .files import LongFile
from .greed import Greed, neighbourhood
from .protocol import (
    LONGEST_URL,
    PORT,
    Certificate,
    Refused,
    Request,
    Response,
    Status,
    Target,
    failure,
    host_of,
    read,
    slow_down,
)
from .tls import context_for

WORKERS = 4
WAITERS = 8
"""Workers for pages that may have to wait for other machines, and do little else."""
_WAITING = 256
"""How many pages may wait for a worker; whoever comes then is told 41."""
_WAITING_ABROAD = 32
"""The same, of those that wait for other machines."""
_AT_ONCE = 64
"""Connections taken before the others have their turn again."""
_PIECE = 16 * 1024
"""What TLS puts into one record."""
_AHEAD = 64 * 1024
"""How much is encrypted before the client has taken it."""
_ROOM = _PIECE + 1024
_SECONDS_TO_FINISH = 10.0
_LONGEST_LINE = LONGEST_URL + 2

log = logging.getLogger("toutdoux")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds, and how many may be there at once."""

    asking: float = 10.0
    """From the connection to the end of the request."""
    taking: float = 30.0
    """Between two pieces of the response that it takes."""
    leaving: float = 2.0
    """From the end of the response to the end of the connection."""
    connections: int = 2_000
    of_one_address: int = 100
    """Connections that one address (in IPv6 a /64) may have at once; this machine's own may have
    all."""


@dataclass(frozen=True, slots=True)
class Service:
    """What is served: whose hosts, with which certificates, and who answers.

    Attributes:
        hosts: the certificate of each host, as `host_of` writes it. A client that names none gets
            the first one's.
        answer: makes a response; called in a worker, one of several threads. May raise anything.
        kept: a response that is there already, or None; called where everybody waits for it, so
            it reads no file and no database.
        abroad: whether an answer may have to wait for another machine. Workers of its own make it,
            so that whoever asks for anything else never waits for that machine.
        speak: says a sentence in the language of a host (of the first, if it is "").
        port: the one that clients know.
    """

    hosts: Mapping[str, Identity]
    answer: Callable[[Request], Response]
    kept: Callable[[Request], Response | None] = lambda request: None
    abroad: Callable[[Request], bool] = lambda request: False
    speak: Callable[[Sentence, str], str] = lambda sentence, host: sentence.message.format(
        **sentence.values
    )
    port: int = PORT


class _Workers:
    """Threads that make pages; and how many pages they were given and have not made so far."""

    def __init__(self, threads: int, most: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = most
        self._given = 0

    @property
    def are_busy(self) -> bool:
        """Whether too many pages wait already."""
        return self._given >= self._most

    def give(self, work: Callable[..., object], *what: object) -> None:
        self._given += 1
        self._pool.submit(work, self, *what)

    def take(self) -> None:
        """A page came back."""
        self._given -= 1

    def end(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


# Numbers, for each connection looks at its stage a dozen times.
_HANDSHAKE, _REQUEST, _ANSWERING, _SENDING, _LEAVING = range(5)


class _Client:
    """One connection."""

    __slots__ = (
        "address",
        "deadline",
        "events",
        "heard",
        "house",
        "on_way",
        "pieces",
        "socket",
        "stage",
        "tls",
        "wait",
    )

    def __init__(
        self, socket: socket.socket, address: str, house: str, tls: SSL.Connection, by: float
    ) -> None:
        self.socket = socket
        self.address = address
        self.house = house  # who is counted together with it
        self.wait = 0  # seconds, if too much was asked for from there
        self.tls = tls
        self.stage = _HANDSHAKE
        self.deadline = by
        self.events = 0  # what the selector looks for; 0 while it doesn't know the socket
        self.heard = b""  # the request, as far as it came
        self.pieces: Generator[bytes, None, None] | None = None  # of the response, to be encrypted
        self.on_way = b""  # encrypted, not taken yet by the socket


def listen(bind: str, port: int) -> list[socket.socket]:
    """The sockets to serve at: one, or both of this machine's own for "localhost".

    Raises:
        OSError: the address is taken or isn't this machine's.
    """
    if bind == "localhost":
        first = listen("127.0.0.1", port)
        with suppress(OSError):  # there may be no IPv6
            first += listen("::1", first[0].getsockname()[1])
        return first
    both = bind == "::" and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        listening = socket.create_server(
            (bind, port), family=family, backlog=1024, reuse_port=True, dualstack_ipv6=both
        )
    except OSError as error:
        if both and error.errno == errno.EAFNOSUPPORT:
            return listen("0.0.0.0", port)
        raise
    listening.setblocking(False)
    # Each connection inherits it: what is sent is whole, and needs not wait for more.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return [listening]


class Server:
    """Answers on some sockets until told to stop.

    Args:
        sockets: those of `listen`; they are closed at the end.
        service: what is served. Another may be set at any time, for the connections to come.
        patience: how long clients may take.
        greed: how much one address may ask for.
        workers: how many pages are made at once.
        after: called in the worker after each page (to let go of the database).
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        service: Service,
        *,
        patience: Patience | None = None,
        greed: Greed | None = None,
        workers: int = WORKERS,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._listening = list(sockets)
        self._patience = patience or Patience()
        self._greed = greed or Greed()
        self._after = after
        self._workers = _Workers(workers, _WAITING, "capsule")
        self._waiters = _Workers(WAITERS, _WAITING_ABROAD, "capsule-abroad")
        self._clients: dict[int, _Client] = {}
        self._of: dict[str, int] = {}  # connections by neighbourhood
        self._taking = False  # whether new connections are waited for
        self._selector = DefaultSelector()
        self._made: deque[tuple[_Workers, _Client, Response, BinaryIO | None]] = deque()
        self._bell, self._ring = socket.socketpair()
        for one in (self._bell, self._ring):
            one.setblocking(False)
        self.service = service

    @property
    def port(self) -> int:
        """The port that is listened at."""
        return int(self._listening[0].getsockname()[1])

    @property
    def service(self) -> Service:
        return self._service

    @service.setter
    def service(self, service: Service) -> None:
        contexts: dict[str, SSL.Context] = {}
        by_fingerprint: dict[str, SSL.Context] = {}
        for host, identity in service.hosts.items():
            known = by_fingerprint.get(identity.fingerprint)
            context = known or context_for(identity)
            by_fingerprint[identity.fingerprint] = contexts[host] = context
        first = next(iter(contexts.values()))

        def choose(tls: SSL.Connection) -> None:
            chosen = contexts.get(_named(tls))
            if chosen is not None and chosen is not first:
                tls.set_context(chosen)

        first.set_tlsext_servername_callback(choose)
        self._context = first
        self._service = service

    # --- the loop --------------------------------------------------------------------------------

    def run(self, stopping: Event) -> None:
        """Serve; return soon after the event is set, when what was begun is answered."""
        self._selector.register(self._bell, EVENT_READ, None)
        self._take(True)
        looked = monotonic()
        until: float | None = None
        while True:
            for key, events in self._selector.select(0.5):
                if key.data is None:
                    self._deliver()
                elif isinstance(key.data, _Client):
                    self._do(self._turn, key.data, events)
                else:
                    self._accept(key.data)
            now = monotonic()
            if now - looked > 0.5:
                looked = now
                self._tidy(now)
            if until is None and stopping.is_set():
                until = now + _SECONDS_TO_FINISH
                self._take(False)
                for one in self._listening:
                    one.close()
            if until is not None:
                busy = {_ANSWERING, _SENDING, _LEAVING}
                if now > until or not any(one.stage in busy for one in self._clients.values()):
                    break
        for client in list(self._clients.values()):
            self._drop(client)
        self._workers.end()
        self._waiters.end()
        self._selector.close()
        self._bell.close()
        self._ring.close()

    def _take(self, taking: bool) -> None:
        """Wait for new connections, or leave them in the kernel's queue."""
        if taking == self._taking:
            return
        self._taking = taking
        for one in self._listening:
            if taking:
                self._selector.register(one, EVENT_READ, one)
            else:
                self._selector.unregister(one)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            if len(self._clients) >= self._patience.connections:
                self._take(False)
                return
            try:
                taken, name = listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    log.warning("the capsule takes nobody more for now: %s", error)
                    self._take(False)  # the next look around takes it up again
                    return
                continue  # who was there has gone
            self._welcome(taken, str(name[0]))

    def _welcome(self, taken: socket.socket, address: str) -> None:
        now = monotonic()
        house = neighbourhood(address)
        there = self._of.get(house, 0)
        if self._greed.shuts_out(address, now) or (
            there >= self._patience.of_one_address and not self._greed.spares(address)
        ):
            taken.close()
            return
        taken.setblocking(False)
        tls = SSL.Connection(self._context)
        tls.set_accept_state()
        client = _Client(taken, address, house, tls, now + self._patience.asking)
        # Counted now, not once a request is there: who connects and asks nothing costs as much.
        client.wait = self._greed.wait(address, now)
        self._clients[taken.fileno()] = client
        self._of[house] = there + 1
        self._do(self._turn, client, EVENT_READ)  # what it says is often there already

    def _do(self, what: Callable[..., None], client: _Client, *more: object) -> None:
        """Do something for a client. Nothing that goes wrong with one is another's: whatever the
        loop does for a client goes through here."""
        try:
            what(client, *more)
        except (OSError, SSL.Error):
            self._drop(client)
        except Exception:
            log.exception("the capsule met a fault, and goes on")
            self._drop(client)

    def _turn(self, client: _Client, events: int) -> None:
        """Do what can be done for a client now."""
        if events & EVENT_READ:
            self._read(client)
        if events & EVENT_WRITE and client.socket.fileno() != -1:
            self._send(client)

    def _look_for(self, client: _Client, events: int) -> None:
        if events == client.events:
            return
        if not client.events:
            self._selector.register(client.socket, events, client)
        elif not events:
            self._selector.unregister(client.socket)
        else:
            self._selector.modify(client.socket, events, client)
        client.events = events

    def _drop(self, client: _Client) -> None:
        if client.pieces is not None:
            client.pieces.close()  # and the file that they are read from
        number = client.socket.fileno()
        if number == -1:
            return
        self._look_for(client, 0)
        del self._clients[number]
        left = self._of[client.house] - 1
        if left:
            self._of[client.house] = left
        else:
            del self._of[client.house]
        client.socket.close()

    def _tidy(self, now: float) -> None:
        for client in [one for one in self._clients.values() if one.deadline < now]:
            self._do(self._give_up, client)
        if not self._taking and self._listening[0].fileno() != -1:
            self._take(len(self._clients) < self._patience.connections)

    def _give_up(self, client: _Client) -> None:
        """A client has had its time."""
        if client.stage is _REQUEST:
            why = say("The request did not end with CR LF in time.")
            self._refuse(client, Status.BAD_REQUEST, why)
        elif client.stage is not _ANSWERING:
            self._drop(client)

    # --- reading ---------------------------------------------------------------------------------

    def _read(self, client: _Client) -> None:
        try:
            data = client.socket.recv(_PIECE)
        except BlockingIOError:
            self._look_for(client, EVENT_READ)
            return
        if not data:
            self._drop(client)
        elif client.stage in (_HANDSHAKE, _REQUEST):
            client.tls.bio_write(data)
            self._understand(client)
        # Whatever comes later is thrown away.

    def _understand(self, client: _Client) -> None:
        tls = client.tls
        try:
            if client.stage is _HANDSHAKE:
                tls.do_handshake()
                client.stage = _REQUEST
            while b"\r\n" not in client.heard and len(client.heard) < _LONGEST_LINE:
                client.heard += tls.recv(_LONGEST_LINE - len(client.heard))
        except SSL.WantReadError:
            client.on_way += _encrypted(tls)
            if client.on_way:
                self._send(client)
            else:
                self._look_for(client, EVENT_READ)
            return
        except SSL.Error:
            # Tell what is wrong, if it is TLS that the client speaks; then go.
            with suppress(OSError):
                client.socket.send(_encrypted(tls))
            raise
        self._ask(client)

    def _ask(self, client: _Client) -> None:
        """The request is there: answer it, or let a worker."""
        line, end, _ = client.heard.partition(b"\r\n")
        if client.wait:
            self._respond(client, slow_down(client.wait))
            return
        service = self._service
        try:
            if not end:
                line = client.heard  # too long, whatever it is
            target = read(line, hosts=service.hosts, port=service.port)
            self._same_host(client, target)
            request = self._request(client, target)
        except Refused as refused:
            self._refuse(client, refused.status, refused.why)
            return
        response = service.kept(request)
        if response is not None and not isinstance(response, LongFile):
            self._respond(client, response)
            return
        workers = self._waiters if service.abroad(request) else self._workers
        if workers.are_busy:
            why = say("Too many ask at once: please come back in a moment.")
            self._refuse(client, Status.SERVER_UNAVAILABLE, why, request.host)
        else:
            client.stage = _ANSWERING
            self._look_for(client, 0)
            workers.give(self._work, service, client, request)

    def _same_host(self, client: _Client, target: Target) -> None:
        """One association's certificate stands for no other's pages. Who named no host that is
        served was shown the first one's."""
        hosts = self._service.hosts
        shown = hosts.get(_named(client.tls)) or next(iter(hosts.values()))
        if shown is not hosts[target.host]:
            raise Refused(
                Status.PROXY_REQUEST_REFUSED, say("The connection was made to another host.")
            )

    def _request(self, client: _Client, target: Target) -> Request:
        shown = client.tls.get_peer_certificate(as_cryptography=True)
        certificate = None if shown is None else _certificate(shown)
        return Request(
            host=target.host,
            path=target.path,
            segments=target.segments,
            query=target.query,
            certificate=certificate,
            address=client.address,
            at=datetime.now(UTC),  # noqa: TID251 (each request's own instant)
        )

    # --- answering -------------------------------------------------------------------------------

    def _work(self, workers: _Workers, service: Service, client: _Client, request: Request) -> None:
        """In a worker: make a page, and hand it over."""
        file = None
        try:
            response, file = self._page(service, request)
        except Exception:
            log.exception("the capsule met a fault at %s", request.path)
            why = say("Something went wrong here; it was written down.")
            response = failure(Status.TEMPORARY_FAILURE, service.speak(why, request.host))
        finally:
            with suppress(Exception):
                self._after()
        self._made.append((workers, client, response, file))
        with suppress(OSError):  # rung already, or everybody has gone
            self._ring.send(b"!")

    def _page(self, service: Service, request: Request) -> tuple[Response, BinaryIO | None]:
        """A page, or a long file and its header."""
        response = service.answer(request)
        if not isinstance(response, LongFile):
            return response, None
        try:
            return response, response.opened()
        except FileNotFoundError:  # taken away meanwhile
            why = say("There is nothing at this address.")
            return failure(Status.NOT_FOUND, service.speak(why, request.host)), None

    def _deliver(self) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._made:
            workers, client, response, file = self._made.popleft()
            workers.take()
            self._do(self._respond, client, response, file)

    def _refuse(self, client: _Client, status: Status, why: Sentence, host: str = "") -> None:
        named = host or _named(client.tls)
        host = named if named in self._service.hosts else ""
        self._respond(client, failure(status, self._service.speak(why, host)))

    def _respond(self, client: _Client, response: Response, file: BinaryIO | None = None) -> None:
        client.stage = _SENDING
        client.deadline = monotonic() + self._patience.taking
        client.pieces = _pieces(response) if file is None else _pieces_of_file(response, file)
        self._send(client)

    def _send(self, client: _Client) -> None:
        """Send what there is; the response is encrypted little by little."""
        while True:
            if client.stage is _SENDING:
                self._encrypt(client)
            if not client.on_way:
                break
            try:
                taken = client.socket.send(client.on_way)
            except BlockingIOError:
                taken = 0
            if taken and client.stage is _SENDING:
                client.deadline = monotonic() + self._patience.taking
            client.on_way = client.on_way[taken:]
            if client.on_way:
                self._look_for(client, EVENT_WRITE)
                return
        if client.stage is _SENDING:
            self._leave(client)
        else:
            self._look_for(client, EVENT_READ)

    def _encrypt(self, client: _Client) -> None:
        tls, ahead = client.tls, len(client.on_way)
        while ahead < _AHEAD and client.pieces is not None:
            if piece := next(client.pieces, b""):
                tls.sendall(piece)
                ahead += len(piece)
            else:
                client.pieces = None
                tls.shutdown()
        client.on_way += _encrypted(tls)

    def _leave(self, client: _Client) -> None:
        client.stage = _LEAVING
        client.deadline = monotonic() + self._patience.leaving
        client.socket.shutdown(socket.SHUT_WR)
        self._look_for(client, EVENT_READ)


def _pieces(response: Response) -> Generator[bytes, None, None]:
    """A response, one record of TLS at a time: it is not copied for who takes long."""
    header = response.header()
    body = response.body if response.status is Status.SUCCESS else b""
    begun = _PIECE - len(header)
    yield header + body[:begun]
    for at in range(begun, len(body), _PIECE):
        yield body[at : at + _PIECE]


def _pieces_of_file(response: Response, file: BinaryIO) -> Generator[bytes, None, None]:
    """The same of a file, as long as it is now. Raises `OSError` if it becomes shorter: without a
    goodbye, the client knows that it isn't whole."""
    with file:
        left = os.fstat(file.fileno()).st_size
        yield response.header()
        while left:
            piece = file.read(min(_PIECE, left))
            if not piece:
                raise OSError(errno.EIO, "the file has become shorter")
            left -= len(piece)
            yield piece


def _encrypted(tls: SSL.Connection) -> bytes:
    """What OpenSSL has for the socket."""
    whole = b""
    while True:
        try:
            piece = tls.bio_read(_ROOM)
        except SSL.WantReadError:
            return whole
        whole += piece
        if len(piece) < _ROOM:
            return whole


def _named(tls: SSL.Connection) -> str:
    """The host that the client asked for while it connected, or ""."""
    name = tls.get_servername()
    if not name:
        return ""
    try:
        return host_of(name.decode("ascii"))
    except ValueError:
        return ""


def _certificate(shown: x509.Certificate) -> Certificate:
    """What is told of a client's certificate. Raises `Refused` if it can't be read."""
    try:
        names = shown.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        return Certificate(
            fingerprint=sha256(shown.public_bytes(Encoding.DER)).hexdigest(),
            subject=str(names[0].value) if names else "",
            not_before=shown.not_valid_before_utc,
            not_after=shown.not_valid_after_utc,
        )
    except (ValueError, x509.UnsupportedGeneralNameType):
        raise Refused(
            Status.CERTIFICATE_NOT_VALID, say("Your certificate cannot be read: make a new one.")
        ) from None
