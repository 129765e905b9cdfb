"""All that is known of an association, from its tables: what reports and audits are made of."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from toutdoux.association import models, people
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.history import History
from toutdoux.core.journal import Period, Role
from toutdoux.core.words import Refusal, say
from toutdoux.journal import reading as journal

from . import models as actions
from .reading import imported


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


def check_entry(association: str, content: journal.Content) -> None:
    """Refuse an entry of the journal that says what cannot be, or names an action or a period that
    is not there."""
    entry = journal.checked(content)
    known = [period.name for period in periods(association)]
    if entry.period is not None and entry.period not in known:
        raise no_period(entry.period, known)
    for ref in entry.actions:
        if not any(
            table.objects.filter(association=association, ref=ref).exists()
            for table in (actions.Action, actions.ImportedAction)
        ):
            raise Refusal(
                say("{ref} was never proposed", ref=ref),
                say("correct the reference, or name no action"),
            )


def no_period(name: str, known: Sequence[str]) -> Refusal:
    """What to say of a period that is not there."""
    return Refusal(
        say("there is no period {name}", name=name),
        say("use one of {names}", names=", ".join(known))
        if known
        else say("add it: toutdoux period add {name} 2021-02-01 2021-07-18", name=name),
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
