from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "toutdoux.journal"

    def ready(self) -> None:
        from . import projection  # noqa: F401 (registers with the ledger)
