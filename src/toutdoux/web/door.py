"""Who comes to a page, and what they may see: each page says it in one word.

    @page                       members of the association
    @page(steward=True)         its référent·es
    @page(public="charter")     everyone, once the association shows its charter in public

Whoever may not gets the same answer as where there is nothing: no address can be guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, lru_cache, wraps
from hashlib import sha256
from itertools import islice
from typing import Any, ClassVar, overload
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse

from toutdoux.actions import commands, searching
from toutdoux.actions.commands import Request
from toutdoux.association.models import Association, Member, Membership
from toutdoux.association.people import memberships_at
from toutdoux.association.settings import Settings, settings_of
from toutdoux.association.stewards import stewards
from toutdoux.core.words import Sentence, say
from toutdoux.language import Language
from toutdoux.ledger.models import Ledger

from . import errors
from .asked import Asked
from .models import Account, Seat
from .speech import render, url

View = Callable[..., HttpResponse]
_CSRF = "csrfmiddlewaretoken"
_LONGEST_KEY = 100


@dataclass
class Visit:
    """Somebody at an association's page."""

    via: ClassVar = "web"
    """The channel that commands come through."""

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
        if self.member is None:
            return False
        return self.me in _stewards(self.id, self.association.ledger.head, self.today)

    @cached_property
    def today(self) -> Any:
        return self.now.astimezone(self.language.zone).date()

    @property
    def erased(self) -> str:
        """What stands for a text that was forgotten."""
        return self.language.word("(erased)")

    def asks(self, key: str | None = None) -> Request:
        """A command's request: this member, now, through the web.

        `key` is the form's; without one it is the one that was sent along, with what the form says:
        one that somebody comes back to, and fills in otherwise, is another. It is this member's
        own: nobody else's form, and no program's request, is ever taken for it.
        """
        told = key or _key_of(self.request.POST)
        return Request(
            association=self.id,
            now=self.now,
            via=self.via,
            by=self.me or None,
            key=f"web {self.me} {told[:_LONGEST_KEY]}" if told else None,
        )

    def settle(self) -> None:
        """Let what is due take place, so that what is read is how things stand now."""
        settle(self.id, self.now, self.via)

    def render(self, name: str, status: int = 200, **context: Any) -> HttpResponse:
        return render(self.request, name, context, status)

    def url(self, name: str, **arguments: object) -> str:
        return url(name, slug=self.slug, **arguments)

    def to(self, name: str, said: Sentence | None = None, **arguments: object) -> HttpResponse:
        """Go on to a page, after something was done; `said` is told there once."""
        if said is not None:
            self.request.left.text = self.language.say(said)
        return HttpResponseRedirect(self.url(name, **arguments))

    def said(self) -> str:
        """What the page before left to be told here."""
        return self.request.left.told()  # type: ignore[no-any-return]


def settle(association: str, now: datetime, via: str = "web") -> None:
    """Let what is due in an association take place; where nothing is, nobody waits for anybody."""
    if searching.due(association, now):
        commands.settle(Request(association=association, now=now, via=via))


@overload
def page(view: View) -> View: ...
@overload
def page(
    *, public: str | None = None, steward: bool = False, program: bool = False
) -> Callable[[View], View]: ...
def page(
    view: View | None = None,
    *,
    public: str | None = None,
    steward: bool = False,
    program: bool = False,
) -> Any:
    """Make a view of a function that is given the visit.

    Args:
        public: the setting (`public_…`) by which the association shows it to everyone.
        steward: whether it is for the référent·es.
        program: whether programs follow it, which a page to sign in means nothing to.
    """

    def decorated(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, slug: str, **arguments: Any) -> HttpResponse:
            visit = visit_of(request, slug)
            if visit.member is None:
                if public is None or not getattr(visit.settings, f"public_{public}"):
                    return _kept_out(visit, program=program)
            elif steward and not visit.is_steward:
                raise PermissionDenied
            return view(visit, **arguments)

        return wrapped

    return decorated if view is None else decorated(view)


def visit_of(request: Any, slug: str) -> Visit:
    """Who comes to a page of an association. Raises `Http404` if there is none of that name."""
    seat = None
    if request.user.is_authenticated:
        seat = _seat(request.user, slug, request.now)
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


@lru_cache(maxsize=1024)
def _stewards(association: str, head: str, day: date) -> set[str]:
    """The référent·es on a day. Who they are follows from the ledger: while its head is the same,
    so are they."""
    return stewards(association, day)


