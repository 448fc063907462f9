"""Who may change the store, and how it is kept to the files that the manifest names.

One process at a time changes the store, under a lock. Before it does, it leaves
a mark on the disk, and takes it away when it has come to its end and left
nothing lying about. Whoever finds a mark knows that somebody crashed, or could
not delete while a backup was reading, and sweeps: every file that no row of the
manifest names goes. Without a mark nobody needs to look.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import DatabaseError

from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Report, Run, State
from tocsin.kernel.refusals import Busy, Unavailable

WAIT_S = 60.0
MARK = "unclean"
FOLDERS = ("observations", "state", "quarantine", "spill")
"""Where the engine writes. All else in the store (reference tables, scratch) is no concern of the manifest."""
FULL = "The disk is full. Nothing was changed; make room and try again."
_LEFT = "Files were left that nothing names.\n"
_POLL_S = 0.1


@contextlib.contextmanager
def store_lock(wait_s: float = WAIT_S) -> Iterator[None]:
    """Be the only one that changes the store, after sweeping what a crash left.

    Raises Busy after `wait_s` seconds, Unavailable when the disk is full.
    """
    store: Path = settings.TOCSIN.store
    mark = store / MARK
    with _full_disk_told():
        store.mkdir(parents=True, exist_ok=True)
        with (store / "ingest.lock").open("a") as lock:
            _wait_for(lock, wait_s)
            if mark.exists():
                sweep()
            else:
                _write_mark(mark, "")
            yield
            if not mark.read_text():
                mark.unlink()


def remove(files: Sequence[str]) -> None:
    """Delete files that nothing names any more. Needs the lock. While a backup runs they stay, and so does the mark."""
    store: Path = settings.TOCSIN.store
    with _no_backup(store) as free:
        if free:
            _delete(store / file for file in files)
        elif files:
            _write_mark(store / MARK, _LEFT)


def sweep(run: Run | None = None) -> None:
    """Delete every file, or every one that a run wrote, that no row of the manifest names. Needs the lock.

    Accepted reports are named, withdrawn ones too (their history can be read),
    and the findings as they are.
    """
    store: Path = settings.TOCSIN.store
    with _no_backup(store) as free:
        if free:
            kept = _named(run)
            written = f"{token(run)}*" if run else "*"
            files = (path for folder in FOLDERS for path in store.glob(f"{folder}/*/{written}"))
            _delete(path for path in files if path.relative_to(store).as_posix() not in kept)
        if not free:
            _write_mark(store / MARK, _LEFT)
        elif run is None:
            _write_mark(store / MARK, "")


def token(run: Run) -> str:
    """Return how the names of all files of a run begin."""
    return f"r{run.pk:08d}"


def is_full(error: BaseException) -> bool:
    """Tell whether an error of the disk or the database says that there is no room."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    said = str(error)  # Arrow, SQLite and PostgreSQL give no number
    return any(words in said for words in ("No space left", "disk is full", "disk quota exceeded"))


def _named(run: Run | None) -> set[str]:
    """Return the files that the manifest names, of one run or of all."""
    reports = Report.objects.filter(state__in=(ReportState.ACCEPTED, ReportState.WITHDRAWN))
    if run is not None:  # what a replay wrote belongs to the run that it read again
        reports = reports.filter(run__in=(run.pk, run.options.get("replay", run.pk)))
    named = {path for paths in State.objects.values_list("partitions", flat=True) for path in paths}
    for parts, quarantine in reports.values_list("parts", "quarantine").iterator(chunk_size=2000):
        named.update(parts, (quarantine,))
    return named


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _no_backup(store: Path) -> Iterator[bool]:
    """Give whether files may be deleted, and keep a backup from beginning meanwhile."""
    with (store / "backup.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _wait_for(lock: IO[str], wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Busy(
                    f"another import has been running for more than {wait_s:.0f} s. Try again when it is done."
                ) from None
            time.sleep(_POLL_S)
        else:
            return


def _write_mark(mark: Path, text: str) -> None:
    """Write the mark so that it outlives a power cut. A text says that an orderly end is no reason to take it away."""
    with mark.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(mark.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    """Turn what disk and database say when there is no room into a sentence."""
    try:
        yield
    except (OSError, DatabaseError) as error:
        if is_full(error):
            raise Unavailable(FULL) from error
        raise
