"""Read one report as events with the keys of the IntelMQ Data Format: no store, no constituents, no findings."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import cells
from tocsin.engine.intake import ChunkSource, Delivery, Recogniser, deliver, parsed
from tocsin.engine.mapping import TIME, Mapping
from tocsin.engine.normalise import Normalised, normalise
from tocsin.engine.opening import Source
from tocsin.engine.records import Batch

Event = dict[str, Any]


@dataclasses.dataclass
class Tally:
    """What was read so far."""

    records: int = 0
    kept: int = 0
    rows_quarantined: int = 0
    cells_quarantined: int = 0

    def add(self, batch: Batch, result: Normalised) -> None:
        """Count one batch."""
        self.records += batch.records
        self.kept += result.events.num_rows
        self.rows_quarantined += result.rows_quarantined
        self.cells_quarantined += result.cells_quarantined


def events(source: Source, recognise: Recogniser, tally: Tally, latest: dt.date | None = None) -> Iterator[Event]:
    """Yield the event of each good row of a report, in the order of the file. Raises BrokenReport.

    `latest` is the last day of which a row may be when the file's name says none.
    """
    delivery = deliver(0, source, recognise, latest)
    for batch, result in read(delivery):
        tally.add(batch, result)
        yield from batch_events(batch, result, delivery.recognised.mapping)


def read(delivery: Delivery) -> Iterator[tuple[Batch, Normalised]]:
    """Yield the records of a report with what they mean, batch by batch. Raises BrokenReport."""
    mapping = delivery.recognised.mapping
    for chunk in ChunkSource(delivery):
        batch = parsed(delivery, chunk)
        yield batch, normalise(batch, mapping, stand_in=delivery.stand_in, bounds=delivery.bounds)


def batch_events(batch: Batch, result: Normalised, mapping: Mapping) -> Iterator[Event]:
    """Yield the events of one batch. A bad cell is left out of its event; it stands in the quarantine."""
    kept = np.isin(batch.lines, result.events["line"].to_numpy())
    table: pa.Table = batch.table if kept.all() else batch.table.filter(pa.array(kept))
    fields = [field for field in mapping.fields if field.column in table.column_names]
    columns = [(field.key, cells.convert(table, field.column, field.conversion)) for field in fields]
    known = {field.column for field in fields}
    extra = [(f"extra.{name}", cells.convert(table, name, "raw")) for name in table.column_names if name not in known]
    constants = dict(mapping.constants) | {"feed.name": mapping.title}
    mended = _times_of_report(result, mapping, given=any(field.key == TIME for field in fields))
    for line, *values in zip(result.events["line"].to_pylist(), *(c for _, c in (*columns, *extra)), strict=True):
        event: Event = dict(constants)
        for (key, _), value in zip((*columns, *extra), values, strict=True):
            if value is not None and (key not in event or key in constants):
                event[key] = value.isoformat() if isinstance(value, dt.datetime) else value
        if line in mended:
            event[TIME] = mended[line]
        yield event


def _times_of_report(result: Normalised, mapping: Mapping, *, given: bool) -> dict[int, str]:
    """Return, by line, the times that no cell tells: of all rows, or where it is `given` of those whose own cannot be.

    The day of the report, or when its file was last changed, stands in for them.
    """
    rows, aside = result.events.select(["line", "time"]), result.quarantine
    if given and not aside.num_rows:
        return {}
    if given:
        odd = pc.and_(pc.equal(aside["column"], mapping.roles.time), pc.invert(aside["whole_row"]))
        rows = rows.filter(pc.is_in(rows["line"], aside["line"].filter(odd)))
    return {row["line"]: row["time"].isoformat() for row in rows.to_pylist()}
