"""Charts that stand alone: numbers become places, in both directions of reading."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.site.charts.drawn import elements, of_class, points, title
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.plots import LABEL_GAP, PLOT_HEIGHT, Bar, Line, Usual, bars, in_order, series, spread

OPENED = Line("97 opened", [40, 50, 97], "above")
GONE = Line("18 gone", [30, 20, 18])


def test_lines_run_over_the_whole_width_and_the_axis_begins_at_nought() -> None:
    made = series([OPENED, GONE], "Findings per day", ["1 Nov", "3 Nov"])

    assert points(of_class(made, "line")[0]) == [(0, 78), (500, 65), (1000, 3.9)]
    assert [each.text for each in of_class(made, "finish")][:3] == ["0", "50", "100"]
    assert title(made) == "Findings per day"


def test_labels_stand_at_the_ends_of_their_lines() -> None:
    made = series([OPENED, GONE], "Findings per day", [])

    labels = {each.text: each for each in of_class(made, "start")}
    assert labels["97 opened"].at("y") == pytest.approx(7.9)
    assert labels["97 opened"].attributes["x"] == "100%"
    assert "above" in labels["97 opened"].attributes["class"]


def test_the_usual_is_a_band_and_has_its_label() -> None:
    made = series([OPENED], "Findings per day", [], Usual(26, 52, "usual, 26–52"))

    band = of_class(made, "usual-band")[0]
    assert band.at("y") == pytest.approx(PLOT_HEIGHT * 0.48)
    assert band.at("height") == pytest.approx(PLOT_HEIGHT * 0.26)
    assert "usual, 26–52" in [each.text for each in of_class(made, "start")]


def test_words_under_the_axis_are_spread_evenly() -> None:
    made = series([OPENED], "x", ["22 Oct", "5 Nov", "20 Nov"])

    under = {each.text: each for each in elements(made) if each.text in ("22 Oct", "5 Nov", "20 Nov")}
    assert [under[day].attributes["x"] for day in ("22 Oct", "5 Nov", "20 Nov")] == ["0%", "50%", "100%"]
    assert [under[day].attributes["class"] for day in ("22 Oct", "5 Nov", "20 Nov")] == ["start", "middle", "finish"]


def test_numbers_of_the_axis_are_written_as_the_page_writes_them() -> None:
    made = series([Line("x", [3000])], "x", [], number_text=lambda value: f"{value:,.0f}")

    assert "4,000" in [each.text for each in of_class(made, "finish")]


def test_time_runs_left_to_right_in_every_language() -> None:
    assert next(elements(series([OPENED], "x", []))).attributes["dir"] == "ltr"


@pytest.mark.parametrize("values", [[], [0], [0, 0]])
def test_little_or_nothing_is_drawn_without_a_fault(values: list[float]) -> None:
    made = series([Line("nothing", values)], "Nothing yet", [])

    assert title(made) == "Nothing yet"
    assert len(of_class(made, "line")) == bool(values)


def test_more_than_six_lines_and_other_are_refused() -> None:
    seven = [Line(str(number), [1, 2]) for number in range(7)]

    assert len(of_class(series(seven, "x", []), "line")) == 7
    with pytest.raises(InvalidInput, match="at most 6 lines and other"):
        series([*seven, GONE], "x", [])


def test_lines_of_different_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="same number of values"):
        series([OPENED, Line("short", [1])], "x", [])


def test_lines_differ_by_more_than_colour() -> None:
    made = series([Line(str(number), [number, number]) for number in range(5)], "x", [])

    assert len({each.attributes["class"] for each in of_class(made, "line")}) == 5


def test_labels_cannot_break_out() -> None:
    made = series([Line("<img src=x>", [1])], "<b>", ["</svg>"])

    assert "<img" not in made and "<b>" not in made and made.count("</svg>") == 2


@given(st.lists(st.floats(0, PLOT_HEIGHT), max_size=7).map(sorted))
def test_labels_never_cover_each_other_and_keep_their_order(places: list[float]) -> None:
    moved = spread(places, LABEL_GAP)

    assert all(later - earlier >= LABEL_GAP - 1e-6 for earlier, later in itertools.pairwise(moved))
    assert all(place <= PLOT_HEIGHT + 1e-6 for place in moved)


def test_labels_with_room_stay_where_they_belong() -> None:
    assert spread([0, 50, 100], LABEL_GAP) == [0, 50, 100]


KINDS = [
    Bar("Phishing", 20, "20"),
    Bar("other", 60, "60", is_other=True),
    Bar("Open service", 80, "80", url="/findings/?kind=1"),
]


def test_bars_are_ordered_and_what_gathers_the_rest_is_last() -> None:
    assert [row.label for row in in_order(KINDS)] == ["Open service", "Phishing", "other"]


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    made = bars(KINDS, "Open findings by kind")

    assert [(each.at("x"), each.at("width")) for each in of_class(made, "bar")] == [(0, 100), (0, 25), (0, 75)]
    assert [(each.text, each.at("x")) for each in of_class(made, "ours")] == [("80", 100), ("20", 25), ("60", 75)]


def test_bars_begin_at_the_other_side_where_text_runs_right_to_left() -> None:
    made = bars(KINDS, "Open findings by kind", rtl=True)

    assert [(each.at("x"), each.at("width")) for each in of_class(made, "bar")] == [(0, 100), (75, 25), (25, 75)]
    assert [(each.at("x"), each.at("dx")) for each in of_class(made, "ours")] == [(0, -6), (75, -6), (25, -6)]
    assert all("finish" in each.attributes["class"] for each in of_class(made, "ours"))


def test_the_name_of_a_bar_is_text_beside_it_and_leads_somewhere() -> None:
    made = bars(KINDS, "Open findings by kind")

    link = next(each for each in elements(made) if each.tag == "a")
    assert (link.text, link.attributes["href"]) == ("Open service", "/findings/?kind=1")


def test_what_gathers_the_rest_looks_different() -> None:
    assert of_class(bars(KINDS, "x"), "other")[0].at("width") == 75


@pytest.mark.parametrize("rows", [[], [Bar("none", 0, "0")]])
def test_no_bars_and_bars_of_nought_are_drawn_without_a_fault(rows: list[Bar]) -> None:
    made = bars(rows, "Nothing open")

    assert [each.at("width") for each in of_class(made, "bar")] == [0] * len(rows)


def test_a_negative_bar_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not negative"):
        bars([Bar("x", -1, "-1")], "x")
