"""The charter: the rules as data, versioned.

Source: "The charter" in the rules. A charter is read from a preset's name or a mapping that names
a preset and says what differs; `read_charter` checks it and says what is wrong in it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from fractions import Fraction

from .instants import read_duration
from .presets import PRESETS
from .words import Refusal, Sentence, say


class Kind(StrEnum):
    ORDINARY = "ordinary"
    EXTRAORDINARY = "extraordinary"

    @property
    def prefix(self) -> str:
        """`AO` or `AE`, as in `AE27`."""
        return "AO" if self is Kind.ORDINARY else "AE"


class Starts(StrEnum):
    WHEN_PROPOSED = "when proposed"
    WHEN_ADOPTED = "when adopted"


class AtEnd(StrEnum):
    UNOPPOSED = "unopposed"
    PLURALITY = "plurality"


class Base(StrEnum):
    """What a threshold's fraction is taken of."""

    ROLL = "roll"
    EXPRESSED = "expressed"


_ROLL = Base.ROLL  # looked up once: every vote asks for it


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many votes of one side it takes. Exact: integers only, never a float.

    `denominator` is set for "more than F of …" (`strict`) and "at least F of …", where F is
    `numerator`/`denominator`; `votes` for "N votes"; neither for `none`, which nothing reaches.
    """

    numerator: int = 0
    denominator: int | None = None
    strict: bool = False
    base: Base = Base.ROLL
    votes: int | None = None

    @property
    def fraction(self) -> Fraction | None:
        return None if self.denominator is None else Fraction(self.numerator, self.denominator)

    def reached(self, side: int, roll: int, expressed: int) -> bool:
        """Whether `side` votes are enough, of `roll` inscribed and `expressed` votes.

        None is reached without at least one vote of the side it counts.
        """
        if side < 1:
            return False
        if self.denominator is None:
            return self.votes is not None and side >= self.votes
        whole = roll if self.base is _ROLL else expressed
        have, need = side * self.denominator, whole * self.numerator
        return have > need if self.strict else have >= need

    def least(self, roll: int) -> int | None:
        """With fewer votes than this it is not reached, whatever the others vote; None when no
        number reaches it."""
        if self.denominator is None:
            return self.votes
        if self.base is _ROLL:
            need = roll * self.numerator
            return max(
                1, need // self.denominator + 1 if self.strict else -(-need // self.denominator)
            )
        return 1  # the only one who votes may be all that is expressed

    def missing(self, side: int, roll: int, expressed: int) -> int | None:
        """How many more votes of the side reach it, at the least; None when no number does.

        Those who change their vote count before those who have not voted yet: they do not add to
        the votes expressed.
        """
        others = expressed - side
        # One more vote of the side never leads away from it, so it need not be tried one by one.
        possible = range(roll - side + 1)
        found = bisect_left(
            possible,
            True,
            key=lambda more: self.reached(side + more, roll, expressed + max(0, more - others)),
        )
        return found if found < len(possible) else None


@dataclass(frozen=True, slots=True)
class CounterVoteRules:
    window: timedelta
    cancels: Threshold


@dataclass(frozen=True, slots=True)
class KindRules:
    """The rules of one kind of action."""

    starts: Starts
    window: timedelta
    adopted_early: Threshold
    cancelled_early: Threshold
    at_end: AtEnd
    quorum: Threshold | None
    """On the votes expressed, for `plurality`; None asks for none."""
    contest_window: timedelta | None
    counter_vote: CounterVoteRules | None


@dataclass(frozen=True, slots=True)
class Charter:
    """One version of an association's rules."""

    preset: str
    voting_right_delay: timedelta
    correction: timedelta
    ordinary: KindRules
    extraordinary: KindRules
    needs_action: Mapping[str, Kind | None]
    """For each kind of journal entry the kind of action it needs; None needs none."""
    source: Mapping[str, object] = field(compare=False)
    """The rules in the words a charter is written in, complete: what `read_charter` takes."""

    @property
    def differs(self) -> bool:
        """Whether anything differs from the preset."""
        return {key: value for key, value in self.source.items() if key != "preset"} != PRESETS[
            self.preset
        ]

    def rules(self, kind: Kind) -> KindRules:
        return self.ordinary if kind is Kind.ORDINARY else self.extraordinary


# --- reading -------------------------------------------------------------------------------------

