"""What an association decides on beside its rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from toutdoux.core.chain import Broken
from toutdoux.core.words import Refusal

from .small import Small, tables


def change(small: Small, days: float = 6, **values: Any) -> list[str]:
    from toutdoux.actions import commands as c

    return c.change_settings(small.request(days, by=small.ana), values)


def settings(small: Small) -> Any:
    from toutdoux.association.models import Association
    from toutdoux.association.settings import settings_of

    return settings_of(Association.objects.get(pk=small.id))


def entries(small: Small) -> list[dict[str, Any]]:
    from toutdoux.ledger import book

    told = [orjson.loads(body) for _, body, _ in book.rows(small.id)]
    return [entry for entry in told if entry["kind"] == "settings.changed"]


def verify(small: Small) -> None:
    from toutdoux.actions.verifying import verify_association

    verify_association(small.id)


def test_nothing_is_public_unless_somebody_says_so(home: Path) -> None:
    told = settings(Small(short=True))
    public = (told.public_inventory, told.public_reports, told.public_charter, told.public_actions)
    assert public == (False, False, False, False)
    assert not told.show_mentions
    assert told.use_tu


def test_settings_are_what_was_set_last(both_databases: Path) -> None:
    small = Small(short=True)
    change(small, public_charter=True, use_tu=False, contact="bonjour@loutres.example")
    change(small, 7, public_charter=False, publisher=" Les Loutres\n1 rue de l’Étang ")
    told = settings(small)
    assert (told.public_charter, told.use_tu) == (False, False)
    assert told.contact == "bonjour@loutres.example"
    assert told.publisher == "Les Loutres\n1 rue de l’Étang"
    assert told.host == ""
    verify(small)


def test_only_what_differs_is_recorded(home: Path) -> None:
    small = Small(short=True)
    assert change(small, public_charter=True, use_tu=True, host="") == ["public_charter"]
    (entry,) = entries(small)
    assert entry["data"] == {"switches": {"public_charter": 1}}
    before = tables()
    assert change(small, public_charter=True) == []
    assert change(small) == []
    assert tables() == before


def test_an_empty_text_takes_one_back(home: Path) -> None:
    small = Small(short=True)
    change(small, contact="https://loutres.example/ecrire")
    assert change(small, 7, contact="") == ["contact"]
    assert settings(small).contact == ""
    verify(small)


def test_a_text_that_was_forgotten_is_none(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    change(small, publisher="Zoé Zibeline, 1 rue de l’Étang")
    (entry,) = entries(small)
    c.erase(small.request(7), [*entry["data"]["texts"].values()])
    assert "rue de l’Étang" not in str(tables())
    assert settings(small).publisher == ""
    verify(small)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"public_minutes": True}, "there is no setting “{name}”"),
        ({"public_charter": "yes"}, "{key} cannot be “{text}”"),
        ({"public_charter": 1}, "{key} cannot be “{text}”"),
        ({"publisher": True}, "{key} cannot be “{text}”"),
        ({"publisher": "x" * 1001}, "{what} is over {n} characters long"),
        ({"contact": "la loutre"}, "“{text}” is neither an e-mail address nor a link"),
        ({"contact": "javascript:1"}, "“{text}” is neither an e-mail address nor a link"),
    ],
)
def test_what_is_no_setting_is_refused(home: Path, values: Any, why: str) -> None:
    small = Small(short=True)
    before = tables()
    with pytest.raises(Refusal) as caught:
        change(small, **{"use_tu": False, **values})
    assert caught.value.why.message == why
    assert tables() == before


def test_settings_take_one_query_at_most(home: Path) -> None:
    from toutdoux.association.models import Association
    from toutdoux.association.settings import settings_of

    small = Small(short=True)
    change(small, public_charter=True)
    row = Association.objects.get(pk=small.id)
    with CaptureQueriesContext(connection) as queries:
        settings_of(row)
    assert len(queries) == 0
    change(small, 7, publisher="Les Loutres", host="L’étang")
    row.refresh_from_db()
    with CaptureQueriesContext(connection) as queries:
        settings_of(row)
    assert len(queries) == 1


def test_settings_that_no_entry_tells_are_found(home: Path) -> None:
    from toutdoux.association.models import Association

    small = Small(short=True)
    change(small, public_charter=True)
    for forged in ({}, {"public_charter": 0}, {"public_charter": 1, "public_actions": 1}):
        Association.objects.filter(pk=small.id).update(settings=forged)
        with pytest.raises(Broken):
            verify(small)
