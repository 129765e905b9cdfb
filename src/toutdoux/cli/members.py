"""Who there is: `member`, `role`."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import click

from toutdoux.core.words import Sentence, say, say_n
from toutdoux.language import Language

from .desk import Desk
from .options import (
    association_option,
    at_option,
    examples,
    format_option,
    lang_option,
    told_at_option,
)
from .progress import progress
from .speech import Problem, print_json, print_table, shown, terminal

if TYPE_CHECKING:
    from toutdoux.actions.member_import import Done
    from toutdoux.association.models import Member, Role
    from toutdoux.core.replay import Standing
    from toutdoux.core.roll import Enrolment

_word = terminal.word


def _tell(sentence: Sentence, language: Language = terminal) -> None:
    click.echo(shown(language.say(sentence)))


def _when(desk: Desk, text: str | None, where: str) -> datetime | None:
    """When something happened, or will: None for now.

    What is past is told after the fact, so that a history can be told in any order.
    """
    if text is None:
        return None
    instant = desk.instant(text, where)
    desk.at = instant if instant <= desk.now else None
    return instant


# --- member --------------------------------------------------------------------------------------


@click.group(
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Record who joins and who leaves, and see who there is."),
    epilog=examples(
        'toutdoux member add "Ana Brun" --joined 2020-09-15',
        "toutdoux member leave ana --on 2021-06-08",
        "toutdoux member list --at 2021-07-18",
        "toutdoux member import members.csv --dry-run",
    ),
)
def member() -> None:
    pass


@member.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Record that somebody joined; prints their handle."),
    epilog=examples(
        'toutdoux member add "Ana Brun" --joined 2020-09-15 --founder',
        'toutdoux member add "Zoé Petit" --joined 2021-03-01 --handle zozo',
    ),
)
@click.argument("name", metavar=_word("NAME"))
@click.option(
    "--joined",
    "--at",
    "joined",
    metavar=_word("DATE"),
    help=_word("The day they joined (now, unless given)."),
)
@click.option(
    "--handle",
    metavar=_word("HANDLE"),
    help=_word("What commands and chats call them (made of the name, unless given)."),
)
@click.option(
    "--founder", is_flag=True, help=_word("They have the right to vote from the beginning.")
)
@click.option("--email", default="", metavar=_word("EMAIL"), help=_word("Their e-mail address."))
@click.option("--by", metavar=_word("MEMBER"), help=_word("The member who takes them in."))
@association_option
def add(
    name: str,
    joined: str | None,
    handle: str | None,
    founder: bool,
    email: str,
    by: str | None,
    slug: str | None,
) -> None:
    desk = Desk(slug)
    from toutdoux.actions import commands
    from toutdoux.association.models import Member

    when = _when(desk, joined, "--joined")
    desk.by = None if by is None else desk.member(by)
    id = desk.carry_out(
        commands.add_member,
        name,
        handle=handle,
        joined=when,
        founder=founder,
        email=email,
    )
    click.echo(Member.objects.get(pk=id).handle)


@member.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Record that somebody left, from the first instant of a day on. The ballots that are open"
        " when it is recorded no longer count on them; those told wholly after the fact know of it"
        " from its day."
    ),
    epilog=examples("toutdoux member leave zoe", "toutdoux member leave zoe --on 2021-06-08"),
)
@click.argument("name", metavar=_word("MEMBER"))
@click.option(
    "--on",
    "--at",
    "on",
    metavar=_word("DATE"),
    help=_word("The first day on which they are no longer a member (now, unless given)."),
)
@association_option
def leave(name: str, on: str | None, slug: str | None) -> None:
    desk = Desk(slug)
    row = desk.member_row(name)
    when = _when(desk, on, "--on")
    before = _standing_now(desk)
    from toutdoux.actions import commands

    desk.carry_out(commands.end_membership, row.id, when)
    at = desk.language.instant(when or desk.now)
    _tell(say("{member} is no longer a member from {at} on.", member=row.handle, at=at))
    touched = _struck_off(row.id, before, _standing_now(desk))
    if touched:
        _tell(
            say_n(
                "This takes them off the roll of an open action: {actions}.",
                "This takes them off the rolls of {n} open actions: {actions}.",
                len(touched),
                actions=", ".join(touched),
            )
        )


def _standing_now(desk: Desk) -> Standing:
    """Where the open actions stand, without writing down what has fallen due."""
    from toutdoux.actions import reading
    from toutdoux.actions.models import Action

    # What is decided and not written down yet may be among what the departure changes.
    rows = Action.objects.filter(association=desk.id, recorded=False)
    refs = rows.values_list("ref", flat=True)
    # The clock is read again: what was recorded a moment ago has happened.
    return reading.standing(desk.id, datetime.now(UTC), "", only=tuple(refs))


def _struck_off(member: str, before: Standing, after: Standing) -> list[str]:
    """The actions whose roll somebody was taken off, with what became of each if that decides."""
    told = []
    for ref, action in after.actions.items():
        was = before.actions.get(ref)
        if was is not None and member in action.struck and member not in was.struck:
            changed = action.state is not was.state
            told.append(f"{ref} ({terminal.name(action.state)})" if changed else ref)
    return told


@member.command(
    "return",
    options_metavar=_word("[OPTIONS]"),
    help=_word("Record that somebody who had left is a member again."),
    epilog=examples("toutdoux member return zoe --on 2021-09-01"),
)
@click.argument("name", metavar=_word("MEMBER"))
@click.option(
    "--on",
    "--at",
    "on",
    metavar=_word("DATE"),
    help=_word("The day from which they are a member again (now, unless given)."),
)
@association_option
def return_(name: str, on: str | None, slug: str | None) -> None:
    desk = Desk(slug)
    row = desk.member_row(name)
    from toutdoux.actions import commands

    when = _when(desk, on, "--on")
    desk.carry_out(commands.begin_membership, row.id, when)
    at = desk.language.instant(when or desk.now)
    _tell(say("{member} is a member again from {at} on.", member=row.handle, at=at))


@member.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Change somebody's name, handle or e-mail address."),
    epilog=examples(
        'toutdoux member rename ana --name "Ana Brun-Petit"',
        "toutdoux member rename ana --handle anab --email ana@example.org",
    ),
)
@click.argument("who", metavar=_word("MEMBER"))
@click.option("--name", metavar=_word("NAME"), help=_word("Their new name."))
@click.option("--handle", metavar=_word("HANDLE"), help=_word("Their new handle."))
@click.option("--email", metavar=_word("EMAIL"), help=_word("Their new e-mail address."))
@association_option
@told_at_option
def rename(
    who: str,
    name: str | None,
    handle: str | None,
    email: str | None,
    slug: str | None,
    at: str | None,
) -> None:
    if name is None and handle is None and email is None:
        raise Problem(say("nothing is said to change"), say("give --name, --handle or --email"))
    desk = Desk(slug, at)
    row = desk.member_row(who)
    from toutdoux.actions import commands

    told = {"name": name, "handle": handle and handle.removeprefix("@"), "email": email}
    new = {key: value for key, value in told.items() if value not in (None, getattr(row, key))}
    if not new:
        _tell(say("That is how it was already; nothing is changed."))
        return
    desk.carry_out(commands.rename_member, row.id, **new)
    row.refresh_from_db()
    _tell(
        say(
            "{member} is now {name}, with the handle {handle}.",
            member=who,
            name=row.name,
            handle=row.handle,
        )
    )


# --- who there is --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Listed:
    """Somebody as a list shows them at an instant."""

    row: Member
    name: str
    enrolment: Enrolment | None
    """None for somebody who is no member then."""
    left: datetime | None
    roles: list[str]

    def as_data(self) -> dict[str, Any]:
        now = self.enrolment
        return {
            "handle": self.row.handle,
            "name": self.name,
            "member": now is not None,
            "since": _utc(now.since) if now else None,
            "left": _utc(self.left),
            "right_to_vote": bool(now and now.votes),
            "right_from": _utc(now.votes_from) if now and not now.votes else None,
            "founder": self.row.founder,
            "roles": self.roles,
        }


def _utc(instant: datetime | None) -> str | None:
    from toutdoux.core.instants import utc_text

    return None if instant is None else utc_text(instant)


def _listed(desk: Desk) -> list[_Listed]:
    """Everybody who is or was a member by the instant asked about, by handle."""
    from toutdoux.association.models import Member

    if desk.at is None:
        desk.look()  # what has fallen due may give somebody the right to vote
    at = desk.at or desk.now
    enrolled = _enrolled(desk, at)
    roles: dict[str, list[str]] = {}
    for role, name in _roles(desk, at.astimezone(desk.zone).date()):
        roles.setdefault(role.member_id, []).append(name)
    listed = []
    for row in Member.objects.filter(association=desk.id).prefetch_related("memberships"):
        periods = [one for one in row.memberships.all() if one.joined <= at]
        if periods or row.id in enrolled:
            left = None if row.id in enrolled or not periods else periods[-1].left
            listed.append(
                _Listed(row, _name(desk, row), enrolled.get(row.id), left, roles.get(row.id, []))
            )
    return listed


def _enrolled(desk: Desk, at: datetime) -> dict[str, Enrolment]:
    """Who is a member, and who may vote, at the instant asked about."""
    from toutdoux.association import roster
    from toutdoux.core.roll import enrolments

    if desk.at is None:
        return roster.enrolled(desk.id, at)
    standing = desk.standing()
    charter = standing.charter_at(at).charter
    return enrolments(standing.members, charter.voting_right_delay, standing.granted, at)


def _name(desk: Desk, row: Member) -> str:
    return desk.language.word("(forgotten)") if row.erased else row.name


@member.command(
    "list",
    options_metavar=_word("[OPTIONS]"),
    help=_word("List the members, with their right to vote and their roles, and count them."),
    epilog=examples(
        "toutdoux member list",
        "toutdoux member list --at 2021-07-18 --format csv",
        "toutdoux member list --all",
    ),
)
@click.option("--all", "everybody", is_flag=True, help=_word("Those who left, too."))
@at_option
@association_option
@format_option("table", "json", "csv")
@lang_option
def list_(everybody: bool, at: str | None, slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, at, lang)
    listed = _listed(desk)
    members = [one for one in listed if one.enrolment]
    voting = sum(one.enrolment.votes for one in members if one.enrolment)
    rows = listed if everybody else members
    if form == "json":
        print_json(
            {
                "at": _utc(desk.at or desk.now),
                "members": len(members),
                "right_to_vote": voting,
                "list": [one.as_data() for one in rows],
            }
        )
        return
    titles, cells = _member_cells(desk, rows, everybody)
    if form == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([titles, *cells])
        click.echo(shown(out.getvalue()) if sys.stdout.isatty() else out.getvalue(), nl=False)
        return
    title = f"{desk.association.name}, {desk.language.instant(desk.at or desk.now)}"
    if rows:
        print_table(titles, cells, title=title, prose={1: 12, len(titles) - 1: 10})
    count = say_n("{n} member", "{n} members", len(members))
    _tell(say("{members}, {n} with the right to vote", members=count, n=voting), desk.language)


def _member_cells(
    desk: Desk, rows: Sequence[_Listed], everybody: bool
) -> tuple[list[str], list[list[str]]]:
    language = desk.language
    word = language.word

    def day(instant: datetime | None) -> str:
        return language.short_date(instant.astimezone(desk.zone).date()) if instant else ""

    titles = [word("Handle"), word("Name"), word("Member since"), word("Right to vote")]
    titles += [word("Left")] if everybody else []
    titles += [word("Roles")]
    cells = []
    for one in rows:
        now = one.enrolment
        since = day(now.since) if now else ""
        vote = _right(desk, now, short=True) if now else ""
        left = [day(one.left)] if everybody else []
        cells.append([one.row.handle, one.name, since, vote, *left, ", ".join(one.roles)])
    return titles, cells


def _right(desk: Desk, enrolment: Enrolment, *, short: bool) -> str:
    """`yes`, or from when on."""
    from toutdoux.association import roster

    begins = desk.language.short_instant(enrolment.votes_from) if short else None
    return desk.language.say(roster.right(enrolment, begins))


@member.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Show what is known of somebody: when they were a member, their roles."),
    epilog=examples("toutdoux member show ana", "toutdoux member show ana --at 2021-07-18"),
)
@click.argument("name", metavar=_word("MEMBER"))
@at_option
@association_option
@format_option("text", "json")
@lang_option
def show(name: str, at: str | None, slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, at, lang)
    row = desk.member_row(name)
    one = next((one for one in _listed(desk) if one.row.id == row.id), None)
    periods = [(period.joined, period.left) for period in row.memberships.all()]
    roles = list(_roles(desk, None, row.id))
    if form == "json":
        data = (one or _Listed(row, _name(desk, row), None, None, [])).as_data()
        data |= {
            "email": row.email,
            "memberships": [{"joined": _utc(a), "left": _utc(b)} for a, b in periods],
            "roles": [_role_data(role, text) for role, text in roles],
        }
        print_json(data)
        return
    language = desk.language
    word = language.word
    now = one.enrolment if one else None
    lines = [(word("Handle"), row.handle), (word("Name"), _name(desk, row))]
    if row.email:
        lines.append((word("E-mail"), row.email))
    for joined, left in periods:
        lines.append((word("Member"), _span(language, joined, left)))
    lines.append(
        (
            word("Right to vote"),
            _right(desk, now, short=False) if now else word("no: not a member then"),
        )
    )
    if row.founder:
        lines.append((word("Founder"), word("yes")))
    lines += [(word("Role"), f"{text}, {_term(language, role)}") for role, text in roles]
    width = max(len(title) for title, _ in lines)
    for title, text in lines:
        click.echo(shown(f"{title:{width}}  {text}"))


def _span(language: Language, joined: datetime, left: datetime | None) -> str:
    zone = language.zone
    if left is None:
        return language.say(say("since {day}", day=joined.astimezone(zone).date()))
    first, end = joined.astimezone(zone).date(), left.astimezone(zone).date()
    return language.say(say("from {first} to {last}", first=first, last=end))


# --- import --------------------------------------------------------------------------------------


@member.command(
    "import",
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Take the members of a CSV file: new ones join, those with a leaving date leave, those who"
        " come back return. It can be done again and again."
    ),
    epilog=examples(
        "toutdoux member import members.csv --dry-run",
        'toutdoux member import members.csv --map name="Nom complet" --joined 2020-09-15',
        "toutdoux member import members.csv --leave-missing 2021-09-01",
    ),
)
@click.argument("file", metavar=_word("FILE"))
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar=_word("FIELD=COLUMN"),
    help=_word("Which column holds something, if its title does not tell; may be given again."),
)
@click.option(
    "--joined",
    metavar=_word("DATE"),
    help=_word("When those joined whose row does not tell (today, unless given)."),
)
@click.option(
    "--leave-missing",
    "missing",
    metavar=_word("DATE"),
    help=_word("Members who are not in the file left on this day (they stay, unless given)."),
)
@click.option("--dry-run", is_flag=True, help=_word("Only show what would be done."))
@association_option
@format_option("table", "json")
@lang_option
def import_(
    file: str,
    columns: tuple[str, ...],
    joined: str | None,
    missing: str | None,
    dry_run: bool,
    slug: str | None,
    form: str,
    lang: str | None,
) -> None:
    from toutdoux.tables import TableError, read_members

    from .imports import problem_in_table, read_source

    mapping = _mappings(columns)
    source = read_source(file)
    desk = Desk(slug, None, lang)
    from toutdoux.actions.member_import import import_members

    try:
        members = read_members(source, file, mapping)
        with progress(_word("recording …")) as show:
            told = import_members(
                desk.request(),
                members.rows,
                file=file,
                joined=None if joined is None else desk.instant(joined, "--joined"),
                missing=None if missing is None else desk.instant(missing, "--leave-missing"),
                dry_run=dry_run,
                progress=show,
            )
    except TableError as error:
        raise problem_in_table(error, desk.zone) from None
    notes = [desk.language.say(note) for note in (*members.notes, *told.notes)]
    for note in notes:
        click.echo(shown(note), err=True)
    if form == "json":
        changes = [_done_data(one) for one in told.done]
        print_json({"done": not dry_run, "changes": changes, "notes": notes})
    else:
        _print_changes(desk, told.done, dry_run)


def _mappings(texts: Sequence[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for field, column in map(_mapping, texts):
        if mapping.setdefault(field, column) != column:
            raise Problem(
                say("{field} is given two columns", field=field), say("keep one of them"), "--map"
            )
    return mapping


def _mapping(text: str) -> tuple[str, str]:
    field, equals, column = text.partition("=")
    if not equals or not column.strip():
        raise Problem(
            say("“{text}” does not say which column holds what", text=text),
            say("write for instance --map name=COLUMN"),
            "--map",
        )
    return field.strip(), column.strip()


def _done_data(one: Done) -> dict[str, Any]:
    return {
        "change": one.what,
        "handle": one.handle,
        "name": one.name,
        "date": one.day.isoformat(),
        "line": one.line,
    }


def _print_changes(desk: Desk, done: Sequence[Done], dry_run: bool) -> None:
    from toutdoux.tables.changes import What

    word = desk.language.word
    names = {
        What.JOINS: word("joins"),
        What.RETURNS: word("returns"),
        What.LEAVES: word("leaves"),
    }
    if not done:
        _tell(say("Everybody is there already; nothing is changed."), desk.language)
        return
    print_table(
        [word("What"), word("Handle"), word("Name"), word("Date"), word("Line")],
        [
            [
                names[one.what],
                one.handle,
                one.name,
                desk.language.short_date(one.day),
                "" if one.line is None else str(one.line),
            ]
            for one in done
        ],
        right=(4,),
        prose={2: 12},
    )
    told = (
        say_n("{n} change would be recorded.", "{n} changes would be recorded.", len(done))
        if dry_run
        else say_n("{n} change is recorded.", "{n} changes are recorded.", len(done))
    )
    _tell(told, desk.language)


# --- role ----------------------------------------------------------------------------------------


@click.group(
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Record who takes on which role, and see who holds them."),
    epilog=examples(
        'toutdoux role give ana "Financière" --from 2021-02-01',
        'toutdoux role end ana "Financière" --on 2021-07-18',
        "toutdoux role list --at 2021-03-01",
    ),
)
def role() -> None:
    pass


@role.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Record that a member takes a role on."),
    epilog=examples(
        'toutdoux role give ana "Financière" --from 2021-02-01',
        'toutdoux role give bob "Technique" --from 2021-02-01 --to 2021-07-18',
    ),
)
@click.argument("name", metavar=_word("MEMBER"))
@click.argument("text", metavar=_word("ROLE"))
@click.option(
    "--from", "first", metavar=_word("DATE"), help=_word("The first day (today, unless given).")
)
@click.option("--to", "last", metavar=_word("DATE"), help=_word("The last day, if it is known."))
@association_option
@told_at_option
def give(
    name: str,
    text: str,
    first: str | None,
    last: str | None,
    slug: str | None,
    at: str | None,
) -> None:
    desk = Desk(slug, at)
    row = desk.member_row(name)
    from toutdoux.actions import commands

    begin = _day(desk, first, "--from")
    end = None if last is None else desk.day(last, "--to")
    text = " ".join(text.split())
    desk.carry_out(commands.give_role, row.id, text, begin, end)
    term = _span_of_days(desk.language, begin, end)
    _tell(say("{member} is “{role}” {term}.", member=row.handle, role=text, term=term))


def _day(desk: Desk, text: str | None, where: str) -> date:
    """A day that was typed; today in the association's time zone if none was."""
    if text is not None:
        return desk.day(text, where)
    return (desk.at or desk.now).astimezone(desk.zone).date()


