"""What members are told of by mail: made from what the ledgers tell, once each.

Notices wait in a table until they are put in a letter: at once, or in the day's digest, as each
member chose. A link in a letter leads to an action, and never votes by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
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

from . import mail
from .cards import names_of
from .kinds import Kind, Pace, pace
from .models import Comment, Followed, Notice, Seat
from .speech import text_of

REMINDED = timedelta(hours=24)
"""How long before a ballot closes those whose vote is missing are reminded."""

DIGEST_AT = time(8)
"""When the day's digest goes out, in the association's time zone."""

_AT_ONCE = 500
_MENTION = re.compile(r"(?<![\w@])@([a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?)", re.IGNORECASE)


# --- making them ---------------------------------------------------------------------------------


def gather(now: datetime) -> None:
    """Make the notices of what was recorded, said and soon closes since the last look."""
    ledgers = Ledger.objects.select_related("association", "association__followed")
    for ledger in ledgers.filter(association__isnull=False):
        followed = getattr(ledger.association, "followed", None)
        if followed is None:
            # From here on: nobody is told of what was before.
            last = Comment.objects.order_by("-id").values_list("id", flat=True).first()
            Followed.objects.create(
                association_id=ledger.id, seq=ledger.length, comment=last or 0, reminded=now
            )
        elif ledger.length > followed.seq:
            _gather_from(_Audience(ledger.association, now), followed)
    _gather_mentions(now)
    _gather_reminders(now)


@dataclass
class _Audience:
    """The seats of an association, and the notices that are made for them."""

    association: Association
    now: datetime
    made: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        seats = Seat.objects.filter(member__association=self.association, member__erased=False)
        current = seats.filter(
            Q(member__memberships__left__isnull=True) | Q(member__memberships__left__gt=self.now),
            account__is_active=True,
        ).select_related("member")
        self.seats = {seat.member_id: seat for seat in current.distinct()}

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


def _gather_from(audience: _Audience, followed: Followed) -> None:
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
        case "vote.cast" if data["choice"] == "against" and data["ballot"] == "action":
            leader = Action.objects.filter(association=audience.association, ref=ref)
            told = [one for one in leader.values_list("leader", flat=True) if one != by]
            audience.tell(told, Kind.OBJECTION, ref, at, f"against {ref} {by}", by=by)
        case "counter_vote.called":
            audience.tell(others, Kind.COUNTER_VOTE, ref, at, f"{seq}", by=by)
        case "action.handed_over" if data["to"] != by:
            audience.tell([data["to"]], Kind.ASSIGNED, ref, at, f"{seq}", by=by)
        case "action.adopted" | "action.cancelled" | "action.withdrawn":
            audience.tell(others, Kind.DECISION, ref, at, f"{seq}")


def _gather_mentions(now: datetime) -> None:
    rows = Comment.objects.filter(pk__gt=F("association__followed__comment"))
    for comment in rows.select_related("association").order_by("id")[:_AT_ONCE]:
        audience = _Audience(comment.association, now)
        handles = {one.casefold() for one in _MENTION.findall(comment.text)}
        told = [
            member
            for member, seat in audience.seats.items()
            if seat.member.handle in handles and member != comment.member_id
        ]
        about = f"comment {comment.pk}"
        audience.tell(told, Kind.MENTION, comment.action, comment.at, about, by=comment.member_id)
        audience.save()
        Followed.objects.filter(pk=comment.association_id).update(comment=comment.pk)


def _gather_reminders(now: datetime) -> None:
    """Remind those whose vote is missing of the ballots that close within a day from now on."""
    due = now + REMINDED
    for followed in Followed.objects.filter(reminded__lt=now - timedelta(minutes=1)):
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
    come to that hour."""
    if not settings.MAIL_IS_SENT:
        return
    waiting = Notice.objects.filter(written__isnull=True).order_by("at", "id")
    seats: dict[int, list[Notice]] = {}
    for notice in waiting.filter(daily=False)[: 4 * _AT_ONCE]:
        seats.setdefault(notice.seat_id, []).append(notice)
    for id in waiting.filter(daily=True).values_list("seat_id", flat=True).distinct().order_by():
        zone = ZoneInfo(Seat.objects.get(pk=id).member.association.time_zone)
        due = digest_before(now, zone)
        seats.setdefault(id, []).extend(waiting.filter(seat_id=id, daily=True, at__lt=due))
    known = Seat.objects.select_related("account", "member__association").in_bulk(seats)
    for id, notices in seats.items():
        if notices:
            _write(known[id], notices, now)


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
    kinds = {notice.kind for notice in notices}
    kind = kinds.pop() if len(kinds) == 1 else "all"
    path = reverse("unsubscribe", kwargs={"secret": seat.secret, "kind": kind})
    address = f"{settings.PUBLIC_URL}{path}"
    context = {
        "association": association,
        "lines": lines,
        "me": settings.PUBLIC_URL + reverse("me", kwargs={"slug": association.slug}),
        "unsubscribe": address,
    }
    with transaction.atomic():
        letter = mail.post(
            seat.account.email,
            f"[{association.name}] {subject}",
            text_of("letter.txt", context, language, now),
            now,
            html=text_of("letter.html", context, language, now),
            headers={
                "List-Unsubscribe": f"<{address}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )
        written = Notice.objects.filter(pk__in=[notice.pk for notice in notices])
        written.update(written=now, letter=letter)


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
