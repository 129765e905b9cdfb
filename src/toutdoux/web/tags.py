"""The tags that an action begins with: the hashtags of its object."""

from __future__ import annotations

import re

from toutdoux.tables.inventory import kinds_of_hashtags

from .models import Tag

LONGEST = 40
"""Characters of a tag."""
_MOST = 20
_HASHTAG = re.compile(r"(?<![\w#&/])#([^\W\d_][\w-]*\w)")


def hashtags(object: str) -> list[str]:
    """The hashtags of an object, once each, but those that only say which kind it is."""
    found = {
        word.casefold(): word
        for word in reversed(_HASHTAG.findall(object))
        if len(word) <= LONGEST and not kinds_of_hashtags(f"#{word}")
    }
    return [*reversed(found.values())][:_MOST]


def tag(association: str, ref: str, object: str) -> None:
    """Give an action that was just proposed the hashtags of its object; anyone changes them."""
    rows = [Tag(association_id=association, action=ref, word=word) for word in hashtags(object)]
    Tag.objects.bulk_create(rows, ignore_conflicts=True)
