"""Run a command in a process of its own and say what it cost.

CPU seconds are the kernel's account of the process and of every child it waited for; peak memory is the largest sum of
the resident memory of the whole tree that a look every 20 ms saw, and at least the kernel's own high-water mark of each
process. Linux only: it reads /proc.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_EVERY_S = 0.02
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process, with those it started, used: seconds, CPU seconds, peak resident MiB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Failed(Exception):
    """A measured command failed; the message ends with what it said."""


def measured(
    command: Sequence[str], environment: Mapping[str, str], *, allowed: Sequence[int] = (0,)
) -> tuple[Cost, str]:
    """Run a command to its end and return its cost and its standard output. Raises Failed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(list(command), stdout=out, stderr=errors, env=dict(environment))
        watch = _Watch(process.pid)
        _pid, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        peak_mb = watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        if process.returncode not in allowed:
            said = errors.read().decode("utf-8", "replace")[-2000:]
            raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}: {said}")
        cost = Cost(wall_s, usage.ru_utime + usage.ru_stime, peak_mb)
        return cost, out.read().decode("utf-8", "replace")


class _Watch:
    """Looks at the memory of a process tree until it is told to stop."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._end = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while True:
            tree = list(descendants(self._pid))
            self._peak = max(self._peak, sum(map(resident_mb, tree)), *map(high_water_mb, tree), 0.0)
            if self._end.wait(_EVERY_S):
                return

    def stop(self) -> float:
        self._end.set()
        self._thread.join()
        return self._peak


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and all below it, as far as they are alive."""
    yield pid
    with contextlib.suppress(OSError, ValueError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from descendants(int(child))


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MiB; 0 when it is gone."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB
    return 0.0


def high_water_mb(pid: int) -> float:
    """Return the most resident memory that a process ever had, in MiB; 0 when it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of a living process and of its children that ended; 0 when it is gone."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) * _TICK_S
    return 0.0
