"""The content of a period's activity report (*bilan moral*), built once for every output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count

from toutdoux.core.action import Action
from toutdoux.core.audit import Finding, audit
from toutdoux.core.charter import Charter, Kind
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.history import FollowUp
from toutdoux.core.journal import (
    Amount,
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
    told_in,
)
from toutdoux.core.replay import Standing
from toutdoux.core.words import Sentence, say, say_n
from toutdoux.language import Language

from . import inventory as inv
from .document import (
    Bar,
    Block,
    Blocks,
    BulletList,
    Chart,
    Column,
    ColumnKind,
    Document,
    Facts,
    Inlines,
    Link,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
)
from .markdown import clean, is_safe_url, read
from .render.plain import one_line
from .typesetting import typeset

_LIFE = (EntryKind.LIFE, EntryKind.ACCESS_GIVEN, EntryKind.REQUEST, EntryKind.GRANT)
_SERVICES = (
    EntryKind.SERVICE_OPENED,
    EntryKind.SERVICE,
    EntryKind.SERVICE_CLOSED,
    EntryKind.ACCOUNT_OPENED,
)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A section before it has its number."""

    title: str
    blocks: Blocks
    sections: tuple[_Draft, ...] = ()


def build_report(
    chronicle: Chronicle,
    standing: Standing,
    period: Period,
    language: Language,
    *,
    with_audit: bool = False,
) -> Document:
    """Build the report of a period; of one that is not over, a provisional one.

    Args:
        chronicle: all that is known of the association.
        standing: where its actions stand; tallies are those of its instant, and nothing is told of
            the days after it.
        period: the period told, one of the chronicle's.
        language: what the generated words are written in.
        with_audit: add the section on what went past the actions.
    """
    return _Report(chronicle, standing, period, language).document(with_audit)


def entry_facts(language: Language, entry: Entry) -> Facts:
    """What there is to know of an entry of the journal beside its title and its text."""
    return Facts(tuple(_Words(language).facts(entry)))


