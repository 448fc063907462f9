"""From a delivered report to its parts: read, normalise, enrich, attribute, write.

`map_chunk` does it for one chunk and needs nothing but its arguments, so that
threads, or workers on other machines, can do it in any order and again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import distinct, observations, parquet
from tocsin.engine.attribute import deciding, words
from tocsin.engine.bounds import AHEAD_DAYS, Bounds
from tocsin.engine.claims import Claims
from tocsin.engine.enrich import Announcements, Delegations
from tocsin.engine.mapping import Mapping
from tocsin.engine.normalise import QUARANTINE, normalise
from tocsin.engine.opening import BrokenReport, Misdated, Source, called_as_it_lies, opened
from tocsin.engine.records import CHUNK_ROWS, Batch, Chunk, Reader, parse
from tocsin.engine.shapes import Shape
from tocsin.engine.store import Report, Workspace

_BYTES_PER_ROW = 300
"""Where a report's first rows do not say it."""
_UNPACKED = 12
"""Typical ratio of a packed report; only the number of partitions hangs on it."""


class Records(Protocol):
    """Reads a report of an unusual shape: JSON lines, a list of names."""

    def columns(self, source: Source) -> tuple[str, ...]:
        """Return its columns. Raises BrokenReport."""
        ...

    def batches(self, source: Source, columns: tuple[str, ...]) -> Iterator[Batch]:
        """Yield its records, in order. Raises BrokenReport."""
        ...


@dataclasses.dataclass(frozen=True)
class Recognised:
    """What a delivered report is, from its name and header."""

    mapping: Mapping
    on: dt.date | None
    """Day of the cycle; None when only its rows can say."""
    shape: Shape = Shape()  # noqa: RUF009  frozen value
    records: Records | None = None
    """Reads its records, where they are in a shape that the engine's own reader does not know."""
    lacking: tuple[str, ...] = ()
    """Columns that its mapping file names and it does not have."""
    is_made_up: bool = False
    """Whether neither its name nor its header says its type."""


class Recogniser(Protocol):
    """Knows reports by their names and headers."""

    def __call__(self, name: str, columns: tuple[str, ...]) -> Recognised:
        """Return what a report is. Raises BrokenReport."""
        ...

    def unusual(self, source: Source) -> tuple[Recognised, tuple[str, ...]] | None:
        """Return what a report is whose shape follows from its name or content, and its columns.

        None for one that its header explains: comma-separated text. Raises BrokenReport.
        """
        ...

    def is_no_report(self, name: str) -> bool:
        """Say whether a file in an archive is no report by its name alone, as a note that lies beside them is."""
        ...

    def cycle_of(self, name: str) -> tuple[str, dt.date] | None:
        """Return type and day as far as the name alone tells them: what a report that cannot be read was to be."""
        ...

    def type_of(self, name: str) -> str | None:
        """Return the type that a name says, if a mapping knows it."""
        ...


class NothingToRead:
    """Stands for a recogniser where no report is read, and so no mapping is needed. Whoever asks it is mistaken."""

    def __call__(self, name: str, columns: tuple[str, ...]) -> Recognised:
        raise AssertionError(name)

    def unusual(self, source: Source) -> tuple[Recognised, tuple[str, ...]] | None:
        raise AssertionError(source)

    def is_no_report(self, name: str) -> bool:
        raise AssertionError(name)

    def cycle_of(self, name: str) -> tuple[str, dt.date] | None:
        raise AssertionError(name)

    def type_of(self, name: str) -> str | None:
        raise AssertionError(name)


