"""Reading what a scenario tells beside actions: periods, roles, the journal, a report's words."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import date

from toutdoux.core.journal import (
    Attendance,
    Dates,
    Entry,
    EntryKind,
    Grant,
    Period,
    Precision,
    ReportSection,
    ReportWords,
    Request,
    Role,
    SectionWords,
    WebLink,
    check_link,
)
from toutdoux.core.words import Refusal, say

from .errors import ScenarioError
from .fields import Row
from .source import Fields, Items, Node, Scalar

_AN_ENTRY = say("a journal entry")
ENTRY_KEYS = (
    "kind",
    "date",
    "title",
    "text",
    "partners",
    "links",
    "attendance",
    "actions",
    "period",
    "request",
    "grant",
)


def read_periods(top: Row) -> list[Period]:
    periods: list[Period] = []
    for row in top.rows("periods", say("a period")):
        row.only(("name", "first", "last"))
        period = Period(row.text("name"), row.day("first"), row.day("last"))
        _check_order(row, period.first, period.last)
        if any(other.name == period.name for other in periods):
            raise ScenarioError(
                say("the period {name} is there twice", name=period.name),
                say("keep one of them"),
                row.line,
            )
        periods.append(period)
    return periods


def _check_order(row: Row, first: date, last: date) -> None:
    if last < first:
        raise ScenarioError(
            say("this ends before it begins: {last} is before {first}", first=first, last=last),
            say("put the later day last"),
            row.line,
        )


def read_roles(top: Row, members: set[str]) -> list[Role]:
    roles = []
    for row in top.rows("roles", say("a role")):
        row.only(("role", "member", "from", "to"))
        role = Role(row.text("role"), row.text("member"), row.day("from"), row.day_or_none("to"))
        if role.member not in members:
            raise ScenarioError(
                say("nobody here is called “{member}”", member=role.member),
                say("use the id of a member"),
                row.line_of("member"),
            )
        if role.last is not None:
            _check_order(row, role.first, role.last)
        roles.append(role)
    return roles


# --- the journal ---------------------------------------------------------------------------------


def read_journal(top: Row, periods: Sequence[Period]) -> list[Entry]:
    names = {period.name for period in periods}
    return [_entry(row, names) for row in top.rows("journal", _AN_ENTRY)]


def read_entry(node: Node, periods: Container[str] | None = None) -> Entry:
    """Read one entry of a journal.

    Args:
        node: as it stands in a file, or `source.node_of` what comes from elsewhere.
        periods: the names of the periods there are; None to take any.

    Raises:
        ScenarioError: it is no such entry; the line is 0 if it comes from elsewhere.
    """
    return _entry(Row(node, _AN_ENTRY), periods)


def _entry(row: Row, periods: Container[str] | None) -> Entry:
    row.only(ENTRY_KEYS)
    kind = row.choice("kind", EntryKind)
    request = _request(row) if kind is EntryKind.REQUEST else None
    grant = _grant(row) if kind is EntryKind.GRANT else None
    for key in ("request", "grant"):
        if row.has(key) and key != kind:
            raise ScenarioError(
                say("only an entry of kind {key} has {key}:", key=key),
                say("correct the kind, or take {key}: out", key=key),
                row.line_of(key),
            )
    period = row.text_or_none("period")
    if periods is not None:
        _check_period(row, period, periods)
    return Entry(
        kind=kind,
        title=row.text("title"),
        dates=_dates(row, request.sent if request else grant.asked_on if grant else None),
        text=row.text_or_none("text") or "",
        partners=tuple(str(name) for name in row.texts("partners")),
        links=tuple(_links(row)),
        attendance=tuple(
            _attendance(one) for one in row.rows_or_one("attendance", say("an attendance"))
        ),
        actions=tuple(str(ref) for ref in row.texts("actions")),
        period=period,
        request=request,
        grant=grant,
    )


def _check_period(row: Row, name: str | None, periods: Container[str]) -> None:
    if name is not None and name not in periods:
        raise ScenarioError(
            say("there is no period {name}", name=name),
            say("add it to periods:, or correct the name"),
            row.line_of("period"),
        )


def _dates(row: Row, otherwise: date | None) -> Dates:
    node = row.fields.get("date")
    if isinstance(node, Fields):
        span = Row(node, say("{key}:", key="date"))
        span.only(("first", "last"))
        first, last = span.day("first"), span.day("last")
        _check_order(span, first, last)
        return Dates((first, last), span=True)
    if isinstance(node, Items):
        days = []
        for text in row.texts("date"):
            one = Row(Fields(text.line, {"date": text}), say("{key}:", key="date"))
            days.append(one.day("date"))
        if not days:
            raise ScenarioError(say("date is empty"), say("fill it in"), node.line)
        return Dates(tuple(sorted(days)))
    if node is None and otherwise is not None:
        return Dates((otherwise,))
    return Dates((row.day("date"),))


def _links(row: Row) -> list[WebLink]:
    links = []
    for node in row.nodes("links"):
        if isinstance(node, Scalar):
            links.append(WebLink(str(node)))
        else:
            link = Row(node, say("a link"))
            link.only(("title", "url"))
            links.append(WebLink(link.text("url"), link.text_or_none("title")))
        _check_url(links[-1].url, node.line)
    return links


def _check_url(url: str, line: int) -> None:
    try:
        check_link(url)
    except Refusal as refusal:
        raise ScenarioError.at(line, refusal) from None


def _attendance(row: Row) -> Attendance:
    row.only(("label", *Precision))
    said = [precision for precision in Precision if row.has(precision)]
    if len(said) != 1:
        raise ScenarioError(
            say("an attendance has one count"),
            say("write one of {names}", names=", ".join(Precision)),
            row.line,
        )
    return Attendance(row.count(said[0]), said[0], row.text_or_none("label"))


def _request(row: Row) -> Request:
    if not row.has("request"):
        raise _missing(row, "request")
    facts = row.row("request")
    facts.only(("to", "sent", "answered", "answer"))
    sent, answered = facts.day("sent"), facts.day_or_none("answered")
    if answered is not None:
        _check_order(facts, sent, answered)
    return Request(facts.text("to"), sent, answered, facts.text_or_none("answer"))


def _grant(row: Row) -> Grant:
    if not row.has("grant"):
        raise _missing(row, "grant")
    facts = row.row("grant")
    facts.only(("funder", "purpose", "asked", "answered", "set_aside"))
    if not facts.has("asked"):
        raise _missing(facts, "asked")
    asked = facts.row("asked")
    asked.only(("amount", "date"))
    answered = facts.row("answered") if facts.has("answered") else None
    aside = facts.row("set_aside") if facts.has("set_aside") else None
    if answered:
        _check_answer(answered, asked)
    if aside:
        aside.only(("amount", "for"))
    return Grant(
        funder=facts.text("funder"),
        asked=asked.amount("amount"),
        asked_on=asked.day("date"),
        purpose=facts.text_or_none("purpose"),
        answered_on=answered.day_or_none("date") if answered else None,
        refused=bool(answered and answered.truth("refused")),
        granted=answered.amount("granted") if answered and answered.has("granted") else None,
        set_aside=aside.amount("amount") if aside else None,
        set_aside_for=aside.text_or_none("for") if aside else None,
    )


def _check_answer(answered: Row, asked: Row) -> None:
    answered.only(("granted", "refused", "date"))
    if answered.has("granted") == answered.truth("refused"):
        raise ScenarioError(
            say("a grant is answered with an amount granted, or refused"),
            say("write granted: with an amount, or refused: true"),
            answered.line,
        )
    if answered.has("date"):
        _check_order(answered, asked.day("date"), answered.day("date"))


def _missing(row: Row, key: str) -> ScenarioError:
    return ScenarioError(
        say("{where} has no {key}", where=row.where, key=key), say("add {key}:", key=key), row.line
    )


# --- the words of a report -----------------------------------------------------------------------


def read_reports(
    top: Row, periods: Sequence[Period], names: Mapping[str, str]
) -> dict[str, ReportWords]:
    reports: dict[str, ReportWords] = {}
    known = {one.name for one in periods}
    for row in top.rows("reports", say("a report")):
        period, words = _report(row, names)
        _check_period(row, period, known)
        if period in reports:
            raise ScenarioError(
                say("the report of {name} is there twice", name=period),
                say("keep one of them"),
                row.line,
            )
        reports[period] = words
    return reports


def read_words(node: Node, names: Mapping[str, str]) -> ReportWords:
    """Read the words of one report; `names` are the members' names by what stands for them."""
    return _report(Row(node, say("a report")), names)[1]


def _report(row: Row, names: Mapping[str, str]) -> tuple[str, ReportWords]:
    row.only(("period", "title", "authors", "date", "sections"))
    return row.text("period"), ReportWords(
        title=row.text_or_none("title"),
        authors=tuple(names.get(author, str(author)) for author in row.texts("authors")),
        date=row.day_or_none("date"),
        sections=_sections(row),
    )


def _sections(row: Row) -> dict[ReportSection, SectionWords]:
    if not row.has("sections"):
        return {}
    sections = row.row("sections")
    sections.only([*ReportSection])
    words = {}
    for key in sections.fields:
        section = sections.row(key)
        section.only(("title", "text"))
        words[ReportSection(key)] = SectionWords(
            section.text_or_none("title"), section.text_or_none("text")
        )
    return words