class _Words:
    """What can be said in a language without knowing the association."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def _say(self, sentence: Sentence) -> str:
        return self.language.say(sentence)

    def _plain(self, text: str) -> str:
        """What is shown as it is, on one line."""
        return self.language.typographic(one_line(clean(text)))

    def _text(self, text: str) -> Inlines:
        return (Text(self._plain(text)),)

    def _paragraph(self, sentence: Sentence) -> Paragraph:
        return Paragraph(self._text(self._say(sentence)))

    def _read(self, text: str | None) -> Blocks:
        """What a member wrote in Markdown."""
        return typeset(read(text), self.language) if text else ()

    def facts(self, entry: Entry) -> Iterator[tuple[str, Inlines]]:
        word = self.language.word
        if entry.request:
            yield from self._request_facts(entry.request)
        elif entry.grant:
            yield from self._grant_facts(entry.grant)
        else:
            yield word("Date"), self._text(dates_in_words(self.language, entry.dates))
        if entry.partners:
            yield word("With"), self._text(self.language.listed(list(entry.partners)))
        if entry.attendance:
            counts = [self._attendance(one) for one in entry.attendance]
            yield word("Attendance"), self._text(", ".join(counts))
        if entry.links:
            yield word("Links"), self._links(entry)
        if entry.actions:
            yield word("Covered by"), self._text(self.language.listed(list(entry.actions)))

    def _links(self, entry: Entry) -> Inlines:
        links: list[Text | Link] = []
        for link in entry.links:
            if links:
                links.append(Text(", "))
            label = (Text(self._plain(link.title or link.url)),)
            links.append(Link(link.url, label) if is_safe_url(link.url) else label[0])
        return tuple(links)

    def _attendance(self, attendance: Attendance) -> str:
        label = attendance.label or self._say(
            say_n("participant", "participants", attendance.count)
        )
        number = self.language.number(attendance.count)
        match attendance.precision:
            case Precision.ABOUT:
                return self._say(say("about {n} {label}", n=number, label=label))
            case Precision.MORE_THAN:
                return self._say(say("more than {n} {label}", n=number, label=label))
            case Precision.FEWER_THAN:
                return self._say(say("fewer than {n} {label}", n=number, label=label))
        return f"{number} {label}"

    def _request_facts(self, request: Request) -> Iterator[tuple[str, Inlines]]:
        word = self.language.word
        yield word("Sent to"), self._text(request.to)
        yield word("Sent on"), self._text(self.language.day(request.sent))
        if request.answered:
            yield word("Answered on"), self._text(self.language.day(request.answered))
        if request.answer:
            yield word("Answer"), self._text(request.answer)
        elif not request.answered:
            yield word("Answer"), self._text(word("awaited"))

    def _grant_facts(self, grant: Grant) -> Iterator[tuple[str, Inlines]]:
        word = self.language.word
        yield word("Funder"), self._text(grant.funder)
        if grant.purpose:
            yield word("Purpose"), self._text(grant.purpose)
        asked = say("{amount}, on {day}", amount=self._money(grant.asked), day=grant.asked_on)
        yield word("Asked"), self._text(self._say(asked))
        yield word("Answer"), self._text(self._grant_answer(grant))
        if grant.set_aside:
            amount = self._money(grant.set_aside)
            if grant.set_aside_for:
                purpose = say("{amount}, for: {what}", amount=amount, what=grant.set_aside_for)
                amount = self._say(purpose)
            yield word("Set aside"), self._text(amount)

    def _grant_answer(self, grant: Grant) -> str:
        if grant.refused:
            answer = say("refused")
        elif grant.granted:
            answer = say("{amount} granted", amount=self._money(grant.granted))
        else:
            return self.language.word("awaited")
        if grant.answered_on:
            answer = say("{answer}, on {day}", answer=answer, day=grant.answered_on)
        return self._say(answer)

    def _money(self, amount: Amount) -> str:
        return self.language.money(amount.value, amount.currency)


class _Report(_Words):
    def __init__(
        self, chronicle: Chronicle, standing: Standing, period: Period, language: Language
    ) -> None:
        super().__init__(language)
        self.chronicle = chronicle
        self.standing = standing
        self.period = period
        empty = ReportWords(None, (), None, {})
        self.words = chronicle.reports.get(period.name, empty)
        self.entries = sorted(
            (one for one in chronicle.journal if told_in(one, period) and self._is_past(one)),
            key=lambda entry: entry.dates.first,
        )
        self.actions = [
            action
            for action in standing.actions.values()
            if period.holds(chronicle.local_date(action.proposed_at))
        ]

        self.inventory = inv.inventory(chronicle, standing, period)

    @property
    def provisional(self) -> bool:
        """Whether the period goes on: what it will come to is not known yet."""
        return goes_on(self.chronicle, self.standing, self.period)

    @property
    def day(self) -> date:
        """The last day that is told of: that of the standing, or of the period if it is over."""
        if self.provisional:
            return self.chronicle.local_date(self.standing.at)
        return self.period.last

    def _is_past(self, entry: Entry) -> bool:
        """Whether it has begun: before a period is over, what is to come is not told as done."""
        return not self.provisional or entry.dates.first <= self.day

    def document(self, with_audit: bool) -> Document:
        word = self.language.word
        day = self.words.date or self.day
        told = say("{day}, provisional", day=day) if self.provisional else say("{day}", day=day)
        drafts = [
            self._introduction(),
            self._life(),
            self._told(ReportSection.SERVICES, word("Services"), _SERVICES),
            self._told(ReportSection.OUTREACH, word("Outreach"), (EntryKind.OUTREACH,)),
            self._told(ReportSection.EVENTS, word("Events"), (EntryKind.EVENT,)),
            self._told(
                ReportSection.COURSES, word("Courses"), (EntryKind.COURSE_OPENED, EntryKind.COURSE)
            ),
            self._decisions(with_audit),
        ]
        title = self.words.title or self._say(
            say("Activity report {period}", period=self.period.name)
        )
        span = self.language.span(self.period.first, self.period.last)
        return Document(
            language=self.language.code,
            title=self._plain(title),
            subtitle=self._plain(span[:1].upper() + span[1:]),
            association=self._plain(self.chronicle.name),
            authors=tuple(self._plain(author) for author in self.words.authors),
            date=self._plain(self._say(told)),
            date_iso=day.isoformat(),
            contents_title=self.language.word("Contents"),
            sections=_numbered([draft for draft in drafts if draft is not None], ""),
        )

    def _draft(
        self,
        section: ReportSection,
        title: str,
        blocks: Iterable[Block] = (),
        sections: Sequence[_Draft] = (),
    ) -> _Draft | None:
        """A section with the words the association gave it; None when there is nothing in it."""
        words = self.words.sections.get(section, SectionWords())
        all_blocks = (*self._read(words.text), *blocks)
        if not all_blocks and not sections:
            return None
        return _Draft(self._plain(words.title or title), all_blocks, tuple(sections))

    # --- the introduction and the life of the association ----------------------------------------

    def _introduction(self) -> _Draft | None:
        name, first, last = self.chronicle.name, self.period.first, self.period.last
        if first == last:
            told = say(
                "This report presents the activity of {name} on {day}.", name=name, day=first
            )
        else:
            span = self.language.span(first, last)
            told = say(
                "This report presents the activity of {association} {span}.",
                association=name,
                span=span,
            )
        opening = [self._paragraph(told)]
        if self.provisional:
            provisional = say(
                "The period is not over: this report is provisional, and tells what is known on "
                "{day}.",
                day=self.day,
            )
            opening.append(self._paragraph(provisional))
        draft = self._draft(ReportSection.INTRODUCTION, self.language.word("Introduction"), opening)
        assert draft is not None
        roles = tuple((Paragraph(self._role(role)),) for role in self._roles())
        if roles:
            held = self._paragraph(
                say("Since the period began, these roles were held:")
                if self.provisional
                else say("Over the period, these roles were held:")
            )
            draft = replace(draft, blocks=(*draft.blocks, held, BulletList(roles)))
        return draft

    def _roles(self) -> list[Role]:
        roles = map(self._while_a_member, self.chronicle.roles)
        held = [
            role
            for role in roles
            if role.held_in(self.period) and max(role.first, self.period.first) <= self.day
        ]
        known = list(_role_names(self.language))
        return sorted(
            held,
            key=lambda role: (
                known.index(role.role) if role.role in known else len(known),
                role.role,
                role.first,
            ),
        )

    def _while_a_member(self, role: Role) -> Role:
        """A role ends, at the latest, with the membership of who holds it."""
        local = self.chronicle.local_date
        for one in self.standing.members[role.member].memberships:
            left = one.left and local(one.left) - timedelta(days=1)
            if local(one.joined) <= role.first and (left is None or role.first <= left):
                last = min((day for day in (role.last, left) if day is not None), default=None)
                return replace(role, last=last)
        return role

    def _role(self, role: Role) -> Inlines:
        name = self.standing.members[role.member].name
        title = _role_names(self.language).get(role.role, role.role)
        first = max(role.first, self.period.first)
        last = min(role.last or self.period.last, self.period.last)
        when = ""
        if last == self.period.last and first > self.period.first and self.provisional:
            when = f" ({self._say(say('since {day}', day=first))})"
        elif (first, last) != (self.period.first, self.period.last):
            when = f" ({self.language.span(first, last)})"
        return (Strong(self._text(name)), *self._label(f"{title}{when}"))

    def _label(self, text: str) -> Inlines:
        """What follows a label ("Nom : titre"); the space after a label is no-break in French."""
        return (Text(self.language.typographic(self._say(say(": {text}", text=clean(text))))),)

    def _life(self) -> _Draft | None:
        members = self._paragraph(
            say_n(
                "The association has {n} member on {day}.",
                "The association has {n} members on {day}.",
                self.chronicle.members_on(self.day),
                day=self.day,
            )
        )
        drafts = [_Draft(self.language.word("Members"), (members, *self._arrivals()))]
        for kind in _LIFE:
            drafts += [self._entry(entry) for entry in self.entries if entry.kind is kind]
        return self._draft(
            ReportSection.LIFE, self.language.word("Life of the association"), (), drafts
        )

    def _arrivals(self) -> Iterator[Block]:
        """Who came and went, as numbers: the names are nobody's business here."""
        memberships = [m for member in self.chronicle.history.members for m in member.memberships]
        came = sum(self._told_of(one.joined) for one in memberships)
        left = sum(self._told_of(one.left) for one in memberships if one.left is not None)
        if not came and not left:
            return
        joined = say_n("{n} person joined", "{n} people joined", came) if came else _NOBODY_CAME
        gone = say_n("{n} left", "{n} left", left) if left else _NOBODY_LEFT
        if self.provisional:
            told = say("Since the period began, {came} and {left}.", came=joined, left=gone)
        else:
            told = say("Over the period, {came} and {left}.", came=joined, left=gone)
        yield self._paragraph(told)

    def _told_of(self, instant: datetime) -> bool:
        """Whether it was in the period, and is known to have been."""
        return self.period.first <= self.chronicle.local_date(instant) <= self.day

    # --- the journal -----------------------------------------------------------------------------

    def _told(
        self, section: ReportSection, title: str, kinds: Sequence[EntryKind]
    ) -> _Draft | None:
        drafts = [self._entry(entry) for entry in self.entries if entry.kind in kinds]
        return self._draft(section, title, (), drafts)

    def _entry(self, entry: Entry) -> _Draft:
        facts = Facts(tuple(self.facts(entry)))
        return _Draft(self._plain(entry.title), (*self._read(entry.text), facts))

    # --- the actions -----------------------------------------------------------------------------

    def _decisions(self, with_audit: bool) -> _Draft | None:
        drafts = [self._inventory(kind) for kind in inv.KINDS]
        drafts += [self._standing_rules(), self._participation()]
        if with_audit:
            drafts.append(self._audit())
        sections = [draft for draft in drafts if draft is not None]
        end = self.chronicle.end_of(self.period.last)
        charter = self.standing.charter_at(end - timedelta(microseconds=1)).charter
        if charter.preset == "tout-doux-cratie":
            title = self.language.word("Tout-Doux-Cratie")
        else:
            title = self.language.word("Actions and decisions")
        opening = [self._paragraph(self._how_we_decide(charter))] if sections else []
        return self._draft(ReportSection.ACTIONS, title, opening, sections)

    def _how_we_decide(self, charter: Charter) -> Sentence:
        """What the way of governing is, and what is listed below, in one paragraph."""
        if not self.inventory:
            return _way_of_governing(charter)
        return say(
            "{way} All the actions of the period are listed below: so everybody can see how it "
            "works, and what may have gone past it.",
            way=_way_of_governing(charter),
        )

    def _inventory(self, kind: Kind) -> _Draft | None:
        rows = [row for row in self.inventory if row.kind is kind]
        if not rows:
            return None
        return _Draft(
            inv.kind_title(self.language, kind), (inventory_table(self.language, rows, kind),)
        )

    def _standing_rules(self) -> _Draft | None:
        """The rules that actions left standing: those of this period and of the ones before."""
        rules = [
            action
            for action in self.standing.actions.values()
            if action.follow_up is FollowUp.STANDING
            and self.chronicle.local_date(action.proposed_at) <= self.period.last
        ]
        if not rules:
            return None
        columns = (
            Column(self.language.word("ID"), ColumnKind.KEY),
            Column(self.language.word("Rule"), ColumnKind.PROSE),
            Column(self.language.word("Since"), ColumnKind.FIGURE),
        )
        title = self.language.word("Rules in force")
        rows = tuple(
            (
                (Paragraph(self._text(action.ref)),),
                self._read(action.object),
                (Paragraph(self._text(self._since(action))),),
            )
            for action in rules
        )
        return _Draft(title, (Table(title, columns, rows),))

    def _since(self, action: Action) -> str:
        since = action.may_start_at or action.proposed_at
        return self.language.short_date(self.chronicle.local_date(since))

    def _participation(self) -> _Draft | None:
        if not self.actions:
            return None
        bars = tuple(
            Bar(
                label=action.ref,
                value=action.ballot.expressed,
                whole=action.roll_size,
                words=self._plain(self._say(_turnout(action))),
            )
            for action in self.actions
        )
        chart = Chart(self._plain(self.language.word("Votes per action, out of the roll")), bars)
        blocks = [chart, *self._without_a_roll(), self._turnout_table()]
        return _Draft(self.language.word("Participation"), tuple(blocks))

    def _without_a_roll(self) -> Iterator[Block]:
        """A tally kept by hand says nothing of how many might have voted."""
        number = sum(row.imported and row.state is None for row in self.inventory)
        read = sum(row.imported and row.state is not None for row in self.inventory)
        if read:
            yield self._paragraph(
                say_n(
                    "{n} action was voted on by hand in the chat: how many were on its roll is not "
                    "known, and it is left out here.",
                    "{n} actions were voted on by hand in the chat: how many were on their rolls "
                    "is not known, and they are left out here.",
                    read,
                )
            )
        if number:
            yield self._paragraph(
                say_n(
                    "{n} action comes from a table kept by hand: how many were on its roll is not "
                    "known, and it is left out here.",
                    "{n} actions come from a table kept by hand: how many were on their rolls is "
                    "not known, and they are left out here.",
                    number,
                )
            )

    def _turnout_table(self) -> Table:
        word = self.language.word
        columns = (
            Column(word("ID"), ColumnKind.KEY),
            Column(word("Decision"), ColumnKind.WORDS),
            Column(word("On"), ColumnKind.FIGURE),
            Column(word("Votes"), ColumnKind.FIGURE),
            Column(word("On the roll"), ColumnKind.FIGURE),
            Column(word("Turnout"), ColumnKind.FIGURE),
        )
        rows = []
        for action in self.actions:
            voters, roll, decision = action.ballot.expressed, action.roll_size, action.decision
            texts = [
                action.ref,
                self.language.outcome(action.state, decision.how if decision else None),
                self.language.short_date(self.chronicle.local_date(decision.at))
                if decision
                else "",
                str(voters),
                str(roll),
                f"{_percent(voters, roll)} %"
                if self.language.code == "fr"
                else f"{_percent(voters, roll)}%",
            ]
            rows.append(tuple((Paragraph(self._text(text)),) if text else () for text in texts))
        return Table(word("Participation, action by action"), columns, tuple(rows))

    def _audit(self) -> _Draft:
        found = audit(self.chronicle, self.standing, self.period)
        findings = [one for one in found if self._is_past(one.entry)]
        title = self.language.word("What went past the actions")
        if not findings:
            nothing = say("All that needed an action had one.")
            return _Draft(title, (self._paragraph(nothing),))
        opening = self._paragraph(
            say_n(
                "{n} thing was done without the action that the charter asks for. To be told, "
                "and put right together:",
                "{n} things were done without the action that the charter asks for. To be told, "
                "and put right together:",
                len(findings),
            )
        )
        return _Draft(title, (opening, self._findings(findings, title)))

    def _findings(self, findings: Sequence[Finding], title: str) -> Table:
        word = self.language.word
        columns = (
            Column(word("Date"), ColumnKind.FIGURE),
            Column(word("What was done"), ColumnKind.WORDS),
            Column(word("What it needs"), ColumnKind.WORDS),
            Column(word("What is missing"), ColumnKind.WORDS),
        )
        rows = tuple(
            (
                (Paragraph(self._text(self.language.short_date(one.entry.dates.first))),),
                (Paragraph(self._text(one.entry.title)),),
                (Paragraph(self._text(needed_in_words(self.language, one.needed))),),
                (Paragraph(self._text(self._say(one.why))),),
            )
            for one in findings
        )
        return Table(title, columns, rows)


