"""The charter that is in force."""

from __future__ import annotations

from datetime import datetime

from toutdoux.core.history import CharterVersion

from . import people


def versions(association: str, at: datetime) -> list[CharterVersion]:
    """The versions of an association's charter up to the one that is in force at an instant."""
    known = people.charters(association)
    return [one for one in known if one.since is None or one.since <= at]


def in_force(association: str, at: datetime) -> CharterVersion:
    """The version of an association's charter that is in force at an instant."""
    return versions(association, at)[-1]
