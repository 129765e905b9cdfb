"""The one door: everything one can do, whatever channel it comes through.

A command says who asks (`Request`) and what for. It becomes one entry in the ledger, or several
that belong together; what it changes is written in the same transaction, and the core says whether
it makes sense. Whatever is refused changes nothing.

Every command takes the request first, and raises `Refusal` if it makes no sense. Members are named
by their id, actions by their reference (`AE27`); instants are in UTC.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime
from functools import partial
from hashlib import sha256
from itertools import count
from typing import TypeVar

import orjson
from django.db import transaction
from django.db.models import Max

from toutdoux.association.models import Association, Member, Membership, Period, Role
from toutdoux.core import history as h
from toutdoux.core import roll
from toutdoux.core.chain import FORMAT, canonical
from toutdoux.core.charter import Charter, Kind
from toutdoux.core.entries import Draft, ImportedAction, charter_data, draft, draft_of_imported
from toutdoux.core.words import Refusal, Sentence, Unknown, say
from toutdoux.journal.models import JournalEntry
from toutdoux.language import LANGUAGES
from toutdoux.ledger import book, forgetting
from toutdoux.ledger.book import Writer

from . import models, stage

Work = Callable[[Writer, datetime], str]
Event = TypeVar("Event", bound=h.ActionEvent)
_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?")

# What every database that we know keeps; SQLite alone would keep more.
_LONGEST_NAME = 200
_LONGEST_EMAIL = 254
LONGEST_PERIOD = 60
_LARGEST = 2**31 - 1
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks for something, and when."""

    association: str
    """The association's id."""
    now: datetime
    """The present instant, in UTC."""
    via: str
    """The channel it comes through: `cli`, `web` …"""
    operator: str | None = None
    """Who acts for others there, if the channel has such a person."""
    at: datetime | None = None
    """When it counts, if it is told after the fact; in UTC."""
    key: str | None = None
    """What makes it one: said twice with the same key, it happens once. Another command, or the
    same of something else, needs another key."""
    read_until: Sequence[datetime] = ()
    """For every chat that carries a ballot, the instant up to which it was read."""


def _carry_out(request: Request, work: Work, command: str, *arguments: object) -> str:
    """Do something in one transaction, once, after all that was due before.

    What is told after the fact is taken as it comes: no decision is written down before it, so
    that a history can be told in any order until somebody looks at where it stands.

    Args:
        request: who asks for it.
        work: does it, and gives the answer.
        command: what it is called.
        arguments: all that was said of it, to know it again by.

    Returns:
        The answer; the first one if it was said before.
    """
    check_texts(arguments)
    _check_reach(request.at)
    if request.at is not None and request.at > request.now:
        raise Refusal(
            say("{at} is still to come", at=request.at), say("tell it when it has happened")
        )
    with _writing(request) as writer:
        if request.key is None:
            return _do(request, writer, work)
        said = _said(command, request.at, *arguments)
        before = book.answer_to(writer.id, request.key)
        if before is not None:
            return _answer(before, said, request.key)
        answer = _do(request, writer, work)
        book.remember(writer.id, request.key, f"{said} {answer}")
        return answer


def _do(request: Request, writer: Writer, work: Work) -> str:
    if request.at is None:
        stage.settle(writer, writer.now, request.read_until)
    return work(writer, request.at or writer.now)


def _said(command: str, *arguments: object) -> str:
    """A command in short, to know it again by.

    Very short: so many texts have the same four digits that they confirm no guess at one that was
    forgotten, and still few enough that one command is hardly ever taken for another.
    """
    told = orjson.dumps(
        arguments, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    )
    return f"{command} {sha256(told).hexdigest()[:4]}"


def _answer(before: str, said: str, key: str) -> str:
    """The answer that was given before. Raises `Refusal` if it was to something else."""
    if not before.startswith(f"{said} "):
        raise Refusal(
            say("the key “{key}” was said before, with something else", key=key),
            say("give every request a key of its own"),
        )
    return before.removeprefix(f"{said} ")


