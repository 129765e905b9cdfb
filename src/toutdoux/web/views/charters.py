"""The charter: the rules in force, their versions, and proposing others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path

from toutdoux.actions import commands
from toutdoux.association import charters
from toutdoux.core.charter import AtEnd, Charter, Kind, Starts, read_charter
from toutdoux.core.charter_in_words import (
    Change,
    changed_rules,
    changed_words,
    charter_in_words,
    origin_in_words,
    preset_in_words,
)
from toutdoux.core.history import AmendCharter, CharterVersion
from toutdoux.core.journal import EntryKind
from toutdoux.core.presets import PRESETS
from toutdoux.core.words import Refusal, Sentence, say

from ..door import Visit, page
from ..forms import Form

LONGEST_OBJECT = 20_000


# --- looking -------------------------------------------------------------------------------------


@page(public="charter")
def charter(visit: Visit) -> HttpResponse:
    """The rules in force in plain words, or those of another version; what changed between two."""
    visit.settle()
    asked = visit.request.GET
    versions = charters.versions(visit.id, visit.now)
    current = versions[-1]
    shown = _numbered(versions, asked.get("version", str(current.number)))
    compared = None
    if asked.get("old") and asked.get("new"):
        old, new = (_numbered(versions, asked[name]) for name in ("old", "new"))
        compared = (old, new, _changes(visit, old.charter, new.charter))
    return visit.render(
        "charter.html",
        shown=shown,
        current=current,
        versions=versions[::-1],
        compared=compared,
        origin=origin_in_words(shown.charter),
        parts_of=list(charter_in_words(shown.charter)),
        links=visit.member is not None or visit.settings.public_actions,
    )


def _numbered(versions: list[CharterVersion], text: str) -> CharterVersion:
    found = next((one for one in versions if str(one.number) == text), None)
    if found is None:
        raise Http404
    return found


def _changes(visit: Visit, before: Charter, after: Charter) -> list[tuple[str, list[Change]]]:
    """What differs, rule by rule, under titles."""
    return list(changed_words(before, after, visit.language.say))


# --- proposing -----------------------------------------------------------------------------------


@page
def propose(visit: Visit) -> HttpResponse:
    """Choose rules, see what they change, and propose them as an extraordinary action."""
    here = charters.in_force(visit.id, visit.now).charter
    asked = visit.request.GET.get("preset", "")
    if visit.request.method != "POST":
        base = read_charter(asked) if asked in PRESETS else here
        return _propose_page(visit, here, base, Form(fields_of(base)))
    form = Form(visit.request.POST)
    base = read_charter(form["preset"]) if form["preset"] in PRESETS else here
    rules = _checked(form, _Typed(form, base, here).rules())
    if rules is not None and not changed_rules(here, rules):
        form.problem = Refusal(
            say("these are the rules that are in force"),
            say("change a figure, or begin with another preset"),
        )
    if form["do"] == "propose" and rules is not None:
        if not form["object"].strip():
            form.problems["object"] = say("write in what the change is for")
        with form.beside("object"):
            commands.short(form["object"], say("the object"), LONGEST_OBJECT)
        if form.sound:
            with form.taking(visit.id):
                ref = commands.propose(
                    visit.asks(),
                    Kind.EXTRAORDINARY,
                    form["object"].replace("\r\n", "\n").strip(),
                    by=visit.me,
                    effects=[AmendCharter(rules)],
                )
                said = say("{ref} is proposed: the rules change once it is adopted", ref=ref)
                return visit.to("action", said, ref=ref)
    return _propose_page(visit, here, base, form, rules)


def _propose_page(
    visit: Visit, here: Charter, base: Charter, form: Form, rules: Charter | None = None
) -> HttpResponse:
    # What a preset alone would change is shown before anything is typed.
    rules = base if rules is None and form.sound else rules
    return visit.render(
        "charter_propose.html",
        form.status,
        form=form,
        presets=[(name, preset_in_words(name)) for name in PRESETS],
        asked=visit.request.GET.get("preset", ""),
        here=here,
        base=base,
        kinds=[*Kind],
        entries=[EntryKind(one) for one in here.needs_action],
        changes=_changes(visit, here, rules) if rules else [],
        readable=rules is not None,
        previewed=visit.request.method == "POST",
        window=here.extraordinary.window,
        open=_to_open(form, fields_of(here)),
    )


def _to_open(form: Form, here: Mapping[str, object]) -> set[str]:
    """The parts of the form that are not folded: where something changes, or is to be corrected."""
    touched = [name for name, value in here.items() if form[name] != value]
    return {
        name.partition(".")[0] if "." in name and name.partition(".")[0] in _PARTS else "everybody"
        for name in (*touched, *form.problems)
        if name not in ("preset", "object")
    }


_PARTS = (*(kind.value for kind in Kind), "needs_action")
"""What has a part of the form of its own."""


# A rule as the form has it: a number or a fraction, and what it is of.
_UNITS = ("minutes", "hours", "days", "weeks")
_DURATION = re.compile(r"(\d+)\s+(minute|hour|day|week)s?")
_SHARES = {
    "more than {} of roll": "more_roll",
    "at least {} of roll": "least_roll",
    "more than {} of expressed": "more_expressed",
    "at least {} of expressed": "least_expressed",
    "{} votes": "votes",
}
_WRITTEN = {name: text for text, name in _SHARES.items()}
_DURATIONS = ("voting_right_delay", "correction", "window", "contest_window")
_THRESHOLDS = ("adopted_early", "cancelled_early", "quorum")


def fields_of(rules: Charter) -> dict[str, object]:
    """A charter's rules, field by field as the form has them."""
    source = rules.source
    typed: dict[str, object] = {"preset": rules.preset}
    for name in ("voting_right_delay", "correction"):
        typed |= _duration_fields(name, _of(source, name))
    for kind in Kind:
        for name in ("starts", "at_end"):
            typed[f"{kind}.{name}"] = _of(source, kind, name)
        for name in ("window", "contest_window"):
            typed |= _duration_fields(f"{kind}.{name}", _of(source, kind, name))
        for name in _THRESHOLDS:
            typed |= _threshold_fields(f"{kind}.{name}", _of(source, kind, name))
        counter = _of(source, kind, "counter_vote")
        typed[f"{kind}.counter_vote"] = "none" if isinstance(counter, str) else "called"
        typed |= _duration_fields(
            f"{kind}.counter_vote.window", _of(source, kind, "counter_vote", "window")
        )
        typed |= _threshold_fields(
            f"{kind}.counter_vote.cancels", _of(source, kind, "counter_vote", "cancels")
        )
    for entry in EntryKind:
        typed[f"needs_action.{entry}"] = _of(source, "needs_action", entry)
    return typed


