"""All that is known of an association, from its tables: what reports and audits are made of."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from toutdoux.association import models, people
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.history import FollowUp, History
from toutdoux.core.instants import first_instant
from toutdoux.core.journal import Period, Role, period_named, told_in
from toutdoux.core.replay import Standing
from toutdoux.core.words import Refusal, say
from toutdoux.journal import reading as journal

from . import models as actions
from .reading import imported, standing


def chronicle(association: str, erased: str) -> Chronicle:
    """Read the chronicle of an association.

    Its history has no events: `actions.reading` says where the actions stand.

    Args:
        association: its id.
        erased: what stands for a text that was forgotten.
    """
    row = models.Association.objects.get(pk=association)
    members = models.Member.objects.filter(association=association)
    names = {
        known: name or erased
        for id, handle, name in members.values_list("id", "handle", "name")
        for known in (id, handle)
    }
    return Chronicle(
        name=row.name,
        zone=ZoneInfo(row.time_zone),
        language=row.language,
        history=History(
            charter=people.charters(association)[0].charter,
            members=list(people.Members(association).values()),
            events=(),
        ),
        periods=periods(association),
        roles=_roles(association, erased),
        journal=journal.journal(association),
        reports=journal.report_words(association, names),
        imported=list(imported(association, erased=erased).values()),
    )


def period_told(
    association: str, period: Period, now: datetime, erased: str
) -> tuple[Chronicle, Standing]:
    """What the report and the audit of one period are made of, at the present instant: the
    actions that were proposed in it, those that its journal names, and the rules in force.

    It takes little longer however many other actions there are.
    """
    known = chronicle(association, erased)
    named = {ref for one in known.journal if told_in(one, period) for ref in one.actions}
    begin, end = first_instant(period.first, known.zone), known.end_of(period.last)
    wanted = actions.Action.objects.filter(association=association).filter(
        Q(proposed_at__gte=begin, proposed_at__lt=end)
        | Q(ref__in=named)
        | Q(followed_up=FollowUp.STANDING)
    )
    only = list(wanted.values_list("ref", flat=True))
    members = [role.member for role in known.roles]
    members += [one.leader_id for one in known.imported if one.leader_id is not None]
    return known, standing(association, now, erased, only=only, members=members)


def check_entry(association: str, content: journal.Content) -> None:
    """Refuse an entry of the journal that says what cannot be, or names an action or a period that
    is not there."""
    entry = journal.checked(content)
    if entry.period is not None:
        period_named(periods(association), entry.period)
    for ref in entry.actions:
        if not any(
            table.objects.filter(association=association, ref=ref).exists()
            for table in (actions.Action, actions.ImportedAction)
        ):
            raise Refusal(
                say("{ref} was never proposed", ref=ref),
                say("correct the reference, or name no action"),
                ("actions",),
            )


def periods(association: str) -> list[Period]:
    rows = models.Period.objects.filter(association=association)
    return [Period(row.name, row.first, row.last) for row in rows.order_by("first", "name")]


def _roles(association: str, erased: str) -> list[Role]:
    rows = models.Role.objects.filter(member__association=association).select_related("role")
    return [
        Role(row.role.text or erased, row.member_id, row.first, row.last)
        for row in rows.order_by("first", "id")
    ]
