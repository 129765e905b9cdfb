"""What the bot does, the same in every chat: in memory, on a real Matrix server, and on a real
Mattermost where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.chat.memory import Memory, MemoryWorld
from tests.chat.rooms import Hall
from tests.chat.worlds import World
from toutdoux.core.history import Choice

PROPOSAL = "@all #action-extraordinaire Ouvrir un service de podcasts"


@pytest.fixture(params=["memory", "matrix", "mattermost"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld(Memory())
    found: World = request.getfixturevalue(f"{request.param}_world")
    return found


@pytest.fixture
def hall(world: World, home: Path) -> Iterator[Hall]:
    hall = Hall(world)
    yield hall
    hall.stop()


@pytest.fixture
def proposed(hall: Hall) -> str:
    """A message that is being voted on as AE1."""
    message = hall.world.says("ana", PROPOSAL)
    hall.until(hall.world.of_bot)
    return message


def length(hall: Hall) -> int:
    from toutdoux.ledger.models import Ledger

    return Ledger.objects.get(pk=hall.id).length


def test_a_message_with_the_hashtag_is_an_action_with_a_card(hall: Hall, proposed: str) -> None:
    world, action = hall.world, hall.action("AE1")
    message = world.chat.message(world.chat.channels()[0].id, proposed)
    assert message is not None
    assert (action.object, action.leader) == (PROPOSAL, hall.members["ana"])
    assert action.proposed_at == message.at
    assert action.link == world.chat.link(message.channel, proposed)
    (card,) = world.of_bot()
    assert card.thread == proposed
    assert "AE1" in card.text
    assert "Ana Brun" in card.text
    choices = {hall.place.habits.choice(sign) for sign in world.signs(proposed)}
    assert choices == set(Choice)
    assert hall.tally("AE1") == (0, 0, 0), "the bot's own signs do not count"


def test_reactions_are_votes_until_they_are_taken_away(hall: Hall, proposed: str) -> None:
    world = hall.world
    world.reacts("ana", proposed, "🤷🏾")
    world.reacts("bob", proposed, "👍🏽")
    world.reacts("chloe", proposed, "👎🏿")
    hall.until_tally("AE1", 1, 1, 1)
    world.takes_back("chloe", proposed, "👎🏿")
    world.reacts("bob", proposed, "🎉")
    hall.until_tally("AE1", 1, 0, 1)


def test_the_one_added_last_that_is_still_there_counts(hall: Hall, proposed: str) -> None:
    world = hall.world
    world.reacts("bob", proposed, "👍")
    hall.until_tally("AE1", 1, 0, 0)
    world.reacts("bob", proposed, "👎")
    hall.until_tally("AE1", 0, 1, 0)
    world.takes_back("bob", proposed, "👍")
    world.reacts("bob", proposed, "👍")
    hall.until_tally("AE1", 1, 0, 0)
    world.takes_back("bob", proposed, "👍")
    hall.until_tally("AE1", 0, 1, 0)


def test_a_reaction_to_the_card_is_a_vote_as_well(hall: Hall, proposed: str) -> None:
    (card,) = hall.world.of_bot()
    hall.world.reacts("bob", card.id, "👎")
    hall.until_tally("AE1", 0, 1, 0)


def test_the_card_is_edited_in_place(hall: Hall, proposed: str) -> None:
    world = hall.world
    world.reacts("bob", proposed)
    world.reacts("chloe", proposed, "👎")
    hall.until(lambda: "1 for · 1 against" in world.of_bot()[0].text)
    (card,) = world.of_bot()
    assert card.thread == proposed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#action-ordinaire #action-extraordinaire Jouer", "either ordinary or extraordinary"),
        ("@all #action-ordinaire", "does not say what it is about"),
    ],
)
def test_what_cannot_be_proposed_is_answered_kindly(hall: Hall, text: str, why: str) -> None:
    from toutdoux.actions.models import Action

    message = hall.world.says("ana", text)
    hall.until(hall.world.of_bot)
    (answer,) = hall.world.of_bot()
    assert why in answer.text
    assert answer.thread == message
    assert not Action.objects.exists()


def test_somebody_unknown_is_told_once_in_private(hall: Hall, proposed: str) -> None:
    world = hall.world
    for sign in ("👍", "👎"):
        world.reacts("max", proposed, sign)
        hall.turn()
    world.reacts("bob", proposed)
    hall.until_tally("AE1", 1, 0, 0)
    (told,) = world.told("max")
    assert "does not count" in told


def test_a_code_said_in_private_ties_an_account(hall: Hall, proposed: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    world = hall.world
    world.reacts("driss", proposed)
    hall.until(lambda: world.told("driss"))
    request = commands.Request(association=hall.id, now=world.now(), via="cli")
    world.whispers("driss", f"register {codes.make(request, hall.members['driss'])}")
    hall.until(lambda: any("Welcome, Driss Amar" in one for one in world.told("driss")))
    hall.start()
    hall.until_tally("AE1", 1, 0, 0)


def test_what_happens_while_the_bot_is_away_is_read_afterwards(hall: Hall) -> None:
    world = hall.world
    hall.turn()
    hall.stop()
    message = world.says("ana", PROPOSAL)
    world.reacts("bob", message)
    world.reacts("chloe", message)
    world.takes_back("chloe", message)
    hall.start()
    hall.until_tally("AE1", 1, 0, 0)
    hall.stop()
    world.takes_back("bob", message)
    world.reacts("chloe", message, "👎")
    hall.start()
    hall.until_tally("AE1", 0, 1, 0)


def test_a_message_that_is_reacted_to_at_once_is_an_action(hall: Hall) -> None:
    hall.turn()
    for _ in range(3):  # often enough for both to be heard together
        hall.world.reacts("bob", hall.world.says("ana", PROPOSAL))
    for ref in ("AE1", "AE2", "AE3"):
        hall.until_tally(ref, 1, 0, 0)


def test_what_was_whispered_while_the_bot_was_away_is_answered_once(hall: Hall) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    world = hall.world
    hall.turn()
    world.whispers("ana", "help")
    hall.until(lambda: world.told("ana"))
    hall.stop()
    world.whispers("ana", "to vote")
    request = commands.Request(association=hall.id, now=world.now(), via="cli")
    world.whispers("driss", f"register {codes.make(request, hall.members['driss'])}")
    for _ in range(2):
        hall.start()
        hall.until(lambda: len(world.told("ana")) == 2 and world.told("driss"))
        hall.turn()
    assert "Welcome, Driss Amar" in world.told("driss")[0]
    assert [len(world.told(name)) for name in ("ana", "driss")] == [2, 1]


def test_a_channel_that_is_renamed_is_still_watched(hall: Hall, proposed: str) -> None:
    world = hall.world
    hall.stop()
    world.renames()
    world.reacts("bob", proposed)
    hall.start()
    hall.until_tally("AE1", 1, 0, 0)
    world.says("chloe", "#action-ordinaire Ranger la cave")
    hall.until(lambda: any("Ranger la cave" in one.text for one in world.of_bot()))


def test_everything_doubled_changes_nothing(hall: Hall) -> None:
    world, hall.times = hall.world, 3
    message = world.says("ana", PROPOSAL)
    world.reacts("bob", message)
    hall.until_tally("AE1", 1, 0, 0)
    before = length(hall)
    for _ in range(2):
        hall.start()
        hall.turn()
        hall.turn()
    assert length(hall) == before
    assert len(world.of_bot()) == 1
    assert len(world.signs(message)) == len(Choice)


def test_an_edit_at_once_is_a_correction(hall: Hall, proposed: str) -> None:
    hall.world.edits("ana", proposed, f"{PROPOSAL}, dès lundi")
    hall.until(lambda: hall.action("AE1").object == f"{PROPOSAL}, dès lundi")


def test_a_deletion_changes_nothing_and_the_leader_is_asked(hall: Hall, proposed: str) -> None:
    hall.world.reacts("bob", proposed)
    hall.world.deletes("ana", proposed)
    hall.until(lambda: hall.world.told("ana"))
    assert "Nothing has changed" in hall.world.told("ana")[0]
    assert hall.action("AE1").state == "open"
    hall.until_tally("AE1", 1, 0, 0)


def test_the_outcome_is_told_in_the_thread_and_in_the_channel(hall: Hall, proposed: str) -> None:
    for who in ("ana", "bob", "chloe"):
        hall.world.reacts(who, proposed)

    def told() -> set[str]:
        return {one.thread for one in hall.world.of_bot() if "adopted, by majority" in one.text}

    hall.until(lambda: told() >= {"", proposed})


def test_what_was_voted_on_by_hand_is_imported_once(hall: Hall) -> None:
    from toutdoux.actions import commands, reading
    from toutdoux.actions.models import Action
    from toutdoux.chat.importing import Past

    world = hall.world
    since = world.now() - timedelta(minutes=5)
    message = world.says("ana", "@all #action-extraordinaire AE27 : ouvrir un service de podcasts")
    world.says("bob", "#action-ordinaire #action-extraordinaire Jouer")
    world.account("driss")
    for who, sign in (
        ("ana", "👍"),
        ("bob", "👎🏽"),
        ("bob", "🤷"),
        ("chloe", "👍🏿"),
        ("driss", "👍"),
    ):
        world.reacts(who, message, sign)
    over = world.now() + timedelta(days=30)

    def read() -> Past:
        past = Past(hall.id, "Europe/Paris", over)
        past.read(hall.place, since)
        return past

    past = read()
    assert past.strangers.total() == 1, "nobody is tied to driss's account"
    assert len(past.left) == 1
    assert past.keep(commands.Request(association=hall.id, now=over, via="cli")) == ["AE27"]
    action = reading.imported(hall.id)["AE27"]
    there = world.chat.message(world.chat.channels()[0].id, message)
    assert there is not None
    assert action.link == world.chat.link(there.channel, message)
    assert action.course is not None
    assert action.course.proposed_at == there.at
    assert {one.by: one.choice for one in action.course.votes} == {
        hall.members["ana"]: Choice.FOR,
        hall.members["bob"]: Choice.ABSTAIN,
        hall.members["chloe"]: Choice.FOR,
    }
    assert (read().found, read().there) == ([], 1)
    hall.turn()
    assert not Action.objects.filter(association=hall.id).exists(), "the bot leaves it alone"


def test_a_long_message_is_kept_whole(hall: Hall) -> None:
    text = "#action-ordinaire " + "Où et quand ? " * 1_140
    assert len(text) > 15_900
    hall.world.says("ana", text)
    hall.until(hall.world.of_bot)
    assert hall.action("AO1").object == text.strip()


def test_a_vote_whose_message_is_deleted_goes_on_in_another(hall: Hall, proposed: str) -> None:
    world = hall.world
    world.reacts("bob", proposed)
    hall.until_tally("AE1", 1, 0, 0)
    world.deletes("ana", proposed)
    hall.until(lambda: any(not one.thread for one in world.of_bot()))
    own = next(one.id for one in world.of_bot() if not one.thread)
    world.reacts("chloe", own, "👎")
    hall.until_tally("AE1", 1, 1, 0)
    world.reacts("bob", own, "🤷")
    hall.until_tally("AE1", 0, 1, 1)
    world.takes_back("chloe", own, "👎")
    hall.until_tally("AE1", 0, 0, 1)
