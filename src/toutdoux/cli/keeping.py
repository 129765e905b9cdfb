"""Keeping and forgetting: `backup`, `restore`, `erase`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from toutdoux.config.home import backups, home
from toutdoux.core.words import Refusal, Sentence, say, say_n
from toutdoux.language import problem_of_system

from .desk import Desk
from .options import association_option, examples
from .progress import progress
from .signals import see_it_through
from .speech import Problem, problem_of_file, shown, terminal

if TYPE_CHECKING:
    from toutdoux.ledger.forgetting import Kept

_word = terminal.word


def _print(sentence: Sentence) -> None:
    click.echo(shown(terminal.say(sentence)))


def _file_name(now: datetime, before: str = "") -> Path:
    return backups() / f"{before}{now:%Y%m%dT%H%M%SZ}.toutdoux"


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Write everything into one file: ledgers, texts, accounts, settings, files, the capsule."
        " The program may go on meanwhile."
    ),
    epilog=examples("toutdoux backup", "toutdoux backup /media/disk/loutres.toutdoux"),
)
@click.argument("file", type=click.Path(path_type=Path), required=False, metavar=_word("[FILE]"))
def backup(file: Path | None) -> None:
    from toutdoux.config.database import prepare

    prepare(web=True, more=False)
    from toutdoux.ledger.backup import is_backup, save

    now = datetime.now(UTC)
    file = file or _file_name(now)
    if file.exists() and not is_backup(file):
        raise Problem(
            say("there is something else of this name"), say("name another file"), str(file)
        )
    with progress(_word("Writing the backup")) as show:
        try:
            manifest = save(file, now, show)
        except OSError as error:
            raise problem_of_file(error, file) from None
    count = sum(manifest.rows.values())
    _print(say_n("{file}: {n} row", "{file}: {n} rows", count, file=str(file)))


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Bring back everything that a backup holds, here or on another machine."),
    epilog=examples(
        "toutdoux restore loutres.toutdoux",
        "toutdoux restore loutres.toutdoux --replace",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), metavar=_word("FILE"))
@click.option(
    "--replace",
    is_flag=True,
    help=_word("Put it in the place of what is here, which goes into a backup first."),
)
def restore(file: Path, replace: bool) -> None:
    from toutdoux.config.database import prepare, set_up

    set_up(web=True)
    from toutdoux.ledger.backup import opened

    now = datetime.now(UTC)
    kept = _file_name(now, "before-restore-")
    try:
        with progress(_word("Reading the backup")) as reading, opened(file, reading) as found:
            prepare(web=True)
            with progress(_word("Bringing it back")) as writing:
                old = found.load((kept, now) if replace else None, writing, see_it_through)
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy, str(file)) from None
    except OSError as error:
        where = str(error.filename or file)
        raise Problem(
            say("{problem}", problem=problem_of_system(error)),
            say("check the file, the disk and the permissions"),
            where,
        ) from None
    if kept.exists():
        _print(say("what was here is kept in {file}", file=str(kept)))
    for one in old:
        _print(
            say(
                "the capsule has the certificate of the backup again; the other one is kept in"
                " {file}",
                file=str(one),
            )
        )
    count = sum(found.manifest.rows.values())
    _print(say_n("{file}: {n} row is back", "{file}: {n} rows are back", count, file=str(file)))


# --- forgetting ----------------------------------------------------------------------------------


def _desk(slug: str | None) -> Desk:
    """The desk where things are forgotten: with the web's tables, which hold some of them."""
    from toutdoux.config.database import prepare

    prepare(web=True)
    return Desk(slug)


@click.group(
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Forget texts for ever; the ledger stays whole."),
    epilog=examples(
        "toutdoux erase member zoe", "toutdoux erase text AE1 reason", "toutdoux erase text J3"
    ),
)
def erase() -> None:
    pass


_yes_option = click.option("--yes", is_flag=True, help=_word("Don't ask."))


