"""What the bot has to say: kept until it was sent, and sent once.

What the server refuses in one place stops nothing elsewhere. It is tried again, ever more rarely,
and given up after a day.
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
from .http import pause
from .system import Enclosed, Forbidden, Unreachable

log = logging.getLogger("toutdoux")

AT_MOST = 1.0
"""Seconds in which cards are edited, or messages sent, before people are listened to again."""

_AT_ONCE = 500
_LONGEST_PAUSE = timedelta(minutes=10)
_GIVEN_UP_AFTER = timedelta(days=1)
_GIVEN_UP = "given up"
_LONGEST_KEY = 120


@dataclass(slots=True)
class _PutOff:
    """Something the server did not take."""

    since: datetime
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
        self._put_off: dict[int, _PutOff] = {}

    @property
    def is_sending(self) -> bool:
        """Whether there is more to be sent than there was time for."""
        return self._sent > 0

    def holds(self, key: str) -> bool:
        """Whether something was sent, or waits to be."""
        return models.Outgoing.objects.filter(**self.mine, key=key[:_LONGEST_KEY]).exists()

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
            person: to whom alone.
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

    def send(self, deliver: Callable[[models.Outgoing], str], now: datetime) -> None:
        """Send what waits to be sent, as much as there is time for; the rest is next.

        Args:
            deliver: sends one, and returns the message that it became.
            now: the present instant, in UTC.
        """
        until = monotonic() + AT_MOST
        away: Unreachable | None = None
        waiting = models.Outgoing.objects.filter(**self.mine, sent="", pk__gt=self._sent)
        for one in waiting.order_by("id")[:_AT_ONCE]:
            self._sent = one.pk
            if self._is_put_off(one, now):
                continue
            try:
                self._over(one, deliver(one))
                away = None
            except Forbidden as error:
                if error.status == HTTPStatus.UNAUTHORIZED:
                    raise
                self._put_it_off(one, error, now)
                if now - self._put_off[one.pk].since > _GIVEN_UP_AFTER:
                    log.warning("%s: the chat did not take it for a day: given up", one.key)
                    self._over(one, _GIVEN_UP)
            except Unreachable as error:
                # In one place it may be that place; the next one tells whether it is the server.
                if away is not None or error.wait is not None:
                    self._sent = 0
                    raise
                away = error
                self._put_it_off(one, error, now)
            if monotonic() > until:
                return
        self._sent = 0

    def _is_put_off(self, one: models.Outgoing, now: datetime) -> bool:
        known = self._put_off.get(one.pk)
        return known is not None and now < known.until

    def _put_it_off(self, one: models.Outgoing, why: Exception, now: datetime) -> None:
        known = self._put_off.setdefault(one.pk, _PutOff(now, 0, now))
        known.times += 1
        known.until = now + min(timedelta(seconds=pause(known.times)), _LONGEST_PAUSE)
        if known.times == 1:  # once: it is tried many times
            log.warning("%s: the chat does not take it (%s); it is tried again", one.key, why)

    def _over(self, one: models.Outgoing, sent: str) -> None:
        self._put_off.pop(one.pk, None)
        models.Outgoing.objects.filter(pk=one.pk).update(sent=sent, text="", files=[])
