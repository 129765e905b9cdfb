"""What a real server of the Mastodon API said, read through the whole capsule with a client that
others made; and what becomes of the capsule where an instance is slow."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from tests.capsule.den import Den, Reader
from tests.capsule.serving import PATIENT, agunua
from toutdoux.capsule.fediverse import setup

from .instance import RECORDED, Asked, Reply, StandIn

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def allowed(den: Den, instance: StandIn) -> Den:
    """The capsule, through which an account of an instance inside may be read."""
    told = {"accounts": [f"loutres@{instance.name}"], "inside": [instance.address]}
    setup.keep(den.living.slug, told)
    return den


def test_an_account_is_followed_from_the_home_page_to_a_thread(
    allowed: Den, instance: StandIn, tmp_path: Path
) -> None:
    instance.play()
    (tmp_path / "known").mkdir()

    def ask(path: str) -> Any:
        url = path if "://" in path else f"gemini://localhost:{allowed.port}{path}"
        told = agunua().GeminiUri(
            url, insecure=True, tofu=str(tmp_path / "known"), parse_content=True, get_content=True
        )
        assert told.status_code == "20", (url, told.error, told.meta)
        return told

    def leads(page: Any, part: str) -> str:
        return next(one for one in page.links if part in one)

    first = ask(leads(ask("/"), "/fediverse"))
    account = ask(leads(first, f"/fediverse/loutres@{instance.name}"))
    assert account.payload.startswith("# Les Loutres libres")
    answered = RECORDED["context"]["request"]["path"].split("/")[4]
    thread = ask(f"/fediverse/post/{instance.name}/{answered}")
    assert "@castor Libre, hors ND." in thread.payload
    older = ask(leads(account, "/before/"))
    assert older.payload.count("\n## ") > 5


def test_it_is_read_in_the_other_language_too(allowed: Den, instance: StandIn) -> None:
    instance.play()
    page = Reader(allowed.port).page(f"/en/fediverse/loutres@{instance.name}")
    assert "31 posts" in page
    assert f"=> /en/fediverse/castor@{instance.name} " in page


def test_while_an_instance_is_waited_for_all_else_is_answered(
    allowed: Den, instance: StandIn
) -> None:
    came = Event()

    def wait(asked: Asked) -> Reply:
        came.wait(PATIENT)
        return Reply({}, 404)

    for number in range(12):  # more than all workers together
        instance.replies[f"/api/v1/statuses/{number}"] = wait
    reader = Reader(allowed.port)
    paths = [f"/fediverse/post/{instance.name}/{number}" for number in range(12)]
    waiting = [Thread(target=reader.ask, args=[path]) for path in paths]
    for one in waiting:
        one.start()
    assert reader.ask("/")[0] == 20
    assert reader.ask("/en/")[0] == 20
    assert not came.is_set()
    came.set()
    for one in waiting:
        one.join(PATIENT)