def inventory_table(language: Language, rows: Sequence[inv.InventoryRow], kind: Kind) -> Table:
    """The inventory of one kind, objects read as the Markdown they are."""
    kinds = [
        ColumnKind.KEY,
        ColumnKind.PROSE,
        ColumnKind.WORDS,
        ColumnKind.FIGURE,
        ColumnKind.FIGURE,
        ColumnKind.FIGURE,
        ColumnKind.LINK,
        ColumnKind.WORDS,
    ]
    titles = inv.titles(language, rows)
    columns = tuple(Column(name, kinds[index]) for index, name in enumerate(titles))
    with_state = inv.shows_state(rows)
    return Table(
        inv.kind_title(language, kind),
        columns,
        tuple(_inventory_cells(language, row, with_state) for row in rows),
    )


def inventory_as_markdown(language: Language, rows: Sequence[inv.InventoryRow]) -> str:
    """An inventory on its own: a table for each kind of action that there is."""
    from .render.markdown import blocks_to_markdown

    tables = []
    for kind in inv.KINDS:
        of_kind = [row for row in rows if row.kind is kind]
        if of_kind:
            table = blocks_to_markdown((inventory_table(language, of_kind, kind),))
            tables.append(f"## {inv.kind_title(language, kind)}\n\n{table.strip()}\n")
    return "\n".join(tables)


