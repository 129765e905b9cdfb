"""Charters as somebody names them: a preset, or rules that they wrote; and the one in force."""

from __future__ import annotations

from datetime import datetime

from toutdoux.core.charter import Charter
from toutdoux.core.charter_in_words import changed_rules
from toutdoux.core.history import CharterVersion
from toutdoux.core.words import Refusal, say

from . import people


def in_force(association: str, at: datetime) -> CharterVersion:
    """The version of an association's charter that is in force at an instant."""
    versions = people.charters(association)
    return [one for one in versions if one.since is None or one.since <= at][-1]


def check_other(association: str, rules: Charter, at: datetime) -> None:
    """Refuse rules that are in force already."""
    if not changed_rules(in_force(association, at).charter, rules):
        raise Refusal(
            say("these are the rules that are in force"),
            say("see them with toutdoux charter show, and propose others"),
        )
