"""The members' part of the capsule, below `/me`: who shows a certificate that is theirs reads,
votes and comments as a member.

Programs may follow any link before its reader does, and other people's pages may link to any
address. So nothing is done by following a link: a link leads to a question whose address nobody
else can know (`_typed`), and only what is typed there counts, once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from django.utils.crypto import constant_time_compare, salted_hmac

from toutdoux.actions import commands, models, reading, searching
from toutdoux.association import people
from toutdoux.association.models import Member
from toutdoux.association.stewards import stewards
from toutdoux.core.action import Action, Ballot
from toutdoux.core.history import BallotName, Choice
from toutdoux.core.replay import Standing
from toutdoux.core.voters import Awaited, awaiting, decides, on_roll, open_ballots, why_off_roll
from toutdoux.core.words import Refusal, Sentence, say, say_n
from toutdoux.language import Language
from toutdoux.web import limits
from toutdoux.web.cards import names_of
from toutdoux.web.models import Comment
from toutdoux.web.views.actions import add_comment

from . import actions, gemtext, pages, ties
from .desk import Desk, Written, desk_of
from .greed import neighbourhood
from .models import ClientCertificate
from .protocol import Certificate, Response, Status, ask, redirect, slow_down

if TYPE_CHECKING:
    from .site import Visit

PATH = "me"
ANSWERED_WITHIN = timedelta(days=1)
"""So long a question stands."""
DISCUSSED = 30
"""Comments on a page."""
NAMED = 100
"""Voters who are named, of those of one choice."""
_YES = {"yes", "y", "oui", "o"}
_LETTERS = 800
"""What surely fits into a request, with few accents."""


@dataclass
class Own(Desk):
    """A visit by a member, whose pages are for them alone.

    Attributes:
        member: who they are: a member at present.
        tied: the certificate they show.
    """

    member: Member
    tied: ClientCertificate

    @property
    def me(self) -> str:
        return self.member.pk

    @property
    def masks(self) -> bool:
        return False

    @cached_property
    def is_steward(self) -> bool:
        day = self.visit.now.astimezone(self.language.zone).date()
        return self.me in stewards(self.visit.id, day)

    def asks(self, key: str) -> commands.Request:
        """A command's request: this member, now; done once for each key."""
        return replace(_request(self), by=self.me, key=key)

    def page(self, written: gemtext.Page, *back: tuple[str, Sentence]) -> Response:
        return replace(super().page(written, *back), keep=False)


def _request(desk: Desk) -> commands.Request:
    return commands.Request(association=desk.visit.id, now=desk.visit.now, via="gemini")


def answer(visit: Visit) -> Response | None:
    """A page for members, or None where the path is none's."""
    if PATH not in visit.request.segments[:2]:
        return None
    desk = desk_of(visit)
    if isinstance(desk, Response) or desk.parts[:1] != (PATH,):
        return None
    missing = desk.visit.without_certificate()
    certificate = visit.request.certificate
    if missing is not None or certificate is None:
        return missing
    desk.parts, desk.base = desk.parts[1:], f"{desk.base}/{PATH}"
    rows = ClientCertificate.objects.select_related("member")
    tied = rows.filter(association=visit.id, fingerprint=certificate.fingerprint).first()
    if tied is None:
        return _stranger(desk, certificate)
    if not people.are_members([tied.member_id], visit.now):
        why = say("Whose certificate this is, is not a member any more.")
        return desk.visit.refuse(Status.CERTIFICATE_NOT_AUTHORISED, why)
    formal = not visit.settings.use_tu
    language = Language(desk.language.code, desk.language.zone, formal=formal)
    seen = replace(desk.visit, language=language)
    return _page(Own(seen, desk.parts, desk.base, tied.member, tied))


def _page(own: Own) -> Response | None:
    match own.parts:
        case () | ("code", *_):
            return _home(own) if not own.parts else redirect(own.path())
        case ("vote", ref):
            return _vote(own, ref)
        case ("vote", ref, option, *token) if option in _OPTIONS and len(token) < 2:
            return _choose(own, ref, option, *token)
        case ("actions", ref):
            return _action(own, ref)
        case ("actions", ref, "comment", *token) if len(token) < 2:
            return _comment(own, ref, *token)
        case ("actions", ref, "discussion", *number) if len(number) < 2:
            return _discussion(own, ref, *number)
        case ("certificates",):
            return _certificates(own)
        case ("certificates", fingerprint, "revoke", *token) if len(token) < 2:
            return _revoke(own, fingerprint, *token)
        case (first, *rest) if (found := pages.PAGES.get((first, len(rest)))) is not None:
            return found[1](own, *rest)  # members see all that others may
    return None


