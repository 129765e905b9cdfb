"""The PostgreSQL that other tests rely on is real, apart for each test, and durable."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.postgres import PostgresServer

ROOT = Path(__file__).parents[1]


def test_a_database_is_empty_utf8_and_in_the_locale_c(postgres_url: str) -> None:
    assert re.fullmatch(r"postgresql://postgres@%2F[^/]+/t_[0-9a-f]{12}", postgres_url)
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype,"
            " (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert row == ("UTF8", "C", "C", 0)


def test_a_commit_goes_to_the_disk(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


# The same table twice: the second test would fail in the first one's database.
@pytest.mark.parametrize("content", ["first", "second"])
def test_each_test_has_a_database_of_its_own(postgres_url: str, content: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE note (content text)")
        connection.execute("INSERT INTO note VALUES (%s)", [content])
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT content FROM note").fetchall() == [(content,)]


def test_two_databases_are_apart_and_one_in_use_can_be_dropped(
    postgres_server: PostgresServer,
) -> None:
    one, other = postgres_server.create_database(), postgres_server.create_database()
    with postgres_server.connect(one) as connection:
        connection.execute("CREATE TABLE note (content text)")
        with postgres_server.connect(other) as elsewhere:
            assert elsewhere.execute("SELECT to_regclass('note')").fetchone() == (None,)
        postgres_server.drop_database(one)
        postgres_server.drop_database(other)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_the_shared_server_is_not_to_be_broken(postgres_server: PostgresServer) -> None:
    for what in (postgres_server.kill9, postgres_server.restart):
        with pytest.raises(RuntimeError, match="own_postgres"):
            what()


def test_what_is_committed_survives_a_crash_and_the_rest_does_not(
    own_postgres: PostgresServer,
) -> None:
    name = own_postgres.create_database()
    with own_postgres.connect(name) as connection:
        connection.execute("CREATE TABLE note (content text)")
        connection.execute("INSERT INTO note VALUES ('committed')")

    underway = psycopg.connect(own_postgres.url(name))
    underway.execute("INSERT INTO note VALUES ('not committed')")
    own_postgres.kill9()
    with pytest.raises(psycopg.OperationalError):
        underway.commit()
    underway.close()
    with pytest.raises(psycopg.OperationalError):
        own_postgres.connect(name)

    own_postgres.restart()
    assert "automatic recovery in progress" in own_postgres.log.read_text()
    with own_postgres.connect(name) as connection:
        assert connection.execute("SELECT content FROM note").fetchall() == [("committed",)]


def test_a_restart_without_a_crash_needs_no_recovery(own_postgres: PostgresServer) -> None:
    with own_postgres.connect():
        own_postgres.restart()
    with own_postgres.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert "automatic recovery" not in own_postgres.log.read_text()


# A run of its own, whose tests tell where their server is.
INNER = """
import os, pathlib, signal, time, pytest

from tests.postgres import own_postgres, postgres_server, postgres_url


@pytest.mark.parametrize("number", [1, 2])
def test_told(postgres_url, postgres_server, number):
    note = pathlib.Path(os.environ["NOTES"]) / f"{os.getpid()}-{number}"
    note.write_text(str(postgres_server.directory))


@pytest.mark.skipif("KILL" not in os.environ, reason="this run ends of itself")
def test_killed(own_postgres):
    while len(list(pathlib.Path(os.environ["NOTES"]).iterdir())) < 2:
        time.sleep(0.01)
    os.kill(os.getppid(), signal.SIGKILL)  # pytest-xdist's main process
    os._exit(1)
"""


@pytest.mark.parametrize(
    ("processes", "killed"),
    [
        pytest.param(0, False, id="one process", marks=pytest.mark.slow),
        pytest.param(2, False, id="two processes", marks=pytest.mark.slow),
        pytest.param(2, True, id="two processes, killed"),
    ],
)
def test_a_run_has_one_server_and_leaves_nothing(
    tmp_path: Path, processes: int, killed: bool
) -> None:
    (tmp_path / "test_inner.py").write_text(INNER)
    notes = tmp_path / "notes"
    notes.mkdir()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    environment |= {
        "NOTES": str(notes),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    if killed:
        environment["KILL"] = "yes"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "xdist", "-n", str(processes)),
            *("-c", os.devnull, "--rootdir", tmp_path, "-p", "no:cacheprovider"),
            *("--basetemp", tmp_path / "base", "-rs", tmp_path),
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    )
    if "no PostgreSQL" in ended.stdout:
        pytest.skip("no PostgreSQL: the other tests say why")
    assert ended.returncode == (-signal.SIGKILL if killed else 0), ended.stdout
    told = {note.name.split("-")[0]: Path(note.read_text()) for note in notes.iterdir()}
    assert len(told) == max(processes, 1), ended.stdout
    (directory,) = set(told.values())

    deadline = time.monotonic() + 20
    while directory.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not directory.parent.exists()
    psutil = pytest.importorskip("psutil")
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "postgres":
            assert str(directory.parent) not in " ".join(process.info["cmdline"] or ())
