"""Fill in what a report leaves out: the autonomous system that announces an address.

The report's own number always stands; tables only fill a gap.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tocsin.engine.addresses import MAPPED, U64
from tocsin.engine.claims import NOBODY, Intervals, Spans, flatten


def announced_ranges(table: Path) -> Iterator[tuple[int, int, int]]:
    """Yield first and last address of each prefix of a reference table as 128-bit numbers (IPv4 mapped), and its ASN.

    The table's columns: `family`, `first_high`, `first_low`, `last_high`, `last_low` (IPv4 as it is), `asn`.
    """
    columns = ["family", "first_high", "first_low", "last_high", "last_low", "asn"]
    with pq.ParquetFile(table) as file:
        for batch in file.iter_batches(columns=columns):
            for family, first_high, first_low, last_high, last_low, asn in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                offset = MAPPED if family == 4 else 0
                yield first_high << 64 | first_low | offset, last_high << 64 | last_low | offset, asn


class Announcements:
    """Which autonomous system announces which range. Built when the first gap is met: most reports have none."""

    def __init__(self, ranges: Callable[[], Iterable[tuple[int, int, int]]]) -> None:
        """`ranges` gives first and last address as 128-bit numbers, IPv4 in its mapped place, and the number."""
        self._ranges = ranges

    @functools.cached_property
    def _table(self) -> tuple[Intervals, U64]:
        listed = list(self._ranges())
        asns = np.array([asn for _, _, asn in listed] or [0], np.uint64)
        return flatten(Spans.of([(first, last) for first, last, _ in listed])), asns

    def fill(self, asns: U64, high: U64, low: U64) -> U64:
        """Return `asns` with each 0 replaced by the announcer of the most specific range, where there is one."""
        gaps = np.flatnonzero((asns == 0) & ((high != 0) | (low != 0)))
        if not len(gaps):
            return asns
        intervals, announced = self._table
        found = intervals.look_up(high[gaps], low[gaps])
        filled = asns.copy()
        filled[gaps] = np.where(found == NOBODY, np.uint64(0), announced[found])
        return filled
