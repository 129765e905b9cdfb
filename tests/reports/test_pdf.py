"""What the PDF of a report holds, read back with another library than the one that wrote it."""

from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from toutdoux.reports.document import (
    Bar,
    Block,
    BulletList,
    Chart,
    Code,
    CodeBlock,
    Column,
    ColumnKind,
    Divider,
    Document,
    Emphasis,
    Facts,
    Inline,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Section,
    Strong,
    Struck,
    Subheading,
    Table,
    Text,
)
from toutdoux.reports.render.pdf import RenderError, render

KINDS = {
    "ID": ColumnKind.KEY,
    "Objet": ColumnKind.PROSE,
    "Meneur·se": ColumnKind.WORDS,
    "Date": ColumnKind.FIGURE,
    "Pour": ColumnKind.FIGURE,
    "Contre": ColumnKind.FIGURE,
    "Lien": ColumnKind.LINK,
    "État": ColumnKind.WORDS,
}
COLUMNS = tuple(Column(title, kind) for title, kind in KINDS.items())


def text(*parts: str | Inline) -> Paragraph:
    return Paragraph(tuple(Text(part) if isinstance(part, str) else part for part in parts))


def link(url: str, words: str = "Lien") -> Link:
    return Link(url, (Text(words),))


def row(number: int, subject: str = "Ouvrir un service de podcasts") -> tuple[Any, ...]:
    cells = (
        text(f"#{number}"),
        text(subject),
        text("Ana Lefèvre"),
        text("01-03-2021"),
        text(f"{number}/{number + 1}"),
        text(f"0/{number + 1}"),
        text(link(f"https://chat.example.org/{number}")),
        text("adoptée"),
    )
    return tuple((cell,) for cell in cells)


def inventory(*rows: tuple[Any, ...]) -> Table:
    return Table("Les actions ordinaires", COLUMNS, rows)


def make(*blocks: Block, sections: tuple[Section, ...] = (), **fields: Any) -> Document:
    document = Document(
        language="fr",
        title="Bilan moral",
        subtitle="Du 1er février au 18 juillet 2021",
        association="Les Ami·es du Câble",
        authors=("Ana Lefèvre", "Baptiste Moreau"),
        date="18 juillet 2021",
        date_iso="2021-07-18",
        contents_title="Table des matières",
        sections=(Section("1", "Introduction", blocks, sections),),
    )
    return replace(document, **fields)


def read(document: Document) -> PdfReader:
    return PdfReader(io.BytesIO(render(document)))


def pages(document: Document) -> list[str]:
    return [page.extract_text() for page in read(document).pages]


def words(document: Document) -> str:
    """All of the text, each run of white space as one space, hyphens at line ends undone."""
    joined = "\n".join(pages(document)).replace("\u00ad\n", "")
    return re.sub(r"\s+", " ", joined)


def unspaced(string: str) -> str:
    return re.sub(r"\s+", "", string)


def addresses(reader: PdfReader) -> list[str]:
    found = []
    for page in reader.pages:
        for annotation in page.get("/Annots", []):
            action = annotation.get_object().get("/A", {})
            found += [action["/URI"]] if "/URI" in action else []
    return found


