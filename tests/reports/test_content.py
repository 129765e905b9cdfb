"""What a report holds, whatever it is then rendered as.

`outline` and `words` show the content as plain lines: one that begins with a number is a title.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from toutdoux.language import Language
from toutdoux.reports.content import build_report
from toutdoux.reports.document import (
    Block,
    Blocks,
    BulletList,
    Chart,
    Document,
    Facts,
    Link,
    Paragraph,
    Section,
    Table,
    Text,
)
from toutdoux.reports.markdown import words as words_of
from toutdoux.scenario import read_scenario

HEAD = """\
association: {name: Les Loutres libres, time_zone: Europe/Paris}
members:
  - {id: ana, name: Ana Brun, joined: 2020-01-01, founder: true}
  - {id: bob, name: Bob Leroy, joined: 2020-01-01, founder: true}
  - {id: eva, name: Eva Petit, joined: 2020-01-01, founder: true}
periods:
  - {name: A20, first: 2020-09-01, last: 2021-01-31}
  - {name: P21, first: 2021-02-01, last: 2021-07-18}
"""
ACTIONS = """\
events:
  - {at: 2021-03-01 10:00, propose: extraordinary, number: 27, by: ana, leader: bob,
     object: "Un **service**", link: "https://loutres.example/27"}
  - {at: 2021-03-01 11:00, vote: AE27, by: ana, choice: for}
  - {at: 2021-03-02 18:02, vote: AE27, by: bob, choice: for}
  - {at: 2021-03-04 10:00, propose: ordinary, number: 14, by: eva, object: Un goûter}
"""


def report(
    text: str = "",
    code: str = "en",
    period: str = "P21",
    at: str = "2030-01-01",
    audit: bool = False,
) -> Document:
    """The report on a scenario that begins with three founders and two periods."""
    scenario = read_scenario(HEAD + text)
    chronicle = scenario.chronicle
    standing = scenario.judge(datetime.fromisoformat(at).replace(tzinfo=UTC))
    (told,) = [one for one in chronicle.periods if one.name == period]
    return build_report(chronicle, standing, told, Language(code, chronicle.zone), with_audit=audit)


def outline(document: Document) -> list[str]:
    """The titles, with their numbers."""
    return [line for section in document.sections for line in _titles(section)]


def _titles(section: Section) -> Iterator[str]:
    yield plain(f"{section.number} {section.title}")
    for one in section.sections:
        yield from _titles(one)


def section(document: Document, title: str) -> Section:
    found = [one for top in document.sections for one in _all(top) if one.title == title]
    assert len(found) == 1, outline(document)
    return found[0]


def _all(section: Section) -> Iterator[Section]:
    yield section
    for one in section.sections:
        yield from _all(one)


def words(document: Document) -> list[str]:
    """All of it as plain lines."""
    return [line for one in document.sections for line in section_words(one)]


def section_words(section: Section) -> list[str]:
    lines = [f"{section.number} {section.title}", *blocks_words(section.blocks)]
    return lines + [line for one in section.sections for line in section_words(one)]


def blocks_words(blocks: Blocks) -> list[str]:
    return [plain(line) for block in blocks for line in _lines(block)]


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(children):
            yield words_of(children)
        case BulletList(items):
            for item in items:
                yield "- " + " ".join(blocks_words(item))
        case Facts(pairs):
            for label, value in pairs:
                yield f"{label}: {words_of(value)}"
        case Table(_, columns, rows):
            yield " | ".join(column.title for column in columns)
            for row in rows:
                yield " | ".join(" ".join(blocks_words(cell)) for cell in row)
        case Chart(title, bars):
            yield title
            for bar in bars:
                yield f"{bar.label} {bar.value}/{bar.whole} {bar.words}"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")


# --- the whole -----------------------------------------------------------------------------------

JOURNAL = """\
journal:
  - {kind: course, title: Un cours, date: 2021-06-28}
  - {kind: event, title: Une fête, date: 2021-06-20}
  - {kind: outreach, title: Un atelier, date: 2021-03-20}
  - {kind: service, title: Un guide, date: 2021-05-15}
  - {kind: life, title: Un relais, date: 2021-02-01}
