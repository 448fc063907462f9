"""What is usual, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.feeds.usual import DAYS, FEWEST_DAYS, times, usual

NUMBERS = st.lists(st.integers(0, 10**6), max_size=60)


def test_an_outbreak_lies_above_and_an_ordinary_day_does_not() -> None:
    known = usual([88, 90, 85, 91, 87, 92, 89])

    assert known is not None
    assert known.low <= 85 and known.high < 120 and known.median == 89
    assert times(267, known) == 3


@pytest.mark.parametrize("numbers", [[], [5], [5, 5]])
def test_too_few_days_say_nothing(numbers: list[int]) -> None:
    assert len(numbers) < FEWEST_DAYS and usual(numbers) is None


def test_only_the_last_days_count() -> None:
    assert usual([10**6] * 10 + [3] * DAYS) == usual([3] * DAYS)


def test_one_more_than_none_is_no_outbreak() -> None:
    known = usual([0] * 10)

    assert known is not None and known.band == (0, 1)
    assert times(0, known) == 0 and times(5, known) == 5


@given(NUMBERS)
def test_the_band_holds_the_median_and_is_never_negative(numbers: list[int]) -> None:
    known = usual(numbers)

    if known is not None:
        assert 0 <= known.low <= known.median <= known.high and known.high >= 1


@given(NUMBERS, st.randoms())
def test_the_order_of_days_does_not_matter(numbers: list[int], random: st.Randoms) -> None:  # type: ignore[name-defined]
    numbers = numbers[-DAYS:]
    shuffled = random.sample(numbers, len(numbers))

    assert usual(numbers) == usual(shuffled)
