"""Addresses of mail that came in. The name without a space is the one that the side bar knows the place by."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from tocsin.site.received_mail import views

_pages = [
    path("<int:pk>/", views.message, name="message"),
    path("<int:pk>/raw/", views.raw, name="raw"),
    path("<int:pk>/decide/", views.work, name="work"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.received, name="received-mail"),
    path("", include((_pages, "received"))),
]
