"""Whoever wants to see whether the ledger is whole can, here and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client

from toutdoux.actions.models import Action
from toutdoux.core.words import Refusal
from toutdoux.ledger.bundle import Bundle
from toutdoux.ledger.checking import verify_bundle
from toutdoux.ledger.models import Ledger
from toutdoux.web import verification
from toutdoux.web.models import Verified

from .conftest import Living

Clients = Callable[[str], Client]


def test_a_member_verifies_it_and_is_told_that_it_is_whole(
    loutres: Living, client_of: Clients
) -> None:
    bob = client_of("bob")
    assert "It was not verified yet" in bob.get(loutres.url("verify")).content.decode()
    assert bob.post(loutres.url("verify/now")).status_code == 302
    page = bob.get(loutres.url("verify")).content.decode()
    assert "The ledger is whole" in page
    assert Ledger.objects.get(id=loutres.id).head in page


def test_it_is_verified_once_a_minute_at_most(loutres: Living, client_of: Clients) -> None:
    bob = client_of("bob")
    bob.post(loutres.url("verify/now"))
    answer = bob.post(loutres.url("verify/now"))
    assert answer.status_code == 429
    assert "less than 1 minute ago" in answer.content.decode()


def test_what_differs_is_said_to_everybody_who_looks(loutres: Living, client_of: Clients) -> None:
    ref = loutres.propose("ordinary", "Acheter deux disques", "ana")
    Action.objects.filter(ref=ref).update(votes_for=3)
    client_of("bob").post(loutres.url("verify/now"))
    page = client_of("chloe").get(loutres.url("verify")).content.decode()
    assert "Something is not what was recorded" in page
    assert ref in page
    assert Verified.objects.get(association=loutres.id).problem


def test_a_long_ledger_is_verified_by_another_process(
    loutres: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "SHORT", 0)
    assert verification.verify_now(loutres.id, datetime.now(UTC)).problem == ""
    ref = loutres.propose("ordinary", "Acheter deux disques", "ana")
    Action.objects.filter(ref=ref).update(votes_for=3)
    assert ref in verification.verify_now(loutres.id, datetime.now(UTC)).problem


def test_it_is_verified_by_itself_once_a_day(loutres: Living) -> None:
    now, day = datetime.now(UTC), timedelta(days=1)
    verification.verify_nightly(now, day)
    assert Verified.objects.get(association=loutres.id).at == now
    verification.verify_nightly(now + day / 2, day)
    assert Verified.objects.get(association=loutres.id).at == now
    verification.verify_nightly(now + day, day)
    assert Verified.objects.get(association=loutres.id).at == now + day


def test_a_verification_that_cannot_be_finished_is_tried_again_later(
    loutres: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Refusal(verification.say("no"), verification.say("no"))

    monkeypatch.setattr(verification, "verify_now", fail)
    now, day = datetime.now(UTC), timedelta(days=1)
    verification.verify_nightly(now, day)
    assert not verification.is_running(loutres.id)
    monkeypatch.undo()
    verification.verify_nightly(now + timedelta(seconds=2), day)
    assert not Verified.objects.exists()
    verification.verify_nightly(now + timedelta(minutes=11), day)
    assert Verified.objects.exists()


def test_the_bundle_can_be_verified_elsewhere(
    loutres: Living, client_of: Clients, tmp_path: Path
) -> None:
    loutres.propose("ordinary", "Acheter deux disques", "ana")
    answer = client_of("bob").get(loutres.url("verify/bundle"))
    assert 'filename="toutdoux-loutres.jsonl"' in answer["Content-Disposition"]
    file = tmp_path / "b.jsonl"
    file.write_bytes(b"".join(answer))
    assert b"Acheter" not in file.read_bytes()
    ledger = Ledger.objects.get(id=loutres.id)
    assert verify_bundle(Bundle(file), lambda _: None).head == ledger.head


def test_the_public_may_see_the_head_but_neither_the_bundle_nor_the_button(
    loutres: Living,
) -> None:
    from toutdoux.actions import commands

    visitor = Client()
    assert visitor.get(loutres.url("verify")).status_code == 302
    commands.change_settings(loutres.request(), {"public_actions": True})
    page = visitor.get(loutres.url("verify")).content.decode()
    assert Ledger.objects.get(id=loutres.id).head in page
    assert "verify/now" not in page
    assert visitor.get(loutres.url("verify/bundle")).status_code == 302
    assert visitor.post(loutres.url("verify/now")).status_code == 302
