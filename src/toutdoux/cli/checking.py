"""`verify` and `export`: what anybody can check."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from toutdoux.core.chain import Broken
from toutdoux.core.words import Refusal, Sentence, say, say_n

from .options import association_option, examples, format_option
from .progress import progress
from .speech import Problem, print_json, problem_of_file, shown, terminal

if TYPE_CHECKING:
    from toutdoux.core.verification import Verified
    from toutdoux.ledger.bundle import Bundle

_word = terminal.word
DIFFERS = 1
"""The exit status where something is not what was recorded."""


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Hash and decide everything again, and name the first entry that differs."),
    epilog=examples(
        "toutdoux verify",
        "toutdoux verify --bundle loutres.jsonl",
        "gunzip -c loutres.jsonl.gz | toutdoux verify --bundle -",
    ),
)
@click.option(
    "--bundle",
    "file",
    type=click.Path(path_type=Path),
    metavar=_word("FILE"),
    help=_word("Verify a bundle that toutdoux export wrote; no database is needed. - reads it."),
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
    known = _ledgers(slug)
    from toutdoux.actions.verifying import verify_association
    from toutdoux.ledger.models import Ledger

    lengths = dict(Ledger.objects.values_list("id", "length"))
    return [
        _verified(name, lengths.get(id, 0), partial(verify_association, id))
        for id, name in known.items()
    ]


def _ledgers(slug: str | None) -> dict[str, str]:
    """The one that was named, or all: by their ids, what their associations are called."""
    from toutdoux.config.database import prepare

    from .desk import Desk

    if slug is None:
        prepare()
        from toutdoux.actions.verifying import ledgers

        if known := ledgers():
            return known
    association = Desk(slug).association
    return {association.pk: association.name}


def _verify_bundle(file: Path) -> dict[str, Any]:
    from toutdoux.ledger.checking import verify_bundle

    with ExitStack() as open_until_then:
        try:
            bundle = open_until_then.enter_context(_bundle(file))
        except Refusal as refusal:
            raise Problem(refusal.why, refusal.remedy, str(file)) from None
        except OSError as error:
            from toutdoux.language import problem_of_system

            why = say("this cannot be read: {problem}", problem=problem_of_system(error))
            raise Problem(why, say("check the name and the permissions"), str(file)) from None
        return _verified(str(file), bundle.length, lambda tell: verify_bundle(bundle, tell))


@contextmanager
def _bundle(file: Path) -> Iterator[Bundle]:
    """A bundle in a file. What can be read only once (a pipe, the standard input, `-`) is put into
    a file first, for it is gone through more than once."""
    from toutdoux.ledger.bundle import FIRST_LINE, Bundle

    if str(file) != "-" and (file.is_file() or file.is_dir() or not file.exists()):
        yield Bundle(file)
        return
    stream = nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb")
    with stream as source, NamedTemporaryFile(prefix="toutdoux-") as kept:
        kept.write(source.readline(FIRST_LINE))
        kept.flush()
        bundle = Bundle(Path(kept.name))  # before the rest: what is no bundle may have no end
        copyfileobj(source, kept)
        kept.flush()
        yield bundle


def _verified(
    name: str, length: int, verify: Callable[[Callable[[int], None]], Verified]
) -> dict[str, Any]:
    try:
        with progress(_word("verifying …"), forks=True) as show:
            done = verify(lambda read: show(read, length))
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
    length = ledger.length
    with _place_of(file) as place, progress(_word("exporting …")) as show:
        rows = book.rows(ledger.id, last=length)
        try:
            write_bundle(place, ledger.id, length, ledger.head, rows, lambda n: show(n, length))
        except BrokenPipeError:
            raise
        except OSError as error:
            raise problem_of_file(error, file) from None
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
