"""The one door: what it refuses, says once, and forgets, whatever the channel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from toutdoux.core import history as h
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.entries import ImportedAction
from toutdoux.core.words import Refusal

from .small import BEGIN, Small, assert_whole, tables


def refused(command: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """The sentence that a command is refused with; nothing is changed by it."""
    before = tables()
    with pytest.raises(Refusal) as caught:
        command(*arguments, **options)
    assert tables() == before
    return caught.value.why.message


def verify(small: Small) -> None:
    from toutdoux.actions.verifying import verify_association

    verify_association(small.id)


def found(**more: Any) -> str:
    from toutdoux.actions import commands as c

    told = {"time_zone": "Europe/Paris", "language": "fr", **more}
    rules = read_charter("tout-doux-cratie")
    return c.found("Les Loutres", now=BEGIN, via="cli", charter=rules, **told)


def imported(
    number: int, leader: str = "Lou Leroy", leader_id: str | None = None
) -> ImportedAction:
    return ImportedAction(
        f"AE{number}",
        Kind.EXTRAORDINARY,
        number,
        f"Objet {number}",
        leader,
        leader_id,
        date(2020, 5, 5),
        3,
        0,
        3,
    )


# --- forgetting ----------------------------------------------------------------------------------


def erase(small: Small, member: str, *, written: bool = False) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger import forgetting

    kept = forgetting.of_member(small.id, member, written=written)
    shown = [one.commitment for one in kept]
    c.erase(small.request(30), shown, member, written=written)


@pytest.mark.parametrize("written", ["Zoé Fleury-Durand", "ZOE FLEURY DURAND", "@zozo"])
def test_a_name_that_a_table_had_before_somebody_joined_goes_too(
    both_databases: Path, written: str
) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    table = [imported(1, written), imported(2, "Lou Leroy")]
    c.import_actions(small.request(1), table)
    zoe = c.add_member(small.request(2), "Zoé Fleury-Durand", handle="zozo")
    c.end_membership(small.request(3), zoe)
    erase(small, zoe)
    assert f"'{written}'" not in str(tables())
    assert "'Lou Leroy'" in str(tables())
    verify(small)
    assert c.import_actions(small.request(31), table) == []


def test_the_leader_of_another_members_imported_actions_stays(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    c.import_actions(small.request(1), [imported(1, "Ana Brun", small.ana)])
    other = c.add_member(small.request(2), "Ana Brun", handle="autre")
    c.end_membership(small.request(3), other)
    erase(small, other)
    verify(small)
    assert "Ana Brun" in str(tables())


def test_whom_a_forgotten_member_took_in_keeps_their_name(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    c.add_member(small.request(1, by=small.zoe), "Max Moreau")
    small.leaves()
    erase(small, small.zoe, written=True)
    assert "Max Moreau" in str(tables())
    verify(small)


def test_a_name_taken_while_one_is_asked_is_not_overlooked(both_databases: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger import forgetting

    small = Small()
    small.leaves()
    shown = [one.commitment for one in forgetting.of_member(small.id, small.zoe)]
    c.rename_member(small.request(21), small.zoe, name="Zoé Zorille")
    why = refused(c.erase, small.request(22), shown, small.zoe)
    assert why == "what would be forgotten changed meanwhile"
    erase(small, small.zoe)
    assert "Zorille" not in str(tables())
    verify(small)


def test_who_came_back_while_one_is_asked_is_not_forgotten(home: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger import forgetting

    small = Small()
    small.leaves()
    shown = [one.commitment for one in forgetting.of_member(small.id, small.zoe)]
    c.begin_membership(small.request(21), small.zoe)
    assert "is a member" in refused(c.erase, small.request(22), shown, small.zoe)


def test_a_text_forgotten_meanwhile_is_not_forgotten_twice(home: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger import forgetting

    small = Small()
    shown = [one.commitment for one in forgetting.about(small.id, "AO1", ["reason"])]
    c.erase(small.request(21), shown)
    assert "changed meanwhile" in refused(c.erase, small.request(22), shown)


@pytest.mark.parametrize(
    "name", ["Les Loutres libres", "loutres", "P21", "Zoé Zibeline", "zoe", "zoe@courriel.example"]
)
def test_a_name_that_tables_hold_copies_of_is_not_forgotten_alone(home: Path, name: str) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger.models import Text

    small = Small()
    small.leaves()
    texts = Text.objects.filter(ledger_id=small.id, text=name)
    shown = list(texts.values_list("commitment", flat=True))
    assert shown
    assert "names the association, a period" in refused(c.erase, small.request(21), shown)
    verify(small)


def test_nobody_is_forgotten_under_the_name_that_goes(home: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger import forgetting

    small = Small()
    small.leaves()
    shown = [one.commitment for one in forgetting.of_member(small.id, small.zoe)]
    request = replace(small.request(21), operator="zoe")
    assert "is a name to be forgotten" in refused(c.erase, request, shown, small.zoe)


# --- who and what is named -----------------------------------------------------------------------


def _to_strangers(small: Small, who: str) -> dict[str, Callable[[], Any]]:
    from toutdoux.actions import commands as c

    now = small.request(6)
    return {
        "rename": lambda: c.rename_member(now, who, name="Volé"),
        "leave": lambda: c.end_membership(now, who),
        "return": lambda: c.begin_membership(now, who),
        "role": lambda: c.give_role(now, who, "cheffe", date(2021, 3, 1)),
        "erase": lambda: c.erase(now, [], who),
        "check before erasing": lambda: c.check_left(now, who),
        "take in": lambda: c.add_member(replace(now, by=who), "Max Moreau"),
        "hand over": lambda: c.hand_over(now, "AE1", who, by=small.zoe),
        "propose": lambda: c.propose(now, Kind.ORDINARY, "Un bal", by=who),
        "lead": lambda: c.propose(now, Kind.ORDINARY, "Un bal", by=small.ana, leader=who),
        "give the right": lambda: c.propose(
            now, Kind.ORDINARY, "Un bal", by=small.ana, effects=[h.GrantVotingRight(who)]
        ),
        "vote": lambda: c.vote(now, "AE1", h.Choice.FOR, by=who),
        "import": lambda: c.import_actions(now, [imported(9, "Max Moreau", who)]),
    }


@pytest.mark.parametrize("stranger", ["unknown", "of another association"])
def test_whoever_is_no_member_here_is_refused(both_databases: Path, stranger: str) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    who = "f" * 16
    if stranger != "unknown":
        other = found(slug="autres")
        request = replace(small.request(0), association=other)
        who = c.add_member(request, "Yan Yvon", joined=BEGIN - timedelta(days=200))
    for name, command in _to_strangers(small, who).items():
        assert refused(command) == "nobody here is called “{member}”", name
    verify(small)


def test_a_role_of_another_association_is_not_ended(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    role = c.give_role(small.request(6), small.ana, "cuisinière", date(2021, 3, 1))
    elsewhere = replace(small.request(7), association=found(slug="autres"))
    assert "there is no role" in refused(c.end_role, elsewhere, role, date(2021, 4, 1))
    assert "there is no role" in refused(c.end_role, small.request(7), "x", date(2021, 4, 1))


def test_a_reference_that_is_none_is_refused(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    ref = "AE" + "9" * 100
    why = refused(c.vote, small.request(6), ref, h.Choice.FOR, by=small.ana)
    assert why == "{ref} was not proposed before"


# --- who does it ---------------------------------------------------------------------------------


def _administrative(small: Small) -> dict[str, Callable[[Any], Any]]:
    """What is no action of anybody's, each as it is asked for."""
    from toutdoux.actions import commands as c
    from toutdoux.ledger import forgetting

    zoe, days = small.zoe, (date(2021, 2, 1), date(2021, 5, 1))
    role = c.give_role(small.request(6), small.bob, "jardinier", days[0])
    event = {"date": "2021-03-04", "kind": "life", "title": "Un bal"}

    def erase(request: Any) -> None:
        kept = [one.commitment for one in forgetting.about(small.id, "AO1", ["reason"])]
        c.erase(request, kept)

    return {
        "association.changed": lambda r: c.change_association(r, name="Les Loutres du lac"),
        "settings.changed": lambda r: c.change_settings(r, {"public_charter": True}),
        "member.joined": lambda r: c.add_member(r, "Max Moreau"),
        "member.renamed": lambda r: c.rename_member(r, small.bob, name="Bob Roi"),
        "member.invited": lambda r: c.invite_member(r, small.bob),
        "account.closed": lambda r: c.close_account(r, small.bob),
        "role.given": lambda r: c.give_role(r, small.bob, "cuisinier", *days),
        "role.ended": lambda r: c.end_role(r, role, days[1]),
        "period.added": lambda r: c.add_period(r, "P22", *days),
        "period.changed": lambda r: c.add_period(r, "P22", days[0], days[0]),
        "period.removed": lambda r: c.remove_period(r, "P22"),
        "action.imported": lambda r: c.import_actions(r, [imported(90)]),
        "journal.added": lambda r: c.add_to_journal(r, event),
        "journal.changed": lambda r: c.change_journal(r, 2, {**event, "title": "Un grand bal"}),
        "journal.removed": lambda r: c.change_journal(r, 2, None),
        "report.worded": lambda r: c.word_report(r, "P21", {"title": "Six mois"}),
        "report.published": lambda r: c.publish_report(r, "P21", {"md": "0" * 64}),
        "texts.erased": erase,
        "member.left": lambda r: c.end_membership(r, zoe),
        "member.returned": lambda r: c.begin_membership(r, zoe),
    }


