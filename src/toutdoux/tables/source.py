"""Tables kept by hand: text with tabs, commas or semicolons, or Markdown, as rows with lines.

A file may hold several tables and prose around them. Who reads it says what a header row is; only
a header row begins a table, and only it decides what separates the cells.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from toutdoux.core.words import Sentence, say

from . import markdown
from .errors import TableError

LARGEST = 16 * 1024 * 1024
"""The largest file that is read, in bytes."""
SEPARATORS = ("\t", ";", ",")
_ABOVE = 40
"""How many lines of prose are remembered for the table that follows."""

IsHeader = Callable[[Sequence[str], Sequence[str]], bool]
"""Whether these cells are a header row, given the titles that hold so far (none at first)."""


@dataclass(frozen=True, slots=True)
class Row:
    line: int
    """Where it begins; a quoted cell may go on for several lines."""
    cells: list[str]
    """One for each title, without the blanks around them."""


@dataclass(slots=True)
class Table:
    """Rows under one header."""

    line: int
    titles: list[str]
    markdown: bool
    above: tuple[str, ...]
    """The prose over it, line by line."""
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Sheet:
    """What a file holds."""

    tables: list[Table] = field(default_factory=list)
    guess: Row | None = None
    """What looks most like a header row, for the message when no table begins."""
    notes: list[Sentence] = field(default_factory=list)
    """What was passed over, or guessed."""


def read_sheet(source: bytes | str, file: str, is_header: IsHeader) -> Sheet:
    """Read all tables of a file.

    Raises `TableError` for a file that is no text or too large, a quote that is not closed, or a
    row with more cells than its header.
    """
    sheet = Sheet()
    text = _text(source, file, sheet)
    reader = _Reader(text.replace("\r\n", "\n").replace("\r", "\n"), file, is_header, sheet)
    reader.read()
    return sheet


# --- text ----------------------------------------------------------------------------------------


def _text(source: bytes | str, file: str, sheet: Sheet) -> str:
    """Decode: UTF-8, else Windows-1252.

    UTF-8 has a form that other text meets only by chance, so what reads as UTF-8 is. Spreadsheets
    on Windows write the other one, which has all that Latin-1 has and the quotes and the euro sign
    too.
    """
    if isinstance(source, str):
        source = source.encode("utf-8", "surrogatepass")
    if len(source) > LARGEST:
        raise TableError(
            file,
            None,
            say("the file is larger than {n} MiB", n=LARGEST // (1024 * 1024)),
            say("split it into smaller files"),
        )
    if b"\0" in source:
        raise _not_text(file)
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        text = source.decode("cp1252")
    except UnicodeDecodeError:
        raise _not_text(file) from None
    sheet.notes.append(say("the file is not in UTF-8: read as Windows-1252, check the accents"))
    return text


def _not_text(file: str) -> TableError:
    return TableError(
        file,
        None,
        say("this is not a text file"),
        say("export the spreadsheet as CSV, in UTF-8, and give that file"),
    )


# --- tables --------------------------------------------------------------------------------------


class _Reader:
    """Goes through the text once, line by line or quoted cell by quoted cell."""

    def __init__(self, text: str, file: str, is_header: IsHeader, sheet: Sheet) -> None:
        self.text = text
        self.file = file
        self.is_header = is_header
        self.sheet = sheet
        self.at = 0
        self.line = 1
        self.table: Table | None = None
        self.separator = ""
        self.prose: deque[str] = deque(maxlen=_ABOVE)
        self.after_row = False

    def read(self) -> None:
        while self.at < len(self.text):
            line = self._line_at(self.at)
            if not line.strip():
                self._pass_line(line)
                self.after_row = False
            elif markdown.begins_table(line, self._line_at(self.at + len(line) + 1)):
                self._read_markdown_table(line)
            elif self._begin_if_header(line):
                pass
            elif self.table is None:
                self._guess(line)
                self._read_prose(line)
            elif self.table.markdown:
                self._read_markdown_row(line)
            else:
                self._read_record()

    def _line_at(self, at: int) -> str:
        end = self.text.find("\n", at)
        return self.text[at:] if end < 0 else self.text[at:end]

    def _pass_line(self, line: str) -> None:
        self.at += len(line) + 1
        self.line += 1

    def _read_prose(self, line: str) -> None:
        self.prose.append(line.strip())
        self.after_row = False
        self._pass_line(line)

    def _begin_if_header(self, line: str) -> bool:
        """Begin a table if the line is a header row; what it looks like without its pipes too."""
        titles = self.table.titles if self.table else []
        if "|" in line and self.table and self.table.markdown:
            cells = markdown.split_row(line, len(titles))
            if not self.is_header(cells, titles):
                return False
            self._begin(cells, "")
            self._pass_line(line)
            return True
        start = self.at, self.line
        for separator in SEPARATORS:
            if not self._may_be_header(line, separator, titles):
                continue
            cells = self._record(separator)
            if self.is_header(cells, titles):
                self._begin(cells, separator, start[1])
                return True
            self.at, self.line = start
        return False

    def _may_be_header(self, line: str, separator: str, titles: Sequence[str]) -> bool:
        """A quick look, so that a row is not taken apart three times, nor quotes in prose."""
        if separator in line:
            rough = [cell.strip().strip('"') for cell in line.split(separator)]
            return self.is_header(rough, titles)
        # One column only, or titles that go on in the next line.
        return separator == SEPARATORS[0] and self.is_header([line.strip().strip('"')], titles)

    def _begin(self, titles: list[str], separator: str, line: int = 0) -> None:
        while titles and not titles[-1]:
            titles = titles[:-1]  # spreadsheets end their rows with empty columns
        above = tuple(self.prose) or (self.table.above if self.table else ())
        self.table = Table(line or self.line, titles, not separator, above)
        self.sheet.tables.append(self.table)
        self.separator = separator
        self.prose.clear()
        self.after_row = True

    def _add(self, line: int, cells: list[str]) -> None:
        table = self.table
        assert table is not None
        if any(cells[len(table.titles) :]):
            raise TableError(
                self.file,
                line,
                say(
                    "this row has {n} cells, and its header has {most}",
                    n=len(cells),
                    most=len(table.titles),
                ),
                say("put quotes around a cell that holds a separator (\\| in Markdown)"),
            )
        if not any(cells):
            return
        if self.prose:
            # Rows that go on under other prose: the header holds, what the prose says does not.
            above = tuple(self.prose)
            table = Table(table.line, table.titles, table.markdown, above)
            self.table = table
            self.sheet.tables.append(table)
            self.prose.clear()
        missing = len(table.titles) - len(cells)
        table.rows.append(Row(line, cells[: len(table.titles)] + [""] * missing))
        self.after_row = True

    def _guess(self, line: str) -> None:
        """Keep the first line that looks like cells; else the first one."""
        separators = [one for one in SEPARATORS if one in line]
        if self.sheet.guess is None or (separators and len(self.sheet.guess.cells) == 1):
            cells = line.split(max(separators, key=line.count)) if separators else [line]
            self.sheet.guess = Row(self.line, [cell.strip().strip('"') for cell in cells])

    # --- Markdown --------------------------------------------------------------------------------

    def _read_markdown_table(self, line: str) -> None:
        titles = markdown.split_row(line)
        if self.is_header(titles, self.table.titles if self.table else []):
            self._begin(titles, "")
            self._pass_line(line)
            self._pass_line(self._line_at(self.at))
            return
        # Some other table: passed over as a whole, but not in silence.
        if self.sheet.guess is None or len(self.sheet.guess.cells) == 1:
            self.sheet.guess = Row(self.line, titles)
        self.sheet.notes.append(
            say("the table of line {line} has other columns: passed over", line=self.line)
        )
        self._pass_line(line)
        self._pass_line(self._line_at(self.at))
        while "|" in (line := self._line_at(self.at)):
            self._pass_line(line)
        self.table = None  # its titles no longer hold
        self.prose.clear()
        self.after_row = False

    def _read_markdown_row(self, line: str) -> None:
        assert self.table is not None
        if "|" not in line or not (self.after_row or line.lstrip().startswith("|")):
            self._read_prose(line)
            return
        if not markdown.is_rule(line):
            self._add(self.line, markdown.split_row(line, len(self.table.titles)))
        self._pass_line(line)

    # --- separated cells -------------------------------------------------------------------------

    def _read_record(self) -> None:
        assert self.table is not None
        start = self.line
        line = self._line_at(self.at)
        # A line on its own, with nothing to separate, is prose between two tables; right under a
        # row it is a row that somebody has not finished.
        alone = self.separator not in line and len(self.table.titles) > 1
        if alone and not self.after_row and not line.startswith('"'):
            if not line.startswith("#"):
                self.sheet.notes.append(say("line {line} stands alone: passed over", line=start))
            self._read_prose(line)
            return
        self._add(start, self._record(self.separator))

    def _record(self, separator: str) -> list[str]:
        """The cells of one record, which ends at a line end outside of quotes."""
        cells = []
        while True:
            cell, more = self._cell(separator)
            cells.append(cell.strip())
            if not more:
                return cells

    def _cell(self, separator: str) -> tuple[str, bool]:
        """One cell, and whether another follows it.

        Python's csv would drop the quotes of `"so-called" friends`; here a cell is quoted only if
        its closing quote also ends it.
        """
        end = self._end_of_cell(self.at, separator)
        opening = _OPENING.match(self.text, self.at)
        if opening is None:
            return self._take(self.text[self.at : end], end)
        closing = _CLOSING.match(self.text, opening.end())
        if closing is not None:
            after = _BLANKS.match(self.text, closing.end())
            assert after is not None
            if self._end_of_cell(after.end(), separator) == after.end():
                inner = self.text[opening.end() : closing.end() - 1].replace('""', '"')
                return self._take(inner, after.end())
            if closing.end() <= end:
                return self._take(self.text[self.at : end], end)
        raise TableError(
            self.file,
            self.line,
            say("the quote that opens here is not closed"),
            say("close it, or double the quotes inside a quoted cell"),
        )

    def _end_of_cell(self, at: int, separator: str) -> int:
        found = _ENDS[separator].search(self.text, at)
        return found.start() if found else len(self.text)

    def _take(self, cell: str, end: int) -> tuple[str, bool]:
        """Move on behind the cell and what ends it."""
        more = self.text[end : end + 1] not in ("", "\n")
        self.line += self.text.count("\n", self.at, end + 1)
        self.at = end + 1
        return cell, more


_OPENING = re.compile(r' *"')
_CLOSING = re.compile(r'[^"]*+(?:""[^"]*+)*+"')
_BLANKS = re.compile(r" *")
_ENDS = {separator: re.compile(f"[{separator}\n]") for separator in SEPARATORS}
