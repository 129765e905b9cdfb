"""Members as Paheko, Galette or a spreadsheet export them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from toutdoux.core.words import Refusal, Sentence, say

from .columns import fields_by_title, find_columns, folded, ignored, listed, note_on_ignored
from .days import read_day
from .errors import TableError, Wrong
from .markdown import as_words
from .source import Row, Sheet, Table, read_sheet

FIELDS = ("name", "first_name", "last_name", "email", "handle", "number", "joined", "left")
"""What a column may be, as `--map` names it."""
# Paheko's titles are those of its member form, Galette's the labels or the names in its database.
# The day when dues run out (Galette's "Date d'échéance") is not the day when somebody left.
_SYNONYMS = {
    "name": (
        "nom et prenom",
        "nom prenom",
        "prenom et nom",
        "prenom nom",
        "nom complet",
        "full name",
        "nom du membre",
        "member",
        "membre",
        "adherent e",
        "adherent",
    ),
    "last_name": ("nom de famille", "last name", "lastname", "surname", "family name"),
    "first_name": ("prenom", "prenoms", "first name", "firstname", "given name", "prenom adh"),
    "nom": ("nom", "name", "nom adh"),
    "email": (
        "adresse e mail",
        "adresse email",
        "adresse mail",
        "adresse electronique",
        "e mail",
        "email",
        "mail",
        "courriel",
        "email adh",
        "email address",
        "e mail address",
    ),
    "handle": (
        "handle",
        "pseudo",
        "pseudonyme",
        "surnom",
        "nickname",
        "pseudo adh",
        "mattermost",
        "username",
        "nom d utilisateur",
        "nom d utilisatrice",
    ),
    "number": (
        "numero de membre",
        "numero d adherent",
        "numero adherent",
        "n d adherent",
        "n adherent",
        "member number",
        "numero",
        "number",
        "num",
        "n",
        "no",
        "#",
        "id adh",
        "id",
    ),
    "joined": (
        "date d inscription",
        "date inscription",
        "inscription",
        "inscrit le",
        "inscrit e le",
        "date d adhesion",
        "date adhesion",
        "adhesion",
        "date d entree",
        "date d arrivee",
        "arrivee",
        "entree",
        "membre depuis",
        "date de creation",
        "date crea adh",
        "creation date",
        "joined",
        "joined on",
        "date joined",
        "join date",
        "member since",
    ),
    "left": (
        "date de depart",
        "depart",
        "date de sortie",
        "sortie",
        "parti le",
        "parti e le",
        "date de demission",
        "demission",
        "date de radiation",
        "radiation",
        "left",
        "left on",
        "date left",
        "leave date",
    ),
}
_TIME = re.compile(r"[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?$")


@dataclass(frozen=True, slots=True)
class MemberRow:
    name: str
    email: str | None
    handle: str | None
    number: str | None
    """The one that the export knows the member by."""
    joined: date | None
    left: date | None
    line: int


@dataclass(frozen=True, slots=True)
class Members:
    rows: list[MemberRow]
    """One for each period of membership."""
    notes: list[Sentence]
    """What was passed over, or guessed."""


def read_members(
    source: bytes | str, file: str, mapping: Mapping[str, str] | None = None
) -> Members:
    """Read the members of an export.

    Args:
        source: the file, as it is.
        file: its name, for messages.
        mapping: the titles of columns that go by other names, by field: `{"joined": "Arrivé le"}`.

    Raises:
        TableError: something in it cannot be taken; it knows what else cannot.
    """
    wanted = dict(mapping or {})
    _check_fields(wanted, file)

    def is_header(cells: Sequence[str], titles: Sequence[str]) -> bool:
        if titles:
            # A title may well be somebody's name: only the same titles again are no member.
            if len(cells) < len(titles) or folded(cells[0]) not in map(folded, titles):
                return False
            return sorted(filter(None, map(folded, cells))) == sorted(map(folded, titles))
        try:
            return _has_name(_columns(cells, wanted))
        except Refusal:
            return False

    sheet = read_sheet(source, file, is_header)
    if not sheet.tables:
        raise _no_name(file, sheet, wanted)
    reader = _Reader(file)
    unread: list[str] = []
    for table in sheet.tables:
        columns = _columns(table.titles, wanted)
        unread += ignored(table.titles, columns)
        reader.read(table, columns)
    reader.wrong.tell()
    return Members(reader.rows, [*sheet.notes, *note_on_ignored(unread)])


def mapping_of(told: Mapping[str, str]) -> dict[str, str]:
    """The titles of columns by field, where a field may be called by any title that is known:
    `{"Prénom": "Petit nom"}` is `{"first_name": "Petit nom"}`."""
    known = fields_by_title(_SYNONYMS)
    fields = [(one if one in FIELDS else known.get(folded(one), one), told[one]) for one in told]
    whole = "name" if all(field != "first_name" for field, _ in fields) else "last_name"
    return {whole if field == "nom" else field: title for field, title in fields}


# --- columns -------------------------------------------------------------------------------------


def _check_fields(mapping: Mapping[str, str], file: str) -> None:
    for field in mapping:
        if field not in FIELDS:
            raise TableError(
                file,
                None,
                say("“{field}” is not something that a member has", field=field),
                say("use one of {names}", names=", ".join(FIELDS)),
            )


def _columns(titles: Sequence[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """The place of each field's column: as mapped, else by its title."""
    mapped = {field: _place(title, titles) for field, title in mapping.items()}
    columns = find_columns(titles, _SYNONYMS)
    taken = set(mapped.values())
    columns = {field: place for field, place in columns.items() if place not in taken}
    if "name" in mapped or not {"first_name", "last_name"}.isdisjoint(mapped):
        columns.pop("name", None)
    columns |= mapped
    nom = columns.pop("nom", None)
    if nom is not None and "name" not in columns:
        # "Nom" is the whole name, unless there is a column for the first name beside it.
        columns.setdefault("last_name" if "first_name" in columns else "name", nom)
    return columns


