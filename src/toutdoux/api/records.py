"""Periods and their inventories, the charter, the journal, reports, the ledger."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from ninja import Path, Query, Router

from toutdoux.actions import commands, searching
from toutdoux.actions.chronicle import period_told, periods
from toutdoux.association import people
from toutdoux.association.charters import in_force
from toutdoux.core.audit import audit as find_gaps
from toutdoux.core.charter import Kind
from toutdoux.core.journal import Period, told_in
from toutdoux.core.words import Refusal
from toutdoux.journal import reading as journal_reading
from toutdoux.ledger import book
from toutdoux.ledger.bundle import write_bundle
from toutdoux.ledger.models import Ledger
from toutdoux.reports import inventory as inv
from toutdoux.web import publishing
from toutdoux.web.models import Verified

from . import shapes, telling
from .actions import as_texts, named_period
from .door import Caller, operation
from .problems import invalid
from .telling import made

router = Router()
PeriodPath = Annotated[str, Path(max_length=60, examples=["P26"])]
AskedPeriod = Annotated[str, Query(max_length=60, description="A period's name.", examples=["P26"])]
EntryPath = Annotated[str, Path(pattern="^J[1-9][0-9]{0,8}$", examples=["J3"])]


# --- periods -------------------------------------------------------------------------------------


def _period(one: Period) -> dict[str, Any]:
    return {"name": one.name, "first": one.first.isoformat(), "last": one.last.isoformat()}


def _there(caller: Caller, name: str) -> Period:
    """The period of an address. Raises `Http404` if there is none such here."""
    found = next((one for one in periods(caller.id) if one.name == name), None)
    if found is None:
        raise Http404
    return found


@operation(router, "GET", "/periods", list[shapes.Period])
def list_periods(caller: Caller) -> Any:
    """List the periods, by their first day."""
    return made(shapes.Period, map(_period, periods(caller.id)))


@operation(router, "PUT", "/periods/{path:name}", shapes.Period, steward=True)
def set_period(caller: Caller, name: PeriodPath, said: shapes.Days) -> Any:
    """Name a period, from its first to its last day, both included; or change its days."""
    first, last = caller.day("first", said.first), caller.day("last", said.last)
    commands.add_period(caller.asks(), name, first, last)
    return made(shapes.Period, _period(_there(caller, commands.period_name(name))))


@operation(router, "DELETE", "/periods/{path:name}", None, status=204, steward=True)
def remove_period(caller: Caller, name: PeriodPath) -> Any:
    """Take a period's name back; nothing that happened in it changes."""
    if not caller.was_said():
        _there(caller, name)
    commands.remove_period(caller.asks(), name)
    return None


@operation(router, "GET", "/inventory", list[shapes.InventoryRow])
def inventory(
    caller: Caller,
    period: AskedPeriod,
    kind: Annotated[shapes.KindName | None, Query(examples=["extraordinary"])] = None,
) -> Any:
    """List the actions proposed in a period, kind by kind, with their tallies."""
    wanted = named_period(caller, period)
    told = searching.of_period(caller.association, wanted, caller.now, caller.erased)
    rows = inv.inventory(*told, wanted, [Kind(kind)] if kind else inv.KINDS)
    return made(shapes.InventoryRow, (one.as_data() for one in rows))


@operation(router, "GET", "/audit", list[shapes.Finding])
def audit(caller: Caller, period: AskedPeriod) -> Any:
    """List what was done in a period without the action that the charter asks for."""
    wanted = named_period(caller, period)
    told = period_told(caller.id, wanted, caller.now, caller.erased)
    return [
        shapes.Finding(
            date=one.entry.dates.first.isoformat(),
            kind=one.entry.kind.value,
            title=one.entry.title,
            needs=one.needed.value,
            actions=list(one.entry.actions),
            why=caller.language.say(one.why),
        )
        for one in find_gaps(*told, wanted)
    ]


# --- the charter ---------------------------------------------------------------------------------


@operation(router, "GET", "/charter", shapes.Charter)
def charter(caller: Caller) -> Any:
    """Show the rules in force.

    They change by an extraordinary action with the effect `amend_charter`.
    """
    return _charter(caller, in_force(caller.id, caller.now).number)


@operation(router, "GET", "/charter/versions", list[shapes.ListedCharter])
def charter_versions(caller: Caller) -> Any:
    """List the versions of the charter, the oldest first."""
    current = in_force(caller.id, caller.now)
    versions = people.charters(caller.id)
    return made(shapes.ListedCharter, (telling.listed_charter(one, current) for one in versions))


@operation(router, "GET", "/charter/versions/{number}", shapes.Charter)
def charter_version(caller: Caller, number: shapes.NumberPath) -> Any:
    """Show a version of the charter, and what it changed."""
    return _charter(caller, number)


