"""`toutdoux verify`: status 1 wherever something differs, and no ledger passed over."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from .home import Home


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An installation of two associations."""
    home = Home(tmp_path_factory.mktemp("two") / "home")
    for name, slug in (("Les Loutres libres", "une"), ("The Otters", "deux")):
        home.done("init", "--name", name, "--slug", slug, "--time-zone", "UTC")
    return home


def changed(home: Home, folder: Path, change: str) -> Home:
    """A copy of which somebody changed the database by hand."""
    copy = home.copy(folder / "home")
    with sqlite3.connect(copy.folder / "toutdoux.sqlite3") as database:
        database.execute(change)
    database.close()
    return copy


def test_every_association_is_verified(two: Home) -> None:
    told = two.json("verify")
    assert {one["name"] for one in told} == {"Les Loutres libres", "The Otters"}
    assert all(one["whole"] for one in told)


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        ("DELETE FROM association_association WHERE slug='deux'", 1),
        ("DELETE FROM ledger_ledger", 2),
        ("UPDATE ledger_ledger SET length='abc'", 2),
        ("UPDATE ledger_entry SET body='{'", 2),
        ("UPDATE ledger_text SET nonce='abc'", 2),
    ],
)
def test_what_differs_ends_with_status_1(
    two: Home, tmp_path: Path, change: str, differing: int
) -> None:
    done = changed(two, tmp_path, change).run("verify")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == differing
    assert "fault of toutdoux" not in done.stderr
    assert len(done.stdout.splitlines()) == 2 - differing
