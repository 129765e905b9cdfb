"""A small association with something in every table, and what the tables hold."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

BEGIN = datetime(2021, 3, 1, 9, 0, tzinfo=UTC)


class Small:
    """Ana, Bob and Zoé; AE1 amended and voted on, AO1 under a counter-vote."""

    def __init__(self, *, short: bool = False) -> None:
        from toutdoux.actions import commands as c
        from toutdoux.core import history as h
        from toutdoux.core.charter import Kind, read_charter

        self.id = c.found(
            "Les Loutres libres",
            now=BEGIN,
            via="cli",
            operator="root",
            slug="loutres",
            time_zone="Europe/Paris",
            language="fr",
            charter=read_charter("tout-doux-cratie"),
        )
        joined = BEGIN - timedelta(days=200)
        self.ana = c.add_member(self.request(0), "Ana Brun", joined=joined)
        self.bob = c.add_member(self.request(0), "Bob Leroy", joined=joined)
        self.zoe = c.add_member(
            self.request(0), "Zoé Zibeline", joined=joined, email="zoe@courriel.example"
        )
        if short:
            return
        c.give_role(self.request(0), self.zoe, "financière", date(2021, 3, 1))
        c.add_period(self.request(0), "P21", date(2021, 2, 1), date(2021, 7, 18))
        c.propose(
            self.request(1),
            Kind.EXTRAORDINARY,
            "Ouvrir un service zibelinesque",
            by=self.zoe,
            link="https://zibeline.example/1",
            condition="si le zèbre veut",
        )
        c.amend(self.request(1.2), "AE1", "Ouvrir un service zoologique, enfin", by=self.zoe)
        c.vote(self.request(1.3), "AE1", h.Choice.FOR, by=self.ana)
        c.propose(self.request(2), Kind.ORDINARY, "Un goûter", by=self.ana)
        c.vote(self.request(2.1), "AO1", h.Choice.AGAINST, by=self.zoe)
        c.call_counter_vote(self.request(2.5), "AO1", "Zut, trop de zakouskis", by=self.zoe)
        c.add_to_journal(
            self.request(3),
            {"date": "2021-03-04", "kind": "life", "title": "Atelier de zythologie"},
        )
        c.publish_report(self.request(4), "P21", {"pdf": "0" * 64})
        c.import_actions(self.request(5), [])

    def request(self, days: float, **more: Any) -> Any:
        from toutdoux.actions.commands import Request

        now = BEGIN + timedelta(days=days)
        return Request(association=self.id, now=now, via="cli", operator="root", **more)

    def leaves(self) -> None:
        """Zoé leaves."""
        from toutdoux.actions import commands as c

        c.end_membership(self.request(20), self.zoe)


def tables() -> dict[str, list[dict[str, Any]]]:
    """All that the tables hold."""
    from toutdoux.config import database
    from toutdoux.ledger import backup

    models = _models(frozenset(database.applied()))
    return {name: list(backup._rows(model)) for name, model in sorted(models.items())}


@cache
def _models(migrations: frozenset[tuple[str, str]]) -> dict[str, Any]:
    """The models of all tables; made once, for many tests compare what was there before."""
    from toutdoux.ledger import backup

    return backup._tables(set(migrations))


def assert_whole(association: str) -> int:
    """Check the chain; returns its length."""
    from toutdoux.core.chain import Checked
    from toutdoux.ledger import book
    from toutdoux.ledger.models import Ledger

    chain = Checked(book.rows(association))
    for _ in chain:
        pass
    ledger = Ledger.objects.get(pk=association)
    assert (chain.length, chain.head) == (ledger.length, ledger.head)
    return chain.length
