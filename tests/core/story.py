"""Telling a history so that a test reads like the statutes, and can be checked by hand.

    story = Story(roll=7)                        # ana, bob, cleo, dan, eva, fay and gus, founders
    story.propose("extraordinary")               # AE1, by ana, on day 0
    story.vote("AE1", "for", "bob", "eva", day=1)
    assert story.at(day=9)["AE1"].state == "adopted"

Time is told from day 0, 1 March 2021 at 10:00 UTC: `day=1, hour=2` is 26 hours after it. An event
without a time happens at the instant of the one before. Events are told in the order in which they
were recorded; `known=day(9)` says that one became known only on day 9.

A refusal is told with a reason: `with story.refused("is already decided"): story.withdraw("AE1")`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from toutdoux.core import history as h
from toutdoux.core.action import Action
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.explanation import explain
from toutdoux.core.replay import EventRefused, Standing, replay
from toutdoux.core.roll import Member, Membership
from toutdoux.core.view import action_as_data
from toutdoux.core.words import Sentence
from toutdoux.language import Language

DAY_0 = datetime(2021, 3, 1, 10, 0, tzinfo=UTC)
LONG_AGO = -1000

# fmt: off
NAMES = (
    "ana", "bob", "cleo", "dan", "eva", "fay", "gus", "hal", "ida", "jo", "kim", "leo", "mia",
    "ned", "ola", "pia", "quin", "rae", "sam", "tia", "uma", "val", "wes", "xia", "yan", "zoe",
    "abel", "bea", "cy", "dot",
)
# fmt: on


def day(number: float, **more: float) -> datetime:
    """The instant so many days after day 0: `day(1)`, `day(1, hours=2)`, `day(-10)`."""
    return DAY_0 + timedelta(days=number, **more)


TICK = timedelta(microseconds=1)
"""The shortest time there is."""


class Now:
    """Where everything stands at an instant."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing

    def __getitem__(self, ref: str) -> Action:
        return self.standing.actions[ref]

    def data(self, ref: str) -> dict[str, object]:
        """An action as `toutdoux replay --format json` shows it."""
        return action_as_data(self[ref])

    def why(self, ref: str, language: str = "en") -> list[str]:
        """The sentences that say why an action is in its state."""
        speak = Language(language)
        return [speak.say(sentence) for sentence in explain(self.standing, self[ref]).why]

    def next(self, ref: str, language: str = "en") -> list[str]:
        """The sentences that say what would change an action."""
        speak = Language(language)
        return [speak.say(sentence) for sentence in explain(self.standing, self[ref]).next]


