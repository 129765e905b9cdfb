"""A server on this machine that answers what a test tells it to, with whatever faults."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson

from toutdoux.capsule.fediverse.cache import Cache
from toutdoux.capsule.fediverse.fetching import Fetcher
from toutdoux.capsule.fediverse.instances import allowed

RECORDED: dict[str, Any] = orjson.loads(
    (Path(__file__).parents[2] / "data" / "gotosocial-0.20.json").read_bytes()
)
"""What a real server said, by what it was asked for."""
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


@dataclass
class Reply:
    """What is answered: `body` as JSON, unless it is bytes already.

    Attributes:
        wait: seconds before anything is said.
        drip: seconds between one byte and the next.
        short: how many bytes of the body are sent before the line is cut.
    """

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = "application/json"
    wait: float = 0
    drip: float = 0
    short: int | None = None
    endless: bool = False


Answer = Reply | Callable[["Asked"], Reply]


@dataclass
class Asked:
    path: str
    headers: Mapping[str, str]


class StandIn:
    """`replies`: by path with its query, or by path alone."""

    def __init__(self) -> None:
        self.replies: dict[str, Answer] = {}
        self.asked: list[Asked] = []
        self.over = Event()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with suppress(OSError):
                    stand_in._reply(self)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.name = f"127.0.0.1:{self.port}"
        self.address = f"http://{self.name}"
        Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def play(self) -> None:
        """Say what a real GoToSocial said, as if it had been said here."""
        for one in RECORDED.values():
            told = orjson.dumps(one["body"]).replace(b"localhost:8180", self.name.encode())
            headers = {name: value for name, value in one["headers"].items() if name == "link"}
            self.replies[one["request"]["path"]] = Reply(told, one["status"], headers)
        self.replies["/api/v1/timelines/tag/action?limit=20"] = Reply([])

    def _reply(self, handler: BaseHTTPRequestHandler) -> None:
        asked = Asked(handler.path, dict(handler.headers.items()))
        self.asked.append(asked)
        path = handler.path.partition("?")[0]
        told = self.replies.get(handler.path) or self.replies.get(path)
        reply = told(asked) if callable(told) else told or Reply({"error": "Not Found"}, 404)
        self.over.wait(reply.wait)
        body = reply.body if isinstance(reply.body, bytes) else orjson.dumps(reply.body)
        handler.send_response_only(reply.status)
        handler.send_header("Content-Type", reply.type)
        if not reply.endless:
            handler.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        if reply.status == 304:
            return
        while reply.endless and not self.over.is_set():
            handler.wfile.write(b" " * 65536)
        if not reply.drip:
            handler.wfile.write(body[: reply.short])
            return
        for byte in body:
            if self.over.wait(reply.drip):
                return
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()

    def fetcher(self, folder: Path, *, seconds: float = 5, **more: Any) -> Fetcher:
        """One that may ask this server, because it was allowed by its exact address."""
        told = {"inside": [self.address], **more}
        return Fetcher(
            allowed(told),
            Cache(folder / "fediverse.sqlite3"),
            "Test/1 (+https://x.example/)",
            time=seconds,
        )

    def stop(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def took(what: Callable[[], object]) -> float:
    """How many seconds something takes, whether it succeeds or not."""
    began = time.monotonic()
    with suppress(Exception):
        what()
    return time.monotonic() - began
