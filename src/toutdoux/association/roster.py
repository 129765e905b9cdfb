"""Who there is: who is a member and may vote at an instant, and who holds which role."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from django.db.models import Q

from toutdoux.core.roll import Enrolment, enrolments
from toutdoux.core.words import Sentence, Value, say

from . import people
from .charters import in_force
from .models import Role


def enrolled(
    association: str, at: datetime, only: Iterable[str] | None = None
) -> dict[str, Enrolment]:
    """Who is a member at an instant, and who may vote, by what is written down now.

    What is due may give somebody the right to vote: settle first.

    Args:
        association: its id.
        at: the instant, in UTC.
        only: the ids of the only ones who are asked about; None for everybody, in three queries.
    """
    members = people.Members(association)
    if only is None:
        members.read_all()
    asked = members if only is None else {id: members[id] for id in only}
    delay = in_force(association, at).charter.voting_right_delay
    return enrolments(asked, delay, members.granted, at)


def right(enrolment: Enrolment, begins: Value | None = None) -> Sentence:
    """`yes`, or from when on. `begins` is that instant as it is to be written, if not in full."""
    if enrolment.votes:
        return say("yes")
    return say("from {at}", at=enrolment.votes_from if begins is None else begins)


def roles(
    association: str, day: date | None = None, members: Iterable[str] | None = None
) -> Iterator[tuple[Role, str | None]]:
    """The roles held on a day, or ever, in order of their first day; each with what it is called,
    None if that was forgotten.

    Args:
        association: its id.
        day: a day in the association's time zone; None for all there have been.
        members: the ids of the members whose roles are wanted; None for everybody's.
    """
    rows = Role.objects.filter(member__association=association).select_related("member", "role")
    if members is not None:
        rows = rows.filter(member__in=members)
    if day is not None:
        rows = rows.filter(Q(last=None) | Q(last__gte=day), first__lte=day)
    for row in rows:
        yield row, row.role.text
