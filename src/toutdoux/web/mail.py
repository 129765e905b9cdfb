"""Letters that wait in a table, and how they are sent: once each, in the order they were written.

What a server does not take is tried again later and later, and given up in the end; an address that
it refuses for good is given up at once. Neither keeps the other letters waiting. A server that is
away, or that does not know us, is left alone for a moment.
"""

from __future__ import annotations

import logging
import re
import smtplib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import formataddr
from threading import Event

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F, QuerySet
from django.utils import timezone

from toutdoux.actions.commands import is_email

from .looks import going_on_from
from .models import Letter

AT_ONCE = 100
_ROUND = timedelta(seconds=20)
"""For how long letters are sent before the clock's other steps have their turn."""
_CLAIM = timedelta(minutes=15)
"""How long a letter is its sender's: longer than the slowest server takes over one, which is
`EMAIL_TIMEOUT` for each of a dozen lines."""
_WAITS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 1440, 1440)
)
"""How long to wait after each try that failed; after the last it is given up."""

_NOTHING = {"subject": "", "text": "", "html": "", "headers": {}}
"""What is kept of what a letter said, once it is sent or given up."""

_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_BREAKS = re.compile(r"[\r\n]+")

log = logging.getLogger("toutdoux")


def post(
    to: str,
    subject: str,
    text: str,
    now: datetime,
    *,
    html: str = "",
    headers: Mapping[str, str] | None = None,
) -> Letter:
    """Put a letter in the queue; it is sent by the clock."""
    return Letter.objects.create(
        to=to,
        subject=_BREAKS.sub(" ", subject)[:300],
        text=text,
        html=html,
        headers=dict(headers or {}),
        made=now,
        due=now,
    )


class _Away(Exception):
    """The server takes no letters at the moment, from anybody or from us."""


def send_due(now: datetime, stopping: Event | None = None) -> int:
    """Send the letters that are due. Returns how many were taken.

    Args:
        now: the present instant, in UTC.
        stopping: asked between two letters.
    """
    if not settings.MAIL_IS_SENT:
        return 0
    letters = list(_waiting(now).order_by("due", "id")[:AT_ONCE])
    if not letters:
        return 0
    clock = going_on_from(now)
    sent = 0
    server = get_connection(_SMTP)
    try:
        for letter in letters:
            if clock() - now > _ROUND or (stopping is not None and stopping.is_set()):
                break
            if _claimed(letter, clock()):
                error = _try(letter, server)
                _note(letter, error, clock())
                sent += error is None
    except _Away as error:
        log.warning("the mail server takes no letters, and is asked again soon: %s", error)
        # To wait for it with each of them would keep everything else waiting.
        _waiting(clock()).update(due=clock() + _WAITS[0])
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.close()
    return sent


def _waiting(now: datetime) -> QuerySet[Letter]:
    return Letter.objects.filter(due__lte=now, sent__isnull=True, refused__isnull=True)


def _claimed(letter: Letter, now: datetime) -> bool:
    """Whether it is ours to send: of two that look at once, one. What crashes half way is due
    again after a while."""
    mine = _waiting(now).filter(pk=letter.pk, due=letter.due)
    return mine.update(due=now + _CLAIM, tries=F("tries") + 1) == 1


def _try(letter: Letter, server: BaseEmailBackend) -> Exception | None:
    """Send a letter. Returns what went wrong, if something did."""
    try:
        server.open()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        return _Away(error)
    try:
        server.send_messages([_message(letter, server)])
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError) as error:
        # About this letter. The server may have hung up after it.
        with suppress(smtplib.SMTPException, OSError):
            server.close()
        return error
    except (smtplib.SMTPException, OSError) as error:
        return _Away(error)
    except Exception as error:
        # No letter can be made of it; whatever it is, the others go on.
        log.warning("letter %s could not be made: %r", letter.pk, error)
        return error
    return None


def _note(letter: Letter, error: Exception | None, now: datetime) -> None:
    """Write down what became of a letter that was tried. Raises `_Away` again."""
    changes: dict[str, object]
    if error is None:
        changes = {"sent": now, "error": "", **_NOTHING}
    else:
        changes = {"error": _BREAKS.sub(" ", str(error))[:300]}
        if _is_for_good(letter, error) or letter.tries >= len(_WAITS):
            changes |= {"refused": now, **_NOTHING}
        else:
            changes["due"] = now + _WAITS[letter.tries]
    Letter.objects.filter(pk=letter.pk).update(**changes)
    if isinstance(error, _Away):
        raise error


def _is_for_good(letter: Letter, error: Exception) -> bool:
    """Whether it is the address that is wrong: all else may be mended, here or there."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _ in error.recipients.values())
    return isinstance(error, ValueError) and not is_email(letter.to)


def _message(letter: Letter, server: BaseEmailBackend) -> EmailMessage:
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
    message = EmailMultiAlternatives(
        letter.subject,
        letter.text,
        formataddr(("Tout-Doux", settings.DEFAULT_FROM_EMAIL)),
        [letter.to],
        connection=server,
        # The same on every try, so that a server that took it twice can tell.
        headers={
            "Message-ID": f"<toutdoux-{letter.pk}-{int(letter.made.timestamp())}@{domain}>",
            "Auto-Submitted": "auto-generated",
            **letter.headers,
        },
    )
    if letter.html:
        message.attach_alternative(letter.html, "text/html")
    return message


class QueueBackend(BaseEmailBackend):
    """What Django's own parts send goes through the same queue."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        now = timezone.now()
        for message in email_messages:
            html = next(
                (
                    str(text)
                    for text, kind in getattr(message, "alternatives", ())
                    if kind == "text/html"
                ),
                "",
            )
            for to in message.recipients():
                post(to, str(message.subject), str(message.body), now, html=html)
        return len(email_messages)
