"""An action: what it is, its votes, why it is in its state, and all one can do with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import BadRequest
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from markupsafe import Markup

from toutdoux.actions import commands, models, reading
from toutdoux.association.models import Member
from toutdoux.core.action import Action
from toutdoux.core.charter_in_words import Change, changed_words, rules_before_and_after
from toutdoux.core.entries import ImportedVote
from toutdoux.core.explanation import explain, threshold_in_words
from toutdoux.core.history import AmendCharter, BallotName, Choice, FollowUp
from toutdoux.core.possible import Deed, possible
from toutdoux.core.replay import Standing
from toutdoux.core.voters import on_roll, why_off_roll
from toutdoux.core.words import Refusal, Sentence, Unknown, say
from toutdoux.language import Language
from toutdoux.ledger import book, tables
from toutdoux.ledger.models import Ledger, Text

from .. import limits
from .. import live as live_part
from ..asked import Asked
from ..cards import Card, card, wording_of
from ..door import Visit, page
from ..masking import mask, masked, masks
from ..models import Comment, Tag
from ..paging import part_of
from ..tags import LONGEST as LONGEST_TAG

LONGEST = 20_000
"""Characters of a comment, an object, a reason."""
FEW = 300
"""So many members can be chosen from a list; of more, one says who is meant."""

_FOLLOW_UPS = {
    FollowUp.DOING: say("I have started"),
    FollowUp.DONE: say("it is done"),
    FollowUp.STANDING: say("it is a rule that holds from now on"),
    FollowUp.ABANDONED: say("it is given up"),
    FollowUp.TO_DO: say("it is to do again"),
}


# --- the page ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mine:
    """What the reader can do, and what they did."""

    card: Card
    """With their votes."""
    deeds: set[Deed]
    counts: bool
    """Whether their vote counts."""
    why_not: Sentence | None
    """Why it does not."""
    leads: bool
    cancels: Sentence | None
    """What a counter-vote takes, where there is one to call."""

    @property
    def more(self) -> bool:
        """Whether there is anything they can do beside voting."""
        return bool(self.deeds - {Deed.VOTE})


@page(public="actions")
def action(visit: Visit, ref: str) -> HttpResponse:
    return _page(visit, ref)


def _page(
    visit: Visit,
    ref: str,
    status: int = 200,
    problem: Refusal | None = None,
    typed: Mapping[str, str] | None = None,
    **context: Any,
) -> HttpResponse:
    """The page of an action.

    Args:
        visit: who looks at it.
        ref: its reference.
        status: of the answer, where something was refused.
        problem: what was refused.
        typed: what was typed into the form that was refused; `form` says which.
        context: what else the template is told.
    """
    if visit.member is None:
        return _public_page(visit, ref)
    everyone = visit.request.GET.get("everyone") == "1"
    part = live_part.part_for(visit, ref, everyone=everyone)
    if part is None:
        return _imported_page(visit, ref)
    return visit.render(
        "action.html",
        status=status,
        part=part,
        live=_again_later(
            visit.language, visit.slug, ref, live_part.asking(visit), part, everyone=everyone
        ),
        everyone=everyone,
        **_about(visit, part.whole),
        tags=_tags(visit, ref),
        problem=commands.names_in(problem, visit.id) if problem else None,
        typed=typed or {},
        thanks=visit.request.GET.get("after") == "against",
        sent=visit.request.GET.get("sent", ""),
        **context,
    )


def _about(visit: Visit, whole: reading.Whole) -> dict[str, Any]:
    """What the page tells of the action beside that part, and what one can do with it."""
    mine = _mine(visit, whole)
    return {
        "mine": mine,
        "card": mine.card,
        "leader": live_part.person(whole, whole.action.leader),
        "proposer": live_part.person(whole, whole.action.proposer),
        "effects": _effects(whole),
        "changes": _changes(visit, whole.standing, whole.action),
        "made_from": _made_from(whole.action),
        "members": _members(whole),
        "follow_ups": [
            (one.value, visit.language.say(text))
            for one, text in _FOLLOW_UPS.items()
            if one is not whole.action.follow_up
        ],
    }


def _mine(visit: Visit, whole: reading.Whole) -> Mine:
    standing, one = whole.standing, whole.action
    counts = on_roll(standing, one, visit.me)
    deeds = possible(standing, one, visit.me)
    rules = one.rules.counter_vote
    can_call = Deed.COUNTER_VOTE in deeds and rules is not None
    return Mine(
        card=card(standing, one, visit.me, {}),
        deeds=deeds,
        counts=counts,
        why_not=None if counts else why_off_roll(standing, one, visit.me),
        leads=one.leader == visit.me,
        cancels=threshold_in_words(rules.cancels, one.roll_size) if rules and can_call else None,
    )


def _effects(whole: reading.Whole) -> list[tuple[live_part.Person | None, bool]]:
    """Whom its adoption gives the right to vote, and whether it changes the charter."""
    return [
        (None, True)
        if isinstance(effect, AmendCharter)
        else (live_part.person(whole, effect.member), False)
        for effect in whole.action.effects
    ]


def _changes(visit: Visit, standing: Standing, one: Action) -> list[tuple[str, list[Change]]]:
    """What an action changes in the rules, in words; nothing if it does not change them."""
    rules = rules_before_and_after(standing, one)
    language = visit.language
    return (
        list(changed_words(*rules, lambda one: language.typographic(language.say(one))))
        if rules
        else []
    )


def _members(whole: reading.Whole) -> list[tuple[str, str]] | None:
    """The handles and names of those who are members and do not lead it; None where they are too
    many for a list."""
    standing = whole.standing
    present = [
        one
        for one in standing.members.values()
        if one.id != whole.action.leader and one.membership(standing.at)
    ]
    if len(present) > FEW:
        return None
    named = sorted(present, key=lambda one: one.name.casefold())
    return [(whole.handles[one.id], f"{one.name} ({whole.handles[one.id]})") for one in named]


def _tags(visit: Visit, ref: str) -> list[str]:
    rows = Tag.objects.filter(association=visit.id, action=ref).order_by("word")
    return list(rows.values_list("word", flat=True))


def _public_page(visit: Visit, ref: str) -> HttpResponse:
    """What everybody may see: nobody's name, nothing that was said about it."""
    standing = reading.standing(
        visit.id, visit.now, visit.erased, only=[ref], ledger=visit.association.ledger
    )
    one = standing.actions.get(ref)
    if one is None:
        return _imported_page(visit, ref)
    tell: Callable[[str], str] = str
    if masks(visit):
        mask(one)
        tell = masked
    shown = card(standing, one, "", {})
    return visit.render(
        "action_public.html",
        card=shown,
        explanation=explain(standing, one, names=False),
        changes=_changes(visit, standing, one),
        tell=tell,
    )


