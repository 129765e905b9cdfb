"""What members do with actions: `propose`, `vote`, `amend` … each records one thing.

Each prints one line of where the action stands then; `propose` prints its reference and nothing
else, for scripts.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

import click

from toutdoux.core.charter import Charter, Kind
from toutdoux.core.explanation import in_brief
from toutdoux.core.history import (
    AmendCharter,
    BallotName,
    Choice,
    Effect,
    FollowUp,
    GrantVotingRight,
)
from toutdoux.core.voters import why_opinion
from toutdoux.core.words import Sentence, say

from .desk import Desk
from .options import (
    KIND,
    KINDS,
    association_option,
    by_option,
    examples,
    format_option,
    told_at_option,
)
from .speech import Problem, print_json, shown, terminal

if TYPE_CHECKING:
    from toutdoux.core.action import Action
    from toutdoux.core.replay import Standing

    from .options import Command

_word = terminal.word

CHOICES = {
    "for": Choice.FOR,
    "against": Choice.AGAINST,
    "abstain": Choice.ABSTAIN,
    "pour": Choice.FOR,
    "contre": Choice.AGAINST,
    "neutre": Choice.ABSTAIN,
}
"""What a vote may be called, whatever the terminal's language."""

_LONGEST = 1_000_000
"""The longest text that is taken, in characters."""


def recording(command: Command) -> Command:
    """What every command has that records something."""
    return by_option(told_at_option(association_option(command)))


_ref_argument = click.argument("ref", metavar=_word("ACTION"))
_ballot_option = click.option(
    "--ballot",
    type=click.Choice(["action", "counter-vote"]),
    default="action",
    show_default=True,
    help=_word("Which ballot: the action's own, or the one on cancelling it."),
)
_note_option = click.option(
    "--note", metavar=_word("TEXT"), help=_word("What there is to say about it; - reads it.")
)
_links_option = click.option(
    "--link",
    "links",
    multiple=True,
    metavar=_word("URL"),
    help=_word("Where to see it; may be given several times."),
)


# --- proposing -----------------------------------------------------------------------------------


def proposal_options(command: Command) -> Command:
    """What may be said with a proposal beside its kind and object."""
    for option in (
        format_option("text", "json"),
        click.option(
            "--condition",
            metavar=_word("TEXT"),
            help=_word("What must come true before it may start."),
        ),
        click.option(
            "--link", metavar=_word("URL"), help=_word("Where it was announced to the members.")
        ),
        click.option(
            "--number",
            type=click.IntRange(1, 999_999_999),
            metavar=_word("N"),
            help=_word("Its number (the next one of its kind, unless given)."),
        ),
        click.option(
            "--leader",
            metavar=_word("MEMBER"),
            help=_word("Who carries it (the proposer, unless given)."),
        ),
        recording,
    ):
        command = option(command)
    return command


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Propose an action, and print its reference. An OBJECT of - is read."),
    epilog=examples(
        'toutdoux propose ordinary "Ranger le wiki" --by ana',
        'toutdoux propose extraordinary "Ouvrir un service" --by ana --link https://loutres.example',
        'toutdoux propose extraordinary "Accueillir Bob" --by ana --effect grant_voting_right=bob',
    ),
)
@click.argument("kind", type=KIND, metavar=_word("ordinary|extraordinary"))
@click.argument("object", metavar=_word("OBJECT"))
@proposal_options
@click.option(
    "--effect",
    "effects",
    multiple=True,
    metavar=_word("EFFECT"),
    help=_word(
        "What its adoption does by itself: grant_voting_right=MEMBER, or amend_charter=CHARTER,"
        " a preset's name or a YAML file."
    ),
)
def propose(
    kind: str,
    object: str,
    by: str,
    leader: str | None,
    number: int | None,
    link: str | None,
    condition: str | None,
    effects: tuple[str, ...],
    slug: str | None,
    at: str | None,
    form: str,
) -> None:
    desk = Desk(slug, at)
    put_forward(
        desk,
        KINDS[kind.lower()],
        object,
        form=form,
        by=by,
        leader=leader,
        number=number,
        link=link,
        condition=condition,
        effects=[_effect(desk, one) for one in effects],
    )


