"""What the PDF of a report holds, read back with another library than the one that wrote it."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
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


def report(*blocks: Block, sections: tuple[Section, ...] = (), **fields: Any) -> Document:
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
    first, second = pages(report(text("Bonjour.")))
    for said in ("Les Ami·es du Câble", "Bilan moral", "Du 1er février au 18 juillet 2021"):
        assert said in first
    assert "Ana Lefèvre, Baptiste Moreau" in first
    assert "Table des matières" in first
    assert "Bonjour." not in first
    assert "Bonjour." in second


def test_every_page_has_its_number_and_all_but_the_first_say_what_they_belong_to() -> None:
    all_pages = pages(report(*[text("Une phrase. " * 40)] * 12))
    assert len(all_pages) == 4
    for number, page in enumerate(all_pages, start=1):
        assert page.endswith(f"{number} / 4")
        assert page.startswith("Les Ami·es du Câble · Bilan moral") == (number > 1)


def test_it_declares_to_be_accessible_and_in_what_language() -> None:
    reader = read(report(text("Bonjour.")))
    catalogue = reader.root_object
    assert catalogue["/Lang"] == "fr"
    assert catalogue["/MarkInfo"]["/Marked"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in catalogue["/Metadata"].get_data()


def test_it_says_in_its_metadata_what_it_is_and_from_when() -> None:
    metadata = read(report(text("Bonjour."))).metadata
    assert metadata is not None
    assert metadata.title == "Bilan moral"
    assert metadata.author == "Ana Lefèvre, Baptiste Moreau"
    assert metadata["/CreationDate"].startswith("D:20210718")


def test_the_same_report_gives_the_same_bytes() -> None:
    document = report(text("Bonjour 👍"), inventory(row(1)))
    assert render(document) == render(document)


def test_the_same_report_gives_the_same_bytes_elsewhere_and_at_another_hour() -> None:
    script = (
        "import sys, test_pdf as t;"
        "sys.stdout.buffer.write(t.render(t.report(t.text('Bonjour 👍'), t.inventory(t.row(1)))))"
    )
    here = os.path.dirname(__file__)
    path = os.pathsep.join([here, *filter(None, sys.path)])
    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": path, "TZ": "Pacific/Auckland", "HOME": "/", "SOURCE_DATE_EPOCH": "1"},
        cwd="/",
        capture_output=True,
        check=True,
    )
    assert elsewhere.stdout == render(report(text("Bonjour 👍"), inventory(row(1))))


def test_only_its_own_fonts_are_used() -> None:
    reader = read(report(text("Bonjour 👍 ▰ ", Code("ls"), Strong((Text("gras"),)))))
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
        Section(str(n), f"Chapitre {n}", filler, (Section(f"{n}.1", f"Partie {n}", filler),))
        for n in range(1, 6)
    )
    return read(report(sections=(), **{"sections": sections}) if False else _with(sections))


def _with(sections: tuple[Section, ...]) -> Document:
    return replace(report(), sections=sections)