def _imported_page(visit: Visit, ref: str) -> HttpResponse:
    one = reading.imported(visit.id, ref, visit.erased).get(ref)
    if one is None:
        raise Http404
    tell = masked if masks(visit) else str
    known: live_part.Person | None = None
    votes: list[tuple[live_part.Person, ImportedVote]] = []
    if visit.member is not None:
        course = one.course
        ids = {vote.by for vote in course.votes} if course else set()
        rows = Member.objects.filter(association=visit.id, pk__in={*ids, one.leader_id or ""})
        people = {row.pk: _author(visit, row) for row in rows}
        known = people.get(one.leader_id or "")
        votes = [(people[vote.by], vote) for vote in course.votes] if course else []
    return visit.render(
        "action_imported.html",
        action=one,
        leader=known,
        votes=votes,
        tell=tell,
        tags=_tags(visit, ref) if visit.member else [],
    )


# --- votes ---------------------------------------------------------------------------------------


@require_POST
@page
def vote(visit: Visit, ref: str) -> HttpResponse:
    posted = visit.request.POST
    try:
        ballot = BallotName(posted.get("ballot") or "action")
        choice = None if posted.get("choice") == "none" else Choice(posted.get("choice", ""))
    except ValueError:
        raise BadRequest from None
    before = _vote_in_force(visit, ref, ballot)
    try:
        if before != choice:
            with transaction.atomic():
                if wording := posted.get("wording"):
                    _check_wording(visit, ref, wording)
                _change_vote(visit, ref, ballot, before, choice)
    except Unknown:
        raise Http404 from None
    except Refusal as refusal:
        return _page(visit, ref, status=409, problem=refusal)
    if choice is Choice.AGAINST and ballot is BallotName.ACTION:
        return _to_page(visit, ref, after="against")
    text = _noted(ref, ballot, choice)
    visit.request.left.text = visit.language.say(text)
    back = posted.get("next", "")
    if back.startswith("/") and url_has_allowed_host_and_scheme(back, None):
        return HttpResponseRedirect(back)
    return _to_page(visit, ref)


