"""Which reports count, and under which names, as a run goes on.

A report's identity is its content, and the same content may come under several
names. It counts while at least one of them delivers it: another content under
one of its names takes that name away, no more. So what counts follows from what
came last under each name of each day, whichever name came first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from tocsin.engine.opening import plain_name
from tocsin.engine.store import Catalogue, Report
from tocsin.kernel.names import WITHIN


class Counting:
    """The reports of the manifest with what a run has changed so far."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.accepted: list[Report] = []
        self.superseded: list[Report] = []
        self.renamed: dict[str, Report] = {}
        """Reports of the manifest by id, where this run changes their names."""
        self.arrived: set[tuple[str, dt.date, str]] = set()
        """Type, day and name of what came under a name of its own with content that was here already."""
        self.touched: set[str] = set()
        """Types that must be folded."""
        self._known: dict[str, list[Report]] = {}

    def known(self, report_type: str) -> list[Report]:
        """Return the reports of a type that the manifest holds."""
        if report_type not in self._known:
            self._known[report_type] = self.catalogue.reports(report_type)
        return self._known[report_type]

    def here(self, report_type: str) -> list[Report]:
        """Return the reports of a type that count as far as the run has come."""
        removed = {report.id for report in self.superseded}
        known = (self.renamed.get(one.id, one) for one in self.known(report_type) if one.id not in removed)
        return [*known, *(one for one in self.accepted if one.type == report_type)]

    def twin(self, report: Report) -> Report | None:
        """Return the report that has the same content, type and day."""
        return next((other for other in self.here(report.type) if other.id == report.id), None)

    def correct(self, report: Report) -> None:
        """Take the names of a report from those that came under them before; one without a name counts no more.

        A name without a date comes every day: only on the same day is it a correction.
        """
        for other in self.here(report.type):
            left = set(other.names) - set(report.names)
            if other.id == report.id or other.on != report.on or len(left) == len(other.names):
                continue
            if left:
                self.rename(other, left)
            else:
                self.supersede([other])

    def rename(self, report: Report, names: Iterable[str]) -> None:
        """Let a report count under other names than so far."""
        changed = report.named(names)
        fresh = [one.id for one in self.accepted]
        if report.id in fresh:
            self.accepted[fresh.index(report.id)] = changed
        elif changed.names != report.names:
            self.renamed[report.id] = changed

    def arrive(self, report: Report) -> None:
        """Note that a name has come whole. A cycle that waits for it must be judged anew."""
        self.arrived.add((report.type, report.on, report.name))
        cycles = (cycle for cycle in self.catalogue.cycles(report.type) if cycle.on == report.on)
        if any(waits_for(name, report.name) for cycle in cycles for name in cycle.broken):
            self.touched.add(report.type)

    def supersede(self, reports: Sequence[Report]) -> None:
        """Let reports count no more."""
        self.superseded.extend(reports)
        # Not all that is superseded: a report of nothing but a header, read again, equals the one it replaces.
        self.accepted = [report for report in self.accepted if report not in reports]
        self.touched.update(report.type for report in reports)


def waits_for(broken: str, name: str) -> bool:
    """Tell whether what could not be read, in an archive or alone, has come when a report of that name has."""
    archive, _, own = name.rpartition(WITHIN)
    if broken.rpartition(WITHIN)[2] != own:
        return False
    return not archive or plain_name(broken.partition(WITHIN)[0]) == archive
