"""What the chat lets go: with the ledger's texts, and with who somebody was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from toutdoux.actions.models import Action
from toutdoux.core.chain import Body
from toutdoux.ledger.book import Writer, projects

from .models import Account, Code, Followed, Handled, Outgoing, Post

_OF_ENTRIES = ("vote", "outcome", "thread")
"""What is told of an entry of the ledger, whose number follows."""
_OF_WORDS = (*_OF_ENTRIES, "again", "card", "digest", "reminder", "against", "answer", "slash")
"""Messages that may hold somebody's words or name, by how their key begins."""
_AT_ONCE = 500


@projects("texts.erased")
def _forget(writer: Writer, entry: Body) -> None:
    member = entry["data"].get("member")
    if member is not None:
        _forget_accounts(writer.id, member)
    _write_again(writer.id)
    _show_again(writer.id, entry["data"]["commitments"], member)


def _forget_accounts(association: str, member: str) -> None:
    """Forget whose chat accounts somebody's were, and what is known by them."""
    for account in Account.objects.filter(association=association, member=member):
        here: dict[str, Any] = {"association": association, "server": account.server}
        post = {f"post__{name}": value for name, value in here.items()}
        Handled.objects.filter(**post, person=account.person).delete()
        Outgoing.objects.filter(**here, person=account.person).delete()
        account.delete()
    # Also by an account that is theirs no more.
    Handled.objects.filter(post__association=association, member=member).delete()
    Code.objects.filter(Q(member=member) | Q(by=member)).delete()


def _write_again(association: str) -> None:
    """Messages that still wait may hold what is forgotten. They are put together anew, as the bot
    does wherever there is none; but an answer has to be asked for again."""
    waiting = Outgoing.objects.filter(association=association, sent="")
    for server in waiting.order_by().values_list("server", flat=True).distinct():
        rows = waiting.filter(server=server).values_list("pk", "post", "key")
        told = [(pk, post, key.split(" ")) for pk, post, key in rows]
        told = [(pk, post, key) for pk, post, key in told if key[0] in _OF_WORDS]
        first = [int(key[1]) for _, _, key in told if key[0] in _OF_ENTRIES]
        if first:  # what was told of since is there, and is not told again
            followed = Followed.objects.filter(association=association, server=server)
            followed.filter(seq__gte=min(first)).update(seq=min(first) - 1)
        for part in _parts(told):
            Outgoing.objects.filter(pk__in=[pk for pk, _, _ in part]).delete()
            # A card is made wherever an open post has none.
            Post.objects.filter(pk__in=[post for _, post, _ in part if post]).update(open=True)


def _show_again(association: str, commitments: Sequence[str], member: str | None) -> None:
    """Have the bot look once more at the cards on which something is forgotten, also where nothing
    is voted on any more."""
    about = Action.objects.filter(association=association)
    refs = set(about.filter(leader=member).values_list("ref", flat=True)) if member else set()
    for part in _parts(commitments):
        theirs = Q(reason__in=part) | Q(versions__object__in=part)
        refs |= set(about.filter(theirs).values_list("ref", flat=True))
    for part in _parts(sorted(refs)):
        posts = Post.objects.filter(association=association, action__in=part)
        posts.exclude(card="").update(open=True)


def _parts(all: Sequence[Any]) -> list[Sequence[Any]]:
    return [all[start : start + _AT_ONCE] for start in range(0, len(all), _AT_ONCE)]
