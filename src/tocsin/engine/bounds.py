"""Of which days reports can be, and when their rows can have been seen.

A clock that was never set writes 1970, a broken one 9999. Such a time is not
believed: neither first nor last sight of a finding may hang on it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

import numpy as np

from tocsin.engine.addresses import Mask
from tocsin.kernel.clock import Instant

EARLIEST = dt.date(1990, 1, 1)
"""What is dated before it was dated by a clock that was never set."""
LONGEST_AGO = dt.timedelta(days=3653)
"""How long before its report a row may have been seen: lists of what is still active carry old ones."""
LATER_DAYS = 1
"""How many days after its report a row may have been seen: clocks differ."""

AHEAD_DAYS = 31
"""A report may be dated so many days after its import: a wrong clock or zone is nearer, a wrong year is not."""


def last_acceptable(at: Instant) -> dt.date:
    """Return the last day that a report may be of when it is imported at an instant."""
    return at.date() + dt.timedelta(days=AHEAD_DAYS)


def acceptable_from(day: dt.date) -> dt.date:
    """Return the first day on which a report of a day may be imported."""
    return dt.date.fromordinal(max(day.toordinal() - AHEAD_DAYS, 1))


@dataclasses.dataclass(frozen=True)
class Bounds:
    """Which times are believed.

    They follow from the day of the report, where its name says it; otherwise from the last day on which it may be.
    """

    on: dt.date | None = None
    latest: dt.date | None = None

    def exclude(self, times: Any) -> Mask:
        """Return which times (datetime64[us], UTC) are not believed; what is no time is not excluded."""
        excluded: Mask = times < np.datetime64(self.since, "us")
        if self.until:
            excluded |= times >= np.datetime64(self.until, "us")
        return excluded

    def latest_after(self, times: Any) -> dt.date | None:
        """Return the latest day of the times after those of the report's own day; None for none.

        What lies ahead of the import is not among them: a broken clock says nothing of the name of a file.
        """
        if self.on is None or self.until is None or self.latest is None:
            return None
        end = dt.date.fromordinal(self.latest.toordinal() + 1)
        after = times[(times >= np.datetime64(self.until, "us")) & (times < np.datetime64(end, "us"))]
        found: dt.date | None = after.max().astype("datetime64[D]").item() if len(after) else None
        return found

    @property
    def since(self) -> dt.date:
        """The first day."""
        ago = self.on.toordinal() - LONGEST_AGO.days if self.on else 0
        return max(EARLIEST, dt.date.fromordinal(max(ago, 1)))

    @property
    def until(self) -> dt.date | None:
        """The day after the last; None where any is believed."""
        last = self.on.toordinal() + LATER_DAYS if self.on else self.latest.toordinal() if self.latest else None
        return dt.date.fromordinal(last + 1) if last and last < dt.date.max.toordinal() else None

    def reason(self, cell: bytes | None) -> str:
        """Say why the time in a cell is not believed."""
        text = (cell or b"").decode("utf-8", "replace")
        if self.on:
            return f"{text!r} cannot be a time in a report of {self.on}"
        return f"{text!r} cannot be a time: it lies before {EARLIEST.year}, or ahead of the import"
