"""What the layers below know, in the shapes that the API tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.http import Http404

from toutdoux.actions import reading, searching
from toutdoux.actions.models import Action as ActionRow
from toutdoux.association import roster
from toutdoux.association.models import Member as MemberRow
from toutdoux.core.action import Action, Ballot
from toutdoux.core.chain import Body
from toutdoux.core.charter_in_words import changed_rules, charter_in_words
from toutdoux.core.explanation import explain
from toutdoux.core.history import GOING_ON, AmendCharter, BallotName, CharterVersion
from toutdoux.core.instants import utc_text
from toutdoux.core.replay import UNDECIDED
from toutdoux.core.roll import Enrolment
from toutdoux.core.telling import entry_in_words
from toutdoux.core.voters import on_roll, open_ballots, roll_of
from toutdoux.ledger.models import Ledger
from toutdoux.web.models import Tag

from .door import Caller


def utc(instant: datetime | None) -> str | None:
    return None if instant is None else utc_text(instant)


# --- lists ---------------------------------------------------------------------------------------


def paged(
    caller: Caller, items: Sequence[Any], page: int, size: int, total: int
) -> dict[str, object]:
    """A page of a list, and in the answer's head the way to the others (RFC 8288)."""
    last = max(1, -(-total // size))
    places = {"first": 1, "prev": page - 1, "next": page + 1, "last": last}
    asked = {key: value for key, value in caller.request.GET.items() if key != "page"}
    links = [
        f'<{caller.request.path}?{urlencode({**asked, "page": number})}>; rel="{name}"'
        for name, number in places.items()
        if 1 <= number <= last
    ]
    caller.headers["Link"] = ", ".join(links)
    return {"items": items, "page": page, "size": size, "total": total}


def cut(items: Sequence[Any], page: int, size: int) -> Sequence[Any]:
    return items[(page - 1) * size : page * size]


# --- members -------------------------------------------------------------------------------------


def listed_member(caller: Caller, row: MemberRow, enrolment: Enrolment | None) -> dict[str, Any]:
    return {
        "handle": row.handle,
        "name": caller.erased if row.erased else row.name,
        "founder": row.founder,
        "member": enrolment is not None,
        "since": utc(enrolment.since if enrolment else None),
        "votes": enrolment is not None and enrolment.votes,
        "votes_from": utc(enrolment.votes_from if enrolment else None),
    }


def member(caller: Caller, row: MemberRow) -> dict[str, Any]:
    enrolment = roster.enrolled(caller.id, caller.now).get(row.id)
    leads = ActionRow.objects.filter(association=caller.id, leader=row.id).order_by("-order")
    going_on = leads.filter(state__in=UNDECIDED) | leads.filter(
        state="adopted", followed_up__in=GOING_ON
    )
    sees = caller.is_steward or row.id == caller.me
    return {
        **listed_member(caller, row, enrolment),
        "email": row.email if sees else None,
        "memberships": [
            {"joined": utc(one.joined), "left": utc(one.left)} for one in row.memberships.all()
        ],
        "roles": [
            {
                "id": role.id,
                "role": text,
                "first": role.first.isoformat(),
                "last": role.last and role.last.isoformat(),
            }
            for role, text in roster.roles(caller.id, members=[row.id])
        ],
        "leads": [*going_on.values_list("ref", flat=True)[:100]],
    }


# --- actions -------------------------------------------------------------------------------------


def listed_action(one: searching.Listed) -> dict[str, Any]:
    return {
        "ref": one.ref,
        "kind": one.kind,
        "object": one.object,
        "leader": one.leader,
        "day": one.day.isoformat(),
        "state": one.state,
        "closes_at": utc(one.closes_at),
        "for": one.for_,
        "against": one.against,
        "abstain": one.abstain,
        "link": one.link,
    }


def whole(caller: Caller, ref: str) -> reading.Whole:
    """All that is known of an action now. Raises `Http404` if there is none such here."""
    found = reading.whole(Ledger.objects.get(id=caller.id), ref, caller.now, caller.erased)
    if found is None:
        raise Http404
    return found


def version_of(action: Action) -> str:
    """What changes with each wording of an action, a correction's too."""
    text = sha256(action.object.encode("utf-8", "replace")).hexdigest()
    return f"{len(action.versions)}-{text[:8]}"


def action(caller: Caller, ref: str) -> dict[str, Any]:
    found = whole(caller, ref)
    standing, one = found.standing, found.action
    say = caller.language.say
    tags = Tag.objects.filter(association=caller.id, action=ref)
    explanation = explain(standing, one)
    return {
        **_proposal(found),
        "tags": [*tags.values_list("word", flat=True)],
        "charter": one.charter.number,
        "state": one.state,
        "how": one.decision.how if one.decision else None,
        "decided_at": utc(one.decision.at) if one.decision else None,
        "closes_at": utc(one.closes_at),
        "roll": one.roll_size,
        **_tally(one.ballot),
        "expressed": one.ballot.expressed,
        **_voices(found),
        "counts": on_roll(standing, one, caller.me),
        "counter_vote": _counter_vote(found),
        "follow_up": one.follow_up,
        "note": one.note,
        "links": list(one.links),
        "explanation": {
            "why": [say(each) for each in explanation.why],
            "next": [say(each) for each in explanation.next],
        },
        "history": [_told(caller, found, entry) for entry in found.entries],
    }


def _handle(found: reading.Whole, id: str) -> str:
    return found.handles.get(id) or id


def _proposal(found: reading.Whole) -> dict[str, Any]:
    """What was proposed, and by whom."""
    one = found.action
    return {
        "ref": one.ref,
        "kind": one.kind,
        "number": one.number,
        "version": version_of(one),
        "object": one.object,
        "versions": [{"at": utc(each.at), "object": each.object} for each in one.versions],
        "link": one.link,
        "condition": one.condition,
        "condition_met_at": utc(one.condition_met_at),
        "effects": [
            {"amend_charter": dict(each.charter.source)}
            if isinstance(each, AmendCharter)
            else {"grant_voting_right": _handle(found, each.member)}
            for each in one.effects
        ],
        "proposer": _handle(found, one.proposer),
        "proposed_at": utc(one.proposed_at),
        "leader": _handle(found, one.leader),
    }


def _tally(ballot: Ballot) -> dict[str, int]:
    return {"for": ballot.for_, "against": ballot.against, "abstain": ballot.abstain}


def _voices(found: reading.Whole) -> dict[str, Any]:
    """Who voted what, whose opinion is kept apart, and whose vote is awaited."""
    standing, one = found.standing, found.action
    ballots = [*_ballots(one)]
    return {
        "votes": [
            {"member": _handle(found, id), "choice": choice, "ballot": each}
            for each, its in ballots
            for id, choice in its.votes.items()
        ],
        "opinions": [
            {
                "member": _handle(found, id),
                "choice": opinion.choice,
                "ballot": each,
                "at": utc(opinion.at),
                "recorded_at": utc(opinion.recorded_at),
            }
            for each, its in ballots
            for id, opinion in its.opinions.items()
        ],
        "awaited": [
            _handle(found, voter.id)
            for voter in roll_of(standing, one)
            if voter.membership(standing.at)
            and any(voter.id not in its.votes for _, its, _ in open_ballots(one, standing.at))
        ],
    }


def _counter_vote(found: reading.Whole) -> dict[str, Any] | None:
    counter = found.action.counter_vote
    if counter is None:
        return None
    return {
        "called_by": _handle(found, counter.called_by),
        "called_at": utc(counter.called_at),
        "reason": counter.reason,
        **_tally(counter.ballot),
        "closes_at": utc(counter.closes_at),
    }


def _told(caller: Caller, found: reading.Whole, entry: Body) -> dict[str, Any]:
    """An entry of its history."""

    def name(id: str) -> str:
        member = found.standing.members.get(id)
        return member.name if member else caller.erased

    return {
        "at": utc(datetime.fromisoformat(entry["at"])),
        "recorded_at": utc(datetime.fromisoformat(entry["recorded_at"])),
        "kind": entry["kind"],
        "what": caller.language.say(entry_in_words(entry, name)),
        "by": _handle(found, entry["by"]) if "by" in entry else None,
        "via": entry["via"],
    }


def _ballots(action: Action) -> Iterator[tuple[BallotName, Ballot]]:
    for name in BallotName:
        ballot = action.ballot_named(name)
        if ballot is not None:
            yield name, ballot


# --- the charter ---------------------------------------------------------------------------------


def listed_charter(one: CharterVersion, in_force: CharterVersion) -> dict[str, Any]:
    return {
        "number": one.number,
        "since": utc(one.since),
        "by_action": one.by_action,
        "preset": one.charter.preset,
        "in_force": one.number == in_force.number,
    }


def charter(
    caller: Caller, one: CharterVersion, in_force: CharterVersion, before: CharterVersion | None
) -> dict[str, Any]:
    say = caller.language.say
    return {
        **listed_charter(one, in_force),
        "rules": dict(one.charter.source),
        "words": [
            {"title": say(title), "rules": [say(each) for each in rules]}
            for title, rules in charter_in_words(one.charter)
        ],
        "changes": changed_rules(before.charter, one.charter) if before else [],
    }


def made(shape: type[Any], told: Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> Any:
    """What is told in its shape; a list of it for several."""
    if isinstance(told, Mapping):
        return shape.model_validate(told)
    return [shape.model_validate(one) for one in told]
