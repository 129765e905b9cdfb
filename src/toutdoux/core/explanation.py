"""Why an action is in its state, and what would change it, in plain sentences with the figures.

The sentences quote the charter's version that judges the action; they are made from the very
values that `toutdoux.core.decision` looked at, and are the same wherever they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from .action import Action
from .charter import (
    NEVER,
    AtEnd,
    Base,
    CounterVoteRules,
    Kind,
    KindRules,
    Starts,
    Threshold,
)
from .history import BallotName, Decision, FollowUp, GrantVotingRight, How, State, Tally
from .replay import Standing
from .words import Sentence, say, say_n


@dataclass(frozen=True, slots=True)
class Explanation:
    why: tuple[Sentence, ...]
    """Why it is in this state: the verdict with its figures, the rule, what else bears on it."""
    next: tuple[Sentence, ...]
    """What would change it, and what happens by itself."""


def explain(standing: Standing, action: Action, *, names: bool = True) -> Explanation:
    """Explain an action as it stands.

    Args:
        standing: where the association stands at the instant it is asked about.
        action: one of its actions.
        names: whether members are named: in public they are not.
    """
    told = _Told(standing, action, names=names)
    return Explanation(tuple(told.why()), tuple(told.next()))


def in_brief(standing: Standing, action: Action) -> tuple[Sentence, ...]:
    """Where an action stands and what comes next, for one line: after a vote, in a list."""
    return tuple(_Told(standing, action).brief())


# --- thresholds in words -------------------------------------------------------------------------

_SHARES = {
    (True, Fraction(1, 2)): say("more than half"),
    (True, Fraction(1, 3)): say("more than a third"),
    (True, Fraction(2, 3)): say("more than two thirds"),
    (True, Fraction(1, 4)): say("more than a quarter"),
    (True, Fraction(3, 4)): say("more than three quarters"),
    (False, Fraction(1, 2)): say("at least half"),
    (False, Fraction(1, 3)): say("at least a third"),
    (False, Fraction(2, 3)): say("at least two thirds"),
    (False, Fraction(1, 4)): say("at least a quarter"),
    (False, Fraction(3, 4)): say("at least three quarters"),
    (False, Fraction(1)): say("all"),
}


def share_in_words(threshold: Threshold) -> Sentence:
    """The share a threshold asks for ("more than half"), without saying of what."""
    fraction = threshold.fraction
    assert fraction is not None
    known = _SHARES.get((threshold.strict, fraction))
    if known is not None:
        return known
    if threshold.strict:
        return say("more than {fraction}", fraction=fraction)
    return say("at least {fraction}", fraction=fraction)


def threshold_in_words(
    threshold: Threshold, roll: int | None = None, expressed: int | None = None
) -> Sentence:
    """A threshold in words, with the figures of one ballot where they are given.

    "more than half of the 28 on the roll", or "more than half of the roll".
    """
    if threshold.votes is not None:
        return say_n("at least {n} vote", "at least {n} votes", threshold.votes)
    if threshold.denominator is None:
        return say("more than any number of votes")
    share = share_in_words(threshold)
    if threshold.base is Base.ROLL:
        if not roll:
            return say("{share} of the roll", share=share)
        return say_n(
            "{share} of the {n} on the roll", "{share} of the {n} on the roll", roll, share=share
        )
    if not expressed:
        return say("{share} of the votes expressed", share=share)
    return say_n(
        "{share} of the {n} vote expressed",
        "{share} of the {n} votes expressed",
        expressed,
        share=share,
    )


def reached_in_words(threshold: Threshold, roll: int, expressed: int) -> Sentence:
    """A threshold that was reached, after the number of votes that reached it."""
    if threshold.votes is not None:
        return say_n("and {n} vote is enough", "and {n} votes are enough", threshold.votes)
    return threshold_in_words(threshold, roll, expressed)


def tally_in_words(tally: Tally) -> Sentence:
    """ "12 for, 1 against, 2 neutral"."""
    return say(
        "{for_}, {against}, {abstain}",
        for_=say_n("{n} for", "{n} for", tally.for_),
        against=say_n("{n} against", "{n} against", tally.against),
        abstain=say_n("{n} neutral", "{n} neutral", tally.abstain),
    )


# --- the rules -----------------------------------------------------------------------------------


def rules_in_words(rules: KindRules) -> Iterator[Sentence]:
    """The rules of one kind of action, each as a sentence without its stop."""
    return (sentence for _, sentence in named_rules(rules))


def named_rules(rules: KindRules) -> Iterator[tuple[str, Sentence]]:
    """The rules of one kind of action in words, each with its key in the charter."""
    if rules.starts is Starts.WHEN_PROPOSED:
        yield "starts", say("it may start when it is proposed")
    else:
        yield "starts", say("it may start when it is adopted")
    yield "window", say("its vote is open for {window}", window=rules.window)
    if rules.adopted_early != NEVER:
        yield "adopted_early", _adopted_early(rules)
    if rules.cancelled_early != NEVER:
        yield "cancelled_early", _cancelled_early(rules)
    yield "at_end", _at_end(rules)
    if rules.counter_vote is not None:
        yield "counter_vote", _counter_vote(rules.counter_vote)
    else:
        yield "counter_vote", say("there are no counter-votes")


def kind_in_brief(kind: Kind, rules: KindRules) -> Iterator[Sentence]:
    """What a kind of action is for, and what its rules come to, for whoever has to choose one."""
    if kind is Kind.ORDINARY:
        yield say("Within what the association usually does.")
    else:
        yield say("Beyond what the association usually does.")
    if rules.starts is Starts.WHEN_PROPOSED:
        yield say(
            "It starts at once: informing is enough. The members still vote on it for {window}.",
            window=rules.window,
        )
    elif rules.adopted_early == NEVER:
        yield say("It waits to be adopted: {end}.", end=_adopted_in_the_end(rules))
    else:
        yield say(
            "It waits to be adopted: at once when the votes for are {threshold}, or {end}.",
            threshold=threshold_in_words(rules.adopted_early),
            end=_adopted_in_the_end(rules),
        )


def _adopted_in_the_end(rules: KindRules) -> Sentence:
    if rules.at_end is AtEnd.PLURALITY:
        return say("after {window} when more are for than against", window=rules.window)
    if rules.contest_window is None:
        return say("after {window} unless it is cancelled before", window=rules.window)
    return say("after {window} when nobody is against", window=rules.window)


def _adopted_early(rules: KindRules) -> Sentence:
    return say(
        "adopted at once when the votes for are {threshold}",
        threshold=threshold_in_words(rules.adopted_early),
    )


def _cancelled_early(rules: KindRules) -> Sentence:
    return say(
        "cancelled at once when the votes against are {threshold}",
        threshold=threshold_in_words(rules.cancelled_early),
    )


def _counter_vote(rules: CounterVoteRules) -> Sentence:
    return say(
        "a counter-vote cancels when, within {window}, the votes for cancelling are "
        "{threshold}; otherwise the action is adopted",
        window=rules.window,
        threshold=threshold_in_words(rules.cancels),
    )


def _at_end(rules: KindRules) -> Sentence:
    """What the end of the vote leads to."""
    if rules.at_end is AtEnd.PLURALITY:
        return _plurality(rules)
    if rules.contest_window is None:
        return say(
            "adopted at the end of the {window} of voting, unless it is cancelled before",
            window=rules.window,
        )
    if rules.counter_vote is None:
        return say(
            "adopted at the end of the {window} of voting when nobody is against; otherwise "
            "contested for {contest}, then adopted unless it is cancelled before",
            window=rules.window,
            contest=rules.contest_window,
        )
    return say(
        "adopted at the end of the {window} of voting when nobody is against; otherwise "
        "contested for {contest}, then adopted if no counter-vote was called",
        window=rules.window,
        contest=rules.contest_window,
    )


def _plurality(rules: KindRules) -> Sentence:
    if rules.quorum is None:
        return say(
            "adopted at the end of the {window} of voting when more are for than against, "
            "cancelled otherwise",
            window=rules.window,
        )
    return say(
        "adopted at the end of the {window} of voting when more are for than against and the "
        "votes expressed are {quorum}, cancelled otherwise",
        window=rules.window,
        quorum=threshold_in_words(rules.quorum),
    )


# --- one action ----------------------------------------------------------------------------------


class _Told:
    """The sentences about one action at one instant."""

    def __init__(self, standing: Standing, action: Action, *, names: bool = True) -> None:
        self.now = standing.at
        self.names = names
        self.members = standing.members
        self.action = action
        self.rules = action.rules
        self.roll = action.roll_size

    def why(self) -> Iterator[Sentence]:
        decision = self.action.decision
        if decision is None:
            yield from self._undecided()
        elif decision.how is None:
            yield say("Withdrawn by its leader on {at}.", at=decision.at)
        else:
            yield self._verdict(decision, decision.how)
        yield from self._rule()
        yield from self._beside()

    def next(self) -> Iterator[Sentence]:
        match self.action.state:
            case State.OPEN:
                yield from self._open_next()
            case State.CONTESTED:
                yield from self._contested_next()
            case State.COUNTER_VOTE:
                yield from self._counter_vote_next()
            case State.ADOPTED:
                yield from self._adopted_next()
            case _:
                yield say("This is final. The same thing can be proposed again as a new action.")

    def brief(self) -> Iterator[Sentence]:
        yield next(self.why())
        match self.action.state:
            case State.OPEN | State.CONTESTED:
                yield from islice(self.next(), 1)
            case State.COUNTER_VOTE:
                yield from self._counter_vote_next()
            case State.ADOPTED:
                yield from self._still_counted()
                if self.now < self.action.closes_at:
                    yield say("So far: {tally}.", tally=tally_in_words(self.action.ballot.tally))

    # Why.

    def _undecided(self) -> Iterator[Sentence]:
        action, tally = self.action, self.action.ballot.tally
        figures = tally_in_words(tally)
        to_come = say_n("{n} to come", "{n} to come", self.roll - tally.expressed)
        if action.state is State.OPEN:
            yield say_n(
                "Open until {end}: {tally}, {to_come}, of {n} on the roll.",
                "Open until {end}: {tally}, {to_come}, of {n} on the roll.",
                self.roll,
                end=action.window_end,
                tally=figures,
                to_come=to_come,
            )
        elif action.state is State.CONTESTED:
            yield say_n(
                "Contested since the vote ended on {end}: {n} vote against.",
                "Contested since the vote ended on {end}: {n} votes against.",
                tally.against,
                end=action.window_end,
            )
        elif action.counter_vote is not None:
            counter = action.counter_vote
            if not self.names:
                yield say_n(
                    "Under a counter-vote since {at}: {n} vote for cancelling so far.",
                    "Under a counter-vote since {at}: {n} votes for cancelling so far.",
                    counter.ballot.for_,
                    at=counter.called_at,
                )
                return
            yield say_n(
                "Under a counter-vote that {name} called on {at}: {n} vote for cancelling so far.",
                "Under a counter-vote that {name} called on {at}: {n} votes for cancelling so far.",
                counter.ballot.for_,
                name=self._name(counter.called_by),
                at=counter.called_at,
            )

    def _verdict(self, decision: Decision, how: How) -> Sentence:
        rules, roll, tally = self.rules, decision.roll, decision.tally
        counter = decision.counter_vote
        match how:
            case How.MAJORITY:
                return say_n(
                    "Adopted on {at}: {n} vote for, {threshold}.",
                    "Adopted on {at}: {n} votes for, {threshold}.",
                    tally.for_,
                    at=decision.at,
                    threshold=reached_in_words(rules.adopted_early, roll, tally.expressed),
                )
            case How.UNOPPOSED if decision.contested:
                return say(
                    "Adopted on {at}, while it was contested: the last vote against went away.",
                    at=decision.at,
                )
            case How.UNOPPOSED:
                return say(
                    "Adopted on {at}, at the end of the vote: nobody is against ({tally}).",
                    at=decision.at,
                    tally=tally_in_words(tally),
                )
            case How.NO_COUNTER_VOTE:
                return self._no_counter_vote(decision)
            case How.PLURALITY:
                return say(
                    "Adopted on {at}, at the end of the vote: more for than against ({tally})"
                    "{quorum}.",
                    at=decision.at,
                    tally=tally_in_words(tally),
                    quorum=self._quorum_reached(decision),
                )
            case How.OPPOSED:
                return say_n(
                    "Cancelled on {at}: {n} vote against, {threshold}.",
                    "Cancelled on {at}: {n} votes against, {threshold}.",
                    tally.against,
                    at=decision.at,
                    threshold=reached_in_words(rules.cancelled_early, roll, tally.expressed),
                )
            case How.NOT_ADOPTED:
                return self._not_adopted(decision)
        assert counter is not None
        assert rules.counter_vote is not None
        cancels = rules.counter_vote.cancels
        if how is How.COUNTER_VOTE:
            return say_n(
                "Cancelled on {at} by a counter-vote: {n} vote for cancelling, {threshold}.",
                "Cancelled on {at} by a counter-vote: {n} votes for cancelling, {threshold}.",
                counter.for_,
                at=decision.at,
                threshold=reached_in_words(cancels, roll, counter.expressed),
            )
        return say_n(
            "Adopted on {at}, at the end of the counter-vote: {n} vote for cancelling, where it "
            "took {threshold}.",
            "Adopted on {at}, at the end of the counter-vote: {n} votes for cancelling, where it "
            "took {threshold}.",
            counter.for_,
            at=decision.at,
            threshold=threshold_in_words(cancels, roll, counter.expressed),
        )

    def _no_counter_vote(self, decision: Decision) -> Sentence:
        against = decision.tally.against
        if self.rules.counter_vote is None:
            return say_n(
                "Adopted on {at}, when its time was over: {n} vote against does not cancel it.",
                "Adopted on {at}, when its time was over: {n} votes against do not cancel it.",
                against,
                at=decision.at,
            )
        if self.rules.contest_window is None:
            return say_n(
                "Adopted on {at}, at the end of the vote: {n} vote against, and nobody called a "
                "counter-vote meanwhile.",
                "Adopted on {at}, at the end of the vote: {n} votes against, and nobody called a "
                "counter-vote meanwhile.",
                against,
                at=decision.at,
            )
        return say_n(
            "Adopted on {at}: {n} vote against, and nobody called a counter-vote in the {window} "
            "after the vote.",
            "Adopted on {at}: {n} votes against, and nobody called a counter-vote in the {window} "
            "after the vote.",
            against,
            at=decision.at,
            window=self.rules.contest_window,
        )

    def _quorum_reached(self, decision: Decision) -> Sentence | str:
        quorum = self.rules.quorum
        if quorum is None:
            return ""
        expressed = decision.tally.expressed
        return say_n(
            ", with {n} vote expressed, {threshold}",
            ", with {n} votes expressed, {threshold}",
            expressed,
            threshold=reached_in_words(quorum, decision.roll, expressed),
        )

    def _not_adopted(self, decision: Decision) -> Sentence:
        tally = decision.tally
        if tally.for_ <= tally.against or self.rules.quorum is None:
            return say(
                "Cancelled on {at}, at the end of the vote: not more for than against ({tally}).",
                at=decision.at,
                tally=tally_in_words(tally),
            )
        return say_n(
            "Cancelled on {at}, at the end of the vote: {n} vote expressed, where it took "
            "{threshold}.",
            "Cancelled on {at}, at the end of the vote: {n} votes expressed, where it took "
            "{threshold}.",
            tally.expressed,
            at=decision.at,
            threshold=threshold_in_words(self.rules.quorum, decision.roll, tally.expressed),
        )

    def _rule(self) -> Iterator[Sentence]:
        """The rule that settles it, as the charter says it, and of which charter."""
        rule = self._rule_in_words()
        if rule is not None:
            yield say(
                "The rule: {rule} (charter, version {version}, for {kind}).",
                rule=rule,
                version=self.action.charter.number,
                kind=say("ordinary actions")
                if self.action.kind is Kind.ORDINARY
                else say("extraordinary actions"),
            )

    def _rule_in_words(self) -> Sentence | None:
        rules, action = self.rules, self.action
        how = action.decision.how if action.decision else None
        if how is How.MAJORITY:
            return _adopted_early(rules)
        if how is How.OPPOSED:
            return _cancelled_early(rules)
        if rules.counter_vote is not None and (
            how in (How.COUNTER_VOTE, How.COUNTER_VOTE_FAILED) or action.state is State.COUNTER_VOTE
        ):
            return _counter_vote(rules.counter_vote)
        if action.state is State.WITHDRAWN:
            return say("its leader may withdraw an action until it is decided")
        return _at_end(rules)

    def _beside(self) -> Iterator[Sentence]:
        """What else bears on the figures."""
        action, decision = self.action, self.action.decision
        if len(action.versions) > 1:
            yield say(
                "Its object was amended: the vote started again on {at}.", at=action.opening.at
            )
        if (
            decision is not None
            and self.now >= action.closes_at
            and decision.tally != action.ballot.tally
        ):
            yield say(
                "When its ballot closed on {at}: {tally}.",
                at=action.closes_at,
                tally=tally_in_words(action.ballot.tally),
            )
        if action.struck:
            yield say_n(
                "{n} person left the association during the vote and is no longer on the roll.",
                "{n} people left the association during the vote and are no longer on the roll.",
                len(action.struck),
            )
        if decision is not None and decision.unread:
            yield say("It was recorded although a chat could not be read for 24 hours.")
        if self._needs_a_leader():
            yield say("Its leader has left the association: it needs somebody to take it on.")
        if action.state not in (State.CANCELLED, State.WITHDRAWN):
            yield from self._effects()
        if action.follow_up is not None and action.note:
            yield say("Its leader noted: “{note}”.", note=" ".join(action.note.split()))
        if action.counter_vote is not None:
            yield say(
                "The reason given for the counter-vote: “{reason}”.",
                reason=" ".join(action.counter_vote.reason.split()),
            )
        opinions = action.ballot.opinions.values()
        late = sum(one.recorded_at is not None for one in opinions)
        after = sum(
            one.recorded_at is None and action.is_late(BallotName.ACTION, one) for one in opinions
        )
        if len(opinions) > late + after:
            yield say_n(
                "{n} opinion is kept apart and does not count: it comes from off the roll.",
                "{n} opinions are kept apart and do not count: they come from off the roll.",
                len(opinions) - late - after,
            )
        if after:
            yield say_n(
                "{n} opinion is kept apart and does not count: it was given after the vote.",
                "{n} opinions are kept apart and do not count: they were given after the vote.",
                after,
            )
        if late:
            yield say_n(
                "{n} vote became known after the decision was recorded: it is kept as an opinion.",
                "{n} votes became known after the decision was recorded: they are kept as "
                "opinions.",
                late,
            )

    def _needs_a_leader(self) -> bool:
        action = self.action
        if action.state in (State.CANCELLED, State.WITHDRAWN):
            return False
        if action.follow_up in (FollowUp.DONE, FollowUp.ABANDONED):
            return False
        return self.members[action.leader].membership(self.now) is None

    # What would change it.

    def _open_next(self) -> Iterator[Sentence]:
        action, rules = self.action, self.rules
        yield from self._early()
        end = action.window_end
        if rules.at_end is AtEnd.PLURALITY:
            yield self._as_the_votes_stand()
        if rules.at_end is AtEnd.PLURALITY and rules.counter_vote is not None:
            yield say(
                "It is settled on {end}, when the vote ends, unless somebody calls a counter-vote "
                "before.",
                end=end,
            )
        elif rules.at_end is AtEnd.PLURALITY:
            yield say("It is settled on {end}, when the vote ends.", end=end)
        elif action.ballot.against == 0:
            yield say("If nobody is against by then, it is adopted on {end}.", end=end)
        elif rules.contest_window is not None and rules.counter_vote is None:
            yield say(
                "If somebody is still against on {end}, it is contested for {window}.",
                end=end,
                window=rules.contest_window,
            )
        elif rules.contest_window is not None:
            yield say(
                "If somebody is still against on {end}, it is contested for {window}: the time to "
                "call a counter-vote.",
                end=end,
                window=rules.contest_window,
            )
        elif rules.counter_vote is not None:
            yield say(
                "It is adopted on {end} unless somebody calls a counter-vote before.", end=end
            )
        else:
            yield say("It is adopted on {end} unless it is cancelled before.", end=end)
        yield from self._start()

    def _as_the_votes_stand(self) -> Sentence:
        """What a plurality would come to now, and what is missing."""
        ballot, quorum = self.action.ballot, self.rules.quorum
        if quorum is not None:
            missing = quorum.missing(ballot.expressed, self.roll, ballot.expressed)
            if missing:
                return say_n(
                    "{n} more vote is needed for the votes expressed to be {threshold}.",
                    "{n} more votes are needed for the votes expressed to be {threshold}.",
                    missing,
                    threshold=threshold_in_words(quorum, self.roll, ballot.expressed),
                )
        if ballot.for_ > ballot.against:
            return say("As the votes stand, it would be adopted.")
        return say_n(
            "As the votes stand, it would be cancelled: {n} more vote for is needed.",
            "As the votes stand, it would be cancelled: {n} more votes for are needed.",
            ballot.against - ballot.for_ + 1,
        )

    def _effects(self) -> Iterator[Sentence]:
        """What its adoption does by itself, or did."""
        for effect in self.action.effects:
            if isinstance(effect, GrantVotingRight) and not self.names:
                yield say("Its adoption gives a member the right to vote.")
            elif isinstance(effect, GrantVotingRight):
                yield say(
                    "Its adoption gives {name} the right to vote.", name=self._name(effect.member)
                )
            else:
                yield say("Its adoption brings a new version of the charter into force.")

    def _early(self) -> Iterator[Sentence]:
        """How far the early thresholds are."""
        rules, ballot = self.rules, self.action.ballot
        missing = rules.adopted_early.missing(ballot.for_, self.roll, ballot.expressed)
        if missing:
            yield say_n(
                "{n} more vote for adopts it at once.",
                "{n} more votes for adopt it at once.",
                missing,
            )
        missing = rules.cancelled_early.missing(ballot.against, self.roll, ballot.expressed)
        if missing:
            yield say_n(
                "{n} more vote against cancels it at once.",
                "{n} more votes against cancel it at once.",
                missing,
            )

    def _contested_next(self) -> Iterator[Sentence]:
        yield from self._early()
        yield say("When nobody is against any more, it is adopted at once.")
        end = self.action.closes_at
        if self.rules.counter_vote is not None:
            yield say(
                "It is adopted on {end} unless somebody on the roll calls a counter-vote before.",
                end=end,
            )
        else:
            yield say("It is adopted on {end} unless it is cancelled before.", end=end)
        yield from self._start()

    def _counter_vote_next(self) -> Iterator[Sentence]:
        counter = self.action.counter_vote
        assert counter is not None
        assert self.rules.counter_vote is not None
        ballot = counter.ballot
        cancels = self.rules.counter_vote.cancels
        missing = cancels.missing(ballot.for_, self.roll, ballot.expressed)
        if missing:
            yield say_n(
                "{n} more vote for cancelling cancels it at once.",
                "{n} more votes for cancelling cancel it at once.",
                missing,
            )
        yield say("Otherwise it is adopted on {end}, for good.", end=counter.window_end)
        if self.action.follow_up is not None:
            yield say("It may have started: it should pause meanwhile.")

    def _adopted_next(self) -> Iterator[Sentence]:
        yield say("This is final.")
        yield from self._still_counted()
        yield from self._start()

    def _still_counted(self) -> Iterator[Sentence]:
        if self.now < self.action.closes_at:
            yield say(
                "Its ballot stays open until {end}, so that everyone can still be counted.",
                end=self.action.closes_at,
            )

    def _start(self) -> Iterator[Sentence]:
        """Whether it may start, where that does not go without saying."""
        action = self.action
        if action.may_start_at is not None:
            if action.state is not State.ADOPTED:
                yield say("It may start meanwhile.")
        elif action.condition is not None and action.condition_met_at is None:
            if self.rules.starts is Starts.WHEN_ADOPTED and action.state is not State.ADOPTED:
                yield say(
                    "It may start once it is adopted and its condition is recorded as met: "
                    "“{condition}”.",
                    condition=action.condition,
                )
            else:
                yield say(
                    "It may start once its condition is recorded as met: “{condition}”.",
                    condition=action.condition,
                )

    def _name(self, id: str) -> str:
        return self.members[id].name
