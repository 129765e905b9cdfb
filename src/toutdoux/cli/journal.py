"""The journal: what the association did, told as it is done."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toutdoux.core.chain import canonical
from toutdoux.core.journal import Dates, EntryKind, told_in
from toutdoux.core.words import say
from toutdoux.scenario import read_entry_file

from .desk import Desk
from .options import (
    Command,
    association_option,
    examples,
    format_option,
    lang_option,
    told_at_option,
)
from .speech import Problem, print_json, print_table, shown, terminal

if TYPE_CHECKING:
    from toutdoux.journal.reading import Numbered

_word = terminal.word
Content = dict[str, Any]

_NUMBER = re.compile(r"#?[Jj]?([1-9][0-9]{0,8})")
_SCHEME = r"(?:https?|gemini|mailto):"
_TITLED = re.compile(rf"(?!{_SCHEME})(.*?)=({_SCHEME}.*)", re.DOTALL)
_COUNT = re.compile(r"(?:(about|more than|fewer than)\s+)?([0-9]+)(?:\s+(\S.*))?", re.DOTALL)
_PRECISIONS = {
    None: "exact",
    "about": "about",
    "more than": "more_than",
    "fewer than": "fewer_than",
}


@click.group(
    help=_word("Tell what the association did: events, services, courses, grants, requests."),
    epilog=examples(
        'toutdoux journal add event "La nuit du libre" --date 2021-05-28 --action AO16',
        "toutdoux journal list --period P21",
    ),
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
)
def journal() -> None:
    pass


def _entry_options(command: Command) -> Command:
    """What an entry says, beside its kind and its title."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--date",
            "days",
            multiple=True,
            metavar=_word("DATE"),
            help=_word("The day it was: 2021-05-28. Several times for several days."),
        ),
        click.option(
            "--from", "first", metavar=_word("DATE"), help=_word("The first day, with --to.")
        ),
        click.option("--to", "last", metavar=_word("DATE"), help=_word("The last day.")),
        click.option("--text", metavar=_word("TEXT"), help=_word("What there is to tell.")),
        click.option(
            "--partner",
            "partners",
            multiple=True,
            metavar=_word("NAME"),
            help=_word("With whom. Several times for several."),
        ),
        click.option(
            "--link",
            "links",
            multiple=True,
            metavar=_word("LINK"),
            help=_word("https://…, or 'Title=https://…'. Several times for several."),
        ),
        click.option(
            "--attendance",
            multiple=True,
            metavar=_word("COUNT"),
            help=_word("How many came: 31, 'about 20', 'more than 20 visitors', 'fewer than 9'."),
        ),
        click.option(
            "--action",
            "actions",
            multiple=True,
            metavar=_word("ACTION"),
            help=_word("The action that covers it: AE27. Several times for several."),
        ),
        click.option(
            "--period",
            metavar=_word("PERIOD"),
            help=_word("The period it is told in, if not that of its date."),
        ),
        click.option(
            "--file",
            type=click.Path(path_type=Path),
            metavar=_word("FILE"),
            help=_word("The entry as a scenario has it, in YAML: for grants and requests."),
        ),
        told_at_option,
        association_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@journal.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Add an entry: its kind (life, event, service_opened …) and its title."),
    epilog=examples(
        'toutdoux journal add event "La nuit du libre" --date 2021-05-28 --attendance "about 30"',
        'toutdoux journal add course "Le terminal" --from 2021-06-28 --to 2021-07-02',
        "toutdoux journal add --file grant.yaml",
    ),
)
@click.argument("kind", required=False, metavar=_word("[KIND]"))
@click.argument("title", required=False, metavar=_word("[TITLE]"))
@_entry_options
def add(
    kind: str | None,
    title: str | None,
    file: Path | None,
    at: str | None,
    slug: str | None,
    **told: Any,
) -> None:
    if file is None and title is None:
        raise Problem(
            say("an entry has a kind and a title"),
            say('write them: toutdoux journal add event "La nuit du libre" --date 2021-05-28'),
        )
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    content = {**_of_file(file), **_told(kind=kind, title=title, **told)}
    number = desk.carry_out(commands.add_to_journal, _checked(content))
    click.echo(f"J{number}")


