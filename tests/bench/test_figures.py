"""Figures are judged by their targets and shown as they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.figures import Figure, Target, cost, median, ratios, shown, table, write
from bench.processes import Cost

FASTER = Target(4.5, 2.5)
MORE = Target(400, 1000, at_least=True)


@pytest.mark.parametrize(
    ("target", "value", "verdict", "distance"),
    [
        (FASTER, 2.5, "moonshot", "reached"),
        (FASTER, 2.6, "must", "+4 %"),
        (FASTER, 4.5, "must", "+80 %"),
        (FASTER, 4.51, "missed", "+80 %"),
        (MORE, 1000, "moonshot", "reached"),
        (MORE, 500, "must", "-50 %"),
        (MORE, 399, "missed", "-60 %"),
        (Target(0, 0), 0, "moonshot", "reached"),
        (Target(0, 0), 3, "missed", "3 too many"),
    ],
)
def test_a_value_is_judged(target: Target, value: float, verdict: str, distance: str) -> None:
    assert (target.verdict(value), target.distance(value)) == (verdict, distance)


def test_the_median_is_taken_of_the_rounds_ratios() -> None:
    figure = median("whole run", ratios([2.0, 9.0, 3.0], [1.0, 3.0, 1.0]), "× L", FASTER)
    assert figure.value == 3
    assert figure.samples == (2, 3, 3)
    assert figure.verdict == "must"


def test_rounds_that_do_not_match_are_no_ratio() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (3, "3"), (0.01234, "0.0123"), (4.567, "4.57"), (123_456.7, "123,457"), (1_000_000, "1,000,000")],
)
def test_numbers_are_shown_with_three_figures_that_count(value: float, text: str) -> None:
    assert shown(value, "") == text


def test_the_table_says_measure_value_limits_verdict_and_distance() -> None:
    text = table([median("E2 whole run", [3.0], "× L", FASTER)])
    headings, _rule, line = text.splitlines()
    assert headings.split("  ")[0] == "measure"
    assert line.split() == ["E2", "whole", "run", "3", "×", "L", "≤", "4.5", "×", "L", "≤", "2.5", "×", "L", "must",
                            "+20", "%"]  # fmt: skip


def test_the_table_shows_what_could_not_be_measured_and_why() -> None:
    text = table([Figure("E2 published", None, "× L", FASTER, "no schema was named")])
    assert "skipped" in text
    assert "E2 published: no schema was named" in text


def test_the_cost_of_a_run_is_shown_beside() -> None:
    spent = [Cost(2.0, 4.0, 300.0), Cost(3.0, 5.0, 100.0), Cost(9.0, 8.0, 200.0)]
    figure = cost("whole run", spent, 1_000)
    assert figure.value == 200
    assert table([figure]).splitlines()[-1].split() == ["whole", "run", "3.00", "s", "5.00", "s", "200", "200", "MB"]


def test_what_is_kept_has_the_machine_the_samples_and_the_verdict(tmp_path: Path) -> None:
    path = tmp_path / "results" / "run.json"
    figures = [median("E2", [3.0, 2.0, 4.0], "× L", FASTER), cost("run", [Cost(1.0, 2.0, 3.0)], 10)]
    write(path, {"cores": 2}, {"rows": 10}, figures)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["machine"] == {"cores": 2}
    first, second = kept["figures"]
    assert (first["value"], first["must"], first["moonshot"], first["verdict"]) == (3, 4.5, 2.5, "must")
    assert first["samples"] == [3, 2, 4]
    assert second["rounds"] == [{"wall_s": 1, "cpu_s": 2, "peak_mb": 3}]
