"""`chat`: the bot by which members propose and vote where they already talk."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING

import click

from toutdoux.core.words import Sentence, say, say_n

from .desk import Desk
from .options import association_option, examples
from .setup import tell
from .showing import people_of
from .speech import Problem, print_table, shown, terminal

if TYPE_CHECKING:
    from toutdoux.chat.connections import Connection
    from toutdoux.chat.importing import Past
    from toutdoux.core.entries import ImportedAction

_word = terminal.word


@click.group(
    invoke_without_command=True,
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("[COMMAND [ARGS]...]"),
    help=_word(
        "Run the bot by which members propose and vote in a chat. `toutdoux serve` runs it as well,"
        " where one is set up."
    ),
    epilog=examples(
        "toutdoux chat setup mattermost",
        "toutdoux chat check",
        "toutdoux chat code ana",
        "toutdoux chat import --since 2021-01-01 --dry-run",
        "toutdoux chat",
    ),
)
@click.pass_context
def chat(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        _run()


def _run() -> None:
    from toutdoux.config.database import prepare

    prepare(web=True)
    from toutdoux.chat import bot
    from toutdoux.chat.connections import connections

    known = connections()
    if not known:
        raise Problem(
            say("no chat is set up"), say("begin with toutdoux chat setup mattermost, or matrix")
        )
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    tell(
        say_n(
            "The bot listens in {n} chat. Ctrl-C ends it.",
            "The bot listens in {n} chats. Ctrl-C ends it.",
            len(known),
        )
    )
    bot.run(stopping)


# --- setting it up -------------------------------------------------------------------------------


@chat.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Set a chat up: asks for what it needs, tries it, and keeps it where only you can read it."
        " With TOUTDOUX_CHAT_TOKEN in the environment, the token is kept nowhere."
    ),
    epilog=examples(
        "toutdoux chat setup mattermost",
        "toutdoux chat setup matrix --channel '#actions:example.org'",
        "toutdoux chat setup mattermost --by-email",
    ),
)
@click.argument("system", type=click.Choice(["mattermost", "matrix"]), metavar="mattermost|matrix")
@click.option(
    "--address", metavar=_word("ADDRESS"), help=_word("The server's, as one types it in a browser.")
)
@click.option(
    "--team", metavar=_word("NAME"), help=_word("Of Mattermost: the team, as in its address.")
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    metavar=_word("NAME"),
    help=_word("A channel to watch, as in its address; a room's address or id. Several times."),
)
@click.option(
    "--slash-command/--no-slash-command",
    default=None,
    help=_word(
        "Of Mattermost: whether to ask for the token of its slash command (otherwise only on a"
        " terminal); TOUTDOUX_CHAT_COMMAND_TOKEN in the environment is it as well."
    ),
)
@click.option(
    "--by-email/--no-by-email",
    default=None,
    help=_word(
        "Of Mattermost: whether accounts are tied to members by the e-mail address that the server"
        " has verified, or by codes alone."
    ),
)
@association_option
def setup(
    system: str,
    address: str | None,
    team: str | None,
    channels: Sequence[str],
    slash_command: bool | None,
    by_email: bool | None,
    slug: str | None,
) -> None:
    from dataclasses import replace

    from toutdoux.config.database import prepare

    prepare(web=True)
    from toutdoux.chat.bot import forget_unwatched
    from toutdoux.chat.connections import Connection, connections, keep, known

    desk = Desk(slug)
    before = known(desk.association.slug, system) or Connection(
        association=desk.association.slug, system=system, address=""
    )
    if system != "mattermost":
        _check_only_mattermost(slash_command, by_email)
    address = address or _asked(say("The server's address (https://…)"))
    if system == "mattermost":
        team = team or _asked(say("The team's name, as in its address"))
    told = list(channels) or _asked(say("The channels to watch, with spaces between")).split()
    token = _token(desk.association.slug, system, address.rstrip("/"))
    command_token = before.command_token
    if system == "mattermost" and (sys.stdin.isatty() if slash_command is None else slash_command):
        command_token = _command_token(desk.association.slug) or command_token
    # Hashtags, signs and hours stay as they were.
    connection = replace(
        before,
        address=address.rstrip("/"),
        token=token,
        team=team or "",
        channels=tuple(told),
        ids={},
        command_token=command_token,
        by_email=before.by_email if by_email is None else by_email,
    )
    _try(connection)
    connection = replace(connection, ids=dict(connection.open().known()))
    keep(connection)
    forget_unwatched(desk.association, connections(), connection)
    tell(say("All is well: the chat is set up. toutdoux chat, or toutdoux serve, runs the bot."))


def _check_only_mattermost(slash_command: bool | None, by_email: bool | None) -> None:
    if by_email:
        raise Problem(
            say("Matrix shows nobody's e-mail address"),
            say("leave this out: there, codes tie accounts to members"),
            "--by-email",
        )
    if slash_command:
        raise Problem(
            say("only Mattermost has such a command"), say("leave this out"), "--slash-command"
        )


def _token(slug: str, system: str, address: str) -> str:
    """Ask for the bot's token, unless the environment has it: that one is for one server."""
    import os

    from toutdoux.chat.connections import connections

    others = [one for one in connections() if (one.association, one.system) != (slug, system)]
    is_others = any(not one.token and one.address != address for one in others)
    if os.environ.get("TOUTDOUX_CHAT_TOKEN") and not is_others:
        return ""
    return _asked(say("The bot's access token (it is not shown)"), hidden=True)


