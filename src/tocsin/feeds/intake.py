"""A whole import: take the lock, read, fold, commit, clear up.

The engine computes a delta from files and the manifest; one action commits it.
Until then nothing has happened, and a crash leaves only files that nobody
names, which the next run sweeps away.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import resource
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from tocsin.audit.actors import Actor
from tocsin.directory import queries as directory
from tocsin.directory.choices import TableKind
from tocsin.engine import run as engine
from tocsin.engine.claims import Claim, Claims
from tocsin.engine.enrich import Announcements
from tocsin.engine.executors import Executor, Threads
from tocsin.engine.intake import Context
from tocsin.engine.run import Delta, Options
from tocsin.engine.store import Checkpoint, CycleRecord, Workspace, no_checkpoint
from tocsin.feeds import mappings
from tocsin.feeds.actions import runs as actions
from tocsin.feeds.choices import ReportState, RunState
from tocsin.feeds.manifest import Catalogue, engine_cycle, engine_report
from tocsin.feeds.models import Cycle, Report, Run
from tocsin.feeds.summary import Cost, summarise
from tocsin.feeds.sweeping import WAIT_S, remove, store_lock, sweep, token
from tocsin.formats.recognition import Recognition
from tocsin.kernel import clock
from tocsin.kernel.disk import FULL, is_full
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable

Progress = Callable[[str, float], None]


def import_reports(
    paths: Sequence[Path],
    *,
    options: Options,
    by: Actor,
    at: dt.datetime,
    executor: Executor | None = None,
    wait_s: float = WAIT_S,
    progress: Progress = lambda _name, _share: None,
    checkpoint: Checkpoint = no_checkpoint,
) -> dict[str, Any]:
    """Import report files; return the run's summary.

    Raises Busy when another import runs for longer than `wait_s`, Unavailable
    when the disk is full: then nothing has changed.
    """
    files = files_of(paths)
    with store_lock(wait_s):
        clear_up(by=by)
        asked = {**dataclasses.asdict(options), "files": len(files)}
        started = actions.start_run(files=[path.name for path in files], options=asked, by=by, at=at)
        run = Run.objects.get(pk=started.run)
        meter = _Meter()
        with _recorded_failure(run, by):
            delta = engine.run(
                files,
                catalogue=Catalogue(),
                context=context(run, checkpoint),
                recognise=Recognition(mappings.current()),
                executor=executor or Threads(settings.TOCSIN.threads),
                options=options,
                progress=_Announced(run, progress),
            )
            summary = summarise(run.pk, delta, meter.cost())
            before = _files_before(delta)
            actions.commit_run(run, delta, summary, by=by, at=clock.now())
        checkpoint("committed")
        remove([*delta.debris, *before])
        if delta.broken or delta.unchanged:  # what was read of them has been written already
            sweep(run)
        checkpoint("after")
    return summary


def _files_before(delta: Delta) -> list[str]:
    """Return the files of reports that were withdrawn and are accepted again: they have new ones."""
    rows = Report.objects.filter(digest__in=[report.id for report in delta.accepted])
    return [path for row in rows for path in (*row.parts, row.quarantine) if path]


def withdraw(run: Run, *, reason: str, by: Actor, at: dt.datetime) -> Delta:
    """Let the reports of a run count no more, and fold what is left. Raises Conflict when there is nothing of it."""
    with store_lock():
        reports = [engine_report(row) for row in run.reports.filter(state=ReportState.ACCEPTED).select_related("type")]
        if not reports:
            raise Conflict(f"run {run.pk} has no report that counts.")
        delta = _refold(run, {report.type for report in reports}, withdrawn=reports)
        actions.withdraw_run(run, delta, reason=reason, by=by, at=at)
        kept = {path for report in reports for path in (*report.parts, report.quarantine)}
        remove([path for path in delta.debris if path not in kept])
    return delta


def decide(
    report_type: str,
    on: dt.date,
    *,
    by: Actor,
    at: dt.datetime,
    closed: bool | None = None,
    decision: str | None = None,
) -> Delta:
    """Close a cycle, or confirm or discard a held one. Raises Conflict when there is no such cycle."""
    with store_lock():
        row = Cycle.objects.select_related("type").filter(type__name=report_type, on=on).first()
        if row is None:
            raise Conflict(f"no report of {report_type} of {on} has arrived.")
        cycle = engine_cycle(row)
        cycle = CycleRecord(
            cycle.type,
            cycle.on,
            cycle.closed if closed is None else closed,
            cycle.decision if decision is None else type(cycle.decision)(decision),
            () if closed else cycle.broken,
        )
        delta = _refold(None, {report_type}, cycles=[cycle])
        actions.decide_cycle(
            delta, report_type=report_type, on=on, closed=cycle.closed, decision=cycle.decision.value, by=by, at=at
        )
        remove(delta.debris)
    return delta


def _refold(run: Run | None, types: set[str], **what: Any) -> Delta:
    gone_after = settings.TOCSIN.gone_after
    known = [state.gone_after for state in filter(None, map(Catalogue().state, types))]
    return engine.refold(
        types,
        catalogue=Catalogue(),
        context=context(run, no_checkpoint),
        executor=Threads(settings.TOCSIN.threads),
        options=Options(gone_after=known[0] if known else gone_after),
        recognise=Recognition(mappings.current()),
        **what,
    )


def context(run: Run | None, checkpoint: Checkpoint) -> Context:
    """Return what the engine needs to know of the directory, and where it may write."""
    name = f"{token(run)}-{secrets.token_hex(3)}" if run else f"s{secrets.token_hex(6)}"
    return Context(Workspace(settings.TOCSIN.store, name, checkpoint), claims(), announcements())


def claims() -> Claims:
    """Return all claims of the directory."""
    return Claims(
        [
            Claim(
                str(row.claim_id), row.constituent, row.kind, row.value, row.valid_from, row.valid_to, row.confirmed_at
            )
            for row in directory.claims_for_engine()
        ]
    )


def announcements() -> Announcements | None:
    """Return the reference table of announced prefixes, if one is loaded."""
    path = directory.reference_table(TableKind.ASN, settings.TOCSIN.store)
    return Announcements(lambda: directory.announced_ranges(path)) if path else None


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that paths name: a folder stands for what is in it. Raises InvalidInput for none."""
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files.extend(sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(".")))
        else:
            files.append(path)
    if not files:
        raise InvalidInput("there is no file to import.", where=", ".join(map(str, paths)))
    return files