@journal.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Change what an entry says: what is given replaces, an empty word takes out."),
    epilog=examples(
        'toutdoux journal edit J3 --title "La nuit blanche du libre" --attendance 42',
        'toutdoux journal edit J3 --partner ""',
    ),
)
@click.argument("entry", metavar=_word("ENTRY"))
@click.option("--kind", metavar=_word("KIND"), help=_word("What kind of thing it was."))
@click.option("--title", metavar=_word("TITLE"), help=_word("What it was."))
@_entry_options
def edit(
    entry: str,
    file: Path | None,
    at: str | None,
    slug: str | None,
    **told: Any,
) -> None:
    changes = _told(**told)
    if file is None and not changes:
        raise Problem(
            say("nothing is said to change"), say("give --title, --date, --text or another option")
        )
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    number = _number(entry)
    here = _content(desk, number)
    before = here if file is None else _of_file(file)
    content = _checked({**before, **changes})
    if canonical(content) == canonical(here):
        click.echo(terminal.say(say("That is how it was already; nothing is changed.")))
        return
    desk.carry_out(commands.change_journal, number, content)
    click.echo(f"J{number}")


@journal.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Take an entry out."),
    epilog=examples("toutdoux journal remove J3"),
)
@click.argument("entry", metavar=_word("ENTRY"))
@told_at_option
@association_option
def remove(entry: str, at: str | None, slug: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    number = _number(entry)
    desk.carry_out(commands.change_journal, number, None)
    click.echo(f"J{number}")


@journal.command(
    "list",
    options_metavar=_word("[OPTIONS]"),
    help=_word("List the entries, in order of date."),
    epilog=examples("toutdoux journal list --period P21", "toutdoux journal list --kind event"),
)
@click.option("--period", metavar=_word("PERIOD"), help=_word("Only what is told in this period."))
@click.option("--kind", metavar=_word("KIND"), help=_word("Only the entries of this kind."))
@format_option("table", "json")
@lang_option
@association_option
def list_(
    period: str | None, kind: str | None, form: str, lang: str | None, slug: str | None
) -> None:
    desk = Desk(slug, lang=lang)
    from toutdoux.journal.reading import numbered

    wanted = None if period is None else desk.period(period)
    only = None if kind is None else _kind(kind)
    entries = [
        one
        for one in numbered(desk.id)
        if (wanted is None or told_in(one.entry, wanted))
        and (only is None or one.entry.kind is only)
    ]
    entries.sort(key=lambda one: (one.entry.dates.first, one.number))
    if form == "json":
        print_json([_as_data(one) for one in entries])
    elif entries:
        _print_entries(desk, entries)
    else:
        click.echo(desk.language.word("There is no such entry."))


def _print_entries(desk: Desk, entries: Sequence[Numbered]) -> None:
    word = desk.language.word
    print_table(
        ["ID", word("Date"), word("Kind"), word("Title"), word("Covered by")],
        [
            [
                f"J{one.number}",
                _days(desk, one.entry.dates),
                one.entry.kind,
                one.entry.title,
                " ".join(one.entry.actions),
            ]
            for one in entries
        ],
        prose={1: 10, 3: 20},
    )


def _days(desk: Desk, dates: Dates) -> str:
    days = [desk.language.short_date(day) for day in dates.days]
    return " – ".join(days) if dates.span else ", ".join(days)


@journal.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Show an entry, as a scenario has it."),
    epilog=examples("toutdoux journal show J3"),
)
@click.argument("entry", metavar=_word("ENTRY"))
@format_option("yaml", "json")
@association_option
def show(entry: str, form: str, slug: str | None) -> None:
    import yaml

    number = _number(entry)
    content = _content(Desk(slug), number)
    if form == "json":
        print_json({"id": f"J{number}", **content})
    else:
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100)
        click.echo(shown(text), nl=False)


