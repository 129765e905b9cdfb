"""Saying things in French or English: gettext, dates and figures in words, typography.

The messages are in `locale/`; `make messages` collects them from the source and compiles them.
"""

from __future__ import annotations

import errno
import gettext
import os
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cache
from pathlib import Path

from toutdoux.core.charter import Kind
from toutdoux.core.history import FollowUp, How, State
from toutdoux.core.journal import EntryKind
from toutdoux.core.words import Sentence, Value, say

LANGUAGES = ("fr", "en")

_NAMES: Mapping[StrEnum, Sentence] = {
    State.OPEN: say("open"),
    State.CONTESTED: say("contested"),
    State.COUNTER_VOTE: say("under a counter-vote"),
    State.ADOPTED: say("adopted"),
    State.CANCELLED: say("cancelled"),
    State.WITHDRAWN: say("withdrawn"),
    Kind.ORDINARY: say("ordinary action"),
    Kind.EXTRAORDINARY: say("extraordinary action"),
    FollowUp.TO_DO: say("to do"),
    FollowUp.DOING: say("under way"),
    FollowUp.DONE: say("done"),
    FollowUp.ABANDONED: say("given up"),
    FollowUp.STANDING: say("rule in force"),
    EntryKind.LIFE: say("life of the association"),
    EntryKind.SERVICE_OPENED: say("service opened"),
    EntryKind.SERVICE_CLOSED: say("service closed"),
    EntryKind.SERVICE: say("news of a service"),
    EntryKind.ACCOUNT_OPENED: say("account opened for another organisation"),
    EntryKind.ACCESS_GIVEN: say("access given (keys, passwords)"),
    EntryKind.OUTREACH: say("outreach (talk, radio, workshop)"),
    EntryKind.EVENT: say("event"),
    EntryKind.COURSE_OPENED: say("course opened"),
    EntryKind.COURSE: say("course taken part in"),
    EntryKind.REQUEST: say("formal request"),
    EntryKind.GRANT: say("grant"),
}

_HOWS: Mapping[StrEnum, Sentence] = {
    How.MAJORITY: say("by majority"),
    How.UNOPPOSED: say("nobody against"),
    How.NO_COUNTER_VOTE: say("no counter-vote called"),
    How.COUNTER_VOTE_FAILED: say("the counter-vote fell short"),
    How.PLURALITY: say("more for than against"),
    How.OPPOSED: say("by those against"),
    How.COUNTER_VOTE: say("by counter-vote"),
    How.NOT_ADOPTED: say("not enough for"),
}

_MONTHS = (
    say("{day} January {year}"),
    say("{day} February {year}"),
    say("{day} March {year}"),
    say("{day} April {year}"),
    say("{day} May {year}"),
    say("{day} June {year}"),
    say("{day} July {year}"),
    say("{day} August {year}"),
    say("{day} September {year}"),
    say("{day} October {year}"),
    say("{day} November {year}"),
    say("{day} December {year}"),
)


_WEEKDAYS = (
    say("Monday"),
    say("Tuesday"),
    say("Wednesday"),
    say("Thursday"),
    say("Friday"),
    say("Saturday"),
    say("Sunday"),
)


