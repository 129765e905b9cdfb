from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.conftest import Living, loutres  # noqa: F401  a fixture

from .den import Den, served


@pytest.fixture
def den(loutres: Living, home: Path, tmp_path: Path) -> Iterator[Den]:  # noqa: F811
    """The capsule of the otters, and who reads it."""
    with served(loutres, tmp_path) as den:
        yield den
