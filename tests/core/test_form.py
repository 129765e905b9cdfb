"""The form of entries is the one that docs/ledger.md tells of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from toutdoux.core.chain import canonical
from toutdoux.core.form import DATA, TEXTS, well_formed

PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text("utf-8")
ROW = re.compile(r"^\| ((?:`[a-z_.]+`(?:, )?)+) \|([^|]*)\|([^|]*)\|$", re.MULTILINE)


def told(cell):
    """The keys that a cell names, and whether each must be there; what explains them left out."""
    while "(" in cell:
        cell = re.sub(r"\([^()]*\)", "", cell)
    cell = re.split(r"[.;]", cell)[0]
    return {name: not may for name, may in re.findall(r"`(\w+)`(\?)?", cell)}


def kinds_in_the_page():
    table = PAGE.split("## The kinds of entries")[1].split("\n## ")[0]
    for kinds, data, texts in ROW.findall(table):
        for kind in re.findall(r"`(.+?)`", kinds):
            yield kind, told(data), told(texts)


PAGE_KINDS = [one for one in kinds_in_the_page() if "." in one[0]]
DECISIONS = ("action.adopted", "action.cancelled")


def needed(keys):
    return {key: must for key, (_, must) in keys.items()}


def test_the_page_tells_of_every_kind():
    assert {kind for kind, _, _ in PAGE_KINDS} == set(DATA)


@pytest.mark.parametrize(("kind", "data", "texts"), PAGE_KINDS)
def test_a_kind_has_the_keys_that_the_page_names(kind, data, texts):
    if kind not in DECISIONS:
        assert needed(DATA[kind]) == data
    assert needed(TEXTS.get(kind, {})) == texts


def test_a_decision_has_the_keys_that_the_page_names():
    table = PAGE.split("## Deciding again")[1].split("How it is done")[0]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    names = {name: not may for row in rows for name, may in re.findall(r"`(\w+)`(\?)?", row)}
    # Left out together, if there was no counter-vote.
    names |= {name: False for name in names if name.startswith("counter_")}
    for kind in DECISIONS:
        assert needed(DATA[kind]) == names


ENTRY = {
    "at": "2021-03-01T09:00:00.000000Z",
    "by": "0" * 16,
    "data": {"action": "AO1", "texts": {"object": "0" * 64}},
    "kind": "action.proposed",
    "prev": "0" * 64,
    "recorded_at": "2021-03-01T09:00:00.000000Z",
    "seq": 3,
    "via": "cli",
}


def is_well_formed(**data):
    entry = ENTRY | {"data": ENTRY["data"] | data}
    return well_formed(entry, canonical(entry))


def test_an_entry_may_leave_out_what_is_marked():
    assert is_well_formed()
    assert is_well_formed(leader="0" * 16, effects=[{"grant_voting_right": "0" * 16}])


@pytest.mark.parametrize(
    "data",
    [
        {"leader": 3},
        {"number": "1"},
        {"texts": {}},
        {"texts": {"reason": "0" * 64}},
        {"texts": {"object": 3}},
        {"texts": "object"},
        {"texts": ["object"]},
        {"texts": 3},
        {"effects": {}},
        {"effects": [3]},
        {"effects": [{"grant_voting_right": "0" * 16, "note": "x"}]},
        {"effects": [{"amend_charter": {"preset": None}}]},
    ],
)
def test_an_entry_that_says_something_else_is_refused(data):
    assert not is_well_formed(**data)


VOTE = {"at": "2021-03-01T09:00:00.000000Z", "by": "0" * 16, "choice": "for"}


@pytest.mark.parametrize(
    ("votes", "well"),
    [
        ([], True),
        ([VOTE], True),
        ({}, False),
        (["for"], False),
        ([{**VOTE, "name": "Ana"}], False),
        ([{**VOTE, "by": 3}], False),
        ([{"by": "0" * 16, "choice": "for"}], False),
    ],
)
def test_votes_of_an_imported_action_say_who_what_and_when(votes, well):
    told = {"date": "2021-03-01", "for": 1, "against": 0, "expressed": 1, "votes": votes}
    entry = ENTRY | {"kind": "action.imported", "data": ENTRY["data"] | told}
    assert well_formed(entry, canonical(entry)) is well
