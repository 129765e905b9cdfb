"""Asking a chat's server over HTTP: JSON in, JSON out, what is wrong as one of two exceptions."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import urllib3

from .system import Forbidden, Unreachable

_SECONDS = urllib3.Timeout(connect=10, read=30)
_LONGEST_WAIT = 300.0
_LONGEST_ASKED = 3_600.0
"""Seconds that a server may ask to wait."""


class Server:
    """One server, asked with one token, from any thread."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": "toutdoux"}
        self._pool = urllib3.PoolManager(maxsize=4, retries=False, timeout=_SECONDS)
        self.date: datetime | None = None
        """The server's clock when it last answered, in UTC, rounded down to the second."""

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        timeout: float | None = None,
        files: Mapping[str, Any] | None = None,
        media_type: str = "application/json",
    ) -> Any:
        """Ask for something.

        Args:
            method: of HTTP.
            path: from the server's address on.
            body: what is sent as JSON; or bytes, sent as they are.
            query: what stands after the `?`.
            timeout: how many seconds an answer may take, if that is longer than usual.
            files: the fields of a form, in the place of a body.
            media_type: what the body is.

        Returns:
            The answer; None where there is nothing of that name (404).

        Raises:
            Unreachable: no answer, or a request to wait; trying again may help.
            Forbidden: the server refuses, and says so.
        """
        answer = self._send(method, path, body, query, timeout, files, media_type)
        if answer.status == 404:
            return None
        if answer.status == 429 or answer.status >= 500:
            raise Unreachable(f"{answer.status}", _asked_to_wait(answer))
        told = _json(answer.data)
        if answer.status >= 400:
            raise Forbidden(answer.status, told if isinstance(told, dict) else {})
        return told

    def _send(
        self,
        method: str,
        path: str,
        body: object,
        query: Mapping[str, str] | None,
        timeout: float | None,
        files: Mapping[str, Any] | None,
        media_type: str,
    ) -> urllib3.BaseHTTPResponse:
        headers = dict(self._headers)
        more: dict[str, Any] = {}
        if files is not None:
            more["fields"] = files
        elif body is not None:
            more["body"] = body if isinstance(body, bytes) else orjson.dumps(body)
            headers["Content-Type"] = media_type
        if timeout is not None:
            more["timeout"] = urllib3.Timeout(connect=10, read=timeout)
        if query:
            path = f"{path}?{urlencode(query)}"
        try:
            answer = self._pool.request(method, self.address + path, headers=headers, **more)
            self.date = _instant(answer.headers.get("Date", "")) or self.date
            return answer
        except urllib3.exceptions.HTTPError as error:
            # Without what was asked for: it may hold what is nobody's business in a log.
            raise Unreachable(type(error).__name__) from None


def pause(attempt: int, asked: float | None = None, longest: float = _LONGEST_WAIT) -> float:
    """How many seconds to wait before trying again: what the server asked for, else longer each
    time; never exactly, so that not all come back at once.

    Args:
        attempt: how often it was tried in vain, from 1.
        asked: the seconds that the server asked for.
        longest: how many it is at most, where the server asked for nothing.
    """
    if asked is not None:
        # Whatever it says: it may be out of order itself.
        return min(max(asked, 0.0), _LONGEST_ASKED) + random.uniform(0, 0.5)
    return random.uniform(0.5, 1.0) * min(longest, 2.0 ** min(attempt, 10))


def _asked_to_wait(answer: urllib3.BaseHTTPResponse) -> float | None:
    told = _json(answer.data)
    if isinstance(told, dict) and isinstance(told.get("retry_after_ms"), int | float):
        return float(told["retry_after_ms"]) / 1000
    header = answer.headers.get("Retry-After", "")
    if header.isascii() and header.isdigit():
        return float(header)
    until, now = _instant(header), _instant(answer.headers.get("Date", ""))
    return None if until is None or now is None else (until - now).total_seconds()


def _instant(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
