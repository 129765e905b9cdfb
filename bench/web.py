"""The pages under load, on SQLite and PostgreSQL: one association of 5,000 members, 10,000 actions
and 300,000 votes, and 200 small ones.

    python bench/web.py [SHARE]       the table (`make bench` prints it too); of a share of all
                                      that, such as 0.05, where it is only to be tried
    python bench/web.py build SHARE   fill the home, or the database, that the environment names
    python bench/web.py serve PORT    serve it, with two empty signed-in pages beside the others
    python bench/web.py sessions      who is signed in there, and on what they can vote
    python bench/web.py votes         vote there by the command, without a browser

The floor of a page is an empty Django view that knows who is signed in; of a vote, a bare durable
write into the same kind of database. What a form costs of which somebody signed in makes one such
write, and nothing else, is told beside it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import selectors
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

MEMBERS = 5_000
ACTIONS = 10_000
VOTES_PER_ACTION = 30
SMALL = 200
CARDS = 20
WATCHERS = 500
SECONDS = 4.0
BIG = "banc-dessai"


# --- the home ------------------------------------------------------------------------------------


def build(share: float) -> None:
    """Fill a database: the association, the small ones beside it, and a few who are signed in."""
    from toutdoux.config import database

    database.prepare(web=True)
    from django.db import connection

    from toutdoux.actions import commands
    from toutdoux.association.models import Member
    from toutdoux.core.charter import Kind, read_charter
    from toutdoux.web.models import Account, Seat

    sys.path.insert(0, str(Path(__file__).parent))
    from ledger import Builder

    members, actions = max(CARDS + 1, round(share * MEMBERS)), round(share * ACTIONS)
    entries = members + actions * (VOTES_PER_ACTION + 2)
    builder = Builder(entries, members=members, votes=VOTES_PER_ACTION)
    builder.build()
    builder.project()
    now = datetime.now(UTC)
    request = commands.Request(association=builder.association, now=now, via="bench")
    for number in range(CARDS):
        by = builder.members[number + 1]
        commands.propose(request, Kind.EXTRAORDINARY, f"Ouvrir le service {number}", by=by)
    charter = read_charter("tout-doux-cratie")
    for number in range(round(share * SMALL)):
        born = now - timedelta(days=40)
        told = {"now": born, "via": "bench", "time_zone": "Europe/Paris", "language": "fr"}
        id = commands.found(f"Petite {number}", slug=f"petite-{number}", charter=charter, **told)  # type: ignore[arg-type]
        then = commands.Request(association=id, now=born, via="bench")
        member = commands.add_member(then, "Ana Brun", founder=True)
        commands.propose(then, Kind.ORDINARY, "Acheter un disque", by=member)
    some = Member.objects.filter(association=builder.association).order_by("id")[:WATCHERS]
    for number, one in enumerate(some):
        account = Account.objects.create_user(f"m{number}@example.org", created=now)
        Seat.objects.create(account=account, member=one, since=now)
    if connection.vendor == "postgresql":  # as its server does by itself within a minute
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def sessions() -> list[str]:
    """The session cookies of those who are signed in."""
    from django.test import Client

    from toutdoux.web.models import Account

    cookies = []
    for account in Account.objects.order_by("id"):
        client = Client()
        client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")
        cookies.append(client.cookies["toutdoux"].value)
    return cookies


def serve(port: int) -> None:
    """What `toutdoux serve` does, and two more pages: the floors."""
    from toutdoux.config import database

    database.prepare(web=True)
    from django.db import connection
    from django.http import HttpResponse
    from django.urls import path

    from toutdoux.web import urls
    from toutdoux.web.server import Server

    def empty(request: Any) -> HttpResponse:
        return HttpResponse(str(request.user.pk))

    def one_write(request: Any) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO bare_form (account) VALUES (%s)", [request.user.pk])
        return HttpResponse()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_form (account BIGINT)")
    urls.urlpatterns.insert(0, path("bench-empty", empty))
    urls.urlpatterns.insert(0, path("bench-write", one_write))
    Server("127.0.0.1", port).run(lambda: print("ready", flush=True))


# --- measuring -----------------------------------------------------------------------------------


@contextmanager
def served(environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """The pages in a process of their own: its port, and its process id."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", str(port)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


