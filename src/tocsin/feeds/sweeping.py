"""Who may change the store, and how it is kept to the files that the manifest names.

One process at a time changes the store, under a lock. What it replaces is put on
a list and deleted a while later: a reader took the names of files from the
manifest and may just be opening them, or a backup may be copying. Before it
changes anything it leaves a mark on the disk, and takes it away when it has come
to its end. Whoever finds a mark knows that somebody crashed, and sweeps: every
file that no row of the manifest names goes. Without a mark nobody needs to look.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from tocsin.feeds import keeping
from tocsin.feeds.holding import IMPORT, WAIT_S, Held, Waiting, in_silence, lock
from tocsin.feeds.models import Baseline, Run, State
from tocsin.kernel import disk, durable
from tocsin.kernel.refusals import Busy, Unavailable

GRACE_S = 300.0
"""How long files that were replaced stay for those who are about to read them."""
MARK = "unclean"
LEAVING = "files.leaving"
"""The list. No backup holds it: it tells of a manifest that may be newer than the one in the backup."""
FOLDERS = ("observations", "state", "quarantine", "spill")
"""Where the engine writes. All else in the store (reference tables, scratch) is no concern of the manifest."""
_LISTED = re.compile(rf"([0-9]{{1,12}}) ((?:{'|'.join(FOLDERS)})/[a-z0-9_.-]+/[A-Za-z0-9_.-]+)", re.ASCII)
"""A line of the list: since when, and where."""


@contextlib.contextmanager
def store_lock(
    wait_s: float = WAIT_S, *, work: str = IMPORT, run: int | None = None, waiting: Waiting = in_silence
) -> Iterator[Held]:
    """Be the only one that changes the store, after clearing up what others left.

    Raises Busy after `wait_s` seconds, Unavailable when the disk is full.
    """
    store: Path = settings.TOCSIN.store
    mark = store / MARK
    with _full_disk_told():
        store.mkdir(parents=True, exist_ok=True)
        with lock(work, run, wait_s=wait_s, waiting=waiting) as held:
            _delete_leaving(store)
            if mark.exists():
                sweep()
            _make_durably(mark)
            yield held
            mark.unlink()


def remove(files: Sequence[str]) -> None:
    """Have files that nothing names any more deleted: spills at once, others when no reader can be after them."""
    store: Path = settings.TOCSIN.store
    _note_leaving(store, [file for file in files if not file.startswith("spill/")], time.time())
    _delete(store, [file for file in files if file.startswith("spill/")])
    _delete_leaving(store)


def let_go() -> None:
    """Delete what has been leaving long enough, unless somebody is at work on the store, who does it anyway."""
    if any(since <= time.time() - GRACE_S for since, _ in _leaving(settings.TOCSIN.store)):
        with contextlib.suppress(Busy), store_lock(0):
            pass


def sweep(run: Run | None = None) -> None:
    """Delete every file, or every one that a run wrote, that no row of the manifest names. Needs the lock.

    Accepted reports are named, withdrawn and corrected ones too (see `keeping`),
    the findings as they are, and those that they begin from. What is leaving has its time.
    """
    store: Path = settings.TOCSIN.store
    kept = _named() | {file for _, file in _leaving(store)}
    written = f"{token(run)}*" if run else "*"
    found = (path.relative_to(store).as_posix() for folder in FOLDERS for path in store.glob(f"{folder}/*/{written}"))
    _delete(store, [file for file in found if file not in kept])


def token(run: Run) -> str:
    """Return how the names of all files of a run begin."""
    return f"r{run.pk:08d}"


def _named() -> set[str]:
    """Return the files that the manifest names."""
    findings = (
        State.objects.values_list("partitions", flat=True),
        Baseline.objects.values_list("partitions", flat=True),
    )
    named = {path for rows in findings for paths in rows for path in paths}
    for parts, quarantine in keeping.named_reports().values_list("parts", "quarantine").iterator(chunk_size=2000):
        named.update(parts, (quarantine,))
    return named


def _delete(store: Path, files: Sequence[str]) -> None:
    """Delete files; while a backup runs, see that they are on the list instead."""
    with (store / "backup.lock").open("a") as backup:
        try:
            fcntl.flock(backup, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _note_leaving(store, files, 0)
        else:
            for file in files:
                (store / file).unlink(missing_ok=True)


def _leaving(store: Path) -> list[tuple[float, str]]:
    """Return since when, in seconds of the epoch, which files are leaving.

    A line that is damaged is passed over: its file does no harm, and the next sweep finds it.
    """
    try:
        lines = (store / LEAVING).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return [(float(found[1]), found[2]) for line in lines if (found := _LISTED.fullmatch(line))]


def _note_leaving(store: Path, files: Sequence[str], since: float) -> None:
    listed = _leaving(store)
    known = {file for _, file in listed}
    _write_leaving(store, [*listed, *((since, file) for file in files if file not in known)])


def _write_leaving(store: Path, listed: Sequence[tuple[float, str]]) -> None:
    temporary = store / f"{LEAVING}.tmp"
    durable.write(temporary, "".join(f"{int(since)} {file}\n" for since, file in listed).encode())
    temporary.rename(store / LEAVING)
    durable.sync(store)  # the list must not be lost when the mark is gone: nobody looks for files then


def _delete_leaving(store: Path) -> None:
    """Delete what has been leaving long enough."""
    listed = _leaving(store)
    due = [file for since, file in listed if since <= time.time() - GRACE_S]
    if due:
        _delete(store, due)
        _write_leaving(store, [(since, file) for since, file in listed if (store / file).exists()])


def _make_durably(path: Path) -> None:
    """Make an empty file that outlives a power cut."""
    durable.write(path, b"")
    durable.sync(path.parent)


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    """Turn what disk and database say when there is no room into a sentence."""
    try:
        yield
    except (OSError, DatabaseError) as error:
        if said := disk.reason(error, settings.TOCSIN.home):
            raise Unavailable(said) from error
        raise
