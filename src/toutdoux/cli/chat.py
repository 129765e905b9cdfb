"""`chat`: the bot by which members propose and vote where they already talk."""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from threading import Event
from typing import TYPE_CHECKING

import click

from toutdoux.core.words import Sentence, say, say_n

from .desk import Desk
from .options import association_option, examples
from .setup import tell
from .speech import Problem, shown, terminal

if TYPE_CHECKING:
    from toutdoux.chat.connections import Connection

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
    bot.run(known, stopping)


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
@association_option
def setup(
    system: str,
    address: str | None,
    team: str | None,
    channels: Sequence[str],
    slug: str | None,
) -> None:
    import os

    from toutdoux.chat.connections import Connection, keep

    desk = Desk(slug)
    address = address or _asked(say("The server's address (https://…)"))
    if system == "mattermost":
        team = team or _asked(say("The team's name, as in its address"))
    told = list(channels) or _asked(say("The channels to watch, with spaces between")).split()
    token = ""
    if not os.environ.get("TOUTDOUX_CHAT_TOKEN"):
        token = _asked(say("The bot's access token (it is not shown)"), hidden=True)
    connection = Connection(
        association=desk.association.slug,
        system=system,
        address=address.rstrip("/"),
        token=token,
        team=team or "",
        channels=tuple(told),
    )
    _try(connection)
    keep(connection)
    tell(say("All is well: the chat is set up. toutdoux chat, or toutdoux serve, runs the bot."))


def _asked(question: Sentence, hidden: bool = False) -> str:
    return str(click.prompt(shown(terminal.say(question)), hide_input=hidden)).strip()


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


def _try(connection: Connection) -> None:
    """Reach a server, and say exactly what is missing."""
    from toutdoux.chat.system import Forbidden, Unreachable

    try:
        missing = connection.open().check()
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
