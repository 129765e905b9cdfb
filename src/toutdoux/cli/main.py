"""The commands: `replay`, `inventory`, `audit`, `report`, `demo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, tzinfo
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, ClassVar

import click

from toutdoux import __version__
from toutdoux.core.action import Action
from toutdoux.core.audit import audit as find_gaps
from toutdoux.core.charter import Kind
from toutdoux.core.explanation import explain
from toutdoux.core.instants import read_instant
from toutdoux.core.journal import Period
from toutdoux.core.replay import Standing
from toutdoux.core.view import action_as_data, standing_as_data
from toutdoux.core.words import Refusal, say
from toutdoux.language import Language, problem_of_system
from toutdoux.reports import inventory as inv
from toutdoux.scenario import Scenario, ScenarioError, load_scenario

from .options import FORMATS, at_option, examples, format_option, lang_option, scenario_option
from .speech import (
    Problem,
    fail,
    print_json,
    print_table,
    shown,
    terminal,
    translate_click,
)


def main() -> None:
    """Run the command line. Whatever goes wrong is said in one sentence, never as a trace."""
    translate_click()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        cli.main(prog_name="toutdoux", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as wanted:
        raise SystemExit(wanted.exit_code) from None
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "toutdoux"
        fail(f"toutdoux: {error.format_message()} → {command} --help")
    except (click.Abort, KeyboardInterrupt):
        stopped = terminal.word("stopped")
        fail(f"toutdoux: {stopped}", 130)
    except ScenarioError as error:
        where = error.file or ""
        if error.line is not None:
            where += f":{error.line}"
        _fail(Problem(error.why, error.remedy, where), error.zone)
    except Problem as problem:
        _fail(problem)
    except BrokenPipeError:
        # Whoever read along has gone (`toutdoux … | head`): nothing is wrong.
        _give_up_output()
    except OSError as error:
        _give_up_output()
        _fail(_problem_of_system(error))
    except (MemoryError, RecursionError):
        _fail(
            Problem(
                say("this takes more memory than there is"),
                say("split the file, or use a larger machine"),
            )
        )
    except Exception as error:
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


def _give_up_output() -> None:
    """What is still waiting to be written cannot be: Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _problem_of_system(error: OSError) -> Problem:
    return Problem(
        say("this cannot be written: {problem}", problem=problem_of_system(error)),
        say("check the disk and the permissions"),
        str(error.filename or ""),
    )


def _fail(problem: Problem, zone: tzinfo = UTC) -> None:
    where = f"{problem.where}: " if problem.where else "toutdoux: "
    language = Language(terminal.code, zone)
    why, remedy = language.say(problem.why), language.say(problem.remedy)
    fail(f"{where}{why} → {remedy}")


_word = terminal.word


_ELSEWHERE = {
    "setup": ("init", "association", "period"),
    "members": ("member", "role"),
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
        "show",
        "list",
        "charter",
        "status",
    ),
    "imports": ("import",),
    "journal": ("journal",),
    "checking": ("verify", "export"),
    "keeping": ("backup", "restore", "erase"),
    "comfort": ("completion", "man"),
}
"""The commands that stand in modules of their own, which are read when they are asked for."""


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
        "toutdoux replay history.yaml --explain",
        "toutdoux report P21 --scenario history.yaml --out bilan",
    ),
    context_settings={"help_option_names": ["-h", "--help"]},
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
)
@click.version_option(__version__, prog_name="toutdoux", help=_word("Show the version and exit."))
def cli() -> None:
    pass


# --- replay --------------------------------------------------------------------------------------


