"""A database of its own for every test that asks for one.

    home              an empty SQLite database in the test's own folder, which it returns
    postgres_home     the same, but for the database: an empty one on PostgreSQL
    both_databases    the test runs twice, once on each; on PostgreSQL with the slow ones

The schema is made once per process: an SQLite file is then copied, and a PostgreSQL database made
of a template. `TOUTDOUX_HOME` and `DATABASE_URL` name the test's own database, so that the real
command (`tests.cli.running.run`) finds it too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.postgres import PostgresServer
from toutdoux.config.start import start

# Once per process, before any test module reads a table's module. The database that the settings
# then name is never opened: every test gets one of its own.
with pytest.MonkeyPatch.context() as _patch:
    _patch.setenv("TOUTDOUX_HOME", os.devnull)
    _patch.setenv("TOUTDOUX_SECRET_KEY", "only for tests")
    _patch.setenv("TOUTDOUX_HOSTS", "testserver")  # as Django's test client calls us
    _patch.delenv("DATABASE_URL", raising=False)
    start(web=True)

# What makes a password slow to guess makes tests slow, too. Real commands are as slow as they are.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _use(config: dict[str, Any], place: Path | None = None) -> None:
    """Have Django talk to another database from now on, and keep its files in another folder."""
    from django.db import connections

    if place is not None:
        settings.MEDIA_ROOT = place / "files"

    connections["default"].close()
    del connections["default"]
    connections.databases["default"] = {**connections.databases["default"], **config}


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    connection.close()


def _sqlite(file: Path) -> dict[str, Any]:
    from toutdoux.config.settings import _SQLITE as options

    return {"ENGINE": "django.db.backends.sqlite3", "NAME": file, "OPTIONS": dict(options)}


def _postgres(url: str) -> dict[str, Any]:
    import dj_database_url

    from toutdoux.config.settings import _POSTGRES as options

    return {**dj_database_url.parse(url), "OPTIONS": dict(options)}


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database of the current schema, with nothing in it."""
    file = tmp_path_factory.mktemp("template") / "toutdoux.sqlite3"
    _use(_sqlite(file))
    _migrate()
    return file


@pytest.fixture
def home(_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an empty SQLite database, the one in use."""
    place = tmp_path / "home"
    place.mkdir()
    file = place / _template.name
    shutil.copyfile(_template, file)
    monkeypatch.setenv("TOUTDOUX_HOME", str(place))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    _use(_sqlite(file), place)
    yield place
    _use(_sqlite(_template))


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a PostgreSQL database of the current schema, with nothing in it."""
    name = postgres_server.create_database()
    _use(_postgres(postgres_server.url(name)))
    _migrate()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def postgres_home(
    _template: Path,
    _postgres_template: str,
    postgres_server: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """A folder, and an empty PostgreSQL database, the one in use."""
    place = tmp_path / "home"
    place.mkdir()
    name = postgres_server.create_database(_postgres_template)
    monkeypatch.setenv("TOUTDOUX_HOME", str(place))
    monkeypatch.setenv("DATABASE_URL", postgres_server.url(name))
    _use(_postgres(postgres_server.url(name)), place)
    yield place
    _use(_sqlite(_template))
    postgres_server.drop_database(name)


@pytest.fixture(
    params=["home", pytest.param("postgres_home", marks=pytest.mark.slow)],
    ids=["sqlite", "postgres"],
)
def both_databases(request: pytest.FixtureRequest) -> Path:
    """Each test on SQLite, then on PostgreSQL."""
    place: Path = request.getfixturevalue(request.param)
    return place


@pytest.fixture
def own_postgres_home(
    _template: Path,
    own_postgres: PostgresServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """A folder, and a PostgreSQL server of the test's own, which it may kill."""
    place = tmp_path / "home"
    place.mkdir()
    url = own_postgres.url(own_postgres.create_database())
    monkeypatch.setenv("TOUTDOUX_HOME", str(place))
    monkeypatch.setenv("DATABASE_URL", url)
    _use(_postgres(url), place)
    _migrate()
    yield place
    _use(_sqlite(_template))
