"""Lists of actions: everything, the inventory of a period, the board of things to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from toutdoux.actions import commands, searching
from toutdoux.actions.chronicle import periods as periods_of
from toutdoux.core.action import Action
from toutdoux.core.charter import Kind
from toutdoux.core.history import FollowUp, State
from toutdoux.core.journal import Period
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language
from toutdoux.reports import inventory as inv

from ..cards import names_of
from ..door import Visit, page
from ..masking import masks, shown, shown_link
from ..models import Tag
from ..paging import Pages, last_of, number_asked, part_of

AT_ONCE = 25
"""Actions on a page."""
ROWS_AT_ONCE = 100
"""Rows of an inventory on a page."""


# --- all actions ---------------------------------------------------------------------------------


@page(public="actions")
def actions(visit: Visit) -> HttpResponse:
    visit.settle()
    asked: QueryDict = visit.request.GET
    periods = periods_of(visit.id)
    wanted = _wanted(visit, periods)
    number = number_asked(asked)
    count, found = _page(visit, wanted, number)
    if not found and count:
        number = last_of(count, AT_ONCE)
        count, found = _page(visit, wanted, number)
    if masks(visit):
        found = [
            replace(one, object=shown(visit, one.object), link=shown_link(visit, one.link))
            for one in found
        ]
    tags: dict[str, list[str]] = {}
    words: list[str] = []
    if visit.member is not None:
        every = Tag.objects.filter(association=visit.id)
        for ref, word in every.filter(action__in=[one.ref for one in found]).values_list(
            "action", "word"
        ):
            tags.setdefault(ref, []).append(word)
        words = [*every.order_by("word").values_list("word", flat=True).distinct()[:200]]
    sought = {name: asked.get(name, "").strip() for name in _FIELDS}
    if sought["tag"] not in ("", *words):
        words.insert(0, sought["tag"])
    by_hand = visit.language.word("from a table kept by hand")
    return visit.render(
        "actions.html",
        found=found,
        count=count,
        pages=Pages(number, last_of(count, AT_ONCE), asked),
        sought=sought,
        asked=any(sought.values()),
        filtered=any(text for name, text in sought.items() if name != "q"),
        searchable=not masks(visit),
        states=[*_options(visit.language, State), (searching.IMPORTED, by_hand)],
        kinds=_options(visit.language, Kind),
        periods=[(one.name, one.name) for one in periods],
        words=[(word, word) for word in words],
        tags=tags,
    )


def _options(language: Language, choices: Iterable[StrEnum]) -> list[tuple[str, str]]:
    return [(one.value, language.name(one)) for one in choices]


_FIELDS = ("q", "state", "kind", "period", "leader", "tag")


def _wanted(visit: Visit, periods: Sequence[Period]) -> searching.Wanted:
    """What was asked for. Whoever may not read a name cannot look for it either."""
    asked = visit.request.GET
    told = {name: asked.get(name, "").strip() for name in _FIELDS}
    period = next((one for one in periods if one.name == told["period"]), None)
    if (
        told["state"] not in ("", searching.IMPORTED, *State)
        or told["kind"] not in ("", *Kind)
        or (told["period"] and period is None)
    ):
        raise Http404
    wanted = searching.Wanted(state=told["state"], kind=told["kind"], period=period)
    if not masks(visit):
        wanted = replace(wanted, text=told["q"])
    if visit.member is None:
        return wanted
    if told["tag"]:
        word = told["tag"].replace("\0", "")
        tagged = Tag.objects.filter(association=visit.id, word=word)
        wanted = replace(wanted, among=tagged.order_by().values("action"))
    return replace(wanted, leader=told["leader"].replace("\0", ""))


def _page(
    visit: Visit, wanted: searching.Wanted, number: int
) -> tuple[int, list[searching.Listed]]:
    first = (number - 1) * AT_ONCE
    return searching.find(visit.association, wanted, first, AT_ONCE, visit.erased)


# --- the inventory -------------------------------------------------------------------------------


@page(public="inventory")
def inventories(visit: Visit) -> HttpResponse:
    periods = sorted(periods_of(visit.id), key=lambda one: one.first, reverse=True)
    return visit.render("inventories.html", periods=periods)


@page(public="inventory")
def inventory(visit: Visit, period: str) -> HttpResponse:
    form = visit.request.GET.get("format", "")
    found = next((one for one in periods_of(visit.id) if one.name == period), None)
    if found is None or form not in ("", *_FORMATS):
        raise Http404
    visit.settle()
    told = searching.of_period(visit.association, found, visit.now, visit.erased)
    rows = inv.inventory(*told, found)
    if masks(visit):
        rows = [
            replace(row, object=shown(visit, row.object), link=shown_link(visit, row.link))
            for row in rows
        ]
    if form:
        return _download(visit.language, found, rows, form)
    part = part_of(rows, visit.request.GET, ROWS_AT_ONCE)
    return visit.render(
        "inventory.html",
        period=found,
        tables=[
            _table(visit.language, kind, [row for row in rows if row.kind is kind], shown_here)
            for kind in inv.KINDS
            if (shown_here := [row for row in part.rows if row.kind is kind])
        ],
        pages=part.pages,
        count=part.count,
        expressed=sum(row.expressed for row in rows),
        imported=any(row.imported for row in rows),
        formats=_FORMATS,
    )


_FORMATS = {"csv": "CSV", "json": "JSON", "markdown": "Markdown"}
_TYPES = {"csv": "text/csv", "json": "application/json", "markdown": "text/markdown"}
_ENDINGS = {"csv": "csv", "json": "json", "markdown": "md"}


@dataclass(frozen=True, slots=True)
class Table:
    """The inventory of one kind, as the reports write it."""

    title: str
    titles: list[str]
    rows: list[tuple[inv.InventoryRow, list[str]]]
    """Those of the page; all else is of the whole period."""
    outcomes: list[tuple[State | None, int]]
    """How many there are of each state; of None, those of a table kept by hand."""
    expressed: int


def _table(
    language: Language, kind: Kind, rows: list[inv.InventoryRow], here: list[inv.InventoryRow]
) -> Table:
    with_state = inv.shows_state(rows)
    states = [row.state for row in rows]
    return Table(
        inv.kind_title(language, kind),
        inv.titles(language, rows),
        [(row, inv.cells(language, row, with_state=with_state, one_kind=True)) for row in here],
        [(state, states.count(state)) for state in (*State, None) if state in states],
        sum(row.expressed for row in rows),
    )


def _download(
    language: Language, period: Period, rows: list[inv.InventoryRow], form: str
) -> HttpResponse:
    """The very file that `toutdoux inventory` writes."""
    if form == "csv":
        text = inv.as_csv(language, rows, one_kind=False)
    elif form == "json":
        text = json.dumps([row.as_data() for row in rows], ensure_ascii=False, indent=2) + "\n"
    else:
        from toutdoux.reports.content import inventory_as_markdown

        text = inventory_as_markdown(language, rows)
    # TRANSLATORS: the beginning of a file's name, before the period.
    beginning = language.word("inventory")
    name = f"{beginning}-{period.name}.{_ENDINGS[form]}".replace("/", "-")
    response = HttpResponse(text, content_type=f"{_TYPES[form]}; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


# --- the board of things to do -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the board."""

    name: str
    title: Sentence
    count: int
    actions: Sequence[Action]


