"""The tables of actions: how an entry changes them, and how they are made anew.

An entry is played by the core itself (`toutdoux.core.replay.Play`), which goes on from the rows
that the entry is about. Nearly all entries come in order of time, and touch one action. What is
told after the fact, before something that was already played, makes the whole history be played
again from the entries, and the rows that differ be written anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson
from django.db.models import F, Max, Q

from toutdoux.association import people
from toutdoux.association.models import CharterVersion, Member, Membership
from toutdoux.core import action as core
from toutdoux.core import history as h
from toutdoux.core.chain import Body
from toutdoux.core.decision import settling
from toutdoux.core.entries import Record, charter_data, draft, imported_action, read_instant
from toutdoux.core.late import Recording, may_record
from toutdoux.core.replay import (
    STEP,
    UNDECIDED,
    EventRefused,
    Play,
    Standing,
    number_used,
    replay,
)
from toutdoux.core.words import Refusal, say
from toutdoux.ledger import book, tables
from toutdoux.ledger.book import Writer, projects

from . import models
from .comparing import differing
from .rows import (
    STORED,
    VOTE,
    Row,
    VoteRow,
    action_of,
    columns,
    course_columns,
    due_at,
    votes_of,
)


class _Taken:
    """The references that are used, asked of the tables one by one."""

    def __init__(self, association: str) -> None:
        self.association = association

    def __contains__(self, ref: object) -> bool:
        return any(
            tables.find(table, ("id",), association_id=self.association, ref=ref)
            for table in (models.Action, models.ImportedAction)
        )


class Stage:
    """A few actions of an association taken from the tables, played on, and put back."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.association = writer.id
        self.charters = people.charters(self.association)
        self.granted: dict[str, tuple[datetime, int]] = {}
        self.members = people.Members(self.association, self.granted)
        self.rows: dict[str, Row] = {}
        self._votes: dict[str, dict[tuple[str, str, bool], VoteRow]] = {}
        self._ballots: dict[str, core.Ballot] = {}
        self._versions: dict[str, int] = {}
        self.play = Play(
            self.members,
            self.charters,
            now=writer.played_until,
            granted=self.granted,
            taken=_Taken(self.association),
        )
        self.play.place = STEP * writer.length

    # --- taking from the tables ------------------------------------------------------------------

    def prepare(self, until: datetime, event: h.Event | None = None) -> None:
        """Take what the next event, and what is due until then, will touch."""
        leaving = self._leaving(until)
        acting = [*leaving]
        by, ref = getattr(event, "by", None), getattr(event, "action", None)
        if by is not None and by not in leaving:
            acting.append(by)
        rows = self._due(until, leaving)
        if ref is not None and all(row["ref"] != ref for row in rows):
            rows += self._rows(ref=ref)
        for row in sorted(rows, key=itemgetter("order")):
            self._take(row, acting, with_versions=isinstance(event, h.Amended))
        if isinstance(event, h.Proposed):
            last = models.Action.objects.filter(association=self.association).aggregate(
                last=Max("order")
            )["last"]
            self.play.proposed = 0 if last is None else last + 1
        for member in leaving:
            self.play.expect_departures(self.members[member])

    def _due(self, until: datetime, leaving: set[str]) -> list[Row]:
        """The actions that time, or somebody's departure, does something to."""
        if self.writer.due_at is None or self.writer.due_at > until:
            return []
        rows = models.Action.objects.filter(association=self.association)
        if leaving:
            rows = rows.filter(state__in=[state.value for state in UNDECIDED])
        else:
            rows = rows.filter(due_at__lte=until, recorded=False)
        return list(rows.order_by().values(*STORED))

    def _rows(self, **equal: Any) -> list[Row]:
        found = tables.find(models.Action, STORED, association_id=self.association, **equal)
        return [dict(zip(STORED, row, strict=True)) for row in found]

    def _leaving(self, until: datetime) -> set[str]:
        """Who leaves, by what is recorded, after what was played and until an instant."""
        played, due = self.writer.played_until, self.writer.due_at
        if due is None or due > until:
            return set()
        after = Q() if played is None else Q(left__gt=played) | Q(left_recorded__gt=played)
        rows = Membership.objects.filter(
            after, member__association=self.association, left__isnull=False, left__lte=until
        )
        return set(rows.order_by().values_list("member_id", flat=True))

    def _take(self, row: Row, acting: list[str], *, with_versions: bool) -> None:
        told = [
            vote
            for member in acting
            for vote in tables.find(models.Vote, VOTE, action_id=row["id"], member=member)
        ]
        versions = []
        if with_versions:
            known = tables.find(models.Version, ("at", "object"), "number", action_id=row["id"])
            versions = [core.Version(*one) for one in known]
        action = action_of(row, self.charters, told, versions)
        self.rows[action.ref] = row
        self._votes[action.ref] = {one[:3]: one for one in told}
        self._ballots[action.ref] = action.ballot
        self._versions[action.ref] = len(versions)
        for effect in action.effects:
            if isinstance(effect, h.GrantVotingRight):
                self.members.get(effect.member)  # an earlier grant must be known
        self.play.put(action)

    # --- playing ---------------------------------------------------------------------------------

    def in_order(self, event: h.Event) -> bool:
        """Whether nothing was played that comes after the event, nor anything at its very instant
        that the two could change for each other."""
        played = self.writer.played_until
        if played is None or event.at > played:
            return True
        if event.at < played:
            return False
        of = {"association": self.association}
        return not (
            models.Action.objects.filter(decided_at=event.at, **of).exists()
            or Member.objects.filter(granted_at=event.at, **of).exists()
            or CharterVersion.objects.filter(since=event.at, **of).exists()
        )

    def changes_only_its_tally(self, event: h.Event, seq: int) -> bool:
        """Whether a vote told for an instant before what was played changes nothing of that but its
        ballot: then it need not be played where it belongs, and can be as if it came last.

        It is so if all that happened to its action since are votes of others, and if the action was
        decided before, or no vote since can have been the one that decides, with this one or
        without: then nobody else could notice it. Where it is not sure, the answer is no.

        Args:
            event: what was told.
            seq: the number of its entry.
        """
        if not isinstance(event, h.VoteCast | h.VoteWithdrawn):
            return False
        rows, since = self._rows(ref=event.action), self._since(event, seq)
        if not rows or any(
            one["kind"] not in ("vote.cast", "vote.withdrawn") or one["by"] == event.by
            for one in since
        ):
            return False
        action = action_of(rows[0], self.charters)
        if action.decision is not None:
            return action.decision.at < event.at
        ballot, leaving = action.ballot_named(event.ballot), self._left_since(event.at)
        # While it is contested, the last one against may be the one who was.
        if ballot is None or action.state is h.State.CONTESTED or event.by in leaving:
            return False
        # At no moment since were there more votes than now and all that may have gone; and as the
        # roll only gets shorter, it never took fewer to decide.
        gone = len(since) + len(leaving)
        choice = event.choice if isinstance(event, h.VoteCast) else None
        for_, against = settling(action)
        return (
            ballot.for_ + gone + (choice is h.Choice.FOR) < for_
            and ballot.against + gone + (choice is h.Choice.AGAINST) < against
        )

    def _since(self, event: h.ActionEvent, seq: int) -> list[Body]:
        """What was recorded of an action before an entry, and counts after its event."""
        found = []
        for body in book.newest_about(self.association, event.action[:40], seq):
            entry: Body = orjson.loads(body)
            if read_instant(entry["recorded_at"]) <= event.at:
                break  # nothing counts later than it was recorded
            if read_instant(entry["at"]) > event.at:
                found.append(entry)
        return found

    def _left_since(self, instant: datetime) -> set[str]:
        """Who may have been struck off a roll since an instant, by what was played."""
        until = self.writer.played_until
        return set() if until is None else people.who_left(self.association, instant, until)

    # --- putting back ----------------------------------------------------------------------------

    def save(self) -> None:
        """Write what has changed."""
        for action in self.play.actions.values():
            self._save(action)
        save_charters(self.association, self.play.charters, len(self.charters))
        if self.granted != self.members.granted_before:
            save_grants(self.association, self.members.granted_before, self.granted)
        instants = (self.writer.played_until, self.play.happened)
        self.writer.played_until = max((one for one in instants if one is not None), default=None)

    def _save(self, action: core.Action) -> None:
        row = self.rows.get(action.ref)
        values = {**columns(action), "opened_place": action.opening.place}
        if row is None:
            made = models.Action(association_id=self.association, **values)
            made.save(force_insert=True)
            pk = made.pk
        else:
            pk = row["id"]
            changed = {name: value for name, value in values.items() if row[name] != value}
            if changed:
                tables.update(models.Action, changed, id=pk)
        self.writer.expect(due_at(action))
        self._save_versions(pk, action)
        self._save_votes(pk, action)

    def _save_versions(self, pk: int, action: core.Action) -> None:
        before = self._versions.get(action.ref, 0)
        for number, one in enumerate(action.versions, 1):
            if number >= before:  # the last one may have been corrected
                models.Version.objects.update_or_create(
                    action_id=pk, number=number, defaults={"at": one.at, "object": one.object}
                )

    def _save_votes(self, pk: int, action: core.Action) -> None:
        before, after = self._votes.get(action.ref, {}), votes_of(action)
        ballot = self._ballots.get(action.ref)
        if ballot is not None and ballot is not action.ballot:  # amended: the vote starts again
            tables.delete(models.Vote, action_id=pk)
            before = {}
        write_votes(pk, before, after)


