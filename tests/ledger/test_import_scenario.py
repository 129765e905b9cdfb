"""A scenario imported into a ledger stands as `replay` says it does, at any instant."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import DEMO, SMALL
from tests.independent import random_scenarios

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
INSTANTS = [
    datetime(2021, 3, 1, 10, tzinfo=UTC),
    datetime(2021, 3, 5, 18, tzinfo=UTC),
    datetime(2021, 5, 20, 8, 30, tzinfo=UTC),
    datetime(2021, 6, 14, tzinfo=UTC),
    datetime(2021, 7, 19, tzinfo=UTC),
]


def scenario_of(text: str) -> Any:
    from toutdoux.scenario import read_scenario

    return read_scenario(text, "history.yaml")


def imported(text: str, slug: str | None = None, now: datetime = NOW) -> str:
    from toutdoux.actions.importing import import_scenario

    return import_scenario(scenario_of(text), slug, now=now, operator="root").association


def with_ids(data: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """A standing's data with the scenario's ids in place of the ledger's."""
    actions = [
        {
            **one,
            "leader": ids[one["leader"]],
            "counter_vote": one["counter_vote"]
            and {**one["counter_vote"], "called_by": ids[one["counter_vote"]["called_by"]]},
        }
        for one in data["actions"]
    ]
    return {**data, "actions": actions}


def ids_of(association: str, text: str) -> dict[str, str]:
    """The scenario's ids by the ledger's: members are told in the file's order."""
    from toutdoux.actions.stage import record_of

    here = record_of(association).people
    there = scenario_of(text).chronicle.history.members
    return dict(zip(here, (member.id for member in there), strict=True))


def assert_it_stands_as_replayed(
    text: str, slug: str, instants: list[datetime], now: datetime
) -> None:
    from toutdoux.actions import reading, stage
    from toutdoux.core.replay import replay
    from toutdoux.core.view import standing_as_data
    from toutdoux.ledger.models import Ledger

    scenario = scenario_of(text)
    association = imported(text, slug, now)
    ids = ids_of(association, text)
    here = standing_as_data(reading.standing(association, now, ""))
    assert with_ids(here, ids) == standing_as_data(scenario.judge(now)), text
    for at in instants:
        there = standing_as_data(scenario.judge(at))
        assert with_ids(standing_as_data(reading.standing_at(association, at, "")), ids) == there
    standing = replay(
        stage.record_of(association).history(), Ledger.objects.get(pk=association).played_until
    )
    assert list(stage.differing(association, standing)) == []
    assert not standing.disputed
    assert not standing.void


def a_random_history(seed: int) -> tuple[str, list[datetime]]:
    rng = random.Random(seed)
    text = random_scenarios.scenario(rng, refused=0)
    return text, random_scenarios.instants(text, rng, count=4)


# --- what it says --------------------------------------------------------------------------------


def test_the_demo_stands_in_the_ledger_as_replayed_at_any_instant(both_databases: Path) -> None:
    assert_it_stands_as_replayed(DEMO.read_text(encoding="utf-8"), "loutres", INSTANTS, NOW)


def test_random_histories_stand_in_the_ledger_as_replayed(home: Path) -> None:
    for seed in range(12):
        text, instants = a_random_history(seed)
        now = max(NOW, *instants)
        assert_it_stands_as_replayed(text, f"a{seed}", instants, now)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 300, 20))
def test_hundreds_of_random_histories_do(home: Path, first: int) -> None:
    for seed in range(first, first + 20):
        text, instants = a_random_history(seed)
        assert_it_stands_as_replayed(text, f"a{seed}", instants, max(NOW, *instants))


def test_every_decision_is_written_down_with_both_instants(home: Path) -> None:
    import orjson

    from toutdoux.ledger import book

    association = imported(SMALL)
    told = [orjson.loads(body) for _, body, _ in book.rows(association)]
    decided = [one for one in told if one["kind"] == "action.adopted"]
    assert [(one["data"]["action"], one["at"]) for one in decided] == [
        ("AE27", "2021-03-02T17:02:00.000000Z"),
        ("AO14", "2021-03-11T09:00:00.000000Z"),
    ]
    # All at one instant, the first after the founding, which took place at 12:00.
    assert {one["recorded_at"] for one in decided} == {"2026-01-01T12:00:00.000001Z"}
    assert {one["via"] for one in told} == {"import"}