def _charter(caller: Caller, number: int) -> Any:
    versions = {one.number: one for one in people.charters(caller.id)}
    if number not in versions:
        raise Http404
    current = in_force(caller.id, caller.now)
    told = telling.charter(caller, versions[number], current, versions.get(number - 1))
    return made(shapes.Charter, told)


# --- the journal ---------------------------------------------------------------------------------


@operation(router, "GET", "/journal", shapes.Page[shapes.JournalEntry])
def journal(
    caller: Caller,
    period: Annotated[
        str | None, Query(max_length=60, description="A period's name.", examples=["P26"])
    ] = None,
    kind: Annotated[shapes.EntryName | None, Query(examples=["event"])] = None,
    page: shapes.Digits = shapes.PAGE,
    size: shapes.Digits = shapes.SIZE,
) -> Any:
    """List what the association did, in order of date."""
    wanted = None if period is None else named_period(caller, period)
    found = [
        one
        for one in journal_reading.numbered(caller.id)
        if (wanted is None or told_in(one.entry, wanted)) and (kind in (None, one.entry.kind))
    ]
    found.sort(key=lambda one: (one.entry.dates.first, one.number))
    shown = [_entry(one.number, one.content) for one in telling.cut(found, page, size)]
    told = telling.paged(caller, shown, page, size, len(found))
    return made(shapes.Page[shapes.JournalEntry], told)


def _entry(number: int, content: journal_reading.Content) -> dict[str, Any]:
    entry = journal_reading.checked(content)
    return {"date": entry.dates.first.isoformat(), **content, "id": f"J{number}"}


def _kept(caller: Caller, id: str) -> Any:
    content = journal_reading.content_of(caller.id, int(id[1:]))
    if content is None:
        raise Http404
    return made(shapes.JournalEntry, _entry(int(id[1:]), content))


@operation(router, "POST", "/journal", shapes.JournalEntry, status=201, steward=True)
def add_entry(caller: Caller, said: shapes.JournalContent) -> Any:
    """Tell what the association did: an event, a service, a course, a grant …"""
    return _kept(caller, f"J{commands.add_to_journal(caller.asks(), _content(said))}")


def _content(said: shapes.JournalContent) -> dict[str, Any]:
    told: Any = as_texts(said.model_dump(exclude_none=True))
    content = {key: one for key, one in told.items() if one not in ("", [], {})}
    try:
        journal_reading.checked(content)
    except Refusal as refusal:
        raise invalid(".".join(refusal.path) or "body", refusal) from None
    return content


@operation(router, "GET", "/journal/{id}", shapes.JournalEntry)
def entry(caller: Caller, id: EntryPath) -> Any:
    """Show an entry of the journal."""
    return _kept(caller, id)


@operation(router, "PUT", "/journal/{id}", shapes.JournalEntry, steward=True)
def change_entry(caller: Caller, id: EntryPath, said: shapes.JournalContent) -> Any:
    """Change what an entry of the journal says."""
    if not caller.was_said():
        _kept(caller, id)
    commands.change_journal(caller.asks(), int(id[1:]), _content(said))
    return _kept(caller, id)


@operation(router, "DELETE", "/journal/{id}", None, status=204, steward=True)
def remove_entry(caller: Caller, id: EntryPath) -> Any:
    """Take an entry of the journal out."""
    if not caller.was_said():
        _kept(caller, id)
    commands.change_journal(caller.asks(), int(id[1:]), None)
    return None


# --- reports -------------------------------------------------------------------------------------


@operation(router, "GET", "/reports", list[shapes.ListedReport])
def reports(caller: Caller) -> Any:
    """List the periods with what was published of each."""
    return [_listed_report(caller, one) for one in periods(caller.id)]


def _listed_report(caller: Caller, period: Period) -> Any:
    return made(
        shapes.ListedReport, {"period": _period(period), "published": _sums(caller, period)}
    )


def _sums(caller: Caller, period: Period) -> list[dict[str, Any]]:
    mentions = caller.settings.show_mentions
    found = publishing.published(caller.id, period.name, visitor=False, mentions=mentions)
    return [
        {"format": file.form, "sha256": file.sha256, "at": telling.utc(one.at)}
        for one in found
        for file in one.files
    ]