class Browser:
    """One browser that keeps its connection."""

    def __init__(self, port: int, session: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies = {"toutdoux": session}

    def get(self, path: str) -> str:
        return self._ask("GET", path, None)

    def post(self, path: str, **fields: str) -> str:
        token = self.cookies.get("csrftoken", "")
        data = "&".join(
            f"{name}={value}" for name, value in {**fields, "csrfmiddlewaretoken": token}.items()
        )
        return self._ask("POST", path, data)

    def _ask(self, method: str, path: str, data: str | None) -> str:
        headers = {"Cookie": "; ".join(f"{key}={one}" for key, one in self.cookies.items())}
        if data is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status}\n{text[:2000]}")
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie" and value.startswith("csrftoken="):
                self.cookies["csrftoken"] = value.split("=", 1)[1].split(";")[0]
        return text


def _quantiles(taken: list[float], seconds: float) -> dict[str, float]:
    """Of so many requests in a time, each of so many seconds: how many a second, and the
    milliseconds of each."""
    taken.sort()
    return {
        "rate": len(taken) / seconds,
        "p50": 1000 * statistics.median(taken),
        "p95": 1000 * taken[int(len(taken) * 0.95)],
    }


def load(
    port: int, cookies: list[str], clients: int, work: Callable[[Browser, int], object]
) -> dict[str, float]:
    """So many clients at once for a few seconds: requests a second, and milliseconds each."""
    taken: list[float] = []
    until = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        browser = Browser(port, cookies[number % len(cookies)])
        work(browser, 0)
        turn = 1
        while (begin := time.perf_counter()) < until:
            work(browser, turn)
            taken.append(time.perf_counter() - begin)
            turn += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _quantiles(taken, SECONDS)


def writing(browser: Browser, turn: int) -> object:
    return browser.get(f"/a/{BIG}/") if turn == 0 else browser.post("/bench-write")


def voting(refs: list[str]) -> Callable[[Browser, int], object]:
    def work(browser: Browser, turn: int) -> object:
        if turn == 0:
            return browser.get(f"/a/{BIG}/")
        # Another choice at every round: a vote that is in force already is not written again.
        round, place = divmod(turn, len(refs))
        choice, ref = ("for", "abstain")[round % 2], refs[place]
        return browser.post(f"/a/{BIG}/actions/{ref}/vote", ballot="action", choice=choice)

    return work


@contextmanager
def bare_table(environment: dict[str, str]) -> Iterator[Callable[[bytes], object]]:
    """What writes a row durably and does nothing else, in the kind of database that is measured."""
    if environment["DATABASE_URL"]:
        import psycopg

        with psycopg.connect(environment["DATABASE_URL"]) as postgres:
            postgres.execute("CREATE TABLE bare (body BYTEA)")
            postgres.commit()

            def write_there(body: bytes) -> None:
                postgres.execute("INSERT INTO bare VALUES (%s)", (body,))
                postgres.commit()

            yield write_there
            postgres.execute("DROP TABLE bare")
        return
    file = Path(environment["TOUTDOUX_HOME"]) / "bare.sqlite3"
    connection = sqlite3.connect(file, isolation_level=None)
    for setting in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE bare (body BLOB)")

    def write(body: bytes) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO bare VALUES (?)", (body,))
        connection.execute("COMMIT")

    yield write
    connection.close()


def bare_write(environment: dict[str, str]) -> float:
    """Milliseconds of a bare durable write."""
    taken = []
    with bare_table(environment) as write:
        for _ in range(500):
            begin = time.perf_counter()
            write(b"x" * 400)
            taken.append(time.perf_counter() - begin)
    return 1000 * statistics.median(taken)


