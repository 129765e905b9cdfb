"""Playing a scenario into an association's ledger: one command, one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from toutdoux.association import people
from toutdoux.association.models import Association, Member, Period
from toutdoux.core import history as h
from toutdoux.core.chain import canonical
from toutdoux.core.charter import Charter
from toutdoux.core.entries import Draft, draft
from toutdoux.core.words import Refusal, say
from toutdoux.journal.models import JournalEntry
from toutdoux.ledger import book
from toutdoux.ledger.book import Writer
from toutdoux.scenario import Scenario, ScenarioError

from . import commands, models, stage

VIA = "import"
Progress = Callable[[int, int], None]
"""Told how many of how many events are written."""


@dataclass(frozen=True, slots=True)
class Imported:
    association: str
    """The association's id."""
    new: bool
    """False where this very file is there already, and nothing changed."""


def import_scenario(
    scenario: Scenario,
    slug: str | None = None,
    *,
    now: datetime,
    operator: str | None = None,
    progress: Progress = lambda done, whole: None,
) -> Imported:
    """Play a scenario into an association's ledger, as what was told after the fact.

    Its events count when they happened, and are recorded now; so are the decisions.

    Args:
        scenario: what was read.
        slug: the association's short name. If there is none of that name, it is founded, as the
            scenario tells; so if there is no association at all. None where there is one at most.
        now: the present instant, in UTC.
        operator: who sits at the command line.
        progress: told from time to time how far it is.

    Raises:
        ScenarioError: the scenario makes no sense, or tells of what is still to come.
        Refusal: the association has a history of its own, or other rules.
    """
    _check(scenario, now)
    commands.check_operator(operator)
    with transaction.atomic():
        association = _association(slug)
        if association is None:
            id = _found(scenario, slug, now, operator)
        else:
            id = association.pk
        with book.writing(id, now=now, via=VIA, operator=operator) as writer:
            # Nobody else writes from here on: what is there now is what there is.
            if association is not None:
                if book.answer_to(id, _key(scenario)) is not None:
                    return Imported(id, new=False)
                _check_empty(association, scenario.chronicle.history.charter)
            _Import(writer, scenario).write(progress)
            book.remember(id, _key(scenario), "")
    return Imported(id, new=True)


def _key(scenario: Scenario) -> str:
    return f"scenario:{scenario.sha256}"


def _check(scenario: Scenario, now: datetime) -> None:
    """Refuse a history that makes no sense, or that is not over."""
    events = scenario.chronicle.history.events
    for event, line in zip(events, scenario.lines, strict=True):
        if event.at > now:
            error = ScenarioError(
                say("{at} is still to come", at=event.at),
                say("tell it when it has happened"),
                line,
            )
            error.file, error.zone = scenario.file, scenario.chronicle.zone
            raise error
    scenario.judge(now)


def _association(slug: str | None) -> Association | None:
    """The association to play into; None if it is to be founded."""
    if slug is not None:
        return Association.objects.filter(slug=slug).first()
    known = list(Association.objects.order_by("slug"))
    if len(known) > 1:
        names = ", ".join(one.slug for one in known)
        raise Refusal(
            say("there are several associations here"),
            say("say which with --association: {names}", names=names),
        )
    return known[0] if known else None


def _found(scenario: Scenario, slug: str | None, now: datetime, operator: str | None) -> str:
    chronicle = scenario.chronicle
    return commands.found(
        chronicle.name,
        now=now,
        via=VIA,
        operator=operator,
        slug=slug,
        time_zone=str(chronicle.zone),
        language=chronicle.language,
        charter=chronicle.history.charter,
    )


def _check_empty(association: Association, charter: Charter) -> None:
    lived = (
        Member.objects.filter(association=association),
        models.Action.objects.filter(association=association),
        models.ImportedAction.objects.filter(association=association),
    )
    if any(rows.exists() for rows in lived):
        raise Refusal(
            say("{name} has a history already", name=association.name),
            say("import the file into a new association, with --association NAME"),
        )
    if people.charters(association.pk)[0].charter.source != charter.source:
        raise Refusal(
            say("the file has another charter than {name}", name=association.name),
            say("import it into a new association, with --association NAME"),
        )


