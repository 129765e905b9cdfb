"""The sentences that say why an action is in its state, and what would change it.

In French and in English, for each state and each way of deciding, with the figures. The dates are
those of Paris: day 0 is 1 March 2021 at 11:00.
"""

from zoneinfo import ZoneInfo

import pytest

from toutdoux.core.charter import NEVER, Kind, read_charter
from toutdoux.core.explanation import explain, in_brief, kind_in_brief, rules_in_words
from toutdoux.core.presets import PRESETS
from toutdoux.language import Language

from .story import Story, day, english

PARIS = ZoneInfo("Europe/Paris")
FRENCH, ENGLISH = Language("fr", PARIS), Language("en", PARIS)


def why(story, language, ref="AE1", **when):
    """The first sentence: the verdict with its figures."""
    now = story.at(**when)
    return language.say(explain(now.standing, now[ref]).why[0])


def all_why(story, language, ref="AE1", **when):
    now = story.at(**when)
    return [language.say(sentence) for sentence in explain(now.standing, now[ref]).why]


def what_next(story, language, ref="AE1", **when):
    now = story.at(**when)
    return [language.say(sentence) for sentence in explain(now.standing, now[ref]).next]


def big(number, choice="for", **when):
    """So many votes of a roll of 28."""
    story = Story(roll=28)
    story.propose()
    story.vote("AE1", choice, *list(story.members)[:number], **when)
    return story


# --- the two sentences of the brief --------------------------------------------------------------


def test_adopted_by_majority_in_french():
    story = big(15, day=2, hour=7, minute=2)
    assert why(story, FRENCH, day=9) == (
        "Adoptée le 3 mars 2021 à 18 h 02 : 15 voix pour, plus de la moitié des 28 inscrit·es."
    )


def test_three_more_votes_in_french():
    assert "Encore 3 voix pour l'adopter tout de suite." in what_next(big(12, day=1), FRENCH, day=2)


# --- each state and way of deciding: the verdict -------------------------------------------------


def unopposed():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", day=1)
    story.vote("AE1", "abstain", "cleo")
    return story


def contested():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", day=1)
    story.vote("AE1", "against", "cleo", "dan")
    return story


def gone():
    story = contested()
    story.unvote("AE1", "cleo", "dan", day=9)
    return story


def called():
    story = contested()
    story.call("AE1", "dan", day=8)
    story.counter("AE1", "for", "cleo", "dan", "eva", day=9)
    return story


def cancelled_by_counter_vote():
    story = called()
    story.counter("AE1", "for", "fay", day=10)
    return story


def withdrawn():
    story = Story(roll=7)
    story.propose()
    story.withdraw("AE1", day=2)
    return story


def opposed():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "against", "ana", "bob", "cleo", "dan", day=1)
    return story


def ordinary():
    story = Story(roll=7)
    story.propose("ordinary", number=1)
    story.vote("AO1", "against", "bob", day=1)
    return story


def by_plurality(*people):
    story = Story(roll=7, charter="simple-majority")
    story.propose()
    story.vote("AE1", "for", *people, day=1)
    return story


def plurality():
    return by_plurality("ana", "bob", "cleo")


def too_few():
    return by_plurality("ana", "bob")


def not_more():
    story = by_plurality("ana", "bob")
    story.vote("AE1", "against", "cleo", "dan", day=1)
    return story