def watch(port: int, cookies: list[str], ref: str) -> tuple[float, float]:
    """500 with an action's page open while votes come in: how long until each sees them.

    Returns the median and the longest, in seconds.
    """
    # The vote that the first one changes; so each is written, and the part's version counts them.
    voting = Browser(port, cookies[1])
    voting.get(f"/a/{BIG}/")
    voting.post(f"/a/{BIG}/actions/{ref}/vote", ballot="action", choice="for")
    addresses = []
    for cookie in cookies[:WATCHERS]:
        page = Browser(port, cookie).get(f"/a/{BIG}/actions/{ref}")
        found = re.search(r'hx-get="([^"]+/live[^"]*)"', page)
        assert found is not None
        addresses.append(found[1].replace("&amp;", "&"))
    first_length = _length(addresses[-1])
    waited: list[float] = []
    lock = threading.Lock()
    votes: list[float] = []
    over = time.perf_counter() + 12

    def voter() -> None:
        while time.perf_counter() < over - 4:
            votes.append(time.perf_counter())
            choice = ("for", "abstain")[len(votes) % 2]
            voting.post(f"/a/{BIG}/actions/{ref}/vote", ballot="action", choice=choice)
            time.sleep(1)

    def watchers(first: int, count: int) -> None:
        """Some of them, each with a connection of its own, asking every two seconds."""
        chosen = selectors.DefaultSelector()
        wanted: dict[socket.socket, dict[str, Any]] = {}
        for number in range(count):
            end = socket.create_connection(("127.0.0.1", port))
            wanted[end] = {
                "at": time.perf_counter() + 2 * (first + number) / WATCHERS,
                "address": addresses[(first + number) % len(addresses)],
                "session": cookies[(first + number) % len(addresses)],
                "seen": 0,
            }
        while time.perf_counter() < over:
            now = time.perf_counter()
            for end, one in wanted.items():
                if one["at"] is not None and one["at"] <= now:
                    one["at"], one["told"] = None, b""
                    asked = f"GET {one['address']} HTTP/1.1\r\nHost: localhost\r\n"
                    asked += f"Cookie: toutdoux={one['session']}\r\n\r\n"
                    end.sendall(asked.encode())
                    chosen.register(end, selectors.EVENT_READ)
            for key, _ in chosen.select(0.01):
                end = key.fileobj  # type: ignore[assignment]
                one = wanted[end]
                one["told"] += end.recv(65536)
                if _whole(one["told"]):
                    chosen.unregister(end)
                    one["at"] = time.perf_counter() + 2
                    if b"\r\nconnection: close\r\n" in one["told"].lower():
                        # As after every answer without a body: browsers come back in another.
                        end.close()
                        wanted[socket.create_connection(("127.0.0.1", port))] = wanted.pop(end)
                    seen(one)
        for one in wanted.values():  # whoever has not seen them yet
            with lock:
                waited.extend(over - at for at in votes[one["seen"] :])

    def seen(one: dict[str, Any]) -> None:
        again = re.search(rb'hx-get="([^"]+/live[^"]*)"', one["told"])
        if not again:
            return
        one["address"] = again[1].decode().replace("&amp;", "&")
        now, count = time.perf_counter(), _length(one["address"]) - first_length
        with lock:
            waited.extend(now - at for at in votes[one["seen"] : count])
        one["seen"] = max(one["seen"], count)

    some = WATCHERS // 4
    threads = [threading.Thread(target=watchers, args=(part * some, some)) for part in range(4)]
    threads.append(threading.Thread(target=voter))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statistics.median(waited), max(waited)


def _length(address: str) -> int:
    """How long the ledger was when the part was made whose page asks there."""
    found = re.search(r"since=(\d+)", address)
    assert found is not None
    return int(found[1])


def _whole(answer: bytes) -> bool:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 204 " in head[:20]:
        return bool(_)
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    return bool(_) and length is not None and len(body) >= int(length[1])


def memory(pid: int) -> float:
    """The most that a process has held so far, in MB."""
    told = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", told)
    return int(found[1]) / 1024 if found else 0.0


def measure(name: str, environment: dict[str, str], share: float) -> list[list[str]]:
    """The rows of one database, which is filled first."""
    filling = [sys.executable, __file__, "build", str(share)]
    subprocess.run(filling, env={**os.environ, **environment}, check=True)
    known = _told(environment, "sessions")
    cookies, refs, period = known["cookies"], known["refs"], known["period"]
    rows = []
    bare, by_command = bare_write(environment), _told(environment, "votes")
    with served(environment) as (port, pid):
        pages = {
            "an empty signed-in view": lambda browser, turn: browser.get("/bench-empty"),
            "Today, 20 cards": lambda browser, turn: browser.get(f"/a/{BIG}/"),
            "an action": lambda browser, turn: browser.get(f"/a/{BIG}/actions/{refs[0]}"),
            "an inventory": lambda browser, turn: browser.get(f"/a/{BIG}/inventory/{period}"),
            "a form that writes once": writing,
            "a vote": voting(refs),
        }
        floor = 0.0
        for page, work in pages.items():
            for clients in (1, 16):
                said = load(port, cookies, clients, work)
                if clients == 1 and not floor:
                    floor = said["p50"]
                least = bare if page in ("a form that writes once", "a vote") else floor
                ratio = f"{said['p50'] / least:.1f}" if clients == 1 else ""
                rows.append(_row(f"{name}: {page}", said, ratio, clients))
        ratio = f"{by_command['p50'] / bare:.1f}"
        rows.append(_row(f"{name}: a vote, the command alone", by_command, ratio))
        middle, longest = watch(port, cookies, refs[1])
        rows.append(
            [
                f"{name}: {WATCHERS} watching, seconds until a vote is seen",
                str(WATCHERS),
                "",
                f"{middle:.1f}",
                f"{longest:.1f}",
                "",
            ]
        )
        rows.append([f"{name}: memory of serve, MB", "", "", f"{memory(pid):.0f}", "", ""])
    return rows


