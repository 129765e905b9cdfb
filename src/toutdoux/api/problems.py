"""What a program is told when something cannot be done: problem+json (RFC 9457).

    {"type": "/api/docs#refused", "title": …, "status": 409, "detail": why, "remedy": what to do,
     "errors": [{"field": "object", "detail": …}]}

`errors` is there where it is known which part of the request is wrong. Sentences are in the
language that the request asks for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from toutdoux.actions.commands import names_in
from toutdoux.core.words import Refusal, Sentence, Unknown, say
from toutdoux.web.limits import TooOften

MEDIA_TYPE = "application/problem+json"
log = logging.getLogger("toutdoux")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem."""

    status: int
    name: str
    """How its `type` ends."""
    title: Sentence
    why: Sentence
    remedy: Sentence


_KINDS = (
    Kind(
        400,
        "unreadable",
        say("This was not done"),
        say("what was sent is no JSON"),
        say("send one JSON object, in UTF-8"),
    ),
    Kind(
        401,
        "unknown-caller",
        say("It is not known who asks"),
        say("the request has no token that is valid"),
        say("make a token on your page, and send it: Authorization: Bearer …"),
    ),
    Kind(
        403,
        "not-allowed",
        say("This is not for everyone"),
        say("whoever asks may not do this"),
        say("ask a référent·e of the association"),
    ),
    Kind(
        404,
        "not-found",
        say("There is nothing here"),
        say("the association has nothing of this address"),
        say("correct the address"),
    ),
    Kind(
        405,
        "no-such-method",
        say("This was not done"),
        say("this address does not take this method"),
        say("use one of those that the header Allow names"),
    ),
    Kind(
        409,
        "refused",
        say("This was not done"),
        say("it makes no sense now"),
        say("look at how things stand, and ask again"),
    ),
    Kind(
        412,
        "changed-meanwhile",
        say("This was not done"),
        say("it was changed meanwhile"),
        say("read it again, and send what you want with its new version"),
    ),
    Kind(
        413,
        "too-large",
        say("This was not done"),
        say("what was sent is too large"),
        say("send less at once"),
    ),
    Kind(
        415,
        "not-json",
        say("This was not done"),
        say("what was sent is not said to be JSON"),
        say("send it with Content-Type: application/json"),
    ),
    Kind(
        422,
        "invalid",
        say("This was not done"),
        say("something in the request cannot be"),
        say("correct what the errors name"),
    ),
    Kind(
        429,
        "too-many",
        say("This was not done"),
        say("there were too many requests within a minute"),
        say("wait as long as the header Retry-After says"),
    ),
    Kind(
        500,
        "fault",
        say("This is a fault of ours"),
        say("something went wrong in the program, and nothing was changed"),
        say("try again; if it happens again, tell whoever runs this installation"),
    ),
    Kind(
        503,
        "unavailable",
        say("This was not done"),
        say("the database does not answer just now"),
        say("try again in a moment, with the same Idempotency-Key"),
    ),
)
KINDS: Mapping[int, Kind] = {kind.status: kind for kind in _KINDS}
"""By status."""


class Problem(Exception):
    """The request cannot be answered as it is."""

    def __init__(
        self,
        status: int,
        why: Sentence | None = None,
        remedy: Sentence | None = None,
        errors: Iterable[tuple[str, Sentence]] = (),
    ) -> None:
        super().__init__(status)
        kind = KINDS[status]
        self.kind = kind
        self.why = why or kind.why
        self.remedy = remedy or kind.remedy
        self.errors = tuple(errors)
        self.headers: dict[str, str] = {}


def invalid(field: str, refusal: Refusal) -> Problem:
    """That a field holds what cannot be."""
    return Problem(422, remedy=refusal.remedy, errors=[(field, refusal.why)])


def answer(request: Any, problem: Problem) -> HttpResponse:
    """The problem as it is told, in the request's language."""
    told = request.language.say
    body: dict[str, object] = {
        "type": f"/api/docs#{problem.kind.name}",
        "title": told(problem.kind.title),
        "status": problem.kind.status,
        "detail": told(problem.why),
        "remedy": told(problem.remedy),
    }
    if problem.errors:
        body["errors"] = [{"field": field, "detail": told(why)} for field, why in problem.errors]
    response = HttpResponse(orjson.dumps(body), content_type=MEDIA_TYPE, status=problem.kind.status)
    if problem.kind.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    for name, value in problem.headers.items():
        response[name] = value
    return response


