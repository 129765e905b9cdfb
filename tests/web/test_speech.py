"""How pages say lengths of time, and what members wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from toutdoux.core.words import say
from toutdoux.language import Language
from toutdoux.web.markdown import to_text
from toutdoux.web.speech import Words, rounded


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=6, hours=23, minutes=59), timedelta(days=7)),
        (timedelta(days=2, hours=3), timedelta(days=2)),
        (timedelta(hours=47, minutes=40), timedelta(days=2)),
        (timedelta(hours=5, minutes=10), timedelta(hours=5)),
        (timedelta(minutes=119, seconds=50), timedelta(hours=2)),
        (timedelta(seconds=3), timedelta(minutes=1)),
    ],
)
def test_what_is_left_is_told_to_the_nearest(left: timedelta, said: timedelta) -> None:
    assert rounded(left, nearest=True) == said


def test_what_is_past_is_told_in_what_is_over() -> None:
    assert rounded(timedelta(days=6, hours=23)) == timedelta(days=6)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Ouvrir **un** *service*", "Ouvrir un service"),
        ("- un\n- deux", "• un\n• deux"),
        ("1. un\n2. deux", "1. un\n2. deux"),
        ("voir [là](https://example.org/a_b)", "voir là"),
        ("# Titre\n`code` & <b>", "Titre\ncode & <b>"),
        ("un_nom_long, #12, 3 * 4", "un_nom_long, #12, 3 * 4"),
    ],
)
def test_a_text_without_its_marks(written: str, plain: str) -> None:
    assert to_text(written) == plain


def test_a_sentence_has_one_stop_where_what_it_quotes_has_one() -> None:
    quoted = say("It was noted: “{note}”.", note="Done.")
    assert Language("en").say(quoted) == "It was noted: “Done.”"
    assert Language("en").say(say("Noted: “{note}”.", note="done")) == "Noted: “done”."


def test_the_hour_of_a_date_is_never_alone_on_a_line_and_members_words_stay_theirs() -> None:
    at = datetime(2021, 3, 3, 18, 2, tzinfo=UTC)
    told = Words(Language("fr"), at)
    assert told.value(at).endswith("18\u00a0h\u00a002")
    assert told.soon(at).endswith("18\u00a0h\u00a002")
    assert told.value("à 18 h 02 !") == "à 18 h 02 !"
