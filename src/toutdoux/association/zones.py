"""Time zones by the names that people give them."""

from __future__ import annotations

import zoneinfo
from difflib import get_close_matches

from toutdoux.core.words import Refusal, say


def zones() -> set[str]:
    """The time zones of the tzdata package alone, so that every machine knows the same."""
    zoneinfo.reset_tzpath(())
    return zoneinfo.available_timezones()


def place_zones() -> list[str]:
    """The time zones that places are named after, and UTC."""
    return [*sorted(zone for zone in zones() if "/" in zone and not zone.startswith("Etc/")), "UTC"]


def zone_called(text: str) -> str:
    """A time zone's name as it is written, whatever the case it is given in.

    Raises `Refusal` if there is none of this name, with the closest one.
    """
    known = {zone.casefold(): zone for zone in zones()}
    asked = text.strip().casefold().replace(" ", "_")
    if asked in known:
        return known[asked]
    # A city alone is how people name their zone.
    cities = {zone.rpartition("/")[2]: zone for zone in sorted(known, reverse=True)}
    close = get_close_matches(asked, known, 1, 0.6)
    city = get_close_matches(asked.rpartition("/")[2], cities, 1, 0.7)
    found = known[close[0]] if close else known[cities[city[0]]] if city else None
    raise Refusal(
        say("there is no time zone “{text}”", text=text),
        say("did you mean {name}?", name=found)
        if found
        else say("use a name such as Europe/Paris"),
    )
