"""What people say in a chat, read: proposals by their hashtag, votes by their reactions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape

from toutdoux.core.charter import Kind
from toutdoux.core.history import Choice
from toutdoux.core.words import Refusal, Value, say
from toutdoux.language import Language

HASHTAGS: Mapping[Kind, tuple[str, ...]] = {
    Kind.ORDINARY: ("action-ordinaire", "ordinary-action"),
    Kind.EXTRAORDINARY: ("action-extraordinaire", "extraordinary-action"),
}
SIGNS: Mapping[Choice, tuple[str, ...]] = {
    Choice.FOR: ("👍", "+1", "thumbsup"),
    Choice.AGAINST: ("👎", "-1", "thumbsdown"),
    Choice.ABSTAIN: (
        "🤷",
        "shrug",
        "person_shrugging",
        "man_shrugging",
        "woman_shrugging",
        "man-shrugging",
        "woman-shrugging",
    ),
}
"""What stands for a vote: first the sign that the bot puts there itself."""

WAKING = (9, 21)
"""The hours of the day, in the association's time zone, between which people are reminded."""

_HASHTAG = re.compile(r"(?<![\w#&/=\\])[#\uff03]([\w\u2010\u2011-]+)")
_LEADER = re.compile(
    r"\b(?:meneur|meneuse|leader)[\w.·∙•()/-]*\s*[::]\s*"
    r"(?P<names>{name}(?:\s*(?:,|&|\+|/|\bet\b|\bou\b|\band\b|\bor\b)\s*{name})*)".format(
        name=r"(?<!\w)@[\w.-]*\w(?::[\w.-]*\w)?"
    ),
    re.IGNORECASE,
)
_AS_TYPED = re.compile(r"(```|~~~).*?(?:\1|\Z)|(``?)(?!`).*?(?<!`)\2(?!`)", re.DOTALL)
_QUIET_LINE = re.compile(r" *>|    |\t")
"""A quotation, or code by its indentation."""
_MARKS = re.compile(r"[\\`*_\[\]<>|~]")
"""What Markdown reads as more than a sign."""
_ADDRESS = re.compile(r"https?://\S+|[^\s@]+@[^\s@]+\.\w+")
_LONGEST_VALUE = 200
_MENTION = re.compile(r"(?<![\w@])@[\w.:-]*\w")
_SKINS = re.compile("[\U0001f3fb-\U0001f3ff]")
_SKIN_NAME = re.compile(r"_(?:light|medium_light|medium|medium_dark|dark)_skin_tone$")
_AFTER = re.compile("\ufe0f|\ufe0e|\u200d[\u2640\u2642]")
"""How a sign is drawn, and as a woman or a man: that changes no vote."""


@dataclass(frozen=True, slots=True)
class Habits:
    """How an association writes its hashtags and votes, and when it is awake."""

    hashtags: Mapping[Kind, tuple[str, ...]] = field(default_factory=lambda: HASHTAGS)
    signs: Mapping[Choice, tuple[str, ...]] = field(default_factory=lambda: SIGNS)
    waking: tuple[int, int] = WAKING
    by_email: bool = False
    """Whether an account is a member's by its e-mail address, where the server has verified it."""

    def choice(self, emoji: str) -> Choice | None:
        """The vote that a reaction is; None if it is none."""
        sign = bare_sign(emoji)
        for choice, signs in self.signs.items():
            if sign in map(bare_sign, signs):
                return choice
        return None

    def hashtag(self, kind: Kind, language: str) -> str:
        """The hashtag of a kind that people are told of: the first of the usual ones in their
        language, the first of all where the association has its own."""
        tags = self.hashtags[kind]
        usual = tags == HASHTAGS[kind] and language == "en"
        return tags[-1] if usual else tags[0]

    def kinds(self, text: str) -> set[Kind]:
        """The kinds of action that a message's hashtags name."""
        said = {_even(tag) for tag in _HASHTAG.findall(_quiet(text))}
        return {kind for kind, tags in self.hashtags.items() if said & {_even(tag) for tag in tags}}

    def kind(self, text: str) -> Kind:
        """The kind of action that a message with a hashtag proposes. Raises `Refusal` where it
        proposes none."""
        kinds = self.kinds(text)
        if len(kinds) > 1:
            raise Refusal(
                say("nothing is proposed yet: an action is either ordinary or extraordinary"),
                say("write it again with the one hashtag that it is"),
            )
        if not self.says_something(text):
            raise Refusal(
                say("nothing is proposed yet: the message does not say what it is about"),
                say("write it again, with what you would like to do"),
            )
        return kinds.pop()

    def says_something(self, text: str) -> bool:
        return any(map(str.isalnum, self.rest(text)))

    def rest(self, text: str) -> str:
        """What a message says beside the hashtags, mentions and the leader."""
        known = {_even(tag) for tags in self.hashtags.values() for tag in tags}
        rest = _HASHTAG.sub(lambda tag: "" if _even(tag[1]) in known else tag[0], text)
        return _MENTION.sub("", _LEADER.sub("", rest))


