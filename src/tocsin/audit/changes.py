"""Change fields of a row and say what was and what became, for the event."""

from __future__ import annotations

from typing import Any

from django.db import models

from tocsin.kernel.events import plain


def change(row: models.Model, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Set and save the fields that really differ; return them as they were and as they are.

    Both are empty when nothing differs: then nothing was saved.
    """
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    before = {name: plain(getattr(row, name)) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.save(update_fields=list(changed))
    return before, {name: plain(value) for name, value in changed.items()}
