"""Reading a charter: presets, what differs, durations, thresholds, and what is wrong in one.

Source: "The charter" in the rules.
"""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toutdoux.core.charter import Base, Kind, read_charter
from toutdoux.core.words import Refusal

from .story import Story, english, outcome


def refusal(source):
    with pytest.raises(Refusal) as caught:
        read_charter(source)
    assert english(caught.value.remedy)
    return english(caught.value.why)


def with_rule(**rules):
    return {"preset": "tout-doux-cratie", "extraordinary": rules}


def threshold(text):
    return read_charter(with_rule(adopted_early=text)).extraordinary.adopted_early


# --- what a charter is ---------------------------------------------------------------------------


def test_a_charter_is_a_presets_name():
    assert read_charter("lazy-consensus").preset == "lazy-consensus"


def test_a_mapping_says_only_what_differs_from_its_preset():
    charter = read_charter({"preset": "tout-doux-cratie", "extraordinary": {"window": "14 days"}})
    preset = read_charter("tout-doux-cratie")
    assert charter.extraordinary.window == timedelta(days=14)
    assert charter.extraordinary.counter_vote == preset.extraordinary.counter_vote
    assert charter.ordinary == preset.ordinary
    assert charter.voting_right_delay == preset.voting_right_delay


def test_the_default_written_out_as_data_is_the_default():
    rules = {
        "window": "7 days",
        "adopted_early": "more than 1/2 of roll",
        "cancelled_early": "at least 1/2 of roll",
        "at_end": "unopposed",
        "counter_vote": {"window": "7 days", "cancels": "at least 1/2 of roll"},
    }
    written = read_charter(
        {
            "preset": "tout-doux-cratie",
            "voting_right_delay": "10 days",
            "correction": "5 minutes",
            "ordinary": {"starts": "when proposed", "contest_window": "none", **rules},
            "extraordinary": {"starts": "when adopted", "contest_window": "7 days", **rules},
        }
    )
    preset = read_charter("tout-doux-cratie")
    assert (written.ordinary, written.extraordinary) == (preset.ordinary, preset.extraordinary)
    assert (written.voting_right_delay, written.correction) == (
        preset.voting_right_delay,
        preset.correction,
    )


def test_half_of_a_counter_votes_rule_can_differ():
    charter = read_charter(with_rule(counter_vote={"window": "3 days"}))
    rule = charter.extraordinary.counter_vote
    assert rule.window == timedelta(days=3)
    assert rule.cancels == read_charter("tout-doux-cratie").extraordinary.counter_vote.cancels


def test_a_preset_without_counter_votes_needs_both_halves_of_the_rule():
    source = {"preset": "lazy-consensus", "ordinary": {"counter_vote": {"window": "3 days"}}}
    assert "ordinary.counter_vote.cancels is missing" in refusal(source)


def test_counter_votes_can_be_ruled_out():
    assert read_charter(with_rule(counter_vote="none")).extraordinary.counter_vote is None


# --- durations -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90 minutes", timedelta(minutes=90)),
        ("72 hours", timedelta(hours=72)),
        ("14 days", timedelta(days=14)),
        ("2 weeks", timedelta(days=14)),
        ("1 day", timedelta(days=1)),
    ],
)
def test_a_duration_is_so_many_minutes_hours_days_or_weeks(text, duration):
    assert read_charter(with_rule(window=text)).extraordinary.window == duration


@pytest.mark.parametrize("text", ["0 days", "7", "days", "-1 days", "1.5 days", "7 months", "none"])
def test_nothing_else_is_a_duration(text):
    assert "extraordinary.window" in refusal(with_rule(window=text))


@pytest.mark.parametrize("key", ["voting_right_delay", "correction"])
def test_the_delay_and_the_correction_are_more_than_zero(key):
    assert key in refusal({"preset": "tout-doux-cratie", key: "0 minutes"})


# --- thresholds ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("more than 1/2 of roll", 6),
        ("at least 1/2 of roll", 5),
        ("at least 1/3 of roll", 4),
        ("more than 2/3 of roll", 7),
        ("at least 2/4 of roll", 5),
        ("at least 1/1 of roll", 10),
        ("3 votes", 3),
        ("1 votes", 1),
    ],
)
def test_a_threshold_of_the_roll_of_ten(text, need):
    rule = threshold(text)
    assert [n for n in range(11) if rule.reached(n, roll=10, expressed=n)] == [*range(need, 11)]


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("more than 1/2 of expressed", 4),
        ("at least 1/2 of expressed", 3),
        ("at least 2/3 of expressed", 4),
        ("more than 2/3 of expressed", 5),
    ],
)
def test_a_threshold_of_six_votes_expressed(text, need):
    rule = threshold(text)
    assert [n for n in range(7) if rule.reached(n, roll=40, expressed=6)] == [*range(need, 7)]


def test_none_is_never_reached():
    assert not any(threshold("none").reached(n, roll=10, expressed=10) for n in range(11))


@pytest.mark.parametrize(
    "text", ["more than 0/1 of roll", "at least 0/1 of roll", "at least 1/2 of expressed"]
)
def test_no_threshold_is_reached_without_at_least_one_vote_of_its_side(text):
    rule = threshold(text)
    assert not rule.reached(0, roll=0, expressed=0)
    assert not rule.reached(0, roll=10, expressed=0)


def test_a_fraction_is_exact():
    """As floats, a third of 3 × 10^17 and one vote more are the same number."""
    rule = threshold("more than 1/3 of roll")
    assert not rule.reached(10**17, roll=3 * 10**17, expressed=0)
    assert rule.reached(10**17 + 1, roll=3 * 10**17, expressed=0)


