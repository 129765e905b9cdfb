"""What somebody typed into a form, and what is wrong with it, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from toutdoux.actions import commands
from toutdoux.core.instants import read_date
from toutdoux.core.words import Refusal, Sentence, say


class Form:
    """A form that is shown again with what was typed, until it is taken.

    form = Form(request.POST)
    name = form.line("name", say("the name"))
    with form.taking():
        commands.rename_member(visit.asks(), visit.me, name=name)
        return visit.to("me", say("Your name is changed"))
    return visit.render("me.html", status=form.status, form=form)
    """

    def __init__(self, typed: Mapping[str, Any] | None = None, **first: object) -> None:
        """`typed` is what was sent; without it, the form holds `first`."""
        self._held: Mapping[str, Any] = first if typed is None else typed
        self.problems: dict[str, Sentence] = {}
        """What is wrong with a field, by its name."""
        self.problem: Refusal | None = None
        """What is wrong with the whole."""

    def __getitem__(self, name: str) -> str:
        held = self._held.get(name, "")
        return held.isoformat() if isinstance(held, date) else str(held or "")

    @property
    def sound(self) -> bool:
        return not self.problems and self.problem is None

    @property
    def status(self) -> int:
        """Of the page: 422 for what cannot be read, 409 for what makes no sense now."""
        return 200 if self.sound else 409 if self.problem else 422

    def line(self, name: str, what: Sentence, *, required: bool = True) -> str:
        """A text of one line."""
        text = " ".join(self[name].split())
        if text or required:
            with self.beside(name):
                return commands.one_line(text, what)
        return ""

    def day(self, name: str, unless: date | None = None) -> date | None:
        """A day; `unless` where none is given."""
        if self[name].strip():
            with self.beside(name):
                return read_date(self[name].strip())
        return unless

    def on(self, name: str) -> bool:
        return bool(self[name])

    @contextmanager
    def beside(self, name: str) -> Iterator[None]:
        """Say what is refused beside a field."""
        try:
            yield
        except Refusal as refusal:
            self.problems[name] = _whole(refusal)

    @contextmanager
    def taking(self, association: str = "", **fields: str) -> Iterator[None]:
        """Carry a command out, if nothing is wrong so far; say what it refuses where it belongs.

        `fields` are the form's names for what the commands call otherwise.
        """
        try:
            yield
        except Refusal as refusal:
            if association:
                refusal = commands.names_in(refusal, association)
            name = refusal.path[0] if refusal.path else ""
            name = fields.get(name, name)
            if name:
                self.problems[name] = _whole(refusal)
            else:
                self.problem = refusal


def _whole(refusal: Refusal) -> Sentence:
    return say("{why}: {remedy}", why=refusal.why, remedy=refusal.remedy)
