"""Two judges that know nothing of each other judge random histories alike.

`second_judge` was written from the rules page alone. Where the two differ, one of them misread the
page, or the page can be read in two ways: the failure names the seed, and prints the scenario.
"""

import random

import pytest

from toutdoux.core.view import standing_as_data
from toutdoux.scenario import ScenarioError, read_scenario

from . import random_scenarios, second_judge

INVALID = "invalid"


def ours(text, at):
    try:
        return standing_as_data(read_scenario(text).judge(at))
    except ScenarioError:
        return INVALID


def theirs(text, at):
    try:
        return second_judge.judge(second_judge.load(text), at)
    except second_judge.Invalid:
        return INVALID


def judged_alike(seed):
    rng = random.Random(seed)
    text = random_scenarios.scenario(rng)
    for at in random_scenarios.instants(text, rng):
        assert ours(text, at) == theirs(text, at), f"seed {seed}, at {at.isoformat()}:\n{text}"


@pytest.mark.parametrize("first", range(0, 24, 4))
def test_random_scenarios_are_judged_alike_by_an_independent_judge(first):
    for seed in range(first, first + 4):
        judged_alike(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 2000, 20))
def test_a_thousand_random_scenarios_are_judged_alike_by_an_independent_judge(first):
    for seed in range(first, first + 20):
        judged_alike(seed)


def small(*events, charter="tout-doux-cratie"):
    """A scenario of five founders, who may all vote."""
    members = [f"  - {{id: {name}, joined: 2020-01-01, founder: true}}" for name in "abcde"]
    told = [f"  - {{{event}}}" for event in events]
    head = ["association: {name: Les Loutres libres, time_zone: Europe/Paris}"]
    return "\n".join([*head, f"charter: {charter}", "members:", *members, "events:", *told, ""])


def test_the_second_judge_is_no_rubber_stamp():
    """It decides by itself: a majority here, a closed ballot there."""
    proposed = "at: 2021-03-01T10:00:00Z, propose: extraordinary, by: a, object: x"
    votes = [f"at: 2021-03-02T10:00:00Z, vote: AE1, by: {name}, choice: for" for name in "abc"]
    at = second_judge.datetime(2021, 3, 3, tzinfo=second_judge.UTC)
    action = theirs(small(proposed, *votes), at)["actions"][0]
    assert (action["state"], action["how"], action["roll"]) == ("adopted", "majority", 5)
    late = "at: 2021-03-08T10:00:00Z, vote: AE1, by: d, choice: for"
    assert theirs(small(proposed, *votes, late), at) == INVALID


def test_neither_judge_knows_the_other():
    for module in (second_judge, random_scenarios):
        with open(module.__file__, encoding="utf-8") as file:
            assert "import toutdoux" not in (source := file.read())
        assert "from toutdoux" not in source
