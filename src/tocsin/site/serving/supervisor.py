"""Start processes, start them again when they die, and stop them all when told.

A process that dies is started again after one second, then two, four … up to a
minute; one that has lived for a minute starts anew at one second. When the
supervisor itself is killed the kernel tells its children to stop.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
LIVED_S = 60.0
STOP_S = 30.0
"""How long a child may take to finish what it is doing."""
PR_SET_PDEATHSIG = 1


def pause_after(deaths: int) -> float:
    """Return the seconds to wait before starting a part again that has died `deaths` times in a row."""
    return float(min(FIRST_PAUSE_S * 2 ** max(deaths - 1, 0), LONGEST_PAUSE_S))


@dataclasses.dataclass
class Part:
    """One process that is to be kept alive."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    deaths: int = 0
    start_at_s: float = 0.0

    def start(self, now_s: float) -> None:
        """Start it. In a process group of its own, so that Ctrl-C reaches the supervisor alone."""
        self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and modules
            self.command, env=self.environment, process_group=0, preexec_fn=_die_with_parent
        )
        self.started_s = now_s

    def note_death(self, now_s: float) -> int | None:
        """Return the exit code when it has just died, and plan its next start."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        end_group(self.process.pid)
        self.process = None
        self.deaths = 1 if now_s - self.started_s >= LIVED_S else self.deaths + 1
        self.start_at_s = now_s + pause_after(self.deaths)
        return code


def end_group(pid: int) -> None:
    """End what a dead part has left behind: children of its own that would keep its port."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _die_with_parent() -> None:
    """Ask the kernel to end this process when the supervisor is gone. Linux only; elsewhere nothing happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def say(sentence: str) -> None:
    """Write to the log, which is standard error."""
    sys.stderr.write(f"tocsin: {sentence}\n")
    sys.stderr.flush()


def supervise(parts: Sequence[Part], *, clock: Callable[[], float] = time.monotonic) -> int:
    """Keep the parts alive until SIGTERM or SIGINT; return 0 when all stopped in time."""
    with _stop_signal() as wait_for_stop:
        stopped = False
        while not stopped:
            for part in parts:
                _tend(part, clock())
            stopped = wait_for_stop(0.5)
        return _stop(parts)


def _tend(part: Part, now_s: float) -> None:
    code = part.note_death(now_s)
    if code is not None:
        pause_s = pause_after(part.deaths)
        say(f"the {part.name} process has ended ({_reason(code)}); starting it again in {pause_s:.0f} s.")
    if part.process is None and now_s >= part.start_at_s:
        part.start(now_s)


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


@contextlib.contextmanager
def _stop_signal() -> Iterator[Callable[[float], bool]]:
    """Yield a function that waits up to so many seconds and says whether a signal to stop has come."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    asked: list[int] = []
    kinds = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {kind: signal.signal(kind, lambda number, _frame: asked.append(number)) for kind in kinds}
    wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def wait(seconds: float) -> bool:
        if not asked:
            select.select([reader], [], [], seconds)
        return bool(asked)

    try:
        yield wait
    finally:
        signal.set_wakeup_fd(wakeup)
        for kind, handler in before.items():
            signal.signal(kind, handler)
        os.close(reader)
        os.close(writer)


def _stop(parts: Sequence[Part]) -> int:
    running = [part.process for part in parts if part.process is not None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + STOP_S
    late = [process for process in running if not _ended(process, deadline - time.monotonic())]
    for process in running:
        end_group(process.pid)
        process.wait()
    return 1 if late else 0


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(max(seconds, 0))
    except subprocess.TimeoutExpired:
        return False
    return True
