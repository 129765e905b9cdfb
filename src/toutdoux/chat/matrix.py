"""Matrix, over its client-server API (v3, from version 1.7 of the specification on).

Rooms without encryption only: what is encrypted, the bot does not read, and says so. Reactions are
never encrypted.
"""

from __future__ import annotations

import html
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from hashlib import sha256
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, unquote

import orjson

from toutdoux.core.words import Sentence, say
from toutdoux.language import LANGUAGES, Language
from toutdoux.web.markdown import to_html

from .http import Server
from .system import Channel, Enclosed, Forbidden, Message, News, Person, Reaction, Unreachable

_API = "/_matrix/client"
_POLL = 30
"""Seconds for which the server holds a question back until something happens."""
_PAGE = 500
"""Events the server gives at once, at most."""
_FILLED = 10
"""Pages that are read to learn what happened between two answers, at most."""
_ONE_BY_ONE = 20
"""Messages whose reactions are asked for one by one. Those of more are read off the room's history,
as long as that takes less time: one page takes about as long as so many questions."""
_PER_PAGE = 5
_LOOKED_THROUGH = 20
"""Pages of the bot's own messages in which one that may have been sent is looked for."""
_LATE = timedelta(hours=1)
"""How far apart the clocks of two servers are thought to be, at most."""
_UNHEARD = timedelta(days=1)
"""How old what was said in private may be, to be heard by a bot that comes in."""
_REMEMBERED = 100_000
"""Reactions of which it is known to what they belong, in case they are taken away."""
_LARGEST = 55_000
"""Bytes of a message, at most; with what surrounds them, the server takes 65,536."""

_END = 253_000_000_000_000
"""No later than that, in milliseconds: whatever another server says, it is an instant."""

_MESSAGE = "m.room.message"
_REACTION = "m.reaction"
_REDACTION = "m.room.redaction"
_ENCRYPTED = "m.room.encrypted"
_ENCRYPTION = "m.room.encryption"
_MEMBER = "m.room.member"
_TOMBSTONE = "m.room.tombstone"
_TOLD = [_MESSAGE, _REACTION, _REDACTION, _ENCRYPTED, _ENCRYPTION, _MEMBER, _TOMBSTONE]
_MARK = "org.tout-doux.mark"

_RIGHTS = {_MESSAGE: say("post in it"), _REACTION: say("react there")}
_ELSEWHERE = say(
    "I cannot read encrypted messages. I have invited you to a room of ours without encryption:"
    " write to me there. {link}"
)
_NOWHERE = say(
    "I cannot read encrypted messages, and this server encrypts every private room: name me in the"
    " channel instead."
)
_DEAF = say(
    "This room is encrypted from now on: I read no more messages here. Reactions still count."
)
_PILL = re.compile(r'<a href="https://matrix\.to/#/((?:@|%40)[^"/?]+)[^"]*">(.*?)</a>', re.DOTALL)
"""Somebody mentioned: their name is in the text, who it is only here."""


