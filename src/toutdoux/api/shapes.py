"""What is sent and answered, field by field, each with an example.

What is sent is taken as it is written: `"1"` is no number, and a field that there is not is
refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from ninja import Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from toutdoux.core.charter import Kind
from toutdoux.core.history import BallotName, Choice, FollowUp, How, State
from toutdoux.core.journal import EntryKind
from toutdoux.reports.files import RENDERERS

Item = TypeVar("Item")


def f(example: object, description: str = "", **rules: Any) -> Any:
    """A field, with an example and what there is to say of it."""
    return Field(examples=[example], description=description or None, **rules)


def _digits(value: object) -> object:
    """A number as a query has it: digits, and nothing that Python would take beside."""
    return value if not isinstance(value, str) or (value.isascii() and value.isdigit()) else None


Instant = Annotated[
    str,
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-01T09:00:00Z"]),
]
Day = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2026-03-01"])]
"""A day, in the association's time zone."""
Handle = Annotated[str, Field(min_length=1, max_length=60, examples=["ana"])]
Ref = Annotated[str, Field(min_length=1, max_length=20, examples=["AE27"])]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=100_000)]
Written = Annotated[str, Field(min_length=1, max_length=100_000)]

KindName = Literal["ordinary", "extraordinary"]
ChoiceName = Literal["for", "against", "abstain"]
Ballot = Literal["action", "counter_vote"]
Follow = Literal["to_do", "doing", "done", "abandoned", "standing"]
StateName = Literal["open", "contested", "counter_vote", "adopted", "cancelled", "withdrawn"]
SoughtState = Literal[
    "open", "contested", "counter_vote", "adopted", "cancelled", "withdrawn", "imported"
]
HowName = Literal[
    "majority",
    "unopposed",
    "no_counter_vote",
    "counter_vote_failed",
    "plurality",
    "opposed",
    "counter_vote",
    "not_adopted",
]
EntryName = Literal[
    "life",
    "service_opened",
    "service_closed",
    "service",
    "account_opened",
    "access_given",
    "outreach",
    "event",
    "course_opened",
    "course",
    "request",
    "grant",
]
FormatName = Literal["pdf", "html", "md", "gmi"]
Pace = Literal["now", "daily", "never"]
YesNo = Literal["true", "false"]

# The names above are those of the core, which the types of a description can't be made of.
for _names, _there in (
    (KindName, Kind),
    (ChoiceName, Choice),
    (Ballot, BallotName),
    (Follow, FollowUp),
    (StateName, State),
    (HowName, How),
    (EntryName, EntryKind),
    (FormatName, RENDERERS),
):
    assert {*_names.__args__} == {str(one) for one in _there}, _names  # type: ignore[attr-defined]

Digits = Annotated[int, BeforeValidator(_digits)]
PAGE = Query(1, ge=1, le=1_000_000, description="Which page, from 1.", examples=[1])
SIZE = Query(25, ge=1, le=100, description="How many there are on a page.", examples=[25])
NumberPath = Annotated[int, BeforeValidator(_digits), Path(ge=1, le=2**62, examples=[12])]


