"""What entries say: events as they are written into the ledger, and a history read back from it.

An entry's `data` holds strings and integers only. Persons are opaque ids; texts are commitments,
under `texts`, by what they are (`object`, `reason` …). Who reads a history back gives the texts, or
leaves the commitments where they are: no rule looks at a text.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from . import history as h
from .chain import FORMAT, Body, stamp
from .charter import Charter, Kind, read_charter
from .history import BallotName, Choice, FollowUp, How, State
from .roll import Member, Membership
from .words import Refusal, Sentence, say

Texts = Mapping[str, str]
"""By what they are (`object`, `reason` …): texts on the way in, commitments in an entry."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be: its kind, its data, and the texts that will stand in it as commitments."""

    kind: str
    data: Mapping[str, object]
    texts: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedVote:
    by: str
    """A member's id."""
    choice: Choice
    at: datetime


@dataclass(frozen=True, slots=True)
class Course:
    """How the vote on an imported action went."""

    proposed_at: datetime
    state: State
    how: How
    decided_at: datetime
    votes: tuple[ImportedVote, ...]
    """Those that counted, one a member."""


@dataclass(frozen=True, slots=True)
class ImportedAction:
    """An action that was voted on by hand, known from a table or from the chat it was voted in."""

    ref: str
    kind: Kind
    number: int
    object: str
    leader: str
    """As it was written, where no member is known by it."""
    leader_id: str | None
    date: date
    for_: int
    against: int
    expressed: int
    link: str | None = None
    course: Course | None = None
    """None where only its tally is known, as a table tells it."""


def kind_and_number(ref: str) -> tuple[Kind, int]:
    """`AE27` is extraordinary 27."""
    kind = Kind.EXTRAORDINARY if ref.startswith(Kind.EXTRAORDINARY.prefix) else Kind.ORDINARY
    return kind, int(ref[len(kind.prefix) :])


# --- from events to entries ----------------------------------------------------------------------

_DECISIONS = {State.ADOPTED: "action.adopted", State.CANCELLED: "action.cancelled"}


def draft(event: h.Event) -> Draft:
    """Write an event as an entry. `at`, `recorded_at` and `by` are the entry's own."""
    match event:
        case h.VoteCast(action=ref, choice=choice, ballot=ballot):
            said = {"action": ref, "ballot": ballot, "choice": choice}
            return Draft("vote.cast", said | _kept(event))
        case h.VoteWithdrawn(action=ref, ballot=ballot):
            return Draft("vote.withdrawn", {"action": ref, "ballot": ballot} | _kept(event))
        case h.Proposed():
            return _draft_of_proposal(event)
        case h.CounterVoteCalled(action=ref, reason=reason):
            return Draft("counter_vote.called", {"action": ref}, {"reason": reason})
        case h.Amended(action=ref, object=text):
            return Draft("action.amended", {"action": ref}, {"object": text})
        case h.Withdrawn(action=ref):
            return Draft("action.withdrawn", {"action": ref})
        case h.HandedOver(action=ref, to=to):
            return Draft("action.handed_over", {"action": ref, "to": to})
        case h.ConditionMet(action=ref, note=note):
            return Draft("condition.met", {"action": ref}, _texts(note=note))
        case h.FollowedUp(action=ref, follow_up=follow_up, note=note, links=links):
            texts = _texts(note=note, links="\n".join(links))
            return Draft("action.followed_up", {"action": ref, "follow_up": follow_up}, texts)
        case h.RightGranted(member=member):
            return Draft("right.granted", {"member": member})
        case h.DecisionRecorded():
            return _draft_of_decision(event)
    raise TypeError(type(event).__name__)


def _texts(**texts: str | None) -> Texts:
    return {name: text for name, text in texts.items() if text}


def _draft_of_proposal(event: h.Proposed) -> Draft:
    data: dict[str, object] = {"action": f"{event.kind.prefix}{event.number}"}
    if event.leader is not None and event.leader != event.by:
        data["leader"] = event.leader
    if event.effects:
        data["effects"] = [
            {"grant_voting_right": effect.member}
            if isinstance(effect, h.GrantVotingRight)
            else {"amend_charter": charter_data(effect.charter)}
            for effect in event.effects
        ]
    texts = _texts(object=event.object, link=event.link, condition=event.condition)
    return Draft("action.proposed", data, {"object": event.object, **texts})


