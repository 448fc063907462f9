"""Into how many partitions the findings of a type are split, so that each is folded within bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tocsin.engine.store import Report, State

ROWS_PER_PARTITION = 300_000
"""What is folded at a time, and so what the memory of a fold hangs on: some 500 bytes a row."""
MOST_BITS = 12


def bits_for(rows: float, state: State | None) -> int:
    """Return into how many partitions, as a power of two, rows and the findings that they meet are split.

    Never fewer than there are.
    """
    wanted = math.ceil(
        math.log2(max(rows / ROWS_PER_PARTITION, (state.findings if state else 0) / ROWS_PER_PARTITION, 1))
    )
    return min(max(wanted, (len(state.partitions) - 1).bit_length() if state else 0), MOST_BITS)


def rows_here(reports: Iterable[Report]) -> int:
    """Return how many rows of reports are still kept: so many are read when their type is folded anew."""
    return sum(report.kept for report in reports if not report.expired)
