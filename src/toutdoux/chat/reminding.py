"""What the bot says of its own accord: who has not voted yet, and once a week what there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from toutdoux.actions import searching
from toutdoux.core.action import Action, Ballot
from toutdoux.core.history import UNFINISHED, BallotName
from toutdoux.core.replay import Standing
from toutdoux.core.voters import decides, open_ballots, roll_of
from toutdoux.core.words import Sentence, say, say_n

from . import models
from .asking import until
from .place import Place
from .saying import in_short

BEFORE = timedelta(hours=24)
"""How long before a ballot closes those whose vote is missing are reminded."""

_LEFT = (searching.LEADERLESS, *UNFINISHED)
_SHOWN = 15


def remind(place: Place, now: datetime) -> None:
    """Remind whoever has to be, at the hours of the day that the association chose; each once."""
    local = now.astimezone(place.language.zone)
    first, last = place.habits.waking
    if not first <= local.hour < last:
        return
    refs = searching.open_refs(place.association.pk, now, decided=False)
    standing = place.standing(refs, now)
    voted_on = [
        (action, name, ballot, closes_at)
        for action in standing.actions.values()
        for name, ballot, closes_at in open_ballots(action, now)
        if decides(action, name)
    ]
    _remind_voters(place, standing, voted_on, now)
    if local.weekday() == 0:
        _tell_the_week(place, voted_on, now, local)


Voted = tuple[Action, BallotName, Ballot, datetime]
"""A ballot that decides something, with its action and its end."""


def _tell_the_week(place: Place, voted_on: list[Voted], now: datetime, local: datetime) -> None:
    year, week, _ = local.isocalendar()
    key = f"digest {year} {week}"
    if place.outbox.holds(key):
        return
    lines = list(_digest(place, voted_on, now))
    if lines:
        place.outbox.put(key, "\n".join(lines), channel=place.where())


def _remind_voters(place: Place, standing: Standing, voted_on: list[Voted], now: datetime) -> None:
    soon = [one for one in voted_on if one[3] - now <= BEFORE]
    if not soon:
        return
    standing.members.values()  # all of them at once: the roll is made of them
    accounts = models.Account.objects.filter(**place.mine).values_list("member_id", "person")
    persons = dict(accounts)
    for action, name, ballot, closes_at in soon:
        for member in roll_of(standing, action):
            if member.id in persons and member.id not in ballot.votes:
                place.outbox.whisper(
                    f"reminder {action.ref} {name} {closes_at:%Y%m%d%H%M} {member.id}",
                    persons[member.id],
                    _missing(place, action, name, closes_at),
                )


def _missing(place: Place, action: Action, name: BallotName, closes_at: datetime) -> Sentence:
    told = {
        "ref": action.ref,
        "object": in_short(action.object),
        "at": place.language.with_weekday(closes_at),
    }
    if name is BallotName.COUNTER_VOTE:
        return say(
            "Your vote is missing on cancelling {ref} ({object}): it is open until {at}.", **told
        )
    return say("Your vote is missing on {ref} ({object}): it is open until {at}.", **told)


def _digest(place: Place, voted_on: list[Voted], now: datetime) -> Iterator[str]:
    """What there is to vote on and to do; nothing where there is neither."""
    language = place.language
    if voted_on:
        yield language.say(say_n("**{n} vote is open**", "**{n} votes are open**", len(voted_on)))
    for action, name, _, closes_at in voted_on[:_SHOWN]:
        told = language.say(until(language, name, closes_at))
        yield f"- **{action.ref}** {language.value(in_short(action.object))} — {told}"
    parts = searching.board(place.association.pk, now, language.word("(erased)"), many=1)
    left = sum(parts[one].count for one in _LEFT if one in parts)
    if left:
        yield language.say(
            say_n("{n} adopted action is to do.", "{n} adopted actions are to do.", left)
        )