def _command_token(slug: str) -> str:
    """Ask for the slash command's token, unless the environment has it."""
    import os

    if os.environ.get("TOUTDOUX_CHAT_COMMAND_TOKEN"):
        return ""
    tell(
        say(
            "A slash command sends what members type to {address}: add one in Mattermost, or go on"
            " without.",
            address=_command_address(slug),
        )
    )
    return _asked(
        say("The slash command's token (it is not shown; empty: there is none)"),
        hidden=True,
        default="",
    )


def _command_address(slug: str) -> str:
    """Where a slash command sends what is asked."""
    import os

    address = os.environ.get("TOUTDOUX_URL", "https://…").rstrip("/")
    return f"{address}/a/{slug}/chat/command"


def _asked(question: Sentence, hidden: bool = False, default: str | None = None) -> str:
    there = sys.stdin.isatty()  # elsewhere nothing is echoed
    told = click.prompt(
        shown(terminal.say(question)),
        hide_input=hidden and there,
        default=default,
        show_default=False,
    )
    return str(told).strip()


@chat.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Try every chat that is set up, and say what is missing."),
    epilog=examples("toutdoux chat check"),
)
def check() -> None:
    from toutdoux.chat.connections import connections

    known = connections()
    if not known:
        raise Problem(
            say("no chat is set up"), say("begin with toutdoux chat setup mattermost, or matrix")
        )
    for one in known:
        _try(one)
        tell(
            say(
                "All is well: {association} in {system}, {channels}",
                association=one.association,
                system=one.system,
                channels=", ".join(one.channels),
            )
        )
        _tell_of_command(one)


def _tell_of_command(connection: Connection) -> None:
    """Where the slash command has to lead, if there is one."""
    import os

    if connection.system != "mattermost" or not connection.has_command:
        return
    if not os.environ.get("TOUTDOUX_URL"):
        tell(
            say("The slash command needs the pages' public address: TOUTDOUX_URL is not set here.")
        )
    tell(
        say(
            "The slash command's request URL, by POST: {address}",
            address=_command_address(connection.association),
        )
    )


@chat.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Give a chat up: the bot leaves it alone from now on. What was decided there stays decided."
    ),
    epilog=examples("toutdoux chat remove matrix"),
)
@click.argument("system", type=click.Choice(["mattermost", "matrix"]), metavar="mattermost|matrix")
@association_option
def remove(system: str, slug: str | None) -> None:
    from toutdoux.config.database import prepare

    prepare(web=True)
    from toutdoux.chat.bot import forget_unwatched
    from toutdoux.chat.connections import connections, drop, known

    desk = Desk(slug)
    if known(desk.association.slug, system) is None:
        raise Problem(
            say("{association} has no chat in {system}", association=slug or "", system=system)
            if slug
            else say("no chat is set up in {system}", system=system),
            say("toutdoux chat check names those that are set up"),
        )
    drop(desk.association.slug, system)
    forget_unwatched(desk.association, connections())
    tell(say("The chat is given up."))


def _try(connection: Connection) -> None:
    """Reach a server, and say exactly what is missing."""
    with _reaching(connection):
        there = connection.open()
        missing = there.check()
        if connection.by_email:
            missing += there.check_addresses()
    if missing:
        for one in missing:
            click.echo(shown(terminal.say(one)), err=True)
        raise Problem(
            say_n(
                "{n} thing is missing in the chat",
                "{n} things are missing in the chat",
                len(missing),
            ),
            say("put it right there, and try again"),
        )


@contextmanager
def _reaching(connection: Connection) -> Iterator[None]:
    """Say in one sentence why a server is not reached."""
    from toutdoux.chat.system import Forbidden, Unreachable

    try:
        yield
    except Unreachable as error:
        raise Problem(
            say(
                "{address} does not answer ({problem})",
                address=connection.address,
                problem=str(error),
            ),
            say("check the address, and that the server runs"),
        ) from None
    except Forbidden as error:
        raise Problem(
            say("{address} refuses ({problem})", address=connection.address, problem=str(error)),
            say("make the bot a new token, and set it up again"),
        ) from None


