"""Making the database ready: there, of this version, and nobody else's."""

from __future__ import annotations

import fcntl
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from toutdoux import __version__
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language, language_of_environment

from .home import backups, database_url, home

if TYPE_CHECKING:
    from django.apps.registry import Apps
    from django.db.migrations.executor import MigrationExecutor

Migrations = set[tuple[str, str]]
"""Migrations by app and name."""

_SCHEMES = ("sqlite", "postgres", "postgresql", "pgsql")
_OURS = ("ledger", "0001_initial")
_LOCK = 0x746F7574646F7578  # `toutdoux`: what PostgreSQL's advisory lock is known by

_keepers: list[Callable[[Path, datetime], object]] = []


def keeps(save: Callable[[Path, datetime], object]) -> None:
    """Register what writes a backup; it is asked for one before the database is changed."""
    _keepers.append(save)


def prepare(*, web: bool = False, more: bool = True) -> None:
    """Set Django up, and bring the database to this version of the program.

    A new database is made. An older one is kept in a backup, then upgraded in one transaction, and
    the standard error says so. Where there is nothing to do this takes one query.

    `web` is with the tables that only the web has; without it they are left as they are. Unless
    `more`, a database that has none of them gets none.

    Raises:
        Refusal: `DATABASE_URL` cannot be used; the database is of a newer version or of another
            program; or it could not be upgraded, and is as it was.
    """
    set_up(web=web)
    # An empty file is one that another command is making: looking into it would be in its way.
    if _is_empty_file() or _missing(more):
        with _alone():
            _bring_here()


def _missing(more: bool) -> Migrations:
    """The migrations that are still to be made; unless `more`, of apps that are there already."""
    found = applied()
    there = {app for app, _ in found}
    return {one for one in known() - found if more or not found or one[0] in there}


def set_up(*, web: bool = False) -> None:
    """Set Django up, and leave the database alone; the same refusals for `DATABASE_URL`."""
    from .start import start

    url = database_url()
    if url is None:
        home().mkdir(mode=0o700, parents=True, exist_ok=True)
    elif url.partition(":")[0] not in _SCHEMES:
        raise Refusal(
            say("DATABASE_URL names no database that toutdoux can use"),
            say("begin it with postgresql:// or sqlite:///, or leave it out"),
        )
    try:
        start(web=web)
    except ValueError:
        if url is None:
            raise
        # What it says may hold the password.
        raise Refusal(
            say("DATABASE_URL cannot be read"),
            say(
                "write it as postgresql://name:password@host/database,"
                " with signs such as @ or / in a password as %40 or %2F"
            ),
        ) from None


# --- which migrations there are ------------------------------------------------------------------


def known() -> Migrations:
    """The migrations of what is set up here."""
    from django.apps import apps

    return {one for app in apps.get_app_configs() for one in _migrations(app.label, Path(app.path))}


def _known_elsewhere() -> Migrations:
    """The migrations of this version's web: a command that shows no page does without."""
    from django.conf import settings

    found: Migrations = set()
    for name in settings.WEB_APPS:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        found |= _migrations(name.rpartition(".")[2], Path(spec.origin).parent)
    return found


def _migrations(label: str, folder: Path) -> Migrations:
    return {(label, file.stem) for file in (folder / "migrations").glob("[!_]*.py")}


def applied() -> Migrations:
    """The migrations that made the database what it is: none, if there is nothing in it yet.

    Raises:
        Refusal: it belongs to another program, or to a newer version of this one.
    """
    from django.db import DatabaseError, connection

    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT app, name FROM django_migrations")
            found = set(cursor.fetchall())
        except DatabaseError:
            tables = connection.introspection.table_names(cursor)
            if "django_migrations" in tables:
                raise
            found = {("", "")} if tables else set()
    if found and _OURS not in found:
        raise Refusal(
            say("the database holds the data of another program"),
            say("name another one, in DATABASE_URL or TOUTDOUX_HOME"),
        )
    others = found - known()
    if others and others - _known_elsewhere():
        raise newer()
    return found


def newer() -> Refusal:
    return Refusal(
        say("this was made by a newer toutdoux than this one ({version})", version=__version__),
        say("install that version or a later one"),
    )


