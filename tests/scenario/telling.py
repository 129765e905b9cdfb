"""Small scenarios to read, and what went wrong in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from toutdoux.core.replay import Standing
from toutdoux.scenario import Scenario, ScenarioError, read_scenario

THREE = """\
members:
  - {id: ana, name: Ana Brun, joined: 2020-01-01, founder: true}
  - {id: bob, name: Bob Leroy, joined: 2020-01-01, founder: true}
  - {id: eva, name: Eva Petit, joined: 2020-01-01, founder: true}
"""
"""Three founders: two votes for are more than half of the roll, two against at least half."""

MARK = "# wrong"
"""Stands at the end of the line that an error is to name."""

END = datetime(2030, 1, 1, tzinfo=UTC)


def read(text: str) -> Scenario:
    return read_scenario(text, "history.yaml")


def judged(text: str, at: datetime = END) -> Standing:
    return read(text).judge(at)


def refused(text: str, at: datetime = END) -> ScenarioError:
    """What is said of a scenario that makes no sense, be it when reading or when judging."""
    with pytest.raises(ScenarioError) as caught:
        judged(text, at)
    return caught.value


def marked_line(text: str) -> int:
    """The line, counted from 1, that ends in the mark."""
    (line,) = [n for n, one in enumerate(text.splitlines(), 1) if one.rstrip().endswith(MARK)]
    return line