NEVER = Threshold()
"""What nothing reaches (`none`)."""

_THRESHOLD = re.compile(
    r"(more than|at least)\s+(\d{1,9})\s*/\s*(\d{1,9})\s+of\s+(roll|expressed)"
    r"|(\d{1,9})\s+votes?"
)


def read_charter(source: object) -> Charter:
    """Read a charter from a preset's name, or a mapping with a `preset` and what differs from it.

    Scalars are text, as they were written. Raises `Refusal` naming the key that is wrong.
    """
    if isinstance(source, str):
        return _build(source, _preset(source))
    if not isinstance(source, Mapping):
        raise Refusal(
            say("a charter is a preset's name or a mapping"),
            say("write for instance tout-doux-cratie"),
        )
    if "preset" not in source:
        raise Refusal(
            say("the charter names no preset"),
            say("add preset: with one of {names}", names=", ".join(PRESETS)),
        )
    name = source["preset"]
    if not isinstance(name, str):
        raise Refusal(
            say("a charter's preset is a name"),
            say("add preset: with one of {names}", names=", ".join(PRESETS)),
        )
    changes = {key: value for key, value in source.items() if key != "preset"}
    return _build(name, _merged(_preset(name), changes, ()))


def unknown_key(key: str, known: Iterable[str], where: str | Sentence) -> Refusal:
    """The refusal of a key nobody knows, with the closest one there is."""
    names = list(known)
    close = get_close_matches(key, names, 1, 0.6)
    remedy = (
        say("did you mean {name}?", name=close[0])
        if close
        else say("known here: {names}", names=", ".join(names))
    )
    return Refusal(say("“{key}” is not a key of {where}", key=key, where=where), remedy)


def _preset(name: str) -> Mapping[str, object]:
    if name not in PRESETS:
        raise Refusal(
            say("there is no preset charter “{name}”", name=name),
            say("use one of {names}", names=", ".join(PRESETS)),
        )
    return PRESETS[name]


_KIND_KEYS = (
    "starts",
    "window",
    "adopted_early",
    "cancelled_early",
    "at_end",
    "quorum",
    "contest_window",
    "counter_vote",
)
_COUNTER_VOTE_KEYS = ("window", "cancels")


def _merged(
    base: Mapping[str, object], changes: Mapping[str, object], path: tuple[str, ...]
) -> dict[str, object]:
    """The base with the changes over it, key by key, mappings merged."""
    merged = dict(base)
    for key, value in changes.items():
        known: Iterable[str] = _KIND_KEYS if path and path[-1] in [*Kind] else base
        if path[-1:] == ("counter_vote",):
            known = _COUNTER_VOTE_KEYS
        if key not in known:
            refusal = unknown_key(key, known, _name("charter", *path))
            refusal.path = (*path, key)
            raise refusal
        if value is None:
            continue  # a key without a value is left out
        below = base.get(key)
        if isinstance(value, Mapping) and (isinstance(below, Mapping) or key == "counter_vote"):
            # A preset without counter-votes has nothing to merge into: all must then be said.
            under = below if isinstance(below, Mapping) else {}
            merged[key] = _merged(under, value, (*path, key))
        elif isinstance(below, Mapping) and key != "counter_vote":
            raise Refusal(
                say("{key} is a mapping", key=_name(*path, key)),
                say("write the keys that differ under it"),
                (*path, key),
            )
        else:
            merged[key] = value
    return merged


def _build(preset: str, source: Mapping[str, object]) -> Charter:
    return Charter(
        preset=preset,
        voting_right_delay=_duration(source, "voting_right_delay"),
        correction=_duration(source, "correction"),
        ordinary=_kind_rules(source, Kind.ORDINARY),
        extraordinary=_kind_rules(source, Kind.EXTRAORDINARY),
        needs_action=_needs_action(source),
        source={"preset": preset, **source},
    )


