"""`completion` and `man`: what the shell and `man` learn of the commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from toutdoux import __version__
from toutdoux.cli.main import cli

from .running import ENGLISH, FRENCH, assert_one_sentence, environment, run

BIN = Path(sys.executable).parent
SHELLS = ("bash", "zsh", "fish")


def commands() -> Iterator[tuple[click.Command, click.Context]]:
    """Every command, with those of the groups."""

    def below(
        group: click.Group, context: click.Context
    ) -> Iterator[tuple[click.Command, click.Context]]:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            here = click.Context(command, info_name=name, parent=context)
            yield command, here
            if isinstance(command, click.Group):
                yield from below(command, here)

    return below(cli, click.Context(cli, info_name="toutdoux"))


# --- the man page --------------------------------------------------------------------------------


def page(env: dict[str, str] = ENGLISH) -> str:
    done = run("man", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def text(roff: str) -> str:
    """What somebody reads of a page, without what roff makes of it."""
    signs = {r"\-": "-", r"\(aq": "'", r"\(ga": "`", r"\(ti": "~", r"\(ha": "^", r"\(dq": '"'}
    for sign, plain in signs.items():
        roff = roff.replace(sign, plain)
    return roff.replace("\\e", "\\").replace("\\&", "")


def test_every_command_has_its_part_in_the_man_page() -> None:
    titles = re.findall(r'^\.SS "(.*)"$', text(page()), re.MULTILINE)
    there = {re.split(r" (?=\[|[A-Z]|[a-z]+\|)", title)[0] for title in titles}
    assert there == {context.command_path for _, context in commands()}
    assert len(titles) == len(there)


def test_every_option_stands_in_its_commands_part() -> None:
    parts = re.split(r'^\.S[SH] "', text(page()), flags=re.MULTILINE)
    for command, context in commands():
        (part,) = (one for one in parts if re.match(rf"{context.command_path} [\[A-Z].*\"\n", one))
        for option in command.params:
            for name in option.opts:
                if isinstance(option, click.Option):
                    assert re.search(rf'^\.B ".*{name}[ ",]', part, re.MULTILINE), name


def test_every_command_has_its_examples_in_the_man_page() -> None:
    whole = text(page())
    for command, _ in commands():
        assert command.epilog
        for line in command.epilog.splitlines()[2:]:
            assert f"\n{line}\n" in whole


def test_the_man_page_says_which_version_it_is_of() -> None:
    assert f'"toutdoux {__version__}"' in page().splitlines()[1].replace("\\-", "-")


def test_the_man_page_is_the_same_every_time() -> None:
    assert page() == page()


def test_the_man_page_speaks_the_language_of_the_terminal() -> None:
    assert "Exemples" in page(FRENCH)
    assert "Examples" in page(ENGLISH)


def test_the_man_page_can_be_written_into_a_folder(tmp_path: Path) -> None:
    done = run("man", "--out", tmp_path / "man1")
    assert done.stdout == f"{tmp_path / 'man1' / 'toutdoux.1'}\n"
    assert (tmp_path / "man1" / "toutdoux.1").read_text("utf-8") == page()


def test_a_folder_for_the_man_page_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert_one_sentence(run("man", "--out", tmp_path / "file"), "cannot be written")


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not there")
@pytest.mark.parametrize("env", [ENGLISH, FRENCH])
def test_groff_finds_nothing_to_say_about_the_man_page(env: dict[str, str]) -> None:
    done = subprocess.run(
        ["groff", "-man", "-k", "-Tutf8", "-ww"],
        input=page(env).encode(),
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert "toutdoux vote" in re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode())


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not there")
def test_man_shows_an_example_as_it_can_be_typed(tmp_path: Path) -> None:
    run("man", "--out", tmp_path)
    done = subprocess.run(
        ["man", "--warnings", "-l", tmp_path / "toutdoux.1"],
        env=environment(LC_ALL="C.UTF-8", MANWIDTH="120"),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    assert """echo 'eval "$(toutdoux completion bash)"' >> ~/.bashrc""" in done.stdout


# --- completion ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("env", [ENGLISH, FRENCH])
def test_a_script_needs_no_database_and_ends_with_how_to_install_it(
    shell: str, env: dict[str, str], tmp_path: Path
) -> None:
    done = run("completion", shell, env={**env, "TOUTDOUX_HOME": str(tmp_path / "none")})
    assert (done.returncode, done.stderr) == (0, "")
    assert "_TOUTDOUX_COMPLETE" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("# ")
    assert f"toutdoux completion {shell}" in last
    assert not (tmp_path / "none").exists()


def test_zshs_script_begins_with_the_line_that_zsh_looks_for() -> None:
    assert run("completion", "zsh").stdout.lstrip().startswith("#compdef toutdoux\n")


def test_a_shell_that_is_not_known_is_told() -> None:
    assert_one_sentence(run("completion", "tcsh"), "tcsh", "bash")


def completed(*words: str) -> list[str]:
    """What a real bash offers where the Tab key is hit after words."""
    script = f"""
        eval "$(toutdoux completion bash)"
        COMP_WORDS=({" ".join(f"'{word}'" for word in words)})
        COMP_CWORD={len(words) - 1}
        complete -p toutdoux >/dev/null || exit 1
        _toutdoux_completion toutdoux
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        env=environment(**ENGLISH, PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}"),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not there")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("toutdoux", "vo"), ["vote"]),
        (("toutdoux", "cou"), ["counter-vote"]),
        (("toutdoux", "im"), ["import"]),
        (("toutdoux", "member", "le"), ["leave"]),
        (("toutdoux", "vote", "AE1", "ag"), ["against"]),
        (("toutdoux", "vote", "AE1", "for", "--ball"), ["--ballot"]),
        (("toutdoux", "vote", "AE1", "for", "--ballot", "c"), ["counter-vote"]),
        (("toutdoux", "replay", "--ex"), ["--explain"]),
        (("toutdoux", "nothing-like-it"), []),
    ],
)
def test_bash_completes(typed: tuple[str, ...], offered: list[str]) -> None:
    assert completed(*typed) == offered
