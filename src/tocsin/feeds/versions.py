"""The number of the manifest's version, which grows. Apart from the manifest: that needs the engine, and pages write
this."""

from __future__ import annotations

from django.db.models import F

from tocsin.feeds.models import Manifest


def touch() -> None:
    """Let readers know that the manifest has changed."""
    if not Manifest.objects.filter(pk=1).update(version=F("version") + 1):
        Manifest.objects.create(pk=1, version=1)
