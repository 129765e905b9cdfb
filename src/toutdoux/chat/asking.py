"""What members ask of the bot, in private or by naming it, in French or English."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from toutdoux.actions import commands, reading, searching
from toutdoux.actions.chronicle import periods
from toutdoux.association.models import Association
from toutdoux.association.settings import settings_of
from toutdoux.core.action import Action
from toutdoux.core.charter import Kind
from toutdoux.core.explanation import explain, in_brief
from toutdoux.core.history import UNFINISHED, BallotName, Choice, FollowUp
from toutdoux.core.journal import Period
from toutdoux.core.replay import Standing
from toutdoux.core.voters import awaiting, decides
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import Language
from toutdoux.reports import inventory as inv
from toutdoux.reports.content import inventory_as_markdown
from toutdoux.reports.files import file_name
from toutdoux.web import publishing

from . import codes, models
from .cards import digest, outcome
from .saying import Habits, Speech, closest, harmless, in_short, plain
from .system import Chat, Enclosed

_REF = re.compile(r"\b(A[OE]) ?-?#?0*(\d{1,9})\b", re.IGNORECASE)
_SHOWN = 20
"""Lines of a list, at most."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, of which association, where and when."""

    association: Association
    server: str
    person: str
    """Their id there."""
    language: Language
    now: datetime
    member: str
    """Their id; empty for somebody who is not known."""
    request: commands.Request
    habits: Habits
    said_at: datetime | None = None
    """When they asked it, if that is read later."""

    @property
    def acts(self) -> commands.Request:
        """The request for what they do to an action: it counts from when they said it."""
        return replace(self.request, at=self.said_at)

    def say(self, sentence: Sentence) -> str:
        return self.language.say(sentence)

    @property
    def erased(self) -> str:
        return self.language.word("(erased)")


def who_asks(
    association: Association,
    chat: Chat,
    person: str,
    now: datetime,
    key: str,
    habits: Habits,
    language: Language | None = None,
    said_at: datetime | None = None,
) -> Asker:
    """Who asks something of an association, by whose account it is.

    Args:
        association: whose bot is asked.
        chat: where.
        person: their id there.
        now: the present instant, in UTC.
        key: what they said can be known by: the same again is answered, and not done again.
        habits: how the association proposes and votes.
        language: the one they are answered in; the association's, unless it is given.
        said_at: when they said it, in UTC, if it is read later: what it does counts from then.
    """
    account = models.Account.objects.filter(
        association=association, server=chat.server, person=person
    )
    member = account.values_list("member_id", flat=True).first() or ""
    request = commands.Request(
        association=association.pk, now=now, via=chat.system, key=digest(key)
    )
    language = language or language_of(association)
    return Asker(association, chat.server, person, language, now, member, request, habits, said_at)


