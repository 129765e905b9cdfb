"""Who there is: members, their right to vote, their roles; for référent·es, who comes and goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from toutdoux.actions import commands, reading
from toutdoux.actions.member_import import MembersImported, import_members
from toutdoux.actions.models import Action
from toutdoux.association import roster
from toutdoux.association.charters import in_force
from toutdoux.association.models import Member, Role
from toutdoux.association.stewards import stewards
from toutdoux.core.entries import read_instant
from toutdoux.core.history import GOING_ON
from toutdoux.core.instants import first_instant, read_date
from toutdoux.core.replay import UNDECIDED
from toutdoux.core.roll import Enrolment
from toutdoux.core.words import Refusal, Sentence, say, say_n
from toutdoux.tables import TableError, mapping_of, read_members
from toutdoux.tables.changes import What

from .. import accounts
from ..cards import names_of
from ..door import Visit, page
from ..errors import LARGEST_FILE
from ..forms import Form
from ..models import Invitation, Seat
from ..paging import part_of

A_PAGE = 100
LED = 50
"""How many actions a member's page lists; the list of actions has the others."""


# --- the list ------------------------------------------------------------------------------------


@dataclass(slots=True)
class Listed:
    """Somebody in the list."""

    id: str
    handle: str
    name: str
    erased: bool
    founder: bool
    enrolment: Enrolment | None
    """None for somebody who is no member then."""
    roles: list[str]
    account: str = ""
    """For référent·es: `seat`, `invited`, or nothing."""


@page
def members(visit: Visit) -> HttpResponse:
    """The members now, or at the first instant of the day that the address names."""
    asked = visit.request.GET
    form = Form(asked)
    day = form.day("at")
    at = _instant(visit, day) or visit.now
    if at <= visit.now:
        visit.settle()
    enrolled = roster.enrolled(visit.id, at)
    everybody = bool(asked.get("all"))
    found = [
        one
        for one in _everybody(visit, enrolled)
        if (everybody or one.enrolment) and _is_meant(one, asked.get("q", ""))
    ]
    part = part_of(found, asked, A_PAGE)
    _complete(visit, part.rows, at.astimezone(visit.language.zone).date())
    return visit.render(
        "members.html",
        form.status,
        form=form,
        members=part.rows,
        pages=part.pages,
        at=None if at == visit.now else at,
        everybody=everybody,
        asked=asked.get("q", ""),
        count=len(enrolled),
        voting=sum(one.votes for one in enrolled.values()),
    )


def _everybody(visit: Visit, enrolled: dict[str, Enrolment]) -> list[Listed]:
    from toutdoux.tables.columns import folded  # much to load, for a first page

    rows = Member.objects.filter(association=visit.id).order_by()
    listed = [
        Listed(id, handle, name or visit.erased, erased, founder, enrolled.get(id), [])
        for id, handle, name, erased, founder in rows.values_list(
            "id", "handle", "name", "erased", "founder"
        )
    ]
    return sorted(listed, key=lambda one: (one.erased, folded(one.name), one.handle))


def _is_meant(one: Listed, asked: str) -> bool:
    from toutdoux.tables.columns import folded

    wanted = folded(asked.removeprefix("@"))
    return not wanted or wanted in folded(one.name) or wanted in folded(one.handle)


def _complete(visit: Visit, listed: list[Listed], day: date) -> None:
    """What is only asked of those who are shown."""
    known = {one.id: one for one in listed}
    for role, text in roster.roles(visit.id, day, known):
        known[role.member_id].roles.append(text or visit.erased)
    if visit.is_steward:
        waiting = Invitation.objects.filter(member__in=known, used=None, ends__gt=visit.now)
        for id in waiting.values_list("member_id", flat=True):
            known[id].account = "invited"
        for id in Seat.objects.filter(member__in=known).values_list("member_id", flat=True):
            known[id].account = "seat"


# --- one member ----------------------------------------------------------------------------------


