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
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import pyarrow as pa

from tocsin.engine import copies
from tocsin.engine.beside import NOTHING, Beside
from tocsin.engine.claims import Claims
from tocsin.engine.counting import Move
from tocsin.engine.cycles import Calendar, Judged
from tocsin.engine.delivered import ReadAs, Recount
from tocsin.engine.duplicates import NONE, count
from tocsin.engine.executors import Executor
from tocsin.engine.fold import BY, MOVEMENTS
from tocsin.engine.intake import (
    Context,
    Delivery,
    NothingToRead,
    Read,
    Recogniser,
    deliver,
    digest_of,
    part_number,
)
from tocsin.engine.opening import BrokenReport, Source, Spot, held, plain_name
from tocsin.engine.partitions import bits_for, rows_here
from tocsin.engine.reduce import FoldTask, Reduced, RespillTask, Spill, fold_partition, respill
from tocsin.engine.rereading import Rereading
from tocsin.engine.said import Said
from tocsin.engine.setting_aside import Broken
from tocsin.engine.store import Catalogue, CycleKey, CycleRecord, Delivered, Report, State, judged
from tocsin.engine.wholeness import lost_files
from tocsin.kernel.memory import give_back
from tocsin.kernel.names import readable

_TOGETHER = 32
"""Partitions that are folded before what may be copies in them is looked at: in memory until then, 32 bytes a row."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How a run is to be done."""

    gone_after: int = 3
    complete: bool = True
    """The cycles in these files are complete; otherwise more of them will come."""
    accept_drop: bool = False
    """Cycles of this run against which anything speaks are confirmed in advance."""
    as_before: bool = False
    """A type that was folded before keeps the `gone_after` of then."""
    latest: dt.date | None = None
    """The last day that a report may be of; None for any. It follows from the instant of the import, and so does not
    change when reports are folded or read again."""
    come: dt.date | None = None
    """The last day that has come; None for any. One that lies ahead makes nothing go gone until then."""


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
    """Ids of reports that a correction replaces, that are withdrawn, or that were read again as others."""
    unchanged: tuple[str, ...]
    """Names of deliveries that were here already."""
    broken: tuple[Broken, ...]
    types: tuple[TypeDelta, ...]
    duplicates: int
    debris: tuple[str, ...]
    """Files that nothing needs once this is committed."""
    renamed: tuple[Report, ...] = ()
    """Reports that counted before and go on, under other names than before."""
    replaced: tuple[str, ...] = ()
    """Ids of the superseded whose files stay: they may count again when what came in their place is taken back."""
    restored: tuple[Report, ...] = ()
    """Reports that count again, since what came in their place is withdrawn."""
    passed_over: tuple[str, ...] = ()
    """Places of what lies beside reports in archives and by its name is none."""
    said: tuple[Said, ...] = ()
    """What the run says of days, in this order."""
    came: tuple[Delivered, ...] = ()
    """What the run delivered: what did not count before under these names."""
    read_as: tuple[ReadAs, ...] = ()
    """Reports that were read again as others: who delivered the one under such a name delivered the other."""
    shelved: tuple[Report, ...] = ()
    """Reports that were read again and do not count: what came later under their names does."""
    outdated: tuple[str, ...] = ()
    """Names of those of them that counted before."""
    emptied: tuple[CycleKey, ...] = ()
    """Days all of whose reports were taken back: that a person closed them is forgotten with these."""
    moves: tuple[Move, ...] = ()
    """Of which day is now what was said of another."""


Progress = Callable[[str, float], None]
"""Called with a report's name and the share of the run's bytes that is done."""


def run(
    paths: Sequence[Path],
    *,
    catalogue: Catalogue,
    context: Context,
    recognise: Recogniser,
    executor: Executor,
    options: Options,
    progress: Progress = lambda _name, _share: None,
    beside: Beside = NOTHING,
) -> Delta:
    """Read report files and fold them into what is known."""
    intake = _Intake(catalogue, recognise, options, beside)
    intake.look_at(paths, context.workspace.root)
    intake.read(context, executor, progress)
    return _fold_types(intake, context, executor, options, catalogue)


