"""What comes of a message by which something was proposed, and that was edited or deleted.

Who did it and why, a chat does not say: whoever may moderate there can, as well as its author. So
it changes nothing by itself, unless the rules call it a correction. The action's leader is asked,
in private, whether they amend or withdraw it; others read that the vote goes on as before.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial

from django.db.models import QuerySet

from toutdoux.actions import commands
from toutdoux.core.action import Action
from toutdoux.core.history import Choice
from toutdoux.core.replay import UNDECIDED
from toutdoux.core.words import Refusal, Sentence, say

from . import cards, models
from .faults import Faults
from .models import AMEND, DELETED, QUESTIONS, WITHDRAW
from .place import Place
from .saying import leaders_named, plain, quoted
from .system import Message
from .telling import Telling
from .votes import Votes

log = logging.getLogger("toutdoux")

_YES = ("oui", "yes", "ok", "👍")

_LONGEST_QUESTION = 3_000
"""Signs of a new text that its leader is shown, to say whether it is an amendment."""


class Edits:
    """What is done about messages that change, and what leaders answer who are asked of it."""

    def __init__(self, place: Place, votes: Votes, telling: Telling) -> None:
        self.place, self.votes, self.telling = place, votes, telling
        self.faults = Faults()

    def take_message(self, post: models.Post, message: Message, now: datetime) -> None:
        """Do what is to be done about a message that proposed something, if it is not any more what
        it was when it was last looked at."""
        seen = DELETED if message.deleted else cards.digest(message.text)
        if seen == post.text:
            return
        # Whoever voted before the edit did so on the text before, though both are read only now.
        self.votes.take(models.Post.objects.filter(pk=post.pk), now)
        action = self.place.standing([post.action], now).actions[post.action]
        if action.state in UNDECIDED:
            text = message.text.strip()
            if message.deleted:
                self.telling.show_again([post.pk])  # its card says where the vote goes on
                self._ask_leader(post, action, WITHDRAW, seen, text)
            elif text == action.object:
                pass  # back to what is voted on
            elif (stays := self._what_stays(action, text)) is not None:
                anew = say("to change that, withdraw {ref} and propose it anew", ref=action.ref)
                self.place.refuse(message, Refusal(stays, anew))
            elif self.place.member_of(message.author) == action.leader and action.is_corrected_at(
                min(message.changed_at, now)
            ):
                # Its instant as well: the same may be corrected, taken back, and corrected again.
                key = f"{seen} {message.changed_at.isoformat()}"
                at = message.changed_at
                refusal = self._do(AMEND, post, action.leader, text, key, now, at=at)
                if refusal is not None:
                    self.place.refuse(message, refusal)
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

    # --- the question to the leader --------------------------------------------------------------

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

    # --- and its answer --------------------------------------------------------------------------

    def take_reactions(self, posts: QuerySet[models.Post], now: datetime) -> None:
        """Do what leaders were asked about by some of these posts, where they reacted with yes."""
        questions = list(posts.filter(ballot__in=QUESTIONS).order_by("pk"))
        there = self.place.reactions(questions)
        for question in questions:
            if question.message in there:
                signs = there[question.message]
                yes = [one for one in signs if self.place.habits.choice(one.emoji) is Choice.FOR]
                people = [one.person for one in yes]
                does = partial(self._take_yes, question, people, now)
                self.faults.tried(f"what was asked by {question.message}", does)

    def take_word(self, message: Message, said: str, now: datetime) -> bool:
        """Do what somebody was asked about last in private, if they said a plain yes. Returns
        whether that was so."""
        if plain(said.strip(" .!")) not in _YES:
            return False
        question = self._answered_by(message)
        if question is None:
            return False
        if question.open:
            self._take_yes(question, [message.author], now)
        return True

    def _answered_by(self, message: Message) -> models.Post | None:
        """The question that a word answers: the last one that was open when it was first read. That
        is kept, so that it answers no other when it is read again."""
        posts = models.Post.objects.filter(**self.place.mine, ballot__in=QUESTIONS)
        key = f"yes {message.id}"
        known = self.place.outbox.noted(key)
        if known is not None:
            return posts.filter(message=known).first()
        question = posts.filter(channel=message.channel, open=True).order_by("pk").last()
        if question is not None:
            self.place.outbox.note(key, message.author, question.message)
        return question

    def _take_yes(self, question: models.Post, people: Iterable[str], now: datetime) -> None:
        """Do what a leader was asked about, if they are among those who said yes. If the message
        changed since, they are asked anew: this question is then of something else."""
        action = self.place.standing([question.action], now).actions[question.action]
        leads = any(self.place.member_of(person) == action.leader for person in people)
        if leads and action.state in UNDECIDED:
            about = models.Post.objects.get(**self.place.mine, message=question.thread)
            message = self.place.chat.message(about.channel, about.message)
            gone = message is None or message.deleted
            seen, text = DELETED, ""
            if message is not None and not gone:
                seen, text = cards.digest(message.text), message.text.strip()
            key = _question_key(question.ballot, about, action, seen)
            asked = models.Outgoing.objects.filter(**self.place.mine, sent=question.message)
            if not asked.filter(key=key).exists():
                return
            # Whoever voted before they said so did it on the text before.
            self.votes.take(models.Post.objects.filter(pk=about.pk), now)
            refusal = self._do(question.ballot, about, action.leader, text, question.message, now)
            if refusal is not None:
                self._say_that_it_cannot_be(question, refusal)
        if leads or action.state not in UNDECIDED:
            models.Post.objects.filter(pk=question.pk).update(open=False)

    def _say_that_it_cannot_be(self, question: models.Post, refusal: Refusal) -> None:
        key = f"refused {question.message}"
        self.place.outbox.put(key, self.place.refusal(refusal), channel=question.channel)

    # --- what is done ----------------------------------------------------------------------------

    def _do(
        self,
        what: str,
        post: models.Post,
        by: str,
        text: str,
        key: str,
        now: datetime,
        at: datetime | None = None,
    ) -> Refusal | None:
        """Returns why nothing is changed, if so."""
        asks = self.place.asks(now, at or now, cards.digest(f"{what} {post.message} {key}"))
        try:
            if what == WITHDRAW:
                commands.withdraw(asks, post.action, by=by)
            elif text:
                commands.amend(asks, post.action, text, by=by)
        except Refusal as refusal:
            return commands.names_in(refusal, self.place.association.pk)
        return None


def _question_key(what: str, about: models.Post, action: Action, seen: str) -> str:
    """Of a question to a leader: about one text, beside the one that is voted on."""
    return f"{what} {len(action.versions)} {seen} {about.message}"[:120]
