"""What people see when something cannot be done: a sentence, what to do, the right status."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse

from toutdoux.core.words import Refusal, Sentence, Unknown, say

from .speech import render

LONGEST_TEXT = 20_000
"""How many characters a text has at most that is written here."""
LARGEST_FILE = 2_000_000
"""The largest file that is taken here, in bytes."""
LONGEST_REQUEST = 12_000_000
"""The longest request that is read at all, in bytes."""


def problem(
    request: HttpRequest, status: int, title: Sentence, why: Sentence, remedy: Sentence
) -> HttpResponse:
    context = {"title": title, "why": why, "remedy": remedy, "status": status}
    return render(request, "problem.html", context, status=status)


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What was asked for makes no sense now; nothing was changed."""
    status = 404 if isinstance(refusal, Unknown) else 409
    visit: Any = getattr(request, "visit", None)
    if visit is not None:
        from toutdoux.actions.commands import names_in

        refusal = names_in(refusal, visit.id)
    return problem(request, status, say("This was not done"), refusal.why, refusal.remedy)


def of_database(request: HttpRequest, error: Exception) -> HttpResponse | None:
    """What to say where the database is locked or gone; None where the fault is another, which is
    then logged as ours."""
    if not isinstance(error, (OperationalError, InterfaceError)):
        return None
    return problem(
        request,
        503,
        say("This was not done"),
        say("the database does not answer just now"),
        say("try again in a moment; what you typed is still in the page before this one"),
    )


def not_found(request: Any, exception: Exception | None = None) -> HttpResponse:
    _find_association(request)
    return problem(
        request,
        404,
        say("There is nothing here"),
        say("no page has this address, or it is not shown to everyone"),
        say("begin at another page")
        if _is_signed_in(request)
        else say("sign in, or begin at the home page"),
    )


def _find_association(request: Any) -> None:
    """Keep the menu of the association that the address names, if somebody is a member of it."""
    begin, _, rest = request.path.partition("/a/")
    if getattr(request, "visit", None) or begin or not _is_signed_in(request):
        return
    from .door import visit_of

    with suppress(Http404):
        if visit_of(request, rest.partition("/")[0]).member is None:
            request.visit = None


def _is_signed_in(request: Any) -> bool:
    user = getattr(request, "user", None)  # there is none where the request was refused early
    return user is not None and user.is_authenticated


def left(request: Any, association: str, day: date) -> HttpResponse:
    """For somebody who is no longer a member of an association, and has its page before them."""
    if request.method != "POST":
        title = say("You are no longer a member of {association}", association=association)
    elif request.resolver_match.url_name == "vote":
        title = say("Your vote was not taken")
    else:
        title = say("This was not done")
    return problem(
        request,
        403,
        title,
        say(
            "since {day}, you are no longer a member of {association}",
            day=day,
            association=association,
        ),
        say("a référent·e can note your return"),
    )


def denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(
        request,
        403,
        say("This is for the référent·es"),
        say("the association named some of its members to look after this"),
        say("ask one of them; the page of members says who they are"),
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return too_long(request)
    return problem(
        request,
        400,
        say("This was not done"),
        say("what was sent cannot be read, or is too long"),
        say("go back, and send it again in a shorter form"),
    )


def only_sent_to(request: HttpRequest, allowed: str) -> HttpResponse:
    """For the address of a form that was opened as if it were a page."""
    response = problem(
        request,
        405,
        say("There is nothing to see here"),
        say("this address takes what a form sends, and shows nothing"),
        say("begin at another page"),
    )
    response.headers["Allow"] = allowed
    return response


def too_long(request: HttpRequest) -> HttpResponse:
    return problem(
        request,
        413,
        say("This was not taken: it is too long"),
        say(
            "a text has {n} characters at most, and a file {mb} MB",
            n=LONGEST_TEXT,
            mb=LARGEST_FILE // 1_000_000,
        ),
        say("go back, and send it again in a shorter form"),
    )


def fault(request: Any) -> HttpResponse:
    # Without the menu, which may be what failed.
    request.visit = None
    return problem(
        request,
        500,
        say("This is a fault of ours"),
        say("something went wrong in the program, and nothing was changed"),
        say("try again; if it happens again, tell whoever runs this installation"),
    )


def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(
        request,
        429,
        say("That was a lot at once"),
        say("so many attempts in so short a time look like those of a machine"),
        say("wait a few minutes, and try again"),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem(
        request,
        403,
        say("This was not done"),
        say("the form does not come from a page of this site, or it is too old"),
        say("go back, load the page again, and send it once more"),
    )
