"""Where an installation keeps its data: a folder, and a database in it or elsewhere."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

DATABASE_FILE = "toutdoux.sqlite3"
SECRET_KEY_FILE = "secret-key"


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


CARRIED = ("capsule", "capsule.json", "certificates", "fediverse.json")
"""What a backup holds of the home beside `files`: how the capsule is set up, the certificates that
its readers know, and the association's own files."""


def secret_key() -> str:
    """What sessions and links are signed with: `$TOUTDOUX_SECRET_KEY`, else the key that was made
    at the first start; where nothing was served so far, one that nobody will ask for again."""
    told = os.environ.get("TOUTDOUX_SECRET_KEY")
    if told:
        return told
    try:
        return (home() / SECRET_KEY_FILE).read_text()
    except OSError:
        return secrets.token_urlsafe(50)


def make_secret_key() -> None:
    """Make the key at the first start, and keep it where only this user reads it."""
    if os.environ.get("TOUTDOUX_SECRET_KEY"):
        return
    file = home() / SECRET_KEY_FILE
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    if file.exists():
        return
    # Whole or not at all, and only one of two that start at once makes it.
    part = file.with_name(f".{SECRET_KEY_FILE}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT, 0o600), "w") as made:
        made.write(secrets.token_urlsafe(50))
    with contextlib.suppress(FileExistsError):
        os.link(part, file)
    part.unlink()