def put_forward(
    desk: Desk,
    kind: Kind,
    object: str,
    *,
    form: str,
    by: str,
    leader: str | None,
    number: int | None,
    link: str | None,
    condition: str | None,
    effects: Sequence[Effect],
) -> None:
    """Propose an action as it was typed, and print its reference, or all of it as JSON."""
    from toutdoux.actions import commands

    for effect in effects:
        if isinstance(effect, AmendCharter):
            _check_other(desk, effect.charter)
    ref = desk.carry_out(
        commands.propose,
        kind,
        typed(object),
        by=desk.member(by),
        leader=desk.member(leader) if leader is not None else None,
        number=number,
        link=typed(link) if link is not None else None,
        condition=typed(condition) if condition is not None else None,
        effects=effects,
    )
    if form == "json":
        from .showing import shown_as_data

        print_json(shown_as_data(desk, *after(desk, ref)))
    else:
        click.echo(ref)


def _check_other(desk: Desk, rules: Charter) -> None:
    """Refuse rules that are in force already: a slip of whoever types, not of the charter's."""
    from toutdoux.association.charters import in_force
    from toutdoux.core.charter_in_words import changed_rules

    if not changed_rules(in_force(desk.id, desk.at or desk.now).charter, rules):
        raise Problem(
            say("these are the rules that are in force"),
            say("see them with toutdoux charter show, and propose others"),
        )


_EFFECTS = ("grant_voting_right", "amend_charter")


def _effect(desk: Desk, text: str) -> Effect:
    """An effect as it was typed: `grant_voting_right=bob`."""
    from difflib import get_close_matches

    name, _, value = (part.strip() for part in text.partition("="))
    if name in _EFFECTS and value:
        if name == "grant_voting_right":
            return GrantVotingRight(desk.member(value))
        from .charters import charter_named

        return AmendCharter(charter_named(value, "--effect"))
    close = get_close_matches(name, _EFFECTS, 1, 0.5)
    remedy = (
        say("did you mean {name}?", name=f"{close[0]}={value or '…'}")
        if close
        else say("write grant_voting_right=MEMBER or amend_charter=CHARTER")
    )
    raise Problem(say("“{text}” is not an effect", text=text), remedy, "--effect")


