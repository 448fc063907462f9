"""The columns that the room reckons with: how long each finding lasted as far as was seen.

A life begins at nought, when the finding was first seen. It is watched from
`entered` to `lasted`; what had gone before `entered` could not have come into
the data (a finding is told only if it is still there), so it counts among
those at risk from then on and not before. At `lasted` it was gone (`ended`),
or that is as far as anybody has looked.
"""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Lives:
    """Lives, one an element of each column; all columns are of one length."""

    lasted: Numbers
    """Days from the beginning to the end, or to the last look."""
    ended: Flags
    """Whether it ended then."""
    entered: Numbers
    """Days from the beginning until it was watched."""
    cluster: Codes
    """Which lives hang together, since one hand ends them: 0 … `clusters` − 1."""

    @property
    def clusters(self) -> int:
        """How many there are."""
        return int(self.cluster.max()) + 1 if len(self.cluster) else 0

    def where(self, chosen: Flags) -> Lives:
        """Return the chosen lives, with their clusters numbered anew."""
        return Lives(self.lasted[chosen], self.ended[chosen], self.entered[chosen], codes_of(self.cluster[chosen]))


def lives(lasted: ArrayLike, ended: ArrayLike, *, entered: ArrayLike | None = None, cluster: Any = None) -> Lives:
    """Return lives from columns; without `entered` all are watched from nought, without `cluster` each stands alone.

    `cluster` holds any values that can be sorted. Raises ValueError where columns differ in length, a number is not
    finite or negative, or a life is not watched for any time.
    """
    days = np.asarray(lasted, np.float64)
    since = np.zeros_like(days) if entered is None else np.asarray(entered, np.float64)
    flags = np.asarray(ended, np.bool_)
    codes = np.arange(len(days), dtype=np.int64) if cluster is None else codes_of(np.asarray(cluster))
    if not len(days) == len(flags) == len(since) == len(codes):
        raise ValueError("columns of lives must be of one length")
    if not (np.isfinite(days).all() and np.isfinite(since).all() and (since >= 0).all()):
        raise ValueError("days must be finite and not negative")
    if not (days > since).all():
        raise ValueError("a life must last for longer than until it is watched")
    return Lives(days, flags, since, codes)


def codes_of(values: Any) -> Codes:
    """Return the place of each value among the different ones, in order."""
    return cast(Codes, np.unique(values, return_inverse=True)[1].astype(np.int64))


def at_risk(found: Lives, times: Numbers) -> Codes:
    """Return how many lives are watched and have not ended just before each time; an end at that time still counts."""
    before = np.searchsorted(np.sort(found.entered), times, "left")
    over = np.searchsorted(np.sort(found.lasted), times, "left")
    return cast(Codes, before - over)