def _noted(ref: str, ballot: BallotName, choice: Choice | None) -> Sentence:
    if choice is None:
        return say("Your vote on {ref} was taken back", ref=ref)
    if choice is Choice.ABSTAIN:
        return say("Your vote on {ref} is noted: neutral", ref=ref)
    if ballot is BallotName.COUNTER_VOTE and choice is Choice.FOR:
        return say("Your vote on {ref} is noted: cancel it", ref=ref)
    if ballot is BallotName.COUNTER_VOTE:
        return say("Your vote on {ref} is noted: keep it", ref=ref)
    if choice is Choice.FOR:
        return say("Your vote on {ref} is noted: for", ref=ref)
    return say("Your vote on {ref} is noted: against", ref=ref)


_VOTE = Asked(
    lambda association, ref, ballot, member: (
        models.Vote.objects.filter(
            action__association=association, action__ref=ref, ballot=ballot, member=member
        )
        .order_by("-counted")
        .values_list("choice")[:1]
    ),
    association=str,
    ref=str,
    ballot=str,
    member=str,
)


_OBJECT = Asked(
    lambda association, ref: Text.objects.filter(
        commitment__in=models.Version.objects.filter(
            action__association=association, action__ref=ref
        )
        .order_by("-number")
        .values("object")[:1]
    ).values_list("text"),
    association=str,
    ref=str,
)


def _check_wording(visit: Visit, ref: str, read: str) -> None:
    """Refuse a vote on an object that is not the one that was read. In a transaction."""
    # Nobody else writes until it is over.
    tables.find(Ledger, ("id",), lock=True, id=visit.id)
    rows = _OBJECT(association=visit.id, ref=ref)
    if rows and rows[0][0] is not None and wording_of(rows[0][0]) != read:
        raise Refusal(
            say("the object of {ref} was changed while you were reading it", ref=ref),
            say("read what it is now, and vote then"),
        )


def _vote_in_force(visit: Visit, ref: str, ballot: BallotName) -> Choice | None:
    rows = _VOTE(association=visit.id, ref=ref, ballot=ballot.value, member=visit.me)
    return Choice(rows[0][0]) if rows else None


def _change_vote(
    visit: Visit, ref: str, ballot: BallotName, before: Choice | None, choice: Choice | None
) -> None:
    """Put a vote in force in the place of the one before.

    A form that is sent twice changes it once; one that is sent again from a page that is still in
    the browser's memory changes it again.
    """
    key = visit.request.POST.get("key")
    asked = visit.asks(key and _short(key, ballot, before or "none", choice or "none"))
    if choice is None:
        commands.withdraw_vote(asked, ref, by=visit.me, ballot=ballot)
    else:
        commands.vote(asked, ref, choice, by=visit.me, ballot=ballot)


def _short(*told: str) -> str:
    return sha256("\n".join(told).encode(errors="replace")).hexdigest()


def _to_page(visit: Visit, ref: str, place: str = "", **told: str) -> HttpResponse:
    asked = f"?{urlencode(told)}" if told else ""
    return HttpResponseRedirect(visit.url("action", ref=ref) + asked + (place and f"#{place}"))