# --- asking --------------------------------------------------------------------------------------


def _typed(
    desk: Desk, path: Sequence[str], token: str, question: Sentence, state: str = ""
) -> Response | tuple[str, str]:
    """What was typed as the answer to a question.

    Args:
        desk: who is asked.
        path: where the question is, without what nobody can guess.
        token: the last part of the path, which nobody can guess; empty where it isn't there yet.
        question: what is asked.
        state: how things stand. The answer to a question that was asked when they stood otherwise
            does not count.

    Returns:
        What was typed, and a key for what is done by it: the same again is not done again. Or else
        the question.
    """
    asked, _, seal = token.rpartition("-")
    begun, now = asked.partition("-")[0], int(desk.visit.now.timestamp())
    sound = begun.isascii() and begun.isdigit() and len(begun) < 12
    if (
        not sound
        or not 0 <= now - int(begun) <= ANSWERED_WITHIN.total_seconds()
        or not constant_time_compare(seal, _seal(desk, asked, *path, state))
    ):
        return redirect(_question(desk, path, state))
    typed = (desk.visit.request.query or "").strip()
    if not typed:
        return ask(desk.tell(question), secret=path[-1] == "code")
    return typed, f"gemini {sha256(token.encode()).hexdigest()}"


def _question(desk: Desk, path: Sequence[str], state: str = "") -> str:
    """The address of a question, which nobody else can know; see `_typed`."""
    asked = f"{int(desk.visit.now.timestamp())}-{secrets.token_hex(4)}"
    return desk.path(*path, f"{asked}-{_seal(desk, asked, *path, state)}")


def _seal(desk: Desk, *told: str) -> str:
    """What shows that a question was asked here, of whoever shows this certificate."""
    shown = desk.visit.request.certificate
    whose = (desk.visit.id, shown.fingerprint if shown else "")
    text = "\n".join((*whose, *told))
    return salted_hmac("capsule question", text, algorithm="sha256").hexdigest()[:32]


def _refused(desk: Desk, refusal: Refusal, again: str, label: Sentence) -> Response:
    """What could not be done, and why; with a link."""
    if isinstance(refusal, limits.TooOften):
        return slow_down(60 - desk.visit.now.second)
    told = commands.names_in(refusal, desk.visit.id)
    written = Written()
    written.heading(1, desk.tell(say("Nothing was changed")))
    written.text(desk.tell(say("{why} → {remedy}", why=told.why, remedy=told.remedy)))
    return replace(desk.page(written, (again, label)), keep=False)


# --- a certificate that is nobody's --------------------------------------------------------------


def _stranger(desk: Desk, certificate: Certificate) -> Response | None:
    match desk.parts:
        case ():
            return _explained(desk)
        case ("code", *token) if len(token) < 2:
            return _take_code(desk, certificate, *token)
    why = say("This certificate is nobody's so far: tie it to you at {url}", url=desk.url())
    return desk.visit.refuse(Status.CERTIFICATE_NOT_AUTHORISED, why)


def _explained(desk: Desk) -> Response:
    written = Written()
    written.heading(1, f"{desk.visit.association.name} · {desk.tell(say('Members'))}")
    written.text(
        desk.tell(
            say(
                "Your certificate is not known here yet. With a code it becomes yours: from then on"
                " you see, vote and comment here by showing it, and without a password."
            )
        )
    ).blank()
    written.text(
        desk.tell(
            say(
                "You get a code on your page on the web, or of a référent·e. It works once, for 7"
                " days."
            )
        )
    ).blank()
    written.link(_question(desk, ("code",)), desk.tell(say("Type the code")))
    return replace(desk.page(written), keep=False)


def _take_code(desk: Desk, certificate: Certificate, token: str = "") -> Response:
    typed = _typed(desk, ("code",), token, say("Your code, as in ABCDE-FGHJK"))
    if isinstance(typed, Response):
        return typed
    where = neighbourhood(desk.visit.request.address)
    try:
        limits.count("codes", sha256(where.encode()).hexdigest(), desk.visit.now)
        ties.tie(_request(desk), certificate, typed[0])
    except Refusal as refusal:
        return _refused(desk, refusal, desk.path("code"), say("Type a code"))
    return redirect(desk.path())


