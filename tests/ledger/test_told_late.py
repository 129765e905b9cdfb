"""What is told after the fact, and what it must leave alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from toutdoux.actions import commands, reading, stage
from toutdoux.actions.verifying import verify_association
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.history import Choice, How, State
from toutdoux.core.words import Refusal

BEGIN = datetime(2021, 3, 1, 10, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Told:
    """An association of seven, set up today, that tells what happened in 2021."""

    def __init__(self, people=7):
        self.now = NOW
        self.id = commands.found(
            "Les Loutres libres",
            now=NOW,
            via="test",
            time_zone="Europe/Paris",
            language="fr",
            charter=read_charter("tout-doux-cratie"),
        )
        joined = BEGIN - timedelta(days=300)
        names = ("ana", "bob", "cleo", "dan", "eva", "fay", "gus")[:people]
        self.members = {
            name: commands.add_member(self.at(None), name, joined=joined) for name in names
        }

    def at(self, day):
        at = None if day is None else BEGIN + timedelta(days=day)
        return commands.Request(association=self.id, now=self.now, via="test", at=at)

    def propose(self, day=0, number=None, by="ana", kind=Kind.EXTRAORDINARY):
        return commands.propose(
            self.at(day), kind, "Un service", by=self.members[by], number=number
        )

    def vote(self, day, choice, *names, ref="AE1", **more):
        for name in names:
            commands.vote(self.at(day), ref, choice, by=self.members[name], **more)

    def action(self, ref="AE1"):
        return reading.standing(self.id, self.now, "", [ref]).actions[ref]

    def outcome(self, ref="AE1"):
        verify_association(self.id)
        action = self.action(ref)
        decision = action.decision
        return action.state, decision and decision.how, action.roll_size


@pytest.fixture
def told(home):
    return Told()


def test_a_departure_told_in_order_of_time_acts_on_its_day_on_what_was_told_when_over(told):
    """The second worked case of the rules: one of the four leaves on day 11, 3 of 6 is half."""
    told.propose(0)
    told.vote(1, Choice.FOR, "ana", "bob", "cleo")
    told.vote(1, Choice.AGAINST, "dan")
    commands.call_counter_vote(told.at(9), "AE1", "Pourquoi", by=told.members["dan"])
    for name in ("dan", "eva", "fay"):
        commands.vote(told.at(10), "AE1", Choice.FOR, by=told.members[name], ballot="counter_vote")
    left = BEGIN + timedelta(days=11)
    commands.end_membership(told.at(11), told.members["gus"], left)
    commands.settle(told.at(None))
    assert told.outcome() == (State.CANCELLED, How.COUNTER_VOTE, 6)
    assert told.action().decision.at == left


def test_a_departure_recorded_late_acts_on_a_ballot_that_is_open_only_from_then_on(told):
    told.now = NOW
    ref = told.propose(None)
    told.vote(None, Choice.FOR, "ana", "bob", "cleo")
    told.now = NOW + timedelta(days=2)
    commands.end_membership(told.at(None), told.members["gus"], NOW + timedelta(days=1))
    assert told.outcome(ref)[2] == 6
    told.vote(None, Choice.FOR, "dan")
    assert told.outcome(ref) == (State.ADOPTED, How.MAJORITY, 6)
    assert told.action(ref).decision.at == told.now


def test_a_number_is_never_used_twice_whichever_instant_it_is_told_for(told):
    told.propose(1)
    told.vote(1.5, Choice.FOR, "bob")
    with pytest.raises(Refusal, match="already used"):
        told.propose(0, number=1, by="bob")
    assert told.action().proposer == told.members["ana"]


def test_a_hand_over_told_late_does_not_undo_a_withdrawal(told):
    told.propose(0)
    commands.withdraw(told.at(2), "AE1", by=told.members["ana"])
    with pytest.raises(Refusal, match="undo"):
        commands.hand_over(told.at(1), "AE1", told.members["bob"], by=told.members["ana"])
    assert told.outcome()[0] is State.WITHDRAWN


def test_a_vote_told_for_the_instant_of_a_withdrawal_is_refused(told):
    told.propose(0)
    commands.withdraw(told.at(2), "AE1", by=told.members["ana"])
    with pytest.raises(Refusal, match="closed"):
        told.vote(2, Choice.FOR, "bob")
    assert told.outcome()[0] is State.WITHDRAWN


def test_who_is_recorded_after_a_vote_was_opened_is_not_on_its_roll(told):
    """Even when both are recorded at one instant of the clock."""
    ref = told.propose(0)
    joined = BEGIN - timedelta(days=100)
    commands.add_member(told.at(None), "hal", joined=joined)
    assert told.outcome(ref)[2] == 7


def test_a_told_history_is_decided_only_when_somebody_looks(told):
    told.propose(0)
    told.vote(20, Choice.FOR, "ana", ref=told.propose(19))
    told.vote(1, Choice.AGAINST, "bob")  # long over by then, and not yet written down
    told.vote(2, Choice.FOR, "ana", "cleo", "dan", "eva")
    commands.settle(told.at(None))
    assert told.outcome() == (State.ADOPTED, How.MAJORITY, 7)
    told.vote(1, Choice.AGAINST, "fay")
    assert told.action().ballot.against == 1
    assert told.members["fay"] in told.action().ballot.opinions


def test_recording_members_does_not_play_the_whole_history_again(told, monkeypatch):
    told.propose(None)
    told.now = NOW + timedelta(days=8)
    commands.settle(told.at(None))

    def never(*_):
        raise AssertionError("played again")

    monkeypatch.setattr(stage, "play_all", never)
    commands.add_member(told.at(None), "hal", joined=told.now - timedelta(days=30))
    commands.end_membership(told.at(None), told.members["gus"])
    told.now += timedelta(seconds=1)
    told.vote(None, Choice.FOR, "bob", ref=told.propose(None))