@cli.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Judge a scenario: say where every action stands, as the charter says."),
    epilog=examples(
        "toutdoux replay history.yaml",
        "toutdoux replay history.yaml --at '2021-03-05 18:00' --explain",
        "toutdoux replay history.yaml --format json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), metavar=_word("FILE"))
@at_option
@format_option("table", "json")
@click.option("--explain", "why", is_flag=True, help=_word("Say why, and what would change it."))
@lang_option
def replay(file: Path, at: str | None, form: str, why: bool, lang: str | None) -> None:
    scenario, standing, language = _judged(file, at, lang)
    if form == "json":
        data = standing_as_data(standing)
        if why:
            data["actions"] = [
                {**action_as_data(action), "explanation": _explanation(standing, action, language)}
                for action in standing.actions.values()
            ]
        print_json(data)
        return
    if not standing.actions:
        click.echo(language.word("No action was proposed by then."))
        return
    _print_standing(scenario, standing, language)
    if why:
        _print_explanations(standing, language)


def _print_standing(scenario: Scenario, standing: Standing, language: Language) -> None:
    word = language.word
    titles = ["ID", word("Leader"), word("State"), word("Decided on"), word("For")]
    titles += [word("Against"), word("Roll"), word("Follow-up")]
    rows = [
        [
            action.ref,
            standing.members[action.leader].name,
            language.outcome(action.state, action.decision.how if action.decision else None),
            language.short_instant(action.decision.at) if action.decision else "",
            f"{action.ballot.for_}/{action.ballot.expressed}",
            f"{action.ballot.against}/{action.ballot.expressed}",
            str(action.roll_size),
            language.name(action.follow_up) if action.follow_up else "",
        ]
        for action in standing.actions.values()
    ]
    title = f"{scenario.chronicle.name}, {language.instant(standing.at)}"
    print_table(titles, rows, title=title, right=(4, 5, 6), prose={1: 8, 2: 9, 3: 10, 7: 7})


def _explanation(standing: Standing, action: Action, language: Language) -> dict[str, list[str]]:
    explanation = explain(standing, action)
    return {
        "why": [language.say(sentence) for sentence in explanation.why],
        "next": [language.say(sentence) for sentence in explanation.next],
    }


def _print_explanations(standing: Standing, language: Language) -> None:
    for action in standing.actions.values():
        told = _explanation(standing, action, language)
        first_line = action.object.strip().splitlines()[0]
        click.echo(f"\n{action.ref}  {shown(first_line)[:90]}")
        for sentence in told["why"]:
            click.echo(f"  {shown(sentence)}")
        for sentence in told["next"]:
            click.echo(f"  → {shown(sentence)}")


# --- inventory -----------------------------------------------------------------------------------


@cli.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("List the actions proposed in a period, with their votes."),
    epilog=examples(
        "toutdoux inventory P21 --scenario history.yaml",
        "toutdoux inventory P21 --scenario history.yaml --kind ordinary --format csv",
    ),
)
@click.argument("period", metavar=_word("PERIOD"))
@scenario_option
@click.option(
    "--kind",
    type=click.Choice([one.value for one in Kind]),
    help=_word("Only the actions of this kind."),
)
@at_option
@format_option("table", "csv", "markdown", "json")
@lang_option
def inventory(
    period: str, file: Path, kind: str | None, at: str | None, form: str, lang: str | None
) -> None:
    scenario, standing, language = _judged(file, at, lang)
    kinds = [Kind(kind)] if kind else [*inv.KINDS]
    rows = inv.inventory(scenario.chronicle, standing, _period(scenario, period), kinds)
    match form:
        case "json":
            data = [row.as_data() for row in rows]
            print_json(data)
        case "csv":
            text = inv.as_csv(language, rows, one_kind=kind is not None)
            # A file keeps every sign; a terminal would obey some of them.
            click.echo(shown(text) if sys.stdout.isatty() else text, nl=False)
        case "markdown":
            _print_markdown(language, rows)
        case _:
            _print_inventories(language, rows)


def _print_markdown(language: Language, rows: list[inv.InventoryRow]) -> None:
    from toutdoux.reports.content import inventory_table
    from toutdoux.reports.render.markdown import blocks_to_markdown

    tables = []
    for kind in inv.KINDS:
        of_kind = [row for row in rows if row.kind is kind]
        if of_kind:
            table = blocks_to_markdown((inventory_table(language, of_kind, kind),))
            tables.append(f"## {inv.kind_title(language, kind)}\n\n{table.strip()}\n")
    click.echo("\n".join(tables), nl=False)


def _print_inventories(language: Language, rows: list[inv.InventoryRow]) -> None:
    if not rows:
        click.echo(language.word("No action was proposed in this period."))
    for kind in inv.KINDS:
        of_kind = [row for row in rows if row.kind is kind]
        if of_kind:
            with_state = inv.shows_state(of_kind)
            print_table(
                inv.titles(language, of_kind),
                [inv.cells(language, row, with_state=with_state, one_kind=True) for row in of_kind],
                title=inv.kind_title(language, kind),
                right=(4, 5),
                prose={1: 16, 2: 8, 6: 14},
            )


# --- audit ---------------------------------------------------------------------------------------


@cli.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("List what was done without the action that the charter asks for."),
    epilog=examples("toutdoux audit P21 --scenario history.yaml"),
)
@click.argument("period", metavar=_word("PERIOD"))
@scenario_option
@at_option
@format_option("table", "json")
@lang_option
def audit(period: str, file: Path, at: str | None, form: str, lang: str | None) -> None:
    from toutdoux.reports.content import needed_in_words

    scenario, standing, language = _judged(file, at, lang)
    findings = list(find_gaps(scenario.chronicle, standing, _period(scenario, period)))
    if form == "json":
        data = [
            {
                "date": finding.entry.dates.first.isoformat(),
                "kind": finding.entry.kind,
                "title": finding.entry.title,
                "needs": finding.needed,
                "actions": list(finding.entry.actions),
                "why": language.say(finding.why),
            }
            for finding in findings
        ]
        print_json(data)
    elif findings:
        word = language.word
        print_table(
            [word("Date"), word("What was done"), word("What it needs"), word("What is missing")],
            [
                [
                    language.short_date(finding.entry.dates.first),
                    finding.entry.title,
                    needed_in_words(language, finding.needed),
                    language.say(finding.why),
                ]
                for finding in findings
            ],
            prose={1: 14, 2: 13, 3: 13},
        )
    else:
        click.echo(language.word("All that needed an action had one."))


