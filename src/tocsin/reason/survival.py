"""How many are still there after so many days, when some have not been watched to their end.

Kaplan and Meier (1958), with late entry. The error is that of clusters: an
organisation that cleans up mends fifty findings in one go, and fifty findings
of one hand are not fifty witnesses. Where every life stands alone it is
Greenwood's (1926). Intervals are those of log(−log), which stay between 0 and
1 (Kalbfleisch and Prentice, 1980).
"""

from __future__ import annotations

import dataclasses
from typing import cast

import numpy as np

from tocsin.reason.intervals import LEVEL, Interval, normal_quantile
from tocsin.reason.lives import Codes, Lives, Numbers, at_risk


@dataclasses.dataclass(frozen=True)
class Curve:
    """The share still there after each time at which one ended. All columns are of one length, times ascending."""

    days: Numbers
    at_risk: Codes
    ended: Codes
    left: Numbers
    low: Numbers
    high: Numbers
    watched_to: float
    """The longest that any life was watched; 0 without lives."""
    lives: int

    def left_after(self, day: float) -> Interval | None:
        """Return the share still there after `day`, or None where nobody was watched for so long.

        Once all are gone, none is left on any later day.
        """
        is_over = bool(self.left.size) and not self.left[-1]
        if not self.lives or day < 0.0 or (day > self.watched_to and not is_over):
            return None
        at = int(np.searchsorted(self.days, day, "right")) - 1
        return Interval(1.0, 1.0, 1.0) if at < 0 else self._share(at)

    def gone_within(self, day: float) -> Interval | None:
        """Return the share gone after `day`, or None where nobody was watched for so long and some are left."""
        left = self.left_after(day)
        return None if left is None else Interval(1.0 - left.value, 1.0 - left.high, 1.0 - left.low)

    @property
    def median(self) -> Median | None:
        """Days after which half are gone, or None while more than half are left."""
        return self.lasting(0.5)

    def lasting(self, share: float) -> Median | None:
        """Return the days after which no more than `share` are left, or None while more are."""
        value = _first(self.days, self.left, share)
        if value is None:
            return None
        # The bounds of the share that cross the line before and after it; the lower one crosses no later than it.
        low = _first(self.days, self.low, share)
        return Median(value, value if low is None else low, _first(self.days, self.high, share))

    def _share(self, at: int) -> Interval:
        return Interval(float(self.left[at]), float(self.low[at]), float(self.high[at]))


@dataclasses.dataclass(frozen=True)
class Median:
    """Days, and between which bounds they lie; `high` is None where that cannot be said yet."""

    days: float
    low: float
    high: float | None


def curve(found: Lives, *, level: float = LEVEL) -> Curve:
    """Return how many of `found` are left after each time. Without any that ended the columns are empty."""
    times, ended = np.unique(found.lasted[found.ended], return_counts=True)
    risk = at_risk(found, times)
    left = cast(Numbers, np.cumprod(1.0 - ended / risk))
    low, high = _bounds(left, np.sqrt(_variance(found, times, risk, ended)), normal_quantile(level))
    watched_to = float(found.lasted.max()) if len(found.lasted) else 0.0
    return Curve(times, risk, ended.astype(np.int64), left, low, high, watched_to, len(found.lasted))


def _variance(found: Lives, times: Numbers, risk: Codes, ended: Codes) -> Numbers:
    """Return the variance of −log(left); not a number from the time on at which none is left."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if found.clusters == len(found.lasted):
            return cast(Numbers, np.cumsum(ended / (risk * (risk - ended))))
        return _variance_of_clusters(found, times, risk, ended)


def _variance_of_clusters(found: Lives, times: Numbers, risk: Codes, ended: Codes) -> Numbers:
    """Return each cluster's pull on −log(left), squared and summed.

    A life's pull at one time is (whether it ended − the share that ended) / (how many were left): zero in sum. Where
    all are watched from nought and every life stands alone, that is Greenwood's sum to the last digit.
    """
    died, watched = _by_cluster(found, times, found.clusters)
    pulls = np.cumsum((died - watched * (ended / risk)) / (risk - ended), axis=1)
    few = found.clusters / (found.clusters - 1) if found.clusters > 1 else 1.0
    return cast(Numbers, few * (pulls**2).sum(axis=0))


def _by_cluster(found: Lives, times: Numbers, clusters: int) -> tuple[Numbers, Numbers]:
    """Return how many of each cluster (row) ended at, and were at risk at, each time (column)."""
    size = len(times) + 1
    end = np.searchsorted(times, found.lasted, "right")  # at risk up to that time, itself among them
    begin = np.searchsorted(times, found.entered, "right")
    rows = found.cluster * size

    def counted(rows_and_columns: Codes) -> Numbers:
        counts = np.bincount(rows_and_columns, minlength=clusters * size)
        return counts.reshape(clusters, size).astype(np.float64)

    died = counted((rows + end - 1)[found.ended])[:, :-1]
    watched = np.cumsum(counted(rows + begin) - counted(rows + end), axis=1)[:, :-1]
    return died, watched


def _bounds(left: Numbers, error: Numbers, quantile: float) -> tuple[Numbers, Numbers]:
    """Return the bounds of the share left; where none is left: none, and the upper bound that held before."""
    some = (left > 0.0) & np.isfinite(error)
    low, high = np.zeros_like(left), np.ones_like(left)
    log = np.log(left, out=np.full_like(left, -1.0), where=some)
    wide = np.exp(quantile * np.divide(error, -log, out=np.zeros_like(left), where=some))
    low[some] = (left**wide)[some]
    high[some] = (left ** (1.0 / wide))[some]
    ends = np.flatnonzero(~some)
    if len(ends):
        high[ends] = high[ends[0] - 1] if ends[0] else 1.0
    return low, high


def _first(days: Numbers, shares: Numbers, most: float) -> float | None:
    # Shares are products of quotients: a half may come out a hair above itself.
    reached = np.flatnonzero(shares <= most + 1e-12)
    return float(days[reached[0]]) if len(reached) else None
