"""What the bot does: it knows no chat system, and no rule of the association's.

It handles what is *there*, not what it was told happened. A message is read; its present reactions
are compared with those that were taken already; what differs becomes a command, with a key that
makes it one however often it is said. So it may be stopped anywhere, miss anything, or hear it
twice: whatever it does again changes nothing.

    1. Read what people said and reacted to (`catch_up` reads everything, `hear` only what is new).
    2. Tell of what the ledger says since: cards, outcomes (`tell`), whoever did it, wherever.
    3. Send what waits to be sent.

What is proposed and asked is acted on here. Reactions are votes in `votes.py`, messages that change
are looked at in `edits.py`, and what there is to tell is in `telling.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial

from django.db import transaction
from django.db.models import Q, QuerySet

from toutdoux.actions import commands
from toutdoux.actions.models import Action as ActionRow
from toutdoux.actions.models import ReadChat
from toutdoux.core.history import BallotName
from toutdoux.core.late import PATIENCE
from toutdoux.core.words import Refusal, say
from toutdoux.ledger.models import Ledger
from toutdoux.web import limits

from . import cards, codes, models
from .asking import (
    Answer,
    Asker,
    answer,
    changes_something,
    how_to_be_known,
    refused,
    takes_long,
    who_asks,
)
from .edits import Edits
from .faults import PASSING, Faults
from .place import Place
from .saying import leader_named
from .system import Message, News
from .telling import Telling
from .votes import Votes, read_votes

_READ_ALL = timedelta(minutes=10)
"""How often everything is read though nothing seems to have been missed: so what is known to have
been read is never long ago, and a line that went silent loses nothing."""

_TRY_AGAIN = timedelta(seconds=10)
"""How often everything is read as long as a decision waits for it."""

_LATEST = timedelta(hours=1)
"""How much older than what was read already a message may say that it is. Those who have a server
of their own may give theirs any date."""

_OVERLAP = timedelta(seconds=10)
"""How much is read again: messages may come in late, and a server's clock may be set."""

_BEFORE_FIRST = timedelta(days=1)
"""How old what was said in private may be, to be answered by a bot that never ran before."""


