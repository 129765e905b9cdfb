"""The API as OpenAPI describes it: what ninja knows, and what all operations have beside that.

Each operation has an example of what is sent and answered, made of the examples of its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ninja import NinjaAPI

import toutdoux

from . import problems
from .shapes import ProblemShape

PREFIX = "/api/v1"
Schema = Mapping[str, Any]

_MAY_WRITE = ("post", "put", "patch", "delete")
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "What makes the request one: sent again with the same key, it is carried out "
    "once. The same key with anything else is refused (409).",
    "schema": {"type": "string", "pattern": "^[!-~]{1,100}$"},
    "example": "8f14e45f-ea9b-4d3c",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an answer that one has: where nothing changed, the new one is "
    "empty (304).",
    "schema": {"type": "string"},
    "example": 'W/"0f1e2d3c4b5a69788796a5b4"',
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The action's version that one read: where it is another by now, nothing is "
    "changed (412).",
    "schema": {"type": "string"},
    "example": '"1-5f3b8c12"',
}
_HEADERS = {
    "ETag": {"schema": {"type": "string"}, "description": "For If-None-Match."},
    "Link": {"schema": {"type": "string"}, "description": "The first, previous, next, last page."},
}


@cache
def description(api: NinjaAPI) -> dict[str, Any]:
    """The description of an API. It is made once, and must not be changed."""
    told: dict[str, Any] = dict(api.get_openapi_schema(path_prefix=PREFIX))
    told["info"]["version"] = toutdoux.__version__
    told["servers"] = [{"url": "/"}]
    schemas = told["components"]["schemas"]
    schemas["Problem"] = ProblemShape.model_json_schema()
    schemas["FieldProblem"] = schemas["Problem"].pop("$defs")["FieldProblem"]
    schemas["Problem"]["properties"]["errors"] = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/FieldProblem"},
    }
    for path, its in told["paths"].items():
        for method, one in its.items():
            _complete(path, method, one, schemas)
    return told


def _complete(path: str, method: str, one: dict[str, Any], schemas: Schema) -> None:
    """Tell of an operation what it has in common with the others, and give examples."""
    steward, media = one.pop("x-steward"), one.pop("x-media")
    writes = method in _MAY_WRITE
    if steward:
        one["description"] = f"{one.get('description', '')} For référent·es.".strip()
    one["parameters"] += [_KEY] if writes else [_IF_NONE_MATCH]
    if one["operationId"] in ("amend", "vote"):
        one["parameters"].append(_IF_MATCH)
    for parameter in one["parameters"]:
        parameter.setdefault("example", example_of(parameter["schema"], schemas))
        parameter.pop("examples", None)
        parameter["schema"] = {
            key: value
            for key, value in parameter["schema"].items()
            if key not in ("examples", "title", "description")
        }
    answers = one["responses"] = {str(status): told for status, told in one["responses"].items()}
    for told in answers.values():
        if media:
            binary = {"type": "string", "format": "binary"}
            told["content"] = {kind: {"schema": binary} for kind in media}
        elif "content" in told:
            content = told["content"]["application/json"]
            content["example"] = example_of(content["schema"], schemas)
        if not writes:
            told["headers"] = {"ETag": _HEADERS["ETag"]}
            if any(each["name"] == "page" for each in one["parameters"]):
                told["headers"]["Link"] = _HEADERS["Link"]
    body = one.get("requestBody")
    if body:
        content = body["content"]["application/json"]
        content["example"] = example_of(content["schema"], schemas)
    for status in _problems(path, writes, steward, bool(body), one):
        answers[str(status)] = _problem(status)
    if not writes:
        answers["304"] = {"description": "Not Modified"}


def _problems(
    path: str, writes: bool, steward: bool, body: bool, one: Mapping[str, Any]
) -> list[int]:
    found = [401, 422, 429, 500, 503]
    if writes:
        found += [403, 409]
    if body:
        found += [400, 413, 415]
    if "{" in path or writes:
        found.append(404)
    if one["operationId"] in ("amend", "vote"):
        found.append(412)
    if one["operationId"] == "report_file":
        found.append(409)
    return sorted(found)


def _problem(status: int) -> dict[str, Any]:
    kind = problems.KINDS[status]
    example = {
        "type": f"/api/docs#{kind.name}",
        "title": kind.title.message,
        "status": status,
        "detail": kind.why.message,
        "remedy": kind.remedy.message,
    }
    told: dict[str, Any] = {
        "description": kind.title.message,
        "content": {
            problems.MEDIA_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example,
            }
        },
    }
    if status == 429:
        told["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return told


def example_of(schema: Schema, schemas: Schema) -> Any:
    """An example of what a schema describes."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "allOf", "oneOf"):
        if several in schema:
            return example_of(schema[several][0], schemas)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: example_of(one, schemas) for name, one in fields.items()}
        case "array":
            return [example_of(schema["items"], schemas)]
        case "integer":
            return schema.get("default", schema.get("minimum", 1))
        case "boolean":
            return False
    return schema.get("default", "")
