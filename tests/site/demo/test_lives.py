"""Findings stay, leave, return and appear as their population says."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.site.demo.country import Population
from tocsin.site.demo.lives import live


def population(persistence: float = 0.9, returns: float = 0.3) -> Population:
    return Population("some", 100, persistence, returns, {"home": 1})


def counter() -> Callable[[], int]:
    return itertools.count().__next__


def test_each_day_has_as_many_open_findings_as_its_target() -> None:
    days = live(population(), [100, 90, 120, 120, 5, 0, 60], counter(), Random(1))
    assert [len(day) for day in days] == [100, 90, 120, 120, 5, 0, 60]


@given(
    targets=st.lists(st.integers(0, 60), min_size=7, max_size=7),
    persistence=st.floats(0, 1),
    returns=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_no_finding_is_open_twice_on_one_day(targets: list[int], persistence: float, returns: float, seed: int) -> None:
    days = live(population(persistence, returns), targets, counter(), Random(seed))
    assert [len(day) for day in days] == targets
    assert all(len(set(day)) == len(day) for day in days)


def test_everything_stays_where_nothing_leaves() -> None:
    days = live(population(persistence=1), [50] * 7, counter(), Random(2))
    assert all(day == days[0] for day in days)


@pytest.mark.parametrize("share", [0.85, 0.95])
def test_the_share_that_stays_is_the_persistence(share: float) -> None:
    first, second, *_ = live(population(persistence=share, returns=0), [5_000] * 7, counter(), Random(3))
    assert abs(len(set(first) & set(second)) / 5_000 - share) < 0.02


def test_what_left_never_comes_back_where_nothing_returns() -> None:
    days = live(population(persistence=0.5, returns=0), [200] * 7, counter(), Random(4))
    gone: set[int] = set()
    for before, after in itertools.pairwise(days):
        gone |= set(before) - set(after)
        assert not gone & set(after)


def test_some_return_after_a_gap_and_some_after_three_missed_cycles() -> None:
    days = [set(day) for day in live(population(0.8, 0.9), [500] * 7, counter(), Random(5))]
    short = (days[0] - days[1]) & days[2]
    long = (days[0] - days[1] - days[2] - days[3]) & (days[4] | days[5])
    assert len(short) > 5
    assert len(long) > 5


def test_a_falling_level_closes_findings_and_opens_none() -> None:
    days = [set(day) for day in live(population(0.99, 0), [100, 100, 30, 20], counter(), Random(6))]
    assert days[2] < days[1]
    assert days[3] < days[2]
