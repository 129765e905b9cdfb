"""Where the command line begins: the group of commands, and what is said when one fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, tzinfo
from importlib import import_module
from traceback import walk_tb
from typing import ClassVar

import click

from toutdoux import __version__
from toutdoux.core.words import say
from toutdoux.language import Language

from .faults import problem_of
from .options import examples
from .signals import Stopped, heed
from .speech import Problem, fail, problem_of_file, terminal, translate_click


def main() -> None:
    """Run the command line. Whatever goes wrong is said in one sentence, never as a trace."""
    heed()
    translate_click()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        status = cli.main(prog_name="toutdoux", standalone_mode=False)
        sys.stdout.flush()
        if isinstance(status, int) and status:
            raise SystemExit(status)
    except click.exceptions.Exit as wanted:
        raise SystemExit(wanted.exit_code) from None
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
    except click.UsageError as error:
        context = error.ctx or _context_of(error)
        command = context.command_path if context else "toutdoux"
        fail(f"toutdoux: {error.format_message()} → {command} --help")
    except (click.Abort, KeyboardInterrupt):
        stopped = terminal.word("stopped")
        fail(f"toutdoux: {stopped}", 130)
    except Stopped as error:
        stopped = terminal.word("stopped")
        with suppress(OSError):  # the terminal may be what has gone
            fail(f"toutdoux: {stopped}", error.status)
        raise SystemExit(error.status) from None
    except Problem as problem:
        _fail(problem, problem.zone)
    except BrokenPipeError:
        # Whoever read along has gone (`toutdoux … | head`): nothing is wrong.
        _give_up_output()
    except OSError as error:
        _give_up_output()
        _fail(problem_of_file(error))
    except (MemoryError, RecursionError):
        _fail(
            Problem(
                say("this takes more memory than there is"),
                say("split the file, or use a larger machine"),
            )
        )
    except Exception as error:
        if known := problem_of(error):
            _fail(known, known.zone)
        # A fault of ours: still one sentence, with what somebody needs to find it.
        _fail(
            Problem(
                say(
                    "this is a fault of toutdoux itself ({name}: {text})",
                    name=type(error).__name__,
                    text=str(error),
                ),
                say("please report it, with the command and the file"),
            )
        )


def _context_of(error: click.UsageError) -> click.Context | None:
    """The command whose words were being read, where Click's error does not say."""
    found = None
    for frame, _ in walk_tb(error.__traceback__):
        told = frame.f_locals.get("ctx")
        found = told if isinstance(told, click.Context) else found
    return found


def _give_up_output() -> None:
    """What is still waiting to be written cannot be: Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _fail(problem: Problem, zone: tzinfo = UTC) -> None:
    where = f"{problem.where}: " if problem.where else "toutdoux: "
    language = Language(terminal.code, zone)
    why, remedy = language.say(problem.why), language.say(problem.remedy)
    fail(f"{where}{why} → {remedy}")


_word = terminal.word

_ELSEWHERE = {
    "judging": ("replay", "inventory", "audit", "report", "demo"),
    "setup": ("init", "association", "period"),
    "members": ("member", "role"),
    "inviting": ("invite",),
    "actions": (
        "propose",
        "vote",
        "unvote",
        "amend",
        "withdraw",
        "hand-over",
        "counter-vote",
        "condition-met",
        "start",
        "done",
        "abandon",
        "stand",
        "reopen",
    ),
    "showing": ("show",),
    "listing": ("list",),
    "status": ("status",),
    "charters": ("charter",),
    "imports": ("import",),
    "journal": ("journal",),
    "checking": ("verify", "export"),
    "keeping": ("backup", "restore", "erase"),
    "comfort": ("completion", "man"),
    "serving": ("serve",),
    "chat": ("chat",),
    "capsule": ("capsule",),
}
"""The commands by module."""


class _Commands(click.Group):
    """The commands, each of them read when it is asked for, so that none waits for the others."""

    modules: ClassVar[Mapping[str, str]] = {
        name: module for module, names in _ELSEWHERE.items() for name in names
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.modules})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = self.modules.get(cmd_name)
        if module is None:
            return super().get_command(ctx, cmd_name)
        # `list` and `import` are words of Python's own: their commands are `list_` and `import_`.
        name = cmd_name.replace("-", "_")
        here = import_module(f"toutdoux.cli.{module}")
        command = getattr(here, f"{name}_", None) or getattr(here, name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=_Commands,
    help=_word("Tout-Doux lets an association govern itself by action."),
    epilog=examples(
        "toutdoux demo --out demo",
        'toutdoux init --name "Les Loutres libres"',
        'toutdoux propose extraordinary "Ouvrir un service de podcasts" --by ana',
        "toutdoux vote AE1 for --by bob",
        "toutdoux report P21 --out bilan",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
)
@click.version_option(__version__, prog_name="toutdoux", help=_word("Show the version and exit."))
def cli() -> None:
    pass
