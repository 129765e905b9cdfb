"""The HTML of posts in gemtext: whatever it is, its words come out in order, and as what they
were."""

from __future__ import annotations

import time
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capsule.fediverse.instance import NOW
from toutdoux.capsule.fediverse.html import LONGEST, MOST_TAGS, blocks, words
from toutdoux.capsule.fediverse.instances import allowed
from toutdoux.capsule.fediverse.posts import Teller
from toutdoux.capsule.gemtext import Line, LineKind, Page, parse
from toutdoux.language import Language


def gemtext(html: str, base: str = "") -> str:
    page = Page()
    Teller(Language("en"), allowed({}), "/fediverse", NOW).html(page, html, base)
    return str(page)


def lines(html: str) -> list[Line]:
    return parse(gemtext(html))


MARKUP = ["#", "##", "# a", "*", "* a", "=>", "=> /a", ">", "> a", "```", "```a", "=>a", "#a"]


# --- what there is in posts ----------------------------------------------------------------------


def test_paragraphs_and_lines() -> None:
    assert gemtext("<p>One<br>two<br /><br>three</p><p>four\n  five</p>") == (
        "One\ntwo\n\nthree\n\nfour five\n"
    )


def test_links_go_after_their_paragraph() -> None:
    html = '<p>See <a href="https://a.example/x?y=1&amp;z=2">this</a>, and that.</p><p>Then</p>'
    assert gemtext(html) == ("See this, and that.\n=> https://a.example/x?y=1&z=2 this\n\nThen\n")


def test_a_paragraph_of_links_is_its_links() -> None:
    html = (
        '<p>Read:</p><p><a href="https://a.example/">one</a> <a href="https://b.example/">two</a>'
    )
    assert gemtext(html) == "Read:\n\n=> https://a.example/ one\n=> https://b.example/ two\n"


def test_a_long_address_is_short_where_it_is_read_and_whole_where_it_leads() -> None:
    html = (
        '<p>See <a href="https://a.example/very/long/path"><span class="invisible">https://</span>'
        '<span class="ellipsis">a.example/very/lo</span><span class="invisible">ng/path</span></a>'
    )
    assert gemtext(html) == (
        "See a.example/very/lo…\n=> https://a.example/very/long/path a.example/very/lo…\n"
    )


def test_nested_lists() -> None:
    html = (
        "<ul><li>one<ul><li>two</li><li>three<ol><li>four</li><li>five</li></ol></li></ul></li>"
        "<li>six</li></ul><ol start=7><li>seven</ol>"
    )
    assert gemtext(html) == (
        "* one\n* – two\n* – three\n* – – 1. four\n* – – 2. five\n* six\n* 7. seven\n"
    )


def test_the_links_of_a_list_go_after_it() -> None:
    html = '<ul><li><a href="https://a.example/">one</a></li><li>two</li></ul><p>three</p>'
    assert gemtext(html) == "* one\n* two\n\n=> https://a.example/ one\n\nthree\n"


def test_quotes_in_quotes() -> None:
    html = "<blockquote><p>one</p><p># two</p><blockquote>three</blockquote></blockquote>four"
    assert gemtext(html) == "> one\n> # two\n> > three\n\nfour\n"


def test_code_keeps_its_shape() -> None:
    html = "<p>So:</p><pre><code>def f():\n    return '&lt;'\n```\n</code></pre>"
    assert gemtext(html) == "So:\n\n```Code\ndef f():\n    return '<'\n ```\n```\n"


def test_headings_are_of_the_third_level() -> None:
    assert gemtext("<h1>One</h1><p>two</p><h4>Three<br>four</h4>") == (
        "### One\n\ntwo\n\n### Three four\n"
    )


def test_what_is_struck_through_or_raised_is_not_taken_for_plain() -> None:
    assert gemtext("<del>no</del> 10<sup>6</sup> 2<sup>nd</sup> <q>so</q>") == (
        "~~no~~ 10^6 2nd “so”\n"
    )


def test_images_are_their_descriptions() -> None:
    html = (
        'Hello <img class="emoji" src="https://a.example/o.png" alt=":otter:"> '
        '<img src="https://a.example/p.png" alt="A pond">'
    )
    assert gemtext(html) == "Hello :otter: A pond\n=> https://a.example/p.png A pond\n"