def _draft_of_decision(event: h.DecisionRecorded) -> Draft:
    decision = event.decision
    assert decision.how is not None
    data: dict[str, object] = {
        "action": event.action,
        "how": decision.how,
        "roll": decision.roll,
        **_tally_data("", decision.tally),
    }
    if decision.counter_vote is not None:
        data |= _tally_data("counter_", decision.counter_vote)
    if decision.contested:
        data["contested"] = 1
    if decision.unread:
        data["unread"] = 1
    version = event.charter
    if version.by_action is not None and version.since is not None:
        data |= {
            "charter": version.number,
            "charter_by": version.by_action,
            "charter_since": stamp(version.since),
        }
    return Draft(_DECISIONS[decision.state], data)


def _tally_data(prefix: str, tally: h.Tally) -> dict[str, object]:
    return {
        f"{prefix}for": tally.for_,
        f"{prefix}against": tally.against,
        f"{prefix}abstain": tally.abstain,
    }


def charter_data(charter: Charter) -> Mapping[str, object]:
    """A charter in its own words, complete, so that a later preset of that name changes nothing."""
    return charter.source


def draft_of_imported(action: ImportedAction) -> Draft:
    data: dict[str, object] = {
        "action": action.ref,
        "date": action.date.isoformat(),
        "for": action.for_,
        "against": action.against,
        "expressed": action.expressed,
    }
    if action.leader_id is not None:
        data["leader"] = action.leader_id
    if action.course is not None:
        data |= course_data(action.course)
    texts = _texts(leader=action.leader, link=action.link)
    return Draft("action.imported", data, {"object": action.object, **texts})


def course_data(course: Course) -> dict[str, Any]:
    return {
        "proposed_at": stamp(course.proposed_at),
        "state": course.state.value,
        "how": course.how.value,
        "decided_at": stamp(course.decided_at),
        "votes": [
            {"by": one.by, "choice": one.choice.value, "at": stamp(one.at)} for one in course.votes
        ],
    }


_COURSE = ("proposed_at", "state", "how", "decided_at", "votes")


def _course(data: Mapping[str, Any]) -> Course | None:
    """Read what `course_data` wrote: all of it is there, or nothing."""
    if not any(name in data for name in _COURSE):
        return None
    return Course(
        proposed_at=read_instant(data["proposed_at"]),
        state=State(data["state"]),
        how=How(data["how"]),
        decided_at=read_instant(data["decided_at"]),
        votes=read_votes(data["votes"]),
    )


def read_votes(told: Iterable[Mapping[str, str]]) -> tuple[ImportedVote, ...]:
    """Read an imported action's votes as its entry holds them."""
    return tuple(
        ImportedVote(one["by"], CHOICES[one["choice"]], read_instant(one["at"])) for one in told
    )


def imported_action(
    data: Mapping[str, Any], text: Callable[[str], str] = lambda commitment: commitment
) -> ImportedAction:
    """Read what `draft_of_imported` wrote; `text` gives the text of a commitment."""
    kind, number = kind_and_number(data["action"])
    texts = data["texts"]
    return ImportedAction(
        ref=data["action"],
        kind=kind,
        number=number,
        object=text(texts["object"]),
        leader=text(texts["leader"]) if "leader" in texts else "",
        leader_id=data.get("leader"),
        date=date.fromisoformat(data["date"]),
        for_=data["for"],
        against=data["against"],
        expressed=data["expressed"],
        link=text(texts["link"]) if "link" in texts else None,
        course=_course(data),
    )


Vote = tuple[str, str | None, str, str, str, str]


def brief(entry: Body) -> Vote | None:
    """What an entry says if it is a vote: its instant, the one it was recorded at if that is
    another, action, member, choice, ballot.

    Nearly all entries are votes, and a verifier hands them from one process to another. None for
    what is no vote, or says more than that.
    """
    if entry["kind"] != "vote.cast":
        return None
    data = entry["data"]
    if len(data) != 3:
        return None
    at, recorded = entry["at"], entry["recorded_at"]
    return (
        at,
        None if recorded == at else recorded,
        data["action"],
        entry["by"],
        data["choice"],
        data["ballot"],
    )


CHOICES = {choice.value: choice for choice in Choice}
BALLOTS = {name.value: name for name in BallotName}


