"""Homes with an association in them, for tests of commands on a ledger.

A history is lived once, in a process of its own, through the commands; each test gets a copy.

    home = copy_of("otters", tmp_path)
    assert home.says("vote", "AE1", "for", "--by", "bob").startswith("AE1: ")
"""

from __future__ import annotations

import atexit
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from .running import ENGLISH, ROOT, assert_one_sentence, environment, run


@dataclass(frozen=True)
class Home:
    """A folder that `$TOUTDOUX_HOME` names."""

    path: Path

    def run(
        self, *arguments: object, stdin: str | bytes = b"", **env: str
    ) -> subprocess.CompletedProcess[str]:
        told = stdin.encode() if isinstance(stdin, str) else stdin
        wanted = {**ENGLISH, "TOUTDOUX_HOME": str(self.path), **env}
        return run(*arguments, env=wanted, stdin=told)

    def says(self, *arguments: object, **more: Any) -> str:
        """What a command prints that succeeds."""
        done = self.run(*arguments, **more)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def data(self, *arguments: object, **more: Any) -> Any:
        return json.loads(self.says(*arguments, "--format", "json", **more))

    def refuses(self, *arguments: object, saying: str, **more: Any) -> None:
        """One sentence, exit status 2, and nothing recorded."""
        before = self.length
        assert_one_sentence(self.run(*arguments, **more), saying)
        assert self.length == before

    @property
    def length(self) -> int:
        """How many entries its ledgers hold."""
        with sqlite3.connect(self.path / "toutdoux.sqlite3") as database:
            (length,) = database.execute("SELECT count(*) FROM ledger_entry").fetchone()
        database.close()
        return int(length)


def copy_of(story: str, folder: Path) -> Home:
    """A home of one's own with a history in it: one of `STORIES`."""
    shutil.copytree(_lived(story), folder / "home")
    return Home(folder / "home")


@cache
def _lived(story: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="toutdoux-home-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    subprocess.run(
        [sys.executable, "-m", __name__, story],
        env=environment(**ENGLISH, TOUTDOUX_HOME=str(folder)),
        cwd=ROOT,
        check=True,
    )
    return folder


# --- histories, lived in a process of their own --------------------------------------------------


class Life:
    """An association that lives. Days are counted from now: `-1` is yesterday at this time."""

    def __init__(self, name: str = "Les Loutres libres") -> None:
        from toutdoux.actions import commands
        from toutdoux.core.charter import read_charter

        self.now = datetime.now(UTC)
        self.commands = commands
        self.id = commands.found(
            name,
            now=self.now - timedelta(days=60),
            via="test",
            time_zone="Europe/Paris",
            language="fr",
            charter=read_charter("tout-doux-cratie"),
        )
        self.members: dict[str, str] = {}

    def request(self, day: float) -> Any:
        now = self.now + timedelta(days=day)
        return self.commands.Request(association=self.id, now=now, via="test")

    def member(self, name: str, joined: float = -100) -> None:
        id = self.commands.add_member(
            self.request(-60 if joined < -60 else joined),
            name,
            joined=self.now + timedelta(days=joined),
        )
        self.members[name.split(maxsplit=1)[0].lower()] = id

    def vote(self, day: float, ref: str, choice: str, *names: str, **more: Any) -> None:
        from toutdoux.core.history import Choice

        for name in names:
            by = self.members[name]
            self.commands.vote(self.request(day), ref, Choice(choice), by=by, **more)


def otters() -> Life:
    """Five with the right to vote, and Leo, who joined three days ago."""
    life = Life()
    for name in ("Ana Brun", "Bob Leroy", "Eva Petit", "Ida Roux", "Zoe Blanc"):
        life.member(name)
    return life


def quiet() -> None:
    otters().member("Leo Noir", -3)


def busy() -> None:
    """A history with an action in every state that commands look for.

    - AO1, a rule in force since 50 days ago; AO9, imported, of the period A1.
    - AE1, by eva 20 days ago: adopted unopposed 10 days before anybody looked.
    - AO2, led by bob, by ana: to do, and open.
    - AE2, by bob: under a counter-vote that eva called.
    - AE3, by ana yesterday: open, one for, one against, one opinion; it has a condition.
    """
    from toutdoux.core.charter import Kind
    from toutdoux.core.entries import ImportedAction
    from toutdoux.core.history import FollowUp

    life = otters()
    commands, members = life.commands, life.members
    today = life.now.date()
    commands.add_period(life.request(-59), "A1", today - timedelta(70), today - timedelta(30))
    commands.add_period(life.request(-59), "A2", today - timedelta(29), today + timedelta(30))
    old = ImportedAction(
        ref="AO9",
        kind=Kind.ORDINARY,
        number=9,
        object="Un **goûter**",
        leader="@all",
        leader_id=None,
        date=today - timedelta(65),
        for_=4,
        against=1,
        expressed=6,
    )
    commands.import_actions(life.request(-59), [old])
    rule = commands.propose(
        life.request(-50), Kind.ORDINARY, "Publier la clé", by=members["ana"], number=1
    )
    commands.follow_up(life.request(-49), rule, FollowUp.STANDING, by=members["ana"])
    commands.propose(life.request(-20), Kind.EXTRAORDINARY, "Un site", by=members["eva"])
    life.vote(-19, "AE1", "for", "bob")
    life.member("Leo Noir", -3)
    commands.propose(
        life.request(-2.5),
        Kind.ORDINARY,
        "Ranger le wiki",
        by=members["ana"],
        leader=members["bob"],
        number=2,
    )
    commands.propose(life.request(-2.4), Kind.EXTRAORDINARY, "Un chat", by=members["bob"])
    commands.call_counter_vote(life.request(-2.3), "AE2", "Trop cher", by=members["eva"])
    commands.propose(
        life.request(-1),
        Kind.EXTRAORDINARY,
        "Un *service*\nde podcasts",
        by=members["ana"],
        link="https://loutres.example/3",
        condition="si Zoé veut",
    )
    life.vote(-0.9, "AE3", "for", "ana")
    life.vote(-0.8, "AE3", "against", "bob")
    life.vote(-0.7, "AE3", "for", "leo")


def two() -> None:
    otters()
    Life("Les Castors")


def nothing() -> None:
    pass


STORIES: dict[str, Callable[[], None]] = {
    "quiet": quiet,
    "busy": busy,
    "two": two,
    "nothing": nothing,
}

if __name__ == "__main__":
    from toutdoux.config.database import prepare

    prepare()
    STORIES[sys.argv[1]]()
