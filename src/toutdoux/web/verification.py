"""Verifying ledgers: when somebody asks for it, and once a day by itself.

A short ledger is verified where one stands; a long one by the command line in a process of its own,
so that the pages keep their processor.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import datetime, timedelta
from threading import Lock, Thread

import orjson
from django.db import close_old_connections

from toutdoux.actions.verifying import verify_association
from toutdoux.association.models import Association
from toutdoux.core.chain import Broken
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language
from toutdoux.ledger.models import Ledger

from .models import Verified

SHORT = 10_000
"""Up to how many entries a ledger is verified while somebody waits: less than a second."""
LEAST = timedelta(minutes=1)
"""How long one waits before an association's ledger is verified again."""
_AGAIN = timedelta(minutes=10)
"""When it is tried again by itself, where it could not be finished."""
_SECONDS = 3600
"""How long a long one may take."""

log = logging.getLogger("toutdoux")

_lock = Lock()
_begun: dict[str, datetime] = {}
"""When a verification was last begun in this process, by association."""
_running: set[str] = set()


def verify_now(association: str, now: datetime) -> Verified:
    """Verify an association's ledger and tables, and keep what was found.

    Raises:
        Refusal: it could not be finished.
    """
    row = Association.objects.select_related("ledger").get(pk=association)
    ledger = row.ledger
    problem = _problem_of(row) if ledger.length <= SHORT else _problem_elsewhere(row)
    if problem:
        log.error("the ledger of %s is not whole: %s", row.slug, problem)
    found = {
        "at": now,
        "length": ledger.length,
        "head": ledger.head,
        "problem": problem[:300],
    }
    return Verified.objects.update_or_create(association=row, defaults=found)[0]


def _problem_of(association: Association) -> str:
    """What differs, in the association's language; nothing if it is whole."""
    try:
        verify_association(association.pk)
    except Broken as broken:
        return Language(association.language).say(_in_words(broken))
    return ""


def _in_words(broken: Broken) -> Sentence:
    if broken.seq:
        return say("entry {seq} differs: {why}", seq=broken.seq, why=broken.why)
    return broken.why


def _problem_elsewhere(association: Association) -> str:
    """The same, by another process."""
    locale = "en_US.UTF-8" if association.language == "en" else "fr_FR.UTF-8"
    command = ["-m", "toutdoux", "verify", "--association", association.slug, "--format", "json"]
    try:
        done = subprocess.run(
            [sys.executable, *command],
            env={**os.environ, "LC_ALL": locale},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
        (found,) = orjson.loads(done.stdout)
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        log.warning("a verification was not finished: %s", error)
        raise Refusal(
            say("the verification could not be finished"),
            say("try again later, or run toutdoux verify on the server"),
        ) from None
    return "" if found["whole"] else str(found["why"])


def is_running(association: str) -> bool:
    return association in _running


def begin(association: str, now: datetime, *, wait: timedelta = LEAST) -> bool:
    """Verify a ledger now, or in the background if it is long.

    Returns:
        Whether it is done already.

    Raises:
        Refusal: it was begun less than `wait` ago, or it could not be finished.
    """
    length = Ledger.objects.values_list("length", flat=True).get(id=association)
    with _lock:
        before = _begun.get(association)
        if association in _running or (before is not None and now - before < wait):
            raise Refusal(
                say("it was verified, or begun to be, less than {time} ago", time=wait),
                say("wait a moment, and look at this page again"),
            )
        _begun[association] = now
        _running.add(association)
    if length <= SHORT:
        _run(association, now)
        return True
    Thread(target=_run_apart, args=(association, now), daemon=True).start()
    return False


def _run(association: str, now: datetime) -> None:
    try:
        verify_now(association, now)
    finally:
        _running.discard(association)


def _run_apart(association: str, now: datetime) -> None:
    try:
        _run(association, now)
    except Refusal:
        pass  # it was logged, and is tried again
    except Exception:
        log.exception("a verification met a fault")
    finally:
        close_old_connections()


def verify_nightly(now: datetime, every: timedelta) -> None:
    """Verify a ledger that was not verified for so long, if there is one: one a look, the shortest
    first, so that what else is due does not wait."""
    lately = Verified.objects.filter(at__gt=now - every).values("association_id")
    due = Ledger.objects.filter(length__gt=0).exclude(id__in=lately).order_by("length")
    for id in due.values_list("id", flat=True)[:50]:
        try:
            begin(id, now, wait=_AGAIN)
        except Refusal:
            continue  # it runs, or was tried a moment ago
        return
