"""Who gets in, and how: invitations, passwords, codes, addresses, passkeys, what is shut."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from toutdoux.actions import commands
from toutdoux.association.models import Member
from toutdoux.ledger.models import Entry
from toutdoux.web import accounts, tokens
from toutdoux.web.forms import Form
from toutdoux.web.models import Account, Invitation, Letter, Seat, Token

from .conftest import PASSWORD, Living

EVE = {"email": "eve@example.org", "password": "un-mot-de-passe-long"}
CONCLUDED = 302


@pytest.fixture(autouse=True)
def _attempts_forgotten() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    monkeypatch.setattr(settings, "MAIL_IS_SENT", True)
    monkeypatch.setattr(settings, "ACCOUNT_LOGIN_BY_CODE_ENABLED", True)


@pytest.fixture
def eve(loutres: Living) -> Member:
    """A member without an account."""
    id = commands.add_member(loutres.request(), "Ève Morin", handle="eve")
    return Member.objects.get(pk=id)


def now() -> datetime:
    return datetime.now(UTC)


def invite(member: Member, email: str, at: datetime | None = None) -> str:
    """The link that the command line makes."""
    asks = commands.Request(association=member.association_id, now=at or now(), via="cli")
    return accounts.invite(asks, member, email)


def path_of(link: str) -> str:
    return re.sub(r"^https?://[^/]+", "", link)


def visitor(language: str = "en") -> Client:
    return Client(headers={"accept-language": language}, SERVER_NAME="localhost")


def signed_in(email: str, password: str) -> Client:
    client = visitor()
    assert client.post("/account/login/", {"login": email, "password": password}).status_code == 302
    return client


def letters(to: str) -> list[Letter]:
    return list(Letter.objects.filter(to=to))


# --- invitations ---------------------------------------------------------------------------------


def test_an_invitation_makes_an_account_that_is_the_member(loutres: Living, eve: Member) -> None:
    client = visitor()
    link = path_of(invite(eve, ""))
    page = client.get(link).content.decode()
    assert "Ève Morin" in page
    assert "Les Loutres libres" in page
    assert not Seat.objects.filter(member=eve).exists()
    answer = client.post(link, EVE)
    assert answer.headers["Location"] == loutres.url()
    assert Seat.objects.get(member=eve).account.email == EVE["email"]
    assert "Welcome, Ève Morin" in client.get(loutres.url()).content.decode()


def test_an_account_is_an_entry_of_its_member_that_all_members_see(
    loutres: Living, eve: Member, client_of: Callable[[str], Client]
) -> None:
    link = path_of(invite(eve, ""))
    assert "the other members see" in visitor().get(link).content.decode()
    visitor().post(link, EVE)
    body = json.loads(bytes(Entry.objects.latest("seq").body))
    assert (body["kind"], body["by"], body["via"]) == ("account.claimed", eve.pk, "web")
    page = client_of("bob").get(loutres.url("members/eve")).content.decode()
    assert "Invited by whoever runs the server" in page
    assert "Chose how to sign in" in page
    assert "has an account since" in page


def test_a_link_of_somebody_who_left_meanwhile_makes_no_account(
    loutres: Living, eve: Member
) -> None:
    link = path_of(invite(eve, ""))
    commands.end_membership(loutres.request(), eve.pk)
    answer = visitor().post(link, EVE)
    assert answer.status_code == 409
    assert "Eve is no member" in answer.content.decode()
    assert not Account.objects.filter(email=EVE["email"]).exists()
    assert Invitation.objects.get(member=eve).used is None


def test_only_the_digest_of_a_link_is_kept(eve: Member) -> None:
    link = invite(eve, "")
    code = link.rpartition("/")[2]
    assert Invitation.objects.get(member=eve).code == accounts.hashed(code) != code


def test_an_invitation_works_once(eve: Member) -> None:
    link = path_of(invite(eve, ""))
    visitor().post(link, EVE)
    again = visitor().post(link, {"email": "mallory@example.org", "password": EVE["password"]})
    assert again.status_code == 410
    assert "works no more" in again.content.decode()
    assert not Account.objects.filter(email="mallory@example.org").exists()


@pytest.fixture
def overtaken(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something happen between the look at a form and what it does."""

    def overtake(does: Callable[[], object]) -> None:
        taking = Form.taking

        def late(self: Form, *about: str) -> AbstractContextManager[None]:
            monkeypatch.setattr(Form, "taking", taking)
            does()
            return taking(self, *about)

        monkeypatch.setattr(Form, "taking", late)

    return overtake


