"""A charter in plain words, and what differs between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .charter import Charter, Kind
from .explanation import rules_in_words
from .journal import EntryKind
from .words import Sentence, say

Told = Callable[[Sentence], str]
"""Says a sentence in some language."""


def origin_in_words(rules: Charter) -> Sentence:
    """The preset that a charter comes from, and whether it differs."""
    if rules.differs:
        return say("It is {name}, with rules of its own.", name=rules.preset)
    return say("It is {name}.", name=rules.preset)


def charter_in_words(rules: Charter) -> Iterator[tuple[Sentence, list[Sentence]]]:
    """A charter in sentences, under titles."""
    yield (
        say("For everybody"),
        [
            say(
                "a member has the right to vote {delay} after joining, or from when an adopted "
                "action gives it",
                delay=rules.voting_right_delay,
            ),
            say(
                "an object may be corrected for {delay}, as long as nobody has voted",
                delay=rules.correction,
            ),
        ],
    )
    yield say("Ordinary actions"), [*rules_in_words(rules.ordinary)]
    yield say("Extraordinary actions"), [*rules_in_words(rules.extraordinary)]
    needs = []
    for kind in Kind:
        entries = [EntryKind(one) for one, needed in rules.needs_action.items() if needed is kind]
        if entries and kind is Kind.ORDINARY:
            needs.append(say("an action, of either kind: {names}", names=_listed(entries)))
        elif entries:
            needs.append(say("an extraordinary action: {names}", names=_listed(entries)))
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


def changed_words(
    before: Charter, after: Charter, told: Told
) -> Iterator[tuple[str, list[str], list[str]]]:
    """What differs between two charters in words: title, sentences that go, sentences that come.

    Under an empty title stands where the charters come from.
    """
    old = {"": [told(origin_in_words(before))], **_said(before, told)}
    new = {"": [told(origin_in_words(after))], **_said(after, told)}
    for title in {**old, **new}:
        gone = [line for line in old.get(title, ()) if line not in new.get(title, ())]
        come = [line for line in new.get(title, ()) if line not in old.get(title, ())]
        if gone or come:
            yield title, gone, come


def _said(rules: Charter, told: Told) -> dict[str, list[str]]:
    return {
        told(title): [told(one) for one in sentences]
        for title, sentences in charter_in_words(rules)
    }
