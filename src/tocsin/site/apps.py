"""Django's view of the site."""

from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Named apart: `site` alone would hide Python's module of that name in messages."""

    name = "tocsin.site"
    label = "tocsin_site"

    def ready(self) -> None:
        """Tell the rooms below what they cannot know."""
        from django.conf import settings
        from django.urls import reverse

        from tocsin.jobs import outages
        from tocsin.notices import addresses as of_notices
        from tocsin.site import addresses, unusable

        of_notices.reached_at(lambda: addresses.base_address(settings.TOCSIN))
        of_notices.opened_at(lambda reference: reverse("my:notice", args=[reference]))
        outages.told_by(lambda error: unusable.outage(error, settings.TOCSIN.home))
