"""`toutdoux capsule`: set up, served, its certificate changed only when somebody says so."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cli.running import COMMAND, ENGLISH, assert_one_sentence, environment, run
from toutdoux.capsule.certificate import Identity, made
from toutdoux.capsule.gemtext import parse

from .den import certificate
from .serving import PATIENT, connect, read, shown


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An installation with one association."""
    told = {**ENGLISH, "TOUTDOUX_HOME": str(tmp_path / "home")}
    done = run("init", "--name", "Les Loutres libres", "--time-zone", "Europe/Paris", env=told)
    assert done.returncode == 0, done.stderr
    return told


def home(env: dict[str, str]) -> Path:
    return Path(env["TOUTDOUX_HOME"])


def set_up(env: dict[str, str]) -> int:
    """Set a capsule up at this machine's own address. Returns its port."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = int(one.getsockname()[1])
    here = ("--host", "localhost", "--bind", "localhost")
    said(run("capsule", "setup", *here, "--port", port, env=env))
    return port


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def running(env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of ours that serves, until it is asked to end; it then ends well."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(**env, PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told


def ask(port: int, path: str = "/", host: str = "localhost") -> bytes:
    """Ask as soon as there is somebody."""
    until = time.monotonic() + 3 * PATIENT
    while True:
        try:
            with connect(port, host) as tls:
                tls.sendall(f"gemini://{host}:{port}{path}\r\n".encode())
                return read(tls)
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_without_a_setup_nothing_is_served(env: dict[str, str]) -> None:
    assert_one_sentence(run("capsule", env=env), "no capsule is set up", "capsule setup --host")


def test_setup_makes_a_folder_and_a_certificate_that_only_its_user_reads(
    env: dict[str, str],
) -> None:
    told = said(run("capsule", "setup", "--host", "Gemini.Example.org", env=env))
    assert "gemini://gemini.example.org/" in told
    assert "toutdoux association change --set public_actions=on" in told
    assert (home(env) / "capsule" / "les-loutres-libres").is_dir()
    kept = home(env) / "certificates" / "les-loutres-libres.pem"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert Identity(kept.read_bytes()).hosts == ("gemini.example.org",)


@pytest.mark.parametrize("host", ["gemini://a.example", "a.example:1965", "a b", ""])
def test_setup_takes_names_of_hosts_only(env: dict[str, str], host: str) -> None:
    assert_one_sentence(run("capsule", "setup", "--host", host, env=env), "name of a host")


def test_a_name_is_one_associations(env: dict[str, str]) -> None:
    said(run("capsule", "setup", "--host", "a.example", env=env))
    said(run("init", "--name", "Autre", "--time-zone", "Europe/Paris", env=env))
    done = run("capsule", "setup", "--host", "a.example", "--association", "autre", env=env)
    assert_one_sentence(done, "another association")


def test_the_capsule_is_served_and_ends_when_asked(env: dict[str, str]) -> None:
    port = set_up(env)
    (home(env) / "capsule" / "les-loutres-libres" / "un été.gmi").write_text("# Été\n")
    with running(env, "capsule"):
        told = ask(port)
        assert told.startswith(b"20 text/gemini; charset=utf-8; lang=")
        assert parse(told.partition(b"\r\n")[2].decode())[0].text == "Les Loutres libres"
        assert ask(port, "/un%20%C3%A9t%C3%A9.gmi").endswith("# Été\n".encode())
        assert ask(port, "/robots.txt").startswith(b"20 text/plain; charset=utf-8\r\nUser-agent: *")
        assert ask(port, "/absent") == b"51 " + ask(port, "/absent")[3:]


def test_several_share_one_port_and_serve_may_be_one_of_them(env: dict[str, str]) -> None:
    port = set_up(env)
    with (
        running(env, "serve", "--only", "capsule") as alone,
        running(env, "serve", "--port", "0") as whole,
    ):
        for process in (alone, whole):
            assert process.stdout is not None
            assert f"gemini://localhost:{port}/" in process.stdout.readline()
            assert process.stdout.readline()  # it is ready
        for _ in range(8):
            assert ask(port).startswith(b"20 ")


def test_alone_it_makes_the_key_that_all_processes_seal_questions_with(env: dict[str, str]) -> None:
    port, key = set_up(env), home(env) / "secret-key"
    key.unlink(missing_ok=True)
    with running(env, "capsule"):
        ask(port)
        made = key.read_text()
    assert key.stat().st_mode & 0o777 == 0o600
    with running(env, "capsule"):
        ask(port)
    assert key.read_text() == made


def test_a_certificate_is_replaced_only_when_somebody_says_so(env: dict[str, str]) -> None:
    said(run("capsule", "setup", "--host", "a.example", env=env))
    first = prints(said(run("capsule", "cert", env=env)))
    renewed = prints(said(run("capsule", "cert", "renew", env=env)))
    assert prints(said(run("capsule", "cert", "show", env=env))) == [*first, *renewed]
    said(run("capsule", "setup", "--host", "a.example", "--host", "b.example", env=env))
    assert prints(said(run("capsule", "cert", env=env)))[: len(first)] == first
    told = said(run("capsule", "cert", "renew", "--use", env=env))
    assert prints(said(run("capsule", "cert", env=env))) == renewed
    kept = Path(told.split()[-1])
    assert Identity(kept.read_bytes()).fingerprint == first[0]
    assert_one_sentence(run("capsule", "cert", "renew", "--use", env=env), "no next certificate")


def prints(told: str) -> list[str]:
    return re.findall(r"\b[0-9a-f]{64}\b", told)


def test_a_certificate_that_is_brought_stands_as_the_next(
    env: dict[str, str], tmp_path: Path
) -> None:
    from datetime import UTC, datetime

    said(run("capsule", "setup", "--host", "a.example", env=env))
    other = made(("a.example",), datetime.now(UTC))
    whole, key = tmp_path / "whole.pem", tmp_path / "key.pem"
    whole.write_bytes(other.pem)
    said(run("capsule", "cert", "import", whole, env=env))
    assert other.fingerprint == prints(said(run("capsule", "cert", env=env)))[2]
    key.write_bytes(made(("a.example",), datetime.now(UTC)).pem.partition(b"-----BEGIN PRIVATE")[2])
    whole.write_bytes(other.pem.partition(b"-----BEGIN PRIVATE")[0])
    assert_one_sentence(run("capsule", "cert", "import", whole, env=env), "no certificate")
    key.write_bytes(b"-----BEGIN PRIVATE" + key.read_bytes())
    done = run("capsule", "cert", "import", whole, key, env=env)
    assert_one_sentence(done, "not the certificate's")


def test_a_certificate_that_is_too_weak_to_be_served_is_not_brought(
    env: dict[str, str], tmp_path: Path
) -> None:
    said(run("capsule", "setup", "--host", "a.example", env=env))
    weak = certificate(tmp_path / "weak.pem", key=rsa.generate_private_key(65537, 1024))
    done = run("capsule", "cert", "import", weak, env=env)
    assert_one_sentence(done, "cannot be used", "2048")
    assert_one_sentence(run("capsule", "cert", "renew", "--use", env=env), "no next certificate")


def test_at_the_start_a_certificate_that_is_too_weak_is_told_in_a_sentence(
    env: dict[str, str],
) -> None:
    set_up(env)
    kept = home(env) / "certificates" / "les-loutres-libres.pem"
    certificate(kept, key=rsa.generate_private_key(65537, 1024))
    assert_one_sentence(run("capsule", env=env), "cannot be used")


def test_a_certificate_that_is_not_there_is_told_so(env: dict[str, str], tmp_path: Path) -> None:
    said(run("capsule", "setup", "--host", "a.example", env=env))
    there, absent = certificate(tmp_path / "a.pem"), tmp_path / "absent.pem"
    for files in ((absent,), (there, absent)):
        done = run("capsule", "cert", "import", *files, env=env)
        assert_one_sentence(done, str(absent), "cannot be read", "name")


def test_a_certificate_that_cannot_be_read_is_not_replaced(env: dict[str, str]) -> None:
    said(run("capsule", "setup", "--host", "a.example", env=env))
    kept = home(env) / "certificates" / "les-loutres-libres.pem"
    kept.write_text("broken")
    assert_one_sentence(run("capsule", "cert", env=env), "cannot be read", "backup")
    assert_one_sentence(run("capsule", env=env), "cannot be read")
    assert kept.read_text() == "broken"


def test_readers_see_the_next_certificate_and_then_it_is_in_use(env: dict[str, str]) -> None:
    port = set_up(env)
    with running(env, "capsule"):
        ask(port)
        renewed = prints(said(run("capsule", "cert", "renew", env=env)))
        told = ask(port, "/fr/certificate").decode()
        assert "Le certificat en service" in told
        assert renewed == prints(told)[2:]
        told = ask(port, "/en/certificate").decode()
        assert "The certificate in use" in told
        assert renewed == prints(told)[2:]
        said(run("capsule", "cert", "renew", "--use", env=env))
        until = time.monotonic() + 2 * PATIENT
        while shown(port) != renewed[0]:
            assert time.monotonic() < until
            time.sleep(0.2)


def test_a_port_that_is_taken_is_told_in_a_sentence(env: dict[str, str]) -> None:
    said(run("capsule", "setup", "--host", "localhost", env=env))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("capsule", "--bind", "127.0.0.1", "--port", port, env=env)
    assert_one_sentence(done, "no capsule can be served", "--port")


def test_removed_it_is_served_no_longer(env: dict[str, str]) -> None:
    said(run("capsule", "setup", "--host", "localhost", env=env))
    said(run("capsule", "remove", env=env))
    assert_one_sentence(run("capsule", env=env), "no capsule is set up")
    assert (home(env) / "certificates" / "les-loutres-libres.pem").exists()


def test_what_was_tried_leaves_no_certificate_that_readers_would_know(env: dict[str, str]) -> None:
    here = ("--host", "localhost", "--bind", "localhost", "--port", "0")
    with running(env, "capsule", *here) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2].strip("/\n"))
        tried = shown(port)
    assert "does not name" not in said(run("capsule", "setup", "--host", "a.example", env=env))
    current = Identity((home(env) / "certificates" / "les-loutres-libres.pem").read_bytes())
    assert current.hosts == ("a.example",)
    assert current.fingerprint != tried


def test_what_was_set_up_keeps_its_certificate_under_another_name(env: dict[str, str]) -> None:
    said(run("capsule", "setup", "--host", "a.example", env=env))
    here = ("--host", "localhost", "--bind", "localhost", "--port", "0")
    with running(env, "capsule", *here) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2].strip("/\n"))
        assert shown(port) == prints(said(run("capsule", "cert", env=env)))[0]


def test_it_can_be_tried_without_a_setup(env: dict[str, str]) -> None:
    here = ("--host", "localhost", "--bind", "localhost", "--port", "0")
    with running(env, "capsule", *here) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2].strip("/\n"))
        assert ask(port).startswith(b"20 ")
        oldest = ssl.TLSVersion.TLSv1
        with pytest.raises(ssl.SSLError):
            connect(port, least=oldest, most=oldest, ciphers="ALL:@SECLEVEL=0")
