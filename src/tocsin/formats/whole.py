"""Read reports of unusual shapes (JSON lines, lists, commented tables) whole, as records of the engine.

They are small beside the reports of the great publishers; one that is not is refused.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
from collections.abc import Callable, Iterable

import numpy as np
import pyarrow as pa

from tocsin.engine.opening import BrokenReport, Source, opened
from tocsin.engine.records import MAX_COLUMNS, BadRecord, Batch
from tocsin.formats.tables import Table

MAX_BYTES = 256 * 2**20


@dataclasses.dataclass(frozen=True)
class Whole:
    """Reads one report. Goes with its delivery to whoever reads it, so it is a value."""

    table: Callable[[Iterable[bytes]], Table]

    def __call__(self, source: Source) -> tuple[Batch, bytes]:
        """Return the records of a report and the SHA-256 of its unpacked bytes. Raises BrokenReport."""
        data = _content(source)
        table = self.table(io.BytesIO(data))
        if len(table.columns) > MAX_COLUMNS:
            raise BrokenReport(
                f"it has {len(table.columns)} columns; no report has more than {MAX_COLUMNS}.", where=source.name
            )
        cells = {
            name: pa.array([cell.encode() or None for cell in column], pa.binary())
            for name, column in table.columns.items()
        }
        bad = tuple(
            BadRecord(one.line, one.reason.rstrip("."), one.raw.encode("utf-8", "replace")) for one in table.refused
        )
        return Batch(pa.table(cells), np.array(table.lines, np.int64), bad), hashlib.sha256(data).digest()


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
    return b"".join(parts)


def begins_with_an_object(source: Source) -> bool:
    """Say whether a report looks like JSON lines. Raises BrokenReport when it cannot be opened."""
    with opened(source) as stream:
        return stream.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
