"""What an association lets be read: told on the command line, kept where only its user reads it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from tests.capsule.fediverse.instance import NOW, Reply, StandIn
from tests.cli.running import COMMAND, ENGLISH, assert_one_sentence, environment, run
from toutdoux import __version__
from toutdoux.capsule.fediverse import part, setup
from toutdoux.capsule.fediverse.instances import account, allowed, instance_name
from toutdoux.capsule.protocol import Request, Response, Status, failure
from toutdoux.core.words import Refusal, Sentence
from toutdoux.language import Language

# --- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("Social.Example", "social.example"),
        ("social.example:8443", "social.example:8443"),
        (" ÉTÉ.example ", "xn--t-9fab.example"),
        ("straße.example:8443", "xn--strae-oqa.example:8443"),
        ("[::1]:8080", "[::1]:8080"),
    ],
)
def test_a_name_of_an_instance_has_one_form(told: str, name: str) -> None:
    assert instance_name(told) == name


@pytest.mark.parametrize(
    "told",
    ["", "a b", "a/b", "a@b", "https://a.example", "a..b", "-a", "a:", "a:0", "a:99999", "a:x",
     "[::1", "[x]", "é" * 80],
)  # fmt: skip
def test_what_is_no_name_of_an_instance_is_refused(told: str) -> None:
    with pytest.raises(Refusal):
        instance_name(told)


@pytest.mark.parametrize(
    "told", ["ana", "@", "@ana@", "a b@c.example", "ana@b@c", "../a@b.example"]
)
def test_what_is_no_account_is_refused(told: str) -> None:
    with pytest.raises(Refusal):
        account(told)


def test_the_instances_of_ones_own_accounts_are_allowed() -> None:
    known = allowed({"accounts": ["@ana@Social.example"], "instances": ["other.example"]})
    assert [one.name for one in known.instances] == ["social.example", "other.example"]
    assert known.named("SOCIAL.EXAMPLE") is known.instances[0]
    assert known.named("third.example") is None


def test_an_instance_inside_is_its_exact_address() -> None:
    known = allowed({"accounts": ["ana@localhost:8080"], "inside": ["http://localhost:8080"]})
    (one,) = known.instances
    assert (one.origin, one.inside) == (("http", "localhost", 8080), True)
    assert known.at("http://localhost:8080/x") is one
    for other in (
        "http://localhost/x", "https://localhost:8080/x", "http://localhost:8081/x",
        "http://127.0.0.1:8080/x", "http://a@localhost:8080/x", "localhost:8080", "http://[", "",
        "http://localhost:99999999/",
    ):  # fmt: skip
        assert known.at(other) is None, other


@pytest.mark.parametrize(
    "told",
    [
        {"inside": ["localhost:8080"]},
        {"inside": ["ftp://localhost"]},
        {"inside": ["http://localhost:8080/path"]},
        {"inside": ["http://a@localhost"]},
        {"inside": ["http://["]},
        {"accounts": "ana@social.example"},
        {"accounts": [3]},
        {"instances": {"a": 1}},
        {"tokens": ["x"]},
        {"tokens": {"social.example": 3}},
    ],
)
def test_a_setup_that_cannot_be_understood_is_refused(told: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        allowed(told)


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    env = {**ENGLISH, "TOUTDOUX_HOME": str(tmp_path)}
    run("init", "--name", "Les Loutres libres", env=env)
    return env


def test_an_account_is_allowed_and_forbidden_again(env: dict[str, str]) -> None:
    assert "Nothing" in run("capsule", "fediverse", env=env).stdout
    told = run("capsule", "fediverse", "allow", "@loutres@social.example", env=env)
    assert told.stdout.splitlines() == [
        "The association's account: loutres@social.example",
        "Instance: https://social.example (without a token)",
    ]
    told = run("capsule", "fediverse", "forbid", "loutres@social.example", env=env)
    assert "Nothing" in told.stdout


def test_an_instance_is_read_as_long_as_an_account_there_is(env: dict[str, str]) -> None:
    run("capsule", "fediverse", "allow", "loutres@social.example", "other.example", env=env)
    told = run("capsule", "fediverse", "forbid", "social.example", env=env)
    assert_one_sentence(told, "“social.example” is read because of loutres@social.example")
    told = run(
        "capsule", "fediverse", "forbid", "social.example", "loutres@social.example", env=env
    )
    assert told.stdout.splitlines() == ["Instance: https://other.example (without a token)"]


def test_so_is_one_inside(env: dict[str, str]) -> None:
    inside = ("loutres@localhost:8080", "http://localhost:8080")
    run("capsule", "fediverse", "allow", *inside, env=env)
    told = run("capsule", "fediverse", "forbid", inside[1], env=env)
    assert_one_sentence(told, "is read because of loutres@localhost:8080")
    assert "Nothing" in run("capsule", "fediverse", "forbid", *inside, env=env).stdout


def test_a_token_is_kept_where_only_its_user_reads_it(env: dict[str, str], tmp_path: Path) -> None:
    run("capsule", "fediverse", "allow", "http://localhost:8080", env=env)
    told = subprocess.run(
        [*COMMAND, "capsule", "fediverse", "token", "localhost:8080"],
        input="secret\n",
        env=environment(**env),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "inside, with a token" in told.stdout
    assert "secret" not in told.stdout
    file = tmp_path / "fediverse.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"secret" in file.read_bytes()
    run("capsule", "fediverse", "token", "localhost:8080", "--remove", env=env)
    assert b"secret" not in file.read_bytes()


@pytest.mark.parametrize(
    "words",
    [
        ("allow", "x y"), ("allow", "a@b c"), ("allow", "http://localhost/path"),
        ("forbid", "other.example"), ("token", "other.example"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_sentence(
    env: dict[str, str], tmp_path: Path, words: tuple[str, str]
) -> None:
    told = run("capsule", "fediverse", *words, env=env)
    assert told.returncode == 2
    assert " → " in told.stderr
    assert not (tmp_path / "fediverse.json").exists()


# --- in the capsule ------------------------------------------------------------------------------


LOUTRES = SimpleNamespace(slug="loutres", language="fr", time_zone="Europe/Paris")


@dataclass
class Visit:
    """A visit to the capsule of `loutres`, as `site.Visit` is one."""

    request: Request
    url: str = "gemini://gemini.loutres.example"
    language: Language = field(default_factory=lambda: Language("en"))
    association: Any = field(default_factory=lambda: LOUTRES)

    def refuse(self, status: Status, why: Sentence) -> Response:
        return failure(status, self.language.say(why))


def visit(*parts: str) -> Response | None:
    request = Request("x", "/" + "/".join(parts), parts, None, None, "192.0.2.1", NOW)
    return part.answer(Visit(request))  # type: ignore[arg-type]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOUTDOUX_HOME", str(tmp_path))
    part._fetchers.clear()
    return tmp_path


def test_the_capsule_reads_what_was_allowed_last(home: Path, instance: StandIn) -> None:
    instance.replies["/api/v1/timelines/tag/x"] = Reply([])
    assert visit("actions") is None
    refused = visit("fediverse", "tag", instance.name, "x")
    assert refused
    assert refused.status is Status.PROXY_REQUEST_REFUSED
    setup.keep("loutres", {"inside": [instance.address]})
    read = visit("fediverse", "tag", instance.name, "x")
    assert read
    assert read.status is Status.SUCCESS
    agent = instance.asked[0].headers["User-Agent"]
    assert agent.startswith(f"Tout-Doux/{__version__} (+")
    assert agent.endswith(("gemini://gemini.loutres.example/)", ")"))
    assert (home / "fediverse-cache.sqlite3").exists()


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"loutres": 3}', b'{"loutres": {"inside": 3}}'])
def test_a_damaged_setup_is_said_without_telling_what_is_in_it(home: Path, damage: bytes) -> None:
    (home / "fediverse.json").write_bytes(damage)
    told = visit("fediverse")
    assert told
    assert told.status is Status.SERVER_UNAVAILABLE
    assert str(home) not in told.meta


def test_what_cannot_be_understood_is_not_written(home: Path) -> None:
    setup.keep("loutres", {"instances": ["a.example"]})
    setup.keep("castors", {"instances": ["b.example"], "tokens": {}})
    with pytest.raises(Refusal):
        setup.keep("loutres", {"instances": ["a b"]})
    assert orjson.loads((home / "fediverse.json").read_bytes()) == {
        "loutres": {"instances": ["a.example"]},
        "castors": {"instances": ["b.example"]},
    }
