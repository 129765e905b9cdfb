"""The generated pages of an association's capsule: what everybody may read, in French and English.

Each is shown by the setting that shows it on the web, and masks what the web masks. An address
that begins with `/fr/` or `/en/` is told in that language, any other in the association's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from toutdoux import __version__
from toutdoux.association import charters
from toutdoux.association.models import Role
from toutdoux.association.people import memberships_at
from toutdoux.association.stewards import is_steward_role
from toutdoux.core.charter_in_words import changed_words, charter_in_words, origin_in_words
from toutdoux.core.history import CharterVersion
from toutdoux.core.words import Refusal, Sentence, say, say_n
from toutdoux.language import LANGUAGES
from toutdoux.web.models import Verified
from toutdoux.web.speech import absolute
from toutdoux.web.views.site import ARCHIVE, source_archive

from . import actions, records
from .desk import Desk, Written, desk_of
from .fediverse import setup as fediverse
from .protocol import Response, Status

if TYPE_CHECKING:
    from .site import Visit

MOST_OPEN = 25
"""Open actions on the home page."""
_ARCHIVE = f"{ARCHIVE}.tar.gz"

Tells = Callable[..., Response]


def answer(visit: Visit) -> Response | None:
    """A generated page, or None where the path is no page's."""
    desk = desk_of(visit)
    if isinstance(desk, Response):
        return desk
    match desk.parts:
        case ():
            return _home(desk)
        case ("source", name) if name == _ARCHIVE:
            body = source_archive(None, ARCHIVE).content
            return Response(Status.SUCCESS, "application/gzip", body)
        case (first, *rest) if (found := PAGES.get((first, len(rest)))) is not None:
            shown_by, tells = found
            # As if there were none: whether there is one is nobody's business either.
            return tells(desk, *rest) if getattr(visit.settings, f"public_{shown_by}") else None
    return None


# --- home ----------------------------------------------------------------------------------------


def _home(desk: Desk) -> Response:
    visit, shows, tell = desk.visit, desk.visit.settings, desk.tell
    written = Written()
    written.heading(1, visit.association.name)
    written.text(
        tell(
            say(
                "This association decides by actions that any member may propose, and on which all"
                " may vote. Here is what it shows to everybody."
            )
            if shows.public_anything
            else say("This association decides by actions, and shows nothing of them to everybody.")
        )
    )
    if shows.public_actions:
        written.heading(2, tell(say("Open actions")))
        if actions.list_open(desk, written, MOST_OPEN) > MOST_OPEN:
            written.link(desk.path("actions"), tell(say("All that are open")))
    if shows.public_inventory:
        written.heading(2, tell(say("Inventories by period")))
        records.list_periods(desk, written)
    if shows.public_anything:
        written.heading(2, tell(say("To read and to follow")))
    for name, shown, label in (
        ("actions", shows.public_actions, say("Open actions")),
        ("decisions", shows.public_actions, say("Decisions (to subscribe to)")),
        ("journal", shows.public_reports, say("Journal (to subscribe to)")),
        ("reports", shows.public_reports, say("Activity reports")),
        ("charter", shows.public_charter, say("Charter: the rules in force, in plain words")),
        ("members", shows.public_actions, say("Members: how many, and their roles")),
        ("verify", shows.public_actions, say("Verify the ledger")),
    ):
        if shown:
            written.link(desk.path(name), tell(label))
    written.heading(2, tell(say("Elsewhere")))
    written.link(desk.path("me"), tell(say("For members, with a certificate")))
    if _has_fediverse(visit.association.slug):
        written.link(desk.path("fediverse"), tell(say("On the fediverse")))
    if urlsplit(settings.PUBLIC_URL).hostname not in {None, "localhost", "127.0.0.1", "::1"}:
        written.link(
            absolute(reverse("today", kwargs={"slug": visit.association.slug})),
            tell(say("On the web")),
        )
    written.link(desk.path("certificate"), tell(say("How to recognise this capsule")))
    source = tell(say("Source of this version (Tout-Doux {version})", version=__version__))
    written.link(_source(), source)
    for code in LANGUAGES:
        if code != desk.language.code:
            written.link(f"/{code}/", {"fr": "Français", "en": "English"}[code])
    return visit.page(written, keep=True)


