"""What is usual for a number that is counted every day. Pure."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

DAYS = 30
"""How many earlier days say what is usual."""
FEWEST_DAYS = 4
"""With fewer days nothing can be called usual."""
REACH = 1.5
"""How many times its own width the middle half reaches beyond itself: Tukey's fences."""


@dataclasses.dataclass(frozen=True)
class Usual:
    """The band in which a day's number usually lies."""

    low: int
    median: float
    high: int

    @property
    def band(self) -> tuple[int, int]:
        """The two ends."""
        return self.low, self.high


def usual(earlier: Sequence[int]) -> Usual | None:
    """Return the band of the last DAYS of `earlier` numbers, oldest first; None when they are too few.

    The middle half of the days, widened by REACH of its width, and by no less than two standard deviations of a
    count of that size (the root of it): a number that goes from 1 to 2 is not an outbreak.
    Source: J. W. Tukey, Exploratory Data Analysis (1977), chapter 2.
    """
    days = sorted(earlier[-DAYS:])
    if len(days) < FEWEST_DAYS:
        return None
    median = statistics.median(days)
    lower, _, upper = statistics.quantiles(days, n=4, method="inclusive")
    reach, noise = REACH * (upper - lower), 2 * math.sqrt(median)
    low, high = min(lower - reach, median - noise), max(upper + reach, median + noise)
    return Usual(max(0, math.floor(low)), median, max(1, math.ceil(high)))


def times(today: int, known: Usual) -> float:
    """Return how many times the usual a number is; the median counts as one at least."""
    return today / max(known.median, 1)
