"""The association's rules: `charter show`, `charter diff`, `charter propose`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from toutdoux.core.charter import Charter, Kind, read_charter
from toutdoux.core.charter_in_words import (
    changed_rules,
    changed_words,
    charter_in_words,
    origin_in_words,
)
from toutdoux.core.history import AmendCharter, CharterVersion
from toutdoux.core.instants import utc_text
from toutdoux.core.presets import PRESETS
from toutdoux.core.words import say

from .actions import proposal_options, put_forward
from .desk import Desk
from .options import association_option, at_option, examples, format_option, lang_option
from .speech import Problem, cut, print_json, shown, terminal

if TYPE_CHECKING:
    from toutdoux.language import Language

_word = terminal.word


def charter_named(text: str, where: str) -> Charter:
    """The charter of a preset's name, or of a YAML file.

    Raises `Problem`, or `ScenarioError` for what is wrong in the file.
    """
    if text in PRESETS:
        return read_charter(text)
    path = Path(text)
    if not path.exists() and not path.suffix and len(path.parts) == 1:
        raise Problem(
            say("there is no preset charter “{name}”", name=text),
            say("use one of {names}, or a file", names=", ".join(PRESETS)),
            where,
        )
    from toutdoux.scenario import ScenarioError, read_charter_file

    try:
        return read_charter_file(path)
    except ScenarioError as error:
        # The file may be anything, and its words many.
        error.why = cut(error.why)
        raise


@click.group(
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Show the association's rules, compare them, or propose others."),
    epilog=examples(
        "toutdoux charter show",
        "toutdoux charter diff 1 2",
        'toutdoux charter propose lazy-consensus --by ana --object "Décider plus vite"',
    ),
)
def charter() -> None:
    pass


# --- show ----------------------------------------------------------------------------------------


@charter.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Tell the rules in force, in plain words or as data to change and propose."),
    epilog=examples(
        "toutdoux charter show",
        "toutdoux charter show --at 2021-03-01",
        "toutdoux charter show --version 1 --format yaml",
    ),
)
@click.option(
    "--version",
    "number",
    type=int,
    metavar=_word("N"),
    help=_word("A version by its number (the one in force, unless given)."),
)
@at_option
@association_option
@format_option("text", "yaml", "json")
@lang_option
def show(number: int | None, at: str | None, slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, at, lang)
    standing = desk.standing()
    if number is None:
        version = standing.charter_at(standing.at)
    else:
        version = _numbered(standing.charters, number)
    if form == "json":
        print_json(version.charter.source)
    elif form == "yaml":
        import yaml

        text = yaml.safe_dump(dict(version.charter.source), allow_unicode=True, sort_keys=False)
        click.echo(text, nl=False)
    else:
        _print(version, desk.language)


def _numbered(versions: tuple[CharterVersion, ...], number: int) -> CharterVersion:
    if not 1 <= number <= len(versions):
        raise Problem(
            say("the charter has no version {n}", n=number),
            say("its versions go from 1 to {last}", last=len(versions)),
        )
    return versions[number - 1]


def _print(version: CharterVersion, language: Language) -> None:
    rules = version.charter
    if version.since is None:
        click.echo(language.say(say("Charter, version {n}, from the beginning", n=version.number)))
    else:
        sentence = say(
            "Charter, version {n}, in force since {at} by {ref}",
            n=version.number,
            at=version.since,
            ref=version.by_action or "",
        )
        click.echo(language.say(sentence))
    click.echo(language.say(origin_in_words(rules)))
    for title, sentences in charter_in_words(rules):
        click.echo(f"\n{language.say(title)}")
        for sentence in sentences:
            click.echo(f"  - {shown(language.say(sentence))}")


# --- diff ----------------------------------------------------------------------------------------


@charter.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Say what differs between two versions: the last two, unless told otherwise."),
    epilog=examples("toutdoux charter diff", "toutdoux charter diff 1 3"),
)
@click.argument("old", type=int, required=False, metavar=_word("[FROM]"))
@click.argument("new", type=int, required=False, metavar=_word("[TO]"))
@association_option
@format_option("text", "json")
@lang_option
def diff(old: int | None, new: int | None, slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, lang=lang)
    versions = desk.standing().charters
    after = _numbered(versions, len(versions) if new is None else new)
    before = _numbered(versions, max(1, after.number - 1) if old is None else old)
    if form == "json":
        print_json(
            {
                "from": _version_data(before),
                "to": _version_data(after),
                "changes": changed_rules(before.charter, after.charter),
            }
        )
    else:
        only = old is None and before.number == after.number
        _print_changes(before, after, desk.language, only=only)


def _version_data(version: CharterVersion) -> dict[str, object]:
    return {
        "version": version.number,
        "since": utc_text(version.since) if version.since else None,
        "by_action": version.by_action,
    }


def _print_changes(
    before: CharterVersion, after: CharterVersion, language: Language, *, only: bool
) -> None:
    """Say what differs; `only`: nobody named a version, and there is one alone."""
    if not changed_rules(before.charter, after.charter):
        click.echo(
            language.word("There is no other version to compare with.")
            if only
            else language.word("The rules are the same.")
        )
        return
    first = say("Charter, from version {old} to version {new}", old=before.number, new=after.number)
    click.echo(language.say(first))
    for title, changes in changed_words(before.charter, after.charter, language.say):
        indent = ""
        if title:
            click.echo(f"\n{title}")
            indent = "  "
        for change in changes:
            for sign, line in (("-", change.gone), ("+", change.come)):
                if line:
                    click.echo(f"{indent}{sign} {shown(line)}")


# --- propose -------------------------------------------------------------------------------------


@charter.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Propose other rules, in force once the action is adopted; print its reference."),
    epilog=examples(
        'toutdoux charter propose rules.yaml --by ana --object "Laisser deux semaines"',
        'toutdoux charter propose lazy-consensus --by ana --object "Décider plus vite"',
    ),
)
@click.argument("rules", metavar=_word("CHARTER"))
@click.option(
    "--object",
    required=True,
    metavar=_word("TEXT"),
    help=_word("What the change is for; - reads it."),
)
@proposal_options
def propose(
    rules: str,
    object: str,
    by: str,
    leader: str | None,
    number: int | None,
    link: str | None,
    condition: str | None,
    slug: str | None,
    at: str | None,
    form: str,
) -> None:
    desk = Desk(slug, at)
    put_forward(
        desk,
        Kind.EXTRAORDINARY,
        object,
        form=form,
        by=by,
        leader=leader,
        number=number,
        link=link,
        condition=condition,
        effects=[AmendCharter(charter_named(rules, ""))],
    )
