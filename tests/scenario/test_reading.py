"""What a scenario tells is read as docs/scenario.md says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from toutdoux.core import history as h
from toutdoux.core.charter import Kind
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
    Request,
    Role,
    SectionWords,
    WebLink,
)
from toutdoux.core.roll import Membership

from .telling import THREE, read

TEN = datetime(2021, 3, 1, 10, tzinfo=UTC)


def event(line: str) -> h.Event:
    """The event that one line tells."""
    (only,) = read(f"events:\n  - {line}\n").chronicle.history.events
    return only


def entry(text: str) -> Entry:
    """The journal entry that some lines tell, the period P21 being known."""
    periods = "periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]\n"
    (only,) = read(f"{periods}journal:\n  - {text}\n").chronicle.journal
    return only


# --- instants ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2021-03-01", datetime(2021, 2, 28, 23, tzinfo=UTC)),
        ("2021-03-01 10:00", datetime(2021, 3, 1, 9, tzinfo=UTC)),
        ("2021-03-01 9:05", datetime(2021, 3, 1, 8, 5, tzinfo=UTC)),
        ("2021-03-01T10:00:30", datetime(2021, 3, 1, 9, 0, 30, tzinfo=UTC)),
        ("2021-03-01T10:00:00+01:00", datetime(2021, 3, 1, 9, tzinfo=UTC)),
        ("2021-03-01T10:00:00-05:30", datetime(2021, 3, 1, 15, 30, tzinfo=UTC)),
        ("2021-03-01T10:00:00Z", TEN),
        ("2021-03-01T10:00:00.25Z", TEN + timedelta(milliseconds=250)),
        # Twice on 31 October 2021 in Paris: the first is summer time.
        ("2021-10-31 02:30", datetime(2021, 10, 31, 0, 30, tzinfo=UTC)),
        # Never on 28 March 2021 in Paris: the first instant after the gap is 3:00 summer time.
        ("2021-03-28 02:30", datetime(2021, 3, 28, 1, tzinfo=UTC)),
    ],
)
def test_instants_are_read_in_the_time_zone_of_the_association(
    written: str, instant: datetime
) -> None:
    text = f"""\
association: {{time_zone: Europe/Paris}}
events:
  - {{at: "{written}", grant_voting_right: ana}}
"""
    assert read(text).chronicle.history.events[0].at == instant


def test_an_instant_need_not_be_quoted() -> None:
    assert event("{at: 2021-03-01T10:00:00+00:00, grant_voting_right: ana}").at == TEN


# --- the association and its members -------------------------------------------------------------


def test_an_association_is_read() -> None:
    chronicle = read(
        "association: {name: Les Loutres libres, time_zone: Europe/Paris, language: en}"
    ).chronicle
    assert chronicle.name == "Les Loutres libres"
    assert chronicle.zone == ZoneInfo("Europe/Paris")
    assert chronicle.language == "en"


@pytest.mark.parametrize("text", ["members: []", "association: {name: Loutres}", "association:"])
def test_without_a_word_on_it_the_time_zone_is_utc_and_the_language_french(text: str) -> None:
    chronicle = read(text + "\nperiods: []").chronicle
    assert chronicle.zone == UTC
    assert chronicle.language == "fr"


def test_a_member_has_an_id_a_name_and_a_membership() -> None:
    (member,) = read(
        "members: [{id: ana, name: Ana Brun, joined: 2020-09-15}]"
    ).chronicle.history.members
    assert (member.id, member.name, member.founder) == ("ana", "Ana Brun", False)
    assert list(member.memberships) == [Membership(datetime(2020, 9, 15, tzinfo=UTC))]


def test_a_member_without_a_name_goes_by_their_id() -> None:
    (member,) = read("members: [{id: ana, joined: 2020-09-15}]").chronicle.history.members
    assert member.name == "ana"


def test_a_member_may_be_a_founder() -> None:
    (member,) = read(
        "members: [{id: ana, joined: 2020-09-15, founder: true}]"
    ).chronicle.history.members
    assert member.founder


def test_a_member_may_have_left() -> None:
    text = "members: [{id: ana, joined: 2020-09-15, left: 2021-01-01T12:00:00Z}]"
    (member,) = read(text).chronicle.history.members
    assert list(member.memberships) == [
        Membership(datetime(2020, 9, 15, tzinfo=UTC), datetime(2021, 1, 1, 12, tzinfo=UTC))
    ]


def test_a_member_may_have_several_periods() -> None:
    text = """\
