"""Findings by block of addresses: what the work list of unattributed assets shows."""

from __future__ import annotations

import dataclasses

from tocsin.engine.query.asked import Filter
from tocsin.engine.query.findings import Findings


@dataclasses.dataclass(frozen=True)
class Block:
    """Findings of one announcing system in one /24 (IPv4) or /48 (IPv6); without addresses, accounts and names."""

    asn: int | None
    high: int | None
    low: int | None
    """First address."""
    is_v4: bool
    findings: int
    worst: int
    types: int


_V4 = "(ip_high = 0 AND (ip_low >> 32) = 65535)"


def blocks(found: Findings, asked: Filter, *, limit: int, offset: int = 0) -> tuple[int, list[Block]]:
    """Return how many blocks the findings asked for lie in, and some of them, fullest first."""
    if not found.types:
        return 0, []
    what = f"""asn, CASE WHEN {_V4} THEN 0::UBIGINT ELSE ip_high & 18446744073709486080::UBIGINT END AS high,
        CASE WHEN {_V4} THEN ip_low & 18446744073709551360::UBIGINT WHEN ip_low IS NOT NULL THEN 0::UBIGINT END AS low,
        coalesce({_V4}, false) AS is_v4, count(*) AS n, min(severity), count(DISTINCT type), count(*) OVER ()"""
    tail = f"GROUP BY 1, 2, 3, 4 ORDER BY n DESC, high, low, asn LIMIT {int(limit)} OFFSET {int(offset)}"
    rows = found.select(what, asked, tail).fetchall()
    return (rows[0][-1] if rows else 0), [Block(*row[:-1]) for row in rows]
