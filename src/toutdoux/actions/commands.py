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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import count
from typing import TypeVar

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Max

from toutdoux.association import people, settings, stewards
from toutdoux.association.models import Association, Member, Membership, Period, Role
from toutdoux.association.zones import zone_called
from toutdoux.core import history as h
from toutdoux.core import roll
from toutdoux.core.chain import FORMAT, canonical
from toutdoux.core.charter import Charter, Kind
from toutdoux.core.entries import Draft, ImportedAction, charter_data, draft, draft_of_imported
from toutdoux.core.journal import check_link
from toutdoux.core.words import Refusal, Sentence, TooLate, Unknown, say
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
_LONGEST_SETTING = 1_000
_LONGEST_LINK = 2_000
_LARGEST = 2**31 - 1
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of all that follows them: a name stands among other words."""


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
    by: str | None = None
    """The member who does it, for what is no action of theirs (members, journal, reports,
    settings): their id."""
    at: datetime | None = None
    """When it counts, if it is told after the fact; in UTC."""
    key: str | None = None
    """What makes it one: said twice with the same key, it happens once. Another command, or the
    same of something else, needs another key."""


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


def _administer(request: Request, work: Work, command: str, *arguments: object) -> str:
    """Carry out what is no action of anybody's, for the member whom the request names."""

    def authored(writer: Writer, at: datetime) -> str:
        if request.by is not None:
            _check_author(writer.id, request.by, at, live=request.at is None)
        return work(writer, at)

    return _carry_out(request, authored, command, request.by, *arguments)


def _check_author(association: str, by: str, at: datetime, *, live: bool) -> None:
    """Refuse somebody unknown, and somebody who has left; what is told after the fact may be told
    of anybody."""
    _member(association, by)
    if live and not people.are_members([by], at):
        raise Refusal(
            say("{member} is no member on {at}", member=by, at=at),
            say("only a member can act: correct the person, the date or the membership"),
        )


def _do(request: Request, writer: Writer, work: Work) -> str:
    if request.at is None:
        stage.settle(writer, writer.now)
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
    check_texts((request.association, request.via, request.operator, request.by, request.key))
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
        stage.settle(writer, writer.now)


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
    time_zone = zone_called(time_zone)
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
    """Change an association's name, time zone or language; what is so already records nothing."""
    if time_zone is not None:
        time_zone = zone_called(time_zone)
    if language is not None:
        _check_language(language)
    told = {"time_zone": time_zone, "language": language}
    texts = {} if name is None else {"name": one_line(name, say("the association's name"))}

    def work(writer: Writer, at: datetime) -> str:
        row = Association.objects.get(pk=writer.id)
        data = {key: value for key, value in told.items() if value not in (None, getattr(row, key))}
        new = {key: value for key, value in texts.items() if value != getattr(row, key)}
        if data or new:
            writer.append(Draft("association.changed", data, new), at=at, by=request.by)
        return ""

    _administer(request, work, "change_association", name, time_zone, language)


def change_settings(request: Request, values: Mapping[str, settings.Value]) -> list[str]:
    """Change some of an association's settings. Returns the names of those that differed.

    `values` are those to be changed, by the names of `association.settings.Settings`.
    """
    told = {name: _setting(name, value) for name, value in values.items()}

    def work(writer: Writer, at: datetime) -> str:
        before = dict(settings.settings_of(Association.objects.get(pk=writer.id)))
        new = {name: value for name, value in told.items() if value != before[name]}
        texts = {name: value for name, value in new.items() if isinstance(value, str)}
        switches = {name: int(value) for name, value in new.items() if isinstance(value, bool)}
        if new:
            what = Draft("settings.changed", {"switches": switches} if switches else {}, texts)
            writer.append(what, at=at, by=request.by)
        return " ".join(new)

    return _administer(request, work, "change_settings", told).split()


def _setting(name: str, value: settings.Value) -> settings.Value:
    settings.check(name, value)
    if not isinstance(value, str):
        return value
    if name == "contact":
        return _contact(value)
    return short(value.strip(), say("the setting {name}", name=name), _LONGEST_SETTING)


