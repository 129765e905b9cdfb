"""`completion` and `man`: what the shell and `man` are to know of the commands.

Neither needs a database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from toutdoux import __version__

from .options import examples
from .speech import terminal

_word = terminal.word

_NAME = "toutdoux"
_INSTALL = {
    "bash": """echo 'eval "$(toutdoux completion bash)"' >> ~/.bashrc""",
    "zsh": """echo 'eval "$(toutdoux completion zsh)"' >> ~/.zshrc""",
    "fish": "toutdoux completion fish > ~/.config/fish/completions/toutdoux.fish",
}
"""For every shell, what brings its script into each new one."""


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Print what a shell needs to complete commands and options with the Tab key."),
    epilog=examples("toutdoux completion bash", *_INSTALL.values()),
)
@click.argument("shell", type=click.Choice(tuple(_INSTALL)))
def completion(shell: str) -> None:
    known = get_completion_class(shell)
    assert known is not None
    words = known(_cli(), {}, _NAME, f"_{_NAME.upper()}_COMPLETE")
    # Not `source()`, which looks for bash on this machine: the script may go to another one.
    click.echo(words.source_template % words.source_vars())
    # Last, where it can be seen on a terminal; first would be zsh's own line.
    title = _word("To have it in every new shell:")
    click.echo(f"# {title} {_INSTALL[shell]}")


def _cli() -> click.Group:
    from .main import cli  # which knows this module

    return cli


# --- the man page --------------------------------------------------------------------------------


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Print the manual page, or write it into a folder: every command and option."),
    epilog=examples(
        "toutdoux man | man -l -",
        "toutdoux man --out ~/.local/share/man/man1",
    ),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar=_word("DIR"),
    help=_word("The folder to write toutdoux.1 into."),
)
def man(out: Path | None) -> None:
    page = "\n".join(_page()) + "\n"
    if out is None:
        click.echo(page, nl=False)
        return
    from toutdoux.reports.files import write_all

    (path,) = write_all(out, {f"{_NAME}.1": page.encode()})
    click.echo(path)


def _page() -> Iterator[str]:
    """The lines of the page, in the terminal's language and roff's `man` macros."""
    cli = _cli()
    context = click.Context(cli, info_name=_NAME)
    # The first line tells its encoding. No date: the same version gives the same page.
    yield "'\\\" -*- coding: utf-8 -*-"
    yield f'.TH {_NAME.upper()} 1 "" "{_NAME} {__version__}"'
    yield ".nr HY 0"  # no word is broken, and
    yield ".ad l"  # none is pulled apart
    yield _section(_word("NAME"))
    yield f"{_NAME} \\- {_plain(_word('Tout-Doux lets an association govern itself by action.'))}"
    yield _section(_word("SYNOPSIS"))
    yield f".B {_NAME}"
    yield _plain(" ".join(cli.collect_usage_pieces(context)))
    yield _section(_word("OPTIONS"))
    yield from _options(cli, context)
    yield from _examples(cli)
    yield _section(_word("COMMANDS"))
    yield from _commands(cli, context)
    yield _section(_word("ENVIRONMENT"))
    for name, meaning in _ENVIRONMENT.items():
        yield from _entry(name, meaning)
    yield _section(_word("EXIT STATUS"))
    for status, meaning in _STATUSES.items():
        yield from _entry(str(status), meaning)


_ENVIRONMENT = {
    "TOUTDOUX_HOME": _word("The folder of the data (unless set, the user's data folder)."),
    "DATABASE_URL": _word(
        "The database, where it is not the file in that folder:"
        " postgresql://user:password@host/name."
    ),
    "TOUTDOUX_OPERATOR": _word("Who acts for others (unless set, the system's user)."),
    "LC_ALL, LC_MESSAGES, LANG": _word("The language: English where they begin with en."),
}
_STATUSES = {
    0: _word("It worked."),
    1: _word("What was verified is not what was recorded."),
    2: _word("There is something to put right; nothing was changed."),
    130: _word("It was stopped with Ctrl-C."),
}


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    """The commands of a group, and those of the groups among them, each with all it takes."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        here = click.Context(command, info_name=name, parent=context)
        usage = " ".join(command.collect_usage_pieces(here))
        yield f'.SS "{_inside(f"{here.command_path} {usage}")}"'
        yield _plain(command.help or "")
        yield from _options(command, here)
        yield from _examples(command)
        if isinstance(command, click.Group):
            yield from _commands(command, here)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    help_option = command.get_help_option(context)
    for option in command.get_params(context):
        # Every command has --help: it is told once, with the options of all.
        if isinstance(option, click.Option) and (option is not help_option or not context.parent):
            record = option.get_help_record(context)
            if record is not None:
                yield from _entry(*record)


def _entry(term: str, meaning: str) -> Iterator[str]:
    yield ".TP"
    yield f'.B "{_inside(term)}"'
    yield _plain(meaning)


def _examples(command: click.Command) -> Iterator[str]:
    title, *lines = (command.epilog or "").removeprefix("\b\n").splitlines()
    yield ".PP"
    yield _plain(title)
    yield ".PP"
    yield ".EX"
    yield from map(_plain, lines)
    yield ".EE"


def _section(title: str) -> str:
    return f'.SH "{_inside(title)}"'


_ESCAPES = {
    ord("\\"): "\\e",
    # These would come out as typographic signs, which no shell takes.
    ord("-"): "\\-",
    ord("'"): "\\(aq",
    ord("`"): "\\(ga",
    ord("^"): "\\(ha",
    ord("~"): "\\(ti",
}


def _plain(text: str) -> str:
    """A line of text for roff: what is in it comes out as it is, and can be copied."""
    escaped = " ".join(text.splitlines()).translate(_ESCAPES)
    # A line that begins with a dot would be a command.
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


def _inside(text: str) -> str:
    """The same within quotes."""
    return _plain(text).replace('"', "\\(dq")