def clear_up(*, by: Actor) -> None:
    """End runs that a crash interrupted; their files are swept already. Needs the lock."""
    for run in Run.objects.filter(state=RunState.RUNNING):
        actions.fail_run(
            run, reason="It was interrupted. Nothing of it counts; import its files again.", by=by, at=clock.now()
        )


@contextlib.contextmanager
def _recorded_failure(run: Run, by: Actor) -> Iterator[None]:
    """Record why a run failed, and say what a full disk means."""
    try:
        yield
    except OSError as error:
        reason = FULL if is_full(error, settings.TOCSIN.home) else str(error)
        _fail(run, reason, by)
        raise Unavailable(reason) from error
    except BaseException as error:  # the run must not stay "running", whatever happened; the error goes on
        _fail(run, FULL if is_full(error, settings.TOCSIN.home) else str(error) or type(error).__name__, by)
        raise


def _fail(run: Run, reason: str, by: Actor) -> None:
    sweep(run)
    run.refresh_from_db()
    if run.state == RunState.RUNNING:  # else it was stopped when all was committed
        actions.fail_run(run, reason=reason, by=by, at=clock.now())


class _Announced:
    """Tells the terminal, and every second the row that the page of a running import reads."""

    def __init__(self, run: Run, then: Progress) -> None:
        self._run, self._then, self._told_at = run, then, 0.0

    def __call__(self, name: str, share: float) -> None:
        self._then(name, share)
        if time.monotonic() - self._told_at >= 1:
            self._told_at = time.monotonic()
            Run.objects.filter(pk=self._run.pk).update(progress=share, note=name[:500])


class _Meter:
    """Measures a run."""

    def __init__(self) -> None:
        self._cpu, self._wall = _cpu_s(), time.monotonic()

    def cost(self) -> Cost:
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Cost(_cpu_s() - self._cpu, time.monotonic() - self._wall, peak_kb / 1024)


def _cpu_s() -> float:
    return sum(os.times()[:4])


__all__ = ["Report", "decide", "import_reports", "withdraw"]
