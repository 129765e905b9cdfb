"""Django's settings. Nothing here is secret, and nothing reads the network."""

from __future__ import annotations

from typing import Any

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


def _database() -> dict[str, Any]:
    url = database_url()
    config: dict[str, Any]
    if url is None:
        config = {"ENGINE": "django.db.backends.sqlite3", "NAME": home() / DATABASE_FILE}
    else:
        config = dict(dj_database_url.parse(url))
    if config["ENGINE"].endswith("sqlite3"):
        config["OPTIONS"] = {**_SQLITE, **config.get("OPTIONS", {})}
    else:
        config["OPTIONS"] = {"connect_timeout": 10, **config.get("OPTIONS", {})}
    return config


DATABASES = {"default": _database()}
INSTALLED_APPS = [
    "toutdoux.ledger",
    "toutdoux.association",
    "toutdoux.journal",
    "toutdoux.actions",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
MEDIA_ROOT = files()
LOGGING_CONFIG = None
