"""One association in one chat: what all that the bot does there stands on.

Who somebody is whom the chat knows by an id, what time it is there, which message a vote goes on
with, and what the bot has to say: every part of the bot asks this one place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from toutdoux.actions import commands, reading
from toutdoux.actions.models import Action as ActionRow
from toutdoux.actions.models import Carried, ReadChat
from toutdoux.association.models import Association, Member
from toutdoux.core.history import BallotName
from toutdoux.core.replay import Standing
from toutdoux.core.words import Refusal, say

from . import cards, codes, models
from .asking import language_of
from .saying import Habits
from .sending import Outbox
from .system import Chat, Forbidden, Message, Reaction

_SAME_TIME = timedelta(seconds=5)
"""How far the server's clock may be from ours to be taken for the same: it is not known better."""

_BEFORE_LOOKING_AGAIN = timedelta(hours=1)
"""How long somebody stays unknown whose address was looked at."""


class Place:
    """One association in one chat."""

    def __init__(self, association: Association, chat: Chat, habits: Habits | None = None) -> None:
        self.association = association
        self.chat = chat
        self.habits = habits or Habits()
        self.server = chat.server
        self.language = language_of(association)
        self.mine: dict[str, Any] = {"association": association, "server": self.server}
        """By which rows are known to be of this place."""
        self.outbox = Outbox(self.mine, self.language)
        self.ahead: timedelta | None = None
        """How far our clock is ahead of the server's, once that is known; nothing if it is less
        than can be told from the way there and back."""
        self._met: dict[str, datetime] = {}
        """Whose address was last looked at, and when: it was no member's."""

    @property
    def main_channel(self) -> str:
        """Where what has no place of its own is told. Raises `Forbidden` where there is none."""
        channels = self.chat.channels()
        if not channels:
            raise Forbidden(403, {"id": "no channel"})
        return channels[0].id

    def where(self, wanted: str = "") -> str:
        """The channel in which something is told to everybody: the wanted one as long as the bot is
        in it, else the main one; none where there is none, which is looked at again when it is
        sent."""
        there = [one.id for one in self.chat.channels()]
        return wanted if wanted in there else next(iter(there), "")

    def standing(self, refs: Collection[str], now: datetime) -> Standing:
        return reading.standing(self.association.pk, now, self.language.word("(erased)"), only=refs)

    # --- the time there --------------------------------------------------------------------------

    def compare_clocks(self, now: datetime) -> None:
        """See how far our clock is ahead of the server's. `now` is the present instant by ours: a
        moment later, the server would be taken for one whose clock is ahead."""
        asked = monotonic()
        there = self.chat.now()
        # That was the time there somewhen between the two.
        later = now + timedelta(seconds=monotonic() - asked)
        if there < now - _SAME_TIME:
            self.ahead = now - there
        elif there > later + _SAME_TIME:
            self.ahead = later - there
        else:
            self.ahead = timedelta()

    def ours(self, at: datetime) -> datetime:
        """An instant of the server's, by the clock of all that is recorded."""
        return at + (self.ahead or timedelta())

    def theirs(self, at: datetime) -> datetime:
        """An instant of the clock of all that is recorded, by the server's."""
        return at - (self.ahead or timedelta())

    @staticmethod
    def on_time(at: datetime, now: datetime) -> datetime | None:
        """The instant of what is told after the fact; None for what happens now."""
        return at if at < now else None

    def asks(self, now: datetime, at: datetime, key: str) -> commands.Request:
        """The request for what somebody did there at an instant, by the clock of all that is
        recorded; `key` makes it one, however often it is said."""
        return commands.Request(
            association=self.association.pk,
            now=now,
            via=self.chat.system,
            at=self.on_time(at, now),
            key=key,
        )

    # --- who is who ------------------------------------------------------------------------------

    def meet(self, person: str, now: datetime) -> str | None:
        """Whose account it is by whom something was said or reacted; by its verified address, if
        the association wants that. Untied, it is not tied so again."""
        member = self.member_of(person)
        if member is not None or not self.habits.by_email:
            return member
        key = f"tied {person}"
        looked = self._met.get(person)
        if looked is not None and now - looked < _BEFORE_LOOKING_AGAIN:
            return None
        self._met[person] = now
        if models.Outgoing.objects.filter(**self.mine, key=key).exists():
            return None
        found = self.chat.person(person)
        if found is None or found.bot or not found.email:
            return None
        known = codes.addressed(self.association.pk, self.server, found.email, now)
        if known is None:
            return None
        self._met.pop(person)
        codes.tie(self.asks(now, now, cards.digest(key)), self.server, person, known)
        self.outbox.whisper(
            key,
            person,
            say(
                "By its e-mail address, this chat account is yours, {name}: from now on your"
                " reactions are your votes. If that is wrong, untie it on your page.",
                name=known.name,
            ),
        )
        return known.pk

    def member_of(self, person: str) -> str | None:
        account = models.Account.objects.filter(**self.mine, person=person)
        return account.values_list("member_id", flat=True).first()

    def member_called(self, handle: str) -> str | None:
        """The member whom a message names: by their chat account, else by their handle."""
        person = self.chat.called(handle)
        if person is not None:  # whoever else has that name in the association was not meant
            return self.member_of(person.id)
        named = reading.member_called(self.association.pk, handle)
        return None if named is None else named.id

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        rows = Member.objects.filter(pk__in=set(ids)).values_list("id", "name")
        return {id: name or self.language.word("(erased)") for id, name in rows}

    # --- what is voted on by reacting ------------------------------------------------------------

    def reactions(self, posts: Sequence[models.Post]) -> Mapping[str, Sequence[Reaction]]:
        """The reactions that are there now, by message. Nothing is said of one that is gone."""
        there: dict[str, Sequence[Reaction]] = {}
        for channel in dict.fromkeys(post.channel for post in posts):
            ids = ids_of(post for post in posts if post.channel == channel)
            there |= self.chat.reactions(channel, ids)
        return there

    def opened(self, refs: Collection[str]) -> Mapping[str, Mapping[str, datetime | None]]:
        """When the votes on some actions opened that run, or ran last, as `Post.since` holds it; by
        action and ballot. What was voted on by hand is not among them."""
        rows = ActionRow.objects.filter(association=self.association, ref__in=refs)
        told = rows.values_list("ref", "proposed_at", "opened_at", "called_at")
        return {
            ref: {
                BallotName.ACTION: None if opened == proposed else opened,
                BallotName.COUNTER_VOTE: called,
            }
            for ref, proposed, opened, called in told
        }

    def later(self, post: models.Post) -> models.Post | None:
        """The message by which a vote goes on that began with an earlier one; None as long as it
        was not sent."""
        ballots = {post.ballot, BallotName.ACTION}
        posts = models.Post.objects.filter(**self.mine, action=post.action, ballot__in=ballots)
        later = posts.filter(pk__gt=post.pk).order_by("pk").last()
        return None if later is None or is_over(later, self.opened([post.action])) else later

    def carries(self, channel: str, ref: str) -> None:
        """An action's decisions wait for a channel to be read from now on."""
        until = {"until": self.chat.now}  # asked only where it was never read
        chat, _ = ReadChat.objects.get_or_create(**self.mine, channel=channel, defaults=until)
        Carried.objects.get_or_create(chat=chat, action=ref)

    # --- what is said to a message that does nothing ---------------------------------------------

    def refuse(self, message: Message, refusal: Refusal) -> None:
        """Say under a message why it does nothing: once for what it says."""
        self.outbox.put(
            self._refusal_key(message),
            self.refusal(refusal),
            channel=message.channel,
            thread=message.thread or message.id,
        )

    def refusal(self, refusal: Refusal) -> str:
        """How it is said why something is not done."""
        text = self.language.say(say("{why} → {remedy}", why=refusal.why, remedy=refusal.remedy))
        return text[0].upper() + text[1:]

    def has_refused(self, message: Message) -> bool:
        """Whether a message was told so that says what it says now."""
        return self.outbox.holds(self._refusal_key(message))

    @staticmethod
    def _refusal_key(message: Message) -> str:
        """Edited, a message is another one."""
        return f"answer {message.id} {cards.digest(message.text)[:16]}"


def ids_of(posts: Iterable[models.Post]) -> list[str]:
    """The messages that are reacted to where posts are: themselves, and their cards."""
    return [
        id for id in dict.fromkeys(id for post in posts for id in (post.message, post.card)) if id
    ]


def is_over(post: models.Post, opened: Mapping[str, Mapping[str, datetime | None]]) -> bool:
    """Whether the vote that a post is about is no more the one that runs, or ran last."""
    return post.since != opened[post.action][post.ballot]
