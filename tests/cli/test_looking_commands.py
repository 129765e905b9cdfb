"""`show`, `list` and `status`: where actions stand, and everything that is known of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .ledger_home import Home, copy_of


@pytest.fixture
def quiet(tmp_path: Path) -> Home:
    return copy_of("quiet", tmp_path)


@pytest.fixture
def busy(tmp_path: Path) -> Home:
    return copy_of("busy", tmp_path)


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


def refs(home: Home, *filters: object) -> list[str]:
    return [one["ref"] for one in home.data("list", *filters)]


# --- show ----------------------------------------------------------------------------------------


def test_showing_an_action_tells_all_that_is_known_of_it(busy: Home) -> None:
    text = busy.says("show", "AE3")
    for words in (
        "AE3  extraordinary action, open\n",
        "\nUn *service*\nde podcasts\n",
        "Leader: Ana Brun (ana)\n",
        "Ballot open until: ",
        "Link: https://loutres.example/3\n",
        "Condition: si Zoé veut (not met so far)\n",
        "1 for, 1 against, 0 neutral, 3 to come, of 5 on the roll.",
        "→ 2 more votes for adopt it at once.\n",
        "  For (1): Ana Brun\n",
        "  Against (1): Bob Leroy\n",
        "  Not voted yet (3): Eva Petit, Ida Roux, Zoe Blanc\n",
        "  Opinion: Leo Noir, for, on ",
        "proposed it",
        "voted against",
    ):
        assert words in text


def test_an_action_as_data_names_people_by_their_handles(busy: Home) -> None:
    data = busy.data("show", "#ae3")
    assert (data["ref"], data["leader"], data["proposer"]) == ("AE3", "ana", "ana")
    assert (data["for"], data["against"], data["roll"], data["imported"]) == (1, 1, 5, False)
    assert data["awaited"] == ["eva", "ida", "zoe"]
    assert [one["member"] for one in data["opinions"]] == ["leo"]
    assert [one["what"] for one in data["history"]][:2] == ["proposed it", "voted for"]
    assert [one["by"] for one in data["history"]] == ["ana", "ana", "bob", "leo"]
    assert data["versions"][0]["object"] == data["object"] == "Un *service*\nde podcasts"
    assert data["explanation"]["next"][0] == "2 more votes for adopt it at once."


def test_a_counter_vote_is_shown_with_its_tally_and_reason(busy: Home) -> None:
    busy.says("vote", "AE2", "for", "--by", "ida", "--ballot", "counter-vote")
    text = busy.says("show", "AE2")
    assert "The reason given for the counter-vote: “Trop cher”." in text
    assert "Votes on cancelling it\n  For (1): Ida Roux\n" in text
    counter = busy.data("show", "AE2")["counter_vote"]
    assert (counter["called_by"], counter["for"], counter["reason"]) == ("eva", 1, "Trop cher")


def test_a_decision_written_down_later_shows_both_instants(busy: Home) -> None:
    data = busy.data("show", "AE1")
    decided, recorded = (datetime.fromisoformat(data[one]) for one in ("decided_at", "recorded_at"))
    assert timedelta(days=9) < recorded - decided < timedelta(days=11)
    assert " (written down on " in busy.says("show", "AE1")


def test_a_decision_nobody_wrote_down_yet_is_shown_so_when_the_past_is_asked(busy: Home) -> None:
    proposal = ("propose", "extraordinary", "Un four", "--by", "ana", "--at", ago(days=9))
    busy.says(*proposal)
    text = busy.says("show", "AE4", "--at", ago(minutes=1))
    assert "adopted, nobody against" in text
    assert "(not written down yet)" in text


def test_showing_an_earlier_instant_leaves_out_what_came_later(busy: Home) -> None:
    data = busy.data("show", "AE3", "--at", ago(days=0.85))
    assert (data["for"], data["against"]) == (1, 0)
    assert len(data["history"]) == 2
    before = ("show", "AE3", "--at", ago(days=2))
    busy.refuses(*before, saying="AE3 was not proposed by then")


def test_all_versions_of_the_object_are_shown(busy: Home) -> None:
    busy.says("amend", "AE3", "Un service", "--by", "ana")
    text = busy.says("show", "AE3")
    assert "Versions of the object\n  1. " in text
    assert "Un *service* de podcasts\n  2. " in text
    assert len(busy.data("show", "AE3")["versions"]) == 2


def test_an_imported_action_is_shown_with_what_is_known_and_marked(busy: Home) -> None:
    text = busy.says("show", "AO9")
    assert text.startswith("AO9  ordinary action, imported\n\nUn **goûter**\n")
    assert "Leader: @all\n" in text
    assert "For: 4/6\n" in text
    data = busy.data("show", "AO9")
    assert (data["imported"], data["leader"], data["against"]) == (True, "@all", 1)
    assert [one["kind"] for one in data["history"]] == ["action.imported"]


def test_an_action_that_is_unknown_is_refused_with_the_closest(busy: Home) -> None:
    busy.refuses("show", "AE4", saying="there is no action AE4 → did you mean AE")


# --- list ----------------------------------------------------------------------------------------


def test_a_list_without_filters_has_what_is_to_decide_and_to_do(busy: Home) -> None:
    assert refs(busy) == ["AE1", "AO2", "AE2", "AE3"]
    busy.says("done", "AE1", "--by", "eva")
    assert refs(busy) == ["AO2", "AE2", "AE3"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--open"], ["AO2", "AE2", "AE3"]),
        (["--to-do"], ["AE1", "AO2"]),
        (["--standing"], ["AO1"]),
        (["--kind", "ordinary"], ["AO9", "AO1", "AO2"]),
        (["--leader", "bob"], ["AO2", "AE2"]),
        (["--leader", "bob", "--to-do"], ["AO2"]),
        (["--period", "A1"], ["AO9", "AO1"]),
        (["--period", "A2", "--kind", "extraordinary"], ["AE1", "AE2", "AE3"]),
        (["--open", "--at", ago(days=2)], ["AO2", "AE2"]),
        (["--standing", "--leader", "bob"], []),
    ],
)
def test_a_list_has_what_its_filters_ask(busy: Home, filters: list[str], found: list[str]) -> None:
    assert refs(busy, *filters) == found


def test_what_awaits_somebody_has_each_ballot_the_soonest_end_first(busy: Home) -> None:
    rows = busy.data("list", "--awaiting", "ida")
    assert [(one["ref"], one["awaited"]["ballot"]) for one in rows] == [
        ("AO2", "action"),
        ("AE2", "action"),
        ("AE2", "counter_vote"),
        ("AE3", "action"),
    ]
    ends = [one["awaited"]["closes_at"] for one in rows]
    assert ends == sorted(ends)
    busy.says("vote", "AE2", "abstain", "--by", "ida", "--ballot", "counter-vote")
    assert refs(busy, "--awaiting", "ida") == ["AO2", "AE2", "AE3"]
    text = busy.says("list", "--awaiting", "ida")
    assert "the action" in text
    assert "the counter-vote" not in text


def test_nothing_awaits_who_is_on_no_roll(busy: Home) -> None:
    assert refs(busy, "--awaiting", "leo") == []
    assert busy.says("list", "--awaiting", "leo") == "There is none.\n"


def test_an_adopted_action_awaits_votes_while_its_ballot_is_open(busy: Home) -> None:
    for member in ("eva", "ida"):
        busy.says("vote", "AE3", "for", "--by", member)
    assert busy.data("show", "AE3")["state"] == "adopted"
    assert "AE3" in refs(busy, "--awaiting", "zoe")
    assert "AE3" not in refs(busy, "--awaiting", "ida")


def test_a_list_is_a_table_on_one_line_an_action(busy: Home) -> None:
    text = busy.says("list", "--open")
    assert "Un *service* de podcasts" in text
    assert "under a counter-vote" in text


def test_a_period_that_is_unknown_is_refused_with_those_there_are(busy: Home) -> None:
    busy.refuses("list", "--period", "A3", saying="there is no period A3 → use one of A1, A2")


def test_a_member_that_is_unknown_is_refused_with_the_closest(busy: Home) -> None:
    busy.refuses("list", "--awaiting", "bobb", saying="did you mean bob?")
    busy.refuses("list", "--leader", "bobb", saying="did you mean bob?")


# --- status --------------------------------------------------------------------------------------


def test_status_says_what_is_open_and_where_everything_is(busy: Home) -> None:
    text = busy.says("status")
    assert f"Data: {busy.path}\nDatabase: SQLite, {busy.path}/toutdoux.sqlite3\n" in text
    assert "  6 members, 5 with the right to vote.\n" in text
    assert "  Under a counter-vote\n    AE2  Un chat\n" in text
    assert f"Ledger: {busy.length} entries, the last one " in text


def test_status_as_data_has_the_soonest_end_first_and_the_head(busy: Home) -> None:
    data = busy.data("status")
    (one,) = data["associations"]
    assert [action["ref"] for action in one["open"]] == ["AO2", "AE2", "AE3"]
    assert (one["members"], one["with_right"], one["unrecorded"]) == (6, 5, [])
    assert one["ledger"]["length"] == busy.length
    assert len(one["ledger"]["head"]) == 64
    assert data["database"]["kind"] == "sqlite"


def test_status_only_looks_and_writes_no_decision_down(busy: Home) -> None:
    busy.says("propose", "extraordinary", "Un four", "--by", "ana", "--at", ago(days=9))
    before = busy.length
    assert busy.data("status")["associations"][0]["unrecorded"] == ["AE4"]
    assert "Decided, to be written down\n    AE4  Un four\n" in busy.says("status")
    assert busy.length == before
    busy.says("list")
    assert busy.data("status")["associations"][0]["unrecorded"] == []


def test_status_tells_of_every_association_unless_one_is_named(tmp_path: Path) -> None:
    home = copy_of("two", tmp_path)
    names = [one["slug"] for one in home.data("status")["associations"]]
    assert names == ["les-castors", "les-loutres-libres"]
    named = home.data("status", "--association", "les-castors")["associations"]
    assert [one["slug"] for one in named] == ["les-castors"]


def test_status_where_nothing_is_yet_says_how_to_begin(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    assert "There is no association here yet: toutdoux init" in home.says("status")
    assert home.data("status")["associations"] == []


# --- what is adopted, and still counted ----------------------------------------------------------


def test_status_tells_of_ballots_that_are_open_on_what_is_adopted(quiet: Home) -> None:
    quiet.says("propose", "extraordinary", "Un service", "--by", "ana")
    for member in ("ana", "bob", "eva"):
        quiet.says("vote", "AE1", "for", "--by", member)
    said = quiet.says("status")
    assert "Adopted, with the ballot still open\n    AE1" in said
    assert "Its ballot stays open until" in said
    assert "Nothing is open" not in said
    (association,) = quiet.data("status")["associations"]
    assert [one["ref"] for one in association["counting"]] == ["AE1"]


def test_show_says_that_nobody_has_voted(quiet: Home) -> None:
    quiet.says("propose", "ordinary", "Un goûter", "--by", "ana")
    said = quiet.says("show", "AO1")
    assert "\nVotes\n  Nobody has voted.\n  Not voted yet (5): " in said


def test_an_option_without_its_value_points_at_its_own_help(quiet: Home) -> None:
    quiet.refuses("list", "--awaiting", saying="→ toutdoux list --help")
    quiet.refuses("period", "list", "--association", saying="→ toutdoux period list --help")
