"""Django's settings. Nothing here is secret, and nothing reads the network."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dj_database_url

from toutdoux.config.home import DATABASE_FILE, database_url, files, home

_SECONDS_TO_WAIT_FOR_ANOTHER_WRITER = 20

_SQLITE = {
    # A writer takes its lock at once, so that two never meet half way; WAL lets readers go on
    # meanwhile; FULL makes an acknowledged commit survive the machine, and what is deleted is
    # overwritten, because some of it was asked to be forgotten.
    "transaction_mode": "IMMEDIATE",
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
        "PRAGMA foreign_keys=ON;"
    ),
    "timeout": _SECONDS_TO_WAIT_FOR_ANOTHER_WRITER,
}

_POSTGRES = {
    "connect_timeout": 10,
    # What is asked again and again is planned once for each connection, as psycopg does by itself:
    # Django has every query planned anew, which takes longer than most of them.
    "server_side_binding": True,
    "prepare_threshold": 5,
}


def _database() -> dict[str, Any]:
    url = database_url()
    config: dict[str, Any]
    if url is None:
        config = {"ENGINE": "django.db.backends.sqlite3", "NAME": home() / DATABASE_FILE}
    else:
        config = dict(dj_database_url.parse(url))
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {**_SQLITE, **config.get("OPTIONS", {})}
        _only_read(config)
    else:
        config["OPTIONS"] = {**_POSTGRES, **config.get("OPTIONS", {})}
    return config


def _only_read(config: dict[str, Any]) -> None:
    """Where nothing can be written, SQLite is told so: it would fail at its own files otherwise."""
    file = Path(config["NAME"])
    if not file.is_file() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return
    # Without a log beside it nobody has it open, and what it says is all in the file.
    how = "mode=ro" if Path(f"{file}-wal").exists() else "immutable=1"
    config["NAME"] = f"file:{quote(str(file.absolute()))}?{how}"
    config["OPTIONS"] |= {"uri": True, "init_command": ""}


PACKAGE = Path(__file__).parents[1]
DATABASES = {"default": _database()}
INSTALLED_APPS = [
    "toutdoux.ledger",
    "toutdoux.association",
    "toutdoux.journal",
    "toutdoux.actions",
]
WEB_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "toutdoux.web",
    "toutdoux.chat",
    "toutdoux.capsule",
]
"""What pages need beside them: see `web_settings`."""

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
MEDIA_ROOT = files()
LOGGING_CONFIG = None
# What psycopg has to say of a connection that is gone, we say.
logging.getLogger("psycopg").addHandler(logging.NullHandler())
