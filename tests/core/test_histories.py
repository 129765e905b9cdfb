"""Random histories, and what must hold in each of them.

- A decided action never changes: state, how, instant, roll; nothing at all once its ballot closed.
- Counted votes never exceed the roll, on either ballot.
- Where everything stands at an instant does not depend on what comes later.
- Amending frees the votes.
- A vote recorded late changes no recorded decision.
- No vote that matters is passed over: asking the charter after every vote says the same.
- The order of votes by different people at one instant does not matter.
- `Electorate.size` is the number of members that `has_right` says.
"""

from copy import copy
from datetime import timedelta
from unittest import mock

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from toutdoux.core import history as h
from toutdoux.core import replay
from toutdoux.core.charter import read_charter
from toutdoux.core.explanation import explain
from toutdoux.core.replay import EventRefused
from toutdoux.core.roll import Electorate, Member, Membership, Opening
from toutdoux.language import Language

from .story import DAY_0, NAMES, TICK, Now, Story, day

ENGLISH = Language("en")
CHARTERS = (
    "tout-doux-cratie",
    "lazy-consensus",
    "simple-majority",
    {
        "preset": "tout-doux-cratie",
        "voting_right_delay": "2 days",
        "extraordinary": {
            "window": "3 days",
            "adopted_early": "at least 2/3 of expressed",
            "cancelled_early": "3 votes",
            "contest_window": "1 days",
            "counter_vote": {"window": "2 days", "cancels": "at least 1/3 of roll"},
        },
        "ordinary": {
            "window": "1 days",
            "contest_window": "36 hours",
            "counter_vote": {"window": "1 days", "cancels": "none"},
        },
    },
    {
        "preset": "simple-majority",
        "voting_right_delay": "6 hours",
        "ordinary": {"cancelled_early": "more than 2/3 of roll"},
        "extraordinary": {"counter_vote": {"window": "1 days", "cancels": "2 votes"}},
    },
)
PEOPLE = NAMES[:7]
FOUNDERS = 5

people = st.sampled_from(PEOPLE)
choices = st.sampled_from(list(h.Choice))
ballots = st.sampled_from([h.BallotName.ACTION, h.BallotName.ACTION, h.BallotName.COUNTER_VOTE])
waits = st.sampled_from(
    [TICK, timedelta(minutes=4), timedelta(minutes=5)]
    + [timedelta(hours=number) for number in (1, 6, 12, 24, 36, 48, 72, 168)]
)
picks = st.integers(min_value=0, max_value=99)
"""Which action: the same numbers mean the same action in every history."""

RARE = (h.HandedOver, h.RightGranted, h.FollowUp.DOING, h.FollowUp.DONE, h.Withdrawn)

DECIDED = ("state", "how", "decided_at", "closes_at", "roll", "counter_vote")
MOVES_FOR_EVER = ("leader", "follow_up")


