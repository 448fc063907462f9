"""Apply conversions to columns: a whole column at once where that is safe, else each distinct text once.

Two questions are asked of a cell. *Is it what its column promises?* is asked of
every typed cell of every report, so it has quick answers for columns that are
wholly in order. *What is its value?* is asked when events are written out.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.engine import addresses
from tocsin.engine.convert import ABSENT, CONVERSIONS, BadCell, Conversion, Value

HARMLESS = frozenset(
    {
        *("raw", "text", "lower", "validate_to_none", "cve", "extract_cve_from_tag", "category_or_detail"),
        *("incident_type", "incident_class", "unlisted_type"),
    }
)
"""Conversions that take any text; bytes that are not UTF-8 are shown as replacement characters."""

# A last label that begins with a digit takes a closer look: it may make the name an address.
_NAME = r"\A(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\z"
_YEAR_ONE = -62_135_596_800_000_000
"""Microseconds from 1970 to the first instant that Python knows."""
_CACHED = 65_536
_LONG = 256
"""Bytes of cells that are not remembered: banners are long, seldom come twice, and would fill the memory."""


@dataclasses.dataclass(frozen=True)
class BadCells:
    """Rows of a column that are not what it promises, with the reason for each."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    reasons: list[str]


@dataclasses.dataclass(frozen=True)
class Values:
    """A converted column: each row's position among distinct outcomes."""

    codes: np.ndarray[Any, np.dtype[np.int64]]
    values: list[Value | None]
    reasons: list[str]
    """Beside each value: why there is none, or empty."""

    def bad(self) -> BadCells:
        """Return the rows whose cell is bad."""
        wrong = np.array([bool(reason) for reason in self.reasons])
        rows = np.flatnonzero(wrong[self.codes]) if len(self.codes) else np.zeros(0, np.int64)
        return BadCells(rows, [self.reasons[code] for code in self.codes[rows].tolist()])

    def __iter__(self) -> Any:
        values = self.values
        return (values[code] for code in self.codes.tolist())


@functools.cache
def may_be_bad(name: str) -> bool:
    """Tell whether a conversion can refuse a cell."""
    return not all(part in HARMLESS or part.startswith("scan_exchange") for part in name.split("+"))


def bad_cells(table: pa.Table, column: str, conversion: str) -> BadCells | None:
    """Return the bad cells of one column under one conversion, or None when all are in order."""
    if table[column].null_count == table.num_rows or _surely_good(table[column], CONVERSIONS[conversion]):
        return None
    if sure := _SURE_ROWS.get(conversion):
        doubtful = np.flatnonzero(~sure(table, column))
        found = convert(table.take(pa.array(doubtful)), column, conversion).bad()
        found = BadCells(doubtful[found.rows], found.reasons)
    else:
        found = convert(table, column, conversion).bad()
    return found if len(found.rows) else None


def convert(table: pa.Table, column: str, name: str) -> Values:
    """Convert one column; `table` holds binary columns, among them those that the conversion reads beside it."""
    conversion = CONVERSIONS[name]
    others = [other for other in conversion.columns if other in table.column_names and other != column]
    if others or conversion.fills_empty:
        return _convert_rows(table, column, others, name)
    encoded = pc.dictionary_encode(addresses.readable(table[column]))
    results = [_scalar(name, text, ()) for text in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, len(results)).to_numpy(zero_copy_only=False).astype(np.int64)
    return _values(codes, [*results, (None, "")])


def recoded(encoded: pa.DictionaryArray, values: Sequence[str | None], absent: str | None = None) -> pa.DictionaryArray:
    """Return a column with another value for each of its distinct ones, and `absent` where it has none."""
    return coded(pc.fill_null(encoded.indices, len(values)).to_numpy(zero_copy_only=False), (*values, absent))


