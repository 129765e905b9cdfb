"""How pages are said: templates, with the sentences and dates of the reader's language.

In templates `_("text {x}", x=…)` says a message, `_n("{n} vote", "{n} votes", count)` one that
depends on a count, `say(…)` a sentence of the layers below, `value(…)` an instant, a day, a state,
a length of time; `when(…)` an instant in words with the exact one on demand. What members wrote in
Markdown is shown by `text|markdown`, or without its marks by `text|plain`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from html import unescape
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import django_htmx
import jinja2
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.template.loader import get_template
from django.urls import reverse
from markupsafe import Markup, escape

from toutdoux.config.settings import PACKAGE
from toutdoux.core.words import Sentence, say, say_n
from toutdoux.language import Language

from .markdown import to_html, to_text

STATIC = {
    **{file.name: file for file in (PACKAGE / "web" / "static").iterdir()},
    "htmx.min.js": Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js",
}
"""The static files by name."""


def environment(**options: Any) -> jinja2.Environment:
    made = jinja2.Environment(
        **{
            **options,
            "trim_blocks": True,
            "lstrip_blocks": True,
            "undefined": jinja2.StrictUndefined,
        }
    )
    made.globals |= {"static": static, "url": url, "form_key": form_key, "zip": zip}
    made.globals["installation"] = settings
    made.globals["absolute"] = absolute
    made.filters |= {"markdown": to_html, "plain": to_text}
    return made


def form_key() -> str:
    """What makes a form one: sent twice, it is carried out once."""
    return token_urlsafe(16)


@cache
def static(name: str) -> str:
    """The address of a static file. It changes with the file, so browsers keep it for long."""
    version = sha256(STATIC[name].read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={version}"


def url(name: str, **arguments: object) -> str:
    """The address of a page, by its name. A page of cards or of rows asks for hundreds."""
    return _reversed(name, tuple(arguments.items()))


@lru_cache(maxsize=8192)
def _reversed(name: str, arguments: tuple[tuple[str, object], ...]) -> str:
    return reverse(name, kwargs=dict(arguments) or None)


def absolute(path: str) -> str:
    """The whole address of a page, for what leads to it from elsewhere."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


# Messages as they go into pages, found and escaped once: a page of cards says hundreds.


@lru_cache(maxsize=8192)
def _message(code: str, formal: bool, message: str) -> Markup:
    language = Language(code, formal=formal)
    return escape(language.typographic(language.word(message)))


@lru_cache(maxsize=8192)
def _counted(
    code: str, formal: bool, one: str, many: str, n: int, names: tuple[str, ...]
) -> Markup:
    """The message for a count, with the places of its other values left open."""
    language = Language(code, formal=formal)
    text = language.say(say_n(one, many, n, **{name: f"{{{name}}}" for name in names}))
    return escape(language.typographic(text))


class Words:
    """A language as templates use it: what goes into a message is escaped, marked-up or not."""

    def __init__(self, language: Language, now: datetime) -> None:
        self.language = language
        self.now = now

    def _(self, message: str, **values: Any) -> Markup:
        text = _message(self.language.code, self.language.formal, message)
        return self._filled(text, values) if values else text

    def _n(self, one: str, many: str, n: int, **values: Any) -> Markup:
        text = _counted(self.language.code, self.language.formal, one, many, n, tuple(values))
        return self._filled(text, values) if values else text

    def _filled(self, text: Markup, values: Mapping[str, Any]) -> Markup:
        told = {key: escape(self.value(one)) for key, one in values.items()}
        return Markup(str(text).format_map(told))

    def say(self, sentence: Sentence) -> str:
        return self.language.typographic(self.language.say(sentence))

    def value(self, value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, StrEnum):
            return value  # what members wrote stays as they wrote it
        return self.language.typographic(self.language.value(value))

    def sentence(self, text: str) -> str:
        """With a capital letter at its beginning."""
        return text[:1].upper() + text[1:]

    def until(self, instant: datetime) -> str:
        """`encore 2 jours, jusqu’à dimanche 18 avril à 18 h`."""
        return self.say(
            say("{left} left, until {at}", left=self.left(instant), at=self.soon(instant))
        )

    def left(self, instant: datetime) -> str:
        """How long there is until an instant, in one figure: days, hours or minutes."""
        return self.language.value(rounded(instant - self.now, nearest=True))

    def ago(self, instant: datetime) -> str:
        """`il y a 3 heures`, or the day where that is long ago."""
        passed = self.now - instant
        if passed < timedelta(minutes=1):
            return self.say(say("just now"))
        if passed < timedelta(days=7):
            return self.say(say("{time} ago", time=rounded(passed)))
        return self.say(say("on {day}", day=instant.astimezone(self.language.zone).date()))

    def soon(self, instant: datetime) -> str:
        """`dimanche 18 avril à 18 h`."""
        return self.language.typographic(self.language.with_weekday(instant))

    def when(self, instant: datetime, how: str = "ago") -> Markup:
        """An instant in words, with the exact one on demand."""
        text = getattr(self, how)(instant)
        exact = f"{self.language.instant(instant)} ({instant.astimezone(self.language.zone):%Z})"
        return Markup(
            f'<time datetime="{instant.isoformat()}" title="{escape(exact)}">{escape(text)}</time>'
        )


def rounded(time: timedelta, *, nearest: bool = False) -> timedelta:
    """A length of time that is said in one figure: so many that are over, or the `nearest`."""
    seconds = max(0.0, time.total_seconds())

    def whole(unit: int) -> int:
        return int(seconds / unit + (0.5 if nearest else 0))

    if whole(3600) >= 48:
        return timedelta(days=whole(86400))
    if whole(60) >= 120:
        return timedelta(hours=whole(3600))
    return timedelta(minutes=max(1, whole(60)))


def words(request: Any) -> dict[str, Any]:
    """What every template has."""
    told = Words(request.language, request.now)
    names = ("_", "_n", "say", "value", "sentence", "until", "left", "ago", "soon", "when")
    return {
        **{name: getattr(told, name) for name in names},
        "request": request,
        "visit": getattr(request, "visit", None),
        "lang": request.language.code,
        "language": request.language,
        "csrf": Csrf(request),
        "theme": request.COOKIES.get("theme") or _theme_of(request),
    }


def _theme_of(request: Any) -> str:
    """The colours that somebody who is signed in chose for themselves."""
    user = getattr(request, "user", None)
    return str(user.theme) if user is not None and user.is_authenticated else ""


class Csrf:
    """The hidden field of a form; asking for it sets the cookie, so pages without forms do not."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __html__(self) -> str:
        return f'<input type="hidden" name="csrfmiddlewaretoken" value="{self.token}">'

    @cached_property
    def token(self) -> str:
        # One for all forms of a page: Django would mask the secret anew for each.
        return get_token(self.request)


def render(
    request: HttpRequest, name: str, context: Mapping[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A page. Its language is the request's."""
    return HttpResponse(get_template(name).render(dict(context or {}), request), status=status)


def text_of(name: str, context: Mapping[str, Any], language: Language, now: datetime) -> str:
    """A template for somebody who is not here: a letter. Plain text is not escaped."""
    told = Words(language, now)
    names = ("_", "_n", "say", "value", "sentence", "until", "left", "ago", "soon", "when")
    engine = engines.all()[0]
    filled = engine.env.get_template(name).render(  # type: ignore[attr-defined]
        {**context, **{one: getattr(told, one) for one in names}, "lang": language.code}
    )
    return filled if name.endswith(".html") else unescape(filled)
