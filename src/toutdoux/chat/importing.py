"""An association's past in a chat: what its members proposed and voted there by hand.

A message with the hashtag was an action, the reactions under it were its votes. The core judges
them as it judges everything, by the association's charter and members: so what is taken is what the
rules say came out of it. Only what is over is taken, once: what was recorded before, by whichever
channel, is left alone.

What a chat does not tell, nobody knows: a counter-vote that was held by hand, a reaction that was
taken away since, what stood in a message before it was edited, and one that was deleted.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import count
from typing import Any, TypeVar
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from django.db import transaction

from toutdoux.actions import commands, reading
from toutdoux.actions import models as actions
from toutdoux.core import history as h
from toutdoux.core.action import Action
from toutdoux.core.charter import Kind
from toutdoux.core.entries import Course, ImportedAction, ImportedVote, kind_and_number
from toutdoux.core.replay import STEP, Play
from toutdoux.core.words import Refusal, Sentence, say

from . import codes, models
from .http import pause
from .place import Place
from .saying import leaders_named
from .system import Message, Person, Reaction, Unreachable
from .votes import Wanted, read_votes

Progress = Callable[[int, int], None]
"""Told how many of how many messages with a hashtag are read."""
Answer = TypeVar("Answer")

_AT_ONCE = 100
"""How many messages are asked about at once."""
_ATTEMPTS = 4
"""How often something is asked that the server does not answer."""
_NUMBER = re.compile(
    rf"\W*(?:(?P<prefix>{'|'.join(kind.prefix for kind in Kind)})\s?|n[°o]\s?|(?<=#))"
    r"(?P<number>[1-9]\d{0,3})(?!\w)",
    re.IGNORECASE,
)
"""The number that a message begins with: `AE27`, `#27`, `n° 27`."""


@dataclass(frozen=True, slots=True)
class Found:
    """An action that was never recorded, and whose vote is over."""

    of: Mapping[str, Any]
    """The association and the server."""
    message: Message
    kind: Kind
    number: int | None
    """The one that it carries."""
    leader: str
    """What they are called there, if they are nobody's account."""
    leader_id: str | None
    link: str
    course: Course


@dataclass(frozen=True, slots=True)
class Left:
    """A message that is not taken."""

    message: Message
    why: Sentence


