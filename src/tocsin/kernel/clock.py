"""Instants. Aware, in UTC, always; a naive datetime is refused where it enters. Days are of UTC, too (decision 20)."""

from __future__ import annotations

import datetime as dt
import re
from typing import TypeAlias

Instant: TypeAlias = dt.datetime
"""An aware datetime in UTC. Called `…_at`; a day alone is a `datetime.date` and called `…_on`."""

UTC = dt.UTC
EASTERNMOST = dt.timedelta(hours=14)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def now() -> Instant:
    """Return the present instant. Rules and engine never call this: they take the instant as an argument."""
    return dt.datetime.now(UTC)


def instant(value: dt.datetime) -> Instant:
    """Return `value` in UTC. Raises ValueError when it has no zone."""
    if value.tzinfo is None:
        raise ValueError(f"{value.isoformat()} has no time zone")
    return value.astimezone(UTC)


def day_of(at: Instant) -> dt.date:
    """Return the day of an instant in UTC: the calendar of reports, and of whatever is said beside them."""
    return at.astimezone(UTC).date()


def latest_day(at: Instant) -> dt.date:
    """Return the last day that has begun anywhere at an instant: people in the east write it already."""
    return (at + EASTERNMOST).astimezone(UTC).date()


def zone_of(local: dt.datetime) -> str:
    """Return "UTC", "UTC+11" or "UTC−3:30": names of zones are ambiguous, offsets are not."""
    minutes = int((local.utcoffset() or dt.timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "−" if minutes < 0 else "+"
    return "UTC" + (f"{sign}{hours}" if minutes else "") + (f":{rest:02}" if rest else "")


def day(text: str) -> dt.date:
    """Read a day as people write it here: `2026-01-31`. Raises ValueError for other forms and days that are not.

    ISO 8601 knows more (`20260131`, `2026-W05-6`), which somebody may write without meaning them.
    """
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is no day like 2026-01-31")
    return dt.date.fromisoformat(text)