def _kind_rules(source: Mapping[str, object], kind: Kind) -> KindRules:
    rules = source[kind]
    assert isinstance(rules, Mapping)
    at_end = AtEnd(_choice(rules, "at_end", [*AtEnd], kind))
    if at_end is AtEnd.PLURALITY and "quorum" not in rules:
        raise Refusal(
            say("{key} is plurality, which needs a quorum", key=_name(kind, "at_end")),
            say("add quorum: with for instance at least 1/3 of roll, or none"),
            (kind, "at_end"),
        )
    none = rules["contest_window"] == "none"
    return KindRules(
        starts=Starts(_choice(rules, "starts", [*Starts], kind)),
        window=_duration(rules, "window", kind),
        adopted_early=_threshold(rules, "adopted_early", kind),
        cancelled_early=_threshold(rules, "cancelled_early", kind),
        at_end=at_end,
        quorum=_quorum(rules, kind),
        contest_window=None if none else _duration(rules, "contest_window", kind),
        counter_vote=_counter_vote(rules, kind),
    )


def _quorum(rules: Mapping[str, object], kind: Kind) -> Threshold | None:
    quorum = _threshold(rules, "quorum", kind) if "quorum" in rules else NEVER
    return None if quorum == NEVER else quorum


def _counter_vote(rules: Mapping[str, object], kind: Kind) -> CounterVoteRules | None:
    source = rules["counter_vote"]
    if source == "none":
        return None
    if not isinstance(source, Mapping):
        raise Refusal(
            say("{key} is neither a mapping nor none", key=_name(kind, "counter_vote")),
            say("write for instance {example}", example=_COUNTER_VOTE_EXAMPLE),
            (kind, "counter_vote"),
        )
    for key in _COUNTER_VOTE_KEYS:
        if key not in source:
            raise Refusal(
                say("{key} is missing", key=_name(kind, "counter_vote", key)),
                say("write for instance {example}", example=_COUNTER_VOTE_EXAMPLE),
                (kind, "counter_vote"),
            )
    return CounterVoteRules(
        window=_duration(source, "window", kind, "counter_vote"),
        cancels=_threshold(source, "cancels", kind, "counter_vote"),
    )


_COUNTER_VOTE_EXAMPLE = "{window: 7 days, cancels: at least 1/2 of roll}"


def _needs_action(source: Mapping[str, object]) -> Mapping[str, Kind | None]:
    needs = source["needs_action"]
    assert isinstance(needs, Mapping)
    read: dict[str, Kind | None] = {}
    for entry in needs:
        needed = _choice(needs, entry, [*Kind, "none"], "needs_action")
        read[entry] = None if needed == "none" else Kind(needed)
    return read


def _name(*path: str) -> str:
    return ".".join(path)


def _text(source: Mapping[str, object], key: str, path: tuple[str, ...]) -> str:
    value = source[key]
    if not isinstance(value, str):
        raise Refusal(
            say("{key} is not a single value", key=_name(*path, key)),
            say("write one value on the line of {key}", key=key),
            (*path, key),
        )
    return " ".join(value.split())


def _choice(source: Mapping[str, object], key: str, known: Sequence[str], *path: str) -> str:
    text = _text(source, key, path)
    if text not in known:
        raise Refusal(
            say("{key} cannot be “{text}”", key=_name(*path, key), text=text),
            say("use one of {names}", names=", ".join(known)),
            (*path, key),
        )
    return text


def _duration(source: Mapping[str, object], key: str, *path: str) -> timedelta:
    text = _text(source, key, path)
    try:
        return read_duration(text)
    except Refusal as refusal:
        why = say("{key}: {why}", key=_name(*path, key), why=refusal.why)
        raise Refusal(why, refusal.remedy, (*path, key)) from None


def _threshold(source: Mapping[str, object], key: str, *path: str) -> Threshold:
    text = _text(source, key, path)
    threshold = _read_threshold(text)
    if threshold is None:
        raise Refusal(
            say("{key} cannot be “{text}”", key=_name(*path, key), text=text),
            say("write none, more than 1/2 of roll, at least 2/3 of expressed, or 3 votes"),
            (*path, key),
        )
    return threshold


def _read_threshold(text: str) -> Threshold | None:
    """Read a threshold; None when it is none that a vote could ever make sense of."""
    if text == "none":
        return NEVER
    match = _THRESHOLD.fullmatch(text)
    if match is None:
        return None
    relation, numerator, denominator, base, votes = match.groups()
    if votes is not None:
        return Threshold(votes=int(votes)) if int(votes) > 0 else None
    if int(denominator) == 0 or int(numerator) > int(denominator):
        return None
    return Threshold(
        numerator=int(numerator),
        denominator=int(denominator),
        strict=relation == "more than",
        base=Base(base),
    )