"""


def test_the_sections_are_in_the_order_of_the_reference() -> None:
    titles = outline(report(ACTIONS + JOURNAL, "fr", audit=True))
    assert titles[:-1] == [
        "1 Introduction",
        "2 Vie de l'association",
        "2.1 Membres",
        "2.2 Un relais",
        "3 Services",
        "3.1 Un guide",
        "4 Sensibilisation",
        "4.1 Un atelier",
        "5 Événements",
        "5.1 Une fête",
        "6 Cours",
        "6.1 Un cours",
        "7 Tout-Doux-Cratie",
        "7.1 Inventaire des actions extraordinaires",
        "7.2 Inventaire des actions ordinaires",
        "7.3 Participation",
    ]
    assert titles[-1].startswith("7.4 ")  # the audit


def test_empty_sections_are_left_out_and_the_numbers_follow() -> None:
    assert outline(report("journal: [{kind: event, title: A party, date: 2021-06-20}]")) == [
        "1 Introduction",
        "2 Life of the association",
        "2.1 Members",
        "3 Events",
        "3.1 A party",
    ]


def test_a_section_with_a_text_of_its_own_is_not_empty() -> None:
    text = "reports: [{period: P21, sections: {courses: {text: No course this time.}}}]"
    document = report(text)
    assert outline(document)[-1] == "3 Courses"
    assert section_words(section(document, "Courses"))[1:] == ["No course this time."]


def test_titles_and_texts_can_be_set() -> None:
    text = """\
journal: [{kind: service, title: Un guide, date: 2021-05-15}]
reports:
  - period: P21
    sections:
      services: {title: Nos services, text: "Un **mot**.\\n\\nUn autre."}
"""
    lines = section_words(section(report(text), "Nos services"))
    assert lines[:4] == ["3 Nos services", "Un mot.", "Un autre.", "3.1 Un guide"]


@pytest.mark.parametrize(
    "name", ["introduction", "life", "services", "outreach", "events", "courses", "actions"]
)
def test_every_section_takes_a_title_and_a_text(name: str) -> None:
    text = f"reports: [{{period: P21, sections: {{{name}: {{title: The title, text: The text}}}}}}]"
    lines = section_words(section(report(ACTIONS + text), "The title"))
    assert lines[1] == "The text"


def test_the_cover_says_what_the_scenario_says() -> None:
    text = """\
