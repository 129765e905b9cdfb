"""`capsule`: the association on Gemini."""

from __future__ import annotations

import logging
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from toutdoux.core.words import Sentence, say
from toutdoux.language import problem_of_system

from .desk import Desk
from .fediverse import fediverse
from .options import association_option, examples
from .setup import tell
from .speech import Problem, print_table, terminal

if TYPE_CHECKING:
    from toutdoux.capsule.certificate import Identity
    from toutdoux.capsule.hosts import Capsule, Setup
    from toutdoux.capsule.running import Capsules

_word = terminal.word


@click.group(
    invoke_without_command=True,
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("[COMMAND [ARGS]...]"),
    help=_word(
        "Serve the association's capsule: what it shows to everybody, for readers on Gemini, and"
        " voting with a certificate. `toutdoux serve` serves it as well, where one is set up;"
        " several of them may share one port."
    ),
    epilog=examples(
        "toutdoux capsule setup --host gemini.example.org",
        "toutdoux capsule",
        "toutdoux capsule --bind localhost --port 1966",
        "toutdoux capsule cert",
    ),
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar=_word("NAME"),
    help=_word(
        "The capsule's name, this time, where there is one association. Several times for several."
    ),
)
@click.option(
    "--bind",
    metavar=_word("ADDRESS"),
    help=_word("The address to listen at, this time; every one of this machine unless set up."),
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar=_word("PORT"),
    help=_word("The port to listen at, this time; 1965 unless set up, 0 for any that is free."),
)
@click.pass_context
def capsule(ctx: click.Context, hosts: tuple[str, ...], bind: str | None, port: int | None) -> None:
    if ctx.invoked_subcommand is None:
        run_capsules(hosts, bind, port)
    elif hosts or bind is not None or port is not None:
        raise click.UsageError(_word("these options are for serving: give them no command"), ctx)


def run_capsules(
    hosts: tuple[str, ...] = (), bind: str | None = None, port: int | None = None
) -> None:
    """Serve the capsules until the process is asked to end, and nothing else."""
    from toutdoux.config.database import prepare
    from toutdoux.config.home import make_secret_key

    # Members' questions are sealed with it: several processes need the same.
    make_secret_key()
    prepare(web=True)
    from toutdoux.capsule.hosts import read_setup, trying

    setup = read_setup()
    if hosts:
        setup = trying(setup, Desk(None).association.slug, hosts)
    setup = _at(setup, bind, port)
    if not setup.capsules:
        raise Problem(
            say("no capsule is set up"),
            say("type toutdoux capsule setup --host gemini.example.org"),
        )
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    capsules = opened(setup)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    tell_where(setup, capsules.server.port)
    tell(say("Ctrl-C ends it."))
    capsules.run(stopping)


def _at(setup: Setup, bind: str | None, port: int | None) -> Setup:
    """A setup at another address, as far as one is given."""
    return replace(
        setup,
        bind=setup.bind if bind is None else bind,
        port=setup.port if port is None else port,
    )


def opened(setup: Setup) -> Capsules:
    """The capsules, listening. Raises `Problem` if they can't."""
    from toutdoux.capsule.running import Capsules

    try:
        return Capsules(setup, datetime.now(UTC))
    except OSError as error:
        raise Problem(
            say(
                "no capsule can be served at {address}: {problem}",
                address=f"{setup.bind}:{setup.port}",
                problem=problem_of_system(error),
            ),
            say("stop what is there, or choose another --port"),
        ) from None


def tell_where(setup: Setup, port: int) -> None:
    """Say where each capsule is found."""
    for one in setup.capsules:
        tell(say("The capsule is here: {url}", url=f"{replace(setup, port=port).url(one)}/"))


# --- setting it up -------------------------------------------------------------------------------