def test_a_table_is_read_row_by_row() -> None:
    assert gemtext("<table><tr><th>a<th>b<tr><td>1<td>2</table>") == "a | b\n\n1 | 2\n"


def test_no_break_spaces_stay() -> None:
    assert gemtext("<p>Ça va&nbsp;?</p>") == "Ça va\u00a0?\n"


def test_what_nobody_sees_is_not_told() -> None:
    html = (
        "<p>a<script>b()</script><style>c{}</style><!-- d --><template>e</template>"
        "<iframe>f</iframe>g</p>"
    )
    assert gemtext(html) == "ag\n"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "", "x y", "//[/"])
def test_a_link_that_leads_nowhere_is_text(address: str) -> None:
    assert gemtext(f'<p><a href="{address}">here</a></p>') == "here\n"


def test_a_link_without_a_host_is_of_the_posts_instance() -> None:
    html = '<p>See <a href="/x">x</a></p>'
    assert gemtext(html) == "See x\n"
    assert gemtext(html, "https://a.example/@ana/1") == "See x\n=> https://a.example/x x\n"


def test_a_link_around_blocks_is_a_link() -> None:
    html = '<a href="https://a.example/"><div>in</div></a>after'
    assert gemtext(html) == "=> https://a.example/ in\n\nafter\n"


def test_an_escape_sequence_moves_no_cursor() -> None:
    assert gemtext("<p>a&#27;[2Jb\x1b[31m\x9bc</p>") == "a[2Jb[31mc\n"


def test_words_in_one_line() -> None:
    assert words('<p>a<br>b</p><p><a href="https://a.example/">c</a></p>') == "a b c"


# --- HTML that is none ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ("", ""),
        ("<", "<\n"),
        ("a < b && c > d", "a < b && c > d\n"),
        ("<p", ""),
        ("<![foo", ""),
        ("<!-- a", ""),
        ("</p></ul></blockquote>a", "a\n"),
        ("<b><i>a</b>b</i>", "ab\n"),
        ("<li>a</li>b", "* a\n\nb\n"),
        ("<ul>a</ul>", "a\n"),
        ("<p>a<p>b", "a\n\nb\n"),
        ("&nosuch; &#0; &#xD800; &amp;amp;", "&nosuch; \ufffd \ufffd &amp;\n"),
        ('<a href="https://a.example/">a<a href="https://b.example/">b', None),
        ("<ol start=-1><li>a</ol><ol start=x><li>b</ol>", "* 1. a\n* 1. b\n"),
        ("<pre>", ""),
        ("<pre>```</pre>", "```Code\n ```\n```\n"),
        ("<svg><p>a</svg><math>b", None),
        ("<p>a</p\x00>", None),
    ],
)
def test_broken_html_is_read_as_browsers_read_it(html: str, told: str | None) -> None:
    found = gemtext(html)
    parse(found)
    assert told is None or found == told


@pytest.mark.parametrize(
    "html",
    ["<div>" * 100_000, "<ul><li>" * 50_000, "<p>a" * 60_000, "<a href=x>" * 50_000, "x" * 9**6,
     "<blockquote>" * 5_000 + "a", "<" * 200_000, "&" * 200_000, "<b " * 70_000, "</p>" * 70_000],
)  # fmt: skip
def test_too_much_is_cut_and_said_so(html: str) -> None:
    began = time.process_time()
    found = gemtext(html)
    assert time.process_time() - began < 5
    parse(found)
    cut = len(html) > LONGEST or html.count("<") > MOST_TAGS
    assert ("It goes on at the original." in found) == cut


# --- properties ----------------------------------------------------------------------------------

_letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp", "Cf"))
_word = st.one_of(
    st.sampled_from([*MARKUP, "<b>", "&amp;", "]]>", "-->", "::", "1.", "|"]).map(
        lambda one: one.replace(" ", "")
    ),
    st.text(_letters, min_size=1, max_size=6),
)
_text = st.lists(_word, min_size=1, max_size=4).map(" ".join)
_written = _text.map(lambda text: (escape(text), text))


def _around(tag: str, attributes: str = "") -> object:
    return lambda one: (f"<{tag}{attributes}>{one[0]}</{tag}>", f" {one[1]} ")


