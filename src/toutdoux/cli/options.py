"""The options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from toutdoux.core.charter import Kind
from toutdoux.language import LANGUAGES

from .speech import terminal

KINDS = {
    "ordinary": Kind.ORDINARY,
    "extraordinary": Kind.EXTRAORDINARY,
    "ordinaire": Kind.ORDINARY,
    "extraordinaire": Kind.EXTRAORDINARY,
}
"""What a kind of action may be called, whatever the terminal's language."""
FORMATS = ("pdf", "html", "md", "gmi")
"""What a report can be written as."""

_word = terminal.word
KIND = click.Choice([*KINDS], case_sensitive=False)
Command = Callable[..., Any]


def scenario_option(command: Command) -> Command:
    return click.option(
        "--scenario",
        "file",
        type=click.Path(path_type=Path),
        metavar=_word("FILE"),
        help=_word("A scenario file that tells the history, in place of the ledger."),
    )(command)


def at_option(command: Command) -> Command:
    return click.option(
        "--at",
        "at",
        metavar=_word("INSTANT"),
        help=_word("The instant it is asked about (now, unless given): 2021-03-05 18:00."),
    )(command)


def told_at_option(command: Command) -> Command:
    return click.option(
        "--at",
        "at",
        metavar=_word("INSTANT"),
        help=_word("When it happened, if it is told after the fact: 2021-03-05 18:00."),
    )(command)


def association_option(command: Command) -> Command:
    return click.option(
        "--association",
        "slug",
        metavar=_word("NAME"),
        help=_word("Which association, where there are several: its short name."),
    )(command)


def by_option(command: Command) -> Command:
    return click.option(
        "--by",
        "by",
        required=True,
        metavar=_word("MEMBER"),
        help=_word("The member who does it: their handle."),
    )(command)


def lang_option(command: Command) -> Command:
    return click.option(
        "--lang",
        type=click.Choice(LANGUAGES),
        help=_word("The language of what is written."),
    )(command)


def kind_option(help: str) -> Callable[[Command], Command]:
    """`--kind`, as one of `KINDS`."""
    return click.option("--kind", type=KIND, metavar=_word("ordinary|extraordinary"), help=help)


def format_option(*names: str) -> Callable[[Command], Command]:
    return click.option(
        "--format",
        "form",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help=_word("How it is written."),
    )


def examples(*lines: str) -> str:
    """The examples under a command's help, one a line."""
    return "\b\n" + "\n".join((_word("Examples:"), *(f"  {line}" for line in lines)))
