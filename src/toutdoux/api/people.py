"""The association, who asks, and its members."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from django.conf import settings
from ninja import Path, Query, Router

from toutdoux.actions import commands, reading
from toutdoux.association import roster
from toutdoux.association.models import Member as MemberRow
from toutdoux.association.models import Role
from toutdoux.association.settings import settings_of
from toutdoux.core.voters import awaiting
from toutdoux.core.words import Refusal, say
from toutdoux.web import accounts
from toutdoux.web.door import Visit
from toutdoux.web.kinds import Kind as NoticeKind
from toutdoux.web.kinds import pace
from toutdoux.web.views import me as me_pages
from toutdoux.web.views import members as member_pages

from . import shapes, telling
from .door import Caller, association_row, operation
from .problems import Problem, invalid
from .telling import made

router = Router()
HandlePath = Annotated[str, Path(max_length=60, examples=["ana"])]


# --- the association -----------------------------------------------------------------------------


@operation(router, "GET", "/association", shapes.Association)
def association(caller: Caller) -> Any:
    """Show the association.

    The one whose member the token is of. Nothing here ever tells of another.
    """
    return _association(caller)


def _association(caller: Caller) -> Any:
    row = association_row(caller)
    enrolled = roster.enrolled(row.pk, caller.now).values()
    told = {
        "name": row.name,
        "slug": row.slug,
        "time_zone": row.time_zone,
        "language": row.language,
        "members": len(enrolled),
        "voting": sum(one.votes for one in enrolled),
        "settings": dict(settings_of(row)),
    }
    return made(shapes.Association, told)


@operation(router, "PATCH", "/association", shapes.Association, steward=True)
def change_association(caller: Caller, said: shapes.AssociationChange) -> Any:
    """Change the association's name, time zone or language."""
    commands.change_association(caller.asks(), **said.model_dump(exclude_none=True))
    return _association(caller)


@operation(router, "PATCH", "/association/settings", shapes.Association, steward=True)
def change_settings(caller: Caller, said: shapes.SettingsChange) -> Any:
    """Change what the public sees, and whom it may write to."""
    commands.change_settings(caller.asks(), said.model_dump(exclude_none=True))
    return _association(caller)


# --- who asks ------------------------------------------------------------------------------------


@operation(router, "GET", "/me", shapes.Me)
def me(caller: Caller) -> Any:
    """Show who asks: the member, and what the token may do."""
    row = MemberRow.objects.get(pk=caller.me)
    told = {
        **telling.member(caller, row),
        "steward": caller.is_steward,
        "language": caller.language.code,
        "token": caller.token.name if caller.token else None,
        "writes": caller.token is None or caller.token.writes,
    }
    return made(shapes.Me, told)


@operation(router, "GET", "/me/awaiting", list[shapes.Awaited])
def my_awaiting(caller: Caller) -> Any:
    """List the open ballots that await the caller's vote, the soonest to close first."""
    refs = reading.refs_for(caller.id, caller.me, caller.now, decided=0)
    standing = reading.standing(
        caller.id, caller.now, caller.erased, only=refs, members=[caller.me]
    )
    return [
        shapes.Awaited(
            action=one.action.ref,
            object=one.action.object,
            ballot=one.ballot.value,
            closes_at=str(telling.utc(one.closes_at)),
        )
        for one in awaiting(standing, caller.me)
    ]


@operation(router, "GET", "/me/notices", shapes.Notices)
def my_notices(caller: Caller) -> Any:
    """Show of what the caller is told by mail, and when."""
    return _notices(caller)


@operation(router, "PATCH", "/me/notices", shapes.Notices)
def change_my_notices(caller: Caller, said: shapes.NoticesChange) -> Any:
    """Choose of what to be told by mail, and when: at once, in a daily digest, or never."""
    seat = caller.seat
    assert seat is not None
    seat.notices = {**seat.notices, **said.model_dump(exclude_none=True)}
    seat.save(update_fields=["notices"])
    return _notices(caller)


def _notices(caller: Visit) -> Any:
    assert caller.seat is not None
    chosen = caller.seat.notices
    return made(shapes.Notices, {kind.value: pace(chosen, kind).value for kind in NoticeKind})


