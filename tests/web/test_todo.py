"""The board of things to do: who moves what, and what has lost its leader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.test import Client

from toutdoux.actions import commands, reading
from toutdoux.core.charter import Kind
from toutdoux.core.history import FollowUp, GrantVotingRight

from .conftest import Living, found

Signed = Callable[[str], Client]


def adopted(loutres: Living, text: str, by: str = "ana") -> str:
    ref = loutres.propose("extraordinary", text, by)
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    return ref


def where(loutres: Living, ref: str) -> FollowUp | None:
    standing = reading.standing(loutres.id, datetime.now(UTC), "(erased)", only=[ref])
    return standing.actions[ref].follow_up


def board(client: Client, loutres: Living, query: str = "") -> str:
    client.cookies["lang"] = "en"
    answer = client.get(loutres.url(f"todo{query}"))
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_what_is_adopted_comes_to_the_board(loutres: Living, client_of: Signed) -> None:
    adopted(loutres, "Planter un pommier")
    loutres.propose("extraordinary", "Planter un cerisier", "ana")
    page = board(client_of("bob"), loutres)
    assert "pommier" in page
    assert "cerisier" not in page


def test_what_took_effect_with_its_adoption_says_so(loutres: Living, client_of: Signed) -> None:
    eve = commands.add_member(loutres.request(), "Eve Noir", handle="eve")
    ref = commands.propose(
        loutres.request(),
        Kind.EXTRAORDINARY,
        "Donner le droit de vote à Eve",
        by=loutres.ids["ana"],
        effects=[GrantVotingRight(eve)],
    )
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    adopted(loutres, "Planter un pommier")
    assert board(client_of("bob"), loutres).count("Its effect took place on") == 1


def test_an_ordinary_action_that_started_is_there_with_its_state(
    loutres: Living, client_of: Signed
) -> None:
    loutres.propose("ordinary", "Planter un pommier", "ana")
    page = board(client_of("bob"), loutres)
    assert "pommier" in page
    assert 'class="state open"' in page


def test_an_action_that_waits_for_its_condition_is_not_yet_to_do(
    loutres: Living, client_of: Signed
) -> None:
    ref = commands.propose(
        loutres.request(),
        Kind.ORDINARY,
        "Planter un pommier",
        by=loutres.ids["ana"],
        condition="S’il pleut",
    )
    assert "pommier" not in board(client_of("bob"), loutres)
    commands.meet_condition(loutres.request(), ref, by=loutres.ids["ana"])
    assert "pommier" in board(client_of("bob"), loutres)


def test_its_leader_moves_it_with_a_note(loutres: Living, client_of: Signed) -> None:
    ref = adopted(loutres, "Planter un pommier")
    ana = client_of("ana")
    assert f"todo/{ref}" in board(ana, loutres)
    answer = ana.post(
        loutres.url(f"todo/{ref}"),
        {
            "follow_up": "done",
            "note": "Planté dimanche.",
            "key": "k1",
            "links": "https://example.org/a",
        },
    )
    assert answer.status_code == 302
    assert where(loutres, ref) is FollowUp.DONE
    assert "Planté dimanche." in board(ana, loutres)


def test_a_move_sent_twice_is_made_once(loutres: Living, client_of: Signed) -> None:
    ref = adopted(loutres, "Planter un pommier")
    ana = client_of("ana")
    for _ in range(2):
        ana.post(loutres.url(f"todo/{ref}"), {"follow_up": "doing", "note": "", "key": "k1"})
    entries = reading.entries_about(loutres.id, ref, "")
    assert len([one for one in entries if "follow_up" in one["data"]]) == 1


def test_nobody_else_moves_it(loutres: Living, client_of: Signed) -> None:
    ref = adopted(loutres, "Planter un pommier", by="bob")
    ana = client_of("ana")
    assert f"todo/{ref}" not in board(ana, loutres)
    answer = ana.post(
        loutres.url(f"todo/{ref}"), {"follow_up": "done", "note": "Vite fait", "key": "k1"}
    )
    assert answer.status_code == 409
    assert 'role="alert"' in answer.content.decode()
    assert "Vite fait" in answer.content.decode()
    assert where(loutres, ref) is FollowUp.TO_DO


def test_what_makes_no_sense_is_refused_beside_what_was_typed(
    loutres: Living, client_of: Signed
) -> None:
    ref = adopted(loutres, "Planter un pommier")
    ana = client_of("ana")
    for sent in ({"follow_up": "lost"}, {}, {"follow_up": "done", "links": "pas-un-lien"}):
        answer = ana.post(loutres.url(f"todo/{ref}"), {**sent, "note": "Bientôt", "key": "k"})
        assert answer.status_code == 409
        assert "Bientôt" in answer.content.decode()
    assert where(loutres, ref) is FollowUp.TO_DO
    assert ana.post(loutres.url("todo/AE99"), {"follow_up": "done"}).status_code == 404
    assert ana.get(loutres.url("todo/AE99")).status_code == 404


def test_a_rule_in_force_is_listed_apart(loutres: Living, client_of: Signed) -> None:
    ref = adopted(loutres, "Publier la clé après chaque rotation")
    commands.follow_up(loutres.request(), ref, FollowUp.STANDING, by=loutres.ids["ana"])
    page = board(client_of("bob"), loutres)
    assert page.index('id="part-standing"') < page.index("Publier la clé")
    assert "Publier la clé" in board(client_of("bob"), loutres, "?show=standing")
    assert "Publier la clé" not in board(client_of("bob"), loutres, "?show=done")


def test_what_has_lost_its_leader_comes_first_and_anyone_takes_it_on(
    loutres: Living, client_of: Signed
) -> None:
    adopted(loutres, "Planter un cerisier")
    ref = adopted(loutres, "Planter un pommier", by="driss")
    commands.end_membership(loutres.request(), loutres.ids["driss"])
    bob = client_of("bob")
    page = board(bob, loutres)
    assert page.index("pommier") < page.index("cerisier")
    assert page.count("Planter un pommier") == 1
    assert bob.post(loutres.url(f"todo/{ref}/take"), {"key": "k1"}).status_code == 302
    standing = reading.standing(loutres.id, datetime.now(UTC), "", only=[ref])
    assert standing.actions[ref].leader == loutres.ids["bob"]
    assert f"todo/{ref}/take" not in board(bob, loutres)


def test_what_has_a_leader_is_not_taken_on(loutres: Living, client_of: Signed) -> None:
    ref = adopted(loutres, "Planter un pommier", by="ana")
    assert client_of("bob").post(loutres.url(f"todo/{ref}/take"), {"key": "k"}).status_code == 409
    standing = reading.standing(loutres.id, datetime.now(UTC), "", only=[ref])
    assert standing.actions[ref].leader == loutres.ids["ana"]


def test_what_is_done_is_shown_lately_then_all(loutres: Living, client_of: Signed) -> None:
    for number in range(7):
        ref = adopted(loutres, f"Planter le pommier {number}.")
        commands.follow_up(loutres.request(), ref, FollowUp.DONE, by=loutres.ids["ana"])
    bob = client_of("bob")
    page = board(bob, loutres)
    assert "pommier 6." in page
    assert "pommier 0." not in page
    assert "pommier 0." in board(bob, loutres, "?show=done")
    assert bob.get(loutres.url("todo?show=lost")).status_code == 404


def test_the_board_is_for_members(loutres: Living, client_of: Signed) -> None:
    commands.change_settings(loutres.request(), {"public_actions": True, "public_inventory": True})
    ref = adopted(loutres, "Planter un pommier")
    other = found("Les Castors", "castors", {"eva": "Eva Noir"})
    assert other
    for path in ("todo", f"todo/{ref}"):
        assert Client().get(loutres.url(path)).status_code == 302
        assert client_of("eva").get(loutres.url(path)).status_code == 404
    for client, status in ((Client(), 302), (client_of("eva"), 404)):
        for path in (f"todo/{ref}", f"todo/{ref}/take"):
            assert client.post(loutres.url(path), {"follow_up": "done"}).status_code == status
    assert where(loutres, ref) is FollowUp.TO_DO
