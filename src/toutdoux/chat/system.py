"""What a chat system must be able to do for the bot: the one interface between the two.

A chat tells *that* something happened; what is so, the bot asks for. So an event that is missed,
doubled or out of order loses nothing: the server's present state is the truth, and it is read
again whenever there is reason to. A new chat system is one module with a class that does this.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Protocol

from toutdoux.core.words import Sentence


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the server. Their name is theirs to choose: it proves nothing."""

    id: str
    handle: str
    email: str = ""
    """Empty unless the server itself has verified it."""
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    channel: str
    author: str
    text: str
    at: datetime
    """When it was sent, by the server's clock, in UTC."""
    changed_at: datetime
    """When it was last edited; else `at`."""
    thread: str = ""
    """The message it answers, if it stands in a thread."""
    private: bool = False
    """Whether its channel is between its author and the bot alone."""
    deleted: bool = False
    automatic: bool = False
    """Sent by a bot, a webhook or the server itself."""


@dataclass(frozen=True, slots=True)
class Reaction:
    message: str
    person: str
    emoji: str
    """A sign (`👍`), or the name that the system gives it (`+1`)."""
    at: datetime


@dataclass(frozen=True, slots=True)
class News:
    """Something happened to a message: it was sent, edited, deleted or reacted to."""

    channel: str
    message: str
    reacted: bool = False
    """Whether it was a reaction that came or went."""


@dataclass(frozen=True, slots=True)
class Channel:
    id: str
    name: str


class Unreachable(Exception):
    """The server does not answer, or asks to wait; it will be tried again."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait
        """The seconds the server asked for, if it did."""


class Forbidden(Exception):
    """The server refuses: the token, the channel, or the right to do this."""

    def __init__(self, status: int, told: Mapping[str, object]) -> None:
        super().__init__(f"{status} {told.get('errcode') or told.get('id') or ''}".strip())
        self.status = status
        self.told = told


class Chat(Protocol):
    """One association's connection to one server. All calls may raise `Unreachable` (try again) and
    `Forbidden` (somebody has to do something about it)."""

    system: str
    """`mattermost`, `matrix` …"""
    server: str
    """The system and the server's address: ids mean something there only."""

    @property
    def me(self) -> str:
        """The bot's own id there."""

    def check(self) -> list[Sentence]:
        """What is missing for the bot to work: nothing if all is well."""

    def check_addresses(self) -> list[Sentence]:
        """What keeps the bot from knowing people's e-mail addresses, verified by the server."""

    def channels(self) -> Sequence[Channel]:
        """The watched channels that the bot is in."""

    def known(self) -> Mapping[str, str]:
        """The ids of the watched channels, by what they were called when the bot was set up, as far
        as they were found: kept and given again, they are found when they are renamed."""

    def news(self, stopping: Event) -> Iterator[News | None]:
        """What happens, as it happens. `None` means that news may have been missed: at first, and
        after every interruption. Ends when told to stop; raises `Unreachable` when interrupted."""

    def now(self) -> datetime:
        """The present instant by the server's clock."""

    def messages(self, channel: str, since: datetime) -> Iterator[Message]:
        """All messages that were sent, edited or deleted since an instant, the oldest first."""

    def message(self, channel: str, id: str) -> Message | None:
        """A message as it is now; None where there is none."""

    def privates(self, since: datetime) -> Sequence[str]:
        """The channels between somebody and the bot alone in which something may have been said
        since an instant that was not told as news."""

    def reactions(self, channel: str, messages: Sequence[str]) -> Mapping[str, Sequence[Reaction]]:
        """The reactions that are there now, by message, the oldest first. A message that was
        deleted may keep those it had. Nothing is said of one that is gone for good, or that the
        bot may not read any more: of those, nobody knows."""

    def person(self, id: str) -> Person | None:
        """Somebody; None if the server knows nobody of that id any more."""

    def called(self, handle: str) -> Person | None:
        """Whoever is called so in a mention."""

    def private(self, person: str) -> str:
        """The channel between somebody and the bot alone; opened if need be."""

    def send(
        self, channel: str, text: str, *, key: str, thread: str = "", files: Iterable[Enclosed] = ()
    ) -> str:
        """Send a message in Markdown. Returns its id. Sent again with the same key, it is there
        once."""

    def edit(self, channel: str, id: str, text: str) -> None:
        """Put other words into a message of the bot's own."""

    def react(self, channel: str, id: str, sign: str) -> None:
        """Put a reaction of the bot's own under a message; there already, nothing changes."""

    def link(self, channel: str, id: str) -> str:
        """The address of a message, for everybody who may read it."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that goes with a message."""

    name: str
    media_type: str
    content: bytes

    def kept(self) -> list[str]:
        """As it is kept until it is sent."""
        return [self.name, self.media_type, b64encode(self.content).decode()]

    @classmethod
    def of(cls, kept: Sequence[str]) -> Enclosed:
        return cls(kept[0], kept[1], b64decode(kept[2]))
