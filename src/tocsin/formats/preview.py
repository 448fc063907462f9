"""What a mapping makes of the first rows of a report: to look at before anything is imported."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from typing import Any

from tocsin.engine.intake import Recogniser, deliver
from tocsin.engine.mapping import Mapping
from tocsin.engine.opening import Source
from tocsin.formats.reading import Tally, batch_events, read

SHOWN = 200
"""Characters of a bad cell that are shown."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One record: the event it becomes, or None when it is set aside; and what of it could not be taken."""

    line: int
    event: dict[str, Any] | None
    bad: tuple[tuple[str, str, str], ...]
    """Column, reason and text; the column is empty where no cell is to blame."""


@dataclasses.dataclass(frozen=True)
class Preview:
    """The first rows, and how all of them fare."""

    mapping: Mapping
    columns: dict[str, tuple[str, ...]]
    """The keys that each column of the report becomes."""
    rows: tuple[Row, ...]
    tally: Tally
    lacking: tuple[str, ...] = ()
    """Columns that the mapping file names and the report does not have."""


def preview(source: Source, recognise: Recogniser, count: int, latest: dt.date | None = None) -> Preview:
    """Read a report that is of `latest` at the latest, keeping its first `count` records. Raises BrokenReport."""
    delivery = deliver(0, source, recognise, latest)
    mapping = delivery.recognised.mapping
    tally = Tally()
    rows: list[Row] = []
    for batch, result in read(delivery):
        tally.add(batch, result)
        if len(rows) < count:
            events = dict(zip(result.events["line"].to_pylist(), batch_events(batch, result, mapping), strict=True))
            rows += _rows(events, result.quarantine.to_pylist())
    columns = {name: _keys(mapping, name) for name in delivery.columns}
    return Preview(mapping, columns, tuple(rows[:count]), tally, delivery.recognised.lacking)


def _keys(mapping: Mapping, column: str) -> tuple[str, ...]:
    return tuple(field.key for field in mapping.fields if field.column == column) or (f"extra.{column}",)


def _rows(events: dict[int, dict[str, Any]], quarantine: list[dict[str, Any]]) -> list[Row]:
    bad: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for cell in quarantine:
        raw = (cell["raw"] or b"").decode("utf-8", "replace")
        bad[cell["line"]].append((cell["column"] or "", cell["reason"], raw[:SHOWN]))
    return [Row(line, events.get(line), tuple(bad[line])) for line in sorted({*events, *bad})]
