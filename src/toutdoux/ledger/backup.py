"""Backups: everything an installation holds in one file, and an installation made from it.

The file is a zip of `manifest.json`, `tables/<app>.<model>.jsonl` (a row on each line, as canonical
JSON), `files/…`, and `home/…` for what else of the home is not in tables (`config.home.CARRIED`).
It knows nothing of SQLite or PostgreSQL, so it goes from each to the other, and of no table in
particular: the tables are those of the migrations that the manifest names.

Certificates are what readers know an association by. A restore brings back those of the backup,
byte for byte; one that it takes the place of is kept beside it, and told of.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, BinaryIO
from uuid import UUID

import orjson
from django.conf import settings
from django.core.management.color import no_style
from django.db import DataError, IntegrityError, connection, models, transaction
from django.utils.duration import duration_string

from toutdoux import __version__
from toutdoux.config import database
from toutdoux.config.home import CARRIED, home
from toutdoux.core.chain import Broken, Checked, canonical, stamp
from toutdoux.core.instants import read_instant
from toutdoux.core.words import Refusal, Sentence, say

from . import book
from .models import Ledger
from .unfinished import folder_in, replacing

FORMAT = 1

_MANIFEST = "manifest.json"
_CERTIFICATES = "home/certificates/"
_AT_ONCE = 1_000
_BLOCK = 1 << 20
_LARGEST_MANIFEST = 64 << 20  # bytes, with a hash for each of half a million files
_LONGEST_LINE = 64 << 20  # bytes: all of a row is held in memory
_COMPRESSION = 3  # what is left to gain by more is small, and slow
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others swell without measure

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""


def _nobody(done: int, total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    version: str
    """The program's that wrote it."""
    created_at: str
    migrations: database.Migrations
    rows: Mapping[str, int]
    """How many there are of every table, by `app.model`."""
    members: Mapping[str, str]
    """The SHA-256 of all other members of the zip, by their names."""


# --- writing one ---------------------------------------------------------------------------------


def save(path: Path, now: datetime, progress: Progress = _nobody) -> Manifest:
    """Write everything there is into one file, as it is at one moment; writers go on meanwhile.

    The file appears when it is whole, and only its owner may read it: it holds every text. What
    others, cut short, left beside it is swept up.

    Args:
        path: the file, in a folder that is made if need be. One that is there is replaced; one that
            a symbolic link leads to, there.
        now: the present instant, in UTC.
        progress: is told how many rows are written.
    """
    with (
        replacing(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive,
    ):
        return _write(archive, now, progress)


def _write(archive: zipfile.ZipFile, now: datetime, progress: Progress) -> Manifest:
    counts: dict[str, int] = {}
    members: dict[str, str] = {}
    with one_moment():
        migrations = database.applied()
        tables = _tables(migrations)
        total = sum(model._base_manager.count() for model in tables.values())
        for name, model in tables.items():
            counts[name] = 0
            with _member(archive, f"tables/{name}.jsonl", members) as write:
                for rows in _batches(_rows(model)):
                    write(b"".join(canonical(row) + b"\n" for row in rows))
                    counts[name] += len(rows)
                    progress(sum(counts.values()), total)
    for name, path in _files():
        _write_file(archive, name, path, members)
    manifest = {
        "program": "toutdoux",
        "format": FORMAT,
        "version": __version__,
        "created_at": stamp(now),
        "migrations": sorted(map(list, migrations)),
        "rows": counts,
        "sha256": members,
    }
    archive.writestr(_MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    return Manifest(__version__, stamp(now), migrations, counts, members)


@contextmanager
def one_moment() -> Iterator[None]:
    """Read everything as it is at one moment, and keep nobody from writing."""
    if connection.in_atomic_block:  # of somebody who keeps all others out
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        # By hand, because Django's own transactions take the writer's lock at once.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def _tables(migrations: database.Migrations) -> dict[str, type[models.Model]]:
    """The models of all tables that these migrations made."""
    return {
        model._meta.label_lower: model
        for model in database.apps_at(migrations).get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    }


def _rows(model: type[models.Model]) -> Iterator[dict[str, Any]]:
    names = [field.attname for field in model._meta.local_concrete_fields]
    rows = model._base_manager.order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=2_000):
        yield {
            name: value if type(value) in _AS_IT_IS else _told(value)
            for name, value in zip(names, row, strict=True)
        }


_AS_IT_IS = {str, int, bool, float, type(None), list, dict}


def _told(value: object) -> object:
    """A value as JSON can hold it. What a field reads back from is Django's own convention."""
    match value:
        case bytes() | memoryview() | bytearray():
            return b64encode(value).decode()
        case datetime():
            return stamp(value)
        case timedelta():
            return duration_string(value)
        case date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
    return value


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, _AT_ONCE)):
        yield batch


