"""What an association did by hand in its chat, taken as history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.chat.memory import BEGIN, Memory
from tests.chat.rooms import Room
from toutdoux.chat.system import Person, Unreachable
from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction
from toutdoux.core.history import Choice, How, State

if TYPE_CHECKING:
    from toutdoux.chat.importing import Past

PROPOSAL = "@all #action-extraordinaire Ouvrir un service de podcasts"
ORDINARY = "#action-ordinaire Ranger la cave"


@pytest.fixture
def room(home: Path) -> Room:
    return Room()


def read(room: Room, since: timedelta = timedelta(days=30)) -> Past:
    """What the chat holds now."""
    from toutdoux.chat.importing import Past

    past = Past(room.id, "Europe/Paris", room.chat.clock)
    past.read(room.place, BEGIN - since)
    return past


def request(room: Room) -> Any:
    from toutdoux.actions.commands import Request

    return Request(association=room.id, now=room.chat.clock, via="cli", operator="root")


def take(room: Room) -> list[str]:
    return read(room).keep(request(room))


def imported(room: Room) -> dict[str, ImportedAction]:
    from toutdoux.actions import reading

    return reading.imported(room.id, erased="(erased)")


def verify(room: Room) -> None:
    from toutdoux.actions.verifying import verify_association

    verify_association(room.id)


@pytest.fixture
def lived(room: Room) -> str:
    """A message that was voted on by hand, and is over."""
    message = room.chat.says("ana", PROPOSAL)
    room.chat.reacts("ana", message, "👍")
    room.chat.reacts("bob", message, "👎")
    room.chat.reacts("bob", message, "👍🏽")
    room.chat.reacts("chloe", message, "🤷")
    room.chat.reacts("chloe", message, "🎉")
    room.chat.after(days=30)
    return message


# --- what is taken -------------------------------------------------------------------------------


def test_an_action_is_imported_with_its_votes_and_its_outcome(room: Room, lived: str) -> None:
    assert take(room) == ["AE1"]
    action = imported(room)["AE1"]
    message = room.chat.all[lived]
    assert (action.object, action.leader_id) == (PROPOSAL, room.members["ana"])
    assert (action.for_, action.against, action.expressed) == (2, 0, 3)
    assert action.link == room.chat.link("place", lived)
    course = action.course
    assert course is not None
    assert (course.proposed_at, course.state) == (message.at, State.ADOPTED)
    assert course.decided_at > message.at
    assert {one.by: (one.choice, one.at) for one in course.votes} == {
        room.members[name]: (choice, room.chat.signs[lived, name, sign])
        for name, choice, sign in (
            ("ana", Choice.FOR, "👍"),
            ("bob", Choice.FOR, "👍🏽"),
            ("chloe", Choice.ABSTAIN, "🤷"),
        )
    }
    verify(room)


def test_the_core_judges_what_came_out_of_it(room: Room) -> None:
    against = room.chat.says("ana", ORDINARY)
    room.chat.reacts("bob", against, "👎")
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, room.chat.says("bob", PROPOSAL), "👍")
    cancelled = room.chat.says("chloe", PROPOSAL)
    for who in ("ana", "bob", "chloe"):
        room.chat.reacts(who, cancelled, "👎")
    room.chat.after(days=30)
    take(room)
    told = {
        ref: one.course and (one.course.state, one.course.how)
        for ref, one in imported(room).items()
    }
    assert told["AO1"] == (State.ADOPTED, How.NO_COUNTER_VOTE)
    assert told["AE4"] is not None
    assert told["AE4"][0] is State.CANCELLED


def test_what_the_core_says_of_an_import_is_what_it_says_of_a_live_vote(room: Room) -> None:
    """The same votes, once by hand and once before the bot, come out the same."""
    votes = [("ana", "👍"), ("bob", "👎"), ("chloe", "👍")]
    by_hand = room.chat.says("ana", PROPOSAL)
    for who, sign in votes:
        room.chat.reacts(who, by_hand, sign)
    room.chat.after(days=30)
    take(room)
    room.turn()
    live = room.chat.says("ana", PROPOSAL)
    for who, sign in votes:
        room.chat.reacts(who, live, sign)
    room.turn()
    room.chat.after(days=30)
    room.turn()
    course, decision = imported(room)["AE1"].course, room.action("AE2").decision
    assert course is not None
    assert decision is not None
    assert (course.state, course.how) == (decision.state, decision.how)


def test_a_second_run_takes_nothing(room: Room, lived: str) -> None:
    take(room)
    before = length(room)
    past = read(room)
    assert (past.found, past.left, past.there) == ([], [], 1)
    assert past.keep(request(room)) == []
    assert length(room) == before


def length(room: Room) -> int:
    from toutdoux.ledger.models import Ledger

    return Ledger.objects.get(pk=room.id).length


def test_a_message_is_known_by_its_link_whatever_the_teams_name(room: Room, lived: str) -> None:
    from toutdoux.chat.models import Post

    take(room)
    Post.objects.all().delete()  # as after a bundle was taken up elsewhere
    room.chat.link = lambda channel, id: f"https://other.example.org/pl/{id}"  # type: ignore[method-assign]
    assert read(room).there == 1


def test_what_the_bot_recorded_is_left_alone(room: Room) -> None:
    room.turn()
    room.chat.says("ana", PROPOSAL)
    room.turn()
    room.chat.after(days=30)
    assert (read(room).found, read(room).there) == ([], 1)


def test_a_table_that_has_the_number_for_that_day_has_the_action(room: Room) -> None:
    from toutdoux.actions import commands

    room.chat.says("ana", "#action-ordinaire AO7 : Ranger la cave")
    room.chat.says("ana", "#action-ordinaire AO8 : Vider la cave")
    day = room.chat.clock.date()
    rows = [
        ImportedAction(f"AO{n}", Kind.ORDINARY, n, "Ranger", "Ana", None, on, 1, 0, 1)
        for n, on in ((7, day), (8, day - timedelta(days=400)))
    ]
    commands.import_actions(request(room), rows)
    room.chat.after(days=30)
    past = read(room)
    assert past.there == 1
    assert [one.ref for one in past.actions()] == ["AO9"], "its number is another's"


def test_a_table_may_tell_of_it_again(room: Room, lived: str) -> None:
    from dataclasses import replace

    from toutdoux.actions import commands

    take(room)
    row = replace(imported(room)["AE1"], course=None)
    assert commands.import_actions(request(room), [row]) == []


# --- what is left --------------------------------------------------------------------------------


def test_what_is_still_open_is_left_and_told_of(room: Room) -> None:
    room.chat.says("ana", PROPOSAL)
    room.chat.after(days=1)
    past = read(room)
    assert past.found == []
    (left,) = past.left
    assert "not over" in left.why.message
    room.chat.after(days=29)
    assert take(room) == ["AE1"], "once it is over, it is taken"


@pytest.mark.parametrize(
    "text", ["#action-ordinaire #action-extraordinaire Jouer", "@all #action-ordinaire"]
)
def test_what_proposes_nothing_is_left_and_told_of(room: Room, text: str) -> None:
    room.chat.says("ana", text)
    room.chat.after(days=30)
    past = read(room)
    assert past.found == []
    assert len(past.left) == 1


def test_what_nobody_proposed_there_is_not_looked_at(room: Room) -> None:
    first = room.chat.says("ana", "Bonjour")
    room.chat.says("ana", ORDINARY, thread=first)
    room.chat.says("bot", ORDINARY)
    room.chat.says("ana", ORDINARY, "private ana")
    room.chat.says("ana", f"> {ORDINARY}")
    room.chat.deletes(room.chat.says("ana", ORDINARY))
    room.chat.after(days=30)
    past = read(room)
    assert (past.found, past.left, past.there) == ([], [], 0)


def test_what_was_sent_before_is_not_read_though_it_was_edited(room: Room) -> None:
    message = room.chat.says("ana", PROPOSAL)
    room.chat.after(days=10)
    room.chat.edits_to(message, f"{PROPOSAL}!")
    room.chat.after(days=30)
    assert read(room, since=-timedelta(days=5)).found == []


def test_before_anybody_was_a_member_nothing_is_taken(room: Room) -> None:
    room.chat.clock -= timedelta(days=300)
    room.chat.says("ana", PROPOSAL)
    room.chat.clock = BEGIN
    past = read(room, since=timedelta(days=400))
    (left,) = past.left
    assert "nobody was a member" in left.why.message


# --- who voted -----------------------------------------------------------------------------------


def test_reactions_of_accounts_nobody_is_tied_to_are_named_and_not_counted(room: Room) -> None:
    message = room.chat.says("zelda", ORDINARY)
    room.chat.people["helper"] = Person("helper", "helper", bot=True)
    for who in ("driss", "zelda", "helper", "ana"):
        room.chat.reacts(who, message)
    room.chat.after(days=30)
    past = read(room)
    assert past.strangers == {"driss": 1, "zelda": 1}
    past.keep(request(room))
    action = imported(room)["AO1"]
    assert (action.leader, action.leader_id) == ("zelda", None)
    assert (action.for_, action.expressed) == (1, 1)
    verify(room)


def test_a_verified_address_ties_an_account_where_the_association_wants_it(room: Room) -> None:
    from dataclasses import replace

    from toutdoux.actions import commands

    email = "driss@example.org"
    commands.rename_member(request(room), room.members["driss"], email=email)
    message = room.chat.says("driss", ORDINARY)
    room.chat.people["driss"] = Person("driss", "driss", email)
    room.chat.reacts("driss", message)
    room.chat.after(days=30)
    assert read(room).strangers == {"driss": 1}
    room.place.habits = replace(room.place.habits, by_email=True)
    take(room)
    assert imported(room)["AO1"].leader_id == room.members["driss"]
    assert imported(room)["AO1"].for_ == 1


def test_the_leader_that_a_message_names_led_it(room: Room) -> None:
    room.chat.says("ana", f"{ORDINARY}\nmeneuse : @chloe")
    room.chat.says("ana", f"{ORDINARY}\nmeneur : @inconnu")
    room.chat.after(days=30)
    take(room)
    first, second = imported(room).values()
    assert first.leader_id == room.members["chloe"]
    assert (second.leader, second.leader_id) == ("inconnu", None)


def test_a_vote_that_came_too_late_or_off_the_roll_is_not_counted(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat.models import Account

    new = commands.add_member(request(room), "Eva Noir", joined=room.chat.clock)
    Account.objects.create(**room.place.mine, person="eva", member_id=new)
    message = room.chat.says("ana", ORDINARY)
    room.chat.reacts("eva", message)
    room.chat.reacts("bob", message)
    room.chat.after(days=20)
    room.chat.reacts("chloe", message, "👎")
    room.chat.after(days=20)
    past = read(room)
    assert past.uncounted == 2
    past.keep(request(room))
    assert imported(room)["AO1"].expressed == 1


def test_whoever_was_told_of_later_was_a_member_then(room: Room) -> None:
    from toutdoux.actions import commands
    from toutdoux.chat.models import Account

    message = room.chat.says("eva", ORDINARY)
    room.chat.reacts("eva", message)
    room.chat.after(days=30)
    joined = BEGIN - timedelta(days=200)
    eva = commands.add_member(request(room), "Eva Noir", joined=joined)
    Account.objects.create(**room.place.mine, person="eva", member_id=eva)
    take(room)
    action = imported(room)["AO1"]
    assert (action.leader_id, action.for_) == (eva, 1)


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("#action-extraordinaire AE27 : Ouvrir", "AE27"),
        ("**AE27** #action-extraordinaire Ouvrir", "AE27"),
        ("@all #action-extraordinaire #27 Ouvrir", "AE27"),
        ("#action-extraordinaire n° 27 – ouvrir", "AE27"),
        ("#action-extraordinaire ae 27, ouvrir", "AE27"),
        ("#action-extraordinaire AO27 à refaire", "AE1"),
        ("#action-extraordinaire Comme AE27, ouvrir", "AE1"),
        ("#action-extraordinaire 27 chaises", "AE1"),
        ("#action-extraordinaire AE270000 ouvrir", "AE1"),
        ("#action-extraordinaire #27e anniversaire", "AE1"),
    ],
)
def test_a_message_keeps_the_number_that_it_begins_with(room: Room, text: str, ref: str) -> None:
    room.chat.says("ana", text)
    room.chat.after(days=30)
    assert take(room) == [ref]


def test_the_others_get_the_next_numbers_in_order_of_time(room: Room) -> None:
    for text in ("Un", "AE5 : Deux", "Trois", "AE5 : Quatre"):
        room.chat.says("ana", f"#action-extraordinaire {text}")
    room.chat.says("ana", ORDINARY)
    room.chat.after(days=30)
    room.chat.says("ana", "#action-extraordinaire AE9 : encore ouverte")
    assert take(room) == ["AE10", "AE5", "AE11", "AE12", "AO1"]


# --- afterwards ----------------------------------------------------------------------------------


def test_the_bot_takes_an_edit_of_it_for_nothing(room: Room, lived: str) -> None:
    from toutdoux.actions.models import Action

    take(room)
    room.turn()
    room.chat.edits_to(lived, f"{PROPOSAL}, et plus")
    room.chat.reacts("bob", lived, "👎")
    room.turn()
    assert not Action.objects.exists()
    assert room.chat.of_bot() == []


def test_the_entry_names_nobody_and_a_member_can_be_forgotten(room: Room, lived: str) -> None:
    from toutdoux.actions import commands
    from toutdoux.ledger import book, forgetting

    take(room)
    told = b"\n".join(bytes(body) for _, body, _ in book.rows(room.id))
    assert not any(name in told for name in (b"Ana", b"Brun", b"ana", b"bob"))
    bob = room.members["bob"]
    commands.end_membership(request(room), bob)
    room.chat.after(days=1)
    kept = forgetting.of_member(room.id, bob)
    commands.erase(request(room), [one.commitment for one in kept], bob)
    verify(room)
    course = imported(room)["AE1"].course
    assert course is not None
    assert bob in {one.by for one in course.votes}
    assert read(room).there == 1


def test_the_next_action_comes_after_it(room: Room, lived: str) -> None:
    take(room)
    room.turn()
    room.chat.says("bob", PROPOSAL)
    room.turn()
    assert room.action("AE2").number == 2


def test_a_backup_brings_it_back(room: Room, lived: str, tmp_path: Path) -> None:
    from tests.ledger.small import tables
    from tests.ledger.test_backup import load, save

    take(room)
    before = tables()
    load(save(tmp_path / "a.toutdoux"), tmp_path / "kept.toutdoux")
    assert tables() == before
    assert before["actions.importedaction"]
    verify(room)


TAMPERED = {
    "state": {"state": "cancelled"},
    "how": {"how": "opposed"},
    "instant": {"decided_at": BEGIN},
    "proposal": {"proposed_at": BEGIN},
    "votes": {"votes": []},
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_table_that_says_otherwise_is_noticed(room: Room, lived: str, what: str) -> None:
    from toutdoux.actions.models import ImportedAction as Row
    from toutdoux.core.chain import Broken

    take(room)
    Row.objects.update(**TAMPERED[what])
    with pytest.raises(Broken):
        verify(room)


# --- a server that fails -------------------------------------------------------------------------


@dataclass
class Busy(Memory):
    """Answers every other question only."""

    asked: int = 0
    busy: bool = False

    def _there(self) -> None:
        super()._there()
        self.asked += self.busy
        if self.asked % 2:
            raise Unreachable("429", 1)


def test_a_server_that_asks_to_wait_is_asked_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import importing

    waited: list[float] = []
    monkeypatch.setattr(importing.time, "sleep", waited.append)
    chat = Busy()
    room = Room(chat)
    room.chat.reacts("ana", room.chat.says("zelda", ORDINARY))
    room.chat.after(days=30)
    chat.busy = True
    past = read(room)
    assert past.keep(request(room)) == ["AO1"]
    assert waited
    assert min(waited) >= 1


def test_a_server_that_is_gone_is_not_asked_for_ever(
    room: Room, lived: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.chat import importing

    monkeypatch.setattr(importing.time, "sleep", lambda _: None)
    room.chat.down = True
    with pytest.raises(Unreachable):
        read(room)


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture
def command(room: Room, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs `chat import` here, in a chat in memory."""
    from click.testing import CliRunner

    from toutdoux.association.models import Association
    from toutdoux.chat import connections
    from toutdoux.cli import chat, desk
    from toutdoux.language import Language

    slug = Association.objects.get(pk=room.id).slug
    one = connections.Connection(association=slug, system="memory", address="https://m.example")
    monkeypatch.setattr(connections, "connections", lambda: [one])
    monkeypatch.setattr(connections.Connection, "open", lambda _: room.chat)
    monkeypatch.setattr(desk, "datetime", _Clock(room.chat))
    monkeypatch.setattr(desk, "terminal", Language("en", UTC))

    def run(*arguments: str) -> str:
        return CliRunner().invoke(chat.chat, ["import", *arguments], catch_exceptions=False).output

    return run


