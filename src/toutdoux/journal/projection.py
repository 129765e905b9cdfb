"""What entries change in the tables of the journal and of reports."""

from __future__ import annotations

from toutdoux.association.models import Association
from toutdoux.association.projection import text
from toutdoux.core.chain import Body
from toutdoux.core.entries import read_instant
from toutdoux.ledger.book import Writer, projects

from .models import JournalEntry, Publication, ReportWords


@projects("journal.added")
def _added(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    JournalEntry.objects.create(
        id=data["entry"],
        association_id=writer.id,
        number=data["number"],
        content_id=data["texts"]["content"],
    )


@projects("journal.changed")
def _changed(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    JournalEntry.objects.filter(pk=data["entry"]).update(content_id=data["texts"]["content"])


@projects("journal.removed")
def _removed(writer: Writer, entry: Body) -> None:
    JournalEntry.objects.filter(pk=entry["data"]["entry"]).update(removed=True)


@projects("report.worded")
def _worded(writer: Writer, entry: Body) -> None:
    texts = entry["data"]["texts"]
    ReportWords.objects.update_or_create(
        association=Association(pk=writer.id),
        period=text(texts["period"]),
        defaults={"content_id": texts["content"]},
    )


@projects("report.published")
def _published(writer: Writer, entry: Body) -> None:
    data = entry["data"]
    period = text(data["texts"]["period"])
    Publication.objects.bulk_create(
        Publication(
            association_id=writer.id,
            period=period,
            format=name,
            sha256=data["files"][name],
            published_at=read_instant(entry["at"]),
        )
        for name in sorted(data["files"])
    )