def _inventory_cells(
    language: Language, row: inv.InventoryRow, with_state: bool
) -> tuple[Blocks, ...]:
    texts = inv.cells(language, row, with_state=with_state, one_kind=True)
    cells: list[Blocks] = [_cell(language, text) for text in texts]
    cells[1] = typeset(read(row.object), language)
    if row.link and is_safe_url(row.link):
        cells[6] = (Paragraph((Link(row.link, (Text(language.word("Link")),)),)),)
    return tuple(cells)


def _cell(language: Language, text: str) -> Blocks:
    if not text:
        return ()
    return (Paragraph((Text(language.typographic(one_line(clean(text)))),)),)


def goes_on(chronicle: Chronicle, standing: Standing, period: Period) -> bool:
    """Whether a period is not over at the instant of a standing."""
    return standing.at < chronicle.end_of(period.last)


# --- small words ---------------------------------------------------------------------------------


def _numbered(drafts: Sequence[_Draft], prefix: str) -> tuple[Section, ...]:
    return tuple(
        Section(
            number=f"{prefix}{number}",
            title=draft.title,
            blocks=draft.blocks,
            sections=_numbered(draft.sections, f"{prefix}{number}."),
        )
        for number, draft in zip(count(1), drafts, strict=False)
    )


_NOBODY_CAME = say("nobody joined")
_NOBODY_LEFT = say("nobody left")


