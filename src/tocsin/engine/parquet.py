"""How the engine's tables are written: small enough for a small disk, fast enough for a day's reports."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import digests

PAGE_ROWS, PAGE_BYTES = 1 << 17, 8 << 20
"""Each page costs a compressor and a decompressor, and Arrow's own have 20,000 rows. Larger ones than these are no
faster to write, and slow a reader who wants few of their rows."""


TO_KEEP: dict[str, Any] = {"compression": "zstd", "compression_level": 1}
"""How files are compressed that stay."""
TO_REPLACE: dict[str, Any] = {"compression": "lz4"}
"""How files are compressed that the next run reads and replaces: a tenth larger, written and read in two thirds of the
time."""


def write(
    table: pa.Table,
    path: Path,
    *,
    plain: Collection[str],
    looked_up: Sequence[str],
    packing: Mapping[str, Any] = TO_KEEP,
) -> None:
    """Write a table as Parquet.

    `plain` are the columns in which nearly every value differs: a dictionary would cost and save nothing. `looked_up`
    are those by whose least and greatest values readers pass over row groups. `packing` is `TO_KEEP` or `TO_REPLACE`.
    """
    pq.write_table(
        table,
        path,
        **packing,
        use_dictionary=[name for name in table.column_names if name not in plain],
        write_statistics=list(looked_up),
        store_schema=False,
        data_page_size=PAGE_BYTES,
        max_rows_per_page=PAGE_ROWS,
    )


def whole(path: Path) -> pa.BufferReader:
    """Return a file of the store, read into memory. Raises LostFile when it is not what its name says.

    So what is decoded is what was compared. Parts and partitions are cut small enough for it, as files are: some ten
    megabytes each.
    """
    with pa.OSFile(str(path), "rb") as file:
        content = file.read_buffer()
    digests.require_content(path, content)
    return pa.BufferReader(content)
