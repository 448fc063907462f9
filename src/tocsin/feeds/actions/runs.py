"""What the engine found, made true in one transaction each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.audit.action import action
from tocsin.audit.actors import Actor
from tocsin.audit.changes import change
from tocsin.engine.run import Delta
from tocsin.feeds import deliveries, manifest, sayings
from tocsin.feeds.choices import RunState
from tocsin.feeds.events import (
    CycleDecided,
    CyclesClosed,
    FindingsReattributed,
    FindingsRefolded,
    RunCommitted,
    RunFailed,
    RunReplayed,
    RunStarted,
    RunWithdrawn,
)
from tocsin.feeds.models import Handover, ReportType, Run, State
from tocsin.feeds.versions import touch


@action("run.started")
def start_run(*, files: Sequence[str], options: dict[str, Any], by: Actor, at: dt.datetime) -> RunStarted:
    """Begin an import."""
    run = Run.objects.create(started_at=at, actor_label=by.audit_label, options=options)
    return RunStarted(run=run.pk, files=tuple(files), options=options)


@action("run.committed")
def commit_run(run: Run, delta: Delta, summary: dict[str, Any], *, by: Actor, at: dt.datetime) -> RunCommitted:
    """Make an import's reports count: the one transaction of a run."""
    manifest.apply(delta, run, at)
    change(run, state=RunState.DONE, finished_at=at, progress=1.0, note="", summary=summary)
    return RunCommitted(run=run.pk, summary={key: value for key, value in summary.items() if key != "constituents"})


@action("run.replayed")
def replay_run(
    run: Run, replay: Run, delta: Delta, summary: dict[str, Any], *, by: Actor, at: dt.datetime
) -> RunReplayed:
    """Put what was read again in the place of what `run` had read. `replay` is the run in which that was done."""
    manifest.apply(delta, run, at, again=True)
    change(replay, state=RunState.DONE, finished_at=at, progress=1.0, note="", summary=summary)
    told = {key: value for key, value in summary.items() if key != "constituents"}
    return RunReplayed(run=run.pk, replay=replay.pk, summary=told)


@action("run.failed")
def fail_run(run: Run, *, reason: str, by: Actor, at: dt.datetime) -> RunFailed:
    """End an import that came to nothing."""
    change(run, state=RunState.FAILED, finished_at=at, note=reason[:500])
    return RunFailed(run=run.pk, reason=reason)


@action("run.withdrawn")
def withdraw_run(run: Run, delta: Delta, *, reason: str, by: Actor, at: dt.datetime) -> RunWithdrawn:
    """Let the reports of an import count no more. Their files stay, so that history can be read.

    What a report of it had replaced counts again; what others had replaced of it will not. A run some of whose reports
    go on counting, since their rows are no longer kept, is not withdrawn itself.
    """
    names = tuple(name for name, _on in dict.fromkeys((row.name, row.on) for row in deliveries.to_be_taken(run)))
    manifest.apply(delta, None, at)
    deliveries.withdraw(run, delta)
    sayings.withdraw(run, delta)
    is_whole = not run.deliveries.filter(is_withdrawn=False).exists()
    change(run, state=RunState.WITHDRAWN if is_whole else run.state, note=reason[:500])
    again = tuple((report.name, report.on.isoformat()) for report in delta.restored)
    return RunWithdrawn(run=run.pk, reports=names, again=again, reason=reason)


@action("cycle.decided")
def decide_cycle(
    delta: Delta, *, report_type: str, on: dt.date, closed: bool, decision: str, by: Actor, at: dt.datetime
) -> CycleDecided:
    """Record what a person said about a cycle, with what follows from it."""
    manifest.apply(delta, None, at)
    return CycleDecided(type=report_type, on=on, closed=closed, decision=decision)


@action("cycle.closed")
def close_cycles(delta: Delta, *, cycles: Sequence[tuple[str, dt.date]], by: Actor, at: dt.datetime) -> CyclesClosed:
    """Expect no more reports of these cycles, with what follows from it."""
    manifest.apply(delta, None, at)
    return CyclesClosed(cycles=tuple((kind, on.isoformat()) for kind, on in cycles))


@action("finding.refolded")
def refold_findings(delta: Delta, *, lost: Sequence[str], by: Actor, at: dt.datetime) -> FindingsRefolded:
    """Put findings that were computed from their observations in the place of those that were there."""
    manifest.apply(delta, None, at)
    types = {one.type: one.state.findings if one.state else 0 for one in delta.types}
    return FindingsRefolded(types=types, lost=tuple(lost))


@action("finding.reattributed")
def reattribute_findings(
    states: Mapping[str, Sequence[str]], handovers: Sequence[tuple[str, str, str, str]], *, by: Actor, at: dt.datetime
) -> FindingsReattributed:
    """Put states in the place of those in which open findings had other holders.

    `states` are partitions by type, `handovers` are (finding, type, before, after).
    """
    types = {row.name: row for row in ReportType.objects.filter(name__in=states)}
    for name, partitions in states.items():
        State.objects.filter(type=types[name]).update(partitions=list(partitions))
    gained: dict[str, int] = {}
    rows = []
    for finding, name, before, after in handovers:
        gained[after] = gained.get(after, 0) + 1
        rows.append(Handover(finding=finding, type=types[name], before=before, after=after, at=at))
    Handover.objects.bulk_create(rows, batch_size=2000)
    touch()
    return FindingsReattributed(findings=len(rows), by_constituent=gained)
