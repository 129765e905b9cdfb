"""Stewards (*référent·es*): those who look after members, the journal, reports and settings.

They are whoever holds a role of that name. They have no power over votes.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Q

from toutdoux.core.instants import first_instant

from .models import Association, Membership, Role

_NAME = re.compile(r"referente?s?|stewards?")


def is_steward_role(text: str) -> bool:
    """Whether a role is that of a steward: référent·e, Référente, référent(e)s, steward …"""
    from toutdoux.tables.columns import folded  # much to load, for all who ask for no role

    return _NAME.fullmatch(folded(text).replace(" ", "")) is not None


def stewards(association_id: str, day: date) -> set[str]:
    """The ids of the members who are stewards on a day, in the association's time zone: from the
    role's first day to its last, as long as they are members when the day ends. One query."""
    return {member for member, _ in steward_roles(association_id, day)}


def steward_roles(association_id: str, day: date) -> set[tuple[str, str]]:
    """The roles that make somebody a steward on a day: pairs of the member's id and the role's."""
    rows = Role.objects.filter(
        Q(last__isnull=True) | Q(last__gte=day),
        member__association=association_id,
        first__lte=day,
        role__text__isnull=False,
    ).order_by()
    told = rows.values_list(
        "member_id",
        "id",
        "role__text",
        "member__association__time_zone",
        "member__memberships__joined",
        "member__memberships__left",
    )
    return {
        (member, role)
        for member, role, text, zone, joined, left in told
        if text is not None and is_steward_role(text) and _lasts(joined, left, _end(day, zone))
    }


def _end(day: date, zone: str) -> datetime:
    return first_instant(day + timedelta(days=1), ZoneInfo(zone))


def _lasts(joined: datetime, left: datetime | None, until: datetime) -> bool:
    return joined < until and (left is None or left >= until)


def today(association_id: str, at: datetime) -> date:
    """The day that an instant is on, in the association's time zone."""
    zone = Association.objects.values_list("time_zone", flat=True).get(pk=association_id)
    return at.astimezone(ZoneInfo(zone)).date()


def has_others(association_id: str, day: date, member: str) -> bool:
    """Whether anybody but one is a member when a day ends."""
    zone = Association.objects.values_list("time_zone", flat=True).get(pk=association_id)
    end = _end(day, zone)
    rows = Membership.objects.filter(
        Q(left__isnull=True) | Q(left__gte=end),
        member__association=association_id,
        joined__lt=end,
    )
    return rows.exclude(member=member).exists()