# --- report --------------------------------------------------------------------------------------


@cli.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Write the activity report (bilan moral) of a period."),
    epilog=examples(
        "toutdoux report P21 --scenario history.yaml --out bilan",
        "toutdoux report P21 --scenario history.yaml --format pdf,html --lang en --audit",
    ),
)
@click.argument("period", metavar=_word("PERIOD"))
@scenario_option
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("."),
    metavar=_word("DIR"),
    help=_word("The folder to write into (this one, unless given)."),
)
@click.option(
    "--format",
    "form",
    metavar=_word("LIST"),
    default=",".join(FORMATS),
    show_default=True,
    help=_word("Which files to write, with commas between."),
)
@lang_option
@at_option
@click.option("--audit", "with_audit", is_flag=True, help=_word("Add what went past the actions."))
def report(
    period: str,
    file: Path,
    out: Path,
    form: str,
    lang: str | None,
    at: str | None,
    with_audit: bool,
) -> None:
    formats = _formats(form)
    scenario, standing, _ = _judged(file, at, lang)
    code = lang or scenario.chronicle.language
    language = Language(code, scenario.chronicle.zone)
    for path in _write_report(
        scenario, standing, _period(scenario, period), language, out, formats, with_audit
    ):
        click.echo(path)


def _formats(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in FORMATS]
    if wrong or not names:
        raise Problem(
            say("the format cannot be “{text}”", text=wrong[0] if wrong else text),
            say("use one or several of {names}, with commas between", names=", ".join(FORMATS)),
        )
    return list(dict.fromkeys(names))


def _write_report(
    scenario: Scenario,
    standing: Standing,
    period: Period,
    language: Language,
    out: Path,
    formats: list[str],
    with_audit: bool,
) -> list[Path]:
    from toutdoux.reports.content import build_report
    from toutdoux.reports.files import RENDERERS, write_all
    from toutdoux.reports.render.pdf import RenderError

    document = build_report(scenario.chronicle, standing, period, language, with_audit=with_audit)
    # TRANSLATORS: the beginning of a file's name, before the period.
    title = language.word("activity-report")
    name = f"{title}-{_file_name(period.name)}"
    try:
        contents = {f"{name}.{one}": RENDERERS[one](document) for one in formats}
        return write_all(out, contents)
    except RenderError as error:
        raise Problem(
            say("the PDF could not be made: {problem}", problem=str(error)),
            say("write the other formats with --format html,md,gmi"),
        ) from None
    except OSError as error:
        raise _problem_of_system(error) from None


def _file_name(name: str) -> str:
    """A period's name as part of a file's name, whatever signs are in it."""
    plain = "".join(char if char.isalnum() or char in "-_." else "_" for char in name)
    return plain.encode()[:120].decode(errors="ignore")  # a name holds 255 bytes at most


# --- demo ----------------------------------------------------------------------------------------


@cli.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Play the demo semester: its inventories, and its report."),
    epilog=examples("toutdoux demo --out demo"),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("toutdoux-demo"),
    show_default=True,
    metavar=_word("DIR"),
    help=_word("The folder to write the report into."),
)
@lang_option
def demo(out: Path, lang: str | None) -> None:
    with as_file(files("toutdoux.demo") / "loutres.yaml") as file:
        scenario, standing, language = _judged(file, None, lang)
    period = _period(scenario, "P21")
    _print_standing(scenario, standing, language)
    _print_inventories(language, inv.inventory(scenario.chronicle, standing, period))
    paths = _write_report(scenario, standing, period, language, out, list(FORMATS), True)
    click.echo(language.word("The report is written:"))
    for path in paths:
        click.echo(f"  {path}")


# --- what they all do ----------------------------------------------------------------------------


def _judged(file: Path, at: str | None, lang: str | None) -> tuple[Scenario, Standing, Language]:
    """Read a scenario and judge it, with a word on what is going on where it takes long."""
    with _progress(file):
        scenario = load_scenario(file)
        zone = scenario.chronicle.zone
        standing = scenario.judge(_instant(at, scenario))
    return scenario, standing, Language(lang or terminal.code, zone)


def _progress(file: Path) -> Any:
    try:
        long = sys.stderr.isatty() and file.stat().st_size > 1_000_000
    except OSError:
        long = False
    if not long:
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status(_word("reading and judging …"))


def _instant(text: str | None, scenario: Scenario) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return read_instant(text, scenario.chronicle.zone)
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy, "--at") from None


def _period(scenario: Scenario, name: str) -> Period:
    periods = scenario.chronicle.periods
    for period in periods:
        if period.name == name:
            return period
    known = ", ".join(period.name for period in periods)
    remedy = (
        say("use one of {names}", names=known)
        if known
        else say("add it under periods: in the file")
    )
    raise Problem(say("there is no period {name}", name=name), remedy, scenario.file)
