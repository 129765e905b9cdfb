"""What servers of the Mastodon API say, as far as pages show it.

Mastodon, GoToSocial, Pleroma and their kin differ, and change: whatever is missing or is not what
it should be counts as not said, and never as an error. Only a post without an id is no post.

Source: docs.joinmastodon.org/entities (Status, Account, Poll, MediaAttachment).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids are numbers (Mastodon), ULIDs (GoToSocial) or letters and digits (Pleroma)."""

_SHOWN = frozenset({"public", "unlisted"})
# They turn the order of letters round, and would do so with ours after them.
_TURNING = re.compile("[\u202d\u202e]")
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Author:
    """An account.

    Attributes:
        address: `name` on its own instance, `name@instance` elsewhere.
        note: what it says of itself, in HTML.
        fields: what it tells in pairs; the second of each in HTML.
        moved: where it went.
    """

    id: str
    address: str
    name: str
    url: str
    note: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    created: datetime | None = None
    posts: int | None = None
    followers: int | None = None
    following: int | None = None
    bot: bool = False
    moved: Author | None = None

    @property
    def called(self) -> str:
        """Its display name, or its address if it has none."""
        return self.name or self.address


@dataclass(frozen=True, slots=True)
class Poll:
    """A question: its answers, each with its votes if they are told."""

    options: tuple[tuple[str, int | None], ...]
    votes: int | None
    voters: int | None
    multiple: bool
    over: bool
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Media:
    """An image, a sound or a film, and what it shows or says in words."""

    kind: str
    url: str
    description: str


@dataclass(frozen=True, slots=True)
class Mention:
    address: str
    url: str


