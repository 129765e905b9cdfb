"""Proposing: the kinds with their rules, what it would look like, and drafts."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from toutdoux.actions import commands, models
from toutdoux.ledger.models import Ledger
from toutdoux.web.models import Draft, Tag

from .conftest import Living

ClientOf = Callable[[str], Client]

SENT = {"kind": "extraordinary", "object": "Ouvrir un service", "leader": "ana", "key": "k"}


def text(response: object) -> str:
    """What a page says, without its marks."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())  # type: ignore[attr-defined]
    return " ".join(plain.replace("\u00a0", " ").split())


def length(living: Living) -> int:
    return Ledger.objects.get(id=living.id).length


def test_the_kinds_come_with_the_rules_of_the_charter_in_force(
    loutres: Living, client_of: ClientOf
) -> None:
    page = text(client_of("bob").get(loutres.url("propose")))
    assert "It may start when it is proposed" in page
    assert "Its vote is open for 7 days" in page
    assert "For example:" in page


def test_the_kinds_are_told_apart_in_a_sentence_made_of_the_rules(
    loutres: Living, client_of: ClientOf
) -> None:
    page = text(client_of("bob").get(loutres.url("propose")))
    assert "It starts at once: informing is enough." in page
    assert "more than half of the roll, or after 7 days when nobody is against" in page


def test_hashtags_of_the_object_become_tags(loutres: Living, client_of: ClientOf) -> None:
    sent = {**SENT, "object": "#Podcasts à tester, voir #12 et x.org/#non #podcasts #action-extra"}
    sent["object"] += "ordinaire #machine_media"
    client = client_of("bob")
    assert 'class="tag">machine_media<' in (
        client.post(loutres.url("propose"), {**sent, "do": "preview"}).content.decode()
    )
    assert not Tag.objects.exists()
    client.post(loutres.url("propose"), {**sent, "do": "send"})
    words = Tag.objects.filter(association=loutres.id, action="AE1").values_list("word", flat=True)
    assert set(words) == {"Podcasts", "machine_media"}


def test_one_sees_what_it_will_look_like_and_its_dates_before_it_is_sent(
    loutres: Living, client_of: ClientOf
) -> None:
    before = length(loutres)
    page = text(client_of("bob").post(loutres.url("propose"), {**SENT, "do": "preview"}))
    assert "The vote opens now and closes on" in page
    assert "3 of the 4 on the roll adopt it at once" in page
    assert "If nobody is against by then, it is adopted on" in page
    assert length(loutres) == before
    assert not models.Action.objects.exists()


def test_it_is_proposed_once_however_often_it_is_sent(loutres: Living, client_of: ClientOf) -> None:
    client = client_of("bob")
    for _ in range(2):
        page = client.post(loutres.url("propose"), {**SENT, "do": "send"}, follow=True)
    assert "AE1 is proposed" in text(page)
    one = models.Action.objects.get()
    assert (one.proposer, one.leader) == (loutres.ids["bob"], loutres.ids["ana"])


def test_it_may_give_somebody_the_right_to_vote(loutres: Living, client_of: ClientOf) -> None:
    commands.add_member(loutres.request(), "Eve Noir", handle="eve")
    client = client_of("bob")
    page = client.get(loutres.url("propose")).content.decode()
    grants = page[page.index('name="grant"') :]
    assert 'value="eve"' in grants
    assert 'value="chloe"' not in grants
    sent = {**SENT, "grant": "eve", "do": "send"}
    page = client.post(loutres.url("propose"), sent, follow=True)
    assert "Its adoption gives Eve Noir the right to vote." in text(page)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "royal"}, "Choose one of the two"),
        ({"object": "  "}, "The object is empty"),
        ({"object": "x" * 20_001}, "over 20000 characters"),
        ({"leader": "zorro"}, "Nobody here is called “zorro”"),
        ({"link": "javascript:alert(1)"}, "javascript:alert(1)"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_the_rest_is_kept(
    loutres: Living, client_of: ClientOf, wrong: dict[str, str], said: str
) -> None:
    before = length(loutres)
    sent = {**SENT, "condition": "la subvention", **wrong, "do": "send"}
    page = client_of("bob").post(loutres.url("propose"), sent)
    assert page.status_code == 422
    assert said.casefold() in text(page).casefold()
    assert "la subvention" in page.content.decode()
    assert 'aria-invalid="true"' in page.content.decode() or "kind" in wrong
    assert length(loutres) == before


def test_ten_megabytes_are_refused_with_a_sentence(loutres: Living, client_of: ClientOf) -> None:
    before = length(loutres)
    page = client_of("bob").post(
        loutres.url("propose"), {**SENT, "object": "x" * 10_000_000, "do": "send"}
    )
    assert page.status_code in (400, 413)
    assert "too long" in text(page)
    assert length(loutres) == before


def test_a_draft_is_kept_restored_and_let_go_once_sent(
    loutres: Living, client_of: ClientOf
) -> None:
    client = client_of("bob")
    typed = {**SENT, "object": "Un début"}
    assert client.post(loutres.url("propose/draft"), typed).status_code == 204
    page = client.get(loutres.url("propose"))
    assert "Un début" in page.content.decode()
    assert "the draft you left here" in text(page)
    assert "Un début" not in client_of("ana").get(loutres.url("propose")).content.decode()
    client.post(loutres.url("propose"), {**typed, "do": "send"})
    assert not Draft.objects.exists()


def test_a_draft_can_be_let_go(loutres: Living, client_of: ClientOf) -> None:
    client = client_of("bob")
    client.post(loutres.url("propose/draft"), SENT)
    client.post(loutres.url("propose/draft"), {"do": "discard"})
    assert not Draft.objects.exists()


def test_what_is_typed_is_shown_and_never_run(loutres: Living, client_of: ClientOf) -> None:
    evil = "<script>alert(1)</script>"
    sent = {"kind": evil, "object": evil, "leader": evil, "link": evil, "condition": evil}
    client = client_of("bob")
    assert evil not in client.post(loutres.url("propose"), sent).content.decode()
    sent |= {"kind": "ordinary", "leader": "bob", "link": f"https://a.example/{evil}"}
    sent |= {"do": "preview"}
    assert evil not in client.post(loutres.url("propose"), sent).content.decode()


def test_a_visitor_does_not_propose(loutres: Living) -> None:
    assert Client().get(loutres.url("propose")).status_code == 302
    assert Client().post(loutres.url("propose"), {**SENT, "do": "send"}).status_code == 302
    assert not models.Action.objects.exists()
