"""What entries say: events as they are written into the ledger, and a history read back from it.

An entry's `data` holds strings and integers only. Persons are opaque ids; texts are commitments,
under `texts`, by what they are (`object`, `reason` …). Who reads a history back gives the texts, or
leaves the commitments where they are: no rule looks at a text.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from . import history as h
from .chain import FORMAT, Body, stamp
from .charter import Charter, Kind, read_charter
from .history import BallotName, Choice, FollowUp, How, State
from .roll import Member, Membership
from .words import Refusal, say

Texts = Mapping[str, str]
"""By what they are (`object`, `reason` …): texts on the way in, commitments in an entry."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be: its kind, its data, and the texts that will stand in it as commitments."""

    kind: str
    data: Mapping[str, object]
    texts: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ImportedAction:
    """An action known from a table that was kept by hand: its tally, without its votes."""

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
            return Draft("vote.cast", {"action": ref, "ballot": ballot, "choice": choice})
        case h.VoteWithdrawn(action=ref, ballot=ballot):
            return Draft("vote.withdrawn", {"action": ref, "ballot": ballot})
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
    texts = _texts(leader=action.leader, link=action.link)
    return Draft("action.imported", data, {"object": action.object, **texts})


Vote = tuple[int, str, str, str, str, str, str]


def brief(entry: Body) -> Vote | None:
    """What an entry says if it is a vote: number, the two instants, action, member, choice, ballot.

    Nearly all entries are votes, and a verifier hands them from one process to another.
    """
    if entry["kind"] != "vote.cast":
        return None
    data = entry["data"]
    return (
        entry["seq"],
        entry["at"],
        entry["recorded_at"],
        data["action"],
        entry["by"],
        data["choice"],
        data["ballot"],
    )


CHOICES = {choice.value: choice for choice in Choice}
BALLOTS = {name.value: name for name in BallotName}


