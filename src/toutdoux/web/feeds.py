"""What other programs follow: a feed (Atom, RFC 4287) and a calendar (iCalendar, RFC 5545).

By hand, because little of either is needed. What has not changed is written the same each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree import ElementTree as xml

ATOM = "http://www.w3.org/2005/Atom"

# What XML cannot hold.
_UNTOLD = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def stable_id(*names: str) -> str:
    """An identifier that stays the same wherever the installation moves."""
    return str(uuid5(NAMESPACE_URL, "toutdoux:" + ":".join(names)))


@dataclass(frozen=True, slots=True)
class News:
    """An entry of a feed."""

    id: str
    title: str
    text: str
    url: str
    published: datetime
    updated: datetime


def atom(
    *,
    id: str,
    title: str,
    language: str,
    author: str,
    url: str,
    page: str,
    updated: datetime,
    news: Iterable[News],
    type: str = "text/html",
) -> bytes:
    """A feed.

    Args:
        id: its stable identifier.
        title: what it is called.
        language: the code of the language it is in.
        author: who tells it.
        url: its own address.
        page: the address of the page it follows.
        updated: when it was last changed.
        news: its entries, the newest first.
        type: of the pages that it leads to.
    """
    feed = xml.Element("feed", {"xmlns": ATOM, "xml:lang": language})
    _add(feed, "id", f"urn:uuid:{id}")
    _add(feed, "title", title)
    _add(feed, "updated", _rfc3339(updated))
    _add(_add(feed, "author"), "name", author)
    _add(feed, "link", rel="self", type="application/atom+xml", href=url)
    _add(feed, "link", rel="alternate", type=type, href=page)
    for one in news:
        entry = _add(feed, "entry")
        _add(entry, "id", f"urn:uuid:{one.id}")
        _add(entry, "title", one.title)
        _add(entry, "published", _rfc3339(one.published))
        _add(entry, "updated", _rfc3339(one.updated))
        _add(entry, "link", rel="alternate", type=type, href=one.url)
        _add(entry, "content", one.text, type="text")
    content: bytes = xml.tostring(feed, encoding="utf-8", xml_declaration=True)
    return content


def _add(parent: xml.Element, tag: str, text: str = "", **attributes: str) -> xml.Element:
    child = xml.SubElement(parent, tag, attributes)
    child.text = _UNTOLD.sub(" ", text) or None
    return child


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Deadline:
    """An event of a calendar: the end of a vote."""

    id: str
    title: str
    text: str
    url: str
    at: datetime
    since: datetime
    """When it was made what it is."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do, without a day."""

    id: str
    title: str
    text: str
    url: str
    since: datetime
    begun: bool


def calendar(name: str, items: Iterable[Deadline | Task]) -> bytes:
    """A calendar of deadlines and things to do, in UTC."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Tout-Doux//Tout-Doux//EN",
        "CALSCALE:GREGORIAN",
        f"NAME:{_escaped(name)}",
        f"X-WR-CALNAME:{_escaped(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    ]
    for one in items:
        what = "VEVENT" if isinstance(one, Deadline) else "VTODO"
        lines += [f"BEGIN:{what}", f"UID:{one.id}", f"DTSTAMP:{_utc(one.since)}"]
        if isinstance(one, Deadline):
            # It takes no time in anybody's day.
            lines += [f"DTSTART:{_utc(one.at)}", "TRANSP:TRANSPARENT"]
        else:
            lines.append(f"STATUS:{'IN-PROCESS' if one.begun else 'NEEDS-ACTION'}")
        lines += [f"SUMMARY:{_escaped(one.title)}", f"DESCRIPTION:{_escaped(one.text)}"]
        lines += [f"URL:{one.url}", f"END:{what}"]
    lines.append("END:VCALENDAR")
    return b"".join(map(_folded, lines))


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return "".join(char for char in text if char >= " " and char != "\x7f")


def _folded(line: str) -> bytes:
    """A line in pieces of at most 75 octets, no letter cut in two."""
    pieces, piece, room = [], b"", 75
    for char in line:
        octets = char.encode(errors="replace")
        if len(piece) + len(octets) > room:
            pieces.append(piece)
            piece, room = b"", 74  # the space that a piece goes on after
        piece += octets
    return b"\r\n ".join([*pieces, piece]) + b"\r\n"