# --- voting --------------------------------------------------------------------------------------


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Put somebody's vote in force, in place of their earlier one."),
    epilog=examples(
        "toutdoux vote AE1 for --by bob",
        "toutdoux vote AE1 against --by bob --ballot counter-vote",
        "toutdoux vote AE1 abstain --by bob --at '2021-03-05 18:00'",
    ),
)
@_ref_argument
@click.argument(
    "choice",
    type=click.Choice([*CHOICES], case_sensitive=False),
    metavar=_word("for|against|abstain"),
)
@_ballot_option
@recording
def vote(ref: str, choice: str, ballot: str, by: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref, member, name = desk.known_ref(ref), desk.member(by), _ballot(ballot)
    desk.carry_out(commands.vote, ref, CHOICES[choice.lower()], by=member, ballot=name)
    standing, action = after(desk, ref)
    _tell(desk, ref, *_not_counted(standing, action, member, name), *in_brief(standing, action))


def _ballot(text: str) -> BallotName:
    return BallotName(text.replace("-", "_"))


def _not_counted(
    standing: Standing, action: Action, member: str, name: BallotName
) -> Sequence[Sentence]:
    """That a vote is kept as an opinion, and why; nothing if it counts."""
    why = why_opinion(standing, action, name, member)
    if why is None:
        return ()
    return (
        say(
            "The vote of {name} is kept as an opinion, and not counted: {why}.",
            name=standing.members[member].name,
            why=why,
        ),
    )


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Take somebody's vote back: it leaves none."),
    epilog=examples("toutdoux unvote AE1 --by bob"),
)
@_ref_argument
@_ballot_option
@recording
def unvote(ref: str, ballot: str, by: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref, member = desk.known_ref(ref), desk.member(by)
    desk.carry_out(commands.withdraw_vote, ref, by=member, ballot=_ballot(ballot))
    _tell_where_it_stands(desk, ref)


@click.command(
    "counter-vote",
    options_metavar=_word("[OPTIONS]"),
    help=_word("Call the vote on cancelling an action."),
    epilog=examples('toutdoux counter-vote AE1 --by bob --reason "Cela coûte trop"'),
)
@_ref_argument
@click.option(
    "--reason",
    required=True,
    metavar=_word("TEXT"),
    help=_word("Why it should be cancelled; - reads it."),
)
@recording
def counter_vote(ref: str, reason: str, by: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref, member = desk.known_ref(ref), desk.member(by)
    desk.carry_out(commands.call_counter_vote, ref, typed(reason), by=member)
    _tell_where_it_stands(desk, ref)


# --- amending, withdrawing, handing over ---------------------------------------------------------


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Change an action's object: its vote starts again. An OBJECT of - is read."),
    epilog=examples('toutdoux amend AE1 "Un service, pour un an" --by ana'),
)
@_ref_argument
@click.argument("object", metavar=_word("OBJECT"))
@recording
def amend(ref: str, object: str, by: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref, asked = desk.known_ref(ref), desk.at or desk.now
    desk.carry_out(commands.amend, ref, typed(object), by=desk.member(by))
    standing, action = after(desk, ref)
    if action.opening.at >= asked:
        what = say("Its object is amended, and the vote starts again.")
    else:
        what = say("Only the text is corrected: the vote goes on.")
    _tell(desk, ref, what, *in_brief(standing, action))


@click.command(
    options_metavar=_word("[OPTIONS]"),
    help=_word("Withdraw an action that is not decided."),
    epilog=examples("toutdoux withdraw AE1 --by ana"),
)
@_ref_argument
@recording
def withdraw(ref: str, by: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref = desk.known_ref(ref)
    desk.carry_out(commands.withdraw, ref, by=desk.member(by))
    _tell_where_it_stands(desk, ref)


@click.command(
    "hand-over",
    options_metavar=_word("[OPTIONS]"),
    help=_word("Hand an action over to another member."),
    epilog=examples("toutdoux hand-over AE1 bob --by ana"),
)
@_ref_argument
@click.argument("named", required=False, metavar=_word("MEMBER"))
@click.option("--to", metavar=_word("MEMBER"), help=_word("The same, said as an option."))
@recording
def hand_over(
    ref: str, named: str | None, to: str | None, by: str, slug: str | None, at: str | None
) -> None:
    if (named is None) == (to is None):
        raise Problem(
            say("it is not said to whom") if to is None else say("it is said twice to whom"),
            say("name one member: toutdoux hand-over {ref} bob --by ana", ref=ref),
        )
    to = named or to or ""
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref = desk.known_ref(ref)
    desk.carry_out(commands.hand_over, ref, desk.member(to), by=desk.member(by))
    standing, action = after(desk, ref)
    leader = standing.members[action.leader].name
    _tell(desk, ref, say("{name} leads it now.", name=leader))


# --- what becomes of it --------------------------------------------------------------------------


@click.command(
    "condition-met",
    options_metavar=_word("[OPTIONS]"),
    help=_word("Record that an action's condition has come true."),
    epilog=examples('toutdoux condition-met AE1 --by bob --note "Zoé est volontaire"'),
)
@_ref_argument
@_note_option
@recording
def condition_met(ref: str, note: str | None, by: str, slug: str | None, at: str | None) -> None:
    desk = Desk(slug, at)
    from toutdoux.actions import commands

    ref, member = desk.known_ref(ref), desk.member(by)
    desk.carry_out(commands.meet_condition, ref, by=member, note=typed(note or ""))
    standing, action = after(desk, ref)
    if action.follow_up is None:
        _tell(desk, ref, say("Its condition is met."), *in_brief(standing, action))
    else:
        _tell(desk, ref, say("Its condition is met: it may start."))


def _follow_up(name: str, follow_up: FollowUp, help: str, *lines: str) -> click.Command:
    """The command that says where an action is among the things to do."""

    def command(
        ref: str,
        note: str | None,
        links: tuple[str, ...],
        by: str,
        slug: str | None,
        at: str | None,
    ) -> None:
        desk = Desk(slug, at)
        from toutdoux.actions import commands

        ref = desk.known_ref(ref)
        desk.carry_out(
            commands.follow_up,
            ref,
            follow_up,
            by=desk.member(by),
            note=typed(note or ""),
            links=[typed(link) for link in links],
        )
        _, action = after(desk, ref)
        _tell(desk, ref, say("{follow_up}.", follow_up=action.followed_up))

    for option in (recording, _links_option, _note_option, _ref_argument):
        command = option(command)
    return click.command(
        name, options_metavar=_word("[OPTIONS]"), help=help, epilog=examples(*lines)
    )(command)


start = _follow_up(
    "start",
    FollowUp.DOING,
    _word("Say that an action is under way."),
    "toutdoux start AE1 --by ana",
)
done = _follow_up(
    "done",
    FollowUp.DONE,
    _word("Say that an action is done."),
    'toutdoux done AE1 --by ana --note "Ouvert" --link https://loutres.example/podcasts',
)
abandon = _follow_up(
    "abandon",
    FollowUp.ABANDONED,
    _word("Say that an action is given up."),
    'toutdoux abandon AE1 --by ana --note "Plus personne ne s’en sert"',
)
stand = _follow_up(
    "stand",
    FollowUp.STANDING,
    _word("Say that an action is a rule, in force from now on."),
    "toutdoux stand AE1 --by ana",
)
reopen = _follow_up(
    "reopen",
    FollowUp.TO_DO,
    _word("Put an action back among the things to do."),
    "toutdoux reopen AE1 --by ana",
)


# --- what they all do ----------------------------------------------------------------------------


def typed(text: str) -> str:
    """A text that was given, or with `-` the one on the standard input."""
    if text == "-":
        text = _read(sys.stdin.buffer)
    if len(text) > _LONGEST:
        raise Problem(
            say("this text is over {n} characters long", n=_LONGEST),
            say("shorten it, and link to the rest"),
        )
    wrong = next((sign for sign in text if sign == "\0" or "\ud800" <= sign <= "\udfff"), None)
    if wrong is not None:
        raise Problem(
            say("there is a character here that is not text (code {code})", code=ord(wrong)),
            say("take it out"),
        )
    return text


def _read(stream: BinaryIO) -> str:
    data = stream.read(4 * _LONGEST + 4)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end == len(data) > 4 * _LONGEST:  # cut off in the middle of a character
            return data.decode("utf-8-sig", "ignore")
        raise Problem(say("this is not text in UTF-8"), say("write it in UTF-8")) from None
    return text.replace("\r\n", "\n").rstrip()


def after(desk: Desk, ref: str) -> tuple[Standing, Action]:
    """Where the association stands after a command, and the action it was about.

    What is told after the fact writes no decision down: more may be told, and change it.
    """
    if desk.at is None:
        standing = desk.standing((ref,), (ref,))
    else:
        from toutdoux.actions import reading

        erased = _word("(forgotten)")
        standing = reading.standing(desk.id, datetime.now(UTC), erased, (ref,), (ref,))
    return standing, standing.actions[ref]


def _tell_where_it_stands(desk: Desk, ref: str) -> None:
    _tell(desk, ref, *in_brief(*after(desk, ref)))


def _tell(desk: Desk, ref: str, *sentences: Sentence) -> None:
    """Print one line about an action."""
    text = " ".join(desk.language.say(one) for one in sentences)
    click.echo(shown(desk.language.say(say("{ref}: {text}", ref=ref, text=text))))