def _has_fediverse(slug: str) -> bool:
    try:
        return bool(fediverse.allowed_by(slug).accounts)
    except Refusal:  # the part that answers there says so
        return False


def _source() -> str:
    """Where the source of what runs here is: where its operator says, or here."""
    told: str = settings.SOURCE
    return told if urlsplit(told).scheme in {"http", "https"} else f"/source/{_ARCHIVE}"


# --- the charter ---------------------------------------------------------------------------------


def _charter(desk: Desk, number: str = "") -> Response:
    """The rules in force in plain words, or those of another version."""
    versions = charters.versions(desk.visit.id, desk.visit.now)
    current = versions[-1]
    shown = _version(desk, versions, number) if number else current
    if shown is None:
        return desk.nothing(say("The charter has no such version."))
    written = Written()
    written.heading(1, desk.tell(say("Charter")))
    if shown.number == current.number:
        said = say("The rules in force: {version}.", version=_named(shown))
    else:
        said = say("These rules are in force no more: {version}.", version=_named(shown))
    written.text(desk.tell(said)).text(desk.tell(origin_in_words(shown.charter)))
    if shown.by_action and desk.visit.settings.public_actions:
        about = say("the action {ref}", ref=shown.by_action)
        written.link(desk.path("actions", shown.by_action), desk.tell(about))
    for title, sentences in charter_in_words(shown.charter):
        written.heading(2, desk.tell(title)).items(f"{desk.tell(one)}." for one in sentences)
    written.heading(2, desk.tell(say("Versions")))
    judged = say("Each action is judged by the version that was in force when it was proposed.")
    written.text(desk.tell(judged)).blank()
    for one in reversed(versions):
        written.link(desk.path("charter", one.number), desk.tell(_named(one)))
        if one.number > 1:
            about = say("what it changed ({n})", n=one.number)
            written.link(desk.path("charter", one.number, "changes"), desk.tell(about))
    return desk.page(written)


def _charter_changes(desk: Desk, number: str, changes: str) -> Response:
    """What a version of the charter changed in the one before."""
    versions = charters.versions(desk.visit.id, desk.visit.now)
    new = _version(desk, versions, number)
    before = next((one for one in versions if new and one.number == new.number - 1), None)
    if new is None or before is None or changes != "changes":
        return desk.nothing(say("The charter has no such version."))
    written = Written()
    title = say("From version {old} to version {new}", old=before.number, new=new.number)
    written.heading(1, desk.tell(title))
    told = changed_words(before.charter, new.charter, desk.tell)
    actions.write_changes(desk, written, told)
    return desk.page(written, (desk.path("charter"), say("Charter")))


def _version(desk: Desk, versions: list[CharterVersion], number: str) -> CharterVersion | None:
    asked = desk.number(number, versions[-1].number)
    return next((one for one in versions if one.number == asked), None)


def _named(one: CharterVersion) -> Sentence:
    if one.since:
        return say("version {n}, since {at}", n=one.number, at=one.since)
    return say("version {n}, from the beginning", n=one.number)


# --- members -------------------------------------------------------------------------------------


def _members(desk: Desk) -> Response:
    """How many there are, and which roles are held: nobody is named, as on the web."""
    visit = desk.visit
    present = memberships_at(visit.now).filter(member__association=visit.id)
    count = present.values("member").distinct().count()
    day = visit.now.astimezone(desk.language.zone).date()
    held = Role.objects.filter(
        Q(last__isnull=True) | Q(last__gte=day),
        first__lte=day,
        role__text__isnull=False,
        member__in=present.values("member"),
    )
    roles = Counter(_role(desk, text or "") for text in held.values_list("role__text", flat=True))
    written = Written()
    written.heading(1, desk.tell(say("Members")))
    written.text(desk.tell(say_n("{n} member", "{n} members", count)))
    if roles:
        written.heading(2, desk.tell(say("Roles")))
        for role, n in sorted(roles.items()):
            people = desk.language.say(say_n("{n} person", "{n} people", n))
            written.items([f"{role} — {people}"])
    written.blank().text(desk.tell(say("Nobody is named here.")))
    return desk.page(written)


