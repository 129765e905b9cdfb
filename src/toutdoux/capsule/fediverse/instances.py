"""Which instances the association lets be read through its capsule, and how each is reached.

In `fediverse.json`, of each association (see `setup`):

    {"accounts": ["loutres@social.example"],
     "instances": ["other.example"],
     "inside": ["http://localhost:8080"],
     "tokens": {"social.example": "…"}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from toutdoux.core.words import Refusal, say

from ..protocol import in_ascii

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")
_USER = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class Instance:
    """A server of the Mastodon API.

    Attributes:
        name: as it stands in addresses: its host, and its port where that is not the usual one.
        scheme: https; http only where it is inside.
        host: in ASCII; an IPv6 address in brackets.
        inside: whether whoever runs this allowed it although its address may be inside their
            network.
        token: what it is asked with, if it wants one.
    """

    name: str
    scheme: str
    host: str
    port: int
    inside: bool = False
    token: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def address(self) -> str:
        return f"{self.scheme}://{self.name}"


@dataclass(frozen=True, slots=True)
class Account:
    """An account's address, `name@instance`."""

    user: str
    instance: str

    def __str__(self) -> str:
        return f"{self.user}@{self.instance}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The association's own accounts, and all instances that may be read."""

    accounts: tuple[Account, ...] = ()
    instances: tuple[Instance, ...] = ()

    def named(self, name: str) -> Instance | None:
        """The instance of a name, however its letters are written."""
        try:
            name = instance_name(name)
        except Refusal:
            return None
        return next((one for one in self.instances if one.name == name), None)

    def at(self, address: str) -> Instance | None:
        """The instance that an address leads to."""
        try:
            told = urlsplit(address)
            host = _ascii(f"[{told.hostname}]" if ":" in (told.hostname or "") else told.hostname)
            origin = told.scheme, host, told.port or _usual(told.scheme)
        except ValueError:
            return None
        if told.username is not None:
            return None
        return next((one for one in self.instances if one.origin == origin), None)


def allowed(told: Mapping[str, Any]) -> Allowed:
    """Read the configuration's part.

    Raises:
        Refusal: something in it is no account, no instance or no address.
    """
    accounts = tuple(account(one) for one in _list(told, "accounts"))
    tokens = told.get("tokens") or {}
    if not isinstance(tokens, dict) or not all(isinstance(one, str) for one in tokens.values()):
        raise _not_read("tokens")
    tokens = {instance_name(name): token for name, token in tokens.items()}
    found: dict[str, Instance] = {}
    for address in _list(told, "inside"):
        one = _inside(address)
        found[one.name] = one
    for name in [*(one.instance for one in accounts), *_list(told, "instances")]:
        one = _public(name)
        found.setdefault(one.name, one)
    return Allowed(
        accounts,
        tuple(
            Instance(one.name, one.scheme, one.host, one.port, one.inside, tokens.get(name, ""))
            for name, one in found.items()
        ),
    )


def account(told: str) -> Account:
    """Read `name@instance`, with or without the `@` that people put before it.

    Raises:
        Refusal: it is none.
    """
    user, at, name = told.strip().removeprefix("@").partition("@")
    if not at or not _USER.fullmatch(user):
        raise Refusal(
            say("“{address}” is no account of the fediverse", address=told),
            say("write it as name@instance"),
        )
    return Account(user, instance_name(name))


def instance_name(told: str) -> str:
    """An instance's name as addresses have it: small letters, ASCII.

    Raises:
        Refusal: it is none.
    """
    parts = re.fullmatch(r"(\[[^\]]*\]|[^\[\]:]*)(?::([0-9]{1,5}))?", told.strip())
    try:
        if parts is None or (parts[2] and not 0 < int(parts[2]) < 65536):
            raise ValueError(told)
        host = _ascii(parts[1])
    except ValueError:
        raise Refusal(
            say("“{name}” is no name of an instance", name=told),
            say("write its host alone, such as social.example"),
        ) from None
    return f"{host}:{int(parts[2])}" if parts[2] else host


def _public(told: str) -> Instance:
    name = instance_name(told)
    parts = urlsplit(f"https://{name}")
    port = parts.port or 443
    host = name.removesuffix(f":{port}")
    return Instance(host if port == 443 else name, "https", host, port)


def _inside(told: str) -> Instance:
    """Of `http://localhost:8080`: exactly that host and that port."""
    try:
        parts = urlsplit(told.strip().rstrip("/"))
        if parts.scheme not in {"http", "https"} or parts.path or parts.query or "@" in told:
            raise ValueError(told)
        name = instance_name(parts.netloc)
        port = parts.port or _usual(parts.scheme)
    except (ValueError, Refusal):
        raise Refusal(
            say("“{address}” is no address of an instance", address=told),
            say("write its scheme, host and port, such as http://localhost:8080"),
        ) from None
    return Instance(name, parts.scheme, name.removesuffix(f":{port}"), port, inside=True)


def _ascii(host: str | None) -> str:
    told = in_ascii((host or "").lower())
    if not _HOST.fullmatch(told) or ".." in told:
        raise ValueError(host)
    return told


def _usual(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _list(told: Mapping[str, Any], key: str) -> Sequence[str]:
    found = told.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise _not_read(key)
    return found


def _not_read(key: str) -> Refusal:
    return Refusal(
        say("“{key}” in fediverse.json cannot be read", key=key),
        say("write a list of texts; for tokens, an instance and its token each"),
    )
