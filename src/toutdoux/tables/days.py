"""Dates as people write them in tables."""

from __future__ import annotations

import re
from datetime import date

from toutdoux.core.instants import read_date
from toutdoux.core.words import Refusal, say

from .columns import folded

_FIGURES = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]+)")
_ISO = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_WORDS = re.compile(r"([0-9]{1,2})(?:er|st|nd|rd|th)? ([a-z]+) ([0-9]+)")
_MONTHS = {
    name: number
    for names in (
        "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
        "january february march april may june july august september october november december",
    )
    for number, name in enumerate(names.split(), 1)
}


def read_day(text: str) -> date:
    """Read `01-03-2021`, `1/3/2021`, `01.03.2021`, `2021-03-01`, `1er mars 2021` or `1 March 2021`.

    The day comes before the month. Raises `Refusal` for anything else.
    """
    parts = _parts(text)
    if parts is None:
        raise Refusal(
            say("“{text}” is not a date", text=text),
            say("write it as day-month-year, for instance 01-03-2021, or as 2021-03-01"),
        )
    day, month, year = parts
    if len(year) != 4:
        raise Refusal(
            say("the year of “{text}” does not have four figures", text=text),
            say("write it out, for instance 01-03-2021"),
        )
    try:
        date(int(year), month, day)
    except ValueError:
        raise Refusal(
            say("the date {text} does not exist", text=text),
            say("check the day and the month: the day comes first"),
        ) from None
    return read_date(f"{year}-{month:02}-{day:02}")


def _parts(text: str) -> tuple[int, int, str] | None:
    text = " ".join(text.split())
    if found := _ISO.fullmatch(text):
        return int(found[4]), int(found[3]), found[1]
    if found := _FIGURES.fullmatch(text):
        return int(found[1]), int(found[3]), found[4]
    found = _WORDS.fullmatch(folded(text))
    if found and found[2] in _MONTHS:
        return int(found[1]), _MONTHS[found[2]], found[3]
    return None
