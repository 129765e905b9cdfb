"""Whatever is lost, doubled, late or stopped: in the end the tally is what the reactions say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.chat.rooms import Room
from toutdoux.chat.system import Unreachable

PEOPLE = ("ana", "bob", "chloe")
SIGNS = ("👍", "👎", "🤷", "👍🏿", "❤️")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("reacts"), st.sampled_from(PEOPLE), st.sampled_from(SIGNS)),
        st.tuples(st.just("takes back"), st.sampled_from(PEOPLE), st.sampled_from(SIGNS)),
        st.tuples(st.sampled_from(["turn", "lose", "double", "shuffle", "stop", "break off"])),
        st.tuples(st.just("down"), st.booleans()),
    ),
    max_size=25,
)


def truth(room: Room, message: str) -> Counter[str]:
    """What the reactions on the server say: of each person, the one added last."""
    said: dict[str, str] = {}
    for (id, who, sign), _ in sorted(room.chat.signs.items(), key=lambda one: one[1]):
        choice = room.place.habits.choice(sign)
        if id == message and who in PEOPLE and choice is not None:
            said[who] = choice
    return Counter(said.values())


def step(room: Room, message: str, what: str, *told: object) -> None:
    chat = room.chat
    match what, told:
        case "reacts", (str(who), str(sign)):
            chat.reacts(who, message, sign)
        case "takes back", (str(who), str(sign)):
            if (message, who, sign) in chat.signs:
                chat.takes_back(who, message, sign)
        case "lose", _:
            chat.told[:] = [None] if chat.told else []
        case "double", _:
            chat.told += chat.told
        case "shuffle", _:
            chat.told.reverse()
        case "down", (bool(down),):
            chat.down = down
        case "stop", _:
            room.start()
            chat.told[:] = [None]
        case "break off", _:
            chat.breaks_after = 2
            attempt(room)
            chat.breaks_after = None
        case _:
            attempt(room)


def attempt(room: Room) -> None:
    """A turn, as far as it goes; after a fault the bot begins anew."""
    try:
        room.turn()
    except Unreachable:
        room.start()
        room.chat.told[:] = [None]


@given(steps=steps)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_tally_is_what_the_reactions_say(home: Path, steps: list[tuple[object, ...]]) -> None:
    room = Room()
    room.turn()
    message = room.chat.says("ana", "#action-extraordinaire Ouvrir un service")
    room.turn()
    for what, *told in steps:
        step(room, message, str(what), *told)
    room.chat.down = False
    room.chat.told[:] = [None]
    room.turn()
    ballot = room.action("AE1").ballot
    assert Counter(ballot.votes.values()) == truth(room, message)
    cards = [one for one in room.chat.of_bot() if one.thread == message and "AE1" in one.text]
    assert sum("👍" in one.text for one in cards) <= 1, "one card, however often it was tried"
