"""Gemini's requests and responses: one line comes, one line and perhaps a page go back.

Nothing here knows sockets, files or the database. Every refusal is a `Response` with the status
the specification has for it: 59 for what is malformed, 53 for what is somebody else's.

Specification: gemini://geminiprotocol.net/docs/protocol-specification.gmi, version 0.24.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, unquote

import idna

from toutdoux.core.words import Sentence, say

LONGEST_URL = 1024
"""Bytes, without the CRLF that ends the request."""
LONGEST_META = 1024
PORT = 1965


class Status(IntEnum):
    """What a response says, by the names of the specification."""

    INPUT = 10
    SENSITIVE_INPUT = 11
    SUCCESS = 20
    REDIRECT = 30
    REDIRECT_FOR_GOOD = 31
    TEMPORARY_FAILURE = 40
    SERVER_UNAVAILABLE = 41
    CGI_ERROR = 42
    PROXY_ERROR = 43
    SLOW_DOWN = 44
    PERMANENT_FAILURE = 50
    NOT_FOUND = 51
    GONE = 52
    PROXY_REQUEST_REFUSED = 53
    BAD_REQUEST = 59
    CERTIFICATE_REQUIRED = 60
    CERTIFICATE_NOT_AUTHORISED = 61
    CERTIFICATE_NOT_VALID = 62


_LINE_END = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Response:
    """A status, what it says of itself on one line, and the page if the status is 20.

    `meta` is the type of the page (20), what to ask the reader (10, 11), where to go (30, 31), the
    seconds to wait (44), or what is the matter, in words. `keep`: everybody without a certificate
    gets the same until the association's ledger goes on, so that it may be kept for a while.
    """

    status: Status
    meta: str
    body: bytes = b""
    keep: bool = False

    def header(self) -> bytes:
        """The line that goes first: one line, at most 1024 bytes of meta."""
        meta = _LINE_END.sub(" ", self.meta).strip().encode()[:LONGEST_META]
        return b"%d %s\r\n" % (self.status, meta.decode(errors="ignore").encode())

    def __bytes__(self) -> bytes:
        return self.header() + (self.body if self.status is Status.SUCCESS else b"")


def page(text: object, lang: str, *, keep: bool = False) -> Response:
    """A page of gemtext (a `gemtext.Page` or a string) in a language, "fr" or "en"."""
    type = f"text/gemini; charset=utf-8; lang={lang}"
    return Response(Status.SUCCESS, type, str(text).encode(), keep)


def content(body: bytes, type: str) -> Response:
    """Any other content, with its media type and that type's parameters."""
    return Response(Status.SUCCESS, type, body)


def ask(prompt: str, *, secret: bool = False) -> Response:
    """Ask the reader for a line; the client comes back with it as the query of the same URL.
    A secret isn't shown while it is typed."""
    return Response(Status.SENSITIVE_INPUT if secret else Status.INPUT, prompt)


def redirect(url: str, *, for_good: bool = False) -> Response:
    """Send the reader elsewhere; a URL relative to the one asked for will do."""
    return Response(Status.REDIRECT_FOR_GOOD if for_good else Status.REDIRECT, url)


def failure(status: Status, why: str) -> Response:
    """One of the 4x, 5x and 6x, and the reason in words."""
    return Response(status, why)


def slow_down(seconds: int) -> Response:
    """Ask to wait so many seconds, at least one, before the next request."""
    return Response(Status.SLOW_DOWN, str(max(seconds, 1)))


@dataclass(frozen=True, slots=True)
class Certificate:
    """A client's certificate, self-signed most of the time: it says that it is the same one
    again, and nothing else.

    Attributes:
        fingerprint: SHA-256 over its DER, in lower-case hexadecimal.
        subject: the name it gives itself; for showing, never for trusting.
        not_before: it is valid from this instant, in UTC.
        not_after: until this one, in UTC.
    """

    fingerprint: str
    subject: str
    not_before: datetime
    not_after: datetime

    def valid(self, at: datetime) -> bool:
        """Whether it may be used at that instant."""
        return self.not_before <= at <= self.not_after


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for.

    Attributes:
        host: one of the hosts served: ASCII and lower-case; an IPv6 address without brackets.
        path: begins with "/", still percent-encoded, without "." and ".." parts.
        segments: the path's parts, decoded: ("actions", "2026-7"); ("",) for "/"; a last "" says
            that the path ends with "/". A part may hold any character but controls, even "/".
        query: what was typed into a prompt, decoded; "" for a lone "?", None without one.
        certificate: the client's, if it sent one.
        address: the client's, for limits and logs.
        at: when it was asked, in UTC.
    """

    host: str
    path: str
    segments: tuple[str, ...]
    query: str | None
    certificate: Certificate | None
    address: str
    at: datetime

    @property
    def url(self) -> str:
        """The path and the query as asked for, percent-encoded anew: what links and logs use."""
        return self.path if self.query is None else f"{self.path}?{quote(self.query, safe='')}"


def without_certificate(request: Request) -> tuple[Status, Sentence] | None:
    """What to answer where a certificate is needed and none came, or one whose time is over or
    has not begun; None if there is a good one."""
    if request.certificate is None:
        return Status.CERTIFICATE_REQUIRED, say(
            "This page needs a certificate: let your client make one for this capsule."
        )
    if not request.certificate.valid(request.at):
        return Status.CERTIFICATE_NOT_VALID, say(
            "Your certificate's time has not begun or is over: make a new one."
        )
    return None


@dataclass(frozen=True, slots=True)
class Target:
    """What a request line points at; see `Request`."""

    host: str
    path: str
    segments: tuple[str, ...]
    query: str | None


class Refused(Exception):
    """A request line that can't be answered with a page: the status, and why in words."""

    def __init__(self, status: Status, why: Sentence) -> None:
        super().__init__(why.message)
        self.status = status
        self.why = why


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
# What can't stand in a URL, even one in letters beyond ASCII, nor a percent sign by itself.
_NOT_IN_URL = re.compile(r"[\x00-\x20\x7f-\xa0\"<>\\^`{|}\ufeff\u2028\u2029]|%(?![0-9A-Fa-f]{2})")
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([0-9]*))?")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.\-]*[a-z0-9_])?")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _malformed(why: Sentence) -> Refused:
    return Refused(Status.BAD_REQUEST, why)


