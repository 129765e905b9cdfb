"""The inventory: which actions, in which columns, as tables and as data."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.cli.running import DEMO, FRENCH, SMALL, run
from toutdoux.core.charter import Kind
from toutdoux.reports.inventory import InventoryRow, inventory
from toutdoux.scenario import read_scenario

COLUMNS = ["ID", "Object", "Leader", "Date", "For", "Against", "Link"]
KEYS = [
    "ref", "number", "kind", "object", "leader", "date", "for", "against", "expressed", "link",
    "state", "imported",
]  # fmt: skip
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def rows(text: str, at: datetime = NOW) -> list[InventoryRow]:
    """The inventory of the scenario's only period."""
    scenario = read_scenario(text)
    (period,) = scenario.chronicle.periods
    return inventory(scenario.chronicle, scenario.judge(at), period)


def proposed_at(*instants: str) -> list[str]:
    """Which of the actions proposed at these instants belong to the first half of March."""
    events = "".join(
        f'  - {{at: "{instant}", propose: ordinary, by: ana, object: o}}\n' for instant in instants
    )
    text = f"""\
association: {{time_zone: Europe/Paris}}
members: [{{id: ana, joined: 2020-01-01}}]
periods: [{{name: mars, first: 2021-03-01, last: 2021-03-15}}]
events:
{events}"""
    return [f"{row.ref} {row.date}" for row in rows(text)]


# --- which actions -------------------------------------------------------------------------------


def test_the_first_and_the_last_day_are_included() -> None:
    assert proposed_at(
        "2021-02-28 23:59:59", "2021-03-01 00:00", "2021-03-15 23:59:59", "2021-03-16 00:00"
    ) == ["AO2 2021-03-01", "AO3 2021-03-15"]


def test_the_day_is_the_local_one() -> None:
    """In Paris, 23:30 UTC is half past midnight of the next day."""
    assert proposed_at("2021-02-28T22:30:00Z", "2021-02-28T23:30:00Z") == ["AO2 2021-03-01"]
    assert proposed_at("2021-03-15T22:30:00Z", "2021-03-15T23:30:00Z") == ["AO1 2021-03-15"]


def test_the_offset_an_instant_was_written_with_does_not_matter() -> None:
    assert proposed_at("2021-02-28T20:00:00-05:00") == ["AO1 2021-03-01"]


def test_an_amendment_keeps_the_date_of_the_proposal() -> None:
    amended = "  - {at: 2021-03-09, amend: AO14, by: eva, object: autre}\n"
    row = rows(SMALL + amended)[1]
    assert (row.date.isoformat(), row.object) == ("2021-03-04", "autre")


def test_extraordinary_actions_come_first_each_kind_in_order_of_proposal() -> None:
    more = """\
  - {at: 2021-03-05, propose: extraordinary, number: 3, by: ana, object: o}
  - {at: 2021-03-06, propose: ordinary, number: 2, by: ana, object: o}
"""
    assert [row.ref for row in rows(SMALL + more)] == ["AE27", "AE3", "AO14", "AO2"]


def test_the_leader_is_the_one_who_leads_now() -> None:
    handed = "  - {at: 2021-03-09, hand_over: AE27, by: bob, to: eva}\n"
    assert [row.leader for row in rows(SMALL + handed)] == ["Eva Petit", "Eva Petit"]


def test_tallies_are_those_known_at_that_instant() -> None:
    row = rows(SMALL, datetime(2021, 3, 2, 17, 1, tzinfo=UTC))[0]
    assert (row.for_, row.against, row.expressed, row.state) == (1, 0, 1, "open")
    row = rows(SMALL, datetime(2021, 3, 2, 17, 2, tzinfo=UTC))[0]
    assert (row.for_, row.against, row.expressed, row.state) == (2, 0, 2, "adopted")
    row = rows(SMALL)[0]
    assert (row.for_, row.against, row.expressed, row.state) == (2, 0, 3, "adopted")


