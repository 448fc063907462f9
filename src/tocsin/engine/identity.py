"""What makes two observations the same finding: report type, asset, and the detail that the type declares.

Never the classification, never a title: a mapping fix or a newer schema changes
no identity. The key is 128 bits, mixed column by column in two lanes; it is the
same on every machine and in every version, since notes, owners and notices hang
on it. It names a finding, it does not protect anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine.addresses import U64

VERSION = b"tocsin finding 1"
NO_PORT = -1

_LANES = (
    (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB),
    (0xD6E8FEB86659FD93, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53),
)


def keys(report_type: str, *parts: U64) -> tuple[U64, U64]:
    """Return the two words of the key of each row, from the columns that make its identity, in their order."""
    lanes = []
    for lane, (step, first, second) in enumerate(_LANES):
        word = np.full(len(parts[0]), text_word(f"{lane}/{report_type}"), np.uint64)
        for part in parts:
            word = (word + np.uint64(step)) ^ part
            word = (word ^ (word >> np.uint64(30))) * np.uint64(first)
            word = (word ^ (word >> np.uint64(27))) * np.uint64(second)
            word ^= word >> np.uint64(31)
        lanes.append(word)
    return lanes[0], lanes[1]


def word_of(parts: Sequence[U64]) -> U64:
    """Return one word for several, in their order; that of a lone one is itself, that of nothing but zeros is 0."""
    if len(parts) == 1:
        return parts[0]
    return np.where(np.logical_or.reduce(parts), keys("", *parts)[0], np.uint64(0))


def text_word(text: str | bytes | None) -> int:
    """Return 64 bits that stand for a text; 0 for none."""
    if text is None:
        return 0
    content = text.encode() if isinstance(text, str) else text
    return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=VERSION).digest(), "big")


def text_words(column: pa.Array) -> U64:
    """Return 64 bits for each cell of a text column; each distinct text is digested once."""
    encoded = column if isinstance(column, pa.DictionaryArray) else pc.dictionary_encode(column)
    distinct = np.array([*map(text_word, encoded.dictionary.to_pylist()), 0], np.uint64)
    words: U64 = distinct[pc.fill_null(encoded.indices, len(distinct) - 1).to_numpy(zero_copy_only=False)]
    return words
