"""One action and all that is known of it: `show`, and actions as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from toutdoux.core.explanation import explain
from toutdoux.core.history import (
    AmendCharter,
    BallotName,
    Choice,
)
from toutdoux.core.instants import utc_text
from toutdoux.core.telling import entry_in_words
from toutdoux.core.view import action_as_data
from toutdoux.core.voters import roll_of
from toutdoux.core.words import Sentence, say
from toutdoux.language import Language

from .desk import Desk
from .options import association_option, at_option, examples, format_option, lang_option
from .speech import Problem, print_json, print_table, shown, terminal

if TYPE_CHECKING:
    from toutdoux.core.action import Action, Ballot
    from toutdoux.core.chain import Body
    from toutdoux.core.entries import ImportedAction
    from toutdoux.core.replay import Standing

_word = terminal.word
Data = dict[str, Any]


class People:
    """How the members of an association are called."""

    def __init__(self, association: str, forgotten: str) -> None:
        from toutdoux.association.models import Member

        rows = Member.objects.filter(association=association).values_list("id", "handle", "name")
        self._handles = {id: handle for id, handle, _ in rows}
        self._names = {id: name for id, _, name in rows}
        self._forgotten = forgotten

    def handle(self, id: str) -> str:
        return self._handles.get(id) or id

    def name(self, id: str) -> str:
        return self._names.get(id) or self._forgotten

    def both(self, id: str) -> str:
        return f"{self.name(id)} ({self.handle(id)})"


def people_of(desk: Desk) -> People:
    return People(desk.id, desk.language.word("(forgotten)"))


# --- an action as data ---------------------------------------------------------------------------


def listed_as_data(people: People, action: Action) -> Data:
    """An action as `list` gives it: as `replay` does, persons by their handles.

    Beside that: `object`, `link`, and `imported`, which is false.
    """
    data: Data = action_as_data(action)
    data |= {
        "leader": people.handle(action.leader),
        "imported": False,
        "object": action.object,
        "link": action.link,
    }
    if action.counter_vote is not None:
        data["counter_vote"] |= {"called_by": people.handle(action.counter_vote.called_by)}
    return data


def imported_as_data(people: People, action: ImportedAction) -> Data:
    """An action that was voted on by hand, with what is known of it; `imported` is true.

    Its `leader` is a handle, or what the table or the chat said where that is no member. Where it
    comes from a chat, there are also `state`, `how`, `proposed_at` and `decided_at`; else they are
    null.
    """
    course = action.course
    return {
        "ref": action.ref,
        "kind": action.kind,
        "number": action.number,
        "leader": people.handle(action.leader_id) if action.leader_id else action.leader,
        "date": action.date.isoformat(),
        "proposed_at": utc_or_none(course.proposed_at if course else None),
        "state": course and course.state,
        "how": course and course.how,
        "decided_at": utc_or_none(course.decided_at if course else None),
        "for": action.for_,
        "against": action.against,
        "expressed": action.expressed,
        "imported": True,
        "object": action.object,
        "link": action.link,
    }


def shown_as_data(desk: Desk, standing: Standing, action: Action) -> Data:
    """An action as `show` gives it: all that is known of it.

    What `listed_as_data` gives, but for `opinions`, and:

    - `proposer` (a handle), `proposed_at`, `charter` (the version that judges it);
    - `condition`, `condition_met_at`;
    - `effects`: `{grant_voting_right: HANDLE}` or `{amend_charter: RULES}` each;
    - `recorded_at`: when the decision was written down, null before that;
    - `explanation`: `{why, next}`, sentences in the language asked for;
    - `votes`: `{member, choice, ballot}` each, and `opinions`, which also have `at` and
      `recorded_at` (null unless it became known late);
    - `awaited`: the handles of those on the roll whose vote on an open ballot is not there;
    - `counter_vote` has also `called_at` and `reason`;
    - `note` and `links` of the last follow-up;
    - `versions` of the object: `{at, object}` each;
    - `history`: its entries, `{at, recorded_at, kind, what, by, via, operator}` each.
    """
    people, language = people_of(desk), desk.language
    explanation = explain(standing, action)
    entries = _entries(desk, action.ref)
    data = listed_as_data(people, action) | {
        "proposer": people.handle(action.proposer),
        "proposed_at": utc_text(action.proposed_at),
        "charter": action.charter.number,
        "condition": action.condition,
        "condition_met_at": utc_or_none(action.condition_met_at),
        "effects": [
            {"amend_charter": effect.charter.source}
            if isinstance(effect, AmendCharter)
            else {"grant_voting_right": people.handle(effect.member)}
            for effect in action.effects
        ],
        "recorded_at": utc_or_none(_recorded_at(action, entries)),
        "explanation": {
            "why": [language.say(one) for one in explanation.why],
            "next": [language.say(one) for one in explanation.next],
        },
        "votes": [
            {"member": people.handle(id), "choice": choice, "ballot": name}
            for name, ballot in _ballots(action)
            for id, choice in ballot.votes.items()
        ],
        "awaited": [people.handle(id) for id in _awaited(standing, action)],
        "opinions": [
            {
                "member": people.handle(id),
                "choice": one.choice,
                "ballot": name,
                "at": utc_text(one.at),
                "recorded_at": utc_or_none(one.recorded_at),
            }
            for name, ballot in _ballots(action)
            for id, one in ballot.opinions.items()
        ],
        "note": action.note,
        "links": list(action.links),
        "versions": [{"at": utc_text(one.at), "object": one.object} for one in action.versions],
        "history": _history_data(entries, people, language),
    }
    if action.counter_vote is not None:
        data["counter_vote"] |= {
            "called_at": utc_text(action.counter_vote.called_at),
            "reason": action.counter_vote.reason,
        }
    return data


def utc_or_none(instant: datetime | None) -> str | None:
    return None if instant is None else utc_text(instant)


def _ballots(action: Action) -> Iterator[tuple[BallotName, Ballot]]:
    for name in BallotName:
        ballot = action.ballot_named(name)
        if ballot is not None:
            yield name, ballot


def _awaited(standing: Standing, action: Action) -> list[str]:
    """Those on the roll, in order of name, who may still vote on it and have not."""
    open_now = [
        ballot
        for name in BallotName
        if (ballot := action.open_ballot(name, standing.at)) is not None
    ]
    if not open_now:
        return []
    return [
        one.id
        for one in roll_of(standing, action)
        if one.membership(standing.at) and any(one.id not in ballot.votes for ballot in open_now)
    ]


def _history_data(entries: Iterable[Body], people: People, language: Language) -> list[Data]:
    return [
        {
            "at": utc_text(datetime.fromisoformat(entry["at"])),
            "recorded_at": utc_text(datetime.fromisoformat(entry["recorded_at"])),
            "kind": entry["kind"],
            "what": language.say(entry_in_words(entry, people.name)),
            "by": people.handle(entry["by"]) if "by" in entry else None,
            "via": entry["via"],
            "operator": entry.get("operator"),
        }
        for entry in entries
    ]


def _entries(desk: Desk, ref: str) -> list[Body]:
    """What the ledger says of an action, up to the instant that is asked about."""
    from toutdoux.actions import reading

    entries = reading.entries_about(desk.id, ref, desk.language.word("(forgotten)"))
    if desk.at is None:
        return entries
    return [one for one in entries if datetime.fromisoformat(one["at"]) <= desk.at]


def _recorded_at(action: Action, entries: list[Body]) -> datetime | None:
    """When the decision was written down, if it was."""
    if action.decision is None or not action.recorded:
        return None
    kinds = ("action.adopted", "action.cancelled", "action.withdrawn")
    found = [one["recorded_at"] for one in entries if one["kind"] in kinds]
    return datetime.fromisoformat(found[-1]) if found else None


# --- show ----------------------------------------------------------------------------------------


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Show an action: where it stands and why, its votes, and its history."),
    epilog=examples(
        "toutdoux show AE1",
        "toutdoux show AE1 --at '2021-03-05 18:00'",
        "toutdoux show AE1 --format json",
    ),
)
@click.argument("ref", metavar=_word("ACTION"))
@at_option
@association_option
@format_option("text", "json")
@lang_option
def show(ref: str, at: str | None, slug: str | None, form: str, lang: str | None) -> None:
    desk = Desk(slug, at, lang)
    ref = desk.known_ref(ref, imported=True)
    past = imported_actions(desk, ref).get(ref)
    if past is not None:
        _show_imported(desk, past, form)
        return
    standing = desk.standing((ref,), (ref,))
    action = standing.actions.get(ref)
    if action is None:
        raise Problem(
            say("{ref} was not proposed by then", ref=ref), say("ask about a later instant")
        )
    if form == "json":
        print_json(shown_as_data(desk, standing, action))
    else:
        _Page(desk, standing, action).print()


def imported_actions(desk: Desk, ref: str | None = None) -> dict[str, ImportedAction]:
    from toutdoux.actions import reading

    return reading.imported(desk.id, ref, desk.language.word("(forgotten)"))


def _show_imported(desk: Desk, action: ImportedAction, form: str) -> None:
    people, word = people_of(desk), desk.language.word
    if form == "json":
        history = _history_data(_entries(desk, action.ref), people, desk.language)
        votes = _imported_votes(people, action)
        print_json(imported_as_data(people, action) | {"votes": votes, "history": history})
        return
    course, instant = action.course, desk.language.instant
    kind, outcome = desk.language.name(action.kind), word("imported")
    if course is not None:
        outcome = f"{outcome}, {desk.language.outcome(course.state, course.how)}"
    click.echo(f"{action.ref}  {kind}, {outcome}")
    click.echo(f"\n{shown(action.object)}\n")
    leader = people.both(action.leader_id) if action.leader_id else action.leader
    print_fact(desk.language, word("Leader"), leader)
    proposed = instant(course.proposed_at) if course else desk.language.day(action.date)
    print_fact(desk.language, word("Proposed"), proposed)
    print_fact(desk.language, word("Decided"), instant(course.decided_at) if course else "")
    print_fact(desk.language, word("Link"), action.link or "")
    print_fact(desk.language, word("For"), f"{action.for_}/{action.expressed}")
    print_fact(desk.language, word("Against"), f"{action.against}/{action.expressed}")
    if course is None:
        more = word("It comes from a table that was kept by hand: nothing more is known of it.")
        click.echo(more)
        return
    click.echo(f"\n{word('Votes')}")
    for vote in course.votes:
        told = say("{choice}, on {at}", choice=CHOICES[vote.choice], at=vote.at)
        name = people.name(vote.by)
        print_fact(desk.language, f"  {name}", desk.language.say(told))
    click.echo("")
    click.echo(word("It was voted on by hand in the chat: a counter-vote held there is not known."))


def _imported_votes(people: People, action: ImportedAction) -> list[Data] | None:
    """Who voted what and when; None where only the tally is known."""
    if action.course is None:
        return None
    return [
        {"member": people.handle(one.by), "choice": one.choice, "at": utc_text(one.at)}
        for one in action.course.votes
    ]


CHOICES = {
    Choice.FOR: say("for"),
    Choice.AGAINST: say("against"),
    Choice.ABSTAIN: say("neutral"),
}
"""What a vote is called within a sentence."""


def print_fact(language: Language, name: str, value: str) -> None:
    if value:
        click.echo(shown(language.say(say("{name}: {value}", name=name, value=value))))


class _Page:
    """All that there is to say about an action, for a terminal."""

    def __init__(self, desk: Desk, standing: Standing, action: Action) -> None:
        self.language, self.standing, self.action = desk.language, standing, action
        self.people = people_of(desk)
        self.entries = _entries(desk, action.ref)

    def print(self) -> None:
        action, language = self.action, self.language
        outcome = language.outcome(action.state, action.decision.how if action.decision else None)
        click.echo(f"{action.ref}  {language.name(action.kind)}, {outcome}")
        click.echo(f"\n{shown(action.object)}\n")
        for name, value in self._facts():
            print_fact(language, name, value)
        click.echo("")
        explanation = explain(self.standing, action)
        for sentence in explanation.why:
            click.echo(shown(language.say(sentence)))
        for sentence in explanation.next:
            click.echo(f"→ {shown(language.say(sentence))}")
        self._print_ballot(language.word("Votes"), BallotName.ACTION)
        self._print_ballot(language.word("Votes on cancelling it"), BallotName.COUNTER_VOTE)
        self._print_versions()
        self._print_history()

    def _facts(self) -> Iterator[tuple[str, str]]:
        action, people = self.action, self.people
        word, instant = self.language.word, self.language.instant
        yield word("Leader"), people.both(action.leader)
        proposed = instant(action.proposed_at)
        if action.proposer != action.leader:
            proposed = self._say(
                say("{at}, by {name}", at=action.proposed_at, name=people.both(action.proposer))
            )
        yield word("Proposed"), proposed
        closed = action.closes_at <= self.standing.at
        yield (
            word("Ballot closed") if closed else word("Ballot open until"),
            instant(action.closes_at),
        )
        if action.decision is not None:
            yield word("Decided"), self._decided(action.decision.at)
        yield word("Link"), action.link or ""
        if action.condition is not None:
            met = action.condition_met_at
            yield (
                word("Condition"),
                self._say(say("{text} (met on {at})", text=action.condition, at=met))
                if met
                else self._say(say("{text} (not met so far)", text=action.condition)),
            )
        if action.follow_up is not None:
            yield word("Follow-up"), self.language.name(action.follow_up)
        for link in action.links:
            yield word("See"), link

    def _decided(self, at: datetime) -> str:
        """When it was decided, and when that was written down if it was later."""
        recorded = _recorded_at(self.action, self.entries)
        told = self.language.instant(at)
        if recorded is None:
            return self._say(say("{at} (not written down yet)", at=told))
        if self.language.instant(recorded) == told:
            return told
        return self._say(say("{at} (written down on {recorded})", at=told, recorded=recorded))

    def _print_ballot(self, title: str, name: BallotName) -> None:
        ballot = self.action.ballot_named(name)
        if ballot is None:
            return
        click.echo(f"\n{title}")
        if not ballot.votes:
            nobody = self.language.word("Nobody has voted.")
            click.echo(f"  {nobody}")
        for word, choice in (
            (self.language.word("For"), Choice.FOR),
            (self.language.word("Against"), Choice.AGAINST),
            (self.language.word("Neutral"), Choice.ABSTAIN),
        ):
            voters = [self.people.name(id) for id, one in ballot.votes.items() if one is choice]
            if voters:
                self._print_names(f"{word} ({len(voters)})", voters)
        if self.action.open_ballot(name, self.standing.at) is not None:
            missing = [
                self.people.name(one.id)
                for one in roll_of(self.standing, self.action)
                if one.id not in ballot.votes
            ]
            if missing:
                title = self.language.word("Not voted yet")
                self._print_names(f"{title} ({len(missing)})", missing)
        opinion = self.language.word("Opinion")
        for id, one in ballot.opinions.items():
            print_fact(self.language, f"  {opinion}", self._opinion(id, one))

    def _print_names(self, title: str, names: list[str]) -> None:
        print_fact(self.language, f"  {title}", ", ".join(sorted(names, key=str.casefold)))

    def _opinion(self, id: str, one: Any) -> str:
        choice = CHOICES[one.choice]
        name = self.people.name(id)
        if one.recorded_at is None:
            return self._say(say("{name}, {choice}, on {at}", name=name, choice=choice, at=one.at))
        return self._say(
            say(
                "{name}, {choice}, on {at}, known on {recorded}",
                name=name,
                choice=choice,
                at=one.at,
                recorded=one.recorded_at,
            )
        )

    def _print_versions(self) -> None:
        if len(self.action.versions) < 2:
            return
        title = self.language.word("Versions of the object")
        click.echo(f"\n{title}")
        for number, one in enumerate(self.action.versions, 1):
            text = " ".join(one.object.split())
            click.echo(f"  {number}. {self.language.short_instant(one.at)}  {shown(text)}")

    def _print_history(self) -> None:
        word, short = self.language.word, self.language.short_instant
        rows = []
        for entry in self.entries:
            at, recorded = (datetime.fromisoformat(entry[one]) for one in ("at", "recorded_at"))
            through = ", ".join(one for one in (entry["via"], entry.get("operator")) if one)
            late = "" if short(at) == short(recorded) else short(recorded)
            who = self.people.name(entry["by"]) if "by" in entry else ""
            what = self._say(entry_in_words(entry, self.people.name))
            rows.append([short(at), who, what, through, late])
        titles = [word("Date"), word("Who"), word("What"), word("Through"), word("Told on")]
        if not any(row[4] for row in rows):
            titles, rows = titles[:4], [row[:4] for row in rows]
        click.echo("")
        print_table(titles, rows, title=word("History"), prose={1: 8, 2: 16, 3: 6})

    def _say(self, sentence: Sentence) -> str:
        return self.language.say(sentence)
