"""Reports: what a period comes to, in the association's words, and what was published of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.http import Http404, HttpResponse
from django.urls import path
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from toutdoux.actions import commands
from toutdoux.actions.chronicle import periods
from toutdoux.association.models import Member
from toutdoux.core.journal import ReportSection
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.journal.models import ReportWords
from toutdoux.journal.reading import check_words, words_content
from toutdoux.reports.files import file_name

from .. import publishing
from ..door import Visit, page
from ..forms import Form
from ..meanwhile import one_at_a_time
from .journal import period_of

SECTIONS: Mapping[ReportSection, Sentence] = {
    ReportSection.INTRODUCTION: say("Introduction"),
    ReportSection.LIFE: say("Life of the association"),
    ReportSection.SERVICES: say("Services"),
    ReportSection.OUTREACH: say("Outreach"),
    ReportSection.EVENTS: say("Events"),
    ReportSection.COURSES: say("Courses"),
    ReportSection.ACTIONS: say("Actions and decisions"),
}
LONGEST_TEXT = 50_000
FORMATS: Mapping[str, Sentence] = {
    "pdf": say("PDF"),
    "html": say("web page"),
    "md": say("Markdown"),
    "gmi": say("Gemtext"),
}

# A report has a style of its own in it, and its own policy says which; no script runs in it.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; sandbox"
)


# --- looking -------------------------------------------------------------------------------------


def _published(visit: Visit, period: str | None = None) -> list[publishing.Published]:
    return publishing.published(
        visit.id,
        period,
        visitor=visit.member is None,
        mentions=visit.settings.show_mentions,
    )


@page(public="reports")
def reports(visit: Visit) -> HttpResponse:
    """The periods there are, and what was published of each; visitors see the latter only."""
    latest: dict[str, publishing.Published] = {}
    for one in _published(visit):
        latest.setdefault(one.period, one)
    shown = [one for one in periods(visit.id)[::-1] if visit.member or one.name in latest]
    worded = ReportWords.objects.filter(association=visit.id, content__text__isnull=False)
    return visit.render(
        "reports.html",
        periods=shown,
        latest=latest,
        worded=set(worded.values_list("period", flat=True)) if visit.member else set(),
    )


@page(public="reports")
def report(visit: Visit, period: str) -> HttpResponse:
    """A period's report: to be looked at, worded and published; what was published of it."""
    return _report_page(visit, period)


def _report_page(visit: Visit, period: str, refusal: Refusal | None = None) -> HttpResponse:
    told = _published(visit, period)
    known = next((one for one in periods(visit.id) if one.name == period), None)
    if known is None or not (visit.member or told):
        raise Http404
    return visit.render(
        "report.html",
        409 if refusal else 200,
        period=known,
        refusal=refusal,
        published=told,
        formats=FORMATS,
        audit=_with_audit(visit),
        going_on=known.last >= visit.today,
        sections=[
            (SECTIONS[section], words)
            for section, words in _words(visit, period)[0].get("sections", {}).items()
            if section in SECTIONS
        ]
        if visit.member
        else [],
    )


def _with_audit(visit: Visit) -> bool:
    """Whether the report tells what went past the actions."""
    asked = visit.request.POST if visit.request.method == "POST" else visit.request.GET
    return bool(asked.get("audit"))


@page
def preview(visit: Visit, period: str) -> HttpResponse:
    """The report as it would be published now, as a page of its own, with a link back."""
    asked = "?audit=1" if _with_audit(visit) else ""
    back = format_html(
        '<p class="by"><a href="{}{}">{}</a></p>',
        visit.url("report", period=period),
        asked,
        visit.language.say(say("Back to the report of {period}", period=period)),
    )
    page = _made(visit, period, "html").replace(b"<header>", b"<header>" + back.encode(), 1)
    return _document(page, "html")


@page
def download(visit: Visit, period: str, form: str) -> HttpResponse:
    """The report as it would be published now, as a file."""
    if form not in publishing.FORMATS:
        raise Http404
    return _document(_made(visit, period, form), form, _name(visit, period, form))


def _made(visit: Visit, name: str, form: str) -> bytes:
    period = period_of(visit, name)
    visit.settle()
    audit = _with_audit(visit)
    document = publishing.built(visit.association, period, visit.now, audit=audit)
    return publishing.rendered(document, form)


def _name(visit: Visit, period: str, form: str) -> str:
    return file_name(publishing.language_of(visit.association), period, form)


@page(public="reports")
def published(visit: Visit, period: str, sum: str, form: str) -> HttpResponse:
    """A file as it was published, byte for byte."""
    for one in _published(visit, period):
        for file in one.files:
            content = file.content() if (file.sha256, file.form) == (sum, form) else None
            if content is not None:
                save = form != "html" or bool(visit.request.GET.get("save"))
                return _document(content, form, _name(visit, period, form) if save else "")
    raise Http404


def _document(content: bytes, form: str, name: str = "") -> HttpResponse:
    """A file of a report; it is saved under a name, if one is given."""
    response = HttpResponse(content, content_type=publishing.TYPES[form])
    response["Content-Security-Policy"] = _POLICY
    if name:
        response["Content-Disposition"] = content_disposition_header(True, name)
    return response


