"""What Situation asks: movements against the usual, health of feeds, who holds what, what waits for a decision.

Sums over the roll-up are kept for each version of the manifest: they are the
same for everybody until the next import.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet, Sum

from tocsin.engine.public_ids import words_of
from tocsin.engine.query import Filter
from tocsin.feeds import clearing, reported
from tocsin.feeds.choices import ReportState
from tocsin.feeds.days import is_ahead
from tocsin.feeds.models import (
    ConstituentMovement,
    Cycle,
    FindingOwner,
    Movement,
    Report,
    ReportType,
    Run,
    TypeMovement,
)
from tocsin.feeds.queries import Finding, findings, latest_day, today
from tocsin.feeds.reported import kept
from tocsin.feeds.rollup import WORDS
from tocsin.feeds.usual import DAYS, FEWEST_DAYS, Usual, usual
from tocsin.kernel import rsit
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

OPEN = ("new", "still", "returned")
OWNED_AT_MOST = 5_000


@dataclasses.dataclass(frozen=True)
class Day:
    """How many findings were what on one day."""

    new: int = 0
    still: int = 0
    returned: int = 0
    gone: int = 0

    @property
    def opened(self) -> int:
        """New ones and those that came back."""
        return self.new + self.returned

    def __add__(self, other: Day) -> Day:
        return Day(
            self.new + other.new, self.still + other.still, self.returned + other.returned, self.gone + other.gone
        )


@dataclasses.dataclass(frozen=True)
class Movements:
    """The last days of every type."""

    days: tuple[dt.date, ...]
    """Every day of the window, oldest first; the last one is the newest that has a report."""
    by_type: Mapping[str, Mapping[dt.date, Day]]

    def opened(self, types: Sequence[str]) -> list[int]:
        """Return how many findings of these types opened on each day of which there is a report of them.

        The last number is that of the latest report of each: not all of a publisher's come at once. The first report
        ever of a type is left out: everything in it is new.
        """
        reports = [dict(sorted(self.by_type[name].items())[1:]) for name in types]
        reports = [days for days in reports if days]
        last = max((max(days) for days in reports), default=None)
        before = sorted({on for days in reports for on in days if on != last})
        found = [sum(days[on].opened for days in reports if on in days) for on in before]
        return [*found, sum(days[max(days)].opened for days in reports)] if reports else []

    def whole(self) -> list[Day | None]:
        """Return the sum of all types on each day but their first; None on days without a report."""
        sums: dict[dt.date, Day] = {}
        for days in self.by_type.values():
            for on, day in days.items():
                if on != min(days):
                    sums[on] = sums.get(on, Day()) + day
        return [sums.get(on) for on in self.days]


def movements() -> Movements:
    """Return the movements of the last days."""
    newest = latest_day()
    found: Movements = kept(f"movements to {newest}", lambda: _movements(newest))
    return found


def _movements(newest: dt.date | None) -> Movements:
    if newest is None:
        return Movements((), {})
    days = _window(newest)
    by_type: dict[str, dict[dt.date, Day]] = defaultdict(dict)
    for name, on, _category, day in _sums(newest):
        by_type[name][on] = by_type[name].get(on, Day()) + day
    return Movements(days, dict(by_type))


def _window(newest: dt.date) -> tuple[dt.date, ...]:
    return tuple(newest - dt.timedelta(days=back) for back in reversed(range(DAYS + 1)))


def _sums(newest: dt.date) -> list[tuple[str, dt.date, str, Day]]:
    """Return what moved in the window by type, day and class: most types are of one class."""
    return kept(f"sums to {newest}", lambda: _moved(TypeMovement, "category", _window(newest)))


def _moved(
    model: type[Movement | TypeMovement], by: str, days: Collection[dt.date]
) -> list[tuple[str, dt.date, str, Day]]:
    """Return what moved on these days by type, day and one column."""
    shown = model._default_manager.exclude(type__feed__in=clearing.hidden())
    rows = shown.filter(on__in=days).order_by().values_list("type", "on", by)
    names = {pk: known.type.name for pk, known in reported.types().items()}
    return [(names[pk], on, value, Day(*counts)) for pk, on, value, *counts in rows.annotate(*map(Sum, WORDS))]


PERIOD_DAYS = 2
"""While the reports of the newest day come in, one type after another, the others stand at the day before."""


@dataclasses.dataclass(frozen=True)
class Period:
    """The days whose movements the sums of Situation count, each type's by its latest report.

    A type that has fallen silent, or comes once a week, moved on other days: what it did then is no news.
    """

    first: dt.date
    last: dt.date
    types: tuple[str, ...]
    """Those whose latest report is of the period."""
    left_out: tuple[str, ...]
    """All others that have findings."""


def period() -> Period | None:
    """Return the period of the sums; None when there is no report."""
    last = latest_day()
    found: Period | None = kept(f"period to {last}", lambda: _period(last)) if last else None
    return found


def _period(last: dt.date) -> Period:
    first = last - dt.timedelta(days=PERIOD_DAYS - 1)
    is_within = {kind.type: first <= kind.latest <= last for kind in findings().types}
    return Period(
        first,
        last,
        tuple(name for name, within in is_within.items() if within),
        tuple(name for name, within in is_within.items() if not within),
    )


@dataclasses.dataclass(frozen=True)
class DayBefore:
    """What was what on the day before the latest of each type of the period."""

    by_constituent: Mapping[str, Day]
    by_class: Mapping[str, Day]


def day_before() -> DayBefore:
    """Return what was what on the day before the latest of each type of the period, by constituent and by class."""
    of = period()
    found: DayBefore = kept(f"day before {of and of.last}", lambda: _day_before(of.types if of else ()))
    return found


def _day_before(types: Collection[str]) -> DayBefore:
    """The latest of a type is that by which the states of its findings are told: see `queries.findings`."""
    before = {kind.type: kind.latest - dt.timedelta(days=1) for kind in findings().types if kind.type in types}
    days = set(before.values())
    newest = latest_day()
    by_class = _of_types(_sums(newest) if newest else (), before)
    # The sums by constituent are over all types of a day: only the fine roll-up tells them apart.
    if len(days) > 1 or len(before) < len(findings().types) or clearing.hidden():
        return DayBefore(_of_types(_moved(Movement, "constituent", days), before), by_class)
    rows = ConstituentMovement.objects.filter(on__in=days).values_list("constituent", *WORDS)
    return DayBefore({constituent: Day(*counts) for constituent, *counts in rows}, by_class)


def _of_types(moved: Iterable[tuple[str, dt.date, str, Day]], days: Mapping[str, dt.date]) -> dict[str, Day]:
    """Return sums by one column over the movements of each type on its day."""
    found: dict[str, Day] = {}
    for name, on, value, day in moved:
        if days.get(name) == on:
            found[value] = found.get(value, Day()) + day
    return found


def usual_of(numbers: Sequence[int]) -> Usual | None:
    """Return the usual of the days before the last."""
    return usual(numbers[:-1])


# ---- feeds


@dataclasses.dataclass(frozen=True)
class Health:
    """How reports of one type arrive."""

    type: ReportType
    cycles: tuple[Cycle, ...]
    """Of the last days, oldest first; at least one. Those ahead are not among them, unless there are no others."""
    expected: dt.date
    """The day of which there could be a report of its publisher by now."""
    ahead: tuple[Cycle, ...] = ()
    """Those dated ahead of today."""
    has_reports: bool = True
    """Whether a report of it counts: all may be withdrawn, read again as another type, or broken."""
    broken_run: int | None = None
    """The run that could not read a report of the latest."""

    @property
    def last(self) -> Cycle:
        """The latest."""
        return self.cycles[-1]

    @property
    def gap_days(self) -> int:
        """Days that usually lie between two."""
        days = [cycle.on for cycle in self.cycles]
        gaps = [(after - before).days for before, after in itertools.pairwise(days)]
        return round(statistics.median(gaps)) if gaps else 1

    @property
    def behind_days(self) -> int:
        """Days from its latest to the one that there could be."""
        return (self.expected - self.last.on).days

    @property
    def state(self) -> str:
        """`ok`, `broken` while a report of the latest cannot be read, `held` while one waits for a decision, or behind.

        Behind is `late` after its usual gap and `silent` after twice that. What is silent is not checked.
        What could never be read is `broken` however long ago that was: it has not fallen silent.
        """
        if self.is_unread:
            return "broken"
        if self.behind_days < self.gap_days:
            return "broken" if self.last.broken else "held" if self.held else "ok"
        return "late" if self.behind_days < 2 * self.gap_days else "silent"

    @property
    def is_unread(self) -> bool:
        """Whether files of it came and none could be read: nothing of it was ever checked."""
        return bool(self.last.broken) and not self.has_reports and not any(cycle.rows for cycle in self.cycles)

    @property
    def usual_rows(self) -> int | None:
        """Rows that the latest would usually have; None while there are too few before it."""
        return round(self.last.usual) if self.last.usual is not None and self.is_usual_known(self.last) else None

    def is_usual_known(self, cycle: Cycle) -> bool:
        """Tell whether enough counted before a cycle to say what is usual."""
        return sum(other.counts and other.on < cycle.on for other in self.cycles) >= FEWEST_DAYS

    @property
    def needs_mapping(self) -> bool:
        """Whether nobody has described the type, of which there are reports that count."""
        return self.type.origin == "none" and self.has_reports

    @property
    def held(self) -> list[Cycle]:
        """Those that wait for a decision."""
        return [cycle for cycle in self.cycles if cycle.held]

    @property
    def broken(self) -> list[Cycle]:
        """Those of which a report could not be read."""
        return [cycle for cycle in self.cycles if cycle.broken]


DELIVERY_DAYS = 2
"""A report tells of a day, and comes in the course of the next: so long after it a publisher may be waited for."""


def health() -> list[Health]:
    """Return how every type arrives, by name."""
    on = today()
    found: list[Health] = kept(f"health on {on}", lambda: _health(on))
    return found


def _health(on: dt.date) -> list[Health]:
    types, cycles = reported.types(), reported.arrived().by_type
    arrived = {pk: [cycle for cycle in of if cycle.on <= on] for pk, of in cycles.items()}
    expected = _expected({pk: known.type for pk, known in types.items()}, arrived, on)
    shown = [
        Health(
            types[pk].type,
            tuple(arrived[pk] or of),
            expected[types[pk].type.feed_id],
            tuple(cycle for cycle in of if is_ahead(cycle.on, on)),
            types[pk].has_reports,
        )
        for pk, of in cycles.items()
    ]
    return sorted(_with_runs_of_broken(shown), key=lambda each: each.type.name)


RUNS_LOOKED_AT = 500
"""So many runs back it is looked for the one that could not read a file."""


def _with_runs_of_broken(shown: Sequence[Health]) -> list[Health]:
    """Return them with the run, the latest one, that could not read a report of the latest of each."""
    if not any(each.last.broken for each in shown):
        return list(shown)
    found: dict[str, int] = {}
    latest = Run.objects.exclude(summary__broken=None).exclude(summary__broken=[]).order_by("-pk")
    for run, files in latest.values_list("pk", "summary__broken")[:RUNS_LOOKED_AT]:
        for file in files or ():
            found.setdefault(file["name"], run)
    runs = [next((found[name] for name in each.last.broken if name in found), None) for each in shown]
    return [dataclasses.replace(each, broken_run=run) for each, run in zip(shown, runs, strict=True)]


def _expected(
    types: Mapping[int, ReportType], arrived: Mapping[int, Sequence[Cycle]], on: dt.date
) -> dict[int, dt.date]:
    """Return by publisher the day of which its reports could be here.

    Whoever sends one type of report of a day sends all of that day. When nothing comes at all, the clock says it.
    """
    waited_for = on - dt.timedelta(days=DELIVERY_DAYS)
    expected = {kind.feed_id: waited_for for kind in types.values()}
    for pk, cycles in arrived.items():
        feed = types[pk].feed_id
        expected[feed] = max([expected[feed], *(cycle.on for cycle in cycles)])
    return expected


def classes() -> frozenset[str]:
    """Return the classes that a finding may have: those of the taxonomy, and what publishers write of their own."""
    written: frozenset[str] = kept("classes", lambda: frozenset(row[0] for row in _by_class() if row[0]))
    return written | rsit.types().keys()


def _by_class() -> list[tuple[Any, ...]]:
    return findings().counts(("class",), Filter())


def labels() -> dict[str, str]:
    """Return the label under which the rows of each type stand; of types that are hidden from the reader, none."""
    return dict(ReportType.objects.exclude(feed__in=clearing.hidden()).values_list("name", "feed__tlp"))


def reports_of_day(type_name: str, on: dt.date) -> QuerySet[Report]:
    """Return the reports that make a cycle."""
    return Report.objects.filter(type__name=type_name, on=on, state=ReportState.ACCEPTED)


# ---- people


def owned(owner_key: str | None = None) -> dict[str, tuple[str, str]]:
    """Return who holds which finding: its id → (key, label) of the owner; at most OWNED_AT_MOST, latest first."""
    rows = FindingOwner.objects.filter(**({"owner_key": owner_key} if owner_key else {}))
    held = rows.order_by("-since").values_list("finding", "owner_key", "owner_label")[:OWNED_AT_MOST]
    return {finding: (key, label) for finding, key, label in held}


def is_owner(owner_key: str) -> bool:
    """Return whether somebody with that key holds a finding."""
    return FindingOwner.objects.filter(owner_key=owner_key).exists()


def owners_of(public_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the owners of some findings by id, each as key and label."""
    rows = FindingOwner.objects.filter(finding__in=public_ids).values_list("finding", "owner_key", "owner_label")
    return {finding: (key, label) for finding, key, label in rows}


def keys_of(public_ids: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Return the keys of ids; what is none is left out."""
    found = []
    for public in public_ids:
        try:
            found.append(words_of(public))
        except ValueError:
            continue
    return tuple(found)


def open_among(public_ids: Sequence[str], only: tuple[str, ...] | None) -> list[Finding]:
    """Return the findings with these ids that are open."""
    found = findings().many(keys_of(public_ids))
    return [each for each in found if each.state in OPEN and (only is None or (each.constituent or "") in only)]


def sums_for(person: object) -> tuple[str, ...] | None:
    """Return whose findings the sums of Situation are over: all for whom the policy shows the situation."""
    return None if isinstance(person, Person) and may(person, Ability.VIEW_SITUATION) else ()


__all__ = ["Health", "Movements"]