def _of(source: Mapping[str, Any], *path: str) -> Any:
    """A value of a charter's source; `none` where there is none."""
    value: Any = source
    for key in path:
        value = value.get(key, "none") if isinstance(value, Mapping) else "none"
    return value


def _duration_fields(name: str, text: str) -> dict[str, object]:
    found = _DURATION.fullmatch(text)
    if found is None:
        return {f"{name}.n": "", f"{name}.unit": "days"}
    return {f"{name}.n": found[1], f"{name}.unit": f"{found[2]}s"}


def _threshold_fields(name: str, text: str) -> dict[str, object]:
    text = re.sub(r"\bvote$", "votes", " ".join(text.split()))
    for pattern, how in _SHARES.items():
        before, _, after = map(re.escape, pattern.partition("{}"))
        found = re.fullmatch(rf"{before}([\d/ ]+){after}", text)
        if found is not None:
            return {f"{name}.how": how, f"{name}.n": found[1].strip()}
    return {f"{name}.how": "none", f"{name}.n": ""}


class _Typed:
    """The rules that a form says, in the words of charter files.

    What was not touched stays in the very words it was written in.
    """

    def __init__(self, form: Form, base: Charter, here: Charter) -> None:
        self.form = form
        self.base = base
        self.known = [(one.source, fields_of(one)) for one in (here, base)]

    def _told(self, path: tuple[str, ...], text: str, *names: str) -> str:
        for source, fields in self.known:
            before = _of(source, *path)
            if isinstance(before, str) and all(self.form[name] == fields[name] for name in names):
                return before
        return text

    def _duration(self, *path: str) -> str:
        name = ".".join(path)
        figure = self.form[f"{name}.n"].strip()
        text = f"{figure} {self.form[f'{name}.unit']}"
        if path[-1] == "contest_window" and not figure:
            text = "none"
        return self._told(path, text, f"{name}.n", f"{name}.unit")

    def _threshold(self, *path: str) -> str:
        name = ".".join(path)
        number = "".join(self.form[f"{name}.n"].split())
        text = _WRITTEN.get(self.form[f"{name}.how"], "none").format(number)
        return self._told(path, text, f"{name}.how", f"{name}.n")

    def rules(self) -> dict[str, Any]:
        return {
            "preset": self.base.preset,
            "voting_right_delay": self._duration("voting_right_delay"),
            "correction": self._duration("correction"),
            "needs_action": {
                one.value: self.form[f"needs_action.{one}"]
                or _of(self.base.source, "needs_action", one)
                for one in EntryKind
            },
            **{kind.value: self._of_kind(kind) for kind in Kind},
        }

    def _of_kind(self, kind: Kind) -> dict[str, Any]:
        told: dict[str, Any] = {
            "starts": self.form[f"{kind}.starts"],
            "window": self._duration(kind, "window"),
            "adopted_early": self._threshold(kind, "adopted_early"),
            "cancelled_early": self._threshold(kind, "cancelled_early"),
            "at_end": self.form[f"{kind}.at_end"],
            "contest_window": self._duration(kind, "contest_window"),
            "counter_vote": "none",
        }
        if told["at_end"] == AtEnd.PLURALITY:
            told["quorum"] = self._threshold(kind, "quorum")
        if self.form[f"{kind}.counter_vote"] != "none":
            told["counter_vote"] = {
                "window": self._duration(kind, "counter_vote", "window"),
                "cancels": self._threshold(kind, "counter_vote", "cancels"),
            }
        return told


