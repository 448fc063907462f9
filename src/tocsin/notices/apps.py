"""Django's view of the room."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Registers what the room listens to."""

    name = "tocsin.notices"

    def ready(self) -> None:
        """Let the listeners register themselves."""
        importlib.import_module("tocsin.notices.listeners")
