"""Addresses as columns: text to 128-bit numbers and back, millions a second.

An address is two unsigned 64-bit words, high and low; IPv4 stands in its mapped
place (::ffff:0:0/96), so that one order and one set of intervals serve both.
Text is read as strictly as `ipaddress` reads it: no leading zeros, no spaces,
no zone. Source of the mapping: RFC 4291, 2.5.5.2.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.kernel.networks import MAPPED, address_text, span

__all__ = ["MAPPED", "U64", "Mask", "bisect", "of", "read", "readable", "span", "text", "unspecified"]

U64: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


def read(column: pa.Array) -> tuple[U64, U64, Mask]:
    """Return high words, low words and validity of a binary column of addresses. Null and malformed are invalid."""
    count = len(column)
    low, valid = _read_v4(column)
    high = np.zeros(count, np.uint64)
    rest = np.flatnonzero(~valid)
    if len(rest) > column.null_count:
        _read_rest(column, rest, high, low, valid)
    return high, low, valid


def _read_v4(column: pa.Array) -> tuple[U64, Mask]:
    """Read what is IPv4, all rows at once: find the dots, then weigh the up to three digits before each end."""
    count = len(column)
    low, valid = np.zeros(count, np.uint64), np.zeros(count, bool)
    starts, ends, data = _spans(column)
    lengths = ends - starts
    candidates = np.flatnonzero((lengths >= 7) & (lengths <= 15))
    if not len(candidates):
        return low, valid
    dots = np.flatnonzero(data == ord("."))
    first = np.searchsorted(dots, starts[candidates])
    after = np.searchsorted(dots, ends[candidates])
    kept = (after - first) == 3
    candidates, first = candidates[kept], first[kept]
    if not len(candidates):
        return low, valid
    edges = np.empty((5, len(candidates)), np.int64)
    edges[0] = starts[candidates] - 1
    for part in range(3):
        edges[part + 1] = dots[first + part]
    edges[4] = ends[candidates]
    value, good = np.zeros(len(candidates), np.uint64), np.ones(len(candidates), bool)
    for part in range(4):
        octet, right = _octet(data, edges[part] + 1, edges[part + 1])
        value = value << np.uint64(8) | octet.astype(np.uint64)
        good &= right
    low[candidates] = np.where(good, value | np.uint64(MAPPED), np.uint64(0))
    valid[candidates] = good
    return low, valid


def _octet(data: Any, start: Any, end: Any) -> tuple[Any, Mask]:
    """Return the number in `data[start:end]` for each pair, and whether it is one, 0 to 255, without leading zero."""
    length = end - start
    digits = [data[np.maximum(end - 1 - place, 0)].astype(np.int32) - ord("0") for place in range(3)]
    right = (length >= 1) & (length <= 3)
    value = np.zeros(len(start), np.int32)
    for place, weight in enumerate((1, 10, 100)):
        present = length > place
        right &= ~present | ((digits[place] >= 0) & (digits[place] <= 9))
        value += np.where(present, digits[place] * weight, 0)
    leading_zero = (length > 1) & (data[np.minimum(start, len(data) - 1)] == ord("0"))
    return value, right & ~leading_zero & (value <= 255)


def _read_rest(column: pa.Array, rest: Any, high: U64, low: U64, valid: Mask) -> None:
    """Read the rows that are not plain IPv4: IPv6, and what is no address."""
    cells = column.take(pa.array(rest))
    try:
        packed = [socket.inet_pton(socket.AF_INET6, text) for text in pc.cast(cells, pa.utf8()).to_pylist()]
        rows = rest
    except (OSError, TypeError, ValueError):  # not all of them are IPv6
        places, packed = _packed_one_by_one(cells)
        rows = rest[places]
    words = np.frombuffer(b"".join(packed), ">u8").reshape(-1, 2)
    high[rows], low[rows] = words[:, 0], words[:, 1]
    valid[rows] = True


def _packed_one_by_one(cells: pa.Array) -> tuple[list[int], list[bytes]]:
    """Return which cells are IPv6, and their 16 bytes."""
    places, packed = [], []
    for place, text in enumerate(cells.to_pylist()):
        if text is None or b":" not in text or b"%" in text:
            continue
        try:
            packed.append(socket.inet_pton(socket.AF_INET6, text.decode("ascii")))
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        places.append(place)
    return places, packed


def _spans(column: pa.Array) -> tuple[Any, Any, Any]:
    """Return start and end offsets of each cell in the column's bytes, and the bytes."""
    _, offsets, data = column.buffers()
    edges = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    content = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(1, np.uint8)
    return edges[:-1], edges[1:], content


def of(address: ipaddress.IPv4Address | ipaddress.IPv6Address | str) -> tuple[int, int]:
    """Return the words of one address. Raises ValueError for text that is none."""
    value = ipaddress.ip_address(address)
    number = int(value) | MAPPED if value.version == 4 else int(value)
    return number >> 64, number & 0xFFFF_FFFF_FFFF_FFFF


def unspecified(high: U64, low: U64) -> Mask:
    """Return which addresses are 0.0.0.0 or ::, which no host has."""
    none: Mask = (high == 0) & ((low == 0) | (low == MAPPED))
    return none


def text(high: int, low: int) -> str:
    """Return one address as people write it."""
    return address_text(high << 64 | low)


def bisect(table_high: U64, table_low: U64, high: U64, low: U64) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return, for each address, the index of the last table entry that is not greater, or -1.

    The table is sorted by (high, low). IPv4, one high word, is found by the
    low word alone.
    """
    found = np.empty(len(high), np.intp)
    mapped = (high == 0) & (low >> np.uint64(32) == 0xFFFF)
    below, above = (int(edge) for edge in np.searchsorted(table_high, np.array([0, 1], np.uint64)))
    if mapped.any():
        found[mapped] = below + np.searchsorted(table_low[below:above], low[mapped], side="right") - 1
    if not mapped.all():
        found[~mapped] = _bisect_pairs(table_high, table_low, high[~mapped], low[~mapped])
    return found


def _bisect_pairs(table_high: U64, table_low: U64, high: U64, low: U64) -> np.ndarray[Any, np.dtype[np.intp]]:
    first, last = np.zeros(len(high), np.intp), np.full(len(high), len(table_high), np.intp)
    for _ in range(len(table_high).bit_length()):
        middle = np.minimum((first + last) // 2, max(len(table_high) - 1, 0))
        not_greater = (table_high[middle] < high) | ((table_high[middle] == high) & (table_low[middle] <= low))
        open_ = first < last
        first = np.where(open_ & not_greater, middle + 1, first)
        last = np.where(open_ & ~not_greater, middle, last)
    return first - 1


def readable(column: pa.ChunkedArray) -> pa.Array:
    """Return a binary column in one piece, so that its bytes can be looked at."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else pc.cast(column, pa.binary())
