"""The bot as a process: threads, a lease, a server that goes away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.chat.memory import Memory
from tests.chat.rooms import ASLEEP, Room
from toutdoux.chat.saying import Habits


class Living(Memory):
    """A chat in memory whose clock runs, and which tells of news as they come."""

    def news(self, stopping: Event) -> Iterator[Any]:
        yield None
        while not stopping.is_set():
            self._there()
            while self.told:
                yield self.told.pop(0)
            self.clock = datetime.now(UTC)
            time.sleep(0.01)


@dataclass
class There:
    """A connection to what is there already."""

    association: str
    chat: Memory
    system: str = "memory"

    def open(self) -> Memory:
        return self.chat

    def habits(self) -> Habits:
        return ASLEEP


@pytest.fixture
def room(home: Path) -> Room:
    room = Room(Living(clock=datetime.now(UTC)))
    return room


@contextmanager
def running(room: Room, many: int = 1) -> Iterator[list[Any]]:
    from toutdoux.association.models import Association
    from toutdoux.chat.bot import Bot

    slug = Association.objects.get(pk=room.id).slug
    stopping = Event()
    bots = [Bot(There(slug, room.chat)) for _ in range(many)]
    threads = [Thread(target=bot.run, args=(stopping,)) for bot in bots]
    for thread in threads:
        thread.start()
    try:
        yield bots
    finally:
        stopping.set()
        for thread in threads:
            thread.join(20)


def until(done: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


PROPOSAL = "#action-ordinaire Ranger la cave"


def test_it_answers_and_counts_while_it_runs(room: Room) -> None:
    with running(room):
        message = room.chat.says("ana", PROPOSAL)
        until(room.chat.of_bot)
        room.chat.reacts("bob", message)
        until(lambda: room.tally("AO1") == (1, 0, 0))
        until(lambda: "1 for" in room.chat.of_bot()[0].text)


def test_votes_are_taken_while_a_report_is_made(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import asking
    from toutdoux.chat.asking import Answer

    voted = Event()

    def report(*asked: object) -> Answer:
        assert voted.wait(20)
        return Answer("The report")

    monkeypatch.setattr(asking, "_report", report)
    monkeypatch.setattr(asking, "_LOOKING", (report,))
    monkeypatch.setitem(asking._COMMANDS, "bilan", report)
    with running(room):
        message = room.chat.says("ana", PROPOSAL)
        until(room.chat.of_bot)
        for _ in range(2):
            room.chat.says("ana", "bilan P26", channel="private ana")
        room.chat.reacts("bob", message)
        until(lambda: room.tally("AO1") == (1, 0, 0))
        voted.set()
        until(lambda: len(room.chat.of_bot("private ana")) == 2)


def test_it_waits_for_a_server_that_is_away_and_catches_up(room: Room) -> None:
    with running(room):
        message = room.chat.says("ana", PROPOSAL)
        until(room.chat.of_bot)
        room.chat.down = True
        room.chat.reacts("bob", message)
        time.sleep(0.5)
        room.chat.down = False
        until(lambda: room.tally("AO1") == (1, 0, 0))


def test_of_two_one_works_and_the_other_waits(room: Room) -> None:
    from toutdoux.chat.models import Lease

    with running(room, many=2) as bots:
        room.chat.says("ana", PROPOSAL)
        until(room.chat.of_bot)
        time.sleep(0.3)
        assert len(room.chat.of_bot()) == 1
        assert Lease.objects.get().holder in {bot.me for bot in bots}
    assert not Lease.objects.exists(), "whoever ends lets go at once"


def test_the_lease_is_kept_however_long_it_reads(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import bot
    from toutdoux.chat.models import Lease

    monkeypatch.setattr(bot, "HELD", timedelta(seconds=1))
    read = Event()

    def slowly(*asked: object) -> Iterator[Any]:
        read.set()
        time.sleep(3)
        return iter(())

    monkeypatch.setattr(room.chat, "messages", slowly)
    with running(room):
        assert read.wait(10)
        time.sleep(2)
        assert Lease.objects.get().until > datetime.now(UTC)


def test_what_one_process_holds_another_leaves_alone(room: Room) -> None:
    from toutdoux.chat.models import Lease

    with running(room) as (bot,):
        until(lambda: Lease.objects.filter(holder=bot.me).exists())
        Lease.objects.update(holder="another", until=datetime.now(UTC) + timedelta(seconds=60))
        time.sleep(4)  # it looks every three seconds
        room.chat.says("ana", PROPOSAL)
        time.sleep(1)
        assert room.chat.of_bot() == []
    assert Lease.objects.get().holder == "another"


def test_an_association_that_is_gone_is_told_of_in_one_line(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from toutdoux.chat import bot

    monkeypatch.setattr(bot, "_SECONDS_AFTER_REFUSAL", 0.05)
    stopping = Event()
    thread = Thread(target=bot.Bot(There("nobody", room.chat)).run, args=(stopping,))
    thread.start()
    time.sleep(1)
    stopping.set()
    thread.join(20)
    (told,) = caplog.records
    assert "not there any more" in told.message
    assert told.exc_info is None


@contextmanager
def followed(monkeypatch: pytest.MonkeyPatch, told: Callable[[], list[Any]]) -> Iterator[None]:
    """Every chat that is set up is served; which they are is looked at all the time."""
    from toutdoux.chat import bot

    monkeypatch.setattr(bot, "_BETWEEN_LOOKS", 0.05)
    stopping = Event()
    thread = Thread(target=bot.run, args=(stopping, told))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(20)


def slug_of(room: Room) -> str:
    from toutdoux.association.models import Association

    return Association.objects.get(pk=room.id).slug


def test_a_chat_that_is_set_up_while_it_runs_is_served_from_then_on(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: list[Any] = []
    with followed(monkeypatch, lambda: list(there)):
        there.append(There(slug_of(room), room.chat))
        room.chat.says("ana", PROPOSAL)
        until(room.chat.of_bot)


def test_no_decision_waits_for_a_chat_given_up_while_it_runs(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.actions.models import ReadChat

    there: list[Any] = [There(slug_of(room), room.chat)]
    with followed(monkeypatch, lambda: list(there)):
        until(ReadChat.objects.exists)
        there.clear()
        until(lambda: not ReadChat.objects.exists())
        room.chat.says("ana", PROPOSAL)
        time.sleep(1)
        assert room.chat.of_bot() == []
        assert not ReadChat.objects.exists()


def test_no_decision_waits_for_a_chat_given_up_while_nothing_ran(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.actions.models import ReadChat

    read = {"association_id": room.id, "until": room.chat.clock}
    ReadChat.objects.create(**read, server=room.chat.server, channel="place")
    with followed(monkeypatch, list):
        until(lambda: not ReadChat.objects.exists())


def test_another_chats_replaced_room_is_waited_for_still(room: Room) -> None:
    """Giving one chat up says nothing of another, whose rooms the bot follows by itself."""
    from toutdoux.actions.models import ReadChat
    from toutdoux.association.models import Association
    from toutdoux.chat.bot import forget_unwatched
    from toutdoux.chat.connections import Connection

    kept = Connection(
        association=slug_of(room),
        system="matrix",
        address="https://m.example.org",
        channels=("#a:b",),
        ids={"#a:b": "!old:b"},
    )
    read = {"association_id": room.id, "until": room.chat.clock}
    ReadChat.objects.create(**read, server=kept.open().server, channel="!new:b")
    ReadChat.objects.create(**read, server="given up", channel="c")
    association = Association.objects.get(pk=room.id)
    forget_unwatched(association, [kept])
    assert [one.channel for one in ReadChat.objects.all()] == ["!new:b"]
    forget_unwatched(association, [kept], changed=kept)
    assert not ReadChat.objects.exists(), "set up anew, it is in the room it names"
