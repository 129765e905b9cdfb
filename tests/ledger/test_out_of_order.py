"""Votes that become known in another order than they were cast in, as chats bring them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger import playing
from toutdoux.actions import commands, stage
from toutdoux.core import history as h
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.presets import PRESETS
from toutdoux.core.view import utc_text
from toutdoux.core.words import Refusal

BEGIN = datetime(2021, 3, 1, 10, 0, tzinfo=UTC)
PEOPLE = 12
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)

_OF_EXPRESSED = {
    "adopted_early": "at least 3/4 of expressed",
    "cancelled_early": "4 votes",
    "counter_vote": {"window": "7 days", "cancels": "more than 1/2 of expressed"},
}
_OTHER = {"preset": "tout-doux-cratie", "ordinary": _OF_EXPRESSED, "extraordinary": _OF_EXPRESSED}
CHARTERS = [*PRESETS, _OTHER]


class Told(playing.Played):
    """An association of twelve on the roll, and one who is not yet."""

    def __init__(self, charter="tout-doux-cratie"):
        self.now = BEGIN
        super().__init__(h.History(members=(), charter=read_charter(charter), events=()), BEGIN)
        joined = BEGIN - timedelta(days=100)
        self.people = [
            commands.add_member(
                self.request(BEGIN), f"m{number}", joined=joined if number < PEOPLE else BEGIN
            )
            for number in range(PEOPLE + 1)
        ]
        self.ids = {f"m{number}": id for number, id in enumerate(self.people)}

    def asks(self, delay):
        at = self.now - delay
        return self.request(self.now, at=at if delay else None)

    def propose(self, delay=timedelta(0), effects=(), kind=Kind.EXTRAORDINARY, by=0):
        asks = self.asks(delay)
        return commands.propose(asks, kind, "Un service", by=self.people[by], effects=effects)

    def vote(self, ref, who, choice, delay=timedelta(0), ballot="action"):
        by = self.people[who]
        if choice is None:
            commands.withdraw_vote(self.asks(delay), ref, by=by, ballot=h.BallotName(ballot))
        else:
            choice, ballot = h.Choice(choice), h.BallotName(ballot)
            commands.vote(self.asks(delay), ref, choice, by=by, ballot=ballot)

    def step(self, what, delay, *told):
        match what, told:
            case "propose", (kind, granted):
                effects = () if granted is None else (h.GrantVotingRight(self.people[granted]),)
                self.propose(delay, effects, Kind(kind))
            case "vote", (ref, who, choice, ballot):
                self.vote(ref, who, choice, delay, ballot)
            case "call", (ref, who):
                commands.call_counter_vote(self.asks(delay), ref, "Non", by=self.people[who])
            case "amend", (ref,):
                commands.amend(self.asks(delay), ref, "Autre chose", by=self.people[0])
            case "withdraw", (ref,):
                commands.withdraw(self.asks(delay), ref, by=self.people[0])
            case "leave", (who,):
                left = self.now - delay
                commands.end_membership(self.request(self.now), self.people[who], left)
            case "settle", ():
                commands.settle(self.request(self.now))

    def attempt(self, *step):
        """Take a step. Returns whether it was refused."""
        try:
            self.step(*step)
        except Refusal:
            return True
        return False


refs = st.sampled_from(["AE1", "AE1", "AE1", "AO1", "AO1", "AE2"])
people = st.one_of(st.integers(0, 3), st.integers(0, PEOPLE))
delays = st.sampled_from(
    [
        timedelta(0),
        SECOND,
        SECOND,
        3 * SECOND,
        5 * SECOND,
        2 * HOUR,
        5 * HOUR,
        DAY,
        4 * DAY,
        8 * DAY,
    ]
)
votes = st.tuples(
    st.just("vote"),
    delays,
    refs,
    people,
    st.sampled_from(["for", "for", "against", "abstain", "abstain", None]),
    st.sampled_from(["action", "action", "action", "counter_vote"]),
)
others = st.one_of(
    st.tuples(
        st.just("propose"),
        delays,
        st.sampled_from(["ordinary", "extraordinary"]),
        st.sampled_from([None, None, PEOPLE]),
    ),
    st.tuples(st.just("call"), delays, refs, people),
    st.tuples(st.just("amend"), delays, refs),
    st.tuples(st.just("withdraw"), delays, refs),
    st.tuples(st.just("leave"), st.sampled_from([timedelta(0), SECOND, 4 * DAY]), people),
    st.tuples(st.just("settle"), delays).map(lambda step: (*step[:1], timedelta(0))),
)
passing = st.sampled_from([timedelta(0), SECOND, SECOND, SECOND, 2 * SECOND, HOUR, DAY, 3 * DAY])
steps = st.lists(
    st.tuples(passing, st.one_of(votes, votes, votes, votes, others)), min_size=15, max_size=40
)


def check(charter, steps):
    """Tell the same to two associations, of which one plays everything again each time."""
    quick, plain = Told(charter), Told(charter)
    for told in (quick, plain):
        told.propose()
        told.propose(kind=Kind.ORDINARY)
        told.now += DAY
    fits_in = stage.Stage.changes_only_its_tally
    for passed, step in steps:
        refused = []
        for told in (quick, plain):
            told.now += passed
            if told is plain:
                stage.Stage.changes_only_its_tally = lambda *_: False
            try:
                refused.append(told.attempt(*step))
            finally:
                stage.Stage.changes_only_its_tally = fits_in
        assert refused[0] == refused[1], step
        assert quick.differing() == [], step
    now = quick.now + timedelta(days=30)
    assert quick.standing(now) == plain.standing(now)
    assert quick.differing() == []
    quick.verify()


def often(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@given(charter=st.sampled_from(CHARTERS), steps=steps)
@often(15)
def test_in_whatever_order_votes_come_in_the_tables_say_what_the_entries_do(
    home: Path, charter, steps
):
    check(charter, steps)


@pytest.mark.slow
@given(charter=st.sampled_from(CHARTERS), steps=steps)
@often(600)
def test_in_very_many_orders_the_tables_say_what_the_entries_do(home: Path, charter, steps):
    check(charter, steps)


def test_a_vote_that_comes_in_late_has_nothing_played_again(home: Path, monkeypatch):
    told = Told()
    for _ in range(2):
        told.propose()

    def never(*_):
        raise AssertionError("played again")

    monkeypatch.setattr(stage, "play_all", never)
    told.now += HOUR
    told.vote("AE1", 1, "for")
    told.vote("AE2", 2, "against", 2 * SECOND)
    told.vote("AE1", 3, "for", 3 * SECOND)
    told.vote("AE1", PEOPLE, "for", 4 * SECOND)  # an opinion
    told.now += SECOND
    told.vote("AE1", 1, None)
    told.vote("AE2", 2, None, SECOND / 2)
    assert told.differing() == []


def test_a_vote_that_comes_in_late_and_decides_does_so_at_its_own_instant(home: Path):
    told = Told()
    ref = told.propose()
    told.now += HOUR
    for who in range(6):
        told.vote(ref, who, "for")
    cast = told.now
    told.now += HOUR
    told.vote(ref, 7, "abstain")
    told.vote(ref, 6, "for", HOUR)
    assert told.differing() == []
    (action,) = told.standing(told.now)["actions"]
    assert action["state"] == "adopted"
    assert action["decided_at"] == utc_text(cast)


def test_what_somebody_voted_later_stands_whatever_comes_in_of_before(home: Path):
    told = Told()
    ref = told.propose()
    told.now += HOUR
    told.vote(ref, 1, "against")
    told.vote(ref, 1, "for", SECOND)
    assert told.differing() == []
    (action,) = told.standing(told.now)["actions"]
    assert (action["for"], action["against"]) == (0, 1)


def test_a_departure_known_late_acts_on_what_was_told_when_it_was_over(home: Path):
    told = Told()
    told.now += 20 * DAY
    told.propose(delay=9 * DAY)
    told.step("settle", timedelta(0))
    told.now += HOUR
    told.step("leave", 8 * DAY, 2)
    assert told.differing() == []
    told.verify()
