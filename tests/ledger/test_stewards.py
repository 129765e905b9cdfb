"""Stewards: who they are, and that there is always one where there was one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from toutdoux.core.words import Refusal

from .small import BEGIN, Small, tables

DAY = BEGIN.date()
LAST = "{member} is the last référent·e"


def stewards(small: Small, day: date) -> set[str]:
    from toutdoux.association.stewards import stewards as on

    return on(small.id, day)


def give(small: Small, member: str, role: str = "Référent·e", **more: Any) -> str:
    from toutdoux.actions import commands as c

    first = more.pop("first", DAY)
    return c.give_role(small.request(1), member, role, first, more.pop("last", None))


def last_one(command: Any) -> None:
    """The command is refused, for it would leave the others without a steward."""
    before = tables()
    with pytest.raises(Refusal) as caught:
        command()
    assert caught.value.why.message == LAST
    assert tables() == before


@pytest.mark.parametrize(
    "text",
    [
        "référent·e",
        "Référent·es",
        "référent·e·s",
        "référente",
        "RÉFÉRENTE",
        "référent",
        "référents",
        "Référent.e",
        "référent(e)",
        "référent(e)s",
        "référent-e",
        "referent/e",
        "référent⋅e",
        "re\u0301fe\u0301rent·e",
        " référent·e ",
        "steward",
        "Stewards",
    ],
)
def test_a_steward_may_be_spelt_in_many_ways(text: str) -> None:
    from toutdoux.association.stewards import is_steward_role

    assert is_steward_role(text)


@pytest.mark.parametrize(
    "text", ["", "référence", "co-référente", "référent technique", "financière", "stewardship"]
)
def test_another_role_makes_no_steward(text: str) -> None:
    from toutdoux.association.stewards import is_steward_role

    assert not is_steward_role(text)


def test_a_steward_is_one_from_the_first_day_to_the_last(both_databases: Path) -> None:
    small = Small(short=True)
    give(small, small.ana, first=DAY, last=DAY + timedelta(days=9))
    give(small, small.bob, "financière")
    assert stewards(small, DAY - timedelta(days=1)) == set()
    assert stewards(small, DAY) == {small.ana}
    assert stewards(small, DAY + timedelta(days=9)) == {small.ana}
    assert stewards(small, DAY + timedelta(days=10)) == set()


def test_only_members_are_stewards(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    give(small, small.ana)
    give(small, small.bob)
    # The first instant of 11 March in Paris.
    c.end_membership(small.request(2), small.bob, datetime(2021, 3, 10, 23, tzinfo=UTC))
    assert stewards(small, date(2021, 3, 10)) == {small.ana, small.bob}
    assert stewards(small, date(2021, 3, 11)) == {small.ana}
    c.begin_membership(small.request(20), small.bob)
    assert stewards(small, DAY + timedelta(days=20)) == {small.ana, small.bob}


def test_stewards_of_another_association_are_none_here(home: Path) -> None:
    from dataclasses import replace

    from toutdoux.actions import commands as c
    from toutdoux.core.charter import read_charter

    small = Small(short=True)
    give(small, small.ana)
    other = c.found(
        "Les Castors",
        now=BEGIN,
        via="cli",
        time_zone="Europe/Paris",
        language="fr",
        charter=read_charter("tout-doux-cratie"),
    )
    request = replace(small.request(1), association=other)
    c.give_role(request, c.add_member(request, "Yan Yvon"), "référent", DAY)
    assert stewards(small, DAY + timedelta(days=3)) == {small.ana}


def test_stewards_take_one_query(home: Path) -> None:
    small = Small(short=True)
    for member in (small.ana, small.bob, small.zoe):
        give(small, member)
    with CaptureQueriesContext(connection) as queries:
        assert len(stewards(small, DAY + timedelta(days=3))) == 3
    assert len(queries) == 1


def test_the_last_steward_does_not_leave_the_others_alone(both_databases: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    role = give(small, small.ana)
    on = DAY + timedelta(days=30)
    last_one(lambda: c.end_membership(small.request(5), small.ana))
    last_one(lambda: c.end_membership(small.request(5), small.ana, BEGIN + timedelta(days=30)))
    last_one(lambda: c.end_membership(small.request(5), small.ana, BEGIN + timedelta(days=2)))
    last_one(lambda: c.end_role(small.request(5), role, on))
    last_one(lambda: c.end_role(small.request(5), role, DAY))


def test_once_another_is_named_a_steward_may_go(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    role = give(small, small.ana)
    give(small, small.bob, "référent")
    c.end_role(small.request(5), role, DAY + timedelta(days=5))
    c.end_membership(small.request(6), small.ana)
    last_one(lambda: c.end_membership(small.request(7), small.bob))


def test_another_who_is_a_steward_until_then_only_is_no_other(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    give(small, small.ana)
    give(small, small.bob, last=DAY + timedelta(days=9))
    for days in (9, 20):
        left = BEGIN + timedelta(days=days)
        last_one(lambda left=left: c.end_membership(small.request(5), small.ana, left))
    c.end_membership(small.request(5), small.ana, BEGIN + timedelta(days=5))


def test_a_role_that_somebody_has_twice_may_end_once(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    first, second = give(small, small.ana), give(small, small.ana, "steward")
    c.end_role(small.request(5), first, DAY + timedelta(days=8))
    last_one(lambda: c.end_role(small.request(12), second, DAY + timedelta(days=12)))


def test_a_steward_may_follow_another_on_the_next_day(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    role = give(small, small.ana)
    give(small, small.bob, first=DAY + timedelta(days=10))
    last_one(lambda: c.end_role(small.request(5), role, DAY + timedelta(days=8)))
    c.end_role(small.request(5), role, DAY + timedelta(days=9))


def test_the_last_of_all_may_leave(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    give(small, small.ana)
    for member in (small.bob, small.zoe, small.ana):
        c.end_membership(small.request(5), member)


def test_where_there_never_was_a_steward_everybody_may_leave(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    role = give(small, small.ana, "financière")
    c.end_role(small.request(5), role, DAY + timedelta(days=5))
    c.end_membership(small.request(6), small.ana)


def test_what_is_told_after_the_fact_is_as_it_was(home: Path) -> None:
    from toutdoux.actions import commands as c

    small = Small(short=True)
    give(small, small.ana)
    at = BEGIN + timedelta(days=4)
    c.end_membership(small.request(5, at=at), small.ana)
    assert stewards(small, DAY + timedelta(days=4)) == set()
