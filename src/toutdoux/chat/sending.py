"""What the bot has to say: kept until it was sent, and sent once.

What the server does not take in one place stops nothing elsewhere. It is tried again, ever more
rarely, and given up after about a day of trying.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Any

from toutdoux.core.words import Sentence
from toutdoux.language import Language

from . import models
from .faults import PASSING
from .http import pause
from .system import Enclosed, Forbidden, Unreachable

log = logging.getLogger("toutdoux")

AT_MOST = 1.0
"""Seconds in which cards are edited, or messages sent, before people are listened to again."""

_AT_ONCE = 500
_LONGEST_PAUSE = 600.0
"""Seconds between two tries of the same, at most."""
_TRIES = 200
"""How often something is tried: for about a day. While the whole server is away nothing is, and
that does not count."""
_GIVEN_UP = "given up"
_NOTED = "noted"
_LONGEST_KEY = 120


@dataclass(slots=True)
class PutOff:
    """Something the server did not take."""

    times: int
    until: datetime


class Outbox:
    """What one association has to say in one chat."""

    def __init__(self, mine: dict[str, Any], language: Language) -> None:
        """`mine` is by which rows are known: the association and the server."""
        self.mine = mine
        self.language = language
        self._sent = 0
        """How far what waits was gone through; 0 if to its end."""
        self.put_off: dict[int, PutOff] = {}
        """What the server did not take, by its row. Whoever begins anew, because the line was cut,
        goes on with it."""

    @property
    def is_sending(self) -> bool:
        """Whether there is more to be sent than there was time for."""
        return self._sent > 0

    def holds(self, key: str) -> bool:
        """Whether something was sent, or waits to be."""
        return models.Outgoing.objects.filter(**self.mine, key=key[:_LONGEST_KEY]).exists()

    def note(self, key: str, person: str, about: str) -> None:
        """Keep which message something is about that somebody said: there is nothing to send."""
        kept = {"person": person, "thread": about, "sent": _NOTED}
        models.Outgoing.objects.create(**self.mine, key=key[:_LONGEST_KEY], **kept)

    def noted(self, key: str) -> str | None:
        """The message that something is about; None if that was not noted."""
        known = models.Outgoing.objects.filter(**self.mine, key=key[:_LONGEST_KEY])
        return known.values_list("thread", flat=True).first()

    def whisper(self, key: str, person: str, sentence: Sentence) -> None:
        """Have something said to one person alone, unless it was before."""
        self.put(key, self.language.say(sentence), person=person)

    def put(
        self,
        key: str,
        text: str,
        *,
        channel: str = "",
        person: str = "",
        thread: str = "",
        post: models.Post | None = None,
        action: str = "",
        ballot: str = "",
        since: datetime | None = None,
        files: Sequence[Enclosed] = (),
    ) -> None:
        """Have something sent, unless it was before.

        Args:
            key: what it is known by.
            text: in Markdown.
            channel: where; or
            person: to whom alone. Without either, in the main channel.
            thread: the message that it answers.
            post: what it is the card of; or, with a ballot, whose vote goes on with it.
            action: the action that is voted on by reacting to it, if one is.
            ballot: which of its ballots.
            since: when that vote opened.
            files: what goes with it.
        """
        values = {"channel": channel, "person": person, "thread": thread, "post": post}
        about = {"action": action, "ballot": ballot, "since": since}
        kept = {"text": text, "files": [one.kept() for one in files]}
        models.Outgoing.objects.get_or_create(
            **self.mine, key=key[:_LONGEST_KEY], defaults={**values, **about, **kept}
        )

    def send(
        self,
        deliver: Callable[[models.Outgoing], str],
        is_there: Callable[[], object],
        now: datetime,
    ) -> None:
        """Send what waits to be sent, as much as there is time for; the rest is next.

        Args:
            deliver: sends one, and returns the message that it became.
            is_there: asks the server for anything; raises `Unreachable` if it is away.
            now: the present instant, in UTC.
        """
        until = monotonic() + AT_MOST
        sent, self._sent = self._sent, 0
        waiting = models.Outgoing.objects.filter(**self.mine, sent="", pk__gt=sent)
        for one in waiting.order_by("id")[:_AT_ONCE]:
            if self._is_put_off(one, now):
                continue
            try:
                self._over(one, deliver(one))
            except Forbidden as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    raise
                self._put_it_off(one, error, now)
            except Unreachable as error:
                if error.wait is not None:
                    raise
                is_there()  # else it is not this one place
                self._put_it_off(one, error, now)
            except PASSING:
                raise
            except Exception as error:
                self._put_it_off(one, error, now)
            if monotonic() > until:
                self._sent = one.pk
                return

    def _is_put_off(self, one: models.Outgoing, now: datetime) -> bool:
        known = self.put_off.get(one.pk)
        return known is not None and now < known.until

    def _put_it_off(self, one: models.Outgoing, why: Exception, now: datetime) -> None:
        known = self.put_off.setdefault(one.pk, PutOff(0, now))
        known.times += 1
        known.until = now + timedelta(seconds=pause(known.times, longest=_LONGEST_PAUSE))
        if known.times == 1:  # once: it is tried many times
            fault = None if isinstance(why, PASSING) else why
            told = "%s: the chat does not take it (%s); it is tried again"
            log.warning(told, one.key, why, exc_info=fault)
        if known.times == _TRIES:
            log.warning("%s: the chat never took it: given up", one.key)
            self._over(one, _GIVEN_UP)

    def _over(self, one: models.Outgoing, sent: str) -> None:
        self.put_off.pop(one.pk, None)
        models.Outgoing.objects.filter(pk=one.pk).update(sent=sent, text="", files=[])