# --- what awaits ---------------------------------------------------------------------------------


def _home(own: Own) -> Response:
    tell = own.tell
    refs = searching.open_refs(own.visit.id, own.visit.now)
    standing = reading.standing(
        own.visit.id, own.visit.now, own.erased, only=refs, members=[own.me]
    )
    awaited = awaiting(standing, own.me)
    first = [one for one in awaited if decides(one.action, one.ballot)]
    written = Written()
    written.heading(1, f"{own.visit.association.name} · {own.member.name}")
    written.heading(2, tell(say("To vote")))
    _list_awaited(own, written, first)
    if not first:
        written.text(tell(say("Nothing awaits your vote.")))
    if len(first) < len(awaited):
        written.heading(2, tell(say("Decided already, votes still being counted")))
        _list_awaited(own, written, [one for one in awaited if one not in first])
    written.heading(2, tell(say("To read")))
    for name, label in (
        ("actions", say("Open actions")),
        ("decisions", say("Decisions")),
        ("inventory", say("Inventories by period")),
        ("journal", say("Journal")),
        ("reports", say("Activity reports")),
        ("charter", say("Charter: the rules in force, in plain words")),
        ("verify", say("Verify the ledger")),
    ):
        written.link(own.path(name), tell(label))
    written.heading(2, tell(say("Certificates")))
    written.link(own.path("certificates"), tell(say("Certificates, and how to revoke one")))
    written.blank().link(own.base.removesuffix(PATH), tell(say("What everybody sees")))
    return own.visit.page(written)


def _list_awaited(own: Own, written: Written, awaited: Sequence[Awaited]) -> None:
    for one in awaited[: actions.AT_ONCE]:
        ref, object = one.action.ref, own.title(one.action.object)
        told = (
            say("vote on cancelling it, until {at}", at=one.closes_at)
            if one.ballot is BallotName.COUNTER_VOTE
            else say("until {at}", at=one.closes_at)
        )
        written.link(own.path("vote", ref), f"{ref} · {object} ({own.language.say(told)})")


# --- an action -----------------------------------------------------------------------------------


def _found(own: Own, ref: str) -> tuple[Standing, Action] | None:
    """An action with all votes on it, as it stands this very moment."""
    standing = reading.standing(
        own.visit.id, own.visit.now, own.erased, [ref], [ref], members=[own.me]
    )
    one = standing.actions.get(ref)
    return None if one is None else (standing, one)


def _no_action(own: Own) -> Response:
    return own.nothing(say("There is no action of this reference."))


def _action(own: Own, ref: str) -> Response:
    found = _found(own, ref)
    if found is None:
        return actions.action(own, ref)  # one that was voted on by hand, or none
    standing, one = found
    written = Written()
    actions.write_action(own, written, standing, one, names=True)
    written.heading(2, own.tell(say("Who voted what")))
    _write_names(own, written, one)
    written.heading(2, own.tell(say("Take part")))
    _write_mine(own, written, one)
    if next(open_ballots(one, standing.at), None):
        written.link(own.path("vote", ref), own.tell(say("Vote, or change your vote")))
    said = Comment.objects.filter(association=own.visit.id, action=ref).count()
    comment = _question(own, ("actions", ref, "comment"))
    written.link(comment, own.tell(say("Comment on it")))
    discussion = own.tell(say_n("Discussion: {n} comment", "Discussion: {n} comments", said))
    written.link(own.path("actions", ref, "discussion"), discussion)
    return own.page(written, (own.path("actions"), say("Open actions")))


def _write_names(own: Own, written: Written, one: Action) -> None:
    for option in _OPTIONS.values():
        ballot = one.ballot_named(option.ballot)
        if ballot is None or option.choice is None:
            continue
        ids = [id for id, choice in ballot.votes.items() if choice is option.choice]
        if not ids:
            continue
        names = sorted(names_of(ids[:NAMED], own.erased).values(), key=str.casefold)
        if len(ids) > NAMED:
            names.append(own.language.say(say("… and {n} more", n=len(ids) - NAMED)))
        written.items([f"{own.tell(option.label)} ({len(ids)}) — {', '.join(names)}"])
    leader = names_of([one.leader], own.erased).get(one.leader, own.erased)
    written.items([own.tell(say("Led by {name}", name=leader))])


