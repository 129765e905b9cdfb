"""Benchmarks: one command (`make bench`), one table.

Every figure stands beside a floor measured in the same run, so that it means something on a
machine one does not know: the ratio says how many times the floor the work takes.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

import web
from toutdoux.cli.speech import print_table
from toutdoux.core.history import History, VoteCast
from toutdoux.core.replay import replay
from toutdoux.scenario import read_scenario

START = datetime(2021, 1, 1, tzinfo=UTC)
MEMBERS = 500
VOTES_PER_ACTION = 50
RUNS = 3


def history_as_yaml(votes: int) -> str:
    """A scenario with so many votes: 50 on each action, an action every hour, 500 members."""
    lines = ["association: {name: Banc, time_zone: Europe/Paris}", "members:"]
    lines += [
        f"  - {{id: m{one}, name: Membre {one}, joined: 2020-01-01}}" for one in range(MEMBERS)
    ]
    lines.append("events:")
    choices = ("for", "for", "for", "abstain", "against")
    for action in range(votes // VOTES_PER_ACTION):
        begin = START + timedelta(hours=action)
        by = f"m{action % MEMBERS}"
        kind = "extraordinary" if action % 2 else "ordinary"
        ref = f"{'AE' if action % 2 else 'AO'}{action // 2 + 1}"
        lines.append(f"  - {{at: {_z(begin)}, propose: {kind}, by: {by}, object: Action {action}}}")
        for vote in range(VOTES_PER_ACTION):
            at = begin + timedelta(minutes=1 + vote)
            who = (action * 7 + vote * 11) % MEMBERS
            choice = choices[(action + vote) % len(choices)]
            lines.append(f"  - {{at: {_z(at)}, vote: {ref}, by: m{who}, choice: {choice}}}")
    return "\n".join(lines) + "\n"


def _z(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(work: Callable[[], object]) -> float:
    """The median of a few runs, each after a first one that does not count."""
    work()
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def process(*command: str) -> tuple[float, float]:
    """A whole process: its median seconds, and its largest memory in MB."""
    taken, memory = [], 0.0
    for _ in range(RUNS + 1):
        begin = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        taken.append(time.perf_counter() - begin)
        memory = max(memory, usage.ru_maxrss / 1024)
        if status:
            raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return statistics.median(taken[1:]), memory


def only_count(history: History) -> dict[str, dict[str, str]]:
    """The floor of the rules: walk the events and keep the last choice of each voter."""
    ballots: dict[str, dict[str, str]] = {}
    for event in history.events:
        if isinstance(event, VoteCast):
            ballots.setdefault(event.action, {})[event.by] = event.choice
    return ballots


def only_parse(text: str) -> int:
    """The floor of reading: let libyaml walk through the text."""
    return sum(1 for _ in yaml.parse(text, Loader=yaml.CSafeLoader))


def bench_rules(rows: list[list[str]]) -> None:
    for votes in (25_000, 50_000, 100_000, 200_000):
        text = history_as_yaml(votes)
        history = read_scenario(text).chronicle.history
        rules = seconds(lambda history=history: replay(history))  # type: ignore[misc]
        floor = seconds(lambda history=history: only_count(history))  # type: ignore[misc]
        rows.append(_row(f"rules, {votes:,} votes", rules, floor, "counting only", votes))
        if votes == 100_000:
            reading = seconds(lambda text=text: read_scenario(text))  # type: ignore[misc]
            parsing = seconds(lambda text=text: only_parse(text))  # type: ignore[misc]
            rows.append(_row(f"reading, {votes:,} votes", reading, parsing, "libyaml only", votes))


def bench_commands(rows: list[list[str]], folder: Path) -> None:
    toutdoux = [sys.executable, "-m", "toutdoux"]
    floor, _ = process(sys.executable, "-c", "pass")
    large = folder / "large.yaml"
    with large.open("w") as file:
        file.write(history_as_yaml(100_000))
    taken, memory = process(*toutdoux, "replay", str(large), "--format", "json")
    rows.append(
        _row("toutdoux replay, 100,000 votes", taken, floor, "python -c pass", 100_000, memory)
    )
    rows.append(_imported(large, folder / "imported", floor))
    demo = Path(__file__).parents[1] / "src/toutdoux/demo/loutres.yaml"
    report = [*toutdoux, "report", "P21", "--scenario", str(demo), "--out", str(folder)]
    taken, memory = process(*report)
    rows.append(_row("toutdoux report, 4 formats", taken, floor, "python -c pass", None, memory))
    for form in ("pdf", "html", "md", "gmi"):
        taken, memory = process(*report, "--format", form)
        rows.append(_row(f"  … {form} alone", taken, floor, "python -c pass", None, memory))


def _imported(scenario: Path, home: Path, floor: float) -> list[str]:
    """Playing a scenario into a new association's ledger, once."""
    command = [sys.executable, "-m", "toutdoux", "import", "scenario", str(scenario)]
    begin = time.perf_counter()
    subprocess.run(
        command,
        env={**os.environ, "TOUTDOUX_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    taken = time.perf_counter() - begin
    return _row("toutdoux import scenario, 100,000 votes", taken, floor, "python -c pass", 100_000)


def bench_ledger(rows: list[list[str]], folder: Path) -> None:
    """Verifying and voting, in a ledger of a thousand entries and in one of a million."""
    floor, _ = process(sys.executable, "-c", "pass")
    for entries in (1_000, 1_000_000):
        home = folder / str(entries)
        built = _ledger(home, "build", str(entries))
        size = f"{built['entries']:,} entries"
        if entries > 1_000:
            runs = [_ledger(home, "verify") for _ in range(RUNS)]
            told = sorted(runs, key=lambda run: run["seconds"] / run["floor"])[RUNS // 2]
            rows.append(
                _row(
                    f"verify, {size}",
                    told["seconds"],
                    told["floor"],
                    "read, hash, parse",
                    int(told["entries"]),
                    told["memory"],
                )
            )
        told = _ledger(home, "vote")
        rows.append(_row(f"one vote, {size}", told["seconds"], told["floor"], "insert, commit", 1))
        rows.append(_vote_as_a_process(home, size, floor))


def _ledger(home: Path, *arguments: str) -> dict[str, float]:
    script = Path(__file__).with_name("ledger.py")
    done = subprocess.run(
        [sys.executable, script, home, *arguments], stdout=subprocess.PIPE, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _vote_as_a_process(home: Path, size: str, floor: float) -> list[str]:
    os.environ["TOUTDOUX_HOME"] = str(home)
    toutdoux = [sys.executable, "-m", "toutdoux"]
    proposal = ("propose", "ordinary", "Essai", "--by", "m1")
    ref = subprocess.check_output([*toutdoux, *proposal], text=True).strip()
    taken, memory = process(*toutdoux, "vote", ref, "for", "--by", "m2")
    del os.environ["TOUTDOUX_HOME"]
    return _row(f"toutdoux vote, {size}", taken, floor, "python -c pass", None, memory)


def _row(
    name: str,
    taken: float,
    floor: float,
    floor_name: str,
    votes: int | None,
    memory: float | None = None,
) -> list[str]:
    return [
        name,
        f"{taken:.3f}" if taken >= 0.1 else f"{taken:.5f}",
        f"{votes / taken:,.0f}" if votes else "",
        f"{memory:.0f}" if memory else "",
        f"{floor:.3f} ({floor_name})" if floor >= 0.005 else f"{floor:.5f} ({floor_name})",
        f"{taken / floor:.1f}",
    ]


def main() -> None:
    rows: list[list[str]] = []
    # The commands first: a child's memory is counted from what its parent held when it began.
    with tempfile.TemporaryDirectory() as folder:
        bench_commands(rows, Path(folder))
        bench_ledger(rows, Path(folder))
    bench_rules(rows)
    print_table(
        ["what", "seconds", "a second", "MB", "floor, seconds", "× floor"], rows, right=(1, 2, 3, 5)
    )
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_table(web.TITLES, web.table(), right=(1, 2, 3, 4, 5))
    subprocess.run([sys.executable, Path(__file__).with_name("capsule.py")], check=True)
    # The bot writes into a home of its own, which this process does not have.
    subprocess.run([sys.executable, Path(__file__).with_name("chat.py")], check=True)
    print(f"{RUNS} runs each, medians; this process held {own:.0f} MB at most.")


if __name__ == "__main__":
    main()
