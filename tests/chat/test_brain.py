"""The bot's brain, in a chat in memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.chat.rooms import Room


@pytest.fixture
def room(home: Path) -> Room:
    return Room()


PROPOSAL = "@all #action-extraordinaire Ouvrir un service de podcasts"


def test_a_message_with_the_hashtag_is_an_action(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    action = room.action("AE1")
    assert (action.object, action.leader) == (PROPOSAL, room.members["ana"])
    assert action.proposed_at == room.chat.all[message].at
    assert action.link == f"https://chat.example.org/pl/{message}"
    (card,) = room.chat.of_bot()
    assert card.thread == message
    assert "AE1" in card.text
    assert "Ana Brun" in card.text
    assert "@\u200ball" in card.text, "what the bot repeats calls nobody"


def test_a_reaction_is_a_vote_until_it_is_taken_away(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("bob", message, "👍🏽")
    room.chat.reacts("chloe", message, "👎")
    room.turn()
    assert room.tally("AE1") == (1, 1, 0)
    room.chat.takes_back("chloe", message, "👎")
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_the_reaction_added_last_that_is_still_there_counts(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for sign in ("👍", "👎"):
        room.chat.reacts("bob", message, sign)
        room.turn()
    assert room.tally("AE1") == (0, 1, 0)
    room.chat.takes_back("bob", message, "👎")
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_a_message_that_is_reacted_to_at_once_is_an_action(room: Room) -> None:
    room.turn()
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_the_bots_own_signs_do_not_count(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.turn()
    assert {sign for id, who, sign in room.chat.signs if (id, who) == (message, "bot")} == {
        "👍",
        "👎",
        "🤷",
    }
    assert room.tally("AE1") == (0, 0, 0)


def test_what_happens_while_the_bot_is_away_is_read_afterwards(room: Room) -> None:
    room.turn()
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.chat.told[:] = [None]
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_a_reaction_made_in_time_counts_though_it_is_read_too_late(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(days=6, hours=23)
    room.chat.reacts("bob", message, "👎")
    room.chat.after(hours=2)
    room.turn()
    assert room.action("AE1").state == "contested"


def test_a_reaction_made_after_the_end_is_an_opinion_and_whose_it_is_is_told_once(
    room: Room,
) -> None:
    """Source: "Votes" in the rules: in a chat, nothing can be refused."""
    from toutdoux.actions import verifying

    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    room.chat.after(days=7, hours=1)
    room.turn()
    room.chat.reacts("chloe", message, "👎")
    room.turn()
    action = room.action("AE1")
    assert (action.state, room.tally("AE1")) == ("adopted", (1, 0, 0))
    assert action.ballot.opinions[room.members["chloe"]].choice == "against"
    (told,) = room.chat.of_bot("private chloe")
    assert "kept as an opinion on AE1, and not counted: the ballot of AE1 closed" in told.text
    room.chat.takes_back("chloe", message, "👎")
    room.turn()
    assert room.action("AE1").ballot.opinions == {}
    assert len(room.chat.of_bot("private chloe")) == 1
    verifying.verify_association(room.id)


def test_a_vote_taken_away_after_the_end_stands(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    room.chat.after(days=7, hours=1)
    room.turn()
    room.chat.takes_back("bob", message)
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


def test_nothing_is_taken_twice(room: Room) -> None:
    from toutdoux.ledger.models import Ledger

    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    before = Ledger.objects.get().length
    for _ in range(3):
        room.chat.told[:] = [None, *room.chat.told]
        room.turn()
    assert Ledger.objects.get().length == before
    assert len(room.chat.of_bot()) == 1


def test_a_vote_on_the_web_stands_over_an_earlier_reaction(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.core.history import Choice

    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    room.chat.after(minutes=1)
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.vote(request, "AE1", Choice.ABSTAIN, by=room.members["bob"])
    room.turn()
    room.chat.takes_back("bob", message)
    room.turn()
    assert room.tally("AE1") == (0, 0, 1)


def test_somebody_unknown_is_told_once_in_private(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for sign in ("👍", "👎"):
        room.chat.reacts("max", message, sign)
        room.turn()
    (told,) = room.chat.of_bot("private max")
    assert "does not count" in told.text
    assert room.tally("AE1") == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#action-ordinaire #action-extraordinaire Jouer", "either ordinary or extraordinary"),
        ("@all #action-ordinaire", "does not say what it is about"),
        ("#action-ordinaire Jouer\nmeneur·se : @personne", "nobody here is called"),
    ],
)
def test_what_cannot_be_proposed_is_answered_kindly(room: Room, text: str, why: str) -> None:
    from toutdoux.actions.models import Action

    message = room.chat.says("ana", text)
    room.turn()
    (answer,) = room.chat.of_bot()
    assert why in answer.text
    assert answer.thread == message
    assert not Action.objects.exists()


def test_a_leader_who_is_named_leads(room: Room) -> None:
    room.chat.says("ana", "#action-ordinaire Repeindre\nmeneur·se : @driss-amar @all")
    room.chat.says("ana", "#action-ordinaire Repeindre\nmeneuse : @chloe")
    room.turn()
    assert room.action("AO1").leader == room.members["driss"]
    assert room.action("AO2").leader == room.members["chloe"]


def test_the_card_follows_the_vote(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    card = room.chat.of_bot()[0]
    assert "3 for · 0 against · 0 neutral" in card.text
    assert "▰▰▰▱" in card.text
    assert room.chat.edits == 1


def test_a_decision_waits_until_the_chat_was_read_past_it(room: Room) -> None:
    from datetime import timedelta

    from toutdoux.actions import commands
    from toutdoux.actions.models import Action

    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("bob", message, "👎")
    late = room.chat.clock + timedelta(days=7, hours=1)
    commands.settle(commands.Request(association=room.id, now=late, via="clock"))
    assert not Action.objects.get().recorded, "the chat was not read yet"
    room.chat.after(days=7, hours=2)
    room.chat.told.clear()
    room.turn()
    assert room.action("AE1").state == "contested"


def test_the_outcome_is_told_in_the_thread_and_in_the_channel(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    room.turn()
    told = [one for one in room.chat.of_bot() if "adopted, by majority" in one.text]
    assert [one.thread for one in told] == ["", message]


def test_an_action_of_the_web_is_announced_to_be_voted_on(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.core.charter import Kind

    room.turn()
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.propose(request, Kind.ORDINARY, "Ranger la cave", by=room.members["driss"])
    room.turn()
    (card,) = room.chat.of_bot()
    room.chat.reacts("bob", card.id)
    room.turn()
    assert room.tally("AO1") == (1, 0, 0)


def test_a_counter_vote_is_a_message_of_its_own(room: Room) -> None:
    from toutdoux.actions import commands

    room.turn()
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.call_counter_vote(request, "AE1", "Trop cher", by=room.members["bob"])
    room.turn()
    own = next(one for one in room.chat.of_bot() if "Trop cher" in one.text and not one.thread)
    for who in ("bob", "chloe"):
        room.chat.reacts(who, own.id)
    room.chat.reacts("ana", message)
    room.turn()
    assert room.action("AE1").state == "cancelled"


def test_whoever_is_against_is_offered_to_talk_once(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for _ in range(2):
        room.chat.reacts("bob", message, "👎")
        room.turn()
        room.chat.takes_back("bob", message, "👎")
        room.turn()
    (told,) = room.chat.of_bot("private bob")
    assert "Talk about AE1 with Ana Brun?" in told.text


def test_an_amendment_starts_the_vote_again(room: Room) -> None:
    from toutdoux.actions import commands

    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("bob", message)
    room.turn()
    room.chat.after(hours=1)
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.amend(request, "AE1", "Un service de photos", by=room.members["ana"])
    room.turn()
    assert room.tally("AE1") == (0, 0, 0), "reactions from before count no more"
    own = next(one for one in room.chat.of_bot() if "photos" in one.text and not one.thread)
    room.chat.reacts("chloe", own.id)
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)


# --- asking --------------------------------------------------------------------------------------


def asked(room: Room, who: str, text: str) -> str:
    before = len(room.chat.of_bot(f"private {who}"))
    room.chat.says(who, text, f"private {who}")
    room.turn()
    said = room.chat.of_bot(f"private {who}")[before:]
    assert len(said) == 1
    return said[0].text


def test_a_code_ties_an_account_and_what_it_showed_before_counts(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("dr", message)
    room.turn()
    assert room.tally("AE1") == (0, 0, 0)
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    code = codes.make(request, room.members["driss"])
    assert "Welcome, Driss Amar" in asked(room, "dr", f"inscription {code.lower()}")
    room.chat.told[:] = [None]
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)
    assert "not known, was used already" in asked(room, "max", f"register {code}")


def a_code_in(text: str) -> str:
    return re.findall(r"[A-Z2-9]{5}-[A-Z2-9]{5}", text)[0]


def test_whoever_is_known_gets_a_code_which_ties_another_account(room: Room) -> None:
    code = a_code_in(asked(room, "ana", "code"))
    assert "Welcome, Ana" in asked(room, "ana-phone", f"code {code}")
    assert "not known, was used already" in asked(room, "max", f"register {code}")


def test_a_code_that_is_asked_for_in_a_channel_is_told_in_private_alone(room: Room) -> None:
    room.chat.says("ana", "@toutdoux code")
    room.turn()
    (there,) = room.chat.of_bot()
    assert there.text == "I send it to you in a private message."
    (alone,) = room.chat.of_bot("private ana")
    assert a_code_in(alone.text) not in there.text
    room.chat.told[:] = [None]  # read again, it is neither told again nor another
    room.turn()
    assert len(room.chat.of_bot()) == len(room.chat.of_bot("private ana")) == 1


def test_who_is_not_known_gets_no_code(room: Room) -> None:
    assert "I do not know whose chat account" in asked(room, "max", "code")


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("aide", "**why** AE30"),
        ("État", "AE1"),
        ("state AE1", "AE1"),
        ("à voter", "AE1"),
        ("à faire", "Nothing that you lead"),
        ("pourquoi ae 1", "Open until"),
        ("purquoi AE1", "did you mean pourquoi"),
        ("why AE9", "There is no action AE9"),
        ("contre-vote AE1", "A counter-vote has a reason"),
        ("retirer AE1", "only its leader"),
        ("inventaire P21", "There is no period yet"),
    ],
)
def test_what_is_asked_is_answered(room: Room, question: str, says: str) -> None:
    room.chat.says("ana", PROPOSAL)
    room.turn()
    assert says in asked(room, "bob", question)


def test_a_counter_vote_called_in_the_chat(room: Room) -> None:
    room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.says("bob", "@toutdoux contre-vote AE1 Trop cher pour nous")
    room.turn()
    assert room.action("AE1").state == "counter_vote"
    assert any("Trop cher" in one.text and not one.thread for one in room.chat.of_bot())


def test_the_report_of_a_period_is_given_as_a_pdf(room: Room) -> None:
    from datetime import date

    from toutdoux.actions import commands

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.add_period(request, "P26", date(2026, 2, 1), date(2026, 7, 14))
    assert "P26" in asked(room, "ana", "bilan P26")
    (file,) = room.chat.files
    assert file.name.endswith(".pdf")
    assert file.content.startswith(b"%PDF")


# --- edits and deletions -------------------------------------------------------------------------


def test_an_edit_at_once_is_a_correction(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.edits_to(message, f"{PROPOSAL}, dès lundi")
    room.turn()
    assert room.action("AE1").object == f"{PROPOSAL}, dès lundi"
    assert len(room.action("AE1").versions) == 1


def test_a_later_edit_changes_nothing_until_the_leader_says_yes(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    room.chat.after(hours=1)
    room.chat.edits_to(message, f"{PROPOSAL}, pour 100 euros")
    room.turn()
    assert room.action("AE1").object == PROPOSAL
    (question,) = room.chat.of_bot("private ana")
    assert "starts the vote again" in question.text
    room.chat.reacts("bob", question.id)
    room.turn()
    assert room.action("AE1").object == PROPOSAL, "only its leader amends an action"
    room.chat.signs.pop((question.id, "bob", "👍"))
    room.chat.reacts("ana", question.id)
    room.turn()
    assert room.action("AE1").object == f"{PROPOSAL}, pour 100 euros"
    assert room.tally("AE1") == (0, 0, 0)


def test_a_deletion_changes_nothing_until_the_leader_says_yes(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.deletes(message)
    room.turn()
    assert room.action("AE1").state == "open"
    (question,) = room.chat.of_bot("private ana")
    room.chat.reacts("ana", question.id)
    room.turn()
    assert room.action("AE1").state == "withdrawn"


def test_once_decided_an_edit_asks_nothing(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    room.chat.edits_to(message, "#action-extraordinaire Autre chose")
    room.turn()
    assert room.action("AE1").object == PROPOSAL
    assert room.chat.of_bot("private ana") == []


# --- of its own accord ---------------------------------------------------------------------------


def test_those_whose_vote_is_missing_are_reminded_once_and_by_day(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.turn()
    room.chat.after(days=6, hours=12)  # ten at night in Paris
    room.turn()
    assert not [one for one in room.chat.of_bot("private chloe") if "missing" in one.text]
    for _ in range(3):
        room.chat.after(hours=5, minutes=45)
        room.turn()
    for who, times in (("chloe", 1), ("ana", 1), ("bob", 0)):
        told = [one for one in room.chat.of_bot(f"private {who}") if "missing" in one.text]
        assert len(told) == times


def test_on_mondays_the_channel_is_told_what_is_open(room: Room) -> None:
    room.chat.says("ana", PROPOSAL)
    for _ in range(7):
        room.turn()
        room.chat.after(days=1)
    told = [one for one in room.chat.of_bot() if "vote is open" in one.text]
    assert len(told) == 1
