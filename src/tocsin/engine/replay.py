"""Read an accepted report again, from what was kept of it.

Observations hold every cell as it came, the quarantine every record that could
not be taken; together they are the report. So a better mapping, or a newer
schema, can be applied to what arrived long ago: rows that were set aside are
read again too, and what comes of it is what importing the original file now
would give. What is no record whatever its columns mean (a torn line) stays as it was.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.engine.addresses import readable
from tocsin.engine.claims import Claims
from tocsin.engine.enrich import Announcements, Delegations
from tocsin.engine.executors import Executor
from tocsin.engine.intake import Context, Delivery, Mapped, Read, Ready, Recognised, Recogniser, map_chunk, midnight
from tocsin.engine.normalise import QUARANTINE, RAW
from tocsin.engine.opening import BrokenReport, Source
from tocsin.engine.records import CHUNK_ROWS, Batch
from tocsin.engine.resync import Resynchroniser
from tocsin.engine.store import Report, Workspace
from tocsin.engine.triage import BadRecords

_TOGETHER = 16
"""Tasks between two reports of progress."""
_END = np.iinfo(np.int64).max


def delivered_again(
    workspace: Workspace, number: int, report: Report, recognise: Recogniser, latest: dt.date | None = None
) -> Delivery:
    """Return an accepted report as if it were delivered now. Raises BrokenReport when its mapping does not fit it, or
    nothing of it is kept.

    `latest` is the last day that it might be of when it was delivered first.
    """
    if report.expired:
        raise BrokenReport("its rows are no longer kept.", where=report.name)
    recognised = recognise(report.name, report.columns)
    if recognised.shape.header and recognised.shape.header != report.columns:
        raise BrokenReport("its mapping gives it other columns than it was read with.", where=report.name)
    if not report.content:
        raise BrokenReport(
            "it was imported by an older version, which did not keep its content hash.", where=report.name
        )
    source = Source(workspace.root, report.name)
    stand_in = _stand_in(workspace, report, recognised)
    return Delivery(number, source, recognised, report.columns, report.size, stand_in, latest)


def _stand_in(workspace: Workspace, report: Report, recognised: Recognised) -> dt.datetime:
    """Return the time of rows whose type has no column for it: as it was when the report was read."""
    if recognised.mapping.roles.time or recognised.on or not report.parts:
        return midnight(recognised.on or report.on)
    time: dt.datetime = pq.read_table(workspace.root / report.parts[0], columns=["time"])["time"][0].as_py()
    return time


@dataclasses.dataclass(frozen=True)
class ReadTask:
    """Consecutive lines of a report, to be read again."""

    delivery: Delivery
    report: Report
    number: int
    first: int
    """The first line, and the one at which the next task begins."""
    end: int
    claims: Claims
    announcements: Announcements | None
    delegations: Delegations | None = None


def reads_again(
    context: Context,
    again: Sequence[tuple[Report, Delivery]],
    executor: Executor,
    progress: Callable[[str, float], None],
) -> Iterator[Read]:
    """Yield what comes of each report, in order."""
    tasks = [task for report, delivery in again for task in _tasks(context, report, delivery)]
    done: dict[int, list[Mapped]] = {delivery.number: [] for _, delivery in again}
    for at in range(0, len(tasks), _TOGETHER):
        for mapped in executor.each(read_lines, context.workspace, tasks[at : at + _TOGETHER]):
            done[mapped.delivery].append(mapped)
        progress(tasks[at].report.name, min(at + _TOGETHER, len(tasks)) / len(tasks))
    for report, delivery in again:
        yield Read(delivery, bytes.fromhex(report.content), tuple(done[delivery.number]))


def _tasks(context: Context, report: Report, delivery: Delivery) -> list[ReadTask]:
    """Cut a report as it was cut before, and where many of its rows were set aside."""
    root = context.workspace.root
    firsts = {pq.read_table(root / part, columns=["line"])["line"][0].as_py() for part in report.parts[1:]}
    aside = _quarantine(context.workspace, report)["line"].to_numpy()
    edges = sorted(firsts | set(aside[CHUNK_ROWS::CHUNK_ROWS].tolist()))
    return [
        ReadTask(delivery, report, number, first, end, context.claims, context.announcements, context.delegations)
        for number, (first, end) in enumerate(zip([0, *edges], [*edges, _END], strict=True))
    ]


def read_lines(workspace: Workspace, task: ReadTask) -> Mapped:
    """Read lines of a report again and write their part, spill and quarantine."""
    context = Context(workspace, task.claims, task.announcements, task.delegations)
    return map_chunk(context, task.delivery, Ready(task.number, batch(workspace, task)))


def batch(workspace: Workspace, task: ReadTask) -> Batch:
    """Return the records in a task's lines as they were parsed once."""
    columns = task.delivery.columns
    tables = [_kept(workspace, part, columns, task) for part in task.report.parts]
    aside = _within(_quarantine(workspace, task.report), task)
    torn = pc.equal(aside["column"], "")
    tables.append(_refused(aside.filter(pc.invert(torn)), columns))
    table = pa.concat_tables(tables).sort_by("line").combine_chunks()
    torn_ones = aside.filter(torn).combine_chunks()
    bad = BadRecords(torn_ones["line"].to_numpy(), *(readable(torn_ones[name]) for name in ("reason", "raw")))
    return Batch(table.drop_columns(["line"]), table["line"].to_numpy(), bad)


def _kept(workspace: Workspace, part: str, columns: tuple[str, ...], task: ReadTask) -> pa.Table:
    table = pq.read_table(workspace.root / part, columns=["line", *(RAW + name for name in columns)])
    return _within(table.rename_columns(["line", *columns]).cast(_schema(columns)), task)


def _schema(columns: tuple[str, ...]) -> pa.Schema:
    return pa.schema([("line", pa.int64()), *((name, pa.binary()) for name in columns)])


def _refused(aside: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """Return rows that had no time or no asset as columns again."""
    resynchroniser = Resynchroniser(len(columns))
    rows = [resynchroniser.cells(raw) or [b""] * len(columns) for raw in aside["raw"].to_pylist()]
    cells = zip(*rows, strict=True) if rows else ([] for _ in columns)
    arrays = [pa.array([cell or None for cell in column], pa.binary()) for column in cells]
    return pa.table([aside["line"].combine_chunks(), *arrays], schema=_schema(columns))


def _quarantine(workspace: Workspace, report: Report) -> pa.Table:
    """Return the records that were set aside whole, in order."""
    if not report.quarantine:
        return QUARANTINE.empty_table()
    table = pq.read_table(workspace.root / report.quarantine, schema=QUARANTINE)
    return table.filter(table["whole_row"]).sort_by("line")


def _within(table: pa.Table, task: ReadTask) -> pa.Table:
    lines: Any = table["line"]
    return table.filter(pc.and_(pc.greater_equal(lines, task.first), pc.less(lines, task.end)))