# --- what is raised elsewhere --------------------------------------------------------------------


def told_by(api: NinjaAPI) -> None:
    """Have an API tell everything that goes wrong as a problem."""
    for kind in (Exception, Http404, HttpError, ValidationError):
        api.add_exception_handler(kind, lambda request, error: answer(request, _of(request, error)))


def _of(request: Any, error: Any) -> Problem:
    match error:
        case Problem():
            return error
        case TooOften():
            problem = Problem(429, error.why, error.remedy)
            problem.headers["Retry-After"] = "60"
            return problem
        case Refusal():
            return _refused(request, error)
        case ValidationError():
            return Problem(422, errors=_wrong(error.errors))
        case AuthenticationError():
            return Problem(401)
        case Http404():
            return Problem(404)
        case HttpError():  # of ninja itself: a body that was not read
            return _unread(error.__cause__)
        case RequestDataTooBig():
            return Problem(413)
        case SuspiciousOperation():
            return Problem(400, say("what was sent cannot be read, or is too long"))
        case OperationalError() | InterfaceError():
            log.warning("the API could not reach the database: %s", error)
            return Problem(503)
    log.error("the API met a fault at %s %s", request.method, request.path, exc_info=error)
    return Problem(500)


def _refused(request: Any, refusal: Refusal) -> Problem:
    caller = getattr(request, "caller", None)
    if caller is not None:
        refusal = _as_sent(names_in(refusal, caller.id), caller)
    status = 404 if isinstance(refusal, Unknown) else 409
    errors = [(".".join(refusal.path), refusal.why)] if refusal.path else []
    return Problem(status, refusal.why, refusal.remedy, errors)


def _as_sent(refusal: Refusal, caller: Any) -> Refusal:
    """What tells of the request's key, with the key as it was sent."""
    values = refusal.why.values
    if caller.key is None or values.get("key") != caller.key:
        return refusal
    sent = caller.request.headers["Idempotency-Key"]
    return Refusal(Sentence(refusal.why.message, {**values, "key": sent}), refusal.remedy)


def _unread(error: BaseException | None) -> Problem:
    if isinstance(error, RequestDataTooBig):
        return Problem(413)
    if isinstance(error, Refusal):
        return Problem(422, error.why, error.remedy)
    return Problem(400)


# --- what pydantic finds -------------------------------------------------------------------------


def _wrong(errors: Sequence[Mapping[str, Any]]) -> list[tuple[str, Sentence]]:
    """What does not fit the description, field by field."""
    return [(_field(one["loc"]), _sentence(one["type"], one.get("ctx", {}))) for one in errors[:20]]


def _field(place: Sequence[Any]) -> str:
    """`effects.0.amend_charter`: without where ninja keeps it, and the kinds that were tried."""
    parts = [str(part) for part in place[1:]]
    if place[0] == "body":
        parts = parts[1:]  # what a view calls it
    return ".".join(part for part in parts if part[:1].islower() or part.isdigit()) or "body"


def _sentence(kind: str, told: Mapping[str, Any]) -> Sentence:
    def value(name: str) -> str:
        return str(told.get(name, ""))

    match kind:
        case "missing":
            return say("it is missing")
        case "extra_forbidden":
            return say("there is no such field")
        case "literal_error":
            names = value("expected").replace("'", "")
            return say("it is one of {names}", names=names)
        case "string_type":
            return say("it is a text")
        case "string_too_short":
            return say("it is empty")
        case "string_too_long":
            return say("it is over {n} characters long", n=value("max_length"))
        case "too_long":
            return say("there are over {n} of them", n=value("max_length"))
        case "greater_than_equal":
            return say("it is at least {n}", n=value("ge"))
        case "less_than_equal":
            return say("it is at most {n}", n=value("le"))
        case "bool_type" | "bool_parsing":
            return say("it is true or false")
        case "list_type":
            return say("it is a list")
        case "model_type" | "dict_type" | "model_attributes_type":
            return say("it is an object")
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return say("it is a whole number")
    return say("it is not written as the description says")


def not_allowed(request: HttpRequest, methods: str) -> HttpResponse:
    problem = Problem(405)
    problem.headers["Allow"] = methods
    return answer(request, problem)
