"""Asking instances for JSON: only those that are allowed, never anything inside, never for long.

A name is resolved once; what it resolves to is checked, and the connection goes to that very
address, with TLS for the name. So nothing changes between the check and the connection, and every
redirect is checked the same way.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPException
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from threading import BoundedSemaphore, Lock, Thread, Timer
from time import monotonic
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from toutdoux.core.words import Sentence, say

from .cache import Cache, Kept
from .instances import Allowed, Instance

MOST_BYTES = 4 * 1024 * 1024
TIME = 12.0
"""Seconds that one answer may take, redirects and all."""
MOST_REDIRECTS = 3
AT_ONCE = 2
"""How many answers of one instance are waited for at the same time: fewer than the capsule has
workers for this, so that a slow instance does not hold up those who read another."""
PATIENCE = 2.0
"""Seconds that one waits for somebody else's turn, or somebody else's same question, to be over."""
A_MINUTE = 120
"""How often one instance is asked within a minute at most: Mastodon itself allows 300 in five."""

USUAL_LIFETIME = 60.0
"""Seconds for which an answer is taken for the present where the instance says nothing."""
LONGEST_LIFETIME = 24 * 3600.0
KEPT = timedelta(days=7)
"""How old an answer may be that is shown because its instance is down: no longer, so that what
people deleted does not live on here."""
DOWN = 30.0
"""Seconds for which an instance that did not answer is left alone."""
LONGEST_WAIT = 24 * 3600.0

_PIECE = 16 * 1024
_GLOBAL = ip_network("2000::/3")
# They carry an IPv4 address of any kind, to which somebody in between may pass what is sent.
_CARRYING = [
    ip_network(one) for one in ("2001::/32", "2002::/16", "64:ff9b::/96", "64:ff9b:1::/48")
]

Resolve = Callable[[str, int], list[str]]
"""The addresses of a name."""


class NotThere(Exception):
    """The instance knows nothing of that name. `gone`: it did once."""

    def __init__(self, gone: bool = False) -> None:
        super().__init__()
        self.gone = gone


class Unavailable(Exception):
    """The instance can't be read now: why, in words."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why.message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instance said.

    Attributes:
        body: its JSON, read.
        link: its header `Link`, which leads to older pages.
        at: when it said so.
        old: why this is not newer, where the instance could not be asked again.
    """

    body: Any
    link: str
    at: datetime
    old: Sentence | None = None


class Fetcher:
    """Asks instances, from any thread.

    Args:
        allowed: the instances that may be asked.
        cache: where answers are kept.
        agent: the User-Agent, with an address where its maker can be found.
        resolve: how names are resolved.
        tls: what certificates are trusted.
        time: how many seconds one answer may take.
    """

    def __init__(
        self,
        allowed: Allowed,
        cache: Cache,
        agent: str,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        time: float = TIME,
    ) -> None:
        self.allowed = allowed
        self._cache = cache
        self._agent = agent
        self._resolve = resolve or _resolve
        self._tls = tls
        self._time = time
        self._at_once = {one.name: BoundedSemaphore(AT_ONCE) for one in allowed.instances}
        self._alone = [Lock() for _ in range(1024)]
        self._asked: dict[str, deque[float]] = {}
        self._counting = Lock()

    def get(self, instance: Instance, path: str, now: datetime) -> Answer:
        """Ask for something, or take the answer that is kept.

        Args:
            path: from the instance's address on, with its query.
            now: in UTC.

        Raises:
            NotThere: there is nothing of that name.
            Unavailable: there is no answer that can be shown, and none is kept.
        """
        key = _key(instance, path)
        kept: Kept | None = None
        try:
            # Who asks for the same thing at the same time waits for the one answer.
            with _turn(self._alone[hash(key) % len(self._alone)]):
                kept = self._cache.get(key)
                if kept and now.timestamp() < kept.fresh_until:
                    return _answer(kept)
                return self._ask_anew(instance, path, key, kept, now)
        except NotThere:
            self._cache.drop(key)
            raise
        except Unavailable as problem:
            kept = kept or self._cache.get(key)
            if kept and _instant(kept.at) > now - KEPT:
                return replace(_answer(kept), old=problem.why)
            raise

    def _ask_anew(
        self, instance: Instance, path: str, key: str, kept: Kept | None, now: datetime
    ) -> Answer:
        waits = self._cache.waits(instance.name)
        if waits and waits[0] > now.timestamp():
            raise Unavailable(_why_wait(instance, *waits))
        self._count(instance)
        with _turn(self._at_once[instance.name]):
            told = self._through_redirects(instance, path, kept, now)
        if told.status == 304 and kept:
            kept = replace(
                kept,
                at=now.timestamp(),
                fresh_until=now.timestamp() + (_lifetime(told.headers, now) or 0),
            )
        else:
            kept = Kept(
                told.body,
                told.headers.get("Link", ""),
                told.headers.get("ETag", ""),
                told.headers.get("Last-Modified", ""),
                now.timestamp(),
                now.timestamp() + (_lifetime(told.headers, now) or 0),
            )
        answer = _answer(kept)
        if _lifetime(told.headers, now) is None:
            self._cache.drop(key)
        else:
            self._cache.drop_before((now - KEPT).timestamp())
            self._cache.put(key, kept)
        return answer

    # --- politeness ------------------------------------------------------------------------------

    def _count(self, instance: Instance) -> None:
        with self._counting:
            asked = self._asked.setdefault(instance.name, deque())
            while asked and asked[0] < monotonic() - 60:
                asked.popleft()
            if len(asked) >= A_MINUTE:
                raise Unavailable(
                    say(
                        "{instance} was asked a lot within a minute: try again in a minute.",
                        instance=instance.name,
                    )
                )
            asked.append(monotonic())

    # --- asking ----------------------------------------------------------------------------------

    def _through_redirects(
        self, instance: Instance, path: str, kept: Kept | None, now: datetime
    ) -> _Told:
        ends = monotonic() + self._time
        address = instance.address + path
        asked = instance
        for _ in range(MOST_REDIRECTS + 1):
            try:
                told = self._ask(asked, address, kept if asked is instance else None, ends)
            except _Silent as problem:
                self._cache.wait(asked.name, now.timestamp() + DOWN, problem.why)
                raise Unavailable(_why_wait(asked, 0, problem.why)) from None
            if told.status not in {301, 302, 303, 307, 308}:
                return self._judged(asked, told, kept, now)
            address = _joined(address, told.headers.get("Location", ""))
            leads = self.allowed.at(address)
            # What is inside is reached by its own name alone: nobody else may have us ask it.
            if leads is None or (leads.inside and leads.origin != asked.origin):
                raise Unavailable(
                    say(
                        "{instance} leads elsewhere, to where this capsule does not go.",
                        instance=asked.name,
                    )
                )
            # Where another one chose what is asked, no token answers for it.
            asked = leads if leads == asked else replace(leads, token="")
        raise Unavailable(say("{instance} leads in circles.", instance=asked.name))

    def _judged(self, instance: Instance, told: _Told, kept: Kept | None, now: datetime) -> _Told:
        """The answer, if it is one. Raises what it is otherwise."""
        name = instance.name
        if told.status in {429, 503}:
            asked = _asked_to_wait(told.headers, now)
            if told.status == 429 or asked is not None:
                seconds = min(max(60.0 if asked is None else asked, 1.0), LONGEST_WAIT)
                until = now.timestamp() + seconds
                self._cache.wait(name, until, "asked")
                raise Unavailable(_why_wait(instance, until, "asked"))
        if told.status in {404, 410}:
            raise NotThere(gone=told.status == 410)
        if told.status in {401, 403}:
            raise Unavailable(
                say(
                    "{instance} shows this only to those it knows: the association may give this"
                    " capsule a token.",
                    instance=name,
                )
            )
        if told.status == 304 and kept:
            return told
        if told.status != 200:
            raise Unavailable(
                say(
                    "{instance} has trouble at the moment (it answers {status}).",
                    instance=name,
                    status=told.status,
                )
            )
        try:
            orjson.loads(told.body)
        except orjson.JSONDecodeError:
            raise Unavailable(
                say("{instance} answers with something that is no post.", instance=name)
            ) from None
        return told

    def _ask(self, instance: Instance, address: str, kept: Kept | None, ends: float) -> _Told:
        """Ask one server once."""
        parts = urlsplit(address)
        headers = {
            "Host": parts.netloc,
            "User-Agent": self._agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Connection": "close",
        }
        if instance.token:
            headers["Authorization"] = f"Bearer {instance.token}"
        if kept and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept and kept.modified:
            headers["If-Modified-Since"] = kept.modified
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection = self._connected(instance, ends)
        # A server that sends a byte now and then is cut off as well, whatever it sends.
        line = connection.sock
        watch = Timer(max(ends - monotonic(), 0.01), _cut, [line])
        watch.daemon = True
        watch.start()
        try:
            connection.request("GET", path, headers=headers, preload_content=False)
            answer = connection.getresponse()
            return _Told(answer.status, answer.headers, _body(answer, instance, ends))
        except (OSError, HTTPException, urllib3.exceptions.HTTPError, ValueError):
            raise _Silent("slow" if monotonic() >= ends - 0.05 else "cut") from None
        finally:
            watch.cancel()
            _cut(line)
            connection.close()

    def _connected(self, instance: Instance, ends: float) -> HTTPConnection:
        """A connection to one of the instance's addresses that were checked."""
        addresses = self._addresses(instance, ends)
        for address in addresses:
            left = ends - monotonic()
            if left <= 0:
                raise _Silent("slow")
            connection = self._to(instance, address, min(left, max(self._time / 2, 0.1)))
            try:
                connection.connect()
                connection.timeout = max(ends - monotonic(), 0.01)
                return connection
            except (ssl.SSLError, urllib3.exceptions.SSLError):
                connection.close()
                raise _Silent("tls") from None
            except (OSError, urllib3.exceptions.HTTPError):
                connection.close()  # perhaps another of its addresses answers
        raise _Silent("slow" if monotonic() >= ends else "down")

    def _to(self, instance: Instance, address: str, timeout: float) -> HTTPConnection:
        if instance.scheme == "http":
            return HTTPConnection(address, instance.port, timeout=timeout)
        name = instance.host.strip("[]")
        return HTTPSConnection(
            address,
            instance.port,
            timeout=timeout,
            server_hostname=name,  # what the context checks the certificate for
            ssl_context=self._tls or _usual_tls(),
        )

    def _addresses(self, instance: Instance, ends: float) -> list[str]:
        """The addresses of an instance, but those inside, unless this very one is allowed to be."""
        told = _in_time(
            lambda: self._resolve(instance.host.strip("[]"), instance.port), ends - monotonic()
        )
        if told is None:
            raise _Silent("name")
        found = [one for one in dict.fromkeys(told) if instance.inside or is_outside(one)]
        if told and not found:
            raise Unavailable(
                say("{instance} is at an address that is not public.", instance=instance.name)
            )
        return found


