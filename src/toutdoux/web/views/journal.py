"""The journal: what the association did; and the audit: what of it lacked the action it needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from toutdoux.actions import commands
from toutdoux.actions.chronicle import check_entry, period_told, periods
from toutdoux.actions.reading import entries_about
from toutdoux.association.charters import in_force
from toutdoux.core.audit import Finding
from toutdoux.core.audit import audit as find_gaps
from toutdoux.core.charter import Kind
from toutdoux.core.entries import read_instant
from toutdoux.core.journal import Entry, EntryKind, Period, Precision, told_in
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.journal import reading
from toutdoux.journal.models import JournalEntry
from toutdoux.journal.reading import Content
from toutdoux.language import Language
from toutdoux.reports.content import dates_in_words, entry_facts, needed_in_words
from toutdoux.reports.document import Inlines

from ..cards import names_of
from ..door import Visit, page
from ..forms import Form
from ..markdown import to_html
from ..meanwhile import one_at_a_time
from ..paging import part_of

A_PAGE = 30
_LONGEST_TEXT = 20_000
_MOST_COUNTS = 12
"""How many counts of people one entry has in the form."""

PRECISIONS: Mapping[Precision, Sentence] = {
    Precision.EXACT: say("exactly"),
    Precision.ABOUT: say("about"),
    Precision.MORE_THAN: say("more than"),
    Precision.FEWER_THAN: say("fewer than"),
}
_WITH_PEOPLE = frozenset(
    {
        EntryKind.LIFE,
        EntryKind.OUTREACH,
        EntryKind.EVENT,
        EntryKind.COURSE_OPENED,
        EntryKind.COURSE,
    }
)
"""Of what one says how many came."""
_ALONE = frozenset({EntryKind.REQUEST, EntryKind.GRANT, EntryKind.ACCESS_GIVEN})
"""What one does with no partner."""
_DATED = (EntryKind.REQUEST, EntryKind.GRANT)
"""What takes its date from its own facts."""


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as it is shown."""

    number: int
    entry: Entry
    when: str
    facts: Sequence[tuple[str, Inlines]]

    @property
    def text(self) -> str:
        return to_html(self.entry.text, breaks=False)


def _told(language: Language, number: int, content: Content) -> Told:
    entry = reading.checked(content)
    # The actions are shown apart, as links, and so is the date.
    facts = entry_facts(language, replace(entry, actions=())).pairs
    when = dates_in_words(language, entry.dates)
    return Told(number, entry, when, facts if entry.kind in _DATED else facts[1:])


@page
def journal(visit: Visit) -> HttpResponse:
    """The entries, the latest first, of a kind and a period if one asks for them."""
    asked = visit.request.GET
    known = periods(visit.id)
    period = next((one for one in known if one.name == asked.get("period")), None)
    kind = asked.get("kind") if asked.get("kind") in [*EntryKind] else None
    found = [
        one
        for one in reading.numbered(visit.id)
        if (period is None or told_in(one.entry, period))
        and (kind is None or one.entry.kind == kind)
    ]
    found.sort(key=lambda one: (one.entry.dates.first, one.number), reverse=True)
    part = part_of(found, asked, A_PAGE)
    return visit.render(
        "journal.html",
        pages=part.pages,
        entries=[_told(visit.language, one.number, one.content) for one in part.rows],
        count=part.count,
        periods=known[::-1],
        period=period,
        kind=kind or "",
        kinds=[(one.value, visit.language.name(one)) for one in EntryKind],
    )


@page
def entry(visit: Visit, number: int) -> HttpResponse:
    """One entry, and who wrote it."""
    content, _ = _kept(visit, number)
    history = entries_about(visit.id, f"J{number}", visit.erased)
    names = names_of((one["by"] for one in history if "by" in one), visit.erased)
    return visit.render(
        "journal_entry.html",
        one=_told(visit.language, number, content),
        history=[
            (one["kind"], names.get(one.get("by", ""), ""), read_instant(one["at"]))
            for one in history
        ],
    )


