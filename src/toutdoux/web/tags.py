"""The tags that an action begins with: the hashtags of its object, whoever wrote it and where.

They follow the ledger: what goes through this process is tagged with its entry; what the command
line wrote, and what was there before all this, at the clock's next look.
"""

from __future__ import annotations

import re

import orjson
from django.db.models import Exists, OuterRef

from toutdoux.actions import reading
from toutdoux.core.chain import Body
from toutdoux.ledger import book
from toutdoux.ledger.book import Writer, projects
from toutdoux.ledger.models import Ledger
from toutdoux.tables.inventory import kinds_of_hashtags

from .looks import apart
from .models import Tag, Tagged

LONGEST = 40
"""Characters of a tag."""
_MOST = 20
_HASHTAG = re.compile(r"(?<![\w#&/])#([^\W\d_][\w-]*\w)")
_SAY_AN_OBJECT = ("action.proposed", "action.amended", "action.imported")
_QUICKLY = re.compile("|".join(map(re.escape, _SAY_AN_OBJECT)).encode())
"""Nearly all entries are votes: they need not be read."""


def hashtags(object: str) -> list[str]:
    """The hashtags of an object, once each, but those that only say which kind it is."""
    found = {
        word.casefold(): word
        for word in reversed(_HASHTAG.findall(object))
        if len(word) <= LONGEST and not kinds_of_hashtags(f"#{word}")
    }
    return [*reversed(found.values())][:_MOST]


def gather() -> None:
    """Tag what the ledgers have told since they were last looked at."""
    read = Tagged.objects.filter(association=OuterRef("pk"), seq__gte=OuterRef("length"))
    behind = Ledger.objects.filter(~Exists(read), association__isnull=False)
    for id, slug in behind.values_list("id", "association__slug"):
        with apart(f"the hashtags of {slug}"):
            catch_up(id)


def catch_up(association: str) -> None:
    """Give actions the hashtags of the objects that were told since the last time, each once: what
    members took away since does not come back."""
    tagged, _ = Tagged.objects.get_or_create(association_id=association)
    told: list[Body] = []
    last = tagged.seq
    for seq, body, _ in book.rows(association, tagged.seq + 1):
        last = seq
        if _QUICKLY.search(body):
            entry = orjson.loads(body)
            if entry["kind"] in _SAY_AN_OBJECT:
                told.append(entry["data"])
    texts = reading.texts_of(data["texts"]["object"] for data in told)
    Tag.objects.bulk_create(
        (
            Tag(association_id=association, action=data["action"], word=word)
            for data in told
            for word in hashtags(texts.get(data["texts"]["object"], ""))
        ),
        ignore_conflicts=True,
        batch_size=500,
    )
    Tagged.objects.filter(pk=association, seq__lt=last).update(seq=last)


@projects(*_SAY_AN_OBJECT)
def _tag(writer: Writer, entry: Body) -> None:
    catch_up(writer.id)
