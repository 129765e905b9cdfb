"""A charter in plain words, and what differs between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .action import Action
from .charter import Charter, Kind
from .explanation import named_rules
from .history import AmendCharter
from .journal import EntryKind
from .replay import Standing
from .words import Sentence, say

Told = Callable[[Sentence], str]
"""Says a sentence in some language."""


_PRESETS = {
    "tout-doux-cratie": say("Tout-Doux-Cratie"),
    "lazy-consensus": say("Lazy consensus"),
    "simple-majority": say("Simple majority"),
}


def preset_in_words(preset: str) -> Sentence:
    """What a preset is called."""
    return _PRESETS[preset]


def origin_in_words(rules: Charter) -> Sentence:
    """The preset that a charter comes from, and whether it differs."""
    if rules.differs:
        return say("Model: {name}, with rules of its own.", name=preset_in_words(rules.preset))
    return say("Model: {name}.", name=preset_in_words(rules.preset))


def charter_in_words(rules: Charter) -> Iterator[tuple[Sentence, list[Sentence]]]:
    """A charter in sentences, under titles."""
    for title, named in _charter(rules):
        yield title, list(named.values())


def _charter(rules: Charter) -> Iterator[tuple[Sentence, dict[str, Sentence]]]:
    """Its titles; under each its rules in words, by their keys."""
    yield (
        say("For everybody"),
        {
            "voting_right_delay": say(
                "a member has the right to vote {delay} after joining, or from when an adopted "
                "action gives it",
                delay=rules.voting_right_delay,
            ),
            "correction": say(
                "an object may be corrected for {delay}, as long as nobody has voted",
                delay=rules.correction,
            ),
        },
    )
    yield say("Ordinary actions"), dict(named_rules(rules.ordinary))
    yield say("Extraordinary actions"), dict(named_rules(rules.extraordinary))
    needs: dict[str, Sentence] = {}
    for kind in Kind:
        entries = [EntryKind(one) for one, needed in rules.needs_action.items() if needed is kind]
        if entries and kind is Kind.ORDINARY:
            needs[kind] = say("an action, of either kind: {names}", names=_listed(entries))
        elif entries:
            needs[kind] = say("an extraordinary action: {names}", names=_listed(entries))
    if needs:
        yield say("What needs an action"), needs


def _listed(entries: Sequence[EntryKind]) -> Sentence:
    if len(entries) == 1:
        return say("{name}", name=entries[0])
    return say("{name}, {others}", name=entries[0], others=_listed(entries[1:]))


def changed_rules(before: Charter, after: Charter) -> list[dict[str, object]]:
    """The rules that differ: `{rule, from, to}` each, `rule` being `extraordinary.window`."""
    old, new = dict(_flat(before.source)), dict(_flat(after.source))
    return [
        {"rule": key, "from": old.get(key), "to": new.get(key)}
        for key in [*old, *(key for key in new if key not in old)]
        if old.get(key) != new.get(key)
    ]


def _flat(rules: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """The rules key by key: `extraordinary.counter_vote.window`."""
    for key, value in rules.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def rules_before_and_after(standing: Standing, action: Action) -> tuple[Charter, Charter] | None:
    """The rules that an action replaces, and those it brings; None if it brings none.

    What it replaces are the rules in force until it is decided, and those of that day ever after.
    """
    brought = next((one for one in action.effects if isinstance(one, AmendCharter)), None)
    if brought is None:
        return None
    for before, version in pairwise(standing.charters):
        if version.by_action == action.ref:
            return before.charter, version.charter
    day = action.decision.at if action.decision else standing.at
    return standing.charter_at(day).charter, brought.charter


@dataclass(frozen=True, slots=True)
class Change:
    """What a rule said, and what it says then, in words; empty where there is no such rule."""

    gone: str
    come: str


def changed_words(
    before: Charter, after: Charter, told: Told
) -> Iterator[tuple[str, list[Change]]]:
    """What differs between two charters in words, rule by rule, under titles.

    Under an empty title stands where the charters come from.
    """
    old = {"": {"preset": told(origin_in_words(before))}, **_said(before, told)}
    new = {"": {"preset": told(origin_in_words(after))}, **_said(after, told)}
    for title in {**old, **new}:
        was, is_now = old.get(title, {}), new.get(title, {})
        changes = [
            Change(was.get(rule, ""), is_now.get(rule, ""))
            for rule in {**was, **is_now}
            if was.get(rule) != is_now.get(rule)
        ]
        if changes:
            yield title, changes


def _said(rules: Charter, told: Told) -> dict[str, dict[str, str]]:
    return {
        told(title): {rule: told(one) for rule, one in named.items()}
        for title, named in _charter(rules)
    }