def _mine(ballot: Ballot, me: str) -> Choice | None:
    """Somebody's vote in force, or their opinion."""
    opinion = ballot.opinions.get(me)
    return ballot.votes.get(me) or (opinion.choice if opinion else None)


def _write_mine(own: Own, written: Written, one: Action) -> None:
    for option in _OPTIONS.values():
        ballot = one.ballot_named(option.ballot)
        if ballot and option.choice and _mine(ballot, own.me) is option.choice:
            written.text(own.tell(say("Your vote: {choice}", choice=option.label)))


# --- voting --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Option:
    """A choice on a ballot, or to take one's vote back, which is None; and how it is called."""

    ballot: BallotName
    choice: Choice | None
    label: Sentence


_OPTIONS = {
    "for": _Option(BallotName.ACTION, Choice.FOR, say("for")),
    "against": _Option(BallotName.ACTION, Choice.AGAINST, say("against")),
    "neutral": _Option(BallotName.ACTION, Choice.ABSTAIN, say("neutral")),
    "none": _Option(BallotName.ACTION, None, say("take my vote back")),
    "cancel": _Option(BallotName.COUNTER_VOTE, Choice.FOR, say("cancel the action")),
    "keep": _Option(BallotName.COUNTER_VOTE, Choice.AGAINST, say("keep the action")),
    "cancel-neutral": _Option(
        BallotName.COUNTER_VOTE, Choice.ABSTAIN, say("neutral on cancelling it")
    ),
    "cancel-none": _Option(
        BallotName.COUNTER_VOTE, None, say("take my vote on cancelling it back")
    ),
}


def _vote(own: Own, ref: str) -> Response:
    """The choices there are, the counter-vote's before the action's own."""
    found = _found(own, ref)
    if found is None:
        return _no_action(own)
    standing, one = found
    written = Written()
    written.heading(1, own.tell(say("Vote on {ref}", ref=ref)))
    written.blocks(own.markdown(one.object))
    written.blank()
    _write_mine(own, written, one)
    if not on_roll(standing, one, own.me):
        written.text(own.tell(say("Your vote does not count, and is kept as an opinion:")))
        written.text(own.tell(why_off_roll(standing, one, own.me)))
    opened = list(open_ballots(one, standing.at))
    for name, ballot, closes_at in reversed(opened):
        counter = name is BallotName.COUNTER_VOTE
        title = say("Shall it be cancelled?") if counter else say("Your choice")
        written.heading(2, own.tell(title))
        written.text(own.tell(say("Votes are taken until {at}.", at=closes_at)))
        if not decides(one, name):
            written.text(own.tell(say("What is voted here decides nothing any more.")))
        mine = _mine(ballot, own.me)
        written.blank()
        for word, option in _OPTIONS.items():
            if option.ballot is name and option.choice is not mine:
                where = _question(own, ("vote", ref, word), mine or "")
                written.link(where, own.tell(option.label))
        written.blank().text(own.tell(say("You will be asked to confirm it.")))
    if not opened:
        written.text(own.tell(say("Votes are not taken any more.")))
    return own.page(written, (own.path("actions", ref), say("The action, and why it is so")))


def _choose(own: Own, ref: str, word: str, token: str = "") -> Response:
    """Ask whether it is meant, and put the vote in force if it is."""
    option, found = _OPTIONS[word], _found(own, ref)
    ballot = found[1].ballot_named(option.ballot) if found else None
    if found is None or ballot is None:
        return _no_action(own) if found is None else redirect(own.path("vote", ref))
    before = _mine(ballot, own.me)
    if before is option.choice:
        return redirect(own.path("actions", ref))
    question = say(
        "{ref} “{object}” — {choice}? Type yes to confirm.",
        ref=ref,
        object=own.title(found[1].object),
        choice=option.label,
    )
    typed = _typed(own, ("vote", ref, word), token, question, before or "")
    if isinstance(typed, Response):
        return typed
    said, key = typed
    if said.casefold().rstrip(".!") not in _YES:
        return redirect(own.path("vote", ref))
    try:
        if option.choice is None:
            commands.withdraw_vote(own.asks(key), ref, by=own.me, ballot=option.ballot)
        else:
            commands.vote(own.asks(key), ref, option.choice, by=own.me, ballot=option.ballot)
    except Refusal as refusal:
        return _refused(own, refusal, own.path("actions", ref), say("The action"))
    return redirect(own.path("actions", ref))


