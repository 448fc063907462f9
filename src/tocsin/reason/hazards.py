"""Whether the lives of one group end sooner than those of another.

Cox's model (1972) with one covariate, in strata, so that like is compared with
like; ties after Efron (1977); the error is robust and by cluster (Lin and Wei,
1989), since lives that one hand ends are not independent. Late entry is as in
`lives`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple, cast

import numpy as np

from tocsin.reason.intervals import LEVEL, Interval, student_quantile
from tocsin.reason.lives import Codes, Flags, Lives, Numbers, at_risk, codes_of

STEPS = 50
FARTHEST = 15.0
"""Of the logarithm: beyond it, one group has ended before the other began to, and no ratio can be told."""
FEWEST_CLUSTERS = 3


@dataclasses.dataclass(frozen=True)
class Ratio:
    """How many times as fast the first group's lives end: 2 means at twice the rate, 1 at the same."""

    ratio: Interval
    clusters: int


class _Ties(NamedTuple):
    """One element for each life that ended, in the order of strata and times: Efron's sums at that end."""

    first: Numbers
    """At risk in the first group, less the share of those ending now that have ended before this one."""
    other: Numbers
    counts: Numbers
    """1 less that share."""
    time: Codes
    """Which stratum and time it belongs to."""


@dataclasses.dataclass(frozen=True)
class _Times:
    """The times of one stratum at which lives end, and where its lives stand."""

    lives: Codes
    """Places of the stratum's lives among all."""
    times: Numbers
    first_risk: Codes
    other_risk: Codes
    first_ended: Codes
    other_ended: Codes


def compare(found: Lives, is_first: Flags, *, stratum: Any = None, level: float = LEVEL) -> Ratio | None:
    """Return how much faster lives of the first group end than the others, or None where that cannot be told.

    It cannot where a group is empty or has no life that ended beside one of the other at risk, or where there are
    fewer than three clusters. `stratum` holds any values that can be sorted; lives are compared within each.
    """
    strata = np.zeros(len(found.lasted), np.int64) if stratum is None else codes_of(np.asarray(stratum))
    if not len(strata) == len(is_first) == len(found.lasted):
        raise ValueError("columns of lives must be of one length")
    parts = [_times(found, is_first, np.flatnonzero(strata == each)) for each in range(int(strata.max(initial=-1)) + 1)]
    if found.clusters < FEWEST_CLUSTERS or not any(len(part.times) for part in parts):
        return None
    ties, first_ended = _ties(parts), sum(int(part.first_ended.sum()) for part in parts)
    log = _likeliest(ties, first_ended)
    if log is None:
        return None
    information = _information(ties, log)
    pull = np.bincount(found.cluster, _residuals(found, is_first, parts, ties, log), found.clusters)
    few = found.clusters / (found.clusters - 1)
    error = math.sqrt(few * float((pull**2).sum())) / information
    wide = student_quantile(found.clusters - 1, level) * error
    return Ratio(Interval(math.exp(log), math.exp(log - wide), math.exp(log + wide)), found.clusters)


def _times(found: Lives, is_first: Flags, places: Codes) -> _Times:
    part, first = found.where(_flags(len(found.lasted), places)), is_first[places]
    times = np.unique(part.lasted[part.ended])

    def ended(group: Flags) -> Codes:
        at = np.searchsorted(times, part.lasted[part.ended & group])
        return np.bincount(at, minlength=len(times))

    return _Times(
        places,
        times,
        at_risk(part.where(first), times),
        at_risk(part.where(~first), times),
        ended(first),
        ended(~first),
    )


def _flags(length: int, places: Codes) -> Flags:
    flags = np.zeros(length, np.bool_)
    flags[places] = True
    return flags


def _ties(parts: list[_Times]) -> _Ties:
    first_ended, other_ended, first_risk, other_risk = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("first_ended", "other_ended", "first_risk", "other_risk")
    )
    ended = first_ended + other_ended
    time = np.repeat(np.arange(len(ended)), ended)
    before = np.arange(len(time)) - np.repeat(np.cumsum(ended) - ended, ended)
    share = before / ended[time]
    return _Ties(
        first_risk[time] - share * first_ended[time], other_risk[time] - share * other_ended[time], 1.0 - share, time
    )


def _share(ties: _Ties, log: float) -> Numbers:
    """Return how likely it was that the life which ended was of the first group."""
    weight = math.exp(log)
    return weight * ties.first / (weight * ties.first + ties.other)


def _information(ties: _Ties, log: float) -> float:
    share = _share(ties, log)
    return float((share * (1.0 - share)).sum())


def _likeliest(ties: _Ties, first_ended: int) -> float | None:
    """Return the logarithm of the ratio under which what was seen is likeliest, by Newton's steps; None without one."""
    log = 0.0
    for _ in range(STEPS):
        information = _information(ties, log)
        if not information > 1e-9:
            return None
        step = (first_ended - float(_share(ties, log).sum())) / information
        # The slope only falls: a step cut short to 2 still goes to the same top.
        log += max(-2.0, min(2.0, step))
        if abs(log) > FARTHEST:
            return None
        if abs(step) < 1e-10:
            break
    return log


def _residuals(found: Lives, is_first: Flags, parts: list[_Times], ties: _Ties, log: float) -> Numbers:
    """Return each life's pull on the slope of the likelihood: what it would change if that life counted a little more.

    Exact for Efron's sums: a life that ends in a tie counts among those at risk by `counts` alone.
    """
    residuals = np.zeros(len(found.lasted))
    share, weight = _share(ties, log), math.exp(log)
    sums = weight * ties.first + ties.other
    count = sum(len(part.times) for part in parts)
    mean = _sums(ties, share, count) / np.bincount(ties.time, minlength=count)
    begin = 0
    for part in parts:
        of_part = slice(begin, begin + len(part.times))
        for group, factor in ((True, weight), (False, 1.0)):
            each = factor * (float(group) - share) / sums
            whole, tied = _sums(ties, each, count)[of_part], _sums(ties, each * ties.counts, count)[of_part]
            chosen = part.lives[is_first[part.lives] == group]
            residuals[chosen] = _of_group(found, chosen, part.times, float(group) - mean[of_part], whole, tied)
        begin += len(part.times)
    return residuals


def _sums(ties: _Ties, values: Numbers, count: int) -> Numbers:
    return cast(Numbers, np.bincount(ties.time, values, count))


def _of_group(found: Lives, chosen: Codes, times: Numbers, surprise: Numbers, whole: Numbers, tied: Numbers) -> Numbers:
    """Return the pulls of one group's lives in one stratum: what was expected of each while at risk, and its end."""
    gathered = np.concatenate(([0.0], np.cumsum(whole)))
    end = np.searchsorted(times, found.lasted[chosen], "right")
    begin = np.searchsorted(times, found.entered[chosen], "right")
    pulls = gathered[begin] - gathered[end]
    ends = np.flatnonzero(found.ended[chosen])
    at = end[ends] - 1
    pulls[ends] += surprise[at] - tied[at] + whole[at]
    return cast(Numbers, pulls)
