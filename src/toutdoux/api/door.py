"""Who asks the API, what they may ask, and how each operation is made known.

    @operation(router, "GET", "/periods", list[Period])
    def periods(caller: Caller) -> list[Period]:
        \"\"\"List the periods.\"\"\"

The first line of what an operation says of itself is its summary, the rest its description.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any, TypeVar, get_type_hints
from zoneinfo import ZoneInfo

import orjson
from django.db.models import Count, Max
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.http import parse_etags
from ninja import Router
from ninja.parser import Parser
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from toutdoux.actions import commands
from toutdoux.actions.commands import Request
from toutdoux.association.models import Association, Member
from toutdoux.association.settings import settings_of
from toutdoux.core.instants import first_instant, read_date
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger
from toutdoux.web.door import Visit, seats_of
from toutdoux.web.models import Comment, Seat, Tag, Token
from toutdoux.web.tokens import note_use, token_of

from .problems import Problem, invalid

READS = ("GET",)
MANY = 300
"""How many requests one may send within a minute."""
_MINUTE = timedelta(minutes=1)
_LONGEST_KEY = 100
_A_KEY = re.compile(f"[!-~]{{1,{_LONGEST_KEY}}}")
_DEEPEST = 20
"""How many objects and lists, one in another, a request has at most."""
_ASSOCIATION = "Association"

View = TypeVar("View", bound=Callable[..., Any])


class Caller(Visit):
    """A member who asks the API. They may what they may on the pages."""

    via = "api"
    token: Token | None = None
    """None for somebody who is signed in."""
    headers: dict[str, str]
    """What the answer's head will hold."""

    @property
    def key(self) -> str | None:
        """What makes the request one, among those of this member."""
        told = self.request.headers.get("Idempotency-Key")
        return None if told is None else f"api {self.seat.pk} {told}"  # type: ignore[union-attr]

    def asks(self, key: str | None = None) -> Request:
        return Request(
            association=self.id, now=self.now, via=self.via, by=self.me, key=key or self.key
        )

    def was_said(self) -> bool:
        """Whether this very request was carried out before."""
        return self.key is not None and book.answer_to(self.id, self.key) is not None

    def must_be_steward(self) -> None:
        if not self.is_steward:
            raise Problem(403, say("this is for the référent·es"))

    # --- what they name --------------------------------------------------------------------------

    def member_called(self, handle: str) -> Member:
        """The member of a handle. Raises `Http404` if there is none such here."""
        found = Member.objects.filter(association=self.id, handle=handle).first()
        if found is None:
            raise Http404
        return found

    def member_in(self, field: str, handle: str) -> str:
        """The id of the member whom a field of the request names."""
        try:
            return self.member_called(handle).id
        except Http404:
            refusal = Refusal(
                say("nobody here is called “{member}”", member=handle),
                say("use the handle of a member"),
            )
            raise invalid(field, refusal) from None

    def day(self, field: str, text: str) -> date:
        """The day that a field of the request names."""
        try:
            return read_date(text)
        except Refusal as refusal:
            raise invalid(field, refusal) from None

    def day_or_none(self, field: str, text: str | None) -> date | None:
        return None if text is None else self.day(field, text)

    def instant(self, field: str, text: str | None) -> datetime | None:
        """When a day begins; None, which is now, for today."""
        day = self.day_or_none(field, text)
        if day is None or day == self.today:
            return None
        return first_instant(day, self.language.zone)


# --- who asks ------------------------------------------------------------------------------------


class Bearer(AuthBase):
    """A token, as `Authorization: Bearer …`."""

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_name = "Authorization"

    def __call__(self, request: Any) -> Caller:
        """Know the caller, or raise `Problem`; and see whether they may ask for this at all."""
        token = None
        told = request.headers.get("Authorization")
        if told is None:
            seat = _signed_in(request)
        else:
            token, seat = _shown(told, request.now)
        association = seat.member.association
        language = Language(
            request.language.code,
            ZoneInfo(association.time_zone),
            formal=not settings_of(association).use_tu,
        )
        request.language = language
        caller = Caller(request, association, seat.member, seat, request.now, language)
        caller.token, caller.headers = token, {}
        request.caller = caller
        _LIMIT.take(f"token {token.pk}" if token else f"seat {seat.pk}", request.now)
        if request.method not in READS:
            _check_writing(request, token)
        return caller