def test_of_two_who_take_an_address_at_once_the_second_is_told(
    eve: Member, overtaken: Callable[[Callable[[], object]], None]
) -> None:
    link = path_of(invite(eve, ""))
    overtaken(lambda: Account.objects.create_user(EVE["email"], None, created=now()))
    answer = visitor().post(link, EVE)
    assert answer.status_code == 422
    assert "There is an account with this address already" in answer.content.decode()
    assert Invitation.objects.get(member=eve).used is None


def test_who_takes_up_two_invitations_at_once_has_one_place(
    eve: Member, overtaken: Callable[[Callable[[], object]], None], loutres: Living
) -> None:
    account = Account.objects.create_user("eve@example.org", EVE["password"], created=now())
    client = visitor()
    client.force_login(account, "allauth.account.auth_backends.AuthenticationBackend")
    other = Member.objects.get(pk=commands.add_member(loutres.request(), "Zoé Arc"))
    overtaken(lambda: Seat.objects.create(account=account, member=other, since=now()))
    answer = client.post(path_of(invite(eve, "")), {"mine": "1"})
    assert answer.status_code == 200
    assert "Zoé Arc" in answer.content.decode()
    assert Seat.objects.get(account=account).member == other


def test_an_invitation_ends_after_14_days(eve: Member) -> None:
    link = path_of(invite(eve, "", now() - timedelta(days=14, minutes=1)))
    assert visitor().get(link).status_code == 410
    assert visitor().get("/join/unheard-of").status_code == 410


def test_a_newer_invitation_takes_the_place_of_the_one_before(eve: Member) -> None:
    first = path_of(invite(eve, ""))
    second = path_of(invite(eve, ""))
    assert visitor().get(first).status_code == 410
    assert visitor().get(second).status_code == 200


def test_an_invitation_from_before_the_account_is_no_way_into_it(
    loutres: Living, eve: Member
) -> None:
    link = path_of(invite(eve, ""))
    account = Account.objects.create_user("eve@example.org", PASSWORD, created=now())
    Seat.objects.create(account=account, member=eve, since=now())
    assert visitor().get(link).status_code == 410


def test_a_link_made_later_lets_a_member_back_in_with_a_new_password(loutres: Living) -> None:
    bob = Member.objects.get(handle="bob")
    old = signed_in("bob@example.org", PASSWORD)
    link = path_of(invite(bob, ""))
    client = visitor()
    assert "bob@example.org" in client.get(link).content.decode()
    assert client.post(link, {"password": "tout-un-autre-mot"}).status_code == CONCLUDED
    assert client.get(loutres.url()).status_code == 200
    assert old.get(loutres.url()).status_code == 302  # that session is over
    signed_in("bob@example.org", "tout-un-autre-mot")


