"""Fill in what a report leaves out: the autonomous system that announces an address.

The report's own number always stands; tables only fill a gap.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

import numpy as np

from tocsin.engine import addresses
from tocsin.engine.addresses import U64
from tocsin.engine.claims import NOBODY, Intervals, flatten


class Announcements:
    """Which autonomous system announces which prefix."""

    def __init__(self, prefixes: Iterable[tuple[str, int]]) -> None:
        listed = [(*addresses.span(ipaddress.ip_network(prefix)), asn) for prefix, asn in prefixes]
        self._asns = np.array([asn for _, _, asn in listed] or [0], np.uint64)
        self._intervals: Intervals = flatten((first, last, row) for row, (first, last, _) in enumerate(listed))

    def fill(self, asns: U64, high: U64, low: U64) -> U64:
        """Return `asns` with each 0 replaced by the announcer of the most specific prefix, where there is one."""
        gaps = np.flatnonzero(asns == 0)
        if not len(gaps):
            return asns
        found = self._intervals.look_up(high[gaps], low[gaps])
        filled = asns.copy()
        filled[gaps] = np.where(found == NOBODY, np.uint64(0), self._asns[found])
        return filled