def write_votes(
    action: int,
    before: dict[tuple[str, str, bool], VoteRow],
    after: dict[tuple[str, str, bool], VoteRow],
) -> None:
    """Write the votes of an action that differ."""
    for key in before.keys() - after.keys():
        tables.delete(models.Vote, action_id=action, **dict(zip(VOTE, key, strict=False)))
    for key, row in after.items():
        if before.get(key) != row:
            values = dict(zip(VOTE, row, strict=True))
            if key in before:
                said = {name: values.pop(name) for name in VOTE[:3]}
                tables.update(models.Vote, values, action_id=action, **said)
            else:
                tables.insert(models.Vote, {"action_id": action, **values})


def save_charters(association: str, charters: Sequence[h.CharterVersion], known: int) -> None:
    for one in charters[known:]:
        CharterVersion.objects.create(
            association_id=association,
            number=one.number,
            rules=dict(charter_data(one.charter)),
            since=one.since,
            by_action=one.by_action,
        )


def save_grants(
    association: str,
    before: Mapping[str, tuple[datetime, int]],
    granted: Mapping[str, tuple[datetime, int]],
) -> None:
    for member, (at, place) in granted.items():
        if before.get(member) != (at, place):
            Member.objects.filter(pk=member).update(granted_at=at, granted_place=place)
    for member in before.keys() - granted.keys():
        Member.objects.filter(pk=member).update(granted_at=None, granted_place=None)