class _Clock:
    def __init__(self, chat: Memory) -> None:
        self.chat = chat

    def now(self, zone: object) -> object:
        return self.chat.clock


def test_a_dry_run_shows_what_would_be_taken_and_takes_nothing(
    room: Room, lived: str, command: Callable[..., str]
) -> None:
    room.chat.reacts("zelda", room.chat.says("ana", ORDINARY))
    before = length(room)
    told = command("--since", "2026-01-01", "--dry-run")
    for text in ("AE1", "Ana Brun", "2/3", "0/3", "adopted", "podcasts", "Ranger", "not over"):
        assert text in told
    assert "1 action would be imported; 0 were there already." in told
    assert length(room) == before
    assert imported(room) == {}


def test_accounts_nobody_is_tied_to_are_named(room: Room, command: Callable[..., str]) -> None:
    room.chat.reacts("zelda", room.chat.says("ana", ORDINARY))
    room.chat.after(days=30)
    assert "zelda (1)" in command("--since", "2026-01-01")


def test_it_is_taken_once(room: Room, lived: str, command: Callable[..., str]) -> None:
    assert "1 action is imported; 0 were there already." in command("--since", "2026-01-01")
    assert "0 actions are imported; 1 was there already." in command("--since", "2026-01-01")


def test_a_server_that_does_not_answer_is_told_of(
    room: Room, lived: str, command: Callable[..., str]
) -> None:
    from toutdoux.cli.speech import Problem

    room.chat.down = True
    with pytest.raises(Problem) as problem:
        command("--since", "2026-01-01")
    assert "does not answer" in problem.value.why.message


def test_show_says_who_voted_and_what_came_of_it(room: Room, lived: str) -> None:
    from click.testing import CliRunner

    from toutdoux.cli.showing import show

    take(room)
    told = CliRunner().invoke(show, ["AE1", "--lang", "en"], catch_exceptions=False).output
    for text in ("imported, adopted, nobody against", "Ana Brun: for", "Chloe Petit: neutral"):
        assert text in told
    data = orjson.loads(CliRunner().invoke(show, ["AE1", "--format", "json"]).output)
    assert (data["state"], data["how"], data["imported"]) == ("adopted", "unopposed", True)
    assert {one["member"] for one in data["votes"]} == {"ana", "bob", "chloe"}
