"""What the bot says of its own accord: who has not voted yet, and once a week what there is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from toutdoux.actions import searching
from toutdoux.actions.models import Action
from toutdoux.core.history import UNFINISHED, State
from toutdoux.core.replay import Standing
from toutdoux.core.voters import open_ballots, roll_of
from toutdoux.core.words import say, say_n

from . import models
from .saying import in_short

if TYPE_CHECKING:
    from .brain import Brain

BEFORE = timedelta(hours=24)
"""How long before a ballot closes those whose vote is missing are reminded."""

_SHOWN = 15


def remind(brain: Brain, now: datetime) -> None:
    """Remind whoever has to be, at the hours of the day that the association chose; each once."""
    local = now.astimezone(brain.language.zone)
    first, last = brain.habits.waking
    if not first <= local.hour < last:
        return
    refs = searching.open_refs(brain.association.pk, now)
    if not refs:
        return
    standing = brain.standing(refs, now)
    _remind_voters(brain, standing, now)
    if local.weekday() == 0:
        year, week, _ = local.isocalendar()
        channel = brain.main_channel
        text = "\n".join(_digest(brain, standing))
        brain.wait(f"digest {year} {week}", text, channel=channel)


def _remind_voters(brain: Brain, standing: Standing, now: datetime) -> None:
    soon = [
        (action, name, ballot, closes_at)
        for action in standing.actions.values()
        for name, ballot, closes_at in open_ballots(action, now)
        if closes_at - now <= BEFORE
    ]
    if not soon:
        return
    standing.members.values()  # all of them at once: the roll is made of them
    accounts = models.Account.objects.filter(**brain.mine).values_list("member_id", "person")
    persons = dict(accounts)
    for action, name, ballot, closes_at in soon:
        for member in roll_of(standing, action):
            if member.id in persons and member.id not in ballot.votes:
                brain.whisper(
                    f"reminder {action.ref} {name} {closes_at:%Y%m%d%H%M} {member.id}",
                    persons[member.id],
                    say(
                        "Your vote is missing on {ref} ({object}): it is open until {at}.",
                        ref=action.ref,
                        object=in_short(action.object),
                        at=brain.language.with_weekday(closes_at),
                    ),
                )


def _digest(brain: Brain, standing: Standing) -> Iterator[str]:
    language = brain.language
    yield language.say(
        say_n("**{n} vote is open**", "**{n} votes are open**", len(standing.actions))
    )
    for action in list(standing.actions.values())[:_SHOWN]:
        until = language.say(say("until {at}", at=language.with_weekday(action.closes_at)))
        yield f"- **{action.ref}** {in_short(action.object)} — {until}"
    left = Action.objects.filter(
        association=brain.association, state=State.ADOPTED, followed_up__in=UNFINISHED
    ).count()
    if left:
        yield language.say(
            say_n("{n} adopted action is to do.", "{n} adopted actions are to do.", left)
        )