def _shown(told: str, now: datetime) -> tuple[Token, Seat]:
    scheme, _, text = told.partition(" ")
    token = token_of(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Problem(401)
    account = token.seat.account
    seat = seats_of(account, now).filter(pk=token.seat_id).first()
    if seat is None or not account.is_active:
        raise Problem(401, say("the member whose token this is has left"))
    note_use(token, now)
    return token, seat


def _signed_in(request: Any) -> Seat:
    """The seat of somebody who has the pages open: in the association that they name by its short
    name, if they are in several."""
    if not request.user.is_authenticated:
        raise Problem(401)
    seats = seats_of(request.user, request.now).order_by("since", "pk")
    slug = request.headers.get(_ASSOCIATION)
    if slug is not None:
        seats = seats.filter(member__association__slug=slug)
    seat: Seat | None = seats.first()
    if seat is None:
        raise Problem(401)
    return seat


def _check_writing(request: Any, token: Token | None) -> None:
    if token is None:
        if check_csrf(request) is not None:
            raise Problem(
                403,
                say("the request does not come from a page of this site"),
                say("send the header X-CSRFToken, or use a token of your own"),
            )
    elif not token.writes:
        raise Problem(
            403,
            say("this token only reads"),
            say("make one that may write, on your page"),
        )
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _A_KEY.fullmatch(key):
        refusal = Refusal(
            say("a key has 1 to {n} characters that can be printed", n=_LONGEST_KEY),
            say("correct what the errors name"),
        )
        raise invalid("Idempotency-Key", refusal)
    sends = request.headers.get("Content-Length", "0") not in ("", "0")
    if sends and request.content_type != "application/json":
        raise Problem(415)


class _Limit:
    """How many requests each caller sent within the minute that began with the first of them."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[datetime, int]] = {}
        self._lock = Lock()

    def take(self, who: str, now: datetime) -> None:
        with self._lock:
            begun, many = self._sent.get(who, (now, 0))
            if now >= begun + _MINUTE:
                begun, many = now, 0
            if many >= MANY:
                problem = Problem(429)
                left = (begun + _MINUTE - now).total_seconds()
                problem.headers["Retry-After"] = str(int(left) + 1)
                raise problem
            if len(self._sent) > 10_000:
                past = [one for one, (at, _) in self._sent.items() if now >= at + _MINUTE]
                for one in past:
                    del self._sent[one]
            self._sent[who] = (begun, many + 1)


_LIMIT = _Limit()


class Json(Parser):
    """Bodies as JSON has them, and nothing that Python would take beside."""

    def parse_body(self, request: Any) -> Any:
        told = orjson.loads(request.body)
        if _is_deep(told):
            raise Refusal(
                say("there are over {n} levels in it, one in another", n=_DEEPEST),
                say("send it with fewer"),
            )
        commands.check_texts(told)
        return told


def _is_deep(told: object) -> bool:
    level = [told]
    for _ in range(_DEEPEST + 1):
        level = [inner for one in level for inner in _inside(one)]
    return bool(level)


def _inside(told: object) -> Iterable[object]:
    return told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()


# --- operations ----------------------------------------------------------------------------------


def operation(
    router: Router,
    method: str,
    path: str,
    answer: Any,
    *,
    status: int = 200,
    steward: bool = False,
    media: tuple[str, ...] = (),
) -> Callable[[View], View]:
    """Make an operation of a function that is given the caller.

    Args:
        router: what it belongs to.
        method: how it is asked for.
        path: its address, after `/api/v1`.
        answer: what it answers with, as pydantic knows it; None for nothing.
        status: with which status.
        steward: whether it is for the référent·es.
        media: the media types of its answer, where that is no JSON.
    """

    def decorated(view: View) -> View:
        def wrapped(request: Any, **arguments: Any) -> Any:
            caller: Caller = request.caller
            _check_query(request, allowed)
            if steward:
                caller.must_be_steward()
            if method in READS:
                unchanged = _unchanged(caller)
                if unchanged is not None:
                    return unchanged
            return view(caller, **arguments)

        wrapped.__signature__ = _signature(view)  # type: ignore[attr-defined]
        wrapped.__name__, wrapped.__module__ = view.__name__, view.__module__
        summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n")
        router.api_operation(
            [method],
            path,
            response={status: answer},
            by_alias=True,
            operation_id=view.__name__,
            summary=summary.rstrip("."),
            description=" ".join(description.split()) or None,
            openapi_extra={"x-steward": steward, "x-media": list(media)},
        )(wrapped)
        allowed = _parameters(wrapped)
        return view

    return decorated


def _signature(view: View) -> inspect.Signature:
    """What ninja reads of an operation: its arguments, with the request in the caller's place."""
    hints = get_type_hints(view, include_extras=True)
    told = inspect.signature(view).parameters.values()
    rest = [one.replace(annotation=hints[one.name]) for one in [*told][1:]]
    first = inspect.Parameter("request", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return inspect.Signature([first, *rest])


def _parameters(operation: Any) -> set[str]:
    """The names of the parameters that its address may have."""
    return {
        name
        for model in operation._ninja_operation.models
        if model.__ninja_param_source__ == "query"
        for name in model.__ninja_flatten_map__
    }


def _check_query(request: Any, allowed: set[str]) -> None:
    """Refuse what has no meaning: a misspelt filter would otherwise find everything."""
    wrong: list[tuple[str, Sentence]] = []
    for name, values in request.GET.lists():
        if name not in allowed and name != "lang":
            wrong.append((name[:60], say("there is no such parameter")))
        elif len(values) > 1:
            wrong.append((name, say("it is there several times")))
        elif "\0" in values[0]:
            wrong.append((name, say("there is a character here that is not text")))
    if wrong:
        raise Problem(422, errors=wrong)


# --- what was read before ------------------------------------------------------------------------


def _unchanged(caller: Caller) -> HttpResponseBase | None:
    """The answer for somebody who has read this already; None where it may have changed."""
    caller.settle()
    tag = _tag(caller)
    caller.headers["ETag"] = tag
    known = parse_etags(caller.request.headers.get("If-None-Match", ""))
    return HttpResponseNotModified() if tag in known or "*" in known else None


def _tag(caller: Caller) -> str:
    """What changes whenever an answer may: with each entry of the ledger, each comment and tag,
    and with the minute, because some things change by time alone."""
    ledger = Ledger.objects.values_list("length", "head", "played_until").get(id=caller.id)
    comments = Comment.objects.filter(association=caller.id)
    tags = Tag.objects.filter(association=caller.id)
    told = (
        *ledger,
        *comments.order_by().aggregate(a=Max("id"), b=Max("changed"), c=Count("id")).values(),
        *tags.order_by().aggregate(a=Max("id"), b=Count("id")).values(),
        caller.me,
        caller.token and caller.token.pk,
        caller.seat and sorted(caller.seat.notices.items()),
        caller.language.code,
        caller.request.get_full_path(),
        int(caller.now.timestamp()) // 60,
    )
    return f'W/"{sha256(repr(told).encode()).hexdigest()[:24]}"'


def check_version(caller: Caller, version: str) -> None:
    """Raise `Problem` if the request is about another version than there is."""
    told = caller.request.headers.get("If-Match")
    if told is None or told.strip() == "*":
        return
    if version not in [one.removeprefix("W/").strip('"') for one in parse_etags(told)]:
        raise Problem(412)


def finish(request: Any, response: HttpResponse) -> HttpResponse:
    """What every answer's head holds."""
    caller = getattr(request, "caller", None)
    if caller is not None and response.status_code < 400:
        for name, value in caller.headers.items():
            response[name] = value
    response["Vary"] = "Authorization, Cookie, Accept-Language"
    return response


def association_row(caller: Caller) -> Association:
    """The association as it is after a command."""
    return Association.objects.get(pk=caller.id)
