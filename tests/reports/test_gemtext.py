"""Gemtext: the first characters of a line decide what it is, and no text may decide it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toutdoux.reports.document import (
    Bar,
    Blocks,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    Column,
    ColumnKind,
    Document,
    Emphasis,
    Link,
    Paragraph,
    Quote,
    Struck,
    Table,
    Text,
)
from toutdoux.reports.render.gemtext import (
    blocks_to_gemtext,
    heading_line,
    link_line,
    render,
    text_line,
)


def kinds(page: str) -> list[tuple[str, str]]:
    """Parse a page as the strictest and the laxest clients do, line by line."""
    lines: list[tuple[str, str]] = []
    fenced = False
    for line in page.removesuffix("\n").split("\n"):
        if line.startswith("```"):
            fenced = not fenced
            lines.append(("fence", line))
        elif fenced:
            lines.append(("code", line))
        else:
            marks = {"=>": "link", "#": "heading", "*": "item", ">": "quote"}
            kind = next((kind for mark, kind in marks.items() if line.startswith(mark)), "text")
            lines.append((kind, line))
    return lines


def paragraph(*children: Text | Link | Code | Struck | Emphasis) -> Blocks:
    return (Paragraph(children),)


def link(name: str) -> Link:
    return Link(f"https://a.example/{name}", (Text(name),))


# --- lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["# a", "#a", "=> a", "> a", "* a", "*a*", "```a", "=>"])
def test_a_text_that_begins_like_markup_begins_with_a_space(text: str) -> None:
    assert text_line(text) == " " + text


@pytest.mark.parametrize("text", ["a # b", "1. a", "- a", "= a", "`a`", "été"])
def test_other_texts_are_left_as_they_are(text: str) -> None:
    assert text_line(text) == text


def test_a_text_is_one_line() -> None:
    assert text_line("a\r\n# b\u2028=> c\td") == "a # b => c d"


def test_a_link_line_ends_its_address_where_the_label_begins() -> None:
    url = "https://a.example/b c\nd\te\r\n=> é\u2028"
    assert link_line(url, "f\ng") == "=> https://a.example/b%20c%0Ad%09e%0A=%3E%20%C3%A9 f g"


def test_an_address_that_is_already_encoded_is_left_alone() -> None:
    assert (
        link_line("https://a.example/%C3%A9?b=c&d#e", "") == "=> https://a.example/%C3%A9?b=c&d#e"
    )


def test_headings_stay_within_three_levels() -> None:
    assert heading_line(5, "a\nb") == "### a b"


@given(st.text())
def test_no_text_becomes_another_kind_of_line(text: str) -> None:
    page = blocks_to_gemtext(paragraph(Text(text)))
    assert all(kind == "text" for kind, _ in kinds(page))
    assert page.count("\n") <= 1


@given(st.text(), st.text())
def test_a_link_is_one_line_whatever_it_holds(url: str, label: str) -> None:
    assert link_line(url, label).splitlines() == [link_line(url, label)]


@given(st.text())
def test_code_stays_inside_its_fence(text: str) -> None:
    first, *inside, last = kinds(blocks_to_gemtext((CodeBlock(text),)))
    assert (first, last) == (("fence", "```code"), ("fence", "```"))
    assert all(kind == "code" for kind, _ in inside)


# --- blocks --------------------------------------------------------------------------------------


def test_a_single_link_follows_its_paragraph_under_its_name() -> None:
    assert blocks_to_gemtext(paragraph(Text("Voir "), link("budget"), Text("."))) == (
        "Voir budget.\n=> https://a.example/budget budget\n"
    )


def test_several_links_are_numbered() -> None:
    assert blocks_to_gemtext(paragraph(link("a"), Text(" et "), link("b"))) == (
        "a [1] et b [2]\n=> https://a.example/a [1] a\n=> https://a.example/b [2] b\n"
    )


def test_a_paragraph_that_is_a_link_is_a_link_line() -> None:
    assert blocks_to_gemtext(paragraph(link("a"))) == "=> https://a.example/a a\n"


def test_a_link_that_is_not_safe_leaves_its_words() -> None:
    assert blocks_to_gemtext(paragraph(Link("javascript:x", (Text("mots"),)))) == "mots\n"


def test_marks_that_change_the_meaning_are_kept() -> None:
    written = paragraph(Struck((Text("a"),)), Text(" "), Emphasis((Text("b"),)), Code("c"))
    assert blocks_to_gemtext(written) == "~~a~~ b`c`\n"


def test_a_nested_list_is_flattened_with_a_dash_for_each_level() -> None:
    inner = BulletList(((*paragraph(Text("b")), BulletList((paragraph(Text("c")),))),))
    assert blocks_to_gemtext((BulletList(((*paragraph(Text("a")), inner),)),)) == (
        "* a\n* – b\n* – – c\n"
    )


def test_a_quote_holds_only_quote_lines_and_its_links_follow() -> None:
    code = CodeBlock("=> c")
    quote = Quote((*paragraph(Text("# a "), link("b")), code, BulletList((paragraph(Text("d")),))))
    assert blocks_to_gemtext((quote,)) == (
        "> # a b\n> => c\n> • d\n=> https://a.example/b b\n"
    )  # fmt: skip


def test_a_row_is_a_heading_its_text_its_figures_and_its_link() -> None:
    columns = (
        Column("ID", ColumnKind.KEY),
        Column("Objet", ColumnKind.PROSE),
        Column("Meneur·se", ColumnKind.WORDS),
        Column("Pour", ColumnKind.FIGURE),
        Column("Contre", ColumnKind.FIGURE),
        Column("Lien", ColumnKind.LINK),
    )
    cells = ("#27", "#courriel Publier", "Ana", "15/15", "0/15")
    row = (*(paragraph(Text(cell)) for cell in cells), paragraph(link("Lien")))
    assert blocks_to_gemtext((Table("", columns, (row,)),)).splitlines() == [
        "### #27 · Ana",
        " #courriel Publier",
        "",
        "Pour 15/15 · Contre 0/15",
        "=> https://a.example/Lien Lien (#27)",
    ]


def test_a_row_of_figures_is_an_item() -> None:
    columns = (Column("ID", ColumnKind.KEY), Column("Votes", ColumnKind.FIGURE))
    row = (paragraph(Text("#27")), paragraph(Text("18")))
    assert blocks_to_gemtext((Table("", columns, (row,)),)) == "* #27 · Votes 18\n"


def test_a_row_of_several_texts_names_them() -> None:
    columns = (Column("Quoi", ColumnKind.PROSE), Column("Où", ColumnKind.PROSE))
    row = (paragraph(Text("atelier")), paragraph(Text("ici")))
    assert blocks_to_gemtext((Table("", columns, (row,)),)) == "Quoi — atelier\nOù — ici\n"


def test_a_chart_is_drawn_on_one_scale_and_has_an_alternative_text() -> None:
    chart = Chart("Votes", (Bar("a", 2, 4, "2 sur 4"), Bar("bc", 6, 6, "6 sur 6")))
    assert blocks_to_gemtext((chart,)).splitlines() == [
        "Votes",
        "```Votes",
        "a   ▰▰▱▱    2 sur 4",
        "bc  ▰▰▰▰▰▰  6 sur 6",
        "```",
    ]


def test_a_few_of_many_are_never_drawn_as_none_nor_as_all() -> None:
    page = blocks_to_gemtext((Chart("", (Bar("a", 1, 900, ""), Bar("b", 899, 900, ""))),))
    assert "a  ▰" + "▱" * 29 in page
    assert "b  " + "▰" * 29 + "▱" in page


# --- pages ---------------------------------------------------------------------------------------


def test_a_page_reads_from_its_title_to_its_last_section(report: Document) -> None:
    headings = [line for kind, line in kinds(render(report).decode()) if kind == "heading"]
    assert headings[:4] == [
        "# Bilan moral P21",
        "## Table des matières",
        "## 1 Introduction",
        "### À retenir",
    ]
    assert headings[-1] == "## 2.2 Participation"


def test_a_hostile_report_keeps_its_lines(hostile_report: Document) -> None:
    lines = kinds(render(hostile_report).decode())
    links = [line for kind, line in lines if kind == "link"]
    assert all(line.startswith("=> https://loutres.example/") for line in links)
    assert sum(kind == "fence" for kind, _ in lines) % 2 == 0
    numbered = [line for kind, line in lines if kind == "heading" and line.startswith("## ")]
    assert len(numbered) == 3  # contents, 1 and 1.1


def test_the_same_report_gives_the_same_bytes(report: Document) -> None:
    assert render(report) == render(report)
