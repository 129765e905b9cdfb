"""The clock: what goes wrong in one place keeps no other waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from toutdoux.actions import commands
from toutdoux.actions.models import Action
from toutdoux.core.words import Refusal, say
from toutdoux.ledger.models import Ledger
from toutdoux.web import clock, mail, notices
from toutdoux.web.models import Letter, Notice

from .conftest import Living, found


@pytest.fixture
def hiboux(loutres: Living) -> Living:
    """A second association."""
    return found("Les Hiboux", "hiboux", {"xena": "Xéna Faure", "yann": "Yann Morel"})


@pytest.fixture
def sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are written, and stay in their queue."""
    from django.conf import settings

    monkeypatch.setattr(settings, "MAIL_IS_SENT", True)
    monkeypatch.setattr(mail, "send_due", lambda *_: 0)


@pytest.mark.parametrize(
    "fault", [KeyError("boom"), Refusal(say("it is not whole"), say("restore it"))]
)
def test_an_association_that_cannot_be_settled_keeps_no_other_waiting(
    loutres: Living, hiboux: Living, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    real = commands.settle

    def settle(request: commands.Request) -> None:
        if request.association == loutres.id:
            raise fault
        real(request)

    monkeypatch.setattr(commands, "settle", settle)
    for one, by in ((loutres, "ana"), (hiboux, "xena")):
        one.propose("extraordinary", "Ouvrir un service", by)
    clock.tick(datetime.now(UTC) + timedelta(days=8))
    assert Ledger.objects.get(pk=loutres.id).due_at is not None
    assert Action.objects.get(association=hiboux.id).state != "open"
    assert Ledger.objects.get(pk=hiboux.id).due_at is None


@pytest.mark.parametrize("step", ["_hear", "_objects"])
def test_an_association_whose_news_cannot_be_told_keeps_no_other_waiting(
    loutres: Living,
    hiboux: Living,
    sent_to: None,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    real: Any = getattr(notices, step)

    def faulty(first: Any, *rest: Any) -> Any:
        if getattr(first, "association", first).slug == "loutres":
            raise KeyError("boom")
        return real(first, *rest)

    now = datetime.now(UTC)
    clock.tick(now)
    monkeypatch.setattr(notices, step, faulty)
    for one, by in ((loutres, "ana"), (hiboux, "xena")):
        one.propose("ordinary", "Acheter deux disques", by)
    clock.tick(now + timedelta(seconds=2))
    assert list(Letter.objects.values_list("to", flat=True)) == ["yann@example.org"]
    monkeypatch.setattr(notices, step, real)
    clock.tick(now + timedelta(seconds=4))
    assert Letter.objects.count() == 4
    assert not Notice.objects.filter(written=None).exists()


def test_a_step_that_fails_does_not_keep_the_next_from_its_turn(
    loutres: Living, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise KeyError("boom")

    turns: list[datetime] = []
    monkeypatch.setattr(notices, "gather", fails)
    monkeypatch.setattr(notices, "write_letters", fails)
    monkeypatch.setattr(mail, "send_due", lambda now, _: turns.append(now))
    clock.tick(datetime.now(UTC))
    assert len(turns) == 1