class Histories(RuleBasedStateMachine):
    """An association of five founders, and two people who come later."""

    def __init__(self):
        super().__init__()
        self.now = DAY_0
        self.seen = []
        """What was seen at the instants that have passed."""
        self.decided = {}
        self.closed = {}

    @initialize(charter=st.sampled_from(CHARTERS), delays=st.lists(st.integers(-12, 4), max_size=2))
    def begin(self, charter, delays):
        self.story = Story(roll=FOUNDERS, charter=charter)
        for name, joined in zip(PEOPLE[FOUNDERS:], delays, strict=False):
            self.story.member(name, joined=joined)
        self.event(h.Proposed, kind=h.Kind.EXTRAORDINARY, by="ana", object="x", number=1)
        self.now += timedelta(hours=1)

    @invariant()
    def every_action_can_be_explained(self):
        now = self.standing().standing
        for action in now.actions.values():
            told = explain(now, action)
            for sentence in (*told.why, *told.next):
                assert ENGLISH.say(sentence)

    # --- telling ---------------------------------------------------------------------------------

    def standing(self):
        return self.story.at(self.now)

    def try_to(self, tell):
        """Tell something; forget it if it makes no sense. Says whether it was taken."""
        before = copy(self.story)
        self.story = copy(before)
        self.story.events, self.story.members = [*before.events], dict(before.members)
        try:
            tell(self.story)
            self.standing()
        except EventRefused:
            self.story = before
            return False
        return True

    def event(self, event, **fields):
        return self.try_to(lambda story: story.tell(event(at=self.now, **fields)))

    def action(self, pick):
        """One of the actions, an undecided one if possible."""
        actions = self.standing().standing.actions.values()
        undecided = [one for one in actions if one.decision is None]
        among = undecided or list(actions)
        return among[pick % len(among)].ref

    @rule(
        kind=st.sampled_from(list(h.Kind)),
        by=people,
        effect=st.sampled_from([None, None, "right", *range(len(CHARTERS))]),
        member=people,
    )
    def propose(self, kind, by, effect, member):
        effects = ()
        if effect == "right":
            effects = (h.GrantVotingRight(member),)
        elif effect is not None:
            effects = (h.AmendCharter(read_charter(CHARTERS[effect])),)
        number = self.story.next_number(kind)
        self.event(h.Proposed, kind=kind, by=by, object="x", number=number, effects=effects)

    @rule(pick=picks, by=people, choice=choices, ballot=ballots)
    def vote(self, pick, by, choice, ballot):
        self.event(h.VoteCast, action=self.action(pick), by=by, choice=choice, ballot=ballot)

    @rule(pick=picks, number=st.integers(2, FOUNDERS), choice=choices, ballot=ballots)
    def many_vote_alike(self, pick, number, choice, ballot):
        ref = self.action(pick)
        for by in PEOPLE[:number]:
            self.event(h.VoteCast, action=ref, by=by, choice=choice, ballot=ballot)

    @rule(
        pick=picks,
        votes=st.dictionaries(people, choices, min_size=2),
        ballot=ballots,
        order=st.randoms(use_true_random=False),
    )
    def vote_together(self, pick, votes, ballot, order):
        """The order of votes by different people at one instant does not matter."""
        ref = self.action(pick)
        told = [
            h.VoteCast(at=self.now, action=ref, by=by, choice=choice, ballot=ballot)
            for by, choice in votes.items()
        ]
        shuffled = list(told)
        order.shuffle(shuffled)
        before, outcomes = self.story, []
        for votes_in_order in (shuffled, told):
            self.story = before
            taken = self.try_to(
                lambda story, them=votes_in_order: [story.tell(vote) for vote in them]
            )
            outcomes.append((taken, data_of(self.standing())))
        assert outcomes[0] == outcomes[1]

    @rule(pick=picks, by=people, ballot=ballots)
    def withdraw_vote(self, pick, by, ballot):
        self.event(h.VoteWithdrawn, action=self.action(pick), by=by, ballot=ballot)

    @rule(pick=picks, by=people)
    def call_counter_vote(self, pick, by):
        self.event(h.CounterVoteCalled, action=self.action(pick), by=by, reason="x")

    @rule(pick=picks)
    def amend(self, pick):
        """Amending frees the votes."""
        ref = self.action(pick)
        versions = len(self.standing()[ref].versions)
        if self.event(h.Amended, action=ref, by=self.standing()[ref].leader, object="y"):
            action = self.standing()[ref]
            if len(action.versions) > versions:
                assert (action.state, action.counter_vote) == ("open", None)
                assert (action.ballot.votes, action.ballot.opinions) == ({}, {})
                assert action.window_end == self.now + action.rules.window

    @rule(what=st.sampled_from(RARE), pick=picks, who=people)
    def something_rarer(self, what, pick, who):
        ref = self.action(pick)
        leader = self.standing()[ref].leader
        if what is h.Withdrawn:
            self.event(what, action=ref, by=leader)
        elif what is h.HandedOver:
            self.event(what, action=ref, by=leader, to=who)
        elif what is h.RightGranted:
            self.event(what, member=who)
        elif isinstance(what, h.FollowUp):
            self.event(h.FollowedUp, action=ref, by=leader, follow_up=what)

    @rule(name=people)
    def leave(self, name):
        """Somebody leaves now, unless they have done something at this very instant."""
        member = self.story.members.get(name)
        membership = member and member.membership(self.now)
        if membership is not None and membership.joined < self.now:
            self.try_to(lambda story: story.leaves(name, on=self.now))

    @rule(name=people)
    def join(self, name):
        """Somebody joins, or comes back; to come back at the instant of leaving is to stay."""
        member = self.story.members.get(name)
        last = member.memberships[-1].left if member else DAY_0 - TICK
        if last is not None and last < self.now:
            self.try_to(lambda story: story.member(name, joined=self.now))

    @rule(wait=waits)
    def time_passes(self, wait):
        self.move_to(self.now + wait)

    @rule(pick=picks, early=st.booleans())
    def a_window_ends(self, pick, early):
        action = self.standing()[self.action(pick)]
        counter = action.counter_vote
        ends = [action.window_end, action.closes_at, counter.window_end if counter else DAY_0]
        coming = [end for end in ends if end - TICK > self.now]
        if coming:
            self.move_to(min(coming) - (TICK if early else timedelta(0)))

    def move_to(self, instant):
        """This instant is over: what is decided now is decided for ever."""
        data = data_of(self.standing())
        self.seen.append((self.now, data))
        for ref, action in data.items():
            if action["decided_at"] is not None:
                self.decided.setdefault(ref, {key: action[key] for key in DECIDED})
                if self.standing()[ref].closes_at <= self.now:
                    self.closed.setdefault(ref, lasting(action))
        self.now = instant

    # --- what must hold --------------------------------------------------------------------------

    @invariant()
    def a_decided_action_never_changes(self):
        if not self.decided:
            return
        data = data_of(self.standing())
        for ref, facts in self.decided.items():
            assert {key: data[ref][key] for key in DECIDED} == facts
        for ref, facts in self.closed.items():
            assert lasting(data[ref]) == facts

    @invariant()
    def counted_votes_never_exceed_the_roll(self):
        if not hasattr(self, "story"):
            return
        for action in self.standing().standing.actions.values():
            ballots_of = [action.ballot]
            if action.counter_vote is not None:
                ballots_of.append(action.counter_vote.ballot)
            for ballot in ballots_of:
                votes = list(ballot.votes.values())
                assert ballot.for_ == votes.count("for")
                assert ballot.against == votes.count("against")
                assert ballot.abstain == votes.count("abstain")
                assert ballot.expressed == len(votes) <= action.roll_size
                # A vote that became known too late is an opinion beside the vote that counted.
                told_in_time = {
                    by for by, one in ballot.opinions.items() if one.recorded_at is None
                }
                assert not set(ballot.votes) & told_in_time

    def teardown(self):
        """What was seen at an instant is seen again, whatever came later."""
        for instant, data in self.seen:
            assert data_of(self.story.at(instant)) == data
        self.check_that_no_vote_is_passed_over()

    def check_that_no_vote_is_passed_over(self):
        """The charter asked after every vote, or only where a vote may matter, says the same."""
        if not hasattr(self, "story"):
            return
        told = self.standing().standing
        with mock.patch.object(replay, "settling", return_value=(0, 0)):
            asked = self.standing().standing
        assert asked == told