@operation(router, "GET", "/me/data", dict[str, Any])
def my_data(caller: Caller) -> Any:
    """Take away all that is kept of the caller."""
    return orjson.loads(orjson.dumps(me_pages.my_data(caller)))


@operation(router, "GET", "/me/calendar", shapes.Address)
def my_calendar(caller: Caller) -> Any:
    """Show the address of the caller's own calendar. Whoever knows it reads it."""
    return shapes.Address(address=me_pages.calendar_of(caller))


@operation(router, "POST", "/me/calendar", shapes.Address, status=201)
def renew_my_calendar(caller: Caller) -> Any:
    """Give the caller's own calendar another address: the one there was leads nowhere any more."""
    me_pages.renew_calendar(caller)
    return shapes.Address(address=me_pages.calendar_of(caller))


# --- members -------------------------------------------------------------------------------------


@operation(router, "GET", "/members", shapes.Page[shapes.ListedMember])
def members(
    caller: Caller,
    q: Annotated[
        str, Query(max_length=200, description="A part of a name or a handle.", examples=["ana"])
    ] = "",
    at: Annotated[
        str | None,
        Query(description="A day: who was a member when it began.", examples=["2026-03-01"]),
    ] = None,
    former: Annotated[
        shapes.YesNo, Query(description="Whether those who are no members then are there, too.")
    ] = "false",
    page: shapes.Digits = shapes.PAGE,
    size: shapes.Digits = shapes.SIZE,
) -> Any:
    """List the members, by name."""
    from toutdoux.tables.columns import folded  # much to load

    enrolled = roster.enrolled(caller.id, caller.instant("at", at) or caller.now)
    wanted = folded(q.removeprefix("@"))
    rows = MemberRow.objects.filter(association=caller.id).order_by()
    found = [
        row
        for row in rows
        if (former == "true" or row.id in enrolled)
        and (wanted in folded(row.name) or wanted in folded(row.handle))
    ]
    found.sort(key=lambda row: (row.erased, folded(row.name), row.handle))
    shown = [
        telling.listed_member(caller, row, enrolled.get(row.id))
        for row in telling.cut(found, page, size)
    ]
    told = telling.paged(caller, shown, page, size, len(found))
    return made(shapes.Page[shapes.ListedMember], told)


@operation(router, "POST", "/members", shapes.Member, status=201, steward=True)
def add_member(caller: Caller, said: shapes.NewMember) -> Any:
    """Record that somebody joined."""
    id = commands.add_member(
        caller.asks(),
        said.name,
        handle=said.handle,
        joined=caller.instant("joined", said.joined),
        founder=said.founder,
        email=said.email,
    )
    return _member(caller, MemberRow.objects.get(pk=id))


@operation(router, "POST", "/members/import", shapes.MembersImported, steward=True)
def import_members(caller: Caller, said: shapes.MemberList) -> Any:
    """Take the members of an export, as CSV: all of it, or nothing.

    With `dry_run`, tell what would change, and change nothing. It can be sent again and again.
    """
    from toutdoux.tables import mapping_of, read_members  # much to load

    for name in ("joined", "missing"):
        caller.day_or_none(name, getattr(said, name))
    content = {"file": "csv", "joined": said.joined, "missing": said.missing}
    wrong: list[Refusal] = []
    try:
        with member_pages.in_file(wrong):
            members = read_members(said.csv, "csv", mapping_of(said.columns))
            told, _ = member_pages.carry_out_list(
                caller, members.rows, content, dry_run=said.dry_run
            )
    except Refusal as refusal:
        errors = [("csv", one.why) for one in wrong]
        raise Problem(422 if wrong else 409, refusal.why, refusal.remedy, errors) from None
    changes = [
        {"what": one.what.value, "member": one.handle, "name": one.name, "day": one.day.isoformat()}
        for one in told.done
    ]
    notes = [caller.language.say(one) for one in (*members.notes, *told.notes)]
    return made(shapes.MembersImported, {"changes": changes, "notes": notes})