@dataclass(frozen=True, slots=True)
class _Told:
    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes


class _Silent(Exception):
    """There is no answer; the next one who asks need not wait for it in vain."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _why_wait(instance: Instance, until: float, why: str) -> Sentence:
    name = instance.name
    match why:
        case "asked":
            return say(
                "{instance} asks to be left alone until {instant}.",
                instance=name,
                instant=_instant(until),
            )
        case "slow":
            return say("{instance} takes too long to answer.", instance=name)
        case "cut":
            return say("{instance} broke off before its answer was whole.", instance=name)
        case "name":
            return say("{instance} cannot be found: its name leads nowhere.", instance=name)
        case "tls":
            return say("{instance} cannot prove that it is the one of that name.", instance=name)
    return say("{instance} does not answer.", instance=name)


@contextmanager
def _turn(at: Lock | BoundedSemaphore) -> Iterator[None]:
    """Wait for one's turn, and not for long."""
    if not at.acquire(timeout=PATIENCE):
        raise Unavailable(
            say("Many pages of other instances are being asked for: try again in a moment.")
        )
    try:
        yield
    finally:
        at.release()


# --- addresses -----------------------------------------------------------------------------------


def is_outside(address: str) -> bool:
    """Whether an address is on the public internet: not this machine, not its network, nothing that
    leads there in some other clothes."""
    try:
        told = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(told, IPv6Address) and told.ipv4_mapped:
        told = told.ipv4_mapped
    if not told.is_global or told.is_multicast or told.is_reserved or told.is_unspecified:
        return False
    if isinstance(told, IPv4Address):
        return True
    return told in _GLOBAL and not any(told in one for one in _CARRYING)


