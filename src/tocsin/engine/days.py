"""Of which days reports may be: none too far ahead or before there were any, none of which nothing is kept any more.

What was folded up to a type's baseline is settled: a report of such a day could
only be counted beside what was forgotten. So it is set aside, like one that is
dated ahead, and changes nothing.
"""

from __future__ import annotations

import datetime as dt

from tocsin.engine.bounds import EARLIEST
from tocsin.engine.opening import BrokenReport
from tocsin.engine.store import Baseline, Catalogue


class Days:
    """What a run may take, by the clock and by what the manifest still keeps."""

    def __init__(self, catalogue: Catalogue, latest: dt.date | None) -> None:
        self._catalogue, self._latest = catalogue, latest
        self._baselines: dict[str, Baseline | None] = {}

    def baseline(self, report_type: str) -> Baseline | None:
        """Return what is left of the days of a type that are no longer kept."""
        if report_type not in self._baselines:
            self._baselines[report_type] = self._catalogue.baseline(report_type)
        return self._baselines[report_type]

    def is_past(self, report_type: str, on: dt.date | None) -> bool:
        """Tell whether nothing of a day is kept any more."""
        baseline = self.baseline(report_type)
        return baseline is not None and on is not None and on <= baseline.up_to

    def refusal(self, name: str, report_type: str, on: dt.date | None) -> BrokenReport | None:
        """Return why a report may not be of a day; None when it may. A day that nobody knows yet may be any."""
        if on is not None and self._latest is not None and on > self._latest:
            return _ahead(name, on)
        if on is not None and on < EARLIEST:
            return _before_all(name, on)
        baseline = self.baseline(report_type)
        if on is not None and baseline is not None and on <= baseline.up_to:
            return _past(name, on, baseline.kept_from)
        return None


def _ahead(name: str, on: dt.date) -> BrokenReport:
    return BrokenReport(
        f"it is dated {on}, which lies too far ahead.",
        where=name,
        remedy="If that day is wrong, put the right one into the name of the file; if the clock of this machine is "
        "wrong, set it. Then import it again.",
    )


def _before_all(name: str, on: dt.date) -> BrokenReport:
    return BrokenReport(
        f"it is dated {on}, which lies before there were such reports.",
        where=name,
        remedy="Put the right day into the name of the file; then import it again.",
    )


def _past(name: str, on: dt.date, kept_from: dt.date) -> BrokenReport:
    return BrokenReport(
        f"it is dated {on}, and nothing from before {kept_from} is kept any more. Nothing of it was taken in.",
        where=name,
    )