members:
  - {id: bob, periods: [{joined: 2019-10-01, left: 2020-05-02}, {joined: 2020-10-01}]}
"""
    (member,) = read(text).chronicle.history.members
    assert list(member.memberships) == [
        Membership(datetime(2019, 10, 1, tzinfo=UTC), datetime(2020, 5, 2, tzinfo=UTC)),
        Membership(datetime(2020, 10, 1, tzinfo=UTC)),
    ]


@pytest.mark.parametrize("id", ["no", "1e3", "2021-01-01", "true", "010", "0x1F", "12:30:45"])
def test_what_yaml_would_take_for_something_else_stays_what_was_written(id: str) -> None:
    text = f"members: [{{id: {id}, joined: 2020-01-01}}]"
    assert read(text).chronicle.history.members[0].id == id


def test_a_byte_order_mark_is_passed_over(tmp_path) -> None:
    from toutdoux.scenario import load_scenario

    file = tmp_path / "history.yaml"
    file.write_bytes(b"\xef\xbb\xbfassociation: {name: Loutres}\n")
    assert load_scenario(file).chronicle.name == "Loutres"


def test_line_ends_of_windows_are_read_as_well() -> None:
    text = THREE.replace("\n", "\r\n")
    assert [member.id for member in read(text).chronicle.history.members] == ["ana", "bob", "eva"]


# --- the charter ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tout-doux-cratie", "lazy-consensus", "simple-majority"])
def test_a_charter_is_the_name_of_a_preset(name: str) -> None:
    charter = read(f"charter: {name}").chronicle.history.charter
    assert (charter.preset, charter.differs) == (name, False)


def test_without_a_charter_it_is_the_tout_doux_cratie() -> None:
    assert read(THREE).chronicle.history.charter.preset == "tout-doux-cratie"


def test_a_charter_says_only_what_differs_from_its_preset() -> None:
    charter = read("""\
charter:
  preset: tout-doux-cratie
  voting_right_delay: 2 weeks
  extraordinary: {window: 14 days, counter_vote: {window: 3 days}}
  needs_action: {event: ordinary, course_opened: none}
