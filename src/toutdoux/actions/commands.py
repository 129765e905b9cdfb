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
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import count

from django.db import transaction
from django.db.models import Max

from toutdoux.association.models import Association, Member, Membership, Period, Role
from toutdoux.core import history as h
from toutdoux.core import roll
from toutdoux.core.chain import FORMAT, canonical
from toutdoux.core.charter import Charter, Kind
from toutdoux.core.entries import Draft, ImportedAction, charter_data, draft, draft_of_imported
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.journal.models import JournalEntry
from toutdoux.ledger import book
from toutdoux.ledger.book import Writer

from . import models, stage

Work = Callable[[Writer, datetime], str]
_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?")


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
    """What makes it one: said twice with the same key, it happens once."""
    read_until: Sequence[datetime] = ()
    """For every chat that carries a ballot, the instant up to which it was read."""


def _carry_out(request: Request, work: Work) -> str:
    """Do something in one transaction, once, after all that was due before.

    What is told after the fact is taken as it comes: no decision is written down before it, so
    that a history can be told in any order until somebody looks at where it stands.
    """
    if request.at is not None and request.at > request.now:
        raise Refusal(
            say("{at} is still to come", at=request.at), say("tell it when it has happened")
        )
    with _writing(request) as writer:
        if request.key is not None:
            answer = book.answer_to(writer.id, request.key)
            if answer is not None:
                return answer
        if request.at is None:
            stage.settle(writer, writer.now, request.read_until)
        answer = work(writer, request.at or writer.now)
        if request.key is not None:
            book.remember(writer.id, request.key, answer)
        return answer


def _writing(request: Request) -> AbstractContextManager[Writer]:
    return book.writing(
        request.association, now=request.now, via=request.via, operator=request.operator
    )


def _record(
    request: Request, make: Callable[[Writer, datetime], h.ActionEvent | h.Proposed]
) -> str:
    """Record one event of an action. Returns the action's reference."""

    def work(writer: Writer, at: datetime) -> str:
        event = make(writer, at)
        what = draft(event)
        ref = str(what.data["action"])
        writer.append(what, at=event.at, by=event.by, subject=ref)
        return ref

    return _carry_out(request, work)


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
    name = one_line(name, say("the association's name"))
    slug = slug or plain(name)
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
    data = {"time_zone": time_zone, "language": language}
    told = {key: value for key, value in data.items() if value is not None}
    texts = {} if name is None else {"name": one_line(name, say("the association's name"))}

    def work(writer: Writer, at: datetime) -> str:
        writer.append(Draft("association.changed", told, texts), at=at)
        return ""

    _carry_out(request, work)


def new_id() -> str:
    return secrets.token_hex(8)


def plain(name: str) -> str:
    """A name as a handle: `Zoé d’Arc` becomes `zoe-d-arc`."""
    ascii = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii).strip("-")[:60].strip("-")


def one_line(text: str, what: Sentence, longest: int = 200) -> str:
    line = " ".join(text.split())
    if not line:
        raise Refusal(say("{what} is empty", what=what), say("write it in"))
    if len(line) > longest:
        raise Refusal(
            say("{what} is over {n} characters long", what=what, n=longest),
            say("shorten it"),
        )
    return line


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

    def work(writer: Writer, at: datetime) -> str:
        if founder and models.Action.objects.filter(association=writer.id).exists():
            raise Refusal(
                say("founders are named before the first action"),
                say("add them without --founder: they vote after the delay of the charter"),
            )
        texts = {"name": name, "handle": _free_handle(writer.id, name, handle)}
        if email:
            texts["email"] = email.strip()
        data: dict[str, object] = {"member": new_id()}
        if founder:
            data["founder"] = 1
        member = str(data["member"])
        what = Draft("member.joined", data, texts)
        writer.append(what, at=joined or at, by=by, subject=member)
        return member

    return _carry_out(request, work)


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
        texts = {}
        if name is not None:
            texts["name"] = one_line(name, say("the member's name"))
        if handle is not None:
            texts["handle"] = _free_handle(writer.id, "", handle)
        if email is not None:
            texts["email"] = email.strip()
        writer.append(Draft("member.renamed", {"member": member}, texts), at=at, subject=member)
        return ""

    _carry_out(request, work)


