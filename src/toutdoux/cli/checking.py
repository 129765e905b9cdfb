"""`verify` and `export`: what anybody can check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from toutdoux.core.chain import Broken
from toutdoux.core.words import Refusal, Sentence, say, say_n

from .options import association_option, examples, format_option
from .speech import Problem, print_json, shown, terminal

if TYPE_CHECKING:
    from toutdoux.association.models import Association
    from toutdoux.core.verification import Verified

_word = terminal.word
DIFFERS = 1
"""The exit status where something is not what was recorded."""


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Hash and decide everything again, and name the first entry that differs."),
    epilog=examples("toutdoux verify", "toutdoux verify --bundle loutres.jsonl"),
)
@click.option(
    "--bundle",
    "file",
    type=click.Path(path_type=Path),
    metavar=_word("FILE"),
    help=_word("Verify a bundle that toutdoux export wrote; no database is needed."),
)
@association_option
@format_option("text", "json")
def verify(file: Path | None, slug: str | None, form: str) -> None:
    results = [_verify_bundle(file)] if file is not None else _verify_ledgers(slug)
    if form == "json":
        print_json(results)
    else:
        for result in results:
            _print_result(result)
    if any(not result["whole"] for result in results):
        raise click.exceptions.Exit(DIFFERS)


def _print_result(result: dict[str, Any]) -> None:
    name = shown(str(result["name"]))
    if result["whole"]:
        decisions = result["decisions"]
        told = terminal.say(
            say(
                "whole: {entries}, {decisions}, head {head}",
                entries=_entries(result["entries"]),
                decisions=say_n(
                    "{n} decision decided again", "{n} decisions decided again", decisions
                ),
                head=result["head"],
            )
        )
        click.echo(terminal.say(say("{name}: {value}", name=name, value=told)))
    else:
        why = shown(str(result["why"]))
        click.echo(terminal.say(say("{name}: {value}", name=name, value=why)), err=True)


def _entries(count: int) -> Sentence:
    return say_n("{n} entry", "{n} entries", count)


def _verify_ledgers(slug: str | None) -> list[dict[str, Any]]:
    known = _associations(slug)
    from toutdoux.actions.verifying import verify_association

    return [
        _verified(one.name, one.ledger.length, partial(verify_association, one.pk)) for one in known
    ]


def _associations(slug: str | None) -> list[Association]:
    """The one that was named, or all."""
    from toutdoux.config.database import prepare

    from .desk import Desk

    if slug is not None:
        return [Desk(slug).association]
    prepare()
    from toutdoux.association.models import Association

    known = list(Association.objects.select_related("ledger").order_by("slug"))
    return known or [Desk(None).association]


def _verify_bundle(file: Path) -> dict[str, Any]:
    from toutdoux.ledger.bundle import Bundle
    from toutdoux.ledger.checking import verify_bundle

    try:
        bundle = Bundle(file)
    except Refusal as refusal:
        raise Problem(refusal.why, refusal.remedy, str(file)) from None
    except OSError as error:
        from toutdoux.language import problem_of_system

        why = say("this cannot be read: {problem}", problem=problem_of_system(error))
        raise Problem(why, say("check the name and the permissions"), str(file)) from None
    return _verified(str(file), bundle.length, lambda progress: verify_bundle(bundle, progress))


def _verified(
    name: str, length: int, verify: Callable[[Callable[[int], None]], Verified]
) -> dict[str, Any]:
    try:
        with progress_of(_word("verifying …"), length) as progress:
            done = verify(progress)
    except Broken as broken:
        why = terminal.say(broken.why)
        if broken.seq:
            why = terminal.say(say("entry {seq} differs: {why}", seq=broken.seq, why=broken.why))
        return {"name": name, "whole": False, "entry": broken.seq or None, "why": why}
    return {
        "name": name,
        "whole": True,
        "entries": done.length,
        "head": done.head,
        "decisions": done.decisions,
    }


@contextmanager
def progress_of(what: str, length: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal for what takes long; nothing where nobody looks on."""
    if not sys.stderr.isatty() or length < 20_000:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Without its own thread: a process that forks must have none.
    with Progress(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False
    ) as bar:
        task = bar.add_task(what, total=length)

        def tell(done: int) -> None:
            if done % 1_000 == 0:
                bar.update(task, completed=done, refresh=True)

        yield tell


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word(
        "Write a bundle that anybody can verify: the entries, without a text or a name. A FILE of -"
        " is the standard output."
    ),
    epilog=examples(
        "toutdoux export loutres.jsonl",
        "toutdoux verify --bundle loutres.jsonl",
        "toutdoux export - | gzip > loutres.jsonl.gz",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), metavar=_word("FILE"))
@association_option
def export(file: Path, slug: str | None) -> None:
    from .desk import Desk

    desk = Desk(slug)
    desk.look()
    from toutdoux.ledger import book
    from toutdoux.ledger.bundle import write_bundle
    from toutdoux.ledger.models import Ledger

    ledger = Ledger.objects.get(id=desk.id)
    with (
        _place_of(file) as place,
        progress_of(_word("exporting …"), ledger.length) as progress,
    ):
        rows = book.rows(ledger.id, last=ledger.length)
        write_bundle(place, ledger.id, ledger.length, ledger.head, rows, progress)
    told = say("{entries}, head {head}", entries=_entries(ledger.length), head=ledger.head)
    into_file = isinstance(place, Path)
    click.echo(terminal.say(say("{name}: {value}", name=str(file), value=told)), err=not into_file)


@contextmanager
def _place_of(file: Path) -> Iterator[Path | BinaryIO]:
    """Where a bundle goes: a file, new or in the place of an earlier bundle; else a stream, for a
    device or a pipe is written into, never replaced."""
    from toutdoux.ledger.bundle import is_bundle

    if str(file) in ("-", "/dev/stdout"):
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif not file.exists() or is_bundle(file):
        yield file
    elif file.is_file() or file.is_dir():
        raise Problem(
            say("there is something else of this name"), say("name another file"), str(file)
        )
    else:
        with file.open("wb") as stream:
            yield stream
