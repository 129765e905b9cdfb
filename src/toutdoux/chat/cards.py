"""The bot's card: where a vote stands, in a message that is edited in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from toutdoux.core.action import Action
from toutdoux.core.explanation import explain, in_brief, threshold_in_words
from toutdoux.core.history import BallotName, Choice, State
from toutdoux.core.replay import Standing
from toutdoux.core.voters import open_ballots
from toutdoux.core.words import Sentence, say
from toutdoux.language import Language
from toutdoux.web.cards import Bar, bar_of

from .saying import quoted

LONGEST_BAR = 28
"""Signs: a line of a phone."""


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def is_open(standing: Standing, action: Action, name: BallotName) -> bool:
    """Whether votes are still taken on a ballot."""
    return any(name is one for one, _, _ in open_ballots(action, standing.at))


def closes_at(action: Action, name: BallotName) -> datetime | None:
    """Until when votes are taken on a ballot; None if it is there no more."""
    if name is BallotName.ACTION:
        return action.closes_at
    return None if action.counter_vote is None else action.counter_vote.closes_at


def card(
    language: Language,
    standing: Standing,
    action: Action,
    name: BallotName,
    signs: Mapping[Choice, tuple[str, ...]],
    names: Mapping[str, str],
) -> str:
    """A card in Markdown: what is voted on, how, and where it stands."""
    ballot = action.ballot_named(name)
    if ballot is None:  # the counter-vote went with an amendment
        return outcome(language, standing, action)
    counter = action.counter_vote if name is BallotName.COUNTER_VOTE else None
    rules = action.rules
    threshold = (
        rules.counter_vote.cancels if counter and rules.counter_vote else rules.adopted_early
    )
    bar = bar_of(ballot, action.roll_size, threshold)
    votes = is_open(standing, action, name)
    lines = [_title(language, action, name, names, open=votes)]
    if counter is not None:
        lines += [quoted(counter.reason), ""]
    else:
        lines += [quoted(action.object), ""]  # else the quotation would go on
    if votes:
        if counter is None and action.opening.at > action.proposed_at:
            began = say(
                "Amended: the vote started again on {at}, and what was said before counts no more.",
                at=action.opening.at,
            )
            lines.append(language.say(began))
        said = {one: _says(language, one, counter is not None) for one in Choice}
        lines.append(" · ".join(f"{signs[one][0]} {told}" for one, told in said.items()))
    figures = language.say(_figures(bar, counter is not None))
    if counter is None and action.state is State.OPEN:
        if bar.enough is not None:
            enough = say("{n} of {roll} adopt it at once", n=bar.enough, roll=bar.roll)
            figures += f" — {language.say(enough)}"
        return "\n".join([*lines, f"{drawn(bar)}  {figures}"])
    brief = [language.say(one) for one in in_brief(standing, action)]
    return "\n".join([*lines, f"{drawn(bar)}  {figures}", *brief])


def drawn(bar: Bar) -> str:
    """The tally as a bar: for from the left, against from the right, neutral between."""
    length = min(bar.roll, LONGEST_BAR)
    if not length:
        return ""

    def signs(votes: int) -> int:
        return -(-votes * length // bar.roll) if votes else 0

    left, right = signs(bar.for_), signs(bar.against)
    between = min(signs(bar.abstain), max(0, length - left - right))
    rest = max(0, length - left - right - between)
    return ("▰" * left + "▨" * between + "▱" * rest + "▮" * right)[: max(length, left + right)]


def _title(
    language: Language, action: Action, name: BallotName, names: Mapping[str, str], *, open: bool
) -> str:
    kind = language.name(action.kind)
    leader = names.get(action.leader, "")
    said = [
        say("vote on cancelling: {kind}, led by {name}", kind=kind, name=leader)
        if name is BallotName.COUNTER_VOTE
        else say("{kind}, led by {name}", kind=kind, name=leader)
    ]
    until = closes_at(action, name)
    if open and until is not None:
        said.append(say("until {at}", at=language.with_weekday(until)))
    return " · ".join([f"**{action.ref}**", *map(language.say, said)])


def _says(language: Language, choice: Choice, counter: bool) -> str:
    told: dict[Choice, Sentence] = {
        Choice.FOR: say("cancel it") if counter else say("for"),
        Choice.AGAINST: say("keep it") if counter else say("against"),
        Choice.ABSTAIN: say("neutral"),
    }
    return language.say(told[choice])


def _figures(bar: Bar, counter: bool) -> Sentence:
    figures = {"for_": bar.for_, "against": bar.against, "abstain": bar.abstain}
    if counter:
        return say("{for_} to cancel it · {against} to keep it · {abstain} neutral", **figures)
    return say("{for_} for · {against} against · {abstain} neutral", **figures)


def outcome(language: Language, standing: Standing, action: Action) -> str:
    """What became of an action, and why."""
    how = None if action.decision is None else action.decision.how
    told = explain(standing, action)
    why = [language.say(one) for one in (*told.why, *told.next)]
    return "\n".join([f"**{action.ref}** · {language.outcome(action.state, how)}", *why])


def against(language: Language, action: Action, names: Mapping[str, str], *, can: bool) -> str:
    """What somebody who is against can do beside it; `can` is whether a counter-vote is in it."""
    thanks = say(
        "Thank you for saying so. Talk about {ref} with {name}?",
        ref=action.ref,
        name=names.get(action.leader, ""),
    )
    rules = action.rules.counter_vote
    if rules is None or not can:
        return language.say(thanks)
    counter = say(
        "If no compromise is found, anybody on the roll can call a counter-vote: say to me"
        " “counter-vote {ref}” and the reason. It cancels the action with {threshold}.",
        ref=action.ref,
        threshold=threshold_in_words(rules.cancels, action.roll_size),
    )
    return f"{language.say(thanks)} {language.say(counter)}"