@role.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Record the last day of a role."),
    epilog=examples('toutdoux role end ana "Financière" --on 2021-07-18'),
)
@click.argument("name", metavar=_word("MEMBER"))
@click.argument("text", metavar=_word("ROLE"))
@click.option(
    "--on", "last", metavar=_word("DATE"), help=_word("The last day (today, unless given).")
)
@association_option
@told_at_option
def end(name: str, text: str, last: str | None, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    row = desk.member_row(name)
    from toutdoux.actions import commands
    from toutdoux.tables.columns import folded

    day = _day(desk, last, "--on")
    roles = list(_roles(desk, None, row.id))
    same = [one for one, held in roles if folded(held) == folded(text)]
    if not same:
        names = ", ".join(dict.fromkeys(held for _, held in roles))
        raise Problem(
            say("{member} has no role “{role}”", member=row.handle, role=text),
            say("use one of {names}", names=names)
            if names
            else say("see who holds which with toutdoux role list"),
        )
    # The one that is held on that day; else the last one that has begun, or the first to come.
    begun = [one for one in same if one.first <= day]
    found = begun[-1] if begun else same[0]
    if found.last == day:
        _tell(say("That is how it was already; nothing is changed."))
        return
    desk.carry_out(commands.end_role, found.id, day)
    term = _span_of_days(desk.language, found.first, day)
    _tell(say("{member} is “{role}” {term}.", member=row.handle, role=text, term=term))


@role.command(
    "list",
    options_metavar=_word("[OPTIONS]"),
    help=_word("List who holds which role on a day."),
    epilog=examples("toutdoux role list", "toutdoux role list --at 2021-03-01"),
)
@at_option
@association_option
@format_option("table", "json")
@lang_option
def roles(at: str | None, slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, at, lang)
    day = (desk.at or desk.now).astimezone(desk.zone).date()
    held = sorted(_roles(desk, day), key=lambda one: (one[1].casefold(), one[0].member.handle))
    if form == "json":
        print_json(
            [
                {"member": role.member.handle, "name": _name(desk, role.member)}
                | _role_data(role, text)
                for role, text in held
            ]
        )
        return
    if not held:
        _tell(say("Nobody holds a role on {day}.", day=day), desk.language)
        return
    language = desk.language
    word = language.word
    print_table(
        [word("Role"), word("Handle"), word("Name"), word("First day"), word("Last day")],
        [
            [
                text,
                role.member.handle,
                _name(desk, role.member),
                language.short_date(role.first),
                language.short_date(role.last) if role.last else "",
            ]
            for role, text in held
        ],
        prose={0: 12, 2: 12},
    )


def _roles(desk: Desk, day: date | None, member: str | None = None) -> Iterator[tuple[Role, str]]:
    """The roles held on a day, or ever; with what each is called, in order of their first day."""
    from toutdoux.association import roster

    forgotten = desk.language.word("(forgotten)")
    for row, text in roster.roles(desk.id, day, None if member is None else [member]):
        yield row, forgotten if text is None else text


def _role_data(role: Role, text: str) -> dict[str, Any]:
    last = role.last.isoformat() if role.last else None
    return {"role": text, "first": role.first.isoformat(), "last": last}


def _term(language: Language, role: Role) -> str:
    return _span_of_days(language, role.first, role.last)


def _span_of_days(language: Language, first: date, last: date | None) -> str:
    if last is None:
        return language.say(say("since {day}", day=first))
    return language.span(first, last)
