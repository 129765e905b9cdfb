"""Proposing an action: the kinds with their rules, what it would look like, and drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_POST

from toutdoux.actions import commands, reading
from toutdoux.association.people import Members
from toutdoux.core import history as h
from toutdoux.core.charter import Charter, Kind
from toutdoux.core.explanation import explain, kind_in_brief, rules_in_words
from toutdoux.core.journal import EntryKind, check_link
from toutdoux.core.roll import enrolments
from toutdoux.core.words import Refusal, say

from .. import tags
from ..cards import card
from ..door import Visit, page
from ..forms import Form
from ..models import Draft
from .actions import FEW, LONGEST

FORM = "propose"
FIELDS = ("kind", "object", "leader", "link", "condition", "grant")


@page
def propose(visit: Visit) -> HttpResponse:
    """The form; `do` says whether to show what it would look like, or to propose it."""
    posted = visit.request.POST
    if visit.request.method != "POST":
        kept = _draft(visit)
        asked = {name: visit.request.GET[name] for name in FIELDS if name in visit.request.GET}
        return _form(visit, Form({**kept, **asked}), restored=bool(kept))
    form = Form(posted)
    event = _read(visit, form)
    if event is None:
        return _form(visit, form)
    if posted.get("do") == "send":
        with form.taking(visit.id):
            ref = commands.propose(
                visit.asks(),
                event.kind,
                event.object,
                by=visit.me,
                leader=event.leader,
                link=event.link,
                condition=event.condition,
                effects=event.effects,
            )
            Draft.objects.filter(seat=visit.seat, form=FORM).delete()
            said = say("{ref} is proposed. Proposing is not voting: your vote is awaited", ref=ref)
            visit.request.left.text = visit.language.say(said)
            return HttpResponseRedirect(f"{visit.url('action', ref=ref)}?sent={FORM}")
        return _form(visit, form)
    shown: dict[str, Any] = {}
    with form.taking(visit.id):
        standing, action = reading.preview(visit.id, event, visit.erased)
        leader = standing.members[action.leader]
        shown = {
            "card": card(standing, action, visit.me, {leader.id: leader.name}),
            "explanation": explain(standing, action),
            "tags": tags.hashtags(event.object),
        }
    if form.sound:
        _keep(visit, posted)
    return _form(visit, form, preview=shown or None)


def _read(visit: Visit, form: Form) -> h.Proposed | None:
    """What was typed, as what it would record; None where something in it cannot be."""
    with form.beside("kind"):
        if form["kind"] not in [*Kind]:
            raise Refusal(say("it is not said which kind this is"), say("choose one of the two"))
    object = "\n".join(form["object"].splitlines()).strip()
    for name, what in (("object", say("the object")), ("condition", say("the condition"))):
        with form.beside(name):
            commands.check_texts(form[name])
            commands.short(form[name], what, LONGEST)
    with form.beside("object"):
        if not object:
            raise Refusal(say("{what} is empty", what=say("the object")), say("write it in"))
    with form.beside("link"):
        link = form["link"].strip() or None
        if link is not None:
            commands.check_texts(link)
            check_link(link)
    leader = _member(visit, form, "leader")
    granted = _member(visit, form, "grant")
    if not form.sound:
        return None
    kind = Kind(form["kind"])
    return h.Proposed(
        at=visit.now,
        kind=kind,
        by=visit.me,
        object=object,
        number=commands.next_number(visit.id, kind),
        leader=None if leader == visit.me else leader,
        link=link,
        condition=form["condition"].strip() or None,
        effects=(h.GrantVotingRight(granted),) if granted else (),
    )


def _member(visit: Visit, form: Form, name: str) -> str | None:
    """The id of the member who is named in a field, if one is."""
    with form.beside(name):
        if not form[name].strip():
            return None
        commands.check_texts(form[name])
        found = reading.member_called(visit.id, form[name])
        if found is None:
            raise Refusal(
                say("nobody here is called “{member}”", member=form[name]),
                say("name a member by their handle; the page of members has them all"),
            )
        return found.id
    return None


def _form(
    visit: Visit, form: Form, preview: Mapping[str, Any] | None = None, restored: bool = False
) -> HttpResponse:
    members, charters = reading.everybody(visit.id, visit.erased)
    charter = charters[-1].charter
    people, without = _members(visit, members, charter)
    return visit.render(
        "propose.html",
        status=form.status,
        form=form,
        preview=preview,
        restored=restored,
        kinds=[_kind(visit, charter, kind) for kind in Kind],
        people=people,
        without=without,
        me=members.handles[visit.me],
    )


def _kind(visit: Visit, charter: Charter, kind: Kind) -> dict[str, Any]:
    """A kind of action, with its rules and examples as the charter in force has them."""
    examples = [
        visit.language.name(EntryKind(one))
        for one, needed in charter.needs_action.items()
        if needed is kind
    ]
    return {
        "kind": kind,
        "brief": list(kind_in_brief(kind, charter.rules(kind))),
        "rules": list(rules_in_words(charter.rules(kind))),
        "examples": ", ".join(examples),
    }


def _members(
    visit: Visit, members: Members, charter: Charter
) -> tuple[list[tuple[str, str]] | None, list[tuple[str, str]] | None]:
    """Who can lead it, and who has no right to vote yet: handles and names; None where they are too
    many for a list."""
    enrolled = enrolments(members, charter.voting_right_delay, members.granted, visit.now)
    named = sorted(enrolled, key=lambda id: members[id].name.casefold())
    people = [(members.handles[id], f"{members[id].name} ({members.handles[id]})") for id in named]
    handles = {members.handles[id] for id in named if not enrolled[id].votes}
    without = [one for one in people if one[0] in handles]
    return (
        people if len(people) <= FEW else None,
        without if len(without) <= FEW else None,
    )


# --- drafts --------------------------------------------------------------------------------------


def _draft(visit: Visit) -> dict[str, str]:
    kept = Draft.objects.filter(seat=visit.seat, form=FORM).first()
    return {} if kept is None else {name: str(kept.content.get(name, "")) for name in FIELDS}


def _keep(visit: Visit, posted: Mapping[str, str]) -> None:
    typed = {name: posted.get(name, "")[:LONGEST].replace("\0", "") for name in FIELDS}
    Draft.objects.update_or_create(
        seat=visit.seat, form=FORM, defaults={"content": typed, "at": visit.now}
    )


@require_POST
@page
def draft(visit: Visit) -> HttpResponse:
    """Keep what somebody is typing, or let it go."""
    if visit.request.POST.get("do") == "discard":
        Draft.objects.filter(seat=visit.seat, form=FORM).delete()
        visit.request.left.text = visit.language.say(say("The draft is gone"))
        return HttpResponseRedirect(f"{visit.url('propose')}?sent={FORM}")
    _keep(visit, visit.request.POST)
    return HttpResponse(status=204)


urls = [
    path("propose", propose, name="propose"),
    path("propose/draft", draft, name="propose_draft"),
]