VERDICTS = [
    (
        unopposed,
        3,
        "Open until 8 March 2021 at 11:00: 2 for, 0 against, 1 neutral, 4 to come, of 7 on "
        "the roll.",
        "Ouverte jusqu'au 8 mars 2021 à 11 h : 2 pour, 0 contre, 1 neutre, 4 à venir, sur 7 "
        "inscrit·es.",
    ),
    (
        contested,
        8,
        "Contested since the vote ended on 8 March 2021 at 11:00: 2 votes against.",
        "Contestée depuis la fin du vote, le 8 mars 2021 à 11 h : 2 voix contre.",
    ),
    (
        called,
        9,
        "Under a counter-vote that Dan called on 9 March 2021 at 11:00: 3 votes for "
        "cancelling so far.",
        "Soumise à un contre-vote lancé par Dan le 9 mars 2021 à 11 h : 3 voix pour "
        "l'annulation jusqu'ici.",
    ),
    (
        unopposed,
        7,
        "Adopted on 8 March 2021 at 11:00, at the end of the vote: nobody is against (2 for, "
        "0 against, 1 neutral).",
        "Adoptée le 8 mars 2021 à 11 h, à la fin du vote : personne n'est contre (2 pour, 0 "
        "contre, 1 neutre).",
    ),
    (
        gone,
        9,
        "Adopted on 10 March 2021 at 11:00, while it was contested: the last vote against "
        "went away.",
        "Adoptée le 10 mars 2021 à 11 h, alors qu'elle était contestée : plus personne n'est "
        "contre.",
    ),
    (
        ordinary,
        7,
        "Adopted on 8 March 2021 at 11:00, at the end of the vote: 1 vote against, and "
        "nobody called a counter-vote meanwhile.",
        "Adoptée le 8 mars 2021 à 11 h, à la fin du vote : 1 voix contre, et personne n'a "
        "lancé de contre-vote entre-temps.",
    ),
    (
        contested,
        14,
        "Adopted on 15 March 2021 at 11:00: 2 votes against, and nobody called a "
        "counter-vote in the 7 days after the vote.",
        "Adoptée le 15 mars 2021 à 11 h : 2 voix contre, et personne n'a lancé de "
        "contre-vote dans le délai de 7 jours après le vote.",
    ),
    (
        called,
        15,
        "Adopted on 16 March 2021 at 11:00, at the end of the counter-vote: 3 votes for "
        "cancelling, where it took at least half of the 7 on the roll.",
        "Adoptée le 16 mars 2021 à 11 h, à la fin du contre-vote : 3 voix pour l'annulation, "
        "alors qu'il fallait au moins la moitié des 7 inscrit·es.",
    ),
    (
        plurality,
        7,
        "Adopted on 8 March 2021 at 11:00, at the end of the vote: more for than against (3 "
        "for, 0 against, 0 neutral), with 3 votes expressed, at least a third of the 7 on "
        "the roll.",
        "Adoptée le 8 mars 2021 à 11 h, à la fin du vote : plus de voix pour que de voix "
        "contre (3 pour, 0 contre, 0 neutre), avec 3 votes exprimés, au moins un tiers des 7 "
        "inscrit·es.",
    ),
    (
        opposed,
        1,
        "Cancelled on 2 March 2021 at 11:00: 4 votes against, at least half of the 7 on the roll.",
        "Annulée le 2 mars 2021 à 11 h : 4 voix contre, au moins la moitié des 7 inscrit·es.",
    ),
    (
        cancelled_by_counter_vote,
        10,
        "Cancelled on 11 March 2021 at 11:00 by a counter-vote: 4 votes for cancelling, at "
        "least half of the 7 on the roll.",
        "Annulée le 11 mars 2021 à 11 h par un contre-vote : 4 voix pour l'annulation, au "
        "moins la moitié des 7 inscrit·es.",
    ),
    (
        too_few,
        7,
        "Cancelled on 8 March 2021 at 11:00, at the end of the vote: 2 votes expressed, "
        "where it took at least a third of the 7 on the roll.",
        "Annulée le 8 mars 2021 à 11 h, à la fin du vote : 2 votes exprimés, alors qu'il "
        "fallait au moins un tiers des 7 inscrit·es.",
    ),
    (
        not_more,
        7,
        "Cancelled on 8 March 2021 at 11:00, at the end of the vote: not more for than "
        "against (2 for, 2 against, 0 neutral).",
        "Annulée le 8 mars 2021 à 11 h, à la fin du vote : les voix pour ne sont pas plus "
        "nombreuses que les voix contre (2 pour, 2 contre, 0 neutre).",
    ),
    (
        withdrawn,
        3,
        "Withdrawn by its leader on 3 March 2021 at 11:00.",
        "Retirée le 3 mars 2021 à 11 h par la personne qui la mène.",
    ),
]
EACH = pytest.mark.parametrize(
    ("tell", "number", "english", "french"),
    VERDICTS,
    ids=[f"{tell.__name__}-{number}" for tell, number, _, _ in VERDICTS],
)


def ref_of(tell):
    return "AO1" if tell is ordinary else "AE1"


@EACH
def test_the_verdict_in_english(tell, number, english, french):
    assert why(tell(), ENGLISH, ref_of(tell), day=number) == english


@EACH
def test_the_verdict_in_french(tell, number, english, french):
    assert why(tell(), FRENCH, ref_of(tell), day=number) == french


@EACH
def test_every_sentence_is_said_in_french(tell, number, english, french):
    """No sentence is left in English, and every figure is there in both languages."""
    story, ref = tell(), ref_of(tell)
    now = story.at(day=number)
    explanation = explain(now.standing, now[ref])
    for sentence in (*explanation.why, *explanation.next):
        in_english, in_french = ENGLISH.say(sentence), FRENCH.say(sentence)
        assert in_english != in_french
        for said in (in_english, in_french):
            assert "{" not in said
            assert said[0].isupper() or said[0].isdigit()
            assert said.endswith((".", "»"))


# --- the rule ------------------------------------------------------------------------------------


def rule(story, ref="AE1", **when):
    (sentence,) = [one for one in all_why(story, ENGLISH, ref, **when) if "The rule:" in one]
    return sentence