@dataclasses.dataclass(frozen=True)
class Delivery:
    """A report that is about to be read."""

    number: int
    source: Source
    recognised: Recognised
    columns: tuple[str, ...]
    size: int
    stand_in: dt.datetime
    """The time of rows whose type has no column for it: its day, else when the file was last changed."""
    latest: dt.date | None = None
    """The last day that it may be of."""
    bytes_per_row: float = 0.0
    """How long its first rows are; 0 when that is not known."""
    bits: int = 0
    """Into how many partitions, as a power of two, its spill is split."""

    def rows(self) -> float:
        """Return about how many rows it has, from its size and its first rows."""
        return self.size * (_UNPACKED if self.source.is_packed else 1) / (self.bytes_per_row or _BYTES_PER_ROW)

    @property
    def is_of_made_up_type(self) -> bool:
        """Whether its type is one that was made of its name, which says none."""
        return self.recognised.is_made_up

    @property
    def bounds(self) -> Bounds:
        """Which times its rows can have."""
        return Bounds(self.recognised.on, self.latest)


@dataclasses.dataclass(frozen=True)
class Context:
    """What every chunk needs: where to write, and whom networks belong to."""

    workspace: Workspace
    claims: Claims
    announcements: Announcements | None = None
    delegations: Delegations | None = None


@dataclasses.dataclass(frozen=True)
class Mapped:
    """One chunk, done."""

    delivery: int
    chunk: int
    part: str
    spill: str
    quarantine: str
    records: int
    kept: int
    rows_quarantined: int
    cells_quarantined: int
    constituents: dict[str, int]
    days: dict[dt.date, int]
    """How many rows were observed on each day; empty where the name of the report says its day."""
    cut: bool = False
    """Whether the file ends in the middle of its last record."""
    keys: bytes = b""
    """The smallest keys of its findings, as `engine.distinct`."""
    newest: dt.datetime | None = None
    """The newest time that a kept row says."""
    later: dt.date | None = None
    """The latest day in a row that is after the report's."""


@dataclasses.dataclass(frozen=True)
class Read:
    """A delivery whose chunks are all done."""

    delivery: Delivery
    digest: bytes
    chunks: tuple[Mapped, ...]

    @property
    def on(self) -> dt.date | None:
        """Day of the cycle: from the name, else from its rows; None when there is neither."""
        days = sum((Counter(chunk.days) for chunk in self.chunks), Counter[dt.date]())
        return self.delivery.recognised.on or _day_of(days, self.delivery.latest)

    def identity(self, on: dt.date) -> str:
        """Return the id of the report, were it of the day `on`: header-only reports of two days have the same bytes."""
        return hashlib.sha256(f"{self.delivery.recognised.mapping.type}\n{on}\n".encode() + self.digest).hexdigest()

    @property
    def misdated(self) -> Misdated | None:
        """Return why the day in its name is wrong, when each row that says a time says one of a later day."""
        on = self.delivery.recognised.on
        later = max((chunk.later for chunk in self.chunks if chunk.later), default=None)
        if on is None or later is None or any(chunk.newest for chunk in self.chunks):
            return None
        return Misdated(
            f"it is dated {on}, and its rows are of later days, up to {later}.",
            where=self.delivery.source.called,
            remedy="Put the right day into the name of the file; then import it again.",
        )

    def report(self) -> Report:
        """Return the manifest's row for it. Raises BrokenReport when nothing says which day it is of."""
        delivery, on = self.delivery, self.on
        if on is None:
            raise BrokenReport("neither its name nor a row says which day it is of.", where=delivery.source.called)
        mapping = delivery.recognised.mapping
        return Report(
            id=self.identity(on),
            name=delivery.source.name,
            type=mapping.type,
            on=on,
            records=sum(chunk.records for chunk in self.chunks),
            kept=sum(chunk.kept for chunk in self.chunks),
            rows_quarantined=sum(chunk.rows_quarantined for chunk in self.chunks),
            cells_quarantined=sum(chunk.cells_quarantined for chunk in self.chunks),
            parts=tuple(chunk.part for chunk in self.chunks if chunk.part),
            quarantine="",
            constituents=dict(sum((Counter(chunk.constituents) for chunk in self.chunks), Counter())),
            size=delivery.size,
            columns=delivery.columns,
            unknown_columns=tuple(name for name in delivery.columns if mapping.columns and name not in mapping.columns),
            lacking_columns=delivery.recognised.lacking,
            origin=mapping.origin,
            content=self.digest.hex(),
            cut=any(chunk.cut for chunk in self.chunks),
            findings=distinct.counted(chunk.keys for chunk in self.chunks),
            newest=max((chunk.newest for chunk in self.chunks if chunk.newest), default=None),
        )