def vote_event(vote: Vote) -> h.VoteCast:
    """The event of a vote, by what `brief` says of it."""
    at, recorded, action, by, choice, ballot = vote
    if recorded is not None and recorded < at:
        raise Refusal(say("it was recorded before it happened"), say("report it"))
    return h.VoteCast(
        at=read_instant(at),
        recorded_at=None if recorded is None else read_instant(recorded),
        action=action,
        by=by,
        choice=CHOICES[choice],
        ballot=BALLOTS[ballot],
    )


# --- from entries to a history -------------------------------------------------------------------


@dataclass(slots=True)
class Person:
    """A member as entries tell of them."""

    id: str
    name: str
    handle: str
    memberships: list[Membership]
    founder: bool = False
    email: str = ""

    def member(self) -> Member:
        return Member(self.id, self.name, self.memberships, self.founder)


def read_instant(text: str) -> datetime:
    """Read an instant as `chain.stamp` writes it. Raises `ValueError` if it is none, or one so far
    out of reach that a calendar may end before its windows do."""
    if len(text) != STAMP or text[-1] != "Z" or not "0999" <= text[:4] <= "9001":
        raise ValueError(text)
    return datetime.fromisoformat(text)


STAMP = len("2021-03-01T09:00:00.000000Z")
"""How long an instant is."""

_COMMITMENT = re.compile(r"[0-9a-f]{64}")

_MAY_BE_TO_COME = ("member.joined", "member.returned", "member.left")
"""The kinds of entries that may be recorded before they count."""

_ADMINISTRATIVE = (*_MAY_BE_TO_COME, "member.renamed", "action.imported")
"""The kinds that are read here, but whose author no rule looks at."""


