"""From a scenario file to a chronicle.

Source: "A scenario: history as a file" in the rules; the format is in `docs/scenario.md`, and a
test holds both to the same keys.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, reset_tzpath

from toutdoux.core import history as h
from toutdoux.core.charter import Charter, Kind, read_charter
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.replay import EventRefused, Standing, replay
from toutdoux.core.roll import Member, Membership
from toutdoux.core.words import Refusal, say
from toutdoux.language import problem_of_system

from .errors import ScenarioError
from .fields import Row, plain
from .life import read_entry, read_journal, read_periods, read_reports, read_roles
from .source import LARGEST, Fields, Items, Node, Scalar, parse

# Time zones come from the tzdata package alone, so that a file is judged alike on every machine.
reset_tzpath(())

_TOP = ("association", "charter", "members", "events", "periods", "roles", "journal", "reports")
_REF = re.compile(r"A[OE][1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that was read, and the line of each of its events."""

    file: str
    chronicle: Chronicle
    lines: Sequence[int]
    journal: Sequence[object] = ()
    """The journal's entries as they were written: mappings, lists and texts."""
    reports: Sequence[object] = ()
    """The same of what was written for the reports."""
    sha256: str = ""
    """Of its text: what makes it this file and no other."""

    def judge(self, at: datetime) -> Standing:
        """Say where everything stands at an instant; first check all of it, also what comes after.

        Raises `ScenarioError` for the first event that makes no sense.
        """
        history = self.chronicle.history
        try:
            if history.events and history.events[-1].at > at:
                replay(history)
            return replay(history, at)
        except EventRefused as refused:
            error = ScenarioError.at(self.lines[refused.index], refused.refusal)
            error.file = self.file
            error.zone = self.chronicle.zone
            raise error from None


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file and check what can be checked without judging it.

    Raises `ScenarioError`, which names the file, the line, and what to do.
    """
    try:
        return read_scenario(_read(path), str(path))
    except ScenarioError as error:
        error.file = str(path)
        raise


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size > LARGEST:
                raise _too_large()
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ScenarioError(
            say("this file cannot be read: {problem}", problem=problem_of_system(error)),
            say("check its name and its permissions"),
        ) from None
    if len(data) > LARGEST:
        raise _too_large()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ScenarioError(
            say("this is not text in UTF-8"), say("save the file in UTF-8"), line
        ) from None


def _too_large() -> ScenarioError:
    return ScenarioError(
        say("this file is larger than the {n} MiB of a scenario", n=LARGEST // 1024 // 1024),
        say("split it, or keep its history in a ledger"),
    )


def read_scenario(text: str, file: str = "-") -> Scenario:
    """Read a scenario from its text."""
    root = parse(text)
    if isinstance(root, Scalar | Items):
        raise ScenarioError(
            say("this is not a scenario"),
            say("write association:, members: and events:, as docs/scenario.md shows"),
            root.line,
        )
    top = Row(root, say("a scenario"))
    top.only(_TOP)
    association = top.row("association") if top.has("association") else None
    name, zone, language = _association(association)
    members = _members(top, zone)
    lines: list[int] = []
    events: list[h.Event] = []
    highest = dict.fromkeys(Kind, 0)
    for node in top.nodes("events"):
        event = _event(node, zone, highest)
        if events and event.at < events[-1].at:
            raise ScenarioError(
                say("this event is earlier than the one before it"),
                say("tell the events in order of time"),
                node.line,
            )
        events.append(event)
        lines.append(node.line)
    history = h.History(charter=_charter(top), members=members, events=events)
    _check_references(top, history)
    periods = read_periods(top)
    known = {member.id for member in members}
    chronicle = Chronicle(
        name=name,
        zone=zone,
        language=language,
        history=history,
        periods=periods,
        roles=read_roles(top, known),
        journal=read_journal(top, periods),
        reports=read_reports(top, periods, {member.id: member.name for member in members}),
    )
    return Scenario(
        file=file,
        chronicle=chronicle,
        lines=lines,
        journal=[plain(node) for node in top.nodes("journal")],
        reports=[plain(node) for node in top.nodes("reports")],
        sha256=sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )


# --- the association and its members -------------------------------------------------------------


def _association(row: Row | None) -> tuple[str, tzinfo, str]:
    if row is None:
        return "Association", UTC, "fr"
    row.only(("name", "time_zone", "language"))
    name = row.text_or_none("name") or "Association"
    language = row.text_or_none("language") or "fr"
    if language not in ("fr", "en"):
        raise ScenarioError(
            say("the language cannot be “{text}”", text=language),
            say("use one of {names}", names="fr, en"),
            row.line_of("language"),
        )
    return name, _zone(row), language


def _zone(row: Row) -> tzinfo:
    key = row.text_or_none("time_zone")
    if key is None:
        return UTC
    try:
        return ZoneInfo(key)
    except (OSError, ValueError, KeyError):
        raise ScenarioError(
            say("there is no time zone “{text}”", text=key),
            say("use a name such as Europe/Paris"),
            row.line_of("time_zone"),
        ) from None


def _charter(top: Row) -> Charter:
    if not top.has("charter"):
        return read_charter("tout-doux-cratie")
    return _read_charter(top.fields["charter"])


def read_charter_file(path: Path) -> Charter:
    """Read a charter from a file of its own: what a scenario has under `charter:`.

    Raises `ScenarioError`, which names the file, the line, and what to do.
    """
    try:
        node = parse(_read(path))
        if isinstance(node, Fields) and [*node.fields] == ["charter"]:
            node = node.fields["charter"]  # copied from a scenario together with its key
        return _read_charter(node)
    except ScenarioError as error:
        error.file = str(path)
        raise


def read_entry_file(path: Path) -> dict[str, Any]:
    """Read an entry of a journal from a file of its own: mappings, lists and texts, as written.

    Raises `ScenarioError`, which names the file, the line, and what to do.
    """
    try:
        node = parse(_read(path))
        if isinstance(node, Items) and len(node.items) == 1:
            node = node.items[0]  # copied from a scenario together with its dash
        read_entry(node)
    except ScenarioError as error:
        error.file = str(path)
        raise
    content = plain(node)
    assert isinstance(content, dict)
    return content


def _read_charter(node: Node) -> Charter:
    try:
        return read_charter(plain(node))
    except Refusal as refusal:
        raise ScenarioError.at(_line_of(node, refusal.path), refusal) from None


def _line_of(node: Node, path: Sequence[str]) -> int:
    """The line of what a path of keys leads to, as far as it is there."""
    for key in path:
        if not isinstance(node, Fields):
            break
        below = node.fields.get(key) or (node.empty or {}).get(key)
        if below is None:
            break
        node = below
    return node.line


def _members(top: Row, zone: tzinfo) -> list[Member]:
    members: dict[str, Member] = {}
    for row in top.rows("members", say("a member")):
        row.only(("id", "name", "founder", "joined", "left", "periods"))
        id = row.text("id")
        if id in members:
            raise ScenarioError(
                say("the member “{id}” is there twice", id=id),
                say("give each person one entry, with all their periods"),
                row.line,
            )
        try:
            members[id] = Member(
                id, row.text_or_none("name") or id, _memberships(row, zone), row.truth("founder")
            )
        except Refusal as refusal:
            raise ScenarioError.at(row.line, refusal) from None
    return list(members.values())


def _memberships(row: Row, zone: tzinfo) -> list[Membership]:
    if not row.has("periods"):
        return [Membership(row.instant("joined", zone), row.instant_or_none("left", zone))]
    if row.has("joined") or row.has("left"):
        raise ScenarioError(
            say("a member has either periods or joined and left"),
            say("put all of them under periods:"),
            row.line,
        )
    memberships = []
    for period in row.rows("periods", say("a period")):
        period.only(("joined", "left"))
        memberships.append(
            Membership(period.instant("joined", zone), period.instant_or_none("left", zone))
        )
    if not memberships:
        raise ScenarioError(
            say("a member has no period"), say("add joined:, or take the member out"), row.line
        )
    return memberships


# --- events --------------------------------------------------------------------------------------

_FOLLOW_UPS = {
    "start": h.FollowUp.DOING,
    "done": h.FollowUp.DONE,
    "abandon": h.FollowUp.ABANDONED,
    "stand": h.FollowUp.STANDING,
    "reopen": h.FollowUp.TO_DO,
}
_KEYS: dict[str, tuple[str, ...]] = {
    "vote": ("at", "vote", "by", "choice", "ballot"),
    "withdraw_vote": ("at", "withdraw_vote", "by", "ballot"),
    "propose": (
        "at",
        "propose",
        "number",
        "by",
        "leader",
        "object",
        "link",
        "condition",
        "effects",
    ),
    "counter_vote": ("at", "counter_vote", "by", "reason"),
    "amend": ("at", "amend", "by", "object"),
    "withdraw": ("at", "withdraw", "by"),
    "hand_over": ("at", "hand_over", "by", "to"),
    "grant_voting_right": ("at", "grant_voting_right", "by"),
    "condition_met": ("at", "condition_met", "by", "note"),
    **{word: ("at", word, "by", "note", "links") for word in _FOLLOW_UPS},
}


def _event(node: Node, zone: tzinfo, highest: dict[Kind, int]) -> h.Event:
    """Read one event. `highest` is the highest number of each kind so far, and is kept so."""
    row = Row(node, say("an event"))
    word = _word(row)
    row.where = say("{key}:", key=word)
    row.only(_KEYS[word])
    at = row.instant("at", zone)
    if word == "propose":
        return _proposal(row, at, highest)
    if word == "grant_voting_right":
        return h.RightGranted(at=at, member=row.text(word), by=row.text_or_none("by"))
    ref, by = _ref(row, word), row.text("by")
    match word:
        case "vote":
            choice = row.choice("choice", h.Choice)
            return h.VoteCast(at=at, action=ref, by=by, choice=choice, ballot=_ballot(row))
        case "withdraw_vote":
            return h.VoteWithdrawn(at=at, action=ref, by=by, ballot=_ballot(row))
        case "counter_vote":
            return h.CounterVoteCalled(at=at, action=ref, by=by, reason=row.text("reason"))
        case "amend":
            return h.Amended(at=at, action=ref, by=by, object=row.text("object"))
        case "withdraw":
            return h.Withdrawn(at=at, action=ref, by=by)
        case "hand_over":
            return h.HandedOver(at=at, action=ref, by=by, to=row.text("to"))
    note = row.text_or_none("note") or ""
    if word == "condition_met":
        return h.ConditionMet(at=at, action=ref, by=by, note=note)
    links = tuple(str(link) for link in row.texts("links"))
    return h.FollowedUp(
        at=at, action=ref, by=by, follow_up=_FOLLOW_UPS[word], note=note, links=links
    )


def _word(row: Row) -> str:
    """Which event it is: the one key that says so."""
    words = [key for key in row.fields if key in _KEYS]
    if len(words) == 1:
        return words[0]
    if words:
        raise ScenarioError(
            say("this event says two things: {names}", names=", ".join(words)),
            say("make two events of it"),
            row.line,
        )
    raise ScenarioError(
        say("this event does not say what happened"),
        say("add one of {names}", names=", ".join(_KEYS)),
        row.line,
    )


def _proposal(row: Row, at: datetime, highest: dict[Kind, int]) -> h.Proposed:
    kind = row.choice("propose", Kind)
    number = row.count("number", least=1) if row.has("number") else h.next_number(highest[kind])
    highest[kind] = max(highest[kind], number)
    return h.Proposed(
        at=at,
        kind=kind,
        by=row.text("by"),
        object=row.text("object"),
        number=number,
        leader=row.text_or_none("leader"),
        link=row.text_or_none("link"),
        condition=row.text_or_none("condition"),
        effects=tuple(_effect(effect) for effect in row.rows("effects", say("an effect"))),
    )


def _effect(row: Row) -> h.Effect:
    known = ("grant_voting_right", "amend_charter")
    row.only(known)
    if len(row.fields) != 1:
        raise ScenarioError(
            say("an effect says one thing"),
            say("write one of {names}", names=", ".join(known)),
            row.line,
        )
    if row.has("amend_charter"):
        return h.AmendCharter(_read_charter(row.fields["amend_charter"]))
    return h.GrantVotingRight(row.text("grant_voting_right"))


def _ref(row: Row, key: str) -> str:
    text = row.text(key)
    if _REF.fullmatch(text) is None:
        raise ScenarioError(
            say("“{text}” is not the reference of an action", text=text),
            say("write for instance AO14 (ordinary 14) or AE27 (extraordinary 27)"),
            row.line_of(key),
        )
    return text


def _ballot(row: Row) -> h.BallotName:
    return row.choice("ballot", h.BallotName) if row.has("ballot") else h.BallotName.ACTION


def _check_references(top: Row, history: h.History) -> None:
    """Check that what the journal says it was covered by was proposed at some time."""
    proposed = {
        f"{event.kind.prefix}{event.number}"
        for event in history.events
        if isinstance(event, h.Proposed)
    }
    for row in top.rows("journal", say("a journal entry")):
        for ref in row.texts("actions"):
            if ref not in proposed:
                raise ScenarioError(
                    say("{ref} was never proposed", ref=str(ref)),
                    say("name an action of this file, or none"),
                    ref.line,
                )