# --- what entries change -------------------------------------------------------------------------


@projects(
    "action.proposed",
    "vote.cast",
    "vote.withdrawn",
    "counter_vote.called",
    "action.amended",
    "action.withdrawn",
    "action.handed_over",
    "condition.met",
    "action.followed_up",
    "right.granted",
)
def play_entry(writer: Writer, entry: Body) -> None:
    """Play an entry on from where the tables stand. Raises `Refusal` if it makes no sense."""
    event = Record().add(entry)
    assert event is not None
    stage = Stage(writer)
    if isinstance(event, h.Proposed) and entry["data"]["action"] in stage.play.taken:
        raise number_used(entry["data"]["action"])  # whichever instant it is told for
    if not (stage.in_order(event) or stage.changes_only_its_tally(event, entry["seq"])):
        play_all(writer, event)
        return
    stage.prepare(event.at, event)
    stage.play.take(event, STEP * entry["seq"])
    stage.play.settle()
    stage.save()


@projects("member.joined", "member.returned", "member.left")
def _membership_changed(writer: Writer, entry: Body) -> None:
    """A change of membership acts when time comes to it; at an instant that was already played,
    it acts on what was played there. What was told when it was over knows of departures from
    their very day."""
    played = writer.played_until
    if played is None:
        return
    day = read_instant(entry["at"])
    told = models.Action.objects.filter(
        association=writer.id, opened_known__gte=F("window_end"), closes_at__gt=day
    )
    acts_at = read_instant(max(entry["at"], entry["recorded_at"]))
    if acts_at <= played or (day <= played and told.exists()):
        play_all(writer)