def _kept(visit: Visit, number: int) -> tuple[dict[str, Any], str]:
    """What an entry says, and what names this version of it. Raises `Http404`."""
    version = _version(visit.id, number)
    content = reading.content_of(visit.id, number) if version else None
    if content is None:
        raise Http404
    return dict(content), version


def _version(association: str, number: int) -> str:
    rows = JournalEntry.objects.filter(association=association, number=number, removed=False)
    return str(rows.values_list("content_id", flat=True).first() or "")


# --- writing -------------------------------------------------------------------------------------


@page(steward=True)
def choose(visit: Visit) -> HttpResponse:
    """Choose the kind of an entry: each has a form of its own."""
    needs = in_force(visit.id, visit.now).charter.needs_action
    return visit.render("journal_kinds.html", kinds=[(one, needs.get(one)) for one in EntryKind])


@page(steward=True)
def add(visit: Visit, kind: str) -> HttpResponse:
    if kind not in [*EntryKind]:
        raise Http404
    if visit.request.method != "POST":
        return _form_page(visit, EntryKind(kind), Form(first=visit.today))
    form = Form(visit.request.POST)
    content = _content(visit, form, EntryKind(kind), {})
    if form.sound:
        with form.taking(visit.id):
            number = commands.add_to_journal(visit.asks(), content)
            return visit.to("journal_entry", say("The entry is in the journal"), number=number)
    return _form_page(visit, EntryKind(kind), form)


@page(steward=True)
def edit(visit: Visit, number: int) -> HttpResponse:
    before, version = _kept(visit, number)
    kind = EntryKind(before["kind"])
    if visit.request.method != "POST":
        return _form_page(visit, kind, Form(_typed(before)), number, version)
    form = Form(visit.request.POST)
    content = _content(visit, form, kind, before)
    if form.sound:
        with (
            form.taking(visit.id),
            one_at_a_time(visit, form["was"], lambda: _version(visit.id, number)),
        ):
            commands.change_journal(visit.asks(), number, content)
            return visit.to("journal_entry", say("The entry is changed"), number=number)
        before, version = _kept(visit, number)
    theirs = before if form["was"] != version else None
    return _form_page(visit, kind, form, number, version, theirs)


@require_POST
@page(steward=True)
def remove(visit: Visit, number: int) -> HttpResponse:
    _kept(visit, number)
    commands.change_journal(visit.asks(), number, None)
    return visit.to("journal", say("The entry is taken out"))


def _form_page(
    visit: Visit,
    kind: EntryKind,
    form: Form,
    number: int | None = None,
    version: str = "",
    theirs: Content | None = None,
) -> HttpResponse:
    needed = in_force(visit.id, visit.now).charter.needs_action.get(kind)
    counts = [place for place in range(_MOST_COUNTS) if form[f"attendance.{place}.count"]]
    return visit.render(
        "journal_form.html",
        form.status,
        kind=kind,
        form=form,
        number=number,
        version=version,
        theirs=theirs and _told(visit.language, number or 0, theirs),
        needed=needed and needed_in_words(visit.language, needed),
        dated=kind not in _DATED,
        with_people=kind in _WITH_PEOPLE,
        alone=kind in _ALONE,
        counts=range(min(max(counts, default=-1) + 2, _MOST_COUNTS)),
        precisions=[(one.value, visit.language.say(said)) for one, said in PRECISIONS.items()],
        periods=[one.name for one in periods(visit.id)],
    )


# --- what a form says ----------------------------------------------------------------------------


