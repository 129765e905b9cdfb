"""What is written whole or not at all, and what is left of it where that was cut short.

It has a name of its own until it is whole, which says what it is and which process writes it. Who
writes it holds a lock on it; the system takes that away when the process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_ENDING = ".toutdoux-part"
_NAME = re.compile(rf"\..*\.([0-9]+)-\w+{re.escape(_ENDING)}", re.DOTALL)


@contextmanager
def replacing(path: Path, *, private: bool = True) -> Iterator[BinaryIO]:
    """A new file that takes the name once it is whole; else it is gone.

    Args:
        path: the name. What a symbolic link leads to is replaced, not the link. A folder that is
            not there is made.
        private: whether it is its owner's only; else it is as open as files are made here.
    """
    path = Path(os.path.realpath(path))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sweep(path.parent)
    while True:
        handle, name = tempfile.mkstemp(_ENDING, _beginning(path.name), path.parent)  # mode 0600
        part, file = Path(name), os.fdopen(handle, "wb")
        try:
            with file:
                if not _keep(handle, part):
                    continue
                yield file
                file.flush()
                if not private:
                    os.fchmod(handle, 0o666 & ~_withheld())
                os.fsync(handle)
                os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync(path.parent)
        return


@contextmanager
def folder_in(parent: Path, what: str) -> Iterator[Path]:
    """A folder that is there for a while; `what` is said in its name."""
    sweep(parent)
    while True:
        folder = Path(tempfile.mkdtemp(_ENDING, _beginning(what), parent))
        handle = os.open(folder, os.O_RDONLY)
        try:
            if not _keep(handle, folder):
                continue
            yield folder
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)


def _withheld() -> int:
    """What new files are not allowed; the system tells it only to whoever changes it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _beginning(what: str) -> str:
    return f".{what[:40]}.{os.getpid()}-"  # short enough for every file system


def _keep(handle: int, path: Path) -> bool:
    """Take the lock; False if somebody swept it up just before."""
    with suppress(OSError):  # not every file system has locks
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return path.exists()


def _sync(folder: Path) -> None:
    """Make a renaming last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> list[Path]:
    """Remove what was left unfinished in a folder. Returns what stays: somebody is writing it."""
    staying = []
    for path in sorted(folder.glob(f".*{_ENDING}")):
        found = _NAME.fullmatch(path.name)
        if found is None or path.is_symlink():
            continue
        if not _is_written(path, int(found[1])):
            with suppress(OSError):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
        if path.exists():
            staying.append(path)
    return staying


def _is_written(path: Path, process: int) -> bool:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no locks here: its process will tell
        return process != os.getpid() and _runs(process)
    finally:
        os.close(handle)
    return False


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
