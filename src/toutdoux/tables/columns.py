"""Finding columns by their titles, whatever their case, accents and inclusive spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import unescape

from toutdoux.core.words import Refusal, Sentence, say

Synonyms = Mapping[str, Sequence[str | re.Pattern[str]]]
"""For each field the titles it goes by, folded, or a pattern of them; the ones before win over the
ones after."""


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
        name = next((title for name in names for title in _titled(name, places)), None)
        if name is None:
            continue
        if len(places[name]) > 1:
            raise Refusal(
                say("there are two columns “{title}”", title=titles[places[name][1]]),
                say("give one of them another title"),
            )
        found[field] = places[name][0]
    return found


def _titled(name: str | re.Pattern[str], titles: Collection[str]) -> list[str]:
    if isinstance(name, str):
        return [name] if name in titles else []
    return [title for title in titles if name.fullmatch(title)]


def fields_by_title(synonyms: Synonyms) -> dict[str, str]:
    """The field that each folded title stands for, but for patterns of titles."""
    return {
        title: field
        for field, titles in synonyms.items()
        for title in titles
        if isinstance(title, str)
    }


def ignored(titles: Sequence[str], columns: Mapping[str, int]) -> Iterator[str]:
    """The titles of the columns that hold no field."""
    read = set(columns.values())
    return (title for place, title in enumerate(titles) if title and place not in read)


def note_on_ignored(titles: Iterable[str]) -> Iterator[Sentence]:
    """A word on columns that were passed over, if there were any; each title once."""
    told = [*dict.fromkeys(titles)]
    if told:
        yield say("columns that were not read: {titles}", titles=listed(told))


def listed(titles: Sequence[str]) -> str:
    """The titles for a message."""
    return ", ".join(title[:60] for title in titles if title)
