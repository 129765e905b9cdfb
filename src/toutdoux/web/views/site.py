"""What belongs to the installation, not to an association."""

from __future__ import annotations

import gzip
import io
import tarfile
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from toutdoux import __version__
from toutdoux.association.models import Association
from toutdoux.association.settings import Settings, settings_of
from toutdoux.config.settings import PACKAGE
from toutdoux.language import LANGUAGES

from ..models import Account
from ..speech import render
from . import today

A_YEAR = 31_536_000


def health(request: Any) -> HttpResponse:
    """For monitors: whether the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok", content_type="text/plain")


@require_POST
def comfort(request: Any) -> HttpResponse:
    """Keep somebody's choice of language or colours, and go back to where they were."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    for name, kept, known in (
        ("lang", "language", LANGUAGES),
        ("theme", "theme", ("light", "dark", "")),
    ):
        told = request.POST.get(name)
        if told not in known:
            continue
        if told:
            response.set_cookie(
                name, told, max_age=A_YEAR, samesite="Lax", secure=request.is_secure()
            )
        else:
            response.delete_cookie(name, samesite="Lax")
        if request.user.is_authenticated:
            Account.objects.filter(pk=request.user.pk).update(**{kept: told})
    return response


# --- who answers for it --------------------------------------------------------------------------


def _answers(request: Any, name: str) -> HttpResponse:
    """A page about the installation, with what its one association says of itself."""
    associations = list(Association.objects.order_by("pk")[:2])
    one = associations[0] if len(associations) == 1 else None
    kept = settings_of(one) if one is not None else Settings()
    context = {
        # Whoever is named answers for it, and whoever is not stays unnamed.
        "association": one if kept.publisher or kept.public_anything else None,
        "kept": kept,
        "version": __version__,
        "address": settings.PUBLIC_URL,
        "email": "@" in kept.contact and "/" not in kept.contact,
    }
    return render(request, name, context)


def legal(request: Any) -> HttpResponse:
    return _answers(request, "legal.html")


def privacy(request: Any) -> HttpResponse:
    return _answers(request, "privacy.html")


def register(request: Any) -> HttpResponse:
    """What an association copies into its register of processing."""
    return _answers(request, "privacy_register.html")


def accessibility(request: Any) -> HttpResponse:
    return _answers(request, "accessibility.html")


# --- the source ----------------------------------------------------------------------------------

ARCHIVE = f"toutdoux-{__version__}"
_BESIDE = ("LICENSE", "README.md", "pyproject.toml", "Makefile")


def source(request: Any) -> HttpResponse:
    told = settings.SOURCE if urlsplit(settings.SOURCE).scheme in ("http", "https") else ""
    address = told or reverse("source_archive", kwargs={"name": ARCHIVE})
    return render(request, "source.html", {"address": address, "version": __version__})


def source_archive(request: Any, name: str) -> HttpResponse:
    """The program as it runs here, changed or not: the licence promises it to whoever uses it."""
    if name != ARCHIVE:
        raise Http404
    response = HttpResponse(_archive(), content_type="application/gzip")
    response["Content-Disposition"] = f'attachment; filename="{ARCHIVE}.tar.gz"'
    response["Cache-Control"] = "public, max-age=3600"
    return response


@cache
def _archive() -> bytes:
    root = PACKAGE.parents[1]
    is_checkout = (root / "pyproject.toml").is_file() and PACKAGE.parent.name == "src"
    packed = io.BytesIO()
    # The same bytes every time: what is told of a file's owner and times is left out.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as pressed,
        tarfile.open(fileobj=pressed, mode="w") as archive,
    ):
        for file in sorted(PACKAGE.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                _add(archive, file, f"{ARCHIVE}/src/toutdoux/{file.relative_to(PACKAGE)}")
        for name in _BESIDE if is_checkout else ():
            if (root / name).is_file():
                _add(archive, root / name, f"{ARCHIVE}/{name}")
    return packed.getvalue()


def _add(archive: tarfile.TarFile, file: Path, name: str) -> None:
    content = file.read_bytes()
    told = tarfile.TarInfo(name)
    told.size = len(content)
    archive.addfile(told, io.BytesIO(content))


urls = [
    path("", today.home, name="home"),
    path("healthz", health, name="health"),
    path("comfort", comfort, name="comfort"),
    path("legal", legal, name="legal"),
    path("privacy", privacy, name="privacy"),
    path("privacy/register", register, name="privacy_register"),
    path("accessibility", accessibility, name="accessibility"),
    path("source", source, name="source"),
    path("source/<str:name>.tar.gz", source_archive, name="source_archive"),
]