def _resolve(name: str, port: int) -> list[str]:
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def _in_time(what: Callable[[], list[str]], seconds: float) -> list[str] | None:
    """The system's resolver can't be told how long to take: it is not waited for any longer."""
    found: SimpleQueue[list[str]] = SimpleQueue()

    def ask() -> None:
        try:
            found.put(what())
        except (OSError, ValueError):
            found.put([])

    Thread(target=ask, daemon=True).start()
    try:
        return found.get(timeout=max(seconds, 0.01)) or None
    except Empty:
        return None


@cache
def _usual_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


# --- one answer ----------------------------------------------------------------------------------


def _body(answer: urllib3.HTTPResponse, instance: Instance, ends: float) -> bytes:
    """All of it, piece by piece, as long as there is time and it is not too much."""
    pieces: list[bytes] = []
    size = 0
    while piece := answer.read1(_PIECE):
        size += len(piece)
        if size > MOST_BYTES:
            raise Unavailable(
                say("{instance} answers with more than can be read.", instance=instance.name)
            )
        if monotonic() > ends:
            raise _Silent("slow")
        pieces.append(piece)
    if monotonic() > ends - 0.01:
        raise _Silent("slow")  # cut off, perhaps at a place where it looks whole
    return b"".join(pieces)


def _cut(line: socket.socket | None) -> None:
    """End a connection that another thread may be reading from."""
    with suppress(OSError, AttributeError):
        if line is not None:
            socket.socket.shutdown(line, socket.SHUT_RDWR)


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError:
        return ""


