"""The lock of the store: who has it now, asked without disturbing, and waited for with a word.

The lock is the operating system's: it ends with its holder, however that one
ends, on whichever database. So a run whose row says "running" while nobody has
the lock was cut short. In the file of the lock stands what its holder is about:
the kind of work, and the run when there is one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings

from tocsin.kernel.refusals import Busy

WAIT_S = 60.0
_POLL_S = 0.1
_LOOK_S = 0.3
"""Whoever will not wait still tries for so long: `holder` has the lock for a moment while it looks."""

IMPORT, REPLAY, WITHDRAWAL, DECISION, ATTRIBUTION = "import", "replay", "withdrawal", "decision", "attribution"
RESTORE, UPGRADE, RETENTION = "restore", "upgrade", "retention"
REFOLD = "refold"


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who has the lock. Both are empty when it has not said so yet."""

    work: str = ""
    run: int | None = None

    def may_be(self, run: int) -> bool:
        """Say whether this may be the import with the number `run`."""
        return self.work in ("", IMPORT, REPLAY) and self.run in (None, run)

    def __str__(self) -> str:
        if self.work in (IMPORT, REPLAY) and self.run:
            return f"run {self.run}"
        named = {
            WITHDRAWAL: f"the withdrawal of run {self.run}",
            DECISION: "a decision about a report",
            REFOLD: "the folding of findings anew",
            ATTRIBUTION: "the attribution of open findings",
            RETENTION: "the removal of old observations",
            RESTORE: "the restore of a backup",
            UPGRADE: "an upgrade",
        }
        return named.get(self.work, "another import")


Waiting = Callable[[Holder], None]
"""Called once, before somebody waits, with whom they wait for."""


def in_silence(_holder: Holder) -> None:
    """Wait without a word."""


class Held:
    """The lock in one's hands."""

    def __init__(self, file: IO[str], work: str) -> None:
        self._file, self._work = file, work

    def is_for(self, run: int) -> None:
        """Say which run it is."""
        self._write(f"{self._work} {run}\n")

    def _write(self, text: str) -> None:
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


@contextlib.contextmanager
def lock(work: str, run: int | None = None, *, wait_s: float = WAIT_S, waiting: Waiting = in_silence) -> Iterator[Held]:
    """Have the lock. Raises Busy when somebody else has it for `wait_s` seconds."""
    _file().parent.mkdir(parents=True, exist_ok=True)
    with _file().open("a") as file:
        _wait_for(file, wait_s, waiting)
        held = Held(file, work)
        held._write(f"{work} {run or ''}\n")
        yield held
        held._write("")


def holder() -> Holder | None:
    """Return who has the lock; None when nobody has: then no import runs, whatever a row says."""
    try:
        with _file().open() as file:
            if _taken(file, fcntl.LOCK_SH):
                return None
            work, _, run = file.read(100).strip().partition(" ")
    except FileNotFoundError:  # nothing was ever imported, or the store is that of a backup
        return None
    return Holder(work, int(run) if run.isdecimal() else None)


def _file() -> Path:
    """Return the file of the lock. It is never deleted: two locks would be held."""
    store: Path = settings.TOCSIN.store
    return store / "ingest.lock"


def _taken(file: IO[str], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(file: IO[str], wait_s: float, waiting: Waiting) -> None:
    began = time.monotonic()
    told = False
    while not _taken(file, fcntl.LOCK_EX):
        waited_s = time.monotonic() - began
        if waited_s >= max(wait_s, _LOOK_S):
            who = holder() or Holder()
            raise Busy(f"{who} has kept the store busy for more than {wait_s:g} s. Try again when it is done.")
        if waited_s >= _LOOK_S and not told:
            waiting(holder() or Holder())
            told = True
        time.sleep(_POLL_S)
