"""From when what was said counts, and what an edit changes: in a chat in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.chat.rooms import Room
from tests.chat.test_bot import Living, running, until
from toutdoux.chat.system import News, Person


@pytest.fixture
def room(home: Path) -> Room:
    room = Room()
    room.turn()
    return room


PROPOSAL = "#action-extraordinaire Ouvrir un service de podcasts"
ORDINARY = "#action-ordinaire Ranger la cave"


def actions() -> int:
    from toutdoux.actions.models import Action

    return Action.objects.count()


def read_until() -> datetime:
    from toutdoux.actions.models import ReadChat

    return ReadChat.objects.get().until


def ties(room: Room, person: str, name: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    codes.use(request, room.chat.server, person, codes.make(request, room.members[name]))


def missing_news(room: Room) -> None:
    """The bot was away: all that it knows is that it may have missed something."""
    room.chat.told[:] = [None]


# --- from when a proposal counts -----------------------------------------------------------------


def test_reactions_to_what_a_message_said_before_are_no_votes(room: Room) -> None:
    message = room.chat.says("ana", "On va au cinéma jeudi ?")
    room.turn()
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    room.chat.after(minutes=1)
    room.chat.edits_to(message, PROPOSAL)
    room.turn()
    assert (room.action("AE1").state, room.tally("AE1")) == ("open", (0, 0, 0))
    assert room.action("AE1").proposed_at == room.chat.all[message].changed_at
    room.chat.reacts("bob", message, "👎")
    room.turn()
    room.chat.takes_back("bob", message, "👎")
    room.turn()
    assert room.tally("AE1") == (0, 0, 0), "nor later, when a newer one goes"


def test_an_old_message_that_is_edited_is_proposed_by_the_edit(room: Room) -> None:
    message = room.chat.says("ana", f"{PROPOSAL.removeprefix('#')}")
    room.turn()
    room.chat.after(days=8)
    room.chat.edits_to(message, PROPOSAL)
    room.turn()
    assert room.action("AE1").state == "open"
    assert room.action("AE1").proposed_at == room.chat.all[message].changed_at


def test_what_was_edited_while_the_bot_was_away_counts_from_the_edit(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.chat.after(minutes=30)
    room.chat.edits_to(message, f"{PROPOSAL} et vendre la maison")
    missing_news(room)
    room.turn()
    assert room.action("AE1").proposed_at == room.chat.all[message].changed_at
    assert room.tally("AE1") == (0, 0, 0)


def test_a_correction_leaves_a_proposal_its_instant(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.after(minutes=1)
    room.chat.edits_to(message, f"{PROPOSAL}.")
    room.chat.reacts("bob", message)
    room.chat.after(hours=5)
    missing_news(room)
    room.turn()
    assert room.action("AE1").proposed_at == room.chat.all[message].at
    assert room.tally("AE1") == (1, 0, 0)


def test_an_edit_after_a_vote_is_no_correction_though_both_are_read_late(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    room.chat.edits_to(message, f"{PROPOSAL} et vendre la maison")
    missing_news(room)
    room.turn()
    assert room.action("AE1").proposed_at == room.chat.all[message].changed_at
    assert room.tally("AE1") == (0, 0, 0)


def test_what_was_said_while_the_bot_was_away_counts_when_it_was_said(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.after(days=3)
    missing_news(room)
    room.turn()
    assert room.action("AE1").proposed_at == room.chat.all[message].at


def test_a_date_long_before_what_was_read_is_not_believed(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    old = room.chat.clock - timedelta(days=8)
    room.chat.all[message] = replace(room.chat.all[message], at=old, changed_at=old)
    room.turn()
    assert room.action("AE1").state == "open"
    assert room.chat.clock - room.action("AE1").proposed_at < timedelta(minutes=1)


# --- what was answered, and how far was read -----------------------------------------------------


def test_what_was_refused_is_not_proposed_by_being_read_again(room: Room) -> None:
    from toutdoux.actions.models import ReadChat

    message = room.chat.says("eve", ORDINARY)
    room.turn()
    assert "Write it again once I do" in room.chat.of_bot()[0].text
    assert actions() == 0
    ties(room, "eve", "driss")
    ReadChat.objects.update(until=room.chat.all[message].at)
    missing_news(room)
    room.turn()
    assert actions() == 0
    assert len(room.chat.of_bot()) == 1, "and answered once"


def test_what_was_refused_and_is_edited_is_proposed_by_the_edit(room: Room) -> None:
    message = room.chat.says("ana", "#action-ordinaire #action-extraordinaire Ranger")
    room.turn()
    room.chat.after(seconds=30)
    room.chat.edits_to(message, ORDINARY)
    room.turn()
    assert room.action("AO1").proposed_at == room.chat.all[message].changed_at


def test_while_nothing_is_missed_it_still_reads_all_from_time_to_time(room: Room) -> None:
    before = read_until()
    for _ in range(5):
        room.chat.after(minutes=1)
        room.turn()
    assert read_until() == before
    room.chat.after(minutes=5)
    message = room.chat.says("ana", ORDINARY)
    room.chat.told.clear()  # a line that went silent
    room.turn()
    assert read_until() > room.chat.all[message].at
    assert actions() == 1


# --- commands ------------------------------------------------------------------------------------


def test_a_counter_vote_called_in_time_counts_though_it_is_read_late(room: Room) -> None:
    room.chat.says("ana", ORDINARY)
    room.turn()
    room.chat.after(days=6, hours=23)
    called = room.chat.says("bob", "@toutdoux contre-vote AO1 Trop cher")
    room.chat.after(hours=2)
    missing_news(room)
    room.turn()
    action = room.action("AO1")
    assert action.state == "counter_vote"
    assert action.counter_vote.called_at == room.chat.all[called].at


def test_a_withdrawal_said_in_time_counts_though_it_is_read_late(room: Room) -> None:
    room.chat.says("ana", ORDINARY)
    room.turn()
    room.chat.after(days=6, hours=23)
    room.chat.says("ana", "retirer AO1", "private ana")
    room.chat.after(hours=2)
    missing_news(room)
    room.turn()
    assert room.action("AO1").state == "withdrawn"


def test_a_command_from_before_what_was_read_counts_from_now(room: Room) -> None:
    room.chat.says("ana", ORDINARY)
    room.turn()
    room.chat.after(days=7, hours=1)
    room.turn()
    room.turn()
    called = room.chat.says("bob", "@toutdoux contre-vote AO1 Trop cher")
    old = room.chat.clock - timedelta(hours=4)
    room.chat.all[called] = replace(room.chat.all[called], at=old, changed_at=old)
    room.turn()
    assert room.action("AO1").state == "adopted"


# --- ballots that are decided, and still open ----------------------------------------------------


def decided_early(room: Room) -> str:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    room.chat.takes_back("chloe", message)
    room.turn()
    assert (room.action("AE1").state, room.tally("AE1")) == ("adopted", (2, 0, 0))
    return message


def test_a_reaction_in_time_is_counted_though_the_cards_were_shown_first(room: Room) -> None:
    message = decided_early(room)
    room.chat.after(days=6, hours=23)
    room.chat.reacts("chloe", message, "🤷")
    room.chat.after(hours=2)
    room.brain.tell(room.chat.clock)
    missing_news(room)
    room.turn()
    assert room.tally("AE1") == (2, 0, 1)


def test_a_post_closes_once_it_was_read_past_the_end(room: Room) -> None:
    from toutdoux.chat.models import Post

    decided_early(room)
    room.chat.clock = room.action("AE1").closes_at + timedelta(seconds=1)
    room.brain.tell(room.chat.clock)
    assert Post.objects.get().open
    missing_news(room)
    room.turn()
    room.chat.after(minutes=2)
    room.turn()
    assert not Post.objects.get().open


def test_a_post_of_a_channel_that_is_read_no_more_closes_after_a_day(room: Room) -> None:
    from toutdoux.chat.models import Post

    decided_early(room)
    room.brain.tell(room.action("AE1").closes_at + timedelta(hours=23))
    assert Post.objects.get().open
    room.brain.tell(room.action("AE1").closes_at + timedelta(hours=25))
    assert not Post.objects.get().open


# --- edits ---------------------------------------------------------------------------------------


def test_a_vote_before_an_edit_makes_it_more_than_a_correction(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.reacts("bob", message)
    room.chat.edits_to(message, f"{PROPOSAL} et de radio")
    missing_news(room)
    room.turn()
    assert room.action("AE1").object == PROPOSAL
    assert room.tally("AE1") == (1, 0, 0)
    assert len(room.chat.of_bot("private ana")) == 1, "its leader is asked"


def test_only_its_leader_corrects_an_action_at_once(room: Room) -> None:
    proposal = f"{PROPOSAL}\nmeneur·se : @bob"
    message = room.chat.says("ana", proposal)
    room.turn()
    room.chat.edits_to(message, f"{proposal} !")
    room.turn()
    assert room.action("AE1").object == proposal
    (question,) = room.chat.of_bot("private bob")
    room.chat.reacts("bob", question.id)
    room.turn()
    assert room.action("AE1").object == f"{proposal} !"


def test_a_correction_that_was_taken_back_can_be_made_again(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for text in (f"{PROPOSAL}s", PROPOSAL, f"{PROPOSAL}s"):
        room.chat.edits_to(message, text)
        room.turn()
        assert room.action("AE1").object == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (PROPOSAL.replace("extraordinaire", "ordinaire"), "its kind stays"),
        (f"{PROPOSAL}\nmeneuse : @chloe", "its leader stays"),
        ("#action-extraordinaire @all", "on the text before"),
    ],
)
def test_an_edit_changes_neither_kind_nor_leader_nor_takes_all_words_out(
    room: Room, text: str, why: str
) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.edits_to(message, text)
    room.turn()
    assert room.action("AE1").object == PROPOSAL
    (answer,) = [one for one in room.chat.of_bot() if why in one.text]
    assert answer.thread == message
    assert "withdraw AE1" in answer.text
    assert room.chat.of_bot("private ana") == []


def test_a_leader_says_yes_to_the_text_that_they_were_shown(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(minutes=20)
    room.chat.edits_to(message, f"{PROPOSAL} v2")
    room.turn()
    (question,) = room.chat.of_bot("private ana")
    assert f"> {PROPOSAL} v2" in question.text
    room.chat.edits_to(message, f"{PROPOSAL} v3")
    room.chat.reacts("ana", question.id)
    room.turn()
    assert room.action("AE1").object == PROPOSAL
    _, anew = room.chat.of_bot("private ana")
    assert f"> {PROPOSAL} v3" in anew.text
    room.chat.reacts("ana", anew.id)
    room.turn()
    room.turn()
    assert room.action("AE1").object == f"{PROPOSAL} v3"
    assert len(room.action("AE1").versions) == 2


@pytest.mark.parametrize("in_words", [False, True])
def test_what_was_voted_before_a_leader_says_yes_is_a_vote_on_the_text_before(
    room: Room, in_words: bool
) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(minutes=20)
    room.chat.edits_to(message, f"{PROPOSAL} v2")
    room.turn()
    (question,) = room.chat.of_bot("private ana")
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    if in_words:
        room.chat.says("ana", "oui", "private ana")
    else:
        room.chat.reacts("ana", question.id)
    room.turn()
    assert room.action("AE1").state == "adopted"
    assert room.action("AE1").object == PROPOSAL


def test_a_leader_is_asked_again_about_a_text_of_before_an_amendment(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for text in ("v2", "v3", "v2"):
        room.chat.after(minutes=20)
        room.chat.edits_to(message, f"{PROPOSAL} {text}")
        room.turn()
        room.chat.reacts("ana", room.chat.of_bot("private ana")[-1].id)
        room.turn()
        assert room.action("AE1").object == f"{PROPOSAL} {text}"


def test_a_leader_is_told_why_a_yes_changes_nothing(room: Room) -> None:
    from toutdoux.actions import commands

    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(minutes=20)
    room.chat.edits_to(message, f"{PROPOSAL} v2")
    room.turn()
    (question,) = room.chat.of_bot("private ana")
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    commands.end_membership(request, room.members["ana"])
    room.chat.clock += timedelta(seconds=1)
    room.chat.reacts("ana", question.id)
    room.turn()
    assert room.action("AE1").object == PROPOSAL
    told = room.chat.of_bot("private ana")[-1].text
    assert told.startswith("Ana is no member on 3 March 2026 at 10:20 →")


def test_what_a_leader_was_asked_about_is_over_once_it_is_decided(room: Room) -> None:
    from toutdoux.chat.models import Post

    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(minutes=20)
    room.chat.edits_to(message, f"{PROPOSAL} v2")
    room.turn()
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    missing_news(room)
    room.turn()
    assert not Post.objects.get(ballot="amend").open


def test_where_its_leader_has_no_account_all_are_told_that_the_text_stays(room: Room) -> None:
    message = room.chat.says("ana", f"{PROPOSAL}\nmeneur : @driss-amar")
    room.turn()
    room.chat.after(minutes=20)
    room.chat.edits_to(message, "Ouvrir autre chose")
    room.turn()
    (told,) = [one for one in room.chat.of_bot() if "was changed" in one.text]
    assert told.thread == message
    assert "Driss Amar" in told.text


def test_stopped_while_proposing_the_message_is_a_ballot_though_it_was_edited(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import models

    message = room.chat.says("ana", PROPOSAL)

    def stop(**values: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(models.Post.objects, "get_or_create", stop)
        with pytest.raises(KeyboardInterrupt):
            room.turn()
    room.chat.edits_to(message, f"{PROPOSAL} !")
    room.start()
    room.chat.reacts("bob", message)
    room.turn()
    assert room.action("AE1").object == f"{PROPOSAL} !"
    assert room.tally("AE1") == (1, 0, 0)
    assert len(room.chat.of_bot()) == 1


# --- leaders -------------------------------------------------------------------------------------


def test_somebody_else_of_a_members_name_is_not_the_member(room: Room) -> None:
    room.chat.people["d"] = Person("d", "driss-amar")
    room.chat.says("bob", f"{ORDINARY}\nmeneur : @driss-amar")
    room.turn()
    assert actions() == 0
    assert "nobody here is called" in room.chat.of_bot()[0].text


@pytest.mark.parametrize("words", ["leader : quelqu'un de motivé", "meneur : à définir"])
def test_only_a_mention_names_a_leader(room: Room, words: str) -> None:
    room.chat.says("chloe", f"Il faut trouver un {words} {ORDINARY}")
    room.turn()
    assert room.action("AO1").leader == room.members["chloe"]


@pytest.mark.parametrize("words", ["@ana et @bob", "@ana, @bob", "@ana\nmeneuse : @bob"])
def test_an_action_has_one_leader(room: Room, words: str) -> None:
    room.chat.says("chloe", f"{ORDINARY}\nmeneurs : {words}")
    room.turn()
    assert actions() == 0
    assert "one leader" in room.chat.of_bot()[0].text


def test_a_leader_in_a_quotation_is_not_named(room: Room) -> None:
    room.chat.says("chloe", f"> meneur : @bob\n{ORDINARY}")
    room.turn()
    assert room.action("AO1").leader == room.members["chloe"]


# --- the bot -------------------------------------------------------------------------------------


class Slow(Living):
    """A chat whose line takes its time."""

    def news(self, stopping: Event) -> Iterator[Any]:
        stopping.wait(0.5)
        yield from super().news(stopping)


def test_nothing_is_told_before_all_was_read_that_happened_meanwhile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import bot
    from toutdoux.chat.brain import Brain

    done: list[str] = []
    monkeypatch.setattr(bot, "BETWEEN_TELLING", 0.05)
    for name in ("catch_up", "tell"):
        monkeypatch.setattr(Brain, name, noting(name, getattr(Brain, name), done))
    with running(Room(Slow(clock=datetime.now(UTC)))):
        until(lambda: "tell" in done)
    assert done[0] == "catch_up"


def noting(name: str, does: Callable[..., None], done: list[str]) -> Callable[..., None]:
    def does_so(brain: object, now: datetime) -> None:
        does(brain, now)
        done.append(name)

    return does_so


# --- two clocks ----------------------------------------------------------------------------------


class Dawdling(Living):
    """A chat on whose answers one waits."""

    wait = 0.0

    def seconds(self) -> float:
        return self.clock.timestamp()

    def message(self, channel: str, id: str) -> Any:
        self.after(seconds=self.wait)
        return super().message(channel, id)

    def now(self) -> datetime:
        self.after(seconds=self.wait)
        return super().now()


@pytest.mark.parametrize("slow", ["message", "now"])
def test_a_server_that_is_slow_is_not_taken_for_one_whose_clock_is_ahead(
    home: Path, monkeypatch: pytest.MonkeyPatch, slow: str
) -> None:
    from toutdoux.chat import place

    room = Room(Dawdling())
    monkeypatch.setattr(place, "monotonic", room.chat.seconds)
    message = room.chat.says("ana", PROPOSAL)
    missing_news(room)
    room.brain.turn([None], room.chat.clock)
    room.chat.reacts("bob", message)  # a second after it was proposed
    room.chat.wait = 20
    heard = [News("place", message), None] if slow == "message" else [None]
    room.brain.turn(heard, room.chat.clock)
    assert room.place.ahead == timedelta()
    assert room.tally("AE1") == (1, 0, 0)


@pytest.mark.parametrize("minutes", [5, -5])
def test_a_decision_waits_for_what_was_made_before_the_end_by_the_servers_clock(
    room: Room, minutes: int
) -> None:
    ahead = timedelta(minutes=minutes)

    def turn(*news: None) -> None:
        room.brain.turn(news, room.chat.clock + ahead)

    room.start()
    message = room.chat.says("ana", PROPOSAL)
    turn(None)
    end = room.action("AE1").closes_at - ahead
    room.chat.clock = end - timedelta(minutes=1)
    turn(None)
    room.chat.clock = end - timedelta(seconds=2)
    room.chat.reacts("bob", message, "🤷")  # the last second, of which nothing is told
    for _ in range(33):  # as long as the clock is behind, and no more
        room.chat.after(seconds=10)
        turn()
    assert room.action("AE1").recorded
    assert room.tally("AE1") == (0, 0, 1)
