"""Names cut to what a column holds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.names import shortened


@given(st.text(max_size=80), st.integers(20, 60))
def test_a_name_is_as_long_as_it_may_be_and_keeps_its_beginning(name: str, most: int) -> None:
    short = shortened(name, most)
    assert len(short) == min(len(name), most) and short[:5] == name[:5]
    assert short == name or short[-1] == name[-1]


@given(st.sets(st.text("ab", min_size=30, max_size=50), min_size=2, max_size=2))
def test_two_names_stay_two(names: set[str]) -> None:
    assert len({shortened(name, 25) for name in names}) == 2