def _writing(request: Request) -> AbstractContextManager[Writer]:
    check_texts(request)
    check_operator(request.operator)
    if request.key is not None:
        short(request.key, say("the key"))
    return book.writing(
        request.association, now=request.now, via=request.via, operator=request.operator
    )


def _record(request: Request, make: partial[Event]) -> str:
    """Record one event of an action, made for the instant it counts at. Returns its reference."""

    def work(writer: Writer, at: datetime) -> str:
        return _append(writer, make(at=at))

    return _carry_out(request, work, make.func.__name__, make.keywords)


def _append(writer: Writer, event: h.ActionEvent | h.Proposed) -> str:
    what = draft(event)
    ref = str(what.data["action"])
    # A reference that is too long for the column is refused as it is played: there is none such.
    writer.append(what, at=event.at, by=event.by, subject=ref[:40])
    return ref


def settle(request: Request) -> None:
    """Let what is due take place, and write down the decisions that can be: the look at now."""
    with _writing(request) as writer:
        stage.settle(writer, writer.now, request.read_until)


# --- the association -----------------------------------------------------------------------------


def found(
    name: str,
    *,
    now: datetime,
    via: str,
    operator: str | None = None,
    slug: str | None = None,
    time_zone: str,
    language: str,
    charter: Charter,
) -> str:
    """Found an association, with a ledger of its own. Returns its id."""
    check_texts((name, slug))
    check_operator(operator)
    _check_zone(time_zone)
    _check_language(language)
    name = one_line(name, say("the association's name"))
    slug = slug or plain(name)
    if not slug:
        raise Refusal(
            say("no short name can be made of “{name}”", name=name),
            say("give one in letters without accents, with --slug"),
        )
    if not _HANDLE.fullmatch(slug):
        raise Refusal(
            say("“{text}” cannot be a short name", text=slug),
            say("use letters without accents, digits, - and ."),
        )
    with transaction.atomic():
        if Association.objects.filter(slug=slug).exists():
            raise Refusal(
                say("there is already an association “{slug}”", slug=slug),
                say("give this one another short name, with --slug"),
            )
        id = new_id()
        writer = book.found(id, now, via, operator)
        data = {
            "format": FORMAT,
            "association": id,
            "time_zone": time_zone,
            "language": language,
            "charter": dict(charter_data(charter)),
        }
        writer.append(
            Draft("association.founded", data, {"name": name, "slug": slug}), at=writer.now
        )
        writer.save()
    return id


def change_association(
    request: Request,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    language: str | None = None,
) -> None:
    """Change an association's name, time zone or language."""
    if time_zone is not None:
        _check_zone(time_zone)
    if language is not None:
        _check_language(language)
    data = {"time_zone": time_zone, "language": language}
    told = {key: value for key, value in data.items() if value is not None}
    texts = {} if name is None else {"name": one_line(name, say("the association's name"))}

    def work(writer: Writer, at: datetime) -> str:
        writer.append(Draft("association.changed", told, texts), at=at)
        return ""

    _carry_out(request, work, "change_association", name, time_zone, language)


def new_id() -> str:
    return secrets.token_hex(8)


def plain(name: str) -> str:
    """A name as a handle: `Zoé d’Arc` becomes `zoe-d-arc`."""
    ascii = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii).strip("-")[:60].strip("-")


# --- what can be kept ----------------------------------------------------------------------------


def one_line(text: str, what: Sentence, longest: int = _LONGEST_NAME) -> str:
    line = " ".join(text.split())
    if not line:
        raise Refusal(say("{what} is empty", what=what), say("write it in"))
    return short(line, what, longest)


def short(text: str, what: Sentence, longest: int = _LONGEST_NAME) -> str:
    """A text that is not too long."""
    if len(text) > longest:
        raise Refusal(
            say("{what} is over {n} characters long", what=what, n=longest),
            say("shorten it"),
        )
    return text


def period_name(text: str) -> str:
    return one_line(text, say("the period's name"), LONGEST_PERIOD)


def _email(text: str) -> str:
    return short(text.strip(), say("the e-mail address"), _LONGEST_EMAIL)


def check_operator(name: str | None) -> None:
    if name is not None:
        check_texts(name)
        short(name, say("the operator's name"))