def refold(
    types: Iterable[str],
    *,
    catalogue: Catalogue,
    context: Context,
    executor: Executor,
    options: Options,
    recount: Recount | None = None,
    said: Sequence[Said] = (),
    untrue: Collection[int] = (),
    anew: bool = False,
) -> Delta:
    """Bring types up to date after deliveries were taken back and what `untrue` runs said, or a person said something.

    `anew` folds them from their observations though nothing has changed, and does without those of their states that
    are lost: what is lost with them is who held gone findings that had changed hands.
    """
    intake = _Intake(catalogue, NothingToRead(), options)
    if anew:
        intake.fold_anew(types, context.workspace.root)
    intake.recount(recount or Recount())
    intake.touched.update(types)
    intake.untrue = untrue
    intake.say(said)
    return _fold_types(intake, context, executor, options, catalogue)


def replay(
    reports: Sequence[Report],
    *,
    catalogue: Catalogue,
    context: Context,
    recognise: Recogniser,
    executor: Executor,
    options: Options,
    progress: Progress = lambda _name, _share: None,
) -> Delta:
    """Read accepted reports again under the mappings now in force, from what was kept of them, and fold anew.

    Where one turns out to be of another type or day, all of the day that it was of is read again.
    """
    intake = _Intake(catalogue, recognise, options)
    intake.read_again(reports, context, executor, progress)
    return _fold_types(intake, context, executor, options, catalogue)