reports: [{period: P21, title: Bilan du printemps, authors: [ana, Le collectif], date: 2021-07-20}]
"""
    document = report(text, "fr")
    assert document.title == "Bilan du printemps"
    assert document.authors == ("Ana Brun", "Le collectif")
    assert plain(document.date) == "20 juillet 2021"
    assert document.date_iso == "2021-07-20"
    assert document.association == "Les Loutres libres"
    assert plain(document.subtitle) == "Du 1er février au 18 juillet 2021"


def test_without_a_word_the_report_has_a_title_and_the_date_of_the_last_day() -> None:
    document = report()
    assert document.title == "Activity report P21"
    assert (document.authors, document.date_iso) == ((), "2021-07-18")
    assert document.subtitle == "From 1 February to 18 July 2021"


def test_another_period_has_its_own_words() -> None:
    text = "reports: [{period: A20, title: Bilan de l'automne}]"
    assert report(text).title == "Activity report P21"
    assert report(text, period="A20").title == "Bilan de l'automne"


def test_a_report_is_in_one_language() -> None:
    french, english = " ".join(words(report(ACTIONS, "fr"))), " ".join(words(report(ACTIONS, "en")))
    for word in ("The ", "members", "adopted", "Leader", "Against", "turnout"):
        assert word not in french
    for word in ("Les membres", "adoptée", "Meneur", "Contre", "inscrit"):
        assert word not in english


# --- roles ---------------------------------------------------------------------------------------


def roles(text: str, code: str = "en") -> list[str]:
    lines = section_words(report(f"roles:\n{text}", code).sections[0])
    return [line for line in lines if line.startswith("- ")]


def test_roles_are_told_with_their_titles_in_their_order() -> None:
    assert roles(
        "  - {role: archivist, member: bob, from: 2021-02-01}\n"
        "  - {role: technique, member: eva, from: 2021-02-01}\n"
        "  - {role: administratif, member: ana, from: 2021-02-01, to: 2021-07-18}\n"
        "  - {role: financier, member: bob, from: 2020-01-01, to: 2022-01-01}\n"
    ) == [
        "- Ana Brun: administrative representative",
        "- Bob Leroy: financial representative",
        "- Eva Petit: technical representative",
        "- Bob Leroy: archivist",
    ]


def test_the_titles_of_roles_in_french_are_inclusive() -> None:
    (line,) = roles("  - {role: administratif, member: ana, from: 2021-02-01}\n", "fr")
    assert line == "- Ana Brun : représentant·e administratif·ve"


def test_a_role_held_for_a_part_says_for_which() -> None:
    assert roles(
        "  - {role: financier, member: ana, from: 2020-01-01, to: 2021-03-31}\n"
        "  - {role: financier, member: bob, from: 2021-04-01}\n"
    ) == [
        "- Ana Brun: financial representative (from 1 February to 31 March 2021)",
        "- Bob Leroy: financial representative (from 1 April to 18 July 2021)",
    ]


@pytest.mark.parametrize(
    ("first", "last", "held"),
    [
        ("2020-01-01", "2021-01-31", False),
        ("2020-01-01", "2021-02-01", True),
        ("2021-07-18", "2021-12-31", True),
        ("2021-07-19", "2021-12-31", False),
    ],
)
def test_a_role_is_told_if_it_was_held_on_any_day_of_the_period(
    first: str, last: str, held: bool
) -> None:
    told = roles(f"  - {{role: financier, member: ana, from: {first}, to: {last}}}\n")
    assert bool(told) is held


# --- members -------------------------------------------------------------------------------------


def members(*more: str) -> list[str]:
    """What is said of the members, three founders and some more."""
    added = "".join(f"  - {{id: m{n}, {one}}}\n" for n, one in enumerate(more))
    text = HEAD.replace("periods:", f"{added}periods:", 1)
    scenario = read_scenario(text)
    standing = scenario.judge(datetime(2030, 1, 1, tzinfo=UTC))
    language = Language("en", scenario.chronicle.zone)
    document = build_report(scenario.chronicle, standing, scenario.chronicle.periods[1], language)
    return section_words(section(document, "Members"))[1:]


def test_members_are_counted_at_the_end_of_the_last_day() -> None:
    assert members() == ["The association has 3 members on 18 July 2021."]


@pytest.mark.parametrize(
    ("one", "count"),
    [
        ("joined: 2021-07-18", 4),
        ("joined: 2021-07-18 23:59:59", 4),
        ("joined: 2021-07-19", 3),
        ("joined: 2020-01-01, left: 2021-07-18", 3),
        ("joined: 2020-01-01, left: 2021-07-18 12:00", 3),
        ("joined: 2020-01-01, left: 2021-07-18 23:59:59", 3),
        ("joined: 2020-01-01, left: 2021-07-19", 4),
        ("joined: 2021-07-18 10:00, left: 2021-07-18 12:00", 3),
        ("joined: 2021-07-18T21:59:59.9999Z", 4),
        ("joined: 2021-07-18T22:00:00Z", 3),
    ],
)
def test_who_came_or_went_on_the_last_day(one: str, count: int) -> None:
    assert members(one)[0] == f"The association has {count} members on 18 July 2021."


def test_arrivals_and_departures_are_numbers_without_names() -> None:
    assert (
        members(
            "name: Zed, joined: 2021-02-01",
            "name: Yan, joined: 2021-07-18",
            "name: Xan, joined: 2020-01-01, left: 2021-05-01",
            "name: Too early, joined: 2021-01-31",
            "name: Too late, joined: 2021-07-19",
        )[1]
        == "Over the period, 2 people joined and 1 left."
    )


def test_nobody_is_said_in_words() -> None:
    assert members("name: Zed, joined: 2021-02-01")[1] == (
        "Over the period, 1 person joined and nobody left."
    )
    assert members("name: Xan, joined: 2020-01-01, left: 2021-05-01")[1] == (
        "Over the period, nobody joined and 1 left."
    )


# --- a period that is not over -------------------------------------------------------------------

GOES_ON = """\
roles:
  - {role: administratif, member: ana, from: 2020-02-01}
  - {role: financier, member: bob, from: 2021-04-01}
  - {role: technique, member: eva, from: 2021-04-01, to: 2021-06-30}
  - {role: archiviste, member: eva, from: 2021-07-01}
journal:
  - {kind: event, title: Past, date: 2021-05-20}
  - {kind: event, title: To come, date: 2021-05-21}
