"""Tables in text: what begins one, what separates its cells, and where its rows are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toutdoux.tables import TableError
from toutdoux.tables.source import LARGEST, Sheet, read_sheet

from .telling import marked_down, refused, separated


def is_header(cells: Sequence[str], _: Sequence[str]) -> bool:
    return {"a", "b"} <= {cell.lower() for cell in cells}


def sheet(source: bytes | str) -> Sheet:
    return read_sheet(source, "t.csv", is_header)


def rows(source: bytes | str) -> list[list[str]]:
    return [row.cells for table in sheet(source).tables for row in table.rows]


def lines(source: bytes | str) -> list[int]:
    return [row.line for table in sheet(source).tables for row in table.rows]


# --- text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1"])
def test_encodings(encoding: str) -> None:
    assert rows("a,b\né,à".encode(encoding)) == [["é", "à"]]


def test_a_guessed_encoding_is_told() -> None:
    assert len(sheet("a,b\né,à".encode("cp1252")).notes) == 1
    assert not sheet("a,b\né,à".encode()).notes


def test_windows_quotes_and_euro() -> None:
    assert rows("a,b\n“x”,5 €".encode("cp1252")) == [["“x”", "5 €"]]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_line_ends(ends: str) -> None:
    assert rows(ends.join(["a,b", "1,2", "3,4"])) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("source", [b"PK\x03\x04\x14\x00\x06\x00", b"a,b\n\x81\x8d,\x90"])
def test_a_spreadsheet_itself_is_refused(source: bytes) -> None:
    assert refused(lambda: sheet(source)) == (None, "this is not a text file")


def test_a_large_file_is_refused() -> None:
    _, why = refused(lambda: sheet(b"a" * (LARGEST + 1)))
    assert "larger than 16 MiB" in why


def test_nothing() -> None:
    assert sheet(b"").tables == []
    assert sheet(b"").guess is None


# --- separators ----------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", ["\t", ";", ","])
def test_separators(separator: str) -> None:
    assert rows(separated([["a", "b"], ["1", "2"]], separator)) == [["1", "2"]]


def test_the_separator_is_that_of_the_header_not_of_the_cells() -> None:
    assert rows("a\tb\n1, 2, 3; 4\t5, 6, 7; 8") == [["1, 2, 3; 4", "5, 6, 7; 8"]]


def test_the_line_for_excel_is_passed_over() -> None:
    assert rows("sep=;\na;b\n1;2") == [["1", "2"]]


def test_too_few_cells_are_filled() -> None:
    assert rows("a,b,c\n1") == [["1", "", ""]]


def test_too_many_cells_are_an_error() -> None:
    line, why = refused(lambda: sheet("a,b\n1,2\n1,2,3"))
    assert (line, why) == (3, "this row has 3 cells, and its header has 2")


def test_too_many_empty_cells_are_none() -> None:
    assert rows("a,b,,\n1,2,,,\n,,,\n") == [["1", "2"]]


# --- quotes --------------------------------------------------------------------------------------


def test_a_quoted_cell() -> None:
    assert rows('a,b\n"1, ""one""\nand more",2\n3,4') == [['1, "one"\nand more', "2"], ["3", "4"]]


def test_lines_are_counted_through_quoted_cells() -> None:
    assert lines('a,b\n"1\n\n1",2\n\n3,4') == [2, 6]


def test_blanks_around_quotes() -> None:
    assert rows('a, b\n "1, 1" , "2"') == [["1, 1", "2"]]


def test_quotes_in_a_cell_stay() -> None:
    assert rows('a\tb\n"so-called" friends\tthe "rest"') == [['"so-called" friends', 'the "rest"']]


@pytest.mark.parametrize("rest", ["2", '2\n"3",4', '2,"x"', "2\n3,4\n"])
def test_an_unclosed_quote_is_an_error_where_it_opens(rest: str) -> None:
    line, why = refused(lambda: sheet(f'a,b\n1,1\n"one,{rest}'))
    assert (line, why) == (3, "the quote that opens here is not closed")


# --- several tables, and prose -------------------------------------------------------------------


def test_prose_around_tables_is_passed_over() -> None:
    source = "# Report\n\nIn short, much; many.\n\na;b\n1;2\n\nThat was all\n"
    assert rows(source) == [["1", "2"]]


def test_what_stands_alone_in_between_is_told() -> None:
    assert len(sheet("a,b\n1,2\n\nalone\n\n3,4").notes) == 1


def test_a_row_right_under_another_is_never_prose() -> None:
    assert rows("a,b\n1,2\nalone\n3,4") == [["1", "2"], ["alone", ""], ["3", "4"]]


def test_rows_go_on_after_a_blank_line() -> None:
    assert rows("a,b\n1,2\n\n3,4") == [["1", "2"], ["3", "4"]]


def test_a_header_that_comes_again_is_no_row() -> None:
    assert rows("a,b\n1,2\nA,B\n3,4") == [["1", "2"], ["3", "4"]]


def test_a_header_in_another_order_holds_from_there() -> None:
    tables = sheet("a,b\n1,2\n\nb\ta\n3\t4").tables
    assert [(table.titles, table.rows[0].cells) for table in tables] == [
        (["a", "b"], ["1", "2"]),
        (["b", "a"], ["3", "4"]),
    ]


def test_a_table_knows_the_prose_over_it() -> None:
    first, second = sheet("one\n\na,b\n1,2\n\n# two\na,b\n3,4").tables
    assert first.above == ("one",)
    assert second.above == ("# two",)


def test_prose_between_rows_is_over_those_that_follow() -> None:
    first, second = sheet("one\na,b\n1,2\n\ntwo\n\n3,4").tables
    assert first.above == ("one",)
    assert (second.above, second.titles) == (("two",), ["a", "b"])


# --- Markdown ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "| a | b |\n| --- | --- |\n| 1 | 2 |",
        "a | b\n---|:--:\n1 | 2",
        "|a|b|\n|-|-:|\n|1|2|\n",
        "text\n\n| a | b |\n|:--|---|\n| 1 | 2 |\ntext\n",
    ],
)
def test_a_markdown_table(source: str) -> None:
    assert rows(source) == [["1", "2"]]
    assert sheet(source).tables[0].markdown


def test_an_escaped_bar_is_a_bar() -> None:
    assert rows("| a | b |\n|---|---|\n| 1 \\| 1 | `x\\|y` |") == [["1 | 1", "`x|y`"]]


def test_a_bar_in_code_stays_if_it_must() -> None:
    assert rows("| a | b |\n|---|---|\n| `x|y` | 2 |") == [["`x|y`", "2"]]


def test_too_many_markdown_cells_are_an_error() -> None:
    line, why = refused(lambda: sheet("| a | b |\n|---|---|\n| 1 | 2 | 3 |"))
    assert (line, why) == (3, "this row has 3 cells, and its header has 2")


def test_markdown_cells_keep_quotes() -> None:
    assert rows('| a | b |\n|---|---|\n| "1 | 2" |') == [['"1', '2"']]


def test_another_markdown_table_is_passed_over_and_told() -> None:
    source = "| x | y |\n|---|---|\n| 1 | 2 |\n\n| a | b |\n|---|---|\n| 3 | 4 |\n"
    assert rows(source) == [["3", "4"]]
    assert len(sheet(source).notes) == 1


def test_a_markdown_header_comes_again() -> None:
    source = "| a | b |\n|---|---|\n| 1 | 2 |\n| b | a |\n|---|---|\n| 3 | 4 |"
    assert [table.titles for table in sheet(source).tables] == [["a", "b"], ["b", "a"]]
    assert lines(source) == [3, 6]


# --- whatever the cells --------------------------------------------------------------------------

_text = st.text(st.sampled_from("ab 1é\"';,\t|\\`-:#\n*"), max_size=8).map(str.strip)


@given(st.lists(st.tuples(st.just("x"), _text, _text), max_size=5), st.sampled_from("\t;,"))
def test_whatever_a_spreadsheet_writes_is_read(
    cells: list[tuple[str, str, str]], separator: str
) -> None:
    source = separated([["n", "a", "b"], *cells], separator)
    assert rows(source) == [list(row) for row in cells]


_cell = st.text(st.sampled_from("ab 1é\"';,\t-:#*|"), max_size=8).map(str.strip)


@given(st.lists(st.tuples(st.just("x"), _cell, _cell), max_size=5))
def test_whatever_a_markdown_table_holds_is_read(cells: list[tuple[str, str, str]]) -> None:
    source = marked_down([["n", "a", "b"], *cells])
    assert rows(source) == [list(row) for row in cells]


@given(st.text(st.sampled_from('ab|"-\n\r,;\t #`\\')))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(TableError):
        sheet(text)
