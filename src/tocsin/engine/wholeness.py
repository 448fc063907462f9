"""Whether Parquet files that must be there are there and whole, as far as their footers tell.

Fast enough to look at all of them: a footer holds where every column stands and how many rows there are, so a file
that is missing, was cut off or is of something else is found; bytes that changed amid the data are not.
"""

from __future__ import annotations

import dataclasses
import errno
import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

READERS = 4
"""Files whose footers are read at once: while the disk is waited for, another is understood."""
_AT_ONCE = 1000
MISSING, UNREADABLE, OTHER_ROWS = "missing", "unreadable", "other_rows"
REASONS = {
    MISSING: "it is missing",
    UNREADABLE: "it is damaged: its end cannot be read",
    OTHER_ROWS: "it holds other rows than it did",
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


def faults(root: Path, expected: Iterable[Expected]) -> Iterator[tuple[Expected, list[Fault]]]:
    """Yield what is expected and is not so, with what is wrong. Rows are compared where all files can be read.

    Raises PermissionError.
    """
    remaining = iter(expected)
    with ThreadPoolExecutor(READERS) as readers:
        while batch := list(itertools.islice(remaining, _AT_ONCE)):
            for each, found in zip(batch, readers.map(lambda each: _faults_of(root, each), batch), strict=True):
                if found:
                    yield each, found


def _faults_of(root: Path, expected: Expected) -> list[Fault]:
    rows, found = 0, []
    for file in expected.files:
        count = _rows_in(root / file)
        if isinstance(count, str):
            found.append(Fault(file, count))
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
    except (OSError, pa.ArrowInvalid):
        return UNREADABLE
    return rows


def lost_files(root: Path, files: Iterable[str]) -> frozenset[str]:
    """Return those of the files that are missing or cannot be read."""
    return frozenset(file for file in files if isinstance(_rows_in(root / file), str))
