"""`capsule fediverse`: what may be read of the fediverse through the association's capsule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from toutdoux.core.words import Refusal, say

from .desk import Desk
from .options import association_option, examples
from .setup import tell
from .speech import Problem, shown, terminal

_word = terminal.word


@click.group(
    invoke_without_command=True,
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("[COMMAND [ARGS]...]"),
    help=_word("Show what may be read of the fediverse through the association's capsule."),
    epilog=examples(
        "toutdoux capsule fediverse",
        "toutdoux capsule fediverse allow loutres@social.example",
        "toutdoux capsule fediverse allow other.example",
    ),
)
@association_option
@click.pass_context
def fediverse(ctx: click.Context, slug: str | None) -> None:
    if ctx.invoked_subcommand is None:
        _show(Desk(slug))


def _show(desk: Desk) -> None:
    from toutdoux.capsule.fediverse.setup import allowed_by

    known = allowed_by(desk.association.slug)
    if not known.instances:
        tell(say("Nothing of the fediverse may be read so far."), desk.language)
    for account in known.accounts:
        tell(say("The association's account: {account}", account=str(account)), desk.language)
    for one in known.instances:
        token = say("with a token") if one.token else say("without a token")
        inside = say("inside, {token}", token=token) if one.inside else token
        tell(
            say("Instance: {address} ({how})", address=one.address, how=inside),
            desk.language,
        )


@fediverse.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Let something be read: an account of the association's (name@instance), any account of an"
        " instance (its host), or an instance inside this network (its address, http://host:port)."
    ),
    epilog=examples(
        "toutdoux capsule fediverse allow loutres@social.example",
        "toutdoux capsule fediverse allow other.example http://localhost:8080",
    ),
)
@click.argument("what", nargs=-1, required=True, metavar=_word("WHAT..."))
@association_option
def allow(what: tuple[str, ...], slug: str | None) -> None:
    desk = Desk(slug)
    from toutdoux.capsule.fediverse.setup import keep, told

    known = told(desk.association.slug)
    for one in what:
        key, written = _read(one)
        known[key] = list(dict.fromkeys([*known.get(key, []), written]))
    keep(desk.association.slug, known)
    _show(desk)


@fediverse.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Let something be read no longer, written as for allow."),
    epilog=examples("toutdoux capsule fediverse forbid other.example"),
)
@click.argument("what", nargs=-1, required=True, metavar=_word("WHAT..."))
@association_option
def forbid(what: tuple[str, ...], slug: str | None) -> None:
    desk = Desk(slug)
    from toutdoux.capsule.fediverse.setup import keep, told

    known = told(desk.association.slug)
    gone = [_read(one) for one in what]
    for key, written in gone:
        at = _accounts_at(key, written, known)
        if staying := ", ".join(one for one in at if ("accounts", one) not in gone):
            raise Problem(
                say(
                    "“{what}” is read because of {accounts}",
                    what=written,
                    accounts=staying,
                ),
                say("forbid that as well, in the same command"),
            )
        if not at and written not in known.get(key, []):
            raise Problem(
                say("“{what}” may not be read anyway", what=written),
                say("toutdoux capsule fediverse shows what may"),
            )
    for key in {key for key, _ in gone}:
        known[key] = [one for one in known.get(key, []) if (key, one) not in gone]
    keep(desk.association.slug, known)
    _show(desk)


@fediverse.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Keep the token that an instance wants to be asked with: it is asked for, and not shown."
        " Only what is public is ever told on Gemini, whatever the token may see."
    ),
    epilog=examples(
        "toutdoux capsule fediverse token social.example",
        "toutdoux capsule fediverse token social.example --remove",
    ),
)
@click.argument("instance", metavar=_word("INSTANCE"))
@click.option("--remove", is_flag=True, help=_word("Ask without a token from now on."))
@association_option
def token(instance: str, remove: bool, slug: str | None) -> None:
    desk = Desk(slug)
    from toutdoux.capsule.fediverse.setup import allowed_by, keep, told

    found = allowed_by(desk.association.slug).named(instance)
    if found is None:
        raise Problem(
            say("“{instance}” may not be read so far", instance=instance),
            say("type toutdoux capsule fediverse allow and its name"),
        )
    known = told(desk.association.slug)
    tokens: dict[str, Any] = dict(known.get("tokens") or {})
    tokens.pop(found.name, None)
    if not remove:
        question = shown(terminal.say(say("The token (it is not shown)")))
        tokens[found.name] = str(click.prompt(question, hide_input=True)).strip()
    keep(desk.association.slug, known | {"tokens": tokens})
    _show(desk)


def _accounts_at(key: str, written: str, known: Mapping[str, Any]) -> list[str]:
    """The association's accounts at an instance: each opens it."""
    from toutdoux.capsule.fediverse.instances import allowed

    if key == "accounts":
        return []
    (instance,) = allowed({key: [written]}).instances
    return [one for one in known.get("accounts", []) if one.partition("@")[2] == instance.name]


def _read(what: str) -> tuple[str, str]:
    """What somebody means: the list it goes into, and how it is written there."""
    from toutdoux.capsule.fediverse.instances import account, allowed, instance_name

    try:
        if "://" in what:
            return "inside", allowed({"inside": [what]}).instances[0].address
        if "@" in what:
            return "accounts", str(account(what))
        return "instances", instance_name(what)
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy) from None
