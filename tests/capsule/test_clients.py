"""Clients that others made read the capsule, trust it, and vote: what counts in the end.

Two that Debian has run in a terminal: amfora and bombadillo. Where one is not installed, its tests
are skipped (`make test-tools` installs them).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from toutdoux.actions import commands
from toutdoux.capsule.certificate import made

from .den import Den, certificate
from .serving import agunua
from .terminal import Terminal, terminal

EVERYTHING = ("public_actions", "public_inventory", "public_reports", "public_charter")
BOB = "bob"

# Agunua goes about certificates as one did a few years ago.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def shown(den: Den) -> Den:
    """The capsule, which shows everybody all it can; with an action."""
    commands.change_settings(den.living.request(), dict.fromkeys(EVERYTHING, True))
    den.living.propose("extraordinary", "Ouvrir un service de cartes", "chloe")
    return den


# --- from Python ---------------------------------------------------------------------------------


@pytest.fixture
def asked(shown: Den, tmp_path: Path) -> Any:
    """Ask with Agunua, which remembers the capsule's key and minds how a connection ends."""
    (tmp_path / "known").mkdir()

    def ask(path: str, **settings: Any) -> Any:
        url = path if "://" in path else f"gemini://localhost:{shown.port}{path}"
        return agunua().GeminiUri(
            url,
            tofu=str(tmp_path / "known"),
            get_content=True,
            parse_content=True,
            force_ipv4=True,
            insecure=True,  # nobody vouches for the certificate: what is known of it counts
            **settings,
        )

    return ask


def test_a_client_from_python_reads_all_that_the_home_page_leads_to(asked: Any) -> None:
    home = asked("/")
    here = [one for one in home.links if one.startswith(home.url) and not one.endswith("/me")]
    assert len(here) > 8
    for url in (home.url, *here):
        one = asked(url)
        assert one.network_success, one.error
        assert one.status_code == "20", url
        assert not one.possible_truncation_issue  # the connection ended as TLS wants it
        assert one.tls_version == "TLSv1.3"


def test_a_client_from_python_is_told_of_another_certificate(asked: Any, shown: Den) -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    from toutdoux.capsule.hosts import Capsule

    assert asked("/").network_success
    keys = Capsule(association=shown.living.slug, hosts=("localhost",)).keys
    keys.prepare(made(("localhost",), datetime.now(UTC)))
    keys.use_next(datetime.now(UTC))
    current = keys.current
    assert current is not None
    server = shown.server
    server.service = replace(server.service, hosts={"localhost": current})
    told = asked("/")
    assert not told.network_success
    assert "Former public key" in told.error


def test_a_client_from_python_shows_its_certificate(asked: Any, shown: Den) -> None:
    bob = shown.member(BOB)
    assert asked("/me").status_code == "60"
    told = asked("/me", clientcert=str(bob.certificate), clientkey=str(bob.certificate))
    assert told.status_code == "20", told.meta
    assert "Bob" in told.payload


# --- in a terminal -------------------------------------------------------------------------------


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: apt-get install {program})")


def amfora(port: int, path: str, folder: Path, certificate: Path | None = None) -> Any:
    """Amfora at a page of the capsule, with a certificate or without one."""
    needs("amfora")
    here = f"localhost:{port}"
    settings = "[a-general]\nauto_redirect = true\n"
    if certificate:
        settings += f"[auth.certs]\n\"{here}\" = '{certificate}'\n"
        settings += f"[auth.keys]\n\"{here}\" = '{certificate}'\n"
    file = folder / ".config" / "amfora" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(settings)
    return terminal(["amfora", f"gemini://{here}{path}"], {"HOME": str(folder)})


def bombadillo(port: int, path: str, folder: Path) -> Any:
    needs("bombadillo")
    folder.mkdir()
    environment = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    return terminal(["bombadillo", f"gemini://localhost:{port}{path}"], environment)


# How each is told to follow a link, by its number on the page.
FOLLOW = {"amfora": " {}\r", "bombadillo": "{}"}
# What each shows once all of the page is there.
READY = {"amfora": "[1]", "bombadillo": "% Read"}
OPEN = {"amfora": amfora, "bombadillo": bombadillo}


# What each shows where a certificate is needed: what the capsule says, or words of its own.
ASKED = {"amfora": "demande un certificat client", "bombadillo": "Client Certificate Required"}


def number(shown: Terminal, label: str) -> int:
    """The number that stands before a link."""
    shown.see(label)
    (found,) = re.findall(rf"\[(\d+)\] {re.escape(label)}", shown.shown)
    return int(found)


@pytest.mark.parametrize("program", OPEN)
def test_a_client_in_a_terminal_shows_the_capsule(shown: Den, tmp_path: Path, program: str) -> None:
    with OPEN[program](shown.port, "/", tmp_path / program) as screen:
        screen.see("# Les Loutres libres", "AE1 · Ouvrir un service de cartes", READY[program])
        screen.type(FOLLOW[program].format(number(screen, "AE1 · Ouvrir")))
        screen.see("# AE1 · Action extraordinaire 1", "0 pour · 0 contre")


@pytest.mark.parametrize("program", OPEN)
def test_a_client_in_a_terminal_says_that_a_certificate_is_needed(
    shown: Den, tmp_path: Path, program: str
) -> None:
    with OPEN[program](shown.port, "/me", tmp_path / program) as screen:
        screen.see(ASKED[program])


def test_a_member_votes_from_a_terminal(shown: Den, tmp_path: Path) -> None:
    mine = certificate(tmp_path / "laptop.pem")
    code = shown.code(BOB)
    with amfora(shown.port, "/me", tmp_path / "amfora", mine) as screen:
        screen.type(FOLLOW["amfora"].format(number(screen, "Saisir le code")))
        screen.see("Votre code")
        screen.type(f"{code}\r\r")
        screen.see("Les Loutres libres · Bob", "À voter")
        screen.type(FOLLOW["amfora"].format(number(screen, "AE1 · Ouvrir")))
        screen.see("Voter sur AE1")
        screen.type(FOLLOW["amfora"].format(number(screen, "Contre")))
        screen.see("oui pour confirmer")
        assert shown.votes("AE1") == {}
        screen.type("oui\r\r")
        screen.see("Ton vote : contre")
    assert shown.votes("AE1") == {"action bob": "against"}
