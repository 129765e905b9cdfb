"""The fediverse in gemtext: accounts, threads and hashtags of the instances one may read here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, unquote, urlencode, urlsplit

from toutdoux.capsule.gemtext import Page
from toutdoux.capsule.protocol import Request, Response, Status, ask, failure, page, redirect
from toutdoux.core.words import Refusal, Sentence, say, say_n
from toutdoux.language import Language

from . import mastodon
from .fetching import Answer, Fetcher, NotThere, Unavailable
from .html import blocks, words
from .instances import Account, Instance, account
from .mastodon import Author, Post
from .posts import TAG, Teller, address_of, original

A_PAGE = 20
MOST_ANSWERS = 200
"""Answers that are shown of one thread."""
_TAG = re.compile(r"[^\s/?#@.,:;<>\x00-\x1f\x7f]{1,100}")
# Where posts, accounts and tags are on the pages of Mastodon, GoToSocial and Pleroma.
_POST = re.compile(r"/(?:@[^/]+|(?:@|users/)[^/]+/statuses|notice)/([A-Za-z0-9_-]{1,64})/?")
_PROFILE = re.compile(r"/(?:@|users/)([^/@]+)(?:@([^/@]+))?/?")
_TAG_PAGE = re.compile(r"/tags?/([^/]+)/?")


def answer(
    request: Request,
    parts: Sequence[str],
    fetcher: Fetcher,
    language: Language,
    base: str = "/fediverse",
) -> Response:
    """Answer what is asked for below `/fediverse`. It may take as long as an instance takes: about
    twice `fetching.TIME`, in a thread of its own.

    Args:
        parts: of the path, what follows `/fediverse`, decoded.
        language: in which it is said, with the association's time zone.
        base: how the address of `/fediverse` begins.
    """
    desk = _Desk(fetcher, language, base, request.at)
    try:
        return desk.answer([*parts[:-1], *filter(None, parts[-1:])], request.query)
    except NotThere as problem:
        status = Status.GONE if problem.gone else Status.NOT_FOUND
        why = say("There is nothing of that name there, or not any more.")
        return failure(status, language.say(why))
    except Unavailable as problem:
        return failure(Status.PROXY_ERROR, language.say(problem.why))
    except _Refused as problem:
        return failure(problem.status, language.say(problem.why))
    except Refusal as problem:
        told = say("{why}: {remedy}", why=problem.why, remedy=problem.remedy)
        return failure(Status.NOT_FOUND, language.say(told))


class _Refused(Exception):
    def __init__(self, status: Status, why: Sentence) -> None:
        super().__init__(why.message)
        self.status = status
        self.why = why


@dataclass
class _Desk:
    """One request."""

    fetcher: Fetcher
    language: Language
    base: str
    now: datetime

    @property
    def tell(self) -> Teller:
        return Teller(self.language, self.fetcher.allowed, self.base, self.now)

    def answer(self, parts: Sequence[str], query: str | None) -> Response:
        match parts:
            case [] | ["address"] if query is not None and query.strip():
                return self._lead(query.strip())
            case []:
                return self._home()
            case ["address"]:
                return ask(self._say(_PROMPT))
            case ["post", instance, id]:
                return self._thread(self._allowed(instance), _id(id), shown=False)
            case ["post", instance, id, "shown"]:
                return self._thread(self._allowed(instance), _id(id), shown=True)
            case ["tag", instance, tag]:
                return self._tag(self._allowed(instance), tag)
            case ["tag", instance, tag, "before", id]:
                return self._tag(self._allowed(instance), tag, _id(id))
            case [acct]:
                return self._account(account(acct))
            case [acct, "before", id]:
                return self._account(account(acct), _id(id))
        raise NotThere()

    # --- pages -----------------------------------------------------------------------------------

    def _home(self) -> Response:
        told = Page().heading(1, self._say(say("The fediverse")))
        told.text(
            self._say(
                say(
                    "Mastodon and its kin, read from here without leaving Gemini. Only what is"
                    " public is shown."
                )
            )
        )
        known = self.fetcher.allowed
        if known.accounts:
            told.heading(2, self._say(say("Our accounts")))
            for one in known.accounts:
                told.link(self.tell.at(str(one)), f"@{one}")
        told.heading(2, self._say(say("Elsewhere")))
        if known.instances:
            told.link(self.tell.at("address"), self._say(say("Type an address or a hashtag")))
            told.text(self._say(say("The instances that can be read here:")))
            told.items(one.name for one in known.instances)
        else:
            told.text(self._say(say("No instance can be read here so far.")))
        told.blank().link(self.base.rpartition("/")[0] + "/", self._say(say("Home")))
        return page(told, self.language.code)

    def _lead(self, typed: str) -> Response:
        """Go to what was typed: an account, a hashtag, or the address of a page elsewhere."""
        found = self._found(typed)
        if found is None:
            again = say("This is no address of the fediverse. {prompt}", prompt=_PROMPT)
            return ask(self._say(again))
        return redirect(found)

    def _found(self, typed: str) -> str | None:
        if typed.startswith(("https://", "http://")):
            return self._found_page(typed)
        if typed.startswith("#"):
            tag, _, name = typed[1:].partition("@")
            instances = self.fetcher.allowed.instances
            if not TAG.fullmatch(tag) or not (name or instances):
                return None
            return self.tell.at("tag", self._allowed(name or instances[0].name).name, tag)
        try:
            told = account(typed)
        except Refusal:
            return None
        return self.tell.at(str(Account(told.user, self._allowed(told.instance).name)))

    def _found_page(self, typed: str) -> str | None:
        """What one reads here of a page of an instance."""
        instance = self.fetcher.allowed.at(typed)
        if instance is None:
            raise self._not_allowed(typed)
        path = unquote(urlsplit(typed).path)
        if found := _PROFILE.fullmatch(path):
            told = account(f"{found[1]}@{found[2] or instance.name}")
            return self.tell.at(str(Account(told.user, self._allowed(told.instance).name)))
        if found := _POST.fullmatch(path):
            return self.tell.at("post", instance.name, found[1])
        if (found := _TAG_PAGE.fullmatch(path)) and TAG.fullmatch(found[1]):
            return self.tell.at("tag", instance.name, found[1])
        return None

    def _account(self, acct: Account, before: str = "") -> Response:
        instance = self._allowed(acct.instance)
        looked_up = self._get(instance, "/api/v1/accounts/lookup", acct=acct.user)
        author = mastodon.account(looked_up.body)
        if author is None or not mastodon.ID.fullmatch(author.id):
            raise _strange(instance)
        paging = {"limit": str(A_PAGE)} | ({"max_id": before} if before else {})
        listed = self._get(instance, f"/api/v1/accounts/{author.id}/statuses", **paging)
        told = Page().heading(1, author.called)
        self._tell_age(told, looked_up, listed)
        if before:
            told.link(self.tell.at(str(acct)), self._say(say("Back to the newest posts")))
        else:
            self._tell_account(told, author, instance)
        self._tell_posts(told, listed, instance, by=author)
        self._tell_older(told, listed, str(acct))
        return page(told, self.language.code)

    def _tag(self, instance: Instance, tag: str, before: str = "") -> Response:
        if not TAG.fullmatch(tag):
            raise NotThere()
        paging = {"limit": str(A_PAGE)} | ({"max_id": before} if before else {})
        path = f"/api/v1/timelines/tag/{quote(tag, safe='')}"
        listed = self._get(instance, path, **paging)
        title = say("#{tag} as {instance} knows it", tag=tag, instance=instance.name)
        told = Page().heading(1, self._say(title))
        self._tell_age(told, listed)
        if before:
            back = say("Back to the newest posts")
            told.link(self.tell.at("tag", instance.name, tag), self._say(back))
        self._tell_posts(told, listed, instance)
        self._tell_older(told, listed, "tag", instance.name, tag)
        return page(told, self.language.code)

    def _thread(self, instance: Instance, id: str, shown: bool) -> Response:
        """A post, what it answers, and what answers it.

        Args:
            shown: whether its text is told although its author warns of it.
        """
        got = self._get(instance, f"/api/v1/statuses/{id}")
        post = mastodon.post(got.body)
        if post is None:
            raise NotThere()
        post = post.boosted or post
        around, problem = self._around(instance, post.id)
        before = mastodon.posts(around.body.get("ancestors")) if around else []
        after = mastodon.posts(around.body.get("descendants")) if around else []
        begins = (before or [post])[0].author.called
        told = Page().heading(1, self._say(say("Thread: {name}", name=begins)))
        self._tell_age(told, got, *filter(None, [around]))
        for number, one in enumerate(before):
            title = say("{name} begins, {when}") if not number else say("{name} answers, {when}")
            self.tell.post(told, one, instance, self.tell.titled(title, one, instance))
        title = say("This post: {name}, {when}") if before else say("{name}, {when}")
        self.tell.post(
            told, post, instance, self.tell.titled(title, post, instance), shown=shown, alone=True
        )
        self._tell_answers(told, post, after, instance)
        if problem:
            told.blank().text(
                self._say(say("The rest of the thread cannot be read now: {why}", why=problem))
            )
        return page(told, self.language.code)

    def _around(self, instance: Instance, id: str) -> tuple[Answer | None, Sentence | None]:
        """The posts around one; if they can't be had, why: the post itself can be read still."""
        try:
            around = self._get(instance, f"/api/v1/statuses/{id}/context")
        except Unavailable as problem:
            return None, problem.why
        except NotThere:
            return None, None
        return (around, None) if isinstance(around.body, dict) else (None, None)

    # --- parts of pages --------------------------------------------------------------------------

    def _tell_age(self, told: Page, *answers: Answer) -> None:
        """Say so where a page is not of now, and why."""
        old = [one for one in answers if one.old]
        if not old:
            return
        oldest = min(old, key=lambda one: one.at)
        assert oldest.old
        told.text(
            self._say(
                say(
                    "{why} This is what it said {age} ago.",
                    why=oldest.old,
                    age=_rounded(self.now - oldest.at),
                )
            )
        ).blank()

    def _tell_account(self, told: Page, author: Author, instance: Instance) -> None:
        told.text(f"@{address_of(author, instance)}").blank()
        if author.bot:
            told.text(self._say(say("A program writes here."))).blank()
        self.tell.html(told, author.note, author.url, lambda link: self.tell.led_to(link, instance))
        for name, value in author.fields:
            self._tell_field(told, name, value)
        told.blank()
        counts = [
            self._say(one)
            for one in (
                _counted(author.posts, lambda n: say_n("{n} post", "{n} posts", n)),
                _counted(author.followers, lambda n: say_n("{n} follower", "{n} followers", n)),
                _counted(author.following, lambda n: say_n("follows {n}", "follows {n}", n)),
            )
            if one
        ]
        if counts:
            told.text(", ".join(counts))
        if author.created:
            day = author.created.astimezone(self.language.zone).date()
            told.text(self._say(say("Since {day}", day=day)))
        if author.moved:
            moved = author.moved
            label = say("This account moved to {name}", name=f"@{address_of(moved, instance)}")
            told.link(self.tell.of_author(moved, instance), self._say(label))
        if author.url:
            told.link(author.url, self._say(original(author.url)))
        told.link(self.base, self._say(say("Other accounts")))

    def _tell_field(self, told: Page, name: str, value: str) -> None:
        links = [link for one in blocks(value)[0] for link in one.links]
        text = words(value)
        if len(links) == 1:
            told.link(links[0].address, f"{name}: {text}")
        elif name or text:
            told.items([f"{name}: {text}"])

    def _tell_posts(
        self, told: Page, listed: Answer, instance: Instance, by: Author | None = None
    ) -> None:
        found = mastodon.posts(listed.body)
        for one in found:
            if by and one.author.address == by.address and one.at:
                title = self.language.value(one.at)
            else:
                title = self.tell.titled(say("{name}, {when}"), one, instance)
            self.tell.post(told, one, instance, title)
        if not found:
            told.blank().text(self._say(say("There is nothing to show here.")))

    def _tell_older(self, told: Page, listed: Answer, *parts: str) -> None:
        older = mastodon.older(listed.link, listed.body) if listed.body else ""
        if older:
            told.blank().link(self.tell.at(*parts, "before", older), self._say(say("Older posts")))

    def _tell_answers(
        self, told: Page, post: Post, after: Sequence[Post], instance: Instance
    ) -> None:
        for one, depth, to in in_order(post, after)[:MOST_ANSWERS]:
            if depth == 1:
                title = self.tell.titled(say("Answer of {name}, {when}"), one, instance)
            else:
                title = self.tell.titled(
                    say("Answer of level {level}, of {name} to {other}, {when}"),
                    one,
                    instance,
                    level=depth,
                    other=to.author.called,
                )
            self.tell.post(told, one, instance, title)
        if len(after) > MOST_ANSWERS:
            more = say_n(
                "{n} more answer is at the original.",
                "{n} more answers are at the original.",
                len(after) - MOST_ANSWERS,
            )
            told.blank().text(self._say(more))

    # --- asking ----------------------------------------------------------------------------------

    def _allowed(self, name: str) -> Instance:
        found = self.fetcher.allowed.named(name)
        if found is None:
            raise self._not_allowed(name)
        return found

    def _not_allowed(self, name: str) -> _Refused:
        return _Refused(
            Status.PROXY_REQUEST_REFUSED,
            say(
                "{instance} is not among the instances that the association lets be read here.",
                instance=name[:200],
            ),
        )

    def _get(self, instance: Instance, path: str, **query: str) -> Answer:
        asked = f"{path}?{urlencode(query)}" if query else path
        return self.fetcher.get(instance, asked, self.now)

    def _say(self, sentence: Sentence) -> str:
        return self.language.say(sentence)


