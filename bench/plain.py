"""L, the measure of everything: PyArrow alone reads every column of the same files as text, on two threads.

    python -m bench.plain FILE…

Prints one JSON object: rows, seconds and CPU seconds of the reading, start-up excluded.
"""

from __future__ import annotations

import json
import os
import sys
import time

import pyarrow as pa
from pyarrow import csv

THREADS = 2


def read(path: str) -> int:
    """Stream one file and return its rows."""
    with csv.open_csv(path) as peeked:
        names = peeked.schema.names
    text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False)
    rows = 0
    with csv.open_csv(path, read_options=csv.ReadOptions(use_threads=True), convert_options=text) as stream:
        for batch in stream:
            rows += batch.num_rows
    return rows


def main(paths: list[str]) -> None:
    """Read all files and print what it took."""
    pa.set_cpu_count(THREADS)
    wall, cpu = time.perf_counter(), time.process_time()
    rows = sum(map(read, paths))
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    json.dump({"rows": rows, **spent, "pid": os.getpid()}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
