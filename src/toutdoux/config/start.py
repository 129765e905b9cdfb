"""Setting Django up, once, where the database is needed."""

from __future__ import annotations

import os


def start() -> None:
    """Set Django up. Reading a scenario or a bundle needs none of it."""
    import django
    from django.apps import apps

    if not apps.ready:
        os.environ["DJANGO_SETTINGS_MODULE"] = "toutdoux.config.settings"
        django.setup()
