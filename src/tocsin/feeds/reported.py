"""What there is of every type of report, read from the manifest once for each of its versions.

The first page after an import reads it all anew. So it is asked for in few questions, each of which serves many
pages: the types with their findings, the cycles of the last days, the sums of the last days.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import Exists, OuterRef, Subquery

from tocsin.feeds import clearing, days
from tocsin.feeds.choices import ReportState
from tocsin.feeds.models import Cycle, Manifest, Report, ReportType, State
from tocsin.kernel.clock import now

CYCLES_SHOWN_DAYS = 60

_pinned: ContextVar[int | None] = ContextVar("pinned", default=None)
_kept: dict[Any, Any] = {}
_keeping = threading.Lock()
V = TypeVar("V", bound=Callable[..., Any])
T = TypeVar("T")


def manifest_version() -> int:
    """Return a number that changes whenever findings may have."""
    pinned = _pinned.get()
    return clearing.once("manifest", _manifest_version) if pinned is None else pinned


def at_one_version(view: V) -> V:
    """Let a page, or a question, look at the manifest once: all numbers are of one version, and it costs one query."""

    @functools.wraps(view)
    def see(*args: Any, **kwargs: Any) -> Any:
        token = _pinned.set(manifest_version())
        try:
            return view(*args, **kwargs)
        finally:
            _pinned.reset(token)

    return see  # type: ignore[return-value]


def _manifest_version() -> int:
    return Manifest.objects.filter(pk=1).values_list("version", flat=True).first() or 0


def kept(name: str, make: Callable[[], T]) -> T:
    """Return what `make` made for this version of the manifest, and for readers from whom the same is hidden.

    Only the last version is kept.
    """
    version, key = (settings.TOCSIN.store, manifest_version()), (name, clearing.hidden())
    with _keeping:
        if _kept.get("version") != version:
            _kept.clear()
            _kept["version"] = version
        if key in _kept:
            known: T = _kept[key]
            return known
    made = make()
    with _keeping:
        if _kept.get("version") == version:
            _kept[key] = made
    return made


@dataclasses.dataclass(frozen=True)
class Known:
    """A type of report."""

    type: ReportType
    """With its feed, and the day from which on it is kept: a change of these is one of the manifest, too."""
    state: State | None
    """Where its findings are; None when it has none."""
    latest: dt.date | None
    """The day of its last cycle, which may be ahead."""
    has_reports: bool
    """Whether a report of it counts."""


def types() -> Mapping[int, Known]:
    """Return all types by key, in the order of their names; of feeds that are hidden from the reader, none."""
    return kept("types", _types)


def _types() -> dict[int, Known]:
    latest = Cycle.objects.filter(type=OuterRef("pk")).order_by("-on").values("on")[:1]
    counting = Report.objects.order_by().filter(type=OuterRef("pk"), state=ReportState.ACCEPTED)
    shown = ReportType.objects.exclude(feed__in=clearing.hidden())
    asked = shown.select_related("feed", "findings", "baseline").order_by("name")
    rows = asked.annotate(latest_on=Subquery(latest), has_reports=Exists(counting))
    return {row.pk: Known(row, getattr(row, "findings", None), row.latest_on, row.has_reports) for row in rows}


@dataclasses.dataclass(frozen=True)
class Arrived:
    """The cycles of the last days."""

    days: frozenset[dt.date]
    """Those that tell which day it is, and which the newest: the latest ones of every type are among them."""
    by_type: Mapping[int, tuple[Cycle, ...]]
    """By key of the type, oldest first; of what has been silent for longer, the last one."""


def arrived() -> Arrived:
    """Return the cycles of the last days."""
    clock = now().date()
    return kept(f"cycles at {clock}", lambda: _arrived(clock))


def _arrived(clock: dt.date) -> Arrived:
    stands: dt.date = settings.TOCSIN_TODAY or clock
    recent = list(_cycles_since(min(stands, clock)))
    on = days.today({cycle.on for cycle in recent})
    # A demonstration may have moved on since the day that it stands on.
    shown = [cycle for cycle in recent if cycle.on >= on - dt.timedelta(days=CYCLES_SHOWN_DAYS)]
    shown = sorted([*shown, *_last_before(shown, on)], key=lambda cycle: cycle.on)
    by_type: dict[int, list[Cycle]] = {}
    for cycle in shown:
        by_type.setdefault(cycle.type_id, []).append(cycle)
    found = {pk: tuple(cycles) for pk, cycles in by_type.items()}
    return Arrived(frozenset(cycle.on for cycle in (*recent, *shown)), found)


def _cycles_since(day: dt.date) -> Iterable[Cycle]:
    shown = Cycle.objects.exclude(type__feed__in=clearing.hidden())
    return shown.filter(on__gte=day - dt.timedelta(days=CYCLES_SHOWN_DAYS)).order_by("on")


def _last_before(shown: Iterable[Cycle], on: dt.date) -> list[Cycle]:
    """Return the last cycle, up to a day, of each type that has none among those shown."""
    silent = {pk for pk, known in types().items() if known.latest} - {c.type_id for c in shown if c.on <= on}
    if not silent:
        return []
    last = Cycle.objects.filter(type=OuterRef("pk"), on__lte=on).order_by("-on").values("pk")[:1]
    keys = ReportType.objects.order_by().filter(pk__in=silent).values_list(Subquery(last), flat=True)
    return list(Cycle.objects.filter(pk__in=keys))
