"""Exact copies of a row: rows of one run that share key and time, and are equal in every cell.

Rows that share key and time are few, and only they are looked at. Within a
chunk their fingerprints are taken while its cells are in memory. Those whose
twin lies in another chunk or file are known only when a partition is folded;
then each part that holds some of them is read once, however many partitions
its rows fell into.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import observations
from tocsin.engine.addresses import U64
from tocsin.engine.executors import Executor
from tocsin.engine.normalise import RAW
from tocsin.engine.store import Workspace

Numbers = np.ndarray[Any, np.dtype[np.int64]]


@dataclasses.dataclass(frozen=True)
class Twins:
    """Rows that share key and time with another, side by side: which group, and where they come from."""

    group: Numbers
    part: Numbers
    row: Numbers
    prints: U64
    """0 where no fingerprint was taken."""

    def __len__(self) -> int:
        return len(self.group)

    def chosen(self, rows: Any) -> Twins:
        """Return some of them."""
        return Twins(self.group[rows], self.part[rows], self.row[rows], self.prints[rows])

    def settled(self) -> tuple[int, Twins]:
        """Return the number of copies in groups all of which have a fingerprint, and the other groups."""
        unsettled = np.isin(self.group, self.group[self.prints == 0])
        return self.chosen(~unsettled).copies(), self.chosen(unsettled)

    def copies(self) -> int:
        """Return how many are a second or later copy."""
        if not len(self):
            return 0
        order = np.lexsort((self.prints, self.group))
        group, prints = self.group[order], self.prints[order]
        return int(((group[1:] == group[:-1]) & (prints[1:] == prints[:-1])).sum())


NONE = Twins(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint64))


@dataclasses.dataclass(frozen=True)
class PrintTask:
    """Rows of one part, in order, whose cells must be looked at."""

    part: str
    rows: Numbers


def count(executor: Executor, workspace: Workspace, found: Sequence[Twins], parts: Mapping[int, str]) -> int:
    """Return the number of copies among the twins of several partitions. `parts` are the observations by number."""
    twins = _together(found)
    asked = np.flatnonzero(twins.prints == 0)
    asked = asked[np.lexsort((twins.row[asked], twins.part[asked]))]
    numbers, first = np.unique(twins.part[asked], return_index=True)
    by_part = np.split(asked, first[1:]) if len(asked) else []
    tasks = [PrintTask(parts[n], twins.row[rows]) for n, rows in zip(numbers.tolist(), by_part, strict=True)]
    for rows, prints in zip(by_part, executor.each(fingerprints_in, workspace, tasks), strict=True):
        twins.prints[rows] = prints
    return twins.copies()


def _together(found: Sequence[Twins]) -> Twins:
    """Return the twins of several partitions; a group of one is none of another."""
    groups = [twins.group + (at << 32) for at, twins in enumerate(found)]
    rest = [np.concatenate([getattr(t, name) for t in (NONE, *found)]) for name in ("part", "row", "prints")]
    return Twins(np.concatenate([NONE.group, *groups]), *rest)


def fingerprints_in(workspace: Workspace, task: PrintTask) -> U64:
    """Return the fingerprints of rows of a part."""
    return observations.fingerprints(_cells(workspace.root / task.part), task.rows)


def _cells(part: Path) -> pa.Table:
    """Return the cells of a part as they came, and nothing else of it: few are looked at, so texts stay in their
    dictionaries."""
    with pq.ParquetFile(part) as file:
        cells = [name for name in file.schema_arrow.names if name.startswith(RAW)]
    with pq.ParquetFile(part, read_dictionary=[name for name in cells if name not in observations.PLAIN]) as file:
        return file.read(cells, use_threads=False)
