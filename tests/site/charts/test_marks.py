"""Drawings that fit a line or a cell: numbers become places."""

from __future__ import annotations

import pytest

from tests.site.charts.drawn import elements, of_class, points, title
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.marks import Level, levels, sparkline, squares, strip, ticks


def test_a_sparkline_runs_from_the_first_value_to_the_last() -> None:
    made = sparkline([0, 10, 5], "Phishing")

    assert points(of_class(made, "line")[0]) == [(0, 19), (50, 3), (100, 11)]
    assert title(made) == "Phishing"


def test_the_usual_is_a_band_with_its_upper_edge() -> None:
    made = sparkline([0, 10, 5], "Phishing", usual=(2.5, 7.5))

    band, edge = of_class(made, "usual-band")[0], of_class(made, "usual-edge")[0]
    assert (band.at("y"), band.at("height")) == (7, 8)
    assert edge.at("y1") == edge.at("y2") == 7


@pytest.mark.parametrize(("last", "look"), [(7.6, "above"), (7.5, "ours"), (0, "ours")])
def test_only_a_last_value_above_the_usual_is_ember(last: float, look: str) -> None:
    made = sparkline([20, last], "Phishing", usual=(2.5, 7.5))

    assert len(of_class(made, look)) >= 1
    assert (look in of_class(made, "dot")[0].attributes["class"]) == (look == "above")


@pytest.mark.parametrize("values", [[], [3], [0, 0, 0]])
def test_little_or_nothing_is_drawn_without_a_fault(values: list[float]) -> None:
    made = sparkline(values, "Nothing yet")

    assert title(made) == "Nothing yet"
    assert len(of_class(made, "line")) == bool(values)


def test_nothing_stands_outside_the_sparkline() -> None:
    made = sparkline([1, 900, 40, 3], "x", usual=(0, 1000))

    assert all(0 <= x <= 100 and 0 <= y <= 22 for x, y in points(of_class(made, "line")[0]))


def test_a_day_is_three_pixels_and_stands_where_it_belongs() -> None:
    made = strip("..sn", "Seen on 2 of 4 days")

    assert of_class(made, "low")[0].attributes["d"] == "M1 8V11M4 8V11"
    assert of_class(made, "seen")[0].attributes["d"] == "M7 0V11"
    assert of_class(made, "fresh")[0].attributes["d"] == "M10 0V11"
    assert next(elements(made)).attributes["viewBox"] == "0 0 12 11"


def test_a_strip_of_one_kind_draws_one_path() -> None:
    assert len([each for each in elements(strip("s" * 30, "all")) if each.tag == "path"]) == 1


def test_fifty_strips_are_a_small_part_of_a_page() -> None:
    worst = strip("sn" * 15, "Seen on 30 of 30 days")

    assert len(worst) * 50 < 25_000


def test_an_unknown_day_is_refused() -> None:
    with pytest.raises(InvalidInput, match="a day is one of s, n and a point"):
        strip("ss?", "x")


def test_no_days_make_an_empty_strip() -> None:
    assert title(strip("", "Never looked at")) == "Never looked at"


def test_a_silent_feed_is_short_and_stands_on_the_ground() -> None:
    made = ticks([("Scans", "ok"), ("Sinkhole", "silent"), ("Spam", "late")], "1 of 3 feeds arrives as usual")

    ok, silent, late = of_class(made, "ok")[0], of_class(made, "silent")[0], of_class(made, "late")[0]
    assert (ok.at("x"), ok.at("height")) == (0, 12)
    assert (silent.at("x"), silent.at("y"), silent.at("height")) == (8, 9, 3)
    assert late.at("x") == 16.5
    assert silent.text == "Sinkhole"


def test_a_feed_whose_latest_report_is_broken_is_drawn_like_a_silent_one() -> None:
    broken, silent = (
        [each.attributes for each in elements(ticks([("A", state)], "x"))] for state in ("broken", "silent")
    )

    assert broken == silent


def test_the_name_of_a_feed_cannot_break_out() -> None:
    assert "<script>" not in ticks([("<script>alert(1)</script>", "ok")], "x")


def test_no_feeds_make_no_ticks() -> None:
    assert [each.tag for each in elements(ticks([], "no feeds"))] == ["svg", "title"]


def test_squares_stand_worst_first() -> None:
    made = squares({5: 1, 1: 2}, "C1: 2, C5: 1")

    assert [each.attributes["class"] for each in elements(made) if each.tag == "rect"] == ["q1", "q1", "q5"]
    assert [each.at("x") for each in elements(made) if each.tag == "rect"] == [0.5, 15.5, 30.5]


def test_many_squares_end_in_a_number() -> None:
    made = squares({4: 40}, "C4: 40")

    assert len([each for each in elements(made) if each.tag == "rect"]) == 12
    assert next(each.text for each in elements(made) if each.tag == "text") == "+ 28"


SCALE = [
    Level(0, "routine"),
    Level(1, "heightened"),
    Level(2, "serious", "since 06:20"),
    Level(3, "severe", "at 07:05"),
]


def test_the_scale_tells_past_present_and_proposed() -> None:
    made = levels(SCALE, current=2, proposed=3, name="Levels", proposed_word="proposed")

    looks = [(each.attributes.get("class", ""), each.text) for each in elements(made) if each.tag == "li"]
    assert looks == [
        ("past", "0routine"),
        ("past", "1heightened"),
        ("now", "2 serioussince 06:20"),
        ("proposed", "3 proposedat 07:05"),
    ]


def test_level_nought_is_calm() -> None:
    made = levels(SCALE, current=0, proposed=None, name="Levels", proposed_word="proposed")

    assert of_class(made, "calm")[0].attributes["aria-current"] == "true"
    assert not of_class(made, "past") and not of_class(made, "proposed")
