"""The API's description as a page: everything is in it, and nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from shlex import quote
from typing import Any
from urllib.parse import quote as quoted
from urllib.parse import urlencode

import orjson
from django.conf import settings
from django.http import HttpResponse
from ninja import NinjaAPI

from toutdoux.web.speech import render

from . import door, problems
from .description import description


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[dict[str, Any]]
    curl: str
    status: str
    answer: str
    """An example; empty where there is none, or it is a file."""
    media: str


def page(request: Any, api: NinjaAPI) -> HttpResponse:
    told = description(api)
    return render(
        request,
        "api_docs.html",
        {
            "parts_of_api": _operations(api, settings.PUBLIC_URL),
            "version": told["info"]["version"],
            "problems": problems.KINDS.values(),
            "many": door.MANY,
        },
    )


@cache
def _operations(api: NinjaAPI, address: str) -> dict[str, list[Operation]]:
    """The operations by what they are about."""
    parts: dict[str, list[Operation]] = {}
    for part, one in _all(api, address):
        parts.setdefault(part, []).append(one)
    return parts


def _all(api: NinjaAPI, address: str) -> Iterator[tuple[str, Operation]]:
    for path, its in description(api)["paths"].items():
        for method, one in its.items():
            status, answer = next(iter(one["responses"].items()))
            content = answer.get("content", {})
            example = content.get("application/json", {}).get("example")
            yield (
                path.split("/")[3],
                Operation(
                    id=one["operationId"],
                    method=method.upper(),
                    path=path,
                    summary=one["summary"],
                    description=one.get("description", ""),
                    parameters=[_parameter(each) for each in one["parameters"]],
                    curl=_curl(address, method.upper(), path, one),
                    status=status,
                    answer=_json(example) if example is not None else "",
                    media=", ".join(content),
                ),
            )


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    schema = one["schema"]
    choices: list[str] = schema.get("enum") or next(
        (each["enum"] for each in schema.get("anyOf", ()) if "enum" in each), []
    )
    return {
        "name": one["name"],
        "where": one["in"],
        "required": one["required"],
        "description": one.get("description", ""),
        "choices": choices,
        "example": one["example"],
    }


def _curl(address: str, method: str, path: str, one: dict[str, Any]) -> str:
    """The example as one types it."""
    examples = {each["name"]: each for each in one["parameters"]}
    asked = {
        name: each["example"]
        for name, each in examples.items()
        if each["in"] == "query" and each["required"]
    }
    for name, each in examples.items():
        path = path.replace(f"{{{name}}}", quoted(str(each["example"]), safe=""))
    url = f"{address}{path}" + (f"?{urlencode(asked)}" if asked else "")
    lines = ["curl" if method == "GET" else f"curl -X {method}"]
    lines.append('-H "Authorization: Bearer $TOKEN"')
    body = one.get("requestBody")
    if body:
        told = orjson.dumps(body["content"]["application/json"]["example"]).decode()
        lines += ["-H 'Content-Type: application/json'", f"-d {quote(told)}"]
    return " \\\n  ".join([*lines, quote(url)])


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
