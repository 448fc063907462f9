"""How much memory a process has taken at most, and giving back what it needs no more."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_rss_mb(status: Path = _STATUS) -> float:
    """Return the most memory, in MiB, that this process held at once since its program began.

    From Linux's own account of the program (`VmHWM` in proc(5)). What getrusage(2)
    says, which is taken where there is none, may be that of the process that
    started it: the figure outlives the call that puts one program in the place of
    another.
    """
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # not Linux, or /proc is closed to us
        lines = []
    for line in lines:
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def give_back() -> None:
    """Return to the system what the C library keeps of freed memory, where it can: malloc_trim(3) of the GNU one."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