def member_of(visit: Visit, handle: str) -> Member:
    """The member of a handle. Raises `Http404` if there is none such here."""
    found = Member.objects.filter(association=visit.id, handle=handle).first()
    if found is None:
        raise Http404
    return found


@page
def member(visit: Visit, handle: str) -> HttpResponse:
    return _member_page(visit, member_of(visit, handle))


def _member_page(visit: Visit, row: Member, status: int = 200, **context: Any) -> HttpResponse:
    if visit.request.method != "POST":
        visit.settle()
    enrolment = roster.enrolled(visit.id, visit.now, [row.id]).get(row.id)
    rows = Action.objects.filter(association=visit.id)
    led = list(
        rows.filter(Q(state__in=UNDECIDED) | Q(state="adopted", followed_up__in=GOING_ON))
        .filter(leader=row.id)
        .order_by("-order")
        .values_list("ref", flat=True)[:LED]
    )
    every = rows.filter(proposer=row.id).order_by("-order").values_list("ref", flat=True)
    proposed = part_of(every, visit.request.GET, 20)
    refs = {*led, *proposed.rows}
    standing = reading.standing(visit.id, visit.now, visit.erased, only=refs)
    return visit.render(
        "member.html",
        status,
        row=row,
        called=visit.erased if row.erased else row.name,
        enrolment=enrolment,
        periods=list(row.memberships.all()),
        roles=list(roster.roles(visit.id, members=[row.id])),
        led=[standing.actions[ref] for ref in led],
        proposed=proposed,
        actions=standing.actions,
        sees_address=visit.is_steward or row.id == visit.me,
        account=None if row.erased else _account_of(visit, row),
        **{"form": Form(first=visit.today), "inviting": Form(email=row.email), "link": None}
        | context,
    )


@dataclass(frozen=True, slots=True)
class Login:
    """A member's account, as all members may see it."""

    since: datetime | None
    """Since when they have one; None if they have none."""
    invited: datetime | None
    """Until when an invitation waits."""
    past: list[tuple[str, str, datetime]]
    """What was done about it: the entry's kind, the name of who did it (empty if whoever runs the
    installation did), when."""


_ABOUT_ACCOUNTS = ("member.invited", "account.claimed", "account.closed")


def _account_of(visit: Visit, row: Member) -> Login:
    seat = Seat.objects.filter(member=row).values_list("since", flat=True).first()
    ends = Invitation.objects.filter(member=row, used=None, ends__gt=visit.now).order_by("-ends")
    told = reading.entries_about(visit.id, row.id, visit.erased)
    past = [one for one in told if one["kind"] in _ABOUT_ACCOUNTS]
    names = names_of((one["by"] for one in past if "by" in one), visit.erased)
    return Login(
        since=seat,
        invited=ends.values_list("ends", flat=True).first(),
        past=[
            (one["kind"], names.get(one.get("by", ""), ""), read_instant(one["at"])) for one in past
        ],
    )


# --- what référent·es record ---------------------------------------------------------------------


def _no_action_yet(visit: Visit) -> bool:
    return not Action.objects.filter(association=visit.id).exists()


@page(steward=True)
def add(visit: Visit) -> HttpResponse:
    posted = visit.request.method == "POST"
    form = Form(visit.request.POST) if posted else Form(joined=visit.today)
    if posted:
        name = form.line("name", say("the member's name"))
        day = form.day("joined", visit.today)
        if form.sound:
            with form.taking(visit.id):
                id = commands.add_member(
                    visit.asks(),
                    name,
                    handle=form["handle"].strip().lower() or None,
                    joined=_instant(visit, day),
                    founder=form.on("founder"),
                    email=form["email"],
                )
                row = Member.objects.get(pk=id)
                return visit.to("member", _welcome(visit, row), handle=row.handle)
    delay = in_force(visit.id, visit.now).charter.voting_right_delay
    return visit.render(
        "member_add.html",
        form.status,
        form=form,
        founders=_no_action_yet(visit),
        enough=(visit.now - delay).astimezone(visit.language.zone).date(),
        begins=(visit.now + delay).astimezone(visit.language.zone).date(),
    )


