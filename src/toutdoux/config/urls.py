"""All addresses: the API's, then those of the pages."""

from __future__ import annotations

from django.urls import include, path

handler400 = "toutdoux.web.errors.bad_request"
handler403 = "toutdoux.web.errors.denied"
handler404 = "toutdoux.web.errors.not_found"
handler500 = "toutdoux.web.errors.fault"
handler429 = "toutdoux.web.errors.too_many"  # asked for by allauth

# By name: what is set up here is below them.
urlpatterns = [
    path("", include("toutdoux.api.urls")),
    path("", include("toutdoux.chat.views")),
    path("", include("toutdoux.capsule.views")),
    path("", include("toutdoux.web.urls")),
]
