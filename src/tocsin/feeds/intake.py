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
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from tocsin.audit.actors import Actor
from tocsin.engine import run as engine
from tocsin.engine.beside import NOTHING, Beside
from tocsin.engine.bounds import last_acceptable
from tocsin.engine.cycles import Decision
from tocsin.engine.delivered import Recount
from tocsin.engine.executors import Executor, Threads
from tocsin.engine.run import Broken, Delta, Options
from tocsin.engine.said import LATER, Said, What
from tocsin.engine.store import Checkpoint, CycleRecord, no_checkpoint
from tocsin.engine.wholeness import lost_files
from tocsin.feeds import days, deciding, deliveries, mappings, reattribution, sayings, standing
from tocsin.feeds.actions import runs as actions
from tocsin.feeds.choices import ReportState, RunState
from tocsin.feeds.folders import files_of
from tocsin.feeds.holding import DECISION, REFOLD, REPLAY, WAIT_S, WITHDRAWAL, Waiting, in_silence
from tocsin.feeds.manifest import Catalogue, engine_report
from tocsin.feeds.models import Cycle, Report, Run, State
from tocsin.feeds.recounting import recount_without, repeated_in
from tocsin.feeds.storehouse import announcements, claims, context
from tocsin.feeds.summary import Before, Cost, summarise
from tocsin.feeds.sweeping import remove, store_lock, sweep
from tocsin.feeds.unfinished import awaited, closed_because_of
from tocsin.kernel import clock, disk, legible
from tocsin.kernel.memory import peak_rss_mb
from tocsin.kernel.names import readable
from tocsin.kernel.refusals import Conflict, InvalidInput, Unavailable

