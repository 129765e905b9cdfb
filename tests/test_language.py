"""How things are said in French and in English."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from toutdoux.core.charter import Kind
from toutdoux.core.history import FollowUp, How, State
from toutdoux.core.words import say, say_n
from toutdoux.language import Language, language_of_environment

FR = Language("fr", ZoneInfo("Europe/Paris"))
EN = Language("en", ZoneInfo("Europe/Paris"))
ROOT = Path(__file__).parents[1]


def test_every_message_of_the_source_is_translated() -> None:
    done = subprocess.run(
        [sys.executable, "tools/check_messages.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- dates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("month", "french", "english"),
    [
        (1, "3 janvier 2021", "3 January 2021"),
        (2, "3 février 2021", "3 February 2021"),
        (3, "3 mars 2021", "3 March 2021"),
        (4, "3 avril 2021", "3 April 2021"),
        (5, "3 mai 2021", "3 May 2021"),
        (6, "3 juin 2021", "3 June 2021"),
        (7, "3 juillet 2021", "3 July 2021"),
        (8, "3 août 2021", "3 August 2021"),
        (9, "3 septembre 2021", "3 September 2021"),
        (10, "3 octobre 2021", "3 October 2021"),
        (11, "3 novembre 2021", "3 November 2021"),
        (12, "3 décembre 2021", "3 December 2021"),
    ],
)
def test_a_day_is_said_with_the_name_of_its_month(month: int, french: str, english: str) -> None:
    assert FR.day(date(2021, month, 3)) == french
    assert EN.day(date(2021, month, 3)) == english


def test_the_first_of_a_month_is_premier_in_french_only() -> None:
    assert FR.day(date(2021, 3, 1)) == "1er mars 2021"
    assert EN.day(date(2021, 3, 1)) == "1 March 2021"
    assert FR.day(date(2021, 3, 21)) == "21 mars 2021"


@pytest.mark.parametrize(
    ("first", "last", "french", "english"),
    [
        (
            date(2021, 2, 1),
            date(2021, 7, 18),
            "du 1er février au 18 juillet 2021",
            "from 1 February to 18 July 2021",
        ),
        (date(2021, 7, 5), date(2021, 7, 9), "du 5 au 9 juillet 2021", "from 5 to 9 July 2021"),
        (date(2021, 7, 1), date(2021, 7, 9), "du 1er au 9 juillet 2021", "from 1 to 9 July 2021"),
        (
            date(2020, 9, 1),
            date(2021, 1, 31),
            "du 1er septembre 2020 au 31 janvier 2021",
            "from 1 September 2020 to 31 January 2021",
        ),
        (
            date(2020, 7, 5),
            date(2021, 7, 9),
            "du 5 juillet 2020 au 9 juillet 2021",
            "from 5 July 2020 to 9 July 2021",
        ),
        (date(2021, 7, 7), date(2021, 7, 7), "7 juillet 2021", "7 July 2021"),
    ],
)
def test_a_span_says_once_what_is_the_same(
    first: date, last: date, french: str, english: str
) -> None:
    assert FR.span(first, last) == french
    assert EN.span(first, last) == english


@pytest.mark.parametrize(
    ("instant", "french", "english"),
    [
        (
            datetime(2021, 3, 3, 17, 2, tzinfo=UTC),
            "3 mars 2021 à 18 h 02",
            "3 March 2021 at 18:02",
        ),
        (datetime(2021, 3, 3, 17, tzinfo=UTC), "3 mars 2021 à 18 h", "3 March 2021 at 18:00"),
        # Summer time, and already the next day.
        (
            datetime(2021, 6, 30, 22, 5, tzinfo=UTC),
            "1er juillet 2021 à 0 h 05",
            "1 July 2021 at 0:05",
        ),
    ],
)
def test_an_instant_is_told_in_the_time_zone(instant: datetime, french: str, english: str) -> None:
    assert FR.instant(instant) == french
    assert EN.instant(instant) == english


def test_short_dates() -> None:
    assert FR.short_date(date(2021, 3, 1)) == "01-03-2021"
    assert EN.short_date(date(2021, 3, 1)) == "2021-03-01"
    assert FR.short_instant(datetime(2021, 3, 31, 22, 5, tzinfo=UTC)) == "01-04-2021 00:05"
    assert EN.short_instant(datetime(2021, 3, 31, 22, 5, tzinfo=UTC)) == "2021-04-01 00:05"


@pytest.mark.parametrize(
    ("duration", "french", "english"),
    [
        (timedelta(days=7), "7 jours", "7 days"),
        (timedelta(days=1), "1 jour", "1 day"),
        (timedelta(weeks=2), "14 jours", "14 days"),
        (timedelta(hours=72), "3 jours", "3 days"),
        (timedelta(hours=36), "36 heures", "36 hours"),
        (timedelta(hours=1), "1 heure", "1 hour"),
        (timedelta(minutes=90), "90 minutes", "90 minutes"),
        (timedelta(minutes=1), "1 minute", "1 minute"),
    ],
)
def test_durations(duration: timedelta, french: str, english: str) -> None:
    assert FR.duration(duration) == french
    assert EN.duration(duration) == english


# --- figures -------------------------------------------------------------------------------------


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("number", "french", "english"),
    [
        (Decimal("0"), "0", "0"),
        (Decimal("999"), "999", "999"),
        (Decimal("1000"), "1 000", "1,000"),
        (Decimal("1000.5"), "1 000,50", "1,000.50"),
        (Decimal("1000.00"), "1 000", "1,000"),
        (Decimal("1234567.89"), "1 234 567,89", "1,234,567.89"),
        (31, "31", "31"),
    ],
)
def test_numbers(number: Decimal | int, french: str, english: str) -> None:
    assert plain(FR.number(number)) == french
    assert EN.number(number) == english


@pytest.mark.parametrize(
    ("currency", "french", "english"),
    [
        ("EUR", "1 000 €", "€1,000"),
        ("USD", "1 000 $", "$1,000"),
        ("GBP", "1 000 £", "£1,000"),
        ("CHF", "1 000 CHF", "CHF 1,000"),
    ],
)
def test_money(currency: str, french: str, english: str) -> None:
    assert plain(FR.money(Decimal(1000), currency)) == french
    assert plain(EN.money(Decimal(1000), currency)) == english


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "french", "english"),
    [
        ([], "", ""),
        (["Ana"], "Ana", "Ana"),
        (["Ana", "Bob"], "Ana et Bob", "Ana and Bob"),
        (["Ana", "Bob", "Zoé"], "Ana, Bob et Zoé", "Ana, Bob and Zoé"),
    ],
)
def test_lists(names: list[str], french: str, english: str) -> None:
    assert FR.listed(names) == french
    assert EN.listed(names) == english


def test_what_a_name_holds_is_never_filled_in() -> None:
    assert EN.listed(["{last}", "{names}"]) == "{last} and {names}"


@pytest.mark.parametrize(
    ("count", "french", "english"),
    [(0, "0 jour", "0 days"), (1, "1 jour", "1 day"), (2, "2 jours", "2 days")],
)
def test_plurals_follow_the_language(count: int, french: str, english: str) -> None:
    """In French, zero is singular."""
    sentence = say_n("{n} day", "{n} days", count)
    assert FR.say(sentence) == french
    assert EN.say(sentence) == english


@pytest.mark.parametrize("value", [*State, *How, *FollowUp, *Kind])
def test_every_state_has_a_word_in_both_languages(value: State | How | FollowUp | Kind) -> None:
    assert "_" not in FR.name(value)
    assert "_" not in EN.name(value)
    assert FR.name(value) != EN.name(value)


def test_a_state_and_a_way_of_deciding_with_the_same_code_have_their_own_word() -> None:
    assert EN.name(State.COUNTER_VOTE) == "under a counter-vote"
    assert EN.name(How.COUNTER_VOTE) == "by counter-vote"


def test_values_are_said_as_what_they_are() -> None:
    sentence = say(
        "{a} {b} {c} {d} {e}",
        a=date(2021, 3, 3),
        b=timedelta(days=7),
        c=Fraction(2, 3),
        d=State.ADOPTED,
        e=say_n("{n} day", "{n} days", 2),
    )
    assert EN.say(sentence) == "3 March 2021 7 days 2/3 adopted 2 days"


# --- spaces --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "set_"),
    [
        ("Oui !", "Oui_!"),
        ("Vraiment ? Oui.", "Vraiment_? Oui."),
        ("ceci : cela ; et puis", "ceci_: cela_; et puis"),
        ("« berge »", "«_berge_»"),
        ("le canal « berge », et", "le canal «_berge_», et"),
        ("(« berge ») !", "(«_berge_»)_!"),
        ("54 %", "54_%"),
        ("1 000 €", "1_000_€"),
        ("1 000 000 €", "1_000_000_€"),
        ("18 h 02", "18_h_02"),
        ("18 h", "18_h"),
        ("Vraiment ?!", "Vraiment_?!"),
        ("Bravo !!!", "Bravo_!!!"),
        ("Quoi ?…", "Quoi_?…"),
        ("rien à changer ici.", "rien à changer ici."),
        ("https://loutres.example/a:b?c!d", "https://loutres.example/a:b?c!d"),
        ("un smiley :-)", "un smiley :-)"),
        ("", ""),
    ],
)
def test_in_french_a_space_stays_with_its_sign(typed: str, set_: str) -> None:
    assert FR.typographic(typed).replace("\u202f", "_").replace("\u00a0", "_") == set_


@pytest.mark.parametrize("text", ["Oui !", "« berge »", "1 000 €"])
def test_letters_and_signs_stay_the_same(text: str) -> None:
    assert plain(FR.typographic(text)) == text


@pytest.mark.parametrize("text", ["Oui !", "1 000 €", "« x »"])
def test_in_english_nothing_is_changed(text: str) -> None:
    assert EN.typographic(text) == text


def test_setting_twice_changes_nothing_more() -> None:
    once = FR.typographic("« Oui ! » : 1 000 € à 18 h 02")
    assert FR.typographic(once) == once


# --- which language ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "fr"),
        ({"LANG": ""}, "fr"),
        ({"LANG": "C.UTF-8"}, "fr"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en"}, "en"),
        ({"LANG": "fr_CA.UTF-8"}, "fr"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LC_ALL": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "fr"),
    ],
)
def test_the_language_of_an_environment(environment: dict[str, str], code: str) -> None:
    assert language_of_environment(environment) == code
