"""What a test does in a chat as its people would: the same on every system."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from toutdoux.chat.system import Chat, Message


class World(Protocol):
    """A server with a channel of its own for the test, in which the bot is."""

    chat: Chat
    """The bot's connection, of which the test reads the news itself."""

    def connect(self) -> Chat:
        """The bot's connection, as it is after a start: with the ids that a set-up had kept."""

    def renames(self) -> None:
        """The channel gets another name, and is called by the old one no more."""

    def now(self) -> datetime:
        """The present instant, by the server's clock."""

    def account(self, name: str) -> str:
        """Somebody's id there; they are made, and in the channel, when first named."""

    def says(self, name: str, text: str, *, thread: str = "") -> str:
        """Somebody writes in the channel. Returns the message's id."""

    def whispers(self, name: str, text: str) -> str:
        """Somebody writes to the bot in private."""

    def edits(self, name: str, message: str, text: str) -> None:
        """Somebody puts other words into their own message."""

    def deletes(self, name: str, message: str) -> None:
        """Somebody takes their own message away."""

    def reacts(self, name: str, message: str, sign: str = "👍") -> None:
        """Somebody reacts with a sign: 👍, 👎, 🤷, also with a skin tone, or any other."""

    def takes_back(self, name: str, message: str, sign: str = "👍") -> None:
        """Somebody takes their reaction away."""

    def of_bot(self) -> Sequence[Message]:
        """The bot's messages in the channel as they are now, the oldest first."""

    def told(self, name: str) -> Sequence[str]:
        """What the bot has told somebody in private, the oldest first."""

    def signs(self, message: str) -> set[str]:
        """The signs under a message, as the interface gives them, whosever they are."""
