"""Accounts, threads and hashtags as gemtext, of what a real server said and of what none would."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.capsule.fediverse.instance import NOW, RECORDED, Reply, StandIn
from toutdoux.capsule.fediverse import mastodon
from toutdoux.capsule.fediverse.cache import Cache
from toutdoux.capsule.fediverse.fetching import Fetcher
from toutdoux.capsule.fediverse.instances import allowed
from toutdoux.capsule.fediverse.pages import answer, in_order
from toutdoux.capsule.gemtext import LineKind, parse
from toutdoux.capsule.protocol import Request, Response, Status
from toutdoux.language import Language

ENGLISH = Language("en", ZoneInfo("Europe/Paris"))
ID = "01M81W0KB8B3BB9WSCPSQ80SQZ"


class Reader:
    """Somebody who reads `instance` through the capsule."""

    def __init__(self, instance: StandIn, folder: Path, **told: Any) -> None:
        self.name = instance.name
        told = {"accounts": [f"loutres@{instance.name}"], **told}
        self.fetcher = instance.fetcher(folder, **told)
        self.now = NOW
        self.language = ENGLISH

    def get(self, *parts: str, query: str | None = None) -> Response:
        told = [part.replace("HERE", self.name) for part in parts]
        request = Request(
            "x.example", "/fediverse/" + "/".join(told), ("fediverse", *told), query, None,
            "192.0.2.1", self.now,
        )  # fmt: skip
        return answer(request, told, self.fetcher, self.language)

    def read(self, *parts: str) -> str:
        """A page, which is gemtext to the letter."""
        told = self.get(*parts)
        assert told.status is Status.SUCCESS, told.meta
        page = told.body.decode()
        for line in parse(page):
            if line.kind is LineKind.LINK:
                here = line.url == "/" or line.url.startswith("/fediverse")
                assert here or line.url.startswith(("http://", "https://")), line.url
        return page.replace(self.name, "HERE")


@pytest.fixture
def reader(instance: StandIn, tmp_path: Path) -> Reader:
    return Reader(instance, tmp_path)


@pytest.fixture
def recorded(instance: StandIn, tmp_path: Path) -> Reader:
    """Of what a real GoToSocial said, as if it had said it here."""
    instance.play()
    return Reader(instance, tmp_path)


# --- posts made up for a test --------------------------------------------------------------------


def author(name: str = "ana", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "username": name.partition("@")[0],
        "acct": name,
        "display_name": name.partition("@")[0].capitalize(),
        "url": f"https://social.example/@{name}",
        "note": "<p>Hello</p>",
        **more,
    }


def post(id: str, content: str = "<p>Hello</p>", **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "created_at": "2026-11-30T12:00:00.000Z",
        "visibility": "public",
        "content": content,
        "account": author(),
        "url": f"https://social.example/@ana/{id}",
        "spoiler_text": "",
        "sensitive": False,
        **more,
    }


def show(instance: StandIn, one: dict[str, Any], *, before: Any = (), after: Any = ()) -> None:
    """Have an instance show a post and its thread."""
    instance.replies[f"/api/v1/statuses/{one['id']}"] = Reply(one)
    instance.replies[f"/api/v1/statuses/{one['id']}/context"] = Reply(
        {"ancestors": list(before), "descendants": list(after)}
    )


# --- a real server -------------------------------------------------------------------------------


def test_an_account_with_its_newest_posts(recorded: Reader) -> None:
    page = recorded.read("loutres@HERE")
    assert page.startswith(
        "# Les Loutres libres\n\n@loutres@HERE\n\n"
        "Association fictive. https://loutres.example/ #libre\n"
        "=> https://loutres.example/\n"
        "=> /fediverse/tag/HERE/libre #libre\n\n"
        "31 posts, 0 followers, follows 0\n"
        "Since 22 November 2026\n"
        "=> http://HERE/@loutres The original at HERE\n"
        "=> /fediverse Other accounts\n"
        "\n## 22 November 2026 at 15:54\n\n"
        "=> /fediverse/castor@HERE Boosts castor (@castor@HERE), 22 November 2026 at 15:54\n\n"
        "À partager\n\n"
        "=> /fediverse/post/HERE/01M81W0KW2VHX1ZN98MG9SXF5K The thread: 1 boost\n"
        "=> http://HERE/@castor/statuses/01M81W0KW2VHX1ZN98MG9SXF5K The original at HERE\n"
    )
    assert page.count("\n## ") == 20


def test_older_pages_as_far_as_there_are_any(recorded: Reader) -> None:
    page, seen = recorded.read("loutres@HERE"), []
    while True:
        seen += [line for line in page.split("\n") if "The thread" in line]
        *_, last = page.rstrip().split("\n")
        if "Older posts" not in last:
            break
        found = recorded.get(*last.split()[1].removeprefix("/fediverse/").split("/"))
        if found.status is not Status.SUCCESS:
            break  # here the recording ends
        page = found.body.decode().replace(recorded.name, "HERE")
        assert "Back to the newest posts" in page
    assert len(seen) == len(set(seen)) == 51


def test_a_content_warning_hides_the_text_until_it_is_asked_for(
    recorded: Reader, instance: StandIn
) -> None:
    page = recorded.read("loutres@HERE", "before", "01M81W0KK8N493YXDQAG2J9NWV")
    assert "Content warning: Attention : test\n=> /fediverse/post/HERE/" in page
    assert "Texte derrière" not in page
    behind = next(one for one in RECORDED["statuses_page_3"]["body"] if one["spoiler_text"])
    show(instance, behind)
    assert "Texte derrière" not in recorded.read("post", "HERE", behind["id"])
    assert (
        "Content warning: Attention : test\n\nTexte derrière un avertissement.\n"
        " * pas un titre\n # ni un titre\n => ni un lien\n ``` ni du code\n"
    ) in recorded.read("post", "HERE", behind["id"], "shown")


def test_polls_and_files(recorded: Reader) -> None:
    page = recorded.read("loutres@HERE", "before", "01M81W0KK8N493YXDQAG2J9NWV")
    assert (
        "Poll:\n* Pour: 0 votes\n* Contre: 0 votes\n* Neutre: 0 votes\n"
        "Ended 23 November 2026 at 15:54\n"
    ) in page
    assert "01M81W0KCEYKZCMQ70PRH1KNKK.png Image: Une loutre orange\n" in page


def test_a_thread_with_what_came_before(recorded: Reader) -> None:
    page = recorded.read("post", "HERE", ID)
    titles = [line for line in page.split("\n") if line.startswith("#")]
    when = "22 November 2026 at 15:54"
    assert titles == [
        "# Thread: Les Loutres libres",
        f"## Les Loutres libres (@loutres@HERE) begins, {when}",
        f"## castor (@castor@HERE) answers, {when}",
        f"## This post: Les Loutres libres (@loutres@HERE), {when}",
    ]
    assert "@castor Libre, hors ND.\n=> /fediverse/castor@HERE @castor@HERE\n" in page


def test_a_hashtag_nobody_used(recorded: Reader) -> None:
    page = recorded.read("tag", "HERE", "action")
    assert page == "# #action as HERE knows it\n\nThere is nothing to show here.\n"


def test_who_is_not_there_is_not_found(recorded: Reader) -> None:
    assert recorded.get("personne@HERE").status is Status.NOT_FOUND


def test_an_instance_that_wants_a_token_says_so(instance: StandIn, reader: Reader) -> None:
    told = RECORDED["no_token"]
    instance.replies["/api/v1/accounts/lookup"] = Reply(told["body"], told["status"])
    found = reader.get("loutres@HERE")
    assert found.status is Status.PROXY_ERROR
    assert "token" in found.meta


# --- threads -------------------------------------------------------------------------------------


def test_answers_with_their_depth_in_words(instance: StandIn, reader: Reader) -> None:
    def reply(id: str, to: str, name: str, minute: int) -> dict[str, Any]:
        at = f"2026-11-30T12:{minute:02}:00Z"
        return post(id, id, in_reply_to_id=to, account=author(name), created_at=at)

    after = [
        reply("e", "1", "eva", 9), reply("b", "1", "bob", 1), reply("d", "c", "dan@far.example", 8),
        reply("c", "b", "cy", 2),
    ]  # fmt: skip
    show(instance, post("1"), after=after)
    page = reader.read("post", "HERE", "1")
    assert [line for line in page.split("\n") if line.startswith("##")] == [
        "## Ana (@ana@HERE), 30 November 2026 at 13:00",
        "## Answer of Bob (@bob@HERE), 30 November 2026 at 13:01",
        "## Answer of level 2, of Cy (@cy@HERE) to Bob, 30 November 2026 at 13:02",
        "## Answer of level 3, of Dan (@dan@far.example) to Cy, 30 November 2026 at 13:08",
        "## Answer of Eva (@eva@HERE), 30 November 2026 at 13:09",
    ]


def test_a_thread_that_bites_its_tail_is_told_whole_and_once() -> None:
    posts = [
        mastodon.post(post(id, in_reply_to_id=to))
        for id, to in [("1", "2"), ("2", "1"), ("3", "9"), ("4", "5"), ("5", "4"), ("6", "6")]
    ]
    root, *after = [one for one in posts if one]
    assert [(one.id, depth) for one, depth, _ in in_order(root, [*after, root, *after])] == [
        ("2", 1), ("3", 1), ("6", 1), ("4", 1), ("5", 2),
    ]  # fmt: skip


def test_a_post_can_be_read_when_its_thread_cannot(instance: StandIn, reader: Reader) -> None:
    show(instance, post("1"))
    instance.replies["/api/v1/statuses/1/context"] = Reply({}, 500)
    page = reader.read("post", "HERE", "1")
    assert "Hello" in page
    assert "The rest of the thread cannot be read now: HERE has trouble" in page


def test_a_very_long_thread_is_cut(instance: StandIn, reader: Reader) -> None:
    show(instance, post("1"), after=[post(str(n), in_reply_to_id="1") for n in range(2, 500)])
    page = reader.read("post", "HERE", "1")
    assert page.endswith("298 more answers are at the original.\n")


# --- what is not for everybody -------------------------------------------------------------------


@pytest.mark.parametrize("visibility", ["private", "direct", "local", "", None, "nobody-knows"])
def test_what_only_the_token_may_see_is_not_shown(
    instance: StandIn, tmp_path: Path, visibility: str | None
) -> None:
    reader = Reader(instance, tmp_path, tokens={instance.name: "secret"})
    hidden = post("2", "<p>Secret</p>", visibility=visibility)
    show(instance, post("1"), before=[hidden], after=[hidden | {"in_reply_to_id": "1"}])
    show(instance, hidden)
    instance.replies["/api/v1/timelines/tag/x"] = Reply([hidden, post("3", reblog=hidden)])
    assert "Secret" not in reader.read("post", "HERE", "1")
    assert "There is nothing" in reader.read("tag", "HERE", "x")
    assert reader.get("post", "HERE", "2").status is Status.NOT_FOUND


def test_sensitive_files_are_shown_to_those_who_ask(instance: StandIn, reader: Reader) -> None:
    image = {"type": "image", "url": "https://a.example/x.png", "description": "A wound"}
    show(instance, post("1", sensitive=True, media_attachments=[image]))
    page = reader.read("post", "HERE", "1")
    assert "A wound" not in page
    assert "Hello" in page
    assert "=> /fediverse/post/HERE/1/shown Show 1 file that its author calls sensitive" in page
    assert "Image: A wound" in reader.read("post", "HERE", "1", "shown")


# --- parts of posts ------------------------------------------------------------------------------


def test_a_boost_has_its_author_and_the_posts_words(instance: StandIn, reader: Reader) -> None:
    boosted = post("2", "<p>Read this</p>", account=author("bob@far.example"))
    instance.replies["/api/v1/timelines/tag/x"] = Reply([post("1", "", reblog=boosted)])
    assert reader.read("tag", "HERE", "x") == (
        "# #x as HERE knows it\n\n## Ana (@ana@HERE), 30 November 2026 at 13:00\n\n"
        "=> https://social.example/@bob@far.example Boosts Bob (@bob@far.example),"
        " 30 November 2026 at 13:00\n\nRead this\n\n"
        "=> /fediverse/post/HERE/2 The thread\n"
        "=> https://social.example/@ana/2 The original at social.example\n"
        "\n=> /fediverse/tag/HERE/x/before/1 Older posts\n"
    )


@pytest.mark.parametrize(
    ("poll", "told"),
    [
        (
            {"options": [{"title": "Yes", "votes_count": 3}, {"title": "No", "votes_count": 1}],
             "votes_count": 4, "expires_at": "2026-12-24T12:00:00Z"},
            "Poll:\n* Yes: 3 votes (75%)\n* No: 1 vote (25%)\nOpen until 24 December 2026 at 13:00",
        ),
        (
            {"options": [{"title": "Yes", "votes_count": 3}, {"title": "# No", "votes_count": 1}],
             "votes_count": 4, "voters_count": 3, "multiple": True, "expired": True,
             "expires_at": "2026-11-24T12:00:00Z"},
            "Poll, several answers allowed:\n* Yes: 3 votes (100%)\n* # No: 1 vote (33%)\nEnded",
        ),
        (
            {"options": [{"title": "Yes", "votes_count": None}, {"title": "", "votes_count": -1}]},
            "Poll:\n* Yes\n* …\n",
        ),
    ],
)  # fmt: skip
def test_a_poll_and_its_counts(
    instance: StandIn, reader: Reader, poll: dict[str, Any], told: str
) -> None:
    show(instance, post("1", poll=poll))
    assert told in reader.read("post", "HERE", "1")


def test_files_are_links_with_their_descriptions(instance: StandIn, reader: Reader) -> None:
    media = [
        {"type": "image", "url": "https://a.example/a b.png", "description": "=> An\notter"},
        {"type": "video", "url": None, "remote_url": "https://far.example/b.mp4"},
        {"type": "gifv", "url": "https://a.example/c.mp4", "description": "It waves"},
        {"type": "audio", "url": "https://a.example/d.ogg", "description": ""},
        {"type": "unknown", "url": "https://a.example/e"},
        {"type": "image", "url": "javascript:alert(1)"},
        {"type": "image"},
    ]
    show(instance, post("1", media_attachments=media))
    assert (
        "=> https://a.example/a%20b.png Image: => An otter\n"
        "=> https://far.example/b.mp4 Film without a description\n"
        "=> https://a.example/c.mp4 Animation: It waves\n"
        "=> https://a.example/d.ogg Sound without a description\n"
        "=> https://a.example/e File without a description\n\n"
    ) in reader.read("post", "HERE", "1")


def test_mentions_and_hashtags_are_read_here_where_that_is_allowed(
    instance: StandIn, reader: Reader
) -> None:
    content = (
        '<p><a href="https://x.example/@bob" class="u-url mention">@<span>bob</span></a> and '
        '<a href="https://far.example/@eva" class="mention">@<span>eva</span></a> on '
        '<a href="https://x.example/tags/%C3%A9t%C3%A9" class="mention hashtag">#<span>été</span>'
        "</a></p>"
    )
    mentions = [
        {"acct": "bob", "url": "https://x.example/@bob"},
        {"acct": "eva@far.example", "url": "https://far.example/@eva"},
    ]
    show(instance, post("1", content, mentions=mentions))
    assert (
        "@bob and @eva on #été\n"
        "=> /fediverse/bob@HERE @bob@HERE\n"
        "=> https://far.example/@eva @eva@far.example\n"
        "=> /fediverse/tag/HERE/%C3%A9t%C3%A9 #été\n"
    ) in reader.read("post", "HERE", "1")


def test_custom_emoji_are_told_by_name(instance: StandIn, reader: Reader) -> None:
    emoji = [{"shortcode": "otter", "url": "https://a.example/otter.png"}]
    named = author(display_name="Ana :otter:", emojis=emoji)
    show(instance, post("1", "<p>Look :otter:</p>", emojis=emoji, account=named))
    page = reader.read("post", "HERE", "1")
    assert "## Ana :otter: (@ana@HERE)" in page
    assert "Look :otter:" in page


def test_a_quoted_post_is_a_quote(instance: StandIn, reader: Reader) -> None:
    quoted = post("2", "<p># One<br>two</p>", account=author("bob"))
    show(instance, post("1", quote={"state": "accepted", "quoted_status": quoted}))
    assert (
        "It quotes Bob (@bob@HERE), 30 November 2026 at 13:00:\n> # One\n> two\n"
        "=> /fediverse/post/HERE/2 The quoted post\n"
    ) in reader.read("post", "HERE", "1")
    show(instance, post("3", quote={"state": "revoked", "quoted_status": quoted}))
    assert "It quotes" not in reader.read("post", "HERE", "3")


def test_the_page_a_post_links_to_has_its_title_once(instance: StandIn, reader: Reader) -> None:
    card = {"url": "https://a.example/", "title": "A page"}
    show(instance, post("1", card=card))
    show(instance, post("2", '<p>x <a href="https://a.example/">y</a></p>', card=card))
    assert "=> https://a.example/ A page\n" in reader.read("post", "HERE", "1")
    assert "A page" not in reader.read("post", "HERE", "2")


def test_a_profile_tells_what_it_says_of_itself(instance: StandIn, reader: Reader) -> None:
    fields = [
        {"name": "Site", "value": '<a href="https://a.example/">a.example</a>'},
        {"name": "# Pronouns", "value": "they<br>them"},
        {"name": None, "value": 3},
    ]
    moved = author("ana@far.example")
    told = author("loutres", fields=fields, bot=True, moved=moved, statuses_count=-1)
    instance.replies["/api/v1/accounts/lookup"] = Reply(told)
    instance.replies["/api/v1/accounts/loutres/statuses"] = Reply([])
    page = reader.read("loutres@HERE")
    assert "A program writes here." in page
    assert "=> https://a.example/ Site: a.example\n* # Pronouns: they them\n" in page
    assert (
        "=> https://social.example/@ana@far.example This account moved to @ana@far.example" in page
    )


# --- what can't be read now ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "age"),
    [
        (timedelta(minutes=1, seconds=10), "1 minute"),
        (timedelta(minutes=119), "119 minutes"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(days=6, hours=3), "6 days"),
    ],
)
def test_a_page_that_is_old_says_how_old_and_why(
    instance: StandIn, reader: Reader, after: timedelta, age: str
) -> None:
    show(instance, post("1"))
    reader.read("post", "HERE", "1")
    instance.replies.clear()
    instance.replies["/api/v1/statuses/1"] = Reply(b"<p>Maintenance", 502, type="text/html")
    instance.replies["/api/v1/statuses/1/context"] = Reply(b"<p>Maintenance", type="text/html")
    reader.now += after
    assert reader.read("post", "HERE", "1").startswith(
        "# Thread: Ana\n\nHERE has trouble at the moment (it answers 502)."
        f" This is what it said {age} ago.\n\n## Ana"
    )


def test_an_instance_that_is_down_is_a_proxy_error(tmp_path: Path) -> None:
    instance = StandIn()
    reader = Reader(instance, tmp_path)
    instance.stop()
    told = reader.get("loutres@HERE")
    assert told.status is Status.PROXY_ERROR
    assert told.meta == f"{instance.name} does not answer."


# --- where one may go ----------------------------------------------------------------------------


def test_the_first_page_leads_to_our_accounts(reader: Reader, instance: StandIn) -> None:
    page = reader.read()
    assert "=> /fediverse/loutres@HERE @loutres@HERE\n" in page
    assert "=> /fediverse/address Type an address or a hashtag\n" in page
    assert instance.asked == []


def test_where_nothing_is_allowed_nothing_is_offered(tmp_path: Path) -> None:
    fetcher = Fetcher(allowed({}), Cache(tmp_path / "c"), "Test")
    request = Request("x.example", "/fediverse", ("fediverse",), None, None, "192.0.2.1", NOW)
    page = answer(request, (), fetcher, ENGLISH).body.decode()
    assert "No instance can be read here so far." in page
    assert "address" not in page


def test_what_is_typed_leads_to_its_page(reader: Reader) -> None:
    assert reader.get("address").status is Status.INPUT

    def leads(typed: str) -> str:
        told = reader.get("address", query=typed.replace("HERE", reader.name))
        assert told.status is Status.REDIRECT, told.meta
        return told.meta.replace(reader.name, "HERE")

    for typed in (
        "@ana@HERE",
        "ana@HERE",
        " ana@HERE ",
        "http://HERE/@ana",
        "http://HERE/users/ana",
    ):
        assert leads(typed) == "/fediverse/ana@HERE"
    for typed in (
        "http://HERE/@ana/12", "http://HERE/@ana/statuses/12", "http://HERE/users/ana/statuses/12",
        "http://HERE/notice/12",
    ):  # fmt: skip
        assert leads(typed) == "/fediverse/post/HERE/12"
    for typed in ("#été", "#été@HERE", "http://HERE/tags/%C3%A9t%C3%A9", "http://HERE/tag/été"):
        assert leads(typed) == "/fediverse/tag/HERE/%C3%A9t%C3%A9"


@pytest.mark.parametrize(
    "typed", ["x", "#", "# x", "@", "a@b@c", "http://HERE/about", "ana@", "#a/b"]
)
def test_what_is_typed_wrongly_is_asked_for_again(reader: Reader, typed: str) -> None:
    told = reader.get("address", query=typed.replace("HERE", reader.name))
    assert told.status is Status.INPUT
    assert told.meta.startswith("This is no address of the fediverse.")


@pytest.mark.parametrize(
    ("parts", "query"),
    [
        (("ana@other.example",), None),
        (("ana@localhost",), None),
        (("ana@127.0.0.1",), None),
        (("post", "other.example", "1"), None),
        (("tag", "169.254.169.254", "x"), None),
        (("address",), "ana@other.example"),
        (("address",), "https://other.example/@ana"),
        (("address",), "http://user@HERE/@ana"),
        (("address",), "http://[::1]:80/@ana"),
        (("address",), "http://[/@ana"),
        (("address",), "#x@other.example"),
    ],
)
def test_no_other_instance_is_read(
    reader: Reader, instance: StandIn, parts: tuple[str, ...], query: str | None
) -> None:
    told = reader.get(*parts, query=query and query.replace("HERE", reader.name))
    assert told.status is Status.PROXY_REQUEST_REFUSED
    assert instance.asked == []


@pytest.mark.parametrize(
    "parts",
    [
        ("x",), ("@",), ("a@b c",), ("post",), ("post", "HERE"), ("post", "HERE", "../x"),
        ("post", "HERE", "1", "x"), ("post", "HERE", "?"), ("post", "HERE", "1" * 65),
        ("tag", "HERE"), ("tag", "HERE", "a/b"), ("tag", "HERE", "x", "before", "1&limit=9"),
        ("ana@HERE", "before", ""), ("ana@HERE", "after", "1"), ("ana@HERE", "before", "1", "x"),
        ("ana@HERE:99999",), ("../..@HERE",), ("ana@" + "x" * 300,),
    ],
)  # fmt: skip
def test_there_is_no_other_page(reader: Reader, instance: StandIn, parts: tuple[str, ...]) -> None:
    assert reader.get(*parts).status in {Status.NOT_FOUND, Status.PROXY_REQUEST_REFUSED}
    assert instance.asked == []


def test_it_is_said_in_french(instance: StandIn, reader: Reader) -> None:
    reader.language = Language("fr", ZoneInfo("Europe/Paris"))
    show(instance, post("1"))
    assert "30 novembre 2026 à 13 h" in reader.read("post", "HERE", "1")
    assert reader.get("post", "HERE", "1").meta.endswith("lang=fr")


# --- answers that nobody would give --------------------------------------------------------------

_odd: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**62), 2**62), st.floats(allow_nan=False),
        st.text(max_size=20), st.sampled_from(["", "public", "<p>", "2026-13-99", "9999-12-31",
            "https://[", "../x"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(sorted(post("1"))), inner)
    ),
    max_leaves=6,
)  # fmt: skip
_FIELDS = sorted(
    {*post("1"), "poll", "media_attachments", "mentions", "tags", "emojis", "reblog", "quote",
     "card", "edited_at", "in_reply_to_id", "replies_count", "uri"}
)  # fmt: skip


@pytest.fixture(scope="module")
def shared() -> Any:
    server = StandIn()
    yield server
    server.stop()


@settings(suppress_health_check=list(HealthCheck), max_examples=40)
@given(st.dictionaries(st.sampled_from(_FIELDS), _odd), _odd, st.booleans())
def test_an_answer_of_any_shape_is_a_page_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory,
    shared: StandIn,
    odd: dict[str, Any],
    context: Any,
    deep: bool,
) -> None:
    told = post("1", account=odd) if deep else post("1") | odd
    folder = tmp_path_factory.mktemp("odd")
    reader = Reader(shared, folder)
    for one in (told, odd, context):
        shared.replies["/api/v1/statuses/1"] = Reply(one)
        shared.replies["/api/v1/statuses/1/context"] = Reply(context)
        shared.replies["/api/v1/timelines/tag/x"] = Reply([one, context, told])
        shared.replies["/api/v1/accounts/lookup"] = Reply(one)
        for parts in (("post", "HERE", "1"), ("post", "HERE", "1", "shown"), ("tag", "HERE", "x"),
                      ("ana@HERE",)):  # fmt: skip
            found = reader.get(*parts)
            assert found.status in {Status.SUCCESS, Status.NOT_FOUND, Status.PROXY_ERROR}
            parse(found.body.decode())
        reader.now += timedelta(hours=1)


def test_every_field_may_be_missing(instance: StandIn, reader: Reader) -> None:
    whole = copy.deepcopy(RECORDED["statuses_page_3"]["body"])
    for one in whole:
        for key in one:
            left = {name: value for name, value in one.items() if name != key}
            show(instance, left | {"id": "1"})
            assert reader.get("post", "HERE", "1").status in {Status.SUCCESS, Status.NOT_FOUND}
            reader.now += timedelta(minutes=2)


def test_instants_at_both_ends_of_the_calendar_are_no_instants() -> None:
    for told in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "", "x", 3, None):
        assert mastodon._instant(told) is None
    assert mastodon._instant("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
