"""Beginning: `init`, and what an association is called and when its periods are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from toutdoux.association.zones import zone_called, zones
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import LANGUAGES, Language

from .desk import Desk, operator
from .options import association_option, examples, format_option, lang_option, told_at_option
from .speech import Problem, print_json, print_table, shown, terminal

if TYPE_CHECKING:
    from toutdoux.association.settings import Settings
    from toutdoux.core.charter import Charter

_word = terminal.word
_DEFAULT_ZONE = "Europe/Paris"
_SWITCHED = {
    **dict.fromkeys(("on", "yes", "1", "true", "oui", "activé"), True),
    **dict.fromkeys(("off", "no", "0", "false", "non", "désactivé"), False),
}
"""How a switch may be said, whatever the terminal's language."""
_zone_option = click.option(
    "--time-zone",
    metavar=_word("ZONE"),
    help=_word("The time zone in which its days begin and end, for instance Europe/Paris."),
)
_language_option = click.option(
    "--lang", type=click.Choice(LANGUAGES), help=_word("The language it writes in.")
)


def tell(sentence: Sentence, language: Language = terminal) -> None:
    """Print a sentence on a line of its own."""
    click.echo(shown(language.say(sentence)))


# --- init ----------------------------------------------------------------------------------------


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Found an association, with a ledger of its own."),
    epilog=examples(
        'toutdoux init --name "Les Loutres libres" --time-zone Europe/Paris',
        'toutdoux init --name "The Free Otters" --lang en --charter lazy-consensus',
    ),
)
@click.option("--name", required=True, metavar=_word("NAME"), help=_word("Its name."))
@_zone_option
@_language_option
@click.option(
    "--charter",
    default="tout-doux-cratie",
    show_default=True,
    metavar=_word("CHARTER"),
    help=_word("Its rules: the name of a preset, or a YAML file."),
)
@click.option(
    "--slug",
    metavar=_word("NAME"),
    help=_word("The short name that commands know it by (made of its name, unless given)."),
)
@format_option("text", "json")
def init(
    name: str, time_zone: str | None, lang: str | None, charter: str, slug: str | None, form: str
) -> None:
    from .charters import charter_named

    rules = charter_named(charter, "--charter")
    zone, how = _zone(time_zone)
    desk = _found(name, slug, zone, lang or terminal.code, rules)
    if form == "json":
        print_json(_as_data(desk) | {"data": _where()})
        return
    row = desk.association
    tell(say("{name} is founded, under the short name {slug}.", name=row.name, slug=row.slug))
    tell(how)
    tell(say("Its charter is {name}.", name=_charter_name(rules)))
    tell(say("The data is in {place}", place=_where()))
    tell(say('Next, add the founders: toutdoux member add "Ana Brun" --founder'))


def _found(name: str, slug: str | None, zone: str, lang: str, rules: Charter) -> Desk:
    from toutdoux.config.database import prepare

    prepare()
    from toutdoux.actions import commands
    from toutdoux.association.models import Association

    try:
        id = commands.found(
            name,
            now=datetime.now(UTC),
            via="cli",
            operator=operator(),
            slug=slug,
            time_zone=zone,
            language=lang,
            charter=rules,
        )
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy) from None
    return Desk(Association.objects.get(pk=id).slug)


def _charter_name(rules: Charter) -> str:
    if not rules.differs:
        return rules.preset
    return terminal.say(say("{name}, with rules of its own", name=rules.preset))


def _where() -> str:
    """Where the data is. A database's address holds a password, so it is not shown."""
    from toutdoux.config.home import database_url, home

    if database_url() is None:
        return str(home())
    return _word("the database that $DATABASE_URL names")


# --- the time zone -------------------------------------------------------------------------------


def _zone(told: str | None) -> tuple[str, Sentence]:
    """The time zone, and a sentence on where it comes from."""
    if told is not None:
        name = _known_zone(told)
        return name, say("Its time zone is {zone}.", zone=name)
    found = _zone_of_system()
    if found is not None:
        return found, say(
            "Its time zone is {zone}, as on this machine; --time-zone says another.", zone=found
        )
    return _DEFAULT_ZONE, say(
        "Its time zone is {zone}, as this machine does not tell its own;"
        " toutdoux association change --time-zone says another.",
        zone=_DEFAULT_ZONE,
    )