def _seat(account: Account, slug: str, now: datetime) -> Seat | None:
    """An account's seat in an association, with the rows that it leads to; one query."""
    return _seat_in(_SEAT_OF_ACCOUNT(account=account.pk, slug=slug, now=now))


def seat_of_member(member: str, slug: str, now: datetime) -> Seat | None:
    """The seat of a member of an association, with the rows that it leads to; one query."""
    return _seat_in(_SEAT_OF_MEMBER(member=member, slug=slug, now=now))


def _seat_in(rows: list[tuple[Any, ...]]) -> Seat | None:
    if not rows:
        return None
    values = iter(rows[0])

    def row(model: type[Model], names: list[str]) -> Any:
        return model.from_db("default", names, list(islice(values, len(names))))

    seat, member, association, ledger = (row(model, names) for model, _, names in _ROWS)
    seat.member, member.association, association.ledger = member, association, ledger
    return seat  # type: ignore[no-any-return]


def seats_of(account: Account, now: datetime) -> QuerySet[Seat]:
    """Where an account is a member now; whoever left has no seat any more until they return."""
    return seats_at(now).filter(account=account)


def seats_at(now: datetime) -> QuerySet[Seat]:
    """The seats of those who are members now, with their associations and ledgers."""
    present = memberships_at(now).filter(member=OuterRef("member"))
    rows = Seat.objects.select_related("member__association__ledger")
    return rows.filter(Exists(present), member__erased=False)


_ROWS: list[tuple[type[Model], str, list[str]]] = [
    (model, path, [field.attname for field in model._meta.concrete_fields])
    for model, path in (
        (Seat, ""),
        (Member, "member__"),
        (Association, "member__association__"),
        (Ledger, "member__association__ledger__"),
    )
]


def _whole(seats: QuerySet[Seat]) -> QuerySet[Seat, tuple[Any, ...]]:
    """The first of some seats, with every column of the rows that it leads to."""
    columns = (f"{path}{name}" for _, path, names in _ROWS for name in names)
    return seats.order_by("pk").values_list(*columns)[:1]


# Every request looks one up.
_SEAT_OF_ACCOUNT = Asked(
    lambda account, slug, now: _whole(
        seats_at(now).filter(account=account, member__association__slug=slug)
    ),
    account=int,
    slug=str,
    now=datetime,
)
_SEAT_OF_MEMBER = Asked(
    lambda member, slug, now: _whole(
        seats_at(now).filter(member=member, member__association__slug=slug)
    ),
    member=str,
    slug=str,
    now=datetime,
)


def _kept_out(visit: Visit, *, program: bool) -> HttpResponse:
    """What somebody meets who is no member, and may not see this."""
    request = visit.request
    # What this page would say of the association is not for them.
    request.visit = None
    if not request.user.is_authenticated:
        if program:
            raise Http404
        place = request.path
        if request.method not in ("GET", "HEAD"):
            # What was sent is not kept: who signs in comes back to where it was sent from.
            place = _came_from(request) or visit.url("today")
            request.left.text = visit.language.say(
                say("Nothing was noted: the session was over. Sign in, then do it again.")
            )
        return HttpResponseRedirect(f"{reverse('account_login')}?next={quote(place)}")
    left = _left(request.user, visit)
    if left is None:
        raise Http404
    return errors.left(request, visit.association.name, left.astimezone(visit.language.zone).date())


def _key_of(posted: QueryDict) -> str:
    """A form's key and, in short, what it says: so short that it confirms no guess at a text that
    was forgotten (`commands` knows commands by as much)."""
    key = posted.get("key", "")
    said = sorted((name, texts) for name, texts in posted.lists() if name != _CSRF)
    digest = sha256(repr(said).encode(errors="replace")).hexdigest()
    return f"{key[: _LONGEST_KEY - 5]} {digest[:4]}" if key else ""


def _came_from(request: HttpRequest) -> str:
    """The page of ours that a form was sent from, as far as the browser says it."""
    told = urlsplit(request.headers.get("Referer", ""))
    return told.path if told.netloc == request.get_host() and told.path != request.path else ""


def _left(account: Account, visit: Visit) -> datetime | None:
    """Since when somebody is no longer a member of an association; None if they never were."""
    periods = Membership.objects.filter(
        member__seat__account=account,
        member__association=visit.association.pk,
        member__erased=False,
        left__lte=visit.now,
    )
    return periods.order_by("-left").values_list("left", flat=True).first()
