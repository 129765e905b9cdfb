"""Whatever a server says, and whoever else reads, the bot stays up and its secrets its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.chat.mattermost import StandIn
from tests.chat.rooms import Room
from toutdoux.actions import commands
from toutdoux.chat import codes
from toutdoux.chat.connections import Connection
from toutdoux.chat.http import Server
from toutdoux.chat.system import Unreachable

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("30", 30.0),
        ("Mon, 02 Mar 2026 12:02:00 GMT", 120.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", -3600.0),
        ("Fri, 31 Dec 9999 23:59:59 -0100", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_how_long_a_server_asks_to_wait(stand_in: StandIn, asked: str, wait: float | None) -> None:
    stand_in.date = NOON
    stand_in.answer("GET /busy", {}, 429, **{"Retry-After": asked})
    with pytest.raises(Unreachable) as met:
        Server(f"{stand_in.address}/api/v4", "token").ask("GET", "/busy")
    assert met.value.wait == wait


@pytest.mark.parametrize(("own", "sent"), [("own", "own"), ("", "of the environment")])
def test_a_connections_own_token_comes_before_the_environments(
    own: str, sent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUTDOUX_CHAT_TOKEN", "of the environment")
    for system, kind in (("mattermost", "Mattermost"), ("matrix", "Matrix")):
        monkeypatch.setattr(f"toutdoux.chat.{system}.{kind}", lambda *told: told[1])
        address = "https://chat.example.org"
        made = Connection(association="a", system=system, address=address, token=own)
        assert str(made.open()) == sent


@pytest.mark.parametrize("said", ["{code}", "@toutdoux {code}", "@toutdoux inscription {code}"])
def test_a_code_that_is_said_in_a_channel_is_void_also_if_said_to_the_bot(
    home: Path, said: str
) -> None:
    room = Room()
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    code = codes.make(request, room.members["driss"])
    room.chat.says("driss", said.format(code=code))
    room.turn()
    assert "it is void" in room.chat.of_bot("private driss")[0].text
    for who in ("zoe", "driss"):
        room.chat.says(who, f"inscription {code}", f"private {who}")
        room.turn()
        assert "is not known" in room.chat.of_bot(f"private {who}")[-1].text
