"""Why a cycle is held, in English, for commands. Pages say it in the reader's language (`wording`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.engine.cycles import Why
from tocsin.kernel.counting import counted

NAMED = 5
"""So many lists are named one by one."""


def why_held(doubts: Mapping[str, Sequence[str]], rows: int, usual: float | None) -> str:
    """Return what speaks against a cycle of so many rows: "it has 1 row, less than half of the 8 on the days before".

    A cycle that was held before reasons were kept had too few rows.
    """
    said = [f"it has {counted(rows, 'row')}, less than half of the {usual or 0:.0f} on the days before"]
    said = said if Why.FEW in doubts or not doubts else []
    if cut := doubts.get(Why.CUT, ()):
        said.append(f"{listed(cut)} {'ends' if len(cut) == 1 else 'end'} in the middle of a line")
    if missing := doubts.get(Why.MISSING, ()):
        said.append(f"{listed(missing)} came on each of the days before and did not come")
    return "; ".join(said)


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many there are more."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
