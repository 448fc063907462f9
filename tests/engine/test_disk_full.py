"""A full disk refuses a run with a sentence; nothing of it counts, and what was there is readable."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.manifest import Bench, state_digest
from tests.engine.reports import as_csv, day, name_of, seen
from tests.small_disks import mounted
from tocsin.engine.query import Filter

ROOT = Path(__file__).resolve().parents[2]


def report(folder: Path, on: int, rows: int) -> Path:
    """Write a report that does not compress well."""
    path = folder / name_of("scan_rdp", day(on))
    made = [
        seen(
            f"198.18.{n >> 8}.{n & 255}",
            day(on),
            f"{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}",
            tag=os.urandom(40).hex(),
        )
        for n in range(rows)
    ]
    path.write_bytes(as_csv(made))
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    with mounted(tmp_path / "disk", "2m") as place:
        yield place


@pytest.mark.mounts
def test_a_full_disk_refuses_the_run_and_keeps_what_was_there(small_disk: Path, tmp_path: Path) -> None:
    bench = Bench(small_disk)
    bench.run([report(tmp_path, 0, 500)])
    before, files = state_digest(bench), bench.manifest.files()
    large = report(tmp_path, 1, 60_000)
    with pytest.raises(OSError, match="No space left on device") as refusal:
        bench.run([large])
    assert refusal.value.errno == errno.ENOSPC
    assert (state_digest(bench), bench.manifest.files()) == (before, files)
    assert bench.findings().count(Filter()) == 500
    # Once what the refused run left is cleared away, there is room again.
    for path in bench.debris():
        (small_disk / path).unlink()
    assert len(bench.run([report(tmp_path, 1, 600)]).accepted) == 1
    assert bench.findings().count(Filter()) == 600


LIMITED = """
    import resource, signal, sys
    from pathlib import Path
    from tests.engine.crash_driver import DurableBench

    folder = Path(sys.argv[1])
    bench = DurableBench(folder / "store").load()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    try:
        bench.run([folder / sys.argv[2]])
    except OSError as refusal:
        print(refusal.errno, refusal)
        sys.exit(3)
"""


def test_a_file_that_cannot_grow_refuses_the_run_too(tmp_path: Path) -> None:
    from tests.engine.crash_driver import DurableBench

    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    bench = DurableBench(tmp_path / "store")
    bench.run([report(tmp_path, 0, 50)])
    before = state_digest(bench)
    large = report(tmp_path, 1, 20_000)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path), large.name],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 3, done.stderr
    assert done.stdout.startswith(f"{errno.EFBIG} ")
    assert "File too large" in done.stdout
    assert state_digest(bench.load()) == before
    assert len(bench.run([large]).accepted) == 1