class _Import:
    def __init__(self, writer: Writer, scenario: Scenario) -> None:
        self.writer = writer
        self.scenario = scenario
        self.chronicle = scenario.chronicle
        members = self.chronicle.history.members
        self.ids = {member.id: commands.new_id() for member in members}
        self.handles = _handles({member.id: member.name for member in members})

    def write(self, progress: Progress) -> None:
        # Members first, so that they are known to every ballot, whenever it was.
        self._members()
        self._roles()
        self._periods()
        self._journal()
        self._report_words()
        events = self.chronicle.history.events
        with self.writer.in_bulk():
            for number, event in enumerate(events):
                if number % 1_000 == 0:
                    progress(number, len(events))
                self._event(event)
        if events:
            played = self.writer.played_until
            last = events[-1].at
            self.writer.played_until = last if played is None else max(played, last)
            stage.play_all(self.writer)
        stage.settle(self.writer, self.writer.now)

    def _entry(
        self,
        kind: str,
        data: Mapping[str, object],
        texts: Mapping[str, str] | None = None,
        *,
        at: datetime | None = None,
        subject: str = "",
    ) -> None:
        entry = Draft(kind, data, texts or {})
        commands.check_texts(entry.texts)
        self.writer.append(entry, at=at or self.writer.now, subject=subject)

    # --- who and when ----------------------------------------------------------------------------

    def _members(self) -> None:
        for member in self.chronicle.history.members:
            id = self.ids[member.id]
            name = commands.one_line(member.name, say("the member's name"))
            data: dict[str, object] = {"member": id}
            if member.founder:
                data["founder"] = 1
            texts = {"name": name, "handle": self.handles[member.id]}
            for number, one in enumerate(member.memberships):
                if number == 0:
                    self._entry("member.joined", data, texts, at=one.joined, subject=id)
                else:
                    self._entry("member.returned", {"member": id}, at=one.joined, subject=id)
                if one.left is not None:
                    self._entry("member.left", {"member": id}, at=one.left, subject=id)

    def _roles(self) -> None:
        for role in self.chronicle.roles:
            member = self.ids[role.member]
            data = {"role": commands.new_id(), "member": member, "first": role.first.isoformat()}
            if role.last is not None:
                data["last"] = role.last.isoformat()
            told = commands.one_line(role.role, say("the role"))
            self._entry("role.given", data, {"role": told}, subject=member)

    def _periods(self) -> None:
        known = Period.objects.filter(association=self.writer.id)
        ids = dict(known.values_list("name", "id"))
        for period in self.chronicle.periods:
            days = {"first": period.first.isoformat(), "last": period.last.isoformat()}
            name = commands.period_name(period.name)
            if name in ids:
                self._entry("period.changed", {"period": ids[name], **days})
            else:
                ids[name] = commands.new_id()
                self._entry("period.added", {"period": ids[name], **days}, {"name": name})

    # --- what was written ------------------------------------------------------------------------

    def _journal(self) -> None:
        first = JournalEntry.objects.filter(association=self.writer.id).count() + 1
        for number, content in enumerate(self.scenario.journal, first):
            assert isinstance(content, dict)
            told = dict(content)
            if told.get("period"):
                told["period"] = commands.period_name(told["period"])
            data = {"entry": commands.new_id(), "number": number}
            texts = {"content": canonical(told).decode()}
            self._entry("journal.added", data, texts, subject=f"J{number}")

    def _report_words(self) -> None:
        for content in self.scenario.reports:
            assert isinstance(content, dict)
            told = dict(content)
            period = commands.period_name(told.pop("period"))
            if told.get("authors"):
                # By their ids, so that a member who takes another name is told by it.
                told["authors"] = [self.ids.get(author, author) for author in told["authors"]]
            texts = {"period": period, "content": canonical(told).decode()}
            self._entry("report.worded", {}, texts)

    # --- what was done ---------------------------------------------------------------------------

    def _event(self, event: h.Event) -> None:
        told = self._told(event)
        what = draft(told)
        commands.check_texts(what.texts)
        subject = str(what.data.get("action") or what.data.get("member") or "")
        self.writer.append(what, at=told.at, by=getattr(told, "by", None), subject=subject)

    def _told(self, event: h.Event) -> h.Event:
        """An event with the ids that its people have here."""
        changes: dict[str, object] = {}
        for name in ("by", "leader", "to", "member"):
            id = getattr(event, name, None)
            if id is not None:
                changes[name] = self.ids[id]
        if isinstance(event, h.Proposed) and event.effects:
            changes["effects"] = tuple(
                h.GrantVotingRight(self.ids[effect.member])
                if isinstance(effect, h.GrantVotingRight)
                else effect
                for effect in event.effects
            )
        return replace(event, **changes)  # type: ignore[arg-type]


def _handles(names: Mapping[str, str]) -> dict[str, str]:
    """Everybody's handle: the scenario's id where it can be one, else one made of the name."""
    handles = {id: id for id in names if commands._HANDLE.fullmatch(id)}
    used = set(handles)
    for id, name in names.items():
        if id not in handles:
            handles[id] = next(one for one in commands.handles_of(name) if one not in used)
            used.add(handles[id])
    return handles
