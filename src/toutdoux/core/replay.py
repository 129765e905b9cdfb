"""Playing a history: from what was recorded to where every action stands.

Source: "Time", "Votes", "Amending, withdrawing, handing over", "The counter-vote" and "Effects" in
the rules. What each action's votes lead to is asked of `toutdoux.core.decision`, nowhere else.

At one instant, in this order:

1. the windows that end there end, in order of the actions' proposals;
2. all departures happen together;
3. the rest, in the order it was recorded. Votes of one instant are taken together: what they lead
   to is settled before the next thing that depends on it, or when the instant is over, so that
   the order of votes by different people does not matter.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from . import history as h
from .action import Action, Ballot, CounterVote, Opinion, Version
from .charter import Charter, Kind, Starts
from .decision import decide, settling
from .history import (
    AmendCharter,
    BallotName,
    CharterVersion,
    Choice,
    Event,
    GrantVotingRight,
    History,
    State,
)
from .roll import Electorate, Member, Opening
from .words import Refusal, Sentence, TooLate, Unknown, say

LATE_CHANGES_NOTHING = (
    h.VoteCast,
    h.VoteWithdrawn,
    h.CounterVoteCalled,
    h.Amended,
    h.Withdrawn,
)
"""What an action's recorded decision is no longer touched by."""

_ALL = datetime.max.replace(tzinfo=UTC)
"""By all that is ever known."""

STEP = 2
"""How far apart events are in the order, so that an effect finds its place between two."""

_WINDOW, _DEPARTURE = 0, 1
"""What is due, in the order in which it happens at one instant."""