def _welcome(visit: Visit, row: Member) -> Sentence:
    """That somebody is a member, and from when on they may vote."""
    enrolment = roster.enrolled(visit.id, visit.now, [row.id]).get(row.id)
    if enrolment is None:
        return say("It is noted that {name} will be a member", name=row.name)
    if enrolment.votes:
        return say("{name} is a member, and may vote from now on", name=row.name)
    return say(
        "{name} is a member, and may vote from {at} on", name=row.name, at=enrolment.votes_from
    )


def _instant(visit: Visit, day: date | None) -> datetime | None:
    """When a day begins; None, which is now, for today."""
    if day is None or day == visit.today:
        return None
    return first_instant(day, visit.language.zone)


@page(steward=True)
def change(visit: Visit, handle: str) -> HttpResponse:
    """Change somebody's name, handle or address."""
    row = member_of(visit, handle)
    if row.erased:
        raise Http404
    posted = visit.request.method == "POST"
    form = Form(visit.request.POST) if posted else name_form(row)
    if posted and renamed(visit, row, form):
        return visit.to("member", say("This is noted"), handle=row.handle)
    return visit.render("member_change.html", form.status, form=form, row=row)


def name_form(row: Member) -> Form:
    return Form(name=row.name, handle=row.handle, email=row.email)


def renamed(visit: Visit, row: Member, form: Form) -> bool:
    """Give somebody the name, handle and address of a form; whether that could be done."""
    told = {
        "name": form.line("name", say("the member's name")),
        "handle": form["handle"].strip().lower().removeprefix("@") or row.handle,
        "email": form["email"].strip(),
    }
    new = {key: value for key, value in told.items() if value != getattr(row, key)}
    if form.sound and new:
        with form.taking(visit.id):
            commands.rename_member(visit.asks(), row.id, **new)
            row.refresh_from_db()
    return form.sound


@page(steward=True)
def end(visit: Visit, handle: str) -> HttpResponse:
    """Record that somebody left, or returned: whichever they can."""
    row = member_of(visit, handle)
    periods = list(row.memberships.all())
    leaves = periods[-1].left is None or periods[-1].left > visit.now
    posted = visit.request.method == "POST"
    form = Form(visit.request.POST) if posted else Form(day=visit.today)
    if posted:
        # What the form was about, which may be over by now.
        leaves = form["what"] != "return"
        day = form.day("day", visit.today)
        command = commands.end_membership if leaves else commands.begin_membership
        if form.sound:
            with form.taking(visit.id):
                command(visit.asks(), row.id, _instant(visit, day))
                said = (
                    say("It is noted that {name} leaves", name=row.name)
                    if leaves
                    else say("It is noted that {name} is a member again", name=row.name)
                )
                return visit.to("member", said, handle=row.handle)
    return visit.render("member_end.html", form.status, form=form, row=row, leaves=leaves)


@require_POST
@page(steward=True)
def give_role(visit: Visit, handle: str) -> HttpResponse:
    row = member_of(visit, handle)
    form = Form(visit.request.POST)
    text = form.line("role", say("the role"))
    first, last = form.day("first", visit.today), form.day("last")
    if form.sound and first is not None:
        with form.taking(visit.id):
            commands.give_role(visit.asks(), row.id, text, first, last)
            said = say("{name}: the role “{role}” is noted", name=row.name, role=text)
            return visit.to("member", said, handle=row.handle)
    return _member_page(visit, row, form.status, form=form)


@require_POST
@page(steward=True)
def end_role(visit: Visit, handle: str, role: str) -> HttpResponse:
    row = member_of(visit, handle)
    if not Role.objects.filter(pk=role, member=row).exists():
        raise Http404
    form = Form(visit.request.POST)
    last = form.day("end", visit.today)
    if form.sound and last is not None:
        with form.taking(visit.id):
            commands.end_role(visit.asks(), role, last)
            return visit.to("member", say("The end of the role is noted"), handle=row.handle)
    return _member_page(visit, row, form.status, form=form, ending=role)


