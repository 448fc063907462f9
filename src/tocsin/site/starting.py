"""Making the rooms that use the database ready, for commands that need them."""

from __future__ import annotations

import os


def set_up_django() -> None:
    """Load the settings and the rooms. Costs a third of a second: pure commands do without."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tocsin.site.settings")
    django.setup()
