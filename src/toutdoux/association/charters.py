"""The charter that is in force."""

from __future__ import annotations

from datetime import datetime

from toutdoux.core.history import CharterVersion

from . import people


def in_force(association: str, at: datetime) -> CharterVersion:
    """The version of an association's charter that is in force at an instant."""
    versions = people.charters(association)
    return [one for one in versions if one.since is None or one.since <= at][-1]