@erase.command(
    "member",
    options_metavar=_word("[OPTIONS]"),
    help=_word("Forget who somebody was: their names, handles and addresses."),
    epilog=examples("toutdoux erase member zoe", "toutdoux erase member zoe --texts --yes"),
)
@click.argument("member", metavar=_word("MEMBER"))
@click.option("--texts", is_flag=True, help=_word("Forget all that they wrote, too."))
@_yes_option
@association_option
def erase_member(member: str, texts: bool, yes: bool, slug: str | None) -> None:
    desk = _desk(slug)
    from toutdoux.ledger.forgetting import of_member

    row = desk.member_row(member)
    found = of_member(desk.id, row.id, written=texts)
    _forget(desk, found, yes, row.id, written=texts)


_WHATS = {
    "object": ("object",),
    "link": ("link", "links"),
    "condition": ("condition",),
    "reason": ("reason",),
    "note": ("note",),
}


@erase.command(
    "text",
    options_metavar=_word("[OPTIONS]"),
    help=_word("Forget a text of an action, or a journal entry (J3) in all its wordings."),
    epilog=examples(
        "toutdoux erase text AE1 reason",
        "toutdoux erase text AE1 object --version 1",
        "toutdoux erase text J3",
    ),
)
@click.argument("ref", metavar=_word("REF"))
@click.argument("what", type=click.Choice(list(_WHATS)), required=False)
@click.option(
    "--version",
    "version",
    type=click.IntRange(min=1),
    metavar=_word("N"),
    help=_word("Only this wording of the object, counted from 1."),
)
@_yes_option
@association_option
def erase_text(
    ref: str, what: str | None, version: int | None, yes: bool, slug: str | None
) -> None:
    desk = _desk(slug)
    from toutdoux.ledger.forgetting import about

    ref = desk.ref(ref)
    _check_ref(desk, ref)
    if what is None and not _is_journal(ref):
        raise Problem(
            say("an action has several texts"),
            say("say which: {names}", names=", ".join(_WHATS)),
            ref,
        )
    if version is not None and what != "object":
        raise Problem(
            say("only an object has several wordings"), say("leave this out"), "--version"
        )
    found = about(desk.id, ref, _WHATS[what] if what else ())
    if version is not None:
        wanted = _wordings(desk, ref, version)
        found = [one for one in found if one.commitment in wanted]
    _forget(desk, found, yes)


def _is_journal(ref: str) -> bool:
    return ref[:1] == "J" and ref[1:].isdigit()


def _check_ref(desk: Desk, ref: str) -> None:
    from toutdoux.ledger.book import entries_about

    if not ref or not entries_about(desk.id, ref):
        raise Problem(
            say("there is no {ref} here", ref=ref),
            say("see what there is with toutdoux list, or toutdoux journal list"),
        )


def _wordings(desk: Desk, ref: str, version: int) -> set[str]:
    """The commitments to a wording of an object, and to those that it corrected."""
    import orjson

    from toutdoux.actions.models import Version
    from toutdoux.ledger.book import entries_about

    rows = Version.objects.filter(action__association=desk.id, action__ref=ref)
    last = dict(rows.order_by("number").values_list("object", "number"))
    if version not in last.values():
        raise Problem(
            say_n("the object has {n} wording", "the object has {n} wordings", len(last)),
            say("name one of them"),
            "--version",
        )
    entries = [orjson.loads(one.body) for one in entries_about(desk.id, ref)]
    wanted, open_ = set(), set()
    for entry in sorted(entries, key=lambda entry: (entry["at"], entry["seq"])):
        commitment = entry["data"].get("texts", {}).get("object")
        if commitment:
            open_.add(commitment)
            if commitment in last:
                if last[commitment] == version:
                    wanted |= open_
                open_.clear()
    return wanted


