from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.capsule.fediverse.instance import StandIn


@pytest.fixture
def instance() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.stop()