def test_the_rule_says_which_kind_and_which_version_of_the_charter():
    assert rule(big(15, day=1), day=2) == (
        "The rule: adopted at once when the votes for are more than half of the roll (charter, "
        "version 1, for extraordinary actions)."
    )


def test_the_rule_of_an_undecided_action_says_what_happens_at_the_end():
    assert rule(unopposed(), day=1) == (
        "The rule: adopted at the end of the 7 days of voting when nobody is against; otherwise "
        "contested for 7 days, then adopted if no counter-vote was called (charter, version 1, for "
        "extraordinary actions)."
    )


def test_the_rule_of_an_action_that_those_against_cancelled():
    assert "cancelled at once when the votes against are at least half of the roll" in rule(
        opposed(), day=2
    )


@pytest.mark.parametrize("number", [9, 15])
def test_the_rule_of_a_counter_vote(number):
    assert (
        "a counter-vote cancels when, within 7 days, the votes for cancelling are at least half of "
        "the roll; otherwise the action is adopted"
    ) in rule(called(), day=number)


def test_the_rule_of_a_simple_majority():
    assert (
        "adopted at the end of the 7 days of voting when more are for than against and the votes "
        "expressed are at least a third of the roll, cancelled otherwise"
    ) in rule(plurality(), day=7)


def test_the_rule_of_an_ordinary_action_is_its_kinds():
    assert rule(ordinary(), "AO1", day=7).endswith("(charter, version 1, for ordinary actions).")


# --- what else bears on it -----------------------------------------------------------------------


def test_an_amendment_is_told():
    story = unopposed()
    story.amend("AE1", day=3)
    assert "Its object was amended: the vote started again on 4 March 2021 at 11:00." in all_why(
        story, ENGLISH, day=4
    )


def test_the_tally_at_closing_is_told_where_it_differs_from_the_decisions():
    story = big(15, day=1)
    story.vote("AE1", "abstain", list(story.members)[20], day=2)
    told = "When its ballot closed on 8 March 2021 at 11:00: 15 for, 0 against, 1 neutral."
    assert told in all_why(story, ENGLISH, day=7)
    assert told not in all_why(story, ENGLISH, day=6)


def test_those_who_were_struck_off_are_told():
    story = unopposed()
    story.leaves("eva", on=2)
    assert "1 person left the association during the vote and is no longer on the roll." in all_why(
        story, ENGLISH, day=3
    )


def test_opinions_of_after_the_vote_are_told_apart():
    story = Story(roll=3)
    story.propose()
    story.vote("AE1", "against", "bob", "cleo", day=8, kept=True)
    (told,) = [one for one in all_why(story, ENGLISH, day=9) if "opinion" in one]
    assert told == ("2 opinions are kept apart and do not count: they were given after the vote.")


def test_opinions_are_told():
    story = unopposed()
    story.member("zoe", joined=-1)
    story.vote("AE1", "for", "zoe", day=2)
    (told,) = [one for one in all_why(story, ENGLISH, day=3) if "opinion" in one]
    assert told.startswith("1 opinion is kept apart and does not count")


# --- what would change it ------------------------------------------------------------------------


def test_how_many_votes_adopt_or_cancel_at_once():
    told = what_next(unopposed(), ENGLISH, day=2)
    assert "2 more votes for adopt it at once." in told
    assert "4 more votes against cancel it at once." in told


def test_one_more_vote_is_singular():
    assert "1 more vote for adopts it at once." in what_next(big(14, day=1), ENGLISH, day=2)


def test_a_charter_without_early_thresholds_promises_nothing_early():
    told = what_next(plurality(), ENGLISH, day=2)
    assert not [one for one in told if "at once" in one]
    assert "It is settled on 8 March 2021 at 11:00, when the vote ends." in told


def test_nobody_against_is_adopted_at_the_end():
    assert "If nobody is against by then, it is adopted on 8 March 2021 at 11:00." in what_next(
        unopposed(), ENGLISH, day=2
    )


def test_somebody_against_leads_to_contested():
    assert (
        "If somebody is still against on 8 March 2021 at 11:00, it is contested for 7 days: the "
        "time to call a counter-vote."
    ) in what_next(contested(), ENGLISH, day=2)


def test_an_ordinary_action_somebody_is_against_is_adopted_unless_countered():
    assert (
        "It is adopted on 8 March 2021 at 11:00 unless somebody calls a counter-vote before."
        in what_next(ordinary(), ENGLISH, "AO1", day=2)
    )


def test_a_contested_action_can_still_go_four_ways():
    assert what_next(contested(), ENGLISH, day=8) == [
        "2 more votes for adopt it at once.",
        "2 more votes against cancel it at once.",
        "When nobody is against any more, it is adopted at once.",
        "It is adopted on 15 March 2021 at 11:00 unless somebody on the roll calls a counter-vote "
        "before.",
    ]


