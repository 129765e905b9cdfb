"""Which chats the bot is in: kept in a file that only its user can read, because of the tokens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hmac import compare_digest
from pathlib import Path

import orjson

from toutdoux.config.home import home
from toutdoux.core.charter import Kind
from toutdoux.core.history import Choice
from toutdoux.core.words import Refusal, say

from .saying import HASHTAGS, SIGNS, WAKING, Habits
from .system import Chat

FILE = "chat.json"
SYSTEMS = ("mattermost", "matrix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the bot reaches one association's chat."""

    association: str
    """The association's short name."""
    system: str
    address: str
    token: str = field(default="", repr=False)
    """Empty where the environment has it (`TOUTDOUX_CHAT_TOKEN`)."""
    team: str = ""
    """Of Mattermost: the team's name, as it is in addresses."""
    channels: tuple[str, ...] = ()
    ids: dict[str, str] = field(default_factory=dict)
    """What the channels were when they were set up: they may be called otherwise since."""
    command_token: str = field(default="", repr=False)
    """Of Mattermost: what its slash command is known by, where there is one and the environment
    does not have it (`TOUTDOUX_CHAT_COMMAND_TOKEN`)."""
    by_email: bool = False
    """Whether accounts are tied to members by their e-mail addresses, where the server has verified
    them."""
    hashtags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other hashtags than the usual ones, by kind of action."""
    signs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other signs than the usual ones, by choice; the bot puts the first of each."""

    waking: tuple[int, int] = WAKING
    """The hours of the day between which people are reminded."""

    def open(self) -> Chat:
        """Reach it. Raises `Unreachable` and `Forbidden` as soon as something is asked."""
        # Its own first: the one in the environment is another's if there are several.
        token = self.token or os.environ.get("TOUTDOUX_CHAT_TOKEN", "")
        if self.system == "matrix":
            from .matrix import Matrix

            return Matrix(self.address, token, self.channels, self.ids)
        from .mattermost import Mattermost

        return Mattermost(self.address, token, self.team, self.channels, self.ids)

    def habits(self) -> Habits:
        return Habits(
            {kind: tuple(self.hashtags.get(kind, HASHTAGS[kind])) for kind in Kind},
            {choice: tuple(self.signs.get(choice, SIGNS[choice])) for choice in Choice},
            (self.waking[0], self.waking[1]),
            self.by_email,
        )

    def command_is(self, token: str) -> bool:
        """Whether a slash command's token is the right one; told in the same time, right or not."""
        known = self._command_token()
        return compare_digest(token.encode(), known.encode()) and bool(known)

    @property
    def has_command(self) -> bool:
        """Whether there is a slash command."""
        return bool(self._command_token())

    def _command_token(self) -> str:
        return os.environ.get("TOUTDOUX_CHAT_COMMAND_TOKEN") or self.command_token

    def team_is(self, id: str, name: str) -> bool:
        """Whether a team of Mattermost's is the one whose chat this is."""
        known = self.ids.get(f"{self.team}/")
        return id == known if known else self.team in (id, name)


def connections() -> list[Connection]:
    """All there are. Raises `Refusal` where the file cannot be read."""
    try:
        told = orjson.loads(_file().read_bytes())
        return [Connection(**one) for one in told]
    except FileNotFoundError:
        return []
    except (OSError, TypeError, orjson.JSONDecodeError) as error:
        raise Refusal(
            say("{file} cannot be read: {problem}", file=str(_file()), problem=str(error)),
            say("put it right, or set the chat up again with toutdoux chat setup"),
        ) from None


def known(association: str, system: str) -> Connection | None:
    """The one that an association has to a system."""
    all_ = {(one.association, one.system): one for one in connections()}
    return all_.get((association, system))


def keep(connection: Connection) -> None:
    """Keep one, in the place of the one the association had to that system."""
    others = [
        one
        for one in connections()
        if (one.association, one.system) != (connection.association, connection.system)
    ]
    _write([*others, connection])


def drop(association: str, system: str) -> None:
    """Forget one."""
    _write([one for one in connections() if (one.association, one.system) != (association, system)])


def _write(told: Sequence[Connection]) -> None:
    """Whole or not at all."""
    part = _file().with_name(f".{FILE}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
        made.write(orjson.dumps([asdict(one) for one in told], option=orjson.OPT_INDENT_2))
    part.replace(_file())


def _file() -> Path:
    return home() / FILE
