"""The life of a finding, told from the days that saw it; and the strip that a list shows."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from tests.feeds.reports import day
from tocsin.feeds.episodes import STRIP_DAYS, Turn, strip, turns

EVERY_DAY = [day(number) for number in range(10)]


def told(seen: list[int], gone_after: int = 2, counted: list[dt.date] | None = None) -> list[tuple[str, int]]:
    found = turns([day(number) for number in seen], EVERY_DAY if counted is None else counted, gone_after)
    return [(turn.what, (turn.on - day(0)).days) for turn in found]


def test_new_gone_and_back_again() -> None:
    assert told([0, 1, 5, 6, 7, 8, 9]) == [("new", 0), ("gone", 3), ("returned", 5)]


def test_a_short_absence_changes_nothing() -> None:
    assert told([0, 2, 4, 6, 8]) == [("new", 0)]


def test_seen_again_on_the_day_it_would_go_is_not_gone() -> None:
    assert told([0, 2, 9]) == [("new", 0), ("gone", 4), ("returned", 9)]
    assert told([0, 2]) == [("new", 0), ("gone", 4)]


def test_days_that_do_not_count_make_nothing_gone() -> None:
    assert told([0], counted=[]) == [("new", 0)]
    assert told([0], counted=[day(0), day(5), day(9)]) == [("new", 0), ("gone", 9)]


def test_what_began_earlier_is_not_called_new() -> None:
    assert turns([day(3)], EVERY_DAY, 20, is_first=False) == []
    assert turns([], EVERY_DAY, 2) == []


@given(st.sets(st.integers(0, 9), min_size=1), st.integers(1, 4))
def test_gone_and_back_take_turns(seen: set[int], gone_after: int) -> None:
    found = told(sorted(seen), gone_after)

    words = [what for what, _ in found]
    assert words[0] == "new" and words[1::2] == ["gone"] * len(words[1::2])
    assert words[2::2] == ["returned"] * len(words[2::2])
    assert [on for _, on in found] == sorted(on for _, on in found)


def test_a_turn_is_a_value() -> None:
    assert Turn(day(0), "new") == Turn(day(0), "new")


def test_the_strip_ends_today_and_marks_the_opening() -> None:
    drawn = strip(0b1011, day(20), day(17), day(22))

    assert len(drawn) == STRIP_DAYS
    assert drawn.endswith("n.ss..") and set(drawn[:-6]) == {"."}


def test_days_further_back_than_the_bits_are_empty() -> None:
    assert strip(2**64 - 1, day(0), day(0), day(200)) == "." * STRIP_DAYS
    assert strip(1, day(10), day(0), day(5)) == "." * STRIP_DAYS
