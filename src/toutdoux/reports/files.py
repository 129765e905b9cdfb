"""Writing the report's files: all of them, or none."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from toutdoux.language import Language

from .document import Document


def _pdf(document: Document) -> bytes:
    from .render.pdf import render

    return render(document)


def _html(document: Document) -> bytes:
    from .render.html import render

    return render(document)


def _markdown(document: Document) -> bytes:
    from .render.markdown import render

    return render(document)


def _gemtext(document: Document) -> bytes:
    from .render.gemtext import render

    return render(document)


RENDERERS: Mapping[str, Callable[[Document], bytes]] = {
    "pdf": _pdf,
    "html": _html,
    "md": _markdown,
    "gmi": _gemtext,
}
"""By file ending. Each is loaded only when it is asked for."""


def file_name(language: Language, period: str, form: str) -> str:
    """What a period's report is called as a file, whatever signs are in the period's name."""
    # TRANSLATORS: the beginning of a file's name, before the period.
    title = language.word("activity-report")
    plain = "".join(char if char.isalnum() or char in "-_." else "_" for char in period)
    # A name holds 255 bytes at most.
    return f"{title}-{plain.encode()[:120].decode(errors='ignore')}.{form}"


def write_all(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, made if need be.

    All are written whole under other names before the first takes its own, so that a full disk or
    a power cut leaves neither half a file nor a changed one. Raises `OSError`.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    waiting: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            target = folder / name
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            try:
                handle, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
                waiting.append((Path(temporary), target))
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.chmod(temporary, 0o666 & ~_umask())
            except OSError as error:
                error.filename = str(target)  # not the name nobody knows
                raise
        for temporary_path, target in waiting:
            temporary_path.replace(target)
    except BaseException:
        for temporary_path, _ in waiting:
            temporary_path.unlink(missing_ok=True)
        for one in made:
            with contextlib.suppress(OSError):
                one.rmdir()
        raise
    return [target for _, target in waiting]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
