"""What the association keeps and publishes: inventories, reports, the journal.

Each part is shown by the setting that shows it on the web. The web shows nobody the journal itself,
but published reports tell it: so what everybody may read of it here is what a report has told, and
as it stood then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from toutdoux.actions import searching
from toutdoux.actions.chronicle import periods as periods_of
from toutdoux.core.charter import Kind
from toutdoux.core.entries import read_instant
from toutdoux.core.journal import Entry, EntryKind, Period, told_in
from toutdoux.core.words import say, say_n
from toutdoux.journal import reading as journal
from toutdoux.ledger.models import Entry as LedgerEntry
from toutdoux.reports import inventory as inv
from toutdoux.reports.content import dates_in_words, entry_facts, inventory_table
from toutdoux.web import publishing
from toutdoux.web.feeds import News, stable_id
from toutdoux.web.masking import tells
from toutdoux.web.views.public import LATEST

from .desk import Desk, Written
from .protocol import Response, Status

AT_ONCE = 100
"""Rows on a page."""
_FORMATS = {
    "gmi": say("Gemtext"),
    "pdf": say("PDF"),
    "md": say("Markdown"),
    "html": say("web page"),
}


# --- inventories ---------------------------------------------------------------------------------


def list_periods(desk: Desk, written: Written) -> None:
    """Link to the inventories of the periods, the latest first."""
    for one in sorted(periods_of(desk.visit.id), key=lambda one: one.first, reverse=True):
        label = f"{one.name} ({desk.language.span(one.first, one.last)})"
        written.link(desk.path("inventory", one.name), label)


def inventories(desk: Desk) -> Response:
    written = Written()
    written.heading(1, desk.tell(say("Inventories by period")))
    written.text(desk.tell(say("The actions proposed in each period, with their votes."))).blank()
    list_periods(desk, written)
    return desk.page(written)


def inventory(desk: Desk, name: str, number: str = "1") -> Response:
    """The inventory of a period, so many rows a page."""
    visit = desk.visit
    period = _period(desk, name)
    if period is None:
        return desk.nothing(say("There is no period of this name."))
    told = searching.of_period(visit.association, period, visit.now, desk.erased)
    rows = [_masked(desk, row) for row in inv.inventory(*told, period)]
    last = max(1, -(-len(rows) // AT_ONCE))
    here = desk.number(number, last)
    if here is None:
        return desk.nothing(say("This inventory has no such page."))
    expressed = sum(row.expressed for row in rows)
    figures = [
        say("{span}", span=desk.language.span(period.first, period.last)),
        say_n("{n} action", "{n} actions", len(rows)),
        say_n("{n} vote expressed", "{n} votes expressed", expressed),
    ]
    if last > 1:
        figures.append(say("page {n} of {last}", n=here, last=last))
    written = Written()
    written.heading(1, desk.tell(say("Inventory of {period}", period=period.name)))
    text = " · ".join(map(desk.language.say, figures))
    written.text(text[:1].upper() + text[1:])
    part = rows[(here - 1) * AT_ONCE : here * AT_ONCE]
    for kind in inv.KINDS:
        # The columns are those of the whole period.
        if of_kind := [row for row in part if row.kind is kind]:
            written.heading(2, inv.kind_title(desk.language, kind))
            _write_rows(desk, written, of_kind, kind)
    if not rows:
        written.blank().text(desk.tell(say("No action was proposed in this period.")))
    around = [(here + 1, say("The next page"))] if here < last else []
    around += [(here - 1, say("The page before"))] if here > 1 else []
    links = [(desk.path("inventory", name, page), label) for page, label in around]
    return desk.page(written, *links, (desk.path("inventory"), say("Inventories by period")))


def _period(desk: Desk, name: str) -> Period | None:
    return next((one for one in periods_of(desk.visit.id) if one.name == name), None)


def _masked(desk: Desk, row: inv.InventoryRow) -> inv.InventoryRow:
    link = None if row.link and desk.masks and tells(row.link) else row.link
    return replace(row, object=desk.shown(row.object), link=link)


def _write_rows(desk: Desk, written: Written, rows: Sequence[inv.InventoryRow], kind: Kind) -> None:
    table = inventory_table(desk.language, rows, kind)
    for row, cells in zip(rows, table.rows, strict=True):
        written.blank()
        written.blocks((replace(table, rows=(cells,)),))
        if row.state and desk.visit.settings.public_actions:
            about = say("the action {ref}", ref=row.ref)
            written.link(desk.path("actions", row.ref), desk.tell(about))


# --- reports -------------------------------------------------------------------------------------


def _published(desk: Desk, period: str | None = None) -> list[publishing.Published]:
    mentions = desk.visit.settings.show_mentions
    return publishing.published(desk.visit.id, period, visitor=True, mentions=mentions)


def reports(desk: Desk) -> Response:
    """The reports that were published, the latest of each period."""
    written = Written()
    written.heading(1, desk.tell(say("Activity reports")))
    seen: set[str] = set()
    for one in _published(desk):
        if one.period not in seen:
            seen.add(one.period)
            day = one.at.astimezone(desk.language.zone).date()
            label = desk.tell(say("Activity report {period}", period=one.period))
            written.entry(desk.path("reports", one.period), day, label)
    if not seen:
        written.text(desk.tell(say("No report is published yet.")))
    return desk.page(written)


def report(desk: Desk, period: str) -> Response:
    """What was published of a period: its files."""
    told = _published(desk, period)
    if not told:
        return desk.nothing(say("No report is published of a period of this name."))
    written = Written()
    written.heading(1, desk.tell(say("Activity report {period}", period=period)))
    for one in told:
        written.heading(2, desk.tell(say("Published on {at}", at=one.at)))
        order = list(_FORMATS)
        files = [file for file in one.files if file.form in _FORMATS]
        for file in sorted(files, key=lambda file: order.index(file.form)):
            name = f"{file.sha256}.{file.form}"
            written.link(desk.path("reports", period, name), desk.tell(_FORMATS[file.form]))
    return desk.page(written, (desk.path("reports"), say("Activity reports")))


def report_file(desk: Desk, period: str, name: str) -> Response:
    """A file as it was published, byte for byte."""
    for one in _published(desk, period):
        for file in one.files:
            content = file.content() if name == f"{file.sha256}.{file.form}" else None
            if content is not None:
                type = publishing.TYPES[file.form]
                if file.form == "gmi":
                    type += f"; lang={desk.visit.association.language}"
                return Response(Status.SUCCESS, type, content, keep=True)
    return desk.nothing(say("No such file was published."))


# --- the journal ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the journal that a published report tells."""

    number: int
    entry: Entry
    at: datetime
    """When it was written as it is."""