@operation(
    router,
    "GET",
    "/reports/{path:period}/files/{form}",
    shapes.Text,
    media=tuple(one.partition(";")[0] for one in publishing.TYPES.values()),
)
def report_file(
    caller: Caller,
    period: PeriodPath,
    form: Annotated[shapes.FormatName, Path(examples=["md"])],
    audit: Annotated[
        shapes.YesNo, Query(description="Whether to tell what went past the actions.")
    ] = "false",
) -> Any:
    """Write a period's report as it would be published now: PDF, HTML, Markdown or Gemtext."""
    document = publishing.built(
        caller.association, _there(caller, period), caller.now, audit=audit == "true"
    )
    response = HttpResponse(
        publishing.rendered(document, form), content_type=publishing.TYPES[form]
    )
    response["Content-Disposition"] = content_disposition_header(
        True, f"{caller.language.word('activity-report')}.{form}"
    )
    return response


@operation(
    router,
    "GET",
    "/reports/{path:period}/published/{sha256}",
    shapes.Text,
    media=tuple(one.partition(";")[0] for one in publishing.TYPES.values()),
)
def published_file(
    caller: Caller,
    period: PeriodPath,
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$", examples=["0" * 64])],
) -> Any:
    """Download a file of a report as it was published, by its SHA-256."""
    mentions = caller.settings.show_mentions
    told = publishing.published(caller.id, period, visitor=False, mentions=mentions)
    for file in (file for one in told for file in one.files if file.sha256 == sha256):
        content = file.content()
        if content is not None:
            response = HttpResponse(content, content_type=publishing.TYPES[file.form])
            response["Content-Disposition"] = content_disposition_header(
                True, f"{caller.language.word('activity-report')}.{file.form}"
            )
            return response
    raise Http404


@operation(
    router, "POST", "/reports/{path:period}/publish", shapes.Report, status=201, steward=True
)
def publish_report(caller: Caller, period: PeriodPath, said: shapes.Publish) -> Any:
    """Publish a period's report: its files are kept, and what they are is recorded."""
    caller.settle()
    told = _there(caller, period)
    # Made again, a file may differ in a byte: the key stands for what was asked for.
    key = caller.key and f"{caller.key} {told.name} {said.audit}"
    if key is None or book.answer_to(caller.id, key) is None:
        publishing.publish(
            caller.asks(key),
            caller.association,
            told,
            mentions=caller.settings.show_mentions,
            audit=said.audit,
        )
    return _report(caller, told)


@operation(router, "PUT", "/reports/{path:period}/words", shapes.Report, steward=True)
def word_report(caller: Caller, period: PeriodPath, said: shapes.Words) -> Any:
    """Set what is written for a period's report: its title, authors, the texts of its sections."""
    told, content = _there(caller, period), as_texts(said.words)
    assert isinstance(content, dict)
    try:
        journal_reading.check_words(content)
    except Refusal as refusal:
        raise invalid(".".join(["words", *refusal.path]), refusal) from None
    commands.word_report(caller.asks(), told.name, content)
    return _report(caller, told)


@operation(router, "GET", "/reports/{path:period}", shapes.Report)
def report(caller: Caller, period: PeriodPath) -> Any:
    """Show a period's report: what was written for it, its sections, what was published."""
    return _report(caller, _there(caller, period))


def _report(caller: Caller, period: Period) -> Any:
    document = publishing.built(caller.association, period, caller.now, audit=False)
    told = {
        "period": _period(period),
        "published": _sums(caller, period),
        "title": document.title,
        "words": dict(journal_reading.words_content(caller.id, period.name)),
        "sections": [one.title for one in document.sections],
    }
    return made(shapes.Report, told)


# --- the ledger ----------------------------------------------------------------------------------


@operation(router, "GET", "/ledger", shapes.Ledger)
def ledger(caller: Caller) -> Any:
    """Show how long the ledger is, its head, and when it was last verified."""
    row = Ledger.objects.get(id=caller.id)
    last = Verified.objects.filter(association=caller.id).first()
    told = {
        "length": row.length,
        "head": row.head,
        "recorded_at": telling.utc(row.recorded_at),
        "verified": last
        and {
            "at": telling.utc(last.at),
            "length": last.length,
            "head": last.head,
            "problem": last.problem,
        },
    }
    return made(shapes.Ledger, told)


@operation(router, "GET", "/ledger/bundle", shapes.Text, media=("application/jsonl",))
def bundle(caller: Caller) -> Any:
    """Download the ledger's entries, for anybody to verify: `toutdoux verify --bundle FILE`.

    There is no name and no text in it.
    """
    row = Ledger.objects.get(id=caller.id)
    response = HttpResponse(content_type="application/jsonl")
    response["Content-Disposition"] = content_disposition_header(
        True, f"{caller.slug}-{row.length}.jsonl"
    )
    rows = book.rows(row.id, last=row.length)
    write_bundle(response, row.id, row.length, row.head, rows, lambda _: None)  # type: ignore[arg-type]
    return response
