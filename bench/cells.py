"""What stands in the columns of a report that no finding depends on: a few thousand variants of each run of columns.

Whole runs are drawn, not single cells: that is what makes a million rows cheap
to write while the columns still look alike to no compressor.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

VARIANTS = 4_096
_LONGEST_RUN = 9
BAD = "TLSv1.2"
"""Text that stands in an integer cell of a dirty row."""
WORDS = (
    *("nginx/1.22.1", "Apache/2.4.57 (Debian)", "GatewayOS/2.4 (stable)", "LanternCam-Web/1.1", "KW-210, sw 4.1.8"),
    *("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "CN=router.lan, O=Example Devices, L=Port Serrat"),
    *("sha256WithRSAEncryption", "text/html; charset=utf-8", "keep-alive", 'Basic realm="Management, port 80"'),
    *("200 OK", "admin", "default", "1.3.6.1.2.1.1.1.0", "Linux gw 4.14.241 #1 SMP armv7l", "Réseau de l’île"),
)
with Path(__file__).with_name("kinds.toml").open("rb") as _file:
    _KINDS = tomllib.load(_file)
KNOWN, INTEGERS = frozenset(_KINDS["known"]), frozenset(_KINDS["integers"])


def quoted(cell: str) -> str:
    """Return `cell` as a quoted CSV cell."""
    return '"' + cell.replace('"', '""') + '"'


def runs(columns: Sequence[str]) -> list[str | tuple[str, ...]]:
    """Split a header: a known column stands alone, what lies between them is a run of a few columns."""
    parts: list[str | tuple[str, ...]] = []
    run: list[str] = []
    for column in columns:
        if column in KNOWN or len(run) == _LONGEST_RUN:
            if run:
                parts.append(tuple(run))
            run = []
        if column in KNOWN:
            parts.append(column)
        else:
            run.append(column)
    return [*parts, tuple(run)] if run else parts


def variants(run: Sequence[str], day: str, rng: np.random.Generator, *, dirty: bool = False) -> pa.Array:
    """Return VARIANTS texts of a run; with `dirty`, as many again in which one integer cell is text."""
    table = [_column(column, day, rng) for column in run]
    rows = [list(cells) for cells in zip(*table, strict=True)]
    clean = [",".join(map(quoted, row)) for row in rows]
    if not dirty:
        return pa.array(clean)
    targets = [n for n, column in enumerate(run) if column in INTEGERS]
    for row in rows:
        row[int(rng.choice(targets))] = BAD
    return pa.array(clean + [",".join(map(quoted, row)) for row in rows])


def _column(column: str, day: str, rng: np.random.Generator) -> list[str]:
    """Return VARIANTS plausible cells of one column."""
    some = rng.random(VARIANTS) < 0.6
    if column in INTEGERS:
        return [str(n) if full else "" for n, full in zip(rng.integers(0, 5_000, VARIANTS), some, strict=True)]
    if column in _KINDS["fractions"]:
        return [f"{n:.4f}" if full else "" for n, full in zip(rng.random(VARIANTS) * 100, some, strict=True)]
    if column in _KINDS["truths"]:
        return [str(word) for word in rng.choice(["Y", "N", ""], VARIANTS)]
    if column in _KINDS["digests"]:
        return [rng.bytes(_KINDS["digests"][column]).hex() for _ in range(VARIANTS)]
    if column in _KINDS["dates"]:
        return [f"{day} 00:00:{n:02d}" for n in rng.integers(0, 60, VARIANTS)]
    if column in _KINDS["empty"]:
        return [""] * VARIANTS
    return [WORDS[n] if full else "" for n, full in zip(rng.integers(0, len(WORDS), VARIANTS), some, strict=True)]
