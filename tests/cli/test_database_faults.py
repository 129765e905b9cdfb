"""Whatever is wrong with the database is said in one sentence, and nothing is changed by it."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.postgres import PostgresServer

from .running import COMMAND, ENGLISH, assert_one_sentence, environment, run

NAME = "toutdoux.sqlite3"
ADD = ("member", "add", "Max Moreau")


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made")
    _settle_in({**ENGLISH, "TOUTDOUX_HOME": str(home)})
    return home / NAME


def _settle_in(env: dict[str, str]) -> None:
    init = ("init", "--name", "Les Loutres libres", "--time-zone", "Europe/Paris")
    for arguments in (init, ("member", "add", "Ana Brun", "--joined", "2020-01-01")):
        done = run(*arguments, env=env)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def home(_made: Path, tmp_path: Path) -> Path:
    """A folder with an association of one member in it."""
    place = tmp_path / "home"
    place.mkdir()
    shutil.copyfile(_made, place / NAME)
    return place


def at(home: Path, **more: str) -> dict[str, str]:
    return {**ENGLISH, "TOUTDOUX_HOME": str(home), **more}


def members(home: Path) -> str:
    done = run("member", "list", env=at(home))
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- SQLite: a file that is not what it should be ------------------------------------------------


@pytest.mark.parametrize("what", [("member", "list"), ADD, ("backup",)], ids=" ".join)
def test_a_text_in_the_place_of_the_database(home: Path, what: tuple[str, ...]) -> None:
    (home / NAME).write_text("Chère Ana,\n" * 1_000)
    assert_one_sentence(run(*what, env=at(home)), NAME, "is damaged", "toutdoux restore FILE")
    assert (home / NAME).read_text().startswith("Chère Ana")


def test_a_database_cut_short(home: Path) -> None:
    whole = (home / NAME).read_bytes()
    (home / NAME).write_bytes(whole[: len(whole) // 3])
    assert_one_sentence(run(*ADD, env=at(home)), NAME, "is damaged")


@pytest.mark.parametrize("place", [0, 16, 18, 20, 44, 100, 103, 108, 2_000, 4_000])
def test_a_flipped_byte_of_the_first_page_is_no_fault_of_ours(home: Path, place: int) -> None:
    whole = (home / NAME).read_bytes()
    changed = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
    (home / NAME).write_bytes(changed)
    done = run("member", "list", env=at(home))
    if done.returncode:
        assert_one_sentence(done)
        assert "fault of toutdoux" not in done.stderr


def test_a_page_full_of_noise(home: Path) -> None:
    whole = (home / NAME).read_bytes()
    (home / NAME).write_bytes(whole[:4096] + b"\xa5" * 40_960 + whole[4096 + 40_960 :])
    assert_one_sentence(run("member", "list", env=at(home)), NAME, "is damaged")


# --- SQLite: a file that cannot be used now ------------------------------------------------------


def test_a_database_that_another_program_holds(home: Path) -> None:
    url = f"sqlite:///{home / NAME}?timeout=1"
    holder = sqlite3.connect(home / NAME, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    done = run(*ADD, env=at(home, DATABASE_URL=url))
    assert_one_sentence(done, NAME, "another program is writing", "try again")
    holder.execute("ROLLBACK")
    holder.close()
    assert "Max" not in members(home)


@contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    """Nobody can write into the folder: root neither, for whom permissions mean nothing."""
    if os.geteuid() == 0:
        bound = subprocess.run(["mount", "--bind", folder, folder], check=False).returncode == 0
        if not bound:
            pytest.skip("root may write anywhere, and cannot mount here")
        try:
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
            yield
        finally:
            subprocess.run(["umount", folder], check=True)
    else:
        (folder / NAME).chmod(0o400)
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)


def test_a_database_that_can_only_be_read_is_read(home: Path) -> None:
    with _read_only(home):
        assert "Ana Brun" in members(home)
        assert run("status", env=at(home)).returncode == 0


def test_a_database_that_can_only_be_read_is_not_written(home: Path) -> None:
    with _read_only(home):
        done = run(*ADD, env=at(home))
    assert_one_sentence(done, NAME, "can only be read", "permissions")
    assert "Max" not in members(home)


def test_a_file_that_can_only_be_read_in_a_folder_that_can_be_written(home: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write any file")
    (home / NAME).chmod(0o400)
    assert "Ana Brun" in members(home)
    assert_one_sentence(run(*ADD, env=at(home)), "can only be read")


def test_a_database_that_can_only_be_read_is_backed_up_elsewhere(
    home: Path, tmp_path: Path
) -> None:
    with _read_only(home):
        assert run("backup", tmp_path / "a.toutdoux", env=at(home)).returncode == 0
        done = run("backup", env=at(home))
    assert_one_sentence(done, "this cannot be written", "read-only")


def test_a_file_that_may_grow_no_more(home: Path) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, 8_192))

    done = run(*ADD, env=at(home), before=limit)
    assert done.returncode == 2
    assert "the disk" in done.stderr
    assert "fault of toutdoux" not in done.stderr
    assert "Max" not in members(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a disk that is full")
def test_a_disk_that_is_full(home: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False
    ).returncode
    if made:
        pytest.skip("nothing can be mounted here")
    try:
        shutil.copyfile(home / NAME, disk / NAME)
        room = shutil.disk_usage(disk).free - 40_960
        (disk / "filler").write_bytes(b"\0" * max(room, 0))
        done = run(*ADD, env=at(disk))
        assert_one_sentence(done, NAME, "the disk is full; nothing was recorded", "make room")
        done = run("backup", disk / "a.toutdoux", env=at(disk))
        (disk / "filler").unlink()
        assert "Max" not in members(disk)
    finally:
        subprocess.run(["umount", disk], check=True)


# --- where the data should be --------------------------------------------------------------------


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("")
    assert_one_sentence(run("member", "list", env=at(file)), str(file))
    assert_one_sentence(run("member", "list", env=at(file / "deeper")), str(file))


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with _read_only(home):
        assert_one_sentence(run("member", "list", env=at(home)), str(home))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "names no database"),
        ("mysql://ana:geheim@localhost/x", "names no database"),
        ("postgresql://ana:ge[heim@localhost/x", "cannot be read"),
        ("postgresql://ana:geheim@localhost:99999/x", "cannot be read"),
        ("postgresql://ana:geheim@127.0.0.1:1/x", "cannot be reached"),
        ("postgresql://ana:geheim@%2Fnowhere/x", "cannot be reached"),
    ],
)
def test_a_database_url_that_leads_nowhere(tmp_path: Path, url: str, words: str) -> None:
    done = run("member", "list", env=at(tmp_path, DATABASE_URL=url))
    assert_one_sentence(done, words)
    assert "heim" not in done.stderr


# --- PostgreSQL ----------------------------------------------------------------------------------


def test_a_postgresql_that_lets_nobody_in(own_postgres: PostgresServer, tmp_path: Path) -> None:
    with own_postgres.connect() as connection:
        connection.execute("CREATE ROLE ana LOGIN PASSWORD 'richtig'")
        rules = own_postgres.data / "pg_hba.conf"
        rules.write_text(f"local all ana scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)
    for name in ("ana:geheim@", "ana@", "nobody@"):
        url = own_postgres.url().replace("postgres@", name)
        done = run("member", "list", env=at(tmp_path, DATABASE_URL=url))
        assert_one_sentence(done, "does not let this user in", "password")
        assert "geheim" not in done.stderr


def test_a_postgresql_without_the_database(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.url("nothing_here")
    done = run("member", "list", env=at(tmp_path, DATABASE_URL=url))
    assert_one_sentence(done, "there is no database of this name", "create it")


def test_a_postgresql_that_can_only_be_read(postgres_url: str, tmp_path: Path) -> None:
    import psycopg

    env = at(tmp_path, DATABASE_URL=postgres_url)
    _settle_in(env)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert_one_sentence(run(*ADD, env=env), "can only be read")
    assert "Ana Brun" in run("member", "list", env=env).stdout
    assert run("status", env=env).returncode == 0


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ("killed", ADD),
        ("stopped", ADD),
        ("killed", ("member", "import", "members.csv")),  # in a transaction around the command's
    ],
)
def test_a_postgresql_that_goes_away_in_the_middle(
    own_postgres: PostgresServer, tmp_path: Path, how: str, what: tuple[str, ...]
) -> None:
    (tmp_path / "members.csv").write_text("name\nMax Moreau\n")
    name = own_postgres.create_database()
    env = at(tmp_path, DATABASE_URL=own_postgres.url(name))
    _settle_in(env)
    with own_postgres.connect(name) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT * FROM ledger_ledger FOR UPDATE")
        adding = subprocess.Popen(
            [*COMMAND, *what],
            cwd=tmp_path,
            env=environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with own_postgres.connect(name) as watcher:
            while not watcher.execute(waiting).fetchone()[0]:
                time.sleep(0.05)
                assert adding.poll() is None
        if how == "killed":
            own_postgres.kill9()
        else:
            own_postgres.stop()
        told, said = adding.communicate(timeout=60)
        holder.close()
    done = subprocess.CompletedProcess([], adding.returncode, told, said)
    assert_one_sentence(done, "went away in the middle", "may or may not", "toutdoux status")
    own_postgres.restart()
    assert "Max" not in run("member", "list", env=env).stdout
    assert run(*ADD, env=env).returncode == 0
