"""Reports of periods: built as the command line builds them, and kept as they were published.

A published file is kept under its SHA-256, which the ledger records. In public nobody is named by
their handle unless the association says so: what is then published holds no mention.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from toutdoux.actions import commands
from toutdoux.actions.chronicle import period_told
from toutdoux.association.models import Association
from toutdoux.core.journal import Period
from toutdoux.core.words import Refusal, say
from toutdoux.journal.models import Publication
from toutdoux.language import Language
from toutdoux.reports.content import build_report
from toutdoux.reports.document import (
    Blocks,
    Code,
    ColumnKind,
    Document,
    Emphasis,
    Link,
    Paragraph,
    Strong,
    Struck,
    Table,
    Text,
)
from toutdoux.reports.files import RENDERERS, write_all

from .masking import asks, masked, tells

FORMATS = tuple(RENDERERS)
TYPES = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "gmi": "text/gemini; charset=utf-8",
}
_PLACES = {form: place for place, form in enumerate(FORMATS)}
"""Where each stands in a list: the PDF first."""
_NO_TEXTS = frozenset({"url", "language", "date_iso", "number"})
"""What members did not write, and what would lead nowhere if it were changed."""


def language_of(association: Association) -> Language:
    """What a report is written in: it goes to others."""
    return Language(association.language, ZoneInfo(association.time_zone))


def built(association: Association, period: Period, now: datetime, *, audit: bool) -> Document:
    """A period's report as it would be published now.

    Args:
        association: whose it is.
        period: the period told.
        now: the present instant, in UTC.
        audit: whether to tell what went past the actions.
    """
    language = language_of(association)
    told = period_told(association.pk, period, now, language.word("(forgotten)"))
    return build_report(*told, period, language, with_audit=audit)


def rendered(document: Document, form: str) -> bytes:
    """A report as a file. Raises `Refusal` if it cannot be made."""
    from toutdoux.reports.render.pdf import RenderError

    try:
        return RENDERERS[form](document)
    except RenderError as error:
        raise Refusal(
            say("the PDF could not be made: {problem}", problem=str(error)),
            say("take another format, and tell whoever runs this installation"),
        ) from None


def without_mentions(value: Any) -> Any:
    """A report, or a part of it, with all mentions masked, and the links that hold one left out."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return masked(value)
    if isinstance(value, Table):
        links = [column.kind is ColumnKind.LINK for column in value.columns]
        rows = (
            tuple(
                () if is_link and _is_told_by_its_link(cell) else cell
                for cell, is_link in zip(row, links, strict=True)
            )
            for row in value.rows
        )
        value = replace(value, rows=tuple(rows))
    if isinstance(value, tuple):
        parts = _without_marked_mentions(value)
        return tuple(part for one in parts for part in _parts_without_mentions(one))
    if is_dataclass(value) and not isinstance(value, type):
        names = [one.name for one in fields(value) if one.name not in _NO_TEXTS]
        return replace(value, **{name: without_mentions(getattr(value, name)) for name in names})
    return value


def _without_marked_mentions(parts: tuple[Any, ...]) -> list[Any]:
    """Words of which a mention is one part and its name another, as in `@**Ana Brun**`."""
    told: list[Any] = []
    for one in parts:
        if told and isinstance(told[-1], Text) and isinstance(one, _MARKED) and asks(told[-1].text):
            told[-1] = Text(f"{told[-1].text}…")
        else:
            told.append(one)
    return told


_MARKED = (Emphasis, Strong, Struck, Code, Link)


def _parts_without_mentions(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Link) and tells(value.url):
        return without_mentions(value.children)  # type: ignore[no-any-return]
    return (without_mentions(value),)


def _is_told_by_its_link(cell: Blocks) -> bool:
    """Whether a cell is a link that holds a mention: its word alone would lead nowhere."""
    match cell:
        case (Paragraph((Link(url),)),):
            return tells(url)
    return False


# --- publishing ----------------------------------------------------------------------------------


def publish(
    request: commands.Request,
    association: Association,
    period: Period,
    *,
    mentions: bool,
    audit: bool,
) -> None:
    """Build a period's report, keep its files, and record what they are.

    Args:
        request: who publishes.
        association: whose report it is.
        period: the period told.
        mentions: whether everybody may read the mentions in it.
        audit: whether to tell what went past the actions.

    Raises:
        Refusal: it cannot be made, or published.
    """
    document = built(association, period, request.now, audit=audit)
    if not mentions:
        document = without_mentions(document)
    files = {form: rendered(document, form) for form in FORMATS}
    sums = keep(association.pk, document, files)
    commands.publish_report(request, period.name, sums)


def keep(association: str, document: Document, files: Mapping[str, bytes]) -> dict[str, str]:
    """Keep the files of a report, by format, where they are found by their sums. Done before they
    are recorded: what the ledger tells of is there.

    Returns:
        The SHA-256 of each, by format.

    Raises:
        OSError: they cannot be written.
    """
    sums = {form: sha256(content).hexdigest() for form, content in files.items()}
    folder = _folder(association, masked=document == without_mentions(document))
    write_all(folder, {f"{sums[form]}.{form}": content for form, content in files.items()})
    return sums


def _folder(association: str, *, masked: bool) -> Path:
    kind = "for-everybody" if masked else "with-mentions"
    return Path(settings.MEDIA_ROOT) / "reports" / association / kind


@dataclass(frozen=True, slots=True)
class File:
    """A published file."""

    form: str
    sha256: str
    path: Path | None
    """Where it is kept; None if only its sum is known, as of what an earlier version's command
    line published."""

    def content(self) -> bytes | None:
        """What was published; None if it is not there any more, or not what it was."""
        if self.path is None:
            return None
        content = self.path.read_bytes()
        return content if sha256(content).hexdigest() == self.sha256 else None


@dataclass(frozen=True, slots=True)
class Published:
    """What was published of a period at once."""

    period: str
    at: datetime
    files: tuple[File, ...]


def published(
    association: str, period: str | None = None, *, visitor: bool, mentions: bool
) -> list[Published]:
    """What was published of a period, or of all, the latest first.

    Args:
        association: its id.
        period: the period's name.
        visitor: whether it is for everybody: only what is kept, and may be read.
        mentions: whether everybody may read mentions.
    """
    rows = Publication.objects.filter(association=association)
    if period is not None:
        rows = rows.filter(period=period)
    known = rows.order_by("-published_at", "period", "id")
    found = []
    for (at, name), group in groupby(known, key=lambda row: (row.published_at, row.period)):
        files = [_file(association, row, open=mentions or not visitor) for row in group]
        files.sort(key=lambda one: _PLACES.get(one.form, len(_PLACES)))
        told = tuple(one for one in files if one.path is not None or not visitor)
        if told:
            found.append(Published(name, at, told))
    return found


def _file(association: str, row: Publication, *, open: bool) -> File:
    kinds = (True, False) if open else (True,)
    paths = [_folder(association, masked=one) / f"{row.sha256}.{row.format}" for one in kinds]
    return File(row.format, row.sha256, next((one for one in paths if one.is_file()), None))
