"""Inventories that were kept by hand, and those that toutdoux prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import toutdoux.demo
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction
from toutdoux.core.history import State
from toutdoux.language import Language
from toutdoux.reports import inventory as inv
from toutdoux.reports.content import inventory_table
from toutdoux.reports.render.markdown import blocks_to_markdown
from toutdoux.scenario import load_scenario
from toutdoux.tables import Inventory, read_inventory

from .telling import Rows, marked_down, refused, separated

TITLES = ["ID", "Objet", "Meneur.se", "Date", "Pour", "Contre", "Lien"]
ROW = ["#27", "#action-extraordinaire Peindre", "Ana", "01-03-2021", "10/13", "0/13", ""]
READ = ImportedAction(
    ref="AE27",
    kind=Kind.EXTRAORDINARY,
    number=27,
    object="#action-extraordinaire Peindre",
    leader="Ana",
    leader_id=None,
    date=date(2021, 3, 1),
    for_=10,
    against=0,
    expressed=13,
    link=None,
)


def with_cells(**cells: str) -> list[str]:
    """The row with other cells, named by their title."""
    return [
        cells.get(title.replace(".", "_"), cell) for title, cell in zip(TITLES, ROW, strict=True)
    ]


def read(*rows: Sequence[str], kind: Kind | None = None) -> Inventory:
    return read_inventory(separated([TITLES, *rows], "\t"), "t.tsv", kind)


def one(kind: Kind | None = None, **cells: str) -> ImportedAction:
    return read(with_cells(**cells), kind=kind).rows[0]


def wrong(kind: Kind | None = None, **cells: str) -> str:
    line, why = refused(lambda: one(kind, **cells))
    assert line == 2
    return why


# --- titles --------------------------------------------------------------------------------------

SPELLINGS = {
    "ID": ["ID", "id", "#", "N°", "Numéro", "NUMERO", "Number", "No", "№"],
    "Objet": ["Objet", "objet", "Object", "Action", "Intitulé", "**Objet**"],
    "Meneur.se": [
        "Meneur.se", "Meneur·se", "Meneuse", "Meneur(se)", "Meneur-se", "Meneur/se", "Meneur",
        "MENEUR•SE", "Leader", "Meneurs", "Meneureuse", "Meneur.euse.s", "Meneur.e", "Meneur·euse",
        "Meneuse/Meneur", "Meneur ou meneuse", "Meneu(r)se", "Meneu·r·se", "Mené par", "Menée par",
        "Mené·e par", "Mené(e)s par", "Meneuse·eur de l’action",
    ],
    "Date": ["Date", "DATE", "date :"],
    "Pour": ["Pour", "For"],
    "Contre": ["Contre", "Against"],
    "Lien": ["Lien", "Link", "URL", "Mattermost", "Message"],
}  # fmt: skip


def test_a_row() -> None:
    assert read(ROW) == Inventory([READ], {"AE27": 2}, [])


@pytest.mark.parametrize(
    ("title", "spelling"), [(title, name) for title in SPELLINGS for name in SPELLINGS[title]]
)
def test_a_title_is_known_however_it_is_spelled(title: str, spelling: str) -> None:
    titles = [spelling if name == title else name for name in TITLES]
    assert read_inventory(separated([titles, ROW], ","), "t.csv").rows == [READ]


def test_a_column_that_is_missing() -> None:
    source = "ID,Objet,Date,Pour\n1,x,2021-03-01,1/1"
    line, why = refused(lambda: read_inventory(source, "t.csv"))
    assert line == 1
    assert why == "this table has no column Meneur·se, Contre; it has ID, Objet, Date, Pour"


def test_no_inventory_at_all() -> None:
    line, why = refused(lambda: read_inventory("Hello,\nx;y\n1;2\n", "t.csv"))
    assert (line, why) == (1, "no inventory of actions begins here: Hello")


def test_an_empty_file() -> None:
    assert refused(lambda: read_inventory(b"", "t.csv")) == (None, "the file is empty")


def test_two_columns_of_one_title() -> None:
    source = separated([[*TITLES, "date"], [*ROW, "02-03-2021"]], ",")
    assert refused(lambda: read_inventory(source, "t.csv")) == (1, "there are two columns “date”")


def test_unknown_columns_are_named() -> None:
    source = separated([[*TITLES, "Humeur", "Issue"], [*ROW, "bonne", "adoptée"]], ",")
    read = read_inventory(source, "t.csv")
    assert read.rows == [READ]
    assert [Language("en").say(note) for note in read.notes] == [
        "columns that were not read: Humeur"
    ]


# --- cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["27", "#27", "AE27", "ae 27", "N°27", "n° 27", "AE-27", "No. 27"])
def test_numbers(cell: str) -> None:
    assert one(ID=cell) == READ


@pytest.mark.parametrize("cell", ["", "x", "0", "27b", "AX27", "-27", "٢٧"])
def test_what_is_no_number(cell: str) -> None:
    assert "is not the number of an action" in wrong(ID=cell)


@pytest.mark.parametrize(
    "cell",
    [
        "01-03-2021", "01/03/2021", "1/3/2021", "2021-03-01", "01.03.2021", "1 mars 2021",
        "1er mars 2021", "1 March 2021", "1er\u00a0MARS 2021",
    ],
)  # fmt: skip
def test_dates(cell: str) -> None:
    assert one(Date=cell).date == date(2021, 3, 1)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("30-02-2021", "the date 30-02-2021 does not exist"),
        ("03/14/2021", "the date 03/14/2021 does not exist"),
        ("1/3/21", "the year of “1/3/21” does not have four figures"),
        ("1/3-2021", "“1/3-2021” is not a date"),
        ("hier", "“hier” is not a date"),
        ("1 mais 2021", "“1 mais 2021” is not a date"),
        ("01-03-0021", "0021-03-01 is out of reach"),
        ("", "the cell under Date is empty"),
    ],
)
def test_what_is_no_date(cell: str, why: str) -> None:
    assert wrong(Date=cell) == why


@pytest.mark.parametrize(
    ("for_", "against", "result"),
    [
        ("10/13", "0/13", (10, 0, 13)),
        ("10 / 13", "3/13", (10, 3, 13)),
        ("10", "0/13", (10, 0, 13)),
        ("10/13", "0", (10, 0, 13)),
        ("10", "3", (10, 3, 13)),
        ("0/0", "0/0", (0, 0, 0)),
    ],
)
def test_votes(for_: str, against: str, result: tuple[int, int, int]) -> None:
    row = one(Pour=for_, Contre=against)
    assert (row.for_, row.against, row.expressed) == result


def test_neutral_votes_count_as_expressed() -> None:
    source = separated([[*TITLES, "Neutre"], [*with_cells(Pour="10", Contre="1"), "2"]], ",")
    assert read_inventory(source, "t.csv").rows[0].expressed == 13


@pytest.mark.parametrize(
    ("for_", "against", "why"),
    [
        ("10/13", "0/12", "10/13 for and 0/12 against are not of as many votes"),
        ("10/13", "4/13", "10/13 for and 4/13 against are more than all votes"),
        ("14/13", "0", "14/13 for and 0 against are more than all votes"),
        ("10-mars", "0/13", "“10-mars” is not a number of votes"),
        ("", "0/13", "the cell under Pour is empty"),
    ],
)
def test_what_is_no_result(for_: str, against: str, why: str) -> None:
    assert wrong(Pour=for_, Contre=against) == why


@pytest.mark.parametrize(
    "text",
    [
        '@all #action-extraordinaire Repeindre, **vite**, le "quai"',
        "#action-extraordinaire l'été\nsuite\n\nfin",
        '"so-called" #action-extraordinaire',
        "#action-extraordinaire 2\\*3 \\| [x](y)",
    ],
)
def test_an_object_stays_as_it_is(text: str) -> None:
    assert one(Objet=f" {text} ").object == text


@pytest.mark.parametrize(
    ("cell", "link"),
    [
        ("https://chat.example/pl/x", "https://chat.example/pl/x"),
        ("[Lien](https://chat.example/pl/x)", "https://chat.example/pl/x"),
        ("[le lien](<https://chat.example/a(b>)", "https://chat.example/a(b"),
        ("[l](https://chat.example/a_(b))", "https://chat.example/a_(b)"),
        ("<https://chat.example/pl/x>", "https://chat.example/pl/x"),
        ("voir le salon", "voir le salon"),
        ("", None),
    ],
)
def test_links(cell: str, link: str | None) -> None:
    assert one(Lien=cell).link == link


def test_a_link_of_which_only_the_word_is_left() -> None:
    read_ = read(with_cells(Lien="Lien"))
    assert read_.rows[0].link is None
    assert len(read_.notes) == 1


# --- the kind ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x #action-ordinaire y", Kind.ORDINARY),
        ("x #Action-Extraordinaire, y", Kind.EXTRAORDINARY),
        ("#àction-ordinairé", Kind.ORDINARY),
        ("#ordinary-action", Kind.ORDINARY),
        ("#EXTRAORDINARY-ACTION", Kind.EXTRAORDINARY),
    ],
)
def test_the_hashtag_says_the_kind(text: str, kind: Kind) -> None:
    other = Kind.ORDINARY if kind is Kind.EXTRAORDINARY else Kind.EXTRAORDINARY
    assert one(other, Objet=text).kind is kind


def test_the_prefix_says_the_kind() -> None:
    assert one(ID="AO14", Objet="x").ref == "AO14"


def test_the_column_says_the_kind() -> None:
    source = separated([[*TITLES, "Type"], [*with_cells(Objet="x"), "Ordinaire"]], ",")
    assert read_inventory(source, "t.csv").rows[0].kind is Kind.ORDINARY


def test_a_column_of_something_else() -> None:
    source = separated([[*TITLES, "Type"], [*with_cells(Objet="x"), "spéciale"]], ",")
    line, why = refused(lambda: read_inventory(source, "t.csv"))
    assert (line, why) == (2, "“spéciale” is not a kind of action")


def test_the_argument_says_the_kind_where_nothing_else_does() -> None:
    assert one(Kind.ORDINARY, Objet="x").kind is Kind.ORDINARY


def test_nothing_says_the_kind() -> None:
    assert wrong(Objet="x #action-ordinaire-bis") == (
        "nothing says which kind of action number 27 is"
    )


def test_prefix_and_hashtag_that_contradict() -> None:
    assert "both that it is ordinary and" in wrong(ID="AO27")


@pytest.mark.parametrize(
    "heading", ["## Inventaire des actions extraordinaires", "7.1 Actions extraordinaires"]
)
def test_the_heading_says_the_kind(heading: str) -> None:
    table = separated([TITLES, with_cells(Objet="x")], "\t")
    source = f"{heading}\n\n{table}"
    assert read_inventory(source, "t.tsv").rows[0].kind is Kind.EXTRAORDINARY


def test_an_extraordinary_assembly_says_nothing_of_actions() -> None:
    table = separated([TITLES, with_cells(Objet="x")], "\t")
    source = f"# Assemblée extraordinaire\n\n{table}"
    assert "nothing says" in refused(lambda: read_inventory(source, "t.tsv"))[1]


# --- several rows --------------------------------------------------------------------------------


def test_the_same_row_twice_is_one() -> None:
    assert read(ROW, ROW).rows == [READ]


def test_the_same_number_with_other_data() -> None:
    line, why = refused(lambda: read(ROW, with_cells(Pour="9/13")))
    assert (line, why) == (3, "AE27 is also on line 2, with other data")


def test_the_same_number_of_the_other_kind() -> None:
    refs = [row.ref for row in read(ROW, with_cells(ID="AO27", Objet="x")).rows]
    assert refs == ["AE27", "AO27"]


def test_two_tables_pasted_together_with_a_page_break() -> None:
    source = (
        "7.1 Inventaire des actions extraordinaires\n\n"
        "ID\tObjet\tMeneur.se\tDate\tPour\tContre\tLien\n"
        "#27\tx\tAna\t01-03-2021\t10/13\t0/13\tLien\n"
        "\n"
        "#28\ty\tBob\t11-04-2021\t18/18\t0/18\tLien\n"
        "\n"
        "7.2 Inventaire des actions ordinaires\n\n"
        "Date\tID\tObjet\tMeneur.se\tPour\tContre\n"
        "11-02-2021\t#14\tz\tZoé\t15/15\t0/15\n"
    )
    inventory = read_inventory(source, "t.txt")
    assert [row.ref for row in inventory.rows] == ["AE27", "AE28", "AO14"]
    assert inventory.lines == {"AE27": 4, "AE28": 6, "AO14": 11}


# --- any rows, in any order, under any titles ----------------------------------------------------

_words = st.text(st.sampled_from("abé *_@#\"'-.:;,()|«»"), max_size=12).map(str.strip)
_date = st.dates(date(1901, 1, 1), date(2100, 1, 1))


@st.composite
def _table(draw: st.DrawFn) -> tuple[Rows, list[ImportedAction]]:
    rows, read = [], []
    numbers = draw(st.lists(st.integers(1, 999), unique=True, max_size=4))
    for number in numbers:
        for_, against = draw(st.integers(0, 40)), draw(st.integers(0, 40))
        kind = draw(st.sampled_from(Kind))
        row = ImportedAction(
            ref=f"{kind.prefix}{number}",
            kind=kind,
            number=number,
            object=f"o{draw(_words)}",
            leader=f"m{draw(_words)}",
            leader_id=None,
            date=draw(_date),
            for_=for_,
            against=against,
            expressed=for_ + against + draw(st.integers(0, 5)),
            link=draw(st.sampled_from([None, "https://chat.example/pl/x"])),
        )
        day = draw(st.sampled_from(["%d-%m-%Y", "%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y"]))
        votes = f"{for_}/{row.expressed}", f"{against}/{row.expressed}"
        rows.append(
            [row.ref, row.object, row.leader, row.date.strftime(day), *votes, row.link or ""]
        )
        read.append(row)
    titles = [draw(st.sampled_from(SPELLINGS[title])) for title in TITLES]
    order = draw(st.permutations(range(len(TITLES))))
    return [[row[place] for place in order] for row in [titles, *rows]], read


@given(_table(), st.sampled_from(["\t", ";", ",", "|"]))
def test_any_inventory_is_read(table: tuple[Rows, list[ImportedAction]], separator: str) -> None:
    rows, expected = table
    source = marked_down(rows) if separator == "|" else separated(rows, separator)
    read = read_inventory(source, "t").rows
    assert read == expected


# --- what toutdoux prints ------------------------------------------------------------------------


def _printed(*objects: str, kind: Kind = Kind.ORDINARY) -> list[inv.InventoryRow]:
    return [
        inv.InventoryRow(
            ref=f"{kind.prefix}{number}",
            number=number,
            kind=kind,
            object=text,
            leader="Ana_ *B*",
            date=date(2021, 3, number),
            for_=number,
            against=1,
            expressed=20,
            link="https://chat.example/a_b?c=d&lt;=e(f)",
            state=State.CANCELLED if number == 1 else State.ADOPTED,
        )
        for number, text in enumerate(objects, 1)
    ]


def _markdown(language: Language, rows: list[inv.InventoryRow]) -> str:
    kind = rows[0].kind
    table = blocks_to_markdown((inventory_table(language, rows, kind),))
    return f"## {inv.kind_title(language, kind)}\n\n{table}\n"


def _same(read: list[ImportedAction], printed: list[inv.InventoryRow]) -> None:
    assert [
        (row.ref, row.object, row.leader, row.date, row.for_, row.against, row.expressed, row.link)
        for row in read
    ] == [
        (row.ref, row.object, row.leader, row.date, row.for_, row.against, row.expressed, row.link)
        for row in printed
    ]


OBJECTS = [
    "simple",
    "2*3 = 6, snake_case _x, <b>, 5 * 3, $5, [ok], a | b",
    "hand-written **bold**, ~~struck~~, `code | \\* <br>`",
    "one\n\ntwo",
    "escaped \\*so\\* that it is not slanted",
    "[page](https://chat.example/x_y)",
    'a "quote"',
]


@pytest.mark.parametrize("code", ["fr", "en"])
@pytest.mark.parametrize("kind", [*Kind])
def test_the_markdown_that_toutdoux_prints_is_read_back(code: str, kind: Kind) -> None:
    rows = _printed(*OBJECTS, kind=kind)
    _same(read_inventory(_markdown(Language(code), rows), "t.md").rows, rows)


@pytest.mark.parametrize("code", ["fr", "en"])
@pytest.mark.parametrize("one_kind", [True, False])
def test_the_csv_that_toutdoux_prints_is_read_back(code: str, one_kind: bool) -> None:
    rows = _printed(*OBJECTS)
    text = inv.as_csv(Language(code), rows, one_kind=one_kind)
    _same(read_inventory(text, "t.csv", Kind.ORDINARY if one_kind else None).rows, rows)


@given(st.text(st.sampled_from("ab *_`~[]()<>\\!#&;$|\n-1."), max_size=25))
@example("\\\n")
def test_what_was_read_back_prints_the_same(text: str) -> None:
    english = Language("en")
    rows = _printed("x", f"a {text} a")
    printed = _markdown(english, rows)
    read = read_inventory(printed, "t.md").rows
    again = [replace(row, object=back.object) for row, back in zip(rows, read, strict=True)]
    assert _markdown(english, again) == printed


@pytest.mark.parametrize("code", ["fr", "en"])
def test_the_inventory_of_the_demo_is_read_back(code: str) -> None:
    scenario = load_scenario(Path(toutdoux.demo.__file__).with_name("loutres.yaml"))
    period = next(one for one in scenario.chronicle.periods if one.name == "P21")
    standing = scenario.judge(datetime(2022, 1, 1, tzinfo=UTC))
    rows = inv.inventory(scenario.chronicle, standing, period)
    language = Language(code)
    text = "\n".join(
        _markdown(language, [row for row in rows if row.kind is kind]) for kind in inv.KINDS
    )
    read = read_inventory(text, "t.md").rows
    # Typography puts no-break spaces into French; they stay, as they may have been typed.
    _same(
        [replace(row, object=row.object.replace("\u00a0", " ")) for row in read],
        [replace(row, object=row.object.replace("\u00a0", " ")) for row in rows],
    )
    _same(read_inventory(inv.as_csv(language, rows, one_kind=False), "t.csv").rows, rows)
