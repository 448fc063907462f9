"""From records to events: what the engine reasons with, beside every cell as it came.

The row is kept, the cell quarantined: a bad optional cell never drops its row.
A row without a time or an asset is quarantined whole. Either way the reason,
the line, the column and the text stay, to be read by people and replayed after
a mapping is mended.

An event table has the columns of `EVENT_COLUMNS` and then every cell of the
report, untouched, as `c.<column>`. What those cells mean is asked when they are
read: a better mapping explains old observations too.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import addresses, assets, canonical, identity
from tocsin.engine.addresses import U64, Mask
from tocsin.engine.assets import Assets
from tocsin.engine.attribute import names_only
from tocsin.engine.bounds import Bounds
from tocsin.engine.cells import (
    BadCells,
    bad_cells,
    coded,
    convert,
    instants,
    may_be_bad,
    recoded,
    value_of,
    whole_numbers,
)
from tocsin.engine.mapping import CLASS, IDENTIFIER, TIME, Field, Mapping, Roles
from tocsin.engine.records import Batch
from tocsin.engine.triage import BadRecords
from tocsin.kernel import rsit

RAW = "c."
"""Prefix of a report's own columns in an event table."""

TEXT = pa.dictionary(pa.int32(), pa.utf8())
MICROSECONDS = pa.timestamp("us", tz="UTC")

EVENT_COLUMNS: dict[str, pa.DataType] = {
    "line": pa.int64(),
    "time": MICROSECONDS,
    "k1": pa.uint64(),
    "k2": pa.uint64(),
    "ip_high": pa.uint64(),
    "ip_low": pa.uint64(),
    "account": pa.utf8(),
    "port": pa.int32(),
    "protocol": TEXT,
    "detail": pa.utf8(),
    "name": pa.utf8(),
    "asn": pa.uint32(),
    "country": TEXT,
    "identifier": TEXT,
    "class": TEXT,
    "severity": pa.int8(),
}
"""What the engine reasons with. `ip_high` and `ip_low` are null where the asset is an `account`."""

QUARANTINE = pa.schema(
    [
        ("line", pa.int64()),
        ("column", pa.utf8()),
        ("reason", pa.utf8()),
        ("raw", pa.binary()),
        ("whole_row", pa.bool_()),
    ]
)

NO_TIME = "there is no time"
NO_ASSET = "there is no asset"
SEVERITY_WORDS = {b"critical": 2, b"high": 3, b"medium": 4, b"low": 5, b"info": 6}
"""A publisher's word as one of our levels. C1, national emergency, is never given by a feed."""


@dataclasses.dataclass(frozen=True)
class Normalised:
    """The events of one batch, and what could not be taken."""

    events: pa.Table
    quarantine: pa.Table
    rows_quarantined: int
    cells_quarantined: int
    newest: dt.datetime | None = None
    """The newest time that an event's row says itself; None where none does."""
    later: dt.date | None = None
    """The latest day that a row says which is after the report's; None where none does."""


def normalise(
    batch: Batch, mapping: Mapping, *, stand_in: dt.datetime | None = None, bounds: Bounds | None = None
) -> Normalised:
    """Return the events of a batch under a mapping.

    `stand_in` is the time of rows whose type has no column for it, as plain
    lists have none, and of those whose own time cannot be that of their report;
    a cell that is no time at all gets no other.
    """
    table = batch.table
    roles = _present(mapping.roles, table.column_names)
    times, time_reasons = _times(table, mapping, roles, stand_in)
    odd = later = None
    if bounds and roles.time:
        later = bounds.latest_after(times)
        times, odd = _within_bounds(times, time_reasons, table[roles.time], bounds, stand_in)
    asset = assets.read(table, roles, may_be_network=mapping.address_may_be_network)
    kept = ~np.isnat(times) & asset.found
    newest = _newest(times, kept, odd) if roles.time else None
    lines = batch.lines
    odd_cells = _cells(table, lines, roles.time, _of_rows(odd, kept)) if odd else {}
    reasons = asset.reasons | {row: (roles.time, reason) for row, reason in time_reasons.items()}
    refused = _refused_rows(table, lines, times, reasons, kept, mapping.roles)
    if not kept.all():
        rows = pa.array(np.flatnonzero(kept))
        table, lines, times, asset = table.take(rows), lines[kept], times[kept], asset.of_rows(kept)
    columns = _reasoned(table, mapping, roles, asset)
    bad_cells = [_cells(table, lines, field.column, bad) for field, bad in _bad(table, mapping)]
    cells = [pa.table(found, schema=QUARANTINE) for found in (odd_cells, *bad_cells) if found]
    quarantine = pa.concat_tables([*cells, refused, _unreadable(batch.bad)])
    events = {"line": lines, "time": pa.array(times).cast(MICROSECONDS), **columns}
    arrays = [
        pa.array(events[name]).cast(kind)
        if not isinstance(events[name], pa.Array | pa.ChunkedArray)
        else _as(events[name], kind)
        for name, kind in EVENT_COLUMNS.items()
    ]
    return Normalised(
        pa.table([*arrays, *table.columns], names=[*EVENT_COLUMNS, *(RAW + name for name in table.column_names)]),
        quarantine,
        len(refused) + len(batch.bad),
        sum(map(len, cells)),
        newest,
        later,
    )


