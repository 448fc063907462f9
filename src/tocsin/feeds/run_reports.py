"""The reports of a run as its page lists them: by type and day, what waits for a person apart."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tocsin.feeds import wording
from tocsin.feeds.choices import Origin
from tocsin.feeds.models import Cycle, Report, Run

MOVEMENTS = ("new", "returned", "still", "gone")
TypeDay = tuple[str, dt.date]


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """A file that a run took in and that was imported again later: what the run's summary says of it."""

    name: str
    kept: int
    rows_quarantined: int
    run: int
    """By which it counts, or counted last."""
    cells_quarantined: int | None = None
    """None where the summary gives their number for all files only."""


@dataclasses.dataclass(frozen=True)
class Line:
    """One report, with what its day changed beside the first of that day; or a day whose reports are another run's."""

    on: dt.date
    report: Report | Elsewhere | None
    moved: Mapping[str, int] | None
    held: bool

    @property
    def counts_by(self) -> int | None:
        """The other run by which the file counts now."""
        return self.report.run if isinstance(self.report, Elsewhere) else None


@dataclasses.dataclass(frozen=True)
class Group:
    """All of one type."""

    type: str
    what: str
    lines: Sequence[Line]
    reports: int
    kept: int
    rows_out: int
    cells_out: int
    mapping: str
    """Who described its columns, where that was not ourselves."""
    moved: Mapping[str, int]
    """Sums over the days."""
    lacking: Sequence[str]
    """Columns that its mapping file names and that its reports lack."""

    @property
    def elsewhere(self) -> list[int]:
        """The runs by which files of it count now."""
        return sorted({line.counts_by for line in self.lines if line.counts_by})

    @property
    def held(self) -> list[Line]:
        """Those that wait for a decision."""
        return [line for line in self.lines if line.held]


def groups(
    reports: Iterable[Report],
    elsewhere: Iterable[tuple[TypeDay, Elsewhere]],
    cycles: Iterable[Mapping[str, Any]],
    held: Collection[TypeDay],
    titles: Mapping[str, str],
    lacking: Mapping[str, Sequence[str]],
) -> list[Group]:
    """Return the reports by type and day; `cycles` and `lacking` are those of the run's summary.

    Types with a held day come first.
    """
    by_day: dict[TypeDay, list[Report | Elsewhere]] = defaultdict(list)
    for report in reports:
        by_day[report.type.name, report.on].append(report)
    for type_day, file in elsewhere:
        by_day[type_day].append(file)
    moved = {(each["type"], dt.date.fromisoformat(each["date"])): each for each in cycles}
    days: dict[str, list[dt.date]] = defaultdict(list)
    for kind, on in sorted(by_day.keys() | moved.keys()):
        days[kind].append(on)
    found = [
        _group(
            kind,
            [line for on in each for line in _lines(kind, on, by_day, moved, held)],
            wording.kind(kind, titles),
            lacking.get(kind, ()),
        )
        for kind, each in days.items()
    ]
    return sorted(found, key=lambda group: (not group.held, group.type))


def _lines(
    kind: str,
    on: dt.date,
    by_day: Mapping[TypeDay, list[Report | Elsewhere]],
    moved: Mapping[TypeDay, Mapping[str, Any]],
    held: Collection[TypeDay],
) -> list[Line]:
    of_day: list[Report | Elsewhere | None] = [*sorted(by_day.get((kind, on), ()), key=lambda report: report.name)]
    first, *rest = of_day or [None]
    is_held = (kind, on) in held
    return [Line(on, first, moved.get((kind, on)), is_held), *(Line(on, report, None, is_held) for report in rest)]


def _group(kind: str, lines: list[Line], what: str, lacking: Sequence[str]) -> Group:
    reports = [line.report for line in lines if line.report]
    own = [report for report in reports if isinstance(report, Report)]
    return Group(
        type=kind,
        what=what,
        lines=lines,
        reports=len(reports),
        kept=sum(report.kept for report in reports),
        rows_out=sum(report.rows_quarantined for report in reports),
        cells_out=sum(report.cells_quarantined or 0 for report in reports),
        mapping=own[0].origin_label if own and own[0].origin != Origin.BUILT_IN else "",
        moved={word: sum(line.moved[word] for line in lines if line.moved) for word in MOVEMENTS},
        lacking=lacking,
    )


def groups_of(run: Run, titles: Mapping[str, str]) -> list[Group]:
    """Return the reports of a run by type and day."""
    reports = list(run.reports.select_related("type").defer("parts", "quarantine", "columns", "unknown_columns"))
    held = frozenset(Cycle.objects.filter(held=True).values_list("type__name", "on"))
    summary = run.summary
    cycles, lacking = summary.get("cycles", ()), summary.get("lacking_columns", {})
    return groups(reports, _elsewhere(run, reports), cycles, held, titles, lacking)


def _elsewhere(run: Run, reports: Iterable[Report]) -> list[tuple[TypeDay, Elsewhere]]:
    """Return the files of a run's summary that are another run's by now: they were imported again."""
    if run.options.get("replay"):
        return []  # what it read again is the reports of another run, and stays that
    own = {(report.type.name, name) for report in reports for name in (report.name, *report.also)}
    files = run.summary.get("files", ())
    gone = {(file["type"], file["name"]): file for file in files if (file["type"], file["name"]) not in own}
    if not gone:
        return []
    cells = run.summary.get("cells_quarantined") if len(files) == 1 else None
    found: dict[tuple[str, str], tuple[TypeDay, Elsewhere]] = {}
    days = {(each["type"], each["date"]) for each in run.summary.get("cycles", ())}
    rows = Report.objects.filter(type__name__in={kind for kind, _ in gone}, run__gt=run.pk)
    for kind, on, name, also, other in rows.values_list("type__name", "on", "name", "also", "run_id"):
        for each in (name, *also):
            file = gone.get((kind, each))
            if file and (kind, on.isoformat()) in days:
                said = Elsewhere(each, file["kept"], file["quarantined"], other, cells)
                found[kind, each] = ((kind, on), said)
    return list(found.values())
