"""What the terminal is told: language, tables, errors."""

from __future__ import annotations

import gettext
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, tzinfo
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from toutdoux.core.words import Sentence, Value, say
from toutdoux.language import Language, language_of_environment, problem_of_system

terminal = Language(language_of_environment())
"""The language of help and errors, as the environment asks."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def translate_click() -> None:
    """Have Click say its own words in our language, from our catalogue."""
    os.environ["LANGUAGE"] = terminal.code
    gettext.bindtextdomain("toutdoux", str(Path(__file__).parents[1] / "locale"))
    gettext.textdomain("toutdoux")


class Problem(Exception):
    """Something the person can put right: one sentence, and exit status 2."""

    def __init__(
        self, why: Sentence, remedy: Sentence, where: str = "", zone: tzinfo = UTC
    ) -> None:
        super().__init__(why.message)
        self.why = why
        self.remedy = remedy
        self.where = where
        self.zone = zone
        """The time zone in which its instants are told."""


def problem_of_file(error: OSError, file: Path | None = None) -> Problem:
    """A file that cannot be written, or a disk.

    Args:
        file: what was asked for, where it is written under another name first.
    """
    return Problem(
        say("this cannot be written: {problem}", problem=problem_of_system(error)),
        say("check the disk and the permissions"),
        str(file or error.filename or ""),
    )


def fail(text: str, status: int = 2) -> NoReturn:
    print(shown(text).replace("\n", " "), file=sys.stderr)
    raise SystemExit(status)


def shown(text: str) -> str:
    """Text from a file as a terminal may see it: no escape sequence, nothing that reorders."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def cut(sentence: Sentence, longest: int = 60) -> Sentence:
    """A sentence whose texts are cut to one short line each."""

    def short(value: Value) -> Value:
        if isinstance(value, Sentence):
            return cut(value, longest)
        if type(value) is not str:
            return value
        line = " ".join(value[: 4 * longest].split())
        return f"{line[:longest]}…" if len(line) > longest else line

    return replace(sentence, values={key: short(one) for key, one in sentence.values.items()})


def print_json(data: object) -> None:
    """Print JSON, with what a terminal might obey written as escapes: the data is the same."""
    text = json.dumps(data, ensure_ascii=False, indent=2)
    print(_CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def print_table(
    titles: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    right: Sequence[int] = (),
    prose: Mapping[int, int] = MappingProxyType({}),
) -> None:
    """Print a table with light rules.

    Args:
        right: the columns of figures, counted from 0.
        prose: the columns of text, which break over lines where the terminal is narrow, each
            with the least width that it can do with.
    """
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    # Where nobody looks on (a pipe, a file) there is room.
    width = shutil.get_terminal_size((140, 24)).columns
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    table = Table(
        title=Text(shown(title), style="bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
        collapse_padding=True,
    )
    for index, name in enumerate(titles):
        table.add_column(
            Text(name),
            justify="right" if index in right else "left",
            no_wrap=index not in prose,
            overflow="fold",
            min_width=prose.get(index),
        )
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    # Better lines that break than columns that are not there.
    least = Measurement.get(console, console.options, table).minimum
    with console.capture() as printed:
        console.print(table, width=max(width, least), crop=False, overflow="ignore", no_wrap=True)
    for line in printed.get().splitlines():
        print(line.rstrip())
