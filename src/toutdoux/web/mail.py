"""Letters that wait in a table, and how they are sent: once each, in the order they were written.

A server that is away, or that refuses for now, is tried again later and later; an address that it
refuses for good is given up. Neither keeps the other letters waiting.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import formataddr
from threading import Event

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.utils import timezone

from .models import Letter

AT_ONCE = 100
_WAITS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 1440, 1440)
)
"""How long to wait after each try that failed; after the last it is given up."""

_NOTHING = {"subject": "", "text": "", "html": "", "headers": {}}
"""What is kept of what a letter said, once it is sent or given up."""

_SMTP = "django.core.mail.backends.smtp.EmailBackend"
_BREAKS = re.compile(r"[\r\n]+")


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


def send_due(now: datetime, stopping: Event | None = None) -> int:
    """Send the letters that are due. Returns how many were taken.

    Args:
        now: the present instant, in UTC.
        stopping: asked between two letters.
    """
    if not settings.MAIL_IS_SENT:
        return 0
    due = Letter.objects.filter(due__lte=now, sent__isnull=True, refused__isnull=True)
    letters = list(due.order_by("due", "id")[:AT_ONCE])
    if not letters:
        return 0
    sent = 0
    server = get_connection(_SMTP)
    try:
        for letter in letters:
            if stopping is not None and stopping.is_set():
                break
            if _claimed(letter, now):
                sent += _send(letter, server, now)
    finally:
        server.close()
    return sent


def _claimed(letter: Letter, now: datetime) -> bool:
    """Whether it is ours to send: of two that look at once, one. What crashes half way is due
    again after a while."""
    wait = _WAITS[min(letter.tries, len(_WAITS) - 1)]
    mine = Letter.objects.filter(pk=letter.pk, due=letter.due, sent__isnull=True)
    return mine.update(due=now + wait, tries=F("tries") + 1) == 1


def _send(letter: Letter, server: BaseEmailBackend, now: datetime) -> int:
    try:
        server.open()
        server.send_messages([_message(letter, server)])
    except smtplib.SMTPRecipientsRefused as error:
        code = max((code for code, _ in error.recipients.values()), default=0)
        _failed(letter, now, error, for_good=500 <= code < 600)
    except smtplib.SMTPSenderRefused as error:
        _failed(letter, now, error, for_good=500 <= error.smtp_code < 600)
    except smtplib.SMTPDataError as error:
        _failed(letter, now, error, for_good=500 <= error.smtp_code < 600)
    except (smtplib.SMTPException, OSError) as error:
        server.close()
        _failed(letter, now, error, for_good=letter.tries + 1 >= len(_WAITS))
    else:
        Letter.objects.filter(pk=letter.pk).update(sent=now, error="", **_NOTHING)
        return 1
    return 0


def _failed(letter: Letter, now: datetime, error: Exception, *, for_good: bool) -> None:
    changes: dict[str, object] = {"error": _BREAKS.sub(" ", str(error))[:300]}
    if for_good:
        changes |= {"refused": now, **_NOTHING}
    Letter.objects.filter(pk=letter.pk).update(**changes)


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