def _role_names(language: Language) -> dict[str, str]:
    return {
        "administratif": language.word("administrative representative"),
        "financier": language.word("financial representative"),
        "technique": language.word("technical representative"),
    }


def dates_in_words(language: Language, dates: Dates) -> str:
    """`du 28 juin au 2 juillet 2021`, `le 3 mars 2021`, `les 3 mars et 5 avril 2021`."""
    if dates.span:
        return language.span(dates.first, dates.last)
    return language.listed([language.day(day) for day in dates.days])


def needed_in_words(language: Language, kind: Kind) -> str:
    if kind is Kind.EXTRAORDINARY:
        return language.word("an extraordinary action")
    return language.word("an action")


def _turnout(action: Action) -> Sentence:
    return say_n(
        "{votes} of {n} on the roll",
        "{votes} of {n} on the roll",
        action.roll_size,
        votes=say_n("{n} vote", "{n} votes", action.ballot.expressed),
    )


def _percent(part: int, whole: int) -> int:
    return (200 * part + whole) // (2 * whole) if whole else 0


def _way_of_governing(charter: Charter) -> Sentence:
    """What the way of governing is; without figures where they differ from the preset's."""
    if charter.differs:
        return say(
            "Whoever wants to act says so in the open, and leads what they start; the members "
            "vote, and the charter of the association says what follows."
        )
    if charter.preset == "lazy-consensus":
        return say(
            "The association decides by lazy consensus: whoever wants to act says so in the open, "
            "and what nobody opposes in time goes ahead."
        )
    if charter.preset == "simple-majority":
        return say(
            "The association decides by simple majority: whoever wants to act says so in the "
            "open, the members vote, and what more are for than against goes ahead."
        )
    return say(
        "The Tout-Doux-Cratie is a way to govern oneself by action. Whoever wants to act says so "
        "in the open, and leads what they start. An ordinary action may start at once; an "
        "extraordinary one, once it is adopted. Every member may vote. Whoever disagrees looks "
        "for a compromise, and if there is none calls a counter-vote."
    )
