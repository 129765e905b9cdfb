"""What people see when something cannot be done: a sentence, what to do, the right status."""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from toutdoux.core.words import Refusal, Sentence, Unknown, say

from .speech import render


def problem(
    request: HttpRequest, status: int, title: Sentence, why: Sentence, remedy: Sentence
) -> HttpResponse:
    return render(
        request, "problem.html", {"title": title, "why": why, "remedy": remedy}, status=status
    )


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """What was asked for makes no sense now; nothing was changed."""
    status = 404 if isinstance(refusal, Unknown) else 409
    visit: Any = getattr(request, "visit", None)
    if visit is not None:
        from toutdoux.actions.commands import names_in

        refusal = names_in(refusal, visit.id)
    return problem(request, status, say("This was not done"), refusal.why, refusal.remedy)


def of_database(request: HttpRequest, error: Exception) -> HttpResponse | None:
    if not isinstance(error, DatabaseError):
        return None
    return problem(
        request,
        503,
        say("This was not done"),
        say("the database does not answer just now"),
        say("try again in a moment; what you typed is still in the page before this one"),
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(
        request,
        404,
        say("There is nothing here"),
        say("no page has this address, or it is not shown to everyone"),
        say("sign in, or begin at the home page"),
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
    return problem(
        request,
        400,
        say("This was not done"),
        say("what was sent cannot be read, or is too long"),
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