# --- import --------------------------------------------------------------------------------------


@page(steward=True)
def import_(visit: Visit) -> HttpResponse:
    """Take the members of a file: first what would change is shown, then it is carried out."""
    if visit.request.method != "POST":
        return visit.render("member_import.html", form=Form(), outcome=None, wrong=[])
    posted = visit.request.POST
    form = Form(posted)
    confirmed = "content" in posted
    told: list[MembersImported] = []
    notes: list[Sentence] = []
    wrong: list[Refusal] = []
    rights: dict[str, Enrolment] = {}
    content = _content_confirmed(visit) if confirmed else _content_sent(visit, form)
    if form.sound:
        with form.taking(), in_file(wrong):
            members = read_members(
                content["bytes"].encode("latin-1"), content["file"], content["columns"]
            )
            done, rights = carry_out_list(visit, members.rows, content, dry_run=not confirmed)
            told.append(done)
            notes = [*members.notes, *done.notes]
    if told and confirmed:
        n = len(told[0].done)
        return visit.to("members", say_n("{n} change is recorded", "{n} changes are recorded", n))
    return visit.render(
        "member_import.html",
        form.status,
        form=form,
        outcome=told[0] if told else None,
        rights=rights,
        at_once=sum(
            one.what != What.LEAVES and one.member in rights and rights[one.member].votes
            for one in (told[0].done if told else ())
        ),
        notes=notes,
        wrong=wrong,
        content=signing.dumps(content, salt=visit.id, compress=True) if told else "",
    )


