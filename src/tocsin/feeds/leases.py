"""Keep the files that somebody reads for long: an export goes on for as long as its reader takes.

What an import replaces is deleted a while later (`sweeping.GRACE_S`), which is enough for a page. Whoever reads
longer shares the lock that a backup has too, and meanwhile nothing is deleted; the next import after that does it.
The lock is the operating system's: it ends with its holder, however that one ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from django.conf import settings

T = TypeVar("T")
LOCK = "backup.lock"
"""In the store. `sweeping` deletes only while it has this lock alone."""


class Lease:
    """The right to find the files of the store where the manifest says they are. Ends when closed or forgotten."""

    def __init__(self) -> None:
        store: Path = settings.TOCSIN.store
        store.mkdir(parents=True, exist_ok=True)
        self._handle = os.open(store / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # A download that nobody begins to read is a generator that never starts: nothing else would end it.
        self.close()


def leased(items: Iterable[T]) -> Iterator[T]:
    """Return what yields the items and keeps the files of the store from now until the last one, or until it ends."""
    return _while_held(Lease(), items)


def _while_held(lease: Lease, items: Iterable[T]) -> Iterator[T]:
    with lease:
        yield from items
