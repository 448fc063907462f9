"""Cycles that make nothing go gone yet, and what each waits for: a decision, a whole copy of a file, or more files."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from tocsin.engine.said import What, name_in
from tocsin.feeds import days
from tocsin.feeds.choices import DecisionChoice, DownloadState, ReportState
from tocsin.feeds.doubts import why_held
from tocsin.feeds.held import is_of_another_day
from tocsin.feeds.models import Cycle, Delivery, Download, Report, Saying
from tocsin.kernel.clock import Instant
from tocsin.kernel.names import day_in

CLOSED_AFTER = dt.timedelta(hours=36)
LACKING_FOR = dt.timedelta(days=8)
"""For how long a report that the publisher offers and will not give keeps its day open."""
HELD, BROKEN, OPEN, AHEAD = "held", "broken", "open", "ahead"


@dataclasses.dataclass(frozen=True)
class Unfinished:
    """A cycle that does not count."""

    type: str
    on: dt.date
    why: str
    """`broken` while a file cannot be read, `held` while it may be incomplete, `ahead` while its day has not come,
    `open` while more files may come."""
    rows: int
    usual: float | None
    files: tuple[str, ...]
    """Names of those that could not be read."""
    is_due: bool
    """Whether somebody must do something: one that is open may just be waiting for its other files."""
    doubts: Mapping[str, Sequence[str]]
    """Why it is held, as `Cycle.doubts`."""
    findings: int | None = None
    usual_findings: float | None = None
    run: int | None = None
    """Of one that lies ahead: the last that brought something of it."""

    @property
    def name(self) -> str:
        """The cycle as commands take it."""
        return f"{self.type} {self.on}"

    @property
    def says(self) -> str:
        """How it is, in English."""
        named = f"{self.type} of {self.on}"
        if self.why == BROKEN:
            return f"{named} lacks what could not be read: {', '.join(self.files)}"
        if self.why == HELD:
            return f"{named} is held: {why_held(self.as_data())}"
        if self.why == AHEAD and self.is_due:
            return f"{named} lay ahead, and has come: it counts with the next import"
        if self.why == AHEAD:
            return f"{named} lies ahead: it counts when that day has come"
        return f"{named} is open: more files of it may come"

    @property
    def fix(self) -> str:
        """What ends it, in English."""
        asked = "is of its day" if is_of_another_day(self.doubts) else "is complete"
        return {
            BROKEN: "Import a whole copy of the file: tocsin feed run PATH; "
            f"where there is none, let the day count without it: tocsin feed close {self.name}",
            HELD: f"Say whether it {asked}: tocsin feed confirm {self.name}, or feed discard",
            OPEN: f"When all of its files are here: tocsin feed close {self.name}",
            AHEAD: f"To let it count now: tocsin feed close {self.name}"
            if self.is_due
            else f"If that day is wrong, take it back: tocsin feed withdraw {self.run}",
        }[self.why]

    def as_data(self) -> dict[str, Any]:
        """Return it as `feed runs --json` prints it."""
        return {
            "type": self.type,
            "date": self.on.isoformat(),
            "why": self.why,
            "rows": self.rows,
            "usual": self.usual,
            "doubts": self.doubts,
            "findings": self.findings,
            "usual_findings": self.usual_findings,
            "files": list(self.files),
            "due": self.is_due,
            "fix": self.fix,
        }


def unfinished_cycles(at: Instant) -> list[Unfinished]:
    """Return them by day and type."""
    waiting = Cycle.objects.filter(Q(held=True) | Q(closed=False) | ~Q(broken=[]))
    rows = (waiting | awaited()).select_related("type")
    due, come = set(due_cycles(at)), days.last_come(at)
    found = [_unfinished(row, (row.type.name, row.on) in due, come) for row in rows]
    return sorted(found, key=lambda each: (each.on, each.type))


def awaited() -> QuerySet[Cycle]:
    """Return the cycles that were complete before their day had come, and were not judged since it has."""
    complete = Cycle.objects.filter(closed=True, broken=[], held=False, counts=False)
    return complete.exclude(decision=DecisionChoice.DISCARDED)


def _unfinished(row: Cycle, is_due: bool, come: dt.date) -> Unfinished:
    is_ahead = row.closed or row.on > come
    why = BROKEN if row.broken else HELD if row.held else AHEAD if is_ahead else OPEN
    brought = Report.objects.filter(type=row.type_id, on=row.on, state=ReportState.ACCEPTED).order_by("-run")
    return Unfinished(
        row.type.name,
        row.on,
        why,
        row.rows,
        row.usual,
        tuple(row.broken),
        is_due or why not in (OPEN, AHEAD),
        row.doubts if why == HELD else {},
        row.findings,
        row.usual_findings,
        brought.values_list("run", flat=True).first() if why == AHEAD else None,
    )


def due_cycles(at: Instant) -> list[tuple[str, dt.date]]:
    """Return the cycles to be closed: a later one of their type has begun, nothing came for a day and a half, or they
    were complete before their day had come, and it has.

    One that lacks a report which could not be read, or lately not be downloaded, stays open: it would make
    findings gone by mistake. A day that has not come closes none, and is not closed before it has.
    """
    lately = (at - LACKING_FOR).date()
    lacking = set(Download.objects.filter(state=DownloadState.REFUSED, on__gte=lately).values_list("type", "on"))
    open_ones = Cycle.objects.filter(closed=False, broken=[]).select_related("type")
    latest = _latest(at) if open_ones else {}
    have_come = awaited().filter(on__lte=days.last_come(at)).select_related("type")
    return [(cycle.type.name, cycle.on) for cycle in have_come] + [
        (cycle.type.name, cycle.on)
        for cycle in open_ones
        if cycle.on <= (last := latest.get(cycle.type_id, dt.date.min))
        and (last > cycle.on or _has_rested(cycle, at))
        and (cycle.type.name, cycle.on) not in lacking
    ]


def _latest(at: Instant) -> dict[int, dt.date]:
    """Return by type the last day that does not lie ahead."""
    of = list(Cycle.objects.order_by().values_list("type", "on"))
    today = days.today({on for _type, on in of}, at)
    return dict(sorted((each for each in of if not days.is_ahead(each[1], today)), key=lambda each: each[1]))


def _has_rested(cycle: Cycle, at: Instant) -> bool:
    return at - cycle.arrived_at >= CLOSED_AFTER


def closed_because_of(cycle: Cycle, at: Instant) -> list[int | None]:
    """Return the runs because of which a due cycle was taken to have ended: they brought reports of later days, or
    something of them that could not be read; None alone for the time that has passed, or the word of a person about a
    later day. Each of them says that it is complete."""
    if _has_rested(cycle, at):
        return [None]
    later = Q(type=cycle.type_id, on__gt=cycle.on, on__lte=_latest(at).get(cycle.type_id, cycle.on))
    here = Report.objects.filter(later, state=ReportState.ACCEPTED)
    brought = Delivery.objects.filter(is_withdrawn=False, digest__in=here.values("digest")).order_by()
    lacks = Saying.objects.filter(later, what=What.LACKS.value, is_withdrawn=False).exclude(run=None).order_by()
    begun: set[int | None] = {run for run, about in lacks.values_list("run", "about") if day_in(name_in(about))}
    return list(begun.union(brought.values_list("run", flat=True).distinct())) or [None]
