"""Where a command on the ledger begins: the database, the association, the people it names.

Django is imported in here only, so that commands on files start without it.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from toutdoux.core.instants import read_date, read_instant
from toutdoux.core.words import Refusal, say
from toutdoux.language import Language

from .speech import Problem, terminal

if TYPE_CHECKING:
    from toutdoux.actions.commands import Request
    from toutdoux.association.models import Association, Member
    from toutdoux.core.journal import Period
    from toutdoux.core.replay import Standing

Answer = TypeVar("Answer")


def operator() -> str:
    """Who sits at the terminal: `$TOUTDOUX_OPERATOR`, else the system's user."""
    told = os.environ.get("TOUTDOUX_OPERATOR")
    if told:
        return told
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


class Desk:
    """One association at the command line."""

    def __init__(self, slug: str | None, at: str | None = None, lang: str | None = None) -> None:
        """Args:
        slug: the association's short name; None where there is only one.
        at: the instant that `--at` names, as it was typed.
        lang: the language of what is printed; the terminal's unless given.
        """
        from toutdoux.config.database import prepare

        prepare()
        self.association: Association = _association(slug)
        self.id: str = self.association.pk
        self.zone: tzinfo = ZoneInfo(self.association.time_zone)
        self.language = Language(lang or terminal.code, self.zone)
        self.now = datetime.now(UTC)
        self.at = None if at is None else self.instant(at, "--at")
        self.by: str | None = None
        """The member who does what is no action of theirs, if that is said: their id."""

    # --- what was typed --------------------------------------------------------------------------

    def instant(self, text: str, where: str) -> datetime:
        """An instant, or a date's first one, in the association's time zone."""
        try:
            return read_instant(text, self.zone)
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy, where) from None

    def day(self, text: str, where: str) -> date:
        try:
            return read_date(text)
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy, where) from None

    def member(self, name: str) -> str:
        """The id of the member that a handle (or a full name) names."""
        return self.member_row(name).id

    def member_row(self, name: str) -> Member:
        from toutdoux.actions.reading import handles_like, member_called

        name = _text(name)
        try:
            found = member_called(self.id, name)
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy) from None
        if found is None:
            close = handles_like(self.id, name)
            remedy = (
                say("did you mean {name}?", name=close)
                if close
                else say("see who there is with toutdoux member list")
            )
            raise Problem(say("nobody here is called “{member}”", member=name), remedy)
        return found

    def period(self, name: str, where: str = "") -> Period:
        """The period of a name."""
        from toutdoux.actions.chronicle import periods
        from toutdoux.core.journal import period_named

        try:
            return period_named(periods(self.id), name)
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy, where) from None

    def ref(self, text: str) -> str:
        """An action's reference as it is kept: `ae27` and `#AE27` are AE27."""
        return _text(text).strip().lstrip("#").upper()

    def known_ref(self, text: str, *, imported: bool = False) -> str:
        """The reference of an action that there is.

        Args:
            text: as it was typed.
            imported: whether one that is only known from a table kept by hand will do.
        """
        from difflib import get_close_matches

        from toutdoux.actions.models import Action, ImportedAction
        from toutdoux.actions.reading import refs

        ref = self.ref(text)
        if Action.objects.filter(association=self.id, ref=ref).exists():
            return ref
        if ImportedAction.objects.filter(association=self.id, ref=ref).exists():
            if imported:
                return ref
            raise Problem(
                say("{ref} comes from a table that was kept by hand, and is over", ref=ref),
                say("propose a new action"),
            )
        close = get_close_matches(ref, refs(self.id), 1, 0.6)
        remedy = (
            say("did you mean {name}?", name=close[0])
            if close
            else say("see what there is with toutdoux list, or propose it")
        )
        raise Problem(say("there is no action {ref}", ref=ref), remedy)

    # --- doing and looking -----------------------------------------------------------------------

    def request(self, key: str | None = None) -> Request:
        from toutdoux.actions.commands import Request

        return Request(
            association=self.id,
            now=self.now,
            via="cli",
            operator=operator(),
            by=self.by,
            at=self.at,
            key=key,
        )

    def carry_out(self, command: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
        """Carry a command of `toutdoux.actions.commands` out, for whoever sits here."""
        from toutdoux.actions.commands import names_in

        try:
            return command(self.request(), *arguments, **options)
        except Refusal as refusal:
            told = names_in(refusal, self.id)
            raise Problem(told.why, told.remedy, zone=self.zone) from None

    def look(self) -> None:
        """Write down the decisions that fell due; where nothing can be written, go on without."""
        from django.db import DatabaseError

        from toutdoux.actions import commands

        self.now = datetime.now(UTC)
        try:
            commands.settle(self.request())
        except DatabaseError as error:
            if "readonly" not in str(error) and "read-only" not in str(error):
                raise

    def standing(
        self, votes_of: tuple[str, ...] = (), only: tuple[str, ...] | None = None
    ) -> Standing:
        """Where the association stands: now, unless `--at` asked about another instant.

        `votes_of` and `only` name the actions whose votes, or which alone, are wanted.
        """
        from toutdoux.actions import reading

        erased = self.language.word("(forgotten)")
        if self.at is not None:
            return reading.standing_at(self.id, self.at, erased)
        self.look()
        return reading.standing(self.id, self.now, erased, votes_of, only)


def _text(argument: str) -> str:
    """An argument that may hold bytes of no text, as a text that the database can be asked for."""
    return argument.encode("utf-8", "replace").decode()


def _association(slug: str | None) -> Association:
    from toutdoux.association.models import Association

    if slug is not None:
        slug = _text(slug)
        found = Association.objects.filter(slug=slug).first()
        if found is not None:
            return found
    known = list(Association.objects.order_by("slug"))
    names = ", ".join(one.slug for one in known)
    if not known:
        raise Problem(
            say("there is no association here yet"),
            say('found one: toutdoux init --name "Les Loutres libres"'),
        )
    if slug is not None:
        raise Problem(
            say("there is no association “{slug}”", slug=slug),
            say("use one of {names}", names=names),
            "--association",
        )
    if len(known) > 1:
        raise Problem(
            say("there are several associations here"),
            say("say which with --association: {names}", names=names),
        )
    return known[0]