_PROMPT = say("An account (name@instance), a hashtag (#word), or the address of a post:")


def in_order(post: Post, after: Iterable[Post]) -> list[tuple[Post, int, Post]]:
    """The answers to a post: each after what it answers, older ones first, with its depth, from 1,
    and what it answers. What answers something that is not shown counts as an answer to the post.
    """
    known = {one.id: one for one in after if one.id != post.id}
    answers: dict[str, list[Post]] = {}
    for one in known.values():
        to = one.reply_to if one.reply_to in known and one.reply_to != one.id else post.id
        answers.setdefault(to, []).append(one)
    for told in answers.values():
        told.sort(key=_moment)
    found: list[tuple[Post, int, Post]] = []
    waiting = [(one, 1, post) for one in reversed(answers.pop(post.id, []))]
    while waiting or answers:
        if not waiting:  # they answer each other in a circle: the oldest begins
            first = min(answers, key=lambda id: _moment(answers[id][0]))
            waiting.append((answers[first].pop(0), 1, post))
            answers = {id: told for id, told in answers.items() if told}
        one, depth, to_whom = waiting.pop()
        found.append((one, depth, to_whom))
        waiting += [(next, depth + 1, one) for next in reversed(answers.pop(one.id, []))]
    return found


def _moment(post: Post) -> float:
    return post.at.timestamp() if post.at else 0.0


def _id(told: str) -> str:
    if not mastodon.ID.fullmatch(told):
        raise NotThere()
    return told


def _strange(instance: Instance) -> Unavailable:
    return Unavailable(
        say("{instance} answers with something that is no post.", instance=instance.name)
    )


def _counted(count: int | None, sentence: Callable[[int], Sentence]) -> Sentence | None:
    return None if count is None else sentence(count)


def _rounded(age: timedelta) -> timedelta:
    """An age as one tells it: in whole days, hours or minutes."""
    for unit in (timedelta(days=1), timedelta(hours=1)):
        if age >= 2 * unit:
            return unit * (age // unit)
    return timedelta(minutes=1) * max(1, age // timedelta(minutes=1))
