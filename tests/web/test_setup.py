"""The first start: a link that founds the association, once; and the demo."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client

from tests.cli.running import ENGLISH, assert_one_sentence, run
from toutdoux.actions import commands
from toutdoux.actions.models import Action
from toutdoux.association.models import Association, Member
from toutdoux.association.settings import settings_of
from toutdoux.association.stewards import stewards
from toutdoux.core.replay import UNDECIDED
from toutdoux.ledger.models import Entry
from toutdoux.web.accounts import first_link
from toutdoux.web.demo import prepare_demo
from toutdoux.web.models import Account, FirstLink, Seat

from .conftest import Living

TOLD = {
    "name": "Les Loutres libres",
    "slug": "",
    "time_zone": "America/Montreal",
    "language": "fr",
    "charter": "lazy-consensus",
    "member": "Ana Brun",
    "email": "Ana@example.org",
    "password": "un-mot-de-passe-long",
}


def now() -> datetime:
    return datetime.now(UTC)


def link() -> str:
    made = first_link(now())
    assert made is not None
    return made


def visitor(language: str = "en") -> Client:
    return Client(headers={"accept-language": language}, SERVER_NAME="localhost")


def test_the_first_link_founds_the_association(both_databases: Path) -> None:
    client = visitor()
    address = link()
    page = client.get(address).content.decode()
    assert page.count('type="radio" name="charter"') == 3
    assert '<option value="Europe/Paris" selected>' in page
    answer = client.post(address, TOLD)
    association = Association.objects.get()
    assert answer.headers["Location"] == "/a/les-loutres-libres/"
    assert (association.time_zone, association.language) == ("America/Montreal", "fr")
    ana = Member.objects.get()
    assert (ana.name, ana.founder, ana.email) == ("Ana Brun", True, "ana@example.org")
    assert stewards(association.pk, now().date()) == {ana.id}
    today = client.get("/a/les-loutres-libres/").content.decode()
    assert "add the other founders" in today
    assert Seat.objects.get().account.email == "ana@example.org"
    assert settings_of(association).public_anything is False
    last = json.loads(bytes(Entry.objects.latest("seq").body))
    assert (last["kind"], last["by"]) == ("account.claimed", ana.id)


def test_who_comes_before_it_is_founded_is_told_where_the_link_is(home: Path) -> None:
    answer = visitor().get("/")
    assert answer.status_code == 200
    assert "toutdoux serve" in answer.content.decode()
    visitor().post(link(), TOLD)
    assert visitor().get("/").headers["Location"] == "/account/login/"


def test_it_works_once(home: Path) -> None:
    address = link()
    visitor().post(address, TOLD)
    again = visitor().post(address, {**TOLD, "name": "Autre"})
    assert again.status_code == 404
    assert visitor().get(address).status_code == 404
    assert Association.objects.count() == 1
    assert first_link(now()) is None


def test_a_new_start_makes_a_new_link_and_the_old_one_is_over(home: Path) -> None:
    first, second = link(), link()
    assert first != second
    assert visitor().get(first).status_code == 404
    assert visitor().get(second).status_code == 200
    assert second.rpartition("/")[2] != FirstLink.objects.get().code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("slug", "Été à la mer"),
        ("time_zone", "Europe/Nowhere"),
        ("language", "tlh"),
        ("charter", "none"),
        ("member", ""),
        ("email", "ana"),
        ("password", "court"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_made(
    home: Path, field: str, value: str
) -> None:
    answer = visitor().post(link(), {**TOLD, field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'id="p-{field}"' in page
    assert "Les Loutres libres" in page or field == "name"
    assert TOLD["password"] not in page
    assert not Association.objects.exists()
    assert not Account.objects.exists()


def test_a_name_that_no_ledger_keeps_is_refused(home: Path) -> None:
    answer = visitor().post(link(), {**TOLD, "member": "A\0na"})
    assert answer.status_code in (400, 409, 422)
    assert not Association.objects.exists()
    assert FirstLink.objects.get().used is None


# --- the demo ------------------------------------------------------------------------------------


@pytest.fixture
def demo(home: Path, monkeypatch: pytest.MonkeyPatch) -> Association:
    from django.conf import settings

    monkeypatch.setattr(settings, "DEMO", True)
    prepare_demo(now())
    return Association.objects.get()


def test_the_demo_has_something_to_vote_on_and_a_seat_for_everybody(demo: Association) -> None:
    assert Action.objects.filter(association=demo, state__in=UNDECIDED).count() >= 3
    page = visitor().get("/demo").content.decode()
    assert page.count('name="member"') == Seat.objects.count() > 20
    assert stewards(demo.pk, now().date())


def test_in_the_demo_one_is_whom_one_likes(demo: Association) -> None:
    client = visitor()
    zoe = Member.objects.get(handle="zoe")
    address = client.post("/demo", {"member": zoe.id}).headers["Location"]
    page = client.get(address).content.decode()
    assert "Zoé Lanneau" in page
    assert 'href="/demo"' in page
    odile = Member.objects.get(handle="odile")
    page = client.get(client.post("/demo", {"member": odile.id}).headers["Location"])
    assert "Odile Marchesseau" in page.content.decode()
    assert client.post("/demo", {"member": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    ("use_tu", "strip", "said"),
    [
        (True, "et tu y es Zoé", "Tu es maintenant Zoé"),
        (False, "et vous y êtes Zoé", "Vous êtes maintenant Zoé"),
    ],
)
def test_the_demo_speaks_as_its_association_does(
    demo: Association, use_tu: bool, strip: str, said: str
) -> None:
    request = commands.Request(association=demo.pk, now=now(), via="cli")
    commands.change_settings(request, {"use_tu": use_tu})
    zoe = Member.objects.get(association=demo, handle="zoe")
    client = visitor()
    client.cookies["lang"] = "fr"
    page = client.get(client.post("/demo", {"member": zoe.id}).headers["Location"])
    assert strip in page.content.decode()
    assert said in page.content.decode()


def test_the_demo_is_made_once(demo: Association) -> None:
    before = Entry.objects.count()
    prepare_demo(now())
    assert Entry.objects.count() == before
    assert Association.objects.count() == 1


def test_outside_the_demo_nobody_chooses_whom_to_be(loutres: Living) -> None:
    assert visitor().get("/demo").status_code == 404
    assert visitor().post("/demo", {"member": loutres.ids["ana"]}).status_code == 404
    assert "strip" not in visitor().get("/account/login/").content.decode()


# --- the command line lets somebody back in ------------------------------------------------------


def test_the_command_line_makes_a_link_that_lets_somebody_in(loutres: Living, home: Path) -> None:
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home), "TOUTDOUX_URL": "https://vote.example.org"}
    done = run("invite", "bob", env=env)
    assert done.returncode == 0, done.stderr
    assert "new password" in done.stderr
    address = done.stdout.strip()
    assert re.fullmatch(r"https://vote\.example\.org/join/[\w-]{32}", address)
    client = visitor()
    path = address.removeprefix("https://vote.example.org")
    client.post(path, {"password": "tout-un-autre-mot"})
    assert client.get(loutres.url()).status_code == 200
    used, made = (json.loads(bytes(one.body)) for one in Entry.objects.order_by("-seq")[:2])
    assert (made["kind"], made["via"], "operator" in made) == ("member.invited", "cli", True)
    assert (used["kind"], used["by"]) == ("account.claimed", loutres.ids["bob"])


def test_only_members_get_such_a_link(loutres: Living, home: Path) -> None:
    env = {**ENGLISH, "TOUTDOUX_HOME": str(home)}
    assert_one_sentence(run("invite", "nobody", env=env), "nobody")
    assert_one_sentence(run("invite", "bob", "--email", "bob", env=env), "e-mail address")
    run("member", "leave", "bob", env=env)
    assert_one_sentence(run("invite", "bob", env=env), "no member now")
