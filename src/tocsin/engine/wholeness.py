"""Whether Parquet files that must be there are there and whole.

Their footers are looked at always, which is fast: a footer holds where every column stands and how many rows there are,
so a file that is missing, was cut off or is of something else is found. Bytes that changed amid the data are found by
who reads all of the file: by the digest in its name, or, where that has none, by whether every value can be read.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq

from tocsin.engine import digests, lost

READERS = 4
"""Files whose footers are read at once: while the disk is waited for, another is understood."""
_AT_ONCE = 1000
MISSING, UNREADABLE, OTHER_ROWS, CHANGED = "missing", "unreadable", "other_rows", "changed"
REASONS = {
    MISSING: "it is missing",
    UNREADABLE: "it is damaged: its end cannot be read",
    OTHER_ROWS: "it holds other rows than it did",
    CHANGED: "it is damaged: it does not hold what was written",
}


@dataclasses.dataclass(frozen=True)
class Expected:
    """Files that hold some rows between them, relative to the store."""

    files: tuple[str, ...]
    rows: int | None = None
    """None where nobody knows."""


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with a file."""

    file: str
    why: str
    """One of `REASONS`."""

    def __str__(self) -> str:
        return f"{self.file}: {REASONS[self.why]}"


IsChanged = Callable[[str], bool]
"""Says of a file of the store, whose footer can be read, whether it holds something else than was written."""


def by_footers(_file: str) -> bool:
    """Believe the footer."""
    return False


def faults(
    root: Path, expected: Iterable[Expected], is_changed: IsChanged = by_footers
) -> Iterator[tuple[Expected, list[Fault]]]:
    """Yield what is expected and is not so, with what is wrong. Rows are compared where all files can be read.

    Raises PermissionError.
    """
    remaining, look = iter(expected), functools.partial(_faults_of, root, is_changed)
    with ThreadPoolExecutor(READERS) as readers:
        while batch := list(itertools.islice(remaining, _AT_ONCE)):
            for each, found in zip(batch, readers.map(look, batch), strict=True):
                if found:
                    yield each, found


def _faults_of(root: Path, is_changed: IsChanged, expected: Expected) -> list[Fault]:
    rows, found = 0, []
    for file in expected.files:
        count = _rows_in(root / file)
        if isinstance(count, str):
            found.append(Fault(file, count))
        elif is_changed(file):
            found.append(Fault(file, CHANGED))
        else:
            rows += count
    if not found and expected.rows is not None and rows != expected.rows:
        return [Fault(file, OTHER_ROWS) for file in expected.files]
    return found


def _rows_in(path: Path) -> int | str:
    """Return how many rows a file holds, or what is wrong with it. Raises PermissionError."""
    try:
        rows: int = pq.read_metadata(path).num_rows
    except FileNotFoundError:
        return MISSING
    except PermissionError as error:  # who may not look at a file cannot say how it is; Arrow does not name it
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path)) from error
    except (OSError, *lost.MET_THERE):
        return UNREADABLE
    return rows


def is_changed(path: Path) -> bool:
    """Say whether a file holds something else than was written, as far as that can be told. All of it is read."""
    if digests.in_name(path):
        return digests.is_other(path)
    try:
        with lost.told(path), pq.ParquetFile(path) as file:
            for _batch in file.iter_batches():
                pass
    except lost.LostFile:
        return True
    return False


def lost_files(root: Path, files: Iterable[str]) -> frozenset[str]:
    """Return those of the files that are missing or damaged. All of each is read."""
    return frozenset(file for file in files if isinstance(_rows_in(root / file), str) or is_changed(root / file))
