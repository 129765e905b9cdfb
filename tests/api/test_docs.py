"""What the documentation and the description say of the API is what it does."""

from __future__ import annotations

import gzip
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from tests.web.conftest import Living
from toutdoux.api import problems
from toutdoux.api.description import description
from toutdoux.api.door import MANY
from toutdoux.api.urls import api as the_api

from .conftest import Program, program_of

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text("utf-8")
_BLOCK = re.compile(
    r"(?:<!-- http: (?P<status>\d+) -->\n)?```bash\n(?P<lines>.*?)```"
    r"(?:\n\n```json\n(?P<told>.*?)```)?",
    re.DOTALL,
)


def typed(line: str, token: str) -> HttpResponse:
    """Ask what somebody types for curl."""
    words = iter(shlex.split(line.replace("$TOKEN", token))[1:])
    method, headers, body, url = "GET", {}, "", ""
    for word in words:
        match word:
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name.replace("-", "_").lower()] = value
            case "-d":
                body = next(words)
            case "-o":
                next(words)
            case _:
                url = word
    path = url.removeprefix("http://localhost:8000/api/v1")
    assert path != url
    return Program(token).ask(method, path, body.encode(), **headers)


def assert_tells(told: Any, shown: Any) -> None:
    """Whether an answer has what the page shows of it, which may be less."""
    if isinstance(shown, dict):
        assert set(shown) <= set(told)
        for name, value in shown.items():
            assert_tells(told[name], value)
    elif isinstance(shown, list):
        assert len(told) == len(shown)
        for one, other in zip(told, shown, strict=True):
            assert_tells(one, other)
    else:
        assert told == shown


def test_what_the_page_types_is_answered_as_it_says(loutres: Living) -> None:
    loutres.propose("ordinary", "Ouvrir la saison", "ana")
    loutres.propose("extraordinary", "Ouvrir un service de podcasts", "ana")
    program_of("ana").put("/periods/P26", {"first": "2026-01-01", "last": "2026-12-31"})
    token = program_of("bob").token
    blocks = list(_BLOCK.finditer(PAGE))
    assert len(blocks) == 8
    for block in blocks:
        for line in block["lines"].splitlines():
            answer = typed(line, token)
            wanted = int(block["status"] or 0)
            assert answer.status_code == wanted if wanted else answer.status_code < 300, line
            if block["told"]:
                assert_tells(orjson.loads(answer.content), orjson.loads(block["told"]))


def test_every_problem_is_documented() -> None:
    rows = re.findall(r"^\| (\d+) \| `([\w-]+)` \|", PAGE, re.MULTILINE)
    assert rows == [(str(one.status), one.name) for one in problems.KINDS.values()]
    assert f"over {MANY} requests" in PAGE


# --- the description -----------------------------------------------------------------------------


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, its in description(the_api)["paths"].items():
        for method, one in its.items():
            yield path, method, one


def test_every_operation_says_what_it_is_and_has_examples() -> None:
    for path, method, one in operations():
        assert one["summary"][0].isupper(), path
        for parameter in one["parameters"]:
            assert "example" in parameter
        first = next(iter(one["responses"].values()))
        json = first.get("content", {}).get("application/json")
        assert json is None or "example" in json, (method, path)
        if "requestBody" in one:
            assert "example" in one["requestBody"]["content"]["application/json"]


def test_every_example_is_as_its_schema_says() -> None:
    told = description(the_api)

    def check(schema: Any, example: object, where: str) -> None:
        whole = {**schema, "components": told["components"]}
        jsonschema_rs.validator_for(whole).validate(example)

    for path, method, one in operations():
        for parameter in one["parameters"]:
            check(parameter["schema"], parameter["example"], path)
        contents = [one.get("requestBody", {}), *one["responses"].values()]
        for content in contents:
            for its in content.get("content", {}).values():
                if "example" in its:
                    check(its["schema"], its["example"], f"{method} {path}")


def test_the_description_is_served_to_everybody(home: Path) -> None:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    assert orjson.loads(answer.content)["openapi"].startswith("3.1")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_page_of_the_description_has_every_operation_and_needs_nothing_else(
    home: Path, language: str
) -> None:
    answer = Client(headers={"accept-language": language}).get("/api/docs")
    html = answer.content.decode()
    assert answer.status_code == 200
    for _, _, one in operations():
        assert f'id="{one["operationId"]}"' in html
    for one in problems.KINDS.values():
        assert f'id="{one.name}"' in html
    assert not re.search(r"<script(?![^>]*src=\"/static/)", html)
    assert " style=" not in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert len(gzip.compress(answer.content)) < 30_000
    assert "cdn" not in html