""").chronicle.history.charter
    assert charter.differs
    assert charter.voting_right_delay == timedelta(days=14)
    assert charter.correction == timedelta(minutes=5)
    assert charter.extraordinary.window == timedelta(days=14)
    assert charter.extraordinary.counter_vote is not None
    assert charter.extraordinary.counter_vote.window == timedelta(days=3)
    assert charter.ordinary.window == timedelta(days=7)
    assert charter.needs_action["event"] is Kind.ORDINARY
    assert charter.needs_action["course_opened"] is None
    assert charter.needs_action["grant"] is Kind.EXTRAORDINARY


# --- events --------------------------------------------------------------------------------------


def test_a_proposal_with_all_it_can_carry() -> None:
    told = event(
        "{at: 2021-03-01 10:00, propose: extraordinary, number: 27, by: ana, leader: bob, "
        'object: "Un **objet**", link: "https://loutres.example/27", condition: "Si Eva veut", '
        "effects: [{grant_voting_right: bob}, {amend_charter: lazy-consensus}]}"
    )
    assert isinstance(told, h.Proposed)
    assert (told.at, told.kind, told.number) == (TEN, Kind.EXTRAORDINARY, 27)
    assert (told.by, told.leader, told.object) == ("ana", "bob", "Un **objet**")
    assert (told.link, told.condition) == ("https://loutres.example/27", "Si Eva veut")
    granted, amended = told.effects
    assert granted == h.GrantVotingRight("bob")
    assert isinstance(amended, h.AmendCharter)
    assert amended.charter.preset == "lazy-consensus"


def test_a_proposal_with_only_what_it_needs() -> None:
    assert event("{at: 2021-03-01 10:00, propose: ordinary, by: ana, object: o}") == h.Proposed(
        at=TEN, kind=Kind.ORDINARY, by="ana", object="o", number=1
    )


def test_a_charter_may_be_amended_by_a_mapping() -> None:
    told = event(
        "{at: 2021-03-01 10:00, propose: extraordinary, by: ana, object: o, "
        "effects: [{amend_charter: {preset: simple-majority, ordinary: {window: 3 days}}}]}"
    )
    assert isinstance(told, h.Proposed)
    (amended,) = told.effects
    assert isinstance(amended, h.AmendCharter)
    assert amended.charter.preset == "simple-majority"
    assert amended.charter.ordinary.window == timedelta(days=3)


@pytest.mark.parametrize("choice", ["for", "against", "abstain"])
def test_a_vote(choice: str) -> None:
    assert event(f"{{at: 2021-03-01 10:00, vote: AE27, by: bob, choice: {choice}}}") == h.VoteCast(
        at=TEN, action="AE27", by="bob", choice=h.Choice(choice), ballot=h.BallotName.ACTION
    )


def test_a_vote_on_a_counter_vote() -> None:
    line = "{at: 2021-03-01 10:00, vote: AE27, ballot: counter_vote, by: bob, choice: for}"
    assert event(line) == h.VoteCast(
        at=TEN, action="AE27", by="bob", choice=h.Choice.FOR, ballot=h.BallotName.COUNTER_VOTE
    )


def test_a_vote_may_name_the_ballot_of_the_action() -> None:
    line = "{at: 2021-03-01 10:00, vote: AE27, ballot: action, by: bob, choice: for}"
    assert event(line).ballot is h.BallotName.ACTION  # type: ignore[attr-defined]


def test_a_vote_withdrawn() -> None:
    line = "{at: 2021-03-01 10:00, withdraw_vote: AE27, by: bob}"
    assert event(line) == h.VoteWithdrawn(at=TEN, action="AE27", by="bob")


def test_a_vote_withdrawn_on_a_counter_vote() -> None:
    line = "{at: 2021-03-01 10:00, withdraw_vote: AE27, ballot: counter_vote, by: bob}"
    assert event(line) == h.VoteWithdrawn(
        at=TEN, action="AE27", by="bob", ballot=h.BallotName.COUNTER_VOTE
    )


def test_a_counter_vote_called() -> None:
    line = "{at: 2021-03-01 10:00, counter_vote: AE27, by: bob, reason: trop cher}"
    assert event(line) == h.CounterVoteCalled(at=TEN, action="AE27", by="bob", reason="trop cher")


def test_an_amendment() -> None:
    line = "{at: 2021-03-01 10:00, amend: AE27, by: bob, object: autre}"
    assert event(line) == h.Amended(at=TEN, action="AE27", by="bob", object="autre")


def test_a_withdrawal() -> None:
    line = "{at: 2021-03-01 10:00, withdraw: AE27, by: bob}"
    assert event(line) == h.Withdrawn(at=TEN, action="AE27", by="bob")


def test_an_action_handed_over() -> None:
    line = "{at: 2021-03-01 10:00, hand_over: AE27, by: bob, to: ana}"
    assert event(line) == h.HandedOver(at=TEN, action="AE27", by="bob", to="ana")


def test_a_right_granted_needs_no_author() -> None:
    line = "{at: 2021-03-01 10:00, grant_voting_right: ana}"
    assert event(line) == h.RightGranted(at=TEN, member="ana")


def test_a_condition_met() -> None:
    line = "{at: 2021-03-01 10:00, condition_met: AE27, by: bob, note: Eva veut bien}"
    assert event(line) == h.ConditionMet(at=TEN, action="AE27", by="bob", note="Eva veut bien")


@pytest.mark.parametrize(
    ("word", "follow_up"),
    [
        ("start", h.FollowUp.DOING),
        ("done", h.FollowUp.DONE),
        ("abandon", h.FollowUp.ABANDONED),
        ("stand", h.FollowUp.STANDING),
        ("reopen", h.FollowUp.TO_DO),
    ],
)
def test_a_follow_up_with_its_note_and_links(word: str, follow_up: h.FollowUp) -> None:
    line = (
        f"{{at: 2021-03-01 10:00, {word}: AO14, by: bob, note: voilà, "
        'links: ["https://loutres.example/1", "https://loutres.example/2"]}'
    )
    assert event(line) == h.FollowedUp(
        at=TEN,
        action="AO14",
        by="bob",
        follow_up=follow_up,
        note="voilà",
        links=("https://loutres.example/1", "https://loutres.example/2"),
    )


def test_events_of_one_instant_keep_the_order_in_which_they_are_told() -> None:
    text = """\
events:
  - {at: 2021-03-01 10:00, vote: AO1, by: ana, choice: for}
  - {at: 2021-03-01 10:00, vote: AO1, by: bob, choice: for}
  - {at: 2021-03-01 10:00, vote: AO1, by: ana, choice: against}
