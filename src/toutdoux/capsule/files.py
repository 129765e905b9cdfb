"""The association's own files: whatever somebody puts in its folder, beside the generated pages.

A request never leaves the folder: no "..", no hidden file, no link that leads out of it, nothing
that isn't a plain file. A folder is its `index.gmi`; without one, a list of what is in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from . import gemtext
from .protocol import Response, Status, content, page, redirect

INDEX = "index.gmi"
SHORT = 64 * 1024
"""Bytes; a longer file is not held in memory."""

# Written out, for what a system's own table says differs from one to the next.
_TYPES = {
    ".7z": "application/x-7z-compressed",
    ".asc": "application/pgp-keys",
    ".atom": "application/atom+xml",
    ".avif": "image/avif",
    ".css": "text/css",
    ".csv": "text/csv",
    ".epub": "application/epub+zip",
    ".flac": "audio/flac",
    ".gemini": "text/gemini",
    ".gif": "image/gif",
    ".gmi": "text/gemini",
    ".gz": "application/gzip",
    ".htm": "text/html",
    ".html": "text/html",
    ".ics": "text/calendar",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".md": "text/markdown",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".rss": "application/rss+xml",
    ".sig": "application/pgp-signature",
    ".svg": "image/svg+xml",
    ".tar": "application/x-tar",
    ".txt": "text/plain",
    ".vcf": "text/vcard",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".xml": "application/xml",
    ".zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class LongFile(Response):
    """A file that is read while somebody takes it: some take long, and they may be many."""

    file: Path = Path()

    def opened(self) -> BinaryIO:
        """Raises `OSError` if it isn't there any more."""
        return _opened(self.file)


def type_of(name: str, lang: str) -> str:
    """A file's media type, by its name; texts are UTF-8, and gemtext in the association's
    language."""
    known = _TYPES.get(os.path.splitext(name)[1].lower(), "application/octet-stream")
    if known == "text/gemini":
        return f"{known}; charset=utf-8; lang={lang}"
    return f"{known}; charset=utf-8" if known.startswith("text/") else known


def find(folder: Path, segments: Sequence[str], lang: str) -> Response | None:
    """The file that a path names, or a folder's index; None if there is none.

    Args:
        folder: the association's.
        segments: as in `Request`: decoded, a last "" for a folder.
        lang: "fr" or "en": what gemtext is said to be in.
    """
    if not (found := _inside(folder, segments)):
        return None
    if found.is_dir():
        if segments[-1]:
            index = _inside(found, (INDEX,))
            return redirect(_url(segments) + "/", for_good=True) if index else None
        found, segments = found / INDEX, (INDEX,)
    elif not segments[-1]:
        return None
    type = type_of(found.name, lang)
    try:
        with _opened(found) as file:
            if (size := os.fstat(file.fileno()).st_size) > SHORT:
                return LongFile(Status.SUCCESS, type, file=found)
            return content(file.read(size), type)
    except OSError:
        return None


def listing(folder: Path, segments: Sequence[str], lang: str, title: str) -> Response | None:
    """What is in a folder that has no index; None if there is no such folder.

    Args:
        folder: the association's.
        segments: as in `find`.
        lang: the title's language.
        title: what stands above, before the folder's path.
    """
    found = _inside(folder, segments)
    if not found or not found.is_dir():
        return None
    if segments[-1]:
        return redirect(_url(segments) + "/", for_good=True)
    written = gemtext.Page().heading(1, f"{title} {'/'.join(segments)}")
    inside = [
        (one.name, one.is_dir())
        for one in sorted(found.iterdir(), key=lambda one: one.name.casefold())
        if _inside(folder, (*segments[:-1], one.name))
    ]
    for name, is_folder in inside:
        end = "/" if is_folder else ""
        written.link(f"./{quote(name, safe='')}{end}", f"{name}{end}")
    return page(written, lang)


def _url(segments: Sequence[str]) -> str:
    return "/" + "/".join(quote(one, safe="") for one in segments)


def _inside(folder: Path, segments: Sequence[str]) -> Path | None:
    """The file or folder that a path names, if it is one to be read and really in the folder."""
    *folders, last = segments
    parts = [*folders, last] if last else folders
    if any(not part or part.startswith(".") or "/" in part or "\0" in part for part in parts):
        return None
    try:
        root = folder.resolve(strict=True)
        found = root.joinpath(*parts).resolve(strict=True)
    except (OSError, RuntimeError):  # there is none; or a link leads in a circle
        return None
    if not found.is_relative_to(root):
        return None
    # A link inside the folder may lead to a hidden file there: that is hidden all the same.
    if any(part.startswith(".") for part in found.relative_to(root).parts):
        return None
    return found if found.is_dir() or found.is_file() else None


def _opened(file: Path) -> BinaryIO:
    """A plain file. A pipe that took its place since isn't waited for. Raises `OSError`."""
    opened = os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb")
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise FileNotFoundError(file)
    return opened
