"""Gemtext: what is written is what is read, whatever anybody's words begin with."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from toutdoux.capsule.gemtext import Line, LineKind, NotGemtext, Page, lines_of, one_line, parse

WORDS = some.text(max_size=60) | some.lists(
    some.sampled_from(
        ["#", "##", "* ", "*", "=>", "=> /x y", ">", "```", " ", "\n", "\r", "a", "é"]
    ),
    max_size=8,
).map("".join)


def kinds(page: Page) -> list[LineKind]:
    return [line.kind for line in parse(str(page))]


@pytest.mark.parametrize("begin", ["#", "###", "# ", "*", "* ", "=>", "=> /", ">", "```", "````"])
def test_words_that_begin_like_markup_stay_text(begin: str) -> None:
    page = Page().text(f"{begin}words")
    assert parse(str(page)) == [Line(LineKind.TEXT, f" {begin}words")]


@given(WORDS)
def test_anybodys_words_are_text_line_by_line(words: str) -> None:
    page = Page().text(words).text("end")
    *lines, end = parse(str(page))
    assert {line.kind for line in lines} <= {LineKind.TEXT}
    assert [line.text.split() for line in lines] == [line.split() for line in lines_of(words)]
    assert end.text == "end"


@given(WORDS)
def test_a_quotation_is_quoted_to_its_end(words: str) -> None:
    assert set(kinds(Page().quote(words))) == {LineKind.QUOTE}


@given(WORDS, WORDS)
def test_a_block_holds_its_content_and_ends(content: str, alt: str) -> None:
    lines = parse(str(Page().preformatted(content, alt).text("after")))
    assert {line.kind for line in lines[:-1]} == {LineKind.PREFORMATTED}
    assert lines[-1] == Line(LineKind.TEXT, "after")


@given(WORDS, some.integers(1, 3))
def test_a_heading_is_one_line_of_its_level(words: str, level: int) -> None:
    lines = [line for line in parse(str(Page().heading(level, words))) if line.text]
    assert lines == [Line(LineKind.HEADING, one_line(words) or "…", level=level)]


@given(some.text(max_size=40), WORDS)
def test_a_link_is_one_line_with_its_label(url: str, label: str) -> None:
    (line,) = parse(str(Page().link(f"/{url}", label)))
    assert line.kind is LineKind.LINK
    assert line.url.isascii()
    assert line.text == one_line(label)


def test_a_links_address_is_percent_encoded_once() -> None:
    (line,) = parse(str(Page().link("/un été?à voter#2%20100%", "l")))
    assert line.url == "/un%20%C3%A9t%C3%A9?%C3%A0%20voter#2%20100%25"


@pytest.mark.parametrize(
    ("url", "ascii"),
    [
        ("gemini://bücher.example/é", "gemini://xn--bcher-kva.example/%C3%A9"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),  # not strasse.example
        ("https://пример.рф:8080/x", "https://xn--e1afmkfd.xn--p1ai:8080/x"),
        ("https://ana@bücher.example/", "https://ana@xn--bcher-kva.example/"),
        ("https://[::1]:8080/é", "https://[::1]:8080/%C3%A9"),
    ],
)
def test_a_links_host_is_written_in_ascii(url: str, ascii: str) -> None:
    (line,) = parse(str(Page().link(url)))
    assert line.url == ascii


def test_a_label_without_an_address_is_text() -> None:
    assert parse(str(Page().link("", "# lost"))) == [Line(LineKind.TEXT, " # lost")]


def test_a_dated_entry_is_what_subscribers_look_for() -> None:
    page = Page().entry("/journal/1", date(2026, 3, 1), "Un goûter")
    assert str(page) == "=> /journal/1 2026-03-01 - Un goûter\n"


def test_a_list_has_one_line_an_item() -> None:
    page = Page().items(["one\ntwo", "* three", ""])
    assert [line.text for line in parse(str(page))] == ["one two", "* three", "…"]


def test_what_moves_a_terminals_cursor_is_left_out() -> None:
    assert str(Page().text("a\x1b[2Jb\x07\ufeff")) == "a[2Jb\n"


def test_every_end_of_line_is_one_line_feed() -> None:
    assert str(Page().text("a\r\nb\rc\u2028d\x85e")) == "a\nb\nc\nd\ne\n"


def test_headings_stand_apart_and_the_page_has_no_blank_end() -> None:
    page = Page().heading(1, "A").heading(2, "B").text("c").blank().blank()
    assert str(page) == "# A\n\n## B\n\nc\n"


@pytest.mark.parametrize(
    "page",
    [
        "a",
        "a\r\n",
        "=>\n",
        "=> \n",
        "=> a|b c\n",
        "=> /é\n",
        "=> /100% x\n",
        "#title\n",
        "#### title\n",
        "# \n",
        "*item\n",
        "* \n",
        "```\nopen\n",
        "```\n```said\n",
        "\ufeffa\n",
        "a\x1b\n",
    ],
)
def test_the_parser_refuses_what_clients_read_in_several_ways(page: str) -> None:
    with pytest.raises(NotGemtext):
        parse(page)