"""
    told = [(one.by, one.choice) for one in read(text).chronicle.history.events]  # type: ignore[attr-defined]
    assert told == [("ana", "for"), ("bob", "for"), ("ana", "against")]


def test_each_event_remembers_its_line() -> None:
    text = """\
events:
  - {at: 2021-03-01 10:00, grant_voting_right: ana}

  - at: 2021-03-01 10:00
    grant_voting_right: bob
  - {at: 2021-03-01 11:00, grant_voting_right: eva}
"""
    assert list(read(text).lines) == [2, 4, 6]


# --- periods and roles ---------------------------------------------------------------------------


def test_a_period_is_read() -> None:
    periods = read("periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]").chronicle.periods
    assert list(periods) == [Period("P21", date(2021, 2, 1), date(2021, 7, 18))]


def test_a_period_may_be_one_day() -> None:
    (period,) = read("periods: [{name: AG, first: 2021-02-01, last: 2021-02-01}]").chronicle.periods
    assert period.holds(date(2021, 2, 1))


def test_a_role_is_read() -> None:
    text = THREE + "roles: [{role: financier, member: ana, from: 2021-02-01, to: 2021-07-18}]"
    assert list(read(text).chronicle.roles) == [
        Role("financier", "ana", date(2021, 2, 1), date(2021, 7, 18))
    ]


def test_a_role_without_an_end_is_still_held() -> None:
    text = THREE + "roles: [{role: archiviste, member: bob, from: 2021-03-01}]"
    assert list(read(text).chronicle.roles) == [Role("archiviste", "bob", date(2021, 3, 1), None)]


# --- the journal ---------------------------------------------------------------------------------


def test_an_entry_needs_a_kind_a_title_and_a_date() -> None:
    assert entry("{kind: life, title: Une fête, date: 2021-06-28}") == Entry(
        EntryKind.LIFE, "Une fête", Dates((date(2021, 6, 28),))
    )


def test_an_entry_with_all_it_can_carry() -> None:
    told = entry("""kind: course
    date: {first: 2021-06-28, last: 2021-07-02}
    title: Premiers pas
    text: |
      Le **terminal** et Git.
    partners: [Le Fournil, Les Cahiers]
    links: [https://example.org/cours, {title: Supports, url: https://example.org/supports}]
    attendance: [{label: inscrit·es, exact: 31}, {about: 20}]
    period: P21
""")
    assert told == Entry(
        kind=EntryKind.COURSE,
        title="Premiers pas",
        dates=Dates((date(2021, 6, 28), date(2021, 7, 2)), span=True),
        text="Le **terminal** et Git.\n",
        partners=("Le Fournil", "Les Cahiers"),
        links=(
            WebLink("https://example.org/cours"),
            WebLink("https://example.org/supports", "Supports"),
        ),
        attendance=(
            Attendance(31, Precision.EXACT, "inscrit·es"),
            Attendance(20, Precision.ABOUT),
        ),
        period="P21",
    )


def test_an_entry_may_have_several_days_which_are_put_in_order() -> None:
    told = entry("{kind: event, title: Ateliers, date: [2021-04-17, 2021-03-20]}")
    assert told.dates == Dates((date(2021, 3, 20), date(2021, 4, 17)))


@pytest.mark.parametrize("kind", [one for one in EntryKind if one not in ("request", "grant")])
def test_every_kind_of_entry_is_read(kind: EntryKind) -> None:
    assert entry(f"{{kind: {kind}, title: t, date: 2021-03-01}}").kind is kind


@pytest.mark.parametrize("precision", [*Precision])
def test_every_kind_of_count_is_read(precision: Precision) -> None:
    told = entry(f"{{kind: event, title: t, date: 2021-03-01, attendance: {{{precision}: 40}}}}")
    assert told.attendance == (Attendance(40, precision),)


def test_an_entry_names_the_actions_that_cover_it() -> None:
    text = (
        THREE
        + """\
events:
  - {at: 2021-03-01 10:00, propose: extraordinary, number: 29, by: ana, object: o}
  - {at: 2021-03-01 10:00, propose: extraordinary, by: ana, object: o}
journal:
  - {kind: course_opened, title: t, date: 2021-04-06, actions: [AE29, AE30]}
"""
    )
    assert read(text).chronicle.journal[0].actions == ("AE29", "AE30")


def test_a_request_takes_its_date_from_the_day_it_was_sent() -> None:
    told = entry(
        "{kind: request, title: t, request: {to: Finances, sent: 2021-03-12, "
        "answered: 2021-09-02, answer: Favorable}}"
    )
    assert told.request == Request("Finances", date(2021, 3, 12), date(2021, 9, 2), "Favorable")
    assert told.dates == Dates((date(2021, 3, 12),))


def test_a_request_may_still_have_no_answer() -> None:
    told = entry("{kind: request, title: t, request: {to: Finances, sent: 2021-03-12}}")
    assert told.request == Request("Finances", date(2021, 3, 12))


def test_a_grant_keeps_its_facts_apart() -> None:
    told = entry("""kind: grant
    title: t
    grant:
      funder: Fonds
      purpose: un serveur
      asked: {amount: 1200 EUR, date: 2021-03-20}
      answered: {granted: 1000 EUR, date: 2021-04-30}
      set_aside: {amount: 900 EUR, for: le serveur}
""")
    assert told.grant == Grant(
        funder="Fonds",
        asked=Amount(Decimal(1200), "EUR"),
        asked_on=date(2021, 3, 20),
        purpose="un serveur",
        answered_on=date(2021, 4, 30),
        granted=Amount(Decimal(1000), "EUR"),
        set_aside=Amount(Decimal(900), "EUR"),
        set_aside_for="le serveur",
    )
    assert told.dates == Dates((date(2021, 3, 20),))


def test_a_grant_may_be_refused() -> None:
    told = entry(
        "{kind: grant, title: t, grant: {funder: Fonds, asked: {amount: 5 EUR, date: 2021-03-20}, "
        "answered: {refused: true, date: 2021-04-30}}}"
    )
    assert told.grant is not None
    assert (told.grant.refused, told.grant.granted) == (True, None)
    assert told.grant.answered_on == date(2021, 4, 30)


def test_a_grant_may_still_have_no_answer() -> None:
    told = entry(
        "{kind: grant, title: t, grant: {funder: Fonds, asked: {amount: 5 EUR, date: 2021-03-20}}}"
    )
    assert told.grant is not None
    assert (told.grant.refused, told.grant.granted, told.grant.answered_on) == (False, None, None)


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("1000 EUR", Amount(Decimal("1000"), "EUR")),
        ("1000 €", Amount(Decimal("1000"), "EUR")),
        ("1000€", Amount(Decimal("1000"), "EUR")),
        ("49.90 EUR", Amount(Decimal("49.90"), "EUR")),
        ("49,90 EUR", Amount(Decimal("49.90"), "EUR")),
        ("0.5 EUR", Amount(Decimal("0.50"), "EUR")),
        ("1 000 000 EUR", Amount(Decimal("1000000"), "EUR")),
        ("1\u202f000 €", Amount(Decimal("1000"), "EUR")),
        ("250 CHF", Amount(Decimal("250"), "CHF")),
    ],
)
def test_an_amount_is_a_number_and_a_currency(written: str, amount: Amount) -> None:
    told = entry(
        "{kind: grant, title: t, grant: {funder: Fonds, "
        f'asked: {{amount: "{written}", date: 2021-03-20}}}}}}'
    )
    assert told.grant is not None
    assert told.grant.asked == amount


# --- the words of a report -----------------------------------------------------------------------


def test_the_words_of_a_report_are_read() -> None:
    text = (
        THREE
        + """\
periods: [{name: P21, first: 2021-02-01, last: 2021-07-18}]
reports:
  - period: P21
    title: Bilan du printemps
    authors: [ana, Le collectif]
    date: 2021-07-20
    sections:
      introduction: {text: "Ce document …"}
      services: {title: Nos services, text: "…"}
"""
    )
    words = read(text).chronicle.reports["P21"]
    assert words.title == "Bilan du printemps"
    assert words.authors == ("Ana Brun", "Le collectif")
    assert words.date == date(2021, 7, 20)
    assert words.sections == {
        ReportSection.INTRODUCTION: SectionWords(None, "Ce document …"),
        ReportSection.SERVICES: SectionWords("Nos services", "…"),
    }


@pytest.mark.parametrize("section", [*ReportSection])
def test_every_section_can_have_words(section: ReportSection) -> None:
    text = f"""\
periods: [{{name: P21, first: 2021-02-01, last: 2021-07-18}}]
reports: [{{period: P21, sections: {{{section}: {{title: Titre}}}}}}]
"""
    assert read(text).chronicle.reports["P21"].sections == {section: SectionWords("Titre", None)}
