"""Inventories of actions as associations kept them by hand, and as toutdoux prints them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from toutdoux.core.charter import Kind
from toutdoux.core.entries import ImportedAction
from toutdoux.core.words import Refusal, Sentence, say, say_n

from .columns import fields_by_title, find_columns, folded, ignored, listed, note_on_ignored
from .days import read_day
from .errors import TableError
from .markdown import as_words, as_written, link_target
from .source import Row, Table, read_sheet

# Meneur·se, Meneur.euse.s, Meneureuse, Meneu(r)se, Meneuse ou meneur, Mené·e par …, folded.
_LEADER = re.compile(
    r"meneu ?(?:r|se)(?: ?(?:e|s|es|se|ses|r|eur|euse|euses|ou|et|meneurs?|meneuses?))*"
    r"(?: de l action)?"
    r"|menee?(?: e)?(?: ?s)? par"
)
_SYNONYMS = {
    "number": ("id", "#", "numero", "n", "no", "number", "num", "ref", "reference"),
    "object": ("objet", "object", "intitule", "action", "titre", "title"),
    "leader": (_LEADER, "leader", "led by"),
    "date": ("date", "date de proposition", "proposee le", "proposed on"),
    "for": ("pour", "for", "votes pour", "votes for"),
    "against": ("contre", "against", "votes contre", "votes against"),
    "neutral": ("neutre", "neutres", "neutral", "abstain", "abstention", "abstentions"),
    "link": ("lien", "link", "url", "permalien", "permalink", "mattermost", "message"),
    "kind": ("kind", "type", "genre", "type d action", "kind of action"),
    "outcome": ("outcome", "issue", "etat", "state", "status", "statut", "resultat", "result"),
}
_FIELDS = fields_by_title(_SYNONYMS)
_LONGEST_TITLE = 40
_NEEDED = {
    "number": "ID",
    "object": "Objet",
    "leader": "Meneur·se",
    "date": "Date",
    "for": "Pour",
    "against": "Contre",
}
_KINDS = {
    **dict.fromkeys(("ordinaire", "ordinary", "ao", "action ordinaire"), Kind.ORDINARY),
    **dict.fromkeys(("ordinary action", "actions ordinaires", "ordinary actions"), Kind.ORDINARY),
    **dict.fromkeys(("extraordinaire", "extraordinary", "ae"), Kind.EXTRAORDINARY),
    **dict.fromkeys(("action extraordinaire", "extraordinary action"), Kind.EXTRAORDINARY),
    **dict.fromkeys(("actions extraordinaires", "extraordinary actions"), Kind.EXTRAORDINARY),
}
_NUMBER = re.compile(r"(?:#|n[°ºo]\.?|№)?\s*(?:(A[OE])[\s#-]*)?([0-9]{1,9})", re.IGNORECASE)
_VOTES = re.compile(r"([0-9]{1,9})(?:\s*/\s*([0-9]{1,9}))?")
_HASHTAG = re.compile(
    r"(?<![\w#])#(?:actions?[-_]?(extra)?ordinaires?|(extra)?ordinary[-_]?actions?)(?![\w-])",
    re.IGNORECASE,
)
_HEADING = re.compile(r"\b(extra)?ordina(?:ires?|ry)\b")


@dataclass(frozen=True, slots=True)
class Inventory:
    rows: list[ImportedAction]
    """Each with what the table calls the leader by (a name, a handle, initials), and no id."""
    lines: Mapping[str, int]
    """Where each of them is in the file, by reference."""
    notes: list[Sentence]
    """What was passed over, or guessed, for whoever imports it to know."""


def read_inventory(source: bytes | str, file: str, kind: Kind | None = None) -> Inventory:
    """Read the inventories of a file.

    Args:
        source: the file, as it is.
        file: its name, for messages.
        kind: the kind of those actions of which neither their row nor a heading says it.

    Raises:
        TableError: something in it cannot be taken.
    """
    sheet = read_sheet(source, file, _is_header)
    if not sheet.tables:
        raise _no_inventory(file, sheet.guess)
    reader = _Reader(file, kind)
    for table in sheet.tables:
        reader.read(table)
    notes = [*sheet.notes, *reader.notes()]
    return Inventory(list(reader.rows.values()), reader.lines, notes)


def check_days(inventory: Inventory, file: str, today: date) -> None:
    """Raises `TableError` for an action of a day that is still to come."""
    for row in inventory.rows:
        if row.date > today:
            raise TableError(
                file,
                inventory.lines[row.ref],
                say("{day} is still to come", day=row.date),
                say("check the day, the month and the year; what is planned is proposed"),
            )


def _is_header(cells: Sequence[str], _: Sequence[str]) -> bool:
    # Three of them: a row may well hold the word "Lien", or an object that is called "Action".
    found = {_field(folded(cell)) for cell in cells if len(cell) < _LONGEST_TITLE}
    return len(found - {None}) >= 3


def _field(title: str) -> str | None:
    return _FIELDS.get(title) or ("leader" if _LEADER.fullmatch(title) else None)


def _no_inventory(file: str, guess: Row | None) -> TableError:
    remedy = say("its first row must name its columns: {names}", names=", ".join(_NEEDED.values()))
    if guess is None:
        return TableError(file, None, say("the file is empty"), remedy)
    why = say("no inventory of actions begins here: {titles}", titles=listed(guess.cells))
    return TableError(file, guess.line, why, remedy)


class _Reader:
    def __init__(self, file: str, kind: Kind | None) -> None:
        self.file = file
        self.kind = kind
        self.rows: dict[str, ImportedAction] = {}
        self.lines: dict[str, int] = {}
        self.ignored: list[str] = []
        self.lost_links = 0

    def notes(self) -> Iterator[Sentence]:
        yield from note_on_ignored(self.ignored)
        if self.lost_links:
            yield say_n(
                "{n} link is a word without an address: left out",
                "{n} links are words without an address: left out",
                self.lost_links,
            )

    def read(self, table: Table) -> None:
        columns = self._columns(table)
        above = _kind_of_prose(table.above)
        for row in table.rows:
            read = self._action(_Cells(row, columns, table.markdown), above)
            line = self.lines.setdefault(read.ref, row.line)
            if self.rows.setdefault(read.ref, read) != read:
                raise TableError(
                    self.file,
                    row.line,
                    say("{ref} is also on line {line}, with other data", ref=read.ref, line=line),
                    say("keep the row that is right, or give one of them another number"),
                )

    def _columns(self, table: Table) -> dict[str, int]:
        try:
            columns = find_columns(table.titles, _SYNONYMS)
        except Refusal as refusal:
            raise TableError.at(self.file, table.line, refusal) from None
        missing = [name for field, name in _NEEDED.items() if field not in columns]
        if missing:
            raise TableError(
                self.file,
                table.line,
                say(
                    "this table has no column {names}; it has {titles}",
                    names=", ".join(missing),
                    titles=listed(table.titles),
                ),
                say("add it, or give the column that holds it this title"),
            )
        self.ignored += ignored(table.titles, columns)
        return columns

    def _action(self, cells: _Cells, above: Kind | None) -> ImportedAction:
        try:
            prefix, number = _read_number(cells.words("number"))
            text = cells.text("object")
            kind = _kind(text, cells.words("kind"), prefix)
            if kind is None and self.kind is None and len(kinds_of_hashtags(text)) > 1:
                raise Refusal(
                    say("this row has the hashtags of both kinds of actions"),
                    say("keep one of them, or give --kind ordinary or --kind extraordinary"),
                )
            kind = kind or above or self.kind
            if kind is None:
                raise Refusal(
                    say("nothing says which kind of action number {number} is", number=number),
                    say("give --kind ordinary or --kind extraordinary"),
                )
            for_, against, expressed = _read_result(cells)
            return ImportedAction(
                ref=f"{kind.prefix}{number}",
                kind=kind,
                number=number,
                object=text,
                leader=cells.needed("leader"),
                leader_id=None,
                date=read_day(cells.needed("date")),
                for_=for_,
                against=against,
                expressed=expressed,
                link=self._link(cells.words("link")),
            )
        except Refusal as refusal:
            raise TableError.at(self.file, cells.line, refusal) from None

    def _link(self, cell: str) -> str | None:
        link = link_target(cell)
        if folded(link) in ("lien", "link"):
            # What is left of a link that was copied from a page, without its address.
            self.lost_links += 1
            return None
        return link or None


class _Cells:
    """One row, by field. A column that is not there is empty."""

    def __init__(self, row: Row, columns: dict[str, int], markdown: bool) -> None:
        self.line = row.line
        self._row = row
        self._columns = columns
        self._markdown = markdown

    def _cell(self, field: str) -> str:
        return self._row.cells[self._columns[field]] if field in self._columns else ""

    def words(self, field: str) -> str:
        """A cell that holds words or figures, no Markdown; a link keeps its own escapes."""
        cell = self._cell(field)
        return as_words(cell) if self._markdown and field != "link" else cell

    def needed(self, field: str) -> str:
        return self._filled(field, self.words(field))

    def text(self, field: str) -> str:
        """A cell that holds Markdown, and something of it."""
        cell = self._cell(field)
        return self._filled(field, as_written(cell) if self._markdown else cell)

    def _filled(self, field: str, cell: str) -> str:
        if not cell:
            raise Refusal(
                say("the cell under {column} is empty", column=_NEEDED[field]), say("fill it in")
            )
        return cell


# --- cells ---------------------------------------------------------------------------------------


def _read_number(cell: str) -> tuple[Kind | None, int]:
    """`27`, `#27`, `N°27`, `AE27`: the kind of its prefix, and the number."""
    found = _NUMBER.fullmatch(cell)
    if found is None or int(found[2]) == 0:
        raise Refusal(
            say("“{text}” is not the number of an action", text=cell),
            say("write it as 27, #27, AO27 or AE27"),
        )
    return (_KINDS[found[1].lower()] if found[1] else None), int(found[2])


def _kind(text: str, column: str, prefix: Kind | None) -> Kind | None:
    """The kind that a row says, if it does. Raises `Refusal` when it says both."""
    said = [one for one in (_kind_of_hashtag(text), _read_kind(column), prefix) if one]
    if len(set(said)) > 1:
        raise Refusal(
            say("this row says both that it is ordinary and that it is extraordinary"),
            say("make its number (AO, AE), its hashtag and its kind agree"),
        )
    return said[0] if said else None


def _kind_of_hashtag(text: str) -> Kind | None:
    """`#action-ordinaire`, `#extraordinary-action`; None if the text has both, or neither."""
    kinds = kinds_of_hashtags(text)
    return kinds.pop() if len(kinds) == 1 else None


def kinds_of_hashtags(text: str) -> set[Kind]:
    """The kinds of action that the hashtags of a text name."""
    return _kinds_in(_HASHTAG.finditer(_plain(text)))


def _kind_of_prose(lines: Sequence[str]) -> Kind | None:
    """The kind of the actions that the last line to speak of a kind announces."""
    for line in reversed(lines):
        words = folded(line)
        found = _kinds_in(_HEADING.finditer(words)) if "action" in words else set()
        if len(found) == 1:
            return found.pop()
    return None


def _kinds_in(matches: Iterable[re.Match[str]]) -> set[Kind]:
    return {Kind.EXTRAORDINARY if any(found.groups()) else Kind.ORDINARY for found in matches}


def _read_kind(cell: str) -> Kind | None:
    if cell and folded(cell) not in _KINDS:
        raise Refusal(
            say("“{text}” is not a kind of action", text=cell),
            say("write ordinary or extraordinary"),
        )
    return _KINDS[folded(cell)] if cell else None


def _read_result(cells: _Cells) -> tuple[int, int, int]:
    """For, against and expressed: `10/13` and `0/13`, or bare counts."""
    for_, of_for = _read_votes(cells.needed("for"))
    against, of_against = _read_votes(cells.needed("against"))
    neutral, of_neutral = _read_votes(cells.words("neutral") or "0")
    known = {one for one in (of_for, of_against, of_neutral) if one is not None}
    shown = {"for_": cells.words("for"), "against": cells.words("against")}
    if len(known) > 1:
        raise Refusal(
            say("{for_} for and {against} against are not of as many votes", **shown),
            say("write the same number of votes after each /"),
        )
    expressed = known.pop() if known else for_ + against + neutral
    if for_ + against + neutral > expressed:
        raise Refusal(
            say("{for_} for and {against} against are more than all votes", **shown),
            say("check the figures"),
        )
    return for_, against, expressed


def _read_votes(cell: str) -> tuple[int, int | None]:
    found = _VOTES.fullmatch(cell)
    if found is None:
        raise Refusal(
            say("“{text}” is not a number of votes", text=cell),
            say("write for instance 10/13: the votes of this side, and all votes expressed"),
        )
    return int(found[1]), int(found[2]) if found[2] else None


def _plain(text: str) -> str:
    """Without accents, for comparing; nothing else changes."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(char for char in parts if not unicodedata.combining(char))