class Said(BaseModel):
    """What somebody sends."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Told(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid")


class Page(Told, Generic[Item]):
    """A page of a list. The header `Link` leads to the next and the others."""

    items: list[Item]
    page: int = f(1)
    size: int = f(25)
    total: int = f(1, "How many there are on all pages.")


class FieldProblem(Told):
    field: str = f("object", "Which part of the request is wrong.")
    detail: str = f("it is missing")


class ProblemShape(Told):
    """Why something was not done (RFC 9457), and what one can do instead."""

    type: str = f("/api/docs#refused")
    title: str = f("This was not done")
    status: int = f(409)
    detail: str = f("the ballot closed on 8 March 2026 at 9:00 am")
    remedy: str = f("propose a new action")
    errors: list[FieldProblem] | None = f(None, "Where it is known which.", default=None)


# --- the association -----------------------------------------------------------------------------


class Settings(Told):
    """What the association decides on beside its rules."""

    public_inventory: bool = f(False, "Whether everybody may read the inventories.")
    public_reports: bool = f(True)
    public_charter: bool = f(True)
    public_actions: bool = f(False)
    show_mentions: bool = f(False, "Whether the @mentions in texts are shown to everybody.")
    use_tu: bool = f(True, "Whether French says “tu” to members.")
    publisher: str = f("Les Loutres libres, 1 rue du Canal")
    contact: str = f("bureau@example.org")
    host: str = f("")


class Association(Told):
    name: str = f("Les Loutres libres")
    slug: str = f("loutres")
    time_zone: str = f("Europe/Paris")
    language: str = f("fr")
    members: int = f(28)
    voting: int = f(27, "How many members have the right to vote now.")
    settings: Settings


class AssociationChange(Said):
    name: Name | None = f("Les Loutres libres", default=None)
    time_zone: Annotated[str, Field(min_length=1, max_length=60)] | None = f(
        "Europe/Paris", default=None
    )
    language: Literal["fr", "en"] | None = f("fr", default=None)


class SettingsChange(Said):
    public_inventory: bool | None = f(True, default=None)
    public_reports: bool | None = f(True, default=None)
    public_charter: bool | None = f(True, default=None)
    public_actions: bool | None = f(False, default=None)
    show_mentions: bool | None = f(False, default=None)
    use_tu: bool | None = f(True, default=None)
    publisher: Text | None = f("Les Loutres libres, 1 rue du Canal", default=None)
    contact: Text | None = f("bureau@example.org", default=None)
    host: Text | None = f("", default=None)


# --- members -------------------------------------------------------------------------------------


class RoleHeld(Told):
    id: str = f("16570833dfaf9934")
    role: str | None = f("référent·e", "None where it was forgotten.")
    first: Day
    last: Day | None = f(None)


class Membership(Told):
    joined: Instant
    left: Instant | None = f(None)


class ListedMember(Told):
    handle: str = f("ana")
    name: str = f("Ana Brun")
    founder: bool = f(False)
    member: bool = f(True, "Whether they are a member at the instant asked about.")
    since: Instant | None = f("2025-09-15T22:00:00Z", "Since when, this time.")
    votes: bool = f(True, "Whether they have the right to vote then.")
    votes_from: Instant | None = f("2025-09-25T22:00:00Z")


class Member(ListedMember):
    email: str | None = f("ana@example.org", "For référent·es and the member themself.")
    memberships: list[Membership]
    roles: list[RoleHeld]
    leads: list[str] = f(["AE27"], "What they lead that goes on.")


class NewMember(Said):
    name: Name = f("Zoé Petit")
    handle: Handle | None = f("zoe", "Made of the name unless given.", default=None)
    joined: Day | None = f("2026-03-01", "Today unless given.", default=None)
    founder: bool = f(False, "They vote from the beginning.", default=False)
    email: Annotated[str, Field(max_length=254)] = f("zoe@example.org", default="")


class MemberChange(Said):
    name: Name | None = f("Zoé Petit-Brun", default=None)
    handle: Handle | None = f("zoe", default=None)
    email: Annotated[str, Field(max_length=254)] | None = f("zoe@example.org", default=None)


class OnDay(Said):
    on: Day | None = f("2026-06-08", "Today unless given.", default=None)


class MemberList(Said):
    csv: Annotated[str, Field(min_length=1, max_length=2_000_000)] = f(
        "Nom,Arrivée\nZoé Petit,2026-03-01\n", "An export, with its titles."
    )
    columns: Annotated[dict[str, str], Field(max_length=20)] = f(
        {"name": "Nom complet"}, "Which title holds what, where it does not say so.", default={}
    )
    joined: Day | None = f(
        "2026-03-01", "For those whose row does not say it; today unless given.", default=None
    )
    missing: Day | None = f(None, "When those left who are not in it.", default=None)
    dry_run: bool = f(True, "Only tell what would change.", default=False)


class MemberChanged(Told):
    what: str = f("joins")
    member: str = f("zoe")
    name: str = f("Zoé Petit")
    day: Day


class MembersImported(Told):
    changes: list[MemberChanged]
    notes: list[str] = f([], "What was guessed, or left as it is.")


class NewInvitation(Said):
    email: Annotated[str, Field(max_length=254)] = f(
        "zoe@example.org", "Where the link is sent as well.", default=""
    )


class Invitation(Told):
    link: str = f("https://vote.example.org/join/3kTMd0…", "Whoever has it becomes that member.")
    mailed: bool = f(True, "Whether it is sent to the address.")


class Address(Told):
    address: str = f("https://vote.example.org/a/loutres/calendar/3kTMd0….ics")


class NewRole(Said):
    role: Name = f("trésorière")
    first: Day | None = f("2026-03-01", "Today unless given.", default=None)
    last: Day | None = f("2027-02-28", default=None)


class Me(Member):
    steward: bool = f(True, "Whether they are référent·e.")
    language: str = f("fr")
    token: str | None = f("la caisse", "What the token is called that the request came with.")
    writes: bool = f(True, "Whether the request may change things.")


class Notices(Told):
    """When one is told of what: at once, in a daily digest, never."""

    new_action: Pace = f("now")
    reminder: Pace = f("now")
    objection: Pace = f("now")
    counter_vote: Pace = f("now")
    decision: Pace = f("daily")
    assigned: Pace = f("now")
    mention: Pace = f("now")


class NoticesChange(Said):
    new_action: Pace | None = f("daily", default=None)
    reminder: Pace | None = f("now", default=None)
    objection: Pace | None = f("now", default=None)
    counter_vote: Pace | None = f("now", default=None)
    decision: Pace | None = f("never", default=None)
    assigned: Pace | None = f("now", default=None)
    mention: Pace | None = f("now", default=None)


class Awaited(Told):
    action: str = f("AE27")
    object: str = f("Ouvrir un service de podcasts")
    ballot: Ballot = f("action")
    closes_at: Instant


# --- periods -------------------------------------------------------------------------------------


class Period(Told):
    name: str = f("P26")
    first: Day
    last: Day = f("2026-07-18")


class Days(Said):
    first: Day
    last: Day = f("2026-07-18")


class InventoryRow(Told):
    ref: str = f("AE27")
    number: int = f(27)
    kind: KindName = f("extraordinary")
    object: str = f("Ouvrir un service de podcasts")
    leader: str = f("Ana Brun", "The leader's name.")
    date: Day
    for_: int = f(10, alias="for")
    against: int = f(0)
    expressed: int = f(13)
    link: str | None = f("https://chat.example.org/m/1")
    state: StateName | None = f("adopted")
    imported: bool = f(False, "Whether it comes from a table that was kept by hand.")


class Finding(Told):
    """Something that was done without the action it needed."""

    date: Day
    kind: EntryName = f("service_opened")
    title: str = f("Un service de podcasts")
    needs: KindName = f("extraordinary")
    actions: list[str] = f(["AO3"])
    why: str = f("it is covered only by AO3")


# --- actions -------------------------------------------------------------------------------------


class ListedAction(Told):
    ref: str = f("AE27")
    kind: KindName = f("extraordinary")
    object: str = f("Ouvrir un service de podcasts")
    leader: str = f("Ana Brun", "The leader's name.")
    day: Day
    state: StateName | None = f("open", "None for one that comes from a table kept by hand.")
    closes_at: Instant | None = f("2026-03-08T09:00:00Z")
    for_: int = f(10, alias="for")
    against: int = f(0)
    abstain: int = f(3)
    link: str | None = f("https://chat.example.org/m/1")


class CounterVote(Told):
    called_by: str = f("bob")
    called_at: Instant
    reason: str = f("Nous n’avons personne pour l’entretenir")
    for_: int = f(2, alias="for")
    against: int = f(1)
    abstain: int = f(0)
    closes_at: Instant


class Vote(Told):
    member: str = f("bob")
    choice: ChoiceName = f("for")
    ballot: Ballot = f("action")


class Opinion(Vote):
    at: Instant
    recorded_at: Instant | None = f(None, "Where it became known late.")


class Effect(Told):
    grant_voting_right: str | None = f("zoe", "A member's handle.", default=None)
    amend_charter: dict[str, Any] | None = f(None, "Rules, as the charter has them.", default=None)


class Version(Told):
    at: Instant
    object: str = f("Ouvrir un service de podcasts")


class Explanation(Told):
    why: list[str] = f(["10 of 28 are for: more than half would be 15"])
    next: list[str] = f(["it is adopted on 8 March 2026 if nobody is against it then"])


class HistoryEntry(Told):
    at: Instant
    recorded_at: Instant
    kind: str = f("vote.cast")
    what: str = f("voted for")
    by: str | None = f("bob")
    via: str = f("web")


class Action(Told):
    """An action, and all that is known of it. Members are named by their handles."""

    ref: str = f("AE27")
    kind: KindName = f("extraordinary")
    number: int = f(27)
    version: str = f("1-5f3b8c12", "What `If-Match` takes when it is amended.")
    object: str = f("Ouvrir un service de podcasts")
    versions: list[Version]
    link: str | None = f("https://chat.example.org/m/1")
    condition: str | None = f(None)
    condition_met_at: Instant | None = f(None)
    effects: list[Effect] = f([])
    tags: list[str] = f(["podcasts"])
    proposer: str = f("ana")
    proposed_at: Instant
    leader: str = f("ana")
    charter: int = f(1, "The version of the charter that judges it.")
    state: StateName = f("open")
    how: HowName | None = f(None)
    decided_at: Instant | None = f(None)
    closes_at: Instant
    roll: int = f(28)
    for_: int = f(10, alias="for")
    against: int = f(0)
    abstain: int = f(3)
    expressed: int = f(13)
    votes: list[Vote]
    opinions: list[Opinion] = f([])
    awaited: list[str] = f(["driss"], "Whose vote is still to come on a ballot that is open.")
    counts: bool = f(True, "Whether the caller's vote counts.")
    counter_vote: CounterVote | None = f(None)
    follow_up: Follow | None = f(None)
    note: str = f("")
    links: list[str] = f([])
    explanation: Explanation
    history: list[HistoryEntry]


class NewEffect(Said):
    """One of the two."""

    grant_voting_right: Handle | None = f("zoe", default=None)
    amend_charter: Name | dict[str, Any] | None = f(
        None, "A preset's name, or a mapping of rules.", default=None
    )


class NewAction(Said):
    kind: KindName = f("extraordinary")
    object: Written = f("Ouvrir un service de podcasts")
    leader: Handle | None = f("ana", "The caller unless given.", default=None)
    link: Annotated[str, Field(min_length=1, max_length=2_000)] | None = f(
        "https://chat.example.org/m/1", default=None
    )
    condition: Written | None = f(None, default=None)
    effects: Annotated[list[NewEffect], Field(max_length=20)] = f([], default=[])


class NewVote(Said):
    choice: ChoiceName = f("for")
    ballot: Ballot = f("action", default="action")


class Reason(Said):
    reason: Written = f("Nous n’avons personne pour l’entretenir")


class Object(Said):
    object: Written = f("Ouvrir un service de podcasts, hébergé chez nous")


class To(Said):
    to: Handle = f("bob")


class Note(Said):
    note: Text = f("Bob est volontaire", default="")


class NewFollowUp(Said):
    follow_up: Follow = f("done")
    note: Text = f("En ligne depuis ce matin", default="")
    links: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=2_000)]], Field(max_length=20)
    ] = f(["https://podcasts.example.org"], default=[])


class Comment(Told):
    id: int = f(12)
    member: str = f("bob")
    at: Instant
    changed: Instant | None = f(None)
    text: str = f("Qui s’en occupe l’été ?", "Markdown; empty once it was taken back.")


class NewComment(Said):
    text: Annotated[str, Field(min_length=1, max_length=20_000)] = f("Qui s’en occupe l’été ?")


class Tags(Said):
    tags: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=20)
    ] = f(["podcasts", "été"])


# --- the charter ---------------------------------------------------------------------------------


class CharterPart(Told):
    title: str = f("For everybody")
    rules: list[str] = f(["a member has the right to vote 10 days after joining"])


class RuleChange(Told):
    rule: str = f("extraordinary.window")
    from_: Any = f("7 days", alias="from")
    to: Any = f("14 days")


class ListedCharter(Told):
    number: int = f(1)
    since: Instant | None = f(None, "None for the one that it all begins with.")
    by_action: str | None = f(None, "The action that brought it.")
    preset: str = f("tout-doux-cratie")
    in_force: bool = f(True)


class Charter(ListedCharter):
    rules: dict[str, Any] = f({"preset": "tout-doux-cratie", "voting_right_delay": "10 days"})
    words: list[CharterPart]
    changes: list[RuleChange] = f([], "What differs from the version before.")


# --- the journal and reports ---------------------------------------------------------------------


SeveralDays = Annotated[list[Day], Field(min_length=1, max_length=400)]
Counts = Annotated[list[dict[str, str | int]], Field(max_length=100)]


class JournalContent(Said):
    """An entry, in the words of a scenario."""

    kind: EntryName = f("event")
    title: Name = f("La nuit du libre")
    date: Day | SeveralDays | dict[str, Day] | None = f(
        "2026-05-28", "A day, several, or {first, last}.", default=None
    )
    text: Text | None = f("Une nuit d’ateliers.", default=None)
    partners: Annotated[list[Name], Field(max_length=100)] | None = f(["La Ruche"], default=None)
    links: Annotated[list[str | dict[str, str]], Field(max_length=100)] | None = f(
        [{"title": "Photos", "url": "https://example.org/photos"}], default=None
    )
    attendance: Counts | dict[str, str | int] | int | None = f([{"about": 30}], default=None)
    actions: Annotated[list[Ref], Field(max_length=100)] | None = f(["AO16"], default=None)
    period: Annotated[str, Field(min_length=1, max_length=60)] | None = f(None, default=None)
    request: dict[str, Any] | None = f(None, "For an entry of kind request.", default=None)
    grant: dict[str, Any] | None = f(None, "For an entry of kind grant.", default=None)


class JournalEntry(Told):
    model_config = ConfigDict(extra="allow")

    id: str = f("J3")
    kind: EntryName = f("event")
    title: str = f("La nuit du libre")
    date: Any = f("2026-05-28")


class Published(Told):
    format: str = f("pdf")
    sha256: str = f("2f7c…")
    at: Instant


class ListedReport(Told):
    period: Period
    published: list[Published]


class Report(ListedReport):
    title: str = f("Bilan moral du semestre P26")
    words: dict[str, Any] = f(
        {"sections": {"introduction": {"text": "Un beau semestre."}}},
        "What was written for it, in the words of a scenario.",
    )
    sections: list[str] = f(["Introduction", "Actions"], "The titles of its sections.")


class Words(Said):
    words: dict[str, Any] = f({"sections": {"introduction": {"text": "Un beau semestre."}}})


class Publish(Said):
    audit: bool = f(False, "Whether to tell what went past the actions.", default=False)


# --- the ledger ----------------------------------------------------------------------------------


class Verified(Told):
    at: Instant
    length: int = f(1042)
    head: str = f("d1c0…")
    problem: str = f("", "What differed; empty where it was whole.")


class Ledger(Told):
    length: int = f(1042)
    head: str = f("d1c0…", "The hash of the last entry.")
    recorded_at: Instant | None
    verified: Verified | None = f(None, "The last time it was verified from end to end.")