def language_of(association: Association) -> Speech:
    """How the bot speaks to all of an association."""
    return Speech(
        association.language,
        ZoneInfo(association.time_zone),
        formal=not settings_of(association).use_tu,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    files: tuple[Enclosed, ...] = field(default=())
    secret: bool = False
    """Whether nobody but who asked may read it."""


def answer(asker: Asker, text: str) -> Answer:
    """Answer what somebody asks. What cannot be done is said, and why."""
    try:
        command, rest = _understood(text)
        if not asker.member and command not in (_help, _register):
            raise unknown(asker.association)
        return command(asker, rest)
    except Refusal as refusal:
        return refused(asker, refusal)


def refused(asker: Asker, refusal: Refusal) -> Answer:
    """What somebody is told whose request is not carried out."""
    told = commands.names_in(refusal, asker.association.pk)
    said = asker.say(say("{why} → {remedy}", why=told.why, remedy=told.remedy))
    return Answer(harmless(said[0].upper() + said[1:]))


def unknown(association: Association) -> Refusal:
    """What somebody is told whose account is nobody's: how it becomes theirs, and how to join."""
    return Refusal(say("I do not know whose chat account this is"), how_to_be_known(association))


def how_to_be_known(association: Association) -> Sentence:
    contact = settings_of(association).contact
    if contact:
        return say(
            "members get a code on their page or of a référent·e, and send it to me in private:"
            " register CODE; to join, write to {contact}",
            contact=contact,
        )
    return say(
        "members get a code on their page or of a référent·e, and send it to me in private:"
        " register CODE; to join, ask a référent·e"
    )


Command = Callable[[Asker, str], Answer]


def takes_long(text: str) -> bool:
    """Whether it takes seconds to answer something: a whole report is made for it."""
    return _is_among((_report,), text)


def changes_something(text: str) -> bool:
    """Whether something is done where somebody asks for it, and not only looked at."""
    return not _is_among(_LOOKING, text)


def _is_among(commands: Collection[Command], text: str) -> bool:
    """Whether something is understood, and as one of some commands."""
    try:
        return _understood(text)[0] in commands
    except Refusal:
        return False


def _understood(text: str) -> tuple[Command, str]:
    words = text.strip()
    if codes.looks_like_one(words):
        return _register, words
    bare = _even(words)
    for name in sorted(_COMMANDS, key=len, reverse=True):
        known = _even(name)
        if bare == known or bare.startswith((f"{known} ", f"{known}\n")):
            # As many characters of the text: without accents it is as long.
            command, rest = _COMMANDS[name], words[len(name) :].strip()
            # Who says one has one.
            return (_register, rest) if command is _code and rest else (command, rest)
    if bare.strip(" .!") in _GREETINGS:
        return _help, ""
    near = closest(bare.split(" ")[0] if bare else "", _COMMANDS)
    if near:
        raise Refusal(
            say("I do not know “{text}”", text=words[:60]),
            say("did you mean {names}?", names=", ".join(near)),
        )
    raise Refusal(
        say("I do not know “{text}”", text=words[:60]), say("say “help” for all that I know")
    )


_GREETINGS = ("bonjour", "salut", "coucou", "hello", "hi", "merci", "thanks", "thank you")
"""What people say when they do not ask for anything: whoever says it may like to know what they
can."""


def _even(text: str) -> str:
    """Words as they are compared: a hyphen is as good as a blank."""
    return plain(text).replace("-", " ")


def _ref_in(asker: Asker, rest: str) -> tuple[str, str]:
    """The action that is meant, and what is said beside it."""
    found = _REF.search(rest)
    if found is None:
        raise Refusal(say("which action is meant is not said"), say("add it, for instance AE30"))
    before, after = (part.strip(" :,\n") for part in (rest[: found.start()], rest[found.end() :]))
    return f"{found[1].upper()}{int(found[2])}", f"{before} {after}".strip()


def _known(asker: Asker, ref: str) -> tuple[Standing, Action]:
    standing = reading.standing(asker.association.pk, asker.now, asker.erased, only=[ref])
    if ref not in standing.actions:
        raise Refusal(
            say("there is no action {ref}", ref=ref), say("say “state” for those that are open")
        )
    return standing, standing.actions[ref]


# --- looking -------------------------------------------------------------------------------------


def _help(asker: Asker, rest: str) -> Answer:
    habits = asker.habits
    how = say(
        "To propose, write in the channel what you would like to do, with #{ordinary} or, for what"
        " commits the association, #{extraordinary}. To vote, react to it: {for_} for, {against}"
        " against, {abstain} neutral. Beside that I understand:",
        ordinary=habits.hashtag(Kind.ORDINARY, asker.language.code),
        extraordinary=habits.hashtag(Kind.EXTRAORDINARY, asker.language.code),
        for_=habits.signs[Choice.FOR][0],
        against=habits.signs[Choice.AGAINST][0],
        abstain=habits.signs[Choice.ABSTAIN][0],
    )
    words = say(
        "**help** — this\n"
        "**state** [AE30] — where actions stand\n"
        "**to vote** — what awaits your vote\n"
        "**to do** — what you lead and is still to do\n"
        "**why** AE30 — why it is in its state, and what comes next\n"
        "**counter-vote** AE30 reason — have its cancelling voted on\n"
        "**withdraw** AE30 — take your own proposal back\n"
        "**start**, **done**, **abandon** AE30 note — tell how it goes\n"
        "**inventory** P21 — the actions of a period\n"
        "**report** P21 — its activity report, as a PDF\n"
        "**register** CODE — tie this chat account to you\n"
        "**code** — get a code, which ties another chat account to you, or a certificate on the"
        " Gemini capsule"
    )
    return Answer(f"{asker.say(how)}\n\n{asker.say(words)}")


def _state(asker: Asker, rest: str) -> Answer:
    if _REF.search(rest):
        ref, _ = _ref_in(asker, rest)
        return Answer(outcome(asker.language, *_known(asker, ref)))
    refs = searching.open_refs(asker.association.pk, asker.now)
    standing = reading.standing(asker.association.pk, asker.now, asker.erased, only=refs)
    lines = [
        _line(asker, ref, action.object, [asker.say(one) for one in in_brief(standing, action)])
        for ref, action in standing.actions.items()
    ]
    return _list(asker, lines, say("Nothing is being voted on at the moment."))


def _to_vote(asker: Asker, rest: str) -> Answer:
    refs = searching.open_refs(asker.association.pk, asker.now)
    standing = reading.standing(
        asker.association.pk, asker.now, asker.erased, only=refs, members=[asker.member]
    )
    lines = [
        _line(
            asker,
            one.action.ref,
            one.action.object,
            [asker.say(until(asker.language, one.ballot, one.closes_at))],
        )
        for one in awaiting(standing, asker.member)
        if decides(one.action, one.ballot)
    ]
    return _list(asker, lines, say("Nothing awaits your vote."))


def until(language: Language, ballot: BallotName, closes_at: datetime) -> Sentence:
    """Until when a vote is open, and that it is about cancelling, if it is."""
    at = language.with_weekday(closes_at)
    if ballot is BallotName.COUNTER_VOTE:
        return say("vote on cancelling it, until {at}", at=at)
    return say("until {at}", at=at)


def _to_do(asker: Asker, rest: str) -> Answer:
    refs = reading.refs_for(asker.association.pk, asker.member, asker.now, decided=0)
    standing = reading.standing(asker.association.pk, asker.now, asker.erased, only=refs)
    lines = [
        _line(asker, action.ref, action.object, [asker.language.name(action.followed_up)])
        for action in standing.actions.values()
        if action.leader == asker.member and action.follow_up in UNFINISHED
    ]
    return _list(asker, lines, say("Nothing that you lead is left to do."))


def _why(asker: Asker, rest: str) -> Answer:
    ref, _ = _ref_in(asker, rest)
    told = explain(*_known(asker, ref))
    return Answer("\n".join(asker.say(one) for one in (*told.why, *told.next)))


def _inventory(asker: Asker, rest: str) -> Answer:
    period = _period(asker, rest)
    told = searching.of_period(asker.association, period, asker.now, asker.erased)
    rows = inv.inventory(*told, period)
    if not rows:
        return Answer(asker.say(say("No action was proposed in {period}.", period=period.name)))
    text = inventory_as_markdown(asker.language, rows)
    name = file_name(asker.language, period.name, "md")
    content = text.encode()
    if len(text) <= 3_000:
        return Answer(harmless(text))
    return Answer(
        asker.say(say("The inventory of {period}:", period=period.name)),
        (Enclosed(name, "text/markdown", content),),
    )


def _report(asker: Asker, rest: str) -> Answer:
    period = _period(asker, rest)
    commands.settle(asker.request)
    document = publishing.built(asker.association, period, asker.now, audit=False)
    content = publishing.rendered(document, "pdf")
    name = file_name(asker.language, period.name, "pdf")
    return Answer(
        asker.say(say("The report of {period}:", period=period.name)),
        (Enclosed(name, "application/pdf", content),),
    )


def _period(asker: Asker, name: str) -> Period:
    known = periods(asker.association.pk)
    today = asker.now.astimezone(asker.language.zone).date()
    if not name:
        begun = [one for one in known if one.first <= today]
        if begun:
            return max(begun, key=lambda one: one.first)
    for one in known:
        if plain(one.name) == plain(name):
            return one
    if not known:
        raise Refusal(say("there is no period yet"), say("ask a référent·e to add one"))
    raise Refusal(
        say("there is no period {name}", name=name),
        say("name one of {names}", names=", ".join(one.name for one in known)),
    )


def _line(asker: Asker, ref: str, text: str, told: list[str]) -> str:
    return f"- **{ref}** {asker.language.value(in_short(text))} — {' '.join(told)}"


def _list(asker: Asker, lines: list[str], nothing: Sentence) -> Answer:
    if not lines:
        return Answer(asker.say(nothing))
    more = len(lines) - _SHOWN
    if more > 0:
        lines = [*lines[:_SHOWN], asker.say(say("… and {n} more", n=str(more)))]
    return Answer("\n".join(lines))


_LOOKING = (_help, _state, _to_vote, _to_do, _why, _inventory, _report)

# --- doing ---------------------------------------------------------------------------------------


def _register(asker: Asker, rest: str) -> Answer:
    if not rest:
        raise Refusal(say("which code it is, is not said"), say("write it after: register CODE"))
    name = codes.use(asker.request, asker.server, asker.person, rest)
    return Answer(asker.say(welcome(name)))


def welcome(name: str) -> Sentence:
    return say("Welcome, {name}. From now on your reactions are your votes.", name=name)


def _code(asker: Asker, rest: str) -> Answer:
    code = codes.make(replace(asker.request, by=asker.member), asker.member)
    told = say(
        "Your code: **{code}**. It works once, for 7 days. Type it in the capsule, where you are"
        " asked for it, or send it to me in private from another account. Hand it to nobody:"
        " whoever has it votes in your name.",
        code=code,
    )
    return Answer(asker.say(told), secret=True)


def _counter_vote(asker: Asker, rest: str) -> Answer:
    ref, reason = _ref_in(asker, rest)
    if not reason:
        raise Refusal(
            say("a counter-vote has a reason"),
            say("write it after the action: counter-vote {ref} …", ref=ref),
        )
    commands.call_counter_vote(asker.acts, ref, reason, by=asker.member)
    return Answer(asker.say(say("The counter-vote on {ref} is called.", ref=ref)))


def _withdraw(asker: Asker, rest: str) -> Answer:
    ref, _ = _ref_in(asker, rest)
    commands.withdraw(asker.acts, ref, by=asker.member)
    return Answer(asker.say(say("{ref} is withdrawn.", ref=ref)))


def _following(follow_up: FollowUp) -> Command:
    def follow(asker: Asker, rest: str) -> Answer:
        ref, note = _ref_in(asker, rest)
        commands.follow_up(asker.acts, ref, follow_up, by=asker.member, note=note)
        return Answer(asker.say(say("{ref} is noted as: {state}.", ref=ref, state=follow_up)))

    return follow


_COMMANDS: Mapping[str, Command] = {
    "aide": _help,
    "help": _help,
    "état": _state,
    "statut": _state,
    "state": _state,
    "status": _state,
    "à voter": _to_vote,
    "to vote": _to_vote,
    "à faire": _to_do,
    "to do": _to_do,
    "pourquoi": _why,
    "why": _why,
    "contre-vote": _counter_vote,
    "counter-vote": _counter_vote,
    "retirer": _withdraw,
    "withdraw": _withdraw,
    "commencer": _following(FollowUp.DOING),
    "start": _following(FollowUp.DOING),
    "fait": _following(FollowUp.DONE),
    "done": _following(FollowUp.DONE),
    "abandonner": _following(FollowUp.ABANDONED),
    "abandon": _following(FollowUp.ABANDONED),
    "inventaire": _inventory,
    "inventory": _inventory,
    "bilan": _report,
    "report": _report,
    "inscription": _register,
    "register": _register,
    "code": _code,
}
"""By how they are said; accents and capitals do not matter."""
