"""A bundle of the real command, checked by a program that knows docs/ledger.md only."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.home import Home
from tests.independent import bundle_checker
from tests.independent.bundle_checker import fault
from tests.independent.forging import FORGED, canonical, forged

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text("utf-8")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("exported")
    home = Home(folder / "home")
    home.done("init", "--name", "Les Loutres libres", "--time-zone", "Europe/Paris")
    for name in ("Ana Brun", "Zoé d’Arc"):
        home.done("member", "add", name, "--founder", "--joined", "2020-09-15")
    home.done("period", "add", "P21", "2021-02-01", "2021-07-18")
    home.done("propose", "ordinary", "Ranger 🦦 «le wiki»", "--by", "ana", "--at", "2021-03-01")
    home.done("vote", "AO1", "for", "--by", "zoe", "--at", "2021-03-02")
    home.done("vote", "AO1", "for", "--by", "ana", "--at", "2021-03-03")
    home.done("done", "AO1", "--by", "ana", "--note", "C'est “fait”")
    home.done("export", folder / "bundle.jsonl")
    return (folder / "bundle.jsonl").read_bytes()


@pytest.fixture(scope="module")
def tiny() -> bytes:
    """The bundle that stands in the page."""
    match = re.search(r"^```jsonl\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert match
    return match[1].encode()


def test_the_checker_knows_nothing_of_toutdoux() -> None:
    tree = ast.parse(Path(bundle_checker.__file__).read_text("utf-8"))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imported for alias in node.names}
    assert "toutdoux" not in " ".join(names | {getattr(one, "module", "") for one in imported})


def test_an_exported_bundle_is_whole(exported: bytes) -> None:
    assert exported.count(b"\n") > 8
    assert exported.isascii()
    assert fault(exported) is None


def test_the_bundle_in_the_page_is_whole(tiny: bytes) -> None:
    assert fault(tiny) is None


def test_the_nonce_in_the_page_opens_the_commitment_in_its_bundle(tiny: bytes) -> None:
    match = re.search(r"is “(.+?)”, and its nonce is\n`([0-9a-f]{64})`", PAGE)
    assert match
    commitment = sha256(bytes.fromhex(match[2]) + match[1].encode()).hexdigest()
    assert f'"object":"{commitment}"'.encode() in tiny


def test_the_checker_ends_with_a_status(tiny: bytes, tmp_path: Path) -> None:
    for content, status in ((tiny, 0), (tiny[:-1], 1), (b"", 1)):
        (tmp_path / "bundle").write_bytes(content)
        command = [sys.executable, bundle_checker.__file__, tmp_path / "bundle"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == status


def flipped(bundle: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(bundle)
    changed[place] ^= 1 << bit
    return bytes(changed)


def test_a_flipped_byte_is_refused(exported: bytes) -> None:
    for place in range(0, len(exported), 7):
        assert fault(flipped(exported, place, place % 8)), place


def test_every_flipped_byte_of_a_tiny_bundle_is_refused(tiny: bytes) -> None:
    for place in range(len(tiny)):
        assert fault(flipped(tiny, place, 0)), place


@pytest.mark.slow
def test_every_flipped_bit_of_a_tiny_bundle_is_refused(tiny: bytes) -> None:
    for place in range(len(tiny)):
        for bit in range(8):
            assert fault(flipped(tiny, place, bit)), (place, bit)


@pytest.mark.parametrize("what", FORGED)
def test_an_entry_of_another_form_is_refused_though_every_hash_is_right(
    exported: bytes, what: str
) -> None:
    assert fault(forged(exported, -1, canonical)) is None
    for which in range(exported.count(b"\n") - 1):
        assert fault(forged(exported, which, FORGED[what])), which


def test_a_line_that_was_taken_out_is_refused(exported: bytes) -> None:
    lines = exported.splitlines(keepends=True)
    for place in range(len(lines)):
        assert fault(b"".join(lines[:place] + lines[place + 1 :])), place


def test_lines_that_were_swapped_are_refused(exported: bytes) -> None:
    lines = exported.splitlines(keepends=True)
    for place in range(len(lines) - 1):
        one, other = lines[place : place + 2]
        assert fault(b"".join([*lines[:place], other, one, *lines[place + 2 :]])), place


def test_a_line_that_was_put_in_is_refused(exported: bytes) -> None:
    lines = exported.splitlines(keepends=True)
    for place in range(1, len(lines) + 1):
        for one in lines:
            assert fault(b"".join([*lines[:place], one, *lines[place:]])), place


def test_a_bundle_cut_short_is_refused(exported: bytes) -> None:
    for length in [*range(0, len(exported), 13), len(exported) - 1]:
        assert fault(exported[:length]), length


def test_a_bundle_that_goes_on_is_refused(exported: bytes) -> None:
    assert fault(exported + b"\n")
    assert fault(exported + b"{}\n")