def _day_of(days: Counter[dt.date], latest: dt.date | None) -> dt.date | None:
    """Return the day that most rows have, so that no single wrong clock decides; None where there are no rows.

    Lists of what was ever seen have no such day: there it is the latest day that was not ahead of the import, for which
    `latest` stands.
    """
    if not days:
        return None
    day, rows = days.most_common(1)[0]
    if rows * 2 > days.total():
        return day
    today = latest - dt.timedelta(days=AHEAD_DAYS) if latest else dt.date.max
    return max((day for day in days if day <= today), default=max(days))


def deliver(number: int, source: Source, recognise: Recogniser, latest: dt.date | None = None) -> Delivery:
    """Look at a report's name and header. `latest` is the last day that it may be of. Raises BrokenReport."""
    with called_as_it_lies(source):
        if unusual := recognise.unusual(source):
            (recognised, columns), bytes_per_row = unusual, 0.0
        else:
            recognised, columns, bytes_per_row = _usual(source, recognise)
    about = source.path.stat()
    changed = dt.datetime.fromtimestamp(int(about.st_mtime), dt.UTC)
    stand_in = midnight(recognised.on) if recognised.on else changed
    return Delivery(number, source, recognised, columns, source.size, stand_in, latest, bytes_per_row)


def midnight(day: dt.date) -> dt.datetime:
    """Return the beginning of a day."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _usual(source: Source, recognise: Recogniser) -> tuple[Recognised, tuple[str, ...], float]:
    with opened(source) as stream:
        reader = Reader(stream, name=source.name)
    recognised = recognise(source.name, reader.columns)
    if recognised.shape != Shape():
        with opened(source) as stream:
            reader = Reader(stream, name=source.name, shape=recognised.shape)
    return recognised, reader.columns, reader.bytes_per_row()


@dataclasses.dataclass(frozen=True)
class Ready:
    """Records of a report that are parsed already: from an unusual shape, or from observations kept before."""

    number: int
    batch: Batch


class ChunkSource:
    """Gives out the chunks of one delivery; once they are used up, its digest is known."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self.digest = b""

    def __iter__(self) -> Iterator[Chunk | Ready]:
        with called_as_it_lies(self.delivery.source):
            yield from self._chunks()

    def _chunks(self) -> Iterator[Chunk | Ready]:
        if records := self.delivery.recognised.records:
            for number, batch in enumerate(records.batches(self.delivery.source, self.delivery.columns)):
                yield Ready(number, batch)
            self.digest = digest_of(self.delivery.source)
            return
        with opened(self.delivery.source) as stream:
            reader = Reader(stream, name=self.delivery.source.name, shape=self.delivery.recognised.shape)
            yield from reader.chunks()
            self.digest = reader.digest


def digest_of(source: Source) -> bytes:
    """Return the SHA-256 of a report's unpacked bytes."""
    digest = hashlib.sha256()
    with opened(source) as stream:
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.digest()


def part_number(delivery: int, chunk: int) -> int:
    """Return the number of a part within its run."""
    return delivery << 16 | chunk


def parsed(delivery: Delivery, chunk: Chunk | Ready) -> Batch:
    """Return the records of one chunk."""
    return chunk.batch if isinstance(chunk, Ready) else parse(chunk, delivery.columns, delivery.recognised.shape)


