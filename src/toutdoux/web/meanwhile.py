"""Two who change the same thing at once: the second is told, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import transaction

from toutdoux.core.words import Refusal, say
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger

from .door import Visit


@contextmanager
def one_at_a_time(visit: Visit, was: str, now_is: Callable[[], str]) -> Iterator[None]:
    """Change something if it still is what somebody saw; meanwhile nobody else changes it.

    Args:
        visit: who changes it. What the same form did already is done again by its command, which
            then changes nothing.
        was: the version that they saw.
        now_is: says which version it is now.

    Raises:
        Refusal: it is another one.
    """
    with transaction.atomic():
        Ledger.objects.select_for_update().get(id=visit.id)
        key = visit.asks().key
        if now_is() != was and (key is None or book.answer_to(visit.id, key) is None):
            raise Refusal(
                say("somebody else changed this meanwhile"),
                say("compare with what it says now, below, then save what should stand"),
            )
        yield
