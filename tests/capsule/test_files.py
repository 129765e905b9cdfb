"""The association's own files: found in its folder, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from toutdoux.capsule.files import SHORT, LongFile, find, listing, type_of
from toutdoux.capsule.gemtext import parse
from toutdoux.capsule.protocol import Response


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A capsule's folder, with something secret beside it."""
    (tmp_path / "secret.txt").write_text("secret")
    inside = tmp_path / "capsule"
    (inside / "textes").mkdir(parents=True)
    (inside / "textes" / "un été.gmi").write_text("# Été\n")
    (inside / "textes" / "b.txt").write_text("b")
    (inside / "textes" / ".hidden.gmi").write_text("secret")
    (inside / "with").mkdir()
    (inside / "with" / "index.gmi").write_text("# Index\n")
    (inside / "logo.png").write_bytes(b"png")
    (inside / ".git").mkdir()
    (inside / ".git" / "config").write_text("secret")
    return inside


def found(folder: Path, *segments: str) -> Response | None:
    return find(folder, segments, "fr")


def test_a_file_is_found_with_its_type(folder: Path) -> None:
    assert found(folder, "logo.png") == Response(20, "image/png", b"png")  # type: ignore[arg-type]


def test_gemtext_is_told_in_the_associations_language(folder: Path) -> None:
    told = found(folder, "textes", "un été.gmi")
    assert told is not None
    assert told.meta == "text/gemini; charset=utf-8; lang=fr"
    assert told.body == "# Été\n".encode()


def test_a_folder_is_its_index(folder: Path) -> None:
    told = found(folder, "with", "")
    assert told is not None
    assert told.body == b"# Index\n"


def test_a_folders_address_ends_with_a_slash(folder: Path) -> None:
    told = found(folder, "with")
    assert told is not None
    assert told.header() == b"31 /with/\r\n"


def test_a_file_is_no_folder(folder: Path) -> None:
    assert found(folder, "logo.png", "") is None


def test_a_folder_without_an_index_is_listed(folder: Path) -> None:
    assert found(folder, "textes", "") is None
    told = listing(folder, ("textes", ""), "fr", "Fichiers :")
    assert told is not None
    lines = parse(told.body.decode())
    assert [line.url for line in lines if line.url] == ["./b.txt", "./un%20%C3%A9t%C3%A9.gmi"]


def test_a_listed_folders_address_ends_with_a_slash(folder: Path) -> None:
    told = listing(folder, ("textes",), "fr", "")
    assert told is not None
    assert told.header() == b"31 /textes/\r\n"


@pytest.mark.parametrize(
    "segments",
    [
        ("absent",),
        ("..", "secret.txt"),
        ("textes", "..", "..", "secret.txt"),
        ("../secret.txt",),
        ("textes/b.txt",),
        ("/etc/passwd",),
        ("textes", "", "b.txt"),
        (".git", "config"),
        (".git", ""),
        (".git",),
        ("textes", ".hidden.gmi"),
        ("logo.png", "x"),
        ("a\0b",),
        ("x" * 300,),
        ("",),
    ],
)
def test_nothing_is_found_at(folder: Path, segments: tuple[str, ...]) -> None:
    assert find(folder, segments, "fr") is None
    assert listing(folder, segments, "fr", "") is None or segments == ("",)


@pytest.mark.parametrize("target", ["../secret.txt", "/etc/passwd", ".git/config", "loop"])
def test_no_link_leads_out_of_the_folder_or_to_what_is_hidden(folder: Path, target: str) -> None:
    (folder / "loop").symlink_to(target)
    assert found(folder, "loop") is None


def test_a_folder_that_links_out_is_none(folder: Path) -> None:
    (folder / "out").symlink_to("..")
    assert found(folder, "out", "secret.txt") is None
    assert listing(folder, ("out", ""), "fr", "") is None


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "b.txt").symlink_to("textes/b.txt")
    told = found(folder, "b.txt")
    assert told is not None
    assert told.body == b"b"


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert found(tmp_path / "link", "logo.png") is not None


def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert found(folder, "pipe") is None


def test_a_long_file_is_found_and_not_read(folder: Path) -> None:
    with (folder / "long.ogg").open("wb") as file:
        file.truncate(1_000_000_000)
    told = found(folder, "long.ogg")
    assert isinstance(told, LongFile)
    assert told.meta == "audio/ogg"
    assert not told.body
    with told.opened() as file:
        assert file.read(SHORT) == bytes(SHORT)


def test_there_may_be_no_folder(tmp_path: Path) -> None:
    assert found(tmp_path / "absent", "") is None
    assert found(tmp_path / "absent", "a.gmi") is None


@pytest.mark.parametrize(
    ("name", "type"),
    [
        ("a.gmi", "text/gemini; charset=utf-8; lang=fr"),
        ("A.GMI", "text/gemini; charset=utf-8; lang=fr"),
        ("a.txt", "text/plain; charset=utf-8"),
        ("a.jpeg", "image/jpeg"),
        ("a.tar.gz", "application/gzip"),
        ("a", "application/octet-stream"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
def test_a_files_type_is_told_by_its_name(name: str, type: str) -> None:
    assert type_of(name, "fr") == type


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    some.lists(
        some.sampled_from(
            ["..", ".", "", "textes", ".git", "config", "secret.txt", "~", "/", "a/.."]
        )
        | some.text(max_size=8),
        min_size=1,
        max_size=6,
    )
)
def test_whatever_is_asked_for_nothing_secret_is_found(folder: Path, segments: list[str]) -> None:
    told = find(folder, tuple(segments), "fr")
    assert told is None or b"secret" not in told.body
    told = listing(folder, tuple(segments), "fr", "")
    assert told is None or b"secret" not in told.body
