"""How many distinct findings a report shows: what its cycle is judged by, since what goes gone are findings, not rows.

Sixty findings that come ten times each, or with another second each time, are
sixty. They are counted while the report is read, in bounded memory, and so that
the number does not hang on how it was cut into chunks: of each chunk, and of all
of them together, the smallest distinct keys are kept. Fewer than `KEPT` are all
there are, and the number is exact. Of more, the largest that is kept tells how
densely keys lie, since a key is as good as random: within some 2 per cent, and
for the same findings always the same.

Source: K. Beyer et al., On Synopses for Distinct-Value Estimation Under Multiset
Operations, SIGMOD 2007 (the unbiased estimator).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tocsin.engine.addresses import U64

KEPT = 2048
"""So many keys are kept: 16 KiB for each chunk of up to some 65,000 rows."""
_KEYS = 2.0**64


def smallest(keys: U64) -> bytes:
    """Return the smallest distinct ones of keys (the first words of `identity.keys`), to be `counted` with others."""
    return _smallest(keys).tobytes()


def _smallest(keys: U64) -> U64:
    ordered = np.sort(keys)
    is_first = np.ones(len(ordered), bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_first][:KEPT]


def counted(chunks: Iterable[bytes]) -> int:
    """Return how many distinct keys there are in chunks of which the `smallest` are given."""
    kept = _smallest(np.frombuffer(b"".join(chunks), np.uint64))
    if len(kept) < KEPT:
        return len(kept)
    return round((KEPT - 1) * _KEYS / float(kept[-1]))