class Past:
    """What chats hold of an association's past, as far as they were read."""

    def __init__(self, association: str, time_zone: str, now: datetime) -> None:
        """Args:
        association: its id.
        time_zone: its time zone's name.
        now: the present instant, in UTC.
        """
        self.association, self.now, self.zone = association, now, ZoneInfo(time_zone)
        self.found: list[Found] = []
        self.left: list[Left] = []
        self.there = 0
        """How many messages were recorded before."""
        self.strangers: Counter[str] = Counter()
        """How many reactions are of accounts nobody is tied to, by what these are called."""
        self.uncounted = 0
        """How many votes came too late, or were of somebody who was not on the roll."""
        self._members, self._charters = reading.everybody(association, "")
        self._links = _links(association)
        self._days = self._known_days()
        self._claimed: set[tuple[Kind, int]] = set()

    # --- reading ---------------------------------------------------------------------------------

    def read(self, place: Place, since: datetime, progress: Progress = lambda *_: None) -> None:
        """Read the watched channels of a chat. Raises `Unreachable` and `Forbidden`.

        Args:
            place: where, and how people say things there.
            since: messages before that instant are left alone, in UTC.
            progress: told from time to time how far it is.
        """
        people = _People(place, self.now)
        chat = place.chat
        for channel in _patiently(chat.channels):
            messages = _patiently(partial(_messages, place, channel.id, since))
            told = [one for one in messages if _proposes(place, one)]
            for start in range(0, len(told), _AT_ONCE):
                progress(start, len(told))
                some = told[start : start + _AT_ONCE]
                ids = [one.id for one in some]
                there = _patiently(partial(chat.reactions, channel.id, ids))
                for message in some:
                    self._look_at(place, people, message, there.get(message.id))

    def _look_at(
        self, place: Place, people: _People, message: Message, there: Sequence[Reaction] | None
    ) -> None:
        try:
            kind = place.habits.kind(message.text)
            commands.check_texts(message.text)
            number = _number(place.habits.rest(message.text), kind)
            link = place.chat.link(message.channel, message.id)
            if self._is_there(place, message, kind, number, link):
                self.there += 1
                return
            if number is not None:
                self._claimed.add((kind, number))
            if there is None:
                raise _left(say("its reactions cannot be read any more"))
            self._take(place, people, message, kind, number, link, there)
        except Refusal as refusal:
            self.left.append(Left(message, refusal.why))

    def _is_there(
        self, place: Place, message: Message, kind: Kind, number: int | None, link: str
    ) -> bool:
        """Whether it was recorded: by the bot, with a link to the message, or from a table that has
        this number for this day."""
        return (
            models.Post.objects.filter(**place.mine, message=message.id).exists()
            or link in self._links
            or message.id in self._links
            or (number is not None and self._days.get((kind, number)) == self._day(message))
        )

    def _take(
        self,
        place: Place,
        people: _People,
        message: Message,
        kind: Kind,
        number: int | None,
        link: str,
        there: Sequence[Reaction],
    ) -> None:
        votes: list[tuple[str, Wanted]] = []
        strangers = []
        for person, wanted in read_votes(place, there).items():
            member = people.member(person)
            if member is not None:
                votes.append((member, wanted))
            elif not people.is_bot(person):
                strangers.append(people.handle(person))
        action, at = self._judge(message, kind, votes)
        if action.decision is None or action.decision.how is None or action.closes_at > self.now:
            raise _left(
                say(
                    "its vote is not over before {at}: import it then, or write it again, where the"
                    " bot watches",
                    at=action.closes_at,
                )
            )
        self.strangers.update(strangers)
        self.uncounted += len(votes) - len(action.ballot.votes)
        leader, leader_id = people.leader(message)
        course = Course(
            proposed_at=message.at,
            state=action.decision.state,
            how=action.decision.how,
            decided_at=action.decision.at,
            votes=tuple(
                ImportedVote(by, choice, at[by]) for by, choice in action.ballot.votes.items()
            ),
        )
        of = place.mine
        self.found.append(Found(of, message, kind, number, leader, leader_id, link, course))

    def _judge(
        self, message: Message, kind: Kind, votes: Iterable[tuple[str, Wanted]]
    ) -> tuple[Action, dict[str, datetime]]:
        """What the rules say came out of it; and when everybody cast the vote that they have.

        It is played alone, as told now: so it knows of every member from their very day. Who
        proposed it changes nothing, and may be nobody's account: any member does in their place.
        """
        if message.at > self.now:
            raise _left(say("it is still to come"))
        by = next(
            (id for id, one in self._members.items() if one.membership(message.at, self.now)), None
        )
        if by is None:
            raise _left(say("nobody was a member then, by the list of members"))
        charters = [one for one in self._charters if one.since is None or one.since <= message.at]
        play = Play(self._members, charters, granted=dict(self._members.granted))
        for member in self._members.values():
            play.expect_departures(member)
        proposed = h.Proposed(
            at=message.at, recorded_at=self.now, kind=kind, by=by, object=message.text, number=1
        )
        play.take(proposed, STEP)
        (action,) = play.actions.values()
        at: dict[str, datetime] = {}
        in_order = sorted(votes, key=lambda vote: vote[1].at)
        for place, (id, wanted) in enumerate(in_order, 2):
            assert wanted.choice is not None
            if wanted.at > self.now:
                break
            vote = h.VoteCast(
                at=wanted.at, recorded_at=self.now, action=action.ref, by=id, choice=wanted.choice
            )
            try:
                play.take(vote, STEP * place)
            except Refusal:
                continue  # too late, or no member then
            at[id] = wanted.at
        play.settle(self.now)
        return action, at

    def _day(self, message: Message) -> date:
        return message.at.astimezone(self.zone).date()

    def _known_days(self) -> dict[tuple[Kind, int], date]:
        """The day on which every action that is known was proposed."""
        live = actions.Action.objects.filter(association=self.association).order_by()
        past = actions.ImportedAction.objects.filter(association=self.association).order_by()
        days = {
            kind_and_number(ref): at.astimezone(self.zone).date()
            for ref, at in live.values_list("ref", "proposed_at")
        }
        return days | {kind_and_number(ref): day for ref, day in past.values_list("ref", "date")}

    # --- keeping ---------------------------------------------------------------------------------

    def actions(self) -> list[ImportedAction]:
        """What is to be imported, in order of time. An action keeps the number that its message
        begins with, if no other has it; the others get the next ones of their kind."""
        self.found.sort(key=lambda one: (one.message.at, one.message.id))
        used = set(self._days)
        highest = dict.fromkeys(Kind, 0)
        for kind, taken in used | self._claimed:
            highest[kind] = max(highest[kind], taken)
        told = []
        for one in self.found:
            number = one.number
            if number is None or (one.kind, number) in used:
                number = h.next_number(highest[one.kind])
                highest[one.kind] = number
            used.add((one.kind, number))
            told.append(self._imported(one, number))
        return told

    def _imported(self, one: Found, number: int) -> ImportedAction:
        choices = [vote.choice for vote in one.course.votes]
        return ImportedAction(
            ref=f"{one.kind.prefix}{number}",
            kind=one.kind,
            number=number,
            object=one.message.text.strip(),
            leader=one.leader,
            leader_id=one.leader_id,
            date=self._day(one.message),
            for_=choices.count(h.Choice.FOR),
            against=choices.count(h.Choice.AGAINST),
            expressed=len(choices),
            link=one.link,
            course=one.course,
        )

    def keep(self, request: commands.Request) -> list[str]:
        """Import it, all or nothing. Returns the references."""
        told = self.actions()
        with transaction.atomic():
            new = commands.import_actions(request, told)
            for one, action in zip(self.found, told, strict=True):
                # So the bot knows the message, though its link is forgotten one day.
                models.Post.objects.create(
                    **one.of,
                    channel=one.message.channel,
                    message=one.message.id,
                    thread=one.message.id,
                    action=action.ref,
                    ballot=h.BallotName.ACTION,
                    open=False,
                )
        return new


