"""The bot in real chats: on a Synapse of its own (`make build/synapse/ready`), and on the
Mattermost that TOUTDOUX_TEST_MATTERMOST_URL and TOUTDOUX_TEST_MATTERMOST_ADMIN_TOKEN name.

    python bench/chat.py                        the table (`make bench` prints it too)
    python bench/chat.py --part 0.1             a tenth of everything, for a quick look
    python bench/chat.py --only matrix          or mattermost

With BENCH_LOG=1, it tells each figure as it has it, and what the bot logs.

The bot runs as `toutdoux chat` does, in a process of its own; people react from this one, and each
reaction is waited for in the ledger. The floor is the server alone: how long a bare client of the
same kind (/sync, a websocket) waits for the same reactions while no bot is there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

CHANNELS = 10
PEOPLE = 500
"""Who all react to one message."""
OFTEN = 25
"""How many of them react to many."""
MISSED = (1_000, 10_000)
"""Messages, each of which proposes something, and reactions to them."""
RATES = {1: 20, 50: 10}
"""Reactions a second, and for how many seconds."""
AT_ONCE = 32
"""People who do something at the same moment."""
PATIENCE = 600
SIGN = "👍"

Key = tuple[str, str]
"""Whose reaction, to which message."""
Times = dict[Key, float]


class Place(Protocol):
    """A server with some channels, in which people and the bot are."""

    name: str
    channels: list[str]

    def account(self, person: str) -> str:
        """Somebody's id; they are made, and in the first channel, when first named."""

    def join(self, person: str, channel: str) -> None: ...

    def say(self, person: str, channel: str, text: str) -> str: ...

    def react(self, person: str, channel: str, message: str) -> None: ...

    def connection(self) -> Mapping[str, Any]:
        """How the bot reaches it."""

    def listen(self, ear: Ear) -> None:
        """Tell what a bare client hears, until told to stop."""

    def remove(self) -> None: ...


class Ear:
    """When a bare client heard of what, in a thread."""

    def __init__(self, place: Place) -> None:
        self.reactions: Times = {}
        self.edits: dict[str, list[float]] = {}
        self.ready, self.stopping = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=place.listen, args=(self,), daemon=True)
        self.thread.start()
        if not self.ready.wait(30):
            raise SystemExit("the server tells nothing")

    def reacted(self, person: str, message: str) -> None:
        self.reactions.setdefault((person, message), time.perf_counter())

    def edited(self, message: str) -> None:
        self.edits.setdefault(message, []).append(time.perf_counter())


@contextmanager
def listening(place: Place) -> Iterator[Ear]:
    ear = Ear(place)
    try:
        yield ear
    finally:
        ear.stopping.set()
        ear.thread.join(60)


# --- the two systems -----------------------------------------------------------------------------


class OnMatrix:
    name = "Matrix"

    def __init__(self, folder: Path) -> None:
        from tests.chat.synapse import MatrixWorld, Synapse

        folder.mkdir()
        self.synapse = Synapse(folder)
        self.world = MatrixWorld(self.synapse)
        self.names = [self.world.alias]
        self.channels = [self.world.room]
        for number in range(1, CHANNELS):
            name = f"actions{number}-{self.world.tag}"
            room = self.world.host.make(preset="public_chat", room_alias_name=name)
            self.world.bot.join(room)
            self.names.append(f"#{name}:{self.world.alias.partition(':')[2]}")
            self.channels.append(room)

    def account(self, person: str) -> str:
        return self.world.account(person)

    def join(self, person: str, channel: str) -> None:
        self.world.somebody(person).join(channel)

    def say(self, person: str, channel: str, text: str) -> str:
        return self.world.somebody(person).says(channel, text)

    def react(self, person: str, channel: str, message: str) -> None:
        self.world.somebody(person).reacts(channel, message, SIGN)

    def connection(self) -> Mapping[str, Any]:
        return {
            "system": "matrix",
            "address": self.synapse.address,
            "token": self.world.bot.token,
            "channels": tuple(self.names),
        }

    def listen(self, ear: Ear) -> None:
        host = self.world.host
        wanted = {"types": ["m.reaction", "m.room.message"], "limit": 1000}
        filter = json.dumps({"room": {"timeline": wanted, "state": {"types": []}}})
        since: dict[str, str] = {}
        while not ear.stopping.is_set():
            wait = "500" if since else "0"
            told = host.do("GET", "v3/sync", filter=filter, timeout=wait, **since)
            if since:
                for room in told.get("rooms", {}).get("join", {}).values():
                    for event in room["timeline"]["events"]:
                        self._heard(ear, event)
            since = {"since": told["next_batch"]}
            ear.ready.set()

    def _heard(self, ear: Ear, event: Mapping[str, Any]) -> None:
        about = event["content"].get("m.relates_to", {})
        if event["type"] == "m.reaction":
            ear.reacted(event["sender"], about["event_id"])
        elif about.get("rel_type") == "m.replace":
            ear.edited(about["event_id"])

    def remove(self) -> None:
        self.synapse.stop()


