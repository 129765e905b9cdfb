"""Making the database ready: there, of this version, and nobody's else."""

from __future__ import annotations

from .home import database_url, home


def prepare() -> None:
    """Set Django up, and bring the database to this version of the program."""
    from .start import start

    if database_url() is None:
        home().mkdir(parents=True, exist_ok=True)
    start()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
