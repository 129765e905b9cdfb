"""One post in gemtext: its words, its poll, its files, and where its links lead from here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import quote, urlsplit

from toutdoux.capsule.gemtext import Page
from toutdoux.core.words import Refusal, Sentence, Value, say, say_n
from toutdoux.language import Language

from .html import Kind, Link, blocks
from .instances import Account, Allowed, Instance, account
from .mastodon import Author, Media, Mention, Poll, Post

TAG = re.compile(r"[^\s/?#@.,:;<>\x00-\x1f\x7f]{1,100}")


@dataclass(frozen=True)
class Teller:
    """Tells posts to one reader.

    Attributes:
        language: in which it is said, with the association's time zone.
        base: how the address of `/fediverse` begins.
        now: when it is asked, in UTC.
    """

    language: Language
    allowed: Allowed
    base: str
    now: datetime

    def titled(self, title: Sentence, post: Post, instance: Instance, **more: Value) -> str:
        """A sentence with `{name}`, the post's author, and `{when}`.

        Args:
            more: what else it has.
        """
        when = post.at or say("at some time")
        values = {"name": called(post.author, instance), "when": when, **more}
        return self.say(replace(title, values=values))

    def post(
        self,
        told: Page,
        post: Post,
        instance: Instance,
        title: str,
        *,
        shown: bool = False,
        alone: bool = False,
    ) -> None:
        """One post under its title.

        Args:
            shown: whether what its author warns of is told.
            alone: whether it is what the page is about: then there is no link to it.
        """
        told.heading(2, title)
        if post.boosted:
            self._boost(told, post.boosted, instance)
            post = post.boosted
        here = self.at("post", instance.name, post.id)
        if post.warning:
            told.text(self.say(say("Content warning: {warning}", warning=post.warning)))
        if post.warning and not shown:
            told.link(f"{here}/shown", self.say(say("Show what is behind the warning")))
        else:
            self._content(told, post, instance, shown=shown)
        told.blank()
        if not alone:
            told.link(here, self._thread_label(post))
        if post.url:
            told.link(post.url, self.say(original(post.url)))
        if post.edited:
            told.text(self.say(say("Edited {when}", when=post.edited)))

    def _boost(self, told: Page, boosted: Post, instance: Instance) -> None:
        name = called(boosted.author, instance)
        label = say("Boosts {name}, {when}", name=name, when=boosted.at or say("at some time"))
        told.link(self.of_author(boosted.author, instance), self.say(label)).blank()

    def _content(self, told: Page, post: Post, instance: Instance, shown: bool) -> None:
        links = self.html(
            told, post.content, post.url, lambda link: self.led_to(link, instance, post.mentions)
        )
        if post.poll:
            self._poll(told, post.poll)
        if post.quoted:
            self._quoted(told, post.quoted, instance)
        if post.media and post.sensitive and not shown:
            label = say_n(
                "Show {n} file that its author calls sensitive",
                "Show {n} files that their author calls sensitive",
                len(post.media),
            )
            here = self.at("post", instance.name, post.id)
            told.blank().link(f"{here}/shown", self.say(label))
        elif post.media:
            told.blank()
            for one in post.media:
                told.link(one.url, self.say(_media_label(one)))
        if post.card and post.card.title and post.card.url not in links:
            told.blank().link(post.card.url, post.card.title)

    def _poll(self, told: Page, poll: Poll) -> None:
        told.blank().text(
            self.say(say("Poll, several answers allowed:") if poll.multiple else say("Poll:"))
        )
        whole = (poll.voters if poll.multiple else None) or poll.votes
        told.items(
            f"{option}: {self.say(_share(votes, whole))}" if votes is not None else option
            for option, votes in poll.options
        )
        if poll.ends:
            over = poll.over or poll.ends <= self.now
            told.text(
                self.say(
                    say("Ended {when}", when=poll.ends)
                    if over
                    else say("Open until {when}", when=poll.ends)
                )
            )

    def _quoted(self, told: Page, post: Post, instance: Instance) -> None:
        told.blank().text(self.titled(say("It quotes {name}, {when}:"), post, instance))
        if post.warning:
            told.quote(self.say(say("Content warning: {warning}", warning=post.warning)))
        else:
            for one in blocks(post.content, post.url)[0]:
                text = one.text or " ".join(link.label for link in one.links)
                told.quote(text)
        told.link(self.at("post", instance.name, post.id), self.say(say("The quoted post")))

    def _thread_label(self, post: Post) -> str:
        told = [
            self.say(one)
            for count, one in (
                (post.replies, say_n("{n} answer", "{n} answers", post.replies)),
                (post.boosts, say_n("{n} boost", "{n} boosts", post.boosts)),
                (post.favourites, say_n("{n} favourite", "{n} favourites", post.favourites)),
            )
            if count
        ]
        if not told:
            return self.say(say("The thread"))
        return self.say(say("The thread: {counts}", counts=", ".join(told)))

    def html(
        self,
        told: Page,
        html: str,
        base: str,
        led_to: Callable[[Link], tuple[str, str]] | None = None,
    ) -> set[str]:
        """A text in HTML; returns where its links led before they were led anywhere else."""
        found, cut = blocks(html, base)
        before: Kind | None = None
        for one in found:
            if one.text and not (one.kind is before and one.kind in {Kind.ITEM, Kind.QUOTE}):
                told.blank()
            match one.kind if one.text else None:
                case None:
                    told.blank()
                case Kind.HEADING:
                    told.heading(3, one.text)
                case Kind.ITEM:
                    told.items([one.text])
                case Kind.QUOTE:
                    told.quote(one.text)
                case Kind.CODE:
                    told.preformatted(one.text, self.say(say("Code")))
                case _:
                    told.text(one.text)
            for link in one.links:
                address, label = led_to(link) if led_to else (link.address, link.label)
                told.link(address, label if label != address else "")
            before = one.kind if one.text and not one.links else None
        if cut:
            told.blank().text(self.say(say("It goes on at the original.")))
        return {link.address for one in found for link in one.links}

    # --- where things lead -----------------------------------------------------------------------

    def led_to(
        self, link: Link, instance: Instance, mentions: Sequence[Mention] = ()
    ) -> tuple[str, str]:
        """Where a link of somebody's leads here, and how it is called: accounts and hashtags are
        read here as well, where that is allowed."""
        if "hashtag" in link.classes and (tag := link.label.removeprefix("#")):
            if TAG.fullmatch(tag):
                return self.at("tag", instance.name, tag), link.label
        elif "mention" in link.classes:
            for one in mentions:
                if one.url == link.address:
                    leads = self._of_address(one.address, instance) or link.address
                    return leads, f"@{full(one.address, instance)}"
        return link.address, link.label

    def of_author(self, author: Author, instance: Instance) -> str:
        """Where an account is read: here, if that is allowed, else at its own instance."""
        return self._of_address(author.address, instance) or author.url

    def _of_address(self, address: str, instance: Instance) -> str:
        try:
            told = account(full(address, instance))
        except Refusal:
            return ""
        known = self.allowed.named(told.instance)
        return self.at(str(Account(told.user, known.name))) if known else ""

    def at(self, *parts: str) -> str:
        return "/".join([self.base, *(quote(one, safe="~!$&'()*+,;=:@") for one in parts)])

    def say(self, sentence: Sentence) -> str:
        return self.language.say(sentence)


def full(address: str, instance: Instance) -> str:
    return address if "@" in address else f"{address}@{instance.name}"


def address_of(author: Author, instance: Instance) -> str:
    return full(author.address, instance)


def called(author: Author, instance: Instance) -> str:
    """`Les Loutres libres (@loutres@social.example)`."""
    address = f"@{address_of(author, instance)}"
    return f"{author.name} ({address})" if author.name else address


def original(address: str) -> Sentence:
    try:
        return say("The original at {host}", host=urlsplit(address).netloc)
    except ValueError:
        return say("The original")


def _media_label(media: Media) -> Sentence:
    told = media.description
    match media.kind:
        case "image":
            return say("Image: {told}", told=told) if told else say("Image without a description")
        case "video":
            return say("Film: {told}", told=told) if told else say("Film without a description")
        case "gifv":
            return (
                say("Animation: {told}", told=told)
                if told
                else say("Animation without a description")
            )
        case "audio":
            return say("Sound: {told}", told=told) if told else say("Sound without a description")
    return say("File: {told}", told=told) if told else say("File without a description")


def _share(votes: int, whole: int | None) -> Sentence:
    count = say_n("{n} vote", "{n} votes", votes)
    if not whole:
        return count
    return say("{votes} ({percent}%)", votes=count, percent=round(100 * min(votes / whole, 1)))
