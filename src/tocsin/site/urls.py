"""Which room answers which address."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.people.access import public, signed_in
from tocsin.site import views
from tocsin.site.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", public(health), name="health"),
    path("sign-in/", include("tocsin.people.urls")),
    path("mail/received/", include("tocsin.site.received_mail.urls")),
    path("language/", public(views.choose_language), name="language"),
    path("keys/", signed_in(views.choose_keys), name="keys"),
    path("help/", signed_in(views.help_page), name="help"),
    path("search/", signed_in(views.search), name="search"),
    path("parts/", public(views.parts), name="parts"),
    path("", include("tocsin.feeds.urls")),
    path("", include("tocsin.directory.urls")),
]

handler500 = "tocsin.site.server_error.server_error"
