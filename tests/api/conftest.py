"""An association that lives, and programs that ask for its members.

api("bob")                 a program with a token of bob's that may write
api("bob", writes=False)   one that only reads
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.http import HttpResponse
from django.test import Client

from tests.web.conftest import Living, client_of, found, loutres  # noqa: F401
from toutdoux.api import door
from toutdoux.association.models import Member
from toutdoux.web import tokens


@dataclass
class Program:
    """Somebody who asks the API."""

    token: str
    language: str = "en"

    def ask(
        self, method: str, path: str, said: object = None, *, url: str = "/api/v1", **headers: str
    ) -> HttpResponse:
        told = {"accept-language": self.language, "authorization": f"Bearer {self.token}"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        client: Any = Client(headers=told)
        body = b"" if said is None else said if isinstance(said, bytes) else orjson.dumps(said)
        kind = told.get("content-type", "application/json")
        answer: HttpResponse = client.generic(method, f"{url}{path}", body, content_type=kind)
        return answer

    def get(self, path: str, **headers: str) -> Any:
        return read(self.ask("GET", path, **headers))

    def post(self, path: str, said: object = None, **headers: str) -> Any:
        return read(self.ask("POST", path, said, **headers))

    def put(self, path: str, said: object = None, **headers: str) -> Any:
        return read(self.ask("PUT", path, said, **headers))

    def patch(self, path: str, said: object = None, **headers: str) -> Any:
        return read(self.ask("PATCH", path, said, **headers))


def read(answer: HttpResponse) -> Any:
    """What was answered, which must not be a problem."""
    assert answer.status_code in (200, 201), answer.content.decode()
    return orjson.loads(answer.content)


def problem(answer: HttpResponse, status: int) -> Any:
    """The problem that was answered, of this status."""
    assert answer.status_code == status, answer.content.decode()
    assert answer["Content-Type"] == "application/problem+json"
    told = orjson.loads(answer.content)
    assert told["status"] == status
    assert told["title"]
    assert told["detail"]
    assert told["remedy"]
    return told


def program_of(handle: str, *, writes: bool = True, slug: str = "loutres") -> Program:
    member = Member.objects.get(handle=handle, association__slug=slug)
    return Program(tokens.make(member.seat, "essai", datetime.now(UTC), writes=writes))


@pytest.fixture
def api(loutres: Living) -> Callable[..., Program]:  # noqa: F811
    return program_of


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_LIMIT", door._Limit())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What asks everything of the API is slow, and to look at its file alone takes seconds."""
    quick = config.getoption("markexpr") == "not slow"
    return True if quick and collection_path.name == "test_fuzzing.py" else None