def _known_zone(name: str) -> str:
    """A time zone's name as it is written. Raises `Problem` if there is none of this name."""
    try:
        return zone_called(name)
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy, "--time-zone") from None


def _zone_of_system(
    environment: Mapping[str, str] = os.environ, etc: Path = Path("/etc")
) -> str | None:
    """The system's time zone, if it tells one that is known here by its name."""
    told = [environment.get("TZ", "").removeprefix(":")]
    with suppress(OSError):
        told.append(str((etc / "localtime").readlink()))
    with suppress(OSError):
        told.append((etc / "timezone").read_text(encoding="utf-8", errors="replace").strip())
    known = zones()
    names = (one.rpartition("/zoneinfo/")[2] for one in told)
    return next((name for name in names if name in known), None)


# --- association ---------------------------------------------------------------------------------


@click.group(
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Show an association, or change its name, time zone, language or settings."),
    epilog=examples(
        "toutdoux association show",
        'toutdoux association change --name "Les Loutres du lac"',
    ),
)
def association() -> None:
    pass


@association.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Show what an association is called, its time zone, its language, its charter and its"
        " settings."
    ),
    epilog=examples("toutdoux association show", "toutdoux association show --format json"),
)
@association_option
@format_option("text", "json")
@lang_option
def show(slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, None, lang)
    data = _as_data(desk) | {"data": _where()}
    if form == "json":
        print_json(data)
        return
    word = desk.language.word
    lines = {
        "name": word("Name"),
        "slug": word("Short name"),
        "time_zone": word("Time zone"),
        "language": word("Language"),
        "charter": word("Charter"),
        "data": word("Data"),
    }
    settings = {f"  {name}": _shown(desk.language, one) for name, one in _settings(desk)}
    width = max(len(title) for title in (*lines.values(), *settings))
    for key, title in lines.items():
        click.echo(shown(f"{title:{width}}  {data[key]}"))
    click.echo(word("Settings"))
    for title, value in settings.items():
        click.echo(shown(f"{title:{width}}  {value}"))


def _settings(desk: Desk) -> Settings:
    from toutdoux.association.settings import settings_of

    return settings_of(desk.association)


def _shown(language: Language, value: bool | str) -> str:
    """A setting's value on one line."""
    if isinstance(value, str):
        return " ".join(value.split()) or "-"
    return language.word("on") if value else language.word("off")


def _as_data(desk: Desk) -> dict[str, object]:
    from toutdoux.association import people

    row = desk.association
    version = people.charters(desk.id)[-1]
    return {
        "id": desk.id,
        "slug": row.slug,
        "name": row.name,
        "time_zone": row.time_zone,
        "language": row.language,
        "charter": version.charter.preset,
        "charter_version": version.number,
        "settings": dict(_settings(desk)),
    }


@association.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Change an association's name, time zone, language or settings: what everybody may read"
        " without an account (public_inventory, public_reports, public_charter, public_actions;"
        " show_mentions shows the @mentions in it), whether French says tu (use_tu), and the texts"
        " of its legal notice (publisher, contact, host)."
    ),
    epilog=examples(
        'toutdoux association change --name "Les Loutres du lac"',
        "toutdoux association change --time-zone Europe/Brussels --lang en",
        "toutdoux association change --set public_inventory=on --set contact=ana@example.org",
    ),
)
@click.option("--name", metavar=_word("NAME"), help=_word("Its new name."))
@_zone_option
@_language_option
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar=_word("SETTING=VALUE"),
    help=_word("A setting: on or off, or a text; nothing takes a text out. Can be said again."),
)
@association_option
@told_at_option
def change(
    name: str | None,
    time_zone: str | None,
    lang: str | None,
    settings: tuple[str, ...],
    slug: str | None,
    at: str | None,
) -> None:
    if name is None and time_zone is None and lang is None and not settings:
        raise Problem(
            say("nothing is said to change"), say("give --name, --time-zone, --lang or --set")
        )
    zone = None if time_zone is None else _known_zone(time_zone)
    values = dict(map(_setting, settings))
    desk = Desk(slug, at)
    from django.db import transaction

    from toutdoux.actions import commands

    row = desk.association
    changed = False
    with transaction.atomic():
        if (name or row.name, zone or row.time_zone, lang or row.language) != (
            row.name,
            row.time_zone,
            row.language,
        ):
            desk.carry_out(commands.change_association, name=name, time_zone=zone, language=lang)
            changed = True
        if values:
            changed |= bool(desk.carry_out(commands.change_settings, values))
    if changed:
        tell(say("{name} is changed.", name=Desk(row.slug).association.name))
    else:
        tell(say("That is how it was already; nothing is changed."))