class _Intake(Rereading):
    """The deliveries of a run, sorted into accepted, unchanged and broken."""

    def __init__(self, catalogue: Catalogue, recognise: Recogniser, options: Options, beside: Beside = NOTHING) -> None:
        super().__init__(catalogue, recognise, options.latest, options.come, beside)
        self.options = options
        self.deliveries: list[Delivery] = []
        self.unchanged: list[str] = []
        self.passed_over: list[str] = []
        self.anew: set[str] = set()
        """Types that are folded anew whatever came."""
        self.lost: frozenset[str] = frozenset()
        """Files of their states that cannot be read."""
        self._folders: dict[str, set[Path]] = defaultdict(set)
        """By name: the folders and archives of the call in which there are reports of that name."""
        self._names: dict[str, tuple[str, ...]] = {}
        """Of reports that were here and are lost, by id."""
        self._delivered: dict[tuple[str, str, dt.date], str] = {}
        """By type, name and day: the id of what this run delivers. A second one of other content corrects nothing."""

    def fold_anew(self, types: Iterable[str], root: Path) -> None:
        """Have types folded from their observations, without those of their states in `root` that are lost."""
        self.anew.update(types)
        states = [state for kind in sorted(self.anew) if (state := self.catalogue.state(kind))]
        self.lost = lost_files(root, [path for state in states for path in state.partitions])

    def look_at(self, paths: Sequence[Path], root: Path) -> None:
        """Find out what was delivered, and set aside what cannot be read or was here before.

        What was here before and is lost in the store `root` comes as if it had not been.
        """
        for number, source in enumerate(self._found(paths)):
            try:
                delivery = deliver(number, source, self.recognise, self.options.latest)
            except BrokenReport as broken:
                if self.beside.delivers(source):
                    self._set_aside(source, broken)
                else:  # it was taken in, under other mappings
                    self.unchanged.append(source.name)
                continue
            if not self.beside.delivers(source):
                self._came_again(source, delivery)
                self.unchanged.append(source.name)
                continue
            known = self._known_as(delivery)
            if known and lost_files(root, known.files):
                self.superseded.append(known)
                self._names[known.id] = known.names
                self.fold_anew((known.type,), root)
                known = None
            if known:
                self._delivered[known.type, source.name, known.on] = known.id
                self._came(source, known)
                self.places[known.type, known.on, source.place] = False
                self.unchanged.append(source.name)
            elif copies.is_here(delivery, self.catalogue):
                self.unchanged.append(source.name)
            elif refusal := self.days.refusal(source.called, delivery.recognised.mapping.type, delivery.recognised.on):
                self.aside.add_refused(source.name, refusal, source.spot)
            else:
                self.deliveries.append(delivery)
        copied = copies.among(self.deliveries)
        self.unchanged += [one.source.name for one in copied]
        self.deliveries = [one for one in self._with_bits() if one.number not in {copy.number for copy in copied}]

    def _found(self, paths: Sequence[Path]) -> list[Source]:
        """Return the reports in files, and set aside of which that cannot be said."""
        found: list[Source] = []
        for path in paths:
            try:
                in_file = held(path, self.recognise.is_no_report)
            except BrokenReport as broken:
                self.aside.add(readable(path.name), broken, Spot(path))
                continue
            found.extend(in_file.reports)
            self.passed_over.extend(in_file.passed_over)
        for source in found:
            if not self.beside.holds(source):
                self._folders[source.name].add(source.path if source.member else source.path.parent)
        return found

    def _set_aside(self, source: Source, broken: BrokenReport) -> None:
        file = source.name if source.member else readable(source.path.name)
        place = source.place if len(self._folders[source.name]) > 1 else ""
        self.aside.add(file, broken, source.spot, place=place)

    def _came(self, source: Source, report: Report) -> None:
        """Note the names of a report that was read: its own, and those of its archive."""
        if self.days.is_past(report.type, report.on):  # what is settled waits for nothing
            return
        self.brought.add((report.type, report.on))
        self.contents.add((report.type, report.on, report.content))
        archive = readable(source.path.name)
        for name in {report.name, source.name, *((archive, plain_name(archive)) if source.member else ())}:
            self.arrive(report.type, report.on, name)

    def _came_again(self, source: Source, delivery: Delivery) -> None:
        """Note that the archive of a member can be read: what waited for a part of it has it, or has had it."""
        recognised, archive = delivery.recognised, readable(source.path.name)
        if on := recognised.on:
            for name in (archive, plain_name(archive)):
                self.arrive(recognised.mapping.type, on, name)

    def _known_as(self, delivery: Delivery) -> Report | None:
        """Return what a delivery is here as already, reading it only when name and size say that it may be."""
        reports = self.known(delivery.recognised.mapping.type)
        namesakes = [r for r in reports if delivery.source.name in r.names and r.size == delivery.size]
        if not (delivery.recognised.on or delivery.recognised.mapping.roles.time):
            # A list without days is of the day it was changed last: what it held days ago it may hold again.
            namesakes = [r for r in namesakes if r.on == delivery.stand_in.date()]
        if self.days.is_past(delivery.recognised.mapping.type, delivery.recognised.on):
            namesakes = [r for r in reports if r.on == delivery.recognised.on]  # under whichever name it came
        if not namesakes:
            return None
        try:
            read = Read(delivery, digest_of(delivery.source), ())
        except BrokenReport:
            return None
        return next((report for report in namesakes if read.identity(report.on) == report.id), None)

    def _with_bits(self) -> list[Delivery]:
        """Return the deliveries with the number of partitions that the rows to be folded of their type need."""
        rows: dict[str, float] = defaultdict(float)
        for delivery in self.deliveries:
            rows[delivery.recognised.mapping.type] += delivery.rows()
        bits = {kind: self._bits(kind, count) for kind, count in rows.items()}
        return [dataclasses.replace(d, bits=bits[d.recognised.mapping.type]) for d in self.deliveries]

    def _bits(self, kind: str, rows: float) -> int:
        state = self.catalogue.state(kind)
        known = rows_here(self.known(kind)) if state else 0
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
                self._set_aside(delivery.source, outcome)
                self.spills.extend(context.workspace.written_for(delivery.number))
                continue
            self.spills.extend(chunk.spill for chunk in outcome.chunks)
            try:
                report = outcome.report()
            except BrokenReport as broken:
                self._set_aside(delivery.source, broken)
                self.spills.extend(context.workspace.written_for(delivery.number))
                continue
            if refusal := self._refusal(outcome, report, delivery.source):
                self.aside.add_refused(delivery.source.name, refusal, delivery.source.spot)
                self.spills.extend(context.workspace.written_for(delivery.number))
            elif self._is_namesake(report):
                self.aside.add_namesake((report.type, report.on), delivery.source, report.content)
                self.spills.extend(context.workspace.written_for(delivery.number))
            else:
                self._came(delivery.source, report)
                self.places[report.type, report.on, delivery.source.place] = not self.twin(report)
                self._take(context, outcome, report)
        self.aside.place(self.may_lack())
        self._say()

    def _say(self) -> None:
        """Say what this run says of the days of its files."""
        self.judge_what_has_come()
        self.say_what_came()
        if self.options.complete:
            self.say_complete()
        self.say_what_lacks(self.aside.broken)
        if self.options.accept_drop:
            self.say_confirmed()

    def _refusal(self, read: Read, report: Report, source: Source) -> BrokenReport | None:
        """Return what speaks against the day of a report that was not here before."""
        if any(known.id == report.id for known in self.known(report.type)):
            return None
        return self.days.refusal(source.called, report.type, report.on) or read.misdated

    def _is_namesake(self, report: Report) -> bool:
        """Tell whether this run delivers another report of the same name and day; note this one if not."""
        return self._delivered.setdefault((report.type, report.name, report.on), report.id) != report.id

    def _take(self, context: Context, read: Read, report: Report) -> None:
        if twin := self.twin(report):
            if not self.days.is_past(report.type, report.on):  # what is settled keeps its names
                if report.name not in twin.names:
                    self.deliver(report, report.name)
                self.correct(report)
                self.rename(twin, (*twin.names, report.name))
            self.unchanged.append(report.name)
            self.spills.extend(context.workspace.written_for(read.delivery.number))
        else:
            self._accept(context, read, report)

    def _accept(self, context: Context, read: Read, report: Report) -> None:
        """Let a report count, in the place of those that it corrects."""
        self.correct(report)
        self.deliver(report, report.name)
        whole = self.finished(context, read, report)
        self.accept(whole.named({*report.names, *self._names.get(report.id, ())}), read)

    def parts(self) -> dict[int, str]:
        """Return the observations of this run by part number."""
        chunks = (chunk for read in self.reads.values() for chunk in read.chunks)
        return {part_number(chunk.delivery, chunk.chunk): chunk.part for chunk in chunks}


