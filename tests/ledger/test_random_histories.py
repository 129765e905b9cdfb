"""Histories lived or told through the commands end where `replay` says."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.independent import random_scenarios
from tests.ledger import playing
from toutdoux.core import history as h
from toutdoux.core.replay import replay
from toutdoux.core.view import standing_as_data
from toutdoux.core.words import Refusal
from toutdoux.scenario import read_scenario

LATER = datetime(2026, 11, 22, tzinfo=UTC)


def random_history(seed):
    rng = random.Random(seed)
    text = random_scenarios.scenario(rng, refused=0)
    history = read_scenario(text).chronicle.history
    return history, random_scenarios.instants(text, rng), text


def check_lived_and_told_alike(seed):
    history, instants, text = random_history(seed)
    lived, _ = playing.live(history)
    told = playing.told(history, LATER)
    for played in (lived, told):
        where = f"seed {seed}:\n{text}"
        assert played.differing() == [], where
        for at in instants:
            assert played.standing_at(at) == standing_as_data(replay(history, at)), where
        now = LATER + timedelta(seconds=1)
        assert played.standing(now) == standing_as_data(replay(history, now)), where
        assert played.differing() == [], where
        played.verify()


@pytest.mark.parametrize("seed", range(6))
def test_a_history_through_the_commands_ends_as_replay_says(home, seed):
    check_lived_and_told_alike(seed)


@pytest.mark.parametrize("seed", range(6, 8))
def test_a_history_through_the_commands_ends_as_replay_says_on_postgresql(postgres_home, seed):
    check_lived_and_told_alike(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 300, 20))
def test_two_hundred_histories_through_the_commands_end_as_replay_says(home, first):
    for seed in range(first, first + 20):
        check_lived_and_told_alike(seed)


# --- late knowledge ------------------------------------------------------------------------------


def live_with_delays(history, rng):
    """Live a history in which a third of the votes becomes known only days later, and as many are
    given days later, in a chat, where they are kept as opinions if they come too late.

    What is refused then (a vote on what was withdrawn meanwhile, a follow-up of what late votes
    cancelled) is refused for good.
    """
    played = playing.Played(history, history.events[0].at - timedelta(days=400))
    played.members(history, played.begin)
    recorded = []
    for number, told in enumerate(history.events):
        event, chance = told, rng.random()
        if not isinstance(event, h.VoteCast | h.VoteWithdrawn):
            chance = 1
        elif 0.3 < chance < 0.65:
            event = replace(event, at=event.at + timedelta(days=rng.uniform(0, 9)), kept=True)
        delay = rng.uniform(0, 5) if chance < 0.35 else 0
        recorded.append((event.at + timedelta(days=delay), number, event))
    now = played.begin
    for now, _, event in sorted(recorded, key=lambda one: one[:2]):
        try:
            if now == event.at:
                played.do(event, now)
            else:
                played.do(event, now, at=event.at)
        except Refusal:
            pass
        if rng.random() < 0.2:
            played.standing(now)
    return played, now


def check_late_knowledge(seed):
    rng = random.Random(seed)
    history, _, text = random_history(seed)
    if not history.events:
        return
    played, now = live_with_delays(history, rng)
    where = f"seed {seed}:\n{text}"
    assert played.differing() == [], where
    standing = played.standing(now + timedelta(days=30))
    assert played.differing() == [], where
    assert standing == played.standing_at(now + timedelta(days=30)), where
    played.verify()


@pytest.mark.parametrize("seed", range(6))
def test_what_becomes_known_late_leaves_tables_and_entries_at_one(home, seed):
    check_late_knowledge(seed)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1200, 20))
def test_two_hundred_histories_known_late_leave_tables_and_entries_at_one(home, first):
    for seed in range(first, first + 20):
        check_late_knowledge(seed)
