"""Mattermost, over its API v4 and its websocket (from version 5.37 on)."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from operator import itemgetter
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from toutdoux.core.words import Sentence, say

from .http import Server
from .system import Channel, Enclosed, Forbidden, Message, News, Person, Reaction, Unreachable

_API = "/api/v4"
_PAGE = 200
"""Messages the server gives at once, at most."""
_CHANGES = 1000
"""Changed messages the server tells of, at most: of more it leaves out any, and does not say so."""
_LOOKED_THROUGH = 50
"""Pages in which a message that may have been sent is looked for."""
_LONGEST = 16383
"""Characters of a message, where the server does not say; the oldest take 4,000."""
_LARGEST_EVENT = 2**24
"""Bytes: with an edited message come all its reactions."""
_SECONDS_TO_GREET = 10.0
_SECONDS_TO_LAST = 5.0
"""A line that was cut sooner is not taken up again at once."""
_SECONDS_BETWEEN_TRIALS = 60.0
"""How often the token is tried: a line goes on even if it was revoked."""
_JUST_NOW = timedelta(minutes=10)

_OF_MESSAGES = ("posted", "post_edited", "post_deleted")
_OF_REACTIONS = ("reaction_added", "reaction_removed")
_OF_MEMBERS = ("user_added", "user_removed", "added_to_team", "leave_team")
_OF_CHANNELS = ("channel_updated", "channel_deleted", "channel_restored")

_RIGHTS = {
    "create_post": say("post in it"),
    "edit_post": say("edit its own messages, as the cards are"),
    "add_reaction": say("react there"),
}
_NAMES = {
    "👍": "+1",
    "👎": "-1",
    "🤷": "shrug",
    "✅": "white_check_mark",
    "❌": "x",
    "⚪": "white_circle",
    "✋": "hand",
    "🙋": "raising_hand",
    "🙅": "no_good",
    "🙆": "ok_woman",
    "👌": "ok_hand",
    "👏": "clap",
    "😐": "neutral_face",
    "🤔": "thinking",
    "❤": "heart",
    "🎉": "tada",
}
_TONES = {
    "\U0001f3fb": "_light_skin_tone",
    "\U0001f3fc": "_medium_light_skin_tone",
    "\U0001f3fd": "_medium_skin_tone",
    "\U0001f3fe": "_medium_dark_skin_tone",
    "\U0001f3ff": "_dark_skin_tone",
}
_CALLS = re.compile(r"(?<![^\W_])@(?=[\w&])|&(?=#|commat;)", re.IGNORECASE)
"""What calls somebody; an address of e-mail does not. Written as `&#64;` it would, too."""


@dataclass(slots=True)
class _Heard:
    """How far a line was listened to: it can be taken up again there, shortly after it was cut."""

    line: str = ""
    """The server's name for it; empty before its greeting, or if it cannot be taken up again."""
    next: int = 0
    """The number of the event that comes next."""
    greeted: bool = False