"""


def test_before_its_end_a_report_is_dated_on_its_day_and_provisional() -> None:
    document = report(GOES_ON, at="2021-05-20 12:00")
    assert (document.date, document.date_iso) == ("20 May 2021, provisional", "2021-05-20")
    lines = words(document)
    assert (
        "The period is not over: this report is provisional, and tells what is known on "
        "20 May 2021." in lines
    )
    assert "The association has 3 members on 20 May 2021." in lines


def test_before_its_end_nothing_is_told_that_is_to_come() -> None:
    lines = words(report(GOES_ON, at="2021-05-20 12:00"))
    at = lines.index("Since the period began, these roles were held:")
    assert lines[at + 1 : at + 4] == [
        "- Ana Brun: administrative representative",
        "- Bob Leroy: financial representative (since 1 April 2021)",
        "- Eva Petit: technical representative (from 1 April to 30 June 2021)",
    ]
    assert not any("archiviste" in line for line in lines)
    assert any("Past" in line for line in lines)
    assert not any("To come" in line for line in lines)


def test_its_last_day_belongs_to_it_and_the_next_one_does_not() -> None:
    assert "provisional" in report(at="2021-07-18 21:59").date  # 23:59 in Paris
    assert report(at="2021-07-18 22:00").date == "18 July 2021"


def test_a_date_that_is_told_stays_and_the_report_is_provisional_all_the_same() -> None:
    told = "reports: [{period: P21, date: 2021-06-01}]\n"
    assert report(told, at="2021-05-20").date == "1 June 2021, provisional"
    assert report(told).date == "1 June 2021"


# --- the journal ---------------------------------------------------------------------------------


def test_an_entry_is_told_in_the_period_of_its_date() -> None:
    text = """\
journal:
  - {kind: event, title: Before, date: 2021-01-31}
  - {kind: event, title: First day, date: 2021-02-01}
  - {kind: event, title: Last day, date: 2021-07-18}
  - {kind: event, title: After, date: 2021-07-19}
  - {kind: event, title: Began before, date: {first: 2021-01-31, last: 2021-02-05}}
"""
    titles = [one.title for one in section(report(text), "Events").sections]
    assert titles == ["First day", "Last day"]
    titles = [one.title for one in section(report(text, period="A20"), "Events").sections]
    assert titles == ["Before", "Began before"]


def test_an_entry_may_be_told_in_another_period() -> None:
    text = "journal: [{kind: event, title: A talk, date: 2020-11-12, period: P21}]"
    assert outline(report(text))[-1] == "3.1 A talk"
    assert "A talk" not in " ".join(outline(report(text, period="A20")))


def test_entries_are_in_order_of_date() -> None:
    text = """\
journal:
  - {kind: event, title: Second, date: 2021-03-02}
  - {kind: event, title: First, date: 2021-03-01}
