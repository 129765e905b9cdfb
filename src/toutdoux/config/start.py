"""Setting Django up, once, where the database is needed."""

from __future__ import annotations

import os


def start() -> None:
    """Set Django up. Reading a scenario or a bundle needs none of it."""
    from django.apps import apps

    if not apps.ready:
        os.environ["DJANGO_SETTINGS_MODULE"] = "toutdoux.config.settings"
        from django.conf import settings

        # What `django.setup` does, but for what pages need: reading that takes a command longer
        # than all it does.
        apps.populate(settings.INSTALLED_APPS)