# --- what else one can do ------------------------------------------------------------------------


@require_POST
@page
def do(visit: Visit, ref: str) -> HttpResponse:
    """All that one does with an action but to vote: `deed` says what."""
    posted = visit.request.POST
    deed = posted.get("deed", "")
    if deed not in _DEEDS:
        raise BadRequest
    for name in ("reason", "object", "note"):
        if len(posted.get(name, "")) > LONGEST:
            return _again(visit, ref, deed, _too_long())
    try:
        said = _DEEDS[deed](visit, ref, posted)
    except _AmendedMeanwhile:
        return _page(visit, ref, 409, typed=posted, form=deed, conflict=True)
    except Unknown:
        if not models.Action.objects.filter(association=visit.id, ref=ref).exists():
            raise Http404 from None
        raise
    except Refusal as refusal:
        return _again(visit, ref, deed, refusal)
    visit.request.left.text = visit.language.say(said)
    return _to_page(visit, ref, sent=f"{deed}-{ref}")


def _again(visit: Visit, ref: str, form: str, refusal: Refusal) -> HttpResponse:
    return _page(visit, ref, 409, refusal, visit.request.POST, form=form)


def _too_long() -> Refusal:
    return Refusal(
        say("this is over {n} characters long", n=LONGEST),
        say("shorten it, or put the long version elsewhere and give the link"),
    )


