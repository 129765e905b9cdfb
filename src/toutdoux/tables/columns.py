"""Finding columns by their titles, whatever their case, accents and inclusive spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import unescape

from toutdoux.core.words import Refusal, say

Synonyms = Mapping[str, Sequence[str]]
"""For each field the titles it goes by, folded; the ones before win over the ones after."""


@lru_cache(maxsize=4096)  # every row is held against the titles
def folded(title: str) -> str:
    """`Meneur·se` and `MENEUR(SE)` are `meneur se`, `Date d’échéance :` is `date d echeance`."""
    if title.strip() == "#":
        return "#"
    plain = unicodedata.normalize("NFKD", unescape(title)).casefold()
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.sub(r"[\W_]+", " ", plain).strip()


def find_columns(titles: Sequence[str], synonyms: Synonyms) -> dict[str, int]:
    """The place of each field's column. Raises `Refusal` for a title that is there twice."""
    places: dict[str, list[int]] = {}
    for place, title in enumerate(titles):
        places.setdefault(folded(title), []).append(place)
    found = {}
    for field, names in synonyms.items():
        name = next((name for name in names if name in places), None)
        if name is None:
            continue
        if len(places[name]) > 1:
            raise Refusal(
                say("there are two columns “{title}”", title=titles[places[name][1]]),
                say("give one of them another title"),
            )
        found[field] = places[name][0]
    return found


def fields_by_title(synonyms: Synonyms) -> dict[str, str]:
    """The field that each folded title stands for."""
    return {title: field for field, titles in synonyms.items() for title in titles}


def listed(titles: Sequence[str]) -> str:
    """The titles for a message."""
    return ", ".join(title[:60] for title in titles if title)