def _as(array: Any, kind: pa.DataType) -> Any:
    return array if array.type == kind else array.cast(kind)


def _present(roles: Roles, columns: list[str]) -> Roles:
    """Return the roles that the report at hand can fill."""
    present: dict[str, Any] = {}
    for field in dataclasses.fields(roles):
        value = getattr(roles, field.name)
        if field.name == "kinds":
            present[field.name] = value
        elif isinstance(value, tuple):
            present[field.name] = tuple(name for name in value if name in columns)
        else:
            present[field.name] = value if value in columns else ""
    return Roles(**present)


def _times(table: pa.Table, mapping: Mapping, roles: Roles, stand_in: dt.datetime | None) -> tuple[Any, dict[int, str]]:
    """Return each row's time as datetime64[us], NaT where there is none, and the reason where it is not a time."""
    if not roles.time:
        listed = stand_in is not None and not mapping.roles.time
        return np.full(table.num_rows, _naive(stand_in if listed else None), "datetime64[us]"), {}
    name = next((f.conversion for f in mapping.fields if f.key == TIME and f.column == roles.time), "time")
    try:
        if name.startswith("time:"):
            raise pa.ArrowInvalid("a format of its own: what looks like ISO 8601 may mean another day")
        return instants(addresses.readable(table[roles.time])).to_numpy(zero_copy_only=False), {}
    except pa.ArrowInvalid:
        values = convert(table, roles.time, name)
        stamps = np.array([_naive(value) for value in values.values], "datetime64[us]")
        bad = values.bad()
        return stamps[values.codes], dict(zip(bad.rows.tolist(), bad.reasons, strict=True))


def _within_bounds(
    times: Any, reasons: dict[int, str], column: pa.ChunkedArray, bounds: Bounds, stand_in: dt.datetime | None
) -> tuple[Any, BadCells | None]:
    """Return the times with those that no row of the report can have put right, and their cells; None for none.

    The day of the report stands in for them. Where its name does not say it, they are no times: `reasons` says why.
    """
    rows = np.flatnonzero(bounds.exclude(times))
    if not len(rows):
        return times, None
    why = [bounds.reason(cell) for cell in addresses.readable(column).take(pa.array(rows)).to_pylist()]
    times = times.copy()
    if bounds.on is None or stand_in is None:
        times[rows] = np.datetime64("NaT")
        reasons.update(zip(rows.tolist(), why, strict=True))
        return times, None
    times[rows] = _naive(stand_in)
    return times, BadCells(rows, why)


def _newest(times: Any, kept: Mask, odd: BadCells | None) -> dt.datetime | None:
    """Return the newest time of kept rows; that for which the day of the report stands in is none of theirs."""
    own = kept.copy()
    if odd:
        own[odd.rows] = False
    return times[own].max().item().replace(tzinfo=dt.UTC) if own.any() else None


def _of_rows(bad: BadCells, rows: Mask) -> BadCells:
    """Return the bad cells of some rows."""
    chosen = rows[bad.rows]
    return BadCells(bad.rows[chosen], list(itertools.compress(bad.reasons, chosen)))


def _naive(value: Any) -> Any:
    """Return an instant as numpy keeps it: UTC, without saying so."""
    return np.datetime64("NaT") if value is None else np.datetime64(value.replace(tzinfo=None), "us")