_TITLES = {
    searching.LEADERLESS: say("Needs somebody to take it on"),
    FollowUp.TO_DO.value: say("To do"),
    FollowUp.DOING.value: say("Under way"),
    FollowUp.DONE.value: say("Done"),
    FollowUp.ABANDONED.value: say("Given up"),
    FollowUp.STANDING.value: say("Rules in force"),
}
"""The parts of the board, in their order."""

_LATELY = 5
_OVER = (FollowUp.DONE.value, FollowUp.ABANDONED.value)


@page
def todo(visit: Visit) -> HttpResponse:
    part = visit.request.GET.get("show", "")
    if part not in ("", *_TITLES):
        raise Http404
    visit.settle()
    number = number_asked(visit.request.GET) if part else 1
    parts = searching.board(
        visit.id,
        visit.now,
        visit.erased,
        part=part,
        first=(number - 1) * AT_ONCE,
        many=AT_ONCE,
    )
    if part and number > 1 and not parts:
        return HttpResponseRedirect(f"{visit.url('todo')}?show={part}")
    sections = []
    for name in [part] if part else _TITLES:
        told = parts.get(name, searching.Part(0, ()))
        shown_here = told.actions if part or name not in _OVER else told.actions[:_LATELY]
        sections.append(Section(name, _TITLES[name], told.count, shown_here))
    leaders = [one.leader for section in sections for one in section.actions]
    return visit.render(
        "todo.html",
        sections=sections,
        part=part,
        pages=Pages(number, last_of(sections[0].count, AT_ONCE), visit.request.GET),
        names=names_of(leaders, visit.erased),
        moves=[*FollowUp],
        leaderless=searching.LEADERLESS,
        over=_OVER,
    )


@page
def move(visit: Visit, ref: str) -> HttpResponse:
    """Say where an action is among the things to do; shown again where it was refused."""
    if visit.request.method != "POST":
        visit.settle()
        return _form(visit, ref)
    posted = visit.request.POST
    told = posted.get("follow_up", "")
    try:
        if told not in [*FollowUp]:
            raise Refusal(
                say("it was not said where {ref} is now", ref=ref), say("choose it in the list")
            )
        commands.follow_up(
            visit.asks(),
            ref,
            FollowUp(told),
            by=visit.me,
            note=posted.get("note", "").replace("\r\n", "\n").strip(),
            links=posted.get("links", "").split(),
        )
    except Refusal as refusal:
        return _form(visit, ref, refusal)
    return visit.to("todo", say("{ref} is now noted as: {state}", ref=ref, state=FollowUp(told)))


def _form(visit: Visit, ref: str, refusal: Refusal | None = None) -> HttpResponse:
    action = searching.one_to_do(visit.id, ref, visit.erased)
    if action is None:
        if refusal is not None:
            raise refusal
        raise Http404
    posted: Any = visit.request.POST
    return visit.render(
        "todo_one.html",
        status=409 if refusal else 200,
        action=action,
        problem=refusal and commands.names_in(refusal, visit.id),
        leader=names_of([action.leader], visit.erased).get(action.leader, ""),
        here=posted.get("follow_up") or action.follow_up,
        note=posted.get("note", action.note),
        links=posted.get("links", ""),
        moves=[*FollowUp],
    )


@require_POST
@page
def take(visit: Visit, ref: str) -> HttpResponse:
    """Take on what has lost its leader."""
    commands.hand_over(visit.asks(), ref, visit.me, by=visit.me)
    return visit.to("todo", say("You lead {ref} now", ref=ref))


urls = [
    path("actions", actions, name="actions"),
    path("inventory", inventories, name="inventories"),
    path("inventory/<path:period>", inventory, name="inventory"),
    path("todo", todo, name="todo"),
    path("todo/<str:ref>", move, name="todo_move"),
    path("todo/<str:ref>/take", take, name="todo_take"),
]
