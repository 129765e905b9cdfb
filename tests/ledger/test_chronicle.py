"""What the ledger tells of an association's life, and the tables that were kept by hand in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import DEMO, SMALL
from tests.ledger.test_import_scenario import imported, scenario_of

if TYPE_CHECKING:
    from toutdoux.core.chronicle import Chronicle

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LIVED = f"""{SMALL}\
roles:
  - {{role: technique, member: ana, from: 2021-02-01, to: 2021-07-18}}
  - {{role: archiviste, member: bob, from: 2021-03-01}}
journal:
  - kind: course
    date: {{first: 2021-06-28, last: 2021-07-02}}
    title: Premiers pas
    text: |
      Une semaine, **au calme**.
    partners: [Le Fournil numérique]
    links: [https://example.org/cours, {{title: Supports, url: https://example.org/supports}}]
    attendance: [{{label: inscrit·es, exact: 31}}, {{about: 20}}]
  - kind: grant
    title: Une machine
    period: P21
    grant:
      funder: Fonds des mares
      asked: {{amount: "1 000,50 €", date: 2020-12-20}}
      answered: {{refused: true}}
  - {{kind: service_opened, date: [2021-03-03, 2021-03-02], title: Un service, actions: [AE27]}}
  - {{kind: life, date: 2021-05-01, title: Rien}}
reports:
  - period: P21
    title: Le printemps
    authors: [ana, Le collectif]
    sections: {{life: {{text: "Tout va **bien**."}}}}
"""


def request(association: str, **more: Any) -> Any:
    from toutdoux.actions.commands import Request

    return Request(association=association, now=NOW, via="test", **more)


def told(association: str) -> Chronicle:
    from toutdoux.actions.chronicle import chronicle

    return chronicle(association, "(oublié)")


def action(number: int, day: date, **more: Any) -> Any:
    from toutdoux.core.charter import Kind
    from toutdoux.core.entries import ImportedAction

    kind = more.pop("kind", Kind.EXTRAORDINARY)
    plain = ImportedAction(
        ref=f"{kind.prefix}{number}",
        kind=kind,
        number=number,
        object=f"L’objet {number}",
        leader="Quelqu’un d’autrefois",
        leader_id=None,
        date=day,
        for_=10,
        against=1,
        expressed=13,
    )
    return replace(plain, **more)


def lived(*past: Any) -> str:
    """The small history with a journal, and actions of before."""
    from toutdoux.actions import commands

    association = imported(LIVED)
    if past:
        commands.import_actions(request(association), past)
    return association


def standing(association: str) -> Any:
    from toutdoux.actions import reading

    return reading.standing(association, NOW, "")


# --- the chronicle -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [LIVED, DEMO.read_text(encoding="utf-8")], ids=["small", "demo"])
def test_the_journal_and_the_words_come_back_as_the_scenario_tells_them(
    both_databases: Path, text: str
) -> None:
    here, there = told(imported(text)), scenario_of(text).chronicle
    assert (here.name, here.zone, here.language) == (there.name, there.zone, there.language)
    assert here.periods == there.periods
    assert list(here.journal) == list(there.journal)
    assert here.reports == there.reports
    assert here.history.charter == there.history.charter


def test_roles_and_memberships_are_those_of_the_scenario_whoever_has_which_id(home: Path) -> None:
    here, there = told(imported(LIVED)), scenario_of(LIVED).chronicle
    names = {member.id: member.name for member in (*here.history.members, *there.history.members)}
    assert [replace(role, member=names[role.member]) for role in here.roles] == [
        replace(role, member=names[role.member]) for role in there.roles
    ]
    for day in (date(2019, 12, 31), date(2020, 1, 1), date(2021, 7, 18)):
        assert here.members_on(day) == there.members_on(day)


def test_an_entry_whose_text_was_forgotten_is_left_out(home: Path) -> None:
    from toutdoux.journal.models import JournalEntry
    from toutdoux.ledger.models import Text

    association = lived()
    row = JournalEntry.objects.get(association=association, number=1)
    Text.objects.filter(pk=row.content_id).update(text=None, nonce=None)
    assert [one.title for one in told(association).journal] == ["Une machine", "Un service", "Rien"]


def test_an_author_who_takes_another_name_is_told_by_it(home: Path) -> None:
    from toutdoux.actions import commands, reading

    association = lived()
    ana = reading.member_called(association, "ana")
    assert ana is not None
    commands.rename_member(request(association), ana.id, name="Anaïs Brun", handle="anais")
    assert told(association).reports["P21"].authors == ("Anaïs Brun", "Le collectif")


# --- inventories ---------------------------------------------------------------------------------


def rows(association: str, period: str = "P21") -> list[Any]:
    from toutdoux.reports.inventory import inventory

    here = told(association)
    one = next(one for one in here.periods if one.name == period)
    return inventory(here, standing(association), one)


def test_an_action_of_before_is_listed_as_it_was_in_order_of_number(home: Path) -> None:
    association = lived(action(26, date(2021, 2, 20)), action(28, date(2021, 6, 1)))
    told = [(row.ref, row.imported, row.leader) for row in rows(association)]
    assert told == [
        ("AE26", True, "Quelqu’un d’autrefois"),
        ("AE27", False, "Bob Leroy"),
        ("AE28", True, "Quelqu’un d’autrefois"),
        ("AO14", False, "Eva Petit"),
    ]
    first = rows(association)[0]
    assert (first.for_, first.against, first.expressed) == (10, 1, 13)
    assert first.as_data()["state"] is None


def test_an_action_of_another_period_is_not(home: Path) -> None:
    association = lived(action(26, date(2021, 1, 31)), action(28, date(2021, 7, 19)))
    assert [row.ref for row in rows(association)] == ["AE27", "AO14"]


def test_its_leader_has_the_name_of_the_member_if_one_is_known(home: Path) -> None:
    from toutdoux.actions import commands, reading

    association = lived()
    ana = reading.member_called(association, "ana")
    assert ana is not None
    past = action(26, date(2021, 2, 20), leader="", leader_id=ana.id)
    commands.import_actions(request(association), [past])
    assert rows(association)[0].leader == "Ana Brun"


def test_an_action_of_before_alone_asks_for_no_column_of_outcomes(home: Path) -> None:
    from toutdoux.language import Language
    from toutdoux.reports import inventory as inv

    association = lived(action(26, date(2021, 2, 20)))
    of_kind = [row for row in rows(association) if row.kind == "extraordinary"]
    assert not inv.shows_state(of_kind)
    cells = inv.cells(Language("en"), of_kind[0], with_state=True, one_kind=True)
    assert cells[4:] == ["10/13", "1/13", "", ""]


# --- the report ----------------------------------------------------------------------------------


def report(association: str) -> str:
    from toutdoux.language import Language
    from toutdoux.reports.content import build_report
    from toutdoux.reports.files import RENDERERS

    here = told(association)
    language = Language("en", here.zone)
    document = build_report(here, standing(association), here.periods[0], language)
    return RENDERERS["md"](document).decode()


def test_the_participation_leaves_out_what_has_no_roll_and_says_so(home: Path) -> None:
    text = report(lived(action(26, date(2021, 2, 20))))
    participation = text[text.index("Participation") :]
    assert "1 action comes from a table kept by hand" in participation
    assert "AE26" not in participation
    assert "AE27" in participation
    assert "kept by hand" not in report(imported(LIVED, "other"))


def test_a_period_known_from_a_table_alone_has_its_inventory_and_no_participation(
    home: Path,
) -> None:
    from toutdoux.actions import commands

    association = imported("periods: [{name: P19, first: 2019-02-01, last: 2019-07-18}]\n")
    commands.import_actions(request(association), [action(3, date(2019, 3, 1))])
    text = report(association)
    assert "L’objet 3" in text
    assert "listed below" in text
    assert "Participation" not in text


# --- the audit -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "kind", "missing"),
    [
        (0, "extraordinary", None),
        (-30, "extraordinary", None),
        (1, "extraordinary", "{ref} might not start before {at}"),
        (-30, "ordinary", "it is covered only by {refs}"),
    ],
)
def test_an_action_of_before_covers_what_was_done_from_its_day_on(
    home: Path, days: int, kind: str, missing: str | None
) -> None:
    from toutdoux.actions import commands
    from toutdoux.core.audit import audit
    from toutdoux.core.charter import Kind

    day = date(2021, 4, 24)
    association = lived(action(40, day + timedelta(days=days), kind=Kind(kind)))
    ref = f"{Kind(kind).prefix}40"
    entry = {"kind": "service_opened", "date": day.isoformat(), "title": "Y", "actions": [ref]}
    commands.add_to_journal(request(association), entry)
    here = told(association)
    found = list(audit(here, standing(association), here.periods[0]))
    reasons = {one.entry.title: one.why.message for one in found}
    assert reasons.get("Y") == missing
