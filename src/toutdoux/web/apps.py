from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "toutdoux.web"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import erasing, tags  # noqa: F401 (they register what entries change here)