def test_opinions_are_not_in_the_tally() -> None:
    late = "  - {id: leo, joined: 2021-02-27}\nperiods:"
    vote = "  - {at: 2021-03-05, vote: AO14, by: leo, choice: for}\n"
    row = rows(SMALL.replace("periods:", late) + vote)[1]
    assert (row.for_, row.against, row.expressed) == (0, 1, 1)


def test_what_was_not_proposed_yet_is_left_out() -> None:
    assert [row.ref for row in rows(SMALL, datetime(2021, 3, 3, tzinfo=UTC))] == ["AE27"]


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def history(tmp_path: Path) -> Path:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL, "utf-8")
    return file


def printed(history: Path, *options: str, env: dict[str, str] | None = None) -> str:
    done = run("inventory", "P21", "--scenario", history, *options, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def table_lines(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.split("\n")
    ]


def test_the_table_has_the_columns_of_the_reference(history: Path) -> None:
    table = table_lines(printed(history, "--kind", "extraordinary"))
    assert ["Inventory of extraordinary actions"] in table
    assert COLUMNS in table
    assert [
        "#27", "Un **service**, une capsule", "Bob Leroy", "2021-03-01", "2/3", "0/3",
        "https://loutres.example/27",
    ] in table  # fmt: skip
    assert len([line for line in table if line and line[0].startswith("#")]) == 1


def test_the_columns_in_french_are_those_of_the_reference(history: Path) -> None:
    table = table_lines(printed(history, "--kind", "extraordinary", env=FRENCH))
    assert ["Inventaire des actions extraordinaires"] in table
    assert ["ID", "Objet", "Meneur·se", "Date", "Pour", "Contre", "Lien"] in table
    assert "01-03-2021" in printed(history, env=FRENCH)


def test_both_kinds_are_two_tables(history: Path) -> None:
    table = table_lines(printed(history))
    titles = [line for line in table if line and line[0].startswith("Inventory")]
    assert titles == [["Inventory of extraordinary actions"], ["Inventory of ordinary actions"]]


def test_there_is_no_column_for_the_state_while_all_are_adopted(history: Path) -> None:
    assert "adopted" not in printed(history)


def test_there_is_one_as_soon_as_one_is_not(history: Path) -> None:
    """On 5 March, AE27 is adopted, and AO14 still open."""
    table = table_lines(printed(history, "--at", "2021-03-05"))
    assert COLUMNS in table  # the extraordinary ones are all adopted
    assert [*COLUMNS, "Outcome"] in table
    assert ["#14", "Un goûter", "Eva Petit", "2021-03-04", "0/1", "1/1", "open"] in table


@pytest.mark.parametrize("kind", [*Kind])
def test_kind_keeps_one_kind(history: Path, kind: Kind) -> None:
    data = json.loads(printed(history, "--kind", kind, "--format", "json"))
    assert [one["kind"] for one in data] == [kind]


def test_a_period_without_actions_is_said_so(history: Path) -> None:
    history.write_text(SMALL.replace("2021-07-18", "2021-02-02"), "utf-8")
    assert "No action was proposed" in printed(history)
    assert json.loads(printed(history, "--format", "json")) == []


# --- CSV -----------------------------------------------------------------------------------------


def as_csv(history: Path, *options: str) -> list[list[str]]:
    return [*csv.reader(io.StringIO(printed(history, "--format", "csv", *options)))]


def test_csv_of_both_kinds_says_which_is_which(history: Path) -> None:
    assert as_csv(history) == [
        COLUMNS,
        ["AE27", "Un **service**, une capsule", "Bob Leroy", "2021-03-01", "2/3", "0/3",
         "https://loutres.example/27"],
        ["AO14", "Un goûter", "Eva Petit", "2021-03-04", "0/1", "1/1", ""],
    ]  # fmt: skip


def test_csv_of_one_kind_has_its_number_only(history: Path) -> None:
    assert [row[0] for row in as_csv(history, "--kind", "ordinary")] == ["ID", "#14"]


def test_csv_has_the_state_when_one_is_not_adopted(history: Path) -> None:
    read = as_csv(history, "--at", "2021-03-05")
    assert [row[7:] for row in read] == [["Outcome"], ["adopted"], ["open"]]


@pytest.mark.parametrize(
    "text", ['a "quoted" word', "one, two; three", "a line\nanother", "#x\ttab", "'", '""', "é🦦"]
)
def test_csv_gives_back_the_object_untouched(history: Path, text: str) -> None:
    history.write_text(SMALL.replace('"Un goûter"', json.dumps(text, ensure_ascii=False)), "utf-8")
    assert as_csv(history)[2][1] == text


# --- Markdown ------------------------------------------------------------------------------------


def as_markdown(history: Path, *options: str) -> tuple[list[str], list[list[str]]]:
    """The titles and the rows of the tables, as a reader of Markdown takes them."""
    tokens = (
        MarkdownIt("commonmark")
        .enable("table")
        .parse(printed(history, "--format", "markdown", *options))
    )
    titles, found = [], []
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            titles.append(token.content)
        elif before.type == "tr_open":
            found.append([])
        if before.type in ("th_open", "td_open"):
            found[-1].append("".join(one.content for one in token.children or ()))
    return titles, found


def test_markdown_is_a_table_for_each_kind(history: Path) -> None:
    assert as_markdown(history) == (
        ["Inventory of extraordinary actions", "Inventory of ordinary actions"],
        [
            COLUMNS,
            ["#27", "Un service, une capsule", "Bob Leroy", "2021-03-01", "2/3", "0/3", "Link"],
            COLUMNS,
            ["#14", "Un goûter", "Eva Petit", "2021-03-04", "0/1", "1/1", ""],
        ],
    )


def test_markdown_keeps_the_marks_of_an_object_and_its_link(history: Path) -> None:
    text = printed(history, "--format", "markdown")
    assert "Un **service**, une capsule" in text
    assert "[Link](https://loutres.example/27)" in text


def test_markdown_cells_stay_cells(history: Path) -> None:
    history.write_text(SMALL.replace('"Un goûter"', json.dumps("un | deux\n\n| trois")), "utf-8")
    _, found = as_markdown(history)
    assert [len(row) for row in found] == [7, 7, 7, 7]
    assert "un | deux" in found[3][1]


# --- JSON ----------------------------------------------------------------------------------------


def test_json_has_the_keys_that_were_promised(history: Path) -> None:
    data: list[dict[str, Any]] = json.loads(printed(history, "--format", "json"))
    assert data == [
        {
            "ref": "AE27",
            "number": 27,
            "kind": "extraordinary",
            "object": "Un **service**, une capsule",
            "leader": "Bob Leroy",
            "date": "2021-03-01",
            "for": 2,
            "against": 0,
            "expressed": 3,
            "link": "https://loutres.example/27",
            "state": "adopted",
            "imported": False,
        },
        {
            "ref": "AO14",
            "number": 14,
            "kind": "ordinary",
            "object": "Un goûter",
            "leader": "Eva Petit",
            "date": "2021-03-04",
            "for": 0,
            "against": 1,
            "expressed": 1,
            "link": None,
            "state": "adopted",
            "imported": False,
        },
    ]
    assert [list(one) for one in data] == [KEYS, KEYS]


def test_json_says_the_same_in_every_language(history: Path) -> None:
    english = printed(history, "--format", "json")
    assert printed(history, "--format", "json", env=FRENCH) == english


def test_the_inventory_of_the_demo_is_read_from_any_folder(tmp_path: Path) -> None:
    done = run("inventory", "P21", "--scenario", DEMO, "--format", "json", cwd=tmp_path)
    assert len(json.loads(done.stdout)) == 12