def in_ascii(name: str) -> str:
    """A host's name as the domain name system has it: what is written in other letters becomes
    punycode. Raises `ValueError` if it can't.

    Source: IDNA 2008 (RFC 5891) with the mappings of UTS 46. Python's own codec is IDNA 2003,
    which has some names lead to other people's.
    """
    return name if name.isascii() else idna.encode(name, uts46=True).decode("ascii")


@lru_cache(maxsize=1024)
def host_of(name: str) -> str:
    """A host's name as requests give it: ASCII, lower-case, IPv6 in its shortest form.

    Raises:
        ValueError: it is none.
    """
    if name.startswith("[") and name.endswith("]"):
        return IPv6Address(name[1:-1]).compressed
    name = in_ascii(unquote(name, errors="strict").lower())
    if name.endswith("."):  # the root of all names may be written
        name = name[:-1]
    if not _HOST.fullmatch(name) or ".." in name:
        raise ValueError(name)
    return name


def read(line: bytes, *, hosts: Collection[str], port: int = PORT) -> Target:
    """What a request line points at.

    Args:
        line: the request, without its CRLF.
        hosts: those served, each as `host_of` writes it.
        port: the one that clients know.

    Raises:
        Refused: 59 if it isn't the absolute URL the specification asks for, 53 if it is some
            other server's.
    """
    if len(line) > LONGEST_URL:
        raise _malformed(say("The URL has more than 1024 bytes."))
    try:
        url = line.decode()
    except UnicodeDecodeError:
        raise _malformed(say("The URL is not UTF-8.")) from None
    if found := _NOT_IN_URL.search(url):
        sign = "%" if found[0] == "%" else f"U+{ord(found[0]):04X}"
        raise _malformed(say("{sign} cannot stand there in a URL: percent-encode it.", sign=sign))
    if not (scheme := _SCHEME.match(url)):
        raise _malformed(say("The URL is not absolute: it begins with gemini://"))
    if "#" in url:
        raise _malformed(say("The URL has a fragment: that part is the client's."))
    if scheme[1].lower() != "gemini":
        raise Refused(Status.PROXY_REQUEST_REFUSED, say("Only gemini:// URLs are answered here."))
    rest = url[scheme.end() :]
    if not rest.startswith("//"):
        raise _malformed(say("The URL has no host."))
    rest, asked, typed = rest[2:].partition("?")
    authority, slash, path = rest.partition("/")
    host = _host(authority, port)
    if host not in hosts:
        raise Refused(Status.PROXY_REQUEST_REFUSED, say("That host is not served here."))
    if "[" in path or "]" in path or "[" in typed or "]" in typed:
        raise _malformed(say("[ and ] stand around an address only: percent-encode them."))
    path, segments = _path(slash + path)
    return Target(host, path, segments, _query(typed) if asked else None)


def _host(authority: str, port: int) -> str:
    if "@" in authority:
        raise _malformed(say("The URL names a user: a certificate does that in Gemini."))
    parts = _AUTHORITY.fullmatch(authority)
    if not parts or not parts[1]:
        raise _malformed(say("The URL has no host."))
    try:
        host = host_of(parts[1])
    except ValueError:
        raise _malformed(say("The URL's host is no name and no address.")) from None
    given = int(parts[2][:6]) if parts[2] else PORT
    if given > 65535:
        raise _malformed(say("The URL's port is above 65535."))
    if given != port:
        raise Refused(Status.PROXY_REQUEST_REFUSED, say("That port is not served here."))
    return host


def _path(path: str) -> tuple[str, tuple[str, ...]]:
    """The path without its dots, encoded and in decoded parts."""
    if not path or path == "/":
        return "/", ("",)
    kept: list[str] = []
    parts = [_decoded(part) for part in path[1:].split("/")]
    for part in parts:
        if part == "..":
            if not kept:
                raise _malformed(say("The path leads above its root."))
            kept.pop()
        elif part != ".":
            if _CONTROL.search(part):
                raise _malformed(say("The path has a control character."))
            kept.append(part)
    if parts[-1] in {".", ".."} or not kept:
        kept.append("")
    return "/" + "/".join(quote(part, safe="~!$&'()*+,;=:@") for part in kept), tuple(kept)


def _query(typed: str) -> str:
    query = _decoded(typed)
    if _CONTROL_BUT_LINES.search(query):
        raise _malformed(say("The query has a control character."))
    return query


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict") if "%" in part else part
    except UnicodeDecodeError:
        raise _malformed(say("What is percent-encoded is not UTF-8.")) from None
