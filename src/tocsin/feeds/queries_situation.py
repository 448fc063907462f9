"""What Situation asks: movements against the usual, health of feeds, who holds what, what waits for a decision.

Sums over the roll-up are kept for each version of the manifest: they are the
same for everybody until the next import.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import statistics
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import Max, QuerySet, Sum

from tocsin.engine.public_ids import words_of
from tocsin.feeds.models import ConstituentMovement, Cycle, FindingOwner, Report, ReportType, TypeMovement
from tocsin.feeds.queries import Finding, findings, manifest_version
from tocsin.feeds.rollup import WORDS
from tocsin.feeds.usual import DAYS, Usual, usual
from tocsin.people.models import Person
from tocsin.people.policy import Ability, may

OPEN = ("new", "still", "returned")
OWNED_AT_MOST = 5_000
CYCLES_SHOWN_DAYS = 60

_kept: dict[Any, Any] = {}
_keeping = threading.Lock()


def kept(name: str, make: Callable[[], Any]) -> Any:
    """Return what `make` made for this version of the manifest; only the last version is kept."""
    version = (settings.TOCSIN.store, manifest_version())
    with _keeping:
        if _kept.get("version") != version:
            _kept.clear()
            _kept["version"] = version
        if name in _kept:
            return _kept[name]
    made = make()
    with _keeping:
        if _kept.get("version") == version:
            _kept[name] = made
    return made


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

    def opened(self, types: Sequence[str]) -> list[int | None]:
        """Return how many findings of these types opened on each day; None on days without a report of them.

        The first report ever of a type is left out: everything in it is new.
        """
        reports = [
            {on: day for on, day in self.by_type[name].items() if on != min(self.by_type[name])} for name in types
        ]
        found = [[each[on].opened for each in reports if on in each] for on in self.days]
        return [sum(values) if values else None for values in found]

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
    found: Movements = kept("movements", _movements)
    return found


def _movements() -> Movements:
    newest = TypeMovement.objects.aggregate(newest=Max("on"))["newest"]
    if newest is None:
        return Movements((), {})
    days = tuple(newest - dt.timedelta(days=back) for back in reversed(range(DAYS + 1)))
    sums = TypeMovement.objects.filter(on__gte=days[0]).order_by().values_list("type__name", "on")
    by_type: dict[str, dict[dt.date, Day]] = defaultdict(dict)
    for name, on, *counts in sums.annotate(*map(Sum, WORDS)):
        by_type[name][on] = Day(*counts)
    return Movements(days, dict(by_type))


@dataclasses.dataclass(frozen=True)
class DayBefore:
    """What was what on the day before the newest."""

    by_constituent: Mapping[str, Day]
    by_class: Mapping[str, Day]


def day_before(newest: dt.date) -> DayBefore:
    """Return what was what on the day before the newest, by constituent and by class."""
    on = newest - dt.timedelta(days=1)
    found: DayBefore = kept(
        "day before",
        lambda: DayBefore(_sums(ConstituentMovement, "constituent", on), _sums(TypeMovement, "category", on)),
    )
    return found


def _sums(model: type[ConstituentMovement | TypeMovement], by: str, on: dt.date) -> dict[str, Day]:
    sums = model._default_manager.filter(on=on).order_by().values_list(by)
    return {value: Day(*counts) for value, *counts in sums.annotate(*map(Sum, WORDS))}


def usual_of(numbers: Sequence[int | None]) -> Usual | None:
    """Return the usual of the days before the last."""
    return usual([number for number in numbers[:-1] if number is not None])


# ---- feeds


@dataclasses.dataclass(frozen=True)
class Health:
    """How reports of one type arrive."""

    type: ReportType
    cycles: tuple[Cycle, ...]
    """Of the last days, oldest first; at least one."""
    newest: dt.date
    """Of any type."""

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
        """Days from its latest to the newest of any type."""
        return (self.newest - self.last.on).days

    @property
    def state(self) -> str:
        """`ok`, `late` after its usual gap, `silent` after twice that: what is silent is not checked."""
        if self.behind_days < self.gap_days:
            return "ok"
        return "late" if self.behind_days < 2 * self.gap_days else "silent"

    @property
    def needs_mapping(self) -> bool:
        """Whether nobody has described the type."""
        return self.type.origin == "none"

    @property
    def held(self) -> list[Cycle]:
        """Those that wait for a decision."""
        return [cycle for cycle in self.cycles if cycle.held]

    @property
    def broken(self) -> list[Cycle]:
        """Those of which a report could not be read."""
        return [cycle for cycle in self.cycles if cycle.broken]


def health() -> list[Health]:
    """Return how every type arrives, by name."""
    found: list[Health] = kept("health", _health)
    return found


def _health() -> list[Health]:
    types = ReportType.objects.select_related("feed").in_bulk()
    latest = Cycle.objects.aggregate(newest=Max("on"))["newest"]
    if latest is None:
        return []
    since = latest - dt.timedelta(days=CYCLES_SHOWN_DAYS)
    by_type: dict[int, list[Cycle]] = defaultdict(list)
    for cycle in Cycle.objects.filter(on__gte=since).order_by("on"):
        by_type[cycle.type_id].append(cycle)
    old = set(types) - set(by_type)
    # What has been silent for longer than the window still has its last one.
    for cycle in _last_cycles(old) if old else ():
        by_type[cycle.type_id].append(cycle)
    shown = [Health(types[pk], tuple(cycles), latest) for pk, cycles in by_type.items()]
    return sorted(shown, key=lambda each: each.type.name)


def _last_cycles(types: set[int]) -> QuerySet[Cycle]:
    last = Cycle.objects.filter(type__in=types).order_by().values("type_id").annotate(last=Max("on"))
    return Cycle.objects.filter(type__in=types, on__in=last.values("last")).order_by("on")


def titles() -> dict[str, str]:
    """Return the publisher's title of each type."""
    found: dict[str, str] = kept("titles", lambda: dict(ReportType.objects.values_list("name", "title")))
    return found


def labels() -> dict[str, str]:
    """Return the label under which the rows of each type stand."""
    return dict(ReportType.objects.values_list("name", "feed__tlp"))


def reports_of_day(type_name: str, on: dt.date) -> QuerySet[Report]:
    """Return the reports that make a cycle."""
    return Report.objects.filter(type__name=type_name, on=on, state="accepted")


# ---- people


def owned(owner_key: str | None = None) -> dict[str, tuple[str, str]]:
    """Return who holds which finding: its id → (key, label) of the owner; at most OWNED_AT_MOST, latest first."""
    rows = FindingOwner.objects.filter(**({"owner_key": owner_key} if owner_key else {}))
    held = rows.order_by("-since").values_list("finding", "owner_key", "owner_label")[:OWNED_AT_MOST]
    return {finding: (key, label) for finding, key, label in held}


def owners_of(public_ids: Sequence[str]) -> dict[str, str]:
    """Return the labels of the owners of some findings, by id."""
    return dict(FindingOwner.objects.filter(finding__in=public_ids).values_list("finding", "owner_label"))


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
