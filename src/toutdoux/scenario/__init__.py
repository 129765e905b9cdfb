"""Scenario files: a history told in YAML. The format is documented in `docs/scenario.md`."""

from .errors import ScenarioError
from .reader import (
    Scenario,
    load_scenario,
    read_charter_file,
    read_entry_file,
    read_scenario,
)

__all__ = [
    "Scenario",
    "ScenarioError",
    "load_scenario",
    "read_charter_file",
    "read_entry_file",
    "read_scenario",
]
