"""Rows as they are when an action has its turn."""

from __future__ import annotations

from django.db.models import Model


def read_again(row: Model) -> None:
    """Bring a row up to date and keep it so until the action ends.

    It was read for a page before the action had its turn, and others have had theirs since.
    """
    row.refresh_from_db(from_queryset=type(row)._default_manager.select_for_update())