Progress = Callable[[str, float], None]


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C while a run was at work; its message says which, and what is to be done."""


def import_reports(
    paths: Sequence[Path],
    *,
    options: Options,
    by: Actor,
    at: dt.datetime,
    executor: Executor | None = None,
    wait_s: float = WAIT_S,
    waiting: Waiting = in_silence,
    progress: Progress = lambda _name, _share: None,
    checkpoint: Checkpoint = no_checkpoint,
    beside: Beside = NOTHING,
    tell_broken: Callable[[Sequence[Broken]], None] = lambda _broken: None,
) -> dict[str, Any]:
    """Import report files; return the run's summary. `beside` says what was made of some before; `tell_broken` is
    called with what could not be read, which the summary names without saying where it lies.

    Raises Busy when another import runs for longer than `wait_s`, Unavailable
    when the disk is full: then nothing has changed.
    """
    files = files_of(paths)
    with store_lock(wait_s, waiting=waiting) as held:
        clear_up(by=by)
        reattribution.catch_up(by=by)
        latest, come = options.latest or last_acceptable(at), options.come or days.last_come(at)
        options = dataclasses.replace(options, latest=latest, come=come)
        asked = {**dataclasses.asdict(options), "files": len(files), "latest": str(latest), "come": str(come)}
        started = actions.start_run(files=[readable(path.name) for path in files], options=asked, by=by, at=at)
        held.is_for(started.run)
        run = Run.objects.get(pk=started.run)
        meter, workers = _Meter(), executor or Threads(settings.TOCSIN.threads)
        with _recorded_failure(run, by):
            delta = engine.run(
                files,
                catalogue=Catalogue(),
                context=context(run, checkpoint),
                recognise=mappings.recognition(),
                executor=workers,
                options=options,
                progress=_Announced(run, progress),
                beside=beside,
            )
            run.refresh_from_db()  # its progress was written beside it
            summary = summarise(run.pk, delta, meter.cost(workers), at.date(), _waiting_before(_corrected_by(delta)))
            before = _files_before(delta)
            actions.commit_run(run, delta, summary, by=by, at=clock.now())
        tell_broken(delta.broken)
        checkpoint("committed")
        remove([*delta.debris, *before])
        if delta.broken or delta.unchanged:  # what was read of them has been written already
            sweep(run)
        checkpoint("after")
        reattribution.catch_up(by=by)  # claims may have changed while it ran
    return summary


def _files_before(delta: Delta) -> list[str]:
    """Return the files of reports that were here before in whatever state and are accepted: they have new ones."""
    rows = Report.objects.filter(digest__in=[report.id for report in (*delta.accepted, *delta.shelved)])
    return [path for row in rows for path in (*row.parts, row.quarantine) if path]


def _corrected_by(delta: Delta) -> list[tuple[str, int]]:
    """Return the name and the run of each report in whose place another came."""
    rows = Report.objects.filter(digest__in=delta.replaced).order_by("name", "on", "pk")
    return list(rows.values_list("name", "run_id"))


def _waiting_before(corrected: Sequence[tuple[str, int]] = ()) -> Before:
    cycles = Cycle.objects.values_list("type__name", "on")
    ahead = frozenset(awaited().values_list("type__name", "on"))
    return Before(frozenset(cycles.filter(held=True)), corrected, frozenset(cycles.filter(closed=False)), ahead)


def replay(
    run: Run,
    *,
    by: Actor,
    at: dt.datetime,
    wait_s: float = WAIT_S,
    waiting: Waiting = in_silence,
    progress: Progress = lambda _name, _share: None,
    checkpoint: Checkpoint = no_checkpoint,
) -> dict[str, Any]:
    """Read the reports of a run again under the mappings in force; return the summary of that.

    Raises Conflict when nothing of the run counts or may be of another day than what counts, Busy and Unavailable as
    `import_reports` does.
    """
    with store_lock(wait_s, work=REPLAY, waiting=waiting) as held:
        clear_up(by=by)
        reports = [engine_report(row) for row in deciding.reports_to_read_again(run)]
        asked = {"replay": run.pk, "files": len(reports)}
        started = actions.start_run(files=[report.name for report in reports], options=asked, by=by, at=at)
        held.is_for(started.run)
        again = Run.objects.get(pk=started.run)
        meter, workers = _Meter(), Threads(settings.TOCSIN.threads)
        with _recorded_failure(again, by):
            delta = engine.replay(
                reports,
                catalogue=Catalogue(),
                context=context(again, checkpoint),
                recognise=mappings.recognition(),
                executor=workers,
                options=Options(
                    gone_after=settings.TOCSIN.gone_after,
                    complete=False,
                    as_before=True,
                    latest=last_acceptable(run.started_at),
                    come=days.last_come(at),
                ),
                progress=_Announced(again, progress),
            )
            again.refresh_from_db()
            summary = summarise(
                again.pk, delta, meter.cost(workers), at.date(), _waiting_before(_corrected_by(delta)), of=run.pk
            )
            before = _files_before(delta)
            actions.replay_run(run, again, delta, summary, by=by, at=clock.now())
        checkpoint("committed")
        remove([*delta.debris, *before])
    return summary


@dataclasses.dataclass(frozen=True)
class Withdrawn:
    """What came of taking a run back."""

    delta: Delta
    recount: Recount
    past: int
    """Reports of it whose rows are no longer kept: what they showed goes on counting."""
    still: tuple[tuple[str, int], ...]
    """Names of reports that go on counting, each with the run that brought it too."""
    repeated: tuple[tuple[str, int], ...]
    """Names of reports that count no more, each with a later run in which it came when it was here already."""


def withdraw(run: Run, *, reason: str, by: Actor, at: dt.datetime, waiting: Waiting = in_silence) -> Withdrawn:
    """Let the reports of a run count no more, and those again that they had replaced; fold what is left. Raises
    Conflict when there is nothing of it.

    Those whose rows are no longer kept go on counting: nobody can say any more what would be without them.
    """
    if said := legible.flaw(reason, lines=True):
        raise InvalidInput(_(said), where="reason")
    with store_lock(work=WITHDRAWAL, run=run.pk, waiting=waiting):
        recount = recount_without(run)
        mine = {row.digest for row in deliveries.to_be_taken(run)}
        types = {report.type for report in (*recount.gone, *recount.renamed, *recount.restored)} | sayings.types_of(run)
        delta = _refold(run, types, at, recount=recount, untrue=[run.pk])
        actions.withdraw_run(run, delta, reason=reason, by=by, at=at)
        kept = {path for report in recount.gone for path in report.files}
        remove([path for path in delta.debris if path not in kept])
        still = _still(mine)
    past = run.reports.filter(state=ReportState.ACCEPTED).exclude(expired_at=None).count()
    return Withdrawn(delta, recount, past, still, repeated_in(run, recount.gone))


def _still(digests: Collection[str]) -> tuple[tuple[str, int], ...]:
    rows = Report.objects.filter(digest__in=digests, state=ReportState.ACCEPTED, expired_at=None)
    return tuple(rows.order_by("name", "on").values_list("name", "run_id"))


def decide(
    report_type: str,
    on: dt.date,
    *,
    by: Actor,
    at: dt.datetime,
    closed: bool | None = None,
    decision: str | None = None,
    waiting: Waiting = in_silence,
) -> bool:
    """Close a cycle, or confirm or discard a held one; say whether that changed anything: else nothing is recorded.

    Raises Conflict when there is no such cycle, InvalidInput when a day that lies ahead shall count; to discard it is
    how one is rid of it.
    """
    with store_lock(work=DECISION, waiting=waiting):
        shall_count = bool(closed) or decision == Decision.CONFIRMED.value
        row = deciding.cycle_to_decide(report_type, on, shall_count=shall_count)
        if _stands(row, closed=closed, decision=decision) and not (closed and sayings.is_closed_by_run(row)):
            return False
        what = [What.CLOSED] if closed else []
        what += [What(decision)] if decision else []
        delta = _refold(None, {report_type}, at, said=[Said(report_type, on, each, by=None) for each in what])
        cycle = next(each for one in delta.types for each in one.cycles if each.on == on)
        actions.decide_cycle(
            delta, report_type=report_type, on=on, closed=cycle.closed, decision=cycle.decision.value, by=by, at=at
        )
        remove(delta.debris)
    return True


def _stands(row: Cycle, *, closed: bool | None, decision: str | None) -> bool:
    """Say whether a cycle is already what it is said to be: closed and whole, decided so, or no question to confirm."""
    if closed is not None and (closed != row.closed or row.broken):
        return False
    if decision == Decision.CONFIRMED.value:
        return not row.held and row.decision != Decision.DISCARDED.value
    return decision is None or decision == row.decision


def declare_empty(report_type: str, on: dt.date, *, by: Actor, at: dt.datetime, waiting: Waiting = in_silence) -> bool:
    """Say that nothing was reported of a type for a day, and rightly so; say whether that changed anything.

    Raises Conflict when reports have come, InvalidInput when the day has not.
    """
    with store_lock(work=DECISION, waiting=waiting):
        deciding.refuse_to_declare_empty(report_type, on)
        cycle = CycleRecord(report_type, on, closed=True, decision=Decision.CONFIRMED)
        if cycle in Catalogue().cycles(report_type):
            return False
        delta = _refold(None, {report_type}, at, said=[Said(report_type, on, What.EMPTY, by=None)])
        actions.decide_cycle(delta, report_type=report_type, on=on, closed=True, decision="confirmed", by=by, at=at)
        remove(delta.debris)
    return True


def close(cycles: Sequence[tuple[str, dt.date]], *, by: Actor, at: dt.datetime, wait_s: float = WAIT_S) -> Delta:
    """Expect no more reports of these cycles (type and day). Those that are closed or not there are passed over; one of
    which that was said before its day had come counts now.

    One that is closed since a later day has begun is open again when what came of later days is withdrawn.
    """
    with store_lock(wait_s, work=DECISION):
        rows = Cycle.objects.select_related("type").filter(closed=False, type__name__in={kind for kind, _ in cycles})
        due = [row for row in rows if (row.type.name, row.on) in set(cycles)]
        have_come = set(awaited().filter(on__lte=days.last_come(at)).values_list("type__name", "on")) & set(cycles)
        found = sorted({*((row.type.name, row.on) for row in due), *have_come})
        closed = [
            Said(row.type.name, row.on, What.COMPLETE, LATER if run else "", by=run)
            for row in due
            for run in closed_because_of(row, at)
        ]
        delta = _refold(None, {kind for kind, _on in found}, at, said=closed)
        if found:
            actions.close_cycles(delta, cycles=found, by=by, at=at)
            remove(delta.debris)
    return delta


@dataclasses.dataclass(frozen=True)
class Refolded:
    """What came of computing findings anew."""

    types: dict[str, int]
    """How many findings each has now."""
    lost: tuple[str, ...]
    """Files of findings that could not be read. With them went who held gone findings that had changed hands."""


def refold(types: Sequence[str], *, by: Actor, at: dt.datetime, waiting: Waiting = in_silence) -> Refolded:
    """Compute findings of types from their observations anew, whatever became of the files that held them.

    Raises Conflict for a type without findings, LostFile when observations of it are lost.
    """
    with store_lock(work=REFOLD, waiting=waiting):
        clear_up(by=by)
        states = dict(State.objects.filter(type__name__in=types).values_list("type__name", "partitions"))
        for name in types:
            if name not in states:
                raise Conflict(_("there are no findings of {type}.").format(type=name))
        lost = lost_files(settings.TOCSIN.store, [path for paths in states.values() for path in paths])
        delta = _refold(None, set(types), at, anew=True)
        event = actions.refold_findings(delta, lost=sorted(lost), by=by, at=at)
        remove(delta.debris)
    return Refolded(event.types, event.lost)


def _refold(run: Run | None, types: set[str], at: dt.datetime, **what: Any) -> Delta:
    return engine.refold(
        types,
        catalogue=Catalogue(),
        context=context(run, no_checkpoint),
        executor=Threads(settings.TOCSIN.threads),
        options=Options(gone_after=settings.TOCSIN.gone_after, as_before=True, come=days.last_come(at)),
        **what,
    )


def folded_otherwise(names: Sequence[str], gone_after: int) -> dict[str, int]:
    """Return the types of reports that are here under these names and count by another `gone_after`, with theirs."""
    types = Report.objects.filter(name__in=names, state=ReportState.ACCEPTED).values_list("type", flat=True)
    others = State.objects.filter(type__in=set(types)).exclude(gone_after=gone_after)
    return dict(others.order_by("type__name").values_list("type__name", "gone_after"))


def clear_up(*, by: Actor) -> None:
    """End runs that a crash interrupted; their files are swept already. Needs the lock."""
    for run in Run.objects.filter(state=RunState.RUNNING):
        actions.fail_run(run, reason=standing.interruption(run), by=by, at=clock.now())


@contextlib.contextmanager
def _recorded_failure(run: Run, by: Actor) -> Iterator[None]:
    """Record why a run failed, and say what a full disk means."""
    try:
        yield
    except OSError as error:
        reason = disk.reason(error, settings.TOCSIN.home) or str(error)
        _fail(run, reason, by)
        raise Unavailable(reason) from error
    except KeyboardInterrupt:
        # A person stopped it: no failure, and no reason to show a traceback for.
        reason = standing.interruption(run)
        said = reason if _fail(run, reason, by) else "It was done before it could be interrupted. All of it counts."
        raise Interrupted(f"run {run.pk}: {said}") from None
    except BaseException as error:  # whatever ends an import
        # Whatever ends an import (an error of any library, a worker told to stop) must end its
        # run too, with the reason in its row and its files swept. Nothing is hidden: the error goes on.
        _fail(run, disk.reason(error, settings.TOCSIN.home) or str(error) or type(error).__name__, by)
        raise


def _fail(run: Run, reason: str, by: Actor) -> bool:
    """Record that a run failed, and return whether it did: not one that was stopped when all was committed."""
    sweep(run)
    run.refresh_from_db()
    has_failed = run.state == RunState.RUNNING
    if has_failed:
        actions.fail_run(run, reason=reason, by=by, at=clock.now())
    return has_failed


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

    def cost(self, executor: Executor) -> Cost:
        peak_mb = peak_rss_mb() + executor.others_peak_mb()
        return Cost(_cpu_s() - self._cpu, time.monotonic() - self._wall, peak_mb)


def _cpu_s() -> float:
    return sum(os.times()[:4])


__all__ = [
    "Interrupted",
    "Report",
    "announcements",
    "claims",
    "clear_up",
    "close",
    "context",
    "decide",
    "declare_empty",
    "folded_otherwise",
    "import_reports",
    "refold",
    "remove",
    "replay",
    "store_lock",
    "withdraw",
]
