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
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from toutdoux.actions import commands, reading
from toutdoux.actions.models import ReadChat
from toutdoux.association.models import Association, Member
from toutdoux.association.settings import settings_of
from toutdoux.core.action import Action
from toutdoux.core.chain import Body
from toutdoux.core.history import BallotName, Choice
from toutdoux.core.replay import UNDECIDED, Standing
from toutdoux.core.voters import why_off_roll
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger

from . import cards, codes, models
from .asking import Answer, Asker, answer
from .reminding import remind
from .saying import Habits, leader_named
from .system import Chat, Enclosed, Forbidden, Message, News, Reaction

log = logging.getLogger("toutdoux")

AMEND, WITHDRAW = _QUESTIONS = ("amend", "withdraw")
"""What a leader is asked about when their message changed, in the place of a ballot."""

_AT_ONCE = 500
"""Entries that are told of at one look."""

_LOOK_AT_ALL = timedelta(minutes=1)
"""How often cards are looked at about which the ledger says nothing new."""

_OVERLAP = timedelta(seconds=10)
"""How much is read again: messages may come in late, and a server's clock may be set."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody's reactions say now."""

    choice: Choice | None
    """None where they took it away."""
    at: datetime


class Brain:
    """One association in one chat."""

    def __init__(self, association: Association, chat: Chat, habits: Habits | None = None) -> None:
        self.association = association
        self.chat = chat
        self.habits = habits or Habits()
        self.server = chat.server
        self.language = Language(
            association.language,
            ZoneInfo(association.time_zone),
            formal=not settings_of(association).use_tu,
        )
        self.mine: dict[str, Any] = {"association": association, "server": self.server}
        self._looked: datetime | None = None
        """When all cards were last looked at."""

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
        self.hear([one for one in news if one is not None], now)
        behind = self._behind(now)
        if behind or None in news:
            self.catch_up(now)
        if behind:  # now it was read: what was decided can be written down
            commands.settle(
                commands.Request(association=self.association.pk, now=now, via=self.chat.system)
            )
        self.send()

    def _behind(self, now: datetime) -> bool:
        """Whether a decision waits for this chat to be read."""
        due = Ledger.objects.filter(pk=self.association.pk).values_list("due_at", flat=True)[0]
        read = ReadChat.objects.filter(**self.mine)
        return due is not None and due <= now and read.filter(until__lte=due).exists()

    def catch_up(self, now: datetime) -> None:
        """Read everything that may have happened since the last time: messages, and the reactions
        under every ballot that is still open."""
        until = self.chat.now()
        channels = self.chat.channels()
        for channel in channels:
            read, _ = ReadChat.objects.get_or_create(
                **self.mine, channel=channel.id, defaults={"until": until}
            )
            for message in self.chat.messages(channel.id, read.until - _OVERLAP):
                self._message(message, now)
        self._reactions(models.Post.objects.filter(**self.mine, open=True), now)
        # Only now: whatever was not handled would be read again.
        were_read = ReadChat.objects.filter(channel__in=[one.id for one in channels])
        were_read.filter(**self.mine).update(until=until)

    def hear(self, news: Iterable[News], now: datetime) -> None:
        """Look at the messages that something happened to."""
        said = {(one.channel, one.message): one.reacted for one in news}
        for (channel, id), reacted in said.items():
            if not reacted:
                message = self.chat.message(channel, id)
                if message is not None:
                    self._message(message, now)
        posts = models.Post.objects.filter(**self.mine, open=True)
        ids = [id for _, id in said]
        self._reactions(posts.filter(message__in=ids) | posts.filter(card__in=ids), now)

    def _message(self, message: Message, now: datetime) -> None:
        if message.automatic or message.author == self.chat.me:
            return
        post = models.Post.objects.filter(**self.mine, message=message.id).exclude(text="").first()
        if post is not None:
            self._changed_message(post, message, now)
            return
        if message.deleted:
            return
        asked = message.text if message.private else self._said_to_me(message.text)
        if asked is not None:
            self._reply(message, asked, now)
            return
        kinds = self.habits.kinds(message.text)
        if not kinds or message.thread:
            return
        try:
            self._propose(message, now)
        except Refusal as refusal:
            refusal = commands.names_in(refusal, self.association.pk)
            self._answer(message, refusal.why, refusal.remedy)

    # --- answering -------------------------------------------------------------------------------

    def _said_to_me(self, text: str) -> str | None:
        """What stands after the bot's own name at the beginning; None if it does not."""
        found = re.match(
            rf"@?{re.escape(self._handle)}(?::[\w.:-]+)?\b[\s:,]*", text, re.IGNORECASE
        )
        return None if found is None else text[found.end() :]

    @cached_property
    def _handle(self) -> str:
        me = self.chat.person(self.chat.me)
        return me.handle if me is not None else self.chat.me

    def _reply(self, message: Message, asked: str, now: datetime) -> None:
        key = f"answer {message.id}"
        if models.Outgoing.objects.filter(**self.mine, key=key).exists():
            return
        request = self._asks(now, now, cards.digest(f"{message.id} {message.text}"))
        code = re.fullmatch(r"\s*(?:inscription|register)\s+(\S+)\s*", asked, re.IGNORECASE)
        member = self._member_of(message.author) or ""
        if code is not None:
            told = Answer(self._register(request, message.author, code[1]))
        else:
            asker = Asker(self.association, self.language, now, member, request)
            told = answer(asker, asked)
        if message.private:
            self.wait(key, told.text, person=message.author, files=told.files)
        else:
            thread = message.thread or message.id
            self.wait(key, told.text, channel=message.channel, thread=thread, files=told.files)

    def _register(self, request: commands.Request, person: str, code: str) -> str:
        try:
            name = codes.use(request, self.server, person, code)
        except Refusal as refusal:
            said = say("{why} → {remedy}", why=refusal.why, remedy=refusal.remedy)
            text = self.language.say(said)
            return text[0].upper() + text[1:]
        return self.language.say(
            say("Welcome, {name}. From now on your reactions are your votes.", name=name)
        )

    # --- proposals -------------------------------------------------------------------------------

    def _propose(self, message: Message, now: datetime) -> None:
        kinds = self.habits.kinds(message.text)
        if len(kinds) > 1:
            raise Refusal(
                say("nothing is proposed yet: an action is either ordinary or extraordinary"),
                say("write it again with the one hashtag that it is"),
            )
        if not self.habits.says_something(message.text):
            raise Refusal(
                say("nothing is proposed yet: the message does not say what it is about"),
                say("write it again, with what you would like to do"),
            )
        by = self._member_of(message.author)
        if by is None:
            raise Refusal(
                say("nothing is proposed yet: I do not know whose chat account this is"),
                say("ask for a code on your page, or of a référent·e, and send it to me"),
            )
        leader = leader_named(message.text)
        (kind,) = kinds
        ref = commands.propose(
            self._asks(now, message.at, f"{message.id}"),
            kind,
            message.text.strip(),
            by=by,
            leader=None if leader is None else self._called(leader),
            link=self.chat.link(message.channel, message.id),
        )
        models.Post.objects.get_or_create(
            **self.mine,
            message=message.id,
            defaults={
                "channel": message.channel,
                "thread": message.id,
                "action": ref,
                "ballot": BallotName.ACTION,
                "text": cards.digest(message.text),
            },
        )

    # --- edits and deletions ---------------------------------------------------------------------

    def _changed_message(self, post: models.Post, message: Message, now: datetime) -> None:
        """A message that proposed something was edited or deleted: who did it and why, a chat does
        not say. So it changes nothing by itself, unless the rules call it a correction."""
        seen = "deleted" if message.deleted else cards.digest(message.text)
        if seen == post.text:
            return
        action = self.standing([post.action], now).actions[post.action]
        if action.state in UNDECIDED:
            text = message.text.strip()
            if message.deleted:
                self._ask_leader(post, action, WITHDRAW, seen)
            elif text == action.object:
                pass  # back to what is voted on
            elif action.is_corrected_at(min(message.changed_at, now)):
                self._do(AMEND, post, action.leader, text, seen, now, at=message.changed_at)
            else:
                self._ask_leader(post, action, AMEND, seen)
        post.text = seen
        post.save(update_fields=["text"])

    def _ask_leader(self, post: models.Post, action: Action, what: str, seen: str) -> None:
        account = models.Account.objects.filter(**self.mine, member_id=action.leader).first()
        if account is None:
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
        self.wait(
            f"{what} {post.message} {seen}",
            self.language.say(question),
            person=account.person,
            thread=post.message,
            action=action.ref,
            ballot=what,
        )

    @property
    def _yes(self) -> str:
        return self.habits.signs[Choice.FOR][0]

    def _said_yes(self, question: models.Post, there: Iterable[Reaction], now: datetime) -> None:
        """Do what a leader was asked about, if they said yes."""
        leader = self.standing([question.action], now).actions[question.action].leader
        for one in there:
            member = self._member_of(one.person)
            if member == leader and self.habits.choice(one.emoji) is Choice.FOR:
                about = models.Post.objects.get(**self.mine, message=question.thread)
                message = self.chat.message(about.channel, about.message)
                text = "" if message is None else message.text.strip()
                self._do(question.ballot, about, member, text, question.message, now)
                models.Post.objects.filter(pk=question.pk).update(open=False)
                return

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
        asks = self._asks(now, at or now, cards.digest(f"{what} {post.message} {key}"))
        try:
            if what == WITHDRAW:
                commands.withdraw(asks, post.action, by=by)
            elif text:
                commands.amend(asks, post.action, text, by=by)
        except Refusal as refusal:
            log.info("%s: nothing is changed: %s", post.action, refusal.why.message)

    def _called(self, handle: str) -> str:
        """The member whom a message names: by their chat account, else by their handle."""
        person = self.chat.called(handle)
        found = None if person is None else self._member_of(person.id)
        if found is None:
            named = reading.member_called(self.association.pk, handle)
            found = None if named is None else named.id
        if found is None:
            raise Refusal(
                say("nothing is proposed yet: nobody here is called “{name}”", name=handle),
                say("write it again, with the leader's handle"),
            )
        return found

    # --- votes -----------------------------------------------------------------------------------

    def _reactions(self, posts: Iterable[models.Post], now: datetime) -> None:
        """Take what the reactions under some posts say, in the order in which they were made."""
        found = {post.pk: post for post in posts}
        told: dict[int, dict[str, Wanted]] = {}
        for channel in {post.channel for post in found.values()}:
            here = [post for post in found.values() if post.channel == channel]
            messages = [id for post in here for id in (post.message, post.card) if id]
            there = self.chat.reactions(channel, messages)
            for post in here:
                if post.message not in there:
                    continue  # nobody knows what stands there now: nothing changes
                if post.ballot in _QUESTIONS:
                    self._said_yes(post, there.get(post.message, ()), now)
                else:
                    told[post.pk] = self._wanted(post, there)
        changes = [
            (wanted.at, found[id], person, wanted)
            for id, said in told.items()
            for person, wanted in self._changed(found[id], said, now)
        ]
        changes.sort(key=lambda change: change[0])
        for _, post, person, wanted in changes:
            self._take(post, person, wanted, now)

    def _wanted(
        self, post: models.Post, there: Mapping[str, Sequence[Reaction]]
    ) -> dict[str, Wanted]:
        """What each person's reactions under a post say: the one added last that is still there."""
        both = [*there.get(post.message, ()), *there.get(post.card, ())]
        said: dict[str, Wanted] = {}
        for one in sorted(both, key=lambda one: one.at):
            choice = self.habits.choice(one.emoji)
            if choice is not None and one.person != self.chat.me:
                said[one.person] = Wanted(choice, one.at)
        return said

    def _changed(
        self, post: models.Post, said: Mapping[str, Wanted], now: datetime
    ) -> Iterable[tuple[str, Wanted]]:
        """Who says something else than what was taken, and from when it counts."""
        handled = {one.person: one for one in post.handled.all()}
        for person, wanted in said.items():
            before = handled.get(person)
            if before is None or wanted.at > before.at:
                yield person, wanted
            elif before.choice != wanted.choice:
                # An older one counts again, because a newer one was taken away: from now on.
                yield person, Wanted(wanted.choice, max(now, before.at))
        for person, before in handled.items():
            if person not in said and before.choice:
                yield person, Wanted(None, max(now, before.at))

    def _take(self, post: models.Post, person: str, wanted: Wanted, now: datetime) -> None:
        member = self._member_of(person)
        taken = member is not None and self._vote(post, person, member, wanted, now)
        models.Handled.objects.update_or_create(
            post=post,
            person=person,
            defaults={"choice": wanted.choice or "", "at": wanted.at, "taken": taken},
        )
        if member is None and wanted.choice is not None:
            self.whisper(
                f"stranger {person}",
                person,
                say(
                    "Your reaction does not count as a vote: I do not know whose chat account this"
                    " is. Members get a code on their page, or of a référent·e: send it to me here."
                ),
            )

    def _vote(
        self, post: models.Post, person: str, member: str, wanted: Wanted, now: datetime
    ) -> bool:
        """Make a vote of a reaction. False if it was not taken."""
        key = f"{post.message} {person} {wanted.choice or '-'} {wanted.at.isoformat()}"
        asks = self._asks(now, wanted.at, cards.digest(key))
        ballot = BallotName(post.ballot)
        try:
            if wanted.choice is not None:
                commands.vote(asks, post.action, wanted.choice, by=member, ballot=ballot)
            elif self._cast_here(post, member):
                commands.withdraw_vote(asks, post.action, by=member, ballot=ballot)
        except Refusal as refusal:
            # Too late, or taken back already elsewhere: what stands, stands.
            log.info("%s: a reaction changes nothing: %s", post.action, refusal.why.message)
            return False
        if wanted.choice is not None:
            self._say_if_opinion(post, person, member, now)
        return True

    def _cast_here(self, post: models.Post, member: str) -> bool:
        """Whether somebody's vote in force came from this chat: only that goes with a reaction."""
        erased = ""
        entries = reading.entries_about(self.association.pk, post.action, erased)
        theirs = [
            one
            for one in entries
            if one["kind"] in ("vote.cast", "vote.withdrawn")
            and one["by"] == member
            and one["data"]["ballot"] == post.ballot
        ]
        last = max(theirs, key=lambda one: (one["at"], one["seq"]), default=None)
        return last is not None and last["kind"] == "vote.cast" and last["via"] == self.chat.system

    def _say_if_opinion(self, post: models.Post, person: str, member: str, now: datetime) -> None:
        standing = self.standing([post.action], now)
        action = standing.actions[post.action]
        ballot = action.ballot_named(BallotName(post.ballot))
        if ballot is not None and member in ballot.opinions:
            self.whisper(
                f"opinion {post.action} {person}",
                person,
                say(
                    "Your vote on {ref} is kept as an opinion, and not counted: {why}.",
                    ref=post.action,
                    why=why_off_roll(standing, action, member),
                ),
            )

    # --- telling ---------------------------------------------------------------------------------

    def tell(self, now: datetime) -> None:
        """Tell of what the ledger says since, wherever it was done; bring the cards up to date."""
        followed, _ = models.Followed.objects.get_or_create(
            **self.mine, defaults={"seq": Ledger.objects.get(pk=self.association.pk).length}
        )
        rows = book.rows(self.association.pk, followed.seq + 1, followed.seq + _AT_ONCE)
        entries = [orjson.loads(body) for _, body, _ in rows]
        refs = {str(entry["data"]["action"]) for entry in entries if "action" in entry["data"]}
        standing = self.standing(refs, now)
        for entry in entries:
            self._tell_of(entry, standing)
        posts = models.Post.objects.filter(**self.mine, open=True).exclude(ballot__in=_QUESTIONS)
        if self._looked is None or now - self._looked >= _LOOK_AT_ALL:
            self._looked = now  # time alone changes some: a ballot closes, an action is contested
            remind(self, now)
        else:
            posts = posts.filter(action__in=refs)
        self._show(list(posts), now)
        if entries:
            models.Followed.objects.filter(pk=followed.pk).update(seq=entries[-1]["seq"])
        self.send()

    def _tell_of(self, entry: Body, standing: Standing) -> None:
        """Tell of one entry. Its number is in the key of what is sent: so that is sent once."""
        ref, seq = str(entry["data"].get("action", "")), entry["seq"]
        action = standing.actions.get(ref)
        if action is None:
            return
        post = models.Post.objects.filter(**self.mine, action=ref, ballot=BallotName.ACTION).first()
        match entry["kind"]:
            case "action.proposed" if post is None:
                self._announce(f"{seq}", standing, action, BallotName.ACTION, "")
            case "counter_vote.called" if action.counter_vote is not None:
                place = post.channel if post else ""
                self._announce(f"{seq}", standing, action, BallotName.COUNTER_VOTE, place)
            case "action.adopted" | "action.cancelled" | "action.withdrawn" | "action.amended":
                if entry["kind"] == "action.amended" and post is not None:
                    post.open = True
                    post.save(update_fields=["open"])
                self._outcome(f"{seq}", standing, action, post)
            case "vote.cast" if entry["data"]["choice"] == "against":
                if entry["data"]["ballot"] == BallotName.ACTION:
                    self._offer_to_talk(entry["by"], action)

    def _announce(
        self, key: str, standing: Standing, action: Action, ballot: BallotName, channel: str
    ) -> None:
        """Have a vote announced in a message of its own, to react to."""
        channel = channel or self.main_channel
        text = self._card(standing, action, ballot)
        self.wait(f"vote {key}", text, channel=channel, action=action.ref, ballot=ballot)

    def _outcome(
        self, key: str, standing: Standing, action: Action, post: models.Post | None
    ) -> None:
        text = cards.outcome(self.language, standing, action)
        channel = post.channel if post is not None else self.main_channel
        self.wait(f"outcome {key}", text, channel=channel)
        if post is not None:
            self.wait(f"thread {key}", text, channel=channel, thread=post.thread)

    def _offer_to_talk(self, member: str, action: Action) -> None:
        """To somebody who is against, once: what they can do beside it."""
        account = models.Account.objects.filter(**self.mine, member_id=member).first()
        if account is not None:
            text = cards.against(self.language, action, self._names([action.leader]))
            self.wait(f"against {action.ref} {member}", text, person=account.person)

    def _show(self, posts: Sequence[models.Post], now: datetime) -> None:
        """Bring some cards up to date."""
        if not posts:
            return
        standing = self.standing({post.action for post in posts}, now)
        for post in posts:
            action, ballot = standing.actions[post.action], BallotName(post.ballot)
            text = self._card(standing, action, ballot)
            if not post.card:
                self.wait(
                    f"card {post.message}",
                    text,
                    channel=post.channel,
                    thread=post.thread,
                    post=post,
                )
            elif post.shown != cards.digest(text):
                with _others_go_on(post.action):
                    self.chat.edit(post.channel, post.card, text)
                    post.shown = cards.digest(text)
            post.open = cards.is_open(standing, action, ballot)
            post.save(update_fields=["shown", "open"])

    def _card(self, standing: Standing, action: Action, ballot: BallotName) -> str:
        names = self._names([action.leader])
        return cards.card(self.language, standing, action, ballot, self.habits.signs, names)

    def send(self) -> None:
        """Send what waits to be sent."""
        for one in models.Outgoing.objects.filter(**self.mine, sent="").order_by("id"):
            with _others_go_on(one.key):
                self._send(one)

    def _send(self, one: models.Outgoing) -> None:
        channel = one.channel or self.chat.private(one.person)
        files = [_enclosed(told) for told in one.files]
        thread = "" if one.ballot in _QUESTIONS else one.thread
        sent = self.chat.send(channel, one.text, key=one.key, thread=thread, files=files)
        post = self._carried(one, channel, sent)
        if post is not None:
            # Again if it was stopped in between: a sign that is there already stays one.
            for choice in (Choice.FOR,) if post.ballot in _QUESTIONS else Choice:
                self.chat.react(post.channel, post.message, self.habits.signs[choice][0])
        models.Outgoing.objects.filter(pk=one.pk).update(sent=sent, text="", files=[])

    def _carried(self, one: models.Outgoing, channel: str, sent: str) -> models.Post | None:
        """The post that a message is the card of, if it is one."""
        shown = {"card": sent, "shown": cards.digest(one.text)}
        if one.post is not None:
            models.Post.objects.filter(pk=one.post.pk).update(**shown)
            return one.post
        if not one.action:
            return None
        # A question is about the message in whose place it stands.
        thread = one.thread if one.ballot in _QUESTIONS else sent
        about = {"channel": channel, "thread": thread, "action": one.action, "ballot": one.ballot}
        values: dict[str, Any] = {**about, **shown}
        post, _ = models.Post.objects.update_or_create(**self.mine, message=sent, defaults=values)
        return post

    def _answer(self, message: Message, why: Sentence, remedy: Sentence) -> None:
        text = self.language.say(say("{why} → {remedy}", why=why, remedy=remedy))
        self.wait(
            f"answer {message.id}",
            text[0].upper() + text[1:],
            channel=message.channel,
            thread=message.thread or message.id,
        )

    def whisper(self, key: str, person: str, sentence: Sentence) -> None:
        self.wait(key, self.language.say(sentence), person=person)

    def wait(
        self,
        key: str,
        text: str,
        *,
        channel: str = "",
        person: str = "",
        thread: str = "",
        post: models.Post | None = None,
        action: str = "",
        ballot: str = "",
        files: Sequence[Enclosed] = (),
    ) -> None:
        """Have something sent, unless it was before."""
        models.Outgoing.objects.get_or_create(
            **self.mine,
            key=key[:120],
            defaults={
                "text": text,
                "channel": channel,
                "person": person,
                "thread": thread,
                "post": post,
                "action": action,
                "ballot": ballot,
                "files": [_kept(one) for one in files],
            },
        )

    # --- asking ----------------------------------------------------------------------------------

    @property
    def main_channel(self) -> str:
        """Where what has no place of its own is told. Raises `Forbidden` where there is none."""
        channels = self.chat.channels()
        if not channels:
            raise Forbidden(403, {"id": "no channel"})
        return channels[0].id

    def _asks(self, now: datetime, at: datetime, key: str) -> commands.Request:
        return commands.Request(
            association=self.association.pk,
            now=now,
            via=self.chat.system,
            at=at if at < now else None,
            key=key,
        )

    def _member_of(self, person: str) -> str | None:
        account = models.Account.objects.filter(**self.mine, person=person)
        return account.values_list("member_id", flat=True).first()

    def standing(self, refs: Collection[str], now: datetime) -> Standing:
        return reading.standing(self.association.pk, now, self.language.word("(erased)"), only=refs)

    def _names(self, ids: Iterable[str]) -> dict[str, str]:
        rows = Member.objects.filter(pk__in=set(ids)).values_list("id", "name")
        return {id: name or self.language.word("(erased)") for id, name in rows}


def _kept(file: Enclosed) -> list[str]:
    return [file.name, file.media_type, b64encode(file.content).decode()]


def _enclosed(told: Sequence[str]) -> Enclosed:
    return Enclosed(told[0], told[1], b64decode(told[2]))


@contextmanager
def _others_go_on(what: str) -> Iterator[None]:
    """What the server refuses in one place stops nothing elsewhere; a token it refuses does."""
    try:
        yield
    except Forbidden as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise
        log.warning("%s: the chat refuses (%s)", what, error)
