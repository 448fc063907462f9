"""Curves of what is left: steps in their bands, and numbers that stand under their days."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tests.site.charts.drawn import elements, of_class, points, title
from tocsin.kernel.refusals import InvalidInput
from tocsin.site.charts.plots import LABEL_GAP, PLOT_HEIGHT
from tocsin.site.charts.survival import Fall, falls

TOLD = Fall("Told", [2, 4], [0.5, 0.2], [0.4, 0.1], [0.6, 0.3], 6, ["9", "5", "0"], "ours")
BEFORE = dataclasses.replace(
    TOLD, label="Before", left=[0.6, 0.2], high=[0.7, 0.3], watched_to=8, at_risk=["8", "6", "1"], look=""
)
DAYS = [0, 4, 8]


def test_steps_begin_with_all_and_end_where_nobody_was_watched_any_more() -> None:
    made = falls([TOLD, BEFORE], "What is left", DAYS, "at risk:")
    told = points(of_class(made, "line")[0])
    assert told == [
        (0, 0), (250, 0), (250, 0.5 * PLOT_HEIGHT), (500, 0.5 * PLOT_HEIGHT), (500, 0.8 * PLOT_HEIGHT),
        (750, 0.8 * PLOT_HEIGHT),
    ]  # fmt: skip
    assert title(made) == "What is left" and points(of_class(made, "line")[1])[-1][0] == 1000


def test_each_has_its_band_and_is_told_apart_without_colour() -> None:
    made = falls([TOLD, BEFORE], "x", DAYS, "at risk:")
    assert len(of_class(made, "band")) == len(of_class(made, "usual-band")) == 1
    assert "ours" in of_class(made, "line")[0].attributes["class"]  # full; the other one is broken
    assert "ours" not in of_class(made, "line")[1].attributes["class"]


def test_numbers_at_risk_stand_under_their_days_and_below_the_name_of_their_group() -> None:
    made = falls([TOLD, BEFORE], "x", DAYS, "at risk:")
    texts = {
        (each.text, each.attributes.get("x"), each.attributes["y"]) for each in elements(made) if each.tag == "text"
    }
    told, first, before, second = (f"{PLOT_HEIGHT + each}" for each in (48, 63, 78, 93))
    assert {("9", "0%", first), ("5", "50%", first), ("0", "100%", first), ("6", "50%", second)} <= texts
    assert {("Told", "0", told), ("Before", "0", before)} <= texts
    assert {("4", "50%", f"{PLOT_HEIGHT + 16}"), ("at risk:", "0", f"{PLOT_HEIGHT + 33}")} <= texts


def test_a_long_name_beside_its_line_is_broken_and_covers_no_other() -> None:
    long = [dataclasses.replace(TOLD, label="Non mis à l’écart"), dataclasses.replace(BEFORE, label="Mis à l’écart")]
    beside = [each for each in of_class(falls(long, "x", DAYS, ""), "start") if each.attributes["x"] == "100%"]
    assert {each.text for each in beside} == {"Non mis", "à l’écart", "Mis à l’écart"}
    heights = sorted(each.at("y") for each in beside)
    assert all(lower - upper >= LABEL_GAP for upper, lower in itertools.pairwise(heights))
    one = falls([dataclasses.replace(TOLD, label="Предупреждённые")], "x", DAYS, "")
    assert [each.text for each in of_class(one, "start")].count("Предупреждённые") == 2, "which has no space"


def test_a_narrow_screen_leaves_out_every_second_day_with_its_numbers() -> None:
    between = {each.text for each in of_class(falls([TOLD, BEFORE], "x", DAYS, "at risk:"), "between")}
    assert between == {"4", "5", "6"}


def test_names_at_the_end_do_not_cover_each_other() -> None:
    made = falls([TOLD, BEFORE], "x", DAYS, "at risk:")
    ends = [
        each.at("y")
        for each in of_class(made, "start")
        if each.text in ("Told", "Before") and each.at("y") < PLOT_HEIGHT + 5
    ]
    assert len(ends) == 2 and abs(ends[0] - ends[1]) >= LABEL_GAP


def test_days_run_left_to_right_in_every_language() -> None:
    assert next(elements(falls([TOLD], "x", DAYS, ""))).attributes["dir"] == "ltr"


def test_of_those_that_never_end_a_line_is_drawn_and_no_band() -> None:
    made = falls([Fall("Told", [], [], [], [], 5, ["3", "2", "0"])], "x", DAYS, "")
    assert points(of_class(made, "line")[0]) == [(0, 0), (625, 0)] and not of_class(made, "usual-band")


@pytest.mark.parametrize(
    "wrong",
    [
        {"high": [0.5]},
        {"left": [0.5]},
        {"left": [0.5, 1.5]},
        {"low": [0.5, float("nan")]},
        {"at_risk": ["1"]},
        {"days": [-1, 2]},
    ],
)
def test_what_is_no_curve_is_refused(wrong: dict[str, list[float]]) -> None:
    with pytest.raises(InvalidInput):
        falls([dataclasses.replace(TOLD, **wrong)], "x", DAYS, "")  # type: ignore[arg-type]
