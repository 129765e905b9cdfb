"""What ties a chat account to a member beside a code, and what unties it for good."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chat.rooms import Room
from toutdoux.chat.saying import Habits

PROPOSAL = "#action-extraordinaire Ouvrir un service de podcasts"


@pytest.fixture
def room(home: Path) -> Room:
    """One where accounts are tied by their addresses; driss and eva have no account yet."""
    from toutdoux.actions import commands

    room = Room()
    room.place.habits = Habits(by_email=True)
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.rename_member(request, room.members["driss"], email="Driss@example.org")
    return room


def meets(room: Room, who: str, email: str) -> None:
    room.chat.says(who, "bonjour")
    room.chat.people[who] = replace(room.chat.people[who], email=email)


def accounts(room: Room, member: str) -> list[str]:
    from toutdoux.chat.models import Account

    found = Account.objects.filter(member=room.members[member])
    return sorted(found.values_list("person", flat=True))


def claims(room: Room) -> int:
    from toutdoux.ledger.models import Entry

    return sum(b"account.claimed" in bytes(one.body) for one in Entry.objects.all())


def test_a_verified_address_ties_an_account_at_its_first_vote(room: Room) -> None:
    meets(room, "dr", "driss@EXAMPLE.org")
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("dr", message)
    room.turn()
    assert accounts(room, "driss") == ["dr"]
    assert room.tally("AE1") == (1, 0, 0)
    assert claims(room) == 1
    (told,) = room.chat.of_bot("private dr")
    assert "this chat account is yours, Driss Amar" in told.text


def test_what_was_not_taken_before_is_taken_then(room: Room) -> None:
    first = room.chat.says("ana", PROPOSAL)
    second = room.chat.says("ana", "#action-ordinaire Ranger la cave")
    room.turn()
    room.chat.reacts("dr", first)
    room.turn()
    assert accounts(room, "driss") == []
    meets(room, "dr", "driss@example.org")
    room.chat.after(hours=2)
    room.chat.reacts("dr", second)
    room.turn()
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_a_proposal_and_a_question_are_meetings_too(room: Room) -> None:
    meets(room, "dr", "driss@example.org")
    room.chat.says("dr", PROPOSAL)
    room.turn()
    assert room.action("AE1").leader == room.members["driss"]


@pytest.mark.parametrize("email", ["", "driss@example.com", "drıss@example.org", "%@example.org"])
def test_any_other_address_ties_nothing(room: Room, email: str) -> None:
    meets(room, "dr", email)
    room.chat.reacts("dr", room.chat.says("ana", PROPOSAL))
    room.turn()
    assert accounts(room, "driss") == []
    assert room.tally("AE1") == (0, 0, 0)


def test_a_name_ties_nothing(room: Room) -> None:
    room.chat.reacts("driss", room.chat.says("ana", PROPOSAL))
    room.turn()
    assert accounts(room, "driss") == []


def test_an_address_of_two_members_ties_nothing(room: Room) -> None:
    from toutdoux.actions import commands

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.add_member(request, "Eva Roux", email="driss@example.org")
    meets(room, "dr", "driss@example.org")
    room.chat.reacts("dr", room.chat.says("ana", PROPOSAL))
    room.turn()
    assert accounts(room, "driss") == []


def test_a_member_with_an_account_there_gets_no_second_one(room: Room) -> None:
    from toutdoux.chat.models import Account

    Account.objects.create(
        association_id=room.id,
        server=room.chat.server,
        person="other",
        member_id=room.members["driss"],
    )
    meets(room, "dr", "driss@example.org")
    room.chat.reacts("dr", room.chat.says("ana", PROPOSAL))
    room.turn()
    assert accounts(room, "driss") == ["other"]


def test_whoever_left_is_not_tied(room: Room) -> None:
    from toutdoux.actions import commands

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.end_membership(request, room.members["driss"])
    meets(room, "dr", "driss@example.org")
    room.chat.after(seconds=5)
    room.chat.reacts("dr", room.chat.says("ana", PROPOSAL))
    room.turn()
    assert accounts(room, "driss") == []


def test_untied_by_its_member_it_stays_so(room: Room) -> None:
    from toutdoux.chat.models import Account

    meets(room, "dr", "driss@example.org")
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("dr", message)
    room.turn()
    Account.objects.filter(person="dr").delete()
    room.chat.after(hours=2)
    room.chat.reacts("dr", message, "👎")
    room.turn()
    assert accounts(room, "driss") == []
    assert room.tally("AE1") == (1, 0, 0)


def test_nothing_is_tied_by_addresses_unless_the_association_wants_it(room: Room) -> None:
    room.place.habits = Habits()
    meets(room, "dr", "driss@example.org")
    room.chat.reacts("dr", room.chat.says("ana", PROPOSAL))
    room.turn()
    assert accounts(room, "driss") == []


# --- forgetting ----------------------------------------------------------------------------------


def erase(room: Room, member: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.ledger import forgetting

    id = room.members[member]
    room.chat.after(seconds=1)
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.end_membership(request, id)
    kept = [one.commitment for one in forgetting.of_member(room.id, id, written=True)]
    commands.erase(
        replace(request, now=room.chat.clock.replace(microsecond=1)), kept, id, written=True
    )


def told_of(person: str) -> str:
    """Where the chat's tables speak of somebody."""
    from toutdoux.chat import models

    rows = [
        *models.Account.objects.values_list("person", "member"),
        *models.Handled.objects.values_list("person", "member"),
        *models.Outgoing.objects.values_list("person", "key", "text"),
        *models.Code.objects.values_list("member", "by"),
    ]
    return "\n".join(str(row) for row in rows if person in str(row))