def vote_event(vote: Vote) -> h.VoteCast:
    """The event of a vote, by what `brief` says of it."""
    _, at, recorded, action, by, choice, ballot = vote
    if recorded < at:
        raise Refusal(say("it was recorded before it happened"), say("report it"))
    return h.VoteCast(
        at=read_instant(at),
        recorded_at=None if recorded == at else read_instant(recorded),
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

    def member(self) -> Member:
        return Member(self.id, self.name, self.memberships, self.founder)


def read_instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Record:
    """The history that a ledger tells, read entry by entry.

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
            "action.proposed": self._proposed,
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
        read = self._readers.get(entry["kind"])
        try:
            for commitment in entry["data"].get("texts", {}).values():
                self.commitments.setdefault(commitment, entry["seq"])
            if read is None:
                self.others.append(entry)
                return None
            at, recorded = entry["at"], entry["recorded_at"]
            event = read(
                entry, read_instant(at), None if recorded == at else read_instant(recorded)
            )
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            raise Refusal(
                say("it is no entry of this format"),
                say("take the ledger from a backup, and report it"),
            ) from None
        if isinstance(event, h.Event):
            if recorded < at:
                raise Refusal(say("it was recorded before it happened"), say("report it"))
            self.events.append(event)
            self.seqs.append(entry["seq"])
            return event
        return None

    def add_vote(self, vote: Vote) -> None:
        """The same for a vote, by what `brief` says of it."""
        event = vote_event(vote)
        # One text for all that name the same: there are many votes, and few of these.
        event.action = self._known.setdefault(event.action, event.action)
        event.by = self._known.setdefault(event.by, event.by)
        self.events.append(event)
        self.seqs.append(vote[0])

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
        self.founding = entry
        self.charter = read_charter(data["charter"])

    def _joined(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        data = entry["data"]
        self.people[data["member"]] = Person(
            id=data["member"],
            name=self.text(data["texts"]["name"]),
            handle=self.text(data["texts"]["handle"]),
            memberships=[Membership(at, joined_recorded=_after(at, recorded))],
            founder=bool(data.get("founder")),
        )

    def _returned(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        person = self.people[entry["data"]["member"]]
        person.memberships.append(Membership(at, joined_recorded=_after(at, recorded)))
        person.member()  # refuses what overlaps

    def _left(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        person = self.people[entry["data"]["member"]]
        last = person.memberships[-1]
        person.memberships[-1] = Membership(
            last.joined,
            at,
            joined_recorded=last.joined_recorded,
            left_recorded=_after(at, recorded),
        )
        person.member()

    def _renamed(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        person, texts = self.people[entry["data"]["member"]], entry["data"]["texts"]
        if "name" in texts:
            person.name = self.text(texts["name"])
        if "handle" in texts:
            person.handle = self.text(texts["handle"])

    def _imported(self, entry: Body, at: datetime, recorded: datetime | None) -> None:
        data, ref = entry["data"], entry["data"]["action"]
        kind, number = kind_and_number(ref)
        texts = data["texts"]
        self.imported[ref] = ImportedAction(
            ref=ref,
            kind=kind,
            number=number,
            object=self.text(texts["object"]),
            leader=self.text(texts["leader"]) if "leader" in texts else "",
            leader_id=data.get("leader"),
            date=date.fromisoformat(data["date"]),
            for_=data["for"],
            against=data["against"],
            expressed=data["expressed"],
            link=self.text(texts["link"]) if "link" in texts else None,
        )

    # --- what was done ---------------------------------------------------------------------------

    def _proposed(self, entry: Body, at: datetime, recorded: datetime | None) -> h.Proposed:
        data = entry["data"]
        texts = data["texts"]
        kind, number = kind_and_number(data["action"])
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

    def _charter_of(self, data: Mapping[str, Any]) -> h.CharterVersion:
        if "charter_by" not in data:
            assert self.charter is not None
            return h.CharterVersion(1, self.charter, None)
        return h.CharterVersion(
            number=data["charter"],
            charter=self._charters[data["charter_by"]],
            since=read_instant(data["charter_since"]),
            by_action=data["charter_by"],
        )


def _after(at: datetime, recorded: datetime | None) -> datetime | None:
    """When a change was recorded, if that was after the fact."""
    return recorded if recorded is not None and recorded > at else None


def _tally(data: Mapping[str, Any], prefix: str) -> h.Tally:
    return h.Tally(data[f"{prefix}for"], data[f"{prefix}against"], data[f"{prefix}abstain"])


def _vote_cast(entry: Body, at: datetime, recorded: datetime | None) -> h.VoteCast:
    data = entry["data"]
    return h.VoteCast(
        at=at,
        recorded_at=recorded,
        action=data["action"],
        by=entry["by"],
        choice=CHOICES[data["choice"]],
        ballot=BALLOTS[data["ballot"]],
    )


def _vote_withdrawn(entry: Body, at: datetime, recorded: datetime | None) -> h.VoteWithdrawn:
    data = entry["data"]
    return h.VoteWithdrawn(
        at=at,
        recorded_at=recorded,
        action=data["action"],
        by=entry["by"],
        ballot=BALLOTS[data["ballot"]],
    )


def _withdrawn(entry: Body, at: datetime, recorded: datetime | None) -> h.Withdrawn:
    return h.Withdrawn(at=at, recorded_at=recorded, action=entry["data"]["action"], by=entry["by"])


def _handed_over(entry: Body, at: datetime, recorded: datetime | None) -> h.HandedOver:
    data = entry["data"]
    return h.HandedOver(
        at=at, recorded_at=recorded, action=data["action"], by=entry["by"], to=data["to"]
    )


def _right_granted(entry: Body, at: datetime, recorded: datetime | None) -> h.RightGranted:
    return h.RightGranted(
        at=at, recorded_at=recorded, member=entry["data"]["member"], by=entry.get("by")
    )
