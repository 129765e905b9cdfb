"""Who comes to a page, and what they may see: each page says it in one word.

    @page                       members of the association
    @page(steward=True)         its référent·es
    @page(public="charter")     everyone, once the association shows its charter in public

Whoever may not gets the same answer as where there is nothing: no address can be guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, wraps
from typing import Any, overload
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from toutdoux.actions.commands import Request
from toutdoux.association.models import Association, Member, Membership
from toutdoux.association.settings import Settings, settings_of
from toutdoux.association.stewards import stewards
from toutdoux.core.words import Sentence
from toutdoux.language import Language

from .models import Account, Seat
from .speech import render

View = Callable[..., HttpResponse]


@dataclass
class Visit:
    """Somebody at an association's page."""

    request: Any
    association: Association
    member: Member | None
    """The member they are; None for a visitor who sees what is public."""
    seat: Seat | None
    now: datetime
    language: Language
    """Theirs, in the association's time zone."""
    me: str = field(init=False)
    """The member's id; empty for a visitor."""

    def __post_init__(self) -> None:
        self.me = self.member.id if self.member else ""

    @property
    def id(self) -> str:
        return str(self.association.pk)

    @property
    def slug(self) -> str:
        return self.association.slug

    @cached_property
    def settings(self) -> Settings:
        return settings_of(self.association)

    @cached_property
    def is_steward(self) -> bool:
        return self.member is not None and self.me in stewards(self.id, self.today)

    @cached_property
    def today(self) -> Any:
        return self.now.astimezone(self.language.zone).date()

    @property
    def erased(self) -> str:
        """What stands for a text that was forgotten."""
        return self.language.word("(erased)")

    def asks(self, key: str | None = None) -> Request:
        """A command's request: this member, now, through the web.

        `key` is the form's; without one it is the one that was sent along.
        """
        return Request(
            association=self.id,
            now=self.now,
            via="web",
            by=self.me or None,
            key=key or self.request.POST.get("key") or None,
        )

    def render(self, name: str, status: int = 200, **context: Any) -> HttpResponse:
        return render(self.request, name, context, status)

    def url(self, name: str, **arguments: object) -> str:
        return reverse(name, kwargs={"slug": self.slug, **arguments})

    def to(self, name: str, said: Sentence | None = None, **arguments: object) -> HttpResponse:
        """Go on to a page, after something was done; `said` is told there once."""
        if said is not None:
            self.request.left.text = self.language.say(said)
        return HttpResponseRedirect(self.url(name, **arguments))

    def said(self) -> str:
        """What the page before left to be told here."""
        return self.request.left.told()  # type: ignore[no-any-return]


@overload
def page(view: View) -> View: ...
@overload
def page(*, public: str | None = None, steward: bool = False) -> Callable[[View], View]: ...
def page(view: View | None = None, *, public: str | None = None, steward: bool = False) -> Any:
    """Make a view of a function that is given the visit.

    Args:
        public: the setting (`public_…`) by which the association shows it to everyone.
        steward: whether it is for the référent·es.
    """

    def decorated(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, slug: str, **arguments: Any) -> HttpResponse:
            visit = _visit(request, slug)
            if visit.member is None:
                if public is None or not getattr(visit.settings, f"public_{public}"):
                    return _sign_in(request)
            elif steward and not visit.is_steward:
                raise PermissionDenied
            return view(visit, **arguments)

        return wrapped

    return decorated if view is None else decorated(view)


def _visit(request: Any, slug: str) -> Visit:
    seat = None
    if request.user.is_authenticated:
        seats = seats_of(request.user, request.now)
        seat = seats.filter(member__association__slug=slug).first()
    association = seat.member.association if seat else Association.objects.filter(slug=slug).first()
    if association is None:
        if request.user.is_authenticated:
            raise Http404
        # As where there is one that shows nothing.
        association = Association(slug=slug, time_zone="UTC", language="fr")
    member = seat.member if seat else None
    language = Language(
        request.language.code,
        ZoneInfo(association.time_zone),
        formal=member is None or not settings_of(association).use_tu,
    )
    request.language = language
    request.visit = Visit(request, association, member, seat, request.now, language)
    return request.visit  # type: ignore[no-any-return]


def seats_of(account: Account, now: datetime) -> QuerySet[Seat]:
    """Where an account is a member now; whoever left has no seat any more until they return."""
    return seats_at(now).filter(account=account)


def seats_at(now: datetime) -> QuerySet[Seat]:
    """The seats of those who are members now, with their associations and ledgers."""
    present = Membership.objects.filter(
        Q(left__isnull=True) | Q(left__gt=now), member=OuterRef("member"), joined__lte=now
    )
    rows = Seat.objects.select_related("member__association__ledger")
    return rows.filter(Exists(present), member__erased=False)


def _sign_in(request: Any) -> HttpResponse:
    if request.user.is_authenticated:
        raise Http404
    return HttpResponseRedirect(f"{reverse('account_login')}?next={quote(request.path)}")