def _forget(
    desk: Desk,
    found: Sequence[Kept],
    yes: bool,
    member: str | None = None,
    *,
    written: bool = False,
) -> None:
    """Say what will be forgotten, ask, forget it, and see that nothing of it stays."""
    from django.db import Error

    from toutdoux.actions import commands
    from toutdoux.association.models import Member
    from toutdoux.chat.models import Account, Code, Handled, Outgoing
    from toutdoux.ledger.forgetting import scrub
    from toutdoux.ledger.unfinished import sweep

    unfinished = [*sweep(backups()), *sweep(home())]
    if found:
        if member is not None:
            desk.carry_out(commands.check_left, member)
        _tell(found, [*_backups_of(desk, found), *unfinished])
        if not yes:
            _ask()
        asked = [one.commitment for one in found]
        desk.carry_out(commands.erase, asked, member, written=written)
    # Also where all was forgotten before: what stayed in the files then may go now.
    try:
        held = (Member, Account, Code, Handled, Outgoing)
        gone = scrub(*(one._meta.db_table for one in held))
    except Error:
        gone = False
    if not gone:
        raise Problem(
            say("this is forgotten, but the database's files could not be cleared of it"),
            say("say this again when no other program uses the database and the disk has room"),
        )
    if not found:
        _print(say("nothing of this is known any more"))
    else:
        n = len(found)
        _print(say_n("{n} text is forgotten", "{n} texts are forgotten", n))


def _backups_of(desk: Desk, found: Sequence[Kept]) -> Iterator[Path]:
    """The backups that hold one of these texts: of this ledger, and not older than all of them."""
    from toutdoux.ledger.backup import may_hold

    files = sorted(backups().glob("*.toutdoux"))
    since = _recorded_at(desk, {one.commitment.encode() for one in found}) if files else None
    return (file for file in files if since is None or may_hold(file, desk.id, since))


_COMMITMENT = re.compile(rb'"([0-9a-f]{64})"')


def _recorded_at(desk: Desk, commitments: set[bytes]) -> datetime | None:
    """When the first of these texts was recorded."""
    import orjson

    from toutdoux.core.instants import read_instant
    from toutdoux.ledger import book

    for _, body, _ in book.rows(desk.id):
        if not commitments.isdisjoint(_COMMITMENT.findall(body)):
            return read_instant(orjson.loads(body)["recorded_at"], UTC)
    return None


_IN_WORDS = {
    "name": _word("name"),
    "slug": _word("short name"),
    "handle": _word("handle"),
    "email": _word("e-mail"),
    "role": _word("role"),
    "period": _word("period"),
    "object": _word("object"),
    "link": _word("link"),
    "links": _word("links"),
    "condition": _word("condition"),
    "reason": _word("reason"),
    "note": _word("note"),
    "leader": _word("leader"),
    "content": _word("contents"),
    "operator": _word("operator"),
}
"""What a text is, for people."""


def _tell(found: Sequence[Kept], files: Sequence[Path]) -> None:
    click.echo(terminal.word("This will be forgotten for ever:"), err=True)
    for one in found:
        line = " ".join(one.text.split())
        what = _IN_WORDS.get(one.what, one.what)
        text = f"{line[:70]}{'…' if len(line) > 70 else ''}"
        told = terminal.say(say("{name}: {value}", name=what, value=text))
        click.echo(shown(f"  {told}"), err=True)
    if files:
        told = terminal.word("These backups still hold it, and so do copies kept elsewhere:")
        click.echo(told, err=True)
        for file in files:
            click.echo(shown(f"  {file}"), err=True)


def _ask() -> None:
    if not sys.stdin.isatty():
        raise Problem(
            say("nobody is there to be asked"), say("add --yes if this is meant"), "--yes"
        )
    # Not `click.confirm`, which takes English alone.
    question, answers = terminal.word("Forget it?"), terminal.word("y/N")
    told = click.prompt(f"{question} [{answers}]", default="", show_default=False, err=True)
    if told.strip().casefold() not in ("y", "yes", "o", "oui"):
        raise click.Abort
