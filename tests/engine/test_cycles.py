"""Which cycles count: complete, plausible, and not discarded; whatever the order in which they came."""

from __future__ import annotations

import datetime as dt
import itertools
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.reports import day
from tocsin.engine.cycles import HELD_BELOW, USUAL_CYCLES, Calendar, Cycle, Decision, judge


def cycle(on: int, rows: int, complete: bool = True, decision: Decision = Decision.NONE) -> Cycle:
    return Cycle("scan_rdp", day(on), rows, complete, decision)


def counts(*cycles: Cycle) -> list[bool]:
    return [one.counts for one in judge(cycles)]


def test_a_complete_cycle_of_the_usual_size_counts() -> None:
    assert counts(cycle(0, 100), cycle(1, 90), cycle(2, 110)) == [True, True, True]


def test_less_than_half_of_the_usual_is_held_and_half_is_not() -> None:
    (_, half) = judge([cycle(0, 100), cycle(1, 50)])
    assert (half.held, half.counts, half.usual) == (False, True, 100)
    (_, less) = judge([cycle(0, 100), cycle(1, 49)])
    assert (less.held, less.counts) == (True, False)


def test_the_first_cycle_of_a_type_is_never_held() -> None:
    (first,) = judge([cycle(0, 0)])
    assert (first.usual, first.held, first.counts) == (None, False, True)


@pytest.mark.parametrize(
    ("decision", "held", "counted"),
    [(Decision.NONE, True, False), (Decision.CONFIRMED, False, True), (Decision.DISCARDED, False, False)],
)
def test_a_person_decides_about_a_held_cycle(decision: Decision, held: bool, counted: bool) -> None:
    (_, judged) = judge([cycle(0, 100), cycle(1, 10, decision=decision)])
    assert (judged.held, judged.counts) == (held, counted)


def test_an_incomplete_cycle_neither_counts_nor_is_held() -> None:
    (_, judged) = judge([cycle(0, 100), cycle(1, 10, complete=False)])
    assert (judged.held, judged.counts) == (False, False)


def test_while_none_has_counted_the_largest_that_does_not_says_what_is_usual() -> None:
    """Of an incomplete day there is so much at least: an empty report on the next makes nothing gone by mistake."""
    (_, empty) = judge([cycle(0, 50, complete=False), cycle(1, 0)])
    assert (empty.usual, empty.held, empty.counts) == (50, True, False)
    assert judge([cycle(0, 50, complete=False), cycle(1, 60), cycle(2, 31)])[2].usual == 60, "one has counted"


def test_what_showed_nothing_at_first_does_not_say_what_is_usual() -> None:
    """A first day that was closed without its report, or an empty one, lets no short day through."""
    first, whole, *short = judge([cycle(0, 0), cycle(1, 196), *(cycle(day, 60) for day in (2, 3, 4))])
    assert first.counts and whole.counts and [each.usual for each in short] == [196] * 3 and all(e.held for e in short)
    for closed in (cycle(0, 0), cycle(0, 0, decision=Decision.CONFIRMED)):
        *_, short_day = judge([closed, cycle(1, 100, complete=False), cycle(2, 30)])
        assert (short_day.usual, short_day.held) == (100, True)
    *_, later = judge([cycle(0, 100), cycle(1, 0, decision=Decision.CONFIRMED), cycle(2, 60)])
    assert later.usual == 50, "an empty day after others is one of them"


@pytest.mark.parametrize("decision", [Decision.NONE, Decision.DISCARDED])
def test_days_that_show_little_do_not_take_away_from_what_another_shows(decision: Decision) -> None:
    """However many come, and whatever was said of the one that showed the most: nobody said that they are right."""
    first, small = cycle(0, 190, complete=False, decision=decision), [cycle(on, 0) for on in range(1, 9)]
    judged = judge([first, *small, cycle(9, 94), cycle(10, 95)])
    assert {one.usual for one in judged[1:]} == {190}
    assert [one.counts for one in judged] == [False] * 10 + [True]
    confirmed = [first, cycle(1, 30, decision=Decision.CONFIRMED), cycle(2, 30)]
    assert counts(*confirmed) == [False, True, True], "a person says so"


