"""Commands that are stopped, at whatever moment: nothing is left of them, and they say so."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .ledger_home import Home, copy_of
from .running import ENGLISH, environment

_BEGIN = """
import os, signal, sys
from toutdoux.config.database import prepare
prepare(web=True)
from toutdoux.ledger import backup
def on(name, number):
    before = getattr(backup, name)
    def stopped(*arguments):
        os.kill(os.getpid(), number)
        return before(*arguments)
    setattr(backup, name, stopped)
"""
_RUN = """
sys.argv = ["toutdoux", *sys.argv[1:]]
from toutdoux.cli import main
main()
"""


def python(home: Home, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment(**ENGLISH, TOUTDOUX_HOME=str(home.path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stopped(home: Home, place: str, number: int, *arguments: object) -> tuple[int, str, str]:
    """Run a command that gets a signal where it first comes to a place in `ledger.backup`."""
    done = python(home, f"{_BEGIN}on({place!r}, {int(number)})\n{_RUN}", *arguments)
    return done.returncode, done.stdout, done.stderr


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_backup_that_is_asked_to_end_leaves_nothing(tmp_path: Path, number: int) -> None:
    home = copy_of("quiet", tmp_path)
    told = stopped(home, "_batches", number, "backup")
    assert told == (128 + number, "", "toutdoux: stopped\n")
    assert names(home.path / "backups") == []


def test_a_restore_that_is_asked_to_end_leaves_nothing(tmp_path: Path) -> None:
    home = copy_of("quiet", tmp_path)
    file = tmp_path / "kept.toutdoux"
    home.says("backup", file)
    before = home.length
    told = stopped(home, "_lines", signal.SIGTERM, "restore", file, "--replace")
    assert told == (143, "", "toutdoux: stopped\n")
    assert home.length == before
    assert not [one for one in home.path.iterdir() if one.name.startswith(".")]


def test_what_a_killed_backup_left_is_swept_up_by_the_next(tmp_path: Path) -> None:
    home = copy_of("quiet", tmp_path)
    assert stopped(home, "_batches", signal.SIGKILL, "backup")[0] == -signal.SIGKILL
    (left,) = names(home.path / "backups")
    assert left.startswith(".")
    home.says("backup")
    (kept,) = names(home.path / "backups")
    assert kept.endswith(".toutdoux")
    assert not kept.startswith(".")


def test_what_was_left_is_swept_up_by_forgetting(tmp_path: Path) -> None:
    home = copy_of("quiet", tmp_path)
    stopped(home, "_batches", signal.SIGKILL, "backup")
    home.run("member", "leave", "zoe")
    done = home.run("erase", "member", "zoe", "--yes")
    assert done.returncode == 0, done.stderr
    assert names(home.path / "backups") == []


@pytest.mark.slow
def test_a_restore_that_was_killed_leaves_what_the_next_sweeps_up(tmp_path: Path) -> None:
    home = copy_of("quiet", tmp_path)
    file = tmp_path / "kept.toutdoux"
    home.says("backup", file)
    stopped(home, "_lines", signal.SIGKILL, "restore", file, "--replace")
    assert [one for one in names(home.path) if one.startswith(".restoring.")]
    home.says("restore", file, "--replace")
    assert not [one for one in names(home.path) if one.startswith(".")]


def test_what_another_is_still_writing_stays(tmp_path: Path) -> None:
    from toutdoux.ledger.unfinished import replacing, sweep

    with replacing(tmp_path / "a.toutdoux") as file:
        file.write(b"whole")
        (part,) = tmp_path.iterdir()
        assert sweep(tmp_path) == [part]
    assert (tmp_path / "a.toutdoux").read_bytes() == b"whole"
    assert sweep(tmp_path) == []


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_restore_that_is_done_says_so_though_it_is_stopped(tmp_path: Path, number: int) -> None:
    home = copy_of("quiet", tmp_path)
    file = tmp_path / "kept.toutdoux"
    home.says("backup", file)
    home.says("member", "add", "Max Moreau")
    before = home.length
    # After the commit it looks for files that nobody has any more; a backup would look before.
    code = f"{_BEGIN}backup.save = lambda *_: None\non('_files', {int(number)})\n{_RUN}"
    done = python(home, code, "restore", file, "--replace")
    assert (done.returncode, done.stderr) == (0, "")
    assert "rows are back" in done.stdout
    assert home.length < before


def test_being_stopped_while_the_program_is_still_being_read(tmp_path: Path) -> None:
    code = """
import sys
class Stop:
    def find_spec(self, name, *_):
        if name == "toutdoux.cli.faults":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from toutdoux.cli import main
main()
"""
    done = python(Home(tmp_path), code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "toutdoux: stopped\n")
