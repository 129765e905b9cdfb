"""A real Mattermost for the tests, where there is one: they make their own team, people, bot and
channels on it.

    TOUTDOUX_TEST_MATTERMOST_URL            its address
    TOUTDOUX_TEST_MATTERMOST_ADMIN_TOKEN    an access token of an administrator's

The server has to let access tokens and bot accounts be made (EnableUserAccessTokens,
EnableBotAccountCreation) and people be added to it. What was made is removed in the end, for good
where the server allows that (EnableAPIUserDeletion, EnableAPITeamDeletion).
"""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic
from typing import Any

import orjson
import pytest

from toutdoux.chat.http import Server
from toutdoux.chat.mattermost import Mattermost, emoji_name
from toutdoux.chat.system import Forbidden, Message

ADDRESS = "TOUTDOUX_TEST_MATTERMOST_URL"
TOKEN = "TOUTDOUX_TEST_MATTERMOST_ADMIN_TOKEN"
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)


class MattermostWorld:
    """A team with one channel, `tout-doux`, on a server that others may use, too."""

    def __init__(self, address: str, admin: str) -> None:
        self.address = address
        self.admin = Server(address, admin)
        self.tag = secrets.token_hex(4)
        self.servers: dict[str, Server] = {}
        self.ids: dict[str, str] = {}
        self.team = self.do("POST", "/teams", self._named(f"asso-{self.tag}", type="O"))["id"]
        self.channel = self.make_channel("tout-doux")
        self.bot, self.token = self.make_bot("toutdoux")
        self.join(self.bot)
        self.kept: dict[str, str] = {}
        self.chat = self.connect()
        self.kept.update(self.chat.known())
        self.private: dict[str, str] = {}

    # --- with the administrator's rights ---------------------------------------------------------

    def do(self, method: str, path: str, body: object = None, by: Server | None = None) -> Any:
        return (by or self.admin).ask(method, f"/api/v4{path}", body)

    def _named(self, name: str, **more: str) -> dict[str, str]:
        return {"name": name, "display_name": name, **more}

    def make_channel(self, name: str, kind: str = "O") -> str:
        made = self._named(name, team_id=self.team, type=kind)
        return str(self.do("POST", "/channels", made)["id"])

    def make_bot(self, name: str) -> tuple[str, str]:
        """A bot account: its id, and a token of it."""
        made = {"username": f"{name}-{self.tag}", "display_name": name}
        bot = str(self.do("POST", "/bots", made)["user_id"])
        self.ids[name] = bot
        return bot, self.make_token(bot)

    def make_token(self, person: str) -> str:
        return str(self.do("POST", f"/users/{person}/tokens", {"description": "test"})["token"])

    def revoke(self, person: str) -> None:
        for token in self.do("GET", f"/users/{person}/tokens"):
            self.do("POST", "/users/tokens/revoke", {"token_id": token["id"]})

    def join(self, person: str, channel: str = "") -> None:
        self.do("POST", f"/teams/{self.team}/members", {"team_id": self.team, "user_id": person})
        self.do("POST", f"/channels/{channel or self.channel}/members", {"user_id": person})

    def throw_out(self, person: str, channel: str = "") -> None:
        self.do("DELETE", f"/channels/{channel or self.channel}/members/{person}")

    def connect(self, *channels: str) -> Mattermost:
        """The bot, as it is after a start."""
        names = channels or ("tout-doux",)
        return Mattermost(self.address, self.token, f"asso-{self.tag}", names, self.kept)

    def renames(self) -> None:
        self.do("PUT", f"/channels/{self.channel}/patch", {"name": f"elsewhere-{self.tag}"})

    def remove(self) -> None:
        for id in self.ids.values():
            self._drop(f"/users/{id}")
        self._drop(f"/teams/{self.team}")

    def _drop(self, path: str) -> None:
        try:
            self.do("DELETE", f"{path}?permanent=true")
        except Forbidden:
            self.do("DELETE", path)

    # --- as its people ---------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.chat.now()

    def account(self, name: str) -> str:
        if name not in self.ids:
            handle = f"{name}-{self.tag}"
            made = {"username": handle, "email": f"{handle}@example.org"}
            made["password"] = secrets.token_urlsafe(16) + "aA1!"
            self.ids[name] = id = str(self.do("POST", "/users", made)["id"])
            self.servers[name] = Server(self.address, self.make_token(id))
            self.join(id)
        return self.ids[name]

    def act(self, name: str, method: str, path: str, body: object = None) -> Any:
        """Do something as somebody."""
        self.account(name)
        return self.do(method, path, body, by=self.servers[name])

    def says(self, name: str, text: str, *, thread: str = "", channel: str = "") -> str:
        post = {"channel_id": channel or self.channel, "message": text, "root_id": thread}
        return str(self.act(name, "POST", "/posts", post)["id"])

    def whispers(self, name: str, text: str) -> str:
        return self.says(name, text, channel=self._private(name))

    def _private(self, name: str) -> str:
        if name not in self.private:
            both = [self.bot, self.account(name)]
            self.private[name] = self.act(name, "POST", "/channels/direct", both)["id"]
        return self.private[name]

    def edits(self, name: str, message: str, text: str) -> None:
        self.act(name, "PUT", f"/posts/{message}/patch", {"message": text})

    def deletes(self, name: str, message: str) -> None:
        self.act(name, "DELETE", f"/posts/{message}")

    def reacts(self, name: str, message: str, sign: str = "👍") -> None:
        reaction = {"user_id": self.account(name), "post_id": message}
        self.act(name, "POST", "/reactions", {**reaction, "emoji_name": emoji_name(sign)})

    def takes_back(self, name: str, message: str, sign: str = "👍") -> None:
        mine = f"/users/{self.account(name)}/posts/{message}/reactions"
        self.act(name, "DELETE", f"{mine}/{emoji_name(sign)}")

    def of_bot(self) -> Sequence[Message]:
        return self._of_bot(self.channel)

    def _of_bot(self, channel: str) -> list[Message]:
        return [
            one
            for one in self.chat.messages(channel, BEGIN)
            if one.author == self.bot and not one.deleted
        ]

    def told(self, name: str) -> Sequence[str]:
        return [one.text for one in self._of_bot(self._private(name))]

    def signs(self, message: str) -> set[str]:
        there = self.do("GET", f"/posts/{message}/reactions") or []
        return {one["emoji_name"] for one in there}


