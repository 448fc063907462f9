"""A whole run: reports in, a `Delta` for the manifest out.

The state of findings depends only on the set of accepted reports, on what
people decided about cycles, and on how many misses make a finding gone; never
on the order or grouping of runs. What follows all that was known is folded into
it; what arrives late, replaces something or changes an older judgement has its
whole type folded anew from the observations.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.engine import observations
from tocsin.engine.cycles import Calendar, Decision, Judged, judge
from tocsin.engine.executors import Executor
from tocsin.engine.fold import BY, STATE_SCHEMA, Folded, fold
from tocsin.engine.intake import Context, Delivery, Read, Recogniser, deliver, digest_of, merged_quarantine
from tocsin.engine.normalise import EVENT_COLUMNS
from tocsin.engine.opening import BrokenReport, Source, sources
from tocsin.engine.reattribute import reattributed
from tocsin.engine.store import Catalogue, CycleRecord, Report, State

ROWS_PER_PARTITION = 1_000_000
_BYTES_PER_ROW = 300
_UNPACKED = 12
"""Typical ratio of a packed report; only the number of partitions hangs on it."""
MOST_BITS = 12


@dataclasses.dataclass(frozen=True)
class Options:
    """How a run is to be done."""

    gone_after: int = 3
    complete: bool = True
    """The cycles in these files are complete; otherwise more of them will come."""
    accept_drop: bool = False
    """Cycles of this run with few rows are confirmed in advance."""


@dataclasses.dataclass(frozen=True)
class Broken:
    """A delivered report that could not be read."""

    name: str
    reason: str
    cycle: tuple[str, dt.date] | None


@dataclasses.dataclass(frozen=True)
class TypeDelta:
    """What changes for one report type."""

    type: str
    since: dt.date
    """Movements from this day on replace those in the manifest."""
    movements: pa.Table
    cycles: tuple[CycleRecord, ...]
    judged: tuple[Judged, ...]
    state: State | None


@dataclasses.dataclass(frozen=True)
class Delta:
    """What a run wants the manifest to say. Nothing of it is true before it is committed."""

    accepted: tuple[Report, ...]
    superseded: tuple[str, ...]
    """Ids of reports that a correction replaces, or that are withdrawn."""
    unchanged: tuple[str, ...]
    """Names of deliveries that were here already."""
    broken: tuple[Broken, ...]
    types: tuple[TypeDelta, ...]
    duplicates: int
    debris: tuple[str, ...]
    """Files that nothing needs once this is committed."""


Progress = Callable[[str, float], None]
"""Called with a report's name and the share of the run's bytes that is done."""


def run(
    paths: Sequence[Path], *, catalogue: Catalogue, context: Context, recognise: Recogniser, executor: Executor,
    options: Options, progress: Progress = lambda _name, _share: None,
) -> Delta:
    """Read report files and fold them into what is known."""
    intake = _Intake(catalogue, recognise, options)
    intake.look_at(paths)
    intake.read(context, executor, progress)
    return _fold_types(intake, context, executor, options, catalogue)


def refold(
    types: Iterable[str], *, catalogue: Catalogue, context: Context, executor: Executor, options: Options,
    recognise: Recogniser, withdrawn: Sequence[Report] = (), cycles: Sequence[CycleRecord] = (),
) -> Delta:
    """Bring types up to date after a withdrawal or a decision about cycles. `cycles` replace those of the manifest."""
    intake = _Intake(catalogue, recognise, options)
    intake.superseded.extend(withdrawn)
    intake.touched.update(types)
    intake.decided = {(cycle.type, cycle.on): cycle for cycle in cycles}
    return _fold_types(intake, context, executor, options, catalogue)


class _Intake:
    """The deliveries of a run, sorted into accepted, unchanged and broken."""

    def __init__(self, catalogue: Catalogue, recognise: Recogniser, options: Options) -> None:
        self.catalogue, self.recognise, self.options = catalogue, recognise, options
        self.deliveries: list[Delivery] = []
        self.accepted: list[Report] = []
        self.reads: dict[str, Read] = {}
        self.superseded: list[Report] = []
        self.unchanged: list[str] = []
        self.broken: list[Broken] = []
        self.touched: set[str] = set()
        self.decided: dict[tuple[str, dt.date], CycleRecord] = {}
        self.spills: list[str] = []
        self._known: dict[str, list[Report]] = {}

    def known(self, report_type: str) -> list[Report]:
        """Return the reports of a type that the manifest holds."""
        if report_type not in self._known:
            self._known[report_type] = self.catalogue.reports(report_type)
        return self._known[report_type]

    def look_at(self, paths: Sequence[Path]) -> None:
        """Find out what was delivered, and set aside what cannot be read or was here before."""
        found: list[Source] = []
        for path in paths:
            try:
                found.extend(sources(path))
            except BrokenReport as broken:
                self._set_aside(path.name, broken)
        for number, source in enumerate(found):
            try:
                delivery = deliver(number, source, self.recognise)
            except BrokenReport as broken:
                self._set_aside(source.name, broken)
                continue
            if self._is_known(delivery):
                self.unchanged.append(source.name)
            else:
                self.deliveries.append(delivery)
        self.deliveries = self._with_bits()

    def _set_aside(self, name: str, broken: BrokenReport) -> None:
        for suffix in (".gz", ".zip", ".zst"):
            name = name.removesuffix(suffix)
        cycle = self.recognise.cycle_of(name)
        self.broken.append(Broken(name, str(broken), cycle))
        if cycle:
            self.touched.add(cycle[0])

    def _is_known(self, delivery: Delivery) -> bool:
        """Tell whether a delivery is here already, reading it only when name and size say that it may be."""
        reports = self.known(delivery.recognised.mapping.type)
        namesakes = [r for r in reports if r.name == delivery.source.name and r.size == delivery.size]
        if not namesakes:
            return False
        try:
            read = Read(delivery, digest_of(delivery.source), ())
        except BrokenReport:
            return False
        return any(read.identity(report.on) == report.id for report in namesakes)

    def _with_bits(self) -> list[Delivery]:
        """Return the deliveries with the number of partitions that the rows to be folded of their type need."""
        rows: dict[str, float] = defaultdict(float)
        for delivery in self.deliveries:
            packed = delivery.source.path.name != delivery.source.name
            rows[delivery.recognised.mapping.type] += delivery.size * (_UNPACKED if packed else 1) / _BYTES_PER_ROW
        bits = {kind: self._bits(kind, count) for kind, count in rows.items()}
        return [dataclasses.replace(d, bits=bits[d.recognised.mapping.type]) for d in self.deliveries]

    def _bits(self, kind: str, rows: float) -> int:
        state = self.catalogue.state(kind)
        known = sum(report.kept for report in self.known(kind)) if state else 0
        days = [d.recognised.on for d in self.deliveries if d.recognised.mapping.type == kind]
        late = state is not None and any(on is None or on < state.folded_to for on in days)
        return bits_for(rows + (known if late else 0), state)

    def read(self, context: Context, executor: Executor, progress: Progress) -> None:
        """Read the deliveries, taking those that are whole."""
        total = sum(delivery.size for delivery in self.deliveries) or 1
        done = 0
        for delivery, outcome in executor.read(context, self.deliveries):
            done += delivery.size
            progress(delivery.source.name, done / total)
            if isinstance(outcome, BrokenReport):
                self._set_aside(delivery.source.name, outcome)
                self.spills.extend(context.workspace.written_for(delivery.number))
                continue
            self.spills.extend(chunk.spill for chunk in outcome.chunks)
            try:
                self._take(context, outcome, outcome.report())
            except BrokenReport as broken:
                self._set_aside(delivery.source.name, broken)
                self.spills.extend(context.workspace.written_for(delivery.number))

    def _take(self, context: Context, read: Read, report: Report) -> None:
        here = [*self.known(report.type), *self.accepted]
        twins = {other.name for other in here if other.id == report.id}
        # A name without a date comes every day: only on the same day is it a correction.
        before = [one for one in here if (one.name, one.on) == (report.name, report.on) and one.id != report.id]
        if report.name not in twins:
            self._supersede(before)
        if twins:
            self.unchanged.append(report.name)
            self.spills.extend(context.workspace.written_for(read.delivery.number))
            return
        quarantine = merged_quarantine(context.workspace, report, read.chunks)
        self.accepted.append(dataclasses.replace(report, quarantine=quarantine))
        self.reads[report.id] = read
        self.touched.add(report.type)


    def _supersede(self, reports: Sequence[Report]) -> None:
        self.superseded.extend(reports)
        self.accepted = [report for report in self.accepted if report not in self.superseded]
        self.touched.update(report.type for report in reports)


def bits_for(rows: float, state: State | None) -> int:
    """Return into how many partitions, as a power of two, so many rows are split; never fewer than there are."""
    wanted = math.ceil(math.log2(max(rows / ROWS_PER_PARTITION, 1)))
    return min(max(wanted, (len(state.partitions) - 1).bit_length() if state else 0), MOST_BITS)


def _fold_types(
    intake: _Intake, context: Context, executor: Executor, options: Options, catalogue: Catalogue
) -> Delta:
    folds = [_TypeFold(kind, intake, context, options, catalogue) for kind in sorted(intake.touched)]
    for one in folds:
        one.respill(executor)
    tasks = [(one, partition) for one in folds for partition in range(1 << one.bits)]
    results = executor.each(lambda task: task[0].fold_partition(task[1]), tasks)
    by_type: dict[str, list[tuple[str, int, Folded]]] = defaultdict(list)
    for (one, _), result in zip(tasks, results, strict=True):
        by_type[one.type].append(result)
    deltas = tuple(one.delta(by_type[one.type]) for one in folds)
    context.workspace.checkpoint("state")
    gone = [report for report in intake.superseded if report.id not in {r.id for r in intake.accepted}]
    known = [report for report in gone if report in intake.known(report.type)]
    debris = [path for report in gone for path in (*report.parts, *filter(None, [report.quarantine]))]
    debris += [path for one in folds for path in one.debris()] + intake.spills
    return Delta(
        tuple(intake.accepted), tuple(report.id for report in known), tuple(intake.unchanged), tuple(intake.broken), deltas,
        sum(folded.duplicates for _, _, folded in results), tuple(debris),
    )


class _TypeFold:
    """One report type of a run: what is folded into what."""

    def __init__(self, kind: str, intake: _Intake, context: Context, options: Options, catalogue: Catalogue) -> None:
        self.type, self.intake, self.context, self.options = kind, intake, context, options
        self.new = [report for report in intake.accepted if report.type == kind]
        removed = {report.id: report.on for report in intake.superseded if report.type == kind}
        self.old = [report for report in intake.known(kind) if report.id not in removed]
        self.prior = catalogue.state(kind)
        self.cycles = self._cycles({record.on: record for record in catalogue.cycles(kind)}, set(removed.values()))
        rows: dict[dt.date, int] = defaultdict(int)
        for report in (*self.old, *self.new):
            rows[report.on] += report.records
        self.judged = judge(record.cycle(rows[record.on]) for record in self.cycles)
        self.counted = tuple(verdict.cycle.on for verdict in self.judged if verdict.counts)
        self.calendar = Calendar(self.counted, options.gone_after)
        self.anew = bool(removed) or not self._follows()
        self.since = dt.date.min if self.anew else self._since()
        deliveries = [intake.reads[report.id].delivery for report in self.new]
        total = sum(report.kept for report in (*self.old, *self.new))
        self.bits = deliveries[0].bits if deliveries else bits_for(total if self.anew else 0, self.prior)
        self._spills: list[tuple[Report, str, int]] = [
            (report, chunk.spill, chunk.chunk) for report in self.new for chunk in intake.reads[report.id].chunks
        ]
        self._own_spills: list[str] = []

    def _cycles(self, known: dict[dt.date, CycleRecord], removed: set[dt.date]) -> list[CycleRecord]:
        """Return the cycles of the type as they are with this run's reports, broken ones and decisions."""
        cycles = dict(known)
        for on in removed - {report.on for report in self.old}:
            # Nothing of it is left, and nobody said so of nothing: it is as open as if it had never come.
            cycles[on] = dataclasses.replace(cycles[on], closed=False, decision=Decision.NONE)
        for report in self.new:
            cycle = cycles.get(report.on, CycleRecord(self.type, report.on, closed=False))
            confirmed = self.options.accept_drop and cycle.decision is Decision.NONE
            cycles[report.on] = dataclasses.replace(
                cycle,
                closed=cycle.closed or self.options.complete,
                broken=tuple(name for name in cycle.broken if name != report.name),
                decision=Decision.CONFIRMED if confirmed else cycle.decision,
            )
        for broken in self.intake.broken:
            if broken.cycle and broken.cycle[0] == self.type:
                on = broken.cycle[1]
                cycle = cycles.get(on, CycleRecord(self.type, on, closed=False))
                cycles[on] = dataclasses.replace(cycle, broken=tuple(sorted({*cycle.broken, broken.name})))
        for (kind, on), cycle in self.intake.decided.items():
            if kind == self.type:
                cycles[on] = cycle
        return sorted(cycles.values(), key=lambda cycle: cycle.on)

    def _follows(self) -> bool:
        """Tell whether all that is new follows what was folded, under judgements that still hold."""
        if self.prior is None:
            return not self.old
        end = self.prior.folded_to
        before = tuple(on for on in self.counted if on < end)
        judged_so = before == tuple(on for on in self.prior.counted if on < end)
        return judged_so and self.prior.gone_after == self.options.gone_after and all(r.on >= end for r in self.new)

    def _since(self) -> dt.date:
        changed = set(self.counted) ^ set(self.prior.counted if self.prior else ())
        return min({report.on for report in self.new} | changed, default=dt.date.max)

    def respill(self, executor: Executor) -> None:
        """Spill the observations of older reports again, when the type is folded anew."""
        if not self.anew:
            return
        jobs = [(report, part, number) for report in self.old for number, part in enumerate(report.parts)]
        paths = executor.each(self._respill_part, list(enumerate(jobs)))
        for (report, _, _), path in zip(jobs, paths, strict=True):
            self._spills.append((report, path, -1))
            self._own_spills.append(path)

    def _respill_part(self, job: tuple[int, tuple[Report, str, int]]) -> str:
        number, (report, part, _) = job
        workspace = self.context.workspace
        columns = [*EVENT_COLUMNS, *observations.ATTRIBUTION]
        events = pq.read_table(workspace.root / part, columns=columns).cast(_EVENTS)
        path = workspace.path("spill", report.type, f"old-{number:06d}", ".arrow")
        prints = np.zeros(events.num_rows, np.uint64)
        observations.write_spill(events, path, bits=self.bits, part=-1, prints=prints)
        return workspace.relative(path)

    def fold_partition(self, partition: int) -> tuple[str, int, Folded]:
        """Fold one partition and write its state; return the file, its findings, and what came of it."""
        prior = self._prior(partition)
        rows = self._rows(partition)
        folded = fold(self.type, prior, rows, self.calendar, self.since)
        if folded.unresolved.num_rows:
            folded = fold(self.type, prior, self._resolved(rows, folded.unresolved), self.calendar, self.since)
        state = folded.state
        if self.anew:
            state = reattributed(state, self.context.claims, self.calendar.horizon)
        if not self.old and not self.new:
            return "", 0, folded
        workspace = self.context.workspace
        path = workspace.path("state", self.type, f"{partition:04d}")
        with workspace.writing(path) as temporary:
            write_state(state, temporary)
        # The caller keeps counts only: states of all partitions together may not fit into memory.
        return workspace.relative(path), state.num_rows, dataclasses.replace(folded, state=STATE_SCHEMA.empty_table())

    def _prior(self, partition: int) -> pa.Table:
        if self.prior is None or self.anew:
            return STATE_SCHEMA.empty_table()
        files = self.prior.partitions
        shift = self.bits - (len(files) - 1).bit_length()
        table = read_state(self.context.workspace.root / files[partition >> shift])
        if shift:
            mine = observations.partitions(table["k1"].to_numpy(), self.bits) == partition
            table = table.filter(pa.array(mine))
        return table

    def _rows(self, partition: int) -> pa.Table:
        tables = []
        for report, spill, _ in self._spills:
            table = observations.read_spill(self.context.workspace.root / spill, partition)
            count = table.num_rows
            if count:
                on = pa.repeat(pa.scalar(report.on, pa.date32()), count)
                word = pa.repeat(pa.scalar(report.word, pa.uint64()), count)
                tables.append(table.append_column("on", on).append_column("report", word))
        if not tables:
            return _SPILLED.empty_table()
        return pa.concat_tables(tables, promote_options="permissive").unify_dictionaries().combine_chunks()

    def _resolved(self, rows: pa.Table, unresolved: pa.Table) -> pa.Table:
        """Return the rows with fingerprints for those that may repeat a row of another chunk or file."""
        prints = rows["print"].to_numpy().copy()
        part, row = rows["part"].to_numpy(), rows["row"].to_numpy()
        asked = {(p, r) for p, r in zip(*(column.to_pylist() for column in unresolved.columns), strict=True)}
        for number in {p for p, _ in asked}:
            wanted = np.array(sorted(r for p, r in asked if p == number), np.int64)
            table = pq.read_table(self.context.workspace.root / self._part(number))
            found = observations.fingerprints(table, wanted)
            at = np.flatnonzero((part == number) & np.isin(row, wanted))
            prints[at] = found[np.searchsorted(wanted, row[at])]
        return rows.set_column(rows.column_names.index("print"), "print", pa.array(prints))

    def _part(self, number: int) -> str:
        for report in self.new:
            read = self.intake.reads[report.id]
            if read.delivery.number == number >> 16:
                return read.chunks[number & 0xFFFF].part
        raise LookupError(f"no part {number}")

    def delta(self, results: list[tuple[str, int, Folded]]) -> TypeDelta:
        """Return what changes for the type."""
        movements = pa.concat_tables([folded.movements for _, _, folded in results])
        summed = movements.group_by(["on", "label", *BY]).aggregate([("findings", "sum")])
        days = [report.on for report in (*self.old, *self.new)]
        state = State(
            self.type, tuple(path for path, _, _ in results), max(days), self.counted, self.options.gone_after,
            sum(findings for _, findings, _ in results),
        ) if days and all(path for path, _, _ in results) else None
        return TypeDelta(self.type, self.since, summed, tuple(self.cycles), tuple(self.judged), state)

    def debris(self) -> list[str]:
        """Return the files that nothing needs any more: the state before, and spills of older reports."""
        return [*(self.prior.partitions if self.prior else ()), *self._own_spills]


_EVENTS = pa.schema([*EVENT_COLUMNS.items(), *observations.ATTRIBUTION.items()])
_SPILLED = pa.schema(
    [*_EVENTS, *observations.PLACE.items(), ("on", pa.date32()), ("report", pa.uint64())]
)


def write_state(state: pa.Table, path: Path) -> None:
    """Write one partition of findings."""
    texts = [field.name for field in state.schema if pa.types.is_dictionary(field.type)]
    pq.write_table(
        state, path, compression="zstd", compression_level=1, store_schema=False,
        use_dictionary=[*texts, "port", "asn", "severity", "last_cycle", "opened_on", "label", "returns", "cycles", "count", "recent", "report"],
    )


def read_state(path: Path) -> pa.Table:
    """Read one partition of findings."""
    return pq.read_table(path).cast(STATE_SCHEMA)


__all__ = ["Broken", "Delta", "Options", "Progress", "TypeDelta", "read_state", "refold", "run", "write_state"]
