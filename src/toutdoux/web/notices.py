"""What members are told of by mail: made from what the ledgers tell, once each.

Notices wait in a table until they are put in a letter: at once, or in the day's digest, as each
member chose. A link in a letter leads to an action, and never votes by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse

from toutdoux.actions import reading
from toutdoux.actions.models import Action, Version
from toutdoux.association.models import Association
from toutdoux.association.settings import settings_of
from toutdoux.core.chain import Body
from toutdoux.core.history import How, State
from toutdoux.core.voters import open_ballots, roll_of
from toutdoux.core.words import Sentence, say, say_n
from toutdoux.language import Language
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger

from . import mail, unsubscribing
from .cards import names_of
from .door import seats_at
from .kinds import Kind, Pace, pace
from .looks import apart
from .models import Comment, Followed, Notice, Seat
from .speech import text_of

REMINDED = timedelta(hours=24)
"""How long before a ballot closes those whose vote is missing are reminded."""

DIGEST_AT = time(8)
"""When the day's digest goes out, in the association's time zone."""

_AT_ONCE = 500
_ALL_THERE = timedelta(minutes=2)
"""How long after it was sent a comment is there at the latest."""
_MENTION = re.compile(r"(?<![\w@])@([a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?)", re.IGNORECASE)


# --- making them ---------------------------------------------------------------------------------


def gather(now: datetime) -> None:
    """Make the notices of what was recorded, said and soon closes since the last look."""
    unheard = Followed.objects.filter(association__comments__pk__gt=F("comment"))
    told = set(unheard.values_list("pk", flat=True))
    ledgers = Ledger.objects.select_related("association", "association__followed")
    for ledger in ledgers.filter(association__isnull=False):
        association = ledger.association
        followed = getattr(association, "followed", None)
        if followed is None:
            # From here on: nobody is told of what was before.
            last = Comment.objects.order_by("-id").values_list("id", flat=True).first()
            begun = {"seq": ledger.length, "comment": last or 0, "reminded": now}
            Followed.objects.get_or_create(association=association, defaults=begun)
            continue
        a_minute_ago = followed.reminded < now - timedelta(minutes=1)
        steps = (
            (ledger.length > followed.seq, _gather_entries),
            (followed.pk in told, _gather_mentions),
            (a_minute_ago, _gather_mentions_missed),
            (a_minute_ago, _gather_reminders),
        )
        for is_due, step in steps:
            if is_due:
                with apart(f"the notices of {association.slug}"):
                    step(followed, now)


def _told_at(now: datetime) -> QuerySet[Seat]:
    """The seats of those who are told: of members, and of nobody else."""
    return seats_at(now).filter(account__is_active=True)


@dataclass
class _Audience:
    """The seats of an association, and the notices that are made for them."""

    association: Association
    now: datetime
    made: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        seats = _told_at(self.now).filter(member__association=self.association)
        seats = seats.select_related(None).select_related("member")
        self.seats = {seat.member_id: seat for seat in seats}

    def tell(
        self,
        members: Iterable[str],
        kind: Kind,
        action: str,
        at: datetime,
        about: str,
        **facts: object,
    ) -> None:
        for member in members:
            seat = self.seats.get(member)
            when = seat and pace(seat.notices, kind)
            if seat is None or when is Pace.NEVER:
                continue
            self.made.append(
                Notice(
                    seat=seat,
                    kind=kind,
                    action=action,
                    at=at,
                    about=f"{self.association.pk} {about} {seat.pk}"[:120],
                    facts=facts,
                    daily=when is Pace.DAILY,
                )
            )

    def save(self) -> None:
        Notice.objects.bulk_create(self.made, ignore_conflicts=True, batch_size=500)


def _gather_entries(followed: Followed, now: datetime) -> None:
    audience = _Audience(followed.association, now)
    last = followed.seq + _AT_ONCE
    entries = [orjson.loads(body) for _, body, _ in book.rows(followed.pk, followed.seq + 1, last)]
    for entry in entries:
        _hear(audience, entry)
    audience.save()
    Followed.objects.filter(pk=followed.pk).update(seq=entries[-1]["seq"])


def _hear(audience: _Audience, entry: Body) -> None:
    """Make the notices of one entry."""
    data, by, seq = entry["data"], entry.get("by", ""), entry["seq"]
    ref = str(data.get("action", ""))
    at = datetime.fromisoformat(entry["recorded_at"])
    others = [member for member in audience.seats if member != by]
    match entry["kind"]:
        case "action.proposed":
            leader = data.get("leader", by)
            if leader != by:
                audience.tell([leader], Kind.ASSIGNED, ref, at, f"{seq}", by=by)
                others = [member for member in others if member != leader]
            audience.tell(others, Kind.NEW_ACTION, ref, at, f"{seq}", by=by)
        case "action.amended":
            audience.tell(others, Kind.NEW_ACTION, ref, at, f"{seq}", by=by, amended=True)
        case "vote.cast" if _is_objection(data):
            leader = Action.objects.filter(association=audience.association, ref=ref)
            told = [one for one in leader.values_list("leader", flat=True) if one != by]
            audience.tell(told, Kind.OBJECTION, ref, at, f"against {ref} {by}", by=by)
        case "counter_vote.called":
            audience.tell(others, Kind.COUNTER_VOTE, ref, at, f"{seq}", by=by)
        case "action.handed_over" if data["to"] != by:
            audience.tell([data["to"]], Kind.ASSIGNED, ref, at, f"{seq}", by=by)
        case "action.adopted" | "action.cancelled" | "action.withdrawn":
            audience.tell(others, Kind.DECISION, ref, at, f"{seq}")


def _is_objection(vote: Mapping[str, Any]) -> bool:
    """Whether somebody is against an action: in time, or it would be an opinion."""
    return (vote["choice"], vote["ballot"], "kept" in vote) == ("against", "action", False)


def _gather_mentions(followed: Followed, now: datetime) -> None:
    comments = Comment.objects.filter(association=followed.pk, pk__gt=followed.comment)
    some = list(comments.order_by("id")[:_AT_ONCE])
    _mention(followed.association, some, now)
    Followed.objects.filter(pk=followed.pk).update(comment=some[-1].pk)


def _gather_mentions_missed(followed: Followed, now: datetime) -> None:
    """Look once more at the comments of the last minutes: one that was numbered first may be there
    last. Who was told of it is not told again."""
    comments = Comment.objects.filter(association=followed.pk, pk__lte=followed.comment)
    some = list(comments.filter(at__gt=followed.reminded - _ALL_THERE, text__contains="@"))
    _mention(followed.association, some, now)


def _mention(association: Association, comments: list[Comment], now: datetime) -> None:
    if not any("@" in comment.text for comment in comments):
        return
    audience = _Audience(association, now)
    by_handle = {seat.member.handle: member for member, seat in audience.seats.items()}
    for comment in comments:
        handles = {one.casefold() for one in _MENTION.findall(comment.text)}
        told = {by_handle[one] for one in handles if one in by_handle} - {comment.member_id}
        about = f"comment {comment.pk}"
        audience.tell(told, Kind.MENTION, comment.action, comment.at, about, by=comment.member_id)
    audience.save()


def _gather_reminders(followed: Followed, now: datetime) -> None:
    """Remind those whose vote is missing of the ballots that close within a day from now on."""
    due = now + REMINDED
    since = followed.reminded + REMINDED
    refs = list(
        Action.objects.filter(
            Q(closes_at__gt=since, closes_at__lte=due)
            | Q(counter_closes_at__gt=since, counter_closes_at__lte=due),
            association=followed.pk,
        ).values_list("ref", flat=True)
    )
    if refs:
        _remind(followed.association, refs, now, since, due)
    Followed.objects.filter(pk=followed.pk).update(reminded=now)


def _remind(
    association: Association, refs: list[str], now: datetime, since: datetime, due: datetime
) -> None:
    audience = _Audience(association, now)
    standing = reading.standing(association.pk, now, "", only=refs)
    standing.members.values()  # all of them at once: the roll is made of them
    for action in standing.actions.values():
        for name, ballot, closes_at in open_ballots(action, now):
            if not since < closes_at <= due:
                continue
            missing = [one.id for one in roll_of(standing, action) if one.id not in ballot.votes]
            about = f"reminder {action.ref} {name} {closes_at.isoformat()}"
            audience.tell(
                missing, Kind.REMINDER, action.ref, now, about, closes_at=closes_at.isoformat()
            )
    audience.save()


# --- putting them in letters ---------------------------------------------------------------------


def write_letters(now: datetime) -> None:
    """Write the letters that are due: what is told at once, and the digests of those whose day has
    come to that hour. Whoever is no member any more is told nothing."""
    if not settings.MAIL_IS_SENT:
        return
    waiting = Notice.objects.filter(written__isnull=True)
    theirs = "seat__member__association"
    found = waiting.filter(daily=False).order_by().values_list(theirs, flat=True).distinct()
    ids = set(found)
    zones = Association.objects.order_by().values_list("time_zone", flat=True).distinct()
    for zone in zones:
        digests = waiting.filter(daily=True, at__lt=digest_before(now, ZoneInfo(zone)))
        there = digests.filter(**{f"{theirs}__time_zone": zone}).order_by()
        ids |= set(there.values_list(theirs, flat=True).distinct())
    for association in Association.objects.filter(pk__in=ids):
        due = digest_before(now, ZoneInfo(association.time_zone))
        is_due = Q(daily=False) | Q(daily=True, at__lt=due)
        with apart(f"the letters of {association.slug}"):
            _write_due(waiting.filter(is_due, **{theirs: association}), now)


def _write_due(waiting: QuerySet[Notice], now: datetime) -> None:
    """Write the letters of an association that are due."""
    ids = list(waiting.order_by().values_list("seat", flat=True).distinct()[:_AT_ONCE])
    seats = _told_at(now).select_related("account").in_bulk(ids)
    gone = set(ids) - set(seats)
    if gone:
        Notice.objects.filter(seat__in=gone, written__isnull=True).delete()
    told: dict[int, list[Notice]] = {}
    for notice in waiting.filter(seat__in=list(seats)).order_by("at", "id"):
        told.setdefault(notice.seat_id, []).append(notice)
    for id, notices in told.items():
        with apart(f"a letter of {seats[id].member.association.slug}"):
            _write(seats[id], notices, now)


def digest_before(now: datetime, zone: ZoneInfo) -> datetime:
    """The last instant at which digests went out, in an association's time zone."""
    local = now.astimezone(zone)
    today = datetime.combine(local.date(), DIGEST_AT, zone)
    if local >= today:
        return today
    return datetime.combine(local.date() - timedelta(days=1), DIGEST_AT, zone)