def _role(desk: Desk, text: str) -> str:
    if is_steward_role(text):
        return desk.tell(say("référent·e"))
    role = desk.title(desk.shown(text))
    return role[:1].upper() + role[1:]


# --- verifying -----------------------------------------------------------------------------------


def _verify(desk: Desk) -> Response:
    """How long the ledger is, what its head is, and how to see that it is whole."""
    visit, tell = desk.visit, desk.tell
    ledger = visit.association.ledger
    written = Written()
    written.heading(1, tell(say("Verify")))
    written.text(
        tell(
            say(
                "All that is done here is an entry of one ledger. Each entry holds the hash of the"
                " one before: nothing can be changed, taken out or slipped in later without it"
                " showing. Decisions are not believed either: they are decided again, from the"
                " votes and the charter."
            )
        )
    )
    written.heading(2, tell(say("The ledger now")))
    written.text(tell(say_n("{n} entry", "{n} entries", ledger.length)))
    written.preformatted(ledger.head, tell(say("Head")))
    written.text(
        tell(
            say(
                "The head is the hash of the last entry. Whoever noted it down can show, at any"
                " later time, whether what came before is still the same."
            )
        )
    )
    written.heading(2, tell(say("The last full verification")))
    last = Verified.objects.filter(association=visit.id).first()
    if last is None:
        written.text(tell(say("It was not verified yet. It is, by itself, every day.")))
    elif last.problem:
        written.text(tell(say("Something is not what was recorded.")))
        written.text(tell(say("{day}", day=last.at)))
    else:
        entries = say_n("{n} entry", "{n} entries", last.length)
        whole = say(
            "The ledger is whole: {entries} were hashed again, all decisions decided again, and all"
            " tables compared with them.",
            entries=entries,
        )
        written.text(tell(whole)).text(tell(say("{day}", day=last.at)))
        written.preformatted(last.head, tell(say("Head then")))
    written.heading(2, tell(say("Check it yourself")))
    written.text(
        tell(say("Members can download the whole ledger and verify it on a machine of their own."))
    )
    file = f"toutdoux-{visit.association.slug}.jsonl"
    command = f"toutdoux verify --bundle {file}"
    written.preformatted(command, tell(say("The command that verifies a bundle")))
    written.text(tell(say("On the server itself, this verifies the tables as well:")))
    command = f"toutdoux verify --association {visit.association.slug}"
    written.preformatted(command, tell(say("The command that verifies all on the server")))
    written.link(_source(), tell(say("Source of this version")))
    return desk.page(written)


PAGES: Mapping[tuple[str, int], tuple[str, Tells]] = {
    ("actions", 0): ("actions", actions.actions),
    ("actions", 1): ("actions", actions.action),
    ("decisions", 0): ("actions", actions.decisions),
    ("decisions.atom", 0): ("actions", actions.decisions_feed),
    ("inventory", 0): ("inventory", records.inventories),
    ("inventory", 1): ("inventory", records.inventory),
    ("inventory", 2): ("inventory", records.inventory),
    ("reports", 0): ("reports", records.reports),
    ("reports", 1): ("reports", records.report),
    ("reports", 2): ("reports", records.report_file),
    ("journal", 0): ("reports", records.gemlog),
    ("journal.atom", 0): ("reports", records.journal_feed),
    ("journal", 1): ("reports", records.journal_entry),
    ("charter", 0): ("charter", _charter),
    ("charter", 1): ("charter", _charter),
    ("charter", 2): ("charter", _charter_changes),
    ("members", 0): ("actions", _members),
    ("verify", 0): ("actions", _verify),
}
"""What answers, by the beginning of the path and how many parts follow it; and the setting
(`public_…`) that shows it to everybody."""
