"""What a program may change, and how it is told what it may not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from tests.web.conftest import Living, found
from toutdoux.actions import commands
from toutdoux.actions.models import Action
from toutdoux.api import door
from toutdoux.core.charter import Kind
from toutdoux.ledger.models import Ledger
from toutdoux.web import limits
from toutdoux.web.models import Comment, Token

from .conftest import Program, problem, program_of

Api = Callable[..., Program]
NEW = {"kind": "extraordinary", "object": "Ouvrir un service de podcasts"}
DEEP = b'{"a":' * 500 + b"1" + b"}" * 500


def length(living: Living) -> int:
    return Ledger.objects.get(id=living.id).length


# --- who asks ------------------------------------------------------------------------------------


def test_without_a_token_nothing_is_told(loutres: Living) -> None:
    answer = Program("nobody").ask("GET", "/association")
    assert answer["WWW-Authenticate"] == "Bearer"
    problem(answer, 401)


def test_a_token_that_only_reads_changes_nothing(loutres: Living, api: Api) -> None:
    before, bob = length(loutres), api("bob", writes=False)
    problem(bob.ask("POST", "/actions", NEW), 403)
    assert bob.get("/me")["writes"] is False
    assert length(loutres) == before


def test_the_token_of_somebody_who_left_is_worth_nothing(loutres: Living, api: Api) -> None:
    bob = api("bob")
    bob.post("/members/bob/leave", {})
    problem(bob.ask("GET", "/me"), 401)


def test_the_token_is_noted_as_used_once_a_minute(api: Api, loutres: Living) -> None:
    bob = api("bob")
    bob.get("/me")
    first = Token.objects.get().used
    bob.get("/me")
    assert Token.objects.get().used == first
    assert first is not None


def test_somebody_signed_in_reads_and_writes_only_from_our_pages(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    bob: Any = client_of("bob")
    strict: Any = Client(enforce_csrf_checks=True)
    strict.cookies = bob.cookies
    assert strict.get("/api/v1/me").json()["handle"] == "bob"
    answer = strict.post("/api/v1/actions", NEW, content_type="application/json")
    problem(answer, 403)
    assert not Action.objects.exists()


def test_too_many_requests_have_to_wait(
    loutres: Living, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MANY", 2)
    bob, ana = api("bob"), api("ana")
    bob.get("/ledger")
    bob.get("/ledger")
    answer = bob.ask("GET", "/ledger")
    problem(answer, 429)
    assert 0 < int(answer["Retry-After"]) <= 60
    ana.get("/ledger")


# --- what members do -----------------------------------------------------------------------------


def test_an_action_goes_from_proposal_to_done(loutres: Living, api: Api) -> None:
    ana, others = api("ana"), [api(handle) for handle in ("bob", "chloe", "driss")]
    ref = ana.post("/actions", NEW)["ref"]
    for one in others:
        told = one.put(f"/actions/{ref}/vote", {"choice": "for"})
    assert (told["state"], told["how"], told["follow_up"]) == ("adopted", "majority", "to_do")
    told = ana.post(
        f"/actions/{ref}/follow-up",
        {"follow_up": "done", "note": "En ligne", "links": ["https://podcasts.example.org"]},
    )
    assert (told["follow_up"], told["note"]) == ("done", "En ligne")
    assert ana.post(f"/actions/{ref}/hand-over", {"to": "bob"})["leader"] == "bob"


def test_a_counter_vote_is_called_and_voted_on(loutres: Living, api: Api) -> None:
    ref = loutres.propose("ordinary", "Nettoyer la berge", "ana")
    bob = api("bob")
    bob.post(f"/actions/{ref}/counter-vote", {"reason": "Les oiseaux nichent"})
    vote = {"choice": "for", "ballot": "counter_vote"}
    bob.put(f"/actions/{ref}/vote", vote)
    assert api("chloe").put(f"/actions/{ref}/vote", vote)["how"] == "counter_vote"


def test_a_vote_is_taken_back(loutres: Living, api: Api) -> None:
    ref, bob = loutres.propose("ordinary", "Nettoyer la berge", "ana"), api("bob")
    bob.put(f"/actions/{ref}/vote", {"choice": "against"})
    told = bob.ask("DELETE", f"/actions/{ref}/vote")
    assert told.json()["against"] == 0  # type: ignore[attr-defined]


def test_nobody_votes_for_somebody_else(loutres: Living, api: Api) -> None:
    ref, ana = loutres.propose("ordinary", "Nettoyer la berge", "bob"), api("ana")
    problem(ana.ask("PUT", f"/actions/{ref}/vote", {"choice": "for", "by": "bob"}), 422)
    assert [one["member"] for one in ana.get(f"/actions/{ref}")["votes"]] == []


def test_what_the_rules_refuse_is_a_conflict_with_a_remedy(loutres: Living, api: Api) -> None:
    ref = loutres.propose("ordinary", "Nettoyer la berge", "ana")
    told = problem(api("bob").ask("POST", f"/actions/{ref}/withdraw"), 409)
    assert told["type"] == "/api/docs#refused"
    assert loutres.ids["ana"] not in str(told)


def test_the_rules_change_by_an_action(loutres: Living, api: Api) -> None:
    rules = {"preset": "tout-doux-cratie", "extraordinary": {"window": "14 days"}}
    ana = api("ana")
    ref = ana.post("/actions", {**NEW, "effects": [{"amend_charter": rules}]})["ref"]
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    told = ana.get("/charter")
    assert told["by_action"] == ref
    assert told["changes"] == [{"rule": "extraordinary.window", "from": "7 days", "to": "14 days"}]


def test_rules_that_make_no_sense_are_told_where(api: Api) -> None:
    effects = [{"amend_charter": {"preset": "tout-doux-cratie", "ordinary": {"window": "soon"}}}]
    told = problem(api("ana").ask("POST", "/actions", {**NEW, "effects": effects}), 422)
    assert told["errors"][0]["field"] == "effects.0.amend_charter.ordinary.window"


def test_a_vote_on_another_wording_is_refused(loutres: Living, api: Api) -> None:
    told = api("ana").post("/actions", NEW)
    path, bob = f"/actions/{told['ref']}", api("bob")
    api("ana").patch(path, {"object": "Une voiture"})
    choice, read = {"choice": "for"}, f'"{told["version"]}"'
    problem(bob.ask("PUT", f"{path}/vote", choice, if_match=read), 412)
    assert bob.get(path)["votes"] == []
    now = f'"{bob.get(path)["version"]}"'
    assert bob.put(f"{path}/vote", choice, if_match=now)["for"] == 1


def test_a_field_has_the_name_that_the_request_gives_it(api: Api) -> None:
    told = problem(api("ana").ask("POST", "/actions", {"kind": "big"}), 422)
    assert {one["field"] for one in told["errors"]} == {"kind", "object"}


def test_a_key_that_was_said_is_told_as_it_was_sent(loutres: Living, api: Api) -> None:
    ana = api("ana")
    ref = ana.post("/actions", NEW, idempotency_key="k-1")["ref"]
    for path, sent in (
        ("/actions", {**NEW, "object": "Autre"}),
        (f"/actions/{ref}/comments", {"text": "a"}),
    ):
        told = problem(ana.ask("POST", path, sent, idempotency_key="k-1"), 409)
        assert "the key “k-1” was said before" in told["detail"].lower()
    assert not Comment.objects.exists()


def test_comments_are_their_authors_own(loutres: Living, api: Api) -> None:
    path = f"/actions/{loutres.propose('ordinary', 'Nettoyer la berge', 'ana')}/comments"
    bob, chloe = api("bob"), api("chloe")
    id = bob.post(path, {"text": "Bonne idée"})["id"]
    problem(chloe.ask("PATCH", f"{path}/{id}", {"text": "Mauvaise idée"}), 404)
    problem(chloe.ask("DELETE", f"{path}/{id}"), 404)
    assert bob.patch(f"{path}/{id}", {"text": "Très bonne idée"})["changed"]
    bob.ask("DELETE", f"{path}/{id}")
    assert [one["text"] for one in chloe.get(path)["items"]] == [""]


def test_one_chooses_what_one_is_told(api: Api) -> None:
    bob = api("bob")
    assert bob.patch("/me/notices", {"decision": "never"})["decision"] == "never"
    assert bob.get("/me/notices")["new_action"] == "now"


# --- what référent·es do -------------------------------------------------------------------------

_FOR_STEWARDS = [
    ("PATCH", "/association", {"name": "Les Castors"}),
    ("PATCH", "/association/settings", {"public_charter": True}),
    ("POST", "/members", {"name": "Zoé Petit"}),
    ("PATCH", "/members/chloe", {"name": "Chloé Petit"}),
    ("POST", "/members/chloe/leave", {}),
    ("POST", "/members/chloe/return", {}),
    ("POST", "/members/chloe/roles", {"role": "trésorière"}),
    ("POST", "/members/chloe/invitation", {}),
    ("POST", "/members/import", {"csv": "Nom\nZoé Petit\n"}),
    ("POST", "/members/chloe/account/close", None),
    ("PUT", "/periods/P26", {"first": "2026-01-01", "last": "2026-07-18"}),
    ("DELETE", "/periods/P26", None),
    ("POST", "/journal", {"kind": "event", "title": "La fête", "date": "2026-03-01"}),
    ("PUT", "/journal/J1", {"kind": "event", "title": "La fête", "date": "2026-03-01"}),
    ("DELETE", "/journal/J1", None),
    ("PUT", "/reports/P26/words", {"words": {"title": "Notre semestre"}}),
    ("POST", "/reports/P26/publish", {}),
]


@pytest.mark.parametrize(("method", "path", "said"), _FOR_STEWARDS)
def test_what_is_for_stewards_is_refused_to_others(
    loutres: Living, api: Api, method: str, path: str, said: object
) -> None:
    before = length(loutres)
    told = problem(api("bob").ask(method, path, said), 403)
    assert "référent·es" in told["detail"]
    assert length(loutres) == before


def test_stewards_look_after_members(api: Api) -> None:
    ana = api("ana")
    told = ana.post("/members", {"name": "Zoé Petit", "joined": "2026-01-10"})
    assert (told["handle"], told["since"]) == ("zoe", "2026-01-09T23:00:00Z")
    told = ana.post("/members/zoe/roles", {"role": "trésorière", "first": "2026-02-01"})
    role = told["roles"][0]["id"]
    told = ana.post(f"/members/zoe/roles/{role}/end", {"on": "2026-03-01"})
    assert told["roles"][0]["last"] == "2026-03-01"
    assert ana.post("/members/zoe/leave", {})["member"] is False
    assert "zoe" not in [one["handle"] for one in ana.get("/members")["items"]]
    assert "zoe" in [one["handle"] for one in ana.get("/members?former=true")["items"]]


def test_stewards_invite_those_without_an_account_and_close_accounts(
    loutres: Living, api: Api
) -> None:
    ana = api("ana")
    ana.post("/members", {"name": "Zoé Petit"})
    told = ana.post("/members/zoe/invitation", {})
    assert "/join/" in told["link"]
    assert told["mailed"] is False
    assert problem(ana.ask("POST", "/members/zoe/invitation", {"email": "zoe"}), 422)
    told = problem(ana.ask("POST", "/members/chloe/invitation", {}), 409)
    assert "has an account" in told["detail"]
    assert ana.post("/members/chloe/account/close")["member"] is True
    assert "/join/" in ana.post("/members/chloe/invitation", {})["link"]
    problem(ana.ask("POST", "/members/ana/account/close"), 409)


def test_members_are_taken_from_an_export(loutres: Living, api: Api) -> None:
    ana, before = api("ana"), length(loutres)
    told = {"csv": "Nom;Arrivée\nZoé Petit;01/03/2026\n", "dry_run": True}
    change = {"what": "joins", "member": "zoe", "name": "Zoé Petit", "day": "2026-03-01"}
    assert ana.post("/members/import", told)["changes"] == [change]
    assert length(loutres) == before
    assert ana.post("/members/import", told | {"dry_run": False})["changes"] == [change]
    assert ana.post("/members/import", told)["changes"] == []
    wrong = problem(ana.ask("POST", "/members/import", {"csv": "Nom;Arrivée\nMax;hier\n"}), 422)
    assert wrong["errors"][0]["field"] == "csv"
    assert "2" in wrong["errors"][0]["detail"]
    problem(ana.ask("POST", "/members/import", {"csv": "rien"}), 422)


def test_a_member_takes_their_data_away_and_has_a_calendar_of_their_own(api: Api) -> None:
    bob = api("bob")
    assert bob.get("/me/data")["profile"]["handle"] == "bob"
    before = bob.get("/me/calendar")["address"]
    assert bob.post("/me/calendar")["address"] != before
    assert bob.get("/me/calendar")["address"] != before


def test_what_was_published_is_there_as_it_was(loutres: Living, api: Api) -> None:
    ana = api("ana")
    ana.put("/periods/P26", {"first": "2026-01-01", "last": "2026-07-18"})
    files = ana.post("/reports/P26/publish", {})["published"]
    for one in files:
        answer = ana.ask("GET", f"/reports/P26/published/{one['sha256']}")
        assert sha256(answer.content).hexdigest() == one["sha256"]
    problem(ana.ask("GET", f"/reports/P26/published/{'0' * 64}"), 404)


def test_the_last_steward_cannot_leave(api: Api) -> None:
    problem(api("ana").ask("POST", "/members/ana/leave", {}), 409)


def test_the_journal_is_told_changed_and_taken_back(loutres: Living, api: Api) -> None:
    ana = api("ana")
    ana.put("/periods/P26", {"first": "2026-01-01", "last": "2026-07-18"})
    entry = {"kind": "service_opened", "title": "Un pad", "date": "2026-03-01"}
    assert ana.post("/journal", entry)["id"] == "J1"
    assert ana.get("/audit?period=P26")[0]["needs"] == "extraordinary"
    told = ana.put("/journal/J1", {**entry, "title": "Un bloc-notes", "partners": ["La Ruche"]})
    assert told["partners"] == ["La Ruche"]
    assert [one["title"] for one in api("bob").get("/journal?period=P26")["items"]] == [
        "Un bloc-notes"
    ]
    assert ana.ask("DELETE", "/journal/J1").status_code == 204
    problem(ana.ask("GET", "/journal/J1"), 404)


def test_a_report_is_worded_and_published_once(loutres: Living, api: Api) -> None:
    ana = api("ana")
    ana.put("/periods/P26", {"first": "2026-01-01", "last": "2026-07-18"})
    words = {"title": "Notre semestre", "sections": {"introduction": {"text": "Un beau semestre."}}}
    assert ana.put("/reports/P26/words", {"words": words})["title"] == "Notre semestre"
    told = ana.post("/reports/P26/publish", {}, idempotency_key="once")
    assert {one["format"] for one in told["published"]} == {"pdf", "html", "md", "gmi"}
    again = ana.post("/reports/P26/publish", {}, idempotency_key="once")
    assert again["published"] == told["published"]


# --- said twice, and by two at once --------------------------------------------------------------


def test_what_is_said_twice_with_one_key_happens_once(loutres: Living, api: Api) -> None:
    bob = api("bob")
    first = bob.post("/actions", NEW, idempotency_key="a1")
    assert bob.post("/actions", NEW, idempotency_key="a1") == first
    assert Action.objects.count() == 1
    problem(bob.ask("POST", "/actions", {**NEW, "object": "Autre"}, idempotency_key="a1"), 409)
    assert api("chloe").post("/actions", NEW, idempotency_key="a1")["ref"] == "AE2"


def test_a_comment_said_twice_is_there_once(loutres: Living, api: Api) -> None:
    path = f"/actions/{loutres.propose('ordinary', 'Nettoyer la berge', 'ana')}/comments"
    bob = api("bob")
    told = {bob.post(path, {"text": "Oui"}, idempotency_key="c1")["id"] for _ in range(2)}
    assert len(told) == Comment.objects.count() == 1
    problem(bob.ask("POST", path, {"text": "Non"}, idempotency_key="c1"), 409)


def test_who_comments_faster_than_anybody_reads_has_to_wait(
    loutres: Living, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "A_MINUTE", 2)
    ref = loutres.propose("ordinary", "Nettoyer la berge", "ana")
    bob, path = api("bob"), f"/actions/{ref}/comments"
    answers = [bob.ask("POST", path, {"text": f"mot {n}"}) for n in range(5)]
    # The third, unless a minute begins in between: then one of the others.
    late = next(answer for answer in answers if answer.status_code == 429)
    problem(late, 429)
    assert late["Retry-After"] == "60"
    assert 2 <= Comment.objects.count() <= 4  # four, should a minute have just begun


def test_of_two_who_amend_at_once_the_second_is_told(loutres: Living, api: Api) -> None:
    ana = api("ana")
    told = ana.post("/actions", NEW)
    path, version = f"/actions/{told['ref']}", f'"{told["version"]}"'
    headers = {"if_match": version, "idempotency_key": "m1"}
    assert ana.patch(path, {"object": "Un podcast"}, **headers)["object"] == "Un podcast"
    problem(ana.ask("PATCH", path, {"object": "Une radio"}, if_match=version), 412)
    # The same request, sent again because its answer was lost.
    assert ana.patch(path, {"object": "Un podcast"}, **headers)["object"] == "Un podcast"


# --- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"kind": NaN}', 400),
        (b'{"object": "\\ud800"}', 400),
        (b"[" * 5000, 400),
        (b"[]", 422),
        ({"kind": "ordinary", "object": "a\0b"}, 422),
        ({"kind": "ordinary", "object": ""}, 422),
        ({"kind": "ordinary", "object": "   "}, 409),
        ({"kind": "ordinary", "object": 1}, 422),
        ({"kind": "ordinary"}, 422),
        ({"kind": "urgent", "object": "x"}, 422),
        ({"kind": "ordinary", "object": "x", "leader": "nobody"}, 422),
        (b'{"kind": "ordinary", "object": "x", "number": 1%s}' % (b"0" * 30), 422),
        ({"kind": "ordinary", "object": "x" * 3_000_000}, 413),
        (b"[" * 500 + b"]" * 500, 422),
        (b'{"a":' * 900 + b"1" + b"}" * 900, 422),
        (b'{"kind": "ordinary", "effects": [{"amend_charter": %s}]}' % DEEP, 422),
    ],
)
def test_what_cannot_be_read_is_refused(api: Api, said: object, status: int) -> None:
    problem(api("bob").ask("POST", "/actions", said), status)
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/actions?page=0", 422),
        ("/actions?page=1e9", 422),
        ("/actions?page=99999999999999999999999999", 422),
        ("/actions?page=1&page=2", 422),
        ("/actions?q=%00", 422),
        ("/actions?period=nothing", 422),
        ("/members?at=2026-02-30", 422),
        ("/members?at=0001-01-01", 422),
        ("/members?at=2026-03-01T10:00:00%2B00:00", 422),
        ("/actions/%00", 404),
        ("/actions/AO99999999999999999", 404),
        ("/actions/AO1%2Fvote%0a", 404),
        ("/charter/versions/99999999999999999999", 422),
        ("/nothing", 404),
        ("", 404),
        ("/", 404),
    ],
)
def test_odd_addresses_are_told_as_what_they_are(
    api: Api, loutres: Living, path: str, status: int
) -> None:
    problem(api("bob").ask("GET", path), status)


def test_a_head_that_is_no_text_is_refused(api: Api, loutres: Living) -> None:
    for name in ("accept-language", "association", "if_match", "x_other"):
        problem(api("bob").ask("GET", "/actions", **{name: "a\0b"}), 422)


def test_other_methods_and_media_are_refused(api: Api, loutres: Living) -> None:
    bob = api("bob")
    answer = bob.ask("PUT", "/actions")
    problem(answer, 405)
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}
    problem(bob.ask("POST", "/actions", NEW, content_type="text/plain"), 415)


def test_problems_are_told_in_the_language_that_is_asked_for(api: Api) -> None:
    bob = api("bob")
    bob.language = "fr"
    answer = bob.ask("GET", "/nothing")
    assert answer["Content-Language"] == "fr"
    problem(answer, 404)


def test_a_fault_is_a_problem_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(commands, "propose", broken)
    answer = api("bob").ask("POST", "/actions", NEW)
    problem(answer, 500)
    assert b"secret" not in answer.content


def test_a_ballot_that_closed_takes_no_vote(loutres: Living, api: Api) -> None:
    past = datetime.now(UTC) - timedelta(days=30)
    request = commands.Request(association=loutres.id, now=past, via="cli")
    ref = commands.propose(request, Kind.ORDINARY, "Nettoyer la berge", by=loutres.ids["ana"])
    before = length(loutres)
    problem(api("bob").ask("PUT", f"/actions/{ref}/vote", {"choice": "for"}), 409)
    # The decision that was due may be written down; no vote is.
    assert api("bob").get(f"/actions/{ref}")["state"] == "adopted"
    assert length(loutres) <= before + 1


def test_associations_never_see_each_other(loutres: Living, api: Api) -> None:
    other = found("Les Castors", "castors", {"zoe": "Zoé Petit"})
    other.propose("ordinary", "Couper un arbre", "zoe")
    zoe = program_of("zoe", slug="castors")
    assert zoe.get("/actions")["total"] == 1
    bob = api("bob")
    assert bob.get("/actions")["total"] == 0
    for method, path, said in (
        ("PUT", "/actions/AO1/vote", {"choice": "for"}),
        ("POST", "/actions/AO1/comments", {"text": "Oui"}),
        ("PUT", "/actions/AO1/tags", {"tags": ["arbre"]}),
        ("PATCH", "/actions/AO1", {"object": "Rien"}),
    ):
        problem(bob.ask(method, path, said), 404)
    problem(bob.ask("POST", "/actions", {**NEW, "leader": "zoe"}), 422)
