from django.apps import AppConfig


class AssociationConfig(AppConfig):
    name = "toutdoux.association"

    def ready(self) -> None:
        from . import projection  # noqa: F401 (registers with the ledger)
