"""Stopped at any moment, the bot goes on from there: whoever asked for something is answered."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.chat.rooms import Room

PROPOSAL = "#action-extraordinaire Ouvrir un service de podcasts"


@pytest.fixture
def room(home: Path) -> Room:
    room = Room()
    room.turn()
    return room


def told(room: Room, who: str) -> list[str]:
    return [one.text for one in room.chat.of_bot(f"private {who}")]


def stopped_before_it_answers(
    room: Room, who: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody asks for something in private; the bot is stopped before the answer is kept."""
    from toutdoux.chat.sending import Outbox

    room.chat.says(who, asked, f"private {who}")

    def stop(*told: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Outbox, "put", stop)
        with pytest.raises(KeyboardInterrupt):
            # At once: the message is of this very instant.
            room.brain.hear_all([one for one in room.chat.told if one], room.chat.clock)
    room.start()
    room.turn()


# --- what is done for who asks -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("contre-vote AE1 Trop cher", "The counter-vote on AE1 is called."),
        ("retirer AE1", "AE1 is withdrawn."),
    ],
)
def test_stopped_before_it_answers_it_says_what_it_did(
    room: Room, asked: str, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.chat.says("ana", PROPOSAL)
    room.turn()
    stopped_before_it_answers(room, "ana", asked, monkeypatch)
    assert told(room, "ana") == [answer]


def test_stopped_before_it_welcomes_somebody_it_welcomes_them(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    code = codes.make(request, room.members["driss"])
    stopped_before_it_answers(room, "driss", f"inscription {code}", monkeypatch)
    (welcome,) = told(room, "driss")
    assert "Welcome, Driss Amar" in welcome


# --- what takes long -----------------------------------------------------------------------------


def report_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    from toutdoux.chat import asking
    from toutdoux.chat.asking import Answer

    def report(*asked: object) -> Answer:
        return Answer("The report")

    monkeypatch.setattr(asking, "_report", report)
    monkeypatch.setattr(asking, "_LOOKING", (report,))
    monkeypatch.setitem(asking._COMMANDS, "bilan", report)


@pytest.mark.parametrize("where", ["private ana", "place"])
def test_stopped_while_a_report_is_made_it_is_made_after_the_start(
    room: Room, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat.brain import Brain

    report_is_short(monkeypatch)
    room.brain = Brain(room.place, lambda job: None)
    room.chat.says("ana", "@toutdoux bilan P26" if where == "place" else "bilan P26", where)
    room.turn()
    room.chat.after(minutes=5)
    room.chat.told[:] = [None]  # meanwhile everything is read
    room.turn()
    room.chat.after(minutes=5)
    room.start()
    room.turn()
    assert [one.text for one in room.chat.of_bot(where)] == ["The report"]


def test_what_was_read_goes_on_once_a_report_is_made(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.actions.models import ReadChat
    from toutdoux.chat.brain import Brain

    report_is_short(monkeypatch)
    jobs = []
    room.brain = Brain(room.place, jobs.append)
    asked = room.chat.says("ana", "bilan P26", "private ana")
    room.turn()
    for made in (False, True):
        room.chat.after(minutes=1)
        room.chat.told[:] = [None]
        room.turn()
        read = ReadChat.objects.get().until - room.chat.all[asked].at
        assert (read > timedelta(seconds=10)) is made
        for job in jobs:
            job()


# --- a plain yes ---------------------------------------------------------------------------------


@pytest.fixture
def asked_twice(room: Room) -> Room:
    """Ana is asked whether she withdraws AE1, then whether AE2."""
    for _ in range(2):
        message = room.chat.says("ana", PROPOSAL)
        room.turn()
        room.chat.deletes(message)
        room.turn()
    assert len(told(room, "ana")) == 2
    return room


def test_a_yes_in_words_that_is_read_again_answers_no_other_question(asked_twice: Room) -> None:
    room = asked_twice
    room.chat.says("ana", "oui", "private ana")
    room.turn()
    room.start()
    room.turn()
    assert [room.action(ref).state for ref in ("AE1", "AE2")] == ["open", "withdrawn"]
    assert len(told(room, "ana")) == 2, "and it is understood"


def test_a_second_yes_in_words_answers_the_question_before(asked_twice: Room) -> None:
    room = asked_twice
    for _ in range(2):
        room.chat.says("ana", "oui", "private ana")
    room.turn()
    assert [room.action(ref).state for ref in ("AE1", "AE2")] == ["withdrawn", "withdrawn"]


@pytest.mark.parametrize("before", ["withdraw", "noted"])
def test_stopped_amid_a_yes_in_words_it_does_what_was_asked_and_nothing_else(
    asked_twice: Room, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import models

    room = asked_twice
    room.chat.says("ana", "oui", "private ana")

    def stop(*told: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        if before == "withdraw":
            patched.setattr(commands, "withdraw", stop)
        else:  # it is done, and not noted that it was
            withdraw = commands.withdraw

            def withdraw_and_stop(*told: object, **more: object) -> None:
                withdraw(*told, **more)
                stop()

            patched.setattr(commands, "withdraw", withdraw_and_stop)
        with pytest.raises(KeyboardInterrupt):
            room.turn()
    for _ in range(2):
        room.start()
        room.turn()
    assert [room.action(ref).state for ref in ("AE1", "AE2")] == ["open", "withdrawn"]
    open = models.Post.objects.filter(ballot="withdraw", open=True)
    assert [one.action for one in open] == ["AE1"]


# --- faults --------------------------------------------------------------------------------------


def breaks(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    """A fault of ours is met whenever somebody asks for something."""
    from toutdoux.chat import asking

    def fault(*asked: object) -> None:
        raise ValueError("a fault")

    monkeypatch.setitem(asking._COMMANDS, word, fault)
    if word == "bilan":
        monkeypatch.setattr(asking, "_report", fault)


@pytest.mark.parametrize("word", ["état", "fait", "bilan"])
def test_who_asks_for_what_meets_a_fault_is_told_so_and_stops_nobody_else(
    room: Room, word: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    breaks(monkeypatch, word)
    room.chat.says("ana", f"{word} AE1", "private ana")
    room.chat.says("bob", "help", "private bob")
    for _ in range(3):
        room.chat.told[:] = [None]
        room.turn()
    (answer,) = told(room, "ana")
    assert "Something went wrong" in answer
    assert len(told(room, "bob")) == 1
    (logged,) = caplog.records
    assert logged.exc_info


def refuses_to_propose(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    """A fault of ours is met whenever somebody proposes something."""
    from toutdoux.actions import commands

    proposes = commands.propose

    def propose(*told: object, **more: object) -> str:
        if more["by"] == by:
            raise ValueError("a fault")
        return proposes(*told, **more)

    monkeypatch.setattr(commands, "propose", propose)


@pytest.mark.parametrize("live", [True, False])
def test_a_proposal_that_meets_a_fault_stops_nothing_else_and_is_taken_once_it_can_be(
    room: Room, live: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as faulty:
        refuses_to_propose(faulty, room.members["bob"])
        late = room.chat.says("bob", "#action-ordinaire Balayer")
        room.chat.says("ana", PROPOSAL)
        if not live:
            room.chat.told[:] = [None]
        room.turn()
        for _ in range(3):
            room.chat.after(minutes=11)
            room.turn()
        assert room.action("AE1").state == "open"
        (logged,) = caplog.records
        assert logged.exc_info
    room.start()
    room.turn()
    assert room.action("AO1").proposed_at == room.chat.all[late].at


def test_what_meets_a_fault_for_a_day_is_given_up(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from toutdoux.actions.models import ReadChat

    refuses_to_propose(monkeypatch, room.members["bob"])
    late = room.chat.says("bob", "#action-ordinaire Balayer")
    room.turn()
    for hours in (23, 2):
        room.chat.after(hours=hours)
        room.chat.told[:] = [None]
        room.turn()
        read = ReadChat.objects.get().until
        assert (read > room.chat.all[late].at + timedelta(hours=1)) is (hours == 2)