def end_membership(request: Request, member: str, left: datetime | None = None) -> None:
    """Record that somebody left, at an instant; it acts on open ballots now, never earlier."""

    def work(writer: Writer, at: datetime) -> str:
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

    _carry_out(request, work)


def begin_membership(request: Request, member: str, joined: datetime | None = None) -> None:
    """Record that somebody is a member again, from an instant on."""

    def work(writer: Writer, at: datetime) -> str:
        when = joined or at
        _check_memberships(member, beginning=when)
        writer.append(Draft("member.returned", {"member": member}), at=when, subject=member)
        return ""

    _carry_out(request, work)


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
        data = {"role": new_id(), "member": member, "first": first.isoformat()}
        if last is not None:
            data["last"] = last.isoformat()
        writer.append(Draft("role.given", data, {"role": role}), at=at, subject=member)
        return data["role"]

    return _carry_out(request, work)


def end_role(request: Request, role: str, last: date) -> None:
    """Record the last day of a role."""

    def work(writer: Writer, at: datetime) -> str:
        row = Role.objects.get(pk=role, member__association=writer.id)
        _check_days(row.first, last)
        data = {"role": role, "last": last.isoformat()}
        writer.append(Draft("role.ended", data), at=at, subject=row.member_id)
        return ""

    _carry_out(request, work)


def _check_days(first: date, last: date | None) -> None:
    if last is not None and last < first:
        raise Refusal(
            say("this ends before it begins: {last} is before {first}", first=first, last=last),
            say("put the later day last"),
        )


def add_period(request: Request, name: str, first: date, last: date) -> None:
    """Name a period, from its first to its last day, both included; or change its days."""
    name = one_line(name, say("the period's name"), 60)
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

    _carry_out(request, work)


def remove_period(request: Request, name: str) -> None:
    """Take a period's name back; nothing that happened in it changes."""

    def work(writer: Writer, at: datetime) -> str:
        known = Period.objects.filter(association=writer.id, name=name).first()
        if known is None:
            raise Refusal(say("there is no period {name}", name=name), say("name another"))
        writer.append(Draft("period.removed", {"period": known.id}), at=at)
        return ""

    _carry_out(request, work)


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

    def make(writer: Writer, at: datetime) -> h.Proposed:
        return h.Proposed(
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

    return _record(request, make)


def next_number(association: str, kind: Kind) -> int:
    """The number that the next action of a kind gets."""
    tables = (
        models.Action.objects.filter(association=association, kind=kind),
        models.ImportedAction.objects.filter(association=association, kind=kind),
    )
    highest = [table.aggregate(last=Max("number"))["last"] or 0 for table in tables]
    return h.next_number(max(highest))


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
    return _record(
        request, lambda _, at: h.VoteCast(at=at, action=ref, by=by, choice=choice, ballot=ballot)
    )


def withdraw_vote(
    request: Request, ref: str, *, by: str, ballot: h.BallotName = h.BallotName.ACTION
) -> str:
    """Take somebody's vote back: it leaves none."""
    return _record(request, lambda _, at: h.VoteWithdrawn(at=at, action=ref, by=by, ballot=ballot))


def call_counter_vote(request: Request, ref: str, reason: str, *, by: str) -> str:
    """Call the vote on cancelling an action."""
    _check_text(reason, say("the reason"))
    return _record(
        request, lambda _, at: h.CounterVoteCalled(at=at, action=ref, by=by, reason=reason)
    )


def amend(request: Request, ref: str, object: str, *, by: str) -> str:
    """Change an action's object: the vote starts again, unless it is a correction."""
    _check_text(object, say("the object"))
    return _record(request, lambda _, at: h.Amended(at=at, action=ref, by=by, object=object))


def withdraw(request: Request, ref: str, *, by: str) -> str:
    """Withdraw an action that is not decided."""
    return _record(request, lambda _, at: h.Withdrawn(at=at, action=ref, by=by))


def hand_over(request: Request, ref: str, to: str, *, by: str) -> str:
    """Hand an action over to another member."""
    return _record(request, lambda _, at: h.HandedOver(at=at, action=ref, by=by, to=to))


def meet_condition(request: Request, ref: str, *, by: str, note: str = "") -> str:
    """Record that an action's condition has come true."""
    return _record(request, lambda _, at: h.ConditionMet(at=at, action=ref, by=by, note=note))


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
        lambda _, at: h.FollowedUp(
            at=at, action=ref, by=by, follow_up=follow_up, note=note, links=tuple(links)
        ),
    )


