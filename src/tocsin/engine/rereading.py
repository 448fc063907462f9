"""Reports that are read again, and where what was delivered and said of them belongs now.

A better mapping changes how content is read, its type and its day; never the
order in which it came. So each delivery of it, recognised by its own name, stands
under the new type and day in its old place, and what counts there is decided from
all of them anew. A day moves as a whole: what others brought for it is read again
with it, and what was said of it goes along. Else half a day would pass for all of
it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from pathlib import Path

from tocsin.engine.beside import NOTHING, Beside
from tocsin.engine.counting import Counting, Move
from tocsin.engine.delivered import ReadAs, Recount, decided, read_now
from tocsin.engine.executors import Executor
from tocsin.engine.intake import Context, Delivery, Read, Recogniser, merged_quarantine
from tocsin.engine.opening import BrokenReport
from tocsin.engine.partitions import bits_for, rows_here
from tocsin.engine.replay import delivered_again, reads_again
from tocsin.engine.said import Said, What, digest_of
from tocsin.engine.setting_aside import SetAside
from tocsin.engine.store import Catalogue, CycleKey, Delivered, Key, Report
from tocsin.engine.wholeness import lost_files


@dataclasses.dataclass(frozen=True)
class Again:
    """A report that is about to be read again, as what it is by some of its names."""

    before: Report
    names: frozenset[str]
    delivery: Delivery


class Rereading(Counting):
    """The reports of the manifest with what a run reads, and reads again."""

    def __init__(
        self,
        catalogue: Catalogue,
        recognise: Recogniser,
        latest: dt.date | None,
        come: dt.date | None,
        beside: Beside = NOTHING,
    ) -> None:
        super().__init__(catalogue, latest, come)
        self.recognise, self.latest, self.beside = recognise, latest, beside
        self.aside = SetAside(recognise, self.days.refusal, beside)
        self.reads: dict[str, Read] = {}
        self.spills: list[str] = []
        self.shelved: list[Report] = []
        """What was read again and does not count, since something else came later under its names."""
        self.outdated: list[str] = []
        """Names of those of them that counted before."""
        self._again: dict[str, tuple[Report, Read]] = {}
        """By id, what came of reports that are of another type or day than before."""
        self._refused: dict[tuple[str, str], Report] = {}
        """What the mappings in force refuse, by id and name."""
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
        was_read = any(one.before.id == report.id for one in self.read_as)
        return was_read or any(one.id == report.id for one in self.known(report.type))

    def read_again(
        self, reports: Sequence[Report], context: Context, executor: Executor, progress: Callable[[str, float], None]
    ) -> None:
        """Read reports again. What the mappings in force refuse stays as it is, and so does one that does not count
        and is what it was."""
        root = context.workspace.root
        known = {one.id for kind in {report.type for report in reports} for one in self.known(kind)}
        self._read([report for report in reports if report.id in known], context, executor, progress)
        others = [report for report in reports if report.id not in known]
        self._read(_readable(others, root), context, executor, progress, beside=True)
        self._read(self._beside(reports, root), context, executor, progress, beside=True)
        if self.read_as:
            self._decide_anew(context)
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
        names = self._names_of(reports)
        again = self._with_bits_again(
            [one for each in reports for one in self._by_names(each, names[each.id], context)]
        )
        pairs = [(one.before, one.delivery) for one in again]
        stay = {name for name, _ in self._refused}
        taken: dict[str, Report] = {}
        for one, read in zip(again, reads_again(context, pairs, executor, progress), strict=True):
            self.spills.extend(chunk.spill for chunk in read.chunks)
            if not self._take_again(context, one, read, beside=beside):
                stay.add(one.before.id)
            taken[one.before.id] = one.before
        fresh = {report.id for report in self.accepted}
        self.superseded.extend(one for one in taken.values() if one.id in fresh or one.id not in stay)

    def _names_of(self, reports: Sequence[Report]) -> dict[str, list[str]]:
        """Return under which names each report came, those first by which it counts: by each it is recognised alone."""
        came: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.catalogue.delivered({(report.type, report.on) for report in reports}) if reports else ():
            came[one.report].add(one.name)
        return {
            report.id: sorted(came[report.id] or report.names, key=lambda name: (name not in report.names, name))
            if report.content and not report.expired
            else [report.name]
            for report in reports
        }

    def _by_names(self, report: Report, names: Sequence[str], context: Context) -> list[Again]:
        """Return what a report is now by its names: one for all that say the same of it."""
        found: dict[tuple[str, dt.date | None], Again] = {}
        for name in names:
            self._numbered += 1
            called = dataclasses.replace(report, name=name)
            try:
                delivery = delivered_again(context.workspace, self._numbered, called, self.recognise, self.latest)
            except BrokenReport as broken:
                self.aside.add_refused(name, broken)
                self._refused |= {} if report.expired else {(report.id, name): report}
                continue
            is_of = (delivery.recognised.mapping.type, delivery.recognised.on)
            same = found.get(is_of, Again(report, frozenset(), delivery))
            found[is_of] = dataclasses.replace(same, names=same.names | {name})
        return list(found.values())

    def _with_bits_again(self, again: Sequence[Again]) -> list[Again]:
        """Return the deliveries with the number of partitions of their type: the same for all of a run."""
        rows: defaultdict[str, int] = defaultdict(int)
        for one in again:
            rows[one.delivery.recognised.mapping.type] += one.before.records
        for kind, count in rows.items():
            if kind not in self._split:
                self._split[kind] = bits_for(count + rows_here(self.known(kind)), self.catalogue.state(kind))
        split = [(one, self._split[one.delivery.recognised.mapping.type]) for one in again]
        return [dataclasses.replace(one, delivery=dataclasses.replace(one.delivery, bits=bits)) for one, bits in split]

    def _beside(self, reports: Sequence[Report], root: Path) -> list[Report]:
        """Return the reports of the days that some were of and are not any more, as far as they can be read again."""
        days = {(one.before.type, one.before.on) for one in self.read_as}
        tried = {report.id for report in reports}
        here = [one for kind in sorted({kind for kind, _ in days}) for one in self.here(kind)]
        of_days = [one for one in (*here, *self.catalogue.replaced(days)) if (one.type, one.on) in days]
        return _readable([one for one in of_days if one.id not in tried], root)

    def _take_again(self, context: Context, again: Again, read: Read, *, beside: bool) -> bool:
        """Take what came of a report, and tell whether it is that now; else it stays as it was."""
        before = again.before
        if read.on is None:  # nothing of it says its day any more
            recognised = dataclasses.replace(read.delivery.recognised, on=before.on)
            read = dataclasses.replace(read, delivery=dataclasses.replace(read.delivery, recognised=recognised))
        report = dataclasses.replace(read.report(), cut=before.cut)
        is_same = report.id == before.id
        why = self.days.refusal(report.name, report.type, report.on)
        if self.days.is_past(report.type, report.on) or (beside and is_same):
            if why and not is_same:
                self.aside.add_refused(report.name, why)
            self._forget(read, context)
            return False
        self.touched.add(before.type)
        if not is_same:
            self.read_as.append(ReadAs(before, report, again.names))
        if is_same and report.id not in self.reads:
            self.accept(self.finished(context, read, report.named(before.names)), read)
        elif is_same or report.id in self._again:
            self._forget(read, context)
        else:
            self._again[report.id] = (report, read)
        return True

    def _forget(self, read: Read, context: Context) -> None:
        """Let nothing be kept of what was read."""
        self.spills.extend(context.workspace.written_for(read.delivery.number))

    def _decide_anew(self, context: Context) -> None:
        """Decide what counts on the days that reports were of, and on those that they are of now."""
        now = read_now(self.read_as)
        days = {(report.type, report.on) for one in self.read_as for report in (one.before, one.after)}
        self.touched.update(kind for kind, _ in days)
        keys: set[Key] = set()
        left: list[Delivered] = []
        for one in self.catalogue.delivered(days):
            if report := now.get((one.report, one.name)):
                keys.add(one.key)
                one = Delivered(report.type, report.on, one.name, report.id)
                keys.add(one.key)
            left.append(one)
        here = {one.id: one for kind in {kind for kind, _ in days} for one in self.here(kind)}
        kept = {one.id: one for one in self.catalogue.replaced(days)}
        self._finish_again(here, context)
        again = {name: report for name, (report, _) in self._again.items()}
        root = context.workspace.root
        self._recount_read(decided(keys, left, here, kept | again, lambda one: self._is_whole(one, root)))

    def _finish_again(self, here: Collection[str], context: Context) -> None:
        """Have all in the store of what was read again, but of what is here as that already."""
        for name, (report, read) in list(self._again.items()):
            if name in here:
                self._forget(self._again.pop(name)[1], context)
            else:
                self._again[name] = (self.finished(context, read, report), read)

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
        counting = {one.id for before in {each.before.type for each in self.read_as} for one in self.known(before)}
        # Not by a name that was another's already.
        counted = {
            one.after.id for one in self.read_as if one.before.id in counting and one.names & {*one.before.names}
        }
        self.outdated.extend(report.name for report, _ in self._again.values() if report.id in counted)

    def _move_what_was_said(self) -> None:
        """Let what was said of days go with their reports: of a day that still has some, it is said of both.

        That it is complete is so of that alone of which the run brought something that said it.
        """
        went: defaultdict[CycleKey, set[CycleKey]] = defaultdict(set)
        for each in self.read_as:
            went[each.before.type, each.before.on].add((each.after.type, each.after.on))
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
        read = read_now(self.read_as)
        days = {(one.type, one.on) for one in (*(one.before for one in self.read_as), *self._refused.values())}
        for one in self.catalogue.delivered(days) if days else ():
            if refused := self._refused.get((one.report, one.name)):
                lacking = self._days_without(refused, one.name)
                self._say_anew(Said(kind, on, What.LACKS, one.name, one.run) for kind, on in lacking)
            elif (one.report, one.name) in read:
                awaited = (cycle for cycle in self.unfinished() if one.name in cycle.broken)
                lacked = [Said(cycle.type, cycle.on, What.LACKS, one.name, one.run) for cycle in awaited]
                stood = self.said_so_far(*{each.type for each in lacked})
                self._say_anew(dataclasses.replace(each, what=What.CAME) for each in lacked if each in stood)

    def _days_without(self, refused: Report, name: str) -> list[CycleKey]:
        """Return days with reports that a refused one is of now: by its name, or as others of its day are."""
        before, named = (refused.type, refused.on), self.recognise.cycle_of(name)
        went = {(one.after.type, one.after.on) for one in self.read_as if (one.before.type, one.before.on) == before}
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
        now = read_now(self.read_as)
        brought: defaultdict[int, set[CycleKey]] = defaultdict(set)
        for one in self.catalogue.delivered({day}):
            report = now.get((one.report, one.name))
            brought[one.run].add((report.type, report.on) if report else day)
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


def _readable(reports: Sequence[Report], root: Path) -> list[Report]:
    """Return those of reports that can be read again, of which none must be."""
    fit = [one for one in reports if one.content and not one.expired]
    return [one for one in fit if not lost_files(root, one.files)]