def server() -> tuple[str, str]:
    """The server's address and an administrator's token; skips the test where there is none."""
    address, token = os.environ.get(ADDRESS), os.environ.get(TOKEN)
    if not address or not token:
        pytest.skip(f"no Mattermost to try: set {ADDRESS} and {TOKEN}")
    return address, token


@pytest.fixture
def mattermost_world() -> Iterator[MattermostWorld]:
    world = MattermostWorld(*server())
    yield world
    world.remove()


class StandIn:
    """A server that answers as it was told: for faults that no real one can be brought to, and for
    what was recorded. What is asked for without an answer is not there (404)."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any, dict[str, str]]] = {}
        """Status, body and headers, by `METHOD /path`, or by `METHOD /path?query`."""
        self.asked: list[tuple[str, Any]] = []
        self.lines: list[str] = []
        """The addresses of all lines that were opened."""
        self.said: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        """What is said on the line that is open; None cuts it."""
        self.date = datetime.now(UTC)
        self.answer("GET /users/me", {"id": "bot", "username": "toutdoux", "roles": "system_user"})
        self.answer("GET /teams/name/asso", {"id": "team", "name": "asso"})
        self.answer("GET /users/me/teams/team/channels", [{"id": "place", "name": "tout-doux"}])
        self.answer("GET /system/ping", {"status": "OK"})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._http.server_port}"
        Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self.chat = Mattermost(self.address, "token", "asso", ["tout-doux"])

    def answer(self, asked: str, body: Any, status: int = 200, **headers: str) -> None:
        self.answers[asked] = (status, body, headers)

    def says(self, seq: int, event: str, channel: str = "place", **data: Any) -> None:
        """Say something on the line."""
        broadcast = {"channel_id": channel, "user_id": "", "team_id": ""}
        self.said.put({"event": event, "data": data, "broadcast": broadcast, "seq": seq})

    def posts(self, seq: int, id: str) -> None:
        self.says(seq, "posted", post=orjson.dumps({"id": id, "user_id": "ana"}).decode())

    def stop(self) -> None:
        self.said.put(None)
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def date_time_string(self, timestamp: float | None = None) -> str:
                return super().date_time_string(server.date.timestamp())

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

            def answer(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.removeprefix("/api/v4")
                asked, bare = f"{self.command} {path}", path.split("?")[0]
                server.asked.append((asked, orjson.loads(content) if content else None))
                known = server.answers.get(asked) or server.answers.get(f"{self.command} {bare}")
                status, body, headers = known or (404, {}, {})
                if bare == "/websocket" and known is None:
                    self.line()
                    return
                told = orjson.dumps(body) if not isinstance(body, bytes) else body
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def line(self) -> None:
                server.lines.append(self.path)
                key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
                self.send_response(101)
                self.send_header("Upgrade", "websocket")
                self.send_header("Connection", "Upgrade")
                self.send_header(
                    "Sec-WebSocket-Accept", b64encode(sha1(key.encode()).digest()).decode()
                )
                self.end_headers()
                while (told := server.said.get()) is not None:
                    text = orjson.dumps(told)
                    self.wfile.write(b"\x81\x7f" + len(text).to_bytes(8, "big") + text)
                self.close_connection = True

        return Handler


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.stop()


class Listening:
    """Somebody who listens to the bot's news, in a thread."""

    def __init__(self, chat: Mattermost) -> None:
        self.heard: SimpleQueue[Any] = SimpleQueue()
        self.stopping = Event()
        self.thread = Thread(target=self._listen, args=(chat,), daemon=True)
        self.thread.start()

    def _listen(self, chat: Mattermost) -> None:
        try:
            for news in chat.news(self.stopping):
                self.heard.put(news)
        except Exception as error:
            self.heard.put(error)
        self.heard.put("the end")

    def next(self) -> Any:
        return self.heard.get(timeout=60)

    def until(self, news: Any) -> list[Any]:
        """Listen until something is heard. Returns what was heard before: that somebody came, a
        server says when it likes."""
        before = []
        while (heard := self.next()) != news:
            before.append(heard)
        return before

    def stop(self) -> float:
        """Stop. Returns the seconds that took."""
        began = monotonic()
        self.stopping.set()
        self.thread.join(15)
        return monotonic() - began


@pytest.fixture
def listening() -> Iterator[Callable[[Mattermost], Listening]]:
    all: list[Listening] = []

    def listen(chat: Mattermost) -> Listening:
        all.append(Listening(chat))
        return all[-1]

    yield listen
    for one in all:
        one.stop()