class Subjects:
    """What entries are about, to find them by: an action, a member, an entry of the journal."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        """The members of roles, and what entries of the journal are called."""

    def of(self, entry: Body) -> str:
        """What the next entry is about; empty if it is about nothing in particular."""
        data, kind = entry["data"], entry["kind"]
        if kind == "vote.cast":  # nearly all are
            about: str = data["action"]
            return about
        if "action" in data:
            return str(data["action"])
        if kind == "role.given":
            self._known[data["role"]] = data["member"]
        elif kind == "role.ended":
            return self._known.get(data["role"], "")
        elif kind == "journal.added":
            self._known[data["entry"]] = f"J{data['number']}"
        if kind.startswith("journal."):
            return self._known.get(data["entry"], "")
        return str(data.get("member", ""))


class Record:
    """The history that a ledger tells, read entry by entry.

    It refuses what no command would have written, even if nothing else contradicts it. What the
    rules have to say about an event is left to whoever plays the history.

    `text` gives the text of a commitment; the default leaves the commitment in its place.
    """

    def __init__(self, text: Callable[[str], str] = lambda commitment: commitment) -> None:
        self.text = text
        self.charter: Charter | None = None
        self.founding: Body = {}
        """The first entry."""
        self.people: dict[str, Person] = {}
        self.events: list[h.Event] = []
        self.seqs = array("q")
        """The entry of each event."""
        self.imported: dict[str, ImportedAction] = {}
        self.others: list[Body] = []
        """The entries that no rule looks at."""
        self.commitments: dict[str, int] = {}
        """Every commitment to a text, and the entry it stands in first."""
        self.operators: dict[str, int] = {}
        """The same for the commitments to who acted for others."""
        self.erased: dict[str, int] = {}
        """The commitments whose texts were emptied, and the entry that says so."""
        self.forgotten: set[str] = set()
        """The members who were forgotten with them."""
        self._proposed: set[str] = set()
        self._decisions: set[str] = set()
        """The actions that were proposed, and those whose decision was recorded."""
        self._others = _Others(self)
        self._charters: dict[str, Charter] = {}
        self._known: dict[str, str] = {}
        self._readers: Mapping[str, Callable[[Body, datetime, datetime | None], object]] = {
            "association.founded": self._founded,
            "member.joined": self._joined,
            "member.returned": self._returned,
            "member.left": self._left,
            "member.renamed": self._renamed,
            "action.imported": self._imported,
            "vote.cast": _vote_cast,
            "vote.withdrawn": _vote_withdrawn,
            "action.proposed": self._read_proposal,
            "counter_vote.called": self._counter_vote_called,
            "action.amended": self._amended,
            "action.withdrawn": _withdrawn,
            "action.handed_over": _handed_over,
            "condition.met": self._condition_met,
            "action.followed_up": self._followed_up,
            "right.granted": _right_granted,
            "action.adopted": self._decided,
            "action.cancelled": self._decided,
        }

    def add(self, entry: Body) -> h.Event | None:
        """Take the next entry. Returns its event; None if the rules don't look at it.

        Raises:
            Refusal: it is no entry of this format, or speaks of somebody or something unknown.
        """
        try:
            self._check_commitments(entry)
            at, recorded = entry["at"], entry["recorded_at"]
            instant = read_instant(at)
            told = instant if recorded == at else read_instant(recorded)
            if told < instant and entry["kind"] not in _MAY_BE_TO_COME:
                raise Refusal(say("it was recorded before it happened"), say("report it"))
            read = self._readers.get(entry["kind"])
            if (read is None or entry["kind"] in _ADMINISTRATIVE) and "by" in entry:
                self.person(entry["by"])
            if read is None:
                self._others.check(entry, told)
                self.others.append(entry)
                return None
            event = read(entry, instant, None if recorded == at else told)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            raise Refusal(
                say("it is no entry of this format"),
                say("take the ledger from a backup, and report it"),
            ) from None
        if isinstance(event, h.Event):
            self.events.append(event)
            self.seqs.append(entry["seq"])
            return event
        return None

    def _check_commitments(self, entry: Body) -> None:
        """A commitment says nothing; anything else in its place might."""
        seq, texts, operator = entry["seq"], entry["data"].get("texts"), entry.get("operator")
        if texts is not None:
            for commitment in texts.values():
                if commitment not in self.commitments:
                    self.commitments[_committed(commitment)] = seq
        if operator is not None and operator not in self.operators:
            self.operators[_committed(operator)] = seq

    def add_vote(self, vote: Vote, seq: int) -> None:
        """The same for a vote, by what `brief` says of it, and its number."""
        event = vote_event(vote)
        # One text for all that name the same: there are many votes, and few of these.
        event.action = self._known.setdefault(event.action, event.action)
        event.by = self._known.setdefault(event.by, event.by)
        self.events.append(event)
        self.seqs.append(seq)

    def forget_events(self) -> None:
        """Keep no events, for whoever takes them one by one."""
        self.events.clear()
        del self.seqs[:]

    def history(self) -> h.History:
        if self.charter is None:
            raise Refusal(
                say("its first entry founds no association"), say("take it from a backup")
            )
        return h.History(
            charter=self.charter,
            members=[person.member() for person in self.people.values()],
            events=self.events,
            imported=self.imported.keys(),
            seqs=self.seqs,
        )

    # --- who there is ----------------------------------------------------------------------------

    def _founded(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        data = entry["data"]
        if data["format"] != FORMAT or entry["seq"] != 1:
            raise ValueError("another format")
        _texts_of(data, "name", "slug")
        _strings(data["association"], data["time_zone"], data["language"])
        self.founding = entry
        self.charter = read_charter(data["charter"])

    def _joined(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        data = entry["data"]
        id, texts, founder = data["member"], data["texts"], bool(data.get("founder"))
        if id in self.people:
            raise _forged(say("the member {member} is there already", member=id))
        if founder and self._proposed:
            raise _forged(say("founders are named before the first action"))
        _strings(id)
        self.people[id] = Person(
            id=id,
            name=self.text(texts["name"]),
            handle=self.text(texts["handle"]),
            email=self.text(texts["email"]) if "email" in texts else "",
            memberships=[Membership(at, joined_recorded=_after(at, recorded))],
            founder=founder,
        )

    def person(self, id: str) -> Person:
        """Somebody who joined. Raises `Refusal` if nobody did by this id."""
        if id not in self.people:
            raise _forged(say("no entry before it tells of a member {member}", member=id))
        return self.people[id]

    def _returned(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        person = self.person(entry["data"]["member"])
        person.memberships.append(Membership(at, joined_recorded=_after(at, recorded)))
        person.member()  # refuses what overlaps

    def _left(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        person = self.person(entry["data"]["member"])
        last = person.memberships[-1]
        if last.left is not None and last.left <= (recorded or at):
            raise _forged(say("{member} left already, on {at}", member=person.id, at=last.left))
        person.memberships[-1] = Membership(
            last.joined,
            at,
            joined_recorded=last.joined_recorded,
            left_recorded=_after(at, recorded),
        )
        person.member()

    def _renamed(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        person, texts = self.person(entry["data"]["member"]), entry["data"]["texts"]
        if "name" in texts:
            person.name = self.text(texts["name"])
        if "handle" in texts:
            person.handle = self.text(texts["handle"])
        if "email" in texts:
            person.email = self.text(texts["email"])

    def _imported(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        ref = entry["data"]["action"]
        self._check_new(ref)
        told = imported_action(entry["data"], self.text)
        if told.course is not None:
            self._check_course(told, told.course, recorded or at)
        self.imported[ref] = told

    def _check_course(self, action: ImportedAction, course: Course, recorded: datetime) -> None:
        """How a vote went must fit with its tally, and be over."""
        votes, choices = course.votes, [one.choice for one in course.votes]
        tally = (choices.count(Choice.FOR), choices.count(Choice.AGAINST), len(choices))
        if tally != (action.for_, action.against, action.expressed):
            raise _forged(say("the votes on {ref} are not its tally", ref=action.ref))
        if len({self.person(one.by).id for one in votes}) != len(votes):
            raise _forged(say("somebody voted twice on {ref}", ref=action.ref))
        instants = [course.decided_at, *(one.at for one in votes)]
        if course.state not in _DECISIONS or not all(
            course.proposed_at <= one <= recorded for one in instants
        ):
            raise _forged(say("the vote on {ref} was not over", ref=action.ref))

    def _check_new(self, ref: str) -> None:
        if ref in self._proposed or ref in self.imported:
            raise _forged(say("the number of {ref} is already used", ref=ref))

    # --- what was done ---------------------------------------------------------------------------

    def _read_proposal(self, entry: Body, at: datetime, recorded: datetime | None) -> h.Proposed:
        data = entry["data"]
        self._check_new(data["action"])
        texts = data["texts"]
        kind, number = kind_and_number(data["action"])
        self._proposed.add(data["action"])
        effects = tuple(self._effect(data["action"], one) for one in data.get("effects", ()))
        return h.Proposed(
            at=at,
            recorded_at=recorded,
            kind=kind,
            by=entry["by"],
            object=self.text(texts["object"]),
            number=number,
            leader=data.get("leader"),
            link=self.text(texts["link"]) if "link" in texts else None,
            condition=self.text(texts["condition"]) if "condition" in texts else None,
            effects=effects,
        )

    def _effect(self, ref: str, data: Mapping[str, Any]) -> h.Effect:
        if "amend_charter" in data:
            charter = self._charters[ref] = read_charter(data["amend_charter"])
            return h.AmendCharter(charter)
        return h.GrantVotingRight(data["grant_voting_right"])

    def _counter_vote_called(
        self, entry: Body, at: datetime, recorded: datetime | None
    ) -> h.CounterVoteCalled:
        data = entry["data"]
        return h.CounterVoteCalled(
            at=at,
            recorded_at=recorded,
            action=data["action"],
            by=entry["by"],
            reason=self.text(data["texts"]["reason"]) if "reason" in data["texts"] else "",
        )

    def _amended(self, entry: Body, at: datetime, recorded: datetime | None) -> h.Amended:
        data = entry["data"]
        return h.Amended(
            at=at,
            recorded_at=recorded,
            action=data["action"],
            by=entry["by"],
            object=self.text(data["texts"]["object"]),
        )

    def _condition_met(self, entry: Body, at: datetime, recorded: datetime | None) -> h.Event:
        return h.ConditionMet(
            at=at,
            recorded_at=recorded,
            action=entry["data"]["action"],
            by=entry["by"],
            note=self._told(entry, "note"),
        )

    def _followed_up(self, entry: Body, at: datetime, recorded: datetime | None) -> h.Event:
        data = entry["data"]
        return h.FollowedUp(
            at=at,
            recorded_at=recorded,
            action=data["action"],
            by=entry["by"],
            follow_up=FollowUp(data["follow_up"]),
            note=self._told(entry, "note"),
            links=tuple(self._told(entry, "links").split()),
        )

    def _told(self, entry: Body, name: str) -> str:
        commitment = entry["data"].get("texts", {}).get(name)
        return self.text(commitment) if commitment else ""

    def _decided(self, entry: Body, at: datetime, recorded: datetime | None) -> h.DecisionRecorded:
        data = entry["data"]
        self._check_decided(data["action"], at, recorded)
        state = State.ADOPTED if entry["kind"] == "action.adopted" else State.CANCELLED
        decision = h.Decision(
            state=state,
            how=How(data["how"]),
            at=at,
            roll=data["roll"],
            tally=_tally(data, ""),
            counter_vote=_tally(data, "counter_") if "counter_for" in data else None,
            contested=bool(data.get("contested")),
            unread=bool(data.get("unread")),
        )
        return h.DecisionRecorded(
            at=at,
            recorded_at=recorded,
            action=data["action"],
            decision=decision,
            charter=self._charter_of(data),
        )

    def _check_decided(self, ref: str, at: datetime, recorded: datetime | None) -> None:
        """A decision is written down once, after its instant is over."""
        if ref not in self._proposed:
            raise _forged(say("no entry before it proposes {ref}", ref=ref))
        if ref in self._decisions:
            raise _forged(say("the decision on {ref} is recorded twice", ref=ref))
        if recorded is None:
            raise _forged(say("the decision was recorded before its instant was over"))
        self._decisions.add(ref)

    def _charter_of(self, data: Mapping[str, Any]) -> h.CharterVersion:
        if "charter_by" not in data:
            if self.charter is None:
                raise ValueError("no association")
            return h.CharterVersion(1, self.charter, None)
        return h.CharterVersion(
            number=data["charter"],
            charter=self._charters[data["charter_by"]],
            since=read_instant(data["charter_since"]),
            by_action=data["charter_by"],
        )


class _Others:
    """The entries that no rule looks at: what they change must be there."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.periods: set[str] = set()
        self.roles: dict[str, date] = {}
        """The first day of each."""
        self.journal: dict[str, bool] = {}
        """Whether an entry is still in it."""

    def check(self, entry: Body, recorded: datetime) -> None:
        """Take the next one. Raises `Refusal` and what `Record.add` makes one of."""
        kind, data = entry["kind"], entry["data"]
        what, _, _ = kind.partition(".")
        match what:
            case "association" | "report" | "settings":
                self._told(kind, data)
            case "period":
                self._period(kind, data)
            case "member" | "account":
                self._account(kind, entry, recorded)
            case "role":
                self._role(kind, data)
            case "journal":
                self._journal(kind, data)
            case "texts":
                self._erased(kind, entry, recorded)
            case _:
                raise _unknown()

    def _told(self, kind: str, data: Mapping[str, Any]) -> None:
        match kind:
            case "association.changed":
                _strings(*(data[name] for name in ("time_zone", "language") if name in data))
            case "settings.changed":
                switches, texts = data.get("switches", {}), data.get("texts", {})
                if not (switches or texts) or not all(
                    type(one) is int and one in (0, 1) for one in switches.values()
                ):
                    raise ValueError("no setting")
            case "report.worded":
                _texts_of(data, "period", "content")
            case "report.published":
                _texts_of(data, "period")
                _strings(*data["files"], *data["files"].values())
            case _:
                raise _unknown()

    def _account(self, kind: str, entry: Body, recorded: datetime) -> None:
        person = self.record.person(entry["data"]["member"])
        match kind:
            case "account.closed":
                return
            case "account.claimed":
                if entry["by"] != person.id:
                    raise _forged(say("an account is made by its own member"))
            case "member.invited":
                pass
            case _:
                raise _unknown()
        if not any(
            one.joined <= recorded and (one.left is None or one.left > recorded)
            for one in person.memberships
        ):
            raise _forged(say("{member} is no member on {at}", member=person.id, at=recorded))

    def _period(self, kind: str, data: Mapping[str, Any]) -> None:
        id = data["period"]
        match kind:
            case "period.added":
                _texts_of(data, "name")
                self.periods.add(_new(id, self.periods))
            case "period.changed":
                _there(id, self.periods)
            case "period.removed":
                self.periods.remove(_there(id, self.periods))
                return
            case _:
                raise _unknown()
        _strings(data["last"])
        _check_days(date.fromisoformat(data["first"]), data["last"])

    def _role(self, kind: str, data: Mapping[str, Any]) -> None:
        id = data["role"]
        match kind:
            case "role.given":
                _texts_of(data, "role")
                self.record.person(data["member"])
                self.roles[_new(id, self.roles)] = date.fromisoformat(data["first"])
                _check_days(self.roles[id], data.get("last"))
            case "role.ended":
                _strings(data["last"])
                _check_days(self.roles[_there(id, self.roles)], data["last"])
            case _:
                raise _unknown()

    def _journal(self, kind: str, data: Mapping[str, Any]) -> None:
        id, journal = data["entry"], self.journal
        match kind:
            case "journal.added":
                _texts_of(data, "content")
                if data["number"] != len(journal) + 1:
                    raise _forged(
                        say("the next journal entry has the number {n}", n=len(journal) + 1)
                    )
                journal[_new(id, journal)] = True
            case "journal.changed" | "journal.removed":
                if not journal[_there(id, journal)]:
                    raise _forged(say("it changes what is not there"))
                if kind == "journal.changed":
                    _texts_of(data, "content")
                journal[id] = kind == "journal.changed"
            case _:
                raise _unknown()

    def _erased(self, kind: str, entry: Body, recorded: datetime) -> None:
        if kind != "texts.erased":
            raise _unknown()
        data, record = entry["data"], self.record
        for commitment in data["commitments"]:
            if commitment not in record.commitments and commitment not in record.operators:
                raise _forged(say("it erases a text that no entry before it holds"))
            record.erased.setdefault(commitment, entry["seq"])
        if "member" in data:
            left = record.person(data["member"]).memberships[-1].left
            if left is None or left > recorded:
                raise _forged(
                    say(
                        "{member} is a member, whom the others have to be able to name",
                        member=data["member"],
                    )
                )
            record.forgotten.add(data["member"])


