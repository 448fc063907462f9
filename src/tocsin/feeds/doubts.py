"""Why a cycle is held, in English, for commands. Pages say it in the reader's language (`wording`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.engine.cycles import Why
from tocsin.feeds.held import is_by_findings
from tocsin.kernel.counting import counted

NAMED = 5
"""So many lists are named one by one."""


def why_held(cycle: Mapping[str, Any]) -> str:
    """Return what speaks against a cycle, given with the keys that commands print: "it has 1 row, less than half of the
    8 on the days before".

    A cycle that was held before reasons were kept had too few rows.
    """
    doubts: Mapping[str, Sequence[str]] = cycle["doubts"]
    said = [_few(cycle)] if Why.FEW in doubts or not doubts else []
    if cut := doubts.get(Why.CUT, ()):
        said.append(f"{listed(cut)} {'ends' if len(cut) == 1 else 'end'} in the middle of a line")
    if missing := doubts.get(Why.MISSING, ()):
        said.append(f"{listed(missing)} came on each of the days before and did not come")
    if repeated := doubts.get(Why.REPEATED, ()):
        are = "is byte for byte a report of an earlier day"
        are = are if len(repeated) == 1 else "are byte for byte reports of earlier days"
        said.append(f"{listed(repeated)} {are}")
    if old := doubts.get(Why.OLD, ()):
        said.append(f"no row of {listed(old)} is of its day or of the day before")
    return "; ".join(said)


def _few(cycle: Mapping[str, Any]) -> str:
    rows = counted(cycle["rows"], "row")
    if is_by_findings(cycle["rows"], cycle["usual"], cycle["usual_findings"]):
        shown, usual = counted(cycle["findings"] or 0, "finding"), cycle["usual_findings"]
        return f"it shows {shown} in {rows}, less than half of the {usual:.0f} findings on the days before"
    return f"it has {rows}, less than half of the {cycle['usual'] or 0:.0f} on the days before"


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many there are more."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
