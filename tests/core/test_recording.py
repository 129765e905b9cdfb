"""When a decision that is due may be written down ("Late knowledge")."""

from datetime import UTC, datetime, timedelta

from toutdoux.core.late import Recording, may_record

DUE = datetime(2021, 3, 8, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
INSTANT = timedelta(microseconds=1)


def test_without_a_chat_a_decision_is_recorded_as_soon_as_its_instant_is_over() -> None:
    assert may_record(DUE, [], DUE) is Recording.WAIT
    assert may_record(DUE, [], DUE + INSTANT) is Recording.READ


def test_a_decision_waits_for_a_chat_that_was_not_read_past_it() -> None:
    assert may_record(DUE, [DUE], DUE + HOUR) is Recording.WAIT


def test_it_waits_for_every_chat_that_carries_the_ballot() -> None:
    assert may_record(DUE, [DUE + HOUR, DUE - HOUR], DUE + HOUR) is Recording.WAIT
    assert may_record(DUE, [DUE + HOUR, DUE + INSTANT], DUE + HOUR) is Recording.READ


def test_after_24_hours_it_is_recorded_and_says_that_a_chat_was_not_read() -> None:
    assert may_record(DUE, [DUE - HOUR], DUE + 24 * HOUR - INSTANT) is Recording.WAIT
    assert may_record(DUE, [DUE - HOUR], DUE + 24 * HOUR) is Recording.UNREAD
