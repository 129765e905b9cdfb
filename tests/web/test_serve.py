"""`toutdoux serve`: one process that starts, answers, ends cleanly, and loses nothing."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.test import Client

from toutdoux.core.history import Choice
from toutdoux.web.models import Account

from .conftest import Living


@contextmanager
def serving(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The real command on a free port: its process, and what it said when it was ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "toutdoux", "serve", "--port", str(port), *options],
        env={
            **os.environ,
            "TOUTDOUX_HOME": str(home),
            "TOUTDOUX_SECRET_KEY": "only for tests",
            "LANG": "en_US.UTF-8",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, f"serve ended:\n{said}"
        said += line
    process.port = port  # type: ignore[attr-defined]
    try:
        yield process, said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def get(process: subprocess.Popen[str], path: str, session: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("localhost", process.port, timeout=20)  # type: ignore[attr-defined]
    connection.request("GET", path, headers={"Cookie": f"toutdoux={session}"} if session else {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_a_monitor_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as (process, _):
        assert get(process, "/healthz") == (200, "ok")


def test_the_first_start_prints_a_link_that_founds_an_association(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as (process, said):
        link = re.search(r"http://localhost:\d+(/setup/\S+)", said)
        assert link, said
        assert get(process, link[1])[0] == 200
        assert get(process, "/setup/guessed")[0] == 404


def test_the_secret_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    environment = {**os.environ, "TOUTDOUX_HOME": str(tmp_path)}
    environment.pop("TOUTDOUX_SECRET_KEY", None)
    ask = (
        "from toutdoux.config.home import make_secret_key, secret_key;"
        "make_secret_key(); print(secret_key())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", ask], env=environment, stdout=subprocess.PIPE, check=True
        ).stdout
        for _ in range(2)
    ]
    assert told[0] == told[1]
    assert (tmp_path / "secret-key").stat().st_mode & 0o777 == 0o600


def test_asked_to_end_it_ends_at_once_and_well(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as (process, _):
        port = str(process.port)  # type: ignore[attr-defined]
        second = subprocess.run(
            [sys.executable, "-m", "toutdoux", "serve", "--port", port],
            env={**os.environ, "TOUTDOUX_HOME": str(tmp_path / "home"), "LANG": "en_US.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 2
        assert "--port" in second.stderr
        assert second.stderr.count("\n") == 1


def test_where_a_part_cannot_go_on_all_of_it_ends_and_says_so(tmp_path: Path) -> None:
    broken = (
        "from toutdoux.config.database import prepare\n"
        "prepare(web=True)\n"
        "from toutdoux.chat import bot\n"
        "from toutdoux.cli.main import main\n"
        "def run(stopping): raise OSError('a part is broken')\n"
        "bot.run = run\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", broken, "serve", "--port", "0"],
        env={**os.environ, "TOUTDOUX_HOME": str(tmp_path / "home"), "LANG": "en_US.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "a part is broken" in done.stderr
    assert "could not go on" in done.stderr.splitlines()[-1]


def test_the_clock_writes_down_what_falls_due(loutres: Living, home: Path) -> None:
    from toutdoux.ledger.models import Entry

    before = loutres.request(days=-20).now
    from toutdoux.actions import commands
    from toutdoux.core.charter import Kind

    request = commands.Request(association=loutres.id, now=before, via="cli")
    commands.propose(request, Kind.ORDINARY, "Acheter deux disques", by=loutres.ids["ana"])
    with serving(home, "--only", "worker"):
        for _ in range(100):
            if Entry.objects.filter(body__contains=b"action.adopted").exists():
                break
            time.sleep(0.1)
    bodies = [bytes(one.body) for one in Entry.objects.all()]
    assert any(b'"kind":"action.adopted"' in body and b'"via":"clock"' in body for body in bodies)


def test_a_vote_that_was_acknowledged_survives_kill_9(loutres: Living, home: Path) -> None:
    refs = [loutres.propose("extraordinary", f"Service {n}", "ana") for n in range(30)]
    client = Client()
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    client.force_login(Account.objects.get(email="bob@example.org"), backend)
    session = client.cookies["toutdoux"].value
    acknowledged: list[str] = []
    with serving(home, "--only", "web") as (process, _):
        _, page = get(process, loutres.url(), session)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token

        def vote() -> None:
            connection = http.client.HTTPConnection("localhost", process.port, timeout=20)  # type: ignore[attr-defined]
            connection.request("GET", loutres.url(), headers={"Cookie": f"toutdoux={session}"})
            answer = connection.getresponse()
            answer.read()
            csrf = answer.headers["Set-Cookie"].split("csrftoken=")[1].split(";")[0]
            for ref in refs:
                try:
                    connection.request(
                        "POST",
                        loutres.url(f"actions/{ref}/vote"),
                        f"choice=for&ballot=action&csrfmiddlewaretoken={csrf}",
                        {
                            "Cookie": f"toutdoux={session}; csrftoken={csrf}",
                            "Content-Type": "application/x-www-form-urlencoded",
                        },
                    )
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    return
                if answer.status == 302:
                    acknowledged.append(ref)

        voting = threading.Thread(target=vote)
        voting.start()
        while len(acknowledged) < 8:
            time.sleep(0.01)
        process.kill()
        voting.join()
    from toutdoux.actions import reading

    standing = reading.standing(loutres.id, loutres.request().now, "", votes_of=refs)
    bob = loutres.ids["bob"]
    for ref in acknowledged:
        assert standing.actions[ref].ballot.votes[bob] is Choice.FOR


def test_djangos_own_check_of_a_deployment_finds_nothing(tmp_path: Path) -> None:
    ask = (
        "from toutdoux.config.database import set_up; set_up(web=True);"
        "from django.core.management import call_command;"
        "call_command('check', deploy=True, fail_level='INFO')"
    )
    environment = {
        **os.environ,
        "TOUTDOUX_HOME": str(tmp_path),
        "TOUTDOUX_URL": "https://vote.example.org",
        "TOUTDOUX_SECRET_KEY": "only for tests, and of many characters: 0123456789 àéîöù abc",
    }
    done = subprocess.run(
        [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_what_is_too_long_is_told_so_in_the_readers_language(home: Path) -> None:
    with serving(home, "--only", "web") as (process, _):
        connection = http.client.HTTPConnection("localhost", process.port, timeout=20)  # type: ignore[attr-defined]
        connection.request("POST", "/account/login/", b"x" * 13_000_000, {"Accept-Language": "en"})
        answer = connection.getresponse()
        assert answer.status == 413
        assert "This was not taken: it is too long" in answer.read().decode()
        connection.close()
