"""Members: everybody sees who there is and who may vote; référent·es record who comes and goes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from toutdoux.actions import commands
from toutdoux.association.models import Member, Membership, Role
from toutdoux.ledger.models import Entry
from toutdoux.web.models import Account, Invitation, Letter, Seat, Token

from .conftest import PASSWORD, Living, found
from .english import signed_in

Clients = Callable[[str], Client]


@pytest.fixture
def client_of(home: Path) -> Clients:
    return signed_in


TODAY = datetime.now(UTC).date()


def account(email: str) -> Client:
    """A client signed in to an account that is no member."""
    made = Account.objects.create_user(email, PASSWORD, created=datetime.now(UTC))
    client = Client()
    client.force_login(made, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def text(response: object) -> str:
    """A page without its tags."""
    return " ".join(re.sub("<[^>]*>", " ", response.content.decode()).split())  # type: ignore[attr-defined]


def length(living: Living) -> int:
    return Entry.objects.filter(ledger=living.id).count()


# --- each page, for each role --------------------------------------------------------------------

# visitor, account of nobody here, member, référent·e, référent·e of another association
PAGES = [
    ("members", (302, 404, 200, 200, 404)),
    ("members/bob", (302, 404, 200, 200, 404)),
    ("members/nobody", (302, 404, 404, 404, 404)),
    ("members/+add", (302, 404, 403, 200, 404)),
    ("members/+import", (302, 404, 403, 200, 404)),
    ("members/+invitations", (302, 404, 403, 200, 404)),
    ("members/bob/change", (302, 404, 403, 200, 404)),
    ("members/bob/membership", (302, 404, 403, 200, 404)),
    ("members/bob/invite", (405, 405, 405, 405, 405)),
    ("members/bob/account/close", (405, 405, 405, 405, 405)),
    ("members/bob/roles", (405, 405, 405, 405, 405)),
    ("members/bob/roles/x", (405, 405, 405, 405, 405)),
    ("me", (302, 404, 200, 200, 404)),
    ("me/data", (302, 404, 200, 200, 404)),
    ("me/leave", (302, 404, 200, 200, 404)),
    ("me/profile", (405, 405, 405, 405, 405)),
    ("me/display", (405, 405, 405, 405, 405)),
    ("me/notices", (405, 405, 405, 405, 405)),
    ("me/tokens", (405, 405, 405, 405, 405)),
    ("me/tokens/1/revoke", (405, 405, 405, 405, 405)),
    ("me/calendar", (405, 405, 405, 405, 405)),
    ("settings", (302, 404, 403, 200, 404)),
    ("settings/association", (405, 405, 405, 405, 405)),
    ("settings/public", (405, 405, 405, 405, 405)),
    ("settings/spoken", (405, 405, 405, 405, 405)),
    ("settings/answers", (405, 405, 405, 405, 405)),
    ("settings/periods", (405, 405, 405, 405, 405)),
    ("settings/periods/remove", (405, 405, 405, 405, 405)),
]
FORMS = [
    ("members/+add", 403),
    ("members/+import", 403),
    ("members/+invitations", 403),
    ("members/ana/change", 403),
    ("members/ana/membership", 403),
    ("members/ana/invite", 403),
    ("members/ana/account/close", 403),
    ("members/ana/roles", 403),
    ("members/ana/roles/x", 403),
    ("settings/association", 403),
    ("settings/public", 403),
    ("settings/spoken", 403),
    ("settings/answers", 403),
    ("settings/periods", 403),
    ("settings/periods/remove", 403),
]
OWN = ["me/leave", "me/profile", "me/display", "me/notices", "me/tokens", "me/calendar"]


def test_a_form_that_one_comes_back_to_and_fills_in_otherwise_is_another(
    loutres: Living, client_of: Clients
) -> None:
    ana, path = client_of("ana"), loutres.url("members/+add")
    for name in ("Marie Une", "Marie Deux", "Marie Deux"):
        answer = ana.post(path, {"name": name, "joined": "2026-01-10", "key": "same"})
        assert answer.status_code == 302
    names = Member.objects.filter(name__startswith="Marie").values_list("name", flat=True)
    assert sorted(names) == ["Marie Deux", "Marie Une"]


def test_each_page_answers_each_role_as_it_should(loutres: Living, client_of: Clients) -> None:
    found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    clients = (
        Client(),
        account("nobody@example.org"),
        client_of("chloe"),
        client_of("ana"),
        client_of("zoe"),
    )
    for path, expected in PAGES:
        told = tuple(client.get(loutres.url(path)).status_code for client in clients)
        assert told == expected, path


def test_no_form_is_taken_from_somebody_who_may_not_send_it(
    loutres: Living, client_of: Clients
) -> None:
    found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    before = length(loutres)
    for path, status in FORMS:
        assert client_of("bob").post(loutres.url(path), {"name": "X"}).status_code == status, path
        assert client_of("zoe").post(loutres.url(path), {"name": "X"}).status_code == 404, path
        assert Client().post(loutres.url(path), {"name": "X"}).status_code == 302, path
    for path in OWN:
        assert client_of("zoe").post(loutres.url(path), {"name": "X"}).status_code == 404, path
        assert Client().post(loutres.url(path), {"name": "X"}).status_code == 302, path
    assert length(loutres) == before


def test_a_form_without_its_token_is_refused(loutres: Living) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(
        Member.objects.get(handle="ana").seat.account,
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert strict.post(loutres.url("members/+add"), {"name": "X"}).status_code == 403
    assert not Member.objects.filter(name="X").exists()


def test_who_has_left_is_told_so_and_sees_nothing_else(loutres: Living, client_of: Clients) -> None:
    client = client_of("bob")
    assert client.get(loutres.url()).status_code == 200
    commands.end_membership(loutres.request(), loutres.ids["bob"])
    for path in ("", "members", "me", "members/bob"):
        answer = client.get(loutres.url(path))
        assert answer.status_code == 403
        assert "you are no longer a member of Les Loutres libres" in text(answer)
        assert "Bob Petit" not in text(answer)
        assert "vote was not taken" not in text(answer)
    assert client.get("/").status_code == 200


def test_a_vote_of_somebody_who_was_removed_meanwhile_is_said_not_to_be_taken(
    loutres: Living, client_of: Clients
) -> None:
    client, ref = client_of("bob"), loutres.propose("ordinary", "Un service", by="ana")
    commands.end_membership(loutres.request(), loutres.ids["bob"])
    form = {"choice": "for", "ballot": "vote"}
    answer = client.post(loutres.url(f"actions/{ref}/vote"), form)
    assert answer.status_code == 403
    assert "Your vote was not taken" in text(answer)
    assert "référent·e can note your return" in text(answer)


def test_where_there_is_nothing_a_member_keeps_the_menu(
    loutres: Living, client_of: Clients
) -> None:
    found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    for path in ("nonsense", "members/nobody"):
        answer = client_of("bob").get(loutres.url(path))
        assert answer.status_code == 404
        assert f'href="{loutres.url("actions")}"' in answer.content.decode()
        assert "Back to Today" in text(answer)
        answer = client_of("zoe").get(loutres.url(path))
        assert answer.status_code == 404
        assert "Loutres" not in text(answer)
        assert Client().get(loutres.url(path)).status_code in (302, 404)


# --- the list ------------------------------------------------------------------------------------


def test_the_list_says_who_may_vote_and_from_when(loutres: Living, client_of: Clients) -> None:
    commands.add_member(loutres.request(), "Élise Neuve")
    page = text(client_of("bob").get(loutres.url("members")))
    assert "5 members, 4 with the right to vote" in page
    assert re.search(r"Élise Neuve @elise member since .* votes from .* on", page)


def test_a_part_of_the_name_is_enough_without_accents(loutres: Living, client_of: Clients) -> None:
    page = text(client_of("bob").get(loutres.url("members?q=CHLOE")))
    assert "Chloé Roy" in page
    assert "Driss Lang" not in page


def test_the_list_of_a_day_is_that_of_then(loutres: Living, client_of: Clients) -> None:
    commands.add_member(loutres.request(), "Élise Neuve")
    commands.end_membership(loutres.request(), loutres.ids["driss"])
    then = (TODAY - timedelta(days=20)).isoformat()
    page = text(client_of("bob").get(loutres.url(f"members?at={then}")))
    assert "4 members, 4 with the right to vote" in page
    assert "Driss Lang" in page
    assert "Élise Neuve" not in page


def test_who_left_is_listed_when_asked_for(loutres: Living, client_of: Clients) -> None:
    commands.end_membership(loutres.request(), loutres.ids["driss"])
    client = client_of("bob")
    assert "Driss Lang" not in text(client.get(loutres.url("members")))
    assert "Driss Lang" in text(client.get(loutres.url("members?all=1")))


def test_a_day_that_is_none_is_said_beside_the_field(loutres: Living, client_of: Clients) -> None:
    response = client_of("bob").get(loutres.url("members?at=yesterday"))
    assert response.status_code == 422
    assert "is not a date" in text(response)


def test_many_members_come_in_pages_of_a_hundred_with_few_queries(
    loutres: Living, client_of: Clients
) -> None:
    born = datetime.now(UTC) - timedelta(days=30)
    rows = [
        Member(id=f"m{n}", association_id=loutres.id, handle=f"m{n:04}", name=f"Member {n:04}")
        for n in range(1200)
    ]
    Member.objects.bulk_create(rows)
    Membership.objects.bulk_create(Membership(member=row, joined=born) for row in rows)
    client = client_of("ana")
    with CaptureQueriesContext(connection) as queries:
        response = client.get(loutres.url("members?page=2"))
    assert len(queries) <= 14
    assert "1204 members" in text(response)
    assert "Previous Page 1 Page 2 Page 3 … Page 13 Next" in text(response)
    assert response.content.decode().count("/members/m0") == 100


# --- a member's page -----------------------------------------------------------------------------


def test_a_members_page_shows_what_they_lead_and_proposed(
    loutres: Living, client_of: Clients
) -> None:
    ref = loutres.propose("ordinary", "Acheter des gâteaux", "bob")
    page = client_of("chloe").get(loutres.url("members/bob")).content.decode()
    assert page.count(loutres.url(f"actions/{ref}")) == 2


def test_addresses_are_for_oneself_and_stewards(loutres: Living, client_of: Clients) -> None:
    request = loutres.request()
    commands.rename_member(request, loutres.ids["bob"], email="bob@loutres.example")
    for handle, sees in (("ana", True), ("bob", True), ("chloe", False)):
        page = client_of(handle).get(loutres.url("members/bob")).content.decode()
        assert ("bob@loutres.example" in page) is sees


def test_a_members_page_takes_as_many_queries_for_many_actions(
    loutres: Living, client_of: Clients
) -> None:
    client = client_of("chloe")

    def queries() -> int:
        with CaptureQueriesContext(connection) as done:
            client.get(loutres.url("members/bob"))
        return len(done)

    loutres.propose("ordinary", "Un", "bob")
    few = queries()
    for n in range(30):
        loutres.propose("ordinary", f"Action {n}", "bob")
    assert queries() <= few


# --- what référent·es record ---------------------------------------------------------------------


def test_a_steward_adds_a_member_in_their_name(loutres: Living, client_of: Clients) -> None:
    joined = TODAY - timedelta(days=3)
    form = {"name": "Élise Neuve", "email": "elise@example.org", "joined": joined.isoformat()}
    response = client_of("ana").post(loutres.url("members/+add"), form)
    assert response["Location"] == loutres.url("members/elise")
    row = Member.objects.get(handle="elise")
    assert row.email == "elise@example.org"
    body = bytes(Entry.objects.filter(ledger=loutres.id).latest("seq").body)
    assert f'"by":"{loutres.ids["ana"]}"'.encode() in body


def test_a_form_that_is_sent_twice_adds_one(loutres: Living, client_of: Clients) -> None:
    form = {"name": "Élise Neuve", "key": "once"}
    for _ in range(2):
        client_of("ana").post(loutres.url("members/+add"), form)
    assert Member.objects.filter(name="Élise Neuve").count() == 1


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "is empty"),
        ("name", "x" * 300, "over 200 characters"),
        ("handle", "Bob Petit", "cannot be a handle"),
        ("handle", "bob", "already called"),
        ("email", "elise", "is not an e-mail address"),
        ("joined", "soon", "is not a date"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(
    loutres: Living, client_of: Clients, field: str, value: str, said: str
) -> None:
    form = {"name": "Élise <Neuve>", "email": "e@example.org", field: value}
    before = length(loutres)
    response = client_of("ana").post(loutres.url("members/+add"), form)
    page = response.content.decode()
    assert response.status_code == 422
    assert said in re.search(rf'id="p-{field}">(.*?)</p>', page)[1]  # type: ignore[index]
    if field != "name":
        assert 'value="Élise &lt;Neuve&gt;"' in page
    assert length(loutres) == before


def test_founders_are_offered_before_the_first_action_only(
    loutres: Living, client_of: Clients
) -> None:
    client = client_of("ana")
    assert 'name="founder"' in client.get(loutres.url("members/+add")).content.decode()
    client.post(loutres.url("members/+add"), {"name": "Élise", "founder": "1"})
    assert Member.objects.get(handle="elise").founder
    loutres.propose("ordinary", "Acheter des gâteaux", "bob")
    assert 'name="founder"' not in client.get(loutres.url("members/+add")).content.decode()
    late = client.post(loutres.url("members/+add"), {"name": "Fatou", "founder": "1"})
    assert late.status_code == 422
    assert not Member.objects.filter(name="Fatou").exists()


def test_a_departure_and_a_return_are_recorded(loutres: Living, client_of: Clients) -> None:
    client, page = client_of("ana"), loutres.url("members/driss/membership")
    client.post(page, {"what": "leave", "day": TODAY.isoformat()})
    assert Membership.objects.get(member=loutres.ids["driss"]).left is not None
    assert "returns" in text(client.get(page))
    client.post(page, {"what": "return", "day": TODAY.isoformat()})
    assert Membership.objects.filter(member=loutres.ids["driss"], left=None).exists()


def test_the_last_steward_cannot_be_made_to_leave_not_even_in_the_past(
    loutres: Living, client_of: Clients
) -> None:
    for day in (TODAY, TODAY - timedelta(days=9)):
        form = {"what": "leave", "day": day.isoformat()}
        response = client_of("ana").post(loutres.url("members/ana/membership"), form)
        assert response.status_code == 409
        assert "last référent·e" in text(response)


def test_a_form_that_comes_too_late_does_not_do_the_opposite(
    loutres: Living, client_of: Clients
) -> None:
    page = loutres.url("members/driss/membership")
    commands.end_membership(loutres.request(), loutres.ids["driss"])
    response = client_of("ana").post(page, {"what": "leave", "day": TODAY.isoformat()})
    assert response.status_code == 409
    assert not Membership.objects.filter(member=loutres.ids["driss"], left=None).exists()


def test_a_steward_corrects_a_name(loutres: Living, client_of: Clients) -> None:
    form = {"name": "Bob Leroy", "handle": "bobl", "email": ""}
    response = client_of("ana").post(loutres.url("members/bob/change"), form)
    assert response["Location"] == loutres.url("members/bobl")
    assert Member.objects.get(pk=loutres.ids["bob"]).name == "Bob Leroy"


def test_a_role_is_given_and_ended(loutres: Living, client_of: Clients) -> None:
    client = client_of("ana")
    form = {"role": "Financier", "first": TODAY.isoformat(), "last": ""}
    client.post(loutres.url("members/bob/roles"), form)
    role = Role.objects.get(member=loutres.ids["bob"])
    assert "Financier" in text(client.get(loutres.url("members")))
    again = client.post(loutres.url("members/bob/roles"), form)
    assert again.status_code == 409
    assert "already" in text(again)
    client.post(loutres.url(f"members/bob/roles/{role.id}"), {"end": TODAY.isoformat()})
    assert Role.objects.get(pk=role.id).last == TODAY


def test_the_last_steward_keeps_the_role(loutres: Living, client_of: Clients) -> None:
    role = Role.objects.get(member=loutres.ids["ana"])
    end = {"end": TODAY.isoformat()}
    response = client_of("ana").post(loutres.url(f"members/ana/roles/{role.id}"), end)
    assert response.status_code == 409
    assert "last référent·e" in text(response)


def test_a_role_of_another_association_is_not_there(loutres: Living, client_of: Clients) -> None:
    other = found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    role = Role.objects.get(member=other.ids["zoe"])
    url = loutres.url(f"members/ana/roles/{role.id}")
    assert client_of("ana").post(url, {"end": TODAY.isoformat()}).status_code == 404


# --- import --------------------------------------------------------------------------------------


def sent(client: Client, living: Living, content: bytes, **more: str) -> object:
    file = SimpleUploadedFile("members.csv", content, content_type="text/csv")
    return client.post(living.url("members/+import"), {"file": file, **more})


def confirmed(client: Client, living: Living, preview: object) -> object:
    told = re.search(r'name="content" value="([^"]*)"', preview.content.decode())  # type: ignore[attr-defined]
    assert told is not None
    return client.post(living.url("members/+import"), {"content": told[1]})


CSV = (
    "Nom complet;E-mail;Date d'inscription\nÉlise Neuve;elise@example.org;01/02/2024\nBob Petit;;\n"
)


def test_an_import_shows_what_would_change_then_does_it_once(
    loutres: Living, client_of: Clients
) -> None:
    client, before = client_of("ana"), length(loutres)
    preview = sent(client, loutres, CSV.encode())
    assert "1 change would be recorded" in text(preview)
    assert "Élise Neuve" in text(preview)
    assert length(loutres) == before
    assert confirmed(client, loutres, preview).status_code == 302  # type: ignore[attr-defined]
    assert Member.objects.get(handle="elise").email == "elise@example.org"
    after = length(loutres)
    confirmed(client, loutres, preview)
    assert length(loutres) == after
    assert "Everybody is there already" in text(sent(client, loutres, CSV.encode()))


def test_an_import_says_the_line_of_what_is_wrong(loutres: Living, client_of: Clients) -> None:
    response = sent(client_of("ana"), loutres, CSV.replace("01/02/2024", "soon").encode())
    assert response.status_code == 409  # type: ignore[attr-defined]
    assert "ine 2" in text(response)


def test_an_import_says_all_lines_that_are_wrong(loutres: Living, client_of: Clients) -> None:
    lines = [f"Membre {n};m{n}@example.org;bientôt" for n in range(30)]
    content = "\n".join(["Nom complet;E-mail;Inscription", *lines])
    page = text(sent(client_of("ana"), loutres, content.encode()))
    assert "20 lines cannot be taken" in page
    assert len(re.findall(r"Line \d+", page)) == 20
    content = "Nom complet;E-mail\nUn;pas une adresse\nDeux;deux@example.org\nTrois;non plus\n"
    page = text(sent(client_of("ana"), loutres, content.encode()))
    assert "2 lines cannot be taken" in page
    assert "Line 2:" in page
    assert "Line 4:" in page


def test_an_import_says_from_when_on_each_may_vote(loutres: Living, client_of: Clients) -> None:
    now = TODAY.strftime("%d/%m/%Y")
    content = f"Nom;Adhésion\nÉlise Neuve;01/02/2024\nFlo Neuf;{now}\n".encode()
    page = text(sent(client_of("ana"), loutres, content))
    assert "1 person may vote from now on" in page
    assert re.search(r"@elise \S+ from now on", page)
    assert re.search(r"@flo \S+ from \d", page)


def test_a_day_of_joining_that_is_noted_later_is_shown_with_the_day_it_was_noted(
    loutres: Living, client_of: Clients
) -> None:
    form = {"name": "Élise Neuve", "joined": "2025-02-01"}
    done = client_of("ana").post(loutres.url("members/+add"), form, follow=True)
    assert "Élise Neuve is a member, and may vote from now on" in text(done)
    page = text(client_of("bob").get(loutres.url("members/elise")))
    assert "since 1 February 2025" in page
    assert "(noted on " in page
    assert "(noted on " not in text(client_of("bob").get(loutres.url("members/chloe")))


def test_an_import_takes_fields_by_their_french_names(loutres: Living, client_of: Clients) -> None:
    content = "A;B;C\nNeuve;Élise;01/02/2024\n".encode()
    told = "Nom = A\nPrénom = B\nAdhésion = C"
    page = text(sent(client_of("ana"), loutres, content, columns=told))
    assert "Élise Neuve" in page
    assert "1 person may vote from now on" in page


def test_an_import_takes_titles_that_are_told(loutres: Living, client_of: Clients) -> None:
    client = client_of("ana")
    odd = CSV.replace("Nom complet", "Qui donc").encode()
    refused = text(sent(client, loutres, odd))
    assert "Qui donc" in refused
    assert "--map" not in refused
    assert "Élise Neuve" in text(sent(client, loutres, odd, columns="name=Qui donc"))


def test_an_import_leaves_somebody_who_is_steward(loutres: Living, client_of: Clients) -> None:
    missing = (TODAY - timedelta(days=2)).isoformat()
    response = sent(client_of("ana"), loutres, CSV.encode(), missing=missing)
    assert response.status_code == 409  # type: ignore[attr-defined]
    assert "without any référent·e" in text(response)


def test_an_import_that_is_too_large_or_no_text_is_refused(
    loutres: Living, client_of: Clients
) -> None:
    client = client_of("ana")
    assert "larger than 2 MB" in text(sent(client, loutres, b"x" * 2_100_000))
    assert "not a text file" in text(sent(client, loutres, b"\0\1\2"))
    assert "choose a file" in text(client.post(loutres.url("members/+import"), {})).lower()


def test_what_is_confirmed_is_what_was_shown_here(loutres: Living, client_of: Clients) -> None:
    castors = found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    preview = sent(client_of("zoe"), castors, CSV.encode())
    assert confirmed(client_of("ana"), loutres, preview).status_code == 409  # type: ignore[attr-defined]
    assert not Member.objects.filter(association=loutres.id, handle="elise").exists()


# --- invitations ---------------------------------------------------------------------------------


def newcomer(living: Living, name: str = "Élise Neuve", email: str = "") -> Member:
    return Member.objects.get(pk=commands.add_member(living.request(), name, email=email))


def test_an_invitation_is_a_link_that_is_shown_once(loutres: Living, client_of: Clients) -> None:
    newcomer(loutres)
    client = client_of("ana")
    page = client.post(loutres.url("members/elise/invite"), {"email": ""}).content.decode()
    link = re.search(r'data-copy="(http[^"]+)"', page)
    assert link is not None
    assert "hand this link over" in page
    assert Invitation.objects.filter(member__handle="elise", used=None).count() == 1
    assert link[1] not in client.get(loutres.url("members/elise")).content.decode()
    assert "An invitation waits" in text(client.get(loutres.url("members/elise")))


def test_no_invitation_for_who_has_an_account(loutres: Living, client_of: Clients) -> None:
    response = client_of("ana").post(loutres.url("members/bob/invite"), {"email": ""})
    assert response.status_code == 409
    assert not Invitation.objects.exists()


def test_the_link_of_an_invitation_that_is_mailed_is_shown_to_nobody_else(
    loutres: Living, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    newcomer(loutres)

    monkeypatch.setattr(settings, "MAIL_IS_SENT", True)
    typed = {"email": "elise@example.org"}
    page = client_of("ana").post(loutres.url("members/elise/invite"), typed).content.decode()
    assert "elise@example.org" in page
    assert "/join/" not in page


def test_all_members_see_who_invited_whom_and_who_has_an_account(
    loutres: Living, client_of: Clients
) -> None:
    commands.add_member(loutres.request(), "Élise Neuve")
    page = text(client_of("bob").get(loutres.url("members/elise")))
    assert "Élise Neuve has no account" in page
    client_of("ana").post(loutres.url("members/elise/invite"), {"email": ""})
    page = text(client_of("bob").get(loutres.url("members/elise")))
    assert "Invited by Ana Brun" in page
    assert "Make an invitation" not in page
    assert "Close the account" not in page
    assert "This account is not theirs?" not in page
    page = text(client_of("bob").get(loutres.url("members/chloe")))
    assert "Chloé Roy has an account since" in page
    assert "This account is not theirs?" in page


def test_an_invitation_is_an_entry_of_whoever_made_it(loutres: Living, client_of: Clients) -> None:
    id = commands.add_member(loutres.request(), "Élise Neuve")
    for address, form in (
        ("members/elise/invite", {"email": "", "key": "k"}),
        ("members/+invitations", {"member": id, "key": "l"}),
    ):
        before = length(loutres)
        client_of("ana").post(loutres.url(address), form)
        assert length(loutres) == before + 1
        body = json.loads(bytes(Entry.objects.latest("seq").body))
        assert (body["kind"], body["by"]) == ("member.invited", loutres.ids["ana"])
        assert body["data"] == {"member": id}


def test_nobody_is_invited_who_is_no_member_now(loutres: Living, client_of: Clients) -> None:
    id = commands.add_member(loutres.request(), "Élise Neuve")
    commands.end_membership(loutres.request(), id)
    before = length(loutres)
    response = client_of("ana").post(loutres.url("members/elise/invite"), {"email": ""})
    assert response.status_code == 409
    assert "Elise is no member" in text(response)
    assert not Invitation.objects.filter(member=id).exists()
    assert length(loutres) == before


def test_a_closed_account_lets_nobody_in_and_its_member_can_be_invited_again(
    loutres: Living, client_of: Clients
) -> None:
    bob, ana = client_of("bob"), client_of("ana")
    Token.objects.create(
        seat=Seat.objects.get(member__handle="bob"), name="t", code="x", made=datetime.now(UTC)
    )
    assert bob.get(loutres.url()).status_code == 200
    told = ana.post(loutres.url("members/bob/account/close"), follow=True)
    assert "Account closed by Ana Brun" in text(told)
    assert "Bob Petit has no account" in text(told)
    assert bob.get(loutres.url()).status_code == 302
    assert not Account.objects.filter(email="bob@example.org").exists()
    assert not Token.objects.exists()
    body = json.loads(bytes(Entry.objects.latest("seq").body))
    assert (body["kind"], body["by"]) == ("account.closed", loutres.ids["ana"])
    page = text(ana.post(loutres.url("members/bob/invite"), {"email": ""}))
    assert "The invitation is made" in page


def test_whose_account_is_closed_is_told_by_mail(
    loutres: Living, client_of: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "MAIL_IS_SENT", True)
    client_of("ana").post(loutres.url("members/bob/account/close"))
    letter = Letter.objects.get(to="bob@example.org")
    assert "Ana Brun a fermé ton compte dans Les Loutres libres." in letter.text


def test_an_account_that_is_somebody_elsewhere_too_goes_on_there(
    loutres: Living, client_of: Clients
) -> None:
    castors = found("Les Castors", "castors", {"zoe": "Zoé Castor"})
    id = commands.add_member(castors.request(), "Bob Petit")
    account = Account.objects.get(email="bob@example.org")
    Seat.objects.create(account=account, member_id=id, since=datetime.now(UTC))
    bob = Client()
    bob.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    client_of("ana").post(loutres.url("members/bob/account/close"))
    assert bob.get(loutres.url()).status_code == 404
    assert bob.get(castors.url()).status_code == 200


def test_nobody_closes_their_own_account_or_one_that_is_not_there(
    loutres: Living, client_of: Clients
) -> None:
    commands.add_member(loutres.request(), "Élise Neuve")
    ana, before = client_of("ana"), length(loutres)
    assert ana.post(loutres.url("members/ana/account/close")).status_code == 409
    assert ana.post(loutres.url("members/elise/account/close")).status_code == 409
    assert ana.get(loutres.url()).status_code == 200
    assert length(loutres) == before


def test_several_are_invited_at_once(loutres: Living, client_of: Clients) -> None:
    one, other = newcomer(loutres), newcomer(loutres, "Fatou Diop")
    castor = found("Les Castors", "castors", {"zoe": "Zoé Castor"}).ids["zoe"]
    Seat.objects.filter(member=castor).delete()
    form = {"member": [one.id, other.id, castor]}
    page = client_of("ana").post(loutres.url("members/+invitations"), form).content.decode()
    assert page.count("data-copy=") == 2
    assert not Invitation.objects.filter(member=castor).exists()


# --- both databases ------------------------------------------------------------------------------


def test_members_on_both_databases(both_databases: Path) -> None:
    living = found("Les Loutres libres", "loutres", {"ana": "Ana Brun", "bob": "Bob Petit"})
    client = signed_in("ana")
    client.post(living.url("members/+add"), {"name": "Élise Neuve"})
    confirmed(client, living, sent(client, living, CSV.replace("Élise", "Fatou").encode()))
    assert "4 members, 3 with the right to vote" in text(client.get(living.url("members")))
    assert client.get(living.url("members/bob")).status_code == 200
    assert client.get(living.url("me/data")).status_code == 200


def test_with_a_member_go_the_invitations_that_hold_their_address(
    loutres: Living, client_of: Clients
) -> None:
    from toutdoux.ledger import forgetting

    client_of("ana").post(loutres.url("members/bob/account/close"))
    client_of("ana").post(loutres.url("members/bob/invite"), {"email": "bob@example.org"})
    assert Invitation.objects.filter(email="bob@example.org").exists()
    bob = loutres.ids["bob"]
    commands.end_membership(loutres.request(), bob)
    kept = [one.commitment for one in forgetting.of_member(loutres.id, bob)]
    commands.erase(loutres.request(), kept, bob)
    assert not Invitation.objects.exists()
    page = text(client_of("ana").get(loutres.url(f"members/{bob}")))
    assert "Account closed" not in page