class OnMattermost:
    name = "Mattermost"

    def __init__(self) -> None:
        from tests.chat.mattermost import ADDRESS, TOKEN, MattermostWorld

        self.world = MattermostWorld(os.environ[ADDRESS], os.environ[TOKEN])
        self.names = ["tout-doux"]
        self.channels = [self.world.channel]
        for number in range(1, CHANNELS):
            self.names.append(f"tout-doux-{number}")
            self.channels.append(self.world.make_channel(self.names[-1]))
            self.world.join(self.world.bot, self.channels[-1])

    def account(self, person: str) -> str:
        return self.world.account(person)

    def join(self, person: str, channel: str) -> None:
        self.world.join(self.account(person), channel)

    def say(self, person: str, channel: str, text: str) -> str:
        return self.world.says(person, text, channel=channel)

    def react(self, person: str, channel: str, message: str) -> None:
        self.world.reacts(person, message, SIGN)

    def connection(self) -> Mapping[str, Any]:
        return {
            "system": "mattermost",
            "address": self.world.address,
            "token": self.world.token,
            "team": f"asso-{self.world.tag}",
            "channels": tuple(self.names),
        }

    def listen(self, ear: Ear) -> None:
        from websockets.sync.client import connect

        token = self.world.make_token(self.account("p0"))
        line = connect(
            f"ws{self.world.address.removeprefix('http')}/api/v4/websocket",
            additional_headers={"Authorization": f"Bearer {token}"},
            max_size=2**24,
            compression=None,
        )
        with line as told:
            while not ear.stopping.is_set():
                try:
                    event = json.loads(told.recv(timeout=0.5))
                except TimeoutError:
                    continue
                ear.ready.set()
                if event.get("event") == "reaction_added":
                    about = json.loads(event["data"]["reaction"])
                    ear.reacted(about["user_id"], about["post_id"])
                elif event.get("event") == "post_edited":
                    ear.edited(json.loads(event["data"]["post"])["id"])

    def remove(self) -> None:
        self.world.remove()


# --- the association, and its bot ----------------------------------------------------------------