def _reasoned(table: pa.Table, mapping: Mapping, roles: Roles, asset: Assets) -> dict[str, Any]:
    """Return the event columns other than line and time."""
    count = table.num_rows
    port = _numbers(table, roles.port, "port") if roles.port else None
    protocol = _of_kind(table, roles.protocol if port is not None else "", "transport")
    detail, detail_words = _detail(table, mapping.roles)
    ports = np.full(count, -1, np.int64) if port is None else pc.fill_null(port, -1).to_numpy(zero_copy_only=False)
    k1, k2 = identity.keys(
        mapping.type,
        asset.high,
        asset.low,
        identity.text_words(asset.account) if asset.account is not None else np.zeros(count, np.uint64),
        ports.astype(np.uint64),
        identity.text_words(protocol),
        detail_words,
    )
    absent = asset.is_account
    return {
        "k1": k1,
        "k2": k2,
        "ip_high": pa.array(asset.high, mask=absent),
        "ip_low": pa.array(asset.low, mask=absent),
        "account": asset.account if asset.account is not None else pa.nulls(count, pa.utf8()),
        "port": port if port is not None else pa.nulls(count, pa.int32()),
        "protocol": protocol,
        "detail": detail,
        "name": _first(table, (*roles.names, *roles.urls)),
        "asn": _numbers(table, roles.asn, "asn") if roles.asn else pa.nulls(count, pa.uint32()),
        "country": _of_kind(table, roles.country, "country"),
        "identifier": _classified(table, mapping, IDENTIFIER, mapping.constant(IDENTIFIER)),
        "class": _types(_classified(table, mapping, CLASS, mapping.constant(CLASS))),
        "severity": _severity(table, mapping, roles),
    }


def _text(column: pa.ChunkedArray) -> pa.Array:
    """Return a binary column as text; bytes that are not UTF-8 are shown as replacement characters."""
    cells = addresses.readable(column)
    try:
        return pc.cast(cells, pa.utf8())
    except pa.ArrowInvalid:
        return pa.array(
            [None if cell is None else cell.decode("utf-8", "replace") for cell in cells.to_pylist()], pa.utf8()
        )


def _numbers(table: pa.Table, column: str, kind: str) -> pa.Array:
    """Return a column of ports or autonomous systems; null where there is none or it is bad."""
    cells = addresses.readable(table[column])
    try:
        numbers = whole_numbers(cells)
        if _within(numbers, 65_535 if kind == "port" else 2**32 - 1):
            return pc.if_else(pc.equal(numbers, 0), None, numbers) if kind == "asn" else numbers
    except pa.ArrowInvalid:
        pass
    return pa.array(list(convert(table, column, kind)), pa.int64())


def _within(numbers: pa.Array, highest: int) -> bool:
    edges = pc.min_max(numbers)
    return not edges["min"].is_valid or (edges["min"].as_py() >= 0 and edges["max"].as_py() <= highest)


def _detail(table: pa.Table, roles: Roles) -> tuple[pa.Array, U64]:
    """Return the detail that tells findings on one asset apart, to be read, and its word in their keys.

    `roles` are those of the mapping: a column that a report lacks is as one that is empty.
    """
    nothing = np.zeros(table.num_rows, np.uint64)
    cells = [
        canonical.details(table[column], roles.kind(column)) if column in table.column_names else None
        for column in roles.detail
    ]
    words = [identity.text_words(cell) if cell is not None else nothing for cell in cells]
    shown = [cell for cell in cells if cell is not None]
    if not shown:
        return pa.nulls(table.num_rows, pa.utf8()), nothing
    return _joined(shown), identity.word_of(words)


def _joined(cells: list[pa.Array]) -> pa.Array:
    """Return the cells of each row joined by a space."""
    if len(cells) == 1:
        return cells[0]
    # Not null_handling="skip": PyArrow 26 leaves out a row in which all are null, so that what follows moves up.
    joined = pc.binary_join_element_wise(*cells, " ", null_handling="replace", null_replacement="")
    joined = pc.utf8_trim(joined, " ")
    return pc.if_else(pc.equal(joined, ""), None, joined)


def _first(table: pa.Table, columns: tuple[str, ...]) -> pa.Array:
    """Return, for each row, the first of several cells that names a host; where none does, the first that is there."""
    if not columns:
        return pa.nulls(table.num_rows, pa.utf8())
    cells = [_text(table[column]) for column in columns]
    *before, last = cells
    if all(column.null_count == len(column) for column in before):
        return last
    return pc.coalesce(*(names_only(column) for column in before), *cells[-1:], *before)


def _of_kind(table: pa.Table, column: str, kind: str) -> pa.DictionaryArray:
    """Return a column in the one form of its kind; null where a cell is not of it, or where there is no column."""
    if not column:
        return pa.nulls(table.num_rows, pa.utf8()).dictionary_encode()
    encoded = pc.dictionary_encode(addresses.readable(table[column]))
    return recoded(encoded, [value_of(cell, kind) for cell in encoded.dictionary.to_pylist()])


def _classified(table: pa.Table, mapping: Mapping, key: str, constant: str) -> pa.Array:
    """Return a key of the classification: from a column where the mapping takes it from one, else its constant."""
    for field in mapping.fields:
        if field.key == key and field.column in table.column_names:
            found = convert(table, field.column, field.conversion)
            return coded(found.codes, [constant or None if value is None else str(value) for value in found.values])
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(table.num_rows, np.int32)), pa.array([constant], pa.utf8()))


