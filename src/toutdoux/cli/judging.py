"""`replay`, `inventory`, `audit`, `report`, `demo`: what scenarios and ledgers come to."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from toutdoux.core.action import Action
from toutdoux.core.audit import audit as find_gaps
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.explanation import explain
from toutdoux.core.instants import read_instant
from toutdoux.core.journal import Period, period_named
from toutdoux.core.replay import Standing
from toutdoux.core.view import action_as_data, standing_as_data
from toutdoux.core.words import Refusal, say
from toutdoux.language import Language
from toutdoux.reports import inventory as inv
from toutdoux.scenario import load_scenario

from .options import (
    FORMATS,
    KINDS,
    association_option,
    at_option,
    examples,
    format_option,
    kind_option,
    lang_option,
    scenario_option,
)
from .progress import progress
from .speech import Problem, print_json, print_table, problem_of_file, shown, terminal

if TYPE_CHECKING:
    from toutdoux.reports.document import Document

    from .desk import Desk

_word = terminal.word
_JUDGING = _word("reading and judging …")


# --- replay --------------------------------------------------------------------------------------


@click.command(
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
    told = _judged(file, at, lang)
    standing, language = told.standing, told.language
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
    _print_standing(told)
    if why:
        _print_explanations(standing, language)


def _print_standing(told: _Told) -> None:
    standing, language = told.standing, told.language
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
    title = f"{told.chronicle.name}, {language.instant(standing.at)}"
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


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("List the actions proposed in a period, with their votes."),
    epilog=examples(
        "toutdoux inventory P21",
        "toutdoux inventory P21 --kind ordinary --format csv",
        "toutdoux inventory P21 --scenario history.yaml",
    ),
)
@click.argument("period", metavar=_word("PERIOD"))
@scenario_option
@association_option
@kind_option(_word("Only the actions of this kind."))
@at_option
@format_option("table", "csv", "markdown", "json")
@lang_option
def inventory(
    period: str,
    file: Path | None,
    slug: str | None,
    kind: str | None,
    at: str | None,
    form: str,
    lang: str | None,
) -> None:
    told = _told(file, slug, at, lang)
    language = told.language
    kinds = [KINDS[kind.lower()]] if kind else [*inv.KINDS]
    rows = inv.inventory(told.chronicle, told.standing, told.period(period), kinds)
    match form:
        case "json":
            data = [row.as_data() for row in rows]
            print_json(data)
        case "csv":
            text = inv.as_csv(language, rows, one_kind=kind is not None)
            # A file keeps every sign; a terminal would obey some of them.
            click.echo(shown(text) if sys.stdout.isatty() else text, nl=False)
        case "markdown":
            from toutdoux.reports.content import inventory_as_markdown

            click.echo(inventory_as_markdown(language, rows), nl=False)
        case _:
            _print_inventories(language, rows)


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


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("List what was done without the action that the charter asks for."),
    epilog=examples("toutdoux audit P21", "toutdoux audit P21 --scenario history.yaml"),
)
@click.argument("period", metavar=_word("PERIOD"))
@scenario_option
@association_option
@at_option
@format_option("table", "json")
@lang_option
def audit(
    period: str,
    file: Path | None,
    slug: str | None,
    at: str | None,
    form: str,
    lang: str | None,
) -> None:
    from toutdoux.reports.content import needed_in_words

    told = _told(file, slug, at, lang)
    language = told.language
    findings = list(find_gaps(told.chronicle, told.standing, told.period(period)))
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


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Write the activity report (bilan moral) of a period."),
    epilog=examples(
        "toutdoux report P21 --out bilan",
        "toutdoux report P21 --format pdf,html --lang en --audit",
        "toutdoux report P21 --out site --publish",
        "toutdoux report P21 --scenario history.yaml",
    ),
)
@click.argument("period", metavar=_word("PERIOD"))
@scenario_option
@association_option
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
@click.option(
    "--publish",
    is_flag=True,
    help=_word("Publish what is written: keep it for the pages, and record its SHA-256."),
)
def report(
    period: str,
    file: Path | None,
    slug: str | None,
    out: Path,
    form: str,
    lang: str | None,
    at: str | None,
    with_audit: bool,
    publish: bool,
) -> None:
    formats = _formats(form)
    if file is not None and publish:
        raise Problem(
            say("a scenario file keeps no record of what was published"),
            say("take --publish out, or bring it into a ledger: toutdoux import scenario"),
        )
    told = _told(file, slug, at, lang, own_language=True)
    document = _built(told, told.period(period), with_audit)
    if told.desk is not None and publish:
        document = _for_everybody(told.desk, document)
    made = _rendered(document, formats)
    paths = _write(out, told.language, period, made)
    _say_if_provisional(told, told.period(period))
    if told.desk is not None and publish:
        _publish(told.desk, document, period, made, paths)
        return
    for path in paths:
        click.echo(path)


def _say_if_provisional(told: _Told, period: Period) -> None:
    from toutdoux.reports.content import goes_on

    if goes_on(told.chronicle, told.standing, period):
        note = say(
            "The period {period} is not over: the report is provisional.", period=period.name
        )
        click.echo(shown(terminal.say(note)), err=True)


def _for_everybody(desk: Desk, document: Document) -> Document:
    """A report as it is published: without mentions, unless the association says otherwise."""
    from toutdoux.association.settings import settings_of
    from toutdoux.web.publishing import without_mentions

    if settings_of(desk.association).show_mentions:
        return document
    hidden: Document = without_mentions(document)
    return hidden


def _publish(
    desk: Desk, document: Document, period: str, made: Mapping[str, bytes], paths: Sequence[Path]
) -> None:
    """Keep the files of a report and record them, for the pages to show them; print them as
    `sha256sum` does, for it to check."""
    from toutdoux.actions import commands
    from toutdoux.web.publishing import keep

    desk.at = None  # it may tell of an earlier instant; it is published now
    try:
        sums = keep(desk.id, document, made)
    except OSError as error:
        raise problem_of_file(error) from None
    desk.carry_out(commands.publish_report, period, sums)
    for form, path in zip(made, paths, strict=True):
        click.echo(f"{sums[form]}  {path}")


def _formats(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in FORMATS]
    if wrong or not names:
        raise Problem(
            say("the format cannot be “{text}”", text=wrong[0] if wrong else text),
            say("use one or several of {names}, with commas between", names=", ".join(FORMATS)),
        )
    return list(dict.fromkeys(names))


def _built(told: _Told, period: Period, with_audit: bool) -> Document:
    from toutdoux.reports.content import build_report

    return build_report(told.chronicle, told.standing, period, told.language, with_audit=with_audit)


def _rendered(document: Document, formats: Sequence[str]) -> dict[str, bytes]:
    """A report's files, by format."""
    from toutdoux.reports.files import RENDERERS
    from toutdoux.reports.render.pdf import RenderError

    try:
        return {one: RENDERERS[one](document) for one in formats}
    except RenderError as error:
        raise Problem(
            say("the PDF could not be made: {problem}", problem=str(error)),
            say("write the other formats with --format html,md,gmi"),
        ) from None


