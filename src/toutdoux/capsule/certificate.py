"""The capsule's own certificate: self-signed, long-lived, and never replaced by itself.

Gemini's clients trust the certificate they see first, and warn their readers when it changes. So
it is made once, at the first start, for thirty years. Another one (a new one, or one that is
brought) first stands beside it as the *next*, which a page of the capsule tells; it takes the
place only when somebody says so, and the old one is kept in a file.

A certificate and its key are one file, so that they change together: whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from toutdoux.core.words import Refusal, say

from .tls import context_for

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

LASTS = timedelta(days=30 * 365)
_SKEW = timedelta(days=1)
"""How far a reader's clock may be behind."""


@dataclass(frozen=True)
class Identity:
    """A certificate with its key, and those that vouch for it, if there are any."""

    pem: bytes

    @cached_property
    def chain(self) -> Sequence[x509.Certificate]:
        """The certificate, then those that vouch for it."""
        return x509.load_pem_x509_certificates(self.pem)

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @cached_property
    def key(self) -> Key:
        """Raises `ValueError` if it is of a kind that clients don't know."""
        key = serialization.load_pem_private_key(self.pem, None)
        if not isinstance(key, Key):
            raise ValueError(type(key).__name__)
        return key

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the certificate, in hexadecimal, as most clients show it."""
        return sha256(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()

    @property
    def key_fingerprint(self) -> str:
        """SHA-256 over its public key, as other clients show it (Lagrange)."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        key = self.certificate.public_key()
        return sha256(key.public_bytes(serialization.Encoding.DER, form)).hexdigest()

    @property
    def begins(self) -> datetime:
        """It is valid from this instant, in UTC; `ends` is when it no longer is."""
        return self.certificate.not_valid_before_utc

    @property
    def ends(self) -> datetime:
        return self.certificate.not_valid_after_utc

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names and addresses it is for."""
        try:
            names = self.certificate.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            ).value
        except (x509.ExtensionNotFound, ValueError):
            return ()
        return (
            *names.get_values_for_type(x509.DNSName),
            *map(str, names.get_values_for_type(x509.IPAddress)),
        )


def made(hosts: Sequence[str], now: datetime) -> Identity:
    """A new self-signed certificate (ECDSA, P-256).

    Args:
        hosts: the names and addresses it is for, in ASCII; the first is its own name.
        now: the present instant, in UTC.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    # A common name has at most 64 characters; the names that count are beside it.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName(list(map(_name, hosts))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    return Identity(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def brought(pem: bytes, where: str, now: datetime) -> Identity:
    """A certificate and its key from somewhere else, both in PEM.

    Raises:
        Refusal: it isn't that, they don't belong together, its time is over, or it is too weak to
            be served with.
    """
    identity = Identity(pem)
    try:
        chain, key = identity.chain, identity.key
        ours = chain[0].public_key() == key.public_key()
    except (ValueError, TypeError) as error:
        raise Refusal(
            say(
                "{file} holds no certificate with its key: {problem}",
                file=where,
                problem=str(error),
            ),
            say("bring both in PEM, the key without a password"),
        ) from None
    if not ours:
        raise Refusal(
            say("the key is not the certificate's"), say("bring the two that were made together")
        )
    if identity.ends <= now:
        raise Refusal(
            say("the certificate's time is over since {at}", at=identity.ends),
            say("bring one that is valid now"),
        )
    context_for(identity)
    return identity


class Keys:
    """Where the certificate of one association's capsule is kept, and the next one.

    Args:
        folder: where those of all associations are.
        slug: the association's short name.
    """

    def __init__(self, folder: Path, slug: str) -> None:
        self._folder = folder
        self.file = folder / f"{slug}.pem"
        self.next_file = folder / f"{slug}.next.pem"

    @property
    def current(self) -> Identity | None:
        return _read(self.file)

    @property
    def next(self) -> Identity | None:
        """The one that is to take the place."""
        return _read(self.next_file)

    def at_start(self, hosts: Sequence[str], now: datetime) -> Identity:
        """The certificate; made now if there never was one. Of two that start at once both get
        the same."""
        if (current := self.current) is not None:
            return current
        part = self._part(made(hosts, now))
        try:
            os.link(part, self.file)
        except FileExistsError:
            pass  # the other was there before
        finally:
            part.unlink()
        current = self.current
        assert current is not None
        return current

    def prepare(self, identity: Identity) -> None:
        """Keep one as the next."""
        self._part(identity).replace(self.next_file)

    def use_next(self, now: datetime) -> Path | None:
        """Let the next take the place.

        Returns:
            The file that the old one is kept in, if there was one.

        Raises:
            Refusal: there is no next one.
        """
        if self.next is None:
            raise Refusal(
                say("no next certificate is ready"), say("make it with toutdoux capsule cert renew")
            )
        kept = None
        if self.file.exists():
            kept = self._folder / f"{self.file.stem}.until-{now:%Y%m%dT%H%M%SZ}.pem"
            os.link(self.file, kept)
        self.next_file.replace(self.file)
        return kept

    def _part(self, identity: Identity) -> Path:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = self._folder / f".{self.file.stem}.{os.getpid()}"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(identity.pem)
            file.flush()
            os.fsync(file.fileno())
        return part


def _read(file: Path) -> Identity | None:
    """Raises `Refusal` if the file can't be read: another in its place would frighten readers."""
    try:
        identity = Identity(file.read_bytes())
        identity.chain, identity.key  # noqa: B018 (whether they can be read)
        return identity
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise Refusal(
            say("{file} cannot be read: {problem}", file=str(file), problem=str(error)),
            say("take it from a backup: readers know the capsule by this certificate"),
        ) from None
