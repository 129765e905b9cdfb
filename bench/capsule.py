"""The capsule under load, beside two servers of other makers, in the same run: molly-brown (Go,
where Debian's package is installed) and jetforce (Python, where it can be installed).

    python bench/capsule.py           the table (`make bench` prints it too)
    python bench/capsule.py build     found the association of the home the environment names

Each request is a fresh TLS connection, as Gemini's clients make them, for about 3 kB. The load
(`gemload.go`, built with Debian's golang-go) runs on the same cores. The servers take turns, and
the ratios are between turns that follow each other, so that what else runs here touches all.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

CLIENTS = (1, 16, 256)
REQUESTS = {1: 400, 16: 3_000, 256: 3_000}
TURNS = 5
IDLE = 1_000
ROOT = Path(__file__).parents[1]
TITLES = [
    "Gemini server", "clients", "a second", "p50, ms", "p99, ms", "× molly-brown", "× jetforce",
]  # fmt: skip
SLUG = "banc-dessai"
PERIOD = "P1"
ACTIONS = 16
"""With so many the inventory of the period is about 3 kB."""
LONG = "Ouvrir un service, l’essayer un mois, puis dire ici ce qui a changé, et pour qui.\n\n" * 22
"""What an action says whose page is about 3 kB."""
_UNITS = {"µs": 0.001, "ms": 1.0, "s": 1000.0}


# --- the home ------------------------------------------------------------------------------------


def build() -> None:
    """Found an association with a few actions, that shows them to everybody."""
    from toutdoux.config import database

    database.prepare(web=True)
    from toutdoux.actions import commands
    from toutdoux.core.charter import Kind, read_charter

    born = datetime.now(UTC) - timedelta(days=60)
    id = commands.found(
        "Banc d’essai",
        now=born,
        via="bench",
        slug=SLUG,
        time_zone="Europe/Paris",
        language="fr",
        charter=read_charter("tout-doux-cratie"),
    )
    request = commands.Request(association=id, now=born, via="bench")
    member = commands.add_member(request, "Ana Brun", founder=True)
    shown = ("public_actions", "public_inventory", "public_charter")
    commands.change_settings(request, dict.fromkeys(shown, True))
    commands.add_period(request, PERIOD, born.date(), born.date() + timedelta(days=30))
    for number in range(ACTIONS):
        text = f"Ouvrir le service {number}, l’essayer pendant un mois, puis dire ce qui a changé."
        commands.propose(request, Kind.ORDINARY, text, by=member)
    now = datetime.now(UTC)
    commands.propose(replace(request, now=now), Kind.EXTRAORDINARY, LONG, by=member)


# --- the servers ---------------------------------------------------------------------------------


@dataclass
class Serving:
    """A server that runs: what is asked of it, and its processes."""

    name: str
    port: int
    url: str
    processes: list[subprocess.Popen[bytes]]

    def megabytes(self) -> float:
        return sum(psutil.Process(one.pid).memory_info().rss for one in self.processes) / 2**20


@contextmanager
def _processes(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(command, **quiet) for command in commands]  # type: ignore[call-overload]
    try:
        yield processes
    finally:
        for one in processes:
            one.terminate()
        for one in processes:
            try:
                one.wait(15)
            except subprocess.TimeoutExpired:
                one.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def ours(home: Path, name: str, path: str, processes: int = 1) -> Iterator[Serving]:
    """So many processes of `toutdoux capsule` at one port."""
    port = _free_port()
    os.environ["TOUTDOUX_HOME"] = str(home)
    where = ["--bind", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "toutdoux", "capsule", *where]
    with _processes(*[command] * processes) as running:
        _wait(port)
        time.sleep(2 * (processes - 1))  # until the others are there as well
        yield Serving(name, port, f"gemini://localhost:{port}{path}", running)


@contextmanager
def molly_brown(folder: Path, pem: Path) -> Iterator[Serving | None]:
    if (command := shutil.which("molly-brown")) is None:
        print("molly-brown isn't here (Debian: apt-get install molly-brown).")
        yield None
        return
    port = _free_port()
    settings = folder / "molly.conf"
    settings.write_text(
        f'Port = {port}\nHostname = "localhost"\nCertPath = "{pem}"\nKeyPath = "{pem}"\n'
        f'DocBase = "{folder}/"\nAccessLog = "/dev/null"\nErrorLog = "/dev/null"\n'
    )
    with _processes([command, "-c", str(settings)]) as running:
        _wait(port)
        # It compares no ports: a URL without one is what it answers.
        yield Serving("molly-brown (Go)", port, "gemini://localhost/page.gmi", running)


@contextmanager
def jetforce(folder: Path, pem: Path) -> Iterator[Serving | None]:
    """In an environment of its own, in build/: nothing of it is toutdoux's."""
    here = ROOT / "build" / "jetforce"
    if not (here / "bin" / "jetforce").exists():
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with suppress(subprocess.CalledProcessError):
            subprocess.run([sys.executable, "-m", "venv", here], check=True, **quiet)  # type: ignore[call-overload]
            subprocess.run([here / "bin" / "pip", "install", "jetforce"], check=True, **quiet)  # type: ignore[call-overload]
    if not (here / "bin" / "jetforce").exists():
        print("jetforce can't be installed here.")
        yield None
        return
    port = _free_port()
    where = ["--host", "127.0.0.1", "--port", str(port), "--hostname", "localhost"]
    keys = ["--tls-certfile", str(pem), "--tls-keyfile", str(pem), "--dir", str(folder)]
    with _processes([str(here / "bin" / "jetforce"), *where, *keys]) as running:
        _wait(port)
        yield Serving("jetforce (Python)", port, f"gemini://localhost:{port}/page.gmi", running)


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


