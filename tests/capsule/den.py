"""The capsule of an association in the middle of its life, and those who read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.cache import cache

from tests.ledger.small import assert_whole
from tests.web.conftest import Living
from toutdoux.actions.models import Vote
from toutdoux.capsule.gemtext import parse
from toutdoux.capsule.hosts import Capsule, Setup
from toutdoux.capsule.running import Capsules
from toutdoux.capsule.server import Server
from toutdoux.chat import codes

from .serving import PATIENT, connect, read


@dataclass
class Reader:
    """A Gemini client with a certificate, or without one."""

    port: int
    certificate: Path | None = None

    def ask(self, path: str) -> tuple[int, str, str]:
        """The status, what it says of itself, and the body."""
        with connect(self.port, shows=self.certificate) as tls:
            tls.sendall(f"gemini://localhost:{self.port}{path}\r\n".encode())
            head, _, body = read(tls).partition(b"\r\n")
        status, _, meta = head.decode().partition(" ")
        return int(status), meta, body.decode()

    def page(self, path: str) -> str:
        status, meta, body = self.ask(path)
        assert status == 20, (path, status, meta)
        if meta.startswith("text/gemini"):
            parse(body)
        return body

    def follow(self, path: str) -> tuple[str, int, str]:
        """Go where redirects lead; the last path, its status and what it says of itself."""
        for _ in range(5):
            status, meta, _ = self.ask(path)
            if status != 30:
                return path, status, meta
            path = meta
        raise AssertionError(path)

    def type(self, path: str, text: str) -> str:
        """Answer the question that a link leads to. Returns where that leads."""
        question, status, meta = self.follow(path)
        assert status in (10, 11), (status, meta)
        return self.follow(f"{question}?{quote(text, safe='')}")[0]


def certificate(
    file: Path, begins: int = -1, ends: int = 100, key: rsa.RSAPrivateKey | None = None
) -> Path:
    """A certificate and its key, valid from and until so many days from now."""
    now = datetime.now(UTC)
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, file.stem)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
        .sign(key, SHA256())
    )
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@dataclass
class Den:
    """The capsule of the otters, and who reads it."""

    living: Living
    server: Server
    folder: Path

    @property
    def port(self) -> int:
        return self.server.port

    def stranger(self, name: str = "laptop", **valid: int) -> Reader:
        return Reader(self.port, certificate(self.folder / f"{name}.pem", **valid))

    def code(self, handle: str) -> str:
        member = self.living.ids[handle]
        return codes.make(self.living.request(by=member), member)

    def member(self, handle: str) -> Reader:
        """A member whose certificate is tied to them."""
        reader = self.stranger(handle)
        assert reader.type("/me/code", self.code(handle)) == "/me/"
        return reader

    def votes(self, ref: str) -> dict[str, str]:
        rows = Vote.objects.filter(action__ref=ref).values_list("ballot", "member", "choice")
        names = {id: handle for handle, id in self.living.ids.items()}
        return {f"{ballot} {names[member]}": choice for ballot, member, choice in rows}


@contextmanager
def served(living: Living, folder: Path) -> Iterator[Den]:
    """Serve the capsule of an association; its ledger is whole in the end."""
    cache.clear()
    setup = Setup(capsules=(Capsule(association=living.slug, hosts=("localhost",)),))
    setup = Setup(capsules=setup.capsules, bind="127.0.0.1", port=0)
    capsules = Capsules(setup, datetime.now(UTC))
    stopping = Event()
    thread = Thread(target=capsules.run, args=(stopping,), daemon=True)
    thread.start()
    try:
        yield Den(living, capsules.server, folder)
    finally:
        stopping.set()
        thread.join(PATIENT)
    assert_whole(living.id)