class LateHistories(Histories):
    """The same, where some votes become known after the fact."""

    def __init__(self):
        super().__init__()
        self.recorded = {}

    def move_to(self, instant):
        self.now = instant

    def teardown(self):
        self.check_that_no_vote_is_passed_over()

    @rule()
    def decisions_are_recorded(self):
        for ref, action in self.standing().standing.actions.items():
            decision = action.decision
            if decision is not None and decision.at < self.now and ref not in self.recorded:
                self.recorded[ref] = decision
                self.story.record_decision(ref, known=self.now)

    @rule(pick=picks, by=people, choice=choices, ballot=ballots, late=waits)
    def vote_becomes_known_late(self, pick, by, choice, ballot, late):
        refs = list(self.standing().standing.actions)
        self.late(h.VoteCast, refs[pick % len(refs)], late, by=by, choice=choice, ballot=ballot)

    @rule(pick=picks, by=people, ballot=ballots, late=waits)
    def withdrawal_becomes_known_late(self, pick, by, ballot, late):
        refs = list(self.standing().standing.actions)
        self.late(h.VoteWithdrawn, refs[pick % len(refs)], late, by=by, ballot=ballot)

    def late(self, kind, ref, late, **fields):
        self.try_to(
            lambda story: story.tell(
                kind(at=self.now - late, recorded_at=self.now, action=ref, **fields)
            )
        )

    @precondition(lambda self: self.recorded)
    @rule(pick=picks, by=people, choice=choices)
    def vote_at_the_instant_of_a_decision_becomes_known_late(self, pick, by, choice):
        ref = list(self.recorded)[pick % len(self.recorded)]
        instant = self.recorded[ref].at
        self.late(h.VoteCast, ref, self.now - instant, by=by, choice=choice)

    @invariant()
    def what_becomes_known_late_changes_no_recorded_decision(self):
        if not self.recorded:
            return
        now = self.standing()
        for ref, decision in self.recorded.items():
            assert now[ref].decision == decision


