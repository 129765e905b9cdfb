"""Actions: proposing them, voting on them, following them up, talking about them."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any

from django.db import transaction
from django.http import Http404
from ninja import Path, Query, Router

from toutdoux.actions import commands, models, searching
from toutdoux.actions.chronicle import periods
from toutdoux.core import history as h
from toutdoux.core.charter import Kind, read_charter
from toutdoux.core.journal import Period, period_named
from toutdoux.core.words import Refusal, say
from toutdoux.ledger.models import Ledger
from toutdoux.web import limits
from toutdoux.web.models import Comment, Tag

from . import shapes, telling
from .door import Caller, check_version, operation
from .problems import invalid
from .telling import made

router = Router()
RefPath = Annotated[str, Path(max_length=20, examples=["AE27"])]


def _action(caller: Caller, ref: str) -> Any:
    return made(shapes.Action, telling.action(caller, ref))


def _check_there(caller: Caller, ref: str, *, imported: bool = False) -> None:
    """Raise `Http404` if there is no such action here."""
    tables = (models.Action, models.ImportedAction) if imported else (models.Action,)
    if not any(one._default_manager.filter(association=caller.id, ref=ref) for one in tables):
        raise Http404


def named_period(caller: Caller, name: str, field: str = "period") -> Period:
    """The period whom a part of the request names."""
    try:
        return period_named(periods(caller.id), name, say("a référent·e adds it in the settings"))
    except Refusal as refusal:
        raise invalid(field, refusal) from None


# --- looking -------------------------------------------------------------------------------------


@operation(router, "GET", "/actions", shapes.Page[shapes.ListedAction])
def actions(
    caller: Caller,
    q: Annotated[
        str,
        Query(max_length=200, description="Words of the object, or a reference.", examples=["été"]),
    ] = "",
    state: Annotated[shapes.SoughtState | None, Query(examples=["open"])] = None,
    kind: Annotated[shapes.KindName | None, Query(examples=["ordinary"])] = None,
    leader: Annotated[
        str, Query(max_length=200, description="A handle, or a part of a name.", examples=["ana"])
    ] = "",
    period: Annotated[
        str | None, Query(max_length=60, description="A period's name.", examples=["P26"])
    ] = None,
    tag: Annotated[str | None, Query(max_length=40, examples=["podcasts"])] = None,
    page: shapes.Digits = shapes.PAGE,
    size: shapes.Digits = shapes.SIZE,
) -> Any:
    """List the actions, the newest first.

    Those that come from tables kept by hand are there, too: their state is null.
    """
    tagged = None if tag is None else Tag.objects.filter(association=caller.id, word=tag)
    wanted = searching.Wanted(
        text=q,
        state=state or "",
        kind=kind or "",
        leader=leader,
        period=None if period is None else named_period(caller, period),
        among=None if tagged is None else tagged.order_by().values("action"),
    )
    total, found = searching.find(
        caller.association, wanted, (page - 1) * size, size, caller.erased
    )
    listed = [telling.listed_action(one) for one in found]
    return made(shapes.Page[shapes.ListedAction], telling.paged(caller, listed, page, size, total))


@operation(router, "GET", "/actions/{ref}", shapes.Action)
def action(caller: Caller, ref: RefPath) -> Any:
    """Show an action: where it stands and why, its votes, its history.

    Not for one that comes from a table kept by hand, of which the list says all that is known.
    """
    return _action(caller, ref)


# --- proposing and voting ------------------------------------------------------------------------


@operation(router, "POST", "/actions", shapes.Action, status=201)
def propose(caller: Caller, said: shapes.NewAction) -> Any:
    """Propose an action.

    An ordinary one may start at once. Proposing is not voting.
    """
    leader = None if said.leader is None else caller.member_in("leader", said.leader)
    effects = [_effect(caller, f"effects.{n}", one) for n, one in enumerate(said.effects)]
    ref = commands.propose(
        caller.asks(),
        Kind(said.kind),
        said.object,
        by=caller.me,
        leader=leader,
        link=said.link,
        condition=said.condition,
        effects=effects,
    )
    return _action(caller, ref)


def _effect(caller: Caller, field: str, said: shapes.NewEffect) -> h.Effect:
    if (said.grant_voting_right is None) == (said.amend_charter is None):
        refusal = Refusal(
            say("an effect is one of {names}", names="grant_voting_right, amend_charter"),
            say("give one, and for several a list of them"),
        )
        raise invalid(field, refusal)
    if said.grant_voting_right is not None:
        member = caller.member_in(f"{field}.grant_voting_right", said.grant_voting_right)
        return h.GrantVotingRight(member)
    try:
        return h.AmendCharter(read_charter(as_texts(said.amend_charter)))
    except Refusal as refusal:
        raise invalid(".".join([field, "amend_charter", *refusal.path]), refusal) from None


def as_texts(value: object) -> object:
    """Numbers as texts, as files have them; and nothing where null stands."""
    if isinstance(value, Mapping):
        return {key: as_texts(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [as_texts(one) for one in value if one is not None]
    return value if isinstance(value, str) else str(value)


@operation(router, "PUT", "/actions/{ref}/vote", shapes.Action)
def vote(caller: Caller, ref: RefPath, said: shapes.NewVote) -> Any:
    """Vote, in place of one's earlier vote.

    On the ballot `counter_vote`, a vote for is one for cancelling the action. With the action's
    version in `If-Match`, it is taken only if the object is still the one that was read.
    """
    _check_there(caller, ref)
    ballot = h.BallotName(said.ballot)
    with transaction.atomic():
        _check_wording(caller, ref)
        commands.vote(caller.asks(), ref, h.Choice(said.choice), by=caller.me, ballot=ballot)
    return _action(caller, ref)


def _check_wording(caller: Caller, ref: str) -> None:
    """Raise `Problem` if the request is about another wording than there is. In a transaction."""
    if "If-Match" not in caller.request.headers:
        return
    # Nobody else writes until it is over.
    Ledger.objects.select_for_update().get(id=caller.id)
    if not caller.was_said():
        check_version(caller, telling.version_of(telling.whole(caller, ref).action))


@operation(router, "DELETE", "/actions/{ref}/vote", shapes.Action)
def withdraw_vote(
    caller: Caller,
    ref: RefPath,
    ballot: Annotated[shapes.Ballot, Query(examples=["action"])] = "action",
) -> Any:
    """Take one's vote back: it leaves none."""
    _check_there(caller, ref)
    commands.withdraw_vote(caller.asks(), ref, by=caller.me, ballot=h.BallotName(ballot))
    return _action(caller, ref)


