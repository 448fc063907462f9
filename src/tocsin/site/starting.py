"""Making the rooms that use the database ready, for commands that need them."""

from __future__ import annotations

import os


def set_up_django() -> None:
    """Load the settings and the rooms. Costs a third of a second: pure commands do without."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
    django.setup()


def open_instance() -> None:
    """Do so for the instance in the data directory. Raises Conflict when it is not set up, or of another version."""
    from django.apps import apps

    from tocsin.site import instance
    from tocsin.site.config import load

    if not apps.ready:  # else somebody has chosen the instance already: a test, a web process
        instance.require_ready(load().home)
        set_up_django()
