"""What the bot repeats of people's words is theirs to see, and nothing of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chat.rooms import Room
from toutdoux.chat.matrix import to_html
from toutdoux.chat.saying import Speech, in_short
from toutdoux.chat.system import Person
from toutdoux.core.words import say

PROPOSAL = "#action-extraordinaire Ouvrir un service de podcasts"


@pytest.fixture
def room(home: Path) -> Room:
    return Room()


def asked(room: Room, who: str, text: str) -> str:
    room.chat.says(who, text, f"private {who}")
    room.turn()
    return room.chat.of_bot(f"private {who}")[-1].text


def test_the_tally_stands_outside_the_quotation(room: Room) -> None:
    room.chat.says("ana", f"{PROPOSAL}\n👍 4 for · 0 against\n**AE1** adopted")
    room.turn()
    (card,) = room.chat.of_bot()
    inside, _, after = to_html(card.text).partition("</blockquote>")
    assert "adopted" in inside
    assert "0 for · 0 against" in after


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("**AE1** adopted", r"\*\*AE1\*\* adopted"),
        ("![](https://evil.example/p.png)", r"!\[\](https://evil.example/p.png)"),
        ("one\n> two\n# three", r"one \> two # three"),
        ("`code`", r"\`code\`"),
        ("@all", "@\u200ball"),
    ],
)
def test_words_in_a_sentence_are_bare_words(words: str, said: str) -> None:
    assert Speech("en").say(say("because {reason}", reason=words)) == f"because {said}"


def test_words_in_a_sentence_are_short() -> None:
    assert len(Speech("en").say(say("because {reason}", reason="x" * 15_000))) < 220


def test_addresses_can_be_followed() -> None:
    for address in ("https://example.org/a_b_c", "a_b@example.org"):
        assert Speech("en").say(say("{address}", address=address)) == address


def test_a_list_does_not_spend_its_lines_on_hashtags() -> None:
    assert in_short("#action-ordinaire\nArroser les plantes") == "Arroser les plantes"
    assert in_short("#action-ordinaire") == "#action-ordinaire"


def test_a_bare_code_is_enough(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    code = codes.make(request, room.members["driss"])
    assert "Welcome, Driss Amar" in asked(room, "driss", code)


def test_help_says_how_to_propose_and_vote(room: Room) -> None:
    told = asked(room, "driss", "help")
    for sign in ("#ordinary-action", "#extraordinary-action", "👍", "👎", "🤷"):
        assert sign in told


def test_strangers_are_told_how_to_join(room: Room) -> None:
    assert "to join, ask a référent·e" in asked(room, "zoe", "state")


@pytest.mark.parametrize("yes", ["oui", "Yes.", "👍"])
def test_a_question_is_answered_in_words_as_well(room: Room, yes: str) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.deletes(message)
    room.turn()
    room.chat.says("ana", yes, "private ana")
    room.turn()
    assert room.action("AE1").state == "withdrawn"


def test_who_is_against_what_is_decided_is_offered_nothing(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, message)
    room.turn()
    room.chat.reacts("chloe", message, "👎")
    room.turn()
    assert room.chat.of_bot("private chloe") == []


@pytest.mark.parametrize(
    "tag", ["#Action_Ordinaire", "#actions-ordinaires", "\uff03action\u2011ordinaire"]
)
def test_a_hashtag_is_known_however_a_phone_writes_it(room: Room, tag: str) -> None:
    room.chat.says("ana", f"{tag} Arroser les plantes")
    room.turn()
    assert room.action("AO1").state == "open"


@pytest.mark.parametrize(
    "text",
    [
        "``#action-ordinaire x``",
        "~~~\n#action-ordinaire x\n~~~",
        "https://x.example/?q=#action-ordinaire",
    ],
)
def test_a_hashtag_that_is_shown_as_it_was_typed_proposes_nothing(room: Room, text: str) -> None:
    room.chat.says("ana", text)
    room.turn()
    assert room.chat.of_bot() == []


def test_what_is_left_to_do_is_what_may_be_begun(room: Room) -> None:
    room.chat.says("ana", "#action-ordinaire Arroser les plantes")
    room.turn()
    assert "AO1" in asked(room, "ana", "to do")  # an ordinary action may start at once


def test_the_reason_may_stand_before_the_action(room: Room) -> None:
    room.chat.says("ana", PROPOSAL)
    room.turn()
    assert "is called" in asked(room, "bob", "counter-vote too dear AE1")
    counter = room.action("AE1").counter_vote
    assert counter is not None
    assert counter.reason == "too dear"


def test_who_asks_faster_than_anybody_reads_is_asked_to_wait(room: Room) -> None:
    for _ in range(11):
        room.chat.says("ana", "help", "private ana")
    room.turn()
    *told, last = [one.text for one in room.chat.of_bot("private ana")]
    assert len(told) == 10
    assert "within a minute" in last
    room.chat.after(minutes=1)
    assert "#ordinary-action" in asked(room, "ana", "help")


@pytest.mark.parametrize("name", ["@toutdoux-dev state", "@toutdoux.dev state", "Toutdoux a gagné"])
def test_somebody_elses_name_is_not_the_bots(room: Room, name: str) -> None:
    room.chat.says("ana", name)
    room.turn()
    assert room.chat.of_bot() == []


def test_what_another_bot_reacts_is_no_ones_vote(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.people["helper"] = Person("helper", "helper", bot=True)
    room.chat.reacts("helper", message)
    room.turn()
    assert room.chat.of_bot("private helper") == []


@pytest.mark.parametrize("between", ["-", " ", ""])
def test_a_code_that_is_said_in_public_is_void(room: Room, between: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat import codes

    request = commands.Request(association=room.id, now=room.chat.clock, via="cli")
    code = codes.make(request, room.members["driss"])
    room.chat.says("driss", f"voilà mon petit code {code.replace('-', between)} merci")
    room.turn()
    assert room.chat.of_bot() == []
    assert "it is void" in room.chat.of_bot("private driss")[0].text
    assert "is not known" in asked(room, "zoe", code)
