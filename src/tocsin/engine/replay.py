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
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.engine import digests, lost, parquet
from tocsin.engine.addresses import readable
from tocsin.engine.claims import Claims
from tocsin.engine.enrich import Announcements, Delegations
from tocsin.engine.executors import Executor
from tocsin.engine.intake import Context, Delivery, Mapped, Read, Ready, Recognised, Recogniser, map_chunk, midnight
from tocsin.engine.normalise import QUARANTINE, RAW
from tocsin.engine.opening import BrokenReport, Source
from tocsin.engine.records import CHUNK_BYTES, CHUNK_ROWS, LINE_END, Batch, Chunk, as_table, count_byte, parse
from tocsin.engine.resync import Resynchroniser
from tocsin.engine.shapes import Shape
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
    with lost.told(workspace.root / report.parts[0]):
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
    parts: tuple[str, ...]
    """Where those of the lines stand that were kept."""
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
    if report.quarantine:  # once: each task reads a little of it, and all of it may be large
        digests.require(root / report.quarantine)
    firsts = [_first_line(root / part) for part in report.parts]
    aside = np.sort(_set_aside(context.workspace, report, columns=["line"])["line"].to_numpy())
    edges = sorted({*firsts[1:], *aside[CHUNK_ROWS::CHUNK_ROWS].tolist()})
    return [
        ReadTask(
            delivery,
            report,
            number,
            first,
            end,
            _parts_within(report.parts, firsts, first, end),
            context.claims,
            context.announcements,
            context.delegations,
        )
        for number, (first, end) in enumerate(zip([0, *edges], [*edges, _END], strict=True))
    ]


def _first_line(part: Path) -> int:
    with lost.told(part), pq.ParquetFile(part) as file:
        line: int = next(file.iter_batches(1, columns=["line"]))["line"][0].as_py()
    return line


def _parts_within(parts: Sequence[str], firsts: Sequence[int], first: int, end: int) -> tuple[str, ...]:
    """Return the parts that hold any of some lines. Each holds the lines up to the first of the next."""
    follow = zip(parts, firsts, (*firsts, _END)[1:], strict=True)
    return tuple(part for part, begins, ends in follow if begins < end and first < ends)


def read_lines(workspace: Workspace, task: ReadTask) -> Mapped:
    """Read lines of a report again and write their part, spill and quarantine."""
    context = Context(workspace, task.claims, task.announcements, task.delegations)
    return map_chunk(context, task.delivery, Ready(task.number, batch(workspace, task)))


def batch(workspace: Workspace, task: ReadTask) -> Batch:
    """Return the records in a task's lines as they were parsed once."""
    columns = task.delivery.columns
    tables = [_kept(workspace, part, columns, task) for part in task.parts]
    aside = _set_aside(workspace, task.report, lines=(task.first, task.end))
    torn = pc.equal(aside["column"], "")
    tables.append(_refused(aside.filter(pc.invert(torn)), columns))
    table = pa.concat_tables(tables).sort_by("line").combine_chunks()
    torn_ones = aside.filter(torn).combine_chunks()
    bad = BadRecords(torn_ones["line"].to_numpy(), *(readable(torn_ones[name]) for name in ("reason", "raw")))
    return Batch(table.drop_columns(["line"]), table["line"].to_numpy(), bad)


def _kept(workspace: Workspace, part: str, columns: tuple[str, ...], task: ReadTask) -> pa.Table:
    with lost.told(workspace.root / part):
        table = pq.read_table(parquet.whole(workspace.root / part), columns=["line", *(RAW + name for name in columns)])
    return _within(table.rename_columns(["line", *columns]).cast(_schema(columns)), task)


def _schema(columns: tuple[str, ...]) -> pa.Schema:
    return pa.schema([("line", pa.int64()), *((name, pa.binary()) for name in columns)])


def _refused(aside: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """Return rows that had no time or no asset as columns again."""
    raws = aside["raw"].to_pylist()
    table = _read_at_once(raws, columns)
    if table is None:
        cells = Resynchroniser(len(columns)).cells
        table = as_table([cells(raw) or [b""] * len(columns) for raw in raws], columns)
    arrays = [column.combine_chunks() for column in table.columns]
    return pa.table([aside["line"].combine_chunks(), *arrays], schema=_schema(columns))


def _read_at_once(raws: Sequence[bytes], columns: tuple[str, ...]) -> pa.Table | None:
    """Return records as columns; None where some of them is none by itself, or they are too many to be held twice."""
    if not raws or sum(map(len, raws)) > CHUNK_BYTES:
        return None
    block = b"\n".join((*raws, b""))
    batch = parse(Chunk(0, 0, ((block, count_byte(block, LINE_END)),)), columns, Shape())
    return batch.table if batch.table.num_rows == batch.records == len(raws) else None


def _set_aside(
    workspace: Workspace,
    report: Report,
    *,
    lines: tuple[int, int] = (0, _END),
    columns: Sequence[str] = tuple(QUARANTINE.names),
) -> pa.Table:
    """Return the records that were set aside whole, of the lines from one up to another.

    Row groups without any of these lines are not read: there may be as many tasks as row groups.
    """
    if not report.quarantine:
        return QUARANTINE.empty_table().select(columns)
    whole = pc.field("whole_row") & (pc.field("line") >= lines[0]) & (pc.field("line") < lines[1])
    path = workspace.root / report.quarantine
    with lost.told(path):
        return pq.read_table(path, schema=QUARANTINE, columns=list(columns), filters=whole)


def _within(table: pa.Table, task: ReadTask) -> pa.Table:
    lines: Any = table["line"]
    return table.filter(pc.and_(pc.greater_equal(lines, task.first), pc.less(lines, task.end)))
