"""Keep the files that somebody reads for long: an export goes on for as long as its reader takes.

What an import replaces is deleted a while later (`sweeping.GRACE_S`), which is enough for a page. Whoever reads
longer shares the lock that a backup has too, and meanwhile nothing is deleted; the next import after that does it.
The lock is the operating system's: it ends with its holder, however that one ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from django.conf import settings

T = TypeVar("T")
LOCK = "backup.lock"
"""In the store. `sweeping` deletes only while it has this lock alone."""


class Lease:
    """The right to find the files of the store where the manifest says they are, until it is closed."""

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
        # Nobody should rely on it: when a thing is forgotten is the interpreter's to say.
        self.close()


class Leased(Iterator[T]):
    """Items, while the files of the store are kept: from now until the last one, or until it is closed.

    Close it, or give it to a response, which does so: a generator that nobody begins to read ends nothing when it is
    closed, since none of its `finally` has been reached. So this belongs around what is sent, not within it.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._lease = Lease()
        self._items = iter(items)

    def __next__(self) -> T:
        try:
            return next(self._items)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go, and end the items."""
        end: Callable[[], None] | None = getattr(self._items, "close", None)
        try:
            if end:
                end()
        finally:
            self._lease.close()