@operation(router, "GET", "/members/{handle}", shapes.Member)
def member(caller: Caller, handle: HandlePath) -> Any:
    """Show a member: their memberships, roles, and what they lead."""
    return _member(caller, caller.member_called(handle))


def _member(caller: Caller, row: MemberRow) -> Any:
    row.refresh_from_db()
    return made(shapes.Member, telling.member(caller, row))


@operation(router, "PATCH", "/members/{handle}", shapes.Member)
def change_member(caller: Caller, handle: HandlePath, said: shapes.MemberChange) -> Any:
    """Change a member's name, handle or address.

    For référent·es, and for the member themself.
    """
    row = _mine_or_stewards(caller, handle)
    commands.rename_member(caller.asks(), row.id, **said.model_dump(exclude_none=True))
    return _member(caller, row)


def _mine_or_stewards(caller: Caller, handle: str) -> MemberRow:
    row = caller.member_called(handle)
    if row.id != caller.me:
        caller.must_be_steward()
    if row.erased:
        raise Problem(404)
    return row


@operation(router, "POST", "/members/{handle}/leave", shapes.Member)
def end_membership(caller: Caller, handle: HandlePath, said: shapes.OnDay) -> Any:
    """Record that somebody left, from the first instant of a day on.

    For référent·es, and for the member themself. The ballots that are open no longer count on
    them.
    """
    row = _mine_or_stewards(caller, handle)
    commands.end_membership(caller.asks(), row.id, caller.instant("on", said.on))
    return _member(caller, row)


@operation(router, "POST", "/members/{handle}/return", shapes.Member, steward=True)
def begin_membership(caller: Caller, handle: HandlePath, said: shapes.OnDay) -> Any:
    """Record that somebody is a member again."""
    row = _mine_or_stewards(caller, handle)
    commands.begin_membership(caller.asks(), row.id, caller.instant("on", said.on))
    return _member(caller, row)


@operation(
    router, "POST", "/members/{handle}/invitation", shapes.Invitation, status=201, steward=True
)
def invite(caller: Caller, handle: HandlePath, said: shapes.NewInvitation) -> Any:
    """Make a link by which a member gets their account. It is told now, and never again.

    With an address, and where mails are sent, it goes there as well. The links there were for this
    member lead nowhere any more.
    """
    row = caller.member_called(handle)
    if said.email and not commands.is_email(said.email):
        refusal = Refusal(
            say("“{text}” is not an e-mail address", text=said.email), say("correct it")
        )
        raise invalid("email", refusal)
    link = accounts.invite_newcomer(caller.asks(), row, said.email)
    return shapes.Invitation(link=link, mailed=bool(said.email) and settings.MAIL_IS_SENT)


@operation(router, "POST", "/members/{handle}/account/close", shapes.Member, steward=True)
def close_account(caller: Caller, handle: HandlePath) -> Any:
    """Close a member's account: it lets nobody in any more, and they can be invited again."""
    row = caller.member_called(handle)
    accounts.close(caller.asks(), row)
    return _member(caller, row)


@operation(router, "POST", "/members/{handle}/roles", shapes.Member, status=201, steward=True)
def give_role(caller: Caller, handle: HandlePath, said: shapes.NewRole) -> Any:
    """Record that a member takes a role on."""
    row = _mine_or_stewards(caller, handle)
    first = caller.day_or_none("first", said.first) or caller.today
    last = caller.day_or_none("last", said.last)
    commands.give_role(caller.asks(), row.id, said.role, first, last)
    return _member(caller, row)


@operation(router, "POST", "/members/{handle}/roles/{role}/end", shapes.Member, steward=True)
def end_role(
    caller: Caller,
    handle: HandlePath,
    role: Annotated[str, Path(max_length=32, examples=["16570833dfaf9934"])],
    said: shapes.OnDay,
) -> Any:
    """Record the last day of a role."""
    row = caller.member_called(handle)
    if not Role.objects.filter(pk=role, member=row).exists():
        raise Problem(404)
    last = caller.day_or_none("on", said.on) or caller.today
    commands.end_role(caller.asks(), role, last)
    return _member(caller, row)
