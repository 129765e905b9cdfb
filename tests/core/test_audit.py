"""What was done without the action it needed, or before it might start.

Source: the charter's rules of procedure (`needs_action`), and issue 2, part 6.
"""

from datetime import UTC, date

import pytest

from toutdoux.core.audit import audit
from toutdoux.core.charter import read_charter
from toutdoux.core.chronicle import Chronicle
from toutdoux.core.history import AmendCharter
from toutdoux.core.journal import Dates, Entry, EntryKind, Period

from .story import Story, english

MARCH = Period("P21", date(2021, 3, 1), date(2021, 3, 31))


def done(kind, number, *actions, period=None):
    """Something done on a day of March."""
    return Entry(
        kind=EntryKind(kind),
        title=f"{kind} on {number} March",
        dates=Dates((date(2021, 3, number),)),
        actions=actions,
        period=period,
    )


def findings(story, *journal, period=MARCH):
    """(the entry's title, the kind of action it needed, why) of each finding."""
    chronicle = Chronicle(
        name="Les Loutres libres",
        zone=UTC,
        language="fr",
        history=story.history(),
        journal=journal,
        reports={},
    )
    standing = story.ends().standing
    return [
        (one.entry.title, one.needed, english(one.why))
        for one in audit(chronicle, standing, period)
    ]


def reasons(story, *journal):
    return [why for _, _, why in findings(story, *journal)]


def adopted_on_day_1(kind="extraordinary"):
    """Proposed on 1 March at 10:00, adopted on 2 March at 10:00."""
    story = Story(roll=7)
    story.propose(kind)
    ref = "AE1" if kind == "extraordinary" else "AO1"
    story.vote(ref, "for", "ana", "bob", "cleo", "dan", day=1)
    return story


@pytest.mark.parametrize(
    "kind", ["service_opened", "service_closed", "account_opened", "access_given", "grant"]
)
def test_what_the_preset_says_needs_an_action_is_found_without_one(kind):
    assert reasons(Story(), done(kind, 5)) == ["no action covers it"]


def test_a_course_that_was_opened_needs_an_action():
    assert reasons(Story(), done("course_opened", 5)) == ["no action covers it"]


@pytest.mark.parametrize("kind", ["life", "service", "outreach", "event", "course", "request"])
def test_nothing_else_needs_one(kind):
    assert reasons(Story(), done(kind, 5)) == []


def test_an_entry_that_an_adopted_action_covers_is_in_order():
    assert reasons(adopted_on_day_1(), done("service_opened", 3, "AE1")) == []


def test_an_entry_of_the_day_of_the_adoption_is_in_order():
    """An entry has a day, not an hour."""
    assert reasons(adopted_on_day_1(), done("service_opened", 2, "AE1")) == []


def test_an_entry_before_its_action_might_start_is_found():
    (why,) = reasons(adopted_on_day_1(), done("service_opened", 1, "AE1"))
    assert why.startswith("AE1 might not start before 2 March 2021")


def test_an_ordinary_action_covers_from_its_proposal_on():
    story = Story()
    story.propose("ordinary", day=2)
    (why,) = reasons(story, done("access_given", 2, "AO1"), done("access_given", 3, "AO1"))
    assert why.startswith("AO1 might not start before 3 March 2021")


def test_an_ordinary_action_does_not_cover_what_needs_an_extraordinary_one():
    story = adopted_on_day_1("ordinary")
    assert reasons(story, done("service_opened", 3, "AO1")) == ["it is covered only by AO1"]


def test_an_extraordinary_action_covers_what_needs_an_ordinary_one():
    assert reasons(adopted_on_day_1(), done("access_given", 3, "AE1")) == []


def test_one_action_that_covers_it_is_enough():
    story = adopted_on_day_1()
    story.propose(day=2)
    story.withdraw("AE2", day=3)
    assert reasons(story, done("service_opened", 3, "AE2", "AE1")) == []


def test_a_cancelled_action_covers_nothing_afterwards():
    story = Story()
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", "dan", day=1)
    (why,) = reasons(story, done("service_opened", 5, "AE1"))
    assert why.startswith("AE1 was cancelled on 2 March 2021")


def test_what_was_done_while_an_ordinary_action_might_start_is_in_order_though_it_was_cancelled():
    story = Story()
    story.propose("ordinary")
    story.vote("AO1", "against", "ana", "bob", "cleo", "dan", day=3)
    entries = [done("access_given", number, "AO1") for number in (2, 6)]
    ((title, _, _),) = findings(story, *entries)
    assert title == "access_given on 6 March"


def test_a_condition_that_was_not_met_is_found():
    story = Story()
    story.propose(condition="if somebody helps")
    assert reasons(story, done("service_opened", 20, "AE1")) == [
        "the condition of AE1 was not recorded as met"
    ]


def test_an_action_that_is_not_adopted_yet_covers_nothing():
    story = Story()
    story.propose(day=362)
    assert reasons(story, done("service_opened", 20, "AE1")) == ["AE1 is not adopted"]


def test_findings_are_in_order_of_date_with_what_was_needed():
    told = findings(Story(), done("grant", 9), done("access_given", 4), done("course_opened", 6))
    assert [(title, needed) for title, needed, _ in told] == [
        ("access_given on 4 March", "ordinary"),
        ("course_opened on 6 March", "extraordinary"),
        ("grant on 9 March", "extraordinary"),
    ]


def test_only_what_is_told_in_the_period_is_looked_at():
    april = Period("A", date(2021, 4, 1), date(2021, 4, 30))
    entries = [done("grant", 9), done("grant", 10, period="A")]
    assert [title for title, _, _ in findings(Story(), *entries)] == ["grant on 9 March"]
    assert [title for title, _, _ in findings(Story(), *entries, period=april)] == [
        "grant on 10 March"
    ]


def test_a_charter_can_ask_for_other_actions():
    charter = {
        "preset": "tout-doux-cratie",
        "needs_action": {"event": "ordinary", "course_opened": "none"},
    }
    told = findings(Story(charter=charter), done("event", 5), done("course_opened", 6))
    assert [(title, needed) for title, needed, _ in told] == [("event on 5 March", "ordinary")]


def test_the_charter_in_force_on_the_day_says_what_is_needed():
    """From 2 March on, events need an action."""
    charter = {"preset": "tout-doux-cratie", "needs_action": {"event": "ordinary"}}
    story = Story()
    story.propose(effects=(AmendCharter(read_charter(charter)),))
    story.vote("AE1", "for", "ana", "bob", "cleo", "dan", day=1)
    told = findings(story, done("event", 1), done("event", 3))
    assert [title for title, _, _ in told] == ["event on 3 March"]


def test_an_action_that_may_start_when_the_day_is_over_does_not_cover_it():
    """Proposed on 3 March at midnight."""
    story = Story()
    story.propose("ordinary", day=1, hour=14)
    told = findings(story, done("access_given", 2, "AO1"), done("access_given", 3, "AO1"))
    assert [title for title, _, _ in told] == ["access_given on 2 March"]
