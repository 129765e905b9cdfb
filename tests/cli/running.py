"""The real command, run as somebody runs it, and scenarios to run it on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from .forkserver import Forkserver

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "src" / "toutdoux" / "demo" / "loutres.yaml"
COMMAND = (sys.executable, "-m", "toutdoux")

ENGLISH = {"LANG": "en_US.UTF-8"}
FRENCH = {"LANG": "fr_FR.UTF-8"}

SMALL = """\
association: {name: Les Loutres libres, time_zone: Europe/Paris}
members:
  - {id: ana, name: Ana Brun, joined: 2020-01-01, founder: true}
  - {id: bob, name: Bob Leroy, joined: 2020-01-01, founder: true}
  - {id: eva, name: Eva Petit, joined: 2020-01-01, founder: true}
periods:
  - {name: P21, first: 2021-02-01, last: 2021-07-18}
events:
  - {at: 2021-03-01 10:00, propose: extraordinary, number: 27, by: ana, leader: bob,
     object: "Un **service**, une capsule", link: "https://loutres.example/27"}
  - {at: 2021-03-01 11:00, vote: AE27, by: ana, choice: for}
  - {at: 2021-03-02 18:02, vote: AE27, by: bob, choice: for}
  - {at: 2021-03-03 09:00, vote: AE27, by: eva, choice: abstain}
  - {at: 2021-03-04 10:00, propose: ordinary, number: 14, by: eva, object: "Un goûter"}
  - {at: 2021-03-04 11:00, vote: AO14, by: bob, choice: against}
"""
"""Three founders. AE27 is adopted by the second vote for; AO14 has one vote against."""


def environment(**more: str) -> dict[str, str]:
    """The environment of a terminal that says nothing of itself."""
    told = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("LC_", "LANG", "PYTHON", "COLUMNS", "FORCE_COLOR", "NO_COLOR"))
    }
    return {**told, **more}


def run(
    *arguments: object,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    stdout: Any = subprocess.PIPE,
    before: Callable[[], None] | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run `toutdoux` with arguments, in English unless told otherwise."""
    wanted = ENGLISH if env is None else env
    if stdout == subprocess.PIPE and before is None and _forkable(wanted):
        return _forked(list(map(str, arguments)), environment(**wanted), cwd, stdin, timeout)
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(**wanted),
        cwd=cwd,
        input=stdin.decode("utf-8"),
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=before,
        timeout=timeout,
        check=False,
    )


def _forkable(env: dict[str, str]) -> bool:
    """Whether a process that began in another environment can become this one: what Python itself
    reads when it begins must be the same."""
    told = {key for key in env if key.startswith(("LC_", "PYTHON"))}
    return not told and env.get("LANG", "").endswith(".UTF-8")


@cache
def _forkserver() -> Forkserver:
    return Forkserver(environment(LANG="C.UTF-8"))


def _forked(
    arguments: list[str], env: dict[str, str], cwd: Path | None, stdin: bytes, timeout: float
) -> subprocess.CompletedProcess[str]:
    with TemporaryFile() as said, TemporaryFile() as out, TemporaryFile() as err:
        said.write(stdin)
        for stream in (said, out, err):
            stream.seek(0)
        streams = [said.fileno(), out.fileno(), err.fileno()]
        status = _forkserver().run(arguments, env, cwd, streams, timeout)
        told = [_read(stream).decode("utf-8") for stream in (out, err)]
    return subprocess.CompletedProcess([*COMMAND, *arguments], status, *told)


def _read(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on the standard error, exit status 2, and nothing else."""
    assert done.returncode == 2, done.stderr
    assert not done.stdout
    assert done.stderr.endswith("\n")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert " → " in done.stderr
    for word in words:
        assert word in done.stderr