class Matrix:
    """One association's bot on one server."""

    system = "matrix"

    def __init__(
        self, address: str, token: str, rooms: Sequence[str], ids: Mapping[str, str] | None = None
    ) -> None:
        """Nothing is asked yet.

        Args:
            address: the server's (`https://matrix.example.org`).
            token: the bot's access token.
            rooms: the addresses (`#actions:example.org`) or the ids (`!…`) of those to watch.
            ids: what `known` gave: they may have other addresses now.
        """
        self._server = Server(address, token)
        self._wanted = tuple(rooms)
        self.server = f"{self.system} {self._server.address}"
        self._kept = dict(ids or {})
        self._ids: dict[str, str] = {}
        """By the address it was given to us: a room whose address changes stays the same."""
        self._places: frozenset[str] = frozenset()
        self._reacted: dict[str, str] = {}
        """What was reacted to: of a reaction that was taken away, the server does not say it."""
        self._unheard: SimpleQueue[tuple[int, str]] = SimpleQueue()
        """Rooms where something may have been missed, and until when, in milliseconds."""
        self._latest: dict[str, str] = {}
        """Where people last wrote in private."""
        self._sent: dict[str, dict[str, str]] = {}
        """What the bot sent, by room and by what marks it."""

    # --- who and where ---------------------------------------------------------------------------

    @cached_property
    def me(self) -> str:
        """Raises `Forbidden` (401) if the token is good for nothing."""
        return str(self._dict("GET", "/v3/account/whoami")["user_id"])

    @property
    def _domain(self) -> str:
        return self.me.partition(":")[2]

    def channels(self) -> Sequence[Channel]:
        joined = self._dict("GET", "/v3/joined_rooms")["joined_rooms"]
        places = [(self._room(wanted), wanted) for wanted in self._wanted]
        found = [Channel(id, wanted) for id, wanted in places if id in joined]
        self._places = frozenset(one.id for one in found)
        return found

    def known(self) -> Mapping[str, str]:
        self.channels()
        return dict(self._ids)

    @property
    def _watched(self) -> frozenset[str]:
        """The ids of the watched rooms that the bot is in, as they were when last looked at."""
        if not self._places:
            self.channels()
        return self._places

    def _room(self, wanted: str) -> str:
        """The id of a room; empty where there is none of that name."""
        if wanted.startswith("!"):
            return wanted
        if wanted not in self._ids:
            id = self._kept.get(wanted, "")
            if not id or self._state(id, _TOMBSTONE) is not None:
                told = self._look(f"/v3/directory/room/{_part(wanted)}")
                id = id if told is None else str(told["room_id"])
            if not id:
                return ""
            self._ids[wanted] = id
        return self._ids[wanted]

    def _partner(self, room: str) -> str:
        """Who is alone with the bot in a room; empty if nobody is, or several are. It is asked each
        time: it would be known too late that somebody else came in."""
        told = self._look(f"/v3/rooms/{_part(room)}/members", {"not_membership": "leave"})
        there = {
            event["state_key"]
            for event in (told or {}).get("chunk", ())
            if _content(event).get("membership") in ("join", "invite")
        }
        others = there - {self.me}
        return others.pop() if len(others) == 1 and self.me in there else ""

    def _is_private(self, room: str) -> bool:
        return room not in self._watched and bool(self._partner(room))

    def _state(self, room: str, kind: str, key: str = "") -> dict[str, Any] | None:
        """What holds in a room; None if nothing of that kind does."""
        found = self._look(f"/v3/rooms/{_part(room)}/state/{kind}/{_part(key)}")
        return found if isinstance(found, dict) else None

    # --- what is missing -------------------------------------------------------------------------

    def check(self) -> list[Sentence]:
        """Also goes into the rooms that are open to the bot."""
        try:
            told = self._ask("GET", "/v3/account/whoami")
        except Forbidden:
            return [say("the server does not take the token: make the bot another one")]
        if not isinstance(told, dict):
            return [say("no Matrix answers at {address}", address=self._server.address)]
        self._ids.clear()
        found = [one for wanted in self._wanted for one in self._check_room(wanted)]
        self.channels()
        return found

    def check_addresses(self) -> list[Sentence]:
        return [say("Matrix shows nobody's e-mail address: accounts are tied by a code there")]

    def _check_room(self, wanted: str) -> list[Sentence]:
        room = self._room(wanted)
        if not room:
            return [say("there is no room {name}: give it this address, or its own", name=wanted)]
        if not self._join(room if wanted in self._kept else wanted):
            return [say("the bot is not in the room {name}: invite it", name=wanted)]
        if self._state(room, _TOMBSTONE) is not None:
            return [say("the room {name} is closed, another has taken its place", name=wanted)]
        found = [
            say("in the room {name}, the bot may not {do}", name=wanted, do=what)
            for kind, what in _RIGHTS.items()
            if not self._may(room, kind)
        ]
        if self._state(room, _ENCRYPTION) is not None:
            found.append(
                say(
                    "the room {name} is encrypted, and the bot cannot read it: take another",
                    name=wanted,
                )
            )
        return found

    def _may(self, room: str, kind: str) -> bool:
        """Whether the bot may send events of a kind."""
        created = self._look(f"/v3/rooms/{_part(room)}/state/m.room.create/", {"format": "event"})
        levels = self._state(room, "m.room.power_levels") or {}
        users = levels.get("users", {})
        if self.me in users or not created:
            mine = users.get(self.me, 0)
        elif self.me in (created.get("sender"), *_content(created).get("additional_creators", ())):
            return True  # from version 12 on, who made a room may do anything
        else:
            mine = levels.get("users_default", 0)
        needed = levels.get("events", {}).get(kind, levels.get("events_default", 0))
        return int(mine) >= int(needed)

    def _join(self, room: str) -> bool:
        """Whether the bot is in a room of some address or id, now that it has tried to be."""
        try:
            return self._ask("POST", f"/v3/join/{_part(room)}", {}) is not None
        except Forbidden as refused:
            _unless_token(refused)
            return False

    # --- what happens ----------------------------------------------------------------------------

    def news(self, stopping: Event) -> Iterator[News | None]:
        answers: SimpleQueue[Any] = SimpleQueue()
        ended = Event()
        # The server holds an answer back until something happens: that is waited for elsewhere, so
        # that stopping takes no time.
        Thread(target=self._poll, args=(answers, ended), daemon=True).start()
        since = ""
        try:
            while not stopping.is_set():
                try:
                    told = answers.get(timeout=0.5)
                except Empty:
                    continue
                if isinstance(told, Exception):
                    raise told
                yield from self._told(told, since) if since else self._first(told)
                since = told["next_batch"]
        finally:
            ended.set()

    def _poll(self, answers: SimpleQueue[Any], ended: Event) -> None:
        """Ask what happened, again and again."""
        query = {"filter": _filter(events=1), "timeout": "0"}
        try:
            while not ended.is_set():
                told = self._dict("GET", "/v3/sync", query=query, timeout=_POLL + 30)
                answers.put(told)
                since = str(told["next_batch"])
                query = {
                    "filter": _filter(events=100),
                    "timeout": str(_POLL * 1000),
                    "since": since,
                }
        except Exception as error:
            answers.put(error)

    def _first(self, told: Mapping[str, Any]) -> Iterator[News | None]:
        self.channels()
        rooms = told.get("rooms", {})
        for room, one in rooms.get("join", {}).items():
            for event in one["timeline"]["events"][-1:]:
                self._unheard.put((_at(event), room))
        yield None
        yield from self._invitations(rooms.get("invite", {}))

    def _invited(self, room: str) -> Iterator[News]:
        """What somebody said in private before the bot came in."""
        if self._meet(room):
            for message in self.messages(room, self.now() - _UNHEARD):
                if message.author != self.me:
                    yield News(room, message.id)

    def _meet(self, room: str) -> bool:
        """Whether a room is private: then what its person said there is answered there."""
        person = "" if room in self._watched else self._partner(room)
        if person:
            self._latest[person] = room
            if self._state(room, _ENCRYPTION) is not None:
                self._say_unreadable(room, person)
        return bool(person)

    def _told(self, told: Mapping[str, Any], since: str) -> Iterator[News | None]:
        rooms = told.get("rooms", {})
        yield from self._invitations(rooms.get("invite", {}))
        if self._watched & set(rooms.get("leave", ())):
            self.channels()
            yield None
        for room, one in rooms.get("join", {}).items():
            timeline = one["timeline"]
            if any(
                event["type"] == _MEMBER and self._about_me(event) for event in timeline["events"]
            ):
                self.channels()
                if room in self._watched:
                    yield None
                    continue
            if timeline.get("limited"):
                missed = self._missed(room, timeline.get("prev_batch", ""), since)
                if missed is None:
                    self._unheard.put((_END, room))
                    yield None
                yield from self._in_room(room, missed or [])
            yield from self._in_room(room, timeline["events"])

    def _missed(self, room: str, until: str, since: str) -> list[Mapping[str, Any]] | None:
        """What the server left out of its answer, the oldest first; None if it is too much."""
        if not until:
            return None
        pages = [*islice(self._pages(room, _TOLD, until, since), _FILLED)]
        if len(pages) == _FILLED:
            return None
        return [event for page in reversed(pages) for event in reversed(page)]

    def _in_room(self, room: str, events: Sequence[Mapping[str, Any]]) -> Iterator[News | None]:
        """What happened in a room. Of what it did itself, the bot needs no news."""
        theirs = [event for event in events if event["sender"] != self.me]
        person = "" if room in self._watched or not theirs else self._partner(room)
        if room not in self._watched and not person:
            return
        for event in theirs:
            kind = event["type"]
            if kind == _MESSAGE:
                if person:
                    self._latest[person] = room
                yield News(room, _edited(event) or event["event_id"])
            elif kind == _REACTION:
                reaction = self._reaction(event)
                if reaction is not None:
                    yield News(room, reaction.message, reacted=True)
            elif kind == _REDACTION:
                yield from self._redacted(room, _redacts(event))
            elif kind == _ENCRYPTED and person:
                self._say_unreadable(room, person)
            elif kind == _ENCRYPTION and not person:
                self._say(room, _DEAF, "encrypted")
            elif kind == _TOMBSTONE and not person:
                self._ids.clear()
                yield None

    def _about_me(self, event: Mapping[str, Any]) -> bool:
        return bool(event.get("state_key") == self.me)

    def _redacted(self, room: str, id: str) -> Iterator[News | None]:
        """Somebody took away an event."""
        message = self._reacted.pop(id, "")
        if message:
            yield News(room, message, reacted=True)
            return
        event = self._look(f"/v3/rooms/{_part(room)}/event/{_part(id)}")
        if event is not None and event["type"] == _MESSAGE:
            yield News(room, id)
        else:
            yield None  # from where a reaction was taken, nobody says: all are read again

    def _invitations(self, invitations: Mapping[str, Any]) -> Iterator[News | None]:
        """Follow an invitation into a watched room, and into the private one of anybody who is in a
        watched room; no other."""
        wanted = {self._room(one) for one in self._wanted} if invitations else set()
        for room, told in invitations.items():
            events = told.get("invite_state", {}).get("events", ())
            mine = [one for one in events if one["type"] == _MEMBER and self._about_me(one)]
            by = mine[-1]["sender"] if mine else ""
            if not (room in wanted or self._is_known(by)):
                self._leave(room)
            elif self._comes_in(room):
                if room in wanted:
                    self.channels()
                    yield None
                elif self._partner(room) == by:
                    self._remember(by, room)
                    yield from self._invited(room)
                else:
                    self._leave(room)

    def _is_known(self, person: str) -> bool:
        """Whether somebody is in a watched room."""
        there = (self._state(room, _MEMBER, person) or {} for room in self._watched)
        return any(one.get("membership") == "join" for one in there)

    def _comes_in(self, room: str) -> bool:
        try:
            return self._join(room)
        except Unreachable as error:
            if error.wait is not None:
                raise
            return False  # a room on another server that is away: that stops nobody else

    def _leave(self, room: str) -> None:
        try:
            self._ask("POST", f"/v3/rooms/{_part(room)}/leave", {})
        except Forbidden as refused:
            _unless_token(refused)
        except Unreachable as error:
            if error.wait is not None:
                raise

    # --- what is there ---------------------------------------------------------------------------

    def now(self) -> datetime:
        """To the second, rounded down: so nothing of before can still come in."""
        self._server.ask("GET", f"{_API}/versions")
        if self._server.date is None:
            raise Unreachable("the answer has no date")
        return self._server.date

    def messages(self, channel: str, since: datetime) -> Iterator[Message]:
        begin, private = _ms(since), self._is_private(channel)
        found: dict[str, Message] = {}
        changed: set[str] = set()
        reactions: set[str] = set()
        for event in self._back_to(channel, _ms(since - _LATE)):
            if event["type"] == _REACTION:
                reactions.add(event["event_id"])
            elif event["type"] == _REDACTION:
                changed |= {_redacts(event)} if _at(event) >= begin else set()
            elif _edited(event):
                changed |= {_edited(event)} if _at(event) >= begin else set()
            else:
                message = self._message(event, private)
                found[message.id] = message
        for id in changed - found.keys() - reactions:
            older = self.message(channel, id)
            if older is not None:
                found[id] = older
        told = [one for one in found.values() if one.changed_at >= since]
        yield from sorted(told, key=lambda one: one.at)

    def privates(self, since: datetime) -> Sequence[str]:
        """Of each only once, after `news` said that something may have been missed."""
        begin, rooms = _ms(since - _LATE), set()
        while not self._unheard.empty():
            at, room = self._unheard.get()
            if at >= begin:
                rooms.add(room)
        return [room for room in rooms if self._meet(room)]

    def _back_to(self, room: str, begin: int) -> Iterator[Mapping[str, Any]]:
        """What happened in a room, the newest first, until a whole page of it is older."""
        for page in self._pages(room, [_MESSAGE, _REACTION, _REDACTION]):
            yield from page
            if page and max(map(_at, page)) < begin:
                return

    def _pages(
        self, room: str, kinds: Sequence[str], until: str = "", since: str = "", sender: str = ""
    ) -> Iterator[list[Mapping[str, Any]]]:
        """A room's history, the newest first, as far as the bot may read it."""
        which = {"types": list(kinds), **({"senders": [sender]} if sender else {})}
        query = {"dir": "b", "filter": orjson.dumps(which).decode(), "limit": "50"}
        if since:
            query["to"] = since
        while True:
            if until:
                query["from"] = until
            told = self._look(f"/v3/rooms/{_part(room)}/messages", query) or {}
            yield told.get("chunk", [])
            query["limit"] = str(_PAGE)
            before, until = until, str(told.get("end") or "")
            if not until or until == before:
                return

    def message(self, channel: str, id: str) -> Message | None:
        event = self._look(f"/v3/rooms/{_part(channel)}/event/{_part(id)}")
        if event is None or event["type"] != _MESSAGE or _edited(event):
            return None
        return self._message(event, self._is_private(channel))

    def _message(self, event: Mapping[str, Any], private: bool) -> Message:
        unsigned = event.get("unsigned", {})
        content, at = _content(event), _at(event)
        text, changed = _text(content, self._handle), at
        edit = unsigned.get("m.relations", {}).get("m.replace", {})
        if edit.get("sender") == event["sender"] and "content" in edit:
            new = _content(edit).get("m.new_content")
            text, changed = _text(new if isinstance(new, dict) else {}, self._handle), _at(edit)
        gone = unsigned.get("redacted_because")
        relation = _relation(content)
        return Message(
            id=event["event_id"],
            channel=event["room_id"],
            author=event["sender"],
            text="" if gone else text,
            at=_instant(at),
            changed_at=_instant(max(at, _at(gone) if gone else changed)),
            thread=relation["event_id"] if relation["rel_type"] == "m.thread" else "",
            private=private,
            deleted=bool(gone),
            automatic=event["sender"] == self.me or content.get("msgtype") == "m.notice",
        )

    def reactions(self, channel: str, messages: Sequence[str]) -> Mapping[str, Sequence[Reaction]]:
        found: dict[str, Sequence[Reaction]] = {}
        if len(messages) > _ONE_BY_ONE:
            found.update(self._off_history(channel, messages))
        for id in messages:
            if id not in found:
                there = self._reactions(channel, id)
                if there is not None:
                    found[id] = there
        return found

    def _off_history(self, room: str, messages: Sequence[str]) -> dict[str, Sequence[Reaction]]:
        """The reactions to many messages, as far back as it is worth while. Those that were taken
        away are empty there."""
        missing, seen = set(messages), set()
        there: dict[str, list[Reaction]] = defaultdict(list)
        pages = self._pages(room, [_MESSAGE, _REACTION])
        for page in islice(pages, len(messages) // _PER_PAGE):
            for event in page:
                reaction = self._reaction(event)
                if reaction is not None:
                    there[reaction.message].append(reaction)
                elif event["event_id"] in missing:
                    seen.add(event["event_id"])
            if seen >= missing:
                break
        return {id: _oldest_first(reversed(there[id])) for id in seen}

    def _reactions(self, room: str, message: str) -> Sequence[Reaction] | None:
        """The reactions to a message; None where nobody knows."""
        path = f"/v1/rooms/{_part(room)}/relations/{_part(message)}/m.annotation/{_REACTION}"
        query, found = {"dir": "f", "limit": str(_PAGE)}, []
        while True:
            told = self._look(path, query)
            if told is None:
                return None
            found += [one for one in map(self._reaction, told["chunk"]) if one is not None]
            if not told.get("next_batch"):
                return _oldest_first(found)
            query["from"] = told["next_batch"]

    def _reaction(self, event: Mapping[str, Any]) -> Reaction | None:
        """What an event says, if it is a reaction that is still there; it is kept in mind."""
        relation = _relation(_content(event))
        id, message = event["event_id"], relation["event_id"]
        if event["type"] != _REACTION or relation["rel_type"] != "m.annotation" or not message:
            return None
        self._reacted.pop(id, None)
        self._reacted[id] = message
        if len(self._reacted) > _REMEMBERED:
            self._reacted.pop(next(iter(self._reacted)), None)
        return Reaction(message, event["sender"], relation["key"], _instant(_at(event)))

    def person(self, id: str) -> Person | None:
        if id.partition(":")[2] == self._domain:
            # Of another server's people nothing is asked there: it may be away.
            known = self._look(f"/v3/profile/{_part(id)}") is not None
        else:
            known = id in self._people()
        return self._person(id) if known else None

    def called(self, handle: str) -> Person | None:
        handle = handle.lstrip("@").casefold()
        people = sorted(self._people())
        of_name = [id for id in people if id[1:].casefold().partition(":")[0] == handle]
        here = [id for id in of_name if id.partition(":")[2] == self._domain]
        whole = [id for id in people if id[1:].casefold() == handle]
        for found in (whole, here, of_name):
            if len(found) == 1:
                return self._person(found[0])
        return None

    def _people(self) -> set[str]:
        """Who is in the watched rooms."""
        told = [self._look(f"/v3/rooms/{_part(one.id)}/joined_members") for one in self.channels()]
        return {id for one in told if one for id in one["joined"]}

    def _person(self, id: str) -> Person:
        return Person(id, self._handle(id), bot=id == self.me)

    def _handle(self, id: str) -> str:
        """How somebody is called: by their whole id if they are of another server."""
        name, _, domain = id.removeprefix("@").partition(":")
        return name if domain == self._domain else f"{name}:{domain}"

    # --- private rooms ---------------------------------------------------------------------------

    def private(self, person: str) -> str:
        remembered = self._direct().get(person, [])
        known = [*remembered, *filter(None, [self._latest.get(person)])]
        for room in reversed(known):
            if self._partner(room) == person and self._is_readable(room):
                return str(room)
        room = next((one for one in reversed(known) if self._is_empty(one)), "")
        if not room:
            # The preset by which only who made it can have it encrypted. Nobody is invited yet:
            # were that refused, the room would be there all the same, and nobody know of it.
            made = {"preset": "private_chat", "is_direct": True}
            room = str(self._dict("POST", "/v3/createRoom", made)["room_id"])
            # Were it not remembered either: so it is at least found as long as the bot runs.
            self._latest[person] = room
        if room not in remembered:
            self._remember(person, room)
        path = f"/v3/rooms/{_part(room)}/state/{_MEMBER}/{_part(person)}"
        self._ask("PUT", path, {"membership": "invite", "is_direct": True})
        return str(room)

    def _is_empty(self, room: str) -> bool:
        """Whether a private room was made by the bot, and nobody came to it yet."""
        told = self._look(f"/v3/rooms/{_part(room)}/members") or {}
        known = [one["state_key"] for one in told.get("chunk", ())]
        return known == [self.me] and self._is_readable(room)

    def _is_readable(self, room: str) -> bool:
        """Whether the bot can read there, or could not elsewhere either: what it made itself is
        encrypted only where the server encrypts everything."""
        if self._state(room, _ENCRYPTION) is None:
            return True
        path = f"/v3/rooms/{_part(room)}/state/m.room.create/"
        return bool((self._look(path, {"format": "event"}) or {}).get("sender") == self.me)

    def _direct(self) -> dict[str, list[str]]:
        """The private rooms, by person, the newest last. The server keeps them for the bot."""
        told = self._look(f"/v3/user/{_part(self.me)}/account_data/m.direct") or {}
        return {
            person: [room for room in rooms if isinstance(room, str)]
            for person, rooms in told.items()
            if isinstance(rooms, list)
        }

    def _remember(self, person: str, room: str) -> None:
        direct = self._direct()
        others = [one for one in direct.get(person, ()) if one != room]
        told = {**direct, person: [*others, room]}
        self._ask("PUT", f"/v3/user/{_part(self.me)}/account_data/m.direct", told)
        self._latest[person] = room

    def _say_unreadable(self, room: str, person: str) -> None:
        """Say in an encrypted room, once, where the bot can be written to."""
        self._latest.pop(person, None)
        own = self.private(person)
        link = f"https://matrix.to/#/{_linked(own)}?via={_linked(self._domain)}"
        said = _NOWHERE if own == room else say(_ELSEWHERE.message, link=link)
        self._say(room, said, "unreadable")

    def _say(self, room: str, sentence: Sentence, key: str) -> None:
        """Say something in every language: here nobody knows which is spoken."""
        said = [Language(one).say(sentence) for one in LANGUAGES]
        self.send(room, "\n\n".join(said), key=key)

    # --- what the bot does -----------------------------------------------------------------------

    def send(
        self, channel: str, text: str, *, key: str, thread: str = "", files: Iterable[Enclosed] = ()
    ) -> str:
        # In private as from a person: of a bot's notices clients tell nobody.
        kind = "m.notice" if channel in self._watched else "m.text"
        sent = self._send(channel, key, partial(_written, text, kind), thread)
        for number, file in enumerate(files):
            self._send(channel, f"{key} {number}", partial(self._upload, file), thread)
        return sent

    def _send(self, room: str, key: str, make: Callable[[], dict[str, Any]], thread: str) -> str:
        mark = self._mark(key)
        sent = self._mine(room)
        if mark not in sent:
            content = {**make(), _MARK: mark}
            try:
                sent[mark] = self._put(room, _MESSAGE, mark, {**content, **_in_thread(thread)})
            except Unreachable:
                self._sent.pop(room, None)  # it may be there all the same: that is looked up
                raise
            except Forbidden as refused:
                if refused.status != 400 or not thread:
                    raise
                # What it answers is gone: then it stands by itself.
                sent[mark] = self._put(room, _MESSAGE, f"{mark}0", content)
        return sent[mark]

    def _put(self, room: str, kind: str, mark: str, content: Mapping[str, Any]) -> str:
        """Send an event. For some time, the server itself knows it again by the mark."""
        told = self._ask("PUT", f"/v3/rooms/{_part(room)}/send/{kind}/{mark}", content)
        if told is None:
            raise Forbidden(404, {})
        return str(told["event_id"])

    def _mark(self, key: str) -> str:
        """What a message can be known by; others may speak by the same account, of other rooms."""
        of = orjson.dumps(self._wanted)
        return sha256(of).hexdigest()[:8] + sha256(key.encode()).hexdigest()[:24]

    def _mine(self, room: str) -> dict[str, str]:
        """What the bot sent there, as far back as matters: as it sends one after the other, only
        the last may have been sent without our knowing."""
        if room not in self._sent:
            found: dict[str, str] = {}
            pages = self._pages(room, [_MESSAGE], sender=self.me)
            for page in islice(pages, _LOOKED_THROUGH):
                for event in page:
                    mark = str(_content(event).get(_MARK, ""))
                    if mark.startswith(self._mark("")[:8]):
                        found[mark] = event["event_id"]
                if found:
                    break
            self._sent[room] = found
        return self._sent[room]

    def _upload(self, file: Enclosed) -> dict[str, Any]:
        told = self._server.ask(
            "POST",
            "/_matrix/media/v3/upload",
            file.content,
            query={"filename": file.name},
            media_type=file.media_type,
            timeout=120,
        )
        if told is None:
            raise Forbidden(404, {})
        about = {"mimetype": file.media_type, "size": len(file.content)}
        return {"msgtype": "m.file", "body": file.name, "url": told["content_uri"], "info": about}

    def edit(self, channel: str, id: str, text: str) -> None:
        kind = "m.notice" if channel in self._watched else "m.text"
        new = _written(text, kind)
        content = {
            "msgtype": kind,
            "body": f"* {text.strip().split(chr(10))[0][:200]}",  # for who cannot show edits
            "m.mentions": {},
            "m.new_content": new,
            "m.relates_to": {"rel_type": "m.replace", "event_id": id},
        }
        self._unless_gone(channel, _MESSAGE, secrets.token_hex(16), content)

    def react(self, channel: str, id: str, sign: str) -> None:
        content = {"m.relates_to": {"rel_type": "m.annotation", "event_id": id, "key": sign}}
        self._unless_gone(channel, _REACTION, self._mark(f"{id} {sign}"), content)

    def _unless_gone(self, room: str, kind: str, mark: str, content: Mapping[str, Any]) -> None:
        """Send what belongs to a message; not if that is gone, or has it already, or if the bot is
        no longer in the room."""
        try:
            self._ask("PUT", f"/v3/rooms/{_part(room)}/send/{kind}/{mark}", content)
        except Forbidden as refused:
            _unless_token(refused)
            me = self._state(room, _MEMBER, self.me) or {}
            if refused.status != 400 and me.get("membership") == "join":
                raise

    def link(self, channel: str, id: str) -> str:
        return f"https://matrix.to/#/{_linked(channel)}/{_linked(id)}?via={_linked(self._domain)}"

    # --- asking ----------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: object = None, **more: Any) -> Any:
        return self._server.ask(method, _API + path, body, **more)

    def _dict(self, method: str, path: str, body: object = None, **more: Any) -> dict[str, Any]:
        told = self._ask(method, path, body, **more)
        if not isinstance(told, dict):
            raise Unreachable("no Matrix answers there")
        return told

    def _look(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What is there; None where nothing is, or nothing that the bot may see."""
        try:
            return self._ask("GET", path, query=query)
        except Forbidden as refused:
            _unless_token(refused)
            return None


def _unless_token(refused: Forbidden) -> None:
    """Raise it again if it is the token that is refused, and with it everything."""
    if refused.status == 401:
        raise refused


def _filter(events: int) -> str:
    nothing: dict[str, Any] = {"types": []}
    told = {"types": _TOLD, "limit": events}
    room = {"timeline": told, "state": nothing, "ephemeral": nothing, "account_data": nothing}
    return orjson.dumps({"presence": nothing, "account_data": nothing, "room": room}).decode()


# --- what events say: anybody can put anything into them -----------------------------------------


def _content(event: Mapping[str, Any]) -> dict[str, Any]:
    found = event.get("content")
    return found if isinstance(found, dict) else {}


def _relation(content: Mapping[str, Any]) -> dict[str, str]:
    found = content.get("m.relates_to")
    if not isinstance(found, dict):
        found = {}
    told = {key: found.get(key) for key in ("rel_type", "event_id", "key")}
    return {key: one if isinstance(one, str) else "" for key, one in told.items()}


def _edited(event: Mapping[str, Any]) -> str:
    """The message that an event puts other words into; empty if it is none of that kind."""
    relation = _relation(_content(event))
    return relation["event_id"] if relation["rel_type"] == "m.replace" else ""


def _redacts(event: Mapping[str, Any]) -> str:
    """What was taken away: older rooms say it elsewhere."""
    return str(_content(event).get("redacts") or event.get("redacts") or "")


def _text(content: Mapping[str, Any], handle: Callable[[str], str]) -> str:
    """What a message says, its mentions written as handles."""
    body = content.get("body")
    is_file = content.get("msgtype") not in ("m.text", "m.emote", "m.notice")
    if not isinstance(body, str) or (is_file and content.get("filename", body) == body):
        return ""  # the name of a file says nothing
    if isinstance(content.get("m.relates_to"), dict) and "m.in_reply_to" in content["m.relates_to"]:
        body = re.sub(r"\A(?:>.*\n)+\n", "", body)  # what it answers, as older clients repeat it
    told = content.get("formatted_body")
    for id, name in _PILL.findall(told if isinstance(told, str) else ""):
        shown = html.unescape(re.sub("<[^>]*>", "", name))
        if shown:
            body = body.replace(shown, f"@{handle(unquote(id))}", 1)
    return body.replace("\0", "")


def _at(event: Mapping[str, Any]) -> int:
    """When it was sent, in milliseconds, by the clock of the server that sent it."""
    return max(0, min(int(event["origin_server_ts"]), _END))


def _oldest_first(reactions: Iterable[Reaction]) -> list[Reaction]:
    return sorted(reactions, key=lambda one: one.at)


# --- what events are made of ---------------------------------------------------------------------


def _written(text: str, kind: str) -> dict[str, Any]:
    """A message that calls nobody, and that the server takes."""
    plain = {"msgtype": kind, "body": text, "m.mentions": {}}
    shown = {"format": "org.matrix.custom.html", "formatted_body": str(to_html(text)).strip()}
    for content in ({**plain, **shown}, plain):
        if len(orjson.dumps(content)) <= _LARGEST:
            return content
    return {**plain, "body": text.encode()[: _LARGEST // 2].decode(errors="ignore") + "…"}


def _in_thread(root: str) -> dict[str, Any]:
    if not root:
        return {}
    answers = {"is_falling_back": True, "m.in_reply_to": {"event_id": root}}
    return {"m.relates_to": {"rel_type": "m.thread", "event_id": root, **answers}}


def _part(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def _linked(name: str) -> str:
    return quote(name, safe="!$:#@")


def _ms(instant: datetime) -> int:
    return (instant - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)