def test_what_is_wrong_is_said_beside_the_field_and_what_was_typed_stays(eve: Member) -> None:
    link = path_of(invite(eve, ""))
    answer = visitor("fr").post(link, {"email": "eve", "password": "court"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="eve"' in page
    assert 'id="p-email"' in page
    answer = visitor("fr").post(link, {"email": "eve@example.org", "password": "court"})
    page = answer.content.decode()
    assert "trop court" in page
    assert 'value="eve@example.org"' in page
    assert "court" not in re.findall(r'name="password"[^>]*', page)[0]
    assert Invitation.objects.get(member=eve).used is None


def test_an_address_that_has_an_account_signs_in_first(loutres: Living, eve: Member) -> None:
    link = path_of(invite(eve, ""))
    answer = visitor().post(link, {**EVE, "email": "BOB@example.org"})
    assert answer.status_code == 422
    assert "there is an account with this address already" in answer.content.decode().lower()


def test_whoever_is_signed_in_ties_their_own_account(loutres: Living, eve: Member) -> None:
    Account.objects.create_user("else@example.org", PASSWORD, created=now())
    client = signed_in("else@example.org", PASSWORD)
    link = path_of(invite(eve, ""))
    assert "else@example.org" in client.get(link).content.decode()
    assert client.post(link, {"mine": "1"}).status_code == CONCLUDED
    assert Seat.objects.get(member=eve).account.email == "else@example.org"


def test_nobody_is_two_members_of_one_association(
    loutres: Living, eve: Member, client_of: Callable[[str], Client]
) -> None:
    client = client_of("bob")
    link = path_of(invite(eve, ""))
    assert "nobody is two" in client.get(link).content.decode()
    client.post(link, {"mine": "1"})
    assert not Seat.objects.filter(member=eve).exists()


def test_an_invitation_is_mailed_where_mail_is_sent(
    loutres: Living, eve: Member, mail: None
) -> None:
    link = invite(eve, "eve@example.org")
    (letter,) = letters("eve@example.org")
    assert link in letter.text
    assert link in letter.html
    assert "Ève Morin" in letter.text


def test_without_a_mail_server_the_link_is_all_there_is(eve: Member) -> None:
    invite(eve, "eve@example.org")
    assert not Letter.objects.exists()


# --- signing in ----------------------------------------------------------------------------------


def test_one_signs_in_with_address_and_password(loutres: Living) -> None:
    client = signed_in("Bob@Example.org", PASSWORD)
    assert client.get("/").headers["Location"] == loutres.url()


def test_after_signing_in_one_is_where_one_wanted_to_go(loutres: Living) -> None:
    client = visitor()
    asked = client.get(loutres.url("members")).headers["Location"]
    page = client.get(asked).content.decode()
    assert f'value="{loutres.url("members")}"' in page
    told = {"login": "bob@example.org", "password": PASSWORD, "next": loutres.url("members")}
    assert client.post("/account/login/", told).headers["Location"] == loutres.url("members")
    elsewhere = visitor().post("/account/login/", {**told, "next": "https://evil.example/"})
    assert elsewhere.headers["Location"] == "/"


def test_the_session_is_another_one_after_signing_in(loutres: Living) -> None:
    client = visitor()
    session = client.session
    session["something"] = 1
    session.save()
    before = client.cookies["toutdoux"].value
    client.post("/account/login/", {"login": "bob@example.org", "password": PASSWORD})
    assert client.cookies["toutdoux"].value != before


@pytest.mark.parametrize(("language", "words"), [("fr", "mot de passe"), ("en", "password")])
def test_a_wrong_password_is_told_in_the_pages_language(
    loutres: Living, language: str, words: str
) -> None:
    told = {"login": "bob@example.org", "password": "wrong"}
    page = visitor(language).post("/account/login/", told).content.decode()
    problem = re.findall(r'role="alert"><p>(.*?)</p>', page)
    assert len(problem) == 1
    assert words in problem[0]
    assert 'value="bob@example.org"' in page


def test_after_many_wrong_passwords_one_waits(loutres: Living) -> None:
    client = visitor("en")
    told = {"login": "bob@example.org", "password": "wrong"}
    for _ in range(5):
        client.post("/account/login/", told)
    page = client.post("/account/login/", {**told, "password": PASSWORD})
    assert "Too many failed login attempts" in page.content.decode()


def test_a_machine_that_tries_is_asked_to_wait_in_a_sentence(loutres: Living) -> None:
    client = visitor("en")
    for number in range(31):
        answer = client.post("/account/login/", {"login": f"{number}@example.org", "password": "x"})
    assert answer.status_code == 429
    assert "wait a few minutes" in answer.content.decode().lower()


def test_after_three_wrong_codes_one_is_told_to_begin_again(loutres: Living, mail: None) -> None:
    client = visitor()
    client.post("/account/login/code/", {"email": "bob@example.org"})
    for _ in range(3):
        answer = client.post("/account/login/code/confirm/", {"code": "nonsense"})
    assert answer["Location"] == "/account/login/code/"
    page = client.get(answer["Location"]).content.decode()
    assert "The code was wrong too often: ask for another." in page


def test_a_code_by_mail_signs_in(loutres: Living, mail: None) -> None:
    client = visitor()
    assert "Send me a code" in client.get("/account/login/").content.decode()
    client.post("/account/login/code/", {"email": "bob@example.org"})
    (letter,) = letters("bob@example.org")
    (code,) = re.findall(r"^    (\S+)$", letter.text, re.MULTILINE)
    page = client.get("/account/login/code/confirm/").content.decode()
    assert "bob@example.org" in page
    wrong = client.post("/account/login/code/confirm/", {"code": "nonsense"})
    assert wrong.status_code == 200
    assert client.post("/account/login/code/confirm/", {"code": code}).status_code == CONCLUDED
    assert client.get(loutres.url()).status_code == 200


def test_whether_an_address_has_an_account_is_told_to_that_address_only(
    loutres: Living, mail: None
) -> None:
    known = visitor().post("/account/login/code/", {"email": "bob@example.org"})
    unknown = visitor().post("/account/login/code/", {"email": "nobody@example.org"})
    assert known.headers["Location"] == unknown.headers["Location"]
    (letter,) = letters("nobody@example.org")
    assert "invitation" in letter.text


def test_without_a_mail_server_no_code_is_offered(loutres: Living) -> None:
    assert "code" not in visitor().get("/account/login/").content.decode()
    assert visitor().get("/account/login/code/").status_code == 404
    assert visitor().post("/account/login/code/", {"email": "bob@example.org"}).status_code == 404


def test_signing_out_asks_first_and_is_a_post(loutres: Living) -> None:
    client = signed_in("bob@example.org", PASSWORD)
    client.get("/account/logout/")
    assert client.get(loutres.url()).status_code == 200
    client.post("/account/logout/")
    assert client.get(loutres.url()).status_code == 302


def test_whoever_left_sees_nothing_of_the_association_any_more(loutres: Living) -> None:
    client = signed_in("bob@example.org", PASSWORD)
    commands.end_membership(loutres.request(), loutres.ids["bob"])
    assert client.get(loutres.url()).status_code == 403
    assert client.get(loutres.url("members")).status_code == 403
    home = client.get("/")
    assert home.status_code == 200
    assert "Loutres" not in home.content.decode()
    assert 'action="/account/logout/"' in home.content.decode()


# --- passwords and addresses ---------------------------------------------------------------------


def test_a_forgotten_password_is_chosen_anew_by_a_link_in_a_mail(
    loutres: Living, mail: None
) -> None:
    client = visitor()
    client.post("/account/password/reset/", {"email": "bob@example.org"})
    (letter,) = letters("bob@example.org")
    (link,) = re.findall(r"^http\S+$", letter.text, re.MULTILINE)
    form = client.get(path_of(link), follow=True)
    address = form.redirect_chain[-1][0]
    assert "New password" in form.content.decode()
    differ = {"password1": "une-suite-de-mots", "password2": "une-autre-suite"}
    assert client.post(address, differ).status_code == 200
    same = {"password1": "une-suite-de-mots", "password2": "une-suite-de-mots"}
    assert client.post(address, same).status_code == CONCLUDED
    signed_in("bob@example.org", "une-suite-de-mots")
    again = visitor().get(path_of(link), follow=True).content.decode()
    assert "used already" in again


def test_without_a_mail_server_the_page_says_who_can_help(loutres: Living) -> None:
    page = visitor().get("/account/password/reset/").content.decode()
    assert "toutdoux invite" in page
    assert "<form" not in page.split("</main>")[0].split("<main")[1]
    told = {"email": "bob@example.org"}
    assert visitor().post("/account/password/reset/", told).status_code == 404


def test_a_password_is_changed_by_whoever_knows_it(loutres: Living) -> None:
    client = signed_in("bob@example.org", PASSWORD)
    new = {"password1": "une-suite-de-mots", "password2": "une-suite-de-mots"}
    refused = client.post("/account/password/change/", {"oldpassword": "wrong", **new})
    assert refused.status_code == 200
    assert 'id="p-oldpassword"' in refused.content.decode()
    assert (
        client.post("/account/password/change/", {"oldpassword": PASSWORD, **new}).status_code
        == CONCLUDED
    )
    assert "Votre mot de passe est changé" in client.get("/", follow=True).content.decode()


def reauthenticated(email: str) -> Client:
    client = signed_in(email, PASSWORD)
    asked = client.get("/account/email/")
    assert asked.headers["Location"].startswith("/account/reauthenticate/")
    assert client.get(asked.headers["Location"]).status_code == 200
    client.post("/account/reauthenticate/", {"password": PASSWORD, "next": "/account/email/"})
    return client


def test_an_address_is_changed_at_once_where_no_mail_is_sent(loutres: Living) -> None:
    client = reauthenticated("bob@example.org")
    assert client.get("/account/email/").status_code == 200
    taken = client.post("/account/email/", {"email": "ana@example.org"})
    assert taken.status_code == 422
    client.post("/account/email/", {"email": "Robert@example.org"})
    signed_in("robert@example.org", PASSWORD)


def test_an_address_is_confirmed_first_where_mail_is_sent(loutres: Living, mail: None) -> None:
    client = reauthenticated("bob@example.org")
    client.post("/account/email/", {"email": "robert@example.org"})
    assert Account.objects.filter(email="bob@example.org").exists()
    (letter,) = letters("robert@example.org")
    (link,) = re.findall(r"^http\S+$", letter.text, re.MULTILINE)
    assert visitor().get(path_of(link)).status_code == 200
    assert Account.objects.filter(email="bob@example.org").exists()
    visitor().post(path_of(link))
    assert Account.objects.filter(email="robert@example.org").exists()
    assert len(letters("bob@example.org")) == 1
    assert visitor().post(path_of(link)).status_code == 404


# --- passkeys ------------------------------------------------------------------------------------


def test_a_passkey_needs_no_inline_script(loutres: Living) -> None:
    client = signed_in("bob@example.org", PASSWORD)
    to = "/account/2fa/webauthn/add/"
    assert client.get(to).headers["Location"].startswith("/account/reauthenticate/")
    client.post("/account/reauthenticate/", {"password": PASSWORD, "next": to})
    answer = client.get(to)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert '"challenge":' in page
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    for script in re.findall(r"<script([^>]*)>", page):
        assert "src=" in script or 'type="application/json"' in script
    refused = client.post(to, {"name": "mon téléphone", "credential": "{}", "passwordless": "on"})
    assert refused.status_code == 200


def test_a_browser_asks_for_what_to_sign(loutres: Living) -> None:
    answer = visitor().get("/account/2fa/webauthn/login/", headers={"accept": "application/json"})
    assert "challenge" in answer.json()["request_options"]["publicKey"]
    wrong = visitor().post("/account/2fa/webauthn/login/", {"credential": "{}"})
    assert wrong.headers["Location"] == "/account/login/"


# --- signing in elsewhere ------------------------------------------------------------------------


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    told = {"provider_id": "oidc", "name": "SSO", "client_id": "x", "secret": "y"}
    told["settings"] = {"server_url": "https://sso.example.org"}  # type: ignore[assignment]
    monkeypatch.setattr(settings, "SOCIALACCOUNT_PROVIDERS", {"openid_connect": {"APPS": [told]}})


def social(email: str, *, verified: bool, process: str = "login") -> Any:
    from allauth.account.models import EmailAddress
    from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
    from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider

    app = SocialApp(provider="openid_connect", provider_id="oidc", name="SSO", client_id="x")
    login = SocialLogin(
        user=Account(email=email, created=now()),
        account=SocialAccount(provider="oidc", uid=email),
        email_addresses=[EmailAddress(email=email, verified=verified, primary=True)],
        provider=OpenIDConnectProvider(None, app=app),
    )
    login.state = {"process": process}
    return login


def returns(client: Client, login: Any) -> tuple[Any, Any]:
    """What happens when somebody comes back from the provider. Returns request and answer."""
    from allauth.core import context
    from allauth.socialaccount.internal.flows.login import complete_login
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest

    from toutdoux.language import Language
    from toutdoux.web.middleware import Left

    request: Any = HttpRequest()
    request.method = "GET"
    request.path = request.path_info = "/account/oidc/oidc/login/callback/"
    request.META = {"REMOTE_ADDR": "127.0.0.1", "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request.session = client.session
    request.user = AnonymousUser()
    request.now, request.language = now(), Language("en")
    request.COOKIES, request.left = {}, Left(request)
    with context.request_context(request):
        return request, complete_login(request, login)


def test_a_verified_address_ties_the_account_that_has_it(loutres: Living, provider: None) -> None:
    request, answer = returns(visitor(), social("bob@example.org", verified=True))
    assert answer.status_code == CONCLUDED
    assert request.user.email == "bob@example.org"


def test_what_signed_in_before_an_address_was_verified_does_so_no_longer_and_it_is_told(
    loutres: Living, provider: None
) -> None:
    from allauth.mfa.models import Authenticator

    bob = Account.objects.get(email="bob@example.org")
    Authenticator.objects.create(user=bob, type=Authenticator.Type.WEBAUTHN, data={})
    tokens.make(Seat.objects.get(account=bob), "robot", now(), writes=True)
    before = signed_in("bob@example.org", PASSWORD)
    request, _ = returns(visitor(), social("bob@example.org", verified=True))
    bob.refresh_from_db()
    assert request.user == bob
    assert not bob.has_usable_password()
    assert not Authenticator.objects.exists()
    assert not Token.objects.exists()
    assert before.get(loutres.url()).status_code == CONCLUDED  # to sign in
    assert "work no longer" in request.left.text

    bob.set_password(PASSWORD)
    bob.save()
    request, _ = returns(visitor(), social("bob@example.org", verified=True))
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)
    assert not request.left.text


def test_an_address_that_an_invitation_was_mailed_to_is_verified(
    loutres: Living, eve: Member, provider: None, mail: None
) -> None:
    visitor().post(path_of(invite(eve, "Eve@example.org")), EVE)
    request, _ = returns(visitor(), social("eve@example.org", verified=True))
    assert request.user.email == "eve@example.org"
    assert request.user.check_password(EVE["password"])
    assert not request.left.text


def test_an_address_that_was_typed_is_not_verified_by_an_invitation_to_another(
    loutres: Living, eve: Member, provider: None, mail: None
) -> None:
    visitor().post(path_of(invite(eve, "eve@elsewhere.example")), EVE)
    request, _ = returns(visitor(), social("eve@example.org", verified=True))
    assert not request.user.has_usable_password()


@pytest.mark.parametrize(
    ("email", "verified"), [("bob@example.org", False), ("stranger@example.org", True)]
)
def test_whoever_is_unknown_is_told_to_ask_for_an_invitation(
    loutres: Living, email: str, verified: bool
) -> None:
    count = Account.objects.count()
    request, answer = returns(visitor(), social(email, verified=verified))
    assert answer.status_code == 403
    assert "Ask a référent·e" in answer.content.decode()
    assert not request.user.is_authenticated
    assert Account.objects.count() == count


def test_an_invitation_lets_somebody_come_from_elsewhere(
    loutres: Living, eve: Member, provider: None
) -> None:
    client = visitor()
    link = path_of(invite(eve, ""))
    assert "Go on with" in client.get(link).content.decode()
    session = client.session
    assert session[accounts.JOINING] == link.rpartition("/")[2]
    request, answer = returns(client, social("eve@example.org", verified=True))
    assert answer.status_code == CONCLUDED
    assert request.user.email == "eve@example.org"
    assert not Seat.objects.filter(member=eve).exists()  # the page asks first


def test_no_page_elsewhere_can_tie_its_account_to_mine(loutres: Living) -> None:
    _, answer = returns(visitor(), social("x@example.org", verified=True, process="connect"))
    assert answer.status_code == 403


# --- what is shut, and what every page looks like ------------------------------------------------


def addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    """Every address under a list of patterns, with something in the place of its arguments."""
    for one in patterns:
        text = str(one.pattern).lstrip("^").rstrip("$").replace("\\Z", "")
        text = re.sub(r"\(\?P<provider_id>[^)]*\)", "oidc", text)
        text = re.sub(r"\(\?P<\w+>(?:[^()]|\([^)]*\))*\)", "1", text)
        text = re.sub(r"<int:\w+>|<str:\w+>|<\w+>", "1", text)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, before + text)
        elif isinstance(one, URLPattern):
            yield before + text


def account_addresses() -> list[str]:
    found = {f"/{one}" for one in addresses(get_resolver().url_patterns)}
    return sorted(one for one in found if one.startswith("/account/"))


def test_no_page_of_accounts_looks_like_anybody_elses(
    loutres: Living, client_of: Callable[[str], Client]
) -> None:
    all_of_them = account_addresses()
    assert len(all_of_them) > 20
    for address in all_of_them:
        for client in (visitor(), client_of("bob")):
            answer = client.get(address)
            assert answer.status_code in (200, 302, 401, 403, 404), address
            if answer.status_code != CONCLUDED and answer.headers["Content-Type"].startswith(
                "text"
            ):
                page = answer.content.decode()
                assert 'class="brand"' in page, address
                assert page.count("<h1") == 1, address


def test_nobody_signs_up_by_themselves(loutres: Living) -> None:
    count = Account.objects.count()
    page = visitor().get("/account/signup/").content.decode()
    assert "by invitation" in page
    told = {"email": "mallory@example.org", "password1": EVE["password"]}
    visitor().post("/account/signup/", told)
    assert Account.objects.count() == count


@pytest.mark.parametrize("address", ["/account/login/", "/account/password/reset/"])
def test_pages_of_accounts_are_in_the_readers_language(loutres: Living, address: str) -> None:
    assert '<html lang="fr"' in visitor("fr").get(address).content.decode()
    assert '<html lang="en"' in visitor("en").get(address).content.decode()


def test_a_form_from_elsewhere_does_nothing(eve: Member) -> None:
    link = path_of(invite(eve, ""))
    assert (
        Client(enforce_csrf_checks=True, SERVER_NAME="localhost").post(link, EVE).status_code == 403
    )
    assert not Seat.objects.filter(member=eve).exists()