def _contact(text: str) -> str:
    """An e-mail address, or a link to where one can write."""
    text = text.strip()
    if not text or is_email(text):
        return _email(text)
    try:
        return _link(text)
    except Refusal:
        raise Refusal(
            say("“{text}” is neither an e-mail address nor a link", text=text),
            say("write it whole, for instance ana@example.org"),
            ("contact",),
        ) from None


def new_id() -> str:
    return secrets.token_hex(8)


def plain(name: str) -> str:
    """A name as a handle: `Zoé d’Arc` becomes `zoe-d-arc`."""
    ascii = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii).strip("-")[:60].strip("-")


# --- what can be kept ----------------------------------------------------------------------------


def one_line(text: str, what: Sentence, longest: int = _LONGEST_NAME) -> str:
    line = " ".join(_TURNING.sub("", text).split())
    if not _is_seen(line):
        raise Refusal(say("{what} is empty", what=what), say("write it in"))
    return short(line, what, longest)


def _is_seen(text: str) -> bool:
    """Whether there is anything in a text but blanks, and signs that show nothing."""
    return any(not char.isspace() and unicodedata.category(char) != "Cf" for char in text)


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
    """An e-mail address; an empty one is one that is not known."""
    text = short(text.strip(), say("the e-mail address"), _LONGEST_EMAIL)
    if text and not is_email(text):
        raise Refusal(
            say("“{text}” is not an e-mail address", text=text),
            say("write it whole, for instance ana@example.org"),
            ("email",),
        )
    return text


def is_email(text: str) -> bool:
    """Whether it is a single address that a mail can be sent to."""
    if " " in text or not text.isprintable():
        return False
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def _link(text: str) -> str:
    """A link that can be followed."""
    check_texts(text)
    text = short(text.strip(), say("the link"), _LONGEST_LINK)
    # Several links are kept one after the other.
    check_link("" if any(map(str.isspace, text)) else text)
    return text


def check_operator(name: str | None) -> None:
    if name is not None:
        check_texts(name)
        short(name, say("the operator's name"))


def check_texts(value: object) -> None:
    """Refuse what is no text, anywhere in what was said: half a character, or the sign for none."""
    if isinstance(value, str):
        found = _NO_TEXT.search(value)
        if found is not None:
            raise Refusal(
                say("there is a character here that is not text (code {code})", code=ord(found[0])),
                say("take it out"),
            )
    elif isinstance(value, Mapping):
        for key, one in value.items():
            check_texts(key)
            check_texts(one)
    elif isinstance(value, Sequence):
        for one in value:
            check_texts(one)
    elif is_dataclass(value):
        for field in fields(value):
            check_texts(getattr(value, field.name))


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
) -> str:
    """Record that somebody joined, taken in by the request's `by`. Returns their id.

    `joined` is when, unless it is the request's instant. A founder has the right to vote from the
    beginning; there are none once an action was proposed.
    """
    name = one_line(name, say("the member's name"))
    email = _email(email)
    _check_reach(joined)

    def work(writer: Writer, at: datetime) -> str:
        if founder and models.Action.objects.filter(association=writer.id).exists():
            raise Refusal(
                say("founders are named before the first action"),
                say("add them without --founder: they vote after the delay of the charter"),
                ("founder",),
            )
        texts = {"name": name, "handle": _free_handle(writer.id, name, handle)}
        if email:
            texts["email"] = email
        data: dict[str, object] = {"member": new_id()}
        if founder:
            data["founder"] = 1
        member = str(data["member"])
        what = Draft("member.joined", data, texts)
        writer.append(what, at=joined or at, by=request.by, subject=member)
        return member

    return _administer(request, work, "add_member", name, handle, joined, founder, email)