@projects("action.adopted", "action.cancelled")
def _decided(writer: Writer, entry: Body) -> None:
    """A decision was written down: the row already says it."""
    data = entry["data"]
    row = models.Action.objects.get(association=writer.id, ref=data["action"])
    assert row.decision is not None
    row.decision["unread"] = bool(data.get("unread"))
    row.recorded, row.due_at = True, None
    row.save(update_fields=["decision", "recorded", "due_at"])


@projects("action.imported")
def _imported(writer: Writer, entry: Body) -> None:
    one = imported_action(entry["data"])
    models.ImportedAction.objects.create(
        association_id=writer.id,
        ref=one.ref,
        kind=one.kind.value,
        number=one.number,
        object=one.object,
        leader=one.leader or None,
        leader_id=one.leader_id,
        date=one.date,
        votes_for=one.for_,
        votes_against=one.against,
        expressed=one.expressed,
        link=one.link,
        **course_columns(one.course),
    )


def settle(writer: Writer, now: datetime) -> None:
    """Let what is due take place, and write down the decisions that can be.

    Args:
        writer: the ledger being written.
        now: the present instant, in UTC.
    """
    if writer.due_at is None or writer.due_at > now:
        return
    if writer.played_until is None or now > writer.played_until:
        stage = Stage(writer)
        stage.prepare(now)
        stage.play.settle(now)
        stage.save()
    _record_decisions(writer, now)
    writer.due_at = next_due(writer.id, writer.played_until)


def _record_decisions(writer: Writer, now: datetime) -> None:
    charters = people.charters(writer.id)
    rows = models.Action.objects.filter(
        association=writer.id, due_at__lte=now, recorded=False, decided_at__isnull=False
    )
    carried = models.Carried.objects.filter(chat__association=writer.id)
    for row in rows.order_by("decided_at", "order").values(*STORED):
        action = action_of(row, charters)
        assert action.decision is not None
        read_until = carried.filter(action=action.ref).values_list("chat__until", flat=True)
        can = may_record(action.decision.at, read_until, now)
        if can is not Recording.WAIT:
            event = h.DecisionRecorded(
                at=action.decision.at,
                action=action.ref,
                decision=replace(action.decision, unread=can is Recording.UNREAD),
                charter=action.charter,
            )
            writer.append(draft(event), at=event.at, subject=action.ref)


def next_due(association: str, played: datetime | None) -> datetime | None:
    rows = models.Action.objects.filter(association=association, due_at__isnull=False)
    first = rows.order_by("due_at").values_list("due_at", flat=True).first()
    ends = Membership.objects.filter(member__association=association, left__isnull=False)
    if played is not None:
        ends = ends.filter(Q(left__gt=played) | Q(left_recorded__gt=played))
    leaving = [
        left if played is None or (left is not None and left > played) else recorded
        for left, recorded in ends.values_list("left", "left_recorded")
    ]
    return min([one for one in (first, *leaving) if one is not None], default=None)


# --- making the tables anew ----------------------------------------------------------------------


def record_of(ledger: str) -> Record:
    """All that a ledger tells, texts left as commitments."""
    record = Record()
    for _, body, _ in book.rows(ledger):
        record.add(orjson.loads(body))
    return record


