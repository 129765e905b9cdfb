from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "toutdoux.actions"

    def ready(self) -> None:
        from . import stage  # noqa: F401 (registers with the ledger)