@capsule.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Give the association's capsule its name, and make its certificate. Files that are put in"
        " its folder are served beside the pages."
    ),
    epilog=examples(
        "toutdoux capsule setup --host gemini.example.org",
        "toutdoux capsule setup --host gemini.example.org --host capsule.example.net",
    ),
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    required=True,
    metavar=_word("NAME"),
    help=_word("The capsule's name, as in gemini.example.org. Several times for several."),
)
@click.option(
    "--bind",
    metavar=_word("ADDRESS"),
    help=_word("The address to listen at; every one of this machine unless given."),
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar=_word("PORT"),
    help=_word("The port that readers know; 1965 unless given."),
)
@association_option
def setup(hosts: tuple[str, ...], bind: str | None, port: int | None, slug: str | None) -> None:
    desk = Desk(slug)
    from toutdoux.association.settings import settings_of
    from toutdoux.capsule.hosts import keep, read_setup, with_hosts

    setup = _at(with_hosts(read_setup(), desk.association.slug, hosts), bind, port)
    keep(setup)
    one = setup.of(desk.association.slug)
    assert one is not None
    one.folder.mkdir(parents=True, exist_ok=True)
    identity = one.keys.at_start(one.hosts, desk.now)
    tell(
        say("The capsule of {name} is set up.", name=desk.association.name),
        desk.language,
    )
    tell(say("Its address: {url}", url=f"{setup.url(one)}/"), desk.language)
    tell(say("Its own files go here: {folder}", folder=str(one.folder)), desk.language)
    if missing := [host for host in one.hosts if host not in identity.hosts]:
        tell(
            say(
                "Its certificate does not name {hosts}: toutdoux capsule cert renew makes one that"
                " does.",
                hosts=", ".join(missing),
            ),
            desk.language,
        )
    if not settings_of(desk.association).public_anything:
        tell(
            say(
                "It shows nothing to everybody so far. This has it show actions: toutdoux"
                " association change --set public_actions=on"
            ),
            desk.language,
        )
    tell(
        say("toutdoux serve serves it from its next start on, and toutdoux capsule alone."),
        desk.language,
    )


@capsule.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Serve the association's capsule no longer. Its certificate and its files stay."),
    epilog=examples("toutdoux capsule remove"),
)
@association_option
def remove(slug: str | None) -> None:
    desk, setup, one = _set_up(slug)
    from toutdoux.capsule.hosts import keep, without

    keep(without(setup, one.association))
    tell(
        say("The capsule of {name} is served no longer.", name=desk.association.name), desk.language
    )


# --- certificates --------------------------------------------------------------------------------


@capsule.group(
    invoke_without_command=True,
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("[COMMAND [ARGS]...]"),
    help=_word(
        "Show the capsule's certificate, by which readers know it. Another one never takes its"
        " place unless you say so."
    ),
    epilog=examples(
        "toutdoux capsule cert", "toutdoux capsule cert renew", "toutdoux capsule cert renew --use"
    ),
)
@click.pass_context
def cert(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        ctx.invoke(show, slug=None)


@cert.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Show the certificate and, if there is one, the next: fingerprints and validity."),
    epilog=examples("toutdoux capsule cert show"),
)
@association_option
def show(slug: str | None) -> None:
    desk, _, one = _set_up(slug)
    _show(desk, say("The certificate in use"), one.keys.at_start(one.hosts, desk.now))
    if (coming := one.keys.next) is not None:
        _show(desk, say("The next one"), coming)


def _show(desk: Desk, title: Sentence, identity: Identity) -> None:
    tell(title, desk.language)
    for line in (
        say("  for: {hosts}", hosts=", ".join(identity.hosts)),
        say("  valid from: {at}", at=identity.begins),
        say("  valid until: {at}", at=identity.ends),
        say("  SHA-256 of the certificate: {print}", print=identity.fingerprint),
        say("  SHA-256 of its key: {print}", print=identity.key_fingerprint),
    ):
        tell(line, desk.language)


@cert.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Make the next certificate. The page /certificate of the capsule tells it to readers"
        " meanwhile; it takes the place with --use, and the old one is kept in a file."
    ),
    epilog=examples("toutdoux capsule cert renew", "toutdoux capsule cert renew --use"),
)
@click.option("--use", is_flag=True, help=_word("Let the next certificate take the place now."))
@association_option
def renew(use: bool, slug: str | None) -> None:
    desk, setup, one = _set_up(slug)
    if use:
        kept = one.keys.use_next(desk.now)
        tell(say("The next certificate is in use now."), desk.language)
        if kept is not None:
            tell(say("The old one is kept here: {file}", file=str(kept)), desk.language)
        return
    from toutdoux.capsule.certificate import made

    _prepare(desk, setup, one, made(one.hosts, desk.now))


