"""`import scenario`: a history told in a file, played into an association's ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from toutdoux.core.words import Refusal, say, say_n
from toutdoux.scenario import load_scenario

from .options import association_option, examples
from .progress import progress
from .speech import Problem, shown, terminal

_word = terminal.word


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Play a scenario file into the ledger of an association, founded if need be."),
    epilog=examples(
        "toutdoux import scenario history.yaml",
        "toutdoux import scenario history.yaml --association loutres",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), metavar=_word("FILE"))
@association_option
def scenario(file: Path, slug: str | None) -> None:
    from toutdoux.config.database import prepare

    from .desk import operator

    told = load_scenario(file)
    prepare()
    from toutdoux.actions.importing import import_scenario
    from toutdoux.association.models import Association

    with progress(_word("importing …")) as show:
        try:
            done = import_scenario(
                told, slug, now=datetime.now(UTC), operator=operator(), progress=show
            )
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy, str(file)) from None
    name = Association.objects.get(pk=done.association).slug
    if done.new:
        sentence = say_n(
            "{n} event is in the ledger of {name} now.",
            "{n} events are in the ledger of {name} now.",
            len(told.lines),
            name=name,
        )
    else:
        sentence = say("This file is in the ledger of {name} already: nothing changed.", name=name)
    click.echo(shown(terminal.say(sentence)))
