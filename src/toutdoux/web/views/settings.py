"""Settings of the association: its name and time, what everybody may see, who answers for it, its
periods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as installation
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from toutdoux.actions import commands
from toutdoux.association.models import Period
from toutdoux.association.settings import DEFAULTS
from toutdoux.association.zones import place_zones, zone_called
from toutdoux.core.words import Refusal, Sentence, say
from toutdoux.language import LANGUAGES

from ..door import Visit, page
from ..forms import Form

WORDS = "use_tu"
SWITCHES = [name for name, value in DEFAULTS.items() if isinstance(value, bool) and name != WORDS]
TEXTS = [name for name, value in DEFAULTS.items() if isinstance(value, str)]

PUBLIC: dict[str, tuple[tuple[str, Sentence], ...]] = {
    "public_actions": (
        ("actions", say("open actions")),
        ("feed", say("feed of actions and decisions (Atom)")),
        ("calendar", say("calendar of deadlines (iCalendar)")),
        ("verify", say("the page that says whether the ledger is whole")),
    ),
    "public_inventory": (("inventories", say("inventories")),),
    "public_reports": (("reports", say("published reports")),),
    "public_charter": (("charter", say("charter")),),
}
"""The addresses that each switch opens, by the names of their pages."""


@require_GET
@page(steward=True)
def settings(visit: Visit) -> HttpResponse:
    return _settings_page(visit)


def _settings_page(visit: Visit, status: int = 200, **context: Any) -> HttpResponse:
    row = visit.association
    kept = dict(visit.settings)
    association = Form(name=row.name, time_zone=row.time_zone, language=row.language)
    return visit.render(
        "settings.html",
        status,
        **{
            "association": association,
            "public": Form(kept),
            "answers": Form(kept),
            "periods": list(Period.objects.filter(association=row)),
            "period": Form(),
            "zones": _zones(row.time_zone),
            "addresses": {name: list(_addresses(visit, name)) for name in PUBLIC},
            "shown": kept,
        }
        | context,
    )


def _noted(visit: Visit, said: Sentence) -> HttpResponse:
    """Back to the head of the page, where it is told; forms lead to what is wrong in themselves."""
    return HttpResponseRedirect(f"{visit.to('settings', said)['Location']}#main")


def _zones(present: str) -> list[tuple[str, str]]:
    """The time zones to choose from; the present one is among them whatever it is."""
    return [(zone, zone.replace("_", " ")) for zone in sorted({present, *place_zones()})]


def _addresses(visit: Visit, switch: str) -> Iterator[tuple[str, Sentence]]:
    """The whole addresses that a switch opens, each with what is there."""
    for name, what in PUBLIC[switch]:
        yield f"{installation.PUBLIC_URL}{visit.url(name)}", what


@require_POST
@page(steward=True)
def association(visit: Visit) -> HttpResponse:
    """Change the association's name, time zone or language."""
    row = visit.association
    form = Form(visit.request.POST)
    told = {"name": form.line("name", say("the association's name"))}
    with form.beside("time_zone"):
        told["time_zone"] = zone_called(form["time_zone"])
    if form["language"] in LANGUAGES:
        told["language"] = form["language"]
    new = {name: value for name, value in told.items() if value != getattr(row, name)}
    if form.sound and new:
        with form.taking(visit.id):
            commands.change_association(visit.asks(), **new)
    if form.sound:
        return _noted(visit, say("This is noted"))
    return _settings_page(visit, form.status, association=form)


@require_POST
@page(steward=True)
def public(visit: Visit) -> HttpResponse:
    """Change what everybody may see."""
    form = Form(visit.request.POST)
    commands.change_settings(visit.asks(), {name: form.on(name) for name in SWITCHES})
    return _noted(visit, say("This is noted"))


@require_POST
@page(steward=True)
def spoken(visit: Visit) -> HttpResponse:
    """Change how members are spoken to."""
    commands.change_settings(visit.asks(), {WORDS: Form(visit.request.POST).on(WORDS)})
    return _noted(visit, say("This is noted"))


@require_POST
@page(steward=True)
def answers(visit: Visit) -> HttpResponse:
    """Change who answers for it."""
    form = Form(visit.request.POST)
    # As browsers send lines, and as they are kept.
    values = {name: form[name].replace("\r\n", "\n").strip() for name in TEXTS}
    with form.taking(visit.id, email="contact"):
        commands.change_settings(visit.asks(), values)
        return _noted(visit, say("This is noted"))
    return _settings_page(visit, form.status, answers=form)


@require_POST
@page(steward=True)
def add_period(visit: Visit) -> HttpResponse:
    """Add a period, or give one other days."""
    form = Form(visit.request.POST)
    name = form.line("name", say("the period's name"))
    first, last = form.day("first"), form.day("last")
    for field, day in (("first", first), ("last", last)):
        if day is None and field not in form.problems:
            form.problems[field] = say("choose a day")
    if form.sound and first is not None and last is not None:
        with form.taking(visit.id):
            commands.add_period(visit.asks(), name, first, last)
            return _noted(visit, say("The period {name} is noted", name=name))
    return _settings_page(visit, form.status, period=form)


@require_POST
@page(steward=True)
def remove_period(visit: Visit) -> HttpResponse:
    name = visit.request.POST.get("name", "")
    try:
        commands.remove_period(visit.asks(), name)
    except Refusal as refusal:
        form = Form()
        form.problem = refusal
        return _settings_page(visit, form.status, period=form)
    return _noted(visit, say("The period {name} is removed", name=name))


urls = [
    path("settings", settings, name="settings"),
    path("settings/association", association, name="settings_association"),
    path("settings/public", public, name="settings_public"),
    path("settings/spoken", spoken, name="settings_spoken"),
    path("settings/answers", answers, name="settings_answers"),
    path("settings/periods", add_period, name="settings_add_period"),
    path("settings/periods/remove", remove_period, name="settings_remove_period"),
]
