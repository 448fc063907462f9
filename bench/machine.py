"""What a result must say of the machine that it comes from, and nothing that identifies it."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

_LIBRARIES = ("pyarrow", "numpy", "duckdb", "django", "pandas")
# PyArrow imports Pandas where it is installed; the product does not need it, and its import costs 0.2 s.
CORES = 2
"""The targets are for two cores: whatever is measured is kept to as many."""
QUIET = 0.2
"""Cores that other work may keep busy before the clock tells nothing any more."""


def keep_to_two_cores() -> int:
    """Let this process and all it starts run on two cores at most; return how many those are."""
    mine = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, mine)
    return len(mine)


def describe(cores_used: int) -> dict[str, Any]:
    """Return cores, processor, memory, versions, the instant and the load now."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cores_used": cores_used,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": _system(),
        "python": platform.python_version(),
        **{name: _version(name) for name in _LIBRARIES},
        "load_at_start": load(),
    }


def load() -> float:
    """Return the load of the last minute."""
    return round(os.getloadavg()[0], 2)


def busy_s() -> float:
    """Return the CPU seconds that all processes of the machine have used since it started."""
    fields = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _waiting, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.lower().startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "none"
