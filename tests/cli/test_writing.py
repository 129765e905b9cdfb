"""When something cannot be written, or somebody stops it: one sentence, and nothing left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import COMMAND, DEMO, ENGLISH, SMALL, assert_one_sentence, environment, run

REPORT = ("report", "P21", "--scenario", DEMO, "--format", "html,md,gmi")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    file = tmp_path / "history.yaml"
    file.write_text(SMALL, "utf-8")
    return file


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything under a folder, with what the files hold."""
    return {
        str(one.relative_to(folder)): one.read_bytes() if one.is_file() else None
        for one in sorted(folder.rglob("*"))
    }


# --- the standard output -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", DEMO),
        ("replay", DEMO, "--explain"),
        ("replay", DEMO, "--format", "json"),
        ("inventory", "P21", "--scenario", DEMO),
        ("inventory", "P21", "--scenario", DEMO, "--format", "csv"),
        ("audit", "P21", "--scenario", DEMO),
        ("--help",),
        ("--version",),
    ],
    ids=lambda one: " ".join(map(str, one[:1] + one[-1:])),
)
def test_a_full_disk_behind_the_standard_output(arguments: tuple[object, ...]) -> None:
    with open("/dev/full", "w") as full:
        done = run(*arguments, stdout=full)
    assert_one_sentence(done, "this cannot be written")


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", DEMO),
        ("replay", DEMO, "--explain"),
        ("replay", DEMO, "--format", "json"),
        ("inventory", "P21", "--scenario", DEMO),
        ("inventory", "P21", "--scenario", DEMO, "--format", "csv"),
        ("--help",),
    ],
    ids=lambda one: " ".join(map(str, one[:1] + one[-1:])),
)
def test_a_reader_who_has_gone_is_no_matter(arguments: tuple[object, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run(*arguments, stdout=writing)
    finally:
        os.close(writing)
    assert done.stderr == ""


def test_head_gets_its_line() -> None:
    line = " ".join([*COMMAND, "replay", str(DEMO), "--format", "json"])
    done = subprocess.run(
        f"{line} | head -1",
        shell=True,
        env=environment(**ENGLISH),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


# --- the folder of the report --------------------------------------------------------------------


def test_the_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    done = run(*REPORT, "--out", tmp_path / "a" / "b")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        str(tmp_path / "a" / "b" / f"bilan-moral-P21.{ending}") for ending in ("html", "md", "gmi")
    ]
    assert len(tree(tmp_path / "a" / "b")) == 3


def test_the_folder_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("a file", "utf-8")
    assert_one_sentence(run(*REPORT, "--out", file), str(file))
    assert tree(tmp_path) == {"out": b"a file"}


def test_the_folder_is_below_a_file(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("a file", "utf-8")
    assert_one_sentence(run(*REPORT, "--out", file / "below" / "it"))
    assert tree(tmp_path) == {"out": b"a file"}


def test_a_folder_that_stands_where_a_file_should_go(tmp_path: Path) -> None:
    (tmp_path / "bilan-moral-P21.gmi").mkdir()
    done = run(*REPORT, "--out", tmp_path)
    assert_one_sentence(done, "bilan-moral-P21.gmi")
    assert tree(tmp_path) == {"bilan-moral-P21.gmi": None}


def test_the_folder_has_a_name_too_long(tmp_path: Path) -> None:
    assert_one_sentence(run(*REPORT, "--out", tmp_path / "new" / ("a" * 300)))
    assert tree(tmp_path) == {}


def test_the_folder_is_where_nothing_can_be_made() -> None:
    assert_one_sentence(run(*REPORT, "--out", "/proc/toutdoux/out"), "/proc/toutdoux")


def test_demo_says_as_much_on_one_line(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("a file", "utf-8")
    done = run("demo", "--out", file)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert tree(tmp_path) == {"out": b"a file"}


# --- the disk ------------------------------------------------------------------------------------


def no_file_over_ten_kilobytes() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))


def test_a_file_that_cannot_be_written_whole_leaves_no_folder(tmp_path: Path) -> None:
    done = run(*REPORT, "--out", tmp_path / "a" / "b", before=no_file_over_ten_kilobytes)
    assert_one_sentence(done)
    assert tree(tmp_path) == {}


def test_a_file_that_cannot_be_written_whole_leaves_an_old_report_as_it_was(
    tmp_path: Path,
) -> None:
    for ending in ("html", "md", "gmi"):
        (tmp_path / f"bilan-moral-P21.{ending}").write_text(f"the old {ending}", "utf-8")
    before = tree(tmp_path)
    assert_one_sentence(run(*REPORT, "--out", tmp_path, before=no_file_over_ten_kilobytes))
    assert tree(tmp_path) == before


def test_a_scenario_that_is_wrong_leaves_an_old_report_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "bilan-moral-P21.md").write_text("the old one", "utf-8")
    file = tmp_path / "history.yaml"
    file.write_text("members: []\nmembers: []\n", "utf-8")
    before = tree(tmp_path)
    assert_one_sentence(run("report", "P21", "--scenario", file, "--out", tmp_path))
    assert tree(tmp_path) == before


def mounted(folder: Path, options: str) -> None:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "toutdoux-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only where a small disk can be mounted")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk, to be remounted as the test needs it."""
    folder = tmp_path / "disk"
    mounted(folder, "size=1m")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


def test_a_full_disk_leaves_no_folder(disk: Path) -> None:
    remount(disk, "size=16k")
    assert_one_sentence(run(*REPORT, "--out", disk / "a" / "b"), "this cannot be written")
    assert tree(disk) == {}


def test_a_full_disk_leaves_an_old_report_as_it_was(disk: Path) -> None:
    remount(disk, "size=24k")
    (disk / "bilan-moral-P21.gmi").write_text("the old one", "utf-8")
    assert_one_sentence(run(*REPORT, "--out", disk), "this cannot be written")
    assert tree(disk) == {"bilan-moral-P21.gmi": b"the old one"}


def test_a_disk_without_room_for_the_last_folder_keeps_none_of_them(disk: Path) -> None:
    remount(disk, "nr_inodes=3")  # the root, and two more
    assert_one_sentence(run(*REPORT, "--out", disk / "a" / "b" / "c"), "this cannot be written")
    assert tree(disk) == {}


def test_a_read_only_disk(disk: Path) -> None:
    (disk / "bilan-moral-P21.gmi").write_text("the old one", "utf-8")
    remount(disk, "ro")
    assert_one_sentence(run(*REPORT, "--out", disk), "this cannot be written")
    assert_one_sentence(run(*REPORT, "--out", disk / "new"), "this cannot be written")
    assert tree(disk) == {"bilan-moral-P21.gmi": b"the old one"}


def test_a_disk_that_is_full_of_reports_still_takes_none_by_halves(disk: Path) -> None:
    """Three files fit, all four don't: then none of the three is there."""
    done = run("report", "P21", "--scenario", DEMO, "--out", disk / "whole")
    assert done.returncode == 0
    sizes = {one.suffix: one.stat().st_size for one in (disk / "whole").iterdir()}
    subprocess.run(["rm", "-r", str(disk / "whole")], check=True)
    pages = {ending: -(-size // 4096) for ending, size in sizes.items()}
    remount(disk, f"size={(sum(pages.values()) - pages['.gmi']) * 4}k")
    assert_one_sentence(run("report", "P21", "--scenario", DEMO, "--out", disk / "whole"))
    assert tree(disk) == {}


# --- being stopped -------------------------------------------------------------------------------


def test_being_stopped_is_said_in_a_word(tmp_path: Path) -> None:
    file = tmp_path / "history.yaml"
    votes = "".join(
        f"  - {{at: 2021-03-01 11:00, vote: AE1, by: ana, choice: {choice}}}\n"
        for choice in ("for", "against") * 200_000
    )
    propose = "  - {at: 2021-03-01 10:00, propose: extraordinary, number: 1, by: ana, object: o}\n"
    file.write_text(f"members: [{{id: ana, joined: 2020-01-01}}]\nevents:\n{propose}{votes}")
    with subprocess.Popen(
        [*COMMAND, "replay", str(file)],
        env=environment(**ENGLISH),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        # At work: it has opened the file, and read it.
        ready = time.monotonic() + 30
        while resident(running.pid) < 60_000 and time.monotonic() < ready:
            time.sleep(0.01)
        assert running.poll() is None
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    # Click ends the line on which a terminal shows ^C.
    assert err.lstrip("\n") == "toutdoux: stopped\n"


def resident(pid: int) -> int:
    """How many kilobytes a process takes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


# --- file names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Été 2021", "bilan-moral-Été_2021.md"),
        ("../../P21", "bilan-moral-.._.._P21.md"),
        ("a/b\\c:d", "bilan-moral-a_b_c_d.md"),
    ],
)
def test_the_name_of_a_period_never_leaves_the_folder(
    tmp_path: Path, history: Path, name: str, file: str
) -> None:
    history.write_text(SMALL.replace("name: P21", f"name: '{name}'"), "utf-8")
    out = tmp_path / "out"
    done = run("report", name, "--scenario", history, "--format", "md", "--out", out)
    assert done.returncode == 0
    assert [*tree(out)] == [file]


@pytest.mark.parametrize(
    "name",
    ["漢" * 100, "é" * 200, "\U0001f9a6" * 100, "𝐏" * 100],
    ids=["three bytes each", "two bytes each", "no letters", "four bytes each"],
)
def test_a_long_name_of_a_period_still_makes_a_file(
    tmp_path: Path, history: Path, name: str
) -> None:
    history.write_text(SMALL.replace("name: P21", f'name: "{name}"'), "utf-8")
    out = tmp_path / "out"
    done = run("report", name, "--scenario", history, "--format", "md", "--out", out)
    assert done.returncode == 0, done.stderr
    assert len(tree(out)) == 1


def test_the_files_can_be_read_by_whom_the_umask_lets(tmp_path: Path, history: Path) -> None:
    run(
        "report", "P21", "--scenario", history, "--format", "md", "--out", tmp_path / "out",
        before=lambda: os.umask(0o022),
    )  # fmt: skip
    (file,) = (tmp_path / "out").iterdir()
    assert file.stat().st_mode & 0o777 == 0o644
