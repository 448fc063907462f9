"""Have a message read by a process of its own, which may take so much time and memory and no more.

What that process dies of harms nobody: the message is as it was, and somebody
is told why it could not be read.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tocsin.courier.incoming.choices import Quarantine
from tocsin.formats.mail.understanding import Understood, heard
from tocsin.kernel.refusals import InvalidInput

CPU_S = 10
MEMORY_MB = 512
LONGEST_S = 25.0
"""By the clock on the wall: a busy machine needs more than the computing takes, and a page waits for it."""
_READER = "tocsin.formats.mail"


class NotRead(Exception):
    """A message could not be read."""

    def __init__(self, why: Quarantine) -> None:
        self.why = why
        super().__init__(why.value)


def dissect(path: Path, *, envelope_sender: str = "", cpu_s: int = CPU_S, memory_mb: int = MEMORY_MB) -> Understood:
    """Return what the message in a file says. Raises NotRead."""
    command = [sys.executable, "-P", "-s", "-m", _READER, str(cpu_s), str(memory_mb), envelope_sender]
    try:
        with path.open("rb") as raw:
            done = subprocess.run(  # noqa: S603  # our own module, and three arguments that no shell sees
                command, stdin=raw, capture_output=True, env=_surroundings(), timeout=LONGEST_S, check=False
            )
    except subprocess.TimeoutExpired:
        raise NotRead(Quarantine.TIME) from None
    except FileNotFoundError:
        raise NotRead(Quarantine.LOST) from None
    if done.returncode:
        raise NotRead(_cause(done))
    try:
        return heard(done.stdout)
    except (InvalidInput, ValueError, TypeError, KeyError):
        raise NotRead(Quarantine.DIED) from None


def _surroundings() -> dict[str, str]:
    """Return what the process knows of the world: where our modules are, and no secret."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _cause(done: subprocess.CompletedProcess[bytes]) -> Quarantine:
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Quarantine.CPU
    return Quarantine.MEMORY if b"MemoryError" in done.stderr else Quarantine.DIED