@dataclass(frozen=True, slots=True)
class Card:
    """The page that a post links to, as its instance describes it."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Post:
    """A post.

    Attributes:
        url: of the original.
        warning: what its author warns of; then its content is only shown to those who ask.
        sensitive: likewise for its media.
        content: in HTML.
        reply_to: the id of the post that it answers.
        boosted: the post that this one passes on; then it says nothing itself.
        quoted: the post that this one quotes.
    """

    id: str
    author: Author
    url: str
    at: datetime | None
    edited: datetime | None
    warning: str
    sensitive: bool
    content: str
    language: str
    reply_to: str
    replies: int
    boosts: int
    favourites: int
    boosted: Post | None
    quoted: Post | None
    poll: Poll | None
    media: tuple[Media, ...]
    mentions: tuple[Mention, ...]
    tags: tuple[str, ...]
    card: Card | None


def post(told: Any, *, depth: int = 2) -> Post | None:
    """A post; None if it is none, or not for everybody: a token may show more to this capsule than
    the public is meant to see."""
    if not isinstance(told, dict) or not ID.fullmatch(_text(told, "id")):
        return None
    boosted = told.get("reblog")
    inner = post(boosted, depth=depth - 1) if boosted is not None and depth else None
    if _text(told, "visibility") not in _SHOWN or (boosted is not None and inner is None):
        return None
    author = account(told.get("account"))
    if author is None:
        return None
    return Post(
        id=_text(told, "id"),
        author=author,
        url=_web(told, "url") or _web(told, "uri"),
        at=_instant(told.get("created_at")),
        edited=_instant(told.get("edited_at")),
        warning=" ".join(_text(told, "spoiler_text").split()),
        sensitive=told.get("sensitive") is True,
        content=_text(told, "content"),
        language=_text(told, "language"),
        reply_to=_text(told, "in_reply_to_id"),
        replies=_count(told, "replies_count") or 0,
        boosts=_count(told, "reblogs_count") or 0,
        favourites=_count(told, "favourites_count") or 0,
        boosted=inner,
        quoted=_quoted(told.get("quote"), depth),
        poll=_poll(told.get("poll")),
        media=tuple(_media(told)),
        mentions=tuple(
            Mention(_text(one, "acct"), _text(one, "url"))
            for one in _dicts(told, "mentions")
            if _text(one, "acct")
        ),
        tags=tuple(_text(one, "name") for one in _dicts(told, "tags") if _text(one, "name")),
        card=_card(told.get("card")),
    )


def posts(told: Any) -> list[Post]:
    """Those of a list that are posts, and for everybody."""
    found = [post(one) for one in told] if isinstance(told, list) else []
    return [one for one in found if one is not None]


def account(told: Any, *, depth: int = 1) -> Author | None:
    """An account; None if it is none."""
    if not isinstance(told, dict) or not _text(told, "acct"):
        return None
    return Author(
        id=_text(told, "id"),
        address=_text(told, "acct"),
        name=" ".join(_text(told, "display_name").split()),
        url=_web(told, "url") or _web(told, "uri"),
        note=_text(told, "note"),
        fields=tuple(
            (" ".join(_text(one, "name").split()), _text(one, "value"))
            for one in _dicts(told, "fields")
        ),
        created=_instant(told.get("created_at")),
        posts=_count(told, "statuses_count"),
        followers=_count(told, "followers_count"),
        following=_count(told, "following_count"),
        bot=told.get("bot") is True,
        moved=account(told.get("moved"), depth=depth - 1) if depth else None,
    )


def older(link: str, told: Any) -> str:
    """The id after which the next older page begins; empty where there is none.

    Args:
        link: the header `Link`; only the id is taken from it, never its address.
        told: the page, in case there is no such header.
    """
    for one in re.findall(r'<([^<>]*)>\s*;[^,<]*\brel="?next"?', link[:8192]):
        for id in parse_qs(_query(one)).get("max_id", []):
            if ID.fullmatch(id):
                return str(id)
    if link or not isinstance(told, list) or not told or not isinstance(told[-1], dict):
        return ""
    last = _text(told[-1], "id")
    return last if ID.fullmatch(last) else ""


# --- parts ---------------------------------------------------------------------------------------


def _poll(told: Any) -> Poll | None:
    if not isinstance(told, dict):
        return None
    options = tuple(
        (" ".join(_text(one, "title").split()), _count(one, "votes_count"))
        for one in _dicts(told, "options")
    )
    if not options:
        return None
    return Poll(
        options,
        _count(told, "votes_count"),
        _count(told, "voters_count"),
        told.get("multiple") is True,
        told.get("expired") is True,
        _instant(told.get("expires_at")),
    )


def _media(told: Mapping[str, Any]) -> Iterator[Media]:
    for one in _dicts(told, "media_attachments"):
        # A remote file that the instance did not copy has no address of its own.
        told_in = [_web(one, key) for key in ("url", "remote_url", "preview_url")]
        url = next(filter(None, told_in), "")
        if url:
            yield Media(_text(one, "type"), url, " ".join(_text(one, "description").split()))


def _quoted(told: Any, depth: int) -> Post | None:
    """Mastodon wraps it in what was decided about the quote; others say the post itself."""
    if not isinstance(told, dict) or not depth:
        return None
    if "state" in told:
        if told["state"] != "accepted":
            return None
        told = told.get("quoted_status")
    return post(told, depth=depth - 1)


def _card(told: Any) -> Card | None:
    if not isinstance(told, dict) or not _web(told, "url"):
        return None
    return Card(_web(told, "url"), " ".join(_text(told, "title").split()))


def _dicts(told: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found = told.get(key)
    return [one for one in found if isinstance(one, dict)][:100] if isinstance(found, list) else []


def _text(told: Mapping[str, Any], key: str) -> str:
    found = told.get(key)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)  # ids that are numbers
    return _TURNING.sub("", found[:_LONGEST]) if isinstance(found, str) else ""


def _web(told: Mapping[str, Any], key: str) -> str:
    """The address of a page, if it is one."""
    found = _text(told, key)
    return found if found.startswith(("https://", "http://")) else ""


def _count(told: Mapping[str, Any], key: str) -> int | None:
    """A count; negative ones are how some say that they don't tell."""
    found = told.get(key)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        return None
    return found


def _instant(told: Any) -> datetime | None:
    """An instant in UTC, of a text in ISO 8601; a day is its beginning."""
    if not isinstance(told, str):
        return None
    try:
        instant = datetime.fromisoformat(told.strip())
        instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
        # Far from both ends of the calendar, so that every time zone can tell it.
        return instant.astimezone(UTC) if 1 < instant.year < 9999 else None
    except (ValueError, OverflowError):
        return None


def _query(address: str) -> str:
    try:
        return urlsplit(address).query
    except ValueError:
        return ""
