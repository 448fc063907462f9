"""Django's view of the site."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Named apart: `site` alone would hide Python's module of that name in messages."""

    name = "tocsin.site"
    label = "tocsin_site"
