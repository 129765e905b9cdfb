"""A chat in memory, for speed and for faults: it keeps the interface's word, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event

from toutdoux.chat.system import (
    Channel,
    Enclosed,
    Forbidden,
    Message,
    News,
    Person,
    Reaction,
    Unreachable,
)
from toutdoux.core.words import Sentence

BEGIN = datetime(2026, 3, 3, 9, tzinfo=UTC)


@dataclass
class Memory:
    """A server with one channel, `place`, in which the bot is. Its clock stands until moved."""

    system: str = "memory"
    server: str = "memory here"
    me: str = "bot"
    clock: datetime = BEGIN
    told: list[News | None] = field(default_factory=lambda: [None])
    """What the bot will be told."""
    edits: int = 0
    down: bool = False
    breaks_after: int | None = None
    """After how many more questions it goes away."""

    def __post_init__(self) -> None:
        self.all: dict[str, Message] = {}
        self.signs: dict[tuple[str, str, str], datetime] = {}
        self.people = {"bot": Person("bot", "toutdoux", bot=True)}
        self.keys: dict[str, str] = {}
        self.files: list[Enclosed] = []
        self._ids = count(1)
        self.name = "place"
        self.ids: dict[str, str] = {}

    # --- what people do --------------------------------------------------------------------------

    def after(self, **passed: float) -> None:
        self.clock += timedelta(**passed)

    def says(self, who: str, text: str, channel: str = "place", thread: str = "") -> str:
        self.people.setdefault(who, Person(who, who))
        self.after(seconds=1)
        id = f"m{next(self._ids)}"
        private = channel.startswith("private")
        self.all[id] = Message(
            id, channel, who, text, self.clock, self.clock, thread, private, automatic=who == "bot"
        )
        self.told.append(News(channel, id))
        return id

    def reacts(self, who: str, message: str, sign: str = "👍") -> None:
        self.people.setdefault(who, Person(who, who))
        self.after(seconds=1)
        self.signs[message, who, sign] = self.clock
        self.told.append(News(self.all[message].channel, message, reacted=True))

    def takes_back(self, who: str, message: str, sign: str = "👍") -> None:
        self.after(seconds=1)
        del self.signs[message, who, sign]
        self.told.append(News(self.all[message].channel, message, reacted=True))

    def edits_to(self, message: str, text: str) -> None:
        self.after(seconds=1)
        self.all[message] = replace(self.all[message], text=text, changed_at=self.clock)
        self.told.append(News(self.all[message].channel, message))

    def deletes(self, message: str) -> None:
        self.after(seconds=1)
        self.all[message] = replace(self.all[message], text="", deleted=True, changed_at=self.clock)
        self.told.append(News(self.all[message].channel, message))

    def of_bot(self, channel: str = "place") -> list[Message]:
        return [one for one in self.all.values() if one.author == "bot" and one.channel == channel]

    # --- what the bot asks -----------------------------------------------------------------------

    def _there(self) -> None:
        if self.breaks_after is not None:
            self.breaks_after -= 1
        if self.down or (self.breaks_after is not None and self.breaks_after < 0):
            raise Unreachable("the server is away")

    def check(self) -> list[Sentence]:
        return []

    def check_addresses(self) -> list[Sentence]:
        return []

    def channels(self) -> Sequence[Channel]:
        self._there()
        if "place" not in (self.name, *self.ids):
            return []
        self.ids["place"] = "place"
        return [Channel("place", self.name)]

    def known(self) -> Mapping[str, str]:
        self.channels()
        return self.ids

    def news(self, stopping: Event) -> Iterator[News | None]:
        self._there()
        while self.told:
            yield self.told.pop(0)

    def now(self) -> datetime:
        self._there()
        return self.clock

    def messages(self, channel: str, since: datetime) -> Iterator[Message]:
        self._there()
        yield from [
            one for one in self.all.values() if one.channel == channel and one.changed_at >= since
        ]

    def privates(self, since: datetime) -> Sequence[str]:
        self._there()
        return sorted({one.channel for one in self.all.values() if one.private and one.at >= since})

    def message(self, channel: str, id: str) -> Message | None:
        self._there()
        return self.all.get(id)

    def reactions(self, channel: str, messages: Sequence[str]) -> Mapping[str, Sequence[Reaction]]:
        self._there()
        found: dict[str, list[Reaction]] = {id: [] for id in messages if id in self.all}
        for (message, who, sign), at in sorted(self.signs.items(), key=lambda one: one[1]):
            if message in found:
                found[message].append(Reaction(message, who, sign, at))
        return found

    def person(self, id: str) -> Person | None:
        self._there()
        return self.people.get(id)

    def called(self, handle: str) -> Person | None:
        self._there()
        return next((one for one in self.people.values() if one.handle == handle), None)

    def private(self, person: str) -> str:
        self._there()
        return f"private {person}"

    def send(
        self, channel: str, text: str, *, key: str, thread: str = "", files: Iterable[Enclosed] = ()
    ) -> str:
        self._there()
        if key not in self.keys:
            self.files += files
            self.keys[key] = self.says("bot", text, channel, thread)
        return self.keys[key]

    def edit(self, channel: str, id: str, text: str) -> None:
        self._there()
        if self.all[id].author != self.me:
            raise Forbidden(403, {})
        self.all[id] = replace(self.all[id], text=text, changed_at=self.clock)
        self.edits += 1

    def react(self, channel: str, id: str, sign: str) -> None:
        self._there()
        self.signs.setdefault((id, self.me, sign), self.clock)

    def link(self, channel: str, id: str) -> str:
        return f"https://chat.example.org/pl/{id}"


class MemoryWorld:
    """What a test does in it as its people would."""

    def __init__(self, chat: Memory) -> None:
        self.chat = chat
        self.kept = dict(chat.known()) if not chat.down else {}

    def connect(self) -> Memory:
        self.chat.told[:] = [None]
        self.chat.ids = dict(self.kept)
        return self.chat

    def renames(self) -> None:
        self.chat.name = "elsewhere"

    def now(self) -> datetime:
        self.chat.after(seconds=1)  # as elsewhere, time has passed whenever one looks
        return self.chat.clock

    def account(self, name: str) -> str:
        self.chat.people.setdefault(name, Person(name, name))
        return name

    def says(self, name: str, text: str, *, thread: str = "") -> str:
        return self.chat.says(name, text, thread=thread)

    def whispers(self, name: str, text: str) -> str:
        return self.chat.says(name, text, f"private {name}")

    def edits(self, name: str, message: str, text: str) -> None:
        self.chat.edits_to(message, text)

    def deletes(self, name: str, message: str) -> None:
        self.chat.deletes(message)

    def reacts(self, name: str, message: str, sign: str = "👍") -> None:
        self.chat.reacts(name, message, sign)

    def takes_back(self, name: str, message: str, sign: str = "👍") -> None:
        self.chat.takes_back(name, message, sign)

    def of_bot(self) -> Sequence[Message]:
        return self.chat.of_bot()

    def told(self, name: str) -> Sequence[str]:
        return [one.text for one in self.chat.of_bot(f"private {name}")]

    def signs(self, message: str) -> set[str]:
        return {sign for id, _, sign in self.chat.signs if id == message}
