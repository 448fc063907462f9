"""What imports have left in database and store, kept for the tests after them: to import anew takes them a second each.

Rows and files come back as they were, with their numbers. Only where nothing else stands in their way.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models

from tocsin.audit.models import AuditRow
from tocsin.people.models import Person


@dataclasses.dataclass(frozen=True)
class Kept:
    """Rows of each table, and a copy of the data directory."""

    rows: dict[type[models.Model], tuple[list[str], list[tuple[Any, ...]]]]
    folder: Path
    place: Path
    """Where it was when it was taken: rows may name it."""


def nothing_is_there() -> bool:
    """Whether no test and no fixture has recorded anything."""
    return not (AuditRow.objects.exists() or Person.objects.exists())


def take(place: Path, folder: Path) -> Kept | None:
    """Copy what is in our tables and in the data directory `place` into `folder`; None where people are there too."""
    if Person.objects.exists():
        return None
    rows = {}
    with connection.cursor() as cursor:
        for model in _models():
            cursor.execute(f"SELECT * FROM {_quoted(model._meta.db_table)}")
            names, found = [column[0] for column in cursor.description], cursor.fetchall()
            if found:
                rows[model] = names, found
    shutil.copytree(place, folder)
    return Kept(rows, folder, place)


def give_back(kept: Kept, place: Path) -> None:
    """Put it into tables in which nothing was recorded, and into a data directory that is not there yet."""
    shutil.copytree(kept.folder, place)
    with connection.cursor() as cursor:
        for model, (names, found) in kept.rows.items():
            table, columns = _quoted(model._meta.db_table), ", ".join(map(_quoted, names))
            if model is not AuditRow:  # of which none is ever deleted, and none is there
                cursor.execute(f"DELETE FROM {table}")  # what migrations put there is among the rows
            marks = ", ".join(["%s"] * len(names))
            moved = [[_moved(value, kept.place, place) for value in row] for row in found]
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", moved)
        for statement in connection.ops.sequence_reset_sql(no_style(), list(kept.rows)):
            cursor.execute(statement)


def _models() -> list[type[models.Model]]:
    ours = [app for app in apps.get_app_configs() if app.name.startswith("tocsin.")]
    return [model for app in ours for model in app.get_models(include_auto_created=True) if model._meta.managed]


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _moved(value: Any, before: Path, after: Path) -> Any:
    return value.replace(str(before), str(after)) if isinstance(value, str) else value
