"""The demo association, alive: its history, a seat for everybody, and something to vote on."""

from __future__ import annotations

from datetime import datetime, timedelta

from toutdoux.actions import commands
from toutdoux.actions.importing import import_scenario
from toutdoux.actions.models import Action
from toutdoux.association import roster
from toutdoux.association.models import Association, Member
from toutdoux.config.settings import PACKAGE
from toutdoux.core.charter import Kind
from toutdoux.core.history import Choice
from toutdoux.core.replay import UNDECIDED
from toutdoux.scenario import load_scenario
from toutdoux.tables.columns import folded

from .models import Account, Comment, Seat

SCENARIO = PACKAGE / "demo" / "loutres.yaml"
_BEGINS = timedelta(days=7)
"""How long ago the live actions begin, at the most."""

# By whom, when (days ago), what, and who voted what since: all of it invented.
_LIVE: tuple[tuple[str, float, Kind, str, str, str], ...] = (
    (
        "ines",
        6.2,
        Kind.EXTRAORDINARY,
        "Ouvrir un service de cartes collaboratives, hébergé sur la machine du local, pour les"
        " balades et les inventaires du quartier.",
        "nassim thanh zoe margaux yuki lou salome oscar",
        "",
    ),
    (
        "gaspard",
        4.5,
        Kind.EXTRAORDINARY,
        "Prêter la salle serveur au club de radio le mercredi soir, clés comprises, jusqu’à l’été.",
        "pluie felix rania tiago noemie",
        "solene",
    ),
    (
        "leila",
        2.3,
        Kind.ORDINARY,
        "Acheter deux disques de 8 To pour remplacer ceux de la sauvegarde, qui ont cinq ans.",
        "thanh pavel clemence ibrahima aminata camille",
        "",
    ),
    (
        "zoe",
        0.4,
        Kind.ORDINARY,
        "Tenir un atelier « reprendre ses photos en main » à la médiathèque, le dernier samedi du"
        " mois.",
        "elouan mathilde",
        "",
    ),
)
_STEWARDS = ("odile", "nassim", "zoe")


def prepare_demo(now: datetime) -> None:
    """Make the demo ready in an empty database; where it is there, see that something is open.

    Args:
        now: the present instant, in UTC.
    """
    association = Association.objects.first()
    if association is None:
        done = import_scenario(load_scenario(SCENARIO), now=now - _BEGINS)
        association = Association.objects.get(pk=done.association)
        _name_stewards(association, now - _BEGINS)
        _propose(association, now)
    else:
        commands.settle(commands.Request(association=association.pk, now=now, via="demo"))
        if not Action.objects.filter(association=association, state__in=UNDECIDED).exists():
            # As if the week had begun today: what is in the ledger already cannot come later.
            _propose(association, now, at_once=True)
    _seat_everybody(association, now)


def people(now: datetime) -> list[tuple[Association, list[Member]]]:
    """The members of each association that somebody may be."""
    return [
        (association, [row for row in _members(association, now) if hasattr(row, "seat")])
        for association in Association.objects.order_by("name")
    ]


def _members(association: Association, now: datetime) -> list[Member]:
    present = roster.enrolled(association.pk, now)
    rows = Member.objects.filter(association=association, erased=False).select_related("seat")
    known = [row for row in rows if row.pk in present]
    return sorted(known, key=lambda row: folded(row.name))


def _name_stewards(association: Association, at: datetime) -> None:
    for row in Member.objects.filter(association=association, handle__in=_STEWARDS):
        request = commands.Request(association=association.pk, now=at, via="demo")
        commands.give_role(request, row.pk, "référent·e", at.date())


def _propose(association: Association, now: datetime, *, at_once: bool = False) -> None:
    ids = dict(Member.objects.filter(association=association).values_list("handle", "id"))
    for by, days, kind, text, agree, disagree in _LIVE:
        at = now if at_once else now - timedelta(days=days)
        ref = commands.propose(_request(association, at), kind, text, by=ids[by])
        for number, (handle, choice) in enumerate(
            [(handle, Choice.FOR) for handle in agree.split()]
            + [(handle, Choice.AGAINST) for handle in disagree.split()]
        ):
            later = at if at_once else min(at + timedelta(hours=1 + number), now)
            commands.vote(_request(association, later), ref, choice, by=ids[handle])
        for handle in disagree.split():
            Comment.objects.create(
                association=association,
                action=ref,
                member_id=ids[handle],
                text="Et si on gardait une clé sur deux ? J’aimerais en parler avant que ça parte.",
                at=at if at_once else at + timedelta(hours=10),
                key=f"demo {ref}",
            )


def _request(association: Association, at: datetime) -> commands.Request:
    return commands.Request(association=association.pk, now=at, via="demo")


def _seat_everybody(association: Association, now: datetime) -> None:
    for row in _members(association, now):
        if not hasattr(row, "seat"):
            account = Account.objects.create_user(
                f"{row.handle}@{association.slug}.example", created=now
            )
            Seat.objects.create(account=account, member=row, since=now)
