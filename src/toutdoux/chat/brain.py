"""What the bot does: it knows no chat system, and no rule of the association's.

It handles what is *there*, not what it was told happened. A message is read; its present reactions
are compared with those that were taken already; what differs becomes a command, with a key that
makes it one however often it is said. So it may be stopped anywhere, miss anything, or hear it
twice: whatever it does again changes nothing.

    1. Read what people said and reacted to (`catch_up` reads everything, `hear` only what is new).
    2. Tell of what the ledger says since: cards, outcomes (`tell`), whoever did it, wherever.
    3. Send what waits to be sent (`send`).
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from http import HTTPStatus
from time import monotonic
from typing import Any

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from toutdoux.actions import commands, reading
from toutdoux.actions.models import Action as ActionRow
from toutdoux.actions.models import ReadChat, Vote
from toutdoux.core.action import Action
from toutdoux.core.chain import Body
from toutdoux.core.history import UNFINISHED, BallotName, Choice, State
from toutdoux.core.late import PATIENCE, Recording, may_record
from toutdoux.core.possible import Deed, possible
from toutdoux.core.replay import UNDECIDED, Standing
from toutdoux.core.voters import why_opinion
from toutdoux.core.words import Refusal, Sentence, TooLate, say
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger
from toutdoux.web import limits

from . import cards, codes, models
from .asking import (
    Answer,
    answer,
    how_to_be_known,
    refused,
    takes_long,
    who_asks,
)
from .place import Place, ids_of, is_over
from .reminding import remind
from .saying import leader_named, leaders_named, plain, quoted
from .sending import AT_MOST
from .system import Enclosed, Forbidden, Message, News, Reaction

log = logging.getLogger("toutdoux")

AMEND, WITHDRAW = _QUESTIONS = ("amend", "withdraw")
"""What a leader is asked about when their message changed, in the place of a ballot."""

_YES = ("oui", "yes", "ok", "👍")

_AT_ONCE = 500
"""Entries that are told of at one look."""

_TOGETHER = 20
"""Reactions that are taken in one transaction: others who vote wait for so many, at most."""

_LOOK_AT_ALL = timedelta(minutes=1)
"""How often cards are looked at about which the ledger says nothing new."""

_READ_ALL = timedelta(minutes=10)
"""How often everything is read though nothing seems to have been missed: so what is known to have
been read is never long ago, and a line that went silent loses nothing."""

_TRY_AGAIN = timedelta(seconds=10)
"""How often everything is read as long as a decision waits for it."""

_LATEST = timedelta(hours=1)
"""How much older than what was read already a message may say that it is. Those who have a server
of their own may give theirs any date."""

_LONGEST_QUESTION = 3_000
"""Signs of a new text that its leader is shown, to say whether it is an amendment."""

_OVERLAP = timedelta(seconds=10)
"""How much is read again: messages may come in late, and a server's clock may be set."""

_BEFORE_FIRST = timedelta(days=1)
"""How old what was said in private may be, to be answered by a bot that never ran before."""


_DELETED = "deleted"
"""What is kept of a message that is gone, in the place of its digest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody's reactions say now."""

    choice: Choice | None
    """None where they took it away."""
    at: datetime
    """When they made it, by the server's clock."""
    again: bool = False
    """Whether it is an older one, that speaks for them again because a newer one is gone."""


@dataclass(frozen=True, slots=True)
class Under:
    """What was taken of the reactions under a post."""

    post: models.Post
    over: bool
    """Whether the vote that it is about started again, or was another."""
    handled: dict[str, models.Handled]
    """By person."""


def read_votes(place: Place, there: Iterable[Reaction]) -> dict[str, Wanted]:
    """What each person's reactions say: the one added last that is still there."""
    said: dict[str, Wanted] = {}
    for one in sorted(there, key=lambda one: one.at):
        choice = place.habits.choice(one.emoji)
        if choice is not None and one.person != place.chat.me:
            said[one.person] = Wanted(choice, one.at)
    return said


