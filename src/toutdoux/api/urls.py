"""The addresses of the API."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import URLPattern, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from ninja import NinjaAPI

from toutdoux.core.words import say

from . import actions, docs, people, problems, records
from .description import description
from .door import Bearer, Json, finish

api = NinjaAPI(
    title="Tout-Doux",
    description="Everything that the pages do, for one association: that of the token's member.",
    auth=Bearer(),
    parser=Json(),
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
for _module in (people, actions, records):
    api.add_router("", _module.router)
problems.told_by(api)


def _described(request: Any) -> HttpResponse:
    return JsonResponse(description(api))


def _documented(request: Any) -> HttpResponse:
    return docs.page(request, api)


def _outside(view: Any) -> Any:
    """What all answers have in common, those that are refused before an operation begins too."""

    @csrf_exempt  # who is signed in is looked at more closely: `door.Bearer`
    @wraps(view)
    def wrapped(request: Any, *places: Any, **named: Any) -> HttpResponse:
        try:
            if "\0" in request.path:
                raise Http404
            why = say("there is a character here that is not text")
            wrong = [(name, why) for name, text in request.headers.items() if "\0" in text]
            if wrong:
                response = problems.answer(request, problems.Problem(422, errors=wrong))
            else:
                response = view(request, *places, **named)
        except Http404:
            response = problems.answer(request, problems.Problem(404))
        if response.status_code == 405:
            response = problems.not_allowed(request, response["Allow"])
        return finish(request, response)

    return wrapped


def _nothing(request: Any) -> HttpResponse:
    raise Http404


def _operations() -> list[URLPattern]:
    return [
        URLPattern(one.pattern, _outside(one.callback), one.default_args, one.name)
        for one in api.urls[0]
        if isinstance(one, URLPattern) and one.name != "api-root"
    ]


urlpatterns = [
    path("api/docs", require_safe(_documented), name="api_docs"),
    path("api/v1/openapi.json", require_safe(_described), name="api_description"),
    path("api/v1/", include(_operations())),
    re_path(r"^api(?:/|$)", _outside(_nothing)),
]