def _write(out: Path, language: Language, period: str, made: Mapping[str, bytes]) -> list[Path]:
    from toutdoux.reports.files import file_name, write_all

    try:
        return write_all(
            out, {file_name(language, period, form): content for form, content in made.items()}
        )
    except OSError as error:
        raise problem_of_file(error) from None


# --- demo ----------------------------------------------------------------------------------------


@click.command(
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
        told = _judged(file, None, lang)
    period = told.period("P21")
    _print_standing(told)
    _print_inventories(told.language, inv.inventory(told.chronicle, told.standing, period))
    made = _rendered(_built(told, period, True), FORMATS)
    paths = _write(out, told.language, period.name, made)
    click.echo(told.language.word("The report is written:"))
    for path in paths:
        click.echo(f"  {path}")


# --- what they all do ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """All that is known of an association, and where it stands: from a file, or from the ledger."""

    chronicle: Chronicle
    standing: Standing
    language: Language
    file: str = ""
    desk: Desk | None = None

    def period(self, name: str) -> Period:
        to_add = say("add it under periods: in the file") if self.desk is None else None
        try:
            return period_named(self.chronicle.periods, name, to_add)
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy, self.file) from None


def _told(
    file: Path | None,
    slug: str | None,
    at: str | None,
    lang: str | None,
    *,
    own_language: bool = False,
) -> _Told:
    """What a scenario file tells, or, without one, the ledger.

    `own_language` is for what goes to others: it speaks the association's language, not the
    terminal's, unless `--lang` says so.
    """
    if file is None:
        return _of_ledger(slug, at, lang, own_language)
    if slug is not None:
        raise Problem(
            say("a scenario file holds one association"),
            say("take --association out, or --scenario"),
        )
    told = _judged(file, at, lang)
    if own_language and lang is None:
        own = Language(told.chronicle.language, told.chronicle.zone)
        return replace(told, language=own)
    return told


def _of_ledger(slug: str | None, at: str | None, lang: str | None, own_language: bool) -> _Told:
    """What the ledger of an association tells."""
    from .desk import Desk

    desk = Desk(slug, at, lang)
    if own_language and lang is None:
        desk.language = Language(desk.association.language, desk.zone)
    with progress(_JUDGING, at_once=desk.association.ledger.length > 50_000):
        from toutdoux.actions.chronicle import chronicle

        standing = desk.standing()
        told = chronicle(desk.id, desk.language.word("(forgotten)"))
    return _Told(told, standing, desk.language, desk=desk)


def _judged(file: Path, at: str | None, lang: str | None) -> _Told:
    """Read a scenario and judge it, with a word on what is going on where it takes long."""
    with progress(_JUDGING, at_once=_size(file) > 1_000_000):
        scenario = load_scenario(file)
        zone = scenario.chronicle.zone
        standing = scenario.judge(_instant(at, zone))
    language = Language(lang or terminal.code, zone)
    return _Told(scenario.chronicle, standing, language, scenario.file)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _instant(text: str | None, zone: tzinfo) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return read_instant(text, zone)
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy, "--at") from None
