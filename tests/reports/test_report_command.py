"""`toutdoux report`: the files, and hostile texts that come out of them as text."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from pypdf import PdfReader

from tests.cli.running import DEMO, FRENCH, SMALL, run

ENDINGS = ("pdf", "html", "md", "gmi")


def written(scenario: Path, out: Path, *options: str, period: str = "P21") -> dict[str, bytes]:
    """What the command wrote, by the ending of each file."""
    done = run("report", "--scenario", scenario, "--out", out, *options, "--", period)
    assert (done.returncode, done.stderr) == (0, "")
    files = {str(one): one for one in out.iterdir()}
    assert sorted(done.stdout.splitlines()) == sorted(files)
    return {one.suffix[1:]: one.read_bytes() for one in files.values()}


@pytest.fixture
def history(tmp_path: Path) -> Path:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL, "utf-8")
    return file


# --- the files -----------------------------------------------------------------------------------


def test_it_writes_four_files_and_says_where(history: Path, tmp_path: Path) -> None:
    found = written(history, tmp_path / "out")
    assert {*found} == {*ENDINGS}
    assert found["pdf"].startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("form", "endings"),
    [
        ("md", ["md"]),
        ("html,md", ["html", "md"]),
        (" md , gmi ,", ["md", "gmi"]),
        ("md,md", ["md"]),
    ],
)
def test_it_writes_the_formats_that_were_asked_for(
    history: Path, tmp_path: Path, form: str, endings: list[str]
) -> None:
    assert {*written(history, tmp_path / "out", "--format", form)} == {*endings}


def test_the_files_of_an_english_report_have_an_english_name(history: Path, tmp_path: Path) -> None:
    written(history, tmp_path / "out", "--format", "md", "--lang", "en")
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["activity-report-P21.md"]


def test_a_report_is_in_the_language_of_the_association(history: Path, tmp_path: Path) -> None:
    text = written(history, tmp_path / "out", "--format", "md")["md"].decode()
    assert "Inventaire des actions extraordinaires" in text


def test_an_english_association_has_an_english_report(history: Path, tmp_path: Path) -> None:
    history.write_text(SMALL.replace("libres, ", "libres, language: en, "), "utf-8")
    done = run(
        "report", "P21", "--scenario", history, "--out", tmp_path / "out", "--format", "md",
        env=FRENCH,
    )  # fmt: skip
    text = Path(done.stdout.strip()).read_text("utf-8")
    assert "Inventory of extraordinary actions" in text


def test_it_overwrites_the_report_of_before(history: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "bilan-moral-P21.md").write_text("old", "utf-8")
    assert b"Bob Leroy" in written(history, out, "--format", "md")["md"]


def test_audit_adds_its_section(tmp_path: Path) -> None:
    without = written(DEMO, tmp_path / "a", "--format", "md", "--lang", "en")["md"].decode()
    with_it = written(DEMO, tmp_path / "b", "--format", "md", "--lang", "en", "--audit")["md"]
    assert "What went past the actions" not in without
    assert "What went past the actions" in with_it.decode()


def test_the_same_bytes_come_out_twice(tmp_path: Path) -> None:
    assert written(DEMO, tmp_path / "a") == written(DEMO, tmp_path / "b")


def test_the_same_bytes_come_out_in_another_terminal_and_time_zone(tmp_path: Path) -> None:
    here = written(DEMO, tmp_path / "a")
    done = run(
        "report", "P21", "--scenario", DEMO, "--out", tmp_path / "b",
        env={**FRENCH, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"},
    )  # fmt: skip
    assert done.returncode == 0
    there = {one.suffix[1:]: one.read_bytes() for one in (tmp_path / "b").iterdir()}
    assert here == there


def test_a_report_on_nothing_is_a_report(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    file.write_text("periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]\n", "utf-8")
    assert {*written(file, tmp_path / "out", "--audit")} == {*ENDINGS}


# --- hostile texts -------------------------------------------------------------------------------

EVIL = (
    '#panic("p") $x$ @ref <lab> \\ // <script>alert(1)</script> &lt; **b** _i_ `c` '
    "[l](javascript:alert(1)) ![i](http://evil.example/i.png) => gemini://evil.example/ | ~"
)
"""Typst, HTML, Markdown and gemtext, in a place that reads none of them."""

EVIL_MARKDOWN = '#panic("m") $x$ @ref //x <script>alert(2)</script> <b onclick=x> => x'
"""The same in a place that reads Markdown, without Markdown."""

BEGINNINGS = ["=> gemini://evil.example/ ", "# ", "```", "- ", "> ", "= ", "|", "<script>"]

LINKS = {"https://loutres.example/a", "https://loutres.example/b"}


class Hostile:
    """A scenario that is hostile in every field, and what is to be read in its report."""

    def __init__(self, beginning: str) -> None:
        self.beginning = beginning
        self.plain: list[str] = []
        self.markdown: list[str] = []

    def line(self, name: str) -> str:
        self.plain.append(f"{self.beginning}{name} {EVIL}")
        return self.plain[-1]

    def text(self, name: str) -> str:
        self.markdown.append(f"{name} {EVIL_MARKDOWN}")
        return self.markdown[-1]

    def scenario(self) -> dict[str, Any]:
        entry = {
            "kind": "event",
            "date": "2021-03-01",
            "title": self.line("zTitle"),
            "text": self.text("zText"),
            "partners": [self.line("zPartner"), self.line("zPartners")],
            "links": [{"title": self.line("zLink"), "url": "https://loutres.example/a"}],
            "attendance": [{"exact": 3, "label": self.line("zLabel")}],
        }
        request = {
            "kind": "request",
            "title": self.line("zRequest"),
            "request": {
                "to": self.line("zTo"),
                "sent": "2021-03-01",
                "answered": "2021-03-02",
                "answer": self.line("zAnswer"),
            },
        }
        grant = {
            "kind": "grant",
            "title": self.line("zGrant"),
            "grant": {
                "funder": self.line("zFunder"),
                "purpose": self.line("zPurpose"),
                "asked": {"amount": "10 EUR", "date": "2021-03-01"},
                "set_aside": {"amount": "10 EUR", "for": self.line("zAside")},
            },
        }
        action = {
            "at": "2021-03-01",
            "propose": "ordinary",
            "by": "ana",
            "object": self.text("zObject"),
            "link": "https://loutres.example/b",
        }
        return {
            "association": {"name": self.line("zAssociation")},
            "members": [{"id": "ana", "name": self.line("zMember"), "joined": "2020-01-01"}],
            "periods": [
                {"name": self.line("zPeriod"), "first": "2021-02-01", "last": "2021-07-18"}
            ],
            "roles": [{"role": self.line("zRole"), "member": "ana", "from": "2021-03-01"}],
            "events": [action, {"at": "2021-03-02", "stand": "AO1", "by": "ana"}],
            "journal": [entry, request, grant],
            "reports": [
                {
                    "period": self.plain_named("zPeriod"),
                    "authors": ["ana", self.line("zAuthor")],
                    "sections": {
                        "services": {"title": self.line("zServices"), "text": self.text("zWords")},
                        "actions": {"title": self.line("zActions")},
                    },
                }
            ],
        }

    def plain_named(self, name: str) -> str:
        (one,) = [one for one in self.plain if f"{name} " in one]
        return one


def squeezed(text: str) -> str:
    """Without what a line break may add or take: spaces and hyphens; ligatures as letters."""
    return re.sub(r"[\s\u00ad\u2010\u2011-]", "", unicodedata.normalize("NFKC", text))


@pytest.fixture(scope="module", params=BEGINNINGS, ids=[one.strip()[:2] for one in BEGINNINGS])
def hostile(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Hostile, dict[str, bytes]]:
    told = Hostile(request.param)
    folder = tmp_path_factory.mktemp("hostile")
    file = folder / "history.yaml"
    file.write_text(yaml.safe_dump(told.scenario(), allow_unicode=True, width=10_000), "utf-8")
    period = told.plain_named("zPeriod")
    return told, written(file, folder / "out", "--audit", period=period)


def lost(told: Hostile, text: str) -> list[str]:
    """What can't be read in a report word for word."""
    found = squeezed(text)
    return [one for one in told.plain + told.markdown if squeezed(one) not in found]