class Story:
    def __init__(self, roll: int = 7, charter: object = "tout-doux-cratie") -> None:
        """An association of so many founders, under a preset or a charter as a mapping."""
        self.charter = read_charter(charter)
        self.members: dict[str, Member] = {}
        self.events: list[h.Event] = []
        self.clock = DAY_0
        for name in NAMES[:roll]:
            self.member(name, joined=LONG_AGO, founder=True)

    # --- members ---------------------------------------------------------------------------------

    def member(
        self,
        name: str,
        joined: float | datetime = LONG_AGO,
        left: float | datetime | None = None,
        *,
        founder: bool = False,
        joined_known: float | None = None,
        left_known: float | None = None,
    ) -> None:
        """Somebody becomes a member; told again, it is one more period of the same person."""
        period = Membership(
            _instant(joined),
            None if left is None else _instant(left),
            None if joined_known is None else day(joined_known),
            None if left_known is None else day(left_known),
        )
        earlier = self.members.get(name)
        if earlier is None:
            self.members[name] = Member(name, name.title(), [period], founder)
        else:
            self.members[name] = Member(
                name, earlier.name, [*earlier.memberships, period], earlier.founder
            )

    def leaves(self, *names: str, on: float | datetime, known: float | None = None) -> None:
        """People leave the association."""
        for name in names:
            member = self.members[name]
            *before, last = member.memberships
            gone = replace(
                last, left=_instant(on), left_recorded=None if known is None else day(known)
            )
            self.members[name] = Member(name, member.name, [*before, gone], member.founder)

    # --- what is recorded ------------------------------------------------------------------------

    def tell(self, event: h.Event) -> None:
        self.events.append(event)
        if event.recorded_at is None:
            self.clock = event.at

    def propose(self, kind: str = "extraordinary", by: str = "ana", **more: object) -> None:
        """Options: number, leader, object, link, condition, effects; and the time."""
        more.setdefault("object", "Paint the door")
        more.setdefault("number", self.next_number(Kind(kind)))
        self._tell(h.Proposed, more, kind=Kind(kind), by=by)

    def next_number(self, kind: Kind) -> int:
        proposed = [one for one in self.events if isinstance(one, h.Proposed) and one.kind is kind]
        return h.next_number(max((one.number for one in proposed), default=0))

    def vote(self, ref: str, choice: str, *people: str, **more: object) -> None:
        for by in people:
            self._tell(h.VoteCast, dict(more), action=ref, by=by, choice=h.Choice(choice))

    def unvote(self, ref: str, *people: str, **more: object) -> None:
        """Withdraw votes."""
        for by in people:
            self._tell(h.VoteWithdrawn, dict(more), action=ref, by=by)

    def call(self, ref: str, by: str, reason: str = "It smells", **more: object) -> None:
        """Call a counter-vote."""
        self._tell(h.CounterVoteCalled, more, action=ref, by=by, reason=reason)

    def counter(self, ref: str, choice: str, *people: str, **more: object) -> None:
        """Vote on a counter-vote; `for` is for cancelling."""
        self.vote(ref, choice, *people, ballot=h.BallotName.COUNTER_VOTE, **more)

    def uncounter(self, ref: str, *people: str, **more: object) -> None:
        self.unvote(ref, *people, ballot=h.BallotName.COUNTER_VOTE, **more)

    def amend(self, ref: str, by: str = "ana", object: str = "Paint it blue", **more: object):
        self._tell(h.Amended, more, action=ref, by=by, object=object)

    def withdraw(self, ref: str, by: str = "ana", **more: object) -> None:
        self._tell(h.Withdrawn, more, action=ref, by=by)

    def hand_over(self, ref: str, to: str, by: str = "ana", **more: object) -> None:
        self._tell(h.HandedOver, more, action=ref, by=by, to=to)

    def grant(self, member: str, **more: object) -> None:
        self._tell(h.RightGranted, more, member=member)

    def met(self, ref: str, by: str = "ana", **more: object) -> None:
        """The condition is recorded as met."""
        self._tell(h.ConditionMet, more, action=ref, by=by)

    def follow_up(self, ref: str, to: str, by: str = "ana", **more: object) -> None:
        self._tell(h.FollowedUp, more, action=ref, by=by, follow_up=h.FollowUp(to))

    def record_decision(self, ref: str, known: datetime) -> None:
        """The decision that is due by now is written down, and stands from then on."""
        action = self.at(known)[ref]
        decision = action.decision
        assert decision is not None, f"{ref} is not decided"
        self.tell(
            h.DecisionRecorded(
                at=decision.at,
                recorded_at=known,
                action=ref,
                decision=decision,
                charter=action.charter,
            )
        )

    def _tell(self, event: type, more: dict[str, object], **fields: object) -> None:
        units = ("day", "hour", "minute", "second", "microsecond")
        when = {f"{unit}s": more.pop(unit) for unit in units if unit in more}
        instant = DAY_0 + timedelta(**when) if when else self.clock
        if "known" in more:
            more["recorded_at"] = more.pop("known")
        self.tell(event(at=instant, **fields, **more))

    # --- what follows ----------------------------------------------------------------------------

    def history(self) -> h.History:
        return h.History(
            charter=self.charter, members=list(self.members.values()), events=list(self.events)
        )

    def at(self, instant: datetime | None = None, **when: float) -> Now:
        """Where everything stands, at an instant told as `day=…, hour=…` (or given)."""
        if instant is None:
            instant = DAY_0 + timedelta(**{f"{unit}s": number for unit, number in when.items()})
        return Now(replay(self.history(), instant))

    def ends(self) -> Now:
        """Where everything stands a year later."""
        return self.at(day=365)

    @contextmanager
    def refused(self, reason: str) -> Iterator[None]:
        """What is told inside makes no sense, and is then forgotten."""
        told, clock = len(self.events), self.clock
        yield
        assert len(self.events) == told + 1, "tell one event"
        with pytest.raises(EventRefused) as caught:
            replay(self.history())
        assert caught.value.index == told, "an earlier event was refused"
        assert reason in english(caught.value.refusal.why)
        assert english(caught.value.refusal.remedy), "no remedy"
        del self.events[told:]
        self.clock = clock


def _instant(when: float | datetime) -> datetime:
    return when if isinstance(when, datetime) else day(when)


def english(sentence: Sentence) -> str:
    return Language("en").say(sentence)


def outcome(action: Action) -> tuple[str, str | None, datetime | None]:
    """State, how, and when it was decided."""
    decision = action.decision
    if decision is None:
        return action.state, None, None
    return action.state, decision.how, decision.at


def tally(action: Action) -> tuple[int, int, int]:
    """For, against, neutral."""
    ballot = action.ballot
    return ballot.for_, ballot.against, ballot.abstain


def counted(action: Action) -> tuple[int, int, int]:
    """For cancelling, against cancelling, neutral."""
    assert action.counter_vote is not None
    ballot = action.counter_vote.ballot
    return ballot.for_, ballot.against, ballot.abstain