def _told(desk: Desk) -> list[Told]:
    """What everybody may read of the journal, the latest first."""
    known = {one.name: one for one in periods_of(desk.visit.id)}
    latest: dict[str, datetime] = {}
    for one in _published(desk):
        latest[one.period] = max(one.at, latest.get(one.period, one.at))
    published = [(known[name], at) for name, at in latest.items() if name in known]
    zone, found = desk.language.zone, []
    for kept in journal.numbered(desk.visit.id):
        times = [at for period, at in published if told_in(kept.entry, period)]
        if times and kept.entry.dates.first <= max(times).astimezone(zone).date():
            found.append((kept.number, kept.entry, max(times)))
    written = _written_at(desk, [number for number, _, _ in found])
    told = [
        Told(number, entry, written[number])
        for number, entry, until in found
        if number in written and written[number] <= until
    ]
    return sorted(told, key=lambda one: (one.entry.dates.first, one.number), reverse=True)


def _written_at(desk: Desk, numbers: Sequence[int]) -> dict[int, datetime]:
    """When entries of the journal were written or changed for the last time."""
    rows = LedgerEntry.objects.filter(
        ledger=desk.visit.id, subject__in=[f"J{one}" for one in numbers]
    )
    bodies = rows.order_by("seq").values_list("subject", "body")
    at: dict[int, datetime] = {}
    for subject, body in bodies:
        entry = orjson.loads(bytes(body))
        at[int(subject[1:])] = read_instant(entry.get("recorded_at") or entry["at"])
    return at


def gemlog(desk: Desk) -> Response:
    """What the association did, to be subscribed to."""
    written = Written()
    written.heading(1, f"{desk.visit.association.name} · {desk.tell(say('Journal'))}")
    written.text(desk.tell(say("What published reports tell of the association’s life."))).blank()
    for one in _told(desk):
        title = desk.title(desk.shown(one.entry.title))
        written.entry(desk.path("journal", one.number), one.entry.dates.first, title)
    return desk.page(written, (desk.path("journal.atom"), say("This journal as a feed (Atom)")))


def journal_feed(desk: Desk) -> Response:
    latest = sorted(_told(desk), key=lambda one: (one.at, one.number), reverse=True)[:LATEST]
    told = [
        News(
            id=stable_id(desk.visit.id, f"J{one.number}"),
            title=desk.title(desk.shown(one.entry.title)),
            text=desk.shown(one.entry.text),
            url=desk.url("journal", one.number),
            published=one.at,
            updated=one.at,
        )
        for one in latest
    ]
    return desk.atom("journal", say("Journal"), told)


def journal_entry(desk: Desk, number: str) -> Response:
    """An entry, with what there is to know of it."""
    one = next((one for one in _told(desk) if str(one.number) == number), None)
    if one is None:
        return desk.nothing(say("There is no entry of this number here."))
    entry, language = one.entry, desk.language
    written = Written()
    written.heading(1, desk.shown(entry.title))
    told = f"{dates_in_words(language, entry.dates)} · {language.name(entry.kind)}"
    written.text(told[:1].upper() + told[1:]).blank()
    written.blocks(desk.markdown(desk.shown(entry.text)))
    facts = entry_facts(language, replace(entry, actions=()))
    if entry.kind not in (EntryKind.REQUEST, EntryKind.GRANT):
        facts = replace(facts, pairs=facts.pairs[1:])  # the date, which was told
    if facts.pairs:
        written.blank()
        written.blocks((publishing.without_mentions(facts) if desk.masks else facts,))
    if desk.visit.settings.public_actions:
        written.blank()
        for ref in entry.actions:
            about = say("the action {ref}", ref=ref)
            written.link(desk.path("actions", ref), desk.tell(about))
    return desk.page(written, (desk.path("journal"), say("Journal")))