def leader_named(text: str) -> str | None:
    """The handle that a message names as leader (`meneur·se : @bob`); None where it mentions nobody
    so. Raises `Refusal` where it names several."""
    named = leaders_named(text)
    if len(named) > 1:
        raise Refusal(
            say("an action has one leader, and {n} are named here", n=str(len(named))),
            say("write it again with one of them: they can hand it over later"),
        )
    return next(iter(named), None)


def leaders_named(text: str) -> list[str]:
    """All the handles that a message names as leaders, each once."""
    found = [one["names"] for one in _LEADER.finditer(_quiet(text))]
    return list(dict.fromkeys(one[1:] for names in found for one in _MENTION.findall(names)))


def plain(text: str) -> str:
    """A word without accents and capitals, to compare."""
    bare = unicodedata.normalize("NFKD", text)
    return "".join(char for char in bare if not unicodedata.combining(char)).casefold()


def _even(tag: str) -> str:
    """A hashtag as it is compared: `#Actions_ordinaires` is as good as `#action-ordinaire`, for a
    phone's keyboard changes hyphens, and people write plurals."""
    return "".join(char for char in plain(tag) if char.isalnum() and char != "s")


def bare_sign(emoji: str) -> str:
    """An emoji without its skin tone, its gender and how it is drawn."""
    name = _SKIN_NAME.sub("", emoji.strip(":").casefold())
    return _AFTER.sub("", _SKINS.sub("", name))


def _quiet(text: str) -> str:
    """A message without what is shown as it was typed: hashtags in code or in a quotation propose
    nothing."""
    lines = _AS_TYPED.sub(" ", text).split("\n")
    return "\n".join(line for line in lines if not _QUIET_LINE.match(line))


def harmless(text: str) -> str:
    """Somebody's words, so that they call nobody when the bot repeats them: an `@` is followed by a
    sign that takes no room, however it is written (`&#64;`)."""
    return re.sub(r"@(?=\w)", "@\u200b", unescape(text))


def quoted(text: str, longest: int = 600) -> str:
    """Somebody's words as a quotation, which can look like nothing of the bot's own."""
    short = text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
    lines = harmless(short).replace("\r", "").split("\n")
    return "\n".join(f"> {line}" for line in lines)


def in_short(text: str) -> str:
    """The beginning of somebody's words, for a line of a list: without the hashtags, if there is
    anything else."""
    words = " ".join(_HASHTAG.sub("", text).split()) or " ".join(text.split())
    return _cut(words, 80)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


class Speech(Language):
    """How the bot says things. What comes from people, names, reasons, notes, stands in its
    sentences as the bare words: it can call nobody, look like nothing of the bot's own, and is not
    longer than a few lines."""

    def value(self, value: Value) -> str:
        if type(value) is not str or _ADDRESS.fullmatch(value):
            return super().value(value)
        return _MARKS.sub(r"\\\g<0>", harmless(_cut(" ".join(value.split()), _LONGEST_VALUE)))


def closest(word: str, known: Iterable[str]) -> list[str]:
    """The words that somebody may have meant."""
    from difflib import get_close_matches

    by_plain = {plain(one): one for one in known}
    return [by_plain[one] for one in get_close_matches(plain(word), by_plain, 3, 0.5)]
