"""What is left of the days of a report type whose observations are no longer kept.

They are folded once more, into a *baseline*: the findings as they stood on the
last of these days. What is folded anew later begins from it instead of from
nothing, and comes to the same. A finding that had gone by the cycles of these
days alone, and was not seen since, is forgotten; so nothing that is decided
about later cycles could have opened it again. How many rows came on which day,
and which cycles counted, stays with the reports: what was usual stays usual.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tocsin.engine.cycles import Calendar, Decision, Judged
from tocsin.engine.executors import Executor
from tocsin.engine.fold import MOVEMENTS, begins, fold, in_key_order
from tocsin.engine.partitions import bits_for, rows_here
from tocsin.engine.reduce import (
    RespillTask,
    Spill,
    partition_of,
    read_state,
    respill,
    spilled_rows,
    write_state,
)
from tocsin.engine.run import TypeDelta
from tocsin.engine.store import Baseline, Catalogue, CycleRecord, Report, State, Workspace, judged


@dataclasses.dataclass(frozen=True)
class Plan:
    """What goes when all that is of a day up to `up_to` is no longer kept. Nothing was read or written for it."""

    type: str
    up_to: dt.date
    reports: tuple[Report, ...]
    """Those that lose their observations and their quarantine."""
    cycles: tuple[CycleRecord, ...]
    """All of the type. What nobody decided about a day that goes is decided by it: it makes nothing go gone."""
    judged: tuple[Judged, ...]
    calendar: Calendar
    """The counted cycles of the days that go."""
    state: State | None
    before: Baseline | None

    @property
    def rows(self) -> int:
        """Observations that go."""
        return rows_here(self.reports)

    def findings(self, root: Path) -> int:
        """Return how many findings are forgotten; `root` is the store."""
        files = self.state.partitions if self.state else ()
        return sum(int(_is_past(read_state(root / file, ("last_cycle",)), self.calendar).sum()) for file in files)


def plan(report_type: str, up_to: dt.date, catalogue: Catalogue, gone_after: int, come: dt.date | None = None) -> Plan:
    """Return what goes. `gone_after` is for a type that has no findings yet; `come` is the last day that has come."""
    reports, state = catalogue.reports(report_type), catalogue.state(report_type)
    before = judged(catalogue.cycles(report_type), reports, come)
    counted = tuple(one.cycle.on for one in before if one.counts and one.cycle.on <= up_to)
    undecided = {one.cycle.on for one in before if one.cycle.on <= up_to} - set(counted)
    cycles = _settled(catalogue.cycles(report_type), undecided)
    return Plan(
        report_type,
        up_to,
        tuple(report for report in reports if report.on <= up_to and not report.expired),
        cycles,
        tuple(judged(cycles, reports, come)),
        Calendar(counted, state.gone_after if state else gone_after),
        state,
        catalogue.baseline(report_type),
    )


def _settled(cycles: Iterable[CycleRecord], undecided: set[dt.date]) -> tuple[CycleRecord, ...]:
    """Return cycles with those that wait for anything taken for cut short: their files could not be had any more."""
    return tuple(
        dataclasses.replace(cycle, closed=True, decision=Decision.DISCARDED, broken=())
        if cycle.on in undecided
        else cycle
        for cycle in cycles
    )


@dataclasses.dataclass(frozen=True)
class Forgotten:
    """Keys of findings."""

    k1: Any
    k2: Any

    def __len__(self) -> int:
        return len(self.k1)


@dataclasses.dataclass(frozen=True)
class Expiry:
    """What the manifest is to say once days are no longer kept. Nothing of it is true before it is committed."""

    baseline: Baseline
    change: TypeDelta
    """Cycles and findings; no movement changes."""
    forgotten: Forgotten
    debris: tuple[str, ...]
    """Files that nothing needs once this is committed: those of findings, not those of the reports."""
    spills: tuple[str, ...]
    """Files that nothing needs already."""


def expire(plan: Plan, *, workspace: Workspace, executor: Executor) -> Expiry:
    """Fold the days that go into the baseline, and leave out of the findings what is forgotten."""
    tasks, spills = _tasks(plan, workspace, executor)
    results = executor.each(settle, workspace, tasks)
    workspace.checkpoint("state")
    state = plan.state and dataclasses.replace(
        plan.state,
        partitions=tuple(result.state for result in results),
        findings=sum(result.findings for result in results),
    )
    replaced = (*(plan.state.partitions if plan.state else ()), *(plan.before.partitions if plan.before else ()))
    nothing = MOVEMENTS.empty_table().rename_columns([*MOVEMENTS.names[:-1], "findings_sum"])
    return Expiry(
        Baseline(plan.type, tuple(result.baseline for result in results), plan.up_to),
        TypeDelta(plan.type, dt.date.max, nothing, plan.cycles, plan.judged, state),
        Forgotten(
            *(
                np.concatenate([np.zeros(0, np.uint64), *words])
                for words in ([result.k1 for result in results], [result.k2 for result in results])
            )
        ),
        replaced,
        spills,
    )


@dataclasses.dataclass(frozen=True)
class SettleTask:
    """One partition of a type whose days go."""

    type: str
    partition: int
    bits: int
    spills: tuple[Spill, ...]
    baseline: tuple[str, ...]
    state: tuple[str, ...]
    calendar: Calendar


@dataclasses.dataclass(frozen=True)
class Settled:
    """What came of a task: the two files, and which findings are forgotten."""

    baseline: str
    state: str
    findings: int
    k1: Any
    k2: Any


def _tasks(plan: Plan, workspace: Workspace, executor: Executor) -> tuple[list[SettleTask], tuple[str, ...]]:
    """Return the tasks, and the spills that were written for them."""
    if plan.state is None:  # no report of the type counts
        return [], ()
    baseline = plan.before.partitions if plan.before else ()
    bits = max(bits_for(plan.rows, plan.state), (len(baseline) - 1).bit_length() if baseline else 0)
    owners = [(report, part) for report in plan.reports for part in report.parts]
    respills = [RespillTask(number, plan.type, part, bits) for number, (_, part) in enumerate(owners)]
    paths = executor.each(respill, workspace, respills)
    spills = tuple(Spill(path, r.on, r.word) for (r, _), path in zip(owners, paths, strict=True))
    whole = SettleTask(plan.type, 0, bits, spills, baseline, plan.state.partitions, plan.calendar)
    return [dataclasses.replace(whole, partition=number) for number in range(1 << bits)], tuple(paths)


def settle(workspace: Workspace, task: SettleTask) -> Settled:
    """Fold the rows that go into one partition of the baseline; take what is forgotten out of it and of the state."""
    before = partition_of(workspace, task.baseline, task.partition, task.bits)
    rows = spilled_rows(workspace, task.spills, task.partition)
    folded = fold(task.type, before, rows, task.calendar, dt.date.max).state
    state = partition_of(workspace, task.state, task.partition, task.bits)
    is_past = _is_past(state, task.calendar)
    kept, gone = state.filter(pa.array(~is_past)), state.filter(pa.array(is_past))
    files = []
    for stem, table in (("base-", folded.filter(pa.array(_is_among(folded, kept)))), ("", kept)):
        write = functools.partial(write_state, table)
        files.append(workspace.write("state", task.type, f"{stem}{task.partition:04d}", write))
    return Settled(files[0], files[1], kept.num_rows, gone["k1"].to_numpy(), gone["k2"].to_numpy())


def _is_past(state: pa.Table, calendar: Calendar) -> Any:
    """Return which findings had gone by the cycles of the calendar and were not seen since (a mask)."""
    horizon = calendar.horizon or dt.date.min
    return state["last_cycle"].cast(pa.int32()).to_numpy() < (horizon - dt.date(1970, 1, 1)).days


def _is_among(findings: pa.Table, others: pa.Table) -> Any:
    """Return which findings are among others (a mask)."""
    count = findings.num_rows
    k1, k2 = (np.concatenate([findings[name].to_numpy(), others[name].to_numpy()]) for name in ("k1", "k2"))
    if not len(k1):
        return np.zeros(0, bool)
    order = in_key_order(k1, k2)
    key = np.cumsum(begins(k1[order], k2[order])) - 1
    is_there = np.zeros(key[-1] + 1, bool)
    is_there[key[order >= count]] = True
    mask = np.empty(len(order), bool)
    mask[order] = is_there[key]
    return mask[:count]


__all__: Sequence[str] = ["Expiry", "Forgotten", "Plan", "expire", "plan"]
