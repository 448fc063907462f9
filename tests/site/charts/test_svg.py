"""Elements and numbers of drawings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.svg import checked, drawing, element, number, path, round_top, together


def test_an_element_carries_its_attributes_and_content() -> None:
    assert element("rect", class_="bar", x=1.5, stroke_width=2) == '<rect class="bar" x="1.5" stroke-width="2"></rect>'


def test_names_keep_the_case_that_svg_wants_and_empty_attributes_are_left_out() -> None:
    assert element("svg", viewBox="0 0 1 1", class_="") == '<svg viewBox="0 0 1 1"></svg>'


def test_what_comes_from_outside_is_escaped() -> None:
    made = element("text", "<script>", class_='"><b>')

    assert made == '<text class="&quot;&gt;&lt;b&gt;">&lt;script&gt;</text>'


def test_a_drawing_is_one_picture_with_a_name() -> None:
    made = drawing("Findings & feeds", element("g"), class_="spark")

    assert made == '<svg role="img" class="spark"><title>Findings &amp; feeds</title><g></g></svg>'


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.5, "3.5"), (0.25, "0.25"), (1 / 3, "0.33"), (-0.001, "0"), (100.0, "100"), (-2.5, "-2.5")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(-1e6, 1e6))
def test_a_written_number_is_within_half_a_hundredth(value: float) -> None:
    assert float(number(value)) == pytest.approx(value, abs=0.00501)


def test_a_path_goes_through_its_points() -> None:
    assert path([(0, 1), (2.5, 3)]) == "M0 1L2.5 3"
    assert path([]) == ""


def test_parts_stand_one_after_the_other_unescaped() -> None:
    assert together([element("g"), element("a")]) == "<g></g><a></a>"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1])
def test_what_cannot_be_drawn_is_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="hours: a chart takes finite numbers"):
        checked([1, value], "hours")


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 1), (0.4, 1), (1, 1), (3, 4), (5, 5), (97, 100), (101, 200), (410, 500), (6000, 10000)]
)
def test_axes_end_at_round_numbers(highest: float, top: float) -> None:
    assert round_top(highest) == top


@given(st.floats(1, 1e9))
def test_no_value_lies_above_its_axis_and_none_below_a_third_of_it(highest: float) -> None:
    assert highest <= round_top(highest) <= highest * 2.5
