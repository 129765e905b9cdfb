"""What members wrote in Markdown becomes a shallow tree of safe nodes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Code,
    CodeBlock,
    Divider,
    Emphasis,
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
from toutdoux.reports.markdown import MAX_DEPTH, clean, is_safe_url, read, words


def line(text: str) -> Inlines:
    """The inlines of a text that is one paragraph."""
    (paragraph,) = read(text)
    assert isinstance(paragraph, Paragraph)
    return paragraph.children


def depth(node: Block | Inline) -> int:
    match node:
        case BulletList(items) | NumberedList(_, items):
            inside: list[Block | Inline] = [block for item in items for block in item]
        case Quote(children):
            inside = list(children)
        case (
            Paragraph(inlines)
            | Subheading(_, inlines)
            | Emphasis(inlines)
            | Strong(inlines)
            | Struck(inlines)
            | Link(_, inlines)
        ):
            inside = list(inlines)
        case _:
            inside = []
    return 1 + max(map(depth, inside), default=0)


def test_marks_become_nodes() -> None:
    assert line("*a* **b** ~~c~~ `d`") == (
        Emphasis((Text("a"),)),
        Text(" "),
        Strong((Text("b"),)),
        Text(" "),
        Struck((Text("c"),)),
        Text(" "),
        Code("d"),
    )


def test_a_line_end_is_a_space_and_a_backslash_before_it_a_line_break() -> None:
    assert line("a\nb\\\nc") == (Text("a b"), LineBreak(), Text("c"))


def test_lists_keep_their_nesting_and_their_first_number() -> None:
    one, two, three = (((Paragraph((Text(word),)),)) for word in ("un", "deux", "trois"))
    assert read("4. un\n5. deux\n   - trois") == (
        NumberedList(4, (one, (*two, BulletList((three,))))),
    )


def test_a_list_may_start_at_zero() -> None:
    assert read("0. a") == (NumberedList(0, ((Paragraph((Text("a"),)),),)),)


def test_quotes_code_and_dividers_become_blocks() -> None:
    assert read("> a\n\n```sh\n x\n```\n\n---") == (
        Quote((Paragraph((Text("a"),)),)),
        CodeBlock(" x"),
        Divider(),
    )


def test_the_highest_heading_of_a_text_is_of_the_first_level() -> None:
    assert read("### a\n\n#### b") == (
        Subheading(1, (Text("a"),)),
        Subheading(2, (Text("b"),)),
    )


def test_a_table_becomes_a_table_with_its_titles() -> None:
    (table,) = read("| a | *b* |\n|---|---|\n| 1 | |")
    assert isinstance(table, Table)
    assert [column.title for column in table.columns] == ["a", "b"]
    assert table.rows == (((Paragraph((Text("1"),)),), ()),)


def test_raw_html_comes_out_as_text() -> None:
    assert read("<script>alert(1)</script>") == (Paragraph((Text("<script>alert(1)</script>"),)),)
    assert line("a <b>c</b>") == (Text("a <b>c</b>"),)


@pytest.mark.parametrize("text", ["#courriel", "@ana", "@all #action-ordinaire", "#1", "a_b_c"])
def test_hashtags_and_mentions_stay_text(text: str) -> None:
    assert read(text) == (Paragraph((Text(text),)),)


# --- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["https://a.example", "http://a.example/b_c", "mailto:a@b.example", "gemini://a.example"]
)
def test_links_with_a_safe_scheme_are_kept(url: str) -> None:
    assert line(f"[a]({url})") == (Link(url, (Text("a"),)),)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "file:///etc/passwd", "//a.example",
     "/a", "#", "https:a", "java&#10;script:x", "ssh://a.example", "%68ttps://a.example"],
)  # fmt: skip
def test_other_links_leave_their_words(url: str) -> None:
    assert line(f"[a]({url})") == (Text("a"),)


@pytest.mark.parametrize(
    ("text", "url", "after"),
    [
        ("https://a.example.", "https://a.example", "."),
        ("https://a.example/b_(c))", "https://a.example/b_(c)", ")"),
        ("https://a.example/?q=1, et", "https://a.example/?q=1", ", et"),
        ("https://a.example/b_c_d »", "https://a.example/b_c_d", " »"),
        ("gemini://a.example/…", "gemini://a.example/", "…"),
    ],
)
def test_a_bare_link_ends_where_its_sentence_goes_on(text: str, url: str, after: str) -> None:
    assert line("voir " + text) == (Text("voir "), Link(url, (Text(url),)), Text(after))


def test_a_bare_link_may_stand_inside_marks() -> None:
    url = "https://a.example"
    assert line(f"**{url}**") == (Strong((Link(url, (Text(url),)),)),)


def test_a_link_holds_no_other_link() -> None:
    (link,) = line("[voir https://a.example](https://b.example)")
    assert link == Link("https://b.example", (Text("voir https://a.example"),))


def test_an_address_in_code_is_code() -> None:
    assert line("`https://a.example`") == (Code("https://a.example"),)


def test_an_image_is_a_link_with_its_description() -> None:
    assert line("![un *plan*](https://a.example/p.png)") == (
        Link("https://a.example/p.png", (Text("un plan"),)),
    )


def test_an_image_without_description_is_named_by_its_address() -> None:
    url = "https://a.example/p.png"
    assert line(f"![]({url})") == (Link(url, (Text(url),)),)


def test_an_image_in_a_link_is_its_description() -> None:
    assert line("[![plan](https://a.example/p.png)](https://b.example)") == (
        Link("https://b.example", (Text("plan"),)),
    )


# --- characters ----------------------------------------------------------------------------------


def test_line_ends_are_all_one() -> None:
    assert clean("a\r\nb\rc\u2028d\u2029e\x85f") == "a\nb\nc\nd\ne\nf"


@pytest.mark.parametrize("char", "\x00\x07\x1b\x7f\x9b\u202a\u202e\u2066\u2069\ufeff\uffff")
def test_control_characters_and_bidi_overrides_go(char: str) -> None:
    assert clean(f"a{char}b") == "ab"


def test_tabs_and_no_break_spaces_and_joined_emoji_stay() -> None:
    assert clean("a\tb\u00a0: 👩\u200d🔧") == "a\tb\u00a0: 👩\u200d🔧"


def test_an_override_written_as_an_entity_goes_too() -> None:
    assert line("a&#x202e;b&#x2066;c") == (Text("abc"),)


@given(st.text())
def test_a_clean_text_is_already_clean_and_can_be_encoded(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    clean(text).encode()


# --- hostile texts -------------------------------------------------------------------------------

NESTED = {
    "quotes": "> " * 200 + "a",
    "lists": "- " * 200 + "a",
    "indented lists": "\n".join("  " * level + "- a" for level in range(200)),
    "marks": "*" * 4_000 + "a" + "*" * 4_000,
    "links": "[" * 2_000 + "a" + "](https://b.example)" * 2_000,
    "images": "![" * 2_000 + "a" + "](https://b.example)" * 2_000,
}
LONG = ["[", "![", "[a](", "*a **b ", "_a", "`a``", "> - ", "1. ", "|a", "<", "https://a ", "&"]


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED.keys())
def test_deep_nesting_comes_out_shallow_and_keeps_its_words(text: str) -> None:
    blocks = read(text)
    assert max(map(depth, blocks)) <= 2 * MAX_DEPTH + 2
    assert "a" in "".join(map(str, blocks))


def test_what_is_nested_just_beyond_the_bound_keeps_its_words_only() -> None:
    blocks: Blocks = read("> " * (MAX_DEPTH + 3) + "a")
    for _ in range(MAX_DEPTH):
        (quote,) = blocks
        assert isinstance(quote, Quote)
        blocks = quote.children
    assert blocks == (Paragraph((Text("a"),)),)


@pytest.mark.parametrize("piece", LONG)
def test_a_text_of_one_repeated_piece_is_read_in_bounded_time(piece: str) -> None:
    begun = time.perf_counter()
    read(piece * (100_000 // len(piece)))
    assert time.perf_counter() - begun < 10  # seconds: unbounded, the worst would take minutes


def test_a_text_too_long_to_read_is_kept_as_it_was_typed() -> None:
    blocks = read("*a*\n\n" * 30_000)
    assert blocks[0] == Paragraph((Text("*a*"),))
    assert len(blocks) == 30_000


def links(node: object) -> list[Link]:
    if isinstance(node, tuple):
        return [link for item in node for link in links(item)]
    if isinstance(node, Link):
        return [node]
    inside = (getattr(node, name) for name in ("children", "items", "rows") if hasattr(node, name))
    return [link for item in inside for link in links(item)]


MARKDOWN = st.text(alphabet="ab1.-*_`~#>|[]()!<&;:/\\\n htps", max_size=80)


@given(MARKDOWN | st.text())
def test_any_text_is_read_and_offers_only_safe_links(text: str) -> None:
    assert all(is_safe_url(link.url) for link in links(read(text)))


@given(st.text(alphabet="abc é'’·?", max_size=40))
def test_a_text_without_markup_keeps_all_its_words(text: str) -> None:
    assert [word for block in read(text) for word in words(block.children).split()] == text.split()
