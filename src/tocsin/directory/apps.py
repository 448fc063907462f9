"""Django's view of the room."""

from __future__ import annotations

import importlib

from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    """Registers what the room listens to."""

    name = "tocsin.directory"

    def ready(self) -> None:
        """Let the listeners register themselves."""
        importlib.import_module("tocsin.directory.listeners")
