"""The votes that people's reactions are.

What is there counts, not what was told: the reactions under a post are compared with those that
were taken already, and what differs becomes a command, with a key that makes it one however often
it is said. What was taken, and for whom, is kept (`Handled`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from toutdoux.actions import commands, reading
from toutdoux.actions.models import Action as ActionRow
from toutdoux.actions.models import Vote
from toutdoux.core.history import BallotName, Choice
from toutdoux.core.voters import why_opinion
from toutdoux.core.words import Refusal, TooLate, say

from . import cards, models
from .asking import how_to_be_known
from .faults import PASSING, Faults
from .place import Place, ids_of, is_over
from .system import Reaction

log = logging.getLogger("toutdoux")

_TOGETHER = 20
"""Reactions that are taken in one transaction: others who vote wait for so many, at most."""


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

    def forget(self, person: str, before: models.Handled | None) -> None:
        """Have what was taken of somebody be what it was before."""
        if before is None:
            self.handled.pop(person, None)
        else:
            self.handled[person] = before


Change = tuple[Under, str, Wanted]
"""Who, under which post, says something else than what was taken; and what."""


def read_votes(place: Place, there: Iterable[Reaction]) -> dict[str, Wanted]:
    """What each person's reactions say: the one added last that is still there."""
    said: dict[str, Wanted] = {}
    for one in sorted(there, key=lambda one: one.at):
        choice = place.habits.choice(one.emoji)
        if choice is not None and one.person != place.chat.me:
            said[one.person] = Wanted(choice, one.at)
    return said


class Votes:
    """What people's reactions say, made their votes."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.faults = Faults()

    def take(self, posts: QuerySet[models.Post], now: datetime) -> set[str]:
        """Take what the reactions under some posts say, in the order in which they were made. What
        leaders are asked by some of them is left to whoever asks.

        Returns:
            The channels where something could not be taken: it differs still at the next look, and
            is tried again then.
        """
        changes = sorted(self._changes(posts), key=lambda change: change[2].at)
        # Of those it does not know it may have to ask the server: not while others wait.
        people = dict.fromkeys(person for _, person, _ in changes)
        members = {person: self.place.meet(person, now) for person in people}
        for person in dict.fromkeys(one for _, one, wanted in changes if wanted.choice):
            if members[person] is None:
                self._say_who_votes(person)
        left: set[str] = set()
        for start in range(0, len(changes), _TOGETHER):
            left |= self._take_together(changes[start : start + _TOGETHER], members, now)
        return left

    def _take_together(
        self, changes: Sequence[Change], members: Mapping[str, str | None], now: datetime
    ) -> set[str]:
        """Take some in one transaction; where one of them meets a fault, each by itself, and that
        one not. Returns the channels where one was left."""
        if self._are_taken(changes, members, now):
            return set()
        if len(changes) == 1:
            return {changes[0][0].post.channel}
        return set().union(*(self._take_together([one], members, now) for one in changes))

    def _are_taken(
        self, changes: Sequence[Change], members: Mapping[str, str | None], now: datetime
    ) -> bool:
        """Take some in one transaction, unless one of them meets a fault."""
        before = [(under, person, under.handled.get(person)) for under, person, _ in changes]
        try:
            with transaction.atomic():
                self._take_some(changes, members, now)
        except PASSING:
            raise
        except Exception:
            for under, person, handled in before:
                under.forget(person, handled)
            if len(changes) == 1:
                self.faults.tell_of(_called(*changes[0]))
            return False
        for change in changes:
            self.faults.over(_called(*change))
        return True

    def _changes(self, posts: QuerySet[models.Post]) -> Iterator[Change]:
        """Who says something else than what was taken, and what; in no order."""
        firsts = {post.of_id or post.pk for post in posts.exclude(ballot__in=models.QUESTIONS)}
        family = models.Post.objects.filter(Q(pk__in=firsts) | Q(of__in=firsts)).order_by("pk")
        read = list(family.prefetch_related("handled"))
        there = self.place.reactions(read)
        refs = {post.action for post in read}
        opened, proposed = self.place.opened(refs), self._proposed(refs)
        for first in read:
            if first.of_id is not None or first.action not in opened:
                continue
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
            for person, wanted in _changed(under, said, whole=all(id in there for id in ids)):
                yield under, person, wanted

    def _proposed(self, refs: Collection[str]) -> Mapping[str, datetime]:
        """When some actions were proposed: reactions of before were to what a message said then."""
        rows = ActionRow.objects.filter(association=self.place.association, ref__in=refs)
        return dict(rows.values_list("ref", "proposed_at"))

    def _take_some(
        self,
        changes: Iterable[Change],
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

    # --- what is told to those who reacted -------------------------------------------------------

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


def _ballot(post: models.Post) -> BallotName:
    return BallotName(post.ballot)


def _called(under: Under, person: str, wanted: Wanted) -> str:
    """How the log calls somebody's reactions under a post."""
    return f"{under.post.action}: what {person} reacts under {under.post.message}"