def play_all(writer: Writer, event: h.Event | None = None) -> None:
    """Play the whole history again, and write anew the rows that differ.

    `event` is the one that made it necessary: if it makes no sense, it is refused.
    """
    record = record_of(writer.id)
    history = record.history()
    played = writer.played_until
    instants = [played, event.at if event is not None else None]
    at = max([one for one in instants if one is not None], default=None)
    try:
        standing = replay(history, at)
    except EventRefused as refused:
        if event is not None and refused.index == len(history.events) - 1:
            raise refused.refusal from None
        raise Refusal(
            say("the entries do not follow from each other"),
            say("look at it with toutdoux verify"),
        ) from refused
    if event is not None and not isinstance(event, h.VoteCast | h.VoteWithdrawn):
        _check_nothing_is_undone(history, standing, at)
    write_standing(writer.id, standing)
    writer.played_until = at
    writer.due_at = next_due(writer.id, at)


def _check_nothing_is_undone(history: h.History, standing: Standing, at: datetime | None) -> None:
    """Refuse the last event if it makes senseless what was acknowledged before it.

    A vote may do so (rules, "Late knowledge"); whoever tells something else can tell it as of now.
    """
    before = replay(replace(history, events=history.events[:-1], seqs=history.seqs[:-1]), at)
    undone = set(standing.void) - set(before.void)
    if undone:
        event = history.events[min(undone)]
        raise Refusal(
            say(
                "this would undo what was recorded of {ref} since, on {at}",
                ref=getattr(event, "action", ""),
                at=event.at,
            ),
            say("say it as of now, not for an earlier instant"),
        )


def write_standing(association: str, standing: Standing) -> None:
    """Make the tables say what a standing says."""
    known = CharterVersion.objects.filter(association=association).order_by("number")
    same = 0
    for row, one in zip(known, standing.charters, strict=False):
        told = (one.since, one.by_action, dict(charter_data(one.charter)))
        if (row.since, row.by_action, row.rules) != told:
            break
        same += 1
    # Rows that differ are made anew, so that whoever keeps a row's charter in mind notices.
    known.filter(number__gt=same).delete()
    save_charters(association, standing.charters, same)
    save_grants(association, people.granted(association), standing.granted)
    _write_anew(association, standing, list(differing(association, standing, places=True)))


def _write_anew(association: str, standing: Standing, refs: Sequence[str]) -> None:
    """Write the rows of some actions anew, their votes and versions with them."""
    rows: dict[str, models.Action] = {}
    for start in range(0, len(refs), 500):
        known = models.Action.objects.filter(
            association=association, ref__in=refs[start : start + 500]
        )
        rows |= {row.ref: row for row in known}
    for row in rows.values():
        models.Vote.objects.filter(action_id=row.pk).delete()
        models.Version.objects.filter(action_id=row.pk).delete()
        if row.ref not in standing.actions:
            row.delete()
    new: list[models.Action] = []
    actions = [standing.actions[ref] for ref in refs if ref in standing.actions]
    for action in actions:
        values = {**columns(action), "opened_place": action.opening.place}
        if action.ref in rows:
            models.Action.objects.filter(pk=rows[action.ref].pk).update(**values)
        else:
            new.append(models.Action(association_id=association, **values))
    rows |= {row.ref: row for row in models.Action.objects.bulk_create(new, batch_size=500)}
    models.Version.objects.bulk_create(
        (
            models.Version(
                action_id=rows[action.ref].pk, number=number, at=one.at, object=one.object
            )
            for action in actions
            for number, one in enumerate(action.versions, 1)
        ),
        batch_size=2_000,
    )
    for start in range(0, len(actions), 200):
        models.Vote.objects.bulk_create(
            [
                _vote_row(rows[action.ref].pk, one)
                for action in actions[start : start + 200]
                for one in votes_of(action).values()
            ],
            batch_size=2_000,
        )


def _vote_row(action: int, row: VoteRow) -> models.Vote:
    ballot, member, counted, choice, at, recorded_at = row
    return models.Vote(
        action_id=action,
        ballot=ballot,
        member=member,
        counted=counted,
        choice=choice,
        at=at,
        recorded_at=recorded_at,
    )