def check_texts(value: object) -> None:
    """Refuse what is no text, anywhere in what was said: half a character, or the sign for none."""
    for text in _texts_in(value):
        found = _NO_TEXT.search(text)
        if found is not None:
            raise Refusal(
                say("there is a character here that is not text (code {code})", code=ord(found[0])),
                say("take it out"),
            )


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts_in(key)
            yield from _texts_in(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts_in(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts_in(getattr(value, field.name))


def _check_number(number: int, least: int = 1) -> None:
    if not least <= number <= _LARGEST:
        raise Refusal(
            say("the number {text} is out of reach", text=str(number)),
            say("use one between {first} and {last}", first=str(least), last=str(_LARGEST)),
        )


def _check_reach(*told: date | None) -> None:
    """Refuse dates and instants at the ends of the calendar, where no delay can be added."""
    for one in told:
        if one is not None and not 1000 <= one.year <= 9000:
            raise Refusal(
                say("{text} is out of reach", text=one.isoformat()),
                say("use a year between 1000 and 9000"),
            )


def _check_zone(name: str) -> None:
    zoneinfo.reset_tzpath(())  # the tzdata package alone, so that every machine knows the same
    if name not in zoneinfo.available_timezones():
        raise Refusal(
            say("there is no time zone “{text}”", text=name), say("use a name such as Europe/Paris")
        )


def _check_language(code: str) -> None:
    if code not in LANGUAGES:
        raise Refusal(
            say("the language cannot be “{text}”", text=code),
            say("use one of {names}", names=", ".join(LANGUAGES)),
        )


def _member(association: str, id: str) -> Member:
    """A member of the association. Raises `Refusal` if there is none of this id."""
    found = Member.objects.filter(pk=id, association=association).first()
    if found is None:
        raise Unknown(
            say("nobody here is called “{member}”", member=id),
            say("correct the name, or add the member first"),
        )
    return found


# --- members -------------------------------------------------------------------------------------


def add_member(
    request: Request,
    name: str,
    *,
    handle: str | None = None,
    joined: datetime | None = None,
    founder: bool = False,
    email: str = "",
    by: str | None = None,
) -> str:
    """Record that somebody joined. Returns their id.

    `joined` is when, unless it is the request's instant; `by`, the member who took them in. A
    founder has the right to vote from the beginning; there are none once an action was proposed.
    """
    name = one_line(name, say("the member's name"))
    email = _email(email)
    _check_reach(joined)

    def work(writer: Writer, at: datetime) -> str:
        if by is not None:
            _member(writer.id, by)
        if founder and models.Action.objects.filter(association=writer.id).exists():
            raise Refusal(
                say("founders are named before the first action"),
                say("add them without --founder: they vote after the delay of the charter"),
            )
        texts = {"name": name, "handle": _free_handle(writer.id, name, handle)}
        if email:
            texts["email"] = email
        data: dict[str, object] = {"member": new_id()}
        if founder:
            data["founder"] = 1
        member = str(data["member"])
        what = Draft("member.joined", data, texts)
        writer.append(what, at=joined or at, by=by, subject=member)
        return member

    return _carry_out(request, work, "add_member", name, handle, joined, founder, email, by)


def _free_handle(association: str, name: str, handle: str | None) -> str:
    """The handle that was asked for, or one made of the name."""
    members = Member.objects.filter(association=association)
    if handle is not None:
        handle = handle.removeprefix("@")
        if not _HANDLE.fullmatch(handle):
            raise Refusal(
                say("“{text}” cannot be a handle", text=handle),
                say("use small letters without accents, digits, . _ and -"),
            )
        if members.filter(handle=handle).exists():
            raise Refusal(
                say("somebody is already called “{handle}”", handle=handle),
                say("choose another handle, with --handle"),
            )
        return handle
    first = next(handles_of(name))
    used = set(members.filter(handle__startswith=first).values_list("handle", flat=True))
    return next(one for one in handles_of(name) if one not in used)


def handles_of(name: str) -> Iterator[str]:
    """The handles that can be made of a name, best first: `zoe`, `zoe-d-arc`, `zoe-d-arc-2` …"""
    whole = plain(name) or "membre"
    yield whole.split("-")[0]
    yield whole
    yield from (f"{whole[:50]}-{number}" for number in count(2))


def rename_member(
    request: Request,
    member: str,
    *,
    name: str | None = None,
    handle: str | None = None,
    email: str | None = None,
) -> None:
    """Change a member's name, handle or address."""

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        texts = {}
        if name is not None:
            texts["name"] = one_line(name, say("the member's name"))
        if handle is not None:
            texts["handle"] = _free_handle(writer.id, "", handle)
        if email is not None:
            texts["email"] = _email(email)
        if not texts:
            raise Refusal(
                say("nothing is said to change"), say("give a name, a handle or an e-mail address")
            )
        writer.append(Draft("member.renamed", {"member": member}, texts), at=at, subject=member)
        return ""

    _carry_out(request, work, "rename_member", member, name, handle, email)


def end_membership(request: Request, member: str, left: datetime | None = None) -> None:
    """Record that somebody left, at an instant; it acts on open ballots now, never earlier."""

    _check_reach(left)

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        when = left or at
        last = Membership.objects.filter(member_id=member).latest("joined", "id")
        if last.left is not None and last.left <= writer.now:
            raise Refusal(
                say("{member} left already, on {at}", member=member, at=last.left),
                say("record that they returned first"),
            )
        _check_memberships(member, ending=when)
        data = Draft("member.left", {"member": member})
        writer.append(data, at=when, subject=member)
        return ""

    _carry_out(request, work, "end_membership", member, left)


def begin_membership(request: Request, member: str, joined: datetime | None = None) -> None:
    """Record that somebody is a member again, from an instant on."""

    _check_reach(joined)

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        when = joined or at
        _check_memberships(member, beginning=when)
        writer.append(Draft("member.returned", {"member": member}), at=when, subject=member)
        return ""

    _carry_out(request, work, "begin_membership", member, joined)


def _check_memberships(
    member: str, *, ending: datetime | None = None, beginning: datetime | None = None
) -> None:
    """Refuse memberships that overlap, or that end before they begin."""
    rows = Membership.objects.filter(member_id=member).order_by("joined", "id")
    dates = [(one.joined, one.left) for one in rows]
    if ending is not None:
        dates[-1] = (dates[-1][0], ending)
    if beginning is not None:
        if dates[-1][1] is None:
            raise Refusal(
                say("{member} is a member, since {at}", member=member, at=dates[-1][0]),
                say("there is nothing to record"),
            )
        dates.append((beginning, None))
    roll.joined_up(roll.Membership(joined, left) for joined, left in dates)


def give_role(
    request: Request, member: str, role: str, first: date, last: date | None = None
) -> str:
    """Record that a member takes a role on. Returns the role's id."""
    role = one_line(role, say("the role"))
    _check_days(first, last)

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        data = {"role": new_id(), "member": member, "first": first.isoformat()}
        if last is not None:
            data["last"] = last.isoformat()
        writer.append(Draft("role.given", data, {"role": role}), at=at, subject=member)
        return data["role"]

    return _carry_out(request, work, "give_role", member, role, first, last)


def end_role(request: Request, role: str, last: date) -> None:
    """Record the last day of a role."""

    def work(writer: Writer, at: datetime) -> str:
        row = Role.objects.filter(pk=role, member__association=writer.id).first()
        if row is None:
            raise Unknown(
                say("there is no role {id} here", id=role), say("see them with toutdoux role list")
            )
        _check_days(row.first, last)
        data = {"role": role, "last": last.isoformat()}
        writer.append(Draft("role.ended", data), at=at, subject=row.member_id)
        return ""

    _carry_out(request, work, "end_role", role, last)


def _check_days(first: date, last: date | None) -> None:
    _check_reach(first, last)
    if last is not None and last < first:
        raise Refusal(
            say("this ends before it begins: {last} is before {first}", first=first, last=last),
            say("put the later day last"),
        )


def add_period(request: Request, name: str, first: date, last: date) -> None:
    """Name a period, from its first to its last day, both included; or change its days."""
    name = period_name(name)
    _check_days(first, last)

    def work(writer: Writer, at: datetime) -> str:
        known = Period.objects.filter(association=writer.id, name=name).first()
        days = {"first": first.isoformat(), "last": last.isoformat()}
        if known is None:
            what = Draft("period.added", {"period": new_id(), **days}, {"name": name})
        else:
            what = Draft("period.changed", {"period": known.id, **days})
        writer.append(what, at=at)
        return ""

    _carry_out(request, work, "add_period", name, first, last)


def remove_period(request: Request, name: str) -> None:
    """Take a period's name back; nothing that happened in it changes."""

    def work(writer: Writer, at: datetime) -> str:
        known = Period.objects.filter(association=writer.id, name=name).first()
        if known is None:
            raise Refusal(say("there is no period {name}", name=name), say("name another"))
        writer.append(Draft("period.removed", {"period": known.id}), at=at)
        return ""

    _carry_out(request, work, "remove_period", name)


# --- actions -------------------------------------------------------------------------------------


def propose(
    request: Request,
    kind: Kind,
    object: str,
    *,
    by: str,
    leader: str | None = None,
    number: int | None = None,
    link: str | None = None,
    condition: str | None = None,
    effects: Sequence[h.Effect] = (),
) -> str:
    """Propose an action. Returns its reference."""
    _check_text(object, say("the object"))

    if number is not None:
        _check_number(number)
    told = (kind, object, by, leader, number, link, condition, effects)

    def work(writer: Writer, at: datetime) -> str:
        event = h.Proposed(
            at=at,
            kind=kind,
            by=by,
            object=object,
            number=next_number(writer.id, kind) if number is None else number,
            leader=leader,
            link=link,
            condition=condition,
            effects=tuple(effects),
        )
        return _append(writer, event)

    return _carry_out(request, work, "propose", *told)


def next_number(association: str, kind: Kind) -> int:
    """The number that the next action of a kind gets."""
    tables = (
        models.Action.objects.filter(association=association, kind=kind),
        models.ImportedAction.objects.filter(association=association, kind=kind),
    )
    highest = [table.aggregate(last=Max("number"))["last"] or 0 for table in tables]
    number = h.next_number(max(highest))
    _check_number(number)
    return number


def _check_text(text: str, what: Sentence) -> None:
    if not text.strip():
        raise Refusal(say("{what} is empty", what=what), say("write it in"))


def vote(
    request: Request,
    ref: str,
    choice: h.Choice,
    *,
    by: str,
    ballot: h.BallotName = h.BallotName.ACTION,
) -> str:
    """Put somebody's vote in force, in place of their earlier one."""
    return _record(request, partial(h.VoteCast, action=ref, by=by, choice=choice, ballot=ballot))


def withdraw_vote(
    request: Request, ref: str, *, by: str, ballot: h.BallotName = h.BallotName.ACTION
) -> str:
    """Take somebody's vote back: it leaves none."""
    return _record(request, partial(h.VoteWithdrawn, action=ref, by=by, ballot=ballot))


def call_counter_vote(request: Request, ref: str, reason: str, *, by: str) -> str:
    """Call the vote on cancelling an action."""
    _check_text(reason, say("the reason"))
    return _record(request, partial(h.CounterVoteCalled, action=ref, by=by, reason=reason))


def amend(request: Request, ref: str, object: str, *, by: str) -> str:
    """Change an action's object: the vote starts again, unless it is a correction."""
    _check_text(object, say("the object"))
    return _record(request, partial(h.Amended, action=ref, by=by, object=object))


def withdraw(request: Request, ref: str, *, by: str) -> str:
    """Withdraw an action that is not decided."""
    return _record(request, partial(h.Withdrawn, action=ref, by=by))


def hand_over(request: Request, ref: str, to: str, *, by: str) -> str:
    """Hand an action over to another member."""
    return _record(request, partial(h.HandedOver, action=ref, by=by, to=to))


def meet_condition(request: Request, ref: str, *, by: str, note: str = "") -> str:
    """Record that an action's condition has come true."""
    return _record(request, partial(h.ConditionMet, action=ref, by=by, note=note))


def follow_up(
    request: Request,
    ref: str,
    follow_up: h.FollowUp,
    *,
    by: str,
    note: str = "",
    links: Sequence[str] = (),
) -> str:
    """Say where an action is among the things to do."""
    return _record(
        request,
        partial(
            h.FollowedUp, action=ref, by=by, follow_up=follow_up, note=note, links=tuple(links)
        ),
    )


# --- the past ------------------------------------------------------------------------------------


def import_actions(request: Request, actions: Sequence[ImportedAction]) -> list[str]:
    """Keep actions of a table that was kept by hand. Returns the references that were new.

    An action that is there already with the same data changes nothing; with other data, nothing at
    all is imported.
    """
    for one in actions:
        _check_figures(one)

    def work(writer: Writer, at: datetime) -> str:
        for id in {one.leader_id for one in actions if one.leader_id is not None}:
            _member(writer.id, id)
        before = writer.length
        for action in actions:
            if not _is_there(writer.id, action):
                writer.append(draft_of_imported(action), at=at, subject=action.ref)
        return f"{before + 1} {writer.length}"

    # The references may be many: the answer is where they stand in the ledger.
    answer = _carry_out(request, work, "import_actions", *actions)
    first, last = map(int, answer.split())
    entries = book.rows(request.association, first, last)
    return [str(orjson.loads(body)["data"]["action"]) for _, body, _ in entries]


def _check_figures(action: ImportedAction) -> None:
    _check_number(action.number)
    for votes in (action.for_, action.against, action.expressed):
        _check_number(votes, least=0)


def _is_there(association: str, action: ImportedAction) -> bool:
    from .reading import imported

    if models.Action.objects.filter(association=association, ref=action.ref).exists():
        raise Refusal(
            say("{ref} is there already, and was voted on here", ref=action.ref),
            say("take its line out of the file; nothing was imported"),
        )
    known = imported(association, action.ref).get(action.ref)
    # Whoever joined since may now be known by the leader's name, which may be forgotten since; and
    # one member may be named by their handle here, by their name there: that is no other data.
    same = known is not None and known.leader_id is not None and known.leader_id == action.leader_id
    if known is not None and action != replace(
        known,
        leader_id=action.leader_id,
        leader=action.leader if same or not known.leader else known.leader,
    ):
        raise Refusal(
            say(
                "{ref} is there already with other data: {here}; the file has {there}",
                ref=action.ref,
                here=_facts(known),
                there=_facts(action),
            ),
            say("correct the file, or leave this line out; nothing was imported"),
        )
    return known is not None


def _facts(action: ImportedAction) -> str:
    votes = f"{action.for_}/{action.expressed}, {action.against}/{action.expressed}"
    return f"{action.date.isoformat()}, {action.leader}, {votes}, “{action.object}”"


# --- the journal and reports ---------------------------------------------------------------------


def add_to_journal(request: Request, content: Mapping[str, object]) -> int:
    """Keep an entry of the journal, in the words of a scenario. Returns its number."""

    def work(writer: Writer, at: datetime) -> str:
        last = JournalEntry.objects.filter(association=writer.id).aggregate(last=Max("number"))
        number = (last["last"] or 0) + 1
        data = {"entry": new_id(), "number": number}
        texts = {"content": canonical(content).decode()}
        writer.append(Draft("journal.added", data, texts), at=at, subject=f"J{number}")
        return str(number)

    return int(_carry_out(request, work, "add_to_journal", content))


def change_journal(request: Request, number: int, content: Mapping[str, object] | None) -> None:
    """Change what an entry of the journal says; None takes it out."""

    def work(writer: Writer, at: datetime) -> str:
        row = JournalEntry.objects.filter(
            association=writer.id, number=number, removed=False
        ).first()
        if row is None:
            raise Refusal(
                say("there is no journal entry {n}", n=number),
                say("see them with toutdoux journal list"),
            )
        data = {"entry": row.id}
        if content is None:
            what = Draft("journal.removed", data)
        else:
            what = Draft("journal.changed", data, {"content": canonical(content).decode()})
        writer.append(what, at=at, subject=f"J{number}")
        return ""

    _carry_out(request, work, "change_journal", number, content)


def word_report(request: Request, period: str, content: Mapping[str, object]) -> None:
    """Keep what somebody wrote for a period's report, in the words of a scenario."""
    period = period_name(period)

    def work(writer: Writer, at: datetime) -> str:
        texts = {"period": period, "content": canonical(content).decode()}
        writer.append(Draft("report.worded", {}, texts), at=at)
        return ""

    _carry_out(request, work, "word_report", period, content)


def publish_report(request: Request, period: str, files: Mapping[str, str]) -> None:
    """Record what was published of a period: for every format, the file's SHA-256."""
    period = period_name(period)

    def work(writer: Writer, at: datetime) -> str:
        what = Draft("report.published", {"files": dict(files)}, {"period": period})
        writer.append(what, at=at)
        return ""

    _carry_out(request, work, "publish_report", period, files)


def names_in(refusal: Refusal, association: str) -> Refusal:
    """A refusal with the handles of the members it speaks of, in place of their ids."""
    members = dict(Member.objects.filter(association=association).values_list("id", "handle"))

    def named(sentence: Sentence) -> Sentence:
        values = {
            key: members.get(value, value) if isinstance(value, str) else value
            for key, value in sentence.values.items()
        }
        return replace(sentence, values=values)

    return Refusal(named(refusal.why), named(refusal.remedy), refusal.path)


# --- forgetting ----------------------------------------------------------------------------------


def erase(
    request: Request,
    commitments: Sequence[str],
    member: str | None = None,
    *,
    written: bool = False,
) -> None:
    """Forget texts for ever, and with them who a member was, if one is named.

    The entries keep their commitments, and one more says which were emptied. What the database's
    files still hold of them goes with `toutdoux.ledger.forgetting.scrub`, after this.

    Args:
        commitments: what was shown to whoever asks for it. Of a member, all that
            `toutdoux.ledger.forgetting.of_member` finds; it must still be that.
        member: the member's id.
        written: whether all that the member wrote goes, too.
    """
    shown = {*commitments}

    def work(writer: Writer, at: datetime) -> str:
        data: dict[str, object] = {"commitments": sorted(shown)}
        if member is None:
            _check_no_names(writer, shown)
            found = forgetting.known(writer.id, shown)
        else:
            check_left(request, member)
            kept = forgetting.of_member(writer.id, member, written=written)
            _check_another_acts(request, kept)
            found = {one.commitment for one in kept}
            data["member"] = member
        if found != shown:
            raise Refusal(say("what would be forgotten changed meanwhile"), say("look again"))
        writer.append(Draft("texts.erased", data), at=writer.now, subject=member or "")
        return ""

    _carry_out(request, work, "erase", sorted(shown), member, written)


def check_left(request: Request, member: str) -> None:
    """Refuse to forget somebody who is still a member: the others have to know who votes."""
    _member(request.association, member)
    last = Membership.objects.filter(member_id=member).latest("joined", "id")
    if last.left is None or last.left > request.now:
        raise Refusal(
            say("{member} is a member, whom the others have to be able to name", member=member),
            say("record that they left first"),
        )


def _check_no_names(writer: Writer, commitments: set[str]) -> None:
    """Refuse to forget a name alone: tables hold copies of it, by which others find things."""
    names = forgetting.names_among(writer.id, commitments)
    if names:
        raise Refusal(
            say("“{text}” names the association, a period or a member", text=names[0].text),
            say("give it another name; a member is forgotten as a whole"),
        )


def _check_another_acts(request: Request, kept: Sequence[forgetting.Kept]) -> None:
    """Refuse to forget a name that this very entry would tell again."""
    if request.operator in {one.text for one in kept if one.what in ("name", "handle")}:
        raise Refusal(
            say("“{text}”, who does this, is a name to be forgotten", text=request.operator or ""),
            say("do it under another name: set TOUTDOUX_OPERATOR"),
        )