@operation(router, "POST", "/actions/{ref}/counter-vote", shapes.Action, status=201)
def call_counter_vote(caller: Caller, ref: RefPath, said: shapes.Reason) -> Any:
    """Call a counter-vote: the vote on cancelling an action. Calling is not voting."""
    _check_there(caller, ref)
    commands.call_counter_vote(caller.asks(), ref, said.reason, by=caller.me)
    return _action(caller, ref)


# --- what its leader does ------------------------------------------------------------------------


@operation(router, "PATCH", "/actions/{ref}", shapes.Action)
def amend(caller: Caller, ref: RefPath, said: shapes.Object) -> Any:
    """Change an action's object: the vote starts again, unless it is a correction.

    For its leader. With the action's version in `If-Match`, it is changed only if nobody else did.
    """
    _check_there(caller, ref)
    with transaction.atomic():
        _check_wording(caller, ref)
        commands.amend(caller.asks(), ref, said.object, by=caller.me)
    return _action(caller, ref)


@operation(router, "POST", "/actions/{ref}/withdraw", shapes.Action)
def withdraw(caller: Caller, ref: RefPath) -> Any:
    """Withdraw an action that is not decided. For its leader."""
    _check_there(caller, ref)
    commands.withdraw(caller.asks(), ref, by=caller.me)
    return _action(caller, ref)


@operation(router, "POST", "/actions/{ref}/hand-over", shapes.Action)
def hand_over(caller: Caller, ref: RefPath, said: shapes.To) -> Any:
    """Hand an action over to another member.

    For its leader; or for whoever takes on one that has lost its leader, by naming themself.
    """
    _check_there(caller, ref)
    commands.hand_over(caller.asks(), ref, caller.member_in("to", said.to), by=caller.me)
    return _action(caller, ref)


@operation(router, "POST", "/actions/{ref}/condition-met", shapes.Action)
def meet_condition(caller: Caller, ref: RefPath, said: shapes.Note) -> Any:
    """Record that an action's condition has come true. For its leader."""
    _check_there(caller, ref)
    commands.meet_condition(caller.asks(), ref, by=caller.me, note=said.note)
    return _action(caller, ref)


