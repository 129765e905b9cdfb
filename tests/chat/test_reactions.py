"""What becomes of reactions: whose votes they are, on what, and from when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chat.rooms import Room
from toutdoux.chat.system import Forbidden, Message
from toutdoux.core.history import Choice

PROPOSAL = "#action-extraordinaire Ouvrir un service de podcasts"


@pytest.fixture
def room(home: Path) -> Room:
    room = Room()
    room.turn()
    return room


@pytest.fixture
def proposed(room: Room) -> str:
    """A message that is being voted on as AE1."""
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    return message


def on_the_web(room: Room, who: str, choice: Choice | None, ahead: timedelta | None = None) -> None:
    """Somebody votes there, or takes their vote back."""
    from toutdoux.actions import commands

    room.chat.after(minutes=1)
    now = room.chat.clock + (ahead or timedelta())
    request = commands.Request(association=room.id, now=now, via="web")
    if choice is None:
        commands.withdraw_vote(request, "AE1", by=room.members[who])
    else:
        commands.vote(request, "AE1", choice, by=room.members[who])


def amends(room: Room, text: str = "Un service de photos") -> None:
    from toutdoux.actions import commands

    room.chat.after(minutes=10)
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.amend(request, "AE1", text, by=room.members["ana"])


def calls_counter_vote(room: Room, who: str, reason: str) -> None:
    from toutdoux.actions import commands

    room.chat.after(minutes=1)
    request = commands.Request(association=room.id, now=room.chat.clock, via="web")
    commands.call_counter_vote(request, "AE1", reason, by=room.members[who])


def ties(room: Room, person: str, member: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    room.chat.after(minutes=1)
    request = commands.Request(association=room.id, now=room.chat.clock, via="cli", operator="root")
    code = codes.make(request, room.members[member])
    codes.use(request, room.chat.server, person, code)
    room.turn()


def unties(person: str) -> None:
    from toutdoux.chat.models import Account

    Account.objects.filter(person=person).delete()


def said(room: Room, choice: Choice) -> set[str]:
    """Who votes so."""
    votes = room.action("AE1").ballot.votes
    return {name for name, id in room.members.items() if votes.get(id) is choice}


def announced(room: Room, words: str = "") -> Sequence[Message]:
    """What the bot says in the channel by itself, to be reacted to."""
    return [one for one in room.chat.of_bot() if not one.thread and words in one.text]


def read_all(room: Room) -> None:
    room.chat.told[:] = [None]
    room.turn()


# --- an older reaction, that speaks again --------------------------------------------------------


def test_an_older_reaction_does_not_speak_over_a_later_vote_on_the_web(
    room: Room, proposed: str
) -> None:
    for sign in ("👍", "👎"):
        room.chat.reacts("bob", proposed, sign)
        room.turn()
    on_the_web(room, "bob", Choice.ABSTAIN)
    room.chat.takes_back("bob", proposed, "👎")
    room.turn()
    assert room.tally("AE1") == (0, 0, 1)


def test_an_older_reaction_does_not_speak_over_a_withdrawal_on_the_web(
    room: Room, proposed: str
) -> None:
    for sign in ("👍", "👎"):
        room.chat.reacts("bob", proposed, sign)
        room.turn()
    on_the_web(room, "bob", None)
    room.chat.takes_back("bob", proposed, "👎")
    room.turn()
    assert room.tally("AE1") == (0, 0, 0)


def test_a_reaction_given_anew_counts_also_after_older_ones(room: Room, proposed: str) -> None:
    for _ in range(2):
        room.chat.reacts("bob", proposed, "👍")
        room.chat.reacts("bob", proposed, "👎")
        room.turn()
        room.chat.takes_back("bob", proposed, "👎")
        room.turn()
        assert room.tally("AE1") == (1, 0, 0)
        room.chat.takes_back("bob", proposed, "👍")
        room.turn()
        assert room.tally("AE1") == (0, 0, 0)


# --- a vote that starts again --------------------------------------------------------------------


def test_an_amended_action_is_voted_on_in_a_message_of_its_own(room: Room, proposed: str) -> None:
    room.chat.reacts("bob", proposed)
    room.turn()
    amends(room)
    room.turn()
    (own,) = announced(room)
    assert "photos" in own.text
    assert "the vote started again" in own.text
    assert {who for id, who, _ in room.chat.signs if id == own.id} == {"bot"}
    room.chat.reacts("bob", own.id)
    room.turn()
    assert room.tally("AE1") == (1, 0, 0)
    room.chat.takes_back("bob", proposed)
    room.turn()
    assert room.tally("AE1") == (1, 0, 0), "what was given to the text before is another vote"


def test_the_earlier_card_says_where_the_vote_goes_on(room: Room, proposed: str) -> None:
    (card,) = room.chat.of_bot()
    amends(room)
    room.turn()
    room.turn()
    (first,) = announced(room)
    assert room.chat.link("place", first.id) in room.chat.all[card.id].text
    amends(room, "Un service de films")
    room.turn()
    room.turn()
    second = announced(room)[-1]
    for id in (card.id, first.id):
        assert room.chat.link("place", second.id) in room.chat.all[id].text


def test_whoever_reacts_to_the_earlier_message_is_told_where_the_vote_goes_on(
    room: Room, proposed: str
) -> None:
    amends(room)
    room.turn()
    room.turn()
    room.chat.reacts("bob", proposed)
    room.turn()
    assert room.tally("AE1") == (0, 0, 0)
    (told,) = room.chat.of_bot("private bob")
    assert room.chat.link("place", announced(room)[0].id) in told.text


def test_an_older_reaction_is_no_vote_on_the_amended_text(room: Room, proposed: str) -> None:
    for sign in ("👍", "👎"):
        room.chat.reacts("bob", proposed, sign)
    room.turn()
    amends(room)
    room.chat.takes_back("bob", proposed, "👎")
    room.turn()
    assert room.tally("AE1") == (0, 0, 0)


def test_several_amendments_are_announced_once(room: Room, proposed: str) -> None:
    for text in ("Un service de photos", "Un service de films", "Un service de jeux"):
        amends(room, text)
    room.turn()
    room.turn()
    (own,) = announced(room)
    assert "jeux" in own.text


def test_a_correction_is_announced_nowhere(room: Room, proposed: str) -> None:
    room.chat.edits_to(proposed, f"{PROPOSAL} !")
    room.turn()
    (card,) = room.chat.of_bot()
    assert f"{PROPOSAL} !" in card.text


def test_a_counter_vote_called_anew_is_another_vote(room: Room, proposed: str) -> None:
    calls_counter_vote(room, "bob", "Trop cher")
    room.turn()
    (first,) = announced(room)
    room.chat.reacts("bob", first.id)
    room.turn()
    amends(room)
    calls_counter_vote(room, "chloe", "Encore trop cher")
    room.chat.reacts("chloe", first.id)
    room.turn()
    room.turn()
    counter = room.action("AE1").counter_vote
    assert counter is not None
    assert counter.ballot.for_ == 0
    second = announced(room)[-1]
    assert "Encore trop cher" in second.text
    assert room.chat.link("place", second.id) in room.chat.all[first.id].text
    room.chat.reacts("chloe", second.id)
    room.turn()
    again = room.action("AE1").counter_vote
    assert again is not None
    assert again.ballot.for_ == 1


# --- messages that go away -----------------------------------------------------------------------


def test_a_vote_whose_message_is_deleted_goes_on_in_a_message_of_its_own(
    room: Room, proposed: str
) -> None:
    (card,) = room.chat.of_bot()
    room.chat.reacts("bob", proposed)
    room.chat.reacts("chloe", card.id, "🤷")
    room.turn()
    room.chat.after(hours=1)
    room.chat.deletes(proposed)
    room.turn()
    room.turn()
    (own,) = announced(room)
    assert room.tally("AE1") == (1, 0, 1)
    assert "1 for · 0 against · 1 neutral" in own.text
    assert room.chat.link("place", own.id) in room.chat.all[card.id].text
    for sign in ("👎", "🤷"):
        room.chat.reacts("bob", own.id, sign)
        room.turn()
    assert room.tally("AE1") == (0, 0, 2)
    for sign in ("🤷", "👎"):
        room.chat.takes_back("bob", own.id, sign)
        room.turn()
    assert room.tally("AE1") == (1, 0, 1), "the reaction to the earlier message is still there"
    read_all(room)
    assert room.tally("AE1") == (1, 0, 1)
    assert len(announced(room)) == 1


def test_a_card_that_nobody_can_read_any_more_is_edited_once(
    room: Room, proposed: str, caplog: pytest.LogCaptureFixture
) -> None:
    (card,) = room.chat.of_bot()
    edit = room.chat.edit

    def refuses(channel: str, id: str, text: str) -> None:
        if id == card.id:
            raise Forbidden(404, {})
        edit(channel, id, text)

    room.chat.edit = refuses  # type: ignore[method-assign]
    room.chat.deletes(proposed)
    for _ in range(5):
        room.chat.after(minutes=2)
        room.turn()
    assert caplog.text.count("the chat refuses") == 1


def test_a_card_that_is_gone_takes_no_votes_with_it(room: Room, proposed: str) -> None:
    (card,) = room.chat.of_bot()
    room.chat.reacts("bob", card.id, "👎")
    room.turn()
    del room.chat.all[card.id]
    room.chat.edit = lambda channel, id, text: None  # type: ignore[method-assign]
    room.chat.reacts("chloe", proposed)
    read_all(room)
    assert room.tally("AE1") == (1, 1, 0)


def test_a_message_that_is_gone_leaves_the_card_to_vote_on(room: Room, proposed: str) -> None:
    (card,) = room.chat.of_bot()
    del room.chat.all[proposed]
    room.chat.reacts("bob", card.id, "👎")
    room.turn()
    assert room.tally("AE1") == (0, 1, 0)


# --- accounts ------------------------------------------------------------------------------------


def test_a_reaction_is_the_vote_of_whoever_the_account_is_now(room: Room, proposed: str) -> None:
    ties(room, "dr", "bob")
    room.chat.reacts("dr", proposed, "👎")
    room.turn()
    assert said(room, Choice.AGAINST) == {"bob"}
    unties("dr")
    ties(room, "dr", "driss")
    read_all(room)
    assert said(room, Choice.AGAINST) == {"driss"}
    unties("dr")
    ties(room, "dr", "bob")
    read_all(room)
    assert said(room, Choice.AGAINST) == {"bob"}


def test_what_an_untied_account_takes_away_is_so_once_it_is_tied_again(
    room: Room, proposed: str
) -> None:
    room.chat.reacts("bob", proposed, "👎")
    room.turn()
    unties("bob")
    room.chat.takes_back("bob", proposed, "👎")
    room.turn()
    assert room.tally("AE1") == (0, 1, 0), "an account that is nobody's changes nothing"
    ties(room, "bob", "bob")
    assert room.tally("AE1") == (0, 0, 0)


def test_of_two_accounts_of_one_member_the_other_still_speaks(room: Room, proposed: str) -> None:
    ties(room, "bob-mobile", "bob")
    room.chat.reacts("bob", proposed)
    room.turn()
    room.chat.reacts("bob-mobile", proposed, "👎")
    room.turn()
    assert said(room, Choice.AGAINST) == {"bob"}
    room.chat.takes_back("bob-mobile", proposed, "👎")
    room.turn()
    assert said(room, Choice.FOR) == {"bob"}
    room.chat.reacts("bob-mobile", proposed)
    room.turn()
    room.chat.takes_back("bob-mobile", proposed)
    room.chat.takes_back("bob", proposed)
    room.turn()
    assert room.tally("AE1") == (0, 0, 0)


# --- time ----------------------------------------------------------------------------------------


def test_whoever_reacts_once_the_vote_is_over_is_told_once(room: Room, proposed: str) -> None:
    room.chat.after(days=8)
    room.turn()
    room.turn()
    for sign in ("👎", "👍"):
        room.chat.reacts("bob", proposed, sign)
        room.turn()
    told = [one.text for one in room.chat.of_bot("private bob") if "as an opinion" in one.text]
    assert len(told) == 1
    assert "the ballot of AE1 closed on" in told[0]
    assert room.tally("AE1") == (0, 0, 0)


@pytest.mark.parametrize("minutes", [5, -5])
def test_of_a_vote_on_the_web_and_a_reaction_the_later_one_counts_whatever_the_servers_clock_says(
    home: Path, minutes: float
) -> None:
    room, ahead = Room(), timedelta(minutes=minutes)

    def turn() -> None:
        room.chat.after(seconds=1)
        news, room.chat.told = room.chat.told, []
        room.brain.turn(news, room.chat.clock + ahead)

    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("bob", message)
    turn()
    assert room.tally("AE1") == (1, 0, 0)
    on_the_web(room, "bob", Choice.ABSTAIN, ahead)
    room.chat.after(minutes=1)
    room.chat.reacts("bob", message, "👎")
    turn()
    assert room.tally("AE1") == (0, 1, 0)
    on_the_web(room, "bob", Choice.ABSTAIN, ahead)
    turn()
    assert room.tally("AE1") == (0, 0, 1)


def test_a_reaction_put_back_at_once_counts_though_the_servers_clock_is_a_little_behind(
    room: Room, proposed: str
) -> None:
    def turn() -> None:
        news, room.chat.told = room.chat.told, []
        room.brain.turn(news, room.chat.clock + timedelta(seconds=3))

    for _ in range(3):
        room.chat.reacts("bob", proposed)
        turn()
        assert room.tally("AE1") == (1, 0, 0)
        room.chat.takes_back("bob", proposed)
        turn()
        assert room.tally("AE1") == (0, 0, 0)


# --- a vote that cannot be taken -----------------------------------------------------------------


def breaks(monkeypatch: pytest.MonkeyPatch, member: str) -> None:
    """A fault of ours is met whenever somebody votes."""
    from toutdoux.actions import commands

    votes = commands.vote

    def vote(request: commands.Request, *told: object, by: str, **more: object) -> None:
        if by == member:
            raise ValueError("a fault")
        votes(request, *told, by=by, **more)

    monkeypatch.setattr(commands, "vote", vote)


def test_a_vote_that_meets_a_fault_stops_no_other(
    room: Room, proposed: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    breaks(monkeypatch, room.members["bob"])
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, proposed)
    for _ in range(3):
        read_all(room)
    assert said(room, Choice.FOR) == {"ana", "chloe"}
    (told,) = caplog.records
    assert "AE1" in told.message
    assert told.exc_info


def test_a_vote_that_met_a_fault_is_taken_once_it_can_be(
    room: Room, proposed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as faulty:
        breaks(faulty, room.members["bob"])
        room.chat.reacts("ana", proposed)
        room.chat.reacts("bob", proposed)
        room.turn()
    read_all(room)
    assert said(room, Choice.FOR) == {"ana", "bob"}


def test_a_decision_waits_for_a_vote_that_met_a_fault(
    room: Room, proposed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.chat.after(days=6, hours=23)
    with monkeypatch.context() as faulty:
        breaks(faulty, room.members["bob"])
        room.chat.reacts("ana", proposed)
        room.chat.reacts("bob", proposed, "👎")
        read_all(room)
        room.chat.after(hours=2)
        read_all(room)
        assert not room.action("AE1").recorded
    room.chat.after(hours=1)
    room.start()
    room.turn()
    assert room.action("AE1").state == "contested"


def test_a_decision_waits_a_day_for_a_vote_that_meets_a_fault_and_then_says_so(
    room: Room, proposed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch, room.members["bob"])
    room.chat.reacts("ana", proposed)
    room.chat.reacts("bob", proposed, "👎")
    room.turn()
    room.chat.after(days=8, hours=1)
    read_all(room)
    decision = room.action("AE1").decision
    assert decision is not None
    assert decision.unread