# --- its words -----------------------------------------------------------------------------------


def _words(visit: Visit, period: str) -> tuple[dict[str, Any], str]:
    """What was written for a report, and what names this version of it."""
    return dict(words_content(visit.id, period)), _version(visit.id, period)


def _version(association: str, period: str) -> str:
    rows = ReportWords.objects.filter(association=association, period=period)
    return str(rows.values_list("content_id", flat=True).first() or "")


@page(steward=True)
def edit(visit: Visit, period: str) -> HttpResponse:
    """Write the texts of a report's sections."""
    period_of(visit, period)
    before, version = _words(visit, period)
    if visit.request.method != "POST":
        return _edit_page(visit, period, Form(_typed(visit, before)), before, version)
    form = Form(visit.request.POST)
    content = _content(visit, form)
    if form.sound:
        unchanged = one_at_a_time(visit, form["was"], lambda: _version(visit.id, period))
        with form.taking(visit.id), unchanged:
            commands.word_report(visit.asks(), period, content)
            return visit.to("report", say("The words of the report are kept"), period=period)
        before, version = _words(visit, period)
    return _edit_page(visit, period, form, before, version)


def _edit_page(
    visit: Visit, period: str, form: Form, here: Mapping[str, Any], version: str
) -> HttpResponse:
    changed = visit.request.method == "POST" and form["was"] != version
    theirs = _typed(visit, here) if changed else {}
    return visit.render(
        "report_edit.html",
        form.status,
        period=period,
        form=form,
        version=version,
        sections=SECTIONS,
        # What it says now, where that is not what was typed.
        theirs={name: text for name, text in theirs.items() if text != _lines(form[name])},
    )


def _typed(visit: Visit, words: Mapping[str, Any]) -> dict[str, str]:
    """A report's words, field by field as the form has them: members by their handles."""
    authors = words.get("authors") or ()
    members = Member.objects.filter(association=visit.id, pk__in=authors, erased=False)
    handles = dict(members.values_list("id", "handle"))
    sections = words.get("sections", {})
    typed = {
        f"{section}.{key}": sections.get(section, {}).get(key) or ""
        for section in SECTIONS
        for key in ("title", "text")
    }
    return {
        "title": words.get("title") or "",
        "authors": "\n".join(f"@{handles[one]}" if one in handles else one for one in authors),
        "date": words.get("date") or "",
        **typed,
    }


def _content(visit: Visit, form: Form) -> dict[str, Any]:
    """What the form says, in the words of a scenario."""
    title = form.line("title", say("the title"), required=False)
    named = [line.strip() for line in form["authors"].splitlines() if line.strip()]
    # By their ids: whoever is called otherwise one day is still an author.
    told_handles = [one.removeprefix("@").lower() for one in named]
    members = Member.objects.filter(association=visit.id, handle__in=told_handles)
    ids = dict(members.values_list("handle", "id"))
    authors = [ids.get(one.removeprefix("@").lower(), one) for one in named]
    sections: dict[str, dict[str, str]] = {}
    for section in SECTIONS:
        words = {"title": form.line(f"{section}.title", say("the title"), required=False)}
        with form.beside(f"{section}.text"):
            text = _lines(form[f"{section}.text"])
            words["text"] = commands.short(text, say("the text"), LONGEST_TEXT)
        words = {key: one for key, one in words.items() if one}
        if words:
            sections[section.value] = words
    told = {"title": title, "authors": authors, "date": form["date"].strip(), "sections": sections}
    content = {key: one for key, one in told.items() if one}
    if form.sound:
        try:
            check_words(content)
        except Refusal as refusal:
            with form.beside(_field_of(refusal.path)):
                raise
    return content


def _field_of(path: Sequence[str]) -> str:
    return ".".join(path[1:]) if path[:1] == ("sections",) else path[0] if path else "title"


def _lines(text: str) -> str:
    """As browsers send lines, and as they are kept."""
    return text.replace("\r\n", "\n").strip()


# --- publishing ----------------------------------------------------------------------------------


@require_POST
@page(steward=True)
def publish(visit: Visit, period: str) -> HttpResponse:
    told = period_of(visit, period)
    visit.settle()
    try:
        publishing.publish(
            visit.asks(),
            visit.association,
            told,
            mentions=visit.settings.show_mentions,
            audit=_with_audit(visit),
        )
    except Refusal as refusal:
        return _report_page(visit, period, refusal)
    said = say("The report of {period} is published", period=period)
    return visit.to("report", said, period=period)


urls = [
    path("reports", reports, name="reports"),
    path("reports/<path:period>/edit", edit, name="report_edit"),
    path("reports/<path:period>/preview", preview, name="report_preview"),
    path("reports/<path:period>/publish", publish, name="report_publish"),
    path("reports/<path:period>/download/<str:form>", download, name="report_download"),
    path(
        "reports/<path:period>/published/<str:sum>.<str:form>", published, name="report_published"
    ),
    path("reports/<path:period>", report, name="report"),
]
