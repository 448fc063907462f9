"""Which deliveries of a report type may make a finding gone.

A cycle is one report type on one day. Absence from a cycle says something only
when the cycle is complete and plausible: a truncated report must not make
thousands of findings gone, nor must one that did not arrive, nor yesterday's under
today's name. A cycle with less than half of its type's usual findings, or without
a list of it that came in each of the cycles before, or whose report ends amid a
record or is of another day, is therefore held until a person confirms or discards
it, or the list comes. While none has counted that showed anything, the largest that did
not count says what is usual: there is so much at least, unless a person confirmed one
that showed less than half of that. What is *seen* in a cycle always counts, complete or not.

Pure, and a function of the set of cycles alone: the order in which they arrived
does not matter.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import statistics
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tocsin.engine import lists
from tocsin.engine.datedness import Dated, History

USUAL_CYCLES = 7
"""How many counted cycles before it say what is usual."""
HELD_BELOW = 0.5
"""Share of the usual below which a cycle is held."""


class Decision(enum.StrEnum):
    """What a person said about a held cycle."""

    NONE = ""
    CONFIRMED = "confirmed"
    DISCARDED = "discarded"


class Why(enum.StrEnum):
    """What speaks against believing a cycle."""

    FEW = "few"
    """Less than half of the usual findings; of the usual rows where findings were not counted yet."""
    CUT = "cut"
    """A report ends in the middle of its last record."""
    MISSING = "missing"
    """A list that came in each of the cycles before did not come."""
    OLD = "old"
    """A report has no row of its day or the day before, as it had in the cycles before."""
    REPEATED = "repeated"
    """A report is byte for byte one of an earlier day."""


@dataclasses.dataclass(frozen=True)
class Doubt:
    """Why a cycle is held, and the names of the lists or reports that it is about."""

    why: Why
    names: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Cycle:
    """One report type on one day."""

    type: str
    on: dt.date
    rows: int
    """Rows that were kept of its reports: a report none of whose rows could be read must make nothing gone."""
    complete: bool
    """Whether all its reports are here: nobody said that more will come, none of them is broken, and its day has
    come."""
    decision: Decision = Decision.NONE
    lists: frozenset[str] = frozenset()
    """Which lists of the type came, as `lists.list_of` their names."""
    cut: tuple[str, ...] = ()
    """Names of its reports that end in the middle of a record."""
    findings: int | None = None
    """How many its reports show, each counted by itself; None where one was read before they were counted."""
    reports: tuple[Dated, ...] = ()
    """What its reports say of their day."""


@dataclasses.dataclass(frozen=True)
class Judged:
    """A cycle with what follows from the ones before it."""

    cycle: Cycle
    usual: float | None
    """Median rows of the counted cycles before it, from the first that showed any or was confirmed to be small; while
    there is none, the most rows of the others; None for the first of its type."""
    doubts: tuple[Doubt, ...] = ()
    """Why it is held; none when it is not."""
    usual_findings: float | None = None
    """Findings of the same cycles in the same way; None where one of them does not know its number."""

    @property
    def held(self) -> bool:
        """Whether it waits for a person's decision, or for what it lacks."""
        return bool(self.doubts)

    @property
    def counts(self) -> bool:
        """Whether absence from it counts towards gone."""
        return self.cycle.complete and not self.held and self.cycle.decision is not Decision.DISCARDED


def judge(cycles: Iterable[Cycle]) -> list[Judged]:
    """Return the cycles of one type in date order, each judged by those before it."""
    judged: list[Judged] = []
    counted: list[Cycle] = []
    showing: list[Cycle] = []
    """Those that counted, from the first that showed anything or of which a person said that so few is right: before
    it nobody knew what is usual."""
    uncounted: list[Cycle] = []
    history = History()
    for cycle in sorted(cycles, key=lambda cycle: cycle.on):
        rows, findings = _usual(showing[-USUAL_CYCLES:]) if showing else _at_least(uncounted)
        verdict = Judged(cycle, rows, usual_findings=findings)
        if cycle.complete and cycle.decision is Decision.NONE:
            verdict = dataclasses.replace(verdict, doubts=tuple(_doubts(verdict, counted, history)))
        judged.append(verdict)
        if verdict.counts:
            counted.append(cycle)
            if showing or cycle.rows or _is_small(verdict):  # one that is small counts only where it was confirmed
                showing.append(cycle)
            history.add(cycle.on, cycle.reports)
        else:
            uncounted.append(cycle)
    return judged


def _usual(before: Sequence[Cycle]) -> tuple[float | None, float | None]:
    """Return the median rows and the median findings of cycles; None for the latter where one does not know them."""
    findings = _findings(before)
    return statistics.median(one.rows for one in before), statistics.median(findings) if findings else None


def _at_least(uncounted: Sequence[Cycle]) -> tuple[float | None, float | None]:
    """Return the most rows and the most findings of cycles none of which counts; None where there is none.

    Each shows a part of what there is, be it incomplete, held or discarded: none takes away from what another shows.
    """
    findings = _findings(uncounted)
    return max((one.rows for one in uncounted), default=None), max(findings) if findings else None


def _findings(cycles: Sequence[Cycle]) -> list[int]:
    """Return how many findings each of some cycles shows; empty where one does not know its number."""
    known = [one.findings for one in cycles if one.findings is not None]
    return known if len(known) == len(cycles) else []


def _is_small(verdict: Judged) -> bool:
    """Tell whether a cycle has less than half of the usual: of findings where all of them know how many they have."""
    cycle = verdict.cycle
    if cycle.findings is not None and verdict.usual_findings is not None:
        return cycle.findings < HELD_BELOW * verdict.usual_findings
    return verdict.usual is not None and cycle.rows < HELD_BELOW * verdict.usual


def _doubts(verdict: Judged, counted: Sequence[Cycle], history: History) -> Iterator[Doubt]:
    """Yield what speaks against a complete cycle, by the counted ones before it."""
    cycle = verdict.cycle
    if _is_small(verdict):
        yield Doubt(Why.FEW)
    if cycle.cut:
        yield Doubt(Why.CUT, cycle.cut)
    if absent := lists.missing([one.lists for one in counted], cycle.lists):
        yield Doubt(Why.MISSING, absent)
    repeated = history.repeated(cycle.on, cycle.reports)
    if repeated:
        yield Doubt(Why.REPEATED, repeated)
    if old := tuple(name for name in history.old(cycle.reports) if name not in repeated):  # one reason is enough
        yield Doubt(Why.OLD, old)


class Calendar:
    """The counted cycles of one type, and after how many misses a finding is gone."""

    def __init__(self, counted: Sequence[dt.date], gone_after: int) -> None:
        self.gone_after = gone_after
        self.days = np.array(sorted(counted), "datetime64[D]")

    def missed(self, seen: Any, seen_again: Any) -> Any:
        """Return how many counted cycles lie strictly between two sightings (arrays of days)."""
        return np.searchsorted(self.days, seen_again, "left") - np.searchsorted(self.days, seen, "right")

    def gone_on(self, last_seen: Any) -> Any:
        """Return the day on which a finding last seen on each given day is gone; NaT when it is not."""
        at = np.searchsorted(self.days, last_seen, "right") + self.gone_after - 1
        padded = np.append(self.days, np.datetime64("NaT", "D"))
        return padded[np.minimum(at, len(self.days))]

    @property
    def horizon(self) -> dt.date | None:
        """Findings last seen before this day are gone; None while nothing can be."""
        return self.days[-self.gone_after].item() if len(self.days) >= self.gone_after else None