def coded(codes: np.ndarray[Any, np.dtype[np.int64]], values: Sequence[str | None]) -> pa.DictionaryArray:
    """Return a column of texts from each row's position among `values`, in which a text may stand more than once."""
    places = {value: place for place, value in enumerate(v for v in dict.fromkeys(values) if v is not None)}
    rows = np.array([-1 if value is None else places[value] for value in values], np.int32)[codes]
    return pa.DictionaryArray.from_arrays(pa.array(rows, mask=rows < 0), pa.array(list(places), pa.utf8()))


def _convert_rows(table: pa.Table, column: str, others: list[str], name: str) -> Values:
    """Convert a column whose values hang on others: each distinct combination once."""
    distinct: dict[tuple[bytes | None, ...], int] = {}
    results: list[tuple[Value | None, str]] = []
    codes = np.empty(table.num_rows, np.int64)
    for row, cells in enumerate(zip(*(table[name].to_pylist() for name in (column, *others)), strict=True)):
        code = distinct.setdefault(cells, len(distinct))
        if code == len(results):
            row_of = tuple((other, cell) for other, cell in zip(others, cells[1:], strict=True) if cell is not None)
            results.append(_scalar(name, cells[0], row_of))
        codes[row] = code
    return _values(codes, results)


def _values(codes: np.ndarray[Any, np.dtype[np.int64]], results: list[tuple[Value | None, str]]) -> Values:
    return Values(codes, [value for value, _ in results], [reason for _, reason in results])


def _scalar(name: str, cell: bytes | None, others: tuple[tuple[str, bytes], ...]) -> tuple[Value | None, str]:
    """Return the value of one cell and, when it is bad, the reason."""
    length = len(cell or b"") + sum(len(other) for _, other in others)
    return (_remembered if length <= _LONG else _worked_out)(name, cell, others)


def _worked_out(name: str, cell: bytes | None, others: tuple[tuple[str, bytes], ...]) -> tuple[Value | None, str]:
    conversion = CONVERSIONS[name]
    try:
        text = (cell or b"").decode("utf-8", "strict" if may_be_bad(name) else "replace")
        row = {column: other.decode("utf-8", "replace") for column, other in others}
        return conversion(text, row), ""
    except UnicodeDecodeError:
        return None, "the text is not UTF-8"
    except BadCell as bad:
        return None, bad.reason


def value_of(cell: bytes, kind: str) -> str | None:
    """Return the text of one cell in the form of its kind; None where it is not of it."""
    value, _ = _scalar(kind, cell, ())
    return None if value is None else str(value)


_remembered = functools.lru_cache(maxsize=_CACHED)(_worked_out)


def _surely_good(column: pa.ChunkedArray, conversion: Conversion) -> bool:
    """Tell, quickly, that no cell of a column is bad; False when that takes a closer look."""
    if conversion.columns or conversion.fills_empty or conversion.name.startswith("time:"):
        return False
    quick = _QUICK.get(conversion.kind)
    if quick is None:
        return False
    cells = addresses.readable(column)
    try:
        return quick(cells if cells.null_count == 0 else cells.drop_null())
    except pa.ArrowInvalid:
        return False


def _cast(cells: pa.Array, to: pa.DataType) -> pa.Array:
    return pc.cast(pc.cast(cells, pa.utf8()), to)


def whole_numbers(cells: pa.Array) -> pa.Array:
    """Return a binary column as numbers of 64 bits. Raises ArrowInvalid for what is none; `0x10` is none."""
    text = cells.buffers()[2]
    if text is not None and ((np.frombuffer(text, np.uint8) | 0x20) == ord("x")).any():
        raise pa.ArrowInvalid("perhaps hexadecimal, which Arrow would read")
    return _cast(cells, pa.int64())


def instants(cells: pa.Array) -> pa.Array:
    """Return a binary column of ISO times as microseconds. Raises ArrowInvalid for what is none, or before year 1."""
    times = _cast(cells, pa.timestamp("us"))
    first = pc.min(times.cast(pa.int64())).as_py()
    if first is not None and first < _YEAR_ONE:
        raise pa.ArrowInvalid("a year that Python does not know")
    return times


