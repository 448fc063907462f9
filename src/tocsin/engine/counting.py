"""Which reports count, and under which names, as a run goes on.

A report's identity is its content, and the same content may come under several
names. It counts while at least one of them delivers it: another content under
one of its names takes that name away, no more. So what counts follows from what
came last under each name of each day, whichever name came first.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Sequence

from tocsin.engine.days import Days
from tocsin.engine.delivered import ReadAs, Recount
from tocsin.engine.opening import plain_name
from tocsin.engine.said import CLOSING, UNREAD, Said, What, content_in, digest_of, name_in, told_by
from tocsin.engine.setting_aside import Broken
from tocsin.engine.store import Catalogue, CycleKey, CycleRecord, Delivered, Report, judged, records
from tocsin.kernel.names import WITHIN, day_in


@dataclasses.dataclass(frozen=True)
class Move:
    """What was said of a day is of another type's, or of another day, since its reports are; or of the same as before,
    of which some are left."""

    before: CycleKey
    after: CycleKey
    ids: str = ""
    """Digest of its reports by their ids, as older versions wrote it of decisions, and by their contents."""
    contents: str = ""
    silent: frozenset[int] = frozenset()
    """Runs that brought something of the one day and nothing of what the other has: its end was not theirs to say."""

    def takes(self, one: Said) -> bool:
        """Tell whether what was said of the one day is said of the other."""
        return one.what is not What.COMPLETE or one.by not in self.silent

    def of(self, one: Said) -> Said:
        """Return what was said of the day as said of that which its reports are of now."""
        kind, on = self.after
        about = self.contents if self.ids and one.about == self.ids else one.about
        return dataclasses.replace(one, type=kind, on=on, about=about)


def moved(said: Iterable[Said], moves: Iterable[Move]) -> list[Said]:
    """Return what was said of days as said of those that their reports are of now."""
    by_day = {move.before: move for move in moves}
    found = ((one, by_day.get((one.type, one.on))) for one in said)
    return [move.of(one) if move else one for one, move in found if not move or move.takes(one)]


class Counting:
    """The reports of the manifest with what a run has changed so far."""

    def __init__(self, catalogue: Catalogue, latest: dt.date | None, come: dt.date | None = None) -> None:
        self.catalogue, self.come = catalogue, come
        self.days = Days(catalogue, latest)
        self.accepted: list[Report] = []
        self.superseded: list[Report] = []
        self.renamed: dict[str, Report] = {}
        """Reports of the manifest by id, where this run changes their names."""
        self.replaced: set[str] = set()
        """Ids of reports of the manifest in whose place another came: they may count again when that is taken back."""
        self.restored: list[Report] = []
        """Reports that count again."""
        self.arrived: set[tuple[str, dt.date, str]] = set()
        """Type, day and name of each report that came whole, and of the archive that it came in."""
        self.contents: set[tuple[str, dt.date, str]] = set()
        """Type, day and content of each report that came whole."""
        self.places: dict[tuple[str, dt.date, str], bool] = {}
        """By type, day and place of those: whether its content was not here."""
        self.touched: set[str] = set()
        """Types that must be folded."""
        self.brought: set[tuple[str, dt.date]] = set()
        """Type and day of what was delivered, be it here before or not."""
        self.came: list[Delivered] = []
        """What this run brought that did not count under that name before, be it that its rows were lost."""
        self.emptied: set[CycleKey] = set()
        """Days all of whose reports were taken back: nobody's word that they are complete is left either."""
        self.moves: list[Move] = []
        """Days of which nothing that was said is of them any more."""
        self.said: list[Said] = []
        """What this run says of days."""
        self.untrue: Collection[int] = ()
        """Runs of which nothing that they said stands."""
        self.read_as: list[ReadAs] = []
        """What became of reports that were read again."""
        self._unfinished: list[CycleRecord] | None = None
        self._known: dict[str, list[Report]] = {}

    def known(self, report_type: str) -> list[Report]:
        """Return the reports of a type that the manifest holds."""
        if report_type not in self._known:
            self._known[report_type] = self.catalogue.reports(report_type)
        return self._known[report_type]

    def here(self, report_type: str) -> list[Report]:
        """Return the reports of a type that count as far as the run has come."""
        removed = {report.id for report in self.superseded}
        known = (self.renamed.get(one.id, one) for one in self.known(report_type) if one.id not in removed)
        return [*known, *(one for one in (*self.restored, *self.accepted) if one.type == report_type)]

    def twin(self, report: Report) -> Report | None:
        """Return the report that has the same content, type and day."""
        return next((other for other in self.here(report.type) if other.id == report.id), None)

    def correct(self, report: Report) -> None:
        """Take the names of a report from those that came under them before; one without a name counts no more.

        A name without a date comes every day: only on the same day is it a correction.
        """
        for other in self.here(report.type):
            left = set(other.names) - set(report.names)
            if other.id == report.id or other.on != report.on or len(left) == len(other.names):
                continue
            if left:
                self.rename(other, left)
            else:
                if other not in self.accepted:  # what this run delivered itself has counted nowhere yet
                    self.replaced.add(other.id)
                self.supersede([other])

    def rename(self, report: Report, names: Iterable[str]) -> None:
        """Let a report count under other names than so far."""
        changed = report.named(names)
        fresh = [one.id for one in self.accepted]
        if report.id in fresh:
            self.accepted[fresh.index(report.id)] = changed
        elif changed.names != report.names:
            self.renamed[report.id] = changed
            self.touched.add(report.type)  # names say which lists came

    def recount(self, changed: Recount) -> None:
        """Take over which reports count otherwise, since deliveries were taken back."""
        self.supersede(changed.gone)
        self.renamed |= {report.id: report for report in changed.renamed}
        self.restored.extend(changed.restored)
        self.touched.update(report.type for report in (*changed.renamed, *changed.restored))
        left = {(one.type, one.on) for kind in {one.type for one in changed.gone} for one in self.here(kind)}
        self.emptied = {(one.type, one.on) for one in changed.gone} - left

    @property
    def delivered(self) -> set[CycleKey]:
        """Type and day of what this run brought, if only under another name."""
        return {(one.type, one.on) for one in self.came}

    def deliver(self, report: Report, name: str) -> None:
        """Note that a report came under a name under which it did not count."""
        self.came.append(Delivered(report.type, report.on, name, report.id))

    def arrive(self, report_type: str, on: dt.date, name: str) -> None:
        """Note that a file has come whole."""
        self.arrived.add((report_type, on, name))

    def unfinished(self) -> list[CycleRecord]:
        """Return the cycles that were open, or waited for a file, when the run began."""
        if self._unfinished is None:
            self._unfinished = self.catalogue.unfinished()
        return self._unfinished

    def say(self, said: Iterable[Said]) -> None:
        """Say something of days. What is decided is about the reports that are here as far as the run has come."""
        for one in said:
            if one.what in (What.CONFIRMED, What.DISCARDED):
                here = (report.what for report in self.here(one.type) if report.on == one.on)
                one = dataclasses.replace(one, about=digest_of(here))
            if one not in self.said:
                self.said.append(one)
            self.touched.add(one.type)

    def say_what_came(self) -> None:
        """Say of the cycles that waited for what has come that it has."""
        for cycle in self.unfinished():
            came = set(cycle.broken) - set(self.still(cycle))
            told = {told for told in self._lacking(cycle) if self._has_come(cycle, told, came)}
            self.say(Said(cycle.type, cycle.on, What.CAME, each) for each in sorted(told))

    def _lacking(self, cycle: CycleRecord) -> set[str]:
        """Return what those files are told by that a cycle waits for."""
        said = self.catalogue.said(cycle.type) if cycle.broken else ()
        told = {one.about for one in said if one.on == cycle.on and one.what is What.LACKS}
        return {each for each in told if name_in(each) in cycle.broken}

    def _has_come(self, cycle: CycleRecord, told: str, names: Collection[str]) -> bool:
        """Tell whether a file has come: by its name among these; beside another of its name by its content, or as
        something new from its place."""
        if not (content := content_in(told)):
            return told in names
        is_new = self.places.get((cycle.type, cycle.on, name_in(told)))
        if content == UNREAD:
            return is_new is not None
        return bool(is_new) or (cycle.type, cycle.on, content) in self.contents

    def say_complete(self) -> None:
        """Say that the days of what was delivered are complete: of those that counted so before, only when the run
        brought something of them."""
        were_open = {(cycle.type, cycle.on) for cycle in self.unfinished() if not cycle.closed}
        self.say(Said(kind, on, What.COMPLETE) for kind, on in sorted(self.delivered | (self.brought & were_open)))

    def may_lack(self) -> set[CycleKey]:
        """Return the cycles that may lack what does not say of which it is: those that were brought, and open ones."""
        brought = {(report.type, report.on) for report in self.accepted}
        return brought | {(cycle.type, cycle.on) for cycle in self.unfinished() if not cycle.closed}

    def say_what_lacks(self, aside: Iterable[Broken]) -> None:
        """Say which days lack what was set aside.

        Of a file that was known to be broken and has not changed it is said once, as a person may have closed the day,
        or a whole copy may have come; and of days alone that come now, but for what other mappings say of it.
        """
        may_lack = self.may_lack()
        for broken in aside:
            for kind, on in broken.cycles:
                lacks = Said(kind, on, What.LACKS, told_by(broken.name, broken.content))
                if self._is_to_be_said(lacks, broken, comes_now=(kind, on) in may_lack):
                    self.say([lacks])

    def _is_to_be_said(self, lacks: Said, broken: Broken, *, comes_now: bool) -> bool:
        if not (broken.is_known or broken.is_tried_again):
            return True
        is_news = comes_now or (broken.is_tried_again and not self.catalogue.has_heard(lacks))
        return is_news and not self._was_said(lacks)

    def _was_said(self, one: Said) -> bool:
        return any(dataclasses.replace(each, by=one.by) == one for each in self.catalogue.said(one.type))

    def say_confirmed(self) -> None:
        """Confirm in advance the days of what counts because of this run, and those that are held of what it gave
        again."""
        mine = {(report.type, report.on) for report in self.accepted}
        for kind in {kind for kind, _on in self.brought - mine}:
            verdicts = judged(self.all_cycles(kind), self.here(kind), self.come)
            mine |= self.brought & {(kind, verdict.cycle.on) for verdict in verdicts if verdict.held}
        self.say(Said(kind, on, What.CONFIRMED) for kind, on in sorted(mine))

    def judge_what_has_come(self) -> None:
        """Have types judged anew of which a day has come that lay ahead when they were judged last."""
        if self.come is not None:
            self.touched.update(self.catalogue.untimely(self.come))

    def all_cycles(self, kind: str) -> list[CycleRecord]:
        """Return the cycles of a type as this run leaves them. Those that are settled stay as they were."""
        known = self.catalogue.cycles(kind)
        settled = {cycle.on: cycle for cycle in known if self.days.is_past(kind, cycle.on)}
        open_to_all = {on: cycle for on, cycle in self.cycles(kind).items() if not self.days.is_past(kind, on)}
        return sorted((settled | open_to_all).values(), key=lambda cycle: cycle.on)

    def said_so_far(self, *report_types: str) -> list[Said]:
        """Return what was said of the days of types and stands, before this run said anything, as of the days that it
        is of now."""
        said = self.catalogue.said(*{*report_types, *(move.before[0] for move in self.moves)})
        stood = [one for one in said if one.by not in self.untrue and not self._is_forgotten(one)]
        return moved(stood, self.moves)

    def _is_forgotten(self, one: Said) -> bool:
        """Tell whether a person closed a day whose reports were all taken back: that was about these."""
        return one.by is None and one.what in CLOSING and (one.type, one.on) in self.emptied

    def cycles(self, report_type: str) -> dict[dt.date, CycleRecord]:
        """Return the cycles of a type by day, as this run leaves them."""
        said = [one for one in (*self.said_so_far(report_type), *self.said) if one.type == report_type]
        return records(report_type, said, self.here(report_type), self.come)

    def still(self, cycle: CycleRecord) -> tuple[str, ...]:
        """Return the files that a cycle waits for still.

        One whose name says its day is the one that any cycle waits for. Tomorrow's
        of a name without one is another: it is the one that the cycles of the days
        wait for of which it has a report.
        """
        mine = [name for kind, on, name in self.arrived if (kind, on) == (cycle.type, cycle.on)]
        whole = {name for _kind, on, name in self.arrived if on == cycle.on or day_in(name)}
        waits = (one for one in cycle.broken if not any(waits_for(one, name) for name in mine))
        return tuple(one for one in waits if one not in whole)

    def supersede(self, reports: Sequence[Report]) -> None:
        """Let reports count no more."""
        self.superseded.extend(reports)
        # Not all that is superseded: a report of nothing but a header, read again, equals the one it replaces.
        self.accepted = [report for report in self.accepted if report not in reports]
        self.touched.update(report.type for report in reports)


def waits_for(broken: str, name: str) -> bool:
    """Tell whether what could not be read, in an archive or alone, has come when a report of that name has."""
    archive, _, own = name.rpartition(WITHIN)
    if broken.rpartition(WITHIN)[2] != own:
        return False
    return not archive or plain_name(broken.partition(WITHIN)[0]) == archive
