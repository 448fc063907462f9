"""Something that was reckoned, for tests that only need a page to show: six lives of each of two groups."""

from __future__ import annotations

from typing import Any

from tocsin.effect import actions
from tocsin.effect.choices import By, Comparison
from tocsin.effect.reckoned import Measured, Reckoned

GROUP = {"lives": 6, "gone": 4, "there": 2, "organisations": 1, "median": [4.0, 2.0, None], "within": [0.7, 0.4, 0.9]}
CURVE = {
    "days": [2, 4], "at_risk": [6, 4], "ended": [1, 3], "left": [0.83, 0.21], "low": [0.4, 0.1], "high": [1.0, 0.6],
    "watched_to": 8, "lives": 6, "at_risk_at": [6, 5, 2, 2, 0],
}  # fmt: skip


def figure(by: By, key: str = "") -> Reckoned:
    """Return a figure of twelve lives."""
    facts: dict[str, Any] = {
        "told": GROUP, "natural": GROUP, "verdict": "too_few", "ratio": None,
        "came_back": [{"days": 30, "back": 1, "of": 4}, {"days": 90, "back": 0, "of": 0}],
    }  # fmt: skip
    return Reckoned(Comparison.BEFORE, by, key, facts, {"told": CURVE, "natural": CURVE, "ticks": [0, 2, 4, 6, 8]})


def reckoned(**by_at: Any) -> None:
    """Write it down."""
    figures = (figure(By.ALL), figure(By.CLASS, "vulnerable-system"), figure(By.CONSTITUENT, "moh"))
    found = Measured(lives=12, told=6, began_before=1, too_young=1, handed_over=1, watched_to=None, figures=figures)
    actions.record_measurement(found, basis="", **by_at)
