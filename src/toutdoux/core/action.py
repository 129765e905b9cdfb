"""An action and its ballots: what has happened to it so far.

Nothing here decides: `toutdoux.core.decision` reads an action and says what follows, and
`toutdoux.core.replay` is the only one that changes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .charter import Kind, KindRules, Starts
from .history import BallotName, CharterVersion, Choice, Decision, Effect, FollowUp, State, Tally
from .roll import Opening
from .words import Sentence, say

# Looked up once: an enumeration's members are slow to name, and every vote asks for these.
_FOR, _AGAINST = Choice.FOR, Choice.AGAINST
_OWN_BALLOT = BallotName.ACTION


@dataclass(frozen=True, slots=True)
class Opinion:
    """A vote that does not count: by somebody off the roll, known after the decision, or given
    after the ballot's end where it could not be refused."""

    choice: Choice
    at: datetime
    recorded_at: datetime | None = None
    """Set when it became known after the decision was recorded."""


@dataclass(slots=True)
class Ballot:
    """One vote in force per person; opinions apart, never counted."""

    votes: dict[str, Choice] = field(default_factory=dict)
    opinions: dict[str, Opinion] = field(default_factory=dict)
    for_: int = 0
    against: int = 0
    abstain: int = 0
    expressed: int = 0
    used: bool = False
    """Whether anybody ever voted or gave an opinion here."""

    @property
    def tally(self) -> Tally:
        return Tally(self.for_, self.against, self.abstain)

    def cast(self, member: str, choice: Choice) -> None:
        """Put a vote in force, in place of the person's earlier one."""
        votes = self.votes
        if member in votes:
            self._count(votes[member], -1)
        votes[member] = choice
        self._count(choice, +1)
        self.used = True
        if self.opinions:
            self.opinions.pop(member, None)

    def take_back(self, member: str) -> bool:
        """Leave the person without a vote or opinion. False if none was in force."""
        if member in self.votes:
            self.strike(member)
            self.opinions.pop(member, None)
            return True
        return self.opinions.pop(member, None) is not None

    def strike(self, member: str) -> None:
        """Take out somebody's vote, if there is one; it does not become an opinion."""
        choice = self.votes.pop(member, None)
        if choice is not None:
            self._count(choice, -1)

    def _count(self, choice: Choice, by: int) -> None:
        self.expressed += by
        if choice is _FOR:
            self.for_ += by
        elif choice is _AGAINST:
            self.against += by
        else:
            self.abstain += by


@dataclass(slots=True)
class CounterVote:
    """The vote on cancelling an action; a vote *for* is a vote for cancelling."""

    called_by: str
    called_at: datetime
    reason: str
    window_end: datetime
    closes_at: datetime
    """The end of its window, or the decision if that came first."""
    ballot: Ballot = field(default_factory=Ballot)


@dataclass(frozen=True, slots=True)
class Version:
    """One wording of the object. A correction replaces a version; an amendment adds one."""

    at: datetime
    object: str


@dataclass(slots=True)
class Action:
    """An action as it stands."""

    # What was said when it was proposed.
    ref: str
    """`AE27`."""
    kind: Kind
    number: int
    proposer: str
    leader: str
    proposed_at: datetime
    link: str | None
    condition: str | None
    effects: tuple[Effect, ...]
    charter: CharterVersion
    rules: KindRules
    order: int
    """Its place among the proposals, from 0."""

    # The vote as it was last opened.
    opening: Opening
    window_end: datetime
    closes_at: datetime
    roll_size: int
    versions: list[Version]
    ballot: Ballot = field(default_factory=Ballot)
    struck: set[str] = field(default_factory=set)
    counter_vote: CounterVote | None = None
    settles: tuple[int, int] = field(default=(0, 0), compare=False)
    """With fewer votes for and against than these, on any ballot, no vote changes anything. It is
    known once the charter was asked, until something else than a vote happens."""

    # What became of it.
    state: State = State.OPEN
    decision: Decision | None = None
    recorded: bool = False
    """Whether the decision was written down: nothing that becomes known later changes it."""
    condition_met_at: datetime | None = None
    followed_up: FollowUp = FollowUp.TO_DO
    note: str = ""
    """What its leader wrote at the last follow-up (Markdown)."""
    links: tuple[str, ...] = ()
    """And the links given with it."""

    @property
    def object(self) -> str:
        return self.versions[-1].object

    @property
    def told_when_over(self) -> bool:
        """Whether its vote was told only when it was over: it was never open for anybody, so that
        departures act on it on their very day, whenever they are recorded."""
        return self.opening.known >= self.window_end

    @property
    def next_end(self) -> datetime:
        """While it is undecided: the instant at which time alone changes its state."""
        if self.counter_vote is not None:
            return self.counter_vote.window_end
        return self.closes_at

    @property
    def may_start_at(self) -> datetime | None:
        """The instant from which it may start; None while it may not.

        Source: "States" ("From the instant it may start, and its condition … was recorded as
        met").
        """
        if self.rules.starts is Starts.WHEN_PROPOSED:
            since = self.proposed_at
        elif self.decision is not None and self.state is State.ADOPTED:
            since = self.decision.at
        else:
            return None
        if self.condition is None:
            return since
        return self.condition_met_at and max(since, self.condition_met_at)

    @property
    def effect_at(self) -> datetime | None:
        """When its effects took place: with its adoption. None if it has none, or not yet."""
        adopted = self.state is State.ADOPTED and bool(self.effects)
        return self.decision.at if adopted and self.decision else None

    @property
    def follow_up(self) -> FollowUp | None:
        """Where it is among the things to do; None before it may start and once it ended."""
        if self.state in (State.CANCELLED, State.WITHDRAWN) or self.may_start_at is None:
            return None
        return self.followed_up

    def is_corrected_at(self, at: datetime) -> bool:
        """Whether an amendment at an instant is a correction: only the text changes.

        Source: "Amending, withdrawing, handing over" ("An amendment within `correction` of the
        opening, before any vote or opinion, is a correction").
        """
        counter = self.counter_vote
        unused = not self.ballot.used and not (counter and counter.ballot.used)
        return unused and at < self.opening.at + self.charter.charter.correction

    def open_ballot(self, name: BallotName, at: datetime) -> Ballot | None:
        """The ballot of that name, if votes are taken on it at an instant."""
        if name is _OWN_BALLOT:
            return self.ballot if at < self.closes_at else None
        counter_vote = self.counter_vote
        if counter_vote is None or at >= counter_vote.closes_at:
            return None
        return counter_vote.ballot

    def is_late(self, name: BallotName, opinion: Opinion) -> bool:
        """Whether an opinion is one because it was given when the ballot of that name was over."""
        closed = (
            self.counter_vote.closes_at if name is not _OWN_BALLOT and self.counter_vote else None
        )
        return opinion.at >= (closed or self.closes_at)

    def closing(self, name: BallotName) -> Sentence:
        """When the ballot of that name closed."""
        if name is not _OWN_BALLOT and self.counter_vote is not None:
            closed = self.counter_vote.closes_at
            return say("the counter-vote on {ref} closed on {at}", ref=self.ref, at=closed)
        return say("the ballot of {ref} closed on {at}", ref=self.ref, at=self.closes_at)

    def ballot_named(self, name: BallotName) -> Ballot | None:
        if name is _OWN_BALLOT:
            return self.ballot
        return self.counter_vote.ballot if self.counter_vote else None
