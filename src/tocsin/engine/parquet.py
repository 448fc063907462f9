"""How the engine's tables are written: small enough for a small disk, fast enough for a day's reports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def write(table: pa.Table, path: Path, *, plain: Collection[str], looked_up: Sequence[str]) -> None:
    """Write a table as Parquet.

    `plain` are the columns in which nearly every value differs: a dictionary would cost and save nothing. `looked_up`
    are those by whose least and greatest values readers pass over row groups.
    """
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in table.column_names if name not in plain],
        write_statistics=list(looked_up),
        store_schema=False,
    )
