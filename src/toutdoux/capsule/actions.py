"""What the association votes on and decided: actions, open or not, and decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from toutdoux.actions import models, reading, searching
from toutdoux.core.action import Action
from toutdoux.core.charter import Kind
from toutdoux.core.charter_in_words import Change, changed_words, rules_before_and_after
from toutdoux.core.entries import ImportedAction
from toutdoux.core.explanation import explain
from toutdoux.core.history import BallotName, Tally
from toutdoux.core.replay import Standing
from toutdoux.core.words import Sentence, say, say_n
from toutdoux.web.cards import Card, Poll, card
from toutdoux.web.views.public import LATEST, news_of

from .desk import Desk, Written
from .protocol import Response

AT_ONCE = 100
"""Links on a page."""


def standing(desk: Desk, refs: Sequence[str]) -> Standing:
    """Where some actions stand, as everybody may read them."""
    visit = desk.visit
    ledger = visit.association.ledger
    found = reading.standing(visit.id, visit.now, desk.erased, only=refs, ledger=ledger)
    for one in found.actions.values():
        desk.public(one)
    return found


def list_open(desk: Desk, written: Written, most: int) -> int:
    """Link to the open actions, the soonest end first. Returns how many there are."""
    refs = searching.open_refs(desk.visit.id, desk.visit.now, decided=False)
    found = standing(desk, refs[:most]).actions.values()
    for one in sorted(found, key=lambda one: one.closes_at):
        until = say("until {at}", at=one.next_end)
        label = f"{one.ref} · {desk.title(one.object)} ({desk.language.say(until)})"
        written.link(desk.path("actions", one.ref), label)
    if not refs:
        written.text(desk.tell(say("Nothing is open to a vote just now.")))
    return len(refs)


def actions(desk: Desk) -> Response:
    """The actions that are open now."""
    written = Written()
    written.heading(1, desk.tell(say("Open actions")))
    count = list_open(desk, written, AT_ONCE)
    if count > AT_ONCE:
        more = say_n("{n} more is open.", "{n} more are open.", count - AT_ONCE)
        written.blank().text(desk.tell(more))
    return desk.page(written, (desk.path("decisions"), say("Decisions")))


def action(desk: Desk, ref: str) -> Response:
    """An action with its tallies, and why it is in its state."""
    found = standing(desk, [ref])
    one = found.actions.get(ref)
    if one is None:
        return _imported(desk, ref)
    written = Written()
    write_action(desk, written, found, one)
    return desk.page(
        written,
        (desk.path("actions"), say("Open actions")),
        (desk.path("decisions"), say("Decisions")),
    )


def write_action(
    desk: Desk, written: Written, found: Standing, one: Action, *, names: bool = False
) -> None:
    """What an action is, its tallies, and why it is in its state; `names` names members there."""
    _head(desk, written, one)
    written.text(desk.tell(say("{state}", state=one.state))).blank()
    written.blocks(desk.markdown(one.object))
    if one.condition:
        condition = say("On condition: {condition}", condition=desk.title(one.condition))
        met = (
            say("(met on {at})", at=one.condition_met_at)
            if one.condition_met_at
            else say("(not met so far)")
        )
        written.blank().text(f"{desk.tell(condition)} {desk.language.say(met)}")
    _write_changes(desk, written, found, one)
    _write_polls(desk, written, card(found, one, "", {}))
    told = explain(found, one, names=names)
    written.heading(2, desk.tell(say("Why is it in this state?")))
    for sentence in told.why:
        written.text(desk.shown(desk.tell(sentence))).blank()
    if told.next:
        written.heading(3, desk.tell(say("What can come next")))
        written.items(desk.shown(desk.tell(sentence)) for sentence in told.next)


def _head(desk: Desk, written: Written, one: Action | ImportedAction) -> None:
    kind = (
        say("Ordinary action {n}", n=one.number)
        if one.kind is Kind.ORDINARY
        else say("Extraordinary action {n}", n=one.number)
    )
    written.heading(1, f"{one.ref} · {desk.tell(kind)}")


def _write_changes(desk: Desk, written: Written, found: Standing, one: Action) -> None:
    """What it changes in the rules."""
    rules = rules_before_and_after(found, one)
    if rules is None:
        return
    written.heading(2, desk.tell(say("What it changes in the rules")))
    write_changes(desk, written, changed_words(*rules, desk.tell))


def write_changes(
    desk: Desk, written: Written, changes: Iterable[tuple[str, list[Change]]]
) -> None:
    """What differs between two charters, as `changed_words` tells it."""
    for title, rules in changes:
        if title:
            written.heading(3, title)
        for rule in rules:
            told = [
                (say("until then: {rule}", rule=rule.gone), rule.gone),
                (say("from then on: {rule}", rule=rule.come), rule.come),
            ]
            written.items(desk.tell(sentence) for sentence, text in told if text)


def _write_polls(desk: Desk, written: Written, shown: Card) -> None:
    for poll in reversed(shown.polls):
        counter = poll.name is BallotName.COUNTER_VOTE
        title = say("Votes on cancelling it") if counter else say("Votes")
        written.heading(2, desk.tell(title)).text(_figures(desk, poll))
        bar = poll.bar
        if poll.decides and bar.enough is not None:
            enough = (
                say("{n} of {roll} cancel it", n=bar.enough, roll=bar.roll)
                if counter
                else say("{n} of {roll} adopt it at once", n=bar.enough, roll=bar.roll)
            )
            written.text(desk.tell(enough))
        elif poll.then:
            then = ", ".join(map(desk.language.say, _expressed(poll.then, poll.name)))
            written.text(desk.tell(say("when it was decided: {figures}", figures=then)))
        taken = (
            say("Votes are taken until {at}.", at=poll.closes_at)
            if poll.open
            else say("Votes were taken until {at}.", at=poll.closes_at)
        )
        written.text(desk.tell(taken))


def _expressed(tally: Tally, ballot: BallotName) -> list[Sentence]:
    if ballot is BallotName.COUNTER_VOTE:
        told = [
            say_n("{n} to cancel it", "{n} to cancel it", tally.for_),
            say_n("{n} to keep it", "{n} to keep it", tally.against),
        ]
    else:
        told = [
            say_n("{n} for", "{n} for", tally.for_),
            say_n("{n} against", "{n} against", tally.against),
        ]
    return [*told, say_n("{n} neutral", "{n} neutral", tally.abstain)]


def _figures(desk: Desk, poll: Poll) -> str:
    missing = poll.bar.missing
    rest = (
        say_n("{n} to come", "{n} to come", missing)
        if poll.open
        else say_n("{n} without a vote", "{n} without a vote", missing)
    )
    told = (*_expressed(poll.ballot.tally, poll.name), rest)
    return " · ".join(map(desk.language.say, told))


def _imported(desk: Desk, ref: str) -> Response:
    """An action that was voted on by hand."""
    one = reading.imported(desk.visit.id, ref, desk.erased).get(ref)
    if one is None:
        return desk.nothing(say("There is no action of this reference."))
    written, course = Written(), one.course
    _head(desk, written, one)
    by_hand = say("voted on by hand in the chat")
    if course is None:
        written.text(desk.tell(say("from a table that was kept by hand")))
    else:
        written.text(
            f"{desk.tell(say('{state}', state=course.state))} · {desk.language.say(by_hand)}"
        )
    written.blank()
    written.blocks(desk.markdown(desk.shown(one.object)))
    written.blank()
    if course is None:
        told = [f"{desk.tell(say('Date'))} — {desk.language.day(one.date)}"]
    else:
        decided = f"{desk.language.instant(course.decided_at)}, {desk.language.name(course.how)}"
        told = [
            f"{desk.tell(say('Proposed'))} — {desk.language.instant(course.proposed_at)}",
            f"{desk.tell(say('Decided'))} — {decided}",
        ]
    told += [
        f"{desk.tell(say('For'))} — {one.for_}/{one.expressed}",
        f"{desk.tell(say('Against'))} — {one.against}/{one.expressed}",
    ]
    written.items(told)
    return desk.page(written, (desk.path("actions"), say("Open actions")))


# --- decisions -----------------------------------------------------------------------------------


def _decided(desk: Desk, most: int) -> list[Action]:
    """The latest that were decided, the newest first."""
    rows = models.Action.objects.filter(association=desk.visit.id, decided_at__isnull=False)
    refs = list(rows.order_by("-decided_at").values_list("ref", flat=True)[:most])
    found = standing(desk, refs).actions
    return [one for ref in refs if (one := found.get(ref)) and one.decision]


def decisions(desk: Desk) -> Response:
    """What was decided, to be subscribed to."""
    written = Written()
    written.heading(1, f"{desk.visit.association.name} · {desk.tell(say('Decisions'))}")
    for one in _decided(desk, AT_ONCE):
        if one.decision:
            day = one.decision.at.astimezone(desk.language.zone).date()
            outcome = desk.language.outcome(one.state, one.decision.how)
            label = f"{one.ref}, {outcome} · {desk.title(one.object)}"
            written.entry(desk.path("actions", one.ref), day, label)
    return desk.page(
        written, (desk.path("decisions.atom"), say("These decisions as a feed (Atom)"))
    )


def decisions_feed(desk: Desk) -> Response:
    told = [
        news_of(desk.visit.id, desk.language, one, desk.url("actions", one.ref))[-1]
        for one in _decided(desk, LATEST)
    ]
    return desk.atom("decisions", say("Decisions"), told)
