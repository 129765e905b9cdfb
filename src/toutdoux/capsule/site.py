"""What answers: an association's own files, the generated pages, the fediverse; and what is kept.

A response that says so (`keep`) is the same for all who come without a certificate, until the
ledger goes on or something falls due; it is kept, for ten seconds at most, since what is told
outside the ledger changes as well. How long a ledger is, is looked up five times a second at most,
in a worker: so a page that many ask for costs nothing but its handshake. An own file is kept for a
second, so that whoever changes one sees it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from threading import Lock
from zoneinfo import ZoneInfo

from toutdoux.association.models import Association
from toutdoux.association.settings import Settings, settings_of
from toutdoux.core.words import Sentence, say
from toutdoux.language import Language
from toutdoux.web.door import settle

from . import files, gemtext, members, pages
from .certificate import Identity
from .desk import Desk, desk_of
from .fediverse import part as fediverse
from .hosts import Capsule, Setup
from .protocol import Request, Response, Status, content, failure, page, without_certificate
from .server import Service

_STATE_FOR = timedelta(seconds=0.2)
_PAGE_FOR = timedelta(seconds=10)
_FILE_FOR = timedelta(seconds=1)
_KEPT = 16 * 1024 * 1024
"""Bytes of pages kept in the process."""
_APART = 1024
"""Bytes that a page takes beside its body, with the longest address."""

ROBOTS = """\
User-agent: *
Disallow: /me
Disallow: /fr/me
Disallow: /en/me
Disallow: /fediverse
Disallow: /fr/fediverse
Disallow: /en/fediverse
"""
"""Unless the association has its own. What programs read here would be other people's pages."""


@dataclass
class Visit:
    """A request to an association's capsule, with what every page needs.

    What was due in the association has taken place.

    Attributes:
        request: what is asked, by whom, and when.
        association: whose capsule it is; its `ledger` is there as well.
        language: the association's, in its time zone; what a text that is forgotten is called, how
            dates are written …
        url: where the capsule is: "gemini://gemini.example.org".
    """

    request: Request
    association: Association
    language: Language
    url: str

    @property
    def id(self) -> str:
        """The association's id, as commands and readers want it."""
        return str(self.association.pk)

    @property
    def now(self) -> datetime:
        return self.request.at

    @cached_property
    def settings(self) -> Settings:
        """What the association shows to everybody."""
        return settings_of(self.association)

    def page(self, text: gemtext.Page, *, keep: bool = False) -> Response:
        """A page in the visit's language; see `protocol.Response.keep`."""
        return page(text, self.language.code, keep=keep)

    def refuse(self, status: Status, why: Sentence) -> Response:
        """A failure, in the visit's language."""
        return failure(status, self.language.say(why))

    def without_certificate(self) -> Response | None:
        """60 or 62 where there is no certificate that can be used; None if there is one."""
        missing = without_certificate(self.request)
        return None if missing is None else self.refuse(*missing)


Part = Callable[[Visit], Response | None]
"""Answers some of the paths, and None to the others."""


def parts() -> Sequence[Part]:
    """What answers, one after the other."""
    return (pages.answer, members.answer, fediverse.answer)