UNDECIDED = (State.OPEN, State.CONTESTED, State.COUNTER_VOTE)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an association stands at an instant."""

    at: datetime
    actions: Mapping[str, Action]
    """By reference, in order of proposal."""
    charters: tuple[CharterVersion, ...]
    members: Mapping[str, Member]
    void: tuple[int, ...] = ()
    """The events, counted from 0, that made sense when they were recorded and no longer do by what
    became known later (a counter-vote on what turns out to have been adopted before)."""
    disputed: Mapping[str, h.Decision | None] = field(default_factory=dict)
    """The recorded decisions that do not follow from all that is known now, by the action's
    reference, with what does follow (None: it is not decided then). Late knowledge explains it,
    or the record is wrong."""

    granted: Mapping[str, tuple[datetime, int]] = field(default_factory=dict)
    """Who was given the right to vote early: the instant, and the place in the order."""

    def charter_at(self, instant: datetime) -> CharterVersion:
        """The charter in force at an instant."""
        return [one for one in self.charters if one.since is None or one.since <= instant][-1]


class EventRefused(Exception):
    """An event that makes no sense: which one, counted from 0, and the refusal."""

    def __init__(self, index: int, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.index = index
        self.refusal = refusal


def replay(history: History, at: datetime | None = None) -> Standing:
    """Play a history, and say where every action stands.

    Args:
        history: what was recorded. Pure data: it can be replayed any number of times.
        at: the instant it is asked about, in UTC, that instant included; what comes later is
            left out. None for all of it, as of its last event.

    Returns:
        The standing at that instant.

    Raises:
        EventRefused: an event up to `at` makes no sense.
    """
    play = Play.of(history)
    latest = -1
    events = history.events
    order, late = in_order_of_time(events)
    place = 0
    for index in order:
        event = events[index]
        if at is not None and event.at > at:
            break
        place = max(place + STEP, STEP * history.seqs[index] if history.seqs else 0)
        try:
            play.take(event, place, counts=index not in late)
        except Refusal as refusal:
            if index > latest or isinstance(refusal, Unknown):
                raise EventRefused(index, refusal) from None
            play.void.append(index)
        latest = max(latest, index)
    play.settle(at)
    return play.standing()


def in_order_of_time(events: Sequence[Event]) -> tuple[Sequence[int], set[int]]:
    """Put what was recorded in the order in which it counts.

    Returns the indexes of the events in that order, and those among them that do not count: what
    became known only after the decision it would have been part of was recorded (rules, "Late
    knowledge").
    """
    recorded: dict[str, datetime] = {}
    late: set[int] = set()
    for index, event in enumerate(events):
        if type(event) is h.DecisionRecorded:
            recorded[event.action] = event.at
        elif recorded and isinstance(event, LATE_CHANGES_NOTHING):
            decided = recorded.get(event.action)
            if decided is not None and event.at <= decided:
                late.add(index)
                continue
        if type(event) is h.Withdrawn:
            # Its own record, for all that came before it: what is told at its very instant comes
            # after it, and is refused.
            recorded[event.action] = event.at - timedelta.resolution
    # The sort is stable: at one instant, the order in which it was recorded.
    told_in_order = all(one.at <= next.at for one, next in pairwise(events))
    order = range(len(events))
    return order if told_in_order else sorted(order, key=lambda index: events[index].at), late


def number_used(ref: str) -> Refusal:
    """The refusal of a number that an action has already."""
    return Refusal(
        say("the number of {ref} is already used", ref=ref),
        say("give it another number, or none"),
    )


def _as_known(member: Member, first: datetime | None) -> Member:
    """A member as known to ballots none of which was told before `first`."""
    if first is None or all(
        one.joined_recorded is None and one.left_recorded is None for one in member.memberships
    ):
        return member
    known = [one.known_from(first) for one in member.memberships]
    return Member(member.id, member.name, known, member.founder)


def _order(action: Action) -> int:
    return action.order


class Play:
    """A history being played. Everything that changes while it is played changes here.

    It begins empty (`Play.of`), or goes on from a state that was kept: then the actions and
    members that the next events speak of are enough.
    """

    def __init__(
        self,
        members: Mapping[str, Member],
        charters: Sequence[CharterVersion],
        *,
        now: datetime | None = None,
        granted: dict[str, tuple[datetime, int]] | None = None,
        proposed: int = 0,
        taken: Container[str] = (),
        recorded: Mapping[str, h.DecisionRecorded] | None = None,
    ) -> None:
        """Args:
        members: by id.
        charters: the versions there have been, the one in force last.
        now: the instant up to which it was played.
        granted: who was given the right to vote early: the instant, and the place in the order.
        proposed: how many actions were proposed.
        taken: the references that are used beside those of the actions played here.
        recorded: the decisions that were written down, and are yet to be reached.
        """
        self.members = members
        self.charters = list(charters)
        self.actions: dict[str, Action] = {}
        self.now = now
        self.happened = now
        """The last instant at which anything took place."""
        self.place = 0
        self.proposed = proposed
        self.taken = taken
        delay = self.charters[-1].charter.voting_right_delay
        self.electorate = Electorate(members, delay, {} if granted is None else granted)
        self.due: list[tuple[datetime, int, int, str]] = []
        self.recorded = recorded or {}
        self.void: list[int] = []
        self.disputed: dict[str, h.Decision | None] = {}
        self.undecided: dict[str, Action] = {}
        self.voted_on: dict[str, Action] = {}
        self.handlers: Mapping[type[Event], Callable[..., None]] = {
            h.Proposed: self._propose,
            h.VoteCast: self._vote,
            h.VoteWithdrawn: self._withdraw_vote,
            h.CounterVoteCalled: self._call_counter_vote,
            h.Amended: self._amend,
            h.Withdrawn: self._withdraw,
            h.HandedOver: self._hand_over,
            h.RightGranted: self._grant,
            h.ConditionMet: self._meet_condition,
            h.FollowedUp: self._follow_up,
            h.DecisionRecorded: self._stand_as_recorded,
        }

    @classmethod
    def of(cls, history: History) -> Play:
        """The beginning of a history."""
        first = next((e.recorded_at or e.at for e in history.events if type(e) is h.Proposed), None)
        play = cls(
            {member.id: _as_known(member, first) for member in history.members},
            [CharterVersion(1, history.charter, None)],
            taken=history.imported,
            recorded={
                event.action: event
                for event in reversed(history.events)  # the first of an action stands
                if type(event) is h.DecisionRecorded
            },
        )
        for member in play.members.values():
            play.expect_departures(member)
        return play

    def expect_departures(self, member: Member) -> None:
        """Look at the open ballots again when a member leaves."""
        for one in member.memberships:
            for end in {one.left, one.ends}:
                if end is not None and (self.now is None or end > self.now):
                    heapq.heappush(self.due, (end, _DEPARTURE, 0, member.id))

    def change_member(self, member: Member) -> None:
        """A member joined, left or came back, as of now."""
        members = self.members
        assert isinstance(members, dict)
        members[member.id] = member
        self.electorate.look_again(member)
        self.expect_departures(member)

    def put(self, action: Action) -> None:
        """Go on with an action that was kept as it stood at `now`."""
        self.actions[action.ref] = action
        if action.decision is None:
            self.undecided[action.ref] = action
            self._ends(action, action.next_end)

    def take(self, event: Event, place: int, *, counts: bool = True) -> None:
        """Take the next event, in order of time.

        Args:
            event: what was recorded.
            place: its place in the order, `STEP` or more after the one before it.
            counts: False for what became known only after the decision it would have been part of.

        Raises:
            Refusal: it makes no sense. What time brought until then has taken place all the same.
        """
        self.place = place
        if event.at != self.now:
            self._advance(event.at)
        self.happened = event.at
        if counts:
            self.handlers[type(event)](event)
        else:
            self._keep_late(event)

    def take_vote(
        self,
        at: datetime,
        place: int,
        ref: str,
        by: str,
        choice: Choice,
        name: BallotName,
        recorded_at: datetime | None = None,
    ) -> None:
        """Take a vote that counts in order of time: what `take` does, for very many of them."""
        self.place = place
        if at != self.now:
            if self.voted_on or (self.due and self.due[0][0] <= at):
                self._advance(at)
            self.now = at
        self.happened = at
        action, ballot, member = self._voting(at, recorded_at, ref, by, name)
        if self._on_roll(action, member):
            ballot.cast(member.id, choice)  # one text for all that name the same
            for_, against = action.settles
            if (ballot.for_ >= for_ or ballot.against >= against) and action.decision is None:
                self.voted_on[ref] = action
        else:
            ballot.used = True
            ballot.opinions[member.id] = Opinion(choice, at)

    def settle(self, at: datetime | None = None) -> None:
        """Let everything take place that is due at an instant (`now` unless given) or before."""
        self.place += STEP
        if at is not None and at != self.now:
            self._advance(at)
        self._settle_votes()

    def standing(self) -> Standing:
        return Standing(
            self.now or datetime.min.replace(tzinfo=UTC),
            self.actions,
            tuple(self.charters),
            self.members,
            tuple(self.void),
            self.disputed,
            self.electorate.granted,
        )

    # --- time ------------------------------------------------------------------------------------

    def _advance(self, to: datetime) -> None:
        """Let time pass: settle the votes, end what ends, let go who goes, up to `to` included."""
        if self.voted_on:
            self._settle_votes()
        if self.due and self.due[0][0] <= to:
            self._let_happen(to)
        self.now = to

    def _let_happen(self, to: datetime) -> None:
        """Let take place what is due up to an instant, that instant included."""
        due = self.due
        while due and due[0][0] <= to:
            instant = self.now = self.happened = due[0][0]
            gone = []
            while due and due[0][0] == instant:
                _, what, _, name = heapq.heappop(due)
                if what == _DEPARTURE:
                    gone.append(name)
                elif name in self.undecided:
                    self._settle(self.actions[name], instant)
            if gone:
                self._let_go(gone, instant)

    def _let_go(self, gone: list[str], instant: datetime) -> None:
        """Strike off all who leave at an instant, then see what follows."""
        touched = [
            action
            for action in self.undecided.values()
            if sum([self._strike(action, id, instant) for id in gone])
        ]
        for action in sorted(touched, key=_order):
            self._settle(action, instant)

    def _strike(self, action: Action, id: str, instant: datetime) -> bool:
        """Strike somebody off the roll of an undecided action, with their votes."""
        member = self.members[id]
        known = _ALL if action.told_when_over else action.opening.known
        if member.membership(instant, known) or not self._on_roll(action, member):
            return False
        action.struck.add(id)
        action.roll_size -= 1
        action.settles = (0, 0)
        action.ballot.strike(id)
        if action.counter_vote:
            action.counter_vote.ballot.strike(id)
        return True

    # --- what follows ----------------------------------------------------------------------------

    def _settle_votes(self) -> None:
        """See what the votes of this instant lead to, in order of the actions' proposals."""
        voted_on, now = self.voted_on, self.now
        if not voted_on:
            return
        assert now is not None
        if len(voted_on) == 1:  # nearly always
            self._settle(voted_on.popitem()[1], now)
            return
        self.voted_on = {}
        for action in sorted(voted_on.values(), key=_order):
            self._settle(action, now)

    def _settle_effects(self) -> None:
        """The same for actions with effects, before a vote opens: they may change its rules."""
        for action in sorted(self.voted_on.values(), key=_order):
            if action.effects:
                self._settle_votes_on(action)

    def _settle_votes_on(self, action: Action) -> None:
        """The same for one action, before something else happens to it at this instant."""
        if self.voted_on.pop(action.ref, None) is not None:
            assert self.now is not None
            self._settle(action, self.now)

    def _settle(self, action: Action, now: datetime) -> None:
        """Ask the charter what follows for an undecided action, and let it take place.

        A decision that was recorded takes place as it was recorded, at its own instant.
        """
        state, how = decide(action, now)
        if state is action.state:
            action.settles = settling(action)
            return
        action.settles = (0, 0)
        recorded = self.recorded.get(action.ref) if self.recorded else None
        if recorded is not None and state not in UNDECIDED:
            decision = self._decision(action, state, how, now)
            if recorded.decision.differs(decision) or recorded.charter != action.charter:
                self.disputed[action.ref] = decision
            if now >= recorded.at:
                self._close_as_recorded(action, recorded)
        elif state in UNDECIDED:
            self._become(action, state)
        else:
            self._close(action, self._decision(action, state, how, now))

    def _stand_as_recorded(self, event: h.DecisionRecorded) -> None:
        action = self._action(event.action)
        self._settle_votes_on(action)
        if action.decision is None:
            self.disputed.setdefault(action.ref, None)
            self._close_as_recorded(action, event)
        elif action.decision is not self.recorded[action.ref].decision:
            self.disputed.setdefault(action.ref, action.decision)
        elif event is not self.recorded[action.ref]:
            raise Refusal(
                say("the decision on {ref} is recorded twice", ref=action.ref),
                say("keep the first one"),
            )

    def _close_as_recorded(self, action: Action, event: h.DecisionRecorded) -> None:
        """Close an action with the figures and by the charter of its record."""
        action.charter = event.charter
        action.rules = event.charter.charter.rules(action.kind)
        action.roll_size = event.decision.roll
        action.recorded = True
        self._close(action, event.decision)

    def _become(self, action: Action, state: State) -> None:
        """Move to another undecided state. Contested is the only one that time leads to."""
        action.state = state
        if state is State.CONTESTED:
            assert action.rules.contest_window is not None
            action.closes_at = action.window_end + action.rules.contest_window
            self._ends(action, action.closes_at)

    def _decision(
        self, action: Action, state: State, how: h.How | None, now: datetime
    ) -> h.Decision:
        counter = action.counter_vote
        return h.Decision(
            state=state,
            how=how,
            at=now,
            roll=action.roll_size,
            tally=action.ballot.tally,
            counter_vote=counter.ballot.tally if counter else None,
            contested=action.state is State.CONTESTED,
        )

    def _close(self, action: Action, decision: h.Decision) -> None:
        """Decide an action for good, close the ballots that close, and let its effects act."""
        action.decision, action.state = decision, decision.state
        del self.undecided[action.ref]
        if decision.contested or decision.state is not State.ADOPTED:
            action.closes_at = min(action.closes_at, decision.at)
        if action.counter_vote:
            counter = action.counter_vote
            counter.closes_at = min(counter.closes_at, decision.at)
        if decision.state is State.ADOPTED:
            self._let_effects_act(action, decision.at)

    def _let_effects_act(self, action: Action, now: datetime) -> None:
        for effect in action.effects:
            match effect:
                case GrantVotingRight(member):
                    self.electorate.grant(member, now, self.place - 1)
                case AmendCharter(charter):
                    self._change_charter(charter, now, action.ref)

    def _change_charter(self, charter: Charter, now: datetime, by_action: str) -> None:
        version = CharterVersion(len(self.charters) + 1, charter, now, by_action)
        self.charters.append(version)
        self.electorate.change_delay(charter.voting_right_delay, now, self.place - 1)

    def _ends(self, action: Action, at: datetime) -> None:
        """Look at an action again when one of its windows ends."""
        heapq.heappush(self.due, (at, _WINDOW, action.order, action.ref))

    # --- what people do --------------------------------------------------------------------------

    def _propose(self, event: h.Proposed) -> None:
        self._settle_effects()
        self._acting(event)
        leader = event.leader or event.by
        self._carrying(leader, event)
        self._check_effects(event)
        ref = f"{event.kind.prefix}{event.number}"
        if ref in self.actions or ref in self.taken:
            raise number_used(ref)
        charter = self.charters[-1]
        rules = charter.charter.rules(event.kind)
        opening, roll_size = self._opening(event)
        action = Action(
            ref=ref,
            kind=event.kind,
            number=event.number,
            proposer=event.by,
            leader=leader,
            proposed_at=event.at,
            link=event.link,
            condition=event.condition,
            effects=event.effects,
            charter=charter,
            rules=rules,
            order=self.proposed,
            opening=opening,
            window_end=event.at + rules.window,
            closes_at=event.at + rules.window,
            roll_size=roll_size,
            versions=[Version(event.at, event.object)],
        )
        self.proposed += 1
        self.actions[ref] = self.undecided[ref] = action
        self._ends(action, action.window_end)

    def _check_effects(self, event: h.Proposed) -> None:
        for effect in event.effects:
            if isinstance(effect, GrantVotingRight):
                self._known(effect.member)
            elif event.kind is Kind.ORDINARY:
                raise Refusal(
                    say("an ordinary action cannot amend the charter"),
                    say("propose it as an extraordinary action"),
                )

    def _opening(self, event: Event) -> tuple[Opening, int]:
        return self.electorate.open(event.at, self.place, event.known)

    def _vote(self, event: h.VoteCast) -> None:
        if event.kept and self._is_closed(event):
            self._keep(event)
            return
        self.take_vote(
            event.at,
            self.place,
            event.action,
            event.by,
            event.choice,
            event.ballot,
            event.recorded_at,
        )

    def _is_closed(self, event: h.VoteCast | h.VoteWithdrawn) -> bool:
        """Whether the ballot is over: one that never was is not."""
        action = self._action(event.action)
        return (
            action.ballot_named(event.ballot) is not None
            and action.open_ballot(event.ballot, event.at) is None
        )

    def _keep(self, event: h.VoteCast, recorded_at: datetime | None = None) -> None:
        """Keep what does not count as an opinion."""
        self._acting(event)
        ballot = self._action(event.action).ballot_named(event.ballot)
        if ballot is not None:
            ballot.opinions[event.by] = Opinion(event.choice, event.at, recorded_at)

    def _withdraw_vote(self, event: h.VoteWithdrawn) -> None:
        if event.kept and self._is_closed(event):
            self._take_opinion_back(event)
            return
        action, ballot, _ = self._voting(
            event.at, event.recorded_at, event.action, event.by, event.ballot
        )
        if not ballot.take_back(event.by):
            raise Refusal(
                say("{member} has no vote in force on {ref}", member=event.by, ref=event.action),
                say("there is nothing to take back: check the member, the ballot and the date"),
            )
        if action.decision is None:
            self.voted_on[event.action] = action

    def _voting(
        self, at: datetime, recorded_at: datetime | None, ref: str, by: str, name: BallotName
    ) -> tuple[Action, Ballot, Member]:
        # This runs for every vote: it looks up by itself, and asks the others only to refuse.
        action = self.actions.get(ref) or self._action(ref)
        member = self.members.get(by)
        if member is None or member.membership(at, recorded_at) is None:
            member = self._acts(by, at, recorded_at)
        ballot = action.open_ballot(name, at)
        if ballot is None:
            raise self._no_ballot(action, name)
        return action, ballot, member

    def _keep_late(self, event: Event) -> None:
        """Keep a vote that became known after the decision as an opinion, with both instants."""
        if isinstance(event, h.VoteCast):
            self._keep(event, event.recorded_at)
        elif isinstance(event, h.VoteWithdrawn):
            self._take_opinion_back(event)
        elif isinstance(event, h.CounterVoteCalled | h.Amended | h.Withdrawn):
            raise Refusal(
                say("the decision on {ref} was recorded before this was known", ref=event.action),
                say("propose a new action"),
            )

    def _take_opinion_back(self, event: h.VoteWithdrawn) -> None:
        ballot = self._action(event.action).ballot_named(event.ballot)
        if ballot is not None:
            ballot.opinions.pop(event.by, None)

    def _call_counter_vote(self, event: h.CounterVoteCalled) -> None:
        action = self._undecided(event)
        member = self._acting(event)
        if action.rules.counter_vote is None:
            raise Refusal(
                say("the charter of {ref} has no counter-votes", ref=action.ref),
                say("vote against it, or talk to its leader"),
            )
        if action.counter_vote is not None:
            raise Refusal(
                say("a counter-vote on {ref} is already under way", ref=action.ref),
                say("vote on that one"),
            )
        if not self._on_roll(action, member):
            raise Refusal(
                say("{member} is not on the roll of {ref}", member=event.by, ref=action.ref),
                say("ask somebody on the roll to call the counter-vote"),
            )
        end = event.at + action.rules.counter_vote.window
        action.counter_vote = CounterVote(
            called_by=event.by,
            called_at=event.at,
            reason=event.reason,
            window_end=end,
            closes_at=end,
        )
        if action.state is State.CONTESTED:
            action.closes_at = event.at
        action.state, action.settles = State.COUNTER_VOTE, (0, 0)
        self._ends(action, end)

    def _amend(self, event: h.Amended) -> None:
        self._settle_effects()
        action = self._undecided(event)
        self._acting(event)
        self._leading(action, event.by)
        if action.is_corrected_at(event.at):
            action.versions[-1] = Version(action.versions[-1].at, event.object)
            return
        action.versions.append(Version(event.at, event.object))
        action.opening, action.roll_size = self._opening(event)
        action.struck = set()
        action.ballot = Ballot()
        action.counter_vote = None
        action.state, action.settles = State.OPEN, (0, 0)
        action.window_end = action.closes_at = event.at + action.rules.window
        self._ends(action, action.window_end)

    def _withdraw(self, event: h.Withdrawn) -> None:
        action = self._undecided(event)
        self._acting(event)
        self._leading(action, event.by)
        action.recorded = True
        self._close(action, self._decision(action, State.WITHDRAWN, None, event.at))

    def _hand_over(self, event: h.HandedOver) -> None:
        action = self._action(event.action)
        self._acting(event)
        orphaned = self.members[action.leader].membership(event.at, event.recorded_at) is None
        if not (orphaned and event.by == event.to):
            self._leading(action, event.by)
        if event.to == action.leader:
            raise Refusal(
                say("{member} already leads {ref}", member=event.to, ref=action.ref),
                say("hand it over to another member"),
            )
        self._carrying(event.to, event)
        action.leader = event.to

    def _grant(self, event: h.RightGranted) -> None:
        self._known(event.member)
        if event.by is not None:
            self._acts(event.by, event.at, event.recorded_at)
        self.electorate.grant(event.member, event.at, self.place)

    def _meet_condition(self, event: h.ConditionMet) -> None:
        action = self._action(event.action)
        self._acting(event)
        if action.condition is None:
            raise Refusal(
                say("{ref} has no condition", ref=action.ref),
                say("check the reference: there is nothing to record"),
            )
        action.condition_met_at = action.condition_met_at or event.at

    def _follow_up(self, event: h.FollowedUp) -> None:
        action = self._action(event.action)
        self._settle_votes_on(action)
        self._acting(event)
        self._leading(action, event.by)
        if action.follow_up is None:
            raise self._not_to_do(action)
        action.followed_up, action.note, action.links = event.follow_up, event.note, event.links

    # --- who may, and when -----------------------------------------------------------------------

    def _on_roll(self, action: Action, member: Member) -> bool:
        """Whether somebody's vote counts: the right at the opening, and never struck off since."""
        return member.id not in action.struck and self.electorate.has_right(member, action.opening)

    def _known(self, id: str) -> Member:
        member = self.members.get(id)
        if member is None:
            raise Unknown(
                say("nobody here is called “{member}”", member=id),
                say("correct the name, or add the member first"),
            )
        return member

    def _acting(self, event: h.Proposed | h.ActionEvent) -> Member:
        return self._acts(event.by, event.at, event.recorded_at)

    def _acts(self, id: str, at: datetime, recorded_at: datetime | None) -> Member:
        member = self.members.get(id) or self._known(id)
        if member.membership(at, recorded_at) is None:
            raise Refusal(
                say("{member} is no member on {at}", member=id, at=at),
                say("only a member can act: correct the person, the date or the membership"),
            )
        return member

    def _carrying(self, id: str, event: Event) -> None:
        if self._known(id).membership(event.at, event.recorded_at) is None:
            raise Refusal(
                say("{member} is no member on {at}", member=id, at=event.at),
                say("name a member as the leader"),
            )

    def _leading(self, action: Action, id: str) -> None:
        if id != action.leader:
            raise Refusal(
                say(
                    "{member} does not lead {ref}, {leader} does",
                    member=id,
                    ref=action.ref,
                    leader=action.leader,
                ),
                say("only its leader can do this: ask them, or have it handed over"),
            )

    def _action(self, ref: str) -> Action:
        action = self.actions.get(ref)
        if action is None:
            raise Unknown(
                say("{ref} was not proposed before", ref=ref),
                say("propose it first, or correct the reference"),
            )
        return action

    def _undecided(self, event: h.ActionEvent) -> Action:
        action = self._action(event.action)
        self._settle_votes_on(action)
        if action.decision is not None:
            raise Refusal(
                say("{ref} is already decided, since {at}", ref=action.ref, at=action.decision.at),
                say("propose a new action"),
            )
        return action

    def _no_ballot(self, action: Action, name: BallotName) -> Refusal:
        if name is BallotName.COUNTER_VOTE and action.counter_vote is None:
            return Refusal(
                say("no counter-vote was called on {ref}", ref=action.ref),
                say("call one first, or vote on the action itself"),
            )
        return TooLate(
            action.closing(name),
            say("votes are taken before that instant: tell when it was cast, if it was in time"),
        )

    def _not_to_do(self, action: Action) -> Refusal:
        why: Sentence
        if action.state in (State.CANCELLED, State.WITHDRAWN):
            return Refusal(
                say(
                    "{ref} was {state}, there is nothing to do", ref=action.ref, state=action.state
                ),
                say("propose a new action"),
            )
        if action.rules.starts is Starts.WHEN_ADOPTED and action.state is not State.ADOPTED:
            why = say("{ref} may not start before it is adopted", ref=action.ref)
            return Refusal(why, say("wait until it is adopted"))
        why = say("the condition of {ref} was not recorded as met", ref=action.ref)
        return Refusal(why, say("record that it is met first"))
