"""Small reports for the tests of the engine, written with the standard library alone."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tocsin.engine.mapping import Mapping as ReportMapping
from tocsin.engine.normalise import Normalised, normalise
from tocsin.engine.records import Batch, Reader
from tocsin.engine.triage import BadRecords
from tocsin.formats import shadowserver

MONDAY = dt.date(2026, 11, 16)
COLUMNS = ("timestamp", "severity", "ip", "protocol", "port", "hostname", "tag", "asn", "geo", "cert_length")
ORDINARY = {
    "timestamp": f"{MONDAY} 06:00:00",
    "severity": "medium",
    "ip": "192.0.2.1",
    "protocol": "tcp",
    "port": "3389",
    "tag": "rdp",
    "asn": "64496",
    "geo": "XM",
}
Row = Mapping[str, str]


def day(number: int) -> dt.date:
    """Return the first day of the tests, or one that follows."""
    return MONDAY + dt.timedelta(days=number)


def row(**cells: Any) -> dict[str, str]:
    """Return an ordinary row of a report, with other cells where named."""
    return {**ORDINARY, **{name: str(cell) for name, cell in cells.items()}}


def seen(ip: str, on: dt.date, at: str = "06:00:00", **cells: Any) -> dict[str, str]:
    """Return a row about an address on a day."""
    return row(ip=ip, timestamp=f"{on} {at}", **cells)


def as_csv(rows: Sequence[Row], columns: Sequence[str] = COLUMNS, **dialect: Any) -> bytes:
    """Return rows as a report."""
    text = io.StringIO()
    writer = csv.writer(text, **{"lineterminator": "\n", "quoting": csv.QUOTE_ALL, **dialect})
    writer.writerow(columns)
    writer.writerows([cells.get(column, "") for column in columns] for cells in rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def name_of(kind: str, on: dt.date, part: str = "") -> str:
    """Return what a report is called."""
    return f"{on}-{kind}-xm-geo{part}.csv"


def write(
    folder: Path, rows: Sequence[Row], kind: str = "scan_rdp", on: dt.date = MONDAY, part: str = "", **shape: Any
) -> Path:
    """Write a report and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(kind, on, part)
    path.write_bytes(as_csv(rows, **shape))
    return path


def batch_of(data: bytes) -> Batch:
    """Return the records of a report in one batch."""
    reader = Reader(io.BytesIO(data), name="report.csv")
    batches = [reader.batch(chunk) for chunk in reader.chunks()]
    if len(batches) == 1:
        return batches[0]
    table = pa.table({name: pa.array([], pa.binary()) for name in reader.columns})
    assert not batches, "a test's report is small"
    return Batch(table, pa.array([], pa.int64()).to_numpy(), BadRecords.of())


def mapping_of(kind: str, columns: Sequence[str] = COLUMNS) -> ReportMapping:
    """Return the built-in mapping of a type."""
    return shadowserver.mappings().for_type(kind, columns)


def normalised(rows: Sequence[Row], kind: str = "scan_rdp", columns: Sequence[str] = COLUMNS) -> Normalised:
    """Return the events of a report's rows."""
    return normalise(batch_of(as_csv(rows, columns)), mapping_of(kind, columns))
