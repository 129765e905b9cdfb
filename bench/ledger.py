"""A large ledger, and what it costs to verify it and to vote in it.

    python bench/ledger.py FOLDER build ENTRIES     make one in FOLDER
    python bench/ledger.py FOLDER verify            verify it, against merely reading it
    python bench/ledger.py FOLDER vote              vote in it, against a bare insert and commit

Each prints its figures as JSON. They are processes of their own, so that none pays for another.
"""

from __future__ import annotations

import heapq
import json
import os
import resource
import secrets
import sqlite3
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import orjson

START = datetime(2021, 1, 1, tzinfo=UTC)
DATABASE = "toutdoux.sqlite3"
VOTES_PER_ACTION = 47
VOTES = 200
RUNS = 30


class Builder:
    """An association that lived: an action every half hour, each with so many votes, all decisions
    recorded when the next thing was done."""

    def __init__(
        self, entries: int, members: int | None = None, votes: int = VOTES_PER_ACTION
    ) -> None:
        from toutdoux.actions import commands
        from toutdoux.core.charter import read_charter
        from toutdoux.ledger.models import Ledger

        self.members = [
            f"{number:016x}" for number in range(members or max(60, min(5_000, entries // 200)))
        ]
        self.votes = votes
        self.actions = (entries - len(self.members)) // (votes + 2)
        self.association = commands.found(
            "Banc d’essai",
            now=START - timedelta(days=100),
            via="bench",
            time_zone="Europe/Paris",
            language="fr",
            charter=read_charter("tout-doux-cratie"),
        )
        ledger = Ledger.objects.get(id=self.association)
        self.seq, self.prev = ledger.length, ledger.head
        self.entries: list[tuple[Any, ...]] = []
        self.texts: list[tuple[Any, ...]] = []
        self.due: list[tuple[datetime, str, Counter[str], bool]] = []

    def build(self) -> None:
        for number, member in enumerate(self.members):
            at = START - timedelta(days=90) + timedelta(seconds=number)
            texts = {"name": f"Membre {number}", "handle": f"m{number}"}
            self.add("member.joined", {"member": member}, at, subject=member, texts=texts)
        for number in range(self.actions):
            self.live_one(number, START + timedelta(minutes=30 * number))
        self.flush()

    def live_one(self, number: int, begin: datetime) -> None:
        extraordinary = bool(number % 2)
        ref = f"{'AE' if extraordinary else 'AO'}{number // 2 + 1}"
        by = self.members[number % len(self.members)]
        texts = {"object": f"Action {number}"}
        self.decide_until(begin)
        self.add("action.proposed", {"action": ref}, begin, by=by, subject=ref, texts=texts)
        choices = ("for", "for", "for", "abstain", "against")[: 5 if number % 3 == 0 else 4]
        votes: Counter[str] = Counter()
        for place in range(self.votes):
            choice = choices[(number + place) % len(choices)]
            votes[choice] += 1
            voter = self.members[(number * 7 + place * 11) % len(self.members)]
            data = {"action": ref, "ballot": "action", "choice": choice}
            at = begin + timedelta(seconds=1 + place * 30)
            self.decide_until(at)
            self.add("vote.cast", data, at, by=voter, subject=ref)
        contested = extraordinary and votes["against"] > 0
        end = begin + timedelta(days=14 if contested else 7)
        heapq.heappush(self.due, (end, ref, votes, contested))

    def decide_until(self, now: datetime) -> None:
        while self.due and self.due[0][0] < now:
            at, ref, votes, contested = heapq.heappop(self.due)
            data: dict[str, Any] = {
                "action": ref,
                "how": "no_counter_vote" if votes["against"] else "unopposed",
                "roll": len(self.members),
                **{choice: votes[choice] for choice in ("for", "against", "abstain")},
            }
            if contested:
                data["contested"] = 1
            self.add("action.adopted", data, at, recorded_at=now, subject=ref)

    def add(
        self,
        kind: str,
        data: dict[str, Any],
        at: datetime,
        *,
        recorded_at: datetime | None = None,
        by: str | None = None,
        subject: str,
        texts: dict[str, str] | None = None,
    ) -> None:
        from toutdoux.core.chain import canonical, commitment, digest, stamp

        self.seq += 1
        self.last = recorded_at or at
        if texts:
            data["texts"] = {}
            for name, text in texts.items():
                nonce = secrets.token_bytes(32)
                data["texts"][name] = commitment(nonce, text)
                self.texts.append((data["texts"][name], self.association, nonce, text))
        body = {
            "seq": self.seq,
            "at": stamp(at),
            "recorded_at": stamp(self.last),
            "kind": kind,
            "via": "bench",
            "data": data,
            "prev": self.prev,
        }
        if by:
            body["by"] = by
        written = canonical(body)
        self.prev = digest(written)
        self.entries.append((self.association, self.seq, written, self.prev, subject))
        if len(self.entries) == 20_000:
            self.flush()

    def flush(self) -> None:
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ledger_entry (ledger_id, seq, body, hash, subject)"
                " VALUES (%s, %s, %s, %s, %s)",
                self.entries,
            )
            cursor.executemany(
                "INSERT INTO ledger_text (commitment, ledger_id, nonce, text)"
                " VALUES (%s, %s, %s, %s)",
                self.texts,
            )
        self.entries, self.texts = [], []

    def project(self) -> None:
        """Make the tables from the entries."""
        from toutdoux.actions import stage
        from toutdoux.association.models import Member, Membership
        from toutdoux.ledger import book
        from toutdoux.ledger.models import Ledger

        Member.objects.bulk_create(
            Member(id=id, association_id=self.association, name=f"Membre {n}", handle=f"m{n}")
            for n, id in enumerate(self.members)
        )
        joined = START - timedelta(days=90)
        Membership.objects.bulk_create(
            Membership(member_id=id, joined=joined + timedelta(seconds=n))
            for n, id in enumerate(self.members)
        )
        Ledger.objects.filter(id=self.association).update(
            head=self.prev, length=self.seq, recorded_at=self.last
        )
        with book.writing(self.association, now=self.last, via="bench") as writer:
            writer.played_until = self.last
            stage.play_all(writer)


def build(entries: int) -> dict[str, Any]:
    builder = Builder(entries)
    builder.build()
    builder.project()
    return {"entries": builder.seq, "members": len(builder.members), "actions": builder.actions}


def only_read(file: Path, ledger: str) -> float:
    """The floor: read, hash and parse the same rows."""
    begin = time.perf_counter()
    connection = sqlite3.connect(file)
    for _, body, hash in connection.execute(
        "SELECT seq, body, hash FROM ledger_entry WHERE ledger_id = ? ORDER BY seq", (ledger,)
    ):
        assert sha256(body).hexdigest() == hash
        orjson.loads(body)
    connection.close()
    return time.perf_counter() - begin


def verify(folder: Path) -> dict[str, Any]:
    from toutdoux.actions.verifying import verify_association
    from toutdoux.ledger.models import Ledger

    ledger = Ledger.objects.get()
    floors = [only_read(folder / DATABASE, ledger.id)]
    begin = time.perf_counter()
    verify_association(ledger.id)
    taken = time.perf_counter() - begin
    floors.append(only_read(folder / DATABASE, ledger.id))
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "entries": ledger.length,
        "seconds": taken,
        "floor": sum(floors) / len(floors),
        "memory": (own + child) / 1024,
    }


class Bare:
    """The floor: rows inserted and committed one by one, with the same settings."""

    def __init__(self, folder: Path, ledger: str) -> None:
        self.ledger = ledger
        self.connection = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
        for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            self.connection.execute(f"PRAGMA {setting}")
        self.connection.execute(
            "CREATE TABLE IF NOT EXISTS bare"
            " (ledger TEXT, seq INTEGER, body BLOB, hash TEXT, PRIMARY KEY (ledger, seq))"
        )
        query = "SELECT coalesce(max(seq), 0) FROM bare"
        self.last = self.connection.execute(query).fetchone()[0]

    def insert(self, rows: int) -> float:
        """Seconds a row."""
        begin = time.perf_counter()
        for seq in range(self.last + 1, self.last + rows + 1):
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.execute(
                "INSERT INTO bare VALUES (?, ?, ?, ?)", (self.ledger, seq, b"x" * 330, "y" * 64)
            )
            self.connection.execute("COMMIT")
        self.last += rows
        return (time.perf_counter() - begin) / rows


def vote(folder: Path) -> dict[str, Any]:
    from toutdoux.actions import commands
    from toutdoux.association.models import Member
    from toutdoux.core.charter import Kind
    from toutdoux.core.history import Choice
    from toutdoux.ledger.models import Ledger

    ledger = Ledger.objects.get()
    members = list(Member.objects.order_by("id").values_list("id", flat=True))
    now = ledger.recorded_at
    assert now is not None
    now += timedelta(hours=1, seconds=0.5)

    def request(seconds: float) -> commands.Request:
        return commands.Request(
            association=ledger.id, now=now + timedelta(seconds=seconds), via="cli", operator="eva"
        )

    refs = [
        commands.propose(request(0), Kind.ORDINARY, f"Essai {number}", by=members[0])
        for number in range(50)
    ]
    bare = Bare(folder, ledger.id)
    floors, taken = [], []
    for run in range(RUNS):  # in turn, for the machine is not equally fast all the time
        floors.append(bare.insert(VOTES))
        begin = time.perf_counter()
        for number in range(run * VOTES, (run + 1) * VOTES):
            choice = (Choice.FOR, Choice.ABSTAIN)[number % 2]
            voter = members[number // 50 % len(members)]
            commands.vote(request(1 + number / 10), refs[number % 50], choice, by=voter)
        taken.append((time.perf_counter() - begin) / VOTES)
    return {
        "entries": ledger.length,
        "seconds": median(taken),
        "floor": median(floors),
    }


def main() -> None:
    folder, what = Path(sys.argv[1]), sys.argv[2]
    os.environ["TOUTDOUX_HOME"] = str(folder)
    os.environ.pop("DATABASE_URL", None)
    from toutdoux.config.database import prepare

    prepare()
    if what == "build":
        told = build(int(sys.argv[3]))
    elif what == "verify":
        told = verify(folder)
    else:
        told = vote(folder)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
