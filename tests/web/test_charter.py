"""The charter: read in plain words, compared, and changed by an action that carries new rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from toutdoux.actions import commands
from toutdoux.association import people
from toutdoux.core.charter import read_charter
from toutdoux.core.presets import PRESETS
from toutdoux.web.views.charters import fields_of

from .conftest import Living

Clients = Callable[[str], Client]


def filled(preset: str = "tout-doux-cratie", **changed: str) -> dict[str, str]:
    """The form as it comes, with some figures changed; `_` stands for a dot, `__` for `_`."""
    fields = {name: str(value) for name, value in fields_of(read_charter(preset)).items()}
    return fields | changed


def propose(client: Client, living: Living, **typed: str) -> str:
    fields = {"do": "propose", "object": "Prendre le temps", "key": "k"}
    answer = client.post(living.url("charter/propose"), fields | typed)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"]).rsplit("/", 1)[1]


def test_the_public_reads_it_only_where_it_is_turned_on(loutres: Living) -> None:
    assert Client().get(loutres.url("charter")).status_code == 302
    commands.change_settings(loutres.request(), {"public_charter": True})
    assert "7 jours" in Client().get(loutres.url("charter")).content.decode()
    assert Client().get(loutres.url("charter/propose")).status_code == 302


@pytest.mark.parametrize("preset", PRESETS)
def test_a_form_that_nobody_touched_says_the_rules_it_came_from(
    loutres: Living, client_of: Clients, preset: str
) -> None:
    answer = client_of("bob").post(loutres.url("charter/propose"), filled(preset))
    if preset == "tout-doux-cratie":
        assert answer.status_code == 409
        assert "These are the rules that are in force" in answer.content.decode()
        return
    propose(client_of("bob"), loutres, **filled(preset))
    loutres.vote("AE1", ana="for", bob="for", chloe="for")
    assert people.charters(loutres.id)[-1].charter == read_charter(preset)
    assert not people.charters(loutres.id)[-1].charter.differs


def test_what_changes_is_said_before_it_is_proposed(loutres: Living, client_of: Clients) -> None:
    typed = filled() | {"extraordinary.window.n": "14", "do": "preview"}
    page = client_of("bob").post(loutres.url("charter/propose"), typed).content.decode()
    first, *_ = re.findall(r'<ul class="changes">.*?</ul>', page, re.DOTALL)[1:]
    rules = re.findall(r"<li>.*?</li>", first, re.DOTALL)
    # What a rule said stands right above what it says then.
    window = next(one for one in rules if "Its vote is open for 14 days" in one)
    assert window.index("Its vote is open for 7 days") < window.index("open for 14 days")
    assert all("14 days" in one for one in rules)
    assert loutres.propose("ordinary", "Rien n’était proposé", "ana") == "AO1"


def test_once_adopted_the_new_rules_are_a_version_to_compare(
    loutres: Living, client_of: Clients
) -> None:
    typed = filled() | {"extraordinary.window.n": "2", "extraordinary.window.unit": "weeks"}
    ref = propose(client_of("bob"), loutres, **typed)
    assert propose(client_of("bob"), loutres, **typed) == ref  # sent twice
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    page = unescape(client_of("bob").get(loutres.url("charter?old=1&new=2")).content.decode())
    assert "Its vote is open for 7 days" in page
    assert "Its vote is open for 14 days" in page
    assert f">{ref}</a>" in page
    assert client_of("bob").get(loutres.url("charter?version=1")).status_code == 200
    assert client_of("bob").get(loutres.url("charter?version=7")).status_code == 404


def test_all_figures_that_make_no_sense_are_named_each_beside_its_field(
    loutres: Living, client_of: Clients
) -> None:
    typed = filled() | {
        "ordinary.window.n": "sept",
        "extraordinary.adopted_early.n": "3/2",
        "extraordinary.counter_vote.window.n": "0",
        "needs_action.event": "parfois",
        "object": "Bousculer",
    }
    answer = client_of("bob").post(loutres.url("charter/propose"), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    for name in (
        "ordinary.window",
        "extraordinary.adopted_early",
        "extraordinary.counter_vote.window",
        "needs_action.event",
    ):
        assert f'id="p-{name}"' in page, name
    assert 'value="sept"' in page
    assert ">Bousculer</textarea>" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"ordinary.window.n": "-1"}, "Write a number greater than zero, for instance 7."),
        ({"ordinary.window.n": ""}, "Write a number greater than zero, for instance 7."),
        ({"correction.n": "99999999"}, "That is over a century: write a smaller number."),
        (
            {"extraordinary.adopted_early.n": "deux tiers"},
            "“deux tiers” is no fraction: write for instance 2/3.",
        ),
        (
            {"extraordinary.adopted_early.n": "3/2"},
            "“3/2” is no part of the whole: write for instance 2/3.",
        ),
        ({"extraordinary.adopted_early.n": " "}, "Write a fraction, for instance 2/3."),
        (
            {"ordinary.cancelled_early.how": "votes", "ordinary.cancelled_early.n": "0"},
            "Write a number of votes greater than zero, for instance 3.",
        ),
        ({"ordinary.starts": "parfois"}, "Choose one of those listed."),
    ],
)
def test_what_is_wrong_is_said_in_plain_words_without_the_keys_of_a_file(
    loutres: Living, client_of: Clients, typed: dict[str, str], said: str
) -> None:
    answer = client_of("bob").post(loutres.url("charter/propose"), filled() | typed)
    (wrong,) = re.findall(r'<p class="wrong" id="[^"]*">(.*?)</p>', answer.content.decode())
    assert unescape(wrong) == said


def test_only_the_parts_where_something_changes_or_is_wrong_are_unfolded(
    loutres: Living, client_of: Clients
) -> None:
    where, bob = loutres.url("charter/propose"), client_of("bob")
    assert '<details class="fold" open>' not in bob.get(where).content.decode()
    page = bob.post(where, filled() | {"ordinary.window.n": "x"}).content.decode()
    (unfolded,) = re.findall(r'<details class="fold" open>.*?</h3>', page)
    assert "Ordinary actions" in unfolded


def test_presets_are_called_by_their_names(loutres: Living, client_of: Clients) -> None:
    page = client_of("bob").get(loutres.url("charter/propose")).content.decode()
    for key, name in (
        ("tout-doux-cratie", "Tout-Doux-Cratie"),
        ("lazy-consensus", "Lazy consensus"),
        ("simple-majority", "Simple majority"),
    ):
        assert f'<option value="{key}">{name}</option>' in page
    assert (
        "Model: Tout-Doux-Cratie." in client_of("bob").get(loutres.url("charter")).content.decode()
    )


def test_what_the_change_is_for_must_be_said(loutres: Living, client_of: Clients) -> None:
    typed = filled("lazy-consensus") | {"do": "propose", "object": " "}
    answer = client_of("bob").post(loutres.url("charter/propose"), typed)
    assert answer.status_code == 422
    assert 'id="p-object"' in answer.content.decode()


def test_a_counter_vote_can_be_added_to_a_preset_that_has_none(
    loutres: Living, client_of: Clients
) -> None:
    typed = filled("lazy-consensus") | {
        "ordinary.counter_vote": "called",
        "ordinary.counter_vote.window.n": "3",
        "ordinary.counter_vote.cancels.how": "votes",
        "ordinary.counter_vote.cancels.n": "2",
    }
    ref = propose(client_of("bob"), loutres, **typed)
    loutres.vote(ref, ana="for", bob="for", chloe="for")
    rules = people.charters(loutres.id)[-1].charter.ordinary.counter_vote
    assert rules is not None
    assert rules.cancels.votes == 2