def _write(seat: Seat, notices: list[Notice], now: datetime) -> None:
    association = seat.member.association
    code = seat.account.language or association.language
    formal = not settings_of(association).use_tu
    language = Language(code, ZoneInfo(association.time_zone), formal=formal)
    lines = list(_lines(association, notices, language))
    subject = (
        lines[0].text
        if len(lines) == 1
        else language.say(
            say_n(
                "{n} piece of news from {association}",
                "{n} pieces of news from {association}",
                len(lines),
                association=association.name,
            )
        )
    )
    kinds = {Kind(notice.kind) for notice in notices}
    path = reverse("unsubscribe", kwargs={"token": unsubscribing.token(seat, kinds)})
    address = f"{settings.PUBLIC_URL}{path}"
    context = {
        "association": association,
        "lines": lines,
        "me": settings.PUBLIC_URL + reverse("me", kwargs={"slug": association.slug}),
        "unsubscribe": address,
    }
    text = text_of("letter.txt", context, language, now)
    html = text_of("letter.html", context, language, now)
    one_click = {
        "List-Unsubscribe": f"<{address}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    with transaction.atomic():
        to, title = seat.account.email, f"[{association.name}] {subject}"
        letter = mail.post(to, title, text, now, html=html, headers=one_click)
        waiting = Notice.objects.filter(
            pk__in=[notice.pk for notice in notices], written__isnull=True
        )
        if waiting.update(written=now, letter=letter) < len(notices):
            # Another process wrote it, or a part of it, meanwhile: the rest is for the next look.
            transaction.set_rollback(True)


@dataclass(frozen=True)
class Line:
    """One piece of news in a letter."""

    text: str
    object: str
    address: str


def _lines(association: Association, notices: list[Notice], language: Language) -> Iterator[Line]:
    refs = {notice.action for notice in notices}
    objects = _objects(association, refs, language.word("(erased)"))
    people = {notice.facts.get("by", "") for notice in notices}
    names = names_of(people, language.word("(erased)"))
    for notice in notices:
        path = reverse("action", kwargs={"slug": association.slug, "ref": notice.action})
        who = names.get(notice.facts.get("by", ""), "")
        sentence = _sentence(notice, who, association)
        yield Line(
            language.typographic(language.say(sentence)),
            objects.get(notice.action, ""),
            f"{settings.PUBLIC_URL}{path}",
        )


def _sentence(notice: Notice, who: str, association: Association) -> Sentence:
    ref, facts = notice.action, notice.facts
    match Kind(notice.kind):
        case Kind.NEW_ACTION if facts.get("amended"):
            return say("{ref} was amended by {name}: its vote starts again", ref=ref, name=who)
        case Kind.NEW_ACTION:
            return say("{ref} was proposed by {name}", ref=ref, name=who)
        case Kind.REMINDER:
            at = datetime.fromisoformat(facts["closes_at"])
            return say("{ref} awaits your vote until {at}", ref=ref, at=at)
        case Kind.OBJECTION:
            return say("{name} is against {ref}: talking may help", ref=ref, name=who)
        case Kind.COUNTER_VOTE:
            return say("{name} called a counter-vote on {ref}", ref=ref, name=who)
        case Kind.ASSIGNED:
            return say("you lead {ref}, says {name}", ref=ref, name=who)
        case Kind.MENTION:
            return say("{name} mentions you about {ref}", ref=ref, name=who)
        case Kind.DECISION:
            return say("{ref}: {outcome}", ref=ref, outcome=_outcome(association, ref))


def _outcome(association: Association, ref: str) -> Sentence:
    row = Action.objects.filter(association=association, ref=ref).first()
    assert row is not None
    how = (row.decision or {}).get("how")
    state = State(row.state)
    if how is None:
        return say("{state}", state=state)
    return say("{state}, {how}", state=state, how=How(how))


def _objects(association: Association, refs: set[str], erased: str) -> dict[str, str]:
    rows = Version.objects.filter(action__association=association, action__ref__in=refs)
    told = dict(rows.order_by("number").values_list("action__ref", "object"))
    texts = reading.texts_of(told.values())
    return {ref: texts.get(one, erased) for ref, one in told.items()}