def _fold_types(intake: _Intake, context: Context, executor: Executor, options: Options, catalogue: Catalogue) -> Delta:
    folds = [_TypeFold(kind, intake, context.claims, options, catalogue) for kind in sorted(intake.touched)]
    workspace = context.workspace
    for one in folds:
        one.add_spills(executor.each(respill, workspace, one.respill_tasks()))
    # The largest first: what is folded last should be over soon.
    tasks = [task for one in sorted(folds, key=lambda one: -one.rows) for task in one.tasks()]
    by_type: dict[str, list[Reduced]] = defaultdict(list)
    duplicates = 0
    for first in range(0, len(tasks), _TOGETHER):
        some = tasks[first : first + _TOGETHER]
        _give_back()
        reduced = executor.each(fold_partition, workspace, some)
        _give_back()
        twins = [result.twins for result in reduced]
        duplicates += sum(result.duplicates for result in reduced)
        duplicates += count(executor, workspace, twins, intake.parts())
        for task, result in zip(some, reduced, strict=True):
            by_type[task.type].append(dataclasses.replace(result, twins=NONE))
    deltas = tuple(one.delta(by_type[one.type]) for one in folds)
    workspace.checkpoint("state")
    current = {report.id for report in (*intake.accepted, *intake.shelved)}
    gone = [report for report in intake.superseded if report.id not in current]
    replaced = intake.replaced - current
    debris = [path for report in intake.superseded if report.id not in replaced for path in report.files]
    debris += [path for one in folds for path in one.debris()] + intake.spills
    return Delta(
        accepted=tuple(intake.accepted),
        superseded=tuple(report.id for report in gone if intake.is_here(report)),
        unchanged=tuple(intake.unchanged),
        broken=tuple(intake.aside.broken),
        types=deltas,
        duplicates=duplicates,
        debris=tuple(debris),
        renamed=tuple(one for one in intake.renamed.values() if one.id not in {r.id for r in intake.superseded}),
        replaced=tuple(sorted(replaced)),
        restored=tuple(intake.restored),
        passed_over=tuple(intake.passed_over),
        said=tuple(intake.said),
        came=tuple(intake.came),
        read_as=tuple(intake.read_as),
        shelved=tuple(intake.shelved),
        outdated=tuple(intake.outdated),
        emptied=tuple(intake.emptied),
        moves=tuple(intake.moves),
    )


def _give_back() -> None:
    """Give back what one stage needed, before the next: else the peak of a run is the sum of its stages."""
    pa.default_memory_pool().release_unused()
    give_back()