def _forged(why: Sentence) -> Refusal:
    """The refusal of what no command writes."""
    return Refusal(why, say("take the ledger from a backup, and report it"))


def _unknown() -> Refusal:
    return _forged(say("it is of a kind that this version does not know"))


def _committed(commitment: str) -> str:
    if not _COMMITMENT.fullmatch(commitment):
        raise _forged(say("it holds something else in place of a commitment"))
    return commitment


def _texts_of(data: Mapping[str, Any], *names: str) -> None:
    for name in names:
        data["texts"][name]


def _strings(*values: object) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("no text")


def _new(id: str, known: Container[str]) -> str:
    if id in known:
        raise _forged(say("it adds what is there already"))
    _strings(id)
    return id


def _there(id: str, known: Container[str]) -> str:
    if id not in known:
        raise _forged(say("it changes what is not there"))
    return id


def _check_days(first: date, last: str | None) -> None:
    if last is not None and date.fromisoformat(last) < first:
        raise _forged(
            say("this ends before it begins: {last} is before {first}", first=first, last=last)
        )


def _after(at: datetime, recorded: datetime | None) -> datetime | None:
    """When a change was recorded, if that was after the fact."""
    return recorded if recorded is not None and recorded > at else None


def _tally(data: Mapping[str, Any], prefix: str) -> h.Tally:
    return h.Tally(data[f"{prefix}for"], data[f"{prefix}against"], data[f"{prefix}abstain"])


