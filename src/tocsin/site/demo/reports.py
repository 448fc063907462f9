"""Put the sightings of one day into one report: times of day, exact copies, and the accidents of the plan."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from tocsin.site.demo.country import DAYS, ReportPlan, Spoiled
from tocsin.site.demo.rows import Finding, quoted

_COPIES = 0.05
"""Share of rows that are sent twice, as feeds do."""
_HOUR_WEIGHTS = tuple(accumulate((9, 9, 8, 8, 9, 10, 10, 10, 11, 11, 11, 10, 8, 6, 4, 3, 2, 2, 2, 3, 5, 7, 8, 9)))
"""Events by hour, UTC: Meridia's evening is UTC's morning."""
_DAY_S = 86_400


@dataclasses.dataclass(frozen=True)
class Report:
    """The rows of one report file."""

    header: str
    rows: tuple[str, ...]
    copies: int
    """Rows that are an exact copy of the row before."""

    def text(self) -> str:
        """Return the file's text, header first."""
        return "\n".join((self.header, *self.rows, ""))


def compose(
    plan: ReportPlan, day: int, date: dt.date, open_findings: Sequence[Finding], until_s: int, rng: Random
) -> Report:
    """Return the report of `date`, the week's day number `day`, in order of time.

    Nothing is seen later than `until_s` seconds after midnight, UTC.
    """
    stamp = _Clock(plan, date, until_s)
    rows = [
        finding.sighting(stamp.draw(rng), rng)
        for finding in open_findings
        for _ in range(1 + (rng.random() < plan.sightings - 1))
    ]
    rows.sort()
    rows = _accidents(plan, day, rows)
    repeated = [row for row in rows for _ in range(1 + (rng.random() < _COPIES))]
    header = ",".join(quoted(column) for column in plan.columns)
    return Report(header, tuple(repeated), len(repeated) - len(rows))


class _Clock:
    """Draws times of day: within the scan's window, or by the hours in which people's machines are on."""

    def __init__(self, plan: ReportPlan, date: dt.date, until_s: int) -> None:
        self._date = date.isoformat()
        start, hours = plan.window
        self._start_s, self._length_s = start * 3600, hours * 3600
        self._all_day = hours == 24
        self._pace = min(1.0, until_s / (self._start_s + self._length_s))

    def draw(self, rng: Random) -> str:
        if self._all_day:
            second = rng.choices(range(24), cum_weights=_HOUR_WEIGHTS)[0] * 3600 + rng.randrange(3600)
        else:
            second = self._start_s + rng.randrange(self._length_s)
        second = min(int(second * self._pace), _DAY_S - 1)
        return f"{self._date} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def _accidents(plan: ReportPlan, day: int, rows: list[str]) -> list[str]:
    """Return `rows` after what goes wrong on that day: cut off, spoiled, or unreadable."""
    accidents = plan.accidents
    if day == DAYS - 1:
        rows = rows[: round(len(rows) * accidents.cut_last)]
    if accidents.bad_cells is not None and day == accidents.bad_cells.day:
        rows = _spoil(plan, rows, accidents.bad_cells)
    if day == accidents.unreadable_day:
        rows = rows + _unreadable(plan, rows[0])
    return rows


def _spoil(plan: ReportPlan, rows: list[str], spoiled: Spoiled) -> list[str]:
    """Return `rows` with the text in a column that holds numbers, evenly spread."""
    column, step = plan.columns.index(spoiled.column), max(1, len(rows) // spoiled.rows)
    changed = list(rows)
    for at in range(0, min(len(rows), step * spoiled.rows), step):
        cells = _cells(rows[at])
        cells[column] = spoiled.text
        changed[at] = ",".join(map(quoted, cells))
    return changed


def _unreadable(plan: ReportPlan, row: str) -> list[str]:
    """Return three rows nobody can read: torn off, without an address, at an impossible time."""
    cells = _cells(row)
    nowhere = ["" if column in ("ip", "src_ip") else cell for column, cell in zip(plan.columns, cells, strict=True)]
    never = ["yesterday noon", *cells[1:]]
    return [",".join(map(quoted, torn)) for torn in (cells[:7], nowhere, never)]


def _cells(row: str) -> list[str]:
    return next(csv.reader(io.StringIO(row)))
