"""An association's past: `import`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

import click

from toutdoux.core.entries import ImportedAction
from toutdoux.core.words import say, say_n
from toutdoux.language import problem_of_system

from .desk import Desk
from .options import (
    KINDS,
    association_option,
    examples,
    format_option,
    kind_option,
    lang_option,
)
from .speech import Problem, print_json, shown, terminal

if TYPE_CHECKING:
    from toutdoux.tables import TableError

_word = terminal.word


# --- reading tables ------------------------------------------------------------------------------


def read_source(file: str) -> bytes:
    """The bytes of a file; those of the standard input for `-`. No more than is ever read."""
    from toutdoux.tables.source import LARGEST

    try:
        if file == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(file).open("rb") as source:
            return source.read(LARGEST + 1)
    except OSError as error:
        raise Problem(
            say("this file cannot be read: {problem}", problem=problem_of_system(error)),
            say("check its name and its permissions"),
            file,
        ) from None


def problem_in_table(error: TableError, zone: tzinfo = UTC) -> Problem:
    where = error.file if error.line is None else f"{error.file}:{error.line}"
    return Problem(error.why, error.remedy, where, zone)


# --- import --------------------------------------------------------------------------------------


class _Imports(click.Group):
    """What can be imported; `scenario` is read when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), "scenario"})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "scenario":
            from .import_scenario import scenario

            return scenario
        return super().get_command(ctx, cmd_name)


@click.group(
    "import",
    cls=_Imports,
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Take an association's past: tables kept by hand, or a scenario."),
    epilog=examples(
        "toutdoux import inventory inventory.csv --dry-run",
        "toutdoux import scenario history.yaml",
    ),
)
def import_() -> None:
    pass


@import_.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Take inventories of actions from a table: TSV, CSV or Markdown. Doing it again changes"
        " nothing."
    ),
    epilog=examples(
        "toutdoux import inventory inventory.csv --dry-run",
        "toutdoux import inventory inventory.md --kind ordinary",
        "toutdoux import inventory - < inventory.tsv",
    ),
)
@click.argument("file", metavar=_word("FILE"))
@kind_option(_word("The kind of the actions whose row does not tell."))
@click.option("--dry-run", is_flag=True, help=_word("Only show what would be done."))
@association_option
@format_option("text", "json")
@lang_option
def inventory(
    file: str, kind: str | None, dry_run: bool, slug: str | None, form: str, lang: str | None
) -> None:
    from toutdoux.tables import TableError, read_inventory
    from toutdoux.tables.inventory import check_days

    source = read_source(file)
    try:
        read = read_inventory(source, file, KINDS[kind.lower()] if kind else None)
        desk = Desk(slug, None, lang)
        check_days(read, file, desk.now.astimezone(desk.zone).date())
    except TableError as error:
        raise problem_in_table(error) from None
    from toutdoux.actions.reading import Names

    names = Names(desk.id)
    actions = [_led(action, names.whom(action.leader)) for action in read.rows]
    new = _import(desk, actions, file, dry_run)
    strangers = [*dict.fromkeys(one.leader for one in actions if one.leader_id is None)]
    notes = [desk.language.say(note) for note in read.notes]
    for note in notes:
        click.echo(shown(note), err=True)
    if form == "json":
        print_json(
            {
                "done": not dry_run,
                "imported": new,
                "there_already": [one.ref for one in actions if one.ref not in new],
                "leaders_unknown": strangers,
                "notes": notes,
            }
        )
        return
    _print(desk, new, len(actions) - len(new), strangers, dry_run)


def _led(action: ImportedAction, leaders: Sequence[str]) -> ImportedAction:
    """An action with the member who led it, if what the table calls them by is one's only."""
    return replace(action, leader_id=leaders[0]) if len(leaders) == 1 else action


def _import(desk: Desk, actions: Sequence[ImportedAction], file: str, dry_run: bool) -> list[str]:
    """Import all of them or none; a dry run does so, and takes it back."""
    from django.db import transaction

    from toutdoux.actions import commands

    with transaction.atomic():
        try:
            new: list[str] = desk.carry_out(commands.import_actions, actions)
        except Problem as problem:
            raise Problem(problem.why, problem.remedy, file, problem.zone) from None
        if dry_run:
            transaction.set_rollback(True)
    return new


def _print(
    desk: Desk, new: Sequence[str], there: int, strangers: Sequence[str], dry_run: bool
) -> None:
    told = (
        say_n("{n} action would be imported", "{n} actions would be imported", len(new))
        if dry_run
        else say_n("{n} action is imported", "{n} actions are imported", len(new))
    )
    before = say_n("{n} was there already", "{n} were there already", there)
    lines = [say("{new}; {before}.", new=told, before=before)]
    if strangers:
        lines.append(
            say("Nobody here is known as {names}: kept as written.", names=", ".join(strangers))
        )
    for line in lines:
        click.echo(shown(desk.language.say(line)))
