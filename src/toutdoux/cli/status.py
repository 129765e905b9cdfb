"""Where everything stands and is kept: `status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from toutdoux import __version__
from toutdoux.core.explanation import in_brief
from toutdoux.core.history import (
    State,
)
from toutdoux.core.instants import utc_text
from toutdoux.core.replay import UNDECIDED
from toutdoux.core.roll import enrolments
from toutdoux.core.voters import open_ballots
from toutdoux.core.words import say, say_n
from toutdoux.language import Language

from .desk import Desk
from .options import association_option, examples, format_option, lang_option
from .showing import Data, listed_as_data, people_of, print_fact
from .speech import print_json, shown, terminal

if TYPE_CHECKING:
    from toutdoux.association.models import Association
    from toutdoux.core.action import Action

_word = terminal.word


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Say what is open and what is due, and where everything is kept."),
    epilog=examples("toutdoux status", "toutdoux status --format json"),
)
@association_option
@format_option("text", "json")
@lang_option
def status(slug: str | None, form: str, lang: str | None) -> None:
    """As data: `version`, `home`, `database` (`{kind, name, host}`), and `associations`, each
    `{slug, name, members, with_right, open, counting, unrecorded, ledger}`; `open` as
    `listed_as_data`, the soonest end first, with `ends_at`; `counting` likewise, what is adopted
    and may still be voted on (until its `closes_at`); `unrecorded`, the references whose decision
    is not written down; `ledger`, `{length, head}`. Nothing is written down by asking.
    """
    from toutdoux.config.database import prepare

    prepare()
    from toutdoux.association.models import Association

    if slug is not None:
        known = [Desk(slug, lang=lang).association]
    else:
        known = list(Association.objects.order_by("slug"))
    here = [_Status(one, lang or terminal.code) for one in known]
    place = _place()
    if form == "json":
        print_json({**place, "associations": [one.as_data() for one in here]})
        return
    language = Language(lang or terminal.code)
    print_fact(language, language.word("Version"), str(place["version"]))
    print_fact(language, language.word("Data"), str(place["home"]))
    print_fact(language, language.word("Database"), _database_in_words(place["database"]))
    for one in here:
        one.print()
    if not here:
        tell = say('There is no association here yet: toutdoux init --name "Les Loutres libres"')
        click.echo(language.say(tell))


def _place() -> Data:
    """Where everything is kept. A database's password is nobody's business."""
    from django.db import connection

    from toutdoux.config.home import home

    settings = connection.settings_dict
    return {
        "version": __version__,
        "home": str(home()),
        "database": {
            "kind": connection.vendor,
            "name": str(settings["NAME"]),
            "host": settings.get("HOST") or None,
        },
    }


def _database_in_words(place: Data) -> str:
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(place["kind"], place["kind"])
    where = f"{place['name']} @ {place['host']}" if place["host"] else place["name"]
    return f"{name}, {where}"


class _Status:
    """One association: how many there are, what is open, how far its ledger goes."""

    def __init__(self, association: Association, lang: str) -> None:
        desk = Desk(association.slug, lang=lang)
        from toutdoux.actions import reading

        self.association, self.language = association, desk.language
        erased = desk.language.word("(forgotten)")
        # Looked at without writing anything down: status only looks.
        self.standing = standing = reading.standing(desk.id, desk.now, erased)
        self.people = people_of(desk)
        self.ledger = association.ledger
        delay = standing.charter_at(standing.at).charter.voting_right_delay
        self.enrolled = enrolments(standing.members, delay, standing.granted, standing.at)
        self.open = sorted(
            (one for one in standing.actions.values() if one.state in UNDECIDED),
            key=lambda action: action.next_end,
        )
        self.counting = [
            one
            for one in standing.actions.values()
            if one.state is State.ADOPTED and any(open_ballots(one, standing.at))
        ]
        self.unrecorded = [
            one for one in standing.actions.values() if one.decision and not one.recorded
        ]

    @property
    def voters(self) -> int:
        return sum(one.votes for one in self.enrolled.values())

    def as_data(self) -> Data:
        return {
            "slug": self.association.slug,
            "name": self.association.name,
            "members": len(self.enrolled),
            "with_right": self.voters,
            "open": [
                {**listed_as_data(self.people, one), "ends_at": utc_text(one.next_end)}
                for one in self.open
            ],
            "counting": [listed_as_data(self.people, one) for one in self.counting],
            "unrecorded": [one.ref for one in self.unrecorded],
            "ledger": {"length": self.ledger.length, "head": self.ledger.head},
        }

    def print(self) -> None:
        language = self.language
        click.echo("")
        click.echo(shown(f"{self.association.name} ({self.association.slug})"))
        members = say(
            "{members}, {voters}.",
            members=say_n("{n} member", "{n} members", len(self.enrolled)),
            voters=say_n("{n} with the right to vote", "{n} with the right to vote", self.voters),
        )
        click.echo(f"  {language.say(members)}")
        for title, states in (
            (language.word("Open"), (State.OPEN,)),
            (language.word("Contested"), (State.CONTESTED,)),
            (language.word("Under a counter-vote"), (State.COUNTER_VOTE,)),
        ):
            self._print_some(title, [one for one in self.open if one.state in states])
        self._print_some(language.word("Adopted, with the ballot still open"), self.counting)
        self._print_some(language.word("Decided, to be written down"), self.unrecorded)
        if not (self.open or self.counting or self.unrecorded):
            nothing = language.word("Nothing is open.")
            click.echo(f"  {nothing}")
        ledger = say_n(
            "Ledger: {n} entry, the last one {head}",
            "Ledger: {n} entries, the last one {head}",
            self.ledger.length,
            head=self.ledger.head,
        )
        click.echo(f"  {language.say(ledger)}")

    def _print_some(self, title: str, actions: list[Action]) -> None:
        if not actions:
            return
        click.echo(f"  {title}")
        for action in actions:
            text = " ".join(action.object.split())
            click.echo(f"    {action.ref}  {shown(text)[:70]}")
            told = [self.language.say(one) for one in in_brief(self.standing, action)]
            click.echo(f"      {shown(' '.join(told))}")
