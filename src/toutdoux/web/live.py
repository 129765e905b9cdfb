"""What others do on an action's page, within seconds, for many who have it open at once.

The page holds a part that is the same for all who read it in one language: the tallies, who voted
what, why it is in its state, what was said. It is made once for each version of it, and kept in
the process. Browsers ask again and again whether theirs is still the last; a key in the address
says who asks, so that an answer takes a few small queries, and most answers none: who they are is
looked up again every ten seconds.
"""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Count as Number
from django.db.models import Exists, Max, OuterRef, Subquery, Window
from django.http import HttpRequest
from django.template.loader import get_template
from markupsafe import Markup, escape

from toutdoux.actions import commands, reading
from toutdoux.actions.models import Action
from toutdoux.association.models import Association
from toutdoux.association.people import Members
from toutdoux.core.explanation import explain
from toutdoux.core.history import Choice, State
from toutdoux.core.replay import Standing
from toutdoux.core.telling import entry_in_words
from toutdoux.core.voters import open_ballots, roll_of
from toutdoux.core.words import Sentence, say
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger

from .cards import Poll, card, wording_of
from .door import Visit, seat_of_member
from .markdown import to_html
from .models import Account, Comment, Seat
from .speech import url

SHOWN = 60
"""How many names, or lines of the history, are shown unless everyone is asked for."""

DISCUSSED = 60
"""How many comments are shown, the last ones; those before are on pages of their own."""

_AT_MOST = timedelta(seconds=0.3)
"""While votes pour in, the part is made anew no more often: so it is seen within 3 seconds."""

_KEPT, _MEMBERS_KEPT = 64, 40_000
"""How much is kept in the process: so many parts, which know so many members between them."""


# --- versions ------------------------------------------------------------------------------------


