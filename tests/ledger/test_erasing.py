"""Forgetting: the text is nowhere any more, and the ledger is as whole as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import ENGLISH, assert_one_sentence, run
from tests.postgres import PostgresServer

from .small import Small, assert_whole, tables

NAMES = ("Zibeline", "courriel.example")
WRITTEN = ("zibelinesque", "zoologique", "zakouskis", "zèbre")


def erase(*arguments: object, **more: Any) -> None:
    done = run("erase", *arguments, "--yes", **more)
    assert done.returncode == 0, done.stderr


def found_in(folder: Path, *words: str) -> list[str]:
    """The files in a folder that hold one of the words, but for earlier backups."""
    wanted = [word.encode() for word in words]
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and any(word in file.read_bytes() for word in wanted)
    ]


def told() -> str:
    """All that the tables say, as text."""
    return str(tables())


def without_zoe(*arguments: object) -> Small:
    """The small association, after Zoé left and was forgotten."""
    from django.db import connection

    small = Small()
    small.leaves()
    connection.close()
    erase("member", "zoe", *arguments)
    return small


def test_a_forgotten_member_is_nowhere_in_the_database(both_databases: Path) -> None:
    small = without_zoe()
    for name in NAMES:
        assert name not in told()
    assert "zoologique" in told()
    assert_whole(small.id)


def test_all_that_a_forgotten_member_wrote_goes_when_asked_for(both_databases: Path) -> None:
    small = without_zoe("--texts")
    for text in (*NAMES, *WRITTEN):
        assert text not in told()
    assert "Un goûter" in told()
    assert_whole(small.id)


def test_names_that_a_member_had_before_go_too(home: Path) -> None:
    from django.db import connection

    from toutdoux.actions import commands as c

    small = Small()
    c.rename_member(small.request(6), small.zoe, name="Zoé Zorille", handle="zorille", email="")
    small.leaves()
    connection.close()
    erase("member", "zorille")
    for name in (*NAMES, "Zorille", "zorille"):
        assert name not in told()


def test_the_operator_of_a_forgotten_members_name_goes_too(home: Path) -> None:
    from dataclasses import replace

    from django.db import connection

    from toutdoux.actions import commands as c

    small = Small()
    c.add_member(replace(small.request(6), operator="zoe"), "Max Moreau")
    small.leaves()
    connection.close()
    erase("member", "zoe")
    assert "'zoe'" not in told()
    c.add_member(replace(small.request(30), operator="zoe"), "Lou Leroy")
    assert_whole(small.id)


def test_no_file_of_sqlite_holds_what_was_forgotten(home: Path) -> None:
    from django.db import connection

    # Long texts go to pages of their own, and many names split the pages of an index.
    from toutdoux.actions import commands as c

    small = Small()
    for number in range(60):
        c.add_member(small.request(6), f"Max Moreau {number}", handle=f"zoe-{number}")
    c.amend(small.request(6.5), "AE1", "Une zibeline très longue. " * 4_000, by=small.zoe)
    small.leaves()
    connection.close()
    assert "toutdoux.sqlite3" in found_in(home, *NAMES)
    erase("member", "zoe", "--texts")
    assert found_in(home, *NAMES, *WRITTEN, "zibeline très longue") == []


def test_no_file_of_postgresql_holds_what_was_forgotten(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    name = own_postgres.create_database()
    env = {
        "LANG": "en_US.UTF-8",
        "TOUTDOUX_HOME": str(tmp_path / "home"),
        "DATABASE_URL": own_postgres.url(name),
    }
    commands = (
        ("init", "--name", "Les Loutres libres", "--time-zone", "Europe/Paris"),
        ("member", "add", "Ana Brun", "--joined", "2020-01-01"),
        ("member", "add", "Zoé Zibeline", "--joined", "2020-01-01"),
        ("propose", "ordinary", "Un bal zibelinesque", "--by", "zoe"),
        ("member", "leave", "zoe"),
    )
    for arguments in commands:
        done = run(*arguments, env=env)
        assert done.returncode == 0, done.stderr
    with own_postgres.connect(name) as connection:
        connection.execute("ANALYZE")
        connection.execute("CHECKPOINT")
    base = own_postgres.data / "base"
    assert found_in(base, "Zibeline", "zibelinesque")
    erase("member", "zoe", "--texts", env=env)
    with own_postgres.connect(name) as connection:
        connection.execute("CHECKPOINT")
    assert found_in(base, "Zibeline", "zibelinesque") == []


def test_the_next_backup_does_not_hold_what_was_forgotten(home: Path, tmp_path: Path) -> None:
    import zipfile

    without_zoe("--texts")
    path = tmp_path / "next.toutdoux"
    assert run("backup", path).returncode == 0
    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for text in (*NAMES, *WRITTEN):
        assert text not in everything


def test_earlier_backups_are_named(home: Path) -> None:
    from django.db import connection

    Small().leaves()
    connection.close()
    assert run("backup").returncode == 0
    (earlier,) = (home / "backups").iterdir()
    done = run("erase", "member", "zoe", "--yes")
    assert "These backups still hold it" in done.stderr
    assert str(earlier) in done.stderr
    assert "name: Zoé Zibeline" in done.stderr


def test_the_entry_says_which_texts_were_forgotten(home: Path) -> None:
    import orjson

    from toutdoux.ledger import book

    small = without_zoe()
    *_, (_, body, _) = book.rows(small.id)
    entry = orjson.loads(body)
    assert entry["kind"] == "texts.erased"
    assert entry["data"]["member"] == small.zoe
    assert len(entry["data"]["commitments"]) == 3


def test_one_wording_of_an_object_is_forgotten_alone(home: Path) -> None:
    from django.db import connection

    Small()
    connection.close()
    erase("text", "AE1", "object", "--version", 1)
    assert "zibelinesque" not in told()
    assert "zoologique" in told()
    erase("text", "ae1", "object")
    assert "zoologique" not in told()


@pytest.mark.parametrize(
    ("ref", "what", "text"),
    [
        ("AE1", "link", "https://zibeline.example/1"),
        ("AE1", "condition", "zèbre"),
        ("AO1", "reason", "zakouskis"),
        ("J1", None, "zythologie"),
    ],
)
def test_a_text_is_forgotten(home: Path, ref: str, what: str | None, text: str) -> None:
    from django.db import connection

    small = Small()
    connection.close()
    before = told()
    assert text in before
    erase("text", ref, *([what] if what else []))
    assert text not in told()
    assert_whole(small.id)


def test_where_all_is_forgotten_already_nothing_more_is_recorded(home: Path) -> None:
    from django.db import connection

    small = Small()
    connection.close()
    erase("text", "AO1", "reason")
    length = assert_whole(small.id)
    done = run("erase", "text", "AO1", "reason", "--yes")
    assert done.returncode == 0
    assert "nothing of this is known any more" in done.stdout
    assert assert_whole(small.id) == length


def test_somebody_who_is_a_member_is_not_forgotten(home: Path) -> None:
    from django.db import connection

    Small()
    connection.close()
    before = tables()
    done = run("erase", "member", "zoe", "--yes")
    assert_one_sentence(done, "zoe is a member", "record that they left first")
    assert tables() == before


def test_nothing_is_forgotten_unasked(home: Path) -> None:
    from django.db import connection

    Small().leaves()
    connection.close()
    before = tables()
    done = run("erase", "member", "zoe")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("→ add --yes if this is meant")
    assert tables() == before


def test_what_there_is_not_cannot_be_forgotten(home: Path) -> None:
    from django.db import connection

    Small()
    connection.close()
    assert_one_sentence(run("erase", "member", "yves", "--yes"), "yves")
    assert_one_sentence(run("erase", "text", "AE9", "object", "--yes"), "AE9")
    assert_one_sentence(run("erase", "text", "AE1", "--yes"), "AE1", "say which")
    assert_one_sentence(run("erase", "text", "AE1", "object", "--version", 7, "--yes"), "wording")


def test_a_forgotten_member_is_shown_as_that(both_databases: Path) -> None:
    without_zoe("--texts")
    erase("text", "J1")
    done = run("member", "list", "--at", "2021-03-10")
    assert "(forgotten)" in done.stdout, done.stderr
    done = run("show", "AE1")
    assert "(forgotten)" in done.stdout, done.stderr
    for arguments in (
        ("list",),
        ("status",),
        ("inventory", "P21"),
        ("audit", "P21"),
        ("journal", "list"),
        ("verify",),
    ):
        done = run(*arguments)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        assert "Zibeline" not in done.stdout


def test_what_another_reader_keeps_in_the_log_is_told(home: Path) -> None:
    import sqlite3

    from django.db import connection

    Small()
    connection.close()
    file = home / "toutdoux.sqlite3"
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home), "DATABASE_URL": f"sqlite:///{file}?timeout=1"}
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM ledger_text").fetchone()
    done = run("erase", "text", "AO1", "reason", "--yes", env=env)
    assert done.returncode == 2
    assert "could not be cleared" in done.stderr.splitlines()[-1]
    reader.close()
    erase("text", "AO1", "reason", env=env)
    assert found_in(home, "zakouskis") == []
