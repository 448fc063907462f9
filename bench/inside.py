"""The engine without the product: a manifest in memory instead of a database.

    python -m bench.inside STORE CONSTITUENTS FILE…

Prints one JSON object: rows, seconds and CPU seconds of the run, start-up excluded.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from bench.machine import CORES
from tests.engine.manifest import Bench, claims_of
from tocsin.engine.executors import Threads


def main(store: Path, constituents: Path, files: list[Path]) -> None:
    """Run the engine once, on an empty store."""
    store.mkdir(parents=True, exist_ok=True)
    bench = Bench(store, claims_of(json.loads(constituents.read_text(encoding="utf-8"))))
    wall, cpu = time.perf_counter(), time.process_time()
    delta = bench.run(files, Threads(CORES))
    spent = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    json.dump({"rows": sum(report.records for report in delta.accepted), **spent}, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(path) for path in sys.argv[3:]])