def _version(
    ledger: Ledger,
    said: tuple[int | None, datetime | None],
    closings: Sequence[datetime | None],
    now: datetime,
) -> str:
    """What tells one state of the part from another.

    Args:
        ledger: how long it is, and what is due next.
        said: the last comment's id, and when one was last changed.
        closings: the ends of the action's ballots.
        now: the present instant: times are told to the minute.
    """
    last, changed = said
    passed = [one is not None and one <= now for one in (ledger.due_at, *closings)]
    return "-".join(
        (
            str(ledger.length),
            str(last or 0),
            f"{changed.timestamp():.6f}" if changed else "0",
            str(int(now.timestamp() // 60)),
            "".join("01"[one] for one in passed),
        )
    )


def version_now(ledger: Ledger, ref: str, now: datetime) -> str | None:
    """The version there is now, in one query; None if there is no such action."""
    said = Comment.objects.filter(association=OuterRef("association"), action=OuterRef("ref"))
    comments = said.order_by().values("action")
    row = (
        Action.objects.filter(association=ledger.id, ref=ref)
        .values_list(
            "closes_at",
            "counter_closes_at",
            Subquery(comments.annotate(last=Max("id")).values("last")),
            Subquery(comments.annotate(last=Max("changed")).values("last")),
        )
        .first()
    )
    if row is None:
        return None
    return _version(ledger, (row[2], row[3]), row[:2], now)


# What was looked up just now serves all who ask at the same time: with 500 at one page, nearly
# every answer takes no query.

_SEAT_FOR, _VERSION_FOR = timedelta(seconds=10), timedelta(seconds=0.2)
_MOST = 20_000
_lately: dict[tuple[str, ...], tuple[datetime, Any]] = {}


def _looked_up(
    key: tuple[str, ...], now: datetime, keep: timedelta, look: Callable[[], Any]
) -> Any:
    until, value = _lately.get(key, (now, None))
    if until <= now or until > now + keep:
        value = look()
        if len(_lately) >= _MOST:
            _lately.clear()
        _lately[key] = now + keep, value
    return value


def seat_lately(slug: str, member: str, session: str, now: datetime) -> tuple[Seat, str] | None:
    """A member's seat and its account's hold on it, as they were at most ten seconds ago; None if
    they are no member any more, or signed out.

    Args:
        slug: the association's short name.
        member: the member's id.
        session: the key of the session that the browser has.
        now: the present instant.
    """

    def look() -> tuple[Seat, str] | None:
        seat = seat_of_member(member, slug, now)
        if seat is None:
            return None
        signed_in = Session.objects.filter(session_key=session, expire_date__gt=now)
        accounts = Account.objects.filter(Exists(signed_in), pk=seat.account_id, is_active=True)
        account = accounts.first()
        return None if account is None else (seat, _hold(seat, account, session))

    key = ("seat", slug, member, session)
    return _looked_up(key, now, _SEAT_FOR, look)  # type: ignore[no-any-return]


def version_lately(association: str, ref: str, now: datetime) -> tuple[Ledger, str | None]:
    """A ledger, and the version of an action's part, as they were at most 0.2 seconds ago."""

    def look() -> tuple[Ledger, str | None]:
        ledger = Ledger.objects.get(pk=association)
        return ledger, version_now(ledger, ref, now)

    ledger, version = _looked_up(("version", association, ref), now, _VERSION_FOR, look)
    return copy(ledger), version


# --- the part ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """The part that is the same for all, as it was made."""

    version: str
    html: str
    ballots: str
    """Which ballots are open, and on what: where that changes, so do the buttons and the object."""
    whole: reading.Whole
    past: Sequence[Past]
    earlier: int
    """How many lines of the history are left out."""
    made: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the history."""

    at: datetime
    recorded: datetime | None
    """When it was told, if that was later."""
    name: str
    handle: str
    what: Sentence
    via: str


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    handle: str


@dataclass(frozen=True, slots=True)
class Count:
    """A ballot with those who voted on it, and those who have not yet."""

    poll: Poll
    folded: bool
    """Whether another ballot decides instead."""
    groups: Sequence[tuple[Choice, int, Sequence[Person]]]
    missing: Sequence[Person]
    lacking: int
    """How many have not voted yet."""
    opinions: Sequence[tuple[Person, Choice, datetime, datetime | None]]


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of an action, as far as it is shown."""

    rows: Sequence[Comment]
    earlier: int
    """How many are left out."""
    last: int | None
    changed: datetime | None
    """The last one's id, and when one was last changed, whether it is shown or not."""


@dataclass(frozen=True, slots=True)
class Said:
    """A comment."""

    id: int
    by: str
    person: Person
    at: datetime
    changed: datetime | None
    html: Markup
    """Empty once it was taken back."""


class _Shelf:
    """The last parts that were made, the least used one let go first."""

    def __init__(self) -> None:
        self._parts: OrderedDict[tuple[object, ...], Part] = OrderedDict()
        self._lock = Lock()
        self._making = [Lock() for _ in range(16)]

    def get(self, key: tuple[object, ...]) -> Part | None:
        with self._lock:
            part = self._parts.get(key)
            if part is not None:
                self._parts.move_to_end(key)
            return part

    def put(self, key: tuple[object, ...], part: Part) -> None:
        with self._lock:
            self._parts[key] = part
            self._parts.move_to_end(key)
            while len(self._parts) > 1 and self._is_full():
                self._parts.popitem(last=False)

    def _is_full(self) -> bool:
        members = sum(len(one.whole.handles) for one in self._parts.values())
        return len(self._parts) > _KEPT or members > _MEMBERS_KEPT

    def making(self, key: tuple[object, ...]) -> Lock:
        """Held by whoever makes a part, so that it is made once."""
        return self._making[hash(key) % len(self._making)]


_shelf = _Shelf()


def settled(visit: Visit) -> Ledger:
    """The association's ledger, once what was due is written down."""
    ledger = visit.association.ledger
    if ledger.due_at is not None and ledger.due_at <= visit.now:
        commands.settle(visit.asks())
        ledger.refresh_from_db()
    return ledger


def part_for(visit: Visit, ref: str, *, everyone: bool) -> Part | None:
    """The part as it is at this very instant, for the page; None if there is no such action."""
    ledger = settled(visit)
    told = _comments(visit.id, ref)
    key = (visit.id, ref, visit.language.code, visit.language.formal, everyone)
    part = _shelf.get(key)
    if part is not None and part.version == _version_of(ledger, told, part.whole, visit.now):
        return part
    return _make(visit.request, key, visit.slug, ledger, told)


def part_now(
    request: Any, slug: str, ledger: Ledger, ref: str, version: str, *, everyone: bool
) -> Part | None:
    """The part for those who ask again: of that version, or of one that was made just before."""
    key = (ledger.id, ref, request.language.code, request.language.formal, everyone)
    part = _shelf.get(key)
    if part is not None and (part.version == version or request.now - part.made < _AT_MOST):
        return part
    with _shelf.making(key):
        part = _shelf.get(key)
        if part is not None and part.version == version:
            return part
        ledger.refresh_from_db()  # it may have taken a while
        return _make(request, key, slug, ledger, _comments(ledger.id, ref))


def _make(request: Any, key: tuple[Any, ...], slug: str, ledger: Ledger, told: Told) -> Part | None:
    ref, everyone = key[1], key[-1]
    erased = request.language.word("(erased)")
    whole = reading.whole(ledger, ref, request.now, erased, _everybody(ledger, erased))
    if whole is None:
        return None
    _keep_everybody(ledger, erased, whole)
    past = list(_past(whole))
    shown = past if everyone else past[-SHOWN:]
    part = Part(
        version=_version_of(ledger, told, whole, request.now),
        html=_html(request, slug, whole, told, everyone=everyone),
        ballots="-".join(
            [
                whole.action.state,
                wording_of(whole.action.object),
                *(name for name, _, _ in open_ballots(whole.action, request.now)),
            ]
        ),
        whole=whole,
        past=shown,
        earlier=len(past) - len(shown),
        made=request.now,
    )
    _shelf.put(key, part)
    return part


# Most of the work is to read everybody, who stay the same while others vote.

_people: dict[tuple[str, str], tuple[int, str, Members]] = {}
"""Everybody in an association, by how its language says what was forgotten: with the length and the
head that its ledger had."""

_VOTES = ("vote.cast", "vote.withdrawn")
_FEW = 500


def _everybody(ledger: Ledger, erased: str) -> Members | None:
    """Everybody, as they were read before, if nothing but a few votes was recorded since."""
    length, head, members = _people.get((ledger.id, erased), (0, "", None))
    if members is None or ledger.head == head:
        return members
    if not length < ledger.length <= length + _FEW:
        return None
    (_, _, before), *since = book.rows(ledger.id, length, ledger.length)
    votes = all(orjson.loads(body)["kind"] in _VOTES for _, body, _ in since)
    return members if before == head and votes else None


def _keep_everybody(ledger: Ledger, erased: str, whole: reading.Whole) -> None:
    assert isinstance(whole.standing.members, Members)
    if sum(len(one[2]) for one in list(_people.values())) > _MEMBERS_KEPT:
        _people.clear()
    _people[ledger.id, erased] = ledger.length, ledger.head, whole.standing.members


def _version_of(ledger: Ledger, told: Told, whole: reading.Whole, now: datetime) -> str:
    counter = whole.action.counter_vote
    closings = (whole.action.closes_at, counter.closes_at if counter else None)
    return _version(ledger, (told.last, told.changed), closings, now)


def _comments(association: str, ref: str) -> Told:
    """In one query: the figures are of all comments, the rows of the last ones."""
    every = Comment.objects.filter(association=association, action=ref).annotate(
        count=Window(Number("id")), last=Window(Max("id")), lately=Window(Max("changed"))
    )
    rows: list[Any] = [*every.order_by("-at", "-id")[:DISCUSSED]][::-1]
    if not rows:
        return Told((), 0, None, None)
    return Told(rows, rows[0].count - len(rows), rows[0].last, rows[0].lately)


def _html(
    request: HttpRequest,
    slug: str,
    whole: reading.Whole,
    told: Told,
    *,
    everyone: bool,
) -> str:
    standing, action = whole.standing, whole.action
    context = {
        "slug": slug,
        "card": card(standing, action, "", {}),
        "caller": action.counter_vote and person(whole, action.counter_vote.called_by),
        "counts": list(counts(whole, everyone=everyone)),
        "explanation": explain(standing, action),
        "comments": [said(one, person(whole, one.member_id)) for one in told.rows],
        "earlier": told.earlier,
        "everyone": everyone,
        "tell": str,
    }
    html: str = get_template("action_live.html").render(context, request)
    return html


def person(whole: reading.Whole, id: str) -> Person:
    return Person(whole.standing.members[id].name, whole.handles[id])


def counts(whole: reading.Whole, *, everyone: bool) -> Iterator[Count]:
    """Who voted what on an action, and who has not voted yet, in order of their names."""
    standing, action = whole.standing, whole.action
    most = None if everyone else SHOWN
    for poll in card(standing, action, "", {}).polls:
        votes = poll.ballot.votes
        groups = []
        for choice in Choice:
            people = _in_order(standing, [id for id, one in votes.items() if one is choice])
            groups.append((choice, len(people), [person(whole, id) for id in people[:most]]))
        missing = (
            [
                one.id
                for one in roll_of(standing, action)
                if one.id not in votes and one.membership(standing.at)
            ]
            if poll.open
            else []
        )
        yield Count(
            poll,
            action.state is State.COUNTER_VOTE and not poll.decides,
            groups,
            [person(whole, id) for id in missing[:most]],
            len(missing),
            [
                (person(whole, id), one.choice, one.at, one.recorded_at)
                for id, one in list(poll.ballot.opinions.items())[:most]
            ],
        )


def _in_order(standing: Standing, ids: Sequence[str]) -> list[str]:
    return sorted(ids, key=lambda id: standing.members[id].name.casefold())


def said(one: Comment, by: Person) -> Said:
    """A comment, as it is shown."""
    html = to_html(one.text) if one.text else Markup("")
    return Said(one.pk, one.member_id, by, one.at, one.changed, html)


def _past(whole: reading.Whole) -> Iterator[Past]:
    """What the ledger says of it, in words."""

    def name(id: str) -> str:
        member = whole.standing.members.get(id)
        return member.name if member else id

    for entry in whole.entries:
        at, recorded = (datetime.fromisoformat(entry[one]) for one in ("at", "recorded_at"))
        by = entry.get("by", "")
        via = say("{names}", names=entry["via"])
        if "operator" in entry:
            via = say("{names}", names=f"{entry['via']}, {entry['operator']}")
        yield Past(
            at,
            recorded if recorded - at > timedelta(minutes=1) else None,
            name(by) if by else "",
            whole.handles.get(by, ""),
            entry_in_words(entry, name),
            str(via.values["names"]),
        )


# --- who asks ------------------------------------------------------------------------------------

_OWN = re.compile(r"<!--own (\d+) (\w+)-->")
"""Where a comment's author finds how to change it."""


def own(html: str, slug: str, ref: str, me: str, label: str) -> Markup:
    """The part as a member sees it: they can change the comments that are their own."""

    def link(found: re.Match[str]) -> str:
        if found[2] != me:
            return ""
        address = url("comment_change", slug=slug, ref=ref, id=found[1])
        return Markup('<a href="{}">{}</a>').format(address, label)

    return Markup(_OWN.sub(link, html))


_ASKING = ("me", "lang", "formal", "hold", "from")
"""What a key stands for: who asks, in which language, what they had to show for it, and since when
they have the page (in seconds since 1970)."""

ASKS_FOR = timedelta(hours=24)
"""How long a page asks at most, before it is to be loaded anew."""


def asking(visit: Visit) -> dict[str, str]:
    """Who asks from the page that is shown to a member now."""
    request = visit.request
    assert visit.seat is not None
    return {
        "me": visit.me,
        "lang": visit.language.code,
        "formal": "1" if visit.language.formal else "",
        "hold": _hold(visit.seat, request.user, request.session.session_key or ""),
        "from": str(int(visit.now.timestamp())),
    }


def asking_again(slug: str, ref: str, asked: Mapping[str, str]) -> dict[str, str] | None:
    """Who asks again from that page; None unless it was such a page that gave them the address."""
    told = {name: asked.get(name, "") for name in _ASKING}
    key = _key_for(slug, ref, told)
    return told if hmac.compare_digest(key.encode(), asked.get("key", "").encode()) else None


def may_ask(
    asking: Mapping[str, str], slug: str, session: str, now: datetime
) -> Association | None:
    """The association, if whoever asks is still the member they were, with the same account, still
    signed in there, and has not had the page for too long."""
    seat, hold = seat_lately(slug, asking["me"], session, now) or (None, "")
    if seat is None or not hmac.compare_digest(hold, asking["hold"]):
        return None
    if now.timestamp() - int(asking["from"]) > ASKS_FOR.total_seconds():
        return None
    return seat.member.association


def address(slug: str, ref: str, asking: Mapping[str, str], part: Part, *, everyone: bool) -> str:
    """Where a member's page asks again. To ask makes it no younger."""
    asked = {
        "since": part.version,
        "ballots": part.ballots,
        **asking,
        "everyone": "1" if everyone else "",
        "key": _key_for(slug, ref, asking),
    }
    return f"{url('live', slug=slug, ref=ref)}?{urlencode(asked)}"


def _key_for(slug: str, ref: str, asking: Mapping[str, str]) -> str:
    """What only a page that was shown to them can say."""
    return _sealed("live", slug, ref, *(asking[name] for name in _ASKING))


def _hold(seat: Seat, account: Account, session: str) -> str:
    """An account's hold on a seat: another one once the seat is another's, the password is changed,
    or somebody signs in anew."""
    return _sealed("hold", str(seat.pk), account.get_session_auth_hash(), session)


def _sealed(*told: str) -> str:
    text = "\n".join(told).encode(errors="replace")
    return hmac.new(settings.SECRET_KEY.encode(), text, sha256).hexdigest()[:32]


def wrapped(address: str, html: Markup) -> Markup:
    """The part in the element that asks again by itself, where there is JavaScript."""
    return Markup(
        f'<div id="live" hx-get="{escape(address)}" hx-trigger="every 2s" hx-swap="outerHTML">'
        f"{html}</div>"
    )