def _checked(form: Form, rules: dict[str, Any]) -> Charter | None:
    """The charter of these rules; all that is wrong in them is said, each beside its field."""
    read = None
    while read is None:
        try:
            read = read_charter(rules)
        except Refusal as refusal:
            name = ".".join(refusal.path)
            if not name or name in form.problems:
                form.problem = refusal
                return None
            form.problems[name] = _wrong(form, name)
            _mend(rules, refusal.path)
    return read if form.sound else None


def _wrong(form: Form, name: str) -> Sentence:
    """What to write in a field that cannot be read: the form knows no keys, and no words of files.

    Args:
        form: what was typed.
        name: of the rule.
    """
    how, figure = form[f"{name}.how"], " ".join(form[f"{name}.n"].split())
    rule = name.rpartition(".")[2]
    if rule in _DURATIONS and figure.isascii() and figure.isdigit() and int(figure[:9]) > 0:
        return say("that is over a century: write a smaller number")
    if rule in _DURATIONS:
        return say("write a number greater than zero, for instance 7")
    if how == "votes":
        return say("write a number of votes greater than zero, for instance 3")
    if how in _WRITTEN and not figure:
        return say("write a fraction, for instance 2/3")
    if how in _WRITTEN and re.fullmatch(r"\d+ ?/ ?\d+", figure):
        return say("“{text}” is no part of the whole: write for instance 2/3", text=figure)
    if how in _WRITTEN:
        return say("“{text}” is no fraction: write for instance 2/3", text=figure)
    return say("choose one of those listed")


def _mend(rules: dict[str, Any], path: Sequence[str]) -> None:
    """Put something sound in a place that is wrong, so that the rest can be read."""
    *above, name = path
    place = rules
    for key in above:
        place = place[key]
    if name in ("starts", "at_end"):
        place[name] = Starts.WHEN_ADOPTED.value if name == "starts" else AtEnd.UNOPPOSED.value
    else:
        place[name] = "7 days" if name in _DURATIONS else "none"


urls = [
    path("charter", charter, name="charter"),
    path("charter/propose", propose, name="charter_propose"),
]
