"""The base of everything that has happened.

An event is a frozen value in the past tense. It carries identifiers and plain
values only, so that it can be stored in the audit trail and told to other
rooms after the transaction that caused it is committed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import uuid
from typing import Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened. Subclasses add fields."""

    def as_data(self) -> dict[str, Any]:
        """Return the fields as values that JSON can carry."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self)}


def plain(value: Any) -> Any:
    """Return `value` as JSON can carry it: ISO 8601 for instants and dates, text for identifiers and choices."""
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [plain(item) for item in value]
        return sorted(items, key=str) if isinstance(value, set | frozenset) else items
    return value
