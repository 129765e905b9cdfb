"""What is particular about Matrix, on a real server."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from tests.chat.mattermost import Listening
from tests.chat.synapse import BEGIN, DOMAIN, MatrixWorld, Somebody, Synapse
from toutdoux.chat import matrix
from toutdoux.chat.matrix import Matrix
from toutdoux.chat.saying import Habits
from toutdoux.chat.system import Enclosed, Forbidden, Message, News, Unreachable
from toutdoux.core.history import Choice

Listen = Callable[[Matrix], Listening]
ENCRYPTION = {"algorithm": "m.megolm.v1.aes-sha2"}
PROPOSAL = "#action-ordinaire Repeindre"


# What members see on Matrix is in the behaviour suite, which is not slow.
pytestmark = pytest.mark.slow


@pytest.fixture
def world(matrix_world: MatrixWorld) -> MatrixWorld:
    return matrix_world


def read(world: MatrixWorld, message: str) -> Message:
    found = world.chat.message(world.room, message)
    assert found is not None
    return found


def reactions(world: MatrixWorld, message: str) -> list[str]:
    return [one.emoji for one in world.chat.reactions(world.room, [message])[message]]


# --- setting it up -------------------------------------------------------------------------------


def said(chat: Matrix) -> list[str]:
    return [
        one.message.format(**{key: getattr(it, "message", it) for key, it in one.values.items()})
        for one in chat.check()
    ]


def test_the_check_says_what_is_missing(world: MatrixWorld) -> None:
    assert world.chat.check() == []
    address, token = world.server.address, world.bot.token
    assert said(Matrix(address, "nope", [world.alias])) == [
        "the server does not take the token: make the bot another one"
    ]
    assert said(Matrix(f"{address}/elsewhere", token, [])) == [
        f"no Matrix answers at {address}/elsewhere"
    ]
    closed = world.host.make(preset="private_chat")
    quiet = world.host.make(
        preset="public_chat", power_level_content_override={"events_default": 5}
    )
    secret = world.host.make(preset="public_chat")
    world.host.state(secret, "m.room.encryption", ENCRYPTION)
    rooms = ["#nowhere:test.invalid", closed, quiet, secret, world.alias]
    assert said(Matrix(address, token, rooms)) == [
        "there is no room #nowhere:test.invalid: give it this address, or its own",
        f"the bot is not in the room {closed}: invite it",
        f"in the room {quiet}, the bot may not post in it",
        f"in the room {quiet}, the bot may not react there",
        f"the room {secret} is encrypted, and the bot cannot read it: take another",
    ]


def test_a_room_that_is_open_is_gone_into(world: MatrixWorld) -> None:
    other = world.host.make(preset="public_chat")
    chat = Matrix(world.server.address, world.bot.token, [other])
    assert chat.channels() == []
    assert chat.check() == []
    assert [one.id for one in chat.channels()] == [other]


def test_a_room_that_was_replaced_is_followed(world: MatrixWorld, listening: Listen) -> None:
    ear = listening(world.chat)
    assert ear.next() is None
    path = f"v3/rooms/{quote(world.room)}/upgrade"
    new = world.host.do("POST", path, {"new_version": "11"})["replacement_room"]
    assert ear.next() is None
    assert world.chat.check() == []
    assert [one.id for one in world.chat.channels()] == [new]
    by_id = Matrix(world.server.address, world.bot.token, [world.room])
    assert said(by_id) == [f"the room {world.room} is closed, another has taken its place"]


# --- messages and reactions ----------------------------------------------------------------------


def test_only_its_author_edits_a_message(world: MatrixWorld) -> None:
    message = world.says("ana", PROPOSAL)
    world.edits("bob", message, "autre chose")
    assert read(world, message).text == PROPOSAL
    world.edits("ana", message, f"{PROPOSAL}, dès lundi")
    world.edits("bob", message, "autre chose")
    found = read(world, message)
    assert found.text == f"{PROPOSAL}, dès lundi"
    assert found.changed_at > found.at
    assert list(world.chat.messages(world.room, BEGIN)) == [found], "an edit is no message"


def test_a_message_that_was_taken_away_keeps_its_reactions(world: MatrixWorld) -> None:
    message = world.says("ana", PROPOSAL)
    world.reacts("bob", message)
    world.deletes("ana", message)
    found = read(world, message)
    assert (found.deleted, found.text) == (True, "")
    assert found.changed_at > found.at
    assert reactions(world, message) == ["👍"]


def test_a_reaction_made_again_is_a_new_one(world: MatrixWorld) -> None:
    message = world.says("ana", PROPOSAL)
    for sign in ("👍", "👎"):
        world.reacts("bob", message, sign)
    world.takes_back("bob", message, "👍")
    world.reacts("bob", message, "👍")
    assert reactions(world, message) == ["👎", "👍"]


def test_variants_of_a_sign_are_all_there_and_all_mean_the_same(world: MatrixWorld) -> None:
    message = world.says("ana", PROPOSAL)
    signs = ["👍", "👍️", "👍🏿", "🤷‍♀️", "🤷🏽‍♂️", "❤️"]
    for sign in signs:
        world.reacts("bob", message, sign)
    assert reactions(world, message) == signs
    assert [Habits().choice(one) for one in signs] == [Choice.FOR] * 3 + [Choice.ABSTAIN] * 2 + [
        None
    ]


def test_a_sign_of_the_bots_own_is_there_once(world: MatrixWorld) -> None:
    message = world.says("ana", PROPOSAL)
    world.chat.react(world.room, message, "👍")
    again = world.connect()
    again._mark = lambda key: "another"  # type: ignore[method-assign]  # the server forgot the first
    again.react(world.room, message, "👍")
    assert reactions(world, message) == ["👍"]


def test_the_reactions_to_many_messages_are_the_same_read_at_once(world: MatrixWorld) -> None:
    messages = [world.says("ana", f"message {number}") for number in range(24)]
    for number, message in enumerate(messages):
        for sign in ["👍", "👎", "🎉"][: number % 4]:
            world.reacts("bob", message, sign)
    world.takes_back("bob", messages[3], "👎")
    world.deletes("ana", messages[7])
    all_ = [*messages, "$unknown"]
    found = world.chat.reactions(world.room, all_)
    assert set(found) == set(messages)
    assert found == {id: world.chat.reactions(world.room, [id])[id] for id in messages}
    assert [one.emoji for one in found[messages[3]]] == ["👍", "🎉"]
    assert set(world.chat._off_history(world.room, messages)) == set(messages)


def test_all_that_changed_since_is_read_however_much(
    world: MatrixWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix, "_PAGE", 20)
    monkeypatch.setattr(matrix, "_LATE", timedelta(0))
    first, second, third = (world.says("ana", f"avant {number}") for number in range(3))
    world.reacts("bob", third)
    sleep(1.1)
    since = world.now()
    new = [world.says("ana", f"message {number}") for number in range(50)]
    world.edits("ana", first, "après")
    world.deletes("ana", second)
    world.takes_back("bob", third)
    found = list(world.chat.messages(world.room, since))
    assert [one.id for one in found] == [first, second, *new]
    assert [found[0].text, found[1].deleted] == ["après", True]
    assert list(world.chat.messages(world.room, world.now() + timedelta(minutes=1))) == []


def test_whatever_people_put_into_events_harms_nothing(
    world: MatrixWorld, listening: Listen
) -> None:
    ear = listening(world.chat)
    assert ear.next() is None
    ana = world.somebody("ana")
    odd = [
        {"m.relates_to": "y"},
        {"m.relates_to": {"rel_type": "m.replace", "event_id": ["z"]}},
        {"formatted_body": 3, "filename": 4},
    ]
    ids = [ana.says(world.room, "nul\0", **content) for content in odd]
    for relation in ({"rel_type": "m.annotation", "key": []}, {"event_id": ids[0]}, "x"):
        ana.put(world.room, "m.reaction", {"m.relates_to": relation})
    last = world.says("ana", "fin")
    heard = []
    while not heard or heard[-1] != News(world.room, last):
        heard.append(ear.next())
    texts = [one.text for one in world.chat.messages(world.room, BEGIN)]
    assert texts == ["nul", "nul", "nul", "fin"]
    assert world.chat.message(world.room, ids[0]) is not None
    assert world.chat.message(world.room, "$unknown") is None
    assert world.chat.message("!unknown", ids[0]) is None


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            {
                "body": "meneuse : Chloé P. et Max",
                "formatted_body": 'meneuse : <a href="https://matrix.to/#/@chloe:test.invalid">'
                'Chloé <b>P.</b></a> et <a href="https://matrix.to/#/%40max%3Aelse.where">Max</a>',
            },
            "meneuse : @chloe et @max:else.where",
        ),
        (
            {
                "body": "> <@bob:test.invalid> quoi ?\n> encore\n\naide",
                "m.relates_to": {"m.in_reply_to": {"event_id": "$1"}},
            },
            "aide",
        ),
        ({"msgtype": "m.image", "body": "#action-ordinaire.png"}, ""),
        (
            {"msgtype": "m.image", "body": "#action-ordinaire Ceci", "filename": "a.png"},
            "#action-ordinaire Ceci",
        ),
    ],
)
def test_a_message_says_what_its_author_sees(
    world: MatrixWorld, content: dict[str, Any], text: str
) -> None:
    event = {"msgtype": "m.text", "format": "org.matrix.custom.html", **content}
    if "m.relates_to" in content:
        answered = world.says("bob", "quoi ?")
        event["m.relates_to"] = {"m.in_reply_to": {"event_id": answered}}
    message = world.somebody("ana").put(world.room, "m.room.message", event)
    assert read(world, message).text == text


def test_what_bots_send_is_automatic(world: MatrixWorld) -> None:
    notice = {"msgtype": "m.notice", "body": PROPOSAL}
    assert read(world, world.somebody("ana").put(world.room, "m.room.message", notice)).automatic
    assert read(world, world.chat.send(world.room, PROPOSAL, key="1")).automatic
    assert not read(world, world.says("ana", PROPOSAL)).automatic


# --- news ----------------------------------------------------------------------------------------


def test_a_reaction_that_was_taken_away_is_told_of_where_it_was(
    world: MatrixWorld, listening: Listen
) -> None:
    message = world.says("ana", PROPOSAL)
    for name in ("ana", "bob", "chloe"):
        world.reacts(name, message)
    ear = listening(world.chat)
    assert ear.next() is None
    world.takes_back("ana", message)
    assert ear.next() is None, "the bot had not seen it: it may be anywhere"
    world.chat.reactions(world.room, [message])
    world.host.takes_away(world.room, world.given["bob", message, "👍"])
    world.takes_back("chloe", message)
    reacted = News(world.room, message, reacted=True)
    assert [ear.next(), ear.next()] == [reacted, reacted], "whoever did it"
    world.edits("ana", message, "autrement")
    world.deletes("ana", message)
    assert [ear.next(), ear.next()] == [News(world.room, message)] * 2
    assert ear.stop() < 10, "it waits for no news"


def test_what_an_answer_leaves_out_is_asked_for(
    world: MatrixWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(since: str = "") -> dict[str, Any]:
        query = {"filter": matrix._filter(events=2), **({"since": since} if since else {})}
        return dict(world.bot.do("GET", "v3/sync", **query))

    world.somebody("ana")
    world.chat.channels()
    since = answer()["next_batch"]
    said = [world.says("ana", f"message {number}") for number in range(7)]
    told = answer(since)
    assert told["rooms"]["join"][world.room]["timeline"]["limited"]
    assert list(world.chat._told(told, since)) == [News(world.room, id) for id in said]
    monkeypatch.setattr(matrix, "_FILLED", 1)
    last = [News(world.room, id) for id in said[-2:]]
    assert list(world.chat._told(told, since)) == [None, *last], "too much: all is read again"


def test_other_rooms_are_nobodys_business(world: MatrixWorld, listening: Listen) -> None:
    ear = listening(world.chat)
    assert ear.next() is None
    ana, bob = world.somebody("ana"), world.somebody("bob")
    group = ana.make(preset="trusted_private_chat", invite=[world.bot.id, bob.id])
    stranger = world.server.register(f"stranger-{world.tag}")
    alone = stranger.make(preset="trusted_private_chat", is_direct=True, invite=[world.bot.id])
    for room, by in ((group, ana), (alone, stranger)):
        until(lambda room=room, by=by: membership(by, room, world.bot) == "leave")
    between = ana.make(preset="trusted_private_chat", is_direct=True, invite=[world.bot.id])
    whispered = ana.says(between, "aide")
    assert ear.next() == News(between, whispered)


def until(done: Callable[[], object]) -> None:
    end = monotonic() + 60
    while not done():
        assert monotonic() < end, "it did not happen"
        sleep(0.1)


def membership(by: Somebody, room: str, of: Somebody) -> str:
    path = f"v3/rooms/{quote(room)}/state/m.room.member/{quote(of.id)}"
    return str(by.do("GET", path)["membership"])


# --- private rooms -------------------------------------------------------------------------------


def test_what_was_whispered_while_the_bot_was_away_is_heard(
    world: MatrixWorld, listening: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    whispered = world.whispers("ana", "register CODE")
    room = world._private("ana")
    ear = listening(world.connect())
    assert ear.next() is None
    assert ear.next() == News(room, whispered), "said before the bot came in"
    ear.stop()
    since = world.now() - timedelta(seconds=10)
    whispered = world.somebody("ana").says(room, "aide")
    # For two minutes, the server gives a bot that starts again the answer of before, and then what
    # happened since; unless it asks for something else.
    ask = matrix._filter
    monkeypatch.setattr(matrix, "_filter", lambda events: ask(events + 1))
    chat = world.connect()
    assert listening(chat).next() is None
    assert chat.privates(since) == [room]
    assert chat.privates(since) == [], "it is read already"
    found = [*chat.messages(room, since)][-1]
    assert (found.id, found.private, found.author) == (whispered, True, world.account("ana"))
    assert chat.private(found.author) == room, "it is answered where it was said"


def test_a_room_is_private_for_as_long_as_nobody_else_is_in_it(world: MatrixWorld) -> None:
    ana, bob = world.somebody("ana"), world.somebody("bob")
    room = world.chat.private(ana.id)
    assert world.chat.private(ana.id) == world.connect().private(ana.id) == room
    ana.join(room)
    message = ana.says(room, "état")
    found = world.chat.message(room, message)
    assert found is not None
    assert found.private
    world.bot.do("POST", f"v3/rooms/{quote(room)}/invite", {"user_id": bob.id})
    found = world.chat.message(room, message)
    assert found is not None
    assert not found.private
    assert world.chat.private(ana.id) != room


def test_who_leaves_gets_another_room(world: MatrixWorld) -> None:
    ana = world.somebody("ana")
    room = world.chat.private(ana.id)
    ana.join(room)
    ana.do("POST", f"v3/rooms/{quote(room)}/leave", {})
    assert world.chat.private(ana.id) not in ("", room)


def test_who_cannot_be_invited_is_made_one_room_and_no_more(world: MatrixWorld) -> None:
    nobody = f"@nobody:unreachable.{DOMAIN}"
    before = len(world.bot.rooms())
    for _ in range(3):
        with pytest.raises((Forbidden, Unreachable)):
            world.chat.private(nobody)
    assert len(world.bot.rooms()) <= before + 1


def test_a_private_room_that_could_not_be_remembered_is_still_the_one(
    world: MatrixWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = world.somebody("ana")
    before, ask = len(world.bot.rooms()), world.chat._ask

    def forgets(method: str, path: str, *told: Any, **how: Any) -> Any:
        if method == "PUT" and path.endswith("m.direct"):
            raise Unreachable("away")
        return ask(method, path, *told, **how)

    with monkeypatch.context() as broken:
        broken.setattr(world.chat, "_ask", forgets)
        for _ in range(2):
            with pytest.raises(Unreachable):
                world.chat.private(ana.id)
    room = world.chat.private(ana.id)
    assert len(world.bot.rooms()) == before + 1
    assert world.connect().private(ana.id) == room, "and it is remembered in the end"


def test_who_is_invited_sees_that_the_room_is_between_the_two(world: MatrixWorld) -> None:
    ana = world.somebody("ana")
    room = world.chat.private(ana.id)
    told = ana.do("GET", "v3/sync")["rooms"]["invite"][room]["invite_state"]["events"]
    (mine,) = [one["content"] for one in told if one.get("state_key") == ana.id]
    assert mine["is_direct"] is True


def test_an_encrypted_private_room_is_left_for_one_of_the_bots_own(
    world: MatrixWorld, listening: Listen
) -> None:
    ear = listening(world.chat)
    assert ear.next() is None
    ana = world.somebody("ana")
    encryption = {"type": "m.room.encryption", "state_key": "", "content": ENCRYPTION}
    made = {"preset": "trusted_private_chat", "is_direct": True, "invite": [world.bot.id]}
    room = ana.make(**made, initial_state=[encryption])
    unreadable = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "…"}
    until(lambda: len(ana.rooms()) == 3)
    for _ in range(2):
        ana.put(room, "m.room.encrypted", unreadable)
    own = world.chat.private(ana.id)
    assert own != room
    ana.says(own, "aide")
    news = ear.next()
    assert news.channel == own
    messages = [one for one in ana.rooms()[room] if one["type"] == "m.room.message"]
    (told,) = [one["content"]["body"] for one in messages]
    assert "I cannot read encrypted messages" in told
    assert own in told
    assert membership(ana, own, world.bot) == "join"
    state = f"v3/rooms/{quote(own)}/state/m.room.encryption/"
    with pytest.raises(Forbidden):
        ana.do("PUT", state, ENCRYPTION)
    assert world.connect().private(ana.id) == own, "also after a start"


def test_a_watched_room_that_is_encrypted_later_is_told_so(
    world: MatrixWorld, listening: Listen
) -> None:
    message = world.says("ana", PROPOSAL)
    ear = listening(world.chat)
    assert ear.next() is None
    world.host.state(world.room, "m.room.encryption", ENCRYPTION)
    until(world.of_bot)
    assert "I read no more messages here" in world.of_bot()[0].text
    world.reacts("ana", message)
    assert ear.next() == News(world.room, message, reacted=True)
    assert reactions(world, message) == ["👍"]


# --- what the bot sends --------------------------------------------------------------------------


def content(world: MatrixWorld, message: str, room: str = "") -> dict[str, Any]:
    path = f"v3/rooms/{quote(room or world.room)}/event/{quote(message)}"
    return dict(world.bot.do("GET", path)["content"])


def test_what_the_bot_sends_is_shown_as_markdown_and_calls_nobody(world: MatrixWorld) -> None:
    text = f"**AE1** <b>@room</b> {world.account('ana')} ![](http://x/y.png)"
    sent = content(world, world.chat.send(world.room, text, key="1"))
    assert (sent["msgtype"], sent["body"], sent["m.mentions"]) == ("m.notice", text, {})
    assert sent["formatted_body"].startswith("<p><strong>AE1</strong> &lt;b&gt;@room&lt;/b&gt;")
    assert "<img" not in sent["formatted_body"]
    room = world.chat.private(world.account("ana"))
    sent = content(world, world.chat.send(room, text, key="1"), room)
    assert sent["msgtype"] == "m.text", "of a notice, clients would tell nobody"


def test_what_is_sent_again_after_a_restart_is_there_once(world: MatrixWorld) -> None:
    message = world.says("ana", PROPOSAL)
    first = world.chat.send(world.room, "carte", key="card", thread=message)
    for number in range(60):
        world.chat.edit(world.room, first, f"carte {number}")
    again = world.connect()
    # As the server itself knows it again for some time only, that must not be what helps.
    again._put = None  # type: ignore[method-assign, assignment]
    assert again.send(world.room, "carte", key="card", thread=message) == first
    other = Matrix(world.server.address, world.bot.token, [world.alias, "!more"])
    assert other.send(world.room, "carte", key="card") != first, "another association's"
    assert [one.text for one in world.of_bot()] == ["carte 59", "carte"]


def test_an_answer_to_what_is_gone_stands_by_itself(world: MatrixWorld) -> None:
    world.chat.send(world.room, "carte", key="card", thread="$unknown")
    (sent,) = world.of_bot()
    assert sent.thread == ""
    world.chat.edit(world.room, "$unknown", "autre")
    world.chat.react(world.room, "$unknown", "👍")


def test_long_messages_are_read_whole_and_sent_as_far_as_they_go(world: MatrixWorld) -> None:
    said = world.says("ana", "é" * 16_000)
    assert read(world, said).text == "é" * 16_000
    sent = world.chat.send(world.room, "**é** " * 16_000, key="long")
    assert read(world, sent).text.endswith("…")
    world.chat.edit(world.room, sent, '"\\\n' * 16_000)
    assert read(world, sent).text.startswith('"\\\n"')


def test_a_file_goes_with_a_private_message(world: MatrixWorld) -> None:
    ana = world.somebody("ana")
    room = world.chat.private(ana.id)
    file = Enclosed("bilan.pdf", "application/pdf", b"%PDF-1.4 ...")
    for chat in (world.chat, world.connect()):
        chat.send(room, "voici", key="report", files=[file])
    assert world.told("ana") == ["voici", "bilan.pdf"]
    (address,) = [one["content"]["url"] for one in ana.rooms()[room] if "url" in one["content"]]
    path = address.removeprefix("mxc://")
    answer = ana.server._pool.request(
        "GET",
        f"{world.server.address}/_matrix/client/v1/media/download/{path}",
        headers={"Authorization": f"Bearer {ana.token}"},
    )
    assert (answer.data, answer.headers["Content-Type"]) == (file.content, file.media_type)


def test_the_link_leads_to_the_message(world: MatrixWorld) -> None:
    assert world.chat.link("!a/b", "$c") == f"https://matrix.to/#/!a%2Fb/$c?via={DOMAIN}"


def test_people_are_known_by_their_id_and_never_by_their_display_name(world: MatrixWorld) -> None:
    ana, bob, chat = world.somebody("ana"), world.somebody("bob"), world.chat
    bob.do("PUT", f"v3/profile/{quote(bob.id)}/displayname", {"displayname": f"ana-{world.tag}"})
    person = chat.person(ana.id)
    assert person is not None
    assert (person.handle, person.email, person.bot) == (f"ana-{world.tag}", "", False)
    assert chat.called(f"@Ana-{world.tag}") == chat.called(ana.id) == person
    assert chat.called("nobody at/all") is None
    assert chat.person(f"@nobody:{DOMAIN}") is chat.person("@ana:else.where") is None
    myself = chat.person(chat.me)
    assert myself is not None
    assert myself.bot


# --- faults --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def admin(synapse: Synapse) -> Somebody:
    return synapse.register("admin", admin=True)


def test_a_server_that_asks_to_wait_says_how_long(world: MatrixWorld, admin: Somebody) -> None:
    limits = f"/_synapse/admin/v1/users/{quote(world.bot.id)}/override_ratelimit"
    admin.server.ask("POST", limits, {"messages_per_second": 1, "burst_count": 1})
    numbers = count()
    with pytest.raises(Unreachable) as raised:
        # As often as it takes: a slow machine may itself need a second for some.
        [world.chat.send(world.room, f"message {number}", key=str(number)) for number in numbers]
    wait = raised.value.wait
    assert wait is not None
    assert 0 < wait <= 2
    sleep(wait + 0.1)
    last = next(numbers) - 1
    world.chat.send(world.room, f"message {last}", key=str(last))
    assert [one.text for one in world.of_bot()] == [f"message {one}" for one in range(last + 1)]


def test_a_server_that_is_killed_and_comes_back_has_lost_nothing(
    world: MatrixWorld, listening: Listen
) -> None:
    message = world.says("ana", PROPOSAL)
    world.reacts("ana", message)
    ear = listening(world.chat)
    assert ear.next() is None
    card = world.chat.send(world.room, "carte", key="card", thread=message)
    world.server.stop(signal.SIGKILL)
    try:
        assert isinstance(ear.next(), Unreachable)
        with pytest.raises(Unreachable):
            world.chat.send(world.room, "encore", key="more")
        with pytest.raises(Unreachable):
            world.chat.now()
    finally:
        world.server.start()
    world.reacts("bob", message, "👎")
    ear = listening(world.chat)
    assert ear.next() is None
    assert reactions(world, message) == ["👍", "👎"]
    assert world.chat.send(world.room, "carte", key="card", thread=message) == card
    world.reacts("bob", message)
    assert ear.next() == News(world.room, message, reacted=True)


def test_a_token_that_is_revoked_is_refused(world: MatrixWorld, listening: Listen) -> None:
    ear = listening(world.chat)
    assert ear.next() is None
    world.bot.do("POST", "v3/logout", {})
    world.says("ana", "tu es là ?")
    error = ear.next()
    assert isinstance(error, Forbidden)
    assert error.status == 401
    assert world.bot.token not in str(error)
    for ask in (world.chat.now, world.chat.channels):
        with pytest.raises(Forbidden):
            ask()
    with pytest.raises(Forbidden):
        world.chat.reactions(world.room, ["$1"])


def test_a_bot_thrown_out_of_its_room_fails_nothing_and_comes_back_when_invited(
    world: MatrixWorld, listening: Listen
) -> None:
    chat = world.chat
    message = world.says("ana", PROPOSAL)
    card = chat.send(world.room, "carte", key="card")
    ear = listening(chat)
    assert ear.next() is None
    world.host.do("POST", f"v3/rooms/{quote(world.room)}/kick", {"user_id": world.bot.id})
    assert ear.next() is None
    assert chat.channels() == []
    chat.edit(world.room, card, "autre")
    chat.react(world.room, message, "👍")
    with pytest.raises(Forbidden):
        chat.send(world.room, "encore", key="more")
    missed = world.says("ana", "dis-moi")
    world.reacts("ana", message)
    world.host.do("POST", f"v3/rooms/{quote(world.room)}/invite", {"user_id": world.bot.id})
    assert ear.next() is None, "something may have been missed"
    assert [one.id for one in chat.channels()] == [world.room]
    assert chat.message(world.room, missed)
    assert reactions(world, message) == ["👍"]


def test_whoever_is_gone_from_the_server_stops_nothing(world: MatrixWorld, admin: Somebody) -> None:
    ana = world.somebody("ana")
    message = world.says("ana", PROPOSAL)
    world.reacts("ana", message)
    path = f"/_synapse/admin/v1/deactivate/{quote(ana.id)}"
    admin.server.ask("POST", path, orjson.dumps({"erase": True}))
    until(lambda: world.chat.called(ana.id) is None)  # it goes out of its rooms bit by bit
    world.chat.person(ana.id)
    assert reactions(world, message) == ["👍"]
    world.chat.send(world.chat.private(ana.id), "coucou", key="1")