class _People:
    """Whose accounts there are, each asked about once."""

    def __init__(self, place: Place, now: datetime) -> None:
        self.place, self.now = place, now
        known = models.Account.objects.filter(**place.mine)
        self._members: dict[str, str | None] = dict(known.values_list("person", "member_id"))
        self._people: dict[str, Person | None] = {}

    def member(self, person: str) -> str | None:
        """The member whose account it is: tied to them, or by its verified address."""
        if person not in self._members:
            self._members[person] = self._by_address(person)
        return self._members[person]

    def _by_address(self, person: str) -> str | None:
        place = self.place
        untied = models.Outgoing.objects.filter(**place.mine, key=f"tied {person}")
        if not place.habits.by_email or untied.exists():
            return None
        found = self._person(person)
        if found is None or found.bot or not found.email:
            return None
        member = codes.addressed(place.association.pk, place.server, found.email, self.now)
        return None if member is None else member.pk

    def is_bot(self, person: str) -> bool:
        found = self._person(person)
        return found is not None and found.bot

    def handle(self, person: str) -> str:
        found = self._person(person)
        return person if found is None else found.handle

    def leader(self, message: Message) -> tuple[str, str | None]:
        """Who led an action, as its message says: a member, or what somebody else is called."""
        named = next(iter(leaders_named(message.text)), None)
        if named is None:
            member = self.member(message.author)
            return ("" if member else self.handle(message.author)), member
        try:
            member = _patiently(lambda: self.place.member_called(named))
        except Refusal:  # several are called so
            member = None
        return ("" if member else named), member

    def _person(self, id: str) -> Person | None:
        if id not in self._people:
            self._people[id] = _patiently(lambda: self.place.chat.person(id))
        return self._people[id]


def _messages(place: Place, channel: str, since: datetime) -> list[Message]:
    """Those that were sent since then; older ones may have changed."""
    return [one for one in place.chat.messages(channel, since) if one.at >= since]


def _proposes(place: Place, message: Message) -> bool:
    """Whether a message is one of those by which people propose."""
    return (
        not (message.automatic or message.deleted or message.private or message.thread)
        and message.author != place.chat.me
        and bool(place.habits.kinds(message.text))
    )


def _number(text: str, kind: Kind) -> int | None:
    """The number that a message of that kind begins with."""
    found = _NUMBER.match(text)
    if found is None or (found["prefix"] or kind.prefix).upper() != kind.prefix:
        return None
    return int(found["number"])


def _links(association: str) -> set[str]:
    """What the links of all known actions are, and end in: the message's id does not change,
    though the server's address or the team's name does."""
    tables = (actions.Action, actions.ImportedAction)
    kept = [
        link
        for table in tables
        for link in table._default_manager.filter(association=association, link__isnull=False)
        .order_by()
        .values_list("link", flat=True)
        if link is not None
    ]
    links = set(reading.texts_of(kept).values())
    return links | {unquote(one.partition("?")[0].rpartition("/")[2]) for one in links}


def _left(why: Sentence) -> Refusal:
    return Refusal(why, say("leave it out"))


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask again what a server does not answer, or asks to wait for; not for ever."""
    for attempt in count(1):
        try:
            return ask()
        except Unreachable as error:
            if attempt == _ATTEMPTS:
                raise
            time.sleep(pause(attempt, error.wait))
    raise AssertionError
