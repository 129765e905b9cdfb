from datetime import datetime
from pathlib import Path

from django.apps import AppConfig

from toutdoux.config.database import keeps


class LedgerConfig(AppConfig):
    name = "toutdoux.ledger"

    def ready(self) -> None:
        keeps(_save)


def _save(file: Path, now: datetime) -> None:
    from .backup import save  # only then: a vote waits for none of it

    save(file, now)