@contextmanager
def _member(
    archive: zipfile.ZipFile, name: str, members: dict[str, str]
) -> Iterator[Callable[[bytes], object]]:
    """Write one more member of a zip; its SHA-256 comes into `members`."""
    digest = hashlib.sha256()
    with archive.open(name, "w", force_zip64=True) as member:

        def write(data: bytes) -> None:
            digest.update(data)
            member.write(data)

        yield write
    members[name] = digest.hexdigest()


def _files() -> Iterator[tuple[str, Path]]:
    """All files that a backup holds, by their names there. No link is followed."""
    root = Path(settings.MEDIA_ROOT)
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"files/{path.relative_to(root).as_posix()}", path
    for path in sorted(found for name in CARRIED for found in _below(home() / name)):
        # What is hidden is nobody's page and no certificate: it is only on its way to be one.
        told = path.relative_to(home())
        if path.is_file() and not path.is_symlink() and not _is_hidden(told):
            yield f"home/{told.as_posix()}", path


def _below(path: Path) -> Iterator[Path]:
    yield path
    if not path.is_symlink():
        yield from path.rglob("*")


def _is_hidden(path: PurePath) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _place(name: str) -> Path:
    """Where the file of that name in a backup belongs."""
    where, _, rest = name.partition("/")
    return (Path(settings.MEDIA_ROOT) if where == "files" else home()) / rest


def _write_file(archive: zipfile.ZipFile, name: str, path: Path, members: dict[str, str]) -> None:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # gone since it was listed
        return
    with file, _member(archive, name, members) as write:
        while block := file.read(_BLOCK):
            write(block)


# --- looking at one ------------------------------------------------------------------------------


@contextmanager
def opened(path: Path, progress: Progress = _nobody) -> Iterator[Backup]:
    """Open a backup, and check all of it before anything is done with it.

    Args:
        path: the file.
        progress: is told how many bytes are read.

    Raises:
        Refusal: it is no backup, is damaged or cut short, or of a newer version.
        OSError: it cannot be read.
    """
    with _regular(path) as file:
        with _readable():
            archive = zipfile.ZipFile(file)
            manifest = _checked(archive, progress)
        with archive:
            yield Backup(archive, manifest)


def is_backup(path: Path) -> bool:
    """Whether a file looks like a backup: one may take its place."""
    try:
        with _regular(path) as file, zipfile.ZipFile(file) as archive:
            return _MANIFEST in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, Refusal):
        return False


def may_hold(path: Path, ledger: str, since: datetime) -> bool:
    """Whether a backup may hold what was recorded in a ledger at an instant, in UTC, and later.

    It is when its manifest and its file's own date say that it is older, or that it is of other
    ledgers, that it doesn't; nothing else of it is read.
    """
    try:
        with _regular(path) as file, zipfile.ZipFile(file) as archive:
            told = orjson.loads(_small(archive, _MANIFEST))
            # What is in it was read after the one, and before the other.
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            if max(read_instant(str(told["created_at"]), UTC), written) < since:
                return False
            ledgers = _small(archive, f"tables/{Ledger._meta.label_lower}.jsonl").splitlines()
            return ledger in (orjson.loads(line)["id"] for line in ledgers)
    except (*_UNREADABLE, OSError, Refusal):
        return True  # there is no knowing


def _regular(path: Path) -> BinaryIO:
    """Open a file; a device or a pipe is none, and may never end."""
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise _damaged(say("this is not a file"))
    return file


def _damaged(why: Sentence | None = None) -> Refusal:
    return Refusal(
        why or say("this is no backup of toutdoux, or it is damaged"),
        say("take another backup; nothing was changed"),
    )


@contextmanager
def _readable() -> Iterator[None]:
    """Say of whatever a damaged zip brings about that it is damaged."""
    try:
        yield
    except _UNREADABLE:
        raise _damaged() from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # which comes of a place before the file's beginning
            raise
        raise _damaged() from None


def _checked(archive: zipfile.ZipFile, progress: Progress) -> Manifest:
    all = archive.infolist()
    if sum(one.compress_size for one in all) > _size(archive):
        raise _damaged()  # members that lie over each other: a file made to swell
    manifest = _manifest(archive)
    if sorted(one.filename for one in all) != sorted([_MANIFEST, *manifest.members]):
        raise _damaged()
    total, done = sum(one.file_size for one in all), 0
    for name, told in manifest.members.items():
        digest, lines, length = hashlib.sha256(), 0, 0
        table = _table_in(name)
        with archive.open(name) as member:
            while block := member.read(_BLOCK):
                digest.update(block)
                lines += block.count(b"\n")
                done += len(block)
                progress(done, total)
                end = block.rfind(b"\n")
                length = length + len(block) if end < 0 else len(block) - end
                if table is not None and length > _LONGEST_LINE:
                    raise _damaged(say("the backup is damaged, at {name}", name=name))
        if digest.hexdigest() != told or (table is not None and manifest.rows[table] != lines):
            raise _damaged(say("the backup is damaged, at {name}", name=name))
    return manifest