def test_a_counter_vote_can_go_two_ways():
    assert what_next(called(), ENGLISH, day=9) == [
        "1 more vote for cancelling cancels it at once.",
        "Otherwise it is adopted on 16 March 2021 at 11:00, for good.",
    ]


def test_an_adoption_is_final_and_its_ballot_stays_open():
    assert what_next(big(15, day=1), ENGLISH, day=2) == [
        "This is final.",
        "Its ballot stays open until 8 March 2021 at 11:00, so that everyone can still be counted.",
    ]
    assert what_next(big(15, day=1), ENGLISH, day=7) == ["This is final."]


@pytest.mark.parametrize("tell", [opposed, withdrawn])
def test_what_ended_can_be_proposed_again(tell):
    assert what_next(tell(), ENGLISH, day=3) == [
        "This is final. The same thing can be proposed again as a new action."
    ]


def test_an_ordinary_action_may_start_meanwhile():
    assert "It may start meanwhile." in what_next(ordinary(), ENGLISH, "AO1", day=2)


def test_a_condition_that_is_not_met_is_told():
    story = Story(roll=7)
    story.propose(condition="if somebody helps")
    told = "It may start once its condition is recorded as met: “if somebody helps”."
    assert told in what_next(story, ENGLISH, day=7)
    story.met("AE1", day=8)
    assert told not in what_next(story, ENGLISH, day=8)


def test_the_promise_of_a_majority_is_kept():
    """The explanation's figure is the rules' own: with one vote less it is still open."""
    story = big(12, day=1)
    people = list(story.members)
    story.vote("AE1", "for", *people[12:14], day=2)
    assert story.at(day=2)["AE1"].state == "open"
    story.vote("AE1", "for", people[14], day=2, hour=1)
    assert story.at(day(3))["AE1"].state == "adopted"


# --- in brief, and the rules by themselves -------------------------------------------------------


def brief(story, **when):
    now = story.at(**when)
    return " ".join(english(one) for one in in_brief(now.standing, now["AE1"]))


def test_in_brief_an_open_action_has_its_tally_and_what_is_missing():
    story = Story(roll=7)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", day=1)
    assert brief(story, day=2) == (
        "Open until 8 March 2021 at 10:00: 2 for, 0 against, 0 neutral, 5 to come, "
        "of 7 on the roll. 2 more votes for adopt it at once."
    )


def test_in_brief_a_counter_vote_has_its_end():
    story = Story(roll=7)
    story.propose()
    story.call("AE1", by="bob", day=1)
    assert brief(story, day=2).endswith(
        "4 more votes for cancelling cancel it at once. "
        "Otherwise it is adopted on 9 March 2021 at 10:00, for good."
    )


def test_in_brief_an_early_adoption_says_that_its_ballot_is_open():
    story = Story(roll=3)
    story.propose()
    story.vote("AE1", "for", "ana", "bob", day=1)
    assert "Its ballot stays open until 8 March 2021 at 10:00" in brief(story, day=2)
    assert "stays open" not in brief(story, day=8)


@pytest.mark.parametrize("preset", [*PRESETS])
@pytest.mark.parametrize("kind", [*Kind])
def test_the_rules_in_words_tell_every_figure_of_a_preset(preset, kind):
    rules = read_charter(preset).rules(kind)
    text = "; ".join(english(one) for one in rules_in_words(rules))
    assert "its vote is open for" in text
    assert ("adopted at once" in text) == (rules.adopted_early != NEVER)
    assert ("cancelled at once" in text) == (rules.cancelled_early != NEVER)
    assert ("contested for" in text) == (rules.contest_window is not None)
    assert ("there are no counter-votes" in text) == (rules.counter_vote is None)
    assert ("at least a third of the roll" in text) == (rules.quorum is not None)


@pytest.mark.parametrize(
    ("preset", "starts", "said"),
    [
        (
            "tout-doux-cratie",
            "when adopted",
            "It waits to be adopted: at once when the votes for are more than half of the roll, "
            "or after 7 days when nobody is against.",
        ),
        (
            "lazy-consensus",
            "when adopted",
            "It waits to be adopted: after 3 days unless it is cancelled before.",
        ),
        (
            "simple-majority",
            "when adopted",
            "It waits to be adopted: after 7 days when more are for than against.",
        ),
        (
            "tout-doux-cratie",
            "when proposed",
            "It starts at once: informing is enough. The members still vote on it for 7 days.",
        ),
    ],
)
def test_a_kind_is_explained_in_brief_by_the_charter_in_force(preset, starts, said):
    charter = read_charter({"preset": preset, "extraordinary": {"starts": starts}})
    told = kind_in_brief(Kind.EXTRAORDINARY, charter.extraordinary)
    assert [english(one) for one in told] == ["Beyond what the association usually does.", said]
