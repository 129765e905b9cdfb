"""The real command on a real Matrix server, killed at any moment (`kill -9`) and started again: in
the end, the ledger says what the reactions on the server say."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
import pytest

from tests.chat.synapse import MatrixWorld
from tests.cli.running import COMMAND, ENGLISH, environment, run
from toutdoux.chat.saying import Habits
from toutdoux.core.history import Choice

pytestmark = pytest.mark.slow

SIGNS = ("👍", "👎", "🤷", "👍🏿", "🤷🏽‍♀️", "🎉")
UNDECIDED = {"preset": "tout-doux-cratie"} | {
    kind: {"adopted_early": "none", "cancelled_early": "none"}
    for kind in ("ordinary", "extraordinary")
}
"""Votes can change until the end."""


def until(done: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


class Association:
    """An association whose chat is a room on the server; all that is done to it, real commands do,
    and the bot's process."""

    def __init__(self, world: MatrixWorld, home: Path, place: Path) -> None:
        self.world, self.place = world, place
        self.env = {**ENGLISH, "TOUTDOUX_HOME": str(home), "TOUTDOUX_CHAT_TOKEN": world.bot.token}
        self.process: subprocess.Popen[bytes] | None = None

    def do(self, *told: object) -> str:
        done = run(*told, env=self.env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def set_up(self) -> None:
        address = ("--address", self.world.server.address)
        self.do("chat", "setup", "matrix", *address, "--channel", self.world.alias)
        # What it says of its own accord depends on the day and the hour.
        file = Path(self.env["TOUTDOUX_HOME"]) / "chat.json"
        file.write_bytes(
            orjson.dumps([{**one, "waking": (0, 0)} for one in orjson.loads(file.read_bytes())])
        )
        today = date.today()
        month = timedelta(days=30)
        self.do("period", "add", "P", today - month, today + month)

    def show(self, ref: str) -> dict[str, Any]:
        return dict(orjson.loads(self.do("show", ref, "--format", "json")))

    def inventory(self) -> list[dict[str, Any]]:
        return list(orjson.loads(self.do("inventory", "P", "--format", "json")))

    # --- the bot's process -----------------------------------------------------------------------

    def start(self, *command: str) -> None:
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, *(command or ("chat",))],
                env=environment(**self.env, PYTHONUNBUFFERED="1"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def works(self) -> bool:
        """Whether the process has begun to act. Raises `AssertionError` if it ended."""
        from toutdoux.chat.models import Lease

        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return Lease.objects.exists()

    def stop(self, how: int) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(how)
        status, self.process = self.process.wait(60), None
        return status

    def kill(self, at_once: bool = True) -> None:
        """Kill it. `at_once`: without the seconds in which the next one waits, since it cannot
        know that this one works no more."""
        from toutdoux.chat.models import Lease

        self.stop(signal.SIGKILL)
        if at_once:
            Lease.objects.all().delete()

    def said(self) -> str:
        return (self.place / "log").read_text()[-3000:]


@pytest.fixture
def association(matrix_world: MatrixWorld, home: Path, tmp_path: Path) -> Iterator[Association]:
    found = Association(matrix_world, home, tmp_path)
    yield found
    found.stop(signal.SIGKILL)


def truth(world: MatrixWorld, message: str) -> dict[str, Choice]:
    """What the server's present reactions say: of each person, the one added last."""
    said: dict[str, Choice] = {}
    there = world.host.reactions(world.room, message)
    for one in sorted(there, key=lambda one: int(one["origin_server_ts"])):
        choice = Habits().choice(one["content"]["m.relates_to"]["key"])
        if choice is not None and one["sender"] != world.bot.id:
            said[one["sender"].removeprefix("@").partition("-")[0]] = choice
    return said


# --- many reactions ------------------------------------------------------------------------------


class Crowd:
    """Members who propose, and then put on, change and take away reactions, some at a time."""

    def __init__(self, association: Association, size: int, seed: int) -> None:
        from toutdoux.actions import commands
        from toutdoux.chat.models import Account
        from toutdoux.core.charter import read_charter

        self.association, self.world = association, association.world
        self.chance = random.Random(seed)
        self.names = [f"p{number:02}" for number in range(size)]
        begin = self.world.now() - timedelta(days=30)
        self.id = commands.found(
            "Les Loutres libres",
            now=begin,
            via="test",
            time_zone="Europe/Paris",
            language="en",
            charter=read_charter(UNDECIDED),
        )
        request = commands.Request(association=self.id, now=begin, via="test")
        for name in self.names:
            Account.objects.create(
                association_id=self.id,
                server=self.world.chat.server,
                person=self.world.account(name),
                member_id=commands.add_member(
                    request, name, handle=name, joined=begin, founder=True
                ),
            )
        association.set_up()
        self.messages: list[str] = []

    def propose(self) -> None:
        number = len(self.messages)
        kind = "ordinaire" if number % 2 else "extraordinaire"
        text = f"#action-{kind} Proposition {number}"
        self.messages.append(self.world.says(self.names[number], text))

    def react(self, events: int, hands: int = 3) -> None:
        """Do so many things to reactions, each person one after the other."""
        shares = [events // hands + (hand < events % hands) for hand in range(hands)]
        seeds = [self.chance.random() for _ in range(hands)]
        with ThreadPoolExecutor(hands) as pool:
            told = [
                pool.submit(self._react, self.names[hand::hands], *one)
                for hand, one in enumerate(zip(shares, seeds, strict=True))
            ]
            for one in told:
                one.result()

    def _react(self, names: list[str], events: int, seed: float) -> None:
        chance = random.Random(seed)
        for event in range(events):
            name, message = names[event % len(names)], chance.choice(self.messages)
            given = [key for key in list(self.world.given) if key[:2] == (name, message)]
            free = [sign for sign in SIGNS if (name, message, sign) not in given]
            if given and (not free or chance.random() < 0.4):
                self.world.takes_back(*chance.choice(given))
            else:
                self.world.reacts(name, message, chance.choice(free))
            time.sleep(chance.uniform(0, 0.1))

    # --- what came of it -------------------------------------------------------------------------

    def votes(self) -> dict[str, dict[str, Choice]]:
        """What the ledger says, by the message that proposed."""
        found = {}
        for row in self.association.inventory():
            (message,) = [one for one in self.messages if str(row["link"]).find(f"/{one}?") > 0]
            told = self.association.show(row["ref"])
            found[message] = {one["member"]: Choice(one["choice"]) for one in told["votes"]}
            tally = Counter(found[message].values())
            assert {one: told[one] for one in ("for", "against", "abstain")} == {
                "for": tally[Choice.FOR],
                "against": tally[Choice.AGAINST],
                "abstain": tally[Choice.ABSTAIN],
            }
        return found

    def length(self) -> int:
        """How many entries the ledger has."""
        from toutdoux.ledger.models import Ledger

        return Ledger.objects.get(pk=self.id).length

    def is_told_right(self) -> bool:
        return self.votes() == {one: truth(self.world, one) for one in self.messages}

    def is_shown_right(self) -> bool:
        return all(self.is_shown(one) for one in self.messages)

    def is_shown(self, message: str) -> bool:
        tally = Counter(truth(self.world, message).values())
        shown = " · ".join(
            f"{tally[choice]} {word}"
            for choice, word in zip(Choice, ("for", "against", "neutral"), strict=True)
        )
        cards = [one for one in self.world.of_bot() if one.thread == message]
        return len(cards) == 1 and shown in cards[0].text

    def assert_all_is_there_once(self) -> None:
        rows = self.association.inventory()
        assert len(rows) == len(self.messages), "one action for each proposing message"
        assert Counter(one.thread for one in self.world.of_bot()) == Counter(self.messages)
        for message in self.messages:
            there = self.world.host.reactions(self.world.room, message)
            mine = [one for one in there if one["sender"] == self.world.bot.id]
            signs = [one["content"]["m.relates_to"]["key"] for one in mine]
            assert sorted(signs) == sorted(Habits().signs[choice][0] for choice in Choice)
        for name in self.names:
            told = self.world.told(name)
            assert len(told) == len(set(told)), "nobody is told the same twice"
        assert run("verify", env=self.association.env).returncode == 0


@contextmanager
def killed_again_and_again(
    association: Association, chance: random.Random, least: int
) -> Iterator[list[float]]:
    """Have the bot run, and be killed at moments of chance, for as long as the block lasts, and so
    often at least. In the end, one runs."""
    enough = Event()
    killed: list[float] = []
    failed: list[BaseException] = []

    def go_on() -> None:
        from django.db import connection

        try:
            while not enough.is_set() or len(killed) < least:
                association.start()
                until(association.works)
                killed.append(chance.uniform(0, 1.5))
                time.sleep(killed[-1])
                association.kill()
        except BaseException as error:
            failed.append(error)
        finally:
            connection.close()

    thread = Thread(target=go_on)
    thread.start()
    try:
        yield killed
    finally:
        enough.set()
        thread.join()
    assert not failed, failed
    association.start()


def test_killed_amid_300_reactions_by_30_people_it_loses_none(association: Association) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    crowd = Crowd(association, 30, seed)
    with killed_again_and_again(association, random.Random(seed), least=8) as killed:
        for _ in range(6):
            crowd.propose()
            crowd.react(50)
    print(f"killed after {[round(one, 2) for one in killed]} s")
    until(crowd.is_told_right)
    until(crowd.is_shown_right)
    crowd.assert_all_is_there_once()
    before = crowd.length()
    assert association.stop(signal.SIGTERM) == 0
    association.start()
    until(association.works)
    time.sleep(5)
    assert crowd.length() == before, "what was taken is not taken again"
    assert crowd.is_told_right()
    crowd.assert_all_is_there_once()


def test_served_with_the_pages_it_loses_none_either(association: Association) -> None:
    crowd = Crowd(association, 10, seed=random.randrange(10**6))
    serve = ("serve", "--port", "0")
    association.start(*serve)
    until(association.works)
    crowd.propose()
    crowd.react(20)
    association.kill(at_once=False)
    crowd.react(20)
    association.start(*serve)
    crowd.react(20)
    until(crowd.is_told_right)
    until(crowd.is_shown_right)
    crowd.assert_all_is_there_once()


# --- a channel's life ----------------------------------------------------------------------------

PEOPLE = ("ana", "bob", "chloe", "driss")


@pytest.fixture
def life(association: Association, tmp_path: Path) -> Association:
    """Four founders, known to the bot by their codes; ordinary actions take a minute."""
    charter = tmp_path / "charter.yaml"
    charter.write_text("preset: tout-doux-cratie\nordinary: {window: 1 minutes}\n")
    association.do("init", "--name", "Loutres", "--lang", "en", "--charter", charter)
    for name in PEOPLE:
        association.do("member", "add", name.title(), "--founder")
    association.set_up()
    association.start()
    for name in PEOPLE:
        code = association.do("chat", "code", name).split()[0]
        association.world.whispers(name, f"register {code}")
    until(lambda: all("Welcome" in "".join(association.world.told(name)) for name in PEOPLE))
    return association


def test_a_channel_goes_from_a_first_message_to_an_adopted_a_cancelled_and_a_withdrawn_action(
    life: Association,
) -> None:
    world = life.world

    def is_(ref: str, state: str, **tally: int) -> Callable[[], bool]:
        expected = {"state": state, **{key.strip("_"): votes for key, votes in tally.items()}}
        return lambda: expected.items() <= known().get(ref, {}).items()

    def known() -> dict[str, dict[str, Any]]:
        return {row["ref"]: row for row in life.inventory()}

    quiet = world.says("driss", "#action-ordinaire Repeindre le local")
    until(is_("AO1", "open"))
    life.kill(at_once=False)
    world.reacts("bob", quiet)

    adopted = world.says("ana", "#action-extraordinaire Ouvrir un service de podcasts")
    world.reacts("driss", adopted, "👎")
    world.reacts("ana", adopted)
    world.reacts("chloe", adopted, "🤷")
    world.takes_back("chloe", adopted, "🤷")
    life.start()
    until(is_("AE1", "open", for_=1, against=1))
    world.reacts("bob", adopted, "👍🏽")
    life.kill()
    world.reacts("chloe", adopted)
    life.start()
    until(is_("AE1", "adopted", for_=3, against=1))

    cancelled = world.says("bob", "#extraordinary-action Acheter un bateau")
    world.reacts("driss", cancelled, "👎")
    for name in ("ana", "bob"):
        world.reacts(name, cancelled)
    until(is_("AE2", "open", for_=2, against=1))
    world.whispers("driss", "counter-vote AE2 Il prend l'eau")
    until(lambda: counter_votes(life, "AE2"))
    life.kill()
    (against,) = counter_votes(life, "AE2")
    world.reacts("driss", against)
    world.reacts("chloe", against, "👍🏾")
    life.start()
    until(is_("AE2", "cancelled", for_=2, against=1))

    withdrawn = world.says("chloe", "#Action-Extraordinaire Fermer la cantine")
    world.reacts("ana", withdrawn, "👎")
    until(is_("AE3", "open", against=1))
    world.whispers("chloe", "withdraw AE3")
    until(is_("AE3", "withdrawn", against=1))

    until(is_("AO1", "adopted", for_=1))
    messages = {"AO1": quiet, "AE1": adopted, "AE2": cancelled, "AE3": withdrawn}
    assert known().keys() == messages.keys()
    for ref, message in messages.items():
        row, votes = known()[ref], Counter(truth(world, message).values())
        figures = (row["for"], row["against"], row["expressed"])
        assert figures == (votes[Choice.FOR], votes[Choice.AGAINST], votes.total())
        assert f"/{message}?" in row["link"]
    card_and_outcome = Counter([*messages.values()] * 2)
    until(lambda: in_threads(world) == card_and_outcome)
    there = {(one["member"], one["ballot"], one["choice"]) for one in life.show("AE2")["votes"]}
    assert there >= {("driss", "action", "against"), ("driss", "counter_vote", "for")}
    assert run("verify", env=life.env).returncode == 0


def in_threads(world: MatrixWorld) -> Counter[str]:
    """How many messages of the bot's are in each thread."""
    return Counter(one.thread for one in world.of_bot() if one.thread)


def counter_votes(life: Association, ref: str) -> list[str]:
    """The messages to react to in order to cancel an action."""
    alone = [one for one in life.world.of_bot() if not one.thread]
    return [one.id for one in alone if f"**{ref}** · vote on cancelling" in one.text]