def _types(words: pa.Array) -> pa.Array:
    """Return the types of the incident taxonomy that words mean, nothing else: counts are kept by them."""
    encoded = words if isinstance(words, pa.DictionaryArray) else pc.dictionary_encode(words)
    return recoded(encoded, [rsit.resolve(word).name for word in encoded.dictionary.to_pylist()], rsit.UNDETERMINED)


def _severity(table: pa.Table, mapping: Mapping, roles: Roles) -> Any:
    default = np.int8(mapping.severity)
    if not roles.severity:
        return np.full(table.num_rows, default, np.int8)
    encoded = pc.dictionary_encode(addresses.readable(table[roles.severity]))
    levels = [SEVERITY_WORDS.get((word or b"").strip().lower(), default) for word in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, len(levels)).to_numpy(zero_copy_only=False)
    return np.array([*levels, default], np.int8)[codes]


# Quarantine


def _bad(table: pa.Table, mapping: Mapping) -> list[tuple[Any, BadCells]]:
    """Return the bad cells of every typed column. A column that two keys read is reported once.

    So are those that only the engine reasons with, since a constant of the type stands for them in events.
    """
    found: dict[str, tuple[Any, BadCells]] = {}
    roles = mapping.roles
    reasoned = ((roles.protocol if roles.port else "", "transport"), (roles.country, "country"))
    for field in (*mapping.fields, *(Field("", column, kind) for column, kind in reasoned)):
        if field.column == mapping.roles.address:
            continue  # a row whose address is bad is not here any more
        if field.column in table.column_names and field.column not in found and may_be_bad(field.conversion):
            bad = bad_cells(table, field.column, field.conversion)
            if bad is not None:
                found[field.column] = (field, bad)
    return list(found.values())


def _cells(table: pa.Table, lines: Any, column: str, bad: BadCells) -> dict[str, Any]:
    count = len(bad.rows)
    return {
        "line": pa.array(lines[bad.rows]),
        "column": pa.array([column] * count, pa.utf8()),
        "reason": pa.array(bad.reasons, pa.utf8()),
        "raw": addresses.readable(table[column]).take(pa.array(bad.rows)),
        "whole_row": pa.array(np.zeros(count, bool)),
    }


def _refused_rows(
    table: pa.Table, lines: Any, times: Any, reasons: dict[int, tuple[str, str]], kept: Mask, roles: Roles
) -> pa.Table:
    """Return a quarantine row for each record without a time or an asset.

    Each names a column, also one that the report lacks: without one it would pass for a record that could not be
    parsed, which no mending of a mapping makes a row.
    """
    refused = np.flatnonzero(~kept)
    if not len(refused):
        return QUARANTINE.empty_table()
    asset = roles.address or roles.account
    any_column = roles.time or asset or table.column_names[0]
    no_time, no_asset = (roles.time or any_column, NO_TIME), (asset or any_column, NO_ASSET)
    timeless = np.isnat(times[refused]).tolist()
    found = [
        reasons.get(row, no_time if is_timeless else no_asset)
        for row, is_timeless in zip(refused.tolist(), timeless, strict=True)
    ]
    columns, why = (pa.array(texts, pa.utf8()) for texts in zip(*found, strict=True))
    return _aside(lines[refused], columns, why, as_records(table.take(pa.array(refused))))


def as_records(table: pa.Table) -> pa.Array:
    """Return rows as lines of a report, every cell quoted; what `resync` reads back."""
    quoted = [
        pc.replace_substring(pc.fill_null(addresses.readable(column), b""), '"', '""') for column in table.columns
    ]
    around = pa.scalar(b'"', pa.binary())
    between = pa.scalar(b'","', pa.binary())
    inner = pc.binary_join_element_wise(*quoted, between) if len(quoted) > 1 else quoted[0]
    return pc.binary_join_element_wise(around, inner, around, pa.scalar(b"", pa.binary()))


def _unreadable(bad: BadRecords) -> pa.Table:
    """Return a quarantine row for each record that has no cells."""
    return _aside(bad.lines, pa.repeat(pa.scalar("", pa.utf8()), len(bad)), bad.reasons, bad.raws)


def _aside(lines: Any, columns: pa.Array, reasons: pa.Array, raws: pa.Array) -> pa.Table:
    """Return quarantine rows for whole records."""
    whole = pa.repeat(pa.scalar(True), len(reasons))
    return pa.table([pa.array(lines, pa.int64()), columns, reasons, raws, whole], schema=QUARANTINE)
