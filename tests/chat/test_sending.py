"""What the bot has to say gets there, once, whatever the server makes of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.chat.memory import Memory
from tests.chat.rooms import Room
from toutdoux.chat import http
from toutdoux.chat.system import Channel, Forbidden, Unreachable

PROPOSAL = "#action-ordinaire Arroser les plantes"


@pytest.fixture
def room(home: Path) -> Room:
    return Room(Choosy())


class Choosy(Memory):
    """A chat that does not take what goes to some places."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.refuses: dict[str, Exception] = {}
        self.tried = 0

    def says_it_is_away(self):
        raise Unreachable("away")

    def send(self, channel, text, **how):
        if channel in self.refuses:
            self.tried += 1
            raise self.refuses[channel]
        return super().send(channel, text, **how)


def test_what_one_person_cannot_be_told_stops_nobody_else(room: Room) -> None:
    room.chat.refuses["private driss"] = Unreachable("500")
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("driss", message)  # nobody knows whose account it is
    second = room.chat.says("bob", "#action-ordinaire Balayer")
    room.turn()
    room.turn()
    assert [one.thread for one in room.chat.of_bot()] == [message, second]


@pytest.mark.slow
def test_what_the_server_refuses_is_tried_ever_more_rarely_and_given_up_after_a_day(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.chat.refuses["private driss"] = Forbidden(403, {})
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("driss", message)
    for _ in range(150):
        room.turn()
    assert 3 < room.chat.tried < 15
    assert len([one for one in caplog.records if "does not take" in one.message]) == 1
    begun = room.chat.clock
    while "given up" not in caplog.text:
        room.chat.after(minutes=10)
        room.turn()
        assert room.chat.clock - begun < timedelta(days=2)
    assert room.chat.clock - begun > timedelta(days=1)
    before = room.chat.tried
    room.chat.after(hours=1)
    room.turn()
    assert room.chat.tried == before


def test_a_card_that_cannot_be_edited_stops_nothing_and_is_told_of_once(
    room: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()

    def refuses(*asked: object) -> None:
        raise Forbidden(403, {})

    monkeypatch.setattr(room.chat, "edit", refuses)
    room.chat.reacts("bob", message)
    for _ in range(5):
        room.chat.after(minutes=1)
        room.turn()
    assert len(caplog.records) == 1
    monkeypatch.undo()
    room.chat.after(minutes=1)
    room.turn()
    assert "1 for" in room.chat.of_bot()[0].text


@pytest.fixture
def voted_on_twice(room: Room) -> Room:
    """Two actions, whose cards are there."""
    for words in (PROPOSAL, "#action-ordinaire Balayer"):
        room.chat.says("ana", words)
        room.turn()
    return room


@pytest.mark.parametrize("fault", [Unreachable("500"), ValueError("a fault")])
def test_a_card_whose_edit_fails_stops_nothing_else_and_is_told_of_once(
    voted_on_twice: Room,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    room = voted_on_twice
    first, second = room.chat.of_bot()
    edits = room.chat.edit

    def fails(channel: str, id: str, text: str) -> None:
        if id == first.id:
            raise fault
        edits(channel, id, text)

    with monkeypatch.context() as faulty:
        faulty.setattr(room.chat, "edit", fails)
        for one in (first, second):
            room.chat.reacts("bob", one.thread, "👎")
        for _ in range(5):
            room.chat.after(minutes=1)
            room.turn()
        assert "1 against" in room.chat.all[second.id].text
        assert len(room.chat.of_bot("private bob")) == 2, "what the ledger says is told"
        assert len(caplog.records) == 1
    room.chat.after(minutes=1)
    room.turn()
    assert "1 against" in room.chat.all[first.id].text


def test_a_card_that_cannot_be_edited_while_the_server_is_away_is_no_cards_fault(
    voted_on_twice: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = voted_on_twice
    room.chat.reacts("bob", room.chat.of_bot()[0].thread)
    monkeypatch.setattr(room.chat, "edit", lambda *told: room.chat.says_it_is_away())
    monkeypatch.setattr(room.chat, "now", room.chat.says_it_is_away)
    with pytest.raises(Unreachable):
        room.turn()


def test_what_meets_a_fault_when_it_is_sent_stops_nothing_else_and_is_tried_again(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.chat.refuses["private driss"] = ValueError("a fault")
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("driss", message)
    room.turn()
    second = room.chat.says("bob", "#action-ordinaire Balayer")
    room.turn()
    assert [one.thread for one in room.chat.of_bot()] == [message, second]
    (logged,) = caplog.records
    assert logged.exc_info
    room.chat.refuses.clear()
    room.chat.after(minutes=11)
    room.turn()
    assert len(room.chat.of_bot("private driss")) == 1


def test_an_entry_that_cannot_be_told_stops_none_after_it(
    voted_on_twice: Room, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import cards

    room, told = voted_on_twice, cards.against

    def against(language, action, names, **more):
        if action.ref == "AO1":
            raise ValueError("a fault")
        return told(language, action, names, **more)

    monkeypatch.setattr(cards, "against", against)
    for one in room.chat.of_bot():
        room.chat.reacts("bob", one.thread, "👎")
    room.turn()
    room.turn()
    (offered,) = room.chat.of_bot("private bob")
    assert "AO2" in offered.text
    (logged,) = caplog.records
    assert logged.exc_info


def test_a_server_that_asks_to_wait_is_waited_for(room: Room) -> None:
    room.chat.refuses["private driss"] = Unreachable("429", 60.0)
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("driss", message)
    with pytest.raises(Unreachable):
        room.turn()


def test_a_server_that_is_away_has_refused_nothing(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("driss", message)
    room.chat.refuses["private driss"] = Unreachable("away")
    room.chat.now = room.chat.says_it_is_away
    with pytest.raises(Unreachable):
        room.turn()
    assert not room.place.outbox.put_off


def test_what_was_not_taken_is_sent_once_it_is(room: Room) -> None:
    room.chat.refuses["private driss"] = Unreachable("500")
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("driss", message)
    room.turn()
    room.chat.refuses.clear()
    room.chat.after(minutes=11)
    room.turn()
    assert len(room.chat.of_bot("private driss")) == 1


def test_an_association_that_begins_anew_says_everything_anew(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    again = Room(room.chat)
    again.chat.after(hours=2)
    other = again.chat.says("ana", "#action-ordinaire Balayer")
    again.turn()
    assert [one.thread for one in again.chat.of_bot()] == [message, other]
    assert len(set(room.chat.keys)) == len(room.chat.of_bot())


def test_after_a_restored_backup_the_bot_goes_on_from_where_it_ends(room: Room) -> None:
    from toutdoux.chat.models import Followed

    room.chat.says("ana", PROPOSAL)
    room.turn()
    Followed.objects.update(seq=10_000)
    room.turn()
    message = room.chat.says("bob", "#action-ordinaire Balayer")
    room.turn()
    room.chat.reacts("chloe", message, "👎")
    room.turn()
    assert "Thank you for saying so" in room.chat.of_bot("private chloe")[0].text


def test_a_leader_who_leaves_is_told_of_to_everybody(room: Room) -> None:
    from toutdoux.actions import commands

    room.chat.says("ana", PROPOSAL)
    room.turn()
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.end_membership(request, room.members["ana"])
    room.chat.clock += timedelta(seconds=1)
    room.turn()
    told = room.chat.of_bot()[-1].text
    assert told == (
        "AO1 has nobody to lead it any more: Ana Brun has left. Whoever would like to can take it"
        " on, on its page."
    )


# --- where the bot is not any more ---------------------------------------------------------------


def left_behind(room: Room, *carrying: str) -> None:
    """The bot was thrown out of a channel where nothing is voted on but some actions."""
    from toutdoux.actions.models import Carried, ReadChat

    of = {"association_id": room.id, "server": room.chat.server, "channel": "old"}
    old = ReadChat.objects.create(**of, until=room.chat.clock)
    for ref in carrying:
        Carried.objects.create(chat=old, action=ref)


def test_no_decision_waits_for_a_channel_that_does_not_carry_its_ballot(room: Room) -> None:
    """Source: "Late knowledge" in the rules: every chat that carries the ballot."""
    room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(days=6, hours=23)
    left_behind(room)
    room.chat.after(hours=2)
    room.turn()
    decision = room.action("AO1").decision
    assert decision is not None
    assert not decision.unread
    assert "adopted" in room.chat.of_bot()[-1].text


def test_a_decision_waits_a_day_for_a_channel_that_carries_its_ballot_and_then_says_so(
    room: Room,
) -> None:
    room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(days=6, hours=23)
    left_behind(room, "AO1")
    room.chat.after(hours=2)
    room.turn()
    assert "adopted" not in room.chat.of_bot()[-1].text
    room.chat.after(days=1)
    room.turn()
    assert "although a chat could not be read" in room.chat.of_bot()[-1].text


def test_while_a_decision_waits_for_another_channel_all_is_not_read_all_the_time(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(days=6, hours=23)
    left_behind(room, "AO1")
    room.chat.after(hours=1)
    read: list[str] = []
    monkeypatch.setattr(room.chat, "messages", lambda *asked: read.append(asked[0]) or iter(()))
    for _ in range(20):
        room.turn()
    assert 1 <= len(read) <= 3
    room.chat.after(days=1)
    room.turn()
    decision = room.action("AO1").decision
    assert decision is not None
    assert "adopted" in room.chat.of_bot()[-1].text


class Among(Choosy):
    """A chat with several watched channels, which the bot is put into and thrown out of."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.inside = ["place"]

    def channels(self):
        return [Channel(one, one) for one in self.inside]

    def send(self, channel, text, **how):
        if channel not in self.inside and not channel.startswith("private"):
            raise Forbidden(403, {})
        return super().send(channel, text, **how)


@pytest.fixture
def among(home: Path) -> Room:
    room = Room(Among())
    room.turn()
    return room


def proposes_on_the_web(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.core.charter import Kind

    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.propose(request, Kind.ORDINARY, "Ranger la cave", by=room.members["bob"])


def adopts_on_the_web(room: Room, ref: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.core.history import Choice

    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    for name in ("ana", "bob", "chloe"):
        commands.vote(request, ref, Choice.FOR, by=room.members[name])


def test_an_outcome_is_told_where_the_bot_is_if_it_is_no_more_where_the_vote_was(
    among: Room,
) -> None:
    among.chat.says("ana", "#action-extraordinaire Balayer")
    among.turn()
    among.chat.inside = ["elsewhere"]
    adopts_on_the_web(among, "AE1")
    among.chat.after(days=1)  # so long it waits for the channel to be read
    among.turn()
    (told,) = among.chat.of_bot("elsewhere")
    assert "adopted" in told.text


def test_a_counter_vote_is_announced_where_the_bot_is_if_it_is_no_more_where_the_vote_was(
    among: Room,
) -> None:
    from toutdoux.actions import commands

    among.chat.says("ana", PROPOSAL)
    among.turn()
    among.chat.inside = ["elsewhere"]
    request = commands.Request(association=among.id, now=among.chat.clock, via="web")
    commands.call_counter_vote(request, "AO1", "Trop cher", by=among.members["bob"])
    among.turn()
    (told,) = among.chat.of_bot("elsewhere")
    among.chat.reacts("chloe", told.id)
    among.turn()
    assert among.action("AO1").counter_vote.ballot.for_ == 1


def test_in_no_channel_people_are_told_in_private_what_is_theirs(among: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.core.history import Choice

    among.chat.inside = []
    proposes_on_the_web(among)
    request = commands.Request(association=among.id, now=among.chat.clock, via="web")
    commands.vote(request, "AO1", Choice.AGAINST, by=among.members["ana"])
    among.turn()
    assert "Talk about AO1" in among.chat.of_bot("private ana")[0].text


def test_what_could_be_told_in_no_channel_is_told_once_the_bot_is_in_one_again(
    among: Room, caplog: pytest.LogCaptureFixture
) -> None:
    among.chat.inside = []
    proposes_on_the_web(among)
    for _ in range(3):
        among.turn()
    assert len(caplog.records) == 1
    among.chat.inside = ["place"]
    among.chat.after(minutes=11)
    among.turn()
    (told,) = among.chat.of_bot()
    among.chat.reacts("chloe", told.id)
    among.turn()
    assert among.tally("AO1") == (1, 0, 0)


def test_in_no_channel_on_a_monday_people_are_reminded_all_the_same(among: Room) -> None:
    proposes_on_the_web(among)
    among.chat.inside = []
    among.chat.after(days=6)  # a Monday, the day before the vote closes
    among.turn()
    assert "Your vote is missing" in among.chat.of_bot("private ana")[-1].text


@pytest.mark.parametrize(
    ("asked", "least", "most"), [(1e13, 3600, 3601), (-5.0, 0, 1), (30.0, 30, 31)]
)
def test_a_server_may_ask_to_wait_for_an_hour_at_most(asked: float, least: int, most: int) -> None:
    assert least <= http.pause(1, asked) <= most
