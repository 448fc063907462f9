"""Observations: the immutable rows of the reports that were accepted.

Each chunk of a report becomes one Parquet part: what the engine reasons with,
who was responsible, and every cell as it came. Beside it, for the fold of the
same run only, a spill holds the reasoned columns split by the key's first bits,
so that any number of rows is folded in bounded memory.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import parquet
from tocsin.engine.addresses import U64
from tocsin.engine.claims import Claims, Indices
from tocsin.engine.normalise import EVENT_COLUMNS, RAW, TEXT

ATTRIBUTION: dict[str, pa.DataType] = {"constituent": TEXT, "claim": TEXT}
"""Who is responsible, and the claim that says so; null for nobody."""

PLACE: dict[str, pa.DataType] = {"part": pa.int64(), "row": pa.int32(), "print": pa.uint64()}
"""Where a spilled row comes from: part of this run, row of the part; and its fingerprint, 0 if not taken."""

PLAIN = ("line", "time", "k1", "k2", "ip_high", "ip_low", "c.timestamp", "c.ip", "c.src_ip")
"""Columns in which nearly every value differs."""


def attributed(events: pa.Table, claims: Claims, owner: Indices) -> pa.Table:
    """Return the events with the columns of `ATTRIBUTION` after those of the event."""
    ids = pa.array([claim.id for claim in claims.claims] or [""], pa.utf8())
    constituents = sorted({claim.constituent for claim in claims.claims}) or [""]
    position = {constituent: at for at, constituent in enumerate(constituents)}
    holder = np.array([position[claim.constituent] for claim in claims.claims] or [0], np.int32)
    nobody = owner < 0
    places = np.maximum(owner, 0)
    constituent = pa.DictionaryArray.from_arrays(pa.array(holder[places], mask=nobody), pa.array(constituents))
    claim = pa.DictionaryArray.from_arrays(pa.array(places, mask=nobody), ids)
    at = len(EVENT_COLUMNS)
    return events.add_column(at, "constituent", constituent).add_column(at + 1, "claim", claim)


def rows_by_constituent(events: pa.Table) -> dict[str, int]:
    """Return how many rows each constituent has; nobody's are left out."""
    column = events["constituent"].combine_chunks()
    codes = column.indices.drop_null().to_numpy()
    counts = np.bincount(codes, minlength=len(column.dictionary))
    return {name: int(count) for name, count in zip(column.dictionary.to_pylist(), counts, strict=True) if count}


def write_part(events: pa.Table, path: Path) -> None:
    """Write observations."""
    parquet.write(events, path, plain=PLAIN, looked_up=("time", "k1", "ip_high", "ip_low"))


def write_spill(events: pa.Table, path: Path, *, bits: int, part: int, prints: U64) -> None:
    """Write the reasoned columns, one record batch for each value of the key's first `bits` bits."""
    count = events.num_rows
    columns = {name: events[name] for name in (*EVENT_COLUMNS, *ATTRIBUTION)}
    columns["part"] = pa.repeat(pa.scalar(part, pa.int64()), count)
    columns["row"] = pa.array(np.arange(count, dtype=np.int32))
    columns["print"] = pa.array(prints)
    table = pa.table(columns).unify_dictionaries().combine_chunks()
    partition = partitions(table["k1"].to_numpy(), bits)
    if bits:
        order = np.argsort(partition.astype(np.uint16), kind="stable")  # so narrow, it is sorted by counting
        table, partition = table.take(pa.array(order)).combine_chunks(), partition[order]
    edges = np.searchsorted(partition, np.arange((1 << bits) + 1))
    # Slices of one batch, the empty ones too: a file of Arrow's has room for one dictionary a column.
    whole = table.to_batches()[0] if count else pa.RecordBatch.from_pylist([], table.schema)
    # Without a buffer, hundreds of small pieces would be written.
    with pa.output_stream(str(path), buffer_size=1 << 20) as file, pa.ipc.new_file(file, table.schema) as writer:
        for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
            writer.write_batch(whole.slice(first, last - first))


def partitions(k1: U64, bits: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the partition of each key: its first `bits` bits."""
    return (k1 >> np.uint64(64 - bits)).astype(np.int64) if bits else np.zeros(len(k1), np.int64)


def read_spill(path: Path, partition: int) -> pa.Table:
    """Return one partition of a spill, read into memory of our own so that no page of the file is held."""
    with pa.OSFile(str(path), "rb") as file:
        return pa.Table.from_batches([pa.ipc.open_file(file).get_batch(partition)])


# Duplicates


_SEPARATOR = b"\x1f"


def fingerprints_of_twins(events: pa.Table) -> U64:
    """Return a fingerprint of all cells for each row that shares key and time with another; 0 for the rest.

    Only such rows can be exact duplicates, and they are few: looking at every
    cell of every row would cost more than parsing did.
    """
    if not events.num_rows:
        return np.zeros(0, np.uint64)
    k1, time = events["k1"].to_numpy(), events["time"].cast(pa.int64()).to_numpy()
    mixed = k1 ^ (time.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    if len(mixed) < 2:
        return np.zeros(len(mixed), np.uint64)
    order = np.argsort(mixed)
    ordered = mixed[order]
    same = ordered[1:] == ordered[:-1]
    twin = np.append(same, False) | np.insert(same, 0, False)
    rows = np.sort(order[twin])
    prints = np.zeros(len(mixed), np.uint64)
    if len(rows):
        prints[rows] = fingerprints(events, rows)
    return prints


def fingerprints(events: pa.Table, rows: np.ndarray[Any, np.dtype[np.int64]]) -> U64:
    """Return 64 bits for all cells of each of `rows`; never 0."""
    columns = sorted(name for name in events.column_names if name.startswith(RAW))
    cells = [column.cast(pa.binary()) for column in events.select(columns).take(pa.array(rows)).columns]
    # No cell is empty: an empty one is null. So the separators tell where each cell ends, and which are absent,
    # unless a cell holds one itself.
    joined = pc.binary_join_element_wise(*cells, _SEPARATOR, null_handling="replace", null_replacement=b"")
    texts = joined.to_pylist()
    if _separators(joined) > len(texts) * (len(cells) - 1):
        for row in np.flatnonzero(pc.count_substring(joined, _SEPARATOR).to_numpy() >= len(cells)).tolist():
            lengths = ",".join(str(pc.binary_length(column[row]).as_py() or 0) for column in cells)
            texts[row] = lengths.encode() + texts[row]
    beginnings = b"".join([hashlib.sha256(text).digest()[:8] for text in texts])
    words: U64 = np.frombuffer(beginnings, "<u8").astype(np.uint64)
    return np.maximum(words, np.uint64(1))


def _separators(joined: pa.ChunkedArray) -> int:
    """Return how many separators stand in the bytes of a column: one look at all of them."""
    contents = [chunk.buffers()[2] for chunk in joined.chunks if len(chunk)]
    return sum(int(np.count_nonzero(np.frombuffer(data, np.uint8) == _SEPARATOR[0])) for data in contents if data)
