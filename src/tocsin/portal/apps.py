"""Django's view of the room."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Registers what the room listens to."""

    name = "tocsin.portal"

    def ready(self) -> None:
        """Let the listeners register themselves."""
        importlib.import_module("tocsin.portal.listeners")
