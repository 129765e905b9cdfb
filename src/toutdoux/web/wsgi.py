"""What a WSGI server runs: Django, and the static files before it."""

from __future__ import annotations

from typing import Any

from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

from .speech import STATIC

A_YEAR = 31_536_000


def application() -> Any:
    """Make the application; Django must be set up."""
    files = WhiteNoise(get_wsgi_application(), max_age=A_YEAR)
    for name, file in STATIC.items():
        files.add_file_to_dictionary(f"/static/{name}", str(file))
    return files
