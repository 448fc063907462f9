"""Read reports of unusual shapes (JSON lines, lists, commented tables) as records of the engine: their text is held
whole, their records are not.

They are small beside the reports of the great publishers; one that is not is refused.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pyarrow as pa

from tocsin.engine.opening import BrokenReport, Source, opened, refuse_packed
from tocsin.engine.records import CHUNK_ROWS, MAX_COLUMNS, Batch
from tocsin.engine.triage import BadRecord, BadRecords
from tocsin.formats.tables import Records, Row, apart

MAX_BYTES = 256 * 2**20
BATCH_CELLS = 2_000_000
"""Of one batch: what bounds the memory of a report with many columns."""


@dataclasses.dataclass(frozen=True)
class Whole:
    """Reads one report. Goes with its delivery to whoever reads it, so it is a value."""

    records: Callable[[Iterable[bytes]], Records]

    def columns(self, source: Source) -> tuple[str, ...]:
        """Return the columns of a report. Raises BrokenReport."""
        names: dict[str, None] = {}
        records = self.records(io.BytesIO(_content(source)))
        for record in records:
            if isinstance(record, Row):
                names.update(dict.fromkeys(record.cells))
                if len(names) > 2 * MAX_COLUMNS:
                    break
        names = dict.fromkeys([*records.header, *names])
        if len(names) > MAX_COLUMNS:
            raise BrokenReport(
                f"it has {len(names)} columns; no report has more than {MAX_COLUMNS}.", where=source.name
            )
        return tuple(names)

    def batches(self, source: Source, columns: tuple[str, ...]) -> Iterator[Batch]:
        """Yield the records of a report, in batches of a bounded number of cells. Raises BrokenReport."""
        records = iter(self.records(io.BytesIO(_content(source))))
        most = max(min(CHUNK_ROWS, BATCH_CELLS // max(len(columns), 1)), 1)
        while some := list(itertools.islice(records, most)):
            rows, refused = apart(some)
            cells = {
                name: pa.array([row.cells.get(name, "").encode() or None for row in rows], pa.binary())
                for name in columns
            }
            bad = BadRecords.of(BadRecord(one.line, one.reason.rstrip("."), one.raw) for one in refused)
            yield Batch(pa.table(cells), np.array([row.line for row in rows], np.int64), bad)


def _content(source: Source) -> bytes:
    with opened(source) as stream:
        parts, size = [], 0
        while part := stream.read(1 << 20):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise BrokenReport(
                    f"it is larger than {MAX_BYTES >> 20} MiB, too much for a feed of its shape.", where=source.name
                )
    refuse_packed(parts[0] if parts else b"", source.name)
    return b"".join(parts)


def begins_with_an_object(source: Source) -> bool:
    """Say whether a report looks like JSON lines. Raises BrokenReport when it cannot be opened."""
    with opened(source) as stream:
        return stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