def _in_range(cells: pa.Array, lowest: int, highest: int) -> bool:
    edges = pc.min_max(whole_numbers(cells))
    return bool(edges["min"].as_py() >= lowest and edges["max"].as_py() <= highest)


def _is_int(cells: pa.Array) -> bool:
    whole_numbers(cells)
    return True


def _is_finite(cells: pa.Array) -> bool:
    return bool(pc.all(pc.is_finite(_cast(cells, pa.float64()))).as_py())


def _are_times(cells: pa.Array) -> bool:
    instants(cells)
    return True


def are_names(cells: pa.Array) -> bool:
    """Tell whether all cells of a binary column without nulls are surely host names."""
    lengths = pc.max(pc.binary_length(cells)).as_py()
    return lengths <= 253 and bool(pc.all(pc.match_substring_regex(cells, _NAME)).as_py())


def _are_tokens(cells: pa.Array) -> bool:
    text = pc.cast(cells, pa.utf8())
    return bool(pc.all(pc.string_is_ascii(text)).as_py() and pc.all(pc.ascii_is_printable(text)).as_py())


def _are_addresses(cells: pa.Array) -> bool:
    high, low, valid = addresses.read(cells)
    return bool((valid & ~addresses.unspecified(high, low)).all())


def _one_of(words: Sequence[str]) -> Callable[[pa.Array], bool]:
    listed = pa.array([*(word.encode() for word in (*words, *sorted(ABSENT)))], pa.binary())
    return lambda cells: bool(pc.all(pc.is_in(cells, listed)).as_py())


def _all_match(pattern: str) -> Callable[[pa.Array], bool]:
    re.compile(pattern.replace(r"\z", r"\Z"))
    return lambda cells: bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py())


_QUICK: dict[str, Callable[[pa.Array], bool]] = {
    "int": _is_int,
    "float": _is_finite,
    "time": _are_times,
    "port": lambda cells: _in_range(cells, 0, 65_535),
    "asn": lambda cells: _in_range(cells, 0, 2**32 - 1),
    "fqdn": are_names,
    "token": _are_tokens,
    "lower_token": _are_tokens,
    "ip": _are_addresses,
    "bool": _one_of(("Y", "N", "y", "n", "true", "false", "0", "1")),
    "country": _all_match(r"\A[A-Za-z]{2}\z"),
    "transport": _one_of(("tcp", "udp", "icmp")),
    "severity": _one_of(("low", "medium", "high", "critical", "info")),
}
"""By kind: predicates that never call a bad cell good."""


# Whole columns of the conversions that read other columns as well are seldom in order; most of their rows are.

_WHOLE_URL = r"\Ahttps?://[A-Za-z0-9._-]+(:[0-9]*)?([/?#][!-~]*)?\z"
_PATH = r"\A/[!-~]*\z"
_HOST = r"\A[A-Za-z0-9][A-Za-z0-9.-]*\z"


def _sure_urls(table: pa.Table, column: str) -> addresses.Mask:
    """Return which rows surely hold a URL, or a path and the host to complete it, or nothing."""
    cells = addresses.readable(table[column])
    sure = pc.match_substring_regex(cells, _WHOLE_URL)
    if "http_host" in table.column_names:
        host = pc.match_substring_regex(addresses.readable(table["http_host"]), _HOST)
        sure = pc.or_(sure, pc.and_(pc.match_substring_regex(cells, _PATH), pc.fill_null(host, False)))
    mask: addresses.Mask = pc.fill_null(sure, True).to_numpy(zero_copy_only=False)
    return mask


_SURE_ROWS: dict[str, Callable[[pa.Table, str], addresses.Mask]] = {"convert_http_host_and_url": _sure_urls}
"""By conversion: which rows it surely does not refuse."""
