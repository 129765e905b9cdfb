"""What changes while the capsule is served is taken up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.web.conftest import Living, loutres  # noqa: F401  a fixture
from toutdoux.capsule import running
from toutdoux.capsule.certificate import made
from toutdoux.capsule.hosts import Capsule, Setup, keep

from .den import Den, served
from .serving import PATIENT, shown

LOOKS_EVERY = 0.05


@pytest.fixture
def den(
    loutres: Living,  # noqa: F811
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Den]:
    """A capsule that was set up, and that looks again and again at what changed."""
    monkeypatch.setattr(running, "_LOOKS_EVERY", LOOKS_EVERY)
    keep(setup(loutres))
    with served(loutres, tmp_path) as den:
        yield den


def setup(living: Living) -> Setup:
    capsules = (Capsule(association=living.slug, hosts=("localhost",)),)
    return Setup(capsules=capsules, bind="127.0.0.1", port=0)


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENT
    while not what():
        assert time.monotonic() < until
        time.sleep(LOOKS_EVERY)


def test_a_next_certificate_that_is_older_than_the_setup_is_taken_up(den: Den) -> None:
    keys = setup(den.living).capsules[0].keys
    now = datetime.now(UTC)
    coming = made(("localhost",), now)
    keys.prepare(coming)
    keep(setup(den.living))
    time.sleep(10 * LOOKS_EVERY)  # that the setup was written again has been seen
    keys.use_next(now)
    wait_until(lambda: shown(den.port) == coming.fingerprint)