def _counter_vote(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    commands.call_counter_vote(visit.asks(), ref, posted.get("reason", ""), by=visit.me)
    return say("The counter-vote is called. Calling is not voting: your vote on it is awaited")


def _withdraw(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    commands.withdraw(visit.asks(), ref, by=visit.me)
    return say("{ref} is withdrawn", ref=ref)


def _hand_over(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    to = reading.member_called(visit.id, posted.get("to", ""))
    if to is None:
        raise Refusal(
            say("nobody here is called “{member}”", member=posted.get("to", "")),
            say("name a member by their handle; the page of members has them all"),
        )
    commands.hand_over(visit.asks(), ref, to.id, by=visit.me)
    return say("{ref} is now led by {name}", ref=ref, name=to.name)


def _take_on(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    commands.hand_over(visit.asks(), ref, visit.me, by=visit.me)
    return say("{ref} is now led by you", ref=ref)


def _condition(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    commands.meet_condition(visit.asks(), ref, by=visit.me, note=posted.get("note", ""))
    return say("The condition of {ref} is recorded as met", ref=ref)


def _follow_up(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    try:
        where = FollowUp(posted.get("follow_up", ""))
    except ValueError:
        raise Refusal(
            say("it is not said where this stands"), say("choose one of the answers")
        ) from None
    commands.follow_up(
        visit.asks(),
        ref,
        where,
        by=visit.me,
        note=posted.get("note", ""),
        links=posted.get("links", "").split(),
    )
    return say("{ref} is now: {state}", ref=ref, state=where)


class _AmendedMeanwhile(Exception):
    """The object is no longer the one that was being changed."""


def _amend(visit: Visit, ref: str, posted: Mapping[str, str]) -> Sentence:
    key = visit.asks().key
    object = "\n".join(posted.get("object", "").splitlines()).strip()
    with transaction.atomic():
        # Nobody else writes until it is over.
        Ledger.objects.select_for_update().get(id=visit.id)
        said_before = key is not None and book.answer_to(visit.id, key) is not None
        if not said_before:
            standing = reading.standing(visit.id, visit.now, visit.erased, only=[ref])
            one = standing.actions.get(ref)
            if one is not None and posted.get("made_from") != _made_from(one):
                raise _AmendedMeanwhile
        commands.amend(visit.asks(), ref, object, by=visit.me)
    return say("The object of {ref} is changed", ref=ref)


def _made_from(action: Action) -> str:
    """What tells one wording from another."""
    return f"{len(action.versions)}-{sha256(action.object.encode()).hexdigest()[:16]}"


_DEEDS: Mapping[str, Callable[[Visit, str, Mapping[str, str]], Sentence]] = {
    Deed.COUNTER_VOTE: _counter_vote,
    Deed.AMEND: _amend,
    Deed.WITHDRAW: _withdraw,
    Deed.HAND_OVER: _hand_over,
    Deed.TAKE_ON: _take_on,
    Deed.CONDITION: _condition,
    Deed.FOLLOW_UP: _follow_up,
}


# --- the discussion ------------------------------------------------------------------------------


@require_POST
@page
def comment(visit: Visit, ref: str) -> HttpResponse:
    posted = visit.request.POST
    if not models.Action.objects.filter(association=visit.id, ref=ref).exists():
        raise Http404
    try:
        told = add_comment(visit.asks(), ref, posted.get("text", ""), by=visit.me)
    except Refusal as refusal:
        status = 429 if isinstance(refusal, limits.TooOften) else 422
        return _page(visit, ref, status, typed=posted, form="comment", wrong=refusal)
    return _to_page(visit, ref, f"c{told.pk}", sent=f"comment-{ref}")


def add_comment(asked: commands.Request, ref: str, text: str, *, by: str) -> Comment:
    """Have a member say something of an action; once, however often it is sent with the same key.

    Raises:
        Refusal: it is empty or too long.
        TooOften: they said much within a minute.
    """
    text = text.strip()
    _check_comment(text)
    limits.count("comments", by, asked.now)
    # The same form with another text, from a page that one came back to, is another comment.
    told, _ = Comment.objects.get_or_create(
        key=_short(by, ref, asked.key or asked.now.isoformat(), text),
        defaults={
            "association_id": asked.association,
            "action": ref,
            "member_id": by,
            "text": text,
            "at": asked.now,
        },
    )
    return told


def _check_comment(text: str) -> None:
    if not text:
        raise Refusal(say("the comment is empty"), say("write it in"))
    if len(text) > LONGEST:
        raise _too_long()
    commands.check_texts(text)


@page
def comment_change(visit: Visit, ref: str, id: int) -> HttpResponse:
    """The page where somebody changes a comment of theirs, or takes it back."""
    told = Comment.objects.filter(
        pk=id, association=visit.id, action=ref, member=visit.me, text__gt=""
    ).first()
    if told is None:
        raise Http404
    wrong = None
    text = told.text
    if visit.request.method == "POST":
        text = visit.request.POST.get("text", "").strip()
        take_back = visit.request.POST.get("do") == "take back"
        try:
            if take_back:
                text = ""
            else:
                _check_comment(text)
        except Refusal as refusal:
            wrong = refusal
        else:
            if text != told.text:
                told.text, told.changed = text, visit.now
                told.save(update_fields=["text", "changed"])
            said = say("The comment is taken back") if take_back else say("The comment is changed")
            visit.request.left.text = visit.language.say(said)
            return HttpResponseRedirect(_address_of(visit, told, sent=f"comment-{told.pk}"))
    return visit.render(
        "action_comment.html",
        status=422 if wrong else 200,
        told=told,
        text=text,
        wrong=wrong,
        back=_address_of(visit, told),
    )


def _address_of(visit: Visit, told: Comment, **more: str) -> str:
    """Where a comment is: on its action's page, or with those before."""
    every = Comment.objects.filter(association=visit.id, action=told.action)
    if every.filter(at__gt=told.at).count() < live_part.DISCUSSED:
        address = visit.url("action", ref=told.action)
    else:
        address = visit.url("discussion", ref=told.action)
        more["page"] = str(every.filter(at__lt=told.at).count() // live_part.DISCUSSED + 1)
    return f"{address}{'?' if more else ''}{urlencode(more)}#c{told.pk}"


@page
def discussion(visit: Visit, ref: str) -> HttpResponse:
    """All that was said of an action, page by page, the oldest first."""
    if not models.Action.objects.filter(association=visit.id, ref=ref).exists():
        raise Http404
    rows = Comment.objects.filter(association=visit.id, action=ref).select_related("member")
    part = part_of(rows, visit.request.GET, live_part.DISCUSSED)
    return visit.render(
        "action_discussion.html",
        ref=ref,
        count=part.count,
        comments=[live_part.said(one, _author(visit, one.member)) for one in part.rows],
        pages=part.pages,
    )


def _author(visit: Visit, member: Member) -> live_part.Person:
    return live_part.Person(member.name or visit.erased, member.handle)


@require_POST
@page
def tag(visit: Visit, ref: str) -> HttpResponse:
    """Add a word to an action, or take one away; anyone of the association does."""
    tables = (models.Action, models.ImportedAction)
    if not any(one.objects.filter(association=visit.id, ref=ref).exists() for one in tables):
        raise Http404
    posted = visit.request.POST
    if gone := posted.get("remove"):
        Tag.objects.filter(association=visit.id, action=ref, word=gone).delete()
        return _to_page(visit, ref, "tags")
    word = " ".join(posted.get("word", "").replace("#", " ").split())
    try:
        commands.one_line(word, say("the tag"), LONGEST_TAG)
        commands.check_texts(word)
        limits.count("tags", visit.me, visit.now)
    except Refusal as refusal:
        status = 429 if isinstance(refusal, limits.TooOften) else 422
        return _page(visit, ref, status, refusal, posted, form="tag")
    Tag.objects.get_or_create(association_id=visit.id, action=ref, word=word)
    return _to_page(visit, ref, "tags")


# --- what others do meanwhile --------------------------------------------------------------------


def live(request: Any, slug: str, ref: str) -> HttpResponse:
    """The part that others change, if it is not the one that is there already."""
    asked = request.GET
    asking = live_part.asking_again(slug, ref, asked)
    if asking is None:
        raise Http404
    session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    association = live_part.may_ask(asking, slug, session, request.now)
    if association is None:
        return _no_more()
    ledger, version = live_part.version_lately(association.pk, ref, request.now)
    if version is None:
        return _no_more()
    if version == asked.get("since"):
        return HttpResponse(status=204)
    zone = ZoneInfo(association.time_zone)
    request.language = Language(asking["lang"], zone, formal=asking["formal"] == "1")
    everyone = asked.get("everyone") == "1"
    part = live_part.part_now(request, slug, ledger, ref, version, everyone=everyone)
    if part is None:
        return _no_more()
    if part.version == asked.get("since"):
        return HttpResponse(status=204)
    response = HttpResponse(
        _again_later(request.language, slug, ref, asking, part, everyone=everyone)
    )
    if part.ballots != asked.get("ballots"):
        response.headers["HX-Trigger"] = "ballots-changed"
    return response


def _again_later(
    language: Language,
    slug: str,
    ref: str,
    asking: Mapping[str, str],
    part: live_part.Part,
    *,
    everyone: bool,
) -> Markup:
    """The part as the member who asks has it, with where it is asked for again."""
    label = language.word("Change or take back")
    html = live_part.own(part.html, slug, ref, asking["me"], label)
    address = live_part.address(slug, ref, asking, part, everyone=everyone)
    return live_part.wrapped(address, html)


def _no_more() -> HttpResponse:
    """The browser is to stop asking, and to leave the page as it is."""
    return HttpResponse(status=286, headers={"HX-Reswap": "none"})


urls = [
    path("actions/<str:ref>", action, name="action"),
    path("actions/<str:ref>/vote", vote, name="vote"),
    path("actions/<str:ref>/do", do, name="action_do"),
    path("actions/<str:ref>/comments", comment, name="comment"),
    path("actions/<str:ref>/discussion", discussion, name="discussion"),
    path("actions/<str:ref>/comments/<int:id>", comment_change, name="comment_change"),
    path("actions/<str:ref>/tags", tag, name="tag"),
    path("actions/<str:ref>/live", live, name="live"),
]
