"""HTML: one file that loads nothing, whose texts are texts, and that reads well aloud."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from toutdoux.reports.document import (
    Blocks,
    BulletList,
    Document,
    Inline,
    Link,
    NumberedList,
    Paragraph,
    Section,
    Subheading,
    Table,
    Text,
)
from toutdoux.reports.markdown import clean
from toutdoux.reports.render.html import render

Tag = tuple[str, dict[str, str]]


class Page(HTMLParser):
    """What a parser that is not ours finds in a page: its tags, and the text of its main part."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.main = ""
        self.title = ""
        self._open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in {"meta", "br", "hr"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "main" in self._open:
            self.main += data
        if "title" in self._open:
            self.title += data

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def document(*blocks: Blocks, title: str = "t") -> Document:
    sections = tuple(Section(str(n), title, part) for n, part in enumerate(blocks, 1))
    return Document("fr", title, "s", "a", ("b",), "d", "2021-07-18", "c", sections)


def paragraph(*children: Inline) -> Blocks:
    return (Paragraph(children),)


def headings(page: Page) -> list[str]:
    return [tag for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]


# --- text ----------------------------------------------------------------------------------------


@given(st.text())
def test_a_text_parsed_again_is_the_same_text(text: str) -> None:
    page = Page(render(document(paragraph(Text(text)))))
    assert page.main == f"1 t\n{clean(text)}\n\n"


@given(st.text())
def test_a_title_parsed_again_is_the_same_title(text: str) -> None:
    page = Page(render(document(title=text)))
    assert page.title.split() == clean(f"{text} — a").split()


def test_a_hostile_report_adds_no_element(hostile_report: Document) -> None:
    page = Page(render(hostile_report))
    assert not page.all("script", "img", "b")
    assert len(page.all("title", "style")) == 2


def test_a_hostile_report_adds_no_handler_and_no_script_address(hostile_report: Document) -> None:
    for _, attributes in Page(render(hostile_report)).tags:
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("href", "#").startswith(("#", "https://loutres.example/"))


# --- nothing from outside ------------------------------------------------------------------------


def test_a_page_loads_nothing(report: Document) -> None:
    page = Page(render(report))
    assert not page.all("script", "link", "img", "iframe", "object", "base", "form")
    assert not any("src" in attributes or "style" in attributes for _, attributes in page.tags)
    assert not re.search(r"url\(|@import|@font-face", render(report).decode())


def test_the_policy_lets_in_the_style_of_the_page_and_nothing_else(report: Document) -> None:
    html = render(report).decode()
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = (m["content"] for m in Page(html.encode()).all("meta") if "http-equiv" in m)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_links_tell_the_other_side_nothing(report: Document) -> None:
    outside = [a for a in Page(render(report)).all("a") if not a["href"].startswith("#")]
    assert outside
    assert all(link["rel"] == "noopener noreferrer" for link in outside)


def test_a_link_that_is_not_safe_leaves_its_words() -> None:
    page = Page(render(document(paragraph(Link("javascript:x", (Text("mots"),))))))
    assert "mots" in page.main
    assert [a["href"] for a in page.all("a")] == ["#section-1"]


# --- reading aloud -------------------------------------------------------------------------------


def test_a_page_says_its_language_and_its_title(report: Document) -> None:
    page = Page(render(report))
    assert page.all("html") == [{"lang": "fr"}]
    assert page.title == "Bilan moral P21 — Les Loutres"


def test_every_entry_of_the_contents_leads_to_a_section(report: Document) -> None:
    page = Page(render(report))
    targets = [a["href"][1:] for a in page.all("a") if a["href"].startswith("#")]
    assert targets == [section["id"] for section in page.all("section")]


def test_headings_of_members_never_skip_a_level() -> None:
    skipping = (Subheading(1, (Text("a"),)), Subheading(4, (Text("b"),)))
    assert headings(Page(render(document(skipping)))) == ["h1", "h2", "h2", "h3", "h4"]


def test_a_table_has_a_caption_and_says_which_cells_are_titles(report: Document) -> None:
    page = Page(render(report))
    assert len(page.all("caption")) == len(page.all("table"))
    assert {th["scope"] for th in page.all("th")} == {"col", "row"}


def test_a_caption_that_repeats_its_heading_is_out_of_sight(report: Document) -> None:
    inventory, participation = Page(render(report)).all("caption")
    assert inventory == {"class": "unseen"}
    assert participation == {"class": "unseen"}
    chart, *_ = Page(render(report)).all("figcaption")
    assert chart == {}


def test_every_value_of_a_row_carries_the_title_of_its_column(report: Document) -> None:
    labels = [td["data-label"] for td in Page(render(report)).all("td")]
    assert labels[:5] == ["Objet", "Meneur·se", "Pour", "Contre", "Lien"]


def test_the_link_of_a_row_is_named_after_it(report: Document) -> None:
    names = [a["aria-label"] for a in Page(render(report)).all("a") if "aria-label" in a]
    assert names == [f"Lien #{number}" for number in range(27, 33)]


def test_a_chart_gives_its_figures_in_words(report: Document) -> None:
    assert "18 votes sur 28 inscrit·es" in Page(render(report)).main


def test_a_list_keeps_its_first_number() -> None:
    page = Page(render(document((NumberedList(4, (paragraph(Text("a")),)), BulletList(())))))
    assert page.all("ol")[-1] == {"start": "4"}


def test_a_table_that_a_member_wrote_needs_no_caption(report: Document) -> None:
    page = Page(render(document((Table("", (), ()),))))
    assert not page.all("caption")


def test_the_same_report_gives_the_same_bytes(report: Document) -> None:
    assert render(report) == render(replace(report))