def test_what_shows_nothing_is_empty(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    now, unseen = small.request(6), "\u200b \ufeff\u2060\u00ad"
    assert refused(c.add_member, now, unseen) == "{what} is empty"
    assert refused(c.propose, now, Kind.ORDINARY, unseen, by=small.ana) == "{what} is empty"


def test_a_name_turns_no_words_around_that_follow_it(home: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.association.models import Member

    small = Small()
    id = c.add_member(small.request(6), "Max \u202e\u2066Noir")
    assert Member.objects.get(pk=id).name == "Max Noir"


def test_every_administrative_act_names_its_author(both_databases: Path) -> None:
    import orjson

    from toutdoux.ledger import book

    small = Small()
    asked = _administrative(small)
    before = book.rows(small.id)
    length = max(seq for seq, _, _ in before)
    for number, command in enumerate(asked.values()):
        command(small.request(7 + number / 10, by=small.ana))
    entries = [orjson.loads(body) for _, body, _ in book.rows(small.id, length + 1)]
    told = {entry["kind"]: entry.get("by") for entry in entries}
    assert {kind: told.get(kind) for kind in asked} == dict.fromkeys(asked, small.ana)
    # What falls due by itself nobody does.
    assert {told[kind] for kind in told.keys() - asked.keys()} <= {None}
    verify(small)


def test_an_account_is_claimed_by_its_own_member(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    c.claim_account(small.request(6, by=small.bob), small.bob)
    for by in (small.ana, None):
        why = refused(c.claim_account, small.request(7, by=by), small.bob)
        assert why == "an account is made by its own member"
    why = refused(c.close_account, small.request(7, by=small.bob), small.bob)
    assert why == "nobody closes their own account here"
    verify(small)


def test_whoever_has_left_is_neither_invited_nor_makes_an_account(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    c.end_membership(small.request(6), small.bob)
    why = "{member} is no member on {at}"
    assert refused(c.invite_member, small.request(7, by=small.ana), small.bob) == why
    assert refused(c.claim_account, small.request(7, by=small.bob), small.bob) == why
    c.close_account(small.request(7, by=small.ana), small.bob)
    verify(small)


@pytest.mark.parametrize("author", ["unknown", "of another association", "who has left"])
def test_nobody_but_a_member_administers(both_databases: Path, author: str) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    who, why = "f" * 16, "nobody here is called “{member}”"
    if author == "of another association":
        request = replace(small.request(0), association=found(slug="autres"))
        who = c.add_member(request, "Yan Yvon", joined=BEGIN - timedelta(days=200))
    elif author == "who has left":
        who, why = small.bob, "{member} is no member on {at}"
        c.end_membership(small.request(5.5), who)
    for kind, command in _administrative(small).items():
        assert refused(command, small.request(7, by=who)) == why, kind
    verify(small)


def test_who_did_it_makes_it_another_command(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    c.add_member(small.request(6, key="k", by=small.ana), "Max Moreau")
    why = refused(c.add_member, small.request(6, key="k", by=small.bob), "Max Moreau")
    assert "with something else" in why


def test_what_a_forgotten_member_named_for_the_association_stays(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    for number, (kind, command) in enumerate(_administrative(small).items()):
        if kind in ("association.changed", "period.added", "role.given", "journal.added"):
            command(small.request(7 + number / 10, by=small.zoe))
    c.word_report(small.request(9, by=small.zoe), "P21", {"title": "Six mois de zèle"})
    small.leaves()
    erase(small, small.zoe, written=True)
    told = str(tables())
    assert "Les Loutres du lac" in told
    assert "P22" in told
    assert "cuisinier" in told
    assert "zèle" not in told
    assert "Un bal" not in told
    verify(small)


# --- what makes sense ----------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["", "loutres", "javascript:alert(1)", "https://a.example b"])
def test_a_link_that_cannot_be_followed_is_refused(home: Path, link: str) -> None:
    from toutdoux.actions import commands as c

    small, why = Small(), "“{text}” is not a link"
    now, ana = small.request(6), small.ana
    assert refused(c.propose, now, Kind.ORDINARY, "Un bal", by=ana, link=link) == why
    assert refused(c.follow_up, now, "AO1", h.FollowUp.DONE, by=ana, links=[link]) == why


def test_a_condition_says_something_and_is_met_once(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    why = refused(c.propose, small.request(6), Kind.ORDINARY, "x", by=small.ana, condition=" ")
    assert why == "{what} is empty"
    c.meet_condition(small.request(6), "AE1", by=small.bob)
    why = "its condition is met already, since {at}"
    assert refused(c.meet_condition, small.request(7), "AE1", by=small.ana) == why
    c.meet_condition(small.request(8, at=BEGIN + timedelta(days=5)), "AE1", by=small.ana)
    verify(small)


@pytest.mark.parametrize("email", ["ana", "@", "ana@", "a b@c.example"])
def test_an_address_that_is_none_is_refused(home: Path, email: str) -> None:
    from toutdoux.actions import commands as c

    small, why = Small(short=True), "“{text}” is not an e-mail address"
    assert refused(c.add_member, small.request(1), "Max Moreau", email=email) == why
    assert refused(c.rename_member, small.request(1), small.ana, email=email) == why


def test_the_rules_in_force_may_be_confirmed_by_an_action(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    effects = [h.AmendCharter(read_charter("tout-doux-cratie"))]
    told = (small.request(6), Kind.EXTRAORDINARY, "Garder nos règles")
    assert c.propose(*told, by=small.ana, effects=effects) == "AE2"


@pytest.mark.parametrize("term", [(1, 40), (20, None), (30, 31), (40, 50)])
def test_a_role_is_not_given_twice_for_one_day(home: Path, term: tuple[int, int | None]) -> None:
    from toutdoux.actions import commands as c

    small, day = Small(short=True), BEGIN.date()
    given = small.request(1)
    c.give_role(given, small.ana, "Cuisinière", day + timedelta(30), day + timedelta(40))
    first, last = (None if one is None else day + timedelta(one) for one in term)
    why = "{member} is “{role}” already, from {first} to {last}"
    assert refused(c.give_role, given, small.ana, "CUISINIERE", first, last) == why
    c.give_role(given, small.bob, "Cuisinière", first, last)
    c.give_role(given, small.ana, "Cuisinière", day + timedelta(41))
    why = "{member} is “{role}” already, since {first}"
    assert refused(c.give_role, given, small.ana, "Cuisinière", day + timedelta(400)) == why


def test_what_is_so_already_is_not_recorded(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    now = small.request(6)
    c.settle(now)
    before = tables()
    c.rename_member(now, small.ana, name=" Ana Brun", handle="@ana", email="")
    c.change_association(now, name="Les Loutres libres", time_zone="europe/paris", language="fr")
    c.add_period(now, "P21", date(2021, 2, 1), date(2021, 7, 18))
    assert tables() == before
    c.rename_member(now, small.ana, name="Ana Brun", handle="anab")
    verify(small)


def test_an_entry_of_the_journal_and_words_for_a_report_can_be_read_back(home: Path) -> None:
    from toutdoux.actions import commands as c

    small, now = Small(), Small.request
    entry = {"date": "2021-03-04", "kind": "life", "title": "Un bal"}
    wrong = [{"kind": "life"}, {**entry, "actions": ["AE9"]}, {**entry, "period": "P99"}]
    for content in (*wrong, {**entry, "kind": "ball"}):
        refused(c.add_to_journal, now(small, 6), content)
        refused(c.change_journal, now(small, 6), 1, content)
    for content in ({"titel": "x"}, {"date": "hier"}, {"sections": {"x": {}}}):
        refused(c.word_report, now(small, 6), "P21", content)
    c.add_to_journal(now(small, 6), {**entry, "actions": ["AE1"], "period": "P21"})
    c.word_report(now(small, 6), "P21", {"title": "Six mois", "date": "2021-07-18"})


def test_a_list_of_members_names_who_imported_it(home: Path) -> None:
    import orjson

    from toutdoux.actions.member_import import import_members
    from toutdoux.ledger import book
    from toutdoux.tables import read_members
    from toutdoux.tables.changes import What

    small = Small(short=True)
    rows = read_members(b"Nom,Sortie\nMax Moreau,\nBob Leroy,2021-02-01\n", "l.csv").rows
    asked, before, shown = small.request(1, by=small.ana), tables(), []
    told = import_members(asked, rows, file="l.csv", dry_run=True)
    assert tables() == before
    done = import_members(asked, rows, file="l.csv", progress=lambda *far: shown.append(far)).done
    assert [(one.what, one.handle) for one in done] == [
        (What.JOINS, "max"),
        (What.LEAVES, "bob"),
    ]
    assert [one.handle for one in told.done] == ["max", "bob"]
    assert shown == [(1, 2), (2, 2)]
    last = [orjson.loads(body) for _, body, _ in book.rows(small.id)][-2:]
    assert [entry["by"] for entry in last] == [small.ana, small.ana]


# --- what can be kept ----------------------------------------------------------------------------


def _beyond(small: Small) -> dict[str, tuple[str, Callable[[], Any]]]:
    """Commands that PostgreSQL has no room for, or no calendar, and what they are refused with."""
    from toutdoux.actions import commands as c

    now, ana, ordinary = small.request(6), small.ana, Kind.ORDINARY
    long, reach = "{what} is over {n} characters long", "{text} is out of reach"
    number, no_text = "the number {text} is out of reach", "there is a character here that is not"
    old, far = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    keyed, acting = replace(now, key="k" * 201), replace(now, operator="o" * 201)
    return {
        "no text": (no_text, lambda: c.propose(now, ordinary, "a\0b", by=ana)),
        "half a character": (no_text, lambda: c.propose(now, ordinary, "a\udcffb", by=ana)),
        "reason": (no_text, lambda: c.call_counter_vote(now, "AE1", "\0", by=ana)),
        "links": (
            no_text,
            lambda: c.follow_up(now, "AE1", h.FollowUp.DONE, by=ana, links=["\0"]),
        ),
        "name": (no_text, lambda: c.add_member(now, "Max\0")),
        "id": (no_text, lambda: c.end_membership(now, "\0")),
        "journal": (no_text, lambda: c.add_to_journal(now, {"title": ["\ud800"]})),
        "imported": (no_text, lambda: c.import_actions(now, [imported(9, "Lou\0")])),
        "operator": (no_text, lambda: c.settle(replace(now, operator="\udcff"))),
        "long key": (long, lambda: c.add_member(keyed, "Max Moreau")),
        "long operator": (long, lambda: c.add_member(acting, "Max Moreau")),
        "long operator, looking": (long, lambda: c.settle(acting)),
        "e-mail": (long, lambda: c.add_member(now, "Max", email="x" * 255)),
        "new e-mail": (long, lambda: c.rename_member(now, ana, email="x" * 255)),
        "report's words": (long, lambda: c.word_report(now, "P" * 61, {"title": "x"})),
        "report": (long, lambda: c.publish_report(now, "P" * 61, {"pdf": "0" * 64})),
        "number": (number, lambda: c.propose(now, ordinary, "x", by=ana, number=2**31)),
        "no number": (number, lambda: c.propose(now, ordinary, "x", by=ana, number=0)),
        "imported number": (number, lambda: c.import_actions(now, [imported(2**31)])),
        "imported votes": (
            number,
            lambda: c.import_actions(now, [replace(imported(9), against=-1)]),
        ),
        "joined": (reach, lambda: c.add_member(now, "Max", joined=old)),
        "left": (reach, lambda: c.end_membership(now, ana, far)),
        "returned": (reach, lambda: c.begin_membership(now, ana, old)),
        "told": (reach, lambda: c.propose(replace(now, at=old), ordinary, "x", by=ana)),
        "role": (reach, lambda: c.give_role(now, ana, "x", old.date())),
        "period": (reach, lambda: c.add_period(now, "P22", date(2022, 1, 1), far.date())),
        "time zone": (
            "there is no time zone “{text}”",
            lambda: c.change_association(now, time_zone="Mars/Base"),
        ),
        "language": (
            "the language cannot be “{text}”",
            lambda: c.change_association(now, language="eo"),
        ),
        "nothing": ("nothing is said to change", lambda: c.rename_member(now, ana)),
        "founding: time zone": ("there is no time zone", lambda: found(time_zone="Europe")),
        "founding: language": ("the language cannot be", lambda: found(language="eo")),
        "founding: operator": (long, lambda: found(operator="o" * 201)),
        "founding: no text": (no_text, lambda: found(operator="\0")),
    }


def test_what_one_database_has_no_room_for_is_refused_on_all(both_databases: Path) -> None:
    small = Small()
    for name, (why, command) in _beyond(small).items():
        assert refused(command).startswith(why), name
    assert_whole(small.id)


def test_what_just_fits_is_kept(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    now = replace(small.request(6), operator="o" * 200, key="k" * 200)
    max = c.add_member(
        now, "M" * 200, email="x" * 249 + "@y.zz", joined=datetime(1000, 1, 1, tzinfo=UTC)
    )
    ref = c.propose(small.request(7), Kind.ORDINARY, "x", by=small.ana, number=2**31 - 1)
    assert ref == "AO2147483647"
    c.word_report(small.request(8), " " + "P" * 60, {"title": "x"})
    c.end_membership(small.request(9), max)
    verify(small)
    why = refused(c.propose, small.request(10), Kind.ORDINARY, "x", by=small.ana)
    assert why == "the number {text} is out of reach"


# --- what is said twice --------------------------------------------------------------------------


def test_a_command_said_twice_with_its_key_happens_once(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()

    def propose() -> str:
        return c.propose(small.request(6, key="k1"), Kind.ORDINARY, "Un bal", by=small.ana)

    assert propose() == "AO2"
    before = tables()
    assert propose() == "AO2"
    assert tables() == before


def test_a_key_said_with_something_else_is_refused(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    keyed = small.request(6, key="k1")
    c.vote(keyed, "AE1", h.Choice.FOR, by=small.bob)
    why = "the key “{key}” was said before, with something else"
    assert refused(c.vote, keyed, "AE1", h.Choice.AGAINST, by=small.bob) == why
    assert refused(c.vote, keyed, "AE1", h.Choice.FOR, by=small.ana) == why
    assert refused(c.withdraw_vote, keyed, "AE1", by=small.bob) == why
    assert refused(c.add_member, keyed, "Max Moreau") == why
    c.vote(keyed, "AE1", h.Choice.FOR, by=small.bob)


def test_every_command_is_known_again_by_all_that_it_says(home: Path) -> None:
    """Said again it is answered the same; told of another instant it is another."""
    from toutdoux.actions import commands as c

    small = Small()
    at, days = BEGIN + timedelta(days=5), (date(2021, 1, 1), date(2021, 2, 1))
    amended = h.AmendCharter(read_charter("lazy-consensus"))
    commands: list[Callable[[Any], Any]] = [
        lambda r: c.propose(r, Kind.EXTRAORDINARY, "Un bal", by=small.ana, effects=[amended]),
        lambda r: c.add_member(r, "Max Moreau", joined=at, email="max@courriel.example"),
        lambda r: c.rename_member(r, small.ana, handle="anab"),
        lambda r: c.change_association(r, name="Les Loutres du lac"),
        lambda r: c.give_role(r, small.ana, "cuisinière", *days),
        lambda r: c.add_period(r, "P20", *days),
        lambda r: c.add_to_journal(r, {"date": "2021-03-04", "kind": "life", "title": "x"}),
        lambda r: c.change_journal(r, 1, None),
        lambda r: c.publish_report(r, "P20", {"pdf": "0" * 64}),
        lambda r: c.end_membership(r, small.bob),
    ]
    for number, command in enumerate(commands):
        request = small.request(6, key=f"k{number}")
        answer = command(request)
        before = tables()
        assert command(request) == answer
        assert tables() == before
        assert "with something else" in refused(command, replace(request, at=at))
    verify(small)


def test_no_text_stays_beside_a_key(home: Path) -> None:
    from toutdoux.actions import commands as c
    from toutdoux.ledger.models import Said

    small = Small()
    c.propose(small.request(6, key="k1"), Kind.ORDINARY, "Un bal masqué", by=small.ana)
    answer = Said.objects.get(ledger_id=small.id).answer
    command, told, ref = answer.split()
    assert (command, len(told), ref) == ("propose", 4, "AO2")


def test_an_import_said_twice_with_its_key_gives_the_same_list(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small()
    many = [imported(number) for number in range(10, 110)]
    c.import_actions(small.request(5), many[:1])
    keyed = small.request(6, key="k1")
    new = c.import_actions(keyed, many)
    assert new == [f"AE{number}" for number in range(11, 110)]
    assert c.import_actions(keyed, many) == new
    assert c.import_actions(small.request(7, key="k2"), many) == []
    assert "something else" in refused(c.import_actions, keyed, many[:-1])


# --- scenarios -----------------------------------------------------------------------------------

_SCENARIO = """
association: {{name: Les Loutres, time_zone: Europe/Paris}}
members:
  - {{id: {id}, name: {name}, joined: 2020-09-15}}
events:
  - {{at: 2021-03-01T10:00:00+01:00, propose: extraordinary, by: {id}, object: "{object}"}}
"""
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _scenario(id: str, name: str, object: str = "Un bal") -> Any:
    from toutdoux.scenario import read_scenario

    return read_scenario(_SCENARIO.format(id=id, name=name, object=object))


def _elsewhere(work: Callable[[], Any]) -> threading.Thread:
    """Do something on another connection; what it is refused with is as it may be."""

    def run() -> None:
        from django.db import connection

        try:
            work()
        except Refusal:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_of_two_imports_at_once_one_is_refused(
    postgres_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.actions import importing
    from toutdoux.association.models import Member

    found()
    ana, bob = _scenario("ana", "Ana Brun"), _scenario("bob", "Bob Leroy")
    check = importing._check_empty
    others: list[threading.Thread] = []

    def meanwhile(*arguments: Any) -> None:
        check(*arguments)
        if not others:
            others.append(_elsewhere(lambda: importing.import_scenario(bob, now=_NOW)))
            others[0].join(0.5)  # it waits for this one

    monkeypatch.setattr(importing, "_check_empty", meanwhile)
    importing.import_scenario(ana, now=_NOW)
    others[0].join(20)
    assert list(Member.objects.values_list("handle", flat=True)) == ["ana"]


def test_of_the_same_import_twice_at_once_one_happens(
    postgres_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toutdoux.actions import importing

    found()
    ana = _scenario("ana", "Ana Brun")
    check = importing._check_empty
    told: list[Any] = []
    others: list[threading.Thread] = []

    def meanwhile(*arguments: Any) -> None:
        check(*arguments)
        if not others:
            others.append(_elsewhere(lambda: told.append(importing.import_scenario(ana, now=_NOW))))
            others[0].join(0.5)

    monkeypatch.setattr(importing, "_check_empty", meanwhile)
    assert importing.import_scenario(ana, now=_NOW).new
    others[0].join(20)
    assert [one.new for one in told] == [False]


@pytest.mark.parametrize("sign", ["\\0", "\\ud800"])
def test_a_scenario_with_what_is_no_text_is_refused(both_databases: Path, sign: str) -> None:
    from toutdoux.actions import importing
    from toutdoux.scenario import ScenarioError

    before = tables()
    with pytest.raises((Refusal, ScenarioError)):
        importing.import_scenario(_scenario("ana", "Ana Brun", f"Un bal{sign}"), now=_NOW)
    assert tables() == before