def _row(what: str, said: dict[str, float], ratio: str, clients: int = 1) -> list[str]:
    figures = (f"{said['rate']:.0f}", f"{said['p50']:.1f}", f"{said['p95']:.1f}")
    return [what, str(clients), *figures, ratio]


def _told(environment: dict[str, str], what: str) -> Any:
    """What this file tells of a home when it is called with a word."""
    answer = subprocess.run(
        [sys.executable, __file__, what],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(answer.stdout)


def tell_votes() -> None:
    """Vote by the command as the pages do, for a while."""
    from toutdoux.config import database

    database.prepare(web=True)
    from toutdoux.actions import commands
    from toutdoux.actions.models import Action
    from toutdoux.association.models import Association
    from toutdoux.core.history import Choice
    from toutdoux.web.models import Seat

    association = Association.objects.get(slug=BIG)
    open_ = Action.objects.filter(association=association, state="open").order_by("order")
    refs = list(open_.values_list("ref", flat=True))
    voter = Seat.objects.order_by("-pk").values_list("member_id", flat=True)[0]
    begin, turn, taken = time.perf_counter(), 0, []
    while (now := time.perf_counter()) < begin + SECONDS:
        round, place = divmod(turn, len(refs))
        request = commands.Request(association=association.pk, now=datetime.now(UTC), via="web")
        choice = (Choice.FOR, Choice.ABSTAIN)[round % 2]
        commands.vote(request, refs[place], choice, by=voter)
        taken.append(time.perf_counter() - now)
        turn += 1
    print(json.dumps(_quantiles(taken[1:], SECONDS)))


def tell_sessions() -> None:
    from toutdoux.config import database

    database.prepare(web=True)
    from toutdoux.actions.models import Action
    from toutdoux.association.models import Association, Period

    association = Association.objects.get(slug=BIG)
    refs = Action.objects.filter(association=association, state="open").order_by("order")
    period = Period.objects.filter(association=association).first()
    if period is None:
        from toutdoux.actions import commands

        request = commands.Request(association=association.pk, now=datetime.now(UTC), via="bench")
        first = datetime(2021, 1, 1).date()
        commands.add_period(request, "P21", first, first + timedelta(days=13))
    print(
        json.dumps(
            {
                "cookies": sessions(),
                "refs": list(refs.values_list("ref", flat=True)),
                "period": "P21",
            }
        )
    )


def table(share: float = 1) -> list[list[str]]:
    """All rows, as `TITLES` has them."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import pytest
    from tests.postgres import server

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        home = {"TOUTDOUX_HOME": str(folder / "sqlite"), "TOUTDOUX_SECRET_KEY": "bench"}
        rows = measure("SQLite", {**home, "DATABASE_URL": ""}, share)
        try:
            postgres = server(folder, os.getpid())
        except pytest.skip.Exception as why:
            print(why, file=sys.stderr)
            return rows
        url = postgres.url(postgres.create_database())
        home["TOUTDOUX_HOME"] = str(folder / "postgres-home")
        return rows + measure("PostgreSQL", {**home, "DATABASE_URL": url}, share)


TITLES = ["", "clients", "requests/s", "p50 ms", "p95 ms", "times the floor"]


def main() -> None:
    what, *more = sys.argv[1:] or ["1"]
    if what == "build":
        build(float(more[0]) if more else 1)
    elif what == "serve":
        serve(int(more[0]))
    elif what == "sessions":
        tell_sessions()
    elif what == "votes":
        tell_votes()
    else:
        from toutdoux.cli.speech import print_table

        print_table(TITLES, table(float(what)), right=(1, 2, 3, 4, 5))


if __name__ == "__main__":
    main()
