"""What the command says of itself."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

from toutdoux.cli.click_words import CLICK_WORDS

from .running import DEMO, ENGLISH, FRENCH, ROOT, run

COMMANDS = ["", "replay", "inventory", "audit", "report", "demo"]


def words(command: str) -> list[str]:
    return [command] if command else []


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example(command: str, option: str) -> None:
    done = run(*words(command), option)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"Examples:\n +toutdoux {command or '[a-z]'}", done.stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_in_french_has_an_example_too(command: str) -> None:
    done = run(*words(command), "--help", env=FRENCH)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Exemples" in done.stdout
    assert f"  toutdoux {command}" in done.stdout


ENGLISH_WORDS = (
    "Usage:", "Options:", "Commands:", "Show ", "this message", "exit", "default:", "required",
    "Examples", "Arguments", " the ", " and ", "COMMAND ", "ARGS", "FILE",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_in_french_holds_no_english(command: str) -> None:
    text = run(*words(command), "--help", env=FRENCH).stdout
    assert not [word for word in ENGLISH_WORDS if word in text]


# What goes wrong in Click's hands, each told in its words.
CLICK_SAYS = {
    "no such command": ["nonsense"],
    "a command misspelt": ["replya"],
    "no such option": ["replay", DEMO, "--nonsense"],
    "an option misspelt": ["replay", DEMO, "--fromat", "json"],
    "an argument missing": ["replay"],
    "an option missing": ["init"],
    "one argument too many": ["replay", DEMO, "one"],
    "two arguments too many": ["replay", DEMO, "one", "two"],
    "a choice that is none": ["replay", DEMO, "--format", "docx"],
    "an option without its value": ["replay", DEMO, "--at"],
    "a flag with a value": ["replay", DEMO, "--explain=yes"],
    "a number that is none": ["charter", "show", "--version", "one"],
    "a number out of range": ["propose", "ordinary", "x", "--by", "ana", "--number", "0"],
}


@pytest.mark.parametrize("arguments", CLICK_SAYS.values(), ids=CLICK_SAYS)
def test_what_click_refuses_is_said_in_french(arguments: list[object]) -> None:
    done = run(*arguments, env=FRENCH)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    found = re.findall(
        r"\b(?:No such|Missing|Got|unexpected|argument|does not|takes|requires|Invalid|value|"
        r"is not|one of|Did you mean|Choose|Try|Error|Possible)\b",
        done.stderr,
    )
    assert [word for word in found if word != "argument"] == []


@pytest.mark.parametrize("arguments", CLICK_SAYS.values(), ids=CLICK_SAYS)
def test_what_click_refuses_names_the_help(arguments: list[object]) -> None:
    done = run(*arguments)
    assert re.search(r" → toutdoux( replay| init| propose| charter show)? --help\n$", done.stderr)


def test_our_list_of_clicks_words_is_what_the_installed_click_says() -> None:
    import click

    said = {
        node.value
        for file in Path(click.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    texts = [text for one in CLICK_WORDS for text in (one.message, one.plural) if text]
    assert [text for text in texts if text not in said] == []


@pytest.mark.parametrize("env", [ENGLISH, FRENCH])
def test_the_version_is_the_one_installed(env: dict[str, str]) -> None:
    done = run("--version", env=env)
    assert done.returncode == 0
    assert importlib.metadata.version("toutdoux") in done.stdout


def test_the_installed_command_is_the_module() -> None:
    command = Path(sys.executable).with_name("toutdoux")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True)
    assert "toutdoux" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_examples_of_the_help_name_options_that_exist(command: str) -> None:
    text = run(*words(command), "--help").stdout
    for example in re.findall(r"^ +toutdoux (\w+)(.*)$", text.split("Examples:")[1], re.MULTILINE):
        options = re.findall(r"--[a-z]+", example[1])
        known = run(example[0], "--help").stdout
        assert not [option for option in options if option not in known]


def test_the_readme_of_the_format_is_where_an_error_says_it_is() -> None:
    assert (ROOT / "docs" / "scenario.md").is_file()
