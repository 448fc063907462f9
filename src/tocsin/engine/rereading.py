"""Reports that are read again, and where what was delivered and said of them belongs now.

A better mapping changes how content is read, its type and its day; never the
order in which it came. So each delivery of it stands under the new type and day
in its old place, and what counts there is decided from all of them anew. A day
moves as a whole: what others brought for it is read again with it, and what was
said of it goes along. Else half a day would pass for all of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path

from tocsin.engine.counting import Counting, Move
from tocsin.engine.delivered import Recount, decided
from tocsin.engine.executors import Executor
from tocsin.engine.intake import Context, Delivery, Read, Recogniser, merged_quarantine
from tocsin.engine.opening import BrokenReport
from tocsin.engine.partitions import bits_for, rows_here
from tocsin.engine.replay import delivered_again, reads_again
from tocsin.engine.said import Said, What, digest_of
from tocsin.engine.setting_aside import SetAside
from tocsin.engine.store import Catalogue, CycleKey, Delivered, Key, Report
from tocsin.engine.wholeness import lost_files


class Rereading(Counting):
    """The reports of the manifest with what a run reads, and reads again."""

    def __init__(
        self, catalogue: Catalogue, recognise: Recogniser, latest: dt.date | None, come: dt.date | None
    ) -> None:
        super().__init__(catalogue, latest, come)
        self.recognise, self.latest = recognise, latest
        self.aside = SetAside(recognise, self.days.refusal)
        self.reads: dict[str, Read] = {}
        self.spills: list[str] = []
        self.shelved: list[Report] = []
        """What was read again and does not count, since something else came later under its names."""
        self.outdated: list[str] = []
        """Names of those of them that counted before."""
        self._again: dict[str, tuple[Report, Read]] = {}
        """By id, what came of reports that are of another type or day than before."""
        self._refused: list[Report] = []
        """What the mappings in force refuse."""
        self._split: dict[str, int] = {}
        self._numbered = 0

    def finished(self, context: Context, read: Read, report: Report) -> Report:
        """Return a report with all that it needs in the store."""
        return dataclasses.replace(report, quarantine=merged_quarantine(context.workspace, report, read.chunks))

    def accept(self, report: Report, read: Read) -> None:
        """Let a report count."""
        self.accepted.append(report)
        self.reads[report.id] = read
        self.touched.add(report.type)

    def is_here(self, report: Report) -> bool:
        """Tell whether a report is one that the manifest holds, be it replaced."""
        was_read = any(before.id == report.id for before, _ in self.read_as)
        return was_read or any(one.id == report.id for one in self.known(report.type))

    def read_again(
        self, reports: Sequence[Report], context: Context, executor: Executor, progress: Callable[[str, float], None]
    ) -> None:
        """Read accepted reports again. One that the mappings in force refuse stays as it is."""
        root = context.workspace.root
        self._read(reports, context, executor, progress)
        self._read(self._beside(reports, root), context, executor, progress, beside=True)
        if self.read_as:
            self._decide_anew(root)
            self._move_what_was_said()
        self._say_what_is_refused()

    def _read(
        self,
        reports: Sequence[Report],
        context: Context,
        executor: Executor,
        progress: Callable[[str, float], None],
        *,
        beside: bool = False,
    ) -> None:
        again: list[tuple[Report, Delivery]] = []
        for number, report in enumerate(reports, self._numbered):
            try:
                again.append((report, delivered_again(context.workspace, number, report, self.recognise, self.latest)))
            except BrokenReport as broken:
                self.aside.add_for((), report.name, broken)
                self._refused += [] if report.expired else [report]
        self._numbered += len(reports)
        again = self._with_bits_again(again)
        self.superseded.extend(report for report, _ in again)
        for (report, _), read in zip(again, reads_again(context, again, executor, progress), strict=True):
            self.spills.extend(chunk.spill for chunk in read.chunks)
            self._take_again(context, report, read, beside=beside)

    def _with_bits_again(self, again: Sequence[tuple[Report, Delivery]]) -> list[tuple[Report, Delivery]]:
        """Return the deliveries with the number of partitions of their type: the same for all of a run."""
        rows: defaultdict[str, int] = defaultdict(int)
        for report, delivery in again:
            rows[delivery.recognised.mapping.type] += report.records
        for kind, count in rows.items():
            if kind not in self._split:
                self._split[kind] = bits_for(count + rows_here(self.known(kind)), self.catalogue.state(kind))
        return [(r, dataclasses.replace(d, bits=self._split[d.recognised.mapping.type])) for r, d in again]

    def _beside(self, reports: Sequence[Report], root: Path) -> list[Report]:
        """Return the reports of the days that some were of and are not any more, as far as they can be read again."""
        days = {(before.type, before.on) for before, _ in self.read_as}
        tried = {report.id for report in reports}
        here = [one for kind in sorted({kind for kind, _ in days}) for one in self.here(kind)]
        of_days = [one for one in (*here, *self.catalogue.replaced(days)) if (one.type, one.on) in days]
        fit = [one for one in of_days if one.id not in tried and one.content and not one.expired]
        return [one for one in fit if not lost_files(root, one.files)]

    def _take_again(self, context: Context, before: Report, read: Read, *, beside: bool) -> None:
        if read.on is None:  # nothing of it says its day any more
            recognised = dataclasses.replace(read.delivery.recognised, on=before.on)
            read = dataclasses.replace(read, delivery=dataclasses.replace(read.delivery, recognised=recognised))
        report = dataclasses.replace(read.report(), cut=before.cut).named(before.names)
        why = self.days.refusal(before.name, report.type, report.on)
        if self.days.is_past(report.type, report.on) or (beside and report.id == before.id):
            self._leave(before, None if report.id == before.id else why, read, context)
            return
        self.touched.add(before.type)
        if report.id != before.id:
            self.read_as.append((before, report))
        is_twin = report.id in self._again or self.twin(report) is not None
        if is_twin:
            self.spills.extend(context.workspace.written_for(read.delivery.number))
        elif report.id == before.id:
            self.accept(self.finished(context, read, report), read)
        else:
            self._again[report.id] = (self.finished(context, read, report), read)

    def _leave(self, before: Report, why: BrokenReport | None, read: Read, context: Context) -> None:
        """Let a report that was read again stay as it was."""
        if why:
            self.aside.add_for((), before.name, why)
        self.superseded.remove(before)
        self.spills.extend(context.workspace.written_for(read.delivery.number))

    def _decide_anew(self, root: Path) -> None:
        """Decide what counts on the days that reports were of, and on those that they are of now."""
        read_as = {before.id: report for before, report in self.read_as}
        days = {(one.type, one.on) for each in self.read_as for one in each}
        self.touched.update(kind for kind, _ in days)
        keys: set[Key] = set()
        left: list[Delivered] = []
        for one in self.catalogue.delivered(days):
            if report := read_as.get(one.report):
                keys.add(one.key)
                one = Delivered(report.type, report.on, one.name, report.id)
                keys.add(one.key)
            left.append(one)
        here = {one.id: one for kind in {kind for kind, _ in days} for one in self.here(kind)}
        kept = {one.id: one for one in self.catalogue.replaced(days) if one.id not in read_as}
        again = {name: report for name, (report, _) in self._again.items()}
        self._recount_read(decided(keys, left, here, kept | again, lambda one: self._is_whole(one, root)))

    def _is_whole(self, report: Report, root: Path) -> bool:
        return report.id in self._again or not lost_files(root, report.files)

    def _recount_read(self, changed: Recount) -> None:
        """Take over what counts now, of what was read again and of what was here."""
        fresh = {report.id for report in self.accepted}
        for report in changed.renamed:
            self.rename(self.twin(report) or report, report.names)
        for report in changed.gone:
            if report.id in fresh:  # read again as what it was, under a name that is another's now
                self.accepted.remove(report)
                self.shelved.append(report)
                self.outdated.append(report.name)
            else:
                self.replaced.add(report.id)
                self.supersede([report])
        for report in changed.restored:
            if report.id in self._again:
                self.accept(report, self._again.pop(report.id)[1])
            else:
                self.restored.append(report)
                self.touched.add(report.type)
        self.shelved.extend(report for report, _ in self._again.values())
        counted = {one.id for before, one in self.read_as if before in self.known(before.type)}
        self.outdated.extend(report.name for report, _ in self._again.values() if report.id in counted)

    def _move_what_was_said(self) -> None:
        """Let what was said of days go with their reports: of a day that still has some, it is said of both.

        That it is complete is so of that alone of which the run brought something that said it.
        """
        went: defaultdict[CycleKey, set[CycleKey]] = defaultdict(set)
        for before, report in self.read_as:
            went[before.type, before.on].add((report.type, report.on))
        said: list[Said] = []
        for day in sorted(went):
            afters = sorted(went[day])
            if any(report.on == day[1] for report in self.here(day[0])):
                afters.insert(0, day)
            first, *others = (self._move(day, after, set(afters)) for after in afters)
            if first.after != day or first.silent:
                self.moves.append(first)
            told = [one for one in self.catalogue.said(day[0]) if one.on == day[1]]
            said += [move.of(one) for move in others for one in told if move.takes(one)]
        for kind in sorted({kind for kind, _ in went}):
            self._move_the_rest(kind, {after for day, afters in went.items() if day[0] == kind for after, _ in afters})
        stood = self.said_so_far(*{one.type for one in said})
        self.said.extend(one for one in dict.fromkeys(said) if one not in stood)

    def _say_what_is_refused(self) -> None:
        """Say of days, as their runs would now, that they lack what the mappings refuse; and that what they lacked so
        has come, since it is read."""
        read, refused = {before.id for before, _ in self.read_as}, {report.id: report for report in self._refused}
        days = {(one.type, one.on) for one in (*(before for before, _ in self.read_as), *self._refused)}
        for one in self.catalogue.delivered(days) if days else ():
            if one.report in refused:
                lacking = self._days_without(refused[one.report], one.name)
                self._say_anew(Said(kind, on, What.LACKS, one.name, one.run) for kind, on in lacking)
            elif one.report in read:
                awaited = (cycle for cycle in self.unfinished() if one.name in cycle.broken)
                lacked = [Said(cycle.type, cycle.on, What.LACKS, one.name, one.run) for cycle in awaited]
                stood = self.said_so_far(*{each.type for each in lacked})
                self._say_anew(dataclasses.replace(each, what=What.CAME) for each in lacked if each in stood)

    def _days_without(self, refused: Report, name: str) -> list[CycleKey]:
        """Return days with reports that a refused one is of now: by its name, or as others of its day are."""
        before, named = (refused.type, refused.on), self.recognise.cycle_of(name)
        went = {(after.type, after.on) for one, after in self.read_as if (one.type, one.on) == before}
        days = {named} if named else {day for day in went if day[0] == self.recognise.type_of(name)}
        here = {(one.type, one.on) for kind in {kind for kind, _ in days} for one in self.here(kind)}
        return sorted(day for day in (days & here) - {before} if not self.days.is_past(*day))

    def _say_anew(self, said: Iterable[Said]) -> None:
        """Say what was not the last that was said of a file."""
        for one in said:
            told = [each for each in self.said_so_far(one.type) if dataclasses.replace(each, what=one.what) == one]
            if told[-1:] != [one]:
                self.say([one])

    def _move(self, day: CycleKey, after: CycleKey, afters: Set[CycleKey]) -> Move:
        reports = [report for report in self.known(day[0]) if report.on == day[1]]
        brought = {run: days & afters for run, days in self._brought(day).items()}
        silent = frozenset(run for run, days in brought.items() if days and after not in days)
        return Move(day, after, digest_of(one.id for one in reports), digest_of(one.what for one in reports), silent)

    def _brought(self, day: CycleKey) -> dict[int, set[CycleKey]]:
        """Return by run the days that what it brought of one is of now."""
        read_as = {before.id: (report.type, report.on) for before, report in self.read_as}
        brought: defaultdict[int, set[CycleKey]] = defaultdict(set)
        for one in self.catalogue.delivered({day}):
            brought[one.run].add(read_as.get(one.report, day))
        return brought

    def _move_the_rest(self, kind: str, after: set[str]) -> None:
        """Let what was said of days without reports go along where all that was left of a type is another now.

        Those of days that are no longer kept cannot be read again: they hold nothing back.
        """
        left = (one for one in self.here(kind) if not self.days.is_past(kind, one.on))
        if any(left) or len(after) > 1 or kind in after:
            return
        (other,) = after
        moved = {move.before for move in self.moves}
        for on in sorted({one.on for one in self.catalogue.said(kind)}):
            if (kind, on) not in moved and not (self.days.is_past(kind, on) or self.days.is_past(other, on)):
                self.moves.append(Move((kind, on), (other, on)))