class Brain:
    """One association in one chat."""

    def __init__(
        self,
        place: Place,
        beside: Callable[[Callable[[], None]], object] = lambda job: job(),
    ) -> None:
        """`beside` does what takes long while others vote."""
        self.place = place
        self._beside = beside
        self._writing: set[str] = set()
        """What is being answered beside, by what the answer is known by."""
        self._looked: datetime | None = None
        """When all cards were last looked at."""
        self._stale: set[int] = set()
        """The posts whose cards there was no time to edit."""
        self._refused: set[str] = set()
        """The cards that could not be edited."""
        self._read_at: datetime | None = None
        """When everything was last read."""
        self._tried: tuple[datetime, datetime] | None = None
        """Which decision was last to be written down, by its instant, and when that was tried."""

    @property
    def has_read(self) -> bool:
        """Whether everything that happened before it was started was read."""
        return self._read_at is not None

    def turn(self, news: Sequence[News | None], now: datetime) -> None:
        """Act on what happened, and tell of it."""
        self.hear_all(news, now)
        self.tell(now)

    # --- hearing ---------------------------------------------------------------------------------

    def hear_all(self, news: Sequence[News | None], now: datetime) -> None:
        """Act on what happened since the last turn.

        Args:
            news: `None` among it if some may have been missed.
            now: the present instant, in UTC.
        """
        if self.place.ahead is None:
            self.place.compare_clocks(now)
        self.hear([one for one in news if one is not None], now)
        due = self._due(now)
        unread = due is not None and self._is_unread(due)
        if unread or None in news or self._has_long_not_read(now):
            self.catch_up(now)
        if due is not None:  # now it was read: what was decided can be written down
            id, via = self.place.association.pk, self.place.chat.system
            commands.settle(commands.Request(association=id, now=now, via=via))
        self.send(now)

    def _due(self, now: datetime) -> datetime | None:
        """The instant of a decision that is to be written down, if it is time to try that. It may
        have to wait for long: for another chat, or for a channel that the bot is in no more."""
        ledger = Ledger.objects.filter(pk=self.place.association.pk)
        due = ledger.values_list("due_at", flat=True)[0]
        if due is None or due > now:
            return None
        if self._tried is not None and self._tried[0] == due and now - self._tried[1] < _TRY_AGAIN:
            return None
        self._tried = (due, now)
        return due

    def _is_unread(self, due: datetime) -> bool:
        return ReadChat.objects.filter(**self.place.mine, until__lte=due).exists()

    def _has_long_not_read(self, now: datetime) -> bool:
        return self._read_at is not None and now - self._read_at >= _READ_ALL

    def catch_up(self, now: datetime) -> None:
        """Read everything that may have happened since the last time: messages, and the reactions
        under every ballot that is still open."""
        until = self.place.compare_clocks(now)
        self._privates(until, now)
        channels = self.place.chat.channels()
        said: list[Message] = []
        for channel in channels:
            read, _ = ReadChat.objects.get_or_create(
                **self.place.mine, channel=channel.id, defaults={"until": until}
            )
            said += self.place.chat.messages(channel.id, read.until - _OVERLAP)
        # What is told in order of time, whatever the channel, is played as it comes.
        for message in sorted(said, key=lambda one: one.changed_at):
            self._message(message, now)
        self._reactions(models.Post.objects.filter(**self.place.mine, open=True), now)
        # Only now: whatever was not handled would be read again.
        were_read = ReadChat.objects.filter(channel__in=[one.id for one in channels])
        # Where the server's clock is ahead of ours, no more was read for that.
        were_read.filter(**self.place.mine).update(until=min(until, now))
        self._read_at = now
        self._forget_where_it_is_not([one.id for one in channels], now)

    def _forget_where_it_is_not(self, channels: Collection[str], now: datetime) -> None:
        """Forget how far a channel was read in which the bot has not been for as long as a decision
        waits, unless something is voted on there."""
        undecided = ActionRow.objects.filter(association=self.place.association, recorded=False)
        here = ReadChat.objects.filter(**self.place.mine, until__lt=now - PATIENCE)
        voted_on = here.filter(carried__action__in=undecided.values("ref"))
        here.exclude(Q(channel__in=channels) | Q(pk__in=[one.pk for one in voted_on])).delete()

    def _privates(self, until: datetime, now: datetime) -> None:
        """Read what was said in private since the last time. What was answered is so once."""
        read = ReadChat.objects.filter(**self.place.mine).order_by("until").last()
        since = until - _BEFORE_FIRST if read is None else read.until - _OVERLAP
        for channel in self.place.chat.privates(since):
            for message in self.place.chat.messages(channel, since):
                self._message(message, now)

    def hear(self, news: Iterable[News], now: datetime) -> None:
        """Look at the messages that something happened to."""
        said: dict[tuple[str, str], bool] = {}
        for one in news:  # what was sent and reacted to meanwhile was also sent
            key = (one.channel, one.message)
            said[key] = one.reacted and said.get(key, True)
        for (channel, id), reacted in said.items():
            if not reacted:
                message = self.place.chat.message(channel, id)
                if message is not None:
                    self._message(message, now)
        # Also where the vote is over: whoever comes too late is told.
        is_looked_at = Q(open=True) | ~Q(ballot__in=_QUESTIONS)
        posts = models.Post.objects.filter(is_looked_at, **self.place.mine)
        ids = [id for _, id in said]
        self._reactions(posts.filter(message__in=ids) | posts.filter(card__in=ids), now)

    def _message(self, message: Message, now: datetime) -> None:
        if message.automatic or message.author == self.place.chat.me:
            return
        at, changed_at = self.place.ours(message.at), self.place.ours(message.changed_at)
        message = replace(message, at=at, changed_at=changed_at)
        post = models.Post.objects.filter(**self.place.mine, message=message.id).first()
        if post is not None:
            if post.text:  # of what was imported, an edit changes nothing
                self._changed_message(post, message, now)
            return
        if message.deleted:
            return
        if not message.private and codes.void(self.place.association.pk, message.text):
            self._say_it_was_shown(message)
            return
        asked = message.text if message.private else self._said_to_me(message.text)
        if asked is not None:
            self._reply(message, asked, now)
            return
        kinds = self.place.habits.kinds(message.text)
        if not kinds or message.thread or self.place.has_refused(message):
            return  # what was answered is not done later: it was to be written again
        try:
            self._propose(message, now)
        except Refusal as refusal:
            self.place.refuse(message, commands.names_in(refusal, self.place.association.pk))

    # --- answering -------------------------------------------------------------------------------

    def _say_it_was_shown(self, message: Message) -> None:
        """A code that everybody has read is nobody's any more."""
        self.place.outbox.whisper(
            f"shown {message.id}",
            message.author,
            say(
                "Your code was written where others read it, so it is void: whoever has it could"
                " have voted as you. Ask for another, and send it to me here, in private."
            ),
        )

    def _said_to_me(self, text: str) -> str | None:
        """What stands after the bot's own name at the beginning; None if it does not."""
        found = re.match(
            rf"@{re.escape(self._handle)}(?::[\w.:-]*\w)?(?![\w-]|\.\w)[\s:,]*", text, re.IGNORECASE
        )
        return None if found is None else text[found.end() :]

    @cached_property
    def _handle(self) -> str:
        me = self.place.chat.person(self.place.chat.me)
        return me.handle if me is not None else self.place.chat.me

    def _reply(self, message: Message, asked: str, now: datetime) -> None:
        key = f"answer {message.id}"
        if key in self._writing or self.place.outbox.holds(key):
            return
        question = self._asked(message) if plain(asked.strip(" .!")) in _YES else None
        if question is not None:
            action = self.place.standing([question.action], now).actions[question.action]
            self._is_answered(question, action, [message.author], now)
            return
        self.place.meet(message.author, now)
        if not takes_long(asked):
            self._tell_what_was_asked(key, message, asked, now)
            return

        def tell() -> None:
            try:
                self._tell_what_was_asked(key, message, asked, now)
            finally:
                self._writing.discard(key)

        self._writing.add(key)
        self._beside(tell)

    def _tell_what_was_asked(self, key: str, message: Message, asked: str, now: datetime) -> None:
        told = self._answered(message, asked, now)
        if message.private:
            self.place.outbox.put(key, told.text, person=message.author, files=told.files)
        else:
            thread = message.thread or message.id
            self.place.outbox.put(
                key, told.text, channel=message.channel, thread=thread, files=told.files
            )

    def _answered(self, message: Message, asked: str, now: datetime) -> Answer:
        """Carry out what somebody asks, unless they ask faster than anybody reads."""
        said_at = self._said_at(message, now)
        asker = who_asks(
            self.place.association,
            self.place.chat,
            message.author,
            now,
            f"{message.id} {message.text}",
            self.place.habits,
            self.place.language,
            self.place.on_time(said_at, now),
        )
        who = cards.digest(f"{self.place.association.pk} {self.place.server} {message.author}")
        try:
            limits.count("chat", who, said_at)
        except limits.TooOften as refusal:
            return refused(asker, refusal)
        return answer(asker, asked)

    def _asked(self, message: Message) -> models.Post | None:
        """The question that somebody was asked last in private, if it still awaits an answer."""
        asked = models.Post.objects.filter(**self.place.mine, open=True, ballot__in=_QUESTIONS)
        return asked.filter(channel=message.channel).order_by("pk").last()

    # --- proposals -------------------------------------------------------------------------------

    def _propose(self, message: Message, now: datetime) -> None:
        kind = self.place.habits.kind(message.text)
        by = self.place.meet(message.author, now)
        if by is None:
            raise Refusal(
                say(
                    "nothing is proposed yet: I do not know whose chat account this is. Write it"
                    " again once I do"
                ),
                how_to_be_known(self.place.association),
            )
        named = leader_named(message.text)
        leader = None if named is None else self._called(named)
        link = self.place.chat.link(message.channel, message.id)
        asks = self.place.asks(now, self._said_at(message, now), f"{message.id}")
        with transaction.atomic():  # stopped in between, and edited, it would be no ballot any more
            ref = commands.propose(
                asks, kind, message.text.strip(), by=by, leader=leader, link=link
            )
            models.Post.objects.get_or_create(
                **self.place.mine,
                message=message.id,
                defaults={
                    "channel": message.channel,
                    "thread": message.id,
                    "action": ref,
                    "ballot": BallotName.ACTION,
                    "text": cards.digest(message.text),
                },
            )
            self.place.carries(message.channel, ref)

    def _said_at(self, message: Message, now: datetime) -> datetime:
        """When a message that was not acted on yet counts: since it says what it says."""
        until = self._read_until(message.channel, now)
        at = message.at if self._is_as_sent(message, until, now) else message.changed_at
        return at if at >= until - _LATEST else now

    def _is_as_sent(self, message: Message, until: datetime, now: datetime) -> bool:
        """Whether a message is the one that was sent: it was not edited, or only as the rules have
        it for a correction: soon, and before any vote. And nobody answered, or passed over, what it
        said before."""
        if message.changed_at <= message.at:
            return True
        charter = self.place.standing([], now).charter_at(message.at).charter
        if message.changed_at >= message.at + charter.correction or message.at < until:
            return False
        answers = models.Outgoing.objects.filter(**self.place.mine)
        mine = f"answer {message.id}"
        if answers.filter(Q(key=mine) | Q(key__startswith=f"{mine} ")).exists():
            return False
        there = self.place.chat.reactions(message.channel, [message.id]).get(message.id, ())
        before = [one for one in there if self.place.ours(one.at) < message.changed_at]
        return not read_votes(self.place, before)

    def _read_until(self, channel: str, now: datetime) -> datetime:
        """How far a channel was read; one that was not yet, as far as the others."""
        read = ReadChat.objects.filter(**self.place.mine).values_list("channel", "until")
        known = dict(read)
        until = known.get(channel) or max(known.values(), default=None)
        return now if until is None else self.place.ours(until)

    # --- edits and deletions ---------------------------------------------------------------------

    def _changed_message(self, post: models.Post, message: Message, now: datetime) -> None:
        """A message that proposed something was edited or deleted: who did it and why, a chat does
        not say. So it changes nothing by itself, unless the rules call it a correction."""
        seen = _DELETED if message.deleted else cards.digest(message.text)
        if seen == post.text:
            return
        # Whoever voted before the edit did so on the text before, though both are read only now.
        self._reactions(models.Post.objects.filter(pk=post.pk), now)
        action = self.place.standing([post.action], now).actions[post.action]
        if action.state in UNDECIDED:
            text = message.text.strip()
            if message.deleted:
                self._stale.add(post.pk)  # its card says where the vote goes on
                self._ask_leader(post, action, WITHDRAW, seen, text)
            elif text == action.object:
                pass  # back to what is voted on
            elif (stays := self._what_stays(action, text)) is not None:
                anew = say("to change that, withdraw {ref} and propose it anew", ref=action.ref)
                self.place.refuse(message, Refusal(stays, anew))
            elif self.place.member_of(message.author) == action.leader and action.is_corrected_at(
                min(message.changed_at, now)
            ):
                self._do(AMEND, post, action.leader, text, seen, now, at=message.changed_at)
            else:
                self._ask_leader(post, action, AMEND, seen, text)
        post.text = seen
        post.save(update_fields=["text"])

    def _what_stays(self, action: Action, text: str) -> Sentence | None:
        """What an edit would change that no amendment does; None if it may be one."""
        leaders = leaders_named(text)
        if self.place.habits.kinds(text) - {action.kind}:
            return say("the vote on {ref} goes on as before: its kind stays", ref=action.ref)
        if leaders and leaders != leaders_named(action.object):
            return say("the vote on {ref} goes on as before: its leader stays", ref=action.ref)
        if not self.place.habits.says_something(text):
            return say("the vote on {ref} goes on, on the text before", ref=action.ref)
        return None

    def _ask_leader(
        self, post: models.Post, action: Action, what: str, seen: str, text: str
    ) -> None:
        key = _question_key(what, post, action, seen)
        account = models.Account.objects.filter(**self.place.mine, member_id=action.leader).first()
        if account is None:
            if what == AMEND:
                self._say_that_it_stays(key, post, action)
            return
        question = (
            say(
                "The message of {ref} is gone. Nothing has changed: the vote goes on. Do you"
                " withdraw {ref}? {sign} says yes.",
                ref=action.ref,
                sign=self._yes,
            )
            if what == WITHDRAW
            else say(
                "The message of {ref} was changed. The text that is voted on is still the one"
                " before. Is the new one an amendment? It starts the vote again. {sign} says yes.",
                ref=action.ref,
                sign=self._yes,
            )
        )
        quotation = f"\n\n{quoted(text, _LONGEST_QUESTION)}" if text else ""
        self.place.outbox.put(
            key,
            self.place.language.say(question) + quotation,
            person=account.person,
            thread=post.message,
            action=action.ref,
            ballot=what,
        )

    def _say_that_it_stays(self, key: str, post: models.Post, action: Action) -> None:
        """Where the leader cannot be asked here: all who read what changed."""
        name = self.place.names([action.leader])[action.leader]
        told = say(
            "The message was changed. The vote on {ref} goes on, on the text that the card quotes:"
            " only {name}, who leads it, can amend or withdraw it.",
            ref=action.ref,
            name=name,
        )
        text = self.place.language.say(told)
        self.place.outbox.put(key, text, channel=post.channel, thread=post.thread)

    @property
    def _yes(self) -> str:
        return self.place.habits.signs[Choice.FOR][0]

    def _said_yes(self, question: models.Post, there: Iterable[Reaction], now: datetime) -> None:
        """Do what a leader was asked about, if they said yes. If the message changed since, they
        are asked anew: this question is then of something else."""
        action = self.place.standing([question.action], now).actions[question.action]
        yes = [one.person for one in there if self.place.habits.choice(one.emoji) is Choice.FOR]
        self._is_answered(question, action, yes, now)

    def _is_answered(
        self, question: models.Post, action: Action, yes: Iterable[str], now: datetime
    ) -> None:
        leads = any(self.place.member_of(person) == action.leader for person in yes)
        if leads and action.state in UNDECIDED:
            about = models.Post.objects.get(**self.place.mine, message=question.thread)
            message = self.place.chat.message(about.channel, about.message)
            gone = message is None or message.deleted
            seen, text = _DELETED, ""
            if message is not None and not gone:
                seen, text = cards.digest(message.text), message.text.strip()
            key = _question_key(question.ballot, about, action, seen)
            asked = models.Outgoing.objects.filter(**self.place.mine, sent=question.message)
            if not asked.filter(key=key).exists():
                return
            self._do(question.ballot, about, action.leader, text, question.message, now)
        if leads or action.state not in UNDECIDED:
            models.Post.objects.filter(pk=question.pk).update(open=False)

    def _do(
        self,
        what: str,
        post: models.Post,
        by: str,
        text: str,
        key: str,
        now: datetime,
        at: datetime | None = None,
    ) -> None:
        asks = self.place.asks(now, at or now, cards.digest(f"{what} {post.message} {key}"))
        try:
            if what == WITHDRAW:
                commands.withdraw(asks, post.action, by=by)
            elif text:
                commands.amend(asks, post.action, text, by=by)
        except Refusal as refusal:
            log.info("%s: nothing is changed: %s", post.action, refusal.why.message)

    def _called(self, handle: str) -> str:
        found = self.place.member_called(handle)
        if found is None:
            raise Refusal(
                say("nothing is proposed yet: nobody here is called “{name}”", name=handle),
                say("write it again, with the handle of a member whose chat account I know"),
            )
        return found

    # --- votes -----------------------------------------------------------------------------------

    def _reactions(self, posts: QuerySet[models.Post], now: datetime) -> None:
        """Take what the reactions under some posts say, in the order in which they were made."""
        firsts = {post.of_id or post.pk for post in posts}
        family = models.Post.objects.filter(Q(pk__in=firsts) | Q(of__in=firsts)).order_by("pk")
        read = list(family.prefetch_related("handled"))
        there = self.place.reactions(read)
        refs = {post.action for post in read}
        opened, proposed = self.place.opened(refs), self._proposed(refs)
        changes: list[tuple[Under, str, Wanted]] = []
        for first in read:
            if first.ballot in _QUESTIONS:
                if first.message in there:
                    self._said_yes(first, there[first.message], now)
            elif first.of_id is None and first.action in opened:
                ids = ids_of(post for post in read if first.pk in (post.pk, post.of_id))
                said = read_votes(
                    self.place,
                    (
                        one
                        for id in ids
                        for one in there.get(id, ())
                        if self.place.ours(one.at) >= proposed[first.action]
                    ),
                )
                handled = {one.person: one for one in first.handled.all()}
                under = Under(first, is_over(first, opened), handled)
                for change in _changed(under, said, whole=all(id in there for id in ids)):
                    changes.append((under, *change))
        changes.sort(key=lambda change: change[2].at)
        # Of those it does not know it may have to ask the server: not while others wait.
        people = dict.fromkeys(person for _, person, _ in changes)
        members = {person: self.place.meet(person, now) for person in people}
        for person in dict.fromkeys(one for _, one, wanted in changes if wanted.choice):
            if members[person] is None:
                self._say_who_votes(person)
        for start in range(0, len(changes), _TOGETHER):
            with transaction.atomic():
                self._take_some(changes[start : start + _TOGETHER], members, now)

    def _proposed(self, refs: Collection[str]) -> Mapping[str, datetime]:
        """When some actions were proposed: reactions of before were to what a message said then."""
        rows = ActionRow.objects.filter(association=self.place.association, ref__in=refs)
        return dict(rows.values_list("ref", "proposed_at"))

    def _take_some(
        self,
        changes: Iterable[tuple[Under, str, Wanted]],
        members: Mapping[str, str | None],
        now: datetime,
    ) -> None:
        """Take what some people's reactions say; `members` are who they are, by their accounts."""
        handled: list[models.Handled] = []
        for under, person, wanted in changes:
            member, before = members[person], under.handled.get(person)
            if member is None and before is not None and before.member:
                continue  # an account that is nobody's any more changes nothing
            handled.append(self._take(under, person, member, wanted, now))
        models.Handled.objects.bulk_create(  # those that are there already are changed
            handled,
            update_conflicts=True,
            unique_fields=["post", "person"],
            update_fields=["choice", "at", "counts_from", "member"],
        )
        self._say_which_are_opinions(handled, now)

    def _take(
        self, under: Under, person: str, member: str | None, wanted: Wanted, now: datetime
    ) -> models.Handled:
        before = under.handled.get(person)
        was = before.member if before is not None and before.choice else ""
        if wanted.again or wanted.choice is None or was not in ("", member):
            at = now  # until now something else was so, or for somebody else
        else:
            at = self.place.ours(wanted.at)
            if before is not None and before.counts_from is not None:
                at = max(at, before.counts_from)  # two clocks never put it before what it follows
        under.handled[person] = taken = models.Handled(
            post=under.post,
            person=person,
            choice=wanted.choice or "",
            at=wanted.at if before is None else max(wanted.at, before.at),
            counts_from=min(at, now),
            member=member or "",
        )
        if was and (was != member or wanted.choice is None):
            self._take_away(under, was, now)
        if wanted.choice is not None and member is not None:
            self._vote(under, taken, wanted.choice, now, again=wanted.again)
        return taken

    def _say_who_votes(self, person: str) -> None:
        key = f"stranger {person}"
        if self.place.outbox.holds(key) or self._is_bot(person):
            return
        self.place.outbox.whisper(
            key,
            person,
            say(
                "Your reaction does not count as a vote: I do not know whose chat account this is."
                " {how}.",
                how=how_to_be_known(self.place.association),
            ),
        )

    def _is_bot(self, person: str) -> bool:
        known = self.place.chat.person(person)
        return known is not None and known.bot

    def _vote(
        self, under: Under, taken: models.Handled, choice: Choice, now: datetime, *, again: bool
    ) -> None:
        """Make a vote of a reaction."""
        post, member, at = under.post, taken.member, taken.counts_from or now
        if again and (under.over or self._cast_here(post, member) is None):
            return  # what was said elsewhere since stands
        if under.over:
            self._say_where_it_goes_on(post, taken.person)
            return
        key = cards.digest(f"{post.message} {taken.person} {member} {choice} {at.isoformat()}")
        vote = partial(commands.vote, self.place.asks(now, at, key), post.action, choice, by=member)
        try:
            try:
                vote(ballot=_ballot(post))
            except TooLate:  # where it cannot be refused, it is an opinion
                vote(ballot=_ballot(post), kept=True)
        except Refusal as refusal:
            log.info("%s: a reaction changes nothing: %s", post.action, refusal.why.message)

    def _take_away(self, under: Under, member: str, now: datetime) -> None:
        """Somebody's reaction is gone, and what it said with it; unless another account of theirs
        still says something."""
        post, ballot = under.post, _ballot(under.post)
        stands = None if under.over else self._cast_here(post, member)
        if stands is None:
            return
        kept = "kept" in stands
        theirs = [one for one in under.handled.values() if one.member == member and one.choice]
        last = max(theirs, key=lambda one: one.at, default=None)
        if last is not None and last.choice == stands["choice"]:
            return
        key = cards.digest(f"{post.message} {member} - {now.isoformat()}")
        asks = self.place.asks(now, now, key)
        try:
            if last is not None:
                choice = Choice(last.choice)
                commands.vote(asks, post.action, choice, by=member, ballot=ballot, kept=kept)
            else:
                commands.withdraw_vote(asks, post.action, by=member, ballot=ballot, kept=kept)
        except Refusal as refusal:
            # Too late, or taken back already elsewhere: what stands, stands.
            log.info("%s: a reaction changes nothing: %s", post.action, refusal.why.message)

    def _say_where_it_goes_on(self, post: models.Post, person: str) -> None:
        later = self.place.later(post)
        if later is not None:
            self.place.outbox.whisper(
                f"over {post.pk} {person}",
                person,
                say(
                    "Your reaction does not count as a vote: the vote on {ref} started again. It"
                    " goes on here: {link}",
                    ref=post.action,
                    link=self.place.chat.link(later.channel, later.message),
                ),
            )

    def _cast_here(self, post: models.Post, member: str) -> Mapping[str, Any] | None:
        """What somebody last said on a ballot, if it came from this chat: only that goes with a
        reaction."""
        erased = ""
        entries = reading.entries_about(self.place.association.pk, post.action, erased)
        theirs = [
            one
            for one in entries
            if one["kind"] in ("vote.cast", "vote.withdrawn")
            and one["by"] == member
            and one["data"]["ballot"] == post.ballot
        ]
        last = max(theirs, key=lambda one: (one["at"], one["seq"]), default=None)
        if last is None or last["kind"] != "vote.cast" or last["via"] != self.place.chat.system:
            return None
        said: Mapping[str, Any] = last["data"]
        return said

    def _say_which_are_opinions(self, handled: Iterable[models.Handled], now: datetime) -> None:
        """Tell those whose votes were kept as opinions."""
        taken = [one for one in handled if one.member and one.choice]
        refs = {one.post.action for one in taken}
        votes = Vote.objects.filter(action__association=self.place.association, counted=False)
        rows = votes.filter(action__ref__in=refs).values_list("action__ref", "ballot", "member")
        opinions = set(rows)
        for one in taken:
            ref, member, ballot = one.post.action, one.member, _ballot(one.post)
            if (ref, ballot, member) not in opinions:
                continue  # nearly always
            standing = self.place.standing([ref], now)
            why = why_opinion(standing, standing.actions[ref], ballot, member)
            if why is not None:
                self.place.outbox.whisper(
                    f"opinion {ref} {one.person}",
                    one.person,
                    say(
                        "Your reaction is kept as an opinion on {ref}, and not counted: {why}.",
                        ref=ref,
                        why=why,
                    ),
                )

    # --- telling ---------------------------------------------------------------------------------

    def tell(self, now: datetime) -> None:
        """Tell of what the ledger says since, wherever it was done; bring the cards up to date."""
        length = Ledger.objects.get(pk=self.place.association.pk).length
        followed, _ = models.Followed.objects.get_or_create(
            **self.place.mine, defaults={"seq": length}
        )
        if followed.seq > length:  # a backup was restored that goes less far
            followed.seq = length
            followed.save(update_fields=["seq"])
        rows = list(book.rows(self.place.association.pk, followed.seq + 1, followed.seq + _AT_ONCE))
        entries = [orjson.loads(body) for _, body, _ in rows]
        if any(entry["kind"] == "account.claimed" for entry in entries):
            # Somebody may be known from now on who has reacted before.
            self._reactions(models.Post.objects.filter(**self.place.mine, open=True), now)
        refs = {str(entry["data"]["action"]) for entry in entries if "action" in entry["data"]}
        standing = self.place.standing(refs, now)
        for (seq, _, hash), entry in zip(rows, entries, strict=True):
            # Its hash as well: in a history that went on otherwise, another has this number.
            self._tell_of(entry, f"{seq} {hash[:8]}", standing)
        posts = models.Post.objects.filter(**self.place.mine, open=True).exclude(
            ballot__in=_QUESTIONS
        )
        if self._looked is None or now - self._looked >= _LOOK_AT_ALL:
            self._looked = now  # time alone changes some: a ballot closes, an action is contested
            remind(self.place, now)
        else:
            posts = posts.filter(Q(action__in=refs) | Q(pk__in=self._stale))
        self._show(list(posts), standing, now)
        if entries:
            models.Followed.objects.filter(pk=followed.pk).update(seq=entries[-1]["seq"])
        self.send(now)

    def _tell_of(self, entry: Body, key: str, standing: Standing) -> None:
        """Tell of one entry. `key` is in that of what is sent: so that is sent once."""
        if entry["kind"] == "member.left":
            self._leaderless(entry["data"]["member"], key)
        ref = str(entry["data"].get("action", ""))
        action = standing.actions.get(ref)
        if action is None:
            return
        if entry["kind"] == "vote.cast":  # nearly always
            if (
                entry["data"]["choice"] == "against"
                and entry["data"]["ballot"] == BallotName.ACTION
            ):
                self._offer_to_talk(entry["by"], standing, action)
            return
        posts = models.Post.objects.filter(**self.place.mine, action=ref, ballot=BallotName.ACTION)
        post = posts.order_by("pk").last()
        match entry["kind"]:
            case "action.proposed" if post is None:
                self._announce(key, standing, action, BallotName.ACTION, "")
            case "counter_vote.called" if action.counter_vote is not None:
                place = post.channel if post else ""
                self._announce(key, standing, action, BallotName.COUNTER_VOTE, place)
            case "action.adopted" | "action.cancelled" | "action.withdrawn":
                self._outcome(key, standing, action, post)
            case "action.amended":
                self._begin_again(key, standing, action, post)

    def _leaderless(self, member: str, key: str) -> None:
        """Tell everybody of the actions that somebody who left leads, and nobody else does yet."""
        led = ActionRow.objects.filter(association=self.place.association, leader=member)
        unfinished = Q(state=State.ADOPTED, followed_up__in=UNFINISHED)
        for ref in led.filter(unfinished | Q(state__in=UNDECIDED)).values_list("ref", flat=True):
            told = say(
                "{ref} has nobody to lead it any more: {name} has left. Whoever would like to can"
                " take it on, on its page. {page}",
                ref=ref,
                name=self.place.names([member])[member],
                page=" ".join(self._page_of(ref)),
            )
            text = self.place.language.say(told).strip()
            self.place.outbox.put(f"leaderless {key} {ref}", text, channel=self.place.main_channel)

    def _announce(
        self, key: str, standing: Standing, action: Action, ballot: BallotName, channel: str
    ) -> None:
        """Have a vote announced in a message of its own, to react to."""
        channel = channel or self.place.main_channel
        text = self._card(standing, action, ballot)
        since = self.place.opened([action.ref])[action.ref][ballot]
        about: dict[str, Any] = {"action": action.ref, "ballot": ballot, "since": since}
        self.place.outbox.put(f"vote {key}", text, channel=channel, **about)

    def _begin_again(
        self, key: str, standing: Standing, action: Action, post: models.Post | None
    ) -> None:
        """Have an amended action voted on in a message of its own: the reactions that everybody
        sees were given to the text before. Where only the text was corrected, its card says so."""
        since = self.place.opened([action.ref])[action.ref][BallotName.ACTION]
        here = {
            **self.place.mine,
            "action": action.ref,
            "ballot": BallotName.ACTION,
            "since": since,
        }
        if any(one.objects.filter(**here).exists() for one in (models.Post, models.Outgoing)):
            return
        channel = "" if post is None else post.channel
        if post is not None:
            text = cards.outcome(self.place.language, standing, action)
            self.place.outbox.put(f"thread {key}", text, channel=channel, thread=post.thread)
        earlier = models.Post.objects.filter(**self.place.mine, action=action.ref)
        earlier.exclude(ballot__in=_QUESTIONS).update(open=True)  # to say where it goes on
        self._announce(key, standing, action, BallotName.ACTION, channel)

    def _outcome(
        self, key: str, standing: Standing, action: Action, post: models.Post | None
    ) -> None:
        text = cards.outcome(self.place.language, standing, action)
        channel = post.channel if post is not None else self.place.main_channel
        self.place.outbox.put(f"outcome {key}", text, channel=channel)
        if post is not None:
            self.place.outbox.put(f"thread {key}", text, channel=channel, thread=post.thread)

    def _offer_to_talk(self, member: str, standing: Standing, action: Action) -> None:
        """To somebody who is against, once: what they can do beside it, as long as they can."""
        account = models.Account.objects.filter(**self.place.mine, member_id=member).first()
        can = possible(standing, action, member)
        if account is not None and action.state in UNDECIDED and member != action.leader:
            names = self.place.names([action.leader])
            text = cards.against(self.place.language, action, names, can=Deed.COUNTER_VOTE in can)
            self.place.outbox.put(f"against {action.ref} {member}", text, person=account.person)

    def _show(self, posts: Sequence[models.Post], standing: Standing, now: datetime) -> None:
        """Bring some cards up to date, as many as there is time for; the others are next."""
        refs = {post.action for post in posts}
        if not refs <= standing.actions.keys():
            standing = self.place.standing(refs, now)
        until, self._stale = monotonic() + AT_MOST, set()
        opened = self.place.opened(refs)
        read = dict(ReadChat.objects.filter(**self.place.mine).values_list("channel", "until"))
        for post in posts:
            before = (post.shown, post.open)
            action, ballot = standing.actions[post.action], BallotName(post.ballot)
            over = is_over(post, opened)
            later = self.place.later(post) if over or post.text == _DELETED else None
            text = self._card(standing, action, ballot)
            if later is not None:
                text = self._goes_on(post, later, over=over)
            elif post.text == _DELETED and not over and action.state in UNDECIDED:
                self._announce_anew(post, text)
            if post.card and post.shown != cards.digest(text) and monotonic() > until:
                self._stale.add(post.pk)
                continue
            self._show_one(post, text, once=later is not None)
            post.open = (
                later is None
                if over
                else cards.is_open(standing, action, ballot)
                or self._may_be_unread(cards.closes_at(action, ballot), read.get(post.channel), now)
            )
            if before != (post.shown, post.open):
                post.save(update_fields=["shown", "open"])

    def _show_one(self, post: models.Post, text: str, *, once: bool) -> None:
        """Have a card say something; `once` if perhaps nobody can read it any more."""
        if not post.card:
            key, channel = f"card {post.message}", post.channel
            self.place.outbox.put(key, text, channel=channel, thread=post.thread, post=post)
        elif post.shown != cards.digest(text):
            if once:
                post.shown = cards.digest(text)
            with self._others_go_on(post.card):
                self.place.chat.edit(post.channel, post.card, text)
                post.shown = cards.digest(text)

    @contextmanager
    def _others_go_on(self, card: str) -> Iterator[None]:
        """What the server refuses in one place stops nothing elsewhere, and is said once; a token
        it refuses does."""
        try:
            yield
        except Forbidden as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise
            if card not in self._refused:
                log.warning("the chat refuses to have the card %s edited (%s)", card, error)
            self._refused.add(card)
        else:
            self._refused.discard(card)

    def _may_be_unread(
        self, closes_at: datetime | None, read: datetime | None, now: datetime
    ) -> bool:
        """Whether a reaction in time may still be found, where a channel was read until then."""
        if closes_at is None or read is None:
            return False
        return may_record(closes_at, [self.place.ours(read)], now) is Recording.WAIT

    def _goes_on(self, post: models.Post, later: models.Post, *, over: bool) -> str:
        """What the card of an earlier message says."""
        about = {"ref": post.action, "link": self.place.chat.link(later.channel, later.message)}
        told = (
            say(
                "{ref}: the vote started again. Reactions here count no more: it goes on with"
                " {link}",
                **about,
            )
            if over
            else say("{ref}: the message is gone. The vote goes on with {link}", **about)
        )
        return self.place.language.say(told)

    def _announce_anew(self, post: models.Post, text: str) -> None:
        """Have a vote go on in a message of its own: the one before is gone, and its card with it
        from people's eyes."""
        self.place.outbox.put(
            f"again {post.message}",
            text,
            channel=post.channel,
            post=post,
            action=post.action,
            ballot=post.ballot,
            since=post.since,
        )

    def _card(self, standing: Standing, action: Action, ballot: BallotName) -> str:
        names = {action.leader: standing.members[action.leader].name}
        text = cards.card(
            self.place.language, standing, action, ballot, self.place.habits.signs, names
        )
        return "\n".join([text, *self._page_of(action.ref)])

    def _page_of(self, ref: str) -> list[str]:
        """The address of an action's page, where it is known."""
        if not ({"TOUTDOUX_URL", "TOUTDOUX_LISTENS"} & os.environ.keys()):
            return []
        path = reverse("action", kwargs={"slug": self.place.association.slug, "ref": ref})
        return [f"{settings.PUBLIC_URL}{path}"]

    def send(self, now: datetime) -> None:
        """Send what waits to be sent, as much as there is time for."""
        self.place.outbox.send(self._send, self.place.chat.now, now)

    def _send(self, one: models.Outgoing) -> str:
        channel = one.channel or self.place.chat.private(one.person)
        files = [Enclosed.of(told) for told in one.files]
        thread = "" if one.ballot in _QUESTIONS else one.thread
        # Another association, or this one begun anew, may have said something of that name there.
        key = f"{self.place.association.pk} {one.key}"
        sent = self.place.chat.send(channel, one.text, key=key, thread=thread, files=files)
        post = self._carried(one, channel, sent)
        if post is not None:
            # Again if it was stopped in between: a sign that is there already stays one.
            for choice in (Choice.FOR,) if post.ballot in _QUESTIONS else Choice:
                self.place.chat.react(
                    post.channel, post.message, self.place.habits.signs[choice][0]
                )
        return sent

    def _carried(self, one: models.Outgoing, channel: str, sent: str) -> models.Post | None:
        """The post that a message is the card of, if it is one."""
        shown = {"card": sent, "shown": cards.digest(one.text)}
        if not one.action:
            if one.post is not None:
                models.Post.objects.filter(pk=one.post.pk).update(**shown)
            return one.post
        # A question is about the message in whose place it stands.
        thread = one.thread if one.ballot in _QUESTIONS else sent
        about = {"channel": channel, "thread": thread, "action": one.action, "ballot": one.ballot}
        values: dict[str, Any] = {**about, **shown, "since": one.since, "of": one.post}
        # What came before says from now on that it goes on here.
        earlier = models.Post.objects.filter(**self.place.mine, action=one.action, open=True)
        self._stale |= set(earlier.values_list("pk", flat=True))
        post, _ = models.Post.objects.update_or_create(
            **self.place.mine, message=sent, defaults=values
        )
        if post.ballot not in _QUESTIONS:
            self.place.carries(channel, one.action)
        return post


def _question_key(what: str, about: models.Post, action: Action, seen: str) -> str:
    """Of a question to a leader: about one text, beside the one that is voted on."""
    return f"{what} {len(action.versions)} {seen} {about.message}"[:120]


def _ballot(post: models.Post) -> BallotName:
    return BallotName(post.ballot)


def _changed(
    under: Under, said: Mapping[str, Wanted], *, whole: bool
) -> Iterator[tuple[str, Wanted]]:
    """Who says something else than what was taken.

    Args:
        under: what was taken.
        said: what everybody says now.
        whole: whether all the messages could be read. If not, of what is missing nobody knows
            whether it was taken away.
    """
    for person, wanted in said.items():
        before = under.handled.get(person)
        if before is None or not before.choice or wanted.at > before.at:
            yield person, wanted
        elif whole and before.choice != wanted.choice:
            yield person, replace(wanted, again=True)
    for person, before in list(under.handled.items()):
        if whole and person not in said and before.choice:
            yield person, Wanted(None, before.at)
