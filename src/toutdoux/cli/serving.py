"""The pages, the clock and the mail in one process: `serve`."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event

import click

from toutdoux.core.words import say
from toutdoux.language import problem_of_system

from .capsule import opened, run_capsules, tell_where
from .options import examples
from .setup import tell
from .speech import Problem, terminal

_word = terminal.word


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Open the pages in a browser: voting, following, accounting for what was done. Where there"
        " is no association yet, a link opens the page that founds one."
    ),
    epilog=examples(
        "toutdoux serve", "toutdoux serve --demo", "TOUTDOUX_URL=https://example.org toutdoux serve"
    ),
)
@click.option(
    "--bind",
    default="localhost",
    show_default=True,
    metavar=_word("ADDRESS"),
    help=_word("The address to listen at; 0.0.0.0 for every one of this machine."),
)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    metavar=_word("PORT"),
    help=_word("The port to listen at; 0 for any that is free."),
)
@click.option(
    "--only",
    type=click.Choice(["web", "worker", "capsule"]),
    help=_word(
        "Only the pages, only the clock and the mail, or only the Gemini capsule, for several"
        " processes."
    ),
)
@click.option(
    "--demo", is_flag=True, help=_word("Try it with the demo association, in a new home.")
)
def serve(bind: str, port: int, only: str | None, demo: bool) -> None:
    if demo:
        _use_demo()
    _use_address(bind, port)
    from toutdoux.config.database import prepare
    from toutdoux.config.home import make_secret_key

    if only == "capsule":
        run_capsules()
        return
    make_secret_key()
    prepare(web=True)
    from toutdoux.capsule.hosts import read_setup
    from toutdoux.chat import bot
    from toutdoux.chat.connections import connections
    from toutdoux.web.server import Server

    if not demo:
        connections()  # if the file cannot be read, it is said before anything runs
    setup = read_setup()
    capsules = opened(setup) if setup.capsules and only is None and not demo else None
    beside: list[Callable[[Event], None]] = []
    if not demo and only != "web":
        beside.append(bot.run)
    if capsules is not None:
        beside.append(capsules.run)
    now = datetime.now(UTC)
    if demo:
        from toutdoux.web.demo import prepare_demo

        prepare_demo(now)
    try:
        server = Server(
            "127.0.0.1" if bind == "localhost" else bind,
            port,
            pages=only != "worker",
            clock=only != "web",
            beside=beside,
        )
    except OSError as error:
        raise Problem(
            say(
                "nothing can be served at {address}: {problem}",
                address=f"{bind}:{port}",
                problem=problem_of_system(error),
            ),
            say("stop what is there, or choose another --port"),
        ) from None
    if capsules is not None:
        tell_where(setup, capsules.server.port)
    told = None if only == "worker" else server.port
    if not server.run(lambda: _say_where(bind, told, demo, now)):
        raise Problem(
            say("a part of it could not go on: what is written above tells which"),
            say("start it again; if it ends again, please report it"),
        )


def _say_where(bind: str, port: int | None, demo: bool, now: datetime) -> None:
    from django.conf import settings

    from toutdoux.web.accounts import first_link

    if port is None:
        tell(say("The clock and the mail run. Ctrl-C ends them."))
        return
    address = settings.PUBLIC_URL if "TOUTDOUX_URL" in os.environ else f"http://{bind}:{port}"
    link = None if demo else first_link(now)
    if demo:
        tell(say("The demo association is here: {address}", address=f"{address}/demo"))
    elif link is not None:
        tell(say("Found the association here, once: {address}", address=f"{address}{link}"))
    else:
        tell(say("The pages are here: {address}", address=address))
    tell(say("Ctrl-C ends it."))


def _use_address(bind: str, port: int) -> None:
    """Where nobody said which address people type, it is the one that is listened at."""
    if bind in ("0.0.0.0", "::"):
        known = {socket.gethostname(), *socket.gethostbyname_ex(socket.gethostname())[2]}
        os.environ.setdefault("TOUTDOUX_HOSTS", " ".join(sorted(known)))
    elif "TOUTDOUX_URL" not in os.environ:
        os.environ["TOUTDOUX_LISTENS"] = f"http://{bind}:{port}"


def _use_demo() -> None:
    """A home of its own, so that nobody's data is in its way."""
    from platformdirs import user_cache_path

    os.environ.pop("DATABASE_URL", None)
    os.environ["TOUTDOUX_HOME"] = str(user_cache_path("toutdoux") / "demo")
    os.environ["TOUTDOUX_DEMO"] = "1"