class Mattermost:
    """One association's bot on one server."""

    system = "mattermost"

    def __init__(
        self,
        address: str,
        token: str,
        team: str,
        channels: Sequence[str],
        ids: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            address: the server's (`https://chat.example.org`).
            token: the bot's access token.
            team: the team's name as it is in addresses, or its id.
            channels: the names, as they are in addresses, or the ids of those to watch.
            ids: what `known` gave: they may be called otherwise now.
        """
        self._server = Server(address, token)
        self._token = token
        self._named = team
        self._wanted = tuple(one.lstrip("~#") for one in channels)
        self.server = f"{self.system} {self._server.address}"
        self._found_team: Mapping[str, Any] | None = None
        self._ids = dict(ids or {})
        """By the name it was given to us: a channel that is renamed stays the same."""
        self._team_id = self._ids.pop(f"{team}/", "")
        self._watched: frozenset[str] = frozenset()
        self._types: dict[str, str] = {}
        self._direct: dict[str, str] = {}
        self._sent: dict[str, dict[str, str]] = {}
        """What the bot sent, by channel and by what marks it."""

    # --- who and where ---------------------------------------------------------------------------

    @cached_property
    def me(self) -> str:
        return str(self._myself()["id"])

    def _myself(self) -> Mapping[str, Any]:
        """The bot's account. Raises `Forbidden` (401) if the token is good for nothing."""
        told = self._ask("GET", "/users/me")
        if not isinstance(told, dict):
            raise Unreachable("no Mattermost answers there")
        return told

    def channels(self) -> Sequence[Channel]:
        found = []
        mine = self._mine_in_team()
        for wanted in self._wanted:
            known = self._ids.get(wanted, wanted)
            for one in mine:
                if known in (one["id"], one["name"]) and not one.get("delete_at"):
                    self._ids[wanted] = one["id"]
                    found.append(Channel(one["id"], one["name"]))
                    break
        self._watched = frozenset(one.id for one in found)
        return found

    def _mine_in_team(self) -> Sequence[Mapping[str, Any]]:
        """The channels of the team that the bot is in, and its private ones."""
        team = self._team()
        return (team and self._look(f"/users/me/teams/{team['id']}/channels")) or []

    def _team(self) -> Mapping[str, Any] | None:
        """The team; None where there is none of that name that the bot may see."""
        if self._found_team is None:
            name = quote(self._named, safe="")
            known = self._team_id and self._look(f"/teams/{quote(self._team_id, safe='')}")
            self._found_team = (
                known or self._look(f"/teams/name/{name}") or self._look(f"/teams/{name}")
            )
        return self._found_team

    def known(self) -> Mapping[str, str]:
        """The team's id is there by its name with a `/`, which no channel's has."""
        self.channels()
        team = self._team()
        return self._ids if team is None else {**self._ids, f"{self._named}/": team["id"]}

    def _is_private(self, channel: str) -> bool:
        """Whether a channel is between somebody and the bot alone."""
        if channel in self._watched:
            return False
        if channel not in self._types:
            told = self._look(f"/channels/{channel}")
            if told is None:
                return False
            self._types[channel] = told["type"]
        return self._types[channel] == "D"

    def _configuration(self) -> Mapping[str, str]:
        return self._look("/config/client", {"format": "old"}) or {}

    # --- what is missing -------------------------------------------------------------------------

    def check(self) -> list[Sentence]:
        try:
            told = self._ask("GET", "/users/me")
        except Forbidden:
            return [say("the server does not take the token: make the bot another one")]
        if not isinstance(told, dict):
            return [say("no Mattermost answers at {address}", address=self._server.address)]
        self._found_team = None  # told anew: it may be another by now
        team = self._team()
        member = team and self._look(f"/teams/{team['id']}/members/me")
        if team is None or not member or member.get("delete_at"):
            return [say("the bot is in no team {name}: add it there", name=self._named)]
        roles = f"{told.get('roles', '')} {member.get('roles', '')}"
        found = [one for wanted in self._wanted for one in self._check_channel(team, wanted, roles)]
        return found + self._check_configuration()

    def _check_channel(self, team: Mapping[str, Any], wanted: str, roles: str) -> list[Sentence]:
        name = quote(self._ids.get(wanted, wanted), safe="")
        by_name = f"/teams/{team['id']}/channels/name/{name}"
        told = self._look(by_name, {"include_deleted": "true"}) or self._look(f"/channels/{name}")
        if told is None:
            return [
                say("the team has no channel {name}, or the bot is not in it: add it", name=wanted)
            ]
        if told.get("delete_at"):
            return [say("the channel {name} is archived", name=wanted)]
        member = self._look(f"/channels/{told['id']}/members/me")
        if member is None:
            return [say("the bot is not in the channel {name}: add it", name=wanted)]
        names = sorted({*roles.split(), *member.get("roles", "").split()})
        told = self._ask("POST", "/roles/names", names)
        may = {right for role in told or [] for right in role["permissions"]}
        return [
            say("in the channel {name}, the bot may not {do}", name=wanted, do=what)
            for right, what in _RIGHTS.items()
            if right not in may
        ]

    def _check_configuration(self) -> list[Sentence]:
        limit = self._configuration().get("PostEditTimeLimit", "-1")
        licence = self._look("/license/client", {"format": "old"}) or {}
        if limit == "-1" or licence.get("IsLicensed") != "true":
            return []
        return [
            say(
                "messages can be edited for {n} seconds only (PostEditTimeLimit),"
                " and cards have to be as long as a vote lasts",
                n=limit,
            )
        ]

    def check_addresses(self) -> list[Sentence]:
        told = self._configuration()
        found = []
        if told.get("RequireEmailVerification") != "true":
            found.append(
                say(
                    "the server does not have people's e-mail addresses verified"
                    " (RequireEmailVerification): they prove nothing there"
                )
            )
        if told.get("ShowEmailAddress") == "false":
            found.append(
                say("the server does not show the bot e-mail addresses (ShowEmailAddress)")
            )
        return found

    # --- what happens ----------------------------------------------------------------------------

    def news(self, stopping: Event) -> Iterator[News | None]:
        heard = _Heard()
        while not stopping.is_set():
            self._myself()  # a wrong token is given a line too, on which nothing is said
            began = monotonic()
            try:
                with self._line(heard) as line:
                    yield from self._listen(line, heard, stopping)
            except ConnectionClosed:
                if not heard.line or monotonic() - began < _SECONDS_TO_LAST:
                    raise Unreachable("the line was cut") from None

    @contextmanager
    def _line(self, heard: _Heard) -> Iterator[ClientConnection]:
        """A line to the server; the one that was cut, if it still knows that."""
        address = f"ws{self._server.address.removeprefix('http')}{_API}/websocket"
        heard.greeted = bool(heard.line)
        if heard.line:
            where = {"connection_id": heard.line, "sequence_number": str(heard.next)}
            address = f"{address}?{urlencode(where)}"
        try:
            with connect(
                address,
                additional_headers={"Authorization": f"Bearer {self._token}"},
                user_agent_header="toutdoux",
                proxy=None,
                compression=None,
                max_size=_LARGEST_EVENT,
                close_timeout=1,
            ) as line:
                yield line
        except ConnectionClosed:
            raise
        except InvalidStatus as error:
            _refused(error)
        except (OSError, WebSocketException) as error:
            raise Unreachable(type(error).__name__) from None

    def _listen(
        self, line: ClientConnection, heard: _Heard, stopping: Event
    ) -> Iterator[News | None]:
        began = tried = monotonic()
        while not stopping.is_set():
            if monotonic() - tried > _SECONDS_BETWEEN_TRIALS:
                self._myself()
                tried = monotonic()
            try:
                event = orjson.loads(line.recv(timeout=0.5))
            except TimeoutError:
                if not heard.greeted and monotonic() - began > _SECONDS_TO_GREET:
                    raise Unreachable("the server does not greet") from None
                continue
            if "event" in event and "seq" in event:
                yield from self._told(event, heard)

    def _told(self, event: Mapping[str, Any], heard: _Heard) -> Iterator[News | None]:
        """What an event says; None before it if one is missing between it and the last."""
        line = event["data"].get("connection_id", "")
        if event["event"] == "hello" and (not line or line != heard.line):
            heard.line, heard.greeted, heard.next = line, True, event["seq"]
            missed = True
        else:
            missed = event["seq"] != heard.next
        heard.next = event["seq"] + 1
        if missed or self._moved(event):
            self.channels()
            yield None
        news = self._of_message(event)
        if news is not None:
            yield news

    def _moved(self, event: Mapping[str, Any]) -> bool:
        """Whether the bot came or went, or a watched channel was changed."""
        data, to = event["data"], event["broadcast"]
        if event["event"] in _OF_MEMBERS:
            return bool(self.me == (data.get("user_id") or to.get("user_id")))
        if event["event"] in _OF_CHANNELS:
            # Some versions say where beside what, some within.
            return any(id in orjson.dumps([data, to]).decode() for id in self._ids.values())
        return False

    def _of_message(self, event: Mapping[str, Any]) -> News | None:
        """The message that something happened to, where the bot listens. Of what it did itself, it
        needs no news."""
        name, channel = event["event"], event["broadcast"].get("channel_id", "")
        if name in _OF_MESSAGES:
            about = orjson.loads(event["data"]["post"])
            news = News(channel, about["id"])
        elif name in _OF_REACTIONS:
            about = orjson.loads(event["data"]["reaction"])
            news = News(channel, about["post_id"], reacted=True)
        else:
            return None
        if about["user_id"] == self.me and name != "post_deleted":
            return None
        return news if channel in self._watched or self._is_private(channel) else None

    # --- what is there ---------------------------------------------------------------------------

    def now(self) -> datetime:
        """To the second, rounded down: so nothing of before can still come in."""
        self._ask("GET", "/system/ping")
        if self._server.date is None:
            raise Unreachable("the answer has no date")
        return self._server.date

    def messages(self, channel: str, since: datetime) -> Iterator[Message]:
        """Of more than a thousand that changed, the deleted ones may not all be among them: where
        the server lists everything, it leaves those out."""
        begin = _ms(since)
        private = self._is_private(channel)
        told = self._changed(channel, begin)
        there: Iterable[dict[str, Any]] = sorted(
            told["posts"].values(), key=itemgetter("create_at")
        )
        if len(told["order"]) >= _CHANGES:
            deleted = [post for post in there if post["delete_at"]]
            there = heapq.merge(deleted, self._all(channel), key=itemgetter("create_at"))
        for post in there:
            # An edit leaves what the message was before, as a deleted one that names the original.
            when = max(post["create_at"], post["edit_at"], post["delete_at"])
            if when >= begin and not post.get("original_id"):
                yield _message(post, private)

    def privates(self, since: datetime) -> Sequence[str]:
        begin = _ms(since)
        return [
            one["id"]
            for one in self._mine_in_team()
            if one.get("type") == "D" and one.get("last_post_at", 0) >= begin
        ]

    def _changed(self, channel: str, begin: int) -> Mapping[str, Any]:
        """What changed since then (in milliseconds), also by a reaction; not more than so much."""
        query = {"since": str(max(1, begin - 1))}
        return self._posts(channel, query)

    def _all(self, channel: str) -> Iterator[dict[str, Any]]:
        """Everything in a channel that is not deleted, the oldest first."""
        told = self._oldest(channel)
        before: set[str] = set()
        while True:
            posts = sorted(map(told["posts"].get, told["order"]), key=itemgetter("create_at"))
            if all(post["id"] in before for post in posts):
                return
            yield from (post for post in posts if post["id"] not in before)
            before = {post["id"] for post in posts}
            # Not after the last: what was sent in the same millisecond would be left out.
            last = posts[-1]["create_at"]
            earlier = [post for post in posts if post["create_at"] < last] or posts
            told = self._page(channel, after=earlier[-1]["id"])

    def _oldest(self, channel: str) -> Mapping[str, Any]:
        """The page of the oldest messages. While it is looked for, others may come."""

        def filled(page: int) -> bool:
            query = {"page": str(page * _PAGE), "per_page": "1"}
            return bool(self._posts(channel, query)["order"])

        empty = 1
        while filled(empty):
            empty *= 2
        page = empty // 2
        while empty - page > 1:
            middle = (page + empty) // 2
            if filled(middle):
                page = middle
            else:
                empty = middle
        while True:
            told = self._page(channel, page=str(page))
            if not filled(page + 1):
                return told
            page += 1

    def _page(self, channel: str, **place: str) -> Mapping[str, Any]:
        """Some of the messages that are there, the newest first."""
        return self._posts(channel, {**place, "per_page": str(_PAGE)})

    def _posts(self, channel: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        """The messages in the order asked for, and those they answer; none where there is no such
        channel, or none that the bot may read."""
        told: Mapping[str, Any] = self._look(f"/channels/{channel}/posts", query) or {}
        return {"order": told.get("order") or [], "posts": told.get("posts") or {}}

    def message(self, channel: str, id: str) -> Message | None:
        post = self._look(f"/posts/{id}")
        if post is None:  # deleted, perhaps: if that was just now, it is still told of
            post = self._changed(channel, _ms(self.now() - _JUST_NOW))["posts"].get(id)
        if post is None or post["channel_id"] != channel:
            return None
        return _message(post, self._is_private(channel))

    def reactions(self, channel: str, messages: Sequence[str]) -> Mapping[str, Sequence[Reaction]]:
        found: dict[str, Sequence[Reaction]] = {}
        for begin in range(0, len(messages), _PAGE):
            found.update(self._reactions(channel, messages[begin : begin + _PAGE]))
        return found

    def _reactions(self, channel: str, messages: Sequence[str]) -> dict[str, Sequence[Reaction]]:
        try:
            told = self._ask("POST", "/posts/ids/reactions", list(messages)) or {}
        except Forbidden as refused:
            # One that is gone for good is refused, and all the others with it.
            _unless_token(refused)
            if len(messages) == 1 or self._look(f"/channels/{channel}/members/me") is None:
                return {}
            half = len(messages) // 2
            first = self._reactions(channel, messages[:half])
            return first | self._reactions(channel, messages[half:])
        return {id: _reactions(told.get(id) or []) for id in messages}

    def person(self, id: str) -> Person | None:
        return self._person(self._look(f"/users/{quote(id, safe='')}"))

    def called(self, handle: str) -> Person | None:
        name = quote(handle.lstrip("@").lower(), safe="")
        return self._person(self._look(f"/users/username/{name}"))

    def _person(self, told: Mapping[str, Any] | None) -> Person | None:
        if told is None:
            return None
        email, bot = told.get("email") or "", bool(told.get("is_bot"))
        if email:
            # Whether it was verified, only its owner is told; but where everybody's has to be …
            required = self._configuration().get("RequireEmailVerification") == "true"
            email = email if required and not bot and not told.get("delete_at") else ""
        return Person(told["id"], told["username"], email, bot)

    # --- what the bot does -----------------------------------------------------------------------

    def private(self, person: str) -> str:
        if person not in self._direct:
            told = self._ask("POST", "/channels/direct", [self.me, person])
            if told is None:
                raise Forbidden(404, {})
            self._types[told["id"]] = told["type"]
            self._direct[person] = told["id"]
        return self._direct[person]

    def send(
        self, channel: str, text: str, *, key: str, thread: str = "", files: Iterable[Enclosed] = ()
    ) -> str:
        mark = self._mark(key)
        sent = self._mine(channel)
        if mark not in sent:
            post = {
                "channel_id": channel,
                "root_id": thread,
                "message": self._harmless(text),
                "props": {"toutdoux": mark},
                # By this the server itself knows it again, for some minutes.
                "pending_post_id": f"{self.me}:{mark}",
                "file_ids": [self._upload(channel, one) for one in files],
            }
            try:
                sent[mark] = self._post(post)
            except Unreachable:
                self._sent.pop(channel, None)  # it may be there all the same: that is looked up
                raise
        return sent[mark]

    def _post(self, post: dict[str, Any]) -> str:
        try:
            told = self._ask("POST", "/posts", post)
        except Forbidden as refused:
            if "root_id" not in str(refused.told.get("id")) or not post["root_id"]:
                raise
            # What it answers was deleted: then it stands by itself.
            return self._post({**post, "root_id": ""})
        if told is None:
            raise Forbidden(404, {})
        return str(told["id"])

    def _mark(self, key: str) -> str:
        """What a message can be known by; others may speak by the same account, in other places."""
        of = orjson.dumps([self._named, self._wanted])
        return sha256(of).hexdigest()[:8] + sha256(key.encode()).hexdigest()[:24]

    def _mine(self, channel: str) -> dict[str, str]:
        """What the bot sent there, as far back as matters: as it sends one after the other, only
        the last may have been sent without our knowing."""
        if channel not in self._sent:
            found: dict[str, str] = {}
            for page in range(_LOOKED_THROUGH):
                told = self._page(channel, page=str(page))
                for post in map(told["posts"].get, told["order"]):
                    mark = str((post.get("props") or {}).get("toutdoux", ""))
                    if post["user_id"] == self.me and mark.startswith(self._mark("")[:8]):
                        found[mark] = post["id"]
                if found or not told["order"]:
                    break
            self._sent[channel] = found
        return self._sent[channel]

    def _upload(self, channel: str, file: Enclosed) -> str:
        fields = {"channel_id": channel, "files": (file.name, file.content, file.media_type)}
        told = self._server.ask("POST", f"{_API}/files", files=fields, timeout=120)
        if told is None:
            raise Forbidden(404, {})
        return str(told["file_infos"][0]["id"])

    @cached_property
    def _longest(self) -> int:
        return int(self._configuration().get("MaxPostSize") or _LONGEST)

    def _harmless(self, text: str) -> str:
        """A message that calls nobody, and that the server takes."""
        text = _CALLS.sub("\\g<0>\u200b", text)
        return text if len(text) <= self._longest else text[: self._longest - 1] + "…"

    def edit(self, channel: str, id: str, text: str) -> None:
        with self._unless_gone(channel, id):
            self._ask("PUT", f"/posts/{id}/patch", {"message": self._harmless(text)})

    def react(self, channel: str, id: str, sign: str) -> None:
        with self._unless_gone(channel, id):
            reaction = {"user_id": self.me, "post_id": id, "emoji_name": emoji_name(sign)}
            self._ask("POST", "/reactions", reaction)

    @contextmanager
    def _unless_gone(self, channel: str, id: str) -> Iterator[None]:
        """Let a refusal be where the message is gone, or the channel archived, or without us."""
        try:
            yield
        except Forbidden as refused:
            _unless_token(refused)
            there = self._look(f"/channels/{channel}/members/me") and self._look(f"/posts/{id}")
            if there and not self._look(f"/channels/{channel}")["delete_at"]:
                raise

    def link(self, channel: str, id: str) -> str:
        team = self._team()
        return f"{self._site}/{team['name'] if team else '_redirect'}/pl/{id}"

    @cached_property
    def _site(self) -> str:
        """The server's address as its people know it."""
        return (self._configuration().get("SiteURL") or self._server.address).rstrip("/")

    # --- asking ----------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        return self._server.ask(method, _API + path, body)

    def _look(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What is there; None where nothing is, or nothing that the bot may see."""
        try:
            return self._server.ask("GET", _API + path, query=query)
        except Forbidden as refused:
            _unless_token(refused)
            return None


def emoji_name(sign: str) -> str:
    """What Mattermost calls an emoji; what is no known sign is a name already."""
    tone = "".join(_TONES.get(char, "") for char in sign)
    bare = "".join(char for char in sign if char not in _TONES and char != "\ufe0f")
    return _NAMES.get(bare, bare.strip(":")) + tone


def _message(post: Mapping[str, Any], private: bool) -> Message:
    props, kind = post.get("props") or {}, post.get("type") or ""
    return Message(
        id=post["id"],
        channel=post["channel_id"],
        author=post["user_id"],
        text=post["message"],
        at=_instant(post["create_at"]),
        changed_at=_instant(max(post["create_at"], post["edit_at"], post["delete_at"])),
        thread=post.get("root_id") or "",
        private=private,
        deleted=bool(post["delete_at"]),
        automatic=any(props.get(f"from_{what}") for what in ("bot", "webhook", "plugin"))
        or kind.startswith(("system_", "custom_")),
    )


def _reactions(told: Iterable[Mapping[str, Any]]) -> list[Reaction]:
    """The oldest first. One that was taken away and made again keeps when it was first made; when
    it was made again is when it changed."""
    found = [
        Reaction(
            one["post_id"],
            one["user_id"],
            one["emoji_name"],
            _instant(one.get("update_at") or one["create_at"]),
        )
        for one in told
        if not one.get("delete_at")
    ]
    return sorted(found, key=lambda one: one.at)


def _refused(error: InvalidStatus) -> None:
    """Raise what a refused line means."""
    status, after = error.response.status_code, error.response.headers.get("Retry-After", "")
    if status in (401, 403):
        raise Forbidden(status, {}) from None
    seconds = float(after) if after.isascii() and after.isdigit() else None
    raise Unreachable(f"{status}", seconds) from None


def _unless_token(refused: Forbidden) -> None:
    """Raise it again if it is the token that is refused, and with it everything."""
    if refused.status == 401:
        raise refused


def _ms(instant: datetime) -> int:
    return (instant - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
