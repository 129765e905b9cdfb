"""What is particular about Mattermost: on a real one where there is one, and on one that only
stands in for it where no real one can be brought to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.chat.mattermost import BEGIN, MattermostWorld, StandIn
from toutdoux.chat import mattermost
from toutdoux.chat.http import Server
from toutdoux.chat.mattermost import Mattermost, emoji_name
from toutdoux.chat.saying import Habits
from toutdoux.chat.system import Enclosed, Forbidden, News, Unreachable
from toutdoux.core.history import Choice

# --- on a real one -------------------------------------------------------------------------------


def test_a_bot_that_lacks_nothing_is_told_so(mattermost_world: MattermostWorld) -> None:
    chat = mattermost_world.chat
    assert chat.check() == []
    assert [one.name for one in chat.channels()] == ["tout-doux"]
    assert chat.me == mattermost_world.bot


def test_the_check_says_what_is_missing(mattermost_world: MattermostWorld) -> None:
    world, address, team = mattermost_world, mattermost_world.address, mattermost_world.chat._named
    world.make_channel("apart")
    world.make_channel("secret", kind="P")
    old = world.make_channel("old")
    world.do("DELETE", f"/channels/{old}")

    def says(token: str, team: str, *channels: str) -> list[str]:
        told = Mattermost(address, token, team, channels).check()
        return [one.message.format(**one.values) for one in told]

    assert says("x" * 26, team, "tout-doux") == [
        "the server does not take the token: make the bot another one"
    ]
    assert says(world.token, "nowhere", "tout-doux") == [
        "the bot is in no team nowhere: add it there"
    ]
    assert says(world.token, team, "apart", "secret", "nothing", "old", "tout-doux") == [
        "the bot is not in the channel apart: add it",
        "the team has no channel secret, or the bot is not in it: add it",
        "the team has no channel nothing, or the bot is not in it: add it",
        "the channel old is archived",
    ]


def test_a_reaction_made_again_is_as_old_as_its_second_making(
    mattermost_world: MattermostWorld,
) -> None:
    world = mattermost_world
    message = world.says("ana", "#action-ordinaire Repeindre")
    for sign in ("👍", "👎"):
        world.reacts("bob", message, sign)
        sleep(0.01)
    world.takes_back("bob", message, "👍")
    sleep(0.01)
    world.reacts("bob", message, "👍")
    signs = [one.emoji for one in world.chat.reactions(world.channel, [message])[message]]
    assert signs == ["-1", "+1"]


@pytest.mark.parametrize(
    ("sign", "choice"),
    [("👍🏿", Choice.FOR), ("👎🏻", Choice.AGAINST), ("🤷🏽", Choice.ABSTAIN), ("🎉", None)],
)
def test_signs_are_read_with_their_skin_tones(
    mattermost_world: MattermostWorld, sign: str, choice: Choice | None
) -> None:
    world = mattermost_world
    message = world.says("ana", "#action-ordinaire Repeindre")
    world.reacts("bob", message, sign)
    (reaction,) = world.chat.reactions(world.channel, [message])[message]
    assert Habits().choice(reaction.emoji) is choice


def test_more_changes_than_the_server_tells_of_are_read_completely(
    mattermost_world: MattermostWorld,
) -> None:
    world = mattermost_world
    edited = world.says("ana", "avant")
    world.says("ana", "rien de neuf")
    people = ["ana", "bob", "chloe", "driss"]
    for name in people:
        world.account(name)
    sleep(1.1)
    since = world.now()

    def say(number: int) -> str:
        return world.says(people[number % 4], f"message {number}")

    with ThreadPoolExecutor(4) as several:
        said = list(several.map(say, range(1250)))
    world.edits("ana", edited, "après")
    world.deletes(people[9 % 4], said[9])
    found = list(world.chat.messages(world.channel, since))
    assert {one.id for one in found if not one.deleted} == {edited, *said} - {said[9]}
    assert len(found) == len({one.id for one in found})
    assert [one.at for one in found] == sorted(one.at for one in found)
    assert list(world.chat.messages(world.channel, world.now() + timedelta(minutes=1))) == []


def test_a_line_that_was_cut_is_taken_up_again_without_loss(
    mattermost_world: MattermostWorld, monkeypatch: pytest.MonkeyPatch, listening: Any
) -> None:
    world = mattermost_world
    if world.do("GET", "/config")["ServiceSettings"].get("EnableReliableWebSockets") is False:
        pytest.skip("this server takes no line up again (EnableReliableWebSockets)")
    lines: list[ClientConnection] = []
    once = mattermost.connect
    monkeypatch.setattr(
        mattermost, "connect", lambda *told, **more: lines.append(once(*told, **more)) or lines[-1]
    )
    monkeypatch.setattr(mattermost, "_SECONDS_TO_LAST", 0)
    world.account("ana")
    ear = listening(world.chat)
    assert ear.next() is None
    first = world.says("ana", "un")
    ear.until(News(world.channel, first))
    lines[-1].socket.shutdown(2)
    missed = world.says("ana", "deux")
    heard = [ear.next()]
    if heard == [None]:  # the server noticed too late that it was cut, and began anew
        return
    assert heard == [News(world.channel, missed)]
    assert len(lines) == 2


def test_stopping_takes_no_time(mattermost_world: MattermostWorld, listening: Any) -> None:
    ear = listening(mattermost_world.chat)
    assert ear.next() is None
    assert ear.stop() < 2


def test_a_wrong_token_is_refused(mattermost_world: MattermostWorld, listening: Any) -> None:
    chat = Mattermost(mattermost_world.address, "x" * 26, "asso", ["tout-doux"])
    error = listening(chat).next()
    assert isinstance(error, Forbidden)
    assert error.status == 401
    with pytest.raises(Forbidden):
        chat.channels()


def test_a_token_that_is_revoked_is_noticed_on_a_line_that_goes_on(
    mattermost_world: MattermostWorld, monkeypatch: pytest.MonkeyPatch, listening: Any
) -> None:
    monkeypatch.setattr(mattermost, "_SECONDS_BETWEEN_TRIALS", 0.3)
    ear = listening(mattermost_world.chat)
    assert ear.next() is None
    mattermost_world.revoke(mattermost_world.bot)
    assert isinstance(ear.next(), Forbidden)


def test_a_bot_thrown_out_of_its_channel_sees_nothing_and_fails_nothing(
    mattermost_world: MattermostWorld, listening: Any
) -> None:
    world, chat = mattermost_world, mattermost_world.chat
    message = world.says("ana", "#action-ordinaire Repeindre")
    world.reacts("ana", message)
    card = chat.send(world.channel, "carte", key="card")
    ear = listening(chat)
    assert ear.next() is None
    world.throw_out(world.bot)
    ear.until(None)
    assert chat.channels() == []
    assert list(chat.messages(world.channel, BEGIN)) == []
    assert chat.reactions(world.channel, [message, card]) == {}, "nothing is known of them"
    chat.edit(world.channel, card, "autre")
    chat.react(world.channel, message, "👍")
    with pytest.raises(Forbidden):
        chat.send(world.channel, "encore", key="more")
    missed = world.says("ana", "dis-moi")
    world.join(world.bot)
    ear.until(None)  # something may have been missed
    assert chat.message(world.channel, missed)
    assert len(chat.reactions(world.channel, [message])[message]) == 1


def test_a_renamed_channel_stays_the_same(
    mattermost_world: MattermostWorld, listening: Any
) -> None:
    world = mattermost_world
    ear = listening(world.chat)
    assert ear.next() is None
    named = {"name": "fait", "display_name": "Fait"}
    world.do("PUT", f"/channels/{world.channel}/patch", named)
    ear.until(None)
    assert [one.name for one in world.chat.channels()] == ["fait"]
    ear.until(News(world.channel, world.says("ana", "bonjour")))
    assert [one.id for one in world.connect(world.channel).channels()] == [world.channel]


def test_an_archived_channel_is_not_watched(
    mattermost_world: MattermostWorld, listening: Any
) -> None:
    world, chat = mattermost_world, mattermost_world.chat
    card = chat.send(world.channel, "carte", key="card")
    ear = listening(chat)
    assert ear.next() is None
    world.do("DELETE", f"/channels/{world.channel}")
    ear.until(None)
    assert chat.channels() == []
    chat.edit(world.channel, card, "autre")
    chat.react(world.channel, card, "👍")


def test_other_channels_and_groups_are_nobodys_business(
    mattermost_world: MattermostWorld, listening: Any
) -> None:
    world = mattermost_world
    apart = world.make_channel("apart")
    for person in (world.bot, world.account("ana"), world.account("bob")):
        world.join(person, apart)
    ear = listening(world.chat)
    assert ear.next() is None
    world.says("ana", "ailleurs", channel=apart)
    people = [world.bot, world.account("ana"), world.account("bob")]
    group = world.act("ana", "POST", "/channels/group", people)["id"]
    world.says("ana", "entre nous", channel=group)
    whispered = world.whispers("ana", "aide")
    before = ear.until(News(world._private("ana"), whispered))
    assert {news.channel for news in before} <= {world.channel}


def test_bots_webhooks_and_the_server_are_automatic(mattermost_world: MattermostWorld) -> None:
    world = mattermost_world
    other, token = world.make_bot("robot")
    world.join(other)
    post = {"channel_id": world.channel, "message": "#action-ordinaire par un robot"}
    Server(world.address, token).ask("POST", "/api/v4/posts", post)
    hook = world.do("POST", "/hooks/incoming", {"channel_id": world.channel})["id"]
    text = {"text": "#action-ordinaire par un crochet"}
    Server(world.address, "").ask("POST", f"/hooks/{hook}", text)
    said = world.says("ana", "#action-ordinaire par moi")
    found = list(world.chat.messages(world.channel, BEGIN))
    assert [one.id for one in found if not one.automatic] == [said]
    assert any("robot" in one.text for one in found)
    assert any("crochet" in one.text for one in found)


def test_what_is_sent_again_after_a_restart_is_there_once(
    mattermost_world: MattermostWorld,
) -> None:
    world = mattermost_world
    message = world.says("ana", "#action-ordinaire Repeindre")
    first = world.chat.send(world.channel, "carte", key="card", thread=message)
    for number in range(30):
        world.says("ana", f"message {number}")
    again = world.connect()
    # As the server itself knows it again for some minutes only, that must not be what helps.
    again._post = None  # type: ignore[method-assign, assignment]
    assert again.send(world.channel, "carte", key="card", thread=message) == first
    other = Mattermost(world.address, world.token, world.chat._named, ["tout-doux", "more"])
    assert other.send(world.channel, "carte", key="card") != first, "another association's"


def test_what_the_bot_sends_calls_nobody(mattermost_world: MattermostWorld) -> None:
    world = mattermost_world
    handle, ana = f"ana-{world.tag}", world.account("ana")

    def called() -> int:
        sleep(0.5)  # the server counts when it likes
        return int(
            world.act("ana", "GET", f"/channels/{world.channel}/members/{ana}")["mention_count"]
        )

    before = called()
    text = f"@all @channel @here @{handle} _@all **@{handle}** &#64;all &commat;all @&#97;ll /@all"
    sent = world.chat.send(world.channel, text, key="1")
    world.chat.edit(world.channel, sent, text + " encore")
    assert called() == before
    world.says("bob", f"@{handle}")
    assert called() == before + 1, "the others still can"


def test_long_messages_are_read_whole_and_sent_as_far_as_they_go(
    mattermost_world: MattermostWorld,
) -> None:
    world = mattermost_world
    said = world.says("ana", "é" * 16_000)
    message = world.chat.message(world.channel, said)
    assert message is not None
    assert message.text == "é" * 16_000
    world.chat.send(world.channel, "é" * 20_000, key="long")
    (sent,) = world.of_bot()
    assert len(sent.text) == 16_383
    assert sent.text.endswith("…")


def test_an_answer_to_what_was_deleted_stands_by_itself(mattermost_world: MattermostWorld) -> None:
    world = mattermost_world
    message = world.says("ana", "#action-ordinaire Repeindre")
    world.reacts("bob", message)
    world.deletes("ana", message)
    found = world.chat.message(world.channel, message)
    assert found is not None
    assert found.deleted
    assert len(world.chat.reactions(world.channel, [message])[message]) == 1
    world.chat.send(world.channel, "carte", key="card", thread=message)
    (sent,) = world.of_bot()
    assert sent.thread == ""


def test_one_message_that_there_never_was_hides_no_other(
    mattermost_world: MattermostWorld,
) -> None:
    world, unknown = mattermost_world, "a" * 26
    messages = [world.says("ana", f"message {number}") for number in range(5)]
    world.reacts("bob", messages[3])
    found = world.chat.reactions(world.channel, [*messages[:2], unknown, *messages[2:]])
    assert set(found) == set(messages)
    assert [len(found[id]) for id in messages] == [0, 0, 0, 1, 0]
    assert world.chat.message(world.channel, unknown) is None
    assert world.chat.message("b" * 26, messages[0]) is None
    world.chat.edit(world.channel, unknown, "autre")
    world.chat.react(world.channel, unknown, "👍")


def test_people_are_known_by_their_handle_and_not_by_an_address_nobody_verified(
    mattermost_world: MattermostWorld,
) -> None:
    world, chat = mattermost_world, mattermost_world.chat
    person = chat.person(world.account("ana"))
    assert person is not None
    assert (person.handle, person.email, person.bot) == (f"ana-{world.tag}", "", False)
    assert chat.called(f"@Ana-{world.tag}") == person
    assert chat.called("nobody at/all") is None
    assert chat.person("a" * 26) is None
    myself = chat.person(chat.me)
    assert myself is not None
    assert myself.bot


def test_a_file_goes_with_a_private_message(mattermost_world: MattermostWorld) -> None:
    world, chat = mattermost_world, mattermost_world.chat
    channel = chat.private(world.account("ana"))
    assert channel == world._private("ana") == chat.private(world.account("ana"))
    file = Enclosed("bilan.pdf", "application/pdf", b"%PDF-1.4 ...")
    sent = chat.send(channel, "voici", key="report", files=[file])
    post = world.act("ana", "GET", f"/posts/{sent}")
    assert [one["name"] for one in post["metadata"]["files"]] == ["bilan.pdf"]
    assert world.told("ana") == ["voici"]


def test_the_link_leads_to_the_message(mattermost_world: MattermostWorld) -> None:
    world = mattermost_world
    link = world.chat.link(world.channel, "abc")
    assert link.endswith(f"/asso-{world.tag}/pl/abc")
    assert link.startswith("http")


# --- on one that stands in -----------------------------------------------------------------------


def test_an_event_that_is_missing_is_noticed(stand_in: StandIn, listening: Any) -> None:
    ear = listening(stand_in.chat)
    stand_in.says(0, "hello", connection_id="one")
    stand_in.posts(1, "a")
    stand_in.posts(4, "b")
    stand_in.posts(5, "c")
    stand_in.posts(5, "c")
    heard = [ear.next() for _ in range(7)]
    posted = [News("place", id) for id in "abcc"]
    assert heard == [None, posted[0], None, posted[1], posted[2], None, posted[3]]


def test_a_line_is_taken_up_where_it_was_cut(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, listening: Any
) -> None:
    monkeypatch.setattr(mattermost, "_SECONDS_TO_LAST", 0)
    ear = listening(stand_in.chat)
    stand_in.says(0, "hello", connection_id="one")
    stand_in.posts(1, "a")
    stand_in.said.put(None)
    stand_in.posts(2, "b")  # the same line goes on: nothing was missed
    stand_in.said.put(None)
    stand_in.says(0, "hello", connection_id="two")  # another one: something may have been
    stand_in.posts(1, "c")
    assert [ear.next() for _ in range(5)] == [
        None,
        News("place", "a"),
        News("place", "b"),
        None,
        News("place", "c"),
    ]
    assert [line.partition("?")[2] for line in stand_in.lines] == [
        "",
        "connection_id=one&sequence_number=2",
        "connection_id=one&sequence_number=3",
    ]


def test_a_line_that_does_not_last_is_not_taken_up_at_once(
    stand_in: StandIn, listening: Any
) -> None:
    ear = listening(stand_in.chat)
    stand_in.says(0, "hello", connection_id="one")
    stand_in.said.put(None)
    assert ear.next() is None
    assert isinstance(ear.next(), Unreachable)
    assert len(stand_in.lines) == 1


def test_a_server_that_does_not_greet_is_out_of_reach(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, listening: Any
) -> None:
    monkeypatch.setattr(mattermost, "_SECONDS_TO_GREET", 0.2)
    assert isinstance(listening(stand_in.chat).next(), Unreachable)


@pytest.mark.parametrize("asked", ["GET /users/me", "GET /websocket"])
def test_a_server_that_asks_to_wait_is_heeded(
    stand_in: StandIn, listening: Any, asked: str
) -> None:
    stand_in.answer(asked, b"limit exceeded", 429, Retry_After="7")
    error = listening(stand_in.chat).next()
    assert isinstance(error, Unreachable)
    assert error.wait == 7


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_in_trouble_is_tried_again(stand_in: StandIn, listening: Any, status: int) -> None:
    stand_in.answer("GET /websocket", b"trouble", status)
    assert isinstance(listening(stand_in.chat).next(), Unreachable)
    stand_in.answer("GET /channels/place/posts", b"trouble", status)
    with pytest.raises(Unreachable):
        list(stand_in.chat.messages("place", BEGIN))


def test_a_server_that_is_down_is_out_of_reach(stand_in: StandIn, listening: Any) -> None:
    chat = Mattermost("http://127.0.0.1:9", "token", "asso", ["tout-doux"])
    assert isinstance(listening(chat).next(), Unreachable)
    with pytest.raises(Unreachable):
        chat.check()


def test_the_token_is_in_no_error(stand_in: StandIn) -> None:
    chat = Mattermost("http://127.0.0.1:9", "very-secret", "asso", ["tout-doux"])
    with pytest.raises(Unreachable) as error:
        chat.channels()
    assert "very-secret" not in repr(error.value)


def test_what_is_no_mattermost_is_said_to_be_none(stand_in: StandIn) -> None:
    stand_in.answer("GET /users/me", b"<html>Hello</html>")
    (told,) = stand_in.chat.check()
    assert "no Mattermost answers" in told.message


def test_a_message_whose_answer_was_lost_is_looked_for(stand_in: StandIn) -> None:
    stand_in.answer("POST /posts", b"gateway", 502)
    with pytest.raises(Unreachable):
        stand_in.chat.send("place", "carte", key="card")
    (post,) = [body for asked, body in stand_in.asked if asked == "POST /posts"]
    there = {"id": "sent", "user_id": "bot", "props": post["props"]}
    stand_in.answer("GET /channels/place/posts", {"order": ["sent"], "posts": {"sent": there}})
    assert stand_in.chat.send("place", "carte", key="card") == "sent"


def test_an_address_counts_where_everybodys_has_to_be_verified(stand_in: StandIn) -> None:
    ana = {"id": "ana", "username": "ana", "email": "ana@example.org", "delete_at": 0}
    stand_in.answer("GET /users/ana", ana)
    stand_in.answer("GET /users/gone", {**ana, "id": "gone", "delete_at": 5})

    def email(person: str) -> str:
        found = stand_in.chat.person(person)
        assert found is not None
        return found.email

    assert email("ana") == ""
    stand_in.answer("GET /config/client", {"RequireEmailVerification": "true"})
    assert email("ana") == "ana@example.org"
    assert email("gone") == ""


def test_what_the_bot_may_not_do_is_said(stand_in: StandIn) -> None:
    stand_in.answer("GET /teams/team/members/me", {"roles": "team_user"})
    stand_in.answer("GET /teams/team/channels/name/tout-doux", {"id": "place", "delete_at": 0})
    stand_in.answer("GET /channels/place/members/me", {"roles": "channel_user"})
    stand_in.answer("POST /roles/names", [{"permissions": ["create_post", "edit_post"]}])
    stand_in.answer("GET /config/client", {"PostEditTimeLimit": "300"})
    stand_in.answer("GET /license/client", {"IsLicensed": "true"})
    react, edit = stand_in.chat.check()
    assert react.values["do"].message == "react there"  # type: ignore[union-attr]
    assert edit.values["n"] == "300"


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        ("👍", "+1"),
        ("👎🏿", "-1_dark_skin_tone"),
        ("❤️", "heart"),
        (":tada:", "tada"),
        ("white_check_mark", "white_check_mark"),
    ],
)
def test_signs_have_names(sign: str, name: str) -> None:
    assert emoji_name(sign) == name