class Association:
    """One whose members are in a chat, and what its tables say meanwhile."""

    def __init__(self, place: Place, home: Path, people: Sequence[str]) -> None:
        from toutdoux.actions import commands
        from toutdoux.chat import connections, models
        from toutdoux.core.charter import read_charter

        self.place, self.home = place, home
        now = datetime.now(UTC)
        begin = now - timedelta(days=100)
        slug = f"banc-{place.name.lower()}"
        self.id = commands.found(
            f"Banc d’essai {place.name}",
            now=begin,
            via="bench",
            slug=slug,
            time_zone="Europe/Paris",
            language="fr",
            charter=read_charter("tout-doux-cratie"),
        )
        request = commands.Request(association=self.id, now=begin, via="bench")
        told = place.connection()
        server = f"{told['system']} {told['address']}"
        self.accounts: dict[str, str] = {}
        for person in people:
            member = commands.add_member(request, f"Membre {person}", joined=begin)
            account = place.account(person)
            self.accounts[member] = account
            models.Account.objects.create(
                association_id=self.id, server=server, person=account, member_id=member
            )
        for one in connections.connections():
            connections.drop(one.association, one.system)
        connections.keep(connections.Connection(association=slug, **told))

    def ask(self, query: str, *arguments: object) -> list[Any]:
        reading = sqlite3.connect(f"file:{self.home / 'toutdoux.sqlite3'}?mode=ro", uri=True)
        try:
            return reading.execute(query, arguments).fetchall()
        finally:
            reading.close()

    def posts(self, cards: bool = False) -> dict[str, tuple[str, str]]:
        """The proposing messages that the bot knows: their actions and cards."""
        found = self.ask(
            "SELECT message, action, card FROM chat_post WHERE association_id = ?", self.id
        )
        return {message: (ref, card) for message, ref, card in found if card or not cards}

    def length(self) -> int:
        return int(self.ask("SELECT length FROM ledger_ledger WHERE id = ?", self.id)[0][0])

    @contextmanager
    def watched(self) -> Iterator[Times]:
        """When each vote from now on is seen in the ledger."""
        seen: Times = {}
        stopping = threading.Event()
        thread = threading.Thread(target=self._watch, args=(seen, stopping, self.length()))
        thread.start()
        try:
            yield seen
        finally:
            stopping.set()
            thread.join()

    def _watch(self, seen: Times, stopping: threading.Event, last: int) -> None:
        reading = sqlite3.connect(f"file:{self.home / 'toutdoux.sqlite3'}?mode=ro", uri=True)
        query = "SELECT seq, body FROM ledger_entry WHERE ledger_id = ? AND seq > ? ORDER BY seq"
        messages: dict[str, str] = {}
        while not stopping.wait(0.005):
            for seq, body in reading.execute(query, (self.id, last)).fetchall():
                last, now, entry = seq, time.perf_counter(), json.loads(body)
                if entry["kind"] == "vote.cast":
                    ref = entry["data"]["action"]
                    if ref not in messages:
                        messages |= {one: id for id, (one, _) in self.posts().items()}
                    seen.setdefault((self.accounts[entry["by"]], messages.get(ref, ref)), now)
        reading.close()


@contextmanager
def bot() -> Iterator[int]:
    """The bot in a process of its own: its process id."""
    running = subprocess.Popen(
        [sys.executable, "-m", "toutdoux", "chat"],
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCH_LOG") else subprocess.DEVNULL,
    )
    try:
        yield running.pid
    finally:
        running.terminate()
        running.wait()


# --- measuring -----------------------------------------------------------------------------------


def until(done: Callable[[], bool], what: str) -> float:
    """Seconds until something is so."""
    begin = time.perf_counter()
    while not done():
        if time.perf_counter() - begin > PATIENCE:
            raise SystemExit(f"after {PATIENCE} seconds, not {what}")
        time.sleep(0.05)
    return time.perf_counter() - begin


def together(work: Callable[..., Any], told: Iterable[tuple[Any, ...]]) -> list[Any]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda one: work(*one), told))


def react(place: Place, whose: Sequence[tuple[str, str, str]], rate: float | None = None) -> Times:
    """Have people react, so many a second, or as fast as the server takes it.

    Args:
        place: where.
        whose: the person, the channel and the message, of each reaction.
        rate: how many a second.

    Returns:
        When each was sent off.
    """
    begun: Times = {}
    begin = time.perf_counter()

    def one(number: int, person: str, channel: str, message: str) -> None:
        begun[place.account(person), message] = time.perf_counter()
        place.react(person, channel, message)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = []
        for number, told in enumerate(whose):
            if rate:
                time.sleep(max(0.0, begin + number / rate - time.perf_counter()))
            waiting.append(pool.submit(one, number, *told))
        for future in waiting:
            future.result()
    return begun


def waited(begun: Times, seen: Times, what: str) -> list[float]:
    """Milliseconds from each reaction until it was seen, sorted; waits for those to come."""
    until(lambda: begun.keys() <= seen.keys(), what)
    return sorted(1000 * (seen[key] - at) for key, at in begun.items())