def _place(title: str, titles: Sequence[str]) -> int:
    """Where a column is: the title as it is written, else one that differs in case or accents."""
    if title in titles:
        return list(titles).index(title)
    found = [place for place, one in enumerate(titles) if folded(one) == folded(title)]
    if not found:
        raise Refusal(
            say(
                "there is no column “{title}”; there are {titles}",
                title=title,
                titles=listed(titles),
            ),
            _how_to_map(),
        )
    return found[0]


def _has_name(columns: Mapping[str, int]) -> bool:
    return "name" in columns or {"first_name", "last_name"} <= columns.keys()


def _no_name(file: str, sheet: Sheet, mapping: Mapping[str, str]) -> TableError:
    guess = sheet.guess
    if guess is None:
        return TableError(file, None, say("the file is empty"), say("export the members as CSV"))
    try:
        _columns(guess.cells, mapping)
    except Refusal as refusal:
        return TableError.at(file, guess.line, refusal)
    why = say("no column holds the members' names; there are {titles}", titles=listed(guess.cells))
    return TableError(file, guess.line, why, _how_to_map())


def _how_to_map() -> Sentence:
    return say("say which column it is, for instance --map name=COLUMN")


# --- rows ----------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, file: str) -> None:
        self.wrong = Wrong(file)
        self.rows: list[MemberRow] = []
        self._known: dict[tuple[str, ...], list[MemberRow]] = {}

    def read(self, table: Table, columns: Mapping[str, int]) -> None:
        for row in table.rows:
            with self.wrong.line(row.line):
                self._add(_member(row, columns, table.markdown))

    def _add(self, member: MemberRow) -> None:
        """Add a row, unless it is there already. Raises `Refusal` if it contradicts another."""
        keys = list(_keys(member))
        others = {one.line: one for key in keys for one in self._known.get(key, ())}
        for other in others.values():
            if _contradicts(member, other):
                raise Refusal(
                    say(
                        "{name} is also on line {line}, with other data",
                        name=member.name,
                        line=other.line,
                    ),
                    say("keep the row that is right; several periods differ in their dates only"),
                )
        if any(replace(other, line=member.line) == member for other in others.values()):
            return
        self.rows.append(member)
        for key in keys:
            self._known.setdefault(key, []).append(member)


def _keys(member: MemberRow) -> Iterable[tuple[str, ...]]:
    """What the same person has again: the number, or the name and the email."""
    if member.number:
        yield ("number", member.number)
    if member.email or not member.number:
        yield ("name", member.name.casefold(), (member.email or "").casefold())


def _contradicts(one: MemberRow, other: MemberRow) -> bool:
    if _without_period(one) != _without_period(other):
        return True
    return one.joined is not None and one.joined == other.joined and one.left != other.left


def _without_period(member: MemberRow) -> MemberRow:
    return replace(member, joined=None, left=None, line=0)


def _member(row: Row, columns: Mapping[str, int], markdown: bool) -> MemberRow:
    def cell(field: str) -> str:
        text = row.cells[columns[field]] if field in columns else ""
        return as_words(text) if markdown else text

    name = cell("name") or f"{cell('first_name')} {cell('last_name')}".strip()
    if not name:
        raise Refusal(say("this member has no name"), say("fill it in, or take the row out"))
    joined, left = _day(cell("joined")), _day(cell("left"))
    if joined and left and left < joined:
        raise Refusal(
            say(
                "{name} left on {left}, before joining on {joined}",
                name=name,
                left=left,
                joined=joined,
            ),
            say("check both dates"),
        )
    return MemberRow(
        name=name,
        email=cell("email") or None,
        handle=cell("handle").removeprefix("@") or None,
        number=cell("number") or None,
        joined=joined,
        left=left,
        line=row.line,
    )


def _day(cell: str) -> date | None:
    """A date; an export may tell the time with it."""
    return read_day(_TIME.sub("", cell)) if cell else None