def _typed(content: Content) -> dict[str, object]:
    """What an entry says, field by field as its form has it."""
    typed: dict[str, object] = {name: content.get(name, "") for name in ("title", "text", "period")}
    match content.get("date"):
        case {"first": first, "last": last}:
            typed |= {"first": first, "last": last}
        case [first, *others]:
            typed |= {"first": first, "days": "\n".join(map(str, others))}
        case day:
            typed["first"] = day
    typed["partners"] = "\n".join(content.get("partners", ()))
    typed["actions"] = " ".join(content.get("actions", ()))
    typed["links"] = "\n".join(
        f"{one['title']} = {one['url']}" if isinstance(one, Mapping) and "title" in one
        else one["url"] if isinstance(one, Mapping) else str(one)
        for one in content.get("links", ())
    )  # fmt: skip
    counts = content.get("attendance", ())
    for place, one in enumerate([counts] if isinstance(counts, Mapping) else counts):
        how = next(name for name in Precision if name in one)
        typed[f"attendance.{place}.how"] = how.value
        typed[f"attendance.{place}.count"] = str(one[how])
        typed[f"attendance.{place}.label"] = one.get("label", "")
    for key in ("request", "grant"):
        typed |= {f"{key}.{name}": value for name, value in _flat(content.get(key, {}))}
    if content.get("kind") == EntryKind.GRANT:
        answer = content["grant"].get("answered", {})
        typed["grant.outcome"] = (
            "granted" if "granted" in answer else "refused" if answer else "awaited"
        )
    return typed


def _flat(facts: Mapping[str, Any]) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for key, value in facts.items():
        if isinstance(value, Mapping):
            found += [(f"{key}.{name}", one) for name, one in _flat(value)]
        else:
            found.append((key, value))
    return found


def _content(visit: Visit, form: Form, kind: EntryKind, before: Content) -> dict[str, Any]:
    """What a form says, in the words of a scenario; what is wrong is said beside its field."""
    content = dict(before)
    content["kind"] = kind.value
    content["title"] = form.line("title", say("the title"))
    with form.beside("text"):
        content["text"] = commands.short(_lines(form["text"]), say("the text"), _LONGEST_TEXT)
    content["period"] = form["period"].strip()
    content["links"] = [_link(one) for one in _items(form["links"])]
    content["actions"] = [
        one.lstrip("#").upper() for one in form["actions"].replace(",", " ").split()
    ]
    if kind not in _ALONE:
        content["partners"] = _items(form["partners"])
    if kind not in _DATED:
        content["date"] = _date(form)
    places = [place for place in range(_MOST_COUNTS) if form[f"attendance.{place}.count"].strip()]
    if kind in _WITH_PEOPLE:
        content["attendance"] = [_attendance(form, place) for place in places]
    if kind is EntryKind.REQUEST:
        content["request"] = _request(form)
    if kind is EntryKind.GRANT:
        content["grant"] = _grant(form)
    content = {key: one for key, one in content.items() if one not in ("", [], None)}
    if form.sound:
        try:
            reading.checked(content)
            check_entry(visit.id, content)
        except Refusal as refusal:
            _put(form, refusal, _field_of(refusal.path, places, bool(form["last"])))
    return content


def _put(form: Form, refusal: Refusal, name: str) -> None:
    if name:
        form.problems[name] = say("{why}: {remedy}", why=refusal.why, remedy=refusal.remedy)
    else:
        form.problem = refusal


def _field_of(path: Sequence[str], places: Sequence[int], span: bool) -> str:
    """The form's field in which a value of an entry was typed, by the path that leads to it."""
    match path:
        case ("date", ("first" | "last") as name):
            return str(name)
        case ("date",):
            return "last" if span else "first"
        case ("date", "0"):
            return "first"
        case ("date", *_):
            return "days"
        case ("attendance", place, *_):
            return f"attendance.{places[int(place)]}.count"
        case ("request",):
            return "request.answered"
        case ("grant", "answered"):
            return "grant.answered.date"
        case ("request" | "grant", *_):
            return ".".join(path)
        case (name, *_):
            return str(name)
    return ""


def _lines(text: str) -> str:
    """As browsers send lines, and as they are kept."""
    return text.replace("\r\n", "\n").strip()


