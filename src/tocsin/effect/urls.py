"""Addresses of the room. The name without a space is the one that the side bar knows the place by."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.effect import views

_pages = [
    path("one/", views.one, name="one"),
    path("curve.<str:form>", views.curve, name="curve"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("effect/", views.overview, name="effect"),
    path("effect/", include((_pages, "effect"))),
]
