"""Playing a scenario through the commands, as people would have done it at the time."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from toutdoux.actions import commands, reading, stage
from toutdoux.core import history as h
from toutdoux.core.entries import draft
from toutdoux.core.replay import Standing
from toutdoux.core.view import standing_as_data
from toutdoux.ledger import book

FOLLOWING = {
    h.VoteCast: lambda r, e: commands.vote(
        r, e.action, e.choice, by=e.by, ballot=e.ballot, kept=e.kept
    ),
    h.VoteWithdrawn: lambda r, e: commands.withdraw_vote(
        r, e.action, by=e.by, ballot=e.ballot, kept=e.kept
    ),
    h.CounterVoteCalled: lambda r, e: commands.call_counter_vote(r, e.action, e.reason, by=e.by),
    h.Amended: lambda r, e: commands.amend(r, e.action, e.object, by=e.by),
    h.Withdrawn: lambda r, e: commands.withdraw(r, e.action, by=e.by),
    h.HandedOver: lambda r, e: commands.hand_over(r, e.action, e.to, by=e.by),
    h.ConditionMet: lambda r, e: commands.meet_condition(r, e.action, by=e.by, note=e.note),
    h.FollowedUp: lambda r, e: commands.follow_up(
        r, e.action, e.follow_up, by=e.by, note=e.note, links=e.links
    ),
    h.Proposed: lambda r, e: commands.propose(
        r,
        e.kind,
        e.object,
        by=e.by,
        leader=e.leader,
        number=e.number,
        link=e.link,
        condition=e.condition,
        effects=e.effects,
    ),
}


class Played:
    """An association in the database that lives a history."""

    def __init__(self, history: h.History, begin: datetime) -> None:
        self.ids: dict[str, str] = {}
        self.begin = begin
        self.id = commands.found(
            "Banc d’essai",
            now=begin,
            via="test",
            slug=f"a{commands.new_id()}",
            time_zone="Europe/Paris",
            language="fr",
            charter=history.charter,
        )

    def request(self, now: datetime, **more: Any) -> commands.Request:
        return commands.Request(association=self.id, now=now, via="test", **more)

    def do(self, event: h.Event, now: datetime, **more: Any) -> None:
        """Do what an event tells, now."""
        event = self.translated(event)
        if isinstance(event, h.RightGranted):
            # Outside scenarios the right comes by effects only; an import tells it as an entry.
            with book.writing(self.id, now=now, via="import") as writer:
                if "at" not in more:
                    stage.settle(writer, writer.now)
                writer.append(draft(event), at=event.at, by=event.by, subject=event.member)
            return
        FOLLOWING[type(event)](self.request(now, **more), event)

    def translated(self, event: h.Event) -> h.Event:
        """The event with the ids that the members have here."""
        told = {
            one.name: self.ids.get(getattr(event, one.name), getattr(event, one.name))
            for one in fields(event)
            if one.name in ("by", "leader", "to", "member")
        }
        if isinstance(event, h.Proposed):
            told["effects"] = tuple(
                replace(one, member=self.ids[one.member])
                if isinstance(one, h.GrantVotingRight)
                else one
                for one in event.effects
            )
        return replace(event, **told)

    def members(self, history: h.History, now: datetime) -> None:
        """Record all memberships there ever are, from the very beginning."""
        for member in history.members:
            self._member(member, now)
            for number, one in enumerate(member.memberships):
                if number:
                    commands.begin_membership(self.request(now), self.ids[member.id], one.joined)
                if one.left is not None:
                    commands.end_membership(self.request(now), self.ids[member.id], one.left)

    def _member(self, member: Any, now: datetime) -> None:
        self.ids[member.id] = commands.add_member(
            self.request(now),
            member.name,
            joined=member.memberships[0].joined,
            founder=member.founder,
        )

    def standing(self, at: datetime) -> dict[str, Any]:
        commands.settle(self.request(at))
        return self.named(reading.standing(self.id, at, "(forgotten)"))

    def standing_at(self, at: datetime) -> dict[str, Any]:
        return self.named(reading.standing_at(self.id, at, "(forgotten)"))

    def named(self, standing: Standing) -> dict[str, Any]:
        """A standing as data, with the names that the scenario gave."""
        data: dict[str, Any] = standing_as_data(standing)
        names = {id: name for name, id in self.ids.items()}
        for action in data["actions"]:
            action["leader"] = names[action["leader"]]
            if action["counter_vote"]:
                action["counter_vote"]["called_by"] = names[action["counter_vote"]["called_by"]]
        return data

    def verify(self) -> None:
        """Verify the ledger and its tables; raises `Broken` where they differ. Played as it comes
        or all at once, the entries say the same."""
        from toutdoux.actions.verifying import verify_association
        from toutdoux.core import verification
        from toutdoux.core.chain import Checked

        told = verify_association(self.id).standing

        def rows() -> Any:
            return book.rows(self.id)

        whole = verification._replayed(rows, Checked(rows()), told.at).standing
        assert standing_as_data(whole) == standing_as_data(told)

    def differing(self) -> list[str]:
        """The actions whose rows are not what the entries say."""
        from toutdoux.core.replay import replay
        from toutdoux.ledger.models import Ledger

        until = Ledger.objects.get(id=self.id).played_until
        standing = replay(stage.record_of(self.id).history(), until)
        return list(stage.differing(self.id, standing))


def live(history: h.History) -> tuple[Played, datetime]:
    """Live a history, everything recorded at its instant. Returns also the last instant."""
    changes: list[tuple[datetime, int, int, Any]] = []
    # Founders are named before the first action, whenever they join; and a right may be granted to
    # somebody who joins later.
    early = {member.id for member in history.members if member.founder}
    for event in history.events:
        if isinstance(event, h.RightGranted):
            early.add(event.member)
        elif isinstance(event, h.Proposed):
            early |= {one.member for one in event.effects if isinstance(one, h.GrantVotingRight)}
    for member in history.members:
        for number, one in enumerate(member.memberships):
            if number or member.id not in early:
                changes.append((one.joined, 1, len(changes), (member, number)))
            if one.left is not None:
                changes.append((one.left, 0, len(changes), member))
    changes += [(event.at, 2, number, event) for number, event in enumerate(history.events)]
    changes.sort(key=lambda change: change[:3])
    first = min([one.joined for member in history.members for one in member.memberships])
    played = Played(history, first - timedelta(days=1))
    now = played.begin
    for member in history.members:
        if member.id in early:
            played._member(member, now)
    for now, what, _, who in changes:
        if what == 2:
            played.do(who, now)
        elif what == 0:
            commands.end_membership(played.request(now), played.ids[who.id], now)
        elif who[1] == 0:
            played._member(who[0], now)
        else:
            commands.begin_membership(played.request(now), played.ids[who[0].id], now)
    return played, now


def told(history: h.History, now: datetime) -> Played:
    """Tell a history after the fact, all of it at one instant, in order of time."""
    played = Played(history, now)
    played.members(history, now)
    for event in history.events:
        played.do(event, now, at=event.at)
    return played
