"""Fill what a report leaves out: the autonomous system that announces an address, and the country it was given to.

What the report says always stands; tables only fill a gap.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tocsin.engine import lost, parquet
from tocsin.engine.addresses import MAPPED, U64
from tocsin.engine.claims import NOBODY, Intervals, Spans, flatten


def announced_ranges(table: Path) -> Iterator[tuple[int, int, int]]:
    """Yield first and last address of each prefix of a reference table as 128-bit numbers (IPv4 mapped), and its ASN.

    The table's columns: `family`, `first_high`, `first_low`, `last_high`, `last_low` (IPv4 as it is), `asn`.
    """
    return _ranges(table, "asn")


def delegated_ranges(table: Path) -> Iterator[tuple[int, int, int]]:
    """Yield first and last address of each delegated range like `announced_ranges`, and its `country` as a number."""
    for first, last, country in _ranges(table, "country"):
        yield first, last, int.from_bytes(country.encode(), "big")


def _ranges(table: Path, value: str) -> Iterator[tuple[int, int, Any]]:
    columns = ["family", "first_high", "first_low", "last_high", "last_low", value]
    with lost.told(table), pq.ParquetFile(parquet.whole(table)) as file:
        for batch in file.iter_batches(columns=columns):
            for family, first_high, first_low, last_high, last_low, what in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                offset = MAPPED if family == 4 else 0
                yield first_high << 64 | first_low | offset, last_high << 64 | last_low | offset, what


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


_SAID = 1
"""In the place of a country that the report names; no two letters are this number."""


class Delegations:
    """Which country an address was given to. Built when the first gap is met."""

    def __init__(self, ranges: Callable[[], Iterable[tuple[int, int, int]]]) -> None:
        """`ranges` is what `delegated_ranges` yields."""
        self._numbers = Announcements(ranges)

    def fill(self, countries: pa.ChunkedArray, high: U64, low: U64) -> pa.ChunkedArray:
        """Return `countries` (a dictionary of text) with each null replaced by that of the most specific range."""
        if not countries.null_count:
            return countries
        said = np.where(countries.is_null().to_numpy(), 0, _SAID).astype(np.uint64)
        filled = self._numbers.fill(said, high, low)
        distinct, codes = np.unique(filled, return_inverse=True)
        names = [int(one).to_bytes(2, "big").decode() if one > _SAID else None for one in distinct.tolist()]
        if not any(names):
            return countries
        found = pa.array(names, pa.utf8()).take(pa.array(codes))
        return pc.coalesce(countries.cast(pa.utf8()), found).dictionary_encode().cast(countries.type)