def _items(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _link(line: str) -> object:
    title, equals, url = line.rpartition(" = ")
    return {"title": title.strip(), "url": url.strip()} if equals and title.strip() else line


def _date(form: Form) -> object:
    first, last, days = form["first"].strip(), form["last"].strip(), _items(form["days"])
    if not first:
        form.problems["first"] = say("choose a day")
    if last and days:
        form.problems["days"] = say("give either a last day, or separate days")
    if last and last != first:
        return {"first": first, "last": last}
    return [first, *days] if days else first


def _attendance(form: Form, place: int) -> dict[str, str]:
    how = form[f"attendance.{place}.how"]
    label = " ".join(form[f"attendance.{place}.label"].split())
    told = {how if how in [*Precision] else "exact": form[f"attendance.{place}.count"].strip()}
    return {"label": label, **told} if label else told


def _facts(form: Form, key: str, names: Sequence[str]) -> dict[str, str]:
    """What was typed of some facts, without those that were left empty."""
    told = {name: _lines(form[f"{key}.{name}"]) for name in names}
    return {name: value for name, value in told.items() if value}


def _need(form: Form, **names: Sentence) -> None:
    for name, remedy in names.items():
        if not form[name].strip():
            form.problems[name] = remedy


def _request(form: Form) -> dict[str, str]:
    _need(form, **{"request.to": say("write it in"), "request.sent": say("choose a day")})
    return _facts(form, "request", ("to", "sent", "answered", "answer"))


def _grant(form: Form) -> dict[str, Any]:
    write, choose_ = say("write it in"), say("choose a day")
    _need(form, **{"grant.funder": write, "grant.asked.amount": write, "grant.asked.date": choose_})
    told: dict[str, Any] = _facts(form, "grant", ("funder", "purpose"))
    told["asked"] = _facts(form, "grant.asked", ("amount", "date"))
    outcome = form["grant.outcome"]
    if outcome == "granted":
        _need(form, **{"grant.answered.granted": write})
        told["answered"] = _facts(form, "grant.answered", ("granted", "date"))
    elif outcome == "refused":
        told["answered"] = {"refused": "true", **_facts(form, "grant.answered", ("date",))}
    aside = _facts(form, "grant.set_aside", ("amount", "for"))
    if aside:
        _need(form, **{"grant.set_aside.amount": write})
        told["set_aside"] = aside
    return told


# --- the audit -----------------------------------------------------------------------------------


def period_of(visit: Visit, name: str) -> Period:
    """The period of a name. Raises `Http404` if there is none such here."""
    found = next((one for one in periods(visit.id) if one.name == name), None)
    if found is None:
        raise Http404
    return found


@page
def audit(visit: Visit, period: str) -> HttpResponse:
    """What was done in a period without the action that the charter asks for."""
    visit.settle()
    told = period_of(visit, period)
    chronicle, standing = period_told(visit.id, told, visit.now, visit.erased)
    rows = [
        (
            number,
            finding.entry,
            dates_in_words(visit.language, finding.entry.dates),
            needed_in_words(visit.language, finding.needed),
            finding.why,
        )
        for finding, number in _numbered(visit, list(find_gaps(chronicle, standing, told)))
    ]
    needs = standing.charter_at(visit.now).charter.needs_action
    return visit.render(
        "audit.html",
        period=told,
        rows=rows,
        periods=periods(visit.id)[::-1],
        needing=[
            (kind, [EntryKind(one) for one, needed in needs.items() if needed is kind])
            for kind in Kind
        ],
        going_on=told.last >= visit.today,
    )


def _numbered(visit: Visit, findings: Sequence[Finding]) -> Iterator[tuple[Finding, int | None]]:
    """Findings with the numbers of their entries: where the core reads them, they have none."""
    known = list(reading.numbered(visit.id)) if findings else []
    for finding in findings:
        one = next((one for one in known if one.entry == finding.entry), None)
        if one is not None:
            known.remove(one)  # another may say the same
        yield finding, None if one is None else one.number


urls = [
    path("journal", journal, name="journal"),
    path("journal/new", choose, name="journal_choose"),
    path("journal/new/<str:kind>", add, name="journal_add"),
    path("journal/<int:number>", entry, name="journal_entry"),
    path("journal/<int:number>/edit", edit, name="journal_edit"),
    path("journal/<int:number>/remove", remove, name="journal_remove"),
    path("audit/<path:period>", audit, name="audit"),
]
