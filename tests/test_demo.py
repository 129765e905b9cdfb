"""The demo semester shows the figures and the dates of the reference, in words of its own.

The figures are those of `reference/bilan-moral-p21.txt`: only figures, no name and no sentence.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.cli.running import DEMO, ENGLISH, FRENCH, run
from toutdoux.core.history import FollowUp, How, State
from toutdoux.core.journal import EntryKind, Precision
from toutdoux.core.replay import Standing
from toutdoux.scenario import Scenario, load_scenario

# Number, date of the proposal, for, against, expressed.
EXTRAORDINARY = [
    (27, "2021-03-01", 10, 0, 13),
    (28, "2021-03-01", 15, 0, 15),
    (29, "2021-04-01", 15, 0, 15),
    (30, "2021-04-11", 18, 0, 18),
    (31, "2021-04-27", 15, 0, 15),
    (32, "2021-06-30", 17, 0, 17),
]
ORDINARY = [
    (14, "2021-02-11", 15, 0, 15),
    (15, "2021-04-07", 14, 0, 14),
    (16, "2021-05-22", 19, 0, 19),
    (17, "2021-05-30", 18, 0, 19),
    (18, "2021-06-13", 17, 0, 17),
    (19, "2021-06-14", 15, 0, 15),
]


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario(DEMO)


@pytest.fixture(scope="module")
def standing(scenario: Scenario) -> Standing:
    return scenario.judge(datetime(2021, 7, 19, tzinfo=UTC))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ").replace("\u202f", " "))


# --- the inventories -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"), [("extraordinary", EXTRAORDINARY), ("ordinary", ORDINARY)]
)
def test_the_inventory_is_that_of_the_reference(
    kind: str, expected: list[tuple[int, str, int, int, int]]
) -> None:
    done = run("inventory", "P21", "--scenario", DEMO, "--kind", kind, "--format", "json")
    assert [
        (row["number"], row["date"], row["for"], row["against"], row["expressed"])
        for row in json.loads(done.stdout)
    ] == expected


def test_all_are_adopted(standing: Standing) -> None:
    assert {action.state for action in standing.actions.values()} == {State.ADOPTED}


@pytest.mark.parametrize("ref", ["AE28", "AE29", "AE30", "AE31", "AE32"])
def test_28_to_32_are_adopted_by_majority_at_their_fifteenth_vote_for(
    scenario: Scenario, standing: Standing, ref: str
) -> None:
    """More than half of a roll of 28 or 29 (worked case 1)."""
    decision = standing.actions[ref].decision
    assert decision is not None
    assert (decision.how, decision.tally.for_) == (How.MAJORITY, 15)
    assert decision.roll in (28, 29)


@pytest.mark.parametrize(
    ("ref", "day", "tally"), [("AE27", 8, (10, 0, 3)), ("AO15", 14, (14, 0, 0))]
)
def test_27_and_15_are_adopted_unopposed_when_their_windows_end(
    standing: Standing, ref: str, day: int, tally: tuple[int, int, int]
) -> None:
    action = standing.actions[ref]
    decision = action.decision
    assert decision is not None
    assert decision.how is How.UNOPPOSED
    assert decision.at == action.window_end
    assert decision.at.day == day
    assert (decision.tally.for_, decision.tally.against, decision.tally.abstain) == tally


def test_27_and_19_stand(standing: Standing) -> None:
    standing_ones = {
        ref for ref, action in standing.actions.items() if action.follow_up is FollowUp.STANDING
    }
    assert standing_ones == {"AE27", "AO19"}


def test_29_and_31_carry_a_condition(standing: Standing) -> None:
    assert {ref for ref, one in standing.actions.items() if one.condition} == {"AE29", "AE31"}


def test_32_gives_somebody_the_right_to_vote_before_the_ten_days_are_over(
    standing: Standing,
) -> None:
    action = standing.actions["AE32"]
    (effect,) = action.effects
    member = standing.members[effect.member]  # type: ignore[union-attr]
    assert action.decision is not None
    membership = member.membership(action.decision.at)
    assert membership is not None
    assert (action.decision.at - membership.joined).days < 10


# --- the rest of the reference -------------------------------------------------------------------


def test_there_are_29_members_on_18_july_2021(scenario: Scenario) -> None:
    assert scenario.chronicle.members_on(date(2021, 7, 18)) == 29


def test_the_period_is_that_of_the_reference(scenario: Scenario) -> None:
    (period,) = [one for one in scenario.chronicle.periods if one.name == "P21"]
    assert (period.first, period.last) == (date(2021, 2, 1), date(2021, 7, 18))


def test_three_roles_were_held(scenario: Scenario) -> None:
    (period,) = [one for one in scenario.chronicle.periods if one.name == "P21"]
    held = [one.role for one in scenario.chronicle.roles if one.held_in(period)]
    assert {"administratif", "financier", "technique"} <= {*held}


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [
        (date(2020, 11, 12), date(2020, 11, 12), [(Precision.ABOUT, 40)]),
        (date(2021, 3, 20), date(2021, 3, 20), [(Precision.ABOUT, 50)]),
        (date(2021, 6, 28), date(2021, 7, 2), [(Precision.EXACT, 31)]),
        (date(2021, 7, 5), date(2021, 7, 9), [(Precision.EXACT, 20)]),
        (
            date(2021, 4, 6),
            date(2021, 5, 3),
            [(Precision.FEWER_THAN, 150), (Precision.ABOUT, 20)],
        ),
    ],
)
def test_the_attendances_are_those_of_the_reference(
    scenario: Scenario, first: date, last: date, counts: list[tuple[Precision, int]]
) -> None:
    entries = [
        entry
        for entry in scenario.chronicle.journal
        if (entry.dates.first, entry.dates.last) == (first, last)
    ]
    assert counts in [[(one.precision, one.count) for one in entry.attendance] for entry in entries]


def test_a_talk_gathered_more_than_20(scenario: Scenario) -> None:
    found = [
        one.count
        for entry in scenario.chronicle.journal
        for one in entry.attendance
        if one.precision is Precision.MORE_THAN
    ]
    assert found == [20]


def test_the_second_course_begins_on_17_may_with_about_20(scenario: Scenario) -> None:
    (entry,) = [one for one in scenario.chronicle.journal if one.dates.first == date(2021, 5, 17)]
    assert entry.kind is EntryKind.COURSE_OPENED
    assert [(one.precision, one.count) for one in entry.attendance] == [(Precision.ABOUT, 20)]


def test_there_is_a_talk_of_7_july(scenario: Scenario) -> None:
    assert date(2021, 7, 7) in [one.dates.first for one in scenario.chronicle.journal]


def test_the_grant_asked_for_is_granted_and_set_aside(scenario: Scenario) -> None:
    (grant,) = [one.grant for one in scenario.chronicle.journal if one.grant]
    amounts = [grant.asked, grant.granted, grant.set_aside]
    assert [one and (int(one.value), one.currency) for one in amounts] == [(1000, "EUR")] * 3


def test_a_request_awaits_its_answer(scenario: Scenario) -> None:
    (request,) = [one.request for one in scenario.chronicle.journal if one.request]
    assert request.answered is None


# --- the command ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What `toutdoux demo` prints, and the folder it wrote."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    done = run("demo", "--out", folder, env=FRENCH)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, folder


def test_it_prints_both_inventories(played: tuple[str, Path]) -> None:
    text, _ = played
    for title in ("Inventaire des actions extraordinaires", "Inventaire des actions ordinaires"):
        assert title in text
    for number, iso, for_, against, expressed in EXTRAORDINARY + ORDINARY:
        day = "-".join(reversed(iso.split("-")))
        assert re.search(
            rf"#{number} .* {day} +{for_}/{expressed} +{against}/{expressed}\b", text
        ), number


def test_it_prints_the_paths_of_the_report(played: tuple[str, Path]) -> None:
    text, folder = played
    paths = [line.strip() for line in text.splitlines()[-4:]]
    assert paths == [str(folder / f"bilan-moral-P21.{one}") for one in ("pdf", "html", "md", "gmi")]
    assert {str(one) for one in folder.iterdir()} == {*paths}


def test_it_speaks_english_too(tmp_path: Path) -> None:
    done = run("demo", "--out", tmp_path, "--lang", "en", env=ENGLISH)
    assert "Inventory of extraordinary actions" in done.stdout
    assert (tmp_path / "activity-report-P21.pdf").stat().st_size > 10_000


@pytest.fixture(scope="module")
def pdf(played: tuple[str, Path]) -> str:
    data = (played[1] / "bilan-moral-P21.pdf").read_bytes()
    return plain(" ".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages))


def test_the_pdf_holds_every_figure_of_the_inventories(pdf: str) -> None:
    for number, iso, for_, against, expressed in EXTRAORDINARY + ORDINARY:
        day = "-".join(reversed(iso.split("-")))
        assert f"#{number}" in pdf
        row = pdf[pdf.rindex(f"#{number} ") :]
        # The hyphens of a date may be drawn as ones that do not break.
        row = row.replace("\u2011", "-")
        figures = re.search(r"(\d\d-\d\d-\d{4}) (\d+/\d+) (\d+/\d+)", row)
        assert figures is not None, number
        assert figures.groups() == (day, f"{for_}/{expressed}", f"{against}/{expressed}")


@pytest.mark.parametrize(
    "words",
    [
        "29 membres",
        "18 juillet 2021",
        "1 000 €",
        "environ 40",
        "environ 50",
        "plus de 20",
        "moins de 150",
        "31 participant",
        "du 28 juin au 2 juillet 2021",
        "du 5 au 9 juillet 2021",
        "Tout-Doux-Cratie",
    ],
)
def test_the_pdf_holds_the_figures_of_the_journal(pdf: str, words: str) -> None:
    assert words in pdf


@pytest.mark.parametrize("ending", ["html", "md", "gmi"])
def test_every_form_of_the_report_holds_the_figures(played: tuple[str, Path], ending: str) -> None:
    text = plain((played[1] / f"bilan-moral-P21.{ending}").read_text("utf-8"))
    for number, _, for_, against, expressed in EXTRAORDINARY + ORDINARY:
        for figure in (f"#{number}", f"{for_}/{expressed}", f"{against}/{expressed}"):
            assert figure in text
    assert "29 membres" in text


def test_the_same_bytes_come_out_twice(played: tuple[str, Path], tmp_path: Path) -> None:
    assert run("demo", "--out", tmp_path, env=FRENCH).returncode == 0
    for one in played[1].iterdir():
        assert one.read_bytes() == (tmp_path / one.name).read_bytes(), one.name
