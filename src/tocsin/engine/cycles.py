"""Which deliveries of a report type may make a finding gone.

A cycle is one report type on one day. Absence from a cycle says something only
when the cycle is complete and plausible: a truncated report must not make
thousands of findings gone, nor must one that did not arrive. A cycle with less
than half of its type's usual rows, or without a list of it that came in each of
the cycles before, or whose report ends amid a record, is therefore held until a person confirms or discards it, or
the list comes. What is *seen* in a cycle always counts, complete or not.

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
    """Less than half of the usual rows."""
    CUT = "cut"
    """A report ends in the middle of its last record."""
    MISSING = "missing"
    """A list that came in each of the cycles before did not come."""


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
    """Whether all its reports are here: nobody said that more will come, and none of them is broken."""
    decision: Decision = Decision.NONE
    lists: frozenset[str] = frozenset()
    """Which lists of the type came, as `lists.list_of` their names."""
    cut: tuple[str, ...] = ()
    """Names of its reports that end in the middle of a record."""


@dataclasses.dataclass(frozen=True)
class Judged:
    """A cycle with what follows from the ones before it."""

    cycle: Cycle
    usual: float | None
    """Median rows of the counted cycles before it; None for the first of its type."""
    doubts: tuple[Doubt, ...] = ()
    """Why it is held; none when it is not."""

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
    for cycle in sorted(cycles, key=lambda cycle: cycle.on):
        usual = statistics.median(one.rows for one in counted[-USUAL_CYCLES:]) if counted else None
        open_question = cycle.complete and cycle.decision is Decision.NONE
        verdict = Judged(cycle, usual, tuple(_doubts(cycle, usual, counted)) if open_question else ())
        judged.append(verdict)
        if verdict.counts:
            counted.append(cycle)
    return judged


def _doubts(cycle: Cycle, usual: float | None, counted: Sequence[Cycle]) -> Iterator[Doubt]:
    """Yield what speaks against a complete cycle, by the counted ones before it."""
    if usual is not None and cycle.rows < HELD_BELOW * usual:
        yield Doubt(Why.FEW)
    if cycle.cut:
        yield Doubt(Why.CUT, cycle.cut)
    if absent := lists.missing([one.lists for one in counted], cycle.lists):
        yield Doubt(Why.MISSING, absent)


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
