"""Charters as somebody names them: a preset, or rules that they wrote; and the one in force."""

from __future__ import annotations

from datetime import datetime

from toutdoux.core.charter import Charter, read_charter
from toutdoux.core.charter_in_words import changed_rules
from toutdoux.core.history import CharterVersion
from toutdoux.core.presets import PRESETS
from toutdoux.core.words import Refusal, say

from . import people


def charter_told(text: str) -> Charter:
    """The charter of a preset's name, or of rules in YAML (as `docs/scenario.md` tells them).

    Raises:
        Refusal: there is no such preset.
        ScenarioError: what is wrong in the rules, with its line.
    """
    name = text.strip()
    if name in PRESETS:
        return read_charter(name)
    if ":" not in name:
        raise Refusal(
            say("there is no preset charter “{name}”", name=name[:60]),
            say("use one of {names}, or rules of your own", names=", ".join(PRESETS)),
        )
    from toutdoux.scenario import read_charter_text

    return read_charter_text(text)


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