"""
    assert [one.title for one in section(report(text), "Events").sections] == ["First", "Second"]


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("life", "Life of the association"),
        ("access_given", "Life of the association"),
        ("service_opened", "Services"),
        ("service_closed", "Services"),
        ("service", "Services"),
        ("account_opened", "Services"),
        ("outreach", "Outreach"),
        ("event", "Events"),
        ("course_opened", "Courses"),
        ("course", "Courses"),
    ],
)
def test_every_kind_of_entry_has_its_section(kind: str, title: str) -> None:
    document = report(f"journal: [{{kind: {kind}, title: The entry, date: 2021-03-01}}]")
    assert "The entry" in [one.title for one in section(document, title).sections]


def facts(text: str, code: str = "en") -> dict[str, str]:
    """The facts of the only entry, called ENTRY."""
    document = report(f"journal:\n  - {text}\n", code)
    (found,) = [block for block in section(document, "ENTRY").blocks if isinstance(block, Facts)]
    return {label: plain(words_of(value)) for label, value in found.pairs}


@pytest.mark.parametrize(
    ("date", "english", "french"),
    [
        ("2021-03-03", "3 March 2021", "3 mars 2021"),
        (
            "{first: 2021-06-28, last: 2021-07-02}",
            "from 28 June to 2 July 2021",
            "du 28 juin au 2 juillet 2021",
        ),
        (
            "[2021-04-17, 2021-03-20]",
            "20 March 2021 and 17 April 2021",
            "20 mars 2021 et 17 avril 2021",
        ),
    ],
)
def test_dates_in_words(date: str, english: str, french: str) -> None:
    text = f"{{kind: event, title: ENTRY, date: {date}}}"
    assert facts(text)["Date"] == english
    assert facts(text, "fr")["Date"] == french


@pytest.mark.parametrize(
    ("attendance", "english", "french"),
    [
        ("{exact: 31}", "31 participants", "31 participant·es"),
        ("{about: 40}", "about 40 participants", "environ 40 participant·es"),
        ("{more_than: 20}", "more than 20 participants", "plus de 20 participant·es"),
        ("{fewer_than: 150}", "fewer than 150 participants", "moins de 150 participant·es"),
        ("{exact: 1200, label: inscrit·es}", "1,200 inscrit·es", "1 200 inscrit·es"),
        (
            "[{fewer_than: 150, label: inscrit·es}, {about: 20, label: présent·es}]",
            "fewer than 150 inscrit·es, about 20 présent·es",
            "moins de 150 inscrit·es, environ 20 présent·es",
        ),
    ],
)
def test_attendance_in_words(attendance: str, english: str, french: str) -> None:
    text = f"{{kind: event, title: ENTRY, date: 2021-03-01, attendance: {attendance}}}"
    assert facts(text)["Attendance"] == english
    assert french in facts(text, "fr").values()


def test_one_is_not_said_as_several() -> None:
    text = "{kind: event, title: ENTRY, date: 2021-03-01, attendance: {exact: 1}}"
    assert facts(text)["Attendance"] == "1 participant"
    assert "1 participant·e" in facts(text, "fr").values()


def test_partners_links_and_actions_are_told() -> None:
    text = """\
