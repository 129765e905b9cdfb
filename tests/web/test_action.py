"""The page of an action: its votes, why it is in its state, and what each can do with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from toutdoux.actions import commands, models, reading
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.entries import Course, ImportedAction, ImportedVote
from toutdoux.core.history import AmendCharter, Choice, How, State
from toutdoux.core.presets import PRESETS
from toutdoux.ledger.models import Ledger
from toutdoux.web import limits
from toutdoux.web.models import Comment, Tag

from .conftest import PEOPLE, Living, found

ClientOf = Callable[[str], Client]


@pytest.fixture
def ref(loutres: Living) -> str:
    return loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")


def length(living: Living) -> int:
    return Ledger.objects.get(id=living.id).length


def text(response: object) -> str:
    """What a page says, without its marks."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())  # type: ignore[attr-defined]
    return " ".join(plain.replace("\u00a0", " ").split())


# --- what it shows -------------------------------------------------------------------------------


def test_it_says_what_it_is_who_leads_it_and_until_when_one_votes(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    page = text(client_of("bob").get(loutres.url(f"actions/{ref}")))
    assert "Ouvrir un service de podcasts" in page
    assert "Extraordinary action 1" in page
    assert "Ana Brun" in page
    assert "Votes are taken until" in page
    assert "days left, until" in page


def test_it_says_who_voted_what_and_who_has_not_yet(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    loutres.vote(ref, ana="for", chloe="against")
    page = text(client_of("bob").get(loutres.url(f"actions/{ref}")))
    assert "For (1) Ana Brun" in page
    assert "Against (1) Chloé Roy" in page
    assert "Not voted yet (2) Bob Petit Driss Lang" in page
    assert "1 for · 1 against · 0 neutral · 2 to come — 3 of 4 adopt it at once" in page


def test_it_explains_its_state(loutres: Living, client_of: ClientOf, ref: str) -> None:
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    page = text(client_of("bob").get(loutres.url(f"actions/{ref}")))
    assert "3 votes for, more than half of the 4 on the roll" in page
    assert "This is final." in page


def test_its_history_is_told_in_words(loutres: Living, client_of: ClientOf, ref: str) -> None:
    loutres.vote(ref, bob="abstain")
    page = text(client_of("ana").get(loutres.url(f"actions/{ref}")))
    assert "Ana Brun proposed it" in page
    assert "Bob Petit voted neutral" in page


def test_what_members_wrote_is_shown_and_never_run(loutres: Living, client_of: ClientOf) -> None:
    evil = "<script>alert(1)</script>"
    ref = commands.propose(
        loutres.request(),
        Kind.ORDINARY,
        evil,
        by=loutres.ids["ana"],
        link=f"https://a.example/{evil}",
        condition=evil,
    )
    client = client_of("bob")
    client.post(loutres.url(f"actions/{ref}/comments"), {"text": evil})
    client.post(loutres.url(f"actions/{ref}/tags"), {"word": evil})
    client.post(
        loutres.url(f"actions/{ref}/do"), {"deed": "counter_vote", "reason": evil, "key": "k"}
    )
    page = client.get(loutres.url(f"actions/{ref}")).content.decode()
    assert evil not in page
    assert page.count("&lt;script&gt;") >= 6


def test_there_is_no_page_of_an_action_of_others(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    others = found("Les Autres", "autres", {"zoe": "Zoé"})
    theirs = others.propose("ordinary", "À nous", "zoe")
    client = client_of("ana")
    assert client.get(loutres.url(f"actions/{theirs}")).status_code == 404
    assert client.get(others.url(f"actions/{theirs}")).status_code == 404
    assert client.post(others.url(f"actions/{theirs}/vote"), {"choice": "for"}).status_code == 404


def test_an_action_of_a_table_kept_by_hand_has_a_page(loutres: Living, client_of: ClientOf) -> None:
    from datetime import date

    from toutdoux.core.entries import ImportedAction

    commands.import_actions(
        loutres.request(),
        [
            ImportedAction(
                ref="AO9",
                kind=Kind.ORDINARY,
                number=9,
                object="Acheter des câbles",
                leader="Ana Brun",
                leader_id=loutres.ids["ana"],
                date=date(2020, 3, 1),
                for_=5,
                against=1,
                expressed=7,
                link=None,
            )
        ],
    )
    page = text(client_of("bob").get(loutres.url("actions/AO9")))
    assert "Acheter des câbles" in page
    assert "5/7" in page
    assert "kept by hand" in page


def test_an_action_from_the_chat_says_who_voted_and_what_came_of_it(
    loutres: Living, client_of: ClientOf
) -> None:
    at = datetime.now(UTC) - timedelta(days=20)
    votes = (
        ImportedVote(loutres.ids["ana"], Choice.FOR, at + timedelta(hours=1)),
        ImportedVote(loutres.ids["driss"], Choice.AGAINST, at + timedelta(hours=2)),
    )
    how = How.NO_COUNTER_VOTE
    course = Course(at, State.ADOPTED, how, at + timedelta(days=10), votes)
    one = ImportedAction(
        "AO9", Kind.ORDINARY, 9, "Un goûter", "zelda", None, at.date(), 1, 1, 2, course=course
    )
    commands.import_actions(loutres.request(), [one])
    page = text(client_of("bob").get(loutres.url("actions/AO9")))
    for told in ("Un goûter", "zelda", "Adopted", "Ana", "Driss", "Against", "in the chat"):
        assert told in page
    assert "kept by hand" not in page
    assert "Un goûter" in text(client_of("bob").get(loutres.url("actions?state=adopted")))


# --- the public ----------------------------------------------------------------------------------


def test_a_visitor_is_asked_to_sign_in(loutres: Living, ref: str) -> None:
    response = Client().get(loutres.url(f"actions/{ref}"))
    assert response.status_code == 302


def test_the_public_sees_no_names_of_voters_and_no_discussion(
    loutres: Living, client_of: ClientOf
) -> None:
    commands.change_settings(loutres.request(), {"public_actions": True})
    ref = loutres.propose("extraordinary", "Demander à @bob", "ana")
    loutres.vote(ref, chloe="against")
    client_of("bob").post(loutres.url(f"actions/{ref}/comments"), {"text": "entre nous"})
    page = text(Client(headers={"accept-language": "en"}).get(loutres.url(f"actions/{ref}")))
    assert "Demander à @…" in page
    assert "1 against" in page
    assert "Chloé" not in page
    assert "entre nous" not in page
    assert 'value="for"' not in page


# --- voting --------------------------------------------------------------------------------------


def test_a_vote_is_one_tap_and_can_be_changed_and_taken_back(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client, address = client_of("bob"), loutres.url(f"actions/{ref}/vote")
    page = client.post(address, {"choice": "for", "key": "a"}, follow=True)
    assert "Your vote on AE1 is noted: for" in text(page)
    assert 'class="for" aria-pressed="true"' in page.content.decode()
    page = client.post(address, {"choice": "abstain", "key": "b"}, follow=True)
    assert 'class="abstain" aria-pressed="true"' in page.content.decode()
    page = client.post(address, {"choice": "none", "key": "c"}, follow=True)
    assert "taken back" in text(page)
    assert 'aria-pressed="true"' not in page.content.decode()


def test_a_vote_sent_twice_is_recorded_once(loutres: Living, client_of: ClientOf, ref: str) -> None:
    client, address = client_of("bob"), loutres.url(f"actions/{ref}/vote")
    client.post(address, {"choice": "for", "key": "a"})
    before = length(loutres)
    assert client.post(address, {"choice": "for", "key": "a"}).status_code == 302
    assert length(loutres) == before


def test_a_page_that_was_left_open_can_still_change_the_vote(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client, address = client_of("bob"), loutres.url(f"actions/{ref}/vote")
    for choice in ("for", "against", "for"):
        client.post(address, {"choice": choice, "key": "the same"})
    whole = reading.whole(Ledger.objects.get(id=loutres.id), ref, datetime.now(UTC), "")
    assert whole is not None
    assert whole.action.ballot.votes[loutres.ids["bob"]] is Choice.FOR


@pytest.mark.parametrize("sent", [{"choice": "yes"}, {}, {"choice": "for", "ballot": "other"}])
def test_a_vote_that_is_none_is_refused(
    loutres: Living, client_of: ClientOf, ref: str, sent: dict[str, str]
) -> None:
    before = length(loutres)
    assert client_of("bob").post(loutres.url(f"actions/{ref}/vote"), sent).status_code == 400
    assert length(loutres) == before


def test_a_ballot_that_closed_meanwhile_says_so_on_its_page(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    commands.withdraw(loutres.request(), ref, by=loutres.ids["ana"])
    before = length(loutres)
    page = client_of("bob").post(loutres.url(f"actions/{ref}/vote"), {"choice": "for", "key": "k"})
    assert page.status_code == 409
    assert "The ballot of AE1 closed on" in text(page)
    assert "What you think of it can still be said in its discussion." in text(page)
    assert "tell when it was cast" not in text(page)
    assert "Ouvrir un service de podcasts" in text(page)
    assert length(loutres) == before


def test_from_today_one_comes_back_to_today(loutres: Living, client_of: ClientOf, ref: str) -> None:
    client, address = client_of("bob"), loutres.url(f"actions/{ref}/vote")
    there = client.post(address, {"choice": "for", "next": loutres.url()})
    assert there["Location"] == loutres.url()
    elsewhere = client.post(address, {"choice": "abstain", "next": "//evil.example/"})
    assert elsewhere["Location"] == loutres.url(f"actions/{ref}")


def test_whoever_is_against_is_thanked_and_asked_for_a_reason(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client = client_of("bob")
    address = loutres.url(f"actions/{ref}/vote")
    page = text(client.post(address, {"choice": "against", "key": "k"}, follow=True))
    assert "Thank you for saying so" in page
    assert "Would you talk about it with Ana Brun first?" in page
    assert "at least half of the 4 on the roll" in page
    assert "What makes you vote against?" in page


def test_somebody_off_the_roll_is_told_that_it_is_an_opinion(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    from toutdoux.web.models import Account, Seat

    eve = commands.add_member(loutres.request(), "Eve Noir", handle="eve")
    account = Account.objects.create_user("eve@example.org", "x", created=datetime.now(UTC))
    Seat.objects.create(account=account, member_id=eve, since=datetime.now(UTC))
    page = text(client_of("eve").get(loutres.url(f"actions/{ref}")))
    assert "does not count" in page


# --- its ballots ---------------------------------------------------------------------------------


def test_on_a_counter_vote_one_says_whether_to_cancel_it_or_keep_it(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    loutres.vote(ref, bob="for")
    commands.call_counter_vote(loutres.request(), ref, "Trop cher.", by=loutres.ids["chloe"])
    client, address = client_of("bob"), loutres.url(f"actions/{ref}")
    page = client.get(address).content.decode()
    ours, own = page.split('<details class="former"')[:2]
    assert "Cancel it</button>" in ours
    assert "Keep it</button>" in ours
    assert "Against</button>" not in ours
    assert "Your vote on the action (it no longer decides)" in own
    assert "For</button>" in own
    assert "0 to cancel it · 0 to keep it · 0 neutral · 4 to come" in page
    assert page.count("adopt it at once") == 0
    sent = {"choice": "for", "ballot": "counter_vote", "key": "k"}
    page = client.post(f"{address}/vote", sent, follow=True).content.decode()
    assert "Your vote on AE1 is noted: cancel it" in page
    assert "<strong>Cancel it (1)</strong>" in page
    assert "“Trop cher.”" in page
    assert "“Trop cher.”." not in page


def test_a_closed_vote_is_not_told_as_if_it_were_open(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    loutres.vote(ref, bob="for")
    commands.withdraw(loutres.request(), ref, by=loutres.ids["ana"])
    page = text(client_of("bob").get(loutres.url(f"actions/{ref}")))
    assert "1 for · 0 against · 0 neutral · 3 without a vote" in page
    assert "to come" not in page
    assert "adopt it at once" not in page


def test_where_votes_came_after_the_decision_its_own_figures_are_told(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    client, address = client_of("bob"), loutres.url(f"actions/{ref}")
    assert "when it was decided" not in text(client.get(address))
    loutres.vote(ref, chloe="against")
    page = text(client.get(address))
    assert "2 for · 1 against · 0 neutral · 1 to come — when it was decided: 3 for · 0" in page
    assert "It is adopted already: the vote stays open" in page


# --- what it is about ----------------------------------------------------------------------------


def test_a_change_of_the_rules_can_be_read_before_one_votes(
    loutres: Living, client_of: ClientOf
) -> None:
    rules = {**PRESETS["tout-doux-cratie"], "preset": "tout-doux-cratie", "correction": "1 hour"}
    ref = commands.propose(
        loutres.request(),
        Kind.EXTRAORDINARY,
        "Corriger plus longtemps",
        by=loutres.ids["ana"],
        effects=[AmendCharter(read_charter(rules))],
    )
    client, address = client_of("bob"), loutres.url(f"actions/{ref}")
    assert f'href="{address}#changes"' in client.get(loutres.url()).content.decode()
    for _ in range(2):
        page = client.get(address).content.decode()
        changes = page.partition('id="changes"')[2].partition("</section>")[0]
        assert "<del>An object may be corrected for 5 minutes" in changes
        assert "<ins>An object may be corrected for 1 hour" in changes
        assert page.index('id="changes"') < page.index('value="against"')
        assert "charter?version=1" in page
        # The same is told once it was adopted.
        loutres.vote(ref, ana="for", bob="for", chloe="for")
    commands.change_settings(loutres.request(), {"public_actions": True})
    public = Client(headers={"accept-language": "en"})
    assert "may be corrected for 1 hour" in public.get(address).content.decode()


def test_its_object_is_markdown(loutres: Living, client_of: ClientOf) -> None:
    written = "Ouvrir **un** service\n\n- de <b>podcasts</b>\n- [ici](javascript:x)"
    ref = loutres.propose("ordinary", written, "ana")
    page = client_of("bob").get(loutres.url(f"actions/{ref}")).content.decode()
    assert "<title>AO1 · Ouvrir un service" in page
    assert "<p>Ouvrir <strong>un</strong> service</p>" in page
    assert "<li>de &lt;b&gt;podcasts&lt;/b&gt;</li>" in page
    assert 'href="javascript' not in page


# --- doing ---------------------------------------------------------------------------------------

DEEDS = [
    ("bob", "counter_vote", {"reason": "Trop cher"}, "The counter-vote is called"),
    ("ana", "amend", {"object": "Deux services"}, "The object of AE1 is changed"),
    ("ana", "withdraw", {}, "AE1 is withdrawn"),
    ("ana", "hand_over", {"to": "bob"}, "AE1 is now led by Bob Petit"),
]


@pytest.mark.parametrize(("who", "deed", "sent", "said"), DEEDS)
def test_one_does_what_one_may(
    loutres: Living,
    client_of: ClientOf,
    ref: str,
    who: str,
    deed: str,
    sent: dict[str, str],
    said: str,
) -> None:
    client, address = client_of(who), loutres.url(f"actions/{ref}")
    before = client.get(address).content.decode()
    assert f'value="{deed}"' in before
    made_from = re.search(r'name="made_from" value="([^"]+)"', before)
    sent = {**sent, "deed": deed, "key": "k", "made_from": made_from[1] if made_from else ""}
    assert said in text(client.post(f"{address}/do", sent, follow=True))


def test_only_its_leader_is_offered_what_only_the_leader_may(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    page = client_of("bob").get(loutres.url(f"actions/{ref}")).content.decode()
    for deed in ("amend", "withdraw", "hand_over", "follow_up"):
        assert f'name="deed" value="{deed}"' not in page


def test_the_server_decides_whatever_was_offered(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    before = length(loutres)
    client = client_of("bob")
    page = client.post(loutres.url(f"actions/{ref}/do"), {"deed": "withdraw", "key": "k"})
    assert page.status_code == 409
    assert "only its leader can do this" in text(page).casefold()
    assert client.post(loutres.url(f"actions/{ref}/do"), {"deed": "rule"}).status_code == 400
    assert length(loutres) == before


def test_what_was_typed_is_kept_when_it_is_refused(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    loutres.vote(ref, ana="for", bob="for", chloe="for")  # adopted
    page = client_of("bob").post(
        loutres.url(f"actions/{ref}/do"), {"deed": "counter_vote", "reason": "Hélas", "key": "k"}
    )
    assert page.status_code == 409
    assert "already decided" in text(page)


def test_a_leader_says_where_it_stands(loutres: Living, client_of: ClientOf, ref: str) -> None:
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    sent = {
        "deed": "follow_up",
        "follow_up": "done",
        "note": "C'est fait",
        "links": "https://a.example/1\nhttps://a.example/2",
        "key": "k",
    }
    page = client_of("ana").post(loutres.url(f"actions/{ref}/do"), sent, follow=True)
    assert "AE1 is now: done" in text(page)
    assert "https://a.example/2" in page.content.decode()


def test_a_condition_is_recorded_as_met(loutres: Living, client_of: ClientOf) -> None:
    ref = commands.propose(
        loutres.request(),
        Kind.ORDINARY,
        "Acheter",
        by=loutres.ids["ana"],
        condition="la subvention",
    )
    sent = {"deed": "condition", "note": "reçue", "key": "k"}
    page = text(client_of("bob").post(loutres.url(f"actions/{ref}/do"), sent, follow=True))
    assert "met on" in page


def test_two_who_amend_at_once_both_see_both_texts(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client, address = client_of("ana"), loutres.url(f"actions/{ref}")
    found = re.search(r'name="made_from" value="([^"]+)"', client.get(address).content.decode())
    assert found
    commands.amend(loutres.request(), ref, "Le premier texte", by=loutres.ids["ana"])
    before = length(loutres)
    sent = {"deed": "amend", "object": "Le second texte", "made_from": found[1], "key": "k"}
    page = client.post(f"{address}/do", sent)
    assert page.status_code == 409
    assert "Le premier texte" in text(page)
    assert "Le second texte" in text(page)
    assert length(loutres) == before


def test_an_amendment_sent_twice_is_recorded_once(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client, address = client_of("ana"), loutres.url(f"actions/{ref}")
    found = re.search(r'name="made_from" value="([^"]+)"', client.get(address).content.decode())
    assert found
    sent = {"deed": "amend", "object": "Autre", "made_from": found[1], "key": "k"}
    assert client.post(f"{address}/do", sent).status_code == 302
    before = length(loutres)
    assert client.post(f"{address}/do", sent).status_code == 302
    assert length(loutres) == before


# --- the discussion and tags ---------------------------------------------------------------------


def test_a_comment_is_markdown_and_there_once(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    client, address = client_of("bob"), loutres.url(f"actions/{ref}/comments")
    for _ in range(2):
        client.post(address, {"text": "**Oui**, voir https://a.example/x", "key": "k"})
    page = client.get(loutres.url(f"actions/{ref}")).content.decode()
    assert page.count("<strong>Oui</strong>") == 1
    assert 'href="https://a.example/x"' in page
    assert Comment.objects.count() == 1


@pytest.mark.parametrize(("sent", "why"), [("", "empty"), ("x" * 20_001, "20000 characters")])
def test_a_comment_that_cannot_be_kept_is_refused_beside_its_field(
    loutres: Living, client_of: ClientOf, ref: str, sent: str, why: str
) -> None:
    page = client_of("bob").post(loutres.url(f"actions/{ref}/comments"), {"text": sent})
    assert page.status_code == 422
    assert why in text(page)
    assert not Comment.objects.exists()


def test_one_changes_and_takes_back_only_ones_own(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    bob, ana = client_of("bob"), client_of("ana")
    bob.post(loutres.url(f"actions/{ref}/comments"), {"text": "Un", "key": "k"})
    one = Comment.objects.get()
    address = loutres.url(f"actions/{ref}/comments/{one.pk}")
    assert address in bob.get(loutres.url(f"actions/{ref}")).content.decode()
    assert address not in ana.get(loutres.url(f"actions/{ref}")).content.decode()
    page = bob.get(address)
    assert page.status_code == 200
    assert f'href="{loutres.url(f"actions/{ref}")}#c{one.pk}"' in page.content.decode()
    assert ana.post(address, {"text": "Deux", "do": "save"}).status_code == 404
    assert "Deux" in text(bob.post(address, {"text": "Deux", "do": "save"}, follow=True))
    assert "taken back" in text(bob.post(address, {"do": "take back"}, follow=True))
    assert Comment.objects.get().text == ""


def test_anyone_adds_and_takes_away_tags(loutres: Living, client_of: ClientOf, ref: str) -> None:
    address = loutres.url(f"actions/{ref}/tags")
    client_of("bob").post(address, {"word": " #matériel  neuf "})
    client_of("bob").post(address, {"word": "matériel neuf"})
    assert [one.word for one in Tag.objects.all()] == ["matériel neuf"]
    client_of("ana").post(address, {"remove": "matériel neuf"})
    assert not Tag.objects.exists()
    assert client_of("ana").post(address, {"word": "x" * 41}).status_code == 422


def test_the_same_form_with_another_text_is_another_comment(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    other = loutres.propose("ordinary", "Autre chose", "ana")
    for who, where, said in (
        ("bob", ref, "Un"),
        ("bob", ref, "Deux"),
        ("bob", other, "Deux"),
        ("ana", ref, "Deux"),
        ("bob", ref, "Deux"),
    ):
        client_of(who).post(loutres.url(f"actions/{where}/comments"), {"text": said, "key": "k"})
    told = [(one.member.handle, one.action, one.text) for one in Comment.objects.order_by("id")]
    assert told == [
        ("bob", ref, "Un"),
        ("bob", ref, "Deux"),
        ("bob", other, "Deux"),
        ("ana", ref, "Deux"),
    ]


def test_an_action_s_page_shows_the_last_comments_and_leads_to_all_of_them(
    loutres: Living, client_of: ClientOf, ref: str
) -> None:
    at = datetime.now(UTC) - timedelta(hours=5)
    for n in range(130):
        Comment.objects.create(
            association_id=loutres.id,
            action=ref,
            member_id=loutres.ids["bob"],
            text=f"Dit {n}.",
            at=at + timedelta(minutes=n),
            key=f"{n}",
        )
    bob = client_of("bob")
    page = bob.get(loutres.url(f"actions/{ref}?everyone=1")).content.decode()
    assert page.count('class="comment"') == 60
    assert "Dit 70." in page
    assert "Dit 69." not in page
    address = loutres.url(f"actions/{ref}/discussion")
    assert f'<a href="{address}">Read the 70 earlier comments</a>' in page
    found = []
    with CaptureQueriesContext(connection) as queries:
        for n in (1, 2, 3):
            found += re.findall(r"Dit \d+\.", bob.get(f"{address}?page={n}").content.decode())
    assert found == [f"Dit {n}." for n in range(130)]
    assert len(queries) <= 3 * 12
    # A change of an early one is noticed, and leads back to where it is.
    first = Comment.objects.get(text="Dit 3.")
    change = loutres.url(f"actions/{ref}/comments/{first.pk}")
    assert change in bob.get(address).content.decode()
    assert change not in client_of("ana").get(address).content.decode()
    assert f'href="{address}?page=1#c{first.pk}"' in bob.get(change).content.decode()
    answer = bob.post(change, {"text": "Redit.", "do": "save"}, follow=True)
    assert "Redit." in text(answer)
    assert answer.redirect_chain[0][0].startswith(f"{address}?")


def test_the_discussion_is_for_members(loutres: Living, client_of: ClientOf, ref: str) -> None:
    commands.change_settings(loutres.request(), {"public_actions": True})
    assert Client().get(loutres.url(f"actions/{ref}/discussion")).status_code == 302
    assert client_of("bob").get(loutres.url("actions/AE99/discussion")).status_code == 404
    for page in ("0", "9", "x"):
        answer = client_of("bob").get(loutres.url(f"actions/{ref}/discussion?page={page}"))
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["actions/{ref}", ""])
def test_a_vote_is_for_the_object_that_was_read(
    loutres: Living, client_of: ClientOf, ref: str, path: str
) -> None:
    bob = client_of("bob")
    page = bob.get(loutres.url(path.format(ref=ref))).content.decode()
    (read,) = set(re.findall(r'name="wording" value="(\w+)"', page))
    commands.amend(loutres.request(), ref, "Une voiture à 20 000 euros", by=loutres.ids["ana"])
    told = {"choice": "for", "wording": read}
    answer = bob.post(loutres.url(f"actions/{ref}/vote"), told)
    assert answer.status_code == 409
    assert "was changed while you were reading it" in answer.content.decode()
    assert "Une voiture à 20 000 euros" in answer.content.decode()
    assert not models.Vote.objects.exists()
    (now,) = set(re.findall(r'name="wording" value="(\w+)"', answer.content.decode()))
    bob.post(loutres.url(f"actions/{ref}/vote"), {**told, "wording": now})
    assert models.Vote.objects.count() == 1


@pytest.mark.parametrize(
    ("handle", "told"),
    [
        ("ana", {"deed": "amend", "object": "Un <autre> texte", "made_from": "x"}),
        ("bob", {"deed": "counter_vote", "reason": "Un <autre> texte"}),
        ("bob", {"deed": "follow_up", "follow_up": "done", "note": "Un <autre> texte"}),
    ],
)
def test_what_one_wrote_is_there_when_it_can_be_done_no_more(
    loutres: Living, client_of: ClientOf, ref: str, handle: str, told: dict[str, str]
) -> None:
    page = client_of(handle).get(loutres.url(f"actions/{ref}")).content.decode()
    commands.withdraw(loutres.request(), ref, by=loutres.ids["ana"])
    if made_from := re.search(r'name="made_from" value="([^"]+)"', page):
        told = {**told, "made_from": made_from[1]} if "made_from" in told else told
    answer = client_of(handle).post(loutres.url(f"actions/{ref}/do"), told)
    assert answer.status_code == 409
    assert '<pre class="wraps">Un &lt;autre&gt; texte</pre>' in answer.content.decode()


def test_nobody_writes_faster_than_people_do(
    loutres: Living, client_of: ClientOf, ref: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "A_MINUTE", 2)
    bob = client_of("bob")
    for path, field, table in (("comments", "text", Comment), ("tags", "word", Tag)):
        address = loutres.url(f"actions/{ref}/{path}")
        answers = [bob.post(address, {field: f"mot {n}", "key": str(n)}) for n in range(5)]
        # The third, unless a minute begins in between: then one of the others.
        late = next(n for n, answer in enumerate(answers) if answer.status_code == 429)
        assert "wait a minute" in text(answers[late]).lower()
        assert f"mot {late}" in answers[late].content.decode()
        assert table.objects.count() in (2, 3, 4)
        assert client_of("ana").post(address, {field: "autre"}).status_code == 302


# --- how much it costs ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many() -> dict[str, str]:
    return {**PEOPLE, **{f"m{n}": f"Membre {n}" for n in range(196)}}


def test_it_takes_twelve_queries_with_200_members_and_50_votes(
    home: object, client_of: ClientOf, many: dict[str, str]
) -> None:
    born = datetime.now(UTC) - timedelta(days=700)
    living = found("Les Nombreux", "nombreux", PEOPLE)
    request = commands.Request(association=living.id, now=born, via="cli")
    for handle in list(many)[4:]:
        living.ids[handle] = commands.add_member(request, many[handle], handle=handle, founder=True)
    ref = living.propose("extraordinary", "Grandir", "ana")
    living.vote(ref, **dict.fromkeys(list(many)[10:60], "for"))
    client = client_of("bob")
    client.post(living.url(f"actions/{ref}/comments"), {"text": "Oui", "key": "k"})
    client.post(living.url(f"actions/{ref}/tags"), {"word": "croissance"})
    for at_most in (12, 6):  # made, then kept
        with CaptureQueriesContext(connection) as queries:
            page = client.get(living.url(f"actions/{ref}"))
        assert page.status_code == 200
        assert len(queries) <= at_most, [one["sql"][:90] for one in queries]
    assert "Not voted yet (150)" in text(page)
    assert text(page).count("Membre 1") > 20
    assert "Show all 150" in text(page)
    assert "Membre 195" in text(client.get(living.url(f"actions/{ref}?everyone=1")))