def _content_sent(visit: Visit, form: Form) -> dict[str, Any]:
    """What was sent, and how to read it: all that the confirmation needs."""
    file = visit.request.FILES.get("file")
    joined, missing = form.day("joined"), form.day("missing")
    columns = {}
    for line in form["columns"].splitlines():
        field, equals, column = line.partition("=")
        if equals and column.strip():
            columns[field.strip()] = column.strip()
        elif line.strip():
            form.problems["columns"] = say(
                "“{text}” does not say which column holds what", text=line
            )
    if file is None:
        form.problems["file"] = say("choose a file")
    elif file.size > LARGEST_FILE:
        form.problems["file"] = say("the file is larger than {n} MB", n=LARGEST_FILE // 1_000_000)
    return {
        # As JSON can hold it, byte for byte.
        "bytes": file.read().decode("latin-1") if file and form.sound else "",
        "file": file.name if file else "",
        "columns": mapping_of(columns),
        "joined": joined and joined.isoformat(),
        "missing": missing and missing.isoformat(),
    }


def _content_confirmed(visit: Visit) -> dict[str, Any]:
    """What was shown before, as it was then."""
    try:
        content: dict[str, Any] = signing.loads(
            visit.request.POST["content"], salt=visit.id, max_age=86_400
        )
    except signing.BadSignature:
        raise Refusal(
            say("this list was shown too long ago"), say("choose the file again, and look at it")
        ) from None
    return content


def carry_out_list(
    visit: Visit, rows: Any, content: dict[str, Any], *, dry_run: bool
) -> tuple[MembersImported, dict[str, Enrolment]]:
    """Carry a list out, or only try to: what is done, and the rights of those it is done to."""

    def begin(day: str | None) -> datetime | None:
        return day and first_instant(read_date(day), visit.language.zone)  # type: ignore[return-value]

    with transaction.atomic():
        told = import_members(
            visit.asks(),
            rows,
            file=content["file"],
            joined=begin(content["joined"]),
            missing=begin(content["missing"]),
        )
        # What is told after the fact is taken as it comes; but whoever does this is a référent·e,
        # and somebody has to be one afterwards.
        if not stewards(visit.id, visit.today):
            raise Refusal(
                say("this leaves the association without any référent·e"),
                say("give this role to somebody who stays first"),
            )
        rights = roster.enrolled(visit.id, visit.now)
        if dry_run:
            transaction.set_rollback(True)
    return told, rights


@contextmanager
def in_file(wrong: list[Refusal]) -> Iterator[None]:
    """What is wrong in a file, with the lines, as refusals that pages can say."""
    try:
        yield
    except TableError as error:
        wrong += [_at_line(one) for one in (error, *error.others)]
        if len(wrong) == 1:
            raise wrong[0] from None
        raise Refusal(
            say_n("{n} line cannot be taken", "{n} lines cannot be taken", len(wrong)),
            say("correct them, and choose the file again"),
        ) from None


def _at_line(error: TableError) -> Refusal:
    why = error.why
    if error.line is not None:
        why = say("line {line}: {why}", line=error.line, why=why)
    # The command line names columns otherwise.
    mapped = "--map" in error.remedy.message
    here = say("say below which title it is, for instance name=TITLE")
    return Refusal(why, here if mapped else error.remedy)


# --- invitations ---------------------------------------------------------------------------------


@require_POST
@page(steward=True)
def invite(visit: Visit, handle: str) -> HttpResponse:
    """Make a link by which a member gets their account. It is shown now, and never again."""
    row = member_of(visit, handle)
    form = Form(visit.request.POST)
    email = form["email"].strip()
    if email and not commands.is_email(email):
        form.problems["email"] = say("“{text}” is not an e-mail address", text=email)
        return _member_page(visit, row, 422, inviting=form)
    with form.taking(visit.id):
        link = accounts.invite_newcomer(visit.asks(), row, email)
    if not form.sound:
        return _member_page(visit, row, form.status, form=form, inviting=form)
    mailed = bool(email) and settings.MAIL_IS_SENT
    return _member_page(visit, row, inviting=form, link=link, mailed=mailed and email)


@page(steward=True)
def invitations(visit: Visit) -> HttpResponse:
    """Those who have no account yet; and a link for each at once."""
    enrolled = roster.enrolled(visit.id, visit.now)
    rows = Member.objects.filter(association=visit.id, erased=False, seat__isnull=True)
    without = [row for row in rows if row.id in enrolled]
    part = part_of(without, visit.request.GET, A_PAGE)
    mailed = settings.MAIL_IS_SENT
    links = []
    if visit.request.method == "POST":
        wanted = {*visit.request.POST.getlist("member")}
        with transaction.atomic():
            links = [
                (row, accounts.invite(visit.asks(), row, row.email), mailed and row.email)
                for row in part.rows
                if row.id in wanted
            ]
    waiting = Invitation.objects.filter(
        member__in=[row.id for row in part.rows], used=None, ends__gt=visit.now
    )
    invited = dict(waiting.order_by("ends").values_list("member_id", "ends"))
    return visit.render(
        "member_invitations.html",
        part=part,
        links=links,
        invited=invited,
        mail=mailed,
    )


@require_POST
@page(steward=True)
def close_account(visit: Visit, handle: str) -> HttpResponse:
    """Close a member's account: it lets nobody in any more, and they can be invited again."""
    row = member_of(visit, handle)
    form = Form(visit.request.POST)
    with form.taking(visit.id):
        accounts.close(visit.asks(), row)
        said = say("The account of {name} is closed", name=row.name)
        return visit.to("member", said, handle=row.handle)
    return _member_page(visit, row, form.status, form=form)


urls = [
    path("members", members, name="members"),
    # No handle begins with a sign.
    path("members/+add", add, name="member_add"),
    path("members/+import", import_, name="member_import"),
    path("members/+invitations", invitations, name="member_invitations"),
    path("members/<str:handle>", member, name="member"),
    path("members/<str:handle>/change", change, name="member_change"),
    path("members/<str:handle>/membership", end, name="member_end"),
    path("members/<str:handle>/invite", invite, name="member_invite"),
    path("members/<str:handle>/account/close", close_account, name="member_close_account"),
    path("members/<str:handle>/roles", give_role, name="member_give_role"),
    path("members/<str:handle>/roles/<str:role>", end_role, name="member_end_role"),
]