def _joined(parts: list[tuple[str, str]]) -> tuple[str, str]:
    return " ".join(one[0] for one in parts), " ".join(one[1] for one in parts)


_inline = st.recursive(
    _written,
    lambda inner: st.one_of(
        inner.map(_around("strong")),
        inner.map(_around("span", " class='h-card'")),
        inner.map(_around("code")),
        st.tuples(inner, inner).map(lambda two: (f"{two[0][0]}<br>{two[1][0]}", " ".join(
            [two[0][1], two[1][1]]))),
    ),
    max_leaves=4,
)  # fmt: skip
_linked = st.one_of(_inline, _inline.map(_around("a", " href='https://a.example/'")))
_several = st.lists(_linked, min_size=1, max_size=3).map(_joined)
_tree = st.recursive(
    st.one_of(
        _several,
        _several.map(_around("p")),
        _several.map(_around("h2")),
        _inline.map(_around("pre")),
    ),
    lambda inner: st.one_of(
        inner.map(_around("div")),
        inner.map(_around("blockquote")),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda items: _around("ul")(_joined([_around("li")(one) for one in items]))  # type: ignore[operator]
        ),
        st.lists(inner, min_size=1, max_size=3).map(
            lambda items: _around("ol")(_joined([_around("li")(one) for one in items]))  # type: ignore[operator]
        ),
        st.lists(inner, min_size=1, max_size=3).map(_joined),
    ),
    max_leaves=8,
)


def _bare(text: str) -> str:
    return "".join(text.split())


def _in_order(wanted: str, told: str) -> bool:
    left = iter(told)
    return all(sign in left for sign in wanted)


@given(_tree)
def test_all_words_come_out_in_order(post: tuple[str, str]) -> None:
    html, said = post
    told = _bare("".join(line.text for line in lines(html)))
    assert _in_order(_bare(said), told)


@given(st.lists(_inline.map(_around("p")), max_size=5).map(_joined))
def test_paragraphs_say_what_they_said_and_nothing_else(post: tuple[str, str]) -> None:
    html, said = post
    told = lines(html)
    assert {line.kind for line in told} <= {LineKind.TEXT}
    assert _bare("".join(line.text for line in told)) == _bare(said)


@pytest.mark.parametrize(
    ("around", "kind"),
    [
        ("<p>{}</p>", LineKind.TEXT),
        ("<p>x<br>{}</p>", LineKind.TEXT),
        ("<ul><li>{}</li></ul>", LineKind.ITEM),
        ("<blockquote>{}</blockquote>", LineKind.QUOTE),
        ("<blockquote>x<br>{}</blockquote>", LineKind.QUOTE),
        ("<h1>{}</h1>", LineKind.HEADING),
        ("<pre>{}</pre>", LineKind.PREFORMATTED),
        ("<pre>x\n{}</pre>", LineKind.PREFORMATTED),
    ],
)
@given(text=_text)
def test_no_line_changes_its_meaning(around: str, kind: LineKind, text: str) -> None:
    told = lines(around.format(escape(text)))
    assert {line.kind for line in told} == {kind}
    assert "".join(line.text for line in told).endswith(text.rstrip())


_soup = st.lists(
    st.one_of(
        st.sampled_from(
            ["<p>", "</p>", "<br>", "<ul>", "</ul>", "<li>", "<ol>", "<blockquote>", "<pre>",
             "</pre>", "</blockquote>", "<a href='https://a.example/'>", "</a>", "<h1>", "</h1>",
             "<a href=\"", "<!--", "-->", "<![CDATA[", "]]>", "<script>", "</script>", "<table>",
             "<td>", "<span class='invisible'>", "</span>", "<img src=x alt='", "&lt;", "&#10;",
             "&#", "<?", "<svg>", "<textarea>", "<plaintext>", "<del>", "<sup>1", "\n", "```\n",
             "# ", "=> /x", "* "]
        ),
        st.text(max_size=5),
    ),
    max_size=25,
).map("".join)  # fmt: skip


@given(_soup)
def test_anything_at_all_becomes_gemtext(html: str) -> None:
    html = html.encode("utf-8", "replace").decode()
    lines(html)
    words(html)
    for one in blocks(html)[0]:
        assert one.text or one.links
