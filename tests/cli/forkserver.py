"""A process that has read what the command needs, and becomes the command when asked.

Most of a short command's time goes into reading Django, Click and the rest, the same each time.
Each test process keeps one of these (`Forkserver`): it reads all of it once, forks for every
command, and the fork is the real command in a process of its own, with its own environment, folder
and streams. What depends on the environment (the language, the settings) is read after the fork.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]

PRELOADED = (
    "click",
    "dj_database_url",
    "django.conf",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.db.models",
    "markdown_it",
    "orjson",
    "platformdirs",
    "rich.console",
    "rich.progress",
    "rich.table",
    "toutdoux.core.audit",
    "toutdoux.core.verification",
    "toutdoux.scenario",
    "toutdoux.tables.inventory",
    "toutdoux.tables.members",
    "typst",
    "zipfile",
)


class Forkserver:
    """The other end: asks for commands, and waits for them."""

    def __init__(self, environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.forkserver", str(theirs.fileno())],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.socket = ours

    def run(
        self,
        arguments: list[str],
        env: dict[str, str],
        cwd: Path | None,
        streams: Sequence[int],
        timeout: float,
    ) -> int:
        """Run the command; returns its exit status, negative for a signal. `streams` are what it
        reads from and writes into."""
        told = json.dumps({"arguments": arguments, "env": env, "cwd": str(cwd or Path.cwd())})
        self.socket.settimeout(timeout)
        message = told.encode("utf-8", "surrogateescape")
        socket.send_fds(self.socket, [len(message).to_bytes(8, "big")], streams)
        self.socket.sendall(message)
        status = self.socket.recv(8)
        return os.waitstatus_to_exitcode(int.from_bytes(status, "big"))


def serve(channel: socket.socket) -> dict[str, object] | None:
    """Fork for every command. Returns what to run in the fork, and None when nobody asks."""
    while True:
        size, streams, _, _ = socket.recv_fds(channel, 8, 3)
        if not size:
            return None
        message = b""
        while len(message) < int.from_bytes(size, "big"):
            message += channel.recv(65536)
        child = os.fork()
        if child == 0:
            channel.close()
            for place, stream in enumerate(streams):
                os.dup2(stream, place)
                os.close(stream)
            told: dict[str, object] = json.loads(message.decode("utf-8", "surrogateescape"))
            return told
        for stream in streams:
            os.close(stream)
        channel.sendall(os.waitpid(child, 0)[1].to_bytes(8, "big"))


def become(told: dict[str, object]) -> None:
    """Be the command."""
    os.chdir(str(told["cwd"]))
    os.environ.clear()
    os.environ.update(told["env"])  # type: ignore[call-overload]
    sys.argv = ["toutdoux", *told["arguments"]]  # type: ignore[misc]
    from toutdoux.cli import main

    main()


if __name__ == "__main__":
    for name in PRELOADED:
        importlib.import_module(name)
    told = serve(socket.socket(fileno=int(sys.argv[1])))
    if told is not None:
        become(told)
