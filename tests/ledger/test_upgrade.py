"""A database that an earlier version made is brought to this one, after a backup."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, ENGLISH, ROOT, assert_one_sentence, environment, run

from .small import Small, tables

RELEASES = ROOT / "tests" / "data" / "releases"

HEAD = """\
from django.db import migrations, models


def work(apps, schema_editor):
    {work}


class Migration(migrations.Migration):
    dependencies = [("association", "{last}"), ("ledger", "0001_initial")]
    operations = [
        migrations.AddField("period", "colour", models.CharField(max_length=20, null=True)),
        migrations.RunPython(work),
        migrations.AddIndex("period", models.Index(fields=["colour"], name="period_colour")),
    ]
"""
COLOURS = 'apps.get_model("association", "Period").objects.update(colour="mauve")'
FAILS = f'{COLOURS}\n    raise ValueError("no mauve left")'

Later = Callable[[str], dict[str, str]]


@pytest.fixture
def later(tmp_path: Path) -> Later:
    """A later version of the program, with one more migration: the environment to run it in."""

    def make(work: str) -> dict[str, str]:
        where = tmp_path / "later"
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "toutdoux", where / "toutdoux", ignore=leave)
        migrations = where / "toutdoux" / "association" / "migrations"
        last = max(migrations.glob("0*.py")).stem
        (migrations / "9999_colour.py").write_text(HEAD.format(work=work, last=last))
        return {**ENGLISH, "PYTHONPATH": str(where), "PYTHONDONTWRITEBYTECODE": "1"}

    return make


def backups(home: Path, what: str) -> list[Path]:
    return sorted((home / "backups").glob(f"{what}*"))


def lived() -> dict[str, list[dict[str, object]]]:
    """What the tables hold once somebody lived there, and nobody has the database open."""
    from django.db import connection

    Small()
    told = tables()
    connection.close()
    return told


def test_an_older_database_is_kept_then_upgraded(both_databases: Path, later: Later) -> None:
    lived()
    done = run("period", "list", env=later(COLOURS))
    assert done.returncode == 0, done.stderr
    assert "P21" in done.stdout
    (kept,) = backups(both_databases, "before-")
    assert len(done.stderr.splitlines()) == 1
    assert "was upgraded" in done.stderr
    assert str(kept) in done.stderr


def test_an_upgrade_is_told_once(home: Path, later: Later) -> None:
    lived()
    program = later(COLOURS)
    assert "was upgraded" in run("period", "list", env=program).stderr
    assert run("period", "list", env=program).stderr == ""
    assert len(backups(home, "before-")) == 1


def test_what_was_there_is_there_after_an_upgrade(home: Path, later: Later) -> None:
    before = lived()
    assert run("period", "list", env=later(COLOURS)).returncode == 0
    with sqlite3.connect(home / "toutdoux.sqlite3") as connection:
        rows = connection.execute("SELECT name, colour FROM association_period").fetchall()
        (entries,) = connection.execute("SELECT count(*) FROM ledger_entry").fetchone()
    connection.close()
    assert rows == [("P21", "mauve")]
    assert entries == len(before["ledger.entry"])


def test_an_upgrade_that_fails_changes_nothing(both_databases: Path, later: Later) -> None:
    before = lived()
    done = run("period", "list", env=later(FAILS))
    (kept,) = backups(both_databases, "before-")
    assert_one_sentence(done, "could not be upgraded", "no mauve left", str(kept))
    assert tables() == before
    assert run("period", "list").returncode == 0


def test_the_backup_made_before_an_upgrade_can_be_restored(
    both_databases: Path, later: Later
) -> None:
    before = lived()
    assert run("period", "list", env=later(COLOURS)).returncode == 0
    (kept,) = backups(both_databases, "before-")
    from toutdoux.ledger.backup import opened

    with opened(kept) as found:
        assert found.manifest.rows == {name: len(rows) for name, rows in before.items()}


def test_a_backup_of_an_older_version_is_brought_forward(
    both_databases: Path, later: Later, tmp_path: Path
) -> None:
    lived()
    path = tmp_path / "older.toutdoux"
    program = later(COLOURS)
    assert run("backup", path).returncode == 0
    done = run("restore", path, "--replace", env=program)
    assert done.returncode == 0, done.stderr
    newer = tmp_path / "newer.toutdoux"
    assert run("backup", newer, env=program).returncode == 0
    import zipfile

    with zipfile.ZipFile(newer) as archive:
        (period,) = archive.read("tables/association.period.jsonl").splitlines()
    assert json.loads(period)["colour"] == "mauve"


def test_what_a_newer_version_made_is_left_alone(
    both_databases: Path, later: Later, tmp_path: Path
) -> None:
    lived()
    path = tmp_path / "newer.toutdoux"
    assert run("backup", path, env=later(COLOURS)).returncode == 0
    for arguments in (("period", "list"), ("backup",), ("restore", path, "--replace")):
        done = run(*arguments)
        assert_one_sentence(done, "made by a newer toutdoux", "install that version")
    assert backups(both_databases, "before-restore") == []


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "toutdoux.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    done = run("period", "list", env={**ENGLISH, "TOUTDOUX_HOME": str(tmp_path)})
    assert_one_sentence(done, "the data of another program")


def test_two_first_commands_at_once_make_one_database(tmp_path: Path) -> None:
    _start_together({**ENGLISH, "TOUTDOUX_HOME": str(tmp_path / "home")})


def test_two_first_commands_at_once_make_one_database_on_postgresql(
    postgres_url: str, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    _start_together({**ENGLISH, "TOUTDOUX_HOME": home, "DATABASE_URL": postgres_url})


def _start_together(env: dict[str, str]) -> None:
    started = [
        subprocess.Popen(
            [*COMMAND, "init", "--name", f"Loutres {number}", "--time-zone", "Europe/Paris"],
            env=environment(**env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in started:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told


def test_where_nothing_is_to_do_a_command_asks_the_database_once(home: Path) -> None:
    lived()
    program = (
        "import sys; from toutdoux.config import database, start; start.start();"
        "from django.db import connection; from django.test.utils import CaptureQueriesContext\n"
        "with CaptureQueriesContext(connection) as asked: database.prepare()\n"
        "print(len(asked), 'django.db.migrations.executor' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(TOUTDOUX_HOME=str(home)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "False"]


@pytest.mark.parametrize(
    "release", sorted(RELEASES.glob("*.sqlite3.gz")), ids=lambda file: file.name.split(".sqlite")[0]
)
def test_a_database_of_each_release_is_upgraded(release: Path, tmp_path: Path) -> None:
    """Beside `0.2.0.sqlite3.gz` stands `0.2.0.json`: the rows that it holds of some tables."""
    file = tmp_path / "toutdoux.sqlite3"
    file.write_bytes(gzip.decompress(release.read_bytes()))
    figures = json.loads(
        release.with_name(release.name.replace(".sqlite3.gz", ".json")).read_text()
    )
    env = {**ENGLISH, "TOUTDOUX_HOME": str(tmp_path)}
    for arguments in (("status",), ("verify",)):
        done = run(*arguments, env=env)
        assert done.returncode == 0, done.stderr
    with sqlite3.connect(file) as connection:
        found = {
            table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            for table in figures
        }
    connection.close()
    # What is looked at may have written down a decision that fell due.
    assert found.pop("ledger_entry", 0) >= figures.pop("ledger_entry", 0)
    assert found == figures


def schema() -> dict[str, tuple[list[object], list[object]]]:
    """The columns of every table, and what holds for them, whatever that is called."""
    from django.db import connection

    told = {}
    with connection.cursor() as cursor:
        look = connection.introspection
        for table in look.table_names(cursor):
            columns = [
                (one.name, one.type_code, one.display_size, one.null_ok, one.default)
                for one in look.get_table_description(cursor, table)
            ]
            facts = ("columns", "primary_key", "unique", "foreign_key", "check", "index", "type")
            holds = [
                tuple(str(one.get(fact)) for fact in facts)
                for one in look.get_constraints(cursor, table).values()
            ]
            told[table] = (sorted(columns, key=str), sorted(holds))
    return told


def test_what_is_made_at_once_is_what_the_migrations_make(both_databases: Path) -> None:
    from django.apps import apps
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from toutdoux.config import database

    before, made = schema(), set(MigrationRecorder(connection).applied_migrations())
    with database.changing_tables(), connection.schema_editor() as editor:
        for model in [*apps.get_models(), MigrationRecorder.Migration]:
            editor.delete_model(model)
    assert connection.introspection.table_names() == []
    with database.changing_tables():
        database.migrate()
    assert schema() == before
    assert set(MigrationRecorder(connection).applied_migrations()) == made
