"""Instants, dates and durations, as the rules read them.

Source: "Time" in the rules. Every instant is an aware `datetime` in UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from .words import Refusal, say

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})"
    r"(?:[Tt]|[ \t]+)(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?"
    r"(?:[ \t]*(?:([Zz])|([+-])(\d{1,2})(?::?(\d{2}))?))?"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DURATION = re.compile(r"(\d{1,8})\s+(minute|hour|day|week)s?")
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
_LONGEST = timedelta(days=36525)
# Far enough from the calendar's ends that a window or two added to an instant stays inside it.
_YEARS = range(1000, 9001)


def read_date(text: str) -> date:
    """Read `YYYY-MM-DD`. Raises `Refusal` for anything else, and for a day that does not exist."""
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Refusal(
                say("the date {text} does not exist", text=text),
                say("check the day and the month"),
            ) from None
        _check_reach(text, day.year)
        return day
    raise Refusal(
        say("“{text}” is not a date", text=text),
        say("write it as year-month-day, for instance 2021-03-01"),
    )


def read_instant(text: str, zone: tzinfo) -> datetime:
    """Read an instant, or a local time or a date in `zone`.

    Args:
        text: `2021-03-01T10:00:00+01:00`, `2021-03-01 10:00` (local), or `2021-03-01` (the first
            instant of that day, local).
        zone: the association's time zone.

    Returns:
        The instant in UTC, to the microsecond.

    Raises:
        Refusal: it is no instant, or one that does not exist in any calendar.
    """
    if _DATE.fullmatch(text):
        return first_instant(read_date(text), zone)
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise Refusal(
            say("“{text}” is not an instant", text=text),
            say(
                "write for instance 2021-03-01T10:00:00+01:00, or 2021-03-01 10:00 for a local time"
            ),
        )
    day, hour, minute, second, fraction, utc, sign, off_hour, off_minute = match.groups()
    try:
        microsecond = int((fraction or "0")[:6].ljust(6, "0"))
        local = datetime.combine(
            date.fromisoformat(day),
            time(int(hour), int(minute), int(second or 0), microsecond),
        )
        _check_reach(text, local.year)
        if utc:
            return local.replace(tzinfo=UTC)
        if sign:
            if int(off_hour) > 23 or int(off_minute or 0) > 59:
                raise ValueError("no such offset")
            offset = timedelta(hours=int(off_hour), minutes=int(off_minute or 0))
            return (local - offset if sign == "+" else local + offset).replace(tzinfo=UTC)
        return local_instant(local, zone)
    except ValueError:
        raise Refusal(
            say("the instant {text} does not exist", text=text),
            say("check the day, the month and the time"),
        ) from None


def _check_reach(text: str, year: int) -> None:
    if year not in _YEARS:
        raise Refusal(
            say("{text} is out of reach", text=text), say("use a year between 1000 and 9000")
        )


def first_instant(day: date, zone: tzinfo) -> datetime:
    """The first instant of a day in `zone`, in UTC."""
    return local_instant(datetime.combine(day, time()), zone)


def local_instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant of a naive local time in `zone`, in UTC.

    One that exists twice is the first; one that does not exist is the first instant after the gap
    (rules, "Time").
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # The clocks skip this time. Read with the offset from after the gap it lies before the
    # change, read with the one from before the gap it lies after it: the change is in between.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = instant
    offset_before = before.astimezone(zone).utcoffset()
    while after - before > timedelta(microseconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset_before:
            before = middle
        else:
            after = middle
    return after


def read_duration(text: str) -> timedelta:
    """Read `N minutes|hours|days|weeks`, more than zero. "7 days" is 7 × 24 hours."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise Refusal(
            say("“{text}” is not a duration", text=text),
            say("write a number above zero with minutes, hours, days or weeks, like 7 days"),
        )
    duration = int(match[1]) * _UNITS[match[2]]
    if duration > _LONGEST:
        raise Refusal(say("“{text}” is over a century", text=text), say("write a shorter one"))
    return duration


def utc_text(instant: datetime) -> str:
    """`2021-03-02T17:02:00Z`: to the second, with a fraction only if there is one."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
