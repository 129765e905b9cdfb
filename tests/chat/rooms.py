"""An association in a chat."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread

from tests.chat.memory import Memory, MemoryWorld
from tests.chat.worlds import World
from toutdoux.chat.saying import Habits
from toutdoux.chat.system import Chat, News, Unreachable

ASLEEP = Habits(waking=(0, 0))
"""Nothing is said of the bot's own accord, on whatever day and at whatever hour a test runs that
lives in the present."""


class Gathering:
    """An association with four founders, each with a chat account of the same name but driss."""

    habits: Habits | None = None

    def __init__(self, world: World) -> None:
        from toutdoux.actions import commands
        from toutdoux.chat.models import Account
        from toutdoux.core.charter import read_charter

        self.world = world
        begin = world.now() - timedelta(days=30)
        self.id = commands.found(
            "Les Loutres libres",
            now=begin,
            via="test",
            slug=f"loutres-{commands.new_id()}",
            time_zone="Europe/Paris",
            language="en",
            charter=read_charter("tout-doux-cratie"),
        )
        request = commands.Request(association=self.id, now=begin, via="test")
        self.members = {
            name.split()[0].lower(): commands.add_member(request, name, joined=begin, founder=True)
            for name in ("Ana Brun", "Bob Leroy", "Chloe Petit", "Driss Amar")
        }
        for name in ("ana", "bob", "chloe"):
            Account.objects.create(
                association_id=self.id,
                server=world.chat.server,
                person=world.account(name),
                member_id=self.members[name],
            )
        self.start()

    def start(self) -> None:
        """Start the bot, anew if it ran: it remembers what is in the database."""
        from toutdoux.association.models import Association
        from toutdoux.chat.brain import Brain
        from toutdoux.chat.place import Place

        association = Association.objects.get(pk=self.id)
        self.place = Place(association, self.world.connect(), self.habits)
        self.brain = Brain(self.place)

    def action(self, ref: str):
        from toutdoux.actions import reading

        return reading.standing(self.id, self.world.now(), "(erased)").actions[ref]

    def tally(self, ref: str) -> tuple[int, int, int]:
        ballot = self.action(ref).ballot
        return ballot.for_, ballot.against, ballot.abstain


class Room(Gathering):
    """One in a chat in memory, where time passes only as the test says."""

    def __init__(self, chat: Memory | None = None) -> None:
        self.chat = chat or Memory()
        super().__init__(MemoryWorld(self.chat))

    def turn(self) -> None:
        """Let the bot do what it does at each look."""
        self.chat.after(seconds=1)
        self.brain.turn(list(self.chat.news(Event())), self.chat.clock)


class Hall(Gathering):
    """One in any chat: the bot listens in a thread, and acts as the test says."""

    habits = ASLEEP
    ear: Ear | None = None
    times = 1
    """How often everything is heard."""

    def start(self) -> None:
        self.stop()
        super().start()
        self.ear = Ear(self.place.chat)

    def stop(self) -> None:
        """Have the bot hear nothing more."""
        if self.ear is not None:
            self.ear.stop()

    def turn(self) -> None:
        assert self.ear is not None
        # A server tells the time to the second, rounded down.
        now = self.world.now() + timedelta(seconds=1)
        self.brain.turn(self.ear.heard() * self.times, now)

    def until(self, done: Callable[[], object], seconds: float = 30) -> None:
        """Let the bot go on until something is so."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it did not happen"
            self.turn()

    def until_tally(self, ref: str, *expected: int) -> None:
        self.until(lambda: self.place.standing([ref], self.world.now()).actions)
        self.until(lambda: self.tally(ref) == expected)


class Ear:
    """Hears a bot's news, as the bot itself does."""

    def __init__(self, chat: Chat) -> None:
        self._told: SimpleQueue[News | None] = SimpleQueue()
        self._stopping = Event()
        self._thread = Thread(target=self._listen, args=(chat,), daemon=True)
        self._thread.start()

    def _listen(self, chat: Chat) -> None:
        while not self._stopping.is_set():
            try:
                for news in chat.news(self._stopping):
                    self._told.put(news)
            except Unreachable:
                pass
            self._stopping.wait(0.01)

    def heard(self, seconds: float = 0.2) -> list[News | None]:
        """What was heard since, with what comes in within some time."""
        found: list[News | None] = []
        try:
            found.append(self._told.get(timeout=seconds))
            while True:
                found.append(self._told.get(timeout=0.02))
        except Empty:
            return found

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(30)
