"""Reference tables: which autonomous system announces a prefix, which country a range was delegated to.

A million rows take minutes in a database and are only ever read as whole
columns, so they are a Parquet file in the store; the database holds the
manifest row that says which file counts. Columns, for both kinds:

    family      uint8    4 or 6
    first_high  uint64   first address, upper 64 bits (0 for family 4)
    first_low   uint64   first address, lower 64 bits
    last_high, last_low  last address, both inclusive
    asn uint32 | country string (ISO 3166-1 alpha-2)

Sorted by family, first address, then widest first, so that nested prefixes
follow what encloses them. Delegated ranges need not be whole prefixes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import io
import ipaddress
import os
import re
import tempfile
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from tocsin.directory.choices import TableKind
from tocsin.directory.imports.reading import explained
from tocsin.directory.imports.records import ImportRefused, Place, Problem
from tocsin.engine import digests
from tocsin.kernel import durable
from tocsin.kernel.refusals import InvalidInput, Unavailable

FOLDER = "reference"
MAX_TEXT_BYTES = 2**30
"""Of a file once unpacked: full tables of the world are a tenth of it."""
MAX_LINE_BYTES = 4_096
MAX_PROBLEMS = 1_000
_LOW = 2**64 - 1
_COUNTRY = re.compile(rb"[A-Z]{2}\Z")
_SKIPPED_COUNTRIES = (b"", b"ZZ")
"""Free or reserved space is delegated to nobody; RIRs write it so."""


@dataclasses.dataclass(frozen=True)
class Written:
    """A table that stands in the store, not yet in the manifest."""

    file: str
    """Below the store."""
    rows: int
    content_hash: str
    """SHA-256 of the operator's file as it was given."""


class _Columns:
    """Columns being filled."""

    def __init__(self) -> None:
        self.family = array("B")
        self.bounds = {name: array("Q") for name in ("first_high", "first_low", "last_high", "last_low")}
        self.value: Any = []

    def add(self, family: int, first: int, last: int, value: Any) -> None:
        """Add a range."""
        self.family.append(family)
        bounds = self.bounds
        bounds["first_high"].append(first >> 64)
        bounds["first_low"].append(first & _LOW)
        bounds["last_high"].append(last >> 64)
        bounds["last_low"].append(last & _LOW)
        self.value.append(value)

    def table(self, name: str, kind: pa.DataType) -> pa.Table:
        """Return the sorted table; of equal rows one."""
        arrays = {"family": pa.array(np.frombuffer(self.family, dtype=np.uint8))}
        arrays |= {key: pa.array(np.frombuffer(values, dtype=np.uint64)) for key, values in self.bounds.items()}
        table = pa.table({**arrays, name: pa.array(self.value, type=kind)})
        table = table.group_by(table.column_names, use_threads=False).aggregate([])
        ascending = ("family", "first_high", "first_low")
        keys = [(key, "ascending") for key in ascending] + [("last_high", "descending"), ("last_low", "descending")]
        return table.take(pc.sort_indices(table, sort_keys=[*keys, (name, "ascending")]))


def write_table(kind: TableKind, source: Path, store: Path) -> Written:
    """Read the operator's file (plain or gzip) and write it to the store under a name made of its content.

    Raises InvalidInput with every problem by line; nothing is written then.
    """
    read, name, arrow = _KINDS[kind]
    problems: list[Problem] = []
    columns = _Columns()
    with _opened(source) as (lines, content_hash):
        for number, line in _lines(source.name, lines):
            try:
                read(line, columns)
            except ValueError as error:
                problems.append(Problem(Place(source.name, number), str(error)))
                if len(problems) >= MAX_PROBLEMS:
                    break
    if problems:
        raise ImportRefused(problems)
    if not columns.family:
        raise InvalidInput(_("It holds no row of this kind."), where=source.name)
    table = columns.table(name, arrow)
    path = _written(table, store / FOLDER / f"{kind.value}-{content_hash[:16]}.parquet")
    return Written(path.relative_to(store).as_posix(), table.num_rows, content_hash)