def test_what_is_still_open_goes_on_and_is_decided_when_it_is_due(home: Path) -> None:
    from toutdoux.actions import commands, reading

    now = datetime(2021, 3, 5, tzinfo=UTC)
    association = imported(SMALL, now=now)
    assert reading.standing(association, now, "").actions["AO14"].state == "open"
    later = now + timedelta(days=30)
    commands.settle(commands.Request(association=association, now=later, via="test"))
    assert reading.standing(association, later, "").actions["AO14"].state == "adopted"


def test_members_keep_their_ids_as_handles_where_these_can_be_handles(home: Path) -> None:
    from toutdoux.association.models import Member

    imported(
        "members:\n"
        "  - {id: Bea Blanc, name: Bea Blanc, joined: 2020-01-01}\n"
        "  - {id: bea, name: Béatrice Noir, joined: 2020-01-01}\n"
    )
    told = {one.name: one.handle for one in Member.objects.all()}
    assert told == {"Bea Blanc": "bea-blanc", "Béatrice Noir": "bea"}


# --- where it goes -------------------------------------------------------------------------------


def test_the_same_file_again_changes_nothing(home: Path) -> None:
    from toutdoux.actions.importing import import_scenario
    from toutdoux.ledger.models import Ledger

    association = imported(SMALL)
    before = Ledger.objects.get(pk=association).head
    again = import_scenario(scenario_of(SMALL), now=NOW + timedelta(days=1))
    assert (again.association, again.new) == (association, False)
    assert Ledger.objects.get(pk=association).head == before


def test_an_association_with_a_history_takes_no_other(home: Path) -> None:
    from toutdoux.core.words import Refusal
    from toutdoux.ledger.models import Ledger

    association = imported(SMALL)
    before = Ledger.objects.get(pk=association).head
    with pytest.raises(Refusal, match="has a history already"):
        imported(DEMO.read_text(encoding="utf-8"))
    assert Ledger.objects.get(pk=association).head == before


def founded(slug: str = "ours", charter: str = "tout-doux-cratie") -> str:
    from toutdoux.actions import commands
    from toutdoux.core.charter import read_charter

    return commands.found(
        "Les Castors",
        now=NOW - timedelta(days=1),
        via="test",
        slug=slug,
        time_zone="Indian/Reunion",
        language="en",
        charter=read_charter(charter),
    )


def test_an_empty_association_takes_it_and_keeps_its_own_name_and_zone(home: Path) -> None:
    from toutdoux.association.models import Association

    here = founded()
    assert imported(SMALL) == here
    one = Association.objects.get()
    assert (one.name, one.time_zone, one.language) == ("Les Castors", "Indian/Reunion", "en")


def test_an_association_of_other_rules_does_not(home: Path) -> None:
    from toutdoux.core.words import Refusal

    founded(charter="lazy-consensus")
    with pytest.raises(Refusal, match="another charter"):
        imported(SMALL)


def test_beside_another_it_is_founded_under_the_name_that_is_given(home: Path) -> None:
    from toutdoux.association.models import Association

    founded()
    new = Association.objects.get(pk=imported(SMALL, "loutres"))
    assert (new.slug, new.name, new.time_zone) == ("loutres", "Les Loutres libres", "Europe/Paris")


def test_where_there_are_several_one_says_which(home: Path) -> None:
    from toutdoux.core.words import Refusal

    founded("one"), founded("two")
    with pytest.raises(Refusal, match="several"):
        imported(SMALL)


def test_what_is_still_to_come_is_refused_with_its_line(home: Path) -> None:
    from toutdoux.association.models import Association
    from toutdoux.scenario import ScenarioError

    with pytest.raises(ScenarioError, match="still to come") as refused:
        imported(SMALL, now=datetime(2021, 3, 3, 12, tzinfo=UTC))
    assert "propose: ordinary" in SMALL.splitlines()[(refused.value.line or 0) - 1]
    assert not Association.objects.exists()


def test_a_history_that_makes_no_sense_founds_nothing(home: Path) -> None:
    from toutdoux.association.models import Association
    from toutdoux.scenario import ScenarioError

    with pytest.raises(ScenarioError):
        imported(SMALL + "  - {at: 2021-03-05, vote: AE99, by: ana, choice: for}\n")
    assert not Association.objects.exists()