def data_of(now: Now):
    return {ref: now.data(ref) for ref in now.standing.actions}


def lasting(action):
    return {key: value for key, value in action.items() if key not in MOVES_FOR_EVER}


# The slow run shrinks what it finds to the shortest history; that can take minutes.
QUICK = settings(
    max_examples=100,
    stateful_step_count=40,
    phases=[phase for phase in Phase if phase is not Phase.shrink],
)
SLOW = settings(max_examples=1500, stateful_step_count=60, derandomize=False)


def test_what_must_hold_in_random_histories():
    run_state_machine_as_test(Histories, settings=QUICK)


def test_what_must_hold_in_random_histories_with_late_knowledge():
    run_state_machine_as_test(LateHistories, settings=QUICK)


@pytest.mark.slow
def test_what_must_hold_in_very_many_random_histories():
    run_state_machine_as_test(Histories, settings=SLOW)


@pytest.mark.slow
def test_what_must_hold_in_very_many_random_histories_with_late_knowledge():
    run_state_machine_as_test(LateHistories, settings=SLOW)


# --- the electorate ------------------------------------------------------------------------------

spans = st.lists(st.integers(0, 60), min_size=1, max_size=4, unique=True).map(sorted)
steps = st.one_of(
    st.tuples(st.just("advance"), st.integers(0, 12)),
    st.tuples(st.just("grant"), st.integers(0, 3)),
    st.tuples(st.just("delay"), st.integers(1, 30)),
)


def memberships(days):
    """Days on which somebody joins and leaves in turn."""
    joined, left = days[::2], [*days[1::2], None]
    return [
        Membership(day(begin), None if end is None else day(end))
        for begin, end in zip(joined, left, strict=False)
    ]


def check_electorate(people_of, founders, delay, told):
    members = {
        str(number): Member(str(number), "x", memberships(days), founders[number])
        for number, days in enumerate(people_of)
    }
    electorate = Electorate(members, timedelta(days=delay))
    now, place = day(20), 0
    electorate.advance(now, place)
    for what, number in told:
        place += 1
        if what == "advance":
            now += timedelta(days=number)
            electorate.advance(now, place)
        elif what == "grant":
            electorate.grant(str(number % len(members)), now, place)
        else:
            electorate.change_delay(timedelta(days=number), now, place)
        place += 1
        opening = Opening(now, electorate.delay, place, now)
        entitled = [one for one in members.values() if electorate.has_right(one, opening)]
        assert electorate.size == len(entitled)


ELECTORATES = {
    "people_of": st.lists(spans, min_size=4, max_size=4),
    "founders": st.lists(st.booleans(), min_size=4, max_size=4),
    "delay": st.integers(1, 15),
    "told": st.lists(steps, max_size=20),
}


@settings(max_examples=200)
@given(**ELECTORATES)
def test_the_size_of_the_electorate_is_the_number_of_those_who_have_the_right(
    people_of, founders, delay, told
):
    check_electorate(people_of, founders, delay, told)


@pytest.mark.slow
@settings(max_examples=5_000, derandomize=False)
@given(**ELECTORATES)
def test_the_size_of_very_many_electorates(people_of, founders, delay, told):
    check_electorate(people_of, founders, delay, told)
