"""Which actions there are: `list`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from toutdoux.core.history import (
    UNFINISHED,
    BallotName,
    FollowUp,
)
from toutdoux.core.replay import UNDECIDED
from toutdoux.core.voters import awaiting
from toutdoux.language import Language

from .desk import Desk
from .options import (
    KINDS,
    association_option,
    at_option,
    examples,
    format_option,
    kind_option,
    lang_option,
)
from .showing import (
    Data,
    People,
    imported_actions,
    imported_as_data,
    listed_as_data,
    people_of,
    utc_or_none,
)
from .speech import print_json, print_table, terminal

if TYPE_CHECKING:
    from toutdoux.core.action import Action
    from toutdoux.core.entries import ImportedAction
    from toutdoux.core.replay import Standing

_word = terminal.word


@click.command(
    "list",
    options_metavar=_word("[OPTIONS]"),
    help=_word("List actions: those to decide and those to do, unless told which."),
    epilog=examples(
        "toutdoux list",
        "toutdoux list --awaiting bob",
        "toutdoux list --period P21 --kind extraordinary --format json",
    ),
)
@click.option("--open", "undecided", is_flag=True, help=_word("Those still to be decided."))
@click.option(
    "--awaiting",
    metavar=_word("MEMBER"),
    help=_word("Those that await this member's vote, the soonest end first."),
)
@click.option("--to-do", "to_do", is_flag=True, help=_word("Those to do, or under way."))
@click.option("--standing", "rules", is_flag=True, help=_word("The rules in force."))
@click.option("--period", metavar=_word("PERIOD"), help=_word("Those proposed in this period."))
@kind_option(_word("Only the actions of this kind."))
@click.option("--leader", metavar=_word("MEMBER"), help=_word("Those that this member leads."))
@at_option
@association_option
@format_option("table", "json")
@lang_option
def list_(
    undecided: bool,
    awaiting: str | None,
    to_do: bool,
    rules: bool,
    period: str | None,
    kind: str | None,
    leader: str | None,
    at: str | None,
    slug: str | None,
    form: str,
    lang: str | None,
) -> None:
    desk = Desk(slug, at, lang)
    asked = _Asked(desk)
    if undecided:
        asked.state(lambda action: action.state in UNDECIDED)
    if to_do:
        asked.state(lambda action: action.follow_up in UNFINISHED)
    if rules:
        asked.state(lambda action: action.follow_up is FollowUp.STANDING)
    if kind is not None:
        wanted = KINDS[kind.lower()]
        asked.fact(lambda action: action.kind is wanted)
    if period is not None:
        asked.proposed_in(period)
    if leader is not None:
        asked.led_by(desk.member(leader))
    member = None if awaiting is None else desk.member(awaiting)
    if member is None and not asked.told:
        asked.state(lambda action: action.state in UNDECIDED or action.follow_up in UNFINISHED)
    standing = desk.standing()
    rows = asked.found(standing, member)
    people = people_of(desk)
    if form == "json":
        print_json([row.as_data(people) for row in rows])
    elif rows:
        _print_rows(desk, people, rows)
    else:
        click.echo(desk.language.word("There is none."))


class _Row:
    """An action in a list: as it stands, or of a table kept by hand."""

    def __init__(
        self, action: Action | ImportedAction, ballot: BallotName | None, ends: datetime | None
    ) -> None:
        self.action, self.ballot, self.ends = action, ballot, ends

    def as_data(self, people: People) -> Data:
        """As `listed_as_data`; with `awaited`, `{ballot, closes_at}`, where a vote is awaited."""
        from toutdoux.core.entries import ImportedAction

        if isinstance(self.action, ImportedAction):
            return imported_as_data(people, self.action)
        data = listed_as_data(people, self.action)
        if self.ballot is not None:
            data["awaited"] = {"ballot": self.ballot, "closes_at": utc_or_none(self.ends)}
        return data

    def cells(self, people: People, language: Language) -> list[str]:
        from toutdoux.core.entries import ImportedAction

        action = self.action
        text = " ".join(action.object.split())
        if isinstance(action, ImportedAction):
            leader = people.name(action.leader_id) if action.leader_id else action.leader
            votes = [f"{action.for_}/{action.expressed}", f"{action.against}/{action.expressed}"]
            state = language.word("imported")
            if action.course is not None:
                state = f"{state}, {language.name(action.course.state)}"
            return [action.ref, text, leader, state, "", *votes, ""]
        tally = action.ballot
        if self.ballot is BallotName.COUNTER_VOTE and action.counter_vote is not None:
            tally = action.counter_vote.ballot
        return [
            action.ref,
            text,
            people.name(action.leader),
            language.name(action.state),
            language.short_instant(self.ends) if self.ends else "",
            f"{tally.for_}/{tally.expressed}",
            f"{tally.against}/{tally.expressed}",
            language.name(action.follow_up) if action.follow_up else "",
        ]


def _print_rows(desk: Desk, people: People, rows: list[_Row]) -> None:
    word = desk.language.word
    titles = ["ID", word("Object"), word("Leader"), word("State"), word("Until"), word("For")]
    titles += [word("Against"), word("Follow-up")]
    cells = [row.cells(people, desk.language) for row in rows]
    if any(row.ballot for row in rows):
        # Which of the two ballots it is.
        names = {
            BallotName.ACTION: word("the action"),
            BallotName.COUNTER_VOTE: word("the counter-vote"),
        }
        titles[3] = word("Vote on")
        for line, row in zip(cells, rows, strict=True):
            line[3] = names[row.ballot] if row.ballot else ""
    print_table(titles, cells, right=(5, 6), prose={1: 20, 2: 8, 3: 8, 7: 7})


class _Asked:
    """What a list is asked for."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.told = False
        self._states: list[Callable[[Action], bool]] = []
        self._facts: list[Callable[[Any], bool]] = []

    def state(self, holds: Callable[[Action], bool]) -> None:
        """Ask for what an action's state says; of those of old tables it is not known."""
        self.told = True
        self._states.append(holds)

    def fact(self, holds: Callable[[Any], bool]) -> None:
        """Ask for what is known of every action, those of old tables too."""
        self.told = True
        self._facts.append(holds)

    def proposed_in(self, name: str) -> None:
        found = self.desk.period(name, "--period")
        self.fact(lambda action: found.holds(self._day(action)))

    def led_by(self, member: str) -> None:
        self.fact(lambda action: getattr(action, "leader_id", action.leader) == member)

    def _day(self, action: Any) -> date:
        """The day it was proposed, in the association's time zone."""
        if hasattr(action, "proposed_at"):
            return _local_day(action.proposed_at, self.desk)
        assert isinstance(action.date, date)
        return action.date

    def found(self, standing: Standing, member: str | None) -> list[_Row]:
        """What was asked for; those that await the member's vote, if one is named."""
        rows = []
        if member is None and not self._states:
            last = _local_day(standing.at, self.desk)
            past = (one for one in imported_actions(self.desk).values() if one.date <= last)
            rows += [_Row(one, None, None) for one in past if self._fits(one)]
        if member is not None:
            rows += [
                _Row(one.action, one.ballot, one.closes_at)
                for one in awaiting(standing, member)
                if self._fits(one.action) and self._stands(one.action)
            ]
        else:
            rows += [
                _Row(one, None, one.next_end if one.decision is None else None)
                for one in standing.actions.values()
                if self._fits(one) and self._stands(one)
            ]
        return rows

    def _fits(self, action: Action | ImportedAction) -> bool:
        return all(holds(action) for holds in self._facts)

    def _stands(self, action: Action) -> bool:
        return all(holds(action) for holds in self._states)


def _local_day(instant: datetime, desk: Desk) -> date:
    return instant.astimezone(desk.zone).date()
