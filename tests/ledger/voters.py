"""Voters that are killed while they vote: `python -m tests.ledger.voters ASSOCIATION ROUNDS SEED`.

Each round, four processes vote as fast as they can, fifty times each, every vote with a key of its
own, and note every vote that was acknowledged. A moment after a random number of votes, however
quick they are, all four are killed with SIGKILL.
At the end it prints, as JSON, the keys that were acknowledged and how many rounds were cut short.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime

PROCESSES, VOTES = 4, 50


def vote(association: str, member: str, refs: list[str], begin: str, acknowledged: int) -> None:
    """Vote on all the actions, one after the other, and note what was acknowledged."""
    from toutdoux.actions import commands
    from toutdoux.core.history import Choice

    for number, ref in enumerate(refs[:VOTES]):
        key = f"{begin}-{number}"
        request = commands.Request(
            association=association, now=datetime.now(UTC), via="test", operator="eva", key=key
        )
        choice = Choice.FOR if number % 3 else Choice.ABSTAIN
        commands.vote(request, ref, choice, by=member)
        os.write(acknowledged, f"{key}\n".encode())


def one_round(
    association: str, members: list[str], refs: list[str], name: str, rng: random.Random
) -> tuple[list[str], bool]:
    from django.db import connection

    connection.close()
    read_end, write_end = os.pipe()
    children = []
    for number, member in enumerate(members[:PROCESSES]):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                vote(association, member, refs, f"{name}-{number}", write_end)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    os.close(write_end)
    with open(read_end, encoding="ascii") as pipe:
        votes = rng.randrange(PROCESSES * VOTES - 20)
        acknowledged = [pipe.readline().strip() for _ in range(votes)]
        time.sleep(rng.uniform(0, 0.01))
        for child in children:
            os.kill(child, signal.SIGKILL)
        cut = [os.waitpid(child, 0)[1] != 0 for child in children]
        return acknowledged + pipe.read().split(), any(cut)


def main() -> None:
    association, rounds, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    from toutdoux.config.start import start

    start()
    from toutdoux.actions.models import Action
    from toutdoux.association.models import Member

    rng = random.Random(seed)
    members = sorted(Member.objects.filter(association=association).values_list("id", flat=True))
    refs = list(Action.objects.filter(association=association).values_list("ref", flat=True))
    acknowledged, cut = [], 0
    for number in range(rounds):
        keys, was_cut = one_round(association, members, refs, f"{seed}-{number}", rng)
        acknowledged += keys
        cut += was_cut
    print(json.dumps({"acknowledged": acknowledged, "cut": cut}))


if __name__ == "__main__":
    main()
