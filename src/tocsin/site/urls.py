"""Which room answers which address."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from tocsin.site.health import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
]
