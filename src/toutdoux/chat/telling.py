"""What the bot tells of what the ledger says: cards, announcements, outcomes.

It comes from the ledger, whoever did it and wherever. Each message has a key of its own and waits
in a table until it is sent, so it is there once; a card is edited in place, as long as anything
about its vote can still change.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any

import orjson
from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from toutdoux.actions.models import Action as ActionRow
from toutdoux.actions.models import ReadChat
from toutdoux.core.action import Action
from toutdoux.core.chain import Body
from toutdoux.core.history import UNFINISHED, BallotName, Choice, State
from toutdoux.core.late import Recording, may_record
from toutdoux.core.possible import Deed, possible
from toutdoux.core.replay import UNDECIDED, Standing
from toutdoux.core.words import say
from toutdoux.ledger import book
from toutdoux.ledger.models import Ledger

from . import cards, models
from .faults import Faults
from .models import DELETED, QUESTIONS
from .place import Place, is_over
from .reminding import remind
from .sending import AT_MOST
from .system import Enclosed, Forbidden, Unreachable

log = logging.getLogger("toutdoux")

_AT_ONCE = 500
"""Entries that are told of at one look."""

_LOOK_AT_ALL = timedelta(minutes=1)
"""How often cards are looked at about which the ledger says nothing new."""


@dataclass(frozen=True, slots=True)
class Untold:
    """An entry of the ledger that was not told of yet."""

    seq: int
    hash: str
    entry: Body

    @property
    def key(self) -> str:
        """What is said of it is known by it. Its hash as well: in a history that went on otherwise,
        another has this number."""
        return f"{self.seq} {self.hash[:8]}"


@dataclass(frozen=True, slots=True)
class _Look:
    """What cards are brought up to date from."""

    standing: Standing
    opened: Mapping[str, Mapping[str, datetime | None]]
    """When the votes opened, by action and ballot."""
    read: Mapping[str, datetime]
    """How far each channel was read."""
    now: datetime
    until: float
    """Until when there is time to edit some."""


class Telling:
    """What is told of what the ledger says."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._looked: datetime | None = None
        """When all cards were last looked at."""
        self._stale: set[int] = set()
        """The posts whose cards are to be shown anew: there was no time to edit them, or what they
        say changed though the ledger says nothing of it."""
        self._refused: set[str] = set()
        """The cards that could not be edited."""
        self.faults = Faults()

    def untold(self) -> list[Untold]:
        """What the ledger says since it was last told of, as much as is told at one look."""
        length = Ledger.objects.get(pk=self.place.association.pk).length
        defaults = {"seq": length}
        followed, _ = models.Followed.objects.get_or_create(**self.place.mine, defaults=defaults)
        if followed.seq > length:  # a backup was restored that goes less far
            followed.seq = length
            followed.save(update_fields=["seq"])
        first, last = followed.seq + 1, followed.seq + _AT_ONCE
        rows = book.rows(self.place.association.pk, first, last)
        return [Untold(seq, hash, orjson.loads(body)) for seq, body, hash in rows]

    def tell(self, untold: Sequence[Untold], now: datetime) -> None:
        """Tell of what the ledger says since, wherever it was done; bring the cards up to date."""
        data = [one.entry["data"] for one in untold]
        refs = {str(one["action"]) for one in data if "action" in one}
        standing = self.place.standing(refs, now)
        for one in untold:
            self.faults.tried(f"the telling of {one.key}", partial(self._tell_of, one, standing))
        posts = models.Post.objects.filter(**self.place.mine, open=True)
        posts = posts.exclude(ballot__in=QUESTIONS)
        if self._looked is None or now - self._looked >= _LOOK_AT_ALL:
            self._looked = now  # time alone changes some: a ballot closes, an action is contested
            self.faults.tried("the reminding", partial(remind, self.place, now))
        else:
            posts = posts.filter(Q(action__in=refs) | Q(pk__in=self._stale))
        self._show(list(posts), standing, now)
        if untold:
            models.Followed.objects.filter(**self.place.mine).update(seq=untold[-1].seq)
        self.send(now)

    def show_again(self, posts: Iterable[int]) -> None:
        """Have the cards of some posts, by their ids, brought up to date at the next look, though
        the ledger says nothing new of them."""
        self._stale.update(posts)

    def send(self, now: datetime) -> None:
        """Send what waits to be sent, as much as there is time for."""
        self.place.outbox.send(self._send, self.place.chat.now, now)

    # --- what happened ---------------------------------------------------------------------------

    def _tell_of(self, one: Untold, standing: Standing) -> None:
        """Tell of one entry. Its key is in that of what is sent: so that is sent once."""
        entry, key = one.entry, one.key
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
            self.place.outbox.put(f"leaderless {key} {ref}", text, channel=self.place.where())

    def _announce(
        self, key: str, standing: Standing, action: Action, ballot: BallotName, channel: str
    ) -> None:
        """Have a vote announced in a message of its own, to react to."""
        channel = self.place.where(channel)
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
        earlier.exclude(ballot__in=QUESTIONS).update(open=True)  # to say where it goes on
        self._announce(key, standing, action, BallotName.ACTION, channel)

    def _outcome(
        self, key: str, standing: Standing, action: Action, post: models.Post | None
    ) -> None:
        text = cards.outcome(self.place.language, standing, action)
        channel = self.place.where("" if post is None else post.channel)
        self.place.outbox.put(f"outcome {key}", text, channel=channel)
        if post is not None:
            self.place.outbox.put(f"thread {key}", text, channel=post.channel, thread=post.thread)

    def _offer_to_talk(self, member: str, standing: Standing, action: Action) -> None:
        """To somebody who is against, once: what they can do beside it, as long as they can."""
        account = models.Account.objects.filter(**self.place.mine, member_id=member).first()
        can = possible(standing, action, member)
        if account is not None and action.state in UNDECIDED and member != action.leader:
            names = self.place.names([action.leader])
            text = cards.against(self.place.language, action, names, can=Deed.COUNTER_VOTE in can)
            self.place.outbox.put(f"against {action.ref} {member}", text, person=account.person)

    # --- cards -----------------------------------------------------------------------------------

    def _show(self, posts: Sequence[models.Post], standing: Standing, now: datetime) -> None:
        """Bring some cards up to date, as many as there is time for; the others are next."""
        refs = {post.action for post in posts}
        if not refs <= standing.actions.keys():
            standing = self.place.standing(refs, now)
        self._stale = set()
        read = dict(ReadChat.objects.filter(**self.place.mine).values_list("channel", "until"))
        look = _Look(standing, self.place.opened(refs), read, now, monotonic() + AT_MOST)
        for post in posts:
            does = partial(self._bring_up_to_date, post, look)
            self.faults.tried(f"the card of {post.message}", does)

    def _bring_up_to_date(self, post: models.Post, look: _Look) -> None:
        before = (post.shown, post.open)
        action, ballot = look.standing.actions[post.action], BallotName(post.ballot)
        over = is_over(post, look.opened)
        later = self.place.later(post) if over or post.text == DELETED else None
        text = self._card(look.standing, action, ballot)
        if later is not None:
            text = self._goes_on(post, later, over=over)
        elif post.text == DELETED and not over and action.state in UNDECIDED:
            self._announce_anew(post, text)
        if post.card and post.shown != cards.digest(text) and monotonic() > look.until:
            self._stale.add(post.pk)
            return
        self._show_one(post, text, once=later is not None)
        closes_at, read = cards.closes_at(action, ballot), look.read.get(post.channel)
        post.open = (
            later is None
            if over
            else cards.is_open(look.standing, action, ballot)
            or self._may_be_unread(closes_at, read, look.now)
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
        """What the server does not take in one place stops nothing elsewhere, and is said once; a
        token it refuses does, and a server that is away."""
        try:
            yield
        except Forbidden as error:
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise
            self._say_once(card, error)
        except Unreachable as error:
            if error.wait is not None:
                raise
            self.place.chat.now()  # else it is not this one card
            self._say_once(card, error)
        else:
            self._refused.discard(card)

    def _say_once(self, card: str, why: Exception) -> None:
        if card not in self._refused:
            log.warning("the chat refuses to have the card %s edited (%s)", card, why)
        self._refused.add(card)

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
            channel=self.place.where(post.channel),
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

    # --- what was sent ---------------------------------------------------------------------------

    def _send(self, one: models.Outgoing) -> str:
        channel = one.channel or (
            self.place.chat.private(one.person) if one.person else self.place.main_channel
        )
        files = [Enclosed.of(told) for told in one.files]
        thread = "" if one.ballot in QUESTIONS else one.thread
        # Another association, or this one begun anew, may have said something of that name there.
        key = f"{self.place.association.pk} {one.key}"
        sent = self.place.chat.send(channel, one.text, key=key, thread=thread, files=files)
        post = self._carried(one, channel, sent)
        if post is not None:
            # Again if it was stopped in between: a sign that is there already stays one.
            for choice in (Choice.FOR,) if post.ballot in QUESTIONS else Choice:
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
        thread = one.thread if one.ballot in QUESTIONS else sent
        about = {"channel": channel, "thread": thread, "action": one.action, "ballot": one.ballot}
        values: dict[str, Any] = {**about, **shown, "since": one.since, "of": one.post}
        # What came before says from now on that it goes on here.
        earlier = models.Post.objects.filter(**self.place.mine, action=one.action, open=True)
        self.show_again(earlier.values_list("pk", flat=True))
        post, _ = models.Post.objects.update_or_create(
            **self.place.mine, message=sent, defaults=values
        )
        if post.ballot not in QUESTIONS:
            self.place.carries(channel, one.action)
        return post