def p(taken: Sequence[float], percent: int) -> float:
    return taken[min(len(taken) - 1, len(taken) * percent // 100)]


def memory(pid: int, what: str = "VmRSS") -> float:
    """What a process holds in memory, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    told = dict(line.split(":", 1) for line in lines)
    return int(told[what].split()[0]) / 1024


def processor(pid: int) -> float:
    """How many seconds a process has had a processor to itself: that tells more than the clock,
    where others are at work."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


class Bench:
    """What is measured on one server."""

    def __init__(self, place: Place, home: Path, part: float) -> None:
        self.place, self.part = place, part
        self.rows: list[list[str]] = []
        self.people = [f"p{number}" for number in range(max(OFTEN, int(PEOPLE * part)))]
        self.place.account(self.people[0])
        together(self.place.account, [(one,) for one in self.people[1:]])
        often = [(one, channel) for channel in place.channels[1:] for one in self._some(channel)]
        together(self.place.join, often)
        self.association = Association(place, home, self.people)

    def _some(self, channel: str) -> list[str]:
        """Those who react to what was said in a channel."""
        if channel == self.place.channels[0]:
            return self.people[:OFTEN]
        return self.people[: MISSED[1] // MISSED[0]]

    def row(self, what: str, taken: float, floor: float | None = None, asked: str = "") -> None:
        self.rows.append(
            [
                f"{self.place.name}: {what}" if not what.startswith(" ") else what,
                _figure(taken),
                _figure(floor),
                f"{taken / floor:.1f}" if floor else "",
                asked,
            ]
        )
        if os.environ.get("BENCH_LOG"):
            print(*self.rows[-1], sep="  ", file=sys.stderr, flush=True)

    def run(self) -> list[list[str]]:
        floors, burst_floor = self.floors()
        with bot() as pid, self.association.watched() as seen:
            time.sleep(3)
            first = memory(pid)
            for rate, floor in floors.items():
                taken = self.paced(rate, seen)
                asked = f"{max(500.0, 2 * p(floor, 95)):.0f}" if rate > 1 else ""
                what = f"from a reaction to its vote, {rate} a second"
                self.row(f"{what}, p50 ms", p(taken, 50), p(floor, 50))
                self.row("  … p95 ms", p(taken, 95), p(floor, 95), asked)
            self.burst(seen, burst_floor)
        self.missed(first)
        return self.rows

    # --- votes as they come ----------------------------------------------------------------------

    def floors(self) -> tuple[dict[int, list[float]], float]:
        """The server alone: milliseconds by rate, and the seconds that a burst takes."""
        with listening(self.place) as ear:
            found = {}
            for rate in RATES:
                begun = react(self.place, self._plan(rate, "Bonjour"), rate)
                found[rate] = waited(begun, ear.reactions, "heard")
            begin = time.perf_counter()
            begun = react(self.place, self._all_on_one("Bonjour"))
            waited(begun, ear.reactions, "heard")
            return found, time.perf_counter() - begin

    def paced(self, rate: int, seen: Times) -> list[float]:
        plan = self._plan(rate, "#action-extraordinaire Ouvrir un service")
        self._known([message for _, _, message in plan])
        return waited(react(self.place, plan, rate), seen, "in the ledger")

    def _plan(self, rate: int, text: str) -> list[tuple[str, str, str]]:
        """Who reacts to which messages: everybody who does often, to one after the other."""
        count = max(5, int(rate * RATES[rate] * self.part))
        channel = self.place.channels[0]
        messages = [
            self.place.say(self.people[0], channel, f"{text} {number}")
            for number in range(-(-count // OFTEN))
        ]
        all = [(person, channel, message) for message in messages for person in self._some(channel)]
        return all[:count]

    def _all_on_one(self, text: str) -> list[tuple[str, str, str]]:
        channel = self.place.channels[0]
        message = self.place.say(self.people[0], channel, text)
        return [(person, channel, message) for person in self.people]

    def _known(self, messages: Iterable[str]) -> None:
        """Wait until the bot has put its cards under some messages, and its signs."""
        wanted = set(messages)
        until(lambda: wanted <= self.association.posts(cards=True).keys(), "answered")
        time.sleep(2)

    def burst(self, seen: Times, floor: float) -> None:
        plan = self._all_on_one("#action-extraordinaire Changer de nom")
        self._known([plan[0][2]])
        ref, card = self.association.posts()[plan[0][2]]
        with listening(self.place) as ear:
            begin = time.perf_counter()
            waited(react(self.place, plan), seen, "in the ledger")
            self.row(
                f"{len(plan)} reactions at once, s until all count",
                time.perf_counter() - begin,
                floor,
            )
            told = "SELECT votes_for FROM actions_action WHERE association_id = ? AND ref = ?"
            (counted,) = self.association.ask(told, self.association.id, ref)
            if counted != (len(plan),):
                raise SystemExit(f"{len(plan)} voted, {counted} are counted")
            time.sleep(3)
            edits = ear.edits.get(card, [])
            over = max(1.0, (edits[-1] - edits[0]) if edits else 1.0)
            self.row("  … edits of the card", len(edits))
            self.row("  … a second", (len(edits) - 1) / over, None, "1")

    # --- what was missed -------------------------------------------------------------------------

    def missed(self, memory_at_first: float) -> None:
        messages, reactions = (int(one * self.part) for one in MISSED)
        text = "#action-extraordinaire Ouvrir un service manqué"
        since = datetime.now(UTC) - timedelta(seconds=1)
        sent = together(
            lambda number, channel: (
                channel,
                self.place.say(self._some(channel)[number % 10], channel, f"{text} {number}"),
            ),
            [(number, self.place.channels[number % CHANNELS]) for number in range(messages)],
        )
        each = reactions // messages
        plan = [
            (self.people[number], channel, message)
            for channel, message in sent
            for number in range(each)
        ]
        begun = react(self.place, plan)
        reading = self._only_read(since, sent)
        size = f"{messages:,} messages and {reactions:,} reactions missed"
        with bot() as pid, self.association.watched() as seen:
            begin = time.perf_counter()
            until(lambda: begun.keys() <= seen.keys(), "caught up")
            self.row(f"{size}, s until all count", time.perf_counter() - begin, reading, "60")
            self.row("  … s of a processor", processor(pid))
            wanted = {message for _, message in sent}
            until(lambda: wanted <= self.association.posts(cards=True).keys(), "answered")
            self.row("  … s until all have their cards", time.perf_counter() - begin)
            time.sleep(90 if self.part == 1 else 5)  # all cards were looked at once more by then
            held = f"memory with {CHANNELS} channels and {messages:,} open ballots, MB"
            self.row(held, memory(pid), memory_at_first)
            self.row("  … at most", memory(pid, "VmHWM"))

    def _only_read(self, since: datetime, sent: Sequence[tuple[str, str]]) -> float:
        """The floor of catching up: seconds that reading takes, nothing done with it."""
        from toutdoux.chat.connections import connections

        (connection,) = connections()
        chat = connection.open()
        chat.channels()
        begin = time.perf_counter()
        for channel in self.place.channels:
            read = sum(1 for _ in chat.messages(channel, since))
            there = [message for place, message in sent if place == channel]
            if read < len(there) or len(chat.reactions(channel, there)) < len(there):
                raise SystemExit("not all was read")
        return time.perf_counter() - begin


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 20 or value == int(value) else f"{value:.1f}"


TITLES = ["", "bot", "server alone", "times", "asked"]


def table(part: float, only: str) -> list[list[str]]:
    """All rows, as `TITLES` has them."""
    from tests.chat.mattermost import ADDRESS
    from tests.chat.synapse import INSTALLED

    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        os.environ |= {"TOUTDOUX_HOME": str(folder), "TOUTDOUX_SECRET_KEY": "bench"}
        for name in ("DATABASE_URL", "TOUTDOUX_CHAT_TOKEN"):
            os.environ.pop(name, None)
        from toutdoux.config import database

        database.prepare(web=True)
        if only in ("", "matrix") and (INSTALLED / "ready").exists():
            matrix = OnMatrix(folder / "synapse")
            stack.callback(matrix.remove)
            rows += Bench(matrix, folder, part).run()
        if only in ("", "mattermost") and os.environ.get(ADDRESS):
            mattermost = OnMattermost()
            stack.callback(mattermost.remove)
            rows += Bench(mattermost, folder, part).run()
    return rows


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    said = argparse.ArgumentParser(description="The bot in real chats.")
    said.add_argument("--part", type=float, default=1.0, help="how much of everything: 0.1")
    said.add_argument("--only", choices=("matrix", "mattermost"), default="")
    told = said.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # no server is left behind
    rows = table(told.part, told.only)
    from toutdoux.cli.speech import print_table

    print_table(TITLES, rows, right=(1, 2, 3, 4))


if __name__ == "__main__":
    main()
