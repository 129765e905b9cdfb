"""Markdown: read again by another parser, it says the same, and no text became markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Code,
    CodeBlock,
    Column,
    ColumnKind,
    Divider,
    Document,
    Emphasis,
    Facts,
    Inline,
    Inlines,
    LineBreak,
    Link,
    NumberedList,
    Paragraph,
    Quote,
    Strong,
    Struck,
    Subheading,
    Table,
    Text,
)
from toutdoux.reports.markdown import clean, read, words
from toutdoux.reports.render.markdown import blocks_to_markdown, render

PARSER = MarkdownIt("commonmark").enable(["strikethrough", "table"])


def paragraph(*children: Inline) -> Blocks:
    return (Paragraph(children),)


def markdown(*children: Inline) -> str:
    return blocks_to_markdown(paragraph(*children))


def inline_tokens(source: str) -> list[Token]:
    return [token for block in PARSER.parse(source) for token in block.children or ()]


def visible(source: str) -> str:
    return "".join(token.content for token in inline_tokens(source) if token.type != "html_inline")


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", clean(text)).strip()


# --- text ----------------------------------------------------------------------------------------

TRICKY = st.text(alphabet="ab 1.-+*_`~#>|[]()!<&;:/\\\n=$é«\u00a0\t\"'", max_size=30)
ANY_TEXT = TRICKY | st.text()


@given(ANY_TEXT)
def test_a_text_read_again_is_the_same_text_and_nothing_else(text: str) -> None:
    source = markdown(Text(text))
    assert folded(visible(source)) == folded(text)
    kinds = ["paragraph_open", "inline", "paragraph_close"] if source else []
    assert [token.type for token in PARSER.parse(source)] == kinds
    assert {token.type for token in inline_tokens(source)} <= {"text"}


@given(ANY_TEXT, ANY_TEXT)
def test_a_text_after_a_line_break_is_the_same_text(first: str, second: str) -> None:
    source = markdown(Text(first), LineBreak(), Text(second))
    assert folded(visible(source)).replace(" ", "") == folded(first + second).replace(" ", "")
    assert {token.type for token in PARSER.parse(source)} <= {
        "paragraph_open",
        "inline",
        "paragraph_close",
    }


@given(ANY_TEXT)
def test_a_text_in_a_cell_stays_in_its_cell(text: str) -> None:
    columns = (Column(text, ColumnKind.PROSE), Column("b", ColumnKind.FIGURE))
    source = blocks_to_markdown((Table("", columns, ((paragraph(Text(text)), ()),)),))
    cells = [token.content for token in PARSER.parse(source) if token.type == "inline"]
    assert len(cells) == 4
    assert folded("".join(t.content for t in PARSER.parseInline(cells[2])[0].children or ())) == (
        folded(text)
    )


@given(ANY_TEXT)
def test_code_read_again_is_the_same_code(text: str) -> None:
    (token,) = PARSER.parse(blocks_to_markdown((CodeBlock(text),)))
    assert (token.type, token.content) == ("fence", clean(text) + "\n")


def inlines() -> st.SearchStrategy[Inlines]:
    leaves = ANY_TEXT.map(Text) | TRICKY.map(Code)

    def marked(children: st.SearchStrategy[Inline]) -> st.SearchStrategy[Inline]:
        several = st.lists(children, max_size=3).map(tuple)
        return several.map(Emphasis) | several.map(Strong) | several.map(Struck)

    return st.lists(st.recursive(leaves, marked, max_leaves=5), max_size=4).map(tuple)


def marks_of_each_character(nodes: Inlines, marks: frozenset[str]) -> list[tuple[str, object]]:
    names = {Emphasis: "em", Strong: "strong", Struck: "del"}
    seen: list[tuple[str, object]] = []
    for node in nodes:
        match node:
            case Text(text) | Code(text):
                seen += [(char, marks) for char in clean(text) if not char.isspace()]
            case LineBreak():
                pass
            case _:
                inner = marks | {names.get(type(node), "a")}
                seen += marks_of_each_character(node.children, inner)
    return seen


def marks_read_again(source: str) -> list[tuple[str, object]]:
    tags = {"em": "em", "strong": "strong", "s": "del", "del": "del"}
    html = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough"])
    seen: list[tuple[str, object]] = []
    opened: list[str] = []
    for token in (token for block in html.parse(source) for token in block.children or ()):
        tag = tags.get(token.tag) or token.content.strip("</>")
        if token.nesting > 0 or re.fullmatch(r"<\w+>", token.content):
            opened.append(tag)
        elif token.nesting < 0 or re.fullmatch(r"</\w+>", token.content):
            opened.remove(tag)
        elif token.type != "html_inline":
            marks = frozenset(opened)
            seen += [(char, marks) for char in token.content if not char.isspace()]
    return seen


@given(inlines())
def test_every_character_read_again_has_the_marks_it_had(nodes: Inlines) -> None:
    # A text may hold `<em>`: escaped, it comes back as text and must not be taken for a tag.
    nodes = tuple(node for node in nodes if "<" not in words((node,)))
    assert marks_read_again(markdown(*nodes)) == marks_of_each_character(nodes, frozenset())


# --- no more escaping than needed ----------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["snake_case_name", "a # b", "#hashtag @mention", "2 * 3", "a - b", "x < 3 & y > 2", "10 $",
     "Ouvert : « à tous·tes » (1 000 € !)", "a | b", "1.5", "-5", "C++", "R&D"],
)  # fmt: skip
def test_ordinary_text_is_not_escaped(text: str) -> None:
    assert markdown(Text(text)) == text


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("# a", "\\# a"),
        ("1. a", "1\\. a"),
        ("- a", "\\- a"),
        ("+ a", "\\+ a"),
        ("> a", "\\> a"),
        ("---", "\\---"),
        ("*a*", "\\*a\\*"),
        ("_a_", "\\_a\\_"),
        ("`a`", "\\`a\\`"),
        ("[a](b)", "\\[a\\](b)"),
        ("<b>", "\\<b>"),
        ("&lt;", "\\&lt;"),
        ("~~a~~", "\\~\\~a\\~\\~"),
        ("a \\* b", "a \\\\\\* b"),
        ("https://a.example", "https\\://a.example"),
    ],
)
def test_what_would_be_markup_is_escaped(text: str, source: str) -> None:
    assert markdown(Text(text)) == source


# --- marks and links -----------------------------------------------------------------------------


def test_marks_are_those_one_would_type() -> None:
    source = markdown(
        Emphasis((Text("a"),)), Text(" "), Strong((Text("b"),)), Text(" "), Struck((Text("c"),))
    )
    assert source == "_a_ **b** ~~c~~"


def test_a_mark_that_would_not_be_read_is_written_as_a_tag() -> None:
    assert markdown(Text("a"), Strong((Text("(b)"),)), Text("c")) == "a<strong>(b)</strong>c"


def test_a_link_whose_words_are_its_address_is_written_once() -> None:
    url = "https://a.example/b_c"
    assert markdown(Link(url, (Text(url),))) == f"<{url}>"


def test_an_address_cannot_end_early() -> None:
    link = Link("https://a.example/b c)\n[x](y)", (Text("a]b"),))
    source = markdown(link)
    assert source == "[a\\]b](<https://a.example/b%20c)%0A[x](y)>)"
    assert [token.type for token in inline_tokens(source)] == ["link_open", "text", "link_close"]


def test_a_link_that_is_not_safe_leaves_its_words() -> None:
    assert markdown(Link("javascript:x", (Text("mots"),))) == "mots"


def test_an_exclamation_mark_before_a_link_does_not_make_it_an_image() -> None:
    source = markdown(Text("Ici !"), Link("https://a.example", (Text("a"),)))
    assert "image" not in {token.type for token in inline_tokens(source)}


# --- blocks --------------------------------------------------------------------------------------


def one(*words: str) -> tuple[Blocks, ...]:
    return tuple(paragraph(Text(word)) for word in words)


@pytest.mark.parametrize(
    "blocks",
    [
        (BulletList(one("a", "b")), BulletList(one("c"))),
        (NumberedList(3, one("a", "b")), NumberedList(1, one("c"))),
        (BulletList(((*paragraph(Text("a")), NumberedList(7, one("b"))),)),),
        (BulletList((((Quote(paragraph(Text("a")))), CodeBlock("b\n\n  c")),)),),
        (BulletList(((Divider(),), ())), Divider()),
        (Quote((*paragraph(Text("a")), Quote(paragraph(Text("b"))))), *paragraph(Text("c"))),
        (CodeBlock("```\na\n````"),),
        (Subheading(1, (Text("a #"),)), *paragraph(Text("="))),
    ],
)
def test_blocks_read_again_are_the_same_blocks(blocks: tuple[Block, ...]) -> None:
    assert read(blocks_to_markdown(blocks)) == blocks


def test_facts_are_a_list_with_their_labels_in_bold() -> None:
    facts = Facts((("Demandé", (Text("1 000 €"),)), ("Par", (Text("Ana"),))))
    assert blocks_to_markdown((facts,)) == "- **Demandé** — 1 000 €\n- **Par** — Ana"


def test_blocks_in_a_cell_are_folded_onto_its_line() -> None:
    cell: Blocks = (*paragraph(Text("a|b")), BulletList(one("c", "d")), CodeBlock("e|f\ng"))
    table = Table("", (Column("x", ColumnKind.PROSE),), ((cell,),))
    row = blocks_to_markdown((table,)).split("\n")[2]
    assert row == "| a\\|b<br>• c<br>• d<br>`e\\|f`<br>`g` |"


def test_columns_of_figures_are_aligned_to_the_right() -> None:
    table = Table("", (Column("a", ColumnKind.KEY), Column("b", ColumnKind.FIGURE)), ())
    assert blocks_to_markdown((table,)) == "| a | b |\n| --- | ---: |"


# --- pages ---------------------------------------------------------------------------------------


def test_every_entry_of_the_contents_leads_to_an_anchor(report: Document) -> None:
    page = render(report).decode()
    targets = re.findall(r"\]\(#([\w-]+)\)", page)
    assert targets == ["section-1", "section-2", "section-2-1", "section-2-2"]
    assert all(f'<a id="{target}"></a>' in page for target in targets)


def test_a_hostile_report_holds_only_the_blocks_it_was_given(hostile_report: Document) -> None:
    tokens = PARSER.parse(render(hostile_report).decode())
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    assert headings == ["h1", "h2", "h2", "h6", "h3", "h6"]
    assert sum(token.type == "table_open" for token in tokens) == 4
    inside = {token.type for block in tokens for token in block.children or ()}
    assert "image" not in inside


def test_a_hostile_report_holds_no_html_but_ours(hostile_report: Document) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough", "table"])
    tokens = parser.parse(render(hostile_report).decode())
    html = [token.content for token in tokens if token.type == "html_block"]
    html += [t.content for b in tokens for t in b.children or () if t.type == "html_inline"]
    ours = r"<a id=\"section-[\d-]+\">|</a>|</?(em|strong|del)>|<br>|<!-- -->"
    assert all(re.fullmatch(ours, tag) for tag in html)


def test_the_same_report_gives_the_same_bytes(report: Document) -> None:
    assert render(report) == render(report)