@operation(router, "POST", "/actions/{ref}/follow-up", shapes.Action)
def follow_up(caller: Caller, ref: RefPath, said: shapes.NewFollowUp) -> Any:
    """Say where an action is among the things to do. For its leader."""
    _check_there(caller, ref)
    commands.follow_up(
        caller.asks(),
        ref,
        h.FollowUp(said.follow_up),
        by=caller.me,
        note=said.note,
        links=said.links,
    )
    return _action(caller, ref)


# --- talking -------------------------------------------------------------------------------------


@operation(router, "GET", "/actions/{ref}/comments", shapes.Page[shapes.Comment])
def comments(
    caller: Caller,
    ref: RefPath,
    page: shapes.Digits = shapes.PAGE,
    size: shapes.Digits = shapes.SIZE,
) -> Any:
    """List what was said about an action, the oldest first."""
    _check_there(caller, ref)
    rows = Comment.objects.filter(association=caller.id, action=ref).select_related("member")
    shown = [_comment(one) for one in rows[(page - 1) * size : page * size]]
    told = telling.paged(caller, shown, page, size, rows.count())
    return made(shapes.Page[shapes.Comment], told)


def _comment(row: Comment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "member": row.member.handle,
        "at": telling.utc(row.at),
        "changed": telling.utc(row.changed),
        "text": row.text,
    }


@operation(router, "POST", "/actions/{ref}/comments", shapes.Comment, status=201)
def comment(caller: Caller, ref: RefPath, said: shapes.NewComment) -> Any:
    """Say something about an action, in Markdown."""
    _check_there(caller, ref)
    text = _comment_text(said)
    if caller.was_said():
        raise _said_before(caller)
    limits.count("comments", caller.me, caller.now)
    told = caller.key or f"{caller.me} {ref} {caller.now.isoformat()}"
    row, new = Comment.objects.get_or_create(
        key=sha256(f"api {caller.id} {told}".encode()).hexdigest(),
        defaults={
            "association_id": caller.id,
            "action": ref,
            "member_id": caller.me,
            "text": text,
            "at": caller.now,
        },
    )
    if not new and (row.action, row.text) != (ref, text):
        raise _said_before(caller)
    return made(shapes.Comment, _comment(row))


def _said_before(caller: Caller) -> Refusal:
    return Refusal(
        say(
            "the key “{key}” was said before, with something else",
            key=caller.request.headers["Idempotency-Key"],
        ),
        say("give every request a key of its own"),
    )


def _comment_text(said: shapes.NewComment) -> str:
    text = said.text.strip()
    if not text:
        raise invalid("text", Refusal(say("the comment is empty"), say("write it in")))
    return text


def _my_comment(caller: Caller, ref: str, id: int) -> Comment:
    row = Comment.objects.filter(
        pk=id, association=caller.id, action=ref, member=caller.me, text__gt=""
    ).first()
    if row is None:
        raise Http404
    return row


def _change_comment(caller: Caller, row: Comment, text: str) -> Any:
    if text != row.text:
        row.text, row.changed = text, caller.now
        row.save(update_fields=["text", "changed"])
    return made(shapes.Comment, _comment(row))


@operation(router, "PATCH", "/actions/{ref}/comments/{id}", shapes.Comment)
def change_comment(
    caller: Caller, ref: RefPath, id: shapes.NumberPath, said: shapes.NewComment
) -> Any:
    """Change what one said."""
    return _change_comment(caller, _my_comment(caller, ref, id), _comment_text(said))


@operation(router, "DELETE", "/actions/{ref}/comments/{id}", shapes.Comment)
def take_comment_back(caller: Caller, ref: RefPath, id: shapes.NumberPath) -> Any:
    """Take back what one said: its text goes, and that something was said stays."""
    return _change_comment(caller, _my_comment(caller, ref, id), "")


@operation(router, "PUT", "/actions/{ref}/tags", shapes.Tags)
def set_tags(caller: Caller, ref: RefPath, said: shapes.Tags) -> Any:
    """Set the words by which an action is found again."""
    _check_there(caller, ref, imported=True)
    words = {" ".join(one.replace("#", " ").split()) for one in said.tags} - {""}
    with transaction.atomic():
        rows = Tag.objects.filter(association=caller.id, action=ref)
        rows.exclude(word__in=words).delete()
        known = {*rows.values_list("word", flat=True)}
        Tag.objects.bulk_create(
            (
                Tag(association_id=caller.id, action=ref, word=word)
                for word in sorted(words - known)
            ),
            ignore_conflicts=True,
        )
    return shapes.Tags(tags=sorted(words))
