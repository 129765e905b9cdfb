"""What the tables say of actions, compared with where a history leads.

The tables are read apart from the comparing: a verifier has another process read them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import orjson
from django.db import connection

from toutdoux.core import action as core
from toutdoux.core import history as h
from toutdoux.core.replay import Standing
from toutdoux.ledger import tables

from . import models
from .rows import STORED, VOTE, VoteRow, ballots_of, columns, opinions_of

Stored = tuple[tuple[Any, ...], dict[str, str], list[VoteRow], list[tuple[datetime, str]]]
"""An action's row (the columns `STORED`), the votes in force by ballot (JSON, choices by member),
the opinions, the versions."""

_AT_ONCE = 200


def stored(association: str) -> Iterator[list[Stored]]:
    """What the tables say of every action, some at a time."""
    of = models.Action.objects.filter(association=association).order_by("pk")
    ids = iter(list(of.values_list("pk", flat=True)))
    while chunk := list(islice(ids, _AT_ONCE)):
        rows = tables.find(models.Action, STORED, "id", among=("id", chunk))
        votes, any_opinion = _votes(chunk)
        opinions = _opinions(chunk) if any_opinion else {}
        versions = _versions(chunk)
        yield [
            (row, votes.get(row[0], {}), opinions.get(row[0], []), versions.get(row[0], []))
            for row in rows
        ]


def differing(
    association: str,
    standing: Standing,
    *,
    places: bool = False,
    told: Iterable[list[Stored]] | None = None,
) -> Iterator[str]:
    """The references of the actions whose rows are not what a standing says.

    Args:
        association: whose tables they are.
        standing: where its history leads.
        places: whether to look at the actions' places in the order as well, which are made anew
            with the tables.
        told: what `stored` gives, if it was read before.
    """
    seen = set()
    for chunk in stored(association) if told is None else told:
        for (_, place, *values), votes, opinions, versions in chunk:
            ref = values[0]
            seen.add(ref)
            action = standing.actions.get(ref)
            if (
                action is None
                or values != list(columns(action).values())
                or (places and place != action.opening.place)
                or {name: orjson.loads(told) for name, told in votes.items()} != _in_force(action)
                or sorted(opinions) != sorted(opinions_of(action))
                or versions != [(one.at, one.object) for one in action.versions]
            ):
                yield ref
    yield from (ref for ref in standing.actions if ref not in seen)


def _in_force(action: core.Action) -> dict[str, dict[str, h.Choice]]:
    return {name: ballot.votes for name, ballot in ballots_of(action) if ballot.votes}


def _votes(actions: Sequence[int]) -> tuple[dict[int, dict[str, str]], bool]:
    """The votes in force on some actions, and whether there are opinions beside them: the database
    puts those on a ballot in one line, because there are very many votes."""
    joined, as_text = "json_group_object", ""
    if connection.vendor == "postgresql":
        joined, as_text = "json_object_agg", "::text"
    names = [f"'{name}'" for name in h.BallotName]
    lines = [
        f"({joined}(member, choice) FILTER (WHERE counted AND ballot {which})){as_text}"
        for which in (*(f"= {name}" for name in names), f"NOT IN ({', '.join(names)})")
    ]
    votes: dict[int, dict[str, str]] = {}
    any_opinion = False
    with connection.cursor() as cursor:
        cursor.execute(  # not by ballot as well: by action, they come in order
            f"SELECT action_id, count(*) FILTER (WHERE NOT counted), {', '.join(lines)}"
            " FROM actions_vote"
            f" WHERE action_id IN ({', '.join(['%s'] * len(actions))}) GROUP BY action_id",
            actions,
        )
        for action, opinions, *told in cursor.fetchall():
            by_ballot = zip((*h.BallotName, "?"), told, strict=True)
            votes[action] = {name: line for name, line in by_ballot if line and line != "{}"}
            any_opinion = any_opinion or opinions > 0
    return votes, any_opinion


def _opinions(actions: Sequence[int]) -> dict[int, list[VoteRow]]:
    rows = models.Vote.objects.filter(action__in=actions, counted=False).order_by("action_id")
    return _by_action(rows.values_list("action_id", *VOTE))


def _versions(actions: Sequence[int]) -> dict[int, list[tuple[datetime, str]]]:
    columns = ("action_id", "at", "object")
    among = ("action_id", actions)
    return _by_action(tables.find(models.Version, columns, "action_id, number", among=among))


def _by_action(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[Any]]:
    return {
        action: [row[1:] for row in group] for action, group in groupby(rows, key=itemgetter(0))
    }
