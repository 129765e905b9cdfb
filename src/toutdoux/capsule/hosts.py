"""Which associations have a capsule here, and under which names: a file in the home folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from toutdoux.config.home import home
from toutdoux.core.words import Refusal, say

from .certificate import Keys
from .protocol import PORT, host_of

FILE = "capsule.json"
EVERYWHERE = "::"
"""What one binds to for every address of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capsule:
    """One association's.

    Attributes:
        association: its short name.
        hosts: its names, as `protocol.host_of` writes them; the first is the one that is told.
        tried: whether it is only looked at, and was never set up.
    """

    association: str
    hosts: tuple[str, ...]
    tried: bool = False

    @property
    def folder(self) -> Path:
        """Where its own files are."""
        return home() / "capsule" / self.association

    @property
    def keys(self) -> Keys:
        # What is tried as localhost must not become, for thirty years, what readers know.
        name = f"{self.association}.tried" if self.tried else self.association
        return Keys(home() / "certificates", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All of them, and where they are served.

    Attributes:
        bind: the address that is listened at.
        port: the port, which is in all links unless it is Gemini's own.
    """

    capsules: tuple[Capsule, ...] = ()
    bind: str = EVERYWHERE
    port: int = PORT

    def of(self, slug: str) -> Capsule | None:
        """An association's."""
        return next((one for one in self.capsules if one.association == slug), None)

    def url(self, capsule: Capsule) -> str:
        """Where a capsule is found, without the last slash."""
        host = capsule.hosts[0]
        host = f"[{host}]" if ":" in host else host
        return f"gemini://{host}" if self.port == PORT else f"gemini://{host}:{self.port}"


def read_setup() -> Setup:
    """What was set up. Raises `Refusal` where the file cannot be read."""
    try:
        told = orjson.loads(_file().read_bytes())
        capsules = tuple(
            Capsule(association=one["association"], hosts=tuple(map(host_of, one["hosts"])))
            for one in told.pop("capsules")
        )
        if not all(one.hosts for one in capsules):
            raise ValueError("hosts")
        return Setup(capsules=capsules, **told)
    except FileNotFoundError:
        return Setup()
    except (OSError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise Refusal(
            say("{file} cannot be read: {problem}", file=str(_file()), problem=str(error)),
            say("put it right, or remove it and type toutdoux capsule setup"),
        ) from None


Marks = tuple[tuple[int, ...] | None, ...]


def marks() -> Marks:
    """By what the setup's and the certificates' files are told from those that were there before;
    for comparing only."""
    return tuple(map(_mark, [_file(), *(one.keys.file for one in read_setup().capsules)]))


def _mark(file: Path) -> tuple[int, ...] | None:
    """Its time alone doesn't tell: what takes another's place keeps the time it was written at."""
    try:
        told = file.stat()
    except FileNotFoundError:
        return None
    return told.st_ino, told.st_mtime_ns, told.st_ctime_ns


def with_hosts(setup: Setup, slug: str, hosts: Sequence[str]) -> Setup:
    """A setup in which an association's capsule has these names, in the place of those it had.

    Raises:
        Refusal: one is no host's name, or another association has it.
    """
    others = [one for one in setup.capsules if one.association != slug]
    names = tuple(dict.fromkeys(map(_host, hosts)))
    for name in names:
        if any(name in one.hosts for one in others):
            raise Refusal(
                say("{host} is another association's capsule", host=name),
                say("give each association a name of its own"),
            )
    capsules = (*others, Capsule(association=slug, hosts=names))
    return replace(setup, capsules=capsules)


def trying(setup: Setup, slug: str, hosts: Sequence[str]) -> Setup:
    """A setup in which an association's capsule has these names for now; see `with_hosts`."""
    known, changed = setup.of(slug), with_hosts(setup, slug, hosts)
    capsules = (
        replace(one, tried=one.association == slug and known is None) for one in changed.capsules
    )
    return replace(changed, capsules=tuple(capsules))


def keep(setup: Setup) -> None:
    """Write a setup down: whole or not at all."""
    told = {
        "capsules": [
            {"association": one.association, "hosts": one.hosts} for one in setup.capsules
        ],
        "bind": setup.bind,
        "port": setup.port,
    }
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    part = _file().with_name(f".{FILE}.{os.getpid()}")
    part.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2))
    part.replace(_file())


def without(setup: Setup, slug: str) -> Setup:
    """A setup without an association's capsule; its certificate and its files stay."""
    return replace(setup, capsules=tuple(one for one in setup.capsules if one.association != slug))


def _host(told: str) -> str:
    try:
        return host_of(f"[{told}]" if ":" in told and not told.startswith("[") else told)
    except ValueError:
        raise Refusal(
            say("{host} is not the name of a host", host=told),
            say("give a name as in gemini.example.org, without gemini:// and without a port"),
        ) from None


def _file() -> Path:
    return home() / FILE