class Brain:
    """What hears, and acts on what it hears."""

    def __init__(
        self,
        place: Place,
        beside: Callable[[Callable[[], None]], object] = lambda job: job(),
    ) -> None:
        """`beside` does what takes long while others vote."""
        self.place = place
        self.votes = Votes(place)
        self.telling = Telling(place)
        self.edits = Edits(place, self.votes, self.telling)
        self.faults = Faults()
        self._beside = beside
        self._writing: dict[str, datetime] = {}
        """What is being answered beside, by what the answer is known by; and when it was asked."""
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

    def tell(self, now: datetime) -> None:
        """Tell of what the ledger says since, wherever it was done; bring the cards up to date."""
        untold = self.telling.untold()
        if any(one.entry["kind"] == "account.claimed" for one in untold):
            # Somebody may be known from now on who has reacted before.
            self._take_reactions(models.Post.objects.filter(**self.place.mine, open=True), now)
        self.telling.tell(untold, now)

    # --- hearing ---------------------------------------------------------------------------------

    def hear_all(self, news: Sequence[News | None], now: datetime) -> None:
        """Act on what happened since the last turn.

        Args:
            news: `None` among it if some may have been missed.
            now: the present instant, in UTC.
        """
        # Before what was said is heard, which may take long.
        if self.place.ahead is None or None in news or self._has_long_not_read(now):
            self.place.compare_clocks(now)
        self.hear([one for one in news if one is not None], now)
        due = self._due(now)
        unread = due is not None and self._is_unread(due)
        if unread or None in news or self._has_long_not_read(now):
            self.catch_up(now)
        if due is not None:  # now it was read: what was decided can be written down
            id, via = self.place.association.pk, self.place.chat.system
            commands.settle(commands.Request(association=id, now=now, via=via))
        self.telling.send(now)

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
        until = self.place.chat.now()
        self._privates(until, now)
        channels = self.place.chat.channels()
        said: list[Message] = []
        for channel in channels:
            read, _ = ReadChat.objects.get_or_create(
                **self.place.mine, channel=channel.id, defaults={"until": until}
            )
            said += self.place.chat.messages(channel.id, read.until - _OVERLAP)
        # What is told in order of time, whatever the channel, is played as it comes.
        said.sort(key=lambda one: one.changed_at)
        left = {one.channel for one in said if not self._is_done_with(one, now)}
        left |= self._take_reactions(models.Post.objects.filter(**self.place.mine, open=True), now)
        # Only now: whatever was not handled would be read again. So are channels where something
        # met a fault: decisions wait for it as for what is not known yet.
        were_read = ReadChat.objects.filter(channel__in={one.id for one in channels} - left)
        # By the server's clock, from which the next reading goes on: a decision comes as much later
        # as that is behind ours. Where it is ahead, no more was read for that. And what is answered
        # only now is read again if that is stopped.
        asked = [self.place.theirs(at) for at in list(self._writing.values())]
        were_read.filter(**self.place.mine).update(until=min(until, now, *asked))
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
                self._is_done_with(message, now)

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
                    self._is_done_with(message, now)
        # Also where the vote is over: whoever comes too late is told.
        is_looked_at = Q(open=True) | ~Q(ballot__in=models.QUESTIONS)
        posts = models.Post.objects.filter(is_looked_at, **self.place.mine)
        ids = [id for _, id in said]
        self._take_reactions(posts.filter(message__in=ids) | posts.filter(card__in=ids), now)

    def _take_reactions(self, posts: QuerySet[models.Post], now: datetime) -> set[str]:
        """Take what the reactions under some posts say: votes, and what leaders answer. Returns the
        channels where some could not be taken."""
        left = self.votes.take(posts, now)
        self.edits.take_reactions(posts, now)
        return left

    def _is_done_with(self, message: Message, now: datetime) -> bool:
        """Act on a message. Returns whether it need not be read again: not if it met a fault of its
        own, unless that was so for as long as a decision waits."""
        what = f"the message {message.id}"
        done = self.faults.tried(what, partial(self._message, message, now))
        return done or now - self.place.ours(message.changed_at) >= PATIENCE

    def _message(self, message: Message, now: datetime) -> None:
        if message.automatic or message.author == self.place.chat.me:
            return
        at, changed_at = self.place.ours(message.at), self.place.ours(message.changed_at)
        message = replace(message, at=at, changed_at=changed_at)
        post = models.Post.objects.filter(**self.place.mine, message=message.id).first()
        if post is not None:
            if post.text:  # of what was imported, an edit changes nothing
                self.edits.take_message(post, message, now)
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
        if not self.faults.tried(key, partial(self._answer, key, message, asked, now)):
            self._say_that_it_failed(key, message)

    def _answer(self, key: str, message: Message, asked: str, now: datetime) -> None:
        if self.edits.take_word(message, asked, now):
            return
        self.place.meet(message.author, now)
        if not takes_long(asked):
            self._tell_what_was_asked(key, message, asked, now)
            return

        def tell() -> None:
            try:
                does = partial(self._tell_what_was_asked, key, message, asked, now)
                if not self.faults.tried(key, does):
                    self._say_that_it_failed(key, message)
            except PASSING:  # of what others do beside, nobody waits for it
                self._say_that_it_failed(key, message)
                raise
            finally:
                self._writing.pop(key, None)

        self._writing[key] = max(message.at, now - _BEFORE_FIRST)
        self._beside(tell)

    def _tell_what_was_asked(self, key: str, message: Message, asked: str, now: datetime) -> None:
        asker = self._asker(message, now)
        # Stopped in between, who asked would be told of what was done that it cannot be done. What
        # is only looked at keeps nobody waiting for it.
        with transaction.atomic() if changes_something(asked) else nullcontext():
            told = self._answered(asker, asked)
            self._say_to_who_asked(key, message, told)

    def _say_that_it_failed(self, key: str, message: Message) -> None:
        fault = Refusal(
            say("something went wrong in the program, and nothing was changed"),
            say("try again; if it happens again, tell whoever runs this installation"),
        )
        self._say_to_who_asked(key, message, Answer(self.place.refusal(fault)))

    def _say_to_who_asked(self, key: str, message: Message, told: Answer) -> None:
        outbox = self.place.outbox
        if message.private or told.secret:
            outbox.put(key, told.text, person=message.author, files=told.files)
        if message.private:
            return
        thread = message.thread or message.id
        if told.secret:
            where = self.place.language.say(say("I send it to you in a private message."))
            outbox.put(f"{key} where", where, channel=message.channel, thread=thread)
        else:
            outbox.put(key, told.text, channel=message.channel, thread=thread, files=told.files)

    def _asker(self, message: Message, now: datetime) -> Asker:
        return who_asks(
            self.place.association,
            self.place.chat,
            message.author,
            now,
            f"{message.id} {message.text}",
            self.place.habits,
            self.place.language,
            self.place.on_time(self._said_at(message, now), now),
        )

    def _answered(self, asker: Asker, asked: str) -> Answer:
        """Carry out what somebody asks, unless they ask faster than anybody reads."""
        who = cards.digest(f"{asker.association.pk} {asker.server} {asker.person}")
        try:
            limits.count("chat", who, asker.said_at or asker.now)
        except limits.TooOften as refusal:
            return refused(asker, refusal)
        return answer(asker, asked)

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

    def _called(self, handle: str) -> str:
        found = self.place.member_called(handle)
        if found is None:
            raise Refusal(
                say("nothing is proposed yet: nobody here is called “{name}”", name=handle),
                say("write it again, with the handle of a member whose chat account I know"),
            )
        return found

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
