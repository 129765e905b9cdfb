"""Mattermost's slash command: what somebody says by it is answered to them alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.chat.mattermost import StandIn
from tests.chat.memory import Memory
from tests.chat.rooms import Room
from tests.cli.running import COMMAND, ENGLISH, assert_one_sentence, environment, run
from toutdoux.chat.connections import Connection, keep
from toutdoux.web import limits

SERVER = "mattermost https://chat.example.org"
TOKEN = "q8yxn3s6obrh9d1fszm7u5pzte"


def slug_of(room: Room) -> str:
    from toutdoux.association.models import Association

    return Association.objects.get(pk=room.id).slug


@pytest.fixture
def room(home: Path) -> Room:
    """An association in a chat that is called as a Mattermost server is."""
    cache.clear()
    room = Room(Memory(system="mattermost", server=SERVER))
    room.turn()
    connection = Connection(
        association=slug_of(room),
        system="mattermost",
        address="https://chat.example.org",
        token="bot",
        team="loutres",
        ids={"loutres/": "t1"},
        channels=("actions",),
        command_token=TOKEN,
    )
    keep(connection)
    return room


def post(room: Room, who: str, text: str, **other: str) -> Any:
    slug = slug_of(room)
    told = {
        "token": TOKEN,
        "team_id": "t1",
        "team_domain": "loutres",
        "channel_id": "c1",
        "user_id": who,
        "user_name": who,
        "command": "/toutdoux",
        "text": text,
        "trigger_id": f"{who} {text}",
        **other,
    }
    return Client(enforce_csrf_checks=True).post(f"/a/{slug}/chat/command", told)


def said(room: Room, who: str, text: str) -> str:
    answer = post(room, who, text)
    assert answer.status_code == 200
    told = answer.json()
    assert told["response_type"] == "ephemeral"
    return str(told["text"])


def propose(room: Room) -> str:
    from datetime import UTC, datetime

    room.chat.clock = datetime.now(UTC)
    message = room.chat.says("ana", "#action-extraordinaire Ouvrir un service")
    room.turn()
    return message


def test_it_answers_what_the_bot_would(room: Room) -> None:
    propose(room)
    assert "AE1" in said(room, "bob", "à voter")
    assert "**why** AE30" in said(room, "bob", "")
    assert "did you mean pourquoi" in said(room, "bob", "purquoi AE1")


def test_what_is_done_by_it_is_done_once(room: Room) -> None:
    from toutdoux.ledger.models import Ledger

    propose(room)
    first = said(room, "bob", "contre-vote AE1 Trop cher")
    before = Ledger.objects.get().length
    assert said(room, "bob", "contre-vote AE1 Trop cher") == first
    assert Ledger.objects.get().length == before
    assert room.action("AE1").state == "counter_vote"


def test_a_code_can_be_said_by_it_and_reactions_of_before_count(room: Room) -> None:
    from datetime import UTC, datetime

    from toutdoux.actions import commands
    from toutdoux.chat import codes

    message = propose(room)
    room.chat.reacts("dr", message)
    room.turn()
    assert room.tally("AE1") == (0, 0, 0)
    assert "I do not know whose chat account" in said(room, "dr", "à voter")
    request = commands.Request(association=room.id, now=datetime.now(UTC), via="cli")
    code = codes.make(request, room.members["driss"])
    assert "Welcome, Driss Amar" in said(room, "dr", f"inscription {code}")
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_a_file_comes_from_the_bot_in_private(room: Room) -> None:
    from datetime import UTC, date, datetime

    from toutdoux.actions import commands

    propose(room)
    request = commands.Request(association=room.id, now=datetime.now(UTC), via="cli")
    commands.add_period(request, "P26", date(2026, 2, 1), date(2026, 7, 14))
    assert "I send it to you in a private message" in said(room, "ana", "bilan P26")
    room.turn()
    (file,) = room.chat.files
    assert file.content.startswith(b"%PDF")
    assert [one.text for one in room.chat.of_bot("private ana")] == ["The report of P26:"]


@pytest.mark.parametrize(
    "other",
    [
        {"token": "another"},
        {"token": ""},
        {"token": "é"},
        {"team_id": "t2"},
        {"user_id": ""},
        {"user_id": "x" * 300},
    ],
)
def test_whoever_does_not_know_the_token_is_told_nothing(
    room: Room, other: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    answer = post(room, "ana", "état", **other)
    assert (answer.status_code, answer.content) == (401, b"")
    assert caplog.text == ""


def test_without_a_token_there_is_no_command(room: Room) -> None:
    from dataclasses import replace

    from toutdoux.chat.connections import connections

    keep(replace(connections()[0], command_token=""))
    assert post(room, "ana", "état", token="").status_code == 401


def test_the_token_of_the_environment_counts(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUTDOUX_CHAT_COMMAND_TOKEN", "other")
    assert post(room, "ana", "état").status_code == 401
    assert post(room, "ana", "état", token="other").status_code == 200


def test_what_is_too_long_or_too_often_is_not_taken(room: Room) -> None:
    assert post(room, "ana", "x" * 200_000).status_code == 413
    # More than two minutes of the clock take: one may end in between.
    told = [said(room, "ana", f"why AE{number}") for number in range(1, 2 * limits.A_MINUTE + 3)]
    assert told[0].startswith("There is no action AE1")
    assert any("wait a minute" in one for one in told)
    assert said(room, "bob", "why AE1").startswith("There is no action AE1")


def test_it_is_only_posted_to(room: Room) -> None:
    slug = slug_of(room)
    assert Client().get(f"/a/{slug}/chat/command").status_code == 405
    told = {"token": TOKEN, "team_id": "t1", "user_id": "ana", "text": "help"}
    assert Client().post("/a/nowhere/chat/command", told).status_code == 401


# --- setting it up -------------------------------------------------------------------------------


def test_setting_up_keeps_the_token_the_ids_and_whether_addresses_tie(
    home: Path, stand_in: StandIn
) -> None:
    import json

    room = Room()
    slug = slug_of(room)
    rights = ["create_post", "edit_post", "add_reaction"]
    stand_in.answer("GET /teams/team/members/me", {"roles": "team_user"})
    stand_in.answer("GET /teams/team/channels/name/tout-doux", {"id": "place", "delete_at": 0})
    stand_in.answer("GET /channels/place", {"id": "place", "name": "tout-doux", "delete_at": 0})
    stand_in.answer("GET /channels/place/members/me", {"roles": "channel_user"})
    stand_in.answer("POST /roles/names", [{"permissions": rights}])
    stand_in.answer("GET /config/client", {"RequireEmailVerification": "true"})
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home), "TOUTDOUX_CHAT_TOKEN": "token"}
    given = [
        "--address",
        stand_in.address,
        "--team",
        "asso",
        "--channel",
        "tout-doux",
        "--by-email",
    ]
    done = subprocess.run(
        [*COMMAND, "chat", "setup", "mattermost", *given, "--slash-command"],
        env=environment(**env),
        input=f"{TOKEN}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert TOKEN not in done.stdout
    (kept,) = json.loads((home / "chat.json").read_text())
    assert (kept["command_token"], kept["by_email"]) == (TOKEN, True)
    assert kept["ids"] == {"asso/": "team", "tout-doux": "place"}
    told = run("chat", "check", env=env).stdout
    assert "TOUTDOUX_URL is not set" in told
    env["TOUTDOUX_URL"] = "https://asso.example.org"
    told = run("chat", "check", env=env).stdout
    assert f"https://asso.example.org/a/{slug}/chat/command" in told
    assert "TOUTDOUX_URL" not in told
    stand_in.answer("GET /config/client", {"ShowEmailAddress": "false"})
    done = run("chat", "check", env=env)
    assert "RequireEmailVerification" in done.stderr
    assert "ShowEmailAddress" in done.stderr


def test_setting_up_again_keeps_what_was_chosen_and_removing_forgets_it(
    home: Path, stand_in: StandIn
) -> None:
    import json

    from toutdoux.actions.models import ReadChat

    room = Room()
    stand_in.answer("GET /teams/team/members/me", {"roles": "team_user"})
    stand_in.answer("GET /teams/team/channels/name/tout-doux", {"id": "place", "delete_at": 0})
    stand_in.answer("GET /channels/place", {"id": "place", "name": "tout-doux", "delete_at": 0})
    stand_in.answer("GET /channels/place/members/me", {"roles": "channel_user"})
    rights = ["create_post", "edit_post", "add_reaction"]
    stand_in.answer("POST /roles/names", [{"permissions": rights}])
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home), "TOUTDOUX_CHAT_TOKEN": "token"}
    again = ["--address", stand_in.address, "--team", "asso", "--channel", "tout-doux"]
    assert run("chat", "setup", "mattermost", *again, env=env).returncode == 0
    file = home / "chat.json"
    (kept,) = json.loads(file.read_text())
    file.write_text(json.dumps([{**kept, "waking": [10, 20], "hashtags": {"ordinary": ["oui"]}}]))
    here = {"association_id": room.id, "server": f"mattermost {stand_in.address}"}
    for channel in ("place", "no longer watched"):
        ReadChat.objects.create(**here, channel=channel, until=room.chat.clock)
    assert run("chat", "setup", "mattermost", *again, env=env).returncode == 0
    (kept,) = json.loads(file.read_text())
    assert (kept["waking"], kept["hashtags"]) == ([10, 20], {"ordinary": ["oui"]})
    assert [one.channel for one in ReadChat.objects.all()] == ["place"]
    assert run("chat", "remove", "mattermost", env=env).returncode == 0
    assert json.loads(file.read_text()) == []
    assert not ReadChat.objects.exists()
    done = run("chat", "remove", "mattermost", env=env)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_the_token_in_the_environment_is_for_one_server(home: Path, stand_in: StandIn) -> None:
    import json

    Room()
    other = {"association": "other", "system": "matrix", "address": "https://matrix.example.org"}
    file = home / "chat.json"
    file.write_text(json.dumps([other]))
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home), "TOUTDOUX_CHAT_TOKEN": "token"}
    given = ["--address", stand_in.address, "--team", "asso", "--channel", "tout-doux"]
    done = run("chat", "setup", "mattermost", *given, env=env)
    assert "access token" in done.stdout + done.stderr, "it is asked for"
    assert json.loads(file.read_text()) == [other]


def test_what_is_kept_of_a_chat_shows_no_token(home: Path) -> None:
    from toutdoux.chat.connections import Connection

    of = {"association": "a", "system": "mattermost", "address": "https://chat.example.org"}
    assert TOKEN not in repr(Connection(**of, token=TOKEN, command_token=TOKEN))


def test_on_matrix_addresses_tie_nothing(home: Path) -> None:
    Room()
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home)}
    done = run("chat", "setup", "matrix", "--by-email", env=env)
    assert_one_sentence(done, "Matrix shows nobody's e-mail address", "--by-email")


def test_a_file_of_before_is_still_understood(home: Path) -> None:
    import json

    from toutdoux.chat.connections import connections

    told = {"association": "loutres", "system": "matrix", "address": "https://m.example.org"}
    (home / "chat.json").write_text(json.dumps([told]))
    (known,) = connections()
    assert (known.ids, known.command_token, known.by_email) == ({}, "", False)
    assert not known.command_is("")