class Page(HTMLParser):
    """A page's text as it is read, its elements and its addresses."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.text = ""
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.inside = ""
        self.feed(data.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.inside = tag
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {
            value or "" for name, value in attrs if name in ("href", "src", "action", "data")
        }

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside != "style":
            self.text += data


def test_hostile_texts_are_text_in_the_pdf(hostile: tuple[Hostile, dict[str, bytes]]) -> None:
    told, files = hostile
    reader = PdfReader(BytesIO(files["pdf"]))
    # Page numbers and repeated table headers may come in between: pages one by one are enough,
    # and a text that runs over two pages is looked for in both together.
    text = "".join(page.extract_text() for page in reader.pages)
    assert lost(told, text) == []


def test_hostile_texts_make_no_link_in_the_pdf(hostile: tuple[Hostile, dict[str, bytes]]) -> None:
    _, files = hostile
    uris = {
        str(annotation.get_object()["/A"]["/URI"])
        for page in PdfReader(BytesIO(files["pdf"])).pages
        for annotation in page.get("/Annots", [])
        if "/URI" in annotation.get_object().get("/A", {})
    }
    assert uris <= LINKS


def test_hostile_texts_are_text_in_html(hostile: tuple[Hostile, dict[str, bytes]]) -> None:
    told, files = hostile
    page = Page(files["html"])
    assert lost(told, page.text) == []
    assert not page.tags & {"script", "img", "b", "iframe", "object", "lab"}
    assert not [name for name in page.attributes if name.startswith("on")]
    assert {one for one in page.addresses if not one.startswith("#")} <= LINKS


def test_hostile_texts_are_text_in_markdown(hostile: tuple[Hostile, dict[str, bytes]]) -> None:
    told, files = hostile
    page = Page(
        MarkdownIt("commonmark").enable(["table", "strikethrough"])
        .render(files["md"].decode("utf-8"))
        .encode()
    )  # fmt: skip
    assert lost(told, page.text) == []
    assert not page.tags & {"script", "img", "b", "iframe", "object", "lab"}
    assert {one for one in page.addresses if not one.startswith("#")} <= LINKS


def test_hostile_texts_are_text_in_gemtext(hostile: tuple[Hostile, dict[str, bytes]]) -> None:
    told, files = hostile
    text = files["gmi"].decode("utf-8")
    assert lost(told, text) == []
    lines = text.splitlines()
    links = {line[2:].split()[0] for line in lines if line.startswith("=>")}
    assert links <= LINKS
    assert len([line for line in lines if line.startswith("```")]) % 2 == 0


@pytest.mark.parametrize(
    "url",
    [
        'https://x.example/"><script>alert(1)</script>',
        "https://x.example/')%20#panic(1)",
        "https://x.example/ b c",
        "https://x.example/é|a)b]c`d",
        "gemini://x.example/\\n=> b",
        "mailto:a@x.example?subject=<b>",
        "https://" + "a" * 3000,
    ],
)
def test_hostile_addresses_stay_addresses(tmp_path: Path, url: str) -> None:
    file = tmp_path / "history.yaml"
    scenario = {
        "members": [{"id": "ana", "joined": "2020-01-01"}],
        "periods": [{"name": "P21", "first": "2021-02-01", "last": "2021-07-18"}],
        "events": [
            {"at": "2021-03-01", "propose": "ordinary", "by": "ana", "object": "o", "link": url}
        ],
        "journal": [{"kind": "event", "title": "t", "date": "2021-03-01", "links": [url]}],
    }
    file.write_text(yaml.safe_dump(scenario, allow_unicode=True, width=10_000), "utf-8")
    files = written(file, tmp_path / "out")
    page = Page(files["html"])
    assert not page.tags & {"script", "b"}
    rendered = Page(MarkdownIt("commonmark").render(files["md"].decode()).encode())
    assert not rendered.tags & {"script", "b", "img"}
    scheme, _ = url.split(":", 1)
    links = [one for one in files["gmi"].decode().splitlines() if one.startswith("=>")]
    assert all(one.split()[1].startswith(f"{scheme}:") for one in links)


@pytest.mark.parametrize(
    "text",
    [
        "\u0000\u0007\u001b[31m",
        "\u202eabc\u2066",
        "🦦" * 50,
        "e" + "\u0301" * 500,
        "ا" * 50 + "שלום",
        "漢字かな",
        "a" * 5000,
        "[" * 3000,
        "*" * 3000,
        "> " * 300 + "x",
        "| a |\n| - |\n| b |",
        "\n\n".join("# t" for _ in range(200)),
    ],
    ids=["control", "bidi", "emoji", "marks", "rtl", "cjk", "long word", "brackets", "stars",
         "quotes", "table", "headings"],
)  # fmt: skip
def test_no_object_is_too_odd_for_a_report(tmp_path: Path, text: str) -> None:
    file = tmp_path / "history.yaml"
    scenario = {
        "members": [{"id": "ana", "joined": "2020-01-01"}],
        "periods": [{"name": "P21", "first": "2021-02-01", "last": "2021-07-18"}],
        "events": [{"at": "2021-03-01", "propose": "ordinary", "by": "ana", "object": f"o {text}"}],
        "journal": [{"kind": "event", "title": f"t {text}", "date": "2021-03-01", "text": text}],
    }
    file.write_text(yaml.safe_dump(scenario, width=100_000), "utf-8")
    assert {*written(file, tmp_path / "out")} == {*ENDINGS}
