"""What is in question of a held cycle. Apart from `doubts`, since a page that says it does not load the engine."""

from __future__ import annotations

from collections.abc import Collection

HALF = 0.5
"""As `engine.cycles.HELD_BELOW`."""
OF_ANOTHER_DAY = frozenset({"old", "repeated"})
"""As `engine.cycles.Why` calls what speaks against the day of a report."""


def is_by_findings(rows: int, usual: float | None, usual_findings: float | None) -> bool:
    """Tell whether only its findings show that a cycle has too few: it has enough rows, which repeat them."""
    return usual_findings is not None and usual is not None and rows >= HALF * usual


def is_of_another_day(doubts: Collection[str]) -> bool:
    """Tell whether nothing but its day is in question."""
    return bool(doubts) and OF_ANOTHER_DAY.issuperset(doubts)
