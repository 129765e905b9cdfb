"""What surrounds every page: who may embed what, and the language it is said in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from toutdoux.core.words import Refusal
from toutdoux.language import LANGUAGES, Language

from . import errors

_LEFT, _LEFT_FOR = "left", 60  # a cookie's name, and how many seconds it lasts

Next = Callable[[HttpRequest], HttpResponse]

# Nothing from other hosts, nothing inline, nothing in a frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


class Guard:
    """The present instant, the policy on what a page may load, and a sentence for every fault."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The one place where the web looks at the clock.
        request.now = datetime.now(UTC)  # type: ignore[attr-defined]  # noqa: TID251
        # For whatever is refused before it is known who comes.
        request.language = Language(_of_browser(request), formal=True)  # type: ignore[attr-defined]
        request.left = Left(request)  # type: ignore[attr-defined]
        response = self._answer(request)
        request.left.keep(response)  # type: ignore[attr-defined]
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        )
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-cache"
        if not _is_public(request, response):
            response.headers["X-Robots-Tag"] = "noindex"
        if request.method == "HEAD":
            _empty(response)
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        # No text holds a NUL: PostgreSQL takes none, and no address of ours has one. The API says
        # itself what holds it.
        if not _is_api(request):
            if "\0" in request.path:
                return errors.not_found(request)
            if _holds_nul(request.GET):
                return errors.bad_request(request)
        if any("\0" in text for text in request.COOKIES.values()):
            return errors.bad_request(request)
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        # Here, and not before: what is too long was refused, unread.
        if not _is_api(request) and _holds_nul(request.POST):
            return errors.bad_request(request)
        return None


def _empty(response: Any) -> None:
    """Leave the body out, of which the headers still tell: nobody expects one after a HEAD, and
    would take it for the beginning of the next answer."""
    if response.streaming:
        response.streaming_content = ()
    else:
        response.content = b""


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def _holds_nul(sent: QueryDict) -> bool:
    return any("\0" in text for name, texts in sent.lists() for text in (name, *texts))


class Left:
    """A sentence that one page leaves for the next: what was just done.

    It travels in a signed cookie, so that a vote is not followed by a second write for its session.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.text = ""
        """What is left for the next page."""
        self._told = False

    def told(self) -> str:
        """What the page before left, once."""
        cookie = self._request.COOKIES.get(_LEFT, "")
        if not cookie or self._told:
            return ""
        self._told = True
        try:
            text = str(signing.loads(cookie, salt=_LEFT, max_age=_LEFT_FOR))
        except signing.BadSignature:
            return ""
        return text if text.endswith((".", "!", "?", "…")) else f"{text}."

    def keep(self, response: HttpResponse) -> None:
        if self.text:
            response.set_cookie(
                _LEFT,
                signing.dumps(self.text, salt=_LEFT),
                max_age=_LEFT_FOR,
                httponly=True,
                samesite="Lax",
                secure=self._request.is_secure(),
            )
        elif self._told:
            response.delete_cookie(_LEFT, samesite="Lax")


def _is_public(request: Any, response: HttpResponse) -> bool:
    """Whether it is what an association shows to everybody."""
    visit = getattr(request, "visit", None)
    return visit is not None and visit.member is None and response.status_code in (200, 304)


class Speech:
    """The language: the member's choice, then the browser's, then French."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        code = language_of(request)
        request.language = Language(code, formal=True)  # type: ignore[attr-defined]
        translation.activate(code)
        too_long = int(request.META.get("CONTENT_LENGTH") or 0) > errors.LONGEST_REQUEST
        response = errors.too_long(request) if too_long else self.get_response(request)
        if response.status_code == 405 and not response.content:
            response = errors.only_sent_to(request, response.headers.get("Allow", ""))
        response.headers.setdefault("Content-Language", request.language.code)  # type: ignore[attr-defined]
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, Refusal):
            return errors.refused(request, error)
        return errors.of_database(request, error)


def language_of(request: Any) -> str:
    told: str | None = request.GET.get("lang") or request.COOKIES.get("lang")
    if told in LANGUAGES:
        return told or ""
    if request.session.session_key and request.user.is_authenticated and request.user.language:
        return str(request.user.language)
    return _of_browser(request)


def _of_browser(request: HttpRequest) -> str:
    told = request.headers.get("Accept-Language", "").lower()
    for name, weight in parse_accept_lang_header(told):  # those that are wanted most come first
        code = name.partition("-")[0]
        if code in LANGUAGES and weight:
            return code
    return "fr"