def _setting(text: str) -> tuple[str, bool | str]:
    """A setting as it was typed: `public_inventory=on`."""
    from toutdoux.association.settings import DEFAULTS

    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise Problem(
            say("“{text}” does not say what a setting is to be", text=text),
            say("write for instance --set public_inventory=on"),
            "--set",
        )
    if isinstance(DEFAULTS.get(name), bool) and value.lower() in _SWITCHED:
        return name, _SWITCHED[value.lower()]
    return name, value


# --- period --------------------------------------------------------------------------------------


@click.group(
    options_metavar=_word("[OPTIONS]"),
    subcommand_metavar=_word("COMMAND [ARGS]..."),
    help=_word("Name the periods that inventories and reports are about."),
    epilog=examples(
        "toutdoux period add P21 2021-02-01 2021-07-18",
        "toutdoux period list",
        "toutdoux period remove P21",
    ),
)
def period() -> None:
    pass


@period.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Name a period by its first and last day, or change the days of one."),
    epilog=examples("toutdoux period add P21 2021-02-01 2021-07-18"),
)
@click.argument("name", metavar=_word("NAME"))
@click.argument("first", metavar=_word("FIRST"))
@click.argument("last", metavar=_word("LAST"))
@association_option
@told_at_option
def add(name: str, first: str, last: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands
    from toutdoux.association.models import Period

    begin, end = desk.day(first, _word("FIRST")), desk.day(last, _word("LAST"))
    name = commands.period_name(name)
    known = Period.objects.filter(association=desk.id, name=name).first()
    if known is not None and (known.first, known.last) == (begin, end):
        tell(say("{name} has these days already; nothing is changed.", name=name))
        return
    desk.carry_out(commands.add_period, name, begin, end)
    days = desk.language.span(begin, end)
    if known is None:
        tell(say("{name}: {days}.", name=name, days=days))
    else:
        before = desk.language.span(known.first, known.last)
        tell(say("{name}: now {days}; it was {before}.", name=name, days=days, before=before))


@period.command(
    "list",
    options_metavar=_word("[OPTIONS]"),
    help=_word("List the periods."),
    epilog=examples("toutdoux period list", "toutdoux period list --format json"),
)
@association_option
@format_option("table", "json")
@lang_option
def list_(slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, None, lang)
    from toutdoux.association.models import Period

    rows = list(Period.objects.filter(association=desk.id))
    if form == "json":
        print_json(
            [
                {"name": row.name, "first": row.first.isoformat(), "last": row.last.isoformat()}
                for row in rows
            ]
        )
        return
    if not rows:
        tell(
            say("No period is named yet: toutdoux period add P21 2021-02-01 2021-07-18"),
            desk.language,
        )
        return
    word, day = desk.language.word, desk.language.short_date
    print_table(
        [word("Period"), word("First day"), word("Last day")],
        [[row.name, day(row.first), day(row.last)] for row in rows],
    )


@period.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Take a period's name back; nothing that happened in it changes."),
    epilog=examples("toutdoux period remove P21"),
)
@click.argument("name", metavar=_word("NAME"))
@association_option
@told_at_option
def remove(name: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    desk.carry_out(commands.remove_period, name)
    tell(say("{name} is no longer a period.", name=name))
