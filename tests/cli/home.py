"""An installation in a folder of its own, and the commands run in it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from .running import ENGLISH, run


class Home:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: object, env: dict[str, str] = ENGLISH) -> CompletedProcess[str]:
        return run(*arguments, env={**env, "TOUTDOUX_HOME": str(self.folder)}, cwd=Path("/"))

    def done(self, *arguments: object) -> str:
        """What a command prints that must go well."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: object) -> Any:
        return json.loads(self.done(*arguments, "--format", "json"))

    def length(self) -> int:
        """How many entries the ledger has."""
        with sqlite3.connect(self.folder / "toutdoux.sqlite3") as database:
            (length,) = database.execute("SELECT length FROM ledger_ledger").fetchone()
        return int(length)

    def copy(self, folder: Path) -> Home:
        shutil.copytree(self.folder, folder)
        return Home(folder)
