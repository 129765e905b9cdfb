"""The addresses: each module of pages says its own. All of an association's are under
`/a/<its short name>/`."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from .views import (
    accounts,
    actions,
    charters,
    journal,
    lists,
    me,
    members,
    notices,
    propose,
    public,
    reports,
    settings,
    site,
    today,
    verify,
)

_PAGES = (
    today,
    propose,
    actions,
    lists,
    members,
    me,
    journal,
    reports,
    charters,
    verify,
    settings,
    public,
)

urlpatterns = [
    *site.urls,
    *accounts.urls,
    *notices.urls,
    path("robots.txt", public.robots, name="robots"),
    path("account/", include("allauth.urls")),
    path("a/<str:slug>", RedirectView.as_view(pattern_name="today")),
    path("a/<str:slug>/", include([one for pages in _PAGES for one in pages.urls])),
]
