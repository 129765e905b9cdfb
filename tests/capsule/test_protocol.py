"""The request line, one case after another; and the line that answers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from toutdoux.capsule.protocol import (
    Certificate,
    Refused,
    Request,
    Response,
    Status,
    Target,
    ask,
    content,
    failure,
    host_of,
    page,
    read,
    redirect,
    slow_down,
    without_certificate,
)

HOSTS = frozenset({"gemini.example.org", "127.0.0.1", "::1", "xn--bcher-kva.example"})
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def target(url: str | bytes, port: int = 1965) -> Target:
    line = url.encode() if isinstance(url, str) else url
    return read(line, hosts=HOSTS, port=port)


def status(url: str | bytes, port: int = 1965) -> int:
    with pytest.raises(Refused) as refused:
        target(url, port)
    return refused.value.status


# --- what is answered ----------------------------------------------------------------------------


def test_an_absolute_url_is_read() -> None:
    assert target("gemini://gemini.example.org/actions/AE1?oui") == Target(
        "gemini.example.org", "/actions/AE1", ("actions", "AE1"), "oui"
    )


def test_an_empty_path_is_the_root() -> None:
    assert target("gemini://gemini.example.org") == target("gemini://gemini.example.org/")


def test_an_empty_path_may_have_a_query() -> None:
    assert target("gemini://gemini.example.org?a") == target("gemini://gemini.example.org/?a")


def test_scheme_and_host_are_the_same_in_capitals() -> None:
    assert target("GEMINI://Gemini.Example.ORG/A").path == "/A"


def test_the_port_may_be_written() -> None:
    assert target("gemini://gemini.example.org:1965/a").path == "/a"


def test_an_empty_port_is_geminis_own() -> None:
    assert target("gemini://gemini.example.org:/a").path == "/a"


def test_a_host_may_end_with_the_root_of_all_names() -> None:
    assert target("gemini://gemini.example.org./").host == "gemini.example.org"


def test_a_host_may_be_an_ipv4_address() -> None:
    assert target("gemini://127.0.0.1/").host == "127.0.0.1"


def test_a_host_may_be_an_ipv6_address_in_brackets() -> None:
    assert target("gemini://[0:0::1]:1965/a").host == "::1"


@pytest.mark.parametrize("host", ["xn--bcher-kva.example", "bücher.example", "b%C3%BCcher.example"])
def test_a_host_in_other_letters_is_the_one_in_ascii(host: str) -> None:
    assert target(f"gemini://{host}/").host == "xn--bcher-kva.example"


def test_a_host_is_not_the_one_that_it_once_was_taken_for() -> None:
    assert host_of("straße.example") == "xn--strae-oqa.example"


def test_what_is_percent_encoded_is_decoded() -> None:
    assert target("gemini://gemini.example.org/un%20%C3%A9t%C3%A9").segments == ("un été",)


def test_utf8_that_was_not_encoded_is_read_as_older_clients_send_it() -> None:
    assert target("gemini://gemini.example.org/été") == target(
        "gemini://gemini.example.org/%C3%A9t%C3%A9"
    )


def test_an_encoded_slash_divides_nothing() -> None:
    read_ = target("gemini://gemini.example.org/a%2Fb")
    assert read_.segments == ("a/b",)
    assert read_.path == "/a%2Fb"


def test_a_plus_is_a_plus() -> None:
    assert target("gemini://gemini.example.org/?1+1%201").query == "1+1 1"


def test_a_lone_question_mark_is_an_empty_answer() -> None:
    assert target("gemini://gemini.example.org/?").query == ""
    assert target("gemini://gemini.example.org/").query is None


def test_a_query_may_hold_several_lines_and_question_marks() -> None:
    assert target("gemini://gemini.example.org/?a%0Ab?c/d").query == "a\nb?c/d"


def test_dots_lead_where_they_say() -> None:
    assert target("gemini://gemini.example.org/a/./b/../c").segments == ("a", "c")
    assert target("gemini://gemini.example.org/a/b/..").path == "/a/"
    assert target("gemini://gemini.example.org/a/..").path == "/"


def test_a_url_of_1024_bytes_is_read() -> None:
    url = "gemini://gemini.example.org/".ljust(1024, "0")
    assert target(url).path == url.removeprefix("gemini://gemini.example.org")


# --- 59: what is malformed -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("gemini://gemini.example.org/".ljust(1025, "0"), "one byte too many"),
        ("", "nothing"),
        ("/", "a path alone"),
        ("gemini.example.org/", "no scheme"),
        ("//gemini.example.org/", "no scheme, but slashes"),
        ("gemini:/a", "no authority"),
        ("gemini:a", "no slashes"),
        ("gemini://", "no host"),
        ("gemini:///a", "an empty host"),
        ("gemini://:1965/", "a port without a host"),
        ("gemini://ana@gemini.example.org/", "a user"),
        ("gemini://@gemini.example.org/", "an empty user"),
        ("gemini://ana:secret@gemini.example.org/", "a user and a password"),
        ("gemini://gemini.example.org/a#b", "a fragment"),
        ("gemini://gemini.example.org/#", "an empty fragment"),
        ("gemini://gemini.example.org:x/", "a port in letters"),
        ("gemini://gemini.example.org:-1/", "a negative port"),
        ("gemini://gemini.example.org:65536/", "a port above all ports"),
        ("gemini://gemini.example.org:1965:1965/", "two ports"),
        ("gemini://gemini..example.org/", "a host with two dots"),
        ("gemini://-/", "a host of a hyphen"),
        ("gemini://[::1/", "a bracket that stays open"),
        ("gemini://::1/", "an IPv6 address without brackets"),
        ("gemini://[::g]/", "no IPv6 address"),
        ("gemini://[127.0.0.1]/", "an IPv4 address in brackets"),
        ("gemini://[fe80::1%25eth0]x/", "something after the brackets"),
        ("gemini://gemini.example.org/a b", "a space"),
        ("gemini://gemini.example.org/a\tb", "a tab"),
        ("gemini://gemini.example.org/a\rb", "a carriage return"),
        ("gemini://gemini.example.org/a\nb", "a line feed"),
        ("gemini://gemini.example.org/a\0b", "a null"),
        ("gemini://gemini.example.org/a\x7fb", "a delete"),
        ("\ufeffgemini://gemini.example.org/", "a byte order mark"),
        ("gemini://gemini.example.org/<a>", "angle brackets"),
        ('gemini://gemini.example.org/"', "a quotation mark"),
        ("gemini://gemini.example.org/a\\b", "a backslash"),
        ("gemini://gemini.example.org/[a]", "square brackets"),
        ("gemini://gemini.example.org/?[a]", "square brackets in the query"),
        ("gemini://gemini.example.org/100%", "a percent sign by itself"),
        ("gemini://gemini.example.org/%2", "half of an encoded byte"),
        ("gemini://gemini.example.org/%zz", "an encoded byte of no number"),
        ("gemini://gemini.example.org/%FF", "encoded bytes that are no UTF-8"),
        ("gemini://gemini.example.org/?%C3", "half of a letter"),
        ("gemini://gemini.example.org/%ED%A0%80", "an encoded surrogate"),
        ("gemini://gemini.example.org/a%00b", "an encoded null"),
        ("gemini://gemini.example.org/a%0Ab", "an encoded line feed in the path"),
        ("gemini://gemini.example.org/?a%1Bb", "an encoded escape"),
        ("gemini://gemini.example.org/..", "above the root"),
        ("gemini://gemini.example.org/a/../../b", "above the root, later"),
        ("gemini://gemini.example.org/%2e%2e/b", "above the root, encoded"),
        ("Hello Gemini!", "a greeting"),
        ("GET / HTTP/1.1", "a web request"),
    ],
    ids=lambda told: told if isinstance(told, str) and len(told) < 60 else None,
)
def test_59_for(url: str, what: str) -> None:
    assert status(url) == 59


def test_59_for_bytes_that_are_no_utf8() -> None:
    assert status(b"gemini://gemini.example.org/\xdc") == 59


# --- 53: what is somebody else's -----------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://gemini.example.org/",
        "https://gemini.example.org/",
        "gopher://gemini.example.org/",
        "titan://gemini.example.org/",
        "mailto:ana@example.org",
        "gemini://example.org/",
        "gemini://other.gemini.example.org/",
        "gemini://[::2]/",
        "gemini://gemini.example.org:443/",
        "gemini://gemini.example.org:0/",
    ],
)
def test_53_for(url: str) -> None:
    assert status(url) == 53


def test_53_for_geminis_own_port_where_it_is_another() -> None:
    assert status("gemini://gemini.example.org/", port=1966) == 53
    assert target("gemini://gemini.example.org:1966/", port=1966).path == "/"


# --- whatever comes ------------------------------------------------------------------------------

PIECES = some.sampled_from(
    [
        *("gemini:", "//", "gemini.example.org", "[::1]", ":1965", "/", "..", ".", "?", "#", "@"),
        *("%", "%2e", "%2F", "%00", "%C3%A9", "%FF", "é", "[", "]", ":", "\\", " ", "a", "xn--"),
        *("\ud800", "bücher", "ß", "\u200d", "\u3002", "1" * 30, "0x7f.1"),
    ]
)
NEARLY_URLS = some.lists(PIECES, max_size=12).map(
    lambda pieces: "".join(pieces).encode(errors="surrogatepass")
)
LINES = (
    some.binary(max_size=1100)
    | NEARLY_URLS
    | NEARLY_URLS.map(lambda rest: b"gemini://gemini.example.org/" + rest)
)


@given(LINES)
@example(b"gemini://xn--/")
@example("gemini://\u3002/".encode())
@example(b"gemini://" + b"\xc3\xa9" * 400 + b"/")
def test_any_line_is_read_or_refused(line: bytes) -> None:
    try:
        found = target(line)
    except Refused as refused:
        found = refused.status  # type: ignore[assignment]
    if not isinstance(found, Target):
        assert found in (53, 59)
        return
    assert found.host in HOSTS
    assert found.path.startswith("/")
    assert found.path.isascii()
    assert not {".", ".."} & set(found.segments)


@given(LINES)
def test_what_was_read_is_read_again_the_same(line: bytes) -> None:
    try:
        found = target(line)
    except Refused:
        return
    request = Request(found.host, found.path, found.segments, found.query, None, "::1", NOW)
    host = f"[{found.host}]" if ":" in found.host else found.host
    again = f"gemini://{host}{request.url}"
    if len(again) <= 1024:  # what was sent in UTF-8 is longer when it is encoded
        assert target(again) == found


@given(some.text(some.characters(exclude_categories=("Cc", "Cs")), max_size=80))
def test_what_was_typed_comes_back_as_it_was_typed(typed: str) -> None:
    assert target(f"gemini://gemini.example.org/?{quote(typed, safe='')}").query == typed


# --- responses -----------------------------------------------------------------------------------


def test_a_page_tells_its_language_and_its_letters() -> None:
    assert bytes(page("# Été\n", "fr")) == (
        b"20 text/gemini; charset=utf-8; lang=fr\r\n# \xc3\x89t\xc3\xa9\n"
    )


@pytest.mark.parametrize(
    ("response", "line"),
    [
        (ask("Votre voix ?"), "10 Votre voix ?"),
        (ask("Code", secret=True), "11 Code"),
        (content(b"", "image/png"), "20 image/png"),
        (redirect("/a"), "30 /a"),
        (redirect("/a", for_good=True), "31 /a"),
        (failure(Status.TEMPORARY_FAILURE, "later"), "40 later"),
        (slow_down(3), "44 3"),
        (slow_down(0), "44 1"),
        (failure(Status.NOT_FOUND, "nothing"), "51 nothing"),
        (failure(Status.CERTIFICATE_REQUIRED, "show one"), "60 show one"),
    ],
)
def test_a_responses_line(response: Response, line: str) -> None:
    assert response.header() == f"{line}\r\n".encode()


def test_only_a_page_has_a_body() -> None:
    assert bytes(Response(Status.NOT_FOUND, "nothing", b"body")) == b"51 nothing\r\n"


@given(some.text(max_size=2000))
def test_a_responses_line_is_one_line_of_1024_bytes(words: str) -> None:
    line = failure(Status.NOT_FOUND, words).header()
    assert line.startswith(b"51 ")
    assert line.endswith(b"\r\n")
    assert len(line) <= 3 + 1024 + 2
    assert len(line.decode().splitlines()) == 1


# --- certificates --------------------------------------------------------------------------------


def asking(certificate: Certificate | None) -> Request:
    return Request("gemini.example.org", "/me", ("me",), None, certificate, "192.0.2.1", NOW)


def test_60_where_a_certificate_is_needed() -> None:
    told = without_certificate(asking(None))
    assert told is not None
    assert told[0] == 60


@pytest.mark.parametrize("days", [-10, 10])
def test_62_before_a_certificates_time_and_after(days: int) -> None:
    begins = NOW + timedelta(days=days)
    told = without_certificate(asking(Certificate("ab", "Ana", begins, begins + timedelta(days=1))))
    assert told is not None
    assert told[0] == 62


def test_a_certificate_whose_time_it_is_will_do() -> None:
    certificate = Certificate("ab", "Ana", NOW - timedelta(days=1), NOW + timedelta(days=1))
    assert without_certificate(asking(certificate)) is None


@pytest.mark.parametrize("name", ["", ".", "a b", "-a", "[::1", "a/b", "é" * 70])
def test_no_host_is_called(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (Python's own words, whatever they are)
        host_of(name)
