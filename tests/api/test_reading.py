"""What the API tells, and to whom."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import Living, found

from .conftest import Program, problem, program_of

Api = Callable[..., Program]


def test_the_association_is_that_of_the_token(loutres: Living, api: Api) -> None:
    found("Les Castors", "castors", {"zoe": "Zoé Petit"})
    assert api("bob").get("/association")["slug"] == "loutres"
    assert program_of("zoe", slug="castors").get("/association")["members"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/actions/AO1",
        "/actions/AO1/comments",
        "/members/bob",
        "/journal/J1",
        "/reports/P26",
        "/reports/P26/files/md",
    ],
)
def test_another_association_s_things_are_not_there(loutres: Living, api: Api, path: str) -> None:
    loutres.propose("ordinary", "Nettoyer la berge", "ana")
    ana = api("ana")
    ana.put("/periods/P26", {"first": "2026-01-01", "last": "2026-12-31"})
    ana.post("/journal", {"kind": "event", "title": "La fête", "date": "2026-03-01"})
    assert ana.ask("GET", path).status_code == 200
    found("Les Castors", "castors", {"zoe": "Zoé Petit"})
    told = problem(program_of("zoe", slug="castors").ask("GET", path), 404)
    assert "berge" not in str(told)


def test_an_action_tells_why_it_is_in_its_state(loutres: Living, api: Api) -> None:
    ref = loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    loutres.vote(ref, bob="for", chloe="against")
    told = api("driss").get(f"/actions/{ref}")
    assert (told["state"], told["for"], told["against"], told["roll"]) == ("open", 1, 1, 4)
    assert {one["member"]: one["choice"] for one in told["votes"]} == {
        "bob": "for",
        "chloe": "against",
    }
    assert told["awaited"] == ["ana", "driss"]
    assert told["explanation"]["why"]
    assert [one["what"] for one in told["history"]] == ["proposed it", "voted for", "voted against"]


def test_what_awaits_my_vote_comes_first_to_close_first(loutres: Living, api: Api) -> None:
    refs = [loutres.propose("ordinary", text, "ana") for text in ("Un", "Deux")]
    bob = api("bob")
    assert [one["action"] for one in bob.get("/me/awaiting")] == refs
    bob.put(f"/actions/{refs[0]}/vote", {"choice": "for"})
    assert [one["action"] for one in bob.get("/me/awaiting")] == refs[1:]


def test_a_list_leads_to_its_other_pages(loutres: Living, api: Api) -> None:
    for number in range(5):
        loutres.propose("ordinary", f"Idée {number}", "ana")
    answer = api("bob").ask("GET", "/actions?kind=ordinary&size=2&page=2")
    assert answer["Link"] == (
        '</api/v1/actions?kind=ordinary&size=2&page=1>; rel="first", '
        '</api/v1/actions?kind=ordinary&size=2&page=1>; rel="prev", '
        '</api/v1/actions?kind=ordinary&size=2&page=3>; rel="next", '
        '</api/v1/actions?kind=ordinary&size=2&page=3>; rel="last"'
    )
    told = answer.json()  # type: ignore[attr-defined]
    assert (told["total"], [one["ref"] for one in told["items"]]) == (5, ["AO3", "AO2"])


def test_actions_are_found_by_what_they_are(loutres: Living, api: Api) -> None:
    loutres.propose("ordinary", "Nettoyer la berge", "ana")
    loutres.propose("extraordinary", "Élargir l’étang", "bob")
    bob = api("bob")
    bob.put("/actions/AO1/tags", {"tags": ["berge", "#été 2026"]})

    def refs(query: str) -> list[str]:
        return [one["ref"] for one in bob.get(f"/actions?{query}")["items"]]

    assert refs("q=etang") == ["AE1"]
    assert refs("kind=ordinary") == ["AO1"]
    assert refs("leader=bob") == ["AE1"]
    assert refs("tag=%C3%A9t%C3%A9+2026") == ["AO1"]
    assert refs("state=adopted") == []
    assert bob.get("/actions/AO1")["tags"] == ["berge", "été 2026"]


def test_a_misspelt_filter_is_refused(api: Api) -> None:
    told = problem(api("bob").ask("GET", "/actions?stat=open&size=101"), 422)
    assert "stat" in [one["field"] for one in told["errors"]] or told["errors"]


def test_addresses_are_for_stewards_and_oneself(api: Api) -> None:
    api("ana").patch("/members/bob", {"email": "bob@example.org"})
    assert api("bob").get("/members/bob")["email"] == "bob@example.org"
    assert api("chloe").get("/members/bob")["email"] is None


def test_what_did_not_change_is_not_told_again(loutres: Living, api: Api) -> None:
    ref, bob = loutres.propose("ordinary", "Nettoyer la berge", "ana"), api("bob")
    path = f"/actions/{ref}"
    tag = bob.ask("GET", path)["ETag"]
    assert tag.startswith('W/"')
    again = bob.ask("GET", path, if_none_match=tag)
    # A new minute may have begun.
    assert again.status_code == 304 or again["ETag"] != tag
    bob.post(f"{path}/comments", {"text": "Bonne idée"})
    assert bob.ask("GET", path, if_none_match=tag).status_code == 200


def test_the_rules_are_told_in_words_and_as_data(api: Api) -> None:
    told = api("bob").get("/charter")
    assert told["rules"]["ordinary"]["window"] == "7 days"
    assert told["words"][0]["title"] == "For everybody"
    assert api("bob").get("/charter/versions/1") == told


@pytest.mark.parametrize(
    ("form", "media", "begins"),
    [
        ("md", "text/markdown", b"# Bilan moral P26"),
        ("html", "text/html", b"<!doctype html"),
        ("pdf", "application/pdf", b"%PDF"),
    ],
)
def test_a_report_is_a_file_in_any_format(api: Api, form: str, media: str, begins: bytes) -> None:
    ana = api("ana")
    ana.put("/periods/P26", {"first": "2026-01-01", "last": "2026-12-31"})
    answer = ana.ask("GET", f"/reports/P26/files/{form}")
    assert answer["Content-Type"].startswith(media)
    assert answer.content.lower().startswith(begins.lower())


def test_the_bundle_is_the_ledger_s(loutres: Living, api: Api) -> None:
    bob = api("bob")
    told = bob.get("/ledger")
    first, *entries = bob.ask("GET", "/ledger/bundle").content.splitlines()
    assert told["head"].encode() in first
    assert len(entries) == told["length"]
