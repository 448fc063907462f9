"""A bell that wakes the idle workers of this machine, and by which one hears whether any worker runs.

A named pipe in the data directory. A worker keeps it open for as long as it
lives; the operating system closes it for one that dies, however it dies. So a
ring that nobody hears is known at once, and no row has to be believed.
Where the file system knows no pipes, workers look once a second and nobody is heard.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)


class Listener:
    """The bell as a worker hears it."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe

    def wait(self, seconds: float) -> None:
        """Wait until it rings, but not longer than so many seconds."""
        if self._pipe is None:
            time.sleep(seconds)
        elif select.select([self._pipe], [], [], seconds)[0]:
            with contextlib.suppress(BlockingIOError):  # another worker was woken too, and was faster
                os.read(self._pipe, 4096)


@contextlib.contextmanager
def listening() -> Iterator[Listener]:
    """Be one who hears the bell."""
    path = _path()
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileExistsError):
                os.mkfifo(path, 0o600)
        # Also for writing: a pipe that nobody could write to would be at its end, and wake for ever.
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        log.warning("%s: no pipe can be made there (%s); work is looked for once a second.", path, error.strerror)
        yield Listener(None)
        return
    try:
        yield Listener(pipe)
    finally:
        os.close(pipe)


def ring() -> bool:
    """Wake a worker that is idle; return False when none runs on this machine."""
    with _opened() as pipe:
        if pipe is not None:
            with contextlib.suppress(BlockingIOError):  # it has rung so often that it is full: that wakes as well
                os.write(pipe, b"!")
        return pipe is not None


def is_heard() -> bool:
    """Say whether a worker runs on this machine, idle or not."""
    with _opened() as pipe:
        return pipe is not None


@contextlib.contextmanager
def _opened() -> Iterator[int | None]:
    """Yield the pipe open for writing, or None when nobody hears."""
    try:
        pipe = os.open(_path(), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no such file, or a pipe that nobody has open
        yield None
        return
    try:
        yield pipe if stat.S_ISFIFO(os.fstat(pipe).st_mode) else None
    finally:
        os.close(pipe)


def _path() -> Path:
    home: Path = settings.TOCSIN.home
    return home / "worker.bell"