def test_whoever_is_forgotten_is_in_no_table_of_the_chat(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    message = room.chat.says("bob", PROPOSAL)
    room.turn()
    room.chat.reacts("bob", message, "👎")
    room.turn()
    room.chat.says("bob", "help", "private bob")
    room.turn()
    request = commands.Request(
        association=room.id, now=room.chat.clock, via="web", by=room.members["bob"]
    )
    codes.make(request, room.members["bob"])
    codes.make(request, room.members["chloe"])
    assert "bob" in told_of("bob")
    erase(room, "bob")
    assert told_of("'bob'") == ""
    assert told_of(room.members["bob"]) == ""
    from toutdoux.chat.models import Account

    assert set(Account.objects.values_list("person", flat=True)) == {"ana", "chloe"}


def test_what_waits_to_be_sent_is_put_together_without_what_is_forgotten(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat.models import Outgoing
    from toutdoux.core.charter import Kind

    room.turn()
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.propose(request, Kind.ORDINARY, "Le zèbre de Bob", by=room.members["bob"])
    room.chat.after(seconds=1)
    room.brain.telling.send = lambda _: None  # type: ignore[method-assign] (the server takes nothing now)
    room.brain.tell(room.chat.clock)
    (waiting,) = Outgoing.objects.filter(sent="")
    assert "zèbre" in waiting.text
    erase(room, "bob")
    assert not Outgoing.objects.filter(text__contains="zèbre").exists()
    del room.brain.telling.send
    room.turn()
    room.turn()
    (card,) = [one for one in room.chat.of_bot() if "**AO1**" in one.text and not one.thread]
    assert "zèbre" not in card.text
    assert "(erased)" in card.text


def test_cards_are_shown_again_without_what_is_forgotten(room: Room) -> None:
    message = room.chat.says("bob", PROPOSAL)
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    room.turn()
    assert room.action("AE1").state == "adopted"
    (card,) = [one for one in room.chat.of_bot() if "led by Bob Leroy" in one.text]
    erase(room, "bob")
    room.chat.after(minutes=2)
    room.turn()
    now = room.chat.all[card.id].text
    assert "podcasts" not in now
    assert "Bob" not in now
