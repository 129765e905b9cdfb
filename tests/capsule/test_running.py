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
from toutdoux.capsule.hosts import Capsule, Setup, keep, with_hosts, without

from .den import Den, Reader, served
from .serving import PATIENT, connect, shown

LOOKS_EVERY = 0.05
SELDOM = 1_000.0


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


def test_the_certificates_page_tells_what_is_shown(
    loutres: Living,  # noqa: F811
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(running, "_LOOKS_EVERY", SELDOM)  # what takes the place isn't taken up yet
    keep(setup(loutres))
    with served(loutres, tmp_path) as den:
        keys = setup(loutres).capsules[0].keys
        now = datetime.now(UTC)
        keys.prepare(made(("localhost",), now))
        keys.use_next(now)
        assert shown(den.port) in Reader(den.port).page("/certificate")


def setup(living: Living) -> Setup:
    capsules = (Capsule(association=living.slug, hosts=("localhost",)),)
    return Setup(capsules=capsules, bind="127.0.0.1", port=0)


def wait_until(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENT
    while not what():
        assert time.monotonic() < until
        time.sleep(LOOKS_EVERY)


def test_a_capsule_that_is_removed_is_served_no_longer(den: Den) -> None:
    port = den.port
    assert Reader(port).page("/")
    keep(without(setup(den.living), den.living.slug))
    wait_until(lambda: nobody_is_at(port))


def nobody_is_at(port: int) -> bool:
    try:
        connect(port).close()
    except OSError:
        return True
    return False


def test_a_host_that_is_removed_is_served_no_longer(den: Den) -> None:
    assert Reader(den.port).page("/")
    keep(with_hosts(setup(den.living), den.living.slug, ["other.example"]))
    wait_until(lambda: Reader(den.port).ask("/")[0] == 53)


def test_a_next_certificate_that_is_older_than_the_setup_is_taken_up(den: Den) -> None:
    keys = setup(den.living).capsules[0].keys
    now = datetime.now(UTC)
    coming = made(("localhost",), now)
    keys.prepare(coming)
    keep(setup(den.living))
    time.sleep(10 * LOOKS_EVERY)  # that the setup was written again has been seen
    keys.use_next(now)
    wait_until(lambda: shown(den.port) == coming.fingerprint)