class Site:
    """All the capsules that are served here."""

    def __init__(self, setup: Setup, parts: Sequence[Part]) -> None:
        self._setup = setup
        self._parts = parts
        self._capsules = {host: one for one in setup.capsules for host in one.hosts}
        self._languages: dict[str, Language] = {}
        self._identities: dict[Capsule, Identity] = {}
        self._shelf = _Shelf()

    def service(self, now: datetime) -> Service:
        """What the server needs; makes the certificates that there aren't yet."""
        self._identities = {one: one.keys.at_start(one.hosts, now) for one in self._setup.capsules}
        for one in Association.objects.all():
            self._languages[one.slug] = Language(one.language, ZoneInfo(one.time_zone))
        return Service(
            hosts={host: self._identities[one] for host, one in self._capsules.items()},
            answer=self.answer,
            kept=self.kept,
            abroad=fediverse.is_asked,
            speak=self._speak,
            port=self._setup.port,
        )

    def _speak(self, sentence: Sentence, host: str) -> str:
        capsule = self._capsules.get(host) or self._setup.capsules[0]
        language = self._languages.get(capsule.association, Language("en", ZoneInfo("UTC")))
        return language.say(sentence)

    def kept(self, request: Request) -> Response | None:
        """A page that is kept, if it is known to be how things stand."""
        if request.certificate is not None:
            return None
        return self._shelf.get(self._capsules[request.host].association, request.url, request.at)

    def answer(self, request: Request) -> Response:
        """Any page; called in a worker."""
        capsule = self._capsules[request.host]
        state = self._shelf.state(capsule.association, request.at) or self._look_up(
            capsule.association, request.at
        )
        if state is None:
            why = say("There is no association here any more.")
            return failure(Status.GONE, self._speak(why, request.host))
        if (kept := self.kept(request)) is not None:
            return kept
        association = state.association
        language = Language(association.language, ZoneInfo(association.time_zone))
        visit = Visit(request, association, language, self._setup.url(capsule))
        own = files.find(capsule.folder, request.segments, language.code)
        response = own or self._made(capsule, visit)
        # Of addresses with a query there is no end: each would push another page out.
        if request.certificate is None and request.query is None and (own or response.keep):
            until = request.at + (_FILE_FOR if own else _PAGE_FOR)
            self._shelf.put(association.slug, request.url, state.length, until, response)
        return response

    def _look_up(self, slug: str, now: datetime) -> _State | None:
        """How an association stands now, what is due having taken place."""
        rows = Association.objects.select_related("ledger").filter(slug=slug)
        association = rows.first()
        if association is None:
            return None
        due_at = association.ledger.due_at
        if due_at is not None and due_at <= now:
            settle(str(association.pk), now, "gemini")
            association = rows.get()
        return self._shelf.note(association, now)

    def _made(self, capsule: Capsule, visit: Visit) -> Response:
        """A generated page; a list of what is in a folder of the association's own; nothing."""
        segments = visit.request.segments
        if segments == ("robots.txt",):
            return content(ROBOTS.encode(), "text/plain; charset=utf-8")
        desk = desk_of(visit)
        if isinstance(desk, Desk) and desk.parts == ("certificate",):
            return _certificates(self._identities[capsule], capsule.keys.next, desk)
        for part in self._parts:
            if response := part(visit):
                return response
        if segments != ("",):
            title = visit.language.say(say("Files:"))
            if own := files.listing(capsule.folder, segments, visit.language.code, title):
                return own
        return visit.refuse(Status.NOT_FOUND, say("There is nothing at this address."))


def _certificates(served: Identity, coming: Identity | None, desk: Desk) -> Response:
    """How to tell that this is the capsule; and which certificate comes next, before it does.

    Args:
        served: what is shown to readers now, whatever the file holds already.
        coming: the next one.
    """
    tell = desk.tell
    written = gemtext.Page().heading(1, tell(say("This capsule's certificate")))
    told = [(say("The certificate in use"), served)]
    if coming is not None:
        written.text(
            tell(
                say(
                    "It will change soon: when it has the fingerprint of the next one below, it"
                    " is still this capsule, and you can trust it."
                )
            )
        )
        told.append((say("The next one"), coming))
    for title, identity in told:
        written.heading(2, tell(title)).items(
            [
                tell(say("valid until {at}", at=identity.ends)),
                tell(say("SHA-256 of the certificate: {print}", print=identity.fingerprint)),
                tell(say("SHA-256 of its key: {print}", print=identity.key_fingerprint)),
            ]
        )
    return replace(desk.page(written), keep=False)  # no entry tells that it changes


@dataclass(frozen=True, slots=True)
class _State:
    """How an association was found: with how long a ledger; and until when that is believed."""

    association: Association
    length: int
    until: datetime


class _Shelf:
    """The pages that are kept, the least used thrown away first; and how long the ledgers are."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._states: dict[str, _State] = {}
        self._pages: OrderedDict[tuple[str, str], tuple[int, datetime, Response]] = OrderedDict()
        self._bytes = 0

    def note(self, association: Association, now: datetime) -> _State:
        """Note how an association was found just now."""
        until, due_at = now + _STATE_FOR, association.ledger.due_at
        if due_at is not None:
            until = min(until, due_at)
        state = _State(association, association.ledger.length, until)
        self._states[association.slug] = state
        return state

    def state(self, slug: str, now: datetime) -> _State | None:
        """How an association was found, if that was a moment ago."""
        found = self._states.get(slug)
        return found if found and now < found.until <= now + _STATE_FOR else None

    def get(self, slug: str, url: str, now: datetime) -> Response | None:
        state = self.state(slug, now)
        if state is None:
            return None
        with self._lock:
            found = self._pages.get((slug, url))
            if found is None or found[0] != state.length or not found[1] > now:
                return None
            self._pages.move_to_end((slug, url))
        return found[2]

    def put(self, slug: str, url: str, length: int, until: datetime, response: Response) -> None:
        with self._lock:
            if old := self._pages.pop((slug, url), None):
                self._bytes -= _APART + len(old[2].body)
            self._pages[slug, url] = length, until, response
            self._bytes += _APART + len(response.body)
            while self._bytes > _KEPT:
                _, dropped = self._pages.popitem(last=False)
                self._bytes -= _APART + len(dropped[2].body)