events: [{at: 2021-02-01, propose: extraordinary, number: 29, by: ana, object: o}]
journal:
  - kind: course
    title: ENTRY
    date: 2021-03-01
    partners: [Le Fournil, Les Cahiers, La Mare]
    links: [https://example.org/a, {title: Supports, url: https://example.org/b}]
    actions: [AE29]
"""
    (found,) = [
        block for block in section(report(text), "ENTRY").blocks if isinstance(block, Facts)
    ]
    told = dict(found.pairs)
    assert plain(words_of(told["With"])) == "Le Fournil, Les Cahiers and La Mare"
    assert told["Links"] == (
        Link("https://example.org/a", (Text("https://example.org/a"),)),
        Text(", "),
        Link("https://example.org/b", (Text("Supports"),)),
    )
    assert words_of(told["Covered by"]) == "AE29"


def request(text: str) -> dict[str, str]:
    return facts(f"{{kind: request, title: ENTRY, request: {{to: Finances, {text}}}}}")


def test_a_request_that_was_answered() -> None:
    assert request("sent: 2021-03-12, answered: 2021-09-02, answer: Favorable.") == {
        "Sent to": "Finances",
        "Sent on": "12 March 2021",
        "Answered on": "2 September 2021",
        "Answer": "Favorable.",
    }


def test_a_request_that_awaits_its_answer() -> None:
    assert request("sent: 2021-03-12")["Answer"] == "awaited"


def test_a_request_answered_without_a_word() -> None:
    assert "Answer" not in request("sent: 2021-03-12, answered: 2021-09-02")


def grant(text: str, code: str = "en") -> dict[str, str]:
    return facts(
        "{kind: grant, title: ENTRY, grant: {funder: Fonds, "
        f"asked: {{amount: 1200 EUR, date: 2021-03-20}}{text}}}}}",
        code,
    )


def test_a_grant_that_was_given_with_all_its_facts() -> None:
    assert grant(
        ", purpose: un serveur, answered: {granted: 1000.50 EUR, date: 2021-04-30}, "
        "set_aside: {amount: 900 EUR, for: le serveur}"
    ) == {
        "Funder": "Fonds",
        "Purpose": "un serveur",
        "Asked": "€1,200, on 20 March 2021",
        "Answer": "€1,000.50 granted, on 30 April 2021",
        "Set aside": "€900, for: le serveur",
    }


def test_a_grant_in_french() -> None:
    told = " ".join(grant(", answered: {granted: 1000.50 EUR, date: 2021-04-30}", "fr").values())
    assert "1 200 €" in told
    assert "1 000,50 €" in told
    assert "20 mars 2021" in told


def test_a_grant_that_was_refused() -> None:
    told = grant(", answered: {refused: true, date: 2021-04-30}")
    assert told["Answer"] == "refused, on 30 April 2021"


def test_a_grant_that_awaits_its_answer() -> None:
    assert grant("")["Answer"] == "awaited"


def test_a_grant_answered_on_a_day_nobody_noted() -> None:
    assert grant(", answered: {granted: 5 EUR}")["Answer"] == "€5 granted"


def test_money_set_aside_for_nothing_in_particular() -> None:
    assert grant(", set_aside: {amount: 900 EUR}")["Set aside"] == "€900"


# --- the actions ---------------------------------------------------------------------------------


def test_the_way_of_deciding_is_told_in_one_paragraph() -> None:
    top = section(report(ACTIONS), "Tout-Doux-Cratie")
    assert len(top.blocks) == 1
    assert blocks_words(top.blocks)[0].startswith("The Tout-Doux-Cratie is a way to govern")


@pytest.mark.parametrize("preset", ["lazy-consensus", "simple-majority"])
def test_another_charter_is_not_called_tout_doux_cratie(preset: str) -> None:
    document = report(f"charter: {preset}\n" + ACTIONS)
    assert not [one for one in outline(document) if "Tout-Doux" in one]
    text = blocks_words(section(document, "Actions and decisions").blocks)[0]
    assert preset.replace("-", " ") in text


def test_the_inventories_are_tables() -> None:
    lines = words(report(ACTIONS))
    at = lines.index("3.1 Inventory of extraordinary actions")
    assert lines[at + 1 : at + 6] == [
        "ID | Object | Leader | Date | For | Against | Link",
        "#27 | Un service | Bob Leroy | 2021-03-01 | 2/2 | 0/2 | Link",
        "3.2 Inventory of ordinary actions",
        "ID | Object | Leader | Date | For | Against | Link",
        "#14 | Un goûter | Eva Petit | 2021-03-04 | 0/0 | 0/0 | ",
    ]


def test_a_kind_without_actions_has_no_inventory() -> None:
    text = "events: [{at: 2021-03-04, propose: ordinary, by: eva, object: o}]"
    assert "Inventory of extraordinary actions" not in " ".join(outline(report(text)))


def test_actions_of_another_period_are_not_told() -> None:
    assert "Tout-Doux-Cratie" not in " ".join(outline(report(ACTIONS, period="A20")))


def test_tallies_are_those_of_the_instant() -> None:
    lines = words(report(ACTIONS, at="2021-03-02"))
    assert "#27 | Un service | Bob Leroy | 2021-03-01 | 1/1 | 0/1 | Link | open" in lines


def test_a_link_that_is_not_safe_is_not_offered() -> None:
    text = (
        "events: [{at: 2021-03-04, propose: ordinary, by: eva, object: o, "
        'link: "javascript:alert(1)"}]'
    )
    assert "Link(" not in repr(section(report(text), "Inventory of ordinary actions"))


def test_participation_is_a_chart_and_a_table() -> None:
    lines = section_words(section(report(ACTIONS), "Participation"))
    assert lines[1:] == [
        "Votes per action, out of the roll",
        "AE27 2/3 2 votes of 3 on the roll",
        "AO14 0/3 0 votes of 3 on the roll",
        "ID | Decision | On | Votes | On the roll | Turnout",
        "AE27 | adopted, by majority | 2021-03-02 | 2 | 3 | 67%",
        "AO14 | adopted, nobody against | 2021-03-11 | 0 | 3 | 0%",
    ]


def test_an_action_that_is_not_decided_has_no_day_of_decision() -> None:
    lines = section_words(section(report(ACTIONS, at="2021-03-05"), "Participation"))
    assert lines[-1] == "AO14 | open |  | 0 | 3 | 0%"


STANDING = ACTIONS + "  - {at: 2021-03-05, stand: AE27, by: bob}\n"


def test_rules_in_force_are_listed_with_their_day() -> None:
    assert section_words(section(report(STANDING), "Rules in force"))[1:] == [
        "ID | Rule | Since",
        "AE27 | Un service | 2021-03-02",
    ]


def test_rules_stay_in_force_in_the_periods_that_follow() -> None:
    text = STANDING.replace("2021-03-0", "2020-10-0")
    assert "Rules in force" in " ".join(outline(report(text)))


def test_rules_of_later_periods_are_not_told() -> None:
    assert "Rules in force" not in " ".join(outline(report(STANDING, period="A20")))


def test_a_rule_that_an_action_ended_is_no_longer_in_force() -> None:
    ended = STANDING + "  - {at: 2021-04-05, abandon: AE27, by: bob}\n"
    assert "Rules in force" not in " ".join(outline(report(ended)))


def test_the_audit_is_there_only_when_asked_for() -> None:
    text = "journal: [{kind: service_opened, title: Une capsule, date: 2021-06-19}]"
    assert "What went past the actions" not in " ".join(outline(report(text)))
    lines = section_words(section(report(text, audit=True), "What went past the actions"))
    assert lines[1].startswith("1 thing was done without the action")
    assert lines[2:] == [
        "Date | What was done | What it needs | What is missing",
        "2021-06-19 | Une capsule | an extraordinary action | no action covers it",
    ]


def test_an_audit_that_finds_nothing_says_so() -> None:
    lines = section_words(section(report(ACTIONS, audit=True), "What went past the actions"))
    assert lines[1:] == ["All that needed an action had one."]


# --- typography ----------------------------------------------------------------------------------


def inlines_text(blocks: Blocks) -> str:
    return " / ".join(words_of(one.children) for one in blocks if isinstance(one, Paragraph))


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("« berge » : oui !", "«_berge_»_: oui_!"),
        ("**gras** : suite", "gras_: suite"),
        ("*un mot* ; puis", "un mot_; puis"),
        ("« **gras** »", "«_gras_»"),
        ("[un lien](https://x.example/) ?", "un lien_?"),
    ],
)
def test_what_members_wrote_gets_the_spaces_of_french(typed: str, shown: str) -> None:
    text = f'reports: [{{period: P21, sections: {{courses: {{text: "{typed}"}}}}}}]'
    blocks = section(report(text, "fr"), "Cours").blocks
    assert inlines_text(blocks).replace("\u00a0", "_").replace("\u202f", "_") == shown


def test_code_keeps_its_spaces() -> None:
    text = "reports: [{period: P21, sections: {courses: {text: 'Tapez `a ! b : c`'}}}]"
    blocks = section(report(text, "fr"), "Cours").blocks
    assert inlines_text(blocks) == "Tapez a ! b : c"


def test_what_is_generated_has_them_too() -> None:
    table = section(report(ACTIONS, "fr"), "Participation").blocks[-1]
    assert isinstance(table, Table)
    (percent,) = table.rows[0][-1]
    assert isinstance(percent, Paragraph)
    assert words_of(percent.children) in ("67\u00a0%", "67\u202f%")


def test_the_way_of_deciding_is_that_of_the_end_of_the_period_not_of_today() -> None:
    changed = ACTIONS + (
        "  - {at: 2022-03-01 10:00, propose: extraordinary, by: ana, object: o, "
        "effects: [{amend_charter: lazy-consensus}]}\n"
        "  - {at: 2022-03-02 10:00, vote: AE28, by: ana, choice: for}\n"
        "  - {at: 2022-03-02 10:00, vote: AE28, by: bob, choice: for}\n"
    )
    told = "\n".join(words(report(changed)))
    assert "lazy consensus" not in told
    assert "Tout-Doux-Cratie" in told


def test_a_charter_that_differs_from_its_preset_is_not_described_as_the_preset() -> None:
    told = "\n".join(
        words(
            report(
                "charter: {preset: tout-doux-cratie, ordinary: {starts: when adopted}}\n" + ACTIONS
            )
        )
    )
    assert "may start at once" not in told


def test_a_role_ends_with_the_membership_of_who_holds_it() -> None:
    text = "roles: [{role: archiviste, member: zoe, from: 2020-09-01}]\n" + ACTIONS
    head = HEAD.replace(
        "periods:", "  - {id: zoe, name: Zoé Roi, joined: 2020-01-01, left: 2021-03-11}\nperiods:"
    )
    scenario = read_scenario(head + text)
    standing = scenario.judge(datetime(2030, 1, 1, tzinfo=UTC))
    period = scenario.chronicle.periods[1]
    document = build_report(scenario.chronicle, standing, period, Language("en"))
    told = "\n".join(words(document))
    assert "archiviste (from 1 February to 10 March 2021)" in told
