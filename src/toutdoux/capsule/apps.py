from django.apps import AppConfig


class CapsuleConfig(AppConfig):
    name = "toutdoux.capsule"
    label = "capsule"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import erasing  # noqa: F401 (it registers what is to be forgotten)
