"""Tags begin with the hashtags of an object, through whatever channel it was told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from django.test import Client

from tests.cli.running import ENGLISH, run
from toutdoux.actions import commands
from toutdoux.core.charter import read_charter
from toutdoux.web import clock, tags
from toutdoux.web.models import Tag, Tagged
from toutdoux.web.views.charters import fields_of

from .conftest import Living
from .test_public import import_one


def words(living: Living, ref: str) -> set[str]:
    return set(Tag.objects.filter(association=living.id, action=ref).values_list("word", flat=True))


def tick() -> None:
    clock.tick(datetime.now(UTC))


def test_an_object_is_tagged_as_it_is_proposed_and_amended(loutres: Living) -> None:
    ref = loutres.propose("ordinary", "Un #verger et une #mare", "ana")
    assert words(loutres, ref) == {"verger", "mare"}
    commands.amend(loutres.request(), ref, "Un #verger et une #haie", by=loutres.ids["ana"])
    assert words(loutres, ref) == {"verger", "mare", "haie"}


def test_what_the_command_line_proposes_is_tagged_at_the_next_look(
    loutres: Living, home: Path
) -> None:
    done = run(
        *("propose", "ordinary", "Un #verger", "--by", "ana"),
        env={**ENGLISH, "TOUTDOUX_HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    assert not words(loutres, "AO1")
    tick()
    assert words(loutres, "AO1") == {"verger"}


def test_what_is_known_from_a_table_kept_by_hand_is_tagged_but_for_the_kinds(
    loutres: Living,
) -> None:
    import_one(loutres, "Un #verger #actionextraordinaire", date(2021, 3, 1))
    assert words(loutres, "AE3") == {"verger"}


def test_a_change_of_the_charter_is_tagged(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    sent = {"preset": "simple-majority", "do": "propose", "object": "Des #règles simples"}
    typed = {name: str(value) for name, value in fields_of(read_charter("simple-majority")).items()}
    client_of("ana").post(loutres.url("charter/propose"), {**typed, **sent, "key": "k"})
    assert words(loutres, "AE1") == {"règles"}


def test_what_was_there_before_is_tagged_once_and_what_was_taken_away_stays_away(
    loutres: Living,
) -> None:
    ref = loutres.propose("ordinary", "Un #verger et une #mare", "ana")
    Tag.objects.all().delete()
    Tagged.objects.all().delete()
    tick()
    assert words(loutres, ref) == {"verger", "mare"}
    Tag.objects.filter(word="mare").delete()
    loutres.propose("ordinary", "Autre chose", "bob")
    tags.gather()
    tick()
    assert words(loutres, ref) == {"verger"}
