"""Instants. Aware, in UTC, always; a naive datetime is refused where it enters."""

from __future__ import annotations

import datetime as dt
from typing import TypeAlias

Instant: TypeAlias = dt.datetime
"""An aware datetime in UTC. Called `…_at`; a day alone is a `datetime.date` and called `…_on`."""

UTC = dt.UTC


def now() -> Instant:
    """Return the present instant. Rules and engine never call this: they take the instant as an argument."""
    return dt.datetime.now(UTC)


def instant(value: dt.datetime) -> Instant:
    """Return `value` in UTC. Raises ValueError when it has no zone."""
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return value.astimezone(UTC)