@cert.command(
    "import",
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Bring a certificate with its key, in one file or in two, as the next; as the first, if the"
        " capsule has none yet."
    ),
    epilog=examples(
        "toutdoux capsule cert import gemini.example.org.pem",
        "toutdoux capsule cert import fullchain.pem privkey.pem",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), metavar=_word("FILE"))
@click.argument("key", type=click.Path(path_type=Path), required=False, metavar=_word("[KEY]"))
@association_option
def import_(file: Path, key: Path | None, slug: str | None) -> None:
    desk, setup, one = _set_up(slug)
    from toutdoux.capsule.certificate import brought

    from .imports import read_source

    pem = b"\n".join(read_source(str(one)) for one in (file, key) if one)
    identity = brought(pem, str(file), desk.now)
    if one.keys.current is None:
        one.keys.prepare(identity)
        one.keys.use_next(desk.now)
        tell(say("The certificate is in use now."), desk.language)
    else:
        _prepare(desk, setup, one, identity)


def _prepare(desk: Desk, setup: Setup, one: Capsule, identity: Identity) -> None:
    one.keys.prepare(identity)
    _show(desk, say("The next one"), identity)
    tell(say("Readers see it here: {url}", url=f"{setup.url(one)}/certificate"), desk.language)
    tell(
        say("It takes the place with toutdoux capsule cert renew --use: give readers a few weeks."),
        desk.language,
    )


def _set_up(slug: str | None) -> tuple[Desk, Setup, Capsule]:
    desk = Desk(slug)
    from toutdoux.capsule.hosts import read_setup

    setup = read_setup()
    one = setup.of(desk.association.slug)
    if one is None:
        raise Problem(
            say("{name} has no capsule here", name=desk.association.name),
            say("type toutdoux capsule setup --host gemini.example.org"),
        )
    return desk, setup, one


# --- members -------------------------------------------------------------------------------------


@capsule.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Make a code by which a member has their certificate be theirs: they type it at /me in the"
        " capsule. It works once, for 7 days; a code for the chat does as well."
    ),
    epilog=examples("toutdoux capsule code ana"),
)
@click.argument("member", metavar=_word("MEMBER"))
@association_option
def code(member: str, slug: str | None) -> None:
    desk = _members_desk(slug)
    from toutdoux.chat import codes

    click.echo(codes.make(desk.request(), desk.member(member)))
    tell(say("Typed in the capsule, at /me. Hand it to nobody else."))


@capsule.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Show the certificates by which members are known in the capsule, or revoke one."),
    epilog=examples(
        "toutdoux capsule certificates", "toutdoux capsule certificates --revoke 3f9a1c2e"
    ),
)
@click.option(
    "--revoke",
    metavar=_word("FINGERPRINT"),
    help=_word("Revoke the certificate whose fingerprint is this one, or begins so."),
)
@association_option
def certificates(revoke: str | None, slug: str | None) -> None:
    desk = _members_desk(slug)
    from toutdoux.capsule import ties

    if revoke is not None:
        one = ties.named(desk.id, revoke)
        ties.revoke(one)
        told = say(
            "The certificate {print} of {name} is revoked.",
            print=one.fingerprint[:16],
            name=one.member.name,
        )
        tell(told, desk.language)
        return
    rows = list(ties.of_association(desk.id))
    if not rows:
        tell(say("No member has a certificate here yet."), desk.language)
        return
    word = desk.language.word
    print_table(
        [word("Member"), word("Fingerprint"), word("Since"), word("Name")],
        [
            [
                one.member.handle,
                one.fingerprint[:16],
                desk.language.short_instant(one.since),
                one.note,
            ]
            for one in rows
        ],
    )


def _members_desk(slug: str | None) -> Desk:
    from toutdoux.config.database import prepare

    prepare(web=True)
    return Desk(slug)


capsule.add_command(fediverse)