def test_who_confirms_an_empty_day_is_not_asked_again_on_the_next() -> None:
    """Also where the one day that showed anything does not count, and no day that counts showed anything."""
    days = [cycle(0, 0), cycle(1, 100, complete=False), cycle(2, 0), cycle(3, 0)]
    assert counts(*days) == [True, False, False, False]
    days[2] = cycle(2, 0, decision=Decision.CONFIRMED)
    assert counts(*days) == [True, False, True, True]
    assert judge(days)[3].usual == 0


def test_only_counted_cycles_say_what_is_usual() -> None:
    held = [cycle(0, 100), cycle(1, 10), cycle(2, 10), cycle(3, 10)]
    assert counts(*held) == [True, False, False, False]
    confirmed = [cycle(0, 100), cycle(1, 10, decision=Decision.CONFIRMED), cycle(2, 10), cycle(3, 27)]
    assert [one.usual for one in judge(confirmed)] == [None, 100, 55, 55]


def test_the_usual_forgets_what_is_long_past() -> None:
    many = [cycle(on, 1_000) for on in range(3)] + [cycle(3 + n, 600 - 40 * n) for n in range(USUAL_CYCLES)]
    last = judge([*many, cycle(20, 300)])[-1]
    assert last.usual == statistics.median(600 - 40 * n for n in range(USUAL_CYCLES))


CYCLES = st.lists(st.tuples(st.integers(0, 200), st.booleans(), st.sampled_from(Decision)), max_size=12)


@given(CYCLES, st.randoms())
def test_the_order_of_arrival_does_not_matter(made: list[tuple[int, bool, Decision]], random: object) -> None:
    cycles = [cycle(on, *values) for on, values in enumerate(made)]
    shuffled = list(cycles)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert judge(shuffled) == judge(cycles)


@given(CYCLES)
def test_what_counts_is_complete_and_plausible_or_confirmed(made: list[tuple[int, bool, Decision]]) -> None:
    for one in judge(cycle(on, *values) for on, values in enumerate(made)):
        few = one.usual is not None and one.cycle.rows < HELD_BELOW * one.usual
        assert one.counts == (
            one.cycle.complete
            and one.cycle.decision is not Decision.DISCARDED
            and (not few or one.cycle.decision is Decision.CONFIRMED)
        )


# The calendar


def days(*numbers: int) -> np.ndarray:
    return np.array([day(n) for n in numbers], "datetime64[D]")


def test_misses_are_counted_cycles_strictly_between() -> None:
    calendar = Calendar([day(n) for n in (0, 2, 4, 6)], gone_after=2)
    assert calendar.missed(days(0, 0, 1, 6), days(2, 6, 5, 9)).tolist() == [0, 2, 2, 0]


def test_a_finding_is_gone_on_the_day_of_its_last_miss() -> None:
    calendar = Calendar([day(n) for n in (0, 2, 4, 6)], gone_after=2)
    found = calendar.gone_on(days(0, 1, 2, 3, 6))
    assert [None if np.isnat(one) else one.item() for one in found] == [day(4), day(4), day(6), day(6), None]


def test_nothing_is_gone_while_too_few_cycles_are_there() -> None:
    assert Calendar([], 1).horizon is None
    assert Calendar([day(0)], 2).horizon is None
    assert np.isnat(Calendar([], 1).gone_on(days(0))).all()


@given(st.sets(st.integers(0, 30)), st.integers(1, 4), st.integers(-2, 33), st.integers(-2, 33))
def test_the_calendar_agrees_with_counting(counted: set[int], gone_after: int, seen: int, again: int) -> None:
    calendar = Calendar([day(n) for n in counted], gone_after)
    later = max(again, seen + 1)
    assert calendar.missed(days(seen), days(later)).tolist() == [len([n for n in counted if seen < n < later])]
    after = sorted(n for n in counted if n > seen)
    gone = calendar.gone_on(days(seen))[0]
    expected = after[gone_after - 1] if len(after) >= gone_after else None
    assert (None if np.isnat(gone) else gone.item()) == (None if expected is None else day(expected))
    # One day for the whole type tells the same.
    horizon: dt.date | None = calendar.horizon
    assert (expected is not None) == (horizon is not None and day(seen) < horizon)


def test_every_subset_of_a_week_has_its_horizon() -> None:
    for size in range(5):
        for chosen in itertools.combinations(range(5), size):
            for gone_after in (1, 2, 3):
                horizon = Calendar([day(n) for n in chosen], gone_after).horizon
                assert horizon == (day(chosen[-gone_after]) if size >= gone_after else None)
