"""Setting Django up, once, where the database is needed."""

from __future__ import annotations

import os


def start(*, web: bool = False) -> None:
    """Set Django up. Reading a scenario or a bundle needs none of it.

    `web` is with what pages need, and with the tables that only they have: accounts, comments,
    mail. Most commands do without, because reading all that takes them longer than what they do.
    """
    from django.apps import apps

    if apps.ready:
        return
    module = "toutdoux.config.web_settings" if web else "toutdoux.config.settings"
    os.environ["DJANGO_SETTINGS_MODULE"] = module
    if web:
        import django

        django.setup()
    else:
        from django.conf import settings

        # What `django.setup` does, but for what pages need.
        apps.populate(settings.INSTALLED_APPS)