def tags(node: Any) -> Iterator[DictionaryObject]:
    """The elements of the structure tree, in reading order."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for child in node:
            yield from tags(child)
    elif isinstance(node, DictionaryObject) and node.get("/Type") != "/MCR":
        yield node
        yield from tags(node.get("/K", []))


def tagged(reader: PdfReader, name: str) -> list[DictionaryObject]:
    tree = reader.root_object["/StructTreeRoot"]
    return [tag for tag in tags(tree) if tag.get("/S") == name]


# --- the whole -----------------------------------------------------------------------------------


def test_the_first_page_says_what_this_is() -> None:
    first, second = pages(make(text("Bonjour.")))
    for said in ("Les Ami·es du Câble", "Bilan moral", "Du 1er février au 18 juillet 2021"):
        assert said in first
    assert "Ana Lefèvre, Baptiste Moreau" in first
    assert "Table des matières" in first
    assert "Bonjour." not in first
    assert "Bonjour." in second


def test_every_page_has_its_number_and_all_but_the_first_say_what_they_belong_to() -> None:
    all_pages = pages(make(*[text("Une phrase. " * 40)] * 24))
    assert len(all_pages) > 3
    for number, page in enumerate(all_pages, start=1):
        assert page.endswith(f"{number} / {len(all_pages)}")
        assert page.startswith("Les Ami·es du Câble · Bilan moral") == (number > 1)


def test_it_declares_to_be_accessible_and_in_what_language() -> None:
    reader = read(make(text("Bonjour.")))
    catalogue = reader.root_object
    assert catalogue["/Lang"] == "fr"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in catalogue["/Metadata"].get_data()


def test_it_says_in_its_metadata_what_it_is_and_from_when() -> None:
    metadata = read(make(text("Bonjour."))).metadata
    assert metadata is not None
    assert metadata.title == "Bilan moral"
    assert metadata.author == "Ana Lefèvre, Baptiste Moreau"
    assert metadata["/CreationDate"].startswith("D:20210718")


def test_the_same_report_gives_the_same_bytes() -> None:
    document = make(text("Bonjour 👍"), inventory(row(1)))
    assert render(document) == render(document)


def test_the_same_report_gives_the_same_bytes_elsewhere_and_at_another_hour() -> None:
    document = make(text("Bonjour 👍"), inventory(row(1)))
    script = (
        "import pickle, sys; from toutdoux.reports.render.pdf import render;"
        "sys.stdout.buffer.write(render(pickle.load(sys.stdin.buffer)))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        input=pickle.dumps(document),
        env={
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TZ": "Pacific/Auckland",
            "HOME": "/",
        },
        cwd="/",
        capture_output=True,
        check=True,
    )
    assert elsewhere.stdout == render(document)


def test_only_its_own_fonts_are_used() -> None:
    reader = read(make(text("Bonjour 👍 ▰ ", Code("ls"), Strong((Text("gras"),)))))
    names = {
        font.get_object()["/BaseFont"].split("+")[-1]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    known = ("LibertinusSerif", "SourceSans3", "NotoEmoji", "NewCM", "DejaVuSansMono")
    assert all(name.startswith(known) for name in names), names


# --- the contents --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_report() -> PdfReader:
    filler = tuple(text("Une phrase. " * 60) for _ in range(6))
    sections = tuple(
        Section(f"{n}", f"Chapitre {n}", filler, (Section(f"{n}.1", f"Partie {n}", filler),))
        for n in range(1, 6)
    )
    return read(replace(make(), sections=sections))


@pytest.fixture(scope="module")
def pages_of_headings(long_report: PdfReader) -> dict[str, int]:
    """On which page each heading stands, the contents aside."""
    found = {}
    for number, page in enumerate(long_report.pages[1:], start=2):
        lines = page.extract_text().splitlines()
        found.update(dict.fromkeys(set(HEADINGS) & set(lines), number))
    return found


HEADINGS = [f"{n} Chapitre {n}" for n in range(1, 6)] + [f"{n}.1 Partie {n}" for n in range(1, 6)]


def test_the_contents_say_on_which_page_each_section_begins(
    long_report: PdfReader, pages_of_headings: dict[str, int]
) -> None:
    lines = [" ".join(line.split()) for line in long_report.pages[0].extract_text().splitlines()]
    for heading in HEADINGS:
        assert f"{heading} {pages_of_headings[heading]}" in lines


def test_one_can_click_on_the_contents(
    long_report: PdfReader, pages_of_headings: dict[str, int]
) -> None:
    links = [it.get_object() for it in long_report.pages[0]["/Annots"]]
    targets = [next(iter(it["/Dest"])).get_object() for it in links]
    for number in pages_of_headings.values():
        assert dict(long_report.pages[number - 1]) in targets


def test_the_bookmarks_are_numbered_as_the_report_is(
    long_report: PdfReader, pages_of_headings: dict[str, int]
) -> None:
    bookmarks: dict[str, int] = {}

    def walk(items: Any) -> None:
        for item in items:
            if isinstance(item, list):
                walk(item)
            else:
                bookmarks[item.title] = (long_report.get_destination_page_number(item) or 0) + 1

    walk(long_report.outline)
    assert bookmarks == pages_of_headings


def test_a_heading_within_a_text_is_neither_numbered_nor_in_the_contents() -> None:
    first, second = pages(make(Subheading(3, (Text("Ce qui reste à faire"),)), text("Rien.")))
    assert "Ce qui reste" not in first
    assert "\nCe qui reste à faire\n" in second


# --- tables --------------------------------------------------------------------------------------


def test_a_table_shows_every_figure_whole() -> None:
    said = words(make(inventory(*(row(n) for n in range(1, 90)))))
    for n in range(1, 90):
        assert f"#{n} " in said
        assert f" 01-03-2021 {n}/{n + 1} 0/{n + 1} Lien" in said


def test_a_long_table_repeats_its_header_on_each_page() -> None:
    all_pages = pages(make(inventory(*(row(n) for n in range(1, 90)))))
    assert len(all_pages) > 3
    header = "".join(KINDS)
    for page in all_pages[1:]:
        assert header in unspaced(page)


def test_its_columns_are_headers_to_a_screen_reader() -> None:
    headers = tagged(read(make(inventory(row(1)))), "/TH")
    assert len(headers) == len(COLUMNS)


def test_an_object_of_twenty_thousand_characters_goes_on_over_pages() -> None:
    subject = " ".join(f"mot{n}" for n in range(2700))
    assert len(subject) > 20_000
    all_pages = pages(make(inventory(row(1, subject), row(2))))
    assert len(all_pages) > 4
    said = unspaced("".join(all_pages))
    assert all(f"mot{n}" in said for n in range(2700))
    assert "#2" in said


def test_short_rows_are_not_broken_over_two_pages() -> None:
    subject = "début " + "d’un objet qui tient sur quelques lignes " * 6 + "terme"
    for page in pages(make(inventory(*(row(n, subject) for n in range(1, 40)))))[1:]:
        assert page.count("début") == page.count("terme")


@pytest.mark.parametrize("kind", ColumnKind)
def test_a_table_may_be_of_one_column_and_may_be_empty(kind: ColumnKind) -> None:
    table = Table("", (Column("Nom", kind),), ())
    assert "Nom" in words(make(table))


def test_a_table_stands_even_without_columns() -> None:
    assert "fin" in words(make(Table("", (), ()), text("fin")))


# --- the rest ------------------------------------------------------------------------------------


def test_links_lead_where_they_say() -> None:
    reader = read(make(text(link("https://example.org/a?b=1&c=2#d"), link("mailto:a@b.example"))))
    assert addresses(reader) == ["https://example.org/a?b=1&c=2#d", "mailto:a@b.example"]


def test_a_link_with_other_letters_is_written_in_ascii() -> None:
    reader = read(make(text(link("https://example.org/été 中"))))
    assert addresses(reader) == ["https://example.org/%C3%A9t%C3%A9%20%E4%B8%AD"]


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://a.example/" + "a" * 9000])
def test_what_cannot_be_a_link_is_only_its_words(url: str) -> None:
    document = make(text(link(url, "par ici")))
    assert addresses(read(document)) == []
    assert "par ici" in words(document)


def test_a_chart_gives_its_figures_and_says_them_in_words() -> None:
    bars = tuple(Bar(f"#{n}", n, 28, f"{n} votes sur 28 inscrit·es") for n in range(60))
    document = make(Chart("Votes par action", bars))
    said = words(document)
    (figure,) = tagged(read(document), "/Figure")
    for n in range(60):
        assert f"#{n} {n} / 28" in said
        assert f"#{n}: {n} votes sur 28 inscrit·es" in figure["/Alt"]
    assert figure["/Alt"].startswith("Votes par action. ")
    assert len(pages(document)) > 2


def test_facts_stand_beside_their_labels() -> None:
    facts = Facts((("Demandé", (Text("1 000 €"),)), ("Reçu", (Text("800 €"),))))
    assert "Demandé 1 000 € Reçu 800 €" in words(make(facts))


def test_everything_members_write_is_there() -> None:
    said = words(
        make(
            text("du ", Strong((Text("gras"),)), Text(", de l’"), Emphasis((Text("italique"),))),
            text(Struck((Text("biffé"),)), LineBreak(), Code("x = 1")),
            BulletList(((text("un"), BulletList(((text("dedans"),),))), (text("deux"),))),
            NumberedList(7, ((text("sept"),), (text("huit"),))),
            Quote((text("cité"), text("encore"))),
            CodeBlock("if a:\n    b"),
            Divider(),
        )
    )
    for part in (
        "du gras, de l’italique",
        "biffé x = 1",
        "• un – dedans • deux",
        "7. sept 8. huit",
        "cité encore",
        "if a: b",
    ):
        assert part in said


def test_code_keeps_its_indents() -> None:
    assert "if a:\n    b" in pages(make(CodeBlock("if a:\n    b")))[1]


def test_lists_and_quotes_may_be_nested_without_end() -> None:
    block: Block = text("tout au fond")
    for depth in range(60):
        block = Quote((block,)) if depth % 2 else BulletList(((block,),))
    inline: Inline = Text("et là")
    for _ in range(60):
        inline = Emphasis((Strong((inline,)),))
    said = words(make(block, text(inline)))
    assert "tout au fond" in said
    assert "et là" in said


def test_the_report_of_an_association_is_whole(report: Document) -> None:
    said = words(report)
    for part in ("À retenir", "1 000 €", "#27", "#32", "15/15", "18 / 28", "Martin"):
        assert part in said


# --- hostile texts -------------------------------------------------------------------------------

MARKUP = [
    '#import "@preview/x:1.0.0"',
    "#set page(width: 1cm)",
    "#panic()",
    "#{1 + 1}",
    "$x^2$ *gras* _italique_ @ref <label> = titre",
    "] ) } [ ( {",
    "\\ \\u{41} \\#",
    "` `` ``` //c /* c */ -- --- ... ~ '\"",
    "</p><script>alert(1)</script> &amp; [a](b) **c** # d | e |",
    "+ a / b: c - d 1. e",
]


@pytest.mark.parametrize("markup", MARKUP)
def test_markup_in_any_field_is_only_text(markup: str) -> None:
    inlines = (Text(markup),)
    cells = tuple((text(markup),) for _ in COLUMNS)
    columns = tuple(replace(column, title=markup) for column in COLUMNS)
    blocks = (
        *(text(kind(inlines)) for kind in (Emphasis, Strong, Struck)),
        text(markup, Code(markup), Link("https://a.example", inlines)),
        Subheading(1, inlines),
        BulletList(((text(markup),),)),
        NumberedList(1, ((text(markup),),)),
        Quote((text(markup),)),
        CodeBlock(markup),
        Facts(((markup, inlines),)),
        Table(markup, columns, (cells,)),
        Chart(markup, (Bar(markup, 1, 2, markup),)),
    )
    said = unspaced(
        words(
            make(
                title=markup,
                subtitle=markup,
                association=markup,
                authors=(markup,),
                date=markup,
                contents_title=markup,
                sections=(Section(markup, markup, blocks),),
            )
        )
    )
    on_the_first_page = 6 + 2
    in_the_section = 2 + 3 + 3 + 1 + 2 + 1 + 1 + 2 + 2 * len(COLUMNS) + 1
    running_header = 2
    expected = on_the_first_page + in_the_section + running_header
    assert said.count(unspaced(markup)) >= expected


def test_no_text_of_any_field_can_make_it_fail(hostile_report: Document) -> None:
    assert render(hostile_report).startswith(b"%PDF")


@pytest.mark.parametrize("run", ["x", "_", "1/", "é", "W", "]", "«", "x\u00a0", "&=?", "中", "🎉"])
def test_a_run_of_two_thousand_characters_breaks(run: str) -> None:
    long = (run * 2000)[:2000]
    cells = tuple((text(long[: 2000 if it.kind is ColumnKind.PROSE else 100]),) for it in COLUMNS)
    document = make(
        text(long),
        text(Code(long), link("https://a.example", long)),
        CodeBlock(long),
        Facts(((long[:200], (Text(long[:200]),)),)),
        Table("", COLUMNS, (cells,)),
        title=long[:200],
    )
    longest = max(len(line) for page in pages(document) for line in page.splitlines())
    # As many of the narrowest fit into the width of the page.
    assert longest < 200


def test_a_long_address_is_copied_as_it_was() -> None:
    url = "https://example.org/" + "/".join("abcdefghij" for _ in range(12)) + "?q=1&r=2"
    said = unspaced(words(make(text("voir " + url), inventory(row(1, url)))))
    assert said.count(url) == 2


# --- characters ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "string",
    [
        "👍 👎 🤷 🎉 ❤️ ✅ ⚠️ ☕ 🔥 🙏",
        "🤷‍♀️ 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇫🇷 1️⃣",
        "▰▰▱▱ → ✓ ✗ ● ○ ☐ ☑ ≥ …",
        "e\u0301 Nguyễn Łódź Ελλάδα Привет œ № ‰",
        "a\u200bb a\u200db a\u00adb a\u2060b",
    ],
)
def test_signs_in_common_use_are_shown(string: str) -> None:
    said = pages(make(text(string)))[1]
    shown = unicodedata.normalize("NFC", said)
    assert "[U+" not in said
    for character in unicodedata.normalize("NFC", string):
        if unicodedata.category(character) not in {"Cf", "Mn", "Zs"}:
            assert character in shown


def test_right_to_left_text_is_shown() -> None:
    said = pages(make(text("avant العربية שלום après")))[1]
    assert "[U+" not in said
    assert "avant" in said
    assert "après" in said
    assert set("العربية") <= set(unicodedata.normalize("NFKC", said))


@pytest.mark.parametrize(
    ("character", "shown"),
    [
        ("中", "[U+4E2D]"),
        ("\u0e01", "[U+0E01]"),
        ("\ue000", "[U+E000]"),
        ("\U00100000", "[U+100000]"),
        ("\u0378", "[U+0378]"),
        ("\U0001f8ff", "[U+1F8FF]"),
    ],
)
def test_what_no_font_has_is_shown_by_its_code(character: str, shown: str) -> None:
    document = make(
        text(f"é{character}e\u0301"), inventory(row(1, character)), title=f"Titre {character}"
    )
    reader = read(document)
    assert f"é{shown}é" in unicodedata.normalize("NFC", reader.pages[1].extract_text())
    assert f"Titre {shown}" in reader.pages[0].extract_text()


def test_the_title_in_the_metadata_keeps_what_no_font_has() -> None:
    metadata = read(make(title="Bilan 中")).metadata
    assert metadata is not None
    assert metadata.title == "Bilan 中"


EVERY_SEVENTH = [chr(code) for code in [*range(0, 0x20000, 7), 0xFFFE, 0xFFFF, 0xE0001, 0x10FFFF]]


@pytest.mark.slow
def test_any_character_at_all_can_be_rendered() -> None:
    for start in range(0, len(EVERY_SEVENTH), 1000):
        paragraphs = [text(f"a{one}\u0301 {one}") for one in EVERY_SEVENTH[start : start + 1000]]
        assert render(make(*paragraphs)).startswith(b"%PDF")


@given(st.text(max_size=40))
@settings(max_examples=40)
def test_any_text_can_be_rendered(string: str) -> None:
    document = make(text(string, Code(string)), inventory(row(1, string)), title=string)
    assert render(document).startswith(b"%PDF")


@pytest.mark.parametrize("nothing", ["", " ", "\u200b", "\u00ad", "\ufeff", "\0", "\n"])
def test_nothing_may_be_empty_or_invisible_and_break_it(nothing: str) -> None:
    document = make(
        text(nothing),
        Subheading(1, (Text(nothing),)),
        Subheading(1, ()),
        CodeBlock(nothing),
        Facts(((nothing, ()),)),
        Chart(nothing, (Bar(nothing, 0, 0, nothing),)),
        Chart(nothing, ()),
        BulletList(((),)),
        Quote(()),
        sections=(Section(nothing, nothing, ()),),
        title=nothing,
        association=nothing,
        contents_title=nothing,
        authors=(),
    )
    assert render(document).startswith(b"%PDF")


# --- when it cannot be ---------------------------------------------------------------------------


def test_what_typst_refuses_is_said_in_one_sentence() -> None:
    with pytest.raises(RenderError, match=r"^Typst says “.*language code.*”$"):
        render(make(text("Bonjour."), language="nowhere"))


def test_a_missing_typst_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(RenderError, match="not installed"):
        render(make(text("Bonjour.")))