def _kept(event: h.VoteCast | h.VoteWithdrawn) -> dict[str, Any]:
    return {"kept": True} if event.kept else {}


def _vote_cast(entry: Body, at: datetime, recorded: datetime | None) -> h.VoteCast:
    data = entry["data"]
    return h.VoteCast(
        at=at,
        recorded_at=recorded,
        action=data["action"],
        by=entry["by"],
        choice=CHOICES[data["choice"]],
        ballot=BALLOTS[data["ballot"]],
        kept=data.get("kept", False),
    )


def _vote_withdrawn(entry: Body, at: datetime, recorded: datetime | None) -> h.VoteWithdrawn:
    data = entry["data"]
    return h.VoteWithdrawn(
        at=at,
        recorded_at=recorded,
        action=data["action"],
        by=entry["by"],
        ballot=BALLOTS[data["ballot"]],
        kept=data.get("kept", False),
    )


def _withdrawn(entry: Body, at: datetime, recorded: datetime | None) -> h.Withdrawn:
    return h.Withdrawn(at=at, recorded_at=recorded, action=entry["data"]["action"], by=entry["by"])


def _handed_over(entry: Body, at: datetime, recorded: datetime | None) -> h.HandedOver:
    data = entry["data"]
    return h.HandedOver(
        at=at, recorded_at=recorded, action=data["action"], by=entry["by"], to=data["to"]
    )


def _right_granted(entry: Body, at: datetime, recorded: datetime | None) -> h.RightGranted:
    if entry["via"] != "import":
        raise _forged(say("only a history that is imported grants the right to vote outright"))
    return h.RightGranted(
        at=at, recorded_at=recorded, member=entry["data"]["member"], by=entry.get("by")
    )