def map_chunk(context: Context, delivery: Delivery, chunk: Chunk | Ready) -> Mapped:
    """Read one chunk and write its part, its spill and its quarantine."""
    recognised = delivery.recognised
    batch = parsed(delivery, chunk)
    result = normalise(batch, recognised.mapping, stand_in=delivery.stand_in, bounds=delivery.bounds)
    if result.events.num_rows + result.rows_quarantined != batch.records:
        raise AssertionError(
            f"{delivery.source.name}: {batch.records} records, but {result.events.num_rows} kept and "
            f"{result.rows_quarantined} quarantined"
        )
    events = enriched(context, result.events)
    events = observations.attributed(events, context.claims, deciding(context.claims, events, "time"))
    stem = f"{delivery.number:05d}-{chunk.number:05d}"
    kind = recognised.mapping.type
    spill = context.workspace.path("spill", kind, stem, ".arrow")
    with context.workspace.placing(spill) as temporary:
        observations.write_spill(
            events,
            temporary,
            bits=delivery.bits,
            part=part_number(delivery.number, chunk.number),
            prints=observations.fingerprints_of_twins(events),
        )
    part = ""
    if events.num_rows:
        write = functools.partial(observations.write_part, events)
        part = context.workspace.write("observations", kind, stem, write)
    quarantine = ""
    if result.quarantine.num_rows:
        write = functools.partial(_write_quarantine, [result.quarantine])
        quarantine = context.workspace.write("quarantine", kind, stem, write)
    return Mapped(
        delivery.number,
        chunk.number,
        part,
        context.workspace.relative(spill),
        quarantine,
        batch.records,
        events.num_rows,
        result.rows_quarantined,
        result.cells_quarantined,
        observations.rows_by_constituent(events),
        _days(events) if recognised.on is None else {},
        batch.cut,
        distinct.smallest(events["k1"].to_numpy()),
        result.newest,
        result.later,
    )


def _days(events: pa.Table) -> dict[dt.date, int]:
    """Return how many rows were observed on each day."""
    times = events["time"].cast(pa.int64()).to_numpy().astype("datetime64[us]")
    days, counts = np.unique(times.astype("datetime64[D]"), return_counts=True)
    return dict(zip(days.tolist(), counts.tolist(), strict=True))


def enriched(context: Context, events: pa.Table) -> pa.Table:
    """Return events with gaps filled by what tables say of their addresses."""
    high, low = words(events["ip_high"]), words(events["ip_low"])
    if context.announcements is not None:
        asns = words(events["asn"])
        filled = context.announcements.fill(asns, high, low)
        if filled is not asns:
            events = _with(events, "asn", pa.array(filled.astype(np.uint32), mask=filled == 0))
    if context.delegations is not None:
        events = _with(events, "country", context.delegations.fill(events["country"], high, low))
    return events


def _with(events: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return events.set_column(events.column_names.index(name), name, column)


def _write_quarantine(tables: Iterable[pa.Table], path: Path) -> None:
    with pq.ParquetWriter(path, QUARANTINE, compression="zstd") as writer:
        for table in tables:
            _add_quarantine(writer, table)


def _add_quarantine(writer: pq.ParquetWriter, table: pa.Table) -> None:
    """Write what was set aside in line order, so that a few lines can be read without all the others."""
    lines = table["line"].to_numpy()
    in_order = table if (lines[1:] >= lines[:-1]).all() else table.sort_by("line")
    writer.write_table(in_order, row_group_size=CHUNK_ROWS)


def merged_quarantine(workspace: Workspace, report: Report, chunks: Iterable[Mapped]) -> str:
    """Return one quarantine file for a report's chunks, in line order; empty when there is none.

    Chunks are in line order among themselves, so no more than one is held.
    """
    paths = [workspace.root / chunk.quarantine for chunk in chunks if chunk.quarantine]
    if len(paths) <= 1:
        return workspace.relative(paths[0]) if paths else ""
    tables = (pq.read_table(parquet.whole(path), schema=QUARANTINE) for path in paths)
    merged = workspace.write("quarantine", report.type, report.id[:16], functools.partial(_write_quarantine, tables))
    for path in paths:
        path.unlink()
    return merged