def apps_at(migrations: Migrations) -> Apps:
    """The models as they were when these were the migrations."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    return loader.project_state(last_of(migrations)).apps


def last_of(migrations: Migrations) -> list[tuple[str, str]]:
    """Of every app the migrations that no other of the same app follows."""
    from django.db.migrations.loader import MigrationLoader

    graph = MigrationLoader(None).graph
    return sorted(
        one
        for one in migrations
        if not any(
            child.key in migrations and child.key[0] == one[0]
            for child in graph.node_map[one].children
        )
    )


# --- changing the tables -------------------------------------------------------------------------


@contextmanager
def changing_tables() -> Iterator[None]:
    """One transaction in which tables may be made and changed: all of it happens, or nothing."""
    from django.db import connection, transaction

    # SQLite rebuilds a table to change it, and looks at foreign keys only at the end; it has to be
    # told before the transaction.
    connection.disable_constraint_checking()
    try:
        with transaction.atomic():
            yield
            connection.check_constraints()
    finally:
        if connection.connection is not None:
            connection.enable_constraint_checking()


def migrate(to: Sequence[tuple[str, str]] | None = None) -> None:
    """Bring the tables to some migrations, or else to this version; within `changing_tables`."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    if connection.vendor == "postgresql":
        # It changes no table while rows of it still wait to be checked.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    executor = MigrationExecutor(connection)
    ends = executor.loader.graph.leaf_nodes() if to is None else list(to)
    _make_new_tables(executor, ends)
    if to is None:
        call_command("migrate", verbosity=0)  # it also makes what others keep of every model
    else:
        executor.migrate(ends)


def _make_new_tables(executor: MigrationExecutor, ends: list[tuple[str, str]]) -> None:
    """Where all that is to be made is new, make it as the migrations leave it: one after the other,
    each for no row, they take several times as long."""
    from django.db import connection

    applied = {app for app, _ in executor.loader.applied_migrations}
    plan = [migration for migration, _ in executor.migration_plan(ends)]
    new = {migration.app_label for migration in plan}
    if not new or new & applied:
        return
    with connection.schema_editor() as editor:
        for model in executor.loader.project_state(ends).apps.get_models():
            if model._meta.app_label in new and model._meta.managed and not model._meta.proxy:
                editor.create_model(model)
    executor.recorder.ensure_schema()
    for migration in plan:
        for one in migration.replaces or [(migration.app_label, migration.name)]:
            executor.recorder.record_applied(*one)
    executor.loader.build_graph()


def _bring_here() -> None:
    before = applied()
    if known() <= before:
        return
    if not {app for app, _ in known() - before} & {app for app, _ in before}:
        # Nothing that is there changes: it is new, or the web's tables are.
        with changing_tables():
            migrate()
        return
    if before - known():
        # There are tables of the web, and a backup has to have them.
        _upgrade_with_the_web()
        return
    now = datetime.now(UTC)  # noqa: TID251 (it names a file, and decides nothing)
    kept = backups() / f"before-{__version__}-{now:%Y%m%dT%H%M%SZ}.toutdoux"
    for save in _keepers:
        save(kept, now)
    try:
        with changing_tables():
            migrate()
    except Exception as error:
        raise Refusal(
            say(
                "the database could not be upgraded, and is as it was ({name}: {text})",
                name=type(error).__name__,
                text=str(error).strip(),
            ),
            say(
                "go on with the version before and report it; a backup is in {file}", file=str(kept)
            ),
        ) from error
    _tell(
        say(
            "the database was upgraded for toutdoux {version}; as it was, it is kept in {file}",
            version=__version__,
            file=str(kept),
        )
    )


def _upgrade_with_the_web() -> None:
    """Have another process upgrade the database: Django is set up without the web in this one."""
    program = (
        "import pickle, sys; from toutdoux.config import database\n"
        "database.set_up(web=True)\n"
        "try: database._bring_here()\n"
        "except database.Refusal as no:\n"
        "    sys.stdout.buffer.write(pickle.dumps((no.why, no.remedy)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    if done.stdout:
        raise Refusal(*pickle.loads(done.stdout))


def _tell(sentence: Sentence) -> None:
    print(f"toutdoux: {Language(language_of_environment()).say(sentence)}", file=sys.stderr)


# --- one at a time -------------------------------------------------------------------------------


def _file() -> Path | None:
    """The file of an SQLite database; None for another one, or one in memory."""
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or name.startswith((":memory:", "file:")):
        return None
    return Path(name)


def _is_empty_file() -> bool:
    file = _file()
    return file is not None and (not file.exists() or not file.stat().st_size)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other command makes or upgrades this database."""
    from django.db import connection

    file = _file()
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file.with_name(f"{file.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    elif connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            yield
        finally:
            # A connection that is gone took its locks along.
            if connection.connection is not None and not connection.connection.closed:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
    else:
        yield