_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,  # it asks for a password
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    zipfile.zlib.error,  # type: ignore[attr-defined]
)


def _size(archive: zipfile.ZipFile) -> int:
    assert archive.fp is not None
    return os.fstat(archive.fp.fileno()).st_size


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member that is held in memory. No more of one is ever read than the zip says there is."""
    if archive.getinfo(name).file_size > _LARGEST_MANIFEST:
        raise _damaged()
    return archive.read(name)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    if any(one.compress_type not in _COMPRESSIONS for one in archive.infolist()):
        raise _damaged()
    data = orjson.loads(_small(archive, _MANIFEST))
    if data["program"] != "toutdoux":
        raise _damaged()
    migrations = {(str(app), str(name)) for app, name in data["migrations"]}
    if data["format"] != FORMAT or migrations - database.known():
        raise database.newer()
    members = {str(name): str(told) for name, told in data["sha256"].items()}
    rows = {str(name): int(count) for name, count in data["rows"].items()}
    if {f"tables/{name}.jsonl" for name in rows} != {n for n in members if _table_in(n)}:
        raise _damaged()
    if not all(_table_in(name) or _is_safe(name) for name in members):
        raise _damaged()
    return Manifest(str(data["version"]), str(data["created_at"]), migrations, rows, members)


def _table_in(name: str) -> str | None:
    if name.startswith("tables/") and name.endswith(".jsonl"):
        return name.removeprefix("tables/").removesuffix(".jsonl")
    return None


def _is_safe(name: str) -> bool:
    """Whether a file's name leads nowhere but to where files of a backup belong."""
    path = PurePosixPath(name)
    whole = path.as_posix() == name and "\\" not in name and "\0" not in name
    if not whole or len(path.parts) < 2 or ".." in path.parts:
        return False
    where, first, *_ = path.parts
    return where == "files" or (where == "home" and first in CARRIED and not _is_hidden(path))


# --- making an installation from one -------------------------------------------------------------