# --- what was typed ------------------------------------------------------------------------------


def _number(text: str) -> int:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise Problem(
            say("“{text}” is not the number of a journal entry", text=text),
            say("write for instance J3; see them with toutdoux journal list"),
        )
    return int(found[1])


def _kind(text: str) -> EntryKind:
    try:
        return EntryKind(text)
    except ValueError:
        raise Problem(
            say("{key} cannot be “{text}”", key="--kind", text=text),
            say("use one of {names}", names=", ".join(EntryKind)),
        ) from None


def _of_file(file: Path | None) -> Content:
    if file is None:
        return {}
    return read_entry_file(file)


def _told(
    *,
    kind: str | None,
    title: str | None,
    days: Sequence[str],
    first: str | None,
    last: str | None,
    text: str | None,
    partners: Sequence[str],
    links: Sequence[str],
    attendance: Sequence[str],
    actions: Sequence[str],
    period: str | None,
) -> Content:
    """What the options say of an entry, in the words of a scenario; nothing of what they don't."""
    told: Content = {"kind": kind, "title": title, "text": text, "period": period}
    told["date"] = _date(days, first, last)
    several = {
        "partners": list(_said(partners)),
        "links": [_link(one) for one in _said(links)],
        "attendance": [_attendance(one) for one in _said(attendance)],
        "actions": [one.strip().lstrip("#").upper() for one in _said(actions)],
    }
    given = {"partners": partners, "links": links, "attendance": attendance, "actions": actions}
    told |= {key: one for key, one in several.items() if given[key]}
    return {key: value for key, value in told.items() if value is not None}


def _said(texts: Sequence[str]) -> list[str]:
    """What was given, without the empty word that takes everything out."""
    return [text for text in texts if text.strip()]


def _date(days: Sequence[str], first: str | None, last: str | None) -> object:
    if (first is None) != (last is None) or (first and days):
        raise Problem(
            say("a span has a first and a last day, and no other"),
            say("write --from 2021-06-28 --to 2021-07-02, or --date for each day"),
        )
    if first is not None:
        return {"first": first, "last": last}
    if len(days) > 1:
        return list(days)
    return days[0] if days else None


def _link(text: str) -> object:
    titled = _TITLED.fullmatch(text)
    return {"title": titled[1], "url": titled[2]} if titled else text


def _attendance(text: str) -> object:
    found = _COUNT.fullmatch(text.strip())
    if found is None:
        raise Problem(
            say("“{text}” does not say how many came", text=text),
            say("write for instance 31, or 'about 20 visitors'"),
            "--attendance",
        )
    precision, count, label = found.groups()
    said = {_PRECISIONS[precision]: count}
    return {"label": label, **said} if label else said


# --- what there is -------------------------------------------------------------------------------


def _content(desk: Desk, number: int) -> Content:
    from toutdoux.journal.reading import content_of

    content = content_of(desk.id, number)
    if content is None:
        raise Problem(
            say("there is no journal entry {n}", n=number),
            say("see them with toutdoux journal list"),
        )
    return dict(content)


def _checked(content: Mapping[str, Any]) -> Content:
    """An entry with all that one can't go without, or how to say here what is missing."""
    kept = {key: one for key, one in content.items() if one not in (None, "", [])}
    try:
        canonical(kept)
    except TypeError:
        raise Problem(say("this is not text in UTF-8"), say("write it in UTF-8")) from None
    kind = kept.get("kind")
    if kind in (EntryKind.GRANT, EntryKind.REQUEST) and kind not in kept:
        raise Problem(
            say("an entry of kind {kind} has facts of its own", kind=str(kind)),
            say("write it in a file, as docs/scenario.md shows, and add it with --file"),
        )
    if "date" not in kept and kind not in kept:
        raise Problem(
            say("a journal entry has no date"),
            say("give it one with --date 2021-05-28, or with --from and --to"),
        )
    return kept


def _as_data(one: Numbered) -> Content:
    return {"id": f"J{one.number}", **one.content}