Turn = tuple[float, float, float]
"""Requests a second; the median and the 99th percentile, in milliseconds."""


# --- measuring -----------------------------------------------------------------------------------


def load(
    gemload: Path, serving: Serving, clients: int, requests: int
) -> tuple[float, float, float]:
    """One turn: requests a second, and the median and the 99th percentile in milliseconds."""
    address = f"127.0.0.1:{serving.port}"
    told = subprocess.check_output(
        [gemload, "-addr", address, "-url", serving.url, "-c", str(clients), "-n", str(requests)],
        text=True,
    )
    found = re.match(r"req/s (\S+)  p50 ([\d.]+)(\S+)  p99 ([\d.]+)(\S+)  bad (\d+)", told)
    if found is None or found[6] != "0":
        raise SystemExit(f"{serving.name}: {told}")
    p50, p99 = (float(found[at]) * _UNITS[found[at + 1]] for at in (2, 4))
    return float(found[1]), p50, p99


def idle(serving: Serving) -> float:
    """Megabytes that so many connections take, which shook hands and say nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    before = serving.megabytes()
    with ExitStack() as stack:
        for _ in range(IDLE):
            plain = socket.create_connection(("127.0.0.1", serving.port))
            stack.enter_context(context.wrap_socket(plain, server_hostname="localhost"))
        return serving.megabytes() - before


def table(turns: int = TURNS) -> tuple[list[list[str]], list[str]]:
    """The rows, and what is to be said below them."""
    if shutil.which("go") is None:
        return [], ["The capsule isn't measured: there is no Go here (Debian: golang-go)."]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    rows: list[list[str]] = []
    notes: list[str] = []
    with tempfile.TemporaryDirectory() as told, ExitStack() as stack:
        folder = Path(told)
        gemload = folder / "gemload"
        subprocess.run(
            ["go", "build", "-o", gemload, Path(__file__).with_name("gemload.go")],
            env={**os.environ, "GOCACHE": str(folder / "go"), "GO111MODULE": "off"},
            check=True,
        )
        home, files = folder / "home", folder / "files"
        files.mkdir()
        environment = {**os.environ, "TOUTDOUX_HOME": str(home)}
        subprocess.run([sys.executable, __file__, "build"], env=environment, check=True)
        setup = [sys.executable, "-m", "toutdoux", "capsule", "setup", "--host", "localhost"]
        subprocess.run(setup, env=environment, check=True, stdout=subprocess.DEVNULL)
        pem = home / "certificates" / f"{SLUG}.pem"
        page = "# Page\n" + ("Cinquante-neuf signes, puis la ligne se termine enfin ici.\n" * 50)
        for place in (files, home / "capsule" / SLUG):
            (place / "page.gmi").write_text(page)
        servings = [
            stack.enter_context(ours(home, "ours, an inventory", f"/inventory/{PERIOD}")),
            stack.enter_context(ours(home, "ours, an action", "/actions/AE1")),
            stack.enter_context(ours(home, "ours, two processes", f"/inventory/{PERIOD}", 2)),
            stack.enter_context(ours(home, "ours, a file", "/page.gmi")),
        ]
        others = [
            stack.enter_context(one) for one in (molly_brown(files, pem), jetforce(files, pem))
        ]
        servings += filter(None, others)
        floors = [one.name if one else "" for one in others]
        for clients in CLIENTS:
            told_of: dict[str, list[Turn]] = {}
            for turn in range(turns + 1):  # the first doesn't count
                for one in servings:
                    result = load(gemload, one, clients, REQUESTS[clients])
                    if turn:
                        told_of.setdefault(one.name, []).append(result)
            against = [told_of.get(name) for name in floors]
            rows += [_row(name, clients, results, against) for name, results in told_of.items()]
        for one in servings:
            if len(one.processes) == 1:
                before = one.megabytes()
                more = f"{idle(one):+.0f} MB with {IDLE:,} idle connections"
                notes.append(f"{one.name}: {before:.0f} MB, {more}.")
    return rows, notes


def _row(
    name: str, clients: int, results: list[Turn], against: list[list[Turn] | None]
) -> list[str]:
    """`against`: the turns of the servers that this one is compared with, those next to its own."""
    a_second, p50, p99 = (statistics.median(one[at] for one in results) for at in range(3))
    ratios = [
        f"{statistics.median(a[0] / b[0] for a, b in zip(results, floor, strict=True)):.2f}"
        if floor
        else ""
        for floor in against
    ]
    return [name, str(clients), f"{a_second:,.0f}", f"{p50:.1f}", f"{p99:.1f}", *ratios]


def main() -> None:
    from toutdoux.cli.speech import print_table

    rows, notes = table(int(sys.argv[1]) if sys.argv[1:] else TURNS)
    if rows:
        print_table(TITLES, rows, right=(1, 2, 3, 4, 5, 6))
    for note in notes:
        print(note)


if __name__ == "__main__":
    if sys.argv[1:2] == ["build"]:
        build()
    else:
        main()