@pytest.mark.parametrize(
    "text",
    [
        "more than 0.5 of roll",
        "more than half of roll",
        "at least 1/0 of roll",
        "at least 50% of roll",
        "at least 1/2 of members",
        "0 votes",
        "at least 1/2",
        "at least 3/2 of roll",
        "",
    ],
)
def test_nothing_else_is_a_threshold(text):
    assert "extraordinary.adopted_early" in refusal(with_rule(adopted_early=text))


@pytest.mark.parametrize(
    ("side", "roll", "expressed", "missing"),
    [(12, 28, 12, 3), (14, 28, 20, 1), (15, 28, 15, 0), (0, 7, 3, 4)],
)
def test_how_many_more_votes_reach_a_majority_of_the_roll(side, roll, expressed, missing):
    assert threshold("more than 1/2 of roll").missing(side, roll, expressed) == missing


def test_of_the_votes_expressed_those_who_change_their_vote_reach_it_first():
    """2 of 4 expressed: one who changes makes 3 of 4; new voters would have to be two (4 of 6)."""
    assert threshold("at least 2/3 of expressed").missing(2, roll=10, expressed=4) == 1


def test_of_the_votes_expressed_new_voters_are_needed_where_nobody_can_change():
    """The only vote is for; "more than 9 votes" is out of reach for a roll of 7."""
    assert threshold("3 votes").missing(1, roll=7, expressed=1) == 2


def test_sometimes_no_number_of_votes_is_enough():
    assert threshold("9 votes").missing(2, roll=7, expressed=2) is None
    assert threshold("none").missing(2, roll=7, expressed=2) is None


def test_the_base_of_a_threshold_is_said():
    assert threshold("more than 1/2 of roll").base is Base.ROLL
    assert threshold("more than 1/2 of expressed").base is Base.EXPRESSED


# --- plurality and quorum ------------------------------------------------------------------------


def test_plurality_needs_a_quorum():
    assert "needs a quorum" in refusal(with_rule(at_end="plurality"))


def test_the_quorum_counts_the_votes_expressed():
    """A third of 7 is 3 votes, whatever they say."""
    charter = with_rule(
        at_end="plurality",
        quorum="at least 1/3 of roll",
        contest_window="none",
        adopted_early="none",
        cancelled_early="none",
    )
    for neutral, how in ((1, "not_adopted"), (2, "plurality")):
        story = Story(roll=7, charter=charter)
        story.propose()
        story.vote("AE1", "for", "bob", day=1)
        story.vote("AE1", "abstain", *("cleo", "dan")[:neutral])
        assert outcome(story.ends()["AE1"])[1] == how


# --- what is wrong in a charter ------------------------------------------------------------------


def test_an_unknown_preset_is_refused():
    assert "no preset charter “tout-doux”" in refusal("tout-doux")


def test_a_mapping_without_a_preset_is_refused():
    assert "names no preset" in refusal({"ordinary": {"window": "7 days"}})


def test_a_list_is_no_charter():
    assert "a preset's name or a mapping" in refusal(["tout-doux-cratie"])


def test_an_unknown_rule_is_refused_with_the_one_that_was_meant():
    with pytest.raises(Refusal) as caught:
        read_charter({"preset": "tout-doux-cratie", "voting_right_dely": "10 days"})
    assert "voting_right_dely" in english(caught.value.why)
    assert "voting_right_delay" in english(caught.value.remedy)


def test_an_unknown_rule_of_a_kind_is_refused():
    assert "charter.extraordinary" in refusal(with_rule(colour="red"))


def test_an_unknown_choice_is_refused():
    assert "extraordinary.starts" in refusal(with_rule(starts="never"))
    assert "extraordinary.at_end" in refusal(with_rule(at_end="majority"))


def test_a_rule_that_should_be_a_mapping_is_refused():
    assert "ordinary is a mapping" in refusal({"preset": "lazy-consensus", "ordinary": "none"})


# --- which version judges ------------------------------------------------------------------------


def test_each_kind_has_its_own_rules():
    charter = read_charter("tout-doux-cratie")
    assert charter.rules(Kind.ORDINARY) is charter.ordinary
    assert charter.rules(Kind.EXTRAORDINARY) is charter.extraordinary


def test_the_versions_of_the_charter_are_counted_from_one():
    story = Story(roll=7)
    story.propose()
    (version,) = story.at(day=0).standing.charters
    assert (version.number, version.since, version.by_action) == (1, None, None)


thresholds = st.one_of(
    st.just("none"),
    st.integers(1, 12).map("{} votes".format),
    st.builds(
        lambda relation, numerator, more, base: (
            f"{relation} {numerator}/{numerator + more} of {base}"
        ),
        st.sampled_from(["more than", "at least"]),
        st.integers(0, 6),
        st.integers(0, 6),
        st.sampled_from(list(Base)),
    ).filter(lambda told: " 0/0 " not in told),
)


@settings(max_examples=300)
@given(thresholds, st.integers(0, 12))
def test_a_threshold_is_not_reached_with_fewer_than_its_least_votes(text, roll):
    charter = {"preset": "tout-doux-cratie", "ordinary": {"adopted_early": text}}
    threshold = read_charter(charter).ordinary.adopted_early
    least = threshold.least(roll)
    reached = {
        side
        for side in range(roll + 1)
        for expressed in range(side, roll + 1)
        if threshold.reached(side, roll, expressed)
    }
    assert all(least is not None and side >= least for side in reached)
    if threshold.base is Base.ROLL:
        assert reached == {side for side in range(roll + 1) if least is not None and side >= least}