def _key(instance: Instance, path: str) -> str:
    """Answers to a token are not those to another."""
    token = hashlib.sha256(instance.token.encode()).hexdigest()[:16] if instance.token else ""
    return f"{instance.address} {token} {path}"


def _answer(kept: Kept) -> Answer:
    return Answer(orjson.loads(kept.body), kept.link, _instant(kept.at))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# --- headers -------------------------------------------------------------------------------------


def _lifetime(headers: urllib3.HTTPHeaderDict, now: datetime) -> float | None:
    """For how many seconds an answer may be taken for the present; None if it may not be kept.

    Source: RFC 9111, 4.2 and 5.2.2, for a cache that many share.
    """
    told = _directives(headers.get("Cache-Control", ""))
    if "no-store" in told or "private" in told:
        return None
    if "no-cache" in told:
        return 0
    for name in ("s-maxage", "max-age"):
        seconds = _seconds(told.get(name, ""))
        if seconds is not None:
            seconds -= _seconds(headers.get("Age", "")) or 0
            return min(max(seconds, 0.0), LONGEST_LIFETIME)
    if "Expires" in headers:
        expires = _date(headers["Expires"])
        said = _date(headers.get("Date", "")) or now
        seconds = (expires - said).total_seconds() if expires else 0
        return min(max(seconds, 0.0), LONGEST_LIFETIME)
    return USUAL_LIFETIME


def _directives(told: str) -> dict[str, str]:
    pairs = (one.partition("=") for one in re.split(r"\s*,\s*", told.strip().lower()) if one)
    return {name.strip(): value.strip(' "') for name, _, value in pairs}


def _asked_to_wait(headers: urllib3.HTTPHeaderDict, now: datetime) -> float | None:
    """How many seconds an instance asks to be left alone, in any of the three ways it may."""
    told = headers.get("Retry-After", "").strip()
    seconds = _seconds(told)
    if seconds is not None:
        return seconds
    date = _date(told) or _iso(headers.get("X-RateLimit-Reset", ""))
    return (date - now).total_seconds() if date else None


def _seconds(told: str) -> float | None:
    return float(told[:9]) if told.isascii() and told.isdigit() else None


def _date(told: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(told)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _iso(told: str) -> datetime | None:
    try:
        date = datetime.fromisoformat(told)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
