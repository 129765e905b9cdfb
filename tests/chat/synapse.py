"""A real Matrix server for the tests: Synapse, in an environment of its own (build/synapse).

Nobody but this machine reaches it. It is started once for all tests of a process."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from toutdoux.chat.http import Server
from toutdoux.chat.matrix import Matrix
from toutdoux.chat.system import Message, Unreachable

INSTALLED = Path(__file__).parents[2] / "build" / "synapse"
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
DOMAIN = "test.invalid"
_NO_LIMIT = {"per_second": 1_000_000, "burst_count": 1_000_000}


def _free_port() -> int:
    """One that no outgoing connection is ever given: it stays free while the server is killed."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


class Synapse:
    """The server's process. Its database is a file, so that it may be killed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.secret = secrets.token_hex(16)
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.anybody = Server(self.address, "")
        self._configure()
        self.start()

    def _configure(self) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (self.place / "signing.key").write_text(f"ed25519 a_test {key}\n")
        log = {"version": 1, "handlers": {"h": {"class": "logging.StreamHandler"}}}
        self._write("log.yaml", {**log, "root": {"level": "WARNING", "handlers": ["h"]}})
        limits = ("message", "registration", "room_creation", "admin_redaction", "joins_per_room")
        self._write(
            "homeserver.yaml",
            {
                "server_name": DOMAIN,
                "public_baseurl": f"{self.address}/",
                "pid_file": str(self.place / "pid"),
                "listeners": [
                    {
                        "port": self.port,
                        "bind_addresses": ["127.0.0.1"],
                        "type": "http",
                        "resources": [{"names": ["client", "media"], "compress": False}],
                    }
                ],
                "federation_domain_whitelist": [],
                "trusted_key_servers": [],
                "database": {
                    "name": "sqlite3",
                    "args": {"database": str(self.place / "homeserver.db")},
                },
                "log_config": str(self.place / "log.yaml"),
                "media_store_path": str(self.place / "media"),
                "signing_key_path": str(self.place / "signing.key"),
                "registration_shared_secret": self.secret,
                "macaroon_secret_key": secrets.token_hex(16),
                "form_secret": secrets.token_hex(16),
                "report_stats": False,
                "bcrypt_rounds": 4,
                "presence": {"enabled": False},
                "user_directory": {"enabled": False},
                **{f"rc_{what}": _NO_LIMIT for what in limits},
                "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), _NO_LIMIT),
                "rc_joins": dict.fromkeys(("local", "remote"), _NO_LIMIT),
                "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), _NO_LIMIT),
            },
        )

    def _write(self, name: str, told: object) -> None:
        (self.place / name).write_bytes(orjson.dumps(told))  # JSON is YAML, too

    def start(self) -> None:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "COV_"))
        }
        with (self.place / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    INSTALLED / "bin" / "python",
                    "-m",
                    "synapse.app.homeserver",
                    "-c",
                    "homeserver.yaml",
                ],
                cwd=self.place,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=environment,
            )
        until = time.monotonic() + 90
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop(signal.SIGKILL)
                raise RuntimeError((self.place / "log").read_text()[-3000:])
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return self.anybody.ask("GET", "/_synapse/admin/v1/register") is not None
        except Unreachable:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(30)

    def register(self, name: str, admin: bool = False) -> Somebody:
        path = "/_synapse/admin/v1/register"
        nonce = self.anybody.ask("GET", path)["nonce"]
        password = secrets.token_hex(8)
        told = [nonce, name, password, "admin" if admin else "notadmin"]
        mac = hmac.new(self.secret.encode(), "\0".join(told).encode(), hashlib.sha1).hexdigest()
        asked = {"nonce": nonce, "username": name, "password": password, "admin": admin}
        made = self.anybody.ask("POST", path, {**asked, "mac": mac})
        return Somebody(self.address, made["user_id"], made["access_token"])


class Somebody:
    """Who can do on the server whatever its people can."""

    def __init__(self, address: str, id: str, token: str) -> None:
        self.id, self.token = id, token
        self.server = Server(address, token)

    def do(self, method: str, path: str, body: object = None, **query: str) -> Any:
        return self.server.ask(method, f"/_matrix/client/{path}", body, query=query)

    def make(self, **told: object) -> str:
        return str(self.do("POST", "v3/createRoom", told)["room_id"])

    def join(self, room: str) -> None:
        self.do("POST", f"v3/join/{quote(room)}", {})

    def put(self, room: str, kind: str, content: object) -> str:
        mark = secrets.token_hex(8)
        path = f"v3/rooms/{quote(room)}/send/{kind}/{mark}"
        return str(self.do("PUT", path, content)["event_id"])

    def state(self, room: str, kind: str, content: object) -> None:
        self.do("PUT", f"v3/rooms/{quote(room)}/state/{kind}/", content)

    def says(self, room: str, text: str, **more: object) -> str:
        return self.put(room, "m.room.message", {"msgtype": "m.text", "body": text, **more})

    def edits(self, room: str, message: str, text: str) -> str:
        new = {"msgtype": "m.text", "body": text}
        about = {"rel_type": "m.replace", "event_id": message}
        return self.says(room, f"* {text}", **{"m.new_content": new, "m.relates_to": about})

    def reacts(self, room: str, message: str, sign: str) -> str:
        about = {"rel_type": "m.annotation", "event_id": message, "key": sign}
        return self.put(room, "m.reaction", {"m.relates_to": about})

    def takes_away(self, room: str, event: str) -> None:
        self.do("PUT", f"v3/rooms/{quote(room)}/redact/{quote(event)}/{secrets.token_hex(8)}", {})

    def reactions(self, room: str, message: str) -> list[dict[str, Any]]:
        path = f"v1/rooms/{quote(room)}/relations/{quote(message)}/m.annotation/m.reaction"
        return list(self.do("GET", path, dir="f", limit="1000")["chunk"])

    def rooms(self) -> dict[str, list[dict[str, Any]]]:
        """The rooms that they are in, and what was said there; they follow every invitation."""
        for room in self._sync().get("invite", {}):
            self.join(room)
        joined = self._sync().get("join", {})
        return {room: one["timeline"]["events"] for room, one in joined.items()}

    def _sync(self) -> dict[str, Any]:
        # To the same question the server gives the same answer for two minutes.
        limit = 100 + secrets.randbelow(2**30)
        told = self.do("GET", "v3/sync", filter=f'{{"room": {{"timeline": {{"limit": {limit}}}}}}}')
        return dict(told.get("rooms", {}))


class MatrixWorld:
    """One room on the server, with people and a bot of its own."""

    def __init__(self, server: Synapse) -> None:
        self.server = server
        self.tag = secrets.token_hex(4)
        self.people: dict[str, Somebody] = {}
        self.bot = server.register(f"toutdoux-{self.tag}")
        self.host = server.register(f"host-{self.tag}")
        self.alias = f"#actions-{self.tag}:{DOMAIN}"
        self.room = self.host.make(preset="public_chat", room_alias_name=f"actions-{self.tag}")
        self.bot.join(self.room)
        self.kept: dict[str, str] = {}
        self.chat = self.connect()
        self.kept.update(self.chat.known())
        self.given: dict[tuple[str, str, str], str] = {}
        self.apart: dict[str, str] = {}

    def connect(self) -> Matrix:
        """The bot, as it is after a start."""
        return Matrix(self.server.address, self.bot.token, [self.alias], self.kept)

    def renames(self) -> None:
        self.host.do(
            "PUT",
            f"v3/directory/room/{quote(self.alias.replace('#', '#new-'))}",
            {"room_id": self.room},
        )
        self.host.do("DELETE", f"v3/directory/room/{quote(self.alias)}")

    def now(self) -> datetime:
        return self.chat.now()

    def somebody(self, name: str) -> Somebody:
        if name not in self.people:
            self.people[name] = self.server.register(f"{name}-{self.tag}")
            self.people[name].join(self.room)
        return self.people[name]

    def account(self, name: str) -> str:
        return self.somebody(name).id

    def says(self, name: str, text: str, *, thread: str = "") -> str:
        about = {"m.relates_to": {"rel_type": "m.thread", "event_id": thread}} if thread else {}
        return self.somebody(name).says(self.room, text, **about)

    def whispers(self, name: str, text: str) -> str:
        return self.somebody(name).says(self._private(name), text)

    def _private(self, name: str) -> str:
        """Where somebody writes to the bot: where it has written to them, or they to it before."""
        somebody = self.somebody(name)
        known = [room for room in somebody.rooms() if room != self.room]
        made = {"preset": "trusted_private_chat", "is_direct": True, "invite": [self.bot.id]}
        return known[-1] if known else somebody.make(**made)

    def edits(self, name: str, message: str, text: str) -> None:
        self.somebody(name).edits(self.room, message, text)

    def deletes(self, name: str, message: str) -> None:
        self.somebody(name).takes_away(self.room, message)

    def reacts(self, name: str, message: str, sign: str = "👍") -> None:
        event = self.somebody(name).reacts(self.room, message, sign)
        self.given[name, message, sign] = event

    def takes_back(self, name: str, message: str, sign: str = "👍") -> None:
        self.somebody(name).takes_away(self.room, self.given.pop((name, message, sign)))

    def of_bot(self) -> Sequence[Message]:
        found = self.chat.messages(self.room, BEGIN)
        return [one for one in found if one.author == self.bot.id and not one.deleted]

    def told(self, name: str) -> Sequence[str]:
        return [
            event["content"]["body"]
            for room, events in self.somebody(name).rooms().items()
            for event in events
            if room != self.room
            and (event["type"], event["sender"]) == ("m.room.message", self.bot.id)
        ]

    def signs(self, message: str) -> set[str]:
        found = self.host.reactions(self.room, message)
        return {one["content"]["m.relates_to"]["key"] for one in found}


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    if not (INSTALLED / "ready").exists():
        pytest.skip("there is no Matrix server to try: make build/synapse/ready")
    server = Synapse(tmp_path_factory.mktemp("synapse"))
    yield server
    server.stop()


@pytest.fixture
def matrix_world(synapse: Synapse) -> MatrixWorld:
    return MatrixWorld(synapse)