def language_of_environment(environment: Mapping[str, str] = os.environ) -> str:
    """The language of the terminal: French, unless the locale asks for English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "")
        if value:
            return "en" if value.startswith("en") else "fr"
    return "fr"


@cache
def _catalogue(code: str, formal: bool) -> gettext.NullTranslations:
    folder = Path(__file__).parent / "locale"
    plain = gettext.translation("toutdoux", folder, [code], fallback=code == "en")
    if not formal:
        return plain
    told = gettext.translation("toutdoux-formal", folder, [code], fallback=True)
    told.add_fallback(plain)
    return told


_PROBLEMS = {
    errno.ENOENT: say("it does not exist"),
    errno.EACCES: say("it is not allowed"),
    errno.EPERM: say("it is not allowed"),
    errno.EISDIR: say("it is a folder"),
    errno.ENOTDIR: say("a part of its path is not a folder"),
    errno.EEXIST: say("there is a file of this name"),
    errno.ENOSPC: say("the disk is full"),
    errno.EDQUOT: say("the disk is full"),
    errno.EROFS: say("the disk is read-only"),
    errno.EFBIG: say("the file would be too large"),
    errno.ENAMETOOLONG: say("its name is too long"),
}


def problem_of_system(error: OSError) -> Sentence:
    """What the system refused, in words; its own words where we have none."""
    known = _PROBLEMS.get(error.errno) if error.errno is not None else None
    return known or say("{problem}", problem=error.strerror or str(error))


class Language:
    """One language, and the time zone in which instants are told.

    `formal` is how one speaks to somebody one does not know: French then says *vous*.
    """

    def __init__(self, code: str, zone: tzinfo = UTC, *, formal: bool = False) -> None:
        self.code = code
        self.zone = zone
        self.formal = formal
        self._catalogue = _catalogue(code, formal)

    def say(self, sentence: Sentence) -> str:
        """Say a sentence with its values."""
        if sentence.plural is None:
            text = self._catalogue.gettext(sentence.message)
        else:
            text = self._catalogue.ngettext(sentence.message, sentence.plural, sentence.count)
        if not sentence.values:
            return text
        text = text.format_map({key: self.value(one) for key, one in sentence.values.items()})
        return _STOPPED_TWICE.sub(r"\1", text)

    def word(self, message: str) -> str:
        """Say a fixed word or phrase."""
        return self._catalogue.gettext(message)

    def value(self, value: Value) -> str:
        """Write a value as this language does."""
        match value:
            case Sentence():
                return self.say(value)
            case StrEnum():
                return self.name(value)
            case str():
                return value
            case datetime():
                return self.instant(value)
            case date():
                return self.day(value)
            case timedelta():
                return self.duration(value)
            case Fraction():
                return f"{value.numerator}/{value.denominator}"
        return str(value)

    def name(self, value: StrEnum) -> str:
        """The word for a state, a kind of action or of journal entry, a follow-up, or how an action
        was decided."""
        # Apart, because a state and a way of deciding may share their code (`counter_vote`).
        sentence = _HOWS.get(value) if isinstance(value, How) else _NAMES.get(value)
        return self.say(sentence) if sentence else str(value)

    def outcome(self, state: State, how: How | None) -> str:
        """`adoptée, à la majorité`."""
        return f"{self.name(state)}, {self.name(how)}" if how else self.name(state)

    def day(self, day: date) -> str:
        """`3 mars 2021`, `1er mars 2021`."""
        number = "1er" if self.code == "fr" and day.day == 1 else str(day.day)
        text = self._catalogue.gettext(_MONTHS[day.month - 1].message)
        return text.format(day=number, year=day.year)

    def span(self, first: date, last: date) -> str:
        """`du 1er février au 18 juillet 2021`: the year once where it is the same."""
        if first == last:
            return self.day(first)
        begin = self.day(first)
        if first.year == last.year:
            begin = begin.rsplit(" ", 1)[0]
            if first.month == last.month:
                begin = begin.rsplit(" ", 1)[0]
        return self.say(say("from {first} to {last}", first=begin, last=self.day(last)))

    def instant(self, instant: datetime) -> str:
        """`3 mars 2021 à 18 h 02`, in the association's time zone."""
        local = instant.astimezone(self.zone)
        if self.code == "fr":
            time = f"{local.hour} h {local.minute:02}" if local.minute else f"{local.hour} h"
        else:
            time = f"{local.hour}:{local.minute:02}"
        return self.say(say("{date} at {time}", date=local.date(), time=time))

    def with_weekday(self, instant: datetime) -> str:
        """`dimanche 18 avril à 18 h`, without the year: of an instant that is near."""
        local = instant.astimezone(self.zone)
        weekday = self.say(_WEEKDAYS[local.weekday()])
        year = f" {local.year}"
        told = self.instant(instant).replace(year, "", 1)
        return self.say(say("{weekday} {date}", weekday=weekday, date=told))

    def short_date(self, day: date) -> str:
        """A date in figures, as inventories have it: `01-03-2021` in French."""
        return day.strftime("%d-%m-%Y") if self.code == "fr" else day.isoformat()

    def short_instant(self, instant: datetime) -> str:
        """`03-03-2021 18:02`, in the association's time zone."""
        local = instant.astimezone(self.zone)
        return f"{self.short_date(local.date())} {local:%H:%M}"

    def duration(self, duration: timedelta) -> str:
        minutes = int(duration.total_seconds() // 60)
        if minutes % 1440 == 0:
            text, count = self._catalogue.ngettext("{n} day", "{n} days", minutes // 1440), 1440
        elif minutes % 60 == 0:
            text, count = self._catalogue.ngettext("{n} hour", "{n} hours", minutes // 60), 60
        else:
            text, count = self._catalogue.ngettext("{n} minute", "{n} minutes", minutes), 1
        return text.format(n=minutes // count)

    def number(self, number: Decimal | int) -> str:
        """`1 000,50` in French, `1,000.50` in English; no decimals where there are none."""
        number = Decimal(number)
        whole = number == number.to_integral_value()
        text = f"{number:,.0f}" if whole else f"{number:,.2f}"
        if self.code == "fr":
            return text.replace(",", " ").replace(".", ",")
        return text

    def money(self, value: Decimal, currency: str) -> str:
        symbol = {"EUR": "€", "GBP": "£", "USD": "$"}.get(currency, currency)
        if self.code == "fr":
            return f"{self.number(value)} {symbol}"
        return (
            f"{symbol}{self.number(value)}"
            if len(symbol) == 1
            else f"{symbol} {self.number(value)}"
        )

    def listed(self, names: list[str]) -> str:
        """`Ana, Bob et Zoé`."""
        if len(names) < 2:
            return "".join(names)
        return self.say(say("{names} and {last}", names=", ".join(names[:-1]), last=names[-1]))

    def typographic(self, text: str) -> str:
        """Put no-break spaces where the language wants them. Letters and signs stay the same.

        A text may be a piece of a longer one, which begins or ends at a space.
        """
        if self.code != "fr":
            return text
        return _BEFORE.sub("\u00a0", _AFTER.sub("\u00a0", text))


# In French a space stays with the sign it goes with: before : ; ! ? » % € and units, after «,
# inside 18 h 02 and 1 000.
_BEFORE = re.compile(
    r"(?:(?<=\S)|^) (?=[:;!?»]+(?:[\s.,)…]|$))"
    r"|(?<=\d) (?=\d{3}(?:\D|$)|h\b|€|%)"
    r"|(?<=\d[ \u00a0]h) (?=\d\d\b)"
)
_AFTER = re.compile(r"(?<=«) ")

# What was quoted may end with a stop of its own, before the sentence's.
_STOPPED_TWICE = re.compile(r"([.…][ \u00a0\u202f]?[”»])\.")
