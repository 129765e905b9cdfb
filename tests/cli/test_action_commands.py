"""What members do with actions on the command line, each told in one line.

Source: "Actions" in the issue of the ledger and its commands, and the rules they record.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from .ledger_home import Home, copy_of


@pytest.fixture
def quiet(tmp_path: Path) -> Home:
    """Five members with the right to vote, and Leo, who has none yet."""
    return copy_of("quiet", tmp_path)


@pytest.fixture
def busy(tmp_path: Path) -> Home:
    return copy_of("busy", tmp_path)


def proposed(home: Home, kind: str = "extraordinary", *more: object) -> str:
    return home.says("propose", kind, "Un service", "--by", "ana", *more).strip()


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat()


# --- proposing -----------------------------------------------------------------------------------


def test_proposing_prints_the_reference_and_nothing_else(quiet: Home) -> None:
    assert quiet.says("propose", "extraordinary", "Un service", "--by", "ana") == "AE1\n"
    assert quiet.says("propose", "ordinary", "Ranger", "--by", "bob") == "AO1\n"


def test_a_proposal_keeps_all_that_was_said_of_it(quiet: Home) -> None:
    data = quiet.data(
        *("propose", "extraordinary", "Un **service**", "--by", "ana", "--leader", "@bob"),
        *("--number", 27, "--link", "https://loutres.example/27", "--condition", "si Zoé veut"),
        *("--effect", "grant_voting_right=leo", "--effect", "amend_charter=lazy-consensus"),
    )
    assert (data["ref"], data["leader"], data["proposer"]) == ("AE27", "bob", "ana")
    assert (data["object"], data["link"]) == ("Un **service**", "https://loutres.example/27")
    assert (data["condition"], data["state"], data["roll"]) == ("si Zoé veut", "open", 5)
    assert data["effects"][0] == {"grant_voting_right": "leo"}
    assert data["effects"][1]["amend_charter"]["preset"] == "lazy-consensus"


def test_an_object_is_read_from_the_standard_input(quiet: Home) -> None:
    quiet.says("propose", "ordinary", "-", "--by", "ana", stdin="\ufeffRanger\r\nle wiki é\n\n")
    assert quiet.data("show", "AO1")["object"] == "Ranger\nle wiki é"


@pytest.mark.parametrize(
    ("stdin", "words"),
    [
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"a\x00b", "a character here that is not text (code 0)"),
        (b"", "the object is empty"),
        (b"\xc3\xa9" * 1_000_001, "over 1000000 characters"),
        (b"\xf0\x9f\xa6\xa6" * 1_500_000, "over 1000000 characters"),
    ],
    ids=["not UTF-8", "a NUL", "nothing", "too long", "much too long"],
)
def test_a_text_that_is_none_is_refused(quiet: Home, stdin: bytes, words: str) -> None:
    quiet.refuses("propose", "ordinary", "-", "--by", "ana", stdin=stdin, saying=words)


def test_an_argument_that_is_no_text_is_refused(quiet: Home) -> None:
    nobody = ("propose", "ordinary", "Ranger", "--by", "\udcff")
    quiet.refuses(*nobody, saying="nobody here is called “?”")
    quiet.refuses("vote", "\udcff", "for", "--by", "ana", saying="there is no action ?")
    other = ("--association", "\udcff")
    quiet.refuses("vote", "AE1", "for", "--by", "ana", *other, saying="no association “?”")
    quiet.refuses("propose", "ordinary", "\udcff", "--by", "ana", saying="not text")


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ("grant_votingright=leo", "is not an effect → did you mean grant_voting_right=leo?"),
        ("amend_charter", "did you mean amend_charter=…?"),
        ("paint", "write grant_voting_right=MEMBER or amend_charter=CHARTER"),
        ("grant_voting_right=lea", "nobody here is called “lea” → did you mean leo?"),
        ("amend_charter=lazy", "there is no preset charter “lazy” → use one of tout-doux-cratie"),
        ("amend_charter=none.yaml", "none.yaml: this file cannot be read"),
    ],
)  # fmt: skip
def test_an_effect_that_is_none_is_refused(quiet: Home, effect: str, words: str) -> None:
    proposal = ("propose", "extraordinary", "Un service", "--by", "ana")
    quiet.refuses(*proposal, "--effect", effect, saying=words)


def test_an_ordinary_action_cannot_amend_the_charter(quiet: Home) -> None:
    proposal = ("propose", "ordinary", "Un service", "--by", "ana")
    why = "an ordinary action cannot amend the charter"
    quiet.refuses(*proposal, "--effect", "amend_charter=lazy-consensus", saying=why)


def test_a_number_that_is_used_is_refused(busy: Home) -> None:
    proposal = ("propose", "ordinary", "Un service", "--by", "ana", "--number")
    busy.refuses(*proposal, 2, saying="the number of AO2 is already used")
    busy.refuses(*proposal, 9, saying="the number of AO9 is already used")
    busy.refuses(*proposal, 0, saying="0")


def test_a_proposal_takes_the_number_after_the_highest(busy: Home) -> None:
    assert busy.says("propose", "ordinary", "Un service", "--by", "ana") == "AO10\n"


@pytest.mark.parametrize("option", ["--by", "--leader"])
def test_somebody_unknown_is_refused_with_the_closest(quiet: Home, option: str) -> None:
    proposal = ["propose", "ordinary", "Un service", "--by", "ana", option, "bobb"]
    quiet.refuses(*proposal, saying="nobody here is called “bobb” → did you mean bob?")


# --- voting --------------------------------------------------------------------------------------


def test_a_vote_is_answered_with_what_stands_now(quiet: Home) -> None:
    proposed(quiet)
    said = quiet.says("vote", "AE1", "for", "--by", "bob")
    assert said.startswith("AE1: Open until ")
    assert ": 1 for, 0 against, 0 neutral, 4 to come, of 5 on the roll." in said
    assert said.endswith(" 2 more votes for adopt it at once.\n")


def test_a_vote_may_be_told_in_french_and_the_reference_as_people_write_it(quiet: Home) -> None:
    proposed(quiet)
    for reference, choice, member in (
        ("ae1", "pour", "bob"),
        ("#AE1", "contre", "@eva"),
        ("AE1", "Neutre", "Ida Roux"),
    ):
        quiet.says("vote", reference, choice, "--by", member)
    assert quiet.data("show", "AE1")["votes"] == [
        {"member": "bob", "choice": "for", "ballot": "action"},
        {"member": "eva", "choice": "against", "ballot": "action"},
        {"member": "ida", "choice": "abstain", "ballot": "action"},
    ]


def test_the_vote_that_adopts_says_so_and_the_decision_is_written_down(quiet: Home) -> None:
    proposed(quiet)
    quiet.says("vote", "AE1", "for", "--by", "bob")
    quiet.says("vote", "AE1", "for", "--by", "eva")
    said = quiet.says("vote", "AE1", "for", "--by", "ida")
    assert "AE1: Adopted on " in said
    assert "3 votes for, more than half of the 5 on the roll" in said
    data = quiet.data("show", "AE1")
    assert data["recorded_at"] is not None
    assert data["history"][-1]["kind"] == "action.adopted"


def test_the_vote_of_somebody_off_the_roll_is_told_as_an_opinion(quiet: Home) -> None:
    proposed(quiet)
    said = quiet.says("vote", "AE1", "against", "--by", "leo")
    assert "The vote of Leo Noir is kept as an opinion, and not counted: Leo Noir may vote" in said
    assert ": 0 for, 0 against," in said
    data = quiet.data("show", "AE1")
    assert [(one["member"], one["choice"]) for one in data["opinions"]] == [("leo", "against")]
    assert data["votes"] == []


def test_a_vote_taken_back_leaves_none(quiet: Home) -> None:
    proposed(quiet)
    quiet.says("vote", "AE1", "against", "--by", "bob")
    assert ": 0 for, 0 against," in quiet.says("unvote", "AE1", "--by", "bob")
    quiet.refuses("unvote", "AE1", "--by", "bob", saying="bob has no vote in force on AE1 → ")


def test_an_action_that_is_unknown_is_refused_with_the_closest(busy: Home) -> None:
    vote = ("vote", "AE33", "for", "--by", "bob")
    busy.refuses(*vote, saying="there is no action AE33 → did you mean AE3?")


def test_where_there_is_no_action_the_refusal_says_where_to_look(quiet: Home) -> None:
    vote = ("vote", "AE1", "for", "--by", "bob")
    quiet.refuses(*vote, saying="there is no action AE1 → see what there is with toutdoux list")


def test_a_vote_on_an_imported_action_is_refused(busy: Home) -> None:
    vote = ("vote", "AO9", "for", "--by", "bob")
    busy.refuses(*vote, saying="AO9 comes from a table that was kept by hand")


def test_a_vote_by_somebody_unknown_is_refused(busy: Home) -> None:
    busy.refuses("vote", "AE3", "for", "--by", "bbo", saying="did you mean bob?")
    busy.refuses(
        "vote", "AE3", "for", "--by", "xyz", saying="see who there is with toutdoux member list"
    )


def test_a_vote_on_a_closed_ballot_is_refused_in_local_time(busy: Home) -> None:
    closes_at = datetime.fromisoformat(busy.data("show", "AE1")["closes_at"])
    local = closes_at.astimezone(ZoneInfo("Europe/Paris"))
    vote = ("vote", "AE1", "for", "--by", "bob")
    at = f"at {local.hour}:{local.minute:02}"
    busy.refuses(*vote, saying=f"{at} → votes are taken before that instant")


def test_a_choice_that_is_none_is_refused(busy: Home) -> None:
    busy.refuses("vote", "AE3", "maybe", "--by", "bob", saying="maybe")


def test_a_vote_needs_to_say_whose_it_is(busy: Home) -> None:
    busy.refuses("vote", "AE3", "for", saying="--by")


# --- what is told after the fact -----------------------------------------------------------------


def test_what_is_told_after_the_fact_counts_at_its_instant(quiet: Home) -> None:
    proposed(quiet, "extraordinary", "--at", ago(days=9))
    said = quiet.says("vote", "AE1", "for", "--by", "bob", "--at", ago(days=8))
    assert "AE1: Adopted on " in said
    assert "nobody is against (1 for, 0 against, 0 neutral)" in said


def test_what_is_told_after_the_fact_writes_no_decision_down(quiet: Home) -> None:
    """A history can be told in any order until somebody looks."""
    proposed(quiet, "extraordinary", "--at", ago(days=9))
    quiet.says("vote", "AE1", "for", "--by", "bob", "--at", ago(days=8))
    said = quiet.says("vote", "AE1", "against", "--by", "eva", "--at", ago(days=8.5))
    assert "AE1: Contested since " in said


def test_a_vote_known_after_the_decision_was_recorded_is_told_as_an_opinion(busy: Home) -> None:
    said = busy.says("vote", "AE1", "against", "--by", "ida", "--at", ago(days=18))
    assert (
        "The vote of Ida Roux is kept as an opinion, and not counted: it became known after" in said
    )
    assert "AE1: " in said
    (opinion,) = busy.data("show", "AE1")["opinions"]
    assert opinion["member"] == "ida"
    assert opinion["recorded_at"] > opinion["at"]


def test_what_is_still_to_come_cannot_be_told(busy: Home) -> None:
    vote = ("vote", "AE3", "for", "--by", "bob", "--at", ago(days=-1))
    busy.refuses(*vote, saying="is still to come → tell it when it has happened")


def test_an_instant_that_is_none_is_refused(busy: Home) -> None:
    vote = ("vote", "AE3", "for", "--by", "bob", "--at", "tomorrow")
    busy.refuses(*vote, saying="--at: “tomorrow” is not an instant")


# --- the counter-vote ----------------------------------------------------------------------------


def test_calling_a_counter_vote_says_what_it_takes(quiet: Home) -> None:
    proposed(quiet)
    said = quiet.says("counter-vote", "AE1", "--by", "bob", "--reason", "-", stdin="Trop cher\n")
    assert "AE1: Under a counter-vote that Bob Leroy called on " in said
    assert "3 more votes for cancelling cancel it at once." in said
    assert quiet.data("show", "AE1")["counter_vote"]["reason"] == "Trop cher"


def test_a_vote_goes_to_the_counter_vote_when_it_is_told_so(busy: Home) -> None:
    said = busy.says("vote", "AE2", "for", "--by", "ida", "--ballot", "counter-vote")
    assert "1 vote for cancelling so far" in said
    said = busy.says("unvote", "AE2", "--by", "ida", "--ballot", "counter-vote")
    assert "0 votes for cancelling so far" in said


def test_a_counter_vote_that_nobody_called_takes_no_votes(quiet: Home) -> None:
    proposed(quiet)
    vote = ("vote", "AE1", "for", "--by", "bob", "--ballot", "counter-vote")
    quiet.refuses(*vote, saying="no counter-vote was called on AE1")


def test_a_counter_vote_by_somebody_off_the_roll_is_refused(quiet: Home) -> None:
    proposed(quiet)
    call = ("counter-vote", "AE1", "--by", "leo", "--reason", "Trop cher")
    quiet.refuses(*call, saying="leo is not on the roll of AE1")


# --- the leader ----------------------------------------------------------------------------------


def test_amending_starts_the_vote_again_and_a_correction_does_not(quiet: Home) -> None:
    proposed(quiet)
    said = quiet.says("amend", "AE1", "Un services", "--by", "ana")
    assert said.startswith("AE1: Only the text is corrected: the vote goes on. Open until ")
    quiet.says("vote", "AE1", "for", "--by", "bob")
    said = quiet.says("amend", "AE1", "Un petit service", "--by", "ana")
    assert said.startswith("AE1: Its object is amended, and the vote starts again. Open until ")
    assert ": 0 for," in said


def test_only_the_leader_amends_and_withdraws(quiet: Home) -> None:
    proposed(quiet)
    why = "bob does not lead AE1, ana does → only its leader can do this"
    quiet.refuses("amend", "AE1", "Rien", "--by", "bob", saying=why)
    quiet.refuses("withdraw", "AE1", "--by", "bob", saying=why)
    assert "AE1: Withdrawn by its leader on " in quiet.says("withdraw", "AE1", "--by", "ana")


def test_an_action_is_handed_over(quiet: Home) -> None:
    proposed(quiet)
    said = quiet.says("hand-over", "AE1", "bob", "--by", "ana")
    assert said == "AE1: Bob Leroy leads it now.\n"
    assert quiet.data("show", "AE1")["leader"] == "bob"


# --- what becomes of it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "follow_up", "said"),
    [
        ("start", "doing", "under way"),
        ("done", "done", "done"),
        ("abandon", "abandoned", "given up"),
        ("stand", "standing", "rule in force"),
        ("reopen", "to_do", "to do"),
    ],
)
def test_the_leader_says_what_becomes_of_it(
    busy: Home, command: str, follow_up: str, said: str
) -> None:
    links = ("--link", "https://loutres.example/a", "--link", "https://loutres.example/b")
    told = busy.says(command, "AO2", "--by", "bob", "--note", "Avec Zoé", *links)
    assert told == f"AO2: {said}.\n"
    data = busy.data("show", "AO2")
    assert (data["follow_up"], data["note"]) == (follow_up, "Avec Zoé")
    assert data["links"] == ["https://loutres.example/a", "https://loutres.example/b"]


def test_what_may_not_start_yet_cannot_be_done(busy: Home) -> None:
    why = "AE3 may not start before it is adopted → wait until it is adopted"
    busy.refuses("done", "AE3", "--by", "ana", saying=why)


def test_a_condition_is_recorded_as_met(quiet: Home) -> None:
    proposed(quiet, "ordinary", "--condition", "si Zoé veut")
    quiet.refuses("start", "AO1", "--by", "ana", saying="the condition of AO1 was not recorded")
    said = quiet.says("condition-met", "AO1", "--by", "bob", "--note", "Zoé veut bien")
    assert said == "AO1: Its condition is met: it may start.\n"
    assert quiet.says("start", "AO1", "--by", "ana") == "AO1: under way.\n"


def test_a_condition_that_there_is_not_cannot_be_met(busy: Home) -> None:
    why = "AO2 has no condition → check the reference: there is nothing to record"
    busy.refuses("condition-met", "AO2", "--by", "bob", saying=why)


# --- where, and how fast -------------------------------------------------------------------------


def test_where_there_are_several_associations_one_must_be_named(tmp_path: Path) -> None:
    home = copy_of("two", tmp_path)
    proposal = ("propose", "ordinary", "Un service", "--by", "ana")
    home.refuses(*proposal, saying="--association: les-castors, les-loutres-libres")
    assert home.says(*proposal, "--association", "les-loutres-libres") == "AO1\n"


def test_every_entry_keeps_who_sat_at_the_terminal(quiet: Home) -> None:
    proposed(quiet)
    quiet.says("vote", "AE1", "for", "--by", "bob", TOUTDOUX_OPERATOR="zoe at the desk")
    last = quiet.data("show", "AE1")["history"][-1]
    assert (last["by"], last["via"], last["operator"]) == ("bob", "cli", "zoe at the desk")


def test_control_characters_never_reach_the_terminal(quiet: Home) -> None:
    proposed(quiet)
    call = ("counter-vote", "AE1", "--by", "bob", "--reason", "\x1b[31mrouge")
    quiet.says(*call)
    for look in (("show", "AE1"), ("list",), ("status",)):
        assert "\x1b" not in quiet.says(*look)
    assert "\x1b" not in quiet.says("show", "AE1", "--format", "json")


def test_a_vote_reads_nothing_that_it_does_not_need(quiet: Home) -> None:
    """The libraries for tables, files and pages cost more time than the vote."""
    proposed(quiet)
    done = quiet.run("vote", "AE1", "for", "--by", "bob", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    read = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    for module in ("rich", "django.http", "toutdoux.reports.content", "toutdoux.cli.showing"):
        assert module not in read


# --- as people say it ----------------------------------------------------------------------------


def test_two_of_one_name_must_be_told_apart(quiet: Home) -> None:
    proposed(quiet)
    quiet.says("member", "add", "Ana Brun")
    why = "2 members are called so: ana, ana-brun → name one by their handle"
    quiet.refuses("vote", "AE1", "for", "--by", "ana BRUN", saying=why)


def test_a_name_is_known_whatever_its_case_and_accents(quiet: Home) -> None:
    proposed(quiet)
    quiet.says("vote", "AE1", "for", "--by", "Zoé BLANC")
    quiet.says("member", "add", "Zoé Blanc")
    quiet.says("vote", "AE1", "against", "--by", "Zoe Blanc")  # who is called exactly so
    votes = quiet.data("show", "AE1")["votes"]
    assert [(one["member"], one["choice"]) for one in votes] == [("zoe", "against")]


@pytest.mark.parametrize(("kind", "ref"), [("ordinaire", "AO1"), ("Extraordinaire", "AE1")])
def test_a_kind_is_taken_in_french_too(quiet: Home, kind: str, ref: str) -> None:
    assert quiet.says("propose", kind, "Un service", "--by", "ana") == f"{ref}\n"
    assert [one["ref"] for one in quiet.data("list", "--kind", kind.lower())] == [ref]


def test_an_action_is_handed_over_with_an_option(quiet: Home) -> None:
    proposed(quiet)
    said = quiet.says("hand-over", "AE1", "--to", "bob", "--by", "ana")
    assert said == "AE1: Bob Leroy leads it now.\n"
    quiet.refuses("hand-over", "AE1", "--by", "bob", saying="it is not said to whom → name one")
    twice = ("hand-over", "AE1", "eva", "--to", "ida", "--by", "bob")
    quiet.refuses(*twice, saying="it is said twice to whom")


def test_a_vote_on_an_adopted_action_tells_how_the_votes_stand(quiet: Home) -> None:
    proposed(quiet)
    for member in ("ana", "bob", "eva"):
        quiet.says("vote", "AE1", "for", "--by", member)
    said = quiet.says("vote", "AE1", "against", "--by", "ida")
    assert said.endswith("So far: 3 for, 1 against, 0 neutral.\n")


def test_a_vote_that_is_not_there_cannot_be_taken_back(quiet: Home) -> None:
    proposed(quiet)
    why = "check the member, the ballot and the date"
    quiet.refuses("unvote", "AE1", "--by", "bob", saying=why)