class _TypeFold:
    """One report type of a run: what is folded into what."""

    def __init__(self, kind: str, intake: _Intake, claims: Claims, options: Options, catalogue: Catalogue) -> None:
        self.type, self.intake, self.claims, self.options = kind, intake, claims, options
        self.new = [report for report in intake.accepted if report.type == kind]
        removed = {report.id for report in intake.superseded if report.type == kind}
        self.old = [intake.renamed.get(one.id, one) for one in intake.known(kind) if one.id not in removed]
        self.old += [one for one in intake.restored if one.type == kind]
        self.prior = catalogue.state(kind)
        self.gone_after = self.prior.gone_after if options.as_before and self.prior else options.gone_after
        self.cycles = intake.all_cycles(kind)
        self.judged = judged(self.cycles, (*self.old, *self.new), options.come)
        self.counted = tuple(verdict.cycle.on for verdict in self.judged if verdict.counts)
        self.calendar = Calendar(self.counted, self.gone_after)
        is_altered = bool(removed) or any(one.type == kind for one in intake.restored)
        self.anew = is_altered or kind in intake.anew or not self._follows()
        self.baseline = intake.days.baseline(kind)
        self.since = self._beginning() if self.anew else self._since()
        self.reads = [(report, intake.reads[report.id]) for report in self.new]
        self.rows = rows_here((*self.new, *(self.old if self.anew else ())))
        self.bits = self.reads[0][1].delivery.bits if self.reads else bits_for(self.rows, self.prior)
        self._old_spills: list[Spill] = []
        self._empty: list[str] = []

    def _follows(self) -> bool:
        """Tell whether all that is new follows what was folded, under judgements that still hold."""
        if self.prior is None:
            return not self.old
        end = self.prior.folded_to
        before = tuple(on for on in self.counted if on < end)
        judged_so = before == tuple(on for on in self.prior.counted if on < end)
        same_rule = self.prior.gone_after == self.gone_after
        if self.prior.handed_over and self._since() <= end:
            return False  # a day that came in part before is counted once more, and the state forgot whose it was then
        return judged_so and same_rule and all(report.on >= end for report in self.new)

    def _beginning(self) -> dt.date:
        """Return the first day whose movements can be counted anew."""
        return self.baseline.kept_from if self.baseline else dt.date.min

    def _since(self) -> dt.date:
        changed = set(self.counted) ^ set(self.prior.counted if self.prior else ())
        return min({report.on for report in self.new} | changed, default=dt.date.max)

    def respill_tasks(self) -> list[RespillTask]:
        """Return what must be spilled again: the parts of older reports, when the type is folded anew."""
        parts = [part for report in self.old for part in report.parts] if self.anew else []
        return [RespillTask(number, self.type, part, self.bits) for number, part in enumerate(parts)]

    def add_spills(self, paths: Sequence[str]) -> None:
        """Take the spills of `respill_tasks`."""
        owners = [report for report in self.old for _ in report.parts] if self.anew else []
        self._old_spills = [Spill(path, r.on, r.word) for r, path in zip(owners, paths, strict=True)]

    def tasks(self) -> list[FoldTask]:
        """Return a task for each partition; none when there is nothing to fold and never was."""
        if not (self.reads or self.old or self.prior):
            return []
        new = [Spill(chunk.spill, report.on, report.word) for report, read in self.reads for chunk in read.chunks]
        whole = FoldTask(
            type=self.type,
            partition=0,
            bits=self.bits,
            prior=self._prior_files(),
            spills=(*self._old_spills, *new),
            calendar=self.calendar,
            since=self.since,
            claims=self.claims if self.anew else None,
            baseline=self.baseline.partitions if self.baseline else (),
        )
        return [dataclasses.replace(whole, partition=partition) for partition in range(1 << self.bits)]

    def _prior_files(self) -> tuple[str, ...]:
        """Return where the findings stand that were known; empty for a file that is lost."""
        files = self.prior.partitions if self.prior else ()
        return tuple("" if file in self.intake.lost else file for file in files)

    def delta(self, results: Sequence[Reduced]) -> TypeDelta:
        """Return what changes for the type."""
        state, movements = None, MOVEMENTS.empty_table()
        if results:
            movements = pa.concat_tables([result.movements for result in results])
        days = [report.on for report in (*self.old, *self.new)]
        if results and days:
            state = State(
                type=self.type,
                partitions=tuple(result.path for result in results),
                folded_to=max(days),
                counted=self.counted,
                gone_after=self.gone_after,
                findings=sum(result.findings for result in results),
            )
        elif results:  # nothing of the type is left: its state is no state
            self._empty = [result.path for result in results]
        summed = movements.group_by(["on", "label", *BY]).aggregate([("findings", "sum")])
        return TypeDelta(self.type, self.since, summed, tuple(self.cycles), tuple(self.judged), state)

    def debris(self) -> list[str]:
        """Return the files that nothing needs any more: the state before, and spills of older reports."""
        return [
            *(self.prior.partitions if self.prior else ()),
            *(spill.path for spill in self._old_spills),
            *self._empty,
        ]


__all__ = ["NOTHING", "Beside", "Broken", "Delta", "Options", "Progress", "TypeDelta", "refold", "replay", "run"]