class Backup:
    """A backup that was checked."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self.archive = archive
        self.manifest = manifest

    def load(
        self,
        keep: tuple[Path, datetime] | None = None,
        progress: Progress = _nobody,
        at_last: Callable[[], object] = lambda: None,
    ) -> list[Path]:
        """Put what it holds into the database and the folders of files, in one transaction.

        The tables are made as they were when it was written, filled, and brought to this version.
        Files that it does not hold go, but for the capsule's, where it holds no capsule.

        Args:
            keep: where what is there now goes first, and the present instant; None if there should
                be nothing. Nobody can write from then on until it is replaced.
            progress: is told how many rows are written.
            at_last: is called when all is ready, before the files and the database are changed:
                from then on it should not be stopped.

        Returns:
            The files in which certificates are kept that others took the place of.

        Raises:
            Refusal: the database holds an association and may not be replaced; there is no room
                for the files; or a ledger in the backup is not whole. Then nothing has changed.
        """
        files = Path(settings.MEDIA_ROOT)
        files.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept: list[Path] = []
        with folder_in(files.parent, "restoring") as folder:
            new = self._unpack(folder)
            with database.changing_tables():
                self._make_room(keep)
                self._load_tables(progress)
                _check_ledgers()
                at_last()
                # Before the commit: a crash leaves files too many rather than too few.
                for name, path in new.items():
                    target = _place(name)
                    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                    if name.startswith(_CERTIFICATES):
                        kept += _keep_certificate(target, path)
                    os.replace(path, target)
        with_capsule = "home/capsule.json" in new
        for name, path in list(_files()):
            goes = name.startswith("files/") or (name.startswith("home/capsule/") and with_capsule)
            if goes and name not in new:
                path.unlink()
        return kept

    def _unpack(self, folder: Path) -> dict[str, Path]:
        infos = self.archive.infolist()
        needed = sum(one.file_size for one in infos if _table_in(one.filename) is None)
        if needed > shutil.disk_usage(folder).free:
            raise Refusal(
                say("the files in it take {n} MB, and there is less room", n=needed // 1_000_000),
                say("make room on the disk, then try again; nothing was changed"),
            )
        new: dict[str, Path] = {}
        for member in self.manifest.members:
            if _table_in(member) is None:
                new[member] = folder / str(len(new))
                with self.archive.open(member) as source, new[member].open("wb") as target:
                    shutil.copyfileobj(source, target, _BLOCK)
                    target.flush()
                    os.fsync(target.fileno())
                new[member].chmod(stat.S_IRUSR | stat.S_IWUSR)
        return new

    def _make_room(self, keep: tuple[Path, datetime] | None) -> None:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("LOCK TABLE ledger_ledger IN EXCLUSIVE MODE")
            if Ledger.objects.exists():
                if keep is None:
                    raise Refusal(
                        say("there is an association here already"),
                        say(
                            "add --replace, which keeps what is here in a backup, or use another"
                            " TOUTDOUX_HOME"
                        ),
                    )
                save(*keep)
            editor = connection.ops
            names = [model._meta.db_table for model in _tables(database.applied()).values()]
            cascade = " CASCADE" if connection.vendor == "postgresql" else ""
            for name in (*names, "django_migrations"):
                cursor.execute(f"DROP TABLE {editor.quote_name(name)}{cascade}")

    def _load_tables(self, progress: Progress) -> None:
        migrations = self.manifest.migrations
        database.migrate(database.last_of(migrations))
        connection.check_constraints()  # from here on they wait until all rows are there
        tables = _tables(migrations)
        if tables.keys() != self.manifest.rows.keys():
            raise _damaged()
        done, total = 0, sum(self.manifest.rows.values())
        for name, model in tables.items():
            with self.archive.open(f"tables/{name}.jsonl") as member:
                fill = _Filling(model)
                for lines in _lines(member):
                    fill(lines)
                    done += len(lines)
                    progress(done, total)
        try:
            connection.check_constraints()
        except IntegrityError:
            raise _damaged() from None
        _reset_sequences(list(tables.values()))
        database.migrate()


def _keep_certificate(here: Path, other: Path) -> list[Path]:
    """Before another takes its place: keep the certificate that readers know till now."""
    try:
        pem = here.read_bytes()
    except FileNotFoundError:
        return []
    if pem == other.read_bytes():
        return []
    kept = here.with_name(f"{here.stem}.before-{hashlib.sha256(pem).hexdigest()[:16]}.pem")
    if not kept.exists():  # the same was kept before
        os.link(here, kept)
    return [kept]


def _lines(member: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines, so many at once as are quickly written, and not too many to be held."""
    batch: list[bytes] = []
    size = 0
    for line in member:
        batch.append(line)
        size += len(line)
        if len(batch) == _AT_ONCE or size > _LONGEST_LINE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Filling:
    """Writes lines of a backup into a table."""

    def __init__(self, model: type[models.Model]) -> None:
        fields = model._meta.local_concrete_fields
        quote = connection.ops.quote_name
        columns = ", ".join(quote(str(field.column)) for field in fields)
        places = ", ".join("%s" for _ in fields)
        table = quote(model._meta.db_table)
        self.insert = f"INSERT INTO {table} ({columns}) VALUES ({places})"
        self.fields = [(field.attname, _reader(field)) for field in fields]

    def __call__(self, lines: list[bytes]) -> None:
        try:
            rows = []
            for line in lines:
                row = orjson.loads(line)
                rows.append(
                    [row[name] if read is None else read(row[name]) for name, read in self.fields]
                )
            with connection.cursor() as cursor:
                cursor.executemany(self.insert, rows)
        except (KeyError, TypeError, ValueError, DataError, IntegrityError):
            # PostgreSQL keeps no NUL sign; SQLite does.
            raise _damaged(say("a row of the backup cannot be kept in this database")) from None


_PLAIN = {
    "CharField",
    "TextField",
    "SlugField",
    "BooleanField",
    "AutoField",
    "BigAutoField",
    "SmallAutoField",
    "IntegerField",
    "BigIntegerField",
    "SmallIntegerField",
    "PositiveIntegerField",
    "PositiveBigIntegerField",
    "PositiveSmallIntegerField",
}


def _reader(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """What brings a value from JSON to the database; None if it goes as it is."""
    target = field
    while target.is_relation:
        target = target.target_field  # type: ignore[attr-defined]
    if target.get_internal_type() in _PLAIN:
        return None
    return partial(_read, target)


def _read(field: models.Field[Any, Any], value: Any) -> Any:
    return field.get_db_prep_save(field.to_python(value), connection)


def _reset_sequences(tables: list[type[models.Model]]) -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), tables):
            cursor.execute(statement)


def _check_ledgers() -> None:
    """Check that every ledger is whole, and ends where it should."""
    for ledger in Ledger.objects.order_by("pk"):
        chain = Checked(book.rows(ledger.pk))
        try:
            for _ in chain:
                pass
        except Broken as broken:
            raise _damaged(
                say("entry {seq} of the ledger: {why}", seq=broken.seq, why=broken.why)
            ) from None
        if (chain.length, chain.head) != (ledger.length, ledger.head):
            raise _damaged(say("the ledger is cut short, after entry {seq}", seq=chain.length))
