"""Nothing that was acknowledged is lost, whoever is killed and whenever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def association_with_open_actions(count=50, people=9):
    """An association of founders with open actions; four of nine votes decide none of them."""
    from toutdoux.actions import commands
    from toutdoux.core.charter import Kind, read_charter

    now = datetime.now(UTC) - timedelta(hours=1)
    id = commands.found(
        "Les Loutres libres",
        now=now,
        via="test",
        time_zone="Europe/Paris",
        language="fr",
        charter=read_charter("tout-doux-cratie"),
    )
    request = commands.Request(association=id, now=now, via="test")
    members = [
        commands.add_member(request, f"Loutre {number}", founder=True) for number in range(people)
    ]
    for number in range(count):
        commands.propose(request, Kind.ORDINARY, f"Action {number}", by=members[-1])
    return id


def run_voters(association, rounds, seed):
    from django.db import connection

    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.ledger.voters", association, str(rounds), str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_nothing_is_lost(association, acknowledged):
    """Every acknowledged vote is there, no number is missing, and all of it verifies."""
    from toutdoux.actions.verifying import verify_association
    from toutdoux.ledger.models import Entry, Said

    said = set(Said.objects.filter(ledger_id=association).values_list("key", flat=True))
    assert set(acknowledged) <= said
    assert len(acknowledged) == len(set(acknowledged))
    verified = verify_association(association)
    votes = [one for one in Entry.objects.filter(ledger_id=association) if b"vote.cast" in one.body]
    assert len(votes) == len(said), "every key stands for one entry, and every entry for one key"
    numbers = Entry.objects.filter(ledger_id=association).order_by("seq")
    assert list(numbers.values_list("seq", flat=True)) == list(range(1, verified.length + 1))


def test_a_vote_that_was_acknowledged_survives_the_killing_of_the_voters(both_databases):
    association = association_with_open_actions()
    told = run_voters(association, rounds=2, seed=1)
    check_nothing_is_lost(association, told["acknowledged"])


@pytest.mark.slow
def test_votes_survive_twenty_killings_of_four_processes(both_databases):
    association = association_with_open_actions()
    told = run_voters(association, rounds=20, seed=2)
    assert told["cut"] >= 10, "most rounds were meant to be cut short"
    assert len(told["acknowledged"]) > 100
    check_nothing_is_lost(association, told["acknowledged"])


@pytest.mark.slow
def test_a_vote_that_was_acknowledged_survives_the_crash_of_postgresql(
    own_postgres_home, own_postgres
):
    association = association_with_open_actions()
    kill = threading.Timer(1.5, own_postgres.kill9)
    kill.start()
    acknowledged = votes_until_the_database_is_gone(association)
    kill.join()
    own_postgres.restart()
    from django.db import connection

    connection.close()
    check_nothing_is_lost(association, acknowledged)


def votes_until_the_database_is_gone(association):
    from django.db import DatabaseError, InterfaceError

    from toutdoux.actions import commands
    from toutdoux.actions.models import Action
    from toutdoux.association.models import Member
    from toutdoux.core.history import Choice

    refs = list(Action.objects.filter(association=association).values_list("ref", flat=True))
    members = list(Member.objects.filter(association=association).values_list("id", flat=True))
    acknowledged = []
    for number in range(100_000):
        key = f"vote-{number}"
        request = commands.Request(
            association=association, now=datetime.now(UTC), via="test", key=key
        )
        try:
            commands.vote(request, refs[number % len(refs)], Choice.ABSTAIN, by=members[number % 4])
        except (DatabaseError, InterfaceError):
            return acknowledged
        acknowledged.append(key)
    raise AssertionError("the database was never gone")
