"""Members in the capsule, over real TLS and with certificates of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client

from tests.cli.running import ENGLISH, assert_one_sentence, run
from tests.web.conftest import Living, client_of  # noqa: F401  a fixture
from toutdoux.actions import commands
from toutdoux.capsule.gemtext import LineKind, parse
from toutdoux.capsule.models import ClientCertificate
from toutdoux.ledger import forgetting
from toutdoux.ledger.models import Entry
from toutdoux.web.models import Comment

from .den import Den, Reader

ANA, BOB, CHLOE = "ana", "bob", "chloe"


@pytest.fixture
def ref(den: Den) -> str:
    return den.living.propose("extraordinary", "Ouvrir un **service**\n=> /evil", CHLOE)


# --- becoming known ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/me", "/me/", "/me/vote/AE1", "/me/code", "/fr/me"])
def test_without_a_certificate_one_is_asked_for(den: Den, path: str) -> None:
    assert Reader(den.port).ask(path)[0] == 60


@pytest.mark.parametrize("valid", [{"begins": 1}, {"ends": -1, "begins": -2}])
def test_a_certificate_out_of_its_time_is_refused(den: Den, valid: dict[str, int]) -> None:
    assert den.stranger(**valid).ask("/me")[0] == 62


def test_an_unknown_certificate_is_told_how_to_become_known(den: Den) -> None:
    reader = den.stranger()
    links = [one.url for one in parse(reader.page("/me")) if one.kind is LineKind.LINK]
    assert any(one.startswith("/me/code/") for one in links)


@pytest.mark.parametrize("path", ["/me/vote/AE1", "/me/certificates", "/me/actions/AE1"])
def test_an_unknown_certificate_sees_nothing_of_members(den: Den, ref: str, path: str) -> None:
    assert den.stranger().ask(path)[0] == 61


def test_a_code_is_typed_unseen_and_ties_a_certificate(den: Den) -> None:
    reader = den.stranger()
    code = den.code(BOB)
    question, status, _ = reader.follow("/me/code")
    assert status == 11
    assert reader.follow(f"{question}?{code.lower()}")[0] == "/me/"
    assert "Bob Petit" in reader.page("/me")
    (one,) = ClientCertificate.objects.all()
    assert (one.member_id, one.note) == (den.living.ids[BOB], "laptop")
    last = Entry.objects.order_by("-seq").first()
    assert last is not None
    assert b"account.claimed" in bytes(last.body)
    assert b"gemini" in bytes(last.body)


def test_a_code_works_once(den: Den) -> None:
    code = den.code(BOB)
    den.stranger("one").type("/me/code", code)
    second = den.stranger("two")
    second.type("/me/code", code)
    assert "Bob Petit" not in second.page("/me")
    assert ClientCertificate.objects.count() == 1


def test_a_code_in_a_link_of_somebody_else_ties_nothing(den: Den) -> None:
    _, status, _ = den.stranger().follow(f"/me/code?{den.code(BOB)}")
    assert status == 11
    assert not ClientCertificate.objects.exists()


def test_who_guesses_codes_is_slowed_down(den: Den) -> None:
    reader = den.stranger()
    question, _, _ = reader.follow("/me/code")
    statuses = [reader.ask(f"{question}?AAAAA-AAAA{letter}")[0] for letter in "ABCDEFGHJKL" * 2]
    assert 44 in statuses
    assert statuses[:10] == [20] * 10


def test_the_code_of_somebody_who_left_ties_nothing(den: Den) -> None:
    code = den.code(BOB)
    commands.end_membership(den.living.request(), den.living.ids[BOB])
    reader = den.stranger()
    reader.type("/me/code", code)
    assert not ClientCertificate.objects.exists()


def test_a_former_member_is_refused(den: Den) -> None:
    reader = den.member(BOB)
    commands.end_membership(den.living.request(), den.living.ids[BOB])
    status, meta, _ = reader.ask("/me")
    assert status == 61
    assert meta


def test_who_is_forgotten_is_unknown(den: Den) -> None:
    den.member(BOB)
    commands.end_membership(den.living.request(), den.living.ids[BOB])
    kept = [one.commitment for one in forgetting.of_member(den.living.id, den.living.ids[BOB])]
    commands.erase(den.living.request(1), kept, den.living.ids[BOB])
    assert not ClientCertificate.objects.exists()


# --- voting --------------------------------------------------------------------------------------


def test_what_awaits_a_vote_is_listed_until_it_is_cast(den: Den, ref: str) -> None:
    reader = den.member(BOB)
    assert f"=> /me/vote/{ref} " in reader.page("/me")
    reader.type(f"/me/vote/{ref}/for", "oui")
    assert f"=> /me/vote/{ref} " not in reader.page("/me")


@pytest.mark.parametrize("yes", ["oui", "Yes", "y", "OUI."])
def test_a_vote_is_cast_once_it_is_confirmed(den: Den, ref: str, yes: str) -> None:
    reader = den.member(BOB)
    assert reader.type(f"/me/vote/{ref}/against", yes) == f"/me/actions/{ref}"
    assert den.votes(ref) == {"action bob": "against"}
    assert "Bob Petit" in reader.page(f"/me/actions/{ref}")


@pytest.mark.parametrize("no", ["non", "no", "for", "%"])
def test_anything_else_is_no_vote(den: Den, ref: str, no: str) -> None:
    assert den.member(BOB).type(f"/me/vote/{ref}/for", no) == f"/me/vote/{ref}"
    assert den.votes(ref) == {}


def test_following_every_link_changes_nothing(den: Den, ref: str) -> None:
    reader = den.member(ANA)
    length = Entry.objects.count()
    seen: set[str] = set()
    coming = ["/me"]
    while coming:
        path = coming.pop()
        if path in seen or not path.startswith("/me"):
            continue
        seen.add(path)
        reached, status, _ = reader.follow(path)
        if status == 20:
            page = reader.page(reached)
            links = [] if page.startswith("<") else parse(page)
            coming += [one.url for one in links if one.url]
    for question in (f"/me/vote/{ref}/for/", f"/me/actions/{ref}/comment/", "/revoke/"):
        assert any(question in one for one in seen), question
    assert Entry.objects.count() == length
    assert not Comment.objects.exists()
    assert ClientCertificate.objects.count() == 1


@pytest.mark.parametrize("end", ["", "/", "/1-a-b", "/1700000000-aaaaaaaa-" + "0" * 32])
def test_a_link_of_somebody_else_that_confirms_is_asked_again(den: Den, ref: str, end: str) -> None:
    reader = den.member(BOB)
    _, status, _ = reader.follow(f"/me/vote/{ref}/for{end}?oui")
    assert status in (10, 20)
    assert den.votes(ref) == {}


def test_the_question_of_another_member_is_not_answered(den: Den, ref: str) -> None:
    asked, _, _ = den.member(ANA).follow(f"/me/vote/{ref}/for")
    _, status, _ = den.member(BOB).follow(f"{asked}?oui")
    assert status == 10
    assert den.votes(ref) == {}


def test_a_vote_is_changed_and_taken_back(den: Den, ref: str) -> None:
    reader = den.member(BOB)
    for option, choice in (("for", "for"), ("neutral", "abstain"), ("against", "against")):
        reader.type(f"/me/vote/{ref}/{option}", "oui")
        assert den.votes(ref) == {"action bob": choice}
    reader.type(f"/me/vote/{ref}/none", "oui")
    assert den.votes(ref) == {}
    reader.type(f"/me/vote/{ref}/for", "oui")
    assert den.votes(ref) == {"action bob": "for"}


def test_an_old_answer_that_is_sent_again_changes_nothing(den: Den, ref: str) -> None:
    reader = den.member(BOB)
    asked, _, _ = reader.follow(f"/me/vote/{ref}/for")
    reader.follow(f"{asked}?oui")
    reader.type(f"/me/vote/{ref}/against", "oui")
    reader.follow(f"{asked}?oui")
    assert den.votes(ref) == {"action bob": "against"}
    reader.type(f"/me/vote/{ref}/none", "oui")
    reader.follow(f"{asked}?oui")
    assert den.votes(ref) == {}


def test_a_counter_vote_is_voted_on(den: Den, ref: str) -> None:
    living = den.living
    commands.call_counter_vote(living.request(), ref, "Trop tôt", by=living.ids[ANA])
    reader = den.member(BOB)
    page = reader.page(f"/me/vote/{ref}")
    assert f"=> /me/vote/{ref}/cancel/" in page
    reader.type(f"/me/vote/{ref}/keep", "oui")
    assert den.votes(ref) == {"counter_vote bob": "against"}
    reader.type(f"/me/vote/{ref}/cancel", "oui")
    assert den.votes(ref) == {"counter_vote bob": "for"}
    reader.type(f"/me/vote/{ref}/cancel-none", "oui")
    assert den.votes(ref) == {}


def test_a_vote_that_comes_too_late_is_told_so(den: Den, loutres: Living) -> None:
    ref = commands.propose(
        loutres.request(-30), commands.Kind.EXTRAORDINARY, "Jadis", by=loutres.ids[CHLOE]
    )
    reader = den.member(BOB)
    asked, status, _ = reader.follow(f"/me/vote/{ref}/for")
    assert status == 10
    assert "→" in reader.page(f"{asked}?oui")
    assert den.votes(ref) == {}


def test_there_is_no_vote_on_what_there_is_not(den: Den) -> None:
    reader = den.member(BOB)
    for path in ("/me/vote/AE9", "/me/vote/AE9/for", "/me/actions/AE9", "/me/actions/AE9/comment"):
        assert reader.ask(path)[0] == 51
    assert reader.ask("/me/nowhere")[0] == 51


# --- the discussion ------------------------------------------------------------------------------


def test_a_comment_is_written_once_and_read(den: Den, ref: str) -> None:
    reader = den.member(BOB)
    asked, status, _ = reader.follow(f"/me/actions/{ref}/comment")
    assert status == 10
    for _ in range(2):
        reader.follow(f"{asked}?{quote('# Bonne idée ?')}")
    (one,) = Comment.objects.all()
    assert (one.member_id, one.text) == (den.living.ids[BOB], "# Bonne idée ?")
    page = reader.page(f"/me/actions/{ref}/discussion")
    assert "## Bob Petit, " in page
    assert "### Bonne idée" in page


def test_who_comments_like_a_machine_is_slowed_down(den: Den, ref: str) -> None:
    reader = den.member(BOB)
    for number in range(22):
        question, _, _ = reader.follow(f"/me/actions/{ref}/comment")
        if reader.follow(f"{question}?{number}")[1] == 44:
            return
    raise AssertionError("nobody was slowed down")


# --- revoking ------------------------------------------------------------------------------------


def test_one_revokes_ones_own_certificate(den: Den) -> None:
    reader = den.member(BOB)
    (one,) = ClientCertificate.objects.all()
    path = f"/me/certificates/{one.fingerprint}/revoke"
    assert path in reader.page("/me/certificates")
    assert reader.type(path, "non") == "/me/"
    assert ClientCertificate.objects.exists()
    reader.type(path, "oui")
    assert not ClientCertificate.objects.exists()
    assert reader.ask("/me/certificates")[0] == 61


def test_only_a_steward_revokes_that_of_another(den: Den) -> None:
    bob, chloe, ana = den.member(BOB), den.member(CHLOE), den.member(ANA)
    one = ClientCertificate.objects.get(member=den.living.ids[CHLOE])
    path = f"/me/certificates/{one.fingerprint}/revoke"
    assert path not in bob.page("/me/certificates")
    assert bob.ask(path)[0] == 51
    assert path in ana.page("/me/certificates")
    ana.type(path, "oui")
    assert chloe.ask("/me/certificates")[0] == 61


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["actions", "charter", "decisions", "members", "verify"])
def test_members_read_what_others_may_not(den: Den, ref: str, name: str) -> None:
    den.member(BOB).page(f"/me/{name}")
    assert Reader(den.port).ask(f"/{name}")[0] == 51


def test_what_a_member_reads_is_kept_for_nobody(den: Den, ref: str) -> None:
    den.member(BOB).page(f"/me/actions/{ref}")
    assert Reader(den.port).ask(f"/me/actions/{ref}")[0] == 60
    assert den.stranger().ask(f"/me/actions/{ref}")[0] == 61


# --- on the web and the command line -------------------------------------------------------------


def test_the_web_gives_a_code_and_revokes(
    den: Den,
    client_of: Callable[[str], Client],  # noqa: F811
) -> None:
    client = client_of(BOB)
    page = client.post(den.living.url("capsule/code")).content.decode()
    (code,) = re.findall(r"<code>(\w{5}-\w{5})</code>", page)
    reader = den.stranger()
    assert reader.type("/me/code", code) == "/me/"
    (one,) = ClientCertificate.objects.all()
    assert one.fingerprint in client.get(den.living.url("capsule")).content.decode()
    data = client.get(den.living.url("me/data")).json()
    assert [told["fingerprint"] for told in data["certificates"]] == [one.fingerprint]
    told = {"certificate": one.fingerprint}
    client_of(ANA).post(den.living.url("capsule/revoke"), told)
    assert ClientCertificate.objects.exists()
    client.post(den.living.url("capsule/revoke"), told)
    assert not ClientCertificate.objects.exists()


def test_the_command_line_gives_a_code_lists_and_revokes(den: Den) -> None:
    done = run("capsule", "code", BOB, env=ENGLISH)
    assert done.returncode == 0, done.stderr
    reader = den.stranger()
    assert reader.type("/me/code", done.stdout.splitlines()[0]) == "/me/"
    (one,) = ClientCertificate.objects.all()
    listed = run("capsule", "certificates", env=ENGLISH).stdout
    assert one.fingerprint[:16] in listed
    assert BOB in listed
    assert_one_sentence(
        run("capsule", "certificates", "--revoke", one.fingerprint[:4], env=ENGLISH)
    )
    colons = ":".join(re.findall("..", one.fingerprint.upper()))
    done = run("capsule", "certificates", "--revoke", colons, env=ENGLISH)
    assert done.returncode == 0, done.stderr
    assert reader.ask("/me/certificates")[0] == 61