def _written(table: pa.Table, path: Path) -> Path:
    """Write under a temporary name, then rename: a reader sees a whole file or none, also after a power cut.

    Return the path with the digest of what was written in its name.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as file:
                pq.write_table(table, file, compression="zstd")
                durable.sync_file(file)
            path = digests.name_with(path, digests.of(Path(temporary)))
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        durable.sync(path.parent)
        return path
    except OSError as error:
        raise Unavailable(
            _("{path} cannot be written: {problem}.").format(path=path, problem=explained(error.strerror))
        ) from error


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[tuple[IO[bytes], str]]:
    """Open the file, unpacked where it is gzip, with the SHA-256 of its bytes."""
    try:
        with source.open("rb") as raw:
            content_hash = hashlib.file_digest(raw, "sha256").hexdigest()
            raw.seek(0)
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            unpacked = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.BufferedReader(unpacked, 1 << 20) as lines:
                yield lines, content_hash
    except (EOFError, gzip.BadGzipFile) as error:
        raise InvalidInput(_("The compressed file is damaged or cut off."), where=str(source)) from error
    except OSError as error:
        raise InvalidInput(
            _("It cannot be read: {problem}.").format(problem=explained(error.strerror)), where=str(source)
        ) from error


def _lines(name: str, lines: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield lines that say something, with their numbers. Raises InvalidInput over the limits."""
    size = 0
    number = 0
    while line := lines.readline(MAX_LINE_BYTES):
        number += 1
        size += len(line)
        if size > MAX_TEXT_BYTES or len(line) == MAX_LINE_BYTES:
            raise InvalidInput(_("It is too large, or is no text, at line {line}.").format(line=number), where=name)
        line = line.strip()
        if line and not line.startswith((b"#", b";")):
            yield number, line


# ---- lines


def _read_asn_line(line: bytes, columns: _Columns) -> None:
    """`prefix<TAB>asn`, or three columns `address<TAB>length<TAB>asn`; an announcement of several takes the first."""
    cells = line.split()
    if len(cells) == 3:
        cells = [cells[0] + b"/" + cells[1], cells[2]]
    if len(cells) != 2:
        raise ValueError(_("The line must be a prefix and an autonomous system, as 203.0.113.0/24 and 64496."))
    family, first, last = _prefix(cells[0])
    number = re.split(rb"[_,]", cells[1].strip(b"{}").upper().removeprefix(b"AS"), maxsplit=1)[0]
    if not number.isdigit() or not 0 <= int(number) < 2**32:
        sentence = _("{value} is not an autonomous system number.")
        raise ValueError(sentence.format(value=_shown(cells[1])))
    columns.add(family, first, last, int(number))


def _prefix(text: bytes) -> tuple[int, int, int]:
    """Return family, first and last address of a prefix."""
    address, slash, length_text = text.partition(b"/")
    family, packed = _address(address)
    bits = 32 if family == 4 else 128
    length = int(length_text) if slash and length_text.isdigit() else -1
    if not 0 <= length <= bits:
        raise ValueError(_("{value} is not a prefix. Write it as 203.0.113.0/24.").format(value=_shown(text)))
    size = 1 << bits - length
    if packed & size - 1:
        raise ValueError(_("{value} is not a whole prefix: address bits are set.").format(value=_shown(text)))
    return family, packed, packed + size - 1


def _address(text: bytes) -> tuple[int, int]:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise ValueError(_("{value} is not an address.").format(value=_shown(text))) from None
    return address.version, int(address)


def _shown(text: bytes) -> str:
    return repr(text[:60].decode("utf-8", "replace"))


def _read_delegated_line(line: bytes, columns: _Columns) -> None:
    """One line of an RIR's extended statistics: `registry|cc|type|start|value|date|status[|opaque-id…]`."""
    cells = line.split(b"|")
    if cells[-1] == b"summary" or (cells[0][:1].isdigit() and len(cells) >= 6):
        return
    if len(cells) < 7:
        raise ValueError(
            _("The line is not one of a delegated-extended file: it has {count} cells.").format(count=len(cells))
        )
    country, kind, start, size = cells[1].upper(), cells[2], cells[3], cells[4]
    if kind not in (b"ipv4", b"ipv6", b"asn"):
        raise ValueError(_("{value} is not ipv4, ipv6 or asn.").format(value=_shown(kind)))
    if kind == b"asn" or country in _SKIPPED_COUNTRIES or cells[6] not in (b"allocated", b"assigned"):
        return
    if not _COUNTRY.match(country):
        raise ValueError(_("{value} is not a country code.").format(value=_shown(country)))
    if kind == b"ipv6":
        family, first, last = _prefix(start + b"/" + size)
    else:
        family, first = _address(start)
        last = first + (int(size) if size.isdigit() else 0) - 1
        if last < first or last >= 2**32:
            raise ValueError(_("{value} is not a number of addresses that fits.").format(value=_shown(size)))
    columns.add(family, first, last, country.decode("ascii"))


Reader = Callable[[bytes, _Columns], None]
_KINDS: dict[TableKind, tuple[Reader, str, pa.DataType]] = {
    TableKind.ASN: (_read_asn_line, "asn", pa.uint32()),
    TableKind.COUNTRY: (_read_delegated_line, "country", pa.string()),
}
