"""Where an installation keeps its data: a folder, and a database in it or elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

DATABASE_FILE = "toutdoux.sqlite3"


def home() -> Path:
    """`$TOUTDOUX_HOME`, else the folder where this user's programs keep their data."""
    told = os.environ.get("TOUTDOUX_HOME")
    if told:
        return Path(told).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("toutdoux")


def database_url() -> str | None:
    """`$DATABASE_URL`, if there is one; otherwise the database is a file in `home`."""
    return os.environ.get("DATABASE_URL") or None


def files() -> Path:
    """Where uploaded and published files are kept."""
    return home() / "files"


def backups() -> Path:
    """Where backups go that nobody named a file for."""
    return home() / "backups"
