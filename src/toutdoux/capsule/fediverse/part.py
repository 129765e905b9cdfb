"""The capsule's part that answers below `/fediverse`."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from toutdoux import __version__
from toutdoux.capsule.desk import desk_of
from toutdoux.capsule.protocol import Request, Response, Status
from toutdoux.config.home import home
from toutdoux.core.words import Refusal, say
from toutdoux.language import LANGUAGES

from . import pages, setup
from .cache import Cache
from .fetching import Fetcher

if TYPE_CHECKING:
    from toutdoux.capsule.site import Visit

PATH = "fediverse"

log = logging.getLogger("toutdoux")

_lock = Lock()
_fetchers: dict[str, tuple[int, Fetcher]] = {}


def is_asked(request: Request) -> bool:
    """Whether a request is for this part, which may have to wait for an instance."""
    first, *rest = request.segments
    return first == PATH or (first in LANGUAGES and rest[:1] == [PATH])


def answer(visit: Visit) -> Response | None:
    """A page of the fediverse; None if something else is asked for."""
    if not is_asked(visit.request) or isinstance(desk := desk_of(visit), Response):
        return None
    try:
        fetcher = _fetcher(visit.association.slug, visit.url)
    except Refusal as refusal:
        log.warning("the fediverse cannot be read: %s", refusal.why)
        why = say("The fediverse cannot be read from here: its setup here has a fault.")
        return desk.visit.refuse(Status.SERVER_UNAVAILABLE, why)
    return pages.answer(visit.request, desk.parts[1:], fetcher, desk.language, desk.path(PATH))


def _fetcher(slug: str, url: str) -> Fetcher:
    """An association's, made anew when what it allows has changed."""
    changed = setup.changed_at()
    with _lock:
        known = _fetchers.get(slug)
        if known is None or known[0] != changed:
            cache = Cache(home() / setup.CACHE)
            known = changed, Fetcher(setup.allowed_by(slug), cache, _agent(url))
            _fetchers[slug] = known
    return known[1]


def _agent(url: str) -> str:
    """Who asks: the program, and where who runs it can be found."""
    source = getattr(settings, "SOURCE", "")
    found = source if urlsplit(source).scheme in {"http", "https"} else f"{url}/"
    return f"Tout-Doux/{__version__} (+{found})"