@chat.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Make a code that ties a chat account to a member: they send it to the bot in private. It"
        " works once, for 7 days."
    ),
    epilog=examples("toutdoux chat code ana"),
)
@click.argument("member", metavar=_word("MEMBER"))
@association_option
def code(member: str, slug: str | None) -> None:
    from toutdoux.config.database import prepare

    prepare(web=True)
    desk = Desk(slug)
    from toutdoux.chat import codes

    click.echo(codes.make(desk.request(), desk.member(member)))
    tell(say("Sent to the bot in private: register CODE. Hand it to nobody else."))


# --- what was voted on by hand -------------------------------------------------------------------


@chat.command(
    "import",
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Take what members proposed and voted in the chat by hand, before the bot was there, as"
        " history: who voted what and when, and what came out of it. Doing it again changes"
        " nothing. A counter-vote that was held by hand is not recognised."
    ),
    epilog=examples(
        "toutdoux chat import --since 2021-01-01 --dry-run",
        "toutdoux chat import --since 2021-01-01",
    ),
)
@click.option(
    "--since",
    required=True,
    metavar=_word("DATE"),
    help=_word("The first day that is read: 2021-01-31."),
)
@click.option("--dry-run", is_flag=True, help=_word("Only show what would be done."))
@association_option
def import_(since: str, dry_run: bool, slug: str | None) -> None:
    from toutdoux.config.database import prepare

    prepare(web=True)
    desk = Desk(slug)
    first = desk.instant(since, "--since")
    from django.db import transaction

    past = _read_past(desk, first)
    with transaction.atomic():
        desk.carry_out(past.keep)
        if dry_run:
            transaction.set_rollback(True)
    _print_past(desk, past, dry_run)


def _read_past(desk: Desk, since: datetime) -> Past:
    """What an association's chats hold."""
    from toutdoux.chat.connections import connections
    from toutdoux.chat.importing import Past
    from toutdoux.chat.place import Place

    from .progress import progress

    known = [one for one in connections() if one.association == desk.association.slug]
    if not known:
        raise Problem(
            say("no chat is set up"), say("begin with toutdoux chat setup mattermost, or matrix")
        )
    past = Past(desk.id, desk.association.time_zone, desk.now)
    for one in known:
        _try(one)
        with _reaching(one), progress(_word("Reading the chat"), at_once=True) as told:
            past.read(Place(desk.association, one.open(), one.habits()), since, told)
    return past


def _print_past(desk: Desk, past: Past, dry_run: bool) -> None:
    told = past.actions()
    _print_taken(desk, told)
    for left in past.left:
        where = say("{at}, “{text}”", at=left.message.at, text=_short(left.message.text))
        tell(say("Left: {what}: {why}", what=where, why=left.why), desk.language)
    new = (
        say_n("{n} action would be imported", "{n} actions would be imported", len(told))
        if dry_run
        else say_n("{n} action is imported", "{n} actions are imported", len(told))
    )
    there = say_n("{n} was there already", "{n} were there already", past.there)
    tell(say("{new}; {before}.", new=new, before=there), desk.language)
    _print_uncounted(desk, past)


def _print_taken(desk: Desk, told: Sequence[ImportedAction]) -> None:
    """What is taken, as a table."""
    if not told:
        return
    language, people = desk.language, people_of(desk)
    word = language.word
    titles = ["ID", word("Object"), word("Kind"), word("Leader"), word("Date")]
    titles += [word("For"), word("Against"), word("Outcome")]
    rows = [
        [
            one.ref,
            _short(one.object),
            language.name(one.kind),
            people.name(one.leader_id) if one.leader_id else one.leader,
            language.short_date(one.date),
            f"{one.for_}/{one.expressed}",
            f"{one.against}/{one.expressed}",
            language.name(one.course.state) if one.course else "",
        ]
        for one in told
    ]
    print_table(titles, rows, right=(5, 6), prose={1: 20, 2: 8, 3: 8, 7: 8})


def _print_uncounted(desk: Desk, past: Past) -> None:
    """Which reactions are no votes, and why."""
    if past.uncounted:
        tell(
            say_n(
                "{n} vote is not counted: too late, or by somebody who was not on the roll then.",
                "{n} votes are not counted: too late, or by people who were not on the roll then.",
                past.uncounted,
            ),
            desk.language,
        )
    if past.strangers:
        accounts = ", ".join(f"{name} ({n})" for name, n in past.strangers.most_common())
        tell(
            say_n(
                "{n} reaction is not counted: nobody is tied to the account {accounts}. Tie it"
                " before you import, with toutdoux chat code.",
                "{n} reactions are not counted: nobody is tied to the accounts {accounts}. Tie"
                " them before you import, with toutdoux chat code.",
                past.strangers.total(),
                accounts=accounts,
            ),
            desk.language,
        )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else f"{line[:79]}…"
