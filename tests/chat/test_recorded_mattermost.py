"""What a real Mattermost 5.37 said, replayed: the bot reads it without a server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.chat.mattermost import StandIn
from toutdoux.chat.mattermost import Mattermost
from toutdoux.chat.system import Forbidden, News

RECORDED: dict[str, Any] = orjson.loads(
    (Path(__file__).parents[1] / "data" / "mattermost-5.37.json").read_bytes()
)
BOT = RECORDED["create_bot"]["body"]["user_id"]
POST = RECORDED["member_posts_action"]["body"]
ID, CHANNEL = POST["id"], POST["channel_id"]
TEAM = RECORDED["websocket_events"][3]["data"]["team_id"]
SAID_AT = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=POST["create_at"])


@pytest.fixture
def recorded() -> Iterator[StandIn]:
    server = StandIn()
    server.date = SAID_AT
    server.answer("GET /users/me", {"id": BOT, "username": "toutdoux"})
    server.answer(f"GET /users/{BOT}", {"id": BOT, "username": "toutdoux", "is_bot": True})
    server.answer("GET /teams/name/asso", {"id": TEAM, "name": "asso"})
    mine = [{"id": CHANNEL, "name": "tout-doux", "delete_at": 0}]
    server.answer(f"GET /users/me/teams/{TEAM}/channels", mine)
    site = RECORDED["permalink"].split("/asso/")[0]
    server.answer("GET /config/client", {"SiteURL": site, "Version": "5.37.0"})
    for name in ("bot_replies_in_thread", "posts_since", "direct_channel"):
        asked, one = RECORDED[name]["request"], RECORDED[name]
        path = asked["path"].removeprefix("/api/v4").split("?")[0]
        server.answer(f"{asked['method']} {path}", one["body"], one["status"])
    server.answer("POST /posts/ids/reactions", {ID: RECORDED["get_reactions"]["body"]})
    yield server
    server.stop()


def test_the_news_are_what_others_did(recorded: StandIn, listening: Any) -> None:
    ear = listening(recorded.chat)
    for event in RECORDED["websocket_events"]:
        recorded.said.put(event)
    said, reacted = News(CHANNEL, ID), News(CHANNEL, ID, reacted=True)
    expected = [None, said, reacted, reacted, reacted, reacted, said, said]
    assert [ear.next() for _ in expected] == expected
    assert ear.stop() < 2
    assert ear.next() == "the end"


def test_the_messages_are_as_they_were_left(recorded: StandIn) -> None:
    edited, card = recorded.chat.messages(CHANNEL, SAID_AT)
    assert edited.id == ID
    assert edited.text.endswith("(précisé)")
    assert edited.changed_at - edited.at == timedelta(milliseconds=173)
    assert not edited.automatic
    assert (card.thread, card.author, card.automatic) == (ID, BOT, True)


def test_the_reactions_are_those_that_were_not_taken_back(recorded: StandIn) -> None:
    found = recorded.chat.reactions(CHANNEL, [ID])[ID]
    assert [one.emoji for one in found] == ["+1", "+1"]
    assert found[0].at < found[1].at


def test_the_link_is_the_servers_own(recorded: StandIn) -> None:
    assert recorded.chat.link(CHANNEL, ID) == RECORDED["permalink"]


def test_a_card_is_sent_as_it_was(recorded: StandIn) -> None:
    asked = RECORDED["bot_replies_in_thread"]
    recorded.answer(f"GET /channels/{CHANNEL}/posts", {"order": [], "posts": {}})
    sent = recorded.chat.send(CHANNEL, asked["request"]["body"]["message"], key="1", thread=ID)
    assert sent == asked["body"]["id"]
    (body,) = [body for path, body in recorded.asked if path == "POST /posts"]
    assert asked["request"]["body"].items() <= body.items()


def test_a_private_channel_is_opened_as_it_was(recorded: StandIn) -> None:
    asked = RECORDED["direct_channel"]
    _, person = asked["request"]["body"]
    assert recorded.chat.private(person) == asked["body"]["id"]
    assert ("POST /channels/direct", asked["request"]["body"]) in recorded.asked


def test_a_refused_token_is_refused(recorded: StandIn) -> None:
    refused = RECORDED["bad_token"]
    recorded.answer("GET /users/me", refused["body"], refused["status"])
    with pytest.raises(Forbidden):
        _ = Mattermost(recorded.address, "other", "asso", ["tout-doux"]).me
    (told,) = recorded.chat.check()
    assert "token" in told.message


def test_the_brain_counts_what_the_server_says(recorded: StandIn, home: Path) -> None:
    from toutdoux.actions import commands, reading
    from toutdoux.association.models import Association
    from toutdoux.chat.brain import Brain
    from toutdoux.chat.models import Account
    from toutdoux.chat.place import Place
    from toutdoux.core.charter import read_charter

    before = SAID_AT - timedelta(days=30)
    id = commands.found(
        "Les Loutres libres",
        now=before,
        via="test",
        time_zone="Europe/Paris",
        language="fr",
        charter=read_charter("tout-doux-cratie"),
    )
    request = commands.Request(association=id, now=before, via="test")
    one, other = (each["user_id"] for each in RECORDED["get_reactions"]["body"])
    for name, person in (("Ana Brun", one), ("Bob Leroy", other), ("Chloe Petit", "")):
        member = commands.add_member(request, name, joined=before, founder=True)
        if person:
            Account.objects.create(
                association_id=id, server=recorded.chat.server, person=person, member_id=member
            )
    brain = Brain(Place(Association.objects.get(pk=id), recorded.chat))
    now = SAID_AT + timedelta(seconds=5)
    brain.place.compare_clocks(now)
    brain.catch_up(now)
    brain.catch_up(now)
    action = reading.standing(id, now, "(erased)").actions["AE1"]
    assert action.link == RECORDED["permalink"]
    assert action.ballot is not None
    assert (action.ballot.for_, action.ballot.against) == (2, 0)