# --- the discussion ------------------------------------------------------------------------------


def _comment(own: Own, ref: str, token: str = "") -> Response:
    if not models.Action.objects.filter(association=own.visit.id, ref=ref).exists():
        return _no_action(own)
    question = say("Your comment on {ref}, up to about {n} letters", ref=ref, n=_LETTERS)
    typed = _typed(own, ("actions", ref, "comment"), token, question)
    if isinstance(typed, Response):
        return typed
    text, key = typed
    try:
        add_comment(own.asks(key), ref, text, by=own.me)
    except Refusal as refusal:
        return _refused(own, refusal, own.path("actions", ref), say("The action"))
    return redirect(own.path("actions", ref, "discussion"))


def _discussion(own: Own, ref: str, number: str = "") -> Response:
    """What was said of an action, the oldest first; the last page unless another is asked for."""
    if not models.Action.objects.filter(association=own.visit.id, ref=ref).exists():
        return _no_action(own)
    rows = Comment.objects.filter(association=own.visit.id, action=ref).select_related("member")
    last = max(1, -(-rows.count() // DISCUSSED))
    here = own.number(number, last) if number else last
    if here is None:
        return own.nothing(say("This discussion has no such page."))
    written = Written()
    written.heading(1, own.tell(say("Discussion of {ref}", ref=ref)))
    said = rows[(here - 1) * DISCUSSED : here * DISCUSSED]
    for one in said:
        at = own.language.instant(one.at)
        # Headings that somebody writes are of level 3: none looks like another's comment.
        written.heading(2, f"{one.member.name or own.erased}, {at}")
        if one.text:
            written.blocks(own.markdown(one.text))
        else:
            written.text(own.tell(say("(taken back)")))
    if not said:
        written.text(own.tell(say("Nobody has said anything so far.")))
    pages_around = [(here - 1, say("Earlier comments"))] if here > 1 else []
    pages_around += [(here + 1, say("Later comments"))] if here < last else []
    return own.page(
        written,
        *((own.path("actions", ref, "discussion", n), label) for n, label in pages_around),
        (_question(own, ("actions", ref, "comment")), say("Comment on it")),
        (own.path("actions", ref), say("The action")),
    )


# --- certificates --------------------------------------------------------------------------------


def _certificates(own: Own) -> Response:
    """One's own certificates; to a référent·e those of all members, for some day one is lost."""
    written = Written()
    written.heading(1, own.tell(say("Certificates")))
    rows = ties.of_association(own.visit.id)
    _list_certificates(own, written, rows.filter(member=own.me))
    if own.is_steward:
        written.heading(2, own.tell(say("Those of other members")))
        written.text(own.tell(say("As a référent·e you can revoke one that is lost.")))
        _list_certificates(own, written, rows.exclude(member=own.me))
    return own.page(written)


def _list_certificates(own: Own, written: Written, rows: Iterable[ClientCertificate]) -> None:
    for one in rows:
        name = one.note or own.language.say(say("without a name"))
        written.heading(3, f"{one.member.name or own.erased} · {name}")
        written.items(
            [
                own.tell(say("tied to you on {at}", at=one.since))
                if one.member_id == own.me
                else own.tell(say("tied on {at}", at=one.since)),
                own.tell(say("SHA-256 of the certificate: {print}", print=one.fingerprint)),
            ]
        )
        if one.pk == own.tied.pk:
            written.text(own.tell(say("It is the one you are showing now.")))
        revoke = _question(own, ("certificates", one.fingerprint, "revoke"))
        written.blank().link(revoke, own.tell(say("Revoke it")))


def _revoke(own: Own, fingerprint: str, token: str = "") -> Response:
    rows = ties.of_association(own.visit.id)
    if not own.is_steward:
        rows = rows.filter(member=own.me)
    one = rows.filter(fingerprint=fingerprint).first()
    if one is None:
        return own.nothing(say("There is no such certificate any more."))
    question = say(
        "Shall the certificate {print}… of {name} be revoked? Type yes to confirm.",
        print=fingerprint[:16],
        name=one.member.name or own.erased,
    )
    typed = _typed(own, ("certificates", fingerprint, "revoke"), token, question)
    if isinstance(typed, Response):
        return typed
    if typed[0].casefold().rstrip(".!") in _YES:
        ties.revoke(one)
    return redirect(own.path("certificates") if one.pk != own.tied.pk else own.path())
