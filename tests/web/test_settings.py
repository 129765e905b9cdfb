"""Settings: référent·es change them in their own name, and each change is an entry."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from toutdoux.association.models import Association, Period
from toutdoux.association.settings import Settings, settings_of
from toutdoux.ledger.models import Entry

from .conftest import Living
from .english import signed_in

Clients = Callable[[str], Client]


@pytest.fixture
def client_of(home: Path) -> Clients:
    return signed_in


def kept(living: Living) -> Settings:
    return settings_of(Association.objects.get(pk=living.id))


def last_entry(living: Living) -> str:
    return bytes(Entry.objects.filter(ledger=living.id).latest("seq").body).decode()


def test_name_time_zone_and_language_are_changed_by_somebody(
    loutres: Living, client_of: Clients
) -> None:
    form = {"name": "Les Loutres", "time_zone": "europe/brussels", "language": "en"}
    assert client_of("ana").post(loutres.url("settings/association"), form).status_code == 302
    row = Association.objects.get(pk=loutres.id)
    assert (row.name, row.time_zone, row.language) == ("Les Loutres", "Europe/Brussels", "en")
    assert f'"by":"{loutres.ids["ana"]}"' in last_entry(loutres)


def test_what_stays_the_same_is_no_entry(loutres: Living, client_of: Clients) -> None:
    before = Entry.objects.count()
    form = {"name": "Les Loutres libres", "time_zone": "Europe/Paris", "language": "fr"}
    client_of("ana").post(loutres.url("settings/association"), form)
    client_of("ana").post(loutres.url("settings/public"), {})
    client_of("ana").post(loutres.url("settings/spoken"), {"use_tu": "1"})
    client_of("ana").post(loutres.url("settings/answers"), {})
    assert Entry.objects.count() == before


def test_a_time_zone_that_is_none_is_said_beside_it(loutres: Living, client_of: Clients) -> None:
    form = {"name": "Les Autres", "time_zone": "Europe/Pariss", "language": "fr"}
    response = client_of("ana").post(loutres.url("settings/association"), form)
    page = response.content.decode()
    assert response.status_code == 422
    assert re.search('id="p-time_zone">[^<]*Europe/Paris', page)
    assert 'value="Les Autres"' in page
    assert Association.objects.get(pk=loutres.id).name == "Les Loutres libres"


def test_switches_and_texts_are_set(loutres: Living, client_of: Clients) -> None:
    ana = client_of("ana")
    ana.post(loutres.url("settings/public"), {"public_charter": "1"})
    ana.post(loutres.url("settings/spoken"), {})
    form = {"publisher": "Les Loutres\r\n1 rue de l'Eau", "contact": ""}
    ana.post(loutres.url("settings/answers"), form)
    told = kept(loutres)
    assert told.public_charter
    assert not told.public_actions
    assert not told.use_tu
    assert told.publisher == "Les Loutres\n1 rue de l'Eau"


def test_a_contact_that_is_none_is_said_beside_it(loutres: Living, client_of: Clients) -> None:
    form = {"publisher": "Les Loutres", "contact": "over there"}
    response = client_of("ana").post(loutres.url("settings/answers"), form)
    assert response.status_code == 422
    assert re.search('id="p-contact">[^<]*over there', response.content.decode())
    assert not kept(loutres).publisher


def test_the_whole_address_of_what_is_public_is_shown(loutres: Living, client_of: Clients) -> None:
    page = client_of("ana").get(loutres.url("settings")).content.decode()
    assert f"http://localhost:8000{loutres.url('charter')}" in page
    assert f"http://localhost:8000{loutres.url('feed.atom')}" in page
    assert f"http://localhost:8000{loutres.url('calendar.ics')}" in page
    assert f"http://localhost:8000{loutres.url('verify')}" in page


def test_a_period_is_named_changed_and_taken_back(loutres: Living, client_of: Clients) -> None:
    client = client_of("ana")
    form = {"name": "P21", "first": "2021-02-01", "last": "2021-07-18"}
    client.post(loutres.url("settings/periods"), form)
    client.post(loutres.url("settings/periods"), form | {"last": "2021-07-19"})
    assert Period.objects.get().last == date(2021, 7, 19)
    client.post(loutres.url("settings/periods/remove"), {"name": "P21"})
    assert not Period.objects.exists()
    gone = client.post(loutres.url("settings/periods/remove"), {"name": "P21"})
    assert gone.status_code == 409


def test_a_period_that_ends_before_it_begins_is_refused(
    loutres: Living, client_of: Clients
) -> None:
    form = {"name": "P21", "first": "2021-07-18", "last": "2021-02-01"}
    response = client_of("ana").post(loutres.url("settings/periods"), form)
    assert response.status_code == 422
    assert 'value="2021-07-18"' in response.content.decode()
    assert re.search('id="p-last">[^<]*ends before it begins', response.content.decode())
    assert not Period.objects.exists()


def test_days_are_needed_for_a_period(loutres: Living, client_of: Clients) -> None:
    response = client_of("ana").post(loutres.url("settings/periods"), {"name": "P21"})
    assert response.status_code == 422
    assert response.content.decode().count("Choose a day") == 2


def test_somebody_who_is_steward_no_more_changes_nothing(
    loutres: Living, client_of: Clients
) -> None:
    before = Entry.objects.count()
    form = {"name": "Les Castors", "time_zone": "Europe/Paris", "language": "fr"}
    assert client_of("bob").post(loutres.url("settings/association"), form).status_code == 403
    assert Entry.objects.count() == before
