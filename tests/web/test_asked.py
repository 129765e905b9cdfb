"""Queries that are put together once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.db import connection
from django.test.utils import CaptureQueriesContext

from toutdoux.association.models import Association, Member, Membership
from toutdoux.web.asked import Asked
from toutdoux.web.door import seat_of_member, seats_at

from .conftest import PEOPLE, found


def test_each_answer_is_to_the_values_it_was_asked_with(both_databases: Path) -> None:
    loutres = found("Les Loutres libres", "loutres", PEOPLE)
    named = Asked(
        lambda handle, since: Membership.objects.filter(
            member__handle=handle, joined__lte=since
        ).values_list("member_id", "joined", "member__founder"),
        handle=str,
        since=datetime,
    )
    now = datetime.now(UTC)
    for handle in ("ana", "bob", "ana"):
        joined = Membership.objects.get(member=loutres.ids[handle]).joined
        assert named(handle=handle, since=now) == [(loutres.ids[handle], joined, True)]
        assert named(handle=handle, since=joined - timedelta(seconds=1)) == []
    assert named(handle="nobody", since=now) == []


def test_a_seat_comes_whole_in_one_query_and_only_of_its_own_association(
    both_databases: Path,
) -> None:
    loutres = found("Les Loutres libres", "loutres", PEOPLE)
    found("Les Castors", "castors", {"eve": "Eve Noir"})
    now, ana = datetime.now(UTC), loutres.ids["ana"]
    seat_of_member(ana, "loutres", now)  # the first one puts it together
    with CaptureQueriesContext(connection) as queries:
        seat = seat_of_member(ana, "loutres", now)
        assert seat is not None
        told = seat.member.association.ledger
    assert len(queries) == 1
    same = seats_at(now).get(member=ana)
    for one, other in (
        (seat, same),
        (seat.member, Member.objects.get(pk=ana)),
        (seat.member.association, Association.objects.get(slug="loutres")),
        (told, same.member.association.ledger),
    ):
        for field in type(one)._meta.concrete_fields:
            assert getattr(one, field.attname) == getattr(other, field.attname)
    assert seat_of_member(ana, "castors", now) is None
    assert seat_of_member("nobody", "loutres", now) is None


def test_who_has_left_has_no_seat_from_that_instant_on(both_databases: Path) -> None:
    loutres = found("Les Loutres libres", "loutres", PEOPLE)
    now, bob = datetime.now(UTC), loutres.ids["bob"]
    Membership.objects.filter(member=bob).update(left=now)
    assert seat_of_member(bob, "loutres", now - timedelta(seconds=1)) is not None
    assert seat_of_member(bob, "loutres", now) is None