def _free_handle(association: str, name: str, handle: str | None) -> str:
    """The handle that was asked for, or one made of the name."""
    members = Member.objects.filter(association=association)
    if handle is not None:
        handle = handle.removeprefix("@")
        if not _HANDLE.fullmatch(handle):
            raise Refusal(
                say("“{text}” cannot be a handle", text=handle),
                say("use small letters without accents, digits, . _ and -"),
                ("handle",),
            )
        if members.filter(handle=handle).exists():
            raise Refusal(
                say("somebody is already called “{handle}”", handle=handle),
                say("choose another one"),
                ("handle",),
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
    """Change a member's name, handle or address; what is so already records nothing."""
    told: dict[str, str] = {}
    if name is not None:
        told["name"] = one_line(name, say("the member's name"))
    if handle is not None:
        told["handle"] = handle.removeprefix("@")
    if email is not None:
        told["email"] = email.strip()
    if not told:
        raise Refusal(
            say("nothing is said to change"), say("give a name, a handle or an e-mail address")
        )

    def work(writer: Writer, at: datetime) -> str:
        row = _member(writer.id, member)
        texts = {key: value for key, value in told.items() if value != getattr(row, key)}
        if "handle" in texts:
            _free_handle(writer.id, "", texts["handle"])
        if "email" in texts:
            _email(texts["email"])
        if texts:
            what = Draft("member.renamed", {"member": member}, texts)
            writer.append(what, at=at, by=request.by, subject=member)
        return ""

    _administer(request, work, "rename_member", member, name, handle, email)


def invite_member(request: Request, member: str) -> None:
    """Record that somebody made a link by which a member gets an account, or back into theirs:
    whoever has the link can act as that member, and so all must be able to see who made it."""
    _about_account(request, Draft("member.invited", {"member": member}))


def claim_account(request: Request, member: str) -> None:
    """Record that somebody made a member's account, or chose a new password for it, by a link. As
    far as can be known it was that member: they are the request's `by`."""
    if request.by != member:
        raise Refusal(
            say("an account is made by its own member"), say("let them follow the link themselves")
        )
    _about_account(request, Draft("account.claimed", {"member": member}))


def close_account(request: Request, member: str) -> None:
    """Record that a member's account was closed: they take part as before, and can be invited
    again."""
    _about_account(request, Draft("account.closed", {"member": member}))


def _about_account(request: Request, what: Draft) -> None:
    member = str(what.data["member"])

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        closed = what.kind == "account.closed"
        if closed and request.by == member:
            raise Refusal(
                say("nobody closes their own account here"),
                say("record that you leave, or ask another référent·e"),
            )
        if not closed and not people.are_members([member], at):
            raise Refusal(
                say("{member} is no member on {at}", member=member, at=at),
                say("record that they returned first"),
            )
        writer.append(what, at=at, by=request.by, subject=member)
        return ""

    _administer(request, work, what.kind, member)


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
        if request.at is None:
            day = stewards.today(writer.id, max(when, at))
            for one in (day, day + timedelta(days=1)):  # whose own role ends that day does not stay
                _check_stewards_remain(writer.id, member, one)
        data = Draft("member.left", {"member": member})
        writer.append(data, at=when, by=request.by, subject=member)
        return ""

    _administer(request, work, "end_membership", member, left)


def _check_stewards_remain(
    association: str, member: str, day: date, role: str | None = None
) -> None:
    """Refuse to let the last steward go from a day on, or their role, as long as others are left
    who would have none."""
    held = stewards.steward_roles(association, day)
    lost = {one for one in held if one[0] == member and role in (None, one[1])}
    if lost and lost == held and stewards.has_others(association, day, member):
        raise Refusal(
            say("{member} is the last référent·e", member=member),
            say("give another member this role first"),
        )


def begin_membership(request: Request, member: str, joined: datetime | None = None) -> None:
    """Record that somebody is a member again, from an instant on."""

    _check_reach(joined)

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        when = joined or at
        _check_memberships(member, beginning=when)
        what = Draft("member.returned", {"member": member})
        writer.append(what, at=when, by=request.by, subject=member)
        return ""

    _administer(request, work, "begin_membership", member, joined)


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
    """Record that a member takes a role on, which they don't hold on any of these days already.
    Returns the role's id."""
    role = one_line(role, say("the role"))
    _check_days(first, last)

    def work(writer: Writer, at: datetime) -> str:
        _member(writer.id, member)
        _check_role_is_new(member, role, first, last)
        data = {"role": new_id(), "member": member, "first": first.isoformat()}
        if last is not None:
            data["last"] = last.isoformat()
        what = Draft("role.given", data, {"role": role})
        writer.append(what, at=at, by=request.by, subject=member)
        return data["role"]

    return _administer(request, work, "give_role", member, role, first, last)


def _check_role_is_new(member: str, role: str, first: date, last: date | None) -> None:
    from toutdoux.tables.columns import folded  # much to load, for all else

    remedy = say("end that first, or give other days")
    for held in Role.objects.filter(member=member).select_related("role"):
        told = held.role.text or ""
        ends_before = held.last is not None and held.last < first
        begins_after = last is not None and last < held.first
        if folded(told) != folded(role) or ends_before or begins_after:
            continue
        if held.last is None:
            raise Refusal(
                say(
                    "{member} is “{role}” already, since {first}",
                    member=member,
                    role=told,
                    first=held.first,
                ),
                remedy,
            )
        raise Refusal(
            say(
                "{member} is “{role}” already, from {first} to {last}",
                member=member,
                role=told,
                first=held.first,
                last=held.last,
            ),
            remedy,
        )


def end_role(request: Request, role: str, last: date) -> None:
    """Record the last day of a role."""

    def work(writer: Writer, at: datetime) -> str:
        row = Role.objects.filter(pk=role, member__association=writer.id).first()
        if row is None:
            raise Unknown(
                say("there is no role {id} here", id=role), say("see them with toutdoux role list")
            )
        _check_days(row.first, last)
        if request.at is None:
            day = max(last + timedelta(days=1), stewards.today(writer.id, at))
            _check_stewards_remain(writer.id, row.member_id, day, role)
        data = {"role": role, "last": last.isoformat()}
        writer.append(Draft("role.ended", data), at=at, by=request.by, subject=row.member_id)
        return ""

    _administer(request, work, "end_role", role, last)


def _check_days(first: date, last: date | None) -> None:
    _check_reach(first, last)
    if last is not None and last < first:
        raise Refusal(
            say("this ends before it begins: {last} is before {first}", first=first, last=last),
            say("put the later day last"),
            ("last",),
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
        if known is None or (known.first, known.last) != (first, last):
            writer.append(what, at=at, by=request.by)
        return ""

    _administer(request, work, "add_period", name, first, last)


def remove_period(request: Request, name: str) -> None:
    """Take a period's name back; nothing that happened in it changes."""

    def work(writer: Writer, at: datetime) -> str:
        known = Period.objects.filter(association=writer.id, name=name).first()
        if known is None:
            raise Refusal(say("there is no period {name}", name=name), say("name another"))
        writer.append(Draft("period.removed", {"period": known.id}), at=at, by=request.by)
        return ""

    _administer(request, work, "remove_period", name)


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
    link = None if link is None else _link(link)
    if condition is not None and not condition.strip():
        raise Refusal(
            say("{what} is empty", what=say("the condition")),
            say("write it in, or leave this out"),
        )
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
    if not _is_seen(text):
        raise Refusal(say("{what} is empty", what=what), say("write it in"))


def vote(
    request: Request,
    ref: str,
    choice: h.Choice,
    *,
    by: str,
    ballot: h.BallotName = h.BallotName.ACTION,
    kept: bool = False,
) -> str:
    """Put somebody's vote in force, in place of their earlier one. `kept`: if it comes too late, it
    is not refused but kept as an opinion, as what was said in a chat is."""
    event = partial(h.VoteCast, action=ref, by=by, choice=choice, ballot=ballot, kept=kept)
    return _record_vote(request, event)


def withdraw_vote(
    request: Request,
    ref: str,
    *,
    by: str,
    ballot: h.BallotName = h.BallotName.ACTION,
    kept: bool = False,
) -> str:
    """Take somebody's vote back: it leaves none. `kept`: it is an opinion that came too late."""
    event = partial(h.VoteWithdrawn, action=ref, by=by, ballot=ballot, kept=kept)
    return _record_vote(request, event)


_ONLY_NOW = ("web", "api", "gemini")
"""The channels by which nothing is told after the fact."""


def _record_vote(request: Request, event: partial[Event]) -> str:
    try:
        return _record(request, event)
    except TooLate as late:
        if request.via not in _ONLY_NOW:
            raise
        remedy = say("what you think of it can still be said in its discussion")
        raise TooLate(late.why, remedy) from None


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
    """Record that an action's condition has come true, which it does once."""

    def work(writer: Writer, at: datetime) -> str:
        rows = models.Action.objects.filter(association=writer.id, ref=ref)
        met = rows.values_list("condition_met_at", flat=True).first()
        if met is not None and met <= at:
            raise Refusal(
                say("its condition is met already, since {at}", at=met),
                say("there is nothing to record"),
            )
        return _append(writer, h.ConditionMet(at=at, action=ref, by=by, note=note))

    return _carry_out(request, work, "ConditionMet", {"action": ref, "by": by, "note": note})


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
    told = tuple(map(_link, links))
    return _record(
        request,
        partial(h.FollowedUp, action=ref, by=by, follow_up=follow_up, note=note, links=told),
    )


# --- the past ------------------------------------------------------------------------------------


def import_actions(request: Request, actions: Sequence[ImportedAction]) -> list[str]:
    """Keep actions that were voted on by hand. Returns the references that were new.

    An action that is there already with the same data changes nothing; with other data, nothing at
    all is imported.
    """
    for one in actions:
        _check_figures(one)

    def work(writer: Writer, at: datetime) -> str:
        leaders = {one.leader_id for one in actions if one.leader_id is not None}
        for id in leaders.union(*map(_voters, actions)):
            _member(writer.id, id)
        before = writer.length
        for action in actions:
            if not _is_there(writer.id, action):
                what = draft_of_imported(action)
                writer.append(what, at=at, by=request.by, subject=action.ref)
        return f"{before + 1} {writer.length}"

    # The references may be many: the answer is where they stand in the ledger.
    answer = _administer(request, work, "import_actions", *actions)
    first, last = map(int, answer.split())
    entries = book.rows(request.association, first, last)
    return [str(orjson.loads(body)["data"]["action"]) for _, body, _ in entries]


def _voters(action: ImportedAction) -> set[str]:
    return set() if action.course is None else {one.by for one in action.course.votes}


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
        # A table tells less than a chat, and nothing else.
        course=action.course and known.course,
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
    text = _written(content)

    def work(writer: Writer, at: datetime) -> str:
        _check_entry(writer.id, content)
        last = JournalEntry.objects.filter(association=writer.id).aggregate(last=Max("number"))
        number = (last["last"] or 0) + 1
        what = Draft("journal.added", {"entry": new_id(), "number": number}, {"content": text})
        writer.append(what, at=at, by=request.by, subject=f"J{number}")
        return str(number)

    return int(_administer(request, work, "add_to_journal", content))


def change_journal(request: Request, number: int, content: Mapping[str, object] | None) -> None:
    """Change what an entry of the journal says; None takes it out."""
    text = "" if content is None else _written(content)

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
            _check_entry(writer.id, content)
            what = Draft("journal.changed", data, {"content": text})
        writer.append(what, at=at, by=request.by, subject=f"J{number}")
        return ""

    _administer(request, work, "change_journal", number, content)


def _written(content: Mapping[str, object]) -> str:
    """What somebody told in the words of a scenario, as it is kept."""
    check_texts(content)
    try:
        return canonical(content).decode()
    except TypeError:
        raise Refusal(say("this is not text in UTF-8"), say("write it in UTF-8")) from None


def _check_entry(association: str, content: Mapping[str, object]) -> None:
    from .chronicle import check_entry  # much to load, for all who vote

    check_entry(association, content)


def word_report(request: Request, period: str, content: Mapping[str, object]) -> None:
    """Keep what somebody wrote for a period's report, in the words of a scenario."""
    from toutdoux.journal.reading import check_words

    period, text = period_name(period), _written(content)
    check_words(content)

    def work(writer: Writer, at: datetime) -> str:
        texts = {"period": period, "content": text}
        writer.append(Draft("report.worded", {}, texts), at=at, by=request.by)
        return ""

    _administer(request, work, "word_report", period, content)


def publish_report(request: Request, period: str, files: Mapping[str, str]) -> None:
    """Record what was published of a period: for every format, the file's SHA-256."""
    period = period_name(period)

    def work(writer: Writer, at: datetime) -> str:
        what = Draft("report.published", {"files": dict(files)}, {"period": period})
        writer.append(what, at=at, by=request.by)
        return ""

    _administer(request, work, "publish_report", period, files)


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
        what = Draft("texts.erased", data)
        writer.append(what, at=writer.now, by=request.by, subject=member or "")
        return ""

    _administer(request, work, "erase", sorted(shown), member, written)


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
