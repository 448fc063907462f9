"""Made-up lives of which the truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.random import Generator

from tocsin.reason.lives import Codes, Flags, Lives, Numbers, lives


@dataclasses.dataclass(frozen=True)
class Country:
    """Organisations with findings of a few classes: some diligent, some not; each finding is told or not."""

    found: Lives
    is_told: Flags
    kind: Codes


def country(
    random: Generator, *, organisations: int = 40, each: int = 25, ratio: float = 1.0, spread: float = 0.6
) -> Country:
    """Draw one: told findings go `ratio` times as fast as the others.

    Each organisation has a diligence of its own (log-normal, `spread`), each class a rate of its own. A finding is told
    some days after it is first seen, if it is still there; a third of the organisations is held out. Watched for 60
    days, looked at once a day.
    """
    count = organisations * each
    organisation = np.repeat(np.arange(organisations), each)
    kind = random.integers(0, 3, count)
    rate = np.array([0.02, 0.05, 0.1])[kind] * np.exp(random.normal(0.0, spread, organisations))[organisation]
    told_after = random.integers(0, 6, count).astype(float)
    is_told = organisation % 3 != 0
    natural = random.exponential(1.0 / rate)
    # What outlives the notice goes on at the new rate; the rest had gone before it and was never told.
    gone = np.where(is_told & (natural > told_after), told_after + (natural - told_after) / ratio, natural)
    present = gone > told_after
    last = told_after + 60.0 - random.uniform(0.0, 40.0, count)
    lasted = np.ceil(np.minimum(gone, last))
    entered = np.where(is_told, told_after, 0.0)
    kept = np.where(is_told, present, True) & (lasted > entered)
    found = lives(lasted[kept], (gone <= last)[kept], entered=entered[kept], cluster=organisation[kept])
    return Country(found, is_told[kept], kind[kept])


def exponential(random: Generator, count: int, *, rate: float, watched: float) -> tuple[Numbers, Flags]:
    """Draw lives of one rate, each watched for up to `watched` days; return how long and whether they ended."""
    gone, last = random.exponential(1.0 / rate, count), random.uniform(0.0, watched, count)
    return np.minimum(gone, last), gone <= last