# --- the past ------------------------------------------------------------------------------------


def import_actions(request: Request, actions: Sequence[ImportedAction]) -> list[str]:
    """Keep actions of a table that was kept by hand. Returns the references that were new.

    An action that is there already with the same data changes nothing; with other data, nothing at
    all is imported.
    """
    new: list[str] = []

    def work(writer: Writer, at: datetime) -> str:
        for action in actions:
            if not _is_there(writer.id, action):
                writer.append(draft_of_imported(action), at=at, subject=action.ref)
                new.append(action.ref)
        return ""

    _carry_out(request, work)
    return new


def _is_there(association: str, action: ImportedAction) -> bool:
    from .reading import imported

    if models.Action.objects.filter(association=association, ref=action.ref).exists():
        raise Refusal(
            say("{ref} is there already, and was voted on here", ref=action.ref),
            say("take its line out of the file; nothing was imported"),
        )
    known = imported(association, action.ref).get(action.ref)
    # Whoever joined since may now be known by the leader's name: that is no other data.
    if known is not None and replace(known, leader_id=action.leader_id) != action:
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

    return int(_carry_out(request, work))


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

    _carry_out(request, work)


def word_report(request: Request, period: str, content: Mapping[str, object]) -> None:
    """Keep what somebody wrote for a period's report, in the words of a scenario."""

    def work(writer: Writer, at: datetime) -> str:
        texts = {"period": period, "content": canonical(content).decode()}
        writer.append(Draft("report.worded", {}, texts), at=at)
        return ""

    _carry_out(request, work)


def publish_report(request: Request, period: str, files: Mapping[str, str]) -> None:
    """Record what was published of a period: for every format, the file's SHA-256."""

    def work(writer: Writer, at: datetime) -> str:
        what = Draft("report.published", {"files": dict(files)}, {"period": period})
        writer.append(what, at=at)
        return ""

    _carry_out(request, work)


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


def erase(request: Request, commitments: Sequence[str], member: str | None = None) -> None:
    """Forget texts for ever, and with them who a member was, if one is named.

    The entries keep their commitments, and one more says which were emptied. What the database's
    files still hold of them goes with `toutdoux.ledger.forgetting.scrub`, after this.
    """
    if member is not None:
        check_left(request, member)
    data: dict[str, object] = {"commitments": sorted(commitments)}
    if member is not None:
        data["member"] = member

    def work(writer: Writer, at: datetime) -> str:
        writer.append(Draft("texts.erased", data), at=writer.now, subject=member or "")
        return ""

    _carry_out(request, work)


def check_left(request: Request, member: str) -> None:
    """Refuse to forget somebody who is still a member: the others have to know who votes."""
    last = Membership.objects.filter(member_id=member).latest("joined", "id")
    if last.left is None or last.left > request.now:
        raise Refusal(
            say("{member} is a member, whom the others have to be able to name", member=member),
            say("record that they left first"),
        )
