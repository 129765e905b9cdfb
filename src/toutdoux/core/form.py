"""The form of entries: which keys each has, and what stands under them.

It is what `docs/ledger.md` says ("An entry", "The kinds of entries"), key by key. Nobody looks at a
key that is too many, and so it could hold what a ledger must never hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .chain import Body, Broken, Checked, canonical
from .words import say

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_GREATEST = 2**53 - 1
"""What JSON can write without doubt (RFC 8785)."""

Keys = Mapping[str, tuple[type, bool]]
"""What stands under each key, and whether it must be there."""

_TYPES = {"": str, "#": int, "[]": list, "{}": dict}


def _keys(told: str) -> Keys:
    """Read keys from a line: `#` is an integer, `[]` a list, `{}` an object, all else a string; a
    `?` marks what may be left out."""
    read = {}
    for word in told.split():
        key = word.rstrip("?#[]{}")
        read[key] = _TYPES[word.removeprefix(key).removesuffix("?")], not word.endswith("?")
    return read


_ENTRY = _keys("at by? data{} kind operator? prev recorded_at seq# via")

_DECISION = (
    "action how roll# for# against# abstain# counter_for#? counter_against#? counter_abstain#?"
    " contested#? unread#? charter#? charter_by? charter_since?"
)
_DATA = {
    "association.founded": "format# association time_zone language charter{}",
    "association.changed": "time_zone? language?",
    "settings.changed": "switches{}?",
    "member.joined": "member founder#?",
    "member.returned": "member",
    "member.left": "member",
    "member.renamed": "member",
    "member.invited": "member",
    "account.claimed": "member",
    "account.closed": "member",
    "role.given": "role member first last?",
    "role.ended": "role last",
    "period.added": "period first last",
    "period.changed": "period first last",
    "period.removed": "period",
    "action.proposed": "action leader? effects[]?",
    "vote.cast": "action ballot choice",
    "vote.withdrawn": "action ballot",
    "counter_vote.called": "action",
    "action.amended": "action",
    "action.withdrawn": "action",
    "action.handed_over": "action to",
    "condition.met": "action",
    "action.followed_up": "action follow_up",
    "right.granted": "member",
    "action.adopted": _DECISION,
    "action.cancelled": _DECISION,
    "action.imported": (
        "action date for# against# expressed# leader? proposed_at? state? how? decided_at? votes[]?"
    ),
    "journal.added": "entry number#",
    "journal.changed": "entry",
    "journal.removed": "entry",
    "report.worded": "",
    "report.published": "files{}",
    "texts.erased": "commitments[] member?",
}
_VOTE = _keys("by choice at")
"""What a vote says among those of an imported action."""
_TEXTS = {
    "association.founded": "name slug",
    "association.changed": "name?",
    "settings.changed": "publisher? contact? host?",
    "member.joined": "name handle email?",
    "member.renamed": "name? handle? email?",
    "role.given": "role",
    "period.added": "name",
    "action.proposed": "object link? condition?",
    "counter_vote.called": "reason",
    "action.amended": "object",
    "condition.met": "note?",
    "action.followed_up": "note? links?",
    "action.imported": "object leader? link?",
    "journal.added": "content",
    "journal.changed": "content",
    "report.worded": "period content",
    "report.published": "period",
}
DATA: Mapping[str, Keys] = {kind: _keys(told) for kind, told in _DATA.items()}
"""The keys of an entry's `data`, by its kind; but for `texts`."""
TEXTS: Mapping[str, Keys] = {kind: _keys(told) for kind, told in _TEXTS.items()}
"""The keys of `data.texts`, by kind."""


def well_formed(entry: Body, body: bytes) -> bool:
    """Whether an entry is written as it must be, to the byte, and says nothing beside what its kind
    says. A kind that is not known here is left to whoever reads it."""
    try:
        return (
            canonical(entry) == body
            and _has(entry, _ENTRY)
            and _INSTANT.fullmatch(entry["at"]) is not None
            and _INSTANT.fullmatch(entry["recorded_at"]) is not None
            and _says(entry["kind"], entry["data"])
        )
    except (TypeError, ValueError):  # what can't be written, and so never was
        return False


def _says(kind: str, data: Mapping[str, Any]) -> bool:
    if kind not in DATA:
        return _plain(data)
    if "texts" in data:
        texts, data = data["texts"], {key: data[key] for key in data if key != "texts"}
        if not texts:
            return False  # what is not there is left out
    else:
        texts = {}
    return (
        _has(texts, TEXTS.get(kind, {}))
        and _has(data, DATA[kind])
        and _plain(data)
        and all(len(effect) == 1 for effect in data.get("effects", ()))
        and all(_has(vote, _VOTE) for vote in data.get("votes", ()))
    )


def _has(value: Mapping[str, Any], keys: Keys) -> bool:
    """Whether an object has its keys, and no other."""
    there = 0
    for key, (what, needed) in keys.items():
        if key in value:
            there += 1
            if type(value[key]) is not what:
                return False
        elif needed:
            return False
    return there == len(value)


def _plain(value: object) -> bool:
    """Whether there are only strings, integers, lists and objects whose keys are ASCII."""
    match value:
        case str():
            return True
        case bool():
            return False
        case int():
            return -_GREATEST <= value <= _GREATEST
        case list():
            return all(map(_plain, value))
        case dict():
            return all(key.isascii() and _plain(under) for key, under in value.items())
    return False


class WellFormed(Checked):
    """A chain of which the form of every entry is checked as well."""

    def __iter__(self) -> Iterator[Body]:
        for entry in super().__iter__():
            if not well_formed(entry, self.row[1]):
                raise Broken(entry["seq"], say("it is no entry of this format"))
            yield entry
